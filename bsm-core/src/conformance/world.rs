//! The small desk on which most cases begin: an admin, an agent, two customers, and two services.

use std::fmt::Debug;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::dump::{Dump, audit};
use super::outcome::{Failed, Outcome, refused_at};
use super::race::{Meanwhile, in_step};
use crate::model::{
    Rating, RequestStatus, Role, ServiceId, ServiceRequest, Stars, Ticket, TicketStatus, Timestamp, User, UserId,
};
use crate::rules::priority::priority_of;
use crate::store::Store;
use crate::{
    Admin, Agent, Clock, Customer, Desk, Error, NewService, NewTicket, NewUser, Result, SeededIds, SteppingClock,
    SubmitRequest, TicketFromRequest,
};

/// When every world begins.
pub(crate) const BEGINNING: &str = "2026-03-02T08:00:00Z";
/// How far its clock goes on with each reading: one millisecond.
const STEP: i64 = 1_000;

/// A desk with somebody of each role, and a service that needs approval and one that doesn't.
pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<SteppingClock>,
    pub(crate) desk: Desk,
    /// Nora, the first admin.
    pub(crate) admin: Admin,
    /// Theo, an agent.
    pub(crate) agent: Agent,
    /// Ada, a customer.
    pub(crate) ada: Customer,
    /// Ben, another customer.
    pub(crate) ben: Customer,
    /// A laptop, at 49.90 EUR, without approval.
    pub(crate) laptop: ServiceId,
    /// A server, at 1200.00 USD, which an admin must approve.
    pub(crate) server: ServiceId,
    /// How many desks were made over the store: each has ids of its own.
    desks: AtomicU64,
}

impl World {
    /// Makes the world on an empty store.
    pub(crate) async fn new(store: Arc<dyn Store>) -> Result<Self, Failed> {
        let clock = Arc::new(SteppingClock::new(BEGINNING.parse()?, STEP));
        let desk = desk(Arc::clone(&store), &clock, 0);
        let first = desk.bootstrap(NewUser::new("Nora Lind", "nora@desk.example", Role::Admin)).await?;
        let admin = desk.admin(first.id);
        let agent = admin.create_user(NewUser::new("Theo Brandt", "theo@desk.example", Role::Agent)).await?;
        let ada = admin.create_user(NewUser::new("Ada Byron", "ada@customer.example", Role::Customer)).await?;
        let ben = admin.create_user(NewUser::new("Ben Okafor", "ben@customer.example", Role::Customer)).await?;
        let laptop = admin.create_service(NewService::new("Laptop", "hardware", "49.90 EUR".parse()?)).await?;
        let server = NewService::new("Server", "hosting", "1200 USD".parse()?);
        let server = admin.create_service(NewService { needs_approval: true, ..server }).await?;
        Ok(Self {
            agent: desk.agent(agent.id),
            ada: desk.customer(ada.id),
            ben: desk.customer(ben.id),
            laptop: laptop.id,
            server: server.id,
            desks: AtomicU64::new(1),
            store,
            clock,
            desk,
            admin,
        })
    }

    /// Another desk over the same store: other handles, other ids, the same clock.
    pub(crate) fn another_desk(&self) -> Desk {
        self.desk_over(Arc::clone(&self.store))
    }

    /// As many desks, each of which waits with its first commit until all have come to theirs: what they command first is
    /// decided on the same state.
    pub(crate) fn in_step<const DESKS: usize>(&self) -> [Desk; DESKS] {
        let mut stores = in_step(&self.store, DESKS).into_iter();
        std::array::from_fn(|_| self.desk_over(stores.next().unwrap_or_else(|| Arc::clone(&self.store))))
    }

    /// A desk on which `action` happens between the decision and the commit of its first command. What it returns is
    /// dropped; if it fails, so does the command.
    pub(crate) fn meanwhile<T>(&self, action: impl Future<Output = Result<T>> + Send + 'static) -> Desk {
        self.meanwhile_each([async move { action.await.map(drop) }])
    }

