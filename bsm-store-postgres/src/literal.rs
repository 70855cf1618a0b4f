//! Rows as one text each: composite values as the server reads them, `(a,"b c",,"")`. They are taken apart in less time than
//! JSON is. The migration that makes the function `bsm_commit` makes their types.

use std::fmt::{self, Write as _};

use bsm_core::model::{Actor, HistoryEntry, Row, Value};
use bsm_core::schema::{Column, Field, columns};

use crate::names;
use crate::write::Event;

/// A composite value that is written column by column.
struct Literal(String);

impl Literal {
    const fn new() -> Self {
        Self(String::new())
    }

    /// The next column is empty.
    fn null(&mut self) {
        self.0.push(if self.0.is_empty() { '(' } else { ',' });
    }

    /// The next column, of what has no signs in it that mean something here.
    fn plain(&mut self, value: impl fmt::Display) {
        self.null();
        // Writing to a string never fails.
        let _ = write!(self.0, "{value}");
    }

    fn plain_or_null(&mut self, value: Option<impl fmt::Display>) {
        match value {
            None => self.null(),
            Some(value) => self.plain(value),
        }
    }

    /// The next column, whatever stands in it.
    fn text(&mut self, text: &str) {
        self.null();
        self.0.push('"');
        let mut rest = text;
        while let Some(at) = rest.find(['"', '\\']) {
            // Each of the two stands for itself when it is doubled, and both are one byte long.
            self.0.push_str(&rest[..=at]);
            self.0.push_str(&rest[at..=at]);
            rest = &rest[at + 1..];
        }
        self.0.push_str(rest);
        self.0.push('"');
    }

    fn end(mut self) -> String {
        self.0.push(')');
        self.0
    }
}

/// The columns of a row that a call writes: numbers are the server's to give.
pub(crate) fn row_columns(row: &Row) -> impl Iterator<Item = Column> {
    let all = columns(row.entity()).iter().copied();
    all.filter(|column| names::is_written(*column) && column.field != Field::Number)
}

/// A row, of the type `bsm_row_` and the table's name.
pub(crate) fn row(row: &Row) -> String {
    let mut literal = Literal::new();
    for column in row_columns(row) {
        // As `Value::to_text` has it, without a text for each.
        match row.value(column.field) {
            Value::Null => literal.null(),
            Value::Bool(value) => literal.plain(value),
            Value::Int(value) => literal.plain(value),
            Value::Token { text, .. } => literal.text(text),
            Value::Id(value) => literal.plain(value),
            Value::Text(value) => literal.text(&value),
            Value::Time(value) => literal.plain(value),
            Value::Decimal(value) => literal.plain(value),
        }
    }
    literal.end()
}

/// An entry of history, of the type `bsm_row_history`; `None` if its changes can't be told.
pub(crate) fn entry(entry: &HistoryEntry) -> Option<String> {
    let mut literal = Literal::new();
    literal.plain(entry.key.entity.as_str());
    literal.plain(entry.key.id);
    literal.plain(entry.version.0);
    literal.plain(entry.action.as_str());
    literal.plain_or_null(match entry.actor {
        Actor::System => None,
        Actor::User(user) => Some(user),
    });
    literal.plain(entry.occurred_at);
    literal.plain(entry.recorded_at);
    literal.plain_or_null(entry.subject);
    literal.text(&serde_json::to_string(&entry.changes).ok()?);
    Some(literal.end())
}

/// An event of the feed, of the type `bsm_row_feed`; `None` if its changes can't be told.
pub(crate) fn event(event: &Event) -> Option<String> {
    let mut literal = Literal::new();
    literal.plain(event.recorded_at);
    literal.text(&serde_json::to_string(&event.changes).ok()?);
    let subjects: Vec<String> = event.subjects.iter().map(ToString::to_string).collect();
    literal.text(&format!("{{{}}}", subjects.join(",")));
    Some(literal.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_holds_whatever_a_text_may_hold() {
        let mut literal = Literal::new();
        literal.null();
        literal.text("");
        literal.plain(7);
        literal.text("a \"word\", \\ (b)\n\u{e9}\\");
        literal.null();
        assert_eq!(literal.end(), "(,\"\",7,\"a \"\"word\"\", \\\\ (b)\n\u{e9}\\\\\",)");
    }
}
