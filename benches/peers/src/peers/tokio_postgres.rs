//! tokio-postgres, as its documentation advises: prepared statements (kept by deadpool-postgres), and requests that don't
//! need each other's answers sent together, by `try_join`. A command is two round trips: what is locked and read, and what
//! is written with the `COMMIT` behind it. A read is one statement.

use std::pin::pin;

use ::tokio_postgres::binary_copy::BinaryCopyInWriter;
use ::tokio_postgres::types::{Json, ToSql, Type};
use ::tokio_postgres::{Config, NoTls, Row};
use async_trait::async_trait;
use deadpool_postgres::{Client, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use futures_util::try_join;
use uuid::Uuid;

use super::rows::{self, Asked, Listed, Offer, Sum, Ticket};
use super::statements as sql;
use crate::bulk::{Bulk, Cell, Kind, Loaded};
use crate::deed::{self, Conversion, Outcome, Place, Submission, refused};
use crate::peer::{Counting, Opening, Peer};

/// The contender.
#[derive(Debug)]
pub struct ByHand {
    pool: Pool,
    counting: Counting,
}

/// A pool as deadpool-postgres' documentation sets it up.
pub(super) fn pool(opening: &Opening) -> Outcome<Pool> {
    let mut config: Config = opening.url.parse()?;
    config.options(format!("-c search_path={}", opening.schema));
    let recycling_method = if opening.checked { RecyclingMethod::Verified } else { RecyclingMethod::Fast };
    let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method });
    let size = usize::try_from(opening.connections)?;
    Ok(Pool::builder(manager).max_size(size).runtime(Runtime::Tokio1).build()?)
}

impl ByHand {
    /// Opens it. Connects when it is first used.
    pub fn open(opening: &Opening) -> Outcome<Self> {
        Ok(Self { pool: pool(opening)?, counting: opening.counting })
    }

    fn begin(&self) -> &'static str {
        match self.counting {
            Counting::Own => "BEGIN",
            Counting::Triggers => sql::BEGIN_COMMAND,
        }
    }
}

/// Whether a person is active and of one of the roles.
fn admits(person: Option<&Row>, roles: &[&str]) -> bool {
    person.is_some_and(|person| person.get::<_, bool>(1) && roles.contains(&person.get::<_, &str>(0)))
}

/// Ends a transaction that can't go on.
async fn give_up<T>(client: &Client, why: &'static str) -> Outcome<T> {
    client.batch_execute("ROLLBACK").await?;
    refused(why)
}

#[async_trait]
impl Peer for ByHand {
    async fn submit(&self, Submission { actor, service }: Submission) -> Outcome<i64> {
        let client = self.pool.get().await?;
        let person = client.prepare_cached(sql::PERSON).await?;
        let held = client.prepare_cached(sql::SERVICE).await?;
        let make = client.prepare_cached(sql::MAKE_REQUEST).await?;
        let tell = client.prepare_cached(sql::TELL_SUBMISSION).await?;
        let feed = client.prepare_cached(sql::FEED).await?;
        let count = client.prepare_cached(sql::COUNT_SUBMISSION).await?;
        let (at_actor, at_service): ([&(dyn ToSql + Sync); 1], [&(dyn ToSql + Sync); 1]) = ([&actor], [&service]);
        let ((), customer, offer) = try_join!(
            client.batch_execute(self.begin()),
            client.query_opt(&person, &at_actor),
            client.query_opt(&held, &at_service),
        )?;
        if !admits(customer.as_ref(), &["customer"]) {
            return give_up(&client, "not an active customer").await;
        }
        let Some(offer) = offer.map(|row| Offer::from(&row)).filter(|offer| offer.active) else {
            return give_up(&client, "not a service that can be asked for").await;
        };
        let at = deed::now();
        let id = deed::fresh(at);
        let price = offer.price.to_string();
        let changes = Json(deed::request_made(service, actor, offer.needs_approval, &price, &offer.currency));
        let (told, subjects) = (Json(deed::told(&[("request", id, 1)])), vec![actor]);
        let made: [&(dyn ToSql + Sync); 8] =
            [&id, &at, &service, &actor, &deed::DETAILS, &offer.needs_approval, &offer.price, &offer.currency];
        let said: [&(dyn ToSql + Sync); 4] = [&id, &actor, &at, &changes];
        let fed: [&(dyn ToSql + Sync); 3] = [&at, &told, &subjects];
        let counted = async {
            match self.counting {
                Counting::Own => client.execute(&count, &at_service).await.map(|_| ()),
                Counting::Triggers => Ok(()),
            }
        };
        let (given, _, _, (), ()) = try_join!(
            client.query_one(&make, &made),
            client.execute(&tell, &said),
            client.execute(&feed, &fed),
            counted,
            client.batch_execute("COMMIT"),
        )?;
        Ok(given.try_get(0)?)
    }

