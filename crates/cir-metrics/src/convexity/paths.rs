//! Scores of pictures along straight paths, on which one block moves from one image's to another's.

use candle_core::{Result, bail};
use cir_core::Image;
use serde::Serialize;

use crate::{Sampling, Score, statistics::mean};

/// A decoded point of a path.
#[derive(Debug, Clone)]
pub struct Point {
    /// How far the block was moved: 0 where the path starts, 1 at its target; others lie beyond.
    pub fraction: f64,
    /// Whether a reader finds what should not change as it is where the path starts.
    pub kept: bool,
    /// How far what moves has come: 0 as where it starts, 1 as at the target.
    pub degree: f64,
    /// How certainly it looks like the target, whatever else it might look like.
    pub shows_target: f64,
    /// The distance of the point from what it is encoded as again, in units of the caller's (such as the
    /// spread of latents).
    pub again: f64,
    /// The decoded picture.
    pub picture: Image,
    /// What it should be, where that can be rendered.
    pub truth: Option<Image>,
}

/// Accumulates paths.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    paths: Vec<Path>,
    points: usize,
}

/// What a path contributes; `None` where it has no such point.
#[derive(Debug, Clone, Copy)]
struct Path {
    valid: Option<f64>,
    valid_beyond: Option<f64>,
    arrived: Option<f64>,
    direct: f64,
    uniform: f64,
    again_at_ends: Option<f64>,
    again_between: Option<f64>,
    truth: Option<f64>,
}

/// The scores of all paths; none where no path has such points.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Convexity {
    /// Share of points between the ends, and at them, in which the other attributes stayed.
    pub validity: Option<Score>,
    /// The same beyond the ends.
    pub validity_beyond: Option<Score>,
    /// How certainly the target's value is found at the target.
    pub arrival: Option<Score>,
    /// The moved attribute's change from end to end over all changes on the way, at least 0: 1 on a
    /// monotonic path.
    pub monotonicity: Option<Score>,
    /// The total variation distance between where on the path the moved attribute changes and a steady
    /// change, as a share of the largest that there can be, from 1: 0 when it changes within the smallest
    /// step. A reader that is certain of either value makes steady pictures look abrupt.
    pub uniformity: Option<Score>,
    /// Re-encoding distance at the ends, where nothing is interpolated.
    pub again_at_ends: Option<Score>,
    /// Re-encoding distance between the ends; the excess over the ends is what interpolation adds.
    pub again_between: Option<Score>,
    /// L1 to the true pictures between the ends, as a share of the full range.
    pub truth: Option<Score>,
}

impl Paths {
    /// Fractions that tell what lies between the ends from what lies beyond: half the way on either side.
    pub const FRACTIONS: [f64; 9] = [-0.5, -0.25, 0., 0.25, 0.5, 0.75, 1., 1.25, 1.5];

    /// Adds a path.
    ///
    /// # Errors
    /// When its fractions do not grow from 0 or less to 1 or more with both among them, a number is not
    /// finite, or a truth has another size than its picture.
    pub fn add(&mut self, points: &[Point]) -> Result<()> {
        let fractions: Vec<_> = points.iter().map(|p| p.fraction).collect();
        let grow = fractions.windows(2).all(|pair| pair[0] < pair[1]);
        if !grow || !fractions.contains(&0.) || !fractions.contains(&1.) {
            bail!("a path of fractions {fractions:?}; they must grow, 0 and 1 among them");
        }
        if let Some(p) = points.iter().find(|p| !p.degree.is_finite() || !p.again.is_finite()) {
            bail!("at {} a degree of {}, encoded again {} away", p.fraction, p.degree, p.again);
        }
        let (within, beyond): (Vec<&Point>, Vec<&Point>) =
            points.iter().partition(|p| (0. ..=1.).contains(&p.fraction));
        let (ends, between): (Vec<&Point>, Vec<&Point>) =
            within.iter().copied().partition(|p| [0., 1.].contains(&p.fraction));
        let truths = between.iter().filter_map(|p| Some(p.picture.l1(p.truth.as_ref()?)));
        let truths = truths.collect::<Result<Vec<_>>>()?;
        let kept = |p: &&Point| f64::from(u8::from(p.kept));
        let again = |p: &&Point| p.again;
        self.points += points.len();
        self.paths.push(Path {
            valid: mean_of(within.iter().map(kept)),
            valid_beyond: mean_of(beyond.iter().map(kept)),
            arrived: ends.last().map(|p| p.shows_target),
            direct: directness(&within),
            uniform: uniformity(&within),
            again_at_ends: mean_of(ends.iter().map(again)),
            again_between: mean_of(between.iter().map(again)),
            truth: mean_of(truths.into_iter()),
        });
        Ok(())
    }

    /// The means over paths, with intervals over them; `of` says in the protocols between what these paths
    /// lead and by whom their points were read.
    pub fn scores(&self, of: &str, sampling: Sampling) -> Convexity {
        let score = |name: &str, number: fn(&Path) -> Option<f64>| {
            let numbers: Vec<_> = self.paths.iter().filter_map(number).collect();
            let over = |places: &[usize]| mean(places.iter().map(|&i| numbers[i]));
            let (paths, points) = (numbers.len(), self.points);
            let protocol =
                format!("convexity {name} 1 {of} paths={paths} points={points} {sampling}");
            (paths > 0).then(|| Score::judged(paths, over, sampling, protocol))
        };
        Convexity {
            validity: score("validity", |p| p.valid),
            validity_beyond: score("validity beyond", |p| p.valid_beyond),
            arrival: score("arrival", |p| p.arrived),
            monotonicity: score("monotonicity", |p| Some(p.direct)),
            uniformity: score("uniformity", |p| Some(p.uniform)),
            again_at_ends: score("re-encoding at ends", |p| p.again_at_ends),
            again_between: score("re-encoding between", |p| p.again_between),
            truth: score("L1 to the truth", |p| p.truth),
        }
    }
}

