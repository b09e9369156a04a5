//! In-betweens: one picture's latent with blocks moved towards those of others, and the sheets on
//! which such pictures are laid out (elegant.md, section 4).

use candle_core::{Tensor, bail};

use crate::{Latent, Partition};

/// A block on its way: z\[block\] += fraction·(z_target\[block\] - z_source\[block\]).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Move {
    /// The block's number.
    pub block: usize,
    /// The target's number.
    pub target: usize,
    /// 0 is the source, 1 the target; below and above it goes beyond them.
    pub fraction: f64,
}

/// The moves of one picture.
pub type Tile = Vec<Move>;

impl Partition {
    /// The latent of each tile: `source` after its moves towards `targets`.
    ///
    /// # Shapes
    /// `source` and each target of batch 1 → a latent of as many rows as there are tiles.
    ///
    /// # Errors
    /// When there is no tile, a move names no target, or shapes differ.
    pub fn moved(
        &self,
        source: &Latent,
        targets: &[Latent],
        tiles: &[Tile],
    ) -> candle_core::Result<Latent> {
        let part = |j: usize| {
            let from = self.get(source, j)?;
            let rows = tiles.iter().map(|tile| self.moved_block(j, &from, targets, tile));
            Tensor::cat(&rows.collect::<candle_core::Result<Vec<_>>>()?, 0)
        };
        self.join(&(0..self.len()).map(part).collect::<candle_core::Result<Vec<_>>>()?)
    }

    fn moved_block(
        &self,
        j: usize,
        from: &Tensor,
        targets: &[Latent],
        tile: &Tile,
    ) -> candle_core::Result<Tensor> {
        let towards = |target: usize| match targets.get(target) {
            Some(z) => self.get(z, j),
            None => bail!("moved: target {target} of {}", targets.len()),
        };
        let moves: Vec<_> = tile.iter().filter(|m| m.block == j).collect();
        match moves[..] {
            // An exchange is exact, whatever rounding would make of a + (b - a).
            [Move { fraction: 1., target, .. }] => towards(*target),
            _ => moves
                .into_iter()
                .try_fold(from.clone(), |z, m| z + ((towards(m.target)? - from)? * m.fraction)?),
        }
    }
}

/// Tiles in rows, with the pictures that they are made of in columns on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    tiles: Vec<Tile>,
    rows: usize,
    /// Left and right of the first and of the last row: 0 is the source, k + 1 target k.
    margins: [[Option<usize>; 2]; 2],
}

impl Sheet {
    /// One row: `blocks` move together from the source to one target.
    pub fn strip(blocks: &[usize], fractions: &[f64]) -> Self {
        let tile =
            |&fraction| blocks.iter().map(|&block| Move { block, target: 0, fraction }).collect();
        let tiles = fractions.iter().map(tile).collect();
        Self { tiles, rows: 1, margins: [[Some(0), None], [Some(1), None]] }
    }

    /// `down` move from top to bottom towards target 0, `across` from left to right towards the
    /// last of `targets` targets (1 or 2).
    pub fn two_ways(down: (&[usize], &[f64]), across: (&[usize], &[f64]), targets: usize) -> Self {
        let right = targets.max(1) - 1;
        let moves = |blocks: &[usize], target, fraction| -> Tile {
            blocks.iter().map(|&block| Move { block, target, fraction }).collect()
        };
        let tile = |y, x| [moves(down.0, 0, y), moves(across.0, right, x)].concat();
        let row = |&y: &f64| across.1.iter().map(move |&x| tile(y, x)).collect::<Vec<_>>();
        let margins = [[Some(0), Some(1)], [Some(right + 1), None]];
        Self { tiles: down.1.iter().flat_map(row).collect(), rows: down.1.len(), margins }
    }

    /// `blocks` move together between the source at the top left and three targets at the top right,
    /// the bottom left and the bottom right: bilinear in the four latents.
    pub fn square(blocks: &[usize], down: &[f64], across: &[f64]) -> Self {
        let tile = |a: f64, b: f64| -> Tile {
            let weights = [(1. - a) * b, a * (1. - b), a * b].into_iter().enumerate();
            let each = |(target, fraction)| {
                blocks.iter().map(move |&block| Move { block, target, fraction })
            };
            weights.flat_map(each).collect()
        };
        let row = |&a: &f64| across.iter().map(move |&b| tile(a, b)).collect::<Vec<_>>();
        let margins = [[Some(0), Some(2)], [Some(1), Some(3)]];
        Self { tiles: down.iter().flat_map(row).collect(), rows: down.len(), margins }
    }

