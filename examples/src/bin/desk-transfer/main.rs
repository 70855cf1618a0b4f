//! `desk-transfer`: writes a whole desk to a file, takes one in, copies one from store to store, and recounts one.
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
use bsm::transfer::{Imported, Progress, export_to, import_from};
use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use fault::Fault;
use told::{Moved, Verified};

/// Writes a whole desk to a file, takes one in, copies one from store to store, and recounts one.
///
/// Ends with 0 if all went well; with 1 for a fault, named in one line; with 2 for bad usage, a desk that is to be filled and is
/// not empty, or one that is to be read and has nothing on it.
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
    /// Copies a whole desk into another store, which must be empty. It can be worked on meanwhile, and stays.
    Copy {
        /// The desk: sled:FOLDER, or postgres://…
        #[arg(long, value_name = "ADDRESS")]
        store: String,
        /// The other store.
        #[arg(long, value_name = "ADDRESS")]
        to: String,
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
    let (What::Export { store, .. } | What::Import { store, .. } | What::Copy { store, .. } | What::Verify { store }) =
        &arguments.what;
    let desk = bsm::open(store).await?;
    let done = match &arguments.what {
        What::Export { file, .. } => export(&desk, file, arguments.json).await,
        What::Import { file, .. } => import(&desk, file, arguments.json).await,
        What::Copy { to, .. } => copy(&desk, to, arguments.json).await,
        What::Verify { .. } => verify(&desk, arguments.json).await,
    };
    // A desk is closed in any case; what went wrong before that is the better story.
    let closed = desk.close().await.map_err(Fault::Desk);
    done.and(closed)
}

async fn export(desk: &Desk, file: &Path, json: bool) -> Result<(), Fault> {
    let (begun, bar) = (Instant::now(), bar(None));
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
        something(&progress)?;
        std::fs::rename(&unfinished, file).map_err(Fault::File)?;
        Ok(progress)
    });
    if moved.is_err() {
        // What is left of it is of no use to anybody, and holds personal text.
        let _ = std::fs::remove_file(&unfinished);
    }
    Moved::new("exported", moved?, 0, begun.elapsed()).print(json)
}

/// A backup of nothing would be found out too late.
const fn something(progress: &Progress) -> Result<(), Fault> {
    if progress.rows == 0 && progress.history == 0 { Err(Fault::Nothing) } else { Ok(()) }
}

async fn import(desk: &Desk, file: &Path, json: bool) -> Result<(), Fault> {
    let from = File::open(file).map_err(Fault::File)?;
    let (begun, bar) = (Instant::now(), bar(from.metadata().ok().map(|about| about.len())));
    let from = BufReader::new(from);
    let taken = import_from(desk, from, |progress| show(&bar, progress)).await;
    bar.finish_and_clear();
    let taken = taken?;
    Moved::new("imported", taken.progress, taken.resumed_after, begun.elapsed()).print(json)
}

async fn copy(desk: &Desk, to: &str, json: bool) -> Result<(), Fault> {
    let other = bsm::open(to).await?;
    let (begun, bar) = (Instant::now(), bar(None));
    let copied = copy_into(desk, &other, |progress| show(&bar, progress)).await;
    bar.finish_and_clear();
    let closed = other.close().await;
    let taken = copied?;
    closed?;
    something(&taken.progress)?;
    Moved::new("copied", taken.progress, taken.resumed_after, begun.elapsed()).print(json)
}

/// Hands each page of the export to the import: nothing of the text is kept.
async fn copy_into(desk: &Desk, other: &Desk, progress: impl Fn(&Progress)) -> bsm::Result<Imported> {
    let (mut export, mut import) = (desk.export(), other.import().await?);
    while let Some(lines) = export.next().await? {
        import.write(lines.as_bytes()).await?;
        progress(import.progress());
    }
    import.finish().await
}

async fn verify(desk: &Desk, json: bool) -> Result<(), Fault> {
    let begun = Instant::now();
    let found = desk.verify().await?;
    if found.rows == 0 && found.history == 0 && found.is_clean() {
        return Err(Fault::Nothing);
    }
    Verified::new(&found, begun.elapsed()).print(json)?;
    let differences = u64::try_from(found.differences.len()).unwrap_or(u64::MAX).saturating_add(found.more);
    if found.is_clean() { Ok(()) } else { Err(Fault::Differs(differences)) }
}

/// Drawn on standard error, and only if that is a terminal: a bar where the number of bytes is known.
fn bar(bytes: Option<u64>) -> ProgressBar {
    let (bar, look) = match bytes {
        Some(bytes) => (ProgressBar::new(bytes), "{bar:40} {bytes} of {total_bytes}, {msg}, {eta} left"),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes}, {msg}"),
    };
    // A look that can't be read would be a fault of the constants above; the plain one does as well.
    bar.with_style(ProgressStyle::with_template(look).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn show(bar: &ProgressBar, progress: &Progress) {
    bar.set_position(progress.bytes);
    let passed = bar.elapsed().as_secs().max(1);
    let Progress { rows, history, .. } = *progress;
    bar.set_message(format!("{rows} rows and {history} entries of history, {} lines/s", progress.lines / passed));
}
