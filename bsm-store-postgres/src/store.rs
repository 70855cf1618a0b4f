//! The store: what the desk's portals hold. It opens a desk, and passes commands and reads to the rooms that do them.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bsm_core::model::{Timestamp, UserId};
use bsm_core::store::{
    Answers, Capabilities, ChangeSet, Committed, FeedPlace, ImportMark, ImportStep, Place, ReadSet, Store, UNFINISHED,
    Verification,
};
use bsm_core::{Error, Result, Source};
use sqlx::postgres::PgPoolOptions;
use sqlx::{PgPool, Postgres, Row as _, Transaction};
use tokio::sync::SemaphorePermit;

use crate::address::{self, Address};
use crate::fault::{Fault, closed};
use crate::gate::Gate;
use crate::import::{self, Import};
use crate::names::Names;
use crate::poll::{self, Lead};
use crate::reach::Reach;
use crate::{commit, feed, history, migrate, read, remember, verify, write};

/// How many connections a store of its own opens at most.
const CONNECTIONS: u32 = 16;

/// How long a call waits for a connection before it fails.
const CONNECTION_PATIENCE: Duration = Duration::from_secs(10);

/// Begins a command. Isolation comes from locks; what refers to each other is checked when all is written.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET CONSTRAINTS ALL DEFERRED";

/// The same where the server's settings would acknowledge commits that are not on disk yet.
const BEGIN_SYNCED: &str =
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET CONSTRAINTS ALL DEFERRED; SET LOCAL synchronous_commit = on";

/// What every room of the crate needs of an open desk.
pub(crate) struct Desk {
    pub(crate) pool: PgPool,
    pub(crate) names: Names,
    /// What it is called in errors: never with a password.
    pub(crate) name: String,
    /// Begins a command.
    pub(crate) begin: &'static str,
    pub(crate) writes: write::Statements,
    pub(crate) remembers: remember::Statements,
    pub(crate) reads: read::Statements,
    pub(crate) histories: history::Statements,
    pub(crate) feeds: feed::Statements,
    pub(crate) positions: feed::position::Statements,
    pub(crate) trims: feed::trim::Statements,
    pub(crate) polls: poll::Statements,
    pub(crate) imports: import::Statements,
}

impl Desk {
    /// Begins a transaction, on a task of its own. One that is dropped rolls back; but a beginning whose future is dropped
    /// would not: sqlx gives the connection back with what the server has begun by then, and the next call runs within it.
    pub(crate) async fn begin_with(&self, how: &'static str) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let pool = self.pool.clone();
        let begun = tokio::spawn(async move { pool.begin_with(how).await });
        begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    pub(crate) fn unsupported(&self, what: &'static str) -> Error {
        Error::Unsupported { store: self.name.clone(), what }
    }

    pub(crate) fn unavailable(&self, source: impl Into<Source>) -> Error {
        Error::Unavailable { store: self.name.clone(), source: source.into() }
    }

    pub(crate) fn damaged(&self, detail: String) -> Error {
        Error::Damaged { store: self.name.clone(), detail }
    }
}

/// A [`Store`] in a schema of a `PostgreSQL` database.
///
/// Any number of processes may have the same desk open. Several desks may lie in one database, each in its schema.
/// Dropping a store leaves the calls under way to their callers, and closes its connections when they are done.
///
/// ```no_run
/// use bsm_core::store::{ReadSet, Store};
/// use bsm_store_postgres::PostgresStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> bsm_core::Result<()> {
/// let store = PostgresStore::connect("postgres://bsm:secret@localhost/desks?schema=acme").await?;
/// assert_eq!(store.to_string(), "postgres://localhost:5432/desks?schema=acme");
/// store.read(ReadSet::default()).await?;
/// store.close().await?;
/// # Ok(())
/// # }
/// ```
pub struct PostgresStore {
    pub(crate) desk: Desk,
    /// Who waits for the feed to go on.
    pub(crate) reach: Reach,
    /// Who of them looks.
    pub(crate) lead: Lead,
    pub(crate) import: Import,
    gate: Gate,
    durable: bool,
    /// Whether the pool is ours to close.
    owns_pool: bool,
}

impl PostgresStore {
    /// Opens the desk at `url`, or makes one in an empty or absent schema. Takes a few round trips.
    ///
    /// `postgres://user:password@host:port/database?schema=acme`; the schema is `bsm` if none is named, and is of lower-case
    /// letters, digits and underscores. Other options are those of sqlx, such as `sslmode=require`.
    ///
    /// # Errors
    /// [`Error::InvalidAddress`]; [`Error::Unavailable`] if the server can't be reached or refuses;
    /// [`Error::UnknownFormat`] if the schema was made by a newer release, or has tables of other makers.
    pub async fn connect(url: &str) -> Result<Self> {
        let Address { server, schema } = Address::parse(url)?;
        let names = Names::new(&schema)?;
        let name = address::display(&server, &schema);
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(CONNECTION_PATIENCE);
        let pool = pool.connect_with(server).await;
        let pool = pool.map_err(|error| Fault::Server(error).into_error(&name))?;
        Self::open(pool, names, name, true).await
    }

