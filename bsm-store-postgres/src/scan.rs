//! A page of rows: the merge of some branches by id. Part of answering a read set.
//!
//! The server merges: each branch is a run of an index, in the order of ids, and the merge of them is read only as far as
//! the page needs, and never further than the budget. Which rows pass is asked of every row on the way, so that those
//! that don't are counted. The page is a table of its own within the statement, of which the rows that it names are told,
//! too.

use bsm_core::Error;
use bsm_core::model::{Entity, Key, Row};
use bsm_core::schema::Column;
use bsm_core::store::{Branch, Condition, Order, Scan, Scanned};
use uuid::Uuid;

use crate::fault::Fault;
use crate::names::sql_type;
use crate::query::Parameter;
use crate::record;
use crate::store::Desk;
use crate::wide::{Columns, Slot, Told, Wide, Widths};

/// What the page is called within its statement.
const NAME: &str = "page";

/// A page that is asked for.
#[derive(Debug)]
pub(crate) struct Page<'s> {
    scan: &'s Scan,
    /// How many columns of each kind its rows have. Behind them stands what places them.
    widths: Widths,
}

/// A place that was reached: a row that passes, or the last that was looked at.
#[derive(Debug)]
pub(crate) struct Place {
    key: Key,
    row: Option<Row>,
    /// How many rows were looked at up to here.
    examined: usize,
    /// Whether a row lies behind.
    more: bool,
}

/// What a branch asks of its rows, and their columns.
struct Run {
    branch: usize,
    table: String,
    stands: String,
    passes: String,
    columns: Columns,
}

impl<'s> Page<'s> {
    /// Adds a page to a statement; `None` if no row can stand in any branch. The budget is part of the text, so that the
    /// planner knows how little is read.
    pub(crate) fn add(desk: &Desk, wide: &mut Wide<'_>, tag: i64, scan: &'s Scan) -> Result<Option<Self>, Error> {
        let Some((from, to)) = scan.ids() else { return Ok(None) };
        let mut page = Self { scan, widths: Widths::default() };
        let mut runs = Vec::with_capacity(scan.branches.len());
        for (branch, of) in scan.branches.iter().enumerate() {
            let Some(stands) = stands(desk, wide, of)? else { continue };
            let (entity, passes) = (of.index.entity, passes(wide, of));
            let columns = record::row_columns(entity);
            page.widths.grow(columns.widths());
            runs.push(Run { branch, table: desk.names.table(entity).name.clone(), stands, passes, columns });
        }
        if runs.is_empty() {
            return Ok(None);
        }
        let direction = match scan.order {
            Order::NewestFirst => "DESC",
            Order::OldestFirst => "ASC",
        };
        let (limit, budget) = if page.is_nothing() { (1, 1) } else { (scan.limit, scan.budget) };
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let budget = number(budget);
        // One more, to know whether something lies behind.
        let most = budget.saturating_add(1);
        let within = within(wide, scan.order, from, to);
        let limit = wide.given(Parameter::Int(number(limit)), "bigint");
        let runs = runs.iter().enumerate().map(|(nth, Run { branch, table, stands, passes, columns })| {
            let columns = columns.filled(page.widths, nth == 0);
            format!(
                "(SELECT {branch}::bigint AS branch, {passes} AS passes, {columns} FROM {table} \
                 WHERE {stands}{within} ORDER BY id {direction} LIMIT {most})"
            )
        });
        let (runs, id) = (runs.collect::<Vec<_>>().join(" UNION ALL "), Slot::Id.name(0));
        let text = format!(
            "SELECT * FROM (SELECT *, row_number() OVER way AS place, lead({id}) OVER way IS NOT NULL AS more \
             FROM (SELECT * FROM ({runs}) AS runs ORDER BY {id} {direction} LIMIT {most}) AS looked_at \
             WINDOW way AS (ORDER BY {id} {direction})) AS placed \
             WHERE place <= {budget} AND (passes OR place = {budget} OR NOT more) ORDER BY {id} {direction} LIMIT {limit}"
        );
        wide.with(NAME, &text);
        let mut columns = page.widths.names();
        columns.0.push((Slot::Int, "branch".into()));
        columns.0.push((Slot::Int, "place".into()));
        columns.0.push((Slot::Bool, "passes".into()));
        columns.0.push((Slot::Bool, "more".into()));
        wide.part(tag, columns, format!("FROM {NAME}"));
        Ok(Some(page))
    }

