"""What can be asked of a server: health, the key, version, clock, streams, what lies between."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version

import grpc

from smsgate.v1 import account_service_pb2, message_service_pb2, message_service_pb2_grpc
from smsgate_client.blocking import BlockingClient
from smsgate_client.cli.doctor.finding import Finding, failed, ok, skipped, warning
from smsgate_client.cli.failures import sentences
from smsgate_client.connection import Connection
from smsgate_client.errors import (
    PermissionDenied,
    ServerError,
    SmsgateError,
    Unauthenticated,
)

_HEALTH = "/grpc.health.v1.Health/Check"
# HealthCheckResponse{status: SERVING}
_SERVING = b"\x08\x01"
_LARGE_TEXT = "x" * 2**20
_APART = timedelta(seconds=2)
_DAYS_BEFORE_EXPIRY = 14
_OPEN_SECONDS = 1.0


class Calls:
    """Checks that call the server. `account` is kept for those that need it."""

    def __init__(self, client: BlockingClient, seconds: float) -> None:
        self._client = client
        self._connection: Connection = client.connection
        self._seconds = seconds
        self._account = account_service_pb2.GetAccountResponse()
        self._ahead = timedelta(0)

    def health(self) -> Finding:
        """Whether it serves. Nobody needs a key for this."""
        with self._connection.channel() as channel:
            check: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_HEALTH)
            try:
                answer = check(b"", timeout=self._seconds)
            except grpc.RpcError as error:
                code = error.code().name
                advice = "is it a gRPC server, and is it this gateway?"
                return failed(f"the server does not answer: {code}: {error.details()}", advice)
        if answer == _SERVING:
            return ok("the server is SERVING")
        advice = "it is stopping, or cannot work; its log says why"
        return failed("the server is NOT_SERVING", advice)

    def key(self) -> Finding:
        """Who the caller is, and what it may."""
        before = datetime.now(UTC)
        try:
            self._account = self._client.get_account(timeout=self._seconds)
        except Unauthenticated as error:
            return failed(sentences(error)[0], _advice_for_key(self._connection))
        except PermissionDenied as error:
            return failed(sentences(error)[0], "ask an operator for a key with the scope READ")
        except SmsgateError as error:
            return failed(sentences(error)[0], "repeat it; if it stays, ask the operator")
        middle = before + (datetime.now(UTC) - before) / 2
        self._ahead = self._account.server_time.ToDatetime(UTC) - middle
        return self._caller()

    def _caller(self) -> Finding:
        account, key = self._account.account, self._account.calling_key
        if not key.id:
            return ok(f"account {account.id}; the server is open: no key is needed")
        scopes = ", ".join(
            account_service_pb2.Scope.Name(each).removeprefix("SCOPE_") for each in key.scopes
        )
        says = f"account {account.id}, key {key.id}, scopes {scopes}"
        if not self._may_read():
            return warning(says, "it cannot read or follow messages: that needs the scope READ")
        if not key.HasField("expire_time"):
            return ok(f"{says}, does not expire")
        left = (key.expire_time.ToDatetime(UTC) - datetime.now(UTC)).days
        says = f"{says}, {left} days left"
        if left < _DAYS_BEFORE_EXPIRY:
            return warning(says, "have a new key made before it expires")
        return ok(says)

    def _may_read(self) -> bool:
        scopes = self._account.calling_key.scopes
        return not scopes or account_service_pb2.SCOPE_READ in scopes

    def version(self) -> Finding:
        """Whether both sides are of one version."""
        theirs = self._account.server_version
        if not theirs:
            return warning("the server does not say its version: it is an older one", "renew it")
        try:
            ours = version("smsgate")
        except PackageNotFoundError:
            return skipped(f"the server is {theirs}; ours is not installed, so it has none")
        if ours.split(".")[:2] != theirs.split(".")[:2]:
            advice = "they understand each other, but each may lack what the other has"
            return warning(f"the server is {theirs}, this client is {ours}", advice)
        return ok(f"both are {ours}" if ours == theirs else f"server {theirs}, client {ours}")

    def clock(self) -> Finding:
        """Whether both clocks tell the same time."""
        if not self._account.HasField("server_time"):
            return skipped("the server does not say what time it is")
        seconds = self._ahead.total_seconds()
        says = f"the server's clock is {abs(seconds):.1f} s {'ahead' if seconds > 0 else 'behind'}"
        if abs(self._ahead) > _APART:
            advice = "synchronise both machines: schedules and expiries go by the server's clock"
            return warning(says, advice)
        return ok(says)

    def size(self) -> Finding:
        """Whether a large request gets through: the answer may be a refusal, but the server's."""
        try:
            self._client.estimate(_LARGE_TEXT, timeout=self._seconds)
        except ServerError as error:
            return self._too_large(error)
        except SmsgateError as error:
            if not error.reason:
                return self._too_large(error)
        return ok("a request of 1 MiB gets through")

    def _too_large(self, error: SmsgateError) -> Finding:
        advice = "something on the way limits requests; batches need up to 16 MiB"
        return failed(f"a request of 1 MiB does not get through: {sentences(error)[0]}", advice)

    def stream(self) -> Finding:
        """Whether a stream opens soon and heartbeats come."""
        if not self._may_read():
            return skipped("the key may not follow messages")
        with self._connection.channel() as channel:
            request = message_service_pb2.StreamStatusRequest()
            request.heartbeat_interval.FromSeconds(1)
            start = time.monotonic()
            try:
                responses = self._open(channel, request, self._seconds)
                for response in responses:
                    taken = time.monotonic() - start
                    if response.HasField("opened") and taken > _OPEN_SECONDS:
                        advice = "a proxy may hold responses back until there are more"
                        return failed(f"a stream opened only after {taken:.1f} s", advice)
                    if response.HasField("heartbeat"):
                        return ok("a stream opens, and heartbeats come")
            except grpc.RpcError as error:
                says = f"a stream breaks off: {error.code().name}: {error.details()}"
                return failed(says, "a proxy on the way may not pass streams on")
        return failed("a stream ended by itself", "the server may be stopping; repeat it")

    def keepalive(self, seconds: float) -> Finding:
        """Whether a connection on which nothing is said for so long is still there."""
        if not seconds:
            why = "not asked for, since it takes as long as it watches an idle connection"
            return skipped(f"{why}: --keepalive 120 for two minutes")
        if not self._may_read():
            return skipped("the key may not follow messages")
        # Channels to one target share what they have; this is about a connection of its own.
        alone = replace(self._connection, options=(("grpc.use_local_subchannel_pool", 1),))
        with alone.channel() as channel:
            request = message_service_pb2.StreamStatusRequest()
            # Nothing but pings for as long as the server allows.
            request.heartbeat_interval.FromSeconds(60)
            start = time.monotonic()
            try:
                for _ in self._open(channel, request, seconds):
                    pass
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                    return ok(f"a connection lives through {seconds:g} s of silence, with pings")
                lived = time.monotonic() - start
                says = f"an idle connection was cut after {lived:.0f} s: {error.code().name}"
                advice = "something on the way ends idle connections; have its limit raised"
                return failed(says, advice)
        return failed("a stream ended by itself", "the server may be stopping; repeat it")

    def _open(
        self,
        channel: grpc.Channel,
        request: message_service_pb2.StreamStatusRequest,
        seconds: float,
    ) -> Iterator[message_service_pb2.StreamStatusResponse]:
        stub = message_service_pb2_grpc.MessageServiceStub(channel)
        return stub.StreamStatus(request, timeout=seconds, metadata=self._connection.metadata)


def _advice_for_key(connection: Connection) -> str:
    if not connection.api_key:
        return "give a key with --api-key or SMSGATE_API_KEY"
    return "the key is wrong, revoked or expired; ask an operator for another"
