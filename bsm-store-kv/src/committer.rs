//! The committer: the one place where commands become state.
//!
//! Commands wait in a queue. Two threads, the hands, take turns at two things: to apply what waits as one group, and to
//! make what was applied durable with one sync. At most one of them applies and at most one of them syncs at any moment,
//! so that while one group is on its way to the disk the next is applied, and one sync covers all that was applied
//! before it began. Nobody else in this crate writes to an open store's engine, save:
//!
//! * the caller itself, in place, when nothing waits and no sync is due before the answer. A hop to a thread and back
//!   costs more than a small command on an engine without a disk; and a relaxed command is not held up by the sync
//!   that a hand is busy with. It may wait in place for what holds the engine: a view, or sled's own flush.
//!
//! The hands are threads of the store's own, not tasks of the runtime's: they need no runtime, outlive the futures and the
//! runtime of those who wait, and can't be starved by a pool that is full of other work. A lone command meets one of them:
//! the hand that applied it finds nobody syncing, and syncs it too.
//!
//! Where a failure leaves unknown what the engine has (a batch, a sync, a panic), the store stops: see [`Desk::stop`].

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use bsm_core::model::UserId;
use bsm_core::{Error, Result};
use tokio::sync::{Notify, oneshot, watch};

use crate::engine::{Engine, Head};
use crate::group::{Answers, Applied, Command, Failure, apply_group};
use crate::open::Opened;
use crate::options::Durability;
use crate::pace::Pace;
use crate::reach::{Reach, quietly};
use crate::work::{Done, Work};

/// A change set with more writes than this is not done on the caller's thread.
const IN_PLACE_WRITES: usize = 16;
/// How many threads take turns at applying and syncing.
pub(crate) const HANDS: usize = 2;

/// Why a closed store refuses.
pub(crate) const CLOSED: &str = "it was closed";
/// Why a store refuses whose engine failed.
pub(crate) const FAILED: &str = "a write failed; open it again to see what was kept";

/// What a store and its hands share.
#[derive(Debug)]
pub(crate) struct Desk {
    name: String,
    /// Whether answers wait for a sync.
    pub(crate) answers_wait: bool,
    /// Whether the engine is ever synced.
    durable: bool,
    /// The engine, or why there is none any more.
    engine: RwLock<Result<Arc<dyn Engine>, &'static str>>,
    queue: Mutex<Queue>,
    /// Wakes a hand.
    pub(crate) wake: Condvar,
    /// How far the feed may be shown.
    pub(crate) reach: Reach,
    /// Whether an import has begun and not ended, so that nobody may see the desk.
    shut: AtomicBool,
    /// How many imports began.
    imports: AtomicU64,
    /// Tells that nobody applies a group any more.
    pub(crate) applied: Notify,
    /// How long groups take, to know when one is large enough.
    pace: Pace,
    /// Whether the hands are gone, and with them their hold on the engine.
    pub(crate) gone: watch::Sender<bool>,
}

#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) phase: Phase,
    pub(crate) waiting: VecDeque<Command>,
    /// Whether somebody applies.
    pub(crate) led: bool,
    /// Whether somebody syncs.
    pub(crate) syncing: bool,
    /// Where the feed ends.
    pub(crate) head: Head,
    /// Since when there has been something that no sync covers that was begun.
    pub(crate) unsynced: Option<Instant>,
    /// Whom that concerns.
    pub(crate) concerned: Vec<UserId>,
    /// Those whose commands were applied, and who are told after the next sync.
    pub(crate) applied: Vec<Answers>,
    /// What made the store stop, until somebody closes it.
    pub(crate) failure: Option<Failure>,
    /// How many hands are left.
    pub(crate) hands: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Takes commands.
    Open,
    /// Does those that wait, and no more.
    Closing,
    /// Over.
    Closed(&'static str),
}

impl Desk {
    /// A desk on an engine, as it was found.
    pub(crate) fn new(engine: Arc<dyn Engine>, durability: Durability, opened: &Opened) -> Self {
        let durable = engine.is_durable();
        let queue = Queue {
            phase: Phase::Open,
            waiting: VecDeque::new(),
            led: false,
            syncing: false,
            head: opened.head,
            unsynced: None,
            concerned: Vec::new(),
            applied: Vec::new(),
            failure: None,
            hands: HANDS,
        };
        Self {
            name: engine.name(),
            answers_wait: durable && durability == Durability::Sync,
            durable,
            engine: RwLock::new(Ok(engine)),
            queue: Mutex::new(queue),
            wake: Condvar::new(),
            reach: Reach::new(opened.epoch, opened.head.position),
            shut: AtomicBool::new(opened.importing),
            imports: AtomicU64::new(0),
            applied: Notify::new(),
            pace: Pace::default(),
            gone: watch::Sender::new(false),
        }
    }

