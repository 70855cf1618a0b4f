//! Counters and the numbers that were given last. Part of answering a read set; writes nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bsm_core::model::{Entity, Value};
use bsm_core::schema::{Counter, Field, counters};
use bsm_core::store::CountQuery;
use bsm_core::{Error, Result};

use crate::fault::Fault;
use crate::query::{Parameter, Texts, array_of_texts};
use crate::record;
use crate::store::Desk;
use crate::wide::{Columns, Slot, Told, Wide};

/// What one query asks for.
#[derive(Debug)]
struct Asked {
    counter: Counter,
    /// How many leading names are given.
    given: usize,
    /// How many names a counter of its family has.
    names: usize,
}

/// The queries of a read set that counters can answer.
#[derive(Debug, Default)]
pub(crate) struct Counts(Vec<Asked>);

/// Counters of a query: the names behind those that were given, and the sum.
type Sums = Vec<(Vec<String>, i128)>;

/// Queries of one family by leading names: arrays of their places in the read set, of the first array of names that counts
/// for each, and of the one behind the last.
#[derive(Default)]
struct Ranges {
    nth: Vec<String>,
    from: Vec<String>,
    to: Vec<String>,
}

impl Counts {
    /// Adds the queries to a statement. Those that name leading values are one part for each family. The families are words of
    /// ours, and stand in the text: so the planner knows how small most of them are.
    pub(crate) fn add(desk: &Desk, wide: &mut Wide<'_>, tag: i64, queries: &[CountQuery]) -> Result<Self> {
        let mut all = Vec::with_capacity(queries.len());
        let mut ranges: BTreeMap<&str, Ranges> = BTreeMap::new();
        for (nth, query) in queries.iter().enumerate() {
            let spec = counters().iter().find(|spec| spec.counter == query.counter);
            let spec = spec.ok_or_else(|| desk.unsupported("a counter of this family"))?;
            if query.prefix.len() > spec.by.len() {
                return Err(desk.unsupported("more values than the counter's family has fields"));
            }
            let given = prefix(spec.entity, spec.by, &query.prefix);
            all.push(Asked { counter: query.counter, given: query.prefix.len(), names: spec.by.len() });
            match given.as_deref().map(<[String]>::split_last) {
                Some(Some((last, leading))) => {
                    ranges.entry(query.counter.as_str()).or_default().add(nth, last, leading);
                }
                Some(None) => add_family(desk, wide, tag, nth, query.counter),
                None => {}
            }
        }
        for (family, ranges) in ranges {
            ranges.ask(desk, wide, tag, family);
        }
        Ok(Self(all))
    }

    /// Takes a counter in.
    pub(crate) fn take(&self, desk: &Desk, sums: &mut [Sums], told: Told<'_>) -> Result<(), Fault> {
        let nth = usize::try_from(told.get::<i64>(Slot::Int, 0)?).ok();
        let asked = nth.and_then(|nth| Some((self.0.get(nth)?, sums.get_mut(nth)?)));
        let Some((asked, sums)) = asked else {
            return Err(desk.damaged("a counter that nobody asked for".to_owned()).into());
        };
        let damaged = || desk.damaged(format!("a counter of {} can't be read", asked.counter));
        let Texts(mut names) = told.get(Slot::Texts, 0)?;
        let sum: i128 = told.get::<&str>(Slot::Text, 0)?.parse().map_err(|_| damaged())?;
        if names.len() != asked.names || sum < 0 {
            return Err(damaged().into());
        }
        sums.push((names.split_off(asked.given), sum));
        Ok(())
    }
}

/// Adds a query of a whole family.
fn add_family(desk: &Desk, wide: &mut Wide<'_>, tag: i64, nth: usize, family: Counter) {
    let sought = wide.sought(&format!("'{family}'::text COLLATE \"C\""));
    let from =
        format!("FROM {}.counters WHERE family = {sought} GROUP BY names HAVING sum(amount) <> 0", desk.names.quoted());
    wide.part(tag, columns(format!("{nth}::bigint"), "sum(amount)::text"), from);
}

fn columns(nth: impl Into<Cow<'static, str>>, amount: &'static str) -> Columns {
    Columns(vec![(Slot::Int, nth.into()), (Slot::Texts, "names".into()), (Slot::Text, amount.into())])
}

impl Ranges {
    /// Adds the counters that begin with some names.
    fn add(&mut self, nth: usize, last: &String, leading: &[String]) {
        let with = |last: &String| array_of_texts(leading.iter().chain([last]));
        self.nth.push(nth.to_string());
        self.from.push(with(last));
        // An array that continues another comes behind it, and before the one whose last text has a character more.
        self.to.push(with(&format!("{last}\u{1}")));
    }

    fn ask(self, desk: &Desk, wide: &mut Wide<'_>, tag: i64, family: &str) {
        let nth = wide.given(Parameter::Texts(self.nth), "text[]::bigint[]");
        let [from, to] = [self.from, self.to].map(|texts| wide.given(Parameter::Texts(texts), "text[]"));
        let (sought, schema) = (wide.sought("first::text[] COLLATE \"C\""), desk.names.quoted());
        // Each is looked up by itself, which OFFSET 0 sees to: a join might read the whole table instead.
        let from = format!(
            "FROM unnest({nth}, {from}, {to}) AS asked (nth, first, behind) \
             CROSS JOIN LATERAL (SELECT names, sum(amount)::text AS amount FROM {schema}.counters \
             WHERE family = '{family}' AND names >= {sought} AND names < behind::text[] COLLATE \"C\" \
             GROUP BY names HAVING sum(amount) <> 0 OFFSET 0) AS found"
        );
        wide.part(tag, columns("nth", "amount"), from);
    }
}

/// The leading names of a counter; `None` if no counter has such values.
fn prefix(entity: Entity, by: &[Field], values: &[Value<'_>]) -> Option<Vec<String>> {
    let pairs = by.iter().zip(values);
    let text = pairs.map(|(field, value)| {
        let column = record::column(entity, *field)?;
        if value.is_null() { Some(String::new()) } else { record::comparable(column, value) }
    });
    text.collect()
}

/// Adds the numbers that were given last to a statement.
pub(crate) fn add_numbers(desk: &Desk, wide: &mut Wide<'_>, tag: i64) {
    for entity in Entity::ALL.iter().filter(|entity| entity.is_numbered()) {
        let columns = [
            (Slot::Int, format!("{}::bigint", entity.code()).into()),
            (Slot::Int, "CASE WHEN is_called THEN last_value ELSE 0 END".into()),
        ];
        wide.part(tag, Columns(columns.to_vec()), format!("FROM {}_number_seq", desk.names.table(*entity).name));
    }
}

/// One of them.
pub(crate) fn number(desk: &Desk, told: Told<'_>) -> Result<(Entity, u32), Fault> {
    let damaged = |of: &str| -> Error { desk.damaged(format!("the numbers of {of} leave their range")) };
    let entity = u8::try_from(told.get::<i64>(Slot::Int, 0)?).ok().and_then(Entity::from_code);
    let entity = entity.ok_or_else(|| damaged("no entity"))?;
    let number = u32::try_from(told.get::<i64>(Slot::Int, 1)?).map_err(|_| damaged(entity.as_str()))?;
    Ok((entity, number))
}
