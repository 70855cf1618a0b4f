//! Where the servers of a desk are, and how a connection to the one that takes writes is made.
//!
//! An address may name several servers, of which one is the primary and the others its standbys. Each that is asked says
//! itself which it is; the one that took writes last is asked first. What is asked and answered here holds for one moment:
//! a server may be demoted later, and then refuses what is written to it, by [`Fault`](crate::fault::Fault)s that make the
//! next try look again.
//!
//! Of two servers that both say that they are the primary, the one that stands first in the address is taken, and one that
//! was taken is kept while it answers. Whoever promotes a standby must see to it that the old primary is gone.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection, Row as _};

use crate::names::Statement;
use tokio::time::timeout;

use crate::fault;

/// How long one server may take until a connection to it is ready.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

/// What is asked of each new connection: whether the server takes no writes, since it is a standby or was told so.
///
/// And that the server notices within a minute if this process's machine, or the way to it, is gone, and lets go of what a
/// command held there. Linux by itself takes more than two hours. (It tells 0 of a connection that has no such thing.)
const GREETING: &str = "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean, \
     (SELECT set_config('tcp_keepalives_idle', '30', false) || set_config('tcp_keepalives_interval', '10', false) \
     || set_config('tcp_keepalives_count', '3', false) WHERE current_setting('tcp_keepalives_idle')::integer > 30)";

/// The same of a connection that a pooler gives to others between two messages: nothing is set that they would find.
const GREETING_BY_POOLER: &str =
    "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean";

/// How a replica of a desk is told from a server that has another one, or none.
pub(crate) struct Kin {
    /// Asks for a text.
    pub(crate) asks: Statement,
    /// What a replica answers.
    pub(crate) expects: String,
}

/// The servers of a desk, at least one. They may hold a password, so there is no `Debug` form.
pub(crate) struct Hosts {
    first: PgConnectOptions,
    others: Vec<PgConnectOptions>,
    /// Which of them took writes last; of replicas, which is next.
    last: AtomicUsize,
    /// Whether they are replicas, of which each is as good as the others.
    kin: Option<Kin>,
    /// How long each of them may take until a connection to it is ready.
    patience: Duration,
    /// What is asked of each new connection.
    greeting: &'static str,
}

impl Hosts {
    /// The servers in the order in which they are asked.
    pub(crate) fn new(first: PgConnectOptions, others: Vec<PgConnectOptions>) -> Self {
        // Statements aren't logged, nor are slow ones: what is slow here waits for others' locks, and calls have spans of
        // their own. It saves their formatting, and no text of ours can bring anything into a log.
        let quiet = PgConnectOptions::disable_statement_logging;
        let others = others.into_iter().map(quiet).collect();
        Self {
            first: quiet(first),
            others,
            last: AtomicUsize::new(0),
            kin: None,
            patience: CONNECT_PATIENCE,
            greeting: GREETING,
        }
    }

    /// Replicas, to which connections are made by turns. A read waits so long for all of them, so that each has a part of it:
    /// one that is out of reach leaves time for the next.
    pub(crate) fn of_kin(first: PgConnectOptions, others: Vec<PgConnectOptions>, kin: Kin, all: Duration) -> Self {
        let hosts = Self::new(first, others);
        let count = u32::try_from(hosts.iter().count()).unwrap_or(u32::MAX);
        Self { kin: Some(kin), patience: CONNECT_PATIENCE.min(all / count), ..hosts }
    }

    /// The same, reached through poolers that give a connection of the server's to others between two messages.
    pub(crate) fn by_pooler(self) -> Self {
        // sqlx asks for exact floats when it connects, which we have no use for, and which PgBouncer refuses to be asked.
        let plain = |server: PgConnectOptions| server.extra_float_digits(None);
        let others = self.others.into_iter().map(plain).collect();
        Self { first: plain(self.first), others, greeting: GREETING_BY_POOLER, ..self }
    }

    /// All of them, as they were given.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &PgConnectOptions> {
        std::iter::once(&self.first).chain(&self.others)
    }

    fn at(&self, place: usize) -> &PgConnectOptions {
        place.checked_sub(1).and_then(|place| self.others.get(place)).unwrap_or(&self.first)
    }

    /// A new connection, to the server that takes writes, or to the next replica. A server that is the only one is taken as it
    /// is.
    pub(crate) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let count = 1 + self.others.len();
        let last = match self.kin {
            None => self.last.load(Ordering::Relaxed),
            Some(_) => self.last.fetch_add(1, Ordering::Relaxed) % count,
        };
        let mut failed: Option<sqlx::Error> = None;
        for step in 0..count {
            let place = (last + step) % count;
            let connected = timeout(self.patience, self.connect_to(self.at(place)));
            let error = match connected.await {
                Ok(Ok(connection)) => {
                    if self.kin.is_none() {
                        self.last.store(place, Ordering::Relaxed);
                    }
                    return Ok(connection);
                }
                Ok(Err(error)) => error,
                Err(_) => io::Error::new(io::ErrorKind::TimedOut, "the server does not answer").into(),
            };
            // Of several failures the one is told that may pass.
            if failed.as_ref().is_none_or(|failed| !fault::may_pass(failed)) {
                failed = Some(error);
            }
        }
        Err(failed.unwrap_or(sqlx::Error::PoolTimedOut))
    }

    async fn connect_to(&self, server: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
        let mut connection = server.connect().await?;
        let takes_none = sqlx::raw_sql(self.greeting).fetch_one(&mut connection).await?.try_get(0)?;
        match &self.kin {
            None if takes_none && !self.others.is_empty() => return Err(takes_no_writes()),
            None => {}
            Some(kin) => {
                let said: Option<String> = kin.asks.query().fetch_one(&mut connection).await?.try_get(0)?;
                if said.as_ref() != Some(&kin.expects) {
                    return Err(io::Error::new(io::ErrorKind::NotFound, "the server is no replica of this desk").into());
                }
            }
        }
        Ok(connection)
    }
}

/// The failure of a server that was to be written to, and is a standby.
pub(crate) fn takes_no_writes() -> sqlx::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the server takes no writes: it is not the primary").into()
}
