//! What a group of commands writes before it is written: an overlay over the engine's map.
//!
//! Each command works on a [`Stage`] of its own, which sees what the commands before it left. A command that fails drops
//! its stage and so leaves no trace; one that succeeds is absorbed into the [`Group`], which ends as one batch with each
//! key in it once. Used by the leader of the committer only.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use bsm_core::model::{Key, Row, UserId};
use bsm_core::{Error, Result};
use bytes::Bytes;

use crate::engine::{Batch, Direction, Head, Op};
use crate::key::WrongKind;
use crate::snapshot::{Found, Snapshot};
use crate::{key, record, value};

/// What is to stand under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Put {
    /// A key that says all, with an empty value.
    Bare,
    /// A payload, to be sealed.
    Sealed(Bytes),
    /// Nothing.
    Gone,
}

#[derive(Clone, Debug)]
struct Staged {
    put: Put,
    /// In how many pieces the value lies that the engine still has under the key: they go when this is written.
    pieces: u32,
}

type Overlay = BTreeMap<Bytes, Staged>;

/// What the commands of a group leave so far.
pub(crate) struct Group<'v> {
    snapshot: Snapshot<'v>,
    overlay: Overlay,
    facts: Facts,
    weight: usize,
    /// Whom its commands concern.
    concerned: Vec<UserId>,
    /// What was read of the engine's map: commands of a group, and the checks of one, ask for the same rows again.
    known: RefCell<HashMap<Bytes, Option<Found>>>,
}

/// What is known of the desk as a whole.
#[derive(Clone, Copy, Debug)]
struct Facts {
    /// Where the feed ends.
    head: Head,
    /// Whether an import is unfinished.
    shut: bool,
    /// The feed's epoch, if that was changed.
    epoch: Option<u64>,
}

/// A payload weighs as much as one more key for each so many bytes: about what engines that cut values write for it.
const BYTES_LIKE_A_KEY: usize = 4096;

impl<'v> Group<'v> {
    /// An empty group over the engine's map, which stands at `head` and is shut if an import is unfinished.
    pub(crate) fn new(snapshot: Snapshot<'v>, head: Head, shut: bool) -> Self {
        let facts = Facts { head, shut, epoch: None };
        let (overlay, concerned, known) = (Overlay::new(), Vec::new(), RefCell::default());
        Self { snapshot, overlay, facts, weight: 0, concerned, known }
    }

    /// How much its commands write, in keys, where long values count for several. A key that two commands write counts
    /// twice.
    pub(crate) fn weight(&self) -> usize {
        self.weight
    }

    /// The payload under a key of the engine's map. Nobody else writes there while the group is put together.
    fn stored(&self, key: &[u8]) -> Result<Option<Found>> {
        if let Some(known) = self.known.borrow().get(key) {
            return Ok(known.clone());
        }
        let found = self.snapshot.get(key)?;
        self.known.borrow_mut().insert(Bytes::copy_from_slice(key), found.clone());
        Ok(found)
    }

    /// Where the feed ends.
    pub(crate) fn head(&self) -> Head {
        self.facts.head
    }

    /// Whether an import is unfinished.
    pub(crate) fn is_shut(&self) -> bool {
        self.facts.shut
    }

    /// The feed's epoch, if that was changed.
    pub(crate) fn epoch(&self) -> Option<u64> {
        self.facts.epoch
    }

    /// Whom its commands concern, now and then more than once.
    pub(crate) fn concerned(&mut self) -> Vec<UserId> {
        std::mem::take(&mut self.concerned)
    }

    /// The stage of the next command.
    pub(crate) fn stage(&self) -> Stage<'_, 'v> {
        Stage { group: self, own: Overlay::new(), facts: self.facts, concerned: Vec::new() }
    }

    /// Takes over what a successful command staged.
    pub(crate) fn absorb(&mut self, own: Own) {
        let weights = own.overlay.values().map(|staged| match &staged.put {
            Put::Sealed(payload) => 1 + payload.len() / BYTES_LIKE_A_KEY,
            Put::Bare | Put::Gone => 1,
        });
        self.weight += weights.sum::<usize>();
        self.overlay.extend(own.overlay);
        self.facts = own.facts;
        self.concerned.extend(own.concerned);
    }

