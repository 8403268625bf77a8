"""Which addresses webhooks may reach."""

import pytest

from smsgate_server.domain.webhook_addresses import (
    is_allowed,
    parse_address,
    parse_networks,
)


@pytest.mark.parametrize(
    "text",
    [
        # This host, private networks, carriers' NAT.
        *("0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1"),
        *("172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255"),
        # Link-local, metadata of clouds, what is there for documents and tests.
        *("169.254.169.254", "169.254.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
        *("192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "192.88.99.1"),
        # Multicast, reserved, broadcast.
        *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
        # The same of IPv6.
        *("::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1"),
        *("2001:db8::1", "3fff::1", "100::1", "64:ff9b:1::1", "2001::1", "2001:10::1", "5f00::1"),
        # IPv6 that carries IPv4: mapped, compatible, NAT64, 6to4.
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1"),
        *("64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1"),
        "2002:a9fe:a9fe::1",
    ],
)
def test_what_is_not_public_is_refused(text: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert not is_allowed(address, ())


@pytest.mark.parametrize(
    "text",
    [
        *("1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1"),
        *("223.255.255.255", "168.63.129.15", "2606:4700::1111", "2a00:1450::1"),
        *("::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"),
    ],
)
def test_what_is_public_is_allowed(text: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert is_allowed(address, ())


def test_networks_of_the_operator_are_allowed_and_nothing_beside_them() -> None:
    networks = parse_networks(["10.1.0.0/16", "fd00::/8"])
    for text, allowed in {
        "10.1.2.3": True,
        "10.2.0.1": False,
        "fd00::1": True,
        "fe80::1": False,
        "::ffff:10.1.2.3": True,
        "::ffff:10.2.0.1": False,
        "64:ff9b::10.1.2.3": True,
        "127.0.0.1": False,
        "8.8.8.8": True,
    }.items():
        address = parse_address(text)
        assert address is not None
        assert is_allowed(address, networks) is allowed, text


def test_a_text_that_is_no_address_is_a_name() -> None:
    for text in ("example.com", "127.1", "2130706433", "0x7f.1", "", "1.2.3.4.5"):
        assert parse_address(text) is None
