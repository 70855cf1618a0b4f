//! A moment with a zone, at the precision that every store keeps.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, Reason, Result};

/// A moment in UTC, truncated to microseconds (what `PostgreSQL` and Python keep), from 1970 to the end of 9999.
///
/// Text is RFC 3339 with six decimals and `Z`; in stored values it is the count of microseconds since 1970.
///
/// ```
/// use bsm_core::model::Timestamp;
///
/// let at: Timestamp = "2016-02-29T01:16:00+01:00".parse()?;
/// assert_eq!(at.to_string(), "2016-02-29T00:16:00.000000Z");
/// # Ok::<(), bsm_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z, the earliest moment an id can carry.
    pub const MIN: Self = Self(0);
    /// The last microsecond of the year 9999.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// The moment `micros` microseconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`Error::Invalid`] outside [`Self::MIN`]..=[`Self::MAX`].
    pub fn from_micros(micros: i64) -> Result<Self> {
        if (Self::MIN.0..=Self::MAX.0).contains(&micros) {
            Ok(Self(micros))
        } else {
            Err(Error::invalid("time", Reason::OutOfRange { min: Self::MIN.to_string(), max: Self::MAX.to_string() }))
        }
    }

    /// The time now, by the system's clock.
    pub fn now() -> Self {
        crate::Clock::now(&crate::SystemClock)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The same moment in chrono's type.
    pub fn to_datetime(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// The moment `micros` microseconds later, kept within [`Self::MIN`]..=[`Self::MAX`].
    pub fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros).clamp(Self::MIN.0, Self::MAX.0))
    }
}

impl TryFrom<DateTime<Utc>> for Timestamp {
    type Error = Error;

    fn try_from(time: DateTime<Utc>) -> Result<Self> {
        Self::from_micros(time.timestamp_micros())
    }
}

impl From<Timestamp> for DateTime<Utc> {
    fn from(time: Timestamp) -> Self {
        time.to_datetime()
    }
}

/// A moment as text, by RFC 3339 with six decimals and `Z`.
///
/// Every row of a page is written with two or three of them; chrono's general formatter takes six times as long.
struct Written([u8; 27]);

impl Written {
    fn of(time: Timestamp) -> Self {
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let mut write = |at: std::ops::Range<usize>, mut number: u32| {
            for digit in text[at].iter_mut().rev() {
                // One digit, which is a byte.
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        let moment = time.to_datetime().naive_utc();
        write(0..4, moment.year().unsigned_abs());
        write(5..7, moment.month());
        write(8..10, moment.day());
        write(11..13, moment.hour());
        write(14..16, moment.minute());
        write(17..19, moment.second());
        write(20..26, moment.nanosecond() / 1000);
        Self(text)
    }

    fn as_str(&self) -> &str {
        // Digits and signs are UTF-8.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Written::of(*self).as_str())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// Reads RFC 3339, with any offset.
    fn from_str(text: &str) -> Result<Self> {
        let time = DateTime::parse_from_rfc3339(text)
            .map_err(|_| Error::invalid("time", Reason::Malformed { expected: "a time as RFC 3339" }))?;
        Self::try_from(time.with_timezone(&Utc))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(Written::of(*self).as_str())
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            text.parse().map_err(D::Error::custom)
        } else {
            Self::from_micros(i64::deserialize(deserializer)?).map_err(D::Error::custom)
        }
    }
}

/// A span of time between two moments, both included; an open end is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimeRange {
    /// The earliest moment that belongs to it.
    pub from: Option<Timestamp>,
    /// The latest moment that belongs to it.
    pub to: Option<Timestamp>,
}

impl TimeRange {
    /// All time.
    pub const ALL: Self = Self { from: None, to: None };

    /// Everything from `from` on.
    pub const fn since(from: Timestamp) -> Self {
        Self { from: Some(from), to: None }
    }

    /// The least and the greatest id of what was created within it.
    pub fn ids(&self) -> (uuid::Uuid, uuid::Uuid) {
        super::id::bounds(self.from.unwrap_or(Timestamp::MIN), self.to.unwrap_or(Timestamp::MAX))
    }

    /// Whether `at` belongs to it.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at <= to)
    }
}

#[cfg(test)]
mod tests {
    use chrono::SecondsFormat;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_moment_is_written_as_chrono_writes_it(micros in Timestamp::MIN.0..=Timestamp::MAX.0) {
            let time = Timestamp::from_micros(micros)?;
            let expected = time.to_datetime().to_rfc3339_opts(SecondsFormat::Micros, true);
            prop_assert_eq!(time.to_string(), expected.clone());
            prop_assert_eq!(expected.parse::<Timestamp>()?, time);
        }
    }

    #[test]
    fn the_first_and_the_last_moment_are_written() {
        assert_eq!(Timestamp::MIN.to_string(), "1970-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
    }
}
