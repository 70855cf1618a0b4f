//! The description of the routes.

use std::path::Path;

use axum::http::StatusCode;

use crate::site::{Site, Who};

/// Set to write the description down anew, after a change that is meant.
const BLESS: &str = "BSM_BLESS";

#[test]
fn the_description_is_the_one_that_is_checked_in() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let now = format!("{:#}\n", bsm_http::openapi());
    if std::env::var_os(BLESS).is_some() {
        std::fs::write(&path, &now).expect("written");
    }
    let kept = std::fs::read_to_string(&path).expect("a description is checked in");
    assert!(now == kept, "the description changed: look at it, and write it down by {BLESS}=1");
}

#[tokio::test]
async fn it_is_served_to_anybody() {
    let site = Site::new().await;
    let answer = site.get(Who::Nobody, "/api/openapi.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/json"));
    assert_eq!(&answer.json(), bsm_http::openapi());
}

#[test]
fn every_reference_leads_somewhere_and_everything_is_explained() {
    let described = bsm_http::openapi();
    let mut stack = vec![described];
    let mut references = 0;
    while let Some(value) = stack.pop() {
        if let Some(reference) = value.get("$ref").and_then(serde_json::Value::as_str) {
            let pointer = reference.trim_start_matches('#');
            assert!(described.pointer(pointer).is_some(), "{reference}");
            references += 1;
        }
        match value {
            serde_json::Value::Array(items) => stack.extend(items),
            serde_json::Value::Object(members) => stack.extend(members.values()),
            _ => {}
        }
    }
    assert!(references > 200, "{references}");
    let problem = &described["components"]["schemas"]["Problem"]["properties"];
    for member in
        ["type", "status", "error", "detail", "in", "entity", "id", "field", "reason", "expected", "found", "legal"]
    {
        assert!(problem[member].is_object(), "a problem tells {member}");
    }
    for (path, item) in described["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            assert!(operation["summary"].as_str().is_some_and(|summary| summary.len() > 5), "{method} {path}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let described = parameter["in"] == "path" || parameter["description"].is_string();
                assert!(described, "{method} {path}: {parameter}");
            }
        }
    }
}
