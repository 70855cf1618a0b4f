//! What a commit does, asked of the store alone: the order of its checks, and that it is whole or nothing.

use super::prelude::*;
use super::raw::{self, Change};
use crate::store::{Guard, ReadSet};

fn conflict(key: impl Into<Key>, expected: u64, found: u64) -> Error {
    Error::Conflict { key: key.into(), expected: Version(expected), found: Version(found) }
}

/// Asserts that a change set fails with an error, and leaves nothing of itself.
async fn fails(store: &Arc<dyn Store>, change: Change, expected: &Error) -> Outcome {
    let before = Dump::of(store).await?;
    refused(store.commit(change.set()).await, expected);
    assert_eq!(Dump::of(store).await?, before, "a change set that failed left something");
    Ok(())
}

/// Guards are checked in their order, before any write; a guard on a row that is not there finds version 0.
pub async fn guards_come_first_and_in_order(store: Arc<dyn Store>) -> Outcome {
    let (first, second) = (raw::user(2), raw::user(4));
    let ticket = Ticket { assigned_to: Some(second.id), ..raw::ticket(1, first.id) };
    let all = Change::at(1).insert(first.clone()).insert(second.clone()).insert(ticket.clone());
    store.commit(all.set()).await?;
    let version = |key: Key, version| Guard::Version { key, version: Version(version) };
    let stale = version(first.id.into(), 7);
    let absent = version(raw::user(6).id.into(), 1);
    let children = Guard::NoChildren { relation: Relation::TicketAssignedTo, parent: second.id.into() };
    let empty = Guard::Empty(Entity::Ticket);
    let guards = [
        (stale, conflict(first.id, 7, 1)),
        (absent, conflict(raw::user(6).id, 1, 0)),
        (children, Error::StillReferenced { key: second.id.into(), relation: Relation::TicketAssignedTo }),
        (empty, Error::AlreadyBootstrapped),
    ];
    for (one, of_one) in &guards {
        for (other, _) in &guards {
            // A write that would fail as well, and one that would not.
            let change = Change::at(2).guard(one.clone()).guard(other.clone());
            fails(&store, change.clone().insert(first.clone()), of_one).await?;
            fails(&store, change.insert(raw::user(8)), of_one).await?;
        }
    }
    let holds = Change::at(3)
        .guard(version(first.id.into(), 1))
        .guard(version(ticket.id.into(), 1))
        .guard(Guard::NoChildren { relation: Relation::TicketAssignedTo, parent: first.id.into() })
        .guard(Guard::Empty(Entity::Article));
    store.commit(holds.set()).await?;
    Ok(())
}

/// Guards look at the state before the writes of their own change set; writes at what the ones before them left.
pub async fn guards_look_at_the_state_before(store: Arc<dyn Store>) -> Outcome {
    let user = raw::user(2);
    let change = Change::at(1).guard(Guard::Empty(Entity::User)).insert(user.clone());
    store.commit(change.set()).await?;
    let guard = Guard::Version { key: user.id.into(), version: Version(1) };
    store.commit(Change::at(2).guard(guard).update(raw::next(user.clone())).set()).await?;
    fails(&store, Change::at(3).insert(raw::user(4)).insert(raw::user(4)), &conflict(raw::user(4).id, 0, 1)).await
}

/// A row is made under a new id only, and updated or deleted at the version that stands only.
pub async fn writes_are_at_the_version_that_stands(store: Arc<dyn Store>) -> Outcome {
    let user = raw::user(2);
    store.commit(Change::at(1).insert(user.clone()).set()).await?;
    fails(&store, Change::at(2).insert(user.clone()), &conflict(user.id, 0, 1)).await?;
    let second = raw::next(user.clone());
    store.commit(Change::at(2).update(second.clone()).set()).await?;
    fails(&store, Change::at(3).insert(user.clone()), &conflict(user.id, 0, 2)).await?;
    fails(&store, Change::at(3).update(second.clone()), &conflict(user.id, 1, 2)).await?;
    fails(&store, Change::at(3).update(raw::next(raw::next(second.clone()))), &conflict(user.id, 3, 2)).await?;
    fails(&store, Change::at(3).delete(user.clone()), &conflict(user.id, 1, 2)).await?;
    let absent = raw::user(4);
    fails(&store, Change::at(3).update(raw::next(absent.clone())), &conflict(absent.id, 1, 0)).await?;
    fails(&store, Change::at(3).delete(absent.clone()), &conflict(absent.id, 1, 0)).await?;
    store.commit(Change::at(4).delete(second).set()).await?;
    assert!(Dump::of(&store).await?.rows.is_empty());
    Ok(())
}

