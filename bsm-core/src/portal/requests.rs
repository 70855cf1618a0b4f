//! Service requests, as staff handle them.

use crate::model::{
    Entity, Key, RequestId, RequestNumber, RequestStatus, Role, Service, ServiceRequest, Ticket, TicketId,
    TicketNumber, TicketStatus, Timestamp, User, UserId, Value, Version,
};
use crate::rules::priority::priority_of;
use crate::rules::request_status::{self, Mover};
use crate::rules::{limits, text};
use crate::schema::{Field, Relation};
use crate::{Error, Reason, Result};

use super::change::assignable;
use super::change::move_to;
use super::command::Command;
use super::run::Needs;
use super::tickets::{CUSTOMER_REQUEST, OWN_CHANNEL};
use super::work::Work;
use super::{Admin, NewRequest, Portal, StaffRole, TicketFromRequest};

impl Admin {
    /// Agrees to a request whose service needs approval.
    ///
    /// # Errors
    /// [`Error::IllegalMove`]; [`Error::NotFound`]; [`Error::Conflict`] if a version was expected.
    pub async fn approve_request(&self, id: RequestId) -> Result<ServiceRequest> {
        self.move_request(("approve_request", id), id, RequestStatus::Approved, None).await
    }
}

impl<R: StaffRole> Portal<R> {
    /// Submits a request for a customer, now or in the past.
    ///
    /// # Errors
    /// [`Error::ServiceRetired`]; [`Error::MissingParent`] for a service or customer that does not exist;
    /// [`Error::Invalid`] of field `customer_id` for somebody inactive or no customer.
    pub async fn submit_request_for(&self, new: NewRequest) -> Result<ServiceRequest> {
        let needs = Needs::keys([new.customer.into(), new.service.into()]);
        self.run(&("submit_request_for", &new), needs, |work| new.submit(work)).await
    }

    /// Agrees on a day for a request, or on another one.
    ///
    /// # Errors
    /// [`Error::IllegalMove`], also for the day that it has already; [`Error::HasOpenTicket`]; [`Error::NotFound`].
    pub async fn schedule_request(&self, id: RequestId, day: Timestamp) -> Result<ServiceRequest> {
        self.move_request(("schedule_request", id, day), id, RequestStatus::Scheduled, Some(day)).await
    }

    /// Begins the work on a request, without a ticket.
    ///
    /// # Errors
    /// [`Error::IllegalMove`]; [`Error::NotFound`].
    pub async fn start_request(&self, id: RequestId) -> Result<ServiceRequest> {
        self.move_request(("start_request", id), id, RequestStatus::InProgress, None).await
    }

    /// Marks a request as fulfilled. One with an open ticket is fulfilled by resolving that.
    ///
    /// # Errors
    /// [`Error::IllegalMove`]; [`Error::HasOpenTicket`]; [`Error::NotFound`].
    pub async fn fulfil_request(&self, id: RequestId) -> Result<ServiceRequest> {
        self.move_request(("fulfil_request", id), id, RequestStatus::Fulfilled, None).await
    }

    /// Refuses a request. While it waits for approval, only an admin can.
    ///
    /// # Errors
    /// [`Error::IllegalMove`]; [`Error::NotFound`].
    pub async fn reject_request(&self, id: RequestId) -> Result<ServiceRequest> {
        self.move_request(("reject_request", id), id, RequestStatus::Rejected, None).await
    }

    /// Withdraws a request for its customer. Its open ticket, if it has one, is cancelled in the same commit.
    ///
    /// # Errors
    /// [`Error::IllegalMove`]; [`Error::NotFound`].
    pub async fn cancel_request(&self, id: RequestId) -> Result<ServiceRequest> {
        self.move_request(("cancel_request", id), id, RequestStatus::Cancelled, None).await
    }

    /// Makes a request into a ticket: once, and only from a status from which work may begin. The request is in
    /// progress from then on, and resolving the ticket fulfils it.
    ///
    /// # Errors
    /// [`Error::AlreadyConverted`]; [`Error::IllegalMove`]; [`Error::NotFound`]; [`Error::Invalid`] of field
    /// `assigned_to` or `assignment_group`.
    pub async fn make_ticket(&self, request: RequestId, how: TicketFromRequest) -> Result<Ticket> {
        let needs =
            Needs::keys(how.assigned_to.map(Key::from)).and([request.into()]).following(Relation::RequestService);
        self.run(&("make_ticket", request, &how), needs, |work| how.convert(work, request, self.actor, R::MOVER)).await
    }

    /// A request.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn request(&self, id: RequestId) -> Result<ServiceRequest> {
        self.get(id).await
    }

    /// A request by the number people say aloud.
    ///
    /// # Errors
    /// [`Error::NoneWith`].
    pub async fn request_by_number(&self, number: RequestNumber) -> Result<ServiceRequest> {
        self.find(Field::Number, Value::Int(number.get().into())).await
    }

    /// A request by its id elsewhere.
    ///
    /// # Errors
    /// [`Error::NoneWith`].
    pub async fn request_by_external_ref(&self, external_ref: &str) -> Result<ServiceRequest> {
        self.find(Field::ExternalRef, Value::from(external_ref.trim()).into_owned()).await
    }

    async fn move_request(
        &self,
        command: impl Command + Sync,
        id: RequestId,
        to: RequestStatus,
        day: Option<Timestamp>,
    ) -> Result<ServiceRequest> {
        let needs = Needs::keys([id.into()]).following(Relation::RequestTicket);
        self.run(&command, needs, |work| move_request(work, id, to, day, R::MOVER)).await
    }
}

