//! The gradient of the weights: gradient[b][a][ky][kx] = Σ over samples and positions (y, x) of
//! B[n][b][y][x] · A[n][a][y·stride + ky - padding][x·stride + kx - padding].
//!
//! In a convolution A is the input and B the gradient of the output, in a transposed one the other
//! way round. B is packed once, `[sample][block][position][channel in block]`; a task stages a few
//! channels of A, `[row][column][channel]`, for some hundred positions at a time, so that a tile
//! (channels of A × channels of B, for one tap) sums over positions. Tiles are added up in an order
//! that depends on the shapes alone, never on the number of threads.

use crate::numbers::Number;
use crate::parallel::{Shared, filled, parallel, part};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};
use crate::tile::{LONG, Term, Tile, most_rows, tile_rows, vectors_across};

use super::collect::Collect;
use super::positions::{Unit, pack};

/// Positions that a tile sums over before it is added to the total.
pub(crate) const POSITIONS: usize = 512;
/// Bytes of B that are packed at a time.
const PACKED: usize = 1 << 24;
/// Tasks that there should be at least; fixed, since it decides on the order of summation.
const TASKS: usize = 8;

/// The sizes of A and B, and of the kernel.
#[derive(Clone, Debug)]
pub(crate) struct WeightGradient {
    pub(crate) batch: usize,
    /// Channels, height and width of A.
    pub(crate) a: [usize; 3],
    /// Channels, height and width of B.
    pub(crate) b: [usize; 3],
    /// Height and width of the kernel.
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: usize,
    /// Padding of A, in rows and columns.
    pub(crate) padding: [isize; 2],
}

/// The shape of the computation, the same for every task.
pub(crate) struct Plan<'a, S: Simd> {
    pub(crate) g: &'a WeightGradient,
    pub(crate) a: &'a [S::T],
    /// Steps of a staged column (at least the channels of a block), row and sample.
    pub(crate) pitch: usize,
    pub(crate) row: usize,
    pub(crate) sample: usize,
    /// A's columns that are staged.
    pub(crate) columns: usize,
    /// Packed positions in a row of B.
    pub(crate) pairs: usize,
    /// Channels in a block of B, whole vectors.
    pub(crate) width: usize,
    /// Blocks of A and of B.
    blocks_a: usize,
    pub(crate) blocks_b: usize,
    /// Rows of a tile's table: channels, or channels × kernel columns if merged.
    pub(crate) rows: usize,
    pub(crate) merged: bool,
    /// Whole samples in a unit, or rows of one sample.
    pub(crate) samples: usize,
    pub(crate) heights: usize,
    /// The terms of each tap, or of all.
    terms: Vec<Vec<Term>>,
    /// Where each tap starts in the staged part of A.
    pub(crate) bases: Vec<usize>,
}

impl<'a, S: Simd> Plan<'a, S> {
    fn new(g: &'a WeightGradient, a: &'a [S::T]) -> Self {
        let [ca, _, _] = g.a;
        let [cb, hb, wb] = g.b;
        let [kh, kw] = g.kernel;
        // With few channels, those of neighbouring columns are neighbours: the kernel's columns
        // join the tile's rows.
        let merged = ca <= 4;
        let vectors = vectors_across::<S>(cb);
        let blocks_a = if merged { 1 } else { ca.div_ceil(most_rows::<S>(vectors)) };
        let channels = ca.div_ceil(blocks_a);
        let rows = if merged { channels * kw } else { channels };
        // Whole vectors, so that squares of channels × columns can be turned in registers.
        let pitch = if merged { channels } else { channels.next_multiple_of(S::LANES) };
        let columns = (wb.next_multiple_of(S::PAIR) - 1) * g.stride + kw;
        let row = columns * pitch;
        let pairs = wb.div_ceil(S::PAIR);
        let whole = hb * wb <= POSITIONS;
        let samples = if whole { POSITIONS / (hb * wb) } else { 1 };
        let heights = if whole { hb } else { (POSITIONS / wb).max(1) };
        let sample = ((heights - 1) * g.stride + kh) * row;
        let width = vectors * S::LANES;
        let taps: Vec<(usize, usize)> = match merged {
            true => (0..kh).map(|ky| (ky, 0)).collect(),
            false => (0..kh).flat_map(|ky| (0..kw).map(move |kx| (ky, kx))).collect(),
        };
        let position = |y: usize, pair: usize| Term {
            x: (y * g.stride * row + pair * S::PAIR * g.stride * pitch) as u32,
            w: ((y * pairs + pair) * width) as u32,
        };
        let all = || (0..heights).flat_map(|y| (0..pairs).map(move |pair| (y, pair)));
        // Where padding is a good part of the image, each tap lists the positions it has.
        let terms = if whole && !merged && S::PAIR == 1 {
            let has = |at: usize, k: usize, padding: isize, size: usize| {
                (0..size as isize).contains(&((at * g.stride + k) as isize - padding))
            };
            let inside = |ky: usize, kx: usize, (y, x): (usize, usize)| {
                has(y, ky, g.padding[0], g.a[1]) && has(x, kx, g.padding[1], g.a[2])
            };
            let list = |&(ky, kx): &(usize, usize)| {
                all().filter(|&at| inside(ky, kx, at)).map(|(y, x)| position(y, x)).collect()
            };
            taps.iter().map(list).collect()
        } else {
            vec![all().map(|(y, pair)| position(y, pair)).collect()]
        };
        let bases = taps.iter().map(|(ky, kx)| ky * row + kx * pitch).collect();
        let blocks_b = cb.div_ceil(width);
        Self {
            g,
            a,
            pitch,
            row,
            sample,
            columns,
            pairs,
            width,
            blocks_a,
            blocks_b,
            rows,
            merged,
            samples,
            heights,
            terms,
            bases,
        }
    }

