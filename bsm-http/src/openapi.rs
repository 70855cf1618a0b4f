//! The description of all routes (`OpenAPI` 3.1), made from the table and the types.

use std::sync::OnceLock;

use axum::body::Bytes;
use axum::extract::OriginalUri;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use bsm_core::rules::limits;
use serde_json::{Map, Value, json};
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, HeaderBuilder, InfoBuilder, OpenApiBuilder, PathsBuilder, Ref, RefOr, Required,
    Response, ResponseBuilder,
};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::Problem;
use crate::header::{IDEMPOTENCY_KEY, LAST_EVENT_ID, OCCURRED_AT, STAMP};
use crate::route::{self, Root, Route};

/// Where the description stands.
pub(crate) const PATH: &str = "/api/openapi.json";

const JSON: &str = "application/json";
const PROBLEM_JSON: &str = "application/problem+json";

/// The one answer that every problem is.
const PROBLEM: &str = "Problem";

type Schemas = Vec<(String, RefOr<Schema>)>;

/// The description of one route, as it is gathered.
pub(crate) struct Doc {
    operation: OperationBuilder,
    schemas: Schemas,
    root: Root,
    /// The statuses of the problems that it may answer with.
    problems: Vec<StatusCode>,
}

impl Doc {
    fn of(route: &Route) -> Self {
        let (summary, rest) = route.doc.trim().split_once('\n').unwrap_or((route.doc, ""));
        let roles: Vec<&str> = route.roles.iter().map(|role| role.as_str()).collect();
        let description = format!("{}\n\nFor: {}.", rest.trim(), roles.join(", "));
        let root = if route.root == Root::Admin { "admin" } else { "customer" };
        let operation = OperationBuilder::new()
            .operation_id(Some(format!("{root}_{}", route.name)))
            .tag(root)
            .summary(Some(summary.trim().trim_end_matches('.')))
            .description(Some(description.trim().to_owned()))
            .security(SecurityRequirement::new::<_, [&str; 0], _>("bearer", []));
        let mut problems = vec![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::SERVICE_UNAVAILABLE];
        if route.name == "events" {
            // What lies behind a position may be forgotten.
            problems.push(StatusCode::GONE);
        }
        Self { operation, schemas: Vec::new(), root: route.root, problems }
    }

    /// Changes the builder, which is passed along by value.
    fn with(&mut self, change: impl FnOnce(OperationBuilder) -> OperationBuilder) {
        self.operation = change(std::mem::take(&mut self.operation));
    }

    fn parameter(&mut self, parameter: impl Into<Parameter>) {
        self.with(|operation| operation.parameter(parameter));
    }

    fn header(&mut self, name: &HeaderName, description: &str, schema: impl Into<RefOr<Schema>>) {
        let header = ParameterBuilder::new().name(name.as_str()).parameter_in(ParameterIn::Header);
        self.parameter(header.required(Required::False).description(Some(description)).schema(Some(schema)));
    }

    fn reference<T: ToSchema>(&mut self) -> RefOr<Schema> {
        T::schemas(&mut self.schemas);
        self.schemas.push((T::name().into_owned(), T::schema()));
        Ref::from_schema_name(T::name()).into()
    }

    /// A part of the path.
    pub(crate) fn path<T: PathSchema>(&mut self, name: &'static str) {
        let schema = T::path_schema(&mut self.schemas);
        let part = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
        self.parameter(part.required(Required::True).schema(Some(schema)));
        self.problems.extend([StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY]);
    }

    /// What stands in the query.
    pub(crate) fn query<T: IntoParams + QuerySchemas>(&mut self) {
        T::query_schemas(&mut self.schemas);
        let parameters = T::into_params(|| Some(ParameterIn::Query));
        self.with(|operation| operation.parameters(Some(parameters)));
        self.problems.extend([StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY]);
    }

    /// What stands in the body.
    pub(crate) fn body<T: ToSchema>(&mut self) {
        let content = ContentBuilder::new().schema(Some(self.reference::<T>())).build();
        let body = RequestBodyBuilder::new().content(JSON, content).required(Some(Required::True)).build();
        self.with(|operation| operation.request_body(Some(body)));
        self.problems.extend([
            StatusCode::BAD_REQUEST,
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            StatusCode::UNPROCESSABLE_ENTITY,
        ]);
    }

    fn response(&mut self, status: StatusCode, response: impl Into<RefOr<Response>>) {
        self.with(|operation| operation.response(status.as_str(), response));
    }

