//! The correlation by minimal filtering: a task takes some rows of tiles, of one sample or several.

use crate::activation::Activation;
use crate::parallel::{Shared, filled, parallel, part};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};
use crate::tile::{Term, Tile, tile};

use super::super::lines::interleave;
use super::super::plan::Correlation;
use super::super::rows::NARROW;
use super::blocks::{Layout, Tiles};
use super::split::{OUTPUTS, POINTS, Split, worth};
use super::staging::{Side, Staging, Units};
use super::transforms::{self, Transform};
use super::weights::Weights;
use super::{DEPTH, TERMS, TILES, tables};

/// Tiles of the smallest block that threads without work are worth.
const FEWEST: usize = 32;

/// Both axes in tiles, down and across, where this is to be preferred to sums over all taps: where it
/// is faster, and its rounding of a few times theirs decides nothing.
pub(crate) fn splits<S: Simd>(c: &Correlation) -> Option<[Split; 2]> {
    if c.exact || S::PAIR != 1 || c.outputs <= NARROW {
        return None;
    }
    let (down, across) = (Split::new(&c.y)?, Split::new(&c.x)?);
    let depth = c.inputs * down.remainders() * across.remainders();
    let tiles = c.batch * down.tiles * across.tiles;
    // Transforms of inputs are shared by outputs, those of outputs by inputs, of weights by tiles;
    // a transformed number costs as much as this many products.
    let overhead = [c.outputs, depth, tiles].map(|sharing| 24. / sharing as f64).iter().sum();
    worth([(&c.y, &down), (&c.x, &across)], overhead).then_some([down, across])
}

struct Plan<'a, S: Simd> {
    c: &'a Correlation,
    x: &'a [S::T],
    weights: Weights<S>,
    down: Split,
    across: Split,
    staging: Staging,
    layout: Layout,
    terms: [Term; TERMS],
    /// Inputs times remainders: the terms of a sum.
    depth: usize,
}

/// Computes the correlation whose axes are divided so.
pub(crate) fn correlate<S: Simd>(
    c: &Correlation,
    [down, across]: [Split; 2],
    x: &[S::T],
    weight: &[S::T],
) -> Vec<S::T> {
    assert_eq!(S::PAIR, 1, "minimal filtering of plain numbers only");
    let staging =
        Staging::new::<S>(c.inputs, Side::inputs(&c.y, &down), Side::inputs(&c.x, &across));
    // Blocks of rows of tiles; the result does not depend on them.
    let (units, threads) = (c.batch * down.tiles, rayon::current_num_threads());
    let busy = (2 * threads).min(units * across.tiles / FEWEST);
    let blocks = units.div_ceil((TILES / across.tiles).max(1)).max(busy).min(units);
    let layout = Layout::new::<S>(units.div_ceil(blocks.max(1)).max(1), across.tiles);
    let weights = Weights::new(c, &down, &across, weight);
    let term = |k| Term { x: (k * weights.input()) as u32, w: (k * layout.pitch) as u32 };
    let plan = Plan::<S> {
        c,
        x,
        terms: std::array::from_fn(term),
        depth: c.inputs * down.remainders() * across.remainders(),
        weights,
        down,
        across,
        staging,
        layout,
    };
    let fill = |out| {
        parallel(blocks, c.work(), |i| {
            let units = part(units, blocks, i);
            // SAFETY: `S` was chosen among the available kernels.
            unsafe { S::vectorize(Block { plan: &plan, units, out }) };
        });
    };
    // SAFETY: the tasks cover all rows of tiles, and each writes all outputs of its own.
    unsafe { filled(c.len(), fill) }
}

struct Block<'a, S: Simd> {
    plan: &'a Plan<'a, S>,
    units: Units,
    out: Shared<S::T>,
}

impl<S: Simd> Task for Block<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Plan { c, x, ref down, ref across, ref staging, layout, depth, .. } = *self.plan;
        let points = down.points() * across.points();
        let mut staged = Scratch::<S::T>::take(staging.len(self.units));
        staging.stage(x, (0, c.inputs), self.units, &mut staged);
        let v_point = layout.point::<S>(depth);
        let mut v = Scratch::<S::T>::take(points * v_point);
        let m_point = layout.point::<S>(c.outputs);
        let mut m = Scratch::<S::T>::take(across.phases.len() * points * m_point);
        for (py, rows) in down.phases.iter().enumerate() {
            for (px, columns) in across.phases.iter().enumerate() {
                let (transform, taps) = (Transform::Inputs, [down.taps, across.taps]);
                let tiles = Tiles { transform, staging, down: rows, across: columns, taps, layout };
                tiles.apply::<S>(self.units, &staged, &mut v);
                let phase = py * across.phases.len() + px;
                let m = &mut m[px * points * m_point..(px + 1) * points * m_point];
                for point in 0..points {
                    let v = &v[point * v_point..(point + 1) * v_point];
                    let m = &mut m[point * m_point..(point + 1) * m_point];
                    self.products(phase, point, v, m);
                }
            }
            self.write(py, &m);
        }
    }
}

