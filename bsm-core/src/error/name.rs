//! What each error is called where its text would say too much, or too little: in spans, and in other languages.

use super::Error;

impl Error {
    /// The name of the variant, as it is written in Rust: for logs, metrics and bindings, which must not depend on an
    /// error's text. Tells nothing of what the error holds.
    ///
    /// ```
    /// assert_eq!(bsm_core::Error::KeyReused.name(), "KeyReused");
    /// ```
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "Invalid",
            Self::NotFound { .. } => "NotFound",
            Self::NoneWith { .. } => "NoneWith",
            Self::NotAllowed { .. } => "NotAllowed",
            Self::OwnAccount { .. } => "OwnAccount",
            Self::Conflict { .. } => "Conflict",
            Self::Duplicate { .. } => "Duplicate",
            Self::MissingParent { .. } => "MissingParent",
            Self::StillReferenced { .. } => "StillReferenced",
            Self::TooManyReferences { .. } => "TooManyReferences",
            Self::IllegalMove { .. } => "IllegalMove",
            Self::Finished { .. } => "Finished",
            Self::NotResolved { .. } => "NotResolved",
            Self::NotFinished { .. } => "NotFinished",
            Self::AlreadyConverted { .. } => "AlreadyConverted",
            Self::HasOpenTicket { .. } => "HasOpenTicket",
            Self::AlreadyRated { .. } => "AlreadyRated",
            Self::NotFulfilled { .. } => "NotFulfilled",
            Self::ServiceRetired { .. } => "ServiceRetired",
            Self::AlreadyBootstrapped => "AlreadyBootstrapped",
            Self::KeyReused => "KeyReused",
            Self::InvalidCursor(_) => "InvalidCursor",
            Self::InvalidPosition(_) => "InvalidPosition",
            Self::PositionExpired { .. } => "PositionExpired",
            Self::InvalidImport { .. } => "InvalidImport",
            Self::NotEmpty { .. } => "NotEmpty",
            Self::ImportUnfinished { .. } => "ImportUnfinished",
            Self::NoImport { .. } => "NoImport",
            Self::Inconsistent { .. } => "Inconsistent",
            Self::InvalidAddress { .. } => "InvalidAddress",
            Self::InUse { .. } => "InUse",
            Self::UnusablePlace { .. } => "UnusablePlace",
            Self::UnknownFormat { .. } => "UnknownFormat",
            Self::Damaged { .. } => "Damaged",
            Self::Unavailable { .. } => "Unavailable",
            Self::Busy { .. } => "Busy",
            Self::OutcomeUnknown { .. } => "OutcomeUnknown",
            Self::Closed { .. } => "Closed",
            Self::Unsupported { .. } => "Unsupported",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Entity, Key};
    use crate::{CursorFault, Reason};

    #[test]
    fn an_error_is_called_what_its_variant_is() {
        let key = Key { entity: Entity::Ticket, id: uuid::Uuid::nil() };
        let errors = [
            Error::invalid("limit", Reason::Inapplicable),
            Error::NotFound { key },
            Error::KeyReused,
            Error::InvalidCursor(CursorFault::Damaged),
            Error::Busy { store: "memory:".to_owned(), source: "x".into() },
            Error::Closed { store: "memory:".to_owned(), reason: "x" },
        ];
        for error in errors {
            let written = format!("{error:?}");
            assert_eq!(written.split(|letter: char| !letter.is_alphanumeric()).next(), Some(error.name()));
        }
    }
}
