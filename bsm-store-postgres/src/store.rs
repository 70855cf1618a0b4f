//! The store: what the desk's portals hold. It opens a desk, and passes commands and reads to the rooms that do them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bsm_core::model::{Timestamp, UserId};
use bsm_core::store::{
    Answers, Capabilities, ChangeSet, Committed, FeedPlace, ImportMark, ImportStep, Place, ReadSet, Store, UNFINISHED,
    Verification,
};
use bsm_core::{Error, Result, Source};
use sqlx::postgres::PgConnectOptions;
use sqlx::{PgPool, Row as _};
use tokio::sync::SemaphorePermit;

use crate::address::{self, Address, Triggers};
use crate::coalesce::Queue;
use crate::fault::{Fault, closed};
use crate::fetch::Shapes;
use crate::gate::Gate;
use crate::import::{self, Import};
use crate::names::{Names, Statement};
use crate::poll::{self, Lead};
use crate::pool::{Pool, Transaction};
use crate::query::Way;
use crate::reach::Reach;
use crate::replica::Replicas;
use crate::retry::{self, Patience};
use crate::settings::Settings;
use crate::together::Gets;
use crate::{bulk, call, commit, connect, feed, migrate, read, remember, replica, verify, write};

/// How long a server that starts is waited for when a store is opened.
const OPENING: Patience = Patience { call: Duration::from_secs(10) };

/// How long a store is given to say that it is well.
const HEALTH: Patience = Patience { call: Duration::from_secs(3) };

/// Tells a desk, and its replicas, from others: when it was made, and how far its tables were brought up to date.
const KIN: &str =
    "SELECT string_agg(extract(epoch FROM applied_at)::text, ' ' ORDER BY version) FROM {}.bsm_migrations";

/// What every room of the crate needs of an open desk.
pub(crate) struct Desk {
    pub(crate) pool: Pool,
    /// Servers that reads may go to.
    pub(crate) replicas: Option<Replicas>,
    /// Connections for what is long: the same ones, or past the pooler that those are of.
    pub(crate) sessions: Pool,
    pub(crate) patience: Patience,
    pub(crate) names: Names,
    /// What it is called in errors: never with a password.
    pub(crate) name: String,
    /// Begins whatever writes.
    pub(crate) begin: String,
    /// Begins a command: what it leaves if its connection breaks, the server ends soon by itself.
    pub(crate) begin_command: String,
    /// Whether a statement by itself is a transaction as commands need it.
    pub(crate) is_direct: bool,
    /// How long a command waits for one lock, in milliseconds.
    pub(crate) one_lock: i64,
    /// Does a call.
    pub(crate) call: Statement,
    /// Commands that wait for a call.
    pub(crate) queue: Queue,
    /// Reads by id that wait for a statement.
    pub(crate) gets: Gets,
    /// Statements for rows.
    pub(crate) shapes: Shapes,
    /// Who counts: they, or the commands.
    pub(crate) triggers: Triggers,
    pub(crate) writes: write::Statements,
    pub(crate) remembers: remember::Statements,
    pub(crate) feeds: feed::Statements,
    pub(crate) positions: feed::position::Statements,
    pub(crate) trims: feed::trim::Statements,
    pub(crate) polls: poll::Statements,
    pub(crate) imports: import::Statements,
    pub(crate) bulk: bulk::Statements,
}

