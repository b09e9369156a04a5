//! Explicitness (Ridgeway and Mozer, *Learning Deep Disentangled Embeddings with the F-Statistic Loss*,
//! NeurIPS 2018, section 2).

use candle_core::{Result, bail};
use cir_ops::side_by_side;

use super::factors;
use crate::{Codes, Logistic, LogisticConfig, Sampling, Score, statistics::mean};

/// How well factors are read linearly from the whole code: the area under the ROC curve of the probability
/// of each value against all others, averaged over the values of all factors. Guessing scores 0.5.
///
/// One [`Logistic`] for each factor learns from half of the images; areas are those of the rest, in which
/// equal probabilities count half. Values that none or all of the judged images have are left out. The
/// interval is the percentile one over the judged images: the probes are learnt once.
///
/// # Errors
/// When no factor has two values among the images of each half, or there are fewer than two images.
pub fn explicitness(codes: &Codes, probe: LogisticConfig, sampling: Sampling) -> Result<Score> {
    let [learn, judge] = codes.halves(sampling.seed)?;
    judged(&learn, &judge, probe, sampling)
}

/// As [`explicitness`], with what is learnt from and what is judged by.
pub(super) fn judged(
    learn: &Codes,
    judge: &Codes,
    probe: LogisticConfig,
    sampling: Sampling,
) -> Result<Score> {
    let factors = factors(learn, 1)?;
    let count = factors.len();
    let ranked = side_by_side(factors, |a| ranked(learn, judge, a, probe))?.concat();
    let of = |images: &[usize]| {
        let mut times = vec![0.; judge.rows()];
        images.iter().for_each(|&i| times[i] += 1.);
        let areas: Vec<_> = ranked.iter().filter_map(|ranked| area(ranked, &times)).collect();
        (!areas.is_empty()).then(|| mean(areas.into_iter()))
    };
    if of(&(0..judge.rows()).collect::<Vec<_>>()).is_none() {
        bail!("no factor has two values among {} images to judge by", judge.rows());
    }
    let protocol = format!(
        "explicitness 1 logistic(C={}) learnt={} judged={} numbers={} factors={count} {sampling}",
        probe.c,
        learn.rows(),
        judge.rows(),
        learn.width(),
    );
    // A resample that has one value of each factor is one that nothing can be told from.
    Ok(Score::judged(judge.rows(), |images| of(images).unwrap_or(0.5), sampling, protocol))
}

/// A judged image among others, by the probability of a value.
#[derive(Debug, Clone, Copy)]
struct Ranked {
    probability: f64,
    image: usize,
    has: bool,
}

/// The judged images in the order of each value's probability.
fn ranked(
    learn: &Codes,
    judge: &Codes,
    a: usize,
    probe: LogisticConfig,
) -> Result<Vec<Vec<Ranked>>> {
    let probe = Logistic::fit(learn, a, probe)?;
    let labels = judge.labels(a);
    let found: Vec<_> =
        (0..judge.rows()).map(|i| probe.probabilities(judge.row(i))).collect::<Result<_>>()?;
    let by = |value| {
        let one = |(image, p): (usize, &Vec<f64>)| Ranked {
            probability: p[value],
            image,
            has: labels[image] == value,
        };
        let mut ranked: Vec<_> = found.iter().enumerate().map(one).collect();
        ranked.sort_by(|x, y| x.probability.total_cmp(&y.probability));
        ranked
    };
    Ok((0..judge.values()[a]).map(by).collect())
}

/// The share of pairs of an image that has the value and one that has not in which the first is the more
/// probable (Hanley and McNeil, *Radiology* 1982); none without such pairs. Each image counts `times`.
fn area(ranked: &[Ranked], times: &[f64]) -> Option<f64> {
    let (mut with, mut without, mut right) = (0., 0., 0.);
    for tied in ranked.chunk_by(|x, y| x.probability == y.probability) {
        let count = |has| tied.iter().filter(|x| x.has == has).map(|x| times[x.image]).sum::<f64>();
        let (positive, negative) = (count(true), count(false));
        right += positive * (without + negative / 2.);
        with += positive;
        without += negative;
    }
    (with > 0. && without > 0.).then(|| right / (with * without))
}
