//! The promises of a desk, on sled: in a folder, with every command synced.

mod common;

bsm_core::conformance_tests!(fresh = crate::common::fresh);
