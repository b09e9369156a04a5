//! ELEGANT's fixtures (elegant.md, section 7): training steps, the uses of a model, the CIR term on
//! its own, the alignment of faces.

use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device, Tensor};
use cir_core::{
    AdamConfig, ChosenMoved, Cir, CirConfig, Distance, Draw, Gradients, Granularity, LrSchedule,
    Moved, Sheet, Target,
};
use cir_data::align::{self, Landmarks};
use cir_elegant::{
    Adversaries, ElegantConfig, Encoding, LossConfig, ModelConfig, Optimisers, Pair, Sampling,
    Update,
};
use cir_metrics::EvaluationConfig;
use cir_ops::{Initialisation, Precision};
use serde::Deserialize;

use super::{check::Check, fixture::Fixture};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    attributes: usize,
    image_size: usize,
    batch: usize,
    channel_ranges: Vec<[usize; 2]>,
    lr_g: f64,
    lr_d: f64,
    betas: [f64; 2],
    eps: f64,
    weight_decay: f64,
    lr_step_size: u64,
    lr_gamma: f64,
    test: Option<Uses>,
    align_size: Option<usize>,
    cir: Option<Term>,
}

/// The uses at the start weights.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Uses {
    swap: usize,
    linear: usize,
    linear_size: usize,
    matrix1: usize,
    matrix1_size: [usize; 2],
    matrix2: [usize; 2],
    matrix2_size: [usize; 2],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Term {
    moved: String,
    granularity: String,
    draws: usize,
    also_moved: bool,
    distance: Distance,
    target: Target,
    lambda_cir: f64,
    term_attribute: usize,
}

impl Term {
    fn config(&self) -> Result<CirConfig> {
        ensure!(self.moved == "trained attribute", "cir.moved {:?} is not known", self.moved);
        let granularity = match &*self.granularity {
            "per sample" => Granularity::Sample,
            "per block" => Granularity::Block,
            "per element" => Granularity::Element,
            other => anyhow::bail!("cir.granularity {other:?} is not known"),
        };
        Ok(CirConfig {
            lambda: self.lambda_cir,
            moved: Moved::Chosen(ChosenMoved::Trained),
            granularity,
            draws: self.draws,
            distance: self.distance,
            target: self.target,
            also_moved: self.also_moved,
            ..CirConfig::default()
        })
    }

    /// The fixture's fractions for block `moved` of a batch of `batch` pairs.
    fn draw(&self, t: &Tensor, moved: usize, batch: usize) -> Result<Draw> {
        Ok(Draw { moved: vec![moved], fractions: t.reshape((self.draws, batch, ()))? })
    }
}

/// Runs a fixture of this algorithm.
pub(super) fn run(fixture: &Fixture, dtype: DType, check: &mut Check) -> Result<()> {
    let settings: Settings = serde_json::from_value(fixture.manifest.config.clone())?;
    let mut nets = Adversaries::new(&config(fixture, &settings)?, 0, dtype, &Device::Cpu)?;
    let state = |network: &str| -> Result<_> {
        let own = fixture.state(network, dtype)?.into_iter();
        Ok(own.map(|(name, t)| (format!("{network}{name}"), t)).collect::<Vec<_>>())
    };
    for (learner, [a, b]) in nets.learners().into_iter().zip([["Enc.", "Dec."], ["D1.", "D2."]]) {
        learner.params().load(&state(a)?.into_iter().chain(state(b)?).collect())?;
    }
    // Everything that is asked of the start weights comes before they are trained.
    if let Some(uses) = &settings.test {
        swap(&nets, fixture, uses, dtype, check)?;
        sheets(&nets, fixture, uses, dtype, check)?;
    }
    if let Some(term) = &settings.cir {
        terms(&nets, fixture, &settings, term, dtype, check)?;
    }
    if let Some(size) = settings.align_size {
        alignment(fixture, size, check)?;
    }
    steps(&mut nets, fixture, &settings, dtype, check)
}

