//! A person with a role.

use serde::{Deserialize, Serialize};

use super::row::kept_fields;
use super::{Entity, Record, Role, Timestamp, UserId, Value, Version};
use crate::schema::Field;

/// A person: an admin, an agent or a customer. Table `users`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// The id; carries when the person was entered.
    pub id: UserId,
    /// The name, as the person writes it.
    pub full_name: String,
    /// The email address, normalised; no two users share one.
    pub email: String,
    /// What the person may do.
    pub role: Role,
    /// Whether the person may act. Nothing can be assigned to, or asked for by, somebody who may not.
    pub active: bool,
    /// The id of this person elsewhere; no two users share one.
    pub external_ref: Option<String>,
    /// How often the row was written.
    pub version: Version,
    /// When the desk last wrote it.
    pub updated_at: Timestamp,
}

impl Record for User {
    const ENTITY: Entity = Entity::User;

    kept_fields!();

    fn value(&self, field: Field) -> Value<'_> {
        match field {
            Field::Id => self.id.into(),
            Field::CreatedAt => self.id.created_at().into(),
            Field::FullName => (&self.full_name).into(),
            Field::Email => (&self.email).into(),
            Field::Role => self.role.into(),
            Field::Active => self.active.into(),
            Field::ExternalRef => self.external_ref.as_ref().into(),
            other => self.kept_value(other),
        }
    }

    fn subject(&self) -> Option<UserId> {
        (self.role == Role::Customer).then_some(self.id)
    }
}
