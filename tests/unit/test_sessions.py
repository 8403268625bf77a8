"""Sessions: by what their signature is judged."""

import hmac
from datetime import datetime

import pytest
from tests.builders import ACCOUNT, T0, an_account

from smsgate_server.domain.account import ApiKey, Scope
from smsgate_server.domain.api_keys import ENTROPY_BYTES, digest_of, make_secret
from smsgate_server.domain.errors import ErrorReason, Unauthenticated
from smsgate_server.domain.otp_codes import OtpKeys
from smsgate_server.services import sessions as sessions_module
from smsgate_server.services.access import Access
from smsgate_server.services.profiles import ServerPolicy
from smsgate_server.services.sessions import Sessions
from smsgate_server.storage.memory import MemoryStore


class _Clock:
    def now(self) -> datetime:
        return T0


class Comparison:
    """Stands in for `hmac.compare_digest`: notes what it compares, and says `answer`."""

    def __init__(self, answer: bool) -> None:
        self.answer = answer
        self.compared: list[tuple[bytes, bytes]] = []

    def __call__(self, one: bytes, other: bytes) -> bool:
        self.compared.append((one, other))
        return self.answer


async def a_session() -> tuple[Sessions, str]:
    """Sessions, and the token of one."""
    store, clock = MemoryStore(), _Clock()
    await store.create_account(an_account(), None)
    key_id, secret = make_secret(bytes([7]) * ENTROPY_BYTES)
    scopes, digest = frozenset({Scope.READ}), digest_of(secret)
    await store.add_key(
        ApiKey(id=key_id, account=ACCOUNT, scopes=scopes, digest=digest, create_time=T0)
    )
    access = Access(store, clock, ServerPolicy(), may_be_open=True)
    await access.load()
    sessions = Sessions(access, OtpKeys({"k1": b"k" * 32}), clock)
    opened = sessions.open(access.caller(secret))
    assert opened is not None
    return sessions, opened[0]


def test_signatures_are_compared_by_what_takes_the_same_time_for_all() -> None:
    assert sessions_module.compare_digest is hmac.compare_digest


@pytest.mark.parametrize("answer", [True, False])
@pytest.mark.parametrize("wrong", [False, True], ids=["right", "wrong in its last character"])
async def test_whether_a_signature_is_right_is_decided_by_that_comparison_alone(
    monkeypatch: pytest.MonkeyPatch, wrong: bool, answer: bool
) -> None:
    sessions, token = await a_session()
    right = token.rpartition(".")[2]
    shown = token[:-1] + ("A" if token[-1] != "A" else "B") if wrong else token
    comparison = Comparison(answer)
    monkeypatch.setattr(sessions_module, "compare_digest", comparison)
    if answer:
        assert sessions.caller(shown).account == ACCOUNT
    else:
        with pytest.raises(Unauthenticated) as caught:
            sessions.caller(shown)
        assert caught.value.reason is ErrorReason.API_KEY_INVALID
    assert comparison.compared == [(right.encode(), shown.rpartition(".")[2].encode())]
