//! What admins and agents can do.

use bsm::model::{ArticleId, RatingId, RequestId, ServiceId, TicketId, UserId, Version};
use bsm::model::{Channel, HoldReason, Impact, Phase, Priority, RequestStatus, Role, TicketStatus, Urgency};
use bsm::store::Order;
use bsm::view::{ArticleListing, Query, RatingListing, ServiceListing, Source, UserListing, WorkFilter};
use bsm::{
    ArticleChange, CursorFault, Error, NewArticle, NewRequest, NewTicket, NotesOf, PriorityChange, TicketChange,
    TicketFromRequest,
};
use pyo3::prelude::*;

use super::{Admin, Agent, AsyncAdmin, AsyncAgent};
use crate::arguments::{Change, Limit, Moment, OfRequest, OfTicket};
use crate::feed::{Begin, Only, asked};
use crate::handle::{Answers, lists, methods, told_as};
use crate::ids::{AnyRow, Row};
use crate::words::Of;

methods! { [Admin AsyncAdmin Agent AsyncAgent] {
    /// Begins an article, as a draft.
    fn create_article [title, body, *, category=None] (title: String, body: String, category: Option<String>)
        |portal| portal.create_article(NewArticle { title, body, category });
    /// Changes an article's text. What is not named stays.
    fn change_article [article, *, title=Change::Keep, body=Change::Keep, category=Change::Keep] (
        article: Row<ArticleId>,
        title: Change<String>,
        body: Change<String>,
        category: Change<Option<String>>,
    ) |portal| portal.change_article(article.0, ArticleChange {
        title: title.value(),
        body: body.value(),
        category: category.patch(|category| category),
    });
    /// Shows an article to everybody.
    fn publish_article [article] (article: Row<ArticleId>) |portal| portal.publish_article(article.0);
    /// Takes an article out of use; it is kept.
    fn archive_article [article] (article: Row<ArticleId>) |portal| portal.archive_article(article.0);
    /// Makes a published article a draft again.
    fn withdraw_article [article] (article: Row<ArticleId>) |portal| portal.withdraw_article(article.0);
    /// An article, whatever its status.
    fn article [article] (article: Row<ArticleId>) |portal| portal.article(article.0);
    /// A service, retired or not.
    fn service [service] (service: Row<ServiceId>) |portal| portal.service(service.0);
    /// A page of what happened on the desk, in order: from the oldest event that is kept, behind a position, or "now", which
    /// has no events and a position. At most `limit` events (50), of the entities that `only` names.
    fn events [*, since=Begin::oldest(), only=Only::default(), limit=Limit::default()] (
        since: Begin,
        only: Only,
        limit: Limit,
    ) |portal| async move { portal.events(&asked(since, only).limit(limit.0)).await };
    /// The totals of the desk. Costs the same at any size.
    fn summary [] () |portal| portal.summary();
    /// A rating.
    fn rating [rating] (rating: Row<RatingId>) |portal| portal.rating(rating.0);
    /// How customers rate one service, or all. Costs the same at any size.
    fn rating_figures [service=None] (service: Option<Row<ServiceId>>)
        |portal| portal.rating_figures(service.map(|service| service.0));
    /// Deletes a rating, for instance one that insults. Its request stays marked as rated.
    fn delete_rating [rating] (rating: Row<RatingId>) |portal| portal.delete_rating(rating.0);
    /// A person.
    fn user [user] (user: Row<UserId>) |portal| portal.user(user.0);
    /// A person by email address, whatever its case.
    fn user_by_email [email] (email: String) |portal| portal.user_by_email(&email);
    /// A person by their id elsewhere.
    fn user_by_external_ref [external_ref] (external_ref: String) |portal| portal.user_by_external_ref(&external_ref);
    /// Enters a request for a customer.
    fn submit_request_for [service, customer, *, details=String::new(), external_ref=None] (
        service: Row<ServiceId>,
        customer: Row<UserId>,
        details: String,
        external_ref: Option<String>,
    ) |portal| portal.submit_request_for(NewRequest {
        service: service.0,
        customer: customer.0,
        details,
        external_ref,
    });
    /// Gives a request its day.
    fn schedule_request [request, day] (request: Row<RequestId>, day: Moment)
        |portal| portal.schedule_request(request.0, day.0);
    /// Begins work on a request.
    fn start_request [request] (request: Row<RequestId>) |portal| portal.start_request(request.0);
    /// Ends a request that has no open ticket: the customer has what was asked for.
    fn fulfil_request [request] (request: Row<RequestId>) |portal| portal.fulfil_request(request.0);
    /// Refuses a request.
    fn reject_request [request] (request: Row<RequestId>) |portal| portal.reject_request(request.0);
    /// Gives a request up.
    fn cancel_request [request] (request: Row<RequestId>) |portal| portal.cancel_request(request.0);
    /// Makes a ticket of category `customer_request` from a request, once. Resolving it fulfils the request. It is of low impact
    /// and medium urgency, unless told otherwise.
    fn make_ticket [request, *, impact=Of(Impact::Low), urgency=Of(Urgency::Medium), group=None, assigned_to=None] (
        request: Row<RequestId>,
        impact: Of<Impact>,
        urgency: Of<Urgency>,
        group: Option<String>,
        assigned_to: Option<Row<UserId>>,
    ) |portal| portal.make_ticket(request.0, TicketFromRequest {
        impact: impact.0,
        urgency: urgency.0,
        group,
        assigned_to: assigned_to.map(|user| user.0),
    });
    /// A request.
    fn request [request] (request: Row<RequestId>) |portal| portal.request(request.0);
    /// A request by the number people say aloud.
    fn request_by_number [number] (number: OfRequest) |portal| portal.request_by_number(number.0);
    /// A request by its id elsewhere.
    fn request_by_external_ref [external_ref] (external_ref: String)
        |portal| portal.request_by_external_ref(&external_ref);
    /// Opens a ticket: new, of medium impact and urgency, and by another channel, unless told otherwise. Its priority follows
    /// from impact and urgency, unless it is given.
    fn open_ticket [
        title, *, description=String::new(), status=Of(TicketStatus::New), impact=Of(Impact::Medium),
        urgency=Of(Urgency::Medium), priority=None, category=None, subcategory=None, channel=Of(Channel::Other),
        group=None, assigned_to=None, requested_for=None, created_by=None, opened_at=None, external_ref=None
    ] (
        title: String,
        description: String,
        status: Of<TicketStatus>,
        impact: Of<Impact>,
        urgency: Of<Urgency>,
        priority: Option<Of<Priority>>,
        category: Option<String>,
        subcategory: Option<String>,
        channel: Of<Channel>,
        group: Option<String>,
        assigned_to: Option<Row<UserId>>,
        requested_for: Option<Row<UserId>>,
        created_by: Option<Row<UserId>>,
        opened_at: Option<Moment>,
        external_ref: Option<String>,
    ) |portal| portal.open_ticket(NewTicket {
        title,
        description,
        status: status.0,
        impact: impact.0,
        urgency: urgency.0,
        priority: priority.map(|priority| priority.0),
        category,
        subcategory,
        channel: channel.0,
        group,
        assigned_to: assigned_to.map(|user| user.0),
        requested_for: requested_for.map(|user| user.0),
        created_by: created_by.map(|user| user.0),
        opened_at: opened_at.map(|at| at.0),
        external_ref,
    });
    /// Opens a ticket that follows up a finished one, for the same person. The rest is as for a new one.
    fn follow_up [
        of, title, *, description=String::new(), status=Of(TicketStatus::New), impact=Of(Impact::Medium),
        urgency=Of(Urgency::Medium), priority=None, category=None, subcategory=None, channel=Of(Channel::Other),
        group=None, assigned_to=None, requested_for=None, created_by=None, opened_at=None, external_ref=None
    ] (
        of: Row<TicketId>,
        title: String,
        description: String,
        status: Of<TicketStatus>,
        impact: Of<Impact>,
        urgency: Of<Urgency>,
        priority: Option<Of<Priority>>,
        category: Option<String>,
        subcategory: Option<String>,
        channel: Of<Channel>,
        group: Option<String>,
        assigned_to: Option<Row<UserId>>,
        requested_for: Option<Row<UserId>>,
        created_by: Option<Row<UserId>>,
        opened_at: Option<Moment>,
        external_ref: Option<String>,
    ) |portal| portal.follow_up(of.0, NewTicket {
        title,
        description,
        status: status.0,
        impact: impact.0,
        urgency: urgency.0,
        priority: priority.map(|priority| priority.0),
        category,
        subcategory,
        channel: channel.0,
        group,
        assigned_to: assigned_to.map(|user| user.0),
        requested_for: requested_for.map(|user| user.0),
        created_by: created_by.map(|user| user.0),
        opened_at: opened_at.map(|at| at.0),
        external_ref,
    });
    /// Changes a ticket: any number of fields, one command, one entry of history. What is not named stays; `None` empties
    /// a field, and lets the priority follow impact and urgency again.
    fn change_ticket [
        ticket, *, status=Change::Keep, title=Change::Keep, description=Change::Keep, impact=Change::Keep,
        urgency=Change::Keep, priority=Change::Keep, category=Change::Keep, subcategory=Change::Keep,
        group=Change::Keep, assigned_to=Change::Keep
    ] (
        ticket: Row<TicketId>,
        status: Change<Of<TicketStatus>>,
        title: Change<String>,
        description: Change<String>,
        impact: Change<Of<Impact>>,
        urgency: Change<Of<Urgency>>,
        priority: Change<Option<Of<Priority>>>,
        category: Change<Option<String>>,
        subcategory: Change<Option<String>>,
        group: Change<Option<String>>,
        assigned_to: Change<Option<Row<UserId>>>,
    ) |portal| portal.change_ticket(ticket.0, TicketChange {
        status: status.value().map(|status| status.0),
        title: title.value(),
        description: description.value(),
        impact: impact.value().map(|impact| impact.0),
        urgency: urgency.value().map(|urgency| urgency.0),
        priority: match priority {
            Change::Keep => PriorityChange::Keep,
            Change::To(None) => PriorityChange::Follow,
            Change::To(Some(priority)) => PriorityChange::Override(priority.0),
        },
        category: category.patch(|category| category),
        subcategory: subcategory.patch(|subcategory| subcategory),
        group: group.patch(|group| group),
        assigned_to: assigned_to.patch(|user| user.0),
    });
    /// Notes that somebody handled a ticket, and changes no field.
    fn touch_ticket [ticket] (ticket: Row<TicketId>) |portal| portal.touch_ticket(ticket.0);
    /// Gives a ticket to a member of staff.
    fn assign_ticket [ticket, to] (ticket: Row<TicketId>, to: Row<UserId>)
        |portal| portal.assign_ticket(ticket.0, to.0);
    /// Takes a ticket from whoever works on it.
    fn unassign_ticket [ticket] (ticket: Row<TicketId>) |portal| portal.unassign_ticket(ticket.0);
    /// Begins work on a ticket, or takes it up again.
    fn start_ticket [ticket] (ticket: Row<TicketId>) |portal| portal.start_ticket(ticket.0);
    /// Lets a ticket wait.
    fn hold_ticket [ticket, reason] (ticket: Row<TicketId>, reason: Of<HoldReason>)
        |portal| portal.hold_ticket(ticket.0, reason.0);
    /// Resolves a ticket, and fulfils the request that it was made from.
    fn resolve_ticket [ticket] (ticket: Row<TicketId>) |portal| portal.resolve_ticket(ticket.0);
    /// Puts a resolved ticket back in progress.
    fn reopen_ticket [ticket] (ticket: Row<TicketId>) |portal| portal.reopen_ticket(ticket.0);
    /// Closes a resolved ticket for good.
    fn close_ticket [ticket] (ticket: Row<TicketId>) |portal| portal.close_ticket(ticket.0);
    /// Gives a ticket up. Its request, if it was made from one, stays as it is.
    fn cancel_ticket [ticket] (ticket: Row<TicketId>) |portal| portal.cancel_ticket(ticket.0);
    /// Writes a note on a ticket, open or finished. Customers don't see it.
    fn add_note [ticket, body] (ticket: Row<TicketId>, body: String) |portal| portal.add_note(ticket.0, body);
    /// A ticket.
    fn ticket [ticket] (ticket: Row<TicketId>) |portal| portal.ticket(ticket.0);
    /// A ticket by the number people say aloud.
    fn ticket_by_number [number] (number: OfTicket) |portal| portal.ticket_by_number(number.0);
    /// A ticket by its id elsewhere.
    fn ticket_by_external_ref [external_ref] (external_ref: String)
        |portal| portal.ticket_by_external_ref(&external_ref);
} }

