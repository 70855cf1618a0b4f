//! Where time and chance come from. Both are injected, so that a test, or a demonstration with a seed, repeats exactly.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::model::Timestamp;
use crate::{Error, Result};

/// Tells the time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now. It may stand still or jump; the desk never lets its own time run back.
    fn now(&self) -> Timestamp;
}

/// Gives the random part of ids.
pub trait IdSource: fmt::Debug + Send + Sync + 'static {
    /// 64 fresh random bits.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the system has no randomness to give.
    fn bits(&self) -> Result<u64>;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::MIN.plus_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemIds;

impl IdSource for SystemIds {
    fn bits(&self) -> Result<u64> {
        getrandom::u64()
            .map_err(|source| Error::Unavailable { store: "the system's randomness".to_owned(), source: source.into() })
    }
}

/// A clock that begins at a given moment and goes on by a fixed step each time it is asked.
#[derive(Debug)]
pub struct SteppingClock {
    next: AtomicI64,
    step: i64,
}

impl SteppingClock {
    /// Begins at `start` and goes on by `step_micros` microseconds.
    pub fn new(start: Timestamp, step_micros: i64) -> Self {
        Self { next: AtomicI64::new(start.micros()), step: step_micros }
    }

    /// Jumps to `to`.
    pub fn set(&self, to: Timestamp) {
        self.next.store(to.micros(), Ordering::SeqCst);
    }
}

impl Clock for SteppingClock {
    fn now(&self) -> Timestamp {
        Timestamp::MIN.plus_micros(self.next.fetch_add(self.step, Ordering::SeqCst))
    }
}

/// Bits that follow from a seed: the same seed gives the same ids in the same order.
#[derive(Debug)]
pub struct SeededIds {
    seed: u64,
    count: AtomicU64,
}

impl SeededIds {
    /// A source with this seed.
    pub const fn new(seed: u64) -> Self {
        Self { seed, count: AtomicU64::new(0) }
    }
}

impl IdSource for SeededIds {
    fn bits(&self) -> Result<u64> {
        let count = self.count.fetch_add(1, Ordering::SeqCst);
        Ok(xxh3_64_with_seed(&count.to_be_bytes(), self.seed))
    }
}

/// The desk's own time: the clock's, but each reading is later than the one before, and later than whatever the desk
/// read that was recorded before. So what one desk makes in order has ids in that order, and the times at which the
/// changes of one row were recorded never run back, whoever recorded them and by whatever clock.
#[derive(Debug)]
pub(crate) struct DeskTime {
    clock: std::sync::Arc<dyn Clock>,
    last: AtomicI64,
}

impl DeskTime {
    pub(crate) fn new(clock: std::sync::Arc<dyn Clock>) -> Self {
        Self { clock, last: AtomicI64::new(0) }
    }

    /// Goes on behind a moment at which something was recorded.
    pub(crate) fn observe(&self, recorded: Timestamp) {
        self.last.fetch_max(recorded.micros(), Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> Timestamp {
        let read = self.clock.now().micros();
        let last =
            self.last.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(read.max(last + 1))).unwrap_or(read);
        Timestamp::MIN.plus_micros(read.max(last + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn desk_time_never_stands_still_or_runs_back() {
        let clock = std::sync::Arc::new(SteppingClock::new(Timestamp::MIN.plus_micros(1_000), 0));
        let time = DeskTime::new(clock.clone());
        let (first, second) = (time.now(), time.now());
        clock.set(Timestamp::MIN.plus_micros(10));
        let third = time.now();
        assert!(first < second && second < third);
        let elsewhere = third.plus_micros(1_000_000);
        time.observe(elsewhere);
        assert!(time.now() > elsewhere);
    }
}
