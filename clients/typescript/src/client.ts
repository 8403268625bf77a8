/** The client: sends and follows messages. */

import { randomUUID } from "node:crypto";
import { Channel, type ChannelOptions, type Client } from "@grpc/grpc-js";
import {
  AccountServiceClient,
  GetAccountRequest,
} from "../../../generated/typescript/smsgate/v1/account_service.js";
import type { GetAccountResponse } from "../../../generated/typescript/smsgate/v1/account_service.js";
import {
  CarrierServiceClient,
  ListCarriersRequest,
} from "../../../generated/typescript/smsgate/v1/carrier_service.js";
import type { ListCarriersResponse } from "../../../generated/typescript/smsgate/v1/carrier_service.js";
import type { Message, StatusEvent } from "../../../generated/typescript/smsgate/v1/message.js";
import * as messages from "../../../generated/typescript/smsgate/v1/message_service.js";
import * as otp from "../../../generated/typescript/smsgate/v1/otp_service.js";
import * as pricing from "../../../generated/typescript/smsgate/v1/pricing_service.js";
import {
  GetUsageRequest,
  UsageServiceClient,
} from "../../../generated/typescript/smsgate/v1/usage_service.js";
import type { GetUsageResponse } from "../../../generated/typescript/smsgate/v1/usage_service.js";
import { WebhookServiceClient } from "../../../generated/typescript/smsgate/v1/webhook_service.js";
import { Calls, type CallSettings } from "./calls.js";
import { connectionOf, type ConnectionOptions } from "./connection.js";
import { followed } from "./follow.js";
import { type Followed, Following, type FollowOptions } from "./following.js";
import { allItems } from "./pages.js";
import type { DeepPartial } from "./partial.js";
import { promised, type Promised, type StubOf } from "./services.js";
import { secondsOf } from "./values.js";

const TIMEOUT_MS = 10_000;
const BATCH_TIMEOUT_MS = 30_000;

export interface ClientOptions extends ConnectionOptions {
  /** The deadline of a call that has none of its own; 10 s if left out. */
  readonly timeoutMs?: number;
}

/** A request id that nobody else has. */
export function newRequestId(): string {
  return randomUUID();
}

/**
 * Sends and follows messages. Connects at its first call; `close` it, or let `await using` do it.
 *
 * Every call has a deadline, is tried up to five times while the server cannot be reached, and
 * fails with a `SmsgateError`. Sends always carry a request id, so that they are done once.
 */
export class SmsgateClient implements AsyncDisposable {
  /** The generated stubs, with promises: every unary rpc of the contract. */
  readonly messages: Promised<messages.MessageServiceClient>;
  readonly otp: Promised<otp.OTPServiceClient>;
  readonly pricing: Promised<pricing.PricingServiceClient>;
  readonly usage: Promised<UsageServiceClient>;
  readonly carriers: Promised<CarrierServiceClient>;
  readonly accounts: Promised<AccountServiceClient>;
  readonly webhooks: Promised<WebhookServiceClient>;

  private readonly channel: Channel;
  private readonly calls: Calls;
  private readonly streams: messages.MessageServiceClient;

  /** An Error if the options contradict one another. */
  constructor(options: ClientOptions = {}) {
    const connection = connectionOf(options);
    this.channel = new Channel(connection.target, connection.credentials, connection.options);
    this.calls = new Calls(connection.apiKey, options.timeoutMs ?? TIMEOUT_MS);
    const { target, credentials } = connection;
    // One channel for all services.
    const shared: ChannelOptions & { channelOverride: Channel } = { channelOverride: this.channel };
    const made = <C extends Client>(Stub: StubOf<C>): Promised<C> =>
      promised(new Stub(target, credentials, shared), Stub.service, this.calls);
    this.streams = new messages.MessageServiceClient(target, credentials, shared);
    this.messages = made(messages.MessageServiceClient);
    this.otp = made(otp.OTPServiceClient);
    this.pricing = made(pricing.PricingServiceClient);
    this.usage = made(UsageServiceClient);
    this.carriers = made(CarrierServiceClient);
    this.accounts = made(AccountServiceClient);
    this.webhooks = made(WebhookServiceClient);
  }

