//! How an answer is written.

use std::marker::PhantomData;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, ETAG, HeaderValue, LINK, LOCATION};
use axum::http::{Response, StatusCode};
use bsm_core::model::{Entity, Record, Role, Timestamp, Value};
use bsm_core::schema::Field;
use bsm_core::store::Stamp;
use bsm_core::view::{Cursor, Page};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Problem;
use crate::call::Call;
use crate::header;
use crate::openapi::Doc;

/// How a method's result becomes an answer.
pub(crate) trait Answer {
    /// The result.
    type Of;

    /// The answer.
    fn respond(of: Self::Of, call: &Call) -> Result<Response<Body>, Problem>;

    /// What the description says of it.
    fn describe(doc: &mut Doc);
}

/// A row that was asked for: 200 with its version as `ETag`, or 304 if the caller has that.
pub(crate) struct Row<T>(PhantomData<T>);
/// A row that was changed: 200 with its new version.
pub(crate) struct Changed<T>(PhantomData<T>);
/// A row that was made: 201 with its place and its version.
pub(crate) struct Made<T>(PhantomData<T>);
/// A page of rows.
pub(crate) struct Rows<T>(PhantomData<T>);
/// A page of what a view shows.
pub(crate) struct Listed<T>(PhantomData<T>);
/// Anything else that is read.
pub(crate) struct Plain<T>(PhantomData<T>);
/// Nothing: 204.
pub(crate) struct Nothing;

/// A row as it is written: with when it was made, which in the desk its id carries.
#[derive(Serialize)]
struct Shown<'a, T> {
    #[serde(flatten)]
    row: &'a T,
    created_at: Option<Timestamp>,
}

impl<'a, T: Record> Shown<'a, T> {
    fn of(row: &'a T) -> Self {
        let created_at = match row.value(Field::CreatedAt) {
            Value::Time(at) => Some(at),
            _ => None,
        };
        Self { row, created_at }
    }
}

#[derive(Serialize)]
struct Sheet<'a, T> {
    rows: &'a [T],
    next: Option<&'a Cursor>,
    previous: Option<&'a Cursor>,
}

/// About what a row takes, so that the text of an answer need not grow again and again.
const ROW_BYTES: usize = 640;

