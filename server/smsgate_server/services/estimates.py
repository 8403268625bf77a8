"""Everything that can be known of a message before it is sent."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from smsgate_server.domain.errors import SmsgateError
from smsgate_server.domain.message import Encoding
from smsgate_server.domain.number_facts import operator_of
from smsgate_server.domain.segmentation import (
    MAX_TEXT_CHARACTERS,
    Segmentation,
    count_segments,
    segment,
)
from smsgate_server.domain.smart_encoding import (
    ForcingCharacter,
    cheaper_spelling,
    forcing_characters,
)
from smsgate_server.domain.submission import NO_OPTIONS, Draft, Submission, without_field
from smsgate_server.services.messages import Messages
from smsgate_server.services.ports import Clock
from smsgate_server.services.profiles import Profile


@dataclass(frozen=True, slots=True)
class Estimate:
    """`cheaper` is another spelling and its segments, if one needs fewer. `errors` is everything
    that would make the send fail, `operator` who the recipient's range was allotted to.
    """

    draft: Draft
    segmentation: Segmentation
    forcing: tuple[ForcingCharacter, ...]
    cheaper: tuple[str, int] | None
    errors: Sequence[SmsgateError]
    operator: str = ""


class Estimates:
    def __init__(self, messages: Messages, clock: Clock) -> None:
        self._messages = messages
        self._clock = clock

    async def estimate(self, profile: Profile, submission: Submission) -> Estimate:
        draft = self._messages.draft(profile, submission)
        if not submission.recipient:  # it is not missed: there is much to know of a text alone
            draft = without_field(draft, "recipient")
        operator = ""
        if draft.recipient is not None:
            # The first look-up of all loads the operators' names.
            operator = await asyncio.to_thread(operator_of, draft.recipient.e164)
        errors = [*draft.errors, *await self._forecast(profile, submission, draft)]
        # A text that is far too long is measured only as far as a valid one can go.
        text = draft.text[: MAX_TEXT_CHARACTERS + 1]
        segmentation = segment(text)
        if segmentation.encoding is Encoding.GSM7:
            return Estimate(draft, segmentation, (), None, errors, operator)
        spelling = cheaper_spelling(text)
        cheaper = (spelling, count_segments(spelling)[1]) if spelling is not None else None
        forcing = forcing_characters(text)
        return Estimate(draft, segmentation, forcing, cheaper, errors, operator)

    async def _forecast(
        self, profile: Profile, submission: Submission, draft: Draft
    ) -> list[SmsgateError]:
        if draft.recipient is None or not draft.segments:
            return []
        # Only what it costs counts here, and times that are refused may be beyond all calendars.
        plain = replace(submission, options=NO_OPTIONS)
        known = draft if draft.sender else replace(draft, sender=profile.rules.default_sender)
        message = self._messages.compose(profile, plain, known, self._clock.now())
        return [error for _, error in await self._messages.forecast(profile, [message])]
