//! What rows add to the counters, summed. For whoever counts by itself: a call, and the long way where no triggers do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::str::FromStr;

use bsm_core::model::{Entity, FieldChange, Row};
use bsm_core::schema::{Counter, Field, contributions};

/// A counter's family and names, in the order in which counters are written.
type Name = (&'static str, Vec<String>);

/// Sums by counter, with the decimals in each.
#[derive(Debug, Default)]
pub(crate) struct Tally(BTreeMap<Name, (i128, u32)>);

impl Tally {
    /// Adds what a row counts for; `None` if a sum leaves its range.
    pub(crate) fn add(&mut self, row: &Row) -> Option<()> {
        self.count(row, 1)
    }

    /// Takes away what a row counts for; `None` if a sum leaves its range.
    pub(crate) fn take(&mut self, row: &Row) -> Option<()> {
        self.count(row, -1)
    }

    /// Adds another's sums; `None` if one leaves its range.
    pub(crate) fn merge(&mut self, other: &Self) -> Option<()> {
        for ((family, names), (amount, scale)) in &other.0 {
            self.put((*family, names.clone()), *amount, *scale)?;
        }
        Some(())
    }

    /// Those that are not nothing: family, names, sum, decimals.
    pub(crate) fn sums(&self) -> impl Iterator<Item = (&'static str, &[String], i128, u32)> {
        let all = self.0.iter().map(|((family, names), (sum, scale))| (*family, &**names, *sum, *scale));
        all.filter(|(_, _, sum, _)| *sum != 0)
    }

    fn count(&mut self, row: &Row, sign: i128) -> Option<()> {
        for (counter, values, amount) in contributions(row) {
            let names = values.iter().map(|value| value.to_text().unwrap_or_default()).collect();
            self.put((counter.as_str(), names), amount.checked_mul(sign)?, scale(counter, row))?;
        }
        Some(())
    }

    fn put(&mut self, name: Name, amount: i128, scale: u32) -> Option<()> {
        let (sum, _) = self.0.entry(name).or_insert((0, scale));
        *sum = sum.checked_add(amount)?;
        Some(())
    }
}

/// How many decimals a counter's amount has: those of its currency, if it is money.
fn scale(counter: Counter, row: &Row) -> u32 {
    match (counter, row) {
        (Counter::Revenue, Row::Request(request)) => request.price.currency().scale(),
        _ => 0,
    }
}

/// The fields that say what a row of an entity counts for. The function `bsm_commit` compares their values, so it has the
/// same list.
const fn counted(entity: Entity) -> &'static [Field] {
    match entity {
        Entity::Request => &[Field::Status, Field::ServiceId, Field::Price, Field::Currency],
        Entity::Ticket | Entity::Article => &[Field::Status],
        Entity::User => &[Field::Role, Field::Active],
        Entity::Service => &[Field::Active],
        Entity::Rating => &[Field::ServiceId, Field::Stars],
        _ => &[],
    }
}

/// What a row counts for, as one text.
pub(crate) fn state(row: &Row) -> String {
    let mut state = String::new();
    for field in counted(row.entity()) {
        let sign = if state.is_empty() { "" } else { " " };
        // Writing to a string never fails.
        let _ = write!(state, "{sign}{}", row.value(*field).to_text().unwrap_or_default());
    }
    state
}

/// A row as it was before these changes, as far as it was counted; `None` if it counts for the same after them.
///
/// # Errors
/// A change of what is counted from something that can't be read, or that a row does not change while it lives.
pub(crate) fn before(row: &Row, changes: &[FieldChange]) -> Result<Option<Row>, NotTold> {
    let counted = counted(row.entity());
    let mut before = None;
    for change in changes.iter().filter(|change| counted.contains(&change.field)) {
        let from = change.from.as_deref().ok_or(NotTold)?;
        match (before.get_or_insert_with(|| row.clone()), change.field) {
            (Row::Request(request), Field::Status) => request.status = read(from)?,
            (Row::Ticket(ticket), Field::Status) => ticket.status = read(from)?,
            (Row::Article(article), Field::Status) => article.status = read(from)?,
            (Row::User(user), Field::Role) => user.role = read(from)?,
            (Row::User(user), Field::Active) => user.active = read(from)?,
            (Row::Service(service), Field::Active) => service.active = read(from)?,
            (Row::Rating(rating), Field::Stars) => rating.rating = read(from)?,
            _ => return Err(NotTold),
        }
    }
    Ok(before)
}

/// Changes don't tell what a row counted for.
#[derive(Debug)]
pub(crate) struct NotTold;

fn read<T: FromStr>(text: &str) -> Result<T, NotTold> {
    text.parse().map_err(|_| NotTold)
}
