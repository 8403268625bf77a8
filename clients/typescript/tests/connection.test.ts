/** Where and how it connects. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionOf, isLocal } from "../src/connection.js";

const LOCAL = [
  "127.0.0.1:50051",
  "127.8.9.10:1",
  "localhost:50051",
  "localhost",
  "[::1]:50051",
  "::1",
  "ipv4:127.0.0.1:1,127.0.0.1:2",
  "dns:///localhost:50051",
  "unix:/run/smsgate.sock",
];
const REMOTE = [
  "sms.example.com:443",
  "10.0.0.1:50051",
  "ipv4:127.0.0.1:1,10.0.0.1:2",
  "[2001:db8::1]:443",
  "localhost.example.com:443",
  "127.0.0.1.example.com:443",
  "dns://9.9.9.9/sms.example.com",
];

test("only this machine is reached without TLS", () => {
  for (const target of LOCAL) {
    assert.equal(isLocal(target), true, target);
    assert.equal(connectionOf({ target }, {}).credentials._isSecure(), false, target);
  }
  for (const target of REMOTE) {
    assert.equal(isLocal(target), false, target);
    assert.equal(connectionOf({ target }, {}).credentials._isSecure(), true, target);
  }
});

test("unless it is told so", () => {
  const target = "sms.example.com:50051";
  assert.equal(connectionOf({ target, insecure: true }, {}).credentials._isSecure(), false);
});

test("what is given wins over the environment, and that over the default", () => {
  const environment = { SMSGATE_TARGET: "a:1", SMSGATE_API_KEY: "key" };
  assert.equal(connectionOf({}, {}).target, "127.0.0.1:50051");
  assert.equal(connectionOf({}, environment).target, "a:1");
  assert.equal(connectionOf({}, environment).apiKey, "key");
  const given = connectionOf({ target: "b:2", apiKey: "mine" }, environment);
  assert.deepEqual([given.target, given.apiKey], ["b:2", "mine"]);
  assert.equal(connectionOf({ target: "" }, environment).target, "a:1");
});

test("options that contradict one another are an error at once", () => {
  const wrong = [
    [{ apiKey: "sk_1\n" }, /API key/],
    [{ tlsKey: Buffer.from("k") }, /certificate/],
    [{ tlsCertificate: Buffer.from("c") }, /key/],
    [{ tlsCa: Buffer.from("c"), insecure: true }, /exclude/],
  ] as const;
  for (const [options, words] of wrong) {
    assert.throws(() => connectionOf(options, {}), words);
  }
});

test("a file that is not there is named", () => {
  assert.throws(() => connectionOf({ tlsCa: "/nowhere/ca.pem" }, {}), /\/nowhere\/ca\.pem/);
});

test("every call is tried again but those that make secrets, and the stream", () => {
  const { options } = connectionOf({}, {});
  const config = JSON.parse(String(options["grpc.service_config"])) as {
    methodConfig: [{ name: { service: string; method: string }[] }];
  };
  const names = config.methodConfig[0].name.map(({ method }) => method);
  assert.ok(names.includes("SendMessage") && names.includes("TopUp"));
  for (const method of ["CreateApiKey", "RotateWebhookSecret", "StreamStatus"]) {
    assert.ok(!names.includes(method), method);
  }
});

test("options of the channel win over ours", () => {
  const given = connectionOf({ channel: { "grpc.keepalive_time_ms": 5 } }, {});
  assert.equal(given.options["grpc.keepalive_time_ms"], 5);
});
