//! The seam to a key-value engine: an ordered map with an atomic batch, a consistent view, and a sync.
//!
//! Whoever brings a new embedded engine implements [`Engine`] and its [`View`], and nothing else. Only this crate calls
//! them, and [`Engine`] says how.

use std::fmt;
use std::io;
use std::ops::Bound;
use std::sync::Arc;

pub use bytes::Bytes;

/// What an engine returns.
pub type EngineResult<T> = Result<T, EngineError>;

/// What can go wrong in an engine.
///
/// Where nothing can have been changed, users of the desk see [`Damaged`](Self::Damaged) as
/// [`Error::Damaged`](bsm_core::Error::Damaged), and all else as [`Error::Unavailable`](bsm_core::Error::Unavailable); out of
/// [`Engine::apply`] and [`Engine::sync`] everything is
/// [`Error::OutcomeUnknown`](bsm_core::Error::OutcomeUnknown). The text may name files, and tells no key and no value: those
/// are personal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The operating system failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The engine found its files damaged, or what it has can't be trusted: more tries won't help.
    #[error("{0}")]
    Damaged(String),
    /// Anything else, for instance the engine's own error.
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
}

/// One write of a [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sets a key.
    Put(Bytes, Bytes),
    /// Removes a key, if it is there.
    Delete(Bytes),
}

/// Writes that happen together or not at all, in the order of their keys. A key stands in it at most once.
///
/// Mostly a few dozen writes, by far not always: taking a desk in, or a group of many commands, comes to some ten thousand.
/// It may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    ops: Vec<Op>,
}

impl Batch {
    /// Writes in the order of their keys; each key at most once.
    pub fn new(ops: Vec<Op>) -> Self {
        Self { ops }
    }

    /// The writes.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// The writes, for an engine that takes their keys and values over.
    pub fn into_ops(self) -> Vec<Op> {
        self.ops
    }
}

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the least key up.
    Forward,
    /// From the greatest key down.
    Backward,
}

/// Keys and values, one pair after another. What is not asked for need not be read; after an error no more is asked for.
pub type Pairs<'a> = Box<dyn Iterator<Item = EngineResult<(Bytes, Bytes)>> + 'a>;

/// The map as of one moment: whatever is read from it, and however late, it sees the same batches.
///
/// Short-lived, and used on the thread that took it: it may hold a lock that keeps [`Engine::apply`] waiting. While a thread
/// has a view this crate takes no second one on it, and applies nothing from it. The bytes that it gives outlive it.
pub trait View {
    /// The value of a key; `None` if it is not there, which an empty value is not.
    ///
    /// # Errors
    /// What the engine says.
    fn get(&self, key: &[u8]) -> EngineResult<Option<Bytes>>;

    /// The pairs whose keys lie between two bounds, in the order of their bytes or against it. Between bounds that are the
    /// wrong way round, or equal and excluded, lie none; neither is a reason to panic. Costs O(log n) to begin with, and O(1)
    /// per pair, in either direction: most scans end after the first few.
    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, direction: Direction) -> Pairs<'_>;
}

/// What was acknowledged last: how far the feed went, and a digest of the feed up to there.
///
/// The data tells the same, of the end that it has. An engine whose files can lose what was synced (at a power cut, or
/// because somebody put an old copy back) keeps the head apart from them, where it is not lost with them; then the desk
/// that opens compares, and tells what is missing, instead of going on without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Tells this desk from one that was restored or imported into the same place.
    pub epoch: u64,
    /// The position of the last commit.
    pub position: u64,
    /// The digest of the feed up to that position.
    pub digest: u128,
}

