//! How the work of the demonstration goes: 17 tickets and 9 requests (three of which become tickets), step by step.
//!
//! The plots are the same for every seed. Who and what they are about is drawn.

use crate::model::{Channel, HoldReason};

use super::calendar::{When, on};
use super::words::Remark;

/// One of the two agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Staff {
    First,
    Second,
}

/// How a plot begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// A customer opens a ticket.
    Own,
    /// An agent opens one for a customer.
    For(Staff, Channel),
    /// An agent opens one for a customer, about trouble that many have.
    Outage(Staff),
    /// An agent opens one that a machine raised, for nobody.
    Alarm(Staff),
    /// The customer of the plot at this place follows its ticket up.
    FollowUp(usize),
    /// A customer asks for a service that needs approval, or for one that does not.
    Request { approval: bool },
    /// An agent enters what a customer asks for.
    RequestFor(Staff),
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// An agent takes the ticket: it is theirs, their group's, and in progress, by one change.
    Take(Staff),
    /// It goes to another agent and the second line, by one change.
    HandOver(Staff),
    Hold(HoldReason),
    Continue,
    Resolve,
    Note(Remark),
    /// It touches more, and can wait less, than it seemed.
    Raise,
    /// Its priority is set by hand.
    Override,
    /// Staff give it up.
    Cancel,
    /// Staff close it.
    Close,
    /// Its customer withdraws it.
    Withdraw,
    /// Its customer reopens it.
    Reopen,
    /// Its customer closes it.
    CloseOwn,
    Approve,
    /// The request gets a day.
    Schedule(When),
    /// Work on the request begins, without a ticket.
    Begin,
    Fulfil,
    /// The request becomes a ticket.
    Convert(Staff),
    /// Its customer rates it.
    Rate,
}

/// One story's course.
#[derive(Debug)]
pub(super) struct Plot {
    pub(super) begin: (When, Begin),
    pub(super) acts: &'static [(When, Act)],
}

use Act::{
    Approve, Cancel, Close, CloseOwn, Continue, Convert, Fulfil, HandOver, Hold, Note, Override, Raise, Rate, Reopen,
    Resolve, Schedule, Take, Withdraw,
};
use Staff::{First, Second};

const fn plot(when: When, begin: Begin, acts: &'static [(When, Act)]) -> Plot {
    Plot { begin: (when, begin), acts }
}

/// Who was resolved before this is closed by the desk itself when the demonstration is filled.
pub(super) const CLOSED_BEFORE: When = on(10, 0, 0);

