// The six counters above the feed. Each is a button that shows only its status.

import { Sparkline } from "./charts.js";
import { element, setText, statusShape } from "./elements.js";
import { STATUSES, count, plain, rate, shortCount } from "./wording.js";

const SPARK_SECONDS = 120;
const SPARK_STEP = 2;
const RATE_SECONDS = 10;

export class Counters {
  #counts;
  #cards = new Map();

  constructor(counts, toggle) {
    this.#counts = counts;
    this.element = element("div", {
      class: "counters",
      role: "group",
      "aria-label": "Transitions in the last 15 minutes; each button filters by its status",
    });
    for (const status of STATUSES) {
      const card = new Card(status, () => toggle(status));
      this.#cards.set(status, card);
      this.element.append(card.element);
    }
  }

  choose(statuses) {
    for (const [status, card] of this.#cards)
      card.element.setAttribute("aria-pressed", statuses.includes(status));
  }

  /** Another set of counts, after the filters changed. */
  show(counts) {
    this.#counts = counts;
  }

  /** Draw what was true at this time. */
  draw(now) {
    this.#counts.advance(now);
    for (const [status, card] of this.#cards) {
      card.draw(
        this.#counts.total(status),
        this.#counts.perSecond(status, RATE_SECONDS),
        this.#counts.series(status, SPARK_SECONDS, SPARK_STEP),
      );
    }
  }
}

class Card {
  constructor(status, toggle) {
    this.number = element("span", { class: "number", text: "0" });
    this.rate = element("span", { class: "rate", text: "" });
    this.spark = new Sparkline(120, 28);
    this.element = element(
      "button",
      {
        type: "button",
        class: "counter",
        "data-status": status,
        "aria-pressed": "false",
        onclick: toggle,
      },
      element(
        "span",
        { class: "counter-name" },
        statusShape(status),
        element("span", { text: plain(status) }),
      ),
      this.number,
      this.rate,
      this.spark.element,
    );
  }

  draw(total, perSecond, series) {
    setText(this.number, shortCount(total));
    this.number.title = count(total);
    setText(this.rate, perSecond ? `${rate(perSecond)}/s` : "");
    this.spark.draw(series);
  }
}
