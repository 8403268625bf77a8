"""Lists that come in pages, consumed as if they were whole."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable
from typing import Protocol, TypeVar


class _Page(Protocol):
    @property
    def next_page_token(self) -> str: ...


_P = TypeVar("_P", bound=_Page)
_Item = TypeVar("_Item")


def all_items(
    page: Callable[[str], _P], items: Callable[[_P], Iterable[_Item]]
) -> Generator[_Item, None, None]:
    """The items of all pages; a page is asked for when it is needed, by its token."""
    token = ""
    while True:
        found = page(token)
        yield from items(found)
        token = found.next_page_token
        if not token:
            return


async def aio_all_items(
    page: Callable[[str], Awaitable[_P]], items: Callable[[_P], Iterable[_Item]]
) -> AsyncGenerator[_Item, None]:
    """The same for an event loop."""
    token = ""
    while True:
        found = await page(token)
        for item in items(found):
            yield item
        token = found.next_page_token
        if not token:
            return
