import re
from importlib.resources import files

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgate_server.domain import gsm7
from smsgate_server.domain.message import Encoding
from smsgate_server.domain.otp_texts import (
    MAX_ANDROID_OCTETS,
    PLACEHOLDER,
    OtpTexts,
    app_hash_fault,
    brand_fault,
    fill,
    host_fault,
    is_locale,
    purpose_fault,
)
from smsgate_server.domain.segmentation import count_segments

BOUNDED = settings(deadline=None, max_examples=200, derandomize=True)
TOML = (files("smsgate_server") / "data" / "otp_texts.toml").read_text(encoding="utf-8")
TEXTS = OtpTexts.parse(TOML)
LANGUAGES = ("en", "it", "es", "fr", "de", "pt", "nl", "pl", "sv", "da", "nb", "fi", "ro")
HASH = "FA+9qCX9VSu"
ONE_SEGMENT = (Encoding.GSM7, 1)
# What a brand may be made of: the escaped characters of GSM-7, too, which take two septets.
BRAND_CHARACTERS = "".join(
    char for char in gsm7.decode(bytes(c for c in range(128) if c != gsm7.ESCAPE)) + "^\\[~]|€"
)
BRANDS = st.text(st.sampled_from(BRAND_CHARACTERS), max_size=20).filter(
    lambda brand: brand_fault(brand) is None
)
ORDINARY_BRANDS = st.text(st.sampled_from("ABCXYZabcxyz0189 -.&'"), max_size=20)
CODES = st.text(st.sampled_from("0123456789ABCXYZ"), min_size=4, max_size=10)
HOSTS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}[a-z0-9]\.(com|shop|it)", fullmatch=True)


def test_the_languages_are_those_that_are_promised():
    assert TEXTS.languages == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_text_says_code_time_and_brand(language):
    plain, branded = TEXTS.template(language, "", 5), TEXTS.template(language, "Acme & Co", 5)
    for text in (plain, branded):
        assert text.count(PLACEHOLDER) == 1
        assert re.search(r"\b5 [Mm]in\.", text)
        assert text.endswith(".")
    assert "Acme & Co" in branded
    assert "{" not in branded.replace(PLACEHOLDER, "")


def test_a_text_for_a_browser_ends_with_host_and_code_and_for_an_app_with_its_hash():
    plain = TEXTS.template("en", "", 5)
    assert TEXTS.template("en", "", 5, web_origin="example.com") == (
        plain + "\n@example.com #{code}"
    )
    assert TEXTS.template("en", "", 5, android_app_hash=HASH) == f"{plain}\n{HASH}"
    with pytest.raises(ValueError, match="last line"):
        TEXTS.template("en", "", 5, "example.com", HASH)


def test_every_place_of_the_code_is_filled():
    template = TEXTS.template("it", "Acme", 5, "acme.it")
    assert fill(template, "012345") == (
        "Il tuo codice di verifica Acme è 012345. Scade tra 5 min. Non comunicarlo a nessuno."
        "\n@acme.it #012345"
    )


@pytest.mark.parametrize("brand", ["{minutes}", "{brand}", "%s", "{0}", "\\g<0>", "\\1", "{"])
def test_a_brand_is_data(brand):
    assert f"Your {brand} verification code is {{code}}. It" in TEXTS.template("en", brand, 5)


@BOUNDED
@given(language=st.sampled_from(LANGUAGES), brand=BRANDS, code=CODES, minutes=st.integers(1, 10))
def test_any_brand_fits_in_one_segment(language, brand, code, minutes):
    assert count_segments(fill(TEXTS.template(language, brand, minutes), code)) == ONE_SEGMENT


@BOUNDED
@given(
    language=st.sampled_from(LANGUAGES),
    brand=ORDINARY_BRANDS,
    code=CODES,
    minutes=st.integers(1, 10),
    host=HOSTS,
)
def test_an_ordinary_brand_leaves_room_for_auto_fill(language, brand, code, minutes, host):
    for_browser = fill(TEXTS.template(language, brand, minutes, web_origin=host), code)
    assert count_segments(for_browser) == ONE_SEGMENT
    assert for_browser.splitlines()[-1] == f"@{host} #{code}"
    for_app = fill(TEXTS.template(language, brand, minutes, android_app_hash=HASH), code)
    assert count_segments(for_app) == ONE_SEGMENT
    assert len(for_app.encode()) <= MAX_ANDROID_OCTETS


@BOUNDED
@given(language=st.sampled_from(LANGUAGES), brand=BRANDS, code=CODES)
def test_an_app_gets_140_characters_at_most_whatever_the_brand(language, brand, code):
    text = fill(TEXTS.template(language, brand, 10, android_app_hash=HASH), code)
    assert len(text) <= MAX_ANDROID_OCTETS
    assert count_segments(text) == ONE_SEGMENT


