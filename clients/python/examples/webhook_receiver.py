"""Takes the events of a webhook: checks every signature, and tells each event once."""

# ruff: noqa: T201  # it is a program: what it prints is its output

# --8<-- [start:receiver]
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["SECRET"])
seen: set[str] = set()  # yours is a table, written in one transaction with what the event changes


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            # Checks the signature, and that the request is no more than five minutes old.
            event = webhook.verify(body, dict(self.headers))
        except WebhookVerificationError:
            return self.answer(401)
        if event["type"] == "message.status" and self.headers["webhook-id"] not in seen:
            seen.add(self.headers["webhook-id"])
            print(event["data"]["messageId"], event["data"]["toStatus"], flush=True)
        self.answer(204)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()


server = ThreadingHTTPServer(("", int(os.environ.get("PORT", "8080"))), Receiver)
print("listening on", server.server_port, flush=True)
server.serve_forever()
# --8<-- [end:receiver]
