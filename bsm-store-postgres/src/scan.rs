//! A page of rows: the merge of some branches by id. Part of answering a read set.
//!
//! The server merges: each branch is a run of an index, in the order of ids, and the merge of them is read only as far as
//! the page needs, and never further than the budget. Which rows pass is asked of every row on the way, so that those
//! that don't are counted. Rows are fetched by id afterwards, of the same moment.

use bsm_core::Error;
use bsm_core::model::{Key, Row};
use bsm_core::schema::Column;
use bsm_core::store::{Branch, Condition, Order, Scan, Scanned};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

use crate::fault::Fault;
use crate::names::{Statement, sql_type};
use crate::store::Desk;
use crate::{fetch, record};

/// A statement that grows, and its parameters.
#[derive(Default)]
struct Growing {
    parameters: Vec<String>,
}

impl Growing {
    /// The place of a parameter that is compared with `column`.
    fn bind(&mut self, column: Column, text: String) -> String {
        self.parameters.push(text);
        // Behind the two bounds and the limit.
        format!("${}::{}", self.parameters.len() + 3, sql_type(column))
    }

    /// What a row of the branch must have to stand in it; `None` if no row can.
    fn stands(&mut self, desk: &Desk, branch: &Branch) -> Result<Option<String>, Error> {
        let index = branch.index;
        if index.tag == 0 && branch.values.is_empty() {
            return Ok(Some(String::new()));
        }
        let fields = index.fields();
        if fields.is_empty() && index.tag != 0 {
            return Err(desk.unsupported("an index that the schema does not have"));
        }
        if fields.len() != branch.values.len() {
            return Err(desk.unsupported("a branch without a value for each field of its index"));
        }
        let mut all = Vec::with_capacity(fields.len());
        for (place, (field, value)) in fields.iter().zip(&branch.values).enumerate() {
            let Some(column) = record::column(index.entity, *field) else { return Ok(None) };
            // A row whose first field is empty does not stand in the index.
            if value.is_null() && place > 0 {
                all.push(format!("{field} IS NULL AND "));
                continue;
            }
            let Some(text) = record::comparable(column, value) else { return Ok(None) };
            let sought = self.bind(column, text);
            // The first field decides that this index is used; the migration says how.
            all.push(if place == 0 {
                format!("{field} = {}.bsm_sought({sought}) AND ", desk.names.quoted())
            } else {
                format!("{field} = {sought} AND ")
            });
        }
        Ok(Some(all.concat()))
    }

    /// Whether a row of the branch is let through, as an expression that is never null.
    fn passes(&mut self, branch: &Branch) -> String {
        let conditions = branch.conditions.iter().map(|condition| self.condition(branch, condition));
        let all: Vec<String> = conditions.collect();
        if all.is_empty() { "true".to_owned() } else { all.join(" AND ") }
    }

    fn condition(&mut self, branch: &Branch, Condition { field, value }: &Condition) -> String {
        let column = record::column(branch.index.entity, *field);
        match (column, value.is_null()) {
            // A field that the entity lacks is empty.
            (None, empty) => empty.to_string(),
            (Some(_), true) => format!("{field} IS NULL"),
            (Some(column), false) => match record::comparable(column, value) {
                Some(text) => format!("{field} IS NOT DISTINCT FROM {}", self.bind(column, text)),
                None => "false".to_owned(),
            },
        }
    }
}

/// A place that was reached: a row that passes, or the last that was looked at.
struct Place {
    key: Key,
    passes: bool,
    /// How many rows were looked at up to here.
    examined: usize,
    /// Whether a row lies behind.
    more: bool,
}

