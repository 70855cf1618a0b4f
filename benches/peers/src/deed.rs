//! What is done, in the words that all peers share: what a command is given, and what it tells in history and in the feed.
//!
//! The peers write the same rows as the desk does, word for word. What a row says is no peer's own work, so it stands here
//! once; how it gets to the server is theirs.

use std::error::Error;

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use uuid::Uuid;

/// Whatever went wrong. A measurement that fails is no measurement, so nobody looks into it.
pub type Fault = Box<dyn Error + Send + Sync>;

/// What comes of something that may fail.
pub type Outcome<T = ()> = Result<T, Fault>;

/// What every customer adds.
pub const DETAILS: &str = "For the third floor, please, and not before Thursday.";

/// How many rows a page has.
pub const PAGE: usize = 50;

/// The status and the channel that the filtered page asks for: an index finds the first, nothing the second.
pub const FILTER: (&str, &str) = ("in_progress", "phone");

/// The families of counters that a summary is made of.
pub const SUMMARY: [&str; 7] = ["users", "tickets", "articles", "services", "requests", "ratings", "revenue"];

/// A customer asks for a service.
#[derive(Clone, Copy, Debug)]
pub struct Submission {
    /// Who asks.
    pub actor: Uuid,
    /// For what.
    pub service: Uuid,
}

/// A member of staff makes a request into a ticket.
#[derive(Clone, Copy, Debug)]
pub struct Conversion {
    /// Who does it.
    pub actor: Uuid,
    /// Which request: one that no ticket was made from.
    pub request: Uuid,
}

/// A place in the list of everything: the id behind which a page begins, and what the desk calls it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Place {
    /// The last id before the page.
    pub behind: Uuid,
    /// The desk's cursor.
    pub cursor: String,
}

/// The moment, as exact as the server keeps it.
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// A fresh id for something made at `at`, as the desk makes them.
pub fn fresh(at: DateTime<Utc>) -> Uuid {
    id_at(at.timestamp_micros(), fastrand::u64(..))
}

/// The id of something made at a moment, in microseconds since 1970.
pub fn id_at(micros: i64, random: u64) -> Uuid {
    let micros = micros.unsigned_abs();
    let (millis, rest) = (micros / 1000, micros % 1000);
    Uuid::from_u64_pair((millis << 16) | 0x7000 | (rest * 4096 / 1000), (random >> 2) | 0x8000_0000_0000_0000)
}

/// The request statuses from which a ticket may be made.
pub fn may_become_a_ticket(status: &str, needs_approval: bool, ticket: Option<Uuid>) -> bool {
    let may = matches!(status, "approved" | "scheduled" | "in_progress") || status == "submitted" && !needs_approval;
    may && ticket.is_none()
}

/// What an error says where a rule refuses.
pub fn refused<T>(why: &'static str) -> Outcome<T> {
    Err(why.into())
}

fn made(field: &str, to: impl Serialize) -> Json {
    json!({ "field": field, "from": null, "to": to })
}

/// What history says of a request that was submitted.
pub fn request_made(service: Uuid, customer: Uuid, needs_approval: bool, price: &str, currency: &str) -> Json {
    Json::Array(vec![
        made("service_id", service),
        made("customer_id", customer),
        made("details", ()),
        made("status", "submitted"),
        made("needs_approval", needs_approval.to_string()),
        made("price", price),
        made("currency", currency),
        made("rated", "false"),
    ])
}

/// What history says of a ticket that was made from a request.
pub fn ticket_made(actor: Uuid, customer: Uuid, request: Uuid) -> Json {
    Json::Array(vec![
        made("title", ()),
        made("description", ()),
        made("status", "new"),
        made("impact", "low"),
        made("urgency", "medium"),
        made("priority", "low"),
        made("priority_overridden", "false"),
        made("category", "customer_request"),
        made("channel", "portal"),
        made("created_by", actor),
        made("requested_for", customer),
        made("request_id", request),
        made("reopen_count", "0"),
    ])
}

/// What history says of the request.
pub fn request_taken_up(was: &str, ticket: Uuid) -> Json {
    json!([{ "field": "status", "from": was, "to": "in_progress" }, made("ticket_id", ticket)])
}

/// What the feed says of rows that were written: their entity, id and version.
pub fn told(rows: &[(&str, Uuid, i64)]) -> Json {
    rows.iter().map(|(entity, id, version)| json!({ "entity": entity, "id": id, "version": version })).collect()
}

/// What a submission adds to the counters, in the order in which all lock them: family, names, amount.
pub fn counted_submission(service: Uuid) -> Vec<(&'static str, Vec<String>, i64)> {
    vec![
        ("requests", vec!["submitted".to_owned()], 1),
        ("service_usage", vec![service.to_string(), "submitted".to_owned()], 1),
    ]
}

/// What a conversion adds to the counters, in the order in which all lock them.
pub fn counted_conversion(service: Uuid, was: &str) -> Vec<(&'static str, Vec<String>, i64)> {
    let mut all = vec![("tickets", vec!["new".to_owned()], 1)];
    if was != "in_progress" {
        for (status, amount) in [("in_progress", 1), (was, -1)] {
            all.push(("requests", vec![status.to_owned()], amount));
            all.push(("service_usage", vec![service.to_string(), status.to_owned()], amount));
        }
    }
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_the_order_of_their_moments() {
        let ids = [id_at(1_000_000, u64::MAX), id_at(1_000_001, 0), id_at(1_001_000, 0)];
        assert!(ids[0] < ids[1] && ids[1] < ids[2]);
        assert_eq!(ids[0].get_version_num(), 7);
    }

    #[test]
    fn counters_are_locked_in_one_order() {
        let service = Uuid::nil();
        for counted in [counted_submission(service), counted_conversion(service, "submitted")] {
            assert!(counted.is_sorted());
        }
        assert_eq!(counted_conversion(service, "submitted").iter().map(|(.., amount)| amount).sum::<i64>(), 1);
        assert_eq!(counted_conversion(service, "in_progress").len(), 1);
    }
}
