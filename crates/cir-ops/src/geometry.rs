//! Convolution as matrix products over patches, in tiles that stay in cache.
//!
//! Three primitives serve convolutions and transposed convolutions alike, forward and backward:
//! [`gather`] (y = W·patches(x)), [`scatter`] (x = patchesᵀ(Wᵀ·y)) and [`weight`]
//! (W = y·patches(x)ᵀ). A transposed convolution is a scatter; its gradient a gather.
//!
//! Work is divided by the sizes alone, never by the number of threads, and partial sums are added
//! in a fixed order: the bytes do not depend on the threads.

use rayon::prelude::*;

use crate::float::Float;

/// Numbers of a patch matrix kept in one scratch tile, about half a megabyte in f32.
const TILE: usize = 1 << 17;
/// Columns below which several samples share a product.
const FEW_COLUMNS: usize = 192;
/// Partial sums of a weight gradient.
const PARTS: usize = 8;

/// Sizes of a convolution from `x` (n, c, h, w) to `y` (n, o, oh, ow).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) n: usize,
    pub(crate) c: usize,
    pub(crate) h: usize,
    pub(crate) w: usize,
    pub(crate) o: usize,
    pub(crate) oh: usize,
    pub(crate) ow: usize,
    pub(crate) kh: usize,
    pub(crate) kw: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
}

/// Rows of the outputs of one or several samples that are treated together.
#[derive(Debug, Clone, Copy)]
struct Tile {
    sample: usize,
    samples: usize,
    row: usize,
    rows: usize,
}

impl Geometry {
    /// Numbers of one patch.
    fn patch(&self) -> usize {
        self.c * self.kh * self.kw
    }

    fn image(&self) -> usize {
        self.c * self.h * self.w
    }

    fn plane(&self) -> usize {
        self.oh * self.ow
    }

    /// Tiles of samples `from..to`.
    fn tiles(&self, from: usize, to: usize) -> Vec<Tile> {
        let plane = self.plane().max(1);
        if plane < FEW_COLUMNS {
            let fit = (TILE / (self.patch().max(1) * plane)).max(1);
            let samples = FEW_COLUMNS.div_ceil(plane).min(fit.max(1));
            let starts = (from..to).step_by(samples);
            return starts
                .map(|sample| Tile {
                    sample,
                    samples: samples.min(to - sample),
                    row: 0,
                    rows: self.oh,
                })
                .collect();
        }
        let rows = (TILE / (self.patch().max(1) * self.ow)).clamp(1, self.oh);
        // Even tiles: no last one of a row or two.
        let rows = self.oh.div_ceil(self.oh.div_ceil(rows));
        let of_sample = |sample| {
            (0..self.oh).step_by(rows).map(move |row| Tile {
                sample,
                samples: 1,
                row,
                rows: rows.min(self.oh - row),
            })
        };
        (from..to).flat_map(of_sample).collect()
    }
}

impl Tile {
    fn columns(&self, g: &Geometry) -> usize {
        self.samples * self.rows * g.ow
    }

    /// Calls `f` with every run of output columns that read consecutive input rows: the matrix row
    /// (of the patch), the first column, the first input index, and how many outputs before, within
    /// and after the image.
    fn for_each_run(&self, g: &Geometry, mut f: impl FnMut(usize, usize, usize, [usize; 3])) {
        for s in 0..self.samples {
            for c in 0..g.c {
                for ky in 0..g.kh {
                    for kx in 0..g.kw {
                        let row = (c * g.kh + ky) * g.kw + kx;
                        // First and one past the last output column that reads inside the image.
                        let low = g.padding.saturating_sub(kx).div_ceil(g.stride).min(g.ow);
                        let high = (g.w + g.padding)
                            .checked_sub(kx + 1)
                            .map_or(0, |last| last / g.stride + 1)
                            .clamp(low, g.ow);
                        for r in 0..self.rows {
                            let column = (s * self.rows + r) * g.ow;
                            let y = (self.row + r) * g.stride + ky;
                            if y < g.padding || y >= g.h + g.padding || low == high {
                                f(row, column, 0, [g.ow, 0, 0]);
                                continue;
                            }
                            let line = ((self.sample + s) * g.c + c) * g.h + y - g.padding;
                            let start = line * g.w + low * g.stride + kx - g.padding;
                            f(row, column, start, [low, high - low, g.ow - high]);
                        }
                    }
                }
            }
        }
    }

    /// The patches of this tile: (patch, columns), row by row.
    fn patches<T: Float>(&self, g: &Geometry, x: &[T], into: &mut Vec<T>) {
        let columns = self.columns(g);
        // Every number is written below.
        into.resize(g.patch() * columns, T::ZERO);
        self.for_each_run(g, |row, column, start, [before, within, after]| {
            let at = row * columns + column;
            into[at..at + before].fill(T::ZERO);
            let inside = &mut into[at + before..at + before + within];
            if g.stride == 1 {
                inside.copy_from_slice(&x[start..start + within]);
            } else {
                let source = x[start..].iter().step_by(g.stride);
                inside.iter_mut().zip(source).for_each(|(to, from)| *to = *from);
            }
            into[at + before + within..at + before + within + after].fill(T::ZERO);
        });
    }

