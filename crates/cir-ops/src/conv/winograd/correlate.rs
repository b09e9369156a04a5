//! The correlation by minimal filtering: a task takes some rows of tiles, of one sample or several.

use crate::activation::{Activation, Piecewise};
use crate::parallel::{Shared, filled, parallel, part};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};
use crate::tile::{Term, Tile, tile_rows};

use super::super::images::Images;
use super::super::plan::Correlation;
use super::super::rows::NARROW;
use super::outputs::Results;
use super::split::{Split, fewest, have, pairs, worth};
use super::tiles::{Kind, Places, Side, Staged, Terms, Tiles, Units};
use super::weights::Weights;
use super::{DEPTH, TERMS, depth, line, odd_lines, tables, width};

/// Tiles of a block, about: enough that weights are read seldom, few enough for the caches.
const TILES: usize = 56;
/// Tiles of the smallest block that threads without work are worth.
const FEWEST: usize = 32;

/// Both axes in tiles, down and across, where this is faster than sums over all taps.
pub(crate) fn splits<S: Simd>(c: &Correlation) -> Option<[Split; 2]> {
    if c.outputs <= NARROW {
        return None;
    }
    let [down, across] = fewest(&c.y, &c.x)?;
    // Of three taps of stride 2 one stands alone; that gains too little for more rounding.
    if c.exact && S::PAIR == 1 && !(down.whole() && across.whole()) {
        return None;
    }
    let depth = c.inputs * down.remainders() * across.remainders();
    let tiles = c.batch * down.tiles * across.tiles;
    // Transforms of inputs are shared by outputs, those of outputs by inputs, of weights by tiles;
    // a transformed number costs as much as this many products.
    let shared = [(8., c.outputs), (8., depth), (16., tiles)];
    let overhead = shared.iter().map(|(cost, sharing)| cost / *sharing as f64).sum();
    worth([(&c.y, &down), (&c.x, &across)], overhead).then_some([down, across])
}

struct Plan<'a, S: Simd> {
    c: &'a Correlation,
    tiles: Tiles<'a, S::T>,
    weights: Weights<S>,
    bias: Option<&'a [S::T]>,
    activate: Piecewise<S::T>,
    down: &'a Split,
    across: &'a Split,
}

/// Computes the correlation whose axes are divided so, and the activation of it; `bias` holds one number
/// an output channel.
pub(crate) fn correlate<S: Simd>(
    c: &Correlation,
    axes: [Split; 2],
    x: &[S::T],
    weight: &[S::T],
    bias: Option<&[S::T]>,
    activation: Activation,
) -> Vec<S::T> {
    if c.batch == 0 {
        return Vec::new();
    }
    let [down, across] = &axes;
    // Blocks of rows of tiles; the result does not depend on them.
    let (units, threads) = (c.batch * down.tiles, rayon::current_num_threads());
    let busy = (2 * threads).min(units * across.tiles / FEWEST);
    let blocks = units.div_ceil((TILES / across.tiles).max(1)).max(busy).min(units);
    let plan = Plan::<S> {
        c,
        tiles: Tiles {
            images: Images { numbers: x, sizes: [c.inputs, c.y.input, c.x.input] },
            down: Side::inputs(&c.y, down),
            across: Side::inputs(&c.x, across),
            kind: Kind::Inputs,
            terms: Terms::Channels,
        },
        weights: Weights::new(c, [down, across], weight),
        bias,
        activate: activation.function(),
        down,
        across,
    };
    let fill = |out| {
        parallel(blocks, c.work(), |i| {
            let units = part(units, blocks, i);
            // SAFETY: `S` was chosen among the available kernels.
            unsafe { S::vectorize(Block::new(&plan, units, out)) };
        });
    };
    // SAFETY: the tasks cover all rows of tiles, and each writes all outputs of its own.
    unsafe { filled(c.len(), fill) }
}

/// A task's rows of tiles, and steps of what it computes of them.
struct Block<'a, S: Simd> {
    plan: &'a Plan<'a, S>,
    units: Units,
    out: Shared<S::T>,
    /// Tiles.
    count: usize,
    /// From one input, or pair of inputs, of V to the next, and from one remainder, and one point.
    v_input: usize,
    v_remainder: usize,
    v_point: usize,
    /// From one point of M to the next, and from one block of outputs.
    m_point: usize,
    m_block: usize,
}

