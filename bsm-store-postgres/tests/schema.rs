//! The tables are what bsm-core's schema describes.

mod common;

use std::collections::BTreeSet;

use bsm_core::model::{ArticleStatus, Channel, Entity, Impact, Priority, RequestStatus, Role, TicketStatus, Urgency};
use bsm_core::schema::{Field, Kind, OnDelete, columns, indexes, relations, uniques};
use bsm_core::store::Store;
use common::{Place, in_schema};
use sqlx::AssertSqlSafe;

async fn texts(place: &Place, sql: &str) -> BTreeSet<String> {
    let sql = sql.replace("{}", &place.schema);
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&place.pool).await.expect("reads").into_iter().collect()
}

#[tokio::test]
async fn columns_are_those_of_the_schema() {
    in_schema("columns", |place| async move {
        let store = place.open().await;
        store.health().await.expect("is well");
        for entity in Entity::ALL {
            let found = texts(
                &place,
                &format!(
                    "SELECT column_name || ' ' || data_type || ' ' || is_nullable FROM information_schema.columns \
                     WHERE table_schema = '{{}}' AND table_name = '{}'",
                    entity.table()
                ),
            )
            .await;
            let expected = columns(*entity).iter().map(|column| {
                let kind = match column.kind {
                    Kind::Token if column.field == Field::Stars => "smallint",
                    Kind::Id => "uuid",
                    Kind::Int => "bigint",
                    Kind::Bool => "boolean",
                    Kind::Time => "timestamp with time zone",
                    Kind::Decimal => "numeric",
                    _ => "text",
                };
                format!("{} {kind} {}", column.field, if column.optional { "YES" } else { "NO" })
            });
            assert_eq!(found, expected.collect(), "{entity}");
        }
    })
    .await;
}

#[tokio::test]
async fn constraints_are_those_of_the_schema() {
    in_schema("constraints", |place| async move {
        let store = place.open().await;
        store.health().await.expect("is well");
        let keys = "SELECT c.conname || ': ' || r.relname || '.' || a.attname || ' -> ' || p.relname || \
                    CASE c.confdeltype WHEN 'n' THEN ' set null' WHEN 'a' THEN ' refuse' ELSE ' ' || c.confdeltype::text END \
                    || CASE WHEN c.condeferrable THEN '' ELSE ' not deferrable' END \
                    FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid JOIN pg_class p ON p.oid = c.confrelid \
                    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = c.conkey[1] \
                    WHERE c.contype = 'f' AND c.connamespace = '{}'::regnamespace";
        let expected = relations().iter().map(|spec| {
            let (from, field, to) = (spec.from.table(), spec.field, spec.to.table());
            let delete = match spec.on_delete {
                OnDelete::Restrict => "refuse",
                OnDelete::SetNull => "set null",
            };
            format!("{from}_{field}_fkey: {from}.{field} -> {to} {delete}")
        });
        assert_eq!(texts(&place, keys).await, expected.collect());

        let unique = "SELECT c.conname || ': ' || r.relname || '.' || a.attname FROM pg_constraint c \
                      JOIN pg_class r ON r.oid = c.conrelid \
                      JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = c.conkey[1] \
                      WHERE c.contype = 'u' AND c.condeferrable AND cardinality(c.conkey) = 1 \
                      AND c.connamespace = '{}'::regnamespace AND r.relname NOT IN ('feed')";
        let expected = Entity::ALL.iter().flat_map(|entity| {
            let table = entity.table();
            uniques(*entity).iter().map(move |field| format!("{table}_{field}_key: {table}.{field}"))
        });
        assert_eq!(texts(&place, unique).await, expected.collect());
    })
    .await;
}

#[tokio::test]
async fn every_listing_has_its_index() {
    in_schema("indexes", |place| async move {
        let store = place.open().await;
        store.health().await.expect("is well");
        let found = texts(
            &place,
            "SELECT r.relname || ' ' || (SELECT string_agg(pg_get_indexdef(i.indexrelid, n, true), ',' ORDER BY n) \
             FROM generate_series(1, i.indnatts) AS n) FROM pg_index i JOIN pg_class r ON r.oid = i.indrelid \
             WHERE r.relnamespace = '{}'::regnamespace",
        )
        .await;
        for entity in Entity::ALL {
            for index in indexes(*entity) {
                let fields: Vec<_> = index.fields.iter().map(|field| field.as_str()).collect();
                let expected = format!("{} {},id", entity.table(), fields.join(","));
                assert!(found.contains(&expected), "{expected}: {found:#?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn every_word_of_the_model_is_allowed_and_no_other() {
    in_schema("words", |place| async move {
        let store = place.open().await;
        store.health().await.expect("is well");
        let words = |all: Vec<&'static str>| all.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
        let cases = [
            ("users", "role", words(Role::ALL.iter().map(|word| word.as_str()).collect())),
            ("tickets", "status", words(TicketStatus::ALL.iter().map(|word| word.as_str()).collect())),
            ("tickets", "impact", words(Impact::ALL.iter().map(|word| word.as_str()).collect())),
            ("tickets", "urgency", words(Urgency::ALL.iter().map(|word| word.as_str()).collect())),
            ("tickets", "priority", words(Priority::ALL.iter().map(|word| word.as_str()).collect())),
            ("tickets", "channel", words(Channel::ALL.iter().map(|word| word.as_str()).collect())),
            ("knowledge_base", "status", words(ArticleStatus::ALL.iter().map(|word| word.as_str()).collect())),
            (
                "customer_service_requests",
                "status",
                words(RequestStatus::ALL.iter().map(|word| word.as_str()).collect()),
            ),
        ];
        for (table, column, expected) in cases {
            let checks = format!(
                "SELECT (regexp_matches(pg_get_constraintdef(oid), '''([a-z_]+)''', 'g'))[1] FROM pg_constraint \
                 WHERE conrelid = '{{}}.{table}'::regclass AND conname = '{table}_{column}_check'"
            );
            assert_eq!(texts(&place, &checks).await, expected, "{table}.{column}");
        }
    })
    .await;
}

#[tokio::test]
async fn history_by_hand_tells_of_the_fields_of_the_schema() {
    in_schema("told", |place| async move {
        let store = place.open().await;
        store.health().await.expect("is well");
        for entity in Entity::ALL {
            let kinds = ["insert", "update", "delete"];
            for function in kinds.map(|kind| format!("bsm_told_{}_{kind}", entity.table())) {
                let told = format!(
                    "SELECT (SELECT string_agg(found[1] || CASE found[2] WHEN 'NULL' THEN '!' ELSE '' END, ' ' ORDER BY place) \
                     FROM regexp_matches(prosrc, '''field'', ''([a-z_]+)'', ''from'', ([^,]+)', 'g') WITH ORDINALITY \
                     AS found (found, place)) FROM pg_proc WHERE proname = '{function}' \
                     AND pronamespace = '{{}}'::regnamespace AND prosecdef"
                );
                let fields = columns(*entity).iter().filter(|column| column.in_history);
                let fields = fields.map(|column| format!("{}{}", column.field, if column.personal { "!" } else { "" }));
                let fields = fields.collect::<Vec<_>>().join(" ");
                assert_eq!(texts(&place, &told).await, BTreeSet::from([fields]), "{function}");
            }
        }
    })
    .await;
}
