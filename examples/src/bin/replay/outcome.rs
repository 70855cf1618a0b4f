//! What the desk says of each incident when the replay is over. Reads tickets and their history; changes nothing.

use bsm::Admin;
use bsm::model::{Action, HistoryEntry, Ticket, TicketStatus, Timestamp, Version};
use bsm::rules::limits::PAGE_SIZE_MAX;
use bsm::schema::Field;
use bsm::store::Order;

use crate::fault::Fault;
use crate::log::Log;

/// An incident as the desk has it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// How its ticket stands.
    pub(crate) ticket: Ticket,
    /// What its history tells.
    pub(crate) story: Story,
}

/// What the history of a ticket tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Story {
    /// How many entries it has.
    pub(crate) entries: u64,
    /// How often the group changed after the ticket was opened.
    pub(crate) reassignments: u32,
    /// When the ticket last went to Resolved, even if it was reopened since.
    pub(crate) resolved_at: Option<Timestamp>,
    /// When it went to Closed.
    pub(crate) closed_at: Option<Timestamp>,
}

impl Outcome {
    /// How long it took from the opening to the last move to Resolved, in seconds, if it is resolved. Below zero if the
    /// log has it resolved before it was opened.
    pub(crate) fn seconds_to_resolve(&self) -> Option<i64> {
        let done = matches!(self.ticket.status, TicketStatus::Resolved | TicketStatus::Closed);
        let resolved = self.story.resolved_at.filter(|_| done)?;
        Some((resolved.micros() - self.ticket.id.created_at().micros()).div_euclid(1_000_000))
    }
}

/// Reads back every incident of the log, in its order.
///
/// Costs one look-up and the pages of one history for each.
///
/// # Errors
/// [`Fault::Desk`].
pub(crate) async fn read_all(log: &Log, admin: &Admin) -> Result<Vec<Outcome>, Fault> {
    let mut outcomes = Vec::with_capacity(log.incidents.len());
    for incident in &log.incidents {
        outcomes.push(read(&incident.number, admin).await.map_err(Fault::Desk)?);
    }
    Ok(outcomes)
}

async fn read(number: &str, admin: &Admin) -> bsm::Result<Outcome> {
    let ticket = admin.ticket_by_external_ref(number).await?;
    let (mut story, mut after) = (Story::default(), None::<Version>);
    loop {
        let page = admin.history(ticket.id, Order::OldestFirst, after, PAGE_SIZE_MAX).await?;
        for entry in &page.entries {
            story.add(entry);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(Outcome { ticket, story }),
        }
    }
}

impl Story {
    fn add(&mut self, entry: &HistoryEntry) {
        self.entries += 1;
        for change in &entry.changes {
            let became = |status: TicketStatus| change.to.as_deref() == Some(status.as_str());
            match change.field {
                Field::Status if became(TicketStatus::Resolved) => self.resolved_at = Some(entry.occurred_at),
                Field::Status if became(TicketStatus::Closed) => self.closed_at = Some(entry.occurred_at),
                Field::Group if entry.action != Action::Created => self.reassignments += 1,
                _ => {}
            }
        }
    }
}
