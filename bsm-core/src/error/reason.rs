//! Why something was refused: the details that errors carry.

use std::fmt;

use crate::model::{Role, Timestamp};

/// Why a value is not acceptable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It is empty, or only white space.
    Empty,
    /// It has more characters than allowed.
    TooLong {
        /// The most that is allowed.
        most: usize,
    },
    /// It holds a control character. Line breaks and tabs are allowed where a field has lines.
    ControlCharacter,
    /// It is not written as it must be.
    Malformed {
        /// What was expected.
        expected: &'static str,
    },
    /// It is none of the words of its field.
    UnknownWord {
        /// The words.
        legal: Vec<&'static str>,
    },
    /// It lies outside its range.
    OutOfRange {
        /// The least that is allowed.
        min: String,
        /// The most that is allowed.
        max: String,
    },
    /// It is below zero.
    Negative,
    /// It has more decimals than its currency.
    TooManyDecimals {
        /// The most that the currency has.
        most: u32,
    },
    /// It lies in the future.
    InTheFuture {
        /// The desk's time.
        now: Timestamp,
    },
    /// A ticket or request can't begin in this status.
    NotAnOpening,
    /// The user is inactive, or has a role that this field does not take.
    WrongRole {
        /// What it takes.
        needs: Role,
    },
    /// It contradicts another value that was given.
    Contradicts {
        /// The other field.
        other: &'static str,
    },
    /// This list is not kept by that.
    NotListed,
    /// The command is about no row that could be at another version.
    Inapplicable,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::TooLong { most } => write!(f, "is longer than {most} characters"),
            Self::ControlCharacter => f.write_str("holds a control character"),
            Self::Malformed { expected } => write!(f, "is not {expected}"),
            Self::UnknownWord { legal } => write!(f, "is none of {}", legal.join(", ")),
            Self::OutOfRange { min, max } => write!(f, "is not within {min} to {max}"),
            Self::Negative => f.write_str("is negative"),
            Self::TooManyDecimals { most } => write!(f, "has more than {most} decimals"),
            Self::InTheFuture { now } => write!(f, "lies in the future: it is {now}"),
            Self::NotAnOpening => f.write_str("is no status to begin in"),
            Self::WrongRole { needs } => write!(f, "does not name an active user who is {needs}"),
            Self::Contradicts { other } => write!(f, "contradicts {other}"),
            Self::NotListed => f.write_str("is not something this list is kept by"),
            Self::Inapplicable => f.write_str("does not apply to this command"),
        }
    }
}

/// Why a cursor is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CursorFault {
    /// It is not as the desk gave it.
    Damaged,
    /// It belongs to another list, another filter or another actor.
    Foreign,
}

impl fmt::Display for CursorFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Damaged => "is damaged",
            Self::Foreign => "belongs to another list",
        })
    }
}

/// Why a place can't hold a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlaceFault {
    /// It is a file, where a folder is needed.
    NotAFolder,
    /// It, or something in it, can't be written.
    ReadOnly,
    /// It holds something that is no store of this kind.
    ForeignData,
    /// The operating system refused for another reason.
    Io,
}

impl fmt::Display for PlaceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAFolder => "it is not a folder",
            Self::ReadOnly => "it can't be written",
            Self::ForeignData => "it holds other data",
            Self::Io => "the operating system refused",
        })
    }
}
