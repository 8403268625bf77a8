// The pill at the top: whether what is seen is now. It speaks only when that changes.

import { element, setText } from "./elements.js";
import { span } from "./wording.js";

const BEHIND_MILLISECONDS = 2_000;
const WORDS = {
  connecting: "connecting",
  live: "live",
  behind: "behind",
  offline: "offline",
  "signed-out": "signed out",
  failed: "stopped",
};

export class Connection {
  #state = "";

  constructor(pill) {
    this.pill = pill;
    this.word = element("span", { class: "connection-word" });
    // Not spoken: it changes too often.
    this.detail = element("span", { class: "connection-detail", "aria-hidden": "true" });
    pill.replaceChildren(
      element("span", { class: "connection-dot", "aria-hidden": "true" }),
      this.word,
      this.detail,
    );
  }

  tell(state, detail = "") {
    setText(this.detail, detail);
    if (state === this.#state) return;
    this.#state = state;
    this.pill.dataset.state = state;
    setText(this.word, WORDS[state]);
    document.title = state === "live" ? "smsgate" : `${WORDS[state]} · smsgate`;
  }

  /** A response came: is it about now? `now` is the server's time. */
  heard(response, now) {
    const lag = lagOf(response, now);
    if (lag > BEHIND_MILLISECONDS) this.tell("behind", `by ${span(lag)}`);
    else this.tell("live");
  }
}

/** How old the newest event of a response is, or what a heartbeat says; anything else is now. */
function lagOf(response, now) {
  const newest = response.events?.at(-1);
  if (newest) return Math.max(0, now - Date.parse(newest.eventTime));
  return Number.parseFloat(response.heartbeat?.lag ?? "0") * 1_000;
}
