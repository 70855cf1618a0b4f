//! Every listing and every filter, against a search through everything.

use super::crowd::{CATEGORIES, Crowd, GROUPS};
use super::prelude::*;

/// Whether a row stands in a listing, told from the row alone.
fn stands_in(row: &Row, listing: &WorkListing) -> bool {
    match (row, listing) {
        (_, WorkListing::All) => true,
        (Row::Ticket(ticket), WorkListing::Phase(phase)) => phase_of_ticket(ticket.status) == *phase,
        (Row::Request(request), WorkListing::Phase(phase)) => phase_of_request(request.status) == *phase,
        (Row::Ticket(ticket), WorkListing::TicketStatus(status)) => ticket.status == *status,
        (Row::Ticket(ticket), WorkListing::Priority(priority)) => ticket.priority == *priority,
        (Row::Ticket(ticket), WorkListing::Category(category)) => ticket.category.as_ref() == Some(category),
        (Row::Ticket(ticket), WorkListing::Assignee(user)) => ticket.assigned_to == Some(*user),
        (Row::Ticket(ticket), WorkListing::AssigneePhase(user, phase)) => {
            ticket.assigned_to == Some(*user) && phase_of_ticket(ticket.status) == *phase
        }
        (Row::Ticket(ticket), WorkListing::Customer(user)) => ticket.requested_for == Some(*user),
        (Row::Ticket(ticket), WorkListing::CustomerPhase(user, phase)) => {
            ticket.requested_for == Some(*user) && phase_of_ticket(ticket.status) == *phase
        }
        (Row::Request(request), WorkListing::RequestStatus(status)) => request.status == *status,
        (Row::Request(request), WorkListing::Customer(user)) => request.customer_id == *user,
        (Row::Request(request), WorkListing::CustomerPhase(user, phase)) => {
            request.customer_id == *user && phase_of_request(request.status) == *phase
        }
        (Row::Request(request), WorkListing::Service(service)) => request.service_id == *service,
        _ => false,
    }
}

fn phase_of_ticket(status: TicketStatus) -> Phase {
    match status {
        TicketStatus::New | TicketStatus::InProgress => Phase::Open,
        TicketStatus::OnHold(_) => Phase::Waiting,
        TicketStatus::Resolved | TicketStatus::Closed => Phase::Done,
        TicketStatus::Cancelled => Phase::Dropped,
    }
}

fn phase_of_request(status: RequestStatus) -> Phase {
    match status {
        RequestStatus::Submitted | RequestStatus::Approved | RequestStatus::InProgress => Phase::Open,
        RequestStatus::Scheduled => Phase::Waiting,
        RequestStatus::Fulfilled => Phase::Done,
        RequestStatus::Rejected | RequestStatus::Cancelled => Phase::Dropped,
    }
}

/// Whether a filter lets a row through, told from the row alone.
fn passes(row: &Row, filter: &WorkFilter) -> bool {
    fn is<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
        wanted.is_none() || wanted == found
    }
    match row {
        Row::Ticket(ticket) => {
            is(filter.source.as_ref(), Some(&Source::Ticket))
                && is(filter.phase.as_ref(), Some(&phase_of_ticket(ticket.status)))
                && is(filter.ticket_status.as_ref(), Some(&ticket.status))
                && filter.request_status.is_none()
                && is(filter.priority.as_ref(), Some(&ticket.priority))
                && is(filter.category.as_ref(), ticket.category.as_ref())
                && is(filter.channel.as_ref(), Some(&ticket.channel))
                && is(filter.group.as_ref(), ticket.group.as_ref())
                && is(filter.assignee.as_ref(), ticket.assigned_to.as_ref())
                && (!filter.unassigned || ticket.assigned_to.is_none())
                && is(filter.customer.as_ref(), ticket.requested_for.as_ref())
                && filter.service.is_none()
        }
        Row::Request(request) => {
            let tickets_only = filter.ticket_status.is_some()
                || filter.priority.is_some()
                || filter.category.is_some()
                || filter.channel.is_some()
                || filter.group.is_some()
                || filter.assignee.is_some()
                || filter.unassigned;
            !tickets_only
                && is(filter.source.as_ref(), Some(&Source::Request))
                && is(filter.phase.as_ref(), Some(&phase_of_request(request.status)))
                && is(filter.request_status.as_ref(), Some(&request.status))
                && is(filter.customer.as_ref(), Some(&request.customer_id))
                && is(filter.service.as_ref(), Some(&request.service_id))
        }
        _ => false,
    }
}

