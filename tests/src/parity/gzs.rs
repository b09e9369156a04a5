//! GZS-Net's fixtures (gzs.md, section 5): training steps, or options of the CIR term one by one.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device, Tensor};
use cir_core::{
    Adam, AdamConfig, Block, Cir, CirConfig, Distance, Draw, Gradients, Granularity, Latent, Moved,
    Params, Partition, Target,
};
use cir_gzs::{
    Autoencoder, CirOther, CirStep, Comparison, LossConfig, ModelConfig, Norm, Output, Roles, Step,
};
use cir_ops::Initialisation;
use serde::Deserialize;

use super::{check::Check, fixture::Fixture};

const NETWORK: &str = "autoencoder.";

#[derive(Deserialize)]
struct Sizes {
    image_size: usize,
    image_channels: usize,
    conv_dim: usize,
    hidden: usize,
    z_dim: usize,
    repeat_num: usize,
    output: Output,
    blocks: Vec<Block>,
    batch: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Training {
    centre: String,
    partners: Vec<String>,
    unsup_donors: Vec<String>,
    recon_images: Vec<String>,
    image_distance: Comparison,
    latent_distance: Comparison,
    lambda_combine: f64,
    lambda_unsup: f64,
    optimizer: Optimizer,
    cycle: Option<Cycle>,
    cir: Option<CirTraining>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Optimizer {
    kind: String,
    lr: f64,
    beta1: f64,
    beta2: f64,
    eps: f64,
    weight_decay: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cycle {
    images: [String; 2],
    lambda: f64,
}

#[derive(Deserialize)]
struct CirTraining {
    anchor: String,
    other: String,
    lambda: f64,
    #[serde(flatten)]
    term: Term,
}

#[derive(Deserialize)]
struct Combination {
    name: String,
    #[serde(flatten)]
    term: Term,
}

#[derive(Deserialize)]
struct Term {
    moved: Vec<String>,
    granularity: Granularity,
    draws: usize,
    distance: Distance,
    target: Target,
    also_moved: bool,
}

impl Term {
    fn bind(&self, lambda: f64, partition: &Partition) -> Result<Cir> {
        let config = CirConfig {
            lambda,
            moved: Moved::Blocks(self.moved.clone()),
            granularity: self.granularity,
            draws: self.draws,
            distance: self.distance,
            target: self.target,
            also_moved: self.also_moved,
            ..CirConfig::default()
        };
        Ok(Cir::new(config, partition)?)
    }

    /// The fixture's fractions, and the moved blocks in block order.
    fn draw(&self, fractions: &Tensor, partition: &Partition) -> Result<Draw> {
        let mut moved =
            self.moved.iter().map(|n| partition.index(n)).collect::<cir_core::Result<Vec<_>>>()?;
        moved.sort_unstable();
        let (draws, batch) = (fractions.dim(0)?, fractions.dim(1)?);
        Ok(Draw { moved, fractions: fractions.reshape((draws, batch, ()))? })
    }
}

/// A network with the fixture's start values.
struct Start {
    batch: usize,
    partition: Partition,
    params: Params,
    net: Autoencoder,
    images_per_pass: usize,
}

impl Start {
    fn new(fixture: &Fixture, sizes: Sizes, dtype: DType) -> Result<Self> {
        let partition = Partition::new(sizes.blocks)?;
        let config = ModelConfig {
            image_size: sizes.image_size,
            image_channels: sizes.image_channels,
            conv_dim: sizes.conv_dim,
            depth: 4,
            edge_kernel: 7,
            hidden: sizes.hidden,
            repeat_num: sizes.repeat_num,
            z_dim: sizes.z_dim,
            output: sizes.output,
            initialisation: Initialisation::Pytorch,
            negative_slope: 0.,
            norm: Norm::Instance,
            blocks: partition.clone(),
        };
        config.check()?;
        let params = Params::new(0);
        let net = Autoencoder::new(&config, params.builder(dtype, &Device::Cpu))?;
        params.load(&fixture.state(NETWORK, dtype)?)?;
        // The published size needs tens of gigabytes in one pass.
        let numbers = sizes.conv_dim * sizes.image_size * sizes.image_size;
        let images_per_pass = (4 << 20) / numbers + 1;
        Ok(Self { batch: sizes.batch, partition, params, net, images_per_pass })
    }
}

/// Runs a fixture of this algorithm.
pub(super) fn run(fixture: &Fixture, dtype: DType, check: &mut Check) -> Result<()> {
    let mut config = fixture.manifest.config.clone();
    let fields = config.as_object_mut().context("config is no object")?;
    let sizes: Sizes = serde_json::from_value(serde_json::Value::Object(fields.clone()))?;
    for known in
        ["image_size", "image_channels", "conv_dim", "hidden", "z_dim", "repeat_num", "output"]
    {
        fields.remove(known);
    }
    fields.remove("blocks");
    fields.remove("batch");
    let combinations = fields.remove("combinations");
    let start = Start::new(fixture, sizes, dtype)?;
    match combinations {
        Some(combinations) => {
            ensure!(fields.is_empty(), "{}: unknown {fields:?}", fixture.manifest.fixture);
            options(fixture, &start, serde_json::from_value(combinations)?, dtype, check)
        }
        None => steps(fixture, &start, serde_json::from_value(config)?, dtype, check),
    }
}

/// Each combination of options: the term and its gradient at the start values.
fn options(
    fixture: &Fixture,
    start: &Start,
    combinations: Vec<Combination>,
    dtype: DType,
    check: &mut Check,
) -> Result<()> {
    let Start { partition, params, net, .. } = start;
    for Combination { name, term } in combinations {
        let encode = |image| -> Result<Latent> { Ok(net.encode(&fixture.input(image, dtype)?)?) };
        let (a, b) = (encode("cir/xa")?, encode("cir/xb")?);
        let draw = term.draw(&fixture.input(&format!("cir/{name}_t"), dtype)?, partition)?;
        let cir = term.bind(1., partition)?;
        let found = cir.term(&a, &b, &draw, |z| net.decode(z), |x| net.encode(x))?;
        check.number(&format!("cir/{name}"), scalar(&found.value)?)?;
        let mut gradients = Gradients::new();
        gradients.accumulate(params, &mut found.value.backward()?)?;
        for (parameter, gradient) in gradients.tensors() {
            let entry = format!("cirgrad/{name}/{NETWORK}{parameter}");
            if check.expects(&entry) {
                check.tensor(&entry, gradient, 0.)?;
            }
        }
        for (entry, z) in [("out/za", &a), ("out/zb", &b)] {
            check.tensor(entry, z.code(0)?, 0.)?;
        }
    }
    Ok(())
}

/// Training steps.
fn steps(
    fixture: &Fixture,
    start: &Start,
    training: Training,
    dtype: DType,
    check: &mut Check,
) -> Result<()> {
    let name = &fixture.manifest.fixture;
    let Training { optimizer, cir, cycle, .. } = &training;
    ensure!(optimizer.kind == "adam", "{name}: optimizer {:?} is not known", optimizer.kind);
    let adam = AdamConfig {
        lr: optimizer.lr,
        betas: [optimizer.beta1, optimizer.beta2],
        eps: optimizer.eps,
        weight_decay: optimizer.weight_decay,
    };
    let Start { batch, partition, params, net, images_per_pass } = start;
    let letters = letters(fixture);
    let image = |letter: &String| {
        letters
            .iter()
            .position(|l| l == letter)
            .with_context(|| format!("{name}: image {letter:?}"))
    };
    let images = |list: &[String]| list.iter().map(image).collect::<Result<Vec<_>>>();
    let centre = image(&training.centre)?;
    let roles = Roles {
        edges: images(&training.partners)?.into_iter().map(|p| [centre, p]).collect(),
        reconstructed: images(&training.recon_images)?,
        combination: true,
        unsup_donors: images(&training.unsup_donors)?,
        cycle: match cycle {
            Some(cycle) => Some([image(&cycle.images[0])?, image(&cycle.images[1])?]),
            None => None,
        },
        images: letters.clone(),
    };
    ensure!(
        roles.edges.len() == partition.len() && roles.unsup_donors.len() == partition.len(),
        "{name}: partners and donors must be one for each block"
    );
    let loss = LossConfig {
        image: training.image_distance,
        latent: training.latent_distance,
        lambda_combine: training.lambda_combine,
        combination: 1.,
        lambda_unsup: training.lambda_unsup,
        lambda_cycle: cycle.as_ref().map_or(0., |c| c.lambda),
        cir_other: CirOther::Random,
        log_unweighted: true,
        images_per_pass: *images_per_pass,
    };
    let term = match cir {
        Some(cir) => cir.term.bind(cir.lambda, partition)?,
        None => Cir::new(CirConfig::default(), partition)?,
    };
    let mut adam = Adam::new(adam, params)?;
    let step = Step { net, params, partition, roles: &roles, loss: &loss, cir: &term };
    for k in 1..=fixture.manifest.steps {
        let input = |letter: &String| fixture.input(&format!("step{k}/{letter}"), dtype);
        let inputs = letters.iter().map(input).collect::<Result<Vec<_>>>()?;
        for (letter, x) in letters.iter().zip(&inputs) {
            ensure!(x.dim(0)? == *batch, "{name}: step{k}/{letter} is no batch of {batch}");
        }
        let cir_step = match cir {
            Some(cir) => Some(CirStep {
                weight: cir.lambda,
                anchor: image(&cir.anchor)?,
                other: image(&cir.other)?,
                draw: cir
                    .term
                    .draw(&fixture.input(&format!("step{k}/cir_t"), dtype)?, partition)?,
            }),
            None => None,
        };
        let mut outputs = BTreeMap::new();
        let mut keep = |name: &str, x: &Tensor| {
            if k == 1 {
                outputs.insert(name.to_owned(), x.detach());
            }
        };
        let found = step.gradients(&Tensor::cat(&inputs, 0)?, cir_step.as_ref(), &mut keep)?;
        for (term, value) in &found.scalars {
            check.number(&format!("step{k}/{term}"), *value)?;
        }
        if k == 1 {
            compare_outputs(outputs, &roles, net, cir.as_ref(), check)?;
            for (parameter, gradient) in found.gradients.tensors() {
                check.tensor(&format!("grad/{NETWORK}{parameter}"), gradient, 0.)?;
            }
        }
        adam.step(params, &found.gradients, 1.)?;
    }
    let slack = 2. * adam.updates() as f64 * optimizer.lr;
    for (parameter, value) in params.tensors() {
        check.tensor(&format!("after/{NETWORK}{parameter}"), &value, slack)?;
    }
    for (name, value) in adam.tensors() {
        let entry = name.replacen('.', &format!("/{NETWORK}"), 1);
        check.tensor(&entry, &value, 0.)?;
    }
    Ok(())
}

/// The first step's outputs under the fixture's names.
fn compare_outputs(
    mut outputs: BTreeMap<String, Tensor>,
    roles: &Roles,
    net: &Autoencoder,
    cir: Option<&CirTraining>,
    check: &mut Check,
) -> Result<()> {
    // The original also reconstructs images whose reconstruction is no term.
    for (i, letter) in roles.images.iter().enumerate() {
        if !roles.reconstructed.contains(&i) {
            let z = outputs[&format!("z_{letter}")].clone();
            outputs.insert(format!("recon_{letter}"), net.decode(&z.into())?);
        }
    }
    if let Some(cir) = cir {
        let last = cir.term.draws - 1;
        for draw in 0..=last {
            let z = outputs.remove(&format!("cir_z_{draw}")).context("cir_z")?;
            if draw == last {
                outputs.insert("cir_z_last".into(), z);
            } else if draw > 0 {
                outputs.remove(&format!("cir_{draw}"));
            }
        }
    }
    for (name, x) in outputs {
        check.tensor(&format!("out/{name}"), &x, 0.)?;
    }
    Ok(())
}

/// The letters of a step's images, in order.
fn letters(fixture: &Fixture) -> Vec<String> {
    let names = fixture.manifest.inputs.iter().filter_map(|row| row.name.strip_prefix("step1/"));
    names.filter(|name| *name != "cir_t").map(str::to_owned).collect()
}

fn scalar(x: &Tensor) -> Result<f64> {
    Ok(x.to_dtype(DType::F64)?.to_scalar()?)
}
