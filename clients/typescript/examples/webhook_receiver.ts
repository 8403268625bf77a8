/** Takes the events of a webhook: checks every signature, and tells each event once. */

// --8<-- [start:receiver]
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

interface Event {
  type: string;
  data: { messageId: string; toStatus: string };
}

const webhook = new Webhook(process.env.SECRET ?? "");
const seen = new Set<string>(); // yours is a table, written in one transaction with what the event changes

/** The status to answer with. */
async function receive(request: IncomingMessage): Promise<number> {
  const headers = request.headers as Record<string, string>;
  const id = headers["webhook-id"] ?? "";
  const body = await text(request);
  let event: Event;
  try {
    // Checks the signature, and that the request is no more than five minutes old.
    event = webhook.verify(body, headers) as Event;
  } catch {
    return 401;
  }
  if (event.type === "message.status" && !seen.has(id)) {
    seen.add(id);
    console.log(event.data.messageId, event.data.toStatus);
  }
  return 204;
}

const server = createServer((request, response) => {
  receive(request).then(
    (status) => response.writeHead(status).end(),
    () => response.destroy(), // it broke off
  );
});
server.listen(Number(process.env.PORT ?? "8080"), () => {
  console.log("listening on", (server.address() as AddressInfo).port);
});
// --8<-- [end:receiver]