impl Desk {
    /// Begins a transaction. One that is dropped rolls back, as does one whose beginning is.
    pub(crate) async fn begin_with(&self, how: &str) -> Result<Transaction, sqlx::Error> {
        self.pool.begin_with(how).await
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
    pub(crate) desk: Arc<Desk>,
    /// Who waits for the feed to go on.
    pub(crate) reach: Reach,
    /// Who of them looks.
    pub(crate) lead: Lead,
    pub(crate) import: Import,
    gate: Gate,
    durable: bool,
}

impl PostgresStore {
    /// Opens the desk at `url`, or makes one in an empty or absent schema. Takes a few round trips.
    ///
    /// `postgres://user:password@host:port/database?schema=acme`; the schema is `bsm` if none is named, and is of lower-case
    /// letters, digits and underscores. `patience=30s` says how long a call may take with all its tries, if a connection
    /// breaks or others are in its way. `triggers=off` makes a desk without triggers, for servers that lack
    /// them: see [the crate's documentation](crate#without-triggers). `read=` is the percent-encoded address of hot
    /// standbys that reads may go to: see [there](crate#replicas). `direct=` says that the address is a pooler's, and how the
    /// server itself is reached, percent-encoded: see [there](crate#poolers). Other options are those of sqlx, such as
    /// `sslmode=require`.
    ///
    /// Several servers may be named, of which one is the primary: `postgres://user:password@a:5432,b:5433/database`. Each is
    /// asked, the last one that took writes first, and again when it does not any more.
    ///
    /// # Errors
    /// [`Error::InvalidAddress`], also if the desk was made with other `triggers`, or `direct` leads to another one; [`Error::Unavailable`] if the server can't be reached or refuses;
    /// [`Error::UnknownFormat`] if the schema was made by a newer release, or has tables of other makers.
    pub async fn connect(url: &str) -> Result<Self> {
        let Address { servers, direct, schema, triggers, patience, replicas } = Address::parse(url)?;
        let way = if direct.is_some() { Way::Whole } else { Way::Prepared };
        let names = Names::new(&schema, way)?;
        let name = address::display(servers.iter(), &schema);
        let (pool, sessions) = match direct {
            None => (Pool::to(servers, patience.one_lock()), None),
            Some(direct) => {
                let direct = Pool::to(direct, patience.one_lock());
                (Pool::to(servers.by_pooler(), patience.one_lock()), Some(direct))
            }
        };
        Self::open(pool, sessions, names, name, triggers, patience, replicas).await
    }

    /// Opens the desk in `schema` of the database that `pool` is connected to, or makes one.
    ///
    /// Closing the store leaves the pool open. A command needs one connection, a read one. A desk that is made here has
    /// triggers.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn from_pool(pool: PgPool, schema: &str) -> Result<Self> {
        Self::of_hosts(pool, None, schema).await
    }

    /// The same where `pool` is connected to a pooler in transaction mode: `direct` is past it, to the server itself.
    ///
    /// What is long goes by `direct`: making the desk, an import, a recount. Statements that go through the pooler hold what
    /// they are given in their text. So let `pool` log none
    /// ([`disable_statement_logging`](sqlx::ConnectOptions::disable_statement_logging)), and ask for no float digits if the
    /// pooler refuses that ([`extra_float_digits`](sqlx::postgres::PgConnectOptions::extra_float_digits)).
    ///
    /// # Errors
    /// As [`connect`](Self::connect); [`Error::InvalidAddress`] also if the two lead to different databases.
    pub async fn from_pools(pool: PgPool, direct: PgPool, schema: &str) -> Result<Self> {
        Self::of_hosts(pool, Some(direct), schema).await
    }

    async fn of_hosts(pool: PgPool, direct: Option<PgPool>, schema: &str) -> Result<Self> {
        let way = if direct.is_some() { Way::Whole } else { Way::Prepared };
        let names = Names::new(schema, way)?;
        let server: Arc<_> = pool.connect_options();
        let name = address::display([&*server], schema);
        let direct = direct.map(Pool::Theirs);
        Self::open(Pool::Theirs(pool), direct, names, name, None, Patience::DEFAULT, Vec::new()).await
    }

