//! The tables: made, and brought up to date, when a store is opened.
//!
//! A desk's schema says in its own table `bsm_migrations` which of the files in `migrations/` it has. What is missing is
//! done in one transaction, under a lock that ends with it, so that processes that open a desk together do it once.

use bsm_core::{Error, Result};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use crate::address::Triggers;
use crate::fault::Fault;
use crate::names::Names;
use crate::pool::Pool;
use crate::retry::{self, Patience};

/// One step of the ladder.
struct Migration {
    /// Its number.
    version: i32,
    /// What every desk gets.
    always: &'static str,
    /// What a desk with triggers gets besides.
    triggers: &'static [&'static str],
}

/// The migrations.
const MIGRATIONS: [Migration; 6] = [
    Migration { version: 1, always: include_str!("../migrations/0001_init.sql"), triggers: &[] },
    Migration { version: 2, always: include_str!("../migrations/0002_feed.sql"), triggers: &[] },
    Migration {
        version: 3,
        always: include_str!("../migrations/0003_by_hand.sql"),
        triggers: &[
            include_str!("../migrations/0003_counting.sql"),
            include_str!("../migrations/0003_hand_rules.sql"),
            include_str!("../migrations/0003_hand_told.sql"),
        ],
    },
    Migration { version: 4, always: "", triggers: &[include_str!("../migrations/0004_call.sql")] },
    Migration { version: 5, always: "", triggers: &[include_str!("../migrations/0005_currency.sql")] },
    Migration { version: 6, always: "", triggers: &[include_str!("../migrations/0006_commit.sql")] },
];

/// The newest of them.
const NEWEST: i32 = MIGRATIONS[MIGRATIONS.len() - 1].version;

/// The one with which a desk says whether it has triggers.
const SAYS_TRIGGERS: i32 = 3;

/// Brings the schema up to date. Only looks if it is already, so a role that may not make tables can open a desk.
///
/// Returns whether the desk has triggers. That is settled when it is made, by `triggers`, and if that does not say by
/// [`Triggers::On`]; later it must not say otherwise.
///
/// A server that starts is waited for as long as `patience` says. What is to be done takes as long as it takes.
pub(crate) async fn migrate(
    pool: &Pool,
    names: &Names,
    store: &str,
    triggers: Option<Triggers>,
    patience: Patience,
) -> Result<Triggers> {
    let found = retry::read_within(pool, store, patience, || look(pool, names)).await?;
    match found.filter(|found| *found >= NEWEST) {
        Some(found) => known(store, found)?,
        None => make(pool, names, store, triggers).await?,
    }
    let found = retry::read_within(pool, store, patience, || async {
        let mut connection = pool.acquire().await?;
        let found = self::triggers(&mut connection, names).await?;
        connection.done();
        Ok(found)
    });
    let found = found.await?;
    match triggers {
        Some(asked) if asked != found => {
            let reason = format!("says triggers={asked} of a desk that was made with triggers={found}");
            Err(Error::InvalidAddress { reason })
        }
        _ => Ok(found),
    }
}

/// Does what is missing.
async fn make(pool: &Pool, names: &Names, store: &str, triggers: Option<Triggers>) -> Result<()> {
    let reached = async {
        let mut transaction = pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
        let reached = bring_up(&mut transaction, names, triggers).await?;
        transaction.commit().await?;
        Ok::<_, Fault>(reached)
    };
    match reached.await {
        Ok(reached) => known(store, reached),
        Err(fault) if fault.is_duplicate_table() => {
            Err(unknown(store, "none of a desk: it has tables of other makers"))
        }
        Err(fault) => Err(fault.into_error(store)),
    }
}

/// Whether the desk has triggers, as it says itself.
async fn triggers(connection: &mut PgConnection, names: &Names) -> Result<Triggers, sqlx::Error> {
    let said = names.statement("SELECT triggers FROM {}.desk").query().fetch_one(connection).await?;
    Ok(if said.try_get(0)? { Triggers::On } else { Triggers::Off })
}

/// The name of the database that a pool leads to; a pooler may call it otherwise.
pub(crate) async fn database(pool: &Pool) -> Result<String, Fault> {
    let mut connection = pool.acquire().await?;
    let row = sqlx::raw_sql("SELECT current_database()::text").fetch_one(&mut *connection).await?;
    connection.done();
    Ok(row.try_get(0)?)
}

/// Whether two pools lead to the same desk: each desk's feed has a number of its own, which only an import changes.
pub(crate) async fn is_same(pool: &Pool, other: &Pool, names: &Names) -> Result<bool, Fault> {
    let before = epoch(other, names).await?;
    let found = match epoch(pool, names).await {
        Ok(found) => found,
        Err(fault) if fault.is_unknown_name() => return Ok(false),
        Err(fault) => return Err(fault),
    };
    Ok(found == before || found == epoch(other, names).await?)
}

