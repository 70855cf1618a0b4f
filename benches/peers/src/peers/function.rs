//! One call of a function that was written for the command: one statement, one round trip, nothing else. The function is in
//! `sql/functions.sql`, and is called through tokio-postgres. It is what a command on Postgres can cost at the least,
//! commands one by one.

use async_trait::async_trait;
use deadpool_postgres::Pool;
use uuid::Uuid;

use super::tokio_postgres::pool;
use crate::bulk::Bulk;
use crate::deed::{self, Conversion, Outcome, Place, Submission, refused};
use crate::peer::{Counting, Opening, Peer};

/// The contender.
#[derive(Debug)]
pub struct Function {
    pool: Pool,
    counting: bool,
}

impl Function {
    /// Opens it. Connects when it is first used.
    pub fn open(opening: &Opening) -> Outcome<Self> {
        Ok(Self { pool: pool(opening)?, counting: opening.counting == Counting::Own })
    }
}

#[async_trait]
impl Peer for Function {
    async fn submit(&self, Submission { actor, service }: Submission) -> Outcome<i64> {
        let client = self.pool.get().await?;
        let call = client.prepare_cached("SELECT peers_submit($1, $2, $3, $4, $5, $6)").await?;
        let at = deed::now();
        let id = deed::fresh(at);
        let row = client.query_one(&call, &[&actor, &service, &id, &deed::DETAILS, &at, &self.counting]).await?;
        Ok(row.try_get(0)?)
    }

    async fn convert(&self, Conversion { actor, request }: Conversion) -> Outcome<i64> {
        let client = self.pool.get().await?;
        let call = client.prepare_cached("SELECT peers_convert($1, $2, $3, $4, $5)").await?;
        let at = deed::now();
        let id = deed::fresh(at);
        let row = client.query_one(&call, &[&actor, &request, &id, &at, &self.counting]).await?;
        Ok(row.try_get(0)?)
    }

    async fn ticket(&self, _: Uuid, _: Uuid) -> Outcome<i64> {
        refused("not done by a function")
    }

    async fn page(&self, _: Uuid, _: Option<&Place>) -> Outcome<usize> {
        refused("not done by a function")
    }

    async fn filtered(&self, _: Uuid) -> Outcome<usize> {
        refused("not done by a function")
    }

    async fn summary(&self, _: Uuid) -> Outcome<i64> {
        refused("not done by a function")
    }

    async fn load(&self, _: &Bulk) -> Outcome {
        refused("not done by a function")
    }

    async fn close(&self) {
        self.pool.close();
    }
}
