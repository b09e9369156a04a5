//! Both convolutions and their gradients against plain loops, on every instruction set.

mod naive;

use candle_core::{DType, Result, Tensor, Var};
use cir_ops::{
    Activation, Conv2dConfig, ConvOptions, ConvTranspose2dConfig, Kernels, PaddingMode, Precision,
    with_kernels,
};
use half::bf16;
use naive::{Shape, assert_close, values, var, with_gradients};
use proptest::prelude::*;

const BF16: ConvOptions = ConvOptions {
    activation: Activation::None,
    precision: Precision::Bf16,
    padding_mode: PaddingMode::Zeros,
};

fn apply(
    options: ConvOptions,
    s: &Shape,
    x: &Tensor,
    w: &Tensor,
    b: Option<&Tensor>,
) -> Result<Tensor> {
    let &Shape { stride, padding, output_padding, .. } = s;
    if s.transposed {
        let cfg = ConvTranspose2dConfig { stride, padding, output_padding, dilation: 1 };
        cir_ops::conv_transpose2d_with(options, x, w, b, cfg)
    } else {
        let cfg = Conv2dConfig { stride, padding, ..Default::default() };
        cir_ops::conv2d_with(options, x, w, b, cfg)
    }
}

fn operands(s: &Shape, dtype: DType) -> [Var; 3] {
    [var(&s.input_dims(), 1, dtype), var(&s.weight_dims(), 2, dtype), var(&[s.cout], 3, dtype)]
}

fn all(s: &Shape, dtype: DType, kernels: Kernels) -> Vec<Vec<f64>> {
    let [x, w, b] = operands(s, dtype);
    with_kernels(kernels, || {
        let y = apply(ConvOptions::default(), s, &x, &w, Some(&b)).unwrap();
        with_gradients(&y, &[&x, &w, &b]).unwrap()
    })
    .unwrap()
}

fn own_kernels() -> impl Iterator<Item = Kernels> {
    let names = Kernels::NAMES.into_iter().map(|(_, k)| k);
    names.filter(|k| k.available() && *k != Kernels::Candle)
}

/// Whether products of bfloat16 are what `Precision::Bf16` computes here; elsewhere it is f32.
fn multiplies_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    return Kernels::current().unwrap() == Kernels::Avx512
        && is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Whether a pass may be filtered: runs of two or three taps; of few pixels, these shapes are not.
fn may_filter(s: &Shape) -> bool {
    let neighbours = |k: usize| (2..=3).contains(&k.div_ceil(s.stride));
    neighbours(s.kh) && neighbours(s.kw) && s.h.max(s.w) > 5
}

fn check(s: &Shape) {
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 2e-5)] {
        let [x, w, b] = operands(s, dtype);
        let expected = s.naive(&values(&x), &values(&w), &values(&b));
        for kernels in own_kernels() {
            let found = all(s, dtype, kernels);
            for ((found, expected), name) in
                found.iter().zip(&expected).zip(["y", "dx", "dw", "db"])
            {
                assert_close(found, expected, tolerance, &format!("{name} {kernels:?} {s:?}"));
            }
        }
        // Operands are rounded, their products are exact in f32; but minimal filtering may round what
        // it makes of the operands.
        if dtype == DType::F32 {
            let packs = multiplies_bf16();
            let rounded = |v: f64| if packs { bf16::from_f32(v as f32).into() } else { v };
            let tolerance = if packs && may_filter(s) { 3e-2 } else { tolerance };
            let expected = s.sums(&values(&x), &values(&w), &values(&b), rounded);
            let y = apply(BF16, s, &x, &w, Some(&b)).unwrap();
            let found = with_gradients(&y, &[&x, &w, &b]).unwrap();
            for (found, expected) in found.iter().zip(&expected) {
                assert_close(found, expected, tolerance, &format!("bf16 {s:?}"));
            }
        }
    }
}

prop_compose! {
    fn shapes()(
        transposed: bool, batch in 0usize..4, cin in 1usize..20, cout in 1usize..40,
        h in 1usize..12, w in 1usize..20, kh in 1usize..6, kw in 1usize..6,
        stride in 1usize..5, padding in 0usize..4, output_padding in 0usize..3,
    ) -> Shape {
        let output_padding = output_padding.min(stride - 1);
        Shape { transposed, batch, cin, cout, h, w, kh, kw, stride, padding, output_padding }
    }
}

