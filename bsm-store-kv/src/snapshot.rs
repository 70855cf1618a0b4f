//! The engine's map as of one moment, read through checksums: what a reader and the committer see of stored data.

use std::cell::Cell;
use std::ops::Bound;

use bsm_core::Result;
use bsm_core::model::{Key, Row};
use bytes::Bytes;

use crate::engine::{Direction, EngineResult, View};
use crate::value::{self, Opened};
use crate::{key, record};

/// A view whose values are verified, put together and counted as they are read.
pub(crate) struct Snapshot<'v> {
    view: &'v dyn View,
    store: &'v str,
    steps: Cell<usize>,
}

/// What a scan gives, one after another.
pub(crate) type Items<'s, T> = Box<dyn Iterator<Item = Result<T>> + 's>;

/// A value that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// What it holds.
    pub(crate) payload: Bytes,
    /// In how many pieces it lies; 0 if whole.
    pub(crate) pieces: u32,
}

impl<'v> Snapshot<'v> {
    /// Reads through `view`; `store` names the store in errors.
    pub(crate) fn new(view: &'v dyn View, store: &'v str) -> Self {
        Self { view, store, steps: Cell::new(0) }
    }

    /// The store's name, for errors.
    pub(crate) fn store(&self) -> &'v str {
        self.store
    }

    /// How many keys were looked at so far.
    pub(crate) fn steps(&self) -> usize {
        self.steps.get()
    }

    fn step(&self) {
        self.steps.set(self.steps.get() + 1);
    }

    /// The value of a key, verified.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Found>> {
        self.step();
        match self.raw(key)? {
            Some(raw) => self.open(key, &raw).map(Some),
            None => Ok(None),
        }
    }

    /// Whether a key is there, whatever is behind it.
    pub(crate) fn has(&self, key: &[u8]) -> Result<bool> {
        self.step();
        Ok(self.raw(key)?.is_some())
    }

    /// The bytes under a key, as they lie there.
    pub(crate) fn raw(&self, key: &[u8]) -> Result<Option<Bytes>> {
        self.of_engine(self.view.get(key))
    }

    /// A value that was read already, verified.
    pub(crate) fn open(&self, key: &[u8], raw: &Bytes) -> Result<Found> {
        let joined = match value::open(key, raw) {
            Ok(Opened::Whole(payload)) => Ok(Found { payload, pieces: 0 }),
            Ok(Opened::InPieces(how)) => value::join(key, how, |piece| {
                self.step();
                self.raw(piece)
            })?
            .map(|payload| Found { payload, pieces: how.count() }),
            Err(fault) => Err(fault),
        };
        joined.map_err(|fault| record::damaged(self.store, key, &fault.to_string()))
    }

    /// A row.
    pub(crate) fn row(&self, of: Key) -> Result<Option<Row>> {
        self.get(&key::row(of))?.map(|found| record::row(self.store, of, &found.payload)).transpose()
    }

    /// A row whose value was read already.
    pub(crate) fn row_at(&self, of: Key, key: &[u8], raw: &Bytes) -> Result<Row> {
        record::row(self.store, of, &self.open(key, raw)?.payload)
    }

    /// What lies between two bounds, as it lies there.
    pub(crate) fn raw_pairs(
        &self,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        direction: Direction,
    ) -> Items<'_, (Bytes, Bytes)> {
        Box::new(self.view.scan(from, to, direction).map(|pair| {
            self.step();
            self.of_engine(pair)
        }))
    }

    /// The keys that begin with `prefix`.
    pub(crate) fn keys_under(&self, prefix: &[u8], direction: Direction) -> Items<'_, Bytes> {
        let end = key::prefix_end(prefix);
        let pairs = self.raw_pairs(Bound::Included(prefix), end.as_ref().map(Vec::as_slice), direction);
        Box::new(pairs.map(|pair| pair.map(|(key, _)| key)))
    }

    /// The keys between two bounds with their values, verified.
    pub(crate) fn pairs(
        &self,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        direction: Direction,
    ) -> Items<'_, (Bytes, Bytes)> {
        Box::new(self.raw_pairs(from, to, direction).map(|pair| {
            let (key, raw) = pair?;
            let found = self.open(&key, &raw)?;
            Ok((key, found.payload))
        }))
    }

    fn of_engine<T>(&self, result: EngineResult<T>) -> Result<T> {
        result.map_err(|error| record::unavailable(self.store, error))
    }
}
