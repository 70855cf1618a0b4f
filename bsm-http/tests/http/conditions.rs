//! Versions, and sending twice.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::site::{Site, Who};

#[tokio::test]
async fn a_change_is_made_at_the_version_that_was_seen() {
    let site = Site::furnished().await;
    let path = site.filled("/api/admin/tickets/$fresh");
    let seen = site.get(Who::Agent, &path).await;
    let tag = seen.header("etag").to_owned();
    let change = |category: &str| json!({ "category": category });

    let done = site.ask(Who::Agent, Method::PATCH, &path, Some(&change("mail")), &[("if-match", &tag)]).await;
    assert_eq!(done.status, StatusCode::OK);
    assert_ne!(done.header("etag"), tag);
    assert_eq!(done.json()["category"], "mail");

    let late = site.ask(Who::Admin, Method::PATCH, &path, Some(&change("web")), &[("if-match", &tag)]).await;
    assert_eq!((late.status, late.error()), (StatusCode::PRECONDITION_FAILED, "Conflict".to_owned()));
    let told = late.json();
    assert_eq!(format!("\"{}\"", told["expected"]), tag);
    assert_eq!(format!("\"{}\"", told["found"]), done.header("etag"));
    assert_eq!(site.get(Who::Agent, &path).await.json()["category"], "mail");
}

#[tokio::test]
async fn a_tag_that_no_row_has_is_never_matched() {
    let site = Site::furnished().await;
    let path = site.filled("/api/admin/tickets/$fresh/touch");
    for (tag, status) in [("W/\"1\"", 412), ("\"x\"", 412), ("1", 400), ("\"1\", \"2\"", 400), ("*", 200)] {
        let answer = site.ask(Who::Agent, Method::POST, &path, None, &[("if-match", tag)]).await;
        assert_eq!(answer.status.as_u16(), status, "{tag}: {}", answer.text);
    }
}

#[tokio::test]
async fn who_has_a_row_need_not_get_it_again() {
    let site = Site::furnished().await;
    let path = site.filled("/api/customer/tickets/$fresh");
    let tag = site.get(Who::Ada, &path).await.header("etag").to_owned();
    let again = site.ask(Who::Ada, Method::GET, &path, None, &[("if-none-match", &tag)]).await;
    assert_eq!((again.status, again.text.as_str(), again.header("etag")), (StatusCode::NOT_MODIFIED, "", tag.as_str()));
    let other = site.ask(Who::Ada, Method::GET, &path, None, &[("if-none-match", "\"99\"")]).await;
    assert_eq!(other.status, StatusCode::OK);
    // For Ben there is nothing to have.
    let his = site.ask(Who::Ben, Method::GET, &path, None, &[("if-none-match", &tag)]).await;
    assert_eq!(his.status, StatusCode::NOT_FOUND);
}

/// Under an address that is not one row's, a version says nothing.
#[tokio::test]
async fn a_tag_of_another_row_spares_nobody_theirs() {
    let site = Site::furnished().await;
    let tag = [("if-none-match", "\"1\"")];
    let hers = site.ask(Who::Ada, Method::GET, "/api/customer/me", None, &tag).await;
    let his = site.ask(Who::Ben, Method::GET, "/api/customer/me", None, &tag).await;
    assert_eq!((hers.status, his.status), (StatusCode::OK, StatusCode::OK));
    assert_eq!((his.header("cache-control"), his.header("vary")), ("private, no-cache", "authorization, cookie"));
    let by_email = site.ask(Who::Agent, Method::GET, "/api/admin/users/by-email/ben@example.org", None, &tag).await;
    assert_eq!(by_email.status, StatusCode::OK);
}