fn every_listing(crowd: &Crowd) -> Vec<WorkListing> {
    let nobody = UserId::from_uuid(uuid::Uuid::nil());
    let people = |people: &[UserId]| people.iter().copied().chain([nobody]).collect::<Vec<_>>();
    let mut all = vec![WorkListing::All];
    all.extend(Phase::ALL.iter().map(|phase| WorkListing::Phase(*phase)));
    all.extend(TicketStatus::ALL.iter().map(|status| WorkListing::TicketStatus(*status)));
    all.extend(RequestStatus::ALL.iter().map(|status| WorkListing::RequestStatus(*status)));
    all.extend(Priority::ALL.iter().map(|priority| WorkListing::Priority(*priority)));
    all.extend(CATEGORIES.iter().chain(&["", "mai"]).map(|category| WorkListing::Category((*category).to_owned())));
    all.extend(people(&crowd.staff).into_iter().map(WorkListing::Assignee));
    all.extend(people(&crowd.customers).into_iter().map(WorkListing::Customer));
    for phase in Phase::ALL {
        all.extend(people(&crowd.staff).into_iter().map(|user| WorkListing::AssigneePhase(user, *phase)));
        all.extend(people(&crowd.customers).into_iter().map(|user| WorkListing::CustomerPhase(user, *phase)));
    }
    all.extend(crowd.services.iter().map(|service| WorkListing::Service(*service)));
    all
}

/// Each field of the filter alone, and some together.
fn every_filter(crowd: &Crowd) -> Vec<WorkFilter> {
    let none = WorkFilter::default;
    let mut all = vec![none()];
    all.extend([Source::Ticket, Source::Request].map(|source| WorkFilter { source: Some(source), ..none() }));
    all.extend(Phase::ALL.iter().map(|phase| WorkFilter { phase: Some(*phase), ..none() }));
    let status = |status: &TicketStatus| WorkFilter { ticket_status: Some(*status), ..none() };
    all.extend(TicketStatus::ALL.iter().map(status));
    let status = |status: &RequestStatus| WorkFilter { request_status: Some(*status), ..none() };
    all.extend(RequestStatus::ALL.iter().map(status));
    all.extend(Priority::ALL.iter().map(|priority| WorkFilter { priority: Some(*priority), ..none() }));
    let category = |text: &&str| WorkFilter { category: Some((*text).to_owned()), ..none() };
    all.extend(CATEGORIES.iter().map(category));
    all.extend(Channel::ALL.iter().map(|channel| WorkFilter { channel: Some(*channel), ..none() }));
    all.extend(GROUPS.iter().map(|group| WorkFilter { group: Some((*group).to_owned()), ..none() }));
    all.extend(crowd.staff.iter().map(|user| WorkFilter { assignee: Some(*user), ..none() }));
    all.push(WorkFilter { unassigned: true, ..none() });
    all.extend(crowd.customers.iter().map(|user| WorkFilter { customer: Some(*user), ..none() }));
    all.extend(crowd.services.iter().map(|service| WorkFilter { service: Some(*service), ..none() }));
    let (priority, phase) = (Some(Priority::Moderate), Some(Phase::Waiting));
    all.push(WorkFilter { priority, phase, customer: Some(crowd.customers[1]), ..none() });
    all.push(WorkFilter { phase, unassigned: true, group: Some(GROUPS[1].to_owned()), ..none() });
    // What contradicts itself leaves nothing, which is no error.
    all.push(WorkFilter { unassigned: true, assignee: Some(crowd.staff[0]), ..none() });
    all.push(WorkFilter { source: Some(Source::Request), priority, ..none() });
    all
}

/// Walks a list to its end and returns the rows' ids.
macro_rules! walk {
    ($portal:expr, $list:ident, $query:expr, $id:expr) => {{
        let mut query = $query.limit(7);
        let mut ids: Vec<uuid::Uuid> = Vec::new();
        loop {
            let page = $portal.$list(&query).await?;
            assert!(page.rows.len() <= 7, "more than a page");
            ids.extend(page.rows.iter().map($id));
            match page.next {
                Some(next) => query = query.cursor(next),
                None => break ids,
            }
        }
    }};
}

fn unified_id(row: &UnifiedTicket) -> uuid::Uuid {
    let request = row.request_id.map(RequestId::as_uuid);
    let ticket = row.ticket_id.map(TicketId::as_uuid);
    if row.source == Source::Ticket { ticket } else { request }.unwrap_or_default()
}

/// The ids of the rows that must be found, in order.
fn expected(crowd: &Crowd, query: &Query<WorkListing>, entities: &[Entity]) -> Vec<uuid::Uuid> {
    let found = crowd.work.iter().filter(|row| {
        entities.contains(&row.entity())
            && stands_in(row, &query.listing)
            && passes(row, &query.filter)
            && query.within.contains(created(row))
    });
    let mut ids: Vec<uuid::Uuid> = found.map(|row| row.key().id).collect();
    if query.order == Order::NewestFirst {
        ids.reverse();
    }
    ids
}

fn created(row: &Row) -> Timestamp {
    match row {
        Row::Ticket(ticket) => ticket.id.created_at(),
        Row::Request(request) => request.id.created_at(),
        _ => Timestamp::MIN,
    }
}

