//! Marks of commits: what a read on a replica must find there, so that it is as new as it has to be.
//!
//! **A commit is marked by an entry of history that it wrote.** Who finds the entry sees the whole commit, since a snapshot
//! has all of a transaction or nothing; and entries stay for ever. It is looked up in the statement that reads, and so in the
//! moment that is read. (The server's own answer would be the commit's transaction id and `pg_visible_in_snapshot`; but
//! on a standby the snapshot that a statement can ask for leaves out what is in progress, so a commit that
//! is not replayed yet counts as visible there as soon as a later id is.)
//!
//! **A standby shows commits in the order of the primary's log.** A commit that was sent after another was acknowledged is
//! behind it there, so finding the later one is enough: [`Own`] keeps as many marks as there were commits side by side, one for
//! a lone caller. Nothing is remembered of what some replica has shown, since behind one address may stand several, and
//! a look at an index costs little. It is enough only of a commit that the server answered: one that was dropped, or whose
//! answer was lost, may be anywhere in the log, or nowhere, and its entry be one that another process wrote before. It is
//! looked for as well, and stands for no other.
//!
//! **The feed is a mark too.** Positions are given by a transaction that saw the events, so a replica that has the position
//! has all that came before it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bsm_core::model::{Entity, Key, Version};
use bsm_core::store::{ChangeSet, FeedPlace, Stamp, Write};
use uuid::Uuid;

use crate::history;
use crate::query::Parameter;
use crate::store::Desk;
use crate::wide::{Columns, Slot, Told, Wide};

/// The tag of what a replica says of marks.
pub(crate) const SEEN: i64 = 1006;

/// How many marks a read looks for. More are as many commits side by side, and it is answered by the primary.
const MARKS_MAX: usize = 64;

/// An entry of history that a commit wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    key: Key,
    version: Version,
}

impl Mark {
    /// The mark of a change set; `None` if it writes no row of which its history tells.
    pub(crate) fn of(change: &ChangeSet) -> Option<Self> {
        let told = |key: Key, version: Version| {
            let tells = change.history.iter().any(|entry| entry.key == key && entry.version == version);
            tells.then_some(Self { key, version })
        };
        // Only of a row that is written, since nobody else can have written the entry before.
        change.writes.iter().find_map(|write| match write {
            Write::Insert(row) | Write::Update(row) => told(row.key(), row.version()),
            Write::Delete { key, expected } => told(*key, expected.next()),
            _ => None,
        })
    }

    /// The mark of an entry that a transaction wrote into a history without entries.
    pub(crate) const fn of_entry(key: Key, version: Version) -> Self {
        Self { key, version }
    }

    /// The stamp of a commit. Of one that has no mark it is empty, which only the primary is sure to satisfy.
    pub(crate) fn stamp(mark: Option<Self>) -> Stamp {
        let Some(Self { key, version }) = mark else { return Stamp::from_bytes([]) };
        let mut bytes = Vec::with_capacity(25);
        bytes.push(key.entity.code());
        bytes.extend(key.id.as_bytes());
        bytes.extend(version.0.to_be_bytes());
        Stamp::from_bytes(bytes)
    }

    /// The mark that a stamp holds, if it holds one.
    pub(crate) fn of_stamp(stamp: &Stamp) -> Option<Self> {
        let bytes: &[u8; 25] = stamp.as_bytes().try_into().ok()?;
        let (entity, rest) = bytes.split_first()?;
        let (id, version) = rest.split_at(16);
        let key = Key { entity: Entity::from_code(*entity)?, id: Uuid::from_slice(id).ok()? };
        Some(Self { key, version: Version(u64::from_be_bytes(version.try_into().ok()?)) })
    }
}

/// What a read must find.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needed {
    marks: Vec<Mark>,
    /// How far the desk's feed was told.
    told: Option<FeedPlace>,
}

impl Needed {
    /// Whether it needs nothing.
    pub(crate) const fn is_nothing(&self) -> bool {
        self.marks.is_empty() && self.told.is_none()
    }

