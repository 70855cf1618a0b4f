//! Positions: given by whoever reads the feed first to the committed events that have none.
//!
//! Writers share no row, and so don't know where they stand. Events are numbered in the order of their `id`, which agrees
//! with causality among those that are visible together: whoever saw what another had committed took its `id` later. An
//! event that becomes visible afterwards is behind, whatever its `id`.
//!
//! Everything happens under one lock, which ends with its short transaction, and **the look follows the lock as a later
//! statement**, so it sees what whoever held the lock before has given.

use sqlx::{PgConnection, Row as _};

use crate::fault::Fault;
use crate::names::Statement;
use crate::pool::Pool;
use crate::store::Desk;

/// How many events one transaction gives positions to.
const AT_ONCE: i64 = 10_000;

/// The statements of this room.
#[derive(Debug)]
pub(crate) struct Statements {
    pub(super) any_without: Statement,
    lock: Statement,
    new_epoch: Statement,
    pub(super) give: Statement,
}

impl Statements {
    pub(crate) fn new(statement: impl Fn(&str) -> Statement) -> Self {
        Self {
            // From the end of the index, where those stand that have none: one row is read, whatever the planner knows.
            any_without: statement("SELECT position IS NULL FROM {}.feed ORDER BY position DESC LIMIT 1"),
            // A lock of a table takes no snapshot. So the statement behind it sees what its last holder did, at every level of
            // isolation; and readers of the table go on.
            lock: statement("LOCK TABLE {}.desk IN SHARE ROW EXCLUSIVE MODE"),
            new_epoch: statement("UPDATE {}.desk SET epoch = {}.bsm_new_epoch()"),
            // Through an array and without joins of what is given, so that rows are looked up one by one: else the whole
            // table might be read, if the server thinks that all of it waits.
            give: statement(
                "WITH given AS (UPDATE {}.feed AS feed \
                 SET position = (SELECT coalesce(max(position), 0) FROM {}.feed) + waiting.nth \
                 FROM unnest(ARRAY(SELECT id FROM {}.feed WHERE position IS NULL ORDER BY id LIMIT $1)) \
                 WITH ORDINALITY AS waiting (id, nth) WHERE feed.id = waiting.id \
                 RETURNING feed.position, feed.subjects), \
                 placed AS (INSERT INTO {}.customer_feed (customer, place, position) \
                 SELECT customer, row_number() OVER (PARTITION BY customer ORDER BY position) + coalesce((\
                 SELECT max(old.place) FROM {}.customer_feed AS old WHERE old.customer = theirs.customer), 0), position \
                 FROM given CROSS JOIN LATERAL unnest(subjects) AS theirs (customer)) \
                 SELECT count(*) FROM given",
            ),
        }
    }
}

/// Gives positions to all events that are committed now, over connections of this pool. Only looks if none is without, so a
/// quiet feed takes no lock.
pub(crate) async fn give(desk: &Desk, pool: &Pool) -> Result<(), Fault> {
    let mut connection = pool.acquire().await?;
    let any = desk.positions.any_without.query().fetch_optional(&mut connection).await?;
    connection.done();
    if !any.map(|row| row.try_get(0)).transpose()?.unwrap_or(false) {
        return Ok(());
    }
    loop {
        let mut transaction = pool.begin_with(&desk.begin).await?;
        lock(desk, &mut transaction).await?;
        let given = give_some(desk, &mut transaction).await?;
        transaction.commit().await?;
        if given < AT_ONCE {
            return Ok(());
        }
    }
}

/// Gives positions to all events that the transaction sees, whose snapshot stays. It must hold the lock since before its
/// first look. What it then sees of the feed goes exactly as far as what it sees of rows.
pub(crate) async fn give_all(desk: &Desk, connection: &mut PgConnection) -> Result<(), Fault> {
    while give_some(desk, connection).await? >= AT_ONCE {}
    Ok(())
}

async fn give_some(desk: &Desk, connection: &mut PgConnection) -> Result<i64, Fault> {
    Ok(desk.positions.give.query().bind(AT_ONCE).fetch_one(connection).await?.try_get(0)?)
}

/// Keeps others from giving positions and from trimming until the transaction ends. Whoever looks at the feed does so in
/// a later statement.
pub(crate) async fn lock(desk: &Desk, connection: &mut PgConnection) -> Result<(), Fault> {
    desk.positions.lock.query().execute(connection).await?;
    Ok(())
}

/// Gives the feed another epoch: positions from before are expired. Whoever does it twice expires none that anybody keeps.
pub(crate) async fn expire(desk: &Desk) -> Result<(), Fault> {
    let mut transaction = desk.begin_with(&desk.begin).await?;
    lock(desk, &mut transaction).await?;
    begin_epoch(desk, &mut transaction).await?;
    transaction.commit().await.map_err(Fault::AtCommit)
}

/// Gives the feed another epoch, within a transaction that holds the lock.
pub(crate) async fn begin_epoch(desk: &Desk, connection: &mut PgConnection) -> Result<(), Fault> {
    let done = desk.positions.new_epoch.query().execute(connection).await?;
    if done == 1 {
        return Ok(());
    }
    Err(desk.damaged("nothing says which epoch its feed is in".to_owned()).into())
}
