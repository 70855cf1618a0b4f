//! Diesel with diesel-async, as their documentation advises: tables by `table!`, types that derive `HasQuery` and
//! `Insertable`, `transaction` for a command, a pool of deadpool; and queries that don't need each other's answers sent
//! together, by `try_join`, as diesel-async's documentation of its connection shows.
//!
//! A command is four round trips: `BEGIN`, what is locked and read, what is written, `COMMIT`.

mod load;
mod rows;
mod schema;

use ::diesel::prelude::*;
use async_trait::async_trait;
use bigdecimal::BigDecimal;
use chrono::{DateTime, Utc};
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::try_join;
use serde_json::Value as Json;
use uuid::Uuid;

use self::rows::{Asked, Counted, Event, Listed, NewRequest, NewTicket, Offer, Person, Ticket, Told};
use self::schema::{
    counters, customer_service_requests, customer_services, feed, history, tickets, unified_tickets_view, users,
};
use crate::bulk::Bulk;
use crate::deed::{self, Conversion, Fault, Outcome, PAGE, Place, Submission, refused};
use crate::peer::{Counting, Opening, Peer};

#[declare_sql_function]
extern "SQL" {
    /// The process that serves the connection: by it the shard of a counter is chosen.
    fn pg_backend_pid() -> Integer;
}

/// The contender.
pub struct Diesel {
    pool: Pool<AsyncPgConnection>,
    counting: Counting,
}

impl Diesel {
    /// Opens it. Connects when it is first used.
    pub fn open(opening: &Opening) -> Outcome<Self> {
        // Its URL is tokio-postgres', whose options say what the connection is set to.
        let glue = if opening.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{glue}options=-c%20search_path%3D{}", opening.url, opening.schema);
        let mut config = ManagerConfig::default();
        if !opening.checked {
            config.recycling_method = RecyclingMethod::Fast;
        }
        let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new_with_config(url, config);
        let pool = Pool::builder(manager).max_size(usize::try_from(opening.connections)?).build()?;
        Ok(Self { pool, counting: opening.counting })
    }

    async fn connection(&self) -> Outcome<Object<AsyncPgConnection>> {
        Ok(self.pool.get().await?)
    }
}

fn admits(person: Option<&Person>, roles: &[&str]) -> bool {
    person.is_some_and(|person| person.active && roles.contains(&person.role.as_str()))
}

/// Who may see what staff see.
async fn admitted(mut connection: &AsyncPgConnection, actor: Uuid) -> QueryResult<bool> {
    let person = Person::query().filter(users::id.eq(actor)).first(&mut connection).await.optional()?;
    Ok(admits(person.as_ref(), &["admin", "agent"]))
}

