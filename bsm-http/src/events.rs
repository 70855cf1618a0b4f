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
use bsm_core::model::Timestamp;
use futures_core::Stream;
use serde::Serialize;

use crate::Problem;
use crate::auth::AuthError;
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
    let begun = sign_of_life(watch.position());
    let following =
        Following { watch, every: call.inner.limits.keep_alive, until: call.principal.until, waited: false };
    // Where it begins comes first, so that a stream that breaks before its first event is resumed there.
    let told = Telling { step: Some(Box::pin(std::future::ready((begun, Some(following))))) };
    let mut response = Sse::new(told).into_response();
    // A proxy that gathers answers before it passes them on would hold the events up.
    response.headers_mut().insert("x-accel-buffering", header::plain("no"));
    response
}

/// Somebody who follows a feed.
struct Following<E> {
    watch: Watch<E>,
    /// After how long without an event there is a sign of life.
    every: Duration,
    /// Until when they are believed to be who they are.
    until: Option<Timestamp>,
    /// Whether the last message was such a sign.
    waited: bool,
}

type Step<E> = Pin<Box<dyn Future<Output = (Message, Option<Following<E>>)> + Send>>;

/// The messages of a watch, until it fails or nobody reads them.
struct Telling<E> {
    step: Option<Step<E>>,
}

impl<E: Told + Serialize> Following<E> {
    async fn next(mut self) -> (Message, Option<Self>) {
        let left = self.until.map(|until| until.micros() - Timestamp::now().micros());
        let left = left.map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0)));
        if left == Some(Duration::ZERO) {
            return (farewell(&AuthError::Refused.into()), None);
        }
        let wait = left.map_or(self.every, |left| left.min(self.every));
        let told = match self.at_once().await {
            Ok(None) => tokio::time::timeout(wait, self.watch.next()).await,
            Ok(Some(event)) => Ok(Ok(event)),
            Err(error) => Ok(Err(error)),
        };
        // Nothing is lost where the time ran out: the next call goes on where this one would have.
        self.waited = told.is_err();
        match told {
            Err(_) => (sign_of_life(self.watch.position()), Some(self)),
            Ok(told) => match told.map_err(Problem::from).and_then(|event| message(&event)) {
                Ok(message) => (message, Some(self)),
                Err(problem) => (farewell(&problem), None),
            },
        }
    }

    /// What is there already, if the last wait was given up: in the middle of a read, perhaps, which would be given up again and again on
    /// a store that takes longer for one.
    async fn at_once(&mut self) -> bsm_core::Result<Option<E>> {
        if self.waited { self.watch.try_next().await } else { Ok(None) }
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
        self.step = rest.map(|following| Box::pin(following.next()) as Step<E>);
        Poll::Ready(Some(Ok(message)))
    }
}
