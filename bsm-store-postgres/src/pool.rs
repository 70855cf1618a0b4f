//! Connections that are kept for the next call: ours, or those of a host's pool.
//!
//! **A connection goes back at once if its call was done with it, and is looked after first if not.** Whoever has come to
//! the end of what they asked says [`done`](Lease::done). One that is dropped before, with its caller, by an error or by a
//! bound on its time, may have sent half a message, have answers coming, or stand within a transaction; a task of its own
//! then brings it to its end, [`LOOKED_AFTER`] long, and closes it if that does not work. So no call finds what another has
//! left, and nothing has to be asked when a connection is taken: a ping would cost a small call half of its throughput. One
//! that died meanwhile is met by the call, which is sent again ([`crate::retry`]).
//!
//! sqlx' own pool is not used for our connections. It asks each one that comes back whether it is alive, one more way to the
//! server and back; asks for ever if nothing comes; gives back a connection within a transaction whose beginning was
//! dropped; and after a failover its idle ones would have to be met one by one. A host's pool is one of sqlx, and stays as
//! the host made it, but what was not done is looked after here as well.

use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool, Postgres};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::connect::{Hosts, takes_no_writes};
use crate::fault::{self, NOT_SUPPORTED};

/// How many connections a store of its own opens at most.
const CONNECTIONS: u32 = 16;

/// How long a connection that was dropped amid its work may take to come to an end.
const LOOKED_AFTER: Duration = Duration::from_secs(2);

/// How long a connection lies unused before it is closed.
const IDLE_MOST: Duration = Duration::from_mins(10);

/// How old a connection gets, so that a server's memory for it does not grow for ever.
const AGE_MOST: Duration = Duration::from_hours(1);

/// Where calls get connections from.
#[derive(Clone)]
pub(crate) enum Pool {
    /// Our own.
    Ours(Arc<Ours>),
    /// A host's, who may use it for other things.
    Theirs(PgPool),
}

/// Connections that we made.
pub(crate) struct Ours {
    hosts: Hosts,
    /// How long a call waits for a connection that others have.
    patience: Duration,
    permits: Arc<Semaphore>,
    idle: Mutex<Idle>,
}

/// Connections that wait for a call.
#[derive(Default)]
struct Idle {
    /// The one that was used last is at the end, and is used next.
    kept: VecDeque<Kept>,
    /// Connections of other eras are not used again.
    era: u64,
    closed: bool,
}

/// A connection, and what is known of it.
struct Kept {
    connection: PgConnection,
    made: Instant,
    used: Instant,
    era: u64,
}

impl Pool {
    /// A pool of connections to the one of these servers that takes writes, for which calls wait so long. Connects to none
    /// yet.
    pub(crate) fn to(hosts: Hosts, patience: Duration) -> Self {
        let permits = Arc::new(Semaphore::new(CONNECTIONS as usize));
        Self::Ours(Arc::new(Ours { hosts, patience, permits, idle: Mutex::default() }))
    }

    /// A connection, for as long as it is held. Costs nothing but a lock if one is free, and is not asked whether it lives.
    ///
    /// # Errors
    /// [`sqlx::Error::PoolTimedOut`], [`sqlx::Error::PoolClosed`], or why no connection can be made.
    pub(crate) async fn acquire(&self) -> Result<Lease, sqlx::Error> {
        let held = match self {
            Self::Theirs(pool) => Held::Theirs(pool.acquire().await?),
            Self::Ours(ours) => {
                let permit = timeout(ours.patience, Arc::clone(&ours.permits).acquire_owned()).await;
                let permit = permit.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
                Held::Ours { kept: ours.take().await?, permit, ours: Arc::clone(ours) }
            }
        };
        Ok(Lease { held: Some(held), within: false })
    }

    /// Begins a transaction by `how`, text of our own. One that is dropped rolls back, as does one whose beginning is.
    pub(crate) async fn begin_with(&self, how: &str) -> Result<Transaction, sqlx::Error> {
        let mut lease = self.acquire().await?;
        // Said before it is so.
        lease.within = true;
        let begun = sqlx::raw_sql(AssertSqlSafe(how.to_owned())).execute(&mut *lease).await;
        match begun {
            Ok(_) => Ok(Transaction(lease)),
            // How a standby refuses a transaction that is to write.
            Err(error) if fault::code(&error).is_some_and(|code| code == NOT_SUPPORTED) => Err(takes_no_writes()),
            Err(error) => Err(error),
        }
    }

    /// Names the connections that are kept now, for [`forget`](Self::forget).
    pub(crate) fn era(&self) -> u64 {
        match self {
            Self::Ours(ours) => ours.idle().era,
            Self::Theirs(_) => 0,
        }
    }

