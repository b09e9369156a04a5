//! The correlation by minimal filtering: a task takes some rows of tiles, of one sample or several.

use crate::parallel::{Shared, filled, parallel, part};
use crate::scratch::Scratch;
use crate::simd::{Simd, Task};
use crate::tile::{Term, Tile, tile_rows};

use super::super::images::Images;
use super::super::plan::Correlation;
use super::super::rows::NARROW;
use super::split::{OUTPUTS, Split, worth};
use super::tiles::{Kind, Places, Side, Tiles, Units};
use super::transforms::{Outputs, Transform, both};
use super::weights::Weights;
use super::{DEPTH, TERMS, TILES, WIDTH, line, odd_lines, tables};

/// Tiles of the smallest block that threads without work are worth.
const FEWEST: usize = 32;
/// Inputs that are staged at a time.
const STAGED: usize = 64;

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
    let shared = [(8., c.outputs), (8., depth), (16., tiles)];
    let overhead = shared.iter().map(|(cost, sharing)| cost / *sharing as f64).sum();
    worth([(&c.y, &down), (&c.x, &across)], overhead).then_some([down, across])
}

struct Plan<'a, S: Simd> {
    c: &'a Correlation,
    tiles: Tiles<'a, S::T>,
    weights: Weights<S>,
    down: Split,
    across: Split,
}

/// Computes the correlation whose axes are divided so.
pub(crate) fn correlate<S: Simd>(
    c: &Correlation,
    [down, across]: [Split; 2],
    x: &[S::T],
    weight: &[S::T],
) -> Vec<S::T> {
    assert_eq!(S::PAIR, 1, "minimal filtering of plain numbers only");
    // Blocks of rows of tiles; the result does not depend on them.
    let (units, threads) = (c.batch * down.tiles, rayon::current_num_threads());
    let busy = (2 * threads).min(units * across.tiles / FEWEST);
    let blocks = units.div_ceil((TILES / across.tiles).max(1)).max(busy).min(units);
    let plan = Plan::<S> {
        c,
        tiles: Tiles {
            images: Images { numbers: x, sizes: [c.inputs, c.y.input, c.x.input] },
            down: Side::inputs(&c.y, &down),
            across: Side::inputs(&c.x, &across),
            kind: Kind::Inputs,
            taps: [down.taps, across.taps],
        },
        weights: Weights::new(c, [&down, &across], weight),
        down,
        across,
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
        let taps = [self.plan.down.taps, self.plan.across.taps];
        match taps {
            [2, 2] => self.all::<Outputs<2>, Outputs<2>>(),
            [2, _] => self.all::<Outputs<2>, Outputs<3>>(),
            [_, 2] => self.all::<Outputs<3>, Outputs<2>>(),
            _ => self.all::<Outputs<3>, Outputs<3>>(),
        }
    }
}

