"""Lists that are read page by page, and answers that are no rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. All its rows are of one moment."""

    rows: tuple[T, ...]
    next: str | None
    previous: str | None

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class EventPage(Generic[T]):
    """A page of a feed: its events, where the next page begins, and whether something lies behind it by now."""

    events: tuple[T, ...]
    position: str
    more: bool

    def __iter__(self) -> Iterator[T]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of a recount: what was counted, what does not hold together, and how many differences more there are."""

    rows: int
    history: int
    counters: int
    events: int
    differences: tuple[str, ...]
    more: int

    @property
    def is_clean(self) -> bool:
        """Whether everything holds together."""
        return not self.differences and self.more == 0


class Listing(Generic[T]):
    """A list. It is read when it is iterated over, a page at a time; each loop reads it anew."""

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[str | None], Page[T]]) -> None:
        self._read = read

    def page(self, cursor: str | None = None) -> Page[T]:
        """One page: the first, or the one that a cursor of this list leads to."""
        return self._read(cursor)

    def __iter__(self) -> Iterator[T]:
        page = self._read(None)
        yield from page.rows
        while page.next is not None:
            page = self._read(page.next)
            yield from page.rows

    def __repr__(self) -> str:
        return f"<bsm.Listing {self._read!r}>"


class AsyncListing(Generic[T]):
    """A list. It is read when it is iterated over, a page at a time; each loop reads it anew."""

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[str | None], Coroutine[Any, Any, Page[T]]]) -> None:
        self._read = read

    def page(self, cursor: str | None = None) -> Coroutine[Any, Any, Page[T]]:
        """One page: the first, or the one that a cursor of this list leads to."""
        return self._read(cursor)

    async def __aiter__(self) -> AsyncIterator[T]:
        page = await self._read(None)
        for row in page.rows:
            yield row
        while page.next is not None:
            page = await self._read(page.next)
            for row in page.rows:
                yield row

    def __repr__(self) -> str:
        return f"<bsm.aio.Listing {self._read!r}>"


async def nothing() -> None:
    """What is awaited where there is nothing to wait for."""


for _class in (Page, EventPage, Verification, Listing):
    _class.__module__ = "bsm"
AsyncListing.__module__ = "bsm.aio"
AsyncListing.__name__ = AsyncListing.__qualname__ = "Listing"
