//! What the server says, as the desk's errors.
//!
//! A command checks everything itself before it writes, so that its errors equal those of every other store. What the
//! server refuses nevertheless comes from somebody who got in between: the command is then tried again, and told by its
//! own checks. Only what is left after that is named here by the constraint.

use bsm_core::Error;
use bsm_core::model::{Entity, Key, Row};
use bsm_core::schema::{Field, Relation, uniques};
use bsm_core::store::{ChangeSet, Difference, Place, Write};
use sqlx::error::DatabaseError;

/// Why a call ended without an answer.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The desk refuses.
    Desk(Error),
    /// The server refused, or was not reached. Nothing was changed.
    Server(sqlx::Error),
    /// The server failed while it was asked to commit.
    AtCommit(sqlx::Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Desk(error)
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Server(error)
    }
}

/// Somebody has the value that no two rows share, or the id.
const UNIQUE_VIOLATION: &str = "23505";
/// A parent is not there, or a child is.
const FOREIGN_KEY_VIOLATION: &str = "23503";
/// A row is not as its table allows.
const CHECK_VIOLATION: &str = "23514";
/// Two transactions could not both be done.
const SERIALIZATION_FAILURE: &str = "40001";
/// Two transactions waited for each other.
const DEADLOCK: &str = "40P01";
/// A table of that name is there.
const DUPLICATE_TABLE: &str = "42P07";

impl Fault {
    fn sqlstate(&self) -> Option<String> {
        match self {
            Self::Desk(_) => None,
            Self::Server(error) | Self::AtCommit(error) => {
                error.as_database_error().and_then(DatabaseError::code).map(std::borrow::Cow::into_owned)
            }
        }
    }

    /// Whether the transaction was rolled back because of another one, so that it may be tried again.
    pub(crate) fn got_between(&self) -> bool {
        let codes = [UNIQUE_VIOLATION, FOREIGN_KEY_VIOLATION, SERIALIZATION_FAILURE, DEADLOCK];
        self.sqlstate().is_some_and(|code| codes.contains(&code.as_str()))
    }

    /// What went wrong with a statement that was a transaction of its own: if the server did not say that it refused, it may
    /// have committed.
    pub(crate) fn in_one_statement(self) -> Self {
        match self {
            Self::Server(error) if !is_refusal(&error) => Self::AtCommit(error),
            other => other,
        }
    }

    /// Whether what was asked for may have happened.
    pub(crate) fn may_have_happened(&self) -> bool {
        matches!(self, Self::AtCommit(error) if !is_refusal(error))
    }

    /// Whether a table that was to be made is there already.
    pub(crate) fn is_duplicate_table(&self) -> bool {
        self.sqlstate().is_some_and(|code| code == DUPLICATE_TABLE)
    }

    /// The error that callers see. `store` names the store, without a password.
    pub(crate) fn into_error(self, store: &str) -> Error {
        let rolled_back = self.got_between();
        let store = store.to_owned();
        match self {
            Self::Desk(error) => error,
            Self::Server(sqlx::Error::PoolClosed) => closed(store),
            Self::AtCommit(source) if !rolled_back => Error::OutcomeUnknown { store, source: source.into() },
            Self::Server(source) | Self::AtCommit(source) => Error::Unavailable { store, source: source.into() },
        }
    }

    /// The same for a command: what a constraint refused is named by it.
    pub(crate) fn of_command(self, store: &str, change: &ChangeSet) -> Error {
        let named = match &self {
            Self::Desk(_) => None,
            Self::Server(error) | Self::AtCommit(error) => {
                error.as_database_error().and_then(|error| by_constraint(error, change))
            }
        };
        named.unwrap_or_else(|| self.into_error(store))
    }
}

impl Fault {
    /// The same for an import: what a constraint refused is named by it.
    pub(crate) fn of_import(self, store: &str) -> Error {
        let named = match &self {
            Self::Desk(_) => None,
            Self::Server(error) | Self::AtCommit(error) => {
                error.as_database_error().and_then(|error| refused(error, store))
            }
        };
        named.unwrap_or_else(|| self.into_error(store))
    }
}

