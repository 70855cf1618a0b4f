//! The same commands and questions to this store and to the key-value store: the same answers and the same errors.
//!
//! Both get random change sets, many of which are refused, and random read sets in between. Numbers are compared by rank:
//! here they may skip.

mod common;

use std::collections::HashMap;

use bsm_core::model::{
    ArticleStatus, Entity, Key, Priority, RequestStatus, Role, Row, Stars, TicketStatus, TimeRange, UserId, Value,
    Version,
};
use bsm_core::schema::{Counter, Field, Index, Relation, columns, counters, indexes, uniques};
use bsm_core::store::{
    Answers, Branch, ChangeSet, Condition, CountQuery, FeedQuery, Guard, HistoryQuery, LogQuery, Order, ReadSet, Scan,
    Store, UniqueValue, Write,
};
use common::in_schema;
use common::rows::*;

/// A small generator of our own: the same cases on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (sides as u64)).expect("is small")
    }

    fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

/// What the generator knows of the desk: the rows that stand, by entity, as the key-value store has them.
#[derive(Default)]
struct Known {
    rows: HashMap<Key, Row>,
    next: u32,
}

impl Known {
    fn new_id(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// The id of some row of an entity; now and then of none.
    fn some(&self, dice: &mut Dice, entity: Entity) -> uuid::Uuid {
        let mut ids: Vec<_> = self.rows.keys().filter(|key| key.entity == entity).map(|key| key.id).collect();
        ids.sort_unstable();
        if ids.is_empty() || dice.one_in(25) { id(900_000) } else { *dice.pick(&ids) }
    }

    fn some_row(&self, dice: &mut Dice) -> Option<Row> {
        let mut keys: Vec<_> = self.rows.keys().copied().collect();
        keys.sort_unstable();
        if keys.is_empty() { None } else { self.rows.get(dice.pick(&keys)).cloned() }
    }
}

fn new_row(dice: &mut Dice, known: &mut Known) -> Row {
    let n = known.new_id();
    let person = |dice: &mut Dice, known: &Known| {
        let mut person = user(0);
        person.id = UserId::from_uuid(known.some(dice, Entity::User));
        person
    };
    let (by, other) = (person(dice, known), person(dice, known));
    let mut of = service(0);
    of.id = bsm_core::model::ServiceId::from_uuid(known.some(dice, Entity::Service));
    let mut row: Row = match dice.roll(9) {
        0 | 1 => user(n).into(),
        2 => service(n).into(),
        3 | 4 => request(n, &of, &by).into(),
        5 | 6 => bsm_core::model::Ticket { requested_for: Some(other.id), ..ticket(n, &by) }.into(),
        7 => rating(n, &of, &by).into(),
        _ if dice.one_in(2) => article(n, &by).into(),
        _ => {
            let mut about = ticket(0, &by);
            about.id = bsm_core::model::TicketId::from_uuid(known.some(dice, Entity::Ticket));
            note(n, &about, &by).into()
        }
    };
    alter(dice, known, &mut row);
    row
}

/// Changes some fields, to values of which there are few.
fn alter(dice: &mut Dice, known: &Known, row: &mut Row) {
    let word = |dice: &mut Dice| dice.one_in(2).then(|| format!("word {}", dice.roll(4)));
    let rare = |dice: &mut Dice| dice.one_in(4).then(|| format!("ref {}", dice.roll(30)));
    match row {
        Row::User(user) => {
            if dice.one_in(6) {
                user.email = format!("p{}@example.org", dice.roll(60));
            }
            user.role = *dice.pick(Role::ALL);
            user.active = dice.one_in(2);
            user.external_ref = rare(dice);
        }
        Row::Ticket(ticket) => {
            ticket.status = *dice.pick(TicketStatus::ALL);
            ticket.priority = *dice.pick(Priority::ALL);
            ticket.category = word(dice);
            ticket.group = word(dice);
            ticket.external_ref = rare(dice);
            ticket.reopen_count = u32::try_from(dice.roll(3)).expect("is small");
            ticket.resolved_at = dice.one_in(2).then(|| moment(77));
            if dice.one_in(2) {
                ticket.assigned_to = Some(UserId::from_uuid(known.some(dice, Entity::User)));
            }
            if dice.one_in(5) {
                let request = known.some(dice, Entity::Request);
                ticket.request_id = Some(bsm_core::model::RequestId::from_uuid(request));
            }
            if dice.one_in(5) {
                let before = known.some(dice, Entity::Ticket);
                ticket.follow_up_of = Some(bsm_core::model::TicketId::from_uuid(before));
            }
        }
        Row::Article(article) => {
            article.status = *dice.pick(ArticleStatus::ALL);
            article.category = word(dice);
        }
        Row::Service(service) => {
            service.active = dice.one_in(2);
            service.category = format!("word {}", dice.roll(3));
            let price = ["0 JPY", "12.50 EUR", "1.234 KWD", "1000000000 EUR", "0.10 USD"];
            service.price = dice.pick(&price).parse().expect("is money");
        }
        Row::Request(request) => {
            request.status = *dice.pick(RequestStatus::ALL);
            request.price = dice.pick(&["0.10 USD", "7 JPY", "19.99 EUR"]).parse().expect("is money");
            request.external_ref = rare(dice);
            if dice.one_in(4) {
                let rating = known.some(dice, Entity::Rating);
                request.rating_id = Some(bsm_core::model::RatingId::from_uuid(rating));
            }
            if dice.one_in(4) {
                let ticket = known.some(dice, Entity::Ticket);
                request.ticket_id = Some(bsm_core::model::TicketId::from_uuid(ticket));
            }
        }
        Row::Rating(rating) => rating.rating = *dice.pick(Stars::ALL),
        Row::Note(_) => {}
        other => unreachable!("no values are known for {other:?}"),
    }
}

fn random_change(dice: &mut Dice, known: &mut Known) -> ChangeSet {
    let mut writes: Vec<Write> = Vec::new();
    for _ in 0..=dice.roll(3) {
        let write = match (dice.roll(10), known.some_row(dice)) {
            (0..=4, _) | (_, None) => Write::Insert(new_row(dice, known)),
            (5..=7, Some(mut row)) => {
                alter(dice, known, &mut row);
                let skip = if dice.one_in(12) { 2 } else { 1 };
                row.stamp(Version(row.version().0 + skip), moment(known.next));
                Write::Update(row)
            }
            (8, Some(row)) => {
                let off = u64::from(dice.one_in(12));
                Write::Delete { key: row.key(), expected: Version(row.version().0 + off) }
            }
            (_, Some(row)) if dice.one_in(6) => Write::Insert(row),
            (_, Some(_)) => Write::Insert(new_row(dice, known)),
        };
        writes.push(write);
    }
    let mut change = change(writes);
    change.recorded_at = moment(known.next);
    for _ in 0..dice.roll(3) {
        let Some(row) = known.some_row(dice) else { break };
        change.guards.push(match dice.roll(30) {
            0 => Guard::Empty(*dice.pick(Entity::ALL)),
            1 => Guard::Version { key: row.key(), version: Version(row.version().0 + 1) },
            2 => Guard::Version { key: Key { id: id(900_000), ..row.key() }, version: Version(0) },
            3 => Guard::Version { key: row.key(), version: Version(0) },
            4..=6 => {
                let relation = *dice.pick(Relation::ALL);
                let to = relation.spec().to;
                Guard::NoChildren { relation, parent: Key { entity: to, id: known.some(dice, to) } }
            }
            _ => at_version(row),
        });
    }
    if dice.one_in(4) {
        let digest = u8::try_from(dice.roll(3)).expect("is small");
        let mut given = idempotency(&user(1), &format!("key {}", dice.roll(20)), digest, user(1).id);
        given.keep_until = moment(known.next + u32::try_from(dice.roll(40)).expect("is small"));
        change.idempotency = Some(given);
    }
    change
}

/// A value that rows may have in a field; now and then of another kind, or none.
fn random_value(dice: &mut Dice, known: &Known, entity: Entity, field: Field) -> Value<'static> {
    match dice.roll(12) {
        0 => return Value::Null,
        1 => return Value::Bool(true),
        2 => return Value::from("word 1"),
        _ => {}
    }
    let mut rows: Vec<_> = known.rows.values().filter(|row| row.entity() == entity).collect();
    rows.sort_unstable_by_key(|row| row.key());
    if rows.is_empty() { Value::Null } else { dice.pick(&rows).value(field).into_owned() }
}

