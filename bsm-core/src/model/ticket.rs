//! A ticket, and the number people call it by.

use serde::{Deserialize, Serialize};

use super::row::{kept_fields, numbers};
use super::{
    Channel, Entity, Impact, Phase, Priority, Record, RequestId, TicketId, TicketStatus, Timestamp, Urgency, UserId,
    Value, Version,
};
use crate::schema::Field;

numbers! {
    /// The number of a ticket, written `TKT-000042`. Unique and rising; the store gives it.
    TicketNumber, Ticket, "TKT-"
}

/// A ticket. Table `tickets`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ticket {
    /// The id; carries when the ticket was opened (which may lie before the desk recorded it).
    pub id: TicketId,
    /// The number people say aloud.
    pub number: TicketNumber,
    /// One line.
    pub title: String,
    /// The whole story; may be empty.
    pub description: String,
    /// Where it stands.
    pub status: TicketStatus,
    /// How much it touches.
    pub impact: Impact,
    /// How long it can wait.
    pub urgency: Urgency,
    /// In what order it is worked on.
    pub priority: Priority,
    /// Whether the priority was set by hand and no longer follows impact and urgency.
    pub priority_overridden: bool,
    /// What it is about, in the desk's own vocabulary.
    pub category: Option<String>,
    /// What it is about, more closely.
    pub subcategory: Option<String>,
    /// How it reached the desk.
    pub channel: Channel,
    /// The group that works on it.
    #[serde(rename = "assignment_group")]
    pub group: Option<String>,
    /// The member of staff who works on it.
    pub assigned_to: Option<UserId>,
    /// Who typed it in.
    pub created_by: UserId,
    /// Whose ticket it is: the customer who sees it among their own.
    pub requested_for: Option<UserId>,
    /// The request it was made from.
    pub request_id: Option<RequestId>,
    /// The finished ticket that it follows up.
    pub follow_up_of: Option<TicketId>,
    /// How often it went from resolved back to in progress.
    pub reopen_count: u32,
    /// When it went to resolved; empty while it is not resolved or closed.
    pub resolved_at: Option<Timestamp>,
    /// When it went to Closed.
    pub closed_at: Option<Timestamp>,
    /// The id of this ticket elsewhere; no two tickets share one.
    pub external_ref: Option<String>,
    /// How often the row was written.
    pub version: Version,
    /// When the desk last wrote it.
    pub updated_at: Timestamp,
}

impl Ticket {
    /// The coarse state.
    pub const fn phase(&self) -> Phase {
        self.status.phase()
    }
}

impl Record for Ticket {
    const ENTITY: Entity = Entity::Ticket;

    kept_fields!();

    fn value(&self, field: Field) -> Value<'_> {
        match field {
            Field::Id => self.id.into(),
            Field::CreatedAt => self.id.created_at().into(),
            Field::Number => self.number.into(),
            Field::Title => (&self.title).into(),
            Field::Description => (&self.description).into(),
            Field::Status => self.status.into(),
            Field::Phase => self.phase().into(),
            Field::Impact => self.impact.into(),
            Field::Urgency => self.urgency.into(),
            Field::Priority => self.priority.into(),
            Field::PriorityOverridden => self.priority_overridden.into(),
            Field::Category => self.category.as_ref().into(),
            Field::Subcategory => self.subcategory.as_ref().into(),
            Field::Channel => self.channel.into(),
            Field::Group => self.group.as_ref().into(),
            Field::AssignedTo => self.assigned_to.into(),
            Field::CreatedBy => self.created_by.into(),
            Field::RequestedFor => self.requested_for.into(),
            Field::RequestId => self.request_id.into(),
            Field::FollowUpOf => self.follow_up_of.into(),
            Field::ReopenCount => Value::Int(self.reopen_count.into()),
            Field::ResolvedAt => self.resolved_at.into(),
            Field::ClosedAt => self.closed_at.into(),
            Field::ExternalRef => self.external_ref.as_ref().into(),
            other => self.kept_value(other),
        }
    }

    fn subject(&self) -> Option<UserId> {
        self.requested_for
    }
}
