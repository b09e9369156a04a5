//! What a convolution computes, one axis at a time: outputs in phases, each with its list of taps.
//!
//! A forward convolution is one phase whose input moves on by the stride. The gradient of the input
//! (and with it the transposed convolution) gives output y the inputs (y + padding - k) / stride
//! for those k that divide: outputs with the same remainder form a phase, in which the input moves
//! on by one. So no zeros are inserted and nothing is scattered.

use crate::numbers::Number;
use crate::tile::{LONG, SHORT};

/// A kernel element and where it reads, relative to the position that the output has in the input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tap {
    pub(crate) offset: isize,
    pub(crate) k: usize,
}

/// Outputs `r, r + phases, r + 2·phases, …` of an axis, `r` being the phase's index.
#[derive(Clone, Debug)]
pub(crate) struct Phase {
    pub(crate) taps: Vec<Tap>,
    pub(crate) count: usize,
}

/// One axis of a correlation.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub(crate) input: usize,
    pub(crate) output: usize,
    /// Inputs from one output of a phase to the next.
    pub(crate) step: usize,
    pub(crate) phases: Vec<Phase>,
    /// The least and the greatest offset.
    pub(crate) low: isize,
    pub(crate) high: isize,
}

impl Axis {
    /// output[y] = Σ_k input[y·stride + k - padding].
    pub(crate) fn forward(
        input: usize,
        output: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> Self {
        let taps = (0..kernel)
            .map(|k| Tap { offset: k as isize - padding as isize, k })
            .collect::<Vec<_>>();
        Self::new(input, output, stride, vec![Phase { taps, count: output }])
    }

    /// output[y] = Σ_k input[(y + padding - k) / stride] over the k that divide.
    pub(crate) fn transposed(
        input: usize,
        output: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> Self {
        let phase = |r: usize| {
            let first = (r + padding) % stride;
            let taps = (first..kernel).step_by(stride);
            let offset = |k: usize| (r as isize + padding as isize - k as isize) / stride as isize;
            let taps = taps.map(|k| Tap { offset: offset(k), k }).collect();
            Phase { taps, count: (output + stride - 1 - r) / stride }
        };
        Self::new(input, output, 1, (0..stride).map(phase).collect())
    }

    fn new(input: usize, output: usize, step: usize, phases: Vec<Phase>) -> Self {
        let offsets = || phases.iter().flat_map(|p| &p.taps).map(|t| t.offset);
        let (low, high) = (offsets().min().unwrap_or(0), offsets().max().unwrap_or(0));
        Self { input, output, step, phases, low, high }
    }

    /// The outputs of a phase.
    pub(crate) fn outputs(&self, phase: usize) -> impl Iterator<Item = usize> + Clone + use<> {
        (phase..self.output).step_by(self.phases.len())
    }

    /// The input that output `i` of a phase reads at one of its taps, if it lies in the image.
    pub(crate) fn read(&self, i: usize, tap: &Tap) -> Option<usize> {
        (i * self.step).checked_add_signed(tap.offset).filter(|at| *at < self.input)
    }

    /// Outputs in the longest phase.
    pub(crate) fn longest(&self) -> usize {
        self.output.div_ceil(self.phases.len())
    }

    /// Inputs that `count` successive outputs of all phases read, from the first tap to the last.
    pub(crate) fn reach(&self, count: usize) -> usize {
        count.saturating_sub(1) * self.step + (self.high - self.low) as usize + 1
    }
}

/// A correlation of a batch: the operands' sizes, and how the weights are laid out.
#[derive(Clone, Debug)]
pub(crate) struct Correlation {
    pub(crate) batch: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) y: Axis,
    pub(crate) x: Axis,
    /// Height and width of the kernel.
    pub(crate) kernel: [usize; 2],
    /// Steps of the weights from one input channel, or output channel, to the next; the kernel
    /// elements of a pair lie side by side.
    pub(crate) weight_input_step: usize,
    pub(crate) weight_output_step: usize,
    /// Whether signs hang on the results, as in a forward pass that an activation or an L1 loss
    /// follows: rounding is then kept low, see [`part`](Self::part).
    pub(crate) exact: bool,
}

impl Correlation {
    /// The number of results.
    pub(crate) fn len(&self) -> usize {
        self.batch * self.outputs * self.y.output * self.x.output
    }

    /// Terms that a tile adds in registers, see [`Tile::part`](crate::tile::Tile::part).
    pub(crate) fn part(&self) -> usize {
        if self.exact { SHORT } else { LONG }
    }

    /// Multiplications, roughly.
    pub(crate) fn work(&self) -> usize {
        let taps = |axis: &Axis| axis.phases.iter().map(|p| p.taps.len()).sum::<usize>();
        let taps =
            taps(&self.y) * taps(&self.x) / (self.y.phases.len() * self.x.phases.len()).max(1);
        self.len() * self.inputs * taps.max(1)
    }
}

/// Lets sums `[position][output]` of `width` outputs from `first` on start with their bias, or with
/// zeros.
#[inline(always)]
pub(crate) fn start<T: Number>(sums: &mut [T], width: usize, bias: Option<&[T]>, first: usize) {
    let Some(bias) = bias else { return sums.fill(T::ZERO) };
    let bias = &bias[first..bias.len().min(first + width)];
    for sums in sums.chunks_exact_mut(width) {
        let (real, rest) = sums.split_at_mut(bias.len());
        real.copy_from_slice(bias);
        rest.fill(T::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_of_a_transposed_axis_match_its_definition() {
        for (input, kernel, stride, padding, more) in
            [(3, 4, 2, 1, 0), (4, 3, 2, 1, 1), (2, 2, 3, 0, 1), (5, 7, 1, 3, 0), (2, 5, 3, 4, 2)]
        {
            let output = (input - 1) * stride + kernel + more - 2 * padding;
            let axis = Axis::transposed(input, output, kernel, stride, padding);
            let mut found = Vec::new();
            for (r, phase) in axis.phases.iter().enumerate() {
                for j in 0..phase.count {
                    for tap in &phase.taps {
                        let from = j as isize + tap.offset;
                        if (0..input as isize).contains(&from) {
                            found.push((from as usize, tap.k, j * stride + r));
                        }
                    }
                }
            }
            let mut expected = Vec::new();
            for i in 0..input {
                for k in 0..kernel {
                    if let Some(y) = (i * stride + k).checked_sub(padding).filter(|y| *y < output) {
                        expected.push((i, k, y));
                    }
                }
            }
            found.sort();
            expected.sort();
            assert_eq!(found, expected);
        }
    }
}
