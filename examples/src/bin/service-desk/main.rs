//! `service-desk`: fills an empty desk with the demonstration, shows what stands on it, and walks one request from its
//! submission to its rating.
//!
//! Run by a person who wants to see what a desk is, and by tests. It uses the desk's public face only. The rooms:
//! [`survey`] reads everything back, [`flow`] walks the six steps and looks
//! through each portal after each, [`report`] and [`tables`] write it down.

mod fault;
mod flow;
mod report;
mod survey;
mod tables;

use std::process::ExitCode;
use std::sync::Arc;

use bsm::demo::{self, Demo, DemoOptions};
use bsm::{Desk, Error, Registry};
use clap::Parser;

use fault::Fault;
use report::Report;
use survey::Survey;

/// Fills an empty desk with a demonstration, shows it, and walks one request from its submission to its rating.
///
/// Ends with 0 if all went well; with 1 for a fault, named in one line; with 2 for bad usage, or a desk that is not
/// empty.
#[derive(Debug, Parser)]
#[command(name = "service-desk", version)]
struct Arguments {
    /// The desk: memory:, sled:FOLDER, or postgres://…
    #[arg(long, value_name = "URL", default_value = "memory:")]
    store: String,
    /// Prints one JSON object instead of tables.
    #[arg(long)]
    json: bool,
    /// Stops once the desk is filled.
    #[arg(long)]
    no_flow: bool,
    /// Draws the texts, and fixes clock and ids: the same seed gives the same desk, to the byte.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Deletes the desk that is there first. Only a folder that holds a desk and nothing else is emptied.
    #[arg(long)]
    fresh: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match service_desk(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) if fault.is_end_of_reader() => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("service-desk: {}", fault.whole());
            ExitCode::from(fault.code())
        }
    }
}

async fn service_desk(arguments: &Arguments) -> Result<(), Fault> {
    let registry = Registry::standard();
    if arguments.fresh {
        match registry.remove(&arguments.store).await {
            // Whether that matters shows when the desk is filled.
            Err(Error::Unsupported { .. }) => {}
            removed => removed?,
        }
    }
    let store = registry.open_store(&arguments.store).await?;
    let options = DemoOptions { seed: arguments.seed.unwrap_or_default() };
    // Without a seed, time and ids are the system's, as on any desk.
    let desk = if arguments.seed.is_some() { options.desk(Arc::clone(&store)) } else { Desk::new(store) };
    let shown = fill_and_show(arguments, &desk, &options).await;
    // A desk is closed in any case; what went wrong before that is the better story.
    let closed = desk.close().await.map_err(Fault::Desk);
    shown.and(closed)
}

async fn fill_and_show(arguments: &Arguments, desk: &Desk, options: &DemoOptions) -> Result<(), Fault> {
    let demo = fill(desk, options, arguments.fresh).await?;
    let before = Survey::of(&desk.admin(demo.admin)).await?;
    let flow = if arguments.no_flow { None } else { Some(flow::walk(desk, &demo).await?) };
    let after = match &flow {
        Some(_) => Some(Survey::of(&desk.admin(demo.admin)).await?.counts),
        None => None,
    };
    let report = Report::new(arguments.seed, before, flow, after);
    if arguments.json { report.print_json() } else { tables::print(&report) }
}

async fn fill(desk: &Desk, options: &DemoOptions, fresh: bool) -> Result<Demo, Fault> {
    match demo::populate(desk, options).await {
        // A desk has users from its first moment on, so this is how it says that it is not empty.
        Err(Error::AlreadyBootstrapped) if fresh => Err(Fault::CantClear),
        Err(Error::AlreadyBootstrapped) => Err(Fault::NotEmpty),
        filled => filled.map_err(Fault::Desk),
    }
}