  /** Let go of the connection. Calls made afterwards fail with `ClosedError`. */
  close(): void {
    this.calls.closed = true;
    this.channel.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /**
   * Send one message. Once it returns, the message is stored and will be delivered. To repeat a
   * call whose outcome is unknown, give the same `requestId` again.
   */
  send(
    request: DeepPartial<messages.SendMessageRequest>,
    settings?: CallSettings,
  ): Promise<messages.SendMessageResponse> {
    return this.messages.sendMessage(messages.SendMessageRequest.fromPartial(request), settings);
  }

  /** Send up to 1,000 messages in one transaction. */
  sendBatch(
    request: DeepPartial<messages.SendBatchRequest>,
    settings: CallSettings = {},
  ): Promise<messages.SendBatchResponse> {
    const whole = messages.SendBatchRequest.fromPartial(request);
    return this.messages.sendBatch(whole, { leastMs: BATCH_TIMEOUT_MS, ...settings });
  }

  /** All that can be known of a message before it is sent. */
  estimate(
    request: DeepPartial<messages.EstimateMessageRequest>,
    settings?: CallSettings,
  ): Promise<messages.EstimateMessageResponse> {
    const whole = messages.EstimateMessageRequest.fromPartial(request);
    return this.messages.estimateMessage(whole, settings);
  }

  /** A message by its id; with `wait`, once it has changed after `waitAfterCursor`. */
  get(
    request: DeepPartial<messages.GetMessageRequest>,
    settings: CallSettings = {},
  ): Promise<messages.GetMessageResponse> {
    const whole = messages.GetMessageRequest.fromPartial(request);
    const extraMs = secondsOf(whole.wait) * 1_000;
    return this.messages.getMessage(whole, { extraMs, ...settings });
  }

  /** One page of messages, newest first. */
  listPage(
    request: DeepPartial<messages.ListMessagesRequest> = {},
    settings?: CallSettings,
  ): Promise<messages.ListMessagesResponse> {
    return this.messages.listMessages(messages.ListMessagesRequest.fromPartial(request), settings);
  }

  /** All messages, newest first, page by page as they are consumed. */
  list(
    request: DeepPartial<messages.ListMessagesRequest> = {},
    settings?: CallSettings,
  ): AsyncGenerator<Message, void, undefined> {
    return allItems(
      (pageToken) => this.listPage({ ...request, pageToken }, settings),
      (page) => page.messages,
    );
  }

  /** Take a message back that no carrier has been given yet. */
  cancel(id: string, settings?: CallSettings): Promise<messages.CancelMessageResponse> {
    return this.messages.cancelMessage(messages.CancelMessageRequest.fromPartial({ id }), settings);
  }

  /**
   * Every event from the start on, exactly once, across broken connections and restarts. It ends
   * only with `endWhenAllTerminal`, or when the loop is left.
   */
  async *follow(
    request: DeepPartial<messages.StreamStatusRequest> = {},
    options: FollowOptions = {},
  ): AsyncGenerator<StatusEvent, void, undefined> {
    for await (const step of this.followWithCursor(request, options)) {
      if (step.event !== undefined) {
        yield step.event;
      }
    }
  }

  /** Like `follow`, with messages of a snapshot, bookmarks, and the cursors to store. */
  followWithCursor(
    request: DeepPartial<messages.StreamStatusRequest> = {},
    options: FollowOptions = {},
  ): AsyncGenerator<Followed, void, undefined> {
    const following = new Following(request, options);
    const method = this.streams.streamStatus.bind(this.streams) as StreamStatus;
    return followed(
      following,
      () => this.calls.stream(method, following.request(), following.timeLeftMs()),
      options.signal,
    );
  }

  /** Send a one-time code. */
  sendOtp(
    request: DeepPartial<otp.SendOTPRequest>,
    settings?: CallSettings,
  ): Promise<otp.SendOTPResponse> {
    return this.otp.sendOtp(otp.SendOTPRequest.fromPartial(request), settings);
  }

  /** Check a code. A wrong one is an answer, not an error: see `result`. */
  verifyOtp(
    request: DeepPartial<otp.VerifyOTPRequest>,
    settings?: CallSettings,
  ): Promise<otp.VerifyOTPResponse> {
    return this.otp.verifyOtp(otp.VerifyOTPRequest.fromPartial(request), settings);
  }

  /** How a verification stands. */
  getVerification(
    request: DeepPartial<otp.GetVerificationRequest>,
    settings?: CallSettings,
  ): Promise<otp.GetVerificationResponse> {
    return this.otp.getVerification(otp.GetVerificationRequest.fromPartial(request), settings);
  }

  /** Make a code worthless. */
  cancelVerification(
    request: DeepPartial<otp.CancelVerificationRequest>,
    settings?: CallSettings,
  ): Promise<otp.CancelVerificationResponse> {
    const whole = otp.CancelVerificationRequest.fromPartial(request);
    return this.otp.cancelVerification(whole, settings);
  }

  /** One page of the tariff. */
  listPricesPage(
    request: DeepPartial<pricing.ListPricesRequest> = {},
    settings?: CallSettings,
  ): Promise<pricing.ListPricesResponse> {
    return this.pricing.listPrices(pricing.ListPricesRequest.fromPartial(request), settings);
  }

  /** One page of all countries, each with its price or without. */
  listDestinationsPage(
    request: DeepPartial<pricing.ListDestinationsRequest> = {},
    settings?: CallSettings,
  ): Promise<pricing.ListDestinationsResponse> {
    const whole = pricing.ListDestinationsRequest.fromPartial(request);
    return this.pricing.listDestinations(whole, settings);
  }

  /** All that is known of a number. */
  lookupNumber(
    request: DeepPartial<pricing.LookupNumberRequest>,
    settings?: CallSettings,
  ): Promise<pricing.LookupNumberResponse> {
    return this.pricing.lookupNumber(pricing.LookupNumberRequest.fromPartial(request), settings);
  }

  /** What was used by day, month or year. */
  getUsage(
    request: DeepPartial<GetUsageRequest> = {},
    settings?: CallSettings,
  ): Promise<GetUsageResponse> {
    return this.usage.getUsage(GetUsageRequest.fromPartial(request), settings);
  }

  /** Balance, bundle, budget, and what is left of every limit. */
  getAccount(
    request: DeepPartial<GetAccountRequest> = {},
    settings?: CallSettings,
  ): Promise<GetAccountResponse> {
    return this.accounts.getAccount(GetAccountRequest.fromPartial(request), settings);
  }

  /** How the carriers do. */
  listCarriers(settings?: CallSettings): Promise<ListCarriersResponse> {
    return this.carriers.listCarriers(ListCarriersRequest.fromPartial({}), settings);
  }
}

type StreamStatus = import("./calls.js").Streaming<
  messages.StreamStatusRequest,
  messages.StreamStatusResponse
>;
