/** What the client's typed errors have, compared with what a step says. */

import * as client from "../src/index.js";
import { difference, type Fields, isFields, type Json } from "./matching.js";

const KINDS: Record<string, abstract new (...given: never[]) => Error> = {
  invalid_request: client.InvalidRequest,
  cursor_expired: client.CursorExpired,
  not_found: client.NotFound,
  conflict: client.Conflict,
  refused: client.Refused,
  limit_exceeded: client.LimitExceeded,
  unauthenticated: client.Unauthenticated,
  permission_denied: client.PermissionDenied,
  outcome_unknown: client.OutcomeUnknown,
  unavailable: client.Unavailable,
  deadline_exceeded: client.DeadlineExceeded,
  cancelled: client.Cancelled,
  server_error: client.ServerError,
  closed: client.ClosedError,
};

/** What is otherwise than expected, for people; empty if nothing. */
export function errorDifference(expected: Fields, error: unknown): string {
  const kind = String(expected.kind);
  const Kind = KINDS[kind];
  if (Kind === undefined || !(error instanceof Kind)) {
    return `expected ${kind}, got ${String(error)}`;
  }
  if (!(error instanceof client.SmsgateError)) {
    return "";
  }
  const wrong =
    part("reason", expected, error.reason) ||
    part("metadata", expected, { ...error.metadata }) ||
    violations(expected.violations, error) ||
    (expected.retryAfter && !error.retryAfterMs ? "does not say when to come again" : "") ||
    (expected.cursor && !(error instanceof client.CursorExpired && error.earliestCursor)
      ? "does not say the earliest cursor"
      : "");
  return wrong ? `${String(error)}: ${wrong}` : "";
}

function part(name: string, expected: Fields, got: Json): string {
  const wanted = expected[name];
  return wanted === undefined ? "" : difference(wanted, got, name);
}

function violations(expected: Json | undefined, error: client.SmsgateError): string {
  if (!Array.isArray(expected)) {
    return "";
  }
  const wanted = expected.filter(isFields).map((v) => `${String(v.field)} ${String(v.reason)}`);
  const got = error.violations.map((v) => `${v.field} ${v.reason}`);
  const same = JSON.stringify(wanted.sort()) === JSON.stringify(got.sort());
  return same ? "" : `violations: expected ${wanted.join(", ")}, got ${got.join(", ")}`;
}
