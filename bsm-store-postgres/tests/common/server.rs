//! A server of a test's own, for what nobody else's may suffer: it is restarted, filled up, promoted.
//!
//! Its programs are those of the server that `cargo xtask` starts, which says by variables where they are and as whom they
//! run. What `initdb` makes is made once and copied. A server ends with its test, also if that is killed.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sqlx::PgPool;

use super::heard;
use super::room::Room;

/// The password of every such server's only account. No test may find it in an error or a log.
pub(crate) const PASSWORD: &str = "hush-9f3c-hush";

/// How long a server may take to start, and to stop.
const PATIENCE: Duration = Duration::from_mins(1);

static MADE: AtomicU32 = AtomicU32::new(0);

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Connections are closed, then a last checkpoint.
    Fast,
    /// At once, as if it had crashed; it recovers when it starts.
    Immediate,
}

/// What the programs are, and as whom they run.
pub(crate) struct Programs {
    bin: PathBuf,
    account: Option<(u32, u32)>,
    place: PathBuf,
}

impl Programs {
    pub(crate) fn find() -> Self {
        let variable = |name: &str| {
            std::env::var(name).unwrap_or_else(|_| {
                panic!(
                    "this test starts servers of its own, and {name} does not say with which programs; \
                     `cargo xtask test` says it, and so does \
                     `cargo xtask postgres -- cargo nextest run -p bsm-store-postgres`"
                )
            })
        };
        let account = variable("BSM_TEST_POSTGRES_ACCOUNT");
        let account = account.split_once(':').map(|(user, group)| {
            (user.parse().expect("BSM_TEST_POSTGRES_ACCOUNT is a user id"), group.parse().expect("and a group id"))
        });
        Self {
            bin: variable("BSM_TEST_POSTGRES_BIN").into(),
            account,
            place: variable("BSM_TEST_POSTGRES_PLACE").into(),
        }
    }

    /// A program, run as the account, heedless of the caller's own settings.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = self.command_by_caller(program);
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }

    /// The same, run by whoever runs the test.
    fn command_by_caller(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C").current_dir(&self.place).stdin(Stdio::null());
        command
    }

    /// A new folder that the account may use.
    pub(crate) fn folder(&self) -> PathBuf {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = self.place.join(format!("{}-{number}", std::process::id()));
        fs::create_dir(&folder).expect("a folder");
        self.give(&folder);
        folder
    }

    /// Gives a file or folder to the account.
    pub(crate) fn give(&self, path: &Path) {
        if let Some((user, group)) = self.account {
            chown(path, Some(user), Some(group)).expect("is given");
        }
    }

    /// What `initdb` makes, made by whoever is first.
    fn template(&self) -> PathBuf {
        let lock = File::create(self.place.join("template.lock")).expect("BSM_TEST_POSTGRES_PLACE can be written");
        lock.lock().expect("is locked");
        let template = self.place.join("template");
        if !template.exists() {
            let making = self.place.join("template.making");
            drop(fs::remove_dir_all(&making));
            let password = self.place.join("template.password");
            fs::write(&password, PASSWORD).expect("is written");
            self.give(&password);
            let mut initdb = self.command(&self.bin.join("initdb"));
            initdb.arg("--pgdata").arg(&making).arg("--pwfile").arg(&password);
            initdb.args(["--username=bsm", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]);
            run(initdb.args(["--wal-segsize=1", "--no-instructions"]));
            fs::rename(making, &template).expect("is moved");
        }
        template
    }
}

