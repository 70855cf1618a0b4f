//! Random commands on a desk in a database and on a plain one, each case in a schema of its own.

mod common;

bsm_core::plain_model_tests!(fresh = common::desk::fresh, others = 24);
