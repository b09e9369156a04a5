//! The FactorVAE score (Kim and Mnih, *Disentangling by Factorising*, ICML 2018, section 4).

use candle_core::{Result, bail};
use cir_core::{Rng, rng};
use rand::{Rng as _, seq::IndexedRandom};

use super::factors;
use crate::{Codes, Score, statistics::mean};

/// How many votes, and which numbers stand for election.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Votes {
    /// Votes that the classifier learns from.
    pub train: usize,
    /// Votes that it is judged on.
    pub test: usize,
    /// Images of a vote.
    pub batch: usize,
    /// The share of the numbers' mean variance below which a number's is too small to vote for it.
    pub collapsed: f64,
}

impl Default for Votes {
    /// Those of Locatello et al. Their numbers have a prior of variance 1, of which 0.05 is the smallest
    /// variance; codes without a prior are of any scale, for which the mean variance stands here.
    fn default() -> Self {
        Self { train: 10_000, test: 5000, batch: 64, collapsed: 0.05 }
    }
}

/// How often the number that varies least among images that share one factor tells which factor it is.
///
/// A vote draws a factor, then one of its values that two images have at least, then images of it with
/// replacement. It goes to the number whose variance among them, over that among all images, is the lowest;
/// the first of several. Each number then stands for the factor in which it had most of the training votes,
/// one that had none for the first factor; the score is the share of test votes that are for the right
/// factor. Without a number that varies it is 0. Several numbers may stand for one factor at no cost. It has
/// no interval over the images, each of which is drawn many times.
///
/// # Errors
/// When no factor has two values among the images or a value that two of them have, there is no vote of
/// either kind, a batch has fewer than two images, or the share is not between 0 and 1.
pub fn factor_vae(codes: &Codes, votes: Votes, seed: u64) -> Result<Score> {
    if votes.train == 0 || votes.test == 0 || votes.batch < 2 {
        let Votes { train, test, batch, .. } = votes;
        bail!("{train} and {test} votes of {batch} images; at least 1 and 1 of 2 are allowed");
    }
    if !(0. ..=1.).contains(&votes.collapsed) {
        bail!(
            "numbers collapsed below {} of the mean variance; 0 to 1 is allowed",
            votes.collapsed
        );
    }
    let groups = groups(codes)?;
    let spread = variances(codes, votes.collapsed);
    let mut rng = rng(seed, "factor votes", 0);
    let mut draw = |count| -> Vec<_> {
        let one = |_| vote(codes, &spread, &groups, votes.batch, &mut rng);
        (0..count).filter_map(one).collect()
    };
    let (train, test) = (draw(votes.train), draw(votes.test));
    let protocol = format!(
        "FactorVAE 1 train={} test={} batch={} collapsed={} images={} numbers={} factors={} seed={seed}",
        votes.train,
        votes.test,
        votes.batch,
        votes.collapsed,
        codes.rows(),
        codes.width(),
        groups.len(),
    );
    let value = accuracy(&train, &test, codes.width(), groups.len());
    Ok(Score { value, interval: None, protocol })
}

/// For each factor the images of each value that two have at least.
fn groups(codes: &Codes) -> Result<Vec<Vec<Vec<usize>>>> {
    let of = |a: usize| {
        let mut groups = codes.groups(a);
        groups.retain(|group| group.len() > 1);
        groups
    };
    let mut found: Vec<_> = factors(codes, 1)?.into_iter().map(of).collect();
    found.retain(|groups| !groups.is_empty());
    if found.is_empty() {
        bail!("no factor has a value that two of {} images share", codes.rows());
    }
    Ok(found)
}

/// For each number its variance among all images, none if it has collapsed.
pub(super) fn variances(codes: &Codes, collapsed: f64) -> Vec<Option<f64>> {
    let found: Vec<_> = codes.scales().iter().map(|[_, deviation]| deviation.powi(2)).collect();
    let least = collapsed * mean(found.iter().copied());
    found
        .into_iter()
        .map(|variance| (variance > 0. && variance >= least).then_some(variance))
        .collect()
}

/// A number and the factor that was held; none if all numbers have collapsed.
fn vote(
    codes: &Codes,
    spread: &[Option<f64>],
    groups: &[Vec<Vec<usize>>],
    batch: usize,
    rng: &mut Rng,
) -> Option<[usize; 2]> {
    let factor = rng.random_range(0..groups.len());
    let images = groups[factor].choose(rng)?;
    let drawn: Vec<_> = (0..batch).filter_map(|_| images.choose(rng).copied()).collect();
    Some([steadiest(codes, spread, &drawn)?, factor])
}

/// The number whose variance among these images, over its own among all, is the lowest.
pub(super) fn steadiest(codes: &Codes, spread: &[Option<f64>], images: &[usize]) -> Option<usize> {
    let ratio = |(j, whole): (usize, &Option<f64>)| {
        let numbers = || images.iter().map(|&i| codes.row(i)[j]);
        let centre = mean(numbers());
        let variance = mean(numbers().map(|x| (x - centre).powi(2)));
        whole.map(|whole| (j, variance / whole))
    };
    let found = spread.iter().enumerate().filter_map(ratio);
    Some(found.reduce(|best, new| if new.1 < best.1 { new } else { best })?.0)
}

/// The share of test votes, each a number and a factor, that the majority of the training votes reads right.
pub(super) fn accuracy(
    train: &[[usize; 2]],
    test: &[[usize; 2]],
    numbers: usize,
    factors: usize,
) -> f64 {
    let mut counts = vec![vec![0usize; factors]; numbers];
    train.iter().for_each(|&[number, factor]| counts[number][factor] += 1);
    let majority = |row: &Vec<usize>| {
        let most = row.iter().max();
        row.iter().position(|count| Some(count) == most)
    };
    let read: Vec<_> = counts.iter().map(majority).collect();
    let right = test.iter().filter(|[number, factor]| read[*number] == Some(*factor)).count();
    right as f64 / test.len().max(1) as f64
}
