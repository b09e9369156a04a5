//! The terms of both phases and of every discriminator (i2i-dis.md, section 4).

use candle_core::{Result, Tensor};
use cir_core::{Cir, Draw, Latent, Losses};

use crate::{
    ContentDiscriminator, Discriminator, Domain, LossConfig, Manner, Translations, Translators,
    domain::both,
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
    /// Its maps of the real ones, (batch, 1, h, w) for each scale.
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
    let mut first = None;
    let mut losses = Vec::with_capacity(made.len());
    for made in made {
        let [on_made, on_real] = net.forward_both([&made.detach(), real])?;
        losses.push((over_scales(&on_real, 1.)? + over_scales(&on_made, 0.)?)?);
        first.get_or_insert((on_made, on_real));
    }
    let Some((made, real)) = first else { candle_core::bail!("nothing made to be judged") };
    Ok(Judgement { loss: Tensor::stack(&losses, 0)?.sum_all()?, made, real })
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

/// A term of each domain.
fn push_both(
    losses: &mut Losses,
    name: &str,
    weight: f64,
    term: impl Fn(Domain) -> Result<Tensor>,
) -> Result<()> {
    for x in Domain::BOTH {
        losses.push(format!("{name}_{}", x.lower()), term(x)?, weight);
    }
    Ok(())
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
) -> Result<Losses> {
    let mut losses = Losses::new();
    push_both(&mut losses, "gan_content", weights.content_adversarial, |x| {
        cross_entropy(&content.forward(&made.content[x.index()])?, 0.5)
    })?;
    push_both(&mut losses, "gan", weights.adversarial, |x| {
        over_scales(&critics[x.index()].forward(&made.translated[x.index()])?, 1.)
    })?;
    push_both(&mut losses, "kl_attr", weights.attribute_prior, |x| prior(&made.manner[x.index()]))?;
    push_both(&mut losses, "l2_content", weights.content_prior, |x| {
        made.content[x.index()].sqr()?.mean_all()
    })?;
    push_both(&mut losses, "l1_self", weights.self_reconstruction, |x| {
        l1(&made.own[x.index()], &images[x.index()])
    })?;
    push_both(&mut losses, "l1_cycle", weights.cycle, |x| {
        l1(&made.back[x.index()], &images[x.index()])
    })?;
    Ok(losses)
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
) -> Result<Losses> {
    let pictures = made.random.each_ref().map(Vec::len);
    if random.is_empty() || pictures != [random.len(); 2] {
        candle_core::bail!("{} random codes for {pictures:?} random translations", random.len());
    }
    let mut losses = Losses::new();
    push_both(&mut losses, "gan2", weights.adversarial, |x| {
        let critic = &critics[x.index()];
        let terms =
            made.random[x.index()].iter().map(|images| over_scales(&critic.forward(images)?, 1.));
        Tensor::stack(&terms.collect::<Result<Vec<_>>>()?, 0)?.sum_all()
    })?;
    push_both(&mut losses, "latent", weights.latent, |x| {
        l1(&made.random_again[x.index()], &random[0])
    })?;
    if let [r, r2] = random {
        let apart = l1(r2, r)?;
        push_both(&mut losses, "ms", weights.mode_seeking, |x| {
            // As many as codes, which was checked.
            let images = &made.random[x.index()];
            ((l1(&images[1], &images[0])? / &apart)? + 1e-5)?.recip()
        })?;
    }
    Ok(losses)
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
