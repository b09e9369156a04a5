//! The CIR terms of an iteration (i2i-dis.md, section 8).

use candle_core::{DType, Device};
use cir_core::{CirConfig, Moved, rng};

use super::{FORMS, adversaries, flat, noise, random, views, with_model};
use crate::{BLOCKS, CirStep, Form, I2iConfig, Sampling, Update, domain::both, losses::CirDraw};

fn moving(names: &[&str], form: Form) -> I2iConfig {
    let mut config = with_model(|m| m.form = form);
    config.sampling = Sampling { batch: 4, encoded: 2, ..config.sampling };
    let moved = Moved::Blocks(names.iter().map(|n| (*n).to_owned()).collect());
    config.cir = CirConfig { lambda: 0.5, moved, ..config.cir };
    config
}

/// An iteration with the terms of `config`, whose draws depend on the moved code alone.
fn update(config: &I2iConfig, weight: f64, with_noise: bool) -> Update {
    let mut nets = adversaries(config);
    let shape = [config.sampling.encoded, 8, 8, 8];
    let draws = nets.terms().iter().map(|term| {
        let Moved::Blocks(moved) = &term.config().moved else { panic!("no list") };
        let name = moved[0].clone();
        both(|x| {
            let mut rng = rng(7, &format!("{name} {x:?}"), 0);
            let draw = term.draw(&mut rng, None, shape[0], DType::F64, &Device::Cpu)?;
            let noise = with_noise.then(|| random(&format!("again {name} {x:?}"), &shape));
            Ok(CirDraw { draw, noise })
        })
        .unwrap()
    });
    let draws = draws.collect();
    let towards = ["a", "b"].map(|x| random(&format!("towards {x}"), &shape));
    let step = CirStep { weight, noise: with_noise.then_some(towards), draws };
    nets.update(&views(config), &noise(config), Some(&step), 1.).unwrap()
}

fn logged(update: &Update, name: &str) -> f64 {
    update.scalars.iter().find(|(n, _)| n == name).unwrap().1
}

#[test]
fn both_codes_moved_is_the_sum_of_each() {
    for form in FORMS {
        let value = |moved: &[&str]| logged(&update(&moving(moved, form), 1., true), "cir");
        let [content, attribute] = BLOCKS.map(|name| value(&[name]));
        let sum = value(&BLOCKS);
        assert!(content > 0. && attribute > 0. && content != attribute);
        assert!((sum - content - attribute).abs() < 1e-12 * sum, "{form:?}");
    }
}

#[test]
fn the_term_counts_with_its_weight_in_the_first_phase_alone() {
    let config = moving(&BLOCKS, Form::Concat);
    let without = adversaries(&config).update(&views(&config), &noise(&config), None, 1.).unwrap();
    assert!(without.scalars.iter().all(|(name, _)| name != "cir"));
    let with = update(&config, 0.25, true);
    let expected = logged(&without, "total_eg") + 0.25 * logged(&with, "cir");
    assert!((logged(&with, "total_eg") - expected).abs() < 1e-12 * expected);
    assert_eq!(logged(&with, "total_g"), logged(&without, "total_g"));
    let gradient = |update: &Update| {
        let tensors = update.gradients["gen"].tensors();
        flat(&tensors["gen.decA4.0.weight"])
    };
    assert_ne!(gradient(&with), gradient(&without));
}

#[test]
fn fresh_noise_keeps_the_distance_of_content_from_0() {
    // Attribute codes move, content is compared: where it carries noise twice, mse is 2 at least
    // in the mean.
    let config = moving(&["attribute"], Form::Concat);
    let [noisy, clean] = [true, false].map(|noise| logged(&update(&config, 1., noise), "cir"));
    assert!(noisy > clean + 1., "{noisy}, {clean}");
}

#[test]
fn a_term_of_several_draws_is_their_sum() {
    let value = |draws| {
        let mut config = moving(&["content"], Form::Concat);
        config.cir.draws = draws;
        logged(&update(&config, 1., false), "cir")
    };
    // Not the same fractions, but distances of the same size.
    let share = value(4) / value(1);
    assert!((2. ..8.).contains(&share), "{share}");
}

#[test]
fn there_is_a_term_for_each_code_that_moves() {
    let terms = |names: &[&str]| moving(names, Form::Concat).cir_terms().unwrap();
    assert_eq!((terms(&["content"]).len(), terms(&BLOCKS).len()), (1, 2));
    let mut late = moving(&BLOCKS, Form::Concat);
    late.cir = CirConfig { start: 3, ..late.cir };
    let weights = [1, 2, 3].map(|step| late.cir_terms().unwrap()[1].weight(step));
    assert_eq!(weights, [None, None, Some(0.5)]);
    late.cir.lambda = 0.;
    assert_eq!(late.cir_terms().unwrap()[0].weight(3), None);
}
