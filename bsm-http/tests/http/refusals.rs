//! What is refused, and how it is said.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use bsm::Desk;
use bsm::store::{Fate, FaultyStore, SlowStore};
use bsm_http::Limits;
use bsm_http::auth::Unchecked;
use serde_json::{Value, json};

use crate::site::{Site, Who};

#[tokio::test]
async fn a_body_that_cannot_be_read_says_where() {
    let site = Site::furnished().await;
    let path = "/api/admin/tickets";
    for (body, place) in [
        ("", Value::Null),
        ("{", Value::Null),
        ("[]", Value::Null),
        (r#"{"title":"x"} x"#, Value::Null),
        (r#"{"title":1}"#, json!("title")),
        (r#"{"title":null}"#, json!("title")),
        (r#"{"title":"x","urgency":"soon"}"#, json!("urgency")),
        (r#"{"title":"x","owner":"ada"}"#, json!("owner")),
        (r#"{"title":"x","title":"y"}"#, Value::Null),
        ("{\"title\":\"\\ud800\"}", json!("title")),
    ] {
        let request = site.request(Who::Agent, &Method::POST, path).header("content-type", "application/json");
        let answer = site.send(request.body(Body::from(body)).expect("a request")).await;
        assert_eq!((answer.status, answer.error()), (StatusCode::BAD_REQUEST, "MalformedRequest".to_owned()), "{body}");
        let told = answer.json();
        assert!(told["in"] == place || place == Value::Null, "{body}: {told}");
    }
}

/// Whoever sends something expects something of it.
#[tokio::test]
async fn what_is_not_taken_is_not_passed_over() {
    let site = Site::furnished().await;
    let resolve = site.filled("/api/admin/tickets/$fresh/resolve");
    let answer = site.post(Who::Agent, &resolve, &json!({ "reason": "done" })).await;
    assert_eq!((answer.status, answer.error()), (StatusCode::BAD_REQUEST, "MalformedRequest".to_owned()));
    assert_eq!(site.post(Who::Agent, &resolve, &json!({})).await.status, StatusCode::OK);
    for (path, member) in [
        ("/api/admin/tickets/$held", "title"),
        ("/api/admin/service-management/$laptop", "price"),
        ("/api/admin/users/$ada", "email"),
        ("/api/admin/articles/$draft", "body"),
    ] {
        let null = json!({ member: null });
        let answer = site.ask(Who::Admin, Method::PATCH, &site.filled(path), Some(&null), &[]).await;
        assert_eq!((answer.status, &answer.json()["in"]), (StatusCode::BAD_REQUEST, &json!(member)), "{path}");
    }
    let clear = json!({ "category": null, "assigned_to": null, "priority": null });
    let answer = site.ask(Who::Admin, Method::PATCH, &site.filled("/api/admin/tickets/$held"), Some(&clear), &[]).await;
    assert_eq!((answer.status, &answer.json()["assigned_to"]), (StatusCode::OK, &Value::Null));
}

#[tokio::test]
async fn stars_are_a_word_or_a_number() {
    let site = Site::furnished().await;
    let rating = |stars: Value| json!({ "request": site.ids["fulfilled"], "rating": stars });
    for bad in [json!(0), json!(6), json!("6"), json!(4.5), Value::Null] {
        let answer = site.post(Who::Ada, "/api/customer/ratings", &rating(bad.clone())).await;
        assert_eq!((answer.status, &answer.json()["in"]), (StatusCode::BAD_REQUEST, &json!("rating")), "{bad}");
    }
    let answer = site.post(Who::Ada, "/api/customer/ratings", &rating(json!(5))).await;
    assert_eq!((answer.status, &answer.json()["rating"]), (StatusCode::CREATED, &json!("5")));
}

#[tokio::test]
async fn a_value_that_is_not_acceptable_names_its_field() {
    let site = Site::furnished().await;
    for (path, body, field, reason) in [
        ("/api/admin/tickets", json!({ "title": "  " }), "title", "empty"),
        ("/api/admin/tickets", json!({ "title": "x".repeat(201) }), "title", "too_long"),
        ("/api/admin/tickets", json!({ "title": "a\u{7}b" }), "title", "control_character"),
        ("/api/admin/tickets", json!({ "title": "x", "status": "closed" }), "status", "not_an_opening"),
        (
            "/api/admin/tickets",
            json!({ "title": "x", "assigned_to": site.filled("$ada") }),
            "assigned_to",
            "wrong_role",
        ),
        ("/api/admin/users", json!({ "full_name": "x", "email": "x", "role": "agent" }), "email", "malformed"),
    ] {
        let answer = site.post(Who::Admin, path, &body).await;
        assert_eq!((answer.status, answer.error()), (StatusCode::UNPROCESSABLE_ENTITY, "Invalid".to_owned()), "{body}");
        assert_eq!((&answer.json()["field"], &answer.json()["reason"]), (&json!(field), &json!(reason)));
    }
    let missing = json!({ "title": "x", "requested_for": "00000000-0000-0000-0000-000000000000" });
    let answer = site.post(Who::Admin, "/api/admin/tickets", &missing).await;
    assert_eq!((answer.status, answer.error()), (StatusCode::UNPROCESSABLE_ENTITY, "MissingParent".to_owned()));
    assert_eq!(answer.json()["relation"], "tickets.requested_for");
}

#[tokio::test]
async fn what_the_state_forbids_says_what_it_allows() {
    let site = Site::furnished().await;
    let path = site.filled("/api/admin/tickets/$closed/hold");
    let answer = site.post(Who::Agent, &path, &json!({ "reason": "vendor" })).await;
    assert_eq!((answer.status, answer.error()), (StatusCode::CONFLICT, "IllegalMove".to_owned()));
    assert_eq!((&answer.json()["from"], &answer.json()["legal"]), (&json!("closed"), &json!([])));
    let made = site.filled("/api/admin/requests/$submitted/ticket");
    let ticket = site.post(Who::Admin, &made, &json!({})).await.json();
    let again = site.post(Who::Admin, &made, &json!({})).await;
    assert_eq!((again.status, again.error()), (StatusCode::CONFLICT, "AlreadyConverted".to_owned()));
    assert_eq!(again.json()["ticket"], ticket["id"]);
    let duplicate = json!({ "full_name": "x", "email": "BEN@example.org", "role": "agent" });
    let answer = site.post(Who::Admin, "/api/admin/users", &duplicate).await;
    assert_eq!((answer.status, &answer.json()["field"]), (StatusCode::CONFLICT, &json!("email")));
    let own = site.ask(Who::Admin, Method::DELETE, &site.filled("/api/admin/users/$admin"), None, &[]).await;
    assert_eq!((own.status, own.error()), (StatusCode::FORBIDDEN, "OwnAccount".to_owned()));
}

#[tokio::test]
async fn http_s_own_refusals_are_problems_too() {
    let site = Site::furnished().await;
    let nowhere = site.get(Who::Admin, "/api/admin/nothing").await;
    assert_eq!((nowhere.status, nowhere.error()), (StatusCode::NOT_FOUND, "NoSuchRoute".to_owned()));
    let wrong = site.ask(Who::Admin, Method::PUT, "/api/admin/tickets", None, &[]).await;
    assert_eq!((wrong.status, wrong.error()), (StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed".to_owned()));
    assert_eq!(wrong.header("allow"), "GET,HEAD,POST");
    let text = site.request(Who::Admin, &Method::POST, "/api/admin/tickets").header("content-type", "text/plain");
    let text = site.send(text.body(Body::from("{}")).expect("a request")).await;
    assert_eq!(text.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let long = json!({ "title": "x", "description": "x".repeat(3 << 20) });
    let long = site.post(Who::Admin, "/api/admin/tickets", &long).await;
    assert_eq!((long.status, long.error()), (StatusCode::PAYLOAD_TOO_LARGE, "TooLarge".to_owned()));
    for (token, status) in [("Bearer x", 401), ("Basic x", 401), ("Bearer admin:x", 401), ("", 401)] {
        let request = axum::http::Request::get("/api/admin/tickets").header("authorization", token);
        let answer = site.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.status.as_u16(), status, "{token}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    // Who only says that they are an admin is none.
    let forged = format!(
        "Bearer {}",
        Unchecked::token(bsm_http::auth::Principal::new(site.user(Who::Ada), bsm::model::Role::Admin))
    );
    let answer = site.ask(Who::Nobody, Method::GET, "/api/admin/users", None, &[("authorization", &forged)]).await;
    assert_eq!((answer.status, answer.error()), (StatusCode::FORBIDDEN, "NotAllowed".to_owned()));
    let preflight =
        site.ask(Who::Nobody, Method::OPTIONS, "/api/admin/users", None, &[("origin", "https://x.example")]).await;
    assert_eq!(preflight.header("access-control-allow-origin"), "", "CORS is off");
}

/// A page of another site's has the browser send a form, with the cookies of whoever looks at it.
#[tokio::test]
async fn a_command_from_another_site_s_page_is_refused_unless_it_brings_a_token() {
    let site = Site::furnished().await;
    let admin = site.user(Who::Admin);
    let by_cookie = move |parts: &axum::http::request::Parts| match parts.headers.get("cookie") {
        Some(_) => Ok(bsm_http::auth::Principal::new(admin, bsm::model::Role::Admin)),
        None => Err(bsm_http::auth::AuthError::Missing),
    };
    let by_token = site.router.clone();
    let site = Site { router: bsm_http::router(site.desk.clone(), by_cookie), ..site };
    let path = site.filled("/api/admin/users/$idle/deactivate");
    for (from, status) in [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)] {
        let headers = [("cookie", "session=1"), ("sec-fetch-site", from)];
        let answer = site.ask(Who::Nobody, Method::POST, &path, None, &headers).await;
        assert_eq!(answer.status.as_u16(), status, "{from}: {}", answer.text);
        let read = site.ask(Who::Nobody, Method::GET, "/api/admin/users", None, &headers).await;
        assert_eq!(read.status, StatusCode::OK, "nobody elsewhere can read it");
    }
    let site = Site { router: by_token, ..site };
    let answer = site.ask(Who::Admin, Method::POST, &path, None, &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_body_that_does_not_come_was_no_command() {
    let site = Site::furnished().await;
    let limits = Limits { time: Duration::from_millis(20), ..Limits::default() };
    let router = bsm_http::router_within(site.desk.clone(), Unchecked, limits);
    let site = Site { router, ..site };
    let request =
        || site.request(Who::Agent, &Method::POST, "/api/admin/tickets").header("content-type", "application/json");
    let never = Body::from_stream(tokio_stream::pending::<Result<&'static str, std::io::Error>>());
    let late = site.send(request().body(never).expect("a request")).await;
    assert_eq!((late.status, late.error()), (StatusCode::REQUEST_TIMEOUT, "RequestTimeout".to_owned()));
    let broken = tokio_stream::once(Err::<&'static str, _>(std::io::Error::other("broke off")));
    let broken = site.send(request().body(Body::from_stream(broken)).expect("a request")).await;
    assert_eq!((broken.status, broken.error()), (StatusCode::BAD_REQUEST, "MalformedRequest".to_owned()));
    let name = "x".repeat(100_000);
    let told = site.post(Who::Agent, "/api/admin/tickets", &json!({ name: 1 })).await;
    assert!(told.status == StatusCode::BAD_REQUEST && told.text.len() < 2_000, "{}", told.text.len());
}

#[tokio::test]
async fn a_store_that_fails_is_named_by_its_error_alone() {
    let site = Site::furnished().await;
    let faulty =
        FaultyStore::faulty(
            Arc::clone(site.desk.store()),
            |call| {
                if call.writes() { Fate::AnswerLost } else { Fate::Fails }
            },
        );
    let router = bsm_http::router(Desk::new(Arc::new(faulty)), Unchecked);
    let site = Site { router, ..site };
    let read = site.get(Who::Agent, "/api/admin/tickets").await;
    assert_eq!((read.status, read.error()), (StatusCode::SERVICE_UNAVAILABLE, "Unavailable".to_owned()));
    assert_eq!(read.header("retry-after"), "1");
    assert_eq!(read.json().get("detail"), None, "{read:?}");
}

#[tokio::test]
async fn a_request_that_takes_too_long_says_whether_it_may_have_happened() {
    let site = Site::furnished().await;
    let slow = SlowStore::slow(Arc::clone(site.desk.store()), |_| tokio::time::sleep(Duration::from_hours(1)));
    let limits = Limits { time: Duration::from_millis(20), ..Limits::default() };
    let router = bsm_http::router_within(Desk::new(Arc::new(slow)), Unchecked, limits);
    let site = Site { router, ..site };
    let read = site.get(Who::Agent, "/api/admin/tickets").await;
    assert_eq!((read.status, read.error()), (StatusCode::SERVICE_UNAVAILABLE, "Busy".to_owned()));
    let command = site.post(Who::Agent, "/api/admin/tickets", &json!({ "title": "x" })).await;
    assert_eq!((command.status, command.error()), (StatusCode::INTERNAL_SERVER_ERROR, "OutcomeUnknown".to_owned()));
}
