import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgate_server.carriers.smpp.codes import RESPONSE, Command, Status, Tag
from smsgate_server.carriers.smpp.pdu import (
    NO_ID,
    NOTHING,
    Address,
    Bind,
    BindAnswer,
    Body,
    DataMessage,
    MessageId,
    Pdu,
    PduError,
    Raw,
    ShortMessage,
    decode,
    encode,
)

BOUNDED = settings(deadline=None, max_examples=200, derandomize=True)

# Written by hand from SMPP 3.4: §4.1 binds, §4.2 unbind, §4.3 generic_nack, §4.4 submit_sm, §4.6
# deliver_sm, §4.7 data_sm, §4.11 enquire_link. The first is §3.2's own example of a bind.
BIND_BODY = (
    "53 4D 50 50 33 54 45 53 54 00"  # SMPP3TEST
    "73 65 63 72 65 74 30 38 00"  # secret08
    "53 55 42 4D 49 54 31 00"  # SUBMIT1
    "34 01 01 00"
)
BIND = Bind("SMPP3TEST", "secret08", "SUBMIT1", 0x34, 1, 1, "")
BIND_ANSWER_BODY = "53 4D 53 43 00 0210 0001 34"
BIND_ANSWER = BindAnswer("SMSC", {Tag.SC_INTERFACE_VERSION: b"\x34"})
SUBMIT_BODY = (
    "43 4D 54 00"  # service_type CMT
    "05 00 41 43 4D 45 00"  # ACME
    "01 01 34 33 36 36 34 00"  # 43664
    "40 7F 02"  # esm_class, protocol_id, priority_flag
    "32 35 00"  # schedule_delivery_time
    "32 36 00"  # validity_period
    "01 03 08 04"  # registered_delivery, replace_if_present, data_coding, sm_default_msg_id
    "02 00 41"  # sm_length, short_message
    "0204 0002 00 07"  # user_message_reference
    "020C 0002 AB CD"  # sar_msg_ref_num
)
SUBMIT = ShortMessage(
    source=Address("ACME", 5, 0),
    destination=Address("43664", 1, 1),
    text=b"\x00A",
    esm_class=0x40,
    data_coding=8,
    registered_delivery=1,
    validity_period="26",
    service_type="CMT",
    protocol_id=0x7F,
    priority=2,
    schedule_time="25",
    replace_if_present=3,
    default_message=4,
    tlvs={Tag.USER_MESSAGE_REFERENCE: b"\x00\x07", Tag.SAR_MSG_REF_NUM: b"\xab\xcd"},
)
RECEIPT_BODY = (
    "00 01 01 34 33 00 05 00 41 00 04 00 00 00 00 00 00 00 00"
    "05 69 64 3A 61 31"  # id:a1
    "001E 0003 61 31 00"  # receipted_message_id
    "0427 0001 02"  # message_state
    "0423 0003 03 00 0B"  # network_error_code
)
RECEIPT = ShortMessage(
    source=Address("43", 1, 1),
    destination=Address("A", 5, 0),
    text=b"id:a1",
    esm_class=4,
    tlvs={
        Tag.RECEIPTED_MESSAGE_ID: b"a1\0",
        Tag.MESSAGE_STATE: b"\x02",
        Tag.NETWORK_ERROR_CODE: b"\x03\x00\x0b",
    },
)
DATA_BODY = "00 05 00 41 00 01 01 34 33 00 04 01 08 0424 0002 00 41"
DATA = DataMessage(
    source=Address("A", 5, 0),
    destination=Address("43", 1, 1),
    esm_class=4,
    registered_delivery=1,
    data_coding=8,
    tlvs={Tag.MESSAGE_PAYLOAD: b"\x00A"},
)
ID_BODY = "31 66 00"

