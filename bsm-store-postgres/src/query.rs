//! A statement with what it is given, on its way to the server.
//!
//! There are two ways. To a server a statement goes **prepared**: once for each connection, and after that its parameters
//! alone. A pooler in transaction mode gives a server's connection to somebody else as soon as the server is ready for the
//! next message, so there what one message prepared is somebody else's, or nobody's, when the next one comes. To a pooler a
//! statement goes **whole**, as one message that leaves nothing behind: its parameters are written into it.
//!
//! What is written there stands in quotes as libpq's `PQescapeLiteral` writes them, and says its type. So the server takes it
//! for what it would take the parameter for, however it is set. Answers come as text then, of which every kind of column that
//! we ask for can be read; arrays of texts as [`Texts`].

mod texts;

use std::fmt::{self, Write as _};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use rust_decimal::Decimal;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Postgres};
use uuid::Uuid;

pub(crate) use texts::Texts;

/// How statements go to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Prepared once, with the parameters beside it.
    Prepared,
    /// As one message, through a pooler.
    Whole,
}

/// A parameter of a statement.
#[derive(Clone, Debug)]
pub(crate) enum Parameter {
    Id(Uuid),
    Ids(Vec<Uuid>),
    Int(i64),
    Ints(Vec<i64>),
    Text(String),
    Texts(Vec<String>),
    Bytes(Vec<u8>),
    Time(DateTime<Utc>),
    Decimals(Vec<Decimal>),
}

impl Parameter {
    /// What the server calls it.
    pub(crate) const fn sql_type(&self) -> &'static str {
        match self {
            Self::Id(_) => "uuid",
            Self::Ids(_) => "uuid[]",
            Self::Int(_) => "bigint",
            Self::Ints(_) => "bigint[]",
            Self::Text(_) => "text",
            Self::Texts(_) => "text[]",
            Self::Bytes(_) => "bytea",
            Self::Time(_) => "timestamptz",
            Self::Decimals(_) => "numeric[]",
        }
    }

    /// Writes it as SQL text; false if no text can hold it, since it has the character NUL.
    pub(crate) fn write(&self, text: &mut String) -> bool {
        let is_written = match self {
            Self::Id(id) => quote(text, &id.to_string()),
            Self::Ids(ids) => quote(text, &array(ids)),
            Self::Int(number) => quote(text, &number.to_string()),
            Self::Ints(numbers) => quote(text, &array(numbers)),
            Self::Text(given) => quote(text, given),
            Self::Texts(given) => quote(text, &array_of_texts(given)),
            Self::Bytes(bytes) => {
                let mut hex = "\\x".to_owned();
                for byte in bytes {
                    put(&mut hex, format_args!("{byte:02x}"));
                }
                quote(text, &hex)
            }
            Self::Time(time) => quote(text, &time.to_rfc3339_opts(SecondsFormat::Micros, true)),
            Self::Decimals(numbers) => quote(text, &array(numbers)),
        };
        put(text, format_args!("::{}", self.sql_type()));
        is_written
    }
}

/// Writes a text in quotes, which are doubled in it, as are backslashes where there are any. A server to which it was said
/// that backslashes mean nothing takes it as the same text as one to which it was not.
fn quote(text: &mut String, given: &str) -> bool {
    // A word before it would make the E its own.
    text.push_str(if given.contains('\\') { " E'" } else { "'" });
    for letter in given.chars() {
        if letter == '\'' || letter == '\\' {
            text.push(letter);
        }
        text.push(letter);
    }
    text.push('\'');
    !given.contains('\0')
}

/// An array of what needs no quotes.
fn array(given: &[impl fmt::Display]) -> String {
    let mut text = "{".to_owned();
    for (nth, one) in given.iter().enumerate() {
        put(&mut text, format_args!("{}{one}", if nth == 0 { "" } else { "," }));
    }
    text.push('}');
    text
}

/// Texts as the server writes an array of them.
pub(crate) fn array_of_texts<T: AsRef<str>>(given: impl IntoIterator<Item = T>) -> String {
    let mut text = "{".to_owned();
    for one in given {
        if text.len() > 1 {
            text.push(',');
        }
        text.push('"');
        for letter in one.as_ref().chars() {
            if letter == '"' || letter == '\\' {
                text.push('\\');
            }
            text.push(letter);
        }
        text.push('"');
    }
    text.push('}');
    text
}

fn put(text: &mut String, more: fmt::Arguments<'_>) {
    // Writing to a string never fails.
    let _ = text.write_fmt(more);
}

macro_rules! parameters {
    ($($variant:ident: $type:ty),* $(,)?) => {
        $(impl From<$type> for Parameter {
            fn from(given: $type) -> Self {
                Self::$variant(given)
            }
        })*
    };
}

