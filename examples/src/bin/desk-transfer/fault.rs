//! What can go wrong in a transfer, each told in one line.

use std::io;

use bsm::Error;
use bsm::transfer::TransferError;

/// Why the program ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The desk failed, or the text is no export of one.
    #[error("the desk")]
    Desk(#[from] Error),
    /// The file can't be read or written.
    #[error("the file")]
    File(#[source] io::Error),
    /// There is nothing to be written, copied or recounted: whoever mistypes an address opens a new desk.
    #[error("there is nothing on this desk; is that its address?")]
    Nothing,
    /// What the desk holds does not hold together; the differences were told before.
    #[error("the desk does not hold together: {0} differences")]
    Differs(u64),
    /// The terminal, or what stands in its place, can't be written.
    #[error("standard output")]
    Output(#[source] io::Error),
}

impl From<TransferError> for Fault {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Desk(error) => Self::Desk(error),
            TransferError::Write(error) | TransferError::Read(error) => Self::File(error),
            other => Self::File(io::Error::other(other)),
        }
    }
}

impl Fault {
    /// The fault and what is behind it, in one line.
    pub(crate) fn whole(&self) -> String {
        bsm_examples::line::whole(self)
    }

    /// The program's exit code: 2 for what was asked of it, 1 for everything else.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::Nothing | Self::Desk(Error::InvalidAddress { .. } | Error::NotEmpty { .. }) => 2,
            _ => 1,
        }
    }

    /// Whether whoever read the output went away, as `head` does: nobody is left to be told.
    pub(crate) fn is_end_of_reader(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
