"""The module that the package is made of. Import its names from `bsm` and `bsm.aio`."""

import datetime
import decimal
import enum
import uuid
from collections.abc import Coroutine, Generator, Iterable
from os import PathLike
from types import EllipsisType
from typing import Any, ClassVar, Generic, Literal, Self, TypeAlias, TypeVar, final, type_check_only

from bsm._pages import AsyncListing, EventPage, Listing, Verification

__version__: str
__all__ = [
    "Money",
    "open",
    "open_later",
    "remove",
    "remove_later",
    "Server",
    "populate",
    "forked",
    "close_all",
    "Entity",
    "Role",
    "Phase",
    "HoldReason",
    "TicketStatus",
    "RequestStatus",
    "Impact",
    "Urgency",
    "Priority",
    "Channel",
    "ArticleStatus",
    "Action",
    "Field",
    "Source",
    "UpdatedBy",
    "Order",
    "UserId",
    "TicketId",
    "ArticleId",
    "ServiceId",
    "RequestId",
    "RatingId",
    "NoteId",
    "User",
    "Ticket",
    "Article",
    "Service",
    "ServiceRequest",
    "Rating",
    "Note",
    "Person",
    "UnifiedTicket",
    "RequestRow",
    "RatingRow",
    "ServiceUsage",
    "RatingFigures",
    "Revenue",
    "Summary",
    "FieldChange",
    "HistoryEntry",
    "Event",
    "OwnUpdate",
    "OwnEvent",
    "Key",
    "Desk",
    "Admin",
    "Agent",
    "Customer",
    "Watch",
    "AsyncDesk",
    "AsyncAdmin",
    "AsyncAgent",
    "AsyncCustomer",
    "AsyncWatch",
    "__version__",
]

_E = TypeVar("_E", Event, OwnEvent)

# Whatever names a row: itself, its id, a UUID, or the text of one.
_User: TypeAlias = User | UserId | uuid.UUID | str
_Ticket: TypeAlias = Ticket | TicketId | uuid.UUID | str
_Article: TypeAlias = Article | ArticleId | uuid.UUID | str
_Service: TypeAlias = Service | ServiceId | uuid.UUID | str
_Request: TypeAlias = ServiceRequest | RequestId | uuid.UUID | str
_Rating: TypeAlias = Rating | RatingId | uuid.UUID | str
_AnyRow: TypeAlias = (
    User | Ticket | Article | Service | ServiceRequest | Rating | Note
    | UserId | TicketId | ArticleId | ServiceId | RequestId | RatingId | NoteId | Key
)

# A moment: an aware datetime, or its text as RFC 3339.
_Time: TypeAlias = datetime.datetime | str

# Where reading a feed begins: "now", "oldest", or behind a position.
_Since: TypeAlias = str
_Only: TypeAlias = Entity | str | Iterable[Entity | str]

class Entity(enum.StrEnum):
    """A kind of row."""

    USER = "user"
    TICKET = "ticket"
    ARTICLE = "article"
    SERVICE = "service"
    REQUEST = "request"
    RATING = "rating"
    NOTE = "note"

class Role(enum.StrEnum):
    """What a person may do."""

    ADMIN = "admin"
    AGENT = "agent"
    CUSTOMER = "customer"

class Phase(enum.StrEnum):
    """Where a ticket or a request stands, coarsely."""

    OPEN = "open"
    WAITING = "waiting"
    DONE = "done"
    DROPPED = "dropped"

class HoldReason(enum.StrEnum):
    """Why a ticket waits."""

    CUSTOMER = "customer"
    PROBLEM = "problem"
    VENDOR = "vendor"
    EVIDENCE = "evidence"

class TicketStatus(enum.StrEnum):
    """Where a ticket stands."""

    NEW = "new"
    IN_PROGRESS = "in_progress"
    ON_HOLD_CUSTOMER = "on_hold_customer"
    ON_HOLD_PROBLEM = "on_hold_problem"
    ON_HOLD_VENDOR = "on_hold_vendor"
    ON_HOLD_EVIDENCE = "on_hold_evidence"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"

class RequestStatus(enum.StrEnum):
    """Where a service request stands."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    FULFILLED = "fulfilled"
    REJECTED = "rejected"
    CANCELLED = "cancelled"

class Impact(enum.StrEnum):
    """How much of the business a ticket touches (ITIL)."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

