//! Writes what the desk has of each incident as a line of JSON, for other programs to compare.
//!
//! Nothing of the log's own columns goes into it, and nothing that differs from one run to the next (ids, numbers, the
//! desk's own times): two desks that took the same log have the same dump.

use std::path::Path;

use bsm::model::{Impact, TicketStatus, Timestamp, Urgency};
use serde::Serialize;

use crate::fault::Fault;
use crate::outcome::Outcome;

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    external_ref: Option<&'a str>,
    status: TicketStatus,
    impact: Impact,
    urgency: Urgency,
    /// From 1 to 4.
    priority: u8,
    reopenings: u32,
    group: Option<&'a str>,
    /// How many entries.
    history: u64,
    resolved_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
}

/// Writes the outcomes to the file at `path`, one line each, in their order; replaces what was there.
///
/// # Errors
/// [`Fault::File`], [`Fault::Json`].
pub(crate) fn write(path: &Path, outcomes: &[Outcome]) -> Result<(), Fault> {
    let mut text = String::new();
    for Outcome { ticket, story } in outcomes {
        let line = Line {
            external_ref: ticket.external_ref.as_deref(),
            status: ticket.status,
            impact: ticket.impact,
            urgency: ticket.urgency,
            priority: ticket.priority.code(),
            reopenings: ticket.reopen_count,
            group: ticket.group.as_deref(),
            history: story.entries,
            resolved_at: story.resolved_at,
            closed_at: story.closed_at,
        };
        text.push_str(&serde_json::to_string(&line).map_err(Fault::Json)?);
        text.push('\n');
    }
    std::fs::write(path, text).map_err(|source| Fault::File { path: path.to_owned(), source })
}
