from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgate_server.carriers.smpp.codes import Tag
from smsgate_server.carriers.smpp.pdu import Address, DataMessage, ShortMessage
from smsgate_server.carriers.smpp.receipts import read_receipt
from smsgate_server.carriers.smpp.settings import ReceiptIds, ReceiptNumber, SmppSettings
from smsgate_server.domain.delivery import Receipt
from smsgate_server.domain.message import Reason, Status

HANDSET, SENDER = Address("436641234567", 1, 1), Address("ACME", 5, 0)
# As SMPP 3.4 appendix B has it.
TEXT = (
    "id:1a2b sub:001 dlvrd:001 submit date:2503011200 done date:2503011205 "
    "stat:DELIVRD err:000 text:Hello"
)
RECEIPT, INTERMEDIATE, PLAIN = 0x04, 0x20, 0x00
DONE = datetime(2025, 3, 1, 12, 5, tzinfo=UTC)


def some_settings(**overrides: Any) -> SmppSettings:
    values: dict[str, Any] = {"name": "sim", "hosts": ("smsc:2775",), "system_id": "me"}
    return SmppSettings(**(values | overrides))


def a_deliver(text: str | bytes = TEXT, **overrides: Any) -> ShortMessage:
    octets = text if isinstance(text, bytes) else text.encode("latin-1")
    values: dict[str, Any] = {"source": HANDSET, "destination": SENDER, "esm_class": RECEIPT}
    return ShortMessage(text=octets, **(values | overrides))


def tlvs(
    carrier_id: bytes | None = None,
    state: int | None = None,
    error: bytes | None = None,
    payload: bytes | None = None,
) -> dict[int, bytes]:
    found: dict[int, bytes | None] = {
        Tag.RECEIPTED_MESSAGE_ID: carrier_id,
        Tag.MESSAGE_STATE: None if state is None else bytes([state]),
        Tag.NETWORK_ERROR_CODE: error,
        Tag.MESSAGE_PAYLOAD: payload,
    }
    return {tag: value for tag, value in found.items() if value is not None}


def read(body: ShortMessage | DataMessage, **overrides: Any) -> Receipt:
    receipt = read_receipt(body, some_settings(**overrides))
    assert receipt is not None
    return receipt


def summary(receipt: Receipt) -> tuple[str, Status, str]:
    return receipt.carrier_id, receipt.status, receipt.code


# Where it stands


def test_the_usual_receipt_says_all_that_there_is_to_say() -> None:
    assert read(a_deliver()) == Receipt(
        carrier="sim",
        carrier_id="1a2b",
        status=Status.DELIVERED,
        code="DELIVRD:000",
        reason=Reason.UNSPECIFIED,
        carrier_time=DONE,
        recipient="+436641234567",
        exact_id=False,
    )


def test_a_receipt_may_have_tlvs_only() -> None:
    body = a_deliver("", tlvs=tlvs(b"1a2b\0", 5, b"\3\0\x0b"))
    assert summary(read(body)) == ("1a2b", Status.UNDELIVERABLE, "UNDELIV:11")
    assert read(body).carrier_time is None


def test_where_text_and_tlvs_agree_the_text_adds_the_date() -> None:
    receipt = read(a_deliver(tlvs=tlvs(b"1a2b\0", 2)))
    assert summary(receipt) == ("1a2b", Status.DELIVERED, "DELIVRD:000")
    assert receipt.carrier_time == DONE


def test_where_text_and_tlvs_contradict_each_other_the_tlvs_count() -> None:
    receipt = read(a_deliver(tlvs=tlvs(b"ffff\0", 5)))
    assert summary(receipt) == ("ffff", Status.UNDELIVERABLE, "UNDELIV:000")


@pytest.mark.parametrize("octets", [b"1a2b", b"1a2b\0", b"1a2b\0\0\0", b" 1a2b \0", b"1a2b\0junk"])
def test_the_id_in_a_tlv_ends_at_its_nul_or_its_end(octets: bytes) -> None:
    assert read(a_deliver("", tlvs=tlvs(octets, 2))).carrier_id == "1a2b"


