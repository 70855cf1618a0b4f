//! What an actor may see. The one place that decides it: nothing else compares a row's customer with the caller.

use crate::model::{Actor, ArticleStatus, Role, Row, UserId};

/// What an actor may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everything: staff, and the desk itself.
    Desk,
    /// What is one customer's, and what every customer may see.
    Own(UserId),
}

impl Scope {
    /// The scope of an actor who was admitted to the portal of `role`.
    pub(super) fn of(actor: Actor, role: Role) -> Self {
        match (actor, role) {
            (Actor::User(id), Role::Customer) => Self::Own(id),
            _ => Self::Desk,
        }
    }

    /// Whether the actor may see the row.
    pub(super) fn sees(self, row: &Row) -> bool {
        match (self, row) {
            // The catalogue is for everyone; whether a retired service can still be asked for is a rule, not a secret.
            (Self::Desk, _) | (Self::Own(_), Row::Service(_)) => true,
            (Self::Own(id), Row::User(user)) => user.id == id,
            (Self::Own(_), Row::Article(article)) => article.status == ArticleStatus::Published,
            (Self::Own(_), Row::Note(_)) => false,
            (Self::Own(id), Row::Ticket(_) | Row::Request(_) | Row::Rating(_)) => row.subject() == Some(id),
        }
    }
}
