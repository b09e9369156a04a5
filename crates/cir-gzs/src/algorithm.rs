//! GZS-Net as an algorithm for the training loop.

use std::sync::Arc;

use candle_core::{DType, Device};
use cir_core::{
    AdamConfig, ChosenMoved, Cir, CirConfig, Error, Image, LrSchedule, Moved, Params, Result,
    Scalars, check_batch, rng,
};
use cir_data::DataSet;
use cir_metrics::EvaluationConfig;
use cir_ops::Precision;
use cir_train::{Algorithm, Learner, State};
use rand::Rng as _;
use serde::{Deserialize, Serialize};

use crate::{
    Autoencoder, CirOther, CirStep, GroupBatch, LossConfig, Model, ModelCard, ModelConfig, Roles,
    Step, Strategy, evaluation,
};

/// The sections of a recipe that belong to this algorithm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GzsConfig {
    /// What convolutions multiply in while training; a trained model is used at full precision.
    #[serde(default)]
    pub precision: Precision,
    /// Network and partition.
    pub model: ModelConfig,
    /// Which images a step takes.
    pub sampling: Sampling,
    /// Terms and weights.
    pub loss: LossConfig,
    /// The CIR term.
    pub cir: CirConfig,
    /// Adam.
    pub optimiser: AdamConfig,
    /// How the learning rate changes.
    pub schedule: LrSchedule,
    /// How the model is scored; recipes of before there was this section have none.
    #[serde(default = "evaluation_before")]
    pub evaluation: EvaluationConfig,
}

fn evaluation_before() -> EvaluationConfig {
    EvaluationConfig { reader_steps: 3000 }
}

/// Which images a step takes, and how many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// How the images of a step belong together.
    pub strategy: Strategy,
    /// Groups a step.
    pub batch: usize,
    /// Equal parts of the batch that are computed side by side; the gradient is the mean of theirs.
    /// Small networks use several cores better so, wide ones lose, since each part reads all weights
    /// again. Results differ in rounding, so bytes depend on it. It divides `batch`; 1 where left out.
    #[serde(default = "one")]
    pub shards: usize,
}

fn one() -> usize {
    1
}

impl GzsConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// Names the field, the value and what is allowed.
    pub fn check(&self) -> Result<()> {
        self.model.check()?;
        self.loss.check(&self.model)?;
        self.optimiser.check("optimiser")?;
        self.schedule.check("schedule")?;
        self.evaluation.check()?;
        check_batch(self.sampling.batch, self.sampling.shards, &self.cir)?;
        if self.cir.moved == Moved::Chosen(ChosenMoved::Trained) {
            let allowed = "one, all-but-one, or a list of blocks: a step trains all blocks at once";
            return Err(Error::setting("cir.moved", &self.cir.moved, allowed));
        }
        Cir::new(self.cir.clone(), &self.model.blocks).map(|_| ())
    }

    /// The part of every image of a group.
    pub fn roles(&self) -> Roles {
        let cycle = self.loss.computes(self.loss.lambda_cycle);
        Roles::new(self.sampling.strategy, &self.model.blocks, cycle)
    }
}

/// A network in training.
pub struct Gzs {
    config: GzsConfig,
    roles: Roles,
    cir: Cir,
    /// The network as it trains, on the same parameters as `model`'s.
    training: Autoencoder,
    model: Model,
    learner: Learner,
    data: Arc<DataSet>,
    steps: u64,
    seed: u64,
}

impl Gzs {
    /// A network at the start of a training of `steps` steps, drawn from `seed`.
    ///
    /// # Errors
    /// When a setting is out of range or does not fit the data.
    pub fn new(
        config: GzsConfig,
        data: Arc<DataSet>,
        steps: u64,
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        config.check()?;
        config.model.check_schema(data.source.schema())?;
        data.check_pictures(config.model.image_size, config.model.image_channels)?;
        let params = Params::new(seed);
        let net = Autoencoder::new(&config.model, params.builder(DType::F32, device))?;
        let card = ModelCard::new(&config.model, &data);
        Ok(Self {
            roles: config.roles(),
            cir: Cir::new(config.cir.clone(), &config.model.blocks)?,
            learner: Learner::new("", params, config.optimiser)?,
            training: net.clone().with_precision(config.precision),
            model: Model::new(net, card, device),
            config,
            data,
            steps,
            seed,
        })
    }

    /// The network as it is now.
    pub fn trained(&self) -> &Model {
        &self.model
    }

    /// The pair, moved blocks and fractions of step `step`'s CIR term, if it has one.
    fn cir_step(&self, step: u64, batch: usize) -> candle_core::Result<Option<CirStep>> {
        let Some(weight) = self.cir.weight(step) else { return Ok(None) };
        let mut rng = rng(self.seed, "cir", step);
        let edge = match &self.config.loss.cir_other {
            CirOther::Random => rng.random_range(0..self.roles.edges.len()),
            CirOther::Partner(name) => {
                self.config.model.blocks.index(name).map_err(candle_core::Error::wrap)?
            }
        };
        let [anchor, other] = self.roles.edges[edge];
        let draw = self.cir.draw(&mut rng, None, batch, DType::F32, self.model.device())?;
        Ok(Some(CirStep { weight, anchor, other, draw }))
    }
}

impl Algorithm for Gzs {
    type Batch = GroupBatch;

    fn step(&mut self, step: u64, batch: GroupBatch) -> candle_core::Result<Scalars> {
        let images = batch.images.to_device(self.model.device())?;
        let cir = self.cir_step(step, images.dim(0)? / self.roles.images.len())?;
        let pass = Step {
            net: &self.training,
            params: self.learner.params(),
            partition: &self.config.model.blocks,
            roles: &self.roles,
            loss: &self.config.loss,
            cir: &self.cir,
        };
        let out = pass.gradients_in_shards(&images, cir.as_ref(), self.config.sampling.shards)?;
        let factor = self.config.schedule.factor(step, self.steps);
        self.learner.step(&out.gradients, factor)?;
        let mut scalars = out.scalars;
        scalars.extend(self.config.model.blocks.spreads(&out.latents)?);
        scalars.push(("lr".into(), self.learner.rate(factor)));
        Ok(scalars)
    }

    fn state(&self) -> State {
        Learner::state([&self.learner])
    }

    fn restore(&mut self, state: State) -> Result<()> {
        Learner::restore([&mut self.learner], state)
    }

    fn model(&self) -> candle_core::Result<cir_train::Model> {
        self.model.stored(self.learner.params().tensors(), &self.data)
    }

    fn sample(&mut self, _step: u64) -> candle_core::Result<Option<Image>> {
        let rows = evaluation::recombine(&self.model, &self.data, 8, self.seed)
            .map_err(candle_core::Error::wrap)?;
        let row = |r: evaluation::Recombination| {
            r.donors.into_iter().chain([r.result, r.truth]).map(Some).collect()
        };
        Ok(Some(Image::grid(&rows.into_iter().map(row).collect::<Vec<_>>(), 2)))
    }

    fn evaluate(&mut self, _step: u64) -> candle_core::Result<Scalars> {
        let scores = evaluation::evaluate(&self.model, &self.data, 64, self.seed)
            .map_err(candle_core::Error::wrap)?;
        Ok(scores.scalars())
    }
}
