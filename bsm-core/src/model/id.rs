//! Ids: one type per entity, each a `UUIDv7` whose time is the entity's creation.
//!
//! The 12 bits after the version hold the microseconds (RFC 9562, section 6.2, method 3), so ids sort by creation time
//! at the precision that the desk keeps, and the creation time needs no field of its own: it is read from the id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Entity, Timestamp};
use crate::{Error, Reason};

/// Builds the `UUIDv7` of a creation at `at`, with `random` (62 bits of it) to tell it from others of that moment.
pub(crate) fn uuid_at(at: Timestamp, random: u64) -> Uuid {
    let micros = at.micros().unsigned_abs();
    let (millis, rest) = (micros / 1000, micros % 1000);
    let fraction = rest * 4096 / 1000;
    let high = (millis << 16) | 0x7000 | fraction;
    let low = (random >> 2) | 0x8000_0000_0000_0000;
    Uuid::from_u64_pair(high, low)
}

/// The creation time that an id made by [`uuid_at`] carries; for any other UUID a time that means nothing.
pub(crate) fn time_of(id: Uuid) -> Timestamp {
    let (high, _) = id.as_u64_pair();
    let (millis, fraction) = (high >> 16, high & 0x0fff);
    let micros = millis * 1000 + (fraction * 1000).div_ceil(4096);
    i64::try_from(micros).ok().and_then(|micros| Timestamp::from_micros(micros).ok()).unwrap_or(Timestamp::MAX)
}

/// The least and the greatest id of the moments `from` and `to`: what a time range is, in ids.
pub(crate) fn bounds(from: Timestamp, to: Timestamp) -> (Uuid, Uuid) {
    (uuid_at(from, 0), uuid_at(to, u64::MAX))
}

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident of $entity:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The entity that it identifies.
            pub const ENTITY: Entity = Entity::$entity;

            /// Takes a UUID as an id of this kind. Nothing is looked up: an id of nothing is simply not found.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The id as a plain UUID.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }

            /// When the entity was created: the time that the id carries.
            pub fn created_at(self) -> Timestamp {
                time_of(self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Uuid::parse_str(text).map(Self).map_err(|_| {
                    Error::invalid_of(Entity::$entity, "id", Reason::Malformed { expected: "a UUID" })
                })
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Uuid {
                id.0
            }
        }

        impl From<$name> for Key {
            fn from(id: $name) -> Key {
                Key { entity: Entity::$entity, id: id.0 }
            }
        }
    )+};
}

ids! {
    /// Identifies a [`User`](super::User).
    UserId of User,
    /// Identifies a [`Ticket`](super::Ticket).
    TicketId of Ticket,
    /// Identifies an [`Article`](super::Article) of the knowledge base.
    ArticleId of Article,
    /// Identifies a [`Service`](super::Service) of the catalogue.
    ServiceId of Service,
    /// Identifies a [`ServiceRequest`](super::ServiceRequest).
    RequestId of Request,
    /// Identifies a [`Rating`](super::Rating).
    RatingId of Rating,
    /// Identifies a [`Note`](super::Note) on a ticket.
    NoteId of Note,
}

/// Which row: an entity and an id. Typed ids turn into it by `From`. Ordered by the entity's code and then by id, byte by
/// byte: the order of an entity's [log](crate::store::LogQuery).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Key {
    /// The kind of row.
    pub entity: Entity,
    /// The row's id.
    pub id: Uuid,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.entity, self.id)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.entity, self.id)
    }
}

/// How often a row was written: 1 when made, one more with each change. What [`Error::Conflict`] compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(format = "uint64", minimum = 0, maximum = 18_446_744_073_709_551_615_u64))]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    /// The version of a row as it is made.
    pub const FIRST: Self = Self(1);

    /// The version after one more change.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_carries_its_creation_to_the_microsecond_and_sorts_by_it() {
        let mut last = Uuid::nil();
        for step in 0..5_000 {
            let at = Timestamp::from_micros(1_456_708_560_000_000 + step).expect("in range");
            let id = uuid_at(at, u64::MAX - u64::try_from(step).expect("positive"));
            assert_eq!(time_of(id), at);
            assert_eq!(id.get_version_num(), 7);
            assert!(id > last);
            last = id;
        }
    }

    #[test]
    fn any_uuid_has_some_time() {
        time_of(Uuid::max());
        time_of(Uuid::nil());
    }
}