@pytest.mark.parametrize("octets", [b"", b"\0", b" \0"])
def test_an_empty_id_in_a_tlv_leaves_it_to_the_text(octets: bytes) -> None:
    assert read(a_deliver(tlvs=tlvs(octets))).carrier_id == "1a2b"


def test_an_empty_state_in_a_tlv_leaves_it_to_the_text() -> None:
    body = a_deliver(tlvs={Tag.MESSAGE_STATE: b"", Tag.NETWORK_ERROR_CODE: b"\0"})
    assert summary(read(body)) == ("1a2b", Status.DELIVERED, "DELIVRD:000")


def test_a_state_in_a_tlv_decides_and_the_word_of_the_text_is_kept() -> None:
    body = a_deliver("id:7 stat:BLOCKED err:011", tlvs=tlvs(state=5))
    assert summary(read(body)) == ("7", Status.UNDELIVERABLE, "BLOCKED:011")


def test_a_state_in_a_tlv_does_for_a_text_without_one() -> None:
    assert read(a_deliver("id:7", tlvs=tlvs(state=2))).status is Status.DELIVERED


def test_a_receipt_may_be_in_the_message_payload() -> None:
    receipt = read(a_deliver("", tlvs=tlvs(payload=TEXT.encode())))
    assert summary(receipt) == ("1a2b", Status.DELIVERED, "DELIVRD:000")


def test_a_receipt_may_be_a_data_sm() -> None:
    texted = DataMessage(HANDSET, SENDER, RECEIPT, tlvs=tlvs(payload=TEXT.encode()))
    assert read(texted) == read(a_deliver())
    silent = DataMessage(HANDSET, SENDER, RECEIPT, tlvs=tlvs(b"1a2b\0", 3))
    assert summary(read(silent)) == ("1a2b", Status.EXPIRED, "EXPIRED")
    assert read(silent).recipient == "+436641234567"


@pytest.mark.parametrize("extra", [0x00, 0x01, 0x02, 0x40, 0x80, 0xC3])
def test_other_bits_of_esm_class_do_not_matter(extra: int) -> None:
    assert read(a_deliver(esm_class=RECEIPT | extra)).carrier_id == "1a2b"


# What is a receipt at all


def test_without_the_flag_a_text_is_a_receipt_only_if_the_settings_say_so() -> None:
    body = a_deliver(esm_class=PLAIN)
    assert read_receipt(body, some_settings()) is None
    assert read(body, receipts_without_esm_class=True) == read(a_deliver())


@pytest.mark.parametrize("esm_class", [PLAIN, 0x08, 0x10, 0x18, 0x40])
def test_the_id_in_a_tlv_makes_a_receipt_without_the_flag(esm_class: int) -> None:
    body = a_deliver("", esm_class=esm_class, tlvs=tlvs(b"1\0", 2))
    assert read(body).status is Status.DELIVERED


@pytest.mark.parametrize(
    "text", ["", "Hello", "STOP", "id: please", "stat:DELIVRD", "my id:1 stat:DELIVRD", "id: stat:"]
)
def test_what_a_handset_writes_is_no_receipt(text: str) -> None:
    body = a_deliver(text, esm_class=PLAIN)
    assert read_receipt(body, some_settings(receipts_without_esm_class=True)) is None


@pytest.mark.parametrize("text", ["", "Hello", "id:", "id: sub:001 stat:DELIVRD", "text:id:1"])
@pytest.mark.parametrize("esm_class", [RECEIPT, INTERMEDIATE])
def test_a_receipt_that_names_no_message_says_nothing(text: str, esm_class: int) -> None:
    assert read_receipt(a_deliver(text, esm_class=esm_class), some_settings()) is None


@pytest.mark.parametrize("word", ["DELIVRD", "UNDELIV", "ENROUTE", "BUFFRED"])
def test_an_intermediate_notification_is_never_final(word: str) -> None:
    body = a_deliver(f"id:1 stat:{word} err:001", esm_class=INTERMEDIATE)
    assert summary(read(body)) == ("1", Status.PENDING, f"{word}:001")
    body = a_deliver("", esm_class=INTERMEDIATE, tlvs=tlvs(b"1\0", 5))
    assert read(body).status is Status.PENDING
    assert read(body, states={"UNDELIV": "UNDELIVERABLE"}).status is Status.PENDING


