"""What the page says of its connection, with a stream that tells it so."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.acceptance.test_server_commands import ok, run
from tests.acceptance.web_setup import WebProcess
from tests.browser.conftest import OpenDashboard
from tests.browser.dashboard import Dashboard

pytestmark = pytest.mark.slow

# Instead of the server's stream one that a test speaks on; all else is the server's.
_STREAM = """
const real = globalThis.fetch;
globalThis.fetch = (url, options) => {
  if (!String(url).endsWith("/StreamStatus")) return real(url, options);
  const body = new ReadableStream({
    start(controller) {
      globalThis.tell = (message) => {
        const bytes = new TextEncoder().encode(JSON.stringify(message));
        const head = new DataView(new ArrayBuffer(5));
        head.setUint32(1, bytes.length);
        controller.enqueue(new Uint8Array(head.buffer));
        controller.enqueue(bytes);
      };
      tell({cursor: "c", opened: {}});
    },
  });
  const headers = {"content-type": "application/connect+json"};
  return Promise.resolve(new Response(body, {status: 200, headers}));
};
globalThis.event = (ageSeconds) => ({
  messageId: "01a209c2-d545-7079-9829-b5637e2c19bb",
  toStatus: "MESSAGE_STATUS_DELIVERED",
  eventTime: new Date(Date.now() - ageSeconds * 1000).toISOString(),
});
"""


def _scripted(dashboard: Dashboard) -> Page:
    dashboard.page.add_init_script(_STREAM)
    return dashboard.goto().is_live().page


def test_old_events_are_told_to_be_behind_and_new_ones_to_be_live_again(
    server: WebProcess, open_dashboard: OpenDashboard
) -> None:
    dashboard = open_dashboard(server.web, "#/compose")
    page = _scripted(dashboard)
    # The page takes the server's clock for its own, give or take what an answer was on its way.
    page.evaluate("tell({cursor: 'c', events: [event(600)]})")
    expect(dashboard.state).to_have_attribute("data-state", "behind")
    expect(dashboard.state).to_contain_text(re.compile(r"by (9\.9|10\.0) min"))
    page.evaluate("tell({cursor: 'c', heartbeat: {lag: '0s'}})")
    dashboard.is_live()
    page.evaluate("tell({cursor: 'c', heartbeat: {lag: '7s'}})")
    expect(dashboard.state).to_have_attribute("data-state", "behind")
    page.evaluate("tell({cursor: 'c', events: [event(0)]})")
    dashboard.is_live()


def test_overtaken_events_are_counted_for_what_is_shown(
    server: WebProcess, open_dashboard: OpenDashboard
) -> None:
    page = _scripted(open_dashboard(server.web, "#/compose"))
    page.evaluate("tell({cursor: 'c', events: [event(0)], coalesced: 7})")
    expect(page.locator(".pace")).to_contain_text("7 overtaken")
    page.evaluate("tell({cursor: 'c', events: [event(0)], coalesced: 3})")
    expect(page.locator(".pace")).to_contain_text("10 overtaken")
    # Other filters begin anew.
    page.get_by_role("textbox", name="Sender").fill("Acme")
    page.get_by_role("textbox", name="Sender").press("Enter")
    expect(page.locator(".pace")).not_to_contain_text("overtaken")


def test_a_stream_that_cannot_be_mended_is_told_to_have_stopped(
    server: WebProcess, open_dashboard: OpenDashboard
) -> None:
    dashboard = open_dashboard(server.web, "#/compose")
    refusal = {"code": "permission_denied", "message": "the key may not follow"}
    dashboard.page.route("**/StreamStatus", lambda route: route.fulfill(status=403, json=refusal))
    page = dashboard.goto().page
    expect(dashboard.state).to_have_attribute("data-state", "failed")
    expect(dashboard.state).to_contain_text("the key may not follow")
    expect(page).to_have_title("stopped · smsgate")
    _loses_its_network(dashboard)
    expect(dashboard.state).to_have_attribute("data-state", "failed")


def test_who_is_signed_out_is_not_offline(
    own_server: WebProcess, tmp_path: Path, open_dashboard: OpenDashboard
) -> None:
    ok(run("accounts", "create", "shop", store=tmp_path / "messages.db"))
    ok(run("accounts", "create-key", "shop", "--scope", "read", store=tmp_path / "messages.db"))
    dashboard = open_dashboard(own_server.web)
    expect(dashboard.state).to_have_attribute("data-state", "signed-out")
    _loses_its_network(dashboard)
    expect(dashboard.state).to_have_attribute("data-state", "signed-out")


def _loses_its_network(dashboard: Dashboard) -> None:
    """For a moment, and the page is told."""
    dashboard.page.evaluate(
        "addEventListener('offline', () => (globalThis.wasOffline = true), {once: true})"
    )
    dashboard.context.set_offline(True)
    dashboard.page.wait_for_function("globalThis.wasOffline")
    dashboard.context.set_offline(False)
