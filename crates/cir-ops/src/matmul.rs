//! The three products of a linear layer: x·Wᵀ by dot products along the rows of W, which are read
//! once; g·W and gᵀ·x by tiles.

use std::mem::MaybeUninit;

use crate::activation::Activation;
use crate::numbers::Number;
use crate::parallel::{Shared, filled, parallel};
use crate::scratch::Scratch;
use crate::simd::{Generic, Simd, Task};
use crate::tile::{LONG, Term, Tile, tile, tile_rows};

/// Terms of a dot product that are summed at a time: those of a task's rows of W and of a tile's
/// rows of x fit into the first-level cache together.
const DEPTH: usize = 768;
/// Rows of W that a task takes.
const OUTPUTS: usize = 8;

/// y = activation(x·Wᵀ + bias), x (rows, in), W (out, in).
pub(crate) struct Product<'a, T> {
    pub(crate) x: &'a [T],
    pub(crate) w: &'a [T],
    pub(crate) bias: Option<&'a [T]>,
    pub(crate) activation: Activation,
    pub(crate) cin: usize,
    pub(crate) out: usize,
}

impl<T: Number> Generic<T> for Product<'_, T> {
    type Out = Vec<T>;

    fn run<S: Simd<T = T>>(self) -> Vec<T> {
        let rows = self.x.len() / self.cin;
        // x as `[block of depth][row][depth]`: rows a power of two apart would fall into the same
        // sets of the caches.
        let mut packed = Scratch::<T>::take(self.x.len());
        for (r, row) in self.x.chunks_exact(self.cin).enumerate() {
            for (i, from) in row.chunks(DEPTH).enumerate() {
                packed[i * DEPTH * rows + r * from.len()..][..from.len()].copy_from_slice(from);
            }
        }
        let fill = |to: Shared<T>| {
            parallel(self.out.div_ceil(OUTPUTS), self.x.len() * self.out, |i| {
                let outputs = (i * OUTPUTS, self.out.min((i + 1) * OUTPUTS));
                let task = Dots::<S> { p: &self, packed: &packed, rows, outputs, to };
                // SAFETY: `S` was chosen among the available kernels.
                unsafe { S::vectorize(task) };
            });
        };
        // SAFETY: the tasks write all rows of all their outputs.
        unsafe { filled(rows * self.out, fill) }
    }
}

struct Dots<'a, S: Simd> {
    p: &'a Product<'a, S::T>,
    packed: &'a [S::T],
    rows: usize,
    outputs: (usize, usize),
    to: Shared<S::T>,
}

impl<S: Simd> Task for Dots<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Product { x, w, bias, activation, cin, out } = *self.p;
        let activate = activation.function::<S::T>();
        let (first, last) = self.outputs;
        let count = last - first;
        // A vector of partial sums for each row and output.
        let mut sums = Scratch::<S::T>::take(self.rows * count * S::LANES);
        sums.fill(S::T::ZERO);
        let tall = S::ROWS >= 12;
        for k in (0..cin).step_by(DEPTH) {
            let depth = DEPTH.min(cin - k);
            let mut r = 0;
            while r < self.rows {
                let x = &self.packed[k * self.rows + r * depth..];
                let (mut o, mut done) = (0, 1);
                while o < count {
                    let wide = if count - o >= 4 { 4 } else { 1 };
                    let w = &w[(first + o) * cin + k..];
                    let sums = &mut sums[(r * count + o) * S::LANES..];
                    // A tile of the same height for all outputs.
                    done = match (self.rows - r, wide) {
                        (6.., 4) if tall => dots::<S, 6, 4>(x, w, cin, depth, sums, count),
                        (6.., _) if tall => dots::<S, 6, 1>(x, w, cin, depth, sums, count),
                        (4.., 4) if tall => dots::<S, 4, 4>(x, w, cin, depth, sums, count),
                        (4.., _) if tall => dots::<S, 4, 1>(x, w, cin, depth, sums, count),
                        (3.., 4) => dots::<S, 3, 4>(x, w, cin, depth, sums, count),
                        (3.., _) => dots::<S, 3, 1>(x, w, cin, depth, sums, count),
                        (2, 4) => dots::<S, 2, 4>(x, w, cin, depth, sums, count),
                        (2, _) => dots::<S, 2, 1>(x, w, cin, depth, sums, count),
                        (_, 4) => dots::<S, 1, 4>(x, w, cin, depth, sums, count),
                        _ => dots::<S, 1, 1>(x, w, cin, depth, sums, count),
                    };
                    o += wide;
                }
                r += done;
            }
        }
        let whole = cin / S::LANES * S::LANES;
        for (r, row) in sums.chunks_exact(count * S::LANES).enumerate() {
            // SAFETY: these outputs are this task's alone.
            let to = unsafe { self.to.part(r * out + first, count) };
            for (o, (to, lanes)) in to.iter_mut().zip(row.chunks_exact(S::LANES)).enumerate() {
                let output = first + o;
                let mut sum = bias.map_or(S::T::ZERO, |bias| bias[output]);
                for k in whole..cin {
                    sum += x[r * cin + k] * w[output * cin + k];
                }
                to.write(activate.value(sum + halved(lanes)));
            }
        }
    }
}

