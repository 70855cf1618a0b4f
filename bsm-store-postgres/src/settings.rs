//! What the server's settings say of connections like ours, and how transactions that write begin under them.

use std::time::Duration;

use sqlx::Row as _;

use crate::address::Triggers;
use crate::fault::Fault;
use crate::pool::Pool;
use crate::query::Way;
use crate::retry::Patience;

/// Begins whatever writes. Isolation comes from locks; what refers to each other is checked when all is written.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET CONSTRAINTS ALL DEFERRED";

/// Added where the server's settings would acknowledge commits that are not on disk yet.
const SYNCED: &str = "; SET LOCAL synchronous_commit = on";

/// The same through a pooler, whose connections others may have set otherwise since.
const SYNCED_IF_NOT: &str =
    "; SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'";

/// Added where triggers must know what is written by a command, not by hand: they leave versions and history to it.
const AS_COMMAND: &str = "; SET LOCAL bsm.command = 'on'";

/// What is asked of the server's settings. Times are in milliseconds, and 0 where there is no bound.
const SETTINGS: &str = "SELECT current_setting('fsync') = 'on', current_setting('synchronous_commit') = 'off', \
    (SELECT setting::bigint FROM pg_settings WHERE name = 'lock_timeout'), \
    (SELECT setting::bigint FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'), \
     current_setting('default_transaction_isolation') = 'read committed' \
     AND current_setting('default_transaction_read_only') = 'off'";

/// What the server's settings say of connections like ours.
pub(crate) struct Settings {
    pub(crate) durable: bool,
    relaxed: bool,
    lock_timeout: i64,
    idle_timeout: i64,
    pub(crate) is_direct: bool,
}

impl Settings {
    pub(crate) async fn of(pool: &Pool) -> Result<Self, Fault> {
        let mut connection = pool.acquire().await?;
        let row = sqlx::raw_sql(SETTINGS).fetch_one(&mut *connection).await?;
        connection.done();
        Ok(Self {
            durable: row.try_get(0)?,
            relaxed: row.try_get(1)?,
            lock_timeout: row.try_get(2)?,
            idle_timeout: row.try_get(3)?,
            is_direct: row.try_get(4)?,
        })
    }

    pub(crate) fn begin(&self, triggers: Triggers, way: Way) -> String {
        let synced = match way {
            Way::Whole => SYNCED_IF_NOT,
            Way::Prepared if self.relaxed => SYNCED,
            Way::Prepared => "",
        };
        let as_command = if triggers == Triggers::On { AS_COMMAND } else { "" };
        format!("{BEGIN}{synced}{as_command}")
    }

    /// How long a command waits for one lock, in milliseconds. Bounds that are tighter stay as they are.
    pub(crate) fn one_lock(&self, patience: Patience) -> i64 {
        bound(self.lock_timeout, patience.one_lock())
    }

    pub(crate) fn begin_command(&self, triggers: Triggers, way: Way, patience: Patience) -> String {
        let idle = bound(self.idle_timeout, patience.one_try());
        format!(
            "{}; SET LOCAL lock_timeout = {}; SET LOCAL idle_in_transaction_session_timeout = {idle}",
            self.begin(triggers, way),
            self.one_lock(patience)
        )
    }
}

/// The tighter of two bounds in milliseconds, of which the server's is 0 if there is none.
fn bound(there: i64, ours: Duration) -> i64 {
    let ours = i64::try_from(ours.as_millis()).unwrap_or(i64::MAX).max(1);
    if there == 0 { ours } else { ours.min(there) }
}