/// Adds to counters, in the order in which they are given. One statement, which Diesel prepares anew with each call, as it
/// does every `ON CONFLICT DO UPDATE` and every `UPDATE`.
async fn count(
    mut connection: &AsyncPgConnection,
    pid: i32,
    counted: Vec<(&'static str, Vec<String>, i64)>,
) -> QueryResult<()> {
    if counted.is_empty() {
        return Ok(());
    }
    let shard = i16::try_from(pid.rem_euclid(16)).unwrap_or(0);
    let rows = counted.into_iter().map(|(family, names, amount)| Counted {
        family,
        names,
        shard,
        amount: BigDecimal::from(amount),
        scale: 0,
    });
    let statement = ::diesel::insert_into(counters::table).values(rows.collect::<Vec<_>>());
    let statement = statement.on_conflict((counters::family, counters::names, counters::shard)).do_update();
    let added = counters::amount + ::diesel::upsert::excluded(counters::amount);
    statement.set(counters::amount.eq(added)).execute(&mut connection).await?;
    Ok(())
}

#[async_trait]
impl Peer for Diesel {
    async fn submit(&self, Submission { actor, service }: Submission) -> Outcome<i64> {
        let counting = self.counting;
        let mut connection = self.connection().await?;
        let submitted = connection
            .transaction::<i64, Fault, _>(async |connection| submit(connection, counting, actor, service).await);
        submitted.await
    }

    async fn convert(&self, Conversion { actor, request }: Conversion) -> Outcome<i64> {
        let counting = self.counting;
        let mut connection = self.connection().await?;
        let converted = connection
            .transaction::<i64, Fault, _>(async |connection| convert(connection, counting, actor, request).await);
        converted.await
    }

    async fn ticket(&self, actor: Uuid, ticket: Uuid) -> Outcome<i64> {
        let connection = self.connection().await?;
        let connection: &AsyncPgConnection = &connection;
        let found = Ticket::query().filter(tickets::id.eq(ticket));
        let (admitted, ticket) = try_join!(admitted(connection, actor), found.first(&mut &*connection))?;
        if !admitted {
            return refused("not active staff");
        }
        Ok(ticket.number)
    }

    async fn page(&self, actor: Uuid, behind: Option<&Place>) -> Outcome<usize> {
        let connection = self.connection().await?;
        let connection: &AsyncPgConnection = &connection;
        let behind = behind.map_or(Uuid::max(), |place| place.behind);
        let page = Listed::query().filter(unified_tickets_view::id.lt(behind));
        let page = page.order_by(unified_tickets_view::id.desc()).limit(i64::try_from(PAGE)? + 1);
        let (admitted, listed) = try_join!(admitted(connection, actor), page.load::<Listed>(&mut &*connection))?;
        if !admitted {
            return refused("not active staff");
        }
        Ok(listed.len().min(PAGE))
    }

    async fn filtered(&self, actor: Uuid) -> Outcome<usize> {
        let connection = self.connection().await?;
        let connection: &AsyncPgConnection = &connection;
        let (status, channel) = deed::FILTER;
        let (customer, assignee) = ::diesel::alias!(users as customer, users as assignee);
        let names = (
            customer.fields((users::full_name, users::email)).nullable(),
            assignee.fields((users::full_name, users::email)).nullable(),
        );
        let page = tickets::table
            .left_join(customer.on(tickets::requested_for.eq(customer.field(users::id).nullable())))
            .left_join(assignee.on(tickets::assigned_to.eq(assignee.field(users::id).nullable())))
            .filter(tickets::status.eq(status).and(tickets::channel.eq(channel)))
            .order_by(tickets::id.desc())
            .limit(i64::try_from(PAGE)? + 1)
            .select((Ticket::as_select(), names));
        type Name = Option<(String, String)>;
        let page = page.load::<(Ticket, (Name, Name))>(&mut &*connection);
        let (admitted, listed) = try_join!(admitted(connection, actor), page)?;
        if !admitted {
            return refused("not active staff");
        }
        Ok(listed.len().min(PAGE))
    }

    async fn summary(&self, actor: Uuid) -> Outcome<i64> {
        let connection = self.connection().await?;
        let connection: &AsyncPgConnection = &connection;
        let sums = counters::table
            .filter(counters::family.eq_any(deed::SUMMARY))
            .group_by((counters::family, counters::names))
            .select((counters::family, counters::names, ::diesel::dsl::sum(counters::amount)));
        let sums = sums.load::<(String, Vec<String>, Option<BigDecimal>)>(&mut &*connection);
        let (admitted, sums) = try_join!(admitted(connection, actor), sums)?;
        if !admitted {
            return refused("not active staff");
        }
        let tickets = sums.into_iter().filter(|(family, ..)| family == "tickets").filter_map(|(.., amount)| amount);
        let tickets: BigDecimal = tickets.sum();
        bigdecimal::ToPrimitive::to_i64(&tickets).ok_or_else(|| "too many tickets".into())
    }

    async fn load(&self, bulk: &Bulk) -> Outcome {
        let mut connection = self.connection().await?;
        connection
            .transaction::<(), Fault, _>(async |connection| {
                connection.batch_execute("SET CONSTRAINTS ALL DEFERRED").await?;
                load::all(connection, bulk).await?;
                connection.batch_execute(&bulk.count).await?;
                Ok(())
            })
            .await
    }

    async fn close(&self) {
        self.pool.close();
    }
}

fn entry(
    (entity, row_id, version): (&'static str, Uuid, i64),
    action: &'static str,
    (actor, at, subject): (Uuid, DateTime<Utc>, Uuid),
    changes: Json,
) -> Told {
    Told {
        entity,
        row_id,
        version,
        action,
        actor: Some(actor),
        occurred_at: at,
        recorded_at: at,
        subject: Some(subject),
        changes,
    }
}

async fn tell_triggers(connection: &AsyncPgConnection, counting: Counting) -> QueryResult<()> {
    match counting {
        Counting::Own => Ok(()),
        Counting::Triggers => (&mut &*connection).batch_execute("SET LOCAL bsm.command = 'on'").await,
    }
}

async fn submit(connection: &AsyncPgConnection, counting: Counting, actor: Uuid, service: Uuid) -> Outcome<i64> {
    let customer = Person::query().filter(users::id.eq(actor)).for_share();
    let offer = Offer::query().filter(customer_services::id.eq(service)).for_share();
    let pid = ::diesel::select(pg_backend_pid());
    let ((), customer, offer, pid) = try_join!(
        tell_triggers(connection, counting),
        async { customer.first(&mut &*connection).await.optional() },
        async { offer.first(&mut &*connection).await.optional() },
        pid.get_result::<i32>(&mut &*connection),
    )?;
    if !admits(customer.as_ref(), &["customer"]) {
        return refused("not an active customer");
    }
    let Some(offer) = offer.filter(|offer| offer.active) else {
        return refused("not a service that can be asked for");
    };
    let at = deed::now();
    let id = deed::fresh(at);
    let price = offer.price.to_plain_string();
    let changes = deed::request_made(service, actor, offer.needs_approval, &price, &offer.currency);
    let told = deed::told(&[("request", id, 1)]);
    let counted = match counting {
        Counting::Own => deed::counted_submission(service),
        Counting::Triggers => Vec::new(),
    };
    let request = NewRequest {
        id,
        created_at: at,
        service_id: service,
        customer_id: actor,
        details: deed::DETAILS,
        status: "submitted",
        needs_approval: offer.needs_approval,
        price: &offer.price,
        currency: &offer.currency,
        rated: false,
        version: 1,
        updated_at: at,
    };
    let entry = entry(("request", id, 1), "created", (actor, at, actor), changes);
    let event = Event { recorded_at: at, changes: &told, subjects: vec![actor] };
    let request = ::diesel::insert_into(customer_service_requests::table).values(request);
    let request = request.returning(customer_service_requests::number);
    let (number, _, _, ()) = try_join!(
        request.get_result::<i64>(&mut &*connection),
        ::diesel::insert_into(history::table).values(entry).execute(&mut &*connection),
        ::diesel::insert_into(feed::table).values(event).execute(&mut &*connection),
        count(connection, pid, counted),
    )?;
    Ok(number)
}

async fn convert(connection: &AsyncPgConnection, counting: Counting, actor: Uuid, request: Uuid) -> Outcome<i64> {
    let staff = Person::query().filter(users::id.eq(actor)).for_share();
    let asked = Asked::query().filter(customer_service_requests::id.eq(request)).for_no_key_update();
    let of_request = customer_service_requests::table
        .filter(customer_service_requests::id.eq(request))
        .select(customer_service_requests::service_id);
    let offer = Offer::query().filter(customer_services::id.eq_any(of_request)).for_share();
    let pid = ::diesel::select(pg_backend_pid());
    let ((), staff, asked, offer, pid) = try_join!(
        tell_triggers(connection, counting),
        async { staff.first(&mut &*connection).await.optional() },
        async { asked.first(&mut &*connection).await.optional() },
        async { offer.first(&mut &*connection).await.optional() },
        pid.get_result::<i32>(&mut &*connection),
    )?;
    if !admits(staff.as_ref(), &["admin", "agent"]) {
        return refused("not active staff");
    }
    let asked = asked.filter(|it: &Asked| deed::may_become_a_ticket(&it.status, it.needs_approval, it.ticket_id));
    let (Some(asked), Some(offer)) = (asked, offer) else {
        return refused("not a request that can be made into a ticket");
    };
    let at = deed::now();
    let id = deed::fresh(at);
    let (customer, version) = (asked.customer_id, asked.version + 1);
    let changes = deed::ticket_made(actor, customer, request);
    let taken_up = deed::request_taken_up(&asked.status, id);
    let told = deed::told(&[("ticket", id, 1), ("request", request, version)]);
    let counted = match counting {
        Counting::Own => deed::counted_conversion(asked.service_id, &asked.status),
        Counting::Triggers => Vec::new(),
    };
    let ticket = NewTicket {
        id,
        created_at: at,
        title: &offer.name,
        description: &asked.details,
        status: "new",
        impact: "low",
        urgency: "medium",
        priority: "low",
        priority_overridden: false,
        category: "customer_request",
        channel: "portal",
        created_by: actor,
        requested_for: customer,
        request_id: request,
        reopen_count: 0,
        version: 1,
        updated_at: at,
    };
    let by = (actor, at, customer);
    // An array is of a fixed size, so its statement is kept.
    let entries = [
        entry(("ticket", id, 1), "created", by, changes),
        entry(("request", request, version), "changed", by, taken_up),
    ];
    let event = Event { recorded_at: at, changes: &told, subjects: vec![customer] };
    let ticket = ::diesel::insert_into(tickets::table).values(ticket).returning(tickets::number);
    let standing =
        customer_service_requests::table.find(request).filter(customer_service_requests::version.eq(asked.version));
    let taken = ::diesel::update(standing).set((
        customer_service_requests::status.eq("in_progress"),
        customer_service_requests::ticket_id.eq(id),
        customer_service_requests::version.eq(version),
        customer_service_requests::updated_at.eq(at),
    ));
    let (number, taken, _, _, ()) = try_join!(
        ticket.get_result::<i64>(&mut &*connection),
        taken.execute(&mut &*connection),
        ::diesel::insert_into(history::table).values(entries).execute(&mut &*connection),
        ::diesel::insert_into(feed::table).values(event).execute(&mut &*connection),
        count(connection, pid, counted),
    )?;
    if taken == 1 { Ok(number) } else { refused("somebody else changed the request") }
}
