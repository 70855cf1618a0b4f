//! The service desk over HTTP: an axum [`Router`] over a [`Desk`], to nest in an application of your own.
//!
//! ```
//! use bsm_core::Desk;
//! use bsm_core::model::{Role, UserId};
//! use bsm_http::auth::{AuthError, Principal};
//!
//! # fn example(desk: Desk, sessions: std::collections::HashMap<String, (UserId, Role)>) -> axum::Router {
//! // Who asks is the application's to say: from a cookie, a header, a token.
//! let auth = move |parts: &axum::http::request::Parts| {
//!     let cookie = parts.headers.get("cookie").and_then(|value| value.to_str().ok()).ok_or(AuthError::Missing)?;
//!     let (user, role) = sessions.get(cookie).copied().ok_or(AuthError::Refused)?;
//!     Ok(Principal::new(user, role))
//! };
//! axum::Router::new().merge(bsm_http::router(desk, auth))
//! # }
//! ```
//!
//! Under `/api/admin` stands what admins and agents can do, under `/api/customer` what customers can, each method of the
//! [portals](bsm_core::Portal) once; `/api/openapi.json` describes all of it, and needs nobody to be signed in. The rules are the
//! portals': nothing is decided here but how a request is read and how an answer is written.
//!
//! | what | how |
//! |---|---|
//! | errors | `application/problem+json` (RFC 9457): [`Problem`] |
//! | a row's version | `ETag`; a command with `If-Match` is refused with 412 if the row was changed since |
//! | sending twice | `Idempotency-Key`, kept for seven days: the second answers as the first, and changes nothing |
//! | lists | `limit`, `cursor`, `order`, `from`, `to` and the list's own filters; `next` and `previous` in the body and in `Link` |
//! | what happens | `/api/admin/events` and `/api/customer/events` as server-sent events, resumed by `Last-Event-ID`; as pages under `feed` |
//! | replicas | `BSM-Stamp` of a command's answer, sent with a later request, makes that see the command |
//!
//! There is no CORS: no other site's page can read an answer, unless the application adds a layer that lets it. Nor can one have a browser
//! send a command with its person's cookies: what the browser says comes from another site (`Sec-Fetch-Site`) and brings no token is refused.

mod admin;
mod answer;
pub mod auth;
mod body;
mod call;
mod customer;
mod events;
mod header;
mod limits;
mod openapi;
mod problem;
mod query;
mod route;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{any, get};
use bsm_core::Desk;

pub use auth::Authenticate;
pub use limits::Limits;
pub use openapi::openapi;
pub use problem::Problem;
use route::{Inner, Root};

/// The desk's routes, within the usual [`Limits`].
///
/// It brings no state, no server and no layer; all that it needs is tokio's clock. Its clones are cheap.
pub fn router(desk: Desk, auth: impl Authenticate) -> Router {
    router_within(desk, auth, Limits::default())
}

/// The desk's routes, within limits of your own.
pub fn router_within(desk: Desk, auth: impl Authenticate, limits: Limits) -> Router {
    let inner = Arc::new(Inner { desk, auth: Box::new(auth), limits });
    let mut router = Router::new().route(openapi::PATH, get(openapi::serve));
    for route in route::all() {
        let handler = (route.handle)(Arc::clone(&inner));
        router = router.route(&route.whole_path(), handler);
    }
    router = router.method_not_allowed_fallback(async || Problem::of(StatusCode::METHOD_NOT_ALLOWED));
    // What else stands under the roots is not there. Not by a fallback: what stands elsewhere is the application's to say.
    for root in [Root::Admin, Root::Customer] {
        router = router.route(&format!("{}/{{*rest}}", root.path()), any(async || Problem::of(StatusCode::NOT_FOUND)));
    }
    router
}
