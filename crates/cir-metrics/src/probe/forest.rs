//! Bagged trees (Breiman, *Bagging Predictors*, Machine Learning 1996): what thresholds on single numbers
//! find, and which numbers they look at.

use candle_core::{Result, bail};
use cir_core::{Rng, rng};
use cir_ops::side_by_side;
use rand::seq::SliceRandom;

use crate::{Codes, score::resampled, statistics::shares};

/// How many trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForestConfig {
    /// Trees.
    pub trees: usize,
}

impl Default for ForestConfig {
    fn default() -> Self {
        Self { trees: 100 }
    }
}

/// A fitted forest for one attribute.
///
/// Every tree grows on as many images as there are, drawn with replacement, until its leaves are pure.
/// Each split is the best of Gini's among all numbers: with a random choice of them, as in a random
/// forest, trees look at numbers that say nothing, and no code is perfectly disentangled. Of equally good
/// numbers it is one drawn at random.
#[derive(Debug, Clone)]
pub struct Forest {
    trees: Vec<Tree>,
    importances: Vec<f64>,
}

#[derive(Debug, Clone)]
enum Node {
    Leaf(Vec<f64>),
    /// To node `below` where the number is at most the threshold, else to node `above`.
    Split {
        number: usize,
        threshold: f64,
        below: usize,
        above: usize,
    },
}

#[derive(Debug, Clone)]
struct Tree {
    nodes: Vec<Node>,
}

impl Forest {
    /// Grows the trees.
    ///
    /// # Errors
    /// When there is no such attribute, or no tree is wanted.
    pub fn fit(codes: &Codes, attribute: usize, config: ForestConfig, seed: u64) -> Result<Self> {
        let Some(&values) = codes.values().get(attribute) else {
            bail!("attribute {attribute} of {}", codes.values().len())
        };
        if config.trees == 0 {
            bail!("a forest of 0 trees; 1 and more are allowed");
        }
        let columns: Vec<_> = (0..codes.width()).map(|j| codes.column(j)).collect();
        let labels = codes.labels(attribute);
        let grown = side_by_side((0..config.trees as u64).collect(), |i| -> Result<_> {
            let mut rng = rng(seed, "forest", i);
            let images = resampled(&mut rng, labels.len());
            let mut gains = vec![0.; columns.len()];
            let mut grower =
                Grower { columns: &columns, labels: &labels, values, gains: &mut gains };
            let tree = grower.grow(images, &mut rng);
            let sum: f64 = gains.iter().sum();
            if sum > 0. {
                gains.iter_mut().for_each(|gain| *gain /= sum);
            }
            Ok((tree, gains))
        })?;
        let mut importances = vec![0.; columns.len()];
        for (_, gains) in &grown {
            for (sum, gain) in importances.iter_mut().zip(gains) {
                *sum += gain / grown.len() as f64;
            }
        }
        Ok(Self { trees: grown.into_iter().map(|(tree, _)| tree).collect(), importances })
    }

    /// For each number its share in what all splits together lower Gini's impurity by, averaged over
    /// the trees.
    pub fn importances(&self) -> &[f64] {
        &self.importances
    }

    /// The probability of every value: the mean over the trees.
    ///
    /// # Errors
    /// When the code has another width than those learnt from.
    pub fn probabilities(&self, code: &[f64]) -> Result<Vec<f64>> {
        if code.len() != self.importances.len() {
            bail!("a code of width {}, learnt from {}", code.len(), self.importances.len());
        }
        let mut sums: Vec<f64> = Vec::new();
        for tree in &self.trees {
            let leaf = tree.leaf(code);
            sums.resize(leaf.len(), 0.);
            sums.iter_mut().zip(leaf).for_each(|(sum, p)| *sum += p);
        }
        Ok(sums.iter().map(|sum| sum / self.trees.len() as f64).collect())
    }
}

impl Tree {
    fn leaf(&self, code: &[f64]) -> &[f64] {
        let mut at = 0;
        loop {
            match &self.nodes[at] {
                Node::Leaf(probabilities) => return probabilities,
                Node::Split { number, threshold, below, above } => {
                    at = if code[*number] <= *threshold { *below } else { *above };
                }
            }
        }
    }
}

struct Grower<'a> {
    columns: &'a [Vec<f64>],
    labels: &'a [usize],
    values: usize,
    gains: &'a mut [f64],
}

/// The best division of a node.
struct Division {
    number: usize,
    threshold: f64,
    gain: f64,
}

impl Grower<'_> {
    fn grow(&mut self, images: Vec<usize>, rng: &mut Rng) -> Tree {
        let mut nodes = vec![Node::Leaf(Vec::new())];
        let mut open = vec![(0, images)];
        while let Some((at, images)) = open.pop() {
            let Some(division) = self.division(&images, rng) else {
                let labels: Vec<_> = images.iter().map(|&i| self.labels[i]).collect();
                nodes[at] = Node::Leaf(shares(&labels, self.values));
                continue;
            };
            let Division { number, threshold, gain } = division;
            self.gains[number] += gain;
            let low = |i: &usize| self.columns[number][*i] <= threshold;
            let (left, right) = images.into_iter().partition(low);
            let (below, above) = (nodes.len(), nodes.len() + 1);
            nodes.extend([Node::Leaf(Vec::new()), Node::Leaf(Vec::new())]);
            nodes[at] = Node::Split { number, threshold, below, above };
            open.extend([(above, right), (below, left)]);
        }
        Tree { nodes }
    }

    /// The best division of these images, none if they are alike.
    fn division(&self, images: &[usize], rng: &mut Rng) -> Option<Division> {
        let first = self.labels[*images.first()?];
        if images.iter().all(|&i| self.labels[i] == first) {
            return None;
        }
        let mut numbers: Vec<_> = (0..self.columns.len()).collect();
        numbers.shuffle(rng);
        let found = numbers.into_iter().filter_map(|number| self.threshold(images, number));
        found.reduce(|best, new| if new.gain > best.gain { new } else { best })
    }

    /// The threshold on one number that lowers the impurity most.
    fn threshold(&self, images: &[usize], number: usize) -> Option<Division> {
        let column = &self.columns[number];
        let mut sorted: Vec<_> = images.iter().map(|&i| (column[i], self.labels[i])).collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut left = vec![0.; self.values];
        let mut right = vec![0.; self.values];
        sorted.iter().for_each(|(_, label)| right[*label] += 1.);
        // n times Gini's impurity is n - Σ count² / n; the sums are kept as labels pass to the left.
        let weighted = |squares: f64, n: f64| n - squares / n;
        let n = sorted.len() as f64;
        let (mut below_squares, mut above_squares) = (0., right.iter().map(|c| c * c).sum::<f64>());
        let whole = weighted(above_squares, n);
        let mut best: Option<Division> = None;
        for (k, pair) in sorted.windows(2).enumerate() {
            let label = pair[0].1;
            below_squares += 2. * left[label] + 1.;
            above_squares -= 2. * right[label] - 1.;
            left[label] += 1.;
            right[label] -= 1.;
            if pair[0].0 == pair[1].0 {
                continue;
            }
            let below = (k + 1) as f64;
            let gain = whole - weighted(below_squares, below) - weighted(above_squares, n - below);
            if best.as_ref().is_none_or(|old| gain > old.gain) {
                let middle = pair[0].0 + (pair[1].0 - pair[0].0) / 2.;
                // Between neighbours in floating point the middle can be the upper one.
                let threshold = if middle < pair[1].0 { middle } else { pair[0].0 };
                best = Some(Division { number, threshold, gain });
            }
        }
        best
    }
}
