//! Rows and change sets, made by hand.

use bsm_core::model::{
    Action, Actor, Article, ArticleId, ArticleStatus, Channel, FieldChange, HistoryEntry, Impact, Key, Note, NoteId,
    Priority, Rating, RatingId, RequestId, RequestNumber, RequestStatus, Role, Row, Service, ServiceId, ServiceRequest,
    Stars, Ticket, TicketId, TicketNumber, TicketStatus, TimeRange, Timestamp, Urgency, User, UserId, Version,
};
use bsm_core::schema::{Field, columns};
use bsm_core::store::{ChangeSet, Guard, Idempotency, ReadSet, Store, Write};
use uuid::Uuid;

/// A moment, some milliseconds after the first.
pub(crate) fn moment(millis: u32) -> Timestamp {
    Timestamp::MIN.plus_micros(1_700_000_000_000_000 + i64::from(millis) * 1000)
}

/// An id of a creation at `moment(n)`.
pub(crate) fn id(n: u32) -> Uuid {
    let at = moment(n);
    let (first, _) = TimeRange { from: Some(at), to: Some(at) }.ids();
    Uuid::from_u128(first.as_u128() | u128::from(n))
}

pub(crate) fn user(n: u32) -> User {
    User {
        id: UserId::from_uuid(id(n)),
        full_name: format!("Person {n}"),
        email: format!("p{n}@example.org"),
        role: Role::Agent,
        active: true,
        external_ref: None,
        version: Version::FIRST,
        updated_at: moment(n),
    }
}

pub(crate) fn service(n: u32) -> Service {
    Service {
        id: ServiceId::from_uuid(id(n)),
        name: format!("Service {n}"),
        description: "What one gets: «ünï»\n\t'\"\\".to_owned(),
        category: "access".to_owned(),
        price: "49.90 EUR".parse().expect("is money"),
        needs_approval: false,
        active: true,
        version: Version::FIRST,
        updated_at: moment(n),
    }
}

pub(crate) fn request(n: u32, service: &Service, customer: &User) -> ServiceRequest {
    ServiceRequest {
        id: RequestId::from_uuid(id(n)),
        number: RequestNumber::PENDING,
        service_id: service.id,
        customer_id: customer.id,
        details: String::new(),
        status: RequestStatus::Submitted,
        needs_approval: service.needs_approval,
        price: service.price,
        scheduled_for: None,
        fulfilled_at: None,
        ticket_id: None,
        rating_id: None,
        rated: false,
        external_ref: None,
        version: Version::FIRST,
        updated_at: moment(n),
    }
}

pub(crate) fn ticket(n: u32, by: &User) -> Ticket {
    Ticket {
        id: TicketId::from_uuid(id(n)),
        number: TicketNumber::PENDING,
        title: format!("Ticket {n}"),
        description: String::new(),
        status: TicketStatus::New,
        impact: Impact::Medium,
        urgency: Urgency::Medium,
        priority: Priority::Moderate,
        priority_overridden: false,
        category: None,
        subcategory: None,
        channel: Channel::Portal,
        group: None,
        assigned_to: None,
        created_by: by.id,
        requested_for: None,
        request_id: None,
        follow_up_of: None,
        reopen_count: 0,
        resolved_at: None,
        closed_at: None,
        external_ref: None,
        version: Version::FIRST,
        updated_at: moment(n),
    }
}

pub(crate) fn rating(n: u32, service: &Service, customer: &User) -> Rating {
    Rating {
        id: RatingId::from_uuid(id(n)),
        service_id: service.id,
        customer_id: customer.id,
        rating: Stars::Four,
        review: String::new(),
        version: Version::FIRST,
        updated_at: moment(n),
    }
}

pub(crate) fn article(n: u32, author: &User) -> Article {
    Article {
        id: ArticleId::from_uuid(id(n)),
        title: format!("Article {n}"),
        body: "A body".to_owned(),
        category: None,
        status: ArticleStatus::Draft,
        author_id: author.id,
        published_at: None,
        version: Version::FIRST,
        updated_at: moment(n),
    }
}

pub(crate) fn note(n: u32, ticket: &Ticket, author: &User) -> Note {
    Note {
        id: NoteId::from_uuid(id(n)),
        ticket_id: ticket.id,
        author_id: author.id,
        body: "A note".to_owned(),
        version: Version::FIRST,
        updated_at: moment(n),
    }
}

/// The row as it is written next.
pub(crate) fn next(row: impl Into<Row>, millis: u32) -> Row {
    let mut row = row.into();
    row.stamp(row.version().next(), moment(millis));
    row
}

/// A change set of these writes, with an entry of history for each.
pub(crate) fn change(writes: Vec<Write>) -> ChangeSet {
    let mut change = ChangeSet::new(moment(0));
    change.history = writes.iter().map(|write| entry(write, moment(0))).collect();
    change.writes = writes;
    change
}

/// A change set that makes one row of another, as the core would tell it.
pub(crate) fn makes(before: impl Into<Row>, after: impl Into<Row>) -> ChangeSet {
    let (before, after) = (before.into(), next(after, 0));
    let mut change = change(vec![Write::Update(after.clone())]);
    let columns = columns(after.entity()).iter().filter(|column| column.field != Field::Version);
    let changed = columns.filter(|column| before.value(column.field) != after.value(column.field));
    let told = changed.map(|column| FieldChange {
        field: column.field,
        from: before.value(column.field).to_text(),
        to: after.value(column.field).to_text(),
    });
    change.history[0].changes = told.collect();
    change
}

fn entry(write: &Write, at: Timestamp) -> HistoryEntry {
    let (key, version, action, subject) = match write {
        Write::Insert(row) => (row.key(), row.version(), Action::Created, row.subject()),
        Write::Update(row) => (row.key(), row.version(), Action::Changed, row.subject()),
        Write::Delete { key, expected } => (*key, expected.next(), Action::Deleted, None),
        _ => panic!("a write of an unknown kind"),
    };
    let odd = version.0 % 2 == 1;
    let change = FieldChange { field: Field::Status, from: None, to: Some("a \"word\"".to_owned()) };
    HistoryEntry {
        key,
        version,
        action,
        actor: if odd { Actor::System } else { Actor::User(UserId::from_uuid(key.id)) },
        occurred_at: at,
        recorded_at: at,
        subject,
        changes: if odd { Vec::new() } else { vec![change] },
    }
}

pub(crate) fn insert(rows: impl IntoIterator<Item = Row>) -> ChangeSet {
    change(rows.into_iter().map(Write::Insert).collect())
}

pub(crate) fn at_version(row: impl Into<Row>) -> Guard {
    let row = row.into();
    Guard::Version { key: row.key(), version: row.version() }
}

pub(crate) fn idempotency(actor: &User, key: &str, digest: u8, answer: impl Into<Key>) -> Idempotency {
    Idempotency {
        actor: actor.id,
        key: key.to_owned(),
        digest: [digest; 16],
        answer: answer.into(),
        keep_until: moment(1_000),
    }
}

/// A row by its id.
pub(crate) async fn get(store: &dyn Store, key: impl Into<Key>) -> Option<Row> {
    let set = ReadSet { get: vec![key.into()], ..ReadSet::default() };
    store.read(set).await.expect("reads").got.pop().flatten()
}
