//! The report as a person would want to read it: tables, and a line or two between them.

use std::fmt::{Display, Write as _};
use std::io::{self, IsTerminal};

use bsm::model::{Timestamp, User};
use bsm::view::{Person, UnifiedTicket};
use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use crate::fault::Fault;
use crate::flow::Step;
use crate::report::{Report, print as print_text};
use crate::survey::{Counts, Survey};

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
        let (on, off) = if self.colour { ("\u{1b}[1;36m", "\u{1b}[0m") } else { ("", "") };
        let gap = if self.text.is_empty() { "" } else { "\n" };
        self.push(format_args!("{gap}{on}{text}{off}"));
    }

    fn aside(&mut self, text: impl Display) {
        let (on, off) = if self.colour { ("\u{1b}[2m", "\u{1b}[0m") } else { ("", "") };
        self.push(format_args!("{on}{text}{off}"));
    }

    fn push(&mut self, text: impl Display) {
        // Writing into a string does not fail.
        let _ = writeln!(self.text, "{text}");
    }

    fn table(&mut self, table: &Table) {
        for line in table.lines() {
            self.push(line.trim_end());
        }
    }

    fn desk(&mut self, report: &Report) {
        let Survey { users, services, unified, requests, ratings, articles, .. } = &report.desk;
        self.heading("A service desk, for demonstration");
        self.counts(&report.counts);
        self.people(users);
        self.services(services);
        self.heading(format_args!("The unified view: {} tickets and requests, the newest first", unified.len()));
        self.unified(unified);
        self.requests(requests);
        self.ratings(ratings);
        self.articles(articles);
        self.totals(report);
    }
}
