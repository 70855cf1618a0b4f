//! What the tests of this crate share: a server, a schema for each test, and rows.
#![allow(dead_code, reason = "every test file is a crate of its own and uses a part of this")]

pub(crate) mod bouncer;
pub(crate) mod desk;
pub(crate) mod feeds;
pub(crate) mod hand;
pub(crate) mod heard;
pub(crate) mod load;
pub(crate) mod proxy;
pub(crate) mod room;
pub(crate) mod rows;
pub(crate) mod server;
pub(crate) mod wire;

use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;

use bsm_store_postgres::PostgresStore;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool};

/// Whether cases are to be many: `cargo xtask test --full`.
pub(crate) fn full() -> bool {
    std::env::var_os("BSM_TEST_FULL").is_some_and(|value| value == "1")
}

/// The server that the tests use.
pub(crate) fn server() -> String {
    std::env::var("BSM_TEST_POSTGRES_URL").unwrap_or_else(|_| {
        panic!(
            "these tests need a PostgreSQL server, which BSM_TEST_POSTGRES_URL names; \
             `cargo xtask test` starts one, and so does \
             `cargo xtask postgres -- cargo nextest run -p bsm-store-postgres`"
        )
    })
}

/// A test's own schema.
#[derive(Clone)]
pub(crate) struct Place {
    /// The schema.
    pub(crate) schema: String,
    /// Connections past the store.
    pub(crate) pool: PgPool,
}

impl Place {
    /// The address of the desk in it, if that was made without triggers.
    pub(crate) fn url_without_triggers(&self) -> String {
        format!("{}&triggers=off", self.url())
    }

    /// The address of the desk in it.
    pub(crate) fn url(&self) -> String {
        let server = server();
        let sign = if server.contains('?') { '&' } else { '?' };
        // Named, so that a test can see what its store's connections wait for.
        format!("{server}{sign}schema={0}&application_name={0}", self.schema)
    }

    /// What the connections of this desk's stores wait for, once there are `count` of them that do.
    pub(crate) async fn waits(&self, count: usize) -> Vec<String> {
        loop {
            let waits: Vec<String> = sqlx::query_scalar(
                "SELECT wait_event FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock' ORDER BY 1",
            )
            .bind(&self.schema)
            .fetch_all(&self.pool)
            .await
            .expect("asks");
            if waits.len() == count {
                return waits;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Opens the desk in it.
    pub(crate) async fn open(&self) -> Arc<PostgresStore> {
        Arc::new(PostgresStore::connect(&self.url()).await.expect("opens"))
    }

    /// Does something past the store; `{}` stands for the schema.
    pub(crate) async fn sql(&self, text: &str) {
        let text = text.replace("{}", &self.schema);
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&self.pool).await.expect("runs");
    }

    /// Makes the desk what the second migration left: without triggers, and the column that tells of them.
    pub(crate) async fn back_to_the_second_migration(&self) {
        self.sql(
            "DO $back$ DECLARE gone record; BEGIN
                FOR gone IN SELECT oid::regprocedure AS name FROM pg_proc WHERE pronamespace = '{}'::regnamespace
                    AND proname NOT IN ('bsm_sought', 'bsm_new_epoch') LOOP
                    EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', gone.name);
                END LOOP;
                FOR gone IN SELECT oid::regtype AS name FROM pg_type
                    WHERE typnamespace = '{}'::regnamespace AND typname LIKE 'bsm\\_row\\_%' LOOP
                    EXECUTE format('DROP TYPE %s CASCADE', gone.name);
                END LOOP;
                FOR gone IN SELECT conrelid::regclass AS of_table, conname FROM pg_constraint
                    WHERE connamespace = '{}'::regnamespace AND NOT convalidated LOOP
                    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', gone.of_table, gone.conname);
                END LOOP;
            END $back$;
            ALTER TABLE {}.desk DROP COLUMN triggers;
            DELETE FROM {}.bsm_migrations WHERE version > 2",
        )
        .await;
    }

    /// Drops the schema over a connection of its own, from whatever runtime.
    pub(crate) async fn drop_alone(&self) {
        let options: PgConnectOptions = server().parse().expect("BSM_TEST_POSTGRES_URL is a URL");
        let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.expect("the server answers");
        let place = Self { pool, ..self.clone() };
        place.drop_schema().await;
        place.pool.close().await;
    }

    async fn drop_schema(&self) {
        self.sql("SET client_min_messages = warning; DROP SCHEMA IF EXISTS {} CASCADE").await;
    }
}

/// A schema of its own, which is not there yet.
pub(crate) async fn place(test: &str) -> Place {
    let options: PgConnectOptions = server().parse().expect("BSM_TEST_POSTGRES_URL is a URL");
    let pool = PgPoolOptions::new().max_connections(4).connect_with(options).await.expect("the server answers");
    let place = Place { schema: format!("bsm_test_{test}_{}", std::process::id()), pool };
    place.drop_schema().await;
    place
}

/// Runs a test in a schema of its own, which is dropped afterwards, whatever happens.
pub(crate) async fn in_schema<F: Future<Output = ()>>(test: &str, run: impl FnOnce(Place) -> F) {
    let place = place(test).await;
    let outcome = CatchUnwind(Box::pin(run(place.clone()))).await;
    place.drop_schema().await;
    place.pool.close().await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

/// Polls a future and catches its panic.
struct CatchUnwind<F>(std::pin::Pin<Box<F>>);

impl<F: Future> Future for CatchUnwind<F> {
    type Output = std::thread::Result<F::Output>;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        use std::task::Poll;
        match std::panic::catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}
