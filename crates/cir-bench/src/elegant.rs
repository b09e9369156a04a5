//! A training step of ELEGANT as published, at another side: every attribute, both sides updated.

use anyhow::Result;
use candle_core::{DType, Device, Tensor};
use cir_elegant::{Adversaries, ElegantConfig, Pair};
use cir_ops::Precision;

use crate::{Work, recipe};

const RECIPE: &str = include_str!("../../../models/elegant-celeba/recipe.toml");

/// A step on the same pairs again and again; without CIR, which the program compared with has not.
pub(crate) fn training(side: usize, batch: usize, precision: Precision) -> Result<Work> {
    let (_, mut config): (_, ElegantConfig) = recipe::read(RECIPE)?;
    config.model.image_size = side;
    config.sampling.batch = batch;
    config.cir.lambda = 0.;
    config.precision = precision;
    let (attributes, channels) = (config.model.attributes.len(), config.model.image_channels);
    let shape = (2 * batch, channels, side, side);
    let pair = |_| -> Result<Pair> {
        Ok(Pair {
            images: Tensor::rand(-1f32, 1., shape, &Device::Cpu)?,
            labels: Tensor::rand(0f32, 2., (2 * batch, attributes), &Device::Cpu)?.floor()?,
        })
    };
    let pairs = (0..attributes).map(pair).collect::<Result<Vec<_>>>()?;
    let mut nets = Adversaries::new(&config, 1, DType::F32, &Device::Cpu)?;
    let run = move || {
        for (trained, pair) in pairs.iter().enumerate() {
            nets.update(trained, pair, None, 1.)?;
        }
        Ok(())
    };
    Ok(Work { run: Box::new(run), amount: None })
}
