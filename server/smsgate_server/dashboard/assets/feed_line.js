// One line of the live list, and the names of its columns.

import { element, setText, statusShape } from "./elements.js";
import { reasonName, timeOfDay } from "./wording.js";

export const COLUMNS = [
  "time",
  "status",
  "recipient",
  "country",
  "sender",
  "carrier",
  "reason",
  "labels",
];

export function head() {
  const cells = COLUMNS.map((name) => element("span", { class: `cell-${name}`, text: name }));
  return element("div", { class: "feed-head", "aria-hidden": "true" }, ...cells);
}

/** The same for a screen reader: the list scrolls, so what names its columns must be inside it. */
export function spokenHead() {
  const cells = COLUMNS.map((name) => element("span", { role: "columnheader", text: name }));
  return element("div", { class: "unseen", role: "row", "aria-rowindex": 1 }, ...cells);
}

/** One line, which shows one row after the other. */
export class Line {
  #row = null;
  #cells = new Map(
    COLUMNS.map((name) => [name, element("span", { class: `cell-${name}`, role: "gridcell" })]),
  );
  #word = element("span");
  #shape = statusShape("NEW");

  constructor() {
    this.#cells.get("status").append(this.#shape, this.#word);
    this.element = element(
      "div",
      { class: "feed-row", role: "row", tabindex: "-1" },
      ...this.#cells.values(),
    );
  }

  show(row, index, height, active) {
    this.element.hidden = false;
    this.element.style.transform = `translateY(${index * height}px)`;
    this.element.dataset.index = index;
    this.element.setAttribute("aria-rowindex", index + 2);
    this.element.tabIndex = active ? 0 : -1;
    if (row === this.#row) return;
    this.#row = row;
    this.element.dataset.status = row.status;
    this.element.dataset.message = row.id;
    this.#shape.firstChild.setAttribute("href", `#status-${row.status}`);
    setText(this.#word, row.status);
    this.#set("time", timeOfDay(row.time));
    this.#set("recipient", row.recipient);
    this.#set("country", row.country);
    this.#set("sender", row.sender);
    this.#set("carrier", row.carrier);
    this.#set(
      "reason",
      row.late
        ? `late receipt: ${row.late}`
        : [reasonName(row.reason), row.code].filter(Boolean).join(" · "),
    );
    this.#set(
      "labels",
      Object.entries(row.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join("  "),
    );
  }

  hide() {
    this.element.hidden = true;
  }

  #set(column, text) {
    setText(this.#cells.get(column), text);
  }
}
