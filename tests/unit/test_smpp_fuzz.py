"""Traffic that was damaged on the way, in great number: nothing of it may end a session or break
it, but a length that cannot be. A failure prints the seed and the PDU.
"""

import random
from collections import Counter

import pytest

from smsgate_server.carriers.smpp.codes import Command, Status, Tag
from smsgate_server.carriers.smpp.framing import MAX_LENGTH, Framer
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
    Raw,
    ShortMessage,
    decode,
    encode,
)
from smsgate_server.carriers.smpp.session import (
    Answered,
    Asked,
    End,
    Ended,
    Event,
    Session,
    Stray,
    Timers,
    Unanswered,
)

SEED = 20250301
COUNT = 100_000
STREAMS = 300
WINDOW = 10
TIMERS = Timers(response=10.0, enquire_link=30.0)

HANDSET, SENDER = Address("436641234567", 1, 1), Address("ACME", 5, 0)
LONG = {Tag.SAR_MSG_REF_NUM: b"\0\1", Tag.SAR_TOTAL_SEGMENTS: b"\2", Tag.SAR_SEGMENT_SEQNUM: b"\1"}
RECEIPT = ShortMessage(
    HANDSET,
    SENDER,
    b"id:1f sub:001 dlvrd:001 submit date:2503011200 done date:2503011201 stat:DELIVRD err:000 "
    b"text:Hello",
    esm_class=4,
    tlvs={Tag.RECEIPTED_MESSAGE_ID: b"1f\0", Tag.MESSAGE_STATE: b"\2"},
)
BODIES: list[tuple[Command, Body]] = [
    (Command.DELIVER_SM, RECEIPT),
    (Command.DELIVER_SM, ShortMessage(SENDER, HANDSET, b"Hi", tlvs={Tag.MESSAGE_PAYLOAD: b"Hi"})),
    (Command.SUBMIT_SM, ShortMessage(SENDER, HANDSET, b"\0A\0B", data_coding=8, tlvs=LONG)),
    (Command.DATA_SM, DataMessage(HANDSET, SENDER, 4, tlvs=RECEIPT.tlvs)),
    (Command.SUBMIT_SM_RESP, MessageId("1f")),
    (Command.SUBMIT_SM_RESP, MessageId("1f", {0x1D: b"why"})),
    (Command.DELIVER_SM_RESP, NO_ID),
    (Command.BIND_TRANSCEIVER, Bind("me", "secret")),
    (Command.BIND_TRANSCEIVER_RESP, BindAnswer("smsc", {Tag.SC_INTERFACE_VERSION: b"\x34"})),
    (Command.ENQUIRE_LINK_RESP, NOTHING),
    (Command.UNBIND_RESP, NOTHING),
    (Command.GENERIC_NACK, NOTHING),
    (Command.QUERY_SM, Raw(b"1f\0\1\00143\0")),
    (Command.ALERT_NOTIFICATION, Raw(b"\1\00143\0\5\0A\0")),
]
FRAMES = [encode(Pdu(command, 0, 0, body)) for command, body in BODIES]
ASKED_FOR = {End.ESME: (Command.SUBMIT_SM, BODIES[2][1]), End.SMSC: (Command.DELIVER_SM, RECEIPT)}
LIFE_SIGN = encode(Pdu(Command.ENQUIRE_LINK, 0x01020304))
LIFE_SIGN_ANSWER = encode(Pdu(Command.ENQUIRE_LINK_RESP, 0x01020304))


def damaged(rng: random.Random, octets: bytearray) -> None:
    """One to four changes after the length and before the end."""
    for _ in range(rng.randint(1, 4)):
        position = rng.randrange(4, len(octets)) if len(octets) > 4 else 4
        kind = rng.random()
        if kind < 0.5 and position < len(octets):
            octets[position] = rng.choice((0, 0xFF, 0x7F, 0x80, rng.randrange(256)))
        elif kind < 0.65:
            octets[position:position] = rng.randbytes(rng.choice((1, 2, 30)))
        elif kind < 0.8:
            del octets[position : position + rng.choice((1, 2, 30))]
        elif kind < 0.95:
            del octets[position:]
        else:
            octets += octets[position:]


def a_damaged_pdu(rng: random.Random, session: Session) -> bytes:
    """Mostly with the sequence of a request under way; its length is that of what is there."""
    octets = bytearray(rng.choice(FRAMES))
    open_requests = list(session._outstanding) or [1]
    octets[12:16] = rng.choice(open_requests).to_bytes(4, "big")
    if rng.random() < 0.8:
        damaged(rng, octets)
    octets += bytes(max(16 - len(octets), 0))
    octets[0:4] = len(octets).to_bytes(4, "big")
    return bytes(octets)