lists! { [Admin AsyncAdmin Agent AsyncAgent] {
    /// Articles, whatever their status.
    fn articles [*, status=None, author=None, category=None,] (
        status: Option<Of<bsm::model::ArticleStatus>>,
        author: Option<Row<UserId>>,
        category: Option<String>,
    ) ArticleListing::query(status.map(|status| status.0), author.map(|user| user.0), category);
    /// Services, retired ones too.
    fn services [*, category=None, active=None,] (category: Option<String>, active: Option<bool>)
        ServiceListing::query(category, active);
    /// Services with how much they are used and how they are rated.
    fn service_usage [*, category=None, active=None,] (category: Option<String>, active: Option<bool>)
        ServiceListing::query(category, active);
    /// The unified view: tickets and requests together.
    fn unified [
        *, source=None, phase=None, ticket_status=None, request_status=None, priority=None, category=None, channel=None,
        group=None, assignee=None, unassigned=false, customer=None, service=None,
    ] (
        source: Option<Of<Source>>,
        phase: Option<Of<Phase>>,
        ticket_status: Option<Of<TicketStatus>>,
        request_status: Option<Of<RequestStatus>>,
        priority: Option<Of<Priority>>,
        category: Option<String>,
        channel: Option<Of<Channel>>,
        group: Option<String>,
        assignee: Option<Row<UserId>>,
        unassigned: bool,
        customer: Option<Row<UserId>>,
        service: Option<Row<ServiceId>>,
    ) WorkFilter {
        source: source.map(|source| source.0),
        phase: phase.map(|phase| phase.0),
        ticket_status: ticket_status.map(|status| status.0),
        request_status: request_status.map(|status| status.0),
        priority: priority.map(|priority| priority.0),
        category,
        channel: channel.map(|channel| channel.0),
        group,
        assignee: assignee.map(|user| user.0),
        unassigned,
        customer: customer.map(|user| user.0),
        service: service.map(|service| service.0),
    }.query(None);
    /// Tickets.
    fn tickets [
        *, phase=None, status=None, priority=None, category=None, channel=None, group=None, assignee=None,
        unassigned=false, customer=None,
    ] (
        phase: Option<Of<Phase>>,
        status: Option<Of<TicketStatus>>,
        priority: Option<Of<Priority>>,
        category: Option<String>,
        channel: Option<Of<Channel>>,
        group: Option<String>,
        assignee: Option<Row<UserId>>,
        unassigned: bool,
        customer: Option<Row<UserId>>,
    ) WorkFilter {
        phase: phase.map(|phase| phase.0),
        ticket_status: status.map(|status| status.0),
        priority: priority.map(|priority| priority.0),
        category,
        channel: channel.map(|channel| channel.0),
        group,
        assignee: assignee.map(|user| user.0),
        unassigned,
        customer: customer.map(|user| user.0),
        ..WorkFilter::default()
    }.query(Some(Source::Ticket));
    /// Requests.
    fn requests [*, phase=None, status=None, customer=None, service=None,] (
        phase: Option<Of<Phase>>,
        status: Option<Of<RequestStatus>>,
        customer: Option<Row<UserId>>,
        service: Option<Row<ServiceId>>,
    ) of_requests(phase, status, customer, service).query(Some(Source::Request));
    /// Requests with service and customer.
    fn request_rows [*, phase=None, status=None, customer=None, service=None,] (
        phase: Option<Of<Phase>>,
        status: Option<Of<RequestStatus>>,
        customer: Option<Row<UserId>>,
        service: Option<Row<ServiceId>>,
    ) of_requests(phase, status, customer, service).query(Some(Source::Request));
    /// Ratings with service and customer: of a service, or of a customer.
    fn rating_rows [*, service=None, customer=None,] (service: Option<Row<ServiceId>>, customer: Option<Row<UserId>>)
        RatingListing::query(service.map(|service| service.0), customer.map(|user| user.0));
    /// The notes on a ticket.
    fn notes [ticket, *,] (ticket: Row<TicketId>) Query::of(NotesOf(ticket.0));
    /// People.
    fn users [*, role=None,] (role: Option<Of<Role>>)
        Query::of(role.map_or(UserListing::All, |role| UserListing::Role(role.0)));
} }

