//! That the wire of these tests counts what it says.

mod common;

use common::wire::{Said, Wire, said_of};
use sqlx::{Connection as _, Executor as _, PgConnection};

#[test]
fn messages_are_counted_in_whatever_pieces_they_come() {
    // A body may hold what looks like a message.
    let looks_like = b"S\0\0\0\x04Q\0\0\0\x05\0";
    let messages: [(Option<u8>, &[u8]); 14] = [
        (None, looks_like),
        (Some(b'p'), b"a password"),
        (Some(b'P'), looks_like),
        (Some(b'D'), b"S\0"),
        (Some(b'S'), b""),
        (Some(b'B'), looks_like),
        (Some(b'E'), b"\0\0\0\0\0"),
        (Some(b'C'), b"P\0"),
        (Some(b'S'), b""),
        (Some(b'S'), b""),
        (Some(b'Q'), b"COMMIT\0"),
        (Some(b'C'), b"S1\0"),
        (Some(b'S'), b""),
        (Some(b'X'), b""),
    ];
    for piece in 1..100 {
        assert_eq!(said_of(&messages, piece), Said { trips: 2, prepared: 2, pings: 1, connections: 0 }, "{piece}");
    }
}

#[tokio::test]
async fn a_statement_is_prepared_once_and_each_call_is_one_way_there_and_back() {
    let wire = Wire::open().await;
    let mut connection = PgConnection::connect_with(&wire.options()).await.expect("connects");
    assert_eq!(wire.said(), Said { connections: 1, ..Said::default() });
    // Longer than a piece, and answered by more than one.
    let long = "x".repeat(100_000);
    for prepared in [1, 0, 0] {
        let ask = sqlx::query_scalar("SELECT $1").bind(long.clone());
        let (said, told): (Said, Result<String, _>) = wire.during(ask.fetch_one(&mut connection)).await;
        assert_eq!(told.expect("answers"), long);
        assert_eq!(said, Said { trips: 1, prepared, ..Said::default() });
    }
    let (said, done) = wire.during(connection.execute("SELECT 1; SELECT 2")).await;
    done.expect("runs");
    assert_eq!(said, Said { trips: 1, ..Said::default() });
    let (said, pong) = wire.during(connection.ping()).await;
    pong.expect("lives");
    assert_eq!(said, Said { pings: 1, ..Said::default() });
    let (said, refused) = wire.during(sqlx::query("SELECT 1 / $1::int").bind(0).execute(&mut connection)).await;
    assert!(refused.is_err());
    assert_eq!(said, Said { trips: 1, prepared: 1, ..Said::default() });
    let (said, done) = wire.during(async { connection.begin().await?.commit().await }).await;
    done.expect("is committed");
    assert_eq!(said, Said { trips: 2, ..Said::default() });
}
