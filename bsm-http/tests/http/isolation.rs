//! Who may do what: every route, by everybody who might ask.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use bsm::feed::{EventQuery, Since};
use serde_json::Value;

use crate::site::{Answer, HERS, Site, Who};

/// What stands in the way of those whose it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    /// Admins and agents.
    Staff,
    /// Admins.
    Admins,
    /// Customers: each sees what is theirs.
    EachOwn,
    /// Customers: Ada's is named, and for Ben it is not there.
    Hers,
}

/// One route, how it is asked, and how it answers whom it is for.
struct Row(For, &'static str, &'static str, &'static str, &'static str, u16);

use For::{Admins, EachOwn, Hers, Staff};

const NONE: &str = "";

/// Whom it is for, the route, the path to ask it by, the body, and the answer's status.
const TABLE: &[Row] = &[
    Row(Staff, "GET", "/api/admin/customer-insights", "/api/admin/customer-insights", NONE, 200),
    Row(Staff, "GET", "/api/admin/customer-insights/requests", "/api/admin/customer-insights/requests", NONE, 200),
    Row(Staff, "GET", "/api/admin/service-management", "/api/admin/service-management", NONE, 200),
    Row(
        Admins,
        "POST",
        "/api/admin/service-management",
        "/api/admin/service-management",
        r#"{"name":"Desk","category":"Office","price":{"amount":"5.00","currency":"EUR"}}"#,
        201,
    ),
    Row(Staff, "GET", "/api/admin/service-management/{id}", "/api/admin/service-management/$laptop", NONE, 200),
    Row(
        Admins,
        "PATCH",
        "/api/admin/service-management/{id}",
        "/api/admin/service-management/$laptop",
        r#"{"name":"Notebook"}"#,
        200,
    ),
    Row(Admins, "DELETE", "/api/admin/service-management/{id}", "/api/admin/service-management/$unused", NONE, 204),
    Row(
        Admins,
        "POST",
        "/api/admin/service-management/{id}/retire",
        "/api/admin/service-management/$laptop/retire",
        NONE,
        200,
    ),
    Row(Staff, "GET", "/api/admin/services", "/api/admin/services", NONE, 200),
    Row(Staff, "GET", "/api/admin/customer-feedback", "/api/admin/customer-feedback", NONE, 200),
    Row(Staff, "GET", "/api/admin/customer-feedback/figures", "/api/admin/customer-feedback/figures", NONE, 200),
    Row(Staff, "GET", "/api/admin/customer-feedback/{id}", "/api/admin/customer-feedback/$rating", NONE, 200),
    Row(Staff, "DELETE", "/api/admin/customer-feedback/{id}", "/api/admin/customer-feedback/$rating", NONE, 204),
    Row(Staff, "GET", "/api/admin/unified", "/api/admin/unified", NONE, 200),
    Row(Staff, "GET", "/api/admin/history/{entity}/{id}", "/api/admin/history/ticket/$fresh", NONE, 200),
    Row(Staff, "GET", "/api/admin/feed", "/api/admin/feed?since=oldest", NONE, 200),
    Row(Staff, "GET", "/api/admin/events", "/api/admin/events", NONE, 200),
    Row(Staff, "GET", "/api/admin/users", "/api/admin/users", NONE, 200),
    Row(
        Admins,
        "POST",
        "/api/admin/users",
        "/api/admin/users",
        r#"{"full_name":"Eve","email":"eve@example.org","role":"agent"}"#,
        201,
    ),
    Row(Staff, "GET", "/api/admin/users/{id}", "/api/admin/users/$ada", NONE, 200),
    Row(Admins, "PATCH", "/api/admin/users/{id}", "/api/admin/users/$ada", r#"{"full_name":"Ada L."}"#, 200),
    Row(Admins, "DELETE", "/api/admin/users/{id}", "/api/admin/users/$idle", NONE, 204),
    Row(Staff, "GET", "/api/admin/users/by-email/{email}", "/api/admin/users/by-email/ben@example.org", NONE, 200),
    Row(
        Staff,
        "GET",
        "/api/admin/users/by-external-ref/{external_ref}",
        "/api/admin/users/by-external-ref/outer-user",
        NONE,
        200,
    ),
    Row(Admins, "PUT", "/api/admin/users/{id}/role", "/api/admin/users/$idle/role", r#"{"role":"agent"}"#, 200),
    Row(Admins, "POST", "/api/admin/users/{id}/deactivate", "/api/admin/users/$ada/deactivate", NONE, 200),
    Row(Admins, "POST", "/api/admin/users/{id}/reactivate", "/api/admin/users/$gone/reactivate", NONE, 200),
    Row(Staff, "GET", "/api/admin/requests", "/api/admin/requests", NONE, 200),
    Row(Staff, "POST", "/api/admin/requests", "/api/admin/requests", r#"{"service":"$laptop","customer":"$ada"}"#, 201),
    Row(Staff, "GET", "/api/admin/requests/{id}", "/api/admin/requests/$submitted", NONE, 200),
    Row(
        Staff,
        "GET",
        "/api/admin/requests/by-number/{number}",
        "/api/admin/requests/by-number/$request_number",
        NONE,
        200,
    ),
    Row(
        Staff,
        "GET",
        "/api/admin/requests/by-external-ref/{external_ref}",
        "/api/admin/requests/by-external-ref/outer-request",
        NONE,
        200,
    ),
    Row(Staff, "POST", "/api/admin/requests/{id}/ticket", "/api/admin/requests/$submitted/ticket", "{}", 201),
    Row(
        Staff,
        "POST",
        "/api/admin/requests/{id}/schedule",
        "/api/admin/requests/$submitted/schedule",
        r#"{"scheduled_for":"2030-01-01T00:00:00Z"}"#,
        200,
    ),
    Row(Staff, "POST", "/api/admin/requests/{id}/start", "/api/admin/requests/$submitted/start", NONE, 200),
    Row(Staff, "POST", "/api/admin/requests/{id}/fulfil", "/api/admin/requests/$submitted/fulfil", NONE, 200),
    Row(Staff, "POST", "/api/admin/requests/{id}/reject", "/api/admin/requests/$submitted/reject", NONE, 200),
    Row(Staff, "POST", "/api/admin/requests/{id}/cancel", "/api/admin/requests/$submitted/cancel", NONE, 200),
    Row(Admins, "POST", "/api/admin/requests/{id}/approve", "/api/admin/requests/$unapproved/approve", NONE, 200),
    Row(Staff, "GET", "/api/admin/tickets", "/api/admin/tickets", NONE, 200),
    Row(
        Staff,
        "POST",
        "/api/admin/tickets",
        "/api/admin/tickets",
        r#"{"title":"Mail is down","requested_for":"$ada"}"#,
        201,
    ),
    Row(Staff, "GET", "/api/admin/tickets/{id}", "/api/admin/tickets/$fresh", NONE, 200),
    Row(Staff, "PATCH", "/api/admin/tickets/{id}", "/api/admin/tickets/$fresh", r#"{"category":"mail"}"#, 200),
    Row(
        Staff,
        "GET",
        "/api/admin/tickets/by-number/{number}",
        "/api/admin/tickets/by-number/$ticket_number",
        NONE,
        200,
    ),
    Row(
        Staff,
        "GET",
        "/api/admin/tickets/by-external-ref/{external_ref}",
        "/api/admin/tickets/by-external-ref/outer-ticket",
        NONE,
        200,
    ),
    Row(
        Staff,
        "POST",
        "/api/admin/tickets/{id}/follow-ups",
        "/api/admin/tickets/$closed/follow-ups",
        r#"{"title":"Again"}"#,
        201,
    ),
    Row(Staff, "POST", "/api/admin/tickets/{id}/touch", "/api/admin/tickets/$fresh/touch", NONE, 200),
    Row(
        Staff,
        "POST",
        "/api/admin/tickets/{id}/assign",
        "/api/admin/tickets/$fresh/assign",
        r#"{"assigned_to":"$agent"}"#,
        200,
    ),
    Row(Staff, "POST", "/api/admin/tickets/{id}/unassign", "/api/admin/tickets/$held/unassign", NONE, 200),
    Row(Staff, "POST", "/api/admin/tickets/{id}/start", "/api/admin/tickets/$fresh/start", NONE, 200),
    Row(Staff, "POST", "/api/admin/tickets/{id}/hold", "/api/admin/tickets/$fresh/hold", r#"{"reason":"vendor"}"#, 200),
    Row(Staff, "POST", "/api/admin/tickets/{id}/resolve", "/api/admin/tickets/$fresh/resolve", NONE, 200),
    Row(Staff, "POST", "/api/admin/tickets/{id}/reopen", "/api/admin/tickets/$resolved/reopen", NONE, 200),
    Row(Staff, "POST", "/api/admin/tickets/{id}/close", "/api/admin/tickets/$resolved/close", NONE, 200),
    Row(Staff, "POST", "/api/admin/tickets/{id}/cancel", "/api/admin/tickets/$fresh/cancel", NONE, 200),
    Row(Staff, "GET", "/api/admin/tickets/{id}/notes", "/api/admin/tickets/$fresh/notes", NONE, 200),
    Row(
        Staff,
        "POST",
        "/api/admin/tickets/{id}/notes",
        "/api/admin/tickets/$fresh/notes",
        r#"{"body":"Called back."}"#,
        201,
    ),
    Row(Staff, "GET", "/api/admin/articles", "/api/admin/articles", NONE, 200),
    Row(
        Staff,
        "POST",
        "/api/admin/articles",
        "/api/admin/articles",
        r#"{"title":"How to","body":"Turn it off and on."}"#,
        201,
    ),
    Row(Staff, "GET", "/api/admin/articles/{id}", "/api/admin/articles/$draft", NONE, 200),
    Row(Staff, "PATCH", "/api/admin/articles/{id}", "/api/admin/articles/$draft", r#"{"title":"How not to"}"#, 200),
    Row(Staff, "POST", "/api/admin/articles/{id}/publish", "/api/admin/articles/$draft/publish", NONE, 200),
    Row(Staff, "POST", "/api/admin/articles/{id}/archive", "/api/admin/articles/$published/archive", NONE, 200),
    Row(Staff, "POST", "/api/admin/articles/{id}/withdraw", "/api/admin/articles/$published/withdraw", NONE, 200),
    Row(EachOwn, "GET", "/api/customer/me", "/api/customer/me", NONE, 200),
    Row(EachOwn, "GET", "/api/customer/services", "/api/customer/services", NONE, 200),
    Row(EachOwn, "GET", "/api/customer/services/{id}", "/api/customer/services/$laptop", NONE, 200),
    Row(EachOwn, "GET", "/api/customer/requests", "/api/customer/requests", NONE, 200),
    Row(EachOwn, "POST", "/api/customer/requests", "/api/customer/requests", r#"{"service":"$laptop"}"#, 201),
    Row(Hers, "GET", "/api/customer/requests/{id}", "/api/customer/requests/$submitted", NONE, 200),
    Row(
        Hers,
        "GET",
        "/api/customer/requests/by-number/{number}",
        "/api/customer/requests/by-number/$request_number",
        NONE,
        200,
    ),
    Row(Hers, "POST", "/api/customer/requests/{id}/cancel", "/api/customer/requests/$submitted/cancel", NONE, 200),
    Row(EachOwn, "GET", "/api/customer/tickets", "/api/customer/tickets", NONE, 200),
    Row(EachOwn, "POST", "/api/customer/tickets", "/api/customer/tickets", r#"{"title":"Mail is down"}"#, 201),
    Row(Hers, "GET", "/api/customer/tickets/{id}", "/api/customer/tickets/$fresh", NONE, 200),
    Row(
        Hers,
        "GET",
        "/api/customer/tickets/by-number/{number}",
        "/api/customer/tickets/by-number/$ticket_number",
        NONE,
        200,
    ),
    Row(Hers, "GET", "/api/customer/tickets/{id}/updates", "/api/customer/tickets/$fresh/updates", NONE, 200),
    Row(
        Hers,
        "POST",
        "/api/customer/tickets/{id}/follow-ups",
        "/api/customer/tickets/$closed/follow-ups",
        r#"{"title":"Again"}"#,
        201,
    ),
    Row(Hers, "POST", "/api/customer/tickets/{id}/reopen", "/api/customer/tickets/$resolved/reopen", NONE, 200),
    Row(Hers, "POST", "/api/customer/tickets/{id}/close", "/api/customer/tickets/$resolved/close", NONE, 200),
    Row(Hers, "POST", "/api/customer/tickets/{id}/withdraw", "/api/customer/tickets/$fresh/withdraw", NONE, 200),
    Row(EachOwn, "GET", "/api/customer/unified", "/api/customer/unified", NONE, 200),
    Row(EachOwn, "GET", "/api/customer/ratings", "/api/customer/ratings", NONE, 200),
    Row(
        Hers,
        "POST",
        "/api/customer/ratings",
        "/api/customer/ratings",
        r#"{"request":"$fulfilled","rating":"5"}"#,
        201,
    ),
    Row(EachOwn, "GET", "/api/customer/articles", "/api/customer/articles", NONE, 200),
    Row(EachOwn, "GET", "/api/customer/articles/{id}", "/api/customer/articles/$published", NONE, 200),
    Row(EachOwn, "GET", "/api/customer/feed", "/api/customer/feed?since=oldest", NONE, 200),
    Row(EachOwn, "GET", "/api/customer/events", "/api/customer/events", NONE, 200),
];

impl Row {
    /// The status that `who` gets.
    fn expected(&self, who: Who) -> StatusCode {
        let status = match (self.0, who) {
            (_, Who::Nobody) => 401,
            (Staff | Admins, Who::Ada | Who::Ben)
            | (Admins, Who::Agent)
            | (EachOwn | Hers, Who::Agent | Who::Admin) => 403,
            (Hers, Who::Ben) => 404,
            _ => self.5,
        };
        StatusCode::from_u16(status).expect("a status")
    }

    async fn asked(&self, site: &Site, who: Who) -> Answer {
        let method = Method::from_bytes(self.1.as_bytes()).expect("a method");
        let (path, body) = (site.filled(self.3), site.filled(self.4));
        let body: Option<Value> = (!body.is_empty()).then(|| serde_json::from_str(&body).expect("JSON"));
        if self.2.ends_with("/events") {
            return crate::events::opened(site, who, &path).await;
        }
        site.ask(who, method, &path, body.as_ref(), &[]).await
    }
}

/// Everything that happened on the desk.
async fn happened(site: &Site) -> usize {
    let query = EventQuery::since(Since::Oldest).limit(500);
    site.desk.events(&query).await.expect("a page").events.len()
}

#[tokio::test]
async fn everybody_gets_what_is_theirs_from_every_route() {
    for row in TABLE {
        for who in Who::ALL {
            let site = Site::furnished().await;
            let before = happened(&site).await;
            let answer = row.asked(&site, who).await;
            let Row(_, method, route, ..) = row;
            assert_eq!(answer.status, row.expected(who), "{method} {route} by {who:?}: {}", answer.text);
            if !answer.status.is_success() {
                assert_eq!(happened(&site).await, before, "{method} {route} by {who:?} was refused, and did something");
                answer.error();
            }
            // What is Ada's is told to her and to staff alone. An id that Ben sent himself comes back to him in the refusal.
            if matches!(who, Who::Nobody | Who::Ben) {
                assert!(!answer.text.contains(HERS), "{method} {route} tells {who:?}: {}", answer.text);
                let sent = site.filled(&format!("{} {}", row.3, row.4));
                for (name, id) in &site.ids {
                    // Ids of staff stand in rows, and name nobody to a customer.
                    let open = ["ben", "laptop", "unused", "published", "admin", "agent"];
                    let hers = !open.contains(name) && !sent.contains(id.as_str());
                    assert!(!hers || !answer.text.contains(id.as_str()), "{method} {route} tells {who:?} of {name}");
                }
            }
        }
    }
}

#[test]
fn every_route_has_its_row() {
    let paths = bsm_http::openapi()["paths"].as_object().expect("paths");
    let described: BTreeSet<(String, String)> = paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().expect("methods").keys();
            methods.map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let entered: BTreeSet<(String, String)> =
        TABLE.iter().map(|Row(_, method, route, ..)| ((*method).to_owned(), (*route).to_owned())).collect();
    assert_eq!(TABLE.len(), entered.len(), "each route has one row");
    assert_eq!(described.difference(&entered).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "without a row");
    assert_eq!(entered.difference(&described).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "without a route");
}