    async fn open(
        pool: Pool,
        direct: Option<Pool>,
        names: Names,
        name: String,
        triggers: Option<Triggers>,
        patience: Patience,
        replicas: Vec<PgConnectOptions>,
    ) -> Result<Self> {
        let opening = if patience.call < OPENING.call { patience } else { OPENING };
        let sessions = direct.as_ref().unwrap_or(&pool).clone();
        let elsewhere = || {
            let reason = "has an option direct that leads to another database than the pooler".to_owned();
            Error::InvalidAddress { reason }
        };
        if direct.is_some() {
            // Before anything is made there.
            let meant = retry::read_within(&pool, &name, opening, || migrate::database(&pool)).await?;
            let by_direct = format!("{name} (by its direct)");
            let found = retry::read_within(&sessions, &by_direct, opening, || migrate::database(&sessions)).await?;
            if meant != found {
                return Err(elsewhere());
            }
        }
        let triggers = migrate::migrate(&sessions, &names, &name, triggers, opening).await?;
        if direct.is_some() {
            let same = retry::read_within(&pool, &name, opening, || migrate::is_same(&pool, &sessions, &names));
            if !same.await? {
                return Err(elsewhere());
            }
        }
        let settings = retry::read_within(&pool, &name, opening, || Settings::of(&pool)).await?;
        let way = names.way();
        let replicas = if replicas.is_empty() {
            None
        } else {
            let asks = names.statement(KIN);
            let expects = retry::read_within(&pool, &name, opening, || kin(&pool, &asks)).await?;
            Replicas::at(replicas, connect::Kin { asks, expects }, way, patience)
        };
        let desk = Desk {
            replicas,
            writes: write::Statements::new(|text| names.statement(text)),
            remembers: remember::Statements::new(|text| names.statement(text)),
            feeds: feed::Statements::new(|text| names.statement(text)),
            positions: feed::position::Statements::new(|text| names.statement(text)),
            trims: feed::trim::Statements::new(|text| names.statement(text)),
            polls: poll::Statements::new(|text| names.statement(text)),
            imports: import::Statements::new(&names),
            bulk: bulk::Statements::new(&names),
            begin: settings.begin(triggers, way),
            begin_command: settings.begin_command(triggers, way, patience),
            is_direct: settings.is_direct,
            one_lock: settings.one_lock(patience),
            call: names.statement(call::STATEMENT),
            queue: Queue::default(),
            gets: Gets::default(),
            shapes: Shapes::default(),
            triggers,
            pool,
            sessions,
            patience,
            names,
            name,
        };
        let (reach, lead, import) = (Reach::default(), Lead::default(), Import::default());
        Ok(Self { desk: Arc::new(desk), reach, lead, import, gate: Gate::default(), durable: settings.durable })
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

/// What a replica of the desk says of itself.
async fn kin(pool: &Pool, asks: &Statement) -> Result<String, Fault> {
    let mut connection = pool.acquire().await?;
    let said: Option<String> = asks.query().fetch_one(&mut connection).await?.try_get(0)?;
    connection.done();
    Ok(said.unwrap_or_default())
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
        let least = Capabilities::least().shared().trims().expires().imports();
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
        if let Some(replicas) = &self.desk.replicas {
            // In a box, since it takes room that no other read needs.
            if let Some(answers) = Box::pin(replica::read(&self.desk, replicas, &set)).await {
                return Ok(answers);
            }
        }
        retry::read(&self.desk, || read::read(&self.desk, &set)).await
    }

    async fn wait(&self, customer: Option<UserId>, after: FeedPlace) -> Result<()> {
        poll::wait(self, customer, after).await
    }

    async fn trim(&self, before: Timestamp, most: usize) -> Result<usize> {
        let _pass = self.pass().await?;
        retry::read(&self.desk, || feed::trim::trim(&self.desk, before, most)).await
    }

    async fn import(&self, step: ImportStep) -> Result<ImportMark> {
        let _pass = self.pass_always().await?;
        import::step(self, step).await
    }

    async fn expire_positions(&self) -> Result<()> {
        let _pass = self.pass().await?;
        retry::read(&self.desk, || feed::position::expire(&self.desk)).await?;
        // Those who wait on this store value; the others' look.
        self.reach.wake_all();
        Ok(())
    }

    async fn verify(&self) -> Result<Verification> {
        let _pass = self.pass_always().await?;
        let found = retry::long(&self.desk, || verify::verify(&self.desk)).await;
        let mut found = found.map_err(|fault| fault.into_error(&self.desk.name))?;
        if self.import.is_under_way() {
            found.differs(Place::Own("import".to_owned()), UNFINISHED);
        }
        Ok(found)
    }

    async fn health(&self) -> Result<()> {
        let _pass = self.pass().await?;
        migrate::check(&self.desk.pool, &self.desk.names, &self.desk.name, HEALTH).await
    }

    async fn close(&self) -> Result<()> {
        self.gate.shut();
        self.reach.close();
        // An import keeps others waiting, so it goes first; and once more, should one have begun just then.
        self.import.give_up().await;
        self.gate.close().await;
        self.import.give_up().await;
        self.desk.pool.close().await;
        if let Some(replicas) = &self.desk.replicas {
            replicas.pool.close().await;
        }
        self.desk.sessions.close().await;
        Ok(())
    }
}
