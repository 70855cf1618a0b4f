//! kill -9 and a full disk, at moments that nobody chose: all that was acknowledged is there, and batches are whole.

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bsm_core::model::{Role, UserId};
use bsm_core::{Desk, Error, NewUser};
use bsm_store_kv::engine::{Batch, Engine, Head, Op};
use bsm_store_sled::{MIN_CACHE_BYTES, SledEngine};
use common::{Dice, child, child_after, child_place, desk, email, make_desk, person, program, rounds};

/// Runs a child until it has said so many lines and a random while has passed; then kills it. Tells what it said, whole
/// lines only.
fn killed(mut command: Command, lines: u64, dice: &mut Dice) -> Vec<String> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("started");
    let mut output = BufReader::new(child.stdout.take().expect("is piped"));
    let mut said = Vec::new();
    for _ in 0..lines {
        said.extend(line(&mut output));
    }
    std::thread::sleep(Duration::from_micros(dice.below(4_000)));
    kill(&mut child);
    while let Some(text) = line(&mut output) {
        said.push(text);
    }
    said
}

/// The next line, if it has an end.
fn line(output: &mut impl BufRead) -> Option<String> {
    let mut text = String::new();
    output.read_line(&mut text).expect("read");
    text.strip_suffix('\n').map(str::to_owned)
}

fn kill(child: &mut Child) {
    assert!(child.try_wait().expect("asked").is_none(), "the child ended by itself");
    child.kill().expect("killed");
    child.wait().expect("gone");
}

/// The numbers behind a word, in the lines that begin with it.
fn numbers(lines: &[String], word: &str) -> Vec<u64> {
    lines.iter().filter_map(|line| line.strip_prefix(word)?.trim().parse().ok()).collect()
}

/// How many keys every batch writes.
const KEYS: u8 = 40;

fn batch(number: u64) -> Batch {
    // Long enough that a few batches fill one of sled's buffers: it writes those by itself, whoever syncs.
    let value = number.to_be_bytes().repeat(100);
    Batch::new((0..KEYS).map(|key| Op::Put(vec![key].into(), value.clone().into())).collect())
}

fn head(number: u64) -> Head {
    Head { epoch: 1, position: number, digest: u128::from(number) * 3 }
}

/// The number that every key of the last batch carries.
fn last_batch(engine: &SledEngine) -> u64 {
    let view = engine.view().expect("a view");
    let mut found: Vec<_> = (0..KEYS)
        .map(|key| view.get(&[key]).expect("read").map(|value| value.first_chunk().map(|n| u64::from_be_bytes(*n))))
        .collect();
    found.dedup();
    assert_eq!(found.len(), 1, "a batch is there in part: {found:?}");
    found[0].flatten().unwrap_or(0)
}