    /// All of it as one batch; values longer than `most` in pieces.
    pub(crate) fn into_batch(self, most: usize) -> Batch {
        let mut ops = Vec::with_capacity(self.overlay.len());
        // The tag of pieces is the greatest, and no key is the beginning of another: the batch stays in order.
        let mut pieces = Vec::new();
        for (key, staged) in self.overlay {
            let mut written = 0;
            let put = match staged.put {
                Put::Gone => Op::Delete(key.clone()),
                Put::Bare => Op::Put(key.clone(), Bytes::new()),
                Put::Sealed(payload) => {
                    let sealed = value::seal(&key, &payload);
                    match value::cut(&key, &sealed, most) {
                        None => Op::Put(key.clone(), sealed),
                        Some((head, parts)) => {
                            for part in parts {
                                pieces.push(Op::Put(key::piece(&key, written), part));
                                written += 1;
                            }
                            Op::Put(key.clone(), head)
                        }
                    }
                }
            };
            pieces.extend((written..staged.pieces).map(|number| Op::Delete(key::piece(&key, number))));
            ops.push(put);
        }
        ops.append(&mut pieces);
        Batch::new(ops)
    }
}

/// What one command wrote, apart from the group it belongs to.
pub(crate) struct Own {
    overlay: Overlay,
    facts: Facts,
    concerned: Vec<UserId>,
}

/// The state that one command sees and changes.
pub(crate) struct Stage<'g, 'v> {
    group: &'g Group<'v>,
    own: Overlay,
    facts: Facts,
    concerned: Vec<UserId>,
}