    /// A page of nothing, or at no cost, says only whether there is something.
    fn is_nothing(&self) -> bool {
        self.scan.limit == 0 || self.scan.budget == 0
    }

    /// Where the page's rows of each entity lie, for other parts of the statement to read what they name.
    pub(crate) fn sources(&self) -> Vec<(Entity, String)> {
        let branches = self.scan.branches.iter().enumerate().filter(|_| !self.is_nothing());
        let source =
            |(branch, of): (usize, &Branch)| (of.index.entity, format!("{NAME} WHERE passes AND branch = {branch}"));
        branches.map(source).collect()
    }

    /// A place of the page.
    pub(crate) fn place(&self, desk: &Desk, told: Told<'_>) -> Result<Place, Fault> {
        let damaged = || desk.damaged("a page comes from no branch".to_owned());
        let (ints, bools) = (self.widths.of(Slot::Int), self.widths.of(Slot::Bool));
        let branch = usize::try_from(told.get::<i64>(Slot::Int, ints)?).ok();
        let branch = branch.and_then(|branch| self.scan.branches.get(branch)).ok_or_else(damaged)?;
        let entity = branch.index.entity;
        let passes: bool = told.get(Slot::Bool, bools)?;
        let is_returned = passes && !self.is_nothing();
        Ok(Place {
            key: Key { entity, id: told.get(Slot::Id, 0)? },
            row: is_returned.then(|| record::from_columns(&desk.name, entity, told)).transpose()?,
            examined: usize::try_from(told.get::<i64>(Slot::Int, ints + 1)?).map_err(|_| damaged())?,
            more: told.get(Slot::Bool, bools + 1)?,
        })
    }

    /// The answer, of its places in whatever order.
    pub(crate) fn answer(&self, mut places: Vec<Place>) -> Scanned {
        places.sort_unstable_by_key(|place| place.examined);
        let Some(last) = places.last() else { return Scanned::default() };
        if self.is_nothing() {
            return Scanned { resume: self.scan.after, ..Scanned::default() };
        }
        let (examined, resume) = (last.examined, last.more.then_some(last.key.id));
        Scanned { rows: places.into_iter().filter_map(|place| place.row).collect(), resume, examined }
    }
}

/// The ids between which it looks. An end that nothing lies behind is left out where the page ends anyway: of a range with
/// two ends that it does not know the planner thinks that it holds hardly a row. In a table that it believes to be small, it
/// then takes the primary key for as good as the index that is meant.
fn within(wide: &mut Wide<'_>, order: Order, from: Uuid, to: Uuid) -> String {
    let mut end = |sign, id| {
        let id = wide.given(Parameter::Id(id), "uuid");
        format!("id {sign} {}", wide.sought(&id))
    };
    match order {
        Order::NewestFirst if from.is_nil() => end("<=", to),
        Order::OldestFirst if to.is_max() => end(">=", from),
        _ => format!("{} AND {}", end(">=", from), end("<=", to)),
    }
}

/// What a row of the branch must have to stand in it; `None` if no row can.
fn stands(desk: &Desk, wide: &mut Wide<'_>, branch: &Branch) -> Result<Option<String>, Error> {
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
        let given = given(wide, column, text);
        // The first field decides that this index is used.
        let sought = if place == 0 { wide.sought(&given) } else { given };
        all.push(format!("{field} = {sought} AND "));
    }
    Ok(Some(all.concat()))
}

/// Whether a row of the branch is let through, as an expression that is never null.
fn passes(wide: &mut Wide<'_>, branch: &Branch) -> String {
    let conditions = branch.conditions.iter().map(|condition| passes_one(wide, branch, condition));
    let all: Vec<String> = conditions.collect();
    if all.is_empty() { "true".to_owned() } else { all.join(" AND ") }
}

fn passes_one(wide: &mut Wide<'_>, branch: &Branch, Condition { field, value }: &Condition) -> String {
    let column = record::column(branch.index.entity, *field);
    match (column, value.is_null()) {
        // A field that the entity lacks is empty.
        (None, empty) => empty.to_string(),
        (Some(_), true) => format!("{field} IS NULL"),
        (Some(column), false) => match record::comparable(column, value) {
            Some(text) => format!("{field} IS NOT DISTINCT FROM {}", given(wide, column, text)),
            None => "false".to_owned(),
        },
    }
}

/// The place of a value that is compared with a column.
fn given(wide: &mut Wide<'_>, column: Column, text: String) -> String {
    wide.given(Parameter::Text(text), sql_type(column))
}
