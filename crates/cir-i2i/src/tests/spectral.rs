//! Spectral norms: what they divide by, their gradient, and that a judge of others has none.

use candle_core::{Device, Tensor, Var};
use cir_core::{NamedTensors, Params};

use super::{copied, difference, flat, judges, model, random};
use crate::{Discriminator, Form, ModelConfig};

fn spectral(scales: usize) -> ModelConfig {
    ModelConfig { scales, spectral_norm: true, ..model(Form::Concat) }
}

/// The largest singular value of a weight as (out, rest), found by many rounds of its own.
fn largest_singular_value(weight: &Tensor) -> f64 {
    let matrix = weight.flatten_from(1).unwrap();
    let square = matrix.matmul(&matrix.t().unwrap()).unwrap();
    let n = square.dim(0).unwrap();
    let mut x = random("start", &[n, 1]);
    let norm = |x: &Tensor| flat(x).iter().map(|x| x * x).sum::<f64>().sqrt();
    for _ in 0..500 {
        let next = square.matmul(&x).unwrap();
        x = (&next / norm(&next)).unwrap();
    }
    norm(&square.matmul(&x).unwrap()).sqrt()
}

#[test]
fn after_many_passes_the_largest_singular_value_is_1() {
    for scales in [1, 2] {
        let (_, buffers, nets) = judges(&spectral(scales));
        let images = random("images", &[1, 3, 36, 36]);
        for _ in 0..300 {
            nets.encoded[0].forward(&images).unwrap();
        }
        let mut layers = 0;
        for (name, weight) in buffers.tensors() {
            if name.starts_with("disA.") && name.ends_with(".weight") {
                let found = largest_singular_value(&weight);
                assert!((found - 1.).abs() < 1e-3, "{name}: {found}");
                layers += 1;
            }
        }
        assert_eq!(layers, if scales == 1 { 7 } else { 10 });
        // No other network's vectors moved.
        let untouched = judges(&spectral(scales)).1.tensors();
        for (name, tensor) in
            buffers.tensors().iter().filter(|(name, _)| !name.starts_with("disA."))
        {
            assert_eq!(flat(tensor), flat(&untouched[name]), "{name}");
        }
    }
}

/// Σ of all maps, each number times one of its own.
fn weighted(net: &Discriminator, images: &Tensor) -> Tensor {
    let terms = net.forward(images).unwrap().into_iter().enumerate().map(|(s, map)| {
        (&map * random(&format!("weights {s}"), map.dims())).unwrap().sum_all().unwrap()
    });
    terms.reduce(|a, b| (a + b).unwrap()).unwrap()
}

/// The gradients of [`weighted`] by all of `params`.
fn gradients(net: &Discriminator, images: &Tensor, params: &Params) -> NamedTensors {
    let store = cir_ops::backward(&weighted(net, images)).unwrap();
    let of = |(name, var): (String, Var)| (name, store.get(&var).unwrap().clone());
    params.vars().into_iter().map(of).collect()
}

#[test]
fn the_gradient_is_that_of_differences() {
    let (stores, buffers, nets) = judges(&spectral(2));
    let (params, net) = (&stores["disB"], &nets.encoded[1]);
    let images = random("images", &[1, 3, 32, 32]);
    // At the singular vectors themselves, which then do not move with the weight to first order.
    for _ in 0..600 {
        net.forward(&images).unwrap();
    }
    let (at, vectors) = (copied(&params.tensors()), copied(&buffers.tensors()));
    let found = gradients(net, &images, params);
    let step = 1e-5;
    let value = |name: &str, i: usize, by: f64| {
        let mut bent = at.clone();
        let mut numbers = flat(&at[name]);
        numbers[i] += by;
        let shape = at[name].shape().clone();
        bent.insert(name.into(), Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap());
        params.load(&bent).unwrap();
        buffers.load(&vectors).unwrap();
        weighted(net, &images).to_scalar::<f64>().unwrap()
    };
    for name in ["disB.Diss.0.0.model.1.weight_orig", "disB.Diss.1.3.model.1.weight_orig"] {
        let largest = flat(&found[name]).iter().fold(0f64, |most, x| most.max(x.abs()));
        for i in [0, 5, 17, 30] {
            let expected = (value(name, i, step) - value(name, i, -step)) / (2. * step);
            let own = flat(&found[name])[i];
            assert!((own - expected).abs() < 1e-4 * largest, "{name} {i}: {own}, {expected}");
        }
    }
}

