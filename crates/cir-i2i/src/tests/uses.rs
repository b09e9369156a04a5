//! A model stored, loaded and used, and its scores.

use candle_core::{Device, Tensor};
use cir_core::Image;
use cir_data::Source as _;
use cir_train::{Algorithm as _, save_model};

use super::{FORMS, Squares, algorithm, config, data, flat, random, with_model};
use crate::{Domain, Form, I2i, Model, evaluate, judge, shown};

fn of(form: Form) -> I2i {
    algorithm(with_model(|m| m.form = form))
}

fn picture(i: usize) -> Image {
    Squares::new().image(i).unwrap()
}

#[test]
fn a_model_stored_and_loaded_translates_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for form in FORMS {
        let (i2i, path) = (of(form), folder.path().join(format!("{form:?}.safetensors")));
        save_model(&path, &i2i.model().unwrap()).unwrap();
        let loaded = Model::load(&path, &Device::Cpu).unwrap();
        assert_eq!(loaded.card(), i2i.trained().card());
        let made = |model: &Model| {
            let codes = model.attribute(Domain::B, &[picture(1), picture(25)]).unwrap();
            let codes = Tensor::cat(&[codes, model.random(2, 3).unwrap()], 0).unwrap();
            model.translate(&picture(4), Domain::A, Domain::B, &codes).unwrap()
        };
        assert_eq!(made(&loaded), made(i2i.trained()));
    }
}

#[test]
fn a_model_or_checkpoint_of_the_other_form_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for (form, other, name) in [
        (Form::Concat, Form::FeatureWise, "tensor enc_a.model_a.1.bias: found nothing"),
        (Form::FeatureWise, Form::Concat, "tensor enc_a.conv_A.1.bias: found nothing"),
    ] {
        let (mut own, other) = (of(form), of(other));
        let mut stored = own.model().unwrap();
        stored.card = other.model().unwrap().card;
        save_model(&path, &stored).unwrap();
        let error = Model::load(&path, &Device::Cpu).unwrap_err().to_string();
        assert!(error.contains("model.safetensors") && error.contains(name), "{error}");
        let error = own.restore(other.state()).unwrap_err().to_string();
        assert!(error.contains("tensor enc_a."), "{error}");
    }
    // With spectral norm, without.
    let error = algorithm(with_model(|m| m.spectral_norm = true))
        .restore(of(Form::Concat).state())
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("tensor disA.") && error.contains("found nothing"), "{error}");
    let error = of(Form::Concat)
        .restore(algorithm(with_model(|m| m.spectral_norm = true)).state())
        .unwrap_err()
        .to_string();
    assert!(error.contains("weight") && error.contains("no tensor of this name"), "{error}");
}

