//! Reads an incident log: a CSV file in which every row is an incident as it stood after one change.
//!
//! `main` opens the log before it opens the desk. All of it is read and understood first, so that a file with a fault
//! changes nothing; it takes memory for each row, but only for the columns that a ticket has fields for.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use bsm::model::{Channel, Impact, Priority, TicketStatus, Timestamp, Urgency};
use csv::{ReaderBuilder, StringRecord, Trim};

use crate::fault::Fault;
use crate::words;

/// A log of our own making, in the same format.
const OWN: &str = include_str!("../../../data/incident_log.csv");
const OWN_NAME: &str = "the program's own log";

/// An incident log.
#[derive(Debug)]
pub(crate) struct Log {
    /// How errors call it.
    pub(crate) name: String,
    /// The incidents, in the file's order.
    pub(crate) incidents: Vec<Incident>,
}

/// The rows of one incident.
#[derive(Debug)]
pub(crate) struct Incident {
    /// Its number.
    pub(crate) number: String,
    /// How it began.
    pub(crate) first: Row,
    /// How it stood after each change since, in the file's order.
    pub(crate) later: Vec<Row>,
}

/// An incident after one change. People are the text of their column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Where it stands in the file; the first line is 1.
    pub(crate) line: u64,
    pub(crate) opened: Opened,
    pub(crate) status: TicketStatus,
    pub(crate) impact: Impact,
    pub(crate) urgency: Urgency,
    pub(crate) priority: Priority,
    pub(crate) category: Option<String>,
    pub(crate) subcategory: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) assigned_to: Option<String>,
    /// Who made the change.
    pub(crate) updated_by: Option<String>,
    /// When.
    pub(crate) updated_at: Timestamp,
    /// How often the incident went from Resolved back to Active, as the log counts.
    pub(crate) reopenings: u32,
    /// How often its group changed, as the log counts.
    pub(crate) reassignments: u32,
    /// When it was closed; the log writes that into all rows of an incident.
    pub(crate) closed_at: Option<Timestamp>,
}

/// What a ticket keeps from its opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) by: Option<String>,
    pub(crate) at: Option<Timestamp>,
    pub(crate) caller: Option<String>,
    pub(crate) channel: Channel,
}

impl Incident {
    /// How many rows it has.
    pub(crate) fn len(&self) -> usize {
        1 + self.later.len()
    }

    /// How it ended.
    pub(crate) fn last(&self) -> &Row {
        self.later.last().unwrap_or(&self.first)
    }
}

impl Log {
    /// Reads the log at `path`.
    ///
    /// # Errors
    /// [`Fault::File`], or as [`read`](Self::read).
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        let bytes = std::fs::read(path).map_err(|source| Fault::File { path: path.to_owned(), source })?;
        Self::read(path.display().to_string(), &bytes)
    }

    /// Reads the log that comes with the program.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn own() -> Result<Self, Fault> {
        Self::read(OWN_NAME.to_owned(), OWN.as_bytes())
    }

    /// Reads a log that errors shall call `name`.
    ///
    /// # Errors
    /// [`Fault::NoTable`], [`Fault::NoColumn`], [`Fault::UnknownValue`], [`Fault::Scattered`].
    fn read(name: String, bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(bytes);
        let no_table = |source| Fault::NoTable { log: name.clone(), source };
        let columns = Columns::find(&name, reader.headers().map_err(no_table)?)?;
        let mut incidents: Vec<Incident> = Vec::new();
        let mut seen = HashSet::new();
        let mut record = StringRecord::new();
        while reader.read_record(&mut record).map_err(no_table)? {
            let line = record.position().map_or(0, |from| line_of(bytes, from));
            let fields = Fields { log: &name, line, columns: &columns, record: &record };
            let (number, row) = (fields.known(NUMBER, "a number")?, fields.row()?);
            match incidents.last_mut().filter(|incident| incident.number == number) {
                Some(incident) => incident.later.push(row),
                None if seen.insert(number.to_owned()) => {
                    incidents.push(Incident { number: number.to_owned(), first: row, later: Vec::new() });
                }
                None => return Err(Fault::Scattered { log: name.clone(), line, number: number.to_owned() }),
            }
        }
        Ok(Self { name, incidents })
    }

    /// How many rows it has.
    pub(crate) fn rows(&self) -> usize {
        self.incidents.iter().map(Incident::len).sum()
    }
}

/// The line on which the record that begins at `from` stands. Where a line ends in two bytes, a record begins at the
/// second of them, on the line before; and blank lines may lie between.
fn line_of(bytes: &[u8], from: &csv::Position) -> u64 {
    let ahead = usize::try_from(from.byte()).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
    let ends = ahead.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n');
    ends.fold(from.line(), |line, _| line + 1)
}

