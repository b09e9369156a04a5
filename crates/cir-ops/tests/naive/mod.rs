//! What every operation should compute, as plain loops in f64.

#![allow(dead_code)]

use candle_core::{DType, Device, Result, Tensor, Var};
use cir_ops::{Activation, Kernels, with_kernels};
use proptest::test_runner::{Config, RngSeed};

/// Numbers in ±1 that depend on the seed alone.
pub(crate) fn numbers(len: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.
    };
    (0..len).map(|_| next()).collect()
}

/// A variable of `numbers`.
pub(crate) fn var(shape: &[usize], seed: u64, dtype: DType) -> Var {
    let data = numbers(shape.iter().product(), seed);
    let t = Tensor::from_vec(data, shape, &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
    Var::from_tensor(&t).unwrap()
}

/// The values as f64.
pub(crate) fn values(t: &Tensor) -> Vec<f64> {
    t.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

/// The gradients of Σ y·g for a fixed g, by each of `args`, and y itself first.
pub(crate) fn with_gradients(y: &Tensor, args: &[&Var]) -> Result<Vec<Vec<f64>>> {
    let g = Tensor::from_vec(numbers(y.elem_count(), 99), y.shape(), &Device::Cpu)?;
    let grads = (y * g.to_dtype(y.dtype())?)?.sum_all()?.backward()?;
    let of = |v: &&Var| grads.get(v).map_or_else(|| vec![0.; v.elem_count()], values);
    Ok(std::iter::once(values(y)).chain(args.iter().map(of)).collect())
}

/// Panics unless all are within `tolerance`, relative to the largest or to 0.1, since all operands
/// are of order 1.
pub(crate) fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let scale = expected.iter().fold(0.1f64, |m, v| m.max(v.abs()));
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance * scale, "{what}[{i}]: {a} is not {b} (scale {scale})");
    }
}

/// One convolution's shape; `transposed` swaps what the weight's first dimensions mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) transposed: bool,
    pub(crate) batch: usize,
    pub(crate) cin: usize,
    pub(crate) cout: usize,
    pub(crate) h: usize,
    pub(crate) w: usize,
    pub(crate) kh: usize,
    pub(crate) kw: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) output_padding: usize,
}

impl Shape {
    pub(crate) fn output(&self) -> Option<(usize, usize)> {
        let (s, p) = (self.stride, self.padding);
        let size = |n: usize, k: usize| match self.transposed {
            false => (n + 2 * p).checked_sub(k).map(|m| m / s + 1),
            true => ((n - 1) * s + k + self.output_padding).checked_sub(2 * p).filter(|m| *m > 0),
        };
        Some((size(self.h, self.kh)?, size(self.w, self.kw)?))
    }

    pub(crate) fn input_dims(&self) -> [usize; 4] {
        [self.batch, self.cin, self.h, self.w]
    }

    pub(crate) fn weight_dims(&self) -> [usize; 4] {
        let (a, b) = if self.transposed { (self.cin, self.cout) } else { (self.cout, self.cin) };
        [a, b, self.kh, self.kw]
    }

    /// Calls `f(x, w, y)` with the indices of every product.
    fn products(&self, mut f: impl FnMut(usize, usize, usize)) {
        let (oh, ow) = self.output().unwrap();
        // The larger side moves by the stride: b·stride + k - padding = a.
        let (big, small) = if self.transposed {
            ((oh, ow), (self.h, self.w))
        } else {
            ((self.h, self.w), (oh, ow))
        };
        for n in 0..self.batch {
            for i in 0..self.cin {
                for o in 0..self.cout {
                    for (y, x) in (0..small.0).flat_map(|y| (0..small.1).map(move |x| (y, x))) {
                        for (ky, kx) in (0..self.kh).flat_map(|a| (0..self.kw).map(move |b| (a, b)))
                        {
                            let by = (y * self.stride + ky).wrapping_sub(self.padding);
                            let bx = (x * self.stride + kx).wrapping_sub(self.padding);
                            if by >= big.0 || bx >= big.1 {
                                continue;
                            }
                            let ((iy, ix), (py, px)) = if self.transposed {
                                ((y, x), (by, bx))
                            } else {
                                ((by, bx), (y, x))
                            };
                            let pair =
                                if self.transposed { i * self.cout + o } else { o * self.cin + i };
                            f(
                                ((n * self.cin + i) * self.h + iy) * self.w + ix,
                                (pair * self.kh + ky) * self.kw + kx,
                                ((n * self.cout + o) * oh + py) * ow + px,
                            );
                        }
                    }
                }
            }
        }
    }

