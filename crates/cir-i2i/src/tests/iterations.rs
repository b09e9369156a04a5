//! Which networks an iteration changes, and with which gradients (i2i-dis.md, section 4).

use std::collections::{BTreeMap, BTreeSet};

use cir_core::{Gradients, Params};
use cir_ops::Precision;

use super::{FORMS, adversaries, config, model, noise, numbers, views, with_model};
use crate::{
    Adversaries, Discriminators, I2iConfig, LossConfig, Second, TRANSLATORS, Translations, Updates,
    losses::{Phase, first_phase, second_phase},
};

#[test]
fn every_third_iteration_is_full_and_so_are_the_last_two() {
    let rule = |full_every, length: u64| -> String {
        let updates = Updates { full_every, second: Second::Stale };
        (0..length).map(|it| if updates.is_full(it, length) { 'f' } else { 'c' }).collect()
    };
    assert_eq!(rule(3, 8), "ccfccfff");
    assert_eq!(rule(3, 9), "ccfccfcff");
    assert_eq!(rule(3, 10), "ccfccfccff");
    assert_eq!(rule(1, 4), "ffff");
    assert_eq!(rule(5, 4), "ccff");
    assert_eq!((rule(3, 1), rule(3, 2), rule(3, 3)), ("f".into(), "ff".into(), "cff".into()));
}

/// Every number of all networks, of their optimisers and of what spectral norms keep.
fn state(nets: &Adversaries) -> BTreeMap<String, Vec<f64>> {
    let mut all = numbers(&nets.buffers().tensors());
    for (_, learner) in nets.learners() {
        all.extend(numbers(&learner.params().tensors()));
        all.extend(numbers(&learner.adam().tensors()));
    }
    all
}

/// The networks of which a number differs; moments stand under `moment1.` and `moment2.`.
fn changed(before: &BTreeMap<String, Vec<f64>>, after: &BTreeMap<String, Vec<f64>>) -> Vec<String> {
    let names = after.iter().filter(|(name, x)| before[*name] != **x).map(|(name, _)| {
        let name = name.trim_start_matches("moment1.").trim_start_matches("moment2.");
        name.split('.').next().unwrap_or_default().to_owned()
    });
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

#[test]
fn a_content_iteration_changes_the_content_discriminator_alone() {
    for form in FORMS {
        let config = with_model(|m| *m = crate::ModelConfig { spectral_norm: true, ..model(form) });
        let mut nets = adversaries(&config);
        let before = state(&nets);
        let update =
            nets.content_update(&views(&config).encoded, &noise(&config).content, 1.).unwrap();
        assert_eq!(changed(&before, &state(&nets)), ["disContent"]);
        let names: Vec<_> = update.scalars.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["d_content", "d_content_norm"]);
    }
}

#[test]
fn a_full_iteration_changes_every_network_and_some_twice() {
    let config = with_model(|m| m.spectral_norm = true);
    let mut nets = adversaries(&config);
    let before = state(&nets);
    nets.update(&views(&config), &noise(&config), None, 1.).unwrap();
    let all: Vec<_> = nets.learners().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(changed(&before, &state(&nets)), all);
    for (name, learner) in nets.learners() {
        let twice = ["enc_c", "gen"].contains(&name);
        assert_eq!(learner.adam().updates(), if twice { 2 } else { 1 }, "{name}");
    }
}

#[test]
fn the_content_discriminators_gradient_is_clipped() {
    let mut config = config();
    config.optimiser.clip = 1e-3;
    let mut nets = adversaries(&config);
    let update = nets.content_update(&views(&config).encoded, &noise(&config).content, 1.).unwrap();
    let norm = update.scalars[1].1;
    assert!(norm > 1e-3, "{norm} before clipping");
    let clipped = update.gradients.norm().unwrap();
    assert!((clipped - 1e-3 * norm / (norm + 1e-6)).abs() < 1e-9, "{clipped}");
}

/// The weighted sum of a phase's terms.
fn total(phase: &Phase, made: &Translations) -> f64 {
    let sections = phase.sections(made).unwrap();
    let totals = sections.iter().flatten().filter_map(|section| section.total.as_ref());
    totals.map(|total| total.to_scalar::<f64>().unwrap()).sum()
}

/// The slope of `total` along `direction`, as a change of the parameters of `params`, from two values.
fn by_hand(params: &Params, direction: &Gradients, total: impl Fn() -> f64) -> f64 {
    const STEP: f64 = 1e-6;
    let length = direction.norm().unwrap();
    let moved = |by: f64| {
        for (name, var) in params.vars() {
            let Some(along) = direction.get(&name) else { continue };
            var.set(&(var.as_tensor() + (along * (by / length)).unwrap()).unwrap()).unwrap();
        }
    };
    moved(STEP);
    let above = total();
    moved(-2. * STEP);
    let below = total();
    moved(STEP);
    (above - below) / (2. * STEP)
}

