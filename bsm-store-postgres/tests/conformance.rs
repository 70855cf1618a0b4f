//! The promises of a desk, each in a schema of its own.

mod common;

bsm_core::conformance_tests!(fresh = common::desk::fresh);