    /// Opens the desk in `schema` of the database that `pool` is connected to, or makes one.
    ///
    /// Closing the store leaves the pool open. A command needs one connection, a read one.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn from_pool(pool: PgPool, schema: &str) -> Result<Self> {
        let names = Names::new(schema)?;
        let name = address::display(&pool.connect_options(), schema);
        Self::open(pool, names, name, false).await
    }

    async fn open(pool: PgPool, names: Names, name: String, owns_pool: bool) -> Result<Self> {
        migrate::migrate(&pool, &names, &name).await?;
        let settings =
            sqlx::query("SELECT current_setting('fsync') = 'on', current_setting('synchronous_commit') = 'off'");
        let settings = settings.fetch_one(&pool).await.and_then(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        let (durable, relaxed): (bool, bool) = settings.map_err(|error| Fault::Server(error).into_error(&name))?;
        let desk = Desk {
            writes: write::Statements::new(|text| names.statement(text)),
            remembers: remember::Statements::new(|text| names.statement(text)),
            reads: read::Statements::new(|text| names.statement(text)),
            histories: history::Statements::new(|text| names.statement(text)),
            feeds: feed::Statements::new(|text| names.statement(text)),
            positions: feed::position::Statements::new(|text| names.statement(text)),
            trims: feed::trim::Statements::new(|text| names.statement(text)),
            polls: poll::Statements::new(|text| names.statement(text)),
            imports: import::Statements::new(&names),
            begin: if relaxed { BEGIN_SYNCED } else { BEGIN },
            pool,
            names,
            name,
        };
        let (reach, lead, import) = (Reach::default(), Lead::default(), Import::default());
        Ok(Self { desk, reach, lead, import, gate: Gate::default(), durable, owns_pool })
    }

    /// Lets a call through, if the store is open and not shut by an import.
    pub(crate) async fn pass(&self) -> Result<SemaphorePermit<'_>> {
        let pass = self.pass_always().await?;
        if self.import.is_under_way() {
            return Err(Error::ImportUnfinished { store: self.desk.name.clone() });
        }
        Ok(pass)
    }

    /// Lets a call through, if the store is open.
    pub(crate) async fn pass_always(&self) -> Result<SemaphorePermit<'_>> {
        self.gate.pass().await.ok_or_else(|| closed(self.desk.name.clone()))
    }
}

impl fmt::Display for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.desk.name)
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresStore").field(&self.desk.name).finish()
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn capabilities(&self) -> Capabilities {
        let least = Capabilities::least().shared().trims().imports();
        if self.durable { least.durable() } else { least }
    }

    async fn commit(&self, change: ChangeSet) -> Result<Committed> {
        let _pass = self.pass().await?;
        let committed = commit::commit(&self.desk, &change).await?;
        if committed.repeated.is_none() {
            self.reach.went_on(&feed::subjects(&change.history));
        }
        Ok(committed)
    }

    async fn read(&self, set: ReadSet) -> Result<Answers> {
        let _pass = self.pass().await?;
        read::read(&self.desk, &set).await.map_err(|fault| fault.into_error(&self.desk.name))
    }

    async fn wait(&self, customer: Option<UserId>, after: FeedPlace) -> Result<()> {
        poll::wait(self, customer, after).await
    }

    async fn trim(&self, before: Timestamp, most: usize) -> Result<usize> {
        let _pass = self.pass().await?;
        let trimmed = feed::trim::trim(&self.desk, before, most).await;
        trimmed.map_err(|fault| fault.into_error(&self.desk.name))
    }

    async fn import(&self, step: ImportStep) -> Result<ImportMark> {
        let _pass = self.pass_always().await?;
        import::step(self, step).await
    }

    async fn verify(&self) -> Result<Verification> {
        let _pass = self.pass_always().await?;
        let mut found = verify::verify(&self.desk).await.map_err(|fault| fault.into_error(&self.desk.name))?;
        if self.import.is_under_way() {
            found.differs(Place::Own("import".to_owned()), UNFINISHED);
        }
        Ok(found)
    }

    async fn health(&self) -> Result<()> {
        let _pass = self.pass().await?;
        migrate::check(&self.desk.pool, &self.desk.names, &self.desk.name).await
    }

    async fn close(&self) -> Result<()> {
        self.gate.shut();
        self.reach.close();
        // An import keeps others waiting, so it goes first; and once more, should one have begun just then.
        self.import.give_up().await;
        self.gate.close().await;
        self.import.give_up().await;
        if self.owns_pool {
            self.desk.pool.close().await;
        }
        Ok(())
    }
}
