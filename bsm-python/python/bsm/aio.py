"""The desk for asyncio: the same names as in `bsm`, whose calls are awaited.

    import bsm.aio

    async with bsm.aio.open("sled:desk.db") as desk:
        admin = desk.admin(grace)
        ticket = await admin.open_ticket("Screen stays black", impact="high")
        async for ticket in admin.tickets(phase="open"):
            print(ticket.number, ticket.title)
"""

from __future__ import annotations

from collections.abc import Generator
from types import TracebackType
from typing import Any

from bsm import _bsm
from bsm._bsm import (
    AsyncAdmin as Admin,
    AsyncAgent as Agent,
    AsyncCustomer as Customer,
    AsyncDesk as Desk,
    AsyncWatch as Watch,
)
from bsm._pages import AsyncListing as Listing

__all__ = ["Admin", "Agent", "Customer", "Desk", "Listing", "Watch", "open", "remove"]


class _Opening:
    """A desk that is being opened: await it, or enter it and have it closed."""

    __slots__ = ("_address", "_desk")

    def __init__(self, address: str) -> None:
        self._address = address
        self._desk: Desk | None = None

    def __await__(self) -> Generator[Any, Any, Desk]:
        return _bsm.open_later(self._address).__await__()

    async def __aenter__(self) -> Desk:
        desk = self._desk = await self
        return desk

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._desk is not None:
            await self._desk.close()


def open(address: str) -> _Opening:
    """Opens the desk at an address, as `bsm.open` does: `await` it, or use it in `async with`, which closes it."""
    return _Opening(address)


async def remove(address: str) -> None:
    """Deletes the desk at an address, with everything that is on it, and nothing else. Nothing there is fine."""
    await _bsm.remove_later(address)