    /// The store's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether what was acknowledged survives the end of the process.
    pub(crate) fn is_durable(&self) -> bool {
        self.durable
    }

    /// The engine, as long as the store is open.
    pub(crate) fn engine(&self) -> Result<Arc<dyn Engine>> {
        self.engine_or_reason().map_err(|reason| self.closed(reason))
    }

    /// The engine, as long as the store is open and no import is unfinished.
    pub(crate) fn engine_for_all(&self) -> Result<Arc<dyn Engine>> {
        let engine = self.engine()?;
        if self.shut.load(Ordering::SeqCst) {
            return Err(Error::ImportUnfinished { store: self.name.clone() });
        }
        Ok(engine)
    }

    pub(crate) fn engine_or_reason(&self) -> Result<Arc<dyn Engine>, &'static str> {
        self.engine.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn closed(&self, reason: &'static str) -> Error {
        Error::Closed { store: self.name.clone(), reason }
    }

    /// The queue. Nothing panics while it is locked, so it is never left half changed.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has something done. Dropping the future leaves it done whole or not at all.
    pub(crate) async fn perform(&self, work: Work) -> Result<Done> {
        let (answer, answered) = oneshot::channel();
        self.hand_in(Command { work, answer })?;
        answered.await.unwrap_or_else(|_| {
            let source = "the committer stopped without an answer".into();
            Err(Error::OutcomeUnknown { store: self.name.clone(), source })
        })
    }

    /// Leads with this one command if nothing speaks against it, else puts it in the queue.
    fn hand_in(&self, command: Command) -> Result<()> {
        {
            let mut queue = self.lock();
            match queue.phase {
                Phase::Open => {}
                Phase::Closing => return Err(self.closed(CLOSED)),
                Phase::Closed(reason) => return Err(self.closed(reason)),
            }
            let in_place = !self.answers_wait
                && !queue.led
                && queue.waiting.is_empty()
                && command.work.writes() <= IN_PLACE_WRITES;
            if !in_place {
                queue.waiting.push_back(command);
                self.wake.notify_one();
                return Ok(());
            }
            queue.led = true;
        }
        let mut only = Some(command);
        self.lead(|| only.take());
        Ok(())
    }

    /// Whether somebody applies a group. If so, the end of it will be [told](Self::applied).
    pub(crate) fn is_applying(&self) -> bool {
        self.lock().led
    }

    /// The next command that somebody still waits for.
    pub(crate) fn next(&self) -> Option<Command> {
        let mut queue = self.lock();
        loop {
            let command = queue.waiting.pop_front()?;
            if !command.answer.is_closed() {
                return Some(command);
            }
        }
    }

    /// Does one group. The caller has set `led`; it is let go here, whatever happens.
    pub(crate) fn lead(&self, next: impl FnMut() -> Option<Command>) {
        let _led = Led(self);
        let mut answers = Answers::default();
        let done = catch_unwind(AssertUnwindSafe(|| self.do_group(next, &mut answers)));
        match done.unwrap_or_else(|panic| Err(Failure::panicked(&*panic))) {
            Ok(applied) => self.applied(applied, answers),
            Err(failure) => {
                self.stop(&failure);
                self.tell_unknown(vec![answers], &failure);
            }
        }
    }

    /// Notes that a group was applied, and tells those who need not wait for a sync.
    fn applied(&self, applied: Option<Applied>, answers: Answers) {
        let shown = applied.as_ref().filter(|_| !self.durable).map(|applied| (applied.head, applied.concerned.clone()));
        let epoch = applied.as_ref().and_then(|applied| applied.epoch);
        let told = {
            let mut queue = self.lock();
            if let Phase::Closed(_) = queue.phase {
                // The store failed meanwhile, at a sync that this group builds on.
                let failure = queue.failure.clone().unwrap_or_else(Failure::stopped);
                drop(queue);
                self.tell_unknown(vec![answers], &failure);
                return;
            }
            if let Some(Applied { head, concerned, shut, epoch: _ }) = applied {
                queue.head = head;
                self.shut.store(shut, Ordering::SeqCst);
                if self.durable {
                    queue.concerned.extend(concerned);
                    queue.unsynced.get_or_insert_with(Instant::now);
                }
            }
            // What was refused was checked against what others left: it is told when that is durable, too.
            if self.answers_wait && (queue.unsynced.is_some() || queue.syncing) {
                queue.applied.push(answers);
                None
            } else {
                if queue.unsynced.is_some() {
                    self.wake.notify_one();
                }
                Some(answers)
            }
        };
        // From here on others are woken: under no lock of ours.
        if let Some(epoch) = epoch {
            self.reach.begin_epoch(epoch);
        }
        if let Some((head, concerned)) = shown {
            self.reach.advance(head.position, &concerned);
        }
        if let Some(answers) = told {
            tell(vec![answers]);
        }
    }

