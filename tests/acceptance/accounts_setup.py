"""Accounts and keys for tests: made by an operator, used by callers who sign what they send."""

import asyncio
import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message as ProtoMessage
from google.protobuf.message_factory import GetMessageClass
from tests.acceptance.conftest import Gateway

import smsgate.v1
from smsgate.v1 import (
    account_service_pb2,
    account_service_pb2_grpc,
    carrier_service_pb2_grpc,
    message_service_pb2_grpc,
    otp_service_pb2,
    otp_service_pb2_grpc,
    pricing_service_pb2_grpc,
    usage_service_pb2_grpc,
    webhook_service_pb2_grpc,
)

Metadata = tuple[tuple[str, str], ...]
_T = TypeVar("_T")

SEND = account_service_pb2.SCOPE_SEND
READ = account_service_pb2.SCOPE_READ
OTP = account_service_pb2.SCOPE_OTP
ADMIN = account_service_pb2.SCOPE_ADMIN
ALL_BUT_ADMIN = (SEND, READ, OTP)

_COMMAND_SECONDS = 30.0
_POLL_SECONDS = 0.02
# Promised is that every server obeys a change within this time.
OBEYED_WITHIN_SECONDS = 10.0


# Every rpc there is


@cache
def services() -> tuple[ServiceDescriptor, ...]:
    """Those of every file of the contract, also of files that no test knows by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(smsgate.v1.__path__))
    files = [
        importlib.import_module(f"smsgate.v1.{name}").DESCRIPTOR
        for name in names
        if name.endswith("_pb2")
    ]
    return tuple(service for file in files for service in file.services_by_name.values())


@cache
def rpcs() -> dict[str, MethodDescriptor]:
    """Every rpc by its name, such as `MessageService/SendMessage`."""
    return {
        f"{service.name}/{method.name}": method
        for service in services()
        for method in service.methods
    }


# Who calls


def bearer(secret: str) -> Metadata:
    return (("authorization", f"Bearer {secret}"),)


class _Signed:
    """A stub whose calls all carry the same metadata."""

    def __init__(self, stub: Any, metadata: Metadata) -> None:
        self._stub = stub
        self._metadata = metadata

    def __getattr__(self, name: str) -> Any:
        return partial(getattr(self._stub, name), metadata=self._metadata)


class Caller:
    """Every service on a channel, called with one key; without any if `secret` is empty."""

    def __init__(self, channel: grpc.aio.Channel, secret: str = "", key_id: str = "") -> None:
        self.channel = channel
        self.secret = secret
        self.key_id = key_id
        self.metadata: Metadata = bearer(secret) if secret else ()

    def _signed(self, stub: Any) -> Any:
        return _Signed(stub(self.channel), self.metadata)

    @property
    def messages(self) -> Any:
        return self._signed(message_service_pb2_grpc.MessageServiceStub)

    @property
    def otp(self) -> Any:
        return self._signed(otp_service_pb2_grpc.OTPServiceStub)

    @property
    def pricing(self) -> Any:
        return self._signed(pricing_service_pb2_grpc.PricingServiceStub)

    @property
    def usage(self) -> Any:
        return self._signed(usage_service_pb2_grpc.UsageServiceStub)

    @property
    def carriers(self) -> Any:
        return self._signed(carrier_service_pb2_grpc.CarrierServiceStub)

    @property
    def webhooks(self) -> Any:
        return self._signed(webhook_service_pb2_grpc.WebhookServiceStub)

    @property
    def accounts(self) -> Any:
        return self._signed(account_service_pb2_grpc.AccountServiceStub)

    async def ask(self, rpc: str, request: ProtoMessage | None = None) -> Any:
        """The answer of any rpc, of a stream the first one; the empty request if none is given."""
        return await ask(self.channel, rpc, request, self.metadata)


async def ask(
    channel: grpc.aio.Channel,
    rpc: str,
    request: ProtoMessage | None = None,
    metadata: Sequence[tuple[str, str]] = (),
) -> Any:
    method = rpcs()[rpc]
    kind, answer = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    path = f"/smsgate.v1.{rpc}"
    wanted = kind() if request is None else request
    if method.server_streaming:
        stream = channel.unary_stream(path, kind.SerializeToString, answer.FromString)(
            wanted, metadata=tuple(metadata)
        )
        try:
            return await stream.read()
        finally:
            stream.cancel()
    call = channel.unary_unary(path, kind.SerializeToString, answer.FromString)
    return await call(wanted, metadata=tuple(metadata))


# What an operator does


@dataclass
class Operator:
    """Manages the accounts of a running server with a key of its own."""

    caller: Caller

    @classmethod
    async def of(cls, channel: grpc.aio.Channel) -> "Operator":
        """The one who makes the first key of a server that runs open, and so closes it."""
        first = cls(Caller(channel))
        return cls(await first.key("local", ADMIN, name="operator"))

    @classmethod
    async def at(cls, gateway: Gateway) -> "Operator":
        return await cls.of(gateway.channel)

    async def account(self, name: str, **fields: Any) -> account_service_pb2.Account:
        account = account_service_pb2.Account(id=name, **fields)
        request = account_service_pb2.CreateAccountRequest(account=account)
        made: account_service_pb2.Account = (
            await self.caller.accounts.CreateAccount(request)
        ).account
        return made

    async def key(self, account: str, *scopes: int, name: str = "", **fields: Any) -> Caller:
        request = account_service_pb2.CreateApiKeyRequest(
            account_id=account,
            display_name=name,
            scopes=scopes,  # type: ignore[arg-type]
            **fields,
        )
        made = await self.caller.accounts.CreateApiKey(request)
        return Caller(self.caller.channel, made.secret, made.api_key.id)

    async def tenant(self, name: str, *scopes: int) -> Caller:
        """A new account, and a key of it: with every scope but ADMIN unless some are named."""
        await self.account(name)
        return await self.key(name, *(scopes or ALL_BUT_ADMIN))

    async def revoke(self, key_id: str) -> account_service_pb2.ApiKey:
        request = account_service_pb2.RevokeApiKeyRequest(id=key_id)
        key: account_service_pb2.ApiKey = (await self.caller.accounts.RevokeApiKey(request)).api_key
        return key

    async def change(self, account: str, **fields: Any) -> None:
        """Set fields of an account, such as its state."""
        request = account_service_pb2.UpdateAccountRequest(
            account=account_service_pb2.Account(id=account, **fields)
        )
        request.update_mask.paths.extend(fields)
        await self.caller.accounts.UpdateAccount(request)

    async def shown(self, account: str) -> account_service_pb2.GetAccountResponse:
        request = account_service_pb2.GetAccountRequest(account_id=account)
        found: account_service_pb2.GetAccountResponse = await self.caller.accounts.GetAccount(
            request
        )
        return found


# The command line beside a server


def desk(database: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`smsgate-server accounts ...` on the database of a server, as a process of its own."""
    own = {name: v for name, v in os.environ.items() if not name.startswith("SMSGATE_")}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "smsgate_server", "accounts", *arguments),
            *("--store", f"sqlite:{database}"),
        ],
        env=own,
        capture_output=True,
        text=True,
        timeout=_COMMAND_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done


