"""The live page: what happens is seen, once, through filters, restarts and every nasty text."""

import pytest
from playwright.sync_api import expect
from tests.acceptance.web_setup import WebProcess
from tests.browser.conftest import OpenDashboard
from tests.browser.dashboard import Traffic, eventually

NASTY = '<img src=x onerror="document.title=1">'


def test_a_message_that_is_sent_appears_and_its_counters_rise(
    server: WebProcess, open_dashboard: OpenDashboard, traffic: Traffic
) -> None:
    dashboard = open_dashboard(server.web, traffic.filter).is_live()
    delivered, failed = traffic.send("900"), traffic.send("901", sender="Acme")

    expect(dashboard.row(delivered).first).to_contain_text("DELIVERED")
    expect(dashboard.row(failed).first).to_contain_text("UNDELIVERABLE")
    expect(dashboard.row(failed).first).to_contain_text("Acme")
    eventually(lambda: dashboard.counted("DELIVERED") == 1)
    eventually(lambda: dashboard.counted("UNDELIVERABLE") == 1)
    line = dashboard.page.get_by_role("row").filter(has_text="Italy")
    expect(line).to_contain_text("50.0 %")


@pytest.mark.slow
def test_after_a_crash_and_time_offline_no_row_is_missed_or_doubled(
    own_server: WebProcess, open_dashboard: OpenDashboard
) -> None:
    dashboard = open_dashboard(own_server.web, "?status=DELIVERED").is_live()
    with Traffic(own_server.web, "restart") as traffic:
        before = traffic.send_many(30)
        traffic.await_final(*before)
        eventually(lambda: dashboard.counted("DELIVERED") == 30)

        own_server.kill()
        expect(dashboard.state).to_have_attribute("data-state", "offline")
        dashboard.context.set_offline(True)
        own_server.start()
        # The page could not have seen these by itself.
        away = traffic.send_many(40)
        traffic.await_final(*away)
        dashboard.context.set_offline(False)
        dashboard.is_live()
        after = traffic.send_many(30)

        eventually(lambda: dashboard.counted("DELIVERED") == 100)
        assert sorted(dashboard.every_row()) == sorted(before + away + after)


def test_a_server_that_stops_is_told_and_its_return_too(
    own_server: WebProcess, open_dashboard: OpenDashboard
) -> None:
    dashboard = open_dashboard(own_server.web).is_live()
    assert own_server.stop() == 0
    expect(dashboard.state).to_have_attribute("data-state", "offline")
    expect(dashboard.page).to_have_title("offline · smsgate")
    own_server.start()
    dashboard.is_live()
    expect(dashboard.page).to_have_title("smsgate")


def test_filters_live_in_the_url_and_come_back_with_it(
    server: WebProcess, open_dashboard: OpenDashboard, traffic: Traffic
) -> None:
    italian = traffic.send("900", sender="Acme")
    spanish = traffic.send("900", recipient="+34612345900", sender="Other")
    rejected = traffic.send("903", sender="Acme")
    traffic.await_final(italian, spanish, rejected)
    dashboard = open_dashboard(server.web, traffic.filter).is_live()
    page = dashboard.page
    expect(dashboard.row(spanish).first).to_be_visible()

    page.get_by_role("textbox", name="Sender").fill("Acme")
    page.get_by_role("textbox", name="Sender").press("Enter")
    expect(dashboard.row(spanish)).to_have_count(0)
    expect(dashboard.row(italian).first).to_be_visible()
    page.locator('.counter[data-status="REJECTED"]').click()
    expect(dashboard.row(italian)).to_have_count(0)
    expect(dashboard.row(rejected).first).to_be_visible()
    assert "sender=Acme" in page.url
    assert "status=REJECTED" in page.url

    page.reload()
    expect(dashboard.row(rejected).first).to_be_visible()
    expect(dashboard.row(italian)).to_have_count(0)
    page.go_back()
    page.go_back()
    expect(dashboard.row(spanish).first).to_be_visible()
    page.get_by_role("textbox", name="Country").fill("Narnia")
    page.get_by_role("textbox", name="Country").press("Enter")
    expect(page.get_by_role("alert").filter(has_text="two letters")).to_be_visible()


def test_what_comes_with_a_message_is_text_and_never_markup(
    server: WebProcess, open_dashboard: OpenDashboard, traffic: Traffic
) -> None:
    nasty = {"text": NASTY, "labels": {"mood": NASTY}, "client_reference": NASTY}
    dashboard = open_dashboard(server.web, traffic.filter).is_live()
    sent = traffic.send("900", **nasty)

    expect(dashboard.row(sent).first).to_contain_text(f"mood={NASTY}")
    dashboard.row(sent).first.click()
    expect(dashboard.page.locator(".message-text")).to_have_text(NASTY)
    expect(dashboard.page.locator(".facts")).to_contain_text(NASTY)
    page = dashboard.goto(f"?sender={NASTY}&label=a={NASTY}#/compose").page
    page.get_by_role("textbox", name="Text").fill(NASTY)
    page.get_by_role("textbox", name="Sender").fill(NASTY[:11])
    expect(page.locator(".segment-text")).to_have_text(NASTY)
    assert page.locator("img").count() == 0
    expect(page).not_to_have_title("1")


def test_an_empty_server_teaches_how_to_send_the_first_message(
    own_server: WebProcess, open_dashboard: OpenDashboard
) -> None:
    page = open_dashboard(own_server.web).is_live().page
    expect(page.get_by_text("No messages yet")).to_be_visible()
    expect(page.locator(".empty pre")).to_contain_text(
        f"curl {own_server.web.rstrip('/')}/messages"
    )
    with Traffic(own_server.web, "first") as traffic:
        sent = traffic.send()
    expect(page.locator(f'.feed-row[data-message="{sent}"]').first).to_be_visible()
    expect(page.get_by_text("No messages yet")).to_have_count(0)
