//! Channel norm, layer norm and reflection padding against plain loops and differences in f64.

mod naive;

use candle_core::{DType, Device, Result, Tensor, Var};
use cir_ops::{Activation, Kernels, channel_norm, instance_norm, layer_norm};
use naive::{
    activate, assert_close, assert_differentiates, differences, everywhere, values, var,
    with_gradients,
};
use proptest::prelude::*;

const ACTIVATIONS: [Activation; 3] =
    [Activation::None, Activation::Relu, Activation::LeakyRelu(0.2)];

fn naive_channel_norm(
    x: &[f64],
    [n, c, p]: [usize; 3],
    gain: f64,
    bias: f64,
    a: Activation,
) -> Vec<f64> {
    let mut y = vec![0.; x.len()];
    for (sample, at) in (0..n).flat_map(|s| (0..p).map(move |at| (s, at))) {
        let index = |channel: usize| (sample * c + channel) * p + at;
        let norm = (0..c).map(|i| x[index(i)].powi(2)).sum::<f64>().sqrt().max(1e-12);
        for i in (0..c).map(index) {
            y[i] = activate(a, gain * x[i] / norm + bias);
        }
    }
    y
}

fn naive_layer_norm(
    x: &[f64],
    [c, p]: [usize; 2],
    w: &[f64],
    b: &[f64],
    a: Activation,
) -> Vec<f64> {
    let size = (c * p) as f64;
    let sample = |x: &[f64]| {
        let mean = x.iter().sum::<f64>() / size;
        let std = (x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / size + 1e-5).sqrt();
        let one = |(i, x): (usize, &f64)| activate(a, (x - mean) / std * w[i / p] + b[i / p]);
        x.iter().enumerate().map(one).collect::<Vec<_>>()
    };
    x.chunks(c * p).flat_map(sample).collect()
}

proptest! {
    #![proptest_config(naive::config())]

    #[test]
    fn channel_norm_matches(n in 0usize..3, c in 1usize..6, h in 1usize..5, w in 1usize..20, kind in 0usize..3) {
        let a = ACTIVATIONS[kind];
        everywhere(|dtype, tolerance, kernels| {
            if n == 0 && kernels == Kernels::Candle {
                return;
            }
            let [x, g, b] = [var(&[n, c, h, w], 1, dtype), var(&[1], 2, dtype), var(&[1], 3, dtype)];
            let y = cir_ops::channel_norm(&x, &g, &b, a).unwrap();
            let f = |[x, g, b]: [&[f64]; 3]| naive_channel_norm(x, [n, c, h * w], g[0], b[0], a);
            let what = format!("{kernels:?} {dtype:?} {a:?} {n} {c} {h} {w}");
            assert_differentiates(&y, [&x, &g, &b], f, tolerance, &what);
        });
    }

    #[test]
    fn layer_norm_matches(n in 0usize..3, c in 1usize..6, h in 2usize..5, w in 1usize..20, kind in 0usize..3) {
        let a = ACTIVATIONS[kind];
        everywhere(|dtype, tolerance, kernels| {
            if n == 0 && kernels == Kernels::Candle {
                return;
            }
            let [x, g, b] = [var(&[n, c, h, w], 1, dtype), var(&[c, 1, 1], 2, dtype), var(&[c, 1, 1], 3, dtype)];
            let y = cir_ops::layer_norm(&x, &g, &b, 1e-5, a).unwrap();
            let f = |[x, g, b]: [&[f64]; 3]| naive_layer_norm(x, [c, h * w], g, b, a);
            let what = format!("{kernels:?} {dtype:?} {a:?} {n} {c} {h} {w}");
            assert_differentiates(&y, [&x, &g, &b], f, tolerance, &what);
        });
    }

    #[test]
    fn reflection_matches(n in 0usize..3, h in 2usize..7, w in 2usize..9, p in 1usize..6) {
        let p = p.min(h - 1).min(w - 1);
        everywhere(|dtype, tolerance, kernels| {
            if n == 0 && kernels == Kernels::Candle {
                return;
            }
            let x = var(&[n, 2, h, w], 1, dtype);
            let found = with_gradients(&cir_ops::reflection_pad2d(&x, p).unwrap(), &[&x]).unwrap();
            let from = |i: usize, len: usize| {
                let at = (i as isize - p as isize).unsigned_abs();
                if at < len { at } else { 2 * (len - 1) - at }
            };
            let f = |x: &[f64]| -> Vec<f64> {
                let rows = |plane: usize| (0..h + 2 * p).map(move |y| plane * h + from(y, h));
                let row = |y: usize| (0..w + 2 * p).map(move |column| y * w + from(column, w));
                (0..2 * n).flat_map(rows).flat_map(row).map(|i| x[i]).collect()
            };
            let xv = values(&x);
            let what = format!("{kernels:?} {dtype:?} {n} {h} {w} {p}");
            assert_close(&found[0], &f(&xv), tolerance, &what);
            assert_close(&found[1], &differences(&xv, f), tolerance.max(1e-6), &what);
        });
    }
}

#[test]
fn zero_vectors_have_finite_gradients() {
    let x = var(&[1, 3, 2, 2], 1, DType::F32);
    x.set(&x.zeros_like().unwrap()).unwrap();
    let [g, b] = [var(&[1], 2, DType::F32), var(&[1], 3, DType::F32)];
    let y = cir_ops::channel_norm(&x, &g, &b, Activation::None).unwrap();
    let found = with_gradients(&y, &[&x, &g, &b]).unwrap();
    assert!(found.iter().flatten().all(|v| v.is_finite()), "{found:?}");
}

#[test]
fn too_much_padding_names_both() {
    let x = var(&[1, 1, 3, 4], 1, DType::F32);
    let message = cir_ops::reflection_pad2d(&x, 3).unwrap_err().to_string();
    assert!(message.contains('3') && message.contains("[1, 1, 3, 4]"), "{message}");
}

/// An adversarial step may change parameters between a forward and its backward pass: where the
/// activation was is a fact of the forward pass.
#[test]
fn a_backward_pass_masks_as_its_forward_pass_did() {
    type Norm = fn(&Tensor, &Tensor, &Tensor) -> Result<Tensor>;
    let norms: [(usize, Norm); 3] = [
        (1, |x, w, b| channel_norm(x, w, b, Activation::Relu)),
        (4, |x, w, b| layer_norm(x, w, b, 1e-5, Activation::Relu)),
        (4, |x, w, b| instance_norm(x, Some(w), Some(b), 1e-5, Activation::Relu)),
    ];
    for (count, norm) in norms {
        let by_bias = |changed: bool| {
            let x = var(&[2, 4, 3, 5], 1, DType::F64);
            let [w, b] = [1f64, 0.].map(|v| Var::new(vec![v; count], &Device::Cpu).unwrap());
            let loss = norm(&x, &w, &b).unwrap().sum_all().unwrap();
            if changed {
                b.set(&(b.as_tensor() - 100.).unwrap()).unwrap();
            }
            loss.backward().unwrap().get(&b).unwrap().to_vec1::<f64>().unwrap()
        };
        let active: f64 = by_bias(false).iter().sum();
        assert!(0. < active && active < 120., "{active}");
        assert_eq!(by_bias(true), by_bias(false));
    }
}
