//! A busier desk, for lists: tickets and requests of every kind, made in another order than they were created in.

use std::sync::Arc;

use super::outcome::Failed;
use super::world::{BEGINNING, World};
use crate::model::{
    Channel, Impact, Priority, RequestStatus, Role, Row, ServiceId, Stars, TicketStatus, Timestamp, Urgency, UserId,
};
use crate::store::Store;
use crate::{NewRequest, NewTicket, Result, TicketFromRequest};

/// Categories of tickets. One begins with another, so that an index which forgets where a text ends is found.
pub(crate) const CATEGORIES: [&str; 4] = ["mail", "mail server", "mail ", "ma"];
pub(crate) const GROUPS: [&str; 2] = ["first line", "on-site"];

const TICKETS: usize = 44;
const REQUESTS: usize = 30;

/// A desk with much on it.
pub(crate) struct Crowd {
    pub(crate) w: World,
    pub(crate) staff: [UserId; 2],
    pub(crate) customers: [UserId; 3],
    pub(crate) services: [ServiceId; 2],
    /// Every ticket and request, oldest first.
    pub(crate) work: Vec<Row>,
}

/// The `number`th of some choices, whatever the number.
fn choose<T: Copy>(choices: &[T], number: usize) -> T {
    choices[number % choices.len()]
}

fn maybe<T: Copy>(choices: &[T], number: usize) -> Option<T> {
    choices.get(number % (choices.len() + 1)).copied()
}

impl Crowd {
    pub(crate) async fn new(store: Arc<dyn Store>) -> Result<Self, Failed> {
        let w = World::new(store).await?;
        let carl = w.person("Carl", Role::Customer).await?.id;
        let mut crowd = Self {
            staff: [w.agent.actor(), w.admin.actor()],
            customers: [w.ada.actor(), w.ben.actor(), carl],
            services: [w.laptop, w.server],
            work: Vec::new(),
            w,
        };
        for number in 0..TICKETS {
            crowd.ticket(number).await?;
        }
        for number in 0..REQUESTS {
            crowd.request(number).await?;
        }
        let dump = crowd.w.dump().await?;
        let is_work = |row: &&Row| matches!(row, Row::Ticket(_) | Row::Request(_));
        crowd.work = dump.rows.values().filter(is_work).cloned().collect();
        crowd.work.sort_by_key(|row| row.key().id);
        Ok(crowd)
    }

    /// A moment of the week before the world began; no two numbers give the same.
    fn moment(number: usize) -> Result<Timestamp> {
        let hours = i64::try_from(number * 37 % 149).unwrap_or_default();
        let micros = i64::try_from(number).unwrap_or_default();
        Ok(BEGINNING.parse::<Timestamp>()?.plus_micros(-hours * 3_600_000_000 - micros))
    }

    async fn ticket(&self, number: usize) -> Result<()> {
        let statuses = &TicketStatus::ALL[..7];
        let new = NewTicket {
            status: choose(statuses, number),
            impact: choose(Impact::ALL, number / 2),
            urgency: choose(Urgency::ALL, number / 3),
            priority: number.is_multiple_of(5).then(|| choose(Priority::ALL, number / 5)),
            // Trimmed as any text: the third one is the first.
            category: maybe(&CATEGORIES, number).map(str::to_owned),
            channel: choose(Channel::ALL, number),
            group: maybe(&GROUPS, number / 2).map(str::to_owned),
            assigned_to: maybe(&self.staff, number),
            requested_for: maybe(&self.customers, number / 3),
            opened_at: Some(Self::moment(number)?),
            ..NewTicket::new(format!("Ticket {number}"))
        };
        let ticket = self.w.agent.open_ticket(new).await?;
        match (ticket.status, number % 3) {
            (TicketStatus::Resolved, 0) => drop(self.w.agent.close_ticket(ticket.id).await?),
            (TicketStatus::New, 0) => drop(self.w.agent.cancel_ticket(ticket.id).await?),
            _ => {}
        }
        Ok(())
    }

    async fn request(&self, number: usize) -> Result<()> {
        let service = choose(&self.services, number);
        let customer = choose(&self.customers, number / 2);
        let agent = self.w.agent.at(Self::moment(TICKETS + number)?);
        let request = agent.submit_request_for(NewRequest::new(service, customer)).await?;
        let (id, status) = (request.id, choose(RequestStatus::ALL, number / 2));
        if status == RequestStatus::Cancelled {
            self.w.agent.cancel_request(id).await?;
            return Ok(());
        }
        if request.needs_approval && !matches!(status, RequestStatus::Submitted | RequestStatus::Rejected) {
            self.w.admin.approve_request(id).await?;
        }
        match status {
            RequestStatus::Scheduled => drop(agent.schedule_request(id, BEGINNING.parse()?).await?),
            RequestStatus::InProgress if number.is_multiple_of(3) => {
                agent.make_ticket(id, TicketFromRequest::default()).await?;
            }
            RequestStatus::InProgress => drop(agent.start_request(id).await?),
            RequestStatus::Fulfilled => {
                agent.fulfil_request(id).await?;
                let stars = choose(Stars::ALL, number);
                self.w.desk.customer(customer).at(Self::moment(number)?).rate(id, stars, "").await?;
            }
            RequestStatus::Rejected => drop(self.w.admin.reject_request(id).await?),
            _ => {}
        }
        Ok(())
    }
}
