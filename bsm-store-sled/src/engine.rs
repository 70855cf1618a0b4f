//! sled as an engine: one tree, with a lock of ours that makes its reads consistent.
//!
//! sled has no snapshots. A view therefore holds [`Gate`]'s read lock, and applying a batch takes the write lock: a view
//! sees all of a batch or nothing of it, and nothing changes under it. What that costs: a batch waits for the views that
//! are out, so a view must be short; and on the platforms whose lock prefers writers, a batch that waits keeps new views
//! waiting behind it, so that a stream of readers can't starve it. A thread that has a view must therefore not take a
//! second one: it could wait for a batch that waits for its first. [`Engine::try_view`] never waits.
//!
//! Syncing takes no part in this lock. sled makes a flush and a batch exclude each other by a lock of its own; the rest
//! of a sync, which is most of it, runs beside the next batch.

use std::fmt;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, TryLockError};

use bsm_core::{Error, Reason, Result};
use bsm_store_kv::engine::{Batch, Direction, Engine, EngineError, EngineResult, Head, Op, Pairs, View};
use bytes::Bytes;

use crate::call::guarded;
use crate::disk::{Disk, MAX_VALUE_LEN};
use crate::head::{HeadFile, Mark};
use crate::place::{Contents, Place};

/// The least that a cache may be: 1 MiB.
pub const MIN_CACHE_BYTES: u64 = 1 << 20;

/// An [`Engine`] on a folder that sled keeps. Dropping it flushes sled, and lets the folder go.
///
/// ```
/// use bsm_store_kv::engine::{Batch, Engine, Head, Op};
/// use bsm_store_sled::{MIN_CACHE_BYTES, SledEngine};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let parent = tempfile::tempdir()?;
/// let head = Head { epoch: 1, position: 1, digest: 5 };
/// {
///     let engine = SledEngine::open(&parent.path().join("desk"), MIN_CACHE_BYTES)?;
///     assert_eq!(engine.acknowledged()?, None);
///     engine.apply(Batch::new(vec![Op::Put("key".into(), "value".into())]))?;
///     engine.sync(head)?;
/// }
/// let engine = SledEngine::open(&parent.path().join("desk"), MIN_CACHE_BYTES)?;
/// assert_eq!(engine.acknowledged()?, Some(head));
/// assert_eq!(engine.view()?.get(b"key")?.as_deref(), Some(b"value".as_slice()));
/// # Ok(())
/// # }
/// ```
pub struct SledEngine {
    name: String,
    /// `None` only while it is being dropped.
    sled: Option<sled::Db>,
    gate: RwLock<Gate>,
    disk: Mutex<Disk>,
    /// Below `sled`: the folder is let go last.
    _place: Place,
}

/// Whether sled's data may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    Open,
    /// A batch failed, and may be in memory in part; on disk it is not.
    Failed,
    /// A batch failed, and may be there in part for good.
    HalfApplied,
}

impl Gate {
    /// Lets through, or says why not.
    fn pass(self) -> EngineResult<()> {
        match self {
            Self::Open => Ok(()),
            Self::Failed => Err(EngineError::Other("sled failed to write; it must be opened again".into())),
            Self::HalfApplied => Err(EngineError::Damaged("a batch was left half applied".to_owned())),
        }
    }
}

/// What stores in a folder are called: `sled:/var/lib/desk`.
pub(crate) fn name_of(folder: &Path) -> String {
    format!("sled:{}", folder.display())
}

impl SledEngine {
    /// Opens the folder's data, or makes an empty one. Blocks, as [`open_blocking`](crate::open_blocking) does.
    ///
    /// # Errors
    /// As [`open_blocking`](crate::open_blocking); but whether all that was acknowledged is there is the store's to say.
    pub fn open(folder: &Path, cache_bytes: u64) -> Result<Self> {
        if cache_bytes < MIN_CACHE_BYTES {
            let (min, max) = (MIN_CACHE_BYTES.to_string(), u64::MAX.to_string());
            return Err(Error::invalid("cache_bytes", Reason::OutOfRange { min, max }));
        }
        let (place, contents) = Place::take(folder)?;
        let head = match contents {
            Contents::Nothing => {
                let head = HeadFile::create(&place.head()).map_err(|source| place.refused(source))?;
                place.sync()?;
                head
            }
            Contents::Desk => HeadFile::open(&place.head())
                .map_err(|source| place.refused(source))?
                .ok_or_else(|| place.damaged("HEAD can't be read"))?,
        };
        if head.mark() == Mark::HalfApplied {
            return Err(place.damaged("sled failed in the middle of a batch"));
        }
        let config = sled::Config::new()
            .path(place.data())
            .cache_capacity(cache_bytes)
            // No flusher: whoever applies syncs, too, and sled cleans its file while it writes. Its thread would wake
            // twice a second for nothing, and a close would wait for it.
            .flush_every_ms(None);
        let sled = guarded(|| config.open()).map_err(|error| match error {
            EngineError::Io(source) => place.refused(source),
            EngineError::Damaged(detail) => place.damaged(&detail),
            other => Error::Unavailable { store: name_of(folder), source: other.into() },
        })?;
        let disk = Disk::open(&place.data(), head).map_err(|source| place.refused(source))?;
        if contents == Contents::Nothing {
            place.declare()?;
        }
        Ok(Self {
            name: name_of(folder),
            sled: Some(sled),
            gate: RwLock::new(Gate::Open),
            disk: Mutex::new(disk),
            _place: place,
        })
    }

