/** The services of the contract: gRPC's own stubs, and the same with promises. */

import type {
  CallOptions,
  ChannelCredentials,
  ChannelOptions,
  Client,
  ClientUnaryCall,
  Metadata,
  ServiceError,
} from "@grpc/grpc-js";
import { AccountServiceClient } from "../../../generated/typescript/smsgate/v1/account_service.js";
import { CarrierServiceClient } from "../../../generated/typescript/smsgate/v1/carrier_service.js";
import { MessageServiceClient } from "../../../generated/typescript/smsgate/v1/message_service.js";
import { OTPServiceClient } from "../../../generated/typescript/smsgate/v1/otp_service.js";
import { PricingServiceClient } from "../../../generated/typescript/smsgate/v1/pricing_service.js";
import { UsageServiceClient } from "../../../generated/typescript/smsgate/v1/usage_service.js";
import { WebhookServiceClient } from "../../../generated/typescript/smsgate/v1/webhook_service.js";
import type { CallSettings, Calls, Unary } from "./calls.js";

export const SERVICES = [
  MessageServiceClient,
  OTPServiceClient,
  PricingServiceClient,
  UsageServiceClient,
  CarrierServiceClient,
  AccountServiceClient,
  WebhookServiceClient,
] as const;

type Method<Q, R> = (
  request: Q,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: R) => void,
) => ClientUnaryCall;

/**
 * A stub whose unary methods give promises. Requests are whole messages, made by `fromPartial` of
 * their type; a request id that is left empty is made.
 */
export type Promised<C> = {
  readonly [K in keyof C as C[K] extends Method<never, unknown> ? K : never]: C[K] extends Method<
    infer Q,
    infer R
  >
    ? (request: Q, settings?: CallSettings) => Promise<R>
    : never;
};

type Service = Readonly<Record<string, { readonly responseStream: boolean }>>;

/** The class of a generated stub. */
export interface StubOf<C extends Client> {
  new (target: string, credentials: ChannelCredentials, options?: Partial<ChannelOptions>): C;
  readonly service: Service;
}

/** The promises of a stub. */
export function promised<C extends Client>(stub: C, service: Service, calls: Calls): Promised<C> {
  const methods = stub as unknown as Record<string, Unary<unknown, unknown>>;
  const made: Record<string, unknown> = {};
  for (const [name, { responseStream }] of Object.entries(service)) {
    const method = methods[name];
    if (method !== undefined && !responseStream) {
      made[name] = (request: unknown, settings?: CallSettings) =>
        calls.unary(method.bind(stub), request, settings);
    }
  }
  return made as Promised<C>;
}
