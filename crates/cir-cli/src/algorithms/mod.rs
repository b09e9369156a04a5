//! The algorithms that `cir` knows, one module each, behind the traits that all commands go through.

mod elegant;
mod gzs;
mod i2i;

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result, bail};
use candle_core::Device;
use cir_core::{CirConfig, Image, Latent, Partition, Schema, Tile};
use cir_data::{DataSet, Prefetch};
use cir_elegant::ElegantConfig;
use cir_gzs::GzsConfig;
use cir_i2i::I2iConfig;
use cir_train::{
    Algorithm, Observer, Outcome, Report, RunDir, State, StopFlag, TrainConfig, load_model,
};
use toml::Table;

use crate::{
    backend,
    recipe::{Recipe, read},
    scores::Scores,
};

/// Their names in recipes and models.
const NAMES: [&str; 3] = ["gzs", "elegant", "i2i-dis"];

/// Batches prepared ahead of the step.
const AHEAD: usize = 4;

/// The sections of a recipe that belong to one algorithm.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AlgorithmConfig {
    Gzs(Box<GzsConfig>),
    Elegant(Box<ElegantConfig>),
    I2i(Box<I2iConfig>),
}

impl AlgorithmConfig {
    /// Reads and checks the sections of the algorithm called `name`.
    pub(crate) fn read(name: &str, table: Table) -> Result<Self> {
        match name {
            "gzs" => {
                let config: GzsConfig = read("", table)?;
                config.check()?;
                Ok(Self::Gzs(Box::new(config)))
            }
            "elegant" => {
                let config: ElegantConfig = read("", table)?;
                config.check()?;
                Ok(Self::Elegant(Box::new(config)))
            }
            "i2i-dis" => {
                let config: I2iConfig = read("", table)?;
                config.check()?;
                Ok(Self::I2i(Box::new(config)))
            }
            other => bail!("algorithm: found {other:?}; allowed: {}", NAMES.join(", ")),
        }
    }

    /// The sections, complete.
    pub(crate) fn to_table(&self) -> Result<Table> {
        Ok(match self {
            Self::Gzs(config) => Table::try_from(config)?,
            Self::Elegant(config) => Table::try_from(config)?,
            Self::I2i(config) => Table::try_from(config)?,
        })
    }

    /// The settings of the CIR term.
    pub(crate) fn cir(&self) -> &CirConfig {
        match self {
            Self::Gzs(config) => &config.cir,
            Self::Elegant(config) => &config.cir,
            Self::I2i(config) => &config.cir,
        }
    }

    /// Training steps of the classifier that reads this recipe's pictures.
    pub(crate) fn reader_steps(&self) -> u64 {
        match self {
            Self::Gzs(config) => config.evaluation.reader_steps,
            Self::Elegant(config) => config.evaluation.reader_steps,
            Self::I2i(config) => config.evaluation.reader_steps,
        }
    }

    /// A training of `steps` steps at its start.
    pub(crate) fn begin(
        &self,
        data: &Arc<DataSet>,
        steps: u64,
        seed: u64,
        device: &Device,
    ) -> Result<Box<dyn Training>> {
        match self {
            Self::Gzs(config) => gzs::begin(config, data, steps, seed, device),
            Self::Elegant(config) => elegant::begin(config, data, steps, seed, device),
            Self::I2i(config) => i2i::begin(config, data, steps, seed, device),
        }
    }
}

/// A training that has begun.
pub(crate) trait Training {
    /// Continues from a checkpoint.
    fn restore(&mut self, state: State) -> cir_core::Result<()>;

    /// Trains on from step `done` + 1.
    fn train(
        &mut self,
        config: &TrainConfig,
        run: &RunDir,
        done: u64,
        observers: &mut [Box<dyn Observer>],
        stop: &StopFlag,
    ) -> Result<Outcome>;

    /// The model as it is now.
    fn model(&self) -> &dyn Model;
}

type Batches<B> = Arc<dyn Fn(u64) -> cir_data::Result<B> + Send + Sync>;

