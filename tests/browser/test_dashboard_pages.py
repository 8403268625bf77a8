"""A message, usage, the estimator and the form that sends."""

import socket
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect
from tests.acceptance.web_setup import WebProcess
from tests.browser.conftest import OpenDashboard
from tests.browser.dashboard import Traffic, eventually

pytestmark = pytest.mark.slow

_REAL_CARRIER = """
[[carriers]]
name = "acme"
hosts = ["127.0.0.1:{port}"]
system_id = "esme"
password = "secret"
"""


def test_the_page_of_a_message_has_its_whole_timeline_and_stays_up_to_date(
    server: WebProcess, open_dashboard: OpenDashboard, traffic: Traffic
) -> None:
    sent = traffic.send("908", labels={"team": "billing"}, client_reference="order 7")
    page = open_dashboard(server.web, f"#/message/{sent}").page
    steps = page.locator(".timeline li")

    expect(steps).to_have_count(4)
    expect(steps.nth(0)).to_contain_text("NEW")
    expect(steps.nth(1)).to_contain_text("carrier simulator")
    expect(steps.nth(2)).to_contain_text("UNDELIVERABLE")
    expect(steps.nth(3)).to_contain_text("late receipt, changes nothing")
    expect(steps.nth(3)).to_contain_text("code DELIVRD")
    expect(page.locator(".outcome")).to_contain_text("UNDELIVERABLE")
    for fact in ("Italy (IT)", "0.036 EUR", "billing", "order 7"):
        expect(page.locator(".facts")).to_contain_text(fact)


def test_the_code_of_an_otp_is_not_on_its_page(
    server: WebProcess, open_dashboard: OpenDashboard, traffic: Traffic
) -> None:
    begun = traffic.call("OTPService/SendOTP", {"recipient": "+393331235900", "brand": "Acme"})
    sent = begun["verification"]["messageIds"][0]
    page = open_dashboard(server.web, f"#/message/{sent}").page
    expect(page.locator(".message-text")).to_contain_text("Acme")
    expect(page.get_by_text("the code is never stored")).to_be_visible()


def test_the_page_of_a_message_waits_for_what_passes(
    server: WebProcess, open_dashboard: OpenDashboard, traffic: Traffic
) -> None:
    sent = traffic.send("900")
    codes = {"unavailable": 503, "resource_exhausted": 429}
    dashboard = open_dashboard(server.web, "#/compose")

    def refuse_once(route: Route) -> None:
        code, status = codes.popitem() if codes else ("", 0)
        if code:
            route.fulfill(status=status, json={"code": code, "message": "not now"})
        else:
            route.continue_()

    dashboard.page.route("**/GetMessage", refuse_once)
    page = dashboard.goto(f"#/message/{sent}").page
    expect(page.locator(".outcome")).to_contain_text("DELIVERED")
    assert not codes


def test_an_unknown_message_is_said_to_be_unknown(
    server: WebProcess, open_dashboard: OpenDashboard
) -> None:
    page = open_dashboard(server.web, "#/message/01a209c2-d545-7079-9829-b5637e2c19bb").page
    expect(page.get_by_text("There is no message with this id")).to_be_visible()


def test_usage_is_drawn_by_month_and_by_year_with_its_text(
    own_server: WebProcess, open_dashboard: OpenDashboard
) -> None:
    with Traffic(own_server.web, "usage") as traffic:
        traffic.await_final(*traffic.send_many(9), traffic.send("901"))
        traffic.call("OTPService/SendOTP", {"recipient": "+393331235900", "brand": "Acme"})
    page = open_dashboard(own_server.web, "#/usage").page
    tiles = page.locator(".tiles")
    expect(tiles).to_contain_text("11")
    expect(tiles).to_contain_text("0.0 % came back right")
    expect(page.locator('.bar[data-part="UNDELIVERABLE"] title')).to_contain_text(": 1 UNDELIV")
    expect(page.locator('.bar[data-part="unverified"]')).to_have_count(1)
    expect(page.locator(".summary")).to_contain_text("11 messages")
    page.get_by_text("As a table").first.click()
    expect(page.locator(".usage tbody tr:visible")).to_have_count(12)

    page.get_by_role("button", name="5 years").click()
    expect(page.get_by_role("button", name="5 years")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".usage tbody tr:visible")).to_have_count(5)


def test_a_table_of_usage_stays_as_it_is_when_another_span_or_width_is_drawn(
    server: WebProcess, open_dashboard: OpenDashboard
) -> None:
    page = open_dashboard(server.web, "#/usage").page
    held: list[Route] = []

    def hold_years(route: Route) -> None:
        if "YEAR" in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route("**/GetUsage", hold_years)
    table, rows = page.get_by_text("As a table").first, page.locator(".usage tbody tr:visible")
    table.click()
    expect(rows).to_have_count(12)

    page.get_by_role("button", name="5 years").click()
    # The route is told of a request only while the page is asked something.
    eventually(lambda: page.evaluate("true") and bool(held))
    expect(rows).to_have_count(12)
    table.focus()
    held[0].continue_()
    expect(rows).to_have_count(5)
    expect(table).to_be_focused()

    chart = page.locator(".bars").first
    drawn = chart.get_attribute("width")
    page.set_viewport_size({"width": 834, "height": 1112})
    expect(chart).not_to_have_attribute("width", str(drawn))
    expect(rows).to_have_count(5)

    table.click()
    page.get_by_role("button", name="12 months").click()
    expect(page.get_by_text("12 months").first).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".usage tbody").first.locator("tr")).to_have_count(12)
    expect(rows).to_have_count(0)