#[tokio::test]
async fn a_condition_of_a_command_is_nothing_to_a_read() {
    let site = Site::furnished().await;
    let path = site.filled("/api/customer/tickets/$fresh");
    for tag in ["\"99\"", "W/\"1\"", "x"] {
        assert_eq!(site.ask(Who::Ada, Method::GET, &path, None, &[("if-match", tag)]).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_command_with_a_key_happens_once() {
    let site = Site::furnished().await;
    let ticket = json!({ "title": "Screen stays black" });
    let key = [("idempotency-key", "0190163d-8694-739b-aea5-966c26f8ad90")];
    let path = "/api/customer/tickets";
    let first = site.ask(Who::Ada, Method::POST, path, Some(&ticket), &key).await;
    let second = site.ask(Who::Ada, Method::POST, path, Some(&ticket), &key).await;
    assert_eq!((first.status, second.status), (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!((first.json(), first.header("location")), (second.json(), second.header("location")));

    let other = site.ask(Who::Ada, Method::POST, path, Some(&json!({ "title": "Another" })), &key).await;
    assert_eq!((other.status, other.error()), (StatusCode::UNPROCESSABLE_ENTITY, "KeyReused".to_owned()));
    // Somebody else's key is another.
    let his = site.ask(Who::Ben, Method::POST, path, Some(&ticket), &key).await;
    assert_ne!(his.json()["id"], first.json()["id"]);
}

#[tokio::test]
async fn what_was_made_says_where_it_stands() {
    let site = Site::furnished().await;
    let nested = axum::Router::new().nest("/desk", site.router.clone());
    let site = Site { router: nested, ..site };
    let made = site.post(Who::Ada, "/desk/api/customer/tickets", &json!({ "title": "Screen stays black" })).await;
    let place = made.header("location").to_owned();
    assert!(place.starts_with("/desk/api/customer/tickets/"), "{place}");
    let found = site.get(Who::Ada, &place).await;
    assert_eq!((found.json(), found.header("etag")), (made.json(), made.header("etag")));
    assert!(found.json()["created_at"].is_string());

    let described = site.get(Who::Nobody, "/desk/api/openapi.json").await.json();
    assert_eq!(described["servers"], json!([{ "url": "/desk" }]));

    let ticket = site.filled("/desk/api/admin/requests/$submitted/ticket");
    let made = site.post(Who::Admin, &ticket, &json!({})).await;
    assert!(made.header("location").starts_with("/desk/api/admin/tickets/"), "{made:?}");
    assert_eq!(made.json()["category"], "customer_request");
}

/// An application's own parameters and its own answers are its own.
#[tokio::test]
async fn the_routes_stand_beside_an_application_s_own() {
    let site = Site::furnished().await;
    let app = axum::Router::new()
        .route("/own", axum::routing::get(async || "own"))
        .nest("/of/{id}", site.router.clone())
        .merge(site.router.clone())
        .fallback(async || "nowhere");
    let site = Site { router: app, ..site };
    let path = site.filled("/of/$held/api/admin/tickets/$fresh/touch");
    let touched = site.ask(Who::Agent, Method::POST, &path, None, &[]).await;
    assert_eq!(touched.json()["id"], site.ids["fresh"]);
    for (path, text) in [("/own", "own"), ("/api/other", "nowhere"), ("/", "nowhere")] {
        assert_eq!(site.get(Who::Nobody, path).await.text, text, "{path}");
    }
    assert_eq!(site.get(Who::Admin, "/api/admin/nothing").await.error(), "NoSuchRoute");
    assert_eq!(site.ask(Who::Admin, Method::PUT, "/api/admin/tickets", None, &[]).await.error(), "MethodNotAllowed");
}

#[tokio::test]
async fn staff_tell_of_the_past_and_customers_do_not() {
    let site = Site::furnished().await;
    let then = [("bsm-occurred-at", "2016-02-29T01:16:00Z")];
    let path = site.filled("/api/admin/tickets/$fresh/resolve");
    let done = site.ask(Who::Agent, Method::POST, &path, None, &then).await;
    assert_eq!(done.json()["resolved_at"], "2016-02-29T01:16:00.000000Z");
    let path = site.filled("/api/customer/tickets/$fresh/close");
    let done = site.ask(Who::Ada, Method::POST, &path, None, &then).await;
    assert!(done.json()["closed_at"].as_str().expect("a time") > "2016-02-29T01:16:00.000000Z");
    let future = [("bsm-occurred-at", "2999-01-01T00:00:00Z")];
    let path = site.filled("/api/admin/tickets/$held/resolve");
    let refused = site.ask(Who::Agent, Method::POST, &path, None, &future).await;
    assert_eq!((refused.status, &refused.json()["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("occurred_at")));
}