impl<'a, S: Simd> Block<'a, S> {
    fn new(plan: &'a Plan<'a, S>, units: Units, out: Shared<S::T>) -> Self {
        let Plan { c, tiles, down, across, .. } = plan;
        let count = tiles.count(units);
        let v_input = odd_lines::<S>(count);
        let v_remainder = depth::<S>(c.inputs).next_multiple_of(S::LANES) * v_input;
        // A cache line more, so that the points of a tile fall into different sets of a cache.
        let v_point = down.remainders() * across.remainders() * v_remainder + line::<S>();
        let m_point = count * width::<S>() + line::<S>();
        let m_block = across.phases.len() * tiles.points() * m_point;
        Self { plan, units, out, count, v_input, v_remainder, v_point, m_point, m_block }
    }
}

impl<S: Simd> Task for Block<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Plan { c, down, across, ref tiles, bias, activate, .. } = *self.plan;
        let points = tiles.points();
        let mut v = Scratch::<S::P>::take(points * self.v_point);
        let blocks = c.outputs.div_ceil(width::<S>());
        let mut m = Scratch::<S::T>::take(blocks * self.m_block);
        let (units, point, out) = (self.units, self.m_point, self.out);
        let results = Results { c, down, across, bias, activate, units, point, out };
        let staged = tiles.stage::<S>(units, (0, c.inputs));
        for py in 0..down.phases.len() {
            for px in 0..across.phases.len() {
                self.inputs(&staged, [py, px], &mut v);
                for point in 0..points {
                    self.products([py, px], point, &v, &mut m);
                }
            }
            for (block, sums) in m.chunks_exact(self.m_block).enumerate() {
                results.write::<S>(py, block, sums);
            }
        }
    }
}

impl<S: Simd> Block<'_, S> {
    /// V of a phase, `[point][remainder][input or pair of them][tile]`.
    #[inline(always)]
    fn inputs(&self, staged: &Staged<S::T>, [py, px]: [usize; 2], v: &mut [S::P]) {
        let Plan { tiles, down, across, .. } = self.plan;
        let (to, point, term) = (Shared::new(v), self.v_point, self.v_input);
        for (remainder, runs) in pairs(&down.phases[py], &across.phases[px]) {
            let at = remainder * self.v_remainder;
            // SAFETY: `v` is this task's alone, which runs where the instruction set exists.
            unsafe {
                tiles.transform::<S>(staged, runs, Places { to, at, point, term });
            }
        }
    }

    /// M = Vᵀ·U at one point of a phase, for each block of outputs `[tile][output]`.
    #[inline(always)]
    fn products(&self, [py, px]: [usize; 2], point: usize, v: &[S::P], m: &mut [S::T]) {
        let Plan { c, ref tiles, ref weights, down, across, .. } = *self.plan;
        let (pitch, width) = (self.v_input, width::<S>());
        let term = |k| Term { x: (k * pitch) as u32, w: (k * width) as u32 };
        let terms: [Term; TERMS] = std::array::from_fn(term);
        let phase = py * across.phases.len() + px;
        let m = &mut m[(px * tiles.points() + point) * self.m_point..];
        for (remainder, runs) in pairs(&down.phases[py], &across.phases[px]) {
            if !have(runs, tiles.filter(), point) {
                continue;
            }
            let v = &v[point * self.v_point + remainder * self.v_remainder..][..self.v_remainder];
            let inputs = depth::<S>(c.inputs);
            for first in (0..inputs).step_by(DEPTH) {
                let deep = DEPTH.min(inputs - first);
                for block in 0..c.outputs.div_ceil(width) {
                    let u = weights.at(phase, point, block, remainder);
                    let vectors = (c.outputs - block * width).min(width).div_ceil(S::LANES);
                    for (k, outer, terms_count) in tables(first, deep) {
                        let t = Tile::<S> {
                            x: v[k * pitch..].as_ptr(),
                            x_step: TERMS * pitch,
                            w: u[k * width..].as_ptr(),
                            w_step: TERMS * width,
                            terms: &terms[..terms_count],
                            outer,
                            c: m[block * self.m_block..][..self.count * width].as_mut_ptr(),
                            c_step: width,
                            // The first remainder has all points.
                            add: remainder > 0 || k > 0,
                            part: c.part(),
                        };
                        // SAFETY: `v` holds a pitch for each term, which is not less than the
                        // tiles, `u` `width` operands for each term, `m` as many for each tile.
                        unsafe { tile_rows(self.count, vectors, t) };
                    }
                }
            }
        }
    }
}
