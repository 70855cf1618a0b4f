//! How the server does a statement, as it says itself. For this crate's tests.

use serde_json::Value as Json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use crate::query::Parameter;
use crate::wide::Asked;

/// How often a statement is done until its plan is looked at. After five times the server keeps the plan.
pub(crate) const TIMES: usize = 10;

/// What one execution of a statement cost.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cost {
    /// The rows that leave the scans of tables, those that they remove included.
    pub(crate) rows: u64,
    /// The tables that were read without an index.
    pub(crate) unindexed: Vec<String>,
    /// Whether the plan was made for whatever parameters.
    pub(crate) is_generic: bool,
    /// Whether it was compiled, which takes longer than a page.
    pub(crate) is_compiled: bool,
}

impl Cost {
    /// Adds what a plan tells of itself.
    fn add(&mut self, plan: &Json) {
        let number = |name: &str| plan.get(name).and_then(Json::as_f64).unwrap_or(0.0);
        let text = |name: &str| plan.get(name).and_then(Json::as_str);
        if let (Some(kind), Some(table)) = (text("Node Type"), text("Relation Name"))
            // What writes tells of no reading, and the table of one row has no need of an index, as has a sequence.
            && kind != "ModifyTable"
            && table != "desk"
            && !table.ends_with("_seq")
        {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of rows")]
            let rows = ((number("Actual Rows") + number("Rows Removed by Filter")) * number("Actual Loops")) as u64;
            self.rows += rows;
            if !["Index", "Bitmap", "Tid"].iter().any(|found| kind.starts_with(found)) {
                self.unindexed.push(table.to_owned());
            }
        }
        for part in plan.get("Plans").and_then(Json::as_array).into_iter().flatten() {
            self.add(part);
        }
    }

    /// What the server says of a statement.
    pub(crate) fn of(explained: &Json) -> Self {
        let mut cost = Self { is_compiled: explained[0].get("JIT").is_some(), ..Self::default() };
        cost.add(&explained[0]["Plan"]);
        cost
    }
}

/// A connection of its own to the tests' server.
pub(crate) async fn connect() -> PgConnection {
    let url =
        std::env::var("BSM_TEST_POSTGRES_URL").expect("BSM_TEST_POSTGRES_URL names a server: see CONTRIBUTING.md");
    PgConnection::connect(&url).await.expect("the server answers")
}

/// A statement that a connection has prepared, as it does by itself for one that sqlx sends.
pub(crate) struct Prepared {
    name: String,
    parameters: String,
}

impl Prepared {
    /// Prepares a statement.
    pub(crate) async fn new(connection: &mut PgConnection, name: &str, asked: &Asked) -> Self {
        let types = asked.parameters.iter().map(Parameter::sql_type);
        let parameters: Vec<String> = asked.parameters.iter().map(literal).collect();
        let list = |of: Vec<&str>| if of.is_empty() { String::new() } else { format!("({})", of.join(", ")) };
        let types = list(types.collect());
        let text = format!("PREPARE {name}{types} AS {}", asked.statement.text());
        sqlx::raw_sql(AssertSqlSafe(text)).execute(connection).await.expect("is prepared");
        let parameters = list(parameters.iter().map(String::as_str).collect());
        Self { name: name.to_owned(), parameters }
    }

    /// Does it some times, and tells what the last time cost.
    pub(crate) async fn cost(&self, connection: &mut PgConnection) -> Cost {
        let Self { name, parameters } = self;
        for _ in 1..TIMES {
            let text = format!("EXECUTE {name}{parameters}");
            sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *connection).await.expect("is done");
        }
        let before = self.generic_plans(connection).await;
        let text = format!("EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE {name}{parameters}");
        let row = sqlx::raw_sql(AssertSqlSafe(text)).fetch_one(&mut *connection).await.expect("is explained");
        let plan: String = row.try_get_unchecked(0).expect("is text");
        let plan: Json = serde_json::from_str(&plan).expect("is JSON");
        Cost { is_generic: self.generic_plans(connection).await > before, ..Cost::of(&plan) }
    }

    async fn generic_plans(&self, connection: &mut PgConnection) -> i64 {
        let asked = sqlx::query_scalar("SELECT generic_plans FROM pg_prepared_statements WHERE name = $1");
        asked.bind(self.name.clone()).fetch_one(connection).await.expect("is prepared")
    }
}

fn literal(parameter: &Parameter) -> String {
    let mut text = String::new();
    assert!(parameter.write(&mut text), "it has no NUL");
    text
}
