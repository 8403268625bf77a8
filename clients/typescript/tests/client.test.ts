/** Calls and streams of the client over a real connection. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Metadata, status as Code } from "@grpc/grpc-js";
import {
  Cancelled,
  ClosedError,
  Conflict,
  DeadlineExceeded,
  duration,
  InvalidRequest,
  messageService,
  SmsgateClient,
} from "../src/index.js";
import { withPeer } from "./peer.js";
import { events, inFlight, opened } from "./responses.js";

const { SendMessageResponse, GetMessageResponse } = messageService;

test("a request id is made once for all tries of a call", async () => {
  const seen: string[] = [];
  await withPeer(
    {
      sendMessage: (call, answer) => {
        seen.push(call.request.requestId);
        if (seen.length < 3) {
          const metadata = new Metadata();
          metadata.set("grpc-retry-pushback-ms", "1");
          answer({ code: Code.UNAVAILABLE, metadata });
        } else {
          answer(null, SendMessageResponse.fromPartial({}));
        }
      },
    },
    async (client) => {
      await client.send({ recipient: "+393331234567", text: "Ciao!" });
      await client.send({ recipient: "+393331234567", text: "Ciao!" });
      await client.send({ recipient: "+393331234567", text: "Ciao!", requestId: "mine" });
    },
  );
  assert.equal(seen.length, 5);
  assert.match(seen[0] ?? "", /^[0-9a-f-]{36}$/);
  assert.equal(new Set(seen.slice(0, 3)).size, 1);
  assert.notEqual(seen[3], seen[0]);
  assert.equal(seen[4], "mine");
});

test("a call that is under way is repeated until its result is there, with one request id", async () => {
  const seen: string[] = [];
  await withPeer(
    {
      sendMessage: (call, answer) => {
        seen.push(call.request.requestId);
        if (seen.length < 4) {
          answer(inFlight(1));
        } else {
          answer(null, SendMessageResponse.fromPartial({ replayed: true }));
        }
      },
    },
    async (client) => {
      assert.equal((await client.send({ text: "Ciao!" })).replayed, true);
    },
  );
  assert.equal(seen.length, 4);
  assert.equal(new Set(seen).size, 1);
});

test("a call that stays under way ends, as does one whose result comes after its deadline", async () => {
  for (const [delayMs, tries] of [
    [1, 11],
    [3_600_000, 1],
  ] as const) {
    let seen = 0;
    await withPeer(
      {
        sendMessage: (_, answer) => {
          seen += 1;
          answer(inFlight(delayMs));
        },
      },
      async (client) => {
        await assert.rejects(client.send({ text: "Ciao!" }), Conflict);
      },
    );
    assert.equal(seen, tries);
  }
});

test("a signal ends a call that waits for its first attempt", async () => {
  const stop = new AbortController();
  const began = Date.now();
  await withPeer(
    {
      sendMessage: (_, answer) => {
        answer(inFlight(60_000));
        setTimeout(() => {
          stop.abort();
        }, 100);
      },
    },
    async (client) => {
      const settings = { signal: stop.signal, timeoutMs: 120_000 };
      await assert.rejects(client.send({ text: "Ciao!" }, settings), Cancelled);
    },
  );
  assert.ok(Date.now() - began < 30_000);
});

test("the caller's request is not changed", async () => {
  await withPeer(
    {
      sendMessage: (_, answer) => {
        answer(null, SendMessageResponse.fromPartial({}));
      },
    },
    async (client) => {
      const request = messageService.SendMessageRequest.fromPartial({ text: "Ciao!" });
      await client.messages.sendMessage(request);
      assert.equal(request.requestId, "");
    },
  );
});

test("a call has a deadline, and one that waits has its wait on top", async () => {
  const left: number[] = [];
  await withPeer(
    {
      getMessage: (call, answer) => {
        left.push(Number(call.getDeadline()) - Date.now());
        answer(null, GetMessageResponse.fromPartial({}));
      },
    },
    async (client) => {
      await client.get({ id: "a" });
      await client.get({ id: "a", waitAfterCursor: "c", wait: duration(30) });
      await client.get({ id: "a" }, { timeoutMs: 90_000 });
    },
    { timeoutMs: 20_000 },
  );
  const tens = left.map((ms) => Math.round(ms / 10_000));
  assert.deepEqual(tens, [2, 5, 9]);
});

test("an answer that does not come is the end of waiting, and a signal is, too", async () => {
  await withPeer({ getMessage: () => undefined }, async (client) => {
    await assert.rejects(client.get({ id: "a" }, { timeoutMs: 30 }), DeadlineExceeded);
    const stop = new AbortController();
    const waiting = client.get({ id: "a" }, { signal: stop.signal });
    stop.abort(new Error("enough"));
    await assert.rejects(waiting, (error: Error) => {
      assert.ok(error instanceof Cancelled);
      assert.equal((error.cause as Error).message, "enough");
      return true;
    });
    await assert.rejects(client.get({ id: "a" }, { signal: stop.signal }), Cancelled);
  });
});

test("a client that was closed says so", async () => {
  const client = new SmsgateClient({ target: "127.0.0.1:1" });
  client.close();
  await assert.rejects(client.get({ id: "a" }), ClosedError);
  await assert.rejects(client.follow().next(), ClosedError);
});

test("a stream goes on from its cursor, with the same key", async () => {
  const cursors: (string | undefined)[] = [];
  const keys: unknown[] = [];
  await withPeer(
    {
      streamStatus: (call) => {
        cursors.push(call.request.cursor);
        keys.push(call.metadata.get("authorization")[0]);
        call.write(opened(`c${String(cursors.length)}`));
        if (cursors.length === 1) {
          call.emit("error", { code: Code.UNAVAILABLE, details: "gone" });
        } else {
          call.write(events("c9", "a"));
        }
      },
    },
    async (client) => {
      for await (const event of client.follow()) {
        assert.equal(event.messageId, "a");
        break;
      }
    },
    { apiKey: "sk_1" },
  );
  assert.deepEqual(cursors, [undefined, "c1"]);
  assert.deepEqual(keys, ["Bearer sk_1", "Bearer sk_1"]);
});

test("leaving the loop ends the stream at the server", async () => {
  let left: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => (left = resolve));
  await withPeer(
    {
      streamStatus: (call) => {
        call.on("cancelled", left);
        call.write(events("c1", "a"));
      },
    },
    async (client) => {
      for await (const _event of client.follow()) {
        break;
      }
      await gone;
    },
  );
});

test("a signal ends a stream while it waits, and while its reader is busy", async () => {
  await withPeer({ streamStatus: (call) => call.write(events("c1", "a")) }, async (client) => {
    for (const busy of [true, false]) {
      const stop = new AbortController();
      const reading = async (): Promise<void> => {
        for await (const _event of client.follow({}, { signal: stop.signal })) {
          if (busy) {
            stop.abort();
          } else {
            setImmediate(() => {
              stop.abort();
            });
          }
        }
      };
      await assert.rejects(reading(), Cancelled);
    }
  });
});

test("what waiting cannot mend is thrown to the reader", async () => {
  const metadata = new Metadata();
  await withPeer(
    {
      streamStatus: (call) => {
        call.emit("error", { code: Code.INVALID_ARGUMENT, details: "no such filter", metadata });
      },
    },
    async (client) => {
      await assert.rejects(client.follow().next(), InvalidRequest);
    },
  );
});
