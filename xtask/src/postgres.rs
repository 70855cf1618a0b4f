//! A real Postgres server for the tests: its own cluster, in its own temporary folder, on its own port.
//!
//! `test` and `serve` ask for one with [`ready`]. The submodules find the programs (`installation`, `wheel`, `pooler`), the
//! user to run them as (`account`) and the folder (`folder`); this file makes the cluster, starts it and stops it. It touches
//! nothing outside that folder but `xtask/` in the target directory.

mod account;
mod folder;
mod installation;
mod pooler;
mod wheel;

use std::env;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use crate::failure::{Failure, Result, While};
use crate::process::{Interrupts, POLL, pid, run_quietly, succeeds, tail};
use account::Account;
use folder::Folder;
use installation::Installation;
use pooler::Pooler;

/// The variable that names the server to test against: read here, set for every child.
pub(crate) const URL_VARIABLE: &str = "BSM_TEST_POSTGRES_URL";

/// The variables that let tests start servers of their own: the folder of the programs, the user and group to run them as
/// where that is not whoever runs the tests, and a folder in which that user may make others. Set only with a server of ours.
pub(crate) const OWN_VARIABLES: [&str; 3] =
    ["BSM_TEST_POSTGRES_BIN", "BSM_TEST_POSTGRES_ACCOUNT", "BSM_TEST_POSTGRES_PLACE"];

/// The variable that names `PgBouncer`'s program. Set only with a server of ours, and where it can be had.
pub(crate) const POOLER_VARIABLE: &str = "BSM_TEST_PGBOUNCER";

/// The superuser of a cluster of ours.
const ROLE: &str = "bsm";

/// The database that every new cluster has.
const DATABASE: &str = "postgres";

/// What the server is told. The rest is Postgres' own default, `fsync = on` among it: tests rely on what it promises.
const SETTINGS: [&str; 5] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=100",
    "shared_buffers=64MB",
    "fsync=on",
];

/// How often another free port is tried, should somebody take ours between the choice and the start.
const PORT_TRIES: usize = 5;

/// How long a server may take until it takes connections, and until it has stopped.
const PATIENCE: Duration = Duration::from_mins(1);

/// The server that tests talk to.
pub(crate) enum Ready {
    /// The one that [`URL_VARIABLE`] names: somebody else's, used as it is.
    Given(String),
    /// One of ours.
    Started(Box<Server>),
}

/// Makes a server ready: the one that [`URL_VARIABLE`] names, else a new one with the settings in `set`, each of the form
/// `name=value`.
pub(crate) fn ready(target: &Path, set: &[String], interrupts: &Interrupts) -> Result<Ready> {
    match env::var(URL_VARIABLE) {
        Ok(_) if !set.is_empty() => {
            Err(Failure::Because(format!("{URL_VARIABLE} names a server: its settings are not ours to set")))
        }
        Ok(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => Ok(Ready::Given(url)),
        // The value may hold a password: it is not repeated.
        Ok(_) => Err(Failure::Because(format!("{URL_VARIABLE} is set, but not to a postgres:// URL"))),
        Err(env::VarError::NotPresent) => {
            let installation = installation::find(&target.join("xtask"), interrupts)?;
            Server::start(&installation, set, &target.join("xtask"), interrupts)
                .map(|server| Ready::Started(Box::new(server)))
        }
        Err(error @ env::VarError::NotUnicode(_)) => Err(error).while_(|| URL_VARIABLE.to_owned()),
    }
}

impl Ready {
    /// The URL for [`URL_VARIABLE`]. It holds a password.
    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Given(url) => url,
            Self::Started(server) => &server.url,
        }
    }

    /// What tests need to find the server, and to start servers of their own if it is ours. The URL holds a password.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![(URL_VARIABLE, self.url().to_owned())];
        if let Self::Started(server) = self {
            variables.extend(OWN_VARIABLES.into_iter().zip(server.own.clone()));
            let program = server.pooler.as_ref().map(|pooler| pooler.program.display().to_string());
            variables.extend(program.ok().map(|program| (POOLER_VARIABLE, program)));
        }
        variables
    }

    /// What it is, without the password.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Given(_) => format!("the server that {URL_VARIABLE} names"),
            Self::Started(server) => server.description.clone(),
        }
    }

    /// The pooler to put before it, or why there is none.
    pub(crate) fn pooler(&self) -> std::result::Result<String, String> {
        match self {
            Self::Given(_) => Err(format!("{URL_VARIABLE} names somebody else's server")),
            Self::Started(server) => server.pooler.as_ref().map(ToString::to_string).map_err(Clone::clone),
        }
    }

    /// Where its log lies once it is stopped, if it is ours.
    pub(crate) fn kept_log(&self) -> Option<&Path> {
        match self {
            Self::Given(_) => None,
            Self::Started(server) => Some(&server.log_copy),
        }
    }

    /// Stops it if it is ours.
    pub(crate) fn stop(self) -> Result<()> {
        match self {
            Self::Given(_) => Ok(()),
            Self::Started(mut server) => server.stop(),
        }
    }
}

