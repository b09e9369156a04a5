//! One step's loss and its gradient (gzs.md, section 2).
//!
//! All images are encoded once. Every term is a function of these latents and of the parameters, so
//! terms are decoded and differentiated in passes of bounded size; the latents' own gradient is
//! collected meanwhile and runs through the encoder at the end. The sums are the same for any
//! division into passes.

use candle_core::{Result, Tensor, Var};
use cir_core::{Cir, Draw, Gradients, Latent, Losses, Params, Partition, Scalars, add_to};

use crate::{
    Autoencoder, LossConfig, Mix, Roles,
    mix::{mixed, rows_of},
};

/// Everything a step depends on besides its images.
#[derive(Clone, Copy)]
pub struct Step<'a> {
    /// Encoder and decoder.
    pub net: &'a Autoencoder,
    /// The parameters behind `net`.
    pub params: &'a Params,
    /// The partition of the latent.
    pub partition: &'a Partition,
    /// What part each image of a group plays.
    pub roles: &'a Roles,
    /// Terms and weights.
    pub loss: &'a LossConfig,
    /// The CIR term.
    pub cir: &'a Cir,
}

/// The CIR term of one step: its weight, its pair of images and what it draws.
#[derive(Debug, Clone)]
pub struct CirStep {
    /// Weight in the loss.
    pub weight: f64,
    /// The anchor's number within the group.
    pub anchor: usize,
    /// The other image's number within the group.
    pub other: usize,
    /// Moved blocks and fractions.
    pub draw: Draw,
}

/// What a step computed.
#[derive(Debug, Clone)]
pub struct StepGradients {
    /// Every term, unweighted; the sums `recon` and `combine`; last `total`, which was
    /// differentiated.
    pub scalars: Scalars,
    /// The gradient of `total`.
    pub gradients: Gradients,
    /// The latents of all images, (images of a group · batch, …), without history.
    pub latents: Latent,
}

