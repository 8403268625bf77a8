/** Requests as JSON, made into calls as a service writes them. */

import {
  accountService,
  messageService,
  otpService,
  pricingService,
  type SmsgateClient,
  usageService,
  type CallSettings,
} from "../src/index.js";
import { type Fields, isFields, type Json } from "./matching.js";

interface Type<T> {
  fromJSON(object: unknown): T;
  toJSON(message: T): unknown;
}

type Call = (client: SmsgateClient, request: unknown, settings: CallSettings) => Promise<Json>;

function method<Q, R>(
  asked: Pick<Type<Q>, "fromJSON">,
  answered: Pick<Type<R>, "toJSON">,
  call: (client: SmsgateClient, request: Q, settings: CallSettings) => Promise<R>,
): Call {
  return async (client, request, settings) =>
    answered.toJSON(await call(client, asked.fromJSON(request), settings)) as Json;
}

const m = messageService;
const o = otpService;
const p = pricingService;

const METHODS: Record<string, Call> = {
  SendMessage: method(m.SendMessageRequest, m.SendMessageResponse, (c, q, s) => c.send(q, s)),
  SendBatch: method(m.SendBatchRequest, m.SendBatchResponse, (c, q, s) => c.sendBatch(q, s)),
  EstimateMessage: method(m.EstimateMessageRequest, m.EstimateMessageResponse, (c, q, s) =>
    c.estimate(q, s),
  ),
  GetMessage: method(m.GetMessageRequest, m.GetMessageResponse, (c, q, s) => c.get(q, s)),
  ListMessages: method(m.ListMessagesRequest, m.ListMessagesResponse, (c, q, s) =>
    c.listPage(q, s),
  ),
  CancelMessage: method(m.CancelMessageRequest, m.CancelMessageResponse, (c, q, s) =>
    c.cancel(q.id, s),
  ),
  SendOTP: method(o.SendOTPRequest, o.SendOTPResponse, (c, q, s) => c.sendOtp(q, s)),
  VerifyOTP: method(o.VerifyOTPRequest, o.VerifyOTPResponse, (c, q, s) => c.verifyOtp(q, s)),
  GetVerification: method(o.GetVerificationRequest, o.GetVerificationResponse, (c, q, s) =>
    c.getVerification(q, s),
  ),
  CancelVerification: method(o.CancelVerificationRequest, o.CancelVerificationResponse, (c, q, s) =>
    c.cancelVerification(q, s),
  ),
  ListPrices: method(p.ListPricesRequest, p.ListPricesResponse, (c, q, s) =>
    c.listPricesPage(q, s),
  ),
  ListDestinations: method(p.ListDestinationsRequest, p.ListDestinationsResponse, (c, q, s) =>
    c.listDestinationsPage(q, s),
  ),
  LookupNumber: method(p.LookupNumberRequest, p.LookupNumberResponse, (c, q, s) =>
    c.lookupNumber(q, s),
  ),
  GetUsage: method(usageService.GetUsageRequest, usageService.GetUsageResponse, (c, q, s) =>
    c.getUsage(q, s),
  ),
  GetAccount: method(
    accountService.GetAccountRequest,
    accountService.GetAccountResponse,
    (c, q, s) => c.getAccount(q, s),
  ),
};

const SPAN = /^(\d+(\.\d+)?)s$/;
const SPANS = new Set(["wait", "validityPeriod", "heartbeatInterval", "ttl"]);

/** Spans of time are texts in JSON, and objects in the stubs' form of it. */
export function spelled(value: Json, name = ""): Json {
  if (Array.isArray(value)) {
    return value.map((inner) => spelled(inner));
  }
  if (isFields(value)) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, spelled(v, k)]));
  }
  const span = typeof value === "string" && SPANS.has(name) ? SPAN.exec(value) : null;
  if (span?.[1] === undefined) {
    return value;
  }
  const seconds = Number(span[1]);
  const whole = Math.floor(seconds);
  return { seconds: String(whole), nanos: Math.round((seconds - whole) * 1e9) };
}

/** The answer, in its JSON form. */
export function call(
  client: SmsgateClient,
  name: string,
  request: Fields,
  timeoutMs: number | undefined,
): Promise<Json> {
  const made = METHODS[name];
  if (made === undefined) {
    throw new Error(`the client has no method for ${name}`);
  }
  return made(client, spelled(request), { timeoutMs });
}
