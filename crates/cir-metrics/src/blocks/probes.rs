//! What a classifier finds of every attribute in every block.

use candle_core::Result;
use cir_ops::side_by_side;
use serde::Serialize;

use super::Blocks;
use crate::{
    Codes, Probe, Sampling, Score,
    probe::likeliest,
    statistics::{entropy, mean, shares},
};

/// One classifier for each attribute and block, fitted on half of the images and judged on the rest.
#[derive(Debug, Clone)]
pub struct BlockProbes {
    /// By attribute and block.
    found: Vec<Vec<Found>>,
    /// For each attribute whether guessing reads each image right: the value that is the most frequent
    /// among the images learnt from.
    guessed: Vec<Vec<bool>>,
    /// For each attribute the label of each image.
    labels: Vec<Vec<usize>>,
    values: Vec<usize>,
    blocks: Blocks,
    sampling: Sampling,
    protocol: String,
}

/// For each image of the half to judge by.
#[derive(Debug, Clone)]
struct Found {
    right: Vec<bool>,
    /// log p(label), in nats.
    likelihood: Vec<f64>,
}

/// The attribute-block matrix.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BlockMatrix {
    /// The share of images in which an attribute (row) is read right from a block (column).
    pub accuracy: Vec<Vec<f64>>,
    /// Their 95 % intervals over the images.
    pub intervals: Vec<Vec<Option<[f64; 2]>>>,
    /// The share that guessing reads right, by attribute.
    pub chance: Vec<f64>,
    /// As a score's.
    pub protocol: String,
}

impl BlockProbes {
    /// Fits all.
    ///
    /// # Errors
    /// When the blocks do not fit the codes, or there are fewer than two images.
    pub fn fit(codes: &Codes, blocks: &Blocks, probe: Probe, sampling: Sampling) -> Result<Self> {
        blocks.check(codes)?;
        let [learn, judge] = codes.halves(sampling.seed)?;
        Self::judged(&learn, &judge, blocks, probe, sampling)
    }

    /// Fits all on one half and judges them on the other.
    pub(super) fn judged(
        learn: &Codes,
        judge: &Codes,
        blocks: &Blocks,
        probe: Probe,
        sampling: Sampling,
    ) -> Result<Self> {
        let attributes = 0..learn.values().len();
        let ranges = blocks.ranges();
        let pairs = attributes.clone().flat_map(|a| ranges.iter().map(move |range| (a, range)));
        let found = side_by_side(pairs.collect(), |(a, range)| -> Result<_> {
            let (learn, judge) = (learn.block(range)?, judge.block(range)?);
            let read = probe.read(&learn, &judge, a, sampling.seed)?;
            let (mut right, mut likelihood) = (Vec::new(), Vec::new());
            for (p, label) in read.iter().zip(judge.labels(a)) {
                right.push(likeliest(p) == label);
                likelihood.push(p[label].max(f64::MIN_POSITIVE).ln());
            }
            Ok(Found { right, likelihood })
        })?;
        let guess = |a: usize| {
            let common = likeliest(&shares(&learn.labels(a), learn.values()[a]));
            judge.labels(a).into_iter().map(|label| label == common).collect()
        };
        Ok(Self {
            found: found.chunks(ranges.len()).map(<[_]>::to_vec).collect(),
            guessed: attributes.clone().map(guess).collect(),
            labels: attributes.map(|a| judge.labels(a)).collect(),
            values: learn.values().to_vec(),
            blocks: blocks.clone(),
            sampling,
            protocol: format!(
                "{} learnt={} judged={} {sampling}",
                probe.protocol(),
                learn.rows(),
                judge.rows(),
            ),
        })
    }

    /// How well each attribute is read from each block.
    pub fn matrix(&self) -> BlockMatrix {
        let all: Vec<_> = (0..self.images()).collect();
        let accuracy = |found: &Found| share(&found.right, &all);
        let interval = |found: &Found| {
            self.sampling.percentiles(all.len(), |images| share(&found.right, images))
        };
        let rows = self.found.iter();
        BlockMatrix {
            accuracy: rows.clone().map(|row| row.iter().map(accuracy).collect()).collect(),
            intervals: rows.map(|row| row.iter().map(interval).collect()).collect(),
            protocol: format!("attribute-block accuracy 1 {}", self.protocol),
            chance: self.guessed.iter().map(|guessed| share(guessed, &all)).collect(),
        }
    }

    /// The mean accuracy of attributes read from their own blocks.
    pub fn own(&self) -> Score {
        self.score("own block accuracy", |images| {
            mean(
                (0..self.found.len())
                    .map(|a| share(&self.found[a][self.blocks.own(a)].right, images)),
            )
        })
    }

    /// The mean, over attributes and blocks that are not theirs, of accuracy above chance: 0 where every
    /// block holds nothing of the others' attributes.
    pub fn leakage(&self) -> Score {
        self.score("leakage", |images| {
            mean(self.others().map(|(a, b)| {
                share(&self.found[a][b].right, images) - share(&self.guessed[a], images)
            }))
        })
    }

    /// The mutual information gap (Chen et al., *Isolating Sources of Disentanglement*, NeurIPS 2018,
    /// equation 6) between blocks: I(attribute; own block) less the largest of the other blocks, over
    /// the attribute's entropy, averaged.
    ///
    /// Information is H(label) - E[-log p(label | block)] with the classifier's p, at least 0: a lower
    /// bound (Barber and Agakov, *The IM Algorithm*, NIPS 2003), since blocks of several numbers have
    /// no histogram. The gap of two bounds is itself none.
    pub fn information_gap(&self) -> Score {
        self.score("block MIG", |images| {
            mean((0..self.found.len()).map(|a| {
                let labels: Vec<_> = images.iter().map(|&i| self.labels[a][i]).collect();
                let whole = entropy(&shares(&labels, self.values[a]));
                if whole == 0. {
                    return 0.;
                }
                let information = |b: usize| {
                    let likelihood = &self.found[a][b].likelihood;
                    (whole + mean(images.iter().map(|&i| likelihood[i]))).max(0.)
                };
                let others = self.others().filter(|(of, _)| *of == a).map(|(_, b)| information(b));
                (information(self.blocks.own(a)) - others.fold(0., f64::max)) / whole
            }))
        })
    }

    /// Attributes with the blocks that are not theirs.
    fn others(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let pairs =
            (0..self.found.len()).flat_map(|a| (0..self.found[a].len()).map(move |b| (a, b)));
        pairs.filter(|&(a, b)| b != self.blocks.own(a))
    }

    fn images(&self) -> usize {
        self.labels.first().map_or(0, Vec::len)
    }

    fn score(&self, name: &str, statistic: impl Fn(&[usize]) -> f64) -> Score {
        let protocol = format!("{name} 1 {}", self.protocol);
        Score::judged(self.images(), statistic, self.sampling, protocol)
    }
}

/// The share of `images` that are right.
fn share(right: &[bool], images: &[usize]) -> f64 {
    mean(images.iter().map(|&i| f64::from(u8::from(right[i]))))
}
