//! When things happened: working days, counted back from the day before the desk was filled.

use crate::model::Timestamp;

const MINUTE: i64 = 60 * 1_000_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// A moment of the demonstration's past, or of its near future.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct When {
    /// How many working days before the last one; negative for days to come.
    days: i32,
    /// Minutes since midnight.
    minute: i32,
}

/// At this time of day, so many working days before the last one.
pub(super) const fn on(days: i32, hour: i32, minute: i32) -> When {
    When { days, minute: hour * 60 + minute }
}

impl When {
    /// A few minutes later.
    pub(super) const fn later(self, minutes: i32) -> Self {
        Self { minute: self.minute + minutes, ..self }
    }
}

/// The working days around the moment at which the desk is filled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calendar {
    /// The last working day that was over by then, in days since 1970.
    last: i64,
}

impl Calendar {
    pub(super) fn before(filled_at: Timestamp) -> Self {
        Self { last: step(filled_at.micros().div_euclid(DAY), -1) }
    }

    /// The moment. All of the past lies before the desk is filled.
    pub(super) fn at(self, when: When) -> Timestamp {
        let direction = if when.days < 0 { 1 } else { -1 };
        let day = (0..when.days.unsigned_abs()).fold(self.last, |day, _| step(day, direction));
        Timestamp::MIN.plus_micros(day * DAY + i64::from(when.minute) * MINUTE)
    }
}

/// The next working day in this direction.
fn step(day: i64, direction: i64) -> i64 {
    let next = day + direction;
    if is_weekend(next) { step(next, direction) } else { next }
}

/// Day 0, the first of January 1970, was a Thursday.
const fn is_weekend(day: i64) -> bool {
    matches!((day + 3).rem_euclid(7), 5 | 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(at: &str) -> Calendar {
        Calendar::before(at.parse().expect("a time"))
    }

    #[test]
    fn days_are_counted_over_weekends() {
        // A Monday morning: the last working day was Friday.
        let monday = calendar("2026-03-16T08:00:00Z");
        assert_eq!(monday.at(on(0, 17, 5)).to_string(), "2026-03-13T17:05:00.000000Z");
        assert_eq!(monday.at(on(5, 9, 0)).to_string(), "2026-03-06T09:00:00.000000Z");
        assert_eq!(monday.at(on(-1, 9, 0)).to_string(), "2026-03-16T09:00:00.000000Z");
        assert_eq!(monday.at(on(-6, 9, 0).later(30)).to_string(), "2026-03-23T09:30:00.000000Z");
    }

    #[test]
    fn the_past_is_over_on_whatever_day_the_desk_is_filled() {
        for day in 10..=20 {
            let filled = format!("2026-04-{day}T00:00:00Z");
            let last = calendar(&filled).at(on(0, 23, 59));
            assert!(last < filled.parse().expect("a time"), "{filled}");
        }
    }

    #[test]
    fn a_clock_that_stands_at_the_beginning_is_no_failure() {
        assert_eq!(Calendar::before(Timestamp::MIN).at(on(30, 9, 0)), Timestamp::MIN);
    }
}