prop_compose! {
    /// Layers whose passes minimal filtering may take: runs of two or three taps, many channels.
    fn filtered_shapes()(
        transposed: bool, batch in 0usize..5, cin in 60usize..90, cout in 60usize..90,
        h in 1usize..14, w in 1usize..22, (k, stride) in prop::sample::select(vec![(3, 1), (4, 2), (3, 2), (6, 2)]),
        padding in 0usize..3, output_padding in 0usize..2,
    ) -> Shape {
        let output_padding = output_padding.min(stride - 1);
        let (kh, kw) = (k, k);
        Shape { transposed, batch, cin, cout, h, w, kh, kw, stride, padding, output_padding }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn random_shapes_of_filtered_passes_match_plain_loops(s in filtered_shapes()) {
        if s.output().is_some() {
            check(&s);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn random_shapes_match_plain_loops(s in shapes()) {
        if s.output().is_some() {
            check(&s);
        }
    }

    #[test]
    fn many_samples_of_tiny_images_match_plain_loops(s in shapes(), batch in 5usize..40) {
        let s = Shape { batch, h: s.h.min(5), w: s.w.min(5), ..s };
        if s.output().is_some() {
            check(&s);
        }
    }
}

/// The project's layers, at sizes that take the paths of the large ones.
fn layers() -> [Shape; 16] {
    let layer = |transposed, sizes: [usize; 6], side, batch| {
        let [cin, cout, k, stride, padding, output_padding] = sizes;
        let (h, w, kh, kw) = (side, side, k, k);
        Shape { transposed, batch, cin, cout, h, w, kh, kw, stride, padding, output_padding }
    };
    [
        layer(false, [3, 33, 7, 1, 3, 0], 24, 2),
        layer(false, [16, 40, 4, 2, 1, 0], 34, 2),
        layer(false, [40, 3, 7, 1, 3, 0], 26, 2),
        layer(false, [33, 16, 3, 1, 1, 0], 3, 14),
        layer(true, [20, 33, 4, 2, 1, 0], 16, 2),
        layer(true, [20, 3, 3, 2, 1, 1], 17, 1),
        layer(false, [64, 64, 3, 1, 1, 0], 12, 2),
        // Few channels of pixels that fill the vectors: several tiles of channels, not all alike.
        layer(false, [5, 13, 3, 1, 1, 0], 16, 2),
        layer(false, [8, 16, 4, 2, 1, 0], 32, 2),
        layer(true, [16, 7, 4, 2, 1, 0], 16, 2),
        // Few positions and many weights; then outputs without taps, and phases without outputs.
        layer(false, [131, 130, 4, 2, 1, 0], 6, 2),
        layer(true, [130, 131, 4, 2, 1, 0], 3, 2),
        layer(true, [259, 256, 2, 3, 0, 0], 2, 2),
        layer(false, [182, 182, 3, 2, 1, 0], 1, 2),
        layer(true, [512, 512, 1, 2, 0, 0], 1, 2),
        Shape { h: 1, kh: 1, padding: 0, ..layer(false, [300, 300, 3, 2, 0, 0], 7, 2) },
    ]
}

/// Rows of seven vectors of 16: one tile of four channels holds at most six.
#[test]
fn several_tiles_of_channels_and_of_pixels_match_plain_loops() {
    let (stride, padding, output_padding) = (1, 1, 0);
    let (batch, cin, cout, h, w, kh, kw) = (1, 3, 13, 3, 112, 3, 3);
    let transposed = false;
    check(&Shape { transposed, batch, cin, cout, h, w, kh, kw, stride, padding, output_padding });
}

/// On one thread a task takes two of the samples, of which the last task has one.
#[test]
fn several_samples_of_a_task_match_plain_loops() {
    let (stride, padding, output_padding, transposed) = (2, 1, 0, false);
    let (batch, cin, cout, h, w, kh, kw) = (9, 20, 40, 33, 37, 3, 3);
    let s = Shape { transposed, batch, cin, cout, h, w, kh, kw, stride, padding, output_padding };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| check(&s));
}

#[test]
fn layers_of_the_networks_match_plain_loops() {
    layers().iter().for_each(check);
}

#[test]
fn a_fused_activation_is_the_activation_after() {
    for (s, activation) in
        layers().iter().zip([Activation::Relu, Activation::LeakyRelu(0.2)].iter().cycle())
    {
        let [x, w, b] = operands(s, DType::F32);
        let fused = ConvOptions { activation: *activation, ..Default::default() };
        for (_, kernels) in Kernels::NAMES.into_iter().filter(|(_, k)| k.available()) {
            let [found, expected] = [fused, ConvOptions::default()].map(|options| {
                with_kernels(kernels, || {
                    let mut y = apply(options, s, &x, &w, Some(&b)).unwrap();
                    if options != fused {
                        y = activation.apply(&y).unwrap();
                    }
                    with_gradients(&y, &[&x, &w, &b]).unwrap()
                })
                .unwrap()
            });
            assert!(found == expected, "{kernels:?} {activation:?} {s:?}");
        }
    }
}

#[test]
fn fused_reflection_is_reflection_before() {
    let reflecting = ConvOptions { padding_mode: PaddingMode::Reflect, ..Default::default() };
    // Sides and padding; the last are the smallest that can be mirrored.
    for (s, (h, w, padding)) in
        layers().iter().zip([(9, 12, 3), (5, 4, 2), (4, 3, 2)].iter().cycle())
    {
        let s = Shape { h: *h, w: *w, padding: *padding, ..*s };
        if s.transposed || s.output().is_none() {
            continue;
        }
        let [x, w, b] = operands(&s, DType::F32);
        let unpadded = Shape { padding: 0, ..s };
        for (_, kernels) in Kernels::NAMES.into_iter().filter(|(_, k)| k.available()) {
            let [found, expected] = [true, false].map(|fused| {
                with_kernels(kernels, || {
                    let y = if fused {
                        apply(reflecting, &s, &x, &w, Some(&b)).unwrap()
                    } else {
                        let x = cir_ops::reflection_pad2d(&x, s.padding).unwrap();
                        apply(ConvOptions::default(), &unpadded, &x, &w, Some(&b)).unwrap()
                    };
                    match kernels {
                        // candle has no gradient of an input that the stride does not divide.
                        Kernels::Candle => vec![values(&y)],
                        _ => with_gradients(&y, &[&x, &w, &b]).unwrap(),
                    }
                })
                .unwrap()
            });
            assert!(found == expected, "{kernels:?} {s:?}");
        }
    }
}

#[test]
fn reflection_that_does_not_fit_is_refused() {
    let reflecting = ConvOptions { padding_mode: PaddingMode::Reflect, ..Default::default() };
    let [small, transposed] = [Shape { h: 3, ..layers()[0] }, layers()[4]];
    for (s, part) in [(small, "padding 3"), (transposed, "Reflect")] {
        let [x, w, b] = operands(&s, DType::F32);
        let message = apply(reflecting, &s, &x, &w, Some(&b)).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_fused_slope_below_0_is_refused() {
    let s = &layers()[3];
    let [x, w, b] = operands(s, DType::F32);
    let activation = Activation::LeakyRelu(-0.5);
    let options = ConvOptions { activation, ..Default::default() };
    let message = apply(options, s, &x, &w, Some(&b)).unwrap_err().to_string();
    assert!(message.contains("conv2d") && message.contains("-0.5"), "{message}");
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    // Transposed, kernel, stride, padding, channels in and out, sides, samples.
    let shapes = [
        (false, 3, 1, 1, [20, 40], [33, 37], 5),
        (false, 4, 2, 1, [16, 40], [6, 6], 30),
        (false, 3, 2, 1, [20, 40], [33, 37], 9),
        (true, 4, 2, 1, [20, 34], [17, 16], 4),
        (false, 7, 1, 3, [24, 3], [32, 32], 3),
        // Wide enough that minimal filtering takes their gradients (`conv::winograd`, its tests).
        (false, 3, 1, 1, [130; 2], [20; 2], 3),
        (false, 4, 2, 1, [130; 2], [40; 2], 4),
        (true, 4, 2, 1, [130; 2], [20; 2], 4),
        (true, 3, 1, 1, [130; 2], [12; 2], 5),
        (false, 3, 2, 1, [130; 2], [64; 2], 4),
        // Few positions and many weights (`conv::im2col`).
        (false, 4, 2, 1, [130; 2], [8; 2], 3),
        (true, 4, 2, 1, [130; 2], [4; 2], 3),
    ]
    .map(|(transposed, k, stride, padding, [cin, cout], [h, w], batch)| {
        let (kh, kw, output_padding) = (k, k, 0);
        Shape { transposed, batch, cin, cout, h, w, kh, kw, stride, padding, output_padding }
    });
    for s in shapes {
        for kernels in own_kernels() {
            let run = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| all(&s, DType::F32, kernels))
            };
            let one = run(1);
            assert_eq!(one, run(2), "{s:?}");
            assert_eq!(one, run(5), "{s:?}");
        }
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let [x, w, b] = operands(&s, DType::F32);
                with_gradients(&apply(BF16, &s, &x, &w, Some(&b)).unwrap(), &[&x, &w, &b]).unwrap()
            })
        };
        let one = run(1);
        assert_eq!(one, run(2), "{s:?}");
        assert_eq!(one, run(5), "{s:?}");
    }
}

