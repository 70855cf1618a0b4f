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
        assert!(matches!(failed, Err(TransferError::File(_))), "{failed:?}");
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
