//! Users and services that commands have met, kept so that the next command need not ask the store for them.
//!
//! What is in here may be stale: another process may have written the row since. That is harmless, since nobody is told
//! anything that was decided on it alone. A command that succeeds had its version checked in the commit; one that is
//! refused, or meets a conflict, is decided anew on what the store says (see [`attempt`](super::attempt)), and the rows
//! that it was given leave the cache. So a stale row costs its reader one more round, however it came in here: also a
//! read that began before a commit, and ends after it, may bring one.
//!
//! Reads never ask here.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::{Entity, Key, Row, Version};
use crate::rules::limits;

/// The rows of a generation.
type Rows = HashMap<Key, Arc<Row>>;

/// The rows, in two generations. One that is asked for, or written, moves to the young; when those are half of
/// what may be kept, they become the old ones, and the old ones go. So what was asked for lately stays, and nobody has to
/// look for what goes.
#[derive(Default)]
struct Generations {
    young: Rows,
    old: Rows,
}

impl Generations {
    /// Takes a row out, of whichever generation.
    fn take(&mut self, key: &Key) -> Option<Arc<Row>> {
        self.young.remove(key).or_else(|| self.old.remove(key))
    }

    /// Puts a row among the young. Returns what goes for it, to be dropped elsewhere than under a lock.
    fn put(&mut self, key: Key, row: Arc<Row>) -> Option<Rows> {
        self.young.insert(key, row);
        let full = self.young.len() >= limits::CACHED_ROWS / 2;
        full.then(|| std::mem::replace(&mut self.old, std::mem::take(&mut self.young)))
    }
}

/// The cache of a desk, which all its clones and handles share.
#[derive(Default)]
pub(super) struct Cache(Mutex<Generations>);

/// Tells nothing of a row, which may be personal.
impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

impl Cache {
    /// Whether rows of the entity are kept: those that many commands name, and few write.
    pub(super) const fn keeps(entity: Entity) -> bool {
        matches!(entity, Entity::User | Entity::Service)
    }

    /// The rows, if all of them are kept.
    pub(super) fn get(&self, keys: &[Key]) -> Option<Vec<Arc<Row>>> {
        if !keys.iter().all(|key| Self::keeps(key.entity)) {
            return None;
        }
        let mut gone = Vec::new();
        let mut kept = self.lock();
        let mut get = |key: &Key| {
            if let Some(row) = kept.young.get(key) {
                return Some(Arc::clone(row));
            }
            let row = kept.old.remove(key)?;
            gone.extend(kept.put(*key, Arc::clone(&row)));
            Some(row)
        };
        let rows = keys.iter().map(&mut get).collect();
        drop(kept);
        rows
    }

    /// Keeps the rows, as they were read or written. One that is older than what is kept of it is left out.
    pub(super) fn put<'a>(&self, rows: impl IntoIterator<Item = &'a Arc<Row>>) {
        let mut gone = Vec::new();
        let mut kept = None;
        for row in rows.into_iter().filter(|row| Self::keeps(row.entity())) {
            let kept = kept.get_or_insert_with(|| self.lock());
            let key = row.key();
            let newest = match kept.take(&key) {
                Some(known) if known.version() >= row.version() => known,
                _ => Arc::clone(row),
            };
            gone.extend(kept.put(key, newest));
        }
        drop(kept);
    }

    /// Forgets a row, unless a newer version than this is kept of it by now.
    pub(super) fn forget(&self, key: Key, version: Version) {
        let mut rows = self.lock();
        let Generations { young, old } = &mut *rows;
        for rows in [young, old] {
            if rows.get(&key).is_some_and(|row| row.version() <= version) {
                rows.remove(&key);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        // Whatever panicked while it held the lock left rows that may be stale at worst.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Role, Timestamp, User, UserId};
    use crate::schema::relations_from;

    fn user(number: u128, version: u64) -> Arc<Row> {
        Arc::new(Row::User(User {
            id: UserId::from_uuid(uuid::Uuid::from_u128(number)),
            full_name: "Grace".to_owned(),
            email: "grace@example.org".to_owned(),
            role: Role::Agent,
            active: true,
            external_ref: None,
            version: Version(version),
            updated_at: Timestamp::MIN,
        }))
    }

    fn version(cache: &Cache, number: u128) -> Option<u64> {
        Some(cache.get(&[user(number, 0).key()])?.first()?.version().0)
    }

    #[test]
    fn an_older_version_never_replaces_a_newer_one() {
        let cache = Cache::default();
        cache.put([&user(1, 2), &user(1, 1)]);
        assert_eq!(version(&cache, 1), Some(2));
        cache.put([&user(1, 3)]);
        cache.forget(user(1, 0).key(), Version(2));
        assert_eq!(version(&cache, 1), Some(3), "what was put since stays");
        cache.forget(user(1, 0).key(), Version(3));
        assert_eq!(version(&cache, 1), None);
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_asked_for() {
        let cache = Cache::default();
        let most = u128::try_from(limits::CACHED_ROWS).expect("is small");
        for number in 0..3 * most {
            cache.put([&user(number, 1)]);
            assert_eq!(version(&cache, 0), Some(1), "it was asked for all the time");
            let rows = cache.lock();
            assert!(rows.young.len() + rows.old.len() <= limits::CACHED_ROWS);
            assert!(rows.young.keys().all(|key| !rows.old.contains_key(key)));
        }
        let kept = (0..3 * most).filter(|number| version(&cache, *number).is_some()).count();
        assert!(kept >= limits::CACHED_ROWS / 2, "{kept} are kept");
        assert_eq!(version(&cache, 1), None);
    }

    /// What a command is given from here is all that it needs: nothing is to be followed.
    #[test]
    fn what_is_kept_names_nothing() {
        let kept = Entity::ALL.iter().filter(|entity| Cache::keeps(**entity));
        assert!(kept.flat_map(|entity| relations_from(*entity)).next().is_none());
    }

    #[test]
    fn nothing_else_is_kept_and_nothing_is_told() {
        let cache = Cache::default();
        cache.put([&user(1, 1)]);
        assert!(!format!("{cache:?}").contains("race"));
        let ticket = Key { entity: Entity::Ticket, id: user(1, 1).key().id };
        assert_eq!(cache.get(&[ticket, user(1, 1).key()]), None);
    }
}