/// The unified list, or one index of some entity.
fn random_branches(dice: &mut Dice, known: &Known) -> Vec<Branch> {
    let indexes: Vec<Index> = if dice.one_in(3) {
        vec![Index::primary(Entity::Ticket), Index::primary(Entity::Request)]
    } else {
        let entity = *dice.pick(Entity::ALL);
        let tag = if dice.one_in(3) { 0 } else { dice.pick(indexes(entity)).tag };
        vec![Index { entity, tag }]
    };
    let branch = |index: Index| {
        let fields = index.fields();
        let values = fields.iter().map(|field| random_value(dice, known, index.entity, *field)).collect();
        let mut conditions = Vec::new();
        for _ in 0..dice.roll(3) {
            let field = dice.pick(columns(index.entity)).field;
            // Their values stand in no row's fields: `Record::value` leaves them out.
            if field != Field::Number {
                conditions.push(Condition { field, value: random_value(dice, known, index.entity, field) });
            }
        }
        Branch { index, values, conditions }
    };
    indexes.into_iter().map(branch).collect()
}

fn random_read(dice: &mut Dice, known: &Known) -> ReadSet {
    let mut set = ReadSet::default();
    for _ in 0..dice.roll(4) {
        let entity = *dice.pick(Entity::ALL);
        set.get.push(Key { entity, id: known.some(dice, entity) });
    }
    for _ in 0..dice.roll(3) {
        let entity = *dice.pick(&[Entity::User, Entity::Ticket, Entity::Request]);
        let field = *dice.pick(uniques(entity));
        if field != Field::Number {
            set.find.push(UniqueValue { entity, field, value: random_value(dice, known, entity, field) });
        }
    }
    if dice.one_in(2) {
        let bound = |dice: &mut Dice| {
            dice.one_in(4).then(|| moment(u32::try_from(dice.roll(known.next as usize + 1)).expect("is small")))
        };
        set.scan = Some(Scan {
            branches: random_branches(dice, known),
            within: TimeRange { from: bound(dice), to: bound(dice) },
            order: if dice.one_in(2) { Order::NewestFirst } else { Order::OldestFirst },
            after: dice.one_in(2).then(|| known.some(dice, Entity::Ticket)),
            limit: dice.roll(12),
            budget: dice.roll(30),
        });
    }
    if dice.one_in(2) {
        set.follow = Relation::ALL.iter().copied().filter(|_| dice.one_in(3)).collect();
    }
    if dice.one_in(3)
        && let Some(row) = known.some_row(dice)
    {
        set.history = Some(HistoryQuery {
            key: row.key(),
            order: if dice.one_in(2) { Order::NewestFirst } else { Order::OldestFirst },
            after: dice.one_in(2).then(|| Version(dice.roll(4) as u64)),
            limit: dice.roll(4),
        });
    }
    for spec in counters() {
        if !dice.one_in(3) {
            continue;
        }
        let take = dice.roll(spec.by.len() + 1);
        let prefix = spec.by[..take].iter().map(|field| random_value(dice, known, spec.entity, *field)).collect();
        set.counts.push(CountQuery { counter: spec.counter, prefix });
    }
    if dice.one_in(2) {
        set.feed = Some(random_feed(dice, known));
    }
    if dice.one_in(4) {
        let entity = *dice.pick(Entity::ALL);
        let after = dice.one_in(2).then(|| (known.some(dice, entity), Version(dice.roll(4) as u64)));
        set.log = Some(LogQuery { entity, after, limit: dice.roll(8) });
    }
    set.numbers = dice.one_in(6);
    if dice.one_in(5) {
        // Which of the expired keys are forgotten is each store's own business; none of these expires.
        set.used = Some((user(1).id, format!("no key {}", dice.roll(3))));
    }
    set
}

