// Filters live in the query of the URL, with the names of `GET /events`, so that a view can be kept and
// sent to a colleague. The bar above the feed writes them, and nothing else remembers them.

import { element, say, setText } from "./elements.js";
import { STATUSES } from "./wording.js";

const COUNTRY = /^([A-Z]{2}|\+\d{1,4})$/;

/** {statuses, countries, senders, labels} of a query; what is no filter is left out. */
export function readFilters(query) {
  const parameters = new URLSearchParams(query);
  const list = (name) =>
    parameters
      .getAll(name)
      .flatMap((value) => value.split(","))
      .map((value) => value.trim())
      .filter(Boolean);
  const labels = parameters
    .getAll("label")
    .map((text) => text.split(/=(.*)/s))
    .filter(([key, value]) => key && value);
  return {
    statuses: list("status")
      .map((name) => name.toUpperCase())
      .filter((name) => STATUSES.includes(name)),
    countries: list("country")
      .map((code) => code.toUpperCase())
      .filter((code) => COUNTRY.test(code)),
    senders: list("sender"),
    labels: Object.fromEntries(labels.map(([key, value]) => [key, value])),
  };
}

/** The query of filters, "" if there are none. */
export function writeFilters(filters) {
  const parameters = new URLSearchParams();
  if (filters.countries.length) parameters.set("country", filters.countries.join(","));
  if (filters.senders.length) parameters.set("sender", filters.senders.join(","));
  for (const [key, value] of Object.entries(filters.labels))
    parameters.append("label", `${key}=${value}`);
  if (filters.statuses.length) parameters.set("status", filters.statuses.join(","));
  const text = parameters.toString().replaceAll("%2C", ",");
  return text ? `?${text}` : "";
}

/** What the server filters by. Statuses are chosen here, so that the counters stay whole. */
export function streamFilter({ countries, senders, labels }) {
  return { countries, senders, labels };
}

/** The form above the feed. Calls `change(filters)` when the filters are others than before. */
export class FilterBar {
  #change;

  constructor(change) {
    this.#change = change;
    this.country = input(
      "country",
      "Country",
      "IT,ES",
      "The country as ISO code; commas between several",
    );
    this.sender = input("sender", "Sender", "Acme", "The sender exactly; commas between several");
    this.label = input("label", "Label", "team=billing", "KEY=VALUE; semicolons between several");
    this.clear = element("button", {
      type: "button",
      class: "quiet",
      text: "Clear",
      hidden: true,
      onclick: () => this.reset(),
    });
    this.wrong = element("span", { class: "wrong", role: "alert" });
    this.element = element(
      "form",
      {
        class: "filters",
        role: "search",
        "aria-label": "Filters",
        onsubmit: (event) => this.#submit(event),
        onchange: () => this.#submit(),
      },
      field(this.country),
      field(this.sender),
      field(this.label),
      element("button", { class: "quiet", text: "Apply" }),
      this.clear,
      this.wrong,
    );
    this.filters = readFilters(location.search);
    this.#show();
    addEventListener("popstate", () => this.#read());
  }

  toggleStatus(status) {
    const chosen = new Set(this.filters.statuses);
    if (!chosen.delete(status)) chosen.add(status);
    this.#apply({ ...this.filters, statuses: STATUSES.filter((name) => chosen.has(name)) });
  }

  get isEmpty() {
    return !writeFilters(this.filters);
  }

  reset() {
    this.#apply(readFilters(""));
  }

  #submit(event) {
    event?.preventDefault();
    const query = new URLSearchParams({ country: this.country.value, sender: this.sender.value });
    for (const pair of this.label.value.split(";"))
      if (pair.trim()) query.append("label", pair.trim());
    const read = readFilters(query);
    const given = this.country.value.split(",").filter((code) => code.trim()).length;
    const pairs = this.label.value.split(";").filter((pair) => pair.trim()).length;
    if (read.countries.length !== given)
      setText(this.wrong, "A country is two letters, such as IT");
    else if (Object.keys(read.labels).length !== pairs) setText(this.wrong, "A label is KEY=VALUE");
    else this.#apply({ ...read, statuses: this.filters.statuses });
  }

  #apply(filters) {
    const before = writeFilters(this.filters);
    this.filters = filters;
    this.#show();
    if (writeFilters(filters) === before) return;
    history.pushState(null, "", `${location.pathname}${writeFilters(filters)}${location.hash}`);
    say(writeFilters(filters) ? "Filters changed" : "Filters cleared");
    this.#change(filters);
  }

  #read() {
    const before = writeFilters(this.filters);
    this.filters = readFilters(location.search);
    this.#show();
    if (writeFilters(this.filters) !== before) this.#change(this.filters);
  }

  #show() {
    this.country.value = this.filters.countries.join(",");
    this.sender.value = this.filters.senders.join(",");
    this.label.value = Object.entries(this.filters.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join("; ");
    this.clear.hidden = !writeFilters(this.filters);
    setText(this.wrong, "");
  }
}

function input(name, label, placeholder, title) {
  return element("input", {
    name,
    id: `filter-${name}`,
    placeholder,
    title,
    "data-label": label,
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    size: 10,
  });
}

function field(control) {
  return element(
    "label",
    { for: control.id },
    element("span", { text: control.dataset.label }),
    control,
  );
}
