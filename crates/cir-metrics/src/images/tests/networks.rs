//! Inception and LPIPS with the weights of a formula, beside PyTorch.

use std::sync::LazyLock;

use candle_core::{Device, Tensor};
use cir_core::NamedTensors;
use serde_json::Value;

use super::{
    super::{Backbone, Inception, Lpips},
    changed, picture, unit,
};
use crate::checked::{Pair, agree, number, numbers};

/// `checks/images_networks.json`, which PyTorch made.
static CHECKED: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../checks/images_networks.json")).unwrap()
});

/// The tensors that PyTorch names, as `weight` of `checks/images_networks.py` fills them.
fn weights(network: &str) -> NamedTensors {
    let shapes = CHECKED[network]["shapes"].as_object().unwrap();
    let one = |(name, shape): (&String, &Value)| {
        let shape: Vec<_> = numbers(shape).iter().map(|&x| x as usize).collect();
        (name.clone(), weight(name, &shape))
    };
    shapes.iter().map(one).collect()
}

fn weight(name: &str, shape: &[usize]) -> Tensor {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let bound = (6. / shape.iter().skip(1).product::<usize>() as f64).sqrt();
    let of = |u: f64| {
        if name.ends_with("bn.weight") || name.ends_with("running_var") {
            0.5 + u
        } else if shape.len() == 1 {
            0.4 * u - 0.2
        } else if name.starts_with("lin") {
            u
        } else {
            (2. * u - 1.) * bound
        }
    };
    let numbers = unit(hash % (1 << 24), shape.iter().product()).map(|u| of(u) as f32);
    Tensor::from_vec(numbers.collect(), shape, &Device::Cpu).unwrap()
}

#[test]
fn inception_finds_what_pytorch_finds() {
    let network = Inception::new(&weights("inception")).unwrap();
    let features = network.features(&[picture(3, 40, 48)]).unwrap();
    let theirs = numbers(&CHECKED["inception"]["features"]);
    assert_eq!((features.len(), features[0].len()), (1, theirs.len()));
    let scale = theirs.iter().fold(0f64, |most, x| most.max(x.abs()));
    let apart = |(ours, theirs): (&f32, &f64)| (f64::from(*ours) - theirs).abs() / scale;
    let worst = features[0].iter().zip(&theirs).map(apart).fold(0., f64::max);
    agree(&[Pair::new("Inception", "features, farthest over largest", worst, 0., 1e-5)]);
    assert!(scale > 0.1, "{scale}");
    assert!(network.features(&[]).unwrap().is_empty());
}

#[test]
fn lpips_finds_what_pytorch_finds() {
    let image = picture(3, 40, 48);
    for (name, backbone) in [("alex", Backbone::Alex), ("vgg", Backbone::Vgg)] {
        let network = Lpips::new(backbone, &weights(name)).unwrap();
        let kinds = ["perfect", "constant", "noisy", "duplicated"];
        let others = kinds.map(|kind| changed(kind, &image));
        let images = [(); 4].map(|()| image.clone());
        let ours = network.distances(&images, &others).unwrap();
        let mut pairs = Vec::new();
        for (kind, ours) in kinds.iter().zip(&ours) {
            let theirs = number(&CHECKED[name]["distances"][kind]);
            pairs.push(Pair::new(&format!("LPIPS {name}"), kind, *ours, theirs, 1e-5));
        }
        agree(&pairs);
        let mean = network.mean(&images, &others).unwrap();
        assert!((mean.value - ours.iter().sum::<f64>() / 4.).abs() < 1e-12);
        assert!(mean.protocol.ends_with("pictures=40x48 pairs=4"), "{}", mean.protocol);
        let small = [picture(3, 15, 40)];
        let error = network.distances(&small, &small).unwrap_err().to_string();
        assert!(error.contains("40x15"), "{error}");
        assert!(network.distances(&images, &others[..1]).is_err());
        assert!(network.mean(&[], &[]).is_err());
        // The smallest that is allowed is large enough.
        let side = backbone.least_side();
        let (least, below) = ([picture(1, side, side)], [picture(1, side - 1, side)]);
        network.distances(&least, &least).unwrap();
        assert!(network.distances(&below, &below).is_err());
    }
}

#[test]
fn tensors_that_are_missing_misshapen_or_unknown_name_themselves() {
    let mut tensors = weights("alex");
    let refusal =
        |tensors: &NamedTensors| Lpips::new(Backbone::Alex, tensors).unwrap_err().to_string();
    let taken = tensors.remove("lin2.model.1.weight").unwrap();
    assert!(refusal(&tensors).contains("lin2.model.1.weight: found nothing"));
    tensors.insert("lin2.model.1.weight".into(), taken.squeeze(0).unwrap());
    assert!(refusal(&tensors).contains("lin2.model.1.weight: found shape [384, 1, 1]"));
    tensors.insert("lin2.model.1.weight".into(), taken.clone());
    tensors.insert("lin9.model.1.weight".into(), taken.clone());
    assert!(refusal(&tensors).contains("tensor lin9.model.1.weight"));
    tensors.remove("lin9.model.1.weight");
    tensors.insert("classifier.1.weight".into(), taken);
    Lpips::new(Backbone::Alex, &tensors).unwrap();

    let mut tensors = weights("inception");
    assert!(tensors.keys().any(|name| name.ends_with("num_batches_tracked")));
    tensors.insert("AuxLogits.fc.weight".into(), tensors["fc.weight"].clone());
    Inception::new(&tensors).unwrap();
    tensors.remove("Mixed_7c.branch_pool.bn.running_var");
    let error = Inception::new(&tensors).unwrap_err().to_string();
    assert!(error.contains("Mixed_7c.branch_pool.bn.running_var: found nothing"), "{error}");
}

#[test]
fn files_are_read_and_named() {
    let directory = std::env::temp_dir().join(format!("cir-metrics-images-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let (lins, rest): (NamedTensors, NamedTensors) =
        weights("alex").into_iter().partition(|(name, _)| name.starts_with("lin"));
    let save = |tensors: NamedTensors, name: &str| {
        let path = directory.join(name);
        candle_core::safetensors::save(&tensors.into_iter().collect(), &path).unwrap();
        path
    };
    let [lins, rest] = [save(lins, "lins.safetensors"), save(rest, "alex.safetensors")];
    let network = Lpips::load(Backbone::Alex, &[&lins, &rest]).unwrap();
    let image = [picture(3, 40, 48)];
    let found = network.distances(&image, &[changed("noisy", &image[0])]).unwrap()[0];
    assert!((found - number(&CHECKED["alex"]["distances"]["noisy"])).abs() < 1e-5);
    let twice = Lpips::load(Backbone::Alex, &[&lins, &lins]).unwrap_err().to_string();
    assert!(twice.contains("lin0.model.1.weight") && twice.contains("lins.safetensors"), "{twice}");
    let missing = Inception::load(directory.join("none.safetensors")).unwrap_err().to_string();
    assert!(missing.contains("none.safetensors"), "{missing}");
    std::fs::remove_dir_all(&directory).unwrap();
}
