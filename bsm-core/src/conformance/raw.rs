//! Rows and change sets made by hand, for what the portals never do: break the model's own rules, and ask the store alone.

use uuid::Uuid;

use super::world::BEGINNING;
use crate::model::{
    Action, Actor, Article, ArticleId, ArticleStatus, Channel, Entity, HistoryEntry, Impact, Key, Note, NoteId,
    Priority, Rating, RatingId, RequestId, RequestNumber, RequestStatus, Role, Row, Service, ServiceId, ServiceRequest,
    Stars, Ticket, TicketId, TicketNumber, TicketStatus, Timestamp, Urgency, User, UserId, Version, uuid_at,
};
use crate::schema::Field;
use crate::store::{ChangeSet, Guard, Idempotency, Write};
use crate::{Result, SeededIds};

/// The moment `seconds` after the world's beginning.
pub(crate) fn moment(seconds: i64) -> Timestamp {
    let beginning = BEGINNING.parse().unwrap_or(Timestamp::MIN);
    beginning.plus_micros(seconds * 1_000_000)
}

/// The id of something made `number` seconds after the beginning; another for each entity.
pub(crate) fn id(entity: Entity, number: u32) -> Uuid {
    let random = crate::IdSource::bits(&SeededIds::new(u64::from(entity.code()))).unwrap_or_default();
    uuid_at(moment(number.into()), random)
}

/// A person; even numbers are agents, odd ones customers.
pub(crate) fn user(number: u32) -> User {
    User {
        id: UserId::from_uuid(id(Entity::User, number)),
        full_name: format!("Person {number}"),
        email: format!("person{number}@raw.example"),
        role: if number.is_multiple_of(2) { Role::Agent } else { Role::Customer },
        active: true,
        external_ref: None,
        version: Version::FIRST,
        updated_at: moment(number.into()),
    }
}

/// A ticket that nobody works on, typed in by `by`.
pub(crate) fn ticket(number: u32, by: UserId) -> Ticket {
    Ticket {
        id: TicketId::from_uuid(id(Entity::Ticket, number)),
        number: TicketNumber::PENDING,
        title: format!("Ticket {number}"),
        description: String::new(),
        status: TicketStatus::New,
        impact: Impact::Medium,
        urgency: Urgency::Medium,
        priority: Priority::Moderate,
        priority_overridden: false,
        category: None,
        subcategory: None,
        channel: Channel::Other,
        group: None,
        assigned_to: None,
        created_by: by,
        requested_for: None,
        request_id: None,
        follow_up_of: None,
        reopen_count: 0,
        resolved_at: None,
        closed_at: None,
        external_ref: None,
        version: Version::FIRST,
        updated_at: moment(number.into()),
    }
}

/// A service at 10.00 EUR.
pub(crate) fn service(number: u32) -> Result<Service> {
    Ok(Service {
        id: ServiceId::from_uuid(id(Entity::Service, number)),
        name: format!("Service {number}"),
        description: String::new(),
        category: "raw".to_owned(),
        price: "10 EUR".parse()?,
        needs_approval: false,
        active: true,
        version: Version::FIRST,
        updated_at: moment(number.into()),
    })
}

/// A submitted request.
pub(crate) fn request(number: u32, service: &Service, customer: UserId) -> ServiceRequest {
    ServiceRequest {
        id: RequestId::from_uuid(id(Entity::Request, number)),
        number: RequestNumber::PENDING,
        service_id: service.id,
        customer_id: customer,
        details: String::new(),
        status: RequestStatus::Submitted,
        needs_approval: false,
        price: service.price,
        scheduled_for: None,
        fulfilled_at: None,
        ticket_id: None,
        rating_id: None,
        rated: false,
        external_ref: None,
        version: Version::FIRST,
        updated_at: moment(number.into()),
    }
}

/// A rating of five stars.
pub(crate) fn rating(number: u32, service: ServiceId, customer: UserId) -> Rating {
    Rating {
        id: RatingId::from_uuid(id(Entity::Rating, number)),
        service_id: service,
        customer_id: customer,
        rating: Stars::Five,
        review: String::new(),
        version: Version::FIRST,
        updated_at: moment(number.into()),
    }
}

/// A draft.
pub(crate) fn article(number: u32, author: UserId) -> Article {
    Article {
        id: ArticleId::from_uuid(id(Entity::Article, number)),
        title: format!("Article {number}"),
        body: "Text".to_owned(),
        category: None,
        status: ArticleStatus::Draft,
        author_id: author,
        published_at: None,
        version: Version::FIRST,
        updated_at: moment(number.into()),
    }
}

/// A note on a ticket.
pub(crate) fn note(number: u32, ticket: TicketId, author: UserId) -> Note {
    Note {
        id: NoteId::from_uuid(id(Entity::Note, number)),
        ticket_id: ticket,
        author_id: author,
        body: "Noted".to_owned(),
        version: Version::FIRST,
        updated_at: moment(number.into()),
    }
}

