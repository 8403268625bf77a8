/** What a call can end with, other than its response. */

import { status as Code, type Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  BadRequest,
  ErrorInfo,
  PreconditionFailure,
  QuotaFailure,
  RetryInfo,
} from "../../../generated/typescript/google/rpc/error_details.js";
import { Status } from "../../../generated/typescript/google/rpc/status.js";

const DOMAIN = "smsgate";
const DETAILS = "grpc-status-details-bin";

/** One thing that is wrong. `field` is the path of the field, or what the rule is about. */
export interface Violation {
  readonly field: string;
  readonly reason: string;
  readonly description: string;
}

/** What an error was made of. */
export interface Failure {
  readonly code: Code;
  readonly message: string;
  readonly reason: string;
  readonly violations: readonly Violation[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryAfterMs: number | undefined;
}

/** A call that did not succeed. `code` says how, `reason` why, and `details` tells people. */
export class SmsgateError extends Error {
  readonly code: Code;
  readonly reason: string;
  /** The server's own words, without code and reason. */
  readonly details: string;
  readonly violations: readonly Violation[];
  readonly metadata: Readonly<Record<string, string>>;
  /** When a repeat can succeed, in milliseconds from when the error came. */
  readonly retryAfterMs: number | undefined;

  constructor(failure: Partial<Failure>, options?: ErrorOptions) {
    const code = failure.code ?? Code.UNKNOWN;
    const reason = failure.reason ?? "";
    const name = reason ? `${Code[code]} / ${reason}` : Code[code];
    super(failure.message ? `${name}: ${failure.message}` : name, options);
    this.name = new.target.name;
    this.code = code;
    this.reason = reason;
    this.details = failure.message ?? "";
    this.violations = failure.violations ?? [];
    this.metadata = failure.metadata ?? {};
    this.retryAfterMs = failure.retryAfterMs;
  }
}

/** The request can never succeed as it is. `violations` names everything that is wrong. */
export class InvalidRequest extends SmsgateError {}

/** Events after the cursor may be gone. Take a snapshot, or go on from `earliestCursor`. */
export class CursorExpired extends InvalidRequest {
  /** The oldest position that can still be started from; empty if the server did not say. */
  get earliestCursor(): string {
    return this.metadata.earliest_cursor ?? "";
  }
}

/** There is nothing with this id, as far as the account may know. */
export class NotFound extends SmsgateError {}

/** The request id belongs to another request or one that is being handled now, or an id is taken. */
export class Conflict extends SmsgateError {}

/** The request is well formed, but the state of things, a policy or money forbids it. */
export class Refused extends SmsgateError {}

/** A limit was hit. `retryAfterMs` says when a repeat can succeed. */
export class LimitExceeded extends SmsgateError {}

/** The call had no API key, or one that is not valid. */
export class Unauthenticated extends SmsgateError {}

/** The API key is valid but does not allow this call. */
export class PermissionDenied extends SmsgateError {}

/** Nobody can know whether it was done. A repeat with the same request id is safe. */
export class OutcomeUnknown extends SmsgateError {}

/** The server cannot be reached, or cannot work at the moment. */
export class Unavailable extends OutcomeUnknown {}

/** The answer did not come in time. */
export class DeadlineExceeded extends OutcomeUnknown {}

/** The call was ended by your signal, by the server or by something on the way to it. */
export class Cancelled extends OutcomeUnknown {}

/** The server failed, or does not offer this call. */
export class ServerError extends SmsgateError {}

/** The client was closed before the call. */
export class ClosedError extends Error {
  override readonly name = "ClosedError";

  constructor() {
    super("the client is closed");
  }
}

type Kind = new (failure: Partial<Failure>, options?: ErrorOptions) => SmsgateError;

const BY_CODE: Partial<Record<Code, Kind>> = {
  [Code.INVALID_ARGUMENT]: InvalidRequest,
  [Code.OUT_OF_RANGE]: InvalidRequest,
  [Code.NOT_FOUND]: NotFound,
  [Code.ALREADY_EXISTS]: Conflict,
  [Code.ABORTED]: Conflict,
  [Code.FAILED_PRECONDITION]: Refused,
  [Code.RESOURCE_EXHAUSTED]: LimitExceeded,
  [Code.UNAUTHENTICATED]: Unauthenticated,
  [Code.PERMISSION_DENIED]: PermissionDenied,
  [Code.UNAVAILABLE]: Unavailable,
  [Code.DEADLINE_EXCEEDED]: DeadlineExceeded,
  [Code.CANCELLED]: Cancelled,
};

/** The error for what gRPC failed with. Details that are foreign or broken are left out. */
export function fromServiceError(error: ServiceError): SmsgateError {
  const status = statusOf(error.metadata);
  return made(error.code, status?.message || error.details, status, error);
}

/** The error that a google.rpc.Status inside a response stands for, e.g. of a batch item. */
export function fromStatus(status: Status): SmsgateError {
  const known = Object.values(Code).find((code): code is Code => Number(code) === status.code);
  const code = known ?? Code.UNKNOWN;
  return made(code, status.message, status);
}

// Errors that gRPC makes itself may come without metadata, whatever its types say.
function statusOf(metadata: Metadata | undefined): Status | undefined {
  const [value] = metadata?.get(DETAILS) ?? [];
  if (!Buffer.isBuffer(value)) {
    return undefined;
  }
  return attempt(() => Status.decode(value));
}

function made(code: Code, message: string, status?: Status, cause?: unknown): SmsgateError {
  const read = new Details();
  for (const detail of status?.details ?? []) {
    attempt(() => {
      read.take(detail.typeUrl.slice(detail.typeUrl.lastIndexOf("/") + 1), detail.value);
    });
  }
  const { reason, violations, metadata, retryAfterMs } = read;
  const Made = reason === "CURSOR_EXPIRED" ? CursorExpired : (BY_CODE[code] ?? ServerError);
  return new Made({ code, message, reason, violations, metadata, retryAfterMs }, { cause });
}

class Details {
  reason = "";
  readonly metadata: Record<string, string> = {};
  readonly violations: Violation[] = [];
  retryAfterMs: number | undefined;

  take(type: string, value: Uint8Array): void {
    switch (type) {
      case "google.rpc.ErrorInfo":
        this.info(ErrorInfo.decode(value));
        break;
      case "google.rpc.BadRequest":
        for (const { field, reason, description } of BadRequest.decode(value).fieldViolations) {
          this.violations.push({ field, reason, description });
        }
        break;
      case "google.rpc.PreconditionFailure":
        for (const { subject, type, description } of PreconditionFailure.decode(value).violations) {
          this.violations.push({ field: subject, reason: type, description });
        }
        break;
      case "google.rpc.QuotaFailure":
        for (const { subject, description } of QuotaFailure.decode(value).violations) {
          this.violations.push({ field: subject, reason: "", description });
        }
        break;
      case "google.rpc.RetryInfo":
        this.retry(RetryInfo.decode(value));
    }
  }

  private info(info: ErrorInfo): void {
    if (info.domain === DOMAIN) {
      this.reason = info.reason;
      Object.assign(this.metadata, info.metadata);
    }
  }

  private retry({ retryDelay }: RetryInfo): void {
    if (retryDelay !== undefined) {
      this.retryAfterMs = Number(retryDelay.seconds) * 1_000 + retryDelay.nanos / 1e6;
    }
  }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
