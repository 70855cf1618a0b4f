//! Loading a desk by `insert_many`, in batches as long as the protocol's number of parameters lets them be: `SeaORM` does not
//! offer `COPY`.

use sea_orm::ActiveValue::Set;
use sea_orm::{DatabaseTransaction, EntityTrait};

use super::entity::{history, rating, request, service, ticket, user};
use crate::bulk::{Bulk, History, Loaded, Rating, Request, Service, Ticket, User};
use crate::deed::Outcome;

/// The most parameters of one statement.
const PARAMETERS: usize = 65_535;

/// How many rows fit into one statement.
const fn batch<T: Loaded>() -> usize {
    PARAMETERS / T::COLUMNS.len()
}

macro_rules! models {
    ($($name:ident: $row:ident as $entity:ident { $($copied:ident),* ; $($cloned:ident),* })+) => {$(
        fn $name(of: &$row) -> $entity::ActiveModel {
            $entity::ActiveModel {
                $($copied: Set(of.$copied),)*
                $($cloned: Set(of.$cloned.clone()),)*
                ..Default::default()
            }
        }
    )+};
}

models! {
    user: User as user { id, created_at, active, version, updated_at; full_name, email, role, external_ref }
    service: Service as service {
        id, created_at, price, needs_approval, active, version, updated_at; name, description, category, currency
    }
    rating: Rating as rating { id, created_at, service_id, customer_id, rating, version, updated_at; review }
    request: Request as request {
        id, created_at, number, service_id, customer_id, needs_approval, price, scheduled_for, fulfilled_at, ticket_id,
        rating_id, rated, version, updated_at; details, status, currency, external_ref
    }
    ticket: Ticket as ticket {
        id, created_at, number, priority_overridden, assigned_to, created_by, requested_for, request_id, follow_up_of,
        reopen_count, resolved_at, closed_at, version, updated_at;
        title, description, status, impact, urgency, priority, category, subcategory, channel, assignment_group, external_ref
    }
    told: History as history {
        row_id, version, actor, occurred_at, recorded_at, subject; entity, action, changes
    }
}

macro_rules! load {
    ($on:expr, $rows:expr, $row:ident as $entity:ident by $model:ident) => {
        for rows in $rows.chunks(batch::<$row>()) {
            $entity::Entity::insert_many(rows.iter().map($model)).exec_without_returning($on).await?;
        }
    };
}

/// Loads all tables.
pub(super) async fn all(on: &DatabaseTransaction, bulk: &Bulk) -> Outcome {
    load!(on, bulk.users, User as user by user);
    load!(on, bulk.services, Service as service by service);
    load!(on, bulk.ratings, Rating as rating by rating);
    load!(on, bulk.requests, Request as request by request);
    load!(on, bulk.tickets, Ticket as ticket by ticket);
    load!(on, bulk.history, History as history by told);
    Ok(())
}
