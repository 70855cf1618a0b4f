//! What a request over HTTP costs: the desk's routes beside bare axum routes that return the same bytes.
//!
//! `cargo run --release -p bsm-bench --bin http [TICKETS]`, on a desk in memory with 10,000 if not said. A server on one thread, 64
//! connections that ask again as soon as they are answered on another, turn by turn in rounds; in each, the rate of the desk's route by
//! the rate of the bare one. Beside a desk in memory stands the same call without HTTP, in one thread.
//!
//! The bare route does no work: it looks nothing up, writes no JSON, and asks nobody who they are. The desk's checks a signed token, reads
//! the actor and the rows, and writes them.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::routing::get;
use bsm::model::Role;
use bsm::view::{Query, WorkListing};
use bsm::{Desk, NewTicket, NewUser};
use bsm_http::auth::{Jwt, Principal};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const CONNECTIONS: usize = 64;
const ROUNDS: usize = 9;
const TURN: Duration = Duration::from_millis(700);

fn main() -> Outcome {
    let tickets = std::env::args().nth(1).map_or(Ok(10_000), |count| count.parse())?;
    let servers = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let clients = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let site = servers.block_on(Site::open(tickets))?;
    for (what, path) in
        [("by id", format!("/api/admin/tickets/{}", site.ticket)), ("first page of 50", PAGE.to_owned())]
    {
        let desk = site.request(&path);
        let bytes = clients.block_on(async { Connection::open(site.place).await?.ask(&desk).await })?;
        let bare = servers.block_on(bare(bytes.clone()))?;
        let plain = format!("GET / HTTP/1.1\r\nhost: {bare}\r\n\r\n").into_bytes();
        compare(&clients, what, bytes.len(), (site.place, &desk), (bare, &plain))?;
    }
    servers.block_on(site.without_http())?;
    Ok(())
}

/// The page that is asked for.
const PAGE: &str = "/api/admin/unified";

/// A desk behind the router.
struct Site {
    desk: Desk,
    admin: bsm::Admin,
    ticket: bsm::model::TicketId,
    token: String,
    place: SocketAddr,
}

impl Site {
    async fn open(tickets: usize) -> Outcome<Self> {
        let desk = bsm::open("memory:").await?;
        let root = desk.bootstrap(NewUser::new("Admin", "admin@example.org", Role::Admin)).await?;
        let admin = desk.admin(root.id);
        let customer = admin.create_user(NewUser::new("Customer", "customer@example.org", Role::Customer)).await?;
        let mut last = None;
        for number in 0..tickets.max(1) {
            let new = NewTicket { requested_for: Some(customer.id), ..NewTicket::new(format!("Ticket {number}")) };
            last = Some(admin.open_ticket(new).await?.id);
        }
        let jwt = Jwt::hs256(b"thirty-two bytes or more of chance")?;
        let token = jwt.issue(Principal::new(root.id, Role::Admin), Duration::from_hours(1)).ok_or("signs")?;
        let place = serve(bsm_http::router(desk.clone(), jwt)).await?;
        Ok(Self { desk, admin, ticket: last.ok_or("a ticket")?, token, place })
    }

    fn request(&self, path: &str) -> Vec<u8> {
        let Self { place, token, .. } = self;
        format!("GET {path} HTTP/1.1\r\nhost: {place}\r\nauthorization: Bearer {token}\r\n\r\n").into_bytes()
    }

    /// The same calls from Rust, for what of a request is the desk's.
    async fn without_http(&self) -> Outcome {
        let page = Query::of(WorkListing::All);
        let begun = Instant::now();
        let calls = 20_000_u32;
        for _ in 0..calls {
            std::hint::black_box(self.admin.ticket(self.ticket).await?);
        }
        println!("by id from Rust: {:.1} µs", begun.elapsed().as_secs_f64() * 1e6 / f64::from(calls));
        let (begun, calls) = (Instant::now(), 2_000_u32);
        for _ in 0..calls {
            std::hint::black_box(self.admin.unified(&page).await?);
        }
        println!("first page of 50 from Rust: {:.1} µs", begun.elapsed().as_secs_f64() * 1e6 / f64::from(calls));
        let rows = self.admin.unified(&page).await?;
        let begun = Instant::now();
        for _ in 0..calls {
            std::hint::black_box(serde_json::to_vec(std::hint::black_box(&rows))?);
        }
        println!("the same written as JSON: {:.1} µs", begun.elapsed().as_secs_f64() * 1e6 / f64::from(calls));
        Ok(self.desk.close().await?)
    }
}

