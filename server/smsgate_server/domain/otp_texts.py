"""The texts that carry one-time codes, in several languages, and what may be put into them.

The server writes these texts, the caller only a brand: so a code is never sent in a text that
needs two segments, is not GSM-7, or lacks the warning.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smsgate_server.domain import gsm7
from smsgate_server.domain.message import Encoding
from smsgate_server.domain.segmentation import count_segments

PLACEHOLDER = "{code}"
FALLBACK = "en"

MAX_BRAND = 20
MAX_PURPOSE = 32
MAX_LOCALE = 35  # RFC 5646 §4.4.1: what a tag needs at the most, without private use.
MAX_HOST = 253
# Google's SMS Retriever reads no longer message. Its rule does not name the encoding; in UTF-8
# GSM-7 text is never shorter than in any other that could be meant.
MAX_ANDROID_OCTETS = 140

_PLACEHOLDERS = re.compile(r"\{(code|brand|minutes)\}")
# RFC 5646 §2.1, as far as its form goes; "_" as operating systems write it.
_LOCALE = re.compile(r"(?:[A-Za-z]{2,8}|[XxIi][-_][A-Za-z0-9]{1,8})(?:[-_][A-Za-z0-9]{1,8})*")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_PURPOSE = re.compile(r"[a-z0-9._-]*")
_APP_HASH = re.compile(r"[A-Za-z0-9+/]{11}")
# RFC 1123 §2.1, RFC 1035 §2.3.4: labels of up to 63 letters, digits and, inside, hyphens.
_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_HOST = re.compile(rf"localhost|{_LABEL}(?:\.{_LABEL})+")

# Who reads Norwegian of any kind reads Bokmål; Moldavian is an old tag of Romanian.
_ALIASES = {"no": "nb", "nn": "nb", "mo": "ro"}


@dataclass(frozen=True, slots=True)
class OtpTexts:
    """The texts of each language, checked: each fits in one segment with room for the rest."""

    _plain: Mapping[str, str]
    _branded: Mapping[str, str]
    _languages_by_country: Mapping[str, str]

    @classmethod
    def parse(cls, toml_text: str) -> "OtpTexts":
        """The texts of a file like `data/otp_texts.toml`; a ValueError names language and fault."""
        tables = tomllib.loads(toml_text)
        if FALLBACK not in tables:
            raise ValueError(f"{FALLBACK}: is missing; it is used where no other language fits")
        countries: dict[str, str] = {}
        for language, table in tables.items():
            if fault := _table_fault(language, table):
                raise ValueError(f"{language}: {fault}")
            for country in table["countries"]:
                if (other := countries.setdefault(country, language)) != language:
                    raise ValueError(f"{language}: countries: {country} is in {other} as well")
        plain = {language: table["plain"] for language, table in tables.items()}
        branded = {language: table["branded"] for language, table in tables.items()}
        return cls(plain, branded, countries)

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self._plain)

    def choose(self, locale: str, country: str) -> str:
        """The language of `locale`, or of `country` if that is empty; English if it has no text."""
        if not locale:
            return self._languages_by_country.get(country, FALLBACK)
        primary = re.split("[-_]", locale, maxsplit=1)[0].lower()
        language = _ALIASES.get(primary, primary)
        return language if language in self._plain else FALLBACK

    def template(
        self,
        language: str,
        brand: str,
        minutes: int,
        web_origin: str = "",
        android_app_hash: str = "",
    ) -> str:
        """The text, with `{code}` where the code belongs; never with a host and a hash at once.

        Whether brand, host and hash are well-formed, and the text still fits, the caller checks.
        """
        text = (self._branded if brand else self._plain)[language]
        return _completed(text, brand, minutes, web_origin, android_app_hash)


def fill(template: str, code: str) -> str:
    return template.replace(PLACEHOLDER, code)


def _completed(text: str, brand: str, minutes: int, host: str, app_hash: str) -> str:
    if host and app_hash:
        raise ValueError("a text is read by a browser or by an app: each wants the last line")
    values = {"code": PLACEHOLDER, "brand": brand, "minutes": str(minutes)}
    # In one pass, so that a brand is never taken for a placeholder.
    text = _PLACEHOLDERS.sub(lambda match: values[match[1]], text)
    if host:
        # WICG, Origin-bound one-time codes delivered via SMS, §3: the last line, and one space.
        return f"{text}\n@{host} #{PLACEHOLDER}"
    return f"{text}\n{app_hash}" if app_hash else text


# What a file of texts can have wrong


def _table_fault(language: str, table: Any) -> str | None:
    if _LANGUAGE.fullmatch(language) is None:
        return "is not the code of a language, such as it"
    if not isinstance(table, dict) or set(table) != {"countries", "plain", "branded"}:
        return "does not have countries, plain and branded, and nothing else"
    countries = table["countries"]
    if not isinstance(countries, list) or not all(_is_country(each) for each in countries):
        return "countries: is not a list of codes such as IT"
    for form, brands in (("plain", 0), ("branded", 1)):
        if fault := _text_fault(table[form], brands):
            return f"{form}: {fault}"
    return None


def _is_country(value: Any) -> bool:
    return isinstance(value, str) and _COUNTRY.fullmatch(value) is not None


def _text_fault(text: Any, brands: int) -> str | None:
    if not isinstance(text, str) or not text.isprintable() or text != text.strip():
        return "is not a line of text without spaces around it"
    used = _PLACEHOLDERS.findall(text)
    if used.count("code") != 1:
        return "does not have {code} exactly once"
    if used.count("brand") != brands:
        return "does not have {brand} exactly once" if brands else "has {brand}"
    if used.count("minutes") > 1:
        return "has {minutes} more than once"
    words = _PLACEHOLDERS.sub("", text)
    if "{" in words or "}" in words:
        return "has braces around something other than code, brand or minutes"
    if char := _beyond_gsm7(words):
        return f"has {char}, U+{ord(char):04X}, which is not in the GSM-7 alphabet"
    return _size_fault(text)


def _size_fault(text: str) -> str | None:
    """Whether there is room for the longest code, brand and time, and for a host of 30."""
    code, brand, host, app_hash = "W" * 10, "W" * MAX_BRAND, "w" * 26 + ".com", "W" * 11
    for_browser = fill(_completed(text, brand, 10, host, ""), code)
    if count_segments(for_browser) != (Encoding.GSM7, 1):
        return "with brand and host it does not fit in one segment"
    for_android = fill(_completed(text, brand, 10, "", app_hash), code)
    if (octets := len(for_android.encode())) > MAX_ANDROID_OCTETS:
        return f"with brand and app hash it has {octets} octets, over {MAX_ANDROID_OCTETS}"
    return None


def _beyond_gsm7(text: str) -> str | None:
    return next((char for char in text if not gsm7.is_gsm7(char)), None)


# What a caller can have wrong


def is_locale(text: str) -> bool:
    """Whether it has the form of a BCP 47 tag; it may still name no language."""
    return len(text) <= MAX_LOCALE and _LOCALE.fullmatch(text) is not None


def brand_fault(brand: str) -> str | None:
    if len(brand) > MAX_BRAND:
        return f"has {len(brand)} characters; at most {MAX_BRAND} are allowed"
    if brand and not brand.strip():
        return "is blank"
    if char := next((char for char in brand if not char.isprintable() or char in "{}"), None):
        return f"contains U+{ord(char):04X}; control characters and braces are not allowed"
    if char := _beyond_gsm7(brand):
        return f"contains U+{ord(char):04X}, which is not in the GSM-7 alphabet"
    return None


def host_fault(host: str) -> str | None:
    if len(host) > MAX_HOST:
        return f"has {len(host)} characters; at most {MAX_HOST} are allowed"
    if not host.isascii():
        return "contains other than ASCII characters; write the host in its xn-- form"
    if host != host.lower():
        return "contains capital letters; write the host in small ones"
    if _HOST.fullmatch(host) is None:
        return 'is not a host such as "example.com", without scheme, port and path'
    # WHATWG URL §3.5: a browser takes such a host for an IPv4 address.
    if host.rpartition(".")[2].isdigit():
        return "is an IP address; browsers bind a code to a name only"
    return None


def app_hash_fault(app_hash: str) -> str | None:
    return None if _APP_HASH.fullmatch(app_hash) else "is not 11 of A-Z, a-z, 0-9, + and /"


def purpose_fault(purpose: str) -> str | None:
    if len(purpose) > MAX_PURPOSE:
        return f"has {len(purpose)} characters; at most {MAX_PURPOSE} are allowed"
    if _PURPOSE.fullmatch(purpose) is None:
        return 'contains other than a-z, 0-9, ".", "_" and "-"'
    return None
