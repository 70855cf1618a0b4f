//! Loading a desk by batches of rows: diesel-async does not offer `COPY`. A batch is as long as the protocol's number of
//! parameters lets it be.

use bigdecimal::BigDecimal;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rust_decimal::Decimal;
use serde_json::Value as Json;
use uuid::Uuid;

use super::schema::{customer_ratings, customer_service_requests, customer_services, history, tickets, users};
use crate::bulk::{Bulk, History, Loaded, Rating, Request, Service, Ticket, User};
use crate::deed::Outcome;

/// The most parameters of one statement.
const PARAMETERS: usize = 65_535;

/// How many rows fit into one statement.
const fn batch<T: Loaded>() -> usize {
    PARAMETERS / T::COLUMNS.len()
}

fn amount(of: &Decimal) -> Outcome<BigDecimal> {
    Ok(of.to_string().parse()?)
}

#[derive(Insertable)]
#[diesel(table_name = users)]
struct LoadedUser<'a> {
    id: Uuid,
    created_at: DateTime<Utc>,
    full_name: &'a str,
    email: &'a str,
    role: &'a str,
    active: bool,
    external_ref: Option<&'a str>,
    version: i64,
    updated_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = customer_services)]
struct LoadedService<'a> {
    id: Uuid,
    created_at: DateTime<Utc>,
    name: &'a str,
    description: &'a str,
    category: &'a str,
    price: BigDecimal,
    currency: &'a str,
    needs_approval: bool,
    active: bool,
    version: i64,
    updated_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = customer_ratings)]
struct LoadedRating<'a> {
    id: Uuid,
    created_at: DateTime<Utc>,
    service_id: Uuid,
    customer_id: Uuid,
    rating: i16,
    review: &'a str,
    version: i64,
    updated_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = customer_service_requests)]
struct LoadedRequest<'a> {
    id: Uuid,
    created_at: DateTime<Utc>,
    number: i64,
    service_id: Uuid,
    customer_id: Uuid,
    details: &'a str,
    status: &'a str,
    needs_approval: bool,
    price: BigDecimal,
    currency: &'a str,
    scheduled_for: Option<DateTime<Utc>>,
    fulfilled_at: Option<DateTime<Utc>>,
    ticket_id: Option<Uuid>,
    rating_id: Option<Uuid>,
    rated: bool,
    external_ref: Option<&'a str>,
    version: i64,
    updated_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = tickets)]
struct LoadedTicket<'a> {
    id: Uuid,
    created_at: DateTime<Utc>,
    number: i64,
    title: &'a str,
    description: &'a str,
    status: &'a str,
    impact: &'a str,
    urgency: &'a str,
    priority: &'a str,
    priority_overridden: bool,
    category: Option<&'a str>,
    subcategory: Option<&'a str>,
    channel: &'a str,
    assignment_group: Option<&'a str>,
    assigned_to: Option<Uuid>,
    created_by: Uuid,
    requested_for: Option<Uuid>,
    request_id: Option<Uuid>,
    follow_up_of: Option<Uuid>,
    reopen_count: i64,
    resolved_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    external_ref: Option<&'a str>,
    version: i64,
    updated_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = history)]
struct LoadedEntry<'a> {
    entity: &'a str,
    row_id: Uuid,
    version: i64,
    action: &'a str,
    actor: Option<Uuid>,
    occurred_at: DateTime<Utc>,
    recorded_at: DateTime<Utc>,
    subject: Option<Uuid>,
    changes: &'a Json,
}

fn user(of: &User) -> LoadedUser<'_> {
    LoadedUser {
        id: of.id,
        created_at: of.created_at,
        full_name: &of.full_name,
        email: &of.email,
        role: &of.role,
        active: of.active,
        external_ref: of.external_ref.as_deref(),
        version: of.version,
        updated_at: of.updated_at,
    }
}

fn service(of: &Service) -> Outcome<LoadedService<'_>> {
    Ok(LoadedService {
        id: of.id,
        created_at: of.created_at,
        name: &of.name,
        description: &of.description,
        category: &of.category,
        price: amount(&of.price)?,
        currency: &of.currency,
        needs_approval: of.needs_approval,
        active: of.active,
        version: of.version,
        updated_at: of.updated_at,
    })
}

