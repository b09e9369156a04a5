//! The terms of one update (elegant.md, sections 2 and 3): A has the trained attribute, B has it not;
//! z_C = z_A with the attribute's block from z_B, z_D = z_B with the block from z_A.
//!
//! All images of a shard are encoded in one batch and all its codes decoded in one, the CIR term's
//! among them.

use candle_core::{Result, Tensor};
use cir_core::{Cir, Draw, Latent, Losses, Partition, binary_cross_entropy};

use crate::{Discriminators, Encoding, Generator, LossConfig};

/// n images with the attribute and n without it, and all labels of both.
#[derive(Debug, Clone)]
pub struct Pair {
    /// (2n, C, S, S): A, then B.
    pub images: Tensor,
    /// (2n, m), 0 and 1.
    pub labels: Tensor,
}

/// The CIR term of an update.
#[derive(Debug, Clone, Copy)]
pub struct CirStep<'a> {
    /// The term.
    pub cir: &'a Cir,
    /// Its weight in the generator's loss.
    pub weight: f64,
    /// Moved blocks and fractions.
    pub draw: &'a Draw,
}

/// What the generator makes of a pair.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Enc(A), Enc(B): batch 2n.
    pub encoding: Encoding,
    /// z_A, z_B, z_C, z_D, and z' of every draw of the CIR term: batch 4n + draws·n.
    pub codes: Latent,
    /// The residuals of these codes.
    pub residuals: Tensor,
    /// A1, B1, C, D, and x' of every draw.
    pub images: Tensor,
    /// (2n, m): the labels of C and D.
    pub labels: Tensor,
}

impl Exchange {
    /// Encodes a pair, exchanges block `trained` and decodes everything.
    ///
    /// # Errors
    /// When the shapes do not fit the networks.
    pub fn new(
        net: &Generator,
        partition: &Partition,
        trained: usize,
        pair: &Pair,
        cir: Option<CirStep<'_>>,
    ) -> Result<Self> {
        let encoding = net.encode(&pair.images)?;
        let exchanged =
            partition.swap(&encoding.code, trained, &encoding.code.map(halves_turned)?)?;
        let mut codes = vec![encoding.code.code(0)?.clone(), exchanged.code(0)?.clone()];
        let mut draws = 0;
        if let Some(CirStep { cir, draw, .. }) = cir {
            let [a, b] = latents(&encoding.code)?;
            codes.push(cir.points(&a, &b, draw)?.code(0)?.clone());
            draws = draw.fractions.dim(0)?;
        }
        let codes = Latent::from(Tensor::cat(&codes, 0)?);
        // The image being edited keeps its own code and skips: A, B, A, B, and A for every draw.
        let rows = |x: &Tensor| {
            let anchors = vec![x.narrow(0, 0, x.dim(0)? / 2)?; draws];
            let edited: Vec<_> = [x, x].into_iter().chain(&anchors).collect();
            Tensor::cat(&edited, 0)
        };
        let residuals = net.residual(&codes, &encoding.map(rows)?)?;
        let images = crate::network::added(&rows(&pair.images)?, &residuals)?;
        let labels = exchanged_labels(&pair.labels, trained)?;
        Ok(Self { encoding, codes, residuals, images, labels })
    }

    /// C and D.
    fn edits(&self) -> Result<Tensor> {
        let pairs = self.labels.dim(0)?;
        self.images.narrow(0, pairs, pairs)
    }
}

