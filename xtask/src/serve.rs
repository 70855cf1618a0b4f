//! `cargo xtask postgres`: the server of the tests, for a person who runs single ones by hand.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus};
use std::{io, thread};

use crate::failure::{Failure, Result};
use crate::postgres::{self, Ready, URL_VARIABLE};
use crate::process::{Interrupts, POLL, Reach, run};
use crate::workspace::Workspace;

/// What a shell adds to the number of the signal that ended a program.
const EXIT_SIGNAL: i32 = 128;

/// Starts the server, with the settings in `set`, and runs `command` with its URL; without a command, prints the URL and
/// waits for Ctrl-C.
pub(crate) fn serve(set: &[String], command: &[OsString], interrupts: &Interrupts) -> Result<ExitCode> {
    let server = postgres::ready(&Workspace::load()?.target, set, interrupts)?;
    let Some((program, arguments)) = command.split_first() else {
        return until_interrupted(server, interrupts);
    };
    eprintln!("{}", server.describe());
    match server.pooler() {
        Ok(pooler) => eprintln!("{pooler}"),
        Err(why) => eprintln!("without PgBouncer: {why}"),
    }
    let mut command = Command::new(program);
    command.args(arguments).envs(server.variables());
    let reach = if io::stdin().is_terminal() { Reach::Terminal } else { Reach::Group };
    let status = run(&mut command, reach, interrupts);
    server.stop()?;
    Ok(exit_code(status?))
}

fn until_interrupted(server: Ready, interrupts: &Interrupts) -> Result<ExitCode> {
    if let Ready::Given(_) = server {
        return Err(Failure::Because(format!("{URL_VARIABLE} is set already: there is nothing to start")));
    }
    println!("# {}, until Ctrl-C", server.describe());
    for (name, value) in server.variables() {
        println!("export {name}={value}");
    }
    while interrupts.check().is_ok() {
        thread::sleep(POLL);
    }
    server.stop()?;
    println!("# stopped");
    Ok(ExitCode::SUCCESS)
}

/// The exit code that a shell would give for `status`.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| Some(EXIT_SIGNAL + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