fn json(status: StatusCode, rows: usize, body: &impl Serialize) -> Result<Response<Body>, Problem> {
    let mut text = Vec::with_capacity(rows.saturating_mul(ROW_BYTES) + ROW_BYTES);
    serde_json::to_writer(&mut text, body).map_err(|error| {
        tracing::error!(target: "bsm::http", error = %error, "an answer can't be written");
        Problem::of(StatusCode::INTERNAL_SERVER_ERROR)
    })?;
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn row<T: Record + Serialize>(status: StatusCode, row: &T) -> Result<Response<Body>, Problem> {
    let mut response = json(status, 1, &Shown::of(row))?;
    response.headers_mut().insert(ETAG, header::etag(row.version()));
    Ok(response)
}

impl<T: Record + Serialize + ToSchema> Answer for Row<T> {
    type Of = T;

    fn respond(of: T, call: &Call) -> Result<Response<Body>, Problem> {
        // The tag is the version alone, so it says nothing where another row may stand under the same address.
        let its_own = call.uri.path().ends_with(&of.key().id.to_string());
        if !its_own || !header::has(call.headers(), of.version()) {
            return row(StatusCode::OK, &of);
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().insert(ETAG, header::etag(of.version()));
        Ok(response)
    }

    fn describe(doc: &mut Doc) {
        doc.row::<T>(StatusCode::OK);
        doc.unchanged();
    }
}

impl<T: Record + Serialize + ToSchema> Answer for Changed<T> {
    type Of = T;

    fn respond(of: T, _: &Call) -> Result<Response<Body>, Problem> {
        row(StatusCode::OK, &of)
    }

    fn describe(doc: &mut Doc) {
        doc.row::<T>(StatusCode::OK);
        doc.command();
    }
}

impl<T: Record + Serialize + ToSchema> Answer for Made<T> {
    type Of = T;

    fn respond(of: T, call: &Call) -> Result<Response<Body>, Problem> {
        let mut response = row(StatusCode::CREATED, &of)?;
        if let Some(home) = home(call.principal.role, T::ENTITY) {
            let path = call.uri.path();
            let root = path.rfind(home.root).map_or("", |at| &path[..at]);
            let place = format!("{root}{}/{}/{}", home.root, home.collection, of.key().id);
            response.headers_mut().insert(LOCATION, header::plain(&place));
        }
        Ok(response)
    }

    fn describe(doc: &mut Doc) {
        doc.row::<T>(StatusCode::CREATED);
        doc.command();
    }
}

/// Where the rows of an entity stand.
struct Home {
    root: &'static str,
    collection: &'static str,
}

fn home(role: Role, entity: Entity) -> Option<Home> {
    let admin = |collection| Some(Home { root: crate::route::Root::Admin.path(), collection });
    let customer = |collection| Some(Home { root: crate::route::Root::Customer.path(), collection });
    match (role, entity) {
        (Role::Customer, Entity::Request) => customer("requests"),
        (Role::Customer, Entity::Ticket) => customer("tickets"),
        (Role::Customer, _) => None,
        (_, Entity::User) => admin("users"),
        (_, Entity::Ticket) => admin("tickets"),
        (_, Entity::Article) => admin("articles"),
        (_, Entity::Service) => admin("service-management"),
        (_, Entity::Request) => admin("requests"),
        // A rating is never made by staff, and a note has no place of its own.
        _ => None,
    }
}

fn page<T: Serialize>(
    rows: &[T],
    next: Option<&Cursor>,
    previous: Option<&Cursor>,
    call: &Call,
) -> Result<Response<Body>, Problem> {
    let mut response = json(StatusCode::OK, rows.len(), &Sheet { rows, next, previous })?;
    for (cursor, relation) in [(next, "next"), (previous, "prev")] {
        if let Some(cursor) = cursor {
            let link = link(call.uri.query().unwrap_or_default(), cursor, relation);
            response.headers_mut().append(LINK, header::plain(&link));
        }
    }
    Ok(response)
}

/// The same list from another place on (RFC 8288): relative to the request, whose path it keeps.
fn link(query: &str, cursor: &Cursor, relation: &str) -> String {
    let mut pairs: Vec<(String, String)> = serde_html_form::from_str(query).unwrap_or_default();
    pairs.retain(|(name, _)| name != "cursor");
    pairs.push(("cursor".to_owned(), cursor.to_string()));
    format!("<?{}>; rel=\"{relation}\"", serde_html_form::to_string(pairs).unwrap_or_default())
}

impl<T: Record + Serialize + ToSchema> Answer for Rows<T> {
    type Of = Page<T>;

    fn respond(of: Page<T>, call: &Call) -> Result<Response<Body>, Problem> {
        let rows: Vec<Shown<'_, T>> = of.rows.iter().map(Shown::of).collect();
        page(&rows, of.next.as_ref(), of.previous.as_ref(), call)
    }

    fn describe(doc: &mut Doc) {
        doc.page::<T>(true);
    }
}

impl<T: Serialize + ToSchema> Answer for Listed<T> {
    type Of = Page<T>;

    fn respond(of: Page<T>, call: &Call) -> Result<Response<Body>, Problem> {
        page(&of.rows, of.next.as_ref(), of.previous.as_ref(), call)
    }

    fn describe(doc: &mut Doc) {
        doc.page::<T>(false);
    }
}

impl<T: Serialize + ToSchema> Answer for Plain<T> {
    type Of = T;

    fn respond(of: T, _: &Call) -> Result<Response<Body>, Problem> {
        json(StatusCode::OK, 1, &of)
    }

    fn describe(doc: &mut Doc) {
        doc.plain::<T>();
    }
}

impl Answer for Nothing {
    type Of = ();

    fn respond((): (), _: &Call) -> Result<Response<Body>, Problem> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        Ok(response)
    }

    fn describe(doc: &mut Doc) {
        doc.nothing();
        doc.command();
    }
}

/// The answer to a command, with what makes a later request see it.
pub(crate) fn stamped(mut response: Response<Body>, stamp: Option<Stamp>) -> Response<Body> {
    if let Some(stamp) = stamp.filter(|stamp| !stamp.as_bytes().is_empty()) {
        response.headers_mut().insert(header::STAMP, header::of_stamp(&stamp));
    }
    response
}
