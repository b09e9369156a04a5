//! Disentanglement, completeness and informativeness (Eastwood and Williams, *A Framework for the
//! Quantitative Evaluation of Disentangled Representations*, ICLR 2018, section 2).

use candle_core::Result;
use serde::Serialize;

use super::Blocks;
use crate::{
    Codes, ForestConfig, Sampling, Score,
    probe::{Forest, likeliest},
    statistics::{entropy, mean},
};

/// Resamples on which trees are grown anew, which takes long.
const REGROWN: usize = 20;

/// The three scores, between 0 and 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dci {
    /// Whether each block says something of one attribute only.
    pub disentanglement: Score,
    /// Whether each attribute is in one block only.
    pub completeness: Score,
    /// The accuracy of the attributes read from the whole code.
    pub informativeness: Score,
    /// The share of what is looked at to find an attribute (row) that lies in each block (column).
    pub importances: Vec<Vec<f64>>,
}

/// DCI of blocks, or of single numbers without.
///
/// An attribute's importances are those of bagged trees on the whole code, which sum to 1, added
/// within each block. A block's disentanglement is 1 less the entropy, to the base of the number of
/// attributes, of its importances; blocks count by how important they are. An attribute's completeness is
/// 1 less the entropy, to the base of the number of blocks. Trees learn from half of the images;
/// informativeness is judged on the rest, and so is its interval. The other intervals come from a tenth of
/// the trees, grown anew on each of at most 20 resamples.
///
/// # Errors
/// When the blocks do not fit the codes, or there are fewer than two images.
pub fn dci(
    codes: &Codes,
    blocks: Option<&Blocks>,
    forest: ForestConfig,
    sampling: Sampling,
) -> Result<Dci> {
    if let Some(blocks) = blocks {
        blocks.check(codes)?;
    }
    let [learn, judge] = codes.halves(sampling.seed)?;
    judged(&learn, &judge, blocks, forest, sampling)
}

/// As [`dci`], with what is learnt from and what is judged by.
pub(super) fn judged(
    learn: &Codes,
    judge: &Codes,
    blocks: Option<&Blocks>,
    forest: ForestConfig,
    sampling: Sampling,
) -> Result<Dci> {
    let what = if blocks.is_some() { "blocks" } else { "numbers" };
    let singles = Blocks::singles(learn.width());
    let blocks = blocks.unwrap_or(&singles);
    let scores = |learn: &Codes, forest| -> Result<_> {
        let (importances, right) = importances(learn, judge, blocks, forest, sampling.seed)?;
        Ok(([disentanglement(&importances), completeness(&importances)], importances, right))
    };
    let (values, importances, right) = scores(learn, forest)?;
    let few = ForestConfig { trees: forest.trees.div_ceil(10) };
    let regrown = Sampling { resamples: sampling.resamples.min(REGROWN), ..sampling };
    let intervals =
        regrown.normal(learn.rows(), values, |images| Ok(scores(&learn.select(images), few)?.0))?;
    let accuracy = |images: &[usize]| mean(images.iter().map(|&i| right[i]));
    let protocol = |name: &str, interval: &str| {
        let (trees, learnt, judged) = (forest.trees, learn.rows(), judge.rows());
        format!(
            "DCI {name} of {what} 1 bagged trees={trees} learnt={learnt} judged={judged} {interval}"
        )
    };
    let of_few = format!("{regrown} of trees={}", few.trees);
    let learnt = |k: usize, name| Score {
        value: values[k],
        interval: intervals[k],
        protocol: protocol(name, &of_few),
    };
    let judged = Score::judged(
        judge.rows(),
        accuracy,
        sampling,
        protocol("informativeness", &sampling.to_string()),
    );
    Ok(Dci {
        disentanglement: learnt(0, "disentanglement"),
        completeness: learnt(1, "completeness"),
        informativeness: judged,
        importances,
    })
}

/// By attribute and block; and for each image to judge by the share of its attributes that are read right.
fn importances(
    learn: &Codes,
    judge: &Codes,
    blocks: &Blocks,
    forest: ForestConfig,
    seed: u64,
) -> Result<(Vec<Vec<f64>>, Vec<f64>)> {
    let attributes = learn.values().len();
    let (mut rows, mut right) = (Vec::new(), vec![0.; judge.rows()]);
    for a in 0..attributes {
        let forest = Forest::fit(learn, a, forest, seed)?;
        let sum = |range: &std::ops::Range<usize>| forest.importances()[range.clone()].iter().sum();
        rows.push(blocks.ranges().iter().map(sum).collect());
        for (i, label) in judge.labels(a).into_iter().enumerate() {
            let read = likeliest(&forest.probabilities(judge.row(i))?);
            right[i] += f64::from(u8::from(read == label)) / attributes as f64;
        }
    }
    Ok((rows, right))
}

/// Σ ρ_i (1 - H_attributes(P_i)), ρ_i block i's share of all importance.
fn disentanglement(importances: &[Vec<f64>]) -> f64 {
    let blocks = importances.first().map_or(0, Vec::len);
    let columns = (0..blocks).map(|b| importances.iter().map(|row| row[b]).collect::<Vec<_>>());
    concentration(columns.collect())
}

/// The mean of 1 - H_blocks(P_j): every attribute's importances sum to 1, where it is found at all.
fn completeness(importances: &[Vec<f64>]) -> f64 {
    concentration(importances.to_vec())
}

/// How much of the weight of each row lies in one place; rows count by their weight.
fn concentration(rows: Vec<Vec<f64>>) -> f64 {
    let sum = |row: &[f64]| row.iter().sum::<f64>();
    let all: f64 = rows.iter().map(|row| sum(row)).sum();
    let one = |row: &Vec<f64>| {
        let own = sum(row);
        if own == 0. || row.len() < 2 {
            return 0.;
        }
        let shares: Vec<_> = row.iter().map(|x| x / own).collect();
        own / all * (1. - entropy(&shares) / (row.len() as f64).ln())
    };
    rows.iter().map(one).sum()
}
