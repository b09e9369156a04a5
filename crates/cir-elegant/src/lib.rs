//! ELEGANT (Xiao et al., ECCV 2018) with Controllable Interpolation Regularization.
//!
//! A U-Net whose deepest feature map is cut into blocks of channels, one per attribute. Two faces,
//! one with an attribute and one without it, exchange its block; discriminators that know the labels
//! judge the results:
//!
//! - [`Generator`] and [`Discriminators`]: the networks (elegant.md, section 1);
//! - [`Exchange`]: everything that is made of a [`Pair`] of images (section 2);
//! - [`Adversaries`]: both sides with their optimisers, and one update of each (sections 2 and 3);
//! - [`Elegant`]: the algorithm that `cir-train` drives;
//! - [`Model`]: what a trained network is used for (section 4).

mod adversaries;
mod algorithm;
mod batches;
mod config;
mod evaluation;
mod model;
mod network;
mod published;
mod step;
#[cfg(test)]
mod tests;

pub use adversaries::{Adversaries, Update};
pub use algorithm::Elegant;
pub use batches::{PairBatch, Pairs};
pub use config::{ElegantConfig, LossConfig, ModelConfig, Optimisers, Sampling};
pub use evaluation::{Evaluation, Swapped, evaluate, judge, swapped};
pub use model::{Model, ModelCard};
pub use network::{Discriminators, Encoding, Generator};
pub use published::from_published;
pub use step::{CirStep, Exchange, Pair, discriminator_loss, generator_loss};