# Choosing


@pytest.mark.parametrize(
    ("locale", "country", "language"),
    [
        ("", "", "en"),
        ("", "IT", "it"),
        ("", "CH", "de"),
        ("", "BE", "nl"),
        ("", "BR", "pt"),
        ("", "AO", "pt"),
        ("", "AR", "es"),
        ("", "SN", "fr"),
        ("", "MD", "ro"),
        ("", "GB", "en"),
        ("", "JP", "en"),
        ("", "+881", "en"),
        ("it", "DE", "it"),
        ("pt-BR", "DE", "pt"),
        ("PT_br", "DE", "pt"),
        ("de-Latn-CH-1996", "IT", "de"),
        ("no", "SE", "nb"),
        ("nn-NO", "SE", "nb"),
        ("NB", "SE", "nb"),
        ("mo", "", "ro"),
        # The contract: a language without a text is English, wherever it is asked for.
        ("ja", "IT", "en"),
        ("x-it", "IT", "en"),
        ("ita", "IT", "en"),
        ("?", "IT", "en"),
    ],
)
def test_the_language_is_the_one_asked_for_else_the_countrys_else_english(
    locale, country, language
):
    assert TEXTS.choose(locale, country) == language


@BOUNDED
@given(locale=st.text(max_size=40), country=st.text(max_size=4))
def test_there_is_a_text_whatever_is_asked_for(locale, country):
    assert PLACEHOLDER in TEXTS.template(TEXTS.choose(locale, country), "", 5)


def test_every_language_has_countries_and_each_country_exists():
    chosen = {country: TEXTS.choose("", country) for country in phonenumbers.SUPPORTED_REGIONS}
    listed = set(re.findall(r'"([A-Z]{2})"', TOML))
    assert listed == {country for country, language in chosen.items() if language != "en"}
    assert set(chosen.values()) == set(LANGUAGES)


@pytest.mark.parametrize(
    "tag",
    ["it", "pt-BR", "pt_BR", "zh-Hant-TW", "es-419", "sl-rozaj-biske-1994", "x-acme", "i-klingon",
     "de-CH-1996", "en-US-u-ca-gregory", "IT"],
)  # fmt: skip
def test_a_tag_is_a_locale(tag):
    assert is_locale(tag)


@pytest.mark.parametrize(
    "text",
    ["", "e", "x", "it-", "-it", "it--IT", "it IT", "it_IT.UTF-8", "it\n", "è", "it-" + "a" * 9,
     "12", "it-IT@euro", "en" + "-abcd" * 7],
)  # fmt: skip
def test_other_text_is_no_locale(text):
    assert not is_locale(text)


# What a caller can have wrong


@pytest.mark.parametrize(
    "brand", ["", "Acme", "A", "Café", "x" * 20, "€uro [^~|\\]", "ÄÖÜ ñ à & @"]
)
def test_a_brand_is_taken(brand):
    assert brand_fault(brand) is None


@pytest.mark.parametrize(
    ("brand", "fault"),
    [
        ("x" * 21, "has 21 characters"),
        ("  ", "is blank"),
        ("Acme\nCo", "U+000A"),
        ("Acme\r", "U+000D"),
        ("Acme\f", "U+000C"),
        ("\x1b", "U+001B"),
        ("{code}", "U+007B"),
        ("a}", "U+007D"),
        ("Français", "U+00E7, which is not in the GSM-7 alphabet"),
        ("Zażółć", "U+017C, which is not in the GSM-7 alphabet"),
        ("Acme\u200b", "U+200B"),
        ("Acme\u2028", "U+2028"),
        ("😀", "U+1F600"),
        ("\ud800", "U+D800"),
    ],
)
def test_a_brand_is_refused(brand, fault):
    assert fault in (brand_fault(brand) or "")


@pytest.mark.parametrize(
    "host",
    ["example.com", "a.b", "localhost", "www.example.co.uk", "xn--bcher-kva.example", "3com.com",
     "a-b.example", f"{'a' * 63}.example", ".".join(["a" * 49] * 5) + ".it", "1.2.3.4.example"],
)  # fmt: skip
def test_a_host_is_taken(host):
    assert host_fault(host) is None


