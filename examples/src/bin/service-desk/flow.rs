//! The six steps of a request, and what each portal sees after each.
//!
//! One desk handle acts. Two others only look, one for the admin and one for the customer: whatever they show, they have
//! read from the store. They are given the stamp of the last command, so that this also holds where a store answers reads
//! from a replica. And two watch: they were begun before the first step, and are told of each as it happens.

use std::collections::BTreeMap;
use std::sync::Arc;

use bsm::demo::Demo;
use bsm::feed::{Event, OwnEvent, OwnUpdate, Since, Watch};
use bsm::model::{Action, Key, Rating, RequestId, Stars, TicketId};
use bsm::store::Stamp;
use bsm::view::{OwnListing, Query, Summary, UnifiedTicket, WorkListing};
use bsm::{Admin, CUSTOMER_REQUEST, Customer, Desk, SubmitRequest, TicketFromRequest};
use bsm_examples::paging::all;
use serde::Serialize;

use crate::fault::Fault;
use crate::survey::number;

/// How many updates of a ticket are shown.
const UPDATES: usize = 10;

/// One step, and what it led to.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) number: u8,
    pub(crate) title: &'static str,
    /// The calls that were made, as `portal.method`.
    pub(crate) commands: Vec<&'static str>,
    /// What they were about, and what they made.
    pub(crate) ids: BTreeMap<&'static str, String>,
    /// What the watchers on either side were told since the step before.
    pub(crate) told: Told,
    pub(crate) admin_sees: AdminSees,
    pub(crate) customer_sees: CustomerSees,
}

/// What two watches told, which were begun before the first step.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    pub(crate) admin: Vec<Notice>,
    pub(crate) customer: Vec<Notice>,
}

/// One event: which since the watch began, and what became of which rows.
#[derive(Debug, Serialize)]
pub(crate) struct Notice {
    pub(crate) rank: usize,
    pub(crate) rows: Vec<String>,
}

impl Notice {
    fn new(rank: &mut usize, rows: impl IntoIterator<Item = (Key, Action)>) -> Self {
        *rank += 1;
        Self { rank: *rank, rows: rows.into_iter().map(|(key, action)| format!("{} {action}", key.entity)).collect() }
    }
}

/// What the admin's portal shows of the request, and of the whole desk.
#[derive(Debug, Serialize)]
pub(crate) struct AdminSees {
    /// The request and its ticket, in the unified view.
    pub(crate) rows: Vec<UnifiedTicket>,
    /// All rows of the unified view.
    pub(crate) unified: usize,
    /// The mean of all ratings.
    pub(crate) mean_rating: Option<f64>,
    /// The share of those who gave 4 or 5 stars.
    pub(crate) satisfaction: Option<f64>,
    /// The totals of the desk.
    pub(crate) summary: Summary,
}

/// What the customer's portal shows of the request, and of what is theirs.
#[derive(Debug, Serialize)]
pub(crate) struct CustomerSees {
    /// The request and its ticket, among what is theirs.
    pub(crate) rows: Vec<UnifiedTicket>,
    /// All that is theirs.
    pub(crate) unified: usize,
    /// What they are told of the ticket, the newest first.
    pub(crate) updates: Vec<OwnUpdate>,
    /// The ratings that they gave.
    pub(crate) ratings: Vec<Rating>,
}

/// The portals: two that act, and two that look.
struct Walk {
    admin: Admin,
    customer: Customer,
    admin_looks: Admin,
    customer_looks: Customer,
    admin_watch: Watch<Event>,
    customer_watch: Watch<OwnEvent>,
    /// How many events each watch has told.
    ranks: (usize, usize),
    ids: BTreeMap<&'static str, String>,
    steps: Vec<Step>,
}

