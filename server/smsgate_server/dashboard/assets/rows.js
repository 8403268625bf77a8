// The newest rows, in memory that is bounded however long the page is open.

import { STATUSES } from "./wording.js";

export const ROWS = 5_000;
export const ROWS_PER_STATUS = 1_000;

/** A ring: what is pushed beyond its size takes the place of the oldest. */
export class Ring {
  #slots;
  #next = 0;

  constructor(size) {
    this.#slots = new Array(size);
  }

  push(row) {
    this.#slots[this.#next % this.#slots.length] = row;
    this.#next += 1;
  }

  get length() {
    return Math.min(this.#next, this.#slots.length);
  }

  /** How many were ever pushed. */
  get pushed() {
    return this.#next;
  }

  /** The newest has index 0. */
  at(index) {
    return this.#slots[(this.#next - 1 - index) % this.#slots.length];
  }

  newestFirst() {
    return Array.from({ length: this.length }, (_, index) => this.at(index));
  }
}

/** Rows by status too, so that the rare ones are still there after thousands of common ones. */
export class Rows {
  #sequence = 0;
  #chosen = new Set();
  #shown = new Ring(ROWS);
  #byStatus = new Map(STATUSES.map((status) => [status, new Ring(ROWS_PER_STATUS)]));
  #all = new Ring(ROWS);

  push(row) {
    row.sequence = this.#sequence++;
    this.#all.push(row);
    this.#byStatus.get(row.status)?.push(row);
    if (this.#chosen.size && this.#chosen.has(row.status)) this.#shown.push(row);
  }

  /** Show only these statuses; none means all. */
  choose(statuses) {
    this.#chosen = new Set(statuses);
    this.#shown = new Ring(ROWS);
    const kept = [...this.#chosen].flatMap(
      (status) => this.#byStatus.get(status)?.newestFirst() ?? [],
    );
    kept.sort((a, b) => a.sequence - b.sequence).forEach((row) => this.#shown.push(row));
  }

  get shown() {
    return this.#chosen.size ? this.#shown : this.#all;
  }
}
