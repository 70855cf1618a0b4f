//! What the program has to tell, whole; and how it is told to another program. Every number in it was read from the desk.

use std::io::{self, Write};

use serde::Serialize;

use crate::fault::Fault;
use crate::flow::Step;
use crate::survey::{Counts, Survey, number};

/// Everything that is told. As JSON it names no store, so that the same seed is told alike for all of them.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The seed that was asked for.
    pub(crate) seed: Option<u64>,
    /// How many there were of everything before the flow.
    pub(crate) counts: Counts,
    /// The mean of all ratings before the flow.
    pub(crate) mean_rating: Option<f64>,
    /// What stood on the desk before the flow.
    pub(crate) desk: Survey,
    /// The six steps, unless they were left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) flow: Option<Vec<Step>>,
    /// How many there are of everything after the flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) counts_after: Option<Counts>,
}

impl Report {
    pub(crate) fn new(seed: Option<u64>, desk: Survey, flow: Option<Vec<Step>>, counts_after: Option<Counts>) -> Self {
        let mean_rating = desk.summary.ratings.mean().as_ref().and_then(number);
        Self { seed, counts: desk.counts, mean_rating, desk, flow, counts_after }
    }

    /// Writes the report as one JSON object.
    ///
    /// # Errors
    /// [`Fault::Json`], [`Fault::Output`].
    pub(crate) fn print_json(&self) -> Result<(), Fault> {
        let mut text = serde_json::to_string_pretty(self).map_err(Fault::Json)?;
        text.push('\n');
        print(&text)
    }
}

/// Writes a text to standard output.
pub(crate) fn print(text: &str) -> Result<(), Fault> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Fault::Output)
}