#[test]
fn non_contiguous_operands_and_no_bias() {
    let s = Shape {
        transposed: false,
        batch: 2,
        cin: 5,
        cout: 6,
        h: 7,
        w: 9,
        kh: 3,
        kw: 2,
        stride: 2,
        padding: 1,
        output_padding: 0,
    };
    let [x, w, _] = operands(&s, DType::F64);
    let expected = s.naive(&values(&x), &values(&w), &[0.; 6]);
    let turned = Var::from_tensor(&x.transpose(2, 3).unwrap().contiguous().unwrap()).unwrap();
    let y = apply(ConvOptions::default(), &s, &turned.transpose(2, 3).unwrap(), &w, None).unwrap();
    let [y, _, dw] = with_gradients(&y, &[&turned, &w]).unwrap().try_into().unwrap();
    assert_close(&y, &expected[0], 1e-12, "y");
    assert_close(&dw, &expected[2], 1e-12, "dw");
}

#[test]
fn wrong_shapes_name_both() {
    let x = var(&[1, 3, 4, 4], 1, DType::F32);
    let w = var(&[2, 5, 3, 3], 2, DType::F32);
    let message = cir_ops::conv2d(&x, &w, None, Conv2dConfig::default()).unwrap_err().to_string();
    assert!(message.contains("[1, 3, 4, 4]") && message.contains("[2, 5, 3, 3]"), "{message}");
    let message =
        cir_ops::conv_transpose2d(&x, &w, None, Default::default()).unwrap_err().to_string();
    assert!(message.contains("[1, 3, 4, 4]") && message.contains("[2, 5, 3, 3]"), "{message}");
    let w = var(&[2, 3, 9, 9], 2, DType::F32);
    let message = cir_ops::conv2d(&x, &w, None, Conv2dConfig::default()).unwrap_err().to_string();
    assert!(message.contains("[1, 3, 4, 4]") && message.contains("[2, 3, 9, 9]"), "{message}");
}

