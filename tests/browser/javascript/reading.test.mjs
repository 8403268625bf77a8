import assert from "node:assert/strict";
import { test } from "node:test";
import { niceCeiling } from "../../../server/smsgate_server/dashboard/assets/charts.js";
import { EnvelopeReader } from "../../../server/smsgate_server/dashboard/assets/connect.js";
import { acceptedAt } from "../../../server/smsgate_server/dashboard/assets/events.js";
import {
  readFilters,
  writeFilters,
} from "../../../server/smsgate_server/dashboard/assets/filters.js";
import {
  ROWS,
  ROWS_PER_STATUS,
  Rows,
} from "../../../server/smsgate_server/dashboard/assets/rows.js";
import { money, span } from "../../../server/smsgate_server/dashboard/assets/wording.js";

const envelope = (flags, text) => {
  const message = new TextEncoder().encode(text);
  return Uint8Array.from([flags, 0, 0, message.length >> 8, message.length & 255, ...message]);
};

test("envelopes are found wherever chunks are cut", () => {
  const bytes = new Uint8Array([
    ...envelope(0, "first"),
    ...envelope(0, ""),
    ...envelope(2, "€nd"),
  ]);
  for (let size = 1; size <= bytes.length; size += 1) {
    const reader = new EnvelopeReader();
    const found = [];
    for (let at = 0; at < bytes.length; at += size) {
      for (const { flags, bytes: one } of reader.push(bytes.slice(at, at + size)))
        found.push([flags, new TextDecoder().decode(one)]);
    }
    assert.deepEqual(found, [
      [0, "first"],
      [0, ""],
      [2, "€nd"],
    ]);
  }
});

test("an impossible length is not waited for", () => {
  assert.throws(
    () => new EnvelopeReader().push(Uint8Array.from([0, 255, 255, 255, 255])),
    /no Connect stream/,
  );
});

test("filters are the same after they went through a URL", () => {
  const query =
    "?country=IT,%2B883&sender=Bank+24&label=team%3Da%3Db&label=mood%3D%26&status=NEW,EXPIRED";
  const read = readFilters(query);
  assert.deepEqual(read, {
    statuses: ["NEW", "EXPIRED"],
    countries: ["IT", "+883"],
    senders: ["Bank 24"],
    labels: { team: "a=b", mood: "&" },
  });
  assert.deepEqual(readFilters(writeFilters(read)), read);
  assert.equal(writeFilters(readFilters("?country=Narnia&status=FINE&label=no")), "");
});

test("the time of acceptance is in a UUIDv7", () => {
  assert.equal(acceptedAt("01a209c2-d545-7079-9829-b5637e2c19bb"), 0x01a209c2d545);
});

test("rows are bounded, and the rare ones outlive the common ones", () => {
  const rows = new Rows();
  rows.push({ id: "rare", status: "REJECTED" });
  for (let number = 0; number < 20_000; number += 1) rows.push({ id: number, status: "DELIVERED" });
  assert.equal(rows.shown.length, ROWS);
  assert.equal(rows.shown.at(0).id, 19_999);
  rows.choose(["REJECTED"]);
  assert.deepEqual(
    rows.shown.newestFirst().map((row) => row.id),
    ["rare"],
  );
  rows.choose(["REJECTED", "DELIVERED"]);
  assert.equal(rows.shown.length, ROWS_PER_STATUS + 1);
  rows.push({ id: "new", status: "DELIVERED" });
  rows.push({ id: "not shown", status: "NEW" });
  assert.equal(rows.shown.at(0).id, "new");
});

test("money is never a float", () => {
  assert.equal(money({ currencyCode: "EUR", nanos: 36_000_000 }), "0.036 EUR");
  assert.equal(
    money({ currencyCode: "EUR", units: "9007199254740993", nanos: 100_000_000 }),
    "9007199254740993.10 EUR",
  );
  assert.equal(money({ currencyCode: "EUR", nanos: -1_000 }), "−0.000001 EUR");
  assert.equal(money(undefined), "");
});

test("spans have the unit that fits, and axes end on round numbers", () => {
  assert.deepEqual([250, 1_500, 90_000, 7_200_000].map(span), [
    "250 ms",
    "1.5 s",
    "1.5 min",
    "2.0 h",
  ]);
  assert.deepEqual([1, 7, 64, 1_002, 1_900].map(niceCeiling), [2, 8, 80, 1_200, 2_000]);
});
