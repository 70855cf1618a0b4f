//! What the example programs share. The programs themselves are in `src/bin`: `service-desk` and `replay`.

pub mod paging;