/// The networks' widths are those of the start values.
fn config(fixture: &Fixture, settings: &Settings) -> Result<ElegantConfig> {
    let out = |name: String| {
        let row = fixture.manifest.state.iter().find(|row| row.name == name);
        row.map(|row| row.shape.first().copied().unwrap_or(0))
    };
    let channels = (0..).map_while(|j| out(format!("Enc.main.{j}.0.weight"))).collect();
    let discriminator = (0..).map_while(|j| out(format!("D1.conv.{}.weight", 3 * j))).collect();
    let ranges = &settings.channel_ranges;
    let starts_at = |(j, range): (usize, &[usize; 2])| {
        range[0] == j.checked_sub(1).map_or(0, |before| ranges[before][1]) && range[1] > range[0]
    };
    ensure!(ranges.iter().enumerate().all(starts_at), "channel_ranges {ranges:?} leave gaps");
    let model = ModelConfig {
        image_size: settings.image_size,
        image_channels: 3,
        attributes: (0..settings.attributes).map(|i| format!("attr{i}")).collect(),
        block_widths: Some(ranges.iter().map(|[from, to]| to - from).collect()),
        channels,
        discriminator,
        smooth_stages: 0,
        initialisation: Initialisation::Pytorch,
    };
    let adam = |lr| AdamConfig {
        lr,
        betas: settings.betas,
        eps: settings.eps,
        weight_decay: settings.weight_decay,
    };
    Ok(ElegantConfig {
        precision: Precision::Full,
        model,
        sampling: Sampling { batch: settings.batch, shards: 1 },
        loss: LossConfig { reconstruction: 5., half_size: 0.5, mismatched: 0., change: 0. },
        cir: settings.cir.as_ref().map_or(Ok(CirConfig::default()), Term::config)?,
        optimiser: Optimisers {
            generator: adam(settings.lr_g),
            discriminator: adam(settings.lr_d),
        },
        schedule: LrSchedule::Step { every: settings.lr_step_size, gamma: settings.lr_gamma },
        evaluation: EvaluationConfig { reader_steps: 1 },
    })
}

/// Training steps.
fn steps(
    nets: &mut Adversaries,
    fixture: &Fixture,
    settings: &Settings,
    dtype: DType,
    check: &mut Check,
) -> Result<()> {
    let schedule = LrSchedule::Step { every: settings.lr_step_size, gamma: settings.lr_gamma };
    let steps = fixture.manifest.steps;
    for k in 1..=steps {
        let factor = schedule.factor(k as u64, steps as u64);
        let [g, d] = nets.learners().map(|learner| learner.rate(factor));
        check.number(&format!("step{k}/lr_G"), g)?;
        check.number(&format!("step{k}/lr_D"), d)?;
        for i in 0..settings.attributes {
            let input = |name: &str| fixture.input(&format!("step{k}/attr{i}/{name}"), dtype);
            let pair = Pair {
                images: Tensor::cat(&[input("A")?, input("B")?], 0)?,
                labels: Tensor::cat(&[input("y_A")?, input("y_B")?], 0)?,
            };
            let draw = match &settings.cir {
                Some(term) => Some((term, term.draw(&input("t")?, i, settings.batch)?)),
                None => None,
            };
            let cir = draw.as_ref().map(|(term, draw)| (term.lambda_cir, draw));
            let update = nets.update(i, &pair, cir, factor)?;
            for (term, value) in &update.scalars {
                check.number(&format!("step{k}/attr{i}/{term}"), *value)?;
            }
            if (k, i) == (1, 0) {
                outputs(&update, settings.batch, check)?;
            }
        }
    }
    for (learner, lr) in nets.learners().into_iter().zip([settings.lr_g, settings.lr_d]) {
        let slack = 2. * learner.adam().updates() as f64 * lr;
        for (name, value) in learner.params().tensors() {
            check.tensor(&format!("after/{name}"), &value, slack)?;
        }
        for (name, value) in learner.adam().tensors() {
            check.tensor(&name.replacen('.', "/", 1), &value, 0.)?;
        }
    }
    Ok(())
}