impl Step<'_> {
    /// The loss of a batch of groups and its gradient; `observe` is shown every output by name.
    ///
    /// # Shapes
    /// `images` (images of a group · batch, C, S, S), image by image.
    ///
    /// # Errors
    /// When the shapes do not fit the network or the roles.
    pub fn gradients(
        &self,
        images: &Tensor,
        cir: Option<&CirStep>,
        observe: &mut dyn FnMut(&str, &Tensor),
    ) -> Result<StepGradients> {
        let count = self.roles.images.len();
        let (total, batch) = (images.dim(0)?, images.dim(0)? / count);
        if batch * count != total {
            candle_core::bail!("a batch of {total} images for groups of {count}");
        }
        let encoded = self.net.encode(images)?;
        let mut pass = Passes::new(self.params, &encoded)?;
        let z = pass.latents();
        for (i, name) in self.roles.images.iter().enumerate() {
            observe(&format!("z_{name}"), &z.code(0)?.narrow(0, i * batch, batch)?);
        }

        let recon = self.roles.reconstructions(self.partition);
        let exchanges = self.roles.exchanges(self.partition);
        let rows: Vec<_> = recon.iter().chain(&exchanges).collect();
        let most = self.rows_per_pass(batch);
        for rows in rows.chunks(most) {
            pass.add(self.decoded(images, &z, rows, batch, observe)?)?;
        }
        pass.sum("recon", recon.iter().map(|row| &*row.name));
        pass.sum("combine", exchanges.iter().map(|row| &*row.name));

        if self.computes(self.loss.lambda_unsup) {
            pass.add(self.unsupervised(&z, batch, observe)?)?;
        }
        if let Some(pair) = self.roles.cycle
            && self.computes(self.loss.lambda_cycle)
        {
            let mut names = Vec::new();
            for j in 0..self.partition.len() {
                let losses = self.cycle(images, &z, pair, j, batch, observe)?;
                names.extend(losses.scalars()?.into_iter().map(|(name, _)| name));
                pass.add(losses)?;
            }
            pass.sum("cycle", names.iter().map(String::as_str));
        }
        if let Some(cir) = cir {
            let draws = cir.draw.fractions.dim(0)?;
            for first in (0..draws).step_by(most) {
                let draws = most.min(draws - first);
                pass.add(self.interpolated(&z, cir, (first, draws), batch, observe)?)?;
            }
        }
        pass.finish()
    }

    fn computes(&self, weight: f64) -> bool {
        weight > 0. || self.loss.log_unweighted
    }

    fn rows_per_pass(&self, batch: usize) -> usize {
        match self.loss.images_per_pass {
            0 => usize::MAX,
            images => (images / batch).max(1),
        }
    }

    /// Rows decoded in one batch, each compared with its target.
    fn decoded(
        &self,
        images: &Tensor,
        z: &Latent,
        rows: &[&Mix],
        batch: usize,
        observe: &mut dyn FnMut(&str, &Tensor),
    ) -> Result<Losses> {
        let donors: Vec<_> = rows.iter().map(|row| &*row.donors).collect();
        let targets: Vec<_> = rows.iter().map(|row| row.target).collect();
        let out = self.net.decode(&mixed(self.partition, z, &donors, batch)?)?;
        let target = images.index_select(&rows_of(&targets, batch, images.device())?, 0)?;
        for (i, row) in rows.iter().enumerate() {
            observe(&row.name, &out.narrow(0, i * batch, batch)?);
        }
        let term = |row: &&Mix| (row.name.clone(), self.loss.weight(row.kind));
        let values = self.loss.image.groups(&out, &target, rows.len())?;
        let mut losses = Losses::new();
        losses.extend(rows.iter().map(term).collect(), values)?;
        Ok(losses)
    }

    /// The unsupervised combination: N = D(z_N), and each block of E(N) against the one it came from.
    fn unsupervised(
        &self,
        z: &Latent,
        batch: usize,
        observe: &mut dyn FnMut(&str, &Tensor),
    ) -> Result<Losses> {
        let joined = mixed(self.partition, z, &[&self.roles.unsup_donors], batch)?;
        let image = self.net.decode(&joined)?;
        let again = self.net.encode(&image)?;
        observe("unsup", &image);
        observe("unsup_z", again.code(0)?);
        let mut sum: Option<Tensor> = None;
        for j in 0..self.partition.len() {
            let (source, found) = (self.partition.get(&joined, j)?, self.partition.get(&again, j)?);
            let distance = self.loss.latent.groups(&found, &source, 1)?;
            add_to(&mut sum, distance)?;
        }
        let mut losses = Losses::new();
        if let Some(sum) = sum {
            losses.push("unsup", sum, self.loss.lambda_unsup);
        }
        Ok(losses)
    }

    /// The cycle swap of block `j`: swapped, decoded, encoded, swapped back, decoded.
    fn cycle(
        &self,
        images: &Tensor,
        z: &Latent,
        pair: [usize; 2],
        j: usize,
        batch: usize,
        observe: &mut dyn FnMut(&str, &Tensor),
    ) -> Result<Losses> {
        // Of two images numbered 0 and 1: each with block j of the other.
        let swapped = |own: [usize; 2]| {
            let row = |side: usize| {
                let mut donors = vec![own[side]; self.partition.len()];
                donors[j] = own[1 - side];
                donors
            };
            [row(0), row(1)]
        };
        let decode = |z: &Latent, own| {
            let rows = swapped(own);
            self.net.decode(&mixed(self.partition, z, &[&rows[0], &rows[1]], batch)?)
        };
        let mixed_images = decode(z, pair)?;
        let back = decode(&self.net.encode(&mixed_images)?, [0, 1])?;
        let target = images.index_select(&rows_of(&pair, batch, images.device())?, 0)?;
        let block = &self.partition.blocks()[j].name;
        let names = pair.map(|i| format!("cycle_{block}_{}", self.roles.images[i]));
        for (i, name) in names.iter().enumerate() {
            observe(&format!("{name}_mixed"), &mixed_images.narrow(0, i * batch, batch)?);
            observe(name, &back.narrow(0, i * batch, batch)?);
        }
        let mut losses = Losses::new();
        let terms = names.map(|name| (name, self.loss.lambda_cycle)).into();
        losses.extend(terms, self.loss.image.groups(&back, &target, 2)?)?;
        Ok(losses)
    }

    /// The CIR term of `draws` draws from number `first` on.
    fn interpolated(
        &self,
        z: &Latent,
        cir: &CirStep,
        (first, draws): (usize, usize),
        batch: usize,
        observe: &mut dyn FnMut(&str, &Tensor),
    ) -> Result<Losses> {
        let of = |i: usize| z.map(|code| code.narrow(0, i * batch, batch));
        let fractions = cir.draw.fractions.narrow(0, first, draws)?;
        let draw = Draw { fractions, moved: cir.draw.moved.clone() };
        let term = self.cir.term(
            &of(cir.anchor)?,
            &of(cir.other)?,
            &draw,
            |z| self.net.decode(z),
            |x| self.net.encode(x),
        )?;
        for i in 0..draws {
            let rows = (i * batch, batch);
            observe(&format!("cir_{}", first + i), &term.images.narrow(0, rows.0, rows.1)?);
            let z = term.latent.code(0)?.narrow(0, rows.0, rows.1)?;
            observe(&format!("cir_z_{}", first + i), &z);
        }
        let mut losses = Losses::new();
        losses.push("cir", term.value, cir.weight);
        Ok(losses)
    }
}

