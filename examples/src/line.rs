//! A fault in one line, as programs tell it.

use std::error::Error;

/// What an error says and what is behind it, in one line.
///
/// ```
/// let error = std::io::Error::other("the disk\nis full");
/// assert_eq!(bsm_examples::line::whole(&error), "the disk is full");
/// ```
pub fn whole(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        line.push_str(": ");
        line.push_str(&source.to_string());
        next = source.source();
    }
    line.replace(['\n', '\r'], " ")
}
