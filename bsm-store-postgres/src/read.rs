//! Answers a read set as of one moment: in one transaction whose snapshot stays. Writes nothing, but that events of the feed
//! are given their positions before it is read.

use std::collections::HashSet;

use bsm_core::model::{Entity, Key, Row, Value};
use bsm_core::schema::{Field, Relation, counters, relations_from, uniques};
use bsm_core::store::{Answers, CountQuery, ReadSet, UniqueValue};
use sqlx::{PgConnection, Row as _};

use crate::fault::Fault;
use crate::names::{Statement, sql_type};
use crate::store::Desk;
use crate::{feed, fetch, history, record, remember, scan};

/// Begins a read: what the first statement sees, all of them see.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The same for a read that gives positions itself.
const BEGIN_GIVING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE";

/// The statements of this room.
#[derive(Debug)]
pub(crate) struct Statements {
    counts: Statement,
    numbers: Statement,
}

impl Statements {
    pub(crate) fn new(statement: impl Fn(&str) -> Statement) -> Self {
        Self {
            // An array that continues another comes behind it, and before the one whose last text has a character more.
            counts: statement(
                "SELECT names, sum(amount)::text FROM {}.counters WHERE family = $1 \
                 AND ($2::text[] IS NULL OR names >= $2 AND names < $3) GROUP BY names HAVING sum(amount) <> 0",
            ),
            numbers: statement(&numbers()),
        }
    }
}

/// Answers everything in `set`.
pub(crate) async fn read(desk: &Desk, set: &ReadSet) -> Result<Answers, Fault> {
    match &set.feed {
        Some(query) if query.rows => return read_with_feed(desk, set).await,
        Some(_) => feed::position::give(desk).await?,
        None => {}
    }
    if is_one_statement(set) {
        let mut connection = desk.pool.acquire().await?;
        let answers = answer(desk, &mut connection, set).await?;
        connection.done();
        return Ok(answers);
    }
    let mut transaction = desk.begin_with(BEGIN).await?;
    let answers = answer(desk, &mut transaction, set).await?;
    transaction.commit().await?;
    Ok(answers)
}

/// Answers a set whose rows and feed must go equally far: nobody else gives positions meanwhile.
async fn read_with_feed(desk: &Desk, set: &ReadSet) -> Result<Answers, Fault> {
    let mut transaction = desk.begin_with(BEGIN_GIVING).await?;
    feed::position::lock(desk, &mut transaction).await?;
    feed::position::give_all(desk, &mut transaction).await?;
    let answers = answer(desk, &mut transaction, set).await?;
    transaction.commit().await?;
    Ok(answers)
}

/// The entities whose rows are numbered.
fn numbered() -> impl Iterator<Item = Entity> {
    Entity::ALL.iter().copied().filter(|entity| entity.is_numbered())
}

/// Reads the number that was given last, for each numbered entity.
fn numbers() -> String {
    let number = |entity: Entity| {
        let table = entity.table();
        format!("(SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {{}}.{table}_number_seq)")
    };
    format!("SELECT {}", numbered().map(number).collect::<Vec<_>>().join(", "))
}

/// Whether the set is answered by a single statement, which has a moment of its own.
fn is_one_statement(set: &ReadSet) -> bool {
    let ReadSet { get, find, scan, follow, history, log, counts, numbers, feed, used, at_least: _ } = set;
    let got = fetch::by_entity(get.iter().copied()).len();
    let asked = [history.is_some(), log.is_some(), *numbers, used.is_some()];
    let others = find.len() + counts.len() + asked.into_iter().filter(|asked| *asked).count();
    scan.is_none() && follow.is_empty() && feed.is_none() && got + others <= 1
}

async fn answer(desk: &Desk, connection: &mut PgConnection, set: &ReadSet) -> Result<Answers, Fault> {
    // One server has every commit that it acknowledged, so `at_least` asks for nothing.
    let ReadSet { get, find: wanted, scan, follow, history: entries, log, counts, numbers, feed, used, at_least: _ } =
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
    let named = named(follow, &answers);
    answers.followed = fetch::rows(desk, connection, named).await?.into_values().collect();
    if let Some(query) = entries {
        answers.history = history::page(desk, connection, query).await?;
    }
    if let Some(query) = log {
        answers.log = history::log(desk, connection, query).await?;
    }
    for query in counts {
        answers.counts.push(count(desk, connection, query).await?);
    }
    if *numbers {
        answers.numbers = last_numbers(desk, connection).await?;
    }
    if let Some(query) = feed {
        answers.feed = Some(feed::page(desk, connection, query).await?);
    }
    if let Some((actor, key)) = used {
        answers.used = remember::known(desk, connection, *actor, key).await?;
    }
    Ok(answers)
}

/// What the rows that were got, found and scanned name by the relations.
fn named(follow: &[Relation], answers: &Answers) -> HashSet<Key> {
    let page = answers.scanned.iter().flat_map(|scanned| &scanned.rows);
    let rows = answers.got.iter().chain(&answers.found).flatten().chain(page);
    let named = rows.flat_map(|row| {
        let asked = relations_from(row.entity()).filter(|spec| follow.contains(&spec.relation));
        asked.filter_map(|spec| row.value(spec.field).as_id().map(|id| Key { entity: spec.to, id }))
    });
    named.collect()
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

async fn last_numbers(desk: &Desk, connection: &mut PgConnection) -> Result<Vec<(Entity, u32)>, Fault> {
    let row = desk.reads.numbers.query().fetch_one(connection).await?;
    let number = |(place, entity)| {
        let number: i64 = row.try_get(place)?;
        let number =
            u32::try_from(number).map_err(|_| desk.damaged(format!("the numbers of {entity} leave their range")));
        Ok((entity, number?))
    };
    numbered().enumerate().map(number).collect()
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
