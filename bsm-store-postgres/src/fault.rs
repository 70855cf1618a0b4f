//! What the server says, or fails to say, as the desk's errors.
//!
//! A command checks everything itself before it writes, so that its errors equal those of every other store. What the
//! server refuses nevertheless comes from somebody who got in between: the command is then tried again, and told by its
//! own checks. Only what is left after that is named here by the constraint.
//!
//! Everything else is told apart by what it means for the next try ([`Kind`]), and by whether the command may have
//! happened ([`Fault::outcome_is_known`]). What is told in the end:
//!
//! | what happened | nothing did | it may have |
//! |---|---|---|
//! | the connection broke, no server answers or takes writes, the disk or the memory is full, the account is refused | [`Unavailable`](Error::Unavailable) | [`OutcomeUnknown`](Error::OutcomeUnknown) |
//! | all connections are in use, a lock or a statement took too long, others got in between again and again | [`Busy`](Error::Busy) | [`OutcomeUnknown`](Error::OutcomeUnknown) |
//! | the server finds its own data corrupted | [`Damaged`](Error::Damaged) | [`OutcomeUnknown`](Error::OutcomeUnknown) |

use std::borrow::Cow;

use bsm_core::Error;
use bsm_core::model::{Entity, Key, Row};
use bsm_core::schema::{Field, Relation, uniques};
use bsm_core::store::{ChangeSet, Difference, Place, Write};
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

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

/// What the server can't do, or not now: a standby, to write.
pub(crate) const NOT_SUPPORTED: &str = "0A000";
/// Somebody has the value that no two rows share, or the id.
const UNIQUE_VIOLATION: &str = "23505";
/// A parent is not there, or a child is.
const FOREIGN_KEY_VIOLATION: &str = "23503";
/// A row is not as its table allows.
const CHECK_VIOLATION: &str = "23514";
/// The server was demoted, or told to take no writes.
const READ_ONLY: &str = "25006";
/// Nobody asked for anything within a transaction for too long. The server closes the connection.
const IDLE_IN_TRANSACTION: &str = "25P03";
/// Two transactions could not both be done.
const SERIALIZATION_FAILURE: &str = "40001";
/// Two transactions waited for each other.
const DEADLOCK: &str = "40P01";
/// The beginnings of what may be wrong with a call alone: another isolation than its own; values, names and rights, of which
/// it needs others; what a function raises.
const OF_THE_CALL: [&str; 4] = ["BSM01", "22", "42", "P0"];
/// There is no schema, or no table, of that name.
const UNKNOWN_NAMES: [&str; 2] = ["3F000", "42P01"];
/// A table of that name is there.
const DUPLICATE_TABLE: &str = "42P07";
/// The server has as many connections as it takes.
const TOO_MANY_CONNECTIONS: &str = "53300";
/// Somebody has what is waited for.
const LOCK_TIMEOUT: &str = "55P03";
/// It took too long, or somebody ended it.
const QUERY_CANCELED: &str = "57014";
/// The server, or this connection's process, is told to stop, has crashed, or is not ready yet.
const STOPPING: [&str; 3] = ["57P01", "57P02", "57P03"];
/// The server found a page, or an index, that can't be right.
const CORRUPTED: [&str; 2] = ["XX001", "XX002"];
/// The class of what happens to connections. Poolers tell it of theirs.
const CONNECTION_CLASS: &str = "08";

/// What a failure means for the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The connection is of no more use: it broke, nothing came over it, or its server stops, starts or takes no writes.
    /// Another one may be.
    Lost,
    /// Others got in between, and were done.
    Crossed,
    /// Others have what is needed, and may let go of it soon.
    Taken,
    /// It took all the time that the server's settings give it, or somebody ended it.
    TookTooLong,
    /// The server's data is corrupted.
    Corrupted,
    /// The store is closed.
    Closed,
    /// Another try would end the same.
    Lasting,
}

