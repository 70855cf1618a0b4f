//! Compares everything that a desk shows, through its portals, with what stands on the plain one.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::faults::told;
use super::state::Plain;
use super::{feeds, lists};
use crate::model::{
    ArticleId, Currency, Entity, Key, RatingId, RequestId, RequestStatus, Role, Row, ServiceId, TicketId, UserId,
};
use crate::rust_decimal::Decimal;
use crate::store::Order;
use crate::view::{Query, RatingFigures, Revenue, ServiceListing, Summary};
use crate::{Admin, Agent, Customer, Desk, Error, NotesOf, Result};

/// What differs.
pub(crate) type Same = Result<(), String>;

/// Compares two things.
pub(crate) fn same<T: PartialEq + Debug>(what: impl FnOnce() -> String, found: &T, expected: &T) -> Same {
    if found == expected {
        return Ok(());
    }
    Err(format!("left a desk whose {} is\n  {found:?}, not\n  {expected:?}", what()))
}

/// Compares what a call answered.
pub(crate) fn answers<T: PartialEq + Debug>(
    what: impl FnOnce() -> String,
    found: Result<T>,
    expected: Result<T, Error>,
) -> Same {
    let tell = |result: Result<T>| result.map_err(|error| told(&error));
    same(what, &tell(found), &tell(expected))
}

/// Somebody of a role who may look.
fn somebody(plain: &Plain, role: Role) -> Option<UserId> {
    plain.users.values().find(|user| user.active && user.role == role).map(|user| user.id)
}

/// Compares everything.
pub(crate) async fn everything(desk: &Desk, plain: &Plain) -> Same {
    let Some(admin) = somebody(plain, Role::Admin) else { return Err("left a desk without an admin".to_owned()) };
    let agent = somebody(plain, Role::Agent).unwrap_or(admin);
    let (admin, agent) = (desk.admin(admin), desk.agent(agent));
    for key in &plain.made {
        row(&admin, plain, *key).await?;
        history(&agent, plain, *key).await?;
    }
    figures(&admin, plain).await?;
    numbers_and_names(&agent, plain).await?;
    lists::of_staff(&admin, plain).await?;
    feeds::of_desk(desk, &agent, plain).await?;
    let customers = plain.users.values().filter(|user| user.role == Role::Customer && user.active);
    for user in customers {
        let customer = desk.customer(user.id);
        answers(|| format!("customer {}", user.id), customer.me().await, Ok(user.clone()))?;
        for key in &plain.made {
            seen(&customer, plain, *key).await?;
        }
        lists::of_customer(&customer, plain).await?;
        feeds::of_customer(&customer, plain).await?;
    }
    Ok(())
}

/// A row by its id, as staff see it.
async fn row(admin: &Admin, plain: &Plain, key: Key) -> Same {
    let found = match key.entity {
        Entity::User => admin.user(UserId::from_uuid(key.id)).await.map(Row::from),
        Entity::Ticket => admin.ticket(TicketId::from_uuid(key.id)).await.map(Row::from),
        Entity::Article => admin.article(ArticleId::from_uuid(key.id)).await.map(Row::from),
        Entity::Service => admin.service(ServiceId::from_uuid(key.id)).await.map(Row::from),
        Entity::Request => admin.request(RequestId::from_uuid(key.id)).await.map(Row::from),
        Entity::Rating => admin.rating(RatingId::from_uuid(key.id)).await.map(Row::from),
        // Notes are listed by their ticket.
        Entity::Note => return Ok(()),
    };
    answers(|| key.to_string(), found, plain.row(key).ok_or(Error::NotFound { key }))
}

/// All that happened to a row, forwards at once and backwards in pages.
async fn history(agent: &Agent, plain: &Plain, key: Key) -> Same {
    let expected = plain.history.get(&key).cloned().unwrap_or_default();
    let page = agent.history(key, Order::OldestFirst, None, 500).await;
    answers(|| format!("history of {key}"), page.map(|page| page.entries), Ok(expected.clone()))?;
    if expected.len() < 3 {
        return Ok(());
    }
    let (mut entries, mut after) = (Vec::new(), None);
    loop {
        let page = agent.history(key, Order::NewestFirst, after, 2).await.map_err(|error| told(&error))?;
        entries.extend(page.entries);
        after = page.next;
        if after.is_none() || entries.len() > expected.len() {
            break;
        }
    }
    entries.reverse();
    same(|| format!("history of {key}, backwards,"), &entries, &expected)
}

/// A row by its id, as a customer sees it: or not at all.
async fn seen(customer: &Customer, plain: &Plain, key: Key) -> Same {
    let visible = plain.row(key).filter(|row| Plain::shows(customer.actor(), row));
    let found = match key.entity {
        Entity::Ticket => {
            updates(customer, plain, key, visible.is_some()).await?;
            customer.ticket(TicketId::from_uuid(key.id)).await.map(Row::from)
        }
        Entity::Article => customer.article(ArticleId::from_uuid(key.id)).await.map(Row::from),
        Entity::Service => customer.service(ServiceId::from_uuid(key.id)).await.map(Row::from),
        Entity::Request => customer.request(RequestId::from_uuid(key.id)).await.map(Row::from),
        Entity::User | Entity::Rating | Entity::Note => return Ok(()),
    };
    let what = || format!("{key} for customer {}", customer.actor());
    answers(what, found, visible.ok_or(Error::NotFound { key }))
}