fn rating(of: &Rating) -> LoadedRating<'_> {
    LoadedRating {
        id: of.id,
        created_at: of.created_at,
        service_id: of.service_id,
        customer_id: of.customer_id,
        rating: of.rating,
        review: &of.review,
        version: of.version,
        updated_at: of.updated_at,
    }
}

fn request(of: &Request) -> Outcome<LoadedRequest<'_>> {
    Ok(LoadedRequest {
        id: of.id,
        created_at: of.created_at,
        number: of.number,
        service_id: of.service_id,
        customer_id: of.customer_id,
        details: &of.details,
        status: &of.status,
        needs_approval: of.needs_approval,
        price: amount(&of.price)?,
        currency: &of.currency,
        scheduled_for: of.scheduled_for,
        fulfilled_at: of.fulfilled_at,
        ticket_id: of.ticket_id,
        rating_id: of.rating_id,
        rated: of.rated,
        external_ref: of.external_ref.as_deref(),
        version: of.version,
        updated_at: of.updated_at,
    })
}

fn ticket(of: &Ticket) -> LoadedTicket<'_> {
    LoadedTicket {
        id: of.id,
        created_at: of.created_at,
        number: of.number,
        title: &of.title,
        description: &of.description,
        status: &of.status,
        impact: &of.impact,
        urgency: &of.urgency,
        priority: &of.priority,
        priority_overridden: of.priority_overridden,
        category: of.category.as_deref(),
        subcategory: of.subcategory.as_deref(),
        channel: &of.channel,
        assignment_group: of.assignment_group.as_deref(),
        assigned_to: of.assigned_to,
        created_by: of.created_by,
        requested_for: of.requested_for,
        request_id: of.request_id,
        follow_up_of: of.follow_up_of,
        reopen_count: of.reopen_count,
        resolved_at: of.resolved_at,
        closed_at: of.closed_at,
        external_ref: of.external_ref.as_deref(),
        version: of.version,
        updated_at: of.updated_at,
    }
}

fn told(of: &History) -> LoadedEntry<'_> {
    LoadedEntry {
        entity: &of.entity,
        row_id: of.row_id,
        version: of.version,
        action: &of.action,
        actor: of.actor,
        occurred_at: of.occurred_at,
        recorded_at: of.recorded_at,
        subject: of.subject,
        changes: &of.changes,
    }
}

/// Loads all tables.
pub(super) async fn all(connection: &mut AsyncPgConnection, bulk: &Bulk) -> Outcome {
    for rows in bulk.users.chunks(batch::<User>()) {
        let rows: Vec<_> = rows.iter().map(user).collect();
        diesel::insert_into(users::table).values(rows).execute(connection).await?;
    }
    for rows in bulk.services.chunks(batch::<Service>()) {
        let rows = rows.iter().map(service).collect::<Outcome<Vec<_>>>()?;
        diesel::insert_into(customer_services::table).values(rows).execute(connection).await?;
    }
    for rows in bulk.ratings.chunks(batch::<Rating>()) {
        let rows: Vec<_> = rows.iter().map(rating).collect();
        diesel::insert_into(customer_ratings::table).values(rows).execute(connection).await?;
    }
    for rows in bulk.requests.chunks(batch::<Request>()) {
        let rows = rows.iter().map(request).collect::<Outcome<Vec<_>>>()?;
        diesel::insert_into(customer_service_requests::table).values(rows).execute(connection).await?;
    }
    for rows in bulk.tickets.chunks(batch::<Ticket>()) {
        let rows: Vec<_> = rows.iter().map(ticket).collect();
        diesel::insert_into(tickets::table).values(rows).execute(connection).await?;
    }
    for rows in bulk.history.chunks(batch::<History>()) {
        let rows: Vec<_> = rows.iter().map(told).collect();
        diesel::insert_into(history::table).values(rows).execute(connection).await?;
    }
    Ok(())
}