BY_HAND: list[tuple[Command, str, Body]] = [
    (Command.BIND_RECEIVER, BIND_BODY, BIND),
    (Command.BIND_TRANSMITTER, BIND_BODY, BIND),
    (Command.BIND_TRANSCEIVER, BIND_BODY, BIND),
    (Command.BIND_RECEIVER_RESP, BIND_ANSWER_BODY, BIND_ANSWER),
    (Command.BIND_TRANSMITTER_RESP, BIND_ANSWER_BODY, BIND_ANSWER),
    (Command.BIND_TRANSCEIVER_RESP, BIND_ANSWER_BODY, BIND_ANSWER),
    (Command.SUBMIT_SM, SUBMIT_BODY, SUBMIT),
    (Command.SUBMIT_SM_RESP, ID_BODY, MessageId("1f")),
    (Command.DELIVER_SM, RECEIPT_BODY, RECEIPT),
    (Command.DELIVER_SM_RESP, "00", NO_ID),
    (Command.DATA_SM, DATA_BODY, DATA),
    (Command.DATA_SM_RESP, ID_BODY + "001D 0001 41", MessageId("1f", {0x1D: b"A"})),
    (Command.ENQUIRE_LINK, "", NOTHING),
    (Command.ENQUIRE_LINK_RESP, "", NOTHING),
    (Command.UNBIND, "", NOTHING),
    (Command.UNBIND_RESP, "", NOTHING),
    (Command.GENERIC_NACK, "", NOTHING),
    (Command.QUERY_SM, "31 66 00 01 01 34 33 00", Raw(b"1f\0\x01\x0143\0")),
]
NAMES = [command.name.lower() for command, _, _ in BY_HAND]
ANSWERS = [
    Command.BIND_RECEIVER_RESP,
    Command.BIND_TRANSMITTER_RESP,
    Command.BIND_TRANSCEIVER_RESP,
    Command.SUBMIT_SM_RESP,
    Command.DELIVER_SM_RESP,
    Command.DATA_SM_RESP,
    Command.ENQUIRE_LINK_RESP,
    Command.UNBIND_RESP,
    Command.GENERIC_NACK,
]


def a_frame(command: int, body: bytes, status: int = 0, sequence: int = 7) -> bytes:
    return struct.pack(">IIII", 16 + len(body), command, status, sequence) + body


def body_named(command: Command) -> bytes:
    return next(bytes.fromhex(text) for known, text, _ in BY_HAND if known is command)


def test_the_example_of_the_specification_is_read_and_written() -> None:
    octets = bytes.fromhex("0000002F 00000002 00000000 00000001" + BIND_BODY)
    pdu = Pdu(Command.BIND_TRANSMITTER, 1, 0, BIND)
    assert len(octets) == 0x2F
    assert decode(octets) == pdu
    assert encode(pdu) == octets


@pytest.mark.parametrize(("command", "text", "body"), BY_HAND, ids=NAMES)
def test_bytes_written_by_hand_are_read_and_written(
    command: Command, text: str, body: Body
) -> None:
    octets = a_frame(command, bytes.fromhex(text), sequence=0x01020304)
    pdu = Pdu(command, 0x01020304, 0, body)
    assert decode(octets) == pdu
    assert encode(pdu) == octets


@pytest.mark.parametrize(("command", "text", "body"), BY_HAND, ids=NAMES)
def test_every_truncation_is_understood_or_a_pdu_error(
    command: Command, text: str, body: Body
) -> None:
    octets = bytes.fromhex(text)
    for status in (0, Status.SYSTEM_ERROR):
        for length in range(len(octets)):
            try:
                pdu = decode(a_frame(command, octets[:length], status))
            except PduError as error:
                refusal = error
            else:
                assert (pdu.command, pdu.sequence, pdu.status) == (command, 7, status)
                continue
            assert (refusal.command, refusal.sequence) == (command, 7)
            assert refusal.status in set(Status) - {Status.OK}
            assert not command & RESPONSE, "an answer always answers something"


@pytest.mark.parametrize("length", range(len(bytes.fromhex(SUBMIT_BODY))))
def test_a_truncated_submit_sm_is_refused_by_where_it_ends(length: int) -> None:
    mandatory = len(bytes.fromhex(SUBMIT_BODY)) - 12
    frame = a_frame(Command.SUBMIT_SM, bytes.fromhex(SUBMIT_BODY)[:length])
    if length in (mandatory, mandatory + 6):
        body = decode(frame).body
        assert isinstance(body, ShortMessage)
        assert body.text == b"\x00A"
        return
    with pytest.raises(PduError) as caught:
        decode(frame)
    if length < mandatory:
        assert caught.value.status is Status.INVALID_MESSAGE_LENGTH
    else:
        assert caught.value.status in (Status.INVALID_TLV_STREAM, Status.INVALID_TLV_LENGTH)


@pytest.mark.parametrize("command", ANSWERS)
@pytest.mark.parametrize("body", [b"", b"\0", b"x", b"x\0\x02", b"x\0\x02\x10\xff\xff\x34"])
@pytest.mark.parametrize("status", [0, Status.THROTTLED])
def test_an_answer_with_half_a_body_is_an_answer_all_the_same(
    command: Command, body: bytes, status: int
) -> None:
    pdu = decode(a_frame(command, body, status))
    assert (pdu.command, pdu.status, pdu.sequence) == (command, status, 7)


@pytest.mark.parametrize(
    "tail", [b"", b"\0", b"\0\x04", b"\0\x04\x27\x00\x09\x01", b"\0\xff\xff\xff\xff"]
)
@pytest.mark.parametrize("status", [0, Status.SYSTEM_ERROR])
def test_an_id_is_read_whatever_follows_it(tail: bytes, status: int) -> None:
    body = decode(a_frame(Command.SUBMIT_SM_RESP, b"abc" + tail, status)).body
    assert isinstance(body, MessageId)
    assert body.message_id == "abc"


