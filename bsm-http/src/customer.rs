//! What customers can do, under `/api/customer`. What is not theirs is not there.

use bsm_core::feed::{EventPage, OwnEvent, OwnUpdate};
use bsm_core::model::{
    Article, ArticleId, Rating, RequestId, RequestNumber, Service, ServiceId, ServiceRequest, Ticket, TicketId,
    TicketNumber, User,
};
use bsm_core::view::UnifiedTicket;
use bsm_core::{FollowUp, OwnTicket, SubmitRequest};

use crate::answer::{Changed, Listed, Made, Plain, Row, Rows};
use crate::body::NewRating;
use crate::query::{CatalogueQuery, FeedQuery, OwnQuery, PlainQuery, PublishedQuery, UpdateQuery};
use crate::route::routes;

macro_rules! by_customer {
    ($call:ident, $method:ident($($given:expr),*)) => {{
        let portal = $call.customer()?;
        (portal.$method($($given),*).await, portal.last_stamp())
    }};
}

routes! {
    fn customers in Customer for CUSTOMER by by_customer;

    /// The customer's own data.
    Get "/me" => me() -> Row<User>;

    /// A page of the services that can be asked for.
    Get "/services" query(query: CatalogueQuery) => services(&query.query()) -> Rows<Service>;
    /// A service; one that is retired too.
    Get "/services/{id}" path(id: ServiceId) => service(id) -> Row<Service>;

    /// A page of the customer's requests.
    Get "/requests" query(query: OwnQuery) => requests(&query.query()) -> Rows<ServiceRequest>;
    /// Asks for a service.
    Post "/requests" body(given: SubmitRequest) => submit_request(given) -> Made<ServiceRequest>;
    /// A request.
    Get "/requests/{id}" path(id: RequestId) => request(id) -> Row<ServiceRequest>;
    /// A request by its number.
    Get "/requests/by-number/{number}" path(number: RequestNumber) => request_by_number(number) -> Row<ServiceRequest>;
    /// Withdraws a request.
    Post "/requests/{id}/cancel" path(id: RequestId) => cancel_request(id) -> Changed<ServiceRequest>;

    /// A page of the customer's tickets.
    Get "/tickets" query(query: OwnQuery) => tickets(&query.query()) -> Rows<Ticket>;
    /// Opens a ticket.
    Post "/tickets" body(given: OwnTicket) => open_ticket(given) -> Made<Ticket>;
    /// A ticket.
    Get "/tickets/{id}" path(id: TicketId) => ticket(id) -> Row<Ticket>;
    /// A ticket by its number.
    Get "/tickets/by-number/{number}" path(number: TicketNumber) => ticket_by_number(number) -> Row<Ticket>;
    /// What happened to a ticket, the newest first.
    Get "/tickets/{id}/updates" path(id: TicketId) query(query: UpdateQuery)
        => ticket_updates(id, query.before, query.limit()) -> Plain<Vec<OwnUpdate>>;
    /// Opens a ticket that follows up a finished one.
    Post "/tickets/{id}/follow-ups" path(id: TicketId) body(given: OwnTicket)
        => follow_up(FollowUp { of: id, ticket: given }) -> Made<Ticket>;
    /// Reopens a resolved ticket.
    Post "/tickets/{id}/reopen" path(id: TicketId) => reopen_ticket(id) -> Changed<Ticket>;
    /// Closes a resolved ticket for good.
    Post "/tickets/{id}/close" path(id: TicketId) => close_ticket(id) -> Changed<Ticket>;
    /// Withdraws a ticket.
    Post "/tickets/{id}/withdraw" path(id: TicketId) => withdraw_ticket(id) -> Changed<Ticket>;
    /// A page of the customer's tickets and requests together.
    Get "/unified" query(query: OwnQuery) => unified(&query.query()) -> Listed<UnifiedTicket>;

    /// A page of the ratings that the customer gave.
    Get "/ratings" query(query: PlainQuery) => ratings(&query.ratings()) -> Rows<Rating>;
    /// Rates a fulfilled request: once.
    Post "/ratings" body(given: NewRating) => rate(given.request, given.rating, given.review.clone()) -> Made<Rating>;

    /// A page of the published articles.
    Get "/articles" query(query: PublishedQuery) => articles(&query.query()) -> Rows<Article>;
    /// A published article.
    Get "/articles/{id}" path(id: ArticleId) => article(id) -> Row<Article>;

    /// A page of what happened to what is the customer's: an event for each command, in order.
    Get "/feed" query(query: FeedQuery) => events(&query.clone().page()) -> Plain<EventPage<OwnEvent>>;
}