async fn serve(app: Router) -> Outcome<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let place = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(place)
}

/// A route that returns these bytes.
async fn bare(bytes: Bytes) -> Outcome<SocketAddr> {
    let answer = move || {
        let bytes = bytes.clone();
        async move { ([(CONTENT_TYPE, "application/json"), (ETAG, "\"1\"")], bytes) }
    };
    serve(Router::new().route("/", get(answer))).await
}

/// One connection, kept open.
struct Connection {
    stream: TcpStream,
    /// How long an answer is, head and body, once one came: they are all alike.
    length: usize,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(place: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(place).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, length: 0, buffer: vec![0; 256 << 10] })
    }

    /// The body of the answer.
    async fn ask(&mut self, request: &[u8]) -> Outcome<Bytes> {
        self.stream.write_all(request).await?;
        let (mut read, mut head) = (0, 0);
        loop {
            let more = self.stream.read(&mut self.buffer[read..]).await?;
            if more == 0 {
                return Err("the server closed the connection".into());
            }
            read += more;
            if head == 0 {
                let Some(end) = self.buffer[..read].windows(4).position(|four| four == b"\r\n\r\n") else { continue };
                head = end + 4;
                let text = std::str::from_utf8(&self.buffer[..head])?.to_ascii_lowercase();
                if !text.starts_with("http/1.1 200") {
                    return Err(text.into());
                }
                let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
                self.length = head + length.ok_or("a length")?.parse::<usize>()?;
            }
            if read >= self.length {
                return Ok(Bytes::copy_from_slice(&self.buffer[head..self.length]));
            }
        }
    }

    /// Asks until told to stop.
    async fn asks(mut self, request: Arc<[u8]>, done: Arc<AtomicU64>, stop: Arc<AtomicBool>) -> Outcome {
        while !stop.load(Ordering::Relaxed) {
            self.ask(&request).await?;
            done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Answers in a second.
async fn rate(place: SocketAddr, request: &[u8]) -> Outcome<f64> {
    let (done, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let request: Arc<[u8]> = request.into();
    let mut tasks = Vec::new();
    for _ in 0..CONNECTIONS {
        let connection = Connection::open(place).await?;
        tasks.push(tokio::spawn(connection.asks(Arc::clone(&request), Arc::clone(&done), Arc::clone(&stop))));
    }
    tokio::time::sleep(TURN / 4).await;
    let (begun, before) = (Instant::now(), done.load(Ordering::Relaxed));
    tokio::time::sleep(TURN).await;
    let answers = done.load(Ordering::Relaxed) - before;
    let took = begun.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await??;
    }
    Ok(f64::from(u32::try_from(answers)?) / took)
}

type Route<'a> = (SocketAddr, &'a [u8]);

fn compare(clients: &tokio::runtime::Runtime, what: &str, bytes: usize, desk: Route<'_>, bare: Route<'_>) -> Outcome {
    let (mut desks, mut bares, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Whoever begins changes from round to round.
        let turns = if round % 2 == 0 { [desk, bare] } else { [bare, desk] };
        let first = clients.block_on(rate(turns[0].0, turns[0].1))?;
        let second = clients.block_on(rate(turns[1].0, turns[1].1))?;
        let (of_desk, of_bare) = if round % 2 == 0 { (first, second) } else { (second, first) };
        desks.push(of_desk);
        bares.push(of_bare);
        ratios.push(of_desk / of_bare);
    }
    let [desks, bares, ratios] = [desks, bares, ratios].map(|mut figures| {
        figures.sort_by(f64::total_cmp);
        (figures[ROUNDS / 2], figures[0], figures[ROUNDS - 1])
    });
    println!(
        "{what} ({bytes} bytes, {CONNECTIONS} connections): {:.0}/s, bare axum {:.0}/s, ratio {:.2} ({:.2} to {:.2})",
        desks.0, bares.0, ratios.0, ratios.1, ratios.2
    );
    Ok(())
}
