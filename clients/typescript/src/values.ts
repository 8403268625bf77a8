/** Values that JavaScript has its own form of. */

import type { Duration } from "../../../generated/typescript/google/protobuf/duration.js";
import type { Money } from "../../../generated/typescript/google/type/money.js";

const NANOS = 1_000_000_000n;
const AMOUNT = /^(?<sign>-?)(?<units>\d+)(\.(?<fraction>\d{1,9}))? (?<currency>[A-Z]{3})$/;

/** A span of time: `duration(90)` is a minute and a half. */
export function duration(seconds: number): Duration {
  if (!Number.isFinite(seconds)) {
    throw new RangeError(`${String(seconds)} seconds are no span of time`);
  }
  const nanos = BigInt(Math.round(seconds * 1e9));
  return { seconds: nanos / NANOS, nanos: Number(nanos % NANOS) };
}

/** The seconds of a span; 0 if there is none. */
export function secondsOf(span: Duration | undefined): number {
  return span === undefined ? 0 : Number(span.seconds) + span.nanos / 1e9;
}

/** An exact amount: `money("0.05 EUR")`. */
export function money(text: string): Money {
  const groups = AMOUNT.exec(text)?.groups;
  if (groups === undefined) {
    throw new RangeError(`an amount is written like "0.05 EUR", not "${text}"`);
  }
  const { sign = "", units = "", fraction = "", currency = "" } = groups;
  const factor = sign ? -1 : 1;
  return {
    currencyCode: currency,
    units: BigInt(units) * BigInt(factor),
    // `+ 0` because a price of -0 is none.
    nanos: Number(fraction.padEnd(9, "0")) * factor + 0,
  };
}

/** The way back: `amount(money("0.05 EUR"))` is "0.05 EUR"; empty if there is none. */
export function amount(price: Money | undefined): string {
  if (price === undefined) {
    return "";
  }
  const total = price.units * NANOS + BigInt(price.nanos);
  const positive = total < 0n ? -total : total;
  const fraction = (positive % NANOS)
    .toString()
    .padStart(9, "0")
    .replace(/0{1,7}$/, "");
  const sign = total < 0n ? "-" : "";
  return `${sign}${(positive / NANOS).toString()}.${fraction} ${price.currencyCode}`;
}
