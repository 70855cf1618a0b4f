//! Rows as the server keeps them: to JSON on the way in, from columns on the way out.
//!
//! Written rows go as one JSON array for each table, in which every value has its one text form; the server casts them by
//! the columns' types. So a statement has one parameter, however many rows it writes. Read rows are part of a
//! [wide row](crate::wide). Nothing else knows a column's type.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use bsm_core::model::{
    Article, Entity, Key, Money, Note, Rating, RequestNumber, Row, Service, ServiceRequest, Stars, Ticket,
    TicketNumber, Timestamp, User, Value, Version,
};
use bsm_core::schema::{Column, Field, Kind, columns};
use bsm_core::{Error, Result};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use sqlx::{Decode, Postgres, Type};
use uuid::Uuid;

use crate::wide::{Columns, Slot, Told};

/// A field of an entity, if it has it.
pub(crate) fn column(entity: Entity, field: Field) -> Option<Column> {
    columns(entity).iter().copied().find(|column| column.field == field)
}

/// Whether the server can keep the row: it knows no text with the character NUL.
pub(crate) fn is_keepable(row: &Row) -> bool {
    let has_nul = |column: &Column| matches!(row.value(column.field), Value::Text(text) if text.contains('\0'));
    !columns(row.entity()).iter().any(has_nul)
}

/// A row as an object of text, by column. What is empty is left out, and so is what the server works out by itself: it takes
/// both for `null`.
#[derive(Debug)]
pub(crate) struct Written<'r>(pub(crate) &'r Row);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let written = columns(self.0.entity()).iter().filter(|column| column.field != Field::Phase);
        let mut object = serializer.serialize_map(None)?;
        for Column { field, .. } in written {
            let name = field.as_str();
            // As `Value::to_text` has it, without a text for each.
            match self.0.value(*field) {
                Value::Null => {}
                Value::Bool(value) => object.serialize_entry(name, if value { "true" } else { "false" })?,
                Value::Int(value) => object.serialize_entry(name, &Shown(value))?,
                Value::Token { text, .. } => object.serialize_entry(name, text)?,
                Value::Id(value) => object.serialize_entry(name, &value)?,
                Value::Text(value) => object.serialize_entry(name, &*value)?,
                Value::Time(value) => object.serialize_entry(name, &value)?,
                Value::Decimal(value) => object.serialize_entry(name, &Shown(value))?,
            }
        }
        object.end()
    }
}

/// What is written as it is shown.
struct Shown<T>(T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// What a parameter is bound as to be compared with a column; `None` if no row can have the value there.
pub(crate) fn comparable(column: Column, value: &Value<'_>) -> Option<String> {
    let fits = matches!(
        (column.kind, value),
        (Kind::Text, Value::Text(_))
            | (Kind::Id, Value::Id(_))
            | (Kind::Token, Value::Token { .. })
            | (Kind::Int, Value::Int(_))
            | (Kind::Bool, Value::Bool(_))
            | (Kind::Time, Value::Time(_))
            | (Kind::Decimal, Value::Decimal(_))
    );
    let of_stars = |text: &str| column.field != Field::Stars || Stars::from_str(text).is_ok();
    value.to_text().filter(|text| fits && of_stars(text) && !text.contains('\0'))
}

/// The columns that are read of an entity's rows. When a row was created stands in its id, and its phase follows from its
/// status.
fn read_columns(entity: Entity) -> impl Iterator<Item = Column> {
    let all = columns(entity).iter().copied();
    all.filter(|column| !matches!(column.field, Field::CreatedAt | Field::Phase))
}

fn slot(column: Column) -> Slot {
    match column.kind {
        Kind::Id => Slot::Id,
        Kind::Token if column.field == Field::Stars => Slot::Int,
        Kind::Int => Slot::Int,
        Kind::Bool => Slot::Bool,
        Kind::Time => Slot::Time,
        Kind::Decimal => Slot::Decimal,
        _ => Slot::Text,
    }
}

/// Where the fields of an entity stand among its columns, by their codes.
type Places = Box<[Option<(Slot, usize)>]>;

static PLACES: LazyLock<Vec<Places>> = LazyLock::new(|| {
    // At the entities' codes, from 1 up.
    let entities = 0..=Entity::ALL.iter().map(|entity| entity.code()).max().unwrap_or(0);
    let places = |code: u8| {
        let mut places = vec![None; usize::from(u8::MAX) + 1];
        if let Some(entity) = Entity::from_code(code) {
            let mut before = Columns::default();
            for column in read_columns(entity) {
                let slot = slot(column);
                places[usize::from(column.field.code())] = Some((slot, before.widths().of(slot)));
                before.0.push((slot, column.field.as_str().into()));
            }
        }
        places.into_boxed_slice()
    };
    entities.map(places).collect()
});

/// Where a field of an entity stands among [its columns](row_columns): the nth of which kind.
pub(crate) fn place(entity: Entity, field: Field) -> Option<(Slot, usize)> {
    PLACES[usize::from(entity.code())][usize::from(field.code())]
}

/// The columns of an entity's table that make a row, as a part of a wide row. The id is the first of its kind.
pub(crate) fn row_columns(entity: Entity) -> Columns {
    let expression = |column: Column| {
        let name = column.field.as_str();
        let is_small = column.field == Field::Stars;
        (slot(column), if is_small { format!("{name}::bigint").into() } else { name.into() })
    };
    Columns(read_columns(entity).map(expression).collect())
}

/// A row of `entity` from [its columns](row_columns).
pub(crate) fn from_columns(store: &str, entity: Entity, told: Told<'_>) -> Result<Row> {
    let columns = Fields { store, entity, told };
    Ok(match entity {
        Entity::User => columns.user()?.into(),
        Entity::Ticket => columns.ticket()?.into(),
        Entity::Article => columns.article()?.into(),
        Entity::Service => columns.service()?.into(),
        Entity::Request => columns.request()?.into(),
        Entity::Rating => columns.rating()?.into(),
        Entity::Note => columns.note()?.into(),
        _ => return Err(Error::Unsupported { store: store.to_owned(), what: "rows of this entity" }),
    })
}

/// The columns of one row, by field.
struct Fields<'r> {
    store: &'r str,
    entity: Entity,
    told: Told<'r>,
}

