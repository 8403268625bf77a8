"""The client of smsgate, asyncio and blocking.

async with SmsgateClient("127.0.0.1:50051") as client:
    sent = await client.send("+393331234567", "Hello")
    async for event in client.follow(message_ids=[sent.message.id], start_cursor=sent.cursor,
                                     end_when_all_terminal=True):
        print(status_name(event.to_status))
"""

from smsgate_client.aio import SmsgateClient
from smsgate_client.blocking import BlockingClient
from smsgate_client.connection import Connection
from smsgate_client.errors import (
    Cancelled,
    Conflict,
    CursorExpired,
    DeadlineExceeded,
    InvalidRequest,
    LimitExceeded,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Refused,
    ServerError,
    SmsgateError,
    Unauthenticated,
    Unavailable,
    Violation,
    from_status,
)
from smsgate_client.following import Followed, FollowPhase, FollowState
from smsgate_client.names import is_final, reason_name, status_name, verify_result_name
from smsgate_client.requests import batch_item, new_request_id
from smsgate_client.values import amount_of, money

__all__ = [
    "BlockingClient",
    "Cancelled",
    "Conflict",
    "Connection",
    "CursorExpired",
    "DeadlineExceeded",
    "FollowPhase",
    "FollowState",
    "Followed",
    "InvalidRequest",
    "LimitExceeded",
    "NotFound",
    "OutcomeUnknown",
    "PermissionDenied",
    "Refused",
    "ServerError",
    "SmsgateClient",
    "SmsgateError",
    "Unauthenticated",
    "Unavailable",
    "Violation",
    "amount_of",
    "batch_item",
    "from_status",
    "is_final",
    "money",
    "new_request_id",
    "reason_name",
    "status_name",
    "verify_result_name",
]
