//! What is loaded: a whole desk, as rows in memory, and for bsm the same desk as its export.
//!
//! It is read from a filled schema, so that all contenders load the same rows.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value as Json;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use crate::deed::Outcome;
use crate::desk::{self, Script};

/// What kind of value a column holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// An id, or none.
    Id,
    /// Text, or none.
    Text,
    /// A moment, or none.
    Time,
    /// Yes or no.
    Bool,
    /// A small number.
    Small,
    /// A number.
    Int,
    /// An amount.
    Decimal,
    /// JSON.
    Json,
}

/// A value of a row.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'a> {
    Id(Option<Uuid>),
    Text(Option<&'a str>),
    Time(Option<DateTime<Utc>>),
    Bool(bool),
    Small(i16),
    Int(i64),
    Decimal(Decimal),
    Json(&'a Json),
}

/// Rows of one table.
pub trait Loaded: Sized {
    /// The table.
    const TABLE: &'static str;
    /// Its columns.
    const COLUMNS: &'static [&'static str];
    /// What they hold.
    const KINDS: &'static [Kind];

    /// The row's values, in the order of the columns.
    fn cells(&self) -> Vec<Cell<'_>>;

    /// The row that was read.
    fn from_row(row: &Row) -> Self;
}

macro_rules! cell {
    (Id, Option<Uuid>, $value:expr) => {
        Cell::Id($value)
    };
    (Id, Uuid, $value:expr) => {
        Cell::Id(Some($value))
    };
    (Text, Option<String>, $value:expr) => {
        Cell::Text($value.as_deref())
    };
    (Text, String, $value:expr) => {
        Cell::Text(Some(&$value))
    };
    (Time, Option<DateTime<Utc>>, $value:expr) => {
        Cell::Time($value)
    };
    (Time, DateTime<Utc>, $value:expr) => {
        Cell::Time(Some($value))
    };
    (Json, $kind:ty, $value:expr) => {
        Cell::Json(&$value)
    };
    ($kind:ident, $type:ty, $value:expr) => {
        Cell::$kind($value)
    };
}

