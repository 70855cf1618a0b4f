//! A whole store, as small as one can be: maps behind a lock, and every question answered by looking at everything.
//!
//! It passes the whole conformance suite, so it tells what a store must do; its comments tell what a real one does
//! otherwise, which is to be quick, to keep more than fits into memory, and to keep it when the process ends.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bsm_core::model::{Entity, HistoryEntry, Key, Row, UserId, Value, Version};
use bsm_core::schema::{Field, Relation, contributions, counters, relations_from, relations_to, uniques};
use bsm_core::store::{
    Answers, Branch, Capabilities, ChangeSet, Committed, CountQuery, FeedEvent, FeedPage, FeedPlace, FeedQuery, Guard,
    HistoryQuery, LogQuery, Order, ReadSet, Remembered, Scan, Scanned, Stamp, Store, UniqueValue, Verification, Write,
    recount,
};
use bsm_core::{Error, IdSource, Result, SystemIds};
use tokio::sync::watch;

/// A desk in memory.
pub struct TinyStore {
    state: Mutex<State>,
    /// Changes when those who wait may have something to see. A real store wakes only those whom a commit concerns.
    events: watch::Sender<()>,
}

/// Everything that is kept.
#[derive(Clone, Default)]
struct State {
    closed: bool,
    epoch: u64,
    rows: BTreeMap<Key, Row>,
    history: BTreeMap<(Key, Version), HistoryEntry>,
    /// What each commit told, by which entries of history. The first has place 1.
    feed: Vec<Vec<(Key, Version)>>,
    numbers: BTreeMap<Entity, u32>,
    remembered: BTreeMap<(UserId, String), Remembered>,
}

impl TinyStore {
    /// An empty state.
    pub fn new() -> Result<Self> {
        // Whoever followed another desk's feed must not take this one's for it.
        Ok(Self::of(State { epoch: SystemIds.bits()?, ..State::default() }))
    }

    fn of(state: State) -> Self {
        Self { state: Mutex::new(state), events: watch::Sender::new(()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Commits work on a copy, so that even one that panicked left nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.lock();
        let closed = || Error::Closed { store: self.to_string(), reason: "it was closed" };
        if state.closed { Err(closed()) } else { Ok(state) }
    }
}

/// Names the store and nothing of what it keeps, which is personal.
impl fmt::Display for TinyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tiny:")
    }
}

impl fmt::Debug for TinyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TinyStore")
    }
}

#[async_trait]
impl Store for TinyStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::least()
    }

    async fn commit(&self, change: ChangeSet) -> Result<Committed> {
        let mut state = self.open()?;
        // All or nothing: on a copy. A real store collects its writes in one batch, or in a transaction, and takes its
        // commands one after another, or locks what it checks. There is no await in here, so nobody can drop it midway.
        let mut next = state.clone();
        let committed = next.commit(change)?;
        *state = next;
        // One that is durable syncs here, before it shows the commit to anybody and before it answers.
        self.events.send_replace(());
        Ok(committed)
    }

    async fn read(&self, set: ReadSet) -> Result<Answers> {
        // Under the lock everything is of one moment, and of now, so a stamp has nothing to wait for.
        let state = self.open()?;
        let numbered = Entity::ALL.iter().filter(|entity| entity.is_numbered());
        let number = |entity: &Entity| (*entity, state.numbers.get(entity).copied().unwrap_or(0));
        let got: Vec<_> = set.get.iter().map(|key| state.rows.get(key).cloned()).collect();
        let found: Vec<_> = set.find.iter().map(|value| state.find(value)).collect::<Result<_>>()?;
        let scanned = set.scan.as_ref().map(|scan| state.scan(scan)).transpose()?;
        let page = scanned.iter().flat_map(|scanned| &scanned.rows);
        Ok(Answers {
            followed: state.followed(&set.follow, got.iter().chain(&found).flatten().chain(page)),
            got,
            found,
            scanned,
            history: set.history.as_ref().map(|query| state.history(query)).unwrap_or_default(),
            log: set.log.as_ref().map(|query| state.log(query)).unwrap_or_default(),
            counts: set.counts.iter().map(|query| state.count(query)).collect::<Result<_>>()?,
            numbers: if set.numbers { numbered.map(number).collect() } else { Vec::new() },
            feed: set.feed.as_ref().map(|query| state.feed(query)),
            used: set.used.and_then(|used| state.remembered.get(&used).cloned()),
        })
    }

    async fn wait(&self, customer: Option<UserId>, after: FeedPlace) -> Result<()> {
        // From here on no word is missed; so look, and then sleep.
        let mut events = self.events.subscribe();
        let query = FeedQuery { customer, after: None, entities: Vec::new(), limit: 0, rows: false };
        loop {
            let feed = self.open()?.feed(&query);
            if feed.epoch != after.epoch || feed.newest > after.place {
                return Ok(());
            }
            let word = events.changed().await;
            word.map_err(|gone| Error::Unavailable { store: self.to_string(), source: gone.into() })?;
        }
    }

    async fn verify(&self) -> Result<Verification> {
        // Of a copy, since commands go on meanwhile. A real store compares key by key, in views that are each of a moment.
        let copy = Self::of(self.open()?.clone());
        recount(&copy).await
    }

    async fn health(&self) -> Result<()> {
        self.open().map(drop)
    }

    async fn close(&self) -> Result<()> {
        self.lock().closed = true;
        self.events.send_replace(());
        Ok(())
    }
}

