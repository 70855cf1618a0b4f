//! Answers a read set as of one moment: in one transaction whose snapshot stays. Writes nothing.

use bsm_core::model::{Action, Actor, Entity, FieldChange, HistoryEntry, Key, Row, Timestamp, UserId, Value, Version};
use bsm_core::schema::{Field, counters, uniques};
use bsm_core::store::{Answers, CountQuery, HistoryQuery, Order, ReadSet, UniqueValue};
use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::fault::Fault;
use crate::names::{Statement, sql_type};
use crate::store::Desk;
use crate::{fetch, record, remember, scan};

/// Begins a read: what the first statement sees, all of them see.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The statements of this room.
#[derive(Debug)]
pub(crate) struct Statements {
    newest_first: Statement,
    oldest_first: Statement,
    counts: Statement,
}

impl Statements {
    pub(crate) fn new(statement: impl Fn(&str) -> Statement) -> Self {
        let history = |order: &str, behind: &str| {
            statement(&format!(
                "SELECT version, action, actor, occurred_at, recorded_at, subject, changes::text FROM {{}}.history \
                 WHERE entity = $1 AND row_id = $2 AND ($3::bigint IS NULL OR version {behind} $3) \
                 ORDER BY version {order} LIMIT $4"
            ))
        };
        Self {
            newest_first: history("DESC", "<"),
            oldest_first: history("ASC", ">"),
            // An array that continues another comes behind it, and before the one whose last text has a character more.
            counts: statement(
                "SELECT names, sum(amount)::text FROM {}.counters WHERE family = $1 \
                 AND ($2::text[] IS NULL OR names >= $2 AND names < $3) GROUP BY names HAVING sum(amount) <> 0",
            ),
        }
    }
}

/// Answers everything in `set`.
pub(crate) async fn read(desk: &Desk, set: &ReadSet) -> Result<Answers, Fault> {
    if is_one_statement(set) {
        return answer(desk, &mut *desk.pool.acquire().await?, set).await;
    }
    let mut transaction = desk.pool.begin_with(BEGIN).await?;
    let answers = answer(desk, &mut transaction, set).await?;
    transaction.commit().await?;
    Ok(answers)
}

/// Whether the set is answered by a single statement, which has a moment of its own.
fn is_one_statement(set: &ReadSet) -> bool {
    let ReadSet { get, find, scan, history, log: _, counts, numbers: _, feed: _, used, at_least: _ } = set;
    let got = fetch::by_entity(get.iter().copied()).len();
    let others = find.len() + counts.len() + usize::from(history.is_some()) + usize::from(used.is_some());
    scan.is_none() && got + others <= 1
}

async fn answer(desk: &Desk, connection: &mut PgConnection, set: &ReadSet) -> Result<Answers, Fault> {
    // One server has every commit that it acknowledged, so `at_least` asks for nothing.
    let ReadSet { get, find: wanted, scan, history: entries, log: _, counts, numbers: _, feed: _, used, at_least: _ } =
        set;
    let mut answers = Answers::default();
    let rows = fetch::rows(desk, connection, get.iter().copied()).await?;
    answers.got = get.iter().map(|key| rows.get(key).cloned()).collect();
    for value in wanted {
        answers.found.push(find(desk, connection, value).await?);
    }
    if let Some(scan) = scan {
        answers.scanned = Some(scan::scan(desk, connection, scan).await?);
    }
    if let Some(query) = entries {
        answers.history = history(desk, connection, query).await?;
    }
    for query in counts {
        answers.counts.push(count(desk, connection, query).await?);
    }
    if let Some((actor, key)) = used {
        answers.used = remember::known(desk, connection, *actor, key).await?;
    }
    Ok(answers)
}

async fn find(desk: &Desk, connection: &mut PgConnection, wanted: &UniqueValue) -> Result<Option<Row>, Fault> {
    let UniqueValue { entity, field, value } = wanted;
    let column = record::column(*entity, *field).filter(|_| uniques(*entity).contains(field));
    let column = column.ok_or_else(|| desk.unsupported("finding a row by a field that is not unique"))?;
    let Some(text) = record::comparable(column, value) else { return Ok(None) };
    let table = desk.names.table(*entity);
    let cast = sql_type(column);
    let select = format!("SELECT {} FROM {} WHERE {field} = $1::{cast}", table.columns, table.name);
    let row = Statement::new(select).query().bind(text).fetch_optional(connection).await?;
    Ok(row.map(|row| record::from_columns(&desk.name, *entity, &row)).transpose()?)
}

async fn history(desk: &Desk, connection: &mut PgConnection, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, Fault> {
    let statement = match query.order {
        Order::NewestFirst => &desk.reads.newest_first,
        Order::OldestFirst => &desk.reads.oldest_first,
    };
    // Beyond what a bigint holds there is no version, and no page.
    let after = query.after.map(|version| i64::try_from(version.0).unwrap_or(i64::MAX));
    let limit = i64::try_from(query.limit.saturating_add(1)).unwrap_or(i64::MAX);
    let rows = statement.query().bind(query.key.entity.as_str()).bind(query.key.id).bind(after).bind(limit);
    let rows = rows.fetch_all(connection).await?;
    Ok(rows.iter().map(|row| entry(desk, query.key, row)).collect::<bsm_core::Result<_>>()?)
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

async fn count(
    desk: &Desk,
    connection: &mut PgConnection,
    query: &CountQuery,
) -> Result<Vec<(Vec<String>, i128)>, Fault> {
    let spec = counters().iter().find(|spec| spec.counter == query.counter);
    let spec = spec.ok_or_else(|| desk.unsupported("a counter of this family"))?;
    if query.prefix.len() > spec.by.len() {
        return Err(desk.unsupported("more values than the counter's family has fields").into());
    }
    let Some(first) = prefix(spec.entity, spec.by, &query.prefix) else { return Ok(Vec::new()) };
    let behind = first.split_last().map(|(last, leading)| {
        let mut behind = leading.to_vec();
        behind.push(format!("{last}\u{1}"));
        behind
    });
    let given = behind.is_some().then_some(&first);
    let rows = desk.reads.counts.query().bind(query.counter.as_str()).bind(given.cloned()).bind(behind);
    let mut counts = Vec::new();
    for row in rows.fetch_all(connection).await? {
        let mut names: Vec<String> = row.try_get(0)?;
        let damaged = || desk.damaged(format!("a counter of {} can't be read", query.counter));
        let sum: i128 = row.try_get::<&str, _>(1)?.parse().map_err(|_| damaged())?;
        if names.len() != spec.by.len() || sum < 0 {
            return Err(damaged().into());
        }
        counts.push((names.split_off(first.len()), sum));
    }
    Ok(counts)
}

/// The leading names of a counter; `None` if no counter has such values.
fn prefix(entity: Entity, by: &[Field], values: &[Value<'_>]) -> Option<Vec<String>> {
    let pairs = by.iter().zip(values);
    let text = pairs.map(|(field, value)| {
        let column = record::column(entity, *field)?;
        if value.is_null() { Some(String::new()) } else { record::comparable(column, value) }
    });
    text.collect()
}
