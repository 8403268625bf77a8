/** Errors, from the bytes that a server sends. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Metadata, type ServiceError, status as Code } from "@grpc/grpc-js";
import * as details from "../../../generated/typescript/google/rpc/error_details.js";
import { Status } from "../../../generated/typescript/google/rpc/status.js";
import {
  Cancelled,
  Conflict,
  CursorExpired,
  DeadlineExceeded,
  fromServiceError,
  fromStatus,
  InvalidRequest,
  LimitExceeded,
  NotFound,
  OutcomeUnknown,
  PermissionDenied,
  Refused,
  ServerError,
  SmsgateError,
  Unauthenticated,
  Unavailable,
} from "../src/index.js";

function raised(code: Code, status?: Uint8Array): SmsgateError {
  const metadata = new Metadata();
  if (status !== undefined) {
    metadata.set("grpc-status-details-bin", Buffer.from(status));
  }
  const error: ServiceError = Object.assign(new Error("13: words"), {
    code,
    details: "words",
    metadata,
  });
  return fromServiceError(error);
}

function packed(name: string, value: Uint8Array): Status["details"][number] {
  return { typeUrl: `type.googleapis.com/google.rpc.${name}`, value: Buffer.from(value) };
}

function info(reason: string, metadata: Record<string, string> = {}, domain = "smsgate") {
  const value = details.ErrorInfo.encode({ reason, domain, metadata }).finish();
  return packed("ErrorInfo", value);
}

function status(code: Code, ...all: Status["details"]): Uint8Array {
  return Status.encode({ code, message: "what people read", details: all }).finish();
}

test("all details are read", () => {
  const fieldViolations = [
    { field: "recipient", reason: "RECIPIENT_NOT_E164", description: "no +" },
    { field: "text", reason: "TEXT_EMPTY", description: "nothing to say" },
  ].map((each) => details.BadRequest_FieldViolation.fromPartial(each));
  const bad = packed("BadRequest", details.BadRequest.encode({ fieldViolations }).finish());
  const delay = details.RetryInfo.encode({ retryDelay: { seconds: 1n, nanos: 500_000_000 } });
  const error = raised(
    Code.INVALID_ARGUMENT,
    status(
      Code.INVALID_ARGUMENT,
      info("INVALID_REQUEST", { a: "b" }),
      bad,
      packed("RetryInfo", delay.finish()),
    ),
  );
  assert.ok(error instanceof InvalidRequest);
  assert.equal(error.name, "InvalidRequest");
  assert.equal(error.reason, "INVALID_REQUEST");
  assert.deepEqual(error.metadata, { a: "b" });
  assert.equal(error.details, "what people read");
  assert.equal(error.message, "INVALID_ARGUMENT / INVALID_REQUEST: what people read");
  assert.equal(error.retryAfterMs, 1_500);
  assert.deepEqual(
    error.violations.map(({ field, reason }) => [field, reason]),
    [
      ["recipient", "RECIPIENT_NOT_E164"],
      ["text", "TEXT_EMPTY"],
    ],
  );
});

test("rules and quotas are violations, too", () => {
  const violations = [{ type: "BALANCE", subject: "accounts/a", description: "0.02 EUR short" }];
  const rule = details.PreconditionFailure.encode({ violations }).finish();
  const refused = raised(
    Code.FAILED_PRECONDITION,
    status(Code.FAILED_PRECONDITION, packed("PreconditionFailure", rule)),
  );
  assert.ok(refused instanceof Refused);
  assert.deepEqual(refused.violations, [
    { field: "accounts/a", reason: "BALANCE", description: "0.02 EUR short" },
  ]);
  const quota = details.QuotaFailure.fromPartial({
    violations: [{ subject: "key k", description: "10 a second" }],
  });
  const limited = raised(
    Code.RESOURCE_EXHAUSTED,
    status(
      Code.RESOURCE_EXHAUSTED,
      packed("QuotaFailure", details.QuotaFailure.encode(quota).finish()),
    ),
  );
  assert.ok(limited instanceof LimitExceeded);
  assert.deepEqual(limited.violations, [
    { field: "key k", reason: "", description: "10 a second" },
  ]);
});

const KINDS: [Code, new (...args: never[]) => SmsgateError][] = [
  [Code.INVALID_ARGUMENT, InvalidRequest],
  [Code.OUT_OF_RANGE, InvalidRequest],
  [Code.NOT_FOUND, NotFound],
  [Code.ALREADY_EXISTS, Conflict],
  [Code.ABORTED, Conflict],
  [Code.FAILED_PRECONDITION, Refused],
  [Code.RESOURCE_EXHAUSTED, LimitExceeded],
  [Code.UNAUTHENTICATED, Unauthenticated],
  [Code.PERMISSION_DENIED, PermissionDenied],
  [Code.UNAVAILABLE, Unavailable],
  [Code.DEADLINE_EXCEEDED, DeadlineExceeded],
  [Code.CANCELLED, Cancelled],
  [Code.INTERNAL, ServerError],
  [Code.UNIMPLEMENTED, ServerError],
];

for (const [code, kind] of KINDS) {
  test(`${Code[code]} is ${kind.name}`, () => {
    const error = raised(code);
    assert.equal(error.constructor, kind);
    assert.equal(error.code, code);
    assert.ok(error.cause instanceof Error);
  });
}

test("of three kinds nobody knows whether it was done", () => {
  for (const code of [Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.CANCELLED]) {
    assert.ok(raised(code) instanceof OutcomeUnknown);
  }
});

test("an expired cursor names the earliest", () => {
  const known = info("CURSOR_EXPIRED", { earliest_cursor: "abc" });
  const error = raised(Code.OUT_OF_RANGE, status(Code.OUT_OF_RANGE, known));
  assert.ok(error instanceof CursorExpired);
  assert.equal(error.earliestCursor, "abc");
});

test("details of others and broken ones are left out, and the rest is kept", () => {
  const foreign = info("QUOTA", { x: "y" }, "example.com");
  const broken = packed("BadRequest", Buffer.from([0xff, 0xff, 0xff]));
  const ours = info("TEXT_EMPTY");
  const code = Code.INVALID_ARGUMENT;
  const error = raised(code, status(code, foreign, broken, ours));
  assert.equal(error.reason, "TEXT_EMPTY");
  assert.deepEqual(error.metadata, {});
  const garbage = raised(code, Buffer.from([0xff, 0xff, 0xff]));
  assert.equal(garbage.details, "words");
});

test("the status of a batch item is an error, whatever its code", () => {
  const item = Status.fromPartial({ code: 5, message: "none" });
  assert.ok(fromStatus(item) instanceof NotFound);
  assert.equal(fromStatus(Status.fromPartial({ code: 4711 })).code, Code.UNKNOWN);
});
