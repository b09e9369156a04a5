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
use super::collect::Collect;
use super::operand::Operand;
use super::split::{Run, Split, fewest, worth};
use super::tiles::{Kind, Side, Terms, Tiles};
use super::{DEPTH, TERMS, line, odd_lines, tables, width};

/// Bytes of transformed tiles at a time: about what a second-level cache holds of them and of sums.
const TRANSFORMED: usize = 1 << 21;
/// Tiles at a time, at least, so that sums are read and written seldom.
const LEAST: usize = 256;
/// Tiles that a task transforms, about.
const TILES: usize = 56;
/// Channels of A in a block, at most.
const BLOCK: usize = 64;
/// Channels of A that a task collects.
const COLLECTED: usize = 16;

/// Both axes, down and across, where this is faster than sums over all positions.
pub(crate) fn splits<S: Simd>(g: &WeightGradient) -> Option<[(Axis, Split); 2]> {
    let [y, x] = axes(g)?;
    let [down, across] = fewest(&y, &x)?;
    let depth = g.a[0] * down.remainders() * across.remainders();
    let tiles = g.batch * down.tiles * across.tiles;
    // As in the correlation, but sums are read and written where weights are only read.
    let shared = [(8., g.b[0]), (8., depth), (24., tiles)];
    let shared: f64 = shared.iter().map(|(cost, sharing)| cost / *sharing as f64).sum();
    worth([(&y, &down), (&x, &across)], 0.12 + shared).then_some([(y, down), (x, across)])
}

/// Both axes of the correlation that reads A and yields B.
pub(super) fn axes(g: &WeightGradient) -> Option<[Axis; 2]> {
    let axis = |i: usize| {
        let padding = usize::try_from(g.padding[i]).ok()?;
        Some(Axis::forward(g.a[i + 1], g.b[i + 1], g.kernel[i], g.stride, padding))
    };
    Some([axis(0)?, axis(1)?])
}

pub(super) struct Plan<'a, S: Simd> {
    pub(super) g: &'a WeightGradient,
    pub(super) a: Operand<'a, S::T>,
    pub(super) b: Operand<'a, S::T>,
}

impl<'a, S: Simd> Plan<'a, S> {
    fn new(
        g: &'a WeightGradient,
        [(y, down), (x, across)]: &'a [(Axis, Split); 2],
        a: &'a [S::T],
        b: &'a [S::T],
    ) -> Self {
        let block = BLOCK.min(g.a[0].next_multiple_of(S::LANES));
        let whole = || vec![Run { first: 0, elements: (0..down.filter.taps).collect() }];
        Self {
            g,
            a: Operand {
                tiles: Tiles {
                    images: Images { numbers: a, sizes: g.a },
                    down: Side::inputs(y, down),
                    across: Side::inputs(x, across),
                    kind: Kind::Inputs,
                    terms: Terms::Tiles,
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
                    terms: Terms::Tiles,
                },
                runs: [whole(), whole()],
                width: width::<S>(),
                pitch: width::<S>(),
            },
        }
    }

    /// Sums of a block of A: `[block of B][channel of A][channel of B]`.
    fn sums(&self) -> usize {
        self.b.blocks() * self.a.width * self.b.width
    }

    /// The step of the sums from one point to the next.
    pub(super) fn point(&self) -> usize {
        // A cache line more, so that the points of a pair of channels fall into different sets.
        self.a.blocks() * self.sums() + line::<S>()
    }

    /// Rows of tiles that are transformed at a time, so many tiles across; fixed by the shapes, since
    /// it decides on the order of summation.
    fn units_at_once(&self, across: usize) -> usize {
        let numbers = self.a.blocks() * self.a.pitch + self.b.blocks() * self.b.pitch;
        let bytes = self.a.tiles.points() * numbers * size_of::<S::P>() * across / S::PAIR;
        (TRANSFORMED / bytes).max(LEAST / across).max(1)
    }
}

/// Computes the gradient; that of channel `b` of B and `a` of A starts at b·`steps[0]` +
/// a·`steps[1]` and has its taps side by side.
pub(crate) fn weight_gradient<S: Simd>(
    g: &WeightGradient,
    axes: [(Axis, Split); 2],
    a: &[S::T],
    b: &[S::T],
    steps: [usize; 2],
) -> Vec<S::T> {
    let elements = g.kernel[0] * g.kernel[1];
    if g.batch == 0 {
        return vec![S::T::ZERO; g.a[0] * g.b[0] * elements];
    }
    let plan = Plan::<S>::new(g, &axes, a, b);
    let across = axes[1].1.tiles;
    let (units, most) = (g.batch * axes[0].1.tiles, (TILES / across).max(1));
    let at_once = plan.units_at_once(across);
    let largest = at_once.min(units) * across;
    let (mut v, mut z) = (plan.a.room::<S>(largest), plan.b.room::<S>(largest));
    let mut totals = Scratch::<S::T>::take(plan.a.tiles.points() * plan.point());
    let products = plan.a.products();
    for first in (0..units).step_by(at_once) {
        let chunk = (first, units.min(first + at_once));
        let count = plan.a.tiles.count(chunk);
        plan.a.transform::<S>(chunk, most, &mut v);
        plan.b.transform::<S>(chunk, most, &mut z);
        let (v, z, shared) = (&*v, &*z, Shared::new(&mut totals));
        let work = products.len() * plan.a.width * g.b[0] * count;
        parallel(products.len(), work, |i| {
            let (point, block) = products[i];
            let at = point * plan.point() + block * plan.sums();
            // SAFETY: each task has its own totals; scratch is always initialised.
            let total = unsafe { shared.written(at, plan.sums()) };
            let (plan, add) = (&plan, first > 0);
            // SAFETY: `S` was chosen among the available kernels.
            unsafe { S::vectorize(Product { plan, point, block, count, v, z, total, add }) };
        });
    }
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
    v: &'a [S::P],
    z: &'a [S::P],
    total: &'a mut [S::T],
    add: bool,
}

impl<S: Simd> Task for Product<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { plan: Plan { a, b, .. }, point, block, count, .. } = self;
        let v = a.at::<S>(self.v, point, block, count);
        let rows = a.channels_of(block);
        let term = |t| Term { x: (t * a.pitch) as u32, w: (t * b.pitch) as u32 };
        let terms: [Term; TERMS] = std::array::from_fn(term);
        let packed = count.div_ceil(S::PAIR);
        for first in (0..packed).step_by(DEPTH) {
            let deep = DEPTH.min(packed - first);
            for block_b in 0..b.blocks() {
                let z = b.at::<S>(self.z, point, block_b, count);
                let channels = b.channels_of(block_b);
                let vectors = (channels.1 - channels.0).div_ceil(S::LANES);
                for (k, outer, terms_count) in tables(first, deep) {
                    let t = Tile::<S> {
                        x: v[k * a.pitch..].as_ptr(),
                        x_step: TERMS * a.pitch,
                        w: z[k * b.pitch..].as_ptr(),
                        w_step: TERMS * b.pitch,
                        terms: &terms[..terms_count],
                        outer,
                        c: self.total[block_b * a.width * b.width..].as_mut_ptr(),
                        c_step: b.width,
                        add: self.add || k > 0,
                        part: LONG,
                    };
                    // SAFETY: `v` and `z` hold a pitch for each term, the total `b.width` numbers
                    // for each of `a.width` rows.
                    unsafe { tile_rows(rows.1 - rows.0, vectors, t) };
                }
            }
        }
    }
}
