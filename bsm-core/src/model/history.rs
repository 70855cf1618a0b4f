//! History: who changed what and when.

use serde::{Deserialize, Serialize};

use super::{Action, Key, Row, Timestamp, UserId, Version};
use crate::schema::{self, Field};

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The desk itself: closing what was resolved long ago, or a change made by hand in a database.
    System,
    /// A person.
    User(UserId),
}

/// One field of one change. Values are text in their one spelling; a personal field's are left out, so that a person
/// can be erased from the rows without rewriting history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldChange {
    /// Which field.
    pub field: Field,
    /// What it was; `None` if it was empty, or is personal.
    pub from: Option<String>,
    /// What it became; `None` if it is empty, or personal.
    pub to: Option<String>,
}

/// One change of one row. A command that sets several fields makes one entry; one that sets none makes a
/// [touch](Action::Touched). In JSON and in postcard nothing of it is lost, as of a [`Row`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryEntry {
    /// The row that changed.
    pub key: Key,
    /// The row's version after the change: 1, 2, 3, … without a gap, so also how many entries the row has so far.
    pub version: Version,
    /// What happened.
    pub action: Action,
    /// Who did it.
    pub actor: Actor,
    /// When it happened, as the actor says. May lie in the past, and may run backwards from one entry to the next.
    pub occurred_at: Timestamp,
    /// When the desk recorded it, by its own clock.
    pub recorded_at: Timestamp,
    /// The customer whose row it is: in whose feed it stands.
    pub subject: Option<UserId>,
    /// The fields that changed, in the schema's order.
    pub changes: Vec<FieldChange>,
}

/// What changed from one state of a row to the next: `None` before it is made, and after it is deleted.
pub(crate) fn changes(before: Option<&Row>, after: Option<&Row>) -> Vec<FieldChange> {
    let Some(entity) = before.or(after).map(Row::entity) else {
        return Vec::new();
    };
    let mut changes = Vec::new();
    for column in schema::columns(entity).iter().filter(|column| column.in_history) {
        let old = before.map_or(super::Value::Null, |row| row.value(column.field));
        let new = after.map_or(super::Value::Null, |row| row.value(column.field));
        if old == new {
            continue;
        }
        let tell = |value: super::Value<'_>| if column.personal { None } else { value.to_text() };
        changes.push(FieldChange { field: column.field, from: tell(old), to: tell(new) });
    }
    changes
}
