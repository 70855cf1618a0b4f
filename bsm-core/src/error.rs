//! The one error tree: the same variant for the same fault, on every backend.
//!
//! Errors of the model name the entity, the id and the field. Errors of a store carry the store's own error as their
//! source. None carries a password: stores are named by [`Display`](std::fmt::Display) forms that leave it out.

mod facts;
mod name;
mod reason;

use std::fmt;
use std::path::PathBuf;

use crate::feed::Position;
use crate::model::{Actor, Entity, Key, RatingId, RequestId, RequestStatus, Role, ServiceId, TicketId, Version};
use crate::schema::{Field, Relation};
use crate::store::Difference;

pub use facts::Facts;
pub use reason::{CursorFault, ImportFault, PlaceFault, Reason};

/// What every fallible call returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of an underlying library.
pub type Source = Box<dyn std::error::Error + Send + Sync + 'static>;

/// What went wrong. Match on it; the text is for people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value that was given is not acceptable. Nothing was changed.
    #[error("{}{field} {reason}", entity.map_or_else(String::new, |entity| format!("{entity}: ")))]
    Invalid {
        /// The entity that the value was meant for, if it was meant for one.
        entity: Option<Entity>,
        /// The field, by its one name.
        field: &'static str,
        /// What is wrong with it.
        reason: Reason,
    },
    /// There is no such row, or it is not the caller's to see: the two can't be told apart.
    #[error("{key} does not exist")]
    NotFound {
        /// What was asked for.
        key: Key,
    },
    /// No row has this value in a field by which rows are found.
    #[error("no {entity} has this {field}")]
    NoneWith {
        /// What was looked for.
        entity: Entity,
        /// By which field.
        field: Field,
    },
    /// The actor is not a user, is not active, or has another role than the portal needs.
    #[error("{actor} may not do this: it takes an active {needs}")]
    NotAllowed {
        /// Who tried.
        actor: ActorName,
        /// The role that the portal is for. (An admin may use an agent's.)
        needs: Role,
    },
    /// An actor tried to change their own role, deactivate or delete themself; somebody else must, so that a desk
    /// always keeps an admin.
    #[error("{key} is the one who asks: another admin must do this")]
    OwnAccount {
        /// The actor.
        key: Key,
    },
    /// Somebody else changed the row first.
    #[error("{key} is at version {found}, not {expected}")]
    Conflict {
        /// The row.
        key: Key,
        /// The version that the caller relied on.
        expected: Version,
        /// The version that stands; 0 if the row is gone.
        found: Version,
    },
    /// Another row has this value in a field that no two rows share.
    #[error("another {entity} has this {field}")]
    Duplicate {
        /// The entity.
        entity: Entity,
        /// The field.
        field: Field,
    },
    /// A row that a foreign key names is not there.
    #[error("{relation} names {parent}, which does not exist")]
    MissingParent {
        /// The foreign key.
        relation: Relation,
        /// What it names.
        parent: Key,
    },
    /// Rows still refer to the one that was to be deleted (or to lose what they rely on).
    #[error("{key} is still named by {relation}")]
    StillReferenced {
        /// The row.
        key: Key,
        /// The foreign key by which others name it.
        relation: Relation,
    },
    /// More rows refer to the one that was to be deleted than one commit may change.
    #[error("more than {most} rows name {key} by {relation}")]
    TooManyReferences {
        /// The row.
        key: Key,
        /// The foreign key.
        relation: Relation,
        /// The most that is allowed.
        most: usize,
    },
    /// The status can't go there from where it stands.
    #[error("{key} can't go from {from} to {to}{}", Legal(legal))]
    IllegalMove {
        /// The ticket or request.
        key: Key,
        /// Where it stands.
        from: &'static str,
        /// Where it was to go.
        to: &'static str,
        /// Where this actor can move it from there.
        legal: Vec<&'static str>,
    },
    /// A ticket that is closed or cancelled takes no changes: open a follow-up.
    #[error("{key} is {status}: only notes and follow-up tickets are possible")]
    Finished {
        /// The ticket.
        key: Key,
        /// Closed or cancelled.
        status: &'static str,
    },
    /// Only a resolved ticket is reopened. One that was not resolved yet is started.
    #[error("{key} is {status}, and only what was resolved is reopened")]
    NotResolved {
        /// The ticket.
        key: Key,
        /// Where it stands.
        status: &'static str,
    },
    /// A ticket that is to be followed up is not finished yet: it can be changed itself.
    #[error("{key} is {status}: only a closed or cancelled ticket is followed up")]
    NotFinished {
        /// The ticket.
        key: Key,
        /// Where it stands.
        status: &'static str,
    },
    /// The request was made into a ticket before.
    #[error("request {request} was made into ticket {ticket} already")]
    AlreadyConverted {
        /// The request.
        request: RequestId,
        /// Its ticket.
        ticket: TicketId,
    },
    /// The request has an open ticket: resolving that fulfils it.
    #[error("request {request} is fulfilled by resolving ticket {ticket}")]
    HasOpenTicket {
        /// The request.
        request: RequestId,
        /// Its ticket.
        ticket: TicketId,
    },
    /// The request was rated before: once per request, even if the rating was deleted since.
    #[error("request {request} was rated already")]
    AlreadyRated {
        /// The request.
        request: RequestId,
        /// Its rating, if that still stands.
        rating: Option<RatingId>,
    },
    /// Only what was fulfilled can be rated.
    #[error("request {request} is {status}, and only what was fulfilled is rated")]
    NotFulfilled {
        /// The request.
        request: RequestId,
        /// Where it stands.
        status: RequestStatus,
    },
    /// The service is retired: nobody can ask for it.
    #[error("service {service} is retired")]
    ServiceRetired {
        /// The service.
        service: ServiceId,
    },
    /// The desk has users already; the first admin is made on an empty desk only.
    #[error("the desk has its first admin already")]
    AlreadyBootstrapped,
    /// The idempotency key was used by this actor for another command.
    #[error("the idempotency key was used for another command")]
    KeyReused,
    /// The cursor is damaged, or comes from another list.
    #[error("the cursor {0}")]
    InvalidCursor(CursorFault),
    /// The position is damaged, or comes from another feed.
    #[error("the position {0}")]
    InvalidPosition(CursorFault),
    /// Events behind the position are not kept any more, or the desk was made anew since: some were missed. Look at the
    /// desk as it is now, and go on from `resume`, the oldest position that is left.
    #[error("events behind the position are not kept any more")]
    PositionExpired {
        /// Where to go on.
        resume: Position,
    },
    /// A line of an export can't be taken in. Nothing of it was.
    #[error("line {line} of the export {fault}")]
    InvalidImport {
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        fault: ImportFault,
    },
    /// A whole desk can only be taken in where there is none.
    #[error("{store} has a desk already: a whole one is taken in by an empty store only")]
    NotEmpty {
        /// The store.
        store: String,
    },
    /// An import into this store was begun and did not end. Go on with it, with the same text from its beginning; or delete
    /// the desk, by its address with `Registry::remove` of the crate `bsm`.
    #[error(
        "{store} holds a part of an import that did not end: import the same text again, or delete the desk \
         (Registry::remove)"
    )]
    ImportUnfinished {
        /// The store.
        store: String,
    },
    /// A step of an import came without its beginning.
    #[error("no import into {store} was begun")]
    NoImport {
        /// The store.
        store: String,
    },
    /// What was taken in does not hold together. It stays shut.
    #[error("what was imported into {store} does not hold together: {difference}")]
    Inconsistent {
        /// The store.
        store: String,
        /// The first difference.
        difference: Difference,
    },

    /// The address of a store can't be understood, or names a kind of store that is not known.
    #[error("the store address {reason}")]
    InvalidAddress {
        /// What is wrong with it. Never the address itself, which may hold a password.
        reason: String,
    },
    /// Another process, or another handle of this one, has the store open.
    #[error("{place} is open elsewhere")]
    InUse {
        /// The folder, or the file.
        place: PathBuf,
    },
    /// The place of a store can't be used: it is a file where a folder is needed, can't be written, or can't be reached.
    #[error("{place} can't be used as a store: {reason}{}", Said(source.as_ref()))]
    UnusablePlace {
        /// The path.
        place: PathBuf,
        /// Why.
        reason: PlaceFault,
        /// What the operating system said, if it was asked.
        #[source]
        source: Option<std::io::Error>,
    },
    /// The store was written in a format that this release does not read.
    #[error("{place} is in format {found}; this release reads {supported}")]
    UnknownFormat {
        /// The store.
        place: String,
        /// The format it is in.
        found: String,
        /// The format that would be read.
        supported: String,
    },
    /// The store lost or altered data that it had acknowledged. Restore it from a backup or an export.
    #[error("{store} is damaged: {detail}; restore it from a backup or an export")]
    Damaged {
        /// The store.
        store: String,
        /// What was found.
        detail: String,
    },
    /// The store can't be reached, or failed. Nothing was changed.
    #[error("{store} is not available")]
    Unavailable {
        /// The store.
        store: String,
        /// What it said.
        #[source]
        source: Source,
    },
    /// The store has more to do than it gets done: others have what the call waits for, or it took longer than it may.
    /// Nothing was changed. Try again later, and with fewer at once.
    #[error("{store} is too busy")]
    Busy {
        /// The store.
        store: String,
        /// What it said.
        #[source]
        source: Source,
    },
    /// The store failed at a moment when the command may or may not have happened. Ask again with the same
    /// idempotency key, or look.
    #[error("{store} failed; the command may have happened")]
    OutcomeUnknown {
        /// The store.
        store: String,
        /// What it said.
        #[source]
        source: Source,
    },
    /// The store was closed, or refuses to go on after a failed sync until it is opened again.
    #[error("{store} is closed: {reason}")]
    Closed {
        /// The store.
        store: String,
        /// Why.
        reason: &'static str,
    },
    /// The store does not do this; its capabilities say so.
    #[error("{store} does not support {what}")]
    Unsupported {
        /// The store.
        store: String,
        /// What was asked.
        what: &'static str,
    },
}

/// An actor, as errors name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActorName(pub Actor);

impl fmt::Display for ActorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Actor::System => f.write_str("the system"),
            Actor::User(id) => write!(f, "user {id}"),
        }
    }
}

/// What the operating system said of a place, where there is nothing else to go by.
struct Said<'a>(Option<&'a std::io::Error>);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |source| write!(f, " ({source})"))
    }
}

struct Legal<'a>(&'a [&'static str]);

impl fmt::Display for Legal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            f.write_str(": nothing leaves it")
        } else {
            write!(f, ": only to {}", self.0.join(", "))
        }
    }
}

impl Error {
    /// A value of no entity in particular is not acceptable.
    pub fn invalid(field: &'static str, reason: Reason) -> Self {
        Self::Invalid { entity: None, field, reason }
    }

    /// A value of an entity's field is not acceptable.
    pub fn invalid_of(entity: Entity, field: &'static str, reason: Reason) -> Self {
        Self::Invalid { entity: Some(entity), field, reason }
    }

    /// A row that is not there, or not the caller's.
    pub fn not_found(key: impl Into<Key>) -> Self {
        Self::NotFound { key: key.into() }
    }
}
