//! Normalisation, linear layers, losses, activations and Adam against plain loops in f64.

mod naive;

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Result, Tensor, Var};
use cir_ops::{Activation, AdamHyper, Kernels};
use naive::{
    activate, assert_close, assert_differentiates, everywhere, numbers, values, var, with_gradients,
};
use proptest::prelude::*;

fn naive_norm(x: &[f64], w: &[f64], b: &[f64], plane: usize, a: Activation) -> Vec<f64> {
    let channels = w.len();
    let mut y = Vec::new();
    for (p, x) in x.chunks(plane).enumerate() {
        let mean = x.iter().sum::<f64>() / plane as f64;
        let var = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / plane as f64;
        let c = p % channels;
        let one = |x: &f64| activate(a, (x - mean) / (var + 1e-5).sqrt() * w[c] + b[c]);
        y.extend(x.iter().map(one));
    }
    y
}

proptest! {
    #![proptest_config(naive::config())]

    #[test]
    fn instance_norm_matches(n in 0usize..3, c in 1usize..4, h in 2usize..6, w in 1usize..24, kind in 0..3) {
        let a = [Activation::None, Activation::Relu, Activation::LeakyRelu(0.2)][kind as usize];
        everywhere(|dtype, tolerance, kernels| {
            if n == 0 && kernels == Kernels::Candle {
                return;
            }
            let [x, g, b] = [var(&[n, c, h, w], 1, dtype), var(&[c], 2, dtype), var(&[c], 3, dtype)];
            let y = cir_ops::instance_norm(&x, Some(&g), Some(&b), 1e-5, a).unwrap();
            let f = |[x, g, b]: [&[f64]; 3]| naive_norm(x, g, b, h * w, a);
            let what = format!("{kernels:?} {dtype:?} {a:?} {n} {c} {h} {w}");
            assert_differentiates(&y, [&x, &g, &b], f, tolerance, &what);
        });
    }

    #[test]
    fn a_residual_norm_is_the_sum(n in 0usize..3, c in 1usize..4, h in 2usize..6, w in 1usize..24) {
        everywhere(|dtype, tolerance, kernels| {
            if n == 0 && kernels == Kernels::Candle {
                return;
            }
            let [x, r] = [1, 2].map(|seed| var(&[n, c, h, w], seed, dtype));
            let fused = cir_ops::residual_instance_norm(&x, &r, 1e-5).unwrap();
            let normed = cir_ops::instance_norm(&x, None, None, 1e-5, Activation::None).unwrap();
            let found = with_gradients(&fused, &[&x, &r]).unwrap();
            let expected = with_gradients(&(&normed + r.as_tensor()).unwrap(), &[&x, &r]).unwrap();
            for ((found, expected), name) in found.iter().zip(&expected).zip(["y", "dx", "dr"]) {
                assert_close(found, expected, tolerance, &format!("{name} {kernels:?} {dtype:?} {n} {c} {h} {w}"));
            }
        });
    }

    #[test]
    fn linear_matches(rows in 0usize..34, cin in 1usize..70, out in 1usize..80) {
        everywhere(|dtype, tolerance, kernels| {
            if rows == 0 && kernels == Kernels::Candle {
                return;
            }
            let [x, w, b] = [var(&[rows, cin], 1, dtype), var(&[out, cin], 2, dtype), var(&[out], 3, dtype)];
            let y = cir_ops::linear(&x, &w, Some(&b)).unwrap();
            let found = with_gradients(&y, &[&x, &w, &b]).unwrap();
            let (xv, wv, bv) = (values(&x), values(&w), values(&b));
            let g = numbers(rows * out, 99);
            let mut expected = [vec![0.; rows * out], vec![0.; rows * cin], vec![0.; out * cin], vec![0.; out]];
            for r in 0..rows {
                for o in 0..out {
                    expected[0][r * out + o] = bv[o];
                    expected[3][o] += g[r * out + o];
                    for i in 0..cin {
                        expected[0][r * out + o] += xv[r * cin + i] * wv[o * cin + i];
                        expected[1][r * cin + i] += g[r * out + o] * wv[o * cin + i];
                        expected[2][o * cin + i] += g[r * out + o] * xv[r * cin + i];
                    }
                }
            }
            for (found, expected) in found.iter().zip(&expected) {
                assert_close(found, expected, tolerance, &format!("{kernels:?} {dtype:?} {rows} {cin} {out}"));
            }
        });
    }

    #[test]
    fn a_fused_activation_is_the_activation_after(rows in 1usize..34, cin in 1usize..70, out in 1usize..80) {
        let a = Activation::LeakyRelu(0.2);
        everywhere(|dtype, _, kernels| {
            let [x, w, b] = [var(&[rows, cin], 1, dtype), var(&[out, cin], 2, dtype), var(&[out], 3, dtype)];
            let fused = cir_ops::linear_with(a, &x, &w, Some(&b)).unwrap();
            let after = a.apply(&cir_ops::linear(&x, &w, Some(&b)).unwrap()).unwrap();
            let [found, expected] = [fused, after].map(|y| with_gradients(&y, &[&x, &w, &b]).unwrap());
            assert!(found == expected, "{kernels:?} {dtype:?} {rows} {cin} {out}");
        });
    }

    #[test]
    fn losses_match(groups in 1usize..4, n in 1usize..4, rest in 1usize..700) {
        everywhere(|dtype, tolerance, kernels| {
            let x = var(&[groups * n, rest], 4, dtype);
            let y = var(&[groups * n, rest], 5, dtype);
            let (xv, yv) = (values(&x), values(&y));
            let scales = numbers(groups, 99);
            type Point = fn(f64, f64) -> (f64, f64, f64);
            let kinds: [(_, Point, usize); 3] = [
                (cir_ops::l1_groups(&x, &y, groups), |x, y| ((x - y).abs(), (x - y).signum(), (y - x).signum()), n * rest),
                (cir_ops::mse_groups(&x, &y, groups), |x, y| ((x - y).powi(2), 2. * (x - y), 2. * (y - x)), n * rest),
                (cir_ops::bce_groups(&x, &y, groups), |x, y| {
                    (x.max(0.) - x * y + (-x.abs()).exp().ln_1p(), 1. / (1. + (-x).exp()) - y, -x)
                }, n),
            ];
            for (kind, (loss, point, count)) in kinds.into_iter().enumerate() {
                let found = with_gradients(&loss.unwrap(), &[&x, &y]).unwrap();
                let mut expected = [vec![0.; groups], vec![], vec![]];
                for (i, (x, y)) in xv.iter().zip(&yv).enumerate() {
                    let (v, dx, dy) = point(*x, *y);
                    let g = i / (n * rest);
                    expected[0][g] += v / count as f64;
                    expected[1].push(dx * scales[g] / count as f64);
                    expected[2].push(dy * scales[g] / count as f64);
                }
                for (found, expected) in found.iter().zip(&expected) {
                    assert_close(found, expected, tolerance, &format!("{kind} {kernels:?} {dtype:?} {groups} {n} {rest}"));
                }
            }
        });
    }
}