/// The discriminators' terms `D1` and `D2`, and the probabilities of A, B, C and D by both; after these,
/// if `mismatched` counts, of A and B with wrong labels.
///
/// # Shapes
/// For n pairs two times (4n, 1), or (6n, 1).
///
/// # Errors
/// When the shapes do not fit.
pub fn discriminator_loss(
    nets: &Discriminators,
    pair: &Pair,
    made: &Exchange,
    weights: &LossConfig,
) -> Result<(Losses, [Tensor; 2])> {
    let mut images = vec![pair.images.clone(), made.edits()?.detach()];
    let mut labels = vec![pair.labels.clone(), made.labels.clone()];
    if weights.mismatched > 0. {
        // The labels of an edit are those of its source but for the trained attribute.
        images.push(pair.images.clone());
        labels.push(made.labels.clone());
    }
    let probabilities = nets.forward(&Tensor::cat(&images, 0)?, &Tensor::cat(&labels, 0)?)?;
    let pairs = pair.images.dim(0)?;
    let mut losses = Losses::new();
    for (p, (name, weight)) in probabilities.iter().zip([("D1", 1.), ("D2", weights.half_size)]) {
        let term = |at: usize, target| {
            binary_cross_entropy(&p.narrow(0, at * pairs, pairs)?, target, 2)?.sum_all()
        };
        let mut loss = (term(0, 1.)? + term(1, 0.)?)?;
        if weights.mismatched > 0. {
            loss = (loss + (term(2, 0.)? * weights.mismatched)?)?;
        }
        losses.push(name, loss, weight / 4.);
    }
    Ok((losses, probabilities))
}

/// The generator's terms `reconstruction`, `adv1`, `adv2` and, where they count, `change` and `cir`;
/// `critics` are the discriminators after their update, fixed.
///
/// # Errors
/// When the shapes do not fit.
pub fn generator_loss(
    net: &Generator,
    critics: &Discriminators,
    pair: &Pair,
    made: &Exchange,
    weights: &LossConfig,
    cir: Option<CirStep<'_>>,
) -> Result<Losses> {
    let pairs = pair.images.dim(0)?;
    let own = made.images.narrow(0, 0, pairs)?;
    let mut losses = Losses::new();
    let reconstruction = cir_ops::mse_groups(&own, &pair.images, 2)?.sum_all()?;
    losses.push("reconstruction", reconstruction, weights.reconstruction);
    let [p1, p2] = critics.forward(&made.edits()?, &made.labels)?;
    for (p, (name, weight)) in [p1, p2].iter().zip([("adv1", 1.), ("adv2", weights.half_size)]) {
        losses.push(name, binary_cross_entropy(p, 1., 2)?.sum_all()?, weight);
    }
    if weights.change > 0. {
        let change = cir_ops::l1_groups(&made.edits()?, &pair.images, 2)?.sum_all()?;
        losses.push("change", change, weights.change);
    }
    if let Some(CirStep { cir, weight, draw }) = cir {
        let rest = |x: &Tensor| x.narrow(0, 2 * pairs, x.dim(0)? - 2 * pairs);
        let again = net.encode(&rest(&made.images)?)?.code;
        let [a, _] = latents(&made.encoding.code)?;
        losses.push("cir", cir.value(&a, &made.codes.map(rest)?, draw, &again)?, weight);
    }
    Ok(losses)
}

/// A's labels with the trained attribute's from B, and B's with A's.
fn exchanged_labels(labels: &Tensor, trained: usize) -> Result<Tensor> {
    let chosen: Vec<_> = (0..labels.dim(1)?).map(|i| f64::from(u8::from(i == trained))).collect();
    let chosen = Tensor::new(chosen, labels.device())?.to_dtype(labels.dtype())?;
    labels + (halves_turned(labels)? - labels)?.broadcast_mul(&chosen)?
}

/// The second half of a batch, then the first.
fn halves_turned(x: &Tensor) -> Result<Tensor> {
    let half = x.dim(0)? / 2;
    Tensor::cat(&[x.narrow(0, half, half)?, x.narrow(0, 0, half)?], 0)
}

/// z_A and z_B.
fn latents(z: &Latent) -> Result<[Latent; 2]> {
    let half = z.batch()? / 2;
    let part = |from| z.map(|code| code.narrow(0, from, half));
    Ok([part(0)?, part(half)?])
}
