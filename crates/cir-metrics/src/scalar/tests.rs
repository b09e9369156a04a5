//! Metrics of single numbers on codes that are perfect, constant, noisy, duplicated and mixed, beside what
//! scikit-learn and numpy find.

use std::sync::LazyLock;

use serde_json::Value;

use super::{
    explicitness::judged as explicitness_judged,
    information::Columns,
    sap::{judged as sap_judged, right},
    svm::Svm,
    votes::{accuracy, steadiest, variances},
    *,
};
use crate::{
    LogisticConfig, Sampling, Score,
    checked::{self, Pair, agree, halves, indices, number, rows},
};

/// `checks/scalar.json`, which scikit-learn and numpy made.
static CHECKED: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../checks/scalar.json")).unwrap());
const KINDS: [&str; 5] = ["perfect", "constant", "noisy", "duplicated", "mixed"];
const SAMPLING: Sampling = Sampling { seed: 1, resamples: 200 };
const NONE: Sampling = Sampling { resamples: 0, ..SAMPLING };

fn codes(kind: &str) -> Codes {
    checked::codes(&CHECKED, kind, &[2, 3, 5])
}

/// The factor of each group of images by numpy, and the number that varies least among them.
fn votes(codes: &Codes) -> Vec<[usize; 2]> {
    let spread = variances(codes, Votes::default().collapsed);
    let vote = |group: &Value| {
        let number = steadiest(codes, &spread, &indices(&group["images"]))?;
        Some([number, group["factor"].as_u64().unwrap() as usize])
    };
    CHECKED["groups"].as_array().unwrap().iter().filter_map(vote).collect()
}

fn compared(kind: &str) -> Vec<Pair> {
    let (codes, theirs) = (codes(kind), &CHECKED["cases"][kind]);
    let [learn, judge] = halves(&codes);
    let all: Vec<_> = (0..codes.rows()).collect();
    let mut found = Vec::new();
    let mut push =
        |name, ours, theirs, allowed| found.push(Pair::new(name, kind, ours, theirs, allowed));
    let columns = Columns::new(&codes, &[0, 1, 2], Bins::default()).unwrap();
    let information = columns.information(&all).mutual.concat();
    for (ours, theirs) in information.iter().zip(rows(&theirs["information"]).concat()) {
        push("mutual information", *ours, theirs, 1e-12);
    }
    let ours = mig(&codes, Bins::default(), NONE).unwrap().value;
    push("MIG", ours, number(&theirs["mig"]), 1e-12);
    let ours = modularity(&codes, Bins::default(), NONE).unwrap().value;
    push("modularity", ours, number(&theirs["modularity"]), 1e-12);

    let svm = SvmConfig::default();
    let right = right(&learn, &judge, &[0, 1, 2], svm).unwrap().concat();
    for (ours, theirs) in right.iter().zip(rows(&theirs["sap"]["accuracy"]).concat()) {
        let ours = ours.iter().filter(|right| **right).count() as f64 / judge.rows() as f64;
        push("SVM accuracy", ours, theirs, 1e-12);
    }
    if !theirs["sap"]["machine"].is_null() {
        let ours = Svm::fit(&learn.column(0), &learn.labels(2), 5, svm).unwrap();
        for (ours, theirs) in ours.machines().iter().zip(rows(&theirs["sap"]["machine"])) {
            ours.iter().zip(theirs).for_each(|(a, b)| push("SVM weight", *a, b, 1e-6));
        }
    }
    let ours = sap_judged(&learn, &judge, svm, NONE).unwrap().value;
    push("SAP", ours, number(&theirs["sap"]["score"]), 1e-12);
    let ours = explicitness_judged(&learn, &judge, LogisticConfig::default(), NONE).unwrap().value;
    // Ours stops at partial derivatives of 1e-4 for each image.
    push("explicitness", ours, number(&theirs["explicitness"]), 1e-3);
    let ours = irs(&codes, IrsConfig::default()).unwrap().value;
    push("IRS", ours, number(&theirs["irs"]), 1e-12);

    let factor = &theirs["factor_vae"];
    let spread = variances(&codes, Votes::default().collapsed);
    let kept = (0..codes.width()).filter(|&j| spread[j].is_some()).collect::<Vec<_>>();
    assert_eq!(kept, indices(&factor["kept"]));
    let votes = votes(&codes);
    let (even, odd): (Vec<_>, Vec<_>) = votes.iter().enumerate().partition(|(i, _)| i % 2 == 0);
    let [even, odd] =
        [even, odd].map(|part| part.iter().map(|(_, vote)| **vote).collect::<Vec<_>>());
    for (ours, theirs) in votes.iter().zip(indices(&factor["votes"])) {
        push("FactorVAE vote", ours[0] as f64, theirs as f64, 0.);
    }
    let ours = accuracy(&even, &odd, codes.width(), 3);
    push("FactorVAE given groups", ours, number(&factor["first"]), 1e-12);
    let score = factor_vae(&codes, Votes::default(), SAMPLING.seed).unwrap().value;
    let theirs = number(&factor["score"]);
    // Four deviations of the difference of two shares of 5000 votes.
    push("FactorVAE", score, theirs, 4. * (2. * theirs * (1. - theirs) / 5000.).sqrt());
    found
}

#[test]
fn metrics_agree_with_scikit_learn_and_numpy() {
    agree(&KINDS.map(compared).concat());
}

