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
pub use transfer::{ImportEnd, ImportMark, ImportPart, ImportStep};
pub use verify::{DIFFERENCES_MAX, Difference, Place, UNFINISHED, Verification};

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
#[expect(clippy::struct_excessive_bools, reason = "each is claimed, or not, for itself")]
pub struct Capabilities {
    /// What was acknowledged survives the end of the process.
    pub durable: bool,
    /// Several processes may have the same desk open.
    pub shared: bool,
    /// The feed can be trimmed.
    pub trims: bool,
    /// The positions of the feed can be expired.
    pub expires: bool,
    /// A whole desk can be taken in. The suite then asks for two more empty desks for some of its cases, of the same kind.
    pub imports: bool,
}

impl Capabilities {
    /// The least that a store can do: one process, while it lives.
    pub const fn least() -> Self {
        Self { durable: false, shared: false, trims: false, expires: false, imports: false }
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

    /// With [`Store::expire_positions`].
    pub const fn expires(self) -> Self {
        Self { expires: true, ..self }
    }

    /// With [`Store::import`].
    pub const fn imports(self) -> Self {
        Self { imports: true, ..self }
    }
}

/// Keeps a desk's rows.
///
/// # What is kept
/// * **Rows**, by [`Key`](crate::model::Key): entity and id. Their indexes, unique fields, foreign keys and counters follow
///   from the [schema](crate::schema); a store reads a row's fields through [`Row::value`](crate::model::Row::value) and
///   knows no entity by name. A field that is empty is [`Value::Null`](crate::model::Value::Null): no unique value, the name
///   of no row, and a group of no index that begins with it.
/// * **History**: the entries that change sets bring, by row and version, for ever. The entries of a row that is deleted
///   stay; the last of them has the version after the row's last. Ids are never used twice.
/// * **The feed**: one event for each commit that brought history, in the order of the commits. Its
///   [epoch](FeedPlace::epoch) is the desk's and is kept with it: opening the desk anew begins no other, and positions from
///   before go on after it.
/// * **Numbers**: for each [numbered](crate::model::Entity::is_numbered) entity the one that was given last. It never falls.
/// * **Idempotency keys**, each for its time.
///
/// Whoever keeps rows and history as bytes can leave the form to serde: [`Row`](crate::model::Row) and
/// [`HistoryEntry`](crate::model::HistoryEntry) come back from JSON and from postcard as they were, and what stands there
/// changes only with the number of a format. A [`ChangeSet`] has no such form on purpose: it is never kept, only done.
/// [`Key`](crate::model::Key)s and entities have an order, by the entity's code and then by id; a
/// [`LogQuery`] relies on it. [`Value`](crate::model::Value)s have none, and are compared and hashed only: an
/// index in memory goes by equal values.
///
/// # Promises
/// * [`commit`](Store::commit) is atomic, serializable, and durable (if the store is) before it returns. A caller that
///   drops its future leaves the change set applied whole or not at all. Which of the two may be decided later than the
///   next read: it may show nothing of it yet, and one after it all.
/// * [`read`](Store::read) answers everything in its read set as of one moment, no earlier than the last commit that
///   was acknowledged through this store value.
/// * The feed shows nothing that is not durable, if the store is.
/// * A store that could not make commits durable and does not know what it holds refuses from then on, reads too, until it
///   is opened anew: what it showed might be lost.
/// * Nothing blocks the runtime's threads for longer than a bounded read takes. What waits for a disk, or for others who
///   write, does so elsewhere.
///
/// Who calls keeps to what the types of the questions say. A store that is asked what the schema does not have (a field
/// that is not unique, an index or a family of counters that is not there, a branch without a value for each field of its
/// index, more leading values than a counter has, a kind of [`Guard`] or [`Write`] of a later release) answers [`Error::Unsupported`], and never something else than was asked.
///
/// `Display` names the store for errors and logs; it must leave out any password. `Debug` tells nothing of a row.
///
/// # A whole store
/// It passes the suite in `bsm_core::conformance` (behind the feature of that name); a real one differs as its comments
/// say. `docs/writing-a-store.md` tells how to go about it.
///
/// ```
#[doc = include_str!("../../docs/tiny-store.rs")]
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<()> {
///     use bsm_core::{Desk, NewUser, model::Role};
///
///     let desk = Desk::new(std::sync::Arc::new(TinyStore::new()?));
///     let grace = desk.bootstrap(NewUser::new("Grace Hopper", "grace@example.org", Role::Admin)).await?;
///     assert_eq!(desk.admin(grace.id).user(grace.id).await?, grace);
///     desk.close().await
/// }
/// ```
#[async_trait]
pub trait Store: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// What the store can do. Always the same of one store value.
    fn capabilities(&self) -> Capabilities;

    /// Checks and applies all of `change`, or nothing of it.
    ///
    /// In this order, and the first fault is the answer:
    ///
    /// 1. **The idempotency key.** One that is known and whose `keep_until` lies behind `change.recorded_at` is past its
    ///    time, and not known. Known with the same digest: nothing is changed, and the kept answer comes back as
    ///    [`repeated`](Committed::repeated), once the commit that it came from is durable. With another: `KeyReused`.
    /// 2. **The guards**, in their order, against the state before the writes.
    /// 3. **The writes**, in their order, each against the state that the ones before it leave: see [`Write`]. Numbers are
    ///    given here.
    /// 4. **Unique fields** that were set or changed: write by write, and in the order of
    ///    [`uniques`](crate::schema::uniques) within one. A fault is [`Error::Duplicate`].
    /// 5. **Foreign keys** that were set or changed: write by write, in the order of
    ///    [`relations`](crate::schema::relations()). A fault is [`Error::MissingParent`].
    /// 6. **What names a deleted row**: write by write, in the order of the relations. A fault is
    ///    [`Error::StillReferenced`] with the deleted row. [`OnDelete`](crate::schema::OnDelete) is nothing to a store: where
    ///    a deletion empties fields of other rows, the change set writes those rows.
    ///
    /// 4 to 6 look at the state that all writes leave: a value may go from one row to another in one change set, whichever
    /// is written first, and rows may name each other. Then the entries of history are kept as they came, the feed goes on
    /// by one event if there are any, and the idempotency key is kept. A change set without writes is checked all the same.
    ///
    /// What is refused leaves nothing behind, save that numbers may be skipped. Costs O(writes · log n).
    ///
    /// # Errors
    /// [`Error::KeyReused`] for a known key with another digest;
    /// [`Error::Conflict`] if a guard or an expected version does not hold, naming the first; `found` is the version that
    /// stands, and 0 if the row is not there;
    /// [`Error::StillReferenced`] for a guard against children, or a deletion;
    /// [`Error::AlreadyBootstrapped`] for a guard that an entity has no rows;
    /// [`Error::Duplicate`], [`Error::MissingParent`];
    /// [`Error::Unavailable`] when nothing happened, and
    /// [`Error::OutcomeUnknown`] when it is not known; [`Error::Damaged`]; [`Error::Closed`];
    /// [`Error::ImportUnfinished`] between the beginning and the end of an [import](Self::import).
    async fn commit(&self, change: ChangeSet) -> Result<Committed>;

    /// Answers everything in `set`, as of one moment.
    ///
    /// Everything means all parts: a row of the scan, the same row by its id, the counter that counts it and the event that
    /// tells of it agree. Each type in [`ReadSet`] says what is asked by it, and each in [`Answers`] in which order it is
    /// answered; a part that was not asked for is empty, and an empty read set is answered with
    /// [`Answers::default()`](Answers). What is not there is no error.
    ///
    /// A read [at least as new as](ReadSet::at_least) a stamp waits until this store value sees that commit, for as long as
    /// the store thinks fit; then it is unavailable. Where all commits go through one value there is nothing to wait for.
    /// A store may answer from a copy that is behind, if that has what the promises and the stamp ask for, and the read need
    /// not be [current](ReadSet::current).
    ///
    /// Costs O(log n) per key, asked for or followed, and O(log n + rows examined) for a scan, whatever n; counters cost what
    /// they return.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Damaged`], [`Error::Closed`], [`Error::ImportUnfinished`].
    async fn read(&self, set: ReadSet) -> Result<Answers>;

    /// Waits until a feed goes beyond `after`: `customer`'s, or the desk's. May return sooner, for no reason; whoever waits
    /// reads and, if there is nothing, waits again. Returns at once for a place of another epoch, and if the feed stands
    /// beyond `after` already: whoever read a page and then waits misses nothing that came in between. What it was waited
    /// for can be read when it returns.
    ///
    /// Those who wait are woken by [`close`](Self::close), and told so. A future that is dropped leaves nothing behind.
    ///
    /// Costs nothing while it waits. However many wait, a commit costs what those cost whom it concerns.
    ///
    /// # Errors
    /// [`Error::Closed`] once the store is closed, and what keeps it from answering.
    async fn wait(&self, customer: Option<UserId>, after: FeedPlace) -> Result<()>;

    /// Forgets the oldest events of the feed, as long as they were recorded before `before`, at most `most` of them; never
    /// the newest, and never one that is not durable. An event was recorded when its change set says so
    /// ([`recorded_at`](ChangeSet::recorded_at)), not when its entries do. Returns how many: fewer than `most` mean that there are no more. The
    /// first that was not recorded before `before` ends it, since what is kept has no gap. History stays. Places go on where
    /// they were, also a customer's of whom no event is left, and what is forgotten stays so when the desk is opened anew.
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
    /// [`Finish`](ImportStep::Finish) the desk is shut: nobody sees a part of it, in this process or after its end. While it
    /// is, [`commit`](Self::commit), [`read`](Self::read), [`trim`](Self::trim) and [`health`](Self::health) answer
    /// [`Error::ImportUnfinished`]; [`verify`](Self::verify) and [`close`](Self::close) work. Those who
    /// [wait](Self::wait) at a place of the epoch before return at the latest when the import ends.
    /// [`ImportStep`] tells what each step does.
    ///
    /// Returns how far the text was taken in.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the store does not claim to [import](Capabilities::imports); [`Error::NotEmpty`] if the
    /// desk has rows or history, and no import of it is unfinished; [`Error::NoImport`] for a step without a beginning;
    /// [`Error::Duplicate`], by the part that brings the second; [`Error::ImportUnfinished`] for a step that does not follow
    /// what was taken in; [`Error::Inconsistent`] at the end, for a desk that does not hold together.
    async fn import(&self, step: ImportStep) -> Result<ImportMark> {
        let _ = step;
        Err(Error::Unsupported { store: self.to_string(), what: "taking in a whole desk" })
    }

    /// Gives the feed another [epoch](FeedPlace::epoch), at random: every position from before is expired, and whoever
    /// [waits](Self::wait) at one returns. Events stay, and so do places: see [`Desk::expire_positions`](crate::Desk::expire_positions)
    /// for what it is good for.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the store does not claim to [expire](Capabilities::expires); as [`commit`](Self::commit).
    async fn expire_positions(&self) -> Result<()> {
        Err(Error::Unsupported { store: self.to_string(), what: "expiring the positions of its feed" })
    }

    /// Recounts everything, and tells each difference: rows against indexes, unique fields, relations and counters,
    /// history against versions, the feed against history, in both directions, and whatever the store keeps besides. History
    /// of which no event is kept is no difference after a [trim](Self::trim) or an [import](Self::import).
    ///
    /// Costs O(everything · log n). Commands go on meanwhile, but may have to wait for parts of it.
    ///
    /// # Errors
    /// What keeps it from reading; an import that is unfinished does not, and is [a difference](UNFINISHED) itself. What it
    /// reads and finds wrong is a difference, not an error.
    ///
    /// [`recount`] does it for any store, at the cost that it names.
    async fn verify(&self) -> Result<Verification>;

    /// Whether the store answers now.
    ///
    /// # Errors
    /// Whatever keeps it from answering.
    async fn health(&self) -> Result<()>;

    /// Stops taking commands, waits for those under way, and lets go of files and connections: when it returns, the same
    /// desk can be opened anew. Later calls get [`Error::Closed`], and so do those who [wait](Self::wait). Closing twice is
    /// fine, also at once: each waits for the end. Of a future that is dropped half-way, whether the store takes calls is not
    /// promised, only that it has not let go yet, and that closing it again leads to the same end.
    ///
    /// A store that is dropped without it closes as well as it can, and tells nobody how that went. Where that takes longer
    /// than the drop, whoever opens the same desk right after may meet [`Error::InUse`] for a moment.
    ///
    /// # Errors
    /// What went wrong while the last commits were made durable.
    async fn close(&self) -> Result<()>;
}
