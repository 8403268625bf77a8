// What was used, by month and by year: charts, the same as a table, and the server's own summary.

import { bars, chartWidth } from "./charts.js";
import { call } from "./connect.js";
import { element, statusMark } from "./elements.js";
import { STATUSES, count, money, percent, sentence, shortCount, statusName } from "./wording.js";

const SPANS = { month: "12 months", year: "5 years" };

export class UsagePage {
  #granularity = "month";
  #asked = 0;
  #usage = null;
  #width = 0;
  // The charts, by their titles, whose tables stand open: a new drawing opens them again.
  #open = new Set();

  constructor() {
    this.switch = element(
      "div",
      { class: "switch", role: "group", "aria-label": "Length of the periods" },
      ...Object.entries(SPANS).map(([name, text]) =>
        element("button", {
          type: "button",
          "data-granularity": name,
          text,
          onclick: () => this.show(name),
        }),
      ),
    );
    this.content = element("div", { class: "usage-content" });
    this.element = element(
      "div",
      { class: "usage" },
      element(
        "div",
        { class: "page-head" },
        element("h1", { tabindex: "-1", text: "Usage" }),
        this.switch,
      ),
      this.content,
    );
    addEventListener(
      "resize",
      () => this.#usage && chartWidth() !== this.#width && this.#draw(this.#usage),
    );
  }

  async show(granularity = this.#granularity) {
    this.#granularity = granularity;
    const asked = ++this.#asked;
    for (const button of this.switch.children)
      button.setAttribute("aria-pressed", button.dataset.granularity === granularity);
    try {
      const usage = await call("UsageService/GetUsage", {
        granularity: `USAGE_GRANULARITY_${granularity.toUpperCase()}`,
        groupBy: ["USAGE_DIMENSION_STATUS"],
      });
      if (asked === this.#asked) this.#draw(usage);
    } catch (error) {
      if (asked === this.#asked) this.#fail(error);
    }
  }

  #draw(usage) {
    const focused = this.#rememberTables();
    this.#usage = usage;
    this.#width = chartWidth();
    this.content.replaceChildren(...drawn(usage, this.#open));
    if (focused !== undefined)
      this.content.querySelector(`[data-chart="${focused}"] > summary`)?.focus();
  }

  #fail(error) {
    this.#rememberTables();
    this.#usage = null;
    this.content.replaceChildren(
      element("p", { class: "wrong", role: "alert", text: sentence(error.message) }),
    );
  }

  /** Which tables are open now; gives the chart whose summary has the focus. */
  #rememberTables() {
    for (const table of this.content.querySelectorAll("[data-chart]")) {
      if (table.open) this.#open.add(table.dataset.chart);
      else this.#open.delete(table.dataset.chart);
    }
    const focused = this.content.querySelector("[data-chart] > summary:focus");
    return focused?.parentElement.dataset.chart;
  }
}

const number = (figures, name) => Number(figures?.[name] ?? 0);

function drawn({ series = [], total = {}, summary = "" }, open) {
  const labels = series[0]?.periods.map((period) => period.label) ?? [];
  const messages = labels.map((label, index) => ({
    label,
    parts: STATUSES.map((status) => ({
      name: status,
      value: sumOf(
        series.filter((one) => statusName(one.status) === status),
        index,
        "messages",
      ),
    })),
  }));
  const verifications = labels.map((label, index) => {
    const verified = sumOf(series, index, "verified");
    return {
      label,
      parts: [
        { name: "verified", value: verified },
        { name: "unverified", value: sumOf(series, index, "verifications") - verified },
      ],
    };
  });
  return [
    tiles(total),
    chart(
      "Messages by their status now",
      messages,
      STATUSES.map((status) => statusMark(status)),
      open,
    ),
    number(total, "verifications")
      ? chart(
          "One-time passwords",
          verifications,
          [key("verified", "came back right"), key("unverified", "did not, or not yet")],
          open,
        )
      : otpHint(),
    element(
      "section",
      { class: "panel" },
      element("h2", { text: "In words" }),
      element("pre", { class: "summary", tabindex: "0", text: summary.trim() }),
    ),
  ];
}

function sumOf(series, index, name) {
  return series.reduce((sum, one) => sum + number(one.periods[index]?.figures, name), 0);
}

function tiles(total) {
  const begun = number(total, "verifications");
  const unpriced = number(total, "unpricedSegments");
  const told = [
    ["Messages", count(number(total, "messages")), `${count(number(total, "segments"))} segments`],
    [
      "Cost",
      (total.costs ?? []).map(money).join(" + ") || "0",
      unpriced ? `excluding VAT; ${count(unpriced)} segments without a price` : "excluding VAT",
    ],
    [
      "Requests",
      count(number(total, "paidRequests")),
      `paid; ${count(number(total, "freeRequests"))} free`,
    ],
    [
      "Verifications",
      count(begun),
      begun ? `${percent(number(total, "verified") / begun)} came back right` : "none yet",
    ],
  ];
  return element(
    "dl",
    { class: "tiles" },
    ...told.map(([name, value, note]) =>
      element(
        "div",
        {},
        element("dt", { text: name }),
        element("dd", { text: value }),
        element("dd", { class: "hint", text: note }),
      ),
    ),
  );
}

function chart(title, periods, legend, open) {
  return element(
    "section",
    { class: "panel" },
    element("h2", { text: title }),
    element("p", { class: "legend" }, ...legend),
    bars(periods, `${title}: a chart; the table below it says the same`, (value) =>
      shortCount(Math.round(value)),
    ),
    element(
      "details",
      { "data-chart": title, open: open.has(title) },
      element("summary", { text: "As a table" }),
      tableOf(title, periods),
    ),
  );
}

function tableOf(title, periods) {
  const names = periods[0]?.parts.map((part) => part.name) ?? [];
  const cell = (tag, text, attributes = {}) => element(tag, { ...attributes, text });
  const head = element(
    "tr",
    {},
    cell("th", "period", { scope: "col" }),
    ...names.map((name) => cell("th", name.toLowerCase(), { scope: "col", class: "right" })),
  );
  const lines = periods.map((period) =>
    element(
      "tr",
      {},
      cell("th", period.label, { scope: "row" }),
      ...period.parts.map((part) => cell("td", count(part.value))),
    ),
  );
  return element(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": `${title}, table` },
    element(
      "table",
      { class: "figures" },
      element("caption", { class: "unseen", text: title }),
      element("thead", {}, head),
      element("tbody", {}, ...lines),
    ),
  );
}

const key = (part, text) =>
  element(
    "span",
    { class: "key", "data-part": part },
    element("span", { class: "key-mark", "aria-hidden": "true" }),
    element("span", { text }),
  );

function otpHint() {
  return element(
    "section",
    { class: "panel" },
    element("h2", { text: "One-time passwords" }),
    element(
      "p",
      { class: "hint" },
      "None were sent in this span. Try ",
      element("code", { text: "smsgate otp send +393331234567" }),
      ".",
    ),
  );
}
