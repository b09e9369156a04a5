//! Whole training steps, and inference, of the networks of the built-in recipes.

use std::sync::Arc;

use anyhow::{Result, bail};
use candle_core::{DType, Device, Tensor};
use cir_core::Params;
use cir_data::{DataConfig, DataSet};
use cir_gzs::{Autoencoder, Groups, Gzs, GzsConfig};
use cir_ops::Precision;
use cir_train::Algorithm as _;

use crate::{Work, recipe};

/// The recipes by name.
const RECIPES: [(&str, &str); 3] = [
    ("gzs-fonts", include_str!("../../../models/gzs-fonts/recipe.toml")),
    ("gzs-fonts-128", include_str!("../../../models/gzs-fonts-128/recipe.toml")),
    ("gzs-dsprites", include_str!("../../../models/gzs-dsprites/recipe.toml")),
];

/// The recipe's data and algorithm; without CIR, which the programs compared with do not have.
fn recipe(name: &str, batch: usize, precision: Precision) -> Result<(DataConfig, GzsConfig)> {
    let Some((_, text)) = RECIPES.iter().find(|(known, _)| *known == name) else {
        bail!("{name:?}: no built-in recipe")
    };
    let (data, mut config): (_, GzsConfig) = recipe::read(text)?;
    config.cir.lambda = 0.;
    config.sampling.batch = batch;
    config.precision = precision;
    Ok((data, config))
}

/// A step on the same groups of images again and again.
pub(crate) fn training(name: &str, batch: usize, precision: Precision) -> Result<Work> {
    let (data, config) = recipe(name, batch, precision)?;
    let data: Arc<DataSet> = Arc::new(data.open()?);
    let groups = Groups::new(data.clone(), &config, 1)?.batch(1)?;
    let mut gzs = Gzs::new(config, data, u64::MAX, 1, &Device::Cpu)?;
    let mut step = 0;
    let run = move || {
        step += 1;
        gzs.step(step, groups.clone())?;
        Ok(())
    };
    Ok(Work { run: Box::new(run), amount: None })
}

/// E, then D, of `batch` pictures.
pub(crate) fn inference(name: &str, batch: usize, precision: Precision) -> Result<Work> {
    let (_, config) = recipe(name, batch, precision)?;
    let model = config.model;
    let params = Params::new(1);
    Autoencoder::new(&model, params.builder(DType::F32, &Device::Cpu))?;
    let net = Autoencoder::fixed(&model, &params, &Device::Cpu)?.with_precision(precision);
    let (channels, side) = (model.image_channels, model.image_size);
    let images = Tensor::zeros((batch, channels, side, side), DType::F32, &Device::Cpu)?;
    let run = move || {
        std::hint::black_box(net.decode(&net.encode(&images)?)?);
        Ok(())
    };
    Ok(Work { run: Box::new(run), amount: None })
}