/// Collects values and gradients over the passes of a step.
struct Passes<'a> {
    params: &'a Params,
    encoded: &'a Latent,
    leaves: Vec<Var>,
    leaf_gradients: Vec<Option<Tensor>>,
    gradients: Gradients,
    scalars: Scalars,
    total: f64,
}

impl<'a> Passes<'a> {
    fn new(params: &'a Params, encoded: &'a Latent) -> Result<Self> {
        let leaf = |code: &Tensor| Var::from_tensor(&code.detach());
        let leaves = encoded.codes().iter().map(leaf).collect::<Result<Vec<_>>>()?;
        Ok(Self {
            params,
            encoded,
            leaf_gradients: vec![None; leaves.len()],
            leaves,
            gradients: Gradients::new(),
            scalars: Scalars::new(),
            total: 0.,
        })
    }

    /// The latents at which every pass starts.
    fn latents(&self) -> Latent {
        Latent::new(self.leaves.iter().map(|leaf| leaf.as_tensor().clone()).collect())
    }

    /// Adds one pass's terms and their gradient.
    fn add(&mut self, losses: Losses) -> Result<()> {
        for (name, value) in losses.scalars()? {
            match self.scalars.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += value,
                None => self.scalars.push((name, value)),
            }
        }
        let Some(total) = losses.total()? else { return Ok(()) };
        self.total += total.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>()?;
        let mut store = cir_ops::backward(&total)?;
        self.gradients.accumulate(self.params, &mut store)?;
        for (leaf, sum) in self.leaves.iter().zip(&mut self.leaf_gradients) {
            if let Some(gradient) = store.remove(leaf) {
                add_to(sum, gradient)?;
            }
        }
        Ok(())
    }

    /// Logs the sum of the terms called `names`.
    fn sum<'n>(&mut self, name: &str, names: impl Iterator<Item = &'n str>) {
        let value = |n: &str| self.scalars.iter().find(|(known, _)| known == n).map(|(_, v)| *v);
        let sum = names.filter_map(value).sum();
        self.scalars.push((name.into(), sum));
    }

    /// Runs the latents' gradient through the encoder.
    fn finish(mut self) -> Result<StepGradients> {
        for (code, gradient) in self.encoded.codes().iter().zip(&self.leaf_gradients) {
            if let Some(gradient) = gradient {
                // The derivative of this sum by a parameter is the chain rule's inner product.
                let mut store = cir_ops::backward(&(code * gradient.detach())?.sum_all()?)?;
                self.gradients.accumulate(self.params, &mut store)?;
            }
        }
        self.scalars.push(("total".into(), self.total));
        Ok(StepGradients {
            scalars: self.scalars,
            gradients: self.gradients,
            latents: self.encoded.detach(),
        })
    }
}
