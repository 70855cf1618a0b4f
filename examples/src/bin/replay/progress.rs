//! Shows how far the replay is, and lets a person stop it on the way. The player tells it each row; it touches the
//! terminal, and nothing else.

use std::io::{self, Write};
use std::num::NonZeroUsize;

use indicatif::{ProgressBar, ProgressStyle};

use crate::fault::Fault;

const LOOK: &str = "{bar:40} {human_pos} of {human_len} rows, {per_sec}, {eta} left";

/// How far the replay is.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Drawn on standard error, and only if that is a terminal.
    bar: ProgressBar,
    applied: usize,
    step: Option<NonZeroUsize>,
}

impl Progress {
    /// Nothing of `rows` is done. Stops after every `step` rows that are applied.
    pub(crate) fn new(rows: usize, step: Option<NonZeroUsize>) -> Self {
        // A look that can't be read would be a fault of the constant above; the plain bar does as well.
        let style = ProgressStyle::with_template(LOOK).unwrap_or_else(|_| ProgressStyle::default_bar());
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        Self { bar: ProgressBar::new(rows).with_style(style), applied: 0, step }
    }

    /// How many rows this run applied.
    pub(crate) const fn applied(&self) -> usize {
        self.applied
    }

    /// The desk had these rows before. They don't count into the rate.
    pub(crate) fn had(&self, rows: usize) {
        if rows > 0 {
            self.bar.inc(u64::try_from(rows).unwrap_or(u64::MAX));
            self.bar.reset_eta();
        }
    }

    /// One more row is applied. Waits for a line on standard input if a step is done.
    ///
    /// # Errors
    /// [`Fault::Terminal`].
    pub(crate) async fn row(&mut self) -> Result<(), Fault> {
        self.bar.inc(1);
        self.applied += 1;
        let Some(step) = self.step else { return Ok(()) };
        if !self.applied.is_multiple_of(step.get()) {
            return Ok(());
        }
        let applied = self.applied;
        let ask = || writeln!(io::stderr(), "{applied} rows applied; a line on standard input goes on");
        self.bar.suspend(ask).map_err(Fault::Terminal)?;
        let read = tokio::task::spawn_blocking(|| io::stdin().read_line(&mut String::new())).await;
        let bytes = read.map_err(io::Error::from).and_then(|read| read).map_err(Fault::Terminal)?;
        if bytes == 0 {
            // Nobody is there to go on step by step.
            self.step = None;
        }
        Ok(())
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