# How its text is written


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.lower().replace("delivrd", "DELIVRD"),
        TEXT.replace(" text:Hello", ""),
        TEXT.replace("submit date", "submit_date").replace("done date", "done_date"),
        TEXT.replace("submit date", "submitdate").replace("done date", "donedate"),
        TEXT.replace(":", ": "),
        TEXT.replace(":", " : "),
        TEXT.replace(" ", "\n").replace("submit\n", "submit ").replace("done\n", "done "),
        TEXT.replace("id:", "ID:").replace("stat:", "Stat:").replace("err:", "ERR:"),
        TEXT.replace("DELIVRD", "delivrd"),
        TEXT.replace("DELIVRD", "Delivrd"),
        "  " + TEXT,
        TEXT.replace(" sub:001 dlvrd:001", ""),
        "stat:DELIVRD err:000 done date:2503011205 id:1a2b text:Hello",
        TEXT.replace("stat:", "foo:bar stat:"),
        TEXT + "\0",
        TEXT.replace(" text:Hello", "\0"),
        TEXT.replace("err:000", "err:000\0"),
        "err:000 done date:2503011205 id:1a2b stat:DELIVRD\0",
        "err:000 stat:DELIVRD done date:2503011205 id:1a2b\0",
        "err:000 stat:DELIVRD id:1a2b done date:2503011205\0",
    ],
)
def test_the_text_may_be_written_in_many_ways(text: str) -> None:
    assert read(a_deliver(text)) == read(a_deliver())


@pytest.mark.parametrize(
    "words",
    [
        "",
        "id:9999 stat:UNDELIV err:999",
        "id:9999",
        "text:text:id:9999 done date:2001010000",
        "Your code: 1234, valid until 12:00",
        "\xff\xfe\0\x1b",
        "x" * 3000,
    ],
)
def test_the_messages_own_words_are_not_read(words: str) -> None:
    assert read(a_deliver(TEXT.replace("Hello", words))) == read(a_deliver())


def test_of_a_key_that_comes_twice_the_first_counts() -> None:
    text = "id:1 id:2 stat:EXPIRED stat:DELIVRD err:1 err:2"
    assert summary(read(a_deliver(text))) == ("1", Status.EXPIRED, "EXPIRED:1")


def test_keys_within_other_words_are_none() -> None:
    text = "uuid:9 id:1 substat:X stat:EXPIRED xerr:5 err:4"
    assert summary(read(a_deliver(text))) == ("1", Status.EXPIRED, "EXPIRED:4")


def test_a_text_in_ucs_2_is_read() -> None:
    octets = TEXT.replace("Hello", "Привет").encode("utf-16-be")
    assert read(a_deliver(octets, data_coding=8)) == read(a_deliver())
    payload = DataMessage(HANDSET, SENDER, RECEIPT, 8, tlvs=tlvs(payload=octets))
    assert read(payload) == read(a_deliver())


def test_half_a_character_at_the_end_of_ucs_2_does_no_harm() -> None:
    octets = TEXT.encode("utf-16-be")
    assert read(a_deliver(octets[:-1], data_coding=8)) == read(a_deliver())
    assert read(a_deliver(octets + b"\xd8", data_coding=8)) == read(a_deliver())


@pytest.mark.parametrize("coding", [0, 1, 3, 4, 0xF1])
def test_any_other_coding_is_read_as_latin_1(coding: int) -> None:
    assert read(a_deliver(data_coding=coding)) == read(a_deliver())


@pytest.mark.parametrize("error", ["000", "11", "0x0B", "EC-5", "E:5", "ANFR", "-1", "00:11"])
def test_an_error_is_whatever_the_carrier_writes(error: str) -> None:
    assert read(a_deliver(f"id:1 stat:UNDELIV err:{error}")).code == f"UNDELIV:{error}"


@pytest.mark.parametrize("error", ["", " "])
def test_an_error_may_be_empty(error: str) -> None:
    assert read(a_deliver(f"id:1 stat:UNDELIV err:{error} text:")).code == "UNDELIV"


