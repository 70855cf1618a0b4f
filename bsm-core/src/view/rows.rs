//! The rows of the views: what stands in a row, joined with what it names.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{
    Entity, Key, Phase, Priority, Rating, RequestId, RequestStatus, Row, Service, ServiceId, ServiceRequest, Ticket,
    TicketId, TicketStatus, Timestamp, User, UserId,
};

use super::{RatingFigures, Source};

/// A person, as views name them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Person {
    /// The id.
    pub id: UserId,
    /// The name as it is today.
    pub full_name: String,
    /// The email address as it is today.
    pub email: String,
}

/// The status of a ticket or of a request.
///
/// Written as the one word; only the row's source tells which of the two it is, so it is not read back from that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum WorkStatus {
    /// Of a ticket.
    Ticket(TicketStatus),
    /// Of a request.
    Request(RequestStatus),
}

impl WorkStatus {
    /// The one spelling of the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ticket(status) => status.as_str(),
            Self::Request(status) => status.as_str(),
        }
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for WorkStatus {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        // Some words are of both, so neither of the two excludes the other.
        let tickets = TicketStatus::ALL.iter().map(|status| status.as_str());
        let requests = RequestStatus::ALL.iter().map(|status| status.as_str());
        let words: std::collections::BTreeSet<&str> = tickets.chain(requests).collect();
        crate::model::openapi::words(words.into_iter())
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for WorkStatus {}

impl fmt::Display for WorkStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A row of `unified_tickets_view`: a ticket or a service request. A request that was made into a ticket stands in it
/// twice, each time with the other's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "Written")]
#[non_exhaustive]
pub struct UnifiedTicket {
    /// Which of the two it is.
    pub source: Source,
    /// The ticket: itself, or the one that was made from it.
    pub ticket_id: Option<TicketId>,
    /// The request: itself, or the one that it was made from.
    pub request_id: Option<RequestId>,
    /// Its number: `TKT-000042` or `REQ-000007`.
    pub number: String,
    /// A ticket's title; a request's service.
    pub title: String,
    /// Where it stands.
    pub status: WorkStatus,
    /// Where it stands, coarsely.
    pub phase: Phase,
    /// A ticket's priority.
    pub priority: Option<Priority>,
    /// A ticket's category. (A request has none: its service's stands in the catalogue.)
    pub category: Option<String>,
    /// Whose it is.
    pub customer: Option<Person>,
    /// Who works on a ticket. Customers are not told.
    pub assigned_to: Option<Person>,
    /// The service that a request asks for.
    pub service_id: Option<ServiceId>,
    /// When it was opened or submitted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A row of the unified view as it is written: where the word of the status is only that.
#[derive(Deserialize)]
struct Written {
    source: Source,
    ticket_id: Option<TicketId>,
    request_id: Option<RequestId>,
    number: String,
    title: String,
    status: String,
    phase: Phase,
    priority: Option<Priority>,
    category: Option<String>,
    customer: Option<Person>,
    assigned_to: Option<Person>,
    service_id: Option<ServiceId>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<Written> for UnifiedTicket {
    type Error = crate::Error;

    fn try_from(written: Written) -> crate::Result<Self> {
        Ok(Self {
            status: match written.source {
                Source::Ticket => WorkStatus::Ticket(written.status.parse()?),
                Source::Request => WorkStatus::Request(written.status.parse()?),
            },
            source: written.source,
            ticket_id: written.ticket_id,
            request_id: written.request_id,
            number: written.number,
            title: written.title,
            phase: written.phase,
            priority: written.priority,
            category: written.category,
            customer: written.customer,
            assigned_to: written.assigned_to,
            service_id: written.service_id,
            created_at: written.created_at,
            updated_at: written.updated_at,
        })
    }
}

/// A row of `admin_customer_service_requests`: a request with its service and customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct RequestRow {
    /// The request. Its price is that of its day.
    pub request: ServiceRequest,
    /// The service's name as it is today.
    pub service_name: String,
    /// The service's category as it is today.
    pub service_category: String,
    /// Who asked.
    pub customer: Person,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// How long it took to fulfil, in whole seconds, once it is.
    pub seconds_to_fulfil: Option<i64>,
}

/// A row of `admin_customer_ratings`: a rating with its service and customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct RatingRow {
    /// The rating.
    pub rating: Rating,
    /// The service's name as it is today.
    pub service_name: String,
    /// Who rated.
    pub customer: Person,
    /// When.
    pub rated_at: Timestamp,
}

/// A service with how much it is used and how it is rated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct ServiceUsage {
    /// The service.
    pub service: Service,
    /// Its requests by status. A status without any is absent.
    pub requests: BTreeMap<RequestStatus, u64>,
    /// Its ratings.
    pub ratings: RatingFigures,
}

