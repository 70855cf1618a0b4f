//! Calls are sent again when they meet a fault that may pass: a connection that broke, a server that restarts, a primary
//! that was replaced, somebody who got in between. Between two tries is a pause, longer each time and never the same for
//! all, and everything together ends within the desk's patience.
//!
//! # A command happens at most once
//!
//! **Known not to have happened**: whatever fails before the server is asked to commit. Its connection is gone or rolled
//! back, and nobody will ask it to commit any more. The command is sent again, as if for the first time.
//!
//! **Not known**: the server was asked to commit, and did not answer. The command is sent again as well, since it can't
//! happen twice: it makes rows of ids that must be new, and writes others at versions that must stand. So the second try is
//! refused if the first one happened. A refusal alone does not tell the two apart, so then history is asked whether it has
//! the command's own entries ([`remembers`]). If it has, the command is answered with success, and with the numbers that
//! its rows have.
//!
//! What if the first try is **still under way** on the server while the second one looks? It holds the locks of all that it
//! writes, relies on and names, as the server was asked to commit it only after the last of its statements. Of each way in
//! which the second try can be answered:
//!
//! * It is **done**. Then the first one was not, and won't be: both write the same rows, and of two who make a row, or
//!   write it at one version, the server commits one.
//! * A **conflict** (a row is at another version, or is there already), be it written or relied on. Whoever moved the row
//!   on has committed. If that was the first try, it has ended, and history, which is asked in a later statement, has its
//!   entries. If it was somebody else, they did it before the first try had its lock on the row, or after it let go of it:
//!   the first try has ended, or will end in the same conflict. Versions never go back, so that won't change.
//! * **Any other refusal**: a value that another row has, a parent that is gone, children that are there, a desk that
//!   has its first admin, an idempotency key that stands for another command. What refuses was committed by somebody, and the
//!   locks of the first try (on the parents, on the values, on the tables that must be empty, on the key) would have kept
//!   them out. So the first try has ended, and history tells how.
//! * It **waits** for the locks of the first try. The server lets go of them when it has done what it was asked, or finds
//!   that nobody is there any more: at the latest when it has waited as long for a lock, or for the next statement of a
//!   transaction, as one try may ([`Patience::one_try`]), which each command tells it when it begins.
//!
//! Where the command is one statement that commits itself, the first try may not have its locks yet when the second one
//! looks, and what is said of "any other refusal" does not hold. Such a call takes a lock of its own before all others,
//! [`fence`], and whoever sends its command again waits for that.
//!
//! **What is recognised is as durable as what is acknowledged.** A command that is committed on the server's own disk, but
//! not on its synchronous standby yet, is seen by nobody; yet a server that crashed just then shows it when it is up again.
//! So recognising is a transaction that writes to the server's log, which commits behind it, and waits for the standby as well.
//!
//! # Reads
//!
//! They change nothing, so they are sent again likewise. So are trimming and giving positions: what was done is not found
//! to be done again.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::time::Duration;

use bsm_core::model::{HistoryEntry, Key, Version};
use bsm_core::store::{ChangeSet, Committed, Write};
use bsm_core::{Error, Result};
use sqlx::PgConnection;
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use crate::fault::{Fault, Kind};
use crate::mark::Mark;
use crate::pool::Pool;
use crate::store::Desk;
use crate::{commit, fetch, history};

/// How often a command is tried when others get in between. Each time at least one of those is done.
const ATTEMPTS: usize = 8;

/// The pause before the second try.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The least time that the server is given to commit, however late it was asked.
const LEAST_TO_COMMIT: Duration = Duration::from_secs(1);

/// The part of a call's patience that one try may take.
const TRIES: u32 = 3;

/// How long calls wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    /// For all tries of a call together.
    pub(crate) call: Duration,
}

impl Patience {
    /// Where nobody says otherwise: longer than a server takes to restart, and than most failovers.
    pub(crate) const DEFAULT: Self = Self { call: Duration::from_secs(30) };

    /// How long the server may say nothing within one try. From a connection over which nothing comes any more, that can't
    /// be told from a server that waits for somebody else.
    pub(crate) fn one_try(self) -> Duration {
        self.call / TRIES
    }

    /// How long a command waits for one lock: less, so that it is told what it waited for.
    pub(crate) fn one_lock(self) -> Duration {
        self.one_try() * 3 / 4
    }
}

/// A try that the caller made, and what came of it.
#[derive(Debug)]
pub(crate) struct Tried {
    /// How it failed.
    pub(crate) fault: Fault,
    /// The lock that it took before all others, if it was one statement that commits itself.
    pub(crate) fence: Option<Uuid>,
}

/// What came of a command that happened.
#[derive(Debug)]
pub(crate) enum Happened {
    /// The server answered that this try has committed it: it comes behind all that was acknowledged before.
    Now(Committed),
    /// It had been committed by then, nobody knows when.
    Before(Committed),
}

