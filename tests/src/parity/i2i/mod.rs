//! I2I-Dis's fixtures (i2i-dis.md, sections 7 and 8): translations and training iterations; in [`terms`]
//! the CIR term on its own.

mod terms;

use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device, Tensor};
use cir_core::{AdamConfig, CirConfig, Gradients, LrSchedule, Moved, NamedTensors};
use cir_i2i::{
    Adversaries, Domain, Form, I2iConfig, LossConfig, ModelConfig, Noise, Optimisers, Sampling,
    Second, Translators, Unit, Update, Updates, Views,
};
use cir_metrics::EvaluationConfig;
use cir_ops::Precision;
use serde::Deserialize;

use super::{check::Check, fixture::Fixture};

/// The published settings that fixtures do not name.
const LR: f64 = 1e-4;
const LR_CONTENT: f64 = 4e-5;

#[derive(Deserialize)]
#[serde(untagged, expecting = "the settings of a training or of CIR terms (i2i-dis.md)")]
enum Settings {
    Training(Training),
    Terms(terms::Terms),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Training {
    concat: u8,
    no_ms: u8,
    dis_scale: usize,
    dis_spectral_norm: u8,
    input_dim_a: usize,
    input_dim_b: usize,
    nz: usize,
    width: usize,
    crop_size: usize,
    batch_size: usize,
    d_iter: u64,
    loader_len: u64,
    epoch: u64,
    n_ep: u64,
    n_ep_decay: i64,
    kinds: Vec<String>,
}

/// Runs a fixture of this algorithm.
pub(super) fn run(fixture: &Fixture, dtype: DType, check: &mut Check) -> Result<()> {
    match serde_json::from_value(fixture.manifest.config.clone())? {
        Settings::Training(settings) => training(fixture, &settings, dtype, check),
        Settings::Terms(settings) => terms::run(fixture, &settings, dtype, check),
    }
}

fn form(concat: u8) -> Form {
    if concat == 1 { Form::Concat } else { Form::FeatureWise }
}

fn channels(a: usize, b: usize) -> Result<usize> {
    ensure!(a == b, "input_dim_a {a} and input_dim_b {b} differ");
    Ok(a)
}

fn config(settings: &Training) -> Result<I2iConfig> {
    let adam = |lr| AdamConfig { lr, betas: [0.5, 0.999], eps: 1e-8, weight_decay: 1e-4 };
    let mode_seeking = if settings.no_ms == 1 { 0. } else { 1. };
    let moved = Moved::Blocks(cir_i2i::BLOCKS.map(String::from).into());
    Ok(I2iConfig {
        precision: Precision::Full,
        schedule_in: Unit::Epochs,
        domain: "domain".into(),
        model: ModelConfig {
            form: form(settings.concat),
            image_channels: channels(settings.input_dim_a, settings.input_dim_b)?,
            width: settings.width,
            attribute_width: settings.nz,
            scales: settings.dis_scale,
            spectral_norm: settings.dis_spectral_norm == 1,
            ..ModelConfig::default()
        },
        sampling: Sampling {
            batch: settings.batch_size,
            encoded: 1,
            crop: settings.crop_size,
            flip: true,
        },
        updates: Updates { full_every: settings.d_iter, second: Second::Stale },
        loss: LossConfig { mode_seeking, ..LossConfig::default() },
        cir: CirConfig { moved, ..CirConfig::default() },
        cir_noise: true,
        optimiser: Optimisers {
            networks: adam(LR),
            content_discriminator: adam(LR_CONTENT),
            clip: 5.,
        },
        schedule: match u64::try_from(settings.n_ep_decay) {
            Ok(constant) => LrSchedule::Linear { constant, length: settings.n_ep },
            Err(_) => LrSchedule::Constant,
        },
        evaluation: EvaluationConfig { reader_steps: 1 },
    })
}

fn training(fixture: &Fixture, settings: &Training, dtype: DType, check: &mut Check) -> Result<()> {
    let mut nets = Adversaries::new(&config(settings)?, 0, dtype, &Device::Cpu)?;
    load(&mut nets, fixture, dtype)?;
    translate(nets.translators(), fixture, dtype, check)?;
    let factor = config(settings)?.schedule.factor(settings.epoch + 1, settings.n_ep);
    let updates = config(settings)?.updates;
    let mut full = 0;
    for (k, kind) in settings.kinds.iter().enumerate() {
        let (k, it) = (k as u64 + 1, k as u64);
        let expected = updates.is_full(it, settings.loader_len);
        ensure!((kind == "full") == expected, "step {k} is {kind:?}");
        let step = Step { fixture, k, dtype };
        if !expected {
            let [views, noise] = [step.both("image")?, step.both("noise_content")?];
            let encoded = first(&views, 1)?;
            let update = nets.content_update(&encoded, &noise, factor)?;
            for (term, value) in &update.scalars {
                check.number(&format!("step{k}/{term}"), *value)?;
            }
            if k == 1 {
                gradients("grad", &update.gradients, check)?;
            }
            continue;
        }
        full += 1;
        let update = nets.update(&step.views()?, &step.noise(settings)?, None, factor)?;
        for (term, value) in &update.scalars {
            check.number(&format!("step{k}/{term}"), *value)?;
        }
        check.number(&format!("step{k}/lr"), LR * factor)?;
        if full == 1 {
            outputs(&update, settings, check)?;
            if k == 1 {
                gradients("grad", &update.content.gradients, check)?;
            }
            update.gradients.values().try_for_each(|own| gradients("grad", own, check))?;
            update.second.values().try_for_each(|own| gradients("grad2", own, check))?;
        }
    }
    ensure!(settings.kinds.len() == fixture.manifest.steps, "kinds and steps differ");
    after(&nets, check)
}

/// All networks at the fixture's start values.
fn load(nets: &mut Adversaries, fixture: &Fixture, dtype: DType) -> Result<()> {
    let mut state: NamedTensors = fixture.state("", dtype)?;
    for (name, learner) in nets.learners() {
        let own = take(&mut state, |full| {
            full.starts_with(&format!("{name}.")) && !is_buffer(nets, full)
        });
        learner.params().load(&own).with_context(|| name.to_owned())?;
    }
    let buffers = take(&mut state, |full| is_buffer(nets, full));
    nets.buffers().load(&buffers)?;
    ensure!(state.is_empty(), "no network has {:?}", state.keys().next());
    Ok(())
}

fn is_buffer(nets: &Adversaries, name: &str) -> bool {
    nets.buffers().tensors().contains_key(name)
}

fn take(from: &mut NamedTensors, wanted: impl Fn(&str) -> bool) -> NamedTensors {
    let (own, rest) = std::mem::take(from).into_iter().partition(|(name, _)| wanted(name));
    *from = rest;
    own
}

/// The translations at the start weights.
fn translate(nets: &Translators, fixture: &Fixture, dtype: DType, check: &mut Check) -> Result<()> {
    let images = ["a", "b"].map(|x| fixture.input(&format!("test/image_{x}"), dtype));
    let [a, b] = images;
    let images = [a?, b?];
    for (from, name) in [(Domain::A, "a2b"), (Domain::B, "b2a")] {
        let to = from.other();
        let content = nets.content.encode(from, &images[from.index()])?;
        let content = nets.generator.prepare(&content)?;
        let z = fixture.input(&format!("test/random_{name}_z_random"), dtype)?;
        let random = nets.generator.decode(to, &content, &z)?;
        check.tensor(&format!("test/random_{name}"), &random, 0.)?;
        let manner = nets.attribute.encode(to, &images[to.index()])?;
        let letter = ["a", "b"][to.index()];
        let noise = match manner.log_variance {
            Some(_) => Some(fixture.input(&format!("test/transfer_{name}_eps_{letter}"), dtype)?),
            None => None,
        };
        let guided = nets.generator.decode(to, &content, &manner.sample(noise.as_ref())?)?;
        check.tensor(&format!("test/transfer_{name}"), &guided, 0.)?;
    }
    Ok(())
}

/// The inputs of a step.
struct Step<'a> {
    fixture: &'a Fixture,
    k: u64,
    dtype: DType,
}

