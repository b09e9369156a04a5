//! Blocks' metrics on codes that are perfect, constant, noisy, leaking and duplicated, beside what
//! scikit-learn and numpy find.

use std::sync::LazyLock;

use serde_json::Value;

use super::{dci::judged, *};
use crate::{
    ForestConfig, Logistic, LogisticConfig, Probe, Sampling, Score,
    checked::{self, Pair, agree, halves, number, numbers, rows},
};

/// `checks/blocks.json`, which scikit-learn and numpy made.
static CHECKED: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../checks/blocks.json")).unwrap());
const KINDS: [&str; 5] = ["perfect", "constant", "noisy", "leaking", "duplicated"];
const SAMPLING: Sampling = Sampling { seed: 1, resamples: 200 };

fn codes(kind: &str) -> Codes {
    checked::codes(&CHECKED, kind, &[2, 3, 4])
}

fn blocks() -> Blocks {
    Blocks::new(vec![0..2, 2..4, 4..6], vec![0, 1, 2]).unwrap()
}

#[test]
fn metrics_agree_with_scikit_learn() {
    let mut all = Vec::new();
    for kind in KINDS {
        let found = &CHECKED["cases"][kind];
        let [learn, judge] = halves(&codes(kind));
        let none = Sampling { resamples: 0, ..SAMPLING };
        let probes = BlockProbes::judged(&learn, &judge, &blocks(), Probe::default(), none);
        let (probes, theirs) = (probes.unwrap(), &found["probes"]);
        let matrix = probes.matrix();
        for (a, row) in rows(&theirs["accuracy"]).iter().enumerate() {
            for (b, theirs) in row.iter().enumerate() {
                // An image in 250 that lies at the border.
                all.push(Pair::new("accuracy", kind, matrix.accuracy[a][b], *theirs, 0.0041));
            }
            all.push(Pair::new(
                "chance",
                kind,
                matrix.chance[a],
                numbers(&theirs["chance"])[a],
                1e-12,
            ));
        }
        all.push(Pair::new(
            "leakage",
            kind,
            probes.leakage().value,
            number(&theirs["leakage"]),
            0.002,
        ));
        let gap = number(&theirs["information_gap"]);
        all.push(Pair::new("block MIG", kind, probes.information_gap().value, gap, 0.002));
        let probe = Logistic::fit(&learn.block(&(0..2)).unwrap(), 0, LogisticConfig::default());
        for (i, theirs) in rows(&theirs["first_probabilities"]).iter().enumerate() {
            let ours = probe.as_ref().unwrap().probabilities(&judge.row(i)[..2]).unwrap();
            all.push(Pair::new("probability", kind, ours[0], theirs[0], 2e-3));
        }
        let ours = correlation(&codes(kind), &blocks(), none).unwrap().value;
        all.push(Pair::new("correlation", kind, ours, number(&found["correlation"]), 1e-9));
        for (what, blocks) in [("numbers", None), ("blocks", Some(&blocks()))] {
            let ours = judged(&learn, &judge, blocks, ForestConfig { trees: 500 }, none).unwrap();
            let theirs = &found["dci"][what];
            let mut push = |name, ours, theirs| {
                // Which of two numbers that say the same is looked at first is drawn for each tree.
                let allowed = if name == "importance" { 0.05 } else { 0.02 };
                all.push(Pair::new(name, kind, ours, theirs, allowed));
            };
            push("disentanglement", ours.disentanglement.value, number(&theirs["disentanglement"]));
            push("completeness", ours.completeness.value, number(&theirs["completeness"]));
            let right = number(&found["dci"]["informativeness"]);
            push("informativeness", ours.informativeness.value, right);
            for (ours, theirs) in ours.importances.iter().zip(rows(&theirs["importances"])) {
                ours.iter().zip(theirs).for_each(|(a, b)| push("importance", *a, b));
            }
        }
    }
    agree(&all);
}

