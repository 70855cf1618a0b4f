//! Rows as by-hand peers read them: all columns, typed, owned, as the desk's own answers are.

#![expect(dead_code, reason = "rows are read whole, whatever of them is looked at")]

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use tokio_postgres::Row;
use uuid::Uuid;

/// A ticket.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Ticket {
    pub id: Uuid,
    pub created_at: DateTime<Utc>,
    pub number: i64,
    pub title: String,
    pub description: String,
    pub status: String,
    pub phase: String,
    pub impact: String,
    pub urgency: String,
    pub priority: String,
    pub priority_overridden: bool,
    pub category: Option<String>,
    pub subcategory: Option<String>,
    pub channel: String,
    pub assignment_group: Option<String>,
    pub assigned_to: Option<Uuid>,
    pub created_by: Uuid,
    pub requested_for: Option<Uuid>,
    pub request_id: Option<Uuid>,
    pub follow_up_of: Option<Uuid>,
    pub reopen_count: i64,
    pub resolved_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    pub external_ref: Option<String>,
    pub version: i64,
    pub updated_at: DateTime<Utc>,
}

/// A row of a page, with the names of those whom it names.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Listed {
    pub admitted: Option<bool>,
    pub source: String,
    pub id: Uuid,
    pub ticket_id: Option<Uuid>,
    pub request_id: Option<Uuid>,
    pub number: i64,
    pub title: Option<String>,
    pub status: String,
    pub phase: String,
    pub priority: Option<String>,
    pub category: Option<String>,
    pub customer_id: Option<Uuid>,
    pub customer_name: Option<String>,
    pub customer_email: Option<String>,
    pub assigned_to: Option<Uuid>,
    pub assignee_name: Option<String>,
    pub assignee_email: Option<String>,
    pub service_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A counter, summed.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Sum {
    pub admitted: Option<bool>,
    pub family: String,
    pub names: Vec<String>,
    pub amount: i64,
}

/// What a command needs to know of a service.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Offer {
    pub name: String,
    pub price: Decimal,
    pub currency: String,
    pub needs_approval: bool,
    pub active: bool,
    pub version: i64,
}

/// What a command needs to know of a request.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Asked {
    pub service_id: Uuid,
    pub customer_id: Uuid,
    pub details: String,
    pub status: String,
    pub needs_approval: bool,
    pub ticket_id: Option<Uuid>,
    pub version: i64,
}

macro_rules! from_rows {
    ($($name:ident { $($column:ident),+ $(,)? })+) => {$(
        impl From<&Row> for $name {
            fn from(row: &Row) -> Self {
                Self { $($column: row.get(stringify!($column))),+ }
            }
        }
    )+};
}

from_rows! {
    Ticket { id, created_at, number, title, description, status, phase, impact, urgency, priority, priority_overridden, category, subcategory, channel, assignment_group, assigned_to, created_by, requested_for, request_id, follow_up_of, reopen_count, resolved_at, closed_at, external_ref, version, updated_at }
    Listed { admitted, source, id, ticket_id, request_id, number, title, status, phase, priority, category, customer_id, customer_name, customer_email, assigned_to, assignee_name, assignee_email, service_id, created_at, updated_at }
    Sum { admitted, family, names, amount }
    Offer { name, price, currency, needs_approval, active, version }
    Asked { service_id, customer_id, details, status, needs_approval, ticket_id, version }
}

/// The page, the filtered page and the totals, once whoever asked is admitted.
pub fn page(rows: &[Listed]) -> crate::deed::Outcome<usize> {
    match rows.first() {
        Some(Listed { admitted: Some(true), .. }) => Ok(rows.len().min(crate::deed::PAGE)),
        _ => crate::deed::refused("no page for whoever asks"),
    }
}

/// How many tickets the sums come to, once whoever asked is admitted.
pub fn tickets(sums: &[Sum]) -> crate::deed::Outcome<i64> {
    match sums.first() {
        Some(Sum { admitted: Some(true), .. }) => {
            Ok(sums.iter().filter(|sum| sum.family == "tickets").map(|sum| sum.amount).sum())
        }
        _ => crate::deed::refused("no totals for whoever asks"),
    }
}
