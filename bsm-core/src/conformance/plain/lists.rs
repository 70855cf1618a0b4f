//! Compares every list that a desk shows with the rows of the plain one that belong into it.

use super::compare::{Same, same};
use super::faults::told;
use super::joins::{rating_row, request_row, unified};
use super::state::Plain;
use crate::model::{
    Article, ArticleStatus, Entity, Phase, Priority, Rating, RequestStatus, Role, Row, Service, ServiceRequest, Ticket,
    TicketStatus, TimeRange, User, UserId,
};
use crate::store::Order;
use crate::view::{
    ArticleListing, CatalogueListing, Listing, OwnListing, OwnRatings, Page, Published, Query, RatingListing,
    ServiceListing, UserListing, WorkFilter, WorkListing,
};
use crate::{Admin, Customer, Error, Reason, Result};

/// Chooses limits and orders in turn, so that each list is walked in some way and all ways come up.
struct Turns(usize);

impl Turns {
    fn next(&mut self) -> usize {
        self.0 += 1;
        self.0
    }
}

/// Walks a list to its end and back, and compares it with `expected`, newest first.
async fn walk<T: PartialEq + std::fmt::Debug + Clone, L: Listing>(
    turns: &mut Turns,
    query: Query<L>,
    mut expected: Vec<T>,
    fetch: impl AsyncFn(&Query<L>) -> Result<Page<T>>,
) -> Same {
    let turn = turns.next();
    let (order, limit) = ([Order::NewestFirst, Order::OldestFirst][turn % 2], [3, 50, 7, 500][turn / 2 % 4]);
    if order == Order::OldestFirst {
        expected.reverse();
    }
    let query = query.order(order).limit(limit);
    let what = || format!("list {query:?}");
    let failed = |error: Error| format!("{query:?} failed: {}", told(&error));
    let mut rows = Vec::new();
    let mut pages = vec![fetch(&query).await.map_err(failed)?];
    while let Some(page) = pages.last() {
        rows.extend(page.rows.iter().cloned());
        let Some(next) = page.next.clone().filter(|_| rows.len() <= expected.len()) else { break };
        pages.push(fetch(&query.clone().cursor(next)).await.map_err(failed)?);
    }
    same(what, &rows, &expected)?;
    if let Some(page) = pages.iter().find(|page| page.rows.len() > limit) {
        return Err(format!("{query:?} gave {} rows on a page", page.rows.len()));
    }
    same(|| format!("beginning of {query:?}"), &pages.first().and_then(|page| page.previous.clone()), &None)?;
    if pages.len() > 1 && turn.is_multiple_of(3) {
        let mut back = Vec::new();
        let mut at = pages.pop();
        while let Some(page) = at {
            back.splice(0..0, page.rows);
            let Some(previous) = page.previous.filter(|_| back.len() <= expected.len()) else { break };
            at = Some(fetch(&query.clone().cursor(previous)).await.map_err(failed)?);
        }
        same(|| format!("way back of {query:?}"), &back, &expected)?;
    }
    Ok(())
}

fn phase(row: &Row) -> Option<Phase> {
    use crate::model::{RequestStatus as R, TicketStatus as T};
    Some(match row {
        Row::Ticket(ticket) => match ticket.status {
            T::New | T::InProgress => Phase::Open,
            T::OnHold(_) => Phase::Waiting,
            T::Resolved | T::Closed => Phase::Done,
            T::Cancelled => Phase::Dropped,
        },
        Row::Request(request) => match request.status {
            R::Submitted | R::Approved | R::InProgress => Phase::Open,
            R::Scheduled => Phase::Waiting,
            R::Fulfilled => Phase::Done,
            R::Rejected | R::Cancelled => Phase::Dropped,
        },
        _ => return None,
    })
}

