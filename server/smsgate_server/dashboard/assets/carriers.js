// How the carriers do. Where the server does not tell, there is no panel.

import { call } from "./connect.js";
import { element } from "./elements.js";
import { count, plain } from "./wording.js";

const EVERY_MILLISECONDS = 10_000;
const NOT_TOLD = new Set(["unimplemented", "permission_denied", "unauthenticated"]);

/** The carriers, or null where the server does not tell. */
export async function listCarriers() {
  try {
    return (await call("CarrierService/ListCarriers")).carriers ?? [];
  } catch (error) {
    if (NOT_TOLD.has(error.code)) return null;
    throw error;
  }
}

export class Carriers {
  constructor() {
    this.list = element("ul", { class: "carriers" });
    this.element = element(
      "section",
      { class: "panel", hidden: true },
      element("h2", { text: "Carriers" }),
      this.list,
    );
  }

  /** Ask every ten seconds while the page is in sight. */
  keepAsking() {
    setInterval(() => document.hidden || this.ask(), EVERY_MILLISECONDS);
  }

  async ask() {
    let carriers;
    try {
      carriers = await listCarriers();
    } catch {
      return; // The pill at the top says that the server is away.
    }
    this.element.hidden = !carriers?.length;
    this.list.replaceChildren(...(carriers ?? []).map(line));
  }
}

function line(carrier) {
  const state = (carrier.state ?? "").replace("CARRIER_STATE_", "");
  return element(
    "li",
    { "data-state": state },
    element("span", { class: "carrier-name", text: carrier.name }),
    element("span", { class: "carrier-state", text: plain(state) }),
    element("span", { class: "carrier-facts", text: facts(carrier).join(" · ") }),
    carrier.trouble ? element("span", { class: "carrier-trouble", text: carrier.trouble }) : null,
  );
}

function facts(carrier) {
  const told = [
    carrier.kind,
    `${carrier.bindsUp ?? 0} of ${carrier.binds ?? 0} binds`,
    `${carrier.underWay ?? 0} of ${carrier.window ?? 0} under way`,
  ];
  if (carrier.rateLimit) told.push(`at most ${carrier.rateLimit}/s`);
  if (carrier.counts)
    told.push(
      `${count(carrier.counts.accepted ?? 0)} accepted`,
      `${count(carrier.counts.refused ?? 0)} refused`,
    );
  return told;
}