/// The rows that a page names, by key.
#[derive(Debug, Default)]
pub(crate) struct Related(HashMap<Key, Row>);

impl Related {
    pub(crate) fn new(rows: impl IntoIterator<Item = Row>) -> Self {
        Self(rows.into_iter().map(|row| (row.key(), row)).collect())
    }

    fn user(&self, id: UserId) -> Option<&User> {
        match self.0.get(&id.into()) {
            Some(Row::User(user)) => Some(user),
            _ => None,
        }
    }

    fn service(&self, id: ServiceId) -> Option<&Service> {
        match self.0.get(&id.into()) {
            Some(Row::Service(service)) => Some(service),
            _ => None,
        }
    }

    /// A foreign key keeps the person there, so the empty name stands for nothing that happens.
    fn person(&self, id: UserId) -> Person {
        let (full_name, email) =
            self.user(id).map(|user| (user.full_name.clone(), user.email.clone())).unwrap_or_default();
        Person { id, full_name, email }
    }

    pub(crate) fn unified(&self, row: Row) -> Option<UnifiedTicket> {
        match row {
            Row::Ticket(ticket) => Some(self.ticket(ticket)),
            Row::Request(request) => Some(self.request_in_unified(&request)),
            _ => None,
        }
    }

    fn ticket(&self, ticket: Ticket) -> UnifiedTicket {
        UnifiedTicket {
            source: Source::Ticket,
            ticket_id: Some(ticket.id),
            request_id: ticket.request_id,
            number: ticket.number.to_string(),
            status: WorkStatus::Ticket(ticket.status),
            phase: ticket.phase(),
            priority: Some(ticket.priority),
            category: ticket.category,
            customer: ticket.requested_for.map(|id| self.person(id)),
            assigned_to: ticket.assigned_to.filter(|id| self.user(*id).is_some()).map(|id| self.person(id)),
            service_id: None,
            created_at: ticket.id.created_at(),
            updated_at: ticket.updated_at,
            title: ticket.title,
        }
    }

    fn request_in_unified(&self, request: &ServiceRequest) -> UnifiedTicket {
        let service = self.service(request.service_id);
        UnifiedTicket {
            source: Source::Request,
            ticket_id: request.ticket_id,
            request_id: Some(request.id),
            number: request.number.to_string(),
            title: service.map(|service| service.name.clone()).unwrap_or_default(),
            status: WorkStatus::Request(request.status),
            phase: request.phase(),
            priority: None,
            category: None,
            customer: Some(self.person(request.customer_id)),
            assigned_to: None,
            service_id: Some(request.service_id),
            created_at: request.id.created_at(),
            updated_at: request.updated_at,
        }
    }

    pub(crate) fn request(&self, row: Row) -> Option<RequestRow> {
        let request = ServiceRequest::try_from(row).ok()?;
        let service = self.service(request.service_id);
        let submitted_at = request.id.created_at();
        Some(RequestRow {
            service_name: service.map(|service| service.name.clone()).unwrap_or_default(),
            service_category: service.map(|service| service.category.clone()).unwrap_or_default(),
            customer: self.person(request.customer_id),
            submitted_at,
            seconds_to_fulfil: request
                .fulfilled_at
                .map(|at| (at.micros() - submitted_at.micros()).div_euclid(1_000_000)),
            request,
        })
    }

    pub(crate) fn rating(&self, row: Row) -> Option<RatingRow> {
        let rating = Rating::try_from(row).ok()?;
        Some(RatingRow {
            service_name: self.service(rating.service_id).map(|service| service.name.clone()).unwrap_or_default(),
            customer: self.person(rating.customer_id),
            rated_at: rating.id.created_at(),
            rating,
        })
    }
}

/// The entities of the unified view.
pub(crate) const UNIFIED: &[Entity] = &[Entity::Ticket, Entity::Request];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_the_unified_view_is_read_back_with_the_status_of_its_source() -> serde_json::Result<()> {
        let at = Timestamp::MIN;
        // A word that both have.
        let statuses = [
            (Source::Ticket, WorkStatus::Ticket(TicketStatus::InProgress)),
            (Source::Request, WorkStatus::Request(RequestStatus::InProgress)),
        ];
        for (source, status) in statuses {
            let row = UnifiedTicket {
                source,
                ticket_id: None,
                request_id: None,
                number: "TKT-000001".to_owned(),
                title: "Fan is loud".to_owned(),
                status,
                phase: Phase::Open,
                priority: None,
                category: None,
                customer: None,
                assigned_to: None,
                service_id: None,
                created_at: at,
                updated_at: at,
            };
            assert_eq!(serde_json::from_str::<UnifiedTicket>(&serde_json::to_string(&row)?)?, row);
        }
        Ok(())
    }
}
