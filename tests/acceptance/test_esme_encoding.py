"""What node-smpp reads from our submit_sm: texts, alphabets, parts, addresses and validity."""

import time
from collections.abc import Sequence
from typing import Any

import pytest
from tests.acceptance.esme_setup import (
    ACCEPTED,
    REFUSED,
    Heard,
    NodeSmsc,
    a_text,
    an_esme,
    done,
)
from tests.builders import OTHER_RECIPIENT, T0, hours

from smsgate_server.domain.message import Message

GSM7, UCS2 = 0, 8
UDHI = 0x40

# Each character of the default alphabet and its extension, but for ESC itself.
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"
HEADERS = {"udh8": "0003", "udh16": "0804"}
FORMS = ["udh8", "udh16", "sar"]


async def submitted(text: str | Message, parts: int = 1, **settings: Any) -> Sequence[Heard]:
    """The parts of one message, and no more than those."""
    message = a_text(text) if isinstance(text, str) else text
    async with NodeSmsc() as smsc, an_esme(smsc, **settings) as esme:
        outcome = await esme.submit(message)
        await smsc.barrier()
        assert outcome.kind is ACCEPTED
        assert outcome.carrier_ids == tuple(f"node-{n + 1}" for n in range(parts))
        assert smsc.errors == []
        found = await smsc.all("submit_sm")
        assert len(found) == parts
        return found


# One part


@pytest.mark.parametrize("text", [BASIC, EXTENSION, "Hello", "line\nline\r\n", "a" * 160])
async def test_a_text_of_the_default_alphabet_is_read_as_it_was_sent(text: str) -> None:
    (submit,) = await submitted(text)
    assert submit.text == text
    assert submit.fields["data_coding"] == GSM7
    assert submit.fields["esm_class"] == 0
    assert "message_payload" not in submit.fields


@pytest.mark.parametrize("text", ["Привет", "日本語", "😀👨‍👩‍👧", "ç", "й" * 70, "e\u0301"])
async def test_a_text_beyond_the_default_alphabet_is_sent_in_ucs_2(text: str) -> None:
    (submit,) = await submitted(text)
    assert submit.text == text
    assert submit.fields["data_coding"] == UCS2
    assert submit.fields["esm_class"] == 0


async def test_addresses_are_written_as_carriers_want_them() -> None:
    (submit,) = await submitted("Hello")
    fields = submit.fields
    sender = (fields["source_addr"], fields["source_addr_ton"], fields["source_addr_npi"])
    assert sender == ("ACME", 5, 0)
    recipient = (fields["destination_addr"], fields["dest_addr_ton"], fields["dest_addr_npi"])
    assert recipient == ("436641234567", 1, 1)


async def test_addresses_are_written_as_a_carrier_is_set() -> None:
    settings: dict[str, Any] = {"sender": (1, 1), "recipient": (0, 8), "service_type": "CMT"}
    (submit,) = await submitted("Hello", **settings)
    fields = submit.fields
    assert (fields["source_addr_ton"], fields["source_addr_npi"]) == (1, 1)
    assert (fields["dest_addr_ton"], fields["dest_addr_npi"]) == (0, 8)
    assert fields["service_type"] == "CMT"


@pytest.mark.parametrize(("receipts", "registered"), [("each", 1), ("last", 1), ("none", 0)])
async def test_every_part_asks_for_a_receipt_unless_none_is_wanted(
    receipts: str, registered: int
) -> None:
    parts = await submitted("a" * 400, 3, receipts=receipts)
    assert [part.fields["registered_delivery"] for part in parts] == [registered] * 3


# Alphabets that a carrier may have instead


async def in_alphabet(alphabet: str, text: str, parts: int = 1) -> Sequence[Heard]:
    async with NodeSmsc(alphabet="LATIN1") as smsc, an_esme(smsc, alphabet=alphabet) as esme:
        assert (await esme.submit(a_text(text))).kind is ACCEPTED
        return await smsc.heard("submit_sm", parts)


