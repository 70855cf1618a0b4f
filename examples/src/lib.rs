//! What the example programs share. The programs themselves are in `src/bin`: `service-desk`, `replay`,
//! `desk-transfer` and `desk-server`.

pub mod line;
pub mod paging;
