// The page: who is signed in, and which part of it is shown.

import { ComposePage } from "./compose.js";
import { Connection } from "./connection.js";
import { setText } from "./elements.js";
import { LivePage } from "./live.js";
import { MessagePage } from "./message.js";
import { SignIn, signOut, whoAmI } from "./session.js";
import { UsagePage } from "./usage.js";

const RETRY_MILLISECONDS = 2_000;
const place = (name) => document.getElementById(name);
const open = (id) => (location.hash = `#/message/${encodeURIComponent(id)}`);

const connection = new Connection(place("connection"));
const live = new LivePage(
  {
    tell: (state, detail) => told(state, detail),
    heard: (response, now) => connection.heard(response, now),
  },
  open,
);
const pages = {
  live: { element: live.element, show: () => live.shown() },
  usage: new UsagePage(),
  compose: new ComposePage(),
  message: new MessagePage(),
};
const signIn = new SignIn((who) => begin(who));
let begun = false;
let current = "";

for (const [name, page] of Object.entries(pages))
  place(`page-${name}`).replaceChildren(page.element);
place("main").append(signIn.element);
signIn.element.hidden = true;

/** {name, argument} of the part behind the #. */
function route() {
  const [, name, argument] = location.hash.split("/");
  if (name === "message" && argument) return { name, argument: decoded(argument) };
  return { name: name in pages && name !== "message" ? name : "live" };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function show() {
  if (!begun) return;
  const { name, argument } = route();
  if (current === "message") pages.message.hide();
  for (const other of Object.keys(pages)) place(`page-${other}`).hidden = other !== name;
  for (const link of document.querySelectorAll("nav [data-page]")) {
    if (link.dataset.page === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const arrived = current !== "";
  current = name;
  pages[name].show(argument);
  document.documentElement.dataset.page = name;
  if (arrived && name !== "live") place(`page-${name}`).querySelector("h1")?.focus();
}

function begin(who) {
  setText(place("account"), who.account);
  // An open server knows no keys, so there is nothing to sign out of.
  place("sign-out").hidden = !who.expireTime && who.account === "local";
  signIn.element.hidden = true;
  begun = true;
  current = "";
  show();
  live.start();
}

function askForKey() {
  if (begun) live.stop();
  pages.message.hide();
  begun = false;
  for (const name of Object.keys(pages)) place(`page-${name}`).hidden = true;
  setText(place("account"), "");
  place("sign-out").hidden = true;
  signIn.element.hidden = false;
  connection.tell("signed-out");
  signIn.key.focus();
}

function told(state, detail) {
  if (state === "signed-out") askForKey();
  else connection.tell(state, detail);
}

async function start() {
  for (;;) {
    try {
      const who = await whoAmI();
      return who ? begin(who) : askForKey();
    } catch (error) {
      connection.tell("offline", error.code ? error.message : "");
      await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
    }
  }
}

place("sign-out").addEventListener("click", async () => {
  await signOut().catch(() => {});
  askForKey();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && current === "message" && !event.defaultPrevented)
    location.hash = "#/";
});
// A fragment is no page of its own: following it must not move the focus or the view.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  place("main").focus();
});
addEventListener("hashchange", show);
connection.tell("connecting");
start();