@pytest.mark.parametrize(
    ("alphabet", "text", "coding"),
    [
        ("latin1", "Grüße à ñ ¿@$_{}[]~^|", 0),
        ("latin1", "5 €", 8),
        ("latin1", "ΔΩ", 8),
        ("ascii", "plain @$_{}[]~^|", 0),
        ("ascii", "Grüße", 8),
    ],
)
async def test_what_the_carriers_alphabet_lacks_is_sent_in_ucs_2(
    alphabet: str, text: str, coding: int
) -> None:
    (submit,) = await in_alphabet(alphabet, text)
    assert submit.text == text
    assert submit.fields["data_coding"] == coding


async def test_what_the_carriers_alphabet_lacks_may_take_more_parts() -> None:
    text = "Grüße " * 20
    first, second = await in_alphabet("ascii", text, parts=2)
    assert first.text + second.text == text
    assert (first.header[-4:], second.header[-4:]) == ("0201", "0202")


# Many parts

LONG = {
    GSM7: "Zwölf Boxkämpfer jagen {Viktor} für 5€. " * 12,
    UCS2: "Съешь ещё этих мягких французских булок 😀. " * 6,
}


@pytest.mark.parametrize("form", ["udh8", "udh16"])
@pytest.mark.parametrize("coding", [GSM7, UCS2])
async def test_parts_are_tied_together_by_a_user_data_header(form: str, coding: int) -> None:
    parts = await submitted(LONG[coding], 4, concatenation=form)
    assert "".join(part.text for part in parts) == LONG[coding]
    reference = parts[0].header[4:-4]
    assert len(reference) == (2 if form == "udh8" else 4)
    for number, part in enumerate(parts, start=1):
        assert part.header == f"{HEADERS[form]}{reference}04{number:02x}"
        assert part.fields["esm_class"] == UDHI
        assert part.fields["data_coding"] == coding


@pytest.mark.parametrize("coding", [GSM7, UCS2])
async def test_parts_are_tied_together_by_sar_parameters(coding: int) -> None:
    parts = await submitted(LONG[coding], 4, concatenation="sar")
    assert "".join(part.text for part in parts) == LONG[coding]
    references = {part.fields["sar_msg_ref_num"] for part in parts}
    assert len(references) == 1
    assert [part.fields["sar_segment_seqnum"] for part in parts] == [1, 2, 3, 4]
    for part in parts:
        assert part.fields["sar_total_segments"] == 4
        assert part.header == ""
        assert part.fields["esm_class"] == 0
        assert part.fields["data_coding"] == coding


@pytest.mark.parametrize("coding", [GSM7, UCS2])
async def test_a_long_text_goes_whole_into_message_payload(coding: int) -> None:
    (submit,) = await submitted(LONG[coding], concatenation="payload")
    assert submit.fields["message_payload"]["message"] == LONG[coding]
    assert submit.fields["short_message"]["message"] == ""
    assert submit.fields["esm_class"] == 0
    assert submit.fields["data_coding"] == coding


async def test_the_longest_text_goes_into_message_payload() -> None:
    text = "й" * 67 * 32
    (submit,) = await submitted(text, concatenation="payload")
    assert submit.text == text


@pytest.mark.parametrize("form", [*FORMS, "payload"])
@pytest.mark.parametrize("text", ["a" * 160, "€" * 80, "й" * 70, "😀" * 35])
async def test_a_text_that_just_fits_is_one_part_without_a_tie(form: str, text: str) -> None:
    (submit,) = await submitted(text, concatenation=form)
    assert submit.text == text
    assert submit.header == ""
    assert not {"sar_msg_ref_num", "message_payload"} & submit.fields.keys()


