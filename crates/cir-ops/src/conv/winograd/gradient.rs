//! The gradient of the weights by minimal filtering: for each point a matrix product over all
//! tiles, of the transformed input `[tile][channel × remainder]` and the transformed gradient of
//! the output `[tile][channel]`; names are those of [`WeightGradient`].
//!
//! Both are transformed for some hundred tiles at a time, then each point's product is taken in
//! blocks of channels, each by one task in the order of the tiles.

use crate::numbers::Number;
use crate::parallel::{Shared, filled, parallel, part};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};
use crate::tile::{LONG, Term, Tile, tile_rows};

use super::super::gradient::WeightGradient;
use super::super::plan::Axis;
use super::operand::{Chunk, Operand};
use super::split::{POINTS, Run, Split, worth};
use super::staging::Side;
use super::transforms::{Transform, gradients};
use super::{DEPTH, TERMS, TILES, tables};

/// Bytes of transformed tiles at a time.
const TRANSFORMED: usize = 1 << 24;
/// Channels × remainders in a block of A: whole vectors, and an odd number of cache lines of f32, so
/// that successive tiles fall into different sets of a cache.
const BLOCK: usize = 48;
/// Vectors across a product.
const VECTORS: usize = 2;
/// Elements of the largest kernel, of stride 2 and three taps a remainder.
const ELEMENTS: usize = 36;
/// Channels of A that a task collects.
const COLLECTED: usize = 16;

/// Both axes, down and across, where this is faster than sums over all positions.
pub(crate) fn splits<S: Simd>(g: &WeightGradient) -> Option<[(Axis, Split); 2]> {
    if S::PAIR != 1 || g.stride > 2 {
        return None;
    }
    let axes = axes(g)?;
    let [(y, down), (x, across)] = &axes;
    let depth = g.a[0] * down.remainders() * across.remainders();
    let tiles = g.batch * down.tiles * across.tiles;
    // As in the correlation; operands are also turned round.
    let shared = [(40., g.b[0]), (40., depth), (32., tiles)];
    let overhead = shared.iter().map(|(cost, sharing)| cost / *sharing as f64).sum();
    worth([(y, down), (x, across)], overhead).then_some(axes)
}

/// Both axes of the correlation that reads A and yields B, in tiles.
pub(super) fn axes(g: &WeightGradient) -> Option<[(Axis, Split); 2]> {
    let split = |i: usize| {
        let padding = usize::try_from(g.padding[i]).ok()?;
        let axis = Axis::forward(g.a[i + 1], g.b[i + 1], g.kernel[i], g.stride, padding);
        let split = Split::new(&axis)?;
        Some((axis, split))
    };
    Some([split(0)?, split(1)?])
}

struct Plan<'a, S: Simd> {
    g: &'a WeightGradient,
    a: Operand<'a, S::T>,
    b: Operand<'a, S::T>,
    /// Points down and across.
    points: [usize; 2],
    terms: [Term; TERMS],
}

