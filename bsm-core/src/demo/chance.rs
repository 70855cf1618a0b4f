//! Choices that follow from the seed: the same seed makes the same choices, whatever else the demonstration grows.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A row of choices about one topic. Each topic draws for itself, so that a text more in one room of the demonstration
/// changes no choice in another.
#[derive(Debug)]
pub(super) struct Chance {
    seed: u64,
    drawn: u64,
}

impl Chance {
    pub(super) fn about(topic: &str, seed: u64) -> Self {
        Self { seed: xxh3_64_with_seed(topic.as_bytes(), seed), drawn: 0 }
    }

    /// A number below `end`; 0 if `end` is 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let bits = xxh3_64_with_seed(&self.drawn.to_be_bytes(), self.seed);
        self.drawn += 1;
        // The remainder favours small numbers by less than one in 2^50 here.
        usize::try_from(bits.checked_rem(end as u64).unwrap_or(0)).unwrap_or(0)
    }

    /// One of these.
    pub(super) fn pick<'a, T, const N: usize>(&mut self, from: &'a [T; N]) -> &'a T {
        const { assert!(N > 0, "nothing to pick from") };
        &from[self.below(N)]
    }

    /// These in another order.
    pub(super) fn shuffled<T>(&mut self, items: impl IntoIterator<Item = T>) -> Vec<T> {
        let mut items: Vec<T> = items.into_iter().collect();
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
        items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_another_differs() {
        let order = |seed| Chance::about("people", seed).shuffled(0..20);
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
        assert_ne!(Chance::about("articles", 1).shuffled(0..20), order(1));
        let mut sorted = order(3);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn a_number_lies_below_its_end() {
        let mut chance = Chance::about("numbers", 7);
        assert_eq!(chance.below(0), 0);
        let drawn: std::collections::BTreeSet<usize> = (0..200).map(|_| chance.below(5)).collect();
        assert_eq!(drawn, (0..5).collect());
    }
}
