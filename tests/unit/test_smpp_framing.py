import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgate_server.carriers.smpp.framing import MAX_LENGTH, Framer, FramingError

BOUNDED = settings(deadline=None, max_examples=200, derandomize=True)
ENQUIRE_LINK = bytes.fromhex("00000010 00000015 00000000 00000001")
SUBMIT_ANSWER = bytes.fromhex("00000013 80000004 00000000 00000002 31 66 00")


def a_frame(length: int) -> bytes:
    return length.to_bytes(4, "big") + bytes(length - 4)


def cut(framer: Framer, data: bytes) -> list[bytes]:
    return list(framer.feed(data))


def test_a_frame_comes_out_with_its_last_byte_and_not_before() -> None:
    framer = Framer()
    for octet in SUBMIT_ANSWER[:-1]:
        assert cut(framer, bytes([octet])) == []
    assert cut(framer, SUBMIT_ANSWER[-1:]) == [SUBMIT_ANSWER]


def test_many_frames_in_one_piece_come_out_in_order() -> None:
    frames = [ENQUIRE_LINK, SUBMIT_ANSWER, a_frame(300), ENQUIRE_LINK]
    assert cut(Framer(), b"".join(frames)) == frames


def test_half_a_frame_after_a_whole_one_waits_for_the_rest() -> None:
    framer = Framer()
    assert cut(framer, ENQUIRE_LINK + SUBMIT_ANSWER[:9]) == [ENQUIRE_LINK]
    assert cut(framer, b"") == []
    assert cut(framer, SUBMIT_ANSWER[9:] + ENQUIRE_LINK[:3]) == [SUBMIT_ANSWER]
    assert cut(framer, ENQUIRE_LINK[3:]) == [ENQUIRE_LINK]


@pytest.mark.parametrize("length", [16, 17, 65_536 + 300, MAX_LENGTH])
def test_a_possible_length_is_taken(length: int) -> None:
    assert cut(Framer(), a_frame(length)) == [a_frame(length)]


@pytest.mark.parametrize("length", [0, 1, 4, 15, MAX_LENGTH + 1, 0x47455420, 0xFFFFFFFF])
def test_an_impossible_length_is_noticed_with_its_fourth_byte(length: int) -> None:
    framer = Framer()
    octets = length.to_bytes(4, "big")
    assert cut(framer, octets[:3]) == []
    with pytest.raises(FramingError, match=f"claims to have {length} octets"):
        cut(framer, octets[3:])


def test_frames_before_an_impossible_length_come_out_first() -> None:
    frames = Framer().feed(ENQUIRE_LINK + SUBMIT_ANSWER + bytes(4))
    assert next(frames) == ENQUIRE_LINK
    assert next(frames) == SUBMIT_ANSWER
    with pytest.raises(FramingError):
        next(frames)


@BOUNDED
@given(
    st.lists(st.integers(16, 400).map(a_frame), max_size=12),
    st.lists(st.integers(1, 500), min_size=1, max_size=20),
)
def test_however_the_stream_is_cut_the_same_frames_come_out(
    frames: list[bytes], sizes: list[int]
) -> None:
    framer, stream, found, turn = Framer(), b"".join(frames), [], 0
    while stream:
        size = sizes[turn % len(sizes)]
        found += framer.feed(stream[:size])
        stream, turn = stream[size:], turn + 1
    assert found == frames


def test_a_frame_is_bytes_of_its_own() -> None:
    framer = Framer()
    piece = bytearray(ENQUIRE_LINK)
    (frame,) = cut(framer, piece)
    piece[:] = bytes(16)
    assert type(frame) is bytes
    assert frame == ENQUIRE_LINK
