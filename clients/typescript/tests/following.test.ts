/** A stream that outlives its connections, without any connection. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { status as Code } from "@grpc/grpc-js";
import {
  Cancelled,
  CursorExpired,
  DeadlineExceeded,
  type FollowState,
  InvalidRequest,
  LimitExceeded,
  MessageStatus,
  messageService,
  PermissionDenied,
  ServerError,
  type SmsgateError,
  Unauthenticated,
  Unavailable,
} from "../src/index.js";
import { MAX_BACKOFF_MS } from "../src/following.js";
import {
  end,
  events,
  following,
  heartbeat,
  opened,
  response,
  snapshot,
  snapshotEnd,
  taken,
  Turned,
  unavailable,
} from "./responses.js";

const { PENDING, DELIVERED } = MessageStatus;
const Reason = messageService.StreamStatusResponse_End_Reason;

test("before the first response a break repeats the first request", () => {
  const stream = following({ fromEarliest: true, endWhenAllTerminal: true });
  const first = stream.request();
  stream.broken(unavailable());
  assert.deepEqual(stream.request(), first);
  assert.equal(first.fromEarliest, true);
});

test("a break goes on after the last whole response with the same filter", () => {
  const stream = following({ fromEarliest: true, filter: { countries: ["IT"] } });
  taken(stream, opened("c0"));
  assert.equal(stream.request().cursor, "c0", "a break before the first event would lose it");
  taken(stream, events("c1", "a"), events("c2", "b"));
  stream.broken(unavailable());
  const next = stream.request();
  assert.equal(next.cursor, "c2");
  assert.equal(next.fromEarliest, undefined);
  assert.deepEqual(next.filter?.countries, ["IT"]);
});

test("only the last event of a response has its cursor", () => {
  const stream = following();
  taken(stream, opened("c0"));
  const items = taken(stream, events("c1", "a", "b", "c"));
  assert.deepEqual(
    items.map((item) => item.cursor),
    ["c0", "c0", "c1"],
  );
});

test("a heartbeat is a bookmark only if it moved", () => {
  const states: FollowState[] = [];
  const stream = following({}, { onState: (state) => states.push(state) });
  taken(stream, opened("c0"));
  assert.deepEqual(taken(stream, heartbeat("c0", 2)), []);
  assert.deepEqual(states.at(-1), { phase: "heartbeat", cursor: "c0", lagSeconds: 2 });
  assert.deepEqual(taken(stream, heartbeat("c1")), [{ cursor: "c1", coalesced: 0 }]);
});

test("what LATEST_ONLY left out is said with the first event", () => {
  const items = taken(following(), { ...events("c1", "a", "b"), coalesced: 7 });
  assert.deepEqual(
    items.map((item) => item.coalesced),
    [7, 0],
  );
});

test("a draining server is left for another", () => {
  const stream = following();
  taken(stream, events("c1", "a"), end(Reason.SERVER_DRAINING));
  assert.equal(stream.draining, true);
  assert.equal(stream.finished, false);
  stream.ended();
  assert.equal(stream.request().cursor, "c1");
  assert.equal(stream.draining, false);
});

test("all terminal is the end", () => {
  const phases: string[] = [];
  const stream = following({ endWhenAllTerminal: true }, { onState: (s) => phases.push(s.phase) });
  taken(stream, opened("c0"), end(Reason.ALL_TERMINAL));
  assert.equal(stream.finished, true);
  assert.deepEqual(phases, ["open", "ended"]);
});

test("an interrupted snapshot starts again and yields only what is new", () => {
  const stream = following({ snapshot: true });
  taken(stream, opened("c0"), snapshot(["1", PENDING], ["2", PENDING]));
  stream.broken(unavailable());
  assert.equal(stream.request().snapshot, true);
  assert.equal(stream.request().cursor, undefined);
  const items = taken(
    stream,
    opened("c5"),
    snapshot(["1", DELIVERED], ["2", PENDING], ["3", PENDING]),
  );
  assert.deepEqual(
    items.map((item) => item.message?.id),
    ["1", "3"],
  );
  assert.deepEqual(taken(stream, snapshotEnd("c6")), [{ cursor: "c6", coalesced: 0 }]);
  assert.equal(stream.request().snapshot, false);
  assert.equal(stream.request().cursor, "c6");
});

const PASSES: [SmsgateError, boolean][] = [
  [new Unavailable({ code: Code.UNAVAILABLE }), true],
  [new Unavailable({ code: Code.UNAVAILABLE, reason: "STORE_UNAVAILABLE" }), true],
  [new LimitExceeded({ code: Code.RESOURCE_EXHAUSTED, reason: "SLOW_CONSUMER" }), true],
  [new LimitExceeded({ code: Code.RESOURCE_EXHAUSTED, reason: "TOO_MANY_STREAMS" }), true],
  [new ServerError({ code: Code.INTERNAL }), true],
  [new Cancelled({ code: Code.CANCELLED }), true],
  [new DeadlineExceeded({ code: Code.DEADLINE_EXCEEDED }), true],
  [new LimitExceeded({ code: Code.RESOURCE_EXHAUSTED }), false],
  [new ServerError({ code: Code.INTERNAL, reason: "INTERNAL" }), false],
  [new CursorExpired({ code: Code.OUT_OF_RANGE, reason: "CURSOR_EXPIRED" }), false],
  [new InvalidRequest({ code: Code.INVALID_ARGUMENT, reason: "CURSOR_INVALID" }), false],
  [new Unauthenticated({ code: Code.UNAUTHENTICATED }), false],
  [new PermissionDenied({ code: Code.PERMISSION_DENIED }), false],
];

for (const [error, passes] of PASSES) {
  test(`${error.message} is ${passes ? "waited out" : "the end"}`, () => {
    const stream = following();
    taken(stream, opened("c0"));
    if (passes) {
      assert.ok(stream.broken(error) > 0);
    } else {
      assert.throws(() => stream.broken(error), error);
    }
  });
}

test("an error that is not ours and does not pass is meant", () => {
  const stream = following();
  const foreign = new ServerError({ code: Code.UNKNOWN, message: "a proxy's" });
  for (let n = 0; n < 5; n++) {
    stream.broken(foreign);
  }
  assert.throws(() => stream.broken(foreign), foreign);
});

test("too many streams at the very first is no break, but an answer", () => {
  const limit = new LimitExceeded({ code: Code.RESOURCE_EXHAUSTED, reason: "TOO_MANY_STREAMS" });
  assert.throws(() => following().broken(limit), limit);
});

test("waits grow to their ceiling and begin again after a response other than Opened", () => {
  const stream = following();
  const waits = Array.from({ length: 7 }, () => stream.broken(unavailable()));
  assert.deepEqual(waits, [100, 200, 400, 800, 1_600, MAX_BACKOFF_MS, MAX_BACKOFF_MS]);
  taken(stream, opened("c0"));
  assert.equal(stream.broken(unavailable()), MAX_BACKOFF_MS);
  taken(stream, heartbeat("c1"));
  assert.equal(stream.broken(unavailable()), 100);
});

test("a wait is any part of its ceiling, but not less than the server asked for", () => {
  const chance = new Turned();
  chance.luck = 0.25;
  const stream = following({}, {}, chance);
  assert.equal(stream.broken(unavailable()), 25);
  assert.equal(stream.broken(unavailable(900)), 900);
  assert.equal(stream.broken(unavailable(3_600_000)), MAX_BACKOFF_MS);
});

test("an outage that lasts longer than allowed ends with its last error", () => {
  const chance = new Turned();
  const stream = following({}, { maxOutageMs: 5_000 }, chance);
  taken(stream, opened("c0"));
  chance.now = 100_000;
  stream.broken(unavailable());
  chance.now = 104_999;
  stream.broken(unavailable());
  chance.now = 105_000;
  const last = unavailable();
  assert.throws(() => stream.broken(last), last);
});

test("when the time to follow is over, that is what it ends with", () => {
  const chance = new Turned();
  const stream = following({}, { timeoutMs: 10_000 }, chance);
  chance.now = 9_950;
  assert.equal(stream.timeLeftMs(), 50);
  assert.equal(stream.broken(unavailable()), 50);
  chance.now = 10_000;
  assert.throws(() => stream.broken(unavailable()), DeadlineExceeded);
});

test("three heartbeats of silence are a break, and it says so", () => {
  const told: FollowState[] = [];
  const request = { heartbeatInterval: { seconds: 2n, nanos: 0 } };
  const stream = following(request, { onState: (state) => told.push(state) });
  assert.equal(stream.silenceLimitMs, 6_000);
  assert.equal(following().silenceLimitMs, 45_000);
  stream.silent();
  const [state] = told;
  assert.ok(state?.phase === "interrupted");
  assert.equal(state.error.reason, "HEARTBEAT_MISSED");
});

test("a response that holds nothing known changes nothing", () => {
  assert.deepEqual(taken(following(), response({})), []);
});
