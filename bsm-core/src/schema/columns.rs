//! The fields of every entity.

use crate::model::Entity;
use crate::model::spelled::spelled;

spelled! {
    /// A field of some entity. Its spelling is the column's name in SQL and the field's in JSON and errors.
    pub enum Field as "field" {
        /// The row's id.
        Id = 1 => "id",
        /// When it was created: the time in the id.
        CreatedAt = 2 => "created_at",
        /// How often it was written.
        Version = 3 => "version",
        /// When it was last written.
        UpdatedAt = 4 => "updated_at",
        /// The number people say aloud.
        Number = 5 => "number",
        /// The id elsewhere.
        ExternalRef = 6 => "external_ref",
        /// A person's name.
        FullName = 10 => "full_name",
        /// A person's email address.
        Email = 11 => "email",
        /// A person's role.
        Role = 12 => "role",
        /// Whether a person may act, or a service can be asked for.
        Active = 13 => "active",
        /// One line.
        Title = 20 => "title",
        /// The whole story.
        Description = 21 => "description",
        /// Where it stands.
        Status = 22 => "status",
        /// Where it stands, coarsely: follows from the status.
        Phase = 23 => "phase",
        /// How much it touches.
        Impact = 24 => "impact",
        /// How long it can wait.
        Urgency = 25 => "urgency",
        /// In what order it is worked on.
        Priority = 26 => "priority",
        /// Whether the priority was set by hand.
        PriorityOverridden = 27 => "priority_overridden",
        /// What it is about.
        Category = 28 => "category",
        /// What it is about, more closely.
        Subcategory = 29 => "subcategory",
        /// How it came.
        Channel = 30 => "channel",
        /// The group that works on it. (`group` is a reserved word in SQL.)
        Group = 31 => "assignment_group",
        /// Who works on it.
        AssignedTo = 32 => "assigned_to",
        /// Who typed it in.
        CreatedBy = 33 => "created_by",
        /// Whose it is.
        RequestedFor = 34 => "requested_for",
        /// The request that a ticket was made from.
        RequestId = 35 => "request_id",
        /// The finished ticket that it follows up.
        FollowUpOf = 36 => "follow_up_of",
        /// How often it was reopened.
        ReopenCount = 37 => "reopen_count",
        /// When it was last resolved.
        ResolvedAt = 38 => "resolved_at",
        /// When it was closed.
        ClosedAt = 39 => "closed_at",
        /// A text of many lines.
        Body = 50 => "body",
        /// Who wrote it.
        AuthorId = 51 => "author_id",
        /// When it was last published.
        PublishedAt = 52 => "published_at",
        /// A service's name.
        Name = 60 => "name",
        /// What it costs.
        Price = 61 => "price",
        /// The price's currency.
        Currency = 62 => "currency",
        /// Whether an admin must agree first.
        NeedsApproval = 63 => "needs_approval",
        /// Which service.
        ServiceId = 70 => "service_id",
        /// Which customer.
        CustomerId = 71 => "customer_id",
        /// What the customer added.
        Details = 72 => "details",
        /// The day that was agreed.
        ScheduledFor = 73 => "scheduled_for",
        /// When it was last fulfilled.
        FulfilledAt = 74 => "fulfilled_at",
        /// The ticket that was made from a request, or that a note is about.
        TicketId = 75 => "ticket_id",
        /// The request's rating.
        RatingId = 76 => "rating_id",
        /// Whether it was rated.
        Rated = 77 => "rated",
        /// Stars.
        Stars = 80 => "rating",
        /// What the customer wrote.
        Review = 81 => "review",
    }
}

/// What kind of value a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Text.
    Text,
    /// A UUID.
    Id,
    /// A word of one of the model's enums.
    Token,
    /// A whole number.
    Int,
    /// Yes or no.
    Bool,
    /// A moment.
    Time,
    /// A decimal.
    Decimal,
}

/// One field of one entity.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Which field.
    pub field: Field,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may be empty.
    pub optional: bool,
    /// Whether it is text that may tell of a person: such values stay out of history and the feed.
    pub personal: bool,
    /// Whether a change of it stands in history. (What follows from others, or changes with every write, does not.)
    pub in_history: bool,
}

const fn column(field: Field, kind: Kind) -> Column {
    Column { field, kind, optional: false, personal: false, in_history: true }
}

const fn optional(field: Field, kind: Kind) -> Column {
    Column { optional: true, ..column(field, kind) }
}

const fn personal(field: Field) -> Column {
    Column { personal: true, ..column(field, Kind::Text) }
}

const fn kept(field: Field, kind: Kind) -> Column {
    Column { in_history: false, ..column(field, kind) }
}

