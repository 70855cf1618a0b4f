//! Streams of events.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, Method, StatusCode};
use bsm::model::{Role, Timestamp};
use bsm::store::SlowStore;
use bsm::{Desk, OwnTicket};
use bsm_http::Limits;
use bsm_http::auth::Unchecked;
use serde_json::{Value, json};
use tokio_stream::StreamExt as _;
use tower::ServiceExt as _;

use crate::site::{Answer, Site, Who};

/// One message of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) data: Option<String>,
}

impl Message {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.data.as_deref().expect("data")).expect("JSON")
    }
}

/// A stream as a browser reads it.
pub(crate) struct Stream {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: BodyDataStream,
    read: String,
}

impl Stream {
    pub(crate) async fn open(site: &Site, who: Who, path: &str, behind: Option<&str>) -> Self {
        let mut request = site.request(who, &Method::GET, path);
        if let Some(behind) = behind {
            request = request.header("last-event-id", behind);
        }
        let request = request.body(Body::empty()).expect("a request");
        let response = site.router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let (parts, body) = response.into_parts();
        Self { status: parts.status, headers: parts.headers, body: body.into_data_stream(), read: String::new() }
    }

    /// The next message, signs of life included; `None` at the end.
    pub(crate) async fn message(&mut self) -> Option<Message> {
        loop {
            if let Some(end) = self.read.find("\n\n") {
                let message: String = self.read.drain(..end + 2).collect();
                let mut told = Message::default();
                for line in message.lines().filter(|line| !line.is_empty()) {
                    let (field, value) = line.split_once(": ").expect("a field");
                    let place = match field {
                        "id" => &mut told.id,
                        "event" => &mut told.kind,
                        "data" => &mut told.data,
                        other => panic!("{other}"),
                    };
                    *place = Some(value.to_owned());
                }
                return Some(told);
            }
            let more = self.body.next().await?.expect("a stream that goes on");
            self.read.push_str(std::str::from_utf8(&more).expect("UTF-8"));
        }
    }

    /// The next message that has something to tell.
    pub(crate) async fn next(&mut self) -> Message {
        loop {
            let message = self.message().await.expect("a stream that goes on");
            if message.data.is_some() {
                return message;
            }
        }
    }
}

/// How a stream begins, for a table that asks for answers: its first message, or the refusal.
pub(crate) async fn opened(site: &Site, who: Who, path: &str) -> Answer {
    let mut stream = Stream::open(site, who, path, None).await;
    let text = if stream.status == StatusCode::OK {
        format!("{:?}", stream.message().await)
    } else {
        let refusal = stream.body.next().await.expect("a body").expect("bytes");
        String::from_utf8(refusal.to_vec()).expect("UTF-8")
    };
    Answer { status: stream.status, headers: stream.headers, text }
}

#[tokio::test]
async fn a_stream_begins_with_a_place_to_resume_from_and_tells_each_event_with_its_own() {
    let site = Site::furnished().await;
    let mut stream = Stream::open(&site, Who::Ada, "/api/customer/events", None).await;
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    let begin = stream.message().await.expect("a beginning");
    assert_eq!((begin.data.as_ref(), begin.kind.as_ref()), (None, None));

    for title in ["One", "Two"] {
        site.post(Who::Ada, "/api/customer/tickets", &json!({ "title": title })).await;
        site.post(Who::Ben, "/api/customer/tickets", &json!({ "title": title })).await;
    }
    let (one, two) = (stream.next().await, stream.next().await);
    assert_eq!(one.json()["updates"][0]["by"], "you");
    assert_eq!(one.json()["position"].as_str(), one.id.as_deref());

    // Behind the first, and behind the beginning, everything that was missed comes.
    drop(stream);
    let mut resumed = Stream::open(&site, Who::Ada, "/api/customer/events", one.id.as_deref()).await;
    assert_eq!(resumed.next().await, two);
    let mut resumed = Stream::open(&site, Who::Ada, "/api/customer/events", begin.id.as_deref()).await;
    assert_eq!([resumed.next().await, resumed.next().await], [one.clone(), two]);
    // The header is newer than the address that a browser opens again.
    let path = format!("/api/customer/events?since=oldest&after={}", begin.id.expect("an id"));
    let mut resumed = Stream::open(&site, Who::Ada, &path, one.id.as_deref()).await;
    assert_ne!(resumed.next().await, one);
}

