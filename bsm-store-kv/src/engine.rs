//! The seam to a key-value engine: an ordered map with an atomic batch, a consistent view, and a sync.
//!
//! Whoever brings a new embedded engine implements [`Engine`] and its [`View`], and nothing else. Only this crate calls
//! them, and [`Engine`] says how. `docs/writing-a-store.md` is the way there, step by step.

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
/// Reading may go to files, also on a view that [`Engine::try_view`] gave: a look at a few pages is short. It waits for no
/// batch and for no sync.
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
///
/// An engine whose library is to be believed when it says that a transaction is on disk, and which keeps all in one file
/// (LMDB, redb), always has what was synced, or refuses to open: it leaves [`Engine::acknowledged`] as it is, and ignores
/// the head that [`Engine::sync`] is given.
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
/// [`max_value_len`](Engine::max_value_len). What keys and values say is not the engine's business.
///
/// Values carry their own checksums, over their key as well, so that one that was altered or strayed is seen when it is
/// read. A key that was altered is another matter: whoever reads the right one finds nothing, as if it had never been
/// there. An engine that can tell damage by itself, for instance by checksums of its pages, does so at every read; on one
/// that can't, a damaged key may go unnoticed until [`Desk::verify`](bsm_core::Desk::verify) finds it.
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
/// * While it is open, its place is refused to everybody else, in this process and in others, with
///   [`Error::InUse`](bsm_core::Error::InUse); and the one that is open goes on as if nobody had tried. Each store takes
///   itself for the only one: two on one map would overwrite each other's commands, without an error. An engine whose
///   library lets several in takes a lock of its own ([`File::try_lock`](std::fs::File::try_lock) on a file beside the
///   data) before it touches anything else, and holds it until it is dropped. An engine in memory has no place, and
///   nothing to refuse.
///
/// # How it is opened
/// In its own way, which the trait leaves free: the place is a folder, a file, or whatever the engine makes of it. Whoever
/// opens a desk sees the error, so it is a [`bsm_core::Error`]:
///
/// | what is found | error |
/// |---|---|
/// | somebody has it open | [`InUse`](bsm_core::Error::InUse) |
/// | a file, where the engine needs a folder | [`UnusablePlace`](bsm_core::Error::UnusablePlace), [`NotAFolder`](bsm_core::PlaceFault::NotAFolder) |
/// | a folder, where the engine needs a file; what can't be made, reached or looked into | `UnusablePlace`, [`Io`](bsm_core::PlaceFault::Io), with what the system said |
/// | what may not be written, or something in it | `UnusablePlace`, [`ReadOnly`](bsm_core::PlaceFault::ReadOnly) |
/// | something that is not this engine's; it stays untouched | `UnusablePlace`, [`ForeignData`](bsm_core::PlaceFault::ForeignData) |
/// | the engine's own, of a format that this release does not read | [`UnknownFormat`](bsm_core::Error::UnknownFormat) |
/// | the engine's own, in which something is missing or altered | [`Damaged`](bsm_core::Error::Damaged) |
/// | anything else | [`Unavailable`](bsm_core::Error::Unavailable) |
///
/// The layout inside the map has a format of its own, which the store looks after. Nothing, or an empty folder, becomes an
/// empty engine, and then all is made that reading needs: [`view`](Engine::view) comes before the first
/// [`apply`](Engine::apply), and in a library with named tables it fails on one that no transaction has made yet. Nothing
/// is made in part: a crash while a new engine is being made leaves what opens as a new one.
///
/// # When it fails
/// After an error or a panic of `apply` or `sync` nobody knows what the engine has: the store stops, tells all who wait
/// that the outcome is unknown, and drops the engine. Nothing of the failed call is asked for again; but a call on the other
/// thread may be under way, or begin before that thread is told. An error of a view fails the read or the commands that
/// asked, and no more. An engine whose library may panic on damaged files turns that into [`EngineError::Damaged`].
///
/// # A whole engine
/// It passes the suite in `bsm_store_kv::conformance` (behind the feature of that name), and a desk on it all the promises of
/// a desk. `docs/writing-a-store.md` tells how to go about it, and what no suite can find; `bsm-store-sled` is one with
/// files.
#[cfg_attr(feature = "conformance", doc = "How to run the suite: [`conformance`](crate::conformance).")]
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

    /// Whether what was synced survives the end of the process: yes, unless told otherwise. One that says no is synced at
    /// most while it is opened, and its commands are answered as soon as they are applied. One that says yes can be opened
    /// again, and the suite asks how.
    fn is_durable(&self) -> bool {
        true
    }

    /// The longest value that the engine stores well. Longer ones are cut into pieces of this length, so that the engine
    /// never sees one. Most values are well below 1 KiB; a long text may have 100 KiB. An engine must take 512 bytes: less
    /// than that counts as that. May change from one release to the next: what was cut is put together again.
    ///
    /// No limit, unless told otherwise: right for an engine that takes a text of 100 KiB in its stride, as trees with
    /// overflow pages and most logs do. Name one where a longer value is refused, goes to a file of its own that a sync
    /// does not cover, or makes the engine write its neighbours again each time. Each piece costs a key, so choose it as
    /// long as does no harm: what fits on a page beside its key, for instance, and not 512 bytes to be on the safe side.
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
    /// waits to be. The thread that asks may be one on which nothing may wait, and may have a view. What it may not do is
    /// wait for a batch or a sync; a short look into a file, as opening a transaction to read may take, is no waiting.
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
    /// May also wait for a sync that is under way, in an engine that has one writer at a time. That is only slower: the
    /// next group of commands is put together after the sync instead of during it. [`view`](Self::view) may not wait for
    /// that sync all the same, nor for this batch while it does.
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
