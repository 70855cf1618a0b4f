//! The report as a person would want to read it: tables, and a line or two between them. [`desk`] tells what stands on
//! the desk, [`steps`] how the request went.

mod desk;
mod steps;

use std::fmt::{Display, Write as _};
use std::io::{self, IsTerminal};

use bsm::model::Timestamp;
use bsm::view::{Person, UnifiedTicket};
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle};

use crate::fault::Fault;
use crate::report::{Report, print as print_text};

/// How wide tables get, in characters.
const WIDTH: u16 = 120;
/// A rule below the header, and nothing else.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Writes the report as tables.
///
/// # Errors
/// [`Fault::Output`].
pub(crate) fn print(report: &Report) -> Result<(), Fault> {
    let mut page = Page::new();
    page.desk(report);
    for step in report.flow.iter().flatten() {
        page.step(step);
    }
    if let Some(after) = &report.counts_after {
        page.heading("What stands on the desk now");
        page.counts(after);
    }
    print_text(&page.text)
}

/// The text so far.
struct Page {
    text: String,
    /// Whether headings stand out: on a terminal, unless `NO_COLOR` asks for plain text.
    colour: bool,
}

impl Page {
    fn new() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { text: String::new(), colour: io::stdout().is_terminal() && !plain }
    }

    fn heading(&mut self, text: impl Display) {
        if !self.text.is_empty() {
            self.line("");
        }
        self.styled("1;36", text);
    }

    fn aside(&mut self, text: impl Display) {
        self.styled("2", text);
    }

    fn styled(&mut self, style: &str, text: impl Display) {
        if self.colour { self.line(format_args!("\u{1b}[{style}m{text}\u{1b}[0m")) } else { self.line(text) }
    }

    fn line(&mut self, text: impl Display) {
        // Writing into a string does not fail.
        let _ = writeln!(self.text, "{text}");
    }

    fn table(&mut self, table: &Table) {
        for line in table.lines() {
            self.line(line.trim_end());
        }
    }

    /// Rows of the unified view.
    fn work(&mut self, rows: &[UnifiedTicket]) {
        let mut work = table(["Number", "What", "Status", "Priority", "Customer", "Assigned to", "Since"]);
        for row in rows {
            work.add_row([
                row.number.clone(),
                row.title.clone(),
                row.status.to_string(),
                row.priority.map(|priority| priority.to_string()).unwrap_or_default(),
                name(row.customer.as_ref()),
                name(row.assigned_to.as_ref()),
                time(row.created_at),
            ]);
        }
        self.table(&fitted(work, 1));
    }
}

/// An empty table.
fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH).set_header(header);
    table
}

/// A table whose columns of numbers, at these places, end at the right.
fn right<const N: usize>(mut table: Table, columns: [usize; N]) -> Table {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A table in which only the column at this place is wrapped.
fn fitted(mut table: Table, wrapped: usize) -> Table {
    for (_, column) in table.column_iter_mut().enumerate().filter(|(place, _)| *place != wrapped) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    table
}

fn name(person: Option<&Person>) -> String {
    person.map(|person| person.full_name.clone()).unwrap_or_default()
}

/// To the minute: the seconds of a demonstration tell nothing.
fn time(at: Timestamp) -> String {
    at.to_datetime().format("%Y-%m-%d %H:%M").to_string()
}

/// `3 new, 1 closed`, or a dash for nothing.
fn listed<K: Display, V: Display>(counts: impl IntoIterator<Item = (K, V)>) -> String {
    let told: Vec<String> = counts.into_iter().map(|(what, count)| format!("{count} {what}")).collect();
    if told.is_empty() { "–".to_owned() } else { told.join(", ") }
}
