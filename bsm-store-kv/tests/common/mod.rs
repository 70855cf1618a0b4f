//! What the tests of this crate share: rows of every entity, change sets around them, a naive model of a desk, and an
//! engine that fails on demand.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(unreachable_pub, reason = "a module of test binaries")]

pub mod faulty;
pub mod hooked;
pub mod naive;
pub mod spans;

use bsm_core::model::{
    Action, Actor, Article, ArticleId, ArticleStatus, Channel, HistoryEntry, Impact, Key, Note, NoteId, Priority,
    Rating, RatingId, RequestId, RequestNumber, RequestStatus, Role, Row, Service, ServiceId, ServiceRequest, Stars,
    Ticket, TicketId, TicketNumber, TicketStatus, TimeRange, Timestamp, Urgency, User, UserId, Version,
};
use bsm_core::schema::Index;
use bsm_core::store::{Branch, ChangeSet, Idempotency, Order, ReadSet, Scan, Store, Write};
use uuid::Uuid;

/// The moment `micros` microseconds after some Monday.
pub fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + micros).expect("in range")
}

/// The id of the `n`th thing made; ids rise with `n`, a microsecond apart.
pub fn id(n: u32) -> Uuid {
    id_at(at(n.into()), u64::from(n))
}

/// An id of this moment, laid out as the desk lays them out.
pub fn id_at(at: Timestamp, random: u64) -> Uuid {
    let micros = at.micros().unsigned_abs();
    let high = ((micros / 1000) << 16) | 0x7000 | ((micros % 1000) * 4096 / 1000);
    Uuid::from_u64_pair(high, (random >> 2) | 0x8000_0000_0000_0000)
}

pub fn user_id(n: u32) -> UserId {
    UserId::from_uuid(id(n))
}

pub fn user(n: u32) -> User {
    User {
        id: user_id(n),
        full_name: format!("Person {n}"),
        email: format!("person{n}@example.org"),
        role: Role::Customer,
        active: true,
        external_ref: None,
        version: Version::FIRST,
        updated_at: at(0),
    }
}

pub fn service(n: u32) -> Service {
    Service {
        id: ServiceId::from_uuid(id(n)),
        name: format!("Service {n}"),
        description: String::new(),
        category: "devices".to_owned(),
        price: "49.90 EUR".parse().expect("money"),
        needs_approval: false,
        active: true,
        version: Version::FIRST,
        updated_at: at(0),
    }
}

pub fn request(n: u32, service: u32, customer: u32) -> ServiceRequest {
    ServiceRequest {
        id: RequestId::from_uuid(id(n)),
        number: RequestNumber::PENDING,
        service_id: ServiceId::from_uuid(id(service)),
        customer_id: user_id(customer),
        details: "please".to_owned(),
        status: RequestStatus::Submitted,
        needs_approval: false,
        price: "49.90 EUR".parse().expect("money"),
        scheduled_for: None,
        fulfilled_at: None,
        ticket_id: None,
        rating_id: None,
        rated: false,
        external_ref: None,
        version: Version::FIRST,
        updated_at: at(0),
    }
}

pub fn ticket(n: u32, created_by: u32) -> Ticket {
    Ticket {
        id: TicketId::from_uuid(id(n)),
        number: TicketNumber::PENDING,
        title: format!("Ticket {n}"),
        description: String::new(),
        status: TicketStatus::New,
        impact: Impact::Low,
        urgency: Urgency::Low,
        priority: Priority::Low,
        priority_overridden: false,
        category: None,
        subcategory: None,
        channel: Channel::Portal,
        group: None,
        assigned_to: None,
        created_by: user_id(created_by),
        requested_for: None,
        request_id: None,
        follow_up_of: None,
        reopen_count: 0,
        resolved_at: None,
        closed_at: None,
        external_ref: None,
        version: Version::FIRST,
        updated_at: at(0),
    }
}

pub fn rating(n: u32, service: u32, customer: u32) -> Rating {
    Rating {
        id: RatingId::from_uuid(id(n)),
        service_id: ServiceId::from_uuid(id(service)),
        customer_id: user_id(customer),
        rating: Stars::Four,
        review: "fine".to_owned(),
        version: Version::FIRST,
        updated_at: at(0),
    }
}

pub fn article(n: u32, author: u32, body: &str) -> Article {
    Article {
        id: ArticleId::from_uuid(id(n)),
        title: format!("Article {n}"),
        body: body.to_owned(),
        category: None,
        status: ArticleStatus::Draft,
        author_id: user_id(author),
        published_at: None,
        version: Version::FIRST,
        updated_at: at(0),
    }
}

pub fn note(n: u32, ticket: u32, author: u32) -> Note {
    Note {
        id: NoteId::from_uuid(id(n)),
        ticket_id: TicketId::from_uuid(id(ticket)),
        author_id: user_id(author),
        body: "seen".to_owned(),
        version: Version::FIRST,
        updated_at: at(0),
    }
}

/// A change set of these writes.
pub fn writes(writes: impl IntoIterator<Item = Write>) -> ChangeSet {
    let mut change = ChangeSet::new(at(0));
    change.writes.extend(writes);
    change
}

/// A change set that makes these rows.
pub fn insert<const N: usize>(rows: [Row; N]) -> ChangeSet {
    writes(rows.map(Write::Insert))
}

/// The write of a row's next version.
pub fn update(row: impl Into<Row>) -> Write {
    let mut row: Row = row.into();
    row.stamp(row.version().next(), at(1));
    Write::Update(row)
}

/// The deletion of a row at its version.
pub fn delete(row: impl Into<Row>) -> Write {
    let row: Row = row.into();
    Write::Delete { key: row.key(), expected: row.version() }
}

/// A history entry without fields.
pub fn entry(key: Key, version: u64) -> HistoryEntry {
    HistoryEntry {
        key,
        version: Version(version),
        action: Action::Touched,
        actor: Actor::System,
        occurred_at: at(0),
        recorded_at: at(0),
        subject: None,
        changes: Vec::new(),
    }
}

/// An idempotency key of user 1, kept until `keep_until` microseconds.
pub fn idempotency(key: &str, digest: u8, answer: impl Into<Key>, keep_until: i64) -> Idempotency {
    Idempotency {
        actor: user_id(1),
        key: key.to_owned(),
        digest: [digest; 16],
        answer: answer.into(),
        keep_until: at(keep_until),
    }
}

/// A branch without conditions.
pub fn branch(index: Index, values: Vec<bsm_core::model::Value<'static>>) -> Branch {
    Branch { index, values, conditions: Vec::new() }
}

/// A scan of everything in these branches.
pub fn scan(branches: Vec<Branch>) -> Scan {
    Scan {
        branches,
        within: TimeRange::ALL,
        order: Order::NewestFirst,
        after: None,
        limit: 1_000_000,
        budget: 1_000_000,
    }
}

/// The row with this key.
pub async fn get(store: &dyn Store, key: impl Into<Key>) -> Option<Row> {
    let set = ReadSet { get: vec![key.into()], ..ReadSet::default() };
    store.read(set).await.expect("a read").got.remove(0)
}

/// All users, newest first.
pub async fn users(store: &dyn Store) -> Vec<Row> {
    let all = scan(vec![branch(Index::primary(bsm_core::model::Entity::User), vec![])]);
    let set = ReadSet { scan: Some(all), ..ReadSet::default() };
    store.read(set).await.expect("a read").scanned.expect("a page").rows
}

/// Polls a future once, as an executor would that then loses interest.
pub fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}
