"""Everything that can be known of a message before it is sent."""

from dataclasses import dataclass

from smsgate_server.domain.message import Encoding
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
from smsgate_server.domain.submission import Draft, Submission
from smsgate_server.services.messages import Messages


@dataclass(frozen=True, slots=True)
class Estimate:
    """`cheaper` is another spelling and its segments, if one needs fewer."""

    draft: Draft
    segmentation: Segmentation
    forcing: tuple[ForcingCharacter, ...]
    cheaper: tuple[str, int] | None


class Estimates:
    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    def estimate(self, submission: Submission) -> Estimate:
        draft = self._messages.draft_estimate(submission)
        # A text that is far too long is measured only as far as a valid one can go.
        text = draft.text[: MAX_TEXT_CHARACTERS + 1]
        segmentation = segment(text)
        if segmentation.encoding is Encoding.GSM7:
            return Estimate(draft, segmentation, (), None)
        spelling = cheaper_spelling(text)
        cheaper = (spelling, count_segments(spelling)[1]) if spelling is not None else None
        return Estimate(draft, segmentation, forcing_characters(text), cheaper)