impl Step<'_> {
    fn input(&self, name: &str) -> Result<Tensor> {
        self.fixture.input(&format!("step{}/{name}", self.k), self.dtype)
    }

    fn both(&self, name: &str) -> Result<[Tensor; 2]> {
        Ok([self.input(&format!("{name}_a"))?, self.input(&format!("{name}_b"))?])
    }

    fn views(&self) -> Result<Views> {
        let images = self.both("image")?;
        let others = images.each_ref().map(|x| x.narrow(0, 1, x.dim(0)? - 1));
        let [a, b] = others;
        Ok(Views { encoded: first(&images, 1)?, others: [a?, b?] })
    }

    fn noise(&self, settings: &Training) -> Result<Noise> {
        let codes = |name: &str| (settings.concat == 1).then(|| self.both(name)).transpose();
        let mut random = vec![self.input("z_random")?];
        if settings.no_ms == 0 {
            random.push(self.input("z_random2")?);
        }
        Ok(Noise {
            content: self.both("noise_content")?,
            attribute: codes("eps")?,
            random,
            content_again: self.both("noise_recon")?,
            attribute_again: codes("eps_recon")?,
        })
    }
}

fn first(images: &[Tensor; 2], n: usize) -> Result<[Tensor; 2]> {
    Ok([images[0].narrow(0, 0, n)?, images[1].narrow(0, 0, n)?])
}