fn unsupported(what: &'static str) -> Error {
    Error::Unsupported { store: "tiny:".to_owned(), what }
}

impl State {
    fn commit(&mut self, change: ChangeSet) -> Result<Committed> {
        let stamp = Stamp::from_bytes([]);
        let now = change.recorded_at;
        self.remembered.retain(|_, known| known.keep_until > now);
        if let Some(given) = &change.idempotency
            && let Some(known) = self.remembered.get(&(given.actor, given.key.clone()))
        {
            let repeated = Some(known.answer);
            let same = known.digest == given.digest;
            return if same { Ok(Committed { stamp, numbers: Vec::new(), repeated }) } else { Err(Error::KeyReused) };
        }
        change.guards.iter().try_for_each(|guard| self.guard(guard))?;
        let before = self.rows.clone();
        let mut numbers = Vec::new();
        let mut written = Vec::new();
        for write in change.writes {
            written.push(self.write(write, &mut numbers)?);
        }
        self.check(&before, &written)?;
        // A commit without history is no event.
        if !change.history.is_empty() {
            self.feed.push(change.history.iter().map(|entry| (entry.key, entry.version)).collect());
        }
        self.history.extend(change.history.into_iter().map(|entry| ((entry.key, entry.version), entry)));
        if let Some(given) = change.idempotency {
            let kept = Remembered { digest: given.digest, answer: given.answer, keep_until: given.keep_until };
            self.remembered.insert((given.actor, given.key), kept);
        }
        Ok(Committed { stamp, numbers, repeated: None })
    }

    /// The version that stands; 0 if the row is not there.
    fn version(&self, key: Key) -> Version {
        self.rows.get(&key).map_or(Version(0), Row::version)
    }

    fn guard(&self, guard: &Guard) -> Result<()> {
        match *guard {
            Guard::Version { key, version: expected } => match self.version(key) {
                found if found == expected => Ok(()),
                found => Err(Error::Conflict { key, expected, found }),
            },
            Guard::NoChildren { relation, parent } => {
                let spec = relation.spec();
                let named = self.any(spec.from, spec.field, &Value::Id(parent.id));
                if named { Err(Error::StillReferenced { key: parent, relation }) } else { Ok(()) }
            }
            Guard::Empty(entity) if self.of(entity).next().is_none() => Ok(()),
            Guard::Empty(_) => Err(Error::AlreadyBootstrapped),
            // A later release may guard against more. What is not understood must not pass.
            _ => Err(unsupported("a guard of this kind")),
        }
    }

