//! Where a ticket may go from where it stands, and who may move it: one table.
//!
//! | from | to | who |
//! |---|---|---|
//! | new | in progress, on hold, resolved | staff |
//! | in progress | on hold, resolved | staff |
//! | on hold | in progress, resolved, on hold for another reason | staff |
//! | new, in progress, on hold | cancelled | staff, the customer |
//! | resolved | in progress (reopened) | staff, the customer |
//! | resolved | closed | staff, the customer, the system |
//!
//! Nothing leaves closed and cancelled. New and in progress are the phase `open`, on hold is `waiting`, resolved and closed
//! are `done`, cancelled is `dropped`.

use crate::model::{HoldReason, TicketId, TicketStatus};
use crate::{Error, Result};

/// Who moves a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mover {
    /// An admin or an agent.
    Staff,
    /// The customer whose ticket it is.
    Customer,
    /// The desk, closing what was resolved long enough ago.
    System,
}

/// One line of the table: from any of these to any of those, by any of them.
struct Move {
    from: &'static [TicketStatus],
    to: &'static [TicketStatus],
    by: &'static [Mover],
}

use TicketStatus::{Cancelled, Closed, InProgress, New, OnHold, Resolved};

const HOLD_CUSTOMER: TicketStatus = OnHold(HoldReason::Customer);
const HOLD_PROBLEM: TicketStatus = OnHold(HoldReason::Problem);
const HOLD_VENDOR: TicketStatus = OnHold(HoldReason::Vendor);
const HOLD_EVIDENCE: TicketStatus = OnHold(HoldReason::Evidence);
const HOLDS: &[TicketStatus] = &[HOLD_CUSTOMER, HOLD_PROBLEM, HOLD_VENDOR, HOLD_EVIDENCE];

const MOVES: &[Move] = &[
    Move {
        from: &[New],
        to: &[InProgress, HOLD_CUSTOMER, HOLD_PROBLEM, HOLD_VENDOR, HOLD_EVIDENCE, Resolved],
        by: &[Mover::Staff],
    },
    Move {
        from: &[InProgress],
        to: &[HOLD_CUSTOMER, HOLD_PROBLEM, HOLD_VENDOR, HOLD_EVIDENCE, Resolved],
        by: &[Mover::Staff],
    },
    // From one hold to another reason; staying on the same is no move.
    Move {
        from: HOLDS,
        to: &[InProgress, HOLD_CUSTOMER, HOLD_PROBLEM, HOLD_VENDOR, HOLD_EVIDENCE, Resolved],
        by: &[Mover::Staff],
    },
    Move {
        from: &[New, InProgress, HOLD_CUSTOMER, HOLD_PROBLEM, HOLD_VENDOR, HOLD_EVIDENCE],
        to: &[Cancelled],
        by: &[Mover::Staff, Mover::Customer],
    },
    Move { from: &[Resolved], to: &[InProgress], by: &[Mover::Staff, Mover::Customer] },
    Move { from: &[Resolved], to: &[Closed], by: &[Mover::Staff, Mover::Customer, Mover::System] },
];

/// Where `mover` can move a ticket that stands at `from`, in the order of the codes.
///
/// ```
/// use bsm_core::model::TicketStatus;
/// use bsm_core::rules::ticket_status::{Mover, legal};
///
/// assert_eq!(legal(TicketStatus::Resolved, Mover::System), [TicketStatus::Closed]);
/// assert!(legal(TicketStatus::Closed, Mover::Staff).is_empty());
/// ```
pub fn legal(from: TicketStatus, mover: Mover) -> Vec<TicketStatus> {
    TicketStatus::ALL.iter().copied().filter(|to| allows(from, *to, mover)).collect()
}

fn allows(from: TicketStatus, to: TicketStatus, mover: Mover) -> bool {
    from != to
        && MOVES.iter().any(|line| line.from.contains(&from) && line.to.contains(&to) && line.by.contains(&mover))
}

/// Refuses what the table does not hold.
///
/// # Errors
/// [`Error::IllegalMove`], which lists where this mover can go from here.
pub fn check(ticket: TicketId, from: TicketStatus, to: TicketStatus, mover: Mover) -> Result<()> {
    if allows(from, to, mover) {
        return Ok(());
    }
    Err(Error::IllegalMove {
        key: ticket.into(),
        from: from.as_str(),
        to: to.as_str(),
        legal: legal(from, mover).into_iter().map(TicketStatus::as_str).collect(),
    })
}

/// Whether staff, or an import, may open a ticket in this status: any but the two that nothing leaves.
pub const fn may_open_in(status: TicketStatus) -> bool {
    !status.is_final()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_what_is_final() {
        for mover in [Mover::Staff, Mover::Customer, Mover::System] {
            assert!(legal(Closed, mover).is_empty() && legal(Cancelled, mover).is_empty());
        }
    }

    #[test]
    fn only_a_resolved_ticket_is_closed() {
        for from in TicketStatus::ALL {
            assert_eq!(legal(*from, Mover::Staff).contains(&Closed), *from == Resolved);
        }
    }

    #[test]
    fn a_customer_withdraws_reopens_and_closes_and_nothing_else() {
        assert_eq!(legal(New, Mover::Customer), [Cancelled]);
        assert_eq!(legal(HOLD_VENDOR, Mover::Customer), [Cancelled]);
        assert_eq!(legal(Resolved, Mover::Customer), [InProgress, Closed]);
    }

    #[test]
    fn a_hold_goes_to_another_reason_but_not_to_its_own() {
        assert_eq!(
            legal(HOLD_VENDOR, Mover::Staff),
            [InProgress, HOLD_CUSTOMER, HOLD_PROBLEM, HOLD_EVIDENCE, Resolved, Cancelled]
        );
    }
}
