//! A customer's rating of a fulfilled request.

use serde::{Deserialize, Serialize};

use super::row::kept_fields;
use super::{Entity, RatingId, Record, ServiceId, Stars, Timestamp, UserId, Value, Version};
use crate::schema::Field;

/// A customer's rating of a fulfilled request. Table `customer_ratings`. Its service and customer are the request's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rating {
    /// The id; carries when it was given.
    pub id: RatingId,
    /// The service that was rated.
    pub service_id: ServiceId,
    /// Who rated it.
    pub customer_id: UserId,
    /// How satisfied the customer was.
    pub rating: Stars,
    /// What the customer wrote; may be empty.
    pub review: String,
    /// How often the row was written.
    pub version: Version,
    /// When the desk last wrote it.
    pub updated_at: Timestamp,
}

impl Record for Rating {
    const ENTITY: Entity = Entity::Rating;

    kept_fields!();

    fn value(&self, field: Field) -> Value<'_> {
        match field {
            Field::Id => self.id.into(),
            Field::CreatedAt => self.id.created_at().into(),
            Field::ServiceId => self.service_id.into(),
            Field::CustomerId => self.customer_id.into(),
            Field::Stars => self.rating.into(),
            Field::Review => (&self.review).into(),
            other => self.kept_value(other),
        }
    }

    fn subject(&self) -> Option<UserId> {
        Some(self.customer_id)
    }
}
