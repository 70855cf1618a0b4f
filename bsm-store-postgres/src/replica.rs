//! Reads that go to replicas, and when they don't.
//!
//! A replica is asked for what needs not be [current](ReadSet::current), if it can be reached, and what it answers counts if it
//! has all that the read must see: what this store value has acknowledged and told, and the read's own stamp
//! ([`crate::mark`]). One that has not is asked again, for a moment; then the primary is. A replica that failed, or stays
//! behind, is left alone for a while. So nothing of a replica is ever an error of a read: the primary has the last word.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bsm_core::store::{Answers, ReadSet};
use sqlx::postgres::PgConnectOptions;
use tokio::time::{Instant, sleep, timeout};

use crate::connect::{Hosts, Kin};
use crate::fault::{Fault, Kind};
use crate::mark::{Mark, Needed, Own};
use crate::pool::Pool;
use crate::query::Way;
use crate::read;
use crate::retry::Patience;
use crate::store::Desk;
use crate::together::Gets;

/// How long a read waits for a replica that is behind, all in all.
const LAG: Duration = Duration::from_millis(100);

/// The pause before a replica that is behind is asked again; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(2);

/// How long a replica may take to answer.
const ANSWERS: Duration = Duration::from_secs(2);

/// How long one that failed is left alone at first, and at most.
const REST: Duration = Duration::from_secs(1);
const REST_MOST: Duration = Duration::from_secs(30);

/// How long one that stayed behind is left alone by those who need what it lacks.
const CATCHES_UP: Duration = Duration::from_millis(500);

/// The replicas of a desk.
pub(crate) struct Replicas {
    pub(crate) pool: Pool,
    /// Reads by id that wait for a statement.
    pub(crate) gets: Gets,
    /// What they must have.
    pub(crate) own: Own,
    state: Mutex<State>,
}

/// When they are to be left alone.
#[derive(Debug, Default)]
struct State {
    /// Until when, by all, and how long that was.
    rests: Option<(Instant, Duration)>,
    /// Until when by those who need something.
    behind: Option<Instant>,
}

/// Whether a replica may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum May {
    /// Not now.
    Not,
    /// Once.
    Look,
    /// And waited for.
    Wait,
}

impl State {
    fn may(&mut self, now: Instant, needs: bool) -> May {
        if let Some((until, rested)) = self.rests {
            if now < until {
                return May::Not;
            }
            // One goes and looks; the others wait for its word.
            self.rests = Some((now + rested, rested));
            return May::Look;
        }
        match self.behind {
            Some(until) if needs && now < until => May::Not,
            Some(_) if needs => {
                self.behind = Some(now + CATCHES_UP);
                May::Look
            }
            _ => May::Wait,
        }
    }

    fn answered(&mut self, needed: bool) {
        self.rests = None;
        if needed {
            self.behind = None;
        }
    }

    fn failed(&mut self, now: Instant, asked: May) {
        let rest = match self.rests {
            // Of those who asked side by side the first has said it.
            Some(_) if asked == May::Wait => return,
            Some((_, rested)) => (rested * 2).min(REST_MOST),
            None => REST,
        };
        self.rests = Some((now + rest, rest));
    }
}

impl Replicas {
    /// Replicas at these places. Connects to none yet.
    pub(crate) fn at(servers: Vec<PgConnectOptions>, kin: Kin, way: Way, patience: Patience) -> Option<Self> {
        let mut servers = servers.into_iter();
        let hosts = Hosts::of_kin(servers.next()?, servers.collect(), kin, answers(patience));
        let hosts = if way == Way::Whole { hosts.by_pooler() } else { hosts };
        let pool = Pool::to(hosts, patience.one_lock());
        Some(Self { pool, gets: Gets::default(), own: Own::default(), state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a read must find, besides the mark of its stamp; `None` if only the primary is sure to have it.
    pub(crate) fn needed(&self, stamp: Option<Mark>) -> Option<Needed> {
        let mut needed = self.own.needed()?;
        if let Some(mark) = stamp {
            needed.and(mark);
        }
        Some(needed)
    }
}

/// How long a replica may take.
pub(crate) fn answers(patience: Patience) -> Duration {
    ANSWERS.min(patience.one_try())
}

/// Answers a read set, if a replica may and can; else it is the primary's to answer.
pub(crate) async fn read(desk: &Arc<Desk>, replicas: &Replicas, set: &ReadSet) -> Option<Answers> {
    // Numbers are sequences, which a standby has as far as the log goes: some numbers ahead.
    if set.current || set.feed.is_some() || set.used.is_some() || set.numbers {
        return None;
    }
    let stamp = match &set.at_least {
        None => None,
        Some(stamp) => Some(Mark::of_stamp(stamp)?),
    };
    let since = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let needs = !replicas.needed(stamp)?.is_nothing();
        let may = replicas.state().may(Instant::now(), needs);
        if may == May::Not {
            return None;
        }
        let era = replicas.pool.era();
        let asked = timeout(answers(desk.patience), read::at_replica(desk, replicas, set, stamp)).await;
        match asked {
            Ok(Ok(Some(answers))) => {
                replicas.state().answered(needs);
                return Some(answers);
            }
            Ok(Ok(None)) if may == May::Wait && since.elapsed() + pause < LAG => {
                sleep(pause).await;
                pause *= 2;
            }
            Ok(Ok(None)) => {
                let mut state = replicas.state();
                state.answered(false);
                // What somebody's stamp stands for may be nowhere any more, which says nothing of the replica.
                if stamp.is_none() {
                    state.behind = Some(Instant::now() + CATCHES_UP);
                }
                return None;
            }
            Ok(Err(fault)) => {
                match (&fault, fault.kind()) {
                    // What is wrong with the question, or with a row, the primary says as well.
                    (Fault::Desk(_), _) => replicas.state().answered(false),
                    // It had to show what this read stood in the way of.
                    (_, Some(Kind::Crossed)) => {}
                    (_, kind) => {
                        if kind == Some(Kind::Lost) {
                            replicas.pool.forget(era);
                        }
                        replicas.state().failed(Instant::now(), may);
                    }
                }
                return None;
            }
            Err(_) => {
                replicas.pool.forget(era);
                replicas.state().failed(Instant::now(), may);
                return None;
            }
        }
    }
}
