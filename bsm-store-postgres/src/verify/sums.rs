//! Counters against a recount of all rows.

use bsm_core::model::{Currency, Money, RequestStatus};
use bsm_core::schema::{CounterSpec, Measure, counters};
use bsm_core::store::Place;
use rust_decimal::Decimal;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::Recount;
use crate::fault::Fault;
use crate::query::Texts;

/// Compares all counters with the rows.
pub(super) async fn compare(recount: &mut Recount<'_>) -> Result<(), Fault> {
    for spec in counters() {
        let scales = match spec.measure {
            Measure::FulfilledPrice => scales(recount).await?,
            _ => Vec::new(),
        };
        family(recount, spec, scales).await?;
    }
    let families: Vec<&str> = counters().iter().map(|spec| spec.counter.as_str()).collect();
    let strangers = "SELECT family, names FROM {}.counters WHERE family <> ALL ($2::text[])";
    let tell = |row: &PgRow| {
        let (family, Texts(names)): (String, Texts) = (row.try_get("family")?, row.try_get("names")?);
        Ok((
            Place::Own(format!("counter {family} of {}", names.join(", "))),
            "the desk counts no such thing".to_owned(),
        ))
    };
    recount.differences(strangers, |query| query.bind(families), tell).await
}

/// The currencies in which something was fulfilled, each with how many of its smallest units are one.
async fn scales(recount: &mut Recount<'_>) -> Result<Vec<(String, Decimal)>, Fault> {
    let currencies = "SELECT DISTINCT currency FROM {}.customer_service_requests WHERE status = $1";
    let currencies = recount.desk.names.statement(currencies).query().bind(RequestStatus::Fulfilled.as_str());
    let mut scales = Vec::new();
    for row in currencies.fetch_all(&mut *recount.connection).await? {
        let code: String = row.try_get(0)?;
        // A currency that we don't know is left out, and so its counter differs.
        let one = code.parse::<Currency>().and_then(|currency| Money::new(Decimal::ONE, currency));
        if let Ok(one) = one {
            scales.push((code, Decimal::from(one.minor_units())));
        }
    }
    Ok(scales)
}

async fn family(
    recount: &mut Recount<'_>,
    spec: &'static CounterSpec,
    scales: Vec<(String, Decimal)>,
) -> Result<(), Fault> {
    let names: Vec<String> = spec.by.iter().map(|field| format!("coalesce({field}::text, '')")).collect();
    let names = format!("(ARRAY[{}] COLLATE \"C\") AS names", names.join(", "));
    let table = spec.entity.table();
    let (codes, units): (Vec<String>, Vec<Decimal>) = scales.into_iter().unzip();
    let rows = match spec.measure {
        Measure::FulfilledPrice => format!(
            "SELECT {names}, sum(price * units) AS amount FROM {{}}.{table} \
             JOIN unnest($3::text[], $4::numeric[]) AS scale (code, units) ON code = currency \
             WHERE status = '{}' GROUP BY 1",
            RequestStatus::Fulfilled
        ),
        _ => format!("SELECT {names}, count(*)::numeric AS amount FROM {{}}.{table} GROUP BY 1"),
    };
    let both = format!(
        "SELECT names, coalesce(said.amount, 0) AS said, coalesce(counted.amount, 0) AS counted FROM \
         (SELECT names, sum(amount) AS amount FROM {{}}.counters WHERE family = $2 GROUP BY names \
         HAVING sum(amount) <> 0) AS said FULL JOIN (SELECT * FROM ({rows}) AS rows WHERE amount <> 0) AS counted USING (names)"
    );
    let bind = |query: super::Query| {
        let query = query.bind(spec.counter.as_str());
        if spec.measure == Measure::FulfilledPrice { query.bind(codes.clone()).bind(units.clone()) } else { query }
    };
    let all = recount.desk.names.statement(&format!("SELECT $1::bigint, count(*) FROM ({both}) AS compared"));
    let all: i64 = bind(all.query().once().bind(0_i64)).fetch_one(&mut *recount.connection).await?.try_get(1)?;
    recount.found.counters += u64::try_from(all).unwrap_or(0);
    let wrong = format!(
        "SELECT names, said::text, trunc(counted)::text AS counted FROM ({both}) AS compared WHERE said <> counted"
    );
    let tell = |row: &PgRow| {
        let Texts(names) = row.try_get("names")?;
        let (says, rows): (&str, &str) = (row.try_get("said")?, row.try_get("counted")?);
        Ok((Place::Counter(spec.counter, names), format!("it says {says}, and the rows come to {rows}")))
    };
    recount.differences(&wrong, bind, tell).await
}
