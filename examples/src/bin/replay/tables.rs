//! The report as a person would want to read it: the head of the unified view, counts, times, and what does not agree.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use bsm::Admin;
use bsm::view::{Person, Query, Summary, UnifiedTicket, WorkListing};
use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use crate::check::Difference;
use crate::fault::Fault;
use crate::report::{Report, print as print_text};

/// The rows of the unified view that are shown.
const HEAD: usize = 10;
/// A rule below the header, and nothing else.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Writes the report as tables, with the head of the unified view and the desk's own counts.
///
/// # Errors
/// [`Fault::Desk`], [`Fault::Terminal`].
pub(crate) async fn print(report: &Report, admin: &Admin) -> Result<(), Fault> {
    let head = admin.unified(&Query::<WorkListing>::default().limit(HEAD)).await.map_err(Fault::Desk)?;
    let summary = admin.summary().await.map_err(Fault::Desk)?;
    let mut page = Page(String::new());
    page.line("The head of the unified view");
    page.unified(&head.rows);
    page.counts(&summary);
    page.times(report);
    page.story(report);
    print_text(&page.0)
}

/// The text so far.
struct Page(String);

impl Page {
    fn line(&mut self, text: impl Display) {
        // Writing into a string does not fail.
        let _ = writeln!(self.0, "{text}");
    }

    fn table(&mut self, table: &Table) {
        for line in table.lines() {
            self.line(line.trim_end());
        }
        self.line("");
    }

    fn unified(&mut self, rows: &[UnifiedTicket]) {
        let name = |person: Option<&Person>| person.map(|person| person.full_name.clone()).unwrap_or_default();
        let mut unified = table(["Number", "What", "Status", "Priority", "Customer", "Assigned to", "Since"]);
        for row in rows {
            unified.add_row([
                row.number.clone(),
                row.title.clone(),
                row.status.to_string(),
                row.priority.map(|priority| priority.to_string()).unwrap_or_default(),
                name(row.customer.as_ref()),
                name(row.assigned_to.as_ref()),
                row.created_at.to_datetime().format("%Y-%m-%d %H:%M").to_string(),
            ]);
        }
        self.table(&unified);
    }

    fn counts(&mut self, summary: &Summary) {
        self.line(format_args!("Tickets on the desk: {} ({})", summary.ticket_count(), listed(&summary.tickets)));
        self.line(format_args!("People on the desk: {} ({})", summary.user_count(), listed(&summary.users)));
        self.line("");
    }

    fn times(&mut self, report: &Report) {
        self.line("Time from opening to resolution, in hours");
        let mut times = table(["Priority", "Tickets", "Median", "Mean", "90 % within"]);
        for (priority, of) in &report.time_to_resolve {
            times.add_row([
                format!("{} {priority}", priority.code()),
                of.count.to_string(),
                hours(of.median_seconds),
                hours(of.mean_seconds),
                hours(of.p90_seconds),
            ]);
        }
        for column in times.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        self.table(&times);
    }

    fn story(&mut self, report: &Report) {
        self.line(format_args!("The log: {} incidents, {} rows", report.incidents, report.events));
        self.line(format_args!(
            "Applied now: {} rows in {:.1} s, {:.0} rows/s",
            report.applied, report.seconds, report.rate
        ));
        self.line(format_args!("Its tickets: {}", listed(&report.tickets)));
        self.line(format_args!("Their history: {} entries", report.history_entries));
        self.line(format_args!("Reopenings: {}, of {} tickets", report.reopened, report.reopened_tickets));
        if report.priorities_by_hand > 0 {
            let tickets = report.priorities_by_hand;
            self.line(format_args!("Tickets whose priority does not follow from impact and urgency: {tickets}"));
        }
        if report.kept_as_opened > 0 {
            let rows = report.kept_as_opened;
            self.line(format_args!("Rows whose caller, opener, opening time or channel no ticket takes: {rows}"));
        }
        self.line(format_args!("Mismatches with the log's last rows: {}", report.mismatches));
        self.differences(&report.mismatched);
        self.line(format_args!(
            "Apart from those, where the log's columns differ from its own rows: closing times {}, reassignments {}",
            report.closing_time_differences, report.reassignment_differences
        ));
        self.differences(&report.differences);
    }

    fn differences(&mut self, differences: &[Difference]) {
        if differences.is_empty() {
            return;
        }
        let mut told = table(["Incident", "Field", "Log", "Desk"]);
        for Difference { incident, field, log, desk } in differences {
            told.add_row([incident.as_str(), field, log, desk]);
        }
        self.table(&told);
    }
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_header(header);
    table
}

/// `new 12, closed 3`.
fn listed<K: Display>(counts: &BTreeMap<K, impl Display>) -> String {
    counts.iter().map(|(key, count)| format!("{key} {count}")).collect::<Vec<_>>().join(", ")
}

fn hours(seconds: f64) -> String {
    format!("{:.1}", seconds / 3600.0)
}
