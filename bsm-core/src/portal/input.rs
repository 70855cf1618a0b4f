//! What callers hand in. Plain data: checked when a command takes it, so that every front gets the same errors.

use serde::{Deserialize, Serialize};

use crate::model::{Channel, Impact, Money, Priority, Role, ServiceId, TicketStatus, Timestamp, Urgency, UserId};

use super::Patch;

/// A person to be entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The name: 1 to [`FULL_NAME_CHARS`](crate::rules::limits::FULL_NAME_CHARS) characters.
    pub full_name: String,
    /// The email address; no two people share one, whatever its case.
    pub email: String,
    /// What the person may do.
    pub role: Role,
    /// The person's id elsewhere.
    #[serde(default)]
    pub external_ref: Option<String>,
}

impl NewUser {
    /// A person with a name, an address and a role.
    pub fn new(full_name: impl Into<String>, email: impl Into<String>, role: Role) -> Self {
        Self { full_name: full_name.into(), email: email.into(), role, external_ref: None }
    }
}

/// A change of a person's data. What is not named stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UserChange {
    /// The name.
    pub full_name: Option<String>,
    /// The email address.
    pub email: Option<String>,
    /// The id elsewhere.
    pub external_ref: Patch<String>,
}

/// A ticket to be opened by staff or by an import.
///
/// ```
/// use bsm_core::NewTicket;
/// use bsm_core::model::Impact;
///
/// let ticket = NewTicket { impact: Impact::High, ..NewTicket::new("Mail is down") };
/// # assert_eq!(ticket.title, "Mail is down");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewTicket {
    /// One line: 1 to [`TITLE_CHARS`](crate::rules::limits::TITLE_CHARS) characters.
    pub title: String,
    /// The whole story; may be empty.
    #[serde(default)]
    pub description: String,
    /// Where it begins: any status but closed and cancelled.
    #[serde(default = "opening::status")]
    pub status: TicketStatus,
    /// How much it touches.
    #[serde(default = "opening::impact")]
    pub impact: Impact,
    /// How long it can wait.
    #[serde(default = "opening::urgency")]
    pub urgency: Urgency,
    /// Its priority, if that does not follow from impact and urgency.
    #[serde(default)]
    pub priority: Option<Priority>,
    /// What it is about.
    #[serde(default)]
    pub category: Option<String>,
    /// What it is about, more closely.
    #[serde(default)]
    pub subcategory: Option<String>,
    /// How it came.
    #[serde(default = "opening::channel")]
    pub channel: Channel,
    /// The group that works on it.
    #[serde(default, rename = "assignment_group")]
    pub group: Option<String>,
    /// The member of staff who works on it.
    #[serde(default)]
    pub assigned_to: Option<UserId>,
    /// Whose it is.
    #[serde(default)]
    pub requested_for: Option<UserId>,
    /// Who took it, if not the actor: staff, or the person whose it is.
    #[serde(default)]
    pub created_by: Option<UserId>,
    /// When it was opened, if not when the command says that it [happened](crate::Portal::at).
    #[serde(default)]
    pub opened_at: Option<Timestamp>,
    /// Its id elsewhere.
    #[serde(default)]
    pub external_ref: Option<String>,
}

impl NewTicket {
    /// A new ticket of medium impact and urgency.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            description: String::new(),
            status: opening::status(),
            impact: opening::impact(),
            urgency: opening::urgency(),
            priority: None,
            category: None,
            subcategory: None,
            channel: opening::channel(),
            group: None,
            assigned_to: None,
            requested_for: None,
            created_by: None,
            opened_at: None,
            external_ref: None,
        }
    }
}

/// How a ticket begins if nobody says.
mod opening {
    use crate::model::{Channel, Impact, TicketStatus, Urgency};

    pub(super) const fn status() -> TicketStatus {
        TicketStatus::New
    }

    pub(super) const fn impact() -> Impact {
        Impact::Medium
    }

    pub(super) const fn urgency() -> Urgency {
        Urgency::Medium
    }

    pub(super) const fn channel() -> Channel {
        Channel::Other
    }
}

