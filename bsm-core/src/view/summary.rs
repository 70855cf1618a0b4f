//! The admin's summary: totals of the whole desk, read from counters.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::model::{ArticleStatus, Currency, RequestStatus, Role, Stars, TicketStatus, from_minor_units};
use crate::schema::Counter;
use crate::store::CountQuery;

use super::RatingFigures;

/// The families of counters that a summary reads, in the order in which [`Summary::from_counts`] takes them.
pub(crate) const COUNTED: [Counter; 7] = [
    Counter::Users,
    Counter::Tickets,
    Counter::Articles,
    Counter::Services,
    Counter::Requests,
    Counter::Ratings,
    Counter::Revenue,
];

/// What fulfilled requests earned in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Revenue {
    /// The currency.
    pub currency: Currency,
    /// The sum of their prices.
    #[serde(with = "rust_decimal::serde::str")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub amount: Decimal,
}

/// The totals of a desk: the view `admin_customer_summary`. Costs the same at any size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Summary {
    /// People by role, inactive ones too. A role that nobody has is absent.
    pub users: BTreeMap<Role, u64>,
    /// People who may act.
    pub active_users: u64,
    /// Services that can be asked for.
    pub active_services: u64,
    /// Services that can't.
    pub retired_services: u64,
    /// Tickets by status. A status without any is absent.
    pub tickets: BTreeMap<TicketStatus, u64>,
    /// Requests by status.
    pub requests: BTreeMap<RequestStatus, u64>,
    /// Articles by status.
    pub articles: BTreeMap<ArticleStatus, u64>,
    /// Ratings.
    pub ratings: RatingFigures,
    /// What fulfilled requests earned, by currency, in the order of the codes.
    pub revenue: Vec<Revenue>,
}

impl Summary {
    /// How many tickets there are.
    pub fn ticket_count(&self) -> u64 {
        self.tickets.values().sum()
    }

    /// How many requests there are.
    pub fn request_count(&self) -> u64 {
        self.requests.values().sum()
    }

    /// How many people there are.
    pub fn user_count(&self) -> u64 {
        self.users.values().sum()
    }

    /// How many services there are.
    pub const fn service_count(&self) -> u64 {
        self.active_services + self.retired_services
    }

    /// How many articles there are.
    pub fn article_count(&self) -> u64 {
        self.articles.values().sum()
    }

    /// What to ask a store for.
    pub(crate) fn queries() -> Vec<CountQuery> {
        COUNTED.iter().map(|counter| CountQuery { counter: *counter, prefix: Vec::new() }).collect()
    }

    /// Puts the counters together. A counter of a word that this release does not know is left out.
    pub(crate) fn from_counts(counts: &[Vec<(Vec<String>, i128)>]) -> Self {
        let mut summary = Self::default();
        for (counter, sums) in COUNTED.iter().zip(counts) {
            for (words, sum) in sums {
                summary.add(*counter, words, *sum);
            }
        }
        summary.revenue.sort_by_key(|revenue| revenue.currency);
        summary
    }

    fn add(&mut self, counter: Counter, words: &[String], sum: i128) {
        fn put<K: Ord + std::str::FromStr>(map: &mut BTreeMap<K, u64>, word: &str, count: u64) {
            if let Ok(key) = word.parse() {
                *map.entry(key).or_default() += count;
            }
        }
        let count = u64::try_from(sum).unwrap_or(0);
        match (counter, words) {
            (Counter::Users, [role, active]) => {
                put(&mut self.users, role, count);
                if active == "true" {
                    self.active_users += count;
                }
            }
            (Counter::Services, [active]) if active == "true" => self.active_services += count,
            (Counter::Services, _) => self.retired_services += count,
            (Counter::Tickets, [status]) => put(&mut self.tickets, status, count),
            (Counter::Articles, [status]) => put(&mut self.articles, status, count),
            (Counter::Requests, [status]) => put(&mut self.requests, status, count),
            (Counter::Ratings, [stars]) => {
                if let Ok(stars) = stars.parse::<Stars>() {
                    self.ratings.add(stars, count);
                }
            }
            (Counter::Revenue, [currency]) => {
                if let Ok(currency) = currency.parse::<Currency>() {
                    self.revenue.push(Revenue { currency, amount: from_minor_units(sum, currency) });
                }
            }
            _ => {}
        }
    }
}
