"""Where the events of one message go beside the stream."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Callback:
    """An endpoint for the events of one message. Headers and custom data are sorted pairs."""

    url: str
    # They can be secrets, so no repr shows them.
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    custom_data: tuple[tuple[str, str], ...] = ()

    @property
    def content(self) -> tuple[object, ...]:
        """All that it is, in a form whose repr is the same for equal ones."""
        return (self.url, self.headers, self.custom_data)
