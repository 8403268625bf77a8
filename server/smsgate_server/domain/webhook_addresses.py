"""Which IP addresses webhooks may reach: public ones, and those that the operator allows.

Forms of IPv6 that carry an IPv4 address are judged by that address too, since a gateway on the way
would send them there.
"""

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]

# Beside what is not global by the registries of IANA: what versions of Python judge differently,
# and addresses of clouds that look public but answer only from inside.
_REFUSED: Networks = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # RFC 6598, carrier-grade NAT; Alibaba's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's wire server
        "169.254.0.0/16",  # link-local; metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # RFC 6890; Oracle's metadata
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "::1/128",
        "64:ff9b:1::/48",  # RFC 8215, local NAT64
        "100::/64",
        "2001::/23",  # RFC 2928, Teredo among them
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",  # unique local; metadata of AWS is fd00:ec2::254
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_COMPATIBLE = IPv6Network("::/96")  # RFC 4291 2.5.5.1


def parse_address(text: str) -> Address | None:
    """The address a text is, None if it is a name."""
    try:
        return ip_address(text.strip("[]"))
    except ValueError:
        return None


def parse_networks(texts: Iterable[str]) -> Networks:
    """ValueError if one of them is not a network such as 10.0.0.0/8."""
    return tuple(ip_network(text) for text in texts)


def is_allowed(address: Address, networks: Networks) -> bool:
    """Whether requests may go there. Every address inside it must be reachable, too."""
    forms = [address, *_inside(address)]
    return all(_is_public(form) or _in(form, networks) for form in forms) or _in(address, networks)


def _in(address: Address, networks: Networks) -> bool:
    return any(address.version == n.version and address in n for n in networks)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and _inside(address):
        # What it carries is judged instead: registries count some of these forms as reserved.
        return True
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return not _in(address, _REFUSED)


def _inside(address: Address) -> list[IPv4Address]:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv4Address):
        return []
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return [IPv4Address(int(address) & 0xFFFF_FFFF)]
    return []
