//! Answers to a read set, asked of the store alone: each part in its place, all of one moment.

use super::prelude::*;
use super::raw::{self, Change};
use crate::schema::{Counter, Index};
use crate::store::{Branch, CountQuery, FeedQuery, HistoryQuery, LogQuery, ReadSet, Scan, UniqueValue};

/// Rows by id come in the order asked, `None` where there is none, as often as asked.
pub async fn rows_come_in_the_order_asked(store: Arc<dyn Store>) -> Outcome {
    let (first, second, absent) = (raw::user(2), raw::user(4), raw::user(6));
    store.commit(Change::at(1).insert(first.clone()).insert(second.clone()).set()).await?;
    let wrong = Key { entity: Entity::Ticket, id: first.id.as_uuid() };
    let get = vec![second.id.into(), absent.id.into(), first.id.into(), wrong, second.id.into()];
    let got = store.read(ReadSet { get, ..ReadSet::default() }).await?.got;
    let (first, second) = (Row::from(first), Row::from(second));
    assert_eq!(got, [Some(second.clone()), None, Some(first), None, Some(second)]);
    Ok(())
}

/// A row is found by each of its unique fields, by the whole value and byte for byte.
pub async fn rows_are_found_by_unique_values(store: Arc<dyn Store>) -> Outcome {
    let user = User { external_ref: Some("a".repeat(128)), ..raw::user(2) };
    store.commit(Change::at(1).insert(user.clone()).set()).await?;
    let find = |field, value: &str| UniqueValue { entity: Entity::User, field, value: Value::from(value).into_owned() };
    let find = vec![
        find(Field::Email, &user.email),
        find(Field::Email, &user.email.to_uppercase()),
        find(Field::Email, &user.email[1..]),
        find(Field::ExternalRef, &"a".repeat(128)),
        find(Field::ExternalRef, &"a".repeat(127)),
        find(Field::ExternalRef, &user.email),
        find(Field::Email, ""),
    ];
    let found = store.read(ReadSet { find, ..ReadSet::default() }).await?.found;
    let user = Some(Row::from(user));
    assert_eq!(found, [user.clone(), None, None, user, None, None, None]);
    Ok(())
}

/// The rows that rows name come with them, got or found, each once and only by the relations that were asked for. What is
/// not there names nothing, and what a followed row names does not come.
pub async fn named_rows_come_with_the_rows(store: Arc<dyn Store>) -> Outcome {
    let (staff, customer, service) = (raw::user(2), raw::user(3), raw::service(1)?);
    let request = raw::request(1, &service, customer.id);
    let made = Ticket { request_id: Some(request.id), external_ref: Some("T".to_owned()), ..raw::ticket(1, staff.id) };
    let request = ServiceRequest { ticket_id: Some(made.id), ..request };
    let other = Ticket { requested_for: Some(customer.id), ..raw::ticket(2, staff.id) };
    let base = Change::at(1).insert(staff.clone()).insert(customer.clone()).insert(service.clone());
    store.commit(base.insert(request.clone()).insert(made.clone()).insert(other.clone()).set()).await?;
    let ask = async |get: &[Key], find: &[&str], follow: &[Relation]| -> Result<Vec<Key>> {
        let (entity, field) = (Entity::Ticket, Field::ExternalRef);
        let value = |text: &&str| UniqueValue { entity, field, value: Value::from(*text).into_owned() };
        let find = find.iter().map(value).collect();
        let set = ReadSet { get: get.to_vec(), find, follow: follow.to_vec(), ..ReadSet::default() };
        let followed = store.read(set).await?.followed;
        let mut keys: Vec<Key> = followed.iter().map(Row::key).collect();
        let again = store.read(ReadSet { get: keys.clone(), ..ReadSet::default() }).await?.got;
        assert_eq!(followed.into_iter().map(Some).collect::<Vec<_>>(), again);
        keys.sort_unstable();
        Ok(keys)
    };
    let (staff, customer, service) = (Key::from(staff.id), Key::from(customer.id), Key::from(service.id));
    let (made, other, request) = (Key::from(made.id), Key::from(other.id), Key::from(request.id));
    let absent = Key::from(raw::ticket(3, raw::user(2).id).id);
    let sorted = |mut keys: Vec<Key>| {
        keys.sort_unstable();
        keys
    };
    assert_eq!(ask(&[made], &[], &[Relation::TicketRequest]).await?, [request]);
    assert_eq!(ask(&[], &["T"], &[Relation::TicketRequest]).await?, [request]);
    assert_eq!(ask(&[made, other, made], &["T"], &[Relation::TicketCreatedBy]).await?, [staff]);
    assert_eq!(
        ask(&[request, made, other], &[], Relation::ALL).await?,
        sorted(vec![staff, customer, service, request, made])
    );
    assert_eq!(ask(&[other], &[], &[Relation::TicketRequest, Relation::TicketAssignedTo]).await?, []);
    assert_eq!(ask(&[made], &[], &[Relation::RequestTicket, Relation::RequestService]).await?, []);
    assert_eq!(ask(&[absent, customer], &["none"], Relation::ALL).await?, []);
    assert_eq!(ask(&[request, made], &["T"], &[]).await?, []);
    Ok(())
}

