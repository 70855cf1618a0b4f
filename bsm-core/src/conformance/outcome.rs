//! How a case ends: well, or with an error that it did not expect, and where.
//!
//! A case uses `?` on calls that must succeed, and the functions here on calls that must not.

use std::fmt::{self, Debug};
use std::panic::Location;

use crate::{Error, Result};

/// What a case returns.
pub type Outcome = Result<(), Failed>;

/// A call failed that had to succeed.
pub struct Failed {
    error: Error,
    at: &'static Location<'static>,
}

impl From<Error> for Failed {
    /// Keeps the line of the `?`.
    #[track_caller]
    fn from(error: Error) -> Self {
        Self { error, at: Location::caller() }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({:?})", self.at, self.error, self.error)
    }
}

impl Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Asserts that a call was refused with exactly this error, every field of it. (Errors with a source, which have no
/// equality, are compared by their debug form too.)
#[track_caller]
pub(crate) fn refused<T: Debug>(result: Result<T>, expected: &Error) {
    refused_at(Location::caller(), result, expected);
}

pub(crate) fn refused_at<T: Debug>(at: &Location<'_>, result: Result<T>, expected: &Error) {
    match result {
        Err(error) if format!("{error:?}") == format!("{expected:?}") => {}
        other => panic!("{at}: expected {expected:?}, got {other:?}"),
    }
}

/// Asserts that a call was refused with an error of a pattern, where a field of it can't be foretold.
macro_rules! refused_like {
    ($result:expr, $pattern:pat $(if $guard:expr)? $(,)?) => {
        match $result {
            Err($pattern) $(if $guard)? => {}
            other => panic!("expected {}, got {other:?}", stringify!($pattern $(if $guard)?)),
        }
    };
}
pub(crate) use refused_like;