/// A running server of ours. Dropping it stops it and removes its folder.
pub(crate) struct Server {
    process: Child,
    url: String,
    description: String,
    /// The values of [`OWN_VARIABLES`].
    own: [String; 3],
    /// `PgBouncer`, or why there is none.
    pooler: std::result::Result<Pooler, String>,
    /// None once it is stopped.
    folder: Option<Folder>,
    /// Where the server's log goes when the folder is removed.
    log_copy: PathBuf,
}

impl Server {
    /// Makes a cluster and starts it. Costs about three seconds.
    fn start(installation: &Installation, set: &[String], cache: &Path, interrupts: &Interrupts) -> Result<Self> {
        let account = account::unprivileged()?;
        let account = account.as_ref();
        let folder = Folder::create(account)?;
        let bin = runnable(installation, account, &folder, interrupts)?;
        let pooler = match pooler::find(cache, account, &folder, interrupts) {
            Ok(pooler) => Ok(pooler),
            Err(Failure::Because(why)) => Err(why),
            Err(Failure::Interrupted) => return Err(Failure::Interrupted),
        };
        let password = password()?;
        initialise(&bin, account, &folder, &password, interrupts)?;
        let (process, port) = launch(&bin, account, &folder, set, interrupts)?;
        let own = [
            bin.display().to_string(),
            account.map_or(String::new(), |account| format!("{}:{}", account.uid, account.gid)),
            folder.others()?.display().to_string(),
        ];
        let user = account.map_or(String::new(), |account| format!(", as user {}", account.name));
        Ok(Self {
            process,
            url: format!("postgres://{ROLE}:{password}@127.0.0.1:{port}/{DATABASE}"),
            own,
            pooler,
            description: format!("{installation} on port {port}{user}"),
            folder: Some(folder),
            log_copy: cache.join("postgres.log"),
        })
    }

    /// Stops the server, keeps its log and removes its folder. Once it is stopped, does nothing.
    fn stop(&mut self) -> Result<()> {
        let Some(folder) = self.folder.take() else { return Ok(()) };
        halt(&mut self.process)?;
        keep_log(&folder.log(), &self.log_copy).while_(|| "cannot keep the log of Postgres".to_owned())?;
        folder.remove()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(failure) = self.stop() {
            eprintln!("cargo xtask: stopping Postgres {failure}");
        }
    }
}

/// Where to run the programs from: where they lie, or a copy in the folder if `account` cannot reach that place.
fn runnable(
    installation: &Installation,
    account: Option<&Account>,
    folder: &Folder,
    interrupts: &Interrupts,
) -> Result<PathBuf> {
    let Some(account) = account else { return Ok(installation.bin.clone()) };
    let can_run = |bin: &Path| {
        ["initdb", "postgres"]
            .iter()
            .all(|program| succeeds(postgres_command(&bin.join(program), Some(account), folder).arg("--version")))
    };
    if can_run(&installation.bin) {
        return Ok(installation.bin.clone());
    }
    let unreachable = || {
        let place = installation.bin.display();
        Failure::Because(format!("user {} cannot run the programs in {place} with files in {folder}", account.name))
    };
    let root = installation.movable.as_ref().ok_or_else(unreachable)?;
    let copy = folder.path().join("programs");
    run_quietly(Command::new("cp").arg("-R").arg(root).arg(&copy), interrupts)?;
    run_quietly(Command::new("chmod").args(["-R", "a+rX"]).arg(&copy), interrupts)?;
    let inside =
        installation.bin.strip_prefix(root).while_(|| "the programs lie outside of their package".to_owned())?;
    let bin = copy.join(inside);
    if can_run(&bin) { Ok(bin) } else { Err(unreachable()) }
}

/// Makes the cluster: one superuser, who needs the password from everywhere.
fn initialise(
    bin: &Path,
    account: Option<&Account>,
    folder: &Folder,
    password: &str,
    interrupts: &Interrupts,
) -> Result<()> {
    let file = folder.write_secret("password", password)?;
    let mut initdb = postgres_command(&bin.join("initdb"), account, folder);
    initdb.arg("--pgdata").arg(folder.data()).arg("--pwfile").arg(&file).args(["--username", ROLE]);
    // --no-sync: nothing is lost with the first files of a cluster; from its start on, the server syncs as ever.
    initdb.args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]);
    run_quietly(&mut initdb, interrupts)?;
    fs::remove_file(&file).while_(|| "cannot remove the password file".to_owned())
}