/// Net change over the sum of all changes; 0 if nothing changes.
fn directness(points: &[&Point]) -> f64 {
    let changes: Vec<_> = points.windows(2).map(|p| p[1].degree - p[0].degree).collect();
    let all: f64 = changes.iter().map(|c| c.abs()).sum();
    if all == 0. { 0. } else { (changes.iter().sum::<f64>() / all).max(0.) }
}

/// 1 - ½ Σ |share of the change - share of the path| / (1 - smallest step); 0 if nothing changes.
fn uniformity(points: &[&Point]) -> f64 {
    let changes: Vec<_> = points.windows(2).map(|p| (p[1].degree - p[0].degree).abs()).collect();
    let all: f64 = changes.iter().sum();
    if all == 0. {
        return 0.;
    }
    let apart = points.windows(2).zip(&changes).map(|(p, change)| {
        // The path is 1 long.
        (change / all - (p[1].fraction - p[0].fraction)).abs()
    });
    let apart = apart.sum::<f64>() / 2.;
    let steps = points.windows(2).map(|p| p[1].fraction - p[0].fraction);
    let most = 1. - steps.fold(1., f64::min);
    if most == 0. { 1. } else { 1. - apart / most }
}

fn mean_of(numbers: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    (numbers.len() > 0).then(|| mean(numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path over five points within and one beyond; `degree` gives how far the attribute has come.
    fn path(degree: impl Fn(f64) -> f64, kept: impl Fn(f64) -> bool) -> Vec<Point> {
        let point = |fraction: f64| {
            let grey = |x: f64| Image::filled(2, 2, [(100. + 100. * x) as u8]);
            Point {
                fraction,
                kept: kept(fraction),
                degree: degree(fraction),
                shows_target: degree(fraction).min(1.),
                again: fraction * (1. - fraction),
                picture: grey(degree(fraction)),
                truth: (fraction != 0.25).then(|| grey(fraction)),
            }
        };
        [0., 0.25, 0.5, 0.75, 1., 1.5].map(point).to_vec()
    }

    fn scores(paths: &[Vec<Point>]) -> Convexity {
        let mut all = Paths::default();
        paths.iter().for_each(|path| all.add(path).unwrap());
        all.scores("of=greys", Sampling { seed: 1, resamples: 100 })
    }

    fn value(score: &Option<Score>) -> f64 {
        score.as_ref().unwrap().value
    }

    #[test]
    fn a_steady_path_scores_full() {
        let found = scores(&[path(|t| t.min(1.), |_| true)]);
        let full = [&found.validity, &found.arrival, &found.monotonicity, &found.uniformity];
        assert!(full.into_iter().all(|score| (value(score) - 1.).abs() < 1e-12), "{found:?}");
        assert_eq!((value(&found.truth), value(&found.again_at_ends)), (0., 0.));
        assert!(
            (value(&found.again_between) - (3. / 16. + 4. / 16. + 3. / 16.) / 3.).abs() < 1e-12
        );
        let protocol = "convexity validity 1 of=greys paths=1 points=6 seed=1 bootstrap=100";
        assert_eq!(found.validity.unwrap().protocol, protocol);
    }

    #[test]
    fn a_jump_is_monotonic_and_not_uniform_and_a_detour_neither() {
        let jump = scores(&[path(|t| f64::from(t > 0.6), |_| true)]);
        assert_eq!((value(&jump.monotonicity), value(&jump.uniformity)), (1., 0.));
        let detour = scores(&[path(|t| if t == 0.5 { 2. } else { t.min(1.) }, |_| true)]);
        // 1 from end to end, of ¼ + 7/4 + 5/4 + ¼.
        assert!((value(&detour.monotonicity) - 1. / 3.5).abs() < 1e-12);
        let constant = scores(&[path(|_| 0.3, |_| true)]);
        assert_eq!((value(&constant.monotonicity), value(&constant.uniformity)), (0., 0.));
        assert_eq!(value(&constant.arrival), 0.3);
    }

    #[test]
    fn what_lies_beyond_is_told_from_what_lies_between() {
        let found = scores(&[path(|t| t, |t| t < 1.2), path(|t| t, |t| !(0.3..=1.2).contains(&t))]);
        assert_eq!(value(&found.validity), (1. + 0.4) / 2.);
        assert_eq!(value(&found.validity_beyond), 0.5);
        let [low, high] = found.validity.unwrap().interval.unwrap();
        assert_eq!((low, high), (0.4, 1.));
    }

    #[test]
    fn paths_that_are_none_are_named() {
        let mut paths = Paths::default();
        let error =
            |points: &[Point], paths: &mut Paths| paths.add(points).unwrap_err().to_string();
        let whole = path(|t| t, |_| true);
        assert!(error(&whole[1..], &mut paths).contains("0 and 1 among them"));
        let mut turned = whole.clone();
        turned.swap(1, 2);
        assert!(error(&turned, &mut paths).contains("must grow"));
        let mut broken = whole;
        broken[2].again = f64::NAN;
        assert!(error(&broken, &mut paths).contains("encoded again NaN away"));
        assert_eq!(paths.scores("of=none", Sampling::default()).validity, None);
    }
}
