//! What can go wrong in the demonstration, each told in one line.

use std::io;

use bsm::{Error, PlaceFault};

/// Why the program ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The desk holds something already.
    #[error("the desk is not empty, and the demonstration needs an empty one (--fresh deletes what is there)")]
    NotEmpty,
    /// The desk holds something, and this program does not know how to delete it.
    #[error("the desk is not empty, and --fresh deletes desks in folders only: drop this one's schema yourself")]
    CantClear,
    /// The desk failed.
    #[error("the desk")]
    Desk(#[from] Error),
    /// The desk does not show what it was told.
    #[error("the desk does not show {0}")]
    Missing(&'static str),
    /// Two ways to read the same number differ.
    #[error("the desk lists {listed} {what}, and its summary counts {counted}")]
    Miscounted { what: &'static str, listed: u64, counted: u64 },
    /// The terminal, or what stands in its place, can't be written.
    #[error("standard output")]
    Output(#[source] io::Error),
    /// The report can't be written as JSON.
    #[error("writing JSON")]
    Json(#[source] serde_json::Error),
}

impl Fault {
    /// The fault and what is behind it, in one line.
    pub(crate) fn whole(&self) -> String {
        bsm_examples::line::whole(self)
    }

    /// The program's exit code: 2 for what was asked of it, 1 for everything else.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::NotEmpty
            | Self::CantClear
            | Self::Desk(
                Error::InvalidAddress { .. }
                | Error::UnusablePlace { reason: PlaceFault::ForeignData | PlaceFault::NotAFolder, .. },
            ) => 2,
            _ => 1,
        }
    }

    /// Whether whoever read the output went away, as `head` does: nobody is left to be told.
    pub(crate) fn is_end_of_reader(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
