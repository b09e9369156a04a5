//! The layers that minimal filtering takes against plain loops, on every instruction set.

mod naive;

use candle_core::{DType, Tensor};
use cir_ops::{Conv2dConfig, ConvTranspose2dConfig, Kernels, with_kernels};
use naive::{Shape, assert_close, values, var, with_gradients};
use proptest::prelude::*;

/// The output, and the gradients by input, weight and bias.
fn all(s: &Shape, dtype: DType, kernels: Kernels) -> Vec<Vec<f64>> {
    let x = var(&s.input_dims(), 1, dtype);
    let w = var(&s.weight_dims(), 2, dtype);
    let b = var(&[s.cout], 3, dtype);
    let &Shape { stride, padding, output_padding, .. } = s;
    let apply = |x: &Tensor, w: &Tensor, b: &Tensor| match s.transposed {
        true => {
            let cfg = ConvTranspose2dConfig { stride, padding, output_padding, dilation: 1 };
            cir_ops::conv_transpose2d(x, w, Some(b), cfg)
        }
        false => {
            let cfg = Conv2dConfig { stride, padding, ..Default::default() };
            cir_ops::conv2d(x, w, Some(b), cfg)
        }
    };
    with_kernels(kernels, || with_gradients(&apply(&x, &w, &b).unwrap(), &[&x, &w, &b]).unwrap())
        .unwrap()
}

fn own_kernels() -> impl Iterator<Item = Kernels> {
    let names = Kernels::NAMES.into_iter().map(|(_, k)| k);
    names.filter(|k| k.available() && *k != Kernels::Candle)
}

fn check(s: &Shape) {
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 2e-5)] {
        let operands = [var(&s.input_dims(), 1, dtype), var(&s.weight_dims(), 2, dtype)];
        let bias = values(&var(&[s.cout], 3, dtype));
        let expected = s.naive(&values(&operands[0]), &values(&operands[1]), &bias);
        for kernels in own_kernels() {
            let found = all(s, dtype, kernels);
            for ((found, expected), name) in
                found.iter().zip(&expected).zip(["y", "dx", "dw", "db"])
            {
                assert_close(found, expected, tolerance, &format!("{name} {kernels:?} {s:?}"));
            }
        }
    }
}

prop_compose! {
    /// Kernels that fall into runs of two or three taps.
    fn shapes()(
        transposed: bool, batch in 0usize..5, cin in 60usize..90, cout in 60usize..90,
        h in 1usize..14, w in 1usize..22, (k, stride) in prop::sample::select(vec![(3, 1), (4, 2)]),
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
    fn random_shapes_match_plain_loops(s in shapes()) {
        if s.output().is_some() {
            check(&s);
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for (transposed, k, stride, batch, side) in
        [(false, 3, 1, 5, 21), (false, 4, 2, 3, 40), (true, 4, 2, 4, 17), (true, 3, 1, 7, 8)]
    {
        let (kh, kw, padding, output_padding) = (k, k, 1, 0);
        let (cin, cout, h, w) = (66, 70, side, side + 3);
        let s =
            Shape { transposed, batch, cin, cout, h, w, kh, kw, stride, padding, output_padding };
        for kernels in own_kernels() {
            let run = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| all(&s, DType::F32, kernels))
            };
            let one = run(1);
            assert!(one == run(2), "{kernels:?} {s:?}");
            assert!(one == run(5), "{kernels:?} {s:?}");
        }
    }
}
