"""The generated stubs of every service, on one channel."""

import grpc
import grpc.aio

from smsgate.v1 import (
    account_service_pb2_grpc,
    carrier_service_pb2_grpc,
    message_service_pb2_grpc,
    otp_service_pb2_grpc,
    pricing_service_pb2_grpc,
    usage_service_pb2_grpc,
    webhook_service_pb2_grpc,
)


class Stubs:
    """For threads."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.messages = message_service_pb2_grpc.MessageServiceStub(channel)
        self.otp = otp_service_pb2_grpc.OTPServiceStub(channel)
        self.pricing = pricing_service_pb2_grpc.PricingServiceStub(channel)
        self.usage = usage_service_pb2_grpc.UsageServiceStub(channel)
        self.carriers = carrier_service_pb2_grpc.CarrierServiceStub(channel)
        self.accounts = account_service_pb2_grpc.AccountServiceStub(channel)
        self.webhooks = webhook_service_pb2_grpc.WebhookServiceStub(channel)


class AioStubs:
    """For one event loop. The same lines again, because their types differ."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.messages = message_service_pb2_grpc.MessageServiceStub(channel)
        self.otp = otp_service_pb2_grpc.OTPServiceStub(channel)
        self.pricing = pricing_service_pb2_grpc.PricingServiceStub(channel)
        self.usage = usage_service_pb2_grpc.UsageServiceStub(channel)
        self.carriers = carrier_service_pb2_grpc.CarrierServiceStub(channel)
        self.accounts = account_service_pb2_grpc.AccountServiceStub(channel)
        self.webhooks = webhook_service_pb2_grpc.WebhookServiceStub(channel)
