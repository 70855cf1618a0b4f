//! Forgetting the oldest events.
//!
//! The newest stays, since it says where the desk's feed stands; so does a customer's last place, since it says how far
//! theirs was counted, with or without the event. What is left of those places goes when a later event of theirs does.

use bsm_core::model::Timestamp;
use sqlx::Row as _;

use super::position;
use crate::fault::Fault;
use crate::names::Statement;
use crate::store::Desk;

/// How many events one transaction forgets at most, so that readers who give positions don't wait for long.
const AT_ONCE: usize = 10_000;

/// The statements of this room.
#[derive(Debug)]
pub(crate) struct Statements {
    pub(super) forget: Statement,
}

impl Statements {
    pub(crate) fn new(statement: impl Fn(&str) -> Statement) -> Self {
        Self {
            // Rows that go are named one by one: a join might read the whole table instead. Nobody moves them meanwhile,
            // since whoever writes them holds the lock.
            forget: statement(
                "WITH oldest AS (SELECT position, recorded_at FROM {}.feed \
                 WHERE position < (SELECT max(position) FROM {}.feed) ORDER BY position LIMIT $2), \
                 kept AS (SELECT min(position) AS position FROM oldest WHERE recorded_at >= $1), \
                 gone AS (DELETE FROM {}.feed WHERE position = ANY (ARRAY(SELECT oldest.position FROM oldest, kept \
                 WHERE kept.position IS NULL OR oldest.position < kept.position)) RETURNING position, subjects), \
                 theirs AS (SELECT customer, max(position) AS position \
                 FROM gone CROSS JOIN LATERAL unnest(subjects) AS customer GROUP BY customer), \
                 places AS (DELETE FROM {}.customer_feed WHERE ctid = ANY (ARRAY(SELECT old.row FROM theirs \
                 CROSS JOIN LATERAL (SELECT ctid AS row FROM {}.customer_feed AS place \
                 WHERE place.customer = theirs.customer AND place.position <= theirs.position \
                 AND place.place < (SELECT max(last.place) FROM {}.customer_feed AS last \
                 WHERE last.customer = theirs.customer) ORDER BY place.position OFFSET 0) AS old))) \
                 SELECT count(*) FROM gone",
            ),
        }
    }
}

/// Forgets at most `most` events that were recorded before `before`. Returns how many.
pub(crate) async fn trim(desk: &Desk, before: Timestamp, most: usize) -> Result<usize, Fault> {
    position::give(desk, &desk.pool).await?;
    let mut forgotten = 0;
    while forgotten < most {
        let round = AT_ONCE.min(most - forgotten);
        let limit = i64::try_from(round).unwrap_or(i64::MAX);
        let mut transaction = desk.begin_with(&desk.begin).await?;
        position::lock(desk, &mut transaction).await?;
        let gone = desk.trims.forget.query().bind(before.to_datetime()).bind(limit).fetch_one(&mut transaction).await?;
        let gone: i64 = gone.try_get(0)?;
        transaction.commit().await.map_err(Fault::AtCommit)?;
        let gone = usize::try_from(gone).unwrap_or(0);
        forgotten += gone;
        if gone < round {
            break;
        }
    }
    Ok(forgotten)
}
