//! Many streams of events at once, over the real server: each complete, in order, and holding nothing of others; also when the server is
//! killed and started again while they are open.
//!
//! What happened is asked of the desk afterwards, by pages of its feed; what the streams told must be the same.

#[path = "event_streams/load.rs"]
mod load;
#[path = "event_streams/reader.rs"]
mod reader;
#[path = "event_streams/server.rs"]
mod server;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bsm::model::{Role, UserId};
use serde_json::Value;

use load::Load;
use reader::Reader;
use server::Server;

/// How much of it: everything in a full run.
struct Size {
    admins: usize,
    customers: usize,
    commands_per_second: u32,
    lasts: Duration,
}

impl Size {
    fn of_this_run() -> Self {
        if std::env::var_os("BSM_TEST_FULL").is_some_and(|value| value == "1") {
            Self { admins: 10, customers: 990, commands_per_second: 300, lasts: Duration::from_mins(1) }
        } else {
            Self { admins: 2, customers: 38, commands_per_second: 100, lasts: Duration::from_secs(3) }
        }
    }
}

/// All events of a feed, as its pages tell them.
async fn feed(server: &Server, token: &str, root: &str) -> Vec<Value> {
    let (mut events, mut path) = (Vec::new(), format!("/api/{root}/feed?since=oldest&limit=500"));
    loop {
        let page = server.get(token, &path).await;
        events.extend(page["events"].as_array().expect("events").iter().cloned());
        if page["more"] == false {
            return events;
        }
        path = format!("/api/{root}/feed?limit=500&after={}", page["position"].as_str().expect("a position"));
    }
}

/// What a stream told must be the feed, from where the stream began.
fn assert_complete(who: &str, told: &[Value], feed: &[Value]) {
    assert!(feed.len() >= told.len(), "{who} was told {} events of {}", told.len(), feed.len());
    let missing = &feed[..feed.len() - told.len()];
    // What lies before is what was there before the stream: people, services.
    let behind = feed[missing.len()..].iter().zip(told).position(|(kept, told)| kept != told);
    assert_eq!(behind, None, "{who} was told something else than its feed, or in another order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_stream_is_complete_in_order_and_its_reader_s_own() {
    let size = Size::of_this_run();
    let mut server = Server::start().await;
    let people = server.people(size.admins, size.customers).await;
    let tokens = |role: Role, ids: &[UserId]| ids.iter().map(|id| server.token(*id, role)).collect::<Vec<_>>();
    let (admins, customers) = (tokens(Role::Admin, &people.admins), tokens(Role::Customer, &people.customers));

    let mut readers = Vec::new();
    for (root, tokens) in [("admin", &admins), ("customer", &customers)] {
        for token in tokens {
            readers.push(Reader::open(server.place, token, &format!("/api/{root}/events")).await);
        }
    }
    println!("{} streams are open", readers.len());

    let before: usize = feed(&server, &admins[0], "admin").await.len();
    let load = Arc::new(Load::new(server.place, people.service.clone(), admins[0].clone(), customers.clone()));
    let done = load.run(size.commands_per_second, size.lasts).await;
    println!(
        "{} commands in {:?}: {} asked for",
        done,
        size.lasts,
        u64::from(size.commands_per_second) * size.lasts.as_secs()
    );
    // Killed in the middle of everything, and started again: whoever sends a command sends it until it is answered.
    let again = tokio::spawn({
        let load = Arc::clone(&load);
        let rate = size.commands_per_second;
        async move { load.run(rate, Duration::from_secs(3)).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.kill_and_restart().await;
    let more = again.await.expect("the load ends");
    println!("{more} more commands, with the server killed and started again among them");

    let truth = feed(&server, &admins[0], "admin").await;
    assert_eq!(truth.len(), before + done + more, "each command is one event, and happened once");
    for (number, reader) in readers.iter_mut().enumerate() {
        let (role, token) = match customers.get(number.wrapping_sub(admins.len())) {
            Some(token) => ("customer", token),
            None => ("admin", &admins[number]),
        };
        let own = if role == "admin" { truth.clone() } else { feed(&server, token, role).await };
        let last = own.last().expect("something happened to everybody");
        let told = reader.up_to(last).await;
        let who = format!("{role} {number}");
        assert_complete(&who, &told, &own);
        assert!(told.len() >= 2, "{who} was told {} events", told.len());
        if role == "customer" {
            let hers = people.customers[number - admins.len()].to_string();
            let ids: BTreeSet<&str> = truth
                .iter()
                .flat_map(|event| event["entries"].as_array().expect("entries"))
                .filter(|entry| entry["subject"] == *hers)
                .map(|entry| entry["key"]["id"].as_str().expect("an id"))
                .collect();
            for update in told.iter().flat_map(|event| event["updates"].as_array().expect("updates")) {
                assert!(ids.contains(update["key"]["id"].as_str().expect("an id")), "{who} was told of {update}");
            }
        }
    }
    let resumed: usize = readers.iter().map(Reader::resumed).sum();
    assert!(resumed >= readers.len(), "every stream was broken once and resumed: {resumed}");
    println!("{} events in the feed; {resumed} times a stream was resumed", truth.len());
}
