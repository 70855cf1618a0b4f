//! Desks to files and back, as an application moves them.

use std::io::{self, Cursor, Read};

use bsm::model::Role;
use bsm::transfer::{TransferError, export_to, import_from};
use bsm::{Desk, Error, NewUser, Registry};

/// A desk with so many people, and its export.
async fn exported(people: usize) -> Vec<u8> {
    let desk = bsm::open("memory:").await.expect("opens");
    let root = desk.bootstrap(NewUser::new("Root", "root@example.org", Role::Admin)).await.expect("is the first");
    for number in 1..people {
        let new = NewUser::new(format!("Person {number}"), format!("p{number}@example.org"), Role::Customer);
        desk.admin(root.id).create_user(new).await.expect("created");
    }
    let (text, progress) = export_to(&desk, Vec::new(), |_| {}).await.expect("exported");
    assert_eq!(progress.rows, people as u64);
    text
}

async fn text_of(desk: &Desk) -> Vec<u8> {
    export_to(desk, Vec::new(), |_| {}).await.expect("exported").0
}

/// A reader that fails at its end.
struct Fails(Cursor<Vec<u8>>);

impl Read for Fails {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("the disk is gone")),
            read => Ok(read),
        }
    }
}

#[tokio::test]
async fn an_export_is_the_same_from_another_store() {
    let text = exported(700).await;
    let copy = bsm::open("memory:").await.expect("opens");
    let mut calls = 0;
    let imported = import_from(&copy, Cursor::new(text.clone()), |_| calls += 1).await.expect("taken in");
    assert_eq!((imported.progress.rows, imported.progress.bytes), (700, text.len() as u64));
    assert!(calls > 0);
    assert!(text_of(&copy).await == text);
    assert!(copy.verify().await.expect("recounted").is_clean());
}

/// A writer with no room.
struct Full;

impl io::Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::other("no space left"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_file_that_fails_tells_which_way_and_why() {
    let desk = bsm::open("memory:").await.expect("opens");
    let written = export_to(&desk, Full, |_| {}).await.map(drop).expect_err("is full");
    assert_eq!(written.to_string(), "the export can't be written: no space left");
    let read = import_from(&desk, Fails(Cursor::new(Vec::new())), |_| {}).await.expect_err("fails");
    assert_eq!(read.to_string(), "the export can't be read: the disk is gone");
    assert!(matches!((&written, &read), (TransferError::Write(_), TransferError::Read(_))));
}

/// The same without a runtime, with what lives no longer than the call.
#[test]
fn a_thread_moves_a_desk() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let text = runtime.block_on(exported(700));
    let copy = bsm::blocking::open("memory:").expect("opens");
    let mut rows = 0;
    let imported = copy.import_from(text.as_slice(), |progress| rows = progress.rows).expect("taken in");
    assert_eq!((imported.progress.rows, rows), (700, 700));
    let mut again = Vec::new();
    let (_, progress) = copy.export_to(&mut again, |_| {}).expect("exported");
    assert_eq!((progress, again == text), (imported.progress, true));
    let other = bsm::blocking::open("memory:").expect("opens");
    let mut import = other.import().expect("empty");
    for lines in copy.export() {
        import.write(lines.expect("exported").as_bytes()).expect("taken in");
    }
    assert_eq!((import.resumes_after(), import.progress().rows), (0, 700));
    import.finish().expect("whole");
    let refused = other.import_from(text.as_slice(), |_| {}).expect_err("has a desk");
    assert!(matches!(refused, TransferError::Desk(Error::NotEmpty { .. })), "{refused:?}");
    let full = copy.export_to(Full, |_| {}).map(drop).expect_err("is full");
    assert!(matches!(full, TransferError::Write(_)), "{full:?}");
}

#[cfg(feature = "sled")]
#[tokio::test]
async fn an_import_that_a_file_failed_goes_on_or_is_removed() {
    let parent = tempfile::tempdir().expect("a folder for the test");
    let address = format!("sled:{}", parent.path().join("desk").display());
    let text = exported(700).await;
    let (half, registry) = (text[..text.len() * 3 / 4].to_vec(), Registry::standard());
    for go_on in [false, true] {
        let desk = bsm::open(&address).await.expect("opens");
        let failed = import_from(&desk, Fails(Cursor::new(half.clone())), |_| {}).await;
        assert!(matches!(failed, Err(TransferError::Read(_))), "{failed:?}");
        desk.close().await.expect("closes");
        let desk = bsm::open(&address).await.expect("opens again");
        let shut = desk.health().await;
        assert!(matches!(shut, Err(Error::ImportUnfinished { .. })), "{shut:?}");
        if go_on {
            let imported = import_from(&desk, Cursor::new(text.clone()), |_| {}).await.expect("goes on");
            assert!(imported.resumed_after > 0, "something had been taken in");
            assert!(text_of(&desk).await == text);
        }
        desk.close().await.expect("closes");
        if !go_on {
            registry.remove(&address).await.expect("removed");
            let desk = bsm::open(&address).await.expect("opens anew");
            desk.health().await.expect("is empty, and open");
            desk.close().await.expect("closes");
        }
    }
}
