//! The table of routes against the source of bsm-core: a method that is written there and has no route would be missing.

use std::collections::BTreeSet;

macro_rules! sources {
    ($($module:literal)+) => { &[$(include_str!(concat!("../../../bsm-core/src/portal/", $module, ".rs"))),+] };
}

const CORE: &[&str] = sources!("articles" "catalogue" "customer" "feed" "insight" "people" "requests" "tickets");

/// The methods of portals that wait, by root.
fn written() -> BTreeSet<String> {
    let mut written = BTreeSet::new();
    for source in CORE {
        let mut root = "";
        for line in source.lines() {
            root = match line {
                "impl Admin {" | "impl<R: StaffRole> Portal<R> {" => "admin",
                "impl Customer {" => "customer",
                line if line.starts_with("impl") => "",
                _ => root,
            };
            if let Some(rest) = line.strip_prefix("    pub async fn ")
                && !root.is_empty()
            {
                written.insert(format!("{root}_{}", rest.split('(').next().unwrap_or_default()));
            }
        }
    }
    written
}

#[test]
fn every_method_of_the_portals_has_a_route() {
    let paths = bsm_http::openapi()["paths"].as_object().expect("paths");
    let operations = paths.values().flat_map(|item| item.as_object().expect("methods").values());
    let entered: Vec<String> =
        operations.map(|operation| operation["operationId"].as_str().expect("an id").to_owned()).collect();
    let unique: BTreeSet<String> = entered.iter().cloned().collect();
    assert_eq!(entered.len(), unique.len(), "a method has one route");
    assert!(unique.len() > 85, "{}", unique.len());
    assert_eq!(unique, written());
}