    /// The tiles, row by row.
    pub fn tiles(&self) -> &[Tile] {
        &self.tiles
    }

    /// Lays out what the tiles became, row by row; `None` is an empty place.
    ///
    /// # Errors
    /// When there is not one of `made` for each tile, or a target is missing.
    pub fn arrange<T: Clone>(
        &self,
        source: &T,
        targets: &[T],
        made: Vec<T>,
    ) -> candle_core::Result<Vec<Vec<Option<T>>>> {
        if made.len() != self.tiles.len() {
            bail!("a sheet of {} tiles for {} pictures", self.tiles.len(), made.len());
        }
        let picture = |number: usize| match number.checked_sub(1) {
            None => Ok(Some(source.clone())),
            Some(target) => match targets.get(target) {
                Some(picture) => Ok(Some(picture.clone())),
                None => bail!("a sheet of {number} targets and more for {}", targets.len()),
            },
        };
        let margin = |side: [Option<usize>; 2], row: usize| {
            let place = match row {
                0 => side[0],
                last if last + 1 == self.rows => side[1],
                _ => None,
            };
            place.map_or(Ok(None), picture)
        };
        let columns = made.len() / self.rows.max(1);
        let mut made = made.into_iter();
        let row = |y| {
            let tiles: Vec<_> = made.by_ref().take(columns).map(Some).collect();
            let [left, right] = self.margins;
            Ok([vec![margin(left, y)?], tiles, vec![margin(right, y)?]].concat())
        };
        (0..self.rows).map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn latent(numbers: [f64; 2]) -> Latent {
        Tensor::new(&[numbers], &Device::Cpu).unwrap().into()
    }

    fn moved(sheet: &Sheet, targets: &[[f64; 2]]) -> Vec<Vec<f64>> {
        let partition = Partition::of_widths([("a", 1), ("b", 1)]).unwrap();
        let targets: Vec<_> = targets.iter().map(|&t| latent(t)).collect();
        let z = partition.moved(&latent([0., 0.]), &targets, sheet.tiles()).unwrap();
        z.code(0).unwrap().to_vec2().unwrap()
    }

    #[test]
    fn a_strip_moves_one_block_and_goes_beyond() {
        let sheet = Sheet::strip(&[1], &[-1., 0.5, 1.]);
        assert_eq!(moved(&sheet, &[[8., 4.]]), [[0., -4.], [0., 2.], [0., 4.]]);
        let rows = sheet.arrange(&"s", &["t"], vec!["x", "y", "z"]).unwrap();
        assert_eq!(rows, [[Some("s"), Some("x"), Some("y"), Some("z"), Some("t")]]);
        assert!(sheet.arrange(&"s", &["t"], vec!["x"]).is_err());
        assert!(sheet.arrange(&"s", &[], vec!["x", "y", "z"]).is_err());
    }

    /// Bilinear in four corners, as elegant.md writes it out.
    #[test]
    fn a_square_has_a_target_in_each_corner() {
        let sheet = Sheet::square(&[0], &[0., 0.5, 1.], &[0., 1.]);
        let found = moved(&sheet, &[[1., 9.], [10., 9.], [100., 9.]]);
        let first: Vec<_> = found.iter().map(|z| z[0]).collect();
        assert_eq!(first, [0., 1., 5., 50.5, 10., 100.]);
        assert!(found.iter().all(|z| z[1] == 0.));
        let rows = sheet.arrange(&0, &[1, 2, 3], vec![9; 6]).unwrap();
        let nine = Some(9);
        assert_eq!(
            rows,
            [
                [Some(0), nine, nine, Some(1)],
                [None, nine, nine, None],
                [Some(2), nine, nine, Some(3)]
            ]
        );
    }

    #[test]
    fn two_blocks_move_towards_their_own_targets() {
        let sheet = Sheet::two_ways((&[0], &[0., 1.]), (&[1], &[0., 1.]), 2);
        let found = moved(&sheet, &[[1., 7.], [7., 2.]]);
        assert_eq!(found, [[0., 0.], [0., 2.], [1., 0.], [1., 2.]]);
        let rows = sheet.arrange(&0, &[1, 2], vec![9; 4]).unwrap();
        assert_eq!(rows[0], [Some(0), Some(9), Some(9), Some(2)]);
        assert_eq!(rows[1], [Some(1), Some(9), Some(9), None]);
    }
}