parameters! {
    Id: Uuid, Ids: Vec<Uuid>, Int: i64, Ints: Vec<i64>, Text: String, Texts: Vec<String>, Bytes: Vec<u8>, Time: DateTime<Utc>,
    Decimals: Vec<Decimal>,
}

impl From<&str> for Parameter {
    fn from(given: &str) -> Self {
        Self::Text(given.to_owned())
    }
}

impl From<Vec<&str>> for Parameter {
    fn from(given: Vec<&str>) -> Self {
        Self::Texts(given.into_iter().map(str::to_owned).collect())
    }
}

/// A statement with its parameters.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    text: Arc<str>,
    way: Way,
    parameters: Vec<Parameter>,
    is_kept: bool,
}

impl Query {
    /// A statement whose places `$1`, `$2`, … these parameters take.
    pub(crate) const fn new(text: Arc<str>, way: Way, parameters: Vec<Parameter>) -> Self {
        Self { text, way, parameters, is_kept: true }
    }

    /// With one more parameter.
    pub(crate) fn bind(mut self, given: impl Into<Parameter>) -> Self {
        self.parameters.push(given.into());
        self
    }

    /// Asked once, so no connection need remember it.
    pub(crate) fn once(mut self) -> Self {
        self.is_kept = false;
        self
    }

    /// Does it, and tells how many rows it wrote or found.
    pub(crate) async fn execute(self, connection: &mut PgConnection) -> Result<u64, sqlx::Error> {
        let done = match self.way {
            Way::Prepared => connection.execute(self.prepared()).await,
            Way::Whole => connection.execute(sqlx::raw_sql(AssertSqlSafe(self.whole()?))).await,
        };
        Ok(done?.rows_affected())
    }

    /// All rows of the answer.
    pub(crate) async fn fetch_all(self, connection: &mut PgConnection) -> Result<Vec<PgRow>, sqlx::Error> {
        match self.way {
            Way::Prepared => connection.fetch_all(self.prepared()).await,
            Way::Whole => connection.fetch_all(sqlx::raw_sql(AssertSqlSafe(self.whole()?))).await,
        }
    }

    /// The first row of the answer, if there is one.
    pub(crate) async fn fetch_optional(self, connection: &mut PgConnection) -> Result<Option<PgRow>, sqlx::Error> {
        match self.way {
            Way::Prepared => connection.fetch_optional(self.prepared()).await,
            Way::Whole => connection.fetch_optional(sqlx::raw_sql(AssertSqlSafe(self.whole()?))).await,
        }
    }

    /// The first row of the answer, which has one.
    pub(crate) async fn fetch_one(self, connection: &mut PgConnection) -> Result<PgRow, sqlx::Error> {
        self.fetch_optional(connection).await?.ok_or(sqlx::Error::RowNotFound)
    }

    fn prepared<'q>(self) -> sqlx::query::Query<'q, Postgres, PgArguments> {
        let query = sqlx::query(AssertSqlSafe(self.text)).persistent(self.is_kept);
        self.parameters.into_iter().fold(query, |query, parameter| match parameter {
            Parameter::Id(given) => query.bind(given),
            Parameter::Ids(given) => query.bind(given),
            Parameter::Int(given) => query.bind(given),
            Parameter::Ints(given) => query.bind(given),
            Parameter::Text(given) => query.bind(given),
            Parameter::Texts(given) => query.bind(given),
            Parameter::Bytes(given) => query.bind(given),
            Parameter::Time(given) => query.bind(given),
            Parameter::Decimals(given) => query.bind(given),
        })
    }

    /// The statement with its parameters in it. What is written for one place is not looked at for others.
    ///
    /// # Errors
    /// A text with the character NUL, which would end the message in its middle. The desk refuses such texts before.
    fn whole(&self) -> Result<String, sqlx::Error> {
        let (mut whole, mut rest) = (String::with_capacity(self.text.len()), &*self.text);
        while let Some((before, behind)) = rest.split_once('$') {
            let digits = behind.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(behind.len());
            let (number, behind) = behind.split_at(digits);
            let place = number.parse().ok().and_then(|number: usize| number.checked_sub(1));
            let given = place.and_then(|place| self.parameters.get(place));
            whole.push_str(before);
            match given.map(|given| given.write(&mut whole)) {
                Some(true) => {}
                Some(false) => return Err(sqlx::Error::Encode("a text has the character NUL".into())),
                None => return Err(sqlx::Error::Encode("a place of a statement has no parameter".into())),
            }
            rest = behind;
        }
        whole.push_str(rest);
        Ok(whole)
    }
}

#[cfg(test)]
mod tests;
