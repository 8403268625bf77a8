"""A keyword that the client does not know is an error that names the nearest one."""

from collections.abc import Callable
from typing import Any

import pytest

from smsgate_client import BlockingClient, batch_item
from smsgate_client.account_requests import AccountChanges
from smsgate_client.following import Following
from smsgate_client.keywords import refuse_unknown, takes
from smsgate_client.otp import send_otp_request
from smsgate_client.requests import batch_request, send_request

_CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "a message": (
        lambda: send_request("+39333", "a", dry_rum=True),  # type: ignore[call-arg]
        "there is no 'dry_rum'; did you mean 'dry_run'?",
    ),
    "an item": (
        lambda: batch_item("+39333", label={}),  # type: ignore[call-arg]
        "there is no 'label'; did you mean 'labels'?",
    ),
    "a batch": (
        lambda: batch_request([], options=None),  # type: ignore[call-arg]
        "there is no 'options'",
    ),
    "a code": (
        lambda: send_otp_request("+39333", band="Acme"),  # type: ignore[call-arg]
        "there is no 'band'; did you mean 'brand'?",
    ),
    "a followed stream": (
        lambda: Following({"batch_id": ["b1"]}),  # type: ignore[typeddict-unknown-key]
        "there is no 'batch_id'; did you mean 'batch_ids'?",
    ),
}


@pytest.mark.parametrize("name", _CALLS)
def test_a_keyword_that_nobody_knows_is_an_error(name: str) -> None:
    call, told = _CALLS[name]
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value) == told


def test_a_call_of_the_client_refuses_it_before_anything_is_sent() -> None:
    with BlockingClient("127.0.0.1:1") as client:
        with pytest.raises(TypeError, match="there is no 'batch_id'"):
            list(client.list(batch_id=["b1"]))  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="there is no 'batch_id'"):
            list(client.stream(batch_id=["b1"]))  # type: ignore[call-arg]


def test_the_function_itself_stays_what_it_was() -> None:
    @takes(AccountChanges)
    def change(account: str, **fields: Any) -> str:
        """Its words."""
        return account + str(sorted(fields))

    assert (change.__doc__, change.__name__) == ("Its words.", "change")
    assert change("a", state="ACTIVE") == "a['state']"
    assert change(account="a") == "a[]"
    refuse_unknown({}, AccountChanges)
