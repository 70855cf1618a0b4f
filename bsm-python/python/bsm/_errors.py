"""The exceptions of the desk: one tree, the same names as in Rust, with what each error tells as attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import datetime

    from bsm._bsm import (
        ArticleId,
        Entity,
        NoteId,
        RatingId,
        RequestId,
        Role,
        ServiceId,
        TicketId,
        UserId,
    )

    _Id: TypeAlias = UserId | TicketId | ArticleId | ServiceId | RequestId | RatingId | NoteId


class BsmError(Exception):
    """What went wrong. What an error does not tell is `None`."""

    entity: Entity | None = None
    """Of which entity."""
    id: _Id | None = None
    """Of which row."""
    field: str | None = None
    """Of which field, by its one name."""
    reason: str | None = None
    """What is wrong with the field, in a word."""
    wanted: str | None = None
    """What was wanted instead, in words."""
    min: str | None = None
    """The least that is allowed."""
    max: str | None = None
    """The most that is allowed."""
    most: int | None = None
    """How many are allowed: characters, decimals or rows."""
    now: datetime.datetime | None = None
    """The desk's time."""
    other: str | None = None
    """The other field, of two that contradict each other."""
    needs: Role | None = None
    """The role that it takes."""
    expected: int | None = None
    """The version that was expected."""
    found: int | None = None
    """The version that stands; 0 if the row is gone."""
    relation: str | None = None
    """The foreign key, as `table.column`."""
    from_: str | None = None
    """Where the row stands."""
    to: str | None = None
    """Where it was to go."""
    legal: tuple[str, ...] | None = None
    """What would have been legal: moves, or words."""
    ticket: TicketId | None = None
    """The ticket that stands in the way."""
    rating: RatingId | None = None
    """The rating that stands in the way."""
    resume: str | None = None
    """Where to go on in the feed."""

    def __init__(self, message: str = "", **facts: Any) -> None:
        super().__init__(message)
        for name, fact in facts.items():
            if name not in FACTS:
                raise TypeError(f"an error tells nothing that is called {name}")
            setattr(self, name, fact)

    @property
    def name(self) -> str:
        """What the error is called: the name of its class."""
        return type(self).__name__

    @property
    def facts(self) -> dict[str, Any]:
        """Everything that the error tells, by name."""
        return {name: value for name in FACTS if (value := getattr(self, name)) is not None}

    def __reduce__(self) -> Any:
        return _again, (type(self), str(self), self.facts)


FACTS = tuple(BsmError.__annotations__)


def _again(error: type[BsmError], message: str, facts: dict[str, Any]) -> BsmError:
    return error(message, **facts)


class Invalid(BsmError, ValueError):
    """A value that was given is not acceptable: see `field` and `reason`. Nothing was changed."""


class NotFound(BsmError, LookupError):
    """There is no such row, or it is not the caller's to see: the two can't be told apart."""


class NoneWith(BsmError, LookupError):
    """No row has this value in a field by which rows are found."""


class NotAllowed(BsmError, PermissionError):
    """The actor is not a user, is not active, or has another role than the portal `needs`."""


class OwnAccount(BsmError, PermissionError):
    """An actor tried to change their own role, deactivate or delete themself; somebody else must."""


class Conflict(BsmError):
    """Somebody else changed the row first: it is at version `found`, not `expected`."""


class Duplicate(BsmError):
    """Another row has this value in a field that no two rows share."""


class MissingParent(BsmError, LookupError):
    """A row that was named is not there."""


class StillReferenced(BsmError):
    """Rows still refer to the one that was to be deleted, by `relation`."""


class TooManyReferences(BsmError):
    """More rows refer to the one that was to be deleted than one command may change."""


class IllegalMove(BsmError):
    """The status can't go from `from_` to `to`; `legal` are the moves that are."""


class Finished(BsmError):
    """A ticket that is closed or cancelled takes no changes: open a follow-up."""


class NotResolved(BsmError):
    """Only a resolved ticket is reopened. One that was not resolved yet is started."""


class NotFinished(BsmError):
    """A ticket that is to be followed up is not finished yet: it can be changed itself."""


class AlreadyConverted(BsmError):
    """The request was made into `ticket` before."""


class HasOpenTicket(BsmError):
    """The request has an open ticket: resolving that fulfils it."""


class AlreadyRated(BsmError):
    """The request was rated before: once per request, even if the rating was deleted since."""


class NotFulfilled(BsmError):
    """Only what was fulfilled can be rated."""


class ServiceRetired(BsmError):
    """The service is retired: nobody can ask for it."""


class AlreadyBootstrapped(BsmError):
    """The desk has users already; the first admin is made on an empty desk only."""


class KeyReused(BsmError):
    """The idempotency key was used by this actor for another command."""


class InvalidCursor(BsmError, ValueError):
    """The cursor is damaged, or comes from another list."""


class InvalidPosition(BsmError, ValueError):
    """The position is damaged, or comes from another feed."""


class PositionExpired(BsmError):
    """Events behind the position are not kept any more. Look at the desk as it is now, and go on from `resume`."""


class InvalidImport(BsmError, ValueError):
    """A line of an export can't be taken in. Nothing of it was."""


class NotEmpty(BsmError):
    """A whole desk can only be taken in where there is none."""


class ImportUnfinished(BsmError):
    """An import into this store was begun and did not end. Go on with it, or delete the desk."""


class NoImport(BsmError):
    """A step of an import came without its beginning."""


class Inconsistent(BsmError):
    """What was taken in does not hold together. It stays shut."""


class InvalidAddress(BsmError, ValueError):
    """The address of a store can't be understood, or names a kind of store that is not known."""


class InUse(BsmError):
    """Another process, or another desk of this one, has the store open."""


class UnusablePlace(BsmError, OSError):
    """The place of a store can't be used: it is a file where a folder is needed, can't be written, or can't be reached."""


class UnknownFormat(BsmError):
    """The store was written in a format that this release does not read."""


class Damaged(BsmError):
    """The store lost or altered data that it had acknowledged. Restore it from a backup or an export."""


class Unavailable(BsmError, ConnectionError):
    """The store can't be reached, or failed. Nothing was changed. What it said stands in the exception's notes."""


class Busy(BsmError, TimeoutError):
    """The store has more to do than it gets done. Nothing was changed. Try again later."""


class OutcomeUnknown(BsmError, ConnectionError):
    """The store failed at a moment when the command may or may not have happened. Ask again with the same key, or look."""


class Closed(BsmError):
    """The desk was closed, or was opened by the process that this one was forked from."""


class Unsupported(BsmError):
    """The store does not do this."""


ERRORS = [error for error in list(globals().values()) if isinstance(error, type) and issubclass(error, BsmError)]
for _error in ERRORS:
    _error.__module__ = "bsm"
