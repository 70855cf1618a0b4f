//! What customers think: figures of ratings.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::model::Stars;

/// How many ratings there are of each kind, and what follows from that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RatingFigures {
    /// How many gave 1, 2, 3, 4 and 5 stars.
    pub distribution: [u64; 5],
}

impl RatingFigures {
    pub(crate) fn add(&mut self, stars: Stars, count: u64) {
        let given = &mut self.distribution[usize::from(stars.code()) - 1];
        *given = given.saturating_add(count);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.distribution.iter().fold(0, |sum, count| sum.saturating_add(*count))
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
        let stars =
            (1..).zip(self.distribution).map(|(stars, count): (i64, u64)| Decimal::from(stars) * Decimal::from(count));
        ratio(stars.sum(), self.exact_count(), 2)
    }

    /// The share of those who gave 4 or 5 stars, from 0 to 1, to four decimals; `None` without ratings.
    pub fn satisfaction(&self) -> Option<Decimal> {
        ratio(Decimal::from(self.distribution[3]) + Decimal::from(self.distribution[4]), self.exact_count(), 4)
    }

    /// How many there are, where five counts of any size still add up.
    fn exact_count(&self) -> Decimal {
        self.distribution.iter().map(|count| Decimal::from(*count)).sum()
    }
}

fn ratio(part: Decimal, whole: Decimal, decimals: u32) -> Option<Decimal> {
    let exact = part.checked_div(whole)?;
    let mut rounded = exact.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(decimals);
    Some(rounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_counts_have_figures() {
        let most = RatingFigures { distribution: [u64::MAX; 5] };
        assert_eq!(most.count(), u64::MAX);
        assert_eq!(most.mean(), Some(Decimal::new(300, 2)));
        assert_eq!(most.satisfaction(), Some(Decimal::new(4000, 4)));
        assert_eq!(RatingFigures::default().mean(), None);
    }
}
