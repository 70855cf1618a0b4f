//! sqlx, as its documentation advises: a pool, `query_as` with types that derive `FromRow`, a transaction for a command.
//! sqlx keeps prepared statements by itself and sends one statement after another. A read is one statement.

use std::str::FromStr as _;

use ::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use ::sqlx::types::Json;
use ::sqlx::{PgConnection, PgPool, query, query_as, query_scalar};
use async_trait::async_trait;
use uuid::Uuid;

use super::rows::{self, Asked, Listed, Offer, Sum, Ticket};
use super::statements as sql;
use crate::bulk::{self, Bulk, Loaded};
use crate::deed::{self, Conversion, Outcome, Place, Submission, refused};
use crate::peer::{Counting, Opening, Peer};

/// How many bytes go into one message of `COPY`.
const COPIED: usize = 1 << 20;

/// The contender.
#[derive(Debug)]
pub struct Sqlx {
    pool: PgPool,
    counting: Counting,
}

impl Sqlx {
    /// Opens it. Connects when it is first used.
    pub fn open(opening: &Opening) -> Outcome<Self> {
        let options = PgConnectOptions::from_str(&opening.url)?.options([("search_path", &opening.schema)]);
        let pool = PgPoolOptions::new().max_connections(opening.connections).test_before_acquire(opening.checked);
        Ok(Self { pool: pool.connect_lazy_with(options), counting: opening.counting })
    }

    fn begin(&self) -> &'static str {
        match self.counting {
            Counting::Own => "BEGIN",
            Counting::Triggers => sql::BEGIN_COMMAND,
        }
    }
}

/// Reads and holds a person, who must be active and of one of the roles.
async fn admit(connection: &mut PgConnection, person: Uuid, roles: &[&str]) -> Outcome {
    let found: Option<(String, bool)> = query_as(sql::PERSON).bind(person).fetch_optional(connection).await?;
    match found {
        Some((role, true)) if roles.contains(&role.as_str()) => Ok(()),
        _ => refused("not active, or of another role"),
    }
}