/// Checks and applies all of `change`, or nothing of it, in as many tries as it takes and there is time for. `before` is one
/// that was made before, in another way.
///
/// # Errors
/// What the desk refuses; else what [`crate::fault`] tells of the last try, or [`Error::OutcomeUnknown`] if one of them may
/// have happened, and none after it told.
pub(crate) async fn command(desk: &Desk, change: &ChangeSet, before: Option<Tried>) -> Result<Happened> {
    let mut tries = Tries::new(&desk.pool, desk.patience);
    let fence = before.as_ref().and_then(|tried| tried.fence);
    if let Some(Tried { fault, .. }) = before
        && !tries.go_on(&fault).await
    {
        return Err(fault.of_command(&desk.name, change));
    }
    loop {
        let (until, era) = (tries.until(), desk.pool.era());
        let mut outcome = commit::once(desk, change, fence, until).await;
        let refused = match &outcome {
            Ok(committed) => committed.repeated.is_some(),
            Err(fault) => matches!(fault, Fault::Desk(_)) || (fault.got_between() && tries.crossed + 1 >= ATTEMPTS),
        };
        if refused && tries.unknown.is_some() {
            match within(tries.until(), recognised(desk, change)).await {
                Ok(Some(committed)) => return Ok(Happened::Before(committed)),
                // Another try decides again: this one's refusal is as old as the look was long.
                Err(fault) => outcome = Err(fault),
                Ok(None) => tries.unknown = None,
            }
        }
        let fault = match outcome {
            Ok(committed) if committed.repeated.is_some() => return Ok(Happened::Before(committed)),
            Ok(committed) => return Ok(Happened::Now(committed)),
            Err(fault) => fault,
        };
        tries.era = era;
        if !tries.go_on(&fault).await {
            return Err(tries.last_word(fault.of_command(&desk.name, change), &desk.name));
        }
    }
}

/// Answers a question that changes nothing, or nothing that a second try would do twice.
pub(crate) async fn read<T, A>(desk: &Desk, ask: impl FnMut() -> A) -> Result<T>
where
    A: Future<Output = std::result::Result<T, Fault>>,
{
    read_within(&desk.pool, &desk.name, desk.patience, ask).await
}

/// The same for what takes as long as it takes, over a connection that is a session. It is asked again only for as long as
/// the desk's patience lasts.
pub(crate) async fn long<T, A>(desk: &Desk, mut ask: impl FnMut() -> A) -> std::result::Result<T, Fault>
where
    A: Future<Output = std::result::Result<T, Fault>>,
{
    let mut tries = Tries::new(&desk.sessions, desk.patience);
    loop {
        tries.era = desk.sessions.era();
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(fault) if tries.go_on(&fault).await => {}
            Err(fault) => return Err(fault),
        }
    }
}

/// The same as [`read`], of a store of this name, and within less or more patience than the desk's.
pub(crate) async fn read_within<T, A>(
    pool: &Pool,
    store: &str,
    patience: Patience,
    mut ask: impl FnMut() -> A,
) -> Result<T>
where
    A: Future<Output = std::result::Result<T, Fault>>,
{
    let mut tries = Tries::new(pool, patience);
    loop {
        tries.era = pool.era();
        let fault = match within(tries.until(), ask()).await {
            Ok(answer) => return Ok(answer),
            Err(fault) => fault,
        };
        if !tries.go_on(&fault).await {
            // It may be done once more, so nobody has to know whether it was.
            let fault = if let Fault::AtCommit(error) = fault { Fault::Server(error) } else { fault };
            return Err(fault.into_error(store));
        }
    }
}

/// Bounds what the server may take. What is dropped then is of no more use, and its connection is looked after.
pub(crate) async fn within<T>(
    until: Instant,
    asked: impl Future<Output = std::result::Result<T, Fault>>,
) -> std::result::Result<T, Fault> {
    timeout_at(until, asked).await.unwrap_or_else(|_| Err(Fault::Server(silence())))
}

/// Bounds what the server may take to commit.
pub(crate) async fn committing(
    until: Instant,
    asked: impl Future<Output = std::result::Result<(), sqlx::Error>>,
) -> std::result::Result<(), Fault> {
    let until = until.max(Instant::now() + LEAST_TO_COMMIT);
    timeout_at(until, asked).await.unwrap_or_else(|_| Err(silence())).map_err(Fault::AtCommit)
}

fn silence() -> sqlx::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the server did not answer in time").into()
}

/// Waits until a call that took this lock before all others has ended, whatever came of it.
pub(crate) async fn fence(desk: &Desk, connection: &mut PgConnection, call: Uuid) -> std::result::Result<(), Fault> {
    let lock = "SELECT pg_advisory_xact_lock_shared(hashtextextended('bsm call ' || $1::text, 0))";
    desk.names.statement(lock).query().bind(call).execute(connection).await?;
    Ok(())
}

/// The tries of one call.
struct Tries<'p> {
    pool: &'p Pool,
    patience: Patience,
    deadline: Instant,
    pause: Duration,
    /// Which connections the last try used.
    era: u64,
    /// How often others got in between.
    crossed: usize,
    /// What was said of a try that may have happened.
    unknown: Option<String>,
}

