//! GZS-Net (Ge et al., ICLR 2021) with Controllable Interpolation Regularization.
//!
//! An autoencoder whose latent vector is cut into blocks, one per attribute. One step takes groups
//! of images that share one attribute each with a centre, and asks that blocks can be exchanged:
//!
//! - [`Autoencoder`]: encoder and decoder (METHOD.md section 3, gzs.md section 1);
//! - [`Mix`]: a decoded term of the loss is a row that says which image gives which block, and
//!   which image should come out; [`Roles`] writes the rows for any partition;
//! - [`Step`]: the loss, its gradient;
//! - [`Gzs`]: the algorithm that `cir-train` drives;
//! - [`Model`]: what a trained network is used for: encode, synthesise, swap, interpolate.

mod algorithm;
mod autoencoder;
mod batches;
mod config;
mod evaluation;
mod mix;
mod model;
mod passes;
mod published;
mod step;

pub use algorithm::{Gzs, GzsConfig, Sampling};
pub use autoencoder::Autoencoder;
pub use batches::{GroupBatch, Groups};
pub use config::{CirOther, Comparison, LossConfig, ModelConfig, Norm, Output, Strategy};
pub use evaluation::{Evaluation, Recombination, evaluate, recombine};
pub use mix::{Mix, MixKind, Roles};
pub use model::{Model, ModelCard};
pub use published::from_published;
pub use step::{CirStep, Step, StepGradients};
