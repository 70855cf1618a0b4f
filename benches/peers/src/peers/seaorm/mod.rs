//! `SeaORM`, as its documentation advises: entities, active models, `begin` and `commit` for a command, one statement after
//! another. Where entities can't say it (counters that are added to), its query builder.

mod entity;
mod load;

use ::sea_orm::sea_query::{Expr, ExprTrait, LockType, OnConflict, Query};
use ::sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectOptions, ConnectionTrait, Database, DatabaseConnection,
    DatabaseTransaction, DerivePartialModel, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder,
    QuerySelect, RelationTrait, TransactionTrait, Unchanged,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value as Json;
use uuid::Uuid;

use self::entity::{counter, event, history, listed, request, service, ticket, user};
use crate::bulk::Bulk;
use crate::deed::{self, Conversion, Outcome, PAGE, Place, Submission, refused};
use crate::peer::{Counting, Opening, Peer};

/// The contender.
#[derive(Debug)]
pub struct SeaOrm {
    database: DatabaseConnection,
    counting: Counting,
}

/// Whoever a page names.
#[derive(Debug, DerivePartialModel)]
#[sea_orm(entity = "user::Entity")]
#[expect(dead_code, reason = "names are read to be shown")]
struct Person {
    full_name: String,
    email: String,
}

/// A ticket with those whom it names.
#[derive(Debug, DerivePartialModel)]
#[sea_orm(entity = "ticket::Entity")]
#[expect(dead_code, reason = "a ticket is read whole")]
struct Named {
    #[sea_orm(nested)]
    ticket: ticket::Model,
    #[sea_orm(nested, alias = "customer")]
    customer: Option<Person>,
    #[sea_orm(nested, alias = "assignee")]
    assignee: Option<Person>,
}

#[derive(Debug, FromQueryResult)]
#[expect(dead_code, reason = "a counter is read whole")]
struct Sum {
    family: String,
    names: Vec<String>,
    amount: Decimal,
}

impl SeaOrm {
    /// Opens it.
    pub async fn open(opening: &Opening) -> Outcome<Self> {
        let mut options = ConnectOptions::new(&opening.url);
        options.max_connections(opening.connections).sqlx_logging(false);
        options.set_schema_search_path(&opening.schema).test_before_acquire(opening.checked);
        Ok(Self { database: Database::connect(options).await?, counting: opening.counting })
    }

    async fn begin(&self) -> Outcome<DatabaseTransaction> {
        let transaction = self.database.begin().await?;
        if self.counting == Counting::Triggers {
            transaction.execute_unprepared("SET LOCAL bsm.command = 'on'").await?;
        }
        Ok(transaction)
    }

    async fn admit(&self, actor: Uuid) -> Outcome {
        let found = user::Entity::find_by_id(actor).one(&self.database).await?;
        admit(found, &["admin", "agent"])
    }

