//! What admins and agents can do, under `/api/admin`.

use bsm_core::feed::{Event, EventPage};
use bsm_core::model::{
    Article, ArticleId, Entity, Key, Note, Rating, RatingId, RequestId, RequestNumber, Service, ServiceId,
    ServiceRequest, Ticket, TicketId, TicketNumber, User, UserId,
};
use bsm_core::view::{RatingFigures, RatingRow, RequestRow, ServiceUsage, Summary, UnifiedTicket};
use bsm_core::{HistoryPage, NewArticle, NewRequest, NewService, NewTicket, NewUser, TicketFromRequest};

use crate::answer::{Changed, Listed, Made, Nothing, Plain, Row, Rows};
use crate::body::{ArticlePatch, Assignee, Day, Hold, NewNote, RoleGiven, ServicePatch, TicketPatch, UserPatch};
use crate::call::{RowId, Staff};
use crate::query::{
    ArticleQuery, FeedQuery, FigureQuery, HistoryQuery, PlainQuery, RatingQuery, ServiceQuery, UsageQuery, UserQuery,
    WorkQuery,
};
use crate::route::routes;

/// By whichever of the two portals the caller has.
macro_rules! by_staff {
    ($call:ident, $method:ident($($given:expr),*)) => {
        match $call.staff()? {
            Staff::Admin(portal) => (portal.$method($($given),*).await, portal.last_stamp()),
            Staff::Agent(portal) => (portal.$method($($given),*).await, portal.last_stamp()),
        }
    };
}

macro_rules! by_admin {
    ($call:ident, $method:ident($($given:expr),*)) => {{
        let portal = $call.admin()?;
        (portal.$method($($given),*).await, portal.last_stamp())
    }};
}

