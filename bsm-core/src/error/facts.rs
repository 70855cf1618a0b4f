//! What an error tells, as plain data: for faces in other languages and for HTTP, which give it under these names.

use serde::Serialize;
use uuid::Uuid;

use super::{Error, Reason};
use crate::feed::Position;
use crate::model::{Entity, Key, RatingId, Role, TicketId, Timestamp, Version};

/// What an error tells besides its [name](Error::name) and its text. What it does not tell is absent.
///
/// Holds no text of a row, no address and no path: it may be shown to whoever made the call.
///
/// ```
/// use bsm_core::{Error, Reason};
///
/// let facts = Error::invalid("limit", Reason::OutOfRange { min: "1".to_owned(), max: "500".to_owned() }).facts();
/// assert_eq!((facts.field, facts.reason, facts.max.as_deref()), (Some("limit"), Some("out_of_range"), Some("500")));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Facts {
    /// Of which entity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity: Option<Entity>,
    /// Of which row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Of which field, by its one name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    /// What is wrong with the field, in a word: [`Reason::code`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// What was wanted instead, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<&'static str>,
    /// The least that is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<String>,
    /// The most that is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
    /// How many are allowed: characters, decimals or rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<u64>,
    /// The desk's time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<Timestamp>,
    /// The other field, of two that contradict each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<&'static str>,
    /// The role that it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs: Option<Role>,
    /// The version that was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Version>,
    /// The version that stands; 0 if the row is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Version>,
    /// The foreign key, as `table.column`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation: Option<&'static str>,
    /// Where the row stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<&'static str>,
    /// Where it was to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<&'static str>,
    /// What would have been legal: moves, or words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal: Option<Vec<&'static str>>,
    /// The ticket that stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketId>,
    /// The rating that stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating: Option<RatingId>,
    /// Where to go on in the feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume: Option<Position>,
}

impl Facts {
    fn of(key: impl Into<Key>) -> Self {
        let Key { entity, id } = key.into();
        Self { entity: Some(entity), id: Some(id), ..Self::default() }
    }

    fn because(self, reason: &Reason) -> Self {
        let facts = Self { reason: Some(reason.code()), ..self };
        match reason {
            Reason::TooLong { most } => Self { most: u64::try_from(*most).ok(), ..facts },
            Reason::TooManyDecimals { most } => Self { most: Some((*most).into()), ..facts },
            Reason::Malformed { expected } => Self { wanted: Some(expected), ..facts },
            Reason::UnknownWord { legal } => Self { legal: Some(legal.clone()), ..facts },
            Reason::OutOfRange { min, max } => Self { min: Some(min.clone()), max: Some(max.clone()), ..facts },
            Reason::InTheFuture { now } => Self { now: Some(*now), ..facts },
            Reason::WrongRole { needs } => Self { needs: Some(*needs), ..facts },
            Reason::Contradicts { other } => Self { other: Some(other), ..facts },
            Reason::Empty
            | Reason::ControlCharacter
            | Reason::Negative
            | Reason::NotAnOpening
            | Reason::NotListed
            | Reason::Inapplicable => facts,
        }
    }
}

impl Error {
    /// What the error tells, as plain data. A store's own errors tell nothing here: their text and source are for the
    /// application.
    pub fn facts(&self) -> Facts {
        match self {
            Self::Invalid { entity, field, reason } => {
                Facts { entity: *entity, field: Some(field), ..Facts::default() }.because(reason)
            }
            Self::NotFound { key } | Self::OwnAccount { key } => Facts::of(*key),
            Self::NoneWith { entity, field } | Self::Duplicate { entity, field } => {
                Facts { entity: Some(*entity), field: Some(field.as_str()), ..Facts::default() }
            }
            Self::NotAllowed { actor: _, needs } => Facts { needs: Some(*needs), ..Facts::default() },
            Self::Conflict { key, expected, found } => {
                Facts { expected: Some(*expected), found: Some(*found), ..Facts::of(*key) }
            }
            Self::MissingParent { relation, parent: key } | Self::StillReferenced { key, relation } => {
                Facts { relation: Some(relation.as_str()), ..Facts::of(*key) }
            }
            Self::TooManyReferences { key, relation, most } => {
                Facts { relation: Some(relation.as_str()), most: u64::try_from(*most).ok(), ..Facts::of(*key) }
            }
            Self::IllegalMove { key, from, to, legal } => {
                Facts { from: Some(from), to: Some(to), legal: Some(legal.clone()), ..Facts::of(*key) }
            }
            Self::Finished { key, status } | Self::NotResolved { key, status } | Self::NotFinished { key, status } => {
                Facts { from: Some(status), ..Facts::of(*key) }
            }
            Self::AlreadyConverted { request, ticket } | Self::HasOpenTicket { request, ticket } => {
                Facts { ticket: Some(*ticket), ..Facts::of(*request) }
            }
            Self::AlreadyRated { request, rating } => Facts { rating: *rating, ..Facts::of(*request) },
            Self::NotFulfilled { request, status } => Facts { from: Some(status.as_str()), ..Facts::of(*request) },
            Self::ServiceRetired { service } => Facts::of(*service),
            Self::PositionExpired { resume } => Facts { resume: Some(resume.clone()), ..Facts::default() },
            Self::AlreadyBootstrapped
            | Self::KeyReused
            | Self::InvalidCursor(_)
            | Self::InvalidPosition(_)
            | Self::InvalidImport { .. }
            | Self::NotEmpty { .. }
            | Self::ImportUnfinished { .. }
            | Self::NoImport { .. }
            | Self::Inconsistent { .. }
            | Self::InvalidAddress { .. }
            | Self::InUse { .. }
            | Self::UnusablePlace { .. }
            | Self::UnknownFormat { .. }
            | Self::Damaged { .. }
            | Self::Unavailable { .. }
            | Self::Busy { .. }
            | Self::OutcomeUnknown { .. }
            | Self::Closed { .. }
            | Self::Unsupported { .. } => Facts::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RequestId;

    #[test]
    fn an_error_tells_its_row_and_what_stands_in_the_way() {
        let (request, ticket) = (RequestId::from_uuid(Uuid::from_u128(1)), TicketId::from_uuid(Uuid::from_u128(2)));
        let facts = Error::AlreadyConverted { request, ticket }.facts();
        assert_eq!(facts, Facts { ticket: Some(ticket), ..Facts::of(request) });
        let told = serde_json::to_string(&facts).expect("facts are JSON");
        let expected = format!(r#"{{"entity":"request","id":"{request}","ticket":"{ticket}"}}"#);
        assert_eq!(told, expected);
    }

    #[test]
    fn a_store_s_own_error_tells_nothing() {
        let error = Error::Unavailable { store: "postgres://ada:secret@host".to_owned(), source: "secret".into() };
        assert_eq!(error.facts(), Facts::default());
    }
}
