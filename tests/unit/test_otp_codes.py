import re
from base64 import b64encode
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgate_server.domain.otp_codes import (
    FINGERPRINT_BYTES,
    MAX_KEYS,
    MAX_LENGTH,
    CodeAlphabet,
    OtpKeys,
    derive_code,
    fingerprint,
    read_code,
    same_code,
)

NUMERIC, ALPHANUMERIC = CodeAlphabet.NUMERIC, CodeAlphabet.ALPHANUMERIC
BOUNDED = settings(deadline=None, max_examples=200, derandomize=True)
KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
ID, RECIPIENT = "0199d3c4-5b6a-7c8d-9e0f-112233445566", "+393331234567"

ALPHABETS = st.sampled_from(CodeAlphabet)
LENGTHS = st.integers(4, 10)
IDS = st.text(max_size=40)


def code(
    key: bytes = KEY,
    verification_id: str = ID,
    recipient: str = RECIPIENT,
    length: int = 10,
    alphabet: CodeAlphabet = NUMERIC,
) -> str:
    return derive_code(key, verification_id, recipient, length, alphabet)


# Deriving


def test_the_alphabets_have_the_numbers_and_characters_of_the_contract():
    assert {a.name: int(a) for a in CodeAlphabet} == {"NUMERIC": 1, "ALPHANUMERIC": 2}
    assert NUMERIC.characters == "0123456789"
    assert ALPHANUMERIC.characters == "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    assert len(set(ALPHANUMERIC.characters)) == 32


@pytest.mark.parametrize(
    ("length", "alphabet", "expected"),
    [
        (4, NUMERIC, "9363"),
        (6, NUMERIC, "808471"),
        (10, NUMERIC, "5847038903"),
        (6, ALPHANUMERIC, "RNPJZ5"),
    ],
)
def test_a_code_that_is_on_its_way_stays_right_after_an_upgrade(length, alphabet, expected):
    assert code(length=length, alphabet=alphabet) == expected


@BOUNDED
@given(key=st.binary(min_size=32, max_size=80), id=IDS, to=IDS, length=LENGTHS, alphabet=ALPHABETS)
def test_a_code_has_its_length_and_alphabet_and_is_always_the_same(key, id, to, length, alphabet):
    first = derive_code(key, id, to, length, alphabet)
    assert len(first) == length
    assert set(first) <= set(alphabet.characters)
    assert first == derive_code(key, id, to, length, alphabet)


@BOUNDED
@given(first=IDS, second=IDS)
def test_different_verifications_have_different_codes(first, second):
    # Two of 32^32 codes are not equal by chance.
    codes = [code(verification_id=id, length=32, alphabet=ALPHANUMERIC) for id in (first, second)]
    assert (codes[0] == codes[1]) == (first == second)


@BOUNDED
@given(text=st.text(min_size=1, max_size=20), cut=st.integers(0, 20), other=st.integers(0, 20))
def test_no_two_ways_to_cut_a_text_into_id_and_recipient_give_the_same_code(text, cut, other):
    cuts = {text[:at]: text[at:] for at in (cut, other)}
    codes = {code(verification_id=id, recipient=to, length=32) for id, to in cuts.items()}
    assert len(codes) == len(cuts)


def test_every_argument_changes_the_code():
    changed = [
        code(),
        code(key=OTHER_KEY),
        code(verification_id=ID[:-1] + "7"),
        code(recipient="+393331234568"),
        code(alphabet=ALPHANUMERIC),
    ]
    assert len(set(changed)) == len(changed)
    # A shorter code is no part of a longer one.
    assert code(length=6) not in code(length=10)


@pytest.mark.parametrize("length", [-1, 0, MAX_LENGTH + 1])
def test_a_length_out_of_bounds_is_refused(length):
    with pytest.raises(ValueError, match="from 1 to 32"):
        code(length=length)


def chi_square(counts: Counter[str], cells: int, total: int) -> float:
    expected = total / cells
    return sum((counts[cell] - expected) ** 2 / expected for cell in counts) + expected * (
        cells - len(counts)
    )


