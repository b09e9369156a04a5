//! Tests that span the crates.

mod parity;
