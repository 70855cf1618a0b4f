//! A desk as a plain map of rows, with every rule of a commit written the slow and obvious way. What the store answers is
//! compared with what this answers.

use std::collections::BTreeMap;

use bsm_core::model::{Entity, HistoryEntry, Key, Row, Value, Version};
use bsm_core::schema::{Counter, Relation, contributions, relations_from, relations_to, uniques};
use bsm_core::store::{ChangeSet, Guard, Order, Scan, Write};

/// What a commit is refused with. Compared by its text, which names variant and fields.
pub type Refused = String;

#[derive(Clone, Debug, Default)]
pub struct Naive {
    pub rows: BTreeMap<Key, Row>,
    pub numbers: BTreeMap<Entity, u32>,
    pub history: BTreeMap<(Key, Version), HistoryEntry>,
}

impl Naive {
    fn version(&self, key: Key) -> Version {
        self.rows.get(&key).map_or(Version(0), Row::version)
    }

    /// Does all of a change set or nothing of it.
    pub fn commit(&mut self, change: &ChangeSet) -> Result<Vec<(Key, u32)>, Refused> {
        let mut next = self.clone();
        let numbers = next.attempt(change)?;
        *self = next;
        Ok(numbers)
    }

    fn attempt(&mut self, change: &ChangeSet) -> Result<Vec<(Key, u32)>, Refused> {
        for guard in &change.guards {
            match guard {
                Guard::Version { key, version } => expect(*key, *version, self.version(*key))?,
                Guard::NoChildren { relation, parent } => {
                    let spec = relation.spec();
                    if self.names(spec.from, spec.field, *parent) {
                        return Err(format!("StillReferenced {parent} {relation}"));
                    }
                }
                Guard::Empty(entity) => {
                    if self.rows.keys().any(|key| key.entity == *entity) {
                        return Err("AlreadyBootstrapped".to_owned());
                    }
                }
                _ => panic!("a new guard"),
            }
        }
        let before = self.clone();
        let mut written = Vec::new();
        let mut numbers = Vec::new();
        for write in &change.writes {
            let key = match write {
                Write::Insert(row) => {
                    let mut row = row.clone();
                    let key = row.key();
                    expect(key, Version(0), self.version(key))?;
                    if key.entity.is_numbered() {
                        let number = self.numbers.entry(key.entity).or_default();
                        *number += 1;
                        row.set_number(*number);
                        numbers.push((key, *number));
                    }
                    self.rows.insert(key, row);
                    key
                }
                Write::Update(row) => {
                    let mut row = row.clone();
                    let key = row.key();
                    self.stands(key, Version(row.version().0 - 1))?;
                    if let Some(number) = self.rows[&key].number() {
                        row.set_number(number);
                    }
                    self.rows.insert(key, row);
                    key
                }
                Write::Delete { key, expected } => {
                    self.stands(*key, *expected)?;
                    self.rows.remove(key);
                    *key
                }
                _ => panic!("a new write"),
            };
            if !written.contains(&key) {
                written.push(key);
            }
        }
        self.check(&before, &written)?;
        for entry in &change.history {
            self.history.insert((entry.key, entry.version), entry.clone());
        }
        Ok(numbers)
    }

    fn check(&self, before: &Self, written: &[Key]) -> Result<(), Refused> {
        let changed = |key: &Key, field| {
            let old = before.rows.get(key).map_or(Value::Null, |row| row.value(field));
            let new = self.rows.get(key).map_or(Value::Null, |row| row.value(field));
            (old != new && !new.is_null()).then_some(new)
        };
        for key in written {
            for field in uniques(key.entity) {
                let Some(value) = changed(key, *field) else { continue };
                let others = self.rows.values().filter(|row| row.key().entity == key.entity && row.key() != *key);
                if others.into_iter().any(|row| row.value(*field) == value) {
                    return Err(format!("Duplicate {} {field}", key.entity));
                }
            }
        }
        for key in written {
            for spec in relations_from(key.entity) {
                let Some(id) = changed(key, spec.field).and_then(|value| value.as_id()) else { continue };
                let parent = Key { entity: spec.to, id };
                if !self.rows.contains_key(&parent) {
                    return Err(format!("MissingParent {} {parent}", spec.relation));
                }
            }
        }
        for key in written.iter().filter(|key| before.rows.contains_key(key) && !self.rows.contains_key(key)) {
            for spec in relations_to(key.entity) {
                if self.names(spec.from, spec.field, *key) {
                    return Err(format!("StillReferenced {key} {}", spec.relation));
                }
            }
        }
        Ok(())
    }

