//! The committer: the one place where commands become state.
//!
//! Commands wait in a queue. Whoever leads takes what waits as one group, applies it, makes it durable with one sync and
//! answers; nobody else in this crate writes to an open store's engine. There is one leader at a time:
//!
//! * the store's own thread, `bsm-commit`. Not a task of the runtime's: the thread needs no runtime, outlives the futures
//!   and the runtime of those who wait, and can't be starved by a pool that is full of other work;
//! * or, when nothing waits and no sync is due before the answer, the caller itself, in place. A hop to the thread and
//!   back costs more than a small command on an engine without a disk; and a relaxed command is not held up by the sync
//!   that the thread is busy with. It may wait in place for what holds the engine: a view, or sled's own flush.
//!
//! Where a failure leaves unknown what the engine has (a batch, a sync, a panic), the store stops: see [`Desk::stop`].

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bsm_core::store::{ChangeSet, Committed};
use bsm_core::{Error, Result};
use tokio::sync::{oneshot, watch};

use crate::engine::{Engine, Head};
use crate::group::{Answers, Command, Failure, apply_group};
use crate::options::Durability;

/// How long a command that was acknowledged before its sync waits for it at most.
const RELAXED_LAG: Duration = Duration::from_millis(100);
/// A change set with more writes than this is not done on the caller's thread.
const IN_PLACE_WRITES: usize = 16;

/// Why a closed store refuses.
const CLOSED: &str = "it was closed";
/// Why a store refuses whose engine failed.
const FAILED: &str = "a write failed; open it again to see what was kept";

/// What a store and its thread share.
#[derive(Debug)]
pub(crate) struct Desk {
    name: String,
    /// Whether answers wait for a sync.
    answers_wait: bool,
    /// Whether the engine is ever synced.
    durable: bool,
    /// The engine, or why there is none any more.
    engine: RwLock<Result<Arc<dyn Engine>, &'static str>>,
    queue: Mutex<Queue>,
    /// Wakes the thread.
    wake: Condvar,
    /// Whether the thread is gone, and with it its hold on the engine.
    gone: watch::Sender<bool>,
}

