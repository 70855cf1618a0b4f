//! Lists: filters, cursors, limits.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use bsm::model::{Phase, TicketStatus};
use bsm::view::{Query, WorkFilter, WorkListing};
use serde_json::{Value, json};

use crate::site::{Answer, Site, Who};

fn ids(answer: &Answer) -> Vec<String> {
    let told = answer.json();
    let rows = told["rows"].as_array().unwrap_or_else(|| panic!("{told}")).clone();
    rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}

/// Where a link leads, from the request's path.
fn linked(answer: &Answer, relation: &str) -> Option<String> {
    let mut links = answer.headers.get_all("link").into_iter().map(|link| link.to_str().expect("ASCII"));
    let wanted = format!("; rel=\"{relation}\"");
    let link = links.find_map(|link| link.strip_suffix(&wanted))?;
    Some(link.trim_start_matches('<').trim_end_matches('>').to_owned())
}

#[tokio::test]
async fn links_lead_through_a_list_and_back() {
    let site = Site::furnished().await;
    let all = ids(&site.get(Who::Agent, "/api/admin/tickets?limit=500").await);
    let path = "/api/admin/tickets";
    let mut page = site.get(Who::Agent, &format!("{path}?limit=2&order=newest")).await;
    assert_eq!(linked(&page, "prev"), None);
    let mut walked = ids(&page);
    while let Some(next) = linked(&page, "next") {
        assert!(next.starts_with("?limit=2&order=newest&cursor="), "{next}");
        assert_eq!(page.json()["next"], next.split('=').next_back().expect("a cursor"));
        page = site.get(Who::Agent, &format!("{path}{next}")).await;
        walked.extend(ids(&page));
    }
    assert_eq!(walked, all);
    assert_eq!(page.json()["next"], Value::Null);
    let back = linked(&page, "prev").expect("a page before");
    let before = ids(&site.get(Who::Agent, &format!("{path}{back}")).await);
    let last = ids(&page).len();
    assert_eq!(before, all[all.len() - last - 2..all.len() - last]);
}