async def at_desk(database: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same, while a server in this process goes on."""
    return await asyncio.to_thread(desk, database, *arguments)


def database_of(gateway: Gateway) -> Path:
    return Path(gateway.app._settings.store.removeprefix("sqlite:"))


# Codes, which only the carrier is told


def texts_sent(otp_file: Path) -> dict[str, str]:
    """The texts with codes that the simulated carrier was given, by their message's id."""
    if not otp_file.exists():
        return {}
    lines = otp_file.read_text(encoding="utf-8").splitlines()
    return {line["message_id"]: line["text"] for line in map(json.loads, lines)}


async def code_sent(otp_file: Path, sent: otp_service_pb2.SendOTPResponse) -> str:
    """The code that a recipient got."""

    async def look() -> str | None:
        return texts_sent(otp_file).get(sent.message.id)

    return code_in(await eventually(look), sent.message.text)


def code_in(text: str, template: str) -> str:
    """The code of a text, told by its template, which can name it more than once."""
    before, _, after = template.partition("{code}")
    form = re.escape(before) + "(?P<code>[0-9A-Z]+)"
    form += re.escape(after).replace(re.escape("{code}"), "(?P=code)")
    found = re.fullmatch(form, text)
    assert found is not None, (text, template)
    return found["code"]


# Waiting for what has no event


async def eventually(
    look: Callable[[], Awaitable[_T | None]], seconds: float = OBEYED_WITHIN_SECONDS
) -> _T:
    """What `look` finds, asked again and again until it is neither None nor False."""
    deadline = time.monotonic() + seconds
    while True:
        found = await look()
        if found is not None and found is not False:
            return found
        assert time.monotonic() < deadline, f"it did not come about within {seconds:g} seconds"
        await asyncio.sleep(_POLL_SECONDS)
