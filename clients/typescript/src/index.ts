/** Send SMS through smsgate, and follow every status change. */

export { newRequestId, SmsgateClient, type ClientOptions } from "./client.js";
export type { CallSettings } from "./calls.js";
export type { ConnectionOptions } from "./connection.js";
export * from "./errors.js";
export type { Followed, FollowOptions, FollowState } from "./following.js";
export type { DeepPartial } from "./partial.js";
export { amount, duration, money, secondsOf } from "./values.js";
export * from "../../../generated/typescript/smsgate/v1/message.js";
export * from "../../../generated/typescript/smsgate/v1/error_reason.js";
export * as accountService from "../../../generated/typescript/smsgate/v1/account_service.js";
export * as carrierService from "../../../generated/typescript/smsgate/v1/carrier_service.js";
export * as messageService from "../../../generated/typescript/smsgate/v1/message_service.js";
export * as otpService from "../../../generated/typescript/smsgate/v1/otp_service.js";
export * as pricingService from "../../../generated/typescript/smsgate/v1/pricing_service.js";
export * as usageService from "../../../generated/typescript/smsgate/v1/usage_service.js";
export * as webhookService from "../../../generated/typescript/smsgate/v1/webhook_service.js";