@pytest.mark.parametrize("tail", [b"\0\x02", b"\0\x02\x10\x00\x09\x34", b"\0\x02\x10\x00\x02\x34"])
def test_a_bind_is_not_refused_because_of_a_broken_tlv_in_its_answer(tail: bytes) -> None:
    pdu = decode(a_frame(Command.BIND_TRANSCEIVER_RESP, b"SMSC" + tail))
    assert pdu.status == 0
    assert isinstance(pdu.body, BindAnswer)
    assert pdu.body.system_id == "SMSC"


def test_of_a_tag_that_comes_twice_the_first_counts() -> None:
    body = decode(a_frame(Command.DELIVER_SM, body_named(Command.DELIVER_SM) + b"\x04\x27\0\0"))
    assert isinstance(body.body, ShortMessage)
    assert body.body.tlvs[Tag.MESSAGE_STATE] == b"\x02"


def test_a_tlv_may_be_empty_and_its_tag_unknown() -> None:
    octets = a_frame(Command.SUBMIT_SM_RESP, b"1\0\x14\x00\x00\x00\x14\x01\x00\x01\xff")
    assert decode(octets).body == MessageId("1", {0x1400: b"", 0x1401: b"\xff"})


def test_octets_after_the_body_of_an_enquire_link_do_no_harm() -> None:
    assert decode(a_frame(Command.ENQUIRE_LINK, b"?!")).body == NOTHING


@pytest.mark.parametrize("command", [0, 0x0A, 0x0B, 0x102, 0x7FFFFFFF, 0x800000FF, 0xFFFFFFFF])
def test_a_command_that_nobody_knows_is_kept_as_it_came(command: int) -> None:
    pdu = decode(a_frame(command, b"\x01\x02", 3, 4))
    assert pdu == Pdu(command, 4, 3, Raw(b"\x01\x02"))
    assert pdu.is_response is (command > 0x7FFFFFFF)


def test_a_short_message_of_255_octets_is_read() -> None:
    head = bytes.fromhex("00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00")
    body = decode(a_frame(Command.DELIVER_SM, head + b"\xff" + b"x" * 255)).body
    assert isinstance(body, ShortMessage)
    assert body.text == b"x" * 255


@pytest.mark.parametrize("sm_length", [3, 4, 255])
def test_a_text_that_exceeds_its_pdu_is_a_pdu_error(sm_length: int) -> None:
    octets = bytes(16) + bytes((sm_length,)) + b"xx"
    with pytest.raises(PduError) as caught:
        decode(a_frame(Command.DELIVER_SM, octets))
    assert caught.value.status is Status.INVALID_MESSAGE_LENGTH


LONG: list[tuple[str, int, Callable[[str], Body]]] = [
    ("system_id", 15, lambda x: Bind(x)),
    ("password", 64, lambda x: Bind("", x)),
    ("system_type", 12, lambda x: Bind("", system_type=x)),
    ("address_range", 40, lambda x: Bind("", address_range=x)),
    ("system_id", 15, lambda x: BindAnswer(x)),
    ("source_addr", 20, lambda x: ShortMessage(source=Address(x))),
    ("destination_addr", 20, lambda x: ShortMessage(destination=Address(x))),
    ("service_type", 5, lambda x: ShortMessage(service_type=x)),
    ("schedule_delivery_time", 16, lambda x: ShortMessage(schedule_time=x)),
    ("validity_period", 16, lambda x: ShortMessage(validity_period=x)),
    ("source_addr", 20, lambda x: DataMessage(source=Address(x))),
    ("destination_addr", 20, lambda x: DataMessage(destination=Address(x))),
    ("service_type", 5, lambda x: DataMessage(service_type=x)),
    ("message_id", 64, lambda x: MessageId(x)),
]


@pytest.mark.parametrize(("name", "longest", "make"), LONG)
def test_a_string_is_written_up_to_its_longest_and_not_beyond(
    name: str, longest: int, make: Callable[[str], Body]
) -> None:
    assert b"x" * longest + b"\0" in encode(Pdu(1, 1, 0, make("x" * longest)))
    with pytest.raises(ValueError, match=name):
        encode(Pdu(1, 1, 0, make("x" * (longest + 1))))


