// Who is signed in. The key is sent once; the browser then holds a cookie that no script can read.

import { failure } from "./connect.js";
import { element, setText } from "./elements.js";

/** {account, scopes}; null if the server wants a key and has none that is good. */
export async function whoAmI() {
  const response = await fetch("/session", { cache: "no-store" });
  if (response.status === 401) return null;
  if (!response.ok) throw failure(await response.json().catch(() => ({})));
  return response.json();
}

async function signIn(key) {
  const response = await fetch("/session", {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
  });
  if (!response.ok)
    throw failure(await response.json().catch(() => ({ message: `HTTP ${response.status}` })));
  return response.json();
}

export async function signOut() {
  await fetch("/session", { method: "DELETE" });
}

/** The page that asks for a key. Calls `entered(who)` once the server took it. */
export class SignIn {
  #entered;

  constructor(entered) {
    this.#entered = entered;
    this.key = element("input", {
      id: "api-key",
      type: "password",
      autocomplete: "current-password",
      required: true,
      spellcheck: "false",
      placeholder: "sgk_…",
    });
    this.wrong = element("p", { class: "wrong", role: "alert" });
    this.element = element(
      "form",
      { class: "panel sign-in", onsubmit: (event) => this.#submit(event) },
      element("h1", { text: "Sign in" }),
      element("p", {
        class: "hint",
        text: "This server asks for an API key. The page does not keep it: the browser gets a cookie that lasts 12 hours at most and ends with the key.",
      }),
      element("label", { for: "api-key", text: "API key with the scope “read”" }),
      element("input", { type: "text", name: "username", autocomplete: "username", hidden: true }),
      this.key,
      this.wrong,
      element("button", { class: "primary", text: "Sign in" }),
      element(
        "p",
        { class: "hint" },
        "A key is made with ",
        element("code", { text: "smsgate-server accounts create-key ACCOUNT --scope read" }),
      ),
    );
  }

  async #submit(event) {
    event.preventDefault();
    setText(this.wrong, "");
    try {
      // A header holds no more than this; what else was pasted is no key.
      const who = await signIn(this.key.value.trim().replace(/[^\x21-\x7e]/g, ""));
      this.key.value = "";
      this.#entered(who);
    } catch (error) {
      setText(this.wrong, error.code ? error.message : "The server cannot be reached");
      this.key.focus();
    }
  }
}
