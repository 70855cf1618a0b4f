//! What a command asks of a store: one change set, applied whole or not at all.

use crate::model::{Entity, HistoryEntry, Key, Row, Timestamp, UserId, Version};
use crate::schema::Relation;

use super::Stamp;

/// A fact that the decision relied on, checked in the same commit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Guard {
    /// The row is there, at this version. (That a row is *not* there is no guard: no rule relies on it.) Fails as [`Error::Conflict`](crate::Error::Conflict).
    Version {
        /// The row.
        key: Key,
        /// The version that was read.
        version: Version,
    },
    /// No row names `parent` by `relation`. Fails as [`Error::StillReferenced`](crate::Error::StillReferenced).
    NoChildren {
        /// The foreign key.
        relation: Relation,
        /// The row that nobody may name.
        parent: Key,
    },
    /// The entity has no rows. Fails as [`Error::AlreadyBootstrapped`](crate::Error::AlreadyBootstrapped).
    Empty(Entity),
}

/// One write. The rows carry their new version, number aside: the store gives that.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Write {
    /// Makes a row, at version 1. Its id must be new: else [`Error::Conflict`](crate::Error::Conflict). The row of a
    /// [numbered](Entity::is_numbered) entity gets the next number.
    Insert(Row),
    /// Replaces a row that must be at the version before `row`'s.
    Update(Row),
    /// Deletes a row that must be at `expected`. Its history stays.
    Delete {
        /// The row.
        key: Key,
        /// The version that was read.
        expected: Version,
    },
}

/// What makes a command safe to send twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Whose key it is: two actors may use the same.
    pub actor: UserId,
    /// The key.
    pub key: String,
    /// Stands for the command and everything that was given with it.
    pub digest: [u8; 16],
    /// The row that answers the command.
    pub answer: Key,
    /// Until when the key is kept.
    pub keep_until: Timestamp,
}

/// One command's whole effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSet {
    /// When the desk decided it.
    pub recorded_at: Timestamp,
    /// What must still be true.
    pub guards: Vec<Guard>,
    /// What is written, in order. Whoever makes a change set sees to it that it writes a row at most once.
    pub writes: Vec<Write>,
    /// What history tells of it: one entry per row that is written, or noted on.
    pub history: Vec<HistoryEntry>,
    /// What makes it safe to send twice.
    pub idempotency: Option<Idempotency>,
}

impl ChangeSet {
    /// An empty change set, decided at `recorded_at`.
    pub const fn new(recorded_at: Timestamp) -> Self {
        Self { recorded_at, guards: Vec::new(), writes: Vec::new(), history: Vec::new(), idempotency: None }
    }
}

/// What a commit returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Marks the commit.
    pub stamp: Stamp,
    /// The numbers that the store gave, row by row.
    pub numbers: Vec<(Key, u32)>,
    /// Set if the idempotency key was known, with the same digest: nothing was changed now, and this row answers.
    pub repeated: Option<Key>,
}
