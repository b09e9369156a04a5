//! A small data set and a small network for the tests of this crate.

use std::{collections::BTreeMap, sync::Arc};

use candle_core::{DType, Device, Tensor};
use cir_core::{
    Attribute, ChosenMoved, CirConfig, Image, Labels, LrSchedule, Moved, NamedTensors, Scalars,
    Schema, Sheet,
};
use cir_data::{DataSet, HeldOut, HoldOut, Index, Source, Split};
use cir_metrics::EvaluationConfig;
use cir_ops::{Initialisation, Precision};
use cir_train::Algorithm as _;

use crate::{
    Adversaries, Elegant, ElegantConfig, LossConfig, Model, ModelConfig, Optimisers, Pair, Pairs,
    Sampling, evaluate, from_published, judge, swapped,
};

/// An attribute of two or more values.
fn attribute(name: &str, values: &[&str]) -> Attribute {
    Attribute { name: name.into(), values: values.iter().map(|v| (*v).into()).collect() }
}

pub(crate) fn schema() -> Schema {
    let skin = attribute("skin", &["pale", "tanned", "dark"]);
    Schema::new(vec![attribute("smile", &["no", "yes"]), skin, attribute("hat", &["no", "yes"])])
        .unwrap()
}

/// 16 px faces of a sort: the ground says the skin, a bar at the bottom the smile, one at the top the
/// hat; twelve combinations, each twice.
struct Faces(Schema);

impl Source for Faces {
    fn schema(&self) -> &Schema {
        &self.0
    }

    fn len(&self) -> usize {
        24
    }

    fn labels(&self, i: usize) -> Labels {
        vec![(i % 2) as u16, (i / 2 % 3) as u16, (i / 6 % 2) as u16]
    }

    fn image(&self, i: usize) -> cir_data::Result<Image> {
        let labels = self.labels(i);
        let ground = 90 + 60 * labels[1] as u8;
        let pixel = |at: usize| match at / 16 {
            12..14 if labels[0] == 1 => [200, 20, 20],
            1..4 if labels[2] == 1 => [20, 20, 200],
            _ => [ground, ground, ground],
        };
        Ok(Image::new(3, 16, 16, (0..256).flat_map(pixel).collect())?)
    }
}

pub(crate) fn data() -> Arc<DataSet> {
    let source = Arc::new(Faces(schema()));
    let index = Arc::new(Index::new(&*source).unwrap());
    let split =
        Split::new(&index, HoldOut { fraction: 0.5, seed: 1, of: HeldOut::Combinations }).unwrap();
    Arc::new(DataSet { name: "bars".into(), source, index, split, channels: 3, size: 16 })
}

pub(crate) fn config() -> ElegantConfig {
    let adam = cir_core::AdamConfig { betas: [0.5, 0.999], ..Default::default() };
    ElegantConfig {
        precision: Precision::Full,
        model: ModelConfig {
            image_size: 16,
            image_channels: 3,
            attributes: vec!["hat".into(), "smile".into()],
            block_widths: None,
            channels: vec![4, 8],
            discriminator: vec![4, 8],
            smooth_stages: 0,
            initialisation: Initialisation::Normal(0.02),
        },
        sampling: Sampling { batch: 2, shards: 1 },
        loss: LossConfig { reconstruction: 5., half_size: 0.5, mismatched: 0., change: 0. },
        cir: CirConfig {
            lambda: 0.1,
            moved: Moved::Chosen(ChosenMoved::Trained),
            ..CirConfig::default()
        },
        optimiser: Optimisers { generator: adam, discriminator: adam },
        schedule: LrSchedule::Constant,
        evaluation: EvaluationConfig { reader_steps: 3 },
    }
}

fn elegant(config: ElegantConfig) -> Elegant {
    Elegant::new(config, data(), 10, 1, &Device::Cpu).unwrap()
}

fn trained(elegant: &mut Elegant, steps: std::ops::RangeInclusive<u64>) -> Scalars {
    let pairs = Pairs::new(data(), &config(), 1).unwrap();
    let mut last = Scalars::new();
    for step in steps {
        last = elegant.step(step, pairs.batch(step).unwrap()).unwrap();
    }
    last
}

/// The bytes of a checkpoint's tensors.
fn numbers(elegant: &Elegant) -> Vec<(String, Vec<f32>)> {
    let flat = |t: candle_core::Tensor| t.flatten_all().unwrap().to_vec1().unwrap();
    elegant.state().tensors.into_iter().map(|(name, t)| (name, flat(t))).collect()
}