/// Whether a row belongs into a listing.
fn listed(listing: &WorkListing, row: &Row) -> bool {
    match (listing, row) {
        (WorkListing::All, _) => true,
        (WorkListing::Phase(of), row) => phase(row) == Some(*of),
        (WorkListing::Customer(user), row) => super::diff::owner(row) == Some(*user),
        (WorkListing::CustomerPhase(user, of), row) => {
            super::diff::owner(row) == Some(*user) && phase(row) == Some(*of)
        }
        (WorkListing::TicketStatus(status), Row::Ticket(ticket)) => ticket.status == *status,
        (WorkListing::Priority(priority), Row::Ticket(ticket)) => ticket.priority == *priority,
        (WorkListing::Category(category), Row::Ticket(ticket)) => ticket.category.as_ref() == Some(category),
        (WorkListing::Assignee(user), Row::Ticket(ticket)) => ticket.assigned_to == Some(*user),
        (WorkListing::AssigneePhase(user, of), Row::Ticket(ticket)) => {
            ticket.assigned_to == Some(*user) && phase(row) == Some(*of)
        }
        (WorkListing::RequestStatus(status), Row::Request(request)) => request.status == *status,
        (WorkListing::Service(service), Row::Request(request)) => request.service_id == *service,
        _ => false,
    }
}

/// Which of tickets and requests are kept by a listing.
const fn keeps(listing: &WorkListing) -> (bool, bool) {
    match listing {
        WorkListing::RequestStatus(_) | WorkListing::Service(_) => (false, true),
        WorkListing::TicketStatus(_)
        | WorkListing::Priority(_)
        | WorkListing::Category(_)
        | WorkListing::Assignee(_)
        | WorkListing::AssigneePhase(..) => (true, false),
        _ => (true, true),
    }
}

fn passes(filter: &WorkFilter, row: &Row) -> bool {
    let of_row = filter.phase.is_none_or(|of| phase(row) == Some(of))
        && filter.customer.is_none_or(|user| super::diff::owner(row) == Some(user));
    let needs_ticket = filter.unassigned || filter.priority.is_some() || filter.group.is_some();
    let needs_request = filter.request_status.is_some() || filter.service.is_some();
    of_row
        && match row {
            Row::Ticket(ticket) => {
                !needs_request
                    && (!filter.unassigned || ticket.assigned_to.is_none())
                    && filter.priority.is_none_or(|priority| ticket.priority == priority)
                    && filter.group.as_ref().is_none_or(|group| ticket.group.as_ref() == Some(group))
            }
            Row::Request(request) => {
                !needs_ticket
                    && filter.request_status.is_none_or(|status| request.status == status)
                    && filter.service.is_none_or(|service| request.service_id == service)
            }
            _ => false,
        }
}

/// Tickets and requests, newest first.
fn work(plain: &Plain, tickets: bool, requests: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    if tickets {
        rows.extend(plain.rows(Entity::Ticket));
    }
    if requests {
        rows.extend(plain.rows(Entity::Request));
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.key().id));
    rows
}

fn records<T: TryFrom<Row>>(rows: Vec<Row>) -> Vec<T> {
    rows.into_iter().filter_map(|row| T::try_from(row).ok()).collect()
}

/// Every listing of work that can hold something here.
fn listings(plain: &Plain) -> Vec<WorkListing> {
    let mut all = vec![WorkListing::All];
    all.extend(Phase::ALL.iter().copied().map(WorkListing::Phase));
    all.extend(TicketStatus::ALL.iter().copied().map(WorkListing::TicketStatus));
    all.extend(RequestStatus::ALL.iter().copied().map(WorkListing::RequestStatus));
    all.extend(Priority::ALL.iter().copied().map(WorkListing::Priority));
    let mut categories: Vec<String> = plain.tickets.values().filter_map(|ticket| ticket.category.clone()).collect();
    categories.sort();
    categories.dedup();
    all.extend(categories.into_iter().map(WorkListing::Category));
    all.extend(plain.services.keys().copied().map(WorkListing::Service));
    for (number, user) in plain.users.keys().copied().enumerate() {
        let of = Phase::ALL[number % Phase::ALL.len()];
        all.extend([WorkListing::Assignee(user), WorkListing::AssigneePhase(user, of)]);
        all.extend([WorkListing::Customer(user), WorkListing::CustomerPhase(user, of)]);
    }
    all
}

