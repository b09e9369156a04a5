//! In-betweens of two manners: a picture's content stays, its attribute code moves from one reference's to
//! another's, and beyond both.

use candle_core::{DType, Tensor};
use cir_core::{Image, rng};
use cir_data::{DataSet, Result};
use cir_metrics::{Convexity, Judge, Paths, Point, Sampling};
use cir_ops::side_by_side;
use rand::{Rng as _, seq::IndexedRandom};
use serde::Serialize;

use crate::{Domain, Model, evaluation::Held};

/// The scores of paths in one direction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Between {
    /// Paths scored.
    pub paths: usize,
    /// Their scores; none without paths.
    #[serde(flatten)]
    pub scores: Convexity,
}

/// Scores of at most `count` paths in each direction, A to B, then B to A: of those whose ends look different, where the
/// data know what a picture is in another's manner, which says how far a path has come.
///
/// A point has kept its content if `judge` reads it as it reads the true pictures at both ends, in every
/// attribute in which these read alike. It has come as far as it lies nearer to the second than to
/// the first; its re-encoding distance is that of attribute codes, over the distance of the references'.
///
/// # Errors
/// When an image cannot be read, or no image of a domain is there to be scored.
pub fn between(
    model: &Model,
    data: &DataSet,
    judge: &Judge,
    count: usize,
    seed: u64,
) -> Result<[Between; 2]> {
    let held = Held::new(model, data)?;
    let direction = |from: Domain| -> Result<Between> {
        let stream = format!("between from {}", from.lower());
        let found = side_by_side((0..count).collect(), |k| {
            path(&held, judge, from, &mut rng(seed, &stream, k as u64))
        })?;
        let found: Vec<_> = found.into_iter().flatten().collect();
        let mut paths = Paths::default();
        found.iter().try_for_each(|points| paths.add(points))?;
        let of = format!("of=manners images={} {}", data.split.scored().1, judge.protocol());
        let scores = paths.scores(&of, Sampling { seed, ..Sampling::default() });
        Ok(Between { paths: found.len(), scores })
    };
    Ok([direction(Domain::A)?, direction(Domain::B)?])
}

/// The points of a path; none where its ends look the same, or are not known.
fn path(
    held: &Held<'_>,
    judge: &Judge,
    from: Domain,
    rng: &mut cir_core::Rng,
) -> Result<Option<Vec<Point>>> {
    let (to, model, source) = (from.other(), held.model, &*held.data.source);
    let pictures = &held.domains[from.index()];
    let i = pictures[rng.random_range(0..pictures.len())];
    let references: Vec<_> = held.domains[to.index()].choose_multiple(rng, 2).copied().collect();
    let truths = references.iter().map(|&j| held.in_manner_of(i, j)).collect::<Result<Vec<_>>>()?;
    let [Some(first), Some(second)] = &truths[..] else { return Ok(None) };
    if first == second {
        return Ok(None);
    }
    let shown = references.iter().map(|&j| source.image(j)).collect::<Result<Vec<_>>>()?;
    let ends = model.attribute(to, &shown)?;
    let line = line(&ends)?;
    let made = model.translate(&source.image(i)?, from, to, &line)?;
    let again = lengths(&(model.attribute(to, &made)? - &line)?)?;
    let apart = lengths(&(ends.narrow(0, 1, 1)? - ends.narrow(0, 0, 1)?)?)?[0];

    let at_ends = judge.read(&[first.clone(), second.clone()])?;
    let read = judge.read(&made)?;
    let kept = |found: &[u16]| {
        let ends = at_ends[0].iter().zip(&at_ends[1]);
        found.iter().zip(ends).all(|(found, (a, b))| a != b || found == a)
    };
    let point = |(k, picture): (usize, Image)| -> Result<Point> {
        let [to_first, to_second] = [picture.l1(first)?, picture.l1(second)?];
        Ok(Point {
            fraction: Paths::FRACTIONS[k],
            kept: kept(&read[k]),
            // The ends differ, so that no picture is at no distance from both.
            degree: to_first / (to_first + to_second),
            shows_target: f64::from(u8::from(to_second < to_first)),
            again: again[k] / apart.max(f64::MIN_POSITIVE),
            picture,
            truth: None,
        })
    };
    made.into_iter().enumerate().map(point).collect::<Result<_>>().map(Some)
}

/// The codes along the line through two, (2, nz) → (fractions, nz).
fn line(ends: &Tensor) -> candle_core::Result<Tensor> {
    let [a, b] = [ends.narrow(0, 0, 1)?, ends.narrow(0, 1, 1)?];
    let fractions = Tensor::new(&Paths::FRACTIONS, ends.device())?.to_dtype(ends.dtype())?;
    a.broadcast_add(&fractions.unsqueeze(1)?.broadcast_mul(&(&b - &a)?)?)
}

/// The length of each row.
fn lengths(rows: &Tensor) -> candle_core::Result<Vec<f64>> {
    rows.sqr()?.sum(1)?.sqrt()?.to_dtype(DType::F64)?.to_vec1()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evaluation::judge,
        tests::{data, model_of},
    };

    #[test]
    fn lines_pass_through_both_ends_and_go_on() {
        let ends = Tensor::new(&[[1f32, 2.], [3., 0.]], &candle_core::Device::Cpu).unwrap();
        let found = line(&ends).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!((&found[2][..], &found[6][..]), (&[1., 2.][..], &[3., 0.][..]));
        assert_eq!((&found[0][..], &found[8][..]), (&[0., 3.][..], &[4., -1.][..]));
    }

    #[test]
    fn an_untrained_model_has_paths_of_all_points_and_the_same_ones_again() {
        let (data, count) = (data(), 6);
        let model = model_of(&data);
        let judge = judge(&model, &data, 3, 1).unwrap();
        let scores = || between(&model, &data, &judge, count, 1).unwrap();
        let found = scores();
        assert_eq!(found, scores());
        for direction in &found {
            let validity = direction.scores.validity.as_ref().unwrap();
            assert!((0. ..=1.).contains(&validity.value));
            // Manners of four colours: some paths have ends that look the same.
            assert!((1..=count).contains(&direction.paths));
            let points = Paths::FRACTIONS.len() * direction.paths;
            let protocol = format!("paths={} points={points} ", direction.paths);
            assert!(validity.protocol.contains(&protocol), "{}", validity.protocol);
        }
    }
}
