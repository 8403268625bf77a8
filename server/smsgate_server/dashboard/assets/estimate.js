// An estimate as people read it.

import { element } from "./elements.js";
import { ALPHABETS, count, countryName, money, sentence } from "./wording.js";

const MAX_CHARACTERS = 12;

/** `take(text)` is called when somebody wants the cheaper spelling. */
export function estimateView(estimate, take) {
  const segments = estimate.segmentCount ?? 0;
  const alphabet = ALPHABETS[estimate.encoding] ?? "";
  return [
    element("h2", { text: "Estimate" }),
    element(
      "p",
      { class: "estimate-line" },
      strong(count(segments)),
      segments === 1 ? " segment, " : " segments, ",
      strong(alphabet),
      `, ${count(estimate.characters ?? 0)} characters`,
    ),
    element("p", { class: "estimate-line" }, ...priceOf(estimate)),
    element(
      "ol",
      { class: "segments", "aria-label": "Segments" },
      ...(estimate.segments ?? []).map(segment),
    ),
    ...forcing(estimate),
    ...cheaper(estimate, take),
    ...refusals(estimate),
  ];
}

const strong = (text) => element("strong", { text });

function priceOf(estimate) {
  const where = [estimate.country ? countryName(estimate.country) : "", estimate.operatorHint ?? ""]
    .filter(Boolean)
    .join(", ");
  if (!estimate.country) return ["Its price needs a recipient."];
  if (!estimate.totalPrice) return [`No price is known for ${where}.`];
  const least = estimate.priceExact ? "" : `${money(estimate.minTotalPrice)} to `;
  return [strong(`${least}${money(estimate.totalPrice)}`), ` to ${where}`];
}

function segment(one) {
  const [used, available] = [one.unitsUsed ?? 0, one.unitsAvailable ?? 0];
  const bar = element("span", { class: "share-bar", "aria-hidden": "true" });
  bar.style.setProperty("--share", available ? (used / available).toFixed(4) : "0");
  return element(
    "li",
    {},
    element("span", { class: "segment-text", dir: "auto", text: one.text ?? "" }),
    element("span", { class: "segment-units", text: `${used} of ${available}` }),
    bar,
  );
}

function forcing({ forcingCharacters = [] }) {
  if (!forcingCharacters.length) return [];
  const unique = [...new Map(forcingCharacters.map((one) => [one.character, one])).values()];
  const more =
    unique.length > MAX_CHARACTERS
      ? [element("li", { text: `and ${unique.length - MAX_CHARACTERS} more` })]
      : [];
  return [
    element("h3", { text: "These characters force UCS-2" }),
    element("ul", { class: "forcing" }, ...unique.slice(0, MAX_CHARACTERS).map(character), ...more),
  ];
}

function character(one) {
  const words = one.substitute
    ? [" could be ", element("kbd", { text: one.substitute })]
    : [" has no equal in GSM-7"];
  return element(
    "li",
    {},
    element("kbd", { text: one.character }),
    ` ${one.codePoint}, character ${(one.offset ?? 0) + 1},`,
    ...words,
  );
}

function cheaper(estimate, take) {
  if (!estimate.cheaperText) return [];
  const needs = estimate.cheaperSegmentCount;
  return [
    element("h3", {
      text: `A cheaper spelling needs ${needs} ${needs === 1 ? "segment" : "segments"}`,
    }),
    element("p", { class: "message-text", dir: "auto", text: estimate.cheaperText }),
    element("button", {
      type: "button",
      class: "quiet",
      text: "Take it",
      onclick: () => take(estimate.cheaperText),
    }),
  ];
}

function refusals({ wouldFailWith = [] }) {
  if (!wouldFailWith.length) return [];
  return [
    element("h3", { text: "It would be refused" }),
    element(
      "ul",
      { class: "refusals" },
      ...wouldFailWith.map((status) =>
        element("li", { class: "wrong", text: sentence(status.message ?? "") }),
      ),
    ),
  ];
}
