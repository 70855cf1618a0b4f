//! What stands in a body, where that is not one of the portals' own types.
//!
//! A change is a merge patch (RFC 7396): a member that is absent stays as it is, `null` empties it.

use bsm_core::model::{
    HoldReason, Impact, Money, Priority, RequestId, Role, Stars, TicketStatus, Timestamp, Urgency, UserId,
};
use bsm_core::{ArticleChange, Patch, PriorityChange, ServiceChange, TicketChange, UserChange};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};

/// Reads a member that is there: `null` clears.
fn there<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Patch<T>, D::Error> {
    Option::deserialize(deserializer).map(Patch::from)
}

/// Reads a member that is there and can't be emptied: `null` is not one of its values.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A change of a person's data.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct UserPatch {
    /// The name.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String)]
    full_name: Option<String>,
    /// The email address.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String)]
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

/// A change of a service. Requests made before keep their price.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServicePatch {
    /// One line.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String)]
    name: Option<String>,
    /// What one gets.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String)]
    description: Option<String>,
    /// Where it stands in the catalogue.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String)]
    category: Option<String>,
    /// What it costs from now on.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Money)]
    price: Option<Money>,
    /// Whether an admin must agree to each request from now on.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = bool)]
    needs_approval: Option<bool>,
    /// Whether it can be asked for.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = bool)]
    active: Option<bool>,
}

impl From<ServicePatch> for ServiceChange {
    fn from(given: ServicePatch) -> Self {
        let ServicePatch { name, description, category, price, needs_approval, active } = given;
        Self { name, description, category, price, needs_approval, active }
    }
}

/// A change of a ticket: any number of members, one entry of history. One that changes nothing is a touch.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TicketPatch {
    /// Where it goes.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = TicketStatus)]
    status: Option<TicketStatus>,
    /// One line.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String)]
    title: Option<String>,
    /// The whole story.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String)]
    description: Option<String>,
    /// How much it touches.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Impact)]
    impact: Option<Impact>,
    /// How long it can wait.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Urgency)]
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
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String)]
    title: Option<String>,
    /// The text.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String)]
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
    /// How satisfied the customer is, from 1 to 5 stars: as a word, as the desk writes it, or as a number.
    #[serde(deserialize_with = "stars")]
    #[schema(schema_with = stars_schema)]
    pub(crate) rating: Stars,
    /// What the customer says; may be empty.
    #[serde(default)]
    pub(crate) review: String,
}

/// Stars, as the word that they are everywhere, or as the number that people think of.
fn stars<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Stars, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "from 1 to 5 stars are expected")]
    enum Given {
        Word(Stars),
        Number(i64),
    }
    match Given::deserialize(deserializer)? {
        Given::Word(stars) => Ok(stars),
        Given::Number(number) => Stars::new(number).map_err(serde::de::Error::custom),
    }
}

fn stars_schema() -> Schema {
    let words =
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Stars::ALL.iter().map(|stars| stars.as_str())));
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(5));
    OneOfBuilder::new().item(words).item(number).build().into()
}