impl Kind {
    /// What a failure of sqlx means.
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed | sqlx::Error::BeginFailed => {
                Self::Lost
            }
            sqlx::Error::PoolTimedOut => Self::Taken,
            sqlx::Error::PoolClosed => Self::Closed,
            sqlx::Error::Database(said) => Self::of_code(&said.code().unwrap_or_default()),
            _ => Self::Lasting,
        }
    }

    fn of_code(code: &str) -> Self {
        match code {
            UNIQUE_VIOLATION | FOREIGN_KEY_VIOLATION | SERIALIZATION_FAILURE | DEADLOCK => Self::Crossed,
            TOO_MANY_CONNECTIONS | LOCK_TIMEOUT => Self::Taken,
            QUERY_CANCELED => Self::TookTooLong,
            READ_ONLY | IDLE_IN_TRANSACTION => Self::Lost,
            _ if is_of_connections(code) => Self::Lost,
            _ if CORRUPTED.contains(&code) => Self::Corrupted,
            _ => Self::Lasting,
        }
    }
}

/// Whether a code tells of a connection, or of the process behind it. A pooler may tell so of its own connection, and with
/// what severity it likes.
fn is_of_connections(code: &str) -> bool {
    code.starts_with(CONNECTION_CLASS) || STOPPING.contains(&code)
}

/// The code that the server gave, if it was the server that failed.
pub(crate) fn code(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error().and_then(DatabaseError::code)
}

/// Whether a failure to connect may pass by itself.
pub(crate) fn may_pass(error: &sqlx::Error) -> bool {
    matches!(Kind::of(error), Kind::Lost | Kind::Taken)
}

impl Fault {
    /// What it means for the next try; `None` if the desk refuses.
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Desk(_) => None,
            Self::Server(error) | Self::AtCommit(error) => Some(Kind::of(error)),
        }
    }

    /// Whether it is known that nothing was changed.
    ///
    /// It is not, once the server was asked to commit and did not answer, or answered by closing the connection. A server
    /// that refuses to commit and goes on has rolled back.
    pub(crate) fn outcome_is_known(&self) -> bool {
        match self {
            Self::Desk(_) | Self::Server(_) => true,
            Self::AtCommit(error) => {
                let said = error.as_database_error().and_then(|said| said.try_downcast_ref::<PgDatabaseError>());
                said.is_some_and(|said| said.severity() == PgSeverity::Error && !is_of_connections(said.code()))
            }
        }
    }

    /// Whether it may be the call alone that could not be made, so that statement by statement the command may be done:
    /// somebody wants another isolation, has taken a right that only calls need, or has changed what only calls use.
    pub(crate) fn is_of_the_call(&self) -> bool {
        self.has_code(|code| OF_THE_CALL.iter().any(|class| code.starts_with(class)))
    }

    /// Whether the transaction was rolled back because of another one, so that it may be tried again.
    pub(crate) fn got_between(&self) -> bool {
        self.kind() == Some(Kind::Crossed)
    }

    /// What went wrong with a statement that commits itself: if the server did not say that it refused, it may have
    /// committed.
    pub(crate) fn in_one_statement(self) -> Self {
        if let Self::Server(error) = self { Self::AtCommit(error) } else { self }
    }

    /// Whether a table that was to be made is there already.
    pub(crate) fn is_duplicate_table(&self) -> bool {
        self.has_code(|code| code == DUPLICATE_TABLE)
    }

    /// Whether a table that was asked is not there.
    pub(crate) fn is_unknown_name(&self) -> bool {
        self.has_code(|code| UNKNOWN_NAMES.contains(&code))
    }

    fn has_code(&self, is_meant: impl FnOnce(&str) -> bool) -> bool {
        match self {
            Self::Desk(_) => false,
            Self::Server(error) | Self::AtCommit(error) => code(error).is_some_and(|code| is_meant(&code)),
        }
    }

    /// The error that callers see. `store` names the store, without a password.
    pub(crate) fn into_error(self, store: &str) -> Error {
        let known = self.outcome_is_known();
        let (store, source) = match self {
            Self::Desk(error) => return error,
            Self::Server(source) | Self::AtCommit(source) => (store.to_owned(), source),
        };
        if !known {
            return Error::OutcomeUnknown { store, source: source.into() };
        }
        match Kind::of(&source) {
            Kind::Closed => closed(store),
            Kind::Taken | Kind::TookTooLong | Kind::Crossed => Error::Busy { store, source: source.into() },
            Kind::Corrupted => Error::Damaged { store, detail: source.to_string() },
            Kind::Lost | Kind::Lasting => Error::Unavailable { store, source: source.into() },
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