/// An ordered map of bytes, for one desk alone.
///
/// # What it is given
/// Keys of 1 to 300 bytes, compared byte by byte. Values of 0 bytes (an index entry has no more) up to
/// [`max_value_len`](Engine::max_value_len). What keys and values say is not the engine's business: they carry their own
/// checksums, but an engine that can tell damage by itself does so.
///
/// # Who calls, and when
/// Methods block, and this crate calls them where that is known to be short, or where a thread may wait: two threads of
/// the store's own, those of callers, and those that the runtime keeps for blocking. So any thread may call any method.
///
/// Of [`apply`](Engine::apply) there is one call at a time, and of [`sync`](Engine::sync) one, in the order in which the
/// store means them. **The two may overlap**: while one batch is on its way to the disk the next is applied. Views are
/// taken and read at any time, on many threads. [`acknowledged`](Engine::acknowledged) is asked once, by the store that
/// opens.
///
/// # What must hold
/// * A view sees whole batches, and one moment. This is what makes reads of a desk consistent.
/// * After a crash, and after being dropped without a sync, the engine has **a beginning of the batches that it was given**:
///   each whole or not at all, none without those before it, and at least those that a sync covered.
/// * Opening it again gives that. It may refuse instead, if it can't; it must not give something else.
/// * Dropping it lets go of files and locks before [`drop`] returns, so that its place can be opened at once. The store drops
///   it on the thread that used it last.
/// * An engine that can't be opened twice at once refuses the second time, with
///   [`Error::InUse`](bsm_core::Error::InUse) from its own way of opening.
///
/// # When it fails
/// After an error or a panic of `apply` or `sync` nobody knows what the engine has: the store stops, tells all who wait
/// that the outcome is unknown, and drops the engine. Nothing of the failed call is asked for again; but a call on the other
/// thread may be under way, or begin before that thread is told. An error of a view fails the read or the commands that
/// asked, and no more. An engine whose library may panic on damaged files turns that into [`EngineError::Damaged`].
///
/// # A whole engine
/// It passes the suite in `bsm_store_kv::conformance` (behind the feature of that name), and a desk on it all the promises of
/// a desk. `docs/writing-a-store.md` tells how to go about it, and `bsm-store-sled` is one with files.
///
/// ```
#[doc = include_str!("../docs/tiny-engine.rs")]
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> bsm_core::Result<()> {
///     use bsm_core::{Desk, NewUser, model::Role};
///     use bsm_store_kv::{KvOptions, KvStore};
///
///     let desk = Desk::new(Arc::new(KvStore::open(TinyEngine::default(), KvOptions::default())?));
///     let grace = desk.bootstrap(NewUser::new("Grace Hopper", "grace@example.org", Role::Admin)).await?;
///     assert_eq!(desk.admin(grace.id).user(grace.id).await?, grace);
///     desk.close().await
/// }
/// ```
pub trait Engine: fmt::Debug + Send + Sync + 'static {
    /// The engine and its place, for errors and logs: `sled:/var/lib/desk`. It is the store's name, too. Never a password.
    fn name(&self) -> String;

    /// Whether what was synced survives the end of the process. One that says no is synced at most while it is opened, and
    /// its commands are answered as soon as they are applied.
    fn is_durable(&self) -> bool {
        true
    }

    /// The longest value that the engine stores well. Longer ones are cut into pieces of this length, so that the engine
    /// never sees one. Most values are well below 1 KiB; a long text may have 100 KiB. An engine must take 512 bytes: less
    /// than that counts as that. May change from one release to the next: what was cut is put together again.
    fn max_value_len(&self) -> usize {
        usize::MAX
    }

    /// The map as of now, with everything that was applied before. May wait for a batch that is being applied, and for
    /// nothing else; least of all for a sync.
    ///
    /// # Errors
    /// What the engine says.
    fn view(&self) -> EngineResult<Box<dyn View + '_>>;

    /// The map as of now, if that takes no waiting; `None` if it would, for instance while a batch is being applied, or
    /// waits to be. The thread that asks may be one on which nothing may wait, and may have a view.
    ///
    /// As it is here it is right only for an engine whose [`view`](Engine::view) never waits.
    ///
    /// # Errors
    /// What the engine says.
    fn try_view(&self) -> EngineResult<Option<Box<dyn View + '_>>> {
        self.view().map(Some)
    }

    /// Applies a batch: every view taken later sees all of it, every view taken earlier nothing of it. May wait for the
    /// views that are out. Need not be on disk when it returns; after a crash it is there whole or not at all.
    ///
    /// # Errors
    /// What the engine says. The batch was then not applied, or the engine refuses everything from here on, and after it is
    /// opened again has all of the batch or nothing of it.
    fn apply(&self, batch: Batch) -> EngineResult<()>;

    /// Makes durable everything whose [`apply`](Engine::apply) returned before this was called, and **then** `head`, if the
    /// engine keeps it: a head that is on disk before what it speaks of would, after a crash in between, make a whole desk
    /// look damaged. `head` stands for the last of those batches, or for an earlier one. Batches may be applied meanwhile;
    /// those need not be covered, though they may. Survives kill -9, and a power cut as far as the engine's documentation
    /// claims.
    ///
    /// # Errors
    /// What the engine says. Nothing is known then of what is on disk: a later sync must fail, too, unless the engine knows
    /// better than the system, which reports a failed write once and forgets it.
    fn sync(&self, head: Head) -> EngineResult<()>;

    /// The head that was synced last, if the engine keeps one apart from its data, see [`Head`]; `None` before the first.
    /// An engine that always has what was synced, or refuses to open, need not keep it.
    ///
    /// # Errors
    /// What the engine says; [`EngineError::Damaged`] if it is there and can't be read, or must be there and is not.
    fn acknowledged(&self) -> EngineResult<Option<Head>> {
        Ok(None)
    }
}

/// A shared engine is one: a test, or a wrapper, may keep a hold of the engine that it gives to a store.
impl<E: Engine + ?Sized> Engine for Arc<E> {
    fn name(&self) -> String {
        (**self).name()
    }

    fn is_durable(&self) -> bool {
        (**self).is_durable()
    }

    fn max_value_len(&self) -> usize {
        (**self).max_value_len()
    }

    fn view(&self) -> EngineResult<Box<dyn View + '_>> {
        (**self).view()
    }

    fn try_view(&self) -> EngineResult<Option<Box<dyn View + '_>>> {
        (**self).try_view()
    }

    fn apply(&self, batch: Batch) -> EngineResult<()> {
        (**self).apply(batch)
    }

    fn sync(&self, head: Head) -> EngineResult<()> {
        (**self).sync(head)
    }

    fn acknowledged(&self) -> EngineResult<Option<Head>> {
        (**self).acknowledged()
    }
}
