//! Images of a batch, read with their channels side by side.

use crate::numbers::Number;
use crate::simd::Simd;

/// `[sample][channel][row][column]`.
#[derive(Clone, Copy)]
pub(crate) struct Images<'a, T> {
    pub(crate) numbers: &'a [T],
    /// Channels, height and width.
    pub(crate) sizes: [usize; 3],
}

/// A row of a sample, from `before` columns left of the image on; all of it may lie outside.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) sample: usize,
    pub(crate) y: isize,
    pub(crate) before: isize,
    pub(crate) columns: usize,
}

impl<T: Number> Images<'_, T> {
    /// to[column · pitch + i] = the row's channel `block.0` + i, for the channels up to `block.1`,
    /// zero outside of the image, and past the last channel where the pitch is whole vectors.
    ///
    /// May overwrite a vector of columns that follow: rows are turned in ascending order, with room
    /// for a vector of columns after the last.
    #[inline(always)]
    pub(crate) fn turn_row<S: Simd<T = T>>(
        &self,
        Row { sample, y, before, columns }: Row,
        block: (usize, usize),
        pitch: usize,
        to: &mut [T],
    ) {
        let [channels, height, width] = self.sizes;
        if !(0..height as isize).contains(&y) {
            to[..columns * pitch].fill(T::ZERO);
            return;
        }
        let left = before.clamp(0, columns as isize) as usize;
        let right = (width as isize + before).clamp(left as isize, columns as isize) as usize;
        let real = block.1 - block.0;
        let start = ((sample * channels + block.0) * height + y as usize) * width;
        let plane = height * width;
        // Whole vectors, so that a square does not run into the next column.
        let whole = pitch.is_multiple_of(S::LANES);
        debug_assert!(real <= pitch);
        for c in (0..real).step_by(S::LANES) {
            let lanes = S::LANES.min(real - c);
            for x in (left..right).step_by(S::LANES) {
                let from = &self.numbers[start + c * plane + (x as isize - before) as usize..];
                let to = &mut to[x * pitch + c..];
                let square = S::LANES - 1;
                // Whole squares take in channels and columns that are not used.
                let turns = whole
                    && from.len() >= square * plane + S::LANES
                    && to.len() >= square * pitch + S::LANES;
                if turns {
                    // SAFETY: `LANES` numbers at `LANES` steps of both, as just checked.
                    unsafe { S::transpose(from.as_ptr(), plane, to.as_mut_ptr(), pitch) };
                    continue;
                }
                let columns = (right - x).min(S::LANES);
                for (column, to) in to.chunks_mut(pitch).enumerate().take(columns) {
                    for lane in 0..lanes {
                        to[lane] = from[lane * plane + column];
                    }
                }
            }
        }
        // Else squares left other samples' channels there, or nobody anything.
        if whole && real < pitch {
            let row = to[left * pitch..right * pitch].chunks_exact_mut(pitch);
            row.for_each(|to| to[real..].fill(T::ZERO));
        }
        to[..left * pitch].fill(T::ZERO);
        to[right * pitch..columns * pitch].fill(T::ZERO);
    }
}
