//! Everything that the crate offers, through its public names.

mod config;
mod dsprites;
mod folder;
mod fonts;
mod look;
mod prefetch;
mod samplers;
