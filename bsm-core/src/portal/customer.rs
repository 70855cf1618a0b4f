//! What customers do and see: their own tickets, requests and ratings, the catalogue, and published articles.

use serde::{Deserialize, Serialize};

use crate::feed::OwnUpdate;
use crate::model::{
    Article, ArticleId, Entity, Impact, Rating, RatingId, RequestId, RequestNumber, RequestStatus, Service, ServiceId,
    ServiceRequest, Stars, Ticket, TicketId, TicketNumber, TicketStatus, User, Value, Version,
};
use crate::rules::request_status::Mover as RequestMover;
use crate::rules::ticket_status::Mover;
use crate::rules::{limits, text};
use crate::schema::{Field, Relation};
use crate::store::Order;
use crate::view::{CatalogueListing, OwnListing, OwnRatings, Page, Published, Query, Related, UNIFIED, UnifiedTicket};
use crate::{Error, Result};

use super::change::Edit;
use super::command::Command;
use super::insight::UNIFIED_JOINS;
use super::requests::move_request;
use super::run::Needs;
use super::tickets::{OWN_CHANNEL, finished, only_resolved};
use super::{Customer, NewRequest, NewTicket, OwnTicket, SubmitRequest, TicketChange};

/// A customer's finished ticket to be followed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUp {
    /// The finished ticket.
    pub of: TicketId,
    /// What is wrong now.
    pub ticket: OwnTicket,
}

impl Customer {
    /// The customer's own data.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] for somebody inactive or no customer.
    pub async fn me(&self) -> Result<User> {
        self.get(self.actor).await
    }

    /// A page of the services that can be asked for.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `limit`; [`Error::InvalidCursor`].
    pub async fn services(&self, query: &Query<CatalogueListing>) -> Result<Page<Service>> {
        self.list("catalogue", query, Entity::Service).await
    }