/// An algorithm with its batches.
struct Session<A: Algorithm> {
    algorithm: A,
    batches: Batches<A::Batch>,
    model: fn(&A) -> &dyn Model,
}

impl<A: Algorithm> Training for Session<A> {
    fn restore(&mut self, state: State) -> cir_core::Result<()> {
        self.algorithm.restore(state)
    }

    fn train(
        &mut self,
        config: &TrainConfig,
        run: &RunDir,
        done: u64,
        observers: &mut [Box<dyn Observer>],
        stop: &StopFlag,
    ) -> Result<Outcome> {
        let make = self.batches.clone();
        let batches = Prefetch::new(move |step| make(step), done + 1..config.steps + 1, AHEAD);
        Ok(cir_train::train(&mut self.algorithm, batches, config, run, done, observers, stop)?)
    }

    fn model(&self) -> &dyn Model {
        (self.model)(&self.algorithm)
    }
}

/// A trained model, as the commands use it.
pub(crate) trait Model {
    /// What `model.safetensors` says of it.
    fn card(&self) -> Result<serde_json::Value>;

    /// The sizes of the networks, in a line.
    fn sizes(&self) -> String;

    /// Channels and side of its pictures.
    fn pictures(&self) -> (usize, usize);

    /// The attributes and their values.
    fn schema(&self) -> &Schema;

    /// The blocks.
    fn partition(&self) -> &Partition;

    /// The model, if its latents can be edited whatever picture they are of.
    fn editor(&self) -> Option<&dyn Editor> {
        None
    }

    /// The model, if it draws from a latent alone.
    fn synthesiser(&self) -> Option<&cir_gzs::Model> {
        None
    }

    /// The model, if it translates between two domains.
    fn translator(&self) -> Option<&cir_i2i::Model> {
        None
    }

    /// Scores on `count` held-out cases of a recipe's data: the algorithm's own nameless table, and others.
    fn evaluate(&self, recipe: &Recipe, data: &DataSet, count: usize) -> Result<Vec<Scores>>;

    /// What the report shows of this algorithm: pictures, and which curves belong together.
    fn show(&self, report: &mut Report, data: &DataSet, seed: u64) -> Result<()>;

    /// The charts of a training.
    fn charts(&self) -> Vec<Curves>;
}

/// A model that edits pictures by their latents.
pub(crate) trait Editor: Model {
    /// Whether an edited picture of another size keeps it.
    fn keeps_size(&self) -> bool {
        false
    }

    /// The latents of pictures.
    fn encode(&self, images: &[Image]) -> candle_core::Result<Latent>;

    /// `source` with the moves of each tile towards `targets`.
    fn edits(
        &self,
        source: &Image,
        targets: &[Image],
        tiles: &[Tile],
    ) -> candle_core::Result<Vec<Image>>;
}

/// Curves of a log that share a chart.
pub(crate) struct Curves {
    pub(crate) title: &'static str,
    pub(crate) y_label: &'static str,
    pub(crate) log_y: bool,
    /// Whether a curve belongs to it.
    pub(crate) names: fn(&str) -> bool,
}

impl Curves {
    fn new(
        title: &'static str,
        y_label: &'static str,
        log_y: bool,
        names: fn(&str) -> bool,
    ) -> Self {
        Self { title, y_label, log_y, names }
    }
}

/// Loads the model in `file`, of whichever algorithm it is.
pub(crate) fn load(file: &Path) -> Result<Box<dyn Model>> {
    let device = backend::device().context("the backend's device")?;
    match load_model(file)?.algorithm().as_deref() {
        Some("elegant") => Ok(Box::new(cir_elegant::Model::load(file, &device)?)),
        Some("i2i-dis") => Ok(Box::new(cir_i2i::Model::load(file, &device)?)),
        Some("gzs") => Ok(Box::new(cir_gzs::Model::load(file, &device)?)),
        other => {
            let found = match other {
                Some(other) => format!("a model of algorithm {other:?}"),
                None => "a model that names no algorithm".into(),
            };
            let expected = format!("a model of one of {}", NAMES.join(", "));
            Err(cir_train::Error::file(file, found, expected).into())
        }
    }
}
