//! Answers a read set as of one moment, by one statement. Writes nothing, but that events of the feed are given their
//! positions before it is read: a set that reads the feed is a transaction whose snapshot stays, of which that statement is a
//! part.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bsm_core::Result;
use bsm_core::model::{Entity, Row};
use bsm_core::schema::{Field, uniques};
use bsm_core::store::{Answers, FeedQuery, Order, ReadSet, UniqueValue};
use sqlx::PgConnection;

use crate::counts::{self, Counts};
use crate::fault::Fault;
use crate::fetch::{self, Rows, Wanted};
use crate::mark::{self, Mark, Needed};
use crate::pool::Pool;
use crate::replica::Replicas;
use crate::scan::{Page, Place};
use crate::store::Desk;
use crate::together::{self, Get, Side};
use crate::wide::{Asked, Told, Wide};
use crate::{feed, history, record, remember};

/// Begins a read: what the first statement sees, all of them see.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The same for a read that gives positions itself.
const BEGIN_GIVING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE";

/// The parts that are no rows. Those that are have their entities' codes.
const PAGE: i64 = 1000;
const HISTORY: i64 = 1001;
const LOG: i64 = 1002;
const COUNT: i64 = 1003;
const NUMBER: i64 = 1004;
const USED: i64 = 1005;

/// Answers everything in `set`.
pub(crate) async fn read(desk: &Arc<Desk>, set: &ReadSet) -> Result<Answers, Fault> {
    if let Some(get) = Get::only(set) {
        let rows = together::rows(desk, Side::Primary, get).await?.ok_or_else(|| incomplete(desk))?;
        return of_rows(desk, set, &rows);
    }
    if let Some(query) = &set.feed {
        // In a box, since it takes more room than all other reads, whose futures would move it about.
        return Box::pin(read_feed(desk, set, query)).await;
    }
    let answers = ask(desk, &desk.pool, set, Needed::default()).await?;
    answers.ok_or_else(|| incomplete(desk))
}

/// Answers everything in `set`, which reads no feed, at a replica; `None` if that has not all that the read must see.
pub(crate) async fn at_replica(
    desk: &Arc<Desk>,
    replicas: &Replicas,
    set: &ReadSet,
    stamp: Option<Mark>,
) -> Result<Option<Answers>, Fault> {
    if let Some(get) = Get::only(set) {
        let rows = together::rows(desk, Side::Replica, get.seeing(stamp)).await?;
        return rows.map(|rows| of_rows(desk, set, &rows)).transpose();
    }
    match replicas.needed(stamp) {
        Some(needed) => ask(desk, &replicas.pool, set, needed).await,
        None => Ok(None),
    }
}

/// Answers a set by rows that were fetched.
fn of_rows(desk: &Desk, set: &ReadSet, rows: &Rows) -> Result<Answers, Fault> {
    let question = Question { set, page: None, counts: Counts::default(), needed: Needed::default() };
    Ok(question.answers(desk, rows, question.silence())?)
}

/// Asks by one statement; `None` if what is needed is not there.
async fn ask(desk: &Desk, pool: &Pool, set: &ReadSet, needed: Needed) -> Result<Option<Answers>, Fault> {
    let (question, asked) = Question::of(desk, set, needed)?;
    // Nothing to ask needs no connection.
    let Some(asked) = asked else { return Ok(Some(question.answers(desk, &Rows::default(), question.silence())?)) };
    let mut connection = pool.acquire().await?;
    let answers = question.ask(desk, &mut connection, asked).await?;
    connection.done();
    Ok(answers)
}

/// Nothing is needed of the primary, so it lacks nothing.
fn incomplete(desk: &Desk) -> Fault {
    desk.damaged("it lacks what was not asked for".to_owned()).into()
}

/// Answers a set that reads the feed.
async fn read_feed(desk: &Desk, set: &ReadSet, query: &FeedQuery) -> Result<Answers, Fault> {
    if query.rows {
        return read_with_feed(desk, set).await;
    }
    feed::position::give(desk, &desk.pool).await?;
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

async fn answer(desk: &Desk, connection: &mut PgConnection, set: &ReadSet) -> Result<Answers, Fault> {
    let (question, asked) = Question::of(desk, set, Needed::default())?;
    let mut answers = match asked {
        Some(asked) => question.ask(desk, connection, asked).await?.ok_or_else(|| incomplete(desk))?,
        None => question.answers(desk, &Rows::default(), question.silence())?,
    };
    if let Some(query) = &set.feed {
        answers.feed = Some(feed::page(desk, connection, query).await?);
    }
    Ok(answers)
}

/// A read set, but for its feed, and what is needed to understand the answer.
struct Question<'s> {
    set: &'s ReadSet,
    page: Option<Page<'s>>,
    counts: Counts,
    needed: Needed,
}

/// What the server said, part by part.
#[derive(Default)]
struct Heard {
    answers: Answers,
    places: Vec<Place>,
    /// How much of what is needed is there.
    seen: i64,
}

