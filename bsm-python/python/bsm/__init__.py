"""A service desk that your program embeds: users, tickets, a knowledge base, a catalogue, requests and ratings.

    import bsm

    with bsm.open("sled:desk.db") as desk:
        grace = desk.bootstrap("Grace Hopper", "grace@example.org")
        admin = desk.admin(grace)
        ticket = admin.open_ticket("Screen stays black", impact="high")
        for ticket in admin.tickets(phase="open"):
            print(ticket.number, ticket.title)

`bsm.aio` is the same desk for asyncio.
"""

import atexit as _atexit
import os as _os

from bsm._bsm import (
    Action,
    Admin,
    Agent,
    Article,
    ArticleId,
    ArticleStatus,
    Channel,
    Customer,
    Desk,
    Entity,
    Event,
    Field,
    FieldChange,
    HistoryEntry,
    HoldReason,
    Impact,
    Key,
    Money,
    Note,
    NoteId,
    Order,
    OwnEvent,
    OwnUpdate,
    Person,
    Phase,
    Priority,
    Rating,
    RatingFigures,
    RatingId,
    RatingRow,
    RequestId,
    RequestRow,
    RequestStatus,
    Revenue,
    Role,
    Service,
    ServiceId,
    ServiceRequest,
    ServiceUsage,
    Source,
    Summary,
    Ticket,
    TicketId,
    TicketStatus,
    UnifiedTicket,
    UpdatedBy,
    Urgency,
    User,
    UserId,
    Watch,
    __version__,
    close_all as _close_all,
    forked as _forked,
    open,
    remove,
)
from bsm._errors import (
    AlreadyBootstrapped,
    AlreadyConverted,
    AlreadyRated,
    BsmError,
    Busy,
    Closed,
    Conflict,
    Damaged,
    Duplicate,
    Finished,
    HasOpenTicket,
    IllegalMove,
    ImportUnfinished,
    InUse,
    Inconsistent,
    Invalid,
    InvalidAddress,
    InvalidCursor,
    InvalidImport,
    InvalidPosition,
    KeyReused,
    MissingParent,
    NoImport,
    NoneWith,
    NotAllowed,
    NotEmpty,
    NotFinished,
    NotFound,
    NotFulfilled,
    NotResolved,
    OutcomeUnknown,
    OwnAccount,
    PositionExpired,
    ServiceRetired,
    StillReferenced,
    TooManyReferences,
    Unavailable,
    UnknownFormat,
    Unsupported,
    UnusablePlace,
)
from bsm._pages import EventPage, Listing, Page, Verification

__all__ = sorted(name for name in globals() if not name.startswith("_"))

# What is open when the program ends is closed while there still is an interpreter; a child of this process has no desk of it.
_atexit.register(_close_all)
if hasattr(_os, "register_at_fork"):
    _os.register_at_fork(after_in_child=_forked)
