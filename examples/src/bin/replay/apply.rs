//! Sends one command for each row that the desk does not have yet. The only room that changes tickets.

use bsm::model::{Priority, Ticket, TicketId, UserId, Version};
use bsm::rules::priority::priority_of;
use bsm::store::Order;
use bsm::{Desk, Error, NewTicket, Patch, PriorityChange, TicketChange};

use crate::fault::Fault;
use crate::log::{Incident, Log, Row};
use crate::people::{Column, People};
use crate::progress::Progress;

/// Plays the log from where the desk's own history ends to the log's end, in the file's order.
///
/// # Errors
/// [`Fault::Refused`] naming the row that the desk does not take; [`Fault::ForeignHistory`]; [`Fault::Desk`]. What was
/// applied by then stays, and the next run goes on behind it.
pub(crate) async fn play(log: &Log, desk: &Desk, people: &mut People, progress: &mut Progress) -> Result<(), Fault> {
    for incident in &log.incidents {
        let refused = |row: &Row, source: Error| Fault::Refused {
            log: log.name.clone(),
            line: row.line,
            number: incident.number.clone(),
            source: Box::new(source),
        };
        let (ticket, had) = if let Some(standing) = standing(incident, people).await? {
            progress.had(standing.1);
            standing
        } else {
            let opened = open(desk, people, incident).await;
            let ticket = opened.map_err(|source| refused(&incident.first, source))?.id;
            progress.row().await?;
            (ticket, 1)
        };
        for (before, row) in (1..).zip(&incident.later).skip(had - 1) {
            let changed = change(desk, people, incident, ticket, before, row).await;
            changed.map_err(|source| refused(row, source))?;
            progress.row().await?;
        }
    }
    Ok(())
}

/// The incident's ticket, and how many of its rows the desk's history tells of: at least one. `None` if there is none.
async fn standing(incident: &Incident, people: &People) -> Result<Option<(TicketId, usize)>, Fault> {
    let ticket = match people.admin().ticket_by_external_ref(&incident.number).await {
        Ok(ticket) => ticket.id,
        Err(Error::NoneWith { .. }) => return Ok(None),
        Err(error) => return Err(Fault::Desk(error)),
    };
    let newest = people.admin().history(ticket, Order::NewestFirst, None, 1).await.map_err(Fault::Desk)?;
    // A ticket that is there was opened, so its history is not empty.
    let entries = newest.entries.first().map_or(1, |entry| entry.version.0.max(1));
    match usize::try_from(entries) {
        Ok(had) if had <= incident.len() => Ok(Some((ticket, had))),
        _ => Err(Fault::ForeignHistory { number: incident.number.clone(), entries, rows: incident.len() }),
    }
}

/// Who made a change; the import admin if the log does not know.
async fn actor(people: &mut People, row: &Row) -> bsm::Result<UserId> {
    let person = people.enter_if_known(Column::UpdatedBy, row.updated_by.as_deref()).await?;
    Ok(person.unwrap_or(people.admin().actor()))
}

/// The key of a row's command: the incident and the row's place in it, not in the file.
fn key(incident: &Incident, ordinal: u64) -> String {
    format!("{}:{ordinal}", incident.number)
}

/// The priority, if it is not the one that follows from impact and urgency.
fn by_hand(row: &Row) -> Option<Priority> {
    (row.priority != priority_of(row.impact, row.urgency)).then_some(row.priority)
}

async fn open(desk: &Desk, people: &mut People, incident: &Incident) -> bsm::Result<Ticket> {
    let row = &incident.first;
    let actor = actor(people, row).await?;
    let new = NewTicket {
        status: row.status,
        impact: row.impact,
        urgency: row.urgency,
        priority: by_hand(row),
        category: row.category.clone(),
        subcategory: row.subcategory.clone(),
        channel: row.opened.channel,
        group: row.group.clone(),
        assigned_to: people.enter_if_known(Column::AssignedTo, row.assigned_to.as_deref()).await?,
        requested_for: people.enter_if_known(Column::Caller, row.opened.caller.as_deref()).await?,
        created_by: people.enter_if_known(Column::OpenedBy, row.opened.by.as_deref()).await?,
        opened_at: row.opened.at,
        external_ref: Some(incident.number.clone()),
        ..NewTicket::new(format!("Incident {}", incident.number))
    };
    desk.agent(actor).at(row.updated_at).keyed(key(incident, 1)).open_ticket(new).await
}

/// Makes the ticket, at version `before`, as the row has it. The desk finds out what that changes.
async fn change(
    desk: &Desk,
    people: &mut People,
    incident: &Incident,
    ticket: TicketId,
    before: u64,
    row: &Row,
) -> bsm::Result<Ticket> {
    let actor = actor(people, row).await?;
    let change = TicketChange {
        status: Some(row.status),
        impact: Some(row.impact),
        urgency: Some(row.urgency),
        priority: by_hand(row).map_or(PriorityChange::Follow, PriorityChange::Override),
        category: row.category.clone().into(),
        subcategory: row.subcategory.clone().into(),
        group: row.group.clone().into(),
        assigned_to: Patch::from(people.enter_if_known(Column::AssignedTo, row.assigned_to.as_deref()).await?),
        ..TicketChange::default()
    };
    let agent = desk.agent(actor).at(row.updated_at).keyed(key(incident, before + 1));
    agent.expecting(Version(before)).change_ticket(ticket, change).await
}