    /// Applies a group.
    fn do_group(
        &self,
        mut next: impl FnMut() -> Option<Command>,
        answers: &mut Answers,
    ) -> Result<Option<Applied>, Failure> {
        let head = self.lock().head;
        let engine = match self.engine_or_reason() {
            Ok(engine) => engine,
            Err(reason) => {
                while let Some(command) = next() {
                    answers.refuse(command, self.closed(reason));
                }
                return Ok(None);
            }
        };
        let shut = self.shut.load(Ordering::SeqCst);
        // Before any view can show a part of it: see `read_around_imports`.
        let begin_import = || {
            self.shut.store(true, Ordering::SeqCst);
            self.imports.fetch_add(1, Ordering::SeqCst);
        };
        apply_group(&*engine, &self.name, head, shut, &self.pace, begin_import, next, answers)
    }

    /// Reads, unless an import is unfinished. A view that was taken while one began is given up, and another taken: then
    /// the import is seen.
    pub(crate) fn read_around_imports<T>(&self, read: impl Fn(&dyn Engine) -> Result<T>) -> Result<T> {
        loop {
            let before = self.imports.load(Ordering::SeqCst);
            let engine = self.engine_for_all()?;
            let answer = read(&*engine)?;
            if self.imports.load(Ordering::SeqCst) == before {
                return Ok(answer);
            }
        }
    }

    /// Stops for good: nobody knows what the engine has, so nothing is written, and nothing read, until the store is
    /// opened again. Commands that were not begun are told that the store is closed; nothing of them happened.
    pub(crate) fn stop(&self, failure: &Failure) {
        let (refused, applied) = {
            let mut queue = self.lock();
            queue.phase = Phase::Closed(FAILED);
            queue.failure.get_or_insert_with(|| failure.clone());
            queue.unsynced = None;
            (std::mem::take(&mut queue.waiting), std::mem::take(&mut queue.applied))
        };
        self.let_go(FAILED);
        self.tell_unknown(applied, failure);
        for command in refused {
            let _ = command.answer.send(Err(self.closed(FAILED)));
        }
        self.wake.notify_all();
    }

    pub(crate) fn let_go(&self, reason: &'static str) {
        {
            let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
            if engine.is_ok() {
                *engine = Err(reason);
            }
        }
        self.reach.close();
    }

    pub(crate) fn tell_unknown(&self, all: Vec<Answers>, failure: &Failure) {
        for answers in all {
            drop(catch_unwind(AssertUnwindSafe(|| answers.tell_unknown(&self.name, failure))));
        }
    }

    /// Takes no more commands; the hands do what waits, and end.
    pub(crate) fn begin_closing(&self) {
        let mut queue = self.lock();
        if queue.phase == Phase::Open {
            queue.phase = Phase::Closing;
        }
        self.wake.notify_all();
    }

    /// Waits until the hands have let go of the engine. Then tells what made the store stop, to whoever asks first.
    pub(crate) async fn closed_for_good(&self) -> Result<()> {
        let mut gone = self.gone.subscribe();
        // The sender lives as long as `self`, so this ends by the hands' word only.
        let _ = gone.wait_for(|gone| *gone).await;
        match self.lock().failure.take() {
            Some(failure) => Err(failure.outcome_unknown(&self.name)),
            None => Ok(()),
        }
    }
}

/// Somebody leads. Let go whatever happens.
struct Led<'a>(&'a Desk);

impl Drop for Led<'_> {
    fn drop(&mut self) {
        {
            let mut queue = self.0.lock();
            queue.led = false;
        }
        quietly(|| self.0.applied.notify_waiters());
        let queue = self.0.lock();
        if queue.phase != Phase::Open {
            // Who waits for the end of the last command may be a hand that is about to go.
            self.0.wake.notify_all();
        } else if !queue.waiting.is_empty() {
            self.0.wake.notify_one();
        }
    }
}

/// Tells those who wait. They are woken by wakers that are not ours: if one panics, a hand must not.
pub(crate) fn tell(all: Vec<Answers>) {
    for answers in all {
        drop(catch_unwind(AssertUnwindSafe(|| answers.tell())));
    }
}
