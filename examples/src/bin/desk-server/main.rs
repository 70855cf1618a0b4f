//! `desk-server`: a desk over HTTP, to try what `bsm-http` brings, and to read how an application nests it.
//!
//! Fills an empty desk with the demonstration, and prints addresses and tokens for a few people. The rooms: [`people`] finds out
//! whom to print tokens for, [`ending`] how to stop.

mod ending;
mod fault;
mod people;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bsm::demo::{self, DemoOptions};
use bsm::{Desk, Error};
use bsm_http::auth::{Jwt, Principal};
use clap::Parser;
use tokio::net::TcpListener;

use fault::Fault;
use people::Person;

/// How long the printed tokens last.
const LASTS: Duration = Duration::from_hours(12);

/// Serves a desk over HTTP; an empty one is filled with the demonstration first.
///
/// Prints where it listens, and for a few people a token to try. Stops at Ctrl-C or SIGTERM, after the requests under way. It is an
/// example: it has no TLS, and gives tokens to whoever reads what it prints.
#[derive(Debug, Parser)]
#[command(name = "desk-server", version)]
struct Arguments {
    /// The desk: memory:, sled:FOLDER, or postgres://…
    #[arg(long, value_name = "URL", default_value = "memory:")]
    store: String,
    /// Where to listen; port 0 takes any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8460")]
    listen: SocketAddr,
    /// A file with the secret that signs tokens, of 32 bytes or more. Without one, tokens end with the server.
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,
    /// Leaves an empty desk empty, save for an admin.
    #[arg(long)]
    bare: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match desk_server(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("desk-server: {}", fault.whole());
            ExitCode::from(fault.code())
        }
    }
}

async fn desk_server(arguments: &Arguments) -> Result<(), Fault> {
    let jwt = Jwt::hs256(&secret(arguments.secret.as_deref())?).map_err(Fault::Secret)?;
    let desk = bsm::open(&arguments.store).await?;
    let served = fill_and_serve(arguments, &desk, jwt).await;
    // A desk is closed in any case; what went wrong before that is the better story.
    let closed = desk.close().await.map_err(Fault::Desk);
    served.and(closed)
}

async fn fill_and_serve(arguments: &Arguments, desk: &Desk, jwt: Jwt) -> Result<(), Fault> {
    fill(desk, arguments.bare).await?;
    let unheard = |source| Fault::Listen { at: arguments.listen, source };
    let listener = TcpListener::bind(arguments.listen).await.map_err(unheard)?;
    let at = listener.local_addr().map_err(unheard)?;
    let people = people::to_try(desk).await?;
    introduce(at, &people, &jwt);
    // What an application does: its own routes, the desk's, and whatever layers it likes around both.
    let app = Router::new()
        .route("/", get("A service desk: see /api/openapi.json\n"))
        .merge(bsm_http::router(desk.clone(), jwt));
    ending::serve_until_told(listener, app, desk).await
}

/// The secret that signs tokens: the file's, or one of chance.
fn secret(file: Option<&Path>) -> Result<Vec<u8>, Fault> {
    if let Some(path) = file {
        return std::fs::read(path).map_err(|source| Fault::SecretFile { path: path.to_owned(), source });
    }
    let mut secret = vec![0; 32];
    getrandom::fill(&mut secret).map_err(Fault::Chance)?;
    Ok(secret)
}

async fn fill(desk: &Desk, bare: bool) -> Result<(), Fault> {
    let filled = if bare {
        desk.bootstrap(bsm::NewUser::new("Desk Admin", "admin@example.org", bsm::model::Role::Admin)).await.map(|_| ())
    } else {
        demo::populate(desk, &DemoOptions::default()).await.map(|_| ())
    };
    match filled {
        // It was filled before.
        Err(Error::AlreadyBootstrapped) => Ok(()),
        filled => Ok(filled?),
    }
}

/// Tells where the desk is, and how to try it. Nobody need read it: a server goes on without.
fn introduce(at: SocketAddr, people: &[Person], jwt: &Jwt) {
    let (mut tokens, mut commands) = (Vec::new(), Vec::new());
    for Person { id, role, name } in people {
        let Some(token) = jwt.issue(Principal::new(*id, *role), LASTS) else { continue };
        let variable = role.as_str().to_uppercase();
        tokens.push(format!("export {variable}={token} # {name}"));
        let command = |path| format!("curl -sS -H \"Authorization: Bearer ${variable}\" \"http://{at}{path}\"");
        commands.extend(people::paths(*role).iter().map(command));
    }
    let described = format!("A desk is at http://{at}, and described at http://{at}/api/openapi.json. To try it:");
    let mut out = std::io::stdout().lock();
    if let Err(error) =
        writeln!(out, "{described}\n\n{}\n\n{}\n", tokens.join("\n"), commands.join("\n")).and_then(|()| out.flush())
    {
        eprintln!("desk-server: nobody reads what it prints: {error}");
    }
}
