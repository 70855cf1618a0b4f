//! `PgBouncer` in transaction mode between a test and its server: whoever is next gets the server's connection, as soon as
//! the one before is not within a transaction.
//!
//! `cargo xtask` finds or fetches the program and names it by a variable; it runs as the user whom the tests' own servers run
//! as, and ends with its test, also if that is killed.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;

use super::Place;
use super::server::{Programs, free_port};

/// What the bouncer calls the database, which the server calls otherwise.
const ALIAS: &str = "desks";

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running `PgBouncer`.
pub(crate) struct Bouncer {
    process: Child,
    folder: PathBuf,
    port: u16,
}

impl Bouncer {
    /// One before the tests' server, with so many connections to it. No setting of it is there for our sake.
    pub(crate) fn start(connections: u32) -> Self {
        let program = std::env::var("BSM_TEST_PGBOUNCER").unwrap_or_else(|_| {
            panic!(
                "this test needs PgBouncer, and BSM_TEST_PGBOUNCER does not name the program; `cargo xtask test` does, \
                 and so does `cargo xtask postgres -- cargo nextest run -p bsm-store-postgres`"
            )
        });
        let server: PgConnectOptions = super::server().parse().expect("BSM_TEST_POSTGRES_URL is a URL");
        let database = server.get_database().expect("BSM_TEST_POSTGRES_URL names a database");
        let (account, password) = account();
        let (programs, port) = (Programs::find(), free_port());
        let folder = programs.folder();
        let written = |name: &str, content: String| {
            let path = folder.join(name);
            fs::write(&path, content).expect("is written");
            programs.give(&path);
            path
        };
        let users = written("users", format!("\"{account}\" \"{password}\"\n"));
        let settings = written(
            "settings",
            format!(
                "[databases]\n{ALIAS} = host={} port={} dbname={database}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
                 listen_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\n\
                 pool_mode = transaction\ndefault_pool_size = {connections}\n",
                server.get_host(),
                server.get_port(),
                users.display(),
            ),
        );
        // As long as this test's thread lives.
        let mut command = programs.command(Path::new("setpriv"));
        command.args(["--pdeathsig", "TERM", &program]).arg(settings);
        let log = File::create(folder.join("log")).expect("a log");
        command.stdout(log.try_clone().expect("a log")).stderr(log);
        let mut bouncer = Self { process: command.spawn().expect("setpriv starts it"), folder, port };
        let since = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = bouncer.process.try_wait().expect("is asked");
            assert!(ended.is_none() && since.elapsed() < PATIENCE, "it did not start: {}", bouncer.log());
            sleep(Duration::from_millis(10));
        }
        bouncer
    }

    /// Where it listens.
    pub(crate) fn place(&self) -> (String, u16) {
        ("127.0.0.1".to_owned(), self.port)
    }

    /// The address of the desk in `place` as somebody would write it who does not know that this is a pooler.
    pub(crate) fn plain_url(&self, place: &Place) -> String {
        let (account, password) = account();
        format!("postgres://{account}:{password}@127.0.0.1:{0}/{ALIAS}?schema={1}", self.port, place.schema)
    }

    /// The address of the desk in `place`.
    pub(crate) fn url(&self, place: &Place) -> String {
        format!("{}&direct={}", self.plain_url(place), encoded(&super::server()))
    }

    /// How to connect to it past any store.
    pub(crate) fn options(&self) -> PgConnectOptions {
        let (account, password) = account();
        let options = PgConnectOptions::new().host("127.0.0.1").port(self.port).database(ALIAS);
        options.username(&account).password(&password).extra_float_digits(None)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(20).collect();
            eprintln!("the last that PgBouncer logged:\n  {}", tail.into_iter().rev().collect::<Vec<_>>().join("\n  "));
        }
        drop(Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status());
        drop(self.process.wait());
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// The account of the tests' server and its password, which need no quotes: both are ours.
fn account() -> (String, String) {
    let server = super::server();
    let account = server.split_once("://").and_then(|(_, rest)| rest.split_once('@'));
    let (name, password) = account.and_then(|(account, _)| account.split_once(':')).expect("has a password");
    (name.to_owned(), password.to_owned())
}

/// A text, percent-encoded.
pub(crate) fn encoded(text: &str) -> String {
    let mut all = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            all.push(char::from(byte));
        } else {
            let _ = write!(all, "%{byte:02X}");
        }
    }
    all
}
