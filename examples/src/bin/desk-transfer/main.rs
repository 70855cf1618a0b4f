//! `desk-transfer`: writes a whole desk to a file, takes one in, and recounts one.
//!
//! Run by a person who moves a desk, makes a backup, or wonders whether a desk is well; and by tests. It uses the desk's
//! public face only: everything is done by [`bsm::transfer`] and [`Desk::verify`].
//!
//! A file is written beside its place and moved there when it is whole and synced, so whatever stands there is whole.

mod fault;
mod told;

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use bsm::Desk;
use bsm::transfer::{Progress, export_to, import_from};
use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use fault::Fault;
use told::{Moved, Verified};

/// Writes a whole desk to a file, takes one in, and recounts one.
///
/// Ends with 0 if all went well; with 1 for a fault, named in one line; with 2 for bad usage, or a desk that is not
/// empty.
#[derive(Debug, Parser)]
#[command(name = "desk-transfer", version)]
struct Arguments {
    #[command(subcommand)]
    what: What,
    /// Prints one JSON object.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Writes a whole desk to a file. The desk can be worked on meanwhile. The file holds personal text.
    Export {
        /// The desk: sled:FOLDER, or postgres://…
        #[arg(long, value_name = "ADDRESS")]
        store: String,
        /// The file, replaced if it is there.
        file: PathBuf,
    },
    /// Takes a whole desk in, into an empty store. Stopped and run again, it goes on.
    Import {
        /// The desk: sled:FOLDER, or postgres://…
        #[arg(long, value_name = "ADDRESS")]
        store: String,
        /// The file.
        file: PathBuf,
    },
    /// Recounts everything on a desk, and tells what does not hold together.
    Verify {
        /// The desk: sled:FOLDER, or postgres://…
        #[arg(long, value_name = "ADDRESS")]
        store: String,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match desk_transfer(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) if fault.is_end_of_reader() => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("desk-transfer: {}", fault.whole());
            ExitCode::from(fault.code())
        }
    }
}

async fn desk_transfer(arguments: &Arguments) -> Result<(), Fault> {
    let (What::Export { store, .. } | What::Import { store, .. } | What::Verify { store }) = &arguments.what;
    let desk = bsm::open(store).await?;
    let done = match &arguments.what {
        What::Export { file, .. } => export(&desk, file, arguments.json).await,
        What::Import { file, .. } => import(&desk, file, arguments.json).await,
        What::Verify { .. } => verify(&desk, arguments.json).await,
    };
    // A desk is closed in any case; what went wrong before that is the better story.
    let closed = desk.close().await.map_err(Fault::Desk);
    done.and(closed)
}

async fn export(desk: &Desk, file: &Path, json: bool) -> Result<(), Fault> {
    let (begun, bar) = (Instant::now(), bar());
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let to = BufWriter::new(File::create(&unfinished).map_err(Fault::File)?);
    let written = export_to(desk, to, |progress| show(&bar, progress)).await;
    bar.finish_and_clear();
    let synced = match written {
        Ok((to, progress)) => to.get_ref().sync_all().map_err(Fault::File).map(|()| progress),
        Err(fault) => Err(fault.into()),
    };
    let moved = synced.and_then(|progress| {
        std::fs::rename(&unfinished, file).map_err(Fault::File)?;
        Ok(progress)
    });
    if moved.is_err() {
        // What is left of it is of no use to anybody, and holds personal text.
        let _ = std::fs::remove_file(&unfinished);
    }
    Moved::new("exported", moved?, 0, begun.elapsed()).print(json)
}

async fn import(desk: &Desk, file: &Path, json: bool) -> Result<(), Fault> {
    let (begun, bar) = (Instant::now(), bar());
    let from = BufReader::new(File::open(file).map_err(Fault::File)?);
    let taken = import_from(desk, from, |progress| show(&bar, progress)).await;
    bar.finish_and_clear();
    let taken = taken?;
    Moved::new("imported", taken.progress, taken.resumed_after, begun.elapsed()).print(json)
}

async fn verify(desk: &Desk, json: bool) -> Result<(), Fault> {
    let begun = Instant::now();
    let found = desk.verify().await?;
    Verified::new(&found, begun.elapsed()).print(json)?;
    let differences = u64::try_from(found.differences.len()).unwrap_or(u64::MAX).saturating_add(found.more);
    if found.is_clean() { Ok(()) } else { Err(Fault::Differs(differences)) }
}

/// Drawn on standard error, and only if that is a terminal.
fn bar() -> ProgressBar {
    const LOOK: &str = "{spinner} {human_pos} lines, {per_sec}, {msg}";
    // A look that can't be read would be a fault of the constant above; the plain one does as well.
    let style = ProgressStyle::with_template(LOOK).unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style)
}

fn show(bar: &ProgressBar, progress: &Progress) {
    bar.set_position(progress.lines);
    bar.set_message(format!("{} rows", progress.rows));
}
