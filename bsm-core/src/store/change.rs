//! What a command asks of a store: one change set, applied whole or not at all.

use crate::model::{Entity, HistoryEntry, Key, Row, Timestamp, UserId, Version};
use crate::schema::Relation;

use super::Stamp;

/// A fact that the decision relied on, checked in the same commit, against the state before its writes. A store that
/// locks what it changes must lock what is guarded, too: a guard that held when it was checked and not when its commit
/// became visible is what it is there to prevent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Guard {
    /// The row is there, at this version. (That a row is *not* there is no guard: no rule relies on it.) Fails as
    /// [`Error::Conflict`](crate::Error::Conflict); a row that is not there is found at version 0.
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
    /// Makes a row, at version 1. Its id must be new: else [`Error::Conflict`](crate::Error::Conflict), with version 0 as
    /// the expected one. The row of a [numbered](Entity::is_numbered) entity gets the next number of its entity, from 1,
    /// whatever number it carries. Numbers rise with the order of writes and of commits, and are unique fields.
    Insert(Row),
    /// Replaces the whole row, which must be there at the version before `row`'s: else
    /// [`Error::Conflict`](crate::Error::Conflict). The number that it has it keeps, whatever `row` says.
    Update(Row),
    /// Deletes a row that must be there at `expected`: else [`Error::Conflict`](crate::Error::Conflict). Its history stays.
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
    /// Until when the key is kept: a command that is decided at this moment or later finds it forgotten. When a store
    /// removes it is its own affair; it must not keep them all.
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
    /// What history tells of it: one entry per row that is written, with the version that the row has from then on (of a
    /// deleted row: one more than it had). A store keeps them as they are, under that row and version, and does not hold
    /// them against the writes.
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
    /// Marks the commit; of a repeated command, one that shows what it did then.
    pub stamp: Stamp,
    /// The numbers that the store gave, in the order of the writes; none to a repeated command.
    pub numbers: Vec<(Key, u32)>,
    /// Set if the idempotency key was known, with the same digest: nothing was changed now, and this row answers.
    pub repeated: Option<Key>,
}
