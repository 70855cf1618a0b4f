//! Files that were changed behind the desk's back: what was acknowledged and is missing is told, and nothing panics.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bsm_core::Error;
use bsm_store_kv::engine::{Batch, Engine, EngineError, Head, Op};
use bsm_store_sled::{MIN_CACHE_BYTES, SledEngine, open_blocking};
use common::{Dice, add_people, copy, desk, email, make_desk, options, rounds};

#[track_caller]
fn assert_damaged(folder: &Path) {
    match open_blocking(folder, &options()) {
        Err(Error::Damaged { store, .. }) => assert_eq!(store, format!("sled:{}", folder.display())),
        other => panic!("{other:?}"),
    }
}

/// A desk with people in it, opened and closed a few times, so that every kind of sled's files is there.
fn old_desk(folder: &Path, people: u64) -> bsm_core::model::UserId {
    let root = make_desk(folder, 0..people / 2);
    add_people(folder, root, people / 2..people);
    open_blocking(folder, &options()).expect("opened");
    root
}

#[test]
fn older_data_under_a_newer_head_is_told() {
    let parent = tempfile::tempdir().expect("a folder");
    let (folder, kept) = (parent.path().join("desk"), parent.path().join("kept"));
    let root = old_desk(&folder, 10);
    copy(&folder.join("data"), &kept);
    add_people(&folder, root, 10..11);
    fs::remove_dir_all(folder.join("data")).expect("removed");
    copy(&kept, &folder.join("data"));
    // And not only once: no attempt makes it look whole.
    for _ in 0..3 {
        assert_damaged(&folder);
    }
}

#[test]
fn another_desk_s_data_under_this_head_is_told() {
    let parent = tempfile::tempdir().expect("a folder");
    let (folder, other) = (parent.path().join("desk"), parent.path().join("other"));
    old_desk(&folder, 10);
    old_desk(&other, 20);
    fs::remove_dir_all(folder.join("data")).expect("removed");
    copy(&other.join("data"), &folder.join("data"));
    assert_damaged(&folder);
}

#[test]
fn an_older_head_over_newer_data_is_a_tail_that_may_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = make_desk(folder.path(), 0..5);
    let older = fs::read(folder.path().join("HEAD")).expect("read");
    add_people(folder.path(), root, 5..6);
    fs::write(folder.path().join("HEAD"), older).expect("written");
    add_people(folder.path(), root, 6..7);
    assert!(all_there(folder.path(), root, 7).is_empty());
}

/// Of `people`, those whom the desk does not find; or finds, but can't read.
fn all_there(folder: &Path, root: bsm_core::model::UserId, people: u64) -> Vec<(u64, Error)> {
    common::runtime().block_on(async {
        let (desk, _store) = desk(folder).expect("opened");
        let mut missing = Vec::new();
        for number in 0..people {
            match desk.admin(root).user_by_email(&email(number)).await {
                Ok(user) => assert_eq!(user.full_name, format!("Person {number}")),
                Err(error) => missing.push((number, error)),
            }
        }
        missing
    })
}

#[test]
fn a_file_cut_short_is_told() {
    let parent = tempfile::tempdir().expect("a folder");
    let whole = parent.path().join("whole");
    old_desk(&whole, 40);
    let used = used(&fs::read(whole.join("data/db")).expect("read"));
    for part in 0..8 {
        let folder = parent.path().join(part.to_string());
        copy(&whole, &folder);
        fs::File::options()
            .write(true)
            .open(folder.join("data/db"))
            .and_then(|file| file.set_len(used * part / 8))
            .expect("cut");
        assert_damaged(&folder);
    }
}

#[test]
fn a_head_that_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = make_desk(folder.path(), 0..5);
    let path = folder.path().join("HEAD");
    let whole = fs::read(&path).expect("read");
    for bad in [Vec::new(), vec![0; whole.len()], vec![0xff; whole.len()], whole[1..].to_vec()] {
        fs::write(&path, bad).expect("written");
        assert_damaged(folder.path());
    }
    fs::write(&path, whole).expect("written");
    assert!(all_there(folder.path(), root, 5).is_empty());
}

#[test]
fn a_flipped_bit_in_head_costs_one_slot_at_most() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("desk");
    let root = make_desk(&folder, 0..5);
    let whole = fs::read(folder.join("HEAD")).expect("read");
    let mut dice = Dice::new(23);
    for _ in 0..rounds(30, 300) {
        let mut bytes = whole.clone();
        // Within one of the slots.
        let byte = usize::try_from(dice.below(2) * 4096 + dice.below(64)).expect("small");
        bytes[byte] ^= 1 << dice.below(8);
        fs::write(folder.join("HEAD"), bytes).expect("written");
        assert!(all_there(&folder, root, 5).is_empty());
    }
}