#[test]
fn a_restored_run_goes_on_to_the_same_numbers() {
    let mut whole = elegant(config());
    let logged = trained(&mut whole, 1..=4);
    let mut first = elegant(config());
    trained(&mut first, 1..=2);
    let mut second = elegant(config());
    second.restore(first.state()).unwrap();
    assert_eq!(trained(&mut second, 3..=4), logged);
    assert_eq!(numbers(&second), numbers(&whole));
    let mut lacking = first.state();
    lacking.tensors.remove("discriminator.moment1.D1.linear.0.bias");
    let error = second.restore(lacking).unwrap_err().to_string();
    assert!(error.contains("moment1.D1.linear.0.bias"), "{error}");
}

#[test]
fn both_sides_are_logged_apart() {
    let logged = trained(&mut elegant(config()), 1..=1);
    let names: Vec<_> = logged.iter().map(|(name, _)| name.as_str()).collect();
    let terms = ["D1", "D2", "total_D", "reconstruction", "adv1", "adv2", "cir", "total_G"];
    assert_eq!(names[..8], terms);
    for name in ["D_hat", "G_hat", "D_smile", "G_smile", "spread_hat", "lr_G", "lr_D"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    let without = ElegantConfig { cir: CirConfig { lambda: 0., ..config().cir }, ..config() };
    assert!(trained(&mut elegant(without), 1..=1).iter().all(|(name, _)| name != "cir"));
}

#[test]
fn the_change_of_an_exchange_counts_with_its_weight() {
    let total = |change: f64| {
        let weighted = ElegantConfig { loss: LossConfig { change, ..config().loss }, ..config() };
        let logged = trained(&mut elegant(weighted), 1..=1);
        let of = |name: &str| logged.iter().find(|(n, _)| n == name).map(|(_, x)| *x);
        (of("total_G").unwrap(), of("change"))
    };
    let ((without, none), (with, change)) = (total(0.), total(3.));
    assert_eq!(none, None);
    // One trained attribute's networks have learnt when the next one's terms are taken, so about.
    let added = (with - without) / 3.;
    let change = change.unwrap();
    assert!(change > 0. && (added - change).abs() < 0.1 * change, "{added} {change}");
}

#[test]
fn discriminators_that_are_certain_for_long_are_warned_of() {
    let mut state = elegant(config()).state();
    state.counters.insert("collapsed_steps".into(), 500);
    let mut elegant = elegant(config());
    assert_eq!(elegant.warning(), None);
    elegant.restore(state).unwrap();
    assert!(elegant.warning().unwrap().contains("below 5 % of chance for 500 steps"));
    // At the start they are at chance.
    trained(&mut elegant, 1..=1);
    assert_eq!(elegant.warning(), None);
}

#[test]
fn published_tensors_are_loaded_strictly_and_ours_have_their_names() {
    let elegant = elegant(config());
    let stored = elegant.model().unwrap().tensors;
    let mut networks = BTreeMap::<String, NamedTensors>::new();
    for (name, tensor) in &stored {
        let (network, name) = name.split_once('.').unwrap();
        networks.entry(network.into()).or_default().insert(name.into(), tensor.clone());
    }
    assert_eq!(networks.keys().collect::<Vec<_>>(), ["D1", "D2", "Dec", "Enc"]);
    for (network, name, shape) in [
        ("Enc", "main.0.0.weight", &[4, 3, 3, 3][..]),
        ("Enc", "main.1.1.alpha", &[1]),
        ("Dec", "main.0.0.weight", &[16, 4, 3, 3]),
        ("Dec", "main.1.0.bias", &[3]),
        ("D2", "conv.3.weight", &[8, 4, 3, 3]),
        ("D2", "conv.4.beta", &[1]),
        ("D2", "linear.0.weight", &[1, 32]),
    ] {
        assert_eq!(networks[network][name].dims(), shape, "{network}.{name}");
    }
    assert!(!networks["Dec"].contains_key("main.1.1.alpha"));

    let card = || elegant.trained().card().clone();
    let load = |networks, card| {
        Model::from_tensors(card, &from_published(networks)?, &Device::Cpu).map(drop)
    };
    load(networks.clone(), card()).unwrap();
    let refusal = |networks, card| load(networks, card).unwrap_err().to_string();
    let mut lacking = networks.clone();
    lacking.remove("D2");
    assert!(refusal(lacking, card()).contains("networks: found no D2"));
    let mut more = networks.clone();
    more.insert("D3".into(), NamedTensors::new());
    assert!(refusal(more, card()).contains("networks: found D3"));
    let mut odd = networks.clone();
    let alpha = odd["Enc"]["main.0.1.alpha"].clone();
    odd.get_mut("Enc").unwrap().insert("main.9.1.alpha".into(), alpha);
    assert!(refusal(odd, card()).contains("tensor Enc.main.9.1.alpha"));
    // One attribute fewer than the checkpoint was trained with.
    let mut fewer = card();
    fewer.config.attributes.pop();
    assert!(refusal(networks.clone(), fewer.clone()).contains("model.attributes: found hat"));
    fewer.schema = Schema::new(vec![attribute("hat", &["no", "yes"])]).unwrap();
    let error = refusal(networks, fewer);
    assert!(error.contains("tensor D1.conv.0.weight: found shape [4, 5, 3, 3]"), "{error}");
}

#[test]
fn a_photo_keeps_its_size_and_a_full_exchange_is_that_of_the_networks() {
    let elegant = elegant(config());
    let (model, data) = (elegant.trained(), data());
    let (a, b) = (data.source.image(0).unwrap(), data.source.image(7).unwrap());
    let sheet = Sheet::strip(&[model.partition().index("hat").unwrap()], &[1.]);
    let edited = model.edits(&a, std::slice::from_ref(&b), sheet.tiles()).unwrap();
    let [_, _, c, _] =
        model.exchange(0, std::slice::from_ref(&a), std::slice::from_ref(&b)).unwrap();
    assert!(edited[0].l1(&c[0]).unwrap() < 1e-3);
    let error = model.exchange(0, &[a.clone(), b.clone()], std::slice::from_ref(&b)).unwrap_err();
    assert!(error.to_string().contains("2 pictures and 1 partners"), "{error}");
    let photo = Image::filled(30, 50, [200, 100, 50]);
    let edited = model.edits(&photo, &[b], sheet.tiles()).unwrap();
    assert_eq!((edited[0].height(), edited[0].width()), (30, 50));
    assert_ne!(edited[0], photo);
}

#[test]
fn an_untrained_model_is_scored_as_one() {
    let elegant = elegant(config());
    let judge = judge(&data(), 3, 1).unwrap();
    let found = evaluate(elegant.trained(), &data(), &judge, 8, 1).unwrap();
    assert_eq!((found.images, found.mean.results, found.attributes.len()), ("held-out", 16, 2));
    assert!(found.mean.precision <= found.mean.changed.min(found.mean.kept));
    assert!(found.mean.truth.is_none(), "these data know no true pictures");
    assert_eq!(swapped(elegant.trained(), &data(), 2, 1).unwrap().len(), 4);
}

#[test]
fn data_of_another_size_is_refused() {
    let mut larger = config();
    larger.model.image_size = 24;
    let error = Elegant::new(larger, data(), 1, 1, &Device::Cpu).err().unwrap().to_string();
    assert!(error.contains("24 px") && error.contains("16 px"), "{error}");
}

/// The first update's gradients of both sides, in f64, of a batch in that many shards.
fn gradients(shards: usize) -> [NamedTensors; 2] {
    let config = ElegantConfig {
        sampling: Sampling { batch: 2, shards },
        loss: LossConfig { mismatched: 1., change: 3., ..config().loss },
        ..config()
    };
    let mut nets = Adversaries::new(&config, 1, DType::F64, &Device::Cpu).unwrap();
    let batch = Pairs::new(data(), &config, 1).unwrap().batch(1).unwrap();
    let wide = |x: &Tensor| x.to_dtype(DType::F64).unwrap();
    let pair = Pair { images: wide(&batch.0[0].images), labels: wide(&batch.0[0].labels) };
    let mut rng = cir_core::rng(1, "draw", 1);
    let draw = nets.cir().draw(&mut rng, Some(0), 2, DType::F64, &Device::Cpu).unwrap();
    let update = nets.update(0, &pair, Some((0.5, &draw)), 1.).unwrap();
    assert_eq!((update.made.len(), update.probabilities.len()), (shards, shards));
    [update.discriminator_gradients, update.generator_gradients].map(|g| g.tensors().clone())
}

#[test]
fn shards_add_up_to_the_batch() {
    for (whole, sum) in gradients(1).iter().zip(gradients(2)) {
        assert_eq!(whole.len(), sum.len());
        for (name, expected) in whole {
            let norm =
                |x: &Tensor| x.sqr().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap().sqrt();
            let difference = norm(&(&sum[name] - expected).unwrap());
            assert!(difference <= 1e-9 * norm(expected), "{name}: {difference:e}");
        }
    }
}

#[test]
fn an_attribute_that_no_picture_to_score_has_is_named() {
    let (elegant, mut data) = (elegant(config()), (*data()).clone());
    data.split.held_out.retain(|&i| data.index.labels(i)[2] == 0);
    let judge = judge(&data, 3, 1).unwrap();
    let error = evaluate(elegant.trained(), &data, &judge, 8, 1).unwrap_err().to_string();
    let expected = "data.hold_out: found no held-out image with hat=yes; allowed: images of both";
    assert!(error.starts_with(expected), "{error}");
}
