// What stands where there is nothing to show yet: how to make something happen.

import { element } from "./elements.js";

/** For a server without messages: the line that sends the first one. */
export function firstSteps() {
  const line = `curl ${location.origin}/messages \\
  -H 'content-type: application/json' \\
  -d '{"recipient": "+393331234567", "text": "Ciao!"}'`;
  return [
    element("h2", { text: "No messages yet" }),
    element("p", {
      text: "Every message that is sent appears here at once, and every change of its status after it. Send the first one from a terminal:",
    }),
    element("pre", { tabindex: "0", text: line }),
    element(
      "p",
      {},
      "A server with API keys wants one more line: ",
      element("code", { text: "-H 'authorization: Bearer sgk_…'" }),
      ".",
    ),
    element(
      "p",
      {},
      "Or write it here: ",
      element("a", { href: "#/compose", text: "compose a test message" }),
      ".",
    ),
  ];
}

export function nothingMatches(clear) {
  return [
    element("h2", { text: "Nothing matches these filters" }),
    element("p", {
      text: "The page goes on listening: what matches will appear here. Senders and labels are compared exactly, countries are ISO codes.",
    }),
    element("button", {
      type: "button",
      class: "quiet",
      onclick: clear,
      text: "Clear the filters",
    }),
  ];
}