    /// A service; one that is retired too, since the customer may have asked for it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn service(&self, id: ServiceId) -> Result<Service> {
        self.get(id).await
    }

    /// Asks for a service.
    ///
    /// # Errors
    /// [`Error::ServiceRetired`]; [`Error::MissingParent`] for a service that does not exist; [`Error::Invalid`] of
    /// field `details`.
    ///
    /// ```no_run
    /// # async fn example(customer: bsm_core::Customer, service: bsm_core::model::ServiceId) -> bsm_core::Result<()> {
    /// use bsm_core::SubmitRequest;
    ///
    /// let request = customer.submit_request(SubmitRequest::new(service)).await?;
    /// println!("{} is {}", request.number, request.status);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn submit_request(&self, new: SubmitRequest) -> Result<ServiceRequest> {
        let needs = Needs::keys([new.service.into()]);
        let asked = NewRequest { details: new.details.clone(), ..NewRequest::new(new.service, self.actor) };
        self.run(&("submit_request", &new), needs, |work| asked.submit(work)).await
    }

    /// Withdraws a request. Its open ticket, if it has one, is cancelled in the same commit.
    ///
    /// # Errors
    /// [`Error::IllegalMove`]; [`Error::NotFound`] for what is not the customer's.
    pub async fn cancel_request(&self, id: RequestId) -> Result<ServiceRequest> {
        let needs = Needs::keys([id.into()]).following(Relation::RequestTicket);
        self.run(&("cancel_request", id), needs, |work| {
            move_request(work, id, RequestStatus::Cancelled, None, RequestMover::Customer)
        })
        .await
    }

    /// A page of the customer's requests.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `limit`; [`Error::InvalidCursor`].
    pub async fn requests(&self, query: &Query<OwnListing>) -> Result<Page<ServiceRequest>> {
        self.list("own requests", query, Entity::Request).await
    }

    /// A request of the customer's.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn request(&self, id: RequestId) -> Result<ServiceRequest> {
        self.get(id).await
    }

    /// A request of the customer's by its number.
    ///
    /// # Errors
    /// [`Error::NoneWith`], also for another's.
    pub async fn request_by_number(&self, number: RequestNumber) -> Result<ServiceRequest> {
        self.find(Field::Number, Value::Int(number.get().into())).await
    }

    /// Opens a ticket.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `title`, `description` or `category`.
    pub async fn open_ticket(&self, new: OwnTicket) -> Result<Ticket> {
        self.run(&("open_own_ticket", &new), Needs::default(), |work| {
            let ticket = self.own_ticket(&new).ticket(work, self.actor, Some(self.actor))?;
            let id = ticket.id;
            work.insert(ticket);
            Ok(id)
        })
        .await
    }

    /// Opens a ticket that follows up one of the customer's that is closed or cancelled.
    ///
    /// # Errors
    /// As [`open_ticket`](Self::open_ticket); [`Error::NotFinished`]; [`Error::NotFound`].
    pub async fn follow_up(&self, new: FollowUp) -> Result<Ticket> {
        self.run(&("follow_up_own", &new), Needs::keys([new.of.into()]), |work| {
            finished(work, new.of)?;
            let mut ticket = self.own_ticket(&new.ticket).ticket(work, self.actor, Some(self.actor))?;
            ticket.follow_up_of = Some(new.of);
            let id = ticket.id;
            work.insert(ticket);
            Ok(id)
        })
        .await
    }

    fn own_ticket(&self, new: &OwnTicket) -> NewTicket {
        NewTicket {
            description: new.description.clone(),
            category: new.category.clone(),
            urgency: new.urgency,
            impact: Impact::Low,
            channel: OWN_CHANNEL,
            requested_for: Some(self.actor),
            ..NewTicket::new(new.title.clone())
        }
    }

    /// A page of the customer's tickets.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `limit`; [`Error::InvalidCursor`].
    pub async fn tickets(&self, query: &Query<OwnListing>) -> Result<Page<Ticket>> {
        self.list("own tickets", query, Entity::Ticket).await
    }

    /// A page of the customer's tickets and requests together.
    ///
    /// # Errors
    /// As [`tickets`](Self::tickets).
    pub async fn unified(&self, query: &Query<OwnListing>) -> Result<Page<UnifiedTicket>> {
        self.page("own unified", query, UNIFIED, UNIFIED_JOINS, Related::unified).await
    }

    /// A ticket of the customer's.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn ticket(&self, id: TicketId) -> Result<Ticket> {
        self.get(id).await
    }

    /// A ticket of the customer's by its number.
    ///
    /// # Errors
    /// [`Error::NoneWith`], also for another's.
    pub async fn ticket_by_number(&self, number: TicketNumber) -> Result<Ticket> {
        self.find(Field::Number, Value::Int(number.get().into())).await
    }

    /// What happened to a ticket of the customer's, the newest first, from before `before`; at most `limit` entries.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] of field `limit`.
    pub async fn ticket_updates(&self, id: TicketId, before: Option<Version>, limit: usize) -> Result<Vec<OwnUpdate>> {
        let history = self.history_page(id.into(), Order::NewestFirst, before, limit).await?;
        let update = |entry| OwnUpdate::of(entry, self.actor);
        Ok(history.entries.into_iter().map(update).collect())
    }

    /// Reopens a resolved ticket of the customer's. If it was made from a request that is not rated yet, that is in
    /// progress again.
    ///
    /// # Errors
    /// [`Error::NotResolved`]; [`Error::NotFound`].
    pub async fn reopen_ticket(&self, id: TicketId) -> Result<Ticket> {
        self.move_own(("reopen_own", id), id, TicketStatus::InProgress).await
    }

    /// Closes a resolved ticket of the customer's for good.
    ///
    /// # Errors
    /// [`Error::IllegalMove`]; [`Error::NotFound`].
    pub async fn close_ticket(&self, id: TicketId) -> Result<Ticket> {
        self.move_own(("close_own", id), id, TicketStatus::Closed).await
    }

    /// Withdraws a ticket of the customer's. Its request, if it was made from one, stays as it is.
    ///
    /// # Errors
    /// [`Error::IllegalMove`]; [`Error::NotFound`].
    pub async fn withdraw_ticket(&self, id: TicketId) -> Result<Ticket> {
        self.move_own(("withdraw_own", id), id, TicketStatus::Cancelled).await
    }

    async fn move_own(&self, command: impl Command + Sync, id: TicketId, to: TicketStatus) -> Result<Ticket> {
        let change = TicketChange::to(to);
        self.run(&command, Needs::ticket(id), |work| {
            if to == TicketStatus::InProgress {
                only_resolved(work, id)?;
            }
            Edit { mover: Mover::Customer, change: &change, must_move: true }.apply(work, id)
        })
        .await
    }

    /// Rates what was fulfilled: once per request.
    ///
    /// # Errors
    /// [`Error::NotFulfilled`]; [`Error::AlreadyRated`]; [`Error::NotFound`]; [`Error::Invalid`] of field `review`.
    pub async fn rate(&self, request: RequestId, stars: Stars, review: impl Into<String> + Send) -> Result<Rating> {
        let review = review.into();
        self.run(&("rate", request, stars, &review), Needs::keys([request.into()]), |work| {
            let mut of: ServiceRequest = work.target(request)?;
            if of.rated {
                return Err(Error::AlreadyRated { request, rating: of.rating_id });
            }
            if of.status != RequestStatus::Fulfilled {
                return Err(Error::NotFulfilled { request, status: of.status });
            }
            let rating = Rating {
                id: RatingId::from_uuid(work.fresh()?),
                service_id: of.service_id,
                customer_id: of.customer_id,
                rating: stars,
                review: text::lines(Entity::Rating, Field::Review, &review, limits::REVIEW_CHARS)?,
                version: Version::FIRST,
                updated_at: work.now(),
            };
            let id = rating.id;
            of.rating_id = Some(id);
            of.rated = true;
            work.insert(rating);
            work.update(of);
            Ok(id)
        })
        .await
    }

    /// A page of the ratings that the customer gave, the newest first unless the query says otherwise.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `limit`; [`Error::InvalidCursor`].
    pub async fn ratings(&self, query: &Query<OwnRatings>) -> Result<Page<Rating>> {
        self.list("own ratings", query, Entity::Rating).await
    }

    /// A page of the published articles.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `limit`; [`Error::InvalidCursor`].
    pub async fn articles(&self, query: &Query<Published>) -> Result<Page<Article>> {
        self.list("published", query, Entity::Article).await
    }

    /// A published article.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn article(&self, id: ArticleId) -> Result<Article> {
        self.get(id).await
    }
}
