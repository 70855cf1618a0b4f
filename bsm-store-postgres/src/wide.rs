//! The wide row: one statement whose rows are of many tables.
//!
//! A statement has a moment of its own and costs one way to the server, so a read set is one statement: the `UNION ALL` of
//! its parts. For each type it has as many columns as the part that needs most of them; a part fills the first of them and
//! leaves the rest empty. Which part a row is of stands in the first column. Rows are in no order.
//!
//! What the planner is told never depends on a parameter's value (see [`Wide::given`] and [`Wide::sought`]): so the plan that
//! the server keeps for a statement is the one that it would make anew, and making it is spared.

use std::borrow::Cow;
use std::fmt::Write as _;

use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row as _, Type};

use crate::names::{Names, Statement};
use crate::query::{Parameter, Query};

/// What a column of the wide row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Id,
    Text,
    Bool,
    Int,
    Time,
    Decimal,
    Texts,
}

impl Slot {
    const ALL: [Self; 7] = [Self::Id, Self::Text, Self::Bool, Self::Int, Self::Time, Self::Decimal, Self::Texts];

    const fn sql(self) -> &'static str {
        match self {
            Self::Id => "uuid",
            Self::Text => "text",
            Self::Bool => "boolean",
            Self::Int => "bigint",
            Self::Time => "timestamptz",
            Self::Decimal => "numeric",
            Self::Texts => "text[]",
        }
    }

    /// The name of the nth of its columns, where they have names.
    pub(crate) fn name(self, nth: usize) -> String {
        format!("{}{nth}", ["i", "t", "b", "n", "m", "d", "a"][self as usize])
    }
}

/// How many columns there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Widths([usize; Slot::ALL.len()]);

impl Widths {
    pub(crate) fn of(self, slot: Slot) -> usize {
        self.0[slot as usize]
    }

    /// At least as many as the other has.
    pub(crate) fn grow(&mut self, other: Self) {
        for (mine, other) in self.0.iter_mut().zip(other.0) {
            *mine = other.max(*mine);
        }
    }

    /// All of them, by name.
    pub(crate) fn names(self) -> Columns {
        let named = Slot::ALL.iter().flat_map(|slot| (0..self.of(*slot)).map(|nth| (*slot, slot.name(nth).into())));
        Columns(named.collect())
    }
}

/// What a part of a statement gives: expressions, and what they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns(pub(crate) Vec<(Slot, Cow<'static, str>)>);

impl Columns {
    pub(crate) fn widths(&self) -> Widths {
        let mut widths = Widths::default();
        for (slot, _) in &self.0 {
            widths.0[*slot as usize] += 1;
        }
        widths
    }

    /// The columns in the order of the wide row, filled up to its widths. The first part of a `UNION ALL` says what the
    /// empty ones are, and what all are called.
    pub(crate) fn filled(&self, widths: Widths, is_first: bool) -> String {
        let mut text = String::with_capacity(16 * self.0.len());
        for slot in Slot::ALL {
            let mut own = self.0.iter().filter(|(other, _)| *other == slot).map(|(_, expression)| expression);
            for nth in 0..widths.of(slot) {
                let sign = if text.is_empty() { "" } else { ", " };
                // Writing to a string never fails.
                let _ = match (own.next(), is_first) {
                    (Some(expression), true) => write!(text, "{sign}{expression} AS {}", slot.name(nth)),
                    (Some(expression), false) => write!(text, "{sign}{expression}"),
                    (None, true) => write!(text, "{sign}NULL::{} AS {}", slot.sql(), slot.name(nth)),
                    (None, false) => write!(text, "{sign}NULL"),
                };
            }
        }
        text
    }
}

/// A statement that grows by its parts.
#[derive(Debug)]
pub(crate) struct Wide<'d> {
    names: &'d Names,
    with: Vec<String>,
    /// The tag, the columns, and what stands behind them.
    parts: Vec<(i64, Columns, String)>,
    parameters: Vec<Parameter>,
}

impl<'d> Wide<'d> {
    pub(crate) const fn new(names: &'d Names) -> Self {
        Self { names, with: Vec::new(), parts: Vec::new(), parameters: Vec::new() }
    }

    /// The place of a parameter. In a subquery the planner does not see its value.
    pub(crate) fn given(&mut self, parameter: Parameter, cast: &str) -> String {
        self.parameters.push(parameter);
        format!("(SELECT ${}::{cast})", self.parameters.len())
    }

    /// What a column is looked up by in an index; the migration says why this one is used then, however wrong the
    /// statistics are.
    pub(crate) fn sought(&self, expression: &str) -> String {
        format!("{}.bsm_sought({expression})", self.names.quoted())
    }

    /// Whether it has no parts yet.
    pub(crate) const fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Adds a table for other parts to read, which is worked out once.
    pub(crate) fn with(&mut self, name: &str, text: &str) {
        self.with.push(format!("{name} AS MATERIALIZED ({text})"));
    }

    /// Adds a part: its tag, its columns, and everything behind them, from `FROM` on.
    pub(crate) fn part(&mut self, tag: i64, columns: Columns, from: impl Into<String>) {
        self.parts.push((tag, columns, from.into()));
    }

    /// The whole statement; `None` if it has no parts.
    pub(crate) fn finish(self) -> Option<Asked> {
        let mut widths = Widths::default();
        for (_, columns, _) in &self.parts {
            widths.grow(columns.widths());
        }
        let parts = self.parts.iter().enumerate().map(|(place, (tag, columns, from))| {
            let columns = columns.filled(widths, place == 0);
            // What has an order or a limit of its own stands in parentheses.
            format!("(SELECT {tag}::bigint, {columns} {from})")
        });
        let parts: Vec<String> = parts.collect();
        if parts.is_empty() {
            return None;
        }
        let with = if self.with.is_empty() { String::new() } else { format!("WITH {} ", self.with.join(", ")) };
        let mut first = 1;
        let layout = widths.0.map(|width| {
            first += width;
            first - width
        });
        let statement = self.names.made(format!("{with}{}", parts.join(" UNION ALL ")));
        Some(Asked { statement, layout: Layout(layout), parameters: self.parameters })
    }
}

/// Where the columns of each kind begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout([usize; Slot::ALL.len()]);

/// A statement with its parameters.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) statement: Statement,
    pub(crate) layout: Layout,
    pub(crate) parameters: Vec<Parameter>,
}

impl Asked {
    /// Ready to be sent.
    pub(crate) fn query(self) -> Query {
        self.statement.given(self.parameters)
    }
}

/// One row of the answer.
#[derive(Clone, Copy)]
pub(crate) struct Told<'r> {
    row: &'r PgRow,
    layout: Layout,
}

impl<'r> Told<'r> {
    pub(crate) const fn new(row: &'r PgRow, layout: Layout) -> Self {
        Self { row, layout }
    }

    /// Which part it is of.
    pub(crate) fn tag(self) -> Result<i64, sqlx::Error> {
        self.row.try_get(0)
    }

    /// The nth of the part's columns of a kind.
    pub(crate) fn get<T: Decode<'r, Postgres> + Type<Postgres>>(
        self,
        slot: Slot,
        nth: usize,
    ) -> Result<T, sqlx::Error> {
        self.row.try_get(self.layout.0[slot as usize] + nth)
    }
}
