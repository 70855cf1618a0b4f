//! By which listing a list is best kept, where the caller says only what its rows must have.

use crate::{Error, Reason, Result};

use super::{
    ArticleFilter, ArticleListing, Listing, Query, RatingListing, ServiceFilter, ServiceListing, Source, WorkFilter,
    WorkListing,
};
use crate::model::{ArticleStatus, ServiceId, UserId};

impl WorkFilter {
    /// The query for what passes this filter: by the listing that leaves the least to look at, with the rest as its filter.
    /// `of` says of which half of the unified view, or of both.
    ///
    /// For faces where a person names conditions and no listing. People come first (what is one person's is little),
    /// then a service, a category, a status, a priority, a phase.
    ///
    /// ```
    /// use bsm_core::model::{Phase, Priority};
    /// use bsm_core::view::{Query, WorkFilter, WorkListing};
    ///
    /// let urgent = WorkFilter { phase: Some(Phase::Open), priority: Some(Priority::Critical), ..WorkFilter::default() };
    /// let query = urgent.query(None);
    /// assert_eq!(query.listing, WorkListing::Priority(Priority::Critical));
    /// assert_eq!(query.filter, WorkFilter { phase: Some(Phase::Open), ..WorkFilter::default() });
    /// ```
    pub fn query(mut self, of: Option<Source>) -> Query<WorkListing> {
        let tickets = of != Some(Source::Request);
        let requests = of != Some(Source::Ticket);
        let listing = self.take_person(tickets).or_else(|| self.take_kind(tickets, requests));
        let listing = listing.or_else(|| self.phase.take().map(WorkListing::Phase));
        Query::of(listing.unwrap_or_default()).filter(self)
    }

    fn take_person(&mut self, tickets: bool) -> Option<WorkListing> {
        let assignee = if tickets { self.assignee.take() } else { None };
        if let Some(person) = assignee {
            return Some(match self.phase.take() {
                Some(phase) => WorkListing::AssigneePhase(person, phase),
                None => WorkListing::Assignee(person),
            });
        }
        let person = self.customer.take()?;
        Some(match self.phase.take() {
            Some(phase) => WorkListing::CustomerPhase(person, phase),
            None => WorkListing::Customer(person),
        })
    }

    fn take_kind(&mut self, tickets: bool, requests: bool) -> Option<WorkListing> {
        let service = if requests { self.service.take() } else { None };
        if let Some(service) = service {
            return Some(WorkListing::Service(service));
        }
        if tickets {
            let category = self.category.take().map(WorkListing::Category);
            let status = || self.ticket_status.take().map(WorkListing::TicketStatus);
            let listing = category.or_else(status);
            let listing = listing.or_else(|| self.priority.take().map(WorkListing::Priority));
            if listing.is_some() {
                return listing;
            }
        }
        if requests { self.request_status.take().map(WorkListing::RequestStatus) } else { None }
    }
}

impl ServiceListing {
    /// The query for services of a category, or for those that can be asked for or can't, or for all.
    pub fn query(category: Option<String>, active: Option<bool>) -> Query<Self> {
        match (category, active) {
            (Some(category), active) => Query::of(Self::Category(category)).filter(ServiceFilter { active }),
            (None, Some(active)) => Query::of(Self::Active(active)),
            (None, None) => Query::of(Self::All),
        }
    }
}

impl RatingListing {
    /// The query for ratings of a service, or for a customer's, or for all.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `customer` if both are named: no index has both.
    pub fn query(service: Option<ServiceId>, customer: Option<UserId>) -> Result<Query<Self>> {
        one_of(service.map(Self::Service), customer.map(Self::Customer), "customer", "service")
    }
}

impl ArticleListing {
    /// The query for articles of a status, or of an author, or for all, narrowed to a category.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `author` if both are named: no index has both.
    pub fn query(
        status: Option<ArticleStatus>,
        author: Option<UserId>,
        category: Option<String>,
    ) -> Result<Query<Self>> {
        let query = one_of(status.map(Self::Status), author.map(Self::Author), "author", "status")?;
        Ok(query.filter(ArticleFilter { category }))
    }
}

/// A list that is kept by one thing or by another, not by both.
fn one_of<L: Listing + Default>(
    one: Option<L>,
    other: Option<L>,
    name: &'static str,
    contradicted: &'static str,
) -> Result<Query<L>> {
    match (one, other) {
        (Some(_), Some(_)) => Err(Error::invalid(name, Reason::Contradicts { other: contradicted })),
        (one, other) => Ok(Query::of(one.or(other).unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Channel, Entity, Phase, Priority, RequestStatus, TicketStatus};

    fn some<T: Clone + std::fmt::Debug + 'static>(values: &'static [T]) -> impl Strategy<Value = Option<T>> {
        prop::option::of(prop::sample::select(values))
    }

    fn filters() -> impl Strategy<Value = WorkFilter> {
        let person = || prop::option::of((0..2_u128).prop_map(|id| UserId::from_uuid(uuid::Uuid::from_u128(id))));
        let service = prop::option::of((0..2_u128).prop_map(|id| ServiceId::from_uuid(uuid::Uuid::from_u128(id))));
        let states = (some(Phase::ALL), some(TicketStatus::ALL), some(RequestStatus::ALL), some(Priority::ALL));
        let people = (person(), person(), service, any::<bool>());
        (states, people, prop::option::of("[ab]"), some(Channel::ALL)).prop_map(
            |(
                (phase, ticket_status, request_status, priority),
                (assignee, customer, service, unassigned),
                category,
                channel,
            )| {
                WorkFilter {
                    phase,
                    ticket_status,
                    request_status,
                    priority,
                    category,
                    channel,
                    assignee,
                    unassigned,
                    customer,
                    service,
                    ..WorkFilter::default()
                }
            },
        )
    }

    proptest! {
        /// Whatever is named, the list that is asked for is kept by something that its rows have.
        #[test]
        fn every_filter_has_a_listing(filter in filters()) {
            let nobody = UserId::from_uuid(uuid::Uuid::nil());
            let halves = [
                (None, vec![Entity::Ticket, Entity::Request]),
                (Some(Source::Ticket), vec![Entity::Ticket]),
                (Some(Source::Request), vec![Entity::Request]),
            ];
            for (of, sources) in halves {
                let query = filter.clone().query(of);
                prop_assert!(query.listing.branches(&query.filter, &sources, nobody).is_ok(), "{:?}", query);
            }
        }
    }
}
