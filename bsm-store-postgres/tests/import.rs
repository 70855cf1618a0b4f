//! Taking a whole desk in: whole or not at all, whatever happens to it.

mod common;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bsm_core::Error;
use bsm_core::model::{Entity, FieldChange, HistoryEntry, Key, Row, Ticket, TicketNumber, User};
use bsm_core::schema::Field;
use bsm_core::store::{ChangeSet, Guard, ImportEnd, ImportMark, ImportPart, ImportStep, Place, ReadSet, Store, Write};
use bsm_store_postgres::PostgresStore;
use common::feeds::*;
use common::hand::history;
use common::in_schema;
use common::rows::*;

/// A part that brings these rows, with the history that a command would have written.
fn part(rows: impl IntoIterator<Item = Row>, lines: u64) -> ImportStep {
    let ChangeSet { writes, history, .. } = insert(rows);
    let rows = writes.into_iter().map(|write| match write {
        Write::Insert(row) => row,
        other => panic!("{other:?}"),
    });
    let (after, mark) = (mark(lines - 1), mark(lines));
    ImportStep::Restore(ImportPart { rows: rows.collect(), gone: Vec::new(), history, after, mark })
}

/// The end, behind what was read so far.
fn end(after: ImportMark) -> ImportStep {
    ImportStep::Finish(ImportEnd { numbers: Vec::new(), after })
}

/// How far the text was read with part `lines`.
fn mark(lines: u64) -> ImportMark {
    ImportMark { lines, digest: u128::from(lines) }
}

fn numbered(n: u32, by: &User) -> Ticket {
    Ticket { number: TicketNumber::new(n), ..theirs(n, by, by) }
}

async fn begin(store: &PostgresStore) {
    assert_eq!(store.import(ImportStep::Begin).await.expect("begins"), ImportMark::default());
}

