//! One case against one opponent.

use serde::{Deserialize, Serialize};

use super::{
    cases::{Case, Opponent},
    contestant::Answer,
};

/// What was measured of a case against an opponent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) case: String,
    pub(super) precision: String,
    pub(super) threads: usize,
    pub(super) against: Opponent,
    /// Which of its ways the opponent took.
    pub(super) variant: Option<String>,
    /// Medians.
    pub(super) ours_seconds: f64,
    pub(super) theirs_seconds: f64,
    /// Medians of ours / theirs within a round.
    pub(super) wall_ratio: f64,
    pub(super) cpu_ratio: f64,
    /// Of the most memory held.
    pub(super) memory_ratio: Option<f64>,
    pub(super) bar: Option<f64>,
    pub(super) multiplications: Option<f64>,
}

impl Row {
    pub(super) fn new(
        case: &Case,
        precision: &str,
        threads: usize,
        (against, bar): (Opponent, Option<f64>),
        rounds: &[[Answer; 2]],
    ) -> Self {
        let over = |of: &dyn Fn(&[Answer; 2]) -> f64| median(rounds.iter().map(of).collect());
        let last = rounds.last();
        let peaks = last.and_then(|[ours, theirs]| ours.peak.zip(theirs.peak));
        Self {
            case: case.name.clone(),
            precision: precision.to_owned(),
            threads,
            against,
            variant: last.and_then(|[_, theirs]| theirs.variant.clone()),
            ours_seconds: over(&|[ours, _]| ours.wall),
            theirs_seconds: over(&|[_, theirs]| theirs.wall),
            wall_ratio: over(&|[ours, theirs]| ours.wall / theirs.wall),
            cpu_ratio: over(&|[ours, theirs]| ours.cpu / theirs.cpu),
            memory_ratio: peaks.map(|(ours, theirs)| ours / theirs),
            bar,
            multiplications: last.and_then(|[ours, _]| ours.amount),
        }
    }

    /// Whether it is within its bar, if it has one.
    pub(super) fn reached(&self) -> bool {
        self.bar.is_none_or(|bar| self.wall_ratio <= bar)
    }
}

/// The middle one; of an even number the mean of the middle two.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => numbers[middle],
        _ => (numbers[middle - 1] + numbers[middle]) / 2.,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn answer(wall: f64) -> Answer {
        Answer { wall, cpu: wall, amount: Some(1e6), peak: Some(1e6), variant: None }
    }

    /// A row of one thread whose bar is 0.6.
    pub(in crate::bench) fn row(name: &str, ours: &[f64], theirs: &[f64]) -> Row {
        let case = Case { name: name.into(), against: Vec::new() };
        let rounds: Vec<_> =
            ours.iter().zip(theirs).map(|(a, b)| [answer(*a), answer(*b)]).collect();
        Row::new(&case, "full", 1, (Opponent::Tuned, Some(0.6)), &rounds)
    }

    #[test]
    fn a_ratio_is_the_median_within_rounds() {
        // The machine was busy in the second round, for both.
        let row = row("step", &[1., 50., 1.], &[2., 100., 4.]);
        assert_eq!((row.wall_ratio, row.ours_seconds, row.theirs_seconds), (0.5, 1., 4.));
        assert!(row.reached());
    }
}
