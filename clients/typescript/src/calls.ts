/** Calls as promises: deadlines, keys, signals and typed errors for every method of a stub. */

import { randomUUID } from "node:crypto";
import {
  type CallOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  Metadata,
  type ServiceError,
  status as Code,
} from "@grpc/grpc-js";
import { Cancelled, ClosedError, Conflict, fromServiceError } from "./errors.js";

// When a connection breaks under a call, gRPC's retry can reach the server while the first attempt
// is at work there. REQUEST_IN_FLIGHT then is not the outcome; it comes a moment later.
const MAX_IN_FLIGHT_REPEATS = 10;
const DEFAULT_IN_FLIGHT_MS = 200;

/** What one call may take, and what ends it. */
export interface CallSettings {
  /** How long to wait for the answer; wins over what the client was given. */
  readonly timeoutMs?: number | undefined;
  /** What the answer may take at least, if there is no `timeoutMs`. */
  readonly leastMs?: number | undefined;
  /** What it may take beyond that, if there is no `timeoutMs`. */
  readonly extraMs?: number | undefined;
  /** Ends the call with `Cancelled`. */
  readonly signal?: AbortSignal | undefined;
}

/** A unary method of a generated stub. */
export type Unary<Q, R> = (
  request: Q,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: R) => void,
) => ClientUnaryCall;

/** A method with a stream of responses. */
export type Streaming<Q, R> = (
  request: Q,
  metadata: Metadata,
  options: Partial<CallOptions>,
) => ClientReadableStream<R>;

export class Calls {
  closed = false;
  private readonly metadata = new Metadata();
  // A server that is away is waited for until the deadline: the library's own pauses between tries
  // are by chance, and may all be short. A stream goes on by rules of its own.
  private readonly patient = new Metadata({ waitForReady: true });

  constructor(
    apiKey: string,
    private readonly timeoutMs: number,
  ) {
    if (apiKey) {
      for (const metadata of [this.metadata, this.patient]) {
        metadata.set("authorization", `Bearer ${apiKey}`);
      }
    }
  }

  /** Make a call. A request that has an empty request id gets one. */
  async unary<Q, R>(method: Unary<Q, R>, request: Q, settings: CallSettings = {}): Promise<R> {
    const { signal, leastMs = 0, extraMs = 0 } = settings;
    const limit = settings.timeoutMs ?? Math.max(this.timeoutMs, leastMs) + extraMs;
    const deadline = Date.now() + limit;
    const whole = identified(request);
    for (let repeats = 0; ; repeats += 1) {
      try {
        return await this.once(method, whole, deadline, signal);
      } catch (error) {
        const delayMs = inFlightDelayMs(error);
        if (delayMs === undefined || repeats >= MAX_IN_FLIGHT_REPEATS) {
          throw error;
        }
        if (delayMs >= deadline - Date.now()) {
          throw error;
        }
        await pause(delayMs, signal);
      }
    }
  }

  private once<Q, R>(
    method: Unary<Q, R>,
    request: Q,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<R> {
    if (this.closed) {
      return Promise.reject(new ClosedError());
    }
    if (signal?.aborted) {
      return Promise.reject(cancelledBy(signal));
    }
    return new Promise((resolve, reject) => {
      const call = method(request, this.patient, { deadline }, (error, response) => {
        signal?.removeEventListener("abort", abort);
        if (error === null) {
          resolve(response);
        } else {
          reject(signal?.aborted ? cancelledBy(signal) : fromServiceError(error));
        }
      });
      const abort = (): void => {
        call.cancel();
      };
      signal?.addEventListener("abort", abort);
    });
  }

  stream<Q, R>(
    method: Streaming<Q, R>,
    request: Q,
    timeoutMs: number | undefined,
  ): ClientReadableStream<R> {
    if (this.closed) {
      throw new ClosedError();
    }
    const options = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
    return method(request, this.metadata, options);
  }
}

/** Made once for all tries of a call, so that it is done once. */
function identified<Q>(request: Q): Q {
  const lacks = typeof request === "object" && request !== null && "requestId" in request;
  return lacks && request.requestId === "" ? { ...request, requestId: randomUUID() } : request;
}

/** How long to wait before a repeat; undefined if it would not help. */
function inFlightDelayMs(error: unknown): number | undefined {
  return error instanceof Conflict && error.reason === "REQUEST_IN_FLIGHT"
    ? (error.retryAfterMs ?? DEFAULT_IN_FLIGHT_MS)
    : undefined;
}

/** Wait so long, or until the signal. */
function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) {
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener("abort", end);
  });
}

export function cancelledBy(signal: AbortSignal | undefined): Cancelled {
  const message = "the call was ended by its signal";
  return new Cancelled({ code: Code.CANCELLED, message }, { cause: signal?.reason });
}