def test_a_width_changed_after_usage_failed_to_load_draws_no_old_figures(
    server: WebProcess, open_dashboard: OpenDashboard
) -> None:
    page = open_dashboard(server.web, "#/usage").page
    expect(page.locator(".bars").first).to_be_visible()
    page.route("**/GetUsage", lambda route: route.fulfill(status=503, body="{}"))
    page.get_by_role("button", name="5 years").click()
    expect(page.locator(".usage .wrong")).to_be_visible()
    page.set_viewport_size({"width": 834, "height": 1112})
    page.evaluate("new Promise((done) => requestAnimationFrame(() => done()))")
    expect(page.locator(".usage .wrong")).to_be_visible()
    expect(page.locator(".bars")).to_have_count(0)


def test_an_estimate_tells_segments_alphabet_price_and_what_forces_it(
    server: WebProcess, open_dashboard: OpenDashboard
) -> None:
    page = open_dashboard(server.web, "#/compose").page
    estimate = page.locator(".estimate")
    page.get_by_label("Recipient").fill("+393331234567")
    page.get_by_role("textbox", name="Text").fill("It’s here" + " and waits" * 7)
    expect(estimate).to_contain_text("2 segments, UCS-2")
    expect(estimate).to_contain_text("0.072 EUR to Italy")
    expect(estimate).to_contain_text("U+2019, character 3, could be '")
    page.get_by_role("button", name="Take it").click()
    expect(estimate).to_contain_text("1 segment, GSM-7")
    page.get_by_label("Recipient").fill("+39333")
    expect(estimate.locator(".refusals, .wrong").first).to_be_visible()


def test_a_test_message_is_sent_and_can_be_followed(
    server: WebProcess, open_dashboard: OpenDashboard
) -> None:
    page = open_dashboard(server.web, "#/compose").page
    expect(page.get_by_text("Only the simulated carrier is set up")).to_be_visible()
    page.get_by_label("Recipient").fill("+393331234900")
    page.get_by_role("textbox", name="Text").fill("Ciao!")
    page.get_by_role("button", name="Send a test message").click()
    page.get_by_role("link", name="Follow it").click()
    expect(page.locator(".outcome")).to_contain_text("DELIVERED")


def test_what_costs_is_sent_only_after_a_confirmation(
    tmp_path: Path, open_dashboard: OpenDashboard
) -> None:
    # A carrier that is down is a real one, too: it would send, and cost, as soon as it is up.
    config = tmp_path / "smsgate.toml"
    arguments = ["--config", str(config)]
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # taken, but nobody listens
        config.write_text(_REAL_CARRIER.format(port=deaf.getsockname()[1]))
        with WebProcess(tmp_path / "messages.db", arguments) as server:
            _sends_only_when_confirmed(server, open_dashboard)


def _sends_only_when_confirmed(server: WebProcess, open_dashboard: OpenDashboard) -> None:
    page = open_dashboard(server.web, "#/compose").page
    text, recipient = page.get_by_role("textbox", name="Text"), page.get_by_label("Recipient")
    # There is nothing to agree to before there is a text.
    expect(page.locator(".estimate .hint")).to_be_visible()
    expect(page.locator(".confirm")).to_be_hidden()
    recipient.fill("+393331234900")
    text.fill("Ciao!")
    confirmation = page.get_by_label("This goes to a real phone and costs 0.036 EUR")
    expect(confirmation).to_be_visible()
    # Consent is to this text, recipient, sender and price, and to no other.
    for change in (
        lambda: text.fill("Ciao, a tutti!"),
        lambda: recipient.fill("+393331234901"),
        lambda: page.get_by_role("textbox", name="Sender").fill("Acme"),
        lambda: page.get_by_label("Replace typographic").check(),
    ):
        confirmation.check()
        change()
        expect(confirmation).not_to_be_checked()
    confirmation.check()
    text.fill("Ciao! " * 40)
    dearer = page.get_by_label("This goes to a real phone and costs 0.072 EUR")
    expect(dearer).to_be_enabled()
    expect(dearer).not_to_be_checked()
    text.fill("Ciao!")
    expect(confirmation).to_be_enabled()
    send = page.get_by_role("button", name="Send a test message")
    send.click()
    with Traffic(server.web, "costs") as traffic:
        assert traffic.call("MessageService/ListMessages", {}).get("messages", []) == []
        confirmation.check()
        with page.expect_request("**/SendMessage") as sending:
            send.click()
        price = sending.value.post_data_json["options"]["maxPrice"]
        assert price == {"currencyCode": "EUR", "nanos": 36_000_000}
        expect(page.get_by_role("link", name="Follow it")).to_be_visible()
        eventually(lambda: len(traffic.call("MessageService/ListMessages", {})["messages"]) == 1)
    page.get_by_role("link", name="Live", exact=True).click()
    expect(page.locator(".carriers")).to_contain_text("acmedown")