/// Whatever fails, and however late, nothing of the change set is seen: no row, index, unique value, counter, history
/// entry or idempotency key. The same without its flaw then passes.
pub async fn a_failing_set_leaves_nothing(store: Arc<dyn Store>) -> Outcome {
    let (staff, customer, service) = (raw::user(2), raw::user(3), raw::service(1)?);
    let ticket = raw::ticket(1, staff.id);
    let author = raw::user(12);
    let base =
        Change::at(1).insert(staff.clone()).insert(customer.clone()).insert(service.clone()).insert(ticket.clone());
    store.commit(base.insert(author.clone()).insert(raw::article(7, author.id)).set()).await?;
    let standing = store.read(ReadSet { get: vec![ticket.id.into()], ..ReadSet::default() }).await?.got;
    let Some(Some(Row::Ticket(standing))) = standing.into_iter().next() else { panic!("the ticket is there") };
    let moved = Ticket { status: TicketStatus::Resolved, resolved_at: Some(raw::moment(2)), ..standing };
    let good = Change::at(2)
        .keyed(staff.id, "k", 1, ticket.id)
        .insert(raw::user(5))
        .insert(raw::request(1, &service, customer.id))
        .insert(raw::ticket(2, staff.id))
        .update(raw::next(moved))
        .delete(service_unused(&store).await?);
    let nobody = raw::user(99).id;
    let bad = [
        (good.clone().update(raw::next(raw::user(99))), conflict(nobody, 1, 0)),
        (
            good.clone().insert(User { email: customer.email.clone(), ..raw::user(6) }),
            Error::Duplicate { entity: Entity::User, field: Field::Email },
        ),
        (
            good.clone().insert(raw::article(1, nobody)),
            Error::MissingParent { relation: Relation::ArticleAuthor, parent: nobody.into() },
        ),
        (
            good.clone().delete(author.clone()),
            Error::StillReferenced { key: author.id.into(), relation: Relation::ArticleAuthor },
        ),
        (good.clone().guard(Guard::Version { key: staff.id.into(), version: Version(2) }), conflict(staff.id, 2, 1)),
    ];
    for (change, expected) in bad {
        fails(&store, change, &expected).await?;
        audit(&store).await?;
    }
    let used = Some((staff.id, "k".to_owned()));
    let answer = store.read(ReadSet { used: used.clone(), ..ReadSet::default() }).await?.used;
    assert_eq!(answer, None, "a failing command keeps no key");
    store.commit(good.set()).await?;
    assert!(store.read(ReadSet { used, ..ReadSet::default() }).await?.used.is_some());
    Ok(())
}

/// One more service, that nobody names.
async fn service_unused(store: &Arc<dyn Store>) -> Result<Service> {
    let service = raw::service(9)?;
    store.commit(Change::at(1).insert(service.clone()).set()).await?;
    Ok(service)
}

/// Of several faults the first kind is told: a version, then a unique value, then a missing parent, then children.
pub async fn faults_are_told_in_one_order(store: Arc<dyn Store>) -> Outcome {
    let (staff, other) = (raw::user(2), raw::user(4));
    let base = Change::at(1).insert(staff.clone()).insert(other.clone()).insert(raw::ticket(1, staff.id));
    store.commit(base.set()).await?;
    let nobody = raw::user(99).id;
    // Written from the last kind to the first, so that the order of writes can't stand in for the order of kinds.
    let children = Change::at(2).delete(staff.clone());
    fails(
        &store,
        children.clone(),
        &Error::StillReferenced { key: staff.id.into(), relation: Relation::TicketCreatedBy },
    )
    .await?;
    let parent = children.insert(raw::article(1, nobody));
    let missing = Error::MissingParent { relation: Relation::ArticleAuthor, parent: nobody.into() };
    fails(&store, parent.clone(), &missing).await?;
    let unique = parent.insert(User { email: other.email.clone(), ..raw::user(6) });
    let duplicate = Error::Duplicate { entity: Entity::User, field: Field::Email };
    fails(&store, unique.clone(), &duplicate).await?;
    fails(&store, unique.insert(other.clone()), &conflict(other.id, 0, 1)).await
}

