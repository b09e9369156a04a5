//! Minimal filtering whether it is faster or not, against the sums over all taps in f64.

use crate::activation::Activation;
use crate::kernels::Kernels;
use crate::numbers::Number;
use crate::precision::Precision;
use crate::simd::portable::F64;
use crate::simd::{Generic, Simd};

use super::super::gradient::{self, WeightGradient};
use super::super::plan::{Axis, Correlation};
use super::super::rows;
use super::split::{Filter, Split};

/// Numbers in ±1 that depend on the seed alone.
fn numbers<T: Number>(len: usize, seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        f64::from((state >> 40) as u32) / f64::from(1 << 23) - 1.
    };
    (0..len).map(|_| T::narrow(next())).collect()
}

fn wide<T: Number>(numbers: &[T]) -> Vec<f64> {
    numbers.iter().map(|v| v.wide()).collect()
}

/// The largest difference and the root of the mean square, relative to that of `expected`.
fn deviation<T: Number>(found: &[T], expected: &[f64]) -> [f64; 2] {
    assert_eq!(found.len(), expected.len());
    let root = |squares: f64| (squares / expected.len().max(1) as f64).sqrt();
    let scale = root(expected.iter().map(|v| v * v).sum()).max(1e-3);
    let differences = || found.iter().zip(expected).map(|(a, b)| (a.wide() - b).abs());
    let most = differences().fold(0., |m: f64, d| if d <= m { m } else { d });
    [most / scale, root(differences().map(|d| d * d).sum()) / scale]
}

/// A layer: transposed, kernel, stride, padding, channels in and out, height, width, batch.
type Layer = (bool, usize, usize, usize, [usize; 2], [usize; 2], usize);

fn correlation((transposed, k, stride, padding, channels, sides, batch): Layer) -> Correlation {
    let axis = |i: usize| {
        let n = sides[i];
        match transposed {
            true => Axis::transposed(n, (n - 1) * stride + k - 2 * padding, k, stride, padding),
            false => Axis::forward(n, (n + 2 * padding - k) / stride + 1, k, stride, padding),
        }
    };
    let [inputs, outputs] = channels;
    let (weight_input_step, weight_output_step) = (k * k, inputs * k * k);
    let (y, x, kernel) = (axis(0), axis(1), [k, k]);
    Correlation {
        batch,
        inputs,
        outputs,
        y,
        x,
        kernel,
        weight_input_step,
        weight_output_step,
        // As in a forward pass, whose sums are added up in short parts.
        exact: true,
    }
}

/// The filters that a layer's kernel can have.
fn filters(layer: Layer) -> impl Iterator<Item = Filter> {
    let axis = correlation(layer).y;
    Filter::ALL.into_iter().filter(move |filter| Split::new(&axis, *filter).is_some())
}

/// What [`Compare`] found of a layer, by minimal filtering and by sums over all taps.
struct Deviations {
    output: [[f64; 2]; 2],
    gradient: [[f64; 2]; 2],
}

struct Compare(Layer, Filter);

impl<T: Number> Generic<T> for Compare {
    type Out = Deviations;

    fn run<S: Simd<T = T>>(self) -> Deviations {
        let c = correlation(self.0);
        let (_, k, stride, padding, ..) = self.0;
        let image = |axes: [usize; 2]| axes[0] * axes[1];
        let (from, to) = ([c.y.input, c.x.input], [c.y.output, c.x.output]);
        let x = numbers::<T>(c.batch * c.inputs * image(from), 1);
        let weight = numbers::<T>(c.inputs * c.outputs * k * k, 2);
        let slopes = numbers::<T>(c.len(), 4);
        // Every other layer with a bias and an activation.
        let biased = k % 2 == c.inputs % 2;
        let bias = biased.then(|| numbers::<T>(c.outputs, 3));
        let activation = if biased { Activation::LeakyRelu(0.25) } else { Activation::None };
        let wide_bias = bias.as_deref().map(wide);
        let exact =
            rows::correlate::<F64>(&c, &wide(&x), &wide(&weight), wide_bias.as_deref(), activation);
        let splits = |axes: [&Axis; 2]| axes.map(|axis| Split::new(axis, self.1).unwrap());
        let found = super::correlate::<S>(
            &c,
            splits([&c.y, &c.x]),
            &x,
            &weight,
            bias.as_deref(),
            activation,
        );
        let before = rows::correlate::<S>(&c, &x, &weight, bias.as_deref(), activation);
        let output = [deviation(&found, &exact), deviation(&before, &exact)];

        let input = ([c.inputs, from[0], from[1]], &x);
        let output_of = ([c.outputs, to[0], to[1]], &slopes);
        let (a, b) = if self.0.0 { (output_of, input) } else { (input, output_of) };
        let padding = [padding as isize; 2];
        let (batch, kernel) = (c.batch, c.kernel);
        let g = WeightGradient { batch, a: a.0, b: b.0, kernel, stride, padding };
        let steps = [a.0[0] * k * k, k * k];
        let exact = gradient::weight_gradient::<F64>(&g, &wide(a.1), &wide(b.1), steps, false);
        let [y, x] = super::gradient::axes(&g).unwrap();
        let [down, across] = splits([&y, &x]);
        let axes = [(y, down), (x, across)];
        let found = super::weight_gradient::<S>(&g, axes, a.1, b.1, steps);
        let before = gradient::weight_gradient::<S>(&g, a.1, b.1, steps, false);
        Deviations { output, gradient: [deviation(&found, &exact), deviation(&before, &exact)] }
    }
}

fn own_kernels() -> impl Iterator<Item = Kernels> {
    let names = Kernels::NAMES.into_iter().map(|(_, k)| k);
    names.filter(|k| k.available() && *k != Kernels::Candle)
}

