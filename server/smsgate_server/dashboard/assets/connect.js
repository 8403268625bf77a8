// The Connect protocol: a unary call is a POST of JSON, a stream a response of envelopes.
// https://connectrpc.com/docs/protocol

import { noteServerTime } from "./clock.js";

const HEAD_BYTES = 5;
const END_STREAM = 2;
// More than any response of the server; a length beyond it is no length.
const MAX_ENVELOPE_BYTES = 64 * 2 ** 20;

/** Why a call failed. `code` is that of Connect; "unreachable" means that there was no answer. */
export class CallError extends Error {
  constructor(code, message, fields = {}) {
    super(message);
    this.code = code;
    this.reason = (fields.reason ?? "").replace("ERROR_REASON_", "");
    this.details = fields.details ?? [];
  }

  /** What is wrong with which field: [{field, description}]. */
  get violations() {
    return this.details
      .filter((detail) => detail.type === "google.rpc.BadRequest")
      .flatMap((detail) => detail.debug?.fieldViolations ?? []);
  }
}

/** The answer of a unary rpc, such as "MessageService/GetMessage". */
export async function call(rpc, request = {}, signal = undefined) {
  const response = await post(rpc, "application/json", JSON.stringify(request), signal);
  return response.json();
}

/** The responses of a streaming rpc as they come. Ends without an error only if the server says so. */
export async function* stream(rpc, request, signal) {
  const body = envelope(new TextEncoder().encode(JSON.stringify(request)));
  const response = await post(rpc, "application/connect+json", body, signal);
  const reader = response.body.getReader();
  const envelopes = new EnvelopeReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await read(reader);
      if (done) throw new CallError("unreachable", "the stream broke off");
      for (const { flags, bytes } of envelopes.push(value)) {
        const message = JSON.parse(decoder.decode(bytes));
        if (flags & END_STREAM) {
          if (message.error) throw failure(message.error);
          return;
        }
        yield message;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** Cuts a stream of bytes into envelopes, wherever its chunks begin and end. */
export class EnvelopeReader {
  #waiting = new Uint8Array(0);

  push(chunk) {
    const found = [];
    let bytes = this.#waiting.length ? joined(this.#waiting, chunk) : chunk;
    while (bytes.length >= HEAD_BYTES) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const size = view.getUint32(1);
      if (size > MAX_ENVELOPE_BYTES)
        throw new CallError("unreachable", "that is no Connect stream");
      if (bytes.length < HEAD_BYTES + size) break;
      found.push({ flags: bytes[0], bytes: bytes.subarray(HEAD_BYTES, HEAD_BYTES + size) });
      bytes = bytes.subarray(HEAD_BYTES + size);
    }
    // A copy, so that what was read can be freed.
    this.#waiting = bytes.slice();
    return found;
  }
}

async function post(rpc, type, body, signal) {
  let response;
  try {
    response = await fetch(`/smsgate.v1.${rpc}`, {
      method: "POST",
      headers: { "content-type": type, "connect-protocol-version": "1" },
      body,
      signal,
      cache: "no-store",
    });
  } catch (error) {
    throw unreachable(error);
  }
  noteServerTime(response.headers.get("date"));
  if (!response.ok)
    throw failure(
      await response
        .json()
        .catch(() => ({ code: "unavailable", message: `HTTP ${response.status}` })),
    );
  return response;
}

async function read(reader) {
  try {
    return await reader.read();
  } catch (error) {
    throw unreachable(error);
  }
}

function unreachable(error) {
  return error.name === "AbortError"
    ? error
    : new CallError("unreachable", "the server cannot be reached");
}

export function failure(fields) {
  return new CallError(fields.code ?? "unknown", fields.message ?? "the call failed", fields);
}

function envelope(message) {
  const bytes = new Uint8Array(HEAD_BYTES + message.length);
  new DataView(bytes.buffer).setUint32(1, message.length);
  bytes.set(message, HEAD_BYTES);
  return bytes;
}

function joined(first, second) {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