async fn check(crowd: &Crowd, query: Query<WorkListing>) -> Outcome {
    use WorkListing::{All, Customer, CustomerPhase, Phase, RequestStatus, Service};
    let (admin, agent) = (&crowd.w.admin, &crowd.w.agent);
    let all = expected(crowd, &query, &[Entity::Ticket, Entity::Request]);
    assert_eq!(walk!(admin, unified, query.clone(), unified_id), all, "{query:?}");
    let not_listed = Error::invalid("listing", Reason::NotListed);
    if matches!(query.listing, RequestStatus(_) | Service(_)) {
        refused(agent.tickets(&query).await, &not_listed);
    } else {
        let tickets = expected(crowd, &query, &[Entity::Ticket]);
        assert_eq!(walk!(agent, tickets, query.clone(), |row: &Ticket| row.id.as_uuid()), tickets, "{query:?}");
    }
    if matches!(query.listing, All | Phase(_) | RequestStatus(_) | Customer(_) | CustomerPhase(..) | Service(_)) {
        let requests = expected(crowd, &query, &[Entity::Request]);
        let id = |row: &ServiceRequest| row.id.as_uuid();
        assert_eq!(walk!(admin, requests, query.clone(), id), requests, "{query:?}");
        let id = |row: &RequestRow| row.request.id.as_uuid();
        assert_eq!(walk!(admin, request_rows, query.clone(), id), requests, "{query:?}");
    } else {
        refused(admin.requests(&query).await, &not_listed);
        refused(admin.request_rows(&query).await, &not_listed);
    }
    Ok(())
}

/// Every listing gives exactly the rows that belong to it, in both orders, of tickets, of requests and of both.
pub async fn every_listing_gives_exactly_its_rows(store: Arc<dyn Store>) -> Outcome {
    let crowd = Crowd::new(store).await?;
    for listing in every_listing(&crowd) {
        for order in [Order::NewestFirst, Order::OldestFirst] {
            check(&crowd, Query::of(listing.clone()).order(order)).await?;
        }
    }
    Ok(())
}

/// Every filter leaves exactly what passes it, on listings with one index run and with several.
pub async fn every_filter_leaves_exactly_what_passes(store: Arc<dyn Store>) -> Outcome {
    let crowd = Crowd::new(store).await?;
    let listings = [WorkListing::All, WorkListing::Phase(Phase::Waiting), WorkListing::Customer(crowd.customers[0])];
    for listing in listings {
        for filter in every_filter(&crowd) {
            check(&crowd, Query::of(listing.clone()).filter(filter)).await?;
        }
    }
    Ok(())
}

/// A time range takes what was created within it, both ends included, whatever the listing and order.
pub async fn a_time_range_takes_both_ends(store: Arc<dyn Store>) -> Outcome {
    let crowd = Crowd::new(store).await?;
    let moments: Vec<Timestamp> = crowd.work.iter().map(created).collect();
    let (first, last) = (moments[moments.len() / 3], moments[moments.len() / 2]);
    let just = |at: Timestamp, micros| Some(at.plus_micros(micros));
    let ranges = [
        TimeRange { from: Some(first), to: Some(last) },
        TimeRange { from: just(first, 1), to: just(last, -1) },
        TimeRange { from: just(first, -1), to: just(last, 1) },
        TimeRange { from: Some(first), to: Some(first) },
        TimeRange::since(last),
        TimeRange { from: None, to: Some(first) },
        TimeRange { from: Some(last), to: Some(first) },
        TimeRange { from: Some(Timestamp::MIN), to: Some(Timestamp::MAX) },
        TimeRange::since(Timestamp::MAX),
    ];
    for within in ranges {
        for order in [Order::NewestFirst, Order::OldestFirst] {
            for listing in [WorkListing::All, WorkListing::Phase(Phase::Open), WorkListing::Priority(Priority::Low)] {
                check(&crowd, Query::of(listing).within(within).order(order)).await?;
            }
        }
    }
    Ok(())
}

/// A customer's lists give exactly what is theirs, whole and by phase, and the filter narrows them.
pub async fn a_customers_lists_give_exactly_what_is_theirs(store: Arc<dyn Store>) -> Outcome {
    let crowd = Crowd::new(store).await?;
    for customer in crowd.customers {
        let portal = crowd.w.desk.customer(customer);
        let listings = Phase::ALL.iter().map(|phase| OwnListing::Phase(*phase)).chain([OwnListing::All]);
        for listing in listings {
            for filter in every_filter(&crowd) {
                let own = Query::of(listing).filter(filter.clone());
                let theirs = match listing {
                    OwnListing::All => WorkListing::Customer(customer),
                    OwnListing::Phase(phase) => WorkListing::CustomerPhase(customer, phase),
                };
                let query = Query::of(theirs).filter(filter);
                let all = expected(&crowd, &query, &[Entity::Ticket, Entity::Request]);
                assert_eq!(walk!(portal, unified, own.clone(), unified_id), all, "{own:?}");
                let tickets = expected(&crowd, &query, &[Entity::Ticket]);
                assert_eq!(walk!(portal, tickets, own.clone(), |row: &Ticket| row.id.as_uuid()), tickets, "{own:?}");
                let requests = expected(&crowd, &query, &[Entity::Request]);
                let id = |row: &ServiceRequest| row.id.as_uuid();
                assert_eq!(walk!(portal, requests, own.clone(), id), requests, "{own:?}");
            }
        }
    }
    Ok(())
}