fn largest_difference(a: &Gradients, b: &Gradients) -> f64 {
    assert_eq!(a.tensors().keys().collect::<Vec<_>>(), b.tensors().keys().collect::<Vec<_>>());
    let joint = b.tensors().values().flat_map(super::flat).fold(0f64, |most, x| most.max(x.abs()));
    let of = |(name, x): (&String, &candle_core::Tensor)| {
        let zero = (x - &b.tensors()[name]).unwrap();
        super::flat(&zero).into_iter().fold(0f64, |most, x| most.max(x.abs()))
    };
    a.tensors().iter().map(of).fold(0f64, f64::max) / joint
}

#[test]
fn clean_gradients_are_those_before_the_first_update_and_stale_ones_are_not() {
    for form in FORMS {
        let second = |second| {
            let mut config = with_model(|m| m.form = form);
            config.updates.second = second;
            // Large steps, so that old and new weights differ well.
            config.optimiser.networks.lr = 1e-2;
            config
        };
        let config: I2iConfig = second(Second::Clean);
        let (views, noise) = (views(&config), noise(&config));
        let mut nets = adversaries(&config);
        let clean = nets.update(&views, &noise, None, 1.).unwrap();

        // The discriminators are those after their only update, the others as they began.
        let judges = Discriminators::new(
            &config.model,
            Precision::Full,
            candle_core::DType::F64,
            &candle_core::Device::Cpu,
            |name| nets.params(name),
            nets.buffers(),
        )
        .unwrap();
        let start = adversaries(&config);
        let made = || Translations::new(start.translators(), &views.encoded, &noise).unwrap();
        let (content, critics) =
            (judges.content.fixed(), judges.encoded.each_ref().map(|d| d.fixed()));
        let first = || {
            let made = made();
            let phase = first_phase(&made, &views.encoded, &content, &critics, &config.loss);
            total(&phase.unwrap(), &made)
        };
        // Along the gradient itself the slope is its length.
        for name in TRANSLATORS {
            let own = &clean.gradients[name];
            let (expected, found) = (by_hand(&start.params(name), own, first), own.norm().unwrap());
            assert!((found / expected - 1.).abs() < 1e-4, "{form:?} {name}: {found}, {expected}");
        }
        let critics = judges.random.each_ref().map(|d| d.fixed());
        let then = || {
            let made = made();
            let phase = second_phase(&made, &noise.random, &critics, &config.loss);
            total(&phase.unwrap(), &made)
        };
        let stale = adversaries(&second(Second::Stale)).update(&views, &noise, None, 1.).unwrap();
        assert_eq!(clean.second.keys().collect::<Vec<_>>(), ["enc_c", "gen"].each_ref());
        for name in ["enc_c", "gen"] {
            let own = &clean.second[name];
            let (expected, found) = (by_hand(&start.params(name), own, then), own.norm().unwrap());
            assert!((found / expected - 1.).abs() < 1e-4, "{form:?} {name}: {found}, {expected}");
            let apart = largest_difference(&stale.second[name], own);
            assert!(apart > 1e-3, "{form:?} {name}: {apart}");
        }
        // The losses and the first update are the same.
        assert_eq!(clean.scalars, stale.scalars);
        for name in TRANSLATORS {
            assert!(largest_difference(&stale.gradients[name], &clean.gradients[name]) < 1e-12);
        }
    }
}

#[test]
fn the_totals_are_the_weighted_sums_of_what_is_logged() {
    let weights = LossConfig {
        adversarial: 0.7,
        content_adversarial: 0.3,
        attribute_prior: 0.2,
        content_prior: 0.4,
        self_reconstruction: 3.,
        cycle: 5.,
        latent: 2.,
        mode_seeking: 0.1,
    };
    for loss in [weights, LossConfig { mode_seeking: 0., ..weights }] {
        let config = I2iConfig { loss, ..config() };
        let update =
            adversaries(&config).update(&views(&config), &noise(&config), None, 1.).unwrap();
        let logged: BTreeMap<_, _> = update.scalars.into_iter().collect();
        let sum = |terms: &[(&str, f64)]| -> f64 {
            let both = |name: &str| logged[&format!("{name}_a")] + logged[&format!("{name}_b")];
            terms.iter().map(|(name, weight)| weight * both(name)).sum()
        };
        let first = sum(&[
            ("gan_content", 0.3),
            ("gan", 0.7),
            ("kl_attr", 0.2),
            ("l2_content", 0.4),
            ("l1_self", 3.),
            ("l1_cycle", 5.),
        ]);
        let mut second = sum(&[("gan2", 0.7), ("latent", 2.)]);
        if loss.mode_seeking > 0. {
            second += sum(&[("ms", 0.1)]);
        }
        assert_eq!(logged.contains_key("ms_a"), loss.mode_seeking > 0.);
        assert!((logged["total_eg"] - first).abs() < 1e-12 * first);
        assert!((logged["total_g"] - second).abs() < 1e-12 * second);
        assert!(logged["gan_content_a"] >= std::f64::consts::LN_2);
    }
}
