// Write a text, see at once what it would cost and why, and send it.

import { listCarriers } from "./carriers.js";
import { call } from "./connect.js";
import { element, setText } from "./elements.js";
import { estimateView } from "./estimate.js";
import { money, sentence } from "./wording.js";

const TYPING_MILLISECONDS = 200;

export class ComposePage {
  #asked = 0;
  #timer = 0;
  // The estimate of exactly what is written; null while there is none.
  #estimated = null;
  #requestId = "";
  #sent = "";
  #costs = true;

  constructor() {
    const control = (tag, name, attributes) =>
      element(tag, {
        id: `compose-${name}`,
        name,
        autocomplete: "off",
        spellcheck: "false",
        ...attributes,
      });
    this.recipient = control("input", "recipient", { type: "tel", placeholder: "+393331234567" });
    this.sender = control("input", "sender", { placeholder: "the server's own", maxlength: 11 });
    this.text = control("textarea", "text", {
      rows: 6,
      maxlength: 5000,
      spellcheck: "true",
      dir: "auto",
    });
    this.smart = control("input", "smart", { type: "checkbox" });
    this.sure = control("input", "sure", { type: "checkbox" });
    this.price = element("strong");
    this.confirm = element(
      "label",
      { class: "confirm", for: "compose-sure", hidden: true },
      this.sure,
      element("span", {}, "This goes to a real phone and costs ", this.price, ". Send it."),
    );
    this.note = element("p", { class: "hint" });
    this.button = element("button", { class: "primary", text: "Send a test message" });
    this.result = element("p", { class: "result", role: "status" });
    this.estimate = element("section", { class: "panel estimate", "aria-label": "Estimate" });
    this.form = element(
      "form",
      {
        class: "panel compose-form",
        oninput: (event) => event.target === this.sure || this.#written(),
        onsubmit: (event) => this.#submit(event),
      },
      row("Recipient", this.recipient),
      row("Sender", this.sender),
      row("Text", this.text),
      element(
        "label",
        { class: "check", for: "compose-smart" },
        this.smart,
        element("span", { text: "Replace typographic characters where that saves segments" }),
      ),
      this.confirm,
      this.note,
      this.button,
      this.result,
    );
    this.element = element(
      "div",
      { class: "compose" },
      element("h1", { tabindex: "-1", text: "Compose" }),
      element("div", { class: "compose-body" }, this.form, this.estimate),
    );
    this.#soon();
  }

  async show() {
    const carriers = await listCarriers().catch(() => null);
    // Where the server does not say what it sends through, it is taken to cost.
    this.#costs = !carriers?.length || carriers.some((carrier) => carrier.kind !== "simulator");
    this.#askConsent();
    setText(
      this.note,
      this.#costs
        ? ""
        : "Only the simulated carrier is set up: nothing leaves this machine. The last digits of the recipient choose what happens.",
    );
  }

  get #request() {
    return {
      sender: this.sender.value.trim(),
      recipient: this.recipient.value.trim(),
      text: this.text.value,
      options: { smartEncoding: this.smart.checked },
    };
  }

  /** The request; it must not cost more than what was shown. */
  get #agreed() {
    const request = this.#request;
    const maxPrice = this.#estimated?.totalPrice;
    return maxPrice ? { ...request, options: { ...request.options, maxPrice } } : request;
  }

  /** Consent was to another message, and so was the answer that is under way. */
  #written() {
    this.#asked += 1;
    this.#estimated = null;
    this.sure.checked = false;
    this.#askConsent();
    this.#soon();
  }

  /** There is something to agree to once a price is shown; while that changes, it cannot be done. */
  #askConsent() {
    const asks = this.#costs && this.text.value !== "" && this.price.textContent !== "";
    this.confirm.hidden = !asks;
    this.sure.required = this.#costs;
    this.sure.disabled = this.#estimated === null;
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), TYPING_MILLISECONDS);
  }

  async #ask() {
    const asked = ++this.#asked;
    if (!this.text.value) {
      setText(this.price, "");
      return this.estimate.replaceChildren(
        element("h2", { text: "Estimate" }),
        element("p", {
          class: "hint",
          text: "Type a text: its segments, its alphabet, the characters that force the expensive one, and its price appear here. Nothing is sent or stored.",
        }),
      );
    }
    try {
      const estimate = await call("MessageService/EstimateMessage", this.#request);
      if (asked !== this.#asked) return;
      this.#estimated = estimate;
      setText(
        this.price,
        estimate.totalPrice ? money(estimate.totalPrice) : "money, though its price is not known",
      );
      this.#askConsent();
      this.estimate.replaceChildren(...estimateView(estimate, (text) => this.#take(text)));
    } catch (error) {
      if (asked !== this.#asked) return;
      setText(this.price, "");
      this.#askConsent();
      this.estimate.replaceChildren(element("h2", { text: "Estimate" }), ...wrongs(error));
    }
  }

  #take(text) {
    this.text.value = text;
    this.text.focus();
    this.#written();
  }

  async #submit(event) {
    event.preventDefault();
    if (this.#costs && !(this.#estimated && this.sure.checked))
      return this.result.replaceChildren("It is sent once its price is shown and agreed to.");
    const request = this.#agreed;
    const content = JSON.stringify(request);
    // A second try of the same message is the same request, so that it cannot be sent twice.
    if (content !== this.#sent) [this.#sent, this.#requestId] = [content, randomId()];
    this.button.disabled = true;
    this.result.replaceChildren("Sending…");
    try {
      const { message } = await call("MessageService/SendMessage", {
        ...request,
        requestId: this.#requestId,
      });
      this.#sent = "";
      this.sure.checked = false;
      this.result.replaceChildren(
        "Accepted. ",
        element("a", { href: `#/message/${message.id}`, text: "Follow it" }),
      );
    } catch (error) {
      this.result.replaceChildren(...wrongs(error));
    } finally {
      this.button.disabled = false;
    }
  }
}

function row(label, control) {
  return element(
    "div",
    { class: "field" },
    element("label", { for: control.id, text: label }),
    control,
  );
}

function wrongs(error) {
  const told = error.violations?.length
    ? error.violations.map((one) => `${one.field}: ${one.description}`)
    : [sentence(error.message)];
  return told.map((text) => element("span", { class: "wrong", text }));
}

/** Not crypto.randomUUID, which pages without TLS on another machine do not have. */
function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