#[test]
fn equal_numbers_have_no_l1_gradient() {
    let x = var(&[2, 3], 1, DType::F32);
    let y = Var::from_tensor(&x.detach().copy().unwrap()).unwrap();
    let found = with_gradients(&cir_ops::l1_groups(&x, &y, 1).unwrap(), &[&x, &y]).unwrap();
    assert_eq!(found, [vec![0.], vec![0.; 6], vec![0.; 6]]);
}

#[test]
fn activations_match() {
    everywhere(|dtype, tolerance, kernels| {
        let x = Var::from_tensor(&(var(&[5, 7, 11], 1, dtype).as_tensor() * 4.).unwrap()).unwrap();
        let xv = values(&x);
        let g = numbers(xv.len(), 99);
        let check = |y: candle_core::Result<Tensor>, f: &dyn Fn(f64) -> (f64, f64)| {
            let found = with_gradients(&y.unwrap(), &[&x]).unwrap();
            let expected: Vec<f64> = xv.iter().map(|x| f(*x).0).collect();
            assert_close(&found[0], &expected, tolerance, &format!("{kernels:?}"));
            let expected: Vec<f64> = xv.iter().zip(&g).map(|(x, g)| f(*x).1 * g).collect();
            assert_close(&found[1], &expected, tolerance, &format!("{kernels:?}"));
        };
        check(cir_ops::relu(&x), &|x| (x.max(0.), f64::from(x > 0.)));
        check(cir_ops::tanh(&x), &|x| (x.tanh(), 1. - x.tanh().powi(2)));
        let leaky = Activation::LeakyRelu(0.1).apply(&x);
        check(leaky, &|x| if x > 0. { (x, 1.) } else { (0.1 * x, 0.1) });
        let clamped = cir_ops::clamp(&x, -1., 2.);
        check(clamped, &|x| (x.clamp(-1., 2.), f64::from((-1. ..=2.).contains(&x))));
        // The bounds themselves let the gradient pass.
        let edges = Var::new(&[-1.5f64, -1., 0., 1., 1.5], &Device::Cpu).unwrap();
        let edges = Var::from_tensor(&edges.to_dtype(dtype).unwrap()).unwrap();
        let y = cir_ops::clamp(&edges, -1., 1.).unwrap();
        let grads = y.sum_all().unwrap().backward().unwrap();
        assert_eq!(values(&y), [-1., -1., 0., 1., 1.]);
        assert_eq!(values(grads.get(&edges).unwrap()), [0., 1., 1., 1., 0.]);
    });
}