impl<'g, 'v> Stage<'g, 'v> {
    /// The store's name, for errors.
    pub(crate) fn store(&self) -> &'v str {
        self.group.snapshot.store()
    }

    /// The engine's map as it was before the group.
    pub(crate) fn snapshot(&self) -> &'g Snapshot<'v> {
        &self.group.snapshot
    }

    /// What was written, to be [absorbed](Group::absorb).
    pub(crate) fn into_own(self) -> Own {
        Own { overlay: self.own, facts: self.facts, concerned: self.concerned }
    }

    /// Whether anything was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.own.is_empty()
    }

    /// Where the feed ends.
    pub(crate) fn head(&self) -> Head {
        self.facts.head
    }

    /// Whether an import is unfinished.
    pub(crate) fn is_shut(&self) -> bool {
        self.facts.shut
    }

    /// Notes that an import begins, or ends.
    pub(crate) fn shut(&mut self, shut: bool) {
        self.facts.shut = shut;
    }

    /// Notes that the feed has another epoch from now on.
    pub(crate) fn begin_epoch(&mut self, epoch: u64) {
        self.facts.epoch = Some(epoch);
    }

    /// Notes whom the command concerns.
    pub(crate) fn concern(&mut self, customer: UserId) {
        self.concerned.push(customer);
    }

    fn staged(&self, key: &[u8]) -> Option<&Staged> {
        self.own.get(key).or_else(|| self.group.overlay.get(key))
    }

    /// The payload under a key.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Found>> {
        match self.staged(key) {
            None => self.group.stored(key),
            Some(Staged { put: Put::Sealed(payload), pieces }) => {
                Ok(Some(Found { payload: payload.clone(), pieces: *pieces }))
            }
            Some(Staged { put: Put::Bare, pieces }) => Ok(Some(Found { payload: Bytes::new(), pieces: *pieces })),
            Some(Staged { put: Put::Gone, .. }) => Ok(None),
        }
    }

    /// Whether a key is there, whatever is behind it.
    pub(crate) fn has(&self, key: &[u8]) -> Result<bool> {
        match self.staged(key) {
            Some(staged) => Ok(staged.put != Put::Gone),
            None => match self.group.known.borrow().get(key) {
                Some(known) => Ok(known.is_some()),
                None => self.group.snapshot.has(key),
            },
        }
    }

    /// A row.
    pub(crate) fn row(&self, of: Key) -> Result<Option<(Row, u32)>> {
        let Some(found) = self.get(&key::row(of))? else { return Ok(None) };
        Ok(Some((record::row(self.store(), of, &found.payload)?, found.pieces)))
    }

    /// Whether any key begins with `prefix`. Costs O(log n), and what was deleted under it in the same group.
    pub(crate) fn any_under(&self, prefix: &[u8]) -> Result<bool> {
        if any_staged(&self.own, prefix, |_| true)
            || any_staged(&self.group.overlay, prefix, |key| !self.own.contains_key(key))
        {
            return Ok(true);
        }
        for key in self.group.snapshot.keys_under(prefix, Direction::Forward) {
            if self.staged(&key?).is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The greatest key that begins with `prefix` and was put by this command or one before it in the group.
    pub(crate) fn last_staged_under(&self, prefix: &[u8]) -> Option<Bytes> {
        let own = last_staged(&self.own, prefix, |_| true);
        own.max(last_staged(&self.group.overlay, prefix, |key| !self.own.contains_key(key)))
    }

    /// The greatest key that begins with `prefix`. Costs as [`any_under`](Self::any_under).
    pub(crate) fn last_under(&self, prefix: &[u8]) -> Result<Option<Bytes>> {
        let staged = self.last_staged_under(prefix);
        for key in self.group.snapshot.keys_under(prefix, Direction::Backward) {
            let key = key?;
            if staged.as_ref().is_some_and(|staged| *staged > key) {
                break;
            }
            if self.staged(&key).is_none() {
                return Ok(Some(key));
            }
        }
        Ok(staged)
    }

    /// Sets the payload of a key that lies in the engine in `pieces` now, as [`get`](Self::get) told.
    pub(crate) fn put(&mut self, key: Bytes, payload: Vec<u8>, pieces: u32) {
        self.set(key, Put::Sealed(payload.into()), pieces);
    }

    /// Sets a key that says all.
    pub(crate) fn mark(&mut self, key: Bytes) {
        self.set(key, Put::Bare, 0);
    }

    /// Removes a key that lies in the engine in `pieces` now.
    pub(crate) fn remove(&mut self, key: Bytes, pieces: u32) {
        self.set(key, Put::Gone, pieces);
    }

    fn set(&mut self, key: Bytes, put: Put, pieces: u32) {
        // A value that was removed in this group, and is put again, still lies in its old pieces.
        let pieces = self.staged(&key).map_or(pieces, |staged| staged.pieces.max(pieces));
        self.own.insert(key, Staged { put, pieces });
    }

    /// Notes where the feed ends from now on.
    pub(crate) fn advance(&mut self, position: u64, digest: u128) {
        self.facts.head = Head { position, digest, ..self.facts.head };
    }

    /// The error for a value that can't stand in a key. The schema's own can: a test builds them all.
    pub(crate) fn wrong_kind(&self, _: WrongKind) -> Error {
        Error::Unsupported { store: self.store().to_owned(), what: "a key that holds a value of this kind" }
    }
}

/// The greatest staged key that begins with `prefix`, of those that count.
fn last_staged(overlay: &Overlay, prefix: &[u8], counts: impl Fn(&[u8]) -> bool) -> Option<Bytes> {
    let end = key::prefix_end(prefix);
    let range = (Bound::Included(prefix), end.as_ref().map(Vec::as_slice));
    let mut staged = overlay.range::<[u8], _>(range).rev();
    staged.find(|(key, staged)| staged.put != Put::Gone && counts(key)).map(|(key, _)| key.clone())
}

fn any_staged(overlay: &Overlay, prefix: &[u8], counts: impl Fn(&[u8]) -> bool) -> bool {
    overlay
        .range::<[u8], _>((Bound::Included(prefix), Bound::Unbounded))
        .take_while(|(key, _)| key.starts_with(prefix))
        .any(|(key, staged)| staged.put != Put::Gone && counts(key))
}