#[test]
fn all_sides_paddings_and_channels_match_sums_over_all_taps() {
    let mut drawn = numbers::<f64>(4000, 7).into_iter();
    let mut next = |n: usize| ((drawn.next().unwrap() + 1.) / 2. * n as f64) as usize;
    for (transposed, k, stride) in [
        (false, 3, 1),
        (true, 3, 1),
        (false, 4, 2),
        (true, 4, 2),
        (false, 3, 2),
        (true, 3, 2),
        (false, 2, 1),
        (true, 2, 1),
        (false, 6, 2),
        (true, 6, 2),
    ] {
        for _ in 0..25 {
            let padding = next(5);
            let channels = [1 + next(70), 1 + next(39)];
            let (sides, batch) = ([1 + next(17), 1 + next(23)], next(4));
            let layer = (transposed, k, stride, padding, channels, sides, batch);
            let fits = sides.iter().all(|n| match transposed {
                true => (n - 1) * stride + k > 2 * padding,
                false => n + 2 * padding >= k,
            });
            if !fits {
                continue;
            }
            for (kernels, filter) in own_kernels().flat_map(|k| filters(layer).map(move |f| (k, f)))
            {
                let compare = || Compare(layer, filter);
                let found: [Deviations; 3] = [
                    f32::dispatch(kernels, compare()),
                    f64::dispatch(kernels, compare()),
                    f32::dispatch_at(Precision::Bf16, kernels, compare()),
                ];
                let bounds = [1e-5, 1e-13, 5e-2];
                for (Deviations { output, gradient }, bound) in found.iter().zip(bounds) {
                    assert!(output[0][0] < bound, "{layer:?} {kernels:?}: {output:?}");
                    assert!(gradient[0][0] < bound, "{layer:?} {kernels:?}: {gradient:?}");
                }
            }
        }
    }
}

/// Whether a correlation, and the gradient of a layer's weights, are filtered.
struct Taken(Correlation, WeightGradient);

impl Generic<f32> for Taken {
    type Out = [bool; 2];

    fn run<S: Simd<T = f32>>(self) -> [bool; 2] {
        [super::splits::<S>(&self.0).is_some(), super::gradient_splits::<S>(&self.1).is_some()]
    }
}

/// Whether products are of packed numbers.
struct Packs;

impl Generic<f32> for Packs {
    type Out = bool;

    fn run<S: Simd<T = f32>>(self) -> bool {
        S::PAIR > 1
    }
}

/// The layers with which `tests/conv.rs` looks for a dependence on the number of threads.
#[test]
fn wide_layers_are_filtered_but_forward_where_a_tap_stands_alone_unless_in_bf16() {
    for (transposed, k, stride, channels, side, batch) in [
        (false, 3, 1, 130, 20, 3),
        (false, 4, 2, 130, 40, 4),
        (true, 4, 2, 130, 20, 4),
        (true, 3, 1, 130, 12, 5),
        (false, 3, 2, 130, 64, 4),
    ] {
        let small = if transposed || stride == 1 { side } else { side / 2 };
        let large = if transposed { side * stride } else { side };
        for back in [false, true] {
            // The gradient of the input is the other kind of correlation, between the same sides.
            let grows = transposed != back;
            let from = if grows { small } else { large };
            let layer = (grows, k, stride, 1, [channels; 2], [from; 2], batch);
            let c = Correlation { exact: !back, ..correlation(layer) };
            let [a, b] = [large, small].map(|side| [channels, side, side]);
            let g = WeightGradient { batch, a, b, kernel: [k; 2], stride, padding: [1; 2] };
            let taken = |at| f32::dispatch_at(at, Kernels::best(), Taken(c.clone(), g.clone()));
            let whole = (k, stride) != (3, 2);
            assert_eq!(taken(Precision::Full), [back || whole, true], "{layer:?}, back {back}");
            let packs = f32::dispatch_at(Precision::Bf16, Kernels::best(), Packs);
            let expected = [back || whole || packs, true];
            assert_eq!(taken(Precision::Bf16), expected, "{layer:?}, back {back}");
        }
    }
}

/// Transforms add roundings, shorter sums save some.
#[test]
fn rounding_is_about_that_of_sums_over_all_taps() {
    for layer in [
        (false, 3, 1, 1, [256, 40], [20, 20], 1),
        // More inputs than a sum takes at a time, and more tiles.
        (false, 3, 1, 1, [300, 40], [40, 40], 1),
        // Chunks of odd numbers of tiles.
        (false, 3, 1, 1, [300, 40], [38, 38], 1),
        (false, 4, 2, 1, [300, 70], [64, 64], 1),
        (false, 3, 2, 1, [40, 40], [64, 64], 2),
        (false, 4, 2, 1, [128, 40], [32, 32], 1),
        (true, 4, 2, 1, [256, 40], [16, 16], 1),
    ] {
        for (filter, at) in
            filters(layer).flat_map(|f| [Precision::Full, Precision::Bf16].map(|at| (f, at)))
        {
            let found = f32::dispatch_at(at, Kernels::best(), Compare(layer, filter));
            let short = filter.taps == 3 && at == Precision::Full;
            let bounds = [if short { 1.5 } else { 2.5 }, 2.5];
            for ([found, before], bound) in [found.output, found.gradient].into_iter().zip(bounds) {
                // Largest differences scatter.
                let near = found[0] < 3. * before[0] && found[1] < bound * before[1];
                assert!(near, "{layer:?} {filter:?} {at:?}: {found:?} instead of {before:?}");
            }
        }
    }
}
