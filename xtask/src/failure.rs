//! Why a command of this program stopped: the one error type of all its rooms.

use std::fmt;

/// The result of everything here that can fail.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Why a command stopped before its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Ctrl-C, or a signal that means the same.
    Interrupted,
    /// Anything else, told as a sentence for the person at the terminal.
    Because(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => out.write_str("interrupted"),
            Self::Because(why) => write!(out, "failed: {why}"),
        }
    }
}

/// Says what was being done when an error came.
pub(crate) trait While<T> {
    /// Turns the error into a [`Failure`] that reads `doing: error`.
    fn while_(self, doing: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: fmt::Display> While<T> for std::result::Result<T, E> {
    fn while_(self, doing: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Failure::Because(format!("{}: {error}", doing())))
    }
}
