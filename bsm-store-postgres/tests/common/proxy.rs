//! A proxy before a server, which breaks connections where a test says: after a message, after a byte, or by silence.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// What the store says.
    ToServer,
    /// What the server answers.
    ToClient,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Messages,
    Bytes,
    /// What ends what is said of a statement: `Sync` or `Query`, and `ReadyForQuery`.
    Statements,
}

/// After how much a connection is broken: that much still goes through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) way: Way,
    pub(crate) unit: Unit,
    pub(crate) after: usize,
}

/// What happens at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The connection breaks; others can be made.
    Cut,
    /// It breaks, and no other can be made.
    CutAndRefuse,
    /// It stays, and nothing comes through any more.
    Silence,
}

#[derive(Default)]
struct State {
    target: Mutex<String>,
    armed: Mutex<Option<(Point, Fate)>>,
    counted: [[AtomicUsize; 3]; 2],
    fired: AtomicBool,
    refuses: AtomicBool,
    /// How many connections there are to the server.
    live: AtomicUsize,
    /// Broken connections notice.
    cut: Notify,
}

/// The proxy; it ends when it is dropped.
pub(crate) struct Proxy {
    state: Arc<State>,
    port: u16,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.state.cut.notify_waiters();
    }
}

impl Proxy {
    /// A proxy before the server of a URL.
    pub(crate) async fn before(url: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("is bound").port();
        let state = Arc::new(State::default());
        *state.target.lock().expect("nobody panicked") = target_of(url);
        let serving = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else { continue };
                if serving.refuses.load(Ordering::SeqCst) {
                    continue;
                }
                tokio::spawn(serve(client, Arc::clone(&serving)));
            }
        });
        Self { state, port, accepting }
    }

    /// The URL by which the server is reached through the proxy.
    pub(crate) fn url(&self, url: &str) -> String {
        let target = target_of(url);
        let sign = if url.contains('?') { '&' } else { '?' };
        format!("{}{sign}sslmode=disable", url.replacen(&target, &format!("127.0.0.1:{}", self.port), 1))
    }

    /// Where the proxy is, as in an address with several.
    pub(crate) fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Breaks the connection that comes to this point, counted from now on.
    pub(crate) fn arm(&self, point: Point, fate: Fate) {
        self.reset();
        *self.state.armed.lock().unwrap_or_else(PoisonError::into_inner) = Some((point, fate));
    }

    /// Counts from now on, and breaks nothing.
    pub(crate) fn reset(&self) {
        *self.state.armed.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.state.fired.store(false, Ordering::SeqCst);
        self.state.refuses.store(false, Ordering::SeqCst);
        for counted in self.state.counted.iter().flatten() {
            counted.store(0, Ordering::SeqCst);
        }
    }

    /// How much went through.
    pub(crate) fn counted(&self, way: Way, unit: Unit) -> usize {
        self.state.counted[way as usize][unit as usize].load(Ordering::SeqCst)
    }

    /// Whether a connection came to the point.
    pub(crate) fn fired(&self) -> bool {
        self.state.fired.load(Ordering::SeqCst)
    }

    /// Lets nobody through, or everybody again.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.state.refuses.store(refuses, Ordering::SeqCst);
    }

    /// How many connections there are.
    pub(crate) fn live(&self) -> usize {
        self.state.live.load(Ordering::SeqCst)
    }

    /// Breaks all connections.
    pub(crate) fn cut_all(&self) {
        self.state.cut.notify_waiters();
    }
}

/// `host:port` of a URL.
fn target_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_owned()
}

async fn serve(client: TcpStream, state: Arc<State>) {
    let target = state.target.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let Ok(server) = TcpStream::connect(&target).await else { return };
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    let cut = state.cut.notified();
    state.live.fetch_add(1, Ordering::SeqCst);
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let silent = AtomicBool::new(false);
    tokio::select! {
        // Both halves of both are dropped by whoever ends first.
        () = pass(from_client, to_server, Way::ToServer, &state, &silent) => {}
        () = pass(from_server, to_client, Way::ToClient, &state, &silent) => {}
        () = cut => {}
    }
    state.live.fetch_sub(1, Ordering::SeqCst);
}

/// Passes on what comes, message by message, until it is broken.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Way, state: &State, silent: &AtomicBool) {
    let (mut waiting, mut chunk) = (Vec::new(), vec![0; 1 << 16]);
    let mut typed = way == Way::ToClient;
    loop {
        let Ok(read @ 1..) = from.read(&mut chunk).await else { return };
        waiting.extend_from_slice(&chunk[..read]);
        while let Some(length) = message(&waiting, typed) {
            typed = true;
            let message: Vec<u8> = waiting.drain(..length).collect();
            if silent.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            let ends = matches!((way, message[0]), (Way::ToServer, b'S' | b'Q') | (Way::ToClient, b'Z'));
            let (through, fate) = state.count(way, message.len(), ends);
            if to.write_all(&message[..through]).await.is_err() {
                return;
            }
            match fate {
                None => {}
                Some(Fate::Silence) => {
                    silent.store(true, Ordering::SeqCst);
                    std::future::pending::<()>().await;
                }
                Some(Fate::Cut | Fate::CutAndRefuse) => return,
            }
        }
    }
}

/// How long the first message is, once all of it is there. The very first has no type.
fn message(waiting: &[u8], typed: bool) -> Option<usize> {
    let at = usize::from(typed);
    let length = u32::from_be_bytes(waiting.get(at..at + 4)?.try_into().ok()?);
    let length = at + usize::try_from(length).ok()?;
    (waiting.len() >= length).then_some(length)
}

impl State {
    /// Counts a message. Returns how much of it goes through, and what happens then.
    fn count(&self, way: Way, bytes: usize, ends: bool) -> (usize, Option<Fate>) {
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = &self.counted[way as usize];
        let before = counted[Unit::Bytes as usize].fetch_add(bytes, Ordering::SeqCst);
        let messages = counted[Unit::Messages as usize].fetch_add(1, Ordering::SeqCst) + 1;
        let statements = counted[Unit::Statements as usize].fetch_add(usize::from(ends), Ordering::SeqCst);
        let Some((point, fate)) = *armed else { return (bytes, None) };
        let through = match point.unit {
            _ if point.way != way => return (bytes, None),
            // Message 0 is the one that does not go through.
            Unit::Messages if point.after < messages => 0,
            Unit::Statements if point.after <= statements => 0,
            Unit::Bytes if point.after < before + bytes => point.after.saturating_sub(before),
            _ => return (bytes, None),
        };
        *armed = None;
        self.fired.store(true, Ordering::SeqCst);
        if fate == Fate::CutAndRefuse {
            self.refuses.store(true, Ordering::SeqCst);
        }
        (through, Some(fate))
    }
}
