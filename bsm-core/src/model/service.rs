//! A service of the catalogue.

use serde::{Deserialize, Serialize};

use super::row::kept_fields;
use super::{Entity, Money, Record, ServiceId, Timestamp, Value, Version};
use crate::schema::Field;

/// Something that customers can ask for. Table `customer_services`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Service {
    /// The id; carries when the service was entered.
    pub id: ServiceId,
    /// One line.
    pub name: String,
    /// What one gets; may be empty.
    pub description: String,
    /// Where it stands in the catalogue.
    pub category: String,
    /// What it costs today. A request keeps the price of its own day.
    pub price: Money,
    /// Whether an admin must agree before work begins.
    pub needs_approval: bool,
    /// Whether it can be asked for; a retired one can't, and its requests stay.
    pub active: bool,
    /// How often the row was written.
    pub version: Version,
    /// When the desk last wrote it.
    pub updated_at: Timestamp,
}

impl Record for Service {
    const ENTITY: Entity = Entity::Service;

    kept_fields!();

    fn value(&self, field: Field) -> Value<'_> {
        match field {
            Field::Id => self.id.into(),
            Field::CreatedAt => self.id.created_at().into(),
            Field::Name => (&self.name).into(),
            Field::Description => (&self.description).into(),
            Field::Category => (&self.category).into(),
            Field::Price => Value::Decimal(self.price.amount()),
            Field::Currency => Value::Text(self.price.currency().to_string().into()),
            Field::NeedsApproval => self.needs_approval.into(),
            Field::Active => self.active.into(),
            other => self.kept_value(other),
        }
    }
}
