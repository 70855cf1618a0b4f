//! The store: what the desk's portals hold. It passes commands to the committer and answers reads.

use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;

use async_trait::async_trait;
use bsm_core::store::{Answers, Capabilities, ChangeSet, Committed, ReadSet, Store};
use bsm_core::{Error, Result};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::committer::Desk;
use crate::engine::Engine;
use crate::options::KvOptions;
use crate::snapshot::Snapshot;
use crate::{open, read};

/// How many reads may be under way at the same moment; more wait for their turn. Closing waits for all of them.
const READS: u32 = 1 << 16;
/// How many keys a read may look at on the caller's thread. One that needs more begins anew on a thread that may block.
const IN_PLACE_STEPS: usize = 256;

/// A [`Store`] on any [`Engine`].
///
/// The engine is held as a trait object: its calls cost far more than the dispatch, and one compiled store serves all
/// engines. A store owns a thread, `bsm-commit`, which sleeps while nothing is to be done.
///
/// Reads and commands may be polled by any executor. Under tokio, what may take long goes to its blocking threads;
/// elsewhere it is done in place.
///
/// Dropping a store closes it, as [`close`](Store::close) does, but blocks for as long as the commands under way take, and
/// tells no failure.
///
/// ```
/// use bsm_core::model::{Entity, Timestamp};
/// use bsm_core::store::{ChangeSet, Guard, Store};
/// use bsm_store_kv::{KvOptions, KvStore, MemoryEngine};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> bsm_core::Result<()> {
/// let store = KvStore::open(MemoryEngine::default(), KvOptions::default())?;
/// let mut change = ChangeSet::new(Timestamp::MIN);
/// change.guards.push(Guard::Empty(Entity::User));
/// store.commit(change).await?;
/// store.close().await?;
/// # Ok(())
/// # }
/// ```
pub struct KvStore {
    desk: Arc<Desk>,
    reads: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
}

impl KvStore {
    /// Opens the desk that the engine has, or makes one in an empty engine. Blocks for as long as the engine does; costs
    /// O(log n).
    ///
    /// # Errors
    /// [`Error::UnknownFormat`] for data of another format, or of no desk; [`Error::Damaged`] if the engine lacks what
    /// was acknowledged; [`Error::Unavailable`] if it fails, or no thread can be had.
    pub fn open(engine: impl Engine, options: KvOptions) -> Result<Self> {
        let engine: Arc<dyn Engine> = Arc::new(engine);
        let head = open::open(&*engine, options.epoch)?;
        let desk = Arc::new(Desk::new(engine, options.durability, head));
        let shared = Arc::clone(&desk);
        let thread = std::thread::Builder::new()
            .name("bsm-commit".to_owned())
            .spawn(move || shared.run())
            .map_err(|source| Error::Unavailable { store: desk.name().to_owned(), source: source.into() })?;
        Ok(Self { desk, reads: Arc::new(Semaphore::new(READS as usize)), thread: Some(thread) })
    }

    async fn begin_read(&self) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.reads).acquire_owned().await.map_err(|source| self.unavailable(source))
    }

    fn unavailable(&self, source: impl Into<bsm_core::Source>) -> Error {
        Error::Unavailable { store: self.desk.name().to_owned(), source: source.into() }
    }
}

impl fmt::Display for KvStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.desk.name())
    }
}

impl fmt::Debug for KvStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KvStore").field(&self.desk.name()).finish()
    }
}

impl Drop for KvStore {
    fn drop(&mut self) {
        self.desk.begin_closing();
        if let Some(thread) = self.thread.take() {
            // The thread catches what panics in it; there is nobody left to tell of what it did not.
            let _ = thread.join();
        }
    }
}

#[async_trait]
impl Store for KvStore {
    fn capabilities(&self) -> Capabilities {
        let least = Capabilities::least();
        if self.desk.is_durable() { least.durable() } else { least }
    }

    async fn commit(&self, change: ChangeSet) -> Result<Committed> {
        self.desk.commit(change).await
    }

    async fn read(&self, set: ReadSet) -> Result<Answers> {
        let permit = self.begin_read().await?;
        let engine = self.desk.engine()?;
        if let Some(answers) = in_place(&*engine, self.desk.name(), &set)? {
            return Ok(answers);
        }
        let name = self.desk.name().to_owned();
        match Handle::try_current() {
            Ok(runtime) => {
                let read = runtime.spawn_blocking(move || {
                    let answers = wholly(&*engine, &name, &set);
                    // The engine first: whoever closes waits for the permit, and expects the engine to be let go then.
                    drop(engine);
                    drop(permit);
                    answers
                });
                read.await.map_err(|source| self.unavailable(source))?
            }
            Err(_) => wholly(&*engine, &name, &set),
        }
    }

    async fn health(&self) -> Result<()> {
        let answers = self.read(ReadSet::default()).await?;
        debug_assert_eq!(answers, Answers::default());
        Ok(())
    }

    async fn close(&self) -> Result<()> {
        self.desk.begin_closing();
        let outcome = self.desk.closed_for_good().await;
        // Reads that began before hold the engine until they end.
        let ended = self.reads.acquire_many(READS).await;
        drop(ended.map_err(|source| self.unavailable(source))?);
        outcome
    }
}

/// Answers here and now, if nobody has to wait and it does not take long.
fn in_place(engine: &dyn Engine, name: &str, set: &ReadSet) -> Result<Option<Answers>> {
    let view = engine.try_view().map_err(|error| crate::record::unavailable(name, error))?;
    let Some(view) = view else { return Ok(None) };
    read::answer(&Snapshot::new(&*view, name), set, IN_PLACE_STEPS)
}

/// Answers, however long it takes.
fn wholly(engine: &dyn Engine, name: &str, set: &ReadSet) -> Result<Answers> {
    let view = engine.view().map_err(|error| crate::record::unavailable(name, error))?;
    Ok(read::answer(&Snapshot::new(&*view, name), set, usize::MAX)?.unwrap_or_default())
}
