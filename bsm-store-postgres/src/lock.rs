//! Locks: which rows a command holds still, and how, before it looks at them.
//!
//! All of them are taken first, in the order of the keys, so that two commands never wait for each other. What a command
//! decided on is then read by later statements, which see what those who held the locks before have left.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use bsm_core::model::{Entity, Key, Row, Version};
use bsm_core::schema::relations_from;
use bsm_core::store::{ChangeSet, Guard, Write};
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::fault::Fault;
use crate::names::Names;

/// How a row is held, from the weakest up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    /// It stays. Others may change it: what a child needs of its parent.
    KeyShare = 0,
    /// It stays as it is.
    Share = 1,
    /// It is changed. Others may make children of it.
    NoKeyUpdate = 2,
    /// It goes, or must have no children.
    Update = 3,
}

impl Strength {
    /// What a call says for it. A call holds no row just to keep it there: foreign keys do.
    pub(crate) const fn in_call(self) -> &'static str {
        match self {
            Self::KeyShare | Self::Share => "share",
            Self::NoKeyUpdate => "change",
            Self::Update => "delete",
        }
    }
}

/// The locks of one command.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    /// Tables in which no row may appear: an absent row can't be locked.
    tables: BTreeSet<Entity>,
    rows: BTreeMap<Key, Strength>,
}

impl Locks {
    /// What a command has to lock.
    pub(crate) fn of(change: &ChangeSet) -> Self {
        let mut locks = Self::default();
        for guard in &change.guards {
            match *guard {
                Guard::Version { key, version: Version(0) } => {
                    locks.tables.insert(key.entity);
                }
                Guard::Version { key, .. } => locks.row(key, Strength::Share),
                Guard::NoChildren { parent, .. } => locks.row(parent, Strength::Update),
                Guard::Empty(entity) => {
                    locks.tables.insert(entity);
                }
                // Refused when it is checked.
                _ => {}
            }
        }
        for write in &change.writes {
            match write {
                Write::Insert(row) => locks.parents(row),
                Write::Update(row) => {
                    locks.row(row.key(), Strength::NoKeyUpdate);
                    locks.parents(row);
                }
                Write::Delete { key, .. } => locks.row(*key, Strength::Update),
                _ => {}
            }
        }
        locks
    }

    fn row(&mut self, key: Key, strength: Strength) {
        let held = self.rows.entry(key).or_insert(strength);
        *held = strength.max(*held);
    }

    fn parents(&mut self, row: &Row) {
        for spec in relations_from(row.entity()) {
            if let Some(id) = row.value(spec.field).as_id() {
                self.row(Key { entity: spec.to, id }, Strength::KeyShare);
            }
        }
    }

    /// Takes them all, and returns which of the rows are there.
    pub(crate) async fn take(&self, connection: &mut PgConnection, names: &Names) -> Result<HashSet<Key>, Fault> {
        for entity in &self.tables {
            names.table(*entity).lock_all.query().execute(&mut *connection).await?;
        }
        let mut there = HashSet::with_capacity(self.rows.len());
        for (entity, strength, ids) in self.runs() {
            let lock = names.table(entity).lock(strength).query().bind(ids);
            for row in lock.fetch_all(&mut *connection).await? {
                there.insert(Key { entity, id: row.try_get(0)? });
            }
        }
        Ok(there)
    }

    /// The rows in the order of their keys, cut where the table or the strength changes.
    fn runs(&self) -> Vec<(Entity, Strength, Vec<Uuid>)> {
        let mut runs: Vec<(Entity, Strength, Vec<Uuid>)> = Vec::new();
        for (key, strength) in &self.rows {
            match runs.last_mut() {
                Some((entity, held, ids)) if *entity == key.entity && held == strength => ids.push(key.id),
                _ => runs.push((key.entity, *strength, vec![key.id])),
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use bsm_core::model::Timestamp;
    use bsm_core::schema::Relation;

    use super::*;

    #[test]
    fn rows_are_locked_once_in_key_order_and_as_strongly_as_anybody_needs() {
        let user = |id| Key { entity: Entity::User, id: Uuid::from_u128(id) };
        let mut change = ChangeSet::new(Timestamp::MIN);
        for id in [3, 1, 2] {
            change.guards.push(Guard::Version { key: user(id), version: Version(1) });
        }
        change.guards.push(Guard::NoChildren { relation: Relation::TicketAssignedTo, parent: user(2) });
        let runs = Locks::of(&change).runs();
        let ids = |ids: &[u128]| ids.iter().map(|id| Uuid::from_u128(*id)).collect::<Vec<_>>();
        assert_eq!(
            runs,
            [
                (Entity::User, Strength::Share, ids(&[1])),
                (Entity::User, Strength::Update, ids(&[2])),
                (Entity::User, Strength::Share, ids(&[3])),
            ]
        );
    }
}
