//! Why something was refused: the details that errors carry.

use std::fmt;

use crate::model::{Entity, Key, Role, Timestamp};
use crate::schema::Field;

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

impl Reason {
    /// The reason in one word, as faces in other languages give it.
    ///
    /// ```
    /// assert_eq!(bsm_core::Reason::TooLong { most: 200 }.code(), "too_long");
    /// ```
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong { .. } => "too_long",
            Self::ControlCharacter => "control_character",
            Self::Malformed { .. } => "malformed",
            Self::UnknownWord { .. } => "unknown_word",
            Self::OutOfRange { .. } => "out_of_range",
            Self::Negative => "negative",
            Self::TooManyDecimals { .. } => "too_many_decimals",
            Self::InTheFuture { .. } => "in_the_future",
            Self::NotAnOpening => "not_an_opening",
            Self::WrongRole { .. } => "wrong_role",
            Self::Contradicts { .. } => "contradicts",
            Self::NotListed => "not_listed",
            Self::Inapplicable => "inapplicable",
        }
    }
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

/// Why a cursor, or a position in a feed, is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CursorFault {
    /// It is not as the desk gave it.
    Damaged,
    /// It belongs to another list, another filter, another feed or another actor.
    Foreign,
}

impl fmt::Display for CursorFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Damaged => "is damaged",
            Self::Foreign => "belongs elsewhere",
        })
    }
}

/// Why a line of an export is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportFault {
    /// It is no JSON, or not as an export writes it.
    Malformed {
        /// In which member, and what was expected there. Quotes no value of a row.
        detail: String,
    },
    /// It is longer than any line of an export.
    TooLong {
        /// The most bytes that a line has.
        most: usize,
    },
    /// It is not the first line of an export.
    NoExport,
    /// The export is of a format that this release does not read.
    UnknownFormat {
        /// The format it is in.
        found: u32,
    },
    /// It is not what the import that is to be gone on with had read.
    OtherText,
    /// The text ends before the export does.
    Truncated,
    /// The lines before are not those that the export ended with.
    Digest,
    /// The lines before are not as many as the export ended with.
    Counts {
        /// How many rows there are by the export.
        rows: u64,
        /// How many entries of history.
        history: u64,
    },
    /// Something follows the end.
    BehindTheEnd,
    /// A line of this kind does not stand here.
    OutOfPlace,
    /// A row has a higher number than the one that was given last.
    NumberTaken {
        /// To which rows the number was given.
        entity: Entity,
        /// The number that a row has.
        highest: u32,
    },
    /// A row has what another has in a field that no two rows share.
    Duplicate {
        /// The entity.
        entity: Entity,
        /// The field.
        field: Field,
        /// If it can't be told which line brings it: the first of those that may. The last is the line of the error. A store
        /// is told a part of an export at a time, and says only that something in it stands before it already.
        since: Option<u64>,
    },
    /// A field of a row holds what no desk would have let in.
    Unacceptable {
        /// Which row.
        key: Key,
        /// The field, by its one name.
        field: &'static str,
        /// What is wrong with it.
        reason: Reason,
    },
}

impl fmt::Display for ImportFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { detail } => write!(f, "is not as an export writes it: {detail}"),
            Self::TooLong { most } => write!(f, "is longer than {most} bytes"),
            Self::NoExport => f.write_str("does not begin an export"),
            Self::UnknownFormat { found } => write!(f, "is of format {found}, which this release does not read"),
            Self::OtherText => f.write_str("is not of the text that the import began with"),
            Self::Truncated => f.write_str("is not there: the text ends before the export does"),
            Self::Digest => f.write_str(
                "has another digest than the lines before it: something in them was altered, or lines are missing",
            ),
            Self::Counts { rows, history } => {
                write!(
                    f,
                    "ends an export of {rows} rows and {history} entries of history, which are not those before it"
                )
            }
            Self::BehindTheEnd => f.write_str("follows the end"),
            Self::OutOfPlace => f.write_str("is of a kind that does not stand there"),
            Self::NumberTaken { entity, highest } => {
                write!(f, "names a number as the last, and a {entity} before it has {highest}")
            }
            Self::Duplicate { entity, field, since: None } => {
                write!(f, "brings the {field} of another {entity}, and no two have the same")
            }
            Self::Duplicate { entity, field, since: Some(since) } => write!(
                f,
                "or one before it, from line {since} on, brings the {field} of another {entity}, and no two have the same"
            ),
            Self::Unacceptable { key, field, reason } => write!(f, "holds {key}, whose {field} {reason}"),
        }
    }
}

/// Why a place can't hold a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlaceFault {
    /// It is a file, where a folder is needed.
    NotAFolder,
    /// The folder that it would lie in is not there. Only the desk's own folder is made, so that a misspelt path makes none.
    NoParent,
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
            Self::NoParent => "the folder that it would lie in does not exist, and is not made",
            Self::ReadOnly => "it can't be written",
            Self::ForeignData => "it holds other data",
            Self::Io => "the operating system refused",
        })
    }
}
