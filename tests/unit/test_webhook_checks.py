"""What a webhook may be."""

import pytest

from smsgate_server.domain.callbacks import Callback
from smsgate_server.domain.webhook_addresses import parse_networks
from smsgate_server.domain.webhook_checks import (
    callback_faults,
    custom_faults,
    description_faults,
    header_faults,
    url_fault,
)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:8443/hook?key=a&b=c",
        "https://xn--bcher-kva.example/",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "https://" + "a" * 63 + ".example/" + "x" * 1_900,
    ],
)
def test_urls_that_may_be(url: str) -> None:
    assert url_fault(url, False, ()) == ""


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "empty"),
        ("http://example.com", "https"),
        ("ftp://example.com", "https"),
        ("example.com", "https"),
        ("https:///hook", "host"),
        ("https://user@example.com", "user"),
        ("https://user:pass@example.com", "user"),
        ("https://:@example.com", "user"),
        ("https://example.com#part", "fragment"),
        ("https://example.com#", "fragment"),
        ("https://example.com:0/", "host"),
        ("https://example.com:99999/", "not a URL"),
        ("https://example.com:x/", "not a URL"),
        ("https://[::1/", "not a URL"),
        ("https://exa mple.com", "printable"),
        ("https://example.com/\n", "printable"),
        ("https://bücher.example", "printable"),
        ("https://example.com\\@10.0.0.1/", "user"),
        ("https://example.com/\\10.0.0.1", "host"),
        ("https://%31%30.0.0.1/", "host"),
        ("https://[fe80::1%25eth0]/", "host"),
        ("https://10.0.0.1/", "not public"),
        ("https://[::ffff:10.0.0.1]/", "not public"),
        ("https://example.com/" + "x" * 2_048, "2048"),
    ],
)
def test_urls_that_may_not_be_and_why(url: str, why: str) -> None:
    assert why in url_fault(url, False, ())


def test_the_operator_can_allow_http_and_networks() -> None:
    assert url_fault("http://10.0.0.1/", True, parse_networks(["10.0.0.0/8"])) == ""
    assert url_fault("http://10.0.0.1/", False, parse_networks(["10.0.0.0/8"]))
    assert url_fault("http://10.0.0.1/", True, ())


@pytest.mark.parametrize(
    "name",
    [
        *("Host", "content-length", "Content-Type", "CONNECTION", "transfer-encoding", "te"),
        *("Webhook-Id", "webhook-signature", "webhook-anything", "Expect", "Upgrade", "trailer"),
        *("proxy-authorization", "keep-alive", "user-agent", "accept-encoding"),
        *("", "a b", "a:b", "a\n", "é", "x" * 65),
    ],
)
def test_headers_of_the_protocol_and_what_is_none_are_refused(name: str) -> None:
    assert header_faults("headers", {name: "value"})


@pytest.mark.parametrize("value", ["a\nb", "a\r\nx: y", "\x00", "é", "a ", "\x7f"])
def test_values_that_no_header_can_have_are_refused_and_not_shown(value: str) -> None:
    [fault] = header_faults("headers", {"authorization": f"secret{value}"})
    assert fault.field == 'headers["authorization"]'
    assert "secret" not in fault.description


def test_headers_have_bounds() -> None:
    assert not header_faults("headers", {f"x-{n}": "v" for n in range(16)})
    assert header_faults("headers", {f"x-{n}": "v" for n in range(17)})
    assert header_faults("headers", {"x": "v" * 2_048})
    assert header_faults("headers", {"X-Key": "1", "x-key": "2"})


def test_custom_data_and_descriptions_have_bounds() -> None:
    assert not custom_faults("data", {"è": "ü" * 500})
    assert custom_faults("data", {"a": "ü" * 512})
    assert custom_faults("data", {f"k{n}": "" for n in range(17)})
    assert custom_faults("data", {"": "a"})
    assert custom_faults("data", {"a\n": "a"})
    assert not description_faults("description", "x" * 256)
    assert description_faults("description", "x" * 257)
    assert description_faults("description", "a\x1b[31m")


def test_all_that_is_wrong_with_a_callback_is_told_at_once() -> None:
    callback = Callback("http://10.0.0.1", (("host", "x"),), (("", "x"),))
    fields = [fault.field for fault in callback_faults("callback", callback, False, ())]
    assert fields == ["callback.url", 'callback.headers["host"]', "callback.custom_data"]
