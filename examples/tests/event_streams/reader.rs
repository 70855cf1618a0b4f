//! A stream as a browser's `EventSource` reads it: what breaks is resumed behind the last id.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::load::Outcome;

/// What one stream told so far.
pub(crate) struct Reader {
    events: UnboundedReceiver<Value>,
    told: Vec<Value>,
    resumed: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Reader {
    /// Opens a stream, and returns once it has begun.
    pub(crate) async fn open(place: SocketAddr, token: &str, path: &str) -> Self {
        let (tell, mut events) = unbounded_channel();
        let (token, path, resumed) = (token.to_owned(), path.to_owned(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&resumed);
        let task = tokio::spawn(async move {
            let mut last = None;
            loop {
                // It breaks when the server is killed.
                let ended = read(place, &token, &path, &mut last, &tell).await;
                assert!(ended.is_err() || last.is_some(), "a stream ended before it began");
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        // The beginning has no data, and is told as nothing.
        assert_eq!(events.recv().await, Some(Value::Null));
        Self { events, told: Vec::new(), resumed, task }
    }

    /// Everything that was told, up to an event, for which it waits.
    pub(crate) async fn up_to(&mut self, last: &Value) -> Vec<Value> {
        while self.told.last() != Some(last) {
            let event = self.events.recv().await.expect("the stream goes on");
            if event != Value::Null {
                self.told.push(event);
            }
        }
        self.told.clone()
    }

    /// How often it was broken, and resumed.
    pub(crate) fn resumed(&self) -> usize {
        self.resumed.load(Ordering::Relaxed)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn connect(place: SocketAddr, token: &str, path: &str, behind: Option<&str>) -> Outcome<Incoming> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(TcpStream::connect(place).await?)).await?;
    tokio::spawn(connection);
    let mut request = Request::builder().uri(path).header("host", place.to_string());
    request = request.header("authorization", format!("Bearer {token}"));
    if let Some(behind) = behind {
        request = request.header("last-event-id", behind);
    }
    let response = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
    if response.status() == 200 { Ok(response.into_body()) } else { Err(response.status().to_string().into()) }
}

/// Reads until the stream breaks. What it tells for the first time of all is that it began.
async fn read(
    place: SocketAddr,
    token: &str,
    path: &str,
    last: &mut Option<String>,
    tell: &UnboundedSender<Value>,
) -> Outcome<()> {
    let mut body = connect(place, token, path, last.as_deref()).await?;
    let mut text = String::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        text.push_str(std::str::from_utf8(&data)?);
        while let Some(end) = text.find("\n\n") {
            let message: String = text.drain(..end + 2).collect();
            let value = |field: &str| message.lines().find_map(|line| line.strip_prefix(field).map(str::to_owned));
            if value("event: ").is_some() {
                return Err("the stream ended with a problem".into());
            }
            let begun = last.is_some();
            *last = value("id: ").or_else(|| last.take());
            match value("data: ") {
                Some(data) => tell.send(serde_json::from_str(&data)?)?,
                None if !begun => tell.send(Value::Null)?,
                None => {}
            }
        }
    }
    Ok(())
}
