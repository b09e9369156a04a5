//! However a step is divided into passes or shards, its loss and gradient are the same.

use candle_core::{DType, Device};
use cir_core::{CirConfig, Scale, rng};
use rand::Rng as _;

use super::*;
use crate::{CirOther, Comparison, ModelConfig, Strategy};

const BATCH: usize = 2;

fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> T {
    toml::from_str(text).unwrap()
}

fn model() -> ModelConfig {
    parsed(
        r#"
        image_size = 8
        image_channels = 1
        conv_dim = 2
        depth = 1
        edge_kernel = 3
        hidden = 5
        repeat_num = 1
        z_dim = 5
        output = "tanh"
        norm = "instance"
        initialisation = "he"
        blocks = [{ name = "shape", start = 0, end = 2 }, { name = "hue", start = 2, end = 5 }]
        "#,
    )
}

fn cir_config(scale: Scale) -> CirConfig {
    let config = parsed(
        r#"
        lambda = 0.5
        moved = ["hue"]
        granularity = "sample"
        t = "uniform"
        draws = 3
        distance = "mse"
        target = "attached"
        also_moved = true
        scale = "absolute"
        start = 0
        ramp = 0
        "#,
    );
    CirConfig { scale, ..config }
}

/// The scalars and gradients of one step in so many shards, whose passes decode at most
/// `images_per_pass` images.
fn step(images_per_pass: usize, shards: usize, scale: Scale) -> (Vec<(String, f64)>, Vec<f64>) {
    let (model, device) = (model(), Device::Cpu);
    let params = Params::new(1);
    let net = Autoencoder::new(&model, params.builder(DType::F64, &device)).unwrap();
    let roles = Roles::new(Strategy::Group, &model.blocks, true);
    let loss = LossConfig {
        image: Comparison::L1,
        latent: Comparison::Mse,
        lambda_combine: 1.,
        combination: 2.,
        lambda_unsup: 0.5,
        lambda_cycle: 0.5,
        cir_other: CirOther::Random,
        log_unweighted: false,
        images_per_pass,
    };
    let cir = Cir::new(cir_config(scale), &model.blocks).unwrap();
    let mut rng = rng(1, "step", 0);
    let shape = (roles.images.len() * BATCH, 1, 8, 8);
    let numbers = (0..shape.0 * 64).map(|_| rng.random_range(-1f64..1.)).collect::<Vec<_>>();
    let images = Tensor::from_vec(numbers, shape, &device).unwrap();
    let draw = cir.draw(&mut rng, None, BATCH, DType::F64, &device).unwrap();
    let cir_step = CirStep { weight: 0.5, anchor: 0, other: 1, draw };
    let (partition, params) = (&model.blocks, &params);
    let step = Step { net: &net, params, partition, roles: &roles, loss: &loss, cir: &cir };
    let out = step.gradients_in_shards(&images, Some(&cir_step), shards).unwrap();
    let numbers = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    let mut scalars = out.scalars;
    scalars.sort_by(|a, b| a.0.cmp(&b.0));
    (scalars, out.gradients.tensors().values().flat_map(numbers).collect())
}

fn assert_same(one: (Vec<(String, f64)>, Vec<f64>), other: (Vec<(String, f64)>, Vec<f64>)) {
    assert_eq!(one.0.len(), other.0.len());
    for ((name, a), (other_name, b)) in one.0.iter().zip(&other.0) {
        assert_eq!(name, other_name);
        assert!((a - b).abs() <= 1e-12 * a.abs(), "{name}: {a} against {b}");
    }
    assert_eq!(one.1.len(), other.1.len());
    let size = one.1.iter().map(|g| g.abs()).fold(0., f64::max);
    for (a, b) in one.1.iter().zip(&other.1) {
        assert!((a - b).abs() <= 1e-12 * size, "{a} against {b}");
    }
}

/// Eight rows, the unsupervised combination and three draws: passes of one decode, of two, of five
/// (which mixes the kinds), and one pass.
#[test]
fn passes_of_any_size_give_the_same_step() {
    let (scalars, _) = step(0, 1, Scale::Relative);
    let value = |name: &str| scalars.iter().find(|(n, _)| n == name).map(|(_, v)| *v);
    for name in ["recon", "combine", "unsup", "cycle", "cir", "total"] {
        assert!(value(name).is_some_and(|v| v > 0.), "{name} in {scalars:?}");
    }
    for decodes in [1, 2, 5] {
        assert_same(step(0, 1, Scale::Relative), step(decodes * BATCH, 1, Scale::Relative));
    }
}

#[test]
fn shards_give_the_step_of_the_whole_batch() {
    assert_same(step(0, 1, Scale::Absolute), step(0, BATCH, Scale::Absolute));
}
