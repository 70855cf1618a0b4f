//! Everything that stands on a desk, read back through a portal: the lists are walked to their ends, and the summary must
//! agree with them.

use bsm::model::{Article, Ticket, User};
use bsm::schema::{Origin, relations};
use bsm::view::{Listing, Query, RatingRow, RequestRow, ServiceUsage, Summary, UnifiedTicket};
use bsm::{Admin, store::Order};
use bsm_examples::paging::all;
use serde::Serialize;

use crate::fault::Fault;

/// Rows on a page: fewer than there are, so that lists are walked.
const PAGE: usize = 10;

/// How many there are of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) users: u64,
    pub(crate) tickets: u64,
    pub(crate) articles: u64,
    pub(crate) services: u64,
    pub(crate) requests: u64,
    pub(crate) ratings: u64,
    /// Rows of the unified view.
    pub(crate) unified: u64,
    /// Relations of the schema that the product's owner named.
    pub(crate) foreign_keys: u64,
    /// Users, tickets, articles, services, requests and ratings together.
    pub(crate) records: u64,
}

/// Everything on a desk. The unified view is newest first, as people look at it; all else is in the order of making.
#[derive(Debug, Serialize)]
pub(crate) struct Survey {
    #[serde(skip)]
    pub(crate) counts: Counts,
    pub(crate) summary: Summary,
    pub(crate) users: Vec<User>,
    pub(crate) services: Vec<ServiceUsage>,
    pub(crate) unified: Vec<UnifiedTicket>,
    pub(crate) tickets: Vec<Ticket>,
    pub(crate) requests: Vec<RequestRow>,
    pub(crate) ratings: Vec<RatingRow>,
    pub(crate) articles: Vec<Article>,
}

impl Survey {
    /// Reads everything.
    pub(crate) async fn of(admin: &Admin) -> Result<Self, Fault> {
        let users = all(oldest(), async |query| admin.users(query).await).await?;
        let services = all(oldest(), async |query| admin.service_usage(query).await).await?;
        let unified = all(Query::default().limit(PAGE), async |query| admin.unified(query).await).await?;
        let tickets = all(oldest(), async |query| admin.tickets(query).await).await?;
        let requests = all(oldest(), async |query| admin.request_rows(query).await).await?;
        let ratings = all(oldest(), async |query| admin.rating_rows(query).await).await?;
        let articles = all(oldest(), async |query| admin.articles(query).await).await?;
        let summary = admin.summary().await?;
        let owners = relations().iter().filter(|relation| relation.origin == Origin::Owner).count();
        let mut counts = Counts {
            users: agreed("users", users.len(), summary.user_count())?,
            tickets: agreed("tickets", tickets.len(), summary.ticket_count())?,
            articles: agreed("articles", articles.len(), summary.article_count())?,
            services: agreed("services", services.len(), summary.service_count())?,
            requests: agreed("requests", requests.len(), summary.request_count())?,
            ratings: agreed("ratings", ratings.len(), summary.ratings.count())?,
            unified: agreed(
                "rows in the unified view",
                unified.len(),
                summary.ticket_count() + summary.request_count(),
            )?,
            foreign_keys: owners as u64,
            records: 0,
        };
        counts.records =
            [counts.users, counts.tickets, counts.articles, counts.services, counts.requests, counts.ratings]
                .into_iter()
                .sum();
        Ok(Self { counts, summary, users, services, unified, tickets, requests, ratings, articles })
    }
}

/// All of a list, in the order of making.
fn oldest<L: Listing + Default>() -> Query<L> {
    Query::default().limit(PAGE).order(Order::OldestFirst)
}

/// A number that was read in two ways: the length of a list, and what the summary counts.
fn agreed(what: &'static str, listed: usize, counted: u64) -> Result<u64, Fault> {
    let listed = listed as u64;
    if listed == counted { Ok(listed) } else { Err(Fault::Miscounted { what, listed, counted }) }
}

/// A decimal as a JSON number. Those of ratings have so few digits that a double keeps them as they are written.
pub(crate) fn number(decimal: &impl ToString) -> Option<f64> {
    decimal.to_string().parse().ok()
}
