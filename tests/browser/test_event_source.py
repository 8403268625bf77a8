"""A browser's own EventSource, through crashes and roll-outs: it comes back by itself, every time,
and no event is missing or there twice.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page
from tests.acceptance.web_setup import WebProcess
from tests.browser.conftest import OpenDashboard
from tests.browser.dashboard import Traffic, eventually

pytestmark = pytest.mark.slow

_STATUSES = ("MESSAGE_STATUS_NEW", "MESSAGE_STATUS_PENDING", "MESSAGE_STATUS_DELIVERED")
_BATCH = 20
# So much that it does not fit into the buffers of a connection that nobody reads.
_BATCHES, _MANY = 5, 1_000
_FILLER = {f"filler-{number}": "x" * 110 for number in range(8)}
_FOLLOW = """(path) => {
  globalThis.seen = [];
  globalThis.opened = 0;
  globalThis.told = [];
  globalThis.source = new EventSource(path);
  source.addEventListener("opened", () => (globalThis.opened += 1));
  source.addEventListener("failed", ({data}) => globalThis.told.push(JSON.parse(data).code));
  source.addEventListener("events", ({data}) => {
    for (const event of JSON.parse(data).events) seen.push([event.messageId, event.toStatus]);
  });
}"""


class _Following:
    """An EventSource of the page, and the messages that it has to tell of."""

    def __init__(self, page: Page, traffic: Traffic) -> None:
        self._page = page
        self._traffic = traffic
        self._sent: list[str] = []
        page.evaluate(_FOLLOW, f"/events{traffic.filter}")
        self.is_open(1)

    def value(self, expression: str) -> Any:
        return self._page.evaluate(expression)

    def is_open(self, times: int) -> None:
        eventually(lambda: self.value("opened") >= times)

    def send(self) -> None:
        """And wait until they are final, so that no crash leaves one of them in doubt."""
        sent = self._traffic.send_many(_BATCH)
        self._traffic.await_final(*sent)
        self._sent += sent

    def has_seen_all_once(self) -> None:
        wanted = sorted([one, status] for one in self._sent for status in _STATUSES)
        eventually(lambda: len(self.value("seen")) >= len(wanted))
        assert sorted(self.value("seen")) == wanted


@contextmanager
def _stalled_reader(web: str) -> Iterator[None]:
    """Somebody who reads nothing of all events that there are: a server that stops waits for it."""
    address = urlsplit(web)
    assert address.hostname is not None
    assert address.port is not None
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        reader.connect((address.hostname, address.port))
        head = f"GET /events?from_earliest=true HTTP/1.1\r\nhost: {address.netloc}\r\n\r\n"
        reader.sendall(head.encode())
        # It was begun, and then nothing is read any more.
        assert reader.recv(1)
        yield


def test_through_a_crash_and_roll_outs_no_event_is_missing_or_there_twice(
    tmp_path: Path, open_dashboard: OpenDashboard
) -> None:
    drains = {"SMSGATE_DRAIN_SECONDS": "4"}
    with (
        WebProcess(tmp_path / "messages.db", environment=drains) as server,
        Traffic(server.web, "event source") as traffic,
    ):
        following = _Following(open_dashboard(server.web, "#/compose").page, traffic)
        following.send()

        server.kill()
        server.start()
        following.send()
        following.is_open(2)

        assert server.stop() == 0
        server.start()
        following.send()
        following.is_open(3)

        # While the server waits for this reader it refuses everybody else.
        recipients = [f"+39333123{number:04d}" for number in range(_MANY)]
        later = {"sendTime": f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"}
        for _ in range(_BATCHES):
            traffic.send_to(recipients, labels=_FILLER | {"test": "others"}, options=later)
        with _stalled_reader(server.web):
            assert server.stop() == 0
        assert "unavailable" in following.value("told")
        server.start()
        following.send()
        following.is_open(4)

        following.has_seen_all_once()
        assert following.value("source.readyState") == 1
