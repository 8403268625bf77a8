/**
 * A stream that outlives its connections: where it stands and what comes next, without any I/O.
 *
 * - Every event after the start comes exactly once and in order, however often the connection or
 *   the server goes away, as long as the log's retention covers the outage.
 * - It goes on from the cursor of the last response that was received whole. The first response,
 *   Opened, has the cursor of the start, so a break before the first event loses nothing either.
 * - A snapshot has no cursors: one that is interrupted starts again. A message that was yielded
 *   before is yielded again only if its status or reason is another by then.
 */

import { status as Code } from "@grpc/grpc-js";
import type { Message, StatusEvent } from "../../../generated/typescript/smsgate/v1/message.js";
import {
  StreamStatusRequest,
  type StreamStatusResponse,
  StreamStatusResponse_End_Reason as EndReason,
} from "../../../generated/typescript/smsgate/v1/message_service.js";
import {
  Cancelled,
  DeadlineExceeded,
  LimitExceeded,
  ServerError,
  type SmsgateError,
  Unavailable,
} from "./errors.js";
import type { DeepPartial } from "./partial.js";
import { secondsOf } from "./values.js";

const DEFAULT_HEARTBEAT_SECONDS = 15;
// A connection that is silent for this many intervals is dead.
const SILENT_INTERVALS = 3;
const FIRST_BACKOFF_MS = 100;
export const MAX_BACKOFF_MS = 3_000;
// Errors without a reason of ours come from something between the client and the server, and
// pass. If they do not pass they are meant.
const MAX_FOREIGN_ERRORS = 5;

/** What has just become of a followed stream. */
export type FollowState =
  | { readonly phase: "open" | "snapshotComplete" | "ended"; readonly cursor: string }
  /** `lagSeconds` is how far the stream is behind the newest event. */
  | { readonly phase: "heartbeat"; readonly cursor: string; readonly lagSeconds: number }
  | {
      readonly phase: "interrupted";
      readonly cursor: string;
      readonly error: SmsgateError;
      readonly retryInMs: number;
    };

/**
 * An event, a message of a snapshot, or neither: then it is only a bookmark.
 *
 * Whoever stores `cursor` once the item is dealt with, and later starts from it, loses nothing. The
 * events of one response share one position: all but its last have the cursor of the response
 * before, so that after a start from it they come again together. A bookmark has the newest
 * position when nothing matched; store it too, or the stored cursor may outlive the retention.
 * During a snapshot it is empty.
 */
export interface Followed {
  readonly cursor: string;
  readonly event?: StatusEvent;
  readonly message?: Message;
  /** LATEST_ONLY: how many events were left out just before this one. */
  readonly coalesced: number;
}

/** How to hold on to a stream. */
export interface FollowOptions {
  /** Ends the following with `Cancelled`. Leaving the loop ends it, too. */
  readonly signal?: AbortSignal;
  /** Told of every opening, heartbeat, interruption and end. */
  readonly onState?: (state: FollowState) => void;
  /** Give up with the last error after being without a stream for so long; else never. */
  readonly maxOutageMs?: number;
  /** End with `DeadlineExceeded` after so long, whatever happened; else never. */
  readonly timeoutMs?: number;
}

/** What a test replaces: milliseconds that never go back, and numbers from 0 to 1. */
export interface Chance {
  readonly clock: () => number;
  readonly random: () => number;
}

const REAL: Chance = { clock: () => performance.now(), random: Math.random };

/** One followed stream: `request`, `received` for each response, then `broken` or `ended`. */
export class Following {
  /** The server said that there is nothing more to come. */
  finished = false;
  /** The server said that it goes away: leave this stream and open another. */
  draining = false;
  position = "";
  /** After so long without a word the connection is dead. */
  readonly silenceLimitMs: number;

  private readonly first: StreamStatusRequest;
  private readonly deadline: number | undefined;
  private snapshot: Snapshot | undefined;
  private attempts = 0;
  private foreignErrors = 0;
  private outageBegan: number | undefined;

  constructor(
    request: DeepPartial<StreamStatusRequest>,
    private readonly options: FollowOptions = {},
    private readonly chance: Chance = REAL,
  ) {
    this.first = StreamStatusRequest.fromPartial(request);
    const now = chance.clock();
    this.deadline = options.timeoutMs === undefined ? undefined : now + options.timeoutMs;
    this.outageBegan = now;
    this.snapshot = this.first.snapshot ? new Snapshot() : undefined;
    const interval = secondsOf(this.first.heartbeatInterval) || DEFAULT_HEARTBEAT_SECONDS;
    this.silenceLimitMs = SILENT_INTERVALS * interval * 1_000;
  }

  /** What to open the stream with: as the caller wanted it, or from where it broke off. */
  request(): StreamStatusRequest {
    this.draining = false;
    if (!this.position) {
      return this.first;
    }
    const { startTime: _time, fromEarliest: _earliest, ...rest } = this.first;
    return { ...rest, snapshot: false, cursor: this.position };
  }

