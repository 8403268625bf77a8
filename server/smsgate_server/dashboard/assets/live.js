// The live page: counters, filters, the feed, and what the last 15 minutes were like.

import { Breakdown } from "./breakdown.js";
import { Carriers } from "./carriers.js";
import { serverNow } from "./clock.js";
import { call } from "./connect.js";
import { Counters } from "./counters.js";
import { element, setText } from "./elements.js";
import { acceptedAt, rowOfEvent, rowOfMessage } from "./events.js";
import { Feed } from "./feed.js";
import { FilterBar, streamFilter } from "./filters.js";
import { firstSteps, nothingMatches } from "./first_steps.js";
import { Follower } from "./follower.js";
import { Rows } from "./rows.js";
import { FINAL, STATUSES, countryName, rate, shortCount } from "./wording.js";
import { Outcomes, SecondCounts } from "./window.js";

const FIRST_ROWS = 200;
const DRAW_MILLISECONDS = 500;
const RATE_SECONDS = 10;

export class LivePage {
  #connection;
  #statuses = [];
  #rows;
  #counts;
  #byCountry;
  #byCarrier;
  // The filters that the stream was started with.
  #followed = "";
  #started = false;
  // Events that were left out because a newer one of the same message was to be sent with them.
  #overtaken = 0;

  constructor(connection, open) {
    this.#connection = connection;
    this.#begin();
    this.filters = new FilterBar((filters) => this.#changed(filters));
    this.counters = new Counters(this.#counts, (status) => this.filters.toggleStatus(status));
    this.feed = new Feed(this.#rows, open);
    this.countries = new Breakdown("By country", "country", countryName);
    this.carriers = new Breakdown("By carrier", "carrier");
    this.health = new Carriers();
    this.pace = element("p", {
      class: "pace",
      title:
        "Overtaken events are left out when a newer one of the same message is to be sent with them",
    });
    this.empty = element("div", { class: "empty" });
    this.element = element(
      "div",
      { class: "live" },
      element(
        "div",
        { class: "live-head" },
        element("h1", { text: "Live" }),
        this.pace,
        element("p", {
          class: "pace-note",
          text: "counters: the last 15 minutes, since this page was opened",
        }),
        this.filters.element,
      ),
      this.counters.element,
      element(
        "div",
        { class: "live-body" },
        element(
          "section",
          { class: "live-feed", "aria-label": "Events" },
          this.feed.element,
          this.empty,
        ),
        element(
          "aside",
          { class: "live-side", "aria-label": "The last 15 minutes", tabindex: "0" },
          this.health.element,
          this.countries.element,
          this.carriers.element,
        ),
      ),
    );
    this.follower = new Follower({
      seed: (signal) => this.#seed(signal),
      take: (response) => this.#take(response),
      tell: (state, detail) => connection.tell(state, detail),
    });
  }

  /** Begin, or begin anew after `stop`. */
  start() {
    if (!this.#started) this.#startOnce();
    this.health.ask();
    this.#choose(this.filters.filters.statuses);
    this.#follow(this.filters.filters);
  }

  #startOnce() {
    this.#started = true;
    setInterval(() => document.hidden || this.draw(), DRAW_MILLISECONDS);
    document.addEventListener("visibilitychange", () => document.hidden || this.draw());
    this.health.keepAsking();
  }

  stop() {
    this.follower.stop();
  }

  shown() {
    this.draw();
    this.feed.shown();
  }

  draw() {
    const now = serverNow();
    this.counters.draw(now);
    const perSecond = (status) => this.#counts.perSecond(status, RATE_SECONDS);
    const all = STATUSES.reduce((sum, status) => sum + perSecond(status), 0);
    const overtaken = this.#overtaken ? ` · ${shortCount(this.#overtaken)} overtaken` : "";
    setText(this.pace, `${rate(perSecond("NEW"))} messages/s · ${rate(all)} events/s${overtaken}`);
    this.countries.draw(this.#byCountry.table(now));
    this.carriers.draw(this.#byCarrier.table(now));
    this.#showEmpty();
    this.feed.changed();
  }

  #begin() {
    this.#overtaken = 0;
    this.#rows = new Rows();
    this.#rows.choose(this.#statuses);
    this.#counts = new SecondCounts();
    this.#byCountry = new Outcomes();
    this.#byCarrier = new Outcomes();
  }

  #reset() {
    this.#begin();
    this.counters.show(this.#counts);
    this.feed.show(this.#rows);
  }

  #changed(filters) {
    this.#choose(filters.statuses);
    if (JSON.stringify(streamFilter(filters)) !== this.#followed) this.#follow(filters);
  }

  #follow(filters) {
    this.#followed = JSON.stringify(streamFilter(filters));
    this.seeded = false;
    this.#reset();
    this.follower.restart(streamFilter(filters));
    this.draw();
  }

  #choose(statuses) {
    this.#statuses = statuses;
    this.#rows.choose(statuses);
    this.counters.choose(statuses);
    this.feed.show(this.#rows);
    this.draw();
  }

  /** The newest messages as they are, and the position from which all later events are to come. */
  async #seed(signal) {
    const page = await call(
      "MessageService/ListMessages",
      { pageSize: FIRST_ROWS, filter: streamFilter(this.filters.filters) },
      signal,
    );
    this.#reset();
    for (const message of (page.messages ?? []).reverse()) this.#rows.push(rowOfMessage(message));
    this.seeded = true;
    this.draw();
    return page.cursor;
  }

  #take(response) {
    for (const event of response.events ?? []) this.#count(rowOfEvent(event));
    this.#overtaken += response.coalesced ?? 0;
    this.#connection.heard(response, serverNow());
    if (response.events) {
      if (!this.feed.hasRows) this.#showEmpty();
      this.feed.changed();
    }
  }

  #count(row) {
    this.#rows.push(row);
    if (row.late) return; // It changed no status.
    this.#counts.add(row.status, row.time);
    if (!FINAL.has(row.status)) return;
    const latency = row.time - acceptedAt(row.id);
    this.#byCountry.add(row.country || "–", row.status, row.time, latency);
    if (row.carrier) this.#byCarrier.add(row.carrier, row.status, row.time, latency);
  }

  #showEmpty() {
    const none = this.#rows.shown.length === 0;
    this.feed.element.hidden = none;
    const wanted = !none || !this.seeded ? "" : this.filters.isEmpty ? "first" : "filtered";
    if (this.empty.dataset.kind === wanted) return;
    this.empty.dataset.kind = wanted;
    const shown =
      wanted === "first"
        ? firstSteps()
        : wanted === "filtered"
          ? nothingMatches(() => this.filters.reset())
          : [];
    this.empty.replaceChildren(...shown);
  }
}