#[derive(Debug)]
struct Queue {
    phase: Phase,
    waiting: VecDeque<Command>,
    /// Whether somebody leads.
    led: bool,
    /// Where the feed ends.
    head: Head,
    /// Since when there has been something that no sync covers.
    unsynced: Option<Instant>,
    /// What made the store stop, until somebody closes it.
    failure: Option<Failure>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Takes commands.
    Open,
    /// Does those that wait, and no more.
    Closing,
    /// Over.
    Closed(&'static str),
}

/// What the thread does next.
enum Task {
    Lead,
    Sync(Head),
    Finish,
}

impl Desk {
    /// A desk on an engine whose feed ends at `head`.
    pub(crate) fn new(engine: Arc<dyn Engine>, durability: Durability, head: Head) -> Self {
        let durable = engine.is_durable();
        let queue =
            Queue { phase: Phase::Open, waiting: VecDeque::new(), led: false, head, unsynced: None, failure: None };
        Self {
            name: engine.name(),
            answers_wait: durable && durability == Durability::Sync,
            durable,
            engine: RwLock::new(Ok(engine)),
            queue: Mutex::new(queue),
            wake: Condvar::new(),
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

    fn engine_or_reason(&self) -> Result<Arc<dyn Engine>, &'static str> {
        self.engine.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn closed(&self, reason: &'static str) -> Error {
        Error::Closed { store: self.name.clone(), reason }
    }

    /// The queue. Nothing panics while it is locked, so it is never left half changed.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a change set applied. Dropping the future leaves it applied whole or not at all.
    pub(crate) async fn commit(&self, change: ChangeSet) -> Result<Committed> {
        let (answer, answered) = oneshot::channel();
        self.hand_in(Command { change, answer })?;
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
                && command.change.writes.len() <= IN_PLACE_WRITES;
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

    /// The next command that somebody still waits for.
    fn next(&self) -> Option<Command> {
        let mut queue = self.lock();
        loop {
            let command = queue.waiting.pop_front()?;
            if !command.answer.is_closed() {
                return Some(command);
            }
        }
    }

    /// Does one group. The caller has set `led`; it is let go here, whatever happens.
    fn lead(&self, next: impl FnMut() -> Option<Command>) {
        let mut answers = Answers::default();
        let done = catch_unwind(AssertUnwindSafe(|| self.do_group(next, &mut answers)));
        match done.unwrap_or_else(|panic| Err(Failure::panicked(&*panic))) {
            // Whoever waits is woken here, by a waker that is not ours: if it panics, the thread must not.
            Ok(()) => drop(catch_unwind(AssertUnwindSafe(|| answers.tell()))),
            Err(failure) => {
                self.stop(failure.clone());
                drop(catch_unwind(AssertUnwindSafe(|| answers.tell_unknown(&self.name, &failure))));
            }
        }
        let mut queue = self.lock();
        queue.led = false;
        if !queue.waiting.is_empty() || queue.phase != Phase::Open {
            self.wake.notify_one();
        }
    }

    /// Applies a group, and syncs it if the answers wait for that.
    fn do_group(&self, mut next: impl FnMut() -> Option<Command>, answers: &mut Answers) -> Result<(), Failure> {
        let head = self.lock().head;
        let engine = match self.engine_or_reason() {
            Ok(engine) => engine,
            Err(reason) => {
                while let Some(command) = next() {
                    answers.refuse(command, self.closed(reason));
                }
                return Ok(());
            }
        };
        let Some(head) = apply_group(&*engine, &self.name, head, next, answers)? else { return Ok(()) };
        {
            let mut queue = self.lock();
            queue.head = head;
            if self.durable && !self.answers_wait && queue.unsynced.is_none() {
                queue.unsynced = Some(Instant::now());
                self.wake.notify_one();
            }
        }
        if self.answers_wait { engine.sync(head).map_err(Failure::from) } else { Ok(()) }
    }

    /// Stops for good: nobody knows what the engine has, so nothing is written, and nothing read, until the store is
    /// opened again. Commands that were not begun are told that the store is closed; nothing of them happened.
    fn stop(&self, failure: Failure) {
        let refused = {
            let mut queue = self.lock();
            queue.phase = Phase::Closed(FAILED);
            queue.failure.get_or_insert(failure);
            queue.unsynced = None;
            std::mem::take(&mut queue.waiting)
        };
        self.let_go(FAILED);
        for command in refused {
            let _ = command.answer.send(Err(self.closed(FAILED)));
        }
        self.wake.notify_one();
    }

    fn let_go(&self, reason: &'static str) {
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        if engine.is_ok() {
            *engine = Err(reason);
        }
    }

    /// The thread's whole life.
    pub(crate) fn run(&self) {
        let _end = End(self);
        loop {
            match self.next_task() {
                Task::Lead => self.lead(|| self.next()),
                Task::Sync(head) => self.sync_now(head),
                Task::Finish => break,
            }
        }
        let (unsynced, head) = {
            let mut queue = self.lock();
            (queue.unsynced.take().is_some(), queue.head)
        };
        if unsynced {
            self.sync_now(head);
        }
        let mut queue = self.lock();
        if !matches!(queue.phase, Phase::Closed(_)) {
            queue.phase = Phase::Closed(CLOSED);
        }
    }

    fn next_task(&self) -> Task {
        let mut queue = self.lock();
        loop {
            let due = queue.unsynced.map(|since| since + RELAXED_LAG);
            let left = due.map(|due| due.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                queue.unsynced = None;
                return Task::Sync(queue.head);
            }
            if !queue.led {
                if !queue.waiting.is_empty() {
                    queue.led = true;
                    return Task::Lead;
                }
                if queue.phase != Phase::Open {
                    return Task::Finish;
                }
            }
            queue = match left {
                Some(left) => {
                    self.wake.wait_timeout(queue, left).map_or_else(|poison| poison.into_inner().0, |woken| woken.0)
                }
                None => self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Syncs what was acknowledged before its sync.
    fn sync_now(&self, head: Head) {
        if let Ok(engine) = self.engine()
            && let Err(failure) = sync(&*engine, head)
        {
            self.stop(failure);
        }
    }

    /// Takes no more commands; the thread does what waits, and ends.
    pub(crate) fn begin_closing(&self) {
        let mut queue = self.lock();
        if queue.phase == Phase::Open {
            queue.phase = Phase::Closing;
        }
        self.wake.notify_one();
    }

    /// Waits until the thread has let go of the engine. Then tells what made the store stop, to whoever asks first.
    pub(crate) async fn closed_for_good(&self) -> Result<()> {
        let mut gone = self.gone.subscribe();
        // The sender lives as long as `self`, so this ends by the thread's word only.
        let _ = gone.wait_for(|gone| *gone).await;
        match self.lock().failure.take() {
            Some(failure) => Err(failure.outcome_unknown(&self.name)),
            None => Ok(()),
        }
    }
}

/// The end of the thread, however it comes: nobody may wait for a thread that is gone.
struct End<'a>(&'a Desk);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let (reason, left) = {
            let mut queue = self.0.lock();
            let reason = match queue.phase {
                Phase::Closed(reason) => reason,
                Phase::Open | Phase::Closing => FAILED,
            };
            queue.phase = Phase::Closed(reason);
            (reason, std::mem::take(&mut queue.waiting))
        };
        self.0.let_go(reason);
        // Dropped unanswered, they are told that nobody knows.
        drop(left);
        self.0.gone.send_replace(true);
    }
}

/// Syncs; a panic of the engine counts as a failure.
fn sync(engine: &dyn Engine, head: Head) -> Result<(), Failure> {
    match catch_unwind(AssertUnwindSafe(|| engine.sync(head))) {
        Ok(result) => result.map_err(Failure::from),
        Err(panic) => Err(Failure::panicked(&*panic)),
    }
}
