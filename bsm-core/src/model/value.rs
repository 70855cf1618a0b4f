//! The value of one field of one row, as the schema's generic parts see it: keys, guards, filters, history.

use std::borrow::Cow;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::Timestamp;

/// The value of a field. Borrowed from a row, or owned (`Value<'static>`) in a query. It can be compared and hashed, and has
/// no order on purpose: lists stand by id, and nothing is sorted by what a field holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value<'a> {
    /// The field is empty, or the entity has no such field.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// An enum's value: the byte for keys, the word for people.
    Token {
        /// Stands for it in keys.
        code: u8,
        /// Its spelling.
        text: &'static str,
    },
    /// A reference, or the row's own id.
    Id(Uuid),
    /// Text.
    Text(Cow<'a, str>),
    /// A moment.
    Time(Timestamp),
    /// An amount of money; its currency is another field.
    Decimal(Decimal),
}

impl Value<'_> {
    /// Whether there is nothing.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The same value, owning its text.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(value) => Value::Bool(value),
            Value::Int(value) => Value::Int(value),
            Value::Token { code, text } => Value::Token { code, text },
            Value::Id(value) => Value::Id(value),
            Value::Text(value) => Value::Text(Cow::Owned(value.into_owned())),
            Value::Time(value) => Value::Time(value),
            Value::Decimal(value) => Value::Decimal(value),
        }
    }

    /// The value's one text form, as history keeps it; `None` for [`Value::Null`].
    pub fn to_text(&self) -> Option<String> {
        match self {
            Value::Null => None,
            Value::Bool(value) => Some(value.to_string()),
            Value::Int(value) => Some(value.to_string()),
            Value::Token { text, .. } => Some((*text).to_owned()),
            Value::Id(value) => Some(value.to_string()),
            Value::Text(value) => Some(value.clone().into_owned()),
            Value::Time(value) => Some(value.to_string()),
            Value::Decimal(value) => Some(value.to_string()),
        }
    }

    /// The reference, if it is one.
    pub const fn as_id(&self) -> Option<Uuid> {
        match self {
            Self::Id(id) => Some(*id),
            _ => None,
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Value::Text(Cow::Borrowed(text))
    }
}

impl From<bool> for Value<'static> {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<Timestamp> for Value<'static> {
    fn from(value: Timestamp) -> Self {
        Value::Time(value)
    }
}

macro_rules! value_from_id {
    ($($id:ty),+) => {$(
        impl From<$id> for Value<'static> {
            fn from(id: $id) -> Self {
                Value::Id(id.as_uuid())
            }
        }
    )+};
}

value_from_id!(
    super::UserId,
    super::TicketId,
    super::ArticleId,
    super::ServiceId,
    super::RequestId,
    super::RatingId,
    super::NoteId
);

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}