def a_bound_session(end: End, now: float) -> Session:
    session = Session(end, TIMERS, WINDOW, now)
    command = Command.BIND_TRANSCEIVER
    if end is End.ESME:
        session.bind(command, Bind("me"), now)
        session.receive(encode(Pdu(Command.BIND_TRANSCEIVER_RESP, 1, 0, BindAnswer())), now)
    else:
        for event in session.receive(encode(Pdu(command, 1, 0, Bind("me"))), now):
            assert isinstance(event, Asked)
            session.answer(event.pdu, 0, BindAnswer())
    session.outgoing()
    return session


class Traffic:
    """One session after another, each as long as it lives."""

    def __init__(self, end: End, seed: int) -> None:
        self.rng = random.Random(seed)
        self.end = end
        self.now = 0.0
        self.session = a_bound_session(end, 0.0)
        self.seen: Counter[type[Event]] = Counter()
        self.ends: Counter[str] = Counter()

    def step(self, octets: bytes) -> None:
        """What came, and a question after it which shows that the session goes on."""
        session = self.session
        impossible = self.rng.random() < 0.001
        if impossible:
            length = self.rng.choice((0, 15, MAX_LENGTH + 1, 0xFFFFFFFF))
            octets = length.to_bytes(4, "big") + octets[4:]
        events = session.receive(octets + LIFE_SIGN, self.now)
        self.note(events)
        goodbye = octets[4:8] in (b"\0\0\0\6", b"\x80\0\0\6")
        if session.state.bound:
            assert not impossible
            assert session.outgoing().endswith(LIFE_SIGN_ANSWER)
            self.answer(events)
        else:
            assert impossible or goodbye
            assert isinstance(events[-1], Ended)
            self.session = a_bound_session(self.end, self.now)

    def note(self, events: list[Event]) -> None:
        self.seen.update(map(type, events))
        ends = [event.why for event in events if isinstance(event, Ended)]
        assert len(ends) <= 1
        self.ends.update("length" if "claims" in why else why for why in ends)

    def answer(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Asked):
                status = self.rng.choice((Status.OK, Status.TEMPORARY_APP_ERROR))
                self.session.answer(event.pdu, status, NO_ID)

    def turn(self) -> None:
        """Time passes, and what can be asked is asked."""
        self.now += self.rng.random() / 5
        if self.now >= self.session.next_time():
            events = self.session.tick(self.now)
            self.note(events)
            if not self.session.state.bound:
                assert isinstance(events[-1], Ended)
                self.session = a_bound_session(self.end, self.now)
        if self.session.free:
            self.session.ask(*ASKED_FOR[self.end], "token", self.now)
        written = list(Framer().feed(self.session.outgoing()))
        assert all(decode(frame) for frame in written)

    def check_memory(self) -> None:
        session = self.session
        assert 0 <= session._overdue <= session.under_way <= WINDOW
        assert session.under_way <= len(session._outstanding) <= WINDOW + 2
        # At most one is asked in a turn, of which there are about ten a second.
        assert len(session._deadlines) <= 20 * TIMERS.response
        assert len(session._framer._buffer) < MAX_LENGTH
        assert session._out == []


@pytest.mark.parametrize("end", [End.ESME, End.SMSC])
def test_damaged_pdus_neither_end_nor_break_a_session(end: End) -> None:
    traffic = Traffic(end, SEED)
    for number in range(COUNT // 2):
        octets = a_damaged_pdu(traffic.rng, traffic.session)
        try:
            traffic.step(octets)
            traffic.turn()
            traffic.check_memory()
        except Exception as error:
            pytest.fail(f"seed {SEED}, {end.name}, PDU {number}, {octets.hex()}: {error!r}")
    # All that can happen did happen; else this would prove little.
    assert set(traffic.seen) == {Asked, Answered, Unanswered, Stray, Ended}
    assert min(traffic.seen.values()) >= 50, traffic.seen
    assert traffic.ends["length"] >= 20, traffic.ends


@pytest.mark.parametrize("end", [End.ESME, End.SMSC])
def test_a_damaged_stream_in_pieces_of_any_size_ends_cleanly_or_goes_on(end: End) -> None:
    rng = random.Random(SEED)
    ends = 0
    for number in range(STREAMS):
        session = a_bound_session(end, 0.0)
        stream = bytearray(b"".join(rng.choices(FRAMES, k=20)))
        for _ in range(rng.randint(1, 10)):
            stream[rng.randrange(len(stream))] = rng.randrange(256)
        heard: list[Event] = []
        try:
            while stream:
                size = rng.choice((1, 7, 100, 1000))
                heard += session.receive(bytes(stream[:size]), 1.0)
                del stream[:size]
        except Exception as error:
            pytest.fail(f"seed {SEED}, {end.name}, stream {number}: {error!r}")
        assert [type(event) for event in heard].count(Ended) == (not session.state.bound)
        assert not any(isinstance(event, Ended) for event in heard[:-1])
        ends += not session.state.bound
    assert 0 < ends < STREAMS
