"""Who may look, who cannot use a mouse, and who cannot see: they all can use it."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.acceptance.test_server_commands import ok, run
from tests.acceptance.web_setup import WebProcess
from tests.browser.conftest import OpenDashboard
from tests.browser.dashboard import Dashboard, Traffic, eventually

pytestmark = pytest.mark.slow

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
SIZES = {"desktop": (1440, 900), "tablet": (834, 1112), "phone": (390, 844)}
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
# Rows are all alike; the first have every status.
_LOOKED_AT = {"exclude": [[".feed-row:nth-child(n+14)"]]}
_SEVERE = {"serious", "critical"}


def _focused(page: Page) -> str:
    """The row that has the focus."""
    return str(page.evaluate("document.activeElement.dataset.message ?? ''"))


def test_the_keyboard_reaches_a_message_and_comes_back_to_its_row(
    server: WebProcess, open_dashboard: OpenDashboard, traffic: Traffic
) -> None:
    sent = traffic.send_many(40)
    traffic.await_final(*sent)
    page = open_dashboard(server.web, traffic.filter).is_live().page
    expect(page.locator(".feed-row:visible").first).to_be_visible()

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    for _ in range(30):
        page.keyboard.press("Tab")
        if _focused(page):
            break
    first = _focused(page)
    assert first in sent
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    last = _focused(page)
    assert last in sent
    assert last != first
    page.keyboard.press("Enter")
    expect(page.locator(".message .id")).to_have_text(last)
    expect(page.locator(".message h1")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(f'.feed-row[data-message="{last}"]')).to_be_focused()

    # It stands still while somebody reads, says what has come since, and goes on when told to.
    traffic.send_many(3)
    expect(page.get_by_role("button", name="newer · back to live")).to_be_visible()
    assert _focused(page) == last
    page.keyboard.press("Escape")
    expect(page.locator(".newer")).to_be_hidden()
    assert _focused(page) == ""


def test_shift_tab_leaves_the_list(
    server: WebProcess, open_dashboard: OpenDashboard, traffic: Traffic
) -> None:
    sent = traffic.send()
    dashboard = open_dashboard(server.web, traffic.filter).is_live()
    dashboard.row(sent).first.focus()
    dashboard.page.keyboard.press("Shift+Tab")
    assert not dashboard.page.evaluate("document.activeElement.closest('.feed') !== null")


def test_live_regions_speak_of_the_connection_and_not_of_every_event(
    server: WebProcess, open_dashboard: OpenDashboard, traffic: Traffic
) -> None:
    dashboard = open_dashboard(server.web, traffic.filter).is_live()
    dashboard.page.evaluate(
        """() => {
          globalThis.spoken = [];
          const hidden = ({target}) => target.closest("[aria-hidden]");
          const all = {childList: true, subtree: true};
          for (const region of document.querySelectorAll("[role=status], [aria-live]"))
            new MutationObserver((changes) => {
              if (!changes.every(hidden)) globalThis.spoken.push(region.id);
            }).observe(region, all);
        }"""
    )
    sent = traffic.send_many(50)
    expect(dashboard.row(sent[-1]).first).to_contain_text("DELIVERED")
    spoken = dashboard.page.evaluate("globalThis.spoken")
    # On a busy machine the page may be behind for a moment, and says so.
    assert set(spoken) <= {"connection"}
    assert len(spoken) < 10


def test_a_server_with_keys_asks_for_one_and_keeps_it_from_scripts(
    own_server: WebProcess, tmp_path: Path, open_dashboard: OpenDashboard
) -> None:
    store = tmp_path / "messages.db"
    ok(run("accounts", "create", "shop", store=store))
    key = ok(run("accounts", "create-key", "shop", "--scope", "read", store=store)).strip()
    dashboard = open_dashboard(own_server.web)
    page = dashboard.page
    field = page.get_by_label("API key")
    expect(field).to_be_focused()
    field.fill("sgk_wrong")
    field.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="key")).to_be_visible()
    field.fill(key)
    field.press("Enter")
    dashboard.is_live()
    expect(page.locator("#account")).to_have_text("shop")
    seen = page.evaluate(
        "JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])"
    )
    assert seen == '["",{},{}]'

    page.reload()
    dashboard.is_live()
    page.get_by_role("button", name="Sign out").click()
    expect(field).to_be_visible()
    page.reload()
    expect(field).to_be_visible()

    field.fill(key)
    field.press("Enter")
    dashboard.is_live()
    ok(run("accounts", "revoke-key", key[:16], store=store))
    expect(field).to_be_visible()


def test_the_theme_can_be_chosen_and_is_remembered(
    server: WebProcess, open_dashboard: OpenDashboard
) -> None:
    page = open_dashboard(server.web, color_scheme="light").is_live().page
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Theme: auto").click()
    page.get_by_role("button", name="Theme: light").click()
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert page.evaluate(ground) == dark


def test_who_wants_no_motion_gets_none(server: WebProcess, open_dashboard: OpenDashboard) -> None:
    page = open_dashboard(server.web, reduced_motion="reduce").is_live().page
    moving = """[...document.querySelectorAll("*")].filter((node) => {
        const style = getComputedStyle(node);
        return style.animationName !== "none" || style.transitionDuration !== "0s";
    }).length"""
    assert page.evaluate(moving) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_is_photographed(
    scheme: str, server: WebProcess, open_dashboard: OpenDashboard, traffic: Traffic
) -> None:
    dashboard = open_dashboard(server.web, color_scheme=scheme).is_live()
    # All that there is, in several countries, while the page looks.
    recipients = [
        prefix + ending
        for prefix in ("+393331234", "+34612345", "+351912345", "+33612345")
        for ending in ("900", "909", "916", "901", "903", "905", "908", "907")
    ]
    sent = traffic.send_to(recipients, sender="Acme", labels={"team": "billing"})
    eventually(lambda: dashboard.counted("EXPIRED") >= 4)
    for name, path in _pages(sent[6]).items():
        _arrive(dashboard, name, path)
        for size, (width, height) in SIZES.items():
            dashboard.page.set_viewport_size({"width": width, "height": height})
            _fits(dashboard.page, f"{name} {size}")
            dashboard.page.screenshot(path=SCREENSHOTS / f"{name}-{size}-{scheme}.png")
        # On a phone the live page has other rows; the rest is the same in one column.
        if name == "live":
            dashboard.page.set_viewport_size(PHONE)
            assert _findings(dashboard.page) == [], f"{name} on a phone"
        dashboard.page.set_viewport_size(DESKTOP)
        assert _findings(dashboard.page) == [], name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_empty_page_and_that_of_the_key_are_accessible_and_are_photographed(
    scheme: str, own_server: WebProcess, tmp_path: Path, open_dashboard: OpenDashboard
) -> None:
    dashboard = open_dashboard(own_server.web, color_scheme=scheme).is_live()
    expect(dashboard.page.get_by_text("No messages yet")).to_be_visible()
    _looked_at(dashboard.page, "empty", scheme)
    store = tmp_path / "messages.db"
    ok(run("accounts", "create", "shop", store=store))
    ok(run("accounts", "create-key", "shop", "--scope", "read", store=store))
    dashboard.page.reload()
    expect(dashboard.page.get_by_label("API key")).to_be_focused()
    _looked_at(dashboard.page, "sign-in", scheme)


def _looked_at(page: Page, name: str, scheme: str) -> None:
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        _fits(page, f"{name} {size}")
        page.screenshot(path=SCREENSHOTS / f"{name}-{size}-{scheme}.png")
        # Not cut off either, which makes no page wider.
        for edge in page.locator(".empty:visible, .sign-in:visible").all():
            box = edge.bounding_box()
            assert box is not None
            assert box["x"] + box["width"] <= width, f"{name} {size}"
        assert _findings(page) == [], f"{name} {size}"


def test_the_columns_of_the_list_have_names_for_who_cannot_see(
    server: WebProcess, open_dashboard: OpenDashboard, traffic: Traffic
) -> None:
    sent = traffic.send()
    dashboard = open_dashboard(server.web, traffic.filter).is_live()
    expect(dashboard.row(sent).first).to_be_visible()
    grid = dashboard.page.get_by_role("grid", name="Live events")
    assert grid.get_by_role("columnheader").all_text_contents()[:3] == [
        "time",
        "status",
        "recipient",
    ]
    cells = dashboard.row(sent).first.get_by_role("gridcell")
    expect(cells).to_have_count(grid.get_by_role("columnheader").count())


def _pages(message_id: str) -> dict[str, str]:
    message = f"#/message/{message_id}"
    return {"live": "#/", "usage": "#/usage", "compose": "#/compose", "message": message}


def _arrive(dashboard: Dashboard, name: str, path: str) -> None:
    page = dashboard.page
    page.evaluate("path => { location.hash = path; }", path)
    if name == "live":
        expect(dashboard.rows.nth(5)).to_be_visible()
        expect(page.locator(".carriers")).to_be_visible()
    elif name == "usage":
        expect(page.locator(".bar").first).to_be_visible()
    elif name == "compose":
        page.get_by_label("Recipient").fill("+393331234567")
        page.get_by_role("textbox", name="Text").fill("It’s here" + " and waits" * 9)
        expect(page.locator(".forcing")).to_be_visible()
    else:
        expect(page.locator(".timeline li").first).to_be_visible()


def _findings(page: Page) -> list[str]:
    found = Axe().run(page, context=_LOOKED_AT).response["violations"]
    return [
        f"{one['impact']} {one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in _SEVERE
    ]


def _fits(page: Page, where: str) -> None:
    """Nothing makes the page wider than its window."""
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0, where
