//! One step's loss and its gradient (gzs.md, section 2).
//!
//! All images are encoded once. Every term is a function of these latents and of the parameters, so
//! terms are decoded and differentiated in passes of bounded size; the latents' own gradient is
//! collected meanwhile and runs through the encoder at the end. The sums are the same for any
//! division into passes.

use candle_core::{Result, Tensor};
use cir_core::{
    Cir, Draw, Gradients, Latent, Losses, Params, Partition, Scalars, Shard, add_to, mean_of_shards,
};
use cir_ops::side_by_side;

use crate::{
    Autoencoder, LossConfig, Mix, Roles,
    mix::{mixed, rows_of},
    passes::Passes,
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
        let rows = recon.iter().chain(&exchanges).map(Decode::Row);
        let unsup = self.loss.computes(self.loss.lambda_unsup).then_some(Decode::Unsup);
        let draws = cir.map_or(Ok(0), |cir| cir.draw.fractions.dim(0))?;
        let decodes: Vec<_> = rows.chain(unsup).chain((0..draws).map(Decode::Draw)).collect();
        for decodes in decodes.chunks(self.decodes_per_pass(batch)) {
            pass.add(self.decoded(images, &z, decodes, cir, batch, observe)?)?;
        }
        pass.sum("recon", recon.iter().map(|row| &*row.name));
        pass.sum("combine", exchanges.iter().map(|row| &*row.name));

        if let Some(pair) = self.roles.cycle
            && self.loss.computes(self.loss.lambda_cycle)
        {
            let mut names = Vec::new();
            for j in 0..self.partition.len() {
                let losses = self.cycle(images, &z, pair, j, batch, observe)?;
                names.extend(losses.scalars()?.into_iter().map(|(name, _)| name));
                pass.add(losses)?;
            }
            pass.sum("cycle", names.iter().map(String::as_str));
        }
        pass.finish()
    }

    /// The same, computed in `shards` equal parts of the batch side by side.
    ///
    /// # Errors
    /// As [`Self::gradients`], and when the groups do not divide.
    pub fn gradients_in_shards(
        &self,
        images: &Tensor,
        cir: Option<&CirStep>,
        shards: usize,
    ) -> Result<StepGradients> {
        let count = self.roles.images.len();
        let shards = Shard::all(images.dim(0)? / count, shards)?;
        let found = side_by_side(shards, |shard| -> Result<_> {
            let images = shard.rows(images, count)?;
            let draw = cir.map(|cir| shard.draw(&cir.draw)).transpose()?;
            let cir = cir.zip(draw).map(|(cir, draw)| CirStep { draw, ..cir.clone() });
            let out = self.gradients(&images, cir.as_ref(), &mut |_, _| {})?;
            Ok((out.latents, (out.scalars, out.gradients)))
        })?;
        let (latents, found): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        let (scalars, gradients) = mean_of_shards(found)?;
        Ok(StepGradients { scalars, gradients, latents: Latent::cat(&latents)? })
    }

    fn decodes_per_pass(&self, batch: usize) -> usize {
        match self.loss.images_per_pass {
            0 => usize::MAX,
            images => (images / batch).max(1),
        }
    }

    /// The terms of `decodes`, decoded in one batch; where the pictures are encoded again, that is
    /// one batch too.
    fn decoded(
        &self,
        images: &Tensor,
        z: &Latent,
        decodes: &[Decode<'_>],
        cir: Option<&CirStep>,
        batch: usize,
        observe: &mut dyn FnMut(&str, &Tensor),
    ) -> Result<Losses> {
        let rows: Vec<_> = decodes.iter().filter_map(Decode::row).collect();
        let unsup = decodes.contains(&Decode::Unsup).then_some(&*self.roles.unsup_donors);
        let donors: Vec<_> = rows.iter().map(|row| &*row.donors).chain(unsup).collect();
        let mut latents = Vec::new();
        if !donors.is_empty() {
            latents.push(mixed(self.partition, z, &donors, batch)?);
        }
        let draws: Vec<_> = decodes.iter().filter_map(Decode::draw).collect();
        let between = match (cir, draws.first()) {
            (Some(cir), Some(&first)) => {
                let between = self.between(z, cir, (first, draws.len()), batch)?;
                latents.push(between.points.clone());
                Some(between)
            }
            _ => None,
        };
        let latents = Latent::cat(&latents)?;
        let out = self.net.decode(&latents)?;

        let mut losses = Losses::new();
        let compared = rows.len() * batch;
        if compared > 0 {
            self.compare(images, &rows, &out.narrow(0, 0, compared)?, &mut losses, observe)?;
        }
        if compared == out.dim(0)? {
            return Ok(losses);
        }
        let out = out.narrow(0, compared, out.dim(0)? - compared)?;
        let again = self.net.encode(&out)?;
        let mut at = 0;
        if unsup.is_some() {
            let joined = latents.rows(compared, batch)?;
            let again = again.rows(0, batch)?;
            observe("unsup", &out.narrow(0, 0, batch)?);
            observe("unsup_z", again.code(0)?);
            self.unsupervised(&joined, &again, &mut losses)?;
            at = batch;
        }
        if let (Some(cir), Some(between)) = (cir, between) {
            let again = again.rows(at, draws.len() * batch)?;
            for (i, draw) in draws.iter().enumerate() {
                observe(&format!("cir_{draw}"), &out.narrow(0, at + i * batch, batch)?);
                observe(&format!("cir_z_{draw}"), &again.code(0)?.narrow(0, i * batch, batch)?);
            }
            let Between { anchor, draw, points } = between;
            losses.push("cir", self.cir.value(&anchor, &points, &draw, &again)?, cir.weight);
        }
        Ok(losses)
    }

    /// Each row's picture against its target.
    fn compare(
        &self,
        images: &Tensor,
        rows: &[&Mix],
        out: &Tensor,
        losses: &mut Losses,
        observe: &mut dyn FnMut(&str, &Tensor),
    ) -> Result<()> {
        let batch = out.dim(0)? / rows.len();
        for (i, row) in rows.iter().enumerate() {
            observe(&row.name, &out.narrow(0, i * batch, batch)?);
        }
        let targets: Vec<_> = rows.iter().map(|row| row.target).collect();
        let target = images.index_select(&rows_of(&targets, batch, images.device())?, 0)?;
        let term = |row: &&Mix| (row.name.clone(), self.loss.weight(row.kind));
        let values = self.loss.image.groups(out, &target, rows.len())?;
        losses.extend(rows.iter().map(term).collect(), values)
    }

    /// The unsupervised combination: each block of E(D(z_N)) against the one it came from.
    fn unsupervised(&self, joined: &Latent, again: &Latent, losses: &mut Losses) -> Result<()> {
        let mut sum: Option<Tensor> = None;
        for j in 0..self.partition.len() {
            let (source, found) = (self.partition.get(joined, j)?, self.partition.get(again, j)?);
            add_to(&mut sum, self.loss.latent.groups(&found, &source, 1)?)?;
        }
        if let Some(sum) = sum {
            losses.push("unsup", sum, self.loss.lambda_unsup);
        }
        Ok(())
    }

    /// `draws` of the CIR term's draws, from number `first` on.
    fn between(
        &self,
        z: &Latent,
        cir: &CirStep,
        (first, draws): (usize, usize),
        batch: usize,
    ) -> Result<Between> {
        let of = |image: usize| z.rows(image * batch, batch);
        let (anchor, other) = (of(cir.anchor)?, of(cir.other)?);
        let fractions = cir.draw.fractions.narrow(0, first, draws)?;
        let draw = Draw { fractions, moved: cir.draw.moved.clone() };
        Ok(Between { points: self.cir.points(&anchor, &other, &draw)?, anchor, draw })
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
}

/// Latents between an anchor's and another's.
struct Between {
    anchor: Latent,
    draw: Draw,
    points: Latent,
}

/// One picture that a step decodes.
#[derive(Clone, Copy, PartialEq)]
enum Decode<'a> {
    /// Compared with an image.
    Row(&'a Mix),
    /// The unsupervised combination, encoded again.
    Unsup,
    /// One of the CIR term's draws, encoded again.
    Draw(usize),
}

impl<'a> Decode<'a> {
    fn row(&self) -> Option<&'a Mix> {
        match self {
            Self::Row(row) => Some(row),
            _ => None,
        }
    }

    fn draw(&self) -> Option<usize> {
        match self {
            Self::Draw(draw) => Some(*draw),
            _ => None,
        }
    }
}

#[cfg(test)]
#[path = "step_tests.rs"]
mod tests;