fn random_feed(dice: &mut Dice, known: &Known) -> FeedQuery {
    FeedQuery {
        customer: dice.one_in(2).then(|| UserId::from_uuid(known.some(dice, Entity::User))),
        after: dice.one_in(2).then(|| dice.roll(known.next as usize + 2) as u64),
        entities: Entity::ALL.iter().copied().filter(|_| dice.one_in(6)).collect(),
        limit: dice.roll(12),
        rows: false,
    }
}

fn unnumbered(mut row: Row) -> Row {
    row.set_number(0);
    row
}

/// The answers, with what has no order in order, and without numbers and epochs.
fn comparable(answers: Answers) -> Answers {
    let rows = |rows: Vec<Option<Row>>| rows.into_iter().map(|row| row.map(unnumbered)).collect();
    let mut answers = Answers { got: rows(answers.got), found: rows(answers.found), ..answers };
    if let Some(scanned) = &mut answers.scanned {
        scanned.rows = std::mem::take(&mut scanned.rows).into_iter().map(unnumbered).collect();
    }
    answers.followed = std::mem::take(&mut answers.followed).into_iter().map(unnumbered).collect();
    answers.followed.sort_by_key(Row::key);
    answers.numbers.iter_mut().for_each(|(_, number)| *number = 0);
    if let Some(feed) = &mut answers.feed {
        feed.epoch = 0;
    }
    answers.counts.iter_mut().for_each(|counts| counts.sort());
    answers
}

