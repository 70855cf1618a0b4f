//! The two threads of a store: what each does next, until the store is closed.
//!
//! They are alike. Whichever is free takes what is to be done: applying before syncing, since who waits to be applied could
//! still share the sync that comes. See [`crate::committer`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use bsm_core::model::UserId;

use crate::committer::{CLOSED, Desk, FAILED, Phase, Queue, tell};
use crate::engine::{Engine, Head};
use crate::group::{Answers, Failure};
use crate::options::RELAXED_LAG;

/// What a hand does next.
enum Task {
    Lead,
    Sync(Sync),
    Finish,
}

/// A sync that is to be done.
struct Sync {
    head: Head,
    /// Whom it concerns.
    concerned: Vec<UserId>,
    /// Who is told afterwards.
    answers: Vec<Answers>,
    /// Whether there is anything to sync: those who only built on what the last one covered need none.
    needed: bool,
}

impl Desk {
    /// A hand's whole life.
    pub(crate) fn run(&self) {
        let _end = End(self);
        loop {
            match self.next_task() {
                Task::Lead => self.lead(|| self.next()),
                Task::Sync(sync) => self.sync(sync),
                Task::Finish => break,
            }
        }
    }

    fn next_task(&self) -> Task {
        let mut queue = self.lock();
        loop {
            if let Phase::Closed(_) = queue.phase {
                return Task::Finish;
            }
            if !queue.led && !queue.waiting.is_empty() {
                queue.led = true;
                return Task::Lead;
            }
            let left = self.until_sync(&queue);
            if left == Some(Duration::ZERO) {
                queue.syncing = true;
                return Task::Sync(Sync {
                    head: queue.head,
                    concerned: std::mem::take(&mut queue.concerned),
                    answers: std::mem::take(&mut queue.applied),
                    needed: queue.unsynced.take().is_some(),
                });
            }
            if queue.phase == Phase::Closing && !queue.led && !queue.syncing {
                return Task::Finish;
            }
            queue = match left {
                Some(left) => {
                    self.wake.wait_timeout(queue, left).map_or_else(|poison| poison.into_inner().0, |woken| woken.0)
                }
                None => self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// How long until a sync is due; `None` if none is, or one is under way.
    fn until_sync(&self, queue: &Queue) -> Option<Duration> {
        if queue.syncing {
            return None;
        }
        if !queue.applied.is_empty() {
            return Some(Duration::ZERO);
        }
        let since = queue.unsynced?;
        let at_once = self.answers_wait || (queue.phase != Phase::Open && !queue.led);
        Some(if at_once { Duration::ZERO } else { (since + RELAXED_LAG).saturating_duration_since(Instant::now()) })
    }

    /// Makes durable what was applied, shows it in the feed, and tells those who wait for it.
    fn sync(&self, sync: Sync) {
        let Sync { head, concerned, answers, needed } = sync;
        let synced = match self.engine_or_reason() {
            Ok(engine) if needed => make_durable(&*engine, head),
            Ok(_) => Ok(()),
            Err(_) => Err(Failure::stopped()),
        };
        match synced {
            Ok(()) => {
                self.reach.advance(head.position, &concerned);
                tell(answers);
            }
            Err(failure) => {
                self.stop(&failure);
                self.tell_unknown(answers, &failure);
            }
        }
        let mut queue = self.lock();
        queue.syncing = false;
        if !queue.applied.is_empty() || queue.unsynced.is_some() || queue.phase != Phase::Open {
            self.wake.notify_one();
        }
    }
}

/// Syncs; a panic of the engine counts as a failure.
fn make_durable(engine: &dyn Engine, head: Head) -> Result<(), Failure> {
    match catch_unwind(AssertUnwindSafe(|| engine.sync(head))) {
        Ok(result) => result.map_err(Failure::from),
        Err(panic) => Err(Failure::panicked(&*panic)),
    }
}

/// The end of a hand, however it comes: nobody may wait for hands that are gone.
struct End<'a>(&'a Desk);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let (reason, left) = {
            let mut queue = self.0.lock();
            queue.hands -= 1;
            // One that goes before its time takes the other with it.
            let reason = match queue.phase {
                Phase::Closed(reason) => reason,
                Phase::Closing if queue.waiting.is_empty() && queue.applied.is_empty() => CLOSED,
                Phase::Open | Phase::Closing => FAILED,
            };
            queue.phase = Phase::Closed(reason);
            if queue.hands > 0 {
                self.0.wake.notify_all();
                return;
            }
            // A caller that leads in place still has the engine.
            while queue.led {
                queue = self.0.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            (reason, (std::mem::take(&mut queue.waiting), std::mem::take(&mut queue.applied)))
        };
        self.0.let_go(reason);
        // Dropped unanswered, they are told that nobody knows.
        drop(left);
        self.0.gone.send_replace(true);
    }
}
