//! The store: what the desk's portals hold. It passes commands to the committer and answers reads.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::thread::JoinHandle;

use async_trait::async_trait;
use bsm_core::model::{Timestamp, UserId};
use bsm_core::store::{
    Answers, Capabilities, ChangeSet, Committed, FeedPlace, FeedQuery, ImportMark, ImportStep, ReadSet, Store,
    Verification,
};
use bsm_core::{Error, IdSource as _, Result, SystemIds};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::committer::{Desk, HANDS};
use crate::engine::Engine;
use crate::options::KvOptions;
use crate::snapshot::Snapshot;
use crate::work::{Done, Work};
use crate::{open, read, verify};

/// How many reads may be under way at the same moment; more wait for their turn. Closing waits for all of them.
const READS: u32 = 1 << 16;
/// How often a read is tried on the caller's thread, when a group is being applied meanwhile.
const IN_PLACE_TRIES: usize = 2;
/// How many keys a read may look at on the caller's thread. One that needs more begins anew on a thread that may block.
const IN_PLACE_STEPS: usize = 256;

/// A [`Store`] on any [`Engine`].
///
/// The engine is held as a trait object: its calls cost far more than the dispatch, and one compiled store serves all
/// engines. A store owns two threads, `bsm-commit-1` and `bsm-commit-2`, which sleep while nothing is to be done.
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
    hands: Vec<JoinHandle<()>>,
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
        let opened = open::open(&*engine, options.epoch)?;
        let desk = Arc::new(Desk::new(engine, options.durability, &opened));
        let mut store = Self { desk, reads: Arc::new(Semaphore::new(READS as usize)), hands: Vec::new() };
        for number in 1..=HANDS {
            let desk = Arc::clone(&store.desk);
            let hand = std::thread::Builder::new().name(format!("bsm-commit-{number}")).spawn(move || desk.run());
            match hand {
                Ok(hand) => store.hands.push(hand),
                Err(source) => {
                    // Those that began are waited for as the store is dropped; of this one nobody needs to wait.
                    store.desk.lock().hands -= HANDS + 1 - number;
                    return Err(store.unavailable(source));
                }
            }
        }
        Ok(store)
    }

    async fn begin_read(&self) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.reads).acquire_owned().await.map_err(|source| self.unavailable(source))
    }

    /// Does something that may take long off the runtime's threads, if there is a runtime. It holds the engine for as long
    /// as it takes, and whoever closes waits for the permit.
    async fn elsewhere<T: Send + 'static>(
        &self,
        permit: OwnedSemaphorePermit,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let work = move || {
            let done = work();
            drop(permit);
            done
        };
        match Handle::try_current() {
            Ok(runtime) => runtime.spawn_blocking(work).await.map_err(|source| self.unavailable(source))?,
            Err(_) => work(),
        }
    }

    async fn recount(&self, ends_an_import: bool) -> Result<Verification> {
        let permit = self.begin_read().await?;
        let desk = Arc::clone(&self.desk);
        self.elsewhere(permit, move || verify::verify(&*desk.engine()?, &desk, ends_an_import)).await
    }

    /// The committer answered something else than was asked: it never does.
    fn mismatched(&self, answer: &Done) -> Error {
        debug_assert!(false, "{answer:?}");
        self.unavailable("the committer answered another question")
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
        for hand in self.hands.drain(..) {
            // A hand catches what panics in it; there is nobody left to tell of what it did not.
            let _ = hand.join();
        }
    }
}

#[async_trait]
impl Store for KvStore {
    fn capabilities(&self) -> Capabilities {
        let least = Capabilities::least().trims().expires().imports();
        if self.desk.is_durable() { least.durable() } else { least }
    }

    async fn commit(&self, change: ChangeSet) -> Result<Committed> {
        match self.desk.perform(Work::Change(change)).await? {
            Done::Changed(committed) => Ok(committed),
            other => Err(self.mismatched(&other)),
        }
    }

