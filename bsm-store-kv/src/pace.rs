//! How long the engine takes for what it is given: so a group is cut by the time that it will take, not by a guess.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a group may take to be applied: how long its first command waits for the others.
const GROUP_TIME: Duration = Duration::from_millis(20);
/// What one key is taken to cost before anything was measured: sled's, about.
const FIRST_GUESS: Duration = Duration::from_micros(35);
/// A group may weigh so much however slow the engine is, and no more however fast.
const WEIGHTS: std::ops::RangeInclusive<usize> = 64..=8192;
/// Smaller groups say more of the call than of its keys.
const TELLING: usize = 16;

/// The engine's pace, as it was lately.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Nanoseconds for each key, or what weighs as much.
    each: AtomicU64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { each: AtomicU64::new(nanos(FIRST_GUESS)) }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Pace {
    /// How much a group may weigh.
    pub(crate) fn weight(&self) -> usize {
        let fits = nanos(GROUP_TIME) / self.each.load(Ordering::Relaxed).max(1);
        usize::try_from(fits).unwrap_or(usize::MAX).clamp(*WEIGHTS.start(), *WEIGHTS.end())
    }

    /// Learns from a group that weighed so much and took so long. One slow group alone does not change much.
    pub(crate) fn learn(&self, weight: usize, took: Duration) {
        if weight < TELLING {
            return;
        }
        let now = nanos(took) / u64::try_from(weight).unwrap_or(u64::MAX);
        let before = self.each.load(Ordering::Relaxed);
        self.each.store(before - before / 4 + now / 4, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_engine_gets_small_groups_and_a_quick_one_large() {
        let pace = Pace::default();
        assert_eq!(pace.weight(), 571);
        for _ in 0..20 {
            pace.learn(1_000, Duration::from_secs(1));
        }
        assert_eq!(pace.weight(), 64, "a millisecond for each");
        for _ in 0..40 {
            pace.learn(1_000, Duration::from_millis(1));
        }
        assert_eq!(pace.weight(), 8192, "a microsecond for each");
        pace.learn(1, Duration::from_secs(9));
        assert_eq!(pace.weight(), 8192, "a small one tells nothing");
    }
}
