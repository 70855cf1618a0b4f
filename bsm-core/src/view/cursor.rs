//! Cursors: where a page ended, in a text that only the list it came from takes back.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, Result, sealed};

/// Tells this layout of a cursor from later ones, and keeps other texts from passing as one.
const KIND: u64 = 0x6273_6d01;
const LENGTH: usize = 1 + 16;

/// A place in a list, to go on from. Opaque: keep it, send it, give it back to the same list with the same filter.
///
/// It holds no data of its row but the id, and gives access to nothing: a list shows what its caller may see, whatever
/// the cursor.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
        let mut body = [0; LENGTH];
        body[0] = u8::from(place.backward);
        body[1..].copy_from_slice(place.behind.as_bytes());
        Self(sealed::seal(KIND, list, &body))
    }

    /// Reads the place, if it is one of the list that `list` stands for.
    pub(crate) fn read(&self, list: u64) -> Result<Place> {
        let [backward, id @ ..] = sealed::open::<LENGTH>(KIND, list, &self.0).map_err(Error::InvalidCursor)?;
        Ok(Place { behind: Uuid::from_bytes(id), backward: backward == 1 })
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
    use crate::CursorFault;

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
    }
}
