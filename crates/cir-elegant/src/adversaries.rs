//! The two sides of the game with their optimisers, and one update of each (elegant.md, section 2).

use candle_core::{DType, Device, Result, Tensor};
use cir_core::{Cir, Draw, Gradients, Losses, Params, Partition, Scalars, Shard, mean_of_shards};
use cir_ops::side_by_side;
use cir_train::Learner;

use crate::{
    CirStep, Discriminators, ElegantConfig, Exchange, Generator, Pair,
    step::{discriminator_loss, generator_loss},
};

/// Generator and discriminators in training.
pub struct Adversaries {
    config: ElegantConfig,
    partition: Partition,
    cir: Cir,
    dtype: DType,
    device: Device,
    generator: Generator,
    discriminators: Discriminators,
    generating: Learner,
    discriminating: Learner,
}

/// What one update of both computed.
#[derive(Debug, Clone)]
pub struct Update {
    /// `D1`, `D2`, `total_D`, `reconstruction`, `adv1`, `adv2`, perhaps `change` and `cir`, `total_G`:
    /// means over the shards; terms unweighted, totals as differentiated.
    pub scalars: Scalars,
    /// What the generator made of each shard, before either update.
    pub made: Vec<Exchange>,
    /// The probabilities of each shard's A, B, C and D by D1 and D2, before the update; after them,
    /// where these count, of A and B with wrong labels. (4n or 6n, 1).
    pub probabilities: Vec<[Tensor; 2]>,
    /// The gradient of `total_D`.
    pub discriminator_gradients: Gradients,
    /// The gradient of `total_G`.
    pub generator_gradients: Gradients,
}

impl Adversaries {
    /// Networks whose parameters are drawn from `seed`.
    ///
    /// # Errors
    /// When a setting is out of range.
    pub fn new(
        config: &ElegantConfig,
        seed: u64,
        dtype: DType,
        device: &Device,
    ) -> cir_core::Result<Self> {
        config.check()?;
        let (model, precision) = (&config.model, config.precision);
        let (g, d) = (Params::new(seed), Params::new(seed));
        let generator = Generator::new(model, g.builder(dtype, device))?;
        let discriminators = Discriminators::new(model, d.builder(dtype, device))?;
        let partition = model.partition()?;
        Ok(Self {
            cir: Cir::new(config.cir.clone(), &partition)?,
            partition,
            dtype,
            device: device.clone(),
            generator: generator.with_precision(precision),
            discriminators: discriminators.with_precision(precision),
            generating: Learner::new("generator", g, config.optimiser.generator)?,
            discriminating: Learner::new("discriminator", d, config.optimiser.discriminator)?,
            config: config.clone(),
        })
    }

    /// Encoder and decoder as they train.
    pub fn generator(&self) -> &Generator {
        &self.generator
    }

    /// The CIR term.
    pub fn cir(&self) -> &Cir {
        &self.cir
    }

    /// The partition of the code.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// The learners of the generator and of the discriminators.
    pub fn learners(&self) -> [&Learner; 2] {
        [&self.generating, &self.discriminating]
    }

    /// The same, to restore them.
    pub fn learners_mut(&mut self) -> [&mut Learner; 2] {
        [&mut self.generating, &mut self.discriminating]
    }

    /// An update of the discriminators, then one of the generator against them, on the forward pass
    /// made before both; `trained` is the attribute, `cir` the CIR term's weight and draw, `factor`
    /// multiplies both learning rates.
    ///
    /// # Errors
    /// When the shapes do not fit the networks, or the pairs do not divide into the shards.
    pub fn update(
        &mut self,
        trained: usize,
        pair: &Pair,
        cir: Option<(f64, &Draw)>,
        factor: f64,
    ) -> Result<Update> {
        let weights = &self.config.loss;
        let parts = self.parts(pair, cir)?;

        let params = self.discriminating.params();
        let judged = side_by_side(parts.iter().collect(), |part| -> Result<_> {
            let (pair, cir) = (&part.pair, part.term(&self.cir));
            let made = Exchange::new(&self.generator, &self.partition, trained, pair, cir)?;
            let (losses, probabilities) =
                discriminator_loss(&self.discriminators, pair, &made, weights)?;
            Ok(((made, probabilities), differentiated(&losses, "total_D", params)?))
        })?;
        let (seen, found): (Vec<_>, Vec<_>) = judged.into_iter().unzip();
        let (made, probabilities): (Vec<_>, Vec<_>) = seen.into_iter().unzip();
        let (mut scalars, discriminator_gradients) = mean_of_shards(found)?;
        self.discriminating.step(&discriminator_gradients, factor)?;

        let params = self.discriminating.params();
        let critics = Discriminators::fixed(&self.config.model, params, self.dtype, &self.device)?
            .with_precision(self.config.precision);
        let params = self.generating.params();
        let found = side_by_side(parts.iter().zip(&made).collect(), |(part, made)| {
            let (net, cir) = (&self.generator, part.term(&self.cir));
            let losses = generator_loss(net, &critics, &part.pair, made, weights, cir)?;
            differentiated(&losses, "total_G", params)
        })?;
        let (own, generator_gradients) = mean_of_shards(found)?;
        self.generating.step(&generator_gradients, factor)?;
        scalars.extend(own);
        Ok(Update { scalars, made, probabilities, discriminator_gradients, generator_gradients })
    }

    /// Equal parts of a pair with what the CIR term draws for them.
    fn parts(&self, pair: &Pair, cir: Option<(f64, &Draw)>) -> Result<Vec<Part>> {
        let part = |shard: Shard| {
            let rows = |x| shard.rows(x, 2);
            let pair = Pair { images: rows(&pair.images)?, labels: rows(&pair.labels)? };
            let draw = cir.map(|(_, draw)| shard.draw(draw)).transpose()?;
            Ok(Part { pair, cir: cir.map(|(weight, _)| weight).zip(draw) })
        };
        let shards = Shard::all(pair.images.dim(0)? / 2, self.config.sampling.shards)?;
        shards.into_iter().map(part).collect()
    }
}

/// A part of an update's pairs, and the weight and draw of the CIR term for them.
struct Part {
    pair: Pair,
    cir: Option<(f64, Draw)>,
}

impl Part {
    fn term<'a>(&'a self, cir: &'a Cir) -> Option<CirStep<'a>> {
        let (weight, draw) = self.cir.as_ref()?;
        Some(CirStep { cir, weight: *weight, draw })
    }
}

/// The terms with their total, and its gradient by `params`.
fn differentiated(losses: &Losses, name: &str, params: &Params) -> Result<(Scalars, Gradients)> {
    let Some(total) = losses.total()? else { candle_core::bail!("{name}: every weight is 0") };
    let mut gradients = Gradients::new();
    gradients.accumulate(params, &mut cir_ops::backward(&total)?)?;
    let mut scalars = losses.scalars()?;
    scalars.push((name.into(), total.to_dtype(DType::F64)?.to_scalar()?));
    Ok((scalars, gradients))
}
