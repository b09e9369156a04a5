//! What every algorithm with Controllable Interpolation Regularization shares: the attribute
//! schema, the latent partition, the CIR term, losses, seeded parameters and Adam.
//!
//! The reading order is that of the data: a [`Schema`] says which attributes a picture has, a
//! [`Partition`] which numbers of a [`Latent`] belong to which attribute, [`Cir`] regularises what
//! lies between two latents, [`Losses`] collects the terms, [`Gradients`] their derivatives, and
//! [`Adam`] moves the [`Params`].
//!
//! This crate reads no files and prints nothing.

mod adam;
mod cir;
mod error;
mod fractions;
mod gradients;
mod image;
mod latent;
mod likelihood;
mod losses;
mod moves;
mod params;
mod partition;
mod random;
mod schedule;
mod schema;
mod sections;
mod shards;

pub use adam::{Adam, AdamConfig};
pub use cir::{ChosenMoved, Cir, CirConfig, CirTerm, Distance, Draw, Moved, Scale, Target};
pub use error::{Error, Result};
pub use fractions::{FractionDistribution, Granularity};
pub use gradients::{Gradients, add_to};
pub use image::{Image, PixelRange};
pub use latent::Latent;
pub use likelihood::binary_cross_entropy;
pub use losses::{Losses, Scalars, add_scalar, check_weights};
pub use moves::{Move, Sheet, Tile};
pub use params::{NamedTensors, Params, check_initialisation};
pub use partition::{Block, Partition};
pub use random::{Rng, rng};
pub use schedule::{LrSchedule, Ramp};
pub use schema::{Attribute, Labels, Schema};
pub use sections::{Cut, CutGradients, Section, backward_in_sections};
pub use shards::{Shard, check_batch, mean_of_shards};
