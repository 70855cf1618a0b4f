//! The seam between the desk and whatever keeps its rows.
//!
//! A store knows the [schema](crate::schema) and nothing of the rules: it applies a [`ChangeSet`] whole or not at all,
//! and answers a [`ReadSet`] as of one moment. Portals are its only callers.

mod change;
mod read;

use std::fmt;

use async_trait::async_trait;

pub use change::{ChangeSet, Committed, Guard, Idempotency, Write};
pub use read::{
    Answers, Branch, Condition, CountQuery, HistoryQuery, Order, ReadSet, Remembered, Scan, Scanned, UniqueValue,
};

use crate::Result;

/// Marks a commit. A read that carries it sees at least that commit, from any handle and any process. It tells its
/// holder nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stamp(Box<[u8]>);

impl Stamp {
    /// A store's own bytes as a stamp.
    pub fn from_bytes(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The store's own bytes, to be kept or sent and turned back with [`Self::from_bytes`].
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What a store can do beyond the least. The conformance suite runs the parts that apply and prints those that don't.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// What was acknowledged survives the end of the process.
    pub durable: bool,
    /// Several processes may have the same desk open.
    pub shared: bool,
}

impl Capabilities {
    /// The least that a store can do: one process, while it lives.
    pub const fn least() -> Self {
        Self { durable: false, shared: false }
    }

    /// With durability.
    pub const fn durable(self) -> Self {
        Self { durable: true, ..self }
    }

    /// With several processes.
    pub const fn shared(self) -> Self {
        Self { shared: true, ..self }
    }
}

/// Keeps a desk's rows.
///
/// # Promises
/// * [`commit`](Store::commit) is atomic, serializable, and durable (if the store is) before it returns. A caller that
///   drops its future leaves the change set applied whole or not at all.
/// * [`read`](Store::read) answers everything in its read set as of one moment, no earlier than the last commit that
///   was acknowledged through this store value.
/// * Nothing blocks the runtime's threads for longer than a bounded read takes.
///
/// `Display` names the store for errors and logs; it must leave out any password.
#[async_trait]
pub trait Store: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// What the store can do.
    fn capabilities(&self) -> Capabilities;

    /// Checks and applies all of `change`, or nothing of it.
    ///
    /// In this order, and the first fault is the answer: the idempotency key; the guards, against the state before; the
    /// writes one after another, each against the state that the ones before it leave; and when all are done unique
    /// keys, foreign keys of what was written, and whether anything names what was deleted. Costs O(writes · log n).
    ///
    /// # Errors
    /// [`Error::KeyReused`](crate::Error::KeyReused) for a known key with another digest;
    /// [`Error::Conflict`](crate::Error::Conflict) if a guard or an expected version does not hold, naming the first;
    /// [`Error::StillReferenced`](crate::Error::StillReferenced) for a guard against children, or a deletion;
    /// [`Error::AlreadyBootstrapped`](crate::Error::AlreadyBootstrapped) for a guard that the desk is empty;
    /// [`Error::Duplicate`](crate::Error::Duplicate), [`Error::MissingParent`](crate::Error::MissingParent);
    /// [`Error::Unavailable`](crate::Error::Unavailable) when nothing happened, and
    /// [`Error::OutcomeUnknown`](crate::Error::OutcomeUnknown) when it is not known.
    async fn commit(&self, change: ChangeSet) -> Result<Committed>;

    /// Answers everything in `set`, as of one moment.
    ///
    /// Costs O(log n) per key, and O(log n + rows examined) for a scan, whatever n; counters cost what they return.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable), [`Error::Damaged`](crate::Error::Damaged).
    async fn read(&self, set: ReadSet) -> Result<Answers>;

    /// Whether the store answers now.
    ///
    /// # Errors
    /// Whatever keeps it from answering.
    async fn health(&self) -> Result<()>;

    /// Stops taking commands, waits for those under way, and lets go of files and connections. Later calls get
    /// [`Error::Closed`](crate::Error::Closed). Closing twice is fine.
    ///
    /// # Errors
    /// What went wrong while the last commits were made durable.
    async fn close(&self) -> Result<()>;
}