class Urgency(enum.StrEnum):
    """How long it can wait (ITIL)."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

class Priority(enum.StrEnum):
    """In what order tickets are worked on."""

    CRITICAL = "critical"
    HIGH = "high"
    MODERATE = "moderate"
    LOW = "low"

class Channel(enum.StrEnum):
    """How a ticket reached the desk."""

    PHONE = "phone"
    EMAIL = "email"
    PORTAL = "portal"
    CHAT = "chat"
    WALK_IN = "walk_in"
    MONITORING = "monitoring"
    OTHER = "other"

class ArticleStatus(enum.StrEnum):
    """Whether an article is being written, read, or kept."""

    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"

class Action(enum.StrEnum):
    """What a history entry tells of."""

    CREATED = "created"
    CHANGED = "changed"
    TOUCHED = "touched"
    NOTED = "noted"
    DELETED = "deleted"

class Field(enum.StrEnum):
    """A field of a row, by its one name."""

    ID = "id"
    CREATED_AT = "created_at"
    VERSION = "version"
    UPDATED_AT = "updated_at"
    NUMBER = "number"
    EXTERNAL_REF = "external_ref"
    FULL_NAME = "full_name"
    EMAIL = "email"
    ROLE = "role"
    ACTIVE = "active"
    TITLE = "title"
    DESCRIPTION = "description"
    STATUS = "status"
    PHASE = "phase"
    IMPACT = "impact"
    URGENCY = "urgency"
    PRIORITY = "priority"
    PRIORITY_OVERRIDDEN = "priority_overridden"
    CATEGORY = "category"
    SUBCATEGORY = "subcategory"
    CHANNEL = "channel"
    ASSIGNMENT_GROUP = "assignment_group"
    ASSIGNED_TO = "assigned_to"
    CREATED_BY = "created_by"
    REQUESTED_FOR = "requested_for"
    REQUEST_ID = "request_id"
    FOLLOW_UP_OF = "follow_up_of"
    REOPEN_COUNT = "reopen_count"
    RESOLVED_AT = "resolved_at"
    CLOSED_AT = "closed_at"
    BODY = "body"
    AUTHOR_ID = "author_id"
    PUBLISHED_AT = "published_at"
    NAME = "name"
    PRICE = "price"
    CURRENCY = "currency"
    NEEDS_APPROVAL = "needs_approval"
    SERVICE_ID = "service_id"
    CUSTOMER_ID = "customer_id"
    DETAILS = "details"
    SCHEDULED_FOR = "scheduled_for"
    FULFILLED_AT = "fulfilled_at"
    TICKET_ID = "ticket_id"
    RATING_ID = "rating_id"
    RATED = "rated"
    RATING = "rating"
    REVIEW = "review"

class Source(enum.StrEnum):
    """Which half of the unified view."""

    TICKET = "ticket"
    REQUEST = "request"

class UpdatedBy(enum.StrEnum):
    """Who did what a customer is told of."""

    YOU = "you"
    DESK = "desk"

class Order(enum.StrEnum):
    """In which order rows come."""

    NEWEST_FIRST = "newest_first"
    OLDEST_FIRST = "oldest_first"

@final
class UserId:
    """Identifies a user."""

    def __new__(cls, value: _User, /) -> Self: ...
    @property
    def uuid(self) -> uuid.UUID:
        """The id as a plain UUID."""
    @property
    def created_at(self) -> datetime.datetime:
        """When the row was created: the time that the id carries."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: UserId, /) -> bool: ...
    def __le__(self, other: UserId, /) -> bool: ...
    def __gt__(self, other: UserId, /) -> bool: ...
    def __ge__(self, other: UserId, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[type[UserId], tuple[str]]: ...

@final
class TicketId:
    """Identifies a ticket."""

    def __new__(cls, value: _Ticket, /) -> Self: ...
    @property
    def uuid(self) -> uuid.UUID:
        """The id as a plain UUID."""
    @property
    def created_at(self) -> datetime.datetime:
        """When the row was created: the time that the id carries."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: TicketId, /) -> bool: ...
    def __le__(self, other: TicketId, /) -> bool: ...
    def __gt__(self, other: TicketId, /) -> bool: ...
    def __ge__(self, other: TicketId, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[type[TicketId], tuple[str]]: ...

@final
class ArticleId:
    """Identifies an article of the knowledge base."""

    def __new__(cls, value: _Article, /) -> Self: ...
    @property
    def uuid(self) -> uuid.UUID:
        """The id as a plain UUID."""
    @property
    def created_at(self) -> datetime.datetime:
        """When the row was created: the time that the id carries."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: ArticleId, /) -> bool: ...
    def __le__(self, other: ArticleId, /) -> bool: ...
    def __gt__(self, other: ArticleId, /) -> bool: ...
    def __ge__(self, other: ArticleId, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[type[ArticleId], tuple[str]]: ...

@final
class ServiceId:
    """Identifies a service of the catalogue."""

    def __new__(cls, value: _Service, /) -> Self: ...
    @property
    def uuid(self) -> uuid.UUID:
        """The id as a plain UUID."""
    @property
    def created_at(self) -> datetime.datetime:
        """When the row was created: the time that the id carries."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: ServiceId, /) -> bool: ...
    def __le__(self, other: ServiceId, /) -> bool: ...
    def __gt__(self, other: ServiceId, /) -> bool: ...
    def __ge__(self, other: ServiceId, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[type[ServiceId], tuple[str]]: ...

@final
class RequestId:
    """Identifies a service request."""

    def __new__(cls, value: _Request, /) -> Self: ...
    @property
    def uuid(self) -> uuid.UUID:
        """The id as a plain UUID."""
    @property
    def created_at(self) -> datetime.datetime:
        """When the row was created: the time that the id carries."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: RequestId, /) -> bool: ...
    def __le__(self, other: RequestId, /) -> bool: ...
    def __gt__(self, other: RequestId, /) -> bool: ...
    def __ge__(self, other: RequestId, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[type[RequestId], tuple[str]]: ...

@final
class RatingId:
    """Identifies a rating."""

    def __new__(cls, value: _Rating, /) -> Self: ...
    @property
    def uuid(self) -> uuid.UUID:
        """The id as a plain UUID."""
    @property
    def created_at(self) -> datetime.datetime:
        """When the row was created: the time that the id carries."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: RatingId, /) -> bool: ...
    def __le__(self, other: RatingId, /) -> bool: ...
    def __gt__(self, other: RatingId, /) -> bool: ...
    def __ge__(self, other: RatingId, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[type[RatingId], tuple[str]]: ...

@final
class NoteId:
    """Identifies a note on a ticket."""

    def __new__(cls, value: Note | NoteId | uuid.UUID | str, /) -> Self: ...
    @property
    def uuid(self) -> uuid.UUID:
        """The id as a plain UUID."""
    @property
    def created_at(self) -> datetime.datetime:
        """When the row was created: the time that the id carries."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: NoteId, /) -> bool: ...
    def __le__(self, other: NoteId, /) -> bool: ...
    def __gt__(self, other: NoteId, /) -> bool: ...
    def __ge__(self, other: NoteId, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[type[NoteId], tuple[str]]: ...

@final
class Money:
    """An amount of one currency, never negative, with the currency's own number of decimals."""

    __match_args__: ClassVar[tuple[Literal["amount"], Literal["currency"]]]

    def __new__(cls, amount: decimal.Decimal | int | str, currency: str) -> Self: ...
    @staticmethod
    def parse(text: str | Money) -> Money:
        """Reads an amount and a currency code: "49.90 EUR"."""
    @property
    def amount(self) -> decimal.Decimal:
        """The amount, in the currency's unit."""
    @property
    def currency(self) -> str:
        """The currency's code of ISO 4217."""
    def to_dict(self) -> dict[str, str]:
        """The amount and the currency as plain values."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[type[Money], tuple[str, str]]: ...

@final
class User:
    """A person: an admin, an agent or a customer. Table `users`."""

    __match_args__: ClassVar[tuple[Literal["id"], Literal["full_name"], Literal["email"], Literal["role"], Literal["active"], Literal["external_ref"], Literal["version"], Literal["updated_at"]]]

    @property
    def id(self) -> UserId:
        """The id; carries when the person was entered."""
    @property
    def full_name(self) -> str:
        """The name, as the person writes it."""
    @property
    def email(self) -> str:
        """The email address, normalised; no two users share one."""
    @property
    def role(self) -> Role:
        """What the person may do."""
    @property
    def active(self) -> bool:
        """Whether the person may act. Nothing can be assigned to, or asked for by, somebody who may not."""
    @property
    def external_ref(self) -> str | None:
        """The id of this person elsewhere; no two users share one."""
    @property
    def version(self) -> int:
        """How often the row was written."""
    @property
    def updated_at(self) -> datetime.datetime:
        """When the desk last wrote it."""
    @property
    def created_at(self) -> datetime.datetime:
        """When the row was created: the time that its id carries."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class Ticket:
    """A ticket. Table `tickets`."""

    __match_args__: ClassVar[tuple[Literal["id"], Literal["number"], Literal["title"], Literal["description"], Literal["status"], Literal["impact"], Literal["urgency"], Literal["priority"], Literal["priority_overridden"], Literal["category"], Literal["subcategory"], Literal["channel"], Literal["group"], Literal["assigned_to"], Literal["created_by"], Literal["requested_for"], Literal["request_id"], Literal["follow_up_of"], Literal["reopen_count"], Literal["resolved_at"], Literal["closed_at"], Literal["external_ref"], Literal["version"], Literal["updated_at"]]]

    @property
    def id(self) -> TicketId:
        """The id; carries when the ticket was opened (which may lie before the desk recorded it)."""
    @property
    def number(self) -> str:
        """The number people say aloud."""
    @property
    def title(self) -> str:
        """One line."""
    @property
    def description(self) -> str:
        """The whole story; may be empty."""
    @property
    def status(self) -> TicketStatus:
        """Where it stands."""
    @property
    def impact(self) -> Impact:
        """How much it touches."""
    @property
    def urgency(self) -> Urgency:
        """How long it can wait."""
    @property
    def priority(self) -> Priority:
        """In what order it is worked on."""
    @property
    def priority_overridden(self) -> bool:
        """Whether the priority was set by hand and no longer follows impact and urgency."""
    @property
    def category(self) -> str | None:
        """What it is about, in the desk's own vocabulary."""
    @property
    def subcategory(self) -> str | None:
        """What it is about, more closely."""
    @property
    def channel(self) -> Channel:
        """How it reached the desk."""
    @property
    def group(self) -> str | None:
        """The group that works on it."""
    @property
    def assigned_to(self) -> UserId | None:
        """The member of staff who works on it."""
    @property
    def created_by(self) -> UserId:
        """Who typed it in."""
    @property
    def requested_for(self) -> UserId | None:
        """Whose ticket it is: the customer who sees it among their own."""
    @property
    def request_id(self) -> RequestId | None:
        """The request it was made from."""
    @property
    def follow_up_of(self) -> TicketId | None:
        """The finished ticket that it follows up."""
    @property
    def reopen_count(self) -> int:
        """How often it went from resolved back to in progress."""
    @property
    def resolved_at(self) -> datetime.datetime | None:
        """When it went to resolved; empty while it is not resolved or closed."""
    @property
    def closed_at(self) -> datetime.datetime | None:
        """When it went to Closed."""
    @property
    def external_ref(self) -> str | None:
        """The id of this ticket elsewhere; no two tickets share one."""
    @property
    def version(self) -> int:
        """How often the row was written."""
    @property
    def updated_at(self) -> datetime.datetime:
        """When the desk last wrote it."""
    @property
    def created_at(self) -> datetime.datetime:
        """When the row was created: the time that its id carries."""
    @property
    def phase(self) -> Phase:
        """Where it stands, coarsely."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class Article:
    """An article of the knowledge base. Table `knowledge_base`. Customers see it while it is published."""

    __match_args__: ClassVar[tuple[Literal["id"], Literal["title"], Literal["body"], Literal["category"], Literal["status"], Literal["author_id"], Literal["published_at"], Literal["version"], Literal["updated_at"]]]

    @property
    def id(self) -> ArticleId:
        """The id; carries when the article was begun."""
    @property
    def title(self) -> str:
        """One line."""
    @property
    def body(self) -> str:
        """The text."""
    @property
    def category(self) -> str | None:
        """What it is about, in the desk's own vocabulary."""
    @property
    def status(self) -> ArticleStatus:
        """Whether it is being written, read, or kept."""
    @property
    def author_id(self) -> UserId:
        """Who wrote it."""
    @property
    def published_at(self) -> datetime.datetime | None:
        """When it was last published."""
    @property
    def version(self) -> int:
        """How often the row was written."""
    @property
    def updated_at(self) -> datetime.datetime:
        """When the desk last wrote it."""
    @property
    def created_at(self) -> datetime.datetime:
        """When the row was created: the time that its id carries."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class Service:
    """Something that customers can ask for. Table `customer_services`."""

    __match_args__: ClassVar[tuple[Literal["id"], Literal["name"], Literal["description"], Literal["category"], Literal["price"], Literal["needs_approval"], Literal["active"], Literal["version"], Literal["updated_at"]]]

    @property
    def id(self) -> ServiceId:
        """The id; carries when the service was entered."""
    @property
    def name(self) -> str:
        """One line."""
    @property
    def description(self) -> str:
        """What one gets; may be empty."""
    @property
    def category(self) -> str:
        """Where it stands in the catalogue."""
    @property
    def price(self) -> Money:
        """What it costs today. A request keeps the price of its own day."""
    @property
    def needs_approval(self) -> bool:
        """Whether an admin must agree before work begins."""
    @property
    def active(self) -> bool:
        """Whether it can be asked for; a retired one can't, and its requests stay."""
    @property
    def version(self) -> int:
        """How often the row was written."""
    @property
    def updated_at(self) -> datetime.datetime:
        """When the desk last wrote it."""
    @property
    def created_at(self) -> datetime.datetime:
        """When the row was created: the time that its id carries."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class ServiceRequest:
    """A customer's request for a service. Table `customer_service_requests`."""

    __match_args__: ClassVar[tuple[Literal["id"], Literal["number"], Literal["service_id"], Literal["customer_id"], Literal["details"], Literal["status"], Literal["needs_approval"], Literal["price"], Literal["scheduled_for"], Literal["fulfilled_at"], Literal["ticket_id"], Literal["rating_id"], Literal["rated"], Literal["external_ref"], Literal["version"], Literal["updated_at"]]]

    @property
    def id(self) -> RequestId:
        """The id; carries when it was submitted."""
    @property
    def number(self) -> str:
        """The number people say aloud."""
    @property
    def service_id(self) -> ServiceId:
        """What was asked for."""
    @property
    def customer_id(self) -> UserId:
        """Who asked."""
    @property
    def details(self) -> str:
        """What the customer added; may be empty."""
    @property
    def status(self) -> RequestStatus:
        """Where it stands."""
    @property
    def needs_approval(self) -> bool:
        """Whether its service needed approval when it was submitted."""
    @property
    def price(self) -> Money:
        """What the service cost when it was submitted."""
    @property
    def scheduled_for(self) -> datetime.datetime | None:
        """The day that was agreed last; set from the first time it is scheduled."""
    @property
    def fulfilled_at(self) -> datetime.datetime | None:
        """When it was fulfilled; empty while it is not."""
    @property
    def ticket_id(self) -> TicketId | None:
        """The ticket that was made from it."""
    @property
    def rating_id(self) -> RatingId | None:
        """Its rating, if that still stands."""
    @property
    def rated(self) -> bool:
        """Whether it was rated. Stays when the rating is deleted: one rating per request, ever."""
    @property
    def external_ref(self) -> str | None:
        """The id of this request elsewhere; no two requests share one."""
    @property
    def version(self) -> int:
        """How often the row was written."""
    @property
    def updated_at(self) -> datetime.datetime:
        """When the desk last wrote it."""
    @property
    def created_at(self) -> datetime.datetime:
        """When the row was created: the time that its id carries."""
    @property
    def phase(self) -> Phase:
        """Where it stands, coarsely."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class Rating:
    """A customer's rating of a fulfilled request. Table `customer_ratings`. Its service and customer are the request's."""

    __match_args__: ClassVar[tuple[Literal["id"], Literal["service_id"], Literal["customer_id"], Literal["rating"], Literal["review"], Literal["version"], Literal["updated_at"]]]

    @property
    def id(self) -> RatingId:
        """The id; carries when it was given."""
    @property
    def service_id(self) -> ServiceId:
        """The service that was rated."""
    @property
    def customer_id(self) -> UserId:
        """Who rated it."""
    @property
    def rating(self) -> int:
        """How satisfied the customer was."""
    @property
    def review(self) -> str:
        """What the customer wrote; may be empty."""
    @property
    def version(self) -> int:
        """How often the row was written."""
    @property
    def updated_at(self) -> datetime.datetime:
        """When the desk last wrote it."""
    @property
    def created_at(self) -> datetime.datetime:
        """When the row was created: the time that its id carries."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class Note:
    """A note that staff wrote on a ticket, open or finished. Table `ticket_notes`. Customers don't see it.

    A row of its own, so that its text can be erased without touching the ticket's history.
    """

    __match_args__: ClassVar[tuple[Literal["id"], Literal["ticket_id"], Literal["author_id"], Literal["body"], Literal["version"], Literal["updated_at"]]]

    @property
    def id(self) -> NoteId:
        """The id; carries when it was written."""
    @property
    def ticket_id(self) -> TicketId:
        """The ticket that it is about."""
    @property
    def author_id(self) -> UserId:
        """Who wrote it."""
    @property
    def body(self) -> str:
        """The text."""
    @property
    def version(self) -> int:
        """How often the row was written."""
    @property
    def updated_at(self) -> datetime.datetime:
        """When the desk last wrote it."""
    @property
    def created_at(self) -> datetime.datetime:
        """When the row was created: the time that its id carries."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class Person:
    """A person, as views name them."""

    __match_args__: ClassVar[tuple[Literal["id"], Literal["full_name"], Literal["email"]]]

    @property
    def id(self) -> UserId:
        """The id."""
    @property
    def full_name(self) -> str:
        """The name as it is today."""
    @property
    def email(self) -> str:
        """The email address as it is today."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class UnifiedTicket:
    """A row of `unified_tickets_view`: a ticket or a service request. A request that was made into a ticket stands in it
    twice, each time with the other's id.
    """

    __match_args__: ClassVar[tuple[Literal["source"], Literal["ticket_id"], Literal["request_id"], Literal["number"], Literal["title"], Literal["status"], Literal["phase"], Literal["priority"], Literal["category"], Literal["customer"], Literal["assigned_to"], Literal["service_id"], Literal["created_at"], Literal["updated_at"]]]

    @property
    def source(self) -> Source:
        """Which of the two it is."""
    @property
    def ticket_id(self) -> TicketId | None:
        """The ticket: itself, or the one that was made from it."""
    @property
    def request_id(self) -> RequestId | None:
        """The request: itself, or the one that it was made from."""
    @property
    def number(self) -> str:
        """Its number: `TKT-000042` or `REQ-000007`."""
    @property
    def title(self) -> str:
        """A ticket's title; a request's service."""
    @property
    def status(self) -> TicketStatus | RequestStatus:
        """Where it stands."""
    @property
    def phase(self) -> Phase:
        """Where it stands, coarsely."""
    @property
    def priority(self) -> Priority | None:
        """A ticket's priority."""
    @property
    def category(self) -> str | None:
        """A ticket's category. (A request has none: its service's stands in the catalogue.)"""
    @property
    def customer(self) -> Person | None:
        """Whose it is."""
    @property
    def assigned_to(self) -> Person | None:
        """Who works on a ticket. Customers are not told."""
    @property
    def service_id(self) -> ServiceId | None:
        """The service that a request asks for."""
    @property
    def created_at(self) -> datetime.datetime:
        """When it was opened or submitted."""
    @property
    def updated_at(self) -> datetime.datetime:
        """When it last changed."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class RequestRow:
    """A row of `admin_customer_service_requests`: a request with its service and customer."""

    __match_args__: ClassVar[tuple[Literal["request"], Literal["service_name"], Literal["service_category"], Literal["customer"], Literal["submitted_at"], Literal["seconds_to_fulfil"]]]

    @property
    def request(self) -> ServiceRequest:
        """The request. Its price is that of its day."""
    @property
    def service_name(self) -> str:
        """The service's name as it is today."""
    @property
    def service_category(self) -> str:
        """The service's category as it is today."""
    @property
    def customer(self) -> Person:
        """Who asked."""
    @property
    def submitted_at(self) -> datetime.datetime:
        """When it was submitted."""
    @property
    def seconds_to_fulfil(self) -> int | None:
        """How long it took to fulfil, in whole seconds, once it is."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class RatingRow:
    """A row of `admin_customer_ratings`: a rating with its service and customer."""

    __match_args__: ClassVar[tuple[Literal["rating"], Literal["service_name"], Literal["customer"], Literal["rated_at"]]]

    @property
    def rating(self) -> Rating:
        """The rating."""
    @property
    def service_name(self) -> str:
        """The service's name as it is today."""
    @property
    def customer(self) -> Person:
        """Who rated."""
    @property
    def rated_at(self) -> datetime.datetime:
        """When."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class ServiceUsage:
    """A service with how much it is used and how it is rated."""

    __match_args__: ClassVar[tuple[Literal["service"], Literal["requests"], Literal["ratings"]]]

    @property
    def service(self) -> Service:
        """The service."""
    @property
    def requests(self) -> dict[RequestStatus, int]:
        """Its requests by status. A status without any is absent."""
    @property
    def ratings(self) -> RatingFigures:
        """Its ratings."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class RatingFigures:
    """How many ratings there are of each kind, and what follows from that."""

    __match_args__: ClassVar[tuple[Literal["distribution"]]]

    @property
    def distribution(self) -> tuple[int, int, int, int, int]:
        """How many gave 1, 2, 3, 4 and 5 stars."""
    @property
    def mean(self) -> decimal.Decimal | None:
        """The mean number of stars, to two decimals; `None` without ratings."""
    @property
    def satisfaction(self) -> decimal.Decimal | None:
        """The share of those who gave 4 or 5 stars, from 0 to 1, to four decimals; `None` without ratings."""
    @property
    def count(self) -> int:
        """How many there are."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class Revenue:
    """What fulfilled requests earned in one currency."""

    __match_args__: ClassVar[tuple[Literal["currency"], Literal["amount"]]]

    @property
    def currency(self) -> str:
        """The currency."""
    @property
    def amount(self) -> decimal.Decimal:
        """The sum of their prices."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class Summary:
    """The totals of a desk: the view `admin_customer_summary`. Costs the same at any size."""

    __match_args__: ClassVar[tuple[Literal["users"], Literal["active_users"], Literal["active_services"], Literal["retired_services"], Literal["tickets"], Literal["requests"], Literal["articles"], Literal["ratings"], Literal["revenue"]]]

    @property
    def users(self) -> dict[Role, int]:
        """People by role, inactive ones too. A role that nobody has is absent."""
    @property
    def active_users(self) -> int:
        """People who may act."""
    @property
    def active_services(self) -> int:
        """Services that can be asked for."""
    @property
    def retired_services(self) -> int:
        """Services that can't."""
    @property
    def tickets(self) -> dict[TicketStatus, int]:
        """Tickets by status. A status without any is absent."""
    @property
    def requests(self) -> dict[RequestStatus, int]:
        """Requests by status."""
    @property
    def articles(self) -> dict[ArticleStatus, int]:
        """Articles by status."""
    @property
    def ratings(self) -> RatingFigures:
        """Ratings."""
    @property
    def revenue(self) -> tuple[Revenue, ...]:
        """What fulfilled requests earned, by currency, in the order of the codes."""
    @property
    def service_count(self) -> int:
        """How many services there are."""
    @property
    def ticket_count(self) -> int:
        """How many tickets there are."""
    @property
    def article_count(self) -> int:
        """How many articles there are."""
    @property
    def request_count(self) -> int:
        """How many requests there are."""
    @property
    def user_count(self) -> int:
        """How many people there are."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class FieldChange:
    """One field of one change. Values are text in their one spelling; a personal field's are left out, so that a person
    can be erased from the rows without rewriting history.
    """

    __match_args__: ClassVar[tuple[Literal["field"], Literal["before"], Literal["after"]]]

    @property
    def field(self) -> Field:
        """Which field."""
    @property
    def before(self) -> str | None:
        """What it was; `None` if it was empty, or is personal."""
    @property
    def after(self) -> str | None:
        """What it became; `None` if it is empty, or personal."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class HistoryEntry:
    """One change of one row. A command that sets several fields makes one entry; one that sets none makes a
    touch.
    """

    __match_args__: ClassVar[tuple[Literal["key"], Literal["version"], Literal["action"], Literal["actor"], Literal["occurred_at"], Literal["recorded_at"], Literal["subject"], Literal["changes"]]]

    @property
    def key(self) -> Key:
        """The row that changed."""
    @property
    def version(self) -> int:
        """The row's version after the change: 1, 2, 3, … without a gap, so also how many entries the row has so far."""
    @property
    def action(self) -> Action:
        """What happened."""
    @property
    def actor(self) -> UserId | None:
        """Who did it; `None` is the desk itself, or somebody with psql."""
    @property
    def occurred_at(self) -> datetime.datetime:
        """When it happened, as the actor says. May lie in the past, and may run backwards from one entry to the next."""
    @property
    def recorded_at(self) -> datetime.datetime:
        """When the desk recorded it, by its own clock."""
    @property
    def subject(self) -> UserId | None:
        """The customer whose row it is: in whose feed it stands."""
    @property
    def changes(self) -> tuple[FieldChange, ...]:
        """The fields that changed, in the schema's order."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class Event:
    """What one command did, as staff and the application itself are told. Holds ids, names of fields, states and numbers;
    personal text stays in its row.
    """

    __match_args__: ClassVar[tuple[Literal["position"], Literal["entries"]]]

    @property
    def position(self) -> str:
        """Where it stands in the feed: to be given back to go on behind it."""
    @property
    def entries(self) -> tuple[HistoryEntry, ...]:
        """What changed: an entry for each row, in one order. Not empty."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class OwnUpdate:
    """What a customer is told of a change of a row of theirs."""

    __match_args__: ClassVar[tuple[Literal["key"], Literal["version"], Literal["action"], Literal["occurred_at"], Literal["by"], Literal["changes"]]]

    @property
    def key(self) -> Key:
        """The row."""
    @property
    def version(self) -> int:
        """The row's version after it."""
    @property
    def action(self) -> Action:
        """What happened. That staff noted something is a touch."""
    @property
    def occurred_at(self) -> datetime.datetime:
        """When it happened."""
    @property
    def by(self) -> UpdatedBy:
        """Who did it."""
    @property
    def changes(self) -> tuple[FieldChange, ...]:
        """What changed, of what customers are told: where things stand, what they are about and when, never who works on
        them. Empty if somebody worked on it otherwise.
        """
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class OwnEvent:
    """What one command did to what is a customer's, as they are told."""

    __match_args__: ClassVar[tuple[Literal["position"], Literal["updates"]]]

    @property
    def position(self) -> str:
        """Where it stands in the customer's feed."""
    @property
    def updates(self) -> tuple[OwnUpdate, ...]:
        """What changed: one for each row of theirs. Not empty."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class Key:
    """Which row: an entity and an id."""

    __match_args__: ClassVar[tuple[Literal["entity"], Literal["id"]]]

    @property
    def entity(self) -> Entity:
        """The kind of row."""
    @property
    def id(self) -> UserId | TicketId | ArticleId | ServiceId | RequestId | RatingId | NoteId:
        """The row's id."""
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON has them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

@final
class Watch(Generic[_E]):
    """Everything that happens, one event after another: an iterator that waits.

    It ends when it or the desk is closed, and behind an error. It is a context manager that closes itself.
    """

    def __iter__(self) -> Self: ...
    def __next__(self) -> _E: ...
    def next(self, timeout: float | None = None) -> _E | None:
        """The next event; waits for it, for `timeout` seconds at most. `None` if nothing happened in time, or once it is
        closed. Nothing is lost by giving up.
        """
    @property
    def position(self) -> str:
        """Behind the last event that was told: give it as `since` to go on there, later and elsewhere."""
    def close(self) -> None:
        """Ends it, also for a thread that waits for its next event."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *_why: object) -> None: ...
    @classmethod
    def __class_getitem__(cls, key: Any) -> Any: ...

@final
class AsyncWatch(Generic[_E]):
    """Everything that happens, one event after another: an async iterator.

    It begins when it is first awaited, entered or iterated over. It ends when it or the desk is closed, and behind an error.
    """

    def __await__(self) -> Generator[Any, Any, Self]: ...
    def __aiter__(self) -> Self: ...
    def __anext__(self) -> Coroutine[Any, Any, _E]: ...
    def next(self, timeout: float | None = None) -> Coroutine[Any, Any, _E | None]:
        """The next event; waits for it, for `timeout` seconds at most. `None` if nothing happened in time, or once it is
        closed. Nothing is lost by giving up.
        """
    @property
    def position(self) -> str | None:
        """Behind the last event that was told: give it as `since` to go on there, later and elsewhere. `None` before it begins."""
    def close(self) -> None:
        """Ends it, also for a task that waits for its next event."""
    def __aenter__(self) -> Coroutine[Any, Any, Self]: ...
    def __aexit__(self, *_why: object) -> Coroutine[Any, Any, None]: ...
    @classmethod
    def __class_getitem__(cls, key: Any) -> Any: ...

@final
class Desk:
    """A service desk over a store. It is a context manager that closes itself."""

    def bootstrap(self, full_name: str, email: str, *, external_ref: str | None = None) -> User:
        """Makes the first admin. Works once, on a desk without users."""
    def admin(self, user: _User) -> Admin:
        """The portal of an admin."""
    def agent(self, user: _User) -> Agent:
        """The portal of an agent; an admin may use it too."""
    def customer(self, user: _User) -> Customer:
        """The portal of a customer."""
    def close(self) -> None:
        """Waits for the commands under way and lets go of the store. Everything that is called on the desk afterwards is `Closed`."""
    def close_resolved(self, before: _Time) -> int:
        """Closes every ticket that was resolved at or before this time, one command each; gives how many."""
    def events(self, *, since: _Since = ..., only: _Only = ..., limit: int = ...) -> EventPage[Event]:
        """A page of what happened on the desk, in order: from the oldest event that is kept, behind a position, or "now", which
        has no events and a position. At most `limit` events (50), of the entities that `only` names.
        """
    def expire_positions(self) -> None:
        """Makes every position that was given before expired. For a desk that was restored from a copy of its files."""
    def export_to(self, path: str | PathLike[str]) -> int:
        """Writes the whole desk to a new file, as lines of JSON; gives how many rows it has. It holds personal text."""
    def health(self) -> None:
        """Whether the store answers; an error if it does not."""
    def import_from(self, path: str | PathLike[str]) -> int:
        """Takes a whole desk in from a file, into this one, which must be empty; gives how many rows it has. Where it stopped
        half-way, it goes on if it is called again.
        """
    def trim(self, before: _Time) -> int:
        """Forgets the events that were recorded before this time; gives how many. The newest is always kept, and history stays."""
    def user_by_email(self, email: str) -> User:
        """The person who has this email address, whatever its case: for the application itself, which lets people in."""
    def verify(self) -> Verification:
        """Recounts everything that the store keeps, and tells each thing that does not hold together."""
    def watch(self, *, since: _Since = ..., only: _Only = ...) -> Watch[Event]:
        """Follows what happens on the desk, for the application itself.

        It begins with what happens from now on, unless `since` is "oldest" (the oldest event that is kept) or a position;
        `only` names the entities that are asked for: one or several, all if none is named.
        """
    def __enter__(self) -> Self: ...
    def __exit__(self, *_why: object) -> None: ...

@type_check_only
class _Portal:
    """What all portals have."""

    @property
    def actor(self) -> UserId:
        """Whose portal it is."""
    @property
    def last_stamp(self) -> bytes | None:
        """Marks the last command that was acknowledged through this handle or one made from it, for `seeing`."""
    def at(self, at: _Time, /) -> Self:
        """The same portal, for commands that tell of something that happened at this time. It may lie in the past."""
    def keyed(self, key: str, /) -> Self:
        """The same portal, for one command that must not happen twice: sent again with this key, it answers with the row as
        it stands by then, and changes nothing.
        """
    def expecting(self, version: int, /) -> Self:
        """The same portal, for a command on a row that was seen at this version: if it was changed since, the command is
        `Conflict`.
        """
    def seeing(self, stamp: bytes, /) -> Self:
        """The same portal, whose reads see at least the command that the stamp marks."""

@type_check_only
class _Staff(_Portal):
    """What admins and agents can do."""

    def add_note(self, ticket: _Ticket, body: str) -> Note:
        """Writes a note on a ticket, open or finished. Customers don't see it."""
    def archive_article(self, article: _Article) -> Article:
        """Takes an article out of use; it is kept."""
    def article(self, article: _Article) -> Article:
        """An article, whatever its status."""
    def articles(
        self,
        *,
        status: ArticleStatus | str | None = None,
        author: _User | None = None,
        category: str | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> Listing[Article]:
        """Articles, whatever their status.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def assign_ticket(self, ticket: _Ticket, to: _User) -> Ticket:
        """Gives a ticket to a member of staff."""
    def cancel_request(self, request: _Request) -> ServiceRequest:
        """Gives a request up."""
    def cancel_ticket(self, ticket: _Ticket) -> Ticket:
        """Gives a ticket up. Its request, if it was made from one, stays as it is."""
    def change_article(
        self,
        article: _Article,
        *,
        title: str | EllipsisType = ...,
        body: str | EllipsisType = ...,
        category: str | None | EllipsisType = ...,
    ) -> Article:
        """Changes an article's text. What is not named stays."""
    def change_ticket(
        self,
        ticket: _Ticket,
        *,
        status: TicketStatus | str | EllipsisType = ...,
        title: str | EllipsisType = ...,
        description: str | EllipsisType = ...,
        impact: Impact | str | EllipsisType = ...,
        urgency: Urgency | str | EllipsisType = ...,
        priority: Priority | str | None | EllipsisType = ...,
        category: str | None | EllipsisType = ...,
        subcategory: str | None | EllipsisType = ...,
        group: str | None | EllipsisType = ...,
        assigned_to: _User | None | EllipsisType = ...,
    ) -> Ticket:
        """Changes a ticket: any number of fields, one command, one entry of history. What is not named stays; `None` empties
        a field, and lets the priority follow impact and urgency again.
        """
    def close_ticket(self, ticket: _Ticket) -> Ticket:
        """Closes a resolved ticket for good."""
    def create_article(self, title: str, body: str, *, category: str | None = None) -> Article:
        """Begins an article, as a draft."""
    def delete_rating(self, rating: _Rating) -> None:
        """Deletes a rating, for instance one that insults. Its request stays marked as rated."""
    def events(self, *, since: _Since = ..., only: _Only = ..., limit: int = ...) -> EventPage[Event]:
        """A page of what happened on the desk, in order: from the oldest event that is kept, behind a position, or "now", which
        has no events and a position. At most `limit` events (50), of the entities that `only` names.
        """
    def follow_up(
        self,
        of: _Ticket,
        title: str,
        *,
        description: str = ...,
        status: TicketStatus | str = ...,
        impact: Impact | str = ...,
        urgency: Urgency | str = ...,
        priority: Priority | str | None = None,
        category: str | None = None,
        subcategory: str | None = None,
        channel: Channel | str = ...,
        group: str | None = None,
        assigned_to: _User | None = None,
        requested_for: _User | None = None,
        created_by: _User | None = None,
        opened_at: _Time | None = None,
        external_ref: str | None = None,
    ) -> Ticket:
        """Opens a ticket that follows up a finished one, for the same person. The rest is as for a new one."""
    def fulfil_request(self, request: _Request) -> ServiceRequest:
        """Ends a request that has no open ticket: the customer has what was asked for."""
    def history(self, of: _AnyRow, *, order: Order | str = ..., limit: int = ...) -> Listing[HistoryEntry]:
        """The history of any row, one entry for each command that changed it. It stays when the row is deleted.

        Read page by page, as it is iterated over: the oldest first and 50 entries to a page, unless told otherwise.
        """
    def hold_ticket(self, ticket: _Ticket, reason: HoldReason | str) -> Ticket:
        """Lets a ticket wait."""
    def make_ticket(
        self,
        request: _Request,
        *,
        impact: Impact | str = ...,
        urgency: Urgency | str = ...,
        group: str | None = None,
        assigned_to: _User | None = None,
    ) -> Ticket:
        """Makes a ticket of category `customer_request` from a request, once. Resolving it fulfils the request. It is of low impact
        and medium urgency, unless told otherwise.
        """
    def notes(
        self,
        ticket: _Ticket,
        *,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> Listing[Note]:
        """The notes on a ticket.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def open_ticket(
        self,
        title: str,
        *,
        description: str = ...,
        status: TicketStatus | str = ...,
        impact: Impact | str = ...,
        urgency: Urgency | str = ...,
        priority: Priority | str | None = None,
        category: str | None = None,
        subcategory: str | None = None,
        channel: Channel | str = ...,
        group: str | None = None,
        assigned_to: _User | None = None,
        requested_for: _User | None = None,
        created_by: _User | None = None,
        opened_at: _Time | None = None,
        external_ref: str | None = None,
    ) -> Ticket:
        """Opens a ticket: new, of medium impact and urgency, and by another channel, unless told otherwise. Its priority follows
        from impact and urgency, unless it is given.
        """
    def publish_article(self, article: _Article) -> Article:
        """Shows an article to everybody."""
    def rating(self, rating: _Rating) -> Rating:
        """A rating."""
    def rating_figures(self, service: _Service | None = None) -> RatingFigures:
        """How customers rate one service, or all. Costs the same at any size."""
    def rating_rows(
        self,
        *,
        service: _Service | None = None,
        customer: _User | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> Listing[RatingRow]:
        """Ratings with service and customer: of a service, or of a customer.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def reject_request(self, request: _Request) -> ServiceRequest:
        """Refuses a request."""
    def reopen_ticket(self, ticket: _Ticket) -> Ticket:
        """Puts a resolved ticket back in progress."""
    def request(self, request: _Request) -> ServiceRequest:
        """A request."""
    def request_by_external_ref(self, external_ref: str) -> ServiceRequest:
        """A request by its id elsewhere."""
    def request_by_number(self, number: str | int) -> ServiceRequest:
        """A request by the number people say aloud."""
    def request_rows(
        self,
        *,
        phase: Phase | str | None = None,
        status: RequestStatus | str | None = None,
        customer: _User | None = None,
        service: _Service | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> Listing[RequestRow]:
        """Requests with service and customer.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def requests(
        self,
        *,
        phase: Phase | str | None = None,
        status: RequestStatus | str | None = None,
        customer: _User | None = None,
        service: _Service | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> Listing[ServiceRequest]:
        """Requests.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def resolve_ticket(self, ticket: _Ticket) -> Ticket:
        """Resolves a ticket, and fulfils the request that it was made from."""
    def schedule_request(self, request: _Request, day: _Time) -> ServiceRequest:
        """Gives a request its day."""
    def service(self, service: _Service) -> Service:
        """A service, retired or not."""
    def service_usage(
        self,
        *,
        category: str | None = None,
        active: bool | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> Listing[ServiceUsage]:
        """Services with how much they are used and how they are rated.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def services(
        self,
        *,
        category: str | None = None,
        active: bool | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> Listing[Service]:
        """Services, retired ones too.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def start_request(self, request: _Request) -> ServiceRequest:
        """Begins work on a request."""
    def start_ticket(self, ticket: _Ticket) -> Ticket:
        """Begins work on a ticket, or takes it up again."""
    def submit_request_for(
        self,
        service: _Service,
        customer: _User,
        *,
        details: str = ...,
        external_ref: str | None = None,
    ) -> ServiceRequest:
        """Enters a request for a customer."""
    def summary(self) -> Summary:
        """The totals of the desk. Costs the same at any size."""
    def ticket(self, ticket: _Ticket) -> Ticket:
        """A ticket."""
    def ticket_by_external_ref(self, external_ref: str) -> Ticket:
        """A ticket by its id elsewhere."""
    def ticket_by_number(self, number: str | int) -> Ticket:
        """A ticket by the number people say aloud."""
    def tickets(
        self,
        *,
        phase: Phase | str | None = None,
        status: TicketStatus | str | None = None,
        priority: Priority | str | None = None,
        category: str | None = None,
        channel: Channel | str | None = None,
        group: str | None = None,
        assignee: _User | None = None,
        unassigned: bool = False,
        customer: _User | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> Listing[Ticket]:
        """Tickets.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def touch_ticket(self, ticket: _Ticket) -> Ticket:
        """Notes that somebody handled a ticket, and changes no field."""
    def unassign_ticket(self, ticket: _Ticket) -> Ticket:
        """Takes a ticket from whoever works on it."""
    def unified(
        self,
        *,
        source: Source | str | None = None,
        phase: Phase | str | None = None,
        ticket_status: TicketStatus | str | None = None,
        request_status: RequestStatus | str | None = None,
        priority: Priority | str | None = None,
        category: str | None = None,
        channel: Channel | str | None = None,
        group: str | None = None,
        assignee: _User | None = None,
        unassigned: bool = False,
        customer: _User | None = None,
        service: _Service | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> Listing[UnifiedTicket]:
        """The unified view: tickets and requests together.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def user(self, user: _User) -> User:
        """A person."""
    def user_by_email(self, email: str) -> User:
        """A person by email address, whatever its case."""
    def user_by_external_ref(self, external_ref: str) -> User:
        """A person by their id elsewhere."""
    def users(
        self,
        *,
        role: Role | str | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> Listing[User]:
        """People.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def watch(self, *, since: _Since = ..., only: _Only = ...) -> Watch[Event]:
        """Follows what happens, one event after another, as far as the portal may know of it.

        It begins with what happens from now on, unless `since` is "oldest" (the oldest event that is kept) or a position;
        `only` names the entities that are asked for: one or several, all if none is named.
        """
    def withdraw_article(self, article: _Article) -> Article:
        """Makes a published article a draft again."""

@final
class Admin(_Staff):
    """A desk as an admin sees it."""

    def approve_request(self, request: _Request) -> ServiceRequest:
        """Agrees to a request."""
    def change_role(self, user: _User, role: Role | str) -> User:
        """Gives somebody else another role."""
    def change_service(
        self,
        service: _Service,
        *,
        name: str | EllipsisType = ...,
        description: str | EllipsisType = ...,
        category: str | EllipsisType = ...,
        price: Money | str | EllipsisType = ...,
        needs_approval: bool | EllipsisType = ...,
        active: bool | EllipsisType = ...,
    ) -> Service:
        """Changes a service. What is not named stays; requests made before keep their price."""
    def change_user(
        self,
        user: _User,
        *,
        full_name: str | EllipsisType = ...,
        email: str | EllipsisType = ...,
        external_ref: str | None | EllipsisType = ...,
    ) -> User:
        """Changes a person's data. What is not named stays."""
    def create_service(
        self,
        name: str,
        category: str,
        price: Money | str,
        *,
        description: str = ...,
        needs_approval: bool = False,
    ) -> Service:
        """Enters a service into the catalogue."""
    def create_user(self, full_name: str, email: str, role: Role | str, *, external_ref: str | None = None) -> User:
        """Enters a person."""
    def deactivate_user(self, user: _User) -> User:
        """Lets somebody else no longer act. What is theirs stays."""
    def delete_service(self, service: _Service) -> None:
        """Deletes a service that nothing names."""
    def delete_user(self, user: _User) -> None:
        """Deletes somebody else whom no row needs."""
    def reactivate_user(self, user: _User) -> User:
        """Lets somebody act again."""
    def retire_service(self, service: _Service) -> Service:
        """Retires a service: nobody can ask for it any more."""

@final
class Agent(_Staff):
    """A desk as an agent sees it, and an admin who works as one."""

@final
class Customer(_Portal):
    """A desk as a customer sees it: what is theirs, and what is for everyone."""

    def article(self, article: _Article) -> Article:
        """A published article."""
    def articles(
        self,
        *,
        category: str | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> Listing[Article]:
        """Published articles.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def cancel_request(self, request: _Request) -> ServiceRequest:
        """Withdraws a request."""
    def close_ticket(self, ticket: _Ticket) -> Ticket:
        """Closes a resolved ticket for good."""
    def events(self, *, since: _Since = ..., only: _Only = ..., limit: int = ...) -> EventPage[OwnEvent]:
        """A page of what happened to what is the customer's: from the oldest event that is kept, behind a position, or "now", which
        has no events and a position. At most `limit` events (50), of the entities that `only` names.
        """
    def follow_up(
        self,
        of: _Ticket,
        title: str,
        *,
        description: str = ...,
        category: str | None = None,
        urgency: Urgency | str = ...,
    ) -> Ticket:
        """Opens a ticket that follows up a finished one of the customer's."""
    def me(self) -> User:
        """The customer's own data."""
    def open_ticket(
        self,
        title: str,
        *,
        description: str = ...,
        category: str | None = None,
        urgency: Urgency | str = ...,
    ) -> Ticket:
        """Opens a ticket, of medium urgency unless told otherwise."""
    def rate(self, request: _Request, stars: int, review: str = ...) -> Rating:
        """Rates a fulfilled request, once: from 1 to 5 stars."""
    def ratings(
        self,
        *,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> Listing[Rating]:
        """The ratings that the customer gave.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def reopen_ticket(self, ticket: _Ticket) -> Ticket:
        """Puts a resolved ticket back in progress."""
    def request(self, request: _Request) -> ServiceRequest:
        """A request of the customer's."""
    def request_by_number(self, number: str | int) -> ServiceRequest:
        """A request of the customer's, by its number."""
    def requests(
        self,
        *,
        phase: Phase | str | None = None,
        status: RequestStatus | str | None = None,
        service: _Service | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> Listing[ServiceRequest]:
        """The customer's requests.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def service(self, service: _Service) -> Service:
        """A service that can be asked for."""
    def services(
        self,
        *,
        category: str | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> Listing[Service]:
        """Services that can be asked for.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def submit_request(self, service: _Service, *, details: str = ...) -> ServiceRequest:
        """Asks for a service."""
    def ticket(self, ticket: _Ticket) -> Ticket:
        """A ticket of the customer's."""
    def ticket_by_number(self, number: str | int) -> Ticket:
        """A ticket of the customer's, by its number."""
    def ticket_updates(self, ticket: _Ticket, *, before: int | None = None, limit: int = ...) -> tuple[OwnUpdate, ...]:
        """What happened to a ticket, the newest first, as customers are told: at most `limit` changes (50), those before the version
        `before` if it is given.
        """
    def tickets(
        self,
        *,
        phase: Phase | str | None = None,
        status: TicketStatus | str | None = None,
        priority: Priority | str | None = None,
        category: str | None = None,
        channel: Channel | str | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> Listing[Ticket]:
        """The customer's tickets.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def unified(
        self,
        *,
        source: Source | str | None = None,
        phase: Phase | str | None = None,
        ticket_status: TicketStatus | str | None = None,
        request_status: RequestStatus | str | None = None,
        priority: Priority | str | None = None,
        category: str | None = None,
        service: _Service | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> Listing[UnifiedTicket]:
        """The customer's tickets and requests together.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def watch(self, *, since: _Since = ..., only: _Only = ...) -> Watch[OwnEvent]:
        """Follows what happens, one event after another, as far as the portal may know of it.

        It begins with what happens from now on, unless `since` is "oldest" (the oldest event that is kept) or a position;
        `only` names the entities that are asked for: one or several, all if none is named.
        """
    def withdraw_ticket(self, ticket: _Ticket) -> Ticket:
        """Gives a ticket up."""

@final
class AsyncDesk:
    """A service desk over a store. It is an async context manager that closes itself."""

    def bootstrap(self, full_name: str, email: str, *, external_ref: str | None = None) -> Coroutine[Any, Any, User]:
        """Makes the first admin. Works once, on a desk without users."""
    def admin(self, user: _User) -> AsyncAdmin:
        """The portal of an admin."""
    def agent(self, user: _User) -> AsyncAgent:
        """The portal of an agent; an admin may use it too."""
    def customer(self, user: _User) -> AsyncCustomer:
        """The portal of a customer."""
    def close(self) -> Coroutine[Any, Any, None]:
        """Waits for the commands under way and lets go of the store. Everything that is called on the desk afterwards is `Closed`."""
    def close_resolved(self, before: _Time) -> Coroutine[Any, Any, int]:
        """Closes every ticket that was resolved at or before this time, one command each; gives how many."""
    def events(
        self,
        *,
        since: _Since = ...,
        only: _Only = ...,
        limit: int = ...,
    ) -> Coroutine[Any, Any, EventPage[Event]]:
        """A page of what happened on the desk, in order: from the oldest event that is kept, behind a position, or "now", which
        has no events and a position. At most `limit` events (50), of the entities that `only` names.
        """
    def expire_positions(self) -> Coroutine[Any, Any, None]:
        """Makes every position that was given before expired. For a desk that was restored from a copy of its files."""
    def export_to(self, path: str | PathLike[str]) -> Coroutine[Any, Any, int]:
        """Writes the whole desk to a new file, as lines of JSON; gives how many rows it has. It holds personal text."""
    def health(self) -> Coroutine[Any, Any, None]:
        """Whether the store answers; an error if it does not."""
    def import_from(self, path: str | PathLike[str]) -> Coroutine[Any, Any, int]:
        """Takes a whole desk in from a file, into this one, which must be empty; gives how many rows it has. Where it stopped
        half-way, it goes on if it is called again.
        """
    def trim(self, before: _Time) -> Coroutine[Any, Any, int]:
        """Forgets the events that were recorded before this time; gives how many. The newest is always kept, and history stays."""
    def user_by_email(self, email: str) -> Coroutine[Any, Any, User]:
        """The person who has this email address, whatever its case: for the application itself, which lets people in."""
    def verify(self) -> Coroutine[Any, Any, Verification]:
        """Recounts everything that the store keeps, and tells each thing that does not hold together."""
    def watch(self, *, since: _Since = ..., only: _Only = ...) -> AsyncWatch[Event]:
        """Follows what happens on the desk, for the application itself.

        It begins with what happens from now on, unless `since` is "oldest" (the oldest event that is kept) or a position;
        `only` names the entities that are asked for: one or several, all if none is named.
        """
    def __aenter__(self) -> Coroutine[Any, Any, Self]: ...
    def __aexit__(self, *_why: object) -> Coroutine[Any, Any, None]: ...

@type_check_only
class _AsyncPortal:
    """What all portals have."""

    @property
    def actor(self) -> UserId:
        """Whose portal it is."""
    @property
    def last_stamp(self) -> bytes | None:
        """Marks the last command that was acknowledged through this handle or one made from it, for `seeing`."""
    def at(self, at: _Time, /) -> Self:
        """The same portal, for commands that tell of something that happened at this time. It may lie in the past."""
    def keyed(self, key: str, /) -> Self:
        """The same portal, for one command that must not happen twice: sent again with this key, it answers with the row as
        it stands by then, and changes nothing.
        """
    def expecting(self, version: int, /) -> Self:
        """The same portal, for a command on a row that was seen at this version: if it was changed since, the command is
        `Conflict`.
        """
    def seeing(self, stamp: bytes, /) -> Self:
        """The same portal, whose reads see at least the command that the stamp marks."""

@type_check_only
class _AsyncStaff(_AsyncPortal):
    """What admins and agents can do."""

    def add_note(self, ticket: _Ticket, body: str) -> Coroutine[Any, Any, Note]:
        """Writes a note on a ticket, open or finished. Customers don't see it."""
    def archive_article(self, article: _Article) -> Coroutine[Any, Any, Article]:
        """Takes an article out of use; it is kept."""
    def article(self, article: _Article) -> Coroutine[Any, Any, Article]:
        """An article, whatever its status."""
    def articles(
        self,
        *,
        status: ArticleStatus | str | None = None,
        author: _User | None = None,
        category: str | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> AsyncListing[Article]:
        """Articles, whatever their status.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def assign_ticket(self, ticket: _Ticket, to: _User) -> Coroutine[Any, Any, Ticket]:
        """Gives a ticket to a member of staff."""
    def cancel_request(self, request: _Request) -> Coroutine[Any, Any, ServiceRequest]:
        """Gives a request up."""
    def cancel_ticket(self, ticket: _Ticket) -> Coroutine[Any, Any, Ticket]:
        """Gives a ticket up. Its request, if it was made from one, stays as it is."""
    def change_article(
        self,
        article: _Article,
        *,
        title: str | EllipsisType = ...,
        body: str | EllipsisType = ...,
        category: str | None | EllipsisType = ...,
    ) -> Coroutine[Any, Any, Article]:
        """Changes an article's text. What is not named stays."""
    def change_ticket(
        self,
        ticket: _Ticket,
        *,
        status: TicketStatus | str | EllipsisType = ...,
        title: str | EllipsisType = ...,
        description: str | EllipsisType = ...,
        impact: Impact | str | EllipsisType = ...,
        urgency: Urgency | str | EllipsisType = ...,
        priority: Priority | str | None | EllipsisType = ...,
        category: str | None | EllipsisType = ...,
        subcategory: str | None | EllipsisType = ...,
        group: str | None | EllipsisType = ...,
        assigned_to: _User | None | EllipsisType = ...,
    ) -> Coroutine[Any, Any, Ticket]:
        """Changes a ticket: any number of fields, one command, one entry of history. What is not named stays; `None` empties
        a field, and lets the priority follow impact and urgency again.
        """
    def close_ticket(self, ticket: _Ticket) -> Coroutine[Any, Any, Ticket]:
        """Closes a resolved ticket for good."""
    def create_article(self, title: str, body: str, *, category: str | None = None) -> Coroutine[Any, Any, Article]:
        """Begins an article, as a draft."""
    def delete_rating(self, rating: _Rating) -> Coroutine[Any, Any, None]:
        """Deletes a rating, for instance one that insults. Its request stays marked as rated."""
    def events(
        self,
        *,
        since: _Since = ...,
        only: _Only = ...,
        limit: int = ...,
    ) -> Coroutine[Any, Any, EventPage[Event]]:
        """A page of what happened on the desk, in order: from the oldest event that is kept, behind a position, or "now", which
        has no events and a position. At most `limit` events (50), of the entities that `only` names.
        """
    def follow_up(
        self,
        of: _Ticket,
        title: str,
        *,
        description: str = ...,
        status: TicketStatus | str = ...,
        impact: Impact | str = ...,
        urgency: Urgency | str = ...,
        priority: Priority | str | None = None,
        category: str | None = None,
        subcategory: str | None = None,
        channel: Channel | str = ...,
        group: str | None = None,
        assigned_to: _User | None = None,
        requested_for: _User | None = None,
        created_by: _User | None = None,
        opened_at: _Time | None = None,
        external_ref: str | None = None,
    ) -> Coroutine[Any, Any, Ticket]:
        """Opens a ticket that follows up a finished one, for the same person. The rest is as for a new one."""
    def fulfil_request(self, request: _Request) -> Coroutine[Any, Any, ServiceRequest]:
        """Ends a request that has no open ticket: the customer has what was asked for."""
    def history(self, of: _AnyRow, *, order: Order | str = ..., limit: int = ...) -> AsyncListing[HistoryEntry]:
        """The history of any row, one entry for each command that changed it. It stays when the row is deleted.

        Read page by page, as it is iterated over: the oldest first and 50 entries to a page, unless told otherwise.
        """
    def hold_ticket(self, ticket: _Ticket, reason: HoldReason | str) -> Coroutine[Any, Any, Ticket]:
        """Lets a ticket wait."""
    def make_ticket(
        self,
        request: _Request,
        *,
        impact: Impact | str = ...,
        urgency: Urgency | str = ...,
        group: str | None = None,
        assigned_to: _User | None = None,
    ) -> Coroutine[Any, Any, Ticket]:
        """Makes a ticket of category `customer_request` from a request, once. Resolving it fulfils the request. It is of low impact
        and medium urgency, unless told otherwise.
        """
    def notes(
        self,
        ticket: _Ticket,
        *,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> AsyncListing[Note]:
        """The notes on a ticket.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def open_ticket(
        self,
        title: str,
        *,
        description: str = ...,
        status: TicketStatus | str = ...,
        impact: Impact | str = ...,
        urgency: Urgency | str = ...,
        priority: Priority | str | None = None,
        category: str | None = None,
        subcategory: str | None = None,
        channel: Channel | str = ...,
        group: str | None = None,
        assigned_to: _User | None = None,
        requested_for: _User | None = None,
        created_by: _User | None = None,
        opened_at: _Time | None = None,
        external_ref: str | None = None,
    ) -> Coroutine[Any, Any, Ticket]:
        """Opens a ticket: new, of medium impact and urgency, and by another channel, unless told otherwise. Its priority follows
        from impact and urgency, unless it is given.
        """
    def publish_article(self, article: _Article) -> Coroutine[Any, Any, Article]:
        """Shows an article to everybody."""
    def rating(self, rating: _Rating) -> Coroutine[Any, Any, Rating]:
        """A rating."""
    def rating_figures(self, service: _Service | None = None) -> Coroutine[Any, Any, RatingFigures]:
        """How customers rate one service, or all. Costs the same at any size."""
    def rating_rows(
        self,
        *,
        service: _Service | None = None,
        customer: _User | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> AsyncListing[RatingRow]:
        """Ratings with service and customer: of a service, or of a customer.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def reject_request(self, request: _Request) -> Coroutine[Any, Any, ServiceRequest]:
        """Refuses a request."""
    def reopen_ticket(self, ticket: _Ticket) -> Coroutine[Any, Any, Ticket]:
        """Puts a resolved ticket back in progress."""
    def request(self, request: _Request) -> Coroutine[Any, Any, ServiceRequest]:
        """A request."""
    def request_by_external_ref(self, external_ref: str) -> Coroutine[Any, Any, ServiceRequest]:
        """A request by its id elsewhere."""
    def request_by_number(self, number: str | int) -> Coroutine[Any, Any, ServiceRequest]:
        """A request by the number people say aloud."""
    def request_rows(
        self,
        *,
        phase: Phase | str | None = None,
        status: RequestStatus | str | None = None,
        customer: _User | None = None,
        service: _Service | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> AsyncListing[RequestRow]:
        """Requests with service and customer.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def requests(
        self,
        *,
        phase: Phase | str | None = None,
        status: RequestStatus | str | None = None,
        customer: _User | None = None,
        service: _Service | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> AsyncListing[ServiceRequest]:
        """Requests.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def resolve_ticket(self, ticket: _Ticket) -> Coroutine[Any, Any, Ticket]:
        """Resolves a ticket, and fulfils the request that it was made from."""
    def schedule_request(self, request: _Request, day: _Time) -> Coroutine[Any, Any, ServiceRequest]:
        """Gives a request its day."""
    def service(self, service: _Service) -> Coroutine[Any, Any, Service]:
        """A service, retired or not."""
    def service_usage(
        self,
        *,
        category: str | None = None,
        active: bool | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> AsyncListing[ServiceUsage]:
        """Services with how much they are used and how they are rated.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def services(
        self,
        *,
        category: str | None = None,
        active: bool | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> AsyncListing[Service]:
        """Services, retired ones too.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def start_request(self, request: _Request) -> Coroutine[Any, Any, ServiceRequest]:
        """Begins work on a request."""
    def start_ticket(self, ticket: _Ticket) -> Coroutine[Any, Any, Ticket]:
        """Begins work on a ticket, or takes it up again."""
    def submit_request_for(
        self,
        service: _Service,
        customer: _User,
        *,
        details: str = ...,
        external_ref: str | None = None,
    ) -> Coroutine[Any, Any, ServiceRequest]:
        """Enters a request for a customer."""
    def summary(self) -> Coroutine[Any, Any, Summary]:
        """The totals of the desk. Costs the same at any size."""
    def ticket(self, ticket: _Ticket) -> Coroutine[Any, Any, Ticket]:
        """A ticket."""
    def ticket_by_external_ref(self, external_ref: str) -> Coroutine[Any, Any, Ticket]:
        """A ticket by its id elsewhere."""
    def ticket_by_number(self, number: str | int) -> Coroutine[Any, Any, Ticket]:
        """A ticket by the number people say aloud."""
    def tickets(
        self,
        *,
        phase: Phase | str | None = None,
        status: TicketStatus | str | None = None,
        priority: Priority | str | None = None,
        category: str | None = None,
        channel: Channel | str | None = None,
        group: str | None = None,
        assignee: _User | None = None,
        unassigned: bool = False,
        customer: _User | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> AsyncListing[Ticket]:
        """Tickets.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def touch_ticket(self, ticket: _Ticket) -> Coroutine[Any, Any, Ticket]:
        """Notes that somebody handled a ticket, and changes no field."""
    def unassign_ticket(self, ticket: _Ticket) -> Coroutine[Any, Any, Ticket]:
        """Takes a ticket from whoever works on it."""
    def unified(
        self,
        *,
        source: Source | str | None = None,
        phase: Phase | str | None = None,
        ticket_status: TicketStatus | str | None = None,
        request_status: RequestStatus | str | None = None,
        priority: Priority | str | None = None,
        category: str | None = None,
        channel: Channel | str | None = None,
        group: str | None = None,
        assignee: _User | None = None,
        unassigned: bool = False,
        customer: _User | None = None,
        service: _Service | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> AsyncListing[UnifiedTicket]:
        """The unified view: tickets and requests together.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def user(self, user: _User) -> Coroutine[Any, Any, User]:
        """A person."""
    def user_by_email(self, email: str) -> Coroutine[Any, Any, User]:
        """A person by email address, whatever its case."""
    def user_by_external_ref(self, external_ref: str) -> Coroutine[Any, Any, User]:
        """A person by their id elsewhere."""
    def users(
        self,
        *,
        role: Role | str | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> AsyncListing[User]:
        """People.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def watch(self, *, since: _Since = ..., only: _Only = ...) -> AsyncWatch[Event]:
        """Follows what happens, one event after another, as far as the portal may know of it.

        It begins with what happens from now on, unless `since` is "oldest" (the oldest event that is kept) or a position;
        `only` names the entities that are asked for: one or several, all if none is named.
        """
    def withdraw_article(self, article: _Article) -> Coroutine[Any, Any, Article]:
        """Makes a published article a draft again."""

@final
class AsyncAdmin(_AsyncStaff):
    """A desk as an admin sees it."""

    def approve_request(self, request: _Request) -> Coroutine[Any, Any, ServiceRequest]:
        """Agrees to a request."""
    def change_role(self, user: _User, role: Role | str) -> Coroutine[Any, Any, User]:
        """Gives somebody else another role."""
    def change_service(
        self,
        service: _Service,
        *,
        name: str | EllipsisType = ...,
        description: str | EllipsisType = ...,
        category: str | EllipsisType = ...,
        price: Money | str | EllipsisType = ...,
        needs_approval: bool | EllipsisType = ...,
        active: bool | EllipsisType = ...,
    ) -> Coroutine[Any, Any, Service]:
        """Changes a service. What is not named stays; requests made before keep their price."""
    def change_user(
        self,
        user: _User,
        *,
        full_name: str | EllipsisType = ...,
        email: str | EllipsisType = ...,
        external_ref: str | None | EllipsisType = ...,
    ) -> Coroutine[Any, Any, User]:
        """Changes a person's data. What is not named stays."""
    def create_service(
        self,
        name: str,
        category: str,
        price: Money | str,
        *,
        description: str = ...,
        needs_approval: bool = False,
    ) -> Coroutine[Any, Any, Service]:
        """Enters a service into the catalogue."""
    def create_user(
        self,
        full_name: str,
        email: str,
        role: Role | str,
        *,
        external_ref: str | None = None,
    ) -> Coroutine[Any, Any, User]:
        """Enters a person."""
    def deactivate_user(self, user: _User) -> Coroutine[Any, Any, User]:
        """Lets somebody else no longer act. What is theirs stays."""
    def delete_service(self, service: _Service) -> Coroutine[Any, Any, None]:
        """Deletes a service that nothing names."""
    def delete_user(self, user: _User) -> Coroutine[Any, Any, None]:
        """Deletes somebody else whom no row needs."""
    def reactivate_user(self, user: _User) -> Coroutine[Any, Any, User]:
        """Lets somebody act again."""
    def retire_service(self, service: _Service) -> Coroutine[Any, Any, Service]:
        """Retires a service: nobody can ask for it any more."""

@final
class AsyncAgent(_AsyncStaff):
    """A desk as an agent sees it, and an admin who works as one."""

@final
class AsyncCustomer(_AsyncPortal):
    """A desk as a customer sees it: what is theirs, and what is for everyone."""

    def article(self, article: _Article) -> Coroutine[Any, Any, Article]:
        """A published article."""
    def articles(
        self,
        *,
        category: str | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> AsyncListing[Article]:
        """Published articles.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def cancel_request(self, request: _Request) -> Coroutine[Any, Any, ServiceRequest]:
        """Withdraws a request."""
    def close_ticket(self, ticket: _Ticket) -> Coroutine[Any, Any, Ticket]:
        """Closes a resolved ticket for good."""
    def events(
        self,
        *,
        since: _Since = ...,
        only: _Only = ...,
        limit: int = ...,
    ) -> Coroutine[Any, Any, EventPage[OwnEvent]]:
        """A page of what happened to what is the customer's: from the oldest event that is kept, behind a position, or "now", which
        has no events and a position. At most `limit` events (50), of the entities that `only` names.
        """
    def follow_up(
        self,
        of: _Ticket,
        title: str,
        *,
        description: str = ...,
        category: str | None = None,
        urgency: Urgency | str = ...,
    ) -> Coroutine[Any, Any, Ticket]:
        """Opens a ticket that follows up a finished one of the customer's."""
    def me(self) -> Coroutine[Any, Any, User]:
        """The customer's own data."""
    def open_ticket(
        self,
        title: str,
        *,
        description: str = ...,
        category: str | None = None,
        urgency: Urgency | str = ...,
    ) -> Coroutine[Any, Any, Ticket]:
        """Opens a ticket, of medium urgency unless told otherwise."""
    def rate(self, request: _Request, stars: int, review: str = ...) -> Coroutine[Any, Any, Rating]:
        """Rates a fulfilled request, once: from 1 to 5 stars."""
    def ratings(
        self,
        *,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> AsyncListing[Rating]:
        """The ratings that the customer gave.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def reopen_ticket(self, ticket: _Ticket) -> Coroutine[Any, Any, Ticket]:
        """Puts a resolved ticket back in progress."""
    def request(self, request: _Request) -> Coroutine[Any, Any, ServiceRequest]:
        """A request of the customer's."""
    def request_by_number(self, number: str | int) -> Coroutine[Any, Any, ServiceRequest]:
        """A request of the customer's, by its number."""
    def requests(
        self,
        *,
        phase: Phase | str | None = None,
        status: RequestStatus | str | None = None,
        service: _Service | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> AsyncListing[ServiceRequest]:
        """The customer's requests.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def service(self, service: _Service) -> Coroutine[Any, Any, Service]:
        """A service that can be asked for."""
    def services(
        self,
        *,
        category: str | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> AsyncListing[Service]:
        """Services that can be asked for.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def submit_request(self, service: _Service, *, details: str = ...) -> Coroutine[Any, Any, ServiceRequest]:
        """Asks for a service."""
    def ticket(self, ticket: _Ticket) -> Coroutine[Any, Any, Ticket]:
        """A ticket of the customer's."""
    def ticket_by_number(self, number: str | int) -> Coroutine[Any, Any, Ticket]:
        """A ticket of the customer's, by its number."""
    def ticket_updates(
        self,
        ticket: _Ticket,
        *,
        before: int | None = None,
        limit: int = ...,
    ) -> Coroutine[Any, Any, tuple[OwnUpdate, ...]]:
        """What happened to a ticket, the newest first, as customers are told: at most `limit` changes (50), those before the version
        `before` if it is given.
        """
    def tickets(
        self,
        *,
        phase: Phase | str | None = None,
        status: TicketStatus | str | None = None,
        priority: Priority | str | None = None,
        category: str | None = None,
        channel: Channel | str | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> AsyncListing[Ticket]:
        """The customer's tickets.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def unified(
        self,
        *,
        source: Source | str | None = None,
        phase: Phase | str | None = None,
        ticket_status: TicketStatus | str | None = None,
        request_status: RequestStatus | str | None = None,
        priority: Priority | str | None = None,
        category: str | None = None,
        service: _Service | None = None,
        order: Order | str = ...,
        limit: int = ...,
        created_from: _Time | None = None,
        created_to: _Time | None = None,
    ) -> AsyncListing[UnifiedTicket]:
        """The customer's tickets and requests together.

        Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
        and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
        """
    def watch(self, *, since: _Since = ..., only: _Only = ...) -> AsyncWatch[OwnEvent]:
        """Follows what happens, one event after another, as far as the portal may know of it.

        It begins with what happens from now on, unless `since` is "oldest" (the oldest event that is kept) or a position;
        `only` names the entities that are asked for: one or several, all if none is named.
        """
    def withdraw_ticket(self, ticket: _Ticket) -> Coroutine[Any, Any, Ticket]:
        """Gives a ticket up."""

def open(address: str) -> Desk:
    """Opens the desk at an address: "memory:", "sled:FOLDER", or "postgres://…". It is closed by `close()`, at the end of a
    `with`, and at the end of the program.
    """
def open_later(address: str) -> Coroutine[Any, Any, AsyncDesk]:
    """Opens the desk at an address, as `bsm.aio.open`."""
def remove(address: str) -> None:
    """Deletes the desk at an address, with everything that is on it, and nothing else. Nothing there is fine."""
def remove_later(address: str) -> Coroutine[Any, Any, None]:
    """Deletes the desk at an address, as `bsm.aio.remove`."""
def forked() -> None:
    """Tells the module that this process is a child. For `os.register_at_fork`."""
def close_all() -> None:
    """Closes every desk that is open. For `atexit`."""

@final
class Server:
    """A desk over HTTP, on the desk's own threads."""

    def __new__(cls, desk: Desk, listen: str, secret: bytes) -> Self:
        """Serves a desk at "HOST:PORT", for whoever has a token that the secret signs: 32 bytes or more."""
    @property
    def address(self) -> str:
        """Where it is, as "HOST:PORT"."""
    def token(self, user: _User, role: Role | str, seconds: int) -> str:
        """A token by which somebody is recognised, for so many seconds."""
    def wait(self) -> None:
        """Waits until it has stopped."""
    def stop(self) -> None:
        """Stops: takes no more connections, finishes the requests under way, and closes the desk, which ends streams of events."""

def populate(desk: Desk) -> bool:
    """Fills an empty desk with the demonstration; gives whether it was empty."""
