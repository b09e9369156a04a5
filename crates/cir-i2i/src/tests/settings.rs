//! What is refused before anything is trained: each message has the field, the value and what is
//! allowed.

use std::sync::Arc;

use candle_core::Device;
use cir_core::{Attribute, ChosenMoved, LrSchedule, Moved, Scale, Schema};
use cir_data::{DataSet, Source as _, Split};
use cir_ops::Initialisation;

use super::{Squares, config, data, data_set, model, with_model};
use crate::{Batches, Form, I2i, I2iConfig, ModelConfig};

fn refusal(change: impl FnOnce(&mut I2iConfig)) -> String {
    let mut config = config();
    change(&mut config);
    config.check().unwrap_err().to_string()
}

#[track_caller]
fn is(found: &str, expected: &str) {
    assert_eq!(found, expected);
}

#[test]
fn the_small_configuration_and_the_published_one_are_allowed() {
    config().check().unwrap();
    let published = ModelConfig::default();
    published.check().unwrap();
    published.check_crop(216).unwrap();
    assert_eq!(published.partition().unwrap().len(), 2);
}

#[test]
fn sizes_of_networks_that_are_out_of_range_are_named() {
    is(&refusal(|c| c.model.image_channels = 2), "model.image_channels: found 2; allowed: 1 or 3");
    is(&refusal(|c| c.model.width = 0), "model.width: found 0; allowed: 1 to 1024");
    is(&refusal(|c| c.model.width = 1025), "model.width: found 1025; allowed: 1 to 1024");
    let code = refusal(|c| c.model.attribute_width = 0);
    is(&code, "model.attribute_width: found 0; allowed: 1 to 1024");
    is(&refusal(|c| c.model.blocks = 17), "model.blocks: found 17; allowed: 0 to 16");
    is(&refusal(|c| c.model.scales = 0), "model.scales: found 0; allowed: 1 to 8");
    is(&refusal(|c| c.model.scales = 9), "model.scales: found 9; allowed: 1 to 8");
    let stages = refusal(|c| c.model.content_stages = 9);
    is(&stages, "model.content_stages: found 9; allowed: 0 to 8");
}

#[test]
fn a_start_and_a_reader_that_learn_nothing_are_named() {
    let start = refusal(|c| c.model.initialisation = Initialisation::Normal(-0.02));
    is(&start, "model.initialisation.normal: found -0.02; allowed: a number above 0");
    let steps = refusal(|c| c.evaluation.reader_steps = 0);
    is(&steps, "evaluation.reader_steps: found 0; allowed: at least 1");
}

#[test]
fn a_crop_that_a_discriminator_does_not_fit_is_named_with_the_least_that_does() {
    let crop = |c| refusal(|config| config.sampling.crop = c);
    is(&crop(0), "sampling.crop: found 0; allowed: a positive multiple of 4");
    is(&crop(30), "sampling.crop: found 30; allowed: a positive multiple of 4");
    is(
        &crop(28),
        "model.scales: found 2 with a sampling.crop of 28; allowed: it with a crop of at least 32",
    );
    is(
        &refusal(|c| c.model.content_stages = 3),
        "model.content_stages: found 3 with a sampling.crop of 32; allowed: it with a crop of at \
         least 212",
    );
    let deep = refusal(|c| c.model.content_stages = 8);
    assert!(deep.ends_with("a crop of at least 7156"), "{deep}");
}

#[test]
fn the_least_crop_is_the_least_that_the_discriminators_take() {
    for scales in 1..=4 {
        let model = ModelConfig { scales, width: 1, ..model(Form::Concat) };
        let (_, _, nets) = super::judges(&model);
        for crop in (16..=128).step_by(4) {
            let images = super::random("images", &[1, 3, crop, crop]);
            let taken = nets.encoded[0].forward(&images).is_ok();
            assert_eq!(model.check_crop(crop).is_ok(), taken, "{scales} scales, {crop} px");
        }
    }
}

