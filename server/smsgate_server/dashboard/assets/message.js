// One message: what it is, and everything that happened to it. It stays up to date while it is open.

import { call } from "./connect.js";
import { element, setText, statusMark } from "./elements.js";
import {
  ALPHABETS,
  FINAL,
  countryName,
  momentOf,
  money,
  reasonName,
  sentence,
  span,
  statusName,
} from "./wording.js";

const WAIT_SECONDS = 50;
const RETRY_MILLISECONDS = 2_000;
// What passes by itself: nobody is there, the server stops, a limit was hit.
const PASSING = new Set(["unreachable", "unavailable", "resource_exhausted"]);
const NOT_FOUND =
  "There is no message with this id in this account. It may be older than messages are kept.";

export class MessagePage {
  #abort = new AbortController();

  constructor() {
    // These stay when the rest is drawn again: the focus can be on them.
    this.title = element("h1", { tabindex: "-1" });
    this.id = element("p", { class: "id" });
    this.content = element("div", { class: "message-content" });
    const back = element("p", { class: "back" }, element("a", { href: "#/", text: "← Live" }));
    this.element = element(
      "article",
      { class: "message" },
      back,
      this.title,
      this.id,
      this.content,
    );
  }

  /** Show this message until `hide`. */
  async show(id) {
    this.hide();
    const signal = (this.#abort = new AbortController()).signal;
    setText(this.title, "Message");
    setText(this.id, id);
    this.content.replaceChildren(element("p", { class: "hint", text: "Loading…" }));
    let cursor = "";
    let drawn = "";
    while (!signal.aborted) {
      try {
        const found = await call("MessageService/GetMessage", this.#request(id, cursor), signal);
        cursor = found.cursor;
        const now = JSON.stringify([found.message, found.history]);
        if (now !== drawn) this.#draw(found);
        drawn = now;
      } catch (error) {
        if (signal.aborted) return;
        if (!drawn && !PASSING.has(error.code)) return this.#refuse(error);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
      }
    }
  }

  hide() {
    this.#abort.abort();
  }

  #request(id, cursor) {
    const wait = cursor ? { waitAfterCursor: cursor, wait: `${WAIT_SECONDS}s` } : {};
    return { id, includeHistory: true, ...wait };
  }

  #refuse(error) {
    const unknown = error.code === "not_found" || error.code === "invalid_argument";
    const text = unknown ? NOT_FOUND : sentence(error.message);
    this.content.replaceChildren(element("p", { class: "wrong", text }));
  }

  #draw({ message, history = [] }) {
    const status = statusName(message.status);
    setText(this.title, `Message to ${message.recipient}`);
    this.content.replaceChildren(
      element(
        "p",
        { class: "outcome" },
        statusMark(status),
        element("span", { class: "outcome-reason", text: reasonName(message.reason) }),
        element("span", { class: "hint", text: outcome(status, message) }),
      ),
      element(
        "div",
        { class: "message-body" },
        element(
          "section",
          { class: "panel" },
          element("h2", { text: "Text" }),
          element("p", { class: "message-text", dir: "auto", text: message.text }),
          element("p", { class: "hint", text: lengthOf(message) }),
        ),
        element("section", { class: "panel" }, element("h2", { text: "Facts" }), facts(message)),
        element(
          "section",
          { class: "panel message-history" },
          element("h2", { text: "Timeline" }),
          timeline(history),
        ),
      ),
    );
  }
}

function outcome(status, message) {
  if (!FINAL.has(status))
    return `on its way; given up on ${momentOf(message.expireTime)} at the latest`;
  return `${span(Date.parse(message.finalTime) - Date.parse(message.createTime))} after it was accepted`;
}

function lengthOf(message) {
  const parts = [
    `${message.segments ?? 1} ${message.segments > 1 ? "segments" : "segment"}`,
    `${message.characters ?? 0} characters`,
    ALPHABETS[message.encoding],
  ];
  if (message.substitutedCharacters) parts.push(`${message.substitutedCharacters} replaced`);
  if (message.otp) parts.push("the code is never stored, so it is not shown");
  return parts.filter(Boolean).join(" · ");
}

function facts(message) {
  const told = [
    ["Recipient", message.recipient],
    ["Country", message.country ? `${countryName(message.country)} (${message.country})` : ""],
    ["Sender", message.sender],
    ["Carrier", message.carrier],
    ["Price", price(message)],
    ["Accepted", momentOf(message.createTime)],
    ["Scheduled", momentOf(message.scheduleTime)],
    ["Sent", momentOf(message.sentTime)],
    ["Delivered", momentOf(message.deliveredTime)],
    ["Tried until", momentOf(message.expireTime)],
    ["Reference", message.clientReference],
    ["Batch", message.batchId],
    ["Verification", message.verificationId],
    ...Object.entries(message.labels ?? {}).map(([key, value]) => [`Label ${key}`, value]),
  ];
  const pairs = told
    .filter(([, value]) => value)
    .map(([name, value]) =>
      element("div", {}, element("dt", { text: name }), element("dd", { text: value })),
    );
  return element("dl", { class: "facts" }, ...pairs);
}

function price(message) {
  if (!message.totalPrice) return "not known";
  return `${money(message.totalPrice)} (${money(message.pricePerSegment)} a segment)`;
}

function timeline(history) {
  const first = Date.parse(history[0]?.eventTime);
  return element("ol", { class: "timeline" }, ...history.map((event) => step(event, first)));
}

function step(event, first) {
  const status = event.late ? statusName(event.lateStatus) : statusName(event.toStatus);
  const after = Date.parse(event.eventTime) - first;
  return element(
    "li",
    { "data-status": status, "data-late": event.late ?? false },
    element(
      "p",
      { class: "step-head" },
      statusMark(status),
      element("span", {
        class: "step-reason",
        text: event.late ? "late receipt, changes nothing" : reasonName(event.reason),
      }),
      element("span", { class: "step-after", text: after > 0 ? `+${span(after)}` : "" }),
    ),
    element(
      "p",
      { class: "hint" },
      element("time", { datetime: event.eventTime, text: momentOf(event.eventTime) }),
    ),
    ...details(event).map((text) => element("p", { class: "hint", text })),
  );
}

function details(event) {
  const carrier = [
    event.carrier ? `carrier ${event.carrier}` : "",
    event.carrierCode ? `code ${event.carrierCode}` : "",
    event.segment ? `segment ${event.segment}` : "",
  ]
    .filter(Boolean)
    .join(" · ");
  return [
    carrier,
    event.carrierTime ? `the carrier's own time: ${momentOf(event.carrierTime)}` : "",
  ].filter(Boolean);
}