/// A question by a field that is not unique is refused, and never answered with what happens to have the value.
pub async fn a_field_that_is_not_unique_finds_nothing(store: Arc<dyn Store>) -> Outcome {
    let user = raw::user(2);
    store.commit(Change::at(1).insert(user.clone()).insert(raw::article(1, user.id)).set()).await?;
    let email = || Value::from(&user.email).into_owned();
    let find = |entity, field, value| UniqueValue { entity, field, value };
    let wrong = [
        find(Entity::User, Field::FullName, Value::from(&user.full_name).into_owned()),
        find(Entity::User, Field::FullName, Value::from("Nobody")),
        // Unique in another entity, and of no meaning in this one.
        find(Entity::Article, Field::Email, email()),
        find(Entity::Article, Field::ExternalRef, Value::from("A-1")),
        find(Entity::Article, Field::AuthorId, user.id.into()),
    ];
    for wrong in wrong {
        // Neither alone nor behind a question that can be answered.
        let find = vec![find(Entity::User, Field::Email, email()), wrong.clone()];
        for find in [vec![wrong], find] {
            let set = ReadSet { find, ..ReadSet::default() };
            refused_like!(store.read(set).await, Error::Unsupported { .. });
        }
    }
    Ok(())
}

/// Counters come by family and leading values, with the words behind those; what is zero is absent. More values
/// than the family has are refused.
pub async fn counters_come_by_family_and_leading_values(store: Arc<dyn Store>) -> Outcome {
    let (customer, service, other) = (raw::user(3), raw::service(1)?, raw::service(2)?);
    let done = |number| ServiceRequest {
        status: RequestStatus::Fulfilled,
        fulfilled_at: Some(raw::moment(1)),
        ..raw::request(number, &service, customer.id)
    };
    let change = Change::at(1)
        .insert(customer.clone())
        .insert(raw::user(2))
        .insert(service.clone())
        .insert(other.clone())
        .insert(done(1))
        .insert(done(2))
        .insert(raw::request(3, &service, customer.id))
        .insert(raw::request(4, &other, customer.id));
    store.commit(change.set()).await?;
    let ask = |counter, prefix: Vec<Value<'static>>| CountQuery { counter, prefix };
    let counts = vec![
        ask(Counter::Users, Vec::new()),
        ask(Counter::Users, vec![Role::Agent.into()]),
        ask(Counter::Users, vec![Role::Agent.into(), true.into()]),
        ask(Counter::Users, vec![Role::Admin.into()]),
        ask(Counter::ServiceUsage, vec![service.id.into()]),
        ask(Counter::ServiceUsage, vec![other.id.into()]),
        ask(Counter::Revenue, Vec::new()),
        ask(Counter::Ratings, Vec::new()),
    ];
    let mut counts = store.read(ReadSet { counts, ..ReadSet::default() }).await?.counts;
    for count in &mut counts {
        count.sort();
    }
    let line = |words: &[&str], sum: i128| (words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), sum);
    let expected = [
        vec![line(&["agent", "true"], 1), line(&["customer", "true"], 1)],
        vec![line(&["true"], 1)],
        vec![line(&[], 1)],
        Vec::new(),
        vec![line(&["fulfilled"], 2), line(&["submitted"], 1)],
        vec![line(&["submitted"], 1)],
        vec![line(&["EUR"], 2_000)],
        Vec::new(),
    ];
    assert_eq!(counts, expected);
    let longer = ask(Counter::Users, vec![Role::Agent.into(), true.into(), true.into()]);
    let counts = vec![ask(Counter::Users, Vec::new()), longer];
    refused_like!(store.read(ReadSet { counts, ..ReadSet::default() }).await, Error::Unsupported { .. });
    Ok(())
}

