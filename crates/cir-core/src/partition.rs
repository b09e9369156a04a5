//! The partition that the user controls: named blocks of a latent, one per attribute
//! (METHOD.md, section 1), with swap, join and interpolation on them.

use candle_core::{DType, Tensor, bail};
use serde::{Deserialize, Serialize};

use crate::{Error, Latent, Result, Scalars, schema::unique};

/// A named range of one code's dimension 1: numbers of a vector or channels of a feature map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The attribute's name.
    pub name: String,
    /// First number of the range.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// Which code of the latent the range lies in.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub code: usize,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl Block {
    /// The number of numbers or channels.
    pub fn width(&self) -> usize {
        self.end - self.start
    }
}

/// Blocks that cover every number of every code exactly once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Block>", into = "Vec<Block>")]
pub struct Partition {
    blocks: Vec<Block>,
}

impl Partition {
    /// Checks and takes the blocks, in any order within a code, codes numbered from 0.
    ///
    /// # Errors
    /// When there is no block, one is empty, names repeat, blocks overlap or leave a gap.
    pub fn new(blocks: Vec<Block>) -> Result<Self> {
        let field = "blocks";
        let Some(codes) = blocks.iter().map(|b| b.code + 1).max() else {
            return Err(Error::setting(field, "none", "at least one block"));
        };
        unique(field, blocks.iter().map(|b| &b.name))?;
        for code in 0..codes {
            let mut own: Vec<_> = blocks.iter().filter(|b| b.code == code).collect();
            own.sort_by_key(|b| (b.start, b.end));
            let mut next = 0;
            for b in own {
                let place = format!("{field}.{}", b.name);
                let found = format!("{}..{}", b.start, b.end);
                if b.end <= b.start {
                    return Err(Error::setting(place, found, "end greater than start"));
                }
                if b.start < next {
                    let allowed = format!("a start of {next}: it overlaps the block before it");
                    return Err(Error::setting(place, found, allowed));
                }
                if b.start > next {
                    let allowed = format!("a start of {next}: every number belongs to a block");
                    return Err(Error::setting(place, found, allowed));
                }
                next = b.end;
            }
            if next == 0 {
                let allowed = format!("every code from 0 to {} has a block", codes - 1);
                return Err(Error::setting(field, format!("no block in code {code}"), allowed));
            }
        }
        Ok(Self { blocks })
    }