@pytest.mark.parametrize("alphabet", CodeAlphabet)
def test_codes_are_spread_evenly(alphabet):
    codes = [code(verification_id=f"id-{n}", length=6, alphabet=alphabet) for n in range(20_000)]
    cells = len(alphabet.characters)
    # The 1 - 10^-9 quantiles of chi-square with 9 and 31 degrees of freedom are 60 and 104.
    bound = {10: 60, 32: 104}[cells]
    for position in range(6):
        counts = Counter(each[position] for each in codes)
        assert chi_square(counts, cells, len(codes)) < bound
    pairs = Counter(each[:2] for each in codes)
    # For so many degrees of freedom, 6 standard deviations above the mean.
    mean = cells**2 - 1
    assert chi_square(pairs, cells**2, len(codes)) < mean + 6 * (2 * mean) ** 0.5


def test_a_leading_zero_is_kept():
    codes = [code(verification_id=str(n), length=4) for n in range(200)]
    zeros = [each for each in codes if each.startswith("0")]
    assert zeros
    assert all(len(each) == 4 for each in zeros)


# Reading


@pytest.mark.parametrize(
    ("text", "alphabet", "read"),
    [
        ("012345", NUMERIC, "012345"),
        ("012 345", NUMERIC, "012345"),
        (" 01-23-45\n", NUMERIC, "012345"),
        ("012\u00a0345", NUMERIC, "012345"),
        ("012\u202f345\u3000", NUMERIC, "012345"),
        ("0\u20101\u20112\u20123\u20134\u20145", NUMERIC, "012345"),
        ("012\u2212345", NUMERIC, "012345"),
        ("\ufeff012\u200b345\u00ad", NUMERIC, "012345"),
        ("abc-234", ALPHANUMERIC, "ABC234"),
        ("ABC234", ALPHANUMERIC, "ABC234"),
        ("01234", NUMERIC, None),
        ("0123456", NUMERIC, None),
        ("", NUMERIC, None),
        ("      ", NUMERIC, None),
        ("01234a", NUMERIC, None),
        ("01234.", NUMERIC, None),
        ("01234_", NUMERIC, None),
        ("+12345", NUMERIC, None),
        ("01234\0", NUMERIC, None),
        ("٠١٢٣٤٥", NUMERIC, None),
        ("０１２３４５", NUMERIC, None),
        ("01234²", NUMERIC, None),
        ("ABC23O", ALPHANUMERIC, None),
        ("ABC231", ALPHANUMERIC, None),
        ("ABC23ſ", ALPHANUMERIC, None),  # Its capital is S.
        ("ABC2ß", ALPHANUMERIC, None),  # Its capital is SS.
        ("АВС234", ALPHANUMERIC, None),  # Cyrillic.
    ],
)
def test_a_code_is_read_as_people_type_it(text, alphabet, read):
    assert read_code(text, 6, alphabet) == read


@BOUNDED
@given(length=LENGTHS, alphabet=ALPHABETS, id=IDS, data=st.data())
def test_what_was_derived_is_read_back_however_it_is_spaced(length, alphabet, id, data):
    expected = code(verification_id=id, length=length, alphabet=alphabet)
    gaps = st.text(st.sampled_from(" -\t\u00a0\u2009\u2013\u2011"), max_size=3)
    typed = "".join(data.draw(gaps) + char for char in expected) + data.draw(gaps)
    for each in (typed, typed.lower(), typed.upper()):
        assert read_code(each, length, alphabet) == expected


@BOUNDED
@given(text=st.text(max_size=64), length=LENGTHS, alphabet=ALPHABETS)
def test_whatever_is_read_could_have_been_derived(text, length, alphabet):
    read = read_code(text, length, alphabet)
    assert read is None or re.fullmatch(f"[{alphabet.characters}]{{{length}}}", read)


# Comparing


@BOUNDED
@given(first=st.text(max_size=10), second=st.text(max_size=10))
def test_codes_are_the_same_if_they_are_equal(first, second):
    assert same_code(first, second) == (first == second)
    assert same_code(first, first)


