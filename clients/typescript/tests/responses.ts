/** Responses of a stream, and what comes of them. */

import { Metadata, type StatusObject, status as Code } from "@grpc/grpc-js";
import { ErrorInfo, RetryInfo } from "../../../generated/typescript/google/rpc/error_details.js";
import { Status } from "../../../generated/typescript/google/rpc/status.js";
import { MessageStatus, messageService, SmsgateError, Unavailable } from "../src/index.js";
import { type Chance, type Followed, Following, type FollowOptions } from "../src/following.js";

export type Response = messageService.StreamStatusResponse;
type Fields = Parameters<typeof messageService.StreamStatusResponse.fromPartial>[0];

export const response = (fields: Fields): Response =>
  messageService.StreamStatusResponse.fromPartial(fields);
export const opened = (cursor: string): Response => response({ cursor, opened: {} });
export const events = (cursor: string, ...messageIds: string[]): Response =>
  response({ cursor, events: messageIds.map((messageId) => ({ messageId })) });
export const heartbeat = (cursor: string, lagSeconds = 0): Response =>
  response({ cursor, heartbeat: { lag: { seconds: BigInt(lagSeconds), nanos: 0 } } });
export const snapshot = (...states: [string, MessageStatus][]): Response =>
  response({ snapshot: states.map(([id, status]) => ({ id, status })) });
export const snapshotEnd = (cursor: string): Response => response({ cursor, snapshotEnd: {} });
export const end = (reason: messageService.StreamStatusResponse_End_Reason): Response =>
  response({ end: { reason } });

export const unavailable = (retryAfterMs?: number): SmsgateError =>
  new Unavailable({ code: Code.UNAVAILABLE, message: "gone", retryAfterMs });

/** What the server says of a request whose first attempt is at work there. */
export function inFlight(retryAfterMs: number): Partial<StatusObject> & { code: Code } {
  const info = { reason: "REQUEST_IN_FLIGHT", domain: "smsgate", metadata: {} };
  const seconds = BigInt(Math.trunc(retryAfterMs / 1_000));
  const retryDelay = { seconds, nanos: (retryAfterMs % 1_000) * 1_000_000 };
  const details = [
    { typeUrl: "google.rpc.ErrorInfo", value: Buffer.from(ErrorInfo.encode(info).finish()) },
    {
      typeUrl: "google.rpc.RetryInfo",
      value: Buffer.from(RetryInfo.encode({ retryDelay }).finish()),
    },
  ].map((each) => ({ ...each, typeUrl: `type.googleapis.com/${each.typeUrl}` }));
  const metadata = new Metadata();
  const status = Status.encode({ code: Code.ABORTED, message: "under way", details }).finish();
  metadata.set("grpc-status-details-bin", Buffer.from(status));
  return { code: Code.ABORTED, details: "under way", metadata };
}

/** A clock that a test turns, and a chance that always falls the same way. */
export class Turned implements Chance {
  now = 0;
  luck = 1;
  readonly clock = (): number => this.now;
  readonly random = (): number => this.luck;
}

export function following(
  request: ConstructorParameters<typeof Following>[0] = {},
  options: FollowOptions = {},
  chance: Chance = new Turned(),
): Following {
  return new Following(request, options, chance);
}

/** What is yielded for those responses. */
export function taken(stream: Following, ...responses: Response[]): Followed[] {
  return responses.flatMap((each) => [...stream.received(each)]);
}
