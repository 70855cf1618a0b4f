//! What somebody with psql changes is told as the same change by a command is.

mod common;

use bsm_core::model::{Actor, HistoryEntry, HoldReason, Key, Priority, Role, Row, Stars};
use bsm_core::store::Store;
use bsm_core::{NewTicket, NewUser, PriorityChange, ServiceChange, TicketChange};
use common::feeds::{all, assert_causal, assert_sound};
use common::hand::{assert_movable, demonstration, last};
use common::{Place, in_schema};

/// A change that a command makes to one row, and the same by hand to another that is like it.
async fn assert_alike(place: &Place, store: &dyn Store, sql: &str, commanded: impl Into<Key>, handed: impl Into<Key>) {
    let (commanded, handed) = (commanded.into(), handed.into());
    place.hand(&sql.replace("ID", &format!("'{}'", handed.id))).await;
    let (command, hand) = (last(store, commanded).await, last(store, handed).await);
    assert_eq!(hand.actor, Actor::System);
    let told = |entry: &HistoryEntry| {
        // When it was is another moment.
        let mut changes = serde_json::to_value(&entry.changes).expect("is JSON");
        for change in changes.as_array_mut().into_iter().flatten() {
            for end in ["from", "to"] {
                if change["field"].as_str().is_some_and(|field| field.ends_with("_at")) && !change[end].is_null() {
                    let at = change[end].as_str().and_then(|at| at.parse::<bsm_core::model::Timestamp>().ok());
                    assert_eq!(at.map(|at| at.to_string()).as_deref(), change[end].as_str());
                    change[end] = "a time".into();
                }
            }
        }
        (entry.action, entry.version, changes)
    };
    assert_eq!(told(&hand), told(&command), "{sql}");
}

#[tokio::test]
async fn a_ticket_that_is_changed_by_hand() {
    in_schema("hand_alike_tickets", |place| async move {
        let (store, desk, demo) = demonstration(&place).await;
        let admin = desk.admin(demo.admin);
        let [one, other] =
            [1, 2].map(|_| NewTicket { category: Some("printers".to_owned()), ..NewTicket::new("Jams") });
        let one = admin.open_ticket(one).await.expect("opens").id;
        let other = admin.open_ticket(other).await.expect("opens").id;
        let agent = demo.agents[0];
        let alike = async |sql: &str| assert_alike(&place, &*store, sql, one, other).await;
        admin.start_ticket(one).await.expect("moves");
        alike("UPDATE {}.tickets SET status = 'in_progress' WHERE id = ID").await;
        admin.assign_ticket(one, agent).await.expect("assigns");
        alike(&format!("UPDATE {{}}.tickets SET assigned_to = '{agent}' WHERE id = ID")).await;
        admin.hold_ticket(one, HoldReason::Vendor).await.expect("moves");
        alike("UPDATE {}.tickets SET status = 'on_hold_vendor' WHERE id = ID").await;
        admin.resolve_ticket(one).await.expect("moves");
        alike("UPDATE {}.tickets SET status = 'resolved' WHERE id = ID").await;
        admin.reopen_ticket(one).await.expect("moves");
        alike("UPDATE {}.tickets SET status = 'in_progress' WHERE id = ID").await;
        let change = TicketChange { impact: Some(bsm_core::model::Impact::High), ..TicketChange::default() };
        admin.change_ticket(one, change).await.expect("changes");
        alike("UPDATE {}.tickets SET impact = 'high' WHERE id = ID").await;
        let change = TicketChange {
            priority: PriorityChange::Override(Priority::Low),
            title: Some("Jams again".to_owned()),
            category: None.into(),
            ..TicketChange::default()
        };
        admin.change_ticket(one, change).await.expect("changes");
        alike("UPDATE {}.tickets SET priority = 'low', title = ' Jams again ', category = NULL WHERE id = ID").await;
        let change = TicketChange { priority: PriorityChange::Follow, ..TicketChange::default() };
        admin.change_ticket(one, change).await.expect("changes");
        alike("UPDATE {}.tickets SET priority_overridden = false WHERE id = ID").await;
        admin.touch_ticket(one).await.expect("touches");
        alike("UPDATE {}.tickets SET version = 900 WHERE id = ID").await;
        admin.resolve_ticket(one).await.expect("moves");
        alike("UPDATE {}.tickets SET status = 'resolved' WHERE id = ID").await;
        admin.close_ticket(one).await.expect("moves");
        alike("UPDATE {}.tickets SET status = 'closed' WHERE id = ID").await;
        assert_causal(&all(&*store, None).await);
        assert_sound(&*store).await;
        assert_movable(&desk).await;
    })
    .await;
}