    /// The feed as far as this.
    #[cfg(test)]
    pub(crate) const fn told(place: FeedPlace) -> Self {
        Self { marks: Vec::new(), told: Some(place) }
    }

    /// And this one.
    pub(crate) fn and(&mut self, mark: Mark) {
        if !self.marks.contains(&mark) {
            self.marks.push(mark);
        }
    }

    /// Which statement looks for it: there are four.
    pub(crate) fn shape(&self) -> u8 {
        u8::from(!self.marks.is_empty()) + 2 * u8::from(self.told.is_some())
    }

    /// Its parameters, in the order in which [`add`](Self::add) gives them.
    pub(crate) fn parameters(&self) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        if !self.marks.is_empty() {
            let marks = || self.marks.iter();
            parameters.push(Parameter::Texts(marks().map(|mark| mark.key.entity.as_str().to_owned()).collect()));
            parameters.push(Parameter::Ids(marks().map(|mark| mark.key.id).collect()));
            let versions = marks().map(|mark| history::stored(mark.version).to_string());
            parameters.push(Parameter::Texts(versions.collect()));
        }
        if let Some(FeedPlace { epoch, place }) = self.told {
            parameters.push(Parameter::Int(epoch.cast_signed()));
            parameters.push(Parameter::Int(i64::try_from(place).unwrap_or(i64::MAX)));
        }
        parameters
    }

    /// Adds the look for it to a statement.
    pub(crate) fn add(&self, desk: &Desk, wide: &mut Wide<'_>) {
        let casts = [&["text[]", "uuid[]", "text[]::bigint[]"][..], &["bigint", "bigint"]];
        let casts = casts.into_iter().zip([!self.marks.is_empty(), self.told.is_some()]);
        let casts = casts.filter(|(_, is_needed)| *is_needed).flat_map(|(casts, _)| casts);
        let given = self.parameters().into_iter().zip(casts).map(|(given, cast)| wide.given(given, cast));
        let given: Vec<String> = given.collect();
        let schema = desk.names.quoted();
        let count = || Columns(vec![(Slot::Int, "count(*)".into())]);
        let mut rest = &given[..];
        if let [entities, ids, versions, others @ ..] = rest
            && !self.marks.is_empty()
        {
            let id = wide.sought("asked.id");
            // One by one, as history itself is looked up.
            let from = format!(
                "FROM unnest({entities}, {ids}, {versions}) AS asked (of, id, at) CROSS JOIN LATERAL \
                 (SELECT FROM {schema}.history AS found WHERE found.entity = asked.of AND found.row_id = {id} \
                 AND found.version = asked.at OFFSET 0) AS entry"
            );
            wide.part(SEEN, count(), from);
            rest = others;
        }
        if let [epoch, place] = rest {
            let from = format!(
                "FROM {schema}.desk WHERE epoch = {epoch} AND (SELECT max(position) FROM {schema}.feed) >= {place}"
            );
            wide.part(SEEN, count(), from);
        }
    }

    /// Whether it was all there, as the statement counted.
    pub(crate) fn is_seen(&self, counted: i64) -> bool {
        usize::try_from(counted).is_ok_and(|counted| counted == self.marks.len() + usize::from(self.told.is_some()))
    }

    /// What a row of the statement counts.
    pub(crate) fn counted(told: Told<'_>) -> Result<i64, sqlx::Error> {
        told.get(Slot::Int, 0)
    }
}

/// What this store value has acknowledged, and told of the feed.
#[derive(Debug, Default)]
pub(crate) struct Own(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// How many commits were acknowledged.
    count: u64,
    /// Those that none after them stands for.
    last: Vec<Acknowledged>,
    told: Option<FeedPlace>,
}

#[derive(Debug)]
struct Acknowledged {
    nth: u64,
    mark: Option<Mark>,
}