    fn write(&mut self, write: Write, numbers: &mut Vec<(Key, u32)>) -> Result<Key> {
        let (key, expected, row) = match write {
            Write::Insert(row) => (row.key(), None, Some(row)),
            Write::Update(row) => (row.key(), Some(Version(row.version().0.saturating_sub(1))), Some(row)),
            Write::Delete { key, expected } => (key, Some(expected), None),
            _ => return Err(unsupported("a write of this kind")),
        };
        let stands = self.rows.get(&key);
        if stands.map(Row::version) != expected {
            let found = self.version(key);
            return Err(Error::Conflict { key, expected: expected.unwrap_or(Version(0)), found });
        }
        let number = stands.and_then(Row::number);
        self.rows.remove(&key);
        let Some(mut row) = row else { return Ok(key) };
        if expected.is_none() && key.entity.is_numbered() {
            let last = self.numbers.entry(key.entity).or_default();
            *last += 1;
            row.set_number(*last);
            numbers.push((key, *last));
        } else if let Some(number) = number {
            // Once given, it stays, whatever the row says.
            row.set_number(number);
        }
        self.rows.insert(key, row);
        Ok(key)
    }

    /// What must hold when all writes are done, of what they set or changed. The order is part of the promise: unique
    /// fields of all, then the parents that they name, then the children of what is gone.
    fn check(&self, before: &BTreeMap<Key, Row>, written: &[Key]) -> Result<()> {
        let set = |key: &Key, field: Field| {
            let value = |rows| BTreeMap::get(rows, key).map_or(Value::Null, |row: &Row| row.value(field));
            Some(value(&self.rows)).filter(|new| !new.is_null() && *new != value(before))
        };
        for key in written {
            for field in uniques(key.entity) {
                let Some(value) = set(key, *field) else { continue };
                if self.of(key.entity).filter(|row| row.value(*field) == value).count() > 1 {
                    return Err(Error::Duplicate { entity: key.entity, field: *field });
                }
            }
        }
        for key in written {
            for spec in relations_from(key.entity) {
                let Some(id) = set(key, spec.field).and_then(|value| value.as_id()) else { continue };
                let parent = Key { entity: spec.to, id };
                if !self.rows.contains_key(&parent) {
                    return Err(Error::MissingParent { relation: spec.relation, parent });
                }
            }
        }
        for key in written.iter().filter(|key| before.contains_key(key) && !self.rows.contains_key(key)) {
            for spec in relations_to(key.entity) {
                if self.any(spec.from, spec.field, &Value::Id(key.id)) {
                    return Err(Error::StillReferenced { key: *key, relation: spec.relation });
                }
            }
        }
        Ok(())
    }

    fn of(&self, entity: Entity) -> impl Iterator<Item = &Row> {
        self.rows.values().filter(move |row| row.entity() == entity)
    }

    fn any(&self, entity: Entity, field: Field, value: &Value<'_>) -> bool {
        self.of(entity).any(|row| row.value(field) == *value)
    }

    fn find(&self, wanted: &UniqueValue) -> Result<Option<Row>> {
        if !uniques(wanted.entity).contains(&wanted.field) {
            return Err(unsupported("finding a row by a field that is not unique"));
        }
        Ok(self.of(wanted.entity).find(|row| row.value(wanted.field) == wanted.value).cloned())
    }

    /// A real store walks an index for each branch, and merges what they give: it looks at no row outside of them, and at
    /// none behind the last that it needs.
    fn scan(&self, scan: &Scan) -> Result<Scanned> {
        if scan.branches.iter().any(|branch| branch.index.fields().len() != branch.values.len()) {
            return Err(unsupported("a branch without a value for each field of its index"));
        }
        // An index that the schema does not have is without fields, and not the primary key.
        if scan.branches.iter().any(|branch| branch.index.tag != 0 && branch.index.fields().is_empty()) {
            return Err(unsupported("an index that the schema does not have"));
        }
        let stands = |row: &Row, branch: &Branch| {
            let has =
                branch.index.fields().iter().zip(&branch.values).all(|(field, value)| row.value(*field) == *value);
            has && branch.values.first().is_none_or(|first| !first.is_null())
        };
        let ids = scan.ids();
        let mut places: Vec<(&Row, &Branch)> = Vec::new();
        for branch in &scan.branches {
            let rows = self.of(branch.index.entity).filter(|row| stands(row, branch));
            let within = |id| ids.is_some_and(|(first, last)| (first..=last).contains(&id));
            places.extend(rows.filter(|row| within(row.key().id)).map(|row| (row, branch)));
        }
        places.sort_by_key(|(row, _)| row.key().id);
        if scan.order == Order::NewestFirst {
            places.reverse();
        }
        let mut answer = Scanned { resume: scan.after, ..Scanned::default() };
        let mut places = places.into_iter().peekable();
        while answer.rows.len() < scan.limit && answer.examined < scan.budget {
            let Some((row, branch)) = places.next() else { break };
            answer.examined += 1;
            answer.resume = Some(row.key().id);
            if branch.lets_through(row) {
                answer.rows.push(row.clone());
            }
        }
        if places.peek().is_none() {
            answer.resume = None;
        }
        Ok(answer)
    }