/// The columns that are read.
const READ: [&str; 18] = [
    NUMBER,
    STATE,
    REASSIGNMENTS,
    REOPENINGS,
    CALLER,
    OPENED_BY,
    OPENED_AT,
    UPDATED_BY,
    UPDATED_AT,
    CHANNEL,
    CATEGORY,
    SUBCATEGORY,
    IMPACT,
    URGENCY,
    PRIORITY,
    GROUP,
    ASSIGNED_TO,
    CLOSED_AT,
];
const NUMBER: &str = "number";
const STATE: &str = "incident_state";
const REASSIGNMENTS: &str = "reassignment_count";
const REOPENINGS: &str = "reopen_count";
const CALLER: &str = "caller_id";
const OPENED_BY: &str = "opened_by";
const OPENED_AT: &str = "opened_at";
const UPDATED_BY: &str = "sys_updated_by";
const UPDATED_AT: &str = "sys_updated_at";
const CHANNEL: &str = "contact_type";
const CATEGORY: &str = "category";
const SUBCATEGORY: &str = "subcategory";
const IMPACT: &str = "impact";
const URGENCY: &str = "urgency";
const PRIORITY: &str = "priority";
const GROUP: &str = "assignment_group";
const ASSIGNED_TO: &str = "assigned_to";
const CLOSED_AT: &str = "closed_at";

/// Where the columns stand in this file.
struct Columns(HashMap<&'static str, usize>);

impl Columns {
    fn find(log: &str, headers: &StringRecord) -> Result<Self, Fault> {
        let place = |column: &'static str| {
            let at = headers.iter().position(|header| header == column);
            at.map(|at| (column, at)).ok_or_else(|| Fault::NoColumn { log: log.to_owned(), column })
        };
        READ.into_iter().map(place).collect::<Result<_, _>>().map(Self)
    }
}

/// One record, whose fields are read by name.
struct Fields<'a> {
    log: &'a str,
    line: u64,
    columns: &'a Columns,
    record: &'a StringRecord,
}

impl<'a> Fields<'a> {
    fn row(&self) -> Result<Row, Fault> {
        Ok(Row {
            line: self.line,
            opened: Opened {
                by: self.optional(OPENED_BY),
                at: self.optional_time(OPENED_AT)?,
                caller: self.optional(CALLER),
                channel: self.word(CHANNEL, words::channel, words::CHANNELS)?,
            },
            status: self.word(STATE, words::status, words::STATES)?,
            impact: self.word(IMPACT, words::impact, words::LEVELS)?,
            urgency: self.word(URGENCY, words::urgency, words::LEVELS)?,
            priority: self.word(PRIORITY, words::priority, words::PRIORITIES)?,
            category: self.optional(CATEGORY),
            subcategory: self.optional(SUBCATEGORY),
            group: self.optional(GROUP),
            assigned_to: self.optional(ASSIGNED_TO),
            updated_by: self.optional(UPDATED_BY),
            updated_at: self.word(UPDATED_AT, words::time, words::TIMES)?,
            reopenings: self.count(REOPENINGS)?,
            reassignments: self.count(REASSIGNMENTS)?,
            closed_at: self.optional_time(CLOSED_AT)?,
        })
    }

    fn text(&self, column: &str) -> &'a str {
        self.columns.0.get(column).and_then(|at| self.record.get(*at)).unwrap_or_default()
    }

    fn known(&self, column: &'static str, expected: &'static str) -> Result<&'a str, Fault> {
        let text = self.text(column);
        if text.is_empty() || text == words::NOT_KNOWN { Err(self.unknown(column, expected)) } else { Ok(text) }
    }

    fn optional(&self, column: &str) -> Option<String> {
        let text = self.text(column);
        (!text.is_empty() && text != words::NOT_KNOWN).then(|| text.to_owned())
    }

    fn word<T>(&self, column: &'static str, read: fn(&str) -> Option<T>, expected: &'static str) -> Result<T, Fault> {
        read(self.text(column)).ok_or_else(|| self.unknown(column, expected))
    }

    fn optional_time(&self, column: &'static str) -> Result<Option<Timestamp>, Fault> {
        self.optional(column).map(|_| self.word(column, words::time, words::TIMES)).transpose()
    }

    fn count(&self, column: &'static str) -> Result<u32, Fault> {
        self.word(column, |text| text.parse().ok(), "a count")
    }

    fn unknown(&self, column: &'static str, expected: &'static str) -> Fault {
        let (log, value) = (self.log.to_owned(), self.text(column).to_owned());
        Fault::UnknownValue { log, line: self.line, column, value, expected }
    }
}

#[cfg(test)]
mod tests;