/// Computes the gradient; that of channel `b` of B and `a` of A starts at b·`steps[0]` +
/// a·`steps[1]` and has its taps side by side.
///
/// # Panics
/// When the stride exceeds 2, or products are of packed numbers.
pub(crate) fn weight_gradient<S: Simd>(
    g: &WeightGradient,
    axes: [(Axis, Split); 2],
    a: &[S::T],
    b: &[S::T],
    steps: [usize; 2],
) -> Vec<S::T> {
    assert!(S::PAIR == 1 && g.stride <= 2, "neither packed numbers nor strides above 2");
    let side = |side: fn(&Axis, &Split) -> Side, i: usize| side(&axes[i].0, &axes[i].1);
    let taps = [axes[0].1.taps, axes[1].1.taps];
    let width = VECTORS * S::LANES;
    let plan = Plan::<S> {
        g,
        a: Operand {
            images: a,
            channels: g.a[0],
            transform: Transform::Inputs,
            down: side(Side::inputs, 0),
            across: side(Side::inputs, 1),
            runs: [axes[0].1.phases[0].clone(), axes[1].1.phases[0].clone()],
            taps,
            width: BLOCK,
        },
        b: Operand {
            images: b,
            channels: g.b[0],
            transform: Transform::Outputs,
            down: side(Side::outputs, 0),
            across: side(Side::outputs, 1),
            runs: std::array::from_fn(|_| vec![Run { first: 0, elements: Vec::new() }]),
            taps,
            width,
        },
        points: [axes[0].1.points(), axes[1].1.points()],
        terms: std::array::from_fn(|t| Term { x: (t * BLOCK) as u32, w: (t * width) as u32 }),
    };
    let (down, tiles) = (axes[0].1.tiles, axes[1].1.tiles);
    let units = g.batch * down;
    // All fixed by the shapes, since they decide on the order of summation.
    let block = (TILES / tiles).clamp(1, units.max(1));
    let bytes = (plan.a.len() + plan.b.len()) * size_of::<S::T>();
    let at_once = (TRANSFORMED / bytes / (block * tiles)).max(1) * block;
    let largest = Chunk { units: (0, at_once.min(units.max(1))), block, tiles }.len::<S>();
    let mut v = Scratch::<S::T>::take(plan.a.len() * largest);
    let mut z = Scratch::<S::T>::take(plan.b.len() * largest);
    let points = plan.points[0] * plan.points[1];
    let size = plan.b.blocks() * BLOCK * width;
    let mut totals = Scratch::<S::T>::take(points * plan.a.blocks() * size);
    if units == 0 {
        totals.fill(S::T::ZERO);
    }
    for first in (0..units).step_by(at_once) {
        let chunk = Chunk { units: (first, units.min(first + at_once)), block, tiles };
        plan.a.transform::<S>(chunk, &mut v);
        plan.b.transform::<S>(chunk, &mut z);
        let shared = Shared::new(&mut totals);
        let (v, z, count) = (&*v, &*z, chunk.len::<S>());
        let work = points * plan.a.depth() * g.b[0] * count;
        parallel(points * plan.a.blocks(), work, |i| {
            // SAFETY: each task has its own totals; scratch is always initialised.
            let total = unsafe { shared.written(i * size, size) };
            let (point, block) = (i / plan.a.blocks(), i % plan.a.blocks());
            let (plan, add) = (&plan, first > 0);
            // SAFETY: `S` was chosen among the available kernels.
            unsafe { S::vectorize(Product { plan, point, block, count, v, z, total, add }) };
        });
    }
    let elements = g.kernel[0] * g.kernel[1];
    let slices = g.a[0].div_ceil(COLLECTED);
    let fill = |out| {
        parallel(slices * plan.b.blocks(), 4 * totals.len(), |i| {
            let channels = part(g.a[0], slices, i / plan.b.blocks());
            let block_b = i % plan.b.blocks();
            let task = Collect { plan: &plan, totals: &totals, channels, block_b, steps, out };
            // SAFETY: `S` was chosen among the available kernels.
            unsafe { S::vectorize(task) };
        });
    };
    // SAFETY: every pair of channels with all its taps is written.
    unsafe { filled(g.a[0] * g.b[0] * elements, fill) }
}

/// The sums of one block of A and all of B at one point, over the tiles of a chunk.
struct Product<'a, S: Simd> {
    plan: &'a Plan<'a, S>,
    point: usize,
    block: usize,
    /// Tiles.
    count: usize,
    v: &'a [S::T],
    z: &'a [S::T],
    total: &'a mut [S::T],
    add: bool,
}