    fn followed<'a>(&self, follow: &[Relation], rows: impl Iterator<Item = &'a Row>) -> Vec<Row> {
        let named = rows.flat_map(|row| {
            let asked = relations_from(row.entity()).filter(|spec| follow.contains(&spec.relation));
            asked.filter_map(|spec| Some(Key { entity: spec.to, id: row.value(spec.field).as_id()? }))
        });
        let followed: BTreeMap<Key, &Row> = named.filter_map(|key| Some((key, self.rows.get(&key)?))).collect();
        followed.into_values().cloned().collect()
    }

    fn history(&self, query: &HistoryQuery) -> Vec<HistoryEntry> {
        let mut entries: Vec<&HistoryEntry> = self.history.values().filter(|entry| entry.key == query.key).collect();
        if query.order == Order::NewestFirst {
            entries.reverse();
        }
        let behind = |entry: &&HistoryEntry| match (query.after, query.order) {
            (None, _) => true,
            (Some(after), Order::OldestFirst) => entry.version > after,
            (Some(after), Order::NewestFirst) => entry.version < after,
        };
        entries.into_iter().filter(behind).take(query.limit.saturating_add(1)).cloned().collect()
    }

    fn log(&self, query: &LogQuery) -> Vec<HistoryEntry> {
        let entries = self.history.values().filter(|entry| entry.key.entity == query.entity);
        let behind = entries.filter(|entry| query.after.is_none_or(|after| (entry.key.id, entry.version) > after));
        behind.take(query.limit).cloned().collect()
    }

    /// A real store keeps the sums, and changes them with every commit.
    fn count(&self, query: &CountQuery) -> Result<Vec<(Vec<String>, i128)>> {
        let family = counters().iter().find(|spec| spec.counter == query.counter);
        if family.is_none_or(|spec| query.prefix.len() > spec.by.len()) {
            return Err(unsupported("counters by more values than they have"));
        }
        let mut sums: BTreeMap<Vec<String>, i128> = BTreeMap::new();
        for (counter, values, amount) in self.rows.values().flat_map(contributions) {
            if counter == query.counter && values.starts_with(&query.prefix) {
                let rest = values[query.prefix.len()..].iter().map(|value| value.to_text().unwrap_or_default());
                *sums.entry(rest.collect()).or_default() += amount;
            }
        }
        Ok(sums.into_iter().filter(|(_, sum)| *sum != 0).collect())
    }

    /// A customer's feed has places of its own. A real store keeps for each customer which events are theirs.
    fn feed(&self, query: &FeedQuery) -> FeedPage {
        let theirs = |entry: &&HistoryEntry| query.customer.is_none_or(|customer| entry.subject == Some(customer));
        let told = self.feed.iter().map(|event| event.iter().filter_map(|at| self.history.get(at)).filter(theirs));
        let events = told.map(|entries| entries.cloned().collect::<Vec<_>>()).filter(|entries| !entries.is_empty());
        let mut page = FeedPage { epoch: self.epoch, resume: query.after.unwrap_or(0), ..FeedPage::default() };
        let begin = page.resume;
        let mut changed = BTreeSet::new();
        for (place, mut entries) in (1..).zip(events) {
            page.newest = place;
            if place > begin && place - begin <= query.limit as u64 {
                page.resume = place;
                changed.extend(entries.iter().map(|entry| entry.key).filter(|_| query.rows));
                entries.retain(|entry| query.entities.is_empty() || query.entities.contains(&entry.key.entity));
                if !entries.is_empty() {
                    page.events.push(FeedEvent { place, entries });
                }
            }
        }
        page.rows = changed.into_iter().map(|key| (key, self.rows.get(&key).cloned())).collect();
        page
    }
}
