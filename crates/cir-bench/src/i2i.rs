//! A full iteration of DRIT++ as published, at another crop: every discriminator, then both phases.

use anyhow::Result;
use candle_core::{DType, Device, Tensor};
use cir_core::rng;
use cir_i2i::{Adversaries, I2iConfig, Noise, Views};
use cir_ops::Precision;

use crate::{Work, recipe};

const RECIPE: &str = include_str!("../../../models/i2i-cat2dog/recipe.toml");

/// An iteration on the same pictures again and again; without CIR, which the program compared with
/// has not.
pub(crate) fn training(side: usize, batch: usize, precision: Precision) -> Result<Work> {
    let (_, mut config): (_, I2iConfig) = recipe::read(RECIPE)?;
    config.sampling.crop = side;
    config.sampling.batch = batch;
    config.cir.lambda = 0.;
    config.precision = precision;
    let (n, channels) = (config.sampling.encoded, config.model.image_channels);
    let pictures = |count: usize| -> Result<[Tensor; 2]> {
        let one = || Tensor::rand(-1f32, 1., (count, channels, side, side), &Device::Cpu);
        Ok([one()?, one()?])
    };
    let views = Views { encoded: pictures(n)?, others: pictures(batch - n)? };
    let (dtype, device) = (DType::F32, Device::Cpu);
    let mut rng = rng(1, "bench", 0);
    let mut nets = Adversaries::new(&config, 1, dtype, &device)?;
    let run = move || {
        let noise = Noise::draw(&mut rng, &config.model, &config.loss, [n, side], dtype, &device)?;
        nets.update(&views, &noise, None, 1.)?;
        Ok(())
    };
    Ok(Work { run: Box::new(run), amount: None })
}
