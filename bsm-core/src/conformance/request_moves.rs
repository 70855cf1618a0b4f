//! Where a request may go: every status, every verb, by everybody who may move one, of services that need approval and
//! of those that don't.
//!
//! The table here is written out from the design, not taken from the rules, so that a slip in those is found.

use super::prelude::*;
use RequestStatus::{Approved, Cancelled, Fulfilled, InProgress, Rejected, Scheduled, Submitted};

/// The status, whether the service needs approval, and where an admin, an agent and the customer can move it.
type Line = (RequestStatus, bool, &'static [RequestStatus], &'static [RequestStatus], &'static [RequestStatus]);

const BEGUN: &[RequestStatus] = &[Scheduled, InProgress, Fulfilled, Rejected, Cancelled];
const PLANNED: &[RequestStatus] = &[Scheduled, InProgress, Fulfilled, Cancelled];
const AT_WORK: &[RequestStatus] = &[Fulfilled, Cancelled];
const WITHDRAWN: &[RequestStatus] = &[Cancelled];

const MOVES: [Line; 13] = [
    (Submitted, true, &[Approved, Rejected, Cancelled], WITHDRAWN, WITHDRAWN),
    (Approved, true, BEGUN, BEGUN, WITHDRAWN),
    (Scheduled, true, PLANNED, PLANNED, WITHDRAWN),
    (InProgress, true, AT_WORK, AT_WORK, WITHDRAWN),
    (Fulfilled, true, &[], &[], &[]),
    (Rejected, true, &[], &[], &[]),
    (Cancelled, true, &[], &[], &[]),
    (Submitted, false, BEGUN, BEGUN, WITHDRAWN),
    (Scheduled, false, PLANNED, PLANNED, WITHDRAWN),
    (InProgress, false, AT_WORK, AT_WORK, WITHDRAWN),
    (Fulfilled, false, &[], &[], &[]),
    (Rejected, false, &[], &[], &[]),
    (Cancelled, false, &[], &[], &[]),
];

const VERBS: [RequestStatus; 6] = [Approved, Scheduled, InProgress, Fulfilled, Rejected, Cancelled];

fn illegal(request: &ServiceRequest, to: RequestStatus, legal: &[RequestStatus]) -> Error {
    Error::IllegalMove {
        key: request.id.into(),
        from: request.status.as_str(),
        to: to.as_str(),
        legal: legal.iter().map(|status| status.as_str()).collect(),
    }
}

/// Asserts that a move was made: the status, the times that go with it, and one history entry.
async fn moved(w: &World, before: &ServiceRequest, after: &ServiceRequest, to: RequestStatus) -> Outcome {
    let context = format!("{} to {to}, approval {}", before.status, before.needs_approval);
    assert_eq!((after.status, after.version), (to, before.version.next()), "{context}");
    assert_eq!(after.fulfilled_at.is_some(), to == Fulfilled, "{context}");
    assert_eq!(&w.agent.request(after.id).await?, after, "{context}: what is read is what was answered");
    let last = every_entry(&w.store, after.id.into()).await?.pop();
    assert_eq!(last.map(|entry| (entry.version, entry.action)), Some((after.version, Action::Changed)), "{context}");
    Ok(())
}

/// Admins can make exactly the moves of the table, and get the legal ones listed else.
pub async fn admins_make_the_moves_of_the_table_and_no_other(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let day: Timestamp = "2026-05-04T09:00:00Z".parse()?;
    for (from, approval, legal, ..) in MOVES {
        for to in VERBS {
            let request = w.request_in(from, approval).await?;
            let id = request.id;
            let result = async {
                match to {
                    Approved => w.admin.approve_request(id).await,
                    Scheduled => w.admin.schedule_request(id, day).await,
                    InProgress => w.admin.start_request(id).await,
                    Fulfilled => w.admin.fulfil_request(id).await,
                    Rejected => w.admin.reject_request(id).await,
                    _ => w.admin.cancel_request(id).await,
                }
            };
            if legal.contains(&to) {
                moved(&w, &request, &result.await?, to).await?;
            } else {
                w.refuses(result, illegal(&request, to, legal)).await?;
            }
        }
    }
    Ok(())
}

/// Agents can make exactly theirs: while a request waits for approval, they can only withdraw it for the customer. (To
/// approve, they have no method.)
pub async fn agents_make_the_moves_of_the_table_and_no_other(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let day: Timestamp = "2026-05-04T09:00:00Z".parse()?;
    for (from, approval, _, legal, _) in MOVES {
        for to in VERBS.into_iter().filter(|to| *to != Approved) {
            let request = w.request_in(from, approval).await?;
            let id = request.id;
            let result = async {
                match to {
                    Scheduled => w.agent.schedule_request(id, day).await,
                    InProgress => w.agent.start_request(id).await,
                    Fulfilled => w.agent.fulfil_request(id).await,
                    Rejected => w.agent.reject_request(id).await,
                    _ => w.agent.cancel_request(id).await,
                }
            };
            if legal.contains(&to) {
                moved(&w, &request, &result.await?, to).await?;
            } else {
                w.refuses(result, illegal(&request, to, legal)).await?;
            }
        }
    }
    Ok(())
}

/// An admin on the agent's portal moves as an agent does: the portal decides, not the person.
pub async fn an_admin_on_the_agents_portal_moves_as_an_agent(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let request = w.request(true).await?;
    let portal = w.desk.agent(w.admin.actor());
    w.refuses(portal.reject_request(request.id), illegal(&request, Rejected, WITHDRAWN)).await?;
    w.admin.reject_request(request.id).await?;
    Ok(())
}

/// The customer can withdraw what is not at its end, and nothing else.
pub async fn customers_only_withdraw(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for (from, approval, .., legal) in MOVES {
        let request = w.request_in(from, approval).await?;
        let result = w.ada.cancel_request(request.id);
        if legal.contains(&Cancelled) {
            moved(&w, &request, &result.await?, Cancelled).await?;
        } else {
            w.refuses(result, illegal(&request, Cancelled, legal)).await?;
        }
    }
    Ok(())
}

/// A request becomes a ticket from where work may begin, and where it has begun; from anywhere else the legal moves are
/// listed.
pub async fn a_request_becomes_a_ticket_where_work_may_begin(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for (from, approval, admin, agent, _) in MOVES {
        for by_admin in [true, false] {
            let request = w.request_in(from, approval).await?;
            let legal = if by_admin { admin } else { agent };
            let result = async {
                let how = TicketFromRequest::default();
                if by_admin {
                    w.admin.make_ticket(request.id, how).await
                } else {
                    w.agent.make_ticket(request.id, how).await
                }
            };
            if legal.contains(&InProgress) || from == InProgress {
                let ticket = result.await?;
                let after = w.agent.request(request.id).await?;
                assert_eq!((after.status, after.ticket_id), (InProgress, Some(ticket.id)), "{from}");
                assert_eq!(after.version, request.version.next());
            } else {
                w.refuses(result, illegal(&request, InProgress, legal)).await?;
            }
        }
    }
    w.sound().await
}
