"""The form of API keys, and how a secret proves that it is one."""

import hmac
import re
import string
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgate_server.domain import api_keys, otp_codes
from smsgate_server.domain.api_keys import (
    ENTROPY_BYTES,
    digest_of,
    id_of,
    is_key_id,
    make_secret,
    proves,
)
from smsgate_server.domain.otp_codes import same_code

BOUNDED = settings(deadline=None, max_examples=200, derandomize=True)
ENTROPY = st.binary(min_size=ENTROPY_BYTES, max_size=ENTROPY_BYTES)
KEY_ID, SECRET = make_secret(bytes(range(ENTROPY_BYTES)))


# The form


def test_the_form_stays_what_keys_in_use_have() -> None:
    proof = "CAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQlJic"
    made = make_secret(bytes(range(ENTROPY_BYTES)))
    assert made == ("sgk_aaaqeayeauda", f"sgk_aaaqeayeauda_{proof}")


@BOUNDED
@given(ENTROPY)
def test_a_secret_is_an_id_and_43_characters_that_prove_it(entropy: bytes) -> None:
    key_id, secret = make_secret(entropy)
    assert is_key_id(key_id)
    assert re.fullmatch(re.escape(key_id) + r"_[A-Za-z0-9_-]{43}", secret)
    assert id_of(secret) == key_id


@BOUNDED
@given(ENTROPY)
def test_a_secret_is_printable_ascii_that_a_header_can_carry(entropy: bytes) -> None:
    _, secret = make_secret(entropy)
    assert set(secret) <= set(string.ascii_letters + string.digits + "_-")


@BOUNDED
@given(ENTROPY, st.integers(8, ENTROPY_BYTES - 1), st.integers(1, 255))
def test_each_byte_that_proves_makes_another_secret_of_the_same_id(
    entropy: bytes, place: int, change: int
) -> None:
    other = bytearray(entropy)
    other[place] ^= change
    (one_id, one), (other_id, another) = make_secret(entropy), make_secret(bytes(other))
    assert one_id == other_id
    assert one != another
    assert not proves(another, digest_of(one))


def test_what_proves_a_key_is_256_bits_that_its_id_does_not_tell() -> None:
    ids = {make_secret(bytes(8) + bytes([n]) * 32)[0] for n in range(256)}
    assert len(ids) == 1
    assert ENTROPY_BYTES - 8 == 32


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sgk_",
        "sgk_aaaaaaaaaaa",
        "sgk_aaaaaaaaaaaaa",
        "SGK_aaaaaaaaaaaa",
        "sgk_aaaaaaaaaaa1",
        "sgk_AAAAAAAAAAAA",
        " sgk_aaaaaaaaaaaa",
        "sgk_aaaaaaaaaaaa\n",
        "sgk-aaaaaaaaaaaa",
    ],
)
def test_nothing_else_is_an_id(text: str) -> None:
    assert not is_key_id(text)


@BOUNDED
@given(st.text(max_size=100))
def test_of_any_text_at_most_its_beginning_is_taken_for_an_id(text: str) -> None:
    assert text.startswith(id_of(text))
    assert len(id_of(text)) <= len(KEY_ID)


# The proof


def test_only_the_secret_itself_proves_its_key() -> None:
    digest = digest_of(SECRET)
    assert proves(SECRET, digest)
    nearly = [
        "",
        KEY_ID,
        SECRET[:-1],
        SECRET + "A",
        SECRET.upper(),
        SECRET.swapcase(),
        f" {SECRET}",
        SECRET.replace("_", "-"),
        digest.hex(),
    ]
    assert not any(proves(text, digest) for text in nearly)


@BOUNDED
@given(st.text(max_size=80))
def test_no_other_text_proves_it(text: str) -> None:
    assert proves(text, digest_of(SECRET)) is (text == SECRET)


@BOUNDED
@given(st.text(max_size=80))
def test_nothing_proves_a_key_that_is_not_there(text: str) -> None:
    assert not proves(text, None)


def test_text_that_no_utf8_can_hold_proves_nothing_and_raises_nothing() -> None:
    assert not proves("sgk_\ud800", digest_of(SECRET))


def test_a_digest_of_zeros_is_no_way_in() -> None:
    # What an unknown key is compared with is no digest of any secret, and never counts.
    assert not proves(SECRET, bytes(32))


def test_the_digest_is_a_hash_of_the_whole_secret() -> None:
    assert digest_of(SECRET) == sha256(SECRET.encode()).digest()


# How long it takes. A difference of nanoseconds is not measured here: what is shown is that the
# comparison is the one made for it, that it gets both values whole, and that it always happens.


class Comparison:
    """Stands in for `hmac.compare_digest`: notes what it compares, and says `answer`."""

    def __init__(self, answer: bool) -> None:
        self.answer = answer
        self.compared: list[tuple[bytes, bytes]] = []

    def __call__(self, one: bytes, other: bytes) -> bool:
        self.compared.append((one, other))
        return self.answer


def test_keys_and_codes_are_compared_by_what_takes_the_same_time_for_all() -> None:
    assert api_keys.compare_digest is hmac.compare_digest
    assert otp_codes.compare_digest is hmac.compare_digest


@pytest.mark.parametrize("answer", [True, False])
@pytest.mark.parametrize(
    "text",
    [SECRET, "X" + SECRET[1:], SECRET[:-1] + "X", "", "sgk_"],
    ids=["right", "wrong in its first character", "wrong in its last", "empty", "cut off"],
)
def test_whether_a_secret_is_right_is_decided_by_that_comparison_alone(
    monkeypatch: pytest.MonkeyPatch, text: str, answer: bool
) -> None:
    comparison = Comparison(answer)
    monkeypatch.setattr(api_keys, "compare_digest", comparison)
    digest = digest_of(SECRET)
    assert proves(text, digest) is answer
    assert comparison.compared == [(digest_of(text), digest)]


def test_an_unknown_key_is_compared_like_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    comparison = Comparison(True)
    monkeypatch.setattr(api_keys, "compare_digest", comparison)
    assert not proves(SECRET, None)
    [(one, other)] = comparison.compared
    assert one == digest_of(SECRET)
    assert len(other) == len(one)


@pytest.mark.parametrize("answer", [True, False])
@pytest.mark.parametrize(
    "text",
    ["483920", "083920", "483921", "000000"],
    ids=["right", "wrong in its first digit", "wrong in its last", "all wrong"],
)
def test_whether_a_code_is_right_is_decided_by_that_comparison_alone(
    monkeypatch: pytest.MonkeyPatch, text: str, answer: bool
) -> None:
    comparison = Comparison(answer)
    monkeypatch.setattr(otp_codes, "compare_digest", comparison)
    assert same_code("483920", text) is answer
    assert comparison.compared == [(b"483920", text.encode())]
