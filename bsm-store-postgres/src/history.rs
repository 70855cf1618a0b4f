//! Reading history: of one row, of all rows of an entity, and what an event of the feed tells. Part of answering a read
//! set; writes nothing.

use std::collections::HashMap;

use bsm_core::model::{Action, Actor, Entity, FieldChange, HistoryEntry, Key, Timestamp, UserId, Version};
use bsm_core::store::{HistoryQuery, LogQuery, Order};
use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::fault::Fault;
use crate::names::Statement;
use crate::store::Desk;

/// What is read of an entry, but for its row.
const COLUMNS: &str = "version, action, actor, occurred_at, recorded_at, subject, changes::text AS changes";

/// The statements of this room.
#[derive(Debug)]
pub(crate) struct Statements {
    newest_first: Statement,
    oldest_first: Statement,
    pub(crate) log: Statement,
    pub(crate) by_key: Statement,
}

impl Statements {
    pub(crate) fn new(statement: impl Fn(&str) -> Statement) -> Self {
        let of_row = |order: &str, behind: &str| {
            statement(&format!(
                "SELECT {COLUMNS} FROM {{}}.history \
                 WHERE entity = $1 AND row_id = $2 AND ($3::bigint IS NULL OR version {behind} $3) \
                 ORDER BY version {order} LIMIT $4"
            ))
        };
        Self {
            newest_first: of_row("DESC", "<"),
            oldest_first: of_row("ASC", ">"),
            log: statement(&format!(
                "SELECT row_id, {COLUMNS} FROM {{}}.history \
                 WHERE entity = $1 AND (row_id, version) > ($2, $3) ORDER BY row_id, version LIMIT $4"
            )),
            // Looked up one by one, which OFFSET 0 sees to: a join might read the whole table instead.
            by_key: statement(&format!(
                "SELECT asked.entity, asked.row_id, entry.* \
                 FROM unnest($1::text[], $2::uuid[], $3::bigint[]) AS asked (entity, row_id, version) \
                 CROSS JOIN LATERAL (SELECT {COLUMNS} FROM {{}}.history AS found WHERE found.entity = asked.entity \
                 AND found.row_id = asked.row_id AND found.version = asked.version OFFSET 0) AS entry"
            )),
        }
    }
}

/// A version as the server has it. Beyond what a bigint holds there is none, and nothing behind it.
pub(crate) fn stored(version: Version) -> i64 {
    i64::try_from(version.0).unwrap_or(i64::MAX)
}

/// A page of a row's history.
pub(crate) async fn page(
    desk: &Desk,
    connection: &mut PgConnection,
    query: &HistoryQuery,
) -> Result<Vec<HistoryEntry>, Fault> {
    let statement = match query.order {
        Order::NewestFirst => &desk.histories.newest_first,
        Order::OldestFirst => &desk.histories.oldest_first,
    };
    let limit = i64::try_from(query.limit.saturating_add(1)).unwrap_or(i64::MAX);
    let rows = statement.query().bind(query.key.entity.as_str()).bind(query.key.id);
    let rows = rows.bind(query.after.map(stored)).bind(limit).fetch_all(connection).await?;
    Ok(rows.iter().map(|row| entry(desk, query.key, row)).collect::<bsm_core::Result<_>>()?)
}

/// A page of the history of an entity.
pub(crate) async fn log(
    desk: &Desk,
    connection: &mut PgConnection,
    query: &LogQuery,
) -> Result<Vec<HistoryEntry>, Fault> {
    let (id, version) = query.after.map_or((Uuid::nil(), -1), |(id, version)| (id, stored(version)));
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let rows = desk.histories.log.query().bind(query.entity.as_str()).bind(id).bind(version).bind(limit);
    let mut entries = Vec::new();
    for row in rows.fetch_all(connection).await? {
        entries.push(entry(desk, Key { entity: query.entity, id: row.try_get("row_id")? }, &row)?);
    }
    Ok(entries)
}

/// The entries of those rows at those versions, as far as there are any.
pub(crate) async fn entries(
    desk: &Desk,
    connection: &mut PgConnection,
    asked: &[(Key, Version)],
) -> Result<HashMap<(Key, Version), HistoryEntry>, Fault> {
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let entities: Vec<&str> = asked.iter().map(|(key, _)| key.entity.as_str()).collect();
    let ids: Vec<Uuid> = asked.iter().map(|(key, _)| key.id).collect();
    let versions: Vec<i64> = asked.iter().map(|(_, version)| stored(*version)).collect();
    let rows = desk.histories.by_key.query().bind(entities).bind(ids).bind(versions).fetch_all(connection).await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let entity: Entity = row.try_get::<&str, _>("entity")?.parse()?;
        let entry = entry(desk, Key { entity, id: row.try_get("row_id")? }, &row)?;
        found.insert((entry.key, entry.version), entry);
    }
    Ok(found)
}

fn entry(desk: &Desk, key: Key, row: &PgRow) -> bsm_core::Result<HistoryEntry> {
    let damaged = || desk.damaged(format!("an entry of {key} in history can't be read"));
    let read = || -> Option<HistoryEntry> {
        let time = |column| Timestamp::try_from(row.try_get::<DateTime<Utc>, _>(column).ok()?).ok();
        let actor: Option<Uuid> = row.try_get("actor").ok()?;
        let changes: Vec<FieldChange> = serde_json::from_str(row.try_get("changes").ok()?).ok()?;
        Some(HistoryEntry {
            key,
            version: Version(u64::try_from(row.try_get::<i64, _>("version").ok()?).ok()?),
            action: row.try_get::<&str, _>("action").ok()?.parse::<Action>().ok()?,
            actor: actor.map_or(Actor::System, |user| Actor::User(UserId::from_uuid(user))),
            occurred_at: time("occurred_at")?,
            recorded_at: time("recorded_at")?,
            subject: row.try_get::<Option<Uuid>, _>("subject").ok()?.map(UserId::from_uuid),
            changes,
        })
    };
    read().ok_or_else(damaged)
}