routes! {
    fn staff in Admin for STAFF by by_staff;

    /// The totals of the desk.
    Get "/customer-insights" => summary() -> Plain<Summary>;
    /// A page of the requests with their services and customers.
    Get "/customer-insights/requests" query(query: WorkQuery) => request_rows(&query.requests()) -> Listed<RequestRow>;
    /// A page of the services with how much they are used and how they are rated.
    ///
    /// At most 200 at a time.
    Get "/service-management" query(query: UsageQuery) => service_usage(&query.query()) -> Listed<ServiceUsage>;
    /// A service.
    Get "/service-management/{id}" path(id: ServiceId) => service(id) -> Row<Service>;
    /// A page of the services alone.
    Get "/services" query(query: ServiceQuery) => services(&query.query()) -> Rows<Service>;
    /// A page of the ratings with their services and customers.
    Get "/customer-feedback" query(query: RatingQuery) => rating_rows(&query.query()?) -> Listed<RatingRow>;
    /// How customers rate one service, or all.
    Get "/customer-feedback/figures" query(query: FigureQuery) => rating_figures(query.service) -> Plain<RatingFigures>;
    /// A rating.
    Get "/customer-feedback/{id}" path(id: RatingId) => rating(id) -> Row<Rating>;
    /// Deletes a rating.
    ///
    /// Its request stays marked as rated: there is no second one.
    Delete "/customer-feedback/{id}" path(id: RatingId) => delete_rating(id) -> Nothing;

    /// A page of tickets and requests together.
    Get "/unified" query(query: WorkQuery) => unified(&query.unified()) -> Listed<UnifiedTicket>;
    /// A page of what happened to a row: who changed what and when.
    Get "/history/{entity}/{id}" path(entity: Entity, id: RowId) query(query: HistoryQuery)
        => history(Key { entity, id: id.0 }, query.order(), query.after, query.limit()) -> Plain<HistoryPage>;
    /// A page of what happened on the desk: an event for each command, in order.
    Get "/feed" query(query: FeedQuery) => events(&query.clone().page()) -> Plain<EventPage<Event>>;

    /// A page of the users.
    Get "/users" query(query: UserQuery) => users(&query.query()) -> Rows<User>;
    /// A user.
    Get "/users/{id}" path(id: UserId) => user(id) -> Row<User>;
    /// A user by email address.
    Get "/users/by-email/{email}" path(email: String) => user_by_email(&email) -> Row<User>;
    /// A user by their id elsewhere.
    Get "/users/by-external-ref/{external_ref}" path(external_ref: String)
        => user_by_external_ref(&external_ref) -> Row<User>;

    /// A page of the requests.
    Get "/requests" query(query: WorkQuery) => requests(&query.requests()) -> Rows<ServiceRequest>;
    /// Submits a request for a customer.
    Post "/requests" body(given: NewRequest) => submit_request_for(given) -> Made<ServiceRequest>;
    /// A request.
    Get "/requests/{id}" path(id: RequestId) => request(id) -> Row<ServiceRequest>;
    /// A request by its number.
    Get "/requests/by-number/{number}" path(number: RequestNumber) => request_by_number(number) -> Row<ServiceRequest>;
    /// A request by its id elsewhere.
    Get "/requests/by-external-ref/{external_ref}" path(external_ref: String)
        => request_by_external_ref(&external_ref) -> Row<ServiceRequest>;
    /// Makes a request into a ticket.
    ///
    /// Once for each request. The ticket is of category `customer_request`; resolving it fulfils the request.
    Post "/requests/{id}/ticket" path(id: RequestId) body(given: TicketFromRequest) => make_ticket(id, given) -> Made<Ticket>;
    /// Agrees on a day for a request, or on another one.
    Post "/requests/{id}/schedule" path(id: RequestId) body(given: Day)
        => schedule_request(id, given.scheduled_for) -> Changed<ServiceRequest>;
    /// Begins the work on a request, without a ticket.
    Post "/requests/{id}/start" path(id: RequestId) => start_request(id) -> Changed<ServiceRequest>;
    /// Marks a request as fulfilled.
    Post "/requests/{id}/fulfil" path(id: RequestId) => fulfil_request(id) -> Changed<ServiceRequest>;
    /// Refuses a request.
    Post "/requests/{id}/reject" path(id: RequestId) => reject_request(id) -> Changed<ServiceRequest>;
    /// Withdraws a request for its customer.
    Post "/requests/{id}/cancel" path(id: RequestId) => cancel_request(id) -> Changed<ServiceRequest>;

    /// A page of the tickets.
    Get "/tickets" query(query: WorkQuery) => tickets(&query.tickets()) -> Rows<Ticket>;
    /// Opens a ticket, for somebody or for nobody.
    Post "/tickets" body(given: NewTicket) => open_ticket(given) -> Made<Ticket>;
    /// A ticket.
    Get "/tickets/{id}" path(id: TicketId) => ticket(id) -> Row<Ticket>;
    /// A ticket by its number.
    Get "/tickets/by-number/{number}" path(number: TicketNumber) => ticket_by_number(number) -> Row<Ticket>;
    /// A ticket by its id elsewhere.
    Get "/tickets/by-external-ref/{external_ref}" path(external_ref: String)
        => ticket_by_external_ref(&external_ref) -> Row<Ticket>;
    /// Changes several members of a ticket at once.
    Patch "/tickets/{id}" path(id: TicketId) body(given: TicketPatch) => change_ticket(id, given.into()) -> Changed<Ticket>;
    /// Opens a ticket that follows up a finished one.
    Post "/tickets/{id}/follow-ups" path(id: TicketId) body(given: NewTicket) => follow_up(id, given) -> Made<Ticket>;
    /// Marks a ticket as handled, without changing it.
    Post "/tickets/{id}/touch" path(id: TicketId) => touch_ticket(id) -> Changed<Ticket>;
    /// Gives a ticket to a member of staff.
    Post "/tickets/{id}/assign" path(id: TicketId) body(given: Assignee)
        => assign_ticket(id, given.assigned_to) -> Changed<Ticket>;
    /// Takes a ticket from whoever works on it.
    Post "/tickets/{id}/unassign" path(id: TicketId) => unassign_ticket(id) -> Changed<Ticket>;
    /// Begins, or goes on with, the work on a ticket.
    Post "/tickets/{id}/start" path(id: TicketId) => start_ticket(id) -> Changed<Ticket>;
    /// Lets a ticket wait.
    Post "/tickets/{id}/hold" path(id: TicketId) body(given: Hold) => hold_ticket(id, given.reason) -> Changed<Ticket>;
    /// Resolves a ticket, and fulfils the request that it was made from.
    Post "/tickets/{id}/resolve" path(id: TicketId) => resolve_ticket(id) -> Changed<Ticket>;
    /// Reopens a resolved ticket.
    Post "/tickets/{id}/reopen" path(id: TicketId) => reopen_ticket(id) -> Changed<Ticket>;
    /// Closes a resolved ticket for good.
    Post "/tickets/{id}/close" path(id: TicketId) => close_ticket(id) -> Changed<Ticket>;
    /// Gives a ticket up.
    Post "/tickets/{id}/cancel" path(id: TicketId) => cancel_ticket(id) -> Changed<Ticket>;
    /// A page of the notes on a ticket. Customers don't see them.
    Get "/tickets/{id}/notes" path(id: TicketId) query(query: PlainQuery) => notes(&query.notes(id)) -> Rows<Note>;
    /// Writes a note on a ticket, open or finished.
    Post "/tickets/{id}/notes" path(id: TicketId) body(given: NewNote) => add_note(id, given.body.clone()) -> Made<Note>;

    /// A page of the articles.
    Get "/articles" query(query: ArticleQuery) => articles(&query.query()?) -> Rows<Article>;
    /// Begins an article, as a draft.
    Post "/articles" body(given: NewArticle) => create_article(given) -> Made<Article>;
    /// An article.
    Get "/articles/{id}" path(id: ArticleId) => article(id) -> Row<Article>;
    /// Changes an article's text.
    Patch "/articles/{id}" path(id: ArticleId) body(given: ArticlePatch) => change_article(id, given.into()) -> Changed<Article>;
    /// Shows an article to everybody.
    Post "/articles/{id}/publish" path(id: ArticleId) => publish_article(id) -> Changed<Article>;
    /// Takes an article out of use.
    Post "/articles/{id}/archive" path(id: ArticleId) => archive_article(id) -> Changed<Article>;
    /// Takes a published article back, as a draft.
    Post "/articles/{id}/withdraw" path(id: ArticleId) => withdraw_article(id) -> Changed<Article>;
}

