//! All networks with their optimisers, and the two kinds of iteration (i2i-dis.md, section 4).

use std::collections::BTreeMap;

use candle_core::{DType, Device, Result, Tensor, backprop::GradStore};
use cir_core::{
    Cir, Gradients, Latent, NamedTensors, Params, Scalars, add_to, backward_in_sections,
};
use cir_ops::side_by_side;
use cir_train::Learner;

use crate::{
    DISCRIMINATORS, Discriminators, Domain, I2iConfig, Noise, Second, TRANSLATORS, Translations,
    Translators, Views,
    domain::both_at_once,
    losses::{
        CirDraw, Judgement, Phase, cir, content_judgement, first_phase, judgement, latent,
        second_phase,
    },
};

/// Networks in training.
pub struct Adversaries {
    config: I2iConfig,
    translators: Translators,
    discriminators: Discriminators,
    /// One for each network, by its name.
    learners: BTreeMap<&'static str, Learner>,
    /// What spectral norms keep.
    buffers: Params,
    terms: Vec<Cir>,
}

/// The CIR terms of an iteration.
#[derive(Debug, Clone)]
pub struct CirStep {
    /// Their weight in the first phase's loss.
    pub weight: f64,
    /// (n, 4·width, S/4, S/4) for each domain: noise on the content codes that are moved towards; without
    /// it, content has none anywhere in the terms.
    pub noise: Option<[Tensor; 2]>,
    /// For each term, each domain's draw.
    pub draws: Vec<[CirDraw; 2]>,
}

/// What the update of the content discriminator computed.
#[derive(Debug, Clone)]
pub struct ContentUpdate {
    /// `d_content`, and `d_content_norm`, the gradient's norm before clipping.
    pub scalars: Scalars,
    /// The clipped gradient.
    pub gradients: Gradients,
    /// The logits of A's codes and B's, (n, 1, h, w).
    pub logits: [Tensor; 2],
}

/// What a full iteration computed.
#[derive(Debug, Clone)]
pub struct Update {
    /// All terms, unweighted, and the totals as differentiated.
    pub scalars: Scalars,
    /// The forward pass.
    pub made: Translations,
    /// What `disA`, `disA2`, `disB` and `disB2` said before their updates.
    pub judgements: BTreeMap<&'static str, Judgement>,
    /// The content discriminator's update.
    pub content: ContentUpdate,
    /// The gradient of every network's first update but the content discriminator's.
    pub gradients: ByNetwork,
    /// The gradients of the second updates of content encoder and generator.
    pub second: ByNetwork,
}

/// Gradients of several networks.
type ByNetwork = BTreeMap<&'static str, Gradients>;