    fn sled(&self) -> EngineResult<&sled::Db> {
        self.sled.as_ref().ok_or_else(|| EngineError::Other("it is being closed".into()))
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        // A panic in there leaves `failed` set, which says all that there is to say.
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen_through<'a>(&'a self, gate: RwLockReadGuard<'a, Gate>) -> EngineResult<Box<dyn View + 'a>> {
        gate.pass()?;
        Ok(Box::new(SledView { tree: self.sled()?, _gate: gate }))
    }
}

impl Engine for SledEngine {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn max_value_len(&self) -> usize {
        MAX_VALUE_LEN
    }

    fn view(&self) -> EngineResult<Box<dyn View + '_>> {
        self.seen_through(self.gate.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn try_view(&self) -> EngineResult<Option<Box<dyn View + '_>>> {
        match self.gate.try_read() {
            Ok(gate) => self.seen_through(gate).map(Some),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Poisoned(poison)) => self.seen_through(poison.into_inner()).map(Some),
        }
    }

    fn apply(&self, batch: Batch) -> EngineResult<()> {
        let sled = self.sled()?;
        let mut writes = sled::Batch::default();
        for op in batch.ops() {
            match op {
                Op::Put(key, value) => writes.insert(&**key, &**value),
                Op::Delete(key) => writes.remove(&**key),
            }
        }
        let mut gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        gate.pass()?;
        let Err(error) = guarded(|| sled.apply_batch(writes)) else {
            return Ok(());
        };
        // Where sled failed to write, it writes nothing more, and the batch's end never reaches the disk: opened again,
        // nothing of the batch is there. Where it failed otherwise, it would go on, and write the half.
        if sled.context.global_error().is_err() {
            *gate = Gate::Failed;
        } else {
            *gate = Gate::HalfApplied;
            self.disk().condemn().map_err(|unwritten| {
                EngineError::Damaged(format!("{error}, in the middle of a batch; writing that to HEAD: {unwritten}"))
            })?;
        }
        Err(error)
    }

    fn sync(&self, head: Head) -> EngineResult<()> {
        self.disk().sync(self.sled()?, head)
    }

    fn acknowledged(&self) -> EngineResult<Option<Head>> {
        match self.disk().mark() {
            Mark::Nothing => Ok(None),
            Mark::Acknowledged(head) => Ok(Some(head)),
            Mark::HalfApplied => Gate::HalfApplied.pass().map(|()| None),
        }
    }
}

impl fmt::Debug for SledEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SledEngine").field(&self.name).finish()
    }
}

impl Drop for SledEngine {
    fn drop(&mut self) {
        let sled = self.sled.take();
        // sled panics if its last sync fails. What was acknowledged does not hang on that one.
        let _ = guarded(move || {
            drop(sled);
            Ok(())
        });
    }
}

struct SledView<'a> {
    tree: &'a sled::Tree,
    _gate: RwLockReadGuard<'a, Gate>,
}

impl View for SledView<'_> {
    fn get(&self, key: &[u8]) -> EngineResult<Option<Bytes>> {
        Ok(guarded(|| self.tree.get(key))?.map(shared))
    }

    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, direction: Direction) -> Pairs<'_> {
        let mut pairs = self.tree.range::<&[u8], _>((from, to));
        let mut failed = false;
        Box::new(std::iter::from_fn(move || {
            if failed {
                return None;
            }
            let next = guarded(|| match direction {
                Direction::Forward => pairs.next().transpose(),
                Direction::Backward => pairs.next_back().transpose(),
            });
            failed = next.is_err();
            next.map(|pair| pair.map(|(key, value)| (shared(key), shared(value)))).transpose()
        }))
    }
}

/// sled's bytes without copying them: they are counted there, too.
fn shared(bytes: sled::IVec) -> Bytes {
    if bytes.is_empty() { Bytes::new() } else { Bytes::from_owner(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_view_is_had_without_waiting_while_a_batch_is_applied() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = SledEngine::open(folder.path(), MIN_CACHE_BYTES).expect("opened");
        let applying = engine.gate.write().expect("nobody panicked");
        assert!(engine.try_view().expect("no failure").is_none());
        drop(applying);
        let view = engine.try_view().expect("no failure");
        assert!(view.is_some());
        // Views keep batches out, not each other.
        assert!(engine.gate.try_write().is_err());
        assert!(engine.try_view().expect("no failure").is_some());
    }

    #[test]
    fn its_debug_form_has_no_data() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = SledEngine::open(folder.path(), MIN_CACHE_BYTES).expect("opened");
        engine.apply(Batch::new(vec![Op::Put("ada@example.org".into(), "Ada".into())])).expect("applied");
        assert_eq!(format!("{engine:?}"), format!("SledEngine({:?})", engine.name()));
    }
}
