//! What commands on requests and ratings do to the plain desk.

use super::command::Door;
use super::ground::Ground;
use super::moves::{Who, priority, request_moves};
use crate::model::{
    Channel, Entity, Rating, RatingId, RequestId, RequestNumber, RequestStatus, Role, ServiceRequest, Stars, Ticket,
    TicketId, TicketNumber, TicketStatus, Timestamp, Version,
};
use crate::rules::limits;
use crate::schema::{Field, Relation};
use crate::{Error, NewRequest, Reason, SubmitRequest, TicketFromRequest};

impl Ground<'_> {
    const fn who(&self) -> Who {
        match self.call.door {
            Door::Admin | Door::Desk => Who::Admin,
            Door::Agent => Who::Staff,
            Door::Customer => Who::Customer,
        }
    }

    pub(super) fn submit(&mut self, new: &NewRequest) {
        if let Some(user) = self.named(new.customer, Relation::RequestCustomer)
            && !(user.active && user.role == Role::Customer)
        {
            self.faults.invalid(Entity::Request, "customer_id", Reason::WrongRole { needs: Role::Customer });
        }
        let faults = &mut self.faults;
        let details = faults.lines(Entity::Request, Field::Details, &new.details, limits::DESCRIPTION_CHARS);
        let outer = new.external_ref.as_ref();
        let outer = faults.maybe(Entity::Request, Field::ExternalRef, outer, limits::EXTERNAL_REF_CHARS);
        let taken = self.plain.requests.values().any(|request| outer.is_some() && request.external_ref == outer);
        self.unshared(Entity::Request, taken, Field::ExternalRef);
        let Some(service) = self.plain.services.get(&new.service) else {
            let (relation, parent) = (Relation::RequestService, new.service.into());
            self.faults.add(&Error::MissingParent { relation, parent });
            return;
        };
        if !service.active {
            self.faults.add(&Error::ServiceRetired { service: service.id });
        }
        let request = ServiceRequest {
            id: RequestId::from_uuid(self.fresh),
            number: RequestNumber::new(self.number),
            service_id: service.id,
            customer_id: new.customer,
            details,
            status: RequestStatus::Submitted,
            needs_approval: service.needs_approval,
            price: service.price,
            scheduled_for: None,
            fulfilled_at: None,
            ticket_id: None,
            rating_id: None,
            rated: false,
            external_ref: outer,
            version: Version::FIRST,
            updated_at: self.now,
        };
        self.insert(request, self.occurred());
    }

    pub(super) fn submit_own(&mut self, new: &SubmitRequest) {
        let asked = NewRequest { details: new.details.clone(), ..NewRequest::new(new.service, self.actor()) };
        self.submit(&asked);
    }

    fn illegal(&mut self, request: &ServiceRequest, to: RequestStatus, but: Option<RequestStatus>) {
        let legal = request_moves(request, self.who()).into_iter().filter(|legal| Some(*legal) != but);
        self.faults.add(&Error::IllegalMove {
            key: request.id.into(),
            from: request.status.as_str(),
            to: to.as_str(),
            legal: legal.map(RequestStatus::as_str).collect(),
        });
    }

    /// Moves a request, if it may go there and no open ticket stands in the way.
    fn go_request(&mut self, request: &mut ServiceRequest, to: RequestStatus) {
        if !request_moves(request, self.who()).contains(&to) {
            self.illegal(request, to, None);
            return;
        }
        let ticket = request.ticket_id.and_then(|id| self.plain.tickets.get(&id).cloned());
        let is_open = |ticket: &Ticket| !ticket.status.is_final() && ticket.status != TicketStatus::Resolved;
        if let Some(mut ticket) = ticket.filter(is_open) {
            if to == RequestStatus::Cancelled {
                ticket.status = TicketStatus::Cancelled;
                self.reach("a cancelled request cancelled its ticket");
                self.change(ticket);
            } else {
                self.faults.add(&Error::HasOpenTicket { request: request.id, ticket: ticket.id });
            }
        }
        if to == RequestStatus::Fulfilled {
            request.fulfilled_at = Some(self.occurred());
        }
        request.status = to;
    }

    pub(super) fn move_request(&mut self, id: RequestId, to: RequestStatus) {
        let Some(mut request) = self.target::<ServiceRequest>(id) else { return };
        self.go_request(&mut request, to);
        self.answer_with(request);
    }

    pub(super) fn schedule(&mut self, id: RequestId, day: Timestamp) {
        let Some(mut request) = self.target::<ServiceRequest>(id) else { return };
        if request.status == RequestStatus::Scheduled && request.scheduled_for == Some(day) {
            self.illegal(&request, RequestStatus::Scheduled, Some(RequestStatus::Scheduled));
            return;
        }
        self.go_request(&mut request, RequestStatus::Scheduled);
        request.scheduled_for = Some(day);
        self.answer_with(request);
    }

    pub(super) fn make_ticket(&mut self, id: RequestId, how: &TicketFromRequest) {
        let Some(mut request) = self.target::<ServiceRequest>(id) else { return };
        if let Some(ticket) = request.ticket_id {
            self.faults.add(&Error::AlreadyConverted { request: id, ticket });
            return;
        }
        let to = RequestStatus::InProgress;
        if request.status != to && !request_moves(&request, self.who()).contains(&to) {
            self.illegal(&request, to, None);
        }
        if let Some(worker) = how.assigned_to {
            self.assignable(worker);
        }
        let group = self.faults.maybe(Entity::Ticket, Field::Group, how.group.as_ref(), limits::CATEGORY_CHARS);
        let Some(service) = self.plain.services.get(&request.service_id) else { return };
        let ticket = Ticket {
            id: TicketId::from_uuid(self.fresh),
            number: TicketNumber::new(self.number),
            title: service.name.clone(),
            description: request.details.clone(),
            status: TicketStatus::New,
            impact: how.impact,
            urgency: how.urgency,
            priority: priority(how.impact, how.urgency),
            priority_overridden: false,
            category: Some("customer_request".to_owned()),
            subcategory: None,
            channel: Channel::Portal,
            group,
            assigned_to: how.assigned_to,
            created_by: self.actor(),
            requested_for: Some(request.customer_id),
            request_id: Some(id),
            follow_up_of: None,
            reopen_count: 0,
            resolved_at: None,
            closed_at: None,
            external_ref: None,
            version: Version::FIRST,
            updated_at: self.now,
        };
        request.status = to;
        request.ticket_id = Some(ticket.id);
        self.change(request);
        self.insert(ticket, self.occurred());
    }

    pub(super) fn rate(&mut self, id: RequestId, stars: Stars, review: &str) {
        let Some(mut request) = self.target::<ServiceRequest>(id) else { return };
        if request.rated {
            self.faults.add(&Error::AlreadyRated { request: id, rating: request.rating_id });
        }
        if request.status != RequestStatus::Fulfilled {
            self.faults.add(&Error::NotFulfilled { request: id, status: request.status });
        }
        let rating = Rating {
            id: RatingId::from_uuid(self.fresh),
            service_id: request.service_id,
            customer_id: request.customer_id,
            rating: stars,
            review: self.faults.lines(Entity::Rating, Field::Review, review, limits::REVIEW_CHARS),
            version: Version::FIRST,
            updated_at: self.now,
        };
        request.rating_id = Some(rating.id);
        request.rated = true;
        self.change(request);
        self.insert(rating, self.occurred());
    }

    pub(super) fn delete_rating(&mut self, id: RatingId) {
        if self.target::<Rating>(id).is_none() {
            return;
        }
        for request in self.plain.requests.values().filter(|request| request.rating_id == Some(id)) {
            let mut request = request.clone();
            request.rating_id = None;
            self.effects.push(super::state::Effect::Write(request.into(), crate::model::Action::Changed));
            self.reached.push("a request lost its rating and stayed rated");
        }
        self.delete(id);
    }
}