    /// Output, and the gradients by input, weight and bias.
    pub(crate) fn naive(&self, x: &[f64], w: &[f64], bias: &[f64]) -> [Vec<f64>; 4] {
        self.sums(x, w, bias, |v| v)
    }

    /// As [`naive`](Self::naive), of products whose operands are `rounded`.
    pub(crate) fn sums(
        &self,
        x: &[f64],
        w: &[f64],
        bias: &[f64],
        rounded: impl Fn(f64) -> f64,
    ) -> [Vec<f64>; 4] {
        let (oh, ow) = self.output().unwrap();
        let all = |v: &[f64]| v.iter().map(|v| rounded(*v)).collect::<Vec<_>>();
        let (x, w) = (all(x), all(w));
        let mut y = vec![0.; self.batch * self.cout * oh * ow];
        for (i, y) in y.iter_mut().enumerate() {
            *y = bias[i / (oh * ow) % self.cout];
        }
        let exact = numbers(y.len(), 99);
        let g = all(&exact);
        let (mut dx, mut dw) = (vec![0.; x.len()], vec![0.; w.len()]);
        let mut db = vec![0.; self.cout];
        self.products(|i, k, o| {
            y[o] += x[i] * w[k];
            dx[i] += g[o] * w[k];
            dw[k] += g[o] * x[i];
        });
        for (i, g) in exact.iter().enumerate() {
            db[i / (oh * ow) % self.cout] += g;
        }
        [y, dx, dw, db]
    }
}

/// Runs `f` for both types on every set of kernels, candle's included.
pub(crate) fn everywhere(f: impl Fn(DType, f64, Kernels)) {
    for kernels in Kernels::NAMES.map(|(_, k)| k).into_iter().filter(|k| k.available()) {
        for (dtype, tolerance) in [(DType::F64, 1e-10), (DType::F32, 3e-5)] {
            with_kernels(kernels, || f(dtype, tolerance, kernels)).unwrap();
        }
    }
}

/// dΣ(f·g)/dx by central differences, for g as `with_gradients` has it.
pub(crate) fn differences(x: &[f64], f: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let weighted = |x: &[f64]| {
        let y = f(x);
        y.iter().zip(numbers(y.len(), 99)).map(|(y, g)| y * g).sum::<f64>()
    };
    let step = 1e-5;
    let at = |i: usize, d: f64| {
        let mut x = x.to_vec();
        x[i] += d;
        weighted(&x)
    };
    (0..x.len()).map(|i| (at(i, step) - at(i, -step)) / (2. * step)).collect()
}

/// The activation's value.
pub(crate) fn activate(a: Activation, x: f64) -> f64 {
    match a {
        Activation::None => x,
        Activation::Relu => x.max(0.),
        Activation::LeakyRelu(slope) => {
            if x > 0. {
                x
            } else {
                slope * x
            }
        }
    }
}

/// Random shapes, the same in every run: differences across the kink of an activation, which some
/// operands would meet by chance, are no derivatives.
pub(crate) fn config() -> Config {
    Config { cases: 24, rng_seed: RngSeed::Fixed(7), ..Config::default() }
}

/// Panics unless `y` is `f` of the operands, and its gradients are the differences of `f`.
pub(crate) fn assert_differentiates(
    y: &Tensor,
    operands: [&Var; 3],
    f: impl Fn([&[f64]; 3]) -> Vec<f64>,
    tolerance: f64,
    what: &str,
) {
    let found = with_gradients(y, &operands).unwrap();
    let at = operands.map(|operand| values(operand));
    let at = [&*at[0], &*at[1], &*at[2]];
    assert_close(&found[0], &f(at), tolerance, what);
    // Differences are no better than this.
    let tolerance = tolerance.max(1e-6) * 10.;
    for i in 0..3 {
        let with = |moved: &[f64]| {
            let mut at = at;
            at[i] = moved;
            f(at)
        };
        assert_close(&found[i + 1], &differences(at[i], with), tolerance, what);
    }
}
