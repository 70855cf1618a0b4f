//! Taking a whole desk in, step by step. Called by the leader of the committer only.
//!
//! How far an import has come stands in the store itself, written in the same batch as what it brought; while it stands
//! there, the desk is shut. Rows stand as they were: relations are not looked at before the end, when all are there, and
//! no feed is written.

use bsm_core::model::Entity;
use bsm_core::store::{ImportMark, ImportPart, ImportStep};
use bsm_core::{Error, Result};
use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::apply::{self, Rows};
use crate::record::{self, ImportRecord};
use crate::stage::Stage;
use crate::{check, key};

/// Does a step.
pub(crate) fn perform(stage: &mut Stage<'_, '_>, step: ImportStep) -> Result<ImportMark> {
    let stands = mark(stage)?;
    match (step, stands) {
        (ImportStep::Begin, Some(mark)) => Ok(mark),
        (ImportStep::Begin, None) => begin(stage),
        (_, None) => Err(Error::NoImport { store: stage.store().to_owned() }),
        // Of two imports at once only one gets any further; the other must find out what was taken in.
        (ImportStep::Restore(part), Some(mark)) if part.after != mark => {
            Err(Error::ImportUnfinished { store: stage.store().to_owned() })
        }
        (ImportStep::Restore(part), Some(_)) => restore(stage, part),
        (ImportStep::Finish(end), Some(mark)) if end.after != mark => {
            Err(Error::ImportUnfinished { store: stage.store().to_owned() })
        }
        (ImportStep::Finish(end), Some(mark)) => {
            finish(stage, &end.numbers, mark)?;
            Ok(mark)
        }
    }
}

fn mark(stage: &Stage<'_, '_>) -> Result<Option<ImportMark>> {
    let Some(found) = stage.get(key::IMPORT)? else { return Ok(None) };
    let ImportRecord { lines, digest } = record::decode(stage.store(), key::IMPORT, &found.payload)?;
    Ok(Some(ImportMark { lines, digest }))
}

fn begin(stage: &mut Stage<'_, '_>) -> Result<ImportMark> {
    for entity in Entity::ALL {
        if stage.any_under(&key::rows(*entity))? || stage.any_under(&key::histories_of(*entity))? {
            return Err(Error::NotEmpty { store: stage.store().to_owned() });
        }
    }
    let mark = ImportMark::default();
    set(stage, mark)?;
    stage.shut(true);
    Ok(mark)
}

fn set(stage: &mut Stage<'_, '_>, mark: ImportMark) -> Result<()> {
    let ImportMark { lines, digest } = mark;
    let payload = record::encode(stage.store(), &ImportRecord { lines, digest })?;
    stage.put(Bytes::from_static(key::IMPORT), payload, 0);
    Ok(())
}

fn restore(stage: &mut Stage<'_, '_>, part: ImportPart) -> Result<ImportMark> {
    let mut rows = Rows::default();
    for row in part.rows {
        rows.set(stage, row.key(), Some(row))?;
    }
    for key in part.gone {
        rows.set(stage, key, None)?;
    }
    for touched in rows.iter() {
        apply::stage_row(stage, touched)?;
    }
    check::uniques(stage, &rows)?;
    apply::count(stage, &rows)?;
    for entry in &part.history {
        apply::stage_entry(stage, entry)?;
    }
    set(stage, part.mark)?;
    Ok(part.mark)
}

fn finish(stage: &mut Stage<'_, '_>, numbers: &[(Entity, u32)], mark: ImportMark) -> Result<()> {
    for (entity, number) in numbers.iter().filter(|(entity, number)| entity.is_numbered() && *number > 0) {
        let payload = record::encode(stage.store(), number)?;
        stage.put(key::number(*entity), payload, 0);
    }
    stage.remove(Bytes::from_static(key::IMPORT), 0);
    stage.shut(false);
    // Nobody who knew the desk when it was empty may take its feed for one that goes on.
    let epoch = xxh3_64_with_seed(&mark.digest.to_be_bytes(), stage.head().epoch);
    apply::begin_epoch(stage, epoch)
}