/// The first update's outputs and gradients.
fn outputs(update: &Update, batch: usize, check: &mut Check) -> Result<()> {
    let Update { made, probabilities, discriminator_gradients, generator_gradients, .. } = update;
    // Of one shard.
    let (made, probabilities) = (&made[0], &probabilities[0]);
    let rows = |x: &Tensor, i: usize| x.narrow(0, i * batch, batch);
    for (i, letter) in ["A", "B", "C", "D"].into_iter().enumerate() {
        check.tensor(&format!("out/z_{letter}"), &rows(made.codes.code(0)?, i)?, 0.)?;
        check.tensor(&format!("out/R_{letter}"), &rows(&made.residuals, i)?, 0.)?;
        let image = ["A1", "B1", "C", "D"][i];
        check.tensor(&format!("out/{image}"), &rows(&made.images, i)?, 0.)?;
        for (d, p) in probabilities.iter().enumerate() {
            check.tensor(&format!("out/d{}_{letter}", d + 1), &rows(p, i)?, 0.)?;
        }
    }
    for (j, skip) in made.encoding.skips.iter().enumerate() {
        check.tensor(&format!("out/A_skip.{j}"), &rows(skip, 0)?, 0.)?;
    }
    for gradients in [discriminator_gradients, generator_gradients] {
        for (parameter, gradient) in gradients.tensors() {
            check.tensor(&format!("grad/{parameter}"), gradient, 0.)?;
        }
    }
    Ok(())
}

/// A picture of the tests, and what the encoder makes of it.
fn encoded(nets: &Adversaries, image: Tensor) -> Result<(Tensor, Encoding)> {
    let encoding = nets.generator().encode(&image)?;
    Ok((image, encoding))
}

/// One attribute exchanged between the input B and the target A.
fn swap(
    nets: &Adversaries,
    fixture: &Fixture,
    uses: &Uses,
    dtype: DType,
    check: &mut Check,
) -> Result<()> {
    let (b, of_b) = encoded(nets, fixture.input("test/input", dtype)?)?;
    let (a, of_a) = encoded(nets, fixture.input("test/target0", dtype)?)?;
    let tile = Sheet::strip(&[uses.swap], &[1.]).tiles().to_vec();
    let edit = |x: &Tensor, own: &Encoding, other: &Encoding| -> Result<Tensor> {
        let code = nets.partition().moved(&own.code, std::slice::from_ref(&other.code), &tile)?;
        Ok(nets.generator().show(x, own, &code)?)
    };
    let (d, c) = (edit(&b, &of_b, &of_a)?, edit(&a, &of_a, &of_b)?);
    let own = |x: &Tensor, own: &Encoding| nets.generator().show(x, own, &own.code);
    check.tensor("out/swap.A1", &own(&a, &of_a)?, 0.)?;
    check.tensor("out/swap.B1", &own(&b, &of_b)?, 0.)?;
    check.tensor("out/swap.canvas", &Tensor::cat(&[&b, &a, &d, &c], 3)?, 0.)?;
    check.tensor("out/swap.C", &c, 0.)?;
    check.tensor("out/swap.D", &d, 0.)
}

/// Strip and matrices: their tiles, and the pictures with the sources in the margins.
fn sheets(
    nets: &Adversaries,
    fixture: &Fixture,
    uses: &Uses,
    dtype: DType,
    check: &mut Check,
) -> Result<()> {
    let even = |n: usize| (0..n).map(|i| i as f64 / (n - 1) as f64).collect::<Vec<_>>();
    let strip: Vec<_> =
        (1..=uses.linear_size).map(|c| c as f64 / uses.linear_size as f64).collect();
    let [p1, q1] = uses.matrix1_size.map(even);
    let [p2, q2] = uses.matrix2_size.map(even);
    let [i0, i1] = uses.matrix2;
    let sheets = [
        ("linear", 1, Sheet::strip(&[uses.linear], &strip)),
        ("matrix1", 3, Sheet::square(&[uses.matrix1], &p1, &q1)),
        ("matrix2", 2, Sheet::two_ways((&[i0], &p2), (&[i1], &q2), 2)),
    ];
    let (b, own) = encoded(nets, fixture.input("test/input", dtype)?)?;
    for (name, count, sheet) in sheets {
        let targets =
            (0..count).map(|t| encoded(nets, fixture.input(&format!("test/target{t}"), dtype)?));
        let (images, encodings): (Vec<_>, Vec<_>) =
            targets.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let codes: Vec<_> = encodings.into_iter().map(|encoding| encoding.code).collect();
        let codes = nets.partition().moved(&own.code, &codes, sheet.tiles())?;
        let n = sheet.tiles().len();
        let repeated = own.map(|x| Tensor::cat(&vec![x; n], 0))?;
        let made = nets.generator().show(&b, &repeated, &codes)?;
        let made = (0..n).map(|i| made.narrow(0, i, 1)).collect::<candle_core::Result<Vec<_>>>()?;
        let rows = sheet.arrange(&b, &images, made.clone())?;
        let columns = n / rows.len();
        for (i, tile) in made.iter().enumerate() {
            let place = match name {
                "linear" => format!("{}", i + 1),
                _ => format!("{}.{}", i / columns, i % columns),
            };
            check.tensor(&format!("out/{name}.{place}"), tile, 0.)?;
        }
        check.tensor(&format!("out/{name}.canvas"), &canvas(&rows)?, 0.)?;
    }
    Ok(())
}