@pytest.mark.parametrize(
    ("host", "fault"),
    [
        ("", "is not a host"),
        ("example", "is not a host"),
        ("https://example.com", "is not a host"),
        ("example.com:443", "is not a host"),
        ("example.com/login", "is not a host"),
        ("example.com.", "is not a host"),
        (".example.com", "is not a host"),
        ("a..b", "is not a host"),
        ("-a.example", "is not a host"),
        ("a-.example", "is not a host"),
        ("a_b.example", "is not a host"),
        ("*.example.com", "is not a host"),
        ("example.com #1", "is not a host"),
        ("example.com\n", "is not a host"),
        ("{code}.com", "is not a host"),
        (f"{'a' * 64}.example", "is not a host"),
        ("[::1]", "is not a host"),
        ("192.0.2.1", "is an IP address"),
        ("Example.com", "capital letters"),
        ("bücher.example", "xn--"),
        ("a." * 126 + "it", "has 254 characters"),
    ],
)
def test_a_host_is_refused(host, fault):
    assert fault in (host_fault(host) or "")


@pytest.mark.parametrize(
    ("app_hash", "good"),
    [
        (HASH, True), ("a" * 11, True), ("A0+/bcdefgh", True),
        ("", False), ("a" * 10, False), ("a" * 12, False), ("a" * 10 + "=", False),
        ("a" * 10 + "-", False), ("a" * 10 + "é", False), ("a" * 11 + "\n", False),
    ],
)  # fmt: skip
def test_an_app_hash_is_eleven_characters_of_base64(app_hash, good):
    assert (app_hash_fault(app_hash) is None) == good


@pytest.mark.parametrize(
    ("purpose", "good"),
    [
        ("", True), ("login", True), ("sign-up_2.1", True), ("a" * 32, True),
        ("a" * 33, False), ("Login", False), ("log in", False), ("è", False), ("login\n", False),
        ("٣", False),
    ],
)  # fmt: skip
def test_a_purpose_is_a_short_word(purpose, good):
    assert (purpose_fault(purpose) is None) == good


# What a file of texts can have wrong

GOOD = '[en]\ncountries = ["GB"]\nplain = "{code}"\nbranded = "{brand} {code} {minutes}"\n'


def test_a_file_may_have_other_texts():
    texts = OtpTexts.parse(GOOD + GOOD.replace("en", "eo").replace("GB", "FR"))
    assert texts.languages == ("en", "eo")
    assert texts.choose("", "FR") == "eo"
    assert texts.template("eo", "Acme", 5) == "Acme {code} 5"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("en", "it", "en: is missing"),
        (GOOD, "en = 3", "en: does not have"),
        ('plain = "{code}"\n', "", "en: does not have"),
        ('branded = "{brand} {code} {minutes}"\n', "", "en: does not have"),
        ("plain = ", "brnaded = 1\nplain = ", "en: does not have"),
        ('["GB"]', '"GB"', "en: countries: is not"),
        ('["GB"]', '["gb"]', "en: countries: is not"),
        ('["GB"]', "[44]", "en: countries: is not"),
        ('plain = "{code}"', "plain = 1", "en: plain: is not a line"),
        ('plain = "{code}"', 'plain = "{code}\\n"', "en: plain: is not a line"),
        ('plain = "{code}"', 'plain = " {code}"', "en: plain: is not a line"),
        ('plain = "{code}"', 'plain = "code"', "en: plain: does not have {code}"),
        ('plain = "{code}"', 'plain = "{code}{code}"', "en: plain: does not have {code}"),
        ('plain = "{code}"', 'plain = "{brand} {code}"', "en: plain: has {brand}"),
        ("{brand} {code}", "{code}", "en: branded: does not have {brand}"),
        ("{brand} {code}", "{brand}{brand}{code}", "en: branded: does not have {brand}"),
        ("{minutes}", "{minutes} {minutes}", "en: branded: has {minutes} more than once"),
        ("{minutes}", "{minute}", "en: branded: has braces"),
        ("{minutes}", "{", "en: branded: has braces"),
        ("{minutes}", "{{code}", "en: branded: does not have {code}"),
        ("{minutes}", "código", "en: branded: has ó, U+00F3"),
        ("{minutes}", "{minutes}" + "x" * 84, "en: branded: with brand and host it does not fit"),
        ("{minutes}", "{minutes}" + "€" * 36, "en: branded: with brand and app hash"),
        ("[en]", "[pt-BR]\ncountries = []\nplain = ''\nbranded = ''\n[en]", "pt-BR: is not the"),
        ("[en]", GOOD.replace("en", "it") + "[en]", "en: countries: GB is in it as well"),
        ("[en]", "[en", ""),
    ],
)
def test_a_faulty_file_is_refused_by_language_and_fault(old, new, fault):
    assert old in GOOD
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}"):
        OtpTexts.parse(GOOD.replace(old, new))