#[test]
fn weights_that_are_no_weights_are_named() {
    is(&refusal(|c| c.loss.cycle = -1.), "loss.cycle: found -1; allowed: a number of at least 0");
    let weight = refusal(|c| c.loss.mode_seeking = f64::NAN);
    is(&weight, "loss.mode_seeking: found NaN; allowed: a number of at least 0");
    let weight = refusal(|c| c.loss.latent = f64::INFINITY);
    is(&weight, "loss.latent: found inf; allowed: a number of at least 0");
}

#[test]
fn weights_that_leave_a_phase_without_gradient_are_named() {
    let none = |c: &mut I2iConfig, names: &[&str]| {
        for name in names {
            *match *name {
                "adversarial" => &mut c.loss.adversarial,
                "cycle" => &mut c.loss.cycle,
                "latent" => &mut c.loss.latent,
                "mode_seeking" => &mut c.loss.mode_seeking,
                _ => &mut c.loss.self_reconstruction,
            } = 0.;
        }
    };
    is(
        &refusal(|c| none(c, &["adversarial", "cycle", "self_reconstruction"])),
        "loss: found 0 in all of adversarial, self_reconstruction, cycle; allowed: a number above 0 \
         in one of them",
    );
    let second = refusal(|c| none(c, &["adversarial", "latent", "mode_seeking"]));
    assert!(second.contains("0 in all of adversarial, latent, mode_seeking"), "{second}");
    // One that is left suffices.
    for left in ["self_reconstruction", "cycle", "adversarial"] {
        for second in ["latent", "mode_seeking", "adversarial"] {
            let mut config = config();
            let all = ["self_reconstruction", "cycle", "adversarial", "latent", "mode_seeking"];
            let zeros: Vec<_> = all.into_iter().filter(|n| ![left, second].contains(n)).collect();
            none(&mut config, &zeros);
            config.check().unwrap();
            let (views, noise) = (super::views(&config), super::noise(&config));
            super::adversaries(&config).update(&views, &noise, None, 1.).unwrap();
        }
    }
}

#[test]
fn optimisers_schedules_and_updates_that_cannot_be_are_named() {
    let lr = refusal(|c| c.optimiser.networks.lr = 0.);
    is(&lr, "optimiser.networks.lr: found 0; allowed: a number above 0");
    let lr = refusal(|c| c.optimiser.content_discriminator.lr = f64::NAN);
    is(&lr, "optimiser.content_discriminator.lr: found NaN; allowed: a number above 0");
    for clip in [0., -1., f64::NAN] {
        let found = refusal(|c| c.optimiser.clip = clip);
        is(&found, &format!("optimiser.clip: found {clip}; allowed: a number above 0"));
    }
    let linear = refusal(|c| c.schedule = LrSchedule::Linear { constant: 3, length: 3 });
    assert!(linear.starts_with("schedule.linear.length: found 3; allowed: more than"), "{linear}");
    let never = refusal(|c| c.updates.full_every = 0);
    is(&never, "updates.full_every: found 0; allowed: at least 1");
}

#[test]
fn batches_that_are_too_small_are_named() {
    let none = refusal(|c| c.sampling.encoded = 0);
    is(&none, "sampling.encoded: found 0; allowed: at least 1");
    let few = refusal(|c| c.sampling.encoded = 2);
    assert!(few.starts_with("sampling.batch: found 2; allowed: at least 4: twice"), "{few}");
    let few = refusal(|c| {
        c.cir.lambda = 0.;
        c.sampling.encoded = 2;
    });
    is(&few, "sampling.batch: found 2; allowed: at least 3: more than sampling.encoded");
}

#[test]
fn one_picture_has_no_spread_to_relate_to() {
    let relative = |c: &mut I2iConfig| c.cir.scale = Scale::Relative;
    let found = refusal(relative);
    assert!(found.starts_with("cir.scale: found relative; allowed: absolute, or"), "{found}");
    let mut config = config();
    relative(&mut config);
    (config.sampling.encoded, config.sampling.batch) = (2, 4);
    config.check().unwrap();
}

