//! One moment of the demonstration: somebody does something through their portal.

use crate::model::{Channel, Impact, Priority, RequestId, Stars, TicketId, TicketStatus, Timestamp, Urgency, UserId};
use crate::{
    Agent, FollowUp, NewRequest, NewTicket, OwnTicket, Patch, PriorityChange, Result, SubmitRequest, TicketChange,
    TicketFromRequest,
};

use super::calendar::Calendar;
use super::catalogue::Offered;
use super::chance::Chance;
use super::plots::{Act, Begin, Staff};
use super::stage::{About, Cast, Made, Thread};
use super::stories::Story;

/// Where hard cases go.
const SECOND_LINE: &str = "Second line";
/// The group of tickets that were made from requests.
const FULFILMENT: &str = "Service desk";

/// One moment.
pub(super) struct Scene<'a> {
    pub(super) cast: &'a Cast,
    pub(super) calendar: Calendar,
    pub(super) at: Timestamp,
    pub(super) chance: &'a mut Chance,
    pub(super) made: &'a mut Made,
}

impl Thread<'_> {
    fn ticket(&self) -> TicketId {
        self.ticket.expect("a plot opens its ticket before it acts on it: a test walks all plots")
    }

    fn request(&self) -> RequestId {
        self.request.expect("a plot submits its request before it acts on it: a test walks all plots")
    }

    fn opinion(&self) -> (Stars, &'static str) {
        self.opinion.expect("a plot in which somebody rates is given stars and a review: a test counts both")
    }

    /// The group that the matter belongs to.
    fn group(&self) -> &'static str {
        match self.about {
            About::Story(story) => story.group,
            About::Service(_) => FULFILMENT,
        }
    }
}

