//! Reading history: of one row, of all rows of an entity, and what an event of the feed tells. Part of answering a read
//! set; writes nothing.

use std::collections::HashMap;

use bsm_core::model::{Action, Actor, Entity, FieldChange, HistoryEntry, Key, Timestamp, UserId, Version};
use bsm_core::store::{HistoryQuery, LogQuery, Order};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::fault::Fault;
use crate::query::Parameter;
use crate::store::Desk;
use crate::wide::{Asked, Columns, Slot, Told, Wide};

/// What is read of an entry, as a part of a wide row.
fn columns() -> Columns {
    let all = [
        (Slot::Id, "row_id"),
        (Slot::Id, "actor"),
        (Slot::Id, "subject"),
        (Slot::Text, "entity"),
        (Slot::Text, "action"),
        (Slot::Text, "changes::text"),
        (Slot::Int, "version"),
        (Slot::Time, "occurred_at"),
        (Slot::Time, "recorded_at"),
    ];
    Columns(all.map(|(slot, name)| (slot, name.into())).to_vec())
}

/// A version as the server has it. Beyond what a bigint holds there is none, and nothing behind it.
pub(crate) fn stored(version: Version) -> i64 {
    i64::try_from(version.0).unwrap_or(i64::MAX)
}

/// Adds a page of a row's history to a statement.
pub(crate) fn add_page(desk: &Desk, wide: &mut Wide<'_>, tag: i64, query: &HistoryQuery) {
    let entity = entity(wide, query.key.entity);
    let id = wide.given(Parameter::Id(query.key.id), "uuid");
    let id = wide.sought(&id);
    let (order, behind, after) = match query.order {
        Order::NewestFirst => ("DESC", "<", query.after.map_or(i64::MAX, stored)),
        Order::OldestFirst => ("ASC", ">", query.after.map_or(-1, stored)),
    };
    let after = wide.given(Parameter::Int(after), "bigint");
    let limit = wide.given(Parameter::Int(most(query.limit.saturating_add(1))), "bigint");
    let from = format!(
        "FROM {}.history WHERE entity = {entity} AND row_id = {id} AND version {behind} {after} \
         ORDER BY version {order} LIMIT {limit}",
        desk.names.quoted()
    );
    wide.part(tag, columns(), from);
}

/// Adds a page of the history of an entity to a statement.
pub(crate) fn add_log(desk: &Desk, wide: &mut Wide<'_>, tag: i64, query: &LogQuery) {
    let (id, version) = query.after.map_or((Uuid::nil(), -1), |(id, version)| (id, stored(version)));
    let entity = entity(wide, query.entity);
    let id = wide.given(Parameter::Id(id), "uuid");
    let id = wide.sought(&id);
    let version = wide.given(Parameter::Int(version), "bigint");
    let limit = wide.given(Parameter::Int(most(query.limit)), "bigint");
    let from = format!(
        "FROM {}.history WHERE entity = {entity} AND (row_id, version) > ({id}, {version}) \
         ORDER BY row_id, version LIMIT {limit}",
        desk.names.quoted()
    );
    wide.part(tag, columns(), from);
}

fn entity(wide: &mut Wide<'_>, entity: Entity) -> String {
    wide.given(Parameter::Text(entity.as_str().to_owned()), "text COLLATE \"C\"")
}

fn most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Asks for the entries of those rows at those versions; `None` for none.
pub(crate) fn by_key(desk: &Desk, asked: &[(Key, Version)]) -> Option<Asked> {
    if asked.is_empty() {
        return None;
    }
    let mut wide = Wide::new(&desk.names);
    let entities = asked.iter().map(|(key, _)| key.entity.as_str().to_owned()).collect();
    let entities = wide.given(Parameter::Texts(entities), "text[]");
    let ids = wide.given(Parameter::Ids(asked.iter().map(|(key, _)| key.id).collect()), "uuid[]");
    let versions = asked.iter().map(|(_, version)| stored(*version).to_string()).collect();
    let versions = wide.given(Parameter::Texts(versions), "text[]::bigint[]");
    let id = wide.sought("asked.id");
    // Looked up one by one, which OFFSET 0 sees to: a join might read the whole table instead.
    let from = format!(
        "FROM unnest({entities}, {ids}, {versions}) AS asked (of, id, at) \
         CROSS JOIN LATERAL (SELECT * FROM {}.history AS found WHERE found.entity = asked.of \
         AND found.row_id = {id} AND found.version = asked.at OFFSET 0) AS entry",
        desk.names.quoted()
    );
    wide.part(0, columns(), from);
    wide.finish()
}

/// The entries of those rows at those versions, as far as there are any.
pub(crate) async fn entries(
    desk: &Desk,
    connection: &mut PgConnection,
    asked: &[(Key, Version)],
) -> Result<HashMap<(Key, Version), HistoryEntry>, Fault> {
    let Some(asked) = by_key(desk, asked) else { return Ok(HashMap::new()) };
    let layout = asked.layout;
    let mut found = HashMap::new();
    for row in asked.query().fetch_all(connection).await? {
        let entry = entry(desk, Told::new(&row, layout))?;
        found.insert((entry.key, entry.version), entry);
    }
    Ok(found)
}

/// An entry of a part of [its columns](columns).
pub(crate) fn entry(desk: &Desk, told: Told<'_>) -> Result<HistoryEntry, Fault> {
    let entity: Entity = told.get::<&str>(Slot::Text, 0)?.parse()?;
    let key = Key { entity, id: told.get(Slot::Id, 0)? };
    let read = || -> Option<HistoryEntry> {
        let time = |nth| Timestamp::try_from(told.get::<DateTime<Utc>>(Slot::Time, nth).ok()?).ok();
        let actor: Option<Uuid> = told.get(Slot::Id, 1).ok()?;
        let changes: Vec<FieldChange> = serde_json::from_str(told.get(Slot::Text, 2).ok()?).ok()?;
        Some(HistoryEntry {
            key,
            version: Version(u64::try_from(told.get::<i64>(Slot::Int, 0).ok()?).ok()?),
            action: told.get::<&str>(Slot::Text, 1).ok()?.parse::<Action>().ok()?,
            actor: actor.map_or(Actor::System, |user| Actor::User(UserId::from_uuid(user))),
            occurred_at: time(0)?,
            recorded_at: time(1)?,
            subject: told.get::<Option<Uuid>>(Slot::Id, 2).ok()?.map(UserId::from_uuid),
            changes,
        })
    };
    Ok(read().ok_or_else(|| desk.damaged(format!("an entry of {key} in history can't be read")))?)
}