#[test]
fn adam_in_place_equals_adam_in_new_tensors() {
    let hyper = AdamHyper { lr: 1e-2, beta1: 0.5, beta2: 0.999, eps: 1e-8, weight_decay: 1e-2 };
    everywhere(|dtype, tolerance, kernels| {
        let vars: Vec<Var> = (0..3).map(|i| var(&[40, 1001], i, dtype)).collect();
        vars[2].set(&vars[2].sqr().unwrap()).unwrap();
        let mut expected: Vec<Tensor> =
            vars.iter().map(|v| v.detach().copy().unwrap().to_dtype(DType::F64).unwrap()).collect();
        for t in 1..4 {
            let grad = var(&[40, 1001], 10 + t, dtype).detach();
            cir_ops::adam_step(&vars[0], &grad, &vars[1], &vars[2], t, hyper).unwrap();
            let grad = grad.to_dtype(DType::F64).unwrap();
            let (p, m, v) =
                cir_ops::adam_update(&expected[0], &grad, &expected[1], &expected[2], t, hyper)
                    .unwrap();
            expected = vec![p, m, v];
        }
        for (found, expected) in vars.iter().zip(&expected) {
            assert_close(&values(found), &values(expected), tolerance, &format!("{kernels:?}"));
        }
    });
}

/// They would slow every later update down.
#[test]
fn moments_that_nothing_feeds_any_more_end_at_0() {
    let hyper = AdamHyper { lr: 1e-2, beta1: 0.5, beta2: 0.5, eps: 1e-8, weight_decay: 0. };
    everywhere(|dtype, _, kernels| {
        if kernels == Kernels::Candle {
            return; // Its operations keep what they compute.
        }
        let vars: Vec<Var> = (0..3).map(|i| var(&[37], i, dtype)).collect();
        vars[2].set(&vars[2].sqr().unwrap()).unwrap();
        let grad = vars[0].zeros_like().unwrap();
        for t in 1..1100 {
            cir_ops::adam_step(&vars[0], &grad, &vars[1], &vars[2], t, hyper).unwrap();
            let moments = vars[1..].iter().flat_map(|v| values(v));
            let smallest = if dtype == DType::F32 { 2f64.powi(-126) } else { f64::MIN_POSITIVE };
            assert!(moments.into_iter().all(|m| m == 0. || m.abs() >= smallest), "{kernels:?}");
        }
        assert!(vars[1..].iter().all(|v| values(v).iter().all(|&m| m == 0.)), "{kernels:?}");
    });
}