impl<'p> Tries<'p> {
    fn new(pool: &'p Pool, patience: Patience) -> Self {
        let deadline = Instant::now() + patience.call;
        Self { pool, patience, deadline, pause: FIRST_PAUSE, era: pool.era(), crossed: 0, unknown: None }
    }

    /// Until when the next try may take.
    fn until(&self) -> Instant {
        self.deadline.min(Instant::now() + self.patience.one_try())
    }

    /// Notes how a try failed, and pauses before the next. False if there is to be none.
    async fn go_on(&mut self, fault: &Fault) -> bool {
        if let (Fault::AtCommit(error), false) = (fault, fault.outcome_is_known()) {
            self.unknown = Some(error.to_string());
        }
        match fault.kind() {
            Some(Kind::Lost) => self.pool.forget(self.era),
            Some(Kind::Taken) => {}
            Some(Kind::Crossed) => {
                self.crossed += 1;
                return self.crossed < ATTEMPTS && Instant::now() < self.deadline;
            }
            Some(Kind::TookTooLong | Kind::Corrupted | Kind::Closed | Kind::Lasting) | None => return false,
        }
        let pause = between_half_and(self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        // A wait that would be cut short could not tell what it waited for, as this one did.
        let waits = if fault.kind() == Some(Kind::Taken) { self.patience.one_lock() } else { Duration::ZERO };
        if Instant::now() + pause + waits >= self.deadline {
            return false;
        }
        sleep(pause).await;
        true
    }

    /// The error of a call that is given up.
    fn last_word(self, error: Error, store: &str) -> Error {
        match self.unknown {
            // What the last try said may tell why none came through, but what is told is the one that counts.
            Some(said) if !matches!(error, Error::OutcomeUnknown { .. }) => {
                let why = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
                let source = format!("a try may have happened ({said}), and no later one could tell: {why}");
                Error::OutcomeUnknown { store: store.to_owned(), source: source.into() }
            }
            _ => error,
        }
    }
}

/// A pause of at least half of this one, so that those who fail together don't come back together.
fn between_half_and(pause: Duration) -> Duration {
    let nanos = u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX);
    let half = nanos / 2;
    // A hasher that is made anew is seeded by the system.
    Duration::from_nanos(half + RandomState::new().hash_one(nanos) % (nanos - half).max(1))
}

/// What a command was answered with that had happened, if history has it.
async fn recognised(desk: &Desk, change: &ChangeSet) -> std::result::Result<Option<Committed>, Fault> {
    let mut transaction = desk.begin_with(&desk.begin).await?;
    if !remembers(desk, &mut transaction, change).await? {
        drop(transaction.rollback().await);
        return Ok(None);
    }
    let numbers = numbers(desk, &mut transaction, change).await?;
    // A transaction that writes to the log is committed as durably as any other, behind all that it saw. (One that only has a
    // number waits for nothing.)
    sqlx::raw_sql("SELECT pg_logical_emit_message(true, 'bsm', '')::text").execute(&mut *transaction).await?;
    // Whether this was committed is nobody's concern but its own durability's.
    transaction.commit().await?;
    Ok(Some(Committed { stamp: Mark::stamp(Mark::of(change)), numbers, repeated: None }))
}

/// Whether history has the entries of this change set as they were to be written. It must have some.
///
/// Entries are compared as a whole, until they carry what tells one command from another.
async fn remembers(desk: &Desk, connection: &mut PgConnection, change: &ChangeSet) -> std::result::Result<bool, Fault> {
    // Of two entries for one version of a row the last stays.
    let written: HashMap<(Key, Version), &HistoryEntry> =
        change.history.iter().map(|entry| ((entry.key, entry.version), entry)).collect();
    let asked: Vec<(Key, Version)> = written.keys().copied().collect();
    let found = history::entries(desk, connection, &asked).await?;
    Ok(!written.is_empty() && written.iter().all(|(place, entry)| found.get(place) == Some(*entry)))
}

/// The numbers of the rows that a command made, in the order of its writes; of rows that are gone since, none.
async fn numbers(
    desk: &Desk,
    connection: &mut PgConnection,
    change: &ChangeSet,
) -> std::result::Result<Vec<(Key, u32)>, Fault> {
    let made = change.writes.iter().filter_map(|write| match write {
        Write::Insert(row) if row.entity().is_numbered() => Some(row.key()),
        _ => None,
    });
    let made: Vec<Key> = made.collect();
    let rows = fetch::rows(desk, connection, made.iter().copied()).await?;
    Ok(made.into_iter().filter_map(|key| Some((key, rows.get(&key)?.number()?))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_differ_and_stay_between_half_and_whole() {
        let whole = Duration::from_millis(10);
        let pauses: Vec<Duration> = (0..50).map(|_| between_half_and(whole)).collect();
        assert!(pauses.iter().all(|pause| *pause >= whole / 2 && *pause < whole), "{pauses:?}");
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        assert_eq!(between_half_and(Duration::ZERO), Duration::ZERO);
    }
}