    async fn count(&self, on: &DatabaseTransaction, counted: Vec<(&'static str, Vec<String>, i64)>) -> Outcome {
        if self.counting == Counting::Triggers {
            return Ok(());
        }
        let mut insert = Query::insert();
        insert.into_table(counter::Entity).columns([
            counter::Column::Family,
            counter::Column::Names,
            counter::Column::Shard,
            counter::Column::Amount,
            counter::Column::Scale,
        ]);
        for (family, names, amount) in counted {
            let shard = Expr::cust("pg_backend_pid() % 16");
            insert.values([family.into(), names.into(), shard, Decimal::from(amount).into(), 0_i16.into()])?;
        }
        let key = [counter::Column::Family, counter::Column::Names, counter::Column::Shard];
        let sum =
            Expr::col((counter::Entity, counter::Column::Amount)).add(Expr::col(("excluded", counter::Column::Amount)));
        insert.on_conflict(OnConflict::columns(key).value(counter::Column::Amount, sum).to_owned());
        on.execute(&insert).await?;
        Ok(())
    }
}

fn admit(person: Option<user::Model>, roles: &[&str]) -> Outcome {
    match person {
        Some(person) if person.active && roles.contains(&person.role.as_str()) => Ok(()),
        _ => refused("not active, or of another role"),
    }
}

fn entry(
    (entity, row_id, version): (&str, Uuid, i64),
    action: &str,
    (actor, at, subject): (Uuid, DateTime<Utc>, Uuid),
    changes: Json,
) -> history::ActiveModel {
    history::ActiveModel {
        entity: Set(entity.to_owned()),
        row_id: Set(row_id),
        version: Set(version),
        action: Set(action.to_owned()),
        actor: Set(Some(actor)),
        occurred_at: Set(at),
        recorded_at: Set(at),
        subject: Set(Some(subject)),
        changes: Set(changes),
    }
}

async fn feed(on: &DatabaseTransaction, at: DateTime<Utc>, changes: Json, subject: Uuid) -> Outcome {
    let event = event::ActiveModel {
        recorded_at: Set(at),
        changes: Set(changes),
        subjects: Set(vec![subject]),
        ..Default::default()
    };
    event::Entity::insert(event).exec_without_returning(on).await?;
    Ok(())
}

#[async_trait]
impl Peer for SeaOrm {
    async fn submit(&self, Submission { actor, service }: Submission) -> Outcome<i64> {
        let transaction = self.begin().await?;
        admit(user::Entity::find_by_id(actor).lock_shared().one(&transaction).await?, &["customer"])?;
        let offer = service::Entity::find_by_id(service).lock_shared().one(&transaction).await?;
        let Some(offer) = offer.filter(|offer| offer.active) else {
            return refused("not a service that can be asked for");
        };
        let at = deed::now();
        let id = deed::fresh(at);
        let price = offer.price.to_string();
        let changes = deed::request_made(service, actor, offer.needs_approval, &price, &offer.currency);
        let made = request::ActiveModel {
            id: Set(id),
            created_at: Set(at),
            service_id: Set(service),
            customer_id: Set(actor),
            details: Set(deed::DETAILS.to_owned()),
            status: Set("submitted".to_owned()),
            needs_approval: Set(offer.needs_approval),
            price: Set(offer.price),
            currency: Set(offer.currency),
            rated: Set(false),
            version: Set(1),
            updated_at: Set(at),
            ..Default::default()
        };
        let made = made.insert(&transaction).await?;
        let entry = entry(("request", id, 1), "created", (actor, at, actor), changes);
        history::Entity::insert(entry).exec_without_returning(&transaction).await?;
        feed(&transaction, at, deed::told(&[("request", id, 1)]), actor).await?;
        self.count(&transaction, deed::counted_submission(service)).await?;
        transaction.commit().await?;
        Ok(made.number)
    }

