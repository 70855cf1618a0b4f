//! How often a store goes to the server and back, counted on the wire.
//!
//! A [`Wire`] stands between a store and the server. It passes on what both say as it comes, and reads what the store says,
//! message by message: whatever makes the server answer "ready for query" is a way there and back, by the protocol (`Sync`,
//! and a simple query). What was counted is counted before the server hears of it, so whoever has an answer finds it counted.

use std::net::Ipv4Addr;
use std::ops::Sub;
use std::sync::{Arc, Mutex};

use bsm_store_postgres::PostgresStore;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::{Place, server};

/// What was said to the server, after the start-up of each connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Ways there and back on which something was done: a statement with parameters, or a simple query (`BEGIN`, `COMMIT`,
    /// and several statements in one text, each are one).
    pub(crate) trips: usize,
    /// Ways on which a statement was only prepared: once for each statement and connection.
    pub(crate) prepared: usize,
    /// Ways on which nothing was said. sqlx asks so whether a connection lives: as a task when it is given back, and before
    /// it is given out where `test_before_acquire` is on.
    pub(crate) pings: usize,
    /// Connections that were begun.
    pub(crate) connections: usize,
}

impl Sub for Said {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            trips: self.trips - before.trips,
            prepared: self.prepared - before.prepared,
            pings: self.pings - before.pings,
            connections: self.connections - before.connections,
        }
    }
}

/// A way to the tests' server on which is counted. Dropping it breaks the connections through it.
pub(crate) struct Wire {
    port: u16,
    said: Arc<Mutex<Said>>,
    listening: JoinHandle<()>,
}

impl Wire {
    /// Opens one on the test's runtime.
    pub(crate) async fn open() -> Self {
        let server: PgConnectOptions = server().parse().expect("BSM_TEST_POSTGRES_URL is a URL");
        Self::to(server.get_host().to_owned(), server.get_port()).await
    }

    /// Opens one to whoever listens there.
    pub(crate) async fn to(host: String, port: u16) -> Self {
        let there = (host, port);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let port = listener.local_addr().expect("is bound").port();
        let said = Arc::new(Mutex::new(Said::default()));
        let listening = tokio::spawn(listen(listener, there, Arc::clone(&said)));
        Self { port, said, listening }
    }

    /// The address of the desk in `place`, by this way.
    pub(crate) fn url(&self, place: &Place) -> String {
        self.on(&place.url())
    }

    /// An address by this way.
    pub(crate) fn on(&self, url: &str) -> String {
        // sqlx takes the last word; what is encrypted could not be read.
        format!("{url}&host=127.0.0.1&port={}&sslmode=disable", self.port)
    }

    /// Opens the desk in `place`, by this way.
    pub(crate) async fn store(&self, place: &Place) -> PostgresStore {
        PostgresStore::connect(&self.url(place)).await.expect("opens")
    }

    /// How to connect by this way, past any store.
    pub(crate) fn options(&self) -> PgConnectOptions {
        let options: PgConnectOptions = server().parse().expect("BSM_TEST_POSTGRES_URL is a URL");
        options.host("127.0.0.1").port(self.port).ssl_mode(sqlx::postgres::PgSslMode::Disable)
    }

    /// What was said up to now, on all connections.
    pub(crate) fn said(&self) -> Said {
        *self.said.lock().expect("nobody panics with it")
    }

    /// What was said while `call` was answered, and its answer. Nothing else may use the way meanwhile; but sqlx' pings of
    /// connections that were given back before may fall into it.
    pub(crate) async fn during<T>(&self, call: impl Future<Output = T>) -> (Said, T) {
        let before = self.said();
        let answer = call.await;
        (self.said() - before, answer)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, there: (String, u16), said: Arc<Mutex<Said>>) {
    // They go with the task.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(pass(client, there.clone(), Arc::clone(&said)));
        while connections.try_join_next().is_some() {}
    }
}

/// Passes one connection on until either end closes.
async fn pass(client: TcpStream, there: (String, u16), said: Arc<Mutex<Said>>) {
    let Ok(server) = TcpStream::connect(there).await else { return };
    // Small messages are not held back.
    let (Ok(()), Ok(())) = (client.set_nodelay(true), server.set_nodelay(true)) else { return };
    said.lock().expect("nobody panics with it").connections += 1;
    let mut reader = Reader::default();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = copy(from_client, to_server, |bytes| reader.read(bytes, &mut said.lock().expect("nobody panics with it"))) => {}
        () = copy(from_server, to_client, |_| {}) => {}
    }
}

async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut look: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        look(&buffer[..count]);
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

/// Reads what a client says, in whatever pieces it comes.
#[derive(Debug, Default)]
struct Reader {
    /// What is there of the head of the next message: its kind (the first message has none) and its length.
    head: Vec<u8>,
    /// How much of the body of the present one is still to come. Of no interest.
    body: usize,
    started: bool,
    /// What was said since the server was last asked for an answer.
    since: Since,
}

/// What a batch of messages holds, up to its `Sync`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Since {
    #[default]
    Nothing,
    /// A statement was prepared, or let go.
    Prepared,
    /// A statement was executed.
    Done,
}

impl Reader {
    fn read(&mut self, mut bytes: &[u8], said: &mut Said) {
        while !bytes.is_empty() {
            let skipped = self.body.min(bytes.len());
            self.body -= skipped;
            bytes = &bytes[skipped..];
            let size = if self.started { 5 } else { 4 };
            let missing = (size - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes[..missing]);
            bytes = &bytes[missing..];
            if self.head.len() == size {
                let length = self.head.split_off(size - 4).try_into().expect("are four bytes");
                // The length counts itself.
                self.body = usize::try_from(u32::from_be_bytes(length)).expect("fits") - 4;
                match self.head.pop() {
                    Some(kind) => self.message(kind, said),
                    None => self.started = true,
                }
            }
        }
    }

    fn message(&mut self, kind: u8, said: &mut Said) {
        match kind {
            b'Q' => said.trips += 1,
            b'S' => match std::mem::take(&mut self.since) {
                Since::Nothing => said.pings += 1,
                Since::Prepared => said.prepared += 1,
                Since::Done => said.trips += 1,
            },
            b'E' => self.since = Since::Done,
            b'P' | b'D' | b'B' | b'C' if self.since == Since::Nothing => self.since = Since::Prepared,
            // Passwords, and what belongs to COPY, which a simple query began.
            _ => {}
        }
    }
}

/// A connection's own messages, put together by hand and read in pieces of each size.
pub(crate) fn said_of(messages: &[(Option<u8>, &[u8])], piece: usize) -> Said {
    let mut bytes = Vec::new();
    for (kind, body) in messages {
        bytes.extend(kind);
        bytes.extend(u32::try_from(body.len() + 4).expect("fits").to_be_bytes());
        bytes.extend_from_slice(body);
    }
    let (mut reader, mut said) = (Reader::default(), Said::default());
    for piece in bytes.chunks(piece) {
        reader.read(piece, &mut said);
    }
    said
}
