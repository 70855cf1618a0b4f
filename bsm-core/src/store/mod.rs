//! The seam between the desk and whatever keeps its rows.
//!
//! A store knows the [schema](crate::schema) and nothing of the rules: it applies a [`ChangeSet`] whole or not at all,
//! and answers a [`ReadSet`] as of one moment. Portals are its only callers.

mod change;
mod feed;
mod layer;
mod read;
mod recount;
mod transfer;
mod verify;

use std::fmt;

use async_trait::async_trait;

pub use change::{ChangeSet, Committed, Guard, Idempotency, Write};
pub use feed::{FeedEvent, FeedPage, FeedPlace, FeedQuery};
pub use layer::{Call, Fate, Faulty, FaultyStore, Layer, Layered, Slow, SlowStore, Traced, TracedStore};
pub use read::{
    Answers, Branch, Condition, CountQuery, HistoryQuery, LogQuery, Order, ReadSet, Remembered, Scan, Scanned,
    UniqueValue,
};
#[cfg(feature = "conformance")]
pub(crate) use recount::every_row;
pub use recount::recount;
pub use transfer::{ImportMark, ImportPart, ImportStep};
pub use verify::{DIFFERENCES_MAX, Difference, Place, Verification};

use crate::model::{Timestamp, UserId};
use crate::{Error, Result};

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
#[expect(clippy::struct_excessive_bools, reason = "each is a claim of its own")]
pub struct Capabilities {
    /// What was acknowledged survives the end of the process.
    pub durable: bool,
    /// Several processes may have the same desk open.
    pub shared: bool,
    /// The feed can be trimmed.
    pub trims: bool,
    /// A whole desk can be taken in.
    pub imports: bool,
}

impl Capabilities {
    /// The least that a store can do: one process, while it lives.
    pub const fn least() -> Self {
        Self { durable: false, shared: false, trims: false, imports: false }
    }

    /// With durability.
    pub const fn durable(self) -> Self {
        Self { durable: true, ..self }
    }

    /// With several processes.
    pub const fn shared(self) -> Self {
        Self { shared: true, ..self }
    }

    /// With [`Store::trim`].
    pub const fn trims(self) -> Self {
        Self { trims: true, ..self }
    }

    /// With [`Store::import`].
    pub const fn imports(self) -> Self {
        Self { imports: true, ..self }
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
    /// [`Error::KeyReused`] for a known key with another digest;
    /// [`Error::Conflict`] if a guard or an expected version does not hold, naming the first;
    /// [`Error::StillReferenced`] for a guard against children, or a deletion;
    /// [`Error::AlreadyBootstrapped`] for a guard that the desk is empty;
    /// [`Error::Duplicate`], [`Error::MissingParent`];
    /// [`Error::Unavailable`] when nothing happened, and
    /// [`Error::OutcomeUnknown`] when it is not known.
    async fn commit(&self, change: ChangeSet) -> Result<Committed>;

    /// Answers everything in `set`, as of one moment.
    ///
    /// Costs O(log n) per key, and O(log n + rows examined) for a scan, whatever n; counters cost what they return.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Damaged`].
    async fn read(&self, set: ReadSet) -> Result<Answers>;

    /// Waits until a feed goes beyond `after`: `customer`'s, or the desk's. May return sooner, for no reason; whoever waits
    /// reads and, if there is nothing, waits again. Returns at once for a place of another epoch.
    ///
    /// Costs nothing while it waits. However many wait, a commit costs what those cost whom it concerns.
    ///
    /// # Errors
    /// [`Error::Closed`] once the store is closed, and what keeps it from answering.
    async fn wait(&self, customer: Option<UserId>, after: FeedPlace) -> Result<()>;

    /// Forgets the oldest events of the feed, as long as they were recorded before `before`, at most `most` of them; never
    /// the newest, and never one that is not durable. Returns how many. History stays. Places go on where they were, also
    /// a customer's of whom no event is left.
    ///
    /// Costs O(most · log n).
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the store does not claim to [trim](Capabilities::trims); as [`commit`](Self::commit).
    async fn trim(&self, before: Timestamp, most: usize) -> Result<usize> {
        let _ = (before, most);
        Err(Error::Unsupported { store: self.to_string(), what: "trimming its feed" })
    }

    /// One step of taking a whole desk in. What was taken in is durable when it returns, if the store is. Until
    /// [`Finish`](ImportStep::Finish) the desk is shut: nobody sees a part of it, in this process or after its end.
    ///
    /// Returns how far the text was taken in.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the store does not claim to [import](Capabilities::imports); [`Error::NotEmpty`] if the
    /// desk has rows or history, and no import of it is unfinished; [`Error::NoImport`] for a step without a beginning;
    /// [`Error::Duplicate`]; [`Error::Inconsistent`] at the end, for a desk that does not hold together.
    async fn import(&self, step: ImportStep) -> Result<ImportMark> {
        let _ = step;
        Err(Error::Unsupported { store: self.to_string(), what: "taking in a whole desk" })
    }

    /// Recounts everything, and tells each difference: rows against indexes, unique fields, relations and counters,
    /// history against versions, the feed against history, in both directions, and whatever the store keeps besides.
    ///
    /// Costs O(everything · log n). Commands go on meanwhile, but may have to wait for parts of it.
    ///
    /// # Errors
    /// What keeps it from reading. What it reads and finds wrong is a difference, not an error.
    ///
    /// [`recount`] does it for any store, at the cost that it names.
    async fn verify(&self) -> Result<Verification>;

    /// Whether the store answers now.
    ///
    /// # Errors
    /// Whatever keeps it from answering.
    async fn health(&self) -> Result<()>;

    /// Stops taking commands, waits for those under way, and lets go of files and connections. Later calls get
    /// [`Error::Closed`]. Closing twice is fine.
    ///
    /// # Errors
    /// What went wrong while the last commits were made durable.
    async fn close(&self) -> Result<()>;
}