/// What the domains' discriminators computed: gradients, judgements, terms.
type Judged = (ByNetwork, BTreeMap<&'static str, Judgement>, Scalars);

/// The networks that the second phase updates.
const SECOND: [&str; 2] = ["enc_c", "gen"];

impl Adversaries {
    /// Networks whose parameters are drawn from `seed`.
    ///
    /// # Errors
    /// When a setting is out of range.
    pub fn new(
        config: &I2iConfig,
        seed: u64,
        dtype: DType,
        device: &Device,
    ) -> cir_core::Result<Self> {
        config.check()?;
        let (model, precision) = (&config.model, config.precision);
        let stores: BTreeMap<_, _> =
            TRANSLATORS.into_iter().chain(DISCRIMINATORS).map(|n| (n, Params::new(seed))).collect();
        let buffers = Params::new(seed);
        let store = |name: &str| stores[name].clone();
        let translators = Translators::new(model, precision, dtype, device, store)?;
        let discriminators = Discriminators::new(model, precision, dtype, device, store, &buffers)?;
        let learner = |(name, params): (&'static str, Params)| {
            let adam = match name {
                "disContent" => config.optimiser.content_discriminator,
                _ => config.optimiser.networks,
            };
            Ok((name, Learner::new(name, params, adam)?))
        };
        let learners = stores.clone().into_iter().map(learner).collect::<Result<_>>()?;
        let terms = config.cir_terms()?;
        Ok(Self { config: config.clone(), translators, discriminators, learners, buffers, terms })
    }

    /// Encoders and generator as they train.
    pub fn translators(&self) -> &Translators {
        &self.translators
    }

    /// The CIR terms.
    pub fn terms(&self) -> &[Cir] {
        &self.terms
    }

    /// One learner for each network, in the order of the names.
    pub fn learners(&self) -> impl Iterator<Item = (&'static str, &Learner)> {
        self.learners.iter().map(|(name, learner)| (*name, learner))
    }

    /// The same, to restore them.
    pub fn learners_mut(&mut self) -> impl Iterator<Item = &mut Learner> {
        self.learners.values_mut()
    }

    /// What spectral norms keep: `weight`, as last used, and `weight_u` of every layer.
    pub fn buffers(&self) -> &Params {
        &self.buffers
    }

    /// The store of the network called `name`.
    pub(crate) fn params(&self, name: &str) -> Params {
        self.learners[name].params().clone()
    }

    /// The parameters of encoders and generator.
    pub fn trained(&self) -> NamedTensors {
        let of = |name: &&str| self.learners[*name].params().tensors();
        TRANSLATORS.iter().flat_map(of).collect()
    }

    /// A content iteration: the content discriminator alone, on content codes with noise; `factor`
    /// multiplies the learning rate.
    ///
    /// # Shapes
    /// `images` (n, C, S, S) and `noise` (n, 4·width, S/4, S/4) of each domain.
    ///
    /// # Errors
    /// When the shapes do not fit the networks.
    pub fn content_update(
        &mut self,
        images: &[Tensor; 2],
        noise: &[Tensor; 2],
        factor: f64,
    ) -> Result<ContentUpdate> {
        let content = both_at_once(|x| {
            let code = self.translators.content.encode(x, &images[x.index()])?.detach();
            code + &noise[x.index()]
        })?;
        self.judge_content(&content, factor)
    }

    fn judge_content(&mut self, content: &[Tensor; 2], factor: f64) -> Result<ContentUpdate> {
        let (loss, logits) = content_judgement(&self.discriminators.content, content)?;
        let mut gradients = self.gradients("disContent", &loss)?;
        let norm = gradients.clip_norm(self.config.optimiser.clip)?;
        self.step("disContent", &gradients, factor)?;
        let scalars = vec![("d_content".into(), number(&loss)?), ("d_content_norm".into(), norm)];
        Ok(ContentUpdate { scalars, gradients, logits: logits.map(|x| x.detach()) })
    }

    /// A full iteration: one forward pass, every discriminator, then both phases; `factor` multiplies
    /// all learning rates.
    ///
    /// # Errors
    /// When the shapes do not fit the networks.
    pub fn update(
        &mut self,
        views: &Views,
        noise: &Noise,
        cir: Option<&CirStep>,
        factor: f64,
    ) -> Result<Update> {
        let made = Translations::new(&self.translators, &views.encoded, noise)?;
        let (mut gradients, judgements, mut scalars) = self.judge(views, &made, factor)?;
        let content = self.judge_content(&made.content, factor)?;
        scalars.extend(content.scalars.iter().cloned());
        let [first, second] = self.phases(views, &made, noise, cir)?;

        // Parameters are changed in place, so that a backward pass multiplies with what they are when
        // it runs: after the first update it is the published one.
        let phases = [("total_eg", &first, &TRANSLATORS[..]), ("total_g", &second, &SECOND)];
        let phase = |(name, terms, networks)| self.phase(name, terms, &made, networks);
        let before = match self.config.updates.second {
            Second::Clean => &phases[..],
            Second::Stale => &phases[..1],
        };
        let mut found = side_by_side(before.to_vec(), phase)?.into_iter();
        let Some((own, of_first)) = found.next() else { candle_core::bail!("no phase") };
        scalars.extend(own);
        for (name, own) in of_first {
            self.step(name, &own, factor)?;
            gradients.insert(name, own);
        }
        let (own, of_second) = match found.next() {
            Some(second) => second,
            None => self.phase("total_g", &second, &made, &SECOND)?,
        };
        scalars.extend(own);
        for (name, own) in &of_second {
            self.step(name, own, factor)?;
        }
        Ok(Update { scalars, made, judgements, content, gradients, second: of_second })
    }

    /// Updates the domains' discriminators: their gradients, what they said before, and their terms.
    fn judge(&mut self, views: &Views, made: &Translations, factor: f64) -> Result<Judged> {
        let Discriminators { encoded, random, .. } = &self.discriminators;
        let at_random = |i: usize| made.random[i].iter().collect::<Vec<_>>();
        let judges = vec![
            ("disA", "d_a", &encoded[0], &views.encoded[0], vec![&made.translated[0]]),
            ("disA2", "d_a2", &random[0], &views.others[0], at_random(0)),
            ("disB", "d_b", &encoded[1], &views.encoded[1], vec![&made.translated[1]]),
            ("disB2", "d_b2", &random[1], &views.others[1], at_random(1)),
        ];
        let judged = side_by_side(judges, |(name, term, net, real, made)| -> Result<_> {
            let judged = judgement(net, real, &made)?;
            Ok((name, term, self.gradients(name, &judged.loss)?, judged))
        })?;
        let (mut gradients, mut judgements, mut scalars) = Judged::default();
        for (name, term, own, judged) in judged {
            scalars.push((term.into(), number(&judged.loss)?));
            self.step(name, &own, factor)?;
            gradients.insert(name, own);
            judgements.insert(name, judged.detach());
        }
        Ok((gradients, judgements, scalars))
    }

    /// The terms of the first phase, CIR's among them, and of the second.
    fn phases(
        &self,
        views: &Views,
        made: &Translations,
        noise: &Noise,
        cir: Option<&CirStep>,
    ) -> Result<[Phase; 2]> {
        let mut first = first_phase(
            made,
            &views.encoded,
            &self.discriminators.content.fixed(),
            &self.discriminators.encoded.each_ref().map(|net| net.fixed()),
            &self.config.loss,
        )?;
        if let Some(step) = cir {
            let values = both_at_once(|x| self.cir(x, views, made, noise, step))?;
            for (x, value) in Domain::BOTH.into_iter().zip(values) {
                first.terms_mut(x).again.push("cir", value, step.weight);
            }
        }
        let critics = self.discriminators.random.each_ref().map(|net| net.fixed());
        let second = second_phase(made, &noise.random, &critics, &self.config.loss)?;
        Ok([first, second])
    }

    /// The sum of all CIR terms of a domain.
    fn cir(
        &self,
        x: Domain,
        views: &Views,
        made: &Translations,
        noise: &Noise,
        step: &CirStep,
    ) -> Result<Tensor> {
        let (i, [content, mean]) = (x.index(), made.latent(x));
        let content = match &step.noise {
            Some(_) => content.clone(),
            None => (content - &noise.content[i])?,
        };
        let a = Latent::new(vec![content, mean.clone()]);
        let others = views.others[i].narrow(0, 0, a.batch()?)?;
        let b = latent(&self.translators, x, &others, step.noise.as_ref().map(|n| &n[i]))?;
        let mut sum = None;
        for (term, draws) in self.terms.iter().zip(&step.draws) {
            let value = cir(&self.translators, x, term, [&a, &b], &draws[i])?.value;
            add_to(&mut sum, value)?;
        }
        match sum {
            Some(sum) => Ok(sum),
            None => candle_core::bail!("cir: no term"),
        }
    }

    /// Terms with their total, and its gradient by the parameters of each of `networks`.
    fn phase(
        &self,
        name: &str,
        terms: &Phase,
        made: &Translations,
        networks: &[&'static str],
    ) -> Result<(Scalars, ByNetwork)> {
        let sections = terms.sections(made)?;
        let mut total = None;
        for own in sections.iter().flatten().filter_map(|section| section.total.as_ref()) {
            *total.get_or_insert(0.) += number(own)?;
        }
        let Some(total) = total else { candle_core::bail!("{name}: every weight is 0") };
        let take = |store: &mut GradStore| {
            let of = |&network: &&'static str| {
                let mut gradients = Gradients::new();
                gradients.accumulate(self.learners[network].params(), store)?;
                Ok((network, gradients))
            };
            networks.iter().map(of).collect::<Result<ByNetwork>>()
        };
        let mut gradients = ByNetwork::new();
        for own in backward_in_sections(&sections.each_ref().map(|level| &level[..]), take)? {
            for (network, own) in own {
                gradients.entry(network).or_default().add(own)?;
            }
        }
        let mut scalars = terms.scalars()?;
        scalars.push((name.into(), total));
        Ok((scalars, gradients))
    }

    fn gradients(&self, name: &str, loss: &Tensor) -> Result<Gradients> {
        let mut gradients = Gradients::new();
        gradients.accumulate(self.learners[name].params(), &mut cir_ops::backward(loss)?)?;
        Ok(gradients)
    }

    fn step(&mut self, name: &str, gradients: &Gradients, factor: f64) -> Result<()> {
        match self.learners.get_mut(name) {
            Some(learner) => learner.step(gradients, factor),
            None => candle_core::bail!("no network is called {name}"),
        }
    }
}

fn number(x: &Tensor) -> Result<f64> {
    x.to_dtype(DType::F64)?.to_scalar()
}
