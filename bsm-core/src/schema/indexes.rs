//! What is listed: for every index the fields that it groups rows by. Within a group rows stand by id, so by creation.
//!
//! The primary key is an index of its own (all rows, by id) and needs no line. Phases are no index of tickets and
//! requests as such: the statuses of a phase are merged. By person there is one, since a person's open work is what is
//! asked for most; all of a person's is the merge of its phases.

use crate::model::Entity;

use super::Field;

/// An index of an entity: its place in [`indexes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Index {
    /// Whose rows.
    pub entity: Entity,
    /// The index's tag; 0 is the primary key.
    pub tag: u8,
}

/// What an index groups rows by.
#[derive(Clone, Copy, Debug)]
pub struct IndexSpec {
    /// Whose rows.
    pub entity: Entity,
    /// Stands for the index in keys. Never changes, and is not 0.
    pub tag: u8,
    /// The fields, in the key's order. A row whose first field is empty does not stand in the index.
    pub fields: &'static [Field],
}

impl Index {
    /// All rows of an entity, by id.
    pub const fn primary(entity: Entity) -> Self {
        Self { entity, tag: 0 }
    }

    /// The index of `entity` whose leading fields are `fields`, if there is one.
    pub fn by(entity: Entity, fields: &[Field]) -> Option<Self> {
        if fields.is_empty() {
            return Some(Self::primary(entity));
        }
        indexes(entity).iter().find(|spec| spec.fields == fields).map(|spec| Self { entity, tag: spec.tag })
    }

    /// Its fields; none for the primary key, whose tag is 0, and none for a tag that no index of the entity has.
    pub fn fields(self) -> &'static [Field] {
        indexes(self.entity).iter().find(|spec| spec.tag == self.tag).map_or(&[], |spec| spec.fields)
    }
}

const fn index(entity: Entity, tag: u8, fields: &'static [Field]) -> IndexSpec {
    IndexSpec { entity, tag, fields }
}

/// The indexes of an entity, the primary key and unique keys aside.
pub const fn indexes(entity: Entity) -> &'static [IndexSpec] {
    match entity {
        Entity::User => const { &[index(Entity::User, 1, &[Field::Role])] },
        Entity::Ticket => {
            const {
                &[
                    index(Entity::Ticket, 1, &[Field::Status]),
                    index(Entity::Ticket, 2, &[Field::Priority]),
                    index(Entity::Ticket, 3, &[Field::Category]),
                    index(Entity::Ticket, 4, &[Field::AssignedTo, Field::Phase]),
                    index(Entity::Ticket, 5, &[Field::RequestedFor, Field::Phase]),
                    index(Entity::Ticket, 6, &[Field::CreatedBy]),
                    index(Entity::Ticket, 7, &[Field::FollowUpOf]),
                ]
            }
        }
        Entity::Article => {
            const { &[index(Entity::Article, 1, &[Field::Status]), index(Entity::Article, 2, &[Field::AuthorId])] }
        }
        Entity::Service => {
            const { &[index(Entity::Service, 1, &[Field::Active]), index(Entity::Service, 2, &[Field::Category])] }
        }
        Entity::Request => {
            const {
                &[
                    index(Entity::Request, 1, &[Field::Status]),
                    index(Entity::Request, 2, &[Field::ServiceId]),
                    index(Entity::Request, 3, &[Field::CustomerId, Field::Phase]),
                ]
            }
        }
        Entity::Rating => {
            const { &[index(Entity::Rating, 1, &[Field::ServiceId]), index(Entity::Rating, 2, &[Field::CustomerId])] }
        }
        Entity::Note => {
            const { &[index(Entity::Note, 1, &[Field::TicketId]), index(Entity::Note, 2, &[Field::AuthorId])] }
        }
    }
}
