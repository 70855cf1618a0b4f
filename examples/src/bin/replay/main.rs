//! `replay`: plays an incident log into a desk, one command a row, and checks what the desk made of it.
//!
//! Run by a person, or by tests. It uses the desk's public face only: whatever the log holds goes through the same
//! portals and rules as everything else. The rooms: [`log`] reads the file in the words of [`words`], [`people`] enters
//! who it names, [`apply`] sends a command for each row, [`outcome`] reads back what the desk says, [`check`] compares
//! that with the log, [`dump`], [`report`] and [`tables`] write it down.
//!
//! # How a row is taken
//! The first row of an incident opens a ticket, each later one is one change of it: by the person it names, at the time
//! it names, in the order of the file. A row says how the incident stood, so it is sent as it is, and the desk finds out
//! what changed; if that is nothing, the change is a touch. Columns for which a ticket has no field (location, symptom,
//! configuration item, knowledge, notification, problem, change, vendor, cause, who resolved it and with which code) and
//! those that the desk counts by itself (active, reassignments, reopenings, modifications) are not sent: a row that
//! changes only those is a touch as well. Caller, opener, opening time and channel are taken from the first row, since
//! a ticket keeps those; the report counts the rows that say otherwise. A `?` is an empty field, or nobody.
//!
//! # How it goes on
//! A ticket's history has one entry for each row that was applied, so the desk itself knows where to go on. Nothing is
//! kept beside it. Each row also carries an idempotency key and the version that it changes: rows can't be applied twice
//! or out of order, even if two programs replay the same log at once.

mod apply;
mod check;
mod dump;
mod fault;
mod log;
mod outcome;
mod people;
mod progress;
mod report;
mod tables;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use fault::Fault;
use log::Log;

/// Plays an incident log into a service desk, and checks what the desk made of it.
///
/// Stopped at any moment and run again, it goes on behind the last row that the desk has. Use a desk of its own: it
/// enters the people that the log names, and takes the numbers of incidents as the tickets' outer ids.
///
/// Ends with 0 if the log was played, mismatches or not; with 1 for a fault, named in one line; with 2 for bad usage.
#[derive(Debug, Parser)]
#[command(name = "replay", version)]
struct Arguments {
    /// The log, a CSV file with the columns of doi 10.24432/C57S4H; a small one that comes with the program if not given.
    file: Option<PathBuf>,
    /// The desk: memory:, sled:FOLDER, or postgres://…
    #[arg(long, value_name = "URL", default_value = "memory:")]
    store: String,
    /// Prints one JSON object instead of tables.
    #[arg(long)]
    json: bool,
    /// Writes a line of JSON for each incident, as the desk has it, in the order of the log.
    #[arg(long, value_name = "FILE")]
    dump: Option<PathBuf>,
    /// Stops after every N rows, until a line comes on standard input: to look at the desk half-way.
    #[arg(long, value_name = "N")]
    step: Option<std::num::NonZeroUsize>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match replay(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) if fault.is_end_of_reader() => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("replay: {}", fault.whole());
            ExitCode::FAILURE
        }
    }
}

async fn replay(arguments: &Arguments) -> Result<(), Fault> {
    let log = match &arguments.file {
        Some(path) => Log::open(path)?,
        None => Log::own()?,
    };
    let desk = bsm::open(&arguments.store).await.map_err(Fault::Desk)?;
    let outcome = play_and_check(arguments, &log, &desk).await;
    // A desk is closed in any case; what went wrong before that is the better story.
    let closed = desk.close().await.map_err(Fault::Desk);
    outcome.and(closed)
}

async fn play_and_check(arguments: &Arguments, log: &Log, desk: &bsm::Desk) -> Result<(), Fault> {
    let admin = people::import_admin(desk).await?;
    let mut people = people::People::new(admin.clone());
    let started = Instant::now();
    let mut progress = progress::Progress::new(log.rows(), arguments.step);
    let played = apply::play(log, desk, &mut people, &mut progress).await;
    progress.end();
    played?;
    let seconds = started.elapsed().as_secs_f64();

    let outcomes = outcome::read_all(log, &admin).await?;
    let verdict = check::check(log, &outcomes, &mut people).await?;
    if let Some(path) = &arguments.dump {
        dump::write(path, &outcomes)?;
    }
    let report = report::Report::new(log, &outcomes, verdict, progress.applied(), seconds);
    if arguments.json { report.print_json() } else { tables::print(&report, &admin).await }
}