    /// Numbers in the total of one block of A: `[block of B][tap][row][channel of B]`.
    fn total(&self) -> usize {
        self.blocks_b * self.bases.len() * self.rows * self.width
    }

    /// The units of `count` samples: groups of whole samples, or blocks of rows of each.
    fn units(&self, count: usize) -> Vec<Unit> {
        let height = self.g.b[1];
        let mut units = Vec::new();
        for n in (0..count).step_by(self.samples) {
            for y in (0..height).step_by(self.heights) {
                let samples = self.samples.min(count - n);
                units.push(Unit { n, samples, y, heights: self.heights.min(height - y) });
            }
        }
        units
    }
}

/// Computes the gradient; that of channel `b` of B and `a` of A starts at b·`steps[0]` +
/// a·`steps[1]` and has its taps side by side, in reverse order if `reversed`.
pub(crate) fn weight_gradient<S: Simd>(
    g: &WeightGradient,
    a: &[S::T],
    b: &[S::T],
    steps: [usize; 2],
    reversed: bool,
) -> Vec<S::T> {
    let [ca, _, _] = g.a;
    let [cb, hb, _] = g.b;
    let taps = g.kernel[0] * g.kernel[1];
    if g.batch == 0 {
        return vec![S::T::ZERO; ca * cb * taps];
    }
    let plan = Plan::<S>::new(g, a);
    let width = plan.width;
    let sample_size = plan.blocks_b * hb * plan.pairs * width;
    let at_once = (PACKED / (sample_size * size_of::<S::P>())).clamp(1, g.batch);
    let splits = TASKS.div_ceil(plan.blocks_a).min(plan.units(at_once).len());
    let work = g.batch * ca * cb * hb * g.b[2] * taps;
    let mut packed = Scratch::<S::P>::take(at_once * sample_size);
    if splits == 1 && g.batch <= at_once {
        pack::<S>(&plan, b, 0, g.batch, &mut packed);
        let units = plan.units(g.batch);
        let fill = |out| {
            parallel(plan.blocks_a, work, |i| {
                let block = part(ca, plan.blocks_a, i);
                let (plan, units, packed) = (&plan, &units, &packed);
                let task = Whole { plan, block, units, packed, steps, reversed, out };
                // SAFETY: `S` was chosen among the available kernels.
                unsafe { S::vectorize(task) };
            });
        };
        // SAFETY: every block of A is written with all channels of B.
        return unsafe { filled(ca * cb * taps, fill) };
    }
    let total = plan.total();
    let mut totals = Scratch::<S::T>::take(plan.blocks_a * splits * total);
    for first in (0..g.batch).step_by(at_once) {
        let count = at_once.min(g.batch - first);
        pack::<S>(&plan, b, first, count, &mut packed);
        let units = plan.units(count);
        let shared = Shared::new(&mut totals);
        let packed = &packed;
        parallel(plan.blocks_a * splits, work, |i| {
            // SAFETY: each task has its own total; scratch is always initialised.
            let total = unsafe { shared.written(i * total, total) };
            let (from, to) = part(units.len(), splits, i % splits);
            let block = part(ca, plan.blocks_a, i / splits);
            let units = &units[from..to];
            let task = Block { plan: &plan, block, units, first, packed, total };
            // SAFETY: `S` was chosen among the available kernels.
            unsafe { S::vectorize(task) };
        });
    }
    add_splits::<S>(&mut totals, plan.blocks_a, splits, total);
    let fill = |out| {
        parallel(plan.blocks_b * plan.blocks_a, ca * cb * taps * 4, |i| {
            let block_a = part(ca, plan.blocks_a, i % plan.blocks_a);
            let totals = &totals[i % plan.blocks_a * splits * total..];
            let block_b = i / plan.blocks_a;
            let task = Collect { plan: &plan, totals, block_a, block_b, steps, reversed, out };
            // SAFETY: `S` was chosen among the available kernels.
            unsafe { S::vectorize(task) };
        });
    };
    // SAFETY: every pair of channels with all its taps is written.
    unsafe { filled(ca * cb * taps, fill) }
}