/// Whether a ticket is still worked on.
fn is_open(ticket: &Ticket) -> bool {
    !ticket.status.is_final() && ticket.status != TicketStatus::Resolved
}

/// Moves a request, and cancels its open ticket with it.
pub(super) fn move_request(
    work: &mut Work<'_>,
    id: RequestId,
    to: RequestStatus,
    day: Option<Timestamp>,
    mover: Mover,
) -> Result<RequestId> {
    let mut request: ServiceRequest = work.target(id)?;
    request_status::check(&request, to, mover)?;
    let same_day = request.status == to && day.is_some() && day == request.scheduled_for;
    if same_day {
        let legal = request_status::legal(&request, mover).into_iter().filter(|legal| *legal != to);
        return Err(Error::IllegalMove {
            key: id.into(),
            from: request.status.as_str(),
            to: to.as_str(),
            legal: legal.map(RequestStatus::as_str).collect(),
        });
    }
    let ticket = match request.ticket_id {
        Some(ticket) => work.find::<Ticket>(ticket)?.filter(is_open),
        None => None,
    };
    match (to, ticket) {
        (RequestStatus::Cancelled, Some(mut ticket)) => {
            move_to(&mut ticket, TicketStatus::Cancelled, work);
            work.update(ticket);
        }
        (_, Some(ticket)) => return Err(Error::HasOpenTicket { request: id, ticket: ticket.id }),
        (_, None) => {}
    }
    request.status = to;
    if to == RequestStatus::Fulfilled {
        request.fulfilled_at = Some(work.occurred_at());
    }
    if day.is_some() {
        request.scheduled_for = day;
    }
    work.update(request);
    Ok(id)
}

impl NewRequest {
    /// The request that is asked for, checked and made.
    pub(super) fn submit(&self, work: &mut Work<'_>) -> Result<RequestId> {
        let customer = self.customer;
        let asker = work
            .find::<User>(customer)?
            .ok_or(Error::MissingParent { relation: Relation::RequestCustomer, parent: customer.into() })?;
        if !asker.active || asker.role != Role::Customer {
            let reason = Reason::WrongRole { needs: Role::Customer };
            return Err(Error::invalid_of(Entity::Request, Field::CustomerId.as_str(), reason));
        }
        let service = work
            .find::<Service>(self.service)?
            .ok_or(Error::MissingParent { relation: Relation::RequestService, parent: self.service.into() })?;
        if !service.active {
            return Err(Error::ServiceRetired { service: service.id });
        }
        let request = ServiceRequest {
            id: RequestId::from_uuid(work.fresh()?),
            number: RequestNumber::PENDING,
            service_id: service.id,
            customer_id: customer,
            details: text::lines(Entity::Request, Field::Details, &self.details, limits::DESCRIPTION_CHARS)?,
            status: RequestStatus::Submitted,
            needs_approval: service.needs_approval,
            price: service.price,
            scheduled_for: None,
            fulfilled_at: None,
            ticket_id: None,
            rating_id: None,
            rated: false,
            external_ref: text::external_ref(Entity::Request, self.external_ref.as_deref())?,
            version: Version::FIRST,
            updated_at: work.now(),
        };
        let id = request.id;
        work.insert(request);
        Ok(id)
    }
}

impl TicketFromRequest {
    fn convert(&self, work: &mut Work<'_>, from: RequestId, actor: UserId, mover: Mover) -> Result<TicketId> {
        let mut request: ServiceRequest = work.target(from)?;
        if let Some(ticket) = request.ticket_id {
            return Err(Error::AlreadyConverted { request: from, ticket });
        }
        if request.status != RequestStatus::InProgress {
            request_status::check(&request, RequestStatus::InProgress, mover)?;
        }
        if let Some(user) = self.assigned_to {
            assignable(work, user)?;
        }
        let service: Service = work.read(request.service_id)?;
        let ticket = Ticket {
            id: TicketId::from_uuid(work.fresh()?),
            number: TicketNumber::PENDING,
            title: service.name,
            description: request.details.clone(),
            status: TicketStatus::New,
            impact: self.impact,
            urgency: self.urgency,
            priority: priority_of(self.impact, self.urgency),
            priority_overridden: false,
            category: Some(CUSTOMER_REQUEST.to_owned()),
            subcategory: None,
            channel: OWN_CHANNEL,
            group: text::category(Entity::Ticket, Field::Group, self.group.as_deref())?,
            assigned_to: self.assigned_to,
            created_by: actor,
            requested_for: Some(request.customer_id),
            request_id: Some(from),
            follow_up_of: None,
            reopen_count: 0,
            resolved_at: None,
            closed_at: None,
            external_ref: None,
            version: Version::FIRST,
            updated_at: work.now(),
        };
        let id = ticket.id;
        request.status = RequestStatus::InProgress;
        request.ticket_id = Some(id);
        work.insert(ticket);
        work.update(request);
        Ok(id)
    }
}
