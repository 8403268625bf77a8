// Follows the status stream for as long as the page is open: reconnects by itself from its cursor, so
// that no event is missed or seen twice.

import { stream } from "./connect.js";

const HEARTBEAT_SECONDS = 5;
// Longer than any silence that the server promises: then the connection is dead, whatever TCP says.
const SILENCE_MILLISECONDS = 15_000;
const FIRST_WAIT_MILLISECONDS = 250;
const LONGEST_WAIT_MILLISECONDS = 10_000;
// After so many events in one go the page gets its turn.
const EVENTS_AT_ONCE = 2_000;
// The stored position is of another log or too old: begin anew.
const LOST = new Set(["CURSOR_EXPIRED", "CURSOR_FOREIGN", "CURSOR_INVALID"]);

/**
 * `seed(signal)` begins anew and returns the cursor to go on from; `take(response)` gets every
 * response once, in order; `tell(state, detail)` every change of the connection.
 */
export class Follower {
  #seed;
  #take;
  #tell;
  #cursor = "";
  #filter = {};
  #abort = new AbortController();
  #following = false;
  #nudge = () => {};

  constructor({ seed, take, tell }) {
    this.#seed = seed;
    this.#take = take;
    this.#tell = tell;
    addEventListener("online", () => this.#nudge());
    // Who is not followed is not away either: somebody has to sign in first, or it is given up.
    addEventListener("offline", () => this.#following && this.#tell("offline", "no network"));
  }

  /** Begin anew with this filter; what was followed before is let go. */
  restart(filter) {
    this.stop();
    this.#following = true;
    this.#abort = new AbortController();
    this.#filter = filter;
    this.#cursor = "";
    this.#run(this.#abort.signal);
  }

  stop() {
    this.#following = false;
    this.#abort.abort();
    this.#nudge();
  }

  async #run(signal) {
    let wait = FIRST_WAIT_MILLISECONDS;
    while (!signal.aborted) {
      let why = null;
      try {
        if (!this.#cursor) this.#cursor = await this.#seed(signal);
        if (signal.aborted) return;
        await this.#follow(signal, () => (wait = FIRST_WAIT_MILLISECONDS));
      } catch (error) {
        why = error;
      }
      if (signal.aborted) return;
      if (LOST.has(why?.reason)) this.#cursor = "";
      else if (isFinal(why)) {
        this.#following = false;
        return this.#tell(stateAfter(why), why.message);
      }
      this.#tell("offline", whyOffline(why));
      await this.#pause(wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, LONGEST_WAIT_MILLISECONDS);
    }
  }

  async #follow(signal, onLife) {
    const connection = new AbortController();
    const end = () => connection.abort();
    signal.addEventListener("abort", end, { once: true });
    let watch = setTimeout(end, SILENCE_MILLISECONDS);
    let taken = 0;
    try {
      for await (const response of stream(
        "MessageService/StreamStatus",
        this.#request(),
        connection.signal,
      )) {
        if (signal.aborted) return;
        clearTimeout(watch);
        watch = setTimeout(end, SILENCE_MILLISECONDS);
        onLife();
        this.#take(response);
        // Only now: what was not taken comes again.
        if (response.cursor) this.#cursor = response.cursor;
        taken += response.events?.length ?? 0;
        if (taken >= EVENTS_AT_ONCE) {
          taken = 0;
          await turn();
        }
      }
    } finally {
      clearTimeout(watch);
      signal.removeEventListener("abort", end);
      connection.abort();
    }
  }

  #request() {
    return {
      cursor: this.#cursor,
      filter: this.#filter,
      delivery: "STREAM_DELIVERY_LATEST_ONLY",
      heartbeatInterval: `${HEARTBEAT_SECONDS}s`,
    };
  }

  #pause(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#nudge = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function whyOffline(error) {
  if (!error) return "the server stops";
  return error.name === "AbortError" ? "no sign of life" : error.message;
}

const FINAL_CODES = {
  unauthenticated: "signed-out",
  permission_denied: "failed",
  invalid_argument: "failed",
  unimplemented: "failed",
};
const isFinal = (error) => error !== null && error.code in FINAL_CODES;
const stateAfter = (error) => FINAL_CODES[error.code];

/** Lets the browser paint and answer. Timers would do too, but are held back in hidden tabs. */
function turn() {
  return new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      resolve();
    };
    channel.port2.postMessage(null);
  });
}
