//! Recounting: what somebody broke with psql is found, and named.

mod common;

use bsm_core::schema::Counter;
use bsm_core::store::{DIFFERENCES_MAX, Place, Store, Write};
use common::feeds::*;
use common::in_schema;
use common::rows::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_broken_is_found_and_named() {
    in_schema("verify_broken", |place| async move {
        let store = place.open().await;
        let (ada, asked, gone) = (user(1), service(2), user(3));
        let (one, two) = (theirs(10, &ada, &ada), request(11, &asked, &ada));
        let fulfilled = bsm_core::model::ServiceRequest {
            status: bsm_core::model::RequestStatus::Fulfilled,
            ..request(12, &asked, &ada)
        };
        let base = [ada.clone().into(), asked.into(), one.clone().into(), two.clone().into(), fulfilled.into()];
        store.commit(insert(base)).await.expect("base");
        store.commit(insert([gone.clone().into()])).await.expect("commits");
        store.commit(change(vec![Write::Delete { key: gone.id.into(), expected: gone.version }])).await.expect("goes");
        touch(&*store, one.id).await;
        touch(&*store, one.id).await;
        let found = store.verify().await.expect("recounts");
        assert!(found.is_clean(), "{:#?}", found.differences);
        assert_eq!((found.rows, found.history, found.events), (5, 9, 5));
        // Users, tickets, services, two each of requests and usage, revenue.
        assert_eq!(found.counters, 8);

        let ticket = one.id.as_uuid();
        let of_ada = |place| Place::CustomerFeed(ada.id, place);
        let cases: Vec<(String, String, Vec<Place>)> = vec![
            (
                "UPDATE {}.counters SET amount = amount + 1 WHERE family = 'tickets'".to_owned(),
                "UPDATE {}.counters SET amount = amount - 1 WHERE family = 'tickets'".to_owned(),
                vec![Place::Counter(Counter::Tickets, vec!["new".to_owned()])],
            ),
            (
                "UPDATE {}.counters SET amount = amount + 1 WHERE family = 'revenue'".to_owned(),
                "UPDATE {}.counters SET amount = amount - 1 WHERE family = 'revenue'".to_owned(),
                vec![Place::Counter(Counter::Revenue, vec!["EUR".to_owned()])],
            ),
            (
                "INSERT INTO {}.counters VALUES ('moods', '{good}', 0, 1, 0)".to_owned(),
                "DELETE FROM {}.counters WHERE family = 'moods'".to_owned(),
                vec![Place::Own("counter moods of good".to_owned())],
            ),
            (
                format!("UPDATE {{}}.history SET version = 20 WHERE row_id = '{ticket}' AND version = 2"),
                format!("UPDATE {{}}.history SET version = 2 WHERE row_id = '{ticket}' AND version = 20"),
                vec![
                    Place::History(one.id.into(), bsm_core::model::Version(2)),
                    Place::History(one.id.into(), bsm_core::model::Version(20)),
                    Place::Feed(4),
                ],
            ),
            (
                "UPDATE {}.history SET action = 'changed' WHERE action = 'deleted'".to_owned(),
                "UPDATE {}.history SET action = 'deleted' WHERE version = 2 AND row_id NOT IN (SELECT id FROM {}.tickets)"
                    .to_owned(),
                vec![Place::Row(gone.id.into())],
            ),
            (
                "UPDATE {}.feed SET position = 9 WHERE position = 2".to_owned(),
                "UPDATE {}.feed SET position = 2 WHERE position = 9".to_owned(),
                vec![Place::Feed(3), Place::Feed(9)],
            ),
            (
                "UPDATE {}.feed SET subjects = ARRAY[]::uuid[] WHERE position = 5".to_owned(),
                format!("UPDATE {{}}.feed SET subjects = ARRAY['{}'::uuid] WHERE position = 5", ada.id.as_uuid()),
                vec![Place::Feed(5), of_ada(3)],
            ),
            (
                "UPDATE {}.customer_feed SET place = 7 WHERE place = 3".to_owned(),
                "UPDATE {}.customer_feed SET place = 3 WHERE place = 7".to_owned(),
                vec![of_ada(7)],
            ),
            (
                "UPDATE {}.customer_feed SET position = 3 WHERE place = 2".to_owned(),
                "UPDATE {}.customer_feed SET position = 4 WHERE place = 2".to_owned(),
                vec![Place::Feed(4), of_ada(2)],
            ),
        ];
        for (broken, mended, expected) in cases {
            place.sql(&broken).await;
            let found = store.verify().await.expect("recounts");
            for place in &expected {
                assert!(found.differences.iter().any(|told| told.at == *place), "{place}: {:#?}", found.differences);
            }
            place.sql(&mended).await;
            assert_sound(&*store).await;
        }
        // More than are named are counted.
        place
            .sql(
                "INSERT INTO {}.history SELECT 'user', gen_random_uuid(), 1, 'created', NULL, now(), now(), NULL, '[]' \
                 FROM generate_series(1, 1500)",
            )
            .await;
        let found = store.verify().await.expect("recounts");
        assert_eq!((found.differences.len(), found.more), (DIFFERENCES_MAX, 500));
    })
    .await;
}