    async fn convert(&self, Conversion { actor, request }: Conversion) -> Outcome<i64> {
        let client = self.pool.get().await?;
        let person = client.prepare_cached(sql::PERSON).await?;
        let held = client.prepare_cached(sql::REQUEST).await?;
        let named = client.prepare_cached(sql::SERVICE_OF_REQUEST).await?;
        let make = client.prepare_cached(sql::MAKE_TICKET).await?;
        let take_up = client.prepare_cached(sql::TAKE_UP).await?;
        let tell = client.prepare_cached(sql::TELL_CONVERSION).await?;
        let feed = client.prepare_cached(sql::FEED).await?;
        let count = client.prepare_cached(sql::COUNT_CONVERSION).await?;
        let (at_actor, at_request): ([&(dyn ToSql + Sync); 1], [&(dyn ToSql + Sync); 1]) = ([&actor], [&request]);
        let ((), staff, asked, service) = try_join!(
            client.batch_execute(self.begin()),
            client.query_opt(&person, &at_actor),
            client.query_opt(&held, &at_request),
            client.query_opt(&named, &at_request),
        )?;
        if !admits(staff.as_ref(), &["admin", "agent"]) {
            return give_up(&client, "not active staff").await;
        }
        let asked = asked.map(|row| Asked::from(&row));
        let asked = asked.filter(|it| deed::may_become_a_ticket(&it.status, it.needs_approval, it.ticket_id));
        let (Some(asked), Some(service)) = (asked, service) else {
            return give_up(&client, "not a request that can be made into a ticket").await;
        };
        let title: &str = service.try_get(0)?;
        let at = deed::now();
        let id = deed::fresh(at);
        let version = asked.version + 1;
        let changes = Json(deed::ticket_made(actor, asked.customer_id, request));
        let taken_up = Json(deed::request_taken_up(&asked.status, id));
        let told = Json(deed::told(&[("ticket", id, 1), ("request", request, version)]));
        let subjects = vec![asked.customer_id];
        let made: [&(dyn ToSql + Sync); 7] = [&id, &at, &title, &asked.details, &actor, &asked.customer_id, &request];
        let up: [&(dyn ToSql + Sync); 4] = [&request, &id, &at, &asked.version];
        let said: [&(dyn ToSql + Sync); 8] =
            [&actor, &at, &asked.customer_id, &id, &changes, &request, &version, &taken_up];
        let fed: [&(dyn ToSql + Sync); 3] = [&at, &told, &subjects];
        let by: [&(dyn ToSql + Sync); 2] = [&asked.service_id, &asked.status];
        let counted = async {
            match self.counting {
                Counting::Own => client.execute(&count, &by).await.map(|_| ()),
                Counting::Triggers => Ok(()),
            }
        };
        // The request is held at its version, so the update can't miss it.
        let (given, _, _, _, (), ()) = try_join!(
            client.query_one(&make, &made),
            client.execute(&take_up, &up),
            client.execute(&tell, &said),
            client.execute(&feed, &fed),
            counted,
            client.batch_execute("COMMIT"),
        )?;
        Ok(given.try_get(0)?)
    }

    async fn ticket(&self, actor: Uuid, ticket: Uuid) -> Outcome<i64> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(sql::TICKET).await?;
        let row = client.query_one(&statement, &[&actor, &ticket]).await?;
        Ok(Ticket::from(&row).number)
    }

    async fn page(&self, actor: Uuid, behind: Option<&Place>) -> Outcome<usize> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(sql::PAGE).await?;
        let behind = behind.map_or(Uuid::max(), |place| place.behind);
        let listed = client.query(&statement, &[&actor, &behind]).await?;
        rows::page(&listed.iter().map(Listed::from).collect::<Vec<_>>())
    }

    async fn filtered(&self, actor: Uuid) -> Outcome<usize> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(sql::FILTERED).await?;
        let listed = client.query(&statement, &[&actor, &deed::FILTER.0, &deed::FILTER.1]).await?;
        rows::page(&listed.iter().map(Listed::from).collect::<Vec<_>>())
    }

    async fn summary(&self, actor: Uuid) -> Outcome<i64> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(sql::SUMMARY).await?;
        let sums = client.query(&statement, &[&actor]).await?;
        rows::tickets(&sums.iter().map(Sum::from).collect::<Vec<_>>())
    }

    /// `COPY` in its binary form, table by table, as the documentation of `binary_copy` shows.
    async fn load(&self, bulk: &Bulk) -> Outcome {
        let client = self.pool.get().await?;
        client.batch_execute("BEGIN; SET CONSTRAINTS ALL DEFERRED").await?;
        copy(&client, &bulk.users).await?;
        copy(&client, &bulk.services).await?;
        copy(&client, &bulk.ratings).await?;
        copy(&client, &bulk.requests).await?;
        copy(&client, &bulk.tickets).await?;
        copy(&client, &bulk.history).await?;
        client.batch_execute(&bulk.count).await?;
        client.batch_execute("COMMIT").await?;
        Ok(())
    }

    async fn close(&self) {
        self.pool.close();
    }
}

async fn copy<T: Loaded>(client: &Client, rows: &[T]) -> Outcome {
    let statement = format!("COPY {} ({}) FROM STDIN BINARY", T::TABLE, T::COLUMNS.join(", "));
    let types: Vec<Type> = T::KINDS.iter().map(|kind| type_of(*kind)).collect();
    let mut writer = pin!(BinaryCopyInWriter::new(client.copy_in(&statement).await?, &types));
    for row in rows {
        let cells = row.cells();
        let mut values: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(cells.len());
        for cell in &cells {
            values.push(match cell {
                Cell::Id(value) => value,
                Cell::Text(value) => value,
                Cell::Time(value) => value,
                Cell::Bool(value) => value,
                Cell::Small(value) => value,
                Cell::Int(value) => value,
                Cell::Decimal(value) => value,
                Cell::Json(value) => *value,
            });
        }
        writer.as_mut().write(&values).await?;
    }
    writer.finish().await?;
    Ok(())
}

const fn type_of(kind: Kind) -> Type {
    match kind {
        Kind::Id => Type::UUID,
        Kind::Text => Type::TEXT,
        Kind::Time => Type::TIMESTAMPTZ,
        Kind::Bool => Type::BOOL,
        Kind::Small => Type::INT2,
        Kind::Int => Type::INT8,
        Kind::Decimal => Type::NUMERIC,
        Kind::Json => Type::JSONB,
    }
}