#[test]
fn cards_that_are_not_of_two_domains_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut stored = of(Form::Concat).model().unwrap();
    let card = stored.card.clone();
    let mut refused = |from: &str, to: &str| {
        assert!(card.contains(from), "{card}");
        stored.card = card.replace(from, to);
        save_model(&path, &stored).unwrap();
        Model::load(&path, &Device::Cpu).unwrap_err().to_string()
    };
    let three = refused(r#""photo","drawing""#, r#""photo","drawing","etching""#);
    assert!(three.contains("one attribute of two values"), "{three}");
    assert!(refused(r#""width":2"#, r#""width":0"#).contains("model.width: found 0"));
    for crop in [30, 40] {
        let error = refused(r#""crop":32"#, &format!(r#""crop":{crop}"#));
        assert!(
            error.contains(&format!(
                "crop: found {crop}; allowed: a positive multiple of 4, at most the size 36"
            )),
            "{error}"
        );
    }
    let wide = refused(r#""width":2"#, r#""width":3"#);
    assert!(wide.contains("found shape"), "{wide}");
    assert!(refused("i2i-dis", "elegant").contains("a model of algorithm \"elegant\""));
}

#[test]
fn many_codes_at_once_give_what_each_gives_alone() {
    for form in FORMS {
        let i2i = of(form);
        let model = i2i.trained();
        // More than are decoded in a batch.
        let codes = model.random(19, 1).unwrap();
        let together = model.translate(&picture(3), Domain::B, Domain::A, &codes).unwrap();
        assert_eq!(together.len(), 19);
        for (k, image) in together.iter().enumerate() {
            let code = codes.narrow(0, k, 1).unwrap();
            let alone = model.translate(&picture(3), Domain::B, Domain::A, &code).unwrap();
            assert_eq!(alone[0], *image, "{form:?}, code {k}");
        }
        // So do attribute codes of several pictures.
        let pictures = [picture(1), picture(13), picture(27)];
        let codes = model.attribute(Domain::B, &pictures).unwrap();
        for (k, picture) in pictures.iter().enumerate() {
            let alone = model.attribute(Domain::B, std::slice::from_ref(picture)).unwrap();
            assert_eq!(flat(&alone), flat(&codes.narrow(0, k, 1).unwrap()));
        }
    }
}

#[test]
fn random_codes_depend_on_the_seed_alone() {
    let (concat, film) = (of(Form::Concat), of(Form::FeatureWise));
    let codes = |i2i: &I2i, count, seed| flat(&i2i.trained().random(count, seed).unwrap());
    assert_eq!(codes(&concat, 4, 7), codes(&concat, 4, 7));
    assert_eq!(codes(&concat, 4, 7), codes(&film, 4, 7));
    assert_ne!(codes(&concat, 4, 7), codes(&concat, 4, 8));
    // Fewer are the first of more.
    assert_eq!(codes(&concat, 2, 7), codes(&concat, 4, 7)[..6]);
}

#[test]
fn pictures_of_another_size_are_resized_and_other_channels_named() {
    let i2i = of(Form::Concat);
    let model = i2i.trained();
    let (wide, grey) = (Image::filled(20, 50, [200, 10, 90]), Image::filled(36, 36, [7]));
    let resized = cir_data::resize(&wide, 36, cir_data::Resize::Bicubic).unwrap();
    let codes = |image| flat(&model.attribute(Domain::A, &[image]).unwrap());
    assert_eq!(codes(wide.clone()), codes(resized.clone()));
    let code = model.random(1, 1).unwrap();
    let made = |image| model.translate(image, Domain::A, Domain::B, &code).unwrap();
    assert_eq!(made(&wide), made(&resized));
    // The centre is translated, as large as the crops of training.
    let centre = resized.crop(2, 2, 32).unwrap();
    assert_eq!(model.view(&wide).unwrap(), centre);
    assert_eq!((made(&wide)[0].height(), made(&wide)[0].width()), (32, 32));
    let error = model.attribute(Domain::A, &[grey]).unwrap_err().to_string();
    assert!(error.contains('1') && error.contains('3'), "{error}");
    assert!(model.attribute(Domain::A, &[]).is_err());
    let narrow = random("code", &[1, 2]).to_dtype(candle_core::DType::F32).unwrap();
    assert!(model.translate(&wide, Domain::A, Domain::B, &narrow).is_err());
}

#[test]
fn an_untrained_model_is_scored_as_one() {
    let (i2i, data) = (of(Form::Concat), data());
    let judge = judge(i2i.trained(), &data, config().evaluation.reader_steps, 1).unwrap();
    let found = evaluate(i2i.trained(), &data, &judge, 6, 1).unwrap();
    assert_eq!((found.images, found.others), ("held-out", 7));
    let names = found.directions.each_ref().map(|d| d.name.as_str());
    assert_eq!(names, ["photo to drawing", "drawing to photo"]);
    for direction in &found.directions {
        assert_eq!(direction.count, 6);
        let truth = direction.truth.unwrap();
        let shares = [direction.domain, direction.domain_random, truth.content, truth.manner];
        assert!(shares.iter().all(|x| (0. ..=1.).contains(x)), "{direction:?}");
        assert!(truth.l1 > 0.05 && direction.reconstruction > 0.05, "{direction:?}");
    }
    let scalars: Vec<_> = found.scalars().into_iter().map(|(name, _)| name).collect();
    for name in ["domain_to_b", "content_to_a", "manner_to_b", "l1_truth_to_a", "diversity_to_b"] {
        assert!(scalars.contains(&name.to_owned()), "{name} is not in {scalars:?}");
    }
}

#[test]
fn what_is_shown_is_picture_own_codes_reference_translation_truth_and_random_ones() {
    let (i2i, data) = (of(Form::Concat), data());
    let rows = shown(i2i.trained(), &data, 2, 1).unwrap();
    assert_eq!(rows.len(), 4);
    assert!(
        rows.iter().all(|row| row.pictures.len() == 9 && row.pictures.iter().all(Option::is_some))
    );
    assert_eq!(rows[3].name, "drawing to photo");
}

#[test]
fn a_domain_without_pictures_to_score_is_named() {
    let (i2i, mut data) = (of(Form::Concat), (*data()).clone());
    let domain = config().place(data.source.schema()).unwrap();
    data.split.held_out.retain(|&i| data.index.labels(i)[domain] == 0);
    let error = shown(i2i.trained(), &data, 1, 1).unwrap_err().to_string();
    let expected =
        "data.hold_out: found no held-out image with kind=drawing; allowed: images of both";
    assert!(error.starts_with(expected), "{error}");
    let judge = judge(i2i.trained(), &data, 1, 1).unwrap();
    assert!(evaluate(i2i.trained(), &data, &judge, 1, 1).is_err());
}