impl<'s> Question<'s> {
    /// Puts a read set as one statement; `None` if there is nothing to ask.
    fn of(desk: &Desk, set: &'s ReadSet, needed: Needed) -> Result<(Self, Option<Asked>)> {
        // The primary has every commit that it acknowledged, so `at_least` asks it for nothing; what it asks of a replica
        // is in what is needed.
        let ReadSet { get, find, scan, follow, history, log, counts, numbers, used, feed: _, at_least: _, current: _ } =
            set;
        let mut wide = Wide::new(&desk.names);
        let mut wanted = Wanted { follow: follow.clone(), ..Wanted::by_key(get.iter().copied()) };
        for UniqueValue { entity, field, value } in find {
            let column = record::column(*entity, *field).filter(|_| uniques(*entity).contains(field));
            let column = column.ok_or_else(|| desk.unsupported("finding a row by a field that is not unique"))?;
            if let Some(text) = record::comparable(column, value) {
                wanted.find.entry((*entity, *field)).or_default().push(text);
            }
        }
        let page = scan.as_ref().map(|scan| Page::add(desk, &mut wide, PAGE, scan)).transpose()?.flatten();
        wanted.add(desk, &mut wide, page.as_ref());
        if let Some(query) = history {
            history::add_page(desk, &mut wide, HISTORY, query);
        }
        if let Some(query) = log {
            history::add_log(desk, &mut wide, LOG, query);
        }
        let counts = Counts::add(desk, &mut wide, COUNT, counts)?;
        if *numbers {
            counts::add_numbers(desk, &mut wide, NUMBER);
        }
        if let Some((actor, key)) = used {
            remember::add(desk, &mut wide, USED, *actor, key);
        }
        if !wide.is_empty() {
            needed.add(desk, &mut wide);
        }
        Ok((Self { set, page, counts, needed }, wide.finish()))
    }

    /// `None` if what is needed is not there.
    async fn ask(&self, desk: &Desk, connection: &mut PgConnection, asked: Asked) -> Result<Option<Answers>, Fault> {
        let layout = asked.layout;
        let (mut rows, mut heard) = (Rows::default(), self.silence());
        for row in asked.query().fetch_all(connection).await? {
            self.hear(desk, &mut rows, &mut heard, Told::new(&row, layout))?;
        }
        if !self.needed.is_seen(heard.seen) {
            return Ok(None);
        }
        Ok(Some(self.answers(desk, &rows, heard)?))
    }

    /// What is heard before the server says anything.
    fn silence(&self) -> Heard {
        let counts = vec![Vec::new(); self.set.counts.len()];
        Heard { answers: Answers { counts, ..Answers::default() }, ..Heard::default() }
    }

    fn hear(&self, desk: &Desk, rows: &mut Rows, heard: &mut Heard, told: Told<'_>) -> Result<(), Fault> {
        let answers = &mut heard.answers;
        match (told.tag()?, &self.page) {
            (PAGE, Some(page)) => heard.places.push(page.place(desk, told)?),
            (HISTORY, _) => answers.history.push(history::entry(desk, told)?),
            (LOG, _) => answers.log.push(history::entry(desk, told)?),
            (COUNT, _) => self.counts.take(desk, &mut answers.counts, told)?,
            (NUMBER, _) => answers.numbers.push(counts::number(desk, told)?),
            (mark::SEEN, _) => heard.seen += Needed::counted(told)?,
            (USED, _) => answers.used = Some(remember::told(desk, told)?),
            _ => rows.take(desk, told)?,
        }
        Ok(())
    }

    /// Puts what was heard into the order of the set.
    fn answers(&self, desk: &Desk, rows: &Rows, heard: Heard) -> Result<Answers> {
        let Heard { mut answers, places, seen: _ } = heard;
        let ReadSet { get, find, scan, follow, history, .. } = self.set;
        answers.got = get.iter().map(|key| Ok(rows.get(desk, *key)?.cloned())).collect::<Result<_>>()?;
        answers.found = found(desk, find, rows)?;
        answers.scanned = scan.as_ref().map(|_| self.page.as_ref().map(|page| page.answer(places)).unwrap_or_default());
        let page = answers.scanned.iter().flat_map(|scanned| &scanned.rows);
        let named = fetch::named(follow, answers.got.iter().chain(&answers.found).flatten().chain(page));
        let named = named.into_iter().map(|key| rows.get(desk, key).map(Option::<&Row>::cloned));
        answers.followed = named.filter_map(Result::transpose).collect::<Result<_>>()?;
        answers.history.sort_unstable_by_key(|entry| entry.version);
        if history.is_some_and(|query| query.order == Order::NewestFirst) {
            answers.history.reverse();
        }
        answers.log.sort_unstable_by_key(|entry| (entry.key.id, entry.version));
        answers.numbers.sort_unstable();
        Ok(answers)
    }
}

/// The rows that have the values.
fn found(desk: &Desk, find: &[UniqueValue], rows: &Rows) -> Result<Vec<Option<Row>>> {
    if find.is_empty() {
        return Ok(Vec::new());
    }
    let fields: BTreeSet<(Entity, Field)> = find.iter().map(|value| (value.entity, value.field)).collect();
    let mut holders: HashMap<(Field, String), Vec<&Row>> = HashMap::new();
    for row in rows.all(desk)? {
        for (_, field) in fields.iter().filter(|(entity, _)| *entity == row.entity()) {
            if let Some(text) = row.value(*field).to_text() {
                holders.entry((*field, text)).or_default().push(row);
            }
        }
    }
    let holder = |wanted: &UniqueValue| {
        let text = wanted.value.to_text()?;
        let mut holders = holders.get(&(wanted.field, text))?.iter();
        let fits = |row: &&&Row| row.entity() == wanted.entity && row.value(wanted.field) == wanted.value;
        holders.find(fits).map(|row| (*row).clone())
    };
    Ok(find.iter().map(holder).collect())
}

#[cfg(test)]
mod tests;