impl Scene<'_> {
    fn agent(&self, staff: Staff) -> Agent {
        self.cast.agent(staff).at(self.at)
    }

    /// Begins a thread. `followed` is the ticket that it follows up, if it follows one up.
    pub(super) async fn begin(
        &mut self,
        thread: &mut Thread<'_>,
        begin: Begin,
        followed: Option<TicketId>,
    ) -> Result<()> {
        match thread.about {
            About::Story(story) => {
                let ticket = self.open(thread, begin, story, followed).await?;
                thread.ticket = Some(ticket);
                self.made.tickets.push(ticket);
            }
            About::Service(service) => {
                let request = self.submit(thread, begin, service).await?;
                thread.request = Some(request);
                self.made.requests.push(request);
                self.made.asked.push(service.id);
            }
        }
        Ok(())
    }

    async fn open(
        &self,
        thread: &Thread<'_>,
        begin: Begin,
        story: &Story,
        followed: Option<TicketId>,
    ) -> Result<TicketId> {
        let customer = thread.customer.at(self.at);
        let by_staff = |staff, channel, requested_for| {
            let agent = self.agent(staff);
            async move { agent.open_ticket(ticket(story, channel, requested_for)).await }
        };
        let whose = Some(customer.actor());
        let ticket = match (begin, followed) {
            (Begin::For(staff, channel), _) => by_staff(staff, channel, whose).await?,
            (Begin::Outage(staff), _) => by_staff(staff, Channel::Phone, whose).await?,
            (Begin::Alarm(staff), _) => by_staff(staff, Channel::Monitoring, None).await?,
            (_, Some(of)) => customer.follow_up(FollowUp { of, ticket: own_again(story) }).await?,
            _ => customer.open_ticket(own(story)).await?,
        };
        Ok(ticket.id)
    }

    async fn submit(&mut self, thread: &Thread<'_>, begin: Begin, service: &Offered) -> Result<RequestId> {
        let details = (*self.chance.pick(&service.offer.details)).to_owned();
        let request = if let Begin::RequestFor(staff) = begin {
            let new = NewRequest { details, ..NewRequest::new(service.id, thread.customer.actor()) };
            self.agent(staff).submit_request_for(new).await?
        } else {
            let new = SubmitRequest { details, ..SubmitRequest::new(service.id) };
            thread.customer.at(self.at).submit_request(new).await?
        };
        Ok(request.id)
    }

    /// Goes on with a thread.
    pub(super) async fn act(&mut self, thread: &mut Thread<'_>, act: Act) -> Result<()> {
        match act {
            Act::Approve => drop(self.cast.admin.at(self.at).approve_request(thread.request()).await?),
            Act::Schedule(day) => {
                let day = self.calendar.at(day);
                self.agent(thread.agent).schedule_request(thread.request(), day).await?;
            }
            Act::Begin => drop(self.agent(thread.agent).start_request(thread.request()).await?),
            Act::Fulfil => drop(self.agent(thread.agent).fulfil_request(thread.request()).await?),
            Act::Convert(staff) => {
                let ticket = self.agent(staff).make_ticket(thread.request(), TicketFromRequest::default()).await?.id;
                thread.ticket = Some(ticket);
                self.made.tickets.push(ticket);
            }
            Act::Rate => {
                let customer = thread.customer.at(self.at);
                let (stars, review) = thread.opinion();
                let rating = customer.rate(thread.request(), stars, review).await?;
                self.made.ratings.push(rating.id);
            }
            Act::Withdraw => drop(thread.customer.at(self.at).withdraw_ticket(thread.ticket()).await?),
            Act::Reopen => drop(thread.customer.at(self.at).reopen_ticket(thread.ticket()).await?),
            Act::CloseOwn => drop(thread.customer.at(self.at).close_ticket(thread.ticket()).await?),
            Act::Note(remark) => {
                let note = *self.chance.pick(remark.wordings());
                self.agent(thread.agent).add_note(thread.ticket(), note).await?;
            }
            Act::Take(staff) | Act::HandOver(staff) => {
                let group = if act == Act::Take(staff) { thread.group() } else { SECOND_LINE };
                let change = TicketChange {
                    status: Some(TicketStatus::InProgress),
                    group: Patch::Set(group.to_owned()),
                    assigned_to: Patch::Set(self.cast.agent(staff).actor()),
                    ..TicketChange::default()
                };
                // Whoever has it hands it over; whoever takes it, takes it.
                let actor = if act == Act::Take(staff) { staff } else { thread.agent };
                self.agent(actor).change_ticket(thread.ticket(), change).await?;
                thread.agent = staff;
            }
            Act::Raise | Act::Override => {
                let change = match act {
                    Act::Raise => TicketChange {
                        impact: Some(Impact::High),
                        urgency: Some(Urgency::High),
                        ..TicketChange::default()
                    },
                    _ => TicketChange { priority: PriorityChange::Override(Priority::High), ..TicketChange::default() },
                };
                self.agent(thread.agent).change_ticket(thread.ticket(), change).await?;
            }
            Act::Hold(reason) => drop(self.agent(thread.agent).hold_ticket(thread.ticket(), reason).await?),
            Act::Continue => drop(self.agent(thread.agent).start_ticket(thread.ticket()).await?),
            Act::Resolve => drop(self.agent(thread.agent).resolve_ticket(thread.ticket()).await?),
            Act::Cancel => drop(self.agent(thread.agent).cancel_ticket(thread.ticket()).await?),
            Act::Close => drop(self.agent(thread.agent).close_ticket(thread.ticket()).await?),
        }
        Ok(())
    }
}

/// The story as staff type it in.
fn ticket(story: &Story, channel: Channel, requested_for: Option<UserId>) -> NewTicket {
    NewTicket {
        description: story.description.to_owned(),
        impact: story.impact,
        urgency: story.urgency,
        category: Some(story.category.to_owned()),
        subcategory: Some(story.subcategory.to_owned()),
        channel,
        group: Some(story.group.to_owned()),
        requested_for,
        ..NewTicket::new(story.title)
    }
}

/// The story as its customer tells it.
fn own(story: &Story) -> OwnTicket {
    OwnTicket {
        description: story.description.to_owned(),
        category: Some(story.category.to_owned()),
        urgency: story.urgency,
        ..OwnTicket::new(story.title)
    }
}

/// The story as its customer tells it a second time.
fn own_again(story: &Story) -> OwnTicket {
    OwnTicket {
        title: format!("Again: {}", story.title),
        description: format!("It is back.\n\n{}", story.description),
        ..own(story)
    }
}
