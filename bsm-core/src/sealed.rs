//! Bytes that a caller keeps and gives back: sealed as text, with a digest of where they belong and a checksum.
//!
//! Cursors of lists and positions in feeds are such texts. They tell their holder nothing that is not theirs to know, and
//! are taken back only where they came from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::CursorFault;

/// Longer texts are none of ours; they are not decoded to find that out.
const MOST_CHARS: usize = 128;

/// Seals `body`. `kind` tells this sort of text and its layout from all others; `home` stands for where it belongs.
pub(crate) fn seal(kind: u64, home: u64, body: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(body.len() + 16);
    bytes.extend_from_slice(&home.to_be_bytes());
    bytes.extend_from_slice(body);
    let sum = xxh3_64_with_seed(&bytes, kind);
    bytes.extend_from_slice(&sum.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The body of a text that [`seal`] made with the same `kind` and `home`.
pub(crate) fn open<const LENGTH: usize>(kind: u64, home: u64, text: &str) -> Result<[u8; LENGTH], CursorFault> {
    if text.len() > MOST_CHARS {
        return Err(CursorFault::Damaged);
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorFault::Damaged)?;
    let (body, sum) = bytes.split_last_chunk::<8>().ok_or(CursorFault::Damaged)?;
    if xxh3_64_with_seed(body, kind) != u64::from_be_bytes(*sum) {
        return Err(CursorFault::Damaged);
    }
    let (from, body) = body.split_first_chunk::<8>().ok_or(CursorFault::Damaged)?;
    let body = body.try_into().map_err(|_| CursorFault::Damaged)?;
    if u64::from_be_bytes(*from) == home { Ok(body) } else { Err(CursorFault::Foreign) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_comes_back_as_it_was_and_only_to_its_home(kind: u64, home: u64, other: u64, body: [u8; 17]) {
            let text = seal(kind, home, &body);
            prop_assert_eq!(open(kind, home, &text), Ok(body));
            prop_assert_eq!(open::<16>(kind, home, &text), Err(CursorFault::Damaged), "of another length");
            if other != home {
                prop_assert_eq!(open::<17>(kind, other, &text), Err(CursorFault::Foreign));
            }
            if other != kind {
                prop_assert_eq!(open::<17>(other, home, &text), Err(CursorFault::Damaged));
            }
        }

        #[test]
        fn any_other_text_is_damaged(text in "\\PC{0,160}") {
            prop_assert_eq!(open::<17>(1, 0, &text), Err(CursorFault::Damaged));
        }

        #[test]
        fn one_changed_character_is_seen(body: [u8; 17], at in 0usize..44, with in "[A-Za-z0-9_-]") {
            let text = seal(1, 7, &body);
            let mut changed = text.clone();
            changed.replace_range(at..=at, &with);
            prop_assume!(text != changed);
            prop_assert!(open::<17>(1, 7, &changed).is_err());
        }
    }
}
