//! What happens, as server-sent events.
//!
//! Each event has the feed's position as its id, so a browser's `EventSource` that lost its connection goes on behind the last
//! that it got, by `Last-Event-ID`. While nothing happens an id alone is sent now and then: a sign of life, which also carries a
//! filtered stream over what it was not told.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::response::sse::{Event as Message, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use bsm_core::Error;
use bsm_core::feed::{Event, OwnEvent, Position, Told, Watch};
use futures_core::Stream;
use serde::Serialize;

use crate::Problem;
use crate::call::{Call, Staff};
use crate::header::{self, LAST_EVENT_ID};
use crate::query::FeedQuery;
use crate::route::{CUSTOMER, Inner, Root, Route, STAFF, Verb, serve};

/// The two streams.
pub(crate) fn streams() -> Vec<Route> {
    vec![
        Route {
            verb: Verb::Get,
            root: Root::Admin,
            path: "/events",
            name: "watch",
            doc: "What happens on the desk, as server-sent events.\n\nEach has the position as its id; a later request goes on behind \
                  it by `Last-Event-ID`. Ends with an event of type `problem` once the caller may not see more.\n",
            roles: STAFF,
            describe: |doc| doc.stream::<FeedQuery, Event>(),
            handle: |inner| on(MethodFilter::GET, move |request| staff(Arc::clone(&inner), request)),
        },
        Route {
            verb: Verb::Get,
            root: Root::Customer,
            path: "/events",
            name: "watch",
            doc: "What happens to what is the customer's, as server-sent events.\n\nEach has the position as its id; a later request \
                  goes on behind it by `Last-Event-ID`. Ends with an event of type `problem` once the caller may not see more.\n",
            roles: CUSTOMER,
            describe: |doc| doc.stream::<FeedQuery, OwnEvent>(),
            handle: |inner| on(MethodFilter::GET, move |request| customer(Arc::clone(&inner), request)),
        },
    ]
}

async fn staff(inner: Arc<Inner>, request: Request) -> Response {
    serve(inner, STAFF, request, |call| async move {
        let query = call.query::<FeedQuery>()?.resumed(header::single(call.headers(), &LAST_EVENT_ID)?);
        let watch = match call.staff()? {
            Staff::Admin(portal) => portal.watch(query).await?,
            Staff::Agent(portal) => portal.watch(query).await?,
        };
        Ok(streamed(watch, &call))
    })
    .await
}

async fn customer(inner: Arc<Inner>, request: Request) -> Response {
    serve(inner, CUSTOMER, request, |call| async move {
        let query = call.query::<FeedQuery>()?.resumed(header::single(call.headers(), &LAST_EVENT_ID)?);
        let watch = call.customer()?.watch(query).await?;
        Ok(streamed(watch, &call))
    })
    .await
}

fn streamed<E: Told + Serialize>(watch: Watch<E>, call: &Call) -> Response {
    // Where it begins comes first, so that a stream that breaks before its first event is resumed there.
    let begin = (sign_of_life(watch.position()), Some((watch, call.inner.limits.keep_alive)));
    let told = Telling { step: Some(Box::pin(std::future::ready(begin))) };
    let mut response = Sse::new(told).into_response();
    // A proxy that gathers answers before it passes them on would hold the events up.
    response.headers_mut().insert("x-accel-buffering", header::plain("no"));
    response
}

type Step<E> = Pin<Box<dyn Future<Output = (Message, Option<(Watch<E>, Duration)>)> + Send>>;

/// The messages of a watch, until it fails or nobody reads them.
struct Telling<E> {
    step: Option<Step<E>>,
}

async fn next<E: Told + Serialize>(mut watch: Watch<E>, every: Duration) -> (Message, Option<(Watch<E>, Duration)>) {
    match tokio::time::timeout(every, watch.next()).await {
        // Nothing was lost: the next call goes on where this one would have.
        Err(_) => (sign_of_life(watch.position()), Some((watch, every))),
        Ok(told) => match told.map_err(Problem::from).and_then(|event| message(&event)) {
            Ok(message) => (message, Some((watch, every))),
            Err(problem) => (farewell(&problem), None),
        },
    }
}

fn sign_of_life(position: &Position) -> Message {
    Message::default().id(position.as_str())
}

fn message<E: Told + Serialize>(event: &E) -> Result<Message, Problem> {
    let unwritable = |source: serde_json::Error| Error::Unavailable {
        store: "the writer of events".to_owned(),
        source: source.into(),
    };
    Ok(sign_of_life(event.position()).data(serde_json::to_string(event).map_err(unwritable)?))
}

fn farewell(problem: &Problem) -> Message {
    // A problem is plain data, and writing it can't fail.
    Message::default().event("problem").data(serde_json::to_string(problem).unwrap_or_default())
}

impl<E: Told + Serialize> Stream for Telling<E> {
    type Item = Result<Message, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(running) = self.step.as_mut() else { return Poll::Ready(None) };
        let Poll::Ready((message, rest)) = running.as_mut().poll(context) else { return Poll::Pending };
        self.step = rest.map(|(watch, every)| Box::pin(next(watch, every)) as Step<E>);
        Poll::Ready(Some(Ok(message)))
    }
}
