//! The stores that come with the desk, as kinds of addresses.

#[cfg(any(feature = "memory", feature = "sled", feature = "postgres"))]
use std::sync::Arc;

#[cfg(any(feature = "memory", feature = "sled", feature = "postgres"))]
use bsm_core::{Result, store::Store};

#[cfg(any(feature = "memory", feature = "sled", feature = "postgres"))]
use crate::{Address, Factory};