/// Unique values are unique when all is done: two rows may exchange theirs, and a deleted row's is free; two rows of one
/// set can't take one.
pub async fn unique_values_are_unique_when_all_is_done(store: Arc<dyn Store>) -> Outcome {
    let (first, second) = (raw::user(2), raw::user(4));
    store.commit(Change::at(1).insert(first.clone()).insert(second.clone()).set()).await?;
    let swapped = |one: &User, other: &User| raw::next(User { email: other.email.clone(), ..one.clone() });
    let change = Change::at(2).update(swapped(&first, &second)).update(swapped(&second, &first));
    store.commit(change.set()).await?;
    audit(&store).await?;
    let rows = Dump::of(&store).await?.all::<User>();
    assert_eq!((&rows[0].email, &rows[1].email), (&second.email, &first.email));
    let heir = User { email: rows[0].email.clone(), ..raw::user(6) };
    // The new holder stands before the old one goes.
    store.commit(Change::at(3).insert(heir.clone()).delete(rows[0].clone()).set()).await?;
    let duplicate = Error::Duplicate { entity: Entity::User, field: Field::Email };
    let one = User { email: "one@x.example".to_owned(), ..raw::user(8) };
    let two = User { email: "one@x.example".to_owned(), ..raw::user(10) };
    fails(&store, Change::at(4).insert(one).insert(two), &duplicate).await?;
    let taken = User { email: heir.email, ..rows[1].clone() };
    fails(&store, Change::at(4).update(raw::next(taken)), &duplicate).await?;
    let outer = |number| User { external_ref: Some("X".to_owned()), ..raw::user(number) };
    let duplicate = Error::Duplicate { entity: Entity::User, field: Field::ExternalRef };
    fails(&store, Change::at(4).insert(outer(8)).insert(outer(10)), &duplicate).await?;
    store.commit(Change::at(5).insert(outer(8)).insert(raw::user(10)).insert(raw::user(12)).set()).await?;
    Ok(())
}

/// The ticket of a request and the request of a ticket are each one's only: the store itself keeps a request from being
/// made into two tickets.
pub async fn a_request_has_one_ticket_in_the_store(store: Arc<dyn Store>) -> Outcome {
    let (staff, customer, service) = (raw::user(2), raw::user(3), raw::service(1)?);
    let request = raw::request(1, &service, customer.id);
    let base =
        Change::at(1).insert(staff.clone()).insert(customer.clone()).insert(service.clone()).insert(request.clone());
    store.commit(base.set()).await?;
    let of = |number| Ticket { request_id: Some(request.id), ..raw::ticket(number, staff.id) };
    store.commit(Change::at(2).insert(of(1)).set()).await?;
    let duplicate = Error::Duplicate { entity: Entity::Ticket, field: Field::RequestId };
    fails(&store, Change::at(3).insert(of(2)), &duplicate).await?;
    let rating = raw::rating(1, service.id, customer.id);
    let rated = |number| ServiceRequest { rating_id: Some(rating.id), ..raw::request(number, &service, customer.id) };
    store.commit(Change::at(4).insert(rating.clone()).insert(rated(2)).set()).await?;
    let duplicate = Error::Duplicate { entity: Entity::Request, field: Field::RatingId };
    fails(&store, Change::at(5).insert(rated(3)), &duplicate).await
}

/// Numbers are given by the commit, to each row of a numbered entity, rising in the order of the writes, and returned.
pub async fn numbers_are_given_by_the_commit(store: Arc<dyn Store>) -> Outcome {
    let (staff, customer, service) = (raw::user(2), raw::user(3), raw::service(1)?);
    let change = Change::at(1)
        .insert(staff.clone())
        .insert(customer.clone())
        .insert(service.clone())
        .insert(raw::ticket(9, staff.id))
        .insert(raw::request(1, &service, customer.id))
        .insert(raw::ticket(3, staff.id));
    let committed = store.commit(change.set()).await?;
    let keys: Vec<Key> = committed.numbers.iter().map(|(key, _)| *key).collect();
    let (first, second) = (raw::ticket(9, staff.id).id, raw::ticket(3, staff.id).id);
    let request = raw::request(1, &service, customer.id).id;
    assert_eq!(keys, [Key::from(first), request.into(), second.into()]);
    assert_eq!(committed.repeated, None);
    let rows = Dump::of(&store).await?.rows;
    for (key, number) in &committed.numbers {
        assert_eq!(rows[key].number(), Some(*number));
    }
    assert!(committed.numbers[0].1 < committed.numbers[2].1, "{committed:?}");
    let next = store.commit(Change::at(2).insert(raw::ticket(1, staff.id)).set()).await?;
    assert!(next.numbers[0].1 > committed.numbers[2].1, "{next:?}");
    let none = store.commit(Change::at(3).insert(raw::user(4)).set()).await?;
    assert_eq!(none.numbers, []);
    Ok(())
}

