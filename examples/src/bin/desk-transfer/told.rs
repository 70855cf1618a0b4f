//! What the program tells, to a person or to another program.

use std::io::{self, Write};
use std::time::Duration;

use bsm::store::Verification;
use bsm::transfer::Progress;
use serde::Serialize;

use crate::fault::Fault;

/// A desk that was moved.
#[derive(Debug, Serialize)]
pub(crate) struct Moved {
    what: &'static str,
    rows: u64,
    history: u64,
    lines: u64,
    bytes: u64,
    /// The lines that an earlier import had taken in.
    resumed_after: u64,
    seconds: f64,
    rows_per_second: f64,
}

impl Moved {
    pub(crate) fn new(what: &'static str, progress: Progress, resumed_after: u64, took: Duration) -> Self {
        let Progress { rows, history, lines, bytes, .. } = progress;
        let seconds = took.max(Duration::from_micros(1)).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rows_per_second = rows as f64 / seconds;
        Self { what, rows, history, lines, bytes, resumed_after, seconds, rows_per_second }
    }

    /// # Errors
    /// [`Fault::Output`].
    pub(crate) fn print(&self, json: bool) -> Result<(), Fault> {
        let Self { what, rows, history, bytes, resumed_after, seconds, rows_per_second, .. } = self;
        let resumed = match resumed_after {
            0 => String::new(),
            lines => format!(", of which {lines} lines had been taken in before"),
        };
        let text = format!(
            "{what} {rows} rows and {history} entries of history, {bytes} bytes, in {seconds:.1} s ({rows_per_second:.0} rows/s){resumed}"
        );
        print(json, &text, self)
    }
}

/// A desk that was recounted.
#[derive(Debug, Serialize)]
pub(crate) struct Verified {
    rows: u64,
    history: u64,
    counters: u64,
    events: u64,
    /// What does not hold together.
    differences: Vec<String>,
    /// How many differences more there are.
    more: u64,
    seconds: f64,
}

impl Verified {
    pub(crate) fn new(found: &Verification, took: Duration) -> Self {
        Self {
            rows: found.rows,
            history: found.history,
            counters: found.counters,
            events: found.events,
            differences: found.differences.iter().map(ToString::to_string).collect(),
            more: found.more,
            seconds: took.as_secs_f64(),
        }
    }

    /// # Errors
    /// [`Fault::Output`].
    pub(crate) fn print(&self, json: bool) -> Result<(), Fault> {
        let Self { rows, history, counters, events, differences, more, seconds } = self;
        let mut lines = vec![format!(
            "recounted {rows} rows, {history} entries of history, {counters} counters and {events} events in {seconds:.1} s"
        )];
        lines.extend(differences.iter().map(|difference| format!("  {difference}")));
        if *more > 0 {
            lines.push(format!("  and {more} more"));
        }
        print(json, &lines.join("\n"), self)
    }
}

fn print(json: bool, text: &str, whole: &impl Serialize) -> Result<(), Fault> {
    let mut out = io::stdout().lock();
    let written = if json {
        serde_json::to_writer(&mut out, whole).map_err(io::Error::from).and_then(|()| writeln!(out))
    } else {
        writeln!(out, "{text}")
    };
    written.and_then(|()| out.flush()).map_err(Fault::Output)
}
