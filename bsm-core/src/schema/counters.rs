//! What is counted: sums that a store keeps with every commit, so that a summary costs the same at any size.

use crate::model::spelled::spelled;
use crate::model::{Entity, RequestStatus, Row, Value};

use super::Field;

spelled! {
    /// A family of counters: one number for each combination of the values of its fields.
    pub enum Counter as "counter" {
        /// Users by role and whether they are active.
        Users = 1 => "users",
        /// Tickets by status.
        Tickets = 2 => "tickets",
        /// Articles by status.
        Articles = 3 => "articles",
        /// Services by whether they are active.
        Services = 4 => "services",
        /// Requests by status.
        Requests = 5 => "requests",
        /// Requests by service and status: how much each service is used.
        ServiceUsage = 6 => "service_usage",
        /// Ratings by stars.
        Ratings = 7 => "ratings",
        /// Ratings by service and stars.
        ServiceRatings = 8 => "service_ratings",
        /// The price of fulfilled requests by currency, in the currency's smallest unit.
        Revenue = 9 => "revenue",
    }
}

/// What a row adds to its counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Measure {
    /// One.
    Rows,
    /// Its price in the currency's smallest unit, once it is fulfilled; before that nothing.
    FulfilledPrice,
}

/// One family of counters.
#[derive(Clone, Copy, Debug)]
pub struct CounterSpec {
    /// Its name.
    pub counter: Counter,
    /// Whose rows are counted.
    pub entity: Entity,
    /// The fields that tell the counters of the family apart.
    pub by: &'static [Field],
    /// What a row adds.
    pub measure: Measure,
}

const fn rows(counter: Counter, entity: Entity, by: &'static [Field]) -> CounterSpec {
    CounterSpec { counter, entity, by, measure: Measure::Rows }
}

const COUNTERS: &[CounterSpec] = &[
    rows(Counter::Users, Entity::User, &[Field::Role, Field::Active]),
    rows(Counter::Tickets, Entity::Ticket, &[Field::Status]),
    rows(Counter::Articles, Entity::Article, &[Field::Status]),
    rows(Counter::Services, Entity::Service, &[Field::Active]),
    rows(Counter::Requests, Entity::Request, &[Field::Status]),
    rows(Counter::ServiceUsage, Entity::Request, &[Field::ServiceId, Field::Status]),
    rows(Counter::Ratings, Entity::Rating, &[Field::Stars]),
    rows(Counter::ServiceRatings, Entity::Rating, &[Field::ServiceId, Field::Stars]),
    CounterSpec {
        counter: Counter::Revenue,
        entity: Entity::Request,
        by: &[Field::Currency],
        measure: Measure::FulfilledPrice,
    },
];

/// Every family of counters.
pub const fn counters() -> &'static [CounterSpec] {
    COUNTERS
}

impl CounterSpec {
    /// What `row` adds; `None` if it is another entity's or adds nothing.
    pub fn amount(&self, row: &Row) -> Option<i128> {
        if row.entity() != self.entity {
            return None;
        }
        match (self.measure, row) {
            (Measure::Rows, _) => Some(1),
            (Measure::FulfilledPrice, Row::Request(request)) if request.status == RequestStatus::Fulfilled => {
                Some(request.price.minor_units())
            }
            (Measure::FulfilledPrice, _) => None,
        }
    }
}

/// What `row` adds, family by family, with the values that name the counter within its family.
pub fn contributions(row: &Row) -> impl Iterator<Item = (Counter, Vec<Value<'_>>, i128)> {
    COUNTERS.iter().filter_map(move |spec| {
        let amount = spec.amount(row)?;
        Some((spec.counter, spec.by.iter().map(|field| row.value(*field)).collect(), amount))
    })
}