async fn epoch(pool: &Pool, names: &Names) -> Result<i64, Fault> {
    let mut connection = pool.acquire().await?;
    let row = names.statement("SELECT epoch FROM {}.desk").query().fetch_one(&mut connection).await?;
    connection.done();
    Ok(row.try_get(0)?)
}

/// Whether the desk answers, and is the one that was opened.
pub(crate) async fn check(pool: &Pool, names: &Names, store: &str, patience: Patience) -> Result<()> {
    match retry::read_within(pool, store, patience, || look(pool, names)).await? {
        Some(found) if found >= NEWEST => known(store, found),
        _ => Err(Error::Damaged { store: store.to_owned(), detail: "its tables are gone".to_owned() }),
    }
}

async fn look(pool: &Pool, names: &Names) -> Result<Option<i32>, Fault> {
    let mut connection = pool.acquire().await?;
    let found = found(&mut connection, names).await?;
    connection.done();
    Ok(found)
}

fn known(store: &str, found: i32) -> Result<()> {
    if found == NEWEST { Ok(()) } else { Err(unknown(store, &format!("migration {found}"))) }
}

fn unknown(store: &str, found: &str) -> Error {
    let supported = format!("migration {NEWEST}");
    Error::UnknownFormat { place: store.to_owned(), found: found.to_owned(), supported }
}

/// The newest migration that the schema has; `None` if it has not even the table that says so.
async fn found(connection: &mut PgConnection, names: &Names) -> Result<Option<i32>, sqlx::Error> {
    let table = format!("{}.bsm_migrations", names.quoted());
    let there: bool = names
        .statement("SELECT to_regclass($1) IS NOT NULL")
        .query()
        .bind(table)
        .fetch_one(connection)
        .await?
        .try_get(0)?;
    if !there {
        return Ok(None);
    }
    let newest = names.statement("SELECT coalesce(max(version), 0) FROM {}.bsm_migrations");
    newest.query().fetch_one(connection).await?.try_get(0).map(Some)
}

/// Does what is missing, and returns the number that the schema then has: a greater one than ours if it is newer.
async fn bring_up(connection: &mut PgConnection, names: &Names, asked: Option<Triggers>) -> Result<i32, sqlx::Error> {
    let lock = names.statement("SELECT pg_advisory_xact_lock(hashtextextended('bsm ' || $1, 0))");
    lock.query().bind(names.schema()).execute(connection).await?;
    let schema = names.quoted();
    let there = names.statement("SELECT to_regnamespace($1) IS NOT NULL").query().bind(schema);
    let there: bool = there.fetch_one(connection).await?.try_get(0)?;
    if !there {
        run(connection, format!("CREATE SCHEMA {schema}")).await?;
    }
    let has = found(connection, names).await?;
    if has.is_none() {
        let table = "(version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())";
        run(connection, format!("CREATE TABLE {schema}.bsm_migrations {table}")).await?;
    }
    let has = has.unwrap_or(0);
    for Migration { version, always, triggers: guarded } in MIGRATIONS.iter().filter(|step| step.version > has) {
        // The files name tables bare; the path ends with the transaction. Functions that they make keep it, and look
        // at what a caller has of their own last.
        run(connection, format!("SET LOCAL search_path TO {schema}, pg_temp; {always}")).await?;
        if *version == SAYS_TRIGGERS && asked == Some(Triggers::Off) {
            run(connection, "UPDATE desk SET triggers = false".to_owned()).await?;
        }
        if !guarded.is_empty() && triggers(connection, names).await? == Triggers::On {
            run(connection, guarded.concat()).await?;
        }
        let note = names.statement("INSERT INTO {}.bsm_migrations (version) VALUES ($1)");
        note.query().bind(i64::from(*version)).execute(&mut *connection).await?;
    }
    if has < NEWEST && triggers(connection, names).await? == Triggers::Off {
        // Nobody but the owner, and whoever they name, writes past the desk.
        let revoke = format!("REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC");
        run(connection, revoke).await?;
    }
    Ok(has.max(NEWEST))
}

async fn run(connection: &mut PgConnection, text: String) -> Result<(), sqlx::Error> {
    // Our own text, and a schema whose name was checked.
    sqlx::raw_sql(AssertSqlSafe(text)).execute(connection).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_rise() {
        assert!(MIGRATIONS.iter().map(|step| step.version).eq(1..=NEWEST));
        let first = MIGRATIONS.iter().find(|step| !step.triggers.is_empty()).map(|step| step.version);
        assert_eq!(first, Some(SAYS_TRIGGERS));
    }
}
