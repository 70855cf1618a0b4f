//! The two tables of moves and the priority matrix, written down once more, from the plan of the desk.

use crate::model::{HoldReason, Impact, Priority, RequestStatus, ServiceRequest, TicketStatus, Urgency};

/// Who moves something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// An admin.
    Admin,
    /// An agent, or an admin at the agents' door.
    Staff,
    /// The customer whose it is.
    Customer,
}

/// Where a ticket may go, in the order of the codes.
pub(crate) fn ticket_moves(from: TicketStatus, who: Who) -> Vec<TicketStatus> {
    use TicketStatus::{Cancelled, Closed, InProgress, New, OnHold, Resolved};
    let staff = who != Who::Customer;
    let holds = [HoldReason::Customer, HoldReason::Problem, HoldReason::Vendor, HoldReason::Evidence].map(OnHold);
    match from {
        New | InProgress | OnHold(_) if !staff => vec![Cancelled],
        New => [&[InProgress], &holds[..], &[Resolved, Cancelled]].concat(),
        InProgress => [&holds[..], &[Resolved, Cancelled]].concat(),
        OnHold(_) => {
            let others: Vec<TicketStatus> = holds.into_iter().filter(|hold| *hold != from).collect();
            [&[InProgress], &others[..], &[Resolved, Cancelled]].concat()
        }
        Resolved => vec![InProgress, Closed],
        Closed | Cancelled => Vec::new(),
    }
}

/// Where a request may go, in the order of the codes, save back to work with its ticket.
pub(crate) fn request_moves(request: &ServiceRequest, who: Who) -> Vec<RequestStatus> {
    use RequestStatus::{Approved, Cancelled, Fulfilled, InProgress, Rejected, Scheduled, Submitted};
    let staff = who != Who::Customer;
    match request.status {
        Submitted | Approved | Scheduled | InProgress if !staff => vec![Cancelled],
        Submitted if request.needs_approval && who == Who::Admin => vec![Approved, Rejected, Cancelled],
        Submitted if request.needs_approval => vec![Cancelled],
        Submitted | Approved => vec![Scheduled, InProgress, Fulfilled, Rejected, Cancelled],
        Scheduled => vec![Scheduled, InProgress, Fulfilled, Cancelled],
        InProgress => vec![Fulfilled, Cancelled],
        Fulfilled | Rejected | Cancelled => Vec::new(),
    }
}

/// Impact and urgency, each from 1 to 3, added up: 2 is critical, 3 high, 4 moderate, more is low.
pub(crate) fn priority(impact: Impact, urgency: Urgency) -> Priority {
    match impact.code() + urgency.code() {
        0..=2 => Priority::Critical,
        3 => Priority::High,
        4 => Priority::Moderate,
        _ => Priority::Low,
    }
}
