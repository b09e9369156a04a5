//! The correlation's sums at all points on their way out: Aᵀ·M·A and the bias, activated, turned into
//! rows of images.

use crate::activation::Piecewise;
use crate::numbers::Number;
use crate::parallel::Shared;
use crate::scratch::Scratch;
use crate::simd::Simd;

use super::super::lines::turn;
use super::super::plan::Correlation;
use super::split::{Run, Split};
use super::tiles::Units;
use super::transforms::{Outputs, Transform, both, for_runs};
use super::width;

/// What the rows of tiles of a task yield.
pub(super) struct Results<'a, T> {
    pub(super) c: &'a Correlation,
    pub(super) down: &'a Split,
    pub(super) across: &'a Split,
    pub(super) bias: Option<&'a [T]>,
    pub(super) activate: Piecewise<T>,
    pub(super) units: Units,
    /// The step of the sums from one point to the next.
    pub(super) point: usize,
    pub(super) out: Shared<T>,
}

impl<T: Number> Results<'_, T> {
    /// Writes the outputs of a row phase and a block of outputs, whose sums are
    /// `[column phase][point][tile][output]`.
    #[inline(always)]
    pub(super) fn write<S: Simd<T = T>>(&self, py: usize, block: usize, sums: &[T]) {
        let Self { c, down, across, .. } = *self;
        let (width, phases) = (width::<S>(), across.phases.len());
        let (filter, points) = (down.filter, down.filter.points().pow(2));
        let phase = points * self.point;
        let first = block * width;
        let real = width.min(c.outputs - first);
        // Rows of outputs as `[row][column][output]`, and one as `[output][column]`.
        let columns = (across.tiles * filter.outputs * phases).next_multiple_of(S::LANES);
        let mut rows = Scratch::<T>::take(filter.outputs * columns * width);
        let mut turned = Scratch::<T>::take(width * columns);
        for unit in self.units.0..self.units.1 {
            let before = (unit - self.units.0) * across.tiles;
            for (px, runs) in across.phases.iter().enumerate() {
                let from = &sums[px * phase + before * width..];
                // Of several runs, the first is the longest.
                let runs: [&Run; 2] = [&down.phases[py][0], &runs[0]];
                macro_rules! row {
                    ($down:ty, $across:ty) => {
                        self.row::<S, $down, $across>(from, real, px, &mut rows)
                    };
                }
                for_runs!(Outputs, filter, runs, row);
            }
            let (n, tile) = (unit / down.tiles, unit % down.tiles);
            for (i, row) in rows.chunks_exact(columns * width).enumerate() {
                let y = (tile * filter.outputs + i) * down.phases.len() + py;
                if y < c.y.output {
                    self.turn::<S>(row, (n, y), (first, real), &mut turned);
                }
            }
        }
    }

    /// A row of tiles and a column phase, for `real` outputs: into `[row][column][output]`.
    #[inline(always)]
    fn row<S: Simd<T = T>, Down: Transform, Across: Transform>(
        &self,
        sums: &[T],
        real: usize,
        px: usize,
        rows: &mut [T],
    ) {
        let (width, point) = (width::<S>(), self.point);
        let (tiles, phases) = (self.across.tiles, self.across.phases.len());
        let (outputs, points) = (self.across.filter.outputs, self.across.filter.points());
        let columns = rows.len() / (outputs * width);
        let last = ((Down::READS - 1) * points + Across::READS - 1) * point;
        assert!(last + tiles * width <= sums.len() && tiles * outputs * phases <= columns);
        for tile in 0..tiles {
            let column = tile * outputs * phases + px;
            for o in (0..real).step_by(S::LANES) {
                // SAFETY: the last vectors that are read and written are in bounds, as just
                // checked; the instruction set is there within a task.
                unsafe {
                    let from = sums.as_ptr().add(tile * width + o);
                    let to = rows.as_mut_ptr().add(column * width + o);
                    both::<S, Down, Across>(
                        |y, x| S::load(from.add((y * points + x) * point)),
                        |y, x, v| S::store(to.add((y * columns + x * phases) * width), v),
                    );
                }
            }
        }
    }

    /// Writes the row `y` of sample `n`, `[column][output]`, of `real` outputs from `first` on.
    #[inline(always)]
    fn turn<S: Simd<T = T>>(
        &self,
        row: &[T],
        (n, y): (usize, usize),
        (first, real): (usize, usize),
        turned: &mut [T],
    ) {
        let (c, activate, width) = (self.c, self.activate, width::<S>());
        let columns = row.len() / width;
        turn::<S>(row, width, real, turned);
        for (o, turned) in turned.chunks_exact(columns).enumerate().take(real) {
            let at = ((n * c.outputs + first + o) * c.y.output + y) * c.x.output;
            // SAFETY: the rows of a unit are its task's alone.
            let to = unsafe { self.out.part(at, c.x.output) }.iter_mut().zip(turned);
            match self.bias {
                Some(bias) => {
                    let bias = bias[first + o];
                    to.for_each(|(to, v)| _ = to.write(activate.value(*v + bias)));
                }
                None => to.for_each(|(to, v)| _ = to.write(activate.value(*v))),
            }
        }
    }
}