/// The course of everything, in the order of beginning within tickets and requests.
pub(super) const PLOTS: [Plot; 26] = [
    // Tickets that are finished.
    plot(
        on(28, 6, 12),
        Begin::Alarm(First),
        &[
            (on(28, 6, 20), Note(Remark::Alarm)),
            (on(28, 6, 21), Take(First)),
            (on(28, 7, 55), Resolve),
            (on(27, 9, 0), Close),
        ],
    ),
    plot(
        on(27, 9, 10),
        Begin::Own,
        &[
            (on(27, 9, 32), Take(First)),
            (on(27, 9, 50), Hold(HoldReason::Customer)),
            (on(26, 8, 40), Continue),
            (on(26, 10, 15), Resolve),
            (on(26, 13, 5), CloseOwn),
        ],
    ),
    plot(on(25, 11, 3), Begin::For(First, Channel::Phone), &[(on(25, 11, 4), Take(First)), (on(25, 11, 30), Resolve)]),
    plot(
        on(22, 14, 20),
        Begin::For(Second, Channel::Email),
        &[
            (on(21, 8, 30), Take(Second)),
            (on(21, 10, 0), HandOver(First)),
            (on(21, 10, 2), Note(Remark::HandedOver)),
            (on(21, 11, 20), Hold(HoldReason::Vendor)),
            (on(21, 11, 22), Note(Remark::Vendor)),
            (on(18, 9, 5), Continue),
            (on(18, 15, 40), Resolve),
        ],
    ),
    plot(on(20, 8, 55), Begin::Own, &[(on(20, 9, 40), Withdraw)]),
    plot(
        on(17, 10, 12),
        Begin::For(First, Channel::Chat),
        &[(on(17, 10, 30), Note(Remark::Duplicate)), (on(17, 10, 31), Cancel)],
    ),
    // Tickets that were resolved lately.
    plot(
        on(12, 13, 25),
        Begin::Own,
        &[
            (on(12, 13, 50), Take(First)),
            (on(11, 9, 15), Resolve),
            (on(10, 8, 20), Reopen),
            (on(10, 9, 0), Hold(HoldReason::Evidence)),
            (on(6, 10, 40), Continue),
            (on(2, 16, 10), Resolve),
        ],
    ),
    plot(on(3, 13, 40), Begin::For(Second, Channel::Phone), &[(on(3, 13, 41), Take(Second)), (on(3, 14, 20), Resolve)]),
    // Tickets that wait.
    plot(
        on(15, 8, 7),
        Begin::Outage(Second),
        &[
            (on(15, 8, 9), Take(Second)),
            (on(15, 8, 30), Raise),
            (on(15, 11, 45), Hold(HoldReason::Problem)),
            (on(15, 11, 50), Note(Remark::Problem)),
        ],
    ),
    plot(
        on(8, 9, 48),
        Begin::For(First, Channel::WalkIn),
        &[
            (on(8, 9, 50), Take(First)),
            (on(8, 10, 30), Override),
            (on(7, 11, 10), Hold(HoldReason::Vendor)),
            (on(7, 11, 15), Note(Remark::Vendor)),
        ],
    ),
    plot(
        on(6, 15, 31),
        Begin::Own,
        &[
            (on(5, 8, 25), Take(Second)),
            (on(5, 8, 40), Hold(HoldReason::Customer)),
            (on(5, 8, 41), Note(Remark::Asked)),
        ],
    ),
    plot(
        on(5, 10, 2),
        Begin::For(Second, Channel::Email),
        &[(on(5, 10, 20), Take(Second)), (on(4, 14, 0), Hold(HoldReason::Evidence))],
    ),
    // Tickets that somebody works on, or will.
    plot(on(9, 10, 20), Begin::FollowUp(1), &[(on(9, 10, 45), Take(Second)), (on(9, 10, 50), Note(Remark::FollowUp))]),
    plot(
        on(4, 11, 11),
        Begin::For(First, Channel::Chat),
        &[(on(4, 11, 12), Take(First)), (on(3, 9, 30), HandOver(Second)), (on(3, 9, 31), Note(Remark::HandedOver))],
    ),
    plot(on(2, 9, 5), Begin::Own, &[(on(2, 10, 15), Take(First))]),
    plot(on(0, 15, 10), Begin::For(First, Channel::Email), &[]),
    plot(on(0, 16, 25), Begin::Own, &[]),
    // Requests that were fulfilled and rated: two by a ticket, four without.
    plot(
        on(26, 10, 30),
        Begin::Request { approval: false },
        &[
            (on(26, 11, 0), Convert(First)),
            (on(26, 11, 2), Take(First)),
            (on(24, 15, 30), Resolve),
            (on(23, 9, 0), CloseOwn),
            (on(23, 9, 5), Rate),
        ],
    ),
    plot(
        on(24, 8, 30),
        Begin::Request { approval: true },
        &[
            (on(24, 11, 0), Approve),
            (on(24, 11, 10), Schedule(on(20, 10, 0))),
            (on(20, 10, 40), Fulfil),
            (on(20, 16, 0), Rate),
        ],
    ),
    plot(
        on(19, 9, 0),
        Begin::Request { approval: false },
        &[
            (on(19, 9, 30), Convert(Second)),
            (on(19, 10, 0), Take(Second)),
            (on(17, 14, 0), Resolve),
            (on(16, 8, 45), Reopen),
            (on(14, 11, 30), Resolve),
            (on(13, 12, 0), Rate),
        ],
    ),
    plot(
        on(18, 13, 0),
        Begin::RequestFor(First),
        &[(on(18, 13, 20), Act::Begin), (on(17, 9, 45), Fulfil), (on(17, 10, 30), Rate)],
    ),
    plot(
        on(14, 9, 20),
        Begin::Request { approval: true },
        &[
            (on(13, 9, 0), Approve),
            (on(13, 9, 10), Schedule(on(9, 14, 0))),
            (on(10, 16, 0), Schedule(on(7, 10, 0))),
            (on(7, 10, 5), Act::Begin),
            (on(7, 11, 0), Fulfil),
            (on(6, 9, 10), Rate),
        ],
    ),
    plot(on(11, 14, 5), Begin::Request { approval: false }, &[(on(11, 14, 40), Fulfil), (on(10, 9, 9), Rate)]),
    // Requests that are not fulfilled yet.
    plot(
        on(5, 9, 15),
        Begin::Request { approval: false },
        &[
            (on(5, 9, 45), Convert(First)),
            (on(5, 9, 50), Take(First)),
            (on(3, 15, 20), Hold(HoldReason::Vendor)),
            (on(3, 15, 22), Note(Remark::Vendor)),
        ],
    ),
    plot(on(2, 14, 50), Begin::Request { approval: false }, &[(on(2, 15, 30), Schedule(on(-3, 10, 0)))]),
    plot(on(1, 11, 45), Begin::Request { approval: true }, &[]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::calendar::Calendar;
    use crate::model::Timestamp;

    fn count(of: impl Fn(&Plot) -> bool) -> usize {
        PLOTS.iter().filter(|plot| of(plot)).count()
    }

    #[test]
    fn the_plots_make_the_numbers_that_the_demonstration_names() {
        let does = |plot: &Plot, wanted: fn(&Act) -> bool| plot.acts.iter().any(|(_, act)| wanted(act));
        let requests = count(|plot| matches!(plot.begin.1, Begin::Request { .. } | Begin::RequestFor(_)));
        let converted = count(|plot| does(plot, |act| matches!(act, Convert(_))));
        let rated = count(|plot| does(plot, |act| *act == Rate));
        assert_eq!((requests, PLOTS.len() - requests + converted, rated), (9, 20, 6));
    }

    #[test]
    fn time_runs_forward_in_every_plot() {
        let calendar = Calendar::before("2026-03-16T08:00:00Z".parse().expect("a time"));
        for plot in &PLOTS {
            let times = plot.acts.iter().map(|(when, _)| calendar.at(*when));
            let times: Vec<Timestamp> = std::iter::once(calendar.at(plot.begin.0)).chain(times).collect();
            assert!(times.is_sorted_by(|earlier, later| earlier < later), "{plot:?}");
        }
    }

    #[test]
    fn what_is_followed_up_is_closed_by_then() {
        for plot in &PLOTS {
            if let Begin::FollowUp(of) = plot.begin.1 {
                assert!(matches!(PLOTS[of].acts.last(), Some((_, Close | CloseOwn))));
                assert_ne!(PLOTS[of].begin.1, Begin::Alarm(First));
            }
        }
    }
}
