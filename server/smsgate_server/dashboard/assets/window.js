// Counts over a sliding window of the last 15 minutes: a fixed number of slots that are used again, so
// memory and work do not grow with the number of events.

import { FINAL, STATUSES } from "./wording.js";

export const WINDOW_SECONDS = 900;
const MINUTES = WINDOW_SECONDS / 60;
const LATENCY_SLOTS = 96;
// Each slot is a fifth wider than the one before: 1 ms to 18 hours, exact to about 10 %.
const SLOTS_PER_DOUBLING = 3.7;
// Countries are some 250. A log with more keys than this in a minute is summed up as the rest.
const MAX_KEYS = 300;
const REST = "others";

/** Transitions per second and status. */
export class SecondCounts {
  #slots = new Uint32Array(WINDOW_SECONDS * STATUSES.length);
  #totals = new Float64Array(STATUSES.length);
  #head = 0;

  /** What lies before the window is not counted. */
  add(status, milliseconds) {
    const second = Math.floor(milliseconds / 1_000);
    const column = STATUSES.indexOf(status);
    if (column < 0) return;
    this.advance(milliseconds);
    if (second <= this.#head - WINDOW_SECONDS) return;
    this.#slots[(second % WINDOW_SECONDS) * STATUSES.length + column] += 1;
    this.#totals[column] += 1;
  }

  /** Let the window end at this time; it never goes back. */
  advance(milliseconds) {
    const second = Math.floor(milliseconds / 1_000);
    const first = Math.max(this.#head + 1, second - WINDOW_SECONDS + 1);
    for (let passed = first; passed <= second; passed += 1) this.#clear(passed);
    this.#head = Math.max(this.#head, second);
  }

  total(status) {
    return this.#totals[STATUSES.indexOf(status)];
  }

  /** The counts of the last `seconds` whole seconds, oldest first, `step` seconds in each. */
  series(status, seconds, step) {
    const column = STATUSES.indexOf(status);
    const made = new Array(seconds / step).fill(0);
    for (let ago = seconds; ago > 0; ago -= 1) {
      const slot = (this.#head - ago + WINDOW_SECONDS) % WINDOW_SECONDS;
      made[Math.floor((seconds - ago) / step)] += this.#slots[slot * STATUSES.length + column];
    }
    return made;
  }

  perSecond(status, seconds) {
    return this.series(status, seconds, seconds)[0] / seconds;
  }

  #clear(second) {
    const slot = (second % WINDOW_SECONDS) * STATUSES.length;
    for (let column = 0; column < STATUSES.length; column += 1) {
      this.#totals[column] -= this.#slots[slot + column];
      this.#slots[slot + column] = 0;
    }
  }
}

/** Outcomes and latencies of final messages, by any key. */
export class Outcomes {
  #minutes = new Map();

  add(key, status, milliseconds, latency) {
    if (!FINAL.has(status)) return;
    const minute = Math.floor(milliseconds / 60_000);
    const tallies = this.#minutes.get(minute) ?? this.#begun(minute);
    const kept = tallies.has(key) || tallies.size < MAX_KEYS ? key : REST;
    let tally = tallies.get(kept);
    if (!tally) tallies.set(kept, (tally = new Tally()));
    tally.add(status, latency);
  }

  /** [{key, final, delivered, share, median, slow}] of the window that ends now, the largest first. */
  table(milliseconds) {
    this.#forget(Math.floor(milliseconds / 60_000));
    const sums = new Map();
    for (const tallies of this.#minutes.values()) {
      for (const [key, tally] of tallies) {
        if (!sums.has(key)) sums.set(key, new Tally());
        sums.get(key).merge(tally);
      }
    }
    return [...sums]
      .map(([key, tally]) => tally.row(key))
      .sort((a, b) => b.final - a.final || (a.key < b.key ? -1 : 1));
  }

  #begun(minute) {
    this.#forget(minute);
    const tallies = new Map();
    this.#minutes.set(minute, tallies);
    return tallies;
  }

  #forget(now) {
    for (const minute of this.#minutes.keys())
      if (minute <= now - MINUTES) this.#minutes.delete(minute);
  }
}

class Tally {
  #final = 0;
  #delivered = 0;
  #slots = new Uint32Array(LATENCY_SLOTS);

  add(status, latency) {
    this.#final += 1;
    if (status !== "DELIVERED") return;
    this.#delivered += 1;
    this.#slots[slotOf(latency)] += 1;
  }

  merge(other) {
    this.#final += other.#final;
    this.#delivered += other.#delivered;
    for (let slot = 0; slot < LATENCY_SLOTS; slot += 1) this.#slots[slot] += other.#slots[slot];
  }

  row(key) {
    return {
      key,
      final: this.#final,
      delivered: this.#delivered,
      share: this.#delivered / this.#final,
      median: this.#quantile(0.5),
      slow: this.#quantile(0.95),
    };
  }

  #quantile(share) {
    if (!this.#delivered) return null;
    let left = Math.ceil(this.#delivered * share);
    const slot = this.#slots.findIndex((number) => (left -= number) <= 0);
    return middleOf(slot);
  }
}

const slotOf = (latency) =>
  Math.min(LATENCY_SLOTS - 1, Math.floor(Math.log2(Math.max(1, latency)) * SLOTS_PER_DOUBLING));
const middleOf = (slot) => 2 ** ((slot + 0.5) / SLOTS_PER_DOUBLING);
