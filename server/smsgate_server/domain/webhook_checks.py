"""What a webhook and a callback may be: URL, headers, description, custom data."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from smsgate_server.domain.callbacks import Callback
from smsgate_server.domain.errors import ErrorReason, Violation
from smsgate_server.domain.webhook_addresses import Networks, is_allowed, parse_address

MAX_URL = 2_048
MAX_DESCRIPTION = 256
MAX_HEADERS = 16
MAX_HEADER_BYTES = 2_048
MAX_CUSTOM_DATA = 16
MAX_CUSTOM_BYTES = 1_024

_URL = re.compile(r"[!-~]+", re.ASCII)
# RFC 9110 5.6.2: token; 5.5: field values, here without obs-text.
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", re.ASCII)
_VALUE = re.compile(r"[\x20-\x7e\t]*", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# What belongs to the connection or to the request itself (RFC 9110 7.6.1, 7.8, 10.1.1).
_RESERVED = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)


def url_fault(url: str, allow_http: bool, networks: Networks) -> str:
    """Why events may not be sent to a URL; empty if they may. Names are looked up when they are
    used, not here: what they stand for changes.
    """
    if not url:
        return "is empty"
    if len(url) > MAX_URL or not _URL.fullmatch(url):
        return f"must be up to {MAX_URL} printable ASCII characters without spaces"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("https", "http"):
        return "is not an https URL"
    if parts.scheme == "http" and not allow_http:
        return "must be an https URL"
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        return "must not have a user or password; use a header"
    if parts.fragment or "#" in url:
        return "must not have a fragment"
    if not host or port == 0 or "%" in host or "\\" in url:
        return "has no usable host"
    address = parse_address(host)
    if address is not None and not is_allowed(address, networks):
        return "leads to an address that is not public"
    return ""


def url_faults(field_name: str, url: str, allow_http: bool, networks: Networks) -> list[Violation]:
    fault = url_fault(url, allow_http, networks)
    if not fault:
        return []
    reason = ErrorReason.INVALID_URL if url else ErrorReason.FIELD_REQUIRED
    return [Violation(field_name, reason, fault)]


def description_faults(field_name: str, text: str) -> list[Violation]:
    if len(text) > MAX_DESCRIPTION:
        fault = f"must be up to {MAX_DESCRIPTION} characters"
        return [Violation(field_name, ErrorReason.FIELD_TOO_LONG, fault)]
    if _CONTROL.search(text):
        fault = "must not contain control characters"
        return [Violation(field_name, ErrorReason.INVALID_FIELD, fault)]
    return []


def header_faults(field_name: str, headers: Mapping[str, str]) -> list[Violation]:
    found = []
    if len(headers) > MAX_HEADERS:
        description = f"has {len(headers)} headers; at most {MAX_HEADERS} are allowed"
        found.append(Violation(field_name, ErrorReason.TOO_MANY_ITEMS, description))
        return found
    if sum(len(name) + len(value) for name, value in headers.items()) > MAX_HEADER_BYTES:
        description = f"is over {MAX_HEADER_BYTES} bytes in all"
        found.append(Violation(field_name, ErrorReason.INVALID_HEADER, description))
    seen: set[str] = set()
    for name, value in headers.items():
        fault = _header_fault(name, value, seen)
        if fault:
            # The name alone: the value can be a secret.
            shown = f'{field_name}["{ascii(name[:20])[1:-1]}"]'
            found.append(Violation(shown, ErrorReason.INVALID_HEADER, fault))
    return found


def _header_fault(name: str, value: str, seen: set[str]) -> str:
    low = name.lower()
    if not _NAME.fullmatch(name):
        return "is not the name of a header"
    if low in _RESERVED or low.startswith("webhook-"):
        return "is a header of the server or the connection"
    if low in seen:
        return "is there twice"
    seen.add(low)
    if not _VALUE.fullmatch(value) or value != value.strip():
        return "has a value that is not printable ASCII"
    return ""


def custom_faults(field_name: str, data: Mapping[str, str]) -> list[Violation]:
    if len(data) > MAX_CUSTOM_DATA:
        description = f"has {len(data)} entries; at most {MAX_CUSTOM_DATA} are allowed"
        return [Violation(field_name, ErrorReason.TOO_MANY_ITEMS, description)]
    size = sum(len(key.encode()) + len(value.encode()) for key, value in data.items())
    if size > MAX_CUSTOM_BYTES:
        description = f"is over {MAX_CUSTOM_BYTES} bytes in all"
        return [Violation(field_name, ErrorReason.FIELD_TOO_LONG, description)]
    if any(not key or _CONTROL.search(key) for key in data):
        description = "has a key that is empty or has control characters"
        return [Violation(field_name, ErrorReason.INVALID_FIELD, description)]
    return []


def callback_faults(
    field_name: str, callback: Callback, allow_http: bool, networks: Networks
) -> list[Violation]:
    found = url_faults(f"{field_name}.url", callback.url, allow_http, networks)
    found += header_faults(f"{field_name}.headers", dict(callback.headers))
    found += custom_faults(f"{field_name}.custom_data", dict(callback.custom_data))
    return found
