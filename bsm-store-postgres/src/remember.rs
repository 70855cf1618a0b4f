//! Idempotency keys: what was answered, and until when it is kept. Called while a command is committed, and by reads.

use bsm_core::model::{Entity, Key, UserId};
use bsm_core::store::{Idempotency, Remembered};
use bsm_core::{Error, model::Timestamp};
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row as _};

use crate::fault::Fault;
use crate::names::Statement;
use crate::store::Desk;

/// How many keys that are past their time a command with a key of its own cleans up. More than one, so that they don't
/// pile up.
const FORGET_AT_ONCE: i64 = 4;

/// The statements of this room.
#[derive(Debug)]
pub(crate) struct Statements {
    claim: Statement,
    known: Statement,
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
            known: statement(
                "SELECT digest, answer_entity, answer_id, keep_until FROM {}.idempotency_keys WHERE actor = $1 AND key = $2",
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
    if key.contains('\0') {
        return Ok(None);
    }
    let known = desk.remembers.known.query().bind(actor.as_uuid()).bind(key.to_owned());
    let Some(row) = known.fetch_optional(connection).await? else { return Ok(None) };
    let damaged = || desk.damaged("an idempotency key can't be read".to_owned());
    let digest: Vec<u8> = row.try_get(0)?;
    let entity: Entity = row.try_get::<&str, _>(1)?.parse().map_err(|_| damaged())?;
    Ok(Some(Remembered {
        digest: digest.try_into().map_err(|_| damaged())?,
        answer: Key { entity, id: row.try_get(2)? },
        keep_until: row.try_get::<DateTime<Utc>, _>(3)?.try_into().map_err(|_| damaged())?,
    }))
}
