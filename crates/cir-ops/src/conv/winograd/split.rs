//! How minimal filtering divides an axis: correlations of two or three neighbouring inputs.
//!
//! Inputs with the same remainder by the axis's step form an image of their own, in which the taps
//! of a phase are neighbours. An output is the sum of one such correlation for each remainder. Three
//! taps of stride 2 are two neighbours and a single one: as one of two of which the second is zero,
//! the single one lacks the last point.

use super::super::plan::{Axis, Tap};

/// The most points of an axis.
pub(super) const POINTS: usize = 4;

/// F(outputs, taps) of an axis: tiles of some outputs, correlations of some taps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Filter {
    pub(super) outputs: usize,
    pub(super) taps: usize,
}

impl Filter {
    /// Those that there are transforms of.
    pub(super) const ALL: [Self; 3] = [Self::new(2, 2), Self::new(3, 2), Self::new(2, 3)];

    const fn new(outputs: usize, taps: usize) -> Self {
        Self { outputs, taps }
    }

    pub(super) fn points(self) -> usize {
        self.outputs + self.taps - 1
    }
}

/// Neighbouring taps of one remainder: where the first reads, counted from the axis's least offset in
/// pixels, and the kernel element of each.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    pub(super) first: usize,
    pub(super) elements: Vec<usize>,
}

/// All pairs of a run of rows and one of columns, counted.
pub(super) fn pairs<'r>(
    rows: &'r [Run],
    columns: &'r [Run],
) -> impl Iterator<Item = (usize, [&'r Run; 2])> {
    let pairs = rows.iter().flat_map(|row| columns.iter().map(move |column| [row, column]));
    pairs.enumerate()
}

/// Whether two runs, of rows and of columns, have a point of the longest.
pub(super) fn have([row, column]: [&Run; 2], filter: Filter, point: usize) -> bool {
    let has = |run: &Run, point| point < filter.outputs + run.elements.len() - 1;
    has(row, point / filter.points()) && has(column, point % filter.points())
}

/// Both axes, down and across, in tiles of the filter with the fewest products, if any fits.
pub(super) fn fewest(y: &Axis, x: &Axis) -> Option<[Split; 2]> {
    let both = |filter| Some([Split::new(y, filter)?, Split::new(x, filter)?]);
    let products = |axes: &[Split; 2]| axes.iter().map(Split::products).product::<usize>();
    Filter::ALL.into_iter().filter_map(both).min_by_key(products)
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
    pub(super) filter: Filter,
    /// Inputs of one remainder from the first that a tile reads of any phase to the last.
    pub(super) reach: usize,
    /// Tiles of the longest phase.
    pub(super) tiles: usize,
    /// For each phase of the outputs, for each remainder of the inputs.
    pub(super) phases: Vec<Vec<Run>>,
}

impl Split {
    /// The division of an axis whose runs have the filter's taps; where those are two, some may have one.
    pub(super) fn new(axis: &Axis, filter: Filter) -> Option<Self> {
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
        let Filter { outputs, taps } = filter;
        let fits = |run: &Run| run.elements.len() == taps || (taps, run.elements.len()) == (2, 1);
        if runs().map(|run| run.elements.len()).max()? != taps || !runs().all(fits) {
            return None;
        }
        let last = runs().map(|run| run.first / axis.step).max()?;
        let (reach, tiles) = (last + filter.points(), axis.longest().div_ceil(outputs));
        Some(Self { filter, reach, tiles, phases })
    }

    /// Products along the axis of all phases and remainders.
    pub(super) fn products(&self) -> usize {
        let points = |run: &Run| self.filter.outputs + run.elements.len() - 1;
        self.tiles * self.phases.iter().flatten().map(points).sum::<usize>()
    }

    /// Whether all runs have as many taps as the filter.
    pub(super) fn whole(&self) -> bool {
        self.phases.iter().flatten().all(|run| run.elements.len() == self.filter.taps)
    }

    /// Remainders of the inputs.
    pub(super) fn remainders(&self) -> usize {
        self.phases[0].len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const F: [Filter; 3] = Filter::ALL;

    #[test]
    fn runs_are_the_taps_of_each_remainder_in_order() {
        let split = Split::new(&Axis::forward(9, 4, 4, 2, 1), F[0]).unwrap();
        let run = |first, elements: [usize; 2]| Run { first, elements: elements.to_vec() };
        assert_eq!(split.phases, [[run(0, [0, 2]), run(1, [1, 3])]]);
        assert_eq!((split.reach, split.tiles), (3, 2));

        let split = Split::new(&Axis::transposed(4, 8, 4, 2, 1), F[1]).unwrap();
        assert_eq!(split.phases, [[run(0, [3, 1])], [run(1, [2, 0])]]);
        assert_eq!((split.reach, split.tiles), (5, 2));

        let split = Split::new(&Axis::forward(9, 5, 3, 2, 1), F[0]).unwrap();
        let single = Run { first: 1, elements: vec![1] };
        assert_eq!(split.phases, [[run(0, [0, 2]), single]]);
        assert_eq!(split.products(), 15);

        let split = Split::new(&Axis::transposed(5, 5, 3, 1, 1), F[2]).unwrap();
        assert_eq!(split.phases, [[Run { first: 0, elements: vec![2, 1, 0] }]]);
        assert_eq!((split.reach, split.tiles), (4, 3));
    }

    #[test]
    fn the_fewest_products_decide() {
        let filter = |axis: Axis| fewest(&axis, &axis).map(|[down, _]| down.filter);
        for (side, best) in [(4, F[0]), (6, F[1]), (8, F[0]), (32, F[1])] {
            assert_eq!(filter(Axis::forward(2 * side, side, 4, 2, 1)), Some(best), "{side}");
            assert_eq!(filter(Axis::forward(side, side, 3, 1, 1)), Some(F[2]), "{side}");
        }
        for (kernel, stride) in [(1, 1), (4, 1), (7, 1), (5, 2), (2, 2), (3, 3)] {
            assert_eq!(filter(Axis::forward(20, 5, kernel, stride, 0)), None);
        }
    }
}
