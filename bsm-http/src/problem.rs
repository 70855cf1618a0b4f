//! Errors, as HTTP tells them (RFC 9457).

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use bsm_core::{Error, Facts};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::AuthError;

/// What went wrong: the body of every answer that is no success, as `application/problem+json`.
///
/// `error` is the [name](Error::name) of the desk's error, or of one of HTTP's own: `MalformedRequest`, `Unauthenticated`,
/// `TooLarge`, `UnsupportedMediaType`, `PreconditionFailed`, `NoSuchRoute`, `MethodNotAllowed`, `RequestTimeout`, `CrossSite`. The [`Facts`] stand beside it.
/// Of a store's own errors nothing is told but the name; their text goes to the application's log, as `tracing` events of target
/// `bsm::http`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
pub struct Problem(#[schema(inline)] Box<Told>);

/// What a problem tells.
#[derive(Debug, Serialize, ToSchema)]
struct Told {
    /// Names the kind of problem: `urn:bsm:problem:` and the error's name.
    #[serde(rename = "type")]
    kind: String,
    /// The HTTP status.
    #[serde(serialize_with = "code")]
    #[schema(value_type = u16)]
    status: StatusCode,
    /// The status in words.
    title: &'static str,
    /// The error's name.
    error: &'static str,
    /// What happened, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Where in the request: a member of the body, a parameter, or a header.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    /// What the error tells.
    #[serde(flatten)]
    facts: Facts,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn code<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    fn named(status: StatusCode, error: &'static str) -> Self {
        Self(Box::new(Told {
            kind: format!("urn:bsm:problem:{error}"),
            status,
            title: status.canonical_reason().unwrap_or("Error"),
            error,
            detail: None,
            place: None,
            facts: Facts::default(),
        }))
    }

    fn telling(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// A problem of HTTP's own, of which the status says everything.
    pub(crate) fn of(status: StatusCode) -> Self {
        Self::named(
            status,
            match status {
                StatusCode::FORBIDDEN => "CrossSite",
                StatusCode::METHOD_NOT_ALLOWED => "MethodNotAllowed",
                StatusCode::NOT_FOUND => "NoSuchRoute",
                StatusCode::PAYLOAD_TOO_LARGE => "TooLarge",
                StatusCode::UNSUPPORTED_MEDIA_TYPE => "UnsupportedMediaType",
                StatusCode::PRECONDITION_FAILED => "PreconditionFailed",
                StatusCode::REQUEST_TIMEOUT => "RequestTimeout",
                _ => "Internal",
            },
        )
    }

    /// A request that can't be read: something at `place` is not as it must be.
    pub(crate) fn malformed(place: impl Into<String>, detail: impl Into<String>) -> Self {
        let mut problem = Self::named(StatusCode::BAD_REQUEST, "MalformedRequest").telling(short(detail.into()));
        problem.0.place = Some(short(place.into())).filter(|place| place != ".");
        problem
    }

    /// A request that took longer than it may. One that only reads has changed nothing.
    pub(crate) fn too_late(only_reads: bool) -> Self {
        tracing::warn!(target: "bsm::http", only_reads, "a request took longer than it may");
        if only_reads {
            Self::named(StatusCode::SERVICE_UNAVAILABLE, "Busy").telling("the request took longer than it may")
        } else {
            Self::named(StatusCode::INTERNAL_SERVER_ERROR, "OutcomeUnknown")
                .telling("the command took longer than it may, and may have happened; send it again with the same Idempotency-Key, or look")
        }
    }

    /// The same problem of a request with `If-Match`: that a row is at another version is then what the header asks about.
    pub(crate) fn of_condition(mut self) -> Self {
        if self.0.error == "Conflict" {
            self.0.status = StatusCode::PRECONDITION_FAILED;
            self.0.title = "Precondition Failed";
        }
        self
    }

    /// The HTTP status.
    pub const fn status(&self) -> StatusCode {
        self.0.status
    }
}

/// How much of what was sent is told back.
const TOLD_BYTES: usize = 200;

fn short(mut text: String) -> String {
    if text.len() > TOLD_BYTES {
        text.truncate(text.floor_char_boundary(TOLD_BYTES));
        text.push('…');
    }
    text
}

/// The status of the desk's error, and whether its text may be told.
fn status(error: &Error) -> (StatusCode, bool) {
    let status = match error {
        Error::InvalidCursor(_) | Error::InvalidPosition(_) => StatusCode::BAD_REQUEST,
        Error::NotAllowed { .. } | Error::OwnAccount { .. } => StatusCode::FORBIDDEN,
        Error::NotFound { .. } | Error::NoneWith { .. } => StatusCode::NOT_FOUND,
        Error::Conflict { .. }
        | Error::Duplicate { .. }
        | Error::StillReferenced { .. }
        | Error::TooManyReferences { .. }
        | Error::IllegalMove { .. }
        | Error::Finished { .. }
        | Error::NotResolved { .. }
        | Error::NotFinished { .. }
        | Error::AlreadyConverted { .. }
        | Error::HasOpenTicket { .. }
        | Error::AlreadyRated { .. }
        | Error::NotFulfilled { .. }
        | Error::ServiceRetired { .. }
        | Error::AlreadyBootstrapped => StatusCode::CONFLICT,
        Error::PositionExpired { .. } => StatusCode::GONE,
        Error::Invalid { .. } | Error::MissingParent { .. } | Error::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Unavailable { .. } | Error::Busy { .. } | Error::Closed { .. } => {
            return (StatusCode::SERVICE_UNAVAILABLE, false);
        }
        Error::Unsupported { .. } => return (StatusCode::NOT_IMPLEMENTED, false),
        // Not 503 or 504: there are clients that send those again by themselves, and this may have happened.
        _ => return (StatusCode::INTERNAL_SERVER_ERROR, false),
    };
    (status, true)
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, told) = status(&error);
        if !told {
            let source: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(&error);
            tracing::error!(target: "bsm::http", error = error.name(), source, "{error}");
        }
        let mut problem = Self::named(status, error.name());
        problem.0.facts = error.facts();
        if told { problem.telling(error.to_string()) } else { problem }
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        let status = match &error {
            AuthError::Missing | AuthError::Refused => StatusCode::UNAUTHORIZED,
            AuthError::Unavailable(source) => {
                tracing::error!(target: "bsm::http", source = source.as_ref() as &dyn std::error::Error, "{error}");
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        Self::named(status, "Unauthenticated").telling(error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        // A problem is plain data, and writing it can't fail.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.0.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self.0.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}
