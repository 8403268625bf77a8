/** Moves the responses of streams into `Following`, and waits as long as it says. */

import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import type { StreamStatusResponse } from "../../../generated/typescript/smsgate/v1/message_service.js";
import { cancelledBy } from "./calls.js";
import { fromServiceError } from "./errors.js";
import type { Followed, Following } from "./following.js";

type Stream = ClientReadableStream<StreamStatusResponse>;
export type OpenStream = (following: Following) => Stream;

/** The items of a followed stream, one connection after another. */
export async function* followed(
  following: Following,
  open: OpenStream,
  signal: AbortSignal | undefined,
): AsyncGenerator<Followed, void, undefined> {
  let delay: number | undefined = 0;
  while (delay !== undefined) {
    await pause(delay, signal);
    delay = yield* oneStream(following, open(following), signal);
  }
}

/** Yields the items of one connection. Returns how long to wait for the next; undefined: for ever. */
async function* oneStream(
  following: Following,
  stream: Stream,
  signal: AbortSignal | undefined,
): AsyncGenerator<Followed, number | undefined, undefined> {
  // What comes after the loop was left is nobody's.
  stream.on("error", () => undefined);
  try {
    const responses = stream[Symbol.asyncIterator]() as AsyncIterator<StreamStatusResponse>;
    for (;;) {
      const next = await read(responses, following, signal);
      if (typeof next === "number") {
        return next;
      }
      if (next === undefined) {
        return following.ended();
      }
      yield* following.received(next);
      if (following.finished) {
        return undefined;
      }
      if (following.draining) {
        return following.ended();
      }
    }
  } finally {
    stream.cancel();
  }
}

/** A response; undefined at the end of the stream; or how long to wait for the next stream. */
async function read(
  responses: AsyncIterator<StreamStatusResponse>,
  following: Following,
  signal: AbortSignal | undefined,
): Promise<StreamStatusResponse | number | undefined> {
  unlessAborted(signal);
  let silence: NodeJS.Timeout | undefined;
  let abort = (): void => undefined;
  const silent = new Promise<"silent">((resolve) => {
    silence = setTimeout(resolve, following.silenceLimitMs, "silent");
  });
  const aborted = new Promise<"aborted">((resolve) => {
    abort = () => {
      resolve("aborted");
    };
    signal?.addEventListener("abort", abort);
  });
  try {
    const next = await Promise.race([responses.next(), silent, aborted]);
    if (next === "silent") {
      return following.silent();
    }
    if (next === "aborted") {
      throw cancelledBy(signal);
    }
    return next.done ? undefined : next.value;
  } catch (error) {
    if (signal?.aborted) {
      throw cancelledBy(signal);
    }
    if (isServiceError(error)) {
      return following.broken(fromServiceError(error));
    }
    throw error;
  } finally {
    clearTimeout(silence);
    signal?.removeEventListener("abort", abort);
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error && "metadata" in error;
}

/** A signal that is aborted already tells no listener any more. */
function unlessAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw cancelledBy(signal);
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  unlessAborted(signal);
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(cancelledBy(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
