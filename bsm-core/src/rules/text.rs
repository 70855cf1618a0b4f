//! What a text may hold. Every text that reaches a row comes through here.
//!
//! Texts are trimmed at both ends. Lengths are counted afterwards, in characters.

use std::str::FromStr;

use email_address::{EmailAddress, Options};

use crate::model::Entity;
use crate::rules::limits;
use crate::schema::Field;
use crate::{Error, Reason, Result};

fn refuse<T>(entity: Entity, field: Field, reason: Reason) -> Result<T> {
    Err(Error::invalid_of(entity, field.as_str(), reason))
}

fn bounded(entity: Entity, field: Field, text: &str, most: usize, allowed: fn(char) -> bool) -> Result<String> {
    let text = text.trim();
    // Bytes are at least characters: a text of too many bytes for any script is refused without counting it through.
    if text.len() > most.saturating_mul(4) || text.chars().count() > most {
        return refuse(entity, field, Reason::TooLong { most });
    }
    if text.chars().any(|character| character.is_control() && !allowed(character)) {
        return refuse(entity, field, Reason::ControlCharacter);
    }
    Ok(text.to_owned())
}

/// One line that must not be empty.
///
/// # Errors
/// [`Error::Invalid`] naming the field: empty, too long, or with a control character.
///
/// ```
/// use bsm_core::model::Entity;
/// use bsm_core::rules::text::line;
/// use bsm_core::schema::Field;
///
/// assert_eq!(line(Entity::Ticket, Field::Title, " Printer jams ", 200)?, "Printer jams");
/// assert!(line(Entity::Ticket, Field::Title, "two\nlines", 200).is_err());
/// assert!(line(Entity::Ticket, Field::Title, "   ", 200).is_err());
/// # Ok::<(), bsm_core::Error>(())
/// ```
pub fn line(entity: Entity, field: Field, text: &str, most: usize) -> Result<String> {
    let text = bounded(entity, field, text, most, |_| false)?;
    if text.is_empty() { refuse(entity, field, Reason::Empty) } else { Ok(text) }
}

/// One line that may be absent, but is not empty when it is there.
///
/// # Errors
/// As [`line()`].
pub fn optional_line(entity: Entity, field: Field, text: Option<&str>, most: usize) -> Result<Option<String>> {
    text.map(|text| line(entity, field, text, most)).transpose()
}

/// A text of several lines, which may be empty. Line breaks are `\n`; `\r\n` is taken as one.
///
/// # Errors
/// [`Error::Invalid`] naming the field: too long, or with a control character other than line break and tab.
pub fn lines(entity: Entity, field: Field, text: &str, most: usize) -> Result<String> {
    let allowed = |character| matches!(character, '\n' | '\t');
    if text.contains("\r\n") {
        bounded(entity, field, &text.replace("\r\n", "\n"), most, allowed)
    } else {
        bounded(entity, field, text, most, allowed)
    }
}

/// A text of several lines that must not be empty.
///
/// # Errors
/// As [`lines`], and empty.
pub fn required_lines(entity: Entity, field: Field, text: &str, most: usize) -> Result<String> {
    let text = lines(entity, field, text, most)?;
    if text.is_empty() { refuse(entity, field, Reason::Empty) } else { Ok(text) }
}

/// An email address, normalised: in lower case. So two spellings of one address are equal, byte for byte.
///
/// # Errors
/// [`Error::Invalid`] of field `email`: empty, too long, or no address (RFC 5321, without display name, quoted parts or
/// address literals; the domain has a dot).
///
/// ```
/// use bsm_core::rules::text::email;
///
/// assert_eq!(email(" Ada@Example.ORG ")?, "ada@example.org");
/// assert!(email("ada at example.org").is_err());
/// # Ok::<(), bsm_core::Error>(())
/// ```
pub fn email(text: &str) -> Result<String> {
    let text = line(Entity::User, Field::Email, text, limits::EMAIL_CHARS)?.to_lowercase();
    // A few letters become two in lower case.
    let text = line(Entity::User, Field::Email, &text, limits::EMAIL_CHARS)?;
    let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
    let plain = EmailAddress::parse_with_options(&text, options).is_ok() && !text.contains(['"', ' ']);
    if plain && EmailAddress::from_str(&text).is_ok() {
        Ok(text)
    } else {
        refuse(Entity::User, Field::Email, Reason::Malformed { expected: "an email address" })
    }
}

/// Part of a catalogue, desk vocabulary: a category, subcategory or group, if there is one.
///
/// # Errors
/// As [`line()`].
pub fn category(entity: Entity, field: Field, text: Option<&str>) -> Result<Option<String>> {
    optional_line(entity, field, text, limits::CATEGORY_CHARS)
}

/// The id of another system, if there is one.
///
/// # Errors
/// As [`line()`].
pub fn external_ref(entity: Entity, text: Option<&str>) -> Result<Option<String>> {
    optional_line(entity, Field::ExternalRef, text, limits::EXTERNAL_REF_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(result: Result<String>) -> Reason {
        match result {
            Err(Error::Invalid { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lengths_are_characters_and_the_limit_is_included() {
        let title = |text: &str| line(Entity::Ticket, Field::Title, text, 3);
        assert_eq!(title("äöü").ok().as_deref(), Some("äöü"));
        assert_eq!(reason(title("äöüß")), Reason::TooLong { most: 3 });
        assert_eq!(reason(title(&"x".repeat(1_000_000))), Reason::TooLong { most: 3 });
    }

    #[test]
    fn control_characters_are_refused_save_line_breaks_and_tabs_between_lines() {
        for bad in ["a\u{0}b", "a\u{7}b", "a\u{7f}b", "a\u{85}b", "a\rb"] {
            assert_eq!(reason(lines(Entity::Ticket, Field::Description, bad, 9)), Reason::ControlCharacter, "{bad:?}");
            assert_eq!(reason(line(Entity::Ticket, Field::Title, bad, 9)), Reason::ControlCharacter, "{bad:?}");
        }
        assert_eq!(lines(Entity::Ticket, Field::Description, "a\r\n\tb", 9).ok().as_deref(), Some("a\n\tb"));
        assert_eq!(reason(line(Entity::Ticket, Field::Title, "a\tb", 9)), Reason::ControlCharacter);
    }

    #[test]
    fn what_is_no_email_address_is_refused() {
        for bad in
            ["x", "@x.org", "x@", "x@y", "a b@x.org", "\"a b\"@x.org", "a@b@x.org", "a@[127.0.0.1]", "A <a@x.org>"]
        {
            assert!(email(bad).is_err(), "{bad}");
        }
        assert_eq!(email("MAX.Ö@Bücher.example").ok().as_deref(), Some("max.ö@bücher.example"));
    }
}
