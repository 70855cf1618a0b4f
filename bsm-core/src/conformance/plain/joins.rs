//! The rows of the views, looked up by hand.

use super::state::Plain;
use crate::model::{Rating, Row, UserId};
use crate::view::{Person, RatingRow, RequestRow, Source, UnifiedTicket, WorkStatus};

fn person(plain: &Plain, id: UserId) -> Person {
    let user = plain.users.get(&id);
    let tell = |field: fn(&crate::model::User) -> &String| user.map(field).cloned().unwrap_or_default();
    Person { id, full_name: tell(|user| &user.full_name), email: tell(|user| &user.email) }
}

/// A row of the unified view, for staff or for a customer, who is not told who works on it.
pub(super) fn unified(plain: &Plain, row: &Row, customer: Option<UserId>) -> Option<UnifiedTicket> {
    Some(match row {
        Row::Ticket(ticket) => UnifiedTicket {
            source: Source::Ticket,
            ticket_id: Some(ticket.id),
            request_id: ticket.request_id,
            number: format!("TKT-{:06}", ticket.number.get()),
            title: ticket.title.clone(),
            status: WorkStatus::Ticket(ticket.status),
            phase: ticket.phase(),
            priority: Some(ticket.priority),
            category: ticket.category.clone(),
            customer: ticket.requested_for.map(|id| person(plain, id)),
            assigned_to: ticket.assigned_to.filter(|_| customer.is_none()).map(|id| person(plain, id)),
            service_id: None,
            created_at: ticket.id.created_at(),
            updated_at: ticket.updated_at,
        },
        Row::Request(request) => UnifiedTicket {
            source: Source::Request,
            ticket_id: request.ticket_id,
            request_id: Some(request.id),
            number: format!("REQ-{:06}", request.number.get()),
            title: plain.services.get(&request.service_id)?.name.clone(),
            status: WorkStatus::Request(request.status),
            phase: request.phase(),
            priority: None,
            category: None,
            customer: Some(person(plain, request.customer_id)),
            assigned_to: None,
            service_id: Some(request.service_id),
            created_at: request.id.created_at(),
            updated_at: request.updated_at,
        },
        _ => return None,
    })
}

/// A row of the view of requests.
pub(super) fn request_row(plain: &Plain, row: &Row) -> Option<RequestRow> {
    let Row::Request(request) = row else { return None };
    let service = plain.services.get(&request.service_id)?;
    let submitted_at = request.id.created_at();
    Some(RequestRow {
        request: request.clone(),
        service_name: service.name.clone(),
        service_category: service.category.clone(),
        customer: person(plain, request.customer_id),
        submitted_at,
        seconds_to_fulfil: request.fulfilled_at.map(|at| (at.micros() - submitted_at.micros()).div_euclid(1_000_000)),
    })
}

/// A row of the view of ratings.
pub(super) fn rating_row(plain: &Plain, rating: &Rating) -> RatingRow {
    let service = plain.services.get(&rating.service_id);
    RatingRow {
        rating: rating.clone(),
        service_name: service.map(|service| service.name.clone()).unwrap_or_default(),
        customer: person(plain, rating.customer_id),
        rated_at: rating.id.created_at(),
    }
}