#[tokio::test]
async fn a_filter_keeps_what_fits() {
    let site = Site::furnished().await;
    let count = async |path: &str| {
        let answer = site.get(Who::Agent, &site.filled(path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.json()["rows"].as_array().expect("rows").len()
    };
    for (path, expected) in [
        ("/api/admin/tickets?assignee=$agent", 1),
        ("/api/admin/tickets?assignee=$agent&phase=open", 0),
        ("/api/admin/tickets?unassigned=true&phase=open", 2),
        ("/api/admin/tickets?category=customer_request", 1),
        ("/api/admin/unified?source=ticket&customer=$ada&phase=done", 3),
        ("/api/admin/unified?service=$laptop", 4),
        ("/api/admin/requests?request_status=fulfilled", 2),
        ("/api/admin/requests?priority=high", 0),
        ("/api/admin/customer-feedback?service=$laptop", 1),
        ("/api/admin/customer-feedback?customer=$ben", 0),
        ("/api/admin/users?role=customer", 4),
        ("/api/admin/services?category=Hardware&active=false", 0),
        ("/api/admin/articles?status=draft", 1),
        ("/api/admin/tickets?to=1999-12-31T00:00:00Z", 0),
        ("/api/admin/tickets?from=1999-12-31T00:00:00Z&phase=waiting", 1),
    ] {
        assert_eq!(count(path).await, expected, "{path}");
    }
    let own = site.get(Who::Ada, "/api/customer/tickets?phase=waiting").await;
    assert_eq!(ids(&own).len(), 1);
    // What is in the way of an index says so.
    let both = site.get(Who::Agent, &site.filled("/api/admin/customer-feedback?service=$laptop&customer=$ada")).await;
    assert_eq!(both.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!((&both.json()["field"], &both.json()["reason"]), (&json!("customer"), &json!("contradicts")));
}

#[tokio::test]
async fn what_a_list_does_not_take_is_refused() {
    let site = Site::furnished().await;
    let cursor =
        site.get(Who::Agent, "/api/admin/tickets?limit=1").await.json()["next"].as_str().expect("more").to_owned();
    for (path, status, place) in [
        ("/api/admin/tickets?limit=0".to_owned(), 422, "limit"),
        ("/api/admin/tickets?limit=501".to_owned(), 422, "limit"),
        ("/api/admin/service-management?limit=201".to_owned(), 422, "limit"),
        ("/api/admin/tickets?limit=x".to_owned(), 400, "limit"),
        ("/api/admin/tickets?limit=".to_owned(), 400, "limit"),
        ("/api/admin/tickets?assignee=".to_owned(), 400, "assignee"),
        ("/api/admin/tickets?phase=open&category".to_owned(), 400, "category"),
        ("/api/admin/tickets?phase=over".to_owned(), 400, "phase"),
        ("/api/admin/tickets?phases=open".to_owned(), 400, "phases"),
        ("/api/admin/tickets?from=yesterday".to_owned(), 400, "from"),
        ("/api/admin/tickets?assignee=ada".to_owned(), 400, "assignee"),
        ("/api/admin/tickets?limit=1&limit=2".to_owned(), 400, "limit"),
        ("/api/admin/tickets?cursor=x".to_owned(), 400, ""),
        (format!("/api/admin/requests?limit=1&cursor={cursor}"), 400, ""),
        (format!("/api/admin/tickets?limit=1&phase=open&cursor={cursor}"), 400, ""),
    ] {
        let answer = site.get(Who::Agent, &path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        let told = answer.json();
        let named: BTreeSet<&str> = [&told["in"], &told["field"]].into_iter().filter_map(Value::as_str).collect();
        assert!(place.is_empty() || named.contains(place), "{path}: {told}");
    }
}

/// Whatever listing a filter finds, it lists what the filter lets through.
#[tokio::test]
async fn a_filter_lists_the_same_by_the_listing_that_it_finds() {
    let site = Site::furnished().await;
    let admin = site.desk.admin(site.user(Who::Admin));
    let (mut compared, mut rows) = (0, 0);
    let people = [None, Some(site.user(Who::Ada)), Some(site.user(Who::Agent))];
    let services = [None, Some(site.ids["laptop"].parse().expect("an id"))];
    let phases = [None, Some(Phase::Open), Some(Phase::Waiting), Some(Phase::Done)];
    let statuses = [None, Some(TicketStatus::Resolved), Some(TicketStatus::New)];
    let categories = [None, Some("customer_request".to_owned())];
    for phase in phases {
        for customer in people {
            for assignee in people {
                for service in services {
                    for ticket_status in statuses {
                        for category in categories.clone() {
                            let filter = WorkFilter {
                                phase,
                                customer,
                                assignee,
                                service,
                                ticket_status,
                                category,
                                ..WorkFilter::default()
                            };
                            let by_filter = Query::<WorkListing>::default().filter(filter.clone()).limit(500);
                            let by_listing = filter.query(None).limit(500);
                            let by_filter = admin.unified(&by_filter).await.expect("a page").rows;
                            assert_eq!(
                                admin.unified(&by_listing).await.expect("a page").rows,
                                by_filter,
                                "{by_listing:?}"
                            );
                            compared += 1;
                            rows += by_filter.len();
                        }
                    }
                }
            }
        }
    }
    assert!(compared == 4 * 3 * 3 * 2 * 3 * 2 && rows > 50, "{compared} {rows}");
}

#[tokio::test]
async fn history_and_feed_go_on_where_they_ended() {
    let site = Site::furnished().await;
    let path = site.filled("/api/admin/history/ticket/$closed");
    let page = site.get(Who::Agent, &format!("{path}?limit=2&order=oldest")).await.json();
    assert_eq!(page["entries"].as_array().map(Vec::len), Some(2));
    let rest = site.get(Who::Agent, &format!("{path}?limit=2&order=oldest&after={}", page["next"])).await.json();
    assert_eq!((rest["entries"].as_array().map(Vec::len), &rest["next"]), (Some(1), &Value::Null));

    let page = site.get(Who::Ada, "/api/customer/feed?since=oldest&limit=1&entity=ticket&entity=rating").await.json();
    let position = page["position"].as_str().expect("a position");
    assert_eq!(page["more"], true);
    let next = site.get(Who::Ada, &format!("/api/customer/feed?after={position}&limit=500&entity=rating")).await.json();
    let events = next["events"].as_array().expect("events");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["updates"][0]["key"]["entity"], "rating");
    // A position is its feed's.
    let foreign = site.get(Who::Ben, &format!("/api/customer/feed?after={position}")).await;
    assert_eq!((foreign.status, foreign.error()), (StatusCode::BAD_REQUEST, "InvalidPosition".to_owned()));
}
