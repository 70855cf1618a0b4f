//! A note that staff wrote on a ticket.

use serde::{Deserialize, Serialize};

use super::row::kept_fields;
use super::{Entity, NoteId, Record, TicketId, Timestamp, UserId, Value, Version};
use crate::schema::Field;

/// A note that staff wrote on a ticket, open or finished. Table `ticket_notes`. Customers don't see it.
///
/// A row of its own, so that its text can be erased without touching the ticket's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Note {
    /// The id; carries when it was written.
    pub id: NoteId,
    /// The ticket that it is about.
    pub ticket_id: TicketId,
    /// Who wrote it.
    pub author_id: UserId,
    /// The text.
    pub body: String,
    /// How often the row was written.
    pub version: Version,
    /// When the desk last wrote it.
    pub updated_at: Timestamp,
}

impl Record for Note {
    const ENTITY: Entity = Entity::Note;

    kept_fields!();

    fn value(&self, field: Field) -> Value<'_> {
        match field {
            Field::Id => self.id.into(),
            Field::CreatedAt => self.id.created_at().into(),
            Field::TicketId => self.ticket_id.into(),
            Field::AuthorId => self.author_id.into(),
            Field::Body => (&self.body).into(),
            other => self.kept_value(other),
        }
    }
}