macro_rules! loaded {
    ($($(#[$meta:meta])* $name:ident of $table:literal { $($column:ident: $kind:ident [$($type:tt)+]),+ $(,)? })+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name { $(pub $column: $($type)+),+ }

        impl Loaded for $name {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [&'static str] = &[$(stringify!($column)),+];
            const KINDS: &'static [Kind] = &[$(Kind::$kind),+];

            fn cells(&self) -> Vec<Cell<'_>> {
                vec![$(cell!($kind, $($type)+, self.$column)),+]
            }

            fn from_row(row: &Row) -> Self {
                Self { $($column: row.get(stringify!($column))),+ }
            }
        }
    )+};
}

loaded! {
    /// A user.
    User of "users" {
        id: Id [Uuid], created_at: Time [DateTime<Utc>], full_name: Text [String], email: Text [String], role: Text [String],
        active: Bool [bool], external_ref: Text [Option<String>], version: Int [i64], updated_at: Time [DateTime<Utc>],
    }
    /// A service.
    Service of "customer_services" {
        id: Id [Uuid], created_at: Time [DateTime<Utc>], name: Text [String], description: Text [String],
        category: Text [String], price: Decimal [Decimal], currency: Text [String], needs_approval: Bool [bool],
        active: Bool [bool], version: Int [i64], updated_at: Time [DateTime<Utc>],
    }
    /// A rating.
    Rating of "customer_ratings" {
        id: Id [Uuid], created_at: Time [DateTime<Utc>], service_id: Id [Uuid], customer_id: Id [Uuid],
        rating: Small [i16], review: Text [String], version: Int [i64], updated_at: Time [DateTime<Utc>],
    }
    /// A request.
    Request of "customer_service_requests" {
        id: Id [Uuid], created_at: Time [DateTime<Utc>], number: Int [i64], service_id: Id [Uuid], customer_id: Id [Uuid],
        details: Text [String], status: Text [String], needs_approval: Bool [bool], price: Decimal [Decimal],
        currency: Text [String], scheduled_for: Time [Option<DateTime<Utc>>], fulfilled_at: Time [Option<DateTime<Utc>>],
        ticket_id: Id [Option<Uuid>], rating_id: Id [Option<Uuid>], rated: Bool [bool],
        external_ref: Text [Option<String>], version: Int [i64], updated_at: Time [DateTime<Utc>],
    }
    /// A ticket.
    Ticket of "tickets" {
        id: Id [Uuid], created_at: Time [DateTime<Utc>], number: Int [i64], title: Text [String], description: Text [String],
        status: Text [String], impact: Text [String], urgency: Text [String], priority: Text [String],
        priority_overridden: Bool [bool], category: Text [Option<String>], subcategory: Text [Option<String>],
        channel: Text [String], assignment_group: Text [Option<String>], assigned_to: Id [Option<Uuid>],
        created_by: Id [Uuid], requested_for: Id [Option<Uuid>], request_id: Id [Option<Uuid>],
        follow_up_of: Id [Option<Uuid>], reopen_count: Int [i64], resolved_at: Time [Option<DateTime<Utc>>],
        closed_at: Time [Option<DateTime<Utc>>], external_ref: Text [Option<String>], version: Int [i64],
        updated_at: Time [DateTime<Utc>],
    }
    /// An entry of history.
    History of "history" {
        entity: Text [String], row_id: Id [Uuid], version: Int [i64], action: Text [String], actor: Id [Option<Uuid>],
        occurred_at: Time [DateTime<Utc>], recorded_at: Time [DateTime<Utc>], subject: Id [Option<Uuid>],
        changes: Json [Json],
    }
}

/// A whole desk.
#[derive(Clone, Debug)]
pub struct Bulk {
    pub users: Vec<User>,
    pub services: Vec<Service>,
    pub ratings: Vec<Rating>,
    pub requests: Vec<Request>,
    pub tickets: Vec<Ticket>,
    pub history: Vec<History>,
    /// Counts them, when all are there.
    pub count: String,
    /// The desk as bsm exports it.
    pub export: String,
}

impl Bulk {
    /// Reads what stands in `schema`; it is to be loaded into `into`.
    pub async fn read(client: &Client, url: &str, schema: &str, into: &str) -> Outcome<Self> {
        Ok(Self {
            users: all(client, schema).await?,
            services: all(client, schema).await?,
            ratings: all(client, schema).await?,
            requests: all(client, schema).await?,
            tickets: all(client, schema).await?,
            history: all(client, schema).await?,
            count: Script::COUNT.text(into, &[]),
            export: desk::export(url, schema).await?,
        })
    }

    /// How many rows and entries of history it has.
    pub fn size(&self) -> usize {
        self.users.len()
            + self.services.len()
            + self.ratings.len()
            + self.requests.len()
            + self.tickets.len()
            + self.history.len()
    }
}

async fn all<T: Loaded>(client: &Client, schema: &str) -> Outcome<Vec<T>> {
    let order = if T::TABLE == "history" { "entity, row_id" } else { "id" };
    let select = format!("SELECT {} FROM {schema}.{} ORDER BY {order}", T::COLUMNS.join(", "), T::TABLE);
    Ok(client.query(&select, &[]).await?.iter().map(T::from_row).collect())
}

/// Rows as lines of `COPY`'s text form, begun anew with each call for as many as fit into `most` bytes.
pub fn lines<'a, T: Loaded + 'a>(rows: &mut impl Iterator<Item = &'a T>, most: usize) -> Option<String> {
    let mut text = String::with_capacity(most + 4_096);
    while text.len() < most {
        let Some(row) = rows.next() else { break };
        line(row, &mut text);
    }
    (!text.is_empty()).then_some(text)
}

fn line<T: Loaded>(row: &T, text: &mut String) {
    for (place, cell) in row.cells().into_iter().enumerate() {
        if place > 0 {
            text.push('\t');
        }
        // Writing to a string does not fail.
        let written = match cell {
            Cell::Id(None) | Cell::Text(None) | Cell::Time(None) => text.write_str("\\N"),
            Cell::Id(Some(id)) => write!(text, "{id}"),
            Cell::Text(Some(value)) => {
                escape(value, text);
                Ok(())
            }
            Cell::Time(Some(at)) => write!(text, "{}", at.format("%Y-%m-%d %H:%M:%S%.6fZ")),
            Cell::Bool(value) => text.write_str(if value { "t" } else { "f" }),
            Cell::Small(value) => write!(text, "{value}"),
            Cell::Int(value) => write!(text, "{value}"),
            Cell::Decimal(value) => write!(text, "{value}"),
            Cell::Json(value) => {
                escape(&value.to_string(), text);
                Ok(())
            }
        };
        debug_assert!(written.is_ok());
    }
    text.push('\n');
}

fn escape(value: &str, text: &mut String) {
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_for_copy() {
        let mut text = String::new();
        escape("a\tb\\c\nd", &mut text);
        assert_eq!(text, "a\\tb\\\\c\\nd");
    }
}
