"""Reading requests: what cannot be read becomes a violation, never an exception."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from smsgate_server.domain.errors import ErrorReason, InvalidArgument, Violation
from smsgate_server.domain.message import Status

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# google.protobuf.Timestamp: years 1 to 9999. google.protobuf.Duration: about 10,000 years.
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
_MAX_DURATION_SECONDS = 315_576_000_000

_MAX_FILTER_VALUES = 1_000
_MAX_VALUE = 128

_Choice = TypeVar("_Choice", bound=IntEnum)


class Reader:
    """Collects every violation of one request; `done` raises them at once."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def refuse(self, field: str, reason: ErrorReason, description: str) -> None:
        self.violations.append(Violation(field, reason, description))

    def done(self) -> None:
        if self.violations:
            raise InvalidArgument.of(self.violations)

    def time(self, field: str, value: Timestamp) -> datetime | None:
        if not 0 <= value.nanos < 1_000_000_000 or not (
            _FIRST_SECOND <= value.seconds <= _LAST_SECOND
        ):
            self.refuse(
                field, ErrorReason.INVALID_TIME, "is not a time between the years 1 and 9999"
            )
            return None
        return _EPOCH + timedelta(seconds=value.seconds, microseconds=value.nanos // 1_000)

    def span(self, field: str, value: Duration) -> timedelta | None:
        mixed = value.seconds * value.nanos < 0
        if mixed or abs(value.nanos) >= 1_000_000_000 or abs(value.seconds) > _MAX_DURATION_SECONDS:
            self.refuse(field, ErrorReason.INVALID_DURATION, "is not a valid duration")
            return None
        return timedelta(seconds=value.seconds, microseconds=value.nanos // 1_000)

    def statuses(self, field: str, values: Iterable[int]) -> frozenset[Status]:
        known = {int(status) for status in Status}
        listed = list(values)
        for index, value in enumerate(listed[:_MAX_FILTER_VALUES]):
            if value not in known:
                self.refuse(f"{field}[{index}]", ErrorReason.INVALID_FIELD, "is not a status")
        return frozenset(Status(value) for value in listed if value in known)

    def texts(
        self, field: str, values: Iterable[str], most: int = _MAX_FILTER_VALUES
    ) -> frozenset[str]:
        listed = list(values)
        if len(listed) > most:
            description = f"has {len(listed)} values; at most {most} are allowed"
            self.refuse(field, ErrorReason.TOO_MANY_ITEMS, description)
        for index, value in enumerate(listed[:most]):
            if not value or len(value) > _MAX_VALUE:
                description = f"must have 1 to {_MAX_VALUE} characters"
                self.refuse(f"{field}[{index}]", ErrorReason.INVALID_FIELD, description)
        return frozenset(listed)

    def labels(self, field: str, labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        if len(labels) > 16:
            description = f"has {len(labels)} labels; at most 16 are allowed"
            self.refuse(field, ErrorReason.TOO_MANY_ITEMS, description)
        return tuple(sorted(labels.items()))

    def choice(self, field: str, kind: type[_Choice], value: int, unspecified: _Choice) -> _Choice:
        """The value of an enum whose numbers are the contract's; 0 means `unspecified`."""
        if value == 0:
            return unspecified
        try:
            return kind(value)
        except ValueError:
            self.refuse(field, ErrorReason.INVALID_FIELD, "is not one of the values of its enum")
            return unspecified
