"""Both ends of the protocol, talking to each other in memory; the time is the test's."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgate_server.carriers.smpp.codes import MAX_SEQUENCE, RESPONSE, Command, Status
from smsgate_server.carriers.smpp.framing import MAX_LENGTH, Framer
from smsgate_server.carriers.smpp.pdu import (
    NO_ID,
    NOTHING,
    Bind,
    BindAnswer,
    Body,
    DataMessage,
    MessageId,
    Pdu,
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
    State,
    Stray,
    Timers,
    Unanswered,
)

WINDOW = 3
TIMERS = Timers(response=10.0, enquire_link=60.0)
ME = Bind("me", "secret")
SMSC = BindAnswer("smsc")
HELLO = ShortMessage(text=b"Hello")
RECEIPT = ShortMessage(text=b"id:1 stat:DELIVRD", esm_class=4)
FOREVER = float("inf")

MODES = [
    (Command.BIND_TRANSMITTER, State.BOUND_TRANSMITTER),
    (Command.BIND_RECEIVER, State.BOUND_RECEIVER),
    (Command.BIND_TRANSCEIVER, State.BOUND_TRANSCEIVER),
]


class Link:
    """An ESME and an SMSC; what one writes the other reads when `run` is called."""

    def __init__(self, window: int = WINDOW) -> None:
        self.now = 1000.0
        self.esme = Session(End.ESME, TIMERS, window, self.now)
        self.smsc = Session(End.SMSC, TIMERS, window, self.now)

    def run(self) -> tuple[list[Event], list[Event]]:
        """What the ESME and the SMSC hear until both are silent."""
        at_esme: list[Event] = []
        at_smsc: list[Event] = []
        while True:
            to_smsc, to_esme = self.esme.outgoing(), self.smsc.outgoing()
            if not to_smsc and not to_esme:
                return at_esme, at_smsc
            at_smsc += self.smsc.receive(to_smsc, self.now)
            at_esme += self.esme.receive(to_esme, self.now)

    def bind(self, command: Command = Command.BIND_TRANSCEIVER, status: int = 0) -> list[Event]:
        self.esme.bind(command, ME, self.now)
        _, (asked,) = self.run()
        assert isinstance(asked, Asked)
        assert asked.pdu.body == ME
        self.smsc.answer(asked.pdu, status, SMSC)
        return self.run()[0]

    def submit(self, *tokens: str) -> list[Pdu]:
        """The requests as the SMSC gets them."""
        for token in tokens:
            self.esme.ask(Command.SUBMIT_SM, HELLO, token, self.now)
        asked = [event for event in self.run()[1] if isinstance(event, Asked)]
        assert [event.pdu.body for event in asked] == [HELLO] * len(tokens)
        return [event.pdu for event in asked]

    def answer(self, pdu: Pdu, status: int = 0, body: Body = NO_ID) -> list[Event]:
        self.smsc.answer(pdu, status, body)
        return self.run()[0]

    def hear(self, *pdus: Pdu) -> list[Event]:
        """What the ESME makes of PDUs that no proper SMSC would send."""
        return self.esme.receive(b"".join(map(encode, pdus)), self.now)

    def said(self) -> list[Pdu]:
        """What the ESME has written, read by nobody else."""
        return pdus_of(self.esme.outgoing())

    def wait(self, seconds: float) -> list[Event]:
        """What time brings to the ESME."""
        self.now += seconds
        return self.esme.tick(self.now)


def pdus_of(octets: bytes) -> list[Pdu]:
    return [decode(frame) for frame in Framer().feed(octets)]


def a_bound_link(command: Command = Command.BIND_TRANSCEIVER, window: int = WINDOW) -> Link:
    link = Link(window)
    link.bind(command)
    return link


def tokens_of(events: list[Event]) -> list[Any]:
    return [event.token for event in events if isinstance(event, Answered | Unanswered)]


# Binding


@pytest.mark.parametrize(("command", "state"), MODES)
def test_both_ends_are_bound_in_the_mode_that_was_asked_for(command: Command, state: State) -> None:
    link = Link()
    assert link.esme.free == 0
    (answered,) = link.bind(command)
    assert isinstance(answered, Answered)
    assert answered.token is command
    assert answered.pdu.body == SMSC
    assert link.esme.state is link.smsc.state is state
    assert link.esme.free == link.smsc.free == WINDOW


@pytest.mark.parametrize(("command", "state"), MODES)
def test_who_is_refused_is_not_bound_and_may_ask_again(command: Command, state: State) -> None:
    link = Link()
    (answered,) = link.bind(command, Status.INVALID_PASSWORD)
    assert isinstance(answered, Answered)
    assert answered.pdu.status == Status.INVALID_PASSWORD
    assert link.esme.state is link.smsc.state is State.OPEN
    assert link.esme.free == 0
    link.bind(command)
    assert link.esme.state is link.smsc.state is state


@pytest.mark.parametrize("status", [0, Status.INVALID_COMMAND_ID])
def test_a_generic_nack_refuses_a_bind_whatever_its_status(status: int) -> None:
    link = Link()
    link.esme.bind(Command.BIND_TRANSCEIVER, ME, link.now)
    (answered,) = link.hear(Pdu(Command.GENERIC_NACK, 1, status))
    assert isinstance(answered, Answered)
    assert answered.pdu.status != 0
    assert link.esme.state is State.OPEN


def test_the_answer_to_another_kind_of_bind_binds_nobody() -> None:
    link = Link()
    link.esme.bind(Command.BIND_TRANSMITTER, ME, link.now)
    assert link.hear(Pdu(Command.BIND_TRANSCEIVER_RESP, 1, 0, SMSC)) == [
        Stray("an answer to nothing that was asked")
    ]
    assert link.esme.state is State.BINDING


def test_a_bind_without_an_answer_ends_the_session() -> None:
    link = Link()
    link.esme.bind(Command.BIND_TRANSCEIVER, ME, link.now)
    assert link.esme.next_time() == link.now + 10
    assert link.wait(9.9) == []
    assert link.wait(0.1) == [Ended("no answer to bind_transceiver")]
    assert link.esme.state is State.CLOSED


def test_a_bind_that_cannot_be_written_leaves_the_session_open() -> None:
    link = Link()
    with pytest.raises(ValueError, match="system_id"):
        link.esme.bind(Command.BIND_TRANSCEIVER, Bind("x" * 16), link.now)
    assert link.esme.state is State.OPEN
    link.bind()
    assert link.esme.state.bound


def test_receipts_in_one_piece_with_the_answer_to_the_bind_are_taken() -> None:
    link = Link()
    link.esme.bind(Command.BIND_TRANSCEIVER, ME, link.now)
    receipt = Pdu(Command.DELIVER_SM, 1, 0, RECEIPT)
    answered, asked = link.hear(Pdu(Command.BIND_TRANSCEIVER_RESP, 1, 0, SMSC), receipt)
    assert isinstance(answered, Answered)
    assert asked == Asked(receipt)


def test_a_second_bind_is_refused_and_the_first_stays() -> None:
    link = a_bound_link()
    again = encode(Pdu(Command.BIND_RECEIVER, 99, 0, ME))
    assert link.smsc.receive(again, link.now) == []
    assert pdus_of(link.smsc.outgoing()) == [
        Pdu(Command.BIND_RECEIVER_RESP, 99, Status.ALREADY_BOUND, BindAnswer())
    ]
    assert link.smsc.state is State.BOUND_TRANSCEIVER
    assert link.submit("a")


def test_a_malformed_bind_does_not_undo_the_first() -> None:
    link = a_bound_link()
    malformed = bytes.fromhex("00000012 00000009 00000000 00000063 41 00")
    assert [type(event) for event in link.smsc.receive(malformed, link.now)] == [Stray]
    assert link.smsc.state is State.BOUND_TRANSCEIVER
    (refusal,) = pdus_of(link.smsc.outgoing())
    assert refusal.status == Status.INVALID_MESSAGE_LENGTH


def test_of_two_binds_in_one_piece_the_second_is_refused() -> None:
    link = Link()
    first, second = Pdu(Command.BIND_RECEIVER, 1, 0, ME), Pdu(Command.BIND_TRANSCEIVER, 2, 0, ME)
    assert link.smsc.receive(encode(first) + encode(second), link.now) == [Asked(first)]
    link.smsc.answer(first, 0, SMSC)
    assert link.smsc.state is State.BOUND_RECEIVER
    answers = {pdu.sequence: pdu.status for pdu in pdus_of(link.smsc.outgoing())}
    assert answers == {1: 0, 2: Status.INVALID_BIND_STATUS}


@pytest.mark.parametrize("command", [command for command, _ in MODES])
def test_a_carrier_that_binds_to_us_changes_nothing(command: Command) -> None:
    link = a_bound_link()
    link.submit("a")
    assert link.hear(Pdu(command, 5, 0, ME)) == []
    assert link.said()[0].status == Status.ALREADY_BOUND
    assert link.esme.state is State.BOUND_TRANSCEIVER
    assert link.esme.free == WINDOW - 1


# Requests and answers


def test_an_answer_has_the_token_of_its_request() -> None:
    link = a_bound_link()
    (asked,) = link.submit("a")
    assert asked.command == Command.SUBMIT_SM
    assert link.answer(asked, 0, MessageId("1f")) == [
        Answered("a", Pdu(Command.SUBMIT_SM_RESP, asked.sequence, 0, MessageId("1f")))
    ]


def test_a_carrier_asks_us_and_is_answered_when_the_owner_says_so() -> None:
    link = a_bound_link()
    link.smsc.ask(Command.DELIVER_SM, RECEIPT, "r", link.now)
    at_esme, at_smsc = link.run()
    (asked,) = at_esme
    assert isinstance(asked, Asked)
    assert asked.pdu.body == RECEIPT
    assert at_smsc == []
    link.esme.answer(asked.pdu, Status.TEMPORARY_APP_ERROR, NO_ID)
    _, (answered,) = link.run()
    assert isinstance(answered, Answered)
    assert (answered.token, answered.pdu.status) == ("r", Status.TEMPORARY_APP_ERROR)


def test_answers_may_come_in_any_order() -> None:
    link = a_bound_link()
    asked = link.submit("a", "b", "c")
    events = [event for pdu in reversed(asked) for event in link.answer(pdu)]
    assert tokens_of(events) == ["c", "b", "a"]
    assert link.esme.free == WINDOW


def test_a_duplicate_answer_counts_once() -> None:
    link = a_bound_link()
    (asked,) = link.submit("a")
    link.answer(asked)
    assert link.answer(asked) == [Stray("an answer to nothing that was asked")]
    assert link.esme.free == WINDOW
    assert link.esme.under_way == 0


@pytest.mark.parametrize("sequence", [0, 1, 3, MAX_SEQUENCE, 0xFFFFFFFF])
@pytest.mark.parametrize("command", [Command.SUBMIT_SM_RESP, Command.GENERIC_NACK])
def test_an_answer_with_a_wrong_sequence_changes_nothing(sequence: int, command: Command) -> None:
    link = a_bound_link()
    (asked,) = link.submit("a")
    assert asked.sequence == 2
    assert [type(event) for event in link.hear(Pdu(command, sequence))] == [Stray]
    assert link.esme.outstanding() == ["a"]
    assert link.esme.free == WINDOW - 1
    assert tokens_of(link.answer(asked)) == ["a"]


@pytest.mark.parametrize(
    "command", [Command.DELIVER_SM_RESP, Command.UNBIND_RESP, Command.QUERY_SM_RESP, 0x800000FF]
)
def test_an_answer_to_another_command_changes_nothing(command: int) -> None:
    link = a_bound_link()
    (asked,) = link.submit("a")
    assert [type(event) for event in link.hear(Pdu(command, asked.sequence))] == [Stray]
    assert link.esme.outstanding() == ["a"]


@pytest.mark.parametrize("status", [0, Status.INVALID_COMMAND_ID])
def test_a_generic_nack_answers_the_request_with_its_sequence(status: int) -> None:
    link = a_bound_link()
    first, second = link.submit("a", "b")
    nack = Pdu(Command.GENERIC_NACK, second.sequence, status)
    assert link.hear(nack) == [Answered("b", nack)]
    assert link.esme.outstanding() == ["a"]
    assert tokens_of(link.answer(first)) == ["a"]


@pytest.mark.parametrize("status", [0x01, 0x08, 0x14, 0x45, 0x58, 0xFF, 0x400, 0x4FF, 0xFFFFFFFF])
@pytest.mark.parametrize("body", [b"", b"\0", b"half", b"1\0\x04"])
def test_any_status_with_any_body_is_an_answer(status: int, body: bytes) -> None:
    link = a_bound_link()
    (asked,) = link.submit("a")
    head = (16 + len(body), Command.SUBMIT_SM_RESP, status, asked.sequence)
    octets = b"".join(number.to_bytes(4, "big") for number in head) + body
    (answered,) = link.esme.receive(octets, link.now)
    assert isinstance(answered, Answered)
    assert (answered.token, answered.pdu.status) == ("a", status)


def test_a_request_that_cannot_be_written_takes_no_place() -> None:
    link = a_bound_link()
    with pytest.raises(ValueError, match="service_type"):
        link.esme.ask(Command.SUBMIT_SM, ShortMessage(service_type="too long"), "a", link.now)
    assert link.esme.free == WINDOW
    assert link.esme.outstanding() == []
    assert link.esme.outgoing() == b""


# The window


def test_the_window_is_enforced() -> None:
    link = a_bound_link()
    asked = link.submit("a", "b", "c")
    assert link.esme.free == 0
    with pytest.raises(AssertionError):
        link.esme.ask(Command.SUBMIT_SM, HELLO, "d", link.now)
    link.answer(asked[1])
    assert link.esme.free == 1
    link.submit("d")
    assert link.esme.free == 0
    assert link.esme.outstanding() == ["a", "c", "d"]


def test_binds_and_enquiries_take_no_place_in_the_window() -> None:
    link = a_bound_link(window=1)
    link.wait(60)
    assert link.esme.free == 1
    assert link.esme.under_way == 0


def test_an_overdue_request_is_told_once_and_keeps_its_place() -> None:
    link = a_bound_link()
    link.submit("a")
    link.now += 5
    link.submit("b")
    assert link.wait(5) == [Unanswered("a")]
    assert link.wait(4.9) == []
    assert link.esme.free == WINDOW - 2
    assert link.esme.under_way == 2
    assert link.esme.outstanding() == ["b"]


def test_a_late_answer_is_marked_so_and_gives_the_place_back() -> None:
    link = a_bound_link()
    (asked,) = link.submit("a")
    assert link.wait(10) == [Unanswered("a")]
    (answered,) = link.answer(asked, 0, MessageId("1"))
    assert isinstance(answered, Answered)
    assert (answered.token, answered.late) == ("a", True)
    assert link.esme.free == WINDOW
    assert link.answer(asked) == [Stray("an answer to nothing that was asked")]


def test_a_window_full_of_overdue_requests_ends_the_session() -> None:
    link = a_bound_link()
    link.submit("a", "b")
    link.now += 1
    link.submit("c")
    assert link.wait(9) == [Unanswered("a"), Unanswered("b")]
    events = link.wait(1)
    assert events == [
        Unanswered("c"),
        Ended("no answer to any of the submits that fill the window"),
    ]
    assert link.esme.outstanding() == []
    assert link.esme.free == 0


def test_one_late_answer_keeps_a_stuck_window_alive() -> None:
    link = a_bound_link()
    first, *_ = link.submit("a", "b", "c")
    link.now += 9
    link.answer(first)
    link.submit("d")
    assert link.wait(1) == [Unanswered("b"), Unanswered("c")]
    assert link.esme.state.bound
    assert [type(event) for event in link.wait(9)] == [Unanswered, Ended]


def test_what_is_outstanding_is_what_nobody_was_told_about() -> None:
    link = a_bound_link()
    first, _ = link.submit("a", "b")
    link.wait(9)
    link.submit("c")
    link.answer(first)
    link.wait(1)
    assert link.esme.outstanding() == ["c"]


# Sequence numbers


def test_sequence_numbers_begin_at_one_again_after_the_last() -> None:
    link = a_bound_link()
    link.esme._sequence = MAX_SEQUENCE - 1
    asked = link.submit("a", "b", "c")
    assert [pdu.sequence for pdu in asked] == [MAX_SEQUENCE, 1, 2]
    assert tokens_of([event for pdu in asked for event in link.answer(pdu)]) == ["a", "b", "c"]


def test_a_number_that_is_still_open_is_passed_over() -> None:
    link = a_bound_link()
    (first,) = link.submit("a")
    link.esme._sequence = first.sequence - 1
    (second,) = link.submit("b")
    assert second.sequence == first.sequence + 1
    assert tokens_of(link.answer(first)) == ["a"]
    assert tokens_of(link.answer(second)) == ["b"]


def test_the_deadline_of_an_answered_request_does_not_hit_the_next_with_its_number() -> None:
    link = a_bound_link()
    (first,) = link.submit("a")
    link.answer(first)
    link.now += 5
    link.esme._sequence = first.sequence - 1
    (second,) = link.submit("b")
    assert second.sequence == first.sequence
    assert link.wait(5) == []
    assert link.wait(5) == [Unanswered("b")]


# Life signs


def test_a_silent_link_is_asked_for_a_sign_of_life() -> None:
    link = a_bound_link()
    assert link.esme.next_time() == link.now + 60
    link.wait(10)
    assert link.esme.next_time() == link.now + 50
    assert link.wait(49.9) == []
    assert link.said() == []
    assert link.wait(0.1) == []
    (enquiry,) = link.said()
    assert enquiry.command == Command.ENQUIRE_LINK
    assert link.esme.next_time() == link.now + 10


def test_a_link_on_which_something_is_heard_is_not_asked() -> None:
    link = a_bound_link()
    for _ in range(10):
        link.now += 50
        link.smsc.ask(Command.DELIVER_SM, RECEIPT, "r", link.now)
        (asked,), _ = link.run()
        assert isinstance(asked, Asked)
        link.esme.answer(asked.pdu, 0, NO_ID)
        link.run()
        assert link.esme.tick(link.now) == []
        assert link.said() == []


def test_after_a_sign_of_life_the_next_is_asked_for_in_time() -> None:
    link = a_bound_link()
    for _ in range(3):
        assert link.wait(60) == []
        at_esme, at_smsc = link.run()
        assert at_esme == at_smsc == []
        assert link.esme.state.bound
        assert link.wait(59.9) == []
        assert link.said() == []
        assert link.wait(0.1) == []
        link.run()


def test_while_an_enquiry_is_open_there_is_no_second() -> None:
    link = a_bound_link()
    link.wait(60)
    assert len(link.said()) == 1
    link.wait(9.9)
    assert link.said() == []


def test_the_other_end_asks_for_a_sign_of_life_and_gets_it() -> None:
    link = a_bound_link()
    link.now += 60
    assert link.smsc.tick(link.now) == []
    assert link.run() == ([], [])
    link.now += 30
    assert link.smsc.tick(link.now) == []
    assert link.smsc.state.bound


@pytest.mark.parametrize("end", [End.ESME, End.SMSC])
def test_an_enquiry_is_answered_in_any_state(end: End) -> None:
    session = Session(end, TIMERS, WINDOW, 0.0)
    assert session.receive(encode(Pdu(Command.ENQUIRE_LINK, 77)), 1.0) == []
    assert pdus_of(session.outgoing()) == [Pdu(Command.ENQUIRE_LINK_RESP, 77)]


def test_a_dead_peer_is_noticed() -> None:
    link = a_bound_link()
    link.wait(60)
    assert link.wait(9.9) == []
    assert link.wait(0.1) == [Ended("no answer to enquire_link")]
    assert link.esme.state is State.CLOSED


def test_a_generic_nack_is_a_sign_of_life_too() -> None:
    link = a_bound_link()
    link.wait(60)
    (enquiry,) = link.said()
    assert link.hear(Pdu(Command.GENERIC_NACK, enquiry.sequence, Status.INVALID_COMMAND_ID)) == []
    assert link.wait(10) == []
    assert link.esme.state.bound


def test_while_nothing_is_read_nobody_is_overdue_and_nobody_silent() -> None:
    link = a_bound_link()
    (submitted,) = link.submit("a")
    link.wait(TIMERS.response - 1)
    link.esme.hold(link.now)
    assert link.esme.next_time() == FOREVER
    assert link.wait(1_000) == []
    link.esme.go_on(link.now)
    assert link.said() == []
    assert link.esme.next_time() == link.now + 1
    assert link.wait(0.5) == []
    (answered,) = link.answer(submitted)
    assert answered == Answered(
        "a", Pdu(submitted.command | RESPONSE, submitted.sequence, 0, NO_ID)
    )


def test_once_it_is_read_again_time_counts_on() -> None:
    link = a_bound_link()
    link.submit("a")
    link.esme.hold(link.now)
    link.wait(1_000)
    link.esme.go_on(link.now)
    link.esme.go_on(link.now)
    assert link.wait(TIMERS.response) == [Unanswered("a")]
    link.wait(TIMERS.enquire_link)
    assert [pdu.command for pdu in link.said()] == [Command.ENQUIRE_LINK]
    (ended,) = link.wait(TIMERS.response)
    assert isinstance(ended, Ended)


def test_nothing_is_asked_before_the_bind() -> None:
    session = Session(End.ESME, TIMERS, WINDOW, 0.0)
    assert session.next_time() == FOREVER
    assert session.tick(1_000_000.0) == []
    assert session.outgoing() == b""


@settings(deadline=None, max_examples=300, derandomize=True)
@given(
    st.floats(0, 1e9),
    st.floats(0.001, 1e5),
    st.floats(0.001, 1e5),
)
def test_a_tick_at_the_next_time_always_gets_on(
    began: float, response: float, enquire_link: float
) -> None:
    session = Session(End.ESME, Timers(response, enquire_link), WINDOW, began)
    session.bind(Command.BIND_TRANSCEIVER, ME, began)
    session.receive(encode(Pdu(Command.BIND_TRANSCEIVER_RESP, 1, 0, SMSC)), began)
    for _ in range(10):
        now = session.next_time()
        if any(isinstance(event, Ended) for event in session.tick(now)):
            return
    pytest.fail("time stands still")


# Goodbye


@pytest.mark.parametrize("command", [command for command, _ in MODES])
def test_we_unbind(command: Command) -> None:
    link = a_bound_link(command)
    link.esme.unbind(link.now)
    assert link.esme.state is State.UNBINDING
    assert link.esme.free == 0
    assert link.run() == ([Ended("unbound")], [Ended("the other end unbound")])
    assert link.esme.state is link.smsc.state is State.CLOSED


def test_the_carrier_unbinds() -> None:
    link = a_bound_link()
    link.submit("a")
    link.smsc.unbind(link.now)
    assert link.run() == ([Ended("the other end unbound")], [Ended("unbound")])
    assert link.esme.outstanding() == ["a"]
    assert link.esme.free == 0


def test_both_unbind_at_once() -> None:
    link = a_bound_link()
    link.esme.unbind(link.now)
    link.smsc.unbind(link.now)
    at_esme, at_smsc = link.run()
    assert [type(event) for event in at_esme + at_smsc] == [Ended, Ended]


def test_an_unbind_without_an_answer_ends_the_session_all_the_same() -> None:
    link = a_bound_link()
    link.wait(20)
    link.esme.unbind(link.now)
    assert link.esme.next_time() == link.now + 10
    assert link.wait(10) == [Ended("no answer to unbind")]


def test_answers_and_receipts_are_taken_while_unbinding() -> None:
    link = a_bound_link()
    (asked,) = link.submit("a")
    link.esme.unbind(link.now)
    link.smsc.answer(asked, 0, MessageId("1"))
    link.smsc.ask(Command.DELIVER_SM, RECEIPT, "r", link.now)
    answered, receipt = link.esme.receive(link.smsc.outgoing(), link.now)
    assert isinstance(answered, Answered)
    assert isinstance(receipt, Asked)
    link.esme.answer(receipt.pdu, 0, NO_ID)
    sent = [pdu.command for pdu in link.said()]
    assert sent == [Command.UNBIND, Command.DELIVER_SM_RESP]


def test_a_second_unbind_says_nothing() -> None:
    link = a_bound_link()
    link.esme.unbind(link.now)
    link.esme.unbind(link.now)
    assert [pdu.command for pdu in link.said()] == [Command.UNBIND]


def test_nothing_happens_after_the_end() -> None:
    link = a_bound_link()
    link.submit("a")
    goodbye = encode(Pdu(Command.UNBIND, 9))
    receipt = Pdu(Command.DELIVER_SM, 10, 0, RECEIPT)
    octets = goodbye + encode(receipt) + bytes(4)
    assert link.esme.receive(octets, link.now) == [Ended("the other end unbound")]
    assert [pdu.command for pdu in link.said()] == [Command.UNBIND_RESP]
    assert link.esme.receive(bytes(100), link.now) == []
    assert link.wait(1000) == []
    link.esme.answer(receipt)
    link.esme.unbind(link.now)
    assert link.esme.outgoing() == b""
    assert link.esme.outstanding() == ["a"]


def test_an_impossible_length_after_the_goodbye_is_not_a_second_end() -> None:
    link = a_bound_link()
    octets = encode(Pdu(Command.UNBIND, 9)) + b"GET / HTTP/1.1\r\n"
    assert link.esme.receive(octets, link.now) == [Ended("the other end unbound")]
    assert [pdu.command for pdu in link.said()] == [Command.UNBIND_RESP]


# What is not understood


@pytest.mark.parametrize(
    ("command", "status", "text"),
    [
        (Command.DELIVER_SM, Status.INVALID_MESSAGE_LENGTH, ""),
        (Command.DELIVER_SM, Status.INVALID_MESSAGE_LENGTH, "00 01"),
        (Command.DELIVER_SM, Status.INVALID_MESSAGE_LENGTH, "00" * 16 + "FF 41"),
        (Command.DELIVER_SM, Status.INVALID_TLV_STREAM, "00" * 17 + "04 27"),
        (Command.DELIVER_SM, Status.INVALID_TLV_LENGTH, "00" * 17 + "04 27 00 02 01"),
        (Command.DATA_SM, Status.INVALID_MESSAGE_LENGTH, "00 00 00"),
        (Command.DATA_SM, Status.INVALID_TLV_LENGTH, "00" * 10 + "04 24 FF FF 41"),
    ],
)
def test_a_malformed_request_is_answered_and_does_no_harm(
    command: Command, status: Status, text: str
) -> None:
    link = a_bound_link()
    (asked,) = link.submit("a")
    body = bytes.fromhex(text)
    head = (16 + len(body), command, 0, 55)
    octets = b"".join(number.to_bytes(4, "big") for number in head) + body
    stray, after = link.esme.receive(
        octets + encode(Pdu(Command.DELIVER_SM, 56, 0, RECEIPT)), link.now
    )
    assert isinstance(stray, Stray)
    assert isinstance(after, Asked)
    (refusal,) = link.said()
    assert (refusal.command, refusal.sequence) == (command | RESPONSE, 55)
    assert refusal.status == status
    assert tokens_of(link.answer(asked)) == ["a"]


@pytest.mark.parametrize(
    "command", [0, 0x0A, Command.OUTBIND, 0x111, 0x7FFFFFFF, Command.SUBMIT_SM, Command.QUERY_SM]
)
def test_an_unknown_command_gets_a_generic_nack(command: int) -> None:
    link = a_bound_link()
    body = HELLO if command == Command.SUBMIT_SM else NOTHING
    assert link.hear(Pdu(command, 4711, 0, body)) == [Stray(f"command 0x{command:08X}")]
    assert link.said() == [Pdu(Command.GENERIC_NACK, 4711, Status.INVALID_COMMAND_ID)]
    assert link.esme.state.bound


@pytest.mark.parametrize("command", [0x800000FF, 0x8000000B, 0xFFFFFFFF, Command.GENERIC_NACK])
def test_an_unknown_answer_is_not_answered(command: int) -> None:
    link = a_bound_link()
    assert [type(event) for event in link.hear(Pdu(command, 4711))] == [Stray]
    assert link.said() == []


@pytest.mark.parametrize("length", [0, 15, MAX_LENGTH + 1, 0xFFFFFFFF])
def test_an_impossible_length_ends_the_session(length: int) -> None:
    link = a_bound_link()
    link.submit("a")
    receipt = Pdu(Command.DELIVER_SM, 10, 0, RECEIPT)
    octets = encode(receipt) + length.to_bytes(4, "big")
    assert link.esme.receive(octets, link.now) == [
        Asked(receipt),
        Ended(f"a PDU claims to have {length} octets"),
    ]
    assert link.said() == [Pdu(Command.GENERIC_NACK, 0, Status.INVALID_COMMAND_LENGTH)]
    assert link.esme.outstanding() == ["a"]


# Who may ask what


@pytest.mark.parametrize(
    ("mode", "command", "body", "taken"),
    [
        (None, Command.SUBMIT_SM, HELLO, False),
        (None, Command.QUERY_SM, NOTHING, False),
        (Command.BIND_RECEIVER, Command.SUBMIT_SM, HELLO, False),
        (Command.BIND_RECEIVER, Command.DATA_SM, DataMessage(), False),
        (Command.BIND_TRANSMITTER, Command.SUBMIT_SM, HELLO, True),
        (Command.BIND_TRANSMITTER, Command.DATA_SM, DataMessage(), True),
        (Command.BIND_TRANSMITTER, Command.QUERY_SM, NOTHING, True),
        (Command.BIND_TRANSCEIVER, Command.SUBMIT_SM, HELLO, True),
        (Command.BIND_TRANSCEIVER, Command.CANCEL_SM, NOTHING, True),
    ],
)
def test_an_smsc_takes_what_the_bind_allows(
    mode: Command | None, command: Command, body: Body, taken: bool
) -> None:
    link = a_bound_link(mode) if mode else Link()
    events = link.smsc.receive(encode(Pdu(command, 8, 0, body)), link.now)
    answers = pdus_of(link.smsc.outgoing())
    assert [type(event) for event in events] == ([Asked] if taken else [])
    assert [answer.status for answer in answers] == ([] if taken else [Status.INVALID_BIND_STATUS])
    assert all(answer.command == command | RESPONSE for answer in answers)


@pytest.mark.parametrize("mode", [None, *(command for command, _ in MODES)])
@pytest.mark.parametrize(
    ("command", "body"), [(Command.DELIVER_SM, RECEIPT), (Command.DATA_SM, DataMessage())]
)
def test_an_esme_takes_receipts_on_whatever_bind_but_on_none_without(
    mode: Command | None, command: Command, body: Body
) -> None:
    link = a_bound_link(mode) if mode else Link()
    request = Pdu(command, 8, 0, body)
    events = link.hear(request)
    assert events == ([Asked(request)] if mode else [])
    refusals = [pdu.status for pdu in link.said()]
    assert refusals == ([] if mode else [Status.INVALID_BIND_STATUS])


def test_an_smsc_that_unbinds_takes_no_more_submits() -> None:
    link = a_bound_link()
    link.smsc.unbind(link.now)
    assert link.smsc.receive(encode(Pdu(Command.SUBMIT_SM, 8, 0, HELLO)), link.now) == []
    _, refusal = pdus_of(link.smsc.outgoing())
    assert refusal.status == Status.INVALID_BIND_STATUS


def test_an_alert_notification_is_not_answered_for_there_is_no_such_answer() -> None:
    link = a_bound_link()
    alert = Pdu(Command.ALERT_NOTIFICATION, 8)
    (asked,) = link.hear(alert)
    assert isinstance(asked, Asked)
    link.esme.answer(asked.pdu)
    assert link.said() == []


def test_bytes_may_come_one_by_one() -> None:
    link = a_bound_link()
    (asked,) = link.submit("a")
    link.smsc.answer(asked, 0, MessageId("1"))
    link.smsc.ask(Command.DELIVER_SM, RECEIPT, "r", link.now)
    octets = link.smsc.outgoing()
    events = [
        event
        for index in range(len(octets))
        for event in link.esme.receive(octets[index : index + 1], link.now)
    ]
    assert [type(event) for event in events] == [Answered, Asked]
