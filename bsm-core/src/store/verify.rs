//! What a recount of everything found.

use std::fmt;

use crate::model::{Key, UserId, Version};
use crate::schema::{Counter, Field, Index};

/// The most differences that a [`Verification`] names; of the others it tells how many.
pub const DIFFERENCES_MAX: usize = 1_000;

/// What a recount says of an import that was begun and did not end: a difference at [`Place::Own`], by the name `import`.
pub const UNFINISHED: &str = "it was begun and did not end: the desk is shut until it is gone on with, or deleted";

/// The outcome of a recount of everything that a store keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verification {
    /// How many rows were read.
    pub rows: u64,
    /// How many entries of history.
    pub history: u64,
    /// How many counters were compared.
    pub counters: u64,
    /// How many events of the feed.
    pub events: u64,
    /// What does not hold together, at most [`DIFFERENCES_MAX`] of it.
    pub differences: Vec<Difference>,
    /// How many differences more there are.
    pub more: u64,
}

impl Verification {
    /// Whether everything holds together.
    pub const fn is_clean(&self) -> bool {
        self.differences.is_empty() && self.more == 0
    }

    /// Notes a difference.
    pub fn differs(&mut self, at: Place, detail: impl Into<String>) {
        if self.differences.len() < DIFFERENCES_MAX {
            self.differences.push(Difference { at, detail: detail.into() });
        } else {
            self.more += 1;
        }
    }
}

/// One thing that does not hold together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub at: Place,
    /// What is wrong there. Holds ids, names of fields and numbers, no text of a row.
    pub detail: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.detail)
    }
}

/// A place in a store, by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A row.
    Row(Key),
    /// The entry of a row in an index.
    Index(Index, Key),
    /// The entry of a row under one of its unique fields.
    Unique(Field, Key),
    /// A counter, by its family and the text forms of its values.
    Counter(Counter, Vec<String>),
    /// An entry of a row's history.
    History(Key, Version),
    /// An event of the desk's feed, by its place.
    Feed(u64),
    /// An event of a customer's feed, by its place.
    CustomerFeed(UserId, u64),
    /// Something that only this store keeps.
    Own(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(key) => write!(f, "{key}"),
            Self::Index(index, key) => write!(f, "index {} of {}, entry of {}", index.tag, index.entity, key.id),
            Self::Unique(field, key) => write!(f, "unique {field} of {key}"),
            Self::Counter(counter, names) => write!(f, "counter {counter} of {}", names.join(", ")),
            Self::History(key, version) => write!(f, "history of {key} at version {version}"),
            Self::Feed(place) => write!(f, "feed at {place}"),
            Self::CustomerFeed(customer, place) => write!(f, "feed of customer {customer} at {place}"),
            Self::Own(name) => f.write_str(name),
        }
    }
}
