//! The terms of both phases and of every discriminator (i2i-dis.md, section 4).

use candle_core::{Result, Tensor};
use cir_core::{Cir, Cut, Draw, Latent, Losses, Scalars, Section, add_scalar, add_to};

use crate::{
    ContentDiscriminator, Discriminator, Domain, LossConfig, Manner, Translations, Translators,
    domain::{both, both_at_once},
};

/// The mean binary cross entropy of logits, a scalar. The published program takes logarithms of
/// probabilities and clamps them at −100, which differs only where a sigmoid saturates.
fn cross_entropy(logits: &Tensor, target: f64) -> Result<Tensor> {
    let logits = logits.flatten_all()?;
    let targets =
        Tensor::full(target, logits.shape(), logits.device())?.to_dtype(logits.dtype())?;
    cir_ops::bce_groups(&logits, &targets, 1)?.squeeze(0)
}

/// Σ over scales.
fn over_scales(maps: &[Tensor], target: f64) -> Result<Tensor> {
    let terms = maps.iter().map(|map| cross_entropy(map, target)).collect::<Result<Vec<_>>>()?;
    Tensor::stack(&terms, 0)?.sum_all()
}

fn l1(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    cir_ops::l1_groups(a, b, 1)?.squeeze(0)
}

/// What a discriminator of pictures saw, and its loss.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// Σ over made pictures and scales of BCE(made, 0) + BCE(real, 1).
    pub loss: Tensor,
    /// Its maps of the first made pictures, (n, 1, h, w) for each scale.
    pub made: Vec<Tensor>,
    /// Its maps of the real ones, as many as there were, for each scale.
    pub real: Vec<Tensor>,
}

impl Judgement {
    /// The same without its graph, which holds what the discriminator computed.
    pub(crate) fn detach(self) -> Self {
        let maps = |maps: Vec<Tensor>| maps.iter().map(Tensor::detach).collect();
        Self { loss: self.loss.detach(), made: maps(self.made), real: maps(self.real) }
    }
}

/// The loss of a discriminator that is shown `real` pictures with each of the `made` ones, those
/// first, as published.
///
/// # Shapes
/// `real` (B, C, S, S), each of `made` (n, C, S, S).
///
/// # Errors
/// When the shapes do not fit.
pub fn judgement(net: &Discriminator, real: &Tensor, made: &[&Tensor]) -> Result<Judgement> {
    if made.is_empty() {
        candle_core::bail!("nothing made to be judged");
    }
    let made: Vec<_> = made.iter().map(|images| images.detach()).collect();
    // Pictures, what they should be taken for, and how often that counts. Real ones are judged once,
    // unless the next call sees another network.
    let shown: Vec<(&Tensor, f64, f64)> = match net.is_spectral() {
        true => made.iter().flat_map(|images| [(images, 0., 1.), (real, 1., 1.)]).collect(),
        false => {
            let all = made.iter().map(|images| (images, 0., 1.));
            all.chain([(real, 1., made.len() as f64)]).collect()
        }
    };
    let images: Vec<_> = shown.iter().map(|(images, ..)| *images).collect();
    let maps = net.forward_each(&images)?;
    let mut loss = None;
    for ((_, target, count), maps) in shown.iter().zip(&maps) {
        add_to(&mut loss, (over_scales(maps, *target)? * *count)?)?;
    }
    let maps_of = |wanted: f64| {
        let place = shown.iter().position(|(_, target, _)| *target == wanted);
        place.map(|place| maps[place].clone()).unwrap_or_default()
    };
    match loss {
        Some(loss) => Ok(Judgement { loss, made: maps_of(0.), real: maps_of(1.) }),
        None => candle_core::bail!("nothing was judged"),
    }
}

/// The content discriminator's loss on codes of A and B, and its logits.
///
/// # Shapes
/// `content` (n, 4·width, S/4, S/4) of each domain → a scalar, and (n, 1, h, w) of each.
///
/// # Errors
/// When the shapes do not fit.
pub fn content_judgement(
    net: &ContentDiscriminator,
    content: &[Tensor; 2],
) -> Result<(Tensor, [Tensor; 2])> {
    let logits = both(|x| net.forward(&content[x.index()].detach()))?;
    let loss = (cross_entropy(&logits[0], 0.)? + cross_entropy(&logits[1], 1.)?)?;
    Ok((loss, logits))
}

