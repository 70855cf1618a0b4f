//! What can go wrong in a replay, each told in one line that names the place.

use std::path::PathBuf;

use bsm::Error;

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// A file can't be read or written.
    #[error("{}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// The terminal, or what stands in its place, can't be read or written.
    #[error("standard input or output")]
    Terminal(#[source] std::io::Error),
    /// The log is no table.
    #[error("{log}")]
    NoTable { log: String, source: csv::Error },
    /// The log lacks a column.
    #[error("{log} has no column {column}")]
    NoColumn { log: String, column: &'static str },
    /// A field of the log holds what the desk has no word for.
    #[error("{log}, line {line}, column {column}: {value:?} is not {expected}")]
    UnknownValue { log: String, line: u64, column: &'static str, value: String, expected: &'static str },
    /// The rows of an incident don't stand together.
    #[error("{log}, line {line}: other rows stand between this one and the earlier ones of {number}")]
    Scattered { log: String, line: u64, number: String },
    /// The desk does not take a row.
    #[error("{log}, line {line}: the desk does not take this row of {number}")]
    Refused { log: String, line: u64, number: String, source: Box<Error> },
    /// The desk has users, and none of them is the admin of earlier replays.
    #[error("the desk has users, but no admin of an earlier replay: replay into an empty desk")]
    ForeignDesk,
    /// A ticket changed more often than the log tells.
    #[error(
        "{number} has {entries} history entries, but the log only {rows} rows: others changed it, or the log is cut"
    )]
    ForeignHistory { number: String, entries: u64, rows: usize },
    /// The desk failed.
    #[error("the desk")]
    Desk(#[source] Error),
    /// A result can't be written as JSON.
    #[error("writing JSON")]
    Json(#[source] serde_json::Error),
}

impl Fault {
    /// Whether the program that reads the output wants no more of it, as `head` does: no fault of anybody's.
    pub(crate) fn is_end_of_reader(&self) -> bool {
        matches!(self, Self::Terminal(source) if source.kind() == std::io::ErrorKind::BrokenPipe)
    }

    /// The fault and what is behind it, in one line.
    pub(crate) fn whole(&self) -> String {
        bsm_examples::line::whole(self)
    }
}
