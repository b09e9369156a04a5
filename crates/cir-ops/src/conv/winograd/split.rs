//! How minimal filtering divides an axis: correlations of two or three neighbouring inputs.
//!
//! Inputs with the same remainder by the axis's step form an image of their own, in which the taps
//! of a phase are neighbours. An output is the sum of one such correlation for each remainder. Three
//! taps of stride 2 are two neighbours and a single one: as one of two of which the second is zero,
//! the single one lacks the last point.

use super::super::plan::{Axis, Tap};

/// Outputs of a tile along an axis, whatever the taps.
pub(super) const OUTPUTS: usize = 2;
/// The most points of an axis: outputs + taps - 1.
pub(super) const POINTS: usize = 4;

/// Neighbouring taps of one remainder: where the first reads, counted from the axis's least offset in
/// pixels, and the kernel element of each.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    pub(super) first: usize,
    pub(super) elements: Vec<usize>,
}

impl Run {
    /// Points that the run has: the first ones of its axis.
    pub(super) fn points(&self) -> usize {
        OUTPUTS + self.elements.len() - 1
    }
}

/// All pairs of a run of rows and one of columns, counted.
pub(super) fn pairs<'r>(
    rows: &'r [Run],
    columns: &'r [Run],
) -> impl Iterator<Item = (usize, [&'r Run; 2])> {
    let pairs = rows.iter().flat_map(|row| columns.iter().map(move |column| [row, column]));
    pairs.enumerate()
}

/// Whether two runs have a point of the longest, which has `across` points across.
pub(super) fn have([row, column]: [&Run; 2], point: usize, across: usize) -> bool {
    point / across < row.points() && point % across < column.points()
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
    /// Taps of the longest run.
    pub(super) taps: usize,
    /// Inputs of one remainder from the first that a tile reads of any phase to the last.
    pub(super) reach: usize,
    /// Tiles of the longest phase.
    pub(super) tiles: usize,
    /// For each phase of the outputs, for each remainder of the inputs.
    pub(super) phases: Vec<Vec<Run>>,
}

impl Split {
    /// The division of an axis whose runs are all of three taps, or of two and perhaps of one.
    pub(super) fn new(axis: &Axis) -> Option<Self> {
        let run = |taps: &[Tap], remainder: usize| {
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
            neighbours.then_some(Run { first: first * axis.step + remainder, elements })
        };
        let phase = |taps| (0..axis.step).map(|r| run(taps, r)).collect::<Option<Vec<_>>>();
        let phases =
            axis.phases.iter().map(|p| phase(p.taps.as_slice())).collect::<Option<Vec<_>>>()?;
        let runs = || phases.iter().flatten();
        let taps = runs().map(|run| run.elements.len()).max()?;
        let fits = |run: &Run| run.elements.len() == taps || (taps, run.elements.len()) == (2, 1);
        if !(2..POINTS).contains(&taps) || !runs().all(fits) {
            return None;
        }
        let last = runs().map(|run| run.first / axis.step).max()?;
        let reach = last + OUTPUTS + taps - 1;
        Some(Self { taps, reach, tiles: axis.longest().div_ceil(OUTPUTS), phases })
    }

    /// Points of the longest run.
    pub(super) fn points(&self) -> usize {
        OUTPUTS + self.taps - 1
    }

    /// Taps of the longest run and of this one, which name a transform.
    pub(super) fn size(&self, run: &Run) -> [usize; 2] {
        [self.taps, run.elements.len()]
    }

    /// Products along the axis of all phases and remainders.
    pub(super) fn products(&self) -> usize {
        self.tiles * self.phases.iter().flatten().map(Run::points).sum::<usize>()
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
        assert_eq!(split.phases, [[run(0, [0, 2]), run(1, [1, 3])]]);
        assert_eq!((split.taps, split.reach, split.tiles), (2, 3, 2));

        let split = Split::new(&Axis::transposed(4, 8, 4, 2, 1)).unwrap();
        assert_eq!(split.phases, [[run(0, [3, 1])], [run(1, [2, 0])]]);
        assert_eq!((split.taps, split.reach, split.tiles), (2, 4, 2));

        let split = Split::new(&Axis::forward(9, 5, 3, 2, 1)).unwrap();
        let single = Run { first: 1, elements: vec![1] };
        assert_eq!(split.phases, [[run(0, [0, 2]), single]]);
        assert_eq!((split.taps, split.products()), (2, 15));

        let split = Split::new(&Axis::transposed(5, 5, 3, 1, 1)).unwrap();
        assert_eq!(split.phases, [[Run { first: 0, elements: vec![2, 1, 0] }]]);
        assert_eq!((split.taps, split.reach, split.tiles), (3, 4, 3));
    }

    #[test]
    fn other_kernels_are_left_alone() {
        for (kernel, stride) in [(1, 1), (4, 1), (7, 1), (5, 2), (2, 2), (3, 3)] {
            assert!(Split::new(&Axis::forward(20, 5, kernel, stride, 0)).is_none());
        }
    }
}
