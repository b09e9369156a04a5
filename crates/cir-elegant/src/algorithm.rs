//! ELEGANT as an algorithm for the training loop.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use cir_core::{Draw, Error, Image, Result, Scalars, add_scalar, rng};
use cir_data::DataSet;
use cir_metrics::Judge;
use cir_train::{Algorithm, Learner, State};

use crate::{
    Adversaries, ElegantConfig, Model, ModelCard, Pair, PairBatch,
    evaluation::{evaluate, judge, swapped},
};

/// A loss of the discriminators below this share of what guessing gives means that they tell real from
/// made with near certainty.
const COLLAPSED: f64 = 0.05;
/// Steps in a row below it that are worth a warning.
const LONG: u64 = 500;
/// Held-out pairs scored in the course of a training.
const EVALUATED: usize = 96;
/// The counter of these steps in a checkpoint.
const COUNTER: &str = "collapsed_steps";

/// Networks in training.
pub struct Elegant {
    config: ElegantConfig,
    adversaries: Adversaries,
    model: Model,
    data: Arc<DataSet>,
    /// Made when something is scored for the first time.
    judge: Option<Judge>,
    /// Steps in a row, up to the last one, with discriminators below [`COLLAPSED`].
    collapsed: u64,
    steps: u64,
    seed: u64,
}

impl Elegant {
    /// Networks at the start of a training of `steps` steps, drawn from `seed`.
    ///
    /// # Errors
    /// When a setting is out of range or does not fit the data.
    pub fn new(
        config: ElegantConfig,
        data: Arc<DataSet>,
        steps: u64,
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        let adversaries = Adversaries::new(&config, seed, DType::F32, device)?;
        data.check_pictures(config.model.image_size, config.model.image_channels)?;
        let card = ModelCard::new(&config.model, &data)?;
        let net = adversaries.generator().clone().with_precision(Default::default());
        let model = Model::new(net, card, device)?;
        Ok(Self { config, adversaries, model, data, judge: None, collapsed: 0, steps, seed })
    }

    /// The network as it is now.
    pub fn trained(&self) -> &Model {
        &self.model
    }

    /// Weight, moved blocks and fractions of the CIR term of one update, if it has one.
    fn draw(
        &self,
        step: u64,
        trained: usize,
        pairs: usize,
    ) -> candle_core::Result<Option<(f64, Draw)>> {
        let cir = self.adversaries.cir();
        let Some(weight) = cir.weight(step) else { return Ok(None) };
        let mut rng =
            rng(self.seed, &format!("cir {}", self.config.model.attributes[trained]), step);
        let device = self.model.device();
        let draw = cir.draw(&mut rng, Some(trained), pairs, DType::F32, device)?;
        Ok(Some((weight, draw)))
    }
}

impl Algorithm for Elegant {
    type Batch = PairBatch;

    fn step(&mut self, step: u64, batch: PairBatch) -> candle_core::Result<Scalars> {
        let factor = self.config.schedule.factor(step, self.steps);
        let device = self.model.device().clone();
        let names = self.config.model.attributes.clone();
        let (mut means, mut totals, mut spreads) = (Scalars::new(), Scalars::new(), Scalars::new());
        for (trained, (pair, name)) in batch.0.iter().zip(&names).enumerate() {
            let pair = Pair {
                images: pair.images.to_device(&device)?,
                labels: pair.labels.to_device(&device)?,
            };
            let draw = self.draw(step, trained, pair.images.dim(0)? / 2)?;
            let cir = draw.as_ref().map(|(weight, draw)| (*weight, draw));
            let update = self.adversaries.update(trained, &pair, cir, factor)?;
            for (term, value) in update.scalars {
                if let Some(side) = term.strip_prefix("total_") {
                    totals.push((format!("{side}_{name}"), value));
                }
                add_scalar(&mut means, term, value / names.len() as f64);
            }
            if trained == 0 {
                let codes = update.made.iter().map(|made| made.encoding.code.code(0));
                let codes = Tensor::cat(&codes.collect::<candle_core::Result<Vec<_>>>()?, 0)?;
                spreads = self.adversaries.partition().spreads(&codes.into())?;
            }
        }
        let discriminators = means.iter().find(|(term, _)| term == "total_D");
        let chance = self.config.loss.chance();
        let collapsed = discriminators.is_some_and(|(_, value)| *value < COLLAPSED * chance);
        self.collapsed = if collapsed { self.collapsed + 1 } else { 0 };
        let rates = self.adversaries.learners().map(|learner| learner.rate(factor));
        means.extend(totals);
        means.extend(spreads);
        means.extend(["lr_G", "lr_D"].map(str::to_owned).into_iter().zip(rates));
        Ok(means)
    }

    fn warning(&self) -> Option<String> {
        (self.collapsed >= LONG).then(|| {
            format!(
                "the discriminators' loss was below {} % of chance for {LONG} steps: they tell real \
                 pictures from made ones with near certainty, and the generator learns little from \
                 them (a lower optimiser.discriminator.lr helps)",
                100. * COLLAPSED
            )
        })
    }

    fn state(&self) -> State {
        let mut state = Learner::state(self.adversaries.learners());
        state.counters.insert(COUNTER.into(), self.collapsed);
        state
    }

    fn restore(&mut self, mut state: State) -> Result<()> {
        let Some(collapsed) = state.counters.remove(COUNTER) else {
            return Err(Error::setting("counters", format!("no {COUNTER:?}"), "a number of steps"));
        };
        Learner::restore(self.adversaries.learners_mut(), state)?;
        self.collapsed = collapsed;
        Ok(())
    }

    fn model(&self) -> candle_core::Result<cir_train::Model> {
        let params = self.adversaries.learners().map(|learner| learner.params().tensors());
        self.model.stored(params.into_iter().flatten().collect())
    }

    fn sample(&mut self, _step: u64) -> candle_core::Result<Option<Image>> {
        let rows =
            swapped(&self.model, &self.data, 2, self.seed).map_err(candle_core::Error::wrap)?;
        let rows: Vec<_> = rows.into_iter().map(|r| r.pictures.map(Some).into()).collect();
        Ok(Some(Image::grid(&rows, 2)))
    }

    fn evaluate(&mut self, _step: u64) -> candle_core::Result<Scalars> {
        let (data, seed) = (&*self.data, self.seed);
        let judge = match self.judge.take() {
            Some(judge) => judge,
            None => judge(data, self.config.evaluation.reader_steps, seed)
                .map_err(candle_core::Error::wrap)?,
        };
        let scores = evaluate(&self.model, data, self.judge.insert(judge), EVALUATED, seed);
        Ok(scores.map_err(candle_core::Error::wrap)?.scalars())
    }
}
