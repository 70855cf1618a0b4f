//! An array of texts in an answer.
//!
//! In an answer that comes as text, sqlx takes the text `NULL` in an array for no text, though the server puts that one in
//! quotes. A category may be called so, hence a reader of our own.

use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValueFormat, PgValueRef};
use sqlx::{Decode, Postgres, Type};

/// An array of texts, of which none is empty as SQL understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Texts(pub(crate) Vec<String>);

impl Type<Postgres> for Texts {
    fn type_info() -> PgTypeInfo {
        <Vec<String> as Type<Postgres>>::type_info()
    }

    fn compatible(found: &PgTypeInfo) -> bool {
        <Vec<String> as Type<Postgres>>::compatible(found)
    }
}

impl<'r> Decode<'r, Postgres> for Texts {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        match value.format() {
            PgValueFormat::Binary => Vec::decode(value).map(Self),
            PgValueFormat::Text => {
                read(value.as_str()?).map(Self).ok_or_else(|| "it is no plain array of texts".into())
            }
        }
    }
}

/// Reads what the server writes for an array of one dimension: texts behind commas, in quotes if need be, in which a
/// backslash stands before each quote and backslash.
fn read(written: &str) -> Option<Vec<String>> {
    let inside = written.strip_prefix('{')?.strip_suffix('}')?;
    let mut texts = Vec::new();
    let mut letters = inside.chars();
    let mut is_last = inside.is_empty();
    while !is_last {
        let (mut text, mut was_quoted, mut is_quoted) = (String::new(), false, false);
        is_last = loop {
            match letters.next() {
                Some('"') => {
                    is_quoted = !is_quoted;
                    was_quoted = true;
                }
                Some('\\') => text.push(letters.next()?),
                Some(',') if !is_quoted => break false,
                Some('{' | '}') if !is_quoted => return None,
                Some(letter) => text.push(letter),
                None if is_quoted => return None,
                None => break true,
            }
        };
        if !was_quoted && (text.is_empty() || text.eq_ignore_ascii_case("null")) {
            return None;
        }
        texts.push(text);
    }
    Some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plain_array_of_texts_is_not_taken_for_one() {
        assert_eq!(read("{}"), Some(vec![]));
        assert_eq!(
            read("{a,\"\",\"NULL\",\"b\\\"\\\\,{}\"}"),
            Some(["a", "", "NULL", "b\"\\,{}"].map(str::to_owned).into())
        );
        for bad in ["", "{", "}", "a", "{NULL}", "{a,null}", "{,}", "{a,}", "{\"a}", "{{a},{b}}", "[0:0]={a}", "{\\}"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