    /// A row, with its version.
    pub(crate) fn row<T: ToSchema>(&mut self, status: StatusCode) {
        let schema = self.reference::<T>();
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let etag = HeaderBuilder::new().schema(Some(text())).description(Some("The row's version.")).build();
        let mut response =
            ResponseBuilder::new().description("The row as it is now.").content(JSON, content).header("etag", etag);
        if status == StatusCode::CREATED {
            let place =
                HeaderBuilder::new().schema(Some(text())).description(Some("Where it stands, if it is read alone."));
            response = response.header("location", place.build());
        }
        self.response(status, response);
    }

    /// That a row may be as the caller has it.
    pub(crate) fn unchanged(&mut self) {
        self.header(&axum::http::header::IF_NONE_MATCH, "The versions that the caller has.", text());
        self.response(StatusCode::NOT_MODIFIED, ResponseBuilder::new().description("The caller has the row as it is."));
    }

    /// What qualifies a command, and by what it may be refused.
    pub(crate) fn command(&mut self) {
        let key = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1));
        let key = key.max_length(Some(limits::IDEMPOTENCY_KEY_CHARS)).pattern(Some("^[!-~]+$"));
        self.header(&IDEMPOTENCY_KEY, "Sent again with the same key, the command does not happen twice.", key);
        let tag = ObjectBuilder::new().schema_type(Type::String).pattern(Some(r#"^(\*|(W/)?"[!#-~]*")$"#));
        self.header(&axum::http::header::IF_MATCH, "Only if the row is still at this version.", tag);
        if self.root == Root::Admin {
            // Without its format: writers of clients can't write a time into a header.
            self.header(&OCCURRED_AT, "When it happened, if not now: a moment by RFC 3339.", text());
        }
        self.problems.extend([
            StatusCode::BAD_REQUEST,
            StatusCode::NOT_FOUND,
            StatusCode::CONFLICT,
            StatusCode::PRECONDITION_FAILED,
            StatusCode::UNPROCESSABLE_ENTITY,
            StatusCode::INTERNAL_SERVER_ERROR,
        ]);
    }

    /// A page of a list.
    pub(crate) fn page<T: ToSchema>(&mut self, _rows: bool) {
        let row = self.reference::<T>();
        let page = ObjectBuilder::new()
            .property("rows", ArrayBuilder::new().items(row))
            .property("next", cursor("Goes on behind the last row; null at the end."))
            .property("previous", cursor("Goes back before the first row; null at the beginning."))
            .required("rows")
            .required("next")
            .required("previous");
        let content = ContentBuilder::new().schema(Some(page)).build();
        let link = HeaderBuilder::new()
            .schema(Some(text()))
            .description(Some("The pages behind and before (RFC 8288)."))
            .build();
        let response = ResponseBuilder::new().description("A page, all of one moment.").content(JSON, content);
        self.response(StatusCode::OK, response.header("link", link));
    }

    /// Anything else.
    pub(crate) fn plain<T: ToSchema>(&mut self) {
        T::schemas(&mut self.schemas);
        let content = ContentBuilder::new().schema(Some(T::schema())).build();
        self.response(StatusCode::OK, ResponseBuilder::new().description("What was asked for.").content(JSON, content));
    }

    /// Nothing.
    pub(crate) fn nothing(&mut self) {
        self.response(StatusCode::NO_CONTENT, ResponseBuilder::new().description("It is gone."));
    }

    /// A stream of events.
    pub(crate) fn stream<Q: IntoParams + QuerySchemas, E: ToSchema>(&mut self) {
        self.query::<Q>();
        self.header(&LAST_EVENT_ID, "Goes on behind this event.", text());
        self.reference::<E>();
        let description = format!("Events, each with a `{}` as its data.", E::name());
        let content = ContentBuilder::new().schema(Some(text())).build();
        self.response(
            StatusCode::OK,
            ResponseBuilder::new().description(description).content("text/event-stream", content),
        );
        self.problems.push(StatusCode::GONE);
    }

    fn end(mut self) -> (utoipa::openapi::path::Operation, Schemas) {
        self.header(&STAMP, "Sees at least the command that this stamp marks.", text());
        self.problems.push(StatusCode::BAD_REQUEST);
        self.problems.sort_unstable();
        self.problems.dedup();
        for status in std::mem::take(&mut self.problems) {
            self.response(status, Ref::from_response_name(PROBLEM));
        }
        (self.operation.build(), self.schemas)
    }
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn cursor(description: &str) -> ObjectBuilder {
    let kinds = utoipa::openapi::schema::SchemaType::from_iter([Type::String, Type::Null]);
    ObjectBuilder::new().schema_type(kinds).description(Some(description))
}

/// What a part of a path looks like.
pub(crate) trait PathSchema {
    fn path_schema(schemas: &mut Schemas) -> RefOr<Schema>;
}

impl<T: crate::call::PathValue + ToSchema> PathSchema for T {
    fn path_schema(schemas: &mut Schemas) -> RefOr<Schema> {
        T::schemas(schemas);
        T::schema()
    }
}

/// The schemas that a query's parameters name.
pub(crate) trait QuerySchemas {
    fn query_schemas(schemas: &mut Schemas);
}

impl<T> QuerySchemas for T {
    fn query_schemas(schemas: &mut Schemas) {
        use bsm_core::{feed::Position, model, view};
        macro_rules! named {
            ($($type:ty),+ $(,)?) => { $(schemas.push((<$type>::name().into_owned(), <$type>::schema()));)+ };
        }
        named!(
            model::ArticleStatus,
            model::Channel,
            model::Entity,
            model::Phase,
            model::Priority,
            model::RequestStatus,
            model::Role,
            model::ServiceId,
            model::TicketStatus,
            model::Timestamp,
            model::UserId,
            model::Version,
            view::Cursor,
            view::Source,
            Position,
        );
    }
}

/// The description of all routes, as JSON: what `/api/openapi.json` answers with. An application may merge it into its own.
///
/// ```
/// let described = bsm_http::openapi();
/// assert_eq!(described["openapi"], "3.1.0");
/// assert!(described["paths"]["/api/customer/ratings"]["post"].is_object());
/// ```
pub fn openapi() -> &'static Value {
    static DESCRIBED: OnceLock<Value> = OnceLock::new();
    DESCRIBED.get_or_init(describe)
}

