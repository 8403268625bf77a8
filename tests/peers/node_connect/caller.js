// Calls a gateway with Buf's own clients, in every way that they have, and tells for each what came
// of it, as a line of JSON:
//
//   node caller.js DESCRIPTOR_SET WEB_URL GRPC_URL
'use strict';

const { readFileSync } = require('fs');
const { createFileRegistry, fromBinary } = require('@bufbuild/protobuf');
const { FileDescriptorSetSchema } = require('@bufbuild/protobuf/wkt');
const { Code, ConnectError, createClient } = require('@connectrpc/connect');
const node = require('@connectrpc/connect-node');
const web = require('@connectrpc/connect-web');

const [set, webUrl, grpcUrl] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(set)));
const service = registry.getService('smsgate.v1.MessageService');
const statuses = registry.getEnum('smsgate.v1.MessageStatus');
const errorInfo = registry.getMessage('google.rpc.ErrorInfo');
const badRequest = registry.getMessage('google.rpc.BadRequest');

// A deadline is a header of its own in each protocol.
const there = { baseUrl: webUrl, defaultTimeoutMs: 30_000 };
const one = { ...there, httpVersion: '1.1' };
const transports = {
  'Connect, binary': node.createConnectTransport({ ...one, useBinaryFormat: true }),
  'Connect, JSON': node.createConnectTransport({ ...one, useBinaryFormat: false }),
  'gRPC-Web': node.createGrpcWebTransport(one),
  // Those of browsers, on fetch.
  'Connect, binary, fetch': web.createConnectTransport({ ...there, useBinaryFormat: true }),
  'Connect, JSON, fetch': web.createConnectTransport({ ...there, useBinaryFormat: false }),
  'gRPC-Web, fetch': web.createGrpcWebTransport(there),
  gRPC: node.createGrpcTransport({ ...there, baseUrl: grpcUrl }),
};

async function told(way, client) {
  const first = await client.sendMessage({ recipient: '+393331234567', text: `Ciao, ${way}!` });
  const got = await client.getMessage({ id: first.message.id });
  const followed = await until(client, first);
  // In between: from where the first ended the second is seen whole, and of the first nothing.
  const second = await client.sendMessage({ recipient: '+351912345678', text: 'Olá!' });
  const resumed = await all(client, followed.cursor, [first.message.id, second.message.id]);
  return {
    way,
    text: got.message.text,
    followed: followed.names,
    resumed: resumed.map((event) => [event.messageId === second.message.id, name(event)]),
    refused: await refusal(client.sendMessage({ recipient: '12', text: '' })),
    unknown: await refusal(client.getMessage({ id: '01890000-0000-7000-8000-000000000000' })),
    refusedStream: await refusal(all(client, 'nonsense', [first.message.id])),
  };
}

const name = (event) => statuses.value[event.toStatus].name.replace('MESSAGE_STATUS_', '');
const from = (cursor) => ({ case: 'cursor', value: cursor });

// Follows a message that was sent until it is delivered, and leaves the stream, which has no end.
async function until(client, sent) {
  const names = [];
  const request = { start: from(sent.cursor), filter: { messageIds: [sent.message.id] } };
  for await (const response of client.streamStatus(request)) {
    names.push(...response.events.map(name));
    if (names.includes('DELIVERED')) {
      return { names, cursor: response.cursor };
    }
  }
  throw new Error('the stream ended');
}

// Every event of a stream that ends by itself.
async function all(client, cursor, messageIds) {
  const events = [];
  const request = { start: from(cursor), filter: { messageIds }, endWhenAllTerminal: true };
  for await (const response of client.streamStatus(request)) {
    events.push(...response.events);
  }
  return events;
}

async function refusal(call) {
  const error = await call.then(
    () => new Error('it was not refused'),
    (thrown) => thrown,
  );
  if (!(error instanceof ConnectError)) {
    throw error;
  }
  const [info] = error.findDetails(errorInfo);
  const violations = error.findDetails(badRequest).flatMap((detail) => detail.fieldViolations);
  return [Code[error.code], info?.reason, violations.map((violation) => violation.field)];
}

async function main() {
  for (const [way, transport] of Object.entries(transports)) {
    console.log(JSON.stringify(await told(way, createClient(service, transport))));
  }
  // The connections of fetch and of HTTP/2 would be kept for a while.
  process.exit();
}

main();
