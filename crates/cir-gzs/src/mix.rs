//! The terms of the loss as a table: which image gives which block, and which image comes out.
//!
//! The original writes the swaps out by hand for every data set. Here a decoded term is one row,
//! and the rows of any partition come from one loop.

use candle_core::{Device, Result, Tensor};
use cir_core::{Latent, Partition};

use crate::Strategy;

/// One decoded picture: block j comes from image `donors[j]`, and `target` should come out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mix {
    /// Name of the term.
    pub name: String,
    /// What it is, which decides its weight.
    pub kind: MixKind,
    /// For each block the image whose latent gives it.
    pub donors: Vec<usize>,
    /// The image that should come out.
    pub target: usize,
}

/// Where the blocks of a decoded picture come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MixKind {
    /// All from the target.
    Reconstruction,
    /// One from another image that shares its attribute with the target.
    Swap,
    /// Each from a partner of its own.
    Combination,
}

/// Which image of a group plays which part. Images are numbered within the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    /// Name of each image, for the terms' names.
    pub images: Vec<String>,
    /// For each block its edge: the centre C and the partner P_j that shares its attribute.
    pub edges: Vec<[usize; 2]>,
    /// Images whose reconstruction counts.
    pub reconstructed: Vec<usize>,
    /// Whether one combination of all partners' blocks should give the (common) centre.
    pub combination: bool,
    /// For each block the donor of the unsupervised combination.
    pub unsup_donors: Vec<usize>,
    /// The two images of the cycle swap, if there are such.
    pub cycle: Option<[usize; 2]>,
}

impl Roles {
    /// The images of a strategy, in the order in which a batch holds them: for groups the centre,
    /// then a partner for each block; for sample edges two images for each block; last, with
    /// `cycle`, an image of the whole set for the cycle swap.
    pub fn new(strategy: Strategy, partition: &Partition, cycle: bool) -> Self {
        let m = partition.len();
        let names = partition.blocks().iter().map(|b| b.name.clone());
        let (mut images, edges): (Vec<_>, Vec<_>) = match strategy {
            Strategy::Group => {
                let images = std::iter::once("centre".into()).chain(names);
                (images.collect(), (0..m).map(|j| [0, j + 1]).collect())
            }
            Strategy::SampleEdge => {
                let images = names.flat_map(|n| [format!("{n}_a"), format!("{n}_b")]);
                (images.collect(), (0..m).map(|j| [2 * j, 2 * j + 1]).collect())
            }
        };
        let reconstructed = (0..images.len()).collect();
        let partners: Vec<_> = edges.iter().map(|[_, partner]| *partner).collect();
        let cycle = cycle.then(|| {
            images.push("other".into());
            [partners[m - 1], images.len() - 1]
        });
        Self {
            images,
            reconstructed,
            combination: strategy == Strategy::Group,
            unsup_donors: unsup_donors(&partners),
            cycle,
            edges,
        }
    }

    /// Rows that reconstruct an image from its own latent.
    pub fn reconstructions(&self, partition: &Partition) -> Vec<Mix> {
        let own = |&i: &usize| Mix {
            name: format!("recon_{}", self.images[i]),
            kind: MixKind::Reconstruction,
            donors: vec![i; partition.len()],
            target: i,
        };
        self.reconstructed.iter().map(own).collect()
    }

    /// Rows whose blocks come from different images: both one-overlap swaps of every block, and the
    /// combination of all partners' blocks.
    pub fn exchanges(&self, partition: &Partition) -> Vec<Mix> {
        let mut rows = Vec::new();
        for (j, (block, &[centre, partner])) in
            partition.blocks().iter().zip(&self.edges).enumerate()
        {
            for (side, own, from) in [("centre", centre, partner), ("partner", partner, centre)] {
                let mut donors = vec![own; partition.len()];
                donors[j] = from;
                let name = format!("swap_{}_{side}", block.name);
                rows.push(Mix { name, kind: MixKind::Swap, donors, target: own });
            }
        }
        if self.combination {
            let donors = self.edges.iter().map(|[_, partner]| *partner).collect();
            let (kind, target) = (MixKind::Combination, self.edges[0][0]);
            rows.push(Mix { name: "combination".into(), kind, donors, target });
        }
        rows
    }
}

