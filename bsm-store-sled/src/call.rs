//! Calls into sled: a panic becomes an error, and sled's errors become the engine's.
//!
//! sled 0.34 panics on files that it finds damaged in ways it did not think of. Every call that may touch a file goes
//! through [`guarded`]; nothing else in this crate catches panics.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bsm_store_kv::engine::{EngineError, EngineResult};

/// Calls sled. What a panic leaves behind in sled is sled's: its locks are let go, and the caller decides whether to go on.
pub(crate) fn guarded<T>(call: impl FnOnce() -> sled::Result<T>) -> EngineResult<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(answer) => answer.map_err(translated),
        // Not the panic's own text: sled prints keys and values into some, and those are people's. The process's panic
        // hook has told it where the process tells such things.
        Err(_) => Err(EngineError::Damaged("sled panicked over its files".to_owned())),
    }
}

/// sled's error as the engine's.
pub(crate) fn translated(error: sled::Error) -> EngineError {
    match error {
        // A page that should be there lies behind the end of the file.
        sled::Error::Io(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
            EngineError::Damaged("sled's file is shorter than it was".to_owned())
        }
        sled::Error::Io(source) => EngineError::Io(source),
        // It speaks of its settings file. Ours never change within a format, so the file did.
        sled::Error::Unsupported(_) => {
            EngineError::Damaged("sled's settings are not those it was made with".to_owned())
        }
        sled::Error::Corruption { .. } => EngineError::Damaged("sled found a wrong checksum".to_owned()),
        other => EngineError::Other(Box::new(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_damage_and_its_text_is_kept_back() {
        let caught = guarded::<()>(|| std::panic::resume_unwind(Box::new("ada@example.org")));
        let Err(EngineError::Damaged(text)) = caught else { panic!("{caught:?}") };
        assert!(!text.contains("ada"), "{text}");
    }

    #[test]
    fn errors_keep_their_kind() {
        let full = guarded::<()>(|| Err(sled::Error::Io(io::ErrorKind::StorageFull.into())));
        assert!(matches!(full, Err(EngineError::Io(error)) if error.kind() == io::ErrorKind::StorageFull));
        let short = guarded::<()>(|| Err(sled::Error::Io(io::ErrorKind::UnexpectedEof.into())));
        assert!(matches!(short, Err(EngineError::Damaged(_))));
        let corrupt = guarded::<()>(|| Err(sled::Error::Corruption { at: None, bt: () }));
        assert!(matches!(corrupt, Err(EngineError::Damaged(_))));
        let settings = guarded::<()>(|| Err(sled::Error::Unsupported("other settings".to_owned())));
        assert!(matches!(settings, Err(EngineError::Damaged(_))));
        let bug = guarded::<()>(|| Err(sled::Error::ReportableBug("a bug".to_owned())));
        assert!(matches!(bug, Err(EngineError::Other(_))));
    }
}