impl<S: Simd> Block<'_, S> {
    /// Tiles of the block, in whole vectors.
    #[inline(always)]
    fn tiles(&self) -> usize {
        ((self.units.1 - self.units.0) * self.plan.layout.tiles).next_multiple_of(S::LANES)
    }

    /// M = U·V at one point of a phase, `[output][tile]`.
    #[inline(always)]
    fn products(&self, phase: usize, point: usize, v: &[S::T], m: &mut [S::T]) {
        let Plan { c, ref weights, layout, ref terms, depth, .. } = *self.plan;
        let (tiles, pitch) = (self.tiles(), layout.pitch);
        let (rows, input) = (weights.rows(), weights.input());
        for first in (0..depth).step_by(DEPTH) {
            let deep = DEPTH.min(depth - first);
            for t in (0..tiles).step_by(2 * S::LANES) {
                let vectors = ((tiles - t) / S::LANES).min(2);
                for group in 0..weights.groups() {
                    let output = group * rows;
                    let real = rows.min(c.outputs - output);
                    let u = weights.group(phase, point, group);
                    for (k, outer, count) in tables(first, deep) {
                        let t = Tile::<S> {
                            // Where PAIR is 1, P is T.
                            x: u[k * input..].as_ptr().cast(),
                            x_step: TERMS * input,
                            w: v[k * pitch + t..].as_ptr().cast(),
                            w_step: TERMS * pitch,
                            terms: &terms[..count],
                            outer,
                            c: m[output * pitch + t..].as_mut_ptr(),
                            c_step: pitch,
                            add: k > 0,
                            part: c.part(),
                        };
                        // SAFETY: `u` holds `input` and `v` `pitch` numbers for each of `depth`
                        // terms, `m` `pitch` numbers an output, of which the first vectors, up to
                        // `tiles`, are read and written.
                        unsafe { tile(real, vectors, t) };
                    }
                }
            }
        }
    }

    /// Aᵀ·M·A of a row phase, its columns interleaved.
    #[inline(always)]
    fn write(&self, py: usize, m: &[S::T]) {
        let Plan { c, ref down, ref across, layout, .. } = *self.plan;
        let (tiles, pitch) = (self.tiles(), layout.pitch);
        let points = [down.points(), across.points()];
        let m_point = layout.point::<S>(c.outputs);
        let phases = across.phases.len();
        let streams = OUTPUTS * phases;
        let plain = Activation::None.function();
        // `[row][point across][tile]`, and `[row][column and phase][tile]`.
        let mut half = Scratch::<S::T>::take(OUTPUTS * POINTS * pitch);
        let mut whole = Scratch::<S::T>::take(OUTPUTS * streams * pitch);
        for output in 0..c.outputs {
            for px in 0..phases {
                for across in 0..points[1] {
                    let first = (px * points[0] * points[1] + across) * m_point;
                    let from = &m[first + output * pitch..];
                    let to = &mut half[across * pitch..];
                    let step = points[1] * m_point;
                    transforms::outputs::<S>(down.taps, from, step, to, POINTS * pitch, tiles);
                }
                for (i, half) in half.chunks_exact(POINTS * pitch).enumerate() {
                    let to = &mut whole[(i * streams + px) * pitch..];
                    transforms::outputs::<S>(across.taps, half, pitch, to, phases * pitch, tiles);
                }
            }
            for unit in self.units.0..self.units.1 {
                let first = (unit - self.units.0) * layout.tiles;
                let (n, tile) = (unit / down.tiles, unit % down.tiles);
                for i in 0..OUTPUTS {
                    let y = (tile * OUTPUTS + i) * down.phases.len() + py;
                    if y >= c.y.output {
                        continue;
                    }
                    let at = ((n * c.outputs + output) * c.y.output + y) * c.x.output;
                    // SAFETY: the rows of a unit are its task's alone.
                    let to = unsafe { self.out.part(at, c.x.output) };
                    let from = &whole[i * streams * pitch + first..];
                    interleave(from, pitch, streams, plain, to);
                }
            }
        }
    }
}