  /** How long the stream that is to be opened may last; undefined: for ever. */
  timeLeftMs(): number | undefined {
    return this.deadline === undefined
      ? undefined
      : Math.max(0, this.deadline - this.chance.clock());
  }

  /** What to yield for a response. Consume it all before the next one. */
  *received(response: StreamStatusResponse): Generator<Followed, void, undefined> {
    this.outageBegan = undefined;
    if (response.opened === undefined) {
      // Opened alone does not count: a server that opens and dies must not be hammered.
      this.attempts = this.foreignErrors = 0;
    }
    const before = this.position;
    if (response.snapshotEnd !== undefined) {
      this.snapshot = undefined;
    }
    if (response.cursor && this.snapshot === undefined) {
      this.position = response.cursor;
    }
    yield* this.items(response, before);
    this.note(response);
  }

  private *items(response: StreamStatusResponse, before: string): Generator<Followed> {
    for (const message of response.snapshot) {
      if (this.snapshot === undefined || this.snapshot.isNew(message)) {
        yield { cursor: "", message, coalesced: 0 };
      }
    }
    const last = response.events.length - 1;
    for (const [index, event] of response.events.entries()) {
      const cursor = index === last ? this.position : before;
      yield { cursor, event, coalesced: index === 0 ? response.coalesced : 0 };
    }
    if (last < 0 && this.position !== before) {
      yield { cursor: this.position, coalesced: 0 };
    }
  }

  private note({ opened, snapshotEnd, heartbeat, end }: StreamStatusResponse): void {
    const cursor = this.position;
    if (opened !== undefined) {
      this.tell({ phase: "open", cursor });
    } else if (snapshotEnd !== undefined) {
      this.tell({ phase: "snapshotComplete", cursor });
    } else if (heartbeat !== undefined) {
      this.tell({ phase: "heartbeat", cursor, lagSeconds: secondsOf(heartbeat.lag) });
    } else if (end !== undefined) {
      this.finished = end.reason === EndReason.ALL_TERMINAL;
      this.draining = !this.finished;
      if (this.finished) {
        this.tell({ phase: "ended", cursor });
      }
    }
  }

  /** The stream ended with OK, yet not for good: how long to wait before the next one. */
  ended(): number {
    const reason = this.draining ? "SERVER_DRAINING" : "";
    const message = "the server ended the stream";
    return this.broken(new Unavailable({ code: Code.UNAVAILABLE, message, reason }));
  }

  /** The stream was silent too long: how long to wait before the next one. */
  silent(): number {
    const message = `no word from the server for ${String(this.silenceLimitMs / 1_000)} s`;
    const reason = "HEARTBEAT_MISSED";
    return this.broken(new Unavailable({ code: Code.UNAVAILABLE, message, reason }));
  }

  /** The stream broke: the milliseconds to wait before the next. Throws what cannot be mended. */
  broken(error: SmsgateError): number {
    const now = this.chance.clock();
    if (this.deadline !== undefined && now >= this.deadline) {
      const message = "the time given to follow is over";
      throw new DeadlineExceeded({ code: Code.DEADLINE_EXCEEDED, message }, { cause: error });
    }
    if (!this.canMend(error)) {
      throw error;
    }
    this.outageBegan ??= now;
    const { maxOutageMs } = this.options;
    if (maxOutageMs !== undefined && now - this.outageBegan >= maxOutageMs) {
      throw error;
    }
    this.snapshot?.beginAgain();
    const retryInMs = this.delay(error);
    this.tell({ phase: "interrupted", cursor: this.position, error, retryInMs });
    return retryInMs;
  }

  private delay(error: SmsgateError): number {
    const ceiling = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(this.attempts, 16));
    this.attempts += 1;
    // Full jitter: clients that were cut off together come back spread out.
    const wanted = Math.min(error.retryAfterMs ?? 0, MAX_BACKOFF_MS);
    const delay = Math.max(ceiling * this.chance.random(), wanted);
    return Math.min(delay, this.timeLeftMs() ?? delay);
  }

  private canMend(error: SmsgateError): boolean {
    if (error instanceof Unavailable || error.reason === "SLOW_CONSUMER") {
      return true;
    }
    if (error instanceof LimitExceeded && error.reason) {
      // After a break the server may still count the stream that broke.
      return this.position !== "";
    }
    const foreign = [Cancelled, DeadlineExceeded, ServerError].some(
      (kind) => error instanceof kind,
    );
    if (foreign && !error.reason) {
      this.foreignErrors += 1;
      return this.foreignErrors <= MAX_FOREIGN_ERRORS;
    }
    return false;
  }

  private tell(state: FollowState): void {
    this.options.onState?.(state);
  }
}

/** The messages yielded so far, so that one that starts again yields only what is new. */
class Snapshot {
  private readonly yielded = new Map<string, string>();
  private interrupted = false;

  beginAgain(): void {
    this.interrupted = true;
  }

  isNew(message: Message): boolean {
    const state = `${String(message.status)} ${String(message.reason)}`;
    const known = this.interrupted && this.yielded.get(message.id) === state;
    this.yielded.set(message.id, state);
    return !known;
  }
}