/// MIG, SAP, FactorVAE, modularity, explicitness, IRS.
fn found(codes: &Codes) -> [Score; 6] {
    let votes = Votes { train: 2000, test: 1000, ..Votes::default() };
    [
        mig(codes, Bins::default(), SAMPLING).unwrap(),
        sap(codes, SvmConfig::default(), SAMPLING).unwrap(),
        factor_vae(codes, votes, SAMPLING.seed).unwrap(),
        modularity(codes, Bins::default(), SAMPLING).unwrap(),
        explicitness(codes, LogisticConfig::default(), SAMPLING).unwrap(),
        irs(codes, IrsConfig::default()).unwrap(),
    ]
}

fn values(kind: &str) -> [f64; 6] {
    found(&codes(kind)).map(|score| score.value)
}

#[test]
fn perfect_codes_score_full_and_constant_ones_nothing() {
    let [mig, sap, votes, modularity, explicitness, irs] = values("perfect");
    assert!(mig > 0.98 && sap > 0.4, "{mig} {sap}");
    assert!(votes == 1. && modularity > 0.999 && explicitness > 0.999 && irs == 1.);
    assert_eq!(values("constant"), [0., 0., 0., 0., 0.5, 0.]);
}

#[test]
fn noise_lowers_all_scores_that_can_be_lower() {
    let (perfect, noisy) = (values("perfect"), values("noisy"));
    for k in [0, 1, 3, 4, 5] {
        assert!(noisy[k] < perfect[k] - 0.05, "{k}: {noisy:?}");
    }
    // Few images of a factor are steadier than all, however noisy they are.
    assert!(noisy[2] > 0.95);
}

#[test]
fn duplicates_cost_the_gaps_all_and_the_others_nothing() {
    let (perfect, duplicated) = (values("perfect"), values("duplicated"));
    assert_eq!(duplicated[..2], [0., 0.]);
    assert_eq!(duplicated[2..4], perfect[2..4]);
    assert!((duplicated[4] - perfect[4]).abs() < 1e-3 && duplicated[5] == perfect[5]);
}

/// On a full grid a number that stands for none of the factors is independent of all but for rounding,
/// from which no score may come.
#[test]
fn rounding_is_no_information() {
    let rows: Vec<[u16; 3]> =
        (0..105).map(|i| [i % 3, i / 3 % 5, i / 15].map(|x| x as u16)).collect();
    let numbers = rows.iter().map(|row| f64::from(row[2])).collect();
    let labels = rows.iter().map(|row| row[..2].to_vec()).collect();
    let codes = Codes::new(1, numbers, labels, vec![3, 5]).unwrap();
    assert_eq!(modularity(&codes, Bins::default(), NONE).unwrap().value, 0.);
    assert_eq!(mig(&codes, Bins::default(), NONE).unwrap().value, 0.);
}

#[test]
fn factors_of_one_value_are_left_out() {
    let codes = codes("mixed");
    let labels: Vec<_> = (0..codes.rows()).map(|i| codes.labels(0)[i] as u16).collect();
    let second = codes.labels(1);
    let labels = labels.iter().zip(second).map(|(&a, b)| vec![a, 4, b as u16]).collect();
    let numbers = (0..codes.rows()).flat_map(|i| codes.row(i).to_vec()).collect();
    let codes = Codes::new(3, numbers, labels, vec![2, 5, 3]).unwrap();
    for score in found(&codes) {
        assert!(score.protocol.contains("factors=2"), "{}", score.protocol);
    }
}

#[test]
fn scores_say_how_they_came_about() {
    let scores = found(&codes("noisy"));
    let protocols = [
        "MIG 1 bins=20 images=600 numbers=6 factors=3 seed=1 bootstrap=200",
        "SAP 1 SVM(C=0.01) learnt=300 judged=300 numbers=6 factors=3 seed=1 bootstrap=200",
        "FactorVAE 1 train=2000 test=1000 batch=64 collapsed=0.05 images=600 numbers=6 factors=3 seed=1",
        "modularity 1 bins=20 images=600 numbers=6 factors=3 seed=1 bootstrap=200",
        "explicitness 1 logistic(C=1) learnt=300 judged=300 numbers=6 factors=3 seed=1 bootstrap=200",
        "IRS 1 quantile=0.99 images=600 numbers=6 factors=3",
    ];
    assert_eq!(scores.each_ref().map(|score| score.protocol.as_str()), protocols);
    for k in [0, 1, 3, 4] {
        let [low, high] = scores[k].interval.unwrap();
        assert!(low < scores[k].value && scores[k].value < high && high - low < 0.25, "{scores:?}");
    }
    assert_eq!(scores, found(&codes("noisy")));
}

#[test]
fn what_does_not_fit_is_named() {
    let codes = codes("noisy");
    let error = |refused: candle_core::Result<Score>| refused.unwrap_err().to_string();
    assert!(error(mig(&codes, Bins { count: 1 }, NONE)).contains("1 bins"));
    assert!(error(irs(&codes, IrsConfig { quantile: 1.5 })).contains("quantile 1.5"));
    assert!(error(sap(&codes, SvmConfig { c: 0. }, NONE)).contains("C=0"));
    let votes = Votes { batch: 1, ..Votes::default() };
    assert!(error(factor_vae(&codes, votes, 1)).contains("votes of 1 images"));
    let votes = Votes { collapsed: 2., ..Votes::default() };
    assert!(error(factor_vae(&codes, votes, 1)).contains("below 2"));
    let only = codes.select(&[0, 0, 0]);
    assert!(error(mig(&only, Bins::default(), NONE)).contains("0 factors with two values among 3"));
    assert!(error(modularity(&only, Bins::default(), NONE)).contains("at least 2"));
    let pair = Codes::new(1, vec![0., 1.], vec![vec![0], vec![1]], vec![2]).unwrap();
    assert!(error(factor_vae(&pair, Votes::default(), 1)).contains("two of 2 images"));
}