/// Starts the server on a free port and waits until it takes connections.
fn launch(
    bin: &Path,
    account: Option<&Account>,
    folder: &Folder,
    set: &[String],
    interrupts: &Interrupts,
) -> Result<(Child, u16)> {
    let log = folder.log();
    for _ in 0..PORT_TRIES {
        let port = free_port().while_(|| "there is no free port".to_owned())?;
        let mut process = spawn(bin, account, folder, set, port)?;
        let outcome = await_ready(&mut process, folder, interrupts);
        if let Ok(true) = outcome {
            return Ok((process, port));
        }
        halt(&mut process)?;
        outcome?;
        let said = read_log(&log)?;
        if !said.contains("could not bind") {
            return Err(Failure::Because(format!("Postgres did not start:\n{}", tail(&said))));
        }
    }
    Err(Failure::Because(format!("{PORT_TRIES} free ports in a row were taken before Postgres could have them")))
}

fn spawn(bin: &Path, account: Option<&Account>, folder: &Folder, set: &[String], port: u16) -> Result<Child> {
    let log = File::create(folder.log());
    let both = log.and_then(|out| Ok((out.try_clone()?, out)));
    let (out, err) = both.while_(|| "cannot make the log of Postgres".to_owned())?;
    let program = bin.join("postgres");
    let mut command = if succeeds(Command::new("setpriv").args(["--pdeathsig", "INT", "true"])) {
        // Even kill -9 of this program then stops the server.
        let mut command = postgres_command(Path::new("setpriv"), account, folder);
        command.args(["--pdeathsig", "INT"]).arg(&program);
        command
    } else {
        postgres_command(&program, account, folder)
    };
    command.arg("-D").arg(folder.data()).args(["-p", &port.to_string()]);
    // Of two values for one setting the server takes the last.
    for setting in SETTINGS.into_iter().chain(set.iter().map(String::as_str)) {
        command.args(["-c", setting]);
    }
    // A group of its own: Ctrl-C reaches us alone, and the server outlives the tests that it serves.
    // Its standard input is the folder's lock: no other run takes the folder for a dead one's while the server lives.
    command.process_group(0).stdin(folder.share_lock()?).stdout(out).stderr(err);
    command.spawn().while_(|| format!("cannot start {}", program.display()))
}

/// Waits until the server takes connections. False if it ended instead.
fn await_ready(process: &mut Child, folder: &Folder, interrupts: &Interrupts) -> Result<bool> {
    let since = Instant::now();
    let status_file = folder.data().join("postmaster.pid");
    while since.elapsed() < PATIENCE {
        interrupts.check()?;
        if process.try_wait().while_(|| "cannot wait for Postgres".to_owned())?.is_some() {
            return Ok(false);
        }
        match fs::read_to_string(&status_file) {
            Ok(status) if says_ready(&status) => return Ok(true),
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).while_(|| "postmaster.pid".to_owned());
            }
            _ => thread::sleep(POLL),
        }
    }
    Err(Failure::Because(format!("Postgres was not ready after {PATIENCE:?}")))
}

/// Whether `postmaster.pid` says that connections are taken: its eighth line, padded with blanks.
fn says_ready(status_file: &str) -> bool {
    status_file.lines().nth(7).is_some_and(|line| line.trim() == "ready")
}

/// Stops a server, the gentlest way that works, and waits for its end.
fn halt(process: &mut Child) -> Result<()> {
    // SIGINT: connections are closed, then a last checkpoint. SIGQUIT: at once. SIGKILL: in case that it hangs.
    for signal in [Signal::INT, Signal::QUIT, Signal::KILL] {
        let since = Instant::now();
        let mut told = false;
        while since.elapsed() < PATIENCE || !told {
            // Looked at first: the process id of a child that was waited for may be somebody else's.
            if process.try_wait().while_(|| "cannot wait for Postgres".to_owned())?.is_some() {
                return Ok(());
            }
            if !told {
                kill_process(pid(process), signal).while_(|| "cannot signal Postgres".to_owned())?;
                told = true;
            }
            thread::sleep(POLL);
        }
    }
    Err(Failure::Because("Postgres does not stop".to_owned()))
}

/// A program of Postgres, run as `account`, in the folder, heedless of the caller's own Postgres settings and language.
fn postgres_command(program: &Path, account: Option<&Account>, folder: &Folder) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command.env("LC_ALL", "C").current_dir(folder.path());
    if let Some(account) = account {
        // Root's supplementary groups go too: the standard library drops them where the user id is changed.
        command.uid(account.uid).gid(account.gid);
    }
    command
}

/// A password that nobody can guess, of letters and digits.
fn password() -> Result<String> {
    let mut bytes = [0_u8; 16];
    let read = File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut bytes));
    read.while_(|| "/dev/urandom".to_owned())?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// A port of the loopback address that nobody listens on at the moment.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn read_log(log: &Path) -> Result<String> {
    let bytes = fs::read(log).while_(|| "cannot read the log of Postgres".to_owned())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn keep_log(log: &Path, copy: &Path) -> std::io::Result<()> {
    if let Some(parent) = copy.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::copy(log, copy)?;
    Ok(())
}

#[cfg(test)]
mod tests;
