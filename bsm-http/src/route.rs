//! The table of routes: one line for each method of the portals, from which both the handler and its description follow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderValue, IF_MATCH, VARY};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter};
use bsm_core::Desk;
use bsm_core::model::Role;
use utoipa::openapi::path::HttpMethod;

use crate::auth::Authenticate;
use crate::call::Call;
use crate::openapi::Doc;
use crate::{Limits, Problem};

/// What all routes share.
pub(crate) struct Inner {
    pub(crate) desk: Desk,
    pub(crate) auth: Box<dyn Authenticate>,
    pub(crate) limits: Limits,
}

/// Under which root a route stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    Admin,
    Customer,
}

impl Root {
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Admin => "/api/admin",
            Self::Customer => "/api/customer",
        }
    }
}

/// What a route does to its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    pub(crate) const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }

    pub(crate) const fn in_openapi(self) -> HttpMethod {
        match self {
            Self::Get => HttpMethod::Get,
            Self::Post => HttpMethod::Post,
            Self::Put => HttpMethod::Put,
            Self::Patch => HttpMethod::Patch,
            Self::Delete => HttpMethod::Delete,
        }
    }
}

/// Whom a route is for; the last is whom an error names.
pub(crate) const ADMIN: &[Role] = &[Role::Admin];
pub(crate) const STAFF: &[Role] = &[Role::Admin, Role::Agent];
pub(crate) const CUSTOMER: &[Role] = &[Role::Customer];

/// One route: a method of a portal.
pub(crate) struct Route {
    pub(crate) verb: Verb,
    pub(crate) root: Root,
    /// Behind the root.
    pub(crate) path: &'static str,
    /// The portal's method.
    pub(crate) name: &'static str,
    /// What it does: the first line is the summary.
    pub(crate) doc: &'static str,
    pub(crate) roles: &'static [Role],
    pub(crate) describe: fn(&mut Doc),
    pub(crate) handle: fn(Arc<Inner>) -> MethodRouter,
}

impl Route {
    pub(crate) fn whole_path(&self) -> String {
        format!("{}{}", self.root.path(), self.path)
    }
}

/// Every route of the desk.
pub(crate) fn all() -> Vec<Route> {
    let mut routes = crate::admin::staff();
    routes.extend(crate::admin::admins());
    routes.extend(crate::customer::customers());
    routes.extend(crate::events::streams());
    routes
}

/// Finds out who asks, does what they ask, within the limit of time, and writes down what goes wrong.
pub(crate) async fn serve<A>(
    inner: Arc<Inner>,
    roles: &'static [Role],
    request: Request,
    act: impl FnOnce(Call) -> A,
) -> Response
where
    A: Future<Output = Result<Response, Problem>>,
{
    let conditional = request.headers().contains_key(IF_MATCH);
    let only_reads = request.method().is_safe();
    let limit = inner.limits.time;
    let waits = Arc::new(AtomicBool::new(false));
    let answer = async { act(Call::begin(inner, roles, request, Arc::clone(&waits)).await?).await };
    let mut response = match tokio::time::timeout(limit, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(problem)) if conditional => problem.of_condition().into_response(),
        Ok(Err(problem)) => problem.into_response(),
        // It never came, so nothing was begun.
        Err(_) if waits.load(Ordering::Relaxed) => Problem::of(StatusCode::REQUEST_TIMEOUT).into_response(),
        Err(_) => Problem::too_late(only_reads).into_response(),
    };
    // It is one person's, by whatever says who they are.
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    headers.append(VARY, HeaderValue::from_static("authorization, cookie"));
    response
}

/// Routes of one portal: a line each,
/// `Verb "/path/{id}" path(id: Id) query(query: Query) body(given: Body) => method(arguments) -> Answer<Row>;`.
macro_rules! routes {
    (
        fn $function:ident in $root:ident for $roles:ident by $portal:ident;
        $(
            $(#[doc = $doc:literal])+
            $verb:ident $path:literal
            $(path($($part:ident: $part_type:ty),+))? $(query($query:ident: $query_type:ty))? $(body($body:ident: $body_type:ty))?
            => $method:ident($($given:expr),*) -> $answer:ty;
        )+
    ) => {
        pub(crate) fn $function() -> Vec<$crate::route::Route> {
            vec![$($crate::route::Route {
                verb: $crate::route::Verb::$verb,
                root: $crate::route::Root::$root,
                path: $path,
                name: stringify!($method),
                doc: concat!($($doc, "\n"),+),
                roles: $crate::route::$roles,
                describe: |doc| {
                    $($(doc.path::<$part_type>(stringify!($part));)+)?
                    $(doc.query::<$query_type>();)?
                    $(doc.body::<$body_type>();)?
                    <$answer as $crate::answer::Answer>::describe(doc);
                },
                handle: |inner| {
                    let handler = move |request: ::axum::extract::Request| {
                        let inner = ::std::sync::Arc::clone(&inner);
                        $crate::route::serve(inner, $crate::route::$roles, request, |call| async move {
                            let mut call = call;
                            $($(let $part: $part_type = call.path(stringify!($part))?;)+)?
                            $(let $query: $query_type = call.query()?;)?
                            $(let $body: $body_type = call.body().await?;)?
                            call.nothing_more().await?;
                            let (done, stamp) = $portal!(call, $method($($given),*));
                            let response = <$answer as $crate::answer::Answer>::respond(done?, &call)?;
                            Ok($crate::answer::stamped(response, stamp))
                        })
                    };
                    ::axum::routing::on($crate::route::Verb::$verb.filter(), handler)
                },
            }),+]
        }
    };
}

pub(crate) use routes;
