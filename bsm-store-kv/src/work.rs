//! What the committer can be asked to do, one thing after another: commands, trimming the feed, the steps of an import.

use bsm_core::model::Timestamp;
use bsm_core::store::{ChangeSet, Committed, ImportMark, ImportStep};
use bsm_core::{Error, Result};

use crate::stage::Stage;
use crate::{apply, import, trim};

/// Something to be done, whole or not at all.
#[derive(Debug)]
pub(crate) enum Work {
    /// A command.
    Change(ChangeSet),
    /// Forgets the oldest events.
    Trim {
        /// Those that were recorded before.
        before: Timestamp,
        /// At most so many.
        most: usize,
        /// Those at this position and behind stay: what is not durable, and the last that is.
        keep: u64,
    },
    /// A step of an import.
    Import(ImportStep),
    /// Begins another numbering of positions.
    Renumber {
        /// Its epoch.
        epoch: u64,
    },
}

/// What was done.
#[derive(Debug)]
pub(crate) enum Done {
    /// A command.
    Changed(Committed),
    /// So many events were forgotten.
    Trimmed(usize),
    /// The import has come so far.
    Imported(ImportMark),
    /// Positions from before are expired.
    Renumbered,
}

impl Work {
    /// About how much it writes, in rows.
    pub(crate) fn writes(&self) -> usize {
        match self {
            Self::Change(change) => change.writes.len(),
            Self::Trim { most, .. } => *most,
            Self::Import(_) => usize::MAX,
            Self::Renumber { .. } => 1,
        }
    }

    /// Does it on a stage. After an error the stage must be dropped.
    pub(crate) fn perform(self, stage: &mut Stage<'_, '_>) -> Result<Done> {
        match self {
            Self::Import(step) => import::perform(stage, step).map(Done::Imported),
            _ if stage.is_shut() => Err(Error::ImportUnfinished { store: stage.store().to_owned() }),
            Self::Change(change) => apply::perform(stage, change).map(Done::Changed),
            Self::Trim { before, most, keep } => trim::perform(stage, before, most, keep).map(Done::Trimmed),
            Self::Renumber { epoch } => apply::begin_epoch(stage, epoch).map(|()| Done::Renumbered),
        }
    }
}