/// A number stays with its row, whatever a later version of the row says: another row's, one that was never given, or none.
pub async fn a_number_stays_whatever_the_row_says(store: Arc<dyn Store>) -> Outcome {
    let (staff, customer, service) = (raw::user(2), raw::user(3), raw::service(1)?);
    let base = Change::at(1).insert(staff.clone()).insert(customer.clone()).insert(service.clone());
    let made = [
        Row::from(raw::ticket(1, staff.id)),
        raw::ticket(2, staff.id).into(),
        raw::request(3, &service, customer.id).into(),
    ];
    let committed = store.commit(base.insert_all(made.clone()).set()).await?;
    let stands = Dump::of(&store).await?;
    for (place, said) in [committed.numbers[1].1, 4_711, 0].into_iter().enumerate() {
        let mut change = Change::at(2);
        for row in &made {
            let mut row = raw::next(row.clone());
            for _ in 0..place {
                row = raw::next(row);
            }
            row.set_number(said);
            change = change.update(row);
        }
        let updated = store.commit(change.set()).await?;
        assert_eq!(updated.numbers, [], "an update gives no number");
        let dump = Dump::of(&store).await?;
        for row in &made {
            assert_eq!(dump.rows[&row.key()].number(), stands.rows[&row.key()].number(), "{said}");
        }
        audit(&store).await?;
    }
    // Nor does what a row said move the numbers on.
    let next = store.commit(Change::at(3).insert(raw::ticket(4, staff.id)).set()).await?;
    assert!((committed.numbers[1].1 + 1..4_711).contains(&next.numbers[0].1), "{next:?}");
    Ok(())
}

/// A known idempotency key comes before everything else: the same digest is answered and changes nothing, even if the
/// guards fail by now; another is refused. Past its time it is not known.
pub async fn a_known_key_comes_before_everything(store: Arc<dyn Store>) -> Outcome {
    let (staff, other) = (raw::user(2), raw::user(4));
    store.commit(Change::at(1).insert(staff.clone()).insert(other.clone()).set()).await?;
    let ticket = raw::ticket(1, staff.id);
    let stale = || Guard::Version { key: staff.id.into(), version: Version(7) };
    let keyed = |seconds, digest| Change::at(seconds).keyed(staff.id, "k", digest, ticket.id);
    let first = store.commit(keyed(2, 1).insert(ticket.clone()).set()).await?;
    assert_eq!((first.repeated, first.numbers.len()), (None, 1));
    let before = Dump::of(&store).await?;
    let again = store.commit(keyed(3, 1).guard(stale()).insert(ticket.clone()).set()).await?;
    assert_eq!((again.repeated, again.numbers.len()), (Some(ticket.id.into()), 0));
    assert_eq!(Dump::of(&store).await?, before);
    fails(&store, keyed(4, 2).guard(stale()), &Error::KeyReused).await?;
    let of_another = Change::at(5).keyed(other.id, "k", 2, ticket.id).insert(raw::ticket(2, staff.id));
    assert_eq!(store.commit(of_another.set()).await?.repeated, None);
    // Kept for an hour from its commit, at second 2.
    let last = store.commit(keyed(3_601, 1).set()).await?;
    assert_eq!(last.repeated, Some(ticket.id.into()));
    let anew = store.commit(keyed(3_602, 2).insert(raw::ticket(3, staff.id)).set()).await?;
    assert_eq!((anew.repeated, anew.numbers.len()), (None, 1));
    fails(&store, keyed(3_603, 1), &Error::KeyReused).await
}

/// A large change set is one commit like any other.
pub async fn a_large_set_is_one_commit(store: Arc<dyn Store>) -> Outcome {
    let staff = raw::user(2);
    let tickets = |staff: UserId| (0..1_000).map(move |number| raw::ticket(number, staff));
    let change = Change::at(1).insert(staff.clone()).insert_all(tickets(staff.id));
    let nobody = raw::user(99).id;
    let missing = Error::MissingParent { relation: Relation::ArticleAuthor, parent: nobody.into() };
    fails(&store, change.clone().insert(raw::article(1, nobody)), &missing).await?;
    let committed = store.commit(change.set()).await?;
    assert_eq!(committed.numbers.len(), 1_000);
    assert!(committed.numbers.is_sorted_by_key(|(_, number)| *number));
    Ok(())
}

/// A closed store refuses everything, and closing it again is fine.
pub async fn a_closed_store_refuses(store: Arc<dyn Store>) -> Outcome {
    store.commit(Change::at(1).insert(raw::user(2)).set()).await?;
    store.health().await?;
    store.close().await?;
    refused_like!(store.commit(Change::at(2).insert(raw::user(4)).set()).await, Error::Closed { .. });
    refused_like!(store.read(ReadSet::default()).await, Error::Closed { .. });
    refused_like!(store.health().await, Error::Closed { .. });
    store.close().await?;
    Ok(())
}