async fn compare(seed: u64, commands: usize, url: impl FnOnce(&common::Place) -> String) {
    in_schema(&format!("model_{seed}"), |place| async move {
        let ours = bsm_store_postgres::PostgresStore::connect(&url(&place)).await.expect("opens");
        let theirs = bsm_store_kv::memory().expect("opens");
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut known = Known::default();
        let (mut done, mut trimmed, mut refusals) = (0, 0, HashMap::<String, usize>::new());
        let mut highest: HashMap<Entity, u32> = HashMap::new();
        for step in 0..commands {
            let change = random_change(&mut dice, &mut known);
            let (left, right) = (ours.commit(change.clone()).await, theirs.commit(change.clone()).await);
            match (left, right) {
                (Ok(left), Ok(right)) => {
                    let keys = |numbers: &[(Key, u32)]| numbers.iter().map(|(key, _)| *key).collect::<Vec<_>>();
                    assert_eq!(keys(&left.numbers), keys(&right.numbers), "step {step}: {change:#?}");
                    assert_eq!(left.repeated, right.repeated, "step {step}: {change:#?}");
                    for (key, number) in left.numbers {
                        let last = highest.insert(key.entity, number);
                        assert!(last.is_none_or(|last| last < number), "numbers rise");
                    }
                    if right.repeated.is_none() {
                        done += 1;
                        for write in change.writes {
                            match write {
                                Write::Insert(row) | Write::Update(row) => drop(known.rows.insert(row.key(), row)),
                                Write::Delete { key, .. } => drop(known.rows.remove(&key)),
                                _ => unreachable!("the generator makes no others"),
                            }
                        }
                    }
                }
                (Err(left), Err(right)) => {
                    assert_eq!(format!("{left:?}"), format!("{right:?}"), "step {step}: {change:#?}");
                    let text = format!("{left:?}");
                    let kind = text.split([' ', '(']).next().unwrap_or_default().to_owned();
                    *refusals.entry(kind).or_default() += 1;
                }
                (left, right) => panic!("step {step}: {left:?} here, {right:?} there: {change:#?}"),
            }
            if dice.one_in(10) {
                let before = moment(u32::try_from(dice.roll(known.next as usize + 1)).expect("is small"));
                let most = dice.roll(20);
                let (left, right) = (ours.trim(before, most).await, theirs.trim(before, most).await);
                let (left, right) = (left.expect("trims"), right.expect("trims"));
                assert_eq!(left, right, "step {step}");
                trimmed += left;
            }
            for _ in 0..3 {
                let set = random_read(&mut dice, &known);
                let (left, right) = (ours.read(set.clone()).await, theirs.read(set.clone()).await);
                let left = comparable(left.unwrap_or_else(|error| panic!("{error:?}: {set:#?}")));
                let right = comparable(right.unwrap_or_else(|error| panic!("{error:?}: {set:#?}")));
                assert_eq!(left, right, "step {step}: {set:#?}");
            }
        }
        let all = ReadSet {
            counts: Counter::ALL.iter().map(|counter| CountQuery { counter: *counter, prefix: Vec::new() }).collect(),
            get: known.rows.keys().copied().collect(),
            ..ReadSet::default()
        };
        let (left, right) = (ours.read(all.clone()).await.expect("reads"), theirs.read(all).await.expect("reads"));
        assert_eq!(comparable(left), comparable(right));
        for store in [&ours as &dyn Store, &theirs] {
            common::feeds::assert_sound(store).await;
        }
        println!("seed {seed}: {done} of {commands} commands done, {} rows, refused: {refusals:?}", known.rows.len());
        assert!(trimmed > 20, "{trimmed} events are too few to tell");
        assert!(done > commands / 4 && refusals.len() >= 4, "the generator must try both: {done}, {refusals:?}");
    })
    .await;
}

#[tokio::test]
async fn random_commands_and_reads_answer_as_the_key_value_store_does_1() {
    compare(1, 500, common::Place::url).await;
}

#[tokio::test]
async fn random_commands_and_reads_answer_as_the_key_value_store_does_2() {
    compare(2, 500, common::Place::url).await;
}

#[tokio::test]
async fn random_commands_and_reads_answer_as_the_key_value_store_does_without_triggers() {
    compare(3, 500, common::Place::url_without_triggers).await;
}