    /// Lets go of the connections that were kept in `era`: one of them broke, and so may the others have.
    pub(crate) fn forget(&self, era: u64) {
        let Self::Ours(ours) = self else { return };
        let gone = {
            let mut idle = ours.idle();
            if idle.era != era {
                return;
            }
            idle.era += 1;
            std::mem::take(&mut idle.kept)
        };
        drop(gone);
    }

    /// Closes the connections that are ours to close, and waits until those that are looked after are.
    pub(crate) async fn close(&self) {
        let Self::Ours(ours) = self else { return };
        let kept = {
            let mut idle = ours.idle();
            idle.closed = true;
            std::mem::take(&mut idle.kept)
        };
        for Kept { connection, .. } in kept {
            drop(timeout(LOOKED_AFTER, connection.close()).await);
        }
        drop(timeout(LOOKED_AFTER, ours.permits.acquire_many(CONNECTIONS)).await);
        ours.permits.close();
    }
}

impl Ours {
    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that is kept, or a new one.
    async fn take(&self) -> Result<Kept, sqlx::Error> {
        let era = {
            let mut idle = self.idle();
            if idle.closed {
                return Err(sqlx::Error::PoolClosed);
            }
            if let Some(kept) = idle.kept.pop_back() {
                if kept.used.elapsed() < IDLE_MOST {
                    return Ok(kept);
                }
                // The others lie there for even longer.
                idle.kept.clear();
            }
            idle.era
        };
        let connection = self.hosts.connect().await?;
        let now = Instant::now();
        Ok(Kept { connection, made: now, used: now, era })
    }

    /// Keeps one for the next call, or closes it.
    fn keep(&self, mut kept: Kept) {
        let mut idle = self.idle();
        if idle.closed || kept.era != idle.era || kept.made.elapsed() > AGE_MOST {
            return;
        }
        kept.used = Instant::now();
        idle.kept.push_back(kept);
        // One at a time is enough: each call looks.
        if idle.kept.front().is_some_and(|oldest| oldest.used.elapsed() > IDLE_MOST) {
            idle.kept.pop_front();
        }
    }
}

/// A connection that a call holds.
pub(crate) struct Lease {
    /// `None` once it was given back.
    held: Option<Held>,
    /// Whether a transaction was begun, or may have been.
    within: bool,
}

enum Held {
    Ours { kept: Kept, permit: OwnedSemaphorePermit, ours: Arc<Ours> },
    Theirs(PoolConnection<Postgres>),
}

impl Held {
    fn connection(&mut self) -> &mut PgConnection {
        match self {
            Self::Ours { kept, .. } => &mut kept.connection,
            Self::Theirs(connection) => connection,
        }
    }

    /// Gives it back.
    fn keep(self) {
        match self {
            Self::Ours { kept, permit, ours } => {
                ours.keep(kept);
                drop(permit);
            }
            Self::Theirs(connection) => drop(connection),
        }
    }

    /// Closes it, without a word to the server.
    fn close(self) {
        match self {
            Self::Ours { kept, permit, .. } => {
                drop(kept);
                drop(permit);
            }
            Self::Theirs(connection) => drop(connection.detach()),
        }
    }
}

impl Lease {
    /// Gives the connection back. All that was asked over it was answered, and no transaction is open.
    pub(crate) fn done(mut self) {
        if let Some(held) = self.held.take() {
            held.keep();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut held) = self.held.take() else { return };
        let within = self.within;
        // A runtime that is gone leaves nobody to look after it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return held.close() };
        runtime.spawn(async move {
            let connection = held.connection();
            let ended = async {
                // Either waits for all that was asked before.
                if within {
                    sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await.map(drop)
                } else {
                    connection.ping().await
                }
            };
            match timeout(LOOKED_AFTER, ended).await {
                Ok(Ok(())) => held.keep(),
                _ => held.close(),
            }
        });
    }
}

impl Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self.held.as_ref().expect("it is given back only by what consumes it") {
            Held::Ours { kept, .. } => &kept.connection,
            Held::Theirs(connection) => connection,
        }
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.held.as_mut().expect("it is given back only by what consumes it").connection()
    }
}

/// A connection within a transaction. Dropped, it rolls back.
pub(crate) struct Transaction(Lease);

impl Transaction {
    /// Commits. If this fails, or is dropped, the transaction may have been committed or not.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        self.end("COMMIT").await
    }

    /// Undoes all of it.
    pub(crate) async fn rollback(self) -> Result<(), sqlx::Error> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, how: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(how).execute(&mut *self.0).await?;
        self.0.done();
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transaction")
    }
}

#[cfg(test)]
mod tests;