/// A page of history has one entry more than its limit, if there is one, from behind a version, in both orders.
pub async fn history_tells_whether_there_is_more(store: Arc<dyn Store>) -> Outcome {
    let mut row = Row::from(raw::user(2));
    let key = row.key();
    store.commit(Change::at(1).insert(row.clone()).insert(raw::user(4)).set()).await?;
    for step in 2..=5 {
        row = raw::next(row);
        store.commit(Change::at(step).update(row.clone()).set()).await?;
    }
    let queries: [(Order, Option<u64>, usize, &[u64]); 8] = [
        (Order::OldestFirst, None, 2, &[1, 2, 3]),
        (Order::OldestFirst, None, 4, &[1, 2, 3, 4, 5]),
        (Order::OldestFirst, None, 5, &[1, 2, 3, 4, 5]),
        (Order::OldestFirst, Some(3), 1, &[4, 5]),
        (Order::OldestFirst, Some(5), 9, &[]),
        (Order::NewestFirst, None, 1, &[5, 4]),
        (Order::NewestFirst, Some(3), 9, &[2, 1]),
        (Order::NewestFirst, Some(1), 9, &[]),
    ];
    for (order, after, limit, expected) in queries {
        let history = Some(HistoryQuery { key, order, after: after.map(Version), limit });
        let entries = store.read(ReadSet { history, ..ReadSet::default() }).await?.history;
        let versions: Vec<u64> = entries.iter().map(|entry| entry.version.0).collect();
        assert_eq!(versions, expected, "{order:?} {after:?} {limit}");
        assert!(entries.iter().all(|entry| entry.key == key));
    }
    let nothing = Key { entity: Entity::Ticket, id: key.id };
    let history = Some(HistoryQuery { key: nothing, order: Order::OldestFirst, after: None, limit: 5 });
    assert_eq!(store.read(ReadSet { history, ..ReadSet::default() }).await?.history, []);
    Ok(())
}

/// Everything can be asked at once, and an empty set is answered with nothing.
pub async fn everything_can_be_asked_at_once(store: Arc<dyn Store>) -> Outcome {
    let user = raw::user(2);
    store.commit(Change::at(1).insert(user.clone()).keyed(user.id, "k", 9, user.id).set()).await?;
    let branch = Branch { index: Index::primary(Entity::User), values: Vec::new(), conditions: Vec::new() };
    let (order, key) = (Order::NewestFirst, Key::from(user.id));
    let set = ReadSet {
        get: vec![key],
        find: vec![UniqueValue {
            entity: Entity::User,
            field: Field::Email,
            value: Value::from(&user.email).into_owned(),
        }],
        scan: Some(Scan { branches: vec![branch], within: TimeRange::ALL, order, after: None, limit: 5, budget: 5 }),
        follow: vec![Relation::TicketCreatedBy],
        history: Some(HistoryQuery { key, order, after: None, limit: 5 }),
        log: Some(LogQuery { entity: Entity::User, after: None, limit: 5 }),
        counts: vec![CountQuery { counter: Counter::Users, prefix: Vec::new() }],
        numbers: true,
        feed: Some(FeedQuery { customer: None, after: None, entities: Vec::new(), limit: 5, rows: false }),
        used: Some((user.id, "k".to_owned())),
        at_least: None,
        current: true,
    };
    let answers = store.read(set).await?;
    let row = Row::from(user.clone());
    assert_eq!((answers.got, answers.found), (vec![Some(row.clone())], vec![Some(row.clone())]));
    assert_eq!(answers.scanned.map(|scanned| scanned.rows), Some(vec![row]));
    assert_eq!((answers.history.len(), answers.counts.len()), (1, 1));
    assert_eq!(answers.used.map(|used| (used.digest, used.answer)), Some(([9; 16], key)));
    let others = Some((raw::user(4).id, "k".to_owned()));
    assert_eq!(store.read(ReadSet { used: others, ..ReadSet::default() }).await?.used, None);
    let nothing = store.read(ReadSet::default()).await?;
    assert_eq!(nothing, crate::store::Answers::default());
    Ok(())
}

/// Values at the edge of what a row can hold come back as they were written.
pub async fn values_at_the_edge_come_back(store: Arc<dyn Store>) -> Outcome {
    let staff = User { full_name: "\u{10FFFF}\u{FFFE}é\u{301}🏳️‍🌈".to_owned(), ..raw::user(2) };
    let mut ticket = raw::ticket(1, staff.id);
    ticket.id = TicketId::from_uuid(crate::model::uuid_at(Timestamp::MIN, 0));
    ticket.reopen_count = u32::MAX / 2;
    (ticket.resolved_at, ticket.closed_at) = (Some(Timestamp::MIN), Some(Timestamp::MAX));
    ticket.status = TicketStatus::Closed;
    ticket.category = Some("a'\"\\%_;--{}".to_owned());
    let mut last = raw::ticket(2, staff.id);
    last.id = TicketId::from_uuid(crate::model::uuid_at(Timestamp::MAX, u64::MAX));
    let service = Service { price: "1000000000 KWD".parse()?, ..raw::service(1)? };
    let rows = [Row::from(staff), ticket.into(), last.into(), service.into()];
    let committed = store.commit(Change::at(1).insert_all(rows.clone()).set()).await?;
    let got = store.read(ReadSet { get: rows.iter().map(Row::key).collect(), ..ReadSet::default() }).await?.got;
    for (mut row, got) in rows.into_iter().zip(got) {
        if let Some((_, number)) = committed.numbers.iter().find(|(key, _)| *key == row.key()) {
            row.set_number(*number);
        }
        assert_eq!(got, Some(row));
    }
    Ok(())
}