#[test]
fn adam_refuses_shared_memory_and_other_shapes() {
    let hyper = AdamHyper { lr: 1e-2, beta1: 0.5, beta2: 0.999, eps: 1e-8, weight_decay: 0. };
    let [p, m] = [var(&[3], 1, DType::F32), var(&[3], 2, DType::F32)];
    let g = Tensor::zeros(3, DType::F32, &Device::Cpu).unwrap();
    assert!(cir_ops::adam_step(&p, &g, &m, &m.clone(), 1, hyper).is_err());
    let other = var(&[4], 2, DType::F32);
    let message = cir_ops::adam_step(&p, &g, &m, &other, 1, hyper).unwrap_err().to_string();
    assert!(message.contains("[3]") && message.contains("[4]"), "{message}");
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let x = var(&[12, 5, 121, 127], 1, DType::F32);
            let y = cir_ops::instance_norm(&x, None, None, 1e-5, Activation::Relu).unwrap();
            let y = cir_ops::tanh(&y).unwrap();
            let loss = cir_ops::bce_groups(&y, &(y.detach() * 0.5).unwrap(), 3).unwrap();
            let w = var(&[200, 127], 2, DType::F32);
            let z = cir_ops::linear(&x.flatten(0, 2).unwrap(), &w, None).unwrap();
            [with_gradients(&loss, &[&x]).unwrap(), with_gradients(&z, &[&x, &w]).unwrap()]
        })
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(5));
}

#[test]
fn backward_equals_candles_where_variables_are_used_several_times() {
    everywhere(|dtype, tolerance, kernels| {
        let [x, w, b] =
            [var(&[4, 3, 6, 6], 1, dtype), var(&[3, 3, 3, 3], 2, dtype), var(&[3], 3, dtype)];
        let cfg = cir_ops::Conv2dConfig { padding: 1, ..Default::default() };
        let once = |x: &Tensor| {
            let y = cir_ops::conv2d(x, &w, Some(&b), cfg)?;
            cir_ops::instance_norm(&y, Some(&b), None, 1e-5, Activation::Relu)
        };
        let y = once(&once(&x).unwrap()).unwrap();
        // candle's own operation takes part too.
        let y = y.broadcast_mul(&b.reshape((1, 3, 1, 1)).unwrap()).unwrap();
        let loss = cir_ops::mse_groups(&y, &x, 1).unwrap().sum_all().unwrap();
        let (ours, candles) = (cir_ops::backward(&loss).unwrap(), loss.backward().unwrap());
        for v in [&x, &w, &b] {
            let [found, expected] = [&ours, &candles].map(|g| values(g.get(v).unwrap()));
            assert_close(&found, &expected, tolerance, &format!("{kernels:?}"));
        }
    });
}

#[test]
fn gradients_are_those_of_candles_kernels_where_its_operations_lie_between() {
    let run = |dtype, pass: fn(&Tensor) -> Result<GradStore>| -> Result<Vec<f64>> {
        let [x, w] = [var(&[2, 3, 6, 6], 1, dtype), var(&[3, 3, 3, 3], 2, dtype)];
        let l = var(&[5, 54], 3, dtype);
        let cfg = cir_ops::Conv2dConfig { padding: 1, ..Default::default() };
        let y = cir_ops::conv2d(&x, &w, None, cfg)?;
        // Used as an input, as a residual, and by candle.
        let z = cir_ops::conv2d(&y, &w, None, cfg)?;
        let z = cir_ops::residual_instance_norm(&z, &y, 1e-5)?;
        let mixed = (z.narrow(1, 1, 2)? * y.narrow(1, 0, 2)?)?.narrow(2, 0, 3)?;
        let both = Tensor::cat(&[mixed, z.narrow(1, 0, 1)?.narrow(2, 0, 3)?], 1)?;
        let out = cir_ops::linear(&both.reshape((2, 54))?, &l, None)?;
        let grads = pass(&(out.sqr()?.sum_all()? + y.sum_all()?)?)?;
        Ok([x, w, l].iter().flat_map(|v| values(grads.get(v).unwrap())).collect())
    };
    everywhere(|dtype, tolerance, kernels| {
        let candles = || run(dtype, |loss| loss.backward()).unwrap();
        let expected = cir_ops::with_kernels(Kernels::Candle, candles).unwrap();
        for pass in [cir_ops::backward as fn(&Tensor) -> _, |loss: &Tensor| loss.backward()] {
            let found = run(dtype, pass).unwrap();
            assert_close(&found, &expected, 10. * tolerance, &format!("{kernels:?} {dtype:?}"));
        }
    });
}

