//! Signed tokens.

use std::time::Duration;

use axum::http::StatusCode;
use bsm::model::{Role, Timestamp};
use bsm_http::auth::{Jwt, Principal, WeakSecret};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::site::{Site, Who};

const SECRET: &[u8] = b"thirty-two bytes or more of chance";

async fn site(jwt: Jwt) -> Site {
    let site = Site::furnished().await;
    let router = bsm_http::router(site.desk.clone(), jwt);
    Site { router, ..site }
}

fn jwt() -> Jwt {
    Jwt::hs256(SECRET).expect("long enough")
}

fn now() -> i64 {
    Timestamp::now().micros() / 1_000_000
}

async fn status(site: &Site, token: &str) -> StatusCode {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let answer = site.ask(Who::Nobody, axum::http::Method::GET, "/api/customer/me", None, &headers).await;
    if answer.status != StatusCode::OK {
        assert!(token.is_empty() || !answer.text.contains(token), "no token comes back: {answer:?}");
    }
    answer.status
}

fn signed(algorithm: Algorithm, secret: &[u8], claims: &Value) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret)).expect("a token")
}

#[tokio::test]
async fn a_token_that_was_issued_is_believed_until_its_end() {
    let site = site(jwt()).await;
    let ada = Principal::new(site.user(Who::Ada), Role::Customer);
    let token = jwt().issue(ada, Duration::from_mins(1)).expect("signs");
    assert_eq!(status(&site, &token).await, StatusCode::OK);
    let claims = |exp: i64| json!({ "sub": ada.user, "role": "customer", "exp": exp });
    assert_eq!(
        status(&site, &signed(Algorithm::HS256, SECRET, &claims(now() - 30))).await,
        StatusCode::OK,
        "the leeway"
    );
    assert_eq!(status(&site, &signed(Algorithm::HS256, SECRET, &claims(now() - 90))).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn nothing_else_is_believed() {
    let site = site(jwt().issuer("desk").audience("portal")).await;
    let claims = json!({
        "sub": site.user(Who::Ada), "role": "customer", "exp": now() + 60, "iss": "desk", "aud": "portal",
    });
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        if claims[name].is_null() {
            claims.as_object_mut().expect("an object").remove(name);
        }
        signed(Algorithm::HS256, SECRET, &claims)
    };
    assert_eq!(status(&site, &with("sub", claims["sub"].clone())).await, StatusCode::OK);
    // As identity providers write them.
    assert_eq!(status(&site, &with("aud", json!(["elsewhere", "portal"]))).await, StatusCode::OK);
    assert_eq!(status(&site, &with("exp", json!(f64::from(u32::MAX) + 0.5))).await, StatusCode::OK);
    let unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.e30.".to_owned();
    for (what, token) in [
        ("another secret", signed(Algorithm::HS256, b"another secret, as long as the other", &claims)),
        ("another algorithm", signed(Algorithm::HS384, SECRET, &claims)),
        ("no signature", unsigned),
        ("no end", with("exp", Value::Null)),
        ("a beginning to come", with("nbf", json!(now() + 3600))),
        ("another issuer", with("iss", json!("elsewhere"))),
        ("no issuer", with("iss", Value::Null)),
        ("another audience", with("aud", json!("elsewhere"))),
        ("no audience", with("aud", Value::Null)),
        ("a role that is none", with("role", json!("root"))),
        ("a user that is none", with("sub", json!("ada"))),
        ("no token", String::new()),
    ] {
        assert_eq!(status(&site, &token).await, StatusCode::UNAUTHORIZED, "{what}");
    }
    // Signed, and of a role that the user does not have: the desk says no.
    assert_eq!(status(&site, &with("sub", json!(site.user(Who::Agent)))).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let site = site(jwt().leeway(Duration::MAX).leeway(Duration::ZERO)).await;
    let token =
        jwt().issue(Principal::new(site.user(Who::Ada), Role::Customer), Duration::from_secs(2)).expect("signs");
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    // Until its end, and with a last word.
    let told = site.ask(Who::Nobody, axum::http::Method::GET, "/api/customer/events", None, &headers).await;
    assert_eq!(told.status, StatusCode::OK);
    assert!(told.text.contains("event: problem") && told.text.contains("Unauthenticated"), "{}", told.text);
}

#[test]
fn a_secret_that_can_be_guessed_is_refused_and_none_is_shown() {
    assert!(matches!(Jwt::hs256(b"short"), Err(WeakSecret)));
    assert_eq!(format!("{:?}", jwt()), "Jwt { algorithm: HS256, .. }");
}