struct Found {
    own: Score,
    leakage: Score,
    gap: Score,
    correlation: Score,
    dci: Dci,
}

fn found(kind: &str) -> Found {
    let (codes, blocks) = (codes(kind), blocks());
    let probes = BlockProbes::fit(&codes, &blocks, Probe::default(), SAMPLING).unwrap();
    let few = Sampling { resamples: 20, ..SAMPLING };
    Found {
        own: probes.own(),
        leakage: probes.leakage(),
        gap: probes.information_gap(),
        correlation: correlation(&codes, &blocks, SAMPLING).unwrap(),
        dci: dci(&codes, Some(&blocks), ForestConfig { trees: 30 }, few).unwrap(),
    }
}

#[test]
fn perfect_codes_score_full_and_constant_ones_nothing() {
    let perfect = found("perfect");
    assert!(perfect.own.value == 1. && perfect.gap.value > 0.95);
    assert!(perfect.dci.disentanglement.value > 0.99 && perfect.dci.completeness.value > 0.99);
    let [low, high] = perfect.leakage.interval.unwrap();
    assert!(low < 0. && high > 0., "{:?}", perfect.leakage);

    let constant = found("constant");
    assert_eq!((constant.leakage.value, constant.gap.value), (0., 0.));
    assert_eq!((constant.correlation.value, constant.dci.disentanglement.value), (0., 0.));
    assert!(constant.own.value < 0.5);
}

#[test]
fn noise_lowers_what_is_found_and_duplicates_leak() {
    let [perfect, noisy, leaking, duplicated] =
        ["perfect", "noisy", "leaking", "duplicated"].map(found);
    assert!(noisy.gap.value < perfect.gap.value && noisy.dci.disentanglement.value < 0.5);
    for found in [&leaking, &duplicated] {
        assert!(found.leakage.interval.unwrap()[0] > 0.02, "{:?}", found.leakage);
        assert!(found.gap.value < perfect.gap.value);
        assert!(found.correlation.value > 2. * perfect.correlation.value);
        assert!(found.dci.disentanglement.interval.unwrap()[1] < 0.95);
    }
    assert!(duplicated.gap.value < 0.4);
}

#[test]
fn scores_say_how_they_came_about() {
    let found = found("noisy");
    let protocol = "leakage 1 logistic(C=1) learnt=250 judged=250 seed=1 bootstrap=200";
    assert_eq!(found.leakage.protocol, protocol);
    let dci = [&found.dci.completeness, &found.dci.informativeness];
    for score in [&found.own, &found.leakage, &found.gap, &found.correlation].into_iter().chain(dci)
    {
        let [low, high] = score.interval.unwrap();
        assert!(low < score.value && score.value < high && high - low < 0.25, "{score:?}");
    }
    assert_eq!(found.dci.completeness.interval, self::found("noisy").dci.completeness.interval);
}

#[test]
fn blocks_that_are_none_are_named() {
    let refused = |ranges: &[Range<usize>], own: &[usize]| {
        Blocks::new(ranges.to_vec(), own.to_vec()).unwrap_err().to_string()
    };
    assert!(refused(&[0..2, 1..3], &[0, 1]).contains("0..2 and 1..3 overlap"));
    assert!(refused(&[0..2, 2..2], &[0, 1]).contains("2..2 is empty"));
    assert!(refused(&[0..2, 2..3], &[0, 2]).contains("block 2 of 2"));
    let only = std::iter::once(0..2).collect::<Vec<_>>();
    assert!(refused(&only, &[0]).contains("1 block"));
    let wide = Blocks::new(vec![0..2, 2..8], vec![0, 1, 1]).unwrap();
    assert!(wide.check(&codes("noisy")).unwrap_err().to_string().contains("2..8"));
    let two = Blocks::new(vec![0..2, 2..6], vec![0, 1]).unwrap();
    assert!(two.check(&codes("noisy")).unwrap_err().to_string().contains("2 attributes"));
}
