//! What a desk tells `tracing`: its commands and its store's calls by name, and nothing personal.

mod common;

use std::sync::Arc;

use bsm_core::model::{HoldReason, Role, Version};
use bsm_core::store::{Store, TracedStore};
use bsm_core::{Desk, Error, NewTicket, NewUser};
use common::spans::Spans;

/// Runs the future with a subscriber that keeps everything.
fn traced(doing: impl AsyncFnOnce(Desk)) -> Spans {
    let spans = Spans::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    tracing::subscriber::with_default(spans.clone(), || {
        runtime.block_on(async {
            let memory: Arc<dyn Store> = Arc::new(bsm_store_kv::memory().expect("a desk in memory"));
            doing(Desk::new(Arc::new(TracedStore::traced(memory)))).await;
        });
    });
    spans
}

#[test]
fn a_command_is_a_span_and_its_commit_one_within() {
    let mut actor = String::new();
    let spans = traced(async |desk| {
        let root = desk.bootstrap(NewUser::new("Root", "root@example.org", Role::Admin)).await.expect("is the first");
        actor = format!("user {}", root.id);
        let admin = desk.admin(root.id);
        let ticket = admin.open_ticket(NewTicket::new("Fan is loud")).await.expect("opens");
        admin.resolve_ticket(ticket.id).await.expect("is resolved");
    });
    let commands = spans.of("bsm::command");
    let told: Vec<(&str, &str)> = commands.iter().map(|span| (span.field("name"), span.field("actor"))).collect();
    let actor = actor.as_str();
    assert_eq!(told, [("bootstrap", "the system"), ("open_ticket", actor), ("resolve_ticket", actor)]);
    assert!(commands.iter().all(|span| span.field("outcome") == "ok" && span.field("attempts") == "1"), "{commands:?}");
    let commits: Vec<_> = spans.of("bsm::store").into_iter().filter(|span| span.name == "commit").collect();
    let within: Vec<_> = commits.iter().map(|span| span.parent).collect();
    assert_eq!(within, commands.iter().map(|span| Some(span.id)).collect::<Vec<_>>());
    assert!(commits.iter().all(|span| span.field("store") == "memory:" && span.field("writes") == "1"), "{commits:?}");
}

/// Whoever counts commands by name finds the methods that were called; and a store's calls are named likewise.
#[test]
fn a_span_is_called_as_its_method_is() {
    let spans = traced(async |desk| {
        let root = desk.bootstrap(NewUser::new("Root", "root@example.org", Role::Admin)).await.expect("is the first");
        let admin = desk.admin(root.id);
        let id = admin.open_ticket(NewTicket::new("Fan is loud")).await.expect("opens").id;
        admin.assign_ticket(id, root.id).await.expect("assigned");
        admin.unassign_ticket(id).await.expect("unassigned");
        admin.touch_ticket(id).await.expect("touched");
        admin.start_ticket(id).await.expect("started");
        admin.hold_ticket(id, HoldReason::Vendor).await.expect("held");
        desk.health().await.expect("answers");
        desk.close().await.expect("closes");
    });
    let commands = spans.of("bsm::command");
    let told: Vec<&str> = commands.iter().skip(2).map(|span| span.field("name")).collect();
    assert_eq!(told, ["assign_ticket", "unassign_ticket", "touch_ticket", "start_ticket", "hold_ticket"]);
    let calls = spans.of("bsm::store");
    for name in ["commit", "read", "health", "close"] {
        assert!(calls.iter().any(|span| span.name == name), "{name}: {calls:?}");
    }
}

#[test]
fn a_command_that_is_refused_tells_the_error_by_name() {
    let spans = traced(async |desk| {
        let root = desk.bootstrap(NewUser::new("Root", "root@example.org", Role::Admin)).await.expect("is the first");
        let admin = desk.admin(root.id);
        let refused = admin.create_user(NewUser::new("Other", "root@example.org", Role::Agent)).await;
        assert!(matches!(refused, Err(Error::Duplicate { .. })), "{refused:?}");
        let refused = admin.expecting(Version(7)).deactivate_user(root.id).await;
        assert!(refused.is_err());
        assert!(admin.open_ticket(NewTicket::new(" ")).await.is_err());
    });
    let outcomes: Vec<String> = spans.of("bsm::command").iter().map(|span| span.field("outcome").to_owned()).collect();
    assert_eq!(outcomes[0], "ok");
    assert_eq!((outcomes[1].as_str(), outcomes[3].as_str()), ("Duplicate", "Invalid"));
    assert_ne!(outcomes[2], "ok");
}

/// Neither a field of a span nor one of an event holds a text of a row, or an idempotency key.
#[test]
fn nothing_personal_is_told() {
    let spans = traced(async |desk| {
        let root =
            desk.bootstrap(NewUser::new("Zelda Q", "zelda@example.org", Role::Admin)).await.expect("is the first");
        let admin = desk.admin(root.id);
        admin.keyed("sesame").open_ticket(NewTicket::new("Zebra in the lift")).await.expect("opens");
        assert!(admin.create_user(NewUser::new("Zelda R", "zelda@example.org", Role::Agent)).await.is_err());
        assert!(admin.user_by_email("zorro@example.org").await.is_err());
        let reused = admin.keyed("sesame").open_ticket(NewTicket::new("Zebra in the cellar")).await;
        assert!(matches!(reused, Err(Error::KeyReused)), "{reused:?}");
    });
    let all = spans.everything();
    assert!(all.contains("open_ticket"), "{all}");
    for text in ["elda", "zorro", "ebra", "sesame", "example.org"] {
        assert!(!all.contains(text), "{text} is told: {all}");
    }
}
