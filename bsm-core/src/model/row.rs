//! Rows as one type: what stores keep, without knowing what a ticket is.

use serde::{Deserialize, Serialize};

use super::{
    Article, Entity, Key, Note, Rating, Service, ServiceRequest, Ticket, Timestamp, User, UserId, Value, Version,
};
use crate::schema::Field;

/// What every entity can say of itself. The schema's relations, unique keys, indexes and counters name fields, and read
/// them through here; nothing generic looks into an entity's struct.
pub trait Record {
    /// Which entity it is.
    const ENTITY: Entity;

    /// Entity and id.
    fn key(&self) -> Key;

    /// How often the row was written.
    fn version(&self) -> Version;

    /// When the desk last wrote the row.
    fn updated_at(&self) -> Timestamp;

    /// Marks the row as written once more.
    fn stamp(&mut self, version: Version, updated_at: Timestamp);

    /// The value of a field; [`Value::Null`] for a field that the entity lacks. Copies no text.
    fn value(&self, field: Field) -> Value<'_>;

    /// The value of a field that every entity has besides its own: the version, and when it was written.
    fn kept_value(&self, field: Field) -> Value<'static> {
        match field {
            Field::Version => Value::Int(i64::try_from(self.version().0).unwrap_or(i64::MAX)),
            Field::UpdatedAt => self.updated_at().into(),
            _ => Value::Null,
        }
    }

    /// The customer whose it is: who may see it from the customer portal. `None`: no customer.
    fn subject(&self) -> Option<UserId> {
        None
    }
}

/// The methods of [`Record`] that are the same for every entity, since each has an id, a version and a time of writing.
macro_rules! kept_fields {
    () => {
        fn key(&self) -> $crate::model::Key {
            self.id.into()
        }

        fn version(&self) -> $crate::model::Version {
            self.version
        }

        fn updated_at(&self) -> $crate::model::Timestamp {
            self.updated_at
        }

        fn stamp(&mut self, version: $crate::model::Version, updated_at: $crate::model::Timestamp) {
            (self.version, self.updated_at) = (version, updated_at);
        }
    };
}
pub(crate) use kept_fields;

/// Declares the number type of a numbered entity.
macro_rules! numbers {
    ($(#[$meta:meta])* $name:ident, $entity:ident, $prefix:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// What stands before the digits.
            pub const PREFIX: &'static str = $prefix;
            /// What a row carries until the store gives it a number at its commit.
            pub const PENDING: Self = Self(0);

            /// The number `number`.
            pub const fn new(number: u32) -> Self {
                Self(number)
            }

            /// The bare number.
            pub const fn get(self) -> u32 {
                self.0
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(&format!("{}{:06}", $prefix, self.0))
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(self, f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.strip_prefix($prefix)
                    .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
                    .and_then(|digits| digits.parse().ok())
                    .map(Self)
                    .ok_or_else(|| {
                        $crate::Error::invalid_of(super::Entity::$entity, "number", $crate::Reason::Malformed {
                            expected: concat!("a number like ", $prefix, "000042"),
                        })
                    })
            }
        }

        #[cfg(feature = "openapi")]
        impl ::utoipa::PartialSchema for $name {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::Schema> {
                $crate::model::openapi::pattern(concat!("^", $prefix, "[0-9]+$"), concat!($prefix, "000042"))
            }
        }

        #[cfg(feature = "openapi")]
        impl ::utoipa::ToSchema for $name {}

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_u32(self.0)
                }
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use ::serde::de::Error as _;
                if deserializer.is_human_readable() {
                    let text = <::std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                    text.parse().map_err(D::Error::custom)
                } else {
                    u32::deserialize(deserializer).map(Self)
                }
            }
        }

        impl From<$name> for $crate::model::Value<'static> {
            /// A number that is not given yet is no value: nothing is unique by it, and history does not tell it.
            fn from(number: $name) -> Self {
                if number == $name::PENDING { Self::Null } else { Self::Int(number.0.into()) }
            }
        }
    };
}
pub(crate) use numbers;

macro_rules! rows {
    ($($entity:ident($record:ident)),+ $(,)?) => {
        /// A row of any entity. In JSON an object with one member, named by the entity; in JSON and in postcard nothing of it
        /// is lost, and its form changes only with the number of the format that keeps it.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Row {
            $(#[doc = concat!("A row of [`", stringify!($record), "`].")] $entity($record)),+
        }

        impl Row {
            /// Which entity it is.
            pub const fn entity(&self) -> Entity {
                match self { $(Self::$entity(_) => Entity::$entity),+ }
            }

            /// Entity and id.
            pub fn key(&self) -> Key {
                match self { $(Self::$entity(record) => record.key()),+ }
            }

            /// How often the row was written.
            pub fn version(&self) -> Version {
                match self { $(Self::$entity(record) => record.version()),+ }
            }

            /// When the desk last wrote the row.
            pub fn updated_at(&self) -> Timestamp {
                match self { $(Self::$entity(record) => record.updated_at()),+ }
            }

            /// Marks the row as written once more.
            pub fn stamp(&mut self, version: Version, updated_at: Timestamp) {
                match self { $(Self::$entity(record) => record.stamp(version, updated_at)),+ }
            }

            /// The value of a field; [`Value::Null`] for a field that the entity lacks.
            pub fn value(&self, field: Field) -> Value<'_> {
                match self { $(Self::$entity(record) => record.value(field)),+ }
            }

            /// The customer whose row it is, if it is one's.
            pub fn subject(&self) -> Option<UserId> {
                match self { $(Self::$entity(record) => record.subject()),+ }
            }
        }

        $(
            impl From<$record> for Row {
                fn from(record: $record) -> Self {
                    Self::$entity(record)
                }
            }

            impl TryFrom<Row> for $record {
                type Error = Row;

                /// The record, or the row back if it is another entity's.
                fn try_from(row: Row) -> Result<Self, Row> {
                    match row {
                        Row::$entity(record) => Ok(record),
                        other => Err(other),
                    }
                }
            }
        )+
    };
}

rows! {
    User(User),
    Ticket(Ticket),
    Article(Article),
    Service(Service),
    Request(ServiceRequest),
    Rating(Rating),
    Note(Note),
}

impl Row {
    /// The number that the store gave, for a numbered entity that has it.
    pub fn number(&self) -> Option<u32> {
        match self {
            Self::Ticket(ticket) => Some(ticket.number.get()),
            Self::Request(request) => Some(request.number.get()),
            _ => None,
        }
        .filter(|number| *number != 0)
    }

    /// Puts the number that the store gave; nothing happens to an entity without one.
    pub fn set_number(&mut self, number: u32) {
        match self {
            Self::Ticket(ticket) => ticket.number = super::TicketNumber::new(number),
            Self::Request(request) => request.number = super::RequestNumber::new(number),
            _ => {}
        }
    }
}
