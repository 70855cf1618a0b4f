//! Cursors: where a page ended, in a text that only the list it came from takes back.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::{CursorFault, Error, Result};

/// Tells this layout of a cursor from later ones, and keeps other texts from passing as one.
const SEED: u64 = 0x6273_6d01;
const LENGTH: usize = 8 + 1 + 16 + 8;

/// A place in a list, to go on from. Opaque: keep it, send it, give it back to the same list with the same filter.
///
/// It holds no data of its row but the id, and gives access to nothing: a list shows what its caller may see, whatever
/// the cursor.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

/// What a cursor says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Rows behind this id are meant.
    pub(crate) behind: Uuid,
    /// Whether the list is walked towards its beginning.
    pub(crate) backward: bool,
}

impl Cursor {
    /// Takes a text that [`Display`](fmt::Display) gave. Whether it is a cursor shows when a list reads it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Writes a place of the list that `list` stands for.
    pub(crate) fn write(list: u64, place: Place) -> Self {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend_from_slice(&list.to_be_bytes());
        bytes.push(u8::from(place.backward));
        bytes.extend_from_slice(place.behind.as_bytes());
        let sum = xxh3_64_with_seed(&bytes, SEED);
        bytes.extend_from_slice(&sum.to_be_bytes());
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads the place, if it is one of the list that `list` stands for.
    pub(crate) fn read(&self, list: u64) -> Result<Place> {
        self.parse().map_err(Error::InvalidCursor).and_then(|(from, place)| {
            if from == list { Ok(place) } else { Err(Error::InvalidCursor(CursorFault::Foreign)) }
        })
    }

    fn parse(&self) -> Result<(u64, Place), CursorFault> {
        // A longer text is no cursor; it is not decoded to find that out.
        if self.0.len() > LENGTH * 2 {
            return Err(CursorFault::Damaged);
        }
        let bytes = URL_SAFE_NO_PAD.decode(&self.0).map_err(|_| CursorFault::Damaged)?;
        let (body, sum) = bytes.split_last_chunk::<8>().ok_or(CursorFault::Damaged)?;
        if xxh3_64_with_seed(body, SEED) != u64::from_be_bytes(*sum) {
            return Err(CursorFault::Damaged);
        }
        let (list, rest) = body.split_first_chunk::<8>().ok_or(CursorFault::Damaged)?;
        let (backward, id) = rest.split_first().ok_or(CursorFault::Damaged)?;
        let behind = Uuid::from_slice(id).map_err(|_| CursorFault::Damaged)?;
        Ok((u64::from_be_bytes(*list), Place { behind, backward: *backward == 1 }))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Cursor {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_was_and_only_to_its_list(list: u64, other: u64, id: u128, backward: bool) {
            let place = Place { behind: Uuid::from_u128(id), backward };
            let cursor = Cursor::write(list, place);
            prop_assert_eq!(cursor.read(list).ok(), Some(place));
            if other != list {
                let read = cursor.read(other);
                prop_assert!(matches!(read, Err(Error::InvalidCursor(CursorFault::Foreign))));
            }
        }

        #[test]
        fn any_other_text_is_damaged(text in "\\PC{0,80}") {
            let read = Cursor::new(text).read(0);
            prop_assert!(matches!(read, Err(Error::InvalidCursor(CursorFault::Damaged))));
        }

        #[test]
        fn one_changed_character_is_seen(id: u128, at in 0usize..44, with in "[A-Za-z0-9_-]") {
            let cursor = Cursor::write(7, Place { behind: Uuid::from_u128(id), backward: false });
            let mut text = cursor.as_str().to_owned();
            text.replace_range(at..=at, &with);
            prop_assume!(text != cursor.as_str());
            prop_assert!(Cursor::new(text).read(7).is_err());
        }
    }
}
