//! Idempotency keys: what was answered, and until when it is kept. Called while a command is committed, and by reads.

use bsm_core::model::{Entity, Key, UserId};
use bsm_core::store::{Idempotency, Remembered};
use bsm_core::{Error, model::Timestamp};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::fault::Fault;
use crate::names::Statement;
use crate::query::Parameter;
use crate::store::Desk;
use crate::wide::{Columns, Slot, Told, Wide};

/// How many keys that are past their time a command with a key of its own cleans up. More than one, so that they don't
/// pile up.
const FORGET_AT_ONCE: i64 = 4;

/// The statements of this room.
#[derive(Debug)]
pub(crate) struct Statements {
    claim: Statement,
    forget: Statement,
}

impl Statements {
    pub(crate) fn new(statement: impl Fn(&str) -> Statement) -> Self {
        Self {
            // Whoever comes second waits here until the first is done, and then finds the key.
            claim: statement(
                "INSERT INTO {}.idempotency_keys AS old (actor, key, digest, answer_entity, answer_id, keep_until) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (actor, key) DO UPDATE SET digest = excluded.digest, \
                 answer_entity = excluded.answer_entity, answer_id = excluded.answer_id, \
                 keep_until = excluded.keep_until WHERE old.keep_until <= $7 RETURNING true",
            ),
            forget: statement(
                "DELETE FROM {}.idempotency_keys WHERE (actor, key) IN (SELECT actor, key FROM {}.idempotency_keys \
                 WHERE keep_until <= $1 ORDER BY keep_until LIMIT $2 FOR UPDATE SKIP LOCKED)",
            ),
        }
    }
}

/// Takes the key for this command; or, if it was taken and is still kept, the row that answers.
///
/// # Errors
/// [`Error::KeyReused`] for a key that stands for another command.
pub(crate) async fn claim(
    desk: &Desk,
    connection: &mut PgConnection,
    given: &Idempotency,
    now: Timestamp,
) -> Result<Option<Key>, Fault> {
    if given.key.contains('\0') {
        return Err(desk.unsupported("the character NUL in an idempotency key").into());
    }
    loop {
        let Idempotency { actor, key, digest, answer, keep_until } = given;
        let claim = desk.remembers.claim.query().bind(actor.as_uuid()).bind(key.clone()).bind(digest.to_vec());
        let claim = claim.bind(answer.entity.as_str()).bind(answer.id).bind(keep_until.to_datetime());
        if claim.bind(now.to_datetime()).fetch_optional(&mut *connection).await?.is_some() {
            let forget = desk.remembers.forget.query().bind(now.to_datetime()).bind(FORGET_AT_ONCE);
            forget.execute(&mut *connection).await?;
            return Ok(None);
        }
        match known(desk, connection, *actor, key).await? {
            Some(known) if known.digest == *digest => return Ok(Some(known.answer)),
            Some(_) => return Err(Error::KeyReused.into()),
            // It was forgotten between the two statements.
            None => {}
        }
    }
}

/// The command that a key stands for.
pub(crate) async fn known(
    desk: &Desk,
    connection: &mut PgConnection,
    actor: UserId,
    key: &str,
) -> Result<Option<Remembered>, Fault> {
    let mut wide = Wide::new(&desk.names);
    add(desk, &mut wide, 0, actor, key);
    let Some(asked) = wide.finish() else { return Ok(None) };
    let layout = asked.layout;
    let row = asked.query().fetch_optional(connection).await?;
    row.map(|row| told(desk, Told::new(&row, layout))).transpose()
}

/// Adds the look for a key to a statement. The server knows no key with the character NUL.
pub(crate) fn add(desk: &Desk, wide: &mut Wide<'_>, tag: i64, actor: UserId, key: &str) {
    if key.contains('\0') {
        return;
    }
    let actor = wide.given(Parameter::Id(actor.as_uuid()), "uuid");
    let actor = wide.sought(&actor);
    let key = wide.given(Parameter::Text(key.to_owned()), "text COLLATE \"C\"");
    // As digits, since how bytes are shown is a setting of the connection's.
    let columns = [
        (Slot::Text, "encode(digest, 'hex')"),
        (Slot::Text, "answer_entity"),
        (Slot::Id, "answer_id"),
        (Slot::Time, "keep_until"),
    ];
    let columns = Columns(columns.map(|(slot, name)| (slot, name.into())).to_vec());
    let from = format!("FROM {}.idempotency_keys WHERE actor = {actor} AND key = {key}", desk.names.quoted());
    wide.part(tag, columns, from);
}

/// What was found by [`add`].
pub(crate) fn told(desk: &Desk, told: Told<'_>) -> Result<Remembered, Fault> {
    let damaged = || desk.damaged("an idempotency key can't be read".to_owned());
    let digest = told.get::<&str>(Slot::Text, 0)?;
    let digest = u128::from_str_radix(digest, 16).ok().filter(|_| digest.len() == 32).ok_or_else(damaged)?;
    let entity: Entity = told.get::<&str>(Slot::Text, 1)?.parse().map_err(|_| damaged())?;
    Ok(Remembered {
        digest: digest.to_be_bytes(),
        answer: Key { entity, id: told.get(Slot::Id, 0)? },
        keep_until: told.get::<DateTime<Utc>>(Slot::Time, 0)?.try_into().map_err(|_| damaged())?,
    })
}