/// One domain's terms of a phase, by the part of the forward pass that they hang on.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// On what was encoded.
    pub encoded: Losses,
    /// On the pictures made of that.
    pub decoded: Losses,
    /// On what was found in these again.
    pub again: Losses,
}

/// A phase's terms, of A and of B.
#[derive(Debug, Clone)]
pub struct Phase([Terms; 2]);

impl Phase {
    /// The terms of both domains, side by side.
    fn of(terms: impl Fn(Domain) -> Result<Terms> + Sync) -> Result<Self> {
        both_at_once(terms).map(Self)
    }

    /// The terms of a domain.
    pub fn terms_mut(&mut self, x: Domain) -> &mut Terms {
        &mut self.0[x.index()]
    }

    /// By part, of A and of B.
    fn parts(&self) -> [[&Losses; 2]; 3] {
        let [a, b] = &self.0;
        [[&a.encoded, &b.encoded], [&a.decoded, &b.decoded], [&a.again, &b.again]]
    }

    /// The graph of the forward pass with the sums of these terms, level by level.
    ///
    /// # Errors
    /// Whatever candle reports.
    pub(crate) fn sections(&self, made: &Translations) -> Result<[[Section; 2]; 3]> {
        let [encoded, decoded] = made.cuts();
        let [on_encoded, on_decoded, on_again] = self.parts();
        let level = |terms: [&Losses; 2], cuts: [Vec<Cut>; 2]| -> Result<[Section; 2]> {
            let ([a, b], [in_a, in_b]) = (terms, cuts);
            Ok([
                Section { total: a.total()?, cuts: in_a },
                Section { total: b.total()?, cuts: in_b },
            ])
        };
        let none = [Vec::new(), Vec::new()];
        Ok([level(on_encoded, encoded)?, level(on_decoded, decoded)?, level(on_again, none)?])
    }

    /// Every term, unweighted; those of one name are one, their sum.
    ///
    /// # Errors
    /// Whatever candle reports.
    pub fn scalars(&self) -> Result<Scalars> {
        let mut all = Scalars::new();
        for losses in self.parts().iter().flatten() {
            for (name, value) in losses.scalars()? {
                add_scalar(&mut all, name, value);
            }
        }
        Ok(all)
    }
}

/// Phase 1, which trains encoders and generator; the discriminators are those after their updates.
///
/// # Shapes
/// `images` (n, C, S, S) of each domain, those that `made` was made of.
///
/// # Errors
/// When the shapes do not fit.
pub fn first_phase(
    made: &Translations,
    images: &[Tensor; 2],
    content: &ContentDiscriminator,
    critics: &[Discriminator; 2],
    weights: &LossConfig,
) -> Result<Phase> {
    Phase::of(|x| {
        let (i, mut terms) = (x.index(), Terms::default());
        let named = |term: &str| format!("{term}_{}", x.lower());
        let of_domain = cross_entropy(&content.forward(&made.content[i])?, 0.5)?;
        let square = made.content[i].sqr()?.mean_all()?;
        terms.encoded.push(named("gan_content"), of_domain, weights.content_adversarial);
        terms.encoded.push(named("kl_attr"), prior(&made.manner[i])?, weights.attribute_prior);
        terms.encoded.push(named("l2_content"), square, weights.content_prior);
        let real = over_scales(&critics[i].forward(&made.translated[i])?, 1.)?;
        terms.decoded.push(named("gan"), real, weights.adversarial);
        let own = l1(&made.own[i], &images[i])?;
        terms.decoded.push(named("l1_self"), own, weights.self_reconstruction);
        terms.again.push(named("l1_cycle"), l1(&made.back[i], &images[i])?, weights.cycle);
        Ok(terms)
    })
}

/// The distance of attribute codes to a standard Gaussian: the mean over pictures of the divergence,
/// summed over the code's numbers; without a distribution their mean square.
fn prior(manner: &Manner) -> Result<Tensor> {
    let Manner { mean, log_variance } = manner;
    let Some(log_variance) = log_variance else { return mean.sqr()?.mean_all() };
    let terms = (((log_variance + 1.)? - mean.sqr()?)? - log_variance.exp()?)?;
    terms.sum_all()? * (-0.5 / mean.dim(0)? as f64)
}