def test_the_error_of_the_text_is_told_before_that_of_the_tlv() -> None:
    assert read(a_deliver(tlvs=tlvs(error=b"\3\1\0"))).code == "DELIVRD:000"
    assert read(a_deliver("id:1 stat:UNDELIV", tlvs=tlvs(error=b"\3\1\0"))).code == "UNDELIV:256"


def test_nothing_is_longer_than_what_is_kept_of_it() -> None:
    receipt = read(a_deliver(f"id:{'1' * 90} stat:{'S' * 90} err:{'E' * 90}"))
    assert summary(receipt) == ("1" * 64, Status.PENDING, "S" * 32 + ":" + "E" * 16)


# When


@pytest.mark.parametrize(
    ("date", "time"),
    [
        ("2503011205", datetime(2025, 3, 1, 12, 5, tzinfo=UTC)),
        ("250301120506", datetime(2025, 3, 1, 12, 5, 6, tzinfo=UTC)),
        ("20250301120506", datetime(2025, 3, 1, 12, 5, 6, tzinfo=UTC)),
        ("2402292359", datetime(2024, 2, 29, 23, 59, tzinfo=UTC)),
        ("2502290000", None),
        ("2513011205", None),
        ("2503012405", None),
        ("0000000000", None),
        ("000000000000", None),
        ("00000000000000", None),
        ("99999999999999", None),
        ("00010101000000", datetime(1, 1, 1, tzinfo=UTC)),
        ("99991231235959", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("250301120", None),
        ("25030112051", None),
        ("2503011205060", None),
        ("250301-1205", None),
        ("25-03-01 12", None),
        (" ", None),
        ("", None),
        ("never", None),
        ("²503011205", None),
        ("-503011205", None),
    ],
)
def test_a_date_is_read_or_left_out(date: str, time: datetime | None) -> None:
    receipt = read(a_deliver(f"id:1 done date:{date} stat:DELIVRD"))
    assert receipt.carrier_time == time
    assert receipt.status is Status.DELIVERED


def test_digits_of_other_alphabets_are_no_date() -> None:
    text = "id:1 done date:٢٥٠٣٠١١٢٠٥ stat:DELIVRD"
    receipt = read(a_deliver(text.encode("utf-16-be"), data_coding=8))
    assert receipt.carrier_time is None


@pytest.mark.parametrize(
    ("minutes", "hour"), [(0, 12), (60, 11), (-120, 14), (330, 6), (840, 22), (-840, 2)]
)
def test_a_date_is_in_the_carriers_time(minutes: int, hour: int) -> None:
    time = read(a_deliver(), receipt_offset_minutes=minutes).carrier_time
    assert time is not None
    assert time.hour == hour
    assert time.tzinfo is UTC


@pytest.mark.parametrize(("date", "minutes"), [("00010101000000", 1), ("99991231235959", -1)])
def test_a_date_outside_the_calendar_is_left_out(date: str, minutes: int) -> None:
    body = a_deliver(f"id:1 done date:{date} stat:DELIVRD")
    assert read(body, receipt_offset_minutes=minutes).carrier_time is None


# What became of the message

WORDS = [
    ("DELIVRD", Status.DELIVERED),
    ("EXPIRED", Status.EXPIRED),
    ("REJECTD", Status.REJECTED),
    ("UNDELIV", Status.UNDELIVERABLE),
    ("DELETED", Status.UNDELIVERABLE),
    ("UNKNOWN", Status.UNDELIVERABLE),
    ("SKIPPED", Status.UNDELIVERABLE),
    ("ENROUTE", Status.PENDING),
    ("ACCEPTD", Status.PENDING),
    ("SCHEDULED", Status.PENDING),
    ("BUFFRED", Status.PENDING),
]


@pytest.mark.parametrize(("word", "status"), WORDS)
def test_each_word_has_its_status(word: str, status: Status) -> None:
    assert read(a_deliver(f"id:1 stat:{word} err:1")).status is status
    assert read(a_deliver(f"id:1 stat:{word.lower()} err:1")).code == f"{word}:1"


@pytest.mark.parametrize("word", ["", "DELIVERED", "FAILED", "OK", "DELIVRD.", "0", "ÜBEL", "?"])
def test_a_word_that_nobody_knows_settles_nothing(word: str) -> None:
    receipt = read(a_deliver(f"id:1 stat:{word} err:1"))
    assert receipt.status is Status.PENDING
    assert receipt.code == (f"{word}:1" if word else "1")


@pytest.mark.parametrize(
    ("state", "word", "status"),
    [
        (0, "SCHEDULED", Status.PENDING),
        (1, "ENROUTE", Status.PENDING),
        (2, "DELIVRD", Status.DELIVERED),
        (3, "EXPIRED", Status.EXPIRED),
        (4, "DELETED", Status.UNDELIVERABLE),
        (5, "UNDELIV", Status.UNDELIVERABLE),
        (6, "ACCEPTD", Status.PENDING),
        (7, "UNKNOWN", Status.UNDELIVERABLE),
        (8, "REJECTD", Status.REJECTED),
        (9, "SKIPPED", Status.UNDELIVERABLE),
        (10, "STATE10", Status.PENDING),
        (255, "STATE255", Status.PENDING),
    ],
)
def test_each_state_in_a_tlv_is_the_word_for_it(state: int, word: str, status: Status) -> None:
    receipt = read(a_deliver("", tlvs=tlvs(b"1\0", state)))
    assert (receipt.status, receipt.code) == (status, word)


def test_a_carrier_may_have_words_of_its_own() -> None:
    states = {"unknown": "PENDING", "Failed": "UNDELIVERABLE", "STATE10": "REJECTED"}
    assert read(a_deliver("id:1 stat:UNKNOWN"), states=states).status is Status.PENDING
    assert read(a_deliver("id:1 stat:FAILED"), states=states).status is Status.UNDELIVERABLE
    assert read(a_deliver("id:1 stat:failed"), states=states).status is Status.UNDELIVERABLE
    assert read(a_deliver("id:1 stat:DELIVRD"), states=states).status is Status.DELIVERED
    by_tlv = a_deliver("", tlvs=tlvs(b"1\0", 7))
    assert read(by_tlv, states=states).status is Status.PENDING
    by_tlv = a_deliver("", tlvs=tlvs(b"1\0", 10))
    assert read(by_tlv, states=states).status is Status.REJECTED


def test_a_carrier_may_have_errors_of_its_own() -> None:
    errors = {"001": "UNKNOWN_SUBSCRIBER", "11": "POLICY_BLOCKED"}
    texted = a_deliver("id:1 stat:UNDELIV err:001")
    assert read(texted, errors=errors).reason is Reason.UNKNOWN_SUBSCRIBER
    assert read(a_deliver("id:1 err:1"), errors=errors).reason is Reason.UNSPECIFIED
    by_tlv = a_deliver("", tlvs=tlvs(b"1\0", 5, b"\3\0\x0b"))
    assert read(by_tlv, errors=errors).reason is Reason.POLICY_BLOCKED
    assert read(texted).reason is Reason.UNSPECIFIED


# Of which message


@pytest.mark.parametrize(
    ("ids", "written", "told"),
    [
        (ReceiptIds.AUTO, "007B", "007B"),
        (ReceiptIds.SAME, "007B", "007B"),
        (ReceiptIds.SAME, "123", "123"),
        (ReceiptIds.HEX_TO_DECIMAL, "123", "7b"),
        (ReceiptIds.HEX_TO_DECIMAL, "0000000123", "7b"),
        (ReceiptIds.HEX_TO_DECIMAL, "18446744073709551615", "ffffffffffffffff"),
        (ReceiptIds.HEX_TO_DECIMAL, "7b", "7b"),
        (ReceiptIds.DECIMAL_TO_HEX, "7b", "123"),
        (ReceiptIds.DECIMAL_TO_HEX, "007B", "123"),
        (ReceiptIds.DECIMAL_TO_HEX, "123", "291"),
        (ReceiptIds.DECIMAL_TO_HEX, "xyz", "xyz"),
        (ReceiptIds.DECIMAL_TO_HEX, "a-b-c", "a-b-c"),
    ],
)
def test_an_id_is_told_as_the_answer_to_the_submit_had_it(
    ids: ReceiptIds, written: str, told: str
) -> None:
    receipt = read(a_deliver(f"id:{written} stat:DELIVRD"), receipt_ids=ids)
    assert receipt.carrier_id == told
    assert receipt.exact_id is (ids is not ReceiptIds.AUTO)
    by_tlv = a_deliver("", tlvs=tlvs(written.encode() + b"\0", 2))
    assert read(by_tlv, receipt_ids=ids).carrier_id == told


@pytest.mark.parametrize(
    ("which", "recipient"),
    [
        (ReceiptNumber.SOURCE, "+436641234567"),
        (ReceiptNumber.DESTINATION, "+491701234567"),
        (ReceiptNumber.NONE, ""),
    ],
)
def test_the_handset_is_at_the_address_that_the_settings_say(
    which: ReceiptNumber, recipient: str
) -> None:
    body = a_deliver(destination=Address("491701234567", 1, 1))
    assert read(body, receipt_number=which).recipient == recipient


@pytest.mark.parametrize(
    ("address", "recipient"),
    [
        (Address("436641234567", 1, 1), "+436641234567"),
        (Address("+436641234567", 1, 1), "+436641234567"),
        (Address("+436641234567", 0, 0), "+436641234567"),
        (Address("436641234567", 0, 1), "436641234567"),
        (Address("06641234567", 2, 1), "06641234567"),
        (Address("00436641234567", 1, 1), "00436641234567"),
        (Address(" 436641234567 ", 1, 1), "+436641234567"),
        (Address("ACME", 5, 0), ""),
        (Address("", 1, 1), ""),
        (Address("+", 1, 1), ""),
        (Address("43 664", 1, 1), ""),
    ],
)
def test_the_handset_is_told_as_digits_or_not_at_all(address: Address, recipient: str) -> None:
    assert read(a_deliver(source=address)).recipient == recipient


# Anything

OCTET = st.integers(0, 255)
LATIN = st.text(st.characters(max_codepoint=255), max_size=25)
ADDRESSES = st.builds(Address, LATIN, OCTET, OCTET)
PIECES = st.sampled_from(
    [
        "id:", "ID :", "sub:", "stat:", "err:", "text:", "done date:", "submit_date:", "DELIVRD",
        "1a2b", " ", "\0", "\xff", "2503011205", "99991231235959", ":", "é", "0" * 70,
    ]
)  # fmt: skip
SCRAPS = st.lists(PIECES, max_size=12).map(lambda pieces: "".join(pieces).encode("latin-1"))
OCTETS = st.one_of(st.binary(max_size=300), SCRAPS)
TLVS = st.dictionaries(
    st.one_of(st.sampled_from([0x1E, 0x423, 0x424, 0x427]), st.integers(0, 0xFFFF)), OCTETS
)
BODIES = st.one_of(
    st.builds(
        ShortMessage,
        source=ADDRESSES,
        destination=ADDRESSES,
        text=OCTETS,
        esm_class=st.one_of(st.sampled_from([RECEIPT, INTERMEDIATE]), OCTET),
        data_coding=st.one_of(st.just(8), OCTET),
        tlvs=TLVS,
    ),
    st.builds(DataMessage, ADDRESSES, ADDRESSES, OCTET, OCTET, tlvs=TLVS),
)
SETTINGS = st.builds(
    some_settings,
    receipt_ids=st.sampled_from(ReceiptIds),
    receipt_number=st.sampled_from(ReceiptNumber),
    receipts_without_esm_class=st.booleans(),
    receipt_offset_minutes=st.integers(-840, 840),
)


@settings(deadline=None, max_examples=400, derandomize=True)
@given(BODIES, SETTINGS)
def test_whatever_comes_is_read_or_left(
    body: ShortMessage | DataMessage, carrier: SmppSettings
) -> None:
    receipt = read_receipt(body, carrier)
    if receipt is None:
        return
    texts = receipt.carrier_id + receipt.code + receipt.recipient
    assert receipt.carrier_id
    assert len(receipt.carrier_id) <= 80
    assert len(receipt.code) <= 64
    assert "\0" not in receipt.carrier_id + receipt.code
    assert texts.encode()  # It can be stored and sent on.
    assert receipt.status is not Status.NEW
    assert receipt.carrier_time is None or receipt.carrier_time.tzinfo is UTC
    assert set(receipt.recipient) <= set("+0123456789")
