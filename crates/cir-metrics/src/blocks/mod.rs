//! What a partition that the user controls must hold: every attribute in its own block, and nowhere else.

mod correlation;
mod dci;
mod probes;
#[cfg(test)]
mod tests;

use std::ops::Range;

use candle_core::{Result, bail};

pub use self::{
    correlation::correlation,
    dci::{Dci, dci},
    probes::{BlockMatrix, BlockProbes},
};
use crate::Codes;

/// Blocks of codes, and which of them each attribute is assigned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocks {
    ranges: Vec<Range<usize>>,
    own: Vec<usize>,
}

impl Blocks {
    /// Blocks by their ranges of numbers, and for each attribute the place of its own.
    ///
    /// # Errors
    /// When there are fewer than two blocks, two overlap, one is empty, or an attribute is assigned to
    /// none of them.
    pub fn new(ranges: Vec<Range<usize>>, own: Vec<usize>) -> Result<Self> {
        if ranges.len() < 2 {
            bail!("{} block; two and more can be told apart", ranges.len());
        }
        let mut sorted = ranges.clone();
        sorted.sort_by_key(|range| range.start);
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0].end > pair[1].start) {
            bail!("blocks {:?} and {:?} overlap", pair[0], pair[1]);
        }
        if let Some(empty) = ranges.iter().find(|range| range.is_empty()) {
            bail!("block {empty:?} is empty");
        }
        if let Some(block) = own.iter().find(|&&block| block >= ranges.len()) {
            bail!("an attribute in block {block} of {}", ranges.len());
        }
        Ok(Self { ranges, own })
    }

    /// Every number a block of its own, none assigned.
    pub(crate) fn singles(width: usize) -> Self {
        Self { ranges: (0..width).map(|i| i..i + 1).collect(), own: Vec::new() }
    }

    /// The ranges.
    pub fn ranges(&self) -> &[Range<usize>] {
        &self.ranges
    }

    /// The block of attribute `a`.
    fn own(&self, a: usize) -> usize {
        self.own[a]
    }

    fn check(&self, codes: &Codes) -> Result<()> {
        if let Some(beyond) = self.ranges.iter().find(|range| range.end > codes.width()) {
            bail!("block {beyond:?} of codes of width {}", codes.width());
        }
        if self.own.len() != codes.values().len() {
            bail!("blocks of {} attributes, codes of {}", self.own.len(), codes.values().len());
        }
        Ok(())
    }
}
