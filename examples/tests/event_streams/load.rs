//! Commands at a given rate, each sent until it is answered.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// One request on a connection of its own: status and body.
pub(crate) async fn ask(
    place: SocketAddr,
    token: &str,
    method: &str,
    path: &str,
    body: Option<&Value>,
    key: Option<&str>,
) -> Outcome<(u16, Value)> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(TcpStream::connect(place).await?)).await?;
    let driven = tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header("host", place.to_string());
    request = request.header("authorization", format!("Bearer {token}")).header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    let response = sender.send_request(request.body(Full::new(Bytes::from(body)))?).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    drop(sender);
    driven.await??;
    Ok((status, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? }))
}

/// Who sends commands, and about what.
pub(crate) struct Load {
    place: SocketAddr,
    service: String,
    admin: String,
    customers: Vec<String>,
    sent: AtomicU64,
}

impl Load {
    pub(crate) fn new(place: SocketAddr, service: String, admin: String, customers: Vec<String>) -> Self {
        Self { place, service, admin, customers, sent: AtomicU64::new(0) }
    }

    /// Sends commands at a rate for a time; how many were done.
    pub(crate) async fn run(self: &Arc<Self>, per_second: u32, lasts: Duration) -> usize {
        let stories = per_second * u32::try_from(lasts.as_secs()).expect("seconds") / 3;
        let mut tick = interval(Duration::from_secs(3) / per_second);
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut under_way = JoinSet::new();
        for _ in 0..stories {
            tick.tick().await;
            let load = Arc::clone(self);
            under_way.spawn(async move { load.story().await });
        }
        under_way.join_all().await.into_iter().sum()
    }

    /// A customer asks for a service, an admin makes it a ticket and resolves that: three commands, of which each tells the customer.
    async fn story(&self) -> usize {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let customers = u64::try_from(self.customers.len()).expect("a number");
        let customer = &self.customers[usize::try_from(number % customers).expect("a number")];
        let request =
            self.done(customer, "/api/customer/requests", &json!({ "service": self.service }), number, 0).await;
        let path = format!("/api/admin/requests/{request}/ticket");
        let ticket = self.done(&self.admin, &path, &json!({}), number, 1).await;
        self.done(&self.admin, &format!("/api/admin/tickets/{ticket}/resolve"), &json!({}), number, 2).await;
        3
    }

    /// Sends a command until it is answered, with one key, so that it happens once.
    async fn done(&self, token: &str, path: &str, body: &Value, story: u64, step: u8) -> String {
        let key = format!("{story}-{step}");
        loop {
            match ask(self.place, token, "POST", path, Some(body), Some(&key)).await {
                Ok((200 | 201, body)) => return body["id"].as_str().expect("an id").to_owned(),
                Ok((status, body)) if status < 500 => panic!("{path}: {status} {body}"),
                // The server is away, or busy.
                Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}
