//! Separated attribute predictability (Kumar, Sattigeri and Balakrishnan, *Variational Inference of
//! Disentangled Latent Concepts from Unlabeled Observations*, ICLR 2018, section 3).

use candle_core::Result;
use cir_ops::side_by_side;

use super::{SvmConfig, factors, gap, svm::Svm};
use crate::{
    Codes, Sampling, Score,
    statistics::{constant, mean, range},
};

/// For each factor the accuracy with which it is read from the number that tells most, less that of the
/// next; averaged over factors.
///
/// A linear support vector machine for each number and factor learns from half of the images and is judged
/// on the rest; constant numbers score 0. Locatello et al. learn from 10,000 images, judge on 5,000 and
/// leave numbers as they are, so the value depends on their scale: C holds the weights of small numbers
/// down. A perfect code does not score 1: the next number is right as often as guessing is, and of three
/// and more values on a line those between cannot be separated from the rest. The interval is the
/// percentile one over the judged images: the machines are learnt once.
///
/// # Errors
/// When no factor has two values among the images learnt from, C is not above 0, or there are fewer than
/// two images.
pub fn sap(codes: &Codes, svm: SvmConfig, sampling: Sampling) -> Result<Score> {
    let [learn, judge] = codes.halves(sampling.seed)?;
    judged(&learn, &judge, svm, sampling)
}

/// As [`sap`], with what is learnt from and what is judged by.
pub(super) fn judged(
    learn: &Codes,
    judge: &Codes,
    svm: SvmConfig,
    sampling: Sampling,
) -> Result<Score> {
    let factors = factors(learn, 1)?;
    let right = right(learn, judge, &factors, svm)?;
    let of = |images: &[usize]| {
        let accuracy = |right: &Vec<bool>| {
            images.iter().filter(|&&i| right[i]).count() as f64 / images.len() as f64
        };
        mean((0..factors.len()).map(|a| gap(right.iter().map(|row| accuracy(&row[a])))))
    };
    let protocol = format!(
        "SAP 1 SVM(C={}) learnt={} judged={} numbers={} factors={} {sampling}",
        svm.c,
        learn.rows(),
        judge.rows(),
        learn.width(),
        factors.len(),
    );
    Ok(Score::judged(judge.rows(), of, sampling, protocol))
}

/// By number and factor whether each judged image is read right.
pub(super) fn right(
    learn: &Codes,
    judge: &Codes,
    factors: &[usize],
    svm: SvmConfig,
) -> Result<Vec<Vec<Vec<bool>>>> {
    side_by_side((0..learn.width()).collect(), |j| {
        let (numbers, shown) = (learn.column(j), judge.column(j));
        let still = constant(range(numbers.iter().copied()));
        let one = |&a: &usize| {
            let machine = Svm::fit(&numbers, &learn.labels(a), learn.values()[a], svm)?;
            let read = |(&x, label)| !still && machine.read(x) == label;
            Ok(shown.iter().zip(judge.labels(a)).map(read).collect())
        };
        factors.iter().map(one).collect()
    })
}
