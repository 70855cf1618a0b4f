//! What customers think: figures of ratings.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::model::Stars;

/// How many ratings there are of each kind, and what follows from that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatingFigures {
    /// How many gave 1, 2, 3, 4 and 5 stars.
    pub distribution: [u64; 5],
}

impl RatingFigures {
    pub(crate) fn add(&mut self, stars: Stars, count: u64) {
        self.distribution[usize::from(stars.code()) - 1] += count;
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.distribution.iter().sum()
    }

    /// The mean number of stars, to two decimals, halves away from zero; `None` without ratings.
    ///
    /// ```
    /// use bsm_core::view::RatingFigures;
    ///
    /// let figures = RatingFigures { distribution: [0, 0, 1, 2, 3] };
    /// assert_eq!(figures.mean().map(|mean| mean.to_string()).as_deref(), Some("4.33"));
    /// assert_eq!(figures.satisfaction().map(|share| share.to_string()).as_deref(), Some("0.8333"));
    /// ```
    pub fn mean(&self) -> Option<Decimal> {
        let stars: u64 = (1..).zip(self.distribution).map(|(stars, count)| stars * count).sum();
        ratio(stars, self.count(), 2)
    }

    /// The share of those who gave 4 or 5 stars, from 0 to 1, to four decimals; `None` without ratings.
    pub fn satisfaction(&self) -> Option<Decimal> {
        ratio(self.distribution[3] + self.distribution[4], self.count(), 4)
    }
}

fn ratio(part: u64, whole: u64, decimals: u32) -> Option<Decimal> {
    let exact = Decimal::from(part).checked_div(Decimal::from(whole))?;
    let mut rounded = exact.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(decimals);
    Some(rounded)
}