    /// Adds patches back to where they came from; `x` begins at this tile's first sample.
    fn add_patches<T: Float>(&self, g: &Geometry, patches: &[T], x: &mut [T]) {
        let (columns, offset) = (self.columns(g), self.sample * g.image());
        self.for_each_run(g, |row, column, start, [before, within, _]| {
            let from = &patches[row * columns + column + before..][..within];
            if within > 0 {
                let to = x[start - offset..].iter_mut().step_by(g.stride);
                to.zip(from).for_each(|(to, from)| *to = *to + *from);
            }
        });
    }

    /// The gradients of this tile's outputs as (o, columns), where they do not lie so already.
    fn outputs<T: Float>(&self, g: &Geometry, y: &[T], into: &mut Vec<T>) {
        let (columns, width) = (self.columns(g), self.rows * g.ow);
        into.resize(g.o * columns, T::ZERO);
        for s in 0..self.samples {
            for o in 0..g.o {
                let from = ((self.sample + s) * g.o + o) * g.plane() + self.row * g.ow;
                let to = o * columns + s * width;
                into[to..to + width].copy_from_slice(&y[from..from + width]);
            }
        }
    }
}

/// y = W·patches(x).
///
/// # Shapes
/// `x` (n, c, h, w), `weight` (o, c·kh·kw), `y` (n, o, oh, ow); every number of `y` is written.
pub(crate) fn gather<T: Float>(g: &Geometry, x: &[T], weight: &[T], y: &mut [T]) {
    let tiles = g.tiles(0, g.n);
    let out = Shared::new(y);
    tiles.par_iter().for_each(|tile| {
        T::with_scratch(|patches, product| {
            let columns = tile.columns(g);
            tile.patches(g, x, patches);
            product.resize(g.o * columns, T::ZERO);
            T::product(
                [g.o, columns, g.patch()],
                (product, [columns, 1]),
                false,
                (weight, [g.patch(), 1]),
                (patches, [columns, 1]),
            );
            let width = tile.rows * g.ow;
            for s in 0..tile.samples {
                for o in 0..g.o {
                    let to = ((tile.sample + s) * g.o + o) * g.plane() + tile.row * g.ow;
                    // SAFETY: tiles are disjoint ranges of samples and rows, so no two tasks write
                    // one range; `slice` checks the bounds.
                    let line = unsafe { out.slice(to, width) };
                    line.copy_from_slice(&product[o * columns + s * width..][..width]);
                }
            }
        });
    });
}

/// x = patchesᵀ(Wᵀ·y): the gradient of [`gather`] for x.
///
/// # Shapes
/// As in [`gather`]; `x` must hold zeros.
pub(crate) fn scatter<T: Float>(g: &Geometry, y: &[T], weight: &[T], x: &mut [T]) {
    // Tiles of one sample overlap in x: a task is whole samples.
    let plane = g.plane().max(1);
    let samples = if plane < FEW_COLUMNS { FEW_COLUMNS.div_ceil(plane) } else { 1 };
    x.par_chunks_mut((g.image() * samples).max(1)).enumerate().for_each(|(i, x)| {
        let (from, to) = (i * samples, ((i + 1) * samples).min(g.n));
        for tile in g.tiles(from, to) {
            T::with_scratch(|patches, gradients| {
                let columns = tile.columns(g);
                tile.outputs(g, y, gradients);
                patches.resize(g.patch() * columns, T::ZERO);
                T::product(
                    [g.patch(), columns, g.o],
                    (patches, [columns, 1]),
                    false,
                    (weight, [1, g.patch()]),
                    (gradients, [columns, 1]),
                );
                let begin = (tile.sample - from) * g.image();
                tile.add_patches(g, patches, &mut x[begin..]);
            });
        }
    });
}

/// W = y·patches(x)ᵀ: the gradient of [`gather`] for the weight.
///
/// # Shapes
/// As in [`gather`]; returns (o, c·kh·kw).
pub(crate) fn weight<T: Float>(g: &Geometry, x: &[T], y: &[T]) -> Vec<T> {
    let tiles = g.tiles(0, g.n);
    let part = tiles.len().div_ceil(PARTS).max(1);
    let sums: Vec<Vec<T>> = tiles
        .par_chunks(part)
        .map(|tiles| {
            let mut sum = vec![T::ZERO; g.o * g.patch()];
            for tile in tiles {
                T::with_scratch(|patches, gradients| {
                    let columns = tile.columns(g);
                    tile.patches(g, x, patches);
                    tile.outputs(g, y, gradients);
                    T::product(
                        [g.o, g.patch(), columns],
                        (&mut sum, [g.patch(), 1]),
                        true,
                        (gradients, [columns, 1]),
                        (patches, [1, columns]),
                    );
                });
            }
            sum
        })
        .collect();
    let mut sums = sums.into_iter();
    let mut total = sums.next().unwrap_or_else(|| vec![T::ZERO; g.o * g.patch()]);
    for sum in sums {
        total.iter_mut().zip(sum).for_each(|(a, b)| *a = *a + b);
    }
    total
}

/// A slice that several tasks write disjoint ranges of.
struct Shared<T> {
    start: *mut T,
    len: usize,
}

// SAFETY: only `slice` touches the memory, and its callers promise disjoint ranges.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    fn new(slice: &mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len() }
    }

    /// # Safety
    /// No two slices that live at one time may overlap.
    #[expect(clippy::mut_from_ref, reason = "disjointness is the caller's promise")]
    unsafe fn slice(&self, at: usize, len: usize) -> &mut [T] {
        assert!(at <= self.len && len <= self.len - at, "a range beyond the slice");
        // SAFETY: in bounds as just checked; exclusive by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(at), len) }
    }
}
