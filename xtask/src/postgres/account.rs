//! Who runs Postgres: it refuses to run as root, so root hands it to another user.

use std::process::Command;

use crate::failure::{Failure, Result, While};

/// The users that root hands it to, the first that exists.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// A user who is not root.
pub(super) struct Account {
    pub(super) name: &'static str,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// The user to run Postgres as, or None if that is whoever runs this program.
pub(super) fn unprivileged() -> Result<Option<Account>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    for name in CANDIDATES {
        if let (Some(uid), Some(gid)) = (id("-u", name)?, id("-g", name)?)
            && uid != 0
        {
            return Ok(Some(Account { name, uid, gid }));
        }
    }
    let names = CANDIDATES.join(" or ");
    Err(Failure::Because(format!("Postgres refuses to run as root, and there is no user {names} to run it as")))
}

/// A number of `name`, as coreutils' `id` knows it; None if there is no such user.
fn id(which: &str, name: &str) -> Result<Option<u32>> {
    let output = Command::new("id").args([which, name]).output().while_(|| "cannot run id".to_owned())?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse().ok())
}
