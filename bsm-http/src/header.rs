//! The headers that qualify a request, and those that an answer brings.

use axum::http::HeaderMap;
use axum::http::header::{HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bsm_core::model::{Timestamp, Version};
use bsm_core::rules::limits::IDEMPOTENCY_KEY_CHARS;
use bsm_core::store::Stamp;

use crate::Problem;

/// Makes sending a command twice safe.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// When what is commanded happened, if not now. Only staff tell of the past.
pub(crate) const OCCURRED_AT: HeaderName = HeaderName::from_static("bsm-occurred-at");
/// Marks the last command, so that a later request sees it.
pub(crate) const STAMP: HeaderName = HeaderName::from_static("bsm-stamp");
/// The position of the last event that was dealt with.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// A header that is given once, or not.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut given = headers.get_all(name).into_iter();
    match (given.next(), given.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.to_str() {
            Ok(text) => Ok(Some(text.trim())),
            Err(_) => Err(Problem::malformed(name.as_str(), "the header holds what is not ASCII")),
        },
        (Some(_), Some(_)) => Err(Problem::malformed(name.as_str(), "the header is given twice")),
    }
}

/// The idempotency key: visible ASCII, so that what a proxy may do to a header makes no other key of it.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let key = single(headers, &IDEMPOTENCY_KEY)?;
    match key {
        Some(key)
            if !(1..=IDEMPOTENCY_KEY_CHARS).contains(&key.len())
                || !key.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            let wanted = format!("1 to {IDEMPOTENCY_KEY_CHARS} visible characters of ASCII are expected");
            Err(Problem::malformed(IDEMPOTENCY_KEY.as_str(), wanted))
        }
        key => Ok(key),
    }
}

/// What `If-Match` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Any version.
    Any,
    /// This one.
    At(Version),
    /// One that no row is ever at: a weak tag, or one that this desk did not give.
    Never,
}

pub(crate) fn if_match(headers: &HeaderMap) -> Result<Condition, Problem> {
    let Some(text) = single(headers, &IF_MATCH)? else { return Ok(Condition::Any) };
    let wanted = || Problem::malformed(IF_MATCH.as_str(), "one entity tag is expected, as `ETag` gave it, or *");
    if text == "*" {
        return Ok(Condition::Any);
    }
    let (weak, tag) = text.strip_prefix("W/").map_or((false, text), |tag| (true, tag));
    let tag = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).filter(|tag| !tag.contains('"'));
    let version = tag.ok_or_else(wanted)?.parse().ok().filter(|_| !weak);
    Ok(version.map_or(Condition::Never, |version| Condition::At(Version(version))))
}

/// Whether the caller has this version already (`If-None-Match`, by weak comparison).
pub(crate) fn has(headers: &HeaderMap, version: Version) -> bool {
    let tag = format!("\"{version}\"");
    let given = headers.get_all(IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    let mut tags = given.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
}

pub(crate) fn occurred_at(headers: &HeaderMap) -> Result<Option<Timestamp>, Problem> {
    let text = single(headers, &OCCURRED_AT)?;
    text.map(str::parse)
        .transpose()
        .map_err(|error: bsm_core::Error| Problem::malformed(OCCURRED_AT.as_str(), error.to_string()))
}

pub(crate) fn stamp(headers: &HeaderMap) -> Result<Option<Stamp>, Problem> {
    let Some(text) = single(headers, &STAMP)? else { return Ok(None) };
    match URL_SAFE_NO_PAD.decode(text) {
        Ok(bytes) => Ok(Some(Stamp::from_bytes(bytes))),
        Err(_) => Err(Problem::malformed(STAMP.as_str(), "the stamp is not as an answer gave it")),
    }
}

/// A header's value of letters, digits and signs of ours, which always is one.
pub(crate) fn plain(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

pub(crate) fn etag(version: Version) -> HeaderValue {
    plain(&format!("\"{version}\""))
}

pub(crate) fn of_stamp(stamp: &Stamp) -> HeaderValue {
    plain(&URL_SAFE_NO_PAD.encode(stamp.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("a value"))])
    }

    #[test]
    fn a_condition_is_one_tag() {
        let asked = |value| if_match(&of(IF_MATCH, value)).ok();
        assert_eq!(asked("\"7\""), Some(Condition::At(Version(7))));
        assert_eq!(asked("*"), Some(Condition::Any));
        for never in ["W/\"7\"", "\"seven\"", "\"\"", "\"99999999999999999999\""] {
            assert_eq!(asked(never), Some(Condition::Never), "{never}");
        }
        for malformed in ["7", "\"1\", \"2\"", "\"7", ""] {
            assert_eq!(asked(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn a_key_is_visible() {
        let given = |value: &str| idempotency_key(&of(IDEMPOTENCY_KEY, value)).ok().flatten().map(str::to_owned);
        assert_eq!(given(" 0190163d "), Some("0190163d".to_owned()));
        assert_eq!(given(&"x".repeat(128)), Some("x".repeat(128)));
        for bad in ["", "a b", &"x".repeat(129)] {
            assert!(idempotency_key(&of(IDEMPOTENCY_KEY, bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_caller_may_have_any_of_several_versions() {
        for has_it in ["\"7\"", "W/\"7\"", "\"1\", \"7\"", "*"] {
            assert!(has(&of(IF_NONE_MATCH, has_it), Version(7)), "{has_it}");
        }
        assert!(!has(&of(IF_NONE_MATCH, "\"17\""), Version(7)));
    }

    #[test]
    fn a_header_that_counts_is_given_once() {
        let mut twice = of(IDEMPOTENCY_KEY, "a");
        twice.append(IDEMPOTENCY_KEY, HeaderValue::from_static("b"));
        assert!(single(&twice, &IDEMPOTENCY_KEY).is_err());
    }
}
