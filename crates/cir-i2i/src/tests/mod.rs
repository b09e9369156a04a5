//! A small data set and small networks for the tests of this crate.

mod iterations;
mod names;
mod settings;
mod shapes;
mod spectral;
mod terms;
mod training;
mod uses;

use std::{collections::BTreeMap, sync::Arc};

use candle_core::{DType, Device, Tensor};
use cir_core::{
    AdamConfig, Attribute, CirConfig, Image, Labels, LrSchedule, Moved, NamedTensors, Params,
    Schema, rng,
};
use cir_data::{DataSet, HeldOut, HoldOut, Index, Source, Split};
use cir_metrics::EvaluationConfig;
use cir_ops::Precision;

use crate::{
    Adversaries, BLOCKS, DISCRIMINATORS, Discriminators, Form, I2i, I2iConfig, LossConfig,
    ModelConfig, Noise, Optimisers, Sampling, Second, TRANSLATORS, Unit, Updates, Views,
    domain::both, gaussian,
};

const FORMS: [Form; 2] = [Form::Concat, Form::FeatureWise];

/// 36 px pictures of a square in one of six places: photos filled in one of four colours, drawings
/// outlined in them; the attribute before the domain has three values and means nothing.
struct Squares(Schema);

const SIDE: usize = 36;

impl Squares {
    fn new() -> Self {
        let attribute = |name: &str, values: &[&str]| Attribute {
            name: name.into(),
            values: values.iter().map(|v| (*v).into()).collect(),
        };
        let day = attribute("day", &["first", "second", "third"]);
        Self(Schema::new(vec![day, attribute("kind", &["photo", "drawing"])]).unwrap())
    }

    fn draw(&self, place: usize, drawing: bool, manner: usize) -> cir_data::Result<Image> {
        let (left, top) = (3 + 10 * (place % 3), 4 + 15 * (place / 3));
        let colour = [[200, 30, 30], [30, 160, 40], [40, 40, 200], [90, 90, 90]][manner];
        let pixel = |at: usize| {
            let [x, y] = [(at % SIDE).wrapping_sub(left), (at / SIDE).wrapping_sub(top)];
            let edge = [x, y].iter().any(|n| [0, 9].contains(n));
            if x < 10 && y < 10 && (edge || !drawing) { colour } else { [240, 240, 230] }
        };
        Ok(Image::new(3, SIDE, SIDE, (0..SIDE * SIDE).flat_map(pixel).collect())?)
    }
}

impl Source for Squares {
    fn schema(&self) -> &Schema {
        &self.0
    }

    fn len(&self) -> usize {
        48
    }

    fn labels(&self, i: usize) -> Labels {
        vec![(i % 3) as u16, (i % 2) as u16]
    }

    fn image(&self, i: usize) -> cir_data::Result<Image> {
        self.draw(i / 2 % 6, i % 2 == 1, i / 12)
    }

    fn subject(&self, i: usize) -> Option<usize> {
        Some(i / 2 % 6)
    }

    fn in_manner_of(&self, i: usize, reference: usize) -> Option<cir_data::Result<Image>> {
        Some(self.draw(i / 2 % 6, reference % 2 == 1, reference / 12))
    }
}

fn data_set() -> DataSet {
    let source = Arc::new(Squares::new());
    let index = Arc::new(Index::new(&*source).unwrap());
    let hold_out = HoldOut { fraction: 0.34, seed: 1, of: HeldOut::Subjects };
    let split = Split::new(&index, hold_out).unwrap();
    DataSet { name: "squares".into(), source, index, split, channels: 3, size: SIDE }
}

pub(crate) fn data() -> Arc<DataSet> {
    Arc::new(data_set())
}

/// An untrained model of `data`.
pub(crate) fn model_of(data: &Arc<DataSet>) -> crate::Model {
    let i2i = I2i::new(config(), data.clone(), 1, 1, &Device::Cpu).unwrap();
    i2i.trained().clone()
}

