//! What can go wrong with the server, each told in one line.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use bsm::Error;
use bsm_http::auth::WeakSecret;

/// Why the program ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The desk failed.
    #[error("the desk")]
    Desk(#[from] Error),
    /// Nothing can listen there.
    #[error("listening at {at} (--listen names another address)")]
    Listen { at: SocketAddr, source: io::Error },
    /// The server ended.
    #[error("serving")]
    Serve(#[source] io::Error),
    /// Signals can't be waited for.
    #[error("waiting for a signal")]
    Signal(#[source] io::Error),
    /// The file with the secret can't be read.
    #[error("the secret in {}", path.display())]
    SecretFile { path: PathBuf, source: io::Error },
    /// The secret is too short.
    #[error(transparent)]
    Secret(WeakSecret),
    /// There is no chance to be had.
    #[error("the operating system gives no random bytes")]
    Chance(#[source] getrandom::Error),
}

impl Fault {
    /// The fault and what is behind it, in one line.
    pub(crate) fn whole(&self) -> String {
        bsm_examples::line::whole(self)
    }

    /// The program's exit code: 2 for what was asked of it, 1 for everything else.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::Desk(Error::InvalidAddress { .. } | Error::UnusablePlace { .. })
            | Self::Listen { .. }
            | Self::SecretFile { .. }
            | Self::Secret(_) => 2,
            _ => 1,
        }
    }
}
