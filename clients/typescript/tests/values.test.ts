/** Values that JavaScript has its own form of, and lists. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { amount, duration, money, secondsOf } from "../src/index.js";
import { allItems } from "../src/pages.js";

test("amounts are exact both ways", () => {
  for (const text of ["0.05 EUR", "-0.05 EUR", "0.00 USD", "12345678901234567.123456789 EUR"]) {
    assert.equal(amount(money(text)), text);
  }
  assert.deepEqual(money("-1.5 EUR"), { currencyCode: "EUR", units: -1n, nanos: -500_000_000 });
  assert.equal(amount(money("3 EUR")), "3.00 EUR");
  assert.equal(amount(undefined), "");
});

test("what is no amount is refused", () => {
  for (const text of ["", "5", "5 eur", "1e3 EUR", "1.0000000001 EUR", "€ 5"]) {
    assert.throws(() => money(text), RangeError, text);
  }
});

test("spans of time are seconds", () => {
  assert.deepEqual(duration(1.5), { seconds: 1n, nanos: 500_000_000 });
  assert.equal(secondsOf(duration(90)), 90);
  assert.equal(secondsOf(undefined), 0);
  assert.throws(() => duration(NaN), RangeError);
});

test("pages are read as they are consumed", async () => {
  const asked: string[] = [];
  const read = (token: string): Promise<{ items: number[]; nextPageToken: string }> => {
    asked.push(token);
    const number = asked.length;
    return Promise.resolve({
      items: [number],
      nextPageToken: number < 3 ? `t${String(number)}` : "",
    });
  };
  for await (const item of allItems(read, (page) => page.items)) {
    if (item === 2) {
      break;
    }
  }
  assert.deepEqual(asked, ["", "t1"]);
  const all: number[] = [];
  asked.length = 0;
  for await (const item of allItems(read, (page) => page.items)) {
    all.push(item);
  }
  assert.deepEqual(all, [1, 2, 3]);
});