    /// One code cut into blocks of the given widths, in order.
    ///
    /// # Errors
    /// As [`Partition::new`].
    pub fn of_widths<'a>(blocks: impl IntoIterator<Item = (&'a str, usize)>) -> Result<Self> {
        let mut start = 0;
        let cut = |(name, width): (&str, usize)| {
            let block = Block { name: name.into(), start, end: start + width, code: 0 };
            start = block.end;
            block
        };
        Self::new(blocks.into_iter().map(cut).collect())
    }

    /// One block for each of several separately encoded codes of the given widths.
    ///
    /// # Errors
    /// As [`Partition::new`].
    pub fn of_codes<'a>(codes: impl IntoIterator<Item = (&'a str, usize)>) -> Result<Self> {
        let whole = |(code, (name, width)): (usize, (&str, usize))| Block {
            name: name.into(),
            start: 0,
            end: width,
            code,
        };
        Self::new(codes.into_iter().enumerate().map(whole).collect())
    }

    /// Fails unless the blocks of code number `code` are `width` numbers wide; `field` is where the
    /// partition stands in the recipe.
    ///
    /// # Errors
    /// Names the first block that exceeds the latent, or the numbers left over.
    pub fn check_width(&self, field: &str, code: usize, width: usize) -> Result<()> {
        let own = || self.blocks.iter().filter(|b| b.code == code);
        if let Some(b) = own().filter(|b| b.end > width).min_by_key(|b| b.end) {
            let found = format!("{}..{}", b.start, b.end);
            let allowed = format!("an end of at most {width}, the width of the latent");
            return Err(Error::setting(format!("{field}.{}", b.name), found, allowed));
        }
        match own().map(|b| b.end).max() {
            Some(end) if end == width => Ok(()),
            end => {
                let found = format!("{} numbers in blocks", end.unwrap_or(0));
                Err(Error::setting(field, found, format!("{width}, the width of the latent")))
            }
        }
    }

    /// The blocks in order.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The number of blocks m.
    #[expect(clippy::len_without_is_empty, reason = "a partition is never empty")]
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// The position of the block called `name`.
    ///
    /// # Errors
    /// When there is none; the message lists those there are.
    pub fn index(&self, name: &str) -> Result<usize> {
        self.blocks.iter().position(|b| b.name == name).ok_or_else(|| {
            let names: Vec<_> = self.blocks.iter().map(|b| b.name.as_str()).collect();
            Error::setting("block", format!("{name:?}"), names.join(", "))
        })
    }

    /// z\[j\]: block `j` of a latent, (B, width, …).
    ///
    /// # Errors
    /// When the latent is narrower than the partition.
    pub fn get(&self, z: &Latent, j: usize) -> candle_core::Result<Tensor> {
        let b = &self.blocks[j];
        z.code(b.code)?.narrow(1, b.start, b.width())
    }

    /// The latent whose block j is `parts[j]`.
    ///
    /// # Errors
    /// When `parts` does not fit the partition.
    pub fn join(&self, parts: &[Tensor]) -> candle_core::Result<Latent> {
        if parts.len() != self.len() {
            bail!("join: {} parts for {} blocks", parts.len(), self.len());
        }
        let mut order: Vec<_> = (0..self.len()).collect();
        order.sort_by_key(|&j| (self.blocks[j].code, self.blocks[j].start));
        let codes = order.chunk_by(|&i, &j| self.blocks[i].code == self.blocks[j].code);
        let code = |members: &[usize]| match members {
            [whole] => Ok(parts[*whole].clone()),
            _ => Tensor::cat(&members.iter().map(|&j| &parts[j]).collect::<Vec<_>>(), 1),
        };
        Ok(Latent::new(codes.map(code).collect::<candle_core::Result<_>>()?))
    }

    /// The latent whose block j is that of `donors[j]`.
    ///
    /// # Errors
    /// When there is not one donor per block, or their shapes differ.
    pub fn combine(&self, donors: &[&Latent]) -> candle_core::Result<Latent> {
        if donors.len() != self.len() {
            bail!("combine: {} donors for {} blocks", donors.len(), self.len());
        }
        let parts: Vec<_> = donors
            .iter()
            .enumerate()
            .map(|(j, z)| self.get(z, j))
            .collect::<candle_core::Result<_>>()?;
        self.join(&parts)
    }

    /// `z` with block `j` taken from `from`.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn swap(&self, z: &Latent, j: usize, from: &Latent) -> candle_core::Result<Latent> {
        let donors: Vec<_> = (0..self.len()).map(|i| if i == j { from } else { z }).collect();
        self.combine(&donors)
    }

    /// `spread_<block>` for each block: the standard deviation of a number over the batch, mean over
    /// the block. METHOD.md section 2 says why to watch it.
    ///
    /// # Errors
    /// When the latent is narrower than the partition.
    pub fn spreads(&self, z: &Latent) -> candle_core::Result<Scalars> {
        let of = |(j, block): (usize, &Block)| {
            let z = self.get(z, j)?.to_dtype(DType::F64)?;
            let centred = z.broadcast_sub(&z.mean_keepdim(0)?)?;
            let deviation = centred.sqr()?.mean(0)?.sqrt()?.mean_all()?;
            Ok((format!("spread_{}", block.name), deviation.to_scalar::<f64>()?))
        };
        self.blocks.iter().enumerate().map(of).collect()
    }

    /// (1-t)·a + t·b on the blocks `moved`, `a` elsewhere; `fraction(j)` gives block j's t, of a
    /// shape that broadcasts to (B, width, …).
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn interpolate(
        &self,
        a: &Latent,
        b: &Latent,
        moved: &[usize],
        fraction: impl Fn(usize) -> candle_core::Result<Tensor>,
    ) -> candle_core::Result<Latent> {
        let part = |j| {
            let from = self.get(a, j)?;
            if !moved.contains(&j) {
                return Ok(from);
            }
            let step = (self.get(b, j)? - &from)?.broadcast_mul(&fraction(j)?)?;
            from + step
        };
        self.join(&(0..self.len()).map(part).collect::<candle_core::Result<Vec<_>>>()?)
    }
}

impl TryFrom<Vec<Block>> for Partition {
    type Error = Error;
    fn try_from(blocks: Vec<Block>) -> Result<Self> {
        Self::new(blocks)
    }
}

impl From<Partition> for Vec<Block> {
    fn from(partition: Partition) -> Self {
        partition.blocks
    }
}

#[cfg(test)]
#[path = "partition_tests.rs"]
mod tests;
