"""Keeps one bind up: connects, binds, notices its end, waits, and does it again."""

import asyncio
import logging
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from smsgate_server.carriers.smpp.codes import Command, Status, hexadecimal
from smsgate_server.carriers.smpp.connection import Connection
from smsgate_server.carriers.smpp.pdu import Bind
from smsgate_server.carriers.smpp.session import (
    Answered,
    End,
    Event,
    Session,
    Stray,
    Timers,
)
from smsgate_server.carriers.smpp.settings import SmppSettings

_log = logging.getLogger(__name__)

# A bind that was up for this long was a good one: the next wait is the shortest again.
_GOOD_SECONDS = 30.0

_MEANINGS = {
    Status.BIND_FAILED: "the carrier says no more",
    Status.INVALID_PASSWORD: "the password is wrong",
    Status.INVALID_SYSTEM_ID: "the system_id is unknown",
    Status.ALREADY_BOUND: "it is bound already",
}

Fraction = Callable[[], float]


class Backoff:
    """How long to wait before the next bind: twice as long each time, up to `cap` seconds, and from
    the half of that to all of it, or all the binds of all the gateways come back at one moment.
    """

    def __init__(self, first: float, cap: float, jitter: Fraction) -> None:
        self._first = first
        self._cap = cap
        self._jitter = jitter
        self._next = first

    def wait(self, up_seconds: float) -> float:
        """After a bind that was up for so long; 0 if it never was."""
        if up_seconds >= _GOOD_SECONDS:
            self._next = self._first
        wait = min(self._next, self._cap) * (0.5 + self._jitter() / 2)
        self._next = min(self._next * 2, self._cap)
        return wait


class Binding:
    """`on_events` is told what happens while the bind is up, `on_change` when it goes up or down.

    `trouble` is why it is down, for operators; `connection` is None then.
    """

    def __init__(
        self,
        settings: SmppSettings,
        command: Command,
        on_events: Callable[[Connection, Sequence[Event]], None],
        on_change: Callable[["Binding"], None],
        jitter: Fraction,
    ) -> None:
        self._settings = settings
        self._command = command
        self._on_events = on_events
        self._on_change = on_change
        self._backoff = Backoff(settings.reconnect_seconds, settings.reconnect_cap_seconds, jitter)
        self._up_since: float | None = None
        self._bound: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._tries = 0
        self.connection: Connection | None = None
        self.trouble = "not bound yet"

    @property
    def transmits(self) -> bool:
        """Whether messages may be submitted on it."""
        return self._command is not Command.BIND_RECEIVER

    @property
    def name(self) -> str:
        return self._command.name.removeprefix("BIND_").lower()

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Unbind; whoever wants the answers that are due waits for them before."""
        self._stopping = True
        if self.connection is not None:
            self.connection.unbind()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.response_seconds):
                    await asyncio.shield(self.connection.ended)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _keep(self) -> None:
        while not self._stopping:
            self._up_since = None
            try:
                await self._once()
            except Exception:
                # Whatever it is, a bind must not stay down for good.
                _log.exception("%s: %s failed", self._settings.name, self.name)
                self._down("a fault of ours, which is in the log")
            await asyncio.sleep(self._backoff.wait(self._up_seconds()))

    def _up_seconds(self) -> float:
        """How long the last bind was up. One that stayed silent for half a minute was not."""
        if self._up_since is None:
            return 0.0
        return asyncio.get_running_loop().time() - self._up_since

    async def _once(self) -> None:
        """One life of the bind, from connecting to its end."""
        host = self._settings.hosts[self._tries % len(self._settings.hosts)]
        self._tries += 1
        try:
            connection = await self._connect(host)
        except (OSError, TimeoutError, ssl.SSLError, ValueError) as error:
            self._down(f"cannot connect to {host}: {_reason(error)}")
            return
        try:
            await self._bind(connection)
            await asyncio.shield(connection.ended)
        except (OSError, ValueError) as error:
            # The password cannot be read, or is none that SMPP can write.
            connection.abort(f"cannot bind: {_reason(error)}")
            await asyncio.shield(connection.ended)
        finally:
            self.connection = None
            if not connection.ended.done():
                connection.abort("stopped")
        self._down(f"{host}: {connection.ended.result()}")
        self._on_change(self)

    async def _connect(self, host: str) -> Connection:
        name, _, port = host.rpartition(":")
        name = name.strip("[]")
        tls = tls_context(self._settings) if self._settings.tls else None
        server_name = (self._settings.tls_server_name or name) if tls else None
        timers = Timers(self._settings.response_seconds, self._settings.enquire_link_seconds)
        window = self._settings.window
        async with asyncio.timeout(self._settings.connect_seconds):
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(lambda now: Session(End.ESME, timers, window, now), self._take),
                name,
                int(port),
                ssl=tls,
                server_hostname=server_name,
            )
        return connection

    async def _bind(self, connection: Connection) -> None:
        settings = self._settings
        self._bound = asyncio.get_running_loop().create_future()
        body = Bind(
            settings.system_id,
            settings.secret(),
            settings.system_type,
            settings.interface_version,
        )
        connection.bind(self._command, body)
        ends: list[asyncio.Future[Any]] = [self._bound, connection.ended]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)

    def _take(self, connection: Connection, events: Sequence[Event]) -> None:
        if self._bound is not None and not self._bound.done():
            events = self._take_bind(connection, events)
        self._on_events(connection, events)

    def _take_bind(self, connection: Connection, events: Sequence[Event]) -> Sequence[Event]:
        """Receipts can come in one piece with the answer to the bind: what is left is for all."""
        for index, event in enumerate(events):
            if isinstance(event, Answered) and event.token is self._command:
                self._answered(connection, event.pdu.status)
                return events[index + 1 :]
            if isinstance(event, Stray):
                _log.debug("%s: %s", self._settings.name, event.what)
        return ()

    def _answered(self, connection: Connection, status: int) -> None:
        assert self._bound is not None
        self._bound.set_result(None)
        if status:
            meaning = _MEANINGS.get(Status(status)) if status in set(Status) else None
            connection.close(f"bind refused with {hexadecimal(status)}" + _in_brackets(meaning))
            return
        self.connection, self.trouble = connection, ""
        self._up_since = asyncio.get_running_loop().time()
        _log.info("%s: bound as %s to %s", self._settings.name, self.name, connection.peer)
        self._on_change(self)

    def _down(self, why: str) -> None:
        if why != self.trouble and not self._stopping:
            _log.warning("%s: %s is down: %s", self._settings.name, self.name, why)
        self.trouble = why


def _in_brackets(text: str | None) -> str:
    return f" ({text})" if text else ""


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    return str(getattr(error, "strerror", None) or error)


def tls_context(settings: SmppSettings) -> ssl.SSLContext:
    """OSError, which ssl.SSLError is, if a file is missing or wrong."""
    context = ssl.create_default_context(cafile=_path(settings.tls_ca))
    if certificate := _path(settings.tls_certificate):
        context.load_cert_chain(certificate, _path(settings.tls_key))
    return context


def _path(text: str) -> str | None:
    return str(Path(text).expanduser()) if text else None
