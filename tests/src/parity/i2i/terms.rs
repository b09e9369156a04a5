//! The CIR term on its own, in all combinations (i2i-dis.md, section 8).

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device};
use cir_core::{Cir, CirConfig, Distance, Draw, Gradients, Moved, Params, Target, add_to};
use cir_i2i::{
    BLOCKS, Domain, ModelConfig, TRANSLATORS, Translators,
    losses::{CirDraw, cir, latent},
};
use cir_ops::Precision;
use serde::Deserialize;

use super::{channels, form, if_expected, take};
use crate::parity::{check::Check, fixture::Fixture};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Terms {
    concat: u8,
    input_dim_a: usize,
    input_dim_b: usize,
    nz: usize,
    width: usize,
    #[serde(rename = "image_size")]
    _image_size: [usize; 2],
    #[serde(rename = "batch_size")]
    _batch_size: usize,
    combinations: Vec<Combination>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Combination {
    name: String,
    moved: Vec<String>,
    distance: Distance,
    target: Target,
    also_moved: bool,
    noise: bool,
}

/// The term in all combinations, and its gradients.
pub(super) fn run(
    fixture: &Fixture,
    settings: &Terms,
    dtype: DType,
    check: &mut Check,
) -> Result<()> {
    let model = ModelConfig {
        form: form(settings.concat),
        image_channels: channels(settings.input_dim_a, settings.input_dim_b)?,
        width: settings.width,
        attribute_width: settings.nz,
        ..ModelConfig::default()
    };
    let params: BTreeMap<_, _> =
        TRANSLATORS.map(|name| (name, Params::new(0))).into_iter().collect();
    let nets = Translators::new(&model, Precision::Full, dtype, &Device::Cpu, |name| {
        params[name].clone()
    })?;
    let mut state = fixture.state("", dtype)?;
    for (name, params) in &params {
        params.load(&take(&mut state, |full| full.starts_with(&format!("{name}."))))?;
    }
    ensure!(state.is_empty(), "no network has {:?}", state.keys().next());
    let partition = model.partition()?;
    for combination in &settings.combinations {
        let name = &combination.name;
        let mut total = None;
        for x in Domain::BOTH {
            let letter = ["A", "B"][x.index()];
            let input = |what: &str| fixture.input(&format!("cir/{what}_{letter}"), dtype);
            let noise = |what: &str| combination.noise.then(|| input(what)).transpose();
            let a = latent(&nets, x, &input("xa")?, noise("noise_a")?.as_ref())?;
            let b = latent(&nets, x, &input("xb")?, noise("noise_b")?.as_ref())?;
            let show = check.expects(&format!("out/{name}.content_code_{letter}"));
            if show {
                check.tensor(&format!("out/{name}.content_code_{letter}"), a.code(0)?, 0.)?;
                check.tensor(&format!("out/{name}.attr_code_{letter}"), a.code(1)?, 0.)?;
            }
            let mut own = None;
            for moved in &combination.moved {
                let block = match &**moved {
                    "content" => 0,
                    "attr" => 1,
                    other => anyhow::bail!("moved: {other:?} is not known"),
                };
                let config = CirConfig {
                    lambda: 1.,
                    moved: Moved::Blocks(vec![BLOCKS[block].into()]),
                    distance: combination.distance,
                    target: combination.target,
                    also_moved: combination.also_moved,
                    ..CirConfig::default()
                };
                let t = input(&format!("t_{moved}"))?;
                let n = t.elem_count();
                let draw = Draw { moved: vec![block], fractions: t.reshape((1, n, 1))? };
                let draw = CirDraw { draw, noise: noise(&format!("noise_again_{moved}"))? };
                let term = Cir::new(config, &partition)?;
                let term = cir(&nets, x, &term, [&a, &b], &draw)?;
                if show {
                    let image = format!("out/{name}.{moved}_image_{letter}");
                    check.tensor(&image, &term.images, 0.)?;
                    let again = format!("out/{name}.{moved}_again_{letter}");
                    check.tensor(&again, term.latent.code(1 - block)?, 0.)?;
                }
                add_to(&mut own, term.value)?;
            }
            let own = own.with_context(|| format!("{name}: nothing moves"))?;
            let value = own.to_dtype(DType::F64)?.to_scalar()?;
            check.number(&format!("cir/{name}/{letter}"), value)?;
            add_to(&mut total, own)?;
        }
        let total = total.context("no domain")?;
        check.number(&format!("cir/{name}"), total.to_dtype(DType::F64)?.to_scalar()?)?;
        let mut store = cir_ops::backward(&total)?;
        for params in params.values() {
            let mut gradients = Gradients::new();
            gradients.accumulate(params, &mut store)?;
            for (parameter, gradient) in gradients.tensors() {
                if_expected(&format!("cirgrad/{name}/{parameter}"), gradient, check)?;
            }
        }
    }
    Ok(())
}
