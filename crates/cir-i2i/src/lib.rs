//! I2I-Dis (DRIT: Lee et al., ECCV 2018; DRIT++: IJCV 2020) with Controllable Interpolation
//! Regularization.
//!
//! A picture is encoded twice: what it shows, a content code that means the same in both domains, and
//! in which manner, an attribute code of its own domain. A picture is translated by decoding its
//! content in the other domain, with the attribute code of another picture or a random one.
//!
//! - [`ContentEncoder`], [`AttributeEncoder`], [`Generator`]: what translates (i2i-dis.md, section 2);
//! - [`Discriminator`], [`ContentDiscriminator`]: what judges (section 2);
//! - [`Translations`]: one forward pass (section 4);
//! - [`losses`]: the terms of both phases (section 4) and the CIR term (section 8);
//! - [`Adversaries`]: all networks with their optimisers, and the two kinds of iteration (section 4);
//! - [`I2i`]: the algorithm that `cir-train` drives;
//! - [`Model`]: what a trained network is used for (section 5).

mod adversaries;
mod algorithm;
mod batches;
mod between;
mod blocks;
mod config;
mod discriminators;
mod domain;
mod encoders;
mod evaluation;
mod generator;
pub mod losses;
mod model;
mod networks;
mod spectral;
#[cfg(test)]
mod tests;
mod translations;
mod weights;

pub use adversaries::{Adversaries, CirStep, ContentUpdate, Update};
pub use algorithm::I2i;
pub use batches::{Batches, ViewBatch};
pub use between::{Between, between};
pub use config::{
    BLOCKS, Form, I2iConfig, ModelConfig, Optimisers, Sampling, Second, Unit, Updates,
};
pub use discriminators::{ContentDiscriminator, Discriminator};
pub use domain::Domain;
pub use encoders::{AttributeEncoder, ContentEncoder, Manner};
pub use evaluation::{Direction, Evaluation, Shown, Truth, evaluate, judge, shown};
pub use generator::{Generator, Prepared};
pub use model::{Model, ModelCard};
pub use networks::{DISCRIMINATORS, Discriminators, TRANSLATORS, Translators};
pub use translations::{Noise, Translations, Views, gaussian};
pub use weights::LossConfig;
