//! Random commands on a desk in a folder, kept by sled, and on a plain one.

mod common;

bsm_core::plain_model_tests!(fresh = crate::common::fresh);