@pytest.mark.parametrize(
    ("form", "text", "lengths"),
    [
        ("udh8", "a" * 161, [153, 8]),
        ("udh8", "a" * 306, [153, 153]),
        ("udh8", "a" * 307, [153, 153, 1]),
        ("udh16", "a" * 161, [152, 9]),
        ("udh16", "a" * 304, [152, 152]),
        ("udh16", "a" * 305, [152, 152, 1]),
        ("udh16", "a" * 306, [152, 152, 2]),
        ("sar", "a" * 306, [153, 153]),
        ("udh8", "й" * 71, [67, 4]),
        ("udh8", "й" * 134, [67, 67]),
        ("udh8", "й" * 135, [67, 67, 1]),
        ("udh16", "й" * 132, [66, 66]),
        ("udh16", "й" * 133, [66, 66, 1]),
        ("udh16", "й" * 134, [66, 66, 2]),
        ("sar", "й" * 134, [67, 67]),
        # An escape and its code, the halves of a character, and what is one to the reader.
        ("udh8", "a" * 152 + "€" + "a" * 20, [152, 21]),
        ("udh16", "a" * 151 + "€" + "a" * 20, [151, 21]),
        ("sar", "a" * 152 + "€" + "a" * 20, [152, 21]),
        ("udh8", "й" * 66 + "😀" + "й" * 20, [66, 21]),
        ("udh16", "й" * 65 + "😀" + "й" * 20, [65, 21]),
        ("sar", "й" * 66 + "😀" + "й" * 20, [66, 21]),
        ("udh8", "й" * 66 + "e\u0301" + "й" * 20, [66, 22]),
        ("udh8", "й" * 60 + "👨‍👩‍👧" + "й" * 20, [60, 25]),
    ],
)
async def test_parts_are_as_full_as_can_be_and_no_character_is_cut(
    form: str, text: str, lengths: list[int]
) -> None:
    parts = await submitted(text, len(lengths), concatenation=form)
    assert [len(part.text) for part in parts] == lengths
    assert "".join(part.text for part in parts) == text


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", ["€" * 200, "😀" * 100, "a€" * 120, "й😀" * 60])
async def test_no_text_of_pairs_is_torn(form: str, text: str) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, concatenation=form) as esme:
        outcome = await esme.submit(a_text(text))
        parts = await smsc.heard("submit_sm", len(outcome.carrier_ids))
        assert "".join(part.text for part in parts) == text
        assert all("\x1b" not in part.text for part in parts)
        assert all(part.text.isprintable() for part in parts)


@pytest.mark.parametrize("form", FORMS)
async def test_long_messages_to_one_recipient_have_different_references(form: str) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, concatenation=form) as esme:
        long = "a" * 200
        messages = [a_text(long) for _ in range(20)]
        between = [a_text(long, recipient=OTHER_RECIPIENT) for _ in range(20)]
        await done(*(esme.begin(m) for pair in zip(messages, between, strict=True) for m in pair))
        parts = await smsc.heard("submit_sm", 80)
        to_one = [p for p in parts if p.fields["destination_addr"] == "436641234567"]
        references = {p.header[4:-4] or p.fields["sar_msg_ref_num"] for p in to_one}
        assert len(references) == 20


@pytest.mark.parametrize("form", [*FORMS, "payload"])
async def test_a_text_of_too_many_segments_is_refused_and_not_sent(form: str) -> None:
    settings: dict[str, Any] = {"max_segments": 2, "concatenation": form}
    async with NodeSmsc() as smsc, an_esme(smsc, **settings) as esme:
        outcome = await esme.submit(a_text("a" * 307))
        assert (outcome.kind, outcome.temporary) == (REFUSED, False)
        assert outcome.code == "3 segments; the carrier takes 2"
        await smsc.barrier()
        assert (await smsc.all("submit_sm")) == []


# Validity


async def test_the_carrier_is_told_how_long_it_may_try() -> None:
    (submit,) = await submitted(a_text("Hello", expire_time=T0 + hours(48)))
    validity = submit.fields["validity_period"]
    assert validity["text"] == "000002000000000R"
    assert validity["seconds"] == pytest.approx(48 * 3600, abs=5)


@pytest.mark.parametrize("seconds", [1, 59, 60, 3599, 90_061])
async def test_a_shorter_validity_is_told_to_the_second(seconds: int) -> None:
    (submit,) = await submitted(a_text("Hello", expire_time=T0 + hours(seconds / 3600)))
    assert submit.fields["validity_period"]["seconds"] == pytest.approx(seconds, abs=2)


async def test_the_carrier_may_be_told_when_to_give_up_instead() -> None:
    message = a_text("Hello", expire_time=T0 + hours(48))
    (submit,) = await submitted(message, validity="absolute")
    validity = submit.fields["validity_period"]
    assert validity["text"] == "250303120000000+"
    there = validity["seconds"] + time.time()
    assert there == pytest.approx((T0 + hours(48)).timestamp(), abs=5)


async def test_a_carrier_may_be_told_nothing_of_validity() -> None:
    (submit,) = await submitted("Hello", validity="none")
    assert submit.fields["validity_period"] == ""