fn model(form: Form) -> ModelConfig {
    ModelConfig {
        form,
        width: 2,
        attribute_width: 3,
        blocks: 1,
        scales: 2,
        content_stages: 0,
        ..ModelConfig::default()
    }
}

fn config() -> I2iConfig {
    let adam = AdamConfig { betas: [0.5, 0.999], weight_decay: 1e-4, ..AdamConfig::default() };
    I2iConfig {
        precision: Precision::Full,
        schedule_in: Unit::Iterations,
        domain: "kind".into(),
        model: model(Form::Concat),
        sampling: Sampling { batch: 2, encoded: 1, crop: 32, flip: true },
        updates: Updates { full_every: 2, second: Second::Clean },
        loss: LossConfig::default(),
        cir: CirConfig {
            lambda: 0.5,
            moved: Moved::Blocks(BLOCKS.map(str::to_owned).into()),
            ..CirConfig::default()
        },
        cir_noise: true,
        optimiser: Optimisers { networks: adam, content_discriminator: adam, clip: 5. },
        schedule: LrSchedule::Constant,
        evaluation: EvaluationConfig { reader_steps: 3 },
    }
}

/// The small configuration with its networks changed.
fn with_model(change: impl FnOnce(&mut ModelConfig)) -> I2iConfig {
    let mut config = config();
    change(&mut config.model);
    config
}

fn algorithm(config: I2iConfig) -> I2i {
    I2i::new(config, data(), 10, 1, &Device::Cpu).unwrap()
}

fn adversaries(config: &I2iConfig) -> Adversaries {
    Adversaries::new(config, 1, DType::F64, &Device::Cpu).unwrap()
}

/// Numbers of a standard Gaussian that `name` alone decides.
fn random(name: &str, shape: &[usize]) -> Tensor {
    gaussian(&mut rng(1, name, 0), shape, DType::F64, &Device::Cpu).unwrap()
}

/// Pictures of noise, for `sampling`.
fn views(config: &I2iConfig) -> Views {
    let Sampling { batch, encoded, crop, .. } = config.sampling;
    let images = |name: &str, n: usize| {
        let shape = [n, config.model.image_channels, crop, crop];
        both(|x| random(&format!("{name} {x:?}"), &shape).tanh()).unwrap()
    };
    Views { encoded: images("encoded", encoded), others: images("others", batch - encoded) }
}

fn noise(config: &I2iConfig) -> Noise {
    let size = [config.sampling.encoded, config.sampling.crop];
    let (model, loss) = (&config.model, &config.loss);
    Noise::draw(&mut rng(1, "noise", 0), model, loss, size, DType::F64, &Device::Cpu).unwrap()
}

/// The stores of networks that do not train, and the discriminators built of them.
fn judges(model: &ModelConfig) -> (BTreeMap<&'static str, Params>, Params, Discriminators) {
    let names = TRANSLATORS.into_iter().chain(DISCRIMINATORS);
    let stores: BTreeMap<_, _> = names.map(|name| (name, Params::new(1))).collect();
    let buffers = Params::new(1);
    let store = |name: &str| stores[name].clone();
    let built =
        Discriminators::new(model, Precision::Full, DType::F64, &Device::Cpu, store, &buffers);
    (stores, buffers, built.unwrap())
}

fn flat(x: &Tensor) -> Vec<f64> {
    x.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Copies, for what a store gives is changed in place.
fn copied(tensors: &NamedTensors) -> NamedTensors {
    tensors.iter().map(|(name, x)| (name.clone(), x.copy().unwrap())).collect()
}

/// All numbers by name.
fn numbers(tensors: &NamedTensors) -> BTreeMap<String, Vec<f64>> {
    tensors.iter().map(|(name, x)| (name.clone(), flat(x))).collect()
}

/// The largest difference of two tensors, as a share of the largest number.
#[track_caller]
fn difference(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.dims(), b.dims());
    let (a, b) = (flat(a), flat(b));
    let largest = b.iter().fold(1e-12f64, |most, x| most.max(x.abs()));
    a.iter().zip(&b).fold(0f64, |most, (a, b)| most.max((a - b).abs())) / largest
}
