from tests.builders import T0, a_message

from smsgate_server.domain.delivery import Delivery, Stage
from smsgate_server.storage.sql.known import Known, Life

MOST = 80


def lives(first: int, count: int) -> dict[int, Life]:
    delivery = Delivery(Stage.WAITING, T0)
    return {seq: (a_message(seq=seq), delivery) for seq in range(first, first + count)}


def test_what_is_known_is_what_the_last_commit_made_of_it() -> None:
    known = Known(MOST)
    known.take(lives(1, 2))
    changed = (a_message(seq=1, carrier="a"), Delivery(Stage.SUBMITTED, T0))

    known.take({1: changed, 2: (a_message(seq=2), None)})

    assert known.get(1) == changed
    assert known.get(2) is None


def test_the_newest_are_kept_and_never_more_than_may_be() -> None:
    known = Known(MOST)
    for seq in range(1, 4 * MOST):
        known.take(lives(seq, 1))
        kept = [seq for seq in range(1, 4 * MOST) if known.get(seq) is not None]

        assert kept == list(range(kept[0], seq + 1))
        assert min(seq, MOST * 7 // 8) <= len(kept) <= MOST


def test_one_commit_can_bring_more_than_may_be_kept() -> None:
    known = Known(MOST)
    known.take(lives(1, MOST // 2))

    known.take(lives(MOST, 3 * MOST))

    assert known.get(4 * MOST - 1) is not None
    assert known.get(3 * MOST - 1) is None