async fn assert_empty(store: &dyn Store) {
    let found = store.verify().await.expect("recounts");
    assert_eq!((found.rows, found.history, found.counters, found.events), (0, 0, 0, 0));
    assert!(found.is_clean(), "{:#?}", found.differences);
    assert!(get(store, user(1).id).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desk_is_taken_in_whole_and_seen_at_the_end() {
    in_schema("import_whole", |place| async move {
        let (store, other) = (place.open().await, place.open().await);
        let before = stands(&*other, None).await;
        let ada = user(1);
        begin(&store).await;
        // The ticket comes before the person whom it names, and one row comes twice.
        store.import(part([numbered(42, &ada).into()], 1)).await.expect("takes in");
        let again = Ticket { title: "Another".to_owned(), ..numbered(42, &ada) };
        let reached = store.import(part([again.clone().into(), user(9).into()], 2)).await.expect("takes in");
        assert_eq!(reached, mark(2));
        let gone = ImportPart {
            rows: vec![ada.clone().into()],
            gone: vec![user(9).id.into()],
            after: mark(2),
            ..ImportPart::default()
        };
        let mut history: Vec<HistoryEntry> = insert([ada.clone().into()]).history;
        history.extend(change(vec![Write::Delete { key: user(9).id.into(), expected: user(9).version }]).history);
        store.import(ImportStep::Restore(ImportPart { history, ..gone })).await.expect("takes in");
        assert!(matches!(store.read(ReadSet::default()).await, Err(Error::ImportUnfinished { .. })));
        assert!(matches!(store.commit(insert([user(3).into()])).await, Err(Error::ImportUnfinished { .. })));
        assert_empty(&*other).await;
        let waits = tokio::spawn({
            let other = std::sync::Arc::clone(&other);
            async move { other.wait(None, before).await }
        });
        store
            .import(ImportStep::Finish(ImportEnd {
                numbers: vec![(Entity::Ticket, 50), (Entity::Request, 0)],
                after: ImportMark::default(),
            }))
            .await
            .expect("ends");
        waits.await.expect("does not panic").expect("is woken by the new epoch");
        for store in [&store, &other] {
            assert_eq!(get(&**store, again.id).await, Some(again.clone().into()));
            assert!(get(&**store, user(9).id).await.is_none());
            let feed = page(&**store, None, None, 10).await;
            assert!(feed.epoch != before.epoch && feed.newest == 0, "{feed:?}");
            assert_sound(&**store).await;
        }
        let numbers = other.read(ReadSet { numbers: true, ..ReadSet::default() }).await.expect("reads").numbers;
        assert_eq!(numbers, [(Entity::Ticket, 50), (Entity::Request, 0)]);
        let next = other.commit(insert([theirs(60, &ada, &ada).into()])).await.expect("goes on").numbers;
        assert_eq!(next, [(theirs(60, &ada, &ada).id.into(), 51)]);
        assert_eq!(all(&*store, Some(ada.id)).await.len(), 1);
        let refused = store.import(ImportStep::Begin).await;
        assert!(matches!(refused, Err(Error::NotEmpty { .. })), "{refused:?}");
        assert_sound(&*other).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_given_up_or_killed_leaves_nothing() {
    in_schema("import_killed", |place| async move {
        let store = place.open().await;
        let ada = user(1);
        let brought = || part([ada.clone().into(), numbered(2, &ada).into()], 1);
        let none = store.import(brought()).await;
        assert!(matches!(none, Err(Error::NoImport { .. })), "{none:?}");
        // Begun anew.
        begin(&store).await;
        store.import(brought()).await.expect("takes in");
        begin(&store).await;
        store.import(brought()).await.expect("takes in");
        // Killed by the server.
        place.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{}'").await;
        let killed = store.import(part([numbered(3, &ada).into()], 2)).await;
        assert!(matches!(killed, Err(Error::Unavailable { .. })), "{killed:?}");
        let none = store.import(end(ImportMark::default())).await;
        assert!(matches!(none, Err(Error::NoImport { .. })), "{none:?}");
        let other = place.open().await;
        assert_empty(&*other).await;
        // Closed, and dropped.
        begin(&store).await;
        store.import(brought()).await.expect("takes in");
        store.close().await.expect("closes");
        assert_empty(&*other).await;
        begin(&other).await;
        other.import(brought()).await.expect("takes in");
        drop(other);
        // A step that its caller gives up.
        let store = place.open().await;
        begin(&store).await;
        let step = tokio::time::timeout(Duration::from_micros(300), store.import(brought())).await;
        assert!(step.is_err(), "it takes longer");
        assert_empty(&*store).await;
        begin(&store).await;
        store.import(brought()).await.expect("takes in");
        store.import(end(mark(1))).await.expect("ends");
        assert_sound(&*store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_write_meanwhile_waits_for_the_end() {
    in_schema("import_others", |place| async move {
        let (store, other) = (place.open().await, place.open().await);
        let ada = user(1);
        begin(&store).await;
        store.import(part([ada.clone().into()], 1)).await.expect("takes in");
        let mut first = insert([user(2).into()]);
        first.guards = vec![Guard::Empty(Entity::User)];
        let twin = insert([User { email: ada.email.clone(), ..user(3) }.into()]);
        let commits = [first, twin, insert([user(4).into()])].map(|change| {
            let other = std::sync::Arc::clone(&other);
            tokio::spawn(async move { other.commit(change).await })
        });
        place.waits(3).await;
        store.import(end(mark(1))).await.expect("ends");
        let [first, twin, new] = commits;
        let first = first.await.expect("does not panic");
        assert!(matches!(first, Err(Error::AlreadyBootstrapped)), "{first:?}");
        let twin = twin.await.expect("does not panic");
        assert!(matches!(twin, Err(Error::Duplicate { entity: Entity::User, field: Field::Email })), "{twin:?}");
        new.await.expect("does not panic").expect("is done at the end");
        assert_eq!(stands(&*store, None).await.place, 1);
        assert_sound(&*store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desk_that_does_not_hold_together_is_refused() {
    in_schema("import_broken", |place| async move {
        let store = place.open().await;
        let (ada, bob) = (user(1), user(2));
        begin(&store).await;
        store.import(part([numbered(7, &ada).into(), bob.clone().into()], 1)).await.expect("takes in");
        let outcome = store.import(end(mark(1))).await;
        let Err(Error::Inconsistent { difference, .. }) = outcome else { panic!("{outcome:?}") };
        assert_eq!(difference.at, Place::Row(numbered(7, &ada).id.into()));
        assert!(difference.detail.contains("tickets."), "{difference}");
        assert_empty(&*store).await;
        // An address that two people have.
        begin(&store).await;
        let twin = User { email: ada.email.clone(), ..bob.clone() };
        let outcome = match store.import(part([ada.clone().into(), twin.into()], 1)).await {
            Ok(_) => store.import(end(mark(1))).await,
            failed => failed,
        };
        assert!(matches!(outcome, Err(Error::Duplicate { entity: Entity::User, field: Field::Email })), "{outcome:?}");
        // Somebody who went while a ticket was theirs to work on, which no later line says otherwise.
        let assigned = Ticket { assigned_to: Some(bob.id), ..numbered(7, &ada) };
        let leave = |rows: Vec<Row>| {
            let left = Write::Delete { key: bob.id.into(), expected: bob.version };
            let history = change(vec![left]).history;
            ImportStep::Restore(ImportPart { rows, gone: vec![bob.id.into()], history, after: mark(1), mark: mark(2) })
        };
        begin(&store).await;
        store.import(part([ada.clone().into(), bob.clone().into(), assigned.clone().into()], 1)).await.expect("brings");
        store.import(leave(Vec::new())).await.expect("takes away");
        let outcome = store.import(end(mark(2))).await;
        let Err(Error::Inconsistent { difference, .. }) = outcome else { panic!("{outcome:?}") };
        assert_eq!(difference.at, Place::Row(assigned.id.into()));
        assert_empty(&*store).await;
        // History that lacks a version.
        begin(&store).await;
        store.import(part([ada.clone().into(), next(bob.clone(), 5)], 1)).await.expect("takes in");
        let outcome = store.import(end(mark(1))).await;
        let Err(Error::Inconsistent { difference, .. }) = outcome else { panic!("{outcome:?}") };
        assert!(matches!(difference.at, Place::History(key, _) if key == Key::from(bob.id)), "{difference}");
        assert_empty(&*store).await;
        // The same who went, and the ticket was given to nobody.
        begin(&store).await;
        store.import(part([ada.clone().into(), bob.clone().into(), assigned.clone().into()], 1)).await.expect("brings");
        store.import(leave(vec![Ticket { assigned_to: None, ..assigned }.into()])).await.expect("takes away");
        store.import(end(mark(2))).await.expect("holds together");
        assert_sound(&*store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn some_thousand_rows_a_second_are_taken_in() {
    in_schema("import_speed", |place| async move {
        let store = place.open().await;
        let ada = user(1);
        let begun = Instant::now();
        begin(&store).await;
        store.import(part([ada.clone().into()], 1)).await.expect("takes in");
        let (parts, rows) = (20, 500);
        let mut ids = BTreeSet::new();
        for n in 0..parts {
            let tickets: Vec<Row> = (0..rows).map(|m| numbered(100 + n * rows + m, &ada).into()).collect();
            ids.extend(tickets.iter().map(|row| row.key().id));
            store.import(part(tickets, u64::from(n) + 2)).await.expect("takes in");
        }
        let taken = begun.elapsed();
        store.import(end(mark(u64::from(parts) + 1))).await.expect("ends");
        let all = begun.elapsed();
        let verified = Instant::now();
        let found = store.verify().await.expect("recounts");
        println!(
            "{} rows taken in after {taken:?}, all after {all:?}, recounted in {:?}",
            ids.len(),
            verified.elapsed()
        );
        assert_eq!(found.rows, u64::from(parts * rows) + 1);
        assert!(found.is_clean(), "{:#?}", found.differences);
    })
    .await;
}

/// Who begins an import ends another's: that one must not end well with what the new one holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_another_took_over_does_not_end() {
    in_schema("import_two", |place| async move {
        let store = place.open().await;
        begin(&store).await;
        store.import(part([user(1).into()], 1)).await.expect("takes in");
        begin(&store).await;
        let ended = store.import(end(mark(1))).await;
        assert!(matches!(ended, Err(Error::ImportUnfinished { .. })), "{ended:?}");
        store.import(part([user(1).into()], 1)).await.expect("the new one goes on");
        store.import(end(mark(1))).await.expect("and ends");
        assert!(get(&*store, user(1).id).await.is_some());
    })
    .await;
}

/// Rows and history go to the server as text, in which some characters have a meaning of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_texts_hold_is_taken_in_as_it_is() {
    in_schema("import_texts", |place| async move {
        let store = place.open().await;
        let ada = user(1);
        let texts = [
            "",
            "\\N",
            "\\.",
            "a\tb\r\nc\\",
            "\\n\\t\\x41\\101",
            "\u{8}\u{c}\u{b}\u{7f}",
            "é 😀 \u{2028}",
            "NULL",
            "\"',{}",
        ];
        let tickets = texts.iter().zip(10..).map(|(text, n)| {
            let text = (*text).to_owned();
            Ticket { description: text.clone(), category: Some(text), group: None, ..numbered(n, &ada) }
        });
        let tickets: Vec<Ticket> = tickets.collect();
        begin(&store).await;
        store.import(part([ada.clone().into()], 1)).await.expect("takes in");
        let ImportStep::Restore(mut all) = part(tickets.iter().cloned().map(Row::from), 2) else { panic!("a part") };
        for (entry, text) in all.history.iter_mut().zip(texts) {
            let change =
                |to: Option<&str>| FieldChange { field: Field::Category, from: None, to: to.map(str::to_owned) };
            entry.changes = vec![change(Some(text)), change(None)];
        }
        let told = all.history.clone();
        store.import(ImportStep::Restore(all)).await.expect("takes in");
        store.import(end(mark(2))).await.expect("ends");
        for (ticket, entry) in tickets.iter().zip(&told) {
            assert_eq!(get(&*store, ticket.id).await, Some(ticket.clone().into()));
            assert_eq!(history(&*store, ticket.id).await, std::slice::from_ref(entry));
        }
        assert_sound(&*store).await;
    })
    .await;
}

/// What comes behind something later is not new for certain: it may be there already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_again_out_of_order_stands_as_it_came_last() {
    in_schema("import_again", |place| async move {
        let store = place.open().await;
        let ada = user(1);
        let (first, second) = (numbered(10, &ada), numbered(11, &ada));
        begin(&store).await;
        store.import(part([ada.clone().into(), second.clone().into()], 1)).await.expect("takes in");
        // One behind, one before and new, and one that is there, with its history once more.
        let again = Ticket { title: "Another".to_owned(), ..second };
        store
            .import(part([first.clone().into(), numbered(12, &ada).into(), again.clone().into()], 2))
            .await
            .expect("takes in");
        store.import(part([first.clone().into()], 3)).await.expect("takes in");
        // A value that passes on within a part.
        let outer = |ticket: &Ticket, text: Option<&str>| -> Row {
            Ticket { external_ref: text.map(str::to_owned), ..ticket.clone() }.into()
        };
        store.import(part([outer(&first, Some("INC1"))], 4)).await.expect("takes in");
        store.import(part([outer(&first, None), outer(&again, Some("INC1"))], 5)).await.expect("takes in");
        store.import(end(mark(5))).await.expect("ends");
        assert_eq!(get(&*store, again.id).await, Some(outer(&again, Some("INC1"))));
        assert_eq!(get(&*store, first.id).await, Some(first.into()));
        let found = store.verify().await.expect("recounts");
        assert_eq!((found.rows, found.history), (4, 4));
        assert_sound(&*store).await;
    })
    .await;
}