/// What a customer is told of a ticket.
async fn updates(customer: &Customer, plain: &Plain, key: Key, visible: bool) -> Same {
    let expected =
        plain.history.get(&key).into_iter().flatten().rev().map(|entry| feeds::update(entry, customer.actor()));
    let expected = if visible { Ok(expected.take(4).collect()) } else { Err(Error::NotFound { key }) };
    let found = customer.ticket_updates(TicketId::from_uuid(key.id), None, 4).await;
    answers(|| format!("updates of {key}"), found, expected)
}

/// Counts things by something.
fn counted<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, u64> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts
}

/// The figures of the ratings of one service, or of all.
fn stars(plain: &Plain, of: Option<ServiceId>) -> RatingFigures {
    let mut figures = RatingFigures::default();
    for rating in plain.ratings.values().filter(|rating| of.is_none_or(|of| rating.service_id == of)) {
        figures.distribution[usize::from(rating.rating.code()) - 1] += 1;
    }
    figures
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn summary(plain: &Plain) -> Summary {
    let mut earned: BTreeMap<Currency, Decimal> = BTreeMap::new();
    for request in plain.requests.values().filter(|request| request.status == RequestStatus::Fulfilled) {
        *earned.entry(request.price.currency()).or_default() += request.price.amount();
    }
    let earned = earned.into_iter().filter(|(_, amount)| !amount.is_zero());
    let active = plain.services.values().filter(|service| service.active).count();
    Summary {
        users: counted(plain.users.values().map(|user| user.role)),
        active_users: count(plain.users.values().filter(|user| user.active).count()),
        active_services: count(active),
        retired_services: count(plain.services.len() - active),
        tickets: counted(plain.tickets.values().map(|ticket| ticket.status)),
        requests: counted(plain.requests.values().map(|request| request.status)),
        articles: counted(plain.articles.values().map(|article| article.status)),
        ratings: stars(plain, None),
        revenue: earned.map(|(currency, amount)| Revenue { currency, amount }).collect(),
    }
}

/// The summary, and figures and usage of every service.
async fn figures(admin: &Admin, plain: &Plain) -> Same {
    answers(|| "summary".to_owned(), admin.summary().await, Ok(summary(plain)))?;
    answers(|| "rating figures".to_owned(), admin.rating_figures(None).await, Ok(stars(plain, None)))?;
    let page = admin.service_usage(&Query::of(ServiceListing::All).limit(200)).await.map_err(|error| told(&error))?;
    same(|| "number of services".to_owned(), &page.rows.len(), &plain.services.len())?;
    for usage in page.rows {
        let id = usage.service.id;
        let of = plain.requests.values().filter(|request| request.service_id == id);
        let expected = (counted(of.map(|request| request.status)), stars(plain, Some(id)));
        same(|| format!("usage of {id}"), &(usage.requests, usage.ratings), &expected)?;
        answers(|| format!("figures of {id}"), admin.rating_figures(Some(id)).await, Ok(stars(plain, Some(id))))?;
    }
    Ok(())
}

/// Rows by what is said aloud or given by others; and the notes of every ticket.
async fn numbers_and_names(agent: &Agent, plain: &Plain) -> Same {
    for user in plain.users.values() {
        let shouted = user.email.to_uppercase();
        answers(|| "user by email".to_owned(), agent.user_by_email(&shouted).await, Ok(user.clone()))?;
        if let Some(outer) = &user.external_ref {
            answers(|| "user by outer id".to_owned(), agent.user_by_external_ref(outer).await, Ok(user.clone()))?;
        }
    }
    for ticket in plain.tickets.values() {
        let found = agent.ticket_by_number(ticket.number).await;
        answers(|| "ticket by number".to_owned(), found, Ok(ticket.clone()))?;
        if let Some(outer) = &ticket.external_ref {
            let found = agent.ticket_by_external_ref(outer).await;
            answers(|| "ticket by outer id".to_owned(), found, Ok(ticket.clone()))?;
        }
        let notes = plain.notes.values().rev().filter(|note| note.ticket_id == ticket.id).cloned();
        let found = agent.notes(&Query::of(NotesOf(ticket.id)).limit(500)).await.map(|page| page.rows);
        answers(|| format!("notes of {}", ticket.id), found, Ok(notes.collect()))?;
    }
    for request in plain.requests.values() {
        let found = agent.request_by_number(request.number).await;
        answers(|| "request by number".to_owned(), found, Ok(request.clone()))?;
        if let Some(outer) = &request.external_ref {
            let found = agent.request_by_external_ref(outer).await;
            answers(|| "request by outer id".to_owned(), found, Ok(request.clone()))?;
        }
    }
    Ok(())
}