#[test]
fn the_vectors_are_constants_for_the_gradient() {
    let spectral = spectral(2);
    let (stores, buffers, nets) = judges(&spectral);
    let before = buffers.tensors()["disA.Diss.0.1.model.1.weight_u"].copy().unwrap();
    let images = random("images", &[1, 3, 32, 32]);
    let found = gradients(&nets.encoded[0], &images, &stores["disA"]);

    // The same network without norms, of the weights as they were used.
    let (plain, _, nets) = judges(&ModelConfig { spectral_norm: false, ..spectral });
    let mut tensors = NamedTensors::new();
    for (name, tensor) in stores["disA"].tensors() {
        match name.strip_suffix("_orig") {
            Some(name) => tensors.insert(name.into(), buffers.tensors()[name].clone()),
            None => tensors.insert(name, tensor),
        };
    }
    plain["disA"].load(&tensors).unwrap();
    let of_used = gradients(&nets.encoded[0], &images, &plain["disA"]);

    let layer = "disA.Diss.0.1.model.1";
    let column = |x: &Tensor| x.unsqueeze(1).unwrap();
    let unit = |x: Tensor| {
        let norm = flat(&x).iter().map(|x| x * x).sum::<f64>().sqrt();
        (x / norm).unwrap()
    };
    let weight = stores["disA"].tensors()[&format!("{layer}.weight_orig")].clone();
    let matrix = weight.flatten_from(1).unwrap();
    let v = unit(matrix.t().unwrap().matmul(&column(&before)).unwrap());
    let u = unit(matrix.matmul(&v).unwrap());
    assert!(difference(&column(&buffers.tensors()[&format!("{layer}.weight_u")]), &u) < 1e-12);
    let sigma = flat(&u.t().unwrap().matmul(&matrix.matmul(&v).unwrap()).unwrap())[0];
    let used = &buffers.tensors()[&format!("{layer}.weight")];
    assert!(difference(used, &(&weight / sigma).unwrap()) < 1e-12);
    let g = &of_used[&format!("{layer}.weight")];
    let inner: f64 = flat(g).iter().zip(flat(&weight)).map(|(g, w)| g * w).sum();
    let outer = u.matmul(&v.t().unwrap()).unwrap().reshape(weight.shape()).unwrap();
    let expected = ((g / sigma).unwrap() - (outer * (inner / sigma / sigma)).unwrap()).unwrap();
    assert!(difference(&found[&format!("{layer}.weight_orig")], &expected) < 1e-9);
}

#[test]
fn a_fixed_discriminator_has_no_gradient_of_its_own() {
    for spectral_norm in [false, true] {
        let model = ModelConfig { spectral_norm, ..model(Form::Concat) };
        let (stores, buffers, nets) = judges(&model);
        let images = Var::from_tensor(&random("images", &[1, 3, 32, 32])).unwrap();
        let loss = weighted(&nets.encoded[0].fixed(), &images);
        let store = cir_ops::backward(&loss).unwrap();
        assert!(flat(store.get(&images).unwrap()).iter().any(|x| *x != 0.));
        for (name, var) in stores["disA"].vars().into_iter().chain(buffers.vars()) {
            assert!(store.get(&var).is_none(), "{name}");
        }
        let codes = Var::from_tensor(&random("codes", &[1, 8, 4, 4])).unwrap();
        let loss = nets.content.fixed().forward(&codes).unwrap().sum_all().unwrap();
        let store = cir_ops::backward(&loss).unwrap();
        assert!(store.get(&codes).is_some());
        assert!(stores["disContent"].vars().iter().all(|(_, var)| store.get(var).is_none()));
    }
}

#[test]
fn several_batches_at_once_are_judged_as_one_after_the_other() {
    for spectral_norm in [false, true] {
        let model = ModelConfig { spectral_norm, ..model(Form::Concat) };
        let [together, apart] = [(), ()].map(|()| judges(&model));
        let batches = [random("made", &[1, 3, 32, 32]), random("real", &[2, 3, 32, 32])];
        let found = together.2.random[0].forward_each(&batches.each_ref()).unwrap();
        for (maps, images) in found.iter().zip(&batches) {
            let expected = apart.2.random[0].forward(images).unwrap();
            assert_eq!(maps.len(), expected.len());
            for (map, expected) in maps.iter().zip(&expected) {
                assert!(difference(map, expected) < 1e-12);
            }
        }
        // Each call moved the vectors on.
        for (name, tensor) in together.1.tensors() {
            assert!(difference(&tensor, &apart.1.tensors()[&name]) < 1e-12, "{name}");
        }
    }
}
