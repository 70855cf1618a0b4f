//! A customer's request for a service, and the number people call it by.

use serde::{Deserialize, Serialize};

use super::row::{kept_fields, numbers};
use super::{
    Entity, Money, Phase, RatingId, Record, RequestId, RequestStatus, ServiceId, TicketId, Timestamp, UserId, Value,
    Version,
};
use crate::schema::Field;

numbers! {
    /// The number of a service request, written `REQ-000007`. Unique and rising; the store gives it.
    RequestNumber, Request, "REQ-"
}

/// A customer's request for a service. Table `customer_service_requests`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceRequest {
    /// The id; carries when it was submitted.
    pub id: RequestId,
    /// The number people say aloud.
    pub number: RequestNumber,
    /// What was asked for.
    pub service_id: ServiceId,
    /// Who asked.
    pub customer_id: UserId,
    /// What the customer added; may be empty.
    pub details: String,
    /// Where it stands.
    pub status: RequestStatus,
    /// Whether its service needed approval when it was submitted.
    pub needs_approval: bool,
    /// What the service cost when it was submitted.
    pub price: Money,
    /// The day that was agreed last; set from the first time it is scheduled.
    pub scheduled_for: Option<Timestamp>,
    /// When it was fulfilled; empty while it is not.
    pub fulfilled_at: Option<Timestamp>,
    /// The ticket that was made from it.
    pub ticket_id: Option<TicketId>,
    /// Its rating, if that still stands.
    pub rating_id: Option<RatingId>,
    /// Whether it was rated. Stays when the rating is deleted: one rating per request, ever.
    pub rated: bool,
    /// The id of this request elsewhere; no two requests share one.
    pub external_ref: Option<String>,
    /// How often the row was written.
    pub version: Version,
    /// When the desk last wrote it.
    pub updated_at: Timestamp,
}

impl ServiceRequest {
    /// The coarse state.
    pub const fn phase(&self) -> Phase {
        self.status.phase()
    }
}

impl Record for ServiceRequest {
    const ENTITY: Entity = Entity::Request;

    kept_fields!();

    fn value(&self, field: Field) -> Value<'_> {
        match field {
            Field::Id => self.id.into(),
            Field::CreatedAt => self.id.created_at().into(),
            Field::Number => self.number.into(),
            Field::ServiceId => self.service_id.into(),
            Field::CustomerId => self.customer_id.into(),
            Field::Details => (&self.details).into(),
            Field::Status => self.status.into(),
            Field::Phase => self.phase().into(),
            Field::NeedsApproval => self.needs_approval.into(),
            Field::Price => Value::Decimal(self.price.amount()),
            Field::Currency => Value::Text(self.price.currency().to_string().into()),
            Field::ScheduledFor => self.scheduled_for.into(),
            Field::FulfilledAt => self.fulfilled_at.into(),
            Field::TicketId => self.ticket_id.into(),
            Field::RatingId => self.rating_id.into(),
            Field::Rated => self.rated.into(),
            Field::ExternalRef => self.external_ref.as_ref().into(),
            other => self.kept_value(other),
        }
    }

    fn subject(&self) -> Option<UserId> {
        Some(self.customer_id)
    }
}
