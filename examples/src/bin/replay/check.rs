//! Compares what the desk has with the columns of each incident's last row.
//!
//! Status, impact, urgency, priority, group, assignee and reopenings must agree: where they don't, it is a mismatch.
//! The log's closing times and its counts of reassignments don't always agree with its own rows, so differences of those
//! are told apart.

use std::fmt::Display;

use serde::Serialize;

use crate::fault::Fault;
use crate::log::{Incident, Log};
use crate::outcome::Outcome;
use crate::people::{Column, People};

/// What the comparison found.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Fields in which desk and log don't agree.
    pub(crate) mismatches: Vec<Difference>,
    /// Times of closing that the log has otherwise. One that it does not know is no difference.
    pub(crate) closing_times: Vec<Difference>,
    /// Counts of reassignments that the log has otherwise.
    pub(crate) reassignments: Vec<Difference>,
    /// Rows whose caller, opener, opening time or channel is not that of their incident's first: a ticket keeps those.
    pub(crate) kept_as_opened: usize,
}

/// One field of one incident that desk and log have differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    /// The incident's number.
    pub(crate) incident: String,
    /// The field, as the desk calls it.
    pub(crate) field: &'static str,
    /// What the log has; empty if that is nothing.
    pub(crate) log: String,
    /// What the desk has.
    pub(crate) desk: String,
}

/// Compares every incident of the log with its outcome, which stands at the same place.
///
/// # Errors
/// [`Fault::Desk`], from looking up who the log says was assigned.
pub(crate) async fn check(log: &Log, outcomes: &[Outcome], people: &mut People) -> Result<Verdict, Fault> {
    let mut verdict = Verdict::default();
    for (incident, outcome) in log.incidents.iter().zip(outcomes) {
        verdict.compare(incident, outcome);
        verdict.compare_assignee(incident, outcome, people).await.map_err(Fault::Desk)?;
    }
    Ok(verdict)
}

impl Verdict {
    fn compare(&mut self, incident: &Incident, outcome: &Outcome) {
        let (last, ticket, story) = (incident.last(), &outcome.ticket, &outcome.story);
        let fields = [
            differs(incident, "status", Some(last.status), Some(ticket.status)),
            differs(incident, "impact", Some(last.impact), Some(ticket.impact)),
            differs(incident, "urgency", Some(last.urgency), Some(ticket.urgency)),
            differs(incident, "priority", Some(last.priority), Some(ticket.priority)),
            differs(incident, "group", last.group.as_deref(), ticket.group.as_deref()),
            differs(incident, "reopenings", Some(last.reopenings), Some(ticket.reopen_count)),
        ];
        self.mismatches.extend(fields.into_iter().flatten());
        let counts = differs(incident, "reassignments", Some(last.reassignments), Some(story.reassignments));
        self.reassignments.extend(counts);
        if last.closed_at.is_some() {
            self.closing_times.extend(differs(incident, "closed_at", last.closed_at, story.closed_at));
        }
        self.kept_as_opened += incident.later.iter().filter(|row| row.opened != incident.first.opened).count();
    }

    async fn compare_assignee(
        &mut self,
        incident: &Incident,
        outcome: &Outcome,
        people: &mut People,
    ) -> bsm::Result<()> {
        let (name, found) = (incident.last().assigned_to.as_deref(), outcome.ticket.assigned_to);
        let expected = match name {
            Some(name) => people.find(Column::AssignedTo, name).await?,
            None => None,
        };
        // Somebody whom the desk does not have can't be assigned; an empty field must not pass for them.
        if expected != found || (name.is_some() && expected.is_none()) {
            let found = match found {
                Some(id) => people.admin().user(id).await?.full_name,
                None => String::new(),
            };
            self.mismatches.push(difference(incident, "assigned_to", name.unwrap_or_default(), found));
        }
        Ok(())
    }
}

fn differs<T: PartialEq + Display>(
    incident: &Incident,
    field: &'static str,
    log: Option<T>,
    desk: Option<T>,
) -> Option<Difference> {
    let text = |value: Option<T>| value.map(|value| value.to_string()).unwrap_or_default();
    (log != desk).then(|| difference(incident, field, text(log), text(desk)))
}

fn difference(incident: &Incident, field: &'static str, log: impl Into<String>, desk: impl Into<String>) -> Difference {
    Difference { incident: incident.number.clone(), field, log: log.into(), desk: desk.into() }
}
