"""The dashboard as its users have it: what is on the page. And messages for it to show."""

import time
from collections.abc import Callable, Iterable
from typing import Any, Self
from urllib.parse import urlencode

import httpx
from playwright.sync_api import Browser, ConsoleMessage, Locator, expect

GUARD_SECONDS = 40.0
ITALIAN = "+39333123{:04d}"
_FINAL = ("DELIVERED", "UNDELIVERABLE", "EXPIRED", "REJECTED")
expect.set_options(timeout=GUARD_SECONDS * 1_000)

Json = dict[str, Any]


class Dashboard:
    """One page in a browser context of its own: no cookies, no storage but its own."""

    def __init__(self, browser: Browser, url: str, **context: Any) -> None:
        self.url = url.rstrip("/")
        self.context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}} | context)
        self.page = self.context.new_page()
        self.wrongs: list[str] = []
        self.page.on("pageerror", lambda error: self.wrongs.append(str(error)))
        self.page.on("console", self._console)
        self.foreign: list[str] = []
        self.page.on("request", self._requested)

    def _console(self, message: ConsoleMessage) -> None:
        # A server that is away, or asks for a key, is part of what is tested.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.wrongs.append(message.text)

    def _requested(self, request: Any) -> None:
        if not request.url.startswith(self.url):
            self.wrongs.append(f"a request to {request.url}")

    def goto(self, path: str = "") -> Self:
        """`path` begins with ? or #, or is empty for the live page."""
        self.page.goto(f"{self.url}/{path}", timeout=GUARD_SECONDS * 1_000)
        return self

    def close(self) -> None:
        self.context.close()

    @property
    def state(self) -> Locator:
        return self.page.locator("#connection")

    def is_live(self) -> Self:
        expect(self.state).to_have_attribute("data-state", "live")
        return self

    @property
    def rows(self) -> Locator:
        return self.page.locator(".feed-row:visible")

    def row(self, message_id: str) -> Locator:
        return self.page.locator(f'.feed-row:visible[data-message="{message_id}"]')

    def counted(self, status: str) -> int:
        """How many transitions to this status the counter has."""
        shown = self.page.locator(f'.counter[data-status="{status}"] .number').text_content()
        return int((shown or "0").replace(",", ""))

    def row_count(self) -> int:
        """Without the one that names the columns."""
        return int(self.page.locator(".feed-body").get_attribute("aria-rowcount") or 1) - 1

    def every_row(self) -> list[str]:
        """The messages of all rows, newest first, as somebody sees them who scrolls to the end."""
        seen: dict[int, str] = {}
        eventually(lambda: self._scrolled_through(seen) == self.row_count())
        return [seen[index] for index in sorted(seen)]

    def _scrolled_through(self, seen: dict[int, str]) -> int:
        """How many rows were seen by now. A busy browser may draw some only after they passed."""
        body = self.page.locator(".feed-body")
        for top in range(0, self.row_count() * 32 + 1, 320):
            body.evaluate("(list, top) => { list.scrollTop = top; }", top)
            self.page.evaluate("new Promise((done) => requestAnimationFrame(() => done()))")
            shown = self.page.evaluate(
                """[...document.querySelectorAll('.feed-row:not([hidden])')]
                    .map((row) => [Number(row.dataset.index), row.dataset.message])"""
            )
            seen |= {int(index): message for index, message in shown}
        return len(seen)


class Traffic:
    """A service that sends, with plain HTTP."""

    def __init__(self, url: str, label: str) -> None:
        self.label = label
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=GUARD_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def filter(self) -> str:
        """The query with which a page shows the messages of this test alone."""
        return "?" + urlencode({"label": f"test={self.label}"})

    def call(self, rpc: str, request: Json) -> Json:
        answer = self._client.post(f"/smsgate.v1.{rpc}", json=request)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def send(self, ending: str = "900", **fields: Any) -> str:
        """Send one message; returns its id. The ending chooses what becomes of it."""
        labels = {"test": self.label} | fields.pop("labels", {})
        sent = {"recipient": f"+393331234{ending}", "text": "Ciao!", "labels": labels} | fields
        return str(self.call("MessageService/SendMessage", sent)["message"]["id"])

    def send_many(self, number: int) -> list[str]:
        """In one batch; all of them are delivered."""
        return self.send_to([ITALIAN.format(index) for index in range(number)])

    def send_to(self, recipients: Iterable[str], **fields: Any) -> list[str]:
        labels = {"test": self.label} | fields.pop("labels", {})
        items = [{"recipient": recipient} for recipient in recipients]
        batch = {"items": items, "text": "Ciao!", "labels": labels} | fields
        results = self.call("MessageService/SendBatch", batch)["results"]
        return [result["message"]["id"] for result in results]

    def await_final(self, *ids: str) -> None:
        for message_id in ids:
            eventually(lambda one=message_id: self._is_final(one))

    def _is_final(self, message_id: str) -> bool:
        found = self.call("MessageService/GetMessage", {"id": message_id})["message"]
        return found["status"].endswith(_FINAL)


def eventually(is_true: Callable[[], bool]) -> None:
    """Return once it is true; AssertionError if it does not become true."""
    until = time.monotonic() + GUARD_SECONDS
    while not is_true():
        assert time.monotonic() < until, "it did not become true"
        time.sleep(0.05)