#[test]
fn a_gradient_that_was_given_is_left_as_it_was() {
    let [x, w] = [var(&[4, 3], 1, DType::F32), var(&[5, 3], 2, DType::F32)];
    let y = cir_ops::linear(&x, &w, None).unwrap();
    let g = var(&[4, 5], 3, DType::F32).as_tensor().clone();
    let before = values(&g);
    let one = cir_ops::backward_from(&[(y.clone(), g.clone())]).unwrap();
    let three = cir_ops::backward_from(&vec![(y, g.clone()); 3]).unwrap();
    assert_eq!(values(&g), before);
    let [one, three] = [one, three].map(|grads| values(grads.get(&w).unwrap()));
    assert_close(&three, &one.iter().map(|v| 3. * v).collect::<Vec<_>>(), 1e-5, "three times");
}

/// The residual's gradient is the given one itself, and is added to.
#[test]
fn a_gradient_that_is_passed_on_is_not_added_to_in_place() {
    let [x, r] = [var(&[2, 3, 4, 4], 1, DType::F32), var(&[2, 3, 4, 4], 2, DType::F32)];
    let norm = |x: &Tensor| cir_ops::residual_instance_norm(x, &r, 1e-5).unwrap();
    let y = norm(&norm(&x));
    let g = var(&[2, 3, 4, 4], 3, DType::F32).as_tensor().clone();
    let before = values(&g);
    let found = cir_ops::backward_from(&[(y.clone(), g.clone())]).unwrap();
    assert_eq!(values(&g), before);
    let expected = (y * g).unwrap().sum_all().unwrap().backward().unwrap();
    for v in [&x, &r] {
        let [found, expected] = [&found, &expected].map(|grads| values(grads.get(v).unwrap()));
        assert_close(&found, &expected, 1e-5, "residual");
    }
}

/// A variable's only gradient is the caller's own tensor.
#[test]
fn what_a_pass_returns_is_nobody_elses() {
    let x = var(&[2, 3], 1, DType::F32);
    let g = var(&[3, 2], 2, DType::F32).t().unwrap();
    let grads = cir_ops::backward_from(&[(x.as_tensor().clone(), g.clone())]).unwrap();
    let found = grads.get(&x).unwrap();
    assert!(found.is_contiguous());
    assert_eq!(values(found), values(&g));
    found.slice_set(&Tensor::zeros((2, 3), DType::F32, &Device::Cpu).unwrap(), 0, 0).unwrap();
    assert!(values(&g).iter().any(|v| *v != 0.));
}

#[test]
fn a_backward_pass_from_outputs_is_that_of_their_weighted_sum() {
    everywhere(|dtype, tolerance, kernels| {
        let [x, w] = [var(&[4, 3], 1, dtype), var(&[5, 3], 2, dtype)];
        let [y, z] = [cir_ops::linear(&x, &w, None).unwrap(), x.sqr().unwrap()];
        let [g, h] =
            [var(&[4, 5], 3, dtype), var(&[4, 3], 4, dtype)].map(|v| v.as_tensor().clone());
        let outputs = [(y.clone(), g.clone()), (z.clone(), h.clone())];
        let found = cir_ops::backward_from(&outputs).unwrap();
        let sum = |a: &Tensor, b: &Tensor| (a * b).unwrap().sum_all().unwrap();
        let expected = (sum(&y, &g) + sum(&z, &h)).unwrap().backward().unwrap();
        for v in [&x, &w] {
            let [found, expected] = [&found, &expected].map(|grads| values(grads.get(v).unwrap()));
            assert_close(&found, &expected, tolerance, &format!("{kernels:?} {dtype:?}"));
        }
    });
    assert!(cir_ops::backward_from(&[]).is_err());
    let x = var(&[2], 1, DType::F32);
    let message = cir_ops::backward_from(&[(
        x.affine(2., 0.).unwrap(),
        var(&[3], 2, DType::F32).as_tensor().clone(),
    )]);
    let message = message.unwrap_err().to_string();
    assert!(message.contains("[2]") && message.contains("[3]"), "{message}");
}
