//! One request: who makes it, what qualifies it, and what is given with it.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, OriginalUri, RawPathParams, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use bsm_core::model::{
    Actor, ArticleId, Entity, RatingId, RequestId, RequestNumber, Role, ServiceId, TicketId, TicketNumber, UserId,
};
use bsm_core::uuid::Uuid;
use bsm_core::{ActorName, Admin, Agent, Customer, Error, Portal, Reason};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::Problem;
use crate::auth::Principal;
use crate::header::{self, Condition};
use crate::route::Inner;

/// A request by somebody whom the application recognised, and whom the route is for.
pub(crate) struct Call {
    pub(crate) inner: Arc<Inner>,
    pub(crate) principal: Principal,
    /// The path and query as the client sent them, wherever the router is nested.
    pub(crate) uri: Uri,
    parts: Parts,
    given: RawPathParams,
    body: Option<Body>,
    /// Whether the rest of the body is waited for.
    waits: Arc<AtomicBool>,
}

/// How much of a body is read to see that there is nothing in it.
const EMPTY_BYTES: usize = 1024;

/// The portal of somebody who works at the desk.
pub(crate) enum Staff {
    Admin(Admin),
    Agent(Agent),
}

impl Call {
    /// Finds out who asks, and whether the route is for them.
    pub(crate) async fn begin(
        inner: Arc<Inner>,
        roles: &[Role],
        request: Request,
        waits: Arc<AtomicBool>,
    ) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        if is_cross_site(&parts) {
            return Err(Problem::of(StatusCode::FORBIDDEN));
        }
        let principal = inner.auth.principal(&parts).await?;
        if !roles.contains(&principal.role) {
            let needs = roles.last().copied().unwrap_or(Role::Admin);
            return Err(Error::NotAllowed { actor: ActorName(Actor::User(principal.user)), needs }.into());
        }
        let given = RawPathParams::from_request_parts(&mut parts, &()).await;
        let given = given.map_err(|_| Problem::malformed("path", "the path is not UTF-8"))?;
        let uri = parts.extensions.get().map_or_else(|| parts.uri.clone(), |OriginalUri(uri)| uri.clone());
        Ok(Self { inner, principal, uri, parts, given, body: Some(body), waits })
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// A part of the path.
    pub(crate) fn path<T: PathValue>(&self, name: &'static str) -> Result<T, Problem> {
        // The last: an application that nests the routes may have a parameter of that name before them.
        let given = self.given.iter().filter(|(given, _)| *given == name).last();
        let text = given.map_or("", |(_, text)| text);
        Ok(T::read(text)?)
    }