/// What was wrong with a desk that was taken in. Which row is not told by the server; its own recount does that.
fn refused(error: &dyn DatabaseError, store: &str) -> Option<Error> {
    let (code, constraint) = (error.code()?, error.constraint()?);
    let place = match code.as_ref() {
        UNIQUE_VIOLATION => {
            if let Some((entity, field)) = unique_of(constraint) {
                return Some(Error::Duplicate { entity, field });
            }
            constraint.to_owned()
        }
        FOREIGN_KEY_VIOLATION => {
            relation_of(constraint).map_or_else(|| constraint.to_owned(), |relation| relation.to_string())
        }
        CHECK_VIOLATION => constraint.to_owned(),
        _ => return None,
    };
    let difference = Difference { at: Place::Own(place), detail: "a row does not keep to it".to_owned() };
    Some(Error::Inconsistent { store: store.to_owned(), difference })
}

/// The error of a store that was closed.
pub(crate) fn closed(store: String) -> Error {
    Error::Closed { store, reason: "it was closed" }
}

/// Whether the server said no. One that is going down may say so after it has committed.
fn is_refusal(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
        _ => code.is_some_and(|code| !code.starts_with("57P") && !code.starts_with("08")),
    }
}

fn by_constraint(error: &dyn DatabaseError, change: &ChangeSet) -> Option<Error> {
    let (code, constraint) = (error.code()?, error.constraint()?);
    match code.as_ref() {
        UNIQUE_VIOLATION => {
            let (entity, field) = unique_of(constraint)?;
            Some(Error::Duplicate { entity, field })
        }
        FOREIGN_KEY_VIOLATION => {
            let spec = relation_of(constraint)?.spec();
            let mut rows = change.writes.iter().filter_map(written_row).filter(|row| row.entity() == spec.from);
            let parent = rows.find_map(|row| row.value(spec.field).as_id());
            let deleted = change.writes.iter().filter_map(deleted_key).find(|key| key.entity == spec.to);
            match (parent, deleted) {
                (Some(id), _) => {
                    Some(Error::MissingParent { relation: spec.relation, parent: Key { entity: spec.to, id } })
                }
                (None, Some(key)) => Some(Error::StillReferenced { key, relation: spec.relation }),
                (None, None) => None,
            }
        }
        _ => None,
    }
}

fn written_row(write: &Write) -> Option<&Row> {
    match write {
        Write::Insert(row) | Write::Update(row) => Some(row),
        _ => None,
    }
}

fn deleted_key(write: &Write) -> Option<Key> {
    match write {
        Write::Delete { key, .. } => Some(*key),
        _ => None,
    }
}

/// The name of the constraint that keeps a field unique.
pub(crate) fn unique_name(entity: Entity, field: Field) -> String {
    format!("{}_{field}_key", entity.table())
}

/// The name of the constraint that keeps a relation.
pub(crate) fn relation_name(relation: Relation) -> String {
    format!("{}_fkey", relation.as_str().replace('.', "_"))
}

fn unique_of(constraint: &str) -> Option<(Entity, Field)> {
    let all = Entity::ALL.iter().flat_map(|entity| uniques(*entity).iter().map(|field| (*entity, *field)));
    all.into_iter().find(|(entity, field)| unique_name(*entity, *field) == constraint)
}

fn relation_of(constraint: &str) -> Option<Relation> {
    Relation::ALL.iter().copied().find(|relation| relation_name(*relation) == constraint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_named_back_and_stand_in_the_migration() {
        let migration = include_str!("../migrations/0001_init.sql");
        for relation in Relation::ALL {
            let name = relation_name(*relation);
            assert_eq!(relation_of(&name), Some(*relation));
            assert!(migration.contains(&format!("CONSTRAINT {name}")), "{name}");
        }
        for entity in Entity::ALL {
            for field in uniques(*entity) {
                let name = unique_name(*entity, *field);
                assert_eq!(unique_of(&name), Some((*entity, *field)));
                assert!(migration.contains(&format!("CONSTRAINT {name}")), "{name}");
            }
        }
    }
}
