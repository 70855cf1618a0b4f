//! The feed against history and against customers' feeds, and those against it.

use bsm_core::model::UserId;
use bsm_core::store::Place;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{Recount, key, nothing, number, version};
use crate::fault::Fault;

/// Positions that don't follow the one before.
const GAPS: &str = "SELECT position, before FROM (SELECT position, lag(position) OVER (ORDER BY position) AS before \
    FROM {}.feed WHERE position IS NOT NULL) AS events WHERE position <> before + 1 OR position < 1";

/// What each event says that it changes.
const CHANGES: &str = "SELECT feed.position, change->>'entity' AS entity, (change->>'id')::uuid AS row_id, \
    (change->>'version')::bigint AS version \
    FROM {}.feed CROSS JOIN LATERAL jsonb_array_elements(feed.changes) AS change WHERE feed.position IS NOT NULL";

/// Events that are said to concern others than whose history they tell.
const SUBJECTS: &str = "SELECT feed.position FROM {}.feed CROSS JOIN LATERAL (\
    SELECT coalesce(array_agg(DISTINCT told.subject ORDER BY told.subject) FILTER (WHERE told.subject IS NOT NULL), ARRAY[]::uuid[]) \
    AS subjects FROM jsonb_array_elements(feed.changes) AS change \
    JOIN {}.history AS told ON told.entity = change->>'entity' AND told.row_id = (change->>'id')::uuid \
    AND told.version = (change->>'version')::bigint) AS told \
    WHERE feed.position IS NOT NULL AND told.subjects <> ARRAY(SELECT unnest(feed.subjects) AS subject ORDER BY subject)";

/// Events that lack their place in the feed of somebody whom they concern.
const UNPLACED: &str = "SELECT feed.position, customer FROM {}.feed CROSS JOIN LATERAL unnest(feed.subjects) AS customer \
    LEFT JOIN {}.customer_feed AS theirs USING (customer, position) \
    WHERE feed.position IS NOT NULL AND theirs.place IS NULL";

/// Places that don't follow the one before, or whose event does not.
const PLACES: &str = "SELECT customer, place, before FROM (SELECT customer, place, position, \
    lag(place) OVER way AS before, lag(position) OVER way AS position_before FROM {}.customer_feed \
    WINDOW way AS (PARTITION BY customer ORDER BY place)) AS places \
    WHERE place <> before + 1 OR position <= position_before";

/// Places whose event is not there, or not theirs. The last place of a customer outlives its event.
const OTHERS: &str = "SELECT theirs.customer, theirs.place, theirs.position FROM {}.customer_feed AS theirs \
    LEFT JOIN {}.feed USING (position) WHERE theirs.position >= (SELECT min(position) FROM {}.feed) \
    AND (feed.id IS NULL OR theirs.customer <> ALL (feed.subjects))";

/// Compares the feed with history, and customers' feeds with it.
pub(super) async fn compare(recount: &mut Recount<'_>) -> Result<(), Fault> {
    if recount.count("SELECT count(*) FROM {}.desk").await? != 1 {
        recount.found.differs(Place::Own("desk".to_owned()), "nothing says which epoch the feed is in");
    }
    recount.found.events = recount.count("SELECT count(*) FROM {}.feed WHERE position IS NOT NULL").await?;
    let at = |row: &PgRow| number(row, "position").map(Place::Feed);
    let gap = |row: &PgRow| Ok((at(row)?, format!("it follows position {}", number(row, "before")?)));
    recount.differences(GAPS, nothing, gap).await?;
    changes(recount).await?;
    let concerns = |row: &PgRow| Ok((at(row)?, "it names other customers than those whom it concerns".to_owned()));
    recount.differences(SUBJECTS, nothing, concerns).await?;
    let customer = |row: &PgRow| row.try_get::<Uuid, _>("customer").map(UserId::from_uuid);
    let unplaced = |row: &PgRow| Ok((at(row)?, format!("it has no place in the feed of customer {}", customer(row)?)));
    recount.differences(UNPLACED, nothing, unplaced).await?;
    let theirs = |row: &PgRow| Ok::<_, sqlx::Error>(Place::CustomerFeed(customer(row)?, number(row, "place")?));
    let gap = |row: &PgRow| Ok((theirs(row)?, format!("it does not follow place {}", number(row, "before")?)));
    recount.differences(PLACES, nothing, gap).await?;
    let others = |row: &PgRow| {
        Ok((theirs(row)?, format!("the event at {} is not theirs, or not there", number(row, "position")?)))
    };
    recount.differences(OTHERS, nothing, others).await
}

/// What events say that they change, against history; and that versions rise along the feed.
async fn changes(recount: &mut Recount<'_>) -> Result<(), Fault> {
    let of = |row: &PgRow| -> Result<(Place, String), sqlx::Error> {
        let row_name = key(row)?.map_or_else(|place| place.to_string(), |key| key.to_string());
        Ok((Place::Feed(number(row, "position")?), format!("version {} of {row_name}", version(row, "version")?)))
    };
    let untold = format!(
        "SELECT changed.* FROM ({CHANGES}) AS changed LEFT JOIN {{}}.history AS told USING (entity, row_id, version) \
         WHERE told.action IS NULL"
    );
    let tell = |row: &PgRow| of(row).map(|(place, change)| (place, format!("history has no {change}")));
    recount.differences(&untold, nothing, tell).await?;
    let out_of_order = format!(
        "SELECT * FROM (SELECT changed.*, lag(version) OVER (PARTITION BY entity, row_id ORDER BY position) AS before \
         FROM ({CHANGES}) AS changed) AS changed WHERE version <> before + 1"
    );
    let tell = |row: &PgRow| {
        let (place, change) = of(row)?;
        Ok((place, format!("{change} follows version {}", version(row, "before")?)))
    };
    recount.differences(&out_of_order, nothing, tell).await
}