    /// A desk on which each of `actions` happens between the decision and the commit of one attempt at a command.
    pub(crate) fn meanwhile_each<F>(&self, actions: impl IntoIterator<Item = F>) -> Desk
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.desk_over(Arc::new(Meanwhile::before_commits(Arc::clone(&self.store), actions)))
    }

    /// A desk on which `action` happens before a read of its first command, behind as many reads as `behind` says.
    pub(crate) fn before_read<T>(
        &self,
        behind: usize,
        action: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Desk {
        let action = async move { action.await.map(drop) };
        self.desk_over(Arc::new(Meanwhile::before_read(Arc::clone(&self.store), behind, action)))
    }

    fn desk_over(&self, store: Arc<dyn Store>) -> Desk {
        desk(store, &self.clock, self.desks.fetch_add(1, Ordering::SeqCst))
    }

    /// A moment of the world's clock, which goes on by it.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// One more member of staff or customer.
    pub(crate) async fn person(&self, name: &str, role: Role) -> Result<User> {
        let email = format!("{}@people.example", name.to_lowercase());
        self.admin.create_user(NewUser::new(name, email, role)).await
    }

    /// A ticket of Ada's that stands at `status`.
    pub(crate) async fn ticket_in(&self, status: TicketStatus) -> Result<Ticket> {
        let begin = match status {
            TicketStatus::Closed => TicketStatus::Resolved,
            TicketStatus::Cancelled => TicketStatus::New,
            other => other,
        };
        let new =
            NewTicket { status: begin, requested_for: Some(self.ada.actor()), ..NewTicket::new("Screen is black") };
        let ticket = self.agent.open_ticket(new).await?;
        match status {
            TicketStatus::Closed => self.agent.close_ticket(ticket.id).await,
            TicketStatus::Cancelled => self.agent.cancel_ticket(ticket.id).await,
            _ => Ok(ticket),
        }
    }

    /// Ada's request for a laptop, or for the server, which needs approval.
    pub(crate) async fn request(&self, approval: bool) -> Result<ServiceRequest> {
        let service = if approval { self.server } else { self.laptop };
        self.ada.submit_request(SubmitRequest { details: "By Friday".to_owned(), ..SubmitRequest::new(service) }).await
    }

    /// A request of Ada's that stands at `status`, of a service that needs approval or not. (Without, none is approved.)
    pub(crate) async fn request_in(&self, status: RequestStatus, approval: bool) -> Result<ServiceRequest> {
        let request = self.request(approval).await?;
        let id = request.id;
        if status == RequestStatus::Submitted {
            return Ok(request);
        }
        match status {
            RequestStatus::Rejected => return self.admin.reject_request(id).await,
            RequestStatus::Cancelled => return self.ada.cancel_request(id).await,
            _ => {}
        }
        let request = if approval { self.admin.approve_request(id).await? } else { request };
        match status {
            RequestStatus::Scheduled => self.agent.schedule_request(id, self.now().plus_micros(86_400_000_000)).await,
            RequestStatus::InProgress => self.agent.start_request(id).await,
            RequestStatus::Fulfilled => self.agent.fulfil_request(id).await,
            _ => Ok(request),
        }
    }

    /// A request of Ada's for a laptop, and the ticket that was made from it.
    pub(crate) async fn converted(&self) -> Result<(ServiceRequest, Ticket)> {
        let request = self.request(false).await?;
        let ticket = self.agent.make_ticket(request.id, TicketFromRequest::default()).await?;
        Ok((self.agent.request(request.id).await?, ticket))
    }

    /// A request of Ada's that was fulfilled and rated.
    pub(crate) async fn rated(&self, stars: Stars) -> Result<(ServiceRequest, Rating)> {
        let request = self.request_in(RequestStatus::Fulfilled, false).await?;
        let rating = self.ada.rate(request.id, stars, "Came on time").await?;
        Ok((self.agent.request(request.id).await?, rating))
    }

    /// Everything that the desk holds.
    pub(crate) async fn dump(&self) -> Result<Dump> {
        Dump::of(&self.store).await
    }

    /// Asserts that a call is refused with exactly this error, and that it changed nothing at all.
    #[track_caller]
    pub(crate) fn refuses<'a, T: Debug>(
        &'a self,
        call: impl Future<Output = Result<T>> + 'a,
        expected: Error,
    ) -> impl Future<Output = Outcome> + 'a {
        let at = Location::caller();
        async move {
            let before = self.dump().await?;
            refused_at(at, call.await, &expected);
            assert_eq!(self.dump().await?, before, "{at}: a refused call changed something");
            Ok(())
        }
    }

    /// Asserts the audit, and what the rules keep true besides.
    pub(crate) async fn sound(&self) -> Outcome {
        audit(&self.store).await?;
        let dump = self.dump().await?;
        let requests: Vec<ServiceRequest> = dump.all();
        let tickets: Vec<Ticket> = dump.all();
        for request in &requests {
            let ticket = tickets.iter().find(|ticket| Some(ticket.id) == request.ticket_id);
            let id = request.id;
            assert!(ticket.is_none_or(|ticket| ticket.request_id == Some(id)), "{id}: its ticket is another request's");
            assert!(!request.rated || request.status == RequestStatus::Fulfilled, "{id} is rated and not fulfilled");
            if let Some(rating) = dump.all::<Rating>().iter().find(|rating| Some(rating.id) == request.rating_id) {
                let named = (rating.service_id, rating.customer_id);
                assert_eq!(named, (request.service_id, request.customer_id), "{id}: its rating is of something else");
            }
            // (What was rated stays fulfilled when its ticket is reopened.)
            let open = ticket.is_some_and(|ticket| is_open(ticket.status)) && !request.rated;
            assert!(!open || request.status == RequestStatus::InProgress, "{id} has an open ticket: {request:?}");
        }
        for ticket in &tickets {
            let from = requests.iter().find(|request| Some(request.id) == ticket.request_id);
            assert!(
                from.is_none_or(|request| request.ticket_id == Some(ticket.id)),
                "{}: not its request's",
                ticket.id
            );
            let follows = ticket.priority == priority_of(ticket.impact, ticket.urgency);
            assert!(ticket.priority_overridden || follows, "{}: a priority that nobody set", ticket.id);
            let solved = matches!(ticket.status, TicketStatus::Resolved | TicketStatus::Closed);
            assert_eq!(ticket.resolved_at.is_some(), solved, "{}: {ticket:?}", ticket.id);
            assert_eq!(ticket.closed_at.is_some(), ticket.status == TicketStatus::Closed, "{}: {ticket:?}", ticket.id);
        }
        for (key, entries) in &dump.history {
            let recorded: Vec<Timestamp> = entries.iter().map(|entry| entry.recorded_at).collect();
            assert!(recorded.is_sorted_by(|a, b| a < b), "{key}: the desk's own time ran back: {recorded:?}");
        }
        let customers: Vec<UserId> =
            dump.all::<User>().iter().filter(|user| user.role == Role::Customer).map(|user| user.id).collect();
        for ticket in &tickets {
            let assigned = ticket.assigned_to.is_some_and(|user| customers.contains(&user));
            assert!(!assigned, "{}: assigned to a customer", ticket.id);
        }
        Ok(())
    }
}

/// Whether a ticket of this status is still worked on.
fn is_open(status: TicketStatus) -> bool {
    matches!(status, TicketStatus::New | TicketStatus::InProgress | TicketStatus::OnHold(_))
}

fn desk(store: Arc<dyn Store>, clock: &Arc<SteppingClock>, number: u64) -> Desk {
    let ids = SeededIds::new(0x5eed_0000 + number);
    Desk::builder(store).clock(Arc::clone(clock) as Arc<dyn Clock>).ids(Arc::new(ids)).build()
}
