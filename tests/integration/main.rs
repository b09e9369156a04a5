//! Tests that span the crates.

mod examples;
mod parity;
