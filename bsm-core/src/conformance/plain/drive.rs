//! Does calls on a real desk, through its portals, and hears what it answers.

use super::command::{Call, Command, Door};
use super::faults::told;
use super::state::{Answer, Plain, Reply};
use crate::model::{Key, Row, Ticket, TicketId, TicketStatus, Timestamp};
use crate::store::{HistoryQuery, Order, ReadSet};
use crate::{Admin, Customer, Desk, Error, Portal, PortalRole, Result, StaffRole};

/// Does a call. `due` are the tickets that the desk is expected to close, should the call tell it to close some.
pub(crate) async fn call(desk: &Desk, call: &Call, due: &[TicketId]) -> Reply {
    let answer = match call.door {
        Door::Desk => by_itself(desk, &call.command, due).await,
        Door::Admin => by_admin(desk, &qualified(desk.admin(call.actor), call), &call.command).await,
        Door::Agent => by_staff(desk, &qualified(desk.agent(call.actor), call), &call.command).await,
        Door::Customer => by_customer(&qualified(desk.customer(call.actor), call), &call.command).await,
    };
    answer.map_err(|error| told(&error))
}

/// What the desk is expected to close.
pub(crate) fn due(plain: &Plain, call: &Call) -> Vec<TicketId> {
    match call.command {
        Command::CloseResolved(before) => plain.due(before),
        _ => Vec::new(),
    }
}

fn qualified<R: PortalRole>(mut portal: Portal<R>, call: &Call) -> Portal<R> {
    if let Some(at) = call.at {
        portal = portal.at(at);
    }
    if let Some(key) = &call.key {
        portal = portal.keyed(key);
    }
    if let Some(version) = call.expecting {
        portal = portal.expecting(version);
    }
    portal
}

fn row(row: impl Into<Row>) -> Answer {
    Answer::Row(Box::new(row.into()))
}

/// A command that has no method on this portal.
fn not_here(command: &Command) -> Result<Answer> {
    panic!("a command at the wrong door: {command:?}")
}

/// When a row was deleted, by its history.
async fn gone(desk: &Desk, key: impl Into<Key>) -> Result<Answer> {
    let history = Some(HistoryQuery { key: key.into(), order: Order::NewestFirst, after: None, limit: 1 });
    let entries = desk.store().read(ReadSet { history, ..ReadSet::default() }).await?.history;
    Ok(Answer::Gone(entries.first().map_or(Timestamp::MIN, |entry| entry.recorded_at)))
}

/// Rows past the portals.
pub(crate) async fn rows(desk: &Desk, keys: &[Key]) -> Result<Vec<Option<Row>>> {
    Ok(desk.store().read(ReadSet { get: keys.to_vec(), ..ReadSet::default() }).await?.got)
}

async fn by_itself(desk: &Desk, command: &Command, due: &[TicketId]) -> Result<Answer> {
    match command {
        Command::Bootstrap(new) => desk.bootstrap(new.clone()).await.map(row),
        Command::CloseResolved(before) => {
            let count = desk.close_resolved(*before).await?;
            let keys: Vec<Key> = due.iter().map(|id| (*id).into()).collect();
            let closed = rows(desk, &keys).await?.into_iter().flatten();
            Ok(Answer::Closed(count, closed.filter_map(|row| Ticket::try_from(row).ok()).collect()))
        }
        other => not_here(other),
    }
}

async fn by_admin(desk: &Desk, admin: &Admin, command: &Command) -> Result<Answer> {
    match command {
        Command::CreateUser(new) => admin.create_user(new.clone()).await.map(row),
        Command::ChangeUser(id, change) => admin.change_user(*id, change.clone()).await.map(row),
        Command::ChangeRole(id, role) => admin.change_role(*id, *role).await.map(row),
        Command::SetActive(id, true) => admin.reactivate_user(*id).await.map(row),
        Command::SetActive(id, false) => admin.deactivate_user(*id).await.map(row),
        Command::DeleteUser(id) => {
            admin.delete_user(*id).await?;
            gone(desk, *id).await
        }
        Command::CreateService(new) => admin.create_service(new.clone()).await.map(row),
        Command::ChangeService(id, change) => admin.change_service(*id, change.clone()).await.map(row),
        Command::RetireService(id) => admin.retire_service(*id).await.map(row),
        Command::DeleteService(id) => {
            admin.delete_service(*id).await?;
            gone(desk, *id).await
        }
        Command::MoveRequest(id, crate::model::RequestStatus::Approved) => admin.approve_request(*id).await.map(row),
        other => by_staff(desk, admin, other).await,
    }
}

