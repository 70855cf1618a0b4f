//! Names and fixed statements, with the desk's schema in them. Made once, when the store is opened.
//!
//! This is the one place where a name goes into SQL text, and [`Statement`] the one way by which text becomes a
//! statement: what a caller gives is always a parameter ([`crate::query`]). Used by every room that talks to the server.

use std::sync::Arc;

use bsm_core::model::Entity;
use bsm_core::schema::{Column, Field, Kind, columns};
use bsm_core::{Error, Result};

use crate::lock::Strength;
use crate::query::{Parameter, Query, Way};

/// The schema of a desk whose address names none.
pub const DEFAULT_SCHEMA: &str = "bsm";

/// The most bytes that a name has in `PostgreSQL`.
const NAME_BYTES: usize = 63;

/// The text of a statement, made of our own words, checked names and the places of parameters.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    text: Arc<str>,
    way: Way,
}

impl Statement {
    pub(crate) fn new(text: String, way: Way) -> Self {
        Self { text: text.into(), way }
    }

    /// The statement that tells how the server did this one.
    #[cfg(test)]
    pub(crate) fn explained(&self) -> Self {
        Self::new(format!("EXPLAIN (ANALYZE, FORMAT JSON) {}", self.text), self.way)
    }

    /// The statement's text.
    #[cfg(test)]
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The statement, ready to be given its parameters.
    pub(crate) fn query(&self) -> Query {
        self.given(Vec::new())
    }

    /// The statement with its parameters.
    pub(crate) fn given(&self, parameters: Vec<Parameter>) -> Query {
        Query::new(Arc::clone(&self.text), self.way, parameters)
    }
}

/// What is said to one entity's table.
#[derive(Debug)]
pub(crate) struct Table {
    /// Its qualified name.
    pub(crate) name: String,
    /// Makes the rows that are in the JSON array `$1`.
    pub(crate) insert: Statement,
    /// Makes the rows that follow it as text.
    pub(crate) copy: String,
    /// Writes the rows that are in the JSON array `$1`.
    pub(crate) update: Statement,
    /// Deletes the rows whose ids are `$1`.
    pub(crate) delete: Statement,
    /// Takes `$1` numbers.
    pub(crate) numbers: Statement,
    /// Whether there are rows at all.
    pub(crate) any: Statement,
    /// Raises the numbers that were given, to `$1` or that of the last row if that is more.
    pub(crate) raise_numbers: Statement,
    /// Keeps others from making and changing rows.
    pub(crate) lock_all: Statement,
    locks: [Statement; 4],
}

impl Table {
    /// Locks the rows whose ids are `$1`, in the order of their ids, and returns the ids of those that are there.
    pub(crate) fn lock(&self, strength: Strength) -> &Statement {
        &self.locks[strength as usize]
    }

    fn new(schema: &str, entity: Entity, way: Way) -> Self {
        let bare = entity.table();
        let name = format!("{schema}.{bare}");
        let written: Vec<&str> =
            columns(entity).iter().copied().filter(|column| is_written(*column)).map(field).collect();
        let changed = written.iter().filter(|name| **name != Field::Id.as_str());
        let changed: Vec<String> = changed.map(|name| format!("{name} = given.{name}")).collect();
        let written = written.join(", ");
        let given = format!("jsonb_populate_recordset(NULL::{name}, $1::jsonb) AS given");
        let statement = |text| Statement::new(text, way);
        let lock = |how| statement(format!("SELECT id FROM {name} WHERE id = ANY($1) ORDER BY id FOR {how}"));
        Self {
            insert: statement(format!("INSERT INTO {name} ({written}) SELECT {written} FROM {given}")),
            copy: format!("COPY {name} ({written}) FROM STDIN"),
            update: statement(format!(
                "UPDATE {name} AS old SET {} FROM {given} WHERE old.id = given.id",
                changed.join(", ")
            )),
            delete: statement(format!("DELETE FROM {name} WHERE id = ANY($1)")),
            numbers: statement(format!("SELECT nextval('{name}_number_seq') FROM generate_series(1, $1)")),
            raise_numbers: statement(format!(
                "SELECT setval('{name}_number_seq', last) FROM (SELECT greatest($1, (SELECT max(number) FROM {name}), \
                 (SELECT last_value FROM {name}_number_seq WHERE is_called)) AS last OFFSET 0) AS given WHERE last > 0"
            )),
            any: statement(format!("SELECT EXISTS (SELECT FROM {name})")),
            lock_all: statement(format!("LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE")),
            locks: [lock("KEY SHARE"), lock("SHARE"), lock("NO KEY UPDATE"), lock("UPDATE")],
            name,
        }
    }
}