/// A ticket that a customer opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OwnTicket {
    /// One line.
    pub title: String,
    /// The whole story; may be empty.
    #[serde(default)]
    pub description: String,
    /// What it is about, in the desk's vocabulary: offer a choice, since categories stay in history and are no place for
    /// what tells of a person.
    #[serde(default)]
    pub category: Option<String>,
    /// How long it can wait, as the customer sees it.
    #[serde(default = "opening::urgency")]
    pub urgency: Urgency,
}

impl OwnTicket {
    /// A ticket of medium urgency.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), description: String::new(), category: None, urgency: opening::urgency() }
    }
}

/// How a request becomes a ticket. The title is the service's name, the description what the customer added, the
/// category `customer_request`, the channel the portal, and the ticket is the customer's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TicketFromRequest {
    /// How much it touches.
    pub impact: Impact,
    /// How long it can wait.
    pub urgency: Urgency,
    /// The group that works on it.
    #[serde(rename = "assignment_group")]
    pub group: Option<String>,
    /// The member of staff who works on it.
    pub assigned_to: Option<UserId>,
}

impl Default for TicketFromRequest {
    /// Of low impact and medium urgency (one person waits), for nobody in particular.
    fn default() -> Self {
        Self { impact: Impact::Low, urgency: Urgency::Medium, group: None, assigned_to: None }
    }
}

/// A service to be entered into the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewService {
    /// One line.
    pub name: String,
    /// What one gets; may be empty.
    #[serde(default)]
    pub description: String,
    /// Where it stands in the catalogue.
    pub category: String,
    /// What it costs.
    pub price: Money,
    /// Whether an admin must agree to each request first.
    #[serde(default)]
    pub needs_approval: bool,
}

impl NewService {
    /// A service that needs no approval.
    pub fn new(name: impl Into<String>, category: impl Into<String>, price: Money) -> Self {
        Self { name: name.into(), description: String::new(), category: category.into(), price, needs_approval: false }
    }
}

/// A change of a service. What is not named stays. Requests made before keep their price.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ServiceChange {
    /// One line.
    pub name: Option<String>,
    /// What one gets.
    pub description: Option<String>,
    /// Where it stands in the catalogue.
    pub category: Option<String>,
    /// What it costs from now on.
    pub price: Option<Money>,
    /// Whether an admin must agree to each request from now on.
    pub needs_approval: Option<bool>,
    /// Whether it can be asked for.
    pub active: Option<bool>,
}

/// A request for a service, as a customer makes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SubmitRequest {
    /// Which service.
    pub service: ServiceId,
    /// What the customer adds; may be empty.
    #[serde(default)]
    pub details: String,
}

impl SubmitRequest {
    /// A request without details.
    pub const fn new(service: ServiceId) -> Self {
        Self { service, details: String::new() }
    }
}

/// A request for a service, as staff or an import enter it for a customer. (Only they give outer ids: a customer who could
/// would learn from a refusal which ones others have.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewRequest {
    /// Which service.
    pub service: ServiceId,
    /// Who asks.
    pub customer: UserId,
    /// What the customer adds; may be empty.
    #[serde(default)]
    pub details: String,
    /// The request's id elsewhere.
    #[serde(default)]
    pub external_ref: Option<String>,
}

impl NewRequest {
    /// A request without details.
    pub const fn new(service: ServiceId, customer: UserId) -> Self {
        Self { service, customer, details: String::new(), external_ref: None }
    }
}

/// An article to be begun, as a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewArticle {
    /// One line.
    pub title: String,
    /// The text.
    pub body: String,
    /// What it is about.
    #[serde(default)]
    pub category: Option<String>,
}

/// A change of an article's text. What is not named stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArticleChange {
    /// One line.
    pub title: Option<String>,
    /// The text.
    pub body: Option<String>,
    /// What it is about.
    pub category: Patch<String>,
}

impl NewArticle {
    /// An article without a category.
    pub fn new(title: impl Into<String>, body: impl Into<String>) -> Self {
        Self { title: title.into(), body: body.into(), category: None }
    }
}
