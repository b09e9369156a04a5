//! The gradient of the weights by minimal filtering: for each point a matrix product over all
//! tiles, of the transformed input `[tile][channel]` of each remainder and the transformed gradient
//! of the output `[tile][channel]`; names are those of [`WeightGradient`].
//!
//! Both are transformed for some hundred tiles at a time, then each point's product is taken in
//! blocks of channels, each by one task in the order of the tiles.

use crate::numbers::Number;
use crate::parallel::{Shared, filled, parallel, part};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};
use crate::tile::{LONG, Term, Tile, tile_rows};

use super::super::gradient::WeightGradient;
use super::super::images::Images;
use super::super::plan::Axis;
use super::operand::Operand;
use super::split::{Run, Split, worth};
use super::tiles::{Kind, Side, Tiles};
use super::transforms::{TapSlopes, Transform, both};
use super::{DEPTH, TERMS, TILES, WIDTH, line, odd_lines, tables};

/// Bytes of transformed tiles at a time.
const TRANSFORMED: usize = 1 << 21;
/// Tiles at a time, at least.
const LEAST: usize = 256;
/// Channels of A in a block, at most.
const BLOCK: usize = 64;
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
    let shared = [(8., g.b[0]), (8., depth), (24., tiles)];
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
}

impl<S: Simd> Plan<'_, S> {
    /// Sums of a block of A: `[block of B][channel of A][channel of B]`.
    fn sums(&self) -> usize {
        self.b.blocks() * self.a.width * self.b.width
    }

    /// The step of the sums from one point to the next.
    fn point(&self) -> usize {
        // A cache line more, so that the points of a pair of channels fall into different sets.
        self.a.blocks() * self.sums() + line::<S>()
    }
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
    let [(y, down), (x, across)] = &axes;
    let taps = [down.taps, across.taps];
    let width = WIDTH * S::LANES;
    let block = BLOCK.min(g.a[0].next_multiple_of(S::LANES));
    let whole = || vec![Run { first: 0, elements: Vec::new() }];
    let plan = Plan::<S> {
        g,
        a: Operand {
            tiles: Tiles {
                images: Images { numbers: a, sizes: g.a },
                down: Side::inputs(y, down),
                across: Side::inputs(x, across),
                kind: Kind::Inputs,
                taps,
            },
            runs: [down.phases[0].clone(), across.phases[0].clone()],
            width: block,
            pitch: odd_lines::<S>(block),
        },
        b: Operand {
            tiles: Tiles {
                images: Images { numbers: b, sizes: g.b },
                down: Side::outputs(down),
                across: Side::outputs(across),
                kind: Kind::Slopes,
                taps,
            },
            runs: [whole(), whole()],
            width,
            pitch: width,
        },
    };
    let units = g.batch * down.tiles;
    // All fixed by the shapes, since they decide on the order of summation.
    let most = (TILES / across.tiles).max(1);
    let points = plan.a.points();
    let numbers = plan.a.blocks() * plan.a.pitch + plan.b.blocks() * plan.b.pitch;
    let bytes = points * numbers * size_of::<S::T>() * across.tiles;
    let least = (LEAST / across.tiles).max(1);
    let at_once = (TRANSFORMED / bytes).max(least).next_multiple_of(most);
    let largest = at_once.min(units) * across.tiles;
    let mut v = Scratch::<S::T>::take(points * plan.a.point::<S>(largest));
    let mut z = Scratch::<S::T>::take(points * plan.b.point::<S>(largest));
    let mut totals = Scratch::<S::T>::take(points * plan.point());
    if units == 0 {
        totals.fill(S::T::ZERO);
    }
    for first in (0..units).step_by(at_once) {
        let chunk = (first, units.min(first + at_once));
        let count = plan.a.tiles.count(chunk);
        let (v, z) = (
            &mut v[..points * plan.a.point::<S>(count)],
            &mut z[..points * plan.b.point::<S>(count)],
        );
        plan.a.transform::<S>(chunk, most, v);
        plan.b.transform::<S>(chunk, most, z);
        let shared = Shared::new(&mut totals);
        let (v, z) = (&*v, &*z);
        let work = points * plan.a.blocks() * block * g.b[0] * count;
        parallel(points * plan.a.blocks(), work, |i| {
            let (point, block) = (i / plan.a.blocks(), i % plan.a.blocks());
            let at = point * plan.point() + block * plan.sums();
            // SAFETY: each task has its own totals; scratch is always initialised.
            let total = unsafe { shared.written(at, plan.sums()) };
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
        let Self { plan: Plan { a, b, .. }, point, block, count, .. } = self;
        let v = a.at::<S>(self.v, point, block, count);
        let (first_row, last_row) = a.block(block);
        let term = |t| Term { x: (t * a.pitch) as u32, w: (t * b.pitch) as u32 };
        let terms: [Term; TERMS] = std::array::from_fn(term);
        for first in (0..count).step_by(DEPTH) {
            let deep = DEPTH.min(count - first);
            for block_b in 0..b.blocks() {
                let z = b.at::<S>(self.z, point, block_b, count);
                let channels = b.block(block_b);
                let vectors = (channels.1 - channels.0).div_ceil(S::LANES);
                for (k, outer, terms_count) in tables(first, deep) {
                    let t = Tile::<S> {
                        // Where PAIR is 1, P is T.
                        x: v[k * a.pitch..].as_ptr().cast(),
                        x_step: TERMS * a.pitch,
                        w: z[k * b.pitch..].as_ptr().cast(),
                        w_step: TERMS * b.pitch,
                        terms: &terms[..terms_count],
                        outer,
                        c: self.total[block_b * a.width * b.width..].as_mut_ptr(),
                        c_step: b.width,
                        add: self.add || k > 0,
                        part: LONG,
                    };
                    // SAFETY: `v` and `z` hold a pitch for each tile, the total `b.width` numbers
                    // for each of `a.width` rows.
                    unsafe { tile_rows(last_row - first_row, vectors, t) };
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
        match self.plan.a.tiles.taps {
            [2, 2] => self.all::<TapSlopes<2>, TapSlopes<2>>(),
            [2, _] => self.all::<TapSlopes<2>, TapSlopes<3>>(),
            [_, 2] => self.all::<TapSlopes<3>, TapSlopes<2>>(),
            _ => self.all::<TapSlopes<3>, TapSlopes<3>>(),
        }
    }
}

impl<S: Simd> Collect<'_, S> {
    /// Gᵀ·U·G for a vector of channels of B at a time.
    #[inline(always)]
    fn all<D: Transform, A: Transform>(&self) {
        let Plan { g, b, .. } = self.plan;
        let elements = g.kernel[0] * g.kernel[1];
        let whole = elements.next_multiple_of(S::LANES);
        // `[kernel element][channel of B]`, and the same turned round.
        let mut values = Scratch::<S::T>::take(whole * S::LANES);
        let mut turned = Scratch::<S::T>::take(whole * S::LANES);
        let first = self.block_b * b.width;
        for lane in (0..b.width.min(g.b[0] - first)).step_by(S::LANES) {
            for channel in self.channels.0..self.channels.1 {
                self.transform::<D, A>(channel, lane, &mut values);
                for k in (0..whole).step_by(S::LANES) {
                    let (from, to) = (&values[k * S::LANES..], &mut turned[k..]);
                    assert!(from.len() >= S::LANES * S::LANES);
                    assert!(to.len() >= (S::LANES - 1) * whole + S::LANES);
                    // SAFETY: both squares were just checked.
                    unsafe { S::transpose(from.as_ptr(), S::LANES, to.as_mut_ptr(), whole) };
                }
                let real = S::LANES.min(g.b[0] - first - lane);
                for (l, turned) in turned.chunks_exact(whole).enumerate().take(real) {
                    let at = (first + lane + l) * self.steps[0] + channel * self.steps[1];
                    // SAFETY: these pairs of channels belong to this task alone.
                    let out = unsafe { self.out.part(at, elements) };
                    out.write_copy_of_slice(&turned[..elements]);
                }
            }
        }
    }

    /// values[kernel element][lane] = the gradient of a channel of A and the vector of B at `lane`.
    #[inline(always)]
    fn transform<D: Transform, A: Transform>(
        &self,
        channel: usize,
        lane: usize,
        values: &mut [S::T],
    ) {
        let Plan { g, a, b } = self.plan;
        let point = self.plan.point();
        let [down, across] = &a.runs;
        for (i, row) in down.iter().enumerate() {
            for (j, column) in across.iter().enumerate() {
                let (block, place) = a.place(i * across.len() + j, channel);
                let at = (block * b.blocks() + self.block_b) * a.width + place;
                let from = &self.totals[at * b.width + lane..];
                assert!((D::READS * A::READS - 1) * point + S::LANES <= from.len());
                let (rows, columns) = (&row.elements[..D::WRITES], &column.elements[..A::WRITES]);
                // SAFETY: the sums of the last point are in bounds, as just checked, and `values`
                // has a vector for each kernel element; the instruction set is there in a task.
                unsafe {
                    both::<S, D, A>(
                        |y, x| S::load(from.as_ptr().add((y * A::READS + x) * point)),
                        |y, x, v| {
                            let k = rows[y] * g.kernel[1] + columns[x];
                            S::store(values[k * S::LANES..][..S::LANES].as_mut_ptr(), v);
                        },
                    );
                }
            }
        }
    }
}