/// The sum of at most 16 lanes, by halves.
#[inline(always)]
fn halved<T: Number>(lanes: &[T]) -> T {
    let mut parts = [T::ZERO; 16];
    parts[..lanes.len()].copy_from_slice(lanes);
    let mut half = 8;
    while half > 0 {
        for i in 0..half {
            let other = parts[i + half];
            parts[i] += other;
        }
        half /= 2;
    }
    parts[0]
}

/// Adds the whole vectors of R × O dot products of length `depth` to `sums`, whose rows are `step`
/// vectors apart; returns R.
#[inline(always)]
fn dots<S: Simd, const R: usize, const O: usize>(
    x: &[S::T],
    w: &[S::T],
    cin: usize,
    depth: usize,
    sums: &mut [S::T],
    step: usize,
) -> usize {
    let whole = depth / S::LANES * S::LANES;
    assert!(x.len() >= R * depth && w.len() >= (O - 1) * cin + depth);
    assert!(sums.len() >= ((R - 1) * step + O) * S::LANES);
    // SAFETY: reads vectors within the first `whole` numbers of each row, and the sums, all just
    // checked; the instruction set is there because this runs within a task.
    unsafe {
        let mut acc = [[S::zero(); O]; R];
        let mut k = 0;
        while k < whole {
            let mut b = [S::zero(); O];
            for (o, b) in b.iter_mut().enumerate() {
                *b = S::load(w.as_ptr().add(o * cin + k));
            }
            for (r, acc) in acc.iter_mut().enumerate() {
                let a = S::load(x.as_ptr().add(r * depth + k));
                for (acc, b) in acc.iter_mut().zip(b) {
                    *acc = S::multiply_add(*acc, a, b);
                }
            }
            k += S::LANES;
        }
        for (r, acc) in acc.into_iter().enumerate() {
            for (o, acc) in acc.into_iter().enumerate() {
                let to = sums.as_mut_ptr().add((r * step + o) * S::LANES);
                S::store(to, S::add(S::load(to), acc));
            }
        }
    }
    R
}

/// g·W, g (rows, out), W (out, in).
pub(crate) struct InputGradient<'a, T> {
    pub(crate) grad: &'a [T],
    pub(crate) w: &'a [T],
    pub(crate) cin: usize,
    pub(crate) out: usize,
}

/// Outputs whose part of W is packed at a time, and tiles side by side in it.
const PANEL: usize = 256;
const PANELS: usize = 8;

impl<T: Number> Generic<T> for InputGradient<'_, T> {
    type Out = Vec<T>;

    fn run<S: Simd<T = T>>(self) -> Vec<T> {
        let rows = self.grad.len() / self.out;
        if rows == 0 {
            return Vec::new();
        }
        // The gradient as `[output][row]`.
        let mut turned = Scratch::<S::P>::take(rows * self.out);
        for (r, grad) in self.grad.chunks_exact(self.out).enumerate() {
            for (to, g) in turned[r..].iter_mut().step_by(rows).zip(grad) {
                *to = S::pack(*g, T::ZERO);
            }
        }
        let columns = PANELS * 2 * S::LANES;
        let fill = |to: Shared<T>| {
            parallel(self.cin.div_ceil(columns), rows * self.w.len(), |i| {
                let range = (i * columns, self.cin.min((i + 1) * columns));
                let task = Columns::<S> { p: &self, turned: &turned, rows, range, to };
                // SAFETY: `S` was chosen among the available kernels.
                unsafe { S::vectorize(task) };
            });
        };
        // SAFETY: the tasks write all rows of all their columns.
        unsafe { filled(rows * self.cin, fill) }
    }
}

struct Columns<'a, S: Simd> {
    p: &'a InputGradient<'a, S::T>,
    turned: &'a [S::P],
    rows: usize,
    range: (usize, usize),
    to: Shared<S::T>,
}

