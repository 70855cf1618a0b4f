//! How often each kind of command succeeded and was refused, and what was reached: whether the wishes are worth something.

use std::collections::BTreeMap;
use std::fmt;

use super::wish::Kind;

/// Counts of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    kinds: BTreeMap<Kind, (usize, usize)>,
    reached: BTreeMap<&'static str, usize>,
    pub(crate) cases: usize,
    pub(crate) reopened: usize,
    pub(crate) moved: usize,
}

impl Tally {
    pub(crate) fn count(&mut self, kind: Kind, succeeded: bool) {
        let (ok, refused) = self.kinds.entry(kind).or_default();
        *(if succeeded { ok } else { refused }) += 1;
    }

    pub(crate) fn reach(&mut self, what: &'static str, times: usize) {
        *self.reached.entry(what).or_default() += times;
    }

    /// Adds a case's.
    pub(crate) fn add(&mut self, case: &Self) {
        self.cases += 1;
        self.reopened += case.reopened;
        self.moved += case.moved;
        for (kind, (ok, refused)) in &case.kinds {
            let sums = self.kinds.entry(*kind).or_default();
            *sums = (sums.0 + ok, sums.1 + refused);
        }
        for (what, times) in &case.reached {
            self.reach(what, *times);
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ok, refused) = self.kinds.values().fold((0, 0), |sums, one| (sums.0 + one.0, sums.1 + one.1));
        writeln!(f, "{} cases, {} commands done, {} refused", self.cases, ok, refused)?;
        for (kind, (ok, refused)) in &self.kinds {
            writeln!(f, "{ok:>9} done {refused:>8} refused  {kind:?}")?;
        }
        for (what, times) in &self.reached {
            writeln!(f, "{times:>9} times {what}")?;
        }
        if self.reopened > 0 {
            writeln!(f, "{:>9} times the store was opened again", self.reopened)?;
        }
        if self.moved > 0 {
            writeln!(f, "{:>9} times the desk went to another store", self.moved)?;
        }
        Ok(())
    }
}
