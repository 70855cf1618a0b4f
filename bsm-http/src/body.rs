//! What stands in a body, where that is not one of the portals' own types.
//!
//! A change is a merge patch (RFC 7396): a member that is absent stays as it is, `null` empties it.

use bsm_core::model::{HoldReason, Impact, Priority, RequestId, Role, Stars, TicketStatus, Timestamp, Urgency, UserId};
use bsm_core::{ArticleChange, Patch, PriorityChange, TicketChange, UserChange};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

/// Reads a member that is there: `null` clears.
fn there<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Patch<T>, D::Error> {
    Option::deserialize(deserializer).map(Patch::from)
}

/// A change of a person's data.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct UserPatch {
    /// The name.
    full_name: Option<String>,
    /// The email address.
    email: Option<String>,
    /// The id elsewhere; `null`: none.
    #[serde(deserialize_with = "there")]
    #[schema(value_type = Option<String>)]
    external_ref: Patch<String>,
}

impl From<UserPatch> for UserChange {
    fn from(given: UserPatch) -> Self {
        Self { full_name: given.full_name, email: given.email, external_ref: given.external_ref }
    }
}

/// A change of a ticket: any number of members, one entry of history. One that changes nothing is a touch.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TicketPatch {
    /// Where it goes.
    status: Option<TicketStatus>,
    /// One line.
    title: Option<String>,
    /// The whole story.
    description: Option<String>,
    /// How much it touches.
    impact: Option<Impact>,
    /// How long it can wait.
    urgency: Option<Urgency>,
    /// In what order it is worked on, set by hand; `null`: it follows impact and urgency again.
    #[serde(deserialize_with = "there")]
    #[schema(value_type = Option<Priority>)]
    priority: Patch<Priority>,
    /// What it is about; `null`: nothing.
    #[serde(deserialize_with = "there")]
    #[schema(value_type = Option<String>)]
    category: Patch<String>,
    /// What it is about, more closely; `null`: nothing.
    #[serde(deserialize_with = "there")]
    #[schema(value_type = Option<String>)]
    subcategory: Patch<String>,
    /// The group that works on it; `null`: none.
    #[serde(deserialize_with = "there")]
    #[schema(value_type = Option<String>)]
    assignment_group: Patch<String>,
    /// The member of staff who works on it; `null`: nobody.
    #[serde(deserialize_with = "there")]
    #[schema(value_type = Option<UserId>)]
    assigned_to: Patch<UserId>,
}

impl From<TicketPatch> for TicketChange {
    fn from(given: TicketPatch) -> Self {
        Self {
            status: given.status,
            title: given.title,
            description: given.description,
            impact: given.impact,
            urgency: given.urgency,
            priority: match given.priority {
                Patch::Keep => PriorityChange::Keep,
                Patch::Clear => PriorityChange::Follow,
                Patch::Set(priority) => PriorityChange::Override(priority),
            },
            category: given.category,
            subcategory: given.subcategory,
            group: given.assignment_group,
            assigned_to: given.assigned_to,
        }
    }
}

/// A change of an article's text.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ArticlePatch {
    /// One line.
    title: Option<String>,
    /// The text.
    body: Option<String>,
    /// What it is about; `null`: nothing.
    #[serde(deserialize_with = "there")]
    #[schema(value_type = Option<String>)]
    category: Patch<String>,
}

impl From<ArticlePatch> for ArticleChange {
    fn from(given: ArticlePatch) -> Self {
        Self { title: given.title, body: given.body, category: given.category }
    }
}

/// What a person may do from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleGiven {
    /// The role.
    pub(crate) role: Role,
}

/// Who works on a ticket from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Assignee {
    /// The member of staff.
    pub(crate) assigned_to: UserId,
}

/// Why a ticket waits.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hold {
    /// For what.
    pub(crate) reason: HoldReason,
}

/// On which day a request is dealt with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Day {
    /// The day, or the moment.
    pub(crate) scheduled_for: Timestamp,
}

/// A note to be written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewNote {
    /// The text.
    pub(crate) body: String,
}

/// A rating of a fulfilled request.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRating {
    /// The request.
    pub(crate) request: RequestId,
    /// How satisfied the customer is, from 1 to 5 stars.
    pub(crate) rating: Stars,
    /// What the customer says; may be empty.
    #[serde(default)]
    pub(crate) review: String,
}
