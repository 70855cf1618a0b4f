//! How the replay went, in figures, and as one JSON object. The only room that writes to standard output;
//! [`tables`](crate::tables) makes the text for a person from the same figures.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use bsm::model::{Priority, TicketStatus};
use serde::Serialize;

use crate::check::{Difference, Verdict};
use crate::fault::Fault;
use crate::log::Log;
use crate::outcome::Outcome;

/// The differences of a kind that are shown; the count tells of the rest.
const SHOWN: usize = 20;

/// How the replay went.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Incidents of the log.
    pub(crate) incidents: usize,
    /// Rows of the log.
    pub(crate) events: usize,
    /// Rows that this run applied; the desk had the others.
    pub(crate) applied: usize,
    /// The log's tickets, by the status that they have now.
    pub(crate) tickets: BTreeMap<TicketStatus, usize>,
    /// Reopenings in all.
    pub(crate) reopened: u64,
    /// Tickets that were reopened at least once.
    pub(crate) reopened_tickets: usize,
    /// Fields in which desk and log don't agree.
    pub(crate) mismatches: usize,
    /// The first of them.
    pub(crate) mismatched: Vec<Difference>,
    /// Closing times that the log has otherwise.
    pub(crate) closing_time_differences: usize,
    /// Counts of reassignments that the log has otherwise.
    pub(crate) reassignment_differences: usize,
    /// The first of both.
    pub(crate) differences: Vec<Difference>,
    /// Rows whose caller, opener, opening time or channel the ticket did not take, since it keeps the first.
    pub(crate) kept_as_opened: usize,
    /// Tickets whose priority does not follow from impact and urgency.
    pub(crate) priorities_by_hand: usize,
    /// Entries in the histories of the log's tickets.
    pub(crate) history_entries: u64,
    /// How long this run applied rows.
    pub(crate) seconds: f64,
    /// Rows that it applied in a second.
    pub(crate) rate: f64,
    /// From opening to the last move to Resolved, by priority, of the tickets that are resolved or closed.
    pub(crate) time_to_resolve: BTreeMap<Priority, Times>,
}

/// Figures of some spans of time, in seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Times {
    pub(crate) count: usize,
    pub(crate) median_seconds: f64,
    pub(crate) mean_seconds: f64,
    pub(crate) p90_seconds: f64,
}

impl Times {
    /// The figures of `spans`; `None` of nothing. The 90th percentile and the median are spans that occur (nearest rank).
    fn of(mut spans: Vec<i64>) -> Option<Self> {
        spans.sort_unstable();
        let rank = |percent: usize| (spans.len() * percent).div_ceil(100).saturating_sub(1);
        let sum: i64 = spans.iter().sum();
        Some(Self {
            count: spans.len(),
            median_seconds: float(*spans.get(rank(50))?),
            mean_seconds: float(sum) / float(count(spans.len())),
            p90_seconds: float(*spans.get(rank(90))?),
        })
    }
}

fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "seconds and counts stay far below 2^53")]
fn float(number: i64) -> f64 {
    number as f64
}

impl Report {
    /// Puts together what is known at the end.
    pub(crate) fn new(log: &Log, outcomes: &[Outcome], verdict: Verdict, applied: usize, seconds: f64) -> Self {
        let mut tickets = BTreeMap::new();
        let mut spans: BTreeMap<Priority, Vec<i64>> = BTreeMap::new();
        for outcome in outcomes {
            *tickets.entry(outcome.ticket.status).or_default() += 1;
            let of_priority = spans.entry(outcome.ticket.priority).or_default();
            of_priority.extend(outcome.seconds_to_resolve());
        }
        let Verdict { mismatches, closing_times, reassignments, kept_as_opened } = verdict;
        let (closing_time_differences, reassignment_differences) = (closing_times.len(), reassignments.len());
        let first = |differences: Vec<Difference>| differences.into_iter().take(SHOWN);
        let reopenings = outcomes.iter().map(|outcome| outcome.ticket.reopen_count);
        Self {
            incidents: log.incidents.len(),
            events: log.rows(),
            applied,
            tickets,
            reopened: reopenings.clone().map(u64::from).sum(),
            reopened_tickets: reopenings.filter(|count| *count > 0).count(),
            mismatches: mismatches.len(),
            mismatched: first(mismatches).collect(),
            closing_time_differences,
            reassignment_differences,
            differences: first(closing_times).chain(first(reassignments)).collect(),
            kept_as_opened,
            priorities_by_hand: outcomes.iter().filter(|outcome| outcome.ticket.priority_overridden).count(),
            history_entries: outcomes.iter().map(|outcome| outcome.story.entries).sum(),
            seconds,
            rate: if seconds > 0.0 { float(count(applied)) / seconds } else { 0.0 },
            time_to_resolve: spans.into_iter().filter_map(|(key, spans)| Some((key, Times::of(spans)?))).collect(),
        }
    }

    /// Writes the report as one JSON object.
    ///
    /// # Errors
    /// [`Fault::Json`], [`Fault::Terminal`].
    pub(crate) fn print_json(&self) -> Result<(), Fault> {
        let text = serde_json::to_string_pretty(self).map_err(Fault::Json)?;
        print(&(text + "\n"))
    }
}

/// Writes a text to standard output, line end included.
///
/// # Errors
/// [`Fault::Terminal`].
pub(crate) fn print(text: &str) -> Result<(), Fault> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Fault::Terminal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_spans_are_those_of_the_nearest_rank() {
        assert_eq!(Times::of(Vec::new()), None);
        let one = Times { count: 1, median_seconds: 7.0, mean_seconds: 7.0, p90_seconds: 7.0 };
        assert_eq!(Times::of(vec![7]), Some(one));
        let ten = Times { count: 10, median_seconds: 5.0, mean_seconds: 5.5, p90_seconds: 9.0 };
        assert_eq!(Times::of((1..=10).rev().collect()), Some(ten));
    }
}
