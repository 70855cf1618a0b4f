//! The folder of a desk: which ones are taken, which are refused and how, and that no interruption spoils one.

mod common;

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bsm_core::{Error, PlaceFault, Reason};
use bsm_store_kv::KvStore;
use bsm_store_sled::{MIN_CACHE_BYTES, SledOptions, open, open_blocking};
use common::{Dice, add_people, child, child_place, make_desk, options, program, rounds};

fn refused(folder: &Path) -> Error {
    open_blocking(folder, &options()).expect_err("is refused")
}

#[track_caller]
fn assert_unusable(folder: &Path, fault: PlaceFault, cause: Option<ErrorKind>) {
    match refused(folder) {
        Error::UnusablePlace { place, reason, source } => {
            assert_eq!((place.as_path(), reason), (folder, fault));
            assert_eq!(source.map(|source| source.kind()), cause);
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_damaged(folder: &Path) {
    match refused(folder) {
        Error::Damaged { store, .. } => assert_eq!(store, format!("sled:{}", folder.display())),
        other => panic!("{other:?}"),
    }
}

/// Every file with its content.
fn everything(folder: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("listed") {
        let path = entry.expect("listed").path();
        if path.is_dir() {
            found.push((path.clone(), None));
            found.extend(everything(&path));
        } else {
            found.push((path.clone(), Some(fs::read(&path).expect("read"))));
        }
    }
    found.sort();
    found
}

#[test]
fn a_missing_folder_is_made_and_an_empty_one_is_used() {
    let parent = tempfile::tempdir().expect("a folder");
    let (missing, empty) = (parent.path().join("missing"), parent.path().join("empty"));
    fs::create_dir(&empty).expect("made");
    for folder in [missing, empty] {
        let root = make_desk(&folder, 0..1);
        assert_eq!(fs::read_to_string(folder.join("FORMAT")).expect("is there"), "bsm-sled 1\n");
        add_people(&folder, root, 1..2);
    }
}

#[test]
fn a_folder_whose_parent_is_missing_is_not_made() {
    let parent = tempfile::tempdir().expect("a folder");
    assert_unusable(&parent.path().join("no/desk"), PlaceFault::NoParent, Some(ErrorKind::NotFound));
    assert_unusable(Path::new(""), PlaceFault::Io, Some(ErrorKind::NotFound));
    assert!(everything(parent.path()).is_empty());
}

#[test]
fn a_file_is_no_folder() {
    let parent = tempfile::tempdir().expect("a folder");
    let file = parent.path().join("desk");
    fs::write(&file, "text").expect("written");
    assert_unusable(&file, PlaceFault::NotAFolder, None);
    assert_unusable(&file.join("below"), PlaceFault::Io, Some(ErrorKind::NotADirectory));
    assert_eq!(fs::read_to_string(&file).expect("is there"), "text");
}

#[test]
fn what_others_keep_is_left_as_it_is() {
    let strangers: [&[(&str, &str)]; 7] = [
        &[("letter.txt", "Dear Ada")],
        &[("data/db", "not sled's")],
        &[("LOCK", "42"), ("data/db", "not sled's")],
        &[("LOCK", ""), ("data/db", "not sled's")],
        &[("LOCK", "bsm-sled lock\n"), ("letter.txt", "Dear Ada")],
        &[("FORMAT", "something else 1\n")],
        &[("FORMAT", ""), ("data/db", "not sled's")],
    ];
    for files in strangers {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("has a parent")).expect("made");
            fs::write(path, text).expect("written");
        }
        let before = everything(folder.path());
        assert_unusable(folder.path(), PlaceFault::ForeignData, None);
        assert_eq!(everything(folder.path()), before);
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("FORMAT")).expect("made");
    assert_unusable(folder.path(), PlaceFault::ForeignData, Some(ErrorKind::IsADirectory));
}

#[test]
fn another_format_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    make_desk(folder.path(), 0..1);
    fs::write(folder.path().join("FORMAT"), "bsm-sled 2\n").expect("written");
    let before = everything(folder.path());
    match refused(folder.path()) {
        Error::UnknownFormat { place, found, supported } => {
            assert_eq!(place, folder.path().display().to_string());
            assert_eq!((found.as_str(), supported.as_str()), ("bsm-sled 2", "bsm-sled 1"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(everything(folder.path()), before);
}

#[test]
fn a_desk_without_one_of_its_parts_is_damaged() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole");
    make_desk(&whole, 0..3);
    for (number, part) in ["FORMAT", "HEAD", "data", "data/db"].into_iter().enumerate() {
        let copy = folder.path().join(number.to_string());
        common::copy(&whole, &copy);
        let part = copy.join(part);
        if part.is_dir() { fs::remove_dir_all(&part) } else { fs::remove_file(&part) }.expect("removed");
        let before = everything(&copy);
        assert_damaged(&copy);
        assert_damaged(&copy);
        assert_eq!(everything(&copy), before);
    }
    // The lock is no such part.
    fs::remove_file(whole.join("LOCK")).expect("removed");
    open_blocking(&whole, &options()).expect("opened");
}

#[test]
fn a_desk_that_lost_both_its_marks_is_never_made_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    make_desk(folder.path(), 0..3);
    for part in ["FORMAT", "HEAD"] {
        fs::remove_file(folder.path().join(part)).expect("removed");
    }
    let before = everything(folder.path());
    assert_damaged(folder.path());
    assert_eq!(everything(folder.path()), before);
}

#[test]
fn a_desk_is_open_once() {
    if let Some(place) = child_place() {
        assert!(matches!(refused(&place), Error::InUse { .. }));
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let first = open_blocking(folder.path(), &options()).expect("opened");
    match refused(folder.path()) {
        Error::InUse { place } => assert_eq!(place, folder.path()),
        other => panic!("{other:?}"),
    }
    let lock = File::open(folder.path().join("LOCK")).expect("is there");
    assert!(matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock)));
    drop(lock);
    let elsewhere = child(&program(), "a_desk_is_open_once", folder.path()).status().expect("ran");
    assert!(elsewhere.success());
    drop(first);
    open_blocking(folder.path(), &options()).expect("opened");
}

/// Even while other threads start processes, which have all files open for a moment.
#[test]
fn a_desk_that_was_closed_opens_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = make_desk(folder.path(), 0..1);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                let started = Command::new(program()).arg("--list").stdout(Stdio::null()).status();
                assert!(started.expect("started").success());
            }
        });
        let opened = catch_unwind(|| {
            for number in 1..50 {
                add_people(folder.path(), root, number..number + 1);
            }
        });
        done.store(true, Ordering::SeqCst);
        opened.expect("opened each time");
    });
}

