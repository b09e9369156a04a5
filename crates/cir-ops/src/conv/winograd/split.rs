//! How minimal filtering divides an axis: correlations of two or three neighbouring inputs.
//!
//! Inputs with the same remainder by the axis's step form an image of their own, in which the taps
//! of a phase are neighbours. An output is the sum of one such correlation for each remainder.

use super::super::plan::Axis;

/// Outputs of a tile along an axis, whatever the taps.
pub(super) const OUTPUTS: usize = 2;
/// The most points of an axis: outputs + taps - 1.
pub(super) const POINTS: usize = 4;

/// Neighbouring taps: where the first reads, counted from the axis's least offset in inputs of one
/// remainder, and the kernel element of each.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    pub(super) first: usize,
    pub(super) elements: Vec<usize>,
}

/// Whether the products of both axes are clearly fewer than the sums over taps inside of the images
/// take; `overhead` is the work of transforms as a share of the products.
pub(super) fn worth(axes: [(&Axis, &Split); 2], overhead: f64) -> bool {
    let filtered: usize = axes.iter().map(|(_, split)| split.products()).product();
    let direct: usize = axes.iter().map(|(axis, _)| inside(axis)).product();
    (filtered as f64) * (1. + overhead) < 0.9 * direct as f64
}

/// Taps of all outputs that read a pixel of the image.
fn inside(axis: &Axis) -> usize {
    let phases = axis.phases.iter();
    let inputs = 0..axis.input as isize;
    let taps = phases.flat_map(|phase| phase.taps.iter().map(move |tap| (phase.count, tap.offset)));
    taps.map(|(count, offset)| {
        let reads = |at: &usize| inputs.contains(&((at * axis.step) as isize + offset));
        (0..count).filter(reads).count()
    })
    .sum()
}

/// An axis of a correlation in tiles.
#[derive(Clone, Debug)]
pub(crate) struct Split {
    /// Taps of each run.
    pub(super) taps: usize,
    /// Inputs of one remainder from the first that a tile reads of any phase to the last.
    pub(super) reach: usize,
    /// Tiles of the longest phase.
    pub(super) tiles: usize,
    /// For each phase of the outputs, for each remainder of the inputs.
    pub(super) phases: Vec<Vec<Run>>,
}

impl Split {
    /// The division of an axis whose runs are all of two or all of three taps.
    pub(super) fn new(axis: &Axis) -> Option<Self> {
        let run = |taps: &[super::super::plan::Tap], remainder: usize| {
            let mut places: Vec<(usize, usize)> = taps
                .iter()
                .map(|tap| ((tap.offset - axis.low) as usize, tap.k))
                .filter(|(place, _)| place % axis.step == remainder)
                .map(|(place, k)| (place / axis.step, k))
                .collect();
            places.sort_unstable();
            let first = places.first()?.0;
            let neighbours = places.iter().enumerate().all(|(i, (place, _))| *place == first + i);
            let elements = places.into_iter().map(|(_, k)| k).collect();
            neighbours.then_some(Run { first, elements })
        };
        let phase = |taps| (0..axis.step).map(|r| run(taps, r)).collect::<Option<Vec<_>>>();
        let phases =
            axis.phases.iter().map(|p| phase(p.taps.as_slice())).collect::<Option<Vec<_>>>()?;
        let runs = || phases.iter().flatten();
        let taps = runs().next()?.elements.len();
        if !(2..POINTS).contains(&taps) || runs().any(|run| run.elements.len() != taps) {
            return None;
        }
        let last = runs().map(|run| run.first).max()?;
        let reach = last + OUTPUTS + taps - 1;
        Some(Self { taps, reach, tiles: axis.longest().div_ceil(OUTPUTS), phases })
    }

    /// Products of a tile and run.
    pub(super) fn points(&self) -> usize {
        OUTPUTS + self.taps - 1
    }

    /// Products along the axis of all phases and remainders.
    pub(super) fn products(&self) -> usize {
        self.phases.len() * self.remainders() * self.tiles * self.points()
    }

    /// Remainders of the inputs.
    pub(super) fn remainders(&self) -> usize {
        self.phases[0].len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_the_taps_of_each_remainder_in_order() {
        let split = Split::new(&Axis::forward(9, 4, 4, 2, 1)).unwrap();
        let run = |first, elements: [usize; 2]| Run { first, elements: elements.to_vec() };
        assert_eq!(split.phases, [[run(0, [0, 2]), run(0, [1, 3])]]);
        assert_eq!((split.taps, split.reach, split.tiles), (2, 3, 2));

        let split = Split::new(&Axis::transposed(4, 8, 4, 2, 1)).unwrap();
        assert_eq!(split.phases, [[run(0, [3, 1])], [run(1, [2, 0])]]);
        assert_eq!((split.taps, split.reach, split.tiles), (2, 4, 2));

        let split = Split::new(&Axis::transposed(5, 5, 3, 1, 1)).unwrap();
        assert_eq!(split.phases, [[Run { first: 0, elements: vec![2, 1, 0] }]]);
        assert_eq!((split.taps, split.reach, split.tiles), (3, 4, 3));
    }

    #[test]
    fn other_kernels_are_left_alone() {
        for (kernel, stride) in [(1, 1), (4, 1), (7, 1), (3, 2), (5, 2), (2, 2)] {
            assert!(Split::new(&Axis::forward(20, 5, kernel, stride, 0)).is_none());
        }
    }
}
