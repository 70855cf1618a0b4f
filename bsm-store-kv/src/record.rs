//! What lies behind the keys, as types, and their way to bytes and back.
//!
//! Payloads are postcard, whose enums and options go by position: a type here, or an entity in the core, changes its
//! fields only together with the format's number.

use bsm_core::model::{HistoryEntry, Key, Row, Timestamp, UserId, Version};
use bsm_core::{Error, Result};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::engine::EngineError;
use crate::key;

/// A counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// The text forms of the values that name it within its family.
    pub(crate) texts: Vec<String>,
    /// The sum. Never 0: such a counter is deleted.
    pub(crate) sum: i128,
}

/// A command that carried an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RememberedRecord {
    /// Stands for the command.
    pub(crate) digest: [u8; 16],
    /// The row that answers it.
    pub(crate) answer: Key,
    /// Until when it is kept.
    pub(crate) keep_until: Timestamp,
}

/// One commit, as the feed keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FeedRecord {
    /// When the desk decided it.
    pub(crate) recorded_at: Timestamp,
    /// The rows that it wrote, with their versions from then on (of a deleted row: the one its deletion has in history),
    /// and then the history entries of rows that it did not write.
    pub(crate) changes: Vec<(Key, Version)>,
    /// The customers whose feeds it stands in, and at which place there.
    pub(crate) customers: Vec<(UserId, u64)>,
}

/// How far an import has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImportRecord {
    /// How many lines of the text were taken in.
    pub(crate) lines: u64,
    /// Their digest.
    pub(crate) digest: u128,
}

const DIGEST_LEN: usize = size_of::<u128>();

impl FeedRecord {
    /// The payload, and the digest of the feed up to here: of this record, its position, and the digest before it.
    pub(crate) fn chain(&self, store: &str, position: u64, before: u128) -> Result<(Vec<u8>, u128)> {
        let record = encode(store, self)?;
        let mut payload = Vec::with_capacity(DIGEST_LEN + record.len());
        payload.extend_from_slice(&before.to_be_bytes());
        payload.extend_from_slice(&record);
        let digest = xxh3_128_with_seed(&payload, position);
        payload[..DIGEST_LEN].copy_from_slice(&digest.to_be_bytes());
        Ok((payload, digest))
    }

    /// What a payload holds, and the digest of the feed up to there.
    pub(crate) fn open(store: &str, key: &[u8], payload: &[u8]) -> Result<(u128, Self)> {
        let (digest, record) = payload.split_first_chunk().ok_or_else(|| damaged(store, key, "it is too short"))?;
        Ok((u128::from_be_bytes(*digest), decode(store, key, record)?))
    }

    /// The digest of the feed up to the record that has this payload.
    pub(crate) fn digest(store: &str, key: &[u8], payload: &[u8]) -> Result<u128> {
        Self::open(store, key, payload).map(|(digest, _)| digest)
    }
}

/// A row from its payload, which must be the row of that key.
pub(crate) fn row(store: &str, of: Key, payload: &[u8]) -> Result<Row> {
    let at = key::row(of);
    let row: Row = decode(store, &at, payload)?;
    if row.key() == of { Ok(row) } else { Err(damaged(store, &at, "it holds another row")) }
}

/// An entry of history from its payload, which must be the one of that key.
pub(crate) fn entry(store: &str, key: &[u8], payload: &[u8]) -> Result<HistoryEntry> {
    let entry: HistoryEntry = decode(store, key, payload)?;
    if key::history(entry.key, entry.version) == key {
        Ok(entry)
    } else {
        Err(damaged(store, key, "it holds another entry"))
    }
}

/// A payload.
pub(crate) fn encode<T: Serialize>(store: &str, value: &T) -> Result<Vec<u8>> {
    postcard::to_stdvec(value)
        .map_err(|source| Error::Unavailable { store: store.to_owned(), source: Box::new(source) })
}

/// What a payload holds.
pub(crate) fn decode<T: DeserializeOwned>(store: &str, key: &[u8], payload: &[u8]) -> Result<T> {
    match postcard::take_from_bytes(payload) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(damaged(store, key, "something follows it")),
        Err(error) => Err(damaged(store, key, &error.to_string())),
    }
}

/// An error about what lies behind a key.
pub(crate) fn damaged(store: &str, key: &[u8], fault: &str) -> Error {
    Error::Damaged { store: store.to_owned(), detail: format!("{}: {fault}", key::describe(key)) }
}

/// What the engine says, while it is known that nothing was changed.
pub(crate) fn unavailable(store: &str, error: EngineError) -> Error {
    match error {
        EngineError::Damaged(detail) => Error::Damaged { store: store.to_owned(), detail },
        other => Error::Unavailable { store: store.to_owned(), source: Box::new(other) },
    }
}

/// An id that a payload consists of.
pub(crate) fn id(store: &str, key: &[u8], payload: &Bytes) -> Result<uuid::Uuid> {
    uuid::Uuid::from_slice(payload).map_err(|_| damaged(store, key, "it holds no id"))
}

/// A position or an epoch that a payload consists of.
pub(crate) fn number(store: &str, key: &[u8], payload: &[u8]) -> Result<u64> {
    decode(store, key, payload)
}