    async fn convert(&self, Conversion { actor, request }: Conversion) -> Outcome<i64> {
        let transaction = self.begin().await?;
        admit(user::Entity::find_by_id(actor).lock_shared().one(&transaction).await?, &["admin", "agent"])?;
        let asked = request::Entity::find_by_id(request).lock(LockType::NoKeyUpdate).one(&transaction).await?;
        let asked = asked.filter(|it| deed::may_become_a_ticket(&it.status, it.needs_approval, it.ticket_id));
        let Some(asked) = asked else {
            return refused("not a request that can be made into a ticket");
        };
        let offer = service::Entity::find_by_id(asked.service_id).lock_shared().one(&transaction).await?;
        let Some(offer) = offer else {
            return refused("a request of no service");
        };
        let at = deed::now();
        let id = deed::fresh(at);
        let (customer, version) = (asked.customer_id, asked.version + 1);
        let made = ticket::ActiveModel {
            id: Set(id),
            created_at: Set(at),
            title: Set(offer.name),
            description: Set(asked.details.clone()),
            status: Set("new".to_owned()),
            impact: Set("low".to_owned()),
            urgency: Set("medium".to_owned()),
            priority: Set("low".to_owned()),
            priority_overridden: Set(false),
            category: Set(Some("customer_request".to_owned())),
            channel: Set("portal".to_owned()),
            created_by: Set(actor),
            requested_for: Set(Some(customer)),
            request_id: Set(Some(request)),
            reopen_count: Set(0),
            version: Set(1),
            updated_at: Set(at),
            ..Default::default()
        };
        let made = made.insert(&transaction).await?;
        let taken = request::ActiveModel {
            id: Unchanged(request),
            status: Set("in_progress".to_owned()),
            ticket_id: Set(Some(id)),
            version: Set(version),
            updated_at: Set(at),
            ..Default::default()
        };
        let taken = request::Entity::update_many().set(taken).filter(request::Column::Id.eq(request));
        let taken = taken.filter(request::Column::Version.eq(asked.version)).exec(&transaction).await?;
        if taken.rows_affected != 1 {
            return refused("somebody else changed the request");
        }
        let by = (actor, at, customer);
        let entries = [
            entry(("ticket", id, 1), "created", by, deed::ticket_made(actor, customer, request)),
            entry(("request", request, version), "changed", by, deed::request_taken_up(&asked.status, id)),
        ];
        history::Entity::insert_many(entries).exec_without_returning(&transaction).await?;
        feed(&transaction, at, deed::told(&[("ticket", id, 1), ("request", request, version)]), customer).await?;
        self.count(&transaction, deed::counted_conversion(asked.service_id, &asked.status)).await?;
        transaction.commit().await?;
        Ok(made.number)
    }

    async fn ticket(&self, actor: Uuid, ticket: Uuid) -> Outcome<i64> {
        self.admit(actor).await?;
        match ticket::Entity::find_by_id(ticket).one(&self.database).await? {
            Some(ticket) => Ok(ticket.number),
            None => refused("no such ticket"),
        }
    }

    async fn page(&self, actor: Uuid, behind: Option<&Place>) -> Outcome<usize> {
        self.admit(actor).await?;
        let mut page = listed::Entity::find().cursor_by(listed::Column::Id);
        page.desc().after(behind.map_or(Uuid::max(), |place| place.behind));
        let listed = page.first(u64::try_from(PAGE)? + 1).all(&self.database).await?;
        Ok(listed.len().min(PAGE))
    }

    async fn filtered(&self, actor: Uuid) -> Outcome<usize> {
        self.admit(actor).await?;
        let (status, channel) = deed::FILTER;
        let page = ticket::Entity::find()
            .join_as(JoinType::LeftJoin, ticket::Relation::Customer.def(), "customer")
            .join_as(JoinType::LeftJoin, ticket::Relation::Assignee.def(), "assignee")
            .filter(ticket::Column::Status.eq(status))
            .filter(ticket::Column::Channel.eq(channel))
            .order_by_desc(ticket::Column::Id)
            .limit(u64::try_from(PAGE)? + 1);
        let listed: Vec<Named> = page.into_partial_model().all(&self.database).await?;
        Ok(listed.len().min(PAGE))
    }

    async fn summary(&self, actor: Uuid) -> Outcome<i64> {
        self.admit(actor).await?;
        let sums = counter::Entity::find()
            .select_only()
            .column(counter::Column::Family)
            .column(counter::Column::Names)
            .column_as(counter::Column::Amount.sum(), "amount")
            .filter(counter::Column::Family.is_in(deed::SUMMARY))
            .group_by(counter::Column::Family)
            .group_by(counter::Column::Names);
        let sums: Vec<Sum> = sums.into_model().all(&self.database).await?;
        let tickets: Decimal = sums.iter().filter(|sum| sum.family == "tickets").map(|sum| sum.amount).sum();
        tickets.to_i64().ok_or_else(|| "too many tickets".into())
    }

    async fn load(&self, bulk: &Bulk) -> Outcome {
        let transaction = self.database.begin().await?;
        transaction.execute_unprepared("SET CONSTRAINTS ALL DEFERRED").await?;
        load::all(&transaction, bulk).await?;
        transaction.execute_unprepared(&bulk.count).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn close(&self) {
        drop(self.database.close_by_ref().await);
    }
}
