//! Who asks: the application's to say.

#[cfg(feature = "jwt")]
mod jwt;
mod unchecked;

use async_trait::async_trait;
use axum::http::request::Parts;
use bsm_core::model::{Role, Timestamp, UserId};

#[cfg(feature = "jwt")]
pub use jwt::{Jwt, WeakSecret};
pub use unchecked::Unchecked;

/// Somebody who was recognised: which user of the desk, and in which role they come.
///
/// The role says which portal answers, and so which root can be reached. Whether the user has that role, and is active, the
/// desk checks with every call; so one that is too high, or out of date, gains nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Principal {
    /// The user.
    pub user: UserId,
    /// The role in which they come.
    pub role: Role,
    /// Until when that is believed, if there is an end: streams of events end by then.
    pub until: Option<Timestamp>,
}

impl Principal {
    /// A user, in a role.
    pub const fn new(user: UserId, role: Role) -> Self {
        Self { user, role, until: None }
    }

    /// The same person, believed until then.
    pub const fn until(self, at: Timestamp) -> Self {
        Self { until: Some(at), ..self }
    }
}

/// Why nobody was recognised. The caller is told which of these it was, and nothing else.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The request says nothing of who asks.
    #[error("nobody is signed in")]
    Missing,
    /// What the request says is not to be believed: it is forged, expired, or nobody's.
    #[error("the credentials are not accepted")]
    Refused,
    /// It can't be told at the moment.
    #[error("who asks can't be told at the moment")]
    Unavailable(#[source] bsm_core::Source),
}

/// Turns a request into who asks. A closure over the request's [`Parts`] is one, where nothing needs to be waited for.
#[async_trait]
pub trait Authenticate: Send + Sync + 'static {
    /// Who asks. Called once for each request, before its body is read.
    ///
    /// # Errors
    /// [`AuthError`]: the request is answered with 401, or with 503 if it can't be told.
    async fn principal(&self, parts: &Parts) -> Result<Principal, AuthError>;
}

#[async_trait]
impl<F> Authenticate for F
where
    F: Fn(&Parts) -> Result<Principal, AuthError> + Send + Sync + 'static,
{
    async fn principal(&self, parts: &Parts) -> Result<Principal, AuthError> {
        self(parts)
    }
}

/// The token of an `Authorization: Bearer …`.
///
/// # Errors
/// [`AuthError::Missing`] without the header; [`AuthError::Refused`] for two of them, or another scheme.
pub fn bearer(parts: &Parts) -> Result<&str, AuthError> {
    let mut given = parts.headers.get_all(axum::http::header::AUTHORIZATION).into_iter();
    let value = match (given.next(), given.next()) {
        (None, _) => return Err(AuthError::Missing),
        (Some(value), None) => value.to_str().map_err(|_| AuthError::Refused)?,
        (Some(_), Some(_)) => return Err(AuthError::Refused),
    };
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(AuthError::Refused),
    }
}
