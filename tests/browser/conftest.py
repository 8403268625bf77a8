"""A real Chromium with an empty profile, and a real server whose dashboard it opens."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.acceptance.web_setup import WebProcess
from tests.browser.dashboard import Dashboard, Traffic

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # What a measurement of memory needs to be repeatable.
    "--js-flags=--expose-gc",
]

OpenDashboard = Callable[..., Dashboard]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """No longer than for a module: while it is open an asyncio loop runs in this thread, and no
    asynchronous test can.
    """
    if CHROMIUM is None:
        pytest.skip("needs a browser: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    """One for all tests: what they look at is told apart by a label of each test."""
    folder = tmp_path_factory.mktemp("dashboard")
    with WebProcess(folder / "messages.db") as process:
        yield process


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[WebProcess]:
    """A server that a test may stop, kill and let others in."""
    with WebProcess(tmp_path / "messages.db") as process:
        yield process


@pytest.fixture
def traffic(server: WebProcess, request: pytest.FixtureRequest) -> Iterator[Traffic]:
    """Sends messages that carry the label of this test."""
    with Traffic(server.web, label=request.node.name.partition("[")[0][:60]) as traffic:
        yield traffic


@pytest.fixture
def open_dashboard(browser: Browser) -> Iterator[OpenDashboard]:
    """Opens the dashboard of a server. No page may raise or break its policy."""
    opened: list[Dashboard] = []

    def open_one(url: str, path: str = "", **context: object) -> Dashboard:
        opened.append(Dashboard(browser, url, **context))
        return opened[-1].goto(path)

    yield open_one
    for dashboard in opened:
        dashboard.close()
    assert [wrong for dashboard in opened for wrong in dashboard.wrongs] == []