#[tokio::test]
async fn a_filtered_stream_is_carried_over_what_it_is_not_told() {
    let site = Site::furnished().await;
    let limits = Limits { keep_alive: Duration::from_millis(5), ..Limits::default() };
    let router = bsm_http::router_within(site.desk.clone(), Unchecked, limits);
    let site = Site { router, ..site };
    let mut stream = Stream::open(&site, Who::Agent, "/api/admin/events?entity=rating", None).await;
    let begin = stream.message().await.expect("a beginning").id;
    site.post(Who::Ada, "/api/customer/tickets", &json!({ "title": "Not a rating" })).await;
    loop {
        let sign = stream.message().await.expect("a sign of life");
        assert_eq!(sign.data, None);
        if sign.id != begin {
            break;
        }
    }
}

/// A store that takes longer for a read than the stream waits between signs of life.
#[tokio::test]
async fn a_slow_store_s_events_come_all_the_same() {
    let site = Site::furnished().await;
    let slow = SlowStore::slow(Arc::clone(site.desk.store()), |_| tokio::time::sleep(Duration::from_millis(60)));
    let limits = Limits { keep_alive: Duration::from_millis(10), ..Limits::default() };
    let router = bsm_http::router_within(Desk::new(Arc::new(slow)), Unchecked, limits);
    let site = Site { router, ..site };
    let mut stream = Stream::open(&site, Who::Ada, "/api/customer/events", None).await;
    let ada = site.desk.customer(site.user(Who::Ada));
    let made = ada.open_ticket(OwnTicket::new("Screen stays black")).await.expect("a ticket");
    assert_eq!(stream.next().await.json()["updates"][0]["key"]["id"], made.id.to_string());
}

#[tokio::test]
async fn a_stream_ends_when_its_reader_may_not_see_more() {
    let site = Site::furnished().await;
    let mut stream = Stream::open(&site, Who::Agent, "/api/admin/events", None).await;
    let admin = site.desk.admin(site.user(Who::Admin));
    admin.unassign_ticket(site.ids["held"].parse().expect("an id")).await.expect("unassigned");
    admin.change_role(site.user(Who::Agent), Role::Customer).await.expect("demoted");
    let mut last = stream.next().await;
    // What had been read ahead may still come.
    while last.kind.is_none() {
        last = stream.next().await;
    }
    assert_eq!((last.kind.as_deref(), &last.json()["error"]), (Some("problem"), &json!("NotAllowed")));
    assert_eq!(stream.message().await, None);
}

#[tokio::test]
async fn a_place_that_is_gone_or_foreign_is_refused_before_the_stream_begins() {
    let site = Site::furnished().await;
    let mut stream = Stream::open(&site, Who::Ada, "/api/customer/events?since=oldest", None).await;
    let first = stream.message().await.expect("a beginning").id.expect("a place");
    let foreign = opened(&site, Who::Ben, &format!("/api/customer/events?after={first}")).await;
    assert_eq!((foreign.status, foreign.error()), (StatusCode::BAD_REQUEST, "InvalidPosition".to_owned()));
    site.desk.trim(Timestamp::now().plus_micros(60_000_000)).await.expect("trimmed");
    let gone = opened(&site, Who::Ada, &format!("/api/customer/events?after={first}")).await;
    assert_eq!((gone.status, gone.error()), (StatusCode::GONE, "PositionExpired".to_owned()));
    let resume = gone.json()["resume"].as_str().expect("where to go on").to_owned();
    let again = opened(&site, Who::Ada, &format!("/api/customer/events?after={resume}")).await;
    assert_eq!(again.status, StatusCode::OK);
}