    /// The query, as the route takes it.
    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let query = self.parts.uri.query().unwrap_or_default();
        // A condition that came out empty would otherwise be none, and everything be listed.
        let empty = query
            .split('&')
            .find(|pair| !pair.is_empty() && pair.split_once('=').is_none_or(|(_, value)| value.is_empty()));
        if let Some(pair) = empty {
            return Err(Problem::malformed(pair.trim_end_matches('='), "the parameter has no value"));
        }
        serde_path_to_error::deserialize(serde_html_form::Deserializer::from_bytes(query.as_bytes())).map_err(|error| {
            let name = error.path().to_string();
            let times = query.split('&').filter(|pair| pair.split('=').next() == Some(&name)).count();
            let twice = if times > 1 { "the parameter is given more than once; " } else { "" };
            Problem::malformed(name, format!("{twice}{}", error.into_inner()))
        })
    }

    /// The body, as the route takes it.
    pub(crate) async fn body<T: DeserializeOwned>(&mut self) -> Result<T, Problem> {
        if !is_json(header::single(self.headers(), &CONTENT_TYPE)?) {
            return Err(Problem::of(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let limit = self.inner.limits.body_bytes;
        self.waits.store(true, Ordering::Relaxed);
        let bytes = to_bytes(self.body.take().unwrap_or_default(), limit).await;
        self.waits.store(false, Ordering::Relaxed);
        let bytes = bytes.map_err(|error| {
            if std::error::Error::source(&error).is_some_and(<dyn std::error::Error>::is::<LengthLimitError>) {
                Problem::of(StatusCode::PAYLOAD_TOO_LARGE)
            } else {
                Problem::malformed(".", "the body broke off")
            }
        })?;
        let mut read = serde_json::Deserializer::from_slice(&bytes);
        let body = serde_path_to_error::deserialize(&mut read)
            .map_err(|error| Problem::malformed(error.path().to_string(), error.into_inner().to_string()))?;
        read.end().map_err(|error| Problem::malformed(".", error.to_string()))?;
        Ok(body)
    }

    /// Refuses a body where none is taken: whoever sends one expects something of it.
    pub(crate) async fn nothing_more(&mut self) -> Result<(), Problem> {
        if self.parts.method.is_safe() || self.body.is_none() {
            return Ok(());
        }
        self.waits.store(true, Ordering::Relaxed);
        let bytes = to_bytes(self.body.take().unwrap_or_default(), EMPTY_BYTES).await;
        self.waits.store(false, Ordering::Relaxed);
        match bytes {
            Ok(bytes) if matches!(bytes.trim_ascii(), b"" | b"{}") => Ok(()),
            _ => Err(Problem::malformed(".", "the route takes no body")),
        }
    }

    /// The portal of the member of staff who asks.
    pub(crate) fn staff(&self) -> Result<Staff, Problem> {
        Ok(match self.principal.role {
            Role::Admin => Staff::Admin(self.admin()?),
            _ => Staff::Agent(self.of_staff(self.inner.desk.agent(self.principal.user))?),
        })
    }

    pub(crate) fn admin(&self) -> Result<Admin, Problem> {
        self.of_staff(self.inner.desk.admin(self.principal.user))
    }

    pub(crate) fn customer(&self) -> Result<Customer, Problem> {
        self.qualified(self.inner.desk.customer(self.principal.user))
    }

    /// Staff tell of the past.
    fn of_staff<R>(&self, portal: Portal<R>) -> Result<Portal<R>, Problem> {
        match header::occurred_at(self.headers())? {
            Some(at) => self.qualified(portal.at(at)),
            None => self.qualified(portal),
        }
    }

    /// What can't be read is refused before a condition that is not met.
    fn qualified<R>(&self, mut portal: Portal<R>) -> Result<Portal<R>, Problem> {
        if let Some(stamp) = header::stamp(self.headers())? {
            portal = portal.seeing(stamp);
        }
        if self.parts.method.is_safe() {
            return Ok(portal);
        }
        if let Some(key) = header::idempotency_key(self.headers())? {
            portal = portal.keyed(key);
        }
        match header::if_match(self.headers())? {
            Condition::Any => Ok(portal),
            Condition::At(version) => Ok(portal.expecting(version)),
            Condition::Never => Err(Problem::of(StatusCode::PRECONDITION_FAILED)),
        }
    }
}

/// Whether a page of another site's had the browser send a command, by which it has the person's cookies with it. What brings a token
/// of its own is sent by nobody's browser unasked.
fn is_cross_site(parts: &Parts) -> bool {
    let from = parts.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let elsewhere = matches!(from, Some(b"cross-site" | b"same-site"));
    elsewhere && !parts.method.is_safe() && !parts.headers.contains_key(AUTHORIZATION)
}

/// Whether a body is JSON, or of a kind that is written in it (`application/merge-patch+json`).
fn is_json(content_type: Option<&str>) -> bool {
    let kind = content_type.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    let Some((top, sub)) = kind.split_once('/') else { return false };
    top.eq_ignore_ascii_case("application")
        && (sub.eq_ignore_ascii_case("json") || sub.to_ascii_lowercase().ends_with("+json"))
}

/// What stands in a path.
pub(crate) trait PathValue: Sized {
    fn read(text: &str) -> bsm_core::Result<Self>;
}

macro_rules! path_values {
    ($($type:ty),+) => {$(
        impl PathValue for $type {
            fn read(text: &str) -> bsm_core::Result<Self> {
                Self::from_str(text)
            }
        }
    )+};
}

path_values!(UserId, TicketId, ArticleId, ServiceId, RequestId, RatingId, TicketNumber, RequestNumber, Entity);

impl PathValue for String {
    fn read(text: &str) -> bsm_core::Result<Self> {
        Ok(text.to_owned())
    }
}

/// The id of a row of any entity.
#[derive(Clone, Copy, ToSchema)]
pub(crate) struct RowId(pub(crate) Uuid);

impl PathValue for RowId {
    fn read(text: &str) -> bsm_core::Result<Self> {
        let read = Uuid::parse_str(text);
        read.map(Self).map_err(|_| Error::invalid("id", Reason::Malformed { expected: "a UUID" }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_comes_under_several_names() {
        for json in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
            assert!(is_json(Some(json)), "{json}");
        }
        for other in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("json")] {
            assert!(!is_json(other), "{other:?}");
        }
    }
}
