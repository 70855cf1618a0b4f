//! The tables against the source of bsm-core: a method that is written there and not entered here would be missing.

use std::collections::BTreeSet;

/// A method that waits, by the type that has it.
type Method = (String, String);

macro_rules! sources {
    ($($module:ident)+) => {
        &[$((stringify!($module), include_str!(concat!("../../../bsm-core/src/portal/", stringify!($module), ".rs")))),+]
    };
}

/// The modules of the core's portals.
const CORE: &[(&str, &str)] = sources!(
    articles attempt cache catalogue change command customer desk feed input insight lists people requests run scope
    settings tickets work
);
const CORE_ROOM: &str = include_str!("../../../bsm-core/src/portal/mod.rs");
const TABLES: &str = concat!(include_str!("desk.rs"), include_str!("portals.rs"));

/// The first line of each of the core's blocks that have such methods, and the tables' name for it.
const BLOCKS: &[(&str, &str)] = &[
    ("impl Desk {", "impl Desk as Desk {"),
    ("impl<R: StaffRole> Portal<R> {", "impl Admin, Agent as Portal {"),
    ("impl Admin {", "impl Admin as Admin {"),
    ("impl Customer {", "impl Customer as Customer {"),
];

/// The signatures that begin with `prefix`, without what is alike in all of them, and the block they stand in.
fn signatures<'a>(source: &'a str, prefix: &str) -> Vec<(&'a str, String)> {
    let (mut block, mut found) = ("", Vec::new());
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("impl") {
            block = line;
        }
        if let Some(begin) = line.strip_prefix(prefix) {
            let mut whole = begin.to_owned();
            while !whole.ends_with('{') {
                whole.push_str(lines.next().expect("a body follows").trim_start());
            }
            let whole = whole.trim_end_matches([' ', '{']);
            let plain = whole.replacen("&self,", "", 1).replacen("&self", "", 1).replace(",)", ")").replace("( ", "(");
            found.push((block, plain.replace(',', ", ").replace(",  ", ", ")));
        }
    }
    found
}

fn written() -> BTreeSet<Method> {
    let sources = CORE.iter().map(|(_, source)| *source).chain([CORE_ROOM]);
    let named = sources.flat_map(|source| signatures(source, "    pub async fn ")).map(|(block, signature)| {
        let known = BLOCKS.iter().find(|(core, _)| *core == block);
        (known.unwrap_or_else(|| panic!("{signature} stands in {block}")).1.to_owned(), signature)
    });
    named.collect()
}

fn entered() -> BTreeSet<Method> {
    let mut block = "";
    let mut found = BTreeSet::new();
    for line in TABLES.lines().map(str::trim) {
        if line.starts_with("impl ") {
            block = line;
        }
        let in_a_table = BLOCKS.iter().any(|(_, table)| *table == block);
        if let Some(signature) = line.strip_suffix(';').filter(|line| in_a_table && line.contains(") -> Result<")) {
            let new = found.insert((block.to_owned(), signature.to_owned()));
            assert!(new, "{signature} stands twice in {block}");
        }
    }
    found
}

#[test]
fn every_method_that_waits_stands_in_a_table() {
    let declared = CORE_ROOM.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
    assert!(declared.eq(CORE.iter().map(|(module, _)| *module)), "the modules of the core's portals are all looked at");
    let (written, entered) = (written(), entered());
    assert!(written.len() > 90, "{written:?}");
    assert_eq!(written.difference(&entered).collect::<Vec<_>>(), Vec::<&Method>::new(), "missing in the tables");
    assert_eq!(entered.difference(&written).collect::<Vec<_>>(), Vec::<&Method>::new(), "not in the core");
}

/// The methods that wait for nothing are few; they are looked for by name.
#[test]
fn so_does_every_method_that_does_not_wait() {
    let builds = ["new", "builder"];
    for (_, source) in CORE.iter().chain(&[("mod", CORE_ROOM)]) {
        for prefix in ["    pub fn ", "    pub const fn "] {
            for (block, signature) in signatures(source, prefix) {
                let portal = block.starts_with("impl<R") && block.contains(" Portal<R>");
                if !(portal || BLOCKS.iter().any(|(core, _)| *core == block)) {
                    continue;
                }
                let name = signature.split('(').next().unwrap_or_default();
                let here = TABLES.lines().map(str::trim).any(|line| {
                    let line = line.strip_prefix("pub ").unwrap_or(line);
                    let line = line.strip_prefix("const ").unwrap_or(line);
                    line.strip_prefix("fn ").unwrap_or(line).starts_with(&format!("{name}("))
                });
                assert!(here || builds.contains(&name), "{name} of {block}");
            }
        }
    }
}

/// Whole desks, which the core keeps in a room of their own.
#[test]
fn so_does_everything_that_moves_whole_desks() {
    let core = concat!(
        include_str!("../../../bsm-core/src/transfer/mod.rs"),
        include_str!("../../../bsm-core/src/transfer/export.rs"),
        include_str!("../../../bsm-core/src/transfer/import.rs"),
        include_str!("../transfer.rs"),
    );
    let here = include_str!("transfer.rs");
    let mut names = 0;
    for line in core.lines().map(str::trim) {
        let prefixes = ["pub fn ", "pub const fn ", "pub async fn "];
        let Some(rest) = prefixes.iter().find_map(|prefix| line.strip_prefix(prefix)) else { continue };
        let name = rest.split(['(', '<']).next().unwrap_or_default();
        assert!(here.contains(&format!("fn {name}(")) || here.contains(&format!("fn {name}<")), "{name}");
        names += 1;
    }
    assert!(names >= 9, "{names}");
}