const ID: Column = kept(Field::Id, Kind::Id);
const CREATED: Column = kept(Field::CreatedAt, Kind::Time);
const VERSION: Column = kept(Field::Version, Kind::Int);
const UPDATED: Column = kept(Field::UpdatedAt, Kind::Time);
/// An outer system's id may well be a person's name or address, so it is personal too.
const EXTERNAL_REF: Column = Column { optional: true, ..personal(Field::ExternalRef) };

/// The fields of an entity, in the order in which history and the documentation tell them.
#[expect(clippy::too_many_lines, reason = "a table, one line a column")]
pub const fn columns(entity: Entity) -> &'static [Column] {
    match entity {
        Entity::User => {
            const {
                &[
                    ID,
                    CREATED,
                    personal(Field::FullName),
                    personal(Field::Email),
                    column(Field::Role, Kind::Token),
                    column(Field::Active, Kind::Bool),
                    EXTERNAL_REF,
                    VERSION,
                    UPDATED,
                ]
            }
        }
        Entity::Ticket => {
            const {
                &[
                    ID,
                    CREATED,
                    kept(Field::Number, Kind::Int),
                    personal(Field::Title),
                    personal(Field::Description),
                    column(Field::Status, Kind::Token),
                    kept(Field::Phase, Kind::Token),
                    column(Field::Impact, Kind::Token),
                    column(Field::Urgency, Kind::Token),
                    column(Field::Priority, Kind::Token),
                    column(Field::PriorityOverridden, Kind::Bool),
                    optional(Field::Category, Kind::Text),
                    optional(Field::Subcategory, Kind::Text),
                    column(Field::Channel, Kind::Token),
                    optional(Field::Group, Kind::Text),
                    optional(Field::AssignedTo, Kind::Id),
                    column(Field::CreatedBy, Kind::Id),
                    optional(Field::RequestedFor, Kind::Id),
                    optional(Field::RequestId, Kind::Id),
                    optional(Field::FollowUpOf, Kind::Id),
                    column(Field::ReopenCount, Kind::Int),
                    optional(Field::ResolvedAt, Kind::Time),
                    optional(Field::ClosedAt, Kind::Time),
                    EXTERNAL_REF,
                    VERSION,
                    UPDATED,
                ]
            }
        }
        Entity::Article => {
            const {
                &[
                    ID,
                    CREATED,
                    personal(Field::Title),
                    personal(Field::Body),
                    optional(Field::Category, Kind::Text),
                    column(Field::Status, Kind::Token),
                    column(Field::AuthorId, Kind::Id),
                    optional(Field::PublishedAt, Kind::Time),
                    VERSION,
                    UPDATED,
                ]
            }
        }
        Entity::Service => {
            const {
                &[
                    ID,
                    CREATED,
                    personal(Field::Name),
                    personal(Field::Description),
                    column(Field::Category, Kind::Text),
                    column(Field::Price, Kind::Decimal),
                    column(Field::Currency, Kind::Text),
                    column(Field::NeedsApproval, Kind::Bool),
                    column(Field::Active, Kind::Bool),
                    VERSION,
                    UPDATED,
                ]
            }
        }
        Entity::Request => {
            const {
                &[
                    ID,
                    CREATED,
                    kept(Field::Number, Kind::Int),
                    column(Field::ServiceId, Kind::Id),
                    column(Field::CustomerId, Kind::Id),
                    personal(Field::Details),
                    column(Field::Status, Kind::Token),
                    kept(Field::Phase, Kind::Token),
                    column(Field::NeedsApproval, Kind::Bool),
                    column(Field::Price, Kind::Decimal),
                    column(Field::Currency, Kind::Text),
                    optional(Field::ScheduledFor, Kind::Time),
                    optional(Field::FulfilledAt, Kind::Time),
                    optional(Field::TicketId, Kind::Id),
                    optional(Field::RatingId, Kind::Id),
                    column(Field::Rated, Kind::Bool),
                    EXTERNAL_REF,
                    VERSION,
                    UPDATED,
                ]
            }
        }
        Entity::Rating => {
            const {
                &[
                    ID,
                    CREATED,
                    column(Field::ServiceId, Kind::Id),
                    column(Field::CustomerId, Kind::Id),
                    column(Field::Stars, Kind::Token),
                    personal(Field::Review),
                    VERSION,
                    UPDATED,
                ]
            }
        }
        Entity::Note => {
            const {
                &[
                    ID,
                    CREATED,
                    column(Field::TicketId, Kind::Id),
                    column(Field::AuthorId, Kind::Id),
                    personal(Field::Body),
                    VERSION,
                    UPDATED,
                ]
            }
        }
    }
}