async fn by_staff<R: StaffRole>(desk: &Desk, staff: &Portal<R>, command: &Command) -> Result<Answer> {
    use crate::model::{ArticleStatus, RequestStatus};
    match command {
        Command::CreateArticle(new) => staff.create_article(new.clone()).await.map(row),
        Command::ChangeArticle(id, change) => staff.change_article(*id, change.clone()).await.map(row),
        Command::SetArticle(id, ArticleStatus::Draft) => staff.withdraw_article(*id).await.map(row),
        Command::SetArticle(id, ArticleStatus::Published) => staff.publish_article(*id).await.map(row),
        Command::SetArticle(id, ArticleStatus::Archived) => staff.archive_article(*id).await.map(row),
        Command::OpenTicket(new) => staff.open_ticket(new.clone()).await.map(row),
        Command::FollowUp(of, new) => staff.follow_up(*of, new.clone()).await.map(row),
        Command::ChangeTicket(id, change) => staff.change_ticket(*id, change.clone()).await.map(row),
        Command::Touch(id) => staff.touch_ticket(*id).await.map(row),
        Command::Assign(id, to) => staff.assign_ticket(*id, *to).await.map(row),
        Command::Unassign(id) => staff.unassign_ticket(*id).await.map(row),
        Command::MoveTicket(id, TicketStatus::InProgress) => staff.start_ticket(*id).await.map(row),
        Command::MoveTicket(id, TicketStatus::OnHold(reason)) => staff.hold_ticket(*id, *reason).await.map(row),
        Command::MoveTicket(id, TicketStatus::Resolved) => staff.resolve_ticket(*id).await.map(row),
        Command::MoveTicket(id, TicketStatus::Closed) => staff.close_ticket(*id).await.map(row),
        Command::MoveTicket(id, TicketStatus::Cancelled) => staff.cancel_ticket(*id).await.map(row),
        Command::Reopen(id) => staff.reopen_ticket(*id).await.map(row),
        Command::AddNote(id, body) => staff.add_note(*id, body.as_str()).await.map(row),
        Command::SubmitFor(new) => staff.submit_request_for(new.clone()).await.map(row),
        Command::Schedule(id, day) => staff.schedule_request(*id, *day).await.map(row),
        Command::MoveRequest(id, RequestStatus::InProgress) => staff.start_request(*id).await.map(row),
        Command::MoveRequest(id, RequestStatus::Fulfilled) => staff.fulfil_request(*id).await.map(row),
        Command::MoveRequest(id, RequestStatus::Rejected) => staff.reject_request(*id).await.map(row),
        Command::MoveRequest(id, RequestStatus::Cancelled) => staff.cancel_request(*id).await.map(row),
        Command::MakeTicket(id, how) => staff.make_ticket(*id, how.clone()).await.map(row),
        Command::DeleteRating(id) => {
            staff.delete_rating(*id).await?;
            gone(desk, *id).await
        }
        other => not_here(other),
    }
}

async fn by_customer(customer: &Customer, command: &Command) -> Result<Answer> {
    match command {
        Command::Submit(new) => customer.submit_request(new.clone()).await.map(row),
        Command::CancelOwn(id) => customer.cancel_request(*id).await.map(row),
        Command::OpenOwn(new) => customer.open_ticket(new.clone()).await.map(row),
        Command::FollowUpOwn(new) => customer.follow_up(new.clone()).await.map(row),
        Command::MoveOwn(id, TicketStatus::InProgress) => customer.reopen_ticket(*id).await.map(row),
        Command::MoveOwn(id, TicketStatus::Closed) => customer.close_ticket(*id).await.map(row),
        Command::MoveOwn(id, TicketStatus::Cancelled) => customer.withdraw_ticket(*id).await.map(row),
        Command::Rate(id, stars, review) => customer.rate(*id, *stars, review.as_str()).await.map(row),
        other => not_here(other),
    }
}

/// An error of the tests' own reads.
pub(crate) fn unread(error: &Error) -> String {
    format!("a read failed: {error:?}")
}
