//! I2I-Dis as an algorithm for the training loop. A step is an iteration, content or full.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use cir_core::{Image, Latent, Result, Scalars, rng};
use cir_data::{DataSet, Place};
use cir_metrics::Judge;
use cir_train::{Algorithm, Learner, State};

use crate::{
    Adversaries, CirStep, Evaluation, I2iConfig, Model, ModelCard, Noise, Unit, ViewBatch, Views,
    domain::both,
    evaluate,
    evaluation::{judge, shown},
    losses::CirDraw,
    translations::gaussian,
};

/// Held-out pictures translated in each direction in the course of a training.
const EVALUATED: usize = 64;
/// Begins the names of what spectral norms keep, in a checkpoint.
const BUFFER: &str = "buffer.";

/// Networks in training.
pub struct I2i {
    config: I2iConfig,
    adversaries: Adversaries,
    model: Model,
    data: Arc<DataSet>,
    /// Made when something is scored for the first time.
    judge: Option<Judge>,
    steps: u64,
    seed: u64,
}

impl I2i {
    /// Networks at the start of a training of `steps` iterations, drawn from `seed`.
    ///
    /// # Errors
    /// When a setting is out of range or does not fit the data.
    pub fn new(
        config: I2iConfig,
        data: Arc<DataSet>,
        steps: u64,
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        config.check_data(&data)?;
        let adversaries = Adversaries::new(&config, seed, DType::F32, device)?;
        let card = ModelCard::new(&config, &data)?;
        let model = Model::of(card, device, |name| adversaries.params(name))?;
        Ok(Self { config, adversaries, model, data, judge: None, steps, seed })
    }

    /// The networks as they are now.
    pub fn trained(&self) -> &Model {
        &self.model
    }

    /// The factor on the learning rates.
    fn factor(&self, step: u64, place: Place) -> f64 {
        match self.config.schedule_in {
            Unit::Iterations => self.config.schedule.factor(step, self.steps),
            Unit::Epochs => {
                let epochs = self.steps.div_ceil(place.batches);
                self.config.schedule.factor(place.epoch + 1, epochs)
            }
        }
    }

    /// The CIR terms of an iteration, if it has any.
    fn cir(&self, step: u64, noise: &[Tensor; 2]) -> candle_core::Result<Option<CirStep>> {
        let terms = self.adversaries.terms();
        let Some(weight) = terms.first().and_then(|term| term.weight(step)) else {
            return Ok(None);
        };
        let mut rng = rng(self.seed, "cir", step);
        let (device, shape) = (noise[0].device(), noise[0].dims());
        let like = |rng: &mut cir_core::Rng, pictures: usize| {
            gaussian(rng, &[&[pictures], &shape[1..]].concat(), DType::F32, device)
        };
        let noisy = self.config.cir_noise;
        let towards = noisy.then(|| both(|_| like(&mut rng, shape[0]))).transpose()?;
        let draws = terms.iter().map(|term| {
            both(|_| {
                let draw = term.draw(&mut rng, None, shape[0], DType::F32, device)?;
                let again = term.config().draws * shape[0];
                let noise = noisy.then(|| like(&mut rng, again)).transpose()?;
                Ok(CirDraw { draw, noise })
            })
        });
        let draws = draws.collect::<candle_core::Result<_>>()?;
        Ok(Some(CirStep { weight, noise: towards, draws }))
    }

    /// Scores on held-out pictures.
    fn scores(&mut self) -> cir_data::Result<Evaluation> {
        let judge = match self.judge.take() {
            Some(judge) => judge,
            None => judge(&self.model, &self.data, self.config.evaluation.reader_steps, self.seed)?,
        };
        evaluate(&self.model, &self.data, self.judge.insert(judge), EVALUATED, self.seed)
    }
}

impl Algorithm for I2i {
    type Batch = ViewBatch;

    fn step(&mut self, step: u64, batch: ViewBatch) -> candle_core::Result<Scalars> {
        let ViewBatch { place, views } = batch;
        let device = self.model.device().clone();
        let on_device = |images: &[Tensor; 2]| both(|x| images[x.index()].to_device(&device));
        let views =
            Views { encoded: on_device(&views.encoded)?, others: on_device(&views.others)? };
        let factor = self.factor(step, place);
        let mut rng = rng(self.seed, "noise", step);
        let size = [self.config.sampling.encoded, self.config.sampling.crop];
        let (model, loss) = (&self.config.model, &self.config.loss);
        let mut scalars = if self.config.updates.is_full(place.iteration, place.length) {
            let noise = Noise::draw(&mut rng, model, loss, size, DType::F32, &device)?;
            let cir = self.cir(step, &noise.content)?;
            let update = self.adversaries.update(&views, &noise, cir.as_ref(), factor)?;
            let mut scalars = update.scalars;
            // The noise would be most of the content's spread.
            let codes = both(|x| {
                let made = &update.made;
                let content = (&made.content[x.index()] - &noise.content[x.index()])?;
                Ok(Latent::new(vec![content, made.manner[x.index()].mean.clone()]))
            })?;
            scalars.extend(self.model.partition().spreads(&Latent::cat(&codes)?)?);
            scalars
        } else {
            let noise = Noise::content(&mut rng, model, size, DType::F32, &device)?;
            self.adversaries.content_update(&views.encoded, &noise, factor)?.scalars
        };
        scalars.push(("lr".into(), self.config.optimiser.networks.lr * factor));
        Ok(scalars)
    }

    fn state(&self) -> State {
        let mut state = Learner::state(self.adversaries.learners().map(|(_, learner)| learner));
        let buffers = self.adversaries.buffers().tensors().into_iter();
        state.tensors.extend(buffers.map(|(name, t)| (format!("{BUFFER}{name}"), t)));
        state
    }

    fn restore(&mut self, mut state: State) -> Result<()> {
        let (buffers, rest) = std::mem::take(&mut state.tensors)
            .into_iter()
            .partition::<cir_core::NamedTensors, _>(|(name, _)| name.starts_with(BUFFER));
        let own = |(name, t): (String, Tensor)| (name[BUFFER.len()..].to_owned(), t);
        self.adversaries.buffers().load(&buffers.into_iter().map(own).collect())?;
        state.tensors = rest;
        Learner::restore(self.adversaries.learners_mut(), state)
    }

    fn model(&self) -> candle_core::Result<cir_train::Model> {
        self.model.stored(self.adversaries.trained())
    }

    fn sample(&mut self, _step: u64) -> candle_core::Result<Option<Image>> {
        let rows =
            shown(&self.model, &self.data, 4, self.seed).map_err(candle_core::Error::wrap)?;
        let rows: Vec<_> = rows.into_iter().map(|row| row.pictures).collect();
        Ok(Some(Image::grid(&rows, 2)))
    }

    fn evaluate(&mut self, _step: u64) -> candle_core::Result<Scalars> {
        Ok(self.scores().map_err(candle_core::Error::wrap)?.scalars())
    }
}
