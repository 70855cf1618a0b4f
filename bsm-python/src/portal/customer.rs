//! What customers can do.

use bsm::model::{
    ArticleId, Channel, Phase, Priority, RequestId, RequestStatus, ServiceId, TicketId, TicketStatus, Urgency,
};
use bsm::view::{ArticleFilter, CatalogueListing, OwnListing, OwnRatings, Published, Query, Source, WorkFilter};
use bsm::{FollowUp, OwnTicket, SubmitRequest};
use pyo3::prelude::*;

use super::{AsyncCustomer, Customer};
use crate::arguments::{At, Limit, OfRequest, OfTicket, Rated};
use crate::feed::{Begin, Only, asked};
use crate::handle::{lists, methods};
use crate::ids::Row;
use crate::words::Of;

methods! { [Customer AsyncCustomer] {
    /// The customer's own data.
    fn me [] () |portal| portal.me();
    /// A service that can be asked for.
    fn service [service] (service: Row<ServiceId>) |portal| portal.service(service.0);
    /// Asks for a service.
    fn submit_request [service, *, details=String::new()] (service: Row<ServiceId>, details: String)
        |portal| portal.submit_request(SubmitRequest { service: service.0, details });
    /// Withdraws a request.
    fn cancel_request [request] (request: Row<RequestId>) |portal| portal.cancel_request(request.0);
    /// A request of the customer's.
    fn request [request] (request: Row<RequestId>) |portal| portal.request(request.0);
    /// A request of the customer's, by its number.
    fn request_by_number [number] (number: OfRequest) |portal| portal.request_by_number(number.0);
    /// Opens a ticket, of medium urgency unless told otherwise.
    fn open_ticket [title, *, description=String::new(), category=None, urgency=Of(Urgency::Medium)] (
        title: String,
        description: String,
        category: Option<String>,
        urgency: Of<Urgency>,
    ) |portal| portal.open_ticket(OwnTicket { title, description, category, urgency: urgency.0 });
    /// Opens a ticket that follows up a finished one of the customer's.
    fn follow_up [of, title, *, description=String::new(), category=None, urgency=Of(Urgency::Medium)] (
        of: Row<TicketId>,
        title: String,
        description: String,
        category: Option<String>,
        urgency: Of<Urgency>,
    ) |portal| portal.follow_up(FollowUp {
        of: of.0,
        ticket: OwnTicket { title, description, category, urgency: urgency.0 },
    });
    /// A ticket of the customer's.
    fn ticket [ticket] (ticket: Row<TicketId>) |portal| portal.ticket(ticket.0);
    /// A ticket of the customer's, by its number.
    fn ticket_by_number [number] (number: OfTicket) |portal| portal.ticket_by_number(number.0);
    /// What happened to a ticket, the newest first, as customers are told: at most `limit` changes (50), those before the version
    /// `before` if it is given.
    fn ticket_updates [ticket, *, before=None, limit=Limit::default()] (
        ticket: Row<TicketId>,
        before: Option<At>,
        limit: Limit,
    ) |portal| portal.ticket_updates(ticket.0, before.map(|before| before.0), limit.0);
    /// Puts a resolved ticket back in progress.
    fn reopen_ticket [ticket] (ticket: Row<TicketId>) |portal| portal.reopen_ticket(ticket.0);
    /// Closes a resolved ticket for good.
    fn close_ticket [ticket] (ticket: Row<TicketId>) |portal| portal.close_ticket(ticket.0);
    /// Gives a ticket up.
    fn withdraw_ticket [ticket] (ticket: Row<TicketId>) |portal| portal.withdraw_ticket(ticket.0);
    /// Rates a fulfilled request, once: from 1 to 5 stars.
    fn rate [request, stars, review=String::new()] (request: Row<RequestId>, stars: Rated, review: String)
        |portal| portal.rate(request.0, stars.0, review);
    /// A published article.
    fn article [article] (article: Row<ArticleId>) |portal| portal.article(article.0);
    /// A page of what happened to what is the customer's: from the oldest event that is kept, behind a position, or "now", which
    /// has no events and a position. At most `limit` events (50), of the entities that `only` names.
    fn events [*, since=Begin::oldest(), only=Only::default(), limit=Limit::default()] (
        since: Begin,
        only: Only,
        limit: Limit,
    ) |portal| async move { portal.events(&asked(since, only).limit(limit.0)).await };
} }

lists! { [Customer AsyncCustomer] {
    /// Services that can be asked for.
    fn services [*, category=None,] (category: Option<String>)
        Query::of(category.map_or(CatalogueListing::All, CatalogueListing::Category));
    /// The customer's requests.
    fn requests [*, phase=None, status=None, service=None,] (
        phase: Option<Of<Phase>>,
        status: Option<Of<RequestStatus>>,
        service: Option<Row<ServiceId>>,
    ) own(phase).filter(WorkFilter {
        request_status: status.map(|status| status.0),
        service: service.map(|service| service.0),
        ..WorkFilter::default()
    });
    /// The customer's tickets.
    fn tickets [*, phase=None, status=None, priority=None, category=None, channel=None,] (
        phase: Option<Of<Phase>>,
        status: Option<Of<TicketStatus>>,
        priority: Option<Of<Priority>>,
        category: Option<String>,
        channel: Option<Of<Channel>>,
    ) own(phase).filter(WorkFilter {
        ticket_status: status.map(|status| status.0),
        priority: priority.map(|priority| priority.0),
        category,
        channel: channel.map(|channel| channel.0),
        ..WorkFilter::default()
    });
    /// The customer's tickets and requests together.
    fn unified [
        *, source=None, phase=None, ticket_status=None, request_status=None, priority=None, category=None, service=None,
    ] (
        source: Option<Of<Source>>,
        phase: Option<Of<Phase>>,
        ticket_status: Option<Of<TicketStatus>>,
        request_status: Option<Of<RequestStatus>>,
        priority: Option<Of<Priority>>,
        category: Option<String>,
        service: Option<Row<ServiceId>>,
    ) own(phase).filter(WorkFilter {
        source: source.map(|source| source.0),
        ticket_status: ticket_status.map(|status| status.0),
        request_status: request_status.map(|status| status.0),
        priority: priority.map(|priority| priority.0),
        category,
        service: service.map(|service| service.0),
        ..WorkFilter::default()
    });
    /// The ratings that the customer gave.
    fn ratings [*,] () Query::of(OwnRatings);
    /// Published articles.
    fn articles [*, category=None,] (category: Option<String>)
        Query::of(Published).filter(ArticleFilter { category });
} }

/// What is the customer's, all of it or of a phase.
fn own(phase: Option<Of<Phase>>) -> Query<OwnListing> {
    Query::of(phase.map_or(OwnListing::All, |phase| OwnListing::Phase(phase.0)))
}
