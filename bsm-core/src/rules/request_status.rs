//! Where a service request may go from where it stands, and who may move it: one table.
//!
//! | from | to | who |
//! |---|---|---|
//! | submitted, where approval is needed | approved, rejected | an admin |
//! | submitted, where it is not; approved | scheduled, in progress, fulfilled, rejected | staff |
//! | scheduled | scheduled for another date, in progress, fulfilled | staff |
//! | in progress | fulfilled | staff |
//! | submitted, approved, scheduled, in progress | cancelled | staff, the customer |
//! | fulfilled, not rated | in progress | only by reopening its ticket |
//!
//! Submitted, approved and in progress are the phase `open`, scheduled is `waiting`, fulfilled is `done`, rejected and
//! cancelled are `dropped`.

use crate::model::{RequestStatus, ServiceRequest};
use crate::{Error, Result};

/// Who moves a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mover {
    /// An admin.
    Admin,
    /// An agent.
    Agent,
    /// The customer who made it.
    Customer,
    /// The ticket that was made from it.
    Ticket,
}

/// Whether the line is for requests whose service needs approval.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Approval {
    Needed,
    NotNeeded,
    Either,
}

struct Move {
    from: &'static [RequestStatus],
    approval: Approval,
    to: &'static [RequestStatus],
    by: &'static [Mover],
}

use RequestStatus::{Approved, Cancelled, Fulfilled, InProgress, Rejected, Scheduled, Submitted};

const STAFF: &[Mover] = &[Mover::Admin, Mover::Agent, Mover::Ticket];

const MOVES: &[Move] = &[
    Move { from: &[Submitted], approval: Approval::Needed, to: &[Approved, Rejected], by: &[Mover::Admin] },
    Move {
        from: &[Submitted],
        approval: Approval::NotNeeded,
        to: &[Scheduled, InProgress, Fulfilled, Rejected],
        by: STAFF,
    },
    Move {
        from: &[Approved],
        approval: Approval::Either,
        to: &[Scheduled, InProgress, Fulfilled, Rejected],
        by: STAFF,
    },
    // Scheduled again is another date; that it is another one is the caller's to check.
    Move { from: &[Scheduled], approval: Approval::Either, to: &[Scheduled, InProgress, Fulfilled], by: STAFF },
    Move { from: &[InProgress], approval: Approval::Either, to: &[Fulfilled], by: STAFF },
    Move {
        from: &[Submitted, Approved, Scheduled, InProgress],
        approval: Approval::Either,
        to: &[Cancelled],
        by: &[Mover::Admin, Mover::Agent, Mover::Customer],
    },
    Move { from: &[Fulfilled], approval: Approval::Either, to: &[InProgress], by: &[Mover::Ticket] },
];

fn allows(request: &ServiceRequest, to: RequestStatus, mover: Mover) -> bool {
    let approval = |line: &Move| match line.approval {
        Approval::Either => true,
        Approval::Needed => request.needs_approval,
        Approval::NotNeeded => !request.needs_approval,
    };
    // What was rated stays fulfilled.
    let kept = request.status == Fulfilled && request.rated;
    !kept
        && MOVES.iter().any(|line| {
            line.from.contains(&request.status) && approval(line) && line.to.contains(&to) && line.by.contains(&mover)
        })
}

/// Where `mover` can move this request, in the order of the codes.
pub fn legal(request: &ServiceRequest, mover: Mover) -> Vec<RequestStatus> {
    RequestStatus::ALL.iter().copied().filter(|to| allows(request, *to, mover)).collect()
}

/// Refuses what the table does not hold.
///
/// # Errors
/// [`Error::IllegalMove`], which lists where this mover can move the request.
pub fn check(request: &ServiceRequest, to: RequestStatus, mover: Mover) -> Result<()> {
    if allows(request, to, mover) {
        return Ok(());
    }
    Err(Error::IllegalMove {
        key: request.id.into(),
        from: request.status.as_str(),
        to: to.as_str(),
        legal: legal(request, mover).into_iter().map(RequestStatus::as_str).collect(),
    })
}
