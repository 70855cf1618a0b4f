//! The six steps of a request, over HTTP, on every store; each is seen by the other side's stream.

use axum::http::{Method, StatusCode};
use bsm::Desk;
use serde_json::{Value, json};

use crate::events::{Message, Stream};
use crate::site::{Answer, Site, Who};

/// What an event tells, as `entity action` for each row.
fn told(message: &Message, list: &str) -> Vec<String> {
    let event = message.json();
    let rows = event[list].as_array().unwrap_or_else(|| panic!("{event}")).clone();
    let words = |row: &Value| {
        format!("{} {}", row["key"]["entity"].as_str().unwrap_or(""), row["action"].as_str().unwrap_or(""))
    };
    rows.iter().map(words).collect()
}

fn made(answer: &Answer, status: StatusCode) -> String {
    assert_eq!(answer.status, status, "{}", answer.text);
    answer.json()["id"].as_str().expect("an id").to_owned()
}

async fn six_steps(desk: Desk) {
    let site = Site::over(desk).await;
    let mut admin = Stream::open(&site, Who::Admin, "/api/admin/events", None).await;
    let mut customer = Stream::open(&site, Who::Ada, "/api/customer/events", None).await;
    admin.message().await.expect("a beginning");
    customer.message().await.expect("a beginning");

    // An admin offers a service, and the customer finds it.
    let laptop =
        json!({ "name": "New laptop", "category": "Hardware", "price": { "amount": "1200.00", "currency": "EUR" } });
    let service = made(&site.post(Who::Admin, "/api/admin/service-management", &laptop).await, StatusCode::CREATED);
    assert_eq!(told(&admin.next().await, "entries"), ["service created"]);
    let offered = site.get(Who::Ada, "/api/customer/services").await.json();
    assert_eq!(offered["rows"][0]["id"], service);

    // 1. The customer requests it. 2. The admin sees that at once.
    let request =
        site.post(Who::Ada, "/api/customer/requests", &json!({ "service": service, "details": "16 inches" })).await;
    let request = made(&request, StatusCode::CREATED);
    assert_eq!(told(&admin.next().await, "entries"), ["request created"]);
    assert_eq!(told(&customer.next().await, "updates"), ["request created"]);
    let seen = site.get(Who::Admin, "/api/admin/unified?phase=open").await.json();
    assert_eq!(seen["rows"][0]["request_id"], request);

    // 3. The admin makes it a ticket. 4. Both stand in the unified view.
    let ticket = site.post(Who::Admin, &format!("/api/admin/requests/{request}/ticket"), &json!({})).await;
    assert_eq!(ticket.json()["category"], "customer_request");
    let ticket = made(&ticket, StatusCode::CREATED);
    for (stream, list) in [(&mut admin, "entries"), (&mut customer, "updates")] {
        let mut rows = told(&stream.next().await, list);
        rows.sort();
        assert_eq!(rows, ["request changed", "ticket created"]);
    }
    let unified = site.get(Who::Admin, "/api/admin/unified").await.json();
    assert_eq!(unified["rows"].as_array().map(Vec::len), Some(2));
    let own = site.get(Who::Ada, "/api/customer/unified").await.json();
    assert_eq!(own["rows"].as_array().map(Vec::len), Some(2));

    // 5. It is resolved, and the customer rates it.
    let resolved = site.ask(Who::Admin, Method::POST, &format!("/api/admin/tickets/{ticket}/resolve"), None, &[]).await;
    assert_eq!(resolved.json()["status"], "resolved");
    let mut rows = told(&customer.next().await, "updates");
    rows.sort();
    assert_eq!(rows, ["request changed", "ticket changed"]);
    admin.next().await;
    let rating = json!({ "request": request, "rating": "5", "review": "It flies." });
    made(&site.post(Who::Ada, "/api/customer/ratings", &rating).await, StatusCode::CREATED);
    let mut rows = told(&admin.next().await, "entries");
    rows.sort();
    assert_eq!(rows, ["rating created", "request changed"]);
    let again = site.post(Who::Ada, "/api/customer/ratings", &rating).await;
    assert_eq!((again.status, again.error()), (StatusCode::CONFLICT, "AlreadyRated".to_owned()));

    // 6. The admin sees the totals.
    let summary = site.get(Who::Admin, "/api/admin/customer-insights").await.json();
    assert_eq!(summary["ratings"]["distribution"], json!([0, 0, 0, 0, 1]));
    assert_eq!(summary["requests"], json!({ "fulfilled": 1 }));
    assert_eq!(summary["revenue"], json!([{ "currency": "EUR", "amount": "1200.00" }]));
    let feedback = site.get(Who::Admin, "/api/admin/customer-feedback").await.json();
    assert_eq!(feedback["rows"][0]["rating"]["review"], "It flies.");
    site.desk.close().await.expect("closed");
}

#[tokio::test]
async fn the_six_steps_go_over_http_in_memory() {
    six_steps(bsm::open("memory:").await.expect("a desk")).await;
}

#[tokio::test]
async fn the_six_steps_go_over_http_on_sled() {
    let folder = tempfile::tempdir().expect("a folder");
    six_steps(bsm::open(&format!("sled:{}", folder.path().join("desk").display())).await.expect("a desk")).await;
}

/// A schema of its own, on the server that the test command names.
#[tokio::test]
async fn the_six_steps_go_over_http_on_postgres() {
    let Ok(server) = std::env::var("BSM_TEST_POSTGRES_URL") else {
        panic!("BSM_TEST_POSTGRES_URL names no server: run it by `cargo xtask postgres -- cargo nextest run …`")
    };
    let sign = if server.contains('?') { '&' } else { '?' };
    let schema = format!("http_flow_{}", std::process::id());
    six_steps(bsm::open(&format!("{server}{sign}schema={schema}")).await.expect("a desk")).await;
}
