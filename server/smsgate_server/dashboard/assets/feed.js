// The live list. Only the rows in sight exist as elements, and they are used again; so thousands of
// events a second cost as much as a few.

import { element, setText } from "./elements.js";
import { COLUMNS, Line, head, spokenHead } from "./feed_line.js";

const DRAW_MILLISECONDS = 150;
const SPARE_ROWS = 4;
const NARROW = matchMedia("(max-width: 640px)");
// Pixels, as in live.css.
const WIDE_ROW = 32;
const NARROW_ROW = 56;

/**
 * `open(id)` is called with the message of a row. While somebody reads (scrolled, or with the focus in
 * the list) the list stands still and says how many rows have come since.
 */
export class Feed {
  #rows;
  #open;
  #held = null;
  #heldAt = 0;
  #active = 0;
  #pool = [];
  #drawnAt = 0;
  #waiting = false;

  constructor(rows, open) {
    this.#rows = rows;
    this.#open = open;
    this.space = element("div", { class: "feed-space", role: "presentation" });
    this.body = element(
      "div",
      {
        class: "feed-body",
        role: "grid",
        "aria-label": "Live events, newest first",
        tabindex: "0",
        "aria-colcount": COLUMNS.length,
      },
      spokenHead(),
      this.space,
    );
    this.newer = element("button", {
      type: "button",
      class: "newer",
      hidden: true,
      onclick: () => this.release(),
    });
    this.element = element("div", { class: "feed", tabindex: "-1" }, head(), this.body, this.newer);
    this.body.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.body.addEventListener("keydown", (event) => this.#key(event));
    this.body.addEventListener("click", (event) => this.#clicked(event));
    this.body.addEventListener("focusin", () => this.#hold());
    // One stop for the Tab key: the list outside, its row inside.
    this.body.addEventListener("focusin", () => (this.body.tabIndex = -1));
    this.body.addEventListener("focusout", () => (this.body.tabIndex = 0));
    this.body.addEventListener("focus", () => this.#focusRow());
    // At once: rows of one height must not be seen at the places of the other.
    NARROW.addEventListener("change", () => this.#draw());
    new ResizeObserver(() => this.changed()).observe(this.body);
  }

  /** Rows came, or others are shown. Draws soon, and not more often than eyes can follow. */
  changed() {
    if (this.#waiting) return;
    this.#waiting = true;
    const wait = Math.max(0, this.#drawnAt + DRAW_MILLISECONDS - performance.now());
    setTimeout(() => requestAnimationFrame(() => this.#draw()), wait);
  }

  /** Follow the newest again. */
  release() {
    this.#held = null;
    this.#active = 0;
    // Out of the list, which would stand still again, but not to the top of the page.
    if (this.element.contains(document.activeElement)) this.element.focus({ preventScroll: true });
    this.body.scrollTop = 0;
    this.changed();
  }

  /** Other rows than before: what was held is of no use any more. */
  show(rows) {
    this.#rows = rows;
    this.#held = null;
    this.#active = 0;
    this.body.scrollTop = 0;
    this.changed();
  }

  /** The page is in sight again. Who went to a message comes back to its row. */
  shown() {
    this.changed();
    if (this.#held) requestAnimationFrame(() => this.#focusRow());
  }

  get hasRows() {
    return !this.element.hidden;
  }

  get #rowHeight() {
    return NARROW.matches ? NARROW_ROW : WIDE_ROW;
  }

  get #length() {
    return this.#held ? this.#held.length : this.#rows.shown.length;
  }

  #at(index) {
    return this.#held ? this.#held[index] : this.#rows.shown.at(index);
  }

  #hold() {
    if (this.#held) return;
    this.#held = this.#rows.shown.newestFirst();
    this.#heldAt = this.#rows.shown.pushed;
    this.changed();
  }

  #scrolled() {
    if (this.body.scrollTop > 0) this.#hold();
    else if (this.#held && !this.body.contains(document.activeElement)) this.#held = null;
    this.#draw();
  }

  #draw() {
    this.#waiting = false;
    this.#drawnAt = performance.now();
    if (!this.element.isConnected || this.body.clientHeight === 0) return;
    const height = this.#rowHeight;
    this.space.style.height = `${this.#length * height}px`;
    const first = Math.max(0, Math.floor(this.body.scrollTop / height) - SPARE_ROWS);
    const last = Math.min(
      this.#length,
      Math.ceil((this.body.scrollTop + this.body.clientHeight) / height) + SPARE_ROWS,
    );
    this.#keepPool(Math.ceil(this.body.clientHeight / height) + 2 * SPARE_ROWS + 1);
    this.body.setAttribute("aria-rowcount", this.#length + 1);
    const unused = new Set(this.#pool);
    for (let index = first; index < last; index += 1) {
      const line = this.#pool[index % this.#pool.length];
      unused.delete(line);
      line.show(this.#at(index), index, height, index === this.#active);
    }
    for (const line of unused) line.hide();
    this.#tellNewer();
  }

  #keepPool(size) {
    while (this.#pool.length < size) {
      const line = new Line();
      this.#pool.push(line);
      this.space.append(line.element);
    }
  }

  #tellNewer() {
    const number = this.#held ? this.#rows.shown.pushed - this.#heldAt : 0;
    this.newer.hidden = !this.#held;
    if (this.#held)
      setText(
        this.newer,
        number
          ? `${number.toLocaleString("en")} newer · back to live`
          : "Standing still · back to live",
      );
  }

  #key(event) {
    const page = Math.max(1, Math.floor(this.body.clientHeight / this.#rowHeight) - 1);
    const steps = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -Infinity,
      End: Infinity,
    };
    if (event.key in steps) {
      event.preventDefault();
      this.#active = Math.min(
        Math.max(0, this.#active + steps[event.key]),
        Math.max(0, this.#length - 1),
      );
      this.#focusRow();
    } else if (event.key === "Enter" && this.#length) {
      event.preventDefault();
      this.#open(this.#at(this.#active).id);
    } else if (event.key === "Escape") {
      this.release();
    }
  }

  #focusRow() {
    if (!this.#length) return;
    this.#hold();
    const height = this.#rowHeight;
    const top = this.#active * height;
    if (top < this.body.scrollTop) this.body.scrollTop = top;
    const over = top + height - (this.body.scrollTop + this.body.clientHeight);
    if (over > 0) this.body.scrollTop += over;
    this.#draw();
    this.#pool[this.#active % this.#pool.length].element.focus({ preventScroll: true });
  }

  #clicked(event) {
    const index = Number(event.target.closest("[role=row]")?.dataset.index ?? -1);
    if (index >= 0 && index < this.#length) this.#open(this.#at(index).id);
  }
}
