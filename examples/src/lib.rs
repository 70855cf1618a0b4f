//! What the example programs share. The programs themselves are in `src/bin`: `service-desk`, `replay` and
//! `desk-transfer`.

pub mod paging;