/// Some filter, another one each turn.
fn some_filter(plain: &Plain, turn: usize) -> WorkFilter {
    let mut filter = WorkFilter::default();
    match turn % 7 {
        0 => filter.phase = Some(Phase::Open),
        1 => filter.customer = plain.users.keys().nth(turn / 7 % plain.users.len().max(1)).copied(),
        2 => filter.unassigned = true,
        3 => filter.priority = Some(Priority::Moderate),
        4 => filter.request_status = Some(RequestStatus::Fulfilled),
        5 => filter.group = Some("mail".to_owned()),
        _ => filter.service = plain.services.keys().next().copied(),
    }
    filter
}

/// Some span of time that begins and ends with something.
fn some_span(plain: &Plain) -> TimeRange {
    let times: Vec<_> = plain.tickets.keys().map(|id| id.created_at()).collect();
    TimeRange { from: times.get(times.len() / 4).copied(), to: times.get(times.len() / 4 * 3).copied() }
}

/// Every list that staff see.
pub(super) async fn of_staff(admin: &Admin, plain: &Plain) -> Same {
    // Another beginning for another desk.
    let turns = &mut Turns(plain.events.len());
    for listing in listings(plain) {
        let turn = turns.next();
        let mut query = Query::of(listing.clone());
        if turn % 4 == 1 {
            query = query.filter(some_filter(plain, turn / 4));
        }
        if turn % 5 == 2 {
            query = query.within(some_span(plain));
        }
        let all = listing == WorkListing::All;
        for view in 0..4 {
            if all || view == turn % 4 {
                of_work(turns, admin, plain, query.clone(), view).await?;
            }
        }
    }
    of_people_and_texts(turns, admin, plain).await?;
    let ratings = || plain.ratings.values().rev();
    let listings = [RatingListing::All]
        .into_iter()
        .chain(plain.services.keys().copied().map(RatingListing::Service))
        .chain(plain.users.keys().copied().map(RatingListing::Customer));
    for listing in listings {
        let fits = |rating: &&Rating| match listing {
            RatingListing::All => true,
            RatingListing::Service(service) => rating.service_id == service,
            RatingListing::Customer(user) => rating.customer_id == user,
        };
        let expected = ratings().filter(fits).map(|rating| rating_row(plain, rating)).collect();
        walk(turns, Query::of(listing), expected, async |query| admin.rating_rows(query).await).await?;
    }
    Ok(())
}

/// One list of work, in one of the four forms in which it is shown.
async fn of_work(turns: &mut Turns, admin: &Admin, plain: &Plain, query: Query<WorkListing>, view: usize) -> Same {
    let (tickets, requests) = keeps(&query.listing);
    let kept = [true, tickets, requests, requests][view];
    if !kept {
        let found = if view == 1 {
            admin.tickets(&query).await.map(|page| page.rows.len())
        } else {
            admin.requests(&query).await.map(|page| page.rows.len())
        };
        let expected = Err(Error::invalid("listing", Reason::NotListed));
        return super::compare::answers(|| format!("{query:?}"), found, expected);
    }
    let mut rows = work(plain, view < 2, view != 1);
    rows.retain(|row| {
        let created = UserId::from_uuid(row.key().id).created_at();
        let within =
            query.within.from.is_none_or(|from| from <= created) && query.within.to.is_none_or(|to| created <= to);
        listed(&query.listing, row) && passes(&query.filter, row) && within
    });
    match view {
        0 => {
            let expected = rows.iter().filter_map(|row| unified(plain, row, None)).collect();
            walk(turns, query, expected, async |query| admin.unified(query).await).await
        }
        1 => walk(turns, query, records::<Ticket>(rows), async |query| admin.tickets(query).await).await,
        2 => walk(turns, query, records::<ServiceRequest>(rows), async |query| admin.requests(query).await).await,
        _ => {
            let expected = rows.iter().filter_map(|row| request_row(plain, row)).collect();
            walk(turns, query, expected, async |query| admin.request_rows(query).await).await
        }
    }
}

