//! The desk, through its portals: what an application calls.

use async_trait::async_trait;
use bsm_core::model::{Channel, RequestId, ServiceId, TicketId, TicketStatus, UserId};
use bsm_core::view::{Cursor, Query, WorkFilter, WorkListing};
use bsm_core::{Desk, SubmitRequest, TicketFromRequest};
use uuid::Uuid;

use crate::bulk::Bulk;
use crate::deed::{self, Conversion, Outcome, PAGE, Place, Submission};
use crate::desk;
use crate::peer::{Opening, Peer};

/// The contender.
#[derive(Debug)]
pub struct Bsm {
    desk: Desk,
}

impl Bsm {
    /// Opens it. Its pool is its own: it takes no number of connections.
    pub async fn open(opening: &Opening) -> Outcome<Self> {
        Ok(Self { desk: desk::open(&opening.url, &opening.schema).await? })
    }
}

/// The listing and filter of the filtered page.
pub fn filtered() -> Query<WorkListing> {
    let (status, channel) = (TicketStatus::InProgress, Channel::Phone);
    debug_assert_eq!((status.as_str(), channel.as_str()), deed::FILTER);
    let filter = WorkFilter { channel: Some(channel), ..WorkFilter::default() };
    Query::of(WorkListing::TicketStatus(status)).filter(filter).limit(PAGE)
}

#[async_trait]
impl Peer for Bsm {
    async fn submit(&self, Submission { actor, service }: Submission) -> Outcome<i64> {
        let new = SubmitRequest { service: ServiceId::from_uuid(service), details: deed::DETAILS.to_owned() };
        let made = self.desk.customer(UserId::from_uuid(actor)).submit_request(new).await?;
        Ok(made.number.get().into())
    }

    async fn convert(&self, Conversion { actor, request }: Conversion) -> Outcome<i64> {
        let agent = self.desk.agent(UserId::from_uuid(actor));
        let made = agent.make_ticket(RequestId::from_uuid(request), TicketFromRequest::default()).await?;
        Ok(made.number.get().into())
    }

    async fn ticket(&self, actor: Uuid, ticket: Uuid) -> Outcome<i64> {
        let ticket = self.desk.agent(UserId::from_uuid(actor)).ticket(TicketId::from_uuid(ticket)).await?;
        Ok(ticket.number.get().into())
    }

    async fn page(&self, actor: Uuid, behind: Option<&Place>) -> Outcome<usize> {
        let everything = Query::of(WorkListing::All).limit(PAGE);
        let query = everything.cursor(behind.map(|place| Cursor::new(place.cursor.clone())));
        Ok(self.desk.agent(UserId::from_uuid(actor)).unified(&query).await?.rows.len())
    }

    async fn filtered(&self, actor: Uuid) -> Outcome<usize> {
        Ok(self.desk.agent(UserId::from_uuid(actor)).unified(&filtered()).await?.rows.len())
    }

    async fn summary(&self, actor: Uuid) -> Outcome<i64> {
        let summary = self.desk.agent(UserId::from_uuid(actor)).summary().await?;
        Ok(i64::try_from(summary.ticket_count())?)
    }

    /// An import: it reads the lines of an export strictly, and at the end makes sure that all of it holds together.
    async fn load(&self, bulk: &Bulk) -> Outcome {
        let mut import = self.desk.import().await?;
        import.write(bulk.export.as_bytes()).await?;
        import.finish().await?;
        Ok(())
    }

    async fn close(&self) {
        drop(self.desk.close().await);
    }
}