#[test]
fn a_desk_may_be_dropped_inside_a_runtime_and_opened_again() {
    let folder = tempfile::tempdir().expect("a folder");
    common::runtime().block_on(async {
        for _ in 0..5 {
            drop(open(folder.path(), &options()).await.expect("opened"));
        }
    });
}

#[test]
fn an_opening_that_nobody_waits_for_lets_the_folder_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = common::runtime();
    runtime.block_on(async {
        let options = options();
        for _ in 0..5 {
            let opening = open(folder.path(), &options);
            // Given up at once, or in the middle.
            let _ = tokio::time::timeout(Duration::from_millis(1), opening).await;
        }
    });
    // The runtime waits for what was begun on its threads.
    drop(runtime);
    open_blocking(folder.path(), &options()).expect("opened");
}

#[test]
fn opening_needs_no_runtime() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = options();
    let opening = std::pin::pin!(open(folder.path(), &options));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Ok::<KvStore, _>(_)) = std::future::Future::poll(opening, &mut context) else {
        panic!("opens in place, and at once");
    };
}

#[test]
fn a_cache_has_a_least_size_and_no_greatest() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("desk");
    for cache_bytes in [0, MIN_CACHE_BYTES - 1] {
        match open_blocking(&place, &SledOptions { cache_bytes, ..options() }) {
            Err(Error::Invalid { entity: None, field: "cache_bytes", reason: Reason::OutOfRange { .. } }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(!place.exists());
    for cache_bytes in [MIN_CACHE_BYTES, u64::MAX] {
        open_blocking(&place, &SledOptions { cache_bytes, ..options() }).expect("opened");
    }
}

/// The folders that an interrupted making leaves, step by step.
#[test]
fn a_half_made_desk_is_made_anew() {
    let parent = tempfile::tempdir().expect("a folder");
    let whole = parent.path().join("whole");
    // What HEAD says before anything was acknowledged: only the engine leaves it so.
    drop(bsm_store_sled::SledEngine::open(&whole, MIN_CACHE_BYTES).expect("made"));
    let steps: [&[&str]; 6] = [
        &[],
        &["LOCK"],
        &["LOCK", "HEAD"],
        &["LOCK", "HEAD", "data/conf"],
        &["LOCK", "HEAD", "data/conf", "data/db"],
        &["LOCK", "HEAD", "data/conf", "data/db", "FORMAT.new"],
    ];
    // The file that was made last may be there in part, or empty.
    for (number, files) in steps.into_iter().enumerate() {
        for part in 0..=3 {
            let folder = parent.path().join(format!("{number}.{part}"));
            fs::create_dir(&folder).expect("made");
            for name in files {
                fs::create_dir_all(folder.join("data").join("blobs")).expect("made");
                let original = fs::read(whole.join(name)).unwrap_or_else(|_| b"bsm-sled 1\n".to_vec());
                let is_last = files.last() == Some(name);
                let len = if is_last { original.len() * part / 3 } else { original.len() };
                File::create(folder.join(name)).and_then(|mut file| file.write_all(&original[..len])).expect("written");
            }
            // sled's folder comes after HEAD.
            if files.len() < 3 && !files.is_empty() {
                fs::remove_dir_all(folder.join("data")).expect("removed");
            }
            let root = make_desk(&folder, 0..1);
            add_people(&folder, root, 1..2);
        }
    }
}

#[test]
fn making_a_desk_may_be_killed_at_any_moment() {
    if let Some(place) = child_place() {
        for number in 0_u64.. {
            drop(open_blocking(&place.join(number.to_string()), &options()).expect("made"));
        }
    }
    let mut dice = Dice::new(11);
    let mut unfinished = 0;
    for round in 0..rounds(20, 200) {
        let parent = tempfile::tempdir().expect("a folder");
        let mut maker = child(&program(), "making_a_desk_may_be_killed_at_any_moment", parent.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("started");
        while !parent.path().join("0").exists() {
            assert!(maker.try_wait().expect("asked").is_none(), "the child ended by itself");
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_micros(dice.below(60_000)));
        maker.kill().expect("killed");
        maker.wait().expect("gone");
        for entry in fs::read_dir(parent.path()).expect("listed") {
            let folder = entry.expect("listed").path();
            unfinished += u32::from(!folder.join("FORMAT").exists());
            open_blocking(&folder, &options()).unwrap_or_else(|error| {
                panic!("round {round}: {error:?}, left was {:?}", everything(&folder));
            });
        }
    }
    assert!(unfinished > 0, "no kill hit a desk that was being made");
}

/// Root may write what modes forbid, so this runs as somebody else: the child gives up being root, if it is.
#[cfg(unix)]
#[test]
fn what_cannot_be_written_is_refused() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;

    const NOBODY: u32 = 65534;

    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    if let Some(place) = child_place() {
        let probe = place.join("probe");
        fs::write(&probe, "").expect("written");
        assert_ne!(fs::metadata(&probe).expect("is there").uid(), 0, "this proves nothing as root");

        let empty = place.join("empty");
        fs::create_dir(&empty).expect("made");
        set(&empty, 0o555);
        assert_unusable(&empty, PlaceFault::ReadOnly, Some(ErrorKind::PermissionDenied));
        assert_unusable(&empty.join("new"), PlaceFault::ReadOnly, Some(ErrorKind::PermissionDenied));

        let hidden = place.join("hidden");
        fs::create_dir(&hidden).expect("made");
        set(&hidden, 0o000);
        assert_unusable(&hidden, PlaceFault::Io, Some(ErrorKind::PermissionDenied));

        let desk = place.join("desk");
        let root = make_desk(&desk, 0..1);
        for (part, forbidden, allowed) in [
            ("", 0o555, 0o755),
            ("LOCK", 0o444, 0o644),
            ("HEAD", 0o444, 0o644),
            ("data", 0o555, 0o755),
            ("data/db", 0o444, 0o644),
        ] {
            set(&desk.join(part), forbidden);
            assert_unusable(&desk, PlaceFault::ReadOnly, Some(ErrorKind::PermissionDenied));
            set(&desk.join(part), allowed);
        }
        // Nothing of that did any harm.
        add_people(&desk, root, 1..2);
        println!("refused all");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut command;
    if fs::metadata(folder.path()).expect("is there").uid() == 0 {
        // Where nobody can get at it.
        set(folder.path(), 0o777);
        let copied = folder.path().join("program");
        fs::copy(program(), &copied).expect("copied");
        set(&copied, 0o755);
        command = child(&copied, "what_cannot_be_written_is_refused", folder.path());
        command.uid(NOBODY).gid(NOBODY).current_dir(folder.path());
    } else {
        command = child(&program(), "what_cannot_be_written_is_refused", folder.path());
    }
    let output = command.output().expect("ran");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("refused all"), "the child did not run the test: {text}");
    if fs::metadata(folder.path().join("hidden")).is_ok() {
        set(&folder.path().join("hidden"), 0o700);
    }
}
