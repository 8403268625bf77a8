/** A gRPC server that does what a test wants. The scenarios are run against the real one. */

import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
} from "@grpc/grpc-js";
import { type ClientOptions, messageService, SmsgateClient } from "../src/index.js";

interface Handlers {
  sendMessage?: handleUnaryCall<
    messageService.SendMessageRequest,
    messageService.SendMessageResponse
  >;
  getMessage?: handleUnaryCall<messageService.GetMessageRequest, messageService.GetMessageResponse>;
  streamStatus?: handleServerStreamingCall<
    messageService.StreamStatusRequest,
    messageService.StreamStatusResponse
  >;
}

/** Calls `use` with a client of a server that has those handlers. */
export async function withPeer(
  handlers: Handlers,
  use: (client: SmsgateClient) => Promise<void>,
  options: ClientOptions = {},
): Promise<void> {
  const server = new Server();
  server.addService(messageService.MessageServiceService, { ...handlers });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) {
        resolve(bound);
      } else {
        reject(error);
      }
    });
  });
  const client = new SmsgateClient({ ...options, target: `127.0.0.1:${String(port)}` });
  try {
    await use(client);
  } finally {
    client.close();
    server.forceShutdown();
  }
}