impl<S: Simd> Task for Columns<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let InputGradient { w, cin, out, .. } = *self.p;
        let (first, last) = self.range;
        let width = 2 * S::LANES;
        let panels = (last - first).div_ceil(width);
        let pitch = panels * width;
        let mut packed = Scratch::<S::P>::take(panels * PANEL * width);
        let mut sums = Scratch::<S::T>::take(self.rows * pitch);
        sums.fill(S::T::ZERO);
        let zero = S::pack(S::T::ZERO, S::T::ZERO);
        for o in (0..out).step_by(PANEL) {
            let depth = PANEL.min(out - o);
            for (k, row) in w[o * cin..(o + depth) * cin].chunks_exact(cin).enumerate() {
                for (panel, from) in row[first..last].chunks(width).enumerate() {
                    let to = &mut packed[(panel * PANEL + k) * width..][..width];
                    to[from.len()..].fill(zero);
                    to.iter_mut().zip(from).for_each(|(to, v)| *to = S::pack(*v, S::T::ZERO));
                }
            }
            for panel in 0..panels {
                let t = Tile::<S> {
                    x: self.turned[o * self.rows..].as_ptr(),
                    x_step: self.rows,
                    w: packed[panel * PANEL * width..].as_ptr(),
                    w_step: width,
                    terms: &[Term { x: 0, w: 0 }],
                    outer: depth,
                    c: sums[panel * width..].as_mut_ptr(),
                    c_step: pitch,
                    add: true,
                    part: LONG,
                };
                // SAFETY: `turned` has all rows of `depth` outputs from here, the panel as
                // many packed rows, and `sums` whole tiles.
                unsafe { tile_rows(self.rows, 2, t) };
            }
        }
        for (r, row) in sums.chunks_exact(pitch).enumerate() {
            // SAFETY: these columns are this task's alone.
            let to = unsafe { self.to.part(r * cin + first, last - first) };
            to.iter_mut().zip(row).for_each(|(to, v)| _ = to.write(*v));
        }
    }
}

/// gᵀ·x, g (rows, out), x (rows, in) → (out, in).
pub(crate) struct WeightGradient<'a, T> {
    pub(crate) grad: &'a [T],
    pub(crate) x: &'a [T],
    pub(crate) cin: usize,
    pub(crate) out: usize,
}

impl<T: Number> Generic<T> for WeightGradient<'_, T> {
    type Out = Vec<T>;

    fn run<S: Simd<T = T>>(self) -> Vec<T> {
        let rows = self.x.len() / self.cin;
        let width = 2 * S::LANES;
        let panels = self.cin.div_ceil(width);
        let zero = S::pack(T::ZERO, T::ZERO);
        // x as `[panel][row][column]`, zeros after the last column.
        let mut packed = Scratch::<S::P>::take(panels * rows * width);
        for (r, x) in self.x.chunks_exact(self.cin).enumerate() {
            for (panel, from) in x.chunks(width).enumerate() {
                let to = &mut packed[(panel * rows + r) * width..][..width];
                to[from.len()..].fill(zero);
                to.iter_mut().zip(from).for_each(|(to, v)| *to = S::pack(*v, T::ZERO));
            }
        }
        let mut grad = Scratch::<S::P>::take(self.grad.len());
        grad.iter_mut().zip(self.grad).for_each(|(to, v)| *to = S::pack(*v, T::ZERO));
        let blocks = self.out.div_ceil(S::ROWS);
        let fill = |to: Shared<T>| {
            parallel(blocks, rows * self.cin * self.out, |i| {
                let outputs = crate::parallel::part(self.out, blocks, i);
                // SAFETY: these rows of the result are this task's alone.
                let to =
                    unsafe { to.part(outputs.0 * self.cin, (outputs.1 - outputs.0) * self.cin) };
                let task = Outer::<S> { p: &self, packed: &packed, grad: &grad, rows, outputs, to };
                // SAFETY: `S` was chosen among the available kernels.
                unsafe { S::vectorize(task) };
            });
        };
        // SAFETY: the tasks write all rows of the result.
        unsafe { filled(self.out * self.cin, fill) }
    }
}

struct Outer<'a, S: Simd> {
    p: &'a WeightGradient<'a, S::T>,
    packed: &'a [S::P],
    grad: &'a [S::P],
    rows: usize,
    outputs: (usize, usize),
    to: &'a mut [MaybeUninit<S::T>],
}

impl<S: Simd> Task for Outer<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let WeightGradient { cin, out, .. } = *self.p;
        let width = 2 * S::LANES;
        let count = self.outputs.1 - self.outputs.0;
        let mut rest = Scratch::<S::T>::take(count * width);
        for (panel, first) in (0..cin).step_by(width).enumerate() {
            let whole = first + width <= cin;
            let (c, c_step) = match whole {
                true => (self.to[first..].as_mut_ptr().cast(), cin),
                false => (rest.as_mut_ptr(), width),
            };
            let t = Tile::<S> {
                x: self.grad[self.outputs.0.min(self.grad.len())..].as_ptr(),
                x_step: out,
                w: self.packed[panel * self.rows * width..].as_ptr(),
                w_step: width,
                terms: &[Term { x: 0, w: 0 }],
                outer: self.rows,
                c,
                c_step,
                add: false,
                part: LONG,
            };
            // SAFETY: each row of the gradient has these outputs, the panel has all rows, and the
            // tile lies within this task's rows, or in `rest` where a whole one would not.
            unsafe { tile(count, 2, t) };
            if !whole {
                for (to, row) in self.to.chunks_exact_mut(cin).zip(rest.chunks_exact(width)) {
                    to[first..].iter_mut().zip(row).for_each(|(to, v)| _ = to.write(*v));
                }
            }
        }
    }
}