/// Lanes of packed channels that a layer does not have hold nothing of the next sample.
#[test]
fn a_sample_that_is_not_a_number_leaves_the_others_alone() {
    for cin in [20, 40] {
        let (transposed, batch, cout, kh, kw) = (false, 3, 64, 3, 3);
        let (h, w, stride, padding, output_padding) = (16, 16, 1, 1, 0);
        let s =
            Shape { transposed, batch, cin, cout, h, w, kh, kw, stride, padding, output_padding };
        let [x, weight, b] = operands(&s, DType::F32);
        let nan = (x.narrow(0, 1, 1).unwrap() * f64::NAN).unwrap();
        let parts = [x.narrow(0, 0, 1).unwrap(), nan, x.narrow(0, 2, 1).unwrap()];
        let spoilt = Tensor::cat(&parts, 0).unwrap();
        for options in [ConvOptions::default(), BF16] {
            let [clean, found] =
                [x.as_tensor(), &spoilt].map(|x| apply(options, &s, x, &weight, Some(&b)).unwrap());
            for n in [0, 2] {
                let of = |y: &Tensor| values(&y.narrow(0, n, 1).unwrap());
                assert_eq!(of(&clean), of(&found), "{options:?}, {cin} channels, sample {n}");
            }
        }
    }
}