/// Walks the six steps on a desk that is filled.
pub(crate) async fn walk(desk: &Desk, demo: &Demo) -> Result<Vec<Step>, Fault> {
    let customer = *demo.customers.first().ok_or(Fault::Missing("a customer"))?;
    let look = || Desk::new(Arc::clone(desk.store()));
    let mut walk = Walk {
        admin: desk.admin(demo.admin),
        customer: desk.customer(customer),
        admin_looks: look().admin(demo.admin),
        customer_looks: look().customer(customer),
        admin_watch: look().admin(demo.admin).watch(Since::Now).await?,
        customer_watch: look().customer(customer).watch(Since::Now).await?,
        ranks: (0, 0),
        ids: BTreeMap::from([("customer", customer.to_string()), ("service", demo.orderable.to_string())]),
        steps: Vec::new(),
    };

    let details = "I take calls in the open office, and the others hear every word.".to_owned();
    let asked = SubmitRequest { details, ..SubmitRequest::new(demo.orderable) };
    let request = walk.customer.submit_request(asked).await?;
    walk.seeing(walk.customer.last_stamp());
    walk.ids.insert("request", request.id.to_string());
    walk.step("A customer submits a request", &["customer.submit_request"], request.id, None).await?;

    let submitted = Query::of(WorkListing::RequestStatus(request.status)).limit(1);
    let newest = walk.admin_looks.request_rows(&submitted).await?.rows.pop();
    newest.filter(|row| row.request.id == request.id).ok_or(Fault::Missing("the new request to the admin"))?;
    walk.step("The admin sees it", &["admin.request_rows"], request.id, None).await?;

    let ticket = walk.admin.make_ticket(request.id, TicketFromRequest::default()).await?;
    walk.seeing(walk.admin.last_stamp());
    if ticket.category.as_deref() != Some(CUSTOMER_REQUEST) {
        return Err(Fault::Missing("the ticket's category, customer_request"));
    }
    walk.ids.insert("ticket", ticket.id.to_string());
    walk.step("The admin makes a ticket of it", &["admin.make_ticket"], request.id, Some(ticket.id)).await?;

    let both = ["admin.unified", "customer.unified"];
    let step = walk.step("Both stand in the unified view", &both, request.id, Some(ticket.id)).await?;
    if (step.admin_sees.rows.len(), step.customer_sees.rows.len()) != (2, 2) {
        return Err(Fault::Missing("request and ticket in the unified view"));
    }

    walk.admin.resolve_ticket(ticket.id).await?;
    let review = "It was on my desk the next morning.";
    let rating = walk.customer.rate(request.id, Stars::Five, review).await?;
    walk.seeing(walk.customer.last_stamp());
    walk.ids.insert("rating", rating.id.to_string());
    let calls = ["admin.resolve_ticket", "customer.rate"];
    let title = "The ticket is resolved, which fulfils the request, and the customer rates it";
    walk.step(title, &calls, request.id, Some(ticket.id)).await?;

    let calls = ["admin.summary", "admin.rating_figures"];
    let figures = walk.admin_looks.rating_figures(Some(demo.orderable)).await?;
    if figures.count() != 1 {
        return Err(Fault::Missing("the service's one rating"));
    }
    walk.step("The admin sees the aggregates", &calls, request.id, Some(ticket.id)).await?;
    Ok(walk.steps)
}

impl Walk {
    /// Lets those who look see the last command of one who acted.
    fn seeing(&mut self, last: Option<Stamp>) {
        if let Some(stamp) = last {
            self.admin_looks = self.admin_looks.seeing(stamp.clone());
            self.customer_looks = self.customer_looks.seeing(stamp);
        }
    }

    /// Looks through both portals after a step, and writes it down.
    async fn step(
        &mut self,
        title: &'static str,
        commands: &[&'static str],
        request: RequestId,
        ticket: Option<TicketId>,
    ) -> Result<&Step, Fault> {
        let admin_sees = AdminSees::through(&self.admin_looks, request).await?;
        let customer_sees = CustomerSees::through(&self.customer_looks, request, ticket).await?;
        let number = u8::try_from(self.steps.len() + 1).unwrap_or(u8::MAX);
        let (commands, ids) = (commands.to_vec(), self.ids.clone());
        let told = self.told().await?;
        self.steps.push(Step { number, title, commands, ids, told, admin_sees, customer_sees });
        self.steps.last().ok_or(Fault::Missing("the step"))
    }
}

impl Walk {
    /// What the watches have been told since they were asked last. A step was acknowledged, so it is there already.
    async fn told(&mut self) -> Result<Told, Fault> {
        let mut told = Told { admin: Vec::new(), customer: Vec::new() };
        while let Some(event) = self.admin_watch.try_next().await? {
            let rows = event.entries.iter().map(|entry| (entry.key, entry.action));
            told.admin.push(Notice::new(&mut self.ranks.0, rows));
        }
        while let Some(event) = self.customer_watch.try_next().await? {
            let rows = event.updates.iter().map(|update| (update.key, update.action));
            told.customer.push(Notice::new(&mut self.ranks.1, rows));
        }
        Ok(told)
    }
}

impl AdminSees {
    async fn through(admin: &Admin, request: RequestId) -> Result<Self, Fault> {
        let unified = all(Query::default(), async |query| admin.unified(query).await).await?;
        let summary = admin.summary().await?;
        Ok(Self {
            unified: unified.len(),
            rows: about(request, unified),
            mean_rating: summary.ratings.mean().as_ref().and_then(number),
            satisfaction: summary.ratings.satisfaction().as_ref().and_then(number),
            summary,
        })
    }
}

impl CustomerSees {
    async fn through(customer: &Customer, request: RequestId, ticket: Option<TicketId>) -> Result<Self, Fault> {
        let own = || Query::of(OwnListing::All);
        let unified = all(own(), async |query| customer.unified(query).await).await?;
        let updates = match ticket {
            Some(ticket) => customer.ticket_updates(ticket, None, UPDATES).await?,
            None => Vec::new(),
        };
        let ratings = all(Query::default(), async |query| customer.ratings(query).await).await?;
        Ok(Self { unified: unified.len(), rows: about(request, unified), updates, ratings })
    }
}

/// The rows of the request and of its ticket.
fn about(request: RequestId, rows: Vec<UnifiedTicket>) -> Vec<UnifiedTicket> {
    rows.into_iter().filter(|row| row.request_id == Some(request)).collect()
}
