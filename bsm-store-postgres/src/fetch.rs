//! Rows by id, by a unique field, and those that rows name: whoever needs them, commands, reads, pages.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

use bsm_core::model::{Entity, Key, Row};
use bsm_core::schema::{Field, Relation, relations, relations_from};
use bsm_core::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::fault::Fault;
use crate::mark::{self, Needed};
use crate::names::{Statement, array_type};
use crate::query::Parameter;
use crate::record;
use crate::scan::Page;
use crate::store::Desk;
use crate::wide::{Asked, Layout, Slot, Told, Wide};

/// Which rows are asked for.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) get: BTreeMap<Entity, Vec<Uuid>>,
    /// By unique fields, the values as text.
    pub(crate) find: BTreeMap<(Entity, Field), Vec<String>>,
    /// What these rows name, and those of the page, is asked for as well.
    pub(crate) follow: Vec<Relation>,
}

impl Wanted {
    /// Rows by their keys.
    pub(crate) fn by_key(keys: impl IntoIterator<Item = Key>) -> Self {
        let mut get: BTreeMap<Entity, Vec<Uuid>> = BTreeMap::new();
        for key in keys {
            get.entry(key.entity).or_default().push(key.id);
        }
        for ids in get.values_mut() {
            ids.sort_unstable();
            ids.dedup();
        }
        Self { get, ..Self::default() }
    }

    /// Adds them to a statement. Each row is a part of its entity's code.
    pub(crate) fn add(self, desk: &Desk, wide: &mut Wide<'_>, page: Option<&Page<'_>>) {
        let mut lookups: BTreeMap<Entity, Vec<String>> = BTreeMap::new();
        for (entity, ids) in self.get {
            let ids = wide.given(Parameter::Ids(ids), "uuid[]");
            lookups.entry(entity).or_default().push(format!("id = ANY({})", wide.sought(&ids)));
        }
        for ((entity, field), values) in self.find {
            let Some(column) = record::column(entity, field) else { continue };
            let values = wide.given(Parameter::Texts(values), array_type(column));
            lookups.entry(entity).or_default().push(format!("{field} = ANY({})", wide.sought(&values)));
        }
        // Where rows lie whose fields name others, and which of them.
        let mut sources: Vec<(Entity, String)> = page.map(Page::sources).unwrap_or_default();
        for (entity, lookups) in lookups {
            let columns = record::row_columns(entity);
            let table = &desk.names.table(entity).name;
            if relations_from(entity).any(|spec| self.follow.contains(&spec.relation)) {
                let name = format!("e{}", entity.code());
                let all = columns.filled(columns.widths(), true);
                let selects = lookups.iter().map(|lookup| format!("SELECT {all} FROM {table} WHERE {lookup}"));
                wide.with(&name, &selects.collect::<Vec<_>>().join(" UNION ALL "));
                wide.part(tag(entity), columns.widths().names(), format!("FROM {name}"));
                sources.push((entity, name));
            } else {
                for lookup in lookups {
                    wide.part(tag(entity), columns.clone(), format!("FROM {table} WHERE {lookup}"));
                }
            }
        }
        let mut named: BTreeMap<Entity, Vec<String>> = BTreeMap::new();
        for spec in relations().iter().filter(|spec| self.follow.contains(&spec.relation)) {
            let Some((slot, nth)) = record::place(spec.from, spec.field) else { continue };
            for (_, source) in sources.iter().filter(|(entity, _)| *entity == spec.from) {
                named.entry(spec.to).or_default().push(format!("SELECT {} FROM {source}", slot.name(nth)));
            }
        }
        for (entity, selects) in named {
            let ids = wide.sought(&format!("ARRAY({})", selects.join(" UNION ALL ")));
            let from = format!("FROM {} WHERE id = ANY({ids})", desk.names.table(entity).name);
            wide.part(tag(entity), record::row_columns(entity), from);
        }
    }

    /// A statement for them alone; `None` if nothing is asked for.
    ///
    /// Of more than two entities it asks for all, so that there are few texts: each connection prepares each one that it
    /// comes to know.
    pub(crate) fn alone(mut self, desk: &Desk, needed: &Needed) -> Option<Asked> {
        if self.get.len() > 2 {
            for entity in Entity::ALL {
                self.get.entry(*entity).or_default();
            }
        }
        let Some((entities, follow)) = self.shape() else { return self.anew(desk, needed) };
        let shape = (entities, follow, needed.shape());
        if let Some((statement, layout)) = desk.shapes.get(shape) {
            let parameters = self.get.into_values().map(Parameter::Ids).chain(needed.parameters()).collect();
            return Some(Asked { statement, layout, parameters });
        }
        let asked = self.anew(desk, needed)?;
        desk.shapes.keep(shape, &asked);
        Some(asked)
    }

    fn anew(self, desk: &Desk, needed: &Needed) -> Option<Asked> {
        let mut wide = Wide::new(&desk.names);
        self.add(desk, &mut wide, None);
        if !wide.is_empty() {
            needed.add(desk, &mut wide);
        }
        wide.finish()
    }

