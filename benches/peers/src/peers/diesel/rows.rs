//! What Diesel reads and writes: types that derive `HasQuery` and `Insertable`.
//!
//! What is inserted says that none is no default: else Diesel would prepare each `INSERT` anew.

use bigdecimal::BigDecimal;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value as Json;
use uuid::Uuid;

use super::schema::{
    counters, customer_service_requests, customer_services, feed, history, tickets, unified_tickets_view, users,
};

#[derive(HasQuery)]
#[diesel(table_name = users)]
pub(super) struct Person {
    pub(super) role: String,
    pub(super) active: bool,
}

#[derive(HasQuery)]
#[diesel(table_name = customer_services)]
pub(super) struct Offer {
    pub(super) name: String,
    pub(super) price: BigDecimal,
    pub(super) currency: String,
    pub(super) needs_approval: bool,
    pub(super) active: bool,
}

#[derive(HasQuery)]
#[diesel(table_name = customer_service_requests)]
pub(super) struct Asked {
    pub(super) service_id: Uuid,
    pub(super) customer_id: Uuid,
    pub(super) details: String,
    pub(super) status: String,
    pub(super) needs_approval: bool,
    pub(super) ticket_id: Option<Uuid>,
    pub(super) version: i64,
}

#[derive(HasQuery)]
#[diesel(table_name = tickets)]
#[expect(dead_code, reason = "a ticket is read whole")]
pub(super) struct Ticket {
    pub(super) id: Uuid,
    pub(super) created_at: DateTime<Utc>,
    pub(super) number: i64,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) status: String,
    pub(super) phase: String,
    pub(super) impact: String,
    pub(super) urgency: String,
    pub(super) priority: String,
    pub(super) priority_overridden: bool,
    pub(super) category: Option<String>,
    pub(super) subcategory: Option<String>,
    pub(super) channel: String,
    pub(super) assignment_group: Option<String>,
    pub(super) assigned_to: Option<Uuid>,
    pub(super) created_by: Uuid,
    pub(super) requested_for: Option<Uuid>,
    pub(super) request_id: Option<Uuid>,
    pub(super) follow_up_of: Option<Uuid>,
    pub(super) reopen_count: i64,
    pub(super) resolved_at: Option<DateTime<Utc>>,
    pub(super) closed_at: Option<DateTime<Utc>>,
    pub(super) external_ref: Option<String>,
    pub(super) version: i64,
    pub(super) updated_at: DateTime<Utc>,
}

#[derive(HasQuery)]
#[diesel(table_name = unified_tickets_view)]
#[expect(dead_code, reason = "a row of the view is read whole")]
pub(super) struct Listed {
    pub(super) source: String,
    pub(super) id: Uuid,
    pub(super) ticket_id: Option<Uuid>,
    pub(super) request_id: Option<Uuid>,
    pub(super) number: String,
    pub(super) title: Option<String>,
    pub(super) status: String,
    pub(super) phase: String,
    pub(super) priority: Option<String>,
    pub(super) category: Option<String>,
    pub(super) customer_id: Option<Uuid>,
    pub(super) customer_name: Option<String>,
    pub(super) customer_email: Option<String>,
    pub(super) assigned_to: Option<Uuid>,
    pub(super) assignee_name: Option<String>,
    pub(super) assignee_email: Option<String>,
    pub(super) service_id: Option<Uuid>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = customer_service_requests, treat_none_as_default_value = false)]
pub(super) struct NewRequest<'a> {
    pub(super) id: Uuid,
    pub(super) created_at: DateTime<Utc>,
    pub(super) service_id: Uuid,
    pub(super) customer_id: Uuid,
    pub(super) details: &'a str,
    pub(super) status: &'a str,
    pub(super) needs_approval: bool,
    pub(super) price: &'a BigDecimal,
    pub(super) currency: &'a str,
    pub(super) rated: bool,
    pub(super) version: i64,
    pub(super) updated_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = tickets, treat_none_as_default_value = false)]
pub(super) struct NewTicket<'a> {
    pub(super) id: Uuid,
    pub(super) created_at: DateTime<Utc>,
    pub(super) title: &'a str,
    pub(super) description: &'a str,
    pub(super) status: &'a str,
    pub(super) impact: &'a str,
    pub(super) urgency: &'a str,
    pub(super) priority: &'a str,
    pub(super) priority_overridden: bool,
    pub(super) category: &'a str,
    pub(super) channel: &'a str,
    pub(super) created_by: Uuid,
    pub(super) requested_for: Uuid,
    pub(super) request_id: Uuid,
    pub(super) reopen_count: i64,
    pub(super) version: i64,
    pub(super) updated_at: DateTime<Utc>,
}

/// Owned, so that the statement of two of them is kept.
#[derive(Insertable)]
#[diesel(table_name = history, treat_none_as_default_value = false)]
pub(super) struct Told {
    pub(super) entity: &'static str,
    pub(super) row_id: Uuid,
    pub(super) version: i64,
    pub(super) action: &'static str,
    pub(super) actor: Option<Uuid>,
    pub(super) occurred_at: DateTime<Utc>,
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) subject: Option<Uuid>,
    pub(super) changes: Json,
}

#[derive(Insertable)]
#[diesel(table_name = feed, treat_none_as_default_value = false)]
pub(super) struct Event<'a> {
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) changes: &'a Json,
    pub(super) subjects: Vec<Uuid>,
}

#[derive(Insertable)]
#[diesel(table_name = counters, treat_none_as_default_value = false)]
pub(super) struct Counted<'a> {
    pub(super) family: &'a str,
    pub(super) names: Vec<String>,
    pub(super) shard: i16,
    pub(super) amount: BigDecimal,
    pub(super) scale: i16,
}