/// The row with `field`, a foreign key of its, naming `parent`.
pub(crate) fn naming(mut row: Row, field: Field, parent: Uuid) -> Row {
    match (&mut row, field) {
        (Row::Ticket(ticket), Field::AssignedTo) => ticket.assigned_to = Some(UserId::from_uuid(parent)),
        (Row::Ticket(ticket), Field::CreatedBy) => ticket.created_by = UserId::from_uuid(parent),
        (Row::Ticket(ticket), Field::RequestedFor) => ticket.requested_for = Some(UserId::from_uuid(parent)),
        (Row::Ticket(ticket), Field::RequestId) => ticket.request_id = Some(RequestId::from_uuid(parent)),
        (Row::Ticket(ticket), Field::FollowUpOf) => ticket.follow_up_of = Some(TicketId::from_uuid(parent)),
        (Row::Request(request), Field::ServiceId) => request.service_id = ServiceId::from_uuid(parent),
        (Row::Request(request), Field::CustomerId) => request.customer_id = UserId::from_uuid(parent),
        (Row::Request(request), Field::RatingId) => request.rating_id = Some(RatingId::from_uuid(parent)),
        (Row::Request(request), Field::TicketId) => request.ticket_id = Some(TicketId::from_uuid(parent)),
        (Row::Rating(rating), Field::ServiceId) => rating.service_id = ServiceId::from_uuid(parent),
        (Row::Rating(rating), Field::CustomerId) => rating.customer_id = UserId::from_uuid(parent),
        (Row::Article(article), Field::AuthorId) => article.author_id = UserId::from_uuid(parent),
        (Row::Note(note), Field::TicketId) => note.ticket_id = TicketId::from_uuid(parent),
        (Row::Note(note), Field::AuthorId) => note.author_id = UserId::from_uuid(parent),
        (row, field) => panic!("{field} is no foreign key of {row:?}: the suite lacks a line here"),
    }
    row
}

/// The row as its next version.
pub(crate) fn next<T: Into<Row>>(row: T) -> Row {
    let mut row = row.into();
    row.stamp(row.version().next(), row.value(Field::CreatedAt).as_time().plus_micros(1));
    row
}

trait AsTime {
    fn as_time(&self) -> Timestamp;
}

impl AsTime for crate::model::Value<'_> {
    fn as_time(&self) -> Timestamp {
        match self {
            Self::Time(time) => *time,
            _ => Timestamp::MIN,
        }
    }
}

/// A change set that is put together write by write, with the history entry that each must have.
#[derive(Clone)]
pub(crate) struct Change(ChangeSet);

impl Change {
    /// Decided `seconds` after the beginning.
    pub(crate) fn at(seconds: i64) -> Self {
        Self(ChangeSet::new(moment(seconds)))
    }

    pub(crate) fn guard(mut self, guard: Guard) -> Self {
        self.0.guards.push(guard);
        self
    }

    pub(crate) fn insert(mut self, row: impl Into<Row>) -> Self {
        let row = row.into();
        self.tell(row.key(), row.version(), Action::Created, &row);
        self.0.writes.push(Write::Insert(row));
        self
    }

    pub(crate) fn insert_all<T: Into<Row>>(self, rows: impl IntoIterator<Item = T>) -> Self {
        rows.into_iter().fold(self, Self::insert)
    }

    /// Writes `row`, whose version is the one after that which stands.
    pub(crate) fn update(mut self, row: impl Into<Row>) -> Self {
        let row = row.into();
        self.tell(row.key(), row.version(), Action::Changed, &row);
        self.0.writes.push(Write::Update(row));
        self
    }

    /// Deletes a row that stands as `row`.
    pub(crate) fn delete(mut self, row: impl Into<Row>) -> Self {
        let row = row.into();
        self.tell(row.key(), row.version().next(), Action::Deleted, &row);
        self.0.writes.push(Write::Delete { key: row.key(), expected: row.version() });
        self
    }

    /// With an idempotency key of `actor`, kept for an hour.
    pub(crate) fn keyed(mut self, actor: UserId, key: &str, digest: u8, answer: impl Into<Key>) -> Self {
        self.0.idempotency = Some(Idempotency {
            actor,
            key: key.to_owned(),
            digest: [digest; 16],
            answer: answer.into(),
            keep_until: self.0.recorded_at.plus_micros(3_600_000_000),
        });
        self
    }

    pub(crate) fn set(self) -> ChangeSet {
        self.0
    }

    fn tell(&mut self, key: Key, version: Version, action: Action, row: &Row) {
        self.0.history.push(HistoryEntry {
            key,
            version,
            action,
            actor: Actor::System,
            occurred_at: self.0.recorded_at,
            recorded_at: self.0.recorded_at,
            subject: row.subject(),
            changes: Vec::new(),
        });
    }
}