def test_comparing_takes_any_text():
    assert not same_code("123456", "")
    assert not same_code("123456", "12345\ud800")
    assert not same_code("123456", "１２３４５６")


def test_a_fingerprint_depends_on_key_verification_and_code():
    marks = {
        fingerprint(KEY, ID, "123456"),
        fingerprint(OTHER_KEY, ID, "123456"),
        fingerprint(KEY, "other", "123456"),
        fingerprint(KEY, ID, "123457"),
        fingerprint(KEY, ID + "1", "23456"),
    }
    assert len(marks) == 5
    assert {len(mark) for mark in marks} == {FINGERPRINT_BYTES} == {16}
    assert fingerprint(KEY, ID, "123456").hex() == "3dd83ca99fe1f88b42abf0993276b21d"


# Keys


def line(key_id: str, key: bytes) -> str:
    return f"{key_id} {b64encode(key).decode()}\n"


def test_the_first_key_is_the_current_one():
    text = f"# ours\n\n{line('2026-02', KEY)}  # an old one\n\t{line('2026-01', OTHER_KEY)}\r\n"
    keys = OtpKeys.parse(text)
    assert keys.current == "2026-02"
    assert keys.get("2026-02") == KEY
    assert keys.get("2026-01") == OTHER_KEY
    assert keys.get("2025-12") is None
    assert repr(keys) == str(keys) == f"{keys}" == "OtpKeys(2026-02, 2026-01)"


SECRET = b64encode(KEY).decode()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "there is no key"),
        ("# only a comment\n", "there is no key"),
        (SECRET, "line 1: is not an id"),
        (f"# one\n\na {SECRET} # two\n", "line 3: is not an id"),
        (f"{SECRET} a\n", "line 1: the id is not"),
        (f"A {SECRET}\n", "line 1: the id is not"),
        (f"{'a' * 33} {SECRET}\n", "line 1: the id is not"),
        (f"a {SECRET}\nb {SECRET[:-1]}\n", "line 2: the key is not base64"),
        (f"a {SECRET[:20]}!{SECRET[20:]}\n", "line 1: the key is not base64"),
        (f"a é{SECRET}\n", "line 1: the key is not base64"),
        (f"a {b64encode(KEY[:31]).decode()}\n", "line 1: the key has less than 32 bytes"),
        (f"a {SECRET}\na {SECRET}\n", "line 2: has the id of an earlier line"),
    ],
)
def test_a_faulty_file_is_refused_by_line_and_never_shown(text, fault):
    with pytest.raises(ValueError, match=re.escape(fault)) as caught:
        OtpKeys.parse(text)
    shown = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
    assert SECRET[:8] not in shown
    assert SECRET[-12:] not in shown


def test_more_keys_than_anyone_needs_are_refused():
    lines = [line(f"k{number}", KEY) for number in range(MAX_KEYS + 1)]
    assert OtpKeys.parse("".join(lines[1:])).current == "k1"
    with pytest.raises(ValueError, match=f"line {MAX_KEYS + 1}: is one more"):
        OtpKeys.parse("".join(lines))


KEY_IDS = st.text(st.sampled_from("abcxyz0189-"), min_size=1, max_size=32)
PAIRS = st.dictionaries(KEY_IDS, st.binary(min_size=32, max_size=96), min_size=1, max_size=5)


@BOUNDED
@given(pairs=PAIRS)
def test_keys_are_read_as_they_were_written_and_printing_shows_none(pairs):
    keys = OtpKeys.parse(OtpKeys.render(pairs.items()))
    assert {key_id: keys.get(key_id) for key_id in pairs} == pairs
    assert keys.current == next(iter(pairs))
    assert repr(keys) == f"OtpKeys({', '.join(pairs)})"


@pytest.mark.parametrize(
    "pairs",
    [[], [("a b", KEY)], [("a", KEY[:31])], [("a", KEY), ("a", OTHER_KEY)], [("a\nb", KEY)]],
)
def test_nothing_is_written_that_could_not_be_read(pairs):
    with pytest.raises(ValueError, match=r"line|no key"):
        OtpKeys.render(pairs)