/// Phase 2, which trains content encoder and generator: random translations of `made` from the codes
/// `random`.
///
/// # Shapes
/// Each of `random` (n, nz), as many as `made` has random translations in each domain.
///
/// # Errors
/// When the shapes do not fit.
pub fn second_phase(
    made: &Translations,
    random: &[Tensor],
    critics: &[Discriminator; 2],
    weights: &LossConfig,
) -> Result<Phase> {
    let pictures = made.random.each_ref().map(Vec::len);
    if random.is_empty() || pictures != [random.len(); 2] {
        candle_core::bail!("{} random codes for {pictures:?} random translations", random.len());
    }
    Phase::of(|x| {
        let (i, mut terms) = (x.index(), Terms::default());
        let named = |term: &str| format!("{term}_{}", x.lower());
        let images = &made.random[i];
        let maps = critics[i].forward_each(&images.iter().collect::<Vec<_>>())?;
        let real = maps.iter().map(|maps| over_scales(maps, 1.)).collect::<Result<Vec<_>>>()?;
        let real = Tensor::stack(&real, 0)?.sum_all()?;
        terms.decoded.push(named("gan2"), real, weights.adversarial);
        if let [r, r2] = random {
            // As many as codes, which was checked.
            let apart = (l1(&images[1], &images[0])? / l1(r2, r)?)?;
            terms.decoded.push(named("ms"), (apart + 1e-5)?.recip()?, weights.mode_seeking);
        }
        let again = l1(&made.random_again[i], &random[0])?;
        terms.again.push(named("latent"), again, weights.latent);
        Ok(terms)
    })
}

/// A CIR term of one domain: its draw, and what is added to content codes of what it decodes.
#[derive(Debug, Clone)]
pub struct CirDraw {
    /// Fractions.
    pub draw: Draw,
    /// Noise on re-encoded content, (draws·n, 4·width, S/4, S/4).
    pub noise: Option<Tensor>,
}

/// Content code with its noise, and mean attribute code, as the latent that CIR moves in.
///
/// # Shapes
/// `images` (n, C, S, S), `noise` (n, 4·width, S/4, S/4).
///
/// # Errors
/// When the shapes do not fit.
pub fn latent(
    nets: &Translators,
    x: Domain,
    images: &Tensor,
    noise: Option<&Tensor>,
) -> Result<Latent> {
    let content = noisy(nets.content.encode(x, images)?, noise)?;
    Ok(Latent::new(vec![content, nets.attribute.encode(x, images)?.mean]))
}

fn noisy(content: Tensor, noise: Option<&Tensor>) -> Result<Tensor> {
    match noise {
        Some(noise) => content + noise,
        None => Ok(content),
    }
}

/// The CIR term of one domain, from latents `a` towards `b`, and what it saw on the way.
///
/// # Shapes
/// `a` and `b` as [`latent`] makes them, of n pictures each.
///
/// # Errors
/// When the shapes do not fit.
pub fn cir(
    nets: &Translators,
    x: Domain,
    term: &Cir,
    [a, b]: [&Latent; 2],
    CirDraw { draw, noise }: &CirDraw,
) -> Result<cir_core::CirTerm> {
    let decode = |z: &Latent| {
        let content = nets.generator.prepare(z.code(0)?)?;
        nets.generator.decode(x, &content, z.code(1)?)
    };
    // A code is encoded again only if it is compared: content is code 0, the attribute code 1.
    let compared = |code: usize| term.config().also_moved || !draw.moved.contains(&code);
    let own = |code: usize| a.repeat(draw.fractions.dim(0)?)?.code(code).cloned();
    let encode = |images: &Tensor| {
        let content = match compared(0) {
            true => noisy(nets.content.encode(x, images)?, noise.as_ref())?,
            false => own(0)?,
        };
        let attribute = match compared(1) {
            true => nets.attribute.encode(x, images)?.mean,
            false => own(1)?,
        };
        Ok(Latent::new(vec![content, attribute]))
    };
    term.term(a, b, draw, decode, encode)
}