/// The partners shifted by one; of three, first and last exchanged (gzs.md, section 3).
fn unsup_donors(partners: &[usize]) -> Vec<usize> {
    let mut donors = partners.to_vec();
    match donors.len() {
        3 => donors.swap(0, 2),
        _ => donors.rotate_right(1),
    }
    donors
}

/// The latents of several rows at once, row by row.
///
/// # Shapes
/// `z` holds the latents of all images of all groups, (images·batch, …), image by image; the result
/// (rows·batch, …).
///
/// # Errors
/// Whatever candle reports.
pub(crate) fn mixed(
    partition: &Partition,
    z: &Latent,
    donors: &[&[usize]],
    batch: usize,
) -> Result<Latent> {
    let device = z.code(0)?.device().clone();
    let of_block = |j| {
        let images: Vec<_> = donors.iter().map(|row| row[j]).collect();
        let rows = rows_of(&images, batch, &device)?;
        z.map(|code| code.index_select(&rows, 0))
    };
    let sources = (0..partition.len()).map(of_block).collect::<Result<Vec<_>>>()?;
    partition.combine(&sources.iter().collect::<Vec<_>>())
}

/// The batch rows of `images`, image by image.
pub(crate) fn rows_of(images: &[usize], batch: usize, device: &Device) -> Result<Tensor> {
    let rows: Vec<_> =
        images.iter().flat_map(|&i| (i * batch..(i + 1) * batch).map(|r| r as u32)).collect();
    Tensor::new(rows, device)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(names: &[&str]) -> Partition {
        Partition::of_widths(names.iter().map(|n| (*n, 2))).unwrap()
    }

    /// METHOD.md section 3 for two blocks, written out by hand.
    #[test]
    fn the_rows_are_the_papers_terms() {
        let p = partition(&["shape", "hue"]);
        let roles = Roles::new(Strategy::Group, &p, false);
        let row = |kind, name: &str, donors: [usize; 2], target| Mix {
            name: name.into(),
            kind,
            donors: donors.into(),
            target,
        };
        let swap = |name: &str, donors, target| row(MixKind::Swap, name, donors, target);
        assert_eq!(
            roles.exchanges(&p),
            [
                swap("swap_shape_centre", [1, 0], 0),
                swap("swap_shape_partner", [0, 1], 1),
                swap("swap_hue_centre", [0, 2], 0),
                swap("swap_hue_partner", [2, 0], 2),
                row(MixKind::Combination, "combination", [1, 2], 0),
            ]
        );
        assert_eq!(
            roles.reconstructions(&p)[2],
            row(MixKind::Reconstruction, "recon_hue", [2, 2], 2)
        );
    }

    /// The published donors of Fonts (F A B D E for partners A B D E F) and RaFD (A D B for B D A).
    #[test]
    fn unsupervised_donors_are_the_published_ones() {
        assert_eq!(unsup_donors(&[1, 2, 3, 4, 5]), [5, 1, 2, 3, 4]);
        assert_eq!(unsup_donors(&[2, 4, 1]), [1, 4, 2]);
    }

    #[test]
    fn sample_edges_have_no_combination() {
        let p = partition(&["shape", "hue"]);
        let roles = Roles::new(Strategy::SampleEdge, &p, true);
        assert_eq!(roles.images, ["shape_a", "shape_b", "hue_a", "hue_b", "other"]);
        assert_eq!(roles.exchanges(&p).len(), 4);
        assert_eq!(roles.cycle, Some([3, 4]));
        assert_eq!(roles.reconstructed, [0, 1, 2, 3]);
    }
}