fn run(command: &mut Command) {
    let output = command.output().expect("is run");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A server of one test.
pub(crate) struct Server {
    programs: Programs,
    folder: PathBuf,
    process: Option<Child>,
    port: u16,
    settings: Vec<String>,
    room: Option<Room>,
}

impl Server {
    /// Makes one with these settings, and starts it.
    pub(crate) fn start(settings: &[&str]) -> Self {
        let mut server = Self::make(settings);
        server.go();
        server
    }

    /// Makes one, and does not start it.
    pub(crate) fn make(settings: &[&str]) -> Self {
        heard::listen();
        let programs = Programs::find();
        let template = programs.template();
        let folder = programs.folder();
        copy(&template, &folder.join("data"));
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        Self { programs, folder, process: None, port: free_port(), settings, room: None }
    }

    /// A standby of a server that was made and never ran, not started either.
    pub(crate) fn standby_of(primary: &Self, settings: &[&str]) -> Self {
        assert!(primary.process.is_none(), "a copy of a running server would need a backup");
        let standby = Self::make(settings);
        let data = standby.data();
        fs::remove_dir_all(&data).expect("is removed");
        copy(&primary.data(), &data);
        fs::write(data.join("standby.signal"), "").expect("is written");
        standby.with(&format!(
            "primary_conninfo=host=127.0.0.1 port={} user=bsm password={PASSWORD} application_name=standby",
            primary.port
        ))
    }

    /// With a small room of its own on disk, and a folder in it of that name that the server may write to.
    pub(crate) fn with_room(mut self, mebibytes: u32, folder: &str) -> Self {
        let room = Room::make(&self.folder.join("room"), mebibytes, self.programs.account);
        let path = room.path().join(folder);
        room.shell(&format!("mkdir -m 700 {0} && chown --reference={1} {0}", path.display(), room.path().display()));
        self.room = Some(room);
        self
    }

    /// With its log of writes in the room.
    pub(crate) fn with_log_in_room(self, mebibytes: u32) -> Self {
        let server = self.with_room(mebibytes, "wal");
        let (here, there) = (server.data().join("pg_wal"), server.room().path().join("wal"));
        server.room().shell(&format!(
            "cp -a {0}/. {1}/ && rm -r {0} && ln -s {1} {0}",
            here.display(),
            there.display()
        ));
        server
    }

    /// The room.
    pub(crate) fn room(&self) -> &Room {
        self.room.as_ref().expect("it has one")
    }

    /// With one more setting from its next start on.
    pub(crate) fn with(mut self, setting: &str) -> Self {
        self.settings.push(setting.to_owned());
        self
    }

    /// Where its data lies.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// `host:port`.
    pub(crate) fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its URL, with the password.
    pub(crate) fn url(&self) -> String {
        format!("postgres://bsm:{PASSWORD}@{}/postgres?sslmode=disable", self.place())
    }

    /// Starts it, and waits until it takes connections.
    pub(crate) fn go(&mut self) {
        assert!(self.process.is_none(), "it runs");
        // As long as this test's thread lives: nobody else's server may outlive its test.
        let mut command = match &self.room {
            None => self.programs.command(Path::new("setpriv")),
            Some(room) => {
                let within = room.within();
                let mut command = self.programs.command_by_caller(Path::new(&within[0]));
                command.args(&within[1..]).arg("setpriv");
                if let Some((user, group)) = self.programs.account {
                    command.args([&format!("--reuid={user}"), &format!("--regid={group}"), "--clear-groups"]);
                }
                command
            }
        };
        command.args(["--pdeathsig", "QUIT"]).arg(self.programs.bin.join("postgres"));
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        command.args(["-c", "unix_socket_directories=", "-c", "shared_buffers=16MB"]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        let log = File::options().create(true).append(true).open(self.folder.join("log")).expect("a log");
        command.stdout(log.try_clone().expect("a log")).stderr(log).process_group(0);
        self.process = Some(command.spawn().expect("setpriv starts it"));
        let since = Instant::now();
        loop {
            let status = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
            let said = status.lines().nth(7).unwrap_or_default().trim().to_owned();
            if said == "ready" || said == "standby" {
                return;
            }
            let ended = self.process.as_mut().expect("was started").try_wait().expect("is asked");
            assert!(ended.is_none() && since.elapsed() < PATIENCE, "it did not start: {}", self.log());
            sleep(Duration::from_millis(10));
        }
    }

    /// Whether it ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_none_or(|process| process.try_wait().expect("is asked").is_some())
    }

    /// Stops it, and waits until it is gone.
    pub(crate) fn stop(&mut self, how: Stop) {
        let Some(mut process) = self.process.take() else { return };
        let signal = if how == Stop::Fast { "INT" } else { "QUIT" };
        let since = Instant::now();
        drop(Command::new("kill").args([&format!("-{signal}"), &process.id().to_string()]).status());
        while process.try_wait().expect("is asked").is_none() {
            assert!(since.elapsed() < PATIENCE, "it does not stop: {}", self.log());
            sleep(Duration::from_millis(5));
        }
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(30).collect();
            eprintln!("the last that the server at {} logged:", self.place());
            for line in tail.iter().rev() {
                eprintln!("  {line}");
            }
        }
        if let Some(mut process) = self.process.take() {
            drop(Command::new("kill").args(["-QUIT", &process.id().to_string()]).status());
            drop(process.wait());
        }
        self.room = None;
        drop(fs::remove_dir_all(&self.folder));
        if !std::thread::panicking() {
            heard::assert_never(PASSWORD);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    // With owners and modes, and sharing the blocks where the file system can.
    run(Command::new("cp").args(["-a", "--reflink=auto"]).arg(from).arg(to));
    let mode = fs::metadata(to).expect("is there").permissions().mode();
    assert_eq!(mode & 0o77, 0, "the server would refuse a folder that others may enter");
}

/// Waits until a standby shows everything that its primary did.
pub(crate) async fn caught_up(primary: &PgPool, standby: &PgPool) {
    let stands = sqlx::query_scalar("SELECT pg_current_wal_insert_lsn()::text");
    let stands: String = stands.fetch_one(primary).await.expect("tells");
    let has = "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn";
    while !sqlx::query_scalar::<_, bool>(has).bind(&stands).fetch_one(standby).await.expect("tells") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A port that nobody listens on at the moment.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("is bound").port()
}
