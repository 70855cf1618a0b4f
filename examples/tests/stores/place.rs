//! A schema of a test's own, and what somebody with psql sees in it.

use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Executor};

/// A schema, empty at first, and dropped with its value.
pub(crate) struct Place {
    schema: String,
    server: String,
}

impl Place {
    /// A schema of this name, which is not there yet.
    pub(crate) async fn new(name: &str) -> Self {
        let server = std::env::var("BSM_TEST_POSTGRES_URL").unwrap_or_else(|_| {
            panic!(
                "these tests need a PostgreSQL server, which BSM_TEST_POSTGRES_URL names; `cargo xtask test` starts one, and so \
                 does `cargo xtask postgres -- cargo nextest run -p bsm-examples`"
            )
        });
        let place = Self { schema: format!("bsm_examples_{name}_{}", std::process::id()), server };
        drop_schema(&place.server, &place.schema).await;
        place
    }

    /// The address of the desk in it.
    pub(crate) fn url(&self) -> String {
        let sign = if self.server.contains('?') { '&' } else { '?' };
        format!("{}{sign}schema={}", self.server, self.schema)
    }

    /// A connection whose `search_path` is the schema, as a person sets it.
    pub(crate) async fn by_hand(&self) -> PgPool {
        let path = format!("SET search_path = {}", self.schema);
        let pool = PgPoolOptions::new().max_connections(1).after_connect(move |connection, _| {
            let path = path.clone();
            Box::pin(async move { connection.execute(AssertSqlSafe(path)).await.map(drop) })
        });
        pool.connect(&self.server).await.expect("connects")
    }

    /// The schema's name.
    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }
}

async fn drop_schema(server: &str, schema: &str) {
    let pool = PgPoolOptions::new().max_connections(1).connect(server).await.expect("connects");
    let drop = format!("SET client_min_messages = warning; DROP SCHEMA IF EXISTS {schema} CASCADE");
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&pool).await.expect("drops it");
    pool.close().await;
}

impl Drop for Place {
    fn drop(&mut self) {
        // On a thread of its own: the test's runtime may not wait.
        let (server, schema) = (self.server.clone(), self.schema.clone());
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(drop_schema(&server, &schema));
        });
        drop(dropped.join());
    }
}
