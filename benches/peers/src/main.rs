//! bsm on Postgres, side by side with the same work by hand: tokio-postgres, one plpgsql function, sqlx, Diesel, `SeaORM`.
//!
//! `docs/performance.md` says what is measured and how. This room reads the command line; `contest` takes the turns,
//! `measure` and `worker` measure one, `peers` are the contenders, `desk` makes and empties their desks, and `report`
//! prints.

mod bulk;
mod contest;
mod deed;
mod desk;
mod ground;
mod measure;
mod peer;
mod peers;
mod report;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::deed::Outcome;
use crate::measure::Length;
use crate::peer::{Contender, Task};

/// Measure bsm on Postgres beside the same work by hand.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Hidden>,
    /// The server: a superuser's URL. Schemas whose names begin with `bench_` are dropped and made.
    #[arg(long, env = "BSM_TEST_POSTGRES_URL", hide_env_values = true, default_value = "")]
    url: String,
    /// How many tickets and requests the desks have. Several sizes are measured one after another.
    #[arg(long, value_delimiter = ',', default_value = "10000")]
    rows: Vec<u64>,
    /// How many call at once in one process.
    #[arg(long, value_delimiter = ',', default_value = "1,32", num_args = 0..)]
    callers: Vec<usize>,
    /// How many processes of one caller each call at once.
    #[arg(long, value_delimiter = ',', default_value = "16", num_args = 0..)]
    processes: Vec<usize>,
    /// How long a turn lasts.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// How many calls a turn has at the most.
    #[arg(long)]
    operations: Option<u64>,
    /// How often everybody has a turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Who is measured.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Contender>,
    /// What is measured.
    #[arg(long, value_delimiter = ',')]
    tasks: Vec<Task>,
    /// How many connections a peer's pool may open in one process. (bsm has as many as it takes.)
    #[arg(long, default_value_t = 16)]
    connections: u32,
    /// Leave the peers' pools as they are by default: all but tokio-postgres' ask a connection whether it lives before they
    /// hand it out, which is one more round trip.
    #[arg(long)]
    checked: bool,
    /// Who counts when a peer writes: the peer itself, the triggers of the tables, or whichever is faster for it.
    #[arg(long, default_value = "auto")]
    counting: Choice,
    /// How many tickets and requests a desk has that is loaded, at the most.
    #[arg(long, default_value_t = 20_000)]
    load_rows: u64,
    /// Have bsm recount desks that were written to, before they are emptied, and desks that were loaded.
    #[arg(long)]
    verify: bool,
    /// Write everything that was measured to a file.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Hidden {
    /// One of the processes of one caller.
    #[command(hide = true)]
    Worker,
}

/// Who counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// Whichever is faster.
    Auto,
    /// The peer.
    Own,
    /// The triggers.
    Triggers,
}

impl Arguments {
    fn contenders(&self) -> Vec<Contender> {
        Contender::ALL.into_iter().filter(|one| self.only.is_empty() || self.only.contains(one)).collect()
    }

    fn tasks(&self) -> Vec<Task> {
        Task::ALL.into_iter().filter(|one| self.tasks.is_empty() || self.tasks.contains(one)).collect()
    }

    fn length(&self) -> Length {
        Length { seconds: self.seconds, operations: self.operations }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("bsm-peers: {error}");
            let mut source = error.source();
            while let Some(error) = source {
                eprint!(": {error}");
                source = error.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Outcome {
    if let Some(Hidden::Worker) = arguments.command {
        return worker::work().await;
    }
    if arguments.url.is_empty() {
        return deed::refused("which server? Run `cargo xtask postgres -- …`, or say --url");
    }
    let results = contest::all(&arguments).await?;
    print!("{}", report::markdown(&results));
    if let Some(path) = &arguments.json {
        std::fs::write(path, serde_json::to_string_pretty(&results)?)?;
    }
    Ok(())
}
