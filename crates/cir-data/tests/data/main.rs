//! Everything that the crate offers, through its public names.

mod align;
mod celeba;
mod config;
mod dsprites;
mod faces;
mod folder;
mod fonts;
mod look;
mod prefetch;
mod print_hand;
mod published;
mod samplers;
mod sketch;
mod unpaired;