/// Answers with the description: under the path that the routes are nested at, if they are.
pub(crate) async fn serve(OriginalUri(uri): OriginalUri) -> ([(HeaderName, &'static str); 1], Bytes) {
    static AT_THE_ROOT: OnceLock<Bytes> = OnceLock::new();
    let at_the_root = || AT_THE_ROOT.get_or_init(|| Bytes::from(openapi().to_string())).clone();
    let text = match uri.path().strip_suffix(PATH) {
        None | Some("") => at_the_root(),
        Some(prefix) => {
            let mut described = openapi().clone();
            described["servers"] = json!([{ "url": prefix }]);
            Bytes::from(described.to_string())
        }
    };
    ([(CONTENT_TYPE, JSON)], text)
}

fn describe() -> Value {
    let mut paths = PathsBuilder::new().build();
    let mut components = ComponentsBuilder::new();
    let mut schemas: Schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    for route in route::all() {
        let mut doc = Doc::of(&route);
        (route.describe)(&mut doc);
        let (operation, named) = doc.end();
        schemas.extend(named);
        paths.add_path_operation(route.whole_path(), vec![route.verb.in_openapi()], operation);
    }
    for (name, schema) in schemas {
        components = components.schema(name, schema);
    }
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    let problem = ResponseBuilder::new().description("What went wrong (RFC 9457).").content(PROBLEM_JSON, problem);
    let components =
        components.response(PROBLEM, problem.build()).security_scheme("bearer", SecurityScheme::Http(bearer)).build();
    let info = InfoBuilder::new()
        .title("bsm service desk")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("A service desk: what staff do under /api/admin, what customers do under /api/customer."));
    let described = OpenApiBuilder::new().info(info).paths(paths).components(Some(components)).build();
    // It is plain data, and turning it into JSON can't fail.
    let mut described = serde_json::to_value(described).unwrap_or_default();
    complete(&mut described);
    described
}

/// What the types can't say of themselves.
fn complete(described: &mut Value) {
    plain_words(described);
    let Some(schemas) = described.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    merge(schemas, "Problem");
    for (name, schema) in schemas.iter_mut() {
        let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { continue };
        if GIVEN.contains(&name.as_str()) {
            for (field, schema) in properties.iter_mut() {
                constrain(name, field, schema);
                if is_change(name)
                    && let Some(schema) = schema.as_object_mut()
                {
                    // Nothing happens to what is absent.
                    schema.remove("default");
                }
            }
        } else if ROWS.contains(&name.as_str()) {
            properties.insert("created_at".to_owned(), json!({ "$ref": "#/components/schemas/Timestamp" }));
        }
    }
}

/// A schema of several that must all hold, as the one object that it is.
fn merge(schemas: &mut Map<String, Value>, name: &str) {
    let Some(schema) = schemas.get(name).cloned() else { return };
    let (mut properties, mut required) = (Map::new(), Vec::new());
    gather(schemas, &schema, &mut properties, &mut required);
    let mut merged = json!({ "type": "object", "properties": properties, "required": required });
    if let Some(description) = schema.get("description") {
        merged["description"] = description.clone();
    }
    schemas.insert(name.to_owned(), merged);
}

fn gather(schemas: &Map<String, Value>, part: &Value, properties: &mut Map<String, Value>, required: &mut Vec<Value>) {
    let named = part["$ref"].as_str().and_then(|reference| schemas.get(reference.rsplit('/').next()?));
    let part = named.unwrap_or(part);
    properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
    required.extend(part["required"].as_array().cloned().unwrap_or_default());
    for part in part["allOf"].as_array().into_iter().flatten() {
        gather(schemas, part, properties, required);
    }
}

/// The rows, which are shown with when they were made.
const ROWS: &[&str] = &["User", "Ticket", "Article", "Service", "ServiceRequest", "Rating", "Note"];

/// What is given in bodies, and so is checked by the rules of texts.
const GIVEN: &[&str] = &[
    "NewUser",
    "UserPatch",
    "NewTicket",
    "TicketPatch",
    "OwnTicket",
    "TicketFromRequest",
    "NewService",
    "ServicePatch",
    "SubmitRequest",
    "NewRequest",
    "NewArticle",
    "ArticlePatch",
    "NewNote",
    "NewRating",
];

/// Whether a body says what becomes of a row, and not what it is.
fn is_change(name: &str) -> bool {
    name.ends_with("Patch")
}

/// The rules of texts ([`bsm_core::rules::text`]), by the field's one name.
fn constrain(of: &str, field: &str, schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    match field {
        "title" | "name" => line(schema, limits::TITLE_CHARS),
        "full_name" => line(schema, limits::FULL_NAME_CHARS),
        "category" | "subcategory" | "assignment_group" => line(schema, limits::CATEGORY_CHARS),
        "external_ref" => line(schema, limits::EXTERNAL_REF_CHARS),
        "email" => {
            schema.insert("format".to_owned(), json!("email"));
            schema.insert("maxLength".to_owned(), json!(limits::EMAIL_CHARS));
        }
        "description" | "details" => lines(schema, 0, limits::DESCRIPTION_CHARS),
        "review" => lines(schema, 0, limits::REVIEW_CHARS),
        "body" if of == "NewNote" => lines(schema, 1, limits::DESCRIPTION_CHARS),
        "body" => lines(schema, 1, limits::BODY_CHARS),
        "status" if of == "NewTicket" => {
            let open = bsm_core::model::TicketStatus::ALL.iter().filter(|status| !status.is_final());
            let words: Vec<&str> = open.map(|status| status.as_str()).collect();
            schema.clear();
            schema.extend([("type".to_owned(), json!("string")), ("enum".to_owned(), json!(words))]);
        }
        _ => {}
    }
}

/// White space, which is trimmed at both ends, and the characters that no text holds.
const SPACE: &str = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000";
const CONTROL: &str = r"\x00-\x1f\x7f-\x9f";

/// One line that is not empty: it is trimmed before it is measured.
fn line(schema: &mut Map<String, Value>, most: usize) {
    let (edge, inner) = (format!("[^{SPACE}{CONTROL}]"), most.saturating_sub(2));
    let pattern = format!("^[{SPACE}]*{edge}([^{CONTROL}]{{0,{inner}}}{edge})?[{SPACE}]*$");
    schema.insert("pattern".to_owned(), json!(pattern));
}

/// Several lines. (What is white space and no line break may stand at the ends only, which a pattern of this length does not tell.)
fn lines(schema: &mut Map<String, Value>, least: usize, most: usize) {
    let some = if least == 0 { "" } else { r"[^\x00-\x20\x7f-\xa0]" };
    let pattern = format!(r"^[{SPACE}]*{some}[^\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]*$");
    schema.insert("pattern".to_owned(), json!(pattern));
    // Not `maxLength`, which would count what is trimmed.
    let said = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let said = format!("{said} At most {most} characters, those of white space at its ends not counted.");
    schema.insert("description".to_owned(), json!(said.trim()));
}

/// Takes the code and the links of Rust's documentation out of descriptions: `` [`X`](path) `` and `` [`X`] `` become `` `X` ``.
fn plain_words(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(plain_words),
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                match member {
                    Value::String(text) if name == "description" || name == "summary" => {
                        let words = text.split("\n\n```").next().unwrap_or_default();
                        *text = without_links(words);
                    }
                    member => plain_words(member),
                }
            }
        }
        _ => {}
    }
}

fn without_links(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some(begin) = rest.find('[') {
        let (before, from) = rest.split_at(begin);
        plain.push_str(before);
        let Some(end) = from.find(']') else {
            rest = from;
            break;
        };
        plain.push_str(&from[1..end]);
        rest = &from[end + 1..];
        if rest.starts_with('(')
            && let Some(close) = rest.find(')')
        {
            rest = &rest[close + 1..];
        }
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_become_their_words() {
        assert_eq!(without_links("at [`X`](a::X) and [`Y`], [1] (no)"), "at `X` and `Y`, 1 (no)");
        assert_eq!(without_links("an open ["), "an open [");
    }
}