#[tokio::test]
async fn people_services_and_articles_that_are_changed_by_hand() {
    in_schema("hand_alike_others", |place| async move {
        let (store, desk, demo) = demonstration(&place).await;
        let admin = desk.admin(demo.admin);
        let people = async |name: &str| {
            let one = NewUser::new("Kim", format!("{name}@example.org"), Role::Agent);
            admin.create_user(one).await.expect("enters").id
        };
        let (one, other) = (people("one").await, people("other").await);
        let alike = async |sql: &str| assert_alike(&place, &*store, sql, one, other).await;
        admin.change_role(one, Role::Customer).await.expect("changes");
        alike("UPDATE {}.users SET role = 'customer' WHERE id = ID").await;
        admin.deactivate_user(one).await.expect("changes");
        alike("UPDATE {}.users SET active = false WHERE id = ID").await;
        admin.delete_user(one).await.expect("deletes");
        alike("DELETE FROM {}.users WHERE id = ID").await;

        let service = async || {
            let new = bsm_core::NewService::new("Chair", "furniture", "12.5 EUR".parse().expect("is money"));
            admin.create_service(new).await.expect("enters").id
        };
        let (one, other) = (service().await, service().await);
        let alike = async |sql: &str| assert_alike(&place, &*store, sql, one, other).await;
        let price = ServiceChange { price: Some("1.5 KWD".parse().expect("is money")), ..ServiceChange::default() };
        admin.change_service(one, price).await.expect("changes");
        alike("UPDATE {}.customer_services SET price = 1.5, currency = 'KWD' WHERE id = ID").await;
        admin.retire_service(one).await.expect("retires");
        alike("UPDATE {}.customer_services SET active = false WHERE id = ID").await;

        let article =
            async || admin.create_article(bsm_core::NewArticle::new("How to", "Just do it")).await.expect("writes").id;
        let (one, other) = (article().await, article().await);
        let alike = async |sql: &str| assert_alike(&place, &*store, sql, one, other).await;
        admin.publish_article(one).await.expect("publishes");
        alike("UPDATE {}.knowledge_base SET status = 'published' WHERE id = ID").await;
        assert_causal(&all(&*store, None).await);
        assert_sound(&*store).await;
        assert_movable(&desk).await;
    })
    .await;
}

#[tokio::test]
async fn a_request_that_is_changed_and_rated_by_hand() {
    in_schema("hand_alike_requests", |place| async move {
        let (store, desk, demo) = demonstration(&place).await;
        let admin = desk.admin(demo.admin);
        let customer = desk.customer(demo.customers[0]);
        let submit = async || {
            let new = bsm_core::SubmitRequest::new(demo.orderable);
            customer.submit_request(new).await.expect("submits").id
        };
        let (one, other) = (submit().await, submit().await);
        let alike = async |sql: &str| assert_alike(&place, &*store, sql, one, other).await;
        let day = "2026-12-24T09:00:00Z".parse().expect("is a time");
        admin.schedule_request(one, day).await.expect("schedules");
        alike("UPDATE {}.customer_service_requests SET status = 'scheduled', scheduled_for = '2026-12-24 10:00:00+01' WHERE id = ID")
            .await;
        admin.fulfil_request(one).await.expect("fulfils");
        alike("UPDATE {}.customer_service_requests SET status = 'fulfilled' WHERE id = ID").await;
        let given = customer.rate(one, Stars::Five, "Good").await.expect("rates");
        place
            .hand(&format!(
                "WITH rated AS (INSERT INTO {{}}.customer_ratings (service_id, customer_id, rating, review) \
                 SELECT service_id, customer_id, 5, 'Good' FROM {{}}.customer_service_requests WHERE id = '{other}' \
                 RETURNING id) \
                 UPDATE {{}}.customer_service_requests SET rating_id = (SELECT id FROM rated) WHERE id = '{other}'"
            ))
            .await;
        let Some(Row::Request(rated)) = common::rows::get(&*store, other).await else { panic!("it is there") };
        let by_hand = rated.rating_id.expect("is rated");
        let (command, hand) = (last(&*store, given.id).await, last(&*store, by_hand).await);
        assert_eq!((command.changes, command.action, command.subject), (hand.changes, hand.action, hand.subject));
        let (command, hand) = (last(&*store, one).await, last(&*store, other).await);
        let fields = |entry: &HistoryEntry| entry.changes.iter().map(|change| change.field).collect::<Vec<_>>();
        assert_eq!(fields(&hand), fields(&command));
        admin.delete_rating(given.id).await.expect("deletes");
        assert_alike(&place, &*store, "DELETE FROM {}.customer_ratings WHERE id = ID", given.id, by_hand).await;
        let (command, hand) = (last(&*store, one).await, last(&*store, other).await);
        assert_eq!((fields(&hand), hand.version), (fields(&command), command.version));
        assert_causal(&all(&*store, None).await);
        assert_sound(&*store).await;
        assert_movable(&desk).await;
    })
    .await;
}