#[test]
fn a_killed_engine_has_whole_batches_and_all_that_was_synced() {
    if let Some(place) = child_place() {
        let engine = SledEngine::open(&place, MIN_CACHE_BYTES).expect("opened");
        for number in last_batch(&engine) + 1.. {
            engine.apply(batch(number)).expect("applied");
            // Not every batch has a sync of its own.
            if number % 3 != 0 {
                engine.sync(head(number)).expect("synced");
                println!("\nsynced {number}");
            }
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut dice = Dice::new(3);
    let (mut progress, mut synced) = (0, 0);
    for round in 0..rounds(20, 200) {
        let test = "a_killed_engine_has_whole_batches_and_all_that_was_synced";
        let lines = dice.below(80);
        let said = killed(child(&program(), test, folder.path()), lines, &mut dice);
        synced = numbers(&said, "synced ").last().copied().unwrap_or(synced);
        let engine = SledEngine::open(folder.path(), MIN_CACHE_BYTES).expect("opened");
        let last = last_batch(&engine);
        let known = engine.acknowledged().expect("is whole").map_or(0, |head| head.position);
        assert!(synced <= known && known <= last, "round {round}: synced {synced}, HEAD {known}, there {last}");
        assert!(last >= progress, "round {round}: {last} after {progress}");
        progress = last;
    }
    assert!(progress > 20, "the children did next to nothing: {progress}");
}

/// Creates people from `first` on, a few at a time, and tells of each when it was acknowledged. Ends at the first error.
async fn create_people(place: &Path, root: UserId, first: u64) -> Vec<Error> {
    let (desk, store) = desk(place).expect("opened");
    let mut at_work = Vec::new();
    for lane in 0..4 {
        let desk = desk.clone();
        at_work.push(tokio::spawn(async move {
            for number in (first + lane..).step_by(4) {
                if let Err(error) = desk.admin(root).create_user(person(number)).await {
                    return error;
                }
                println!("\nacknowledged {number}");
            }
            unreachable!("numbers do not end")
        }));
    }
    let mut errors = Vec::new();
    for lane in at_work {
        errors.push(lane.await.expect("did not panic"));
    }
    drop((desk, store));
    errors
}

/// The admin and the first number, as the parent wrote them down.
fn task(place: &Path) -> (UserId, u64) {
    let text = std::fs::read_to_string(place.join("task")).expect("read");
    let (root, first) = text.split_once(' ').expect("two words");
    (root.parse().expect("an id"), first.parse().expect("a number"))
}

fn set_task(place: &Path, root: UserId, first: u64) {
    std::fs::write(place.join("task"), format!("{root} {first}")).expect("written");
}

/// Asserts that the desk opens and has these people.
fn assert_has(folder: &Path, root: UserId, people: &[u64]) {
    common::runtime().block_on(async {
        let (desk, store) = desk(folder).expect("opened");
        for number in people {
            let found = desk.admin(root).user_by_email(&email(*number)).await;
            assert!(found.is_ok(), "person {number}: {found:?}");
        }
        store.close().await.expect("closed");
    });
}

#[test]
fn a_killed_desk_has_all_that_was_acknowledged() {
    if let Some(place) = child_place() {
        let (root, first) = task(&place);
        let errors = common::runtime().block_on(create_people(&place.join("desk"), root, first));
        panic!("{errors:?}");
    }
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("desk");
    let root = make_desk(&folder, 0..0);
    let mut dice = Dice::new(5);
    let mut acknowledged = Vec::new();
    for round in 0..rounds(20, 200) {
        // Far enough from the last round's: what was not acknowledged may be there all the same.
        set_task(place.path(), root, (round + 1) * 100_000);
        let lines = dice.below(120);
        let said =
            killed(child(&program(), "a_killed_desk_has_all_that_was_acknowledged", place.path()), lines, &mut dice);
        let new = numbers(&said, "acknowledged ");
        assert_has(&folder, root, &new);
        acknowledged.extend(new);
    }
    assert!(acknowledged.len() > 100, "the children did next to nothing: {}", acknowledged.len());
    assert_has(&folder, root, &acknowledged);
}

/// A limit on the size of files stands in for the full disk. The shell ignores the signal that comes with it, so that
/// writes fail instead.
#[cfg(unix)]
#[test]
fn a_full_disk_stops_the_desk_and_loses_nothing() {
    let test = "a_full_disk_stops_the_desk_and_loses_nothing";
    if let Some(place) = child_place() {
        let (root, first) = task(&place);
        let errors = common::runtime().block_on(create_people(&place.join("desk"), root, first));
        for error in errors {
            // Unavailable: a read between the failure and the stop. Never Damaged, since nothing is.
            let right =
                matches!(error, Error::OutcomeUnknown { .. } | Error::Unavailable { .. } | Error::Closed { .. });
            assert!(right, "{error:?}");
        }
        println!("\nstopped");
        return;
    }
    // In the shell's blocks, which are of 512 bytes: three of sled's segments and some more.
    for blocks in [3_073, 3_500, 4_000] {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("desk");
        let root = make_desk(&folder, 0..0);
        set_task(place.path(), root, 0);
        let shell = format!("trap '' XFSZ; ulimit -f {blocks}");
        let output = child_after(&shell, test, place.path()).output().expect("ran");
        let stdout = String::from_utf8_lossy(&output.stdout);
        let said: Vec<_> = stdout.lines().map(str::to_owned).collect();
        assert!(said.iter().any(|line| line == "stopped"), "{stdout}\n{}", String::from_utf8_lossy(&output.stderr));
        let acknowledged = numbers(&said, "acknowledged ");
        assert!(!acknowledged.is_empty(), "the disk was full from the beginning");
        assert_has(&folder, root, &acknowledged);
    }
}

#[test]
fn a_panic_takes_nothing_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_owned();
    let engine = Arc::new(SledEngine::open(&path, MIN_CACHE_BYTES).expect("opened"));
    let shared = Arc::clone(&engine);
    let panicked = std::thread::spawn(move || {
        shared.apply(batch(1)).expect("applied");
        shared.sync(head(1)).expect("synced");
        let _view = shared.view().expect("a view");
        std::panic::resume_unwind(Box::new("while a view is out"));
    });
    assert!(panicked.join().is_err());
    engine.apply(batch(2)).expect("applied");
    drop(engine);
    let engine = SledEngine::open(&path, MIN_CACHE_BYTES).expect("opened");
    assert_eq!(last_batch(&engine), 2);
    assert_eq!(engine.acknowledged().expect("is whole"), Some(head(1)));
}

/// How many people are on the desk that is taken in: more lines than two commits take.
const TAKEN: u64 = 1_200;

/// The text of a desk.
async fn exported(desk: &Desk) -> String {
    let (mut export, mut text) = (desk.export(), String::new());
    while let Some(lines) = export.next().await.expect("exported") {
        text.push_str(&lines);
    }
    text
}

/// Takes a text in, and tells after each some lines that it got there.
async fn take_in(desk: &Desk, text: &str) {
    let mut import = desk.import().await.expect("begun");
    for piece in text.as_bytes().chunks(8_192) {
        import.write(piece).await.expect("taken in");
        println!("\nwrote {}", import.progress().lines);
    }
    import.finish().await.expect("finished");
}

#[test]
fn a_killed_import_goes_on_where_it_was() {
    let name = "a_killed_import_goes_on_where_it_was";
    if let Some(place) = child_place() {
        let text = std::fs::read_to_string(place.join("text")).expect("read");
        common::runtime().block_on(async {
            let (desk, _store) = desk(&place.join("desk")).expect("opened");
            take_in(&desk, &text).await;
            loop {
                println!("\nfinished");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
    }
    let source = Desk::new(Arc::new(bsm_store_kv::memory().expect("a store")));
    let runtime = common::runtime();
    let text = runtime.block_on(async {
        let root = common::admin(&source).await;
        for number in 0..TAKEN {
            source.admin(root).create_user(person(number)).await.expect("created");
        }
        exported(&source).await
    });
    let mut dice = Dice::new(11);
    let mut resumed = 0;
    for round in 0..rounds(8, 80) {
        let place = tempfile::tempdir().expect("a folder");
        std::fs::write(place.path().join("text"), &text).expect("written");
        let lines = text.len() as u64 / 8_192 * 2 * (2 + round % 8) / 9;
        killed(child(&program(), name, place.path()), lines, &mut dice);
        runtime.block_on(async {
            let (desk, store) = desk(&place.path().join("desk")).expect("opened");
            match desk.health().await {
                Err(Error::ImportUnfinished { .. }) => {
                    let new = NewUser::new("Other", "other@example.org", Role::Admin);
                    let refused = desk.bootstrap(new).await;
                    assert!(matches!(refused, Err(Error::ImportUnfinished { .. })), "{refused:?}");
                    let refused = desk.export().next().await;
                    assert!(matches!(refused, Err(Error::ImportUnfinished { .. })), "{refused:?}");
                    resumed += u64::from(desk.import().await.expect("begun").resumes_after() > 0);
                    take_in(&desk, &text).await;
                }
                // It was over.
                Ok(()) => assert!(matches!(desk.import().await, Err(Error::NotEmpty { .. }))),
                Err(other) => panic!("{other:?}"),
            }
            assert!(exported(&desk).await == text, "round {round}: equal to the byte");
            assert!(desk.verify().await.expect("recounted").is_clean());
            store.close().await.expect("closed");
        });
    }
    assert!(resumed > 2, "next to no child was killed in the middle: {resumed}");
}