impl Known {
    fn push(&mut self, mark: Option<Mark>) {
        self.count += 1;
        let nth = self.count;
        // What is beyond is at the primary, and not remembered one by one: there may be no end of those that are doubted.
        if self.last.len() > MARKS_MAX {
            self.last.pop();
            self.last.push(Acknowledged { nth, mark: None });
        } else {
            self.last.push(Acknowledged { nth, mark });
        }
    }
}

/// The moment at which a commit began: what was acknowledged by then, comes before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Began(u64);

impl Own {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A commit begins: nothing of it was sent yet.
    pub(crate) fn begins(&self) -> Began {
        Began(self.known().count)
    }

    /// A commit that the server answered is about to be acknowledged. One without a mark is seen at the primary only, until a
    /// later one stands for it.
    pub(crate) fn acknowledged(&self, Began(began): Began, mark: Option<Mark>) {
        let mut known = self.known();
        known.last.retain(|before| before.nth > began);
        known.push(mark);
    }

    /// Nobody knows whether a commit happened, or when: it is looked for, and stands for none before it.
    pub(crate) fn doubted(&self, mark: Option<Mark>) {
        self.known().push(mark);
    }

    /// Somebody is about to be told that the desk's feed goes as far as this.
    pub(crate) fn told(&self, place: FeedPlace) {
        let mut known = self.known();
        if known.told.is_none_or(|told| told.epoch != place.epoch || told.place < place.place) {
            known.told = Some(place);
        }
    }

    /// What a read that begins now must find; `None` if only the primary is sure to have it.
    pub(crate) fn needed(&self) -> Option<Needed> {
        let known = self.known();
        if known.last.len() > MARKS_MAX {
            return None;
        }
        let marks: Vec<Mark> = known.last.iter().map(|last| last.mark).collect::<Option<_>>()?;
        Some(Needed { marks, told: known.told })
    }
}

/// A commit under way. One that is dropped may yet happen, and is looked for as if it had.
#[derive(Debug)]
pub(crate) struct Going<'d> {
    own: Option<&'d Own>,
    began: Began,
    mark: Option<Mark>,
    /// Whether the server answered it.
    is_answered: bool,
}

impl Desk {
    /// A commit begins. Where there are no replicas nothing is noted.
    pub(crate) fn begins(&self, mark: Option<Mark>) -> Going<'_> {
        let own = self.replicas.as_ref().map(|replicas| &replicas.own);
        Going { own, began: own.map_or(Began(0), Own::begins), mark, is_answered: false }
    }

    /// Somebody is about to be told that the feed goes as far as this.
    pub(crate) fn tells(&self, epoch: u64, position: Option<u64>) {
        if let (Some(replicas), Some(place @ 1..)) = (&self.replicas, position) {
            replicas.own.told(FeedPlace { epoch, place });
        }
    }
}

impl Going<'_> {
    /// It happened, as the server answered, and is about to be acknowledged.
    pub(crate) fn happened(mut self, mark: Option<Mark>) {
        self.mark = mark;
        self.is_answered = true;
    }

    /// It had happened before, nobody knows when, and is about to be acknowledged.
    pub(crate) fn had_happened(mut self, mark: Option<Mark>) {
        self.mark = mark;
    }

    /// It did not happen, or was noted already.
    pub(crate) fn over(mut self) {
        self.own = None;
    }
}