    /// A row must be there to be changed, whatever version is expected of it.
    fn stands(&self, key: Key, expected: Version) -> Result<(), Refused> {
        let found = self.version(key);
        if self.rows.contains_key(&key) { expect(key, expected, found) } else { Err(conflict(key, expected, found)) }
    }

    fn names(&self, from: Entity, field: bsm_core::schema::Field, parent: Key) -> bool {
        self.rows.values().any(|row| row.key().entity == from && row.value(field).as_id() == Some(parent.id))
    }

    /// All counters, recounted.
    pub fn counters(&self) -> BTreeMap<(Counter, Vec<String>), i128> {
        let mut counters = BTreeMap::new();
        for row in self.rows.values() {
            for (counter, values, amount) in contributions(row) {
                let texts = values.iter().map(|value| value.to_text().unwrap_or_default()).collect();
                *counters.entry((counter, texts)).or_default() += amount;
            }
        }
        counters.retain(|_, sum| *sum != 0);
        counters
    }

    /// What a scan must answer: rows, where to go on, rows looked at.
    pub fn scan(&self, scan: &Scan) -> (Vec<Row>, Option<uuid::Uuid>, usize) {
        let mut places: Vec<(&Row, usize)> = Vec::new();
        for (number, branch) in scan.branches.iter().enumerate() {
            places.extend(self.rows.values().filter(|row| row.entity() == branch.index.entity).filter_map(|row| {
                let fields = branch.index.fields();
                let stands = fields.iter().zip(&branch.values).all(|(field, value)| row.value(*field) == *value)
                    && fields.first().is_none_or(|first| !row.value(*first).is_null());
                stands.then_some((row, number))
            }));
        }
        let (from, to) = scan.within.ids();
        places.retain(|(row, _)| {
            let id = row.key().id;
            let within = scan.within.from.is_none_or(|_| id >= from) && scan.within.to.is_none_or(|_| id <= to);
            let behind = scan.after.is_none_or(|after| match scan.order {
                Order::OldestFirst => id > after,
                Order::NewestFirst => id < after,
            });
            within && behind
        });
        places.sort_by_key(|(row, _)| row.key().id);
        if scan.order == Order::NewestFirst {
            places.reverse();
        }
        let (mut rows, mut resume, mut examined) = (Vec::new(), scan.after, 0);
        let mut rest = places.into_iter().peekable();
        while rest.peek().is_some() && rows.len() < scan.limit && examined < scan.budget {
            let Some((row, number)) = rest.next() else { break };
            examined += 1;
            resume = Some(row.key().id);
            if scan.branches[number].lets_through(row) {
                rows.push(row.clone());
            }
        }
        if rest.peek().is_none() {
            resume = None;
        }
        (rows, resume, examined)
    }

    /// The keys of what the rows name by the relations.
    pub fn followed(rows: &[Row], follow: &[Relation]) -> Vec<Key> {
        let named = rows.iter().flat_map(|row| {
            let asked = relations_from(row.entity()).filter(|spec| follow.contains(&spec.relation));
            asked.filter_map(|spec| Some(Key { entity: spec.to, id: row.value(spec.field).as_id()? }))
        });
        let named: std::collections::BTreeSet<Key> = named.collect();
        named.into_iter().collect()
    }
}

fn expect(key: Key, expected: Version, found: Version) -> Result<(), Refused> {
    if expected == found { Ok(()) } else { Err(conflict(key, expected, found)) }
}

fn conflict(key: Key, expected: Version, found: Version) -> Refused {
    format!("Conflict {key} {expected} {found}")
}

/// A store's refusal in the same words.
pub fn refusal(error: &bsm_core::Error) -> Refused {
    use bsm_core::Error;
    match error {
        Error::Conflict { key, expected, found } => format!("Conflict {key} {expected} {found}"),
        Error::StillReferenced { key, relation } => format!("StillReferenced {key} {relation}"),
        Error::Duplicate { entity, field } => format!("Duplicate {entity} {field}"),
        Error::MissingParent { relation, parent } => format!("MissingParent {relation} {parent}"),
        Error::AlreadyBootstrapped => "AlreadyBootstrapped".to_owned(),
        other => panic!("not a refusal: {other:?}"),
    }
}
