//! The CIR term against its definition written out by hand, and its refusals. The numbers of the
//! authors' program are the parity fixtures' business.

use candle_core::{Device, Var};

use super::*;

fn config() -> CirConfig {
    CirConfig {
        lambda: 0.1,
        moved: Moved::Blocks(vec!["b".into()]),
        draws: 2,
        ..CirConfig::default()
    }
}

fn partition() -> Partition {
    Partition::of_widths([("a", 1), ("b", 1)]).unwrap()
}

fn latent<const N: usize>(rows: [[f64; 2]; N]) -> Latent {
    Tensor::new(&rows, &Device::Cpu).unwrap().into()
}

/// D adds the blocks into both numbers of an image, E is the identity: z''[a] = a + b'.
fn mixing(z: &Latent) -> candle_core::Result<Tensor> {
    let z = z.code(0)?;
    let sum = z.sum_keepdim(1)?;
    Tensor::cat(&[&sum, &sum], 1)
}

fn term(config: CirConfig, a: &Latent, b: &Latent, t: &[f64]) -> CirTerm {
    let cir = Cir::new(config, &partition()).unwrap();
    let draws = cir.config().draws;
    let fractions = Tensor::from_slice(t, (draws, t.len() / draws, 1), &Device::Cpu).unwrap();
    let draw = Draw { moved: vec![1], fractions };
    cir.term(a, b, &draw, mixing, |x| Ok(x.clone().into())).unwrap()
}

#[test]
fn the_value_is_the_sum_over_draws_of_the_mean() {
    // z_a = (1, 2), z_b = (5, 4): z''[a] - z_a[a] = b' = 2 + 2t.
    let found = term(config(), &latent([[1., 2.]]), &latent([[5., 4.]]), &[0., 0.5]);
    assert_eq!(found.value.to_scalar::<f64>().unwrap(), 4. + 9.);
    let also = CirConfig { also_moved: true, distance: Distance::L1, ..config() };
    // z''[b] - z'[b] = a = 1 in both draws.
    let found = term(also, &latent([[1., 2.]]), &latent([[5., 4.]]), &[0., 0.5]);
    assert_eq!(found.value.to_scalar::<f64>().unwrap(), 2. + 3. + 2.);
}

#[test]
fn a_detached_target_changes_the_gradient_and_not_the_value() {
    let gradient = |target| {
        let z = Var::new(&[[1f64, 2.]], &Device::Cpu).unwrap();
        let config = CirConfig { target, ..config() };
        let found = term(config, &z.as_tensor().clone().into(), &latent([[5., 4.]]), &[0.5, 0.5]);
        let grads = found.value.backward().unwrap();
        let grad = grads.get(&z).unwrap().to_vec2::<f64>().unwrap()[0].clone();
        (found.value.to_scalar::<f64>().unwrap(), grad)
    };
    // value = 2·(b')², b' = 0.5·b + 2: attached, the a in z'' and the target cancel.
    assert_eq!(gradient(Target::Attached), (18., vec![0., 6.]));
    assert_eq!(gradient(Target::Detached), (18., vec![12., 6.]));
}

#[test]
fn a_relative_scale_does_not_see_the_latents_unit() {
    let value = |unit: f64| {
        let a = latent([[1. * unit, 2. * unit], [3. * unit, 1. * unit]]);
        let config = CirConfig { scale: Scale::Relative, ..config() };
        term(config, &a, &a, &[0., 0., 0., 0.]).value.to_scalar::<f64>().unwrap()
    };
    assert!((value(1.) / value(1000.) - 1.).abs() < 1e-6);
}

#[test]
fn random_choices_keep_at_least_one_block_and_move_at_least_one() {
    for (which, moved) in [(ChosenMoved::One, 1), (ChosenMoved::AllButOne, 2)] {
        let partition = Partition::of_widths([("a", 1), ("b", 2), ("c", 3)]).unwrap();
        let config = CirConfig {
            moved: Moved::Chosen(which),
            granularity: Granularity::Element,
            ..config()
        };
        let cir = Cir::new(config, &partition).unwrap();
        for step in 0..20 {
            let mut rng = crate::rng(1, "cir", step);
            let draw = cir.draw(&mut rng, None, 4, DType::F32, &Device::Cpu).unwrap();
            assert_eq!(draw.moved.len(), moved);
            let width: usize = draw.moved.iter().map(|&j| partition.blocks()[j].width()).sum();
            assert_eq!(draw.fractions.dims(), [2, 4, width]);
        }
    }
}

#[test]
fn the_weight_follows_start_and_ramp_and_is_nothing_at_lambda_0() {
    let cir = |lambda| {
        Cir::new(CirConfig { lambda, start: 5, ramp: 1, ..config() }, &partition()).unwrap()
    };
    let weights: Vec<_> = (4..=6).map(|step| cir(2.).weight(step)).collect();
    assert_eq!(weights, [None, Some(1.), Some(2.)]);
    assert_eq!(cir(0.).weight(100), None);
}

#[test]
fn a_constant_fraction_is_what_all_moved_numbers_get() {
    let cir =
        Cir::new(CirConfig { t: FractionDistribution::Constant(1.), ..config() }, &partition());
    let mut rng = crate::rng(1, "cir", 1);
    let draw = cir.unwrap().draw(&mut rng, None, 3, DType::F64, &Device::Cpu).unwrap();
    assert_eq!(draw.fractions.flatten_all().unwrap().to_vec1::<f64>().unwrap(), [1.; 6]);
}

#[test]
fn settings_out_of_range_are_named() {
    let refusal = |config| Cir::new(config, &partition()).unwrap_err().to_string();
    assert_eq!(
        refusal(CirConfig { lambda: -1., ..config() }),
        "cir.lambda: found -1; allowed: a number of at least 0"
    );
    let moved = |names: &[&str]| Moved::Blocks(names.iter().map(|n| (*n).into()).collect());
    assert_eq!(
        refusal(CirConfig { moved: moved(&["c"]), ..config() }),
        "cir.moved: found \"c\"; allowed: a, b"
    );
    for names in [&["a", "b"][..], &[], &["a", "a"]] {
        assert!(refusal(CirConfig { moved: moved(names), ..config() }).contains("all but one"));
    }
    assert!(refusal(CirConfig { draws: 0, ..config() }).contains("cir.draws"));
    let of_t = |t| refusal(CirConfig { t, ..config() });
    assert!(of_t(FractionDistribution::Beta(-1.)).contains("cir.t.beta"));
    assert!(of_t(FractionDistribution::Constant(1.5)).contains("cir.t.constant"));
}
