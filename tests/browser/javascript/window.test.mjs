import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Outcomes,
  SecondCounts,
  WINDOW_SECONDS,
} from "../../../server/smsgate_server/dashboard/assets/window.js";

const NOW = 1_800_000_000_000;

test("what leaves the window is no more counted", () => {
  const counts = new SecondCounts();
  counts.add("DELIVERED", NOW);
  counts.add("DELIVERED", NOW + 1_000);
  counts.advance(NOW + (WINDOW_SECONDS - 1) * 1_000);
  assert.equal(counts.total("DELIVERED"), 2);
  counts.advance(NOW + WINDOW_SECONDS * 1_000);
  assert.equal(counts.total("DELIVERED"), 1);
  counts.advance(NOW + 10 * WINDOW_SECONDS * 1_000);
  assert.equal(counts.total("DELIVERED"), 0);
});

test("what is older than the window is not counted, what is a little late is", () => {
  const counts = new SecondCounts();
  counts.add("NEW", NOW);
  counts.add("NEW", NOW - 5_000);
  counts.add("NEW", NOW - WINDOW_SECONDS * 1_000);
  assert.equal(counts.total("NEW"), 2);
});

test("the window always holds what a recount finds", () => {
  const counts = new SecondCounts();
  const added = [];
  let seed = 7;
  const random = (limit) => (seed = (seed * 48_271) % 2_147_483_647) % limit;
  let now = NOW;
  for (let step = 0; step < 5_000; step += 1) {
    now += random(2_000);
    const time = now - random(3) * 1_000;
    counts.add("PENDING", time);
    added.push(Math.floor(time / 1_000));
  }
  counts.advance(now);
  const first = Math.floor(now / 1_000) - WINDOW_SECONDS;
  assert.equal(counts.total("PENDING"), added.filter((second) => second > first).length);
});

test("a series has whole seconds, the oldest first", () => {
  const counts = new SecondCounts();
  for (const ago of [4, 4, 3, 1]) counts.add("NEW", NOW - ago * 1_000);
  counts.advance(NOW);
  assert.deepEqual(counts.series("NEW", 4, 1), [2, 1, 0, 1]);
  assert.deepEqual(counts.series("NEW", 4, 2), [3, 1]);
  assert.equal(counts.perSecond("NEW", 4), 1);
});

test("delivery rate and quantiles of latency, by key, the largest first", () => {
  const outcomes = new Outcomes();
  for (let number = 1; number <= 100; number += 1)
    outcomes.add("IT", "DELIVERED", NOW, number * 100);
  outcomes.add("ES", "UNDELIVERABLE", NOW, 50);
  outcomes.add("ES", "PENDING", NOW, 50);
  const [italy, spain] = outcomes.table(NOW);
  assert.deepEqual([italy.key, italy.final, italy.share], ["IT", 100, 1]);
  assert.ok(Math.abs(italy.median / 5_000 - 1) < 0.11, italy.median);
  assert.ok(Math.abs(italy.slow / 9_500 - 1) < 0.11, italy.slow);
  assert.deepEqual([spain.final, spain.share, spain.median], [1, 0, null]);
  assert.deepEqual(outcomes.table(NOW + WINDOW_SECONDS * 1_000), []);
});

test("more keys than there can be countries are summed up", () => {
  const outcomes = new Outcomes();
  for (let number = 0; number < 1_000; number += 1)
    outcomes.add(`key ${number}`, "DELIVERED", NOW, 10);
  const table = outcomes.table(NOW);
  assert.equal(table.length, 301);
  assert.equal(table[0].key, "others");
  assert.equal(
    table.reduce((sum, row) => sum + row.final, 0),
    1_000,
  );
});
