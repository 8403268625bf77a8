"""Sends a message, follows it to its end, checks a one-time code and reads an error."""

# ruff: noqa: T201  # it is a program: what it prints is its output

from smsgate.v1 import message_service_pb2, otp_service_pb2
from smsgate_client import (
    BlockingClient,
    InvalidRequest,
    LimitExceeded,
    OutcomeUnknown,
    status_name,
)


def main() -> None:
    """Every section, one after another."""
    # --8<-- [start:connect]
    # The target and the key are those of SMSGATE_TARGET and SMSGATE_API_KEY unless they are given.
    with BlockingClient() as client:
        # --8<-- [end:connect]
        sent = send(client)
        follow(client, sent)
        otp(client)
        errors(client)


def send(client: BlockingClient) -> message_service_pb2.SendMessageResponse:
    """One message."""
    # --8<-- [start:send]
    sent = client.send("+393331234567", "Your parcel is here", client_reference="order 4711")
    print(status_name(sent.message.status))  # NEW
    # --8<-- [end:send]
    return sent


def follow(client: BlockingClient, sent: message_service_pb2.SendMessageResponse) -> None:
    """Until it has ended."""
    # --8<-- [start:follow]
    for event in client.follow(
        start_cursor=sent.cursor, message_ids=[sent.message.id], end_when_all_terminal=True
    ):
        print(status_name(event.to_status))  # PENDING, then DELIVERED
    # --8<-- [end:follow]


def otp(client: BlockingClient) -> None:
    """A code, and what somebody typed."""
    # --8<-- [start:otp]
    sent = client.send_otp("+393331234567", purpose="login", brand="Acme")
    answer = client.verify_otp(input("The code: "), verification_id=sent.verification.id)
    # Only APPROVED proves anything; a wrong code is an answer, not an error.
    if answer.result == otp_service_pb2.VERIFY_RESULT_APPROVED:
        print("welcome")
    else:
        print(answer.verification.attempts_remaining, "attempts left")
    # --8<-- [end:otp]


def errors(client: BlockingClient) -> None:
    """What can go wrong."""
    # --8<-- [start:errors]
    try:
        client.send("12", "Ciao!")
    except InvalidRequest as error:
        for wrong in error.violations:
            print(wrong.field, wrong.reason)  # recipient RECIPIENT_NOT_E164
    except LimitExceeded as error:
        print("again in", error.retry_after)
    except OutcomeUnknown:
        print("repeat it with the same request_id")
    # --8<-- [end:errors]


if __name__ == "__main__":
    main()