/// The gradient of one block of A: summed over all units, and written while it is in a cache.
struct Whole<'a, S: Simd> {
    plan: &'a Plan<'a, S>,
    block: (usize, usize),
    units: &'a [Unit],
    packed: &'a [S::P],
    steps: [usize; 2],
    reversed: bool,
    out: Shared<S::T>,
}

impl<S: Simd> Task for Whole<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { plan, block, units, packed, steps, reversed, out } = self;
        let (total, slack) = (plan.total(), (S::LANES - 1) * plan.rows * plan.width);
        let mut totals = Scratch::<S::T>::take(total + slack);
        Block { plan, block, units, first: 0, packed, total: &mut totals[..total] }.run();
        for block_b in 0..plan.blocks_b {
            let (totals, block_a) = (&totals, block);
            Collect { plan, totals, block_a, block_b, steps, reversed, out }.run();
        }
    }
}

/// Sums over some units of one block of A, added to `total`, or put there by the batch's first.
struct Block<'a, S: Simd> {
    plan: &'a Plan<'a, S>,
    block: (usize, usize),
    units: &'a [Unit],
    first: usize,
    packed: &'a [S::P],
    total: &'a mut [S::T],
}

impl<S: Simd> Task for Block<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let plan = self.plan;
        let width = plan.width;
        let [cb, hb, _] = plan.g.b;
        let real = self.block.1 - self.block.0;
        let rows = if plan.merged { plan.rows } else { real };
        let mut staged = Scratch::<S::P>::take(plan.samples * plan.sample + plan.pitch * S::LANES);
        let positions = hb * plan.pairs * width;
        for (i, unit) in self.units.iter().enumerate() {
            let add = self.first > 0 || i > 0;
            unit.stage(plan, self.block, self.first, &mut staged);
            for block_b in 0..plan.blocks_b {
                let vectors = (cb - block_b * width).min(width).div_ceil(S::LANES);
                let at =
                    (unit.n * plan.blocks_b + block_b) * positions + unit.y * plan.pairs * width;
                let w = &self.packed[at..];
                for (tap, base) in plan.bases.iter().enumerate() {
                    let terms = &plan.terms[tap.min(plan.terms.len() - 1)];
                    // The last rows of an image may be fewer.
                    let terms = match unit.heights < plan.heights {
                        true => &terms[..terms.len() / plan.heights * unit.heights],
                        false => terms,
                    };
                    let at = (block_b * plan.bases.len() + tap) * plan.rows * width;
                    let t = Tile::<S> {
                        x: staged[*base..].as_ptr(),
                        x_step: plan.sample,
                        w: w.as_ptr(),
                        w_step: plan.blocks_b * positions,
                        terms,
                        outer: unit.samples,
                        c: self.total[at..].as_mut_ptr(),
                        c_step: width,
                        add,
                        part: LONG,
                    };
                    // SAFETY: the unit's rows and columns are staged with all taps, for every
                    // channel of the block; its positions are packed; the total has all rows.
                    unsafe { tile_rows(rows, vectors, t) };
                }
            }
        }
    }
}

/// Adds the totals of all splits of a block to its first, in order.
fn add_splits<S: Simd>(totals: &mut [S::T], blocks: usize, splits: usize, total: usize) {
    if splits == 1 {
        return;
    }
    let shared = Shared::new(totals);
    parallel(blocks, blocks * splits * total, |block| {
        // SAFETY: the totals of a block are one task's; they are initialised.
        let totals = unsafe { shared.written(block * splits * total, splits * total) };
        let (sum, rest) = totals.split_at_mut(total);
        for one in rest.chunks_exact(total) {
            sum.iter_mut().zip(one).for_each(|(sum, v)| *sum += *v);
        }
    });
}