/// How much of sled's log was written to: the rest of it is zero.
fn used(bytes: &[u8]) -> u64 {
    bytes.iter().rposition(|byte| *byte != 0).map_or(1, |last| last as u64 + 1)
}

/// sled's files in a folder.
fn files(data: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data).expect("listed").map(|entry| entry.expect("listed").path());
    let mut files: Vec<_> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

#[test]
fn a_flipped_bit_in_the_data_never_panics_and_never_alters() {
    const PEOPLE: u64 = 60;
    let parent = tempfile::tempdir().expect("a folder");
    let (whole, folder) = (parent.path().join("whole"), parent.path().join("desk"));
    let root = old_desk(&whole, PEOPLE);
    let mut dice = Dice::new(29);
    let mut outcomes = BTreeMap::<&str, u32>::new();
    for round in 0..rounds(60, 1_000) {
        copy(&whole, &folder);
        let files = files(&folder.join("data"));
        assert_eq!(files.len(), 3, "conf, db and a snapshot: {files:?}");
        // Mostly in the log, which is mostly empty: where something was written to.
        let path = &files[usize::try_from(if round % 4 == 0 { dice.below(3) } else { 1 }).expect("small")];
        let mut bytes = fs::read(path).expect("read");
        let at = usize::try_from(dice.below(used(&bytes))).expect("small");
        bytes[at] ^= 1 << dice.below(8);
        fs::write(path, bytes).expect("written");

        let opened = open_blocking(&folder, &options()).map(drop);
        let outcome = match opened {
            Err(Error::Damaged { .. }) => "told when opened",
            Err(other) => panic!("round {round}, {}, byte {at}: {other:?}", path.display()),
            Ok(()) => {
                let missing = all_there(&folder, root, PEOPLE);
                if missing.is_empty() {
                    "all there"
                } else if missing.iter().any(|(_, error)| matches!(error, Error::Damaged { .. })) {
                    "told when read"
                } else {
                    "not told: people are missing"
                }
            }
        };
        *outcomes.entry(outcome).or_default() += 1;
        fs::remove_dir_all(&folder).expect("removed");
    }
    // Not a promise: see the crate's documentation.
    println!("flipped bits: {outcomes:?}");
    assert!(outcomes.contains_key("told when opened"), "{outcomes:?}");
}

fn head(position: u64) -> Head {
    Head { epoch: 1, position, digest: 0 }
}

/// More data than the cache holds, damaged while the engine is open: a batch that needs it fails half-way.
#[test]
fn a_batch_that_fails_half_way_is_never_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = SledEngine::open(folder.path(), MIN_CACHE_BYTES).expect("opened");
    let put = |key: u64, fill: u8| Op::Put(key.to_be_bytes().to_vec().into(), vec![fill; 1_000].into());
    for part in 0..40 {
        engine.apply(Batch::new((0..500).map(|key| put(part * 500 + key, 1)).collect())).expect("applied");
    }
    engine.sync(head(1)).expect("synced");

    let log = folder.path().join("data/db");
    let len = usize::try_from(fs::metadata(&log).expect("is there").len()).expect("fits");
    let file = fs::File::options().write(true).open(&log).expect("opened");
    std::io::Write::write_all(&mut &file, &vec![0xa5; len]).expect("overwritten");

    let failed = (0..40).find_map(|part| {
        engine.apply(Batch::new((0..20_000).step_by(37).map(|key| put(key, part + 2)).collect())).err()
    });
    assert!(matches!(failed, Some(EngineError::Damaged(_))), "{failed:?}");
    assert!(matches!(engine.view().err(), Some(EngineError::Damaged(_))));
    assert!(matches!(engine.try_view().err(), Some(EngineError::Damaged(_))));
    assert!(matches!(engine.apply(Batch::default()).err(), Some(EngineError::Damaged(_))));
    assert!(matches!(engine.acknowledged().err(), Some(EngineError::Damaged(_))));
    engine.sync(head(2)).expect_err("nothing is synced any more");
    drop(engine);
    assert_damaged(folder.path());
    assert!(matches!(SledEngine::open(folder.path(), MIN_CACHE_BYTES), Err(Error::Damaged { .. })));
}