async fn of_people_and_texts(turns: &mut Turns, admin: &Admin, plain: &Plain) -> Same {
    let users = |fits: &dyn Fn(&User) -> bool| plain.users.values().rev().filter(|one| fits(one)).cloned().collect();
    walk(turns, Query::of(UserListing::All), users(&|_| true), async |query| admin.users(query).await).await?;
    for role in Role::ALL {
        let query = Query::of(UserListing::Role(*role));
        walk(turns, query, users(&|user| user.role == *role), async |query| admin.users(query).await).await?;
    }
    for (listing, expected) in services(plain) {
        walk(turns, Query::of(listing), expected, async |query| admin.services(query).await).await?;
    }
    let articles = |fits: &dyn Fn(&Article) -> bool| -> Vec<Article> {
        plain.articles.values().rev().filter(|one| fits(one)).cloned().collect()
    };
    let query = Query::of(ArticleListing::All);
    walk(turns, query, articles(&|_| true), async |query| admin.articles(query).await).await?;
    for status in ArticleStatus::ALL {
        let query = Query::of(ArticleListing::Status(*status));
        walk(turns, query, articles(&|one| one.status == *status), async |query| admin.articles(query).await).await?;
    }
    for user in plain.users.keys() {
        let query = Query::of(ArticleListing::Author(*user));
        walk(turns, query, articles(&|one| one.author_id == *user), async |query| admin.articles(query).await).await?;
    }
    Ok(())
}

fn services(plain: &Plain) -> Vec<(ServiceListing, Vec<Service>)> {
    let fit =
        |fits: &dyn Fn(&Service) -> bool| plain.services.values().rev().filter(|one| fits(one)).cloned().collect();
    let mut all = vec![(ServiceListing::All, fit(&|_| true))];
    for active in [true, false] {
        all.push((ServiceListing::Active(active), fit(&|one| one.active == active)));
    }
    for category in ["hardware", "mail", "ma"] {
        all.push((ServiceListing::Category(category.to_owned()), fit(&|one| one.category == category)));
    }
    all
}

/// Every list that a customer sees: theirs, and nobody else's.
pub(super) async fn of_customer(customer: &Customer, plain: &Plain) -> Same {
    let turns = &mut Turns(plain.events.len());
    let me = customer.actor();
    let own = |tickets, requests, of: Option<Phase>| {
        let mut rows = work(plain, tickets, requests);
        rows.retain(|row| super::diff::owner(row) == Some(me) && of.is_none_or(|of| phase(row) == Some(of)));
        rows
    };
    let phases = Phase::ALL.iter().copied().map(|of| (OwnListing::Phase(of), Some(of)));
    for (listing, of) in [(OwnListing::All, None)].into_iter().chain(phases) {
        let query = Query::of(listing);
        let expected = records::<Ticket>(own(true, false, of));
        walk(turns, query.clone(), expected, async |query| customer.tickets(query).await).await?;
        let expected = records::<ServiceRequest>(own(false, true, of));
        walk(turns, query.clone(), expected, async |query| customer.requests(query).await).await?;
        let expected = own(true, true, of).iter().filter_map(|row| unified(plain, row, Some(me))).collect();
        walk(turns, query, expected, async |query| customer.unified(query).await).await?;
    }
    let ratings: Vec<Rating> = plain.ratings.values().rev().filter(|one| one.customer_id == me).cloned().collect();
    walk(turns, Query::of(OwnRatings), ratings, async |query| customer.ratings(query).await).await?;
    let published = plain.articles.values().rev().filter(|one| one.status == ArticleStatus::Published);
    let published: Vec<Article> = published.cloned().collect();
    walk(turns, Query::of(Published), published, async |query| customer.articles(query).await).await?;
    let offered = plain.services.values().rev().filter(|service| service.active).cloned().collect();
    walk(turns, Query::of(CatalogueListing::All), offered, async |query| customer.services(query).await).await
}
