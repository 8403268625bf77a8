"""Which messages and which events a caller wants: AND across fields, OR within one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from smsgate_server.domain.message import Message, Status, StatusEvent


def _has_labels(wanted: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in wanted.items())


@dataclass(frozen=True, slots=True)
class MessageFilter:
    account: str
    statuses: frozenset[Status] = frozenset()
    countries: frozenset[str] = frozenset()
    senders: frozenset[str] = frozenset()
    recipients: frozenset[str] = frozenset()
    labels: tuple[tuple[str, str], ...] = ()
    batch_ids: frozenset[str] = frozenset()
    verification_ids: frozenset[str] = frozenset()
    created_from: datetime | None = None
    created_before: datetime | None = None

    def matches(self, message: Message) -> bool:
        return self.admits_status(message.status) and self.matches_fixed(message)

    def admits_status(self, status: Status) -> bool:
        return not self.statuses or status in self.statuses

    def matches_fixed(self, message: Message) -> bool:
        """Everything but the status, which alone can change."""
        return (
            message.account == self.account
            and (not self.countries or message.country in self.countries)
            and (not self.senders or message.sender in self.senders)
            and (not self.recipients or message.recipient in self.recipients)
            and (not self.batch_ids or message.batch_id in self.batch_ids)
            and (not self.verification_ids or message.verification_id in self.verification_ids)
            and self._in_time_range(message.create_time)
            and _has_labels(dict(self.labels), message.labels)
        )

    def _in_time_range(self, create_time: datetime) -> bool:
        return (self.created_from is None or create_time >= self.created_from) and (
            self.created_before is None or create_time < self.created_before
        )


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events of the log. Hashable: streams with equal filters share the work."""

    account: str
    message_ids: frozenset[str] = frozenset()
    batch_ids: frozenset[str] = frozenset()
    statuses: frozenset[Status] = frozenset()
    countries: frozenset[str] = frozenset()
    senders: frozenset[str] = frozenset()
    labels: tuple[tuple[str, str], ...] = ()
    verification_ids: frozenset[str] = frozenset()
    terminal_only: bool = False
    _labels: Mapping[str, str] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_labels", dict(self.labels))

    def matches(self, event: StatusEvent) -> bool:
        message = event.message
        return (
            message.account == self.account
            and (not self.message_ids or message.id in self.message_ids)
            and (not self.batch_ids or message.batch_id in self.batch_ids)
            and (not self.statuses or (event.to_status in self.statuses and not event.late))
            and (not self.countries or message.country in self.countries)
            and (not self.senders or message.sender in self.senders)
            and (not self.verification_ids or message.verification_id in self.verification_ids)
            and not (self.terminal_only and (event.late or not event.to_status.final))
            and (not self._labels or _has_labels(self._labels, message.labels))
        )

    @property
    def messages(self) -> MessageFilter:
        """The messages whose events these are, for a snapshot."""
        statuses = self.statuses
        if self.terminal_only:
            final = frozenset(s for s in Status if s.final)
            statuses = (statuses & final or final) if statuses else final
        return MessageFilter(
            account=self.account,
            statuses=statuses,
            countries=self.countries,
            senders=self.senders,
            labels=self.labels,
            batch_ids=self.batch_ids,
            verification_ids=self.verification_ids,
        )