fn gradients(group: &str, gradients: &Gradients, check: &mut Check) -> Result<()> {
    for (name, gradient) in gradients.tensors() {
        // Of a bias before an instance norm the fixture has none: it is rounding noise.
        if_expected(&format!("{group}/{name}"), gradient, check)?;
    }
    Ok(())
}

/// Compares what the fixture has of a group of which it has a part.
fn if_expected(name: &str, found: &Tensor, check: &mut Check) -> Result<()> {
    if check.expects(name) { check.tensor(name, found, 0.) } else { Ok(()) }
}

/// What the first full iteration made.
fn outputs(update: &Update, settings: &Training, check: &mut Check) -> Result<()> {
    let made = &update.made;
    for x in Domain::BOTH {
        let (i, upper, lower) = (x.index(), ["A", "B"][x.index()], ["a", "b"][x.index()]);
        let mut out =
            |name: String, tensor: &Tensor| check.tensor(&format!("out/{name}"), tensor, 0.);
        out(format!("z_content_{lower}"), &made.content[i])?;
        out(format!("z_attr_{lower}"), &made.attribute[i])?;
        if let Some(log_variance) = &made.manner[i].log_variance {
            out(format!("mu_{lower}"), &made.manner[i].mean)?;
            out(format!("logvar_{lower}"), log_variance)?;
        }
        out(format!("fake_{upper}_encoded"), &made.translated[i])?;
        out(format!("fake_{upper}{upper}_encoded"), &made.own[i])?;
        for (image, suffix) in made.random[i].iter().zip(["", "2"]) {
            out(format!("fake_{upper}_random{suffix}"), image)?;
        }
        out(format!("z_content_recon_{lower}"), &made.content_again[i])?;
        out(format!("z_attr_recon_{lower}"), &made.attribute_again[i])?;
        out(format!("fake_{upper}_recon"), &made.back[i])?;
        let again = if settings.concat == 1 { "mu2" } else { "z_attr_random" };
        out(format!("{again}_{lower}"), &made.random_again[i])?;
    }
    for name in ["disA", "disB2"] {
        let judged = &update.judgements[name];
        for (what, maps) in [("fake", &judged.made), ("real", &judged.real)] {
            for (scale, map) in maps.iter().enumerate() {
                // One scale is flattened to a number an image.
                let flat = if maps.len() == 1 { map.flatten_all()? } else { map.clone() };
                check.tensor(&format!("out/{name}.{what}.{scale}"), &flat, 0.)?;
            }
        }
    }
    for (what, logits) in ["fake", "real"].into_iter().zip(&update.content.logits) {
        check.tensor(&format!("out/disContent.{what}.0"), &logits.flatten_all()?, 0.)?;
    }
    Ok(())
}

/// All tensors after the last step, and some moments.
fn after(nets: &Adversaries, check: &mut Check) -> Result<()> {
    for (name, learner) in nets.learners() {
        let lr = if name == "disContent" { LR_CONTENT } else { LR };
        let slack = 2. * learner.adam().updates() as f64 * lr;
        for (tensor, value) in learner.params().tensors() {
            check.tensor(&format!("after/{tensor}"), &value, slack)?;
        }
        for (tensor, value) in learner.adam().tensors() {
            // The fixture has those of every third parameter.
            if_expected(&tensor.replacen('.', "/", 1), &value, check)?;
        }
    }
    let updates = nets.learners().map(|(_, learner)| learner.adam().updates()).max().unwrap_or(0);
    for (tensor, value) in nets.buffers().tensors() {
        check.tensor(&format!("after/{tensor}"), &value, 2. * updates as f64 * LR)?;
    }
    Ok(())
}