@pytest.mark.parametrize("text", ["a\0b", "\0", "\u20ac"])
def test_a_string_with_nul_or_beyond_latin_1_is_not_written(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        encode(Pdu(Command.SUBMIT_SM, 1, 0, ShortMessage(source=Address(text))))


@pytest.mark.parametrize(
    "body",
    [
        ShortMessage(text=b"x" * 255),
        ShortMessage(esm_class=256),
        ShortMessage(source=Address("", -1, 0)),
        DataMessage(data_coding=300),
        Bind("", interface_version=1000),
        ShortMessage(tlvs={Tag.MESSAGE_PAYLOAD: b"x" * 65_536}),
        ShortMessage(tlvs={65_536: b""}),
    ],
)
def test_a_field_that_does_not_fit_is_a_value_error(body: Body) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        encode(Pdu(Command.SUBMIT_SM, 1, 0, body))


def test_254_octets_are_the_longest_short_message() -> None:
    frame = encode(Pdu(Command.SUBMIT_SM, 1, 0, ShortMessage(text=b"x" * 254)))
    assert frame[-255:] == b"\xfe" + b"x" * 254


def test_passwords_and_texts_are_not_shown() -> None:
    assert "secret" not in repr(Bind("me", "secret"))
    assert "secret" not in repr(ShortMessage(text=b"secret", tlvs={Tag.MESSAGE_PAYLOAD: b"secret"}))
    assert "secret" not in repr(DataMessage(tlvs={Tag.MESSAGE_PAYLOAD: b"secret"}))


OCTET = st.integers(0, 255)
UINT32 = st.integers(0, 0xFFFFFFFF)
TLVS = st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=300), max_size=5)


def strings(longest: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=longest)


ADDRESSES = st.builds(Address, strings(20), OCTET, OCTET)
BINDS = st.builds(Bind, strings(15), strings(64), strings(12), OCTET, OCTET, OCTET, strings(40))
MESSAGES = st.builds(
    ShortMessage,
    source=ADDRESSES,
    destination=ADDRESSES,
    text=st.binary(max_size=254),
    esm_class=OCTET,
    data_coding=OCTET,
    registered_delivery=OCTET,
    validity_period=strings(16),
    service_type=strings(5),
    protocol_id=OCTET,
    priority=OCTET,
    schedule_time=strings(16),
    replace_if_present=OCTET,
    default_message=OCTET,
    tlvs=TLVS,
)
DATA_MESSAGES = st.builds(DataMessage, ADDRESSES, ADDRESSES, OCTET, OCTET, OCTET, strings(5), TLVS)
BODIES: list[tuple[list[Command], st.SearchStrategy[Any]]] = [
    ([Command.BIND_RECEIVER, Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER], BINDS),
    (
        [
            Command.BIND_RECEIVER_RESP,
            Command.BIND_TRANSMITTER_RESP,
            Command.BIND_TRANSCEIVER_RESP,
        ],
        st.builds(BindAnswer, strings(15), TLVS),
    ),
    ([Command.SUBMIT_SM, Command.DELIVER_SM], MESSAGES),
    ([Command.DATA_SM], DATA_MESSAGES),
    (
        [Command.SUBMIT_SM_RESP, Command.DELIVER_SM_RESP, Command.DATA_SM_RESP],
        st.builds(MessageId, strings(64), TLVS),
    ),
    (
        [
            Command.UNBIND,
            Command.UNBIND_RESP,
            Command.ENQUIRE_LINK,
            Command.ENQUIRE_LINK_RESP,
            Command.GENERIC_NACK,
        ],
        st.just(NOTHING),
    ),
    ([Command.QUERY_SM, Command.OUTBIND], st.builds(Raw, st.binary(max_size=300))),
]


@pytest.mark.parametrize(("commands", "bodies"), BODIES)
def test_what_is_written_is_read_back(
    commands: list[Command], bodies: st.SearchStrategy[Any]
) -> None:
    @BOUNDED
    @given(st.sampled_from(commands), UINT32, UINT32, bodies)
    def holds(command: Command, sequence: int, status: int, body: Body) -> None:
        pdu = Pdu(command, sequence, status, body)
        frame = encode(pdu)
        assert int.from_bytes(frame[:4], "big") == len(frame)
        assert decode(frame) == pdu

    holds()


def test_every_command_that_is_known_is_among_them() -> None:
    assert {command for commands, _ in BODIES for command in commands} >= {c for c, *_ in BY_HAND}


@settings(deadline=None, max_examples=1000, derandomize=True)
@given(st.one_of(st.sampled_from(list(Command)), UINT32), UINT32, UINT32, st.binary(max_size=400))
def test_whatever_comes_is_understood_or_a_pdu_error(
    command: int, status: int, sequence: int, body: bytes
) -> None:
    try:
        pdu = decode(a_frame(command, body, status, sequence))
    except PduError as error:
        told = error.command, status, error.sequence
    else:
        told = pdu.command, pdu.status, pdu.sequence
    assert told == (command, status, sequence)


def test_each_kind_of_body_is_in_the_table_above() -> None:
    assert {type(body) for _, _, body in BY_HAND} == set(Body.__args__)