/// Answers a scan.
pub(crate) async fn scan(desk: &Desk, connection: &mut PgConnection, scan: &Scan) -> Result<Scanned, Fault> {
    // A page of nothing, or at no cost, says only whether there is something.
    let nothing = scan.limit == 0 || scan.budget == 0;
    let (limit, budget) = if nothing { (1, 1) } else { (scan.limit, scan.budget) };
    let places = places(desk, connection, scan, limit, budget).await?;
    let Some(last) = places.last() else { return Ok(Scanned::default()) };
    if nothing {
        return Ok(Scanned { resume: scan.after, ..Scanned::default() });
    }
    let (examined, resume) = (last.examined, last.more.then_some(last.key.id));
    let keys: Vec<Key> = places.iter().filter(|place| place.passes).map(|place| place.key).collect();
    let mut found = fetch::rows(desk, connection, keys.iter().copied()).await?;
    let rows: Vec<Row> = keys.iter().filter_map(|key| found.remove(key)).collect();
    Ok(Scanned { rows, resume, examined })
}

async fn places(
    desk: &Desk,
    connection: &mut PgConnection,
    scan: &Scan,
    limit: usize,
    budget: usize,
) -> Result<Vec<Place>, Fault> {
    let Some((from, to)) = scan.ids() else { return Ok(Vec::new()) };
    let Some((statement, parameters)) = statement(desk, scan, budget)? else { return Ok(Vec::new()) };
    let mut query = statement.query().bind(from).bind(to).bind(i64::try_from(limit).unwrap_or(i64::MAX));
    for text in parameters {
        query = query.bind(text);
    }
    let rows = query.fetch_all(connection).await?;
    let place = |row: &PgRow| -> Result<Place, Fault> {
        let damaged = || desk.damaged("a page comes from no branch".to_owned());
        let branch = usize::try_from(row.try_get::<i32, _>(0)?).ok().and_then(|place| scan.branches.get(place));
        let entity = branch.ok_or_else(damaged)?.index.entity;
        Ok(Place {
            key: Key { entity, id: row.try_get(1)? },
            passes: row.try_get(2)?,
            examined: usize::try_from(row.try_get::<i64, _>(3)?).map_err(|_| damaged())?,
            more: row.try_get(4)?,
        })
    };
    rows.iter().map(place).collect()
}

/// The statement that finds the places, between the ids `$1` and `$2` and at most `$3`, and its further parameters; `None`
/// if no row can stand in any branch. The budget is part of the text, so that the planner knows how little is read.
fn statement(desk: &Desk, scan: &Scan, budget: usize) -> Result<Option<(Statement, Vec<String>)>, Error> {
    let direction = match scan.order {
        Order::NewestFirst => "DESC",
        Order::OldestFirst => "ASC",
    };
    let budget = i64::try_from(budget).unwrap_or(i64::MAX);
    // One more, to know whether something lies behind.
    let most = budget.saturating_add(1);
    let mut growing = Growing::default();
    let mut runs = Vec::with_capacity(scan.branches.len());
    for (place, branch) in scan.branches.iter().enumerate() {
        let Some(stands) = growing.stands(desk, branch)? else { continue };
        let passes = growing.passes(branch);
        let table = &desk.names.table(branch.index.entity).name;
        runs.push(format!(
            "(SELECT {place} AS branch, id, {passes} AS passes FROM {table} WHERE {stands}id >= $1 AND id <= $2 \
             ORDER BY id {direction} LIMIT {most})"
        ));
    }
    if runs.is_empty() {
        return Ok(None);
    }
    let runs = runs.join(" UNION ALL ");
    let statement = Statement::new(format!(
        "SELECT branch, id, passes, place, more FROM (\
         SELECT branch, id, passes, row_number() OVER way AS place, lead(id) OVER way IS NOT NULL AS more \
         FROM (SELECT branch, id, passes FROM ({runs}) AS runs ORDER BY id {direction} LIMIT {most}) AS looked_at \
         WINDOW way AS (ORDER BY id {direction})) AS placed \
         WHERE place <= {budget} AND (passes OR place = {budget} OR NOT more) ORDER BY id {direction} LIMIT $3"
    ));
    Ok(Some((statement, growing.parameters)))
}

#[cfg(test)]
mod tests;
