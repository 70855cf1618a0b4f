//! Where a ticket may go: every pair of statuses, by everybody who may move one.
//!
//! The table here is written out from the design, not taken from the rules, so that a slip in those is found.

use super::prelude::*;

/// From where, to where by staff, to where by the customer. The desk itself moves resolved ones to closed.
type Line = (&'static str, &'static [&'static str], &'static [&'static str]);

const MOVES: [Line; 9] = [
    (
        "new",
        &[
            "in_progress",
            "on_hold_customer",
            "on_hold_problem",
            "on_hold_vendor",
            "on_hold_evidence",
            "resolved",
            "cancelled",
        ],
        &["cancelled"],
    ),
    (
        "in_progress",
        &["on_hold_customer", "on_hold_problem", "on_hold_vendor", "on_hold_evidence", "resolved", "cancelled"],
        &["cancelled"],
    ),
    (
        "on_hold_customer",
        &["in_progress", "on_hold_problem", "on_hold_vendor", "on_hold_evidence", "resolved", "cancelled"],
        &["cancelled"],
    ),
    (
        "on_hold_problem",
        &["in_progress", "on_hold_customer", "on_hold_vendor", "on_hold_evidence", "resolved", "cancelled"],
        &["cancelled"],
    ),
    (
        "on_hold_vendor",
        &["in_progress", "on_hold_customer", "on_hold_problem", "on_hold_evidence", "resolved", "cancelled"],
        &["cancelled"],
    ),
    (
        "on_hold_evidence",
        &["in_progress", "on_hold_customer", "on_hold_problem", "on_hold_vendor", "resolved", "cancelled"],
        &["cancelled"],
    ),
    ("resolved", &["in_progress", "closed"], &["in_progress", "closed"]),
    ("closed", &[], &[]),
    ("cancelled", &[], &[]),
];

fn illegal(ticket: &Ticket, to: TicketStatus, legal: &[&'static str]) -> Error {
    Error::IllegalMove { key: ticket.id.into(), from: ticket.status.as_str(), to: to.as_str(), legal: legal.to_vec() }
}

/// Asserts that a move was made: the status, the times that go with it, and one history entry.
async fn moved(w: &World, before: &Ticket, after: &Ticket, to: TicketStatus) -> Outcome {
    let context = format!("{} to {to}", before.status);
    assert_eq!((after.status, after.version), (to, before.version.next()), "{context}");
    let reopened = before.status == TicketStatus::Resolved && to == TicketStatus::InProgress;
    assert_eq!(after.reopen_count, before.reopen_count + u32::from(reopened), "{context}");
    let solved = matches!(to, TicketStatus::Resolved | TicketStatus::Closed);
    assert_eq!(after.resolved_at.is_some(), solved, "{context}");
    assert_eq!(after.closed_at.is_some(), to == TicketStatus::Closed, "{context}");
    assert_eq!(&w.agent.ticket(after.id).await?, after, "{context}: what is read is what was answered");
    let history = every_entry(&w.store, after.id.into()).await?;
    let last = history.last().map(|entry| (entry.version, entry.action));
    assert_eq!(last, Some((after.version, Action::Changed)), "{context}");
    let status = history.last().and_then(|entry| entry.changes.iter().find(|change| change.field == Field::Status));
    let words = status.map(|change| (change.from.as_deref(), change.to.as_deref()));
    assert_eq!(words, Some((Some(before.status.as_str()), Some(to.as_str()))), "{context}");
    Ok(())
}

/// Staff, admins and agents alike, can make exactly the moves of the table by a change, and get the legal ones listed
/// else. A change that names the status as it is, is no move.
pub async fn staff_make_the_moves_of_the_table_and_no_other(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for (from, legal, _) in MOVES {
        for to in TicketStatus::ALL.iter().copied() {
            for by_admin in [false, true] {
                let ticket = w.ticket_in(from.parse()?).await?;
                let change = TicketChange::to(to);
                let result = async {
                    if by_admin {
                        w.admin.change_ticket(ticket.id, change).await
                    } else {
                        w.agent.change_ticket(ticket.id, change).await
                    }
                };
                if from == to.as_str() {
                    let touched = result.await?;
                    assert_eq!((touched.status, touched.version), (to, ticket.version.next()));
                } else if legal.contains(&to.as_str()) {
                    let after = result.await?;
                    moved(&w, &ticket, &after, to).await?;
                } else {
                    w.refuses(result, illegal(&ticket, to, legal)).await?;
                }
            }
        }
    }
    Ok(())
}

/// The verbs are moves: each is refused wherever the table lacks it, also from the status that it leads to.
pub async fn the_verbs_of_staff_are_moves(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for (from, legal, _) in MOVES {
        for to in TicketStatus::ALL.iter().copied().filter(|to| *to != TicketStatus::New) {
            let ticket = w.ticket_in(from.parse()?).await?;
            let result = async {
                match to {
                    TicketStatus::InProgress => w.agent.start_ticket(ticket.id).await,
                    TicketStatus::OnHold(reason) => w.agent.hold_ticket(ticket.id, reason).await,
                    TicketStatus::Resolved => w.agent.resolve_ticket(ticket.id).await,
                    TicketStatus::Closed => w.agent.close_ticket(ticket.id).await,
                    _ => w.agent.cancel_ticket(ticket.id).await,
                }
            };
            if legal.contains(&to.as_str()) {
                moved(&w, &ticket, &result.await?, to).await?;
            } else {
                w.refuses(result, illegal(&ticket, to, legal)).await?;
            }
        }
    }
    Ok(())
}

/// Only what is resolved can be reopened, by staff and by the customer; to take up what is on hold is another thing.
pub async fn only_what_is_resolved_is_reopened(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let to = TicketStatus::InProgress;
    for status in TicketStatus::ALL.iter().copied() {
        let ticket = w.ticket_in(status).await?;
        if status == TicketStatus::Resolved {
            moved(&w, &ticket, &w.agent.reopen_ticket(ticket.id).await?, to).await?;
            let ticket = w.agent.resolve_ticket(ticket.id).await?;
            moved(&w, &ticket, &w.ada.reopen_ticket(ticket.id).await?, to).await?;
        } else {
            let refusal = || Error::NotResolved { key: ticket.id.into(), status: status.as_str() };
            w.refuses(w.agent.reopen_ticket(ticket.id), refusal()).await?;
            w.refuses(w.ada.reopen_ticket(ticket.id), refusal()).await?;
        }
    }
    Ok(())
}

/// A customer withdraws what is open, and reopens or closes what is resolved; no more.
pub async fn customers_withdraw_reopen_and_close(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for (from, _, legal) in MOVES {
        for to in [TicketStatus::Cancelled, TicketStatus::Closed] {
            let ticket = w.ticket_in(from.parse()?).await?;
            let result = async {
                match to {
                    TicketStatus::Closed => w.ada.close_ticket(ticket.id).await,
                    _ => w.ada.withdraw_ticket(ticket.id).await,
                }
            };
            if legal.contains(&to.as_str()) {
                moved(&w, &ticket, &result.await?, to).await?;
            } else {
                w.refuses(result, illegal(&ticket, to, legal)).await?;
            }
        }
    }
    Ok(())
}

/// The desk itself closes what was resolved by a given moment, that moment included, and nothing else.
pub async fn the_desk_closes_what_was_resolved_long_enough_ago(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let mut others = Vec::new();
    for status in TicketStatus::ALL.iter().copied().filter(|status| *status != TicketStatus::Resolved) {
        others.push(w.ticket_in(status).await?);
    }
    let (early, late) = (w.ticket_in(TicketStatus::InProgress).await?, w.ticket_in(TicketStatus::New).await?);
    let early = w.agent.resolve_ticket(early.id).await?;
    let late = w.agent.resolve_ticket(late.id).await?;
    let Some(moment) = early.resolved_at else { panic!("{early:?} has no time of its resolution") };
    assert_eq!(w.desk.close_resolved(moment.plus_micros(-1)).await?, 0);
    assert_eq!(w.desk.close_resolved(moment).await?, 1);
    let closed = w.agent.ticket(early.id).await?;
    moved(&w, &early, &closed, TicketStatus::Closed).await?;
    assert_eq!(closed.resolved_at, early.resolved_at);
    let history = every_entry(&w.store, early.id.into()).await?;
    assert_eq!(history.last().map(|entry| entry.actor), Some(Actor::System));
    assert_eq!(w.agent.ticket(late.id).await?, late, "resolved later");
    for ticket in others {
        assert_eq!(w.agent.ticket(ticket.id).await?, ticket, "not resolved");
    }
    assert_eq!(w.desk.close_resolved(Timestamp::MAX).await?, 1);
    assert_eq!(w.desk.close_resolved(Timestamp::MAX).await?, 0, "nothing is left to close");
    w.sound().await
}

/// More resolved tickets than one read takes are all closed; one that was reopened and resolved again counts from then.
pub async fn the_desk_closes_any_number(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let many = limits::CLOSE_BATCH + 3;
    let mut last = None;
    for _ in 0..many {
        last = Some(w.ticket_in(TicketStatus::Resolved).await?);
    }
    let Some(last) = last else { return Ok(()) };
    let before = w.now();
    w.agent.reopen_ticket(last.id).await?;
    w.agent.resolve_ticket(last.id).await?;
    assert_eq!(w.desk.close_resolved(before).await?, many - 1);
    assert_eq!(w.agent.ticket(last.id).await?.status, TicketStatus::Resolved);
    let closed = w.admin.summary().await?.tickets.get(&TicketStatus::Closed).copied();
    assert_eq!(closed, u64::try_from(many - 1).ok());
    Ok(())
}