#[test]
fn codes_that_do_not_move_are_named() {
    let moved = |names: &[&str]| {
        let names = names.iter().map(|n| (*n).to_owned()).collect();
        refusal(|c| c.cir.moved = Moved::Blocks(names))
    };
    is(&moved(&[]), "cir.moved: found []; allowed: content, attribute");
    is(&moved(&["manner"]), "cir.moved: found \"manner\"; allowed: content, attribute");
    let twice = moved(&["content", "attribute", "content"]);
    is(&twice, "cir.moved: found \"content\" twice; allowed: each code once");
    let chosen = refusal(|c| c.cir.moved = Moved::Chosen(ChosenMoved::One));
    let allowed = "a list of the codes that move, each in a term of its own";
    is(&chosen, &format!("cir.moved: found \"one\"; allowed: {allowed}"));
    is(&refusal(|c| c.cir.draws = 0), "cir.draws: found 0; allowed: at least 1");
    is(&refusal(|c| c.cir.lambda = -1.), "cir.lambda: found -1; allowed: a number of at least 0");
}

fn data_refusal(config: &I2iConfig, data: DataSet) -> String {
    let data = Arc::new(data);
    let batches = Batches::new(data.clone(), config, 1).err().unwrap().to_string();
    if let Err(error) = I2i::new(config.clone(), data, 1, 1, &Device::Cpu) {
        assert_eq!(error.to_string(), batches);
    }
    batches
}

#[test]
fn data_that_do_not_fit_the_networks_are_named() {
    let small = DataSet { size: 28, ..data_set() };
    is(&data_refusal(&config(), small), "sampling.crop: found 32; allowed: at most the data's 28");
    let grey = with_model(|m| m.image_channels = 1);
    let error = data_refusal(&grey, data_set());
    is(&error, "model.image_channels: found 1; allowed: the data's 3");
}

#[test]
fn a_domain_without_pictures_is_named() {
    let source = Squares::new();
    let only = |value| (0..source.len()).filter(|i| i % 2 == value).collect::<Vec<_>>();
    for (value, missing) in [(0, "drawing"), (1, "photo")] {
        let split = Split { train: only(value), held_out: vec![] };
        let error = data_refusal(&config(), DataSet { split, ..data_set() });
        let expected = format!(
            "kind: found no training image with {missing:?}; allowed: training images of both domains"
        );
        is(&error, &expected);
    }
    let mut large = config();
    large.sampling.batch = 40;
    let error = data_refusal(&large, data_set());
    assert!(
        error.contains("training images in the larger domain; allowed: at least 40"),
        "{error}"
    );
}

#[test]
fn the_domains_are_an_attribute_of_two_values() {
    let schema = Squares::new().schema().clone();
    assert_eq!(config().place(&schema).unwrap(), 1);
    let place = |name: &str| {
        let config = I2iConfig { domain: name.into(), ..config() };
        let error = config.place(&schema).unwrap_err().to_string();
        assert!(data_refusal(&config, data_set()) == error);
        error
    };
    is(&place("season"), "domain: found \"season\"; allowed: day, kind");
    is(
        &place("day"),
        "domain: found \"day\" of 3 values (first, second, third); allowed: an attribute of two \
         values",
    );
    let attribute = Attribute { name: "domain".into(), values: vec!["a".into(), "b".into()] };
    let schema = Schema::new(vec![attribute]).unwrap();
    assert!(config().place(&schema).is_err());
}

#[test]
fn batches_are_cut_out_mirrored_and_a_function_of_the_step() {
    let batches = Batches::new(data(), &config(), 1).unwrap();
    let [first, again, other] = [1, 1, 2].map(|step| batches.batch(step).unwrap());
    for (views, same) in [(&again.views, true), (&other.views, false)] {
        let equal = super::flat(&views.encoded[0]) == super::flat(&first.views.encoded[0]);
        assert_eq!(equal, same);
    }
    for i in 0..2 {
        assert_eq!(first.views.encoded[i].dims(), [1, 3, 32, 32]);
        assert_eq!(first.views.others[i].dims(), [1, 3, 32, 32]);
        assert!(super::flat(&first.views.encoded[i]).iter().all(|x| x.abs() <= 1.));
    }
    assert_eq!((first.place.iteration, other.place.iteration, first.place.epoch), (0, 1, 0));
}
