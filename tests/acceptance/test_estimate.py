"""EstimateMessage: what its comments in the contract promise."""

from google.type.money_pb2 import Money
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import ITALIAN, MessageStub, refusal_of

from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as pb


async def estimate(stub: MessageStub, text: str, **fields: object) -> pb.EstimateMessageResponse:
    request = pb.EstimateMessageRequest(text=text, **fields)  # type: ignore[arg-type]
    answer: pb.EstimateMessageResponse = await stub.EstimateMessage(request)
    return answer


async def test_an_estimate_stores_sends_and_costs_nothing(gateway: Gateway) -> None:
    answer = await estimate(gateway.stub, "Ciao!", recipient=ITALIAN)
    assert not answer.would_fail_with
    assert await gateway.message_count() == 0


async def test_it_shows_the_segments_one_by_one(stub: MessageStub) -> None:
    answer = await estimate(stub, "a" * 152 + "€" + "b" * 20)
    assert answer.encoding == message_pb2.ENCODING_GSM7
    assert (answer.characters, answer.segment_count) == (173, 2)
    shown = [(s.text, s.units_used, s.units_available) for s in answer.segments]
    # The euro sign takes two septets, which are never parted.
    assert shown == [("a" * 152, 152, 153), ("€" + "b" * 20, 22, 153)]


async def test_it_names_the_characters_that_force_ucs2_and_a_cheaper_spelling(
    stub: MessageStub,
) -> None:
    text = "Olà ’ê 日" + "x" * 70
    answer = await estimate(stub, text)
    assert answer.encoding == message_pb2.ENCODING_UCS2
    forcing = [
        (f.character, f.code_point, f.offset, f.substitute) for f in answer.forcing_characters
    ]
    assert forcing[0] == ("’", "U+2019", 4, "'")
    assert ("日", "U+65E5", 7, "") in forcing
    cheaper = await estimate(stub, "It’s " + "x" * 100)
    assert cheaper.segment_count == 2
    assert cheaper.cheaper_text == "It's " + "x" * 100
    assert cheaper.cheaper_segment_count == 1
    plain = await estimate(stub, "It's")
    assert (list(plain.forcing_characters), plain.cheaper_text, plain.cheaper_segment_count) == (
        [],
        "",
        0,
    )


async def test_at_most_100_segments_and_forcing_characters_are_shown(stub: MessageStub) -> None:
    answer = await estimate(stub, "日" * 5_000)
    assert len(answer.forcing_characters) <= 100
    assert answer.segment_count == 75
    assert len(answer.segments) == 75
    assert [refusal_of(s).reason for s in answer.would_fail_with] == ["TOO_MANY_SEGMENTS"]


async def test_a_flat_price_is_exact(stub: MessageStub) -> None:
    answer = await estimate(stub, "a" * 161, recipient=ITALIAN)
    assert answer.country == "IT"
    assert answer.price_per_segment == Money(currency_code="EUR", nanos=36_000_000)
    assert answer.total_price == Money(currency_code="EUR", nanos=72_000_000)
    assert answer.min_total_price == answer.total_price
    assert answer.price_exact


async def test_an_unknown_price_is_unset(stub: MessageStub) -> None:
    for recipient in ("+436641234567", ""):
        answer = await estimate(stub, "a", recipient=recipient)
        assert answer.price_status == message_pb2.PRICE_STATUS_UNKNOWN
        unset = ("price_per_segment", "total_price", "min_total_price")
        assert not [name for name in unset if answer.HasField(name)]
        assert not answer.price_exact


async def test_what_is_missing_is_not_checked(stub: MessageStub) -> None:
    answer = await estimate(stub, "Ciao!")
    assert not answer.would_fail_with
    assert (answer.country, answer.sender) == ("", "Openapi")


async def test_everything_that_would_make_the_send_fail_is_told(
    start_gateway: StartGateway,
) -> None:
    gateway = await start_gateway(forbidden_words=("casino",))
    answer = await estimate(
        gateway.stub,
        "casino " + "x" * 160,
        sender="!",
        recipient="+436641234567",
        options=pb.SendOptions(
            fail_on_multiple_messages=True, max_price=Money(currency_code="EUR", units=1)
        ),
    )
    told = [refusal_of(status) for status in answer.would_fail_with]
    assert {refusal.reason for refusal in told} == {
        "INVALID_SENDER",
        "FORBIDDEN_CONTENT",
        "PRICE_UNKNOWN",
    }
    assert told[0].reasons == {"sender": "INVALID_SENDER", "text": "MULTIPLE_SEGMENTS"}


async def test_it_shows_the_text_as_it_would_be_sent(stub: MessageStub) -> None:
    answer = await estimate(stub, "L’albero", options=pb.SendOptions(smart_encoding=True))
    assert (answer.text, answer.substituted_characters) == ("L'albero", 1)
    answer = await estimate(stub, "L’albero")
    assert (answer.text, answer.substituted_characters) == ("L’albero", 0)


async def test_a_text_that_is_far_too_long_is_still_estimated(stub: MessageStub) -> None:
    answer = await estimate(stub, "a" * 1_000_000)
    assert [refusal_of(s).reason for s in answer.would_fail_with] == ["FIELD_TOO_LONG"]
