//! What goes into the networks and what comes out (i2i-dis.md, sections 1 and 2).

use candle_core::{DType, Device, Tensor};
use cir_core::Params;
use cir_ops::Precision;

use super::{FORMS, copied, difference, flat, judges, model, random};
use crate::{Domain, Form, LossConfig, ModelConfig, Noise, Translations, Translators};

fn translators(model: &ModelConfig) -> Translators {
    let params = Params::new(1);
    let store = |_: &str| params.clone();
    Translators::new(model, Precision::Full, DType::F64, &Device::Cpu, store).unwrap()
}

#[test]
fn encoders_and_generator_take_and_give_the_shapes_they_state() {
    for (form, image_channels) in FORMS.into_iter().flat_map(|form| [(form, 1), (form, 3)]) {
        let nets = translators(&ModelConfig { image_channels, ..model(form) });
        let images = random("images", &[2, image_channels, 30, 36]);
        for x in Domain::BOTH {
            let content = nets.content.encode(x, &images).unwrap();
            // 30 is halved to 15, and that to 8.
            assert_eq!(content.dims(), [2, 8, 8, 9]);
            let manner = nets.attribute.encode(x, &images).unwrap();
            assert_eq!(manner.mean.dims(), [2, 3]);
            let variance = manner.log_variance.map(|v| v.dims().to_vec());
            assert_eq!(variance, (form == Form::Concat).then(|| vec![2, 3]));
            let content = nets.generator.prepare(&content).unwrap();
            let made = nets.generator.decode(x.other(), &content, &manner.mean).unwrap();
            assert_eq!(made.dims(), [2, image_channels, 32, 36]);
            assert!(flat(&made).iter().all(|x| x.abs() <= 1.));
        }
    }
}

#[test]
fn a_forward_pass_makes_pictures_of_the_size_of_its_own() {
    for form in FORMS {
        for mode_seeking in [0., 1.] {
            let (model, loss) = (model(form), LossConfig { mode_seeking, ..Default::default() });
            let mut rng = cir_core::rng(1, "noise", 0);
            let noise =
                Noise::draw(&mut rng, &model, &loss, [2, 16], DType::F64, &Device::Cpu).unwrap();
            let images = ["a", "b"].map(|name| random(name, &[2, 3, 16, 16]));
            let made = Translations::new(&translators(&model), &images, &noise).unwrap();
            for i in 0..2 {
                let pictures = [&made.translated[i], &made.own[i], &made.back[i]];
                for picture in pictures.into_iter().chain(&made.random[i]) {
                    assert_eq!(picture.dims(), [2, 3, 16, 16]);
                }
                assert_eq!(made.random[i].len(), if mode_seeking > 0. { 2 } else { 1 });
                assert_eq!(made.content_again[i].dims(), [2, 8, 4, 4]);
                assert_eq!(made.attribute_again[i].dims(), [2, 3]);
            }
        }
    }
}

#[test]
fn discriminators_look_at_every_scale() {
    let sides = |scales, side| {
        let model = ModelConfig { scales, ..model(Form::Concat) };
        let (_, _, nets) = judges(&model);
        let maps = nets.random[1].forward(&random("images", &[2, 3, side, side])).unwrap();
        maps.iter().map(|map| map.dims().to_vec()).collect::<Vec<_>>()
    };
    let square = |n| vec![2, 1, n, n];
    assert_eq!(sides(3, 64), [square(4), square(2), square(1)]);
    assert_eq!(sides(2, 36), [square(2), square(1)]);
    // One scale goes deeper and ends in one number up to 64 px.
    assert_eq!(
        (sides(1, 64), sides(1, 36), sides(1, 96)),
        (vec![square(1)], vec![square(1)], vec![square(2)],)
    );
}

#[test]
fn the_content_discriminator_gives_one_number_or_four_as_published() {
    let model = ModelConfig { width: 1, content_stages: 3, ..model(Form::Concat) };
    let (_, _, nets) = judges(&model);
    for (side, left) in [(53, Some(1)), (60, Some(1)), (61, Some(2)), (68, Some(2)), (52, None)] {
        let found = nets.content.forward(&random("codes", &[1, 4, side, side]));
        assert_eq!(found.ok().map(|map| map.dims().to_vec()), left.map(|n| vec![1, 1, n, n]));
    }
}

#[test]
fn pictures_that_are_too_small_or_of_other_channels_are_an_error() {
    let (model, images) = (model(Form::Concat), |c, side| random("images", &[1, c, side, side]));
    let (_, _, nets) = judges(&model);
    assert!(nets.encoded[0].forward(&images(3, 16)).is_err());
    assert!(nets.encoded[0].forward(&images(1, 32)).is_err());
    assert!(nets.content.forward(&images(8, 3)).is_err());
    let nets = translators(&model);
    assert!(nets.content.encode(Domain::A, &images(1, 32)).is_err());
    assert!(nets.content.encode(Domain::A, &images(3, 2)).is_err());
    assert!(nets.attribute.encode(Domain::A, &images(3, 4)).is_err());
    let content = nets.generator.prepare(&random("content", &[1, 8, 4, 4])).unwrap();
    assert!(nets.generator.decode(Domain::A, &content, &random("code", &[1, 4])).is_err());
}

#[test]
fn smaller_scales_see_the_average_of_what_lies_within_the_picture() {
    // A picture of one colour looks the same at every scale, at its edges too; then all maps of a
    // scale hold one number.
    let model = ModelConfig { scales: 3, ..model(Form::Concat) };
    let (stores, _, nets) = judges(&model);
    let params = &stores["disA"];
    let mut tensors = copied(&params.tensors());
    for scale in ["1", "2"] {
        for (name, tensor) in params.tensors() {
            if let Some(rest) = name.strip_prefix("disA.Diss.0.") {
                tensors.insert(format!("disA.Diss.{scale}.{rest}"), tensor.copy().unwrap());
            }
        }
    }
    params.load(&tensors).unwrap();
    let grey = Tensor::full(0.3, (1, 3, 64, 64), &Device::Cpu).unwrap();
    let maps = nets.encoded[0].forward(&grey).unwrap();
    let last = maps[2].flatten_all().unwrap();
    for map in &maps {
        assert!(difference(&map.flatten_all().unwrap().narrow(0, 0, 1).unwrap(), &last) < 1e-12);
    }
}