    /// What its statement depends on, if that is kept.
    fn shape(&self) -> Option<(u64, u64)> {
        let entities = bits(self.get.keys().map(|entity| entity.code()))?;
        let follow = bits(self.follow.iter().map(|relation| relation.code()))?;
        self.find.is_empty().then_some((entities, follow))
    }
}

/// Codes as bits of one number, if they are that small.
fn bits(mut codes: impl Iterator<Item = u8>) -> Option<u64> {
    codes.try_fold(0, |all, code| Some(all | 1_u64.checked_shl(code.into())?))
}

/// The entities of a statement, and the relations that it follows, each as a bit; and how it looks for marks.
type Shape = (u64, u64, u8);

/// How many statements are kept. There are hardly that many.
const SHAPES: usize = 512;

/// Statements for rows alone. They are kept, since to put one together takes as long as to understand its answer.
#[derive(Default)]
pub(crate) struct Shapes(RwLock<HashMap<Shape, (Statement, Layout)>>);

impl Shapes {
    fn get(&self, shape: Shape) -> Option<(Statement, Layout)> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&shape).cloned()
    }

    fn keep(&self, shape: Shape, asked: &Asked) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < SHAPES {
            kept.insert(shape, (asked.statement.clone(), asked.layout));
        }
    }
}

/// The tag of a part that is rows.
fn tag(entity: Entity) -> i64 {
    entity.code().into()
}

/// Rows that were told, and those that can't be read.
#[derive(Debug, Default)]
pub(crate) struct Rows(HashMap<Key, Result<Row, String>>);

impl Rows {
    /// Takes a row in.
    pub(crate) fn take(&mut self, desk: &Desk, told: Told<'_>) -> Result<(), Fault> {
        let entity = u8::try_from(told.tag()?).ok().and_then(Entity::from_code);
        let entity = entity.ok_or_else(|| desk.damaged("a row that nobody asked for".to_owned()))?;
        let id = told.get(Slot::Id, 0)?;
        let row = match record::from_columns(&desk.name, entity, told) {
            Ok(row) => Ok(row),
            Err(Error::Damaged { detail, .. }) => Err(detail),
            Err(error) => return Err(error.into()),
        };
        self.0.insert(Key { entity, id }, row);
        Ok(())
    }

    /// The row of a key.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it can't be read.
    pub(crate) fn get(&self, desk: &Desk, key: Key) -> Result<Option<&Row>> {
        match self.0.get(&key) {
            None => Ok(None),
            Some(Ok(row)) => Ok(Some(row)),
            Some(Err(detail)) => Err(desk.damaged(detail.clone())),
        }
    }

    /// All of them.
    pub(crate) fn all(&self, desk: &Desk) -> Result<Vec<&Row>> {
        self.0.values().map(|row| row.as_ref().map_err(|detail| desk.damaged(detail.clone()))).collect()
    }

    /// What a statement for rows alone told.
    ///
    /// `None` if what is needed is not there.
    pub(crate) async fn ask(
        desk: &Desk,
        connection: &mut PgConnection,
        asked: Asked,
        needed: &Needed,
    ) -> Result<Option<Self>, Fault> {
        let layout = asked.layout;
        let (mut rows, mut seen) = (Self::default(), 0);
        for row in asked.query().fetch_all(connection).await? {
            let told = Told::new(&row, layout);
            if told.tag()? == mark::SEEN {
                seen += Needed::counted(told)?;
            } else {
                rows.take(desk, told)?;
            }
        }
        Ok(needed.is_seen(seen).then_some(rows))
    }
}

/// The rows of those keys that are there. One statement.
pub(crate) async fn rows(
    desk: &Desk,
    connection: &mut PgConnection,
    keys: impl IntoIterator<Item = Key>,
) -> Result<HashMap<Key, Row>, Fault> {
    let nothing = Needed::default();
    let Some(asked) = Wanted::by_key(keys).alone(desk, &nothing) else { return Ok(HashMap::new()) };
    let rows = Rows::ask(desk, connection, asked, &nothing).await?.unwrap_or_default();
    let read =
        |(key, row): (Key, Result<Row, String>)| row.map(|row| (key, row)).map_err(|detail| desk.damaged(detail));
    Ok(rows.0.into_iter().map(read).collect::<Result<_>>()?)
}

/// What rows name by the relations.
pub(crate) fn named<'r>(follow: &[Relation], rows: impl IntoIterator<Item = &'r Row>) -> Vec<Key> {
    let named = rows.into_iter().flat_map(|row| {
        let asked = relations_from(row.entity()).filter(|spec| follow.contains(&spec.relation));
        asked.filter_map(|spec| row.value(spec.field).as_id().map(|id| Key { entity: spec.to, id }))
    });
    let mut named: Vec<Key> = named.collect();
    named.sort_unstable();
    named.dedup();
    named
}
