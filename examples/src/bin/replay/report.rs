//! Tells how the replay went: one JSON object, or tables for a person. The only room that writes to standard output.

use std::collections::BTreeMap;
use std::io::{self, Write};

use bsm::Admin;
use bsm::model::{Priority, TicketStatus};
use bsm::view::{Query, WorkListing};
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::check::{Difference, Verdict};
use crate::fault::Fault;
use crate::log::Log;
use crate::outcome::Outcome;

/// The rows of the unified view that are shown.
const HEAD: usize = 10;
/// The differences of a kind that are shown; the count tells of the rest.
const SHOWN: usize = 20;

/// How the replay went.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Incidents of the log.
    incidents: usize,
    /// Rows of the log.
    events: usize,
    /// Rows that this run applied; the desk had the others.
    applied: usize,
    /// The log's tickets, by the status that they have now.
    tickets: BTreeMap<TicketStatus, usize>,
    /// Reopenings in all.
    reopened: u64,
    /// Tickets that were reopened at least once.
    reopened_tickets: usize,
    /// Fields in which desk and log don't agree.
    mismatches: usize,
    /// The first of them.
    mismatched: Vec<Difference>,
    /// Closing times that the log has otherwise.
    closing_time_differences: usize,
    /// Counts of reassignments that the log has otherwise.
    reassignment_differences: usize,
    /// The first of both.
    differences: Vec<Difference>,
    /// Rows whose caller, opener, opening time or channel the ticket did not take, since it keeps the first.
    kept_as_opened: usize,
    /// Tickets whose priority does not follow from impact and urgency.
    priorities_by_hand: usize,
    /// Entries in the histories of the log's tickets.
    history_entries: u64,
    /// How long this run applied rows.
    seconds: f64,
    /// Rows that it applied in a second.
    rate: f64,
    /// From opening to the last move to Resolved, by priority, of the tickets that are resolved or closed.
    time_to_resolve: BTreeMap<Priority, Times>,
}

/// Figures of some spans of time, in seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Times {
    count: usize,
    median_seconds: i64,
    mean_seconds: f64,
    p90_seconds: i64,
}

impl Times {
    /// The figures of `spans`; `None` of nothing. The 90th percentile and the median are spans that occur (nearest rank).
    fn of(mut spans: Vec<i64>) -> Option<Self> {
        spans.sort_unstable();
        let rank = |percent: usize| (spans.len() * percent).div_ceil(100).saturating_sub(1);
        let sum: i64 = spans.iter().sum();
        Some(Self {
            count: spans.len(),
            median_seconds: *spans.get(rank(50))?,
            mean_seconds: ratio(sum, spans.len()),
            p90_seconds: *spans.get(rank(90))?,
        })
    }
}

