//! The four views, as somebody with psql reads them.

mod common;

use bsm_core::model::{RequestStatus, Ticket, TicketStatus};
use bsm_core::store::{Store, Write};
use common::rows::*;
use common::{Place, in_schema};
use sqlx::AssertSqlSafe;

/// One text for each row that a question gives.
async fn ask(place: &Place, sql: &str) -> Vec<String> {
    let sql = sql.replace("{}", &place.schema);
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&place.pool).await.expect("answers")
}

#[tokio::test]
async fn the_views_tell_what_the_desk_holds() {
    in_schema("views", |place| async move {
        let store = place.open().await;
        let (customer, agent, service) = (user(1), user(2), service(3));
        let base = insert([customer.clone().into(), agent.clone().into(), service.clone().into()]);
        store.commit(base).await.expect("base");
        let mut asked = request(4, &service, &customer);
        (asked.status, asked.fulfilled_at) = (RequestStatus::Fulfilled, Some(moment(2_500)));
        let mut dear = request(5, &service, &customer);
        (dear.status, dear.price) = (RequestStatus::Fulfilled, "1.5 KWD".parse().expect("is money"));
        let made = Ticket {
            request_id: Some(asked.id),
            requested_for: Some(customer.id),
            assigned_to: Some(agent.id),
            status: TicketStatus::Resolved,
            ..ticket(6, &agent)
        };
        let made_of = asked.clone();
        asked.ticket_id = Some(made.id);
        let given = rating(7, &service, &customer);
        let rows = [made_of.into(), dear.into(), made.into(), given.clone().into()];
        store.commit(insert(rows)).await.expect("work");
        store.commit(change(vec![Write::Update(next(asked.clone(), 6))])).await.expect("is made of it");

        let unified = "SELECT concat_ws(' ', source, number, title, status, phase, customer_name, assignee_name) \
                       FROM {}.unified_tickets_view ORDER BY created_at DESC, id DESC";
        assert_eq!(
            ask(&place, unified).await,
            [
                "ticket TKT-000001 Ticket 6 resolved done Person 1 Person 2",
                "request REQ-000002 Service 3 fulfilled done Person 1",
                "request REQ-000001 Service 3 fulfilled done Person 1",
            ]
        );
        let requests = "SELECT concat_ws(' ', number, service_name, price, currency, seconds_to_fulfil) \
                        FROM {}.admin_customer_service_requests ORDER BY number";
        assert_eq!(ask(&place, requests).await, ["REQ-000001 Service 3 49.90 EUR 2", "REQ-000002 Service 3 1.500 KWD"]);
        let ratings = "SELECT concat_ws(' ', service_name, customer_name, rating) FROM {}.admin_customer_ratings";
        assert_eq!(ask(&place, ratings).await, ["Service 3 Person 1 4"]);
        let summary = "SELECT concat_ws(' ', users, active_services, retired_services, requests, requests_by_status, \
                       tickets, tickets_by_status, ratings, mean_rating, ratings_by_stars, satisfaction, \
                       revenue -> 'EUR', revenue -> 'KWD') FROM {}.admin_customer_summary";
        let told = ask(&place, summary).await;
        let expected = "2 1 0 2 {\"fulfilled\": 2} 1 {\"resolved\": 1} 1 4.00 {\"4\": 1} 1.0000 49.9";
        assert!(told[0].starts_with(expected), "{told:?}");
        let revenue = "SELECT ((revenue ->> 'EUR')::numeric = 49.90 AND (revenue ->> 'KWD')::numeric = 1.5)::text \
                       FROM {}.admin_customer_summary";
        assert_eq!(ask(&place, revenue).await, ["true"]);

        let gone = Write::Delete { key: given.id.into(), expected: given.version };
        store.commit(change(vec![gone])).await.expect("deletes");
        let none = "SELECT (ratings = 0 AND mean_rating IS NULL AND ratings_by_stars = jsonb_build_object())::text \
                    FROM {}.admin_customer_summary";
        assert_eq!(ask(&place, none).await, ["true"]);
    })
    .await;
}