routes! {
    fn admins in Admin for ADMIN by by_admin;

    /// Enters a service into the catalogue.
    Post "/service-management" body(given: NewService) => create_service(given) -> Made<Service>;
    /// Changes a service. Requests made before keep their price.
    Patch "/service-management/{id}" path(id: ServiceId) body(given: ServicePatch)
        => change_service(id, given.into()) -> Changed<Service>;
    /// Retires a service: nobody can ask for it any more.
    Post "/service-management/{id}/retire" path(id: ServiceId) => retire_service(id) -> Changed<Service>;
    /// Deletes a service that nobody ever asked for.
    Delete "/service-management/{id}" path(id: ServiceId) => delete_service(id) -> Nothing;

    /// Enters a person.
    Post "/users" body(given: NewUser) => create_user(given) -> Made<User>;
    /// Changes a person's data.
    Patch "/users/{id}" path(id: UserId) body(given: UserPatch) => change_user(id, given.into()) -> Changed<User>;
    /// Gives a person another role.
    Put "/users/{id}/role" path(id: UserId) body(given: RoleGiven) => change_role(id, given.role) -> Changed<User>;
    /// Lets a person do nothing any more.
    Post "/users/{id}/deactivate" path(id: UserId) => deactivate_user(id) -> Changed<User>;
    /// Lets a person act again.
    Post "/users/{id}/reactivate" path(id: UserId) => reactivate_user(id) -> Changed<User>;
    /// Deletes a person whom nothing names but tickets that they work on.
    Delete "/users/{id}" path(id: UserId) => delete_user(id) -> Nothing;

    /// Agrees to a request whose service needs approval.
    Post "/requests/{id}/approve" path(id: RequestId) => approve_request(id) -> Changed<ServiceRequest>;
}