/// A mean; what a double can't hold exactly does not matter in it.
#[expect(clippy::cast_precision_loss, reason = "seconds and counts stay far below 2^53")]
fn ratio(sum: i64, count: usize) -> f64 {
    sum as f64 / count as f64
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
            rate: if seconds > 0.0 { ratio(i64::try_from(applied).unwrap_or(i64::MAX), 1) / seconds } else { 0.0 },
            time_to_resolve: spans.into_iter().filter_map(|(key, spans)| Some((key, Times::of(spans)?))).collect(),
        }
    }

    /// Writes the report as one JSON object.
    ///
    /// # Errors
    /// [`Fault::Json`], [`Fault::Terminal`].
    pub(crate) fn print_json(&self) -> Result<(), Fault> {
        let text = serde_json::to_string_pretty(self).map_err(Fault::Json)?;
        writeln!(io::stdout(), "{text}").map_err(Fault::Terminal)
    }

    /// Writes the report as a person would want to read it, with the head of the unified view and the desk's counts.
    ///
    /// # Errors
    /// [`Fault::Desk`], [`Fault::Terminal`].
    pub(crate) async fn print_tables(&self, admin: &Admin) -> Result<(), Fault> {
        let page = admin.unified(&Query::<WorkListing>::default().limit(HEAD)).await.map_err(Fault::Desk)?;
        let summary = admin.summary().await.map_err(Fault::Desk)?;
        let mut head = table(["Number", "Title", "Status", "Priority", "Customer", "Assigned to", "Opened"]);
        for row in &page.rows {
            let name = |person: &Option<bsm::view::Person>| person.as_ref().map(|person| person.full_name.clone());
            head.add_row([
                row.number.clone(),
                row.title.clone(),
                row.status.to_string(),
                row.priority.map(|priority| priority.to_string()).unwrap_or_default(),
                name(&row.customer).unwrap_or_default(),
                name(&row.assigned_to).unwrap_or_default(),
                row.created_at.to_datetime().format("%Y-%m-%d %H:%M").to_string(),
            ]);
        }
        let mut text = format!("The head of the unified view\n{head}\n\n");
        text.push_str(&format!(
            "The desk has {} tickets and {} people ({}).\n",
            summary.ticket_count(),
            summary.user_count(),
            listed(&summary.users),
        ));
        text.push_str(&format!("\nTime from opening to resolution\n{}\n\n", self.times()));
        text.push_str(&self.story());
        io::stdout().write_all(text.as_bytes()).map_err(Fault::Terminal)
    }

    fn times(&self) -> Table {
        let mut table = table(["Priority", "Tickets", "Median", "Mean", "90 % within"]);
        for (priority, times) in &self.time_to_resolve {
            table.add_row([
                format!("{} {priority}", priority.code()),
                times.count.to_string(),
                hours(times.median_seconds),
                hours_of(times.mean_seconds),
                hours(times.p90_seconds),
            ]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    /// What happened, in sentences.
    fn story(&self) -> String {
        let mut text = format!(
            "{} incidents with {} rows: {} applied now, in {:.1} s ({:.0} rows/s); {} history entries.\n\
             Tickets: {}. Reopened {} times, {} tickets.\n",
            self.incidents,
            self.events,
            self.applied,
            self.seconds,
            self.rate,
            self.history_entries,
            listed(&self.tickets),
            self.reopened,
            self.reopened_tickets,
        );
        if self.kept_as_opened > 0 {
            text.push_str(&format!(
                "{} rows change caller, opener, opening time or channel; a ticket keeps those of its first.\n",
                self.kept_as_opened
            ));
        }
        if self.priorities_by_hand > 0 {
            text.push_str(&format!(
                "{} tickets have a priority that does not follow from impact and urgency.\n",
                self.priorities_by_hand
            ));
        }
        text.push_str(&format!("Mismatches with the log's last rows: {}.\n", self.mismatches));
        text.push_str(&differences(&self.mismatched));
        text.push_str(&format!(
            "Apart from those, the log's own columns differ from its rows in {} closing times and {} reassignment \
             counts.\n",
            self.closing_time_differences, self.reassignment_differences
        ));
        text.push_str(&differences(&self.differences));
        text
    }
}

fn differences(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return String::new();
    }
    let mut table = table(["Incident", "Field", "Log", "Desk"]);
    for Difference { incident, field, log, desk } in differences {
        table.add_row([incident.as_str(), field, log, desk]);
    }
    format!("{table}\n")
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(header);
    table
}

/// `12 new, 3 closed`.
fn listed<K: std::fmt::Display, V: std::fmt::Display>(counts: &BTreeMap<K, V>) -> String {
    counts.iter().map(|(key, count)| format!("{count} {key}")).collect::<Vec<_>>().join(", ")
}

fn hours(seconds: i64) -> String {
    hours_of(ratio(seconds, 1))
}

fn hours_of(seconds: f64) -> String {
    format!("{:.1} h", seconds / 3600.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_spans_are_those_of_the_nearest_rank() {
        assert_eq!(Times::of(Vec::new()), None);
        let one = Times { count: 1, median_seconds: 7, mean_seconds: 7.0, p90_seconds: 7 };
        assert_eq!(Times::of(vec![7]), Some(one));
        let ten = Times { count: 10, median_seconds: 5, mean_seconds: 5.5, p90_seconds: 9 };
        assert_eq!(Times::of((1..=10).rev().collect()), Some(ten));
    }
}
