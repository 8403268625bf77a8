// Delivery rate and latency by country or by carrier, over the window of 15 minutes.

import { element, setText } from "./elements.js";
import { count, percent, span } from "./wording.js";

const MAX_LINES = 12;

export class Breakdown {
  #named;
  #lines = [];

  constructor(title, column, named = (key) => key) {
    this.#named = named;
    this.body = element("tbody");
    this.empty = element("p", {
      class: "hint",
      text: "Nothing has become final since this page was opened.",
    });
    this.table = element(
      "table",
      { class: "figures" },
      element("caption", { class: "unseen", text: `${title}, last 15 minutes` }),
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          ...[column, "final", "delivered", "median", "95 %"].map((text, index) =>
            element("th", { scope: "col", class: index ? "right" : null, text }),
          ),
        ),
      ),
      this.body,
    );
    this.element = element(
      "section",
      { class: "panel" },
      element("h2", {}, title, element("small", { text: "15 min" })),
      this.table,
      this.empty,
    );
  }

  draw(table) {
    this.empty.hidden = table.length > 0;
    this.table.hidden = table.length === 0;
    const shown = table.slice(0, MAX_LINES);
    while (this.#lines.length < shown.length) this.#add();
    this.#lines.forEach((line, index) => this.#fill(line, shown[index]));
  }

  #add() {
    const bar = element("span", { class: "share-bar", "aria-hidden": "true" });
    const share = element("span");
    const cells = {
      key: element("th", { scope: "row" }),
      final: element("td"),
      share: element("td", { class: "share" }, share, bar),
      median: element("td"),
      slow: element("td"),
    };
    const row = element("tr", {}, ...Object.values(cells));
    this.#lines.push({ row, cells, share, bar });
    this.body.append(row);
  }

  #fill(line, row) {
    line.row.hidden = !row;
    if (!row) return;
    setText(line.cells.key, this.#named(row.key));
    setText(line.cells.final, count(row.final));
    setText(line.share, percent(row.share));
    line.bar.style.setProperty("--share", row.share.toFixed(4));
    setText(line.cells.median, row.median === null ? "–" : span(row.median));
    setText(line.cells.slow, row.slow === null ? "–" : span(row.slow));
  }
}