impl<'r> Fields<'r> {
    fn get<T: Decode<'r, Postgres> + Type<Postgres>>(&self, field: Field) -> Result<T> {
        // What sqlx says of it may hold the value, which may be personal.
        let value = place(self.entity, field).and_then(|(slot, nth)| self.told.get(slot, nth).ok());
        value.ok_or_else(|| self.damaged(field))
    }

    fn damaged(&self, field: Field) -> Error {
        let key = self.told.get(Slot::Id, 0).map(|id| Key { entity: self.entity, id });
        let row = key.map_or_else(|_| self.entity.to_string(), |key| key.to_string());
        Error::Damaged { store: self.store.to_owned(), detail: format!("column {field} of {row} can't be read") }
    }

    fn id<T>(&self, field: Field, typed: fn(Uuid) -> T) -> Result<T> {
        self.get(field).map(typed)
    }

    fn id_or_none<T>(&self, field: Field, typed: fn(Uuid) -> T) -> Result<Option<T>> {
        Ok(self.get::<Option<Uuid>>(field)?.map(typed))
    }

    fn text(&self, field: Field) -> Result<String> {
        self.get(field)
    }

    fn text_or_none(&self, field: Field) -> Result<Option<String>> {
        self.get(field)
    }

    fn token<T: FromStr>(&self, field: Field) -> Result<T> {
        self.get::<&str>(field)?.parse().map_err(|_| self.damaged(field))
    }

    fn int<T: TryFrom<i64>>(&self, field: Field) -> Result<T> {
        T::try_from(self.get::<i64>(field)?).map_err(|_| self.damaged(field))
    }

    fn time(&self, field: Field) -> Result<Timestamp> {
        self.time_or_none(field)?.ok_or_else(|| self.damaged(field))
    }

    fn time_or_none(&self, field: Field) -> Result<Option<Timestamp>> {
        let time: Option<DateTime<Utc>> = self.get(field)?;
        time.map(|time| Timestamp::try_from(time).map_err(|_| self.damaged(field))).transpose()
    }

    fn price(&self) -> Result<Money> {
        let amount: Decimal = self.get(Field::Price)?;
        Money::new(amount, self.token(Field::Currency)?).map_err(|_| self.damaged(Field::Price))
    }

    fn stars(&self) -> Result<Stars> {
        let stars: i64 = self.get(Field::Stars)?;
        Stars::new(stars).map_err(|_| self.damaged(Field::Stars))
    }

    fn version(&self) -> Result<Version> {
        self.int(Field::Version).map(Version)
    }

    fn updated_at(&self) -> Result<Timestamp> {
        self.time(Field::UpdatedAt)
    }

    fn user(&self) -> Result<User> {
        use bsm_core::model::UserId;
        Ok(User {
            id: self.id(Field::Id, UserId::from_uuid)?,
            full_name: self.text(Field::FullName)?,
            email: self.text(Field::Email)?,
            role: self.token(Field::Role)?,
            active: self.get(Field::Active)?,
            external_ref: self.text_or_none(Field::ExternalRef)?,
            version: self.version()?,
            updated_at: self.updated_at()?,
        })
    }

    fn ticket(&self) -> Result<Ticket> {
        use bsm_core::model::{RequestId, TicketId, UserId};
        Ok(Ticket {
            id: self.id(Field::Id, TicketId::from_uuid)?,
            number: self.int(Field::Number).map(TicketNumber::new)?,
            title: self.text(Field::Title)?,
            description: self.text(Field::Description)?,
            status: self.token(Field::Status)?,
            impact: self.token(Field::Impact)?,
            urgency: self.token(Field::Urgency)?,
            priority: self.token(Field::Priority)?,
            priority_overridden: self.get(Field::PriorityOverridden)?,
            category: self.text_or_none(Field::Category)?,
            subcategory: self.text_or_none(Field::Subcategory)?,
            channel: self.token(Field::Channel)?,
            group: self.text_or_none(Field::Group)?,
            assigned_to: self.id_or_none(Field::AssignedTo, UserId::from_uuid)?,
            created_by: self.id(Field::CreatedBy, UserId::from_uuid)?,
            requested_for: self.id_or_none(Field::RequestedFor, UserId::from_uuid)?,
            request_id: self.id_or_none(Field::RequestId, RequestId::from_uuid)?,
            follow_up_of: self.id_or_none(Field::FollowUpOf, TicketId::from_uuid)?,
            reopen_count: self.int(Field::ReopenCount)?,
            resolved_at: self.time_or_none(Field::ResolvedAt)?,
            closed_at: self.time_or_none(Field::ClosedAt)?,
            external_ref: self.text_or_none(Field::ExternalRef)?,
            version: self.version()?,
            updated_at: self.updated_at()?,
        })
    }

    fn article(&self) -> Result<Article> {
        use bsm_core::model::{ArticleId, UserId};
        Ok(Article {
            id: self.id(Field::Id, ArticleId::from_uuid)?,
            title: self.text(Field::Title)?,
            body: self.text(Field::Body)?,
            category: self.text_or_none(Field::Category)?,
            status: self.token(Field::Status)?,
            author_id: self.id(Field::AuthorId, UserId::from_uuid)?,
            published_at: self.time_or_none(Field::PublishedAt)?,
            version: self.version()?,
            updated_at: self.updated_at()?,
        })
    }

    fn service(&self) -> Result<Service> {
        use bsm_core::model::ServiceId;
        Ok(Service {
            id: self.id(Field::Id, ServiceId::from_uuid)?,
            name: self.text(Field::Name)?,
            description: self.text(Field::Description)?,
            category: self.text(Field::Category)?,
            price: self.price()?,
            needs_approval: self.get(Field::NeedsApproval)?,
            active: self.get(Field::Active)?,
            version: self.version()?,
            updated_at: self.updated_at()?,
        })
    }

    fn request(&self) -> Result<ServiceRequest> {
        use bsm_core::model::{RatingId, RequestId, ServiceId, TicketId, UserId};
        Ok(ServiceRequest {
            id: self.id(Field::Id, RequestId::from_uuid)?,
            number: self.int(Field::Number).map(RequestNumber::new)?,
            service_id: self.id(Field::ServiceId, ServiceId::from_uuid)?,
            customer_id: self.id(Field::CustomerId, UserId::from_uuid)?,
            details: self.text(Field::Details)?,
            status: self.token(Field::Status)?,
            needs_approval: self.get(Field::NeedsApproval)?,
            price: self.price()?,
            scheduled_for: self.time_or_none(Field::ScheduledFor)?,
            fulfilled_at: self.time_or_none(Field::FulfilledAt)?,
            ticket_id: self.id_or_none(Field::TicketId, TicketId::from_uuid)?,
            rating_id: self.id_or_none(Field::RatingId, RatingId::from_uuid)?,
            rated: self.get(Field::Rated)?,
            external_ref: self.text_or_none(Field::ExternalRef)?,
            version: self.version()?,
            updated_at: self.updated_at()?,
        })
    }

    fn rating(&self) -> Result<Rating> {
        use bsm_core::model::{RatingId, ServiceId, UserId};
        Ok(Rating {
            id: self.id(Field::Id, RatingId::from_uuid)?,
            service_id: self.id(Field::ServiceId, ServiceId::from_uuid)?,
            customer_id: self.id(Field::CustomerId, UserId::from_uuid)?,
            rating: self.stars()?,
            review: self.text(Field::Review)?,
            version: self.version()?,
            updated_at: self.updated_at()?,
        })
    }

    fn note(&self) -> Result<Note> {
        use bsm_core::model::{NoteId, TicketId, UserId};
        Ok(Note {
            id: self.id(Field::Id, NoteId::from_uuid)?,
            ticket_id: self.id(Field::TicketId, TicketId::from_uuid)?,
            author_id: self.id(Field::AuthorId, UserId::from_uuid)?,
            body: self.text(Field::Body)?,
            version: self.version()?,
            updated_at: self.updated_at()?,
        })
    }
}
