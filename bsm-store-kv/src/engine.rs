//! The seam to a key-value engine: an ordered map with an atomic batch, a consistent view, and a sync.
//!
//! Whoever brings a new embedded engine implements [`Engine`] and nothing else. Only this crate calls it: one committer
//! calls [`Engine::apply`] and [`Engine::sync`], never two at once of either; views are taken from anywhere.

use std::fmt;
use std::io;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

/// What an engine returns.
pub type EngineResult<T> = Result<T, EngineError>;

/// What can go wrong in an engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The operating system failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The engine found its files damaged.
    #[error("{0}")]
    Damaged(String),
    /// Anything else.
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

/// Writes that happen together or not at all. A key stands in it at most once.
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

/// Keys and values, one pair after another.
pub type Pairs<'a> = Box<dyn Iterator<Item = EngineResult<(Bytes, Bytes)>> + 'a>;

/// The map as of one moment. Short-lived, used on one thread: it may hold a lock that keeps [`Engine::apply`] waiting.
pub trait View {
    /// The value of a key.
    ///
    /// # Errors
    /// What the engine says.
    fn get(&self, key: &[u8]) -> EngineResult<Option<Bytes>>;

    /// The pairs whose keys lie between two bounds, in the order of their bytes or against it. Costs O(log n) to begin
    /// with, and O(1) per pair.
    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, direction: Direction) -> Pairs<'_>;
}

/// What was acknowledged last: how far the feed went, and a digest of the feed up to there. An engine whose files can
/// lose data at a power cut keeps it in a place that can't, so that the loss is seen when the desk is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Tells this desk from one that was restored or imported into the same place.
    pub epoch: u64,
    /// The position of the last commit.
    pub position: u64,
    /// The digest of the feed up to that position.
    pub digest: u128,
}

/// An ordered map of bytes.
///
/// Keys are at most 300 bytes long, values at most [`max_value_len`](Engine::max_value_len). Methods block; the crate
/// calls them off the async runtime's threads, or where they are known to be short.
pub trait Engine: fmt::Debug + Send + Sync + 'static {
    /// The engine and its place, for errors: `sled:/var/lib/desk`.
    fn name(&self) -> String;

    /// Whether what was synced survives the end of the process.
    fn is_durable(&self) -> bool {
        true
    }

    /// The longest value that the engine stores well. Longer ones are cut into pieces of this length. An engine must
    /// take 512 bytes: less than that counts as that.
    fn max_value_len(&self) -> usize {
        usize::MAX
    }

    /// The map as of now, waiting for a batch that is being applied.
    ///
    /// # Errors
    /// What the engine says.
    fn view(&self) -> EngineResult<Box<dyn View + '_>>;

    /// The map as of now, if that takes no waiting; `None` if a batch is being applied.
    ///
    /// # Errors
    /// What the engine says.
    fn try_view(&self) -> EngineResult<Option<Box<dyn View + '_>>> {
        self.view().map(Some)
    }

    /// Applies a batch: every view taken later sees all of it, every view taken earlier nothing of it. Need not be on
    /// disk when it returns; after a crash it is there whole or not at all.
    ///
    /// # Errors
    /// What the engine says. The batch was then not applied, or the engine refuses everything from here on.
    fn apply(&self, batch: Batch) -> EngineResult<()>;

    /// Makes everything that was applied durable, and then `head`. Batches may be applied meanwhile; those need not be
    /// covered. Survives kill -9, and a power cut as far as the engine's documentation claims.
    ///
    /// # Errors
    /// What the engine says. Nothing is known then of what is on disk.
    fn sync(&self, head: Head) -> EngineResult<()>;

    /// The head that was synced last, if the engine keeps one apart from its data.
    ///
    /// # Errors
    /// What the engine says; [`EngineError::Damaged`] if it is there and can't be read.
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