impl<S: Simd> Block<'_, S> {
    #[inline(always)]
    fn all<D: Transform, A: Transform>(&self) {
        let Plan { c, ref down, ref across, ref tiles, .. } = *self.plan;
        let count = tiles.count(self.units);
        let points = D::READS * A::READS;
        // A cache line more, so that the points of a tile fall into different sets of a cache.
        let v_point = down.remainders() * across.remainders() * self.remainder() + line::<S>();
        let mut v = Scratch::<S::T>::take(points * v_point);
        let (width, phases) = (WIDTH * S::LANES, across.phases.len());
        let m_point = count * width + line::<S>();
        let m_block = phases * points * m_point;
        let mut m = Scratch::<S::T>::take(c.outputs.div_ceil(width) * m_block);
        let staged = self.stage();
        for py in 0..down.phases.len() {
            for px in 0..phases {
                self.inputs(&staged, [py, px], v_point, &mut v);
                for point in 0..points {
                    let v = &v[point * v_point..(point + 1) * v_point];
                    let m = &mut m[(px * points + point) * m_point..];
                    self.products(py * phases + px, point, v, m_block, m);
                }
            }
            for (block, m) in m.chunks_exact(m_block).enumerate() {
                self.outputs::<D, A>(py, block, m, m_point);
            }
        }
    }

    /// What the tiles read, some inputs after the other.
    #[inline(always)]
    fn stage(&self) -> Vec<Scratch<S::T>> {
        let Plan { c, ref tiles, .. } = *self.plan;
        let mut all = Vec::new();
        for first in (0..c.inputs).step_by(STAGED) {
            let block = (first, c.inputs.min(first + STAGED));
            let channels = (block.1 - block.0).next_multiple_of(S::LANES);
            let mut staged = Scratch::<S::T>::take(tiles.staged::<S>(self.units, channels));
            tiles.stage::<S>(self.units, block, channels, &mut staged);
            all.push(staged);
        }
        all
    }

    /// Numbers from one input of V to the next.
    #[inline(always)]
    fn pitch(&self) -> usize {
        odd_lines::<S>(self.plan.tiles.count(self.units))
    }

    /// Numbers from one remainder of V to the next.
    #[inline(always)]
    fn remainder(&self) -> usize {
        self.plan.c.inputs.next_multiple_of(S::LANES) * self.pitch()
    }

    /// V of a phase, `[point][remainder][input][tile]`.
    #[inline(always)]
    fn inputs(&self, staged: &[Scratch<S::T>], [py, px]: [usize; 2], point: usize, v: &mut [S::T]) {
        let Plan { c, ref tiles, .. } = *self.plan;
        let (rows, columns) = (&self.plan.down.phases[py], &self.plan.across.phases[px]);
        let v = Shared::new(v);
        for (i, staged) in staged.iter().enumerate() {
            let first = i * STAGED;
            let channels = STAGED.min(c.inputs - first).next_multiple_of(S::LANES);
            for (r, row) in rows.iter().enumerate() {
                for (s, column) in columns.iter().enumerate() {
                    let remainder = r * columns.len() + s;
                    let at = remainder * self.remainder() + first * self.pitch();
                    let to = Places { to: v, at, point, tile: 1, channel: self.pitch() };
                    let runs = [(r, row), (s, column)];
                    // SAFETY: `v` is this task's alone.
                    unsafe { tiles.transform::<S>(self.units, staged, channels, runs, to) };
                }
            }
        }
    }

    /// M = V·U at one point of a phase, for each block of outputs `[tile][output]`.
    #[inline(always)]
    fn products(&self, phase: usize, point: usize, v: &[S::T], m_block: usize, m: &mut [S::T]) {
        let Plan { c, ref weights, ref down, ref across, .. } = *self.plan;
        let (count, width) = (self.plan.tiles.count(self.units), WIDTH * S::LANES);
        let pitch = self.pitch();
        let term = |k| Term { x: (k * pitch) as u32, w: (k * width) as u32 };
        let terms: [Term; TERMS] = std::array::from_fn(term);
        for remainder in 0..down.remainders() * across.remainders() {
            let v = &v[remainder * self.remainder()..][..self.remainder()];
            for first in (0..c.inputs).step_by(DEPTH) {
                let deep = DEPTH.min(c.inputs - first);
                for block in 0..c.outputs.div_ceil(width) {
                    let u = weights.at(phase, point, block, remainder);
                    let vectors = (c.outputs - block * width).min(width).div_ceil(S::LANES);
                    for (k, outer, terms_count) in tables(first, deep) {
                        let t = Tile::<S> {
                            // Where PAIR is 1, P is T.
                            x: v[k * pitch..].as_ptr().cast(),
                            x_step: TERMS * pitch,
                            w: u[k * width..].as_ptr().cast(),
                            w_step: TERMS * width,
                            terms: &terms[..terms_count],
                            outer,
                            c: m[block * m_block..][..count * width].as_mut_ptr(),
                            c_step: width,
                            add: remainder > 0 || k > 0,
                            part: c.part(),
                        };
                        // SAFETY: `v` holds a pitch for each input, which is not less than the
                        // tiles, `u` `width` numbers for each input, `m` as many for each tile.
                        unsafe { tile_rows(count, vectors, t) };
                    }
                }
            }
        }
    }

    /// Aᵀ·M·A of a row phase and a block of outputs.
    #[inline(always)]
    fn outputs<D: Transform, A: Transform>(
        &self,
        py: usize,
        block: usize,
        m: &[S::T],
        m_point: usize,
    ) {
        let Plan { c, ref down, ref across, ref tiles, .. } = *self.plan;
        let (width, phases) = (WIDTH * S::LANES, across.phases.len());
        let points = D::READS * A::READS;
        let first = block * width;
        let real = width.min(c.outputs - first);
        // Rows of outputs as `[row][column][output]`, and one as `[output][column]`.
        let columns = (across.tiles * OUTPUTS * phases).next_multiple_of(S::LANES);
        let mut rows = Scratch::<S::T>::take(OUTPUTS * columns * width);
        let mut turned = Scratch::<S::T>::take(width * columns);
        for unit in self.units.0..self.units.1 {
            let before = tiles.count((self.units.0, unit));
            for px in 0..phases {
                let m = &m[px * points * m_point..][..points * m_point];
                for tile in 0..across.tiles {
                    let from = &m[(before + tile) * width..];
                    assert!((points - 1) * m_point + width <= from.len());
                    let column = tile * OUTPUTS * phases + px;
                    let last = (OUTPUTS - 1) * (columns + phases) + column;
                    assert!((last + 1) * width <= rows.len());
                    for o in (0..real).step_by(S::LANES) {
                        // SAFETY: the last vectors that are read and written were just checked;
                        // the instruction set is there within a task.
                        unsafe {
                            let from = from.as_ptr().add(o);
                            let to = rows.as_mut_ptr().add(column * width + o);
                            both::<S, D, A>(
                                |y, x| S::load(from.add((y * A::READS + x) * m_point)),
                                |y, x, v| S::store(to.add((y * columns + x * phases) * width), v),
                            );
                        }
                    }
                }
            }
            let (n, tile) = (unit / down.tiles, unit % down.tiles);
            for (i, row) in rows.chunks_exact(columns * width).enumerate() {
                let y = (tile * OUTPUTS + i) * down.phases.len() + py;
                if y < c.y.output {
                    let at = ((n * c.outputs + first) * c.y.output + y) * c.x.output;
                    self.write(row, columns, real, at, &mut turned);
                }
            }
        }
    }

    /// Writes a row `[column][output]` of `real` outputs, the first of which begins at `at`.
    #[inline(always)]
    fn write(&self, row: &[S::T], columns: usize, real: usize, at: usize, turned: &mut [S::T]) {
        let (c, width) = (self.plan.c, WIDTH * S::LANES);
        for o in (0..real).step_by(S::LANES) {
            for x in (0..columns).step_by(S::LANES) {
                let from = &row[x * width + o..];
                let to = &mut turned[o * columns + x..];
                assert!(from.len() >= (S::LANES - 1) * width + S::LANES);
                assert!(to.len() >= (S::LANES - 1) * columns + S::LANES);
                // SAFETY: both squares were just checked.
                unsafe { S::transpose(from.as_ptr(), width, to.as_mut_ptr(), columns) };
            }
        }
        for (o, turned) in turned.chunks_exact(columns).enumerate().take(real) {
            let at = at + o * c.y.output * c.x.output;
            // SAFETY: the rows of a unit are its task's alone.
            let to = unsafe { self.out.part(at, c.x.output) };
            to.write_copy_of_slice(&turned[..c.x.output]);
        }
    }
}