#[async_trait]
impl Peer for Sqlx {
    async fn submit(&self, Submission { actor, service }: Submission) -> Outcome<i64> {
        let mut transaction = self.pool.begin_with(self.begin()).await?;
        admit(&mut transaction, actor, &["customer"]).await?;
        let offer: Option<Offer> = query_as(sql::SERVICE).bind(service).fetch_optional(&mut *transaction).await?;
        let Some(offer) = offer.filter(|offer| offer.active) else {
            return refused("not a service that can be asked for");
        };
        let at = deed::now();
        let id = deed::fresh(at);
        let price = offer.price.to_string();
        let changes = deed::request_made(service, actor, offer.needs_approval, &price, &offer.currency);
        let made = query_scalar(sql::MAKE_REQUEST).bind(id).bind(at).bind(service).bind(actor).bind(deed::DETAILS);
        let made = made.bind(offer.needs_approval).bind(offer.price).bind(offer.currency);
        let number: i64 = made.fetch_one(&mut *transaction).await?;
        let said = query(sql::TELL_SUBMISSION).bind(id).bind(actor).bind(at).bind(Json(changes));
        said.execute(&mut *transaction).await?;
        let fed = query(sql::FEED).bind(at).bind(Json(deed::told(&[("request", id, 1)]))).bind(vec![actor]);
        fed.execute(&mut *transaction).await?;
        if self.counting == Counting::Own {
            query(sql::COUNT_SUBMISSION).bind(service).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(number)
    }

    async fn convert(&self, Conversion { actor, request }: Conversion) -> Outcome<i64> {
        let mut transaction = self.pool.begin_with(self.begin()).await?;
        admit(&mut transaction, actor, &["admin", "agent"]).await?;
        let asked: Option<Asked> = query_as(sql::REQUEST).bind(request).fetch_optional(&mut *transaction).await?;
        let asked = asked.filter(|it| deed::may_become_a_ticket(&it.status, it.needs_approval, it.ticket_id));
        let Some(asked) = asked else {
            return refused("not a request that can be made into a ticket");
        };
        let offer: Offer = query_as(sql::SERVICE).bind(asked.service_id).fetch_one(&mut *transaction).await?;
        let at = deed::now();
        let id = deed::fresh(at);
        let version = asked.version + 1;
        let made = query_scalar(sql::MAKE_TICKET).bind(id).bind(at).bind(offer.name).bind(asked.details).bind(actor);
        let number: i64 = made.bind(asked.customer_id).bind(request).fetch_one(&mut *transaction).await?;
        let up = query(sql::TAKE_UP).bind(request).bind(id).bind(at).bind(asked.version);
        if up.execute(&mut *transaction).await?.rows_affected() != 1 {
            return refused("somebody else changed the request");
        }
        let changes = Json(deed::ticket_made(actor, asked.customer_id, request));
        let taken_up = Json(deed::request_taken_up(&asked.status, id));
        let said = query(sql::TELL_CONVERSION).bind(actor).bind(at).bind(asked.customer_id).bind(id).bind(changes);
        said.bind(request).bind(version).bind(taken_up).execute(&mut *transaction).await?;
        let told = Json(deed::told(&[("ticket", id, 1), ("request", request, version)]));
        query(sql::FEED).bind(at).bind(told).bind(vec![asked.customer_id]).execute(&mut *transaction).await?;
        if self.counting == Counting::Own {
            let counted = query(sql::COUNT_CONVERSION).bind(asked.service_id).bind(asked.status);
            counted.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(number)
    }

    async fn ticket(&self, actor: Uuid, ticket: Uuid) -> Outcome<i64> {
        let row: Ticket = query_as(sql::TICKET).bind(actor).bind(ticket).fetch_one(&self.pool).await?;
        Ok(row.number)
    }

    async fn page(&self, actor: Uuid, behind: Option<&Place>) -> Outcome<usize> {
        let behind = behind.map_or(Uuid::max(), |place| place.behind);
        let listed: Vec<Listed> = query_as(sql::PAGE).bind(actor).bind(behind).fetch_all(&self.pool).await?;
        rows::page(&listed)
    }

    async fn filtered(&self, actor: Uuid) -> Outcome<usize> {
        let (status, channel) = deed::FILTER;
        let listed = query_as(sql::FILTERED).bind(actor).bind(status).bind(channel);
        let listed: Vec<Listed> = listed.fetch_all(&self.pool).await?;
        rows::page(&listed)
    }

    async fn summary(&self, actor: Uuid) -> Outcome<i64> {
        let sums: Vec<Sum> = query_as(sql::SUMMARY).bind(actor).fetch_all(&self.pool).await?;
        rows::tickets(&sums)
    }

    /// `COPY` in its text form, since sqlx writes no binary one.
    async fn load(&self, bulk: &Bulk) -> Outcome {
        let mut transaction = self.pool.begin_with("BEGIN; SET CONSTRAINTS ALL DEFERRED").await?;
        copy(&mut transaction, &bulk.users).await?;
        copy(&mut transaction, &bulk.services).await?;
        copy(&mut transaction, &bulk.ratings).await?;
        copy(&mut transaction, &bulk.requests).await?;
        copy(&mut transaction, &bulk.tickets).await?;
        copy(&mut transaction, &bulk.history).await?;
        ::sqlx::raw_sql(::sqlx::AssertSqlSafe(bulk.count.clone())).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

async fn copy<T: Loaded>(connection: &mut PgConnection, rows: &[T]) -> Outcome {
    let statement = format!("COPY {} ({}) FROM STDIN", T::TABLE, T::COLUMNS.join(", "));
    let mut copy = connection.copy_in_raw(&statement).await?;
    let mut rows = rows.iter();
    while let Some(text) = bulk::lines(&mut rows, COPIED) {
        copy.send(text.into_bytes()).await?;
    }
    copy.finish().await?;
    Ok(())
}