/// Pictures side by side, empty places white.
fn canvas(rows: &[Vec<Option<Tensor>>]) -> Result<Tensor> {
    let any = rows.iter().flatten().flatten().next().context("an empty canvas")?;
    let white = any.ones_like()?;
    let row = |row: &Vec<Option<Tensor>>| {
        let places: Vec<_> = row.iter().map(|place| place.as_ref().unwrap_or(&white)).collect();
        Tensor::cat(&places, 3)
    };
    Ok(Tensor::cat(&rows.iter().map(row).collect::<candle_core::Result<Vec<_>>>()?, 2)?)
}

/// The CIR term on its own, in all variants, and its gradients.
fn terms(
    nets: &Adversaries,
    fixture: &Fixture,
    settings: &Settings,
    term: &Term,
    dtype: DType,
    check: &mut Check,
) -> Result<()> {
    let net = nets.generator();
    let t = fixture.input("cir/t", dtype)?;
    let draw = term.draw(&t, term.term_attribute, settings.batch)?;
    let variants = [("l1", Distance::L1), ("mse", Distance::Mse)];
    for (distance_name, distance) in variants {
        for (target_name, target) in
            [("attached", Target::Attached), ("detached", Target::Detached)]
        {
            let config = CirConfig { distance, target, ..term.config()? };
            let cir = Cir::new(config, nets.partition())?;
            let (a, of_a) = encoded(nets, fixture.input("cir/A", dtype)?)?;
            let (_, of_b) = encoded(nets, fixture.input("cir/B", dtype)?)?;
            let z = cir.points(&of_a.code, &of_b.code, &draw)?;
            let own = of_a.map(|x| Tensor::cat(&vec![x; term.draws], 0))?;
            let images = Tensor::cat(&vec![&a; term.draws], 0)?;
            let x = net.show(&images, &own, &z)?;
            let again = net.encode(&x)?.code;
            let value = cir.value(&of_a.code, &z, &draw, &again)?;
            let entry = format!("cir/{distance_name}_{target_name}");
            check.number(&entry, value.to_dtype(DType::F64)?.to_scalar()?)?;
            let mut gradients = Gradients::new();
            let params = nets.learners()[0].params();
            gradients.accumulate(params, &mut cir_ops::backward(&value)?)?;
            for (parameter, gradient) in gradients.tensors() {
                check.tensor(&format!("{entry}/grad/{parameter}"), gradient, 0.)?;
            }
            if (distance, target) == (term.distance, term.target) {
                check.tensor("out/cir.z_moved", z.code(0)?, 0.)?;
                check.tensor("out/cir.x", &x, 0.)?;
                check.tensor("out/cir.z_again", again.code(0)?, 0.)?;
            }
        }
    }
    Ok(())
}

/// The alignment of a face by its landmarks: `out/align.matrix` and `out/align.face`. It is always
/// computed in float64.
fn alignment(fixture: &Fixture, size: usize, check: &mut Check) -> Result<()> {
    let photo = fixture.input("align/image", DType::F64)?;
    let (channels, height, width) = photo.dims3()?;
    let places = fixture.input("align/landmarks", DType::F64)?.to_vec2::<f64>()?;
    let mut landmarks: Landmarks = Default::default();
    ensure!(places.len() == landmarks.len(), "align/landmarks: {} places", places.len());
    for (landmark, place) in landmarks.iter_mut().zip(&places) {
        *landmark = place.as_slice().try_into().context("align/landmarks: x and y")?;
    }
    let matrix = align::similarity(&landmarks, size)?;
    check.tensor("out/align.matrix", &Tensor::new(&matrix, &Device::Cpu)?, 0.)?;
    let planes = photo.flatten_all()?.to_vec1()?;
    let face = align::warp(&planes, [channels, height, width], &matrix, size)?;
    let face = Tensor::from_vec(face, (channels, size, size), &Device::Cpu)?;
    check.tensor("out/align.face", &face, 0.)
}