impl<S: Simd> Task for Product<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { plan: Plan { a, b, terms, .. }, point, block, count, .. } = self;
        let width = b.width;
        let v = &self.v[(point * a.blocks() + block) * count * BLOCK..][..count * BLOCK];
        let rows = BLOCK.min(a.depth() - block * BLOCK);
        for first in (0..count).step_by(DEPTH) {
            let deep = DEPTH.min(count - first);
            for block_b in 0..b.blocks() {
                let z = &self.z[(point * b.blocks() + block_b) * count * width..][..count * width];
                let vectors = (b.depth() - block_b * width).min(width).div_ceil(S::LANES);
                for (k, outer, terms_count) in tables(first, deep) {
                    let t = Tile::<S> {
                        // Where PAIR is 1, P is T.
                        x: v[k * BLOCK..].as_ptr().cast(),
                        x_step: TERMS * BLOCK,
                        w: z[k * width..].as_ptr().cast(),
                        w_step: TERMS * width,
                        terms: &terms[..terms_count],
                        outer,
                        c: self.total[block_b * BLOCK * width..].as_mut_ptr(),
                        c_step: width,
                        add: self.add || k > 0,
                        part: LONG,
                    };
                    // SAFETY: `v` holds `BLOCK` and `z` `width` numbers for each tile, the
                    // total `width` for each of `BLOCK` rows.
                    unsafe { tile_rows(rows, vectors, t) };
                }
            }
        }
    }
}

/// Writes the gradients of some channels of A and a block of B.
struct Collect<'a, S: Simd> {
    plan: &'a Plan<'a, S>,
    totals: &'a [S::T],
    channels: (usize, usize),
    block_b: usize,
    steps: [usize; 2],
    out: Shared<S::T>,
}

impl<S: Simd> Task for Collect<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        if S::LANES < 4 { self.lanes::<4>() } else { self.lanes::<8>() }
    }
}

impl<S: Simd> Collect<'_, S> {
    /// Gᵀ·U·G for `L` channels of B at a time.
    #[inline(always)]
    fn lanes<const L: usize>(&self) {
        let Plan { g, a, b, points, .. } = self.plan;
        let [down, across] = &a.runs;
        let elements = g.kernel[0] * g.kernel[1];
        let mut values = [[S::T::ZERO; L]; ELEMENTS];
        let mut u = [[S::T::ZERO; L]; POINTS];
        let mut rows = [[[S::T::ZERO; L]; 3]; POINTS];
        let first = self.block_b * b.width;
        for lane in (0..b.width.min(g.b[0] - first)).step_by(L) {
            for channel in self.channels.0..self.channels.1 {
                for (i, row) in down.iter().enumerate() {
                    for (j, column) in across.iter().enumerate() {
                        let k = (channel * down.len() + i) * across.len() + j;
                        for (y, row) in rows.iter_mut().enumerate().take(points[0]) {
                            for (x, u) in u.iter_mut().enumerate().take(points[1]) {
                                let block = (y * points[1] + x) * a.blocks() + k / BLOCK;
                                let at = (block * b.blocks() + self.block_b) * BLOCK + k % BLOCK;
                                u.copy_from_slice(&self.totals[at * b.width + lane..][..L]);
                            }
                            gradients(&u, &mut row[..a.taps[1]]);
                        }
                        for (x, kx) in column.elements.iter().enumerate() {
                            for (u, row) in u.iter_mut().zip(&rows) {
                                *u = row[x];
                            }
                            let mut taps = [[S::T::ZERO; L]; 3];
                            gradients(&u, &mut taps[..a.taps[0]]);
                            for (ky, tap) in row.elements.iter().zip(taps) {
                                values[ky * g.kernel[1] + kx] = tap;
                            }
                        }
                    }
                }
                for l in 0..L.min(g.b[0] - first - lane) {
                    let at = (first + lane + l) * self.steps[0] + channel * self.steps[1];
                    // SAFETY: these pairs of channels belong to this task alone.
                    let out = unsafe { self.out.part(at, elements) };
                    for (to, values) in out.iter_mut().zip(&values) {
                        to.write(values[l]);
                    }
                }
            }
        }
    }
}