fn field(column: Column) -> &'static str {
    column.field.as_str()
}

/// Whether the column is written, not worked out by the server from others.
pub(crate) fn is_written(column: Column) -> bool {
    column.field != Field::Phase
}

/// The type by which a parameter is compared with a column.
pub(crate) fn sql_type(column: Column) -> &'static str {
    match column.kind {
        Kind::Id => "uuid",
        Kind::Token if column.field == Field::Stars => "smallint",
        Kind::Int => "bigint",
        Kind::Bool => "boolean",
        Kind::Time => "timestamptz",
        Kind::Decimal => "numeric",
        _ => "text COLLATE \"C\"",
    }
}

/// The type of an array of texts by whose values a column is looked up.
pub(crate) fn array_type(column: Column) -> &'static str {
    match column.kind {
        Kind::Id => "text[]::uuid[]",
        Kind::Int => "text[]::bigint[]",
        _ => "text[] COLLATE \"C\"",
    }
}

/// A desk's names.
#[derive(Debug)]
pub(crate) struct Names {
    bare: String,
    quoted: String,
    tables: Vec<Table>,
    way: Way,
}

impl Names {
    /// The names of the desk in `schema`, whose statements go to the server this way.
    ///
    /// # Errors
    /// [`Error::InvalidAddress`] if that is no plain name.
    pub(crate) fn new(schema: &str, way: Way) -> Result<Self> {
        if !is_plain(schema) {
            let reason = "names a schema that is not of lower-case letters, digits and underscores".to_owned();
            return Err(Error::InvalidAddress { reason });
        }
        let quoted = format!("\"{schema}\"");
        let tables = Entity::ALL.iter().map(|entity| Table::new(&quoted, *entity, way)).collect();
        Ok(Self { bare: schema.to_owned(), quoted, tables, way })
    }

    /// The schema.
    pub(crate) fn schema(&self) -> &str {
        &self.bare
    }

    /// The schema, as it stands in SQL text.
    pub(crate) fn quoted(&self) -> &str {
        &self.quoted
    }

    /// What is said to an entity's table.
    pub(crate) fn table(&self, entity: Entity) -> &Table {
        // The tables were made from `ALL`, which is in the order of the codes, from 1 up: a test says so.
        &self.tables[usize::from(entity.code()) - 1]
    }

    /// The name of the lock of a value that no two rows of an entity share.
    pub(crate) fn of_value(&self, entity: Entity, field: Field, value: &str) -> String {
        format!("bsm {} {}.{field} {value}", self.bare, entity.table())
    }

    /// A statement in which `{}` stands for the schema.
    pub(crate) fn statement(&self, text: &str) -> Statement {
        self.made(text.replace("{}", &self.quoted))
    }

    /// A statement that has the names in it already.
    pub(crate) fn made(&self, text: String) -> Statement {
        Statement::new(text, self.way)
    }

    /// How statements go to the server.
    pub(crate) const fn way(&self) -> Way {
        self.way
    }
}

/// Whether a name can be written without quotes but for being a reserved word: `[a-z_][a-z0-9_]*`, of at most 63 bytes.
/// `pg_` is the server's own.
fn is_plain(name: &str) -> bool {
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let rest = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    first && rest && name.len() <= NAME_BYTES && !name.starts_with("pg_") && name != "information_schema"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_stand_at_their_codes() {
        let names = Names::new("acme", Way::Prepared).expect("is plain");
        for entity in Entity::ALL {
            assert_eq!(names.table(*entity).name, format!("\"acme\".{}", entity.table()));
        }
    }

    #[test]
    fn only_plain_schemas_are_taken() {
        for good in ["bsm", "a", "_x9", &"a".repeat(63)] {
            assert!(Names::new(good, Way::Prepared).is_ok(), "{good}");
        }
        for bad in ["", "9a", "Acme", "a-b", "a b", "a\"b", "a;b", "é", "pg_x", "information_schema", &"a".repeat(64)]
        {
            assert!(matches!(Names::new(bad, Way::Prepared), Err(Error::InvalidAddress { .. })), "{bad}");
        }
    }
}