impl Drop for Going<'_> {
    fn drop(&mut self) {
        match self.own {
            Some(own) if self.is_answered => own.acknowledged(self.began, self.mark),
            Some(own) => own.doubted(self.mark),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(id: u128) -> Mark {
        Mark { key: Key { entity: Entity::Ticket, id: Uuid::from_u128(id) }, version: Version(7) }
    }

    fn marks(own: &Own) -> Option<Vec<Mark>> {
        own.needed().map(|needed| needed.marks)
    }

    #[test]
    fn a_stamp_holds_a_mark_or_nothing() {
        assert_eq!(Mark::of_stamp(&Mark::stamp(Some(mark(3)))), Some(mark(3)));
        assert_eq!(Mark::of_stamp(&Mark::stamp(None)), None);
        assert_eq!(Mark::of_stamp(&Stamp::from_bytes([255; 25])), None, "no entity has that code");
        assert_eq!(Mark::of_stamp(&Stamp::from_bytes([1; 26])), None);
    }

    #[test]
    fn a_later_commit_stands_for_those_that_were_acknowledged_before_it_began() {
        let own = Own::default();
        for id in 1..=3 {
            let began = own.begins();
            own.acknowledged(began, Some(mark(id)));
        }
        assert_eq!(marks(&own), Some(vec![mark(3)]));
        // Side by side, whichever ends first: each is needed.
        let (first, second) = (own.begins(), own.begins());
        own.acknowledged(second, Some(mark(5)));
        assert_eq!(marks(&own), Some(vec![mark(5)]));
        let third = own.begins();
        own.acknowledged(first, Some(mark(4)));
        assert_eq!(marks(&own), Some(vec![mark(5), mark(4)]), "the one began before the other ended");
        own.acknowledged(third, Some(mark(6)));
        assert_eq!(marks(&own), Some(vec![mark(4), mark(6)]));
    }

    #[test]
    fn one_that_nobody_knows_of_stands_for_none_before_it() {
        let own = Own::default();
        let going = |id| Going { own: Some(&own), began: own.begins(), mark: Some(mark(id)), is_answered: false };
        going(1).happened(Some(mark(1)));
        // Its entry may be somebody else's, who wrote it before the first was sent.
        drop(going(2));
        assert_eq!(marks(&own), Some(vec![mark(1), mark(2)]));
        going(3).over();
        assert_eq!(marks(&own), Some(vec![mark(1), mark(2)]));
        going(3).had_happened(Some(mark(3)));
        assert_eq!(marks(&own), Some(vec![mark(1), mark(2), mark(3)]));
        going(4).happened(Some(mark(4)));
        assert_eq!(marks(&own), Some(vec![mark(4)]));
    }

    #[test]
    fn however_many_are_doubted_they_take_no_more_room() {
        let own = Own::default();
        own.acknowledged(own.begins(), Some(mark(0)));
        let began = own.begins();
        for id in 1..=1000 {
            own.doubted(Some(mark(id)));
        }
        assert_eq!((marks(&own), own.known().last.len()), (None, MARKS_MAX + 1));
        own.acknowledged(began, Some(mark(1001)));
        assert_eq!(marks(&own), None, "it began before all of them");
        own.acknowledged(own.begins(), Some(mark(1002)));
        assert_eq!(marks(&own), Some(vec![mark(1002)]));
    }

    #[test]
    fn one_without_a_mark_is_at_the_primary_until_a_later_one() {
        let own = Own::default();
        assert_eq!(own.needed(), Some(Needed::default()));
        let (first, second) = (own.begins(), own.begins());
        own.acknowledged(first, None);
        own.acknowledged(second, Some(mark(1)));
        assert_eq!(marks(&own), None, "the second may come before the first");
        let third = own.begins();
        own.acknowledged(third, Some(mark(2)));
        assert_eq!(marks(&own), Some(vec![mark(2)]));
    }

    #[test]
    fn too_many_side_by_side_are_at_the_primary() {
        let own = Own::default();
        let began: Vec<Began> = (0..=MARKS_MAX).map(|_| own.begins()).collect();
        for (id, began) in began.into_iter().enumerate() {
            assert!(marks(&own).is_some());
            own.acknowledged(began, Some(mark(id as u128)));
        }
        assert_eq!(marks(&own), None);
    }

    #[test]
    fn the_feed_was_told_as_far_as_it_was_told_in_its_epoch() {
        let own = Own::default();
        let place = |epoch, place| FeedPlace { epoch, place };
        for (told, stands) in [
            (place(1, 5), place(1, 5)),
            (place(1, 3), place(1, 5)),
            (place(2, 1), place(2, 1)),
            (place(2, 2), place(2, 2)),
        ] {
            own.told(told);
            assert_eq!(own.needed().and_then(|needed| needed.told), Some(stands));
        }
    }
}
