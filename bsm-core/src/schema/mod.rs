//! The model as data: which fields each entity has, how rows refer to each other, what is unique, what is listed, what
//! is counted.
//!
//! Stores are generic over this description: the key-value layout derives every key from it, the SQL is tested against
//! it, and the documentation is printed from it. To add an index, a relation or a counter, add a line here.

mod columns;
mod counters;
mod indexes;
mod relations;

pub use columns::{Column, Field, Kind, columns};
pub use counters::{Counter, CounterSpec, Measure, contributions, counters};
pub use indexes::{Index, IndexSpec, indexes};
pub use relations::{OnDelete, Origin, Relation, RelationSpec, relations, relations_from, relations_to};

use crate::model::Entity;

impl Entity {
    /// The table's name in SQL, as the product's owner gave it.
    pub const fn table(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Ticket => "tickets",
            Self::Article => "knowledge_base",
            Self::Service => "customer_services",
            Self::Request => "customer_service_requests",
            Self::Rating => "customer_ratings",
            Self::Note => "ticket_notes",
        }
    }

    /// Whether the store gives its rows a number.
    pub const fn is_numbered(self) -> bool {
        matches!(self, Self::Ticket | Self::Request)
    }
}

/// Fields that no two rows of their entity share (empty ones aside), and by which one row is found.
pub const fn uniques(entity: Entity) -> &'static [Field] {
    match entity {
        Entity::User => &[Field::Email, Field::ExternalRef],
        Entity::Ticket => &[Field::Number, Field::ExternalRef, Field::RequestId],
        Entity::Request => &[Field::Number, Field::ExternalRef, Field::RatingId, Field::TicketId],
        Entity::Article | Entity::Service | Entity::Rating | Entity::Note => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_named_eight_relations() {
        assert_eq!(relations().iter().filter(|relation| relation.origin == Origin::Owner).count(), 8);
    }

    #[test]
    fn codes_and_names_are_unique() {
        fn distinct<T: Ord + Copy + std::fmt::Debug>(mut all: Vec<T>) {
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count, "{all:?}");
        }
        distinct(Field::ALL.iter().map(|field| field.code()).collect());
        distinct(Field::ALL.iter().map(|field| field.as_str()).collect());
        distinct(relations().iter().map(|relation| (relation.from, relation.field)).collect());
        distinct(
            Entity::ALL.iter().flat_map(|entity| indexes(*entity)).map(|index| (index.entity, index.tag)).collect(),
        );
        distinct(counters().iter().map(|counter| counter.counter).collect());
    }

    #[test]
    fn every_field_named_anywhere_is_a_column_of_its_entity() {
        let has = |entity, field| columns(entity).iter().any(|column| column.field == field);
        for relation in relations() {
            assert!(has(relation.from, relation.field), "{relation:?}");
        }
        for entity in Entity::ALL {
            for index in indexes(*entity) {
                assert!(index.fields.iter().all(|field| has(*entity, *field)), "{index:?}");
            }
            assert!(uniques(*entity).iter().all(|field| has(*entity, *field)));
        }
        for counter in counters() {
            assert!(counter.by.iter().all(|field| has(counter.entity, *field)), "{counter:?}");
        }
    }

    #[test]
    fn the_children_of_every_relation_are_found_without_a_scan() {
        for relation in relations() {
            let indexed = indexes(relation.from).iter().any(|index| index.fields.first() == Some(&relation.field));
            let unique = uniques(relation.from).contains(&relation.field);
            assert!(indexed || unique, "{relation:?}");
        }
    }
}
