//! The service desk in Python: the module `bsm._bsm`, of which the package `bsm` is made.
//!
//! No rule and no logic stands here. Classes wrap what the desk holds (`records`), take what people write (`arguments`,
//! `ids`, `words`), call the portals (`portal`) and wait for them or have them awaited (`ground`, `call`, `watch`).

#![allow(
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    clippy::trivially_copy_pass_by_ref,
    clippy::wrong_self_convention,
    reason = "methods of Python classes own what they are called with, which may be many keywords, and borrow themselves"
)]

mod arguments;
mod call;
mod ending;
mod errors;
mod feed;
mod fork;
mod ground;
mod handle;
mod ids;
mod money;
mod portal;
mod record;
mod records;
mod serve;
mod show;
mod told;
mod watch;
mod words;

use pyo3::prelude::*;

/// What the package `bsm` is made of.
#[pymodule]
mod _bsm {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::money::Money;
    #[pymodule_export]
    use super::portal::{open, open_later, remove, remove_later};
    #[pymodule_export]
    use super::serve::{Server, populate};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::words::add(module)?;
        super::ids::add(module)?;
        super::records::add(module)?;
        super::portal::add(module)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }

    /// Tells the module that this process is a child. For `os.register_at_fork`.
    #[pyfunction]
    fn forked() {
        super::fork::forked();
        super::ending::forked();
    }

    /// Closes every desk that is open. For `atexit`.
    #[pyfunction]
    fn close_all(py: Python<'_>) -> PyResult<()> {
        super::ground::close_all(py)
    }
}