fn of_requests(
    phase: Option<Of<Phase>>,
    status: Option<Of<RequestStatus>>,
    customer: Option<Row<UserId>>,
    service: Option<Row<ServiceId>>,
) -> WorkFilter {
    WorkFilter {
        phase: phase.map(|phase| phase.0),
        request_status: status.map(|status| status.0),
        customer: customer.map(|user| user.0),
        service: service.map(|service| service.0),
        ..WorkFilter::default()
    }
}

macro_rules! history {
    ($($class:ident)+) => {$(
        #[pymethods]
        impl $class {
            /// The history of any row, one entry for each command that changed it. It stays when the row is deleted.
            ///
            /// Read page by page, as it is iterated over: the oldest first and 50 entries to a page, unless told otherwise.
            #[pyo3(signature = (of, *, order=Of(Order::OldestFirst), limit=Limit::default()))]
            fn history<'py>(
                &self,
                py: Python<'py>,
                of: AnyRow,
                order: Of<Order>,
                limit: Limit,
            ) -> PyResult<Bound<'py, PyAny>> {
                let portal = self.0.inner(py)?;
                self.pages(py, "history", move |cursor| {
                    let portal = portal.clone();
                    Box::pin(async move {
                        // A page of history ends at a version, which is its cursor.
                        let after = cursor.map(|cursor| cursor.as_str().parse().map(Version));
                        let after = after.transpose().map_err(|_| Error::InvalidCursor(CursorFault::Damaged))?;
                        let page = portal.history(of.0, order.0, after, limit.0).await?;
                        Ok(told_as(page.entries, page.next.map(|version| version.to_string()), None))
                    })
                })
            }
        }
    )+};
}
history!(Admin AsyncAdmin Agent AsyncAgent);
