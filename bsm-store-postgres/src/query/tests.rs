//! What is written into a statement, asked of a server; and that both ways answer alike. Needs the server of the crate's
//! other tests.

use sqlx::Row as _;

use super::*;
use crate::names::Statement;
use crate::plans;

fn whole(text: &str, given: impl IntoIterator<Item = Parameter>) -> Result<String, sqlx::Error> {
    Statement::new(text.to_owned(), Way::Whole).given(given.into_iter().collect()).whole()
}

#[test]
fn each_parameter_stands_in_quotes_with_its_type_where_its_place_is() {
    let text = |text: &str| Parameter::Text(text.to_owned());
    assert_eq!(whole("SELECT 1", []).expect("is whole"), "SELECT 1");
    let two = whole("SELECT $2, $1, $2", [text("it's"), Parameter::Int(-7)]).expect("is whole");
    assert_eq!(two, "SELECT '-7'::bigint, 'it''s'::text, '-7'::bigint");
    // What is given is not looked at for places, and neither quotes nor backslashes end it.
    let sly = whole("SELECT $1,$2", [text("$2 \\' OR 1=1"), text("x")]).expect("is whole");
    assert_eq!(sly, "SELECT  E'$2 \\\\'' OR 1=1'::text,'x'::text");
    let eleven = whole("SELECT $11$1", (0..11).map(Parameter::Int)).expect("is whole");
    assert_eq!(eleven, "SELECT '10'::bigint'0'::bigint");
}

#[test]
fn what_would_cut_a_statement_or_leave_a_place_empty_is_not_sent() {
    for cuts in [
        Parameter::Text("a\0; DROP".to_owned()),
        Parameter::Texts(vec!["a".to_owned(), "\0".to_owned()]),
        Parameter::Text("\0\\'".to_owned()),
    ] {
        assert!(matches!(whole("SELECT $1", [cuts]), Err(sqlx::Error::Encode(_))));
    }
    for text in ["SELECT $2", "SELECT $0", "SELECT $", "SELECT $99999999999999999999"] {
        assert!(matches!(whole(text, [Parameter::Int(1)]), Err(sqlx::Error::Encode(_))), "{text}");
    }
}

const TEXTS: [&str; 12] = [
    "",
    "plain",
    "it's",
    "''",
    "\\",
    "\\'",
    "'; DROP TABLE users; --",
    "$1 $$ $a$",
    "\u{1}\n\r\t\u{7f}",
    "NULL",
    "{\"a\",b}",
    "größer \u{1F600} \u{202e}",
];

/// Asks both ways, with backslashes that mean nothing and backslashes that do, and compares.
async fn both<T>(text: &str, given: Parameter) -> T
where
    T: PartialEq + fmt::Debug + for<'r> sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
{
    let mut connection = plans::connect().await;
    let mut answers = Vec::new();
    for conforming in ["on", "off"] {
        let set = format!("SET standard_conforming_strings = {conforming}; SET escape_string_warning = off");
        sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut connection).await.expect("is set");
        for way in [Way::Prepared, Way::Whole] {
            let query = Statement::new(text.to_owned(), way).query().bind(given.clone());
            let row = query.fetch_one(&mut connection).await.unwrap_or_else(|error| panic!("{given:?}: {error}"));
            answers.push(row.try_get::<T, _>(0).unwrap_or_else(|error| panic!("{given:?} {way:?}: {error}")));
        }
    }
    let first = answers.swap_remove(0);
    assert!(answers.iter().all(|other| *other == first), "{first:?} {answers:?}");
    first
}

#[tokio::test]
async fn both_ways_say_and_hear_the_same() {
    for text in TEXTS {
        assert_eq!(both::<String>("SELECT $1", text.into()).await, text);
    }
    let texts: Vec<String> = TEXTS.map(str::to_owned).into();
    assert_eq!(both::<Texts>("SELECT $1", texts.clone().into()).await, Texts(texts));
    assert_eq!(both::<Texts>("SELECT $1", Vec::<String>::new().into()).await, Texts(Vec::new()));
    for number in [0, 1, -1, i64::MAX, i64::MIN] {
        assert_eq!(both::<i64>("SELECT $1", number.into()).await, number);
        assert_eq!(both::<bool>("SELECT $1 > 0", number.into()).await, number > 0);
    }
    let ids: Vec<Uuid> = [0, 1, u128::MAX].map(Uuid::from_u128).into();
    for id in &ids {
        assert_eq!(both::<Uuid>("SELECT $1", (*id).into()).await, *id);
    }
    let text = "SELECT string_agg(id::text, ' ') FROM unnest($1) AS id";
    let told = both::<String>(text, ids.clone().into()).await;
    assert_eq!(told, ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    assert_eq!(both::<i64>("SELECT count(*) FROM unnest($1) AS id", Vec::<Uuid>::new().into()).await, 0);
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(both::<Vec<u8>>("SELECT $1", bytes.clone().into()).await, bytes);
    for micros in [0, 1, 1_700_000_000_123_456, 253_402_300_799_999_999] {
        let time = DateTime::from_timestamp_micros(micros).expect("is a time");
        assert_eq!(both::<DateTime<Utc>>("SELECT $1", time.into()).await, time);
    }
    let numbers: Vec<Decimal> = ["0", "-1.50", "1000000000.0000", "79228162514264337593543950335"]
        .map(|number| number.parse().expect("is a number"))
        .into();
    for number in &numbers {
        let text = "SELECT n FROM unnest($1) AS n";
        let told = both::<Decimal>(text, vec![*number].into()).await;
        assert_eq!((told, told.scale()), (*number, number.scale()));
    }
}

#[tokio::test]
async fn what_is_written_is_told_and_a_null_is_one() {
    let mut connection = plans::connect().await;
    sqlx::raw_sql("CREATE TEMPORARY TABLE line (n bigint, t text)").execute(&mut connection).await.expect("is made");
    for way in [Way::Prepared, Way::Whole] {
        let query = |text: &str| Statement::new(text.to_owned(), way).query();
        let made = query("INSERT INTO line (n) SELECT * FROM generate_series(1, $1)").bind(3);
        assert_eq!(made.execute(&mut connection).await.expect("is done"), 3);
        let rows = query("SELECT n, t FROM line ORDER BY n LIMIT $1").bind(2).once();
        let rows = rows.fetch_all(&mut connection).await.expect("answers");
        let told = rows.iter().map(|row| (row.get::<i64, _>("n"), row.get::<Option<String>, _>("t")));
        assert_eq!(told.collect::<Vec<_>>(), [(1, None), (2, None)]);
        let none = query("SELECT n FROM line WHERE n > $1").bind(9).fetch_optional(&mut connection).await;
        assert!(none.expect("answers").is_none());
        let none = query("SELECT n FROM line WHERE n > $1").bind(9).fetch_one(&mut connection).await;
        assert!(matches!(none, Err(sqlx::Error::RowNotFound)));
        assert_eq!(query("DELETE FROM line").execute(&mut connection).await.expect("is done"), 3);
    }
}