    async fn read(&self, set: ReadSet) -> Result<Answers> {
        let permit = self.begin_read().await?;
        let desk = &self.desk;
        for _ in 0..IN_PLACE_TRIES {
            // From here on the end of a group is not missed.
            let mut applied = pin!(desk.applied.notified());
            applied.as_mut().enable();
            if let Some(answers) = desk.read_around_imports(|engine| in_place(engine, desk, &set))? {
                return Ok(answers);
            }
            if !desk.is_applying() {
                break;
            }
            // Shorter, and cheaper, than a thread that waits for the same.
            applied.await;
        }
        let desk = Arc::clone(&self.desk);
        self.elsewhere(permit, move || desk.read_around_imports(|engine| wholly(engine, &desk, &set))).await
    }

    async fn wait(&self, customer: Option<UserId>, after: FeedPlace) -> Result<()> {
        match customer {
            None => self.desk.reach.beyond(after).await,
            Some(customer) => {
                let waiting = self.desk.reach.of(customer);
                let mut notified = pin!(waiting.notify.notified());
                // From here on no word is missed; so look, and then sleep.
                notified.as_mut().enable();
                let query =
                    FeedQuery { customer: Some(customer), after: None, entities: Vec::new(), limit: 0, rows: false };
                let answers = self.read(ReadSet { feed: Some(query), ..ReadSet::default() }).await?;
                let stands = answers.feed.unwrap_or_default();
                if stands.epoch == after.epoch && stands.newest <= after.place {
                    notified.await;
                }
            }
        }
        self.desk.engine().map(drop)
    }

    async fn trim(&self, before: Timestamp, most: usize) -> Result<usize> {
        let keep = self.desk.reach.position();
        match self.desk.perform(Work::Trim { before, most, keep }).await? {
            Done::Trimmed(count) => Ok(count),
            other => Err(self.mismatched(&other)),
        }
    }

    async fn import(&self, step: ImportStep) -> Result<ImportMark> {
        if matches!(step, ImportStep::Finish(_)) {
            let verified = self.recount(true).await?;
            if let Some(difference) = verified.differences.into_iter().next() {
                return Err(Error::Inconsistent { store: self.desk.name().to_owned(), difference });
            }
        }
        match self.desk.perform(Work::Import(step)).await? {
            Done::Imported(mark) => Ok(mark),
            other => Err(self.mismatched(&other)),
        }
    }

    async fn expire_positions(&self) -> Result<()> {
        let epoch = SystemIds.bits()?;
        match self.desk.perform(Work::Renumber { epoch }).await? {
            Done::Renumbered => Ok(()),
            other => Err(self.mismatched(&other)),
        }
    }

    async fn verify(&self) -> Result<Verification> {
        self.recount(false).await
    }

    async fn health(&self) -> Result<()> {
        self.read(ReadSet::default()).await.map(drop)
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
fn in_place(engine: &dyn Engine, desk: &Desk, set: &ReadSet) -> Result<Option<Answers>> {
    let shown = shown(desk);
    let view = engine.try_view().map_err(|error| crate::record::unavailable(desk.name(), error))?;
    let Some(view) = view else { return Ok(None) };
    read::answer(&Snapshot::new(&*view, desk.name()), set, IN_PLACE_STEPS, shown)
}

/// Answers, however long it takes.
fn wholly(engine: &dyn Engine, desk: &Desk, set: &ReadSet) -> Result<Answers> {
    let shown = shown(desk);
    let view = engine.view().map_err(|error| crate::record::unavailable(desk.name(), error))?;
    Ok(read::answer(&Snapshot::new(&*view, desk.name()), set, usize::MAX, shown)?.unwrap_or_default())
}

/// How far the feed may be shown. Asked before the view is taken, which then has all of it.
fn shown(desk: &Desk) -> FeedPlace {
    FeedPlace { epoch: desk.reach.epoch(), place: desk.reach.position() }
}
