//! New rows and new history in bulk, by `COPY`: for an import, in whose parts nearly everything is new.
//!
//! `COPY` refuses a row that is there, and says so only at its end. So what can't be new for certain goes the way of
//! commands: [`Seen`] tells the two apart without asking the server. An export is written in the order of the keys, and only
//! what changed meanwhile comes out of it.

use std::collections::BTreeMap;

use bsm_core::model::{Actor, Entity, HistoryEntry, Key, Row, Version};
use bsm_core::schema::columns;
use bsm_core::store::ImportPart;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::fault::Fault;
use crate::names::Names;
use crate::store::Desk;
use crate::write;

/// How far an import has come, in the order of the keys: what lies behind is new.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The highest id of each entity, of rows that stand and of those that are gone.
    rows: BTreeMap<Entity, Uuid>,
    /// The highest entry.
    told: Option<(Key, Version)>,
}

impl Seen {
    /// Whether all rows of the part are new, and no row is gone. Goes on behind them.
    pub(crate) fn rows_are_new(&mut self, part: &ImportPart) -> bool {
        let keys = part.rows.iter().map(Row::key).chain(part.gone.iter().copied());
        let mut all = part.gone.is_empty();
        for Key { entity, id } in keys {
            let highest = self.rows.entry(entity).or_default();
            all &= id > *highest;
            *highest = id.max(*highest);
        }
        all
    }

    /// Whether all history of the part is new. Goes on behind it.
    pub(crate) fn history_is_new(&mut self, part: &ImportPart) -> bool {
        let mut all = true;
        for entry in &part.history {
            let told = Some((entry.key, entry.version));
            all &= told > self.told;
            self.told = told.max(self.told);
        }
        all
    }
}

/// Rows as the text of a `COPY`: columns apart by tabs, rows by line breaks.
#[derive(Default)]
struct Text(String);

impl Text {
    fn column(&mut self, text: Option<&str>) {
        let Some(text) = text else {
            self.0.push_str("\\N\t");
            return;
        };
        let mut rest = text;
        while let Some(at) = rest.find(['\\', '\n', '\r', '\t']) {
            self.0.push_str(&rest[..at]);
            self.0.push_str(match rest.as_bytes()[at] {
                b'\\' => "\\\\",
                b'\n' => "\\n",
                b'\r' => "\\r",
                _ => "\\t",
            });
            rest = &rest[at + 1..];
        }
        self.0.push_str(rest);
        self.0.push('\t');
    }

    fn end_row(&mut self) {
        self.0.pop();
        self.0.push('\n');
    }

    async fn copy(self, desk: &Desk, connection: &mut PgConnection, how: &str, count: usize) -> Result<(), Fault> {
        let mut copy = connection.copy_in_raw(how).await?;
        copy.send(self.0.into_bytes()).await?;
        let done = copy.finish().await?;
        Ok(write::all_of(desk, count, done)?)
    }
}

/// The statements of this room.
#[derive(Debug)]
pub(crate) struct Statements {
    history: String,
}

impl Statements {
    pub(crate) fn new(names: &Names) -> Self {
        let columns = "entity, row_id, version, action, actor, occurred_at, recorded_at, subject, changes";
        Self { history: format!("COPY {}.history ({columns}) FROM STDIN", names.quoted()) }
    }
}

/// Makes rows of one entity, which must be new.
pub(crate) async fn rows(
    desk: &Desk,
    connection: &mut PgConnection,
    entity: Entity,
    rows: &[&Row],
) -> Result<(), Fault> {
    let mut text = Text::default();
    for row in rows {
        for column in columns(entity).iter().filter(|column| crate::names::is_written(**column)) {
            text.column(row.value(column.field).to_text().as_deref());
        }
        text.end_row();
    }
    text.copy(desk, connection, &desk.names.table(entity).copy, rows.len()).await
}

/// Writes history, which must be new.
pub(crate) async fn history(desk: &Desk, connection: &mut PgConnection, entries: &[HistoryEntry]) -> Result<(), Fault> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut text = Text::default();
    for entry in entries {
        let actor = match entry.actor {
            Actor::System => None,
            Actor::User(user) => Some(user.to_string()),
        };
        let changes = serde_json::to_string(&entry.changes).map_err(|source| desk.unavailable(source))?;
        text.column(Some(entry.key.entity.as_str()));
        text.column(Some(&entry.key.id.to_string()));
        text.column(Some(&entry.version.0.to_string()));
        text.column(Some(entry.action.as_str()));
        text.column(actor.as_deref());
        text.column(Some(&entry.occurred_at.to_string()));
        text.column(Some(&entry.recorded_at.to_string()));
        text.column(entry.subject.map(|subject| subject.to_string()).as_deref());
        text.column(Some(&changes));
        text.end_row();
    }
    text.copy(desk, connection, &desk.bulk.history, entries.len()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: Option<&str>) -> String {
        let mut row = Text::default();
        row.column(text);
        row.end_row();
        row.0
    }

    #[test]
    fn a_column_holds_whatever_a_text_may_hold() {
        assert_eq!(one(None), "\\N\n");
        assert_eq!(one(Some("")), "\n");
        assert_eq!(one(Some("\\N")), "\\\\N\n");
        assert_eq!(one(Some("a\tb\r\nc\\.\u{e9}")), "a\\tb\\r\\nc\\\\.\u{e9}\n");
    }

    #[test]
    fn what_lies_behind_is_new_and_nothing_else() {
        let key = |id| Key { entity: Entity::Ticket, id: Uuid::from_u128(id) };
        let gone = |ids: &[u128]| ImportPart { gone: ids.iter().map(|id| key(*id)).collect(), ..ImportPart::default() };
        let mut seen = Seen::default();
        assert!(seen.rows_are_new(&ImportPart::default()));
        assert!(!seen.rows_are_new(&gone(&[7])));
        assert_eq!(seen.rows.get(&Entity::Ticket), Some(&Uuid::from_u128(7)));
        assert!(!seen.rows_are_new(&gone(&[3])));
        assert_eq!(seen.rows.get(&Entity::Ticket), Some(&Uuid::from_u128(7)));
    }
}
