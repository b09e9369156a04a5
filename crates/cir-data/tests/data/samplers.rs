//! Indices, hold-outs, groups and edges on small sets of labels without pictures.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cir_core::{Attribute, Image, Labels, Schema, rng};
use cir_data::{
    EdgeSampler, Error, GroupSampler, HeldOut, HoldOut, Index, PairSampler, Result, Source, Split,
};

fn held(fraction: f64, seed: u64) -> HoldOut {
    HoldOut { fraction, seed, of: HeldOut::Combinations }
}

struct Rows(Schema, Vec<Labels>);

impl Rows {
    fn new(counts: &[usize], rows: Vec<Labels>) -> Self {
        let attribute = |(j, &count): (usize, &usize)| Attribute {
            name: ["shape", "hue", "size", "place"][j].into(),
            values: (0..count).map(|i| format!("v{i}")).collect(),
        };
        Self(Schema::new(counts.iter().enumerate().map(attribute).collect()).unwrap(), rows)
    }

    fn full(counts: &[usize]) -> Self {
        let total: usize = counts.iter().product();
        let row = |mut i: usize| {
            let mut row = vec![0; counts.len()];
            for (j, &count) in counts.iter().enumerate().rev() {
                row[j] = (i % count) as u16;
                i /= count;
            }
            row
        };
        Self::new(counts, (0..total).map(row).collect())
    }

    fn index(&self) -> Arc<Index> {
        Arc::new(Index::new(self).unwrap())
    }
}

impl Source for Rows {
    fn schema(&self) -> &Schema {
        &self.0
    }
    fn len(&self) -> usize {
        self.1.len()
    }
    fn labels(&self, index: usize) -> Labels {
        self.1[index].clone()
    }
    fn image(&self, _: usize) -> Result<Image> {
        Ok(Image::filled(8, 8, [0]))
    }
}

#[test]
fn the_index_finds_combinations() {
    let rows = Rows::new(&[2, 2], vec![vec![1, 1], vec![0, 1], vec![1, 1]]);
    let index = rows.index();
    assert_eq!(index.find(&[1, 1]), Some(0));
    assert_eq!(index.find(&[0, 0]), None);
    assert_eq!((index.len(), index.labels(1)), (3, &[0, 1][..]));
    let wrong = Index::new(&Rows::new(&[2, 2], vec![vec![2, 0]])).unwrap_err().to_string();
    assert_eq!(wrong, "labels of image 0: found [2, 0]; allowed: shape 0..2, hue 0..2");
    assert!(Index::new(&Rows::new(&[2, 2], vec![])).is_err());
}

#[test]
fn whole_combinations_are_held_out_and_every_value_is_seen() {
    let mut rows = Rows::full(&[4, 5, 3]);
    rows.1.extend(rows.1.clone());
    let index = rows.index();
    for seed in 0..20 {
        let hold_out = held(0.5, seed);
        let split = Split::new(&index, hold_out).unwrap();
        assert_eq!(split, Split::new(&index, hold_out).unwrap());
        assert_eq!((split.train.len(), split.held_out.len()), (60, 60));
        let labels = |part: &[usize]| {
            part.iter().map(|&i| index.labels(i).to_vec()).collect::<BTreeSet<_>>()
        };
        assert!(labels(&split.train).is_disjoint(&labels(&split.held_out)));
        for (j, attribute) in index.schema().attributes().iter().enumerate() {
            let seen: BTreeSet<u16> = split.train.iter().map(|&i| index.labels(i)[j]).collect();
            assert_eq!(seen.len(), attribute.values.len());
        }
    }
    let split = |seed| Split::new(&index, held(0.5, seed)).unwrap();
    assert_ne!(split(1), split(2));
    let none = Split::new(&index, held(0., 1)).unwrap();
    assert_eq!(none.scored(), (&none.train[..], "training"));
}

/// Rows of which two and two show the same subject.
struct Pairs(Rows);

impl Source for Pairs {
    fn schema(&self) -> &Schema {
        self.0.schema()
    }
    fn len(&self) -> usize {
        self.0.len()
    }
    fn labels(&self, index: usize) -> Labels {
        self.0.labels(index)
    }
    fn image(&self, index: usize) -> Result<Image> {
        self.0.image(index)
    }
    fn subject(&self, index: usize) -> Option<usize> {
        Some(100 + index / 2)
    }
}

#[test]
fn whole_subjects_are_held_out_and_every_value_is_seen() {
    let index = Index::new(&Pairs(Rows::full(&[4, 5, 2]))).unwrap();
    let hold_out = |fraction| HoldOut { fraction, seed: 1, of: HeldOut::Subjects };
    let split = Split::new(&index, hold_out(0.5)).unwrap();
    assert_eq!((split.train.len(), split.held_out.len()), (20, 20));
    assert!(split.held_out.chunks(2).all(|pair| pair[0] % 2 == 0 && pair[1] == pair[0] + 1));
    for (j, count) in [4, 5, 2].into_iter().enumerate() {
        let seen: BTreeSet<u16> = split.train.iter().map(|&i| index.labels(i)[j]).collect();
        assert_eq!(seen.len(), count);
    }
    let error = Split::new(&index, hold_out(0.9)).unwrap_err().to_string();
    assert!(error.contains("found 0.9 (18 of 20 subjects); allowed: at most"), "{error}");
    let without = Split::new(&Rows::full(&[2, 2]).index(), hold_out(0.5)).unwrap_err();
    assert!(without.to_string().starts_with("data.hold_out.of: found \"subjects\""));
}

#[test]
fn too_large_a_hold_out_is_refused() {
    let index = Rows::full(&[3, 3]).index();
    let error = |fraction| Split::new(&index, held(fraction, 1)).unwrap_err().to_string();
    assert!(error(0.9).starts_with("data.hold_out.fraction: found 0.9 (8 of 9 combinations)"));
    assert!(error(1.).contains("allowed: 0 or more and below 1"));
    assert!(error(f64::NAN).contains("found NaN"));
    let full = Rows::full(&[2, 2, 2]).index();
    assert!(Split::new(&full, held(0.75, 1)).is_ok());
}

#[test]
fn partners_share_their_attribute_and_no_other_and_are_uniform() {
    let index = Rows::full(&[4, 3, 3]).index();
    let train: Vec<usize> = (0..index.len()).collect();
    let sampler = GroupSampler::new(&index, &train).unwrap();
    let (mut centres, mut partners) = (BTreeMap::new(), BTreeMap::new());
    let draws = 36_000;
    for step in 0..draws {
        let group = sampler.group(&mut rng(1, "test", step)).unwrap();
        assert_eq!(group, sampler.group(&mut rng(1, "test", step)).unwrap());
        for (j, &partner) in group.partners.iter().enumerate() {
            let (c, p) = (index.labels(group.centre), index.labels(partner));
            for k in 0..3 {
                assert_eq!(c[k] == p[k], k == j, "{c:?} {p:?} for attribute {j}");
            }
        }
        *centres.entry(group.centre).or_insert(0) += 1;
        if group.centre == 0 {
            *partners.entry(group.partners[0]).or_insert(0) += 1;
        }
    }
    // 36 centres, 1000 draws each: five standard deviations are 158.
    assert_eq!(centres.len(), 36);
    assert!(centres.values().all(|&n| (842..=1158).contains(&n)), "{centres:?}");
    // Partners of image 0 for the first attribute: 2 x 2 images.
    assert_eq!(partners.len(), 4);
    assert!(partners.values().all(|&n| (170..=330).contains(&n)), "{partners:?}");
}

#[test]
fn groups_stay_within_the_training_images() {
    let index = Rows::full(&[5, 4, 4]).index();
    let split = Split::new(&index, held(0.4, 3)).unwrap();
    let sampler = GroupSampler::new(&index, &split.train).unwrap();
    for step in 0..500 {
        let group = sampler.group(&mut rng(1, "test", step)).unwrap();
        assert!(split.train.contains(&group.centre));
        assert!(group.partners.iter().all(|p| split.train.contains(p)));
    }
}

#[test]
fn rare_partners_are_found_and_centres_without_any_are_passed_over() {
    // Among a thousand like each other one partner; and a centre (the last) that has none for hue.
    let mut rows = vec![vec![0, 0]; 1000];
    rows.extend([vec![0, 1], vec![1, 0], vec![1, 1], vec![1, 2], vec![0, 2]]);
    rows.push(vec![2, 1]);
    rows.push(vec![2, 0]);
    let index = Rows::new(&[3, 3], rows).index();
    let train: Vec<usize> = (0..index.len()).collect();
    let sampler = GroupSampler::new(&index, &train).unwrap();
    for step in 0..50 {
        sampler.group(&mut rng(1, "test", step)).unwrap();
    }
    // Shape 2 with hue 1 alone: as a centre it lacks a partner for its shape.
    let index = Rows::new(
        &[3, 2],
        vec![vec![0, 0], vec![0, 1], vec![1, 0], vec![1, 1], vec![2, 1], vec![2, 0]],
    )
    .index();
    let sampler = GroupSampler::new(&index, &[0, 1, 2, 3, 4, 5]).unwrap();
    for step in 0..100 {
        let group = sampler.group(&mut rng(1, "test", step)).unwrap();
        assert!(index.share_only(0, group.centre, group.partners[0]));
    }
}

#[test]
fn a_value_without_partners_is_named() {
    // Shape v1 occurs once.
    let rows = vec![vec![0, 0], vec![1, 0], vec![0, 1], vec![0, 1]];
    let index = Rows::new(&[2, 2], rows).index();
    let error = GroupSampler::new(&index, &[0, 1, 2, 3]).unwrap_err();
    assert!(matches!(&error, Error::NoPartner { attribute, value, images: 4, held_out: 0 }
        if attribute == "shape" && value == "v1"));
    assert!(error.to_string().starts_with("shape=v1: no two of the 4 training images"), "{error}");
    assert!(!error.to_string().contains("hold"), "{error}");
    let error = GroupSampler::new(&index, &[]).unwrap_err().to_string();
    assert_eq!(error, "data: found no training image; allowed: at least one");
    let error = GroupSampler::new(&index, &[9]).unwrap_err().to_string();
    assert_eq!(error, "training image: found 9; allowed: 0 to 3");
    // With all six combinations every value has a partner, but not when one of them is held out.
    let rows = (0..6).map(|i| vec![i % 3, i / 3]).collect();
    let index = Rows::new(&[3, 2], rows).index();
    GroupSampler::new(&index, &[0, 1, 2, 3, 4, 5]).unwrap();
    let error = GroupSampler::new(&index, &[0, 1, 2, 3, 4]).unwrap_err().to_string();
    let advice = "hold out less (1 of 6 are: data.hold_out.fraction, 0.17), give";
    assert!(error.starts_with("shape=v2") && error.contains(advice), "{error}");
}

#[test]
fn values_with_partners_but_no_common_centre_are_refused() {
    // Every value has a pair, but no image has partners for all three of its values.
    let rows = [[0, 0, 2], [0, 1, 1], [0, 1, 2], [1, 0, 1], [1, 0, 2], [1, 1, 1]];
    let index = Rows::new(&[2, 2, 3], rows.map(Vec::from).into()).index();
    let error = GroupSampler::new(&index, &[0, 1, 2, 3, 4, 5]).unwrap_err();
    assert!(matches!(error, Error::NoCentre { images: 6 }));
    assert!(
        error.to_string().starts_with("none of the 6 training images has, for every attribute")
    );
}

#[test]
fn edges_share_a_value_and_are_two_images() {
    let rows = vec![vec![0, 0], vec![0, 1], vec![0, 2], vec![1, 2]];
    let index = Rows::new(&[2, 3], rows).index();
    let sampler = EdgeSampler::new(&index, &[0, 1, 2, 3]).unwrap();
    let mut seen = BTreeMap::new();
    for step in 0..6000 {
        let edges = sampler.edges(&mut rng(1, "test", step));
        for (j, edge) in edges.iter().enumerate() {
            assert_ne!(edge.centre, edge.partner);
            assert_eq!(index.labels(edge.centre)[j], index.labels(edge.partner)[j]);
            *seen.entry((j, edge.centre, edge.partner)).or_insert(0) += 1;
        }
    }
    // Shape 0: three images, six ordered pairs; hue 2: two images.
    assert_eq!(seen.len(), 8);
    assert!((0..3).all(|a| (0..3).filter(|b| *b != a).all(|b| seen[&(0, a, b)] > 800)));
    let error = EdgeSampler::new(&index, &[0, 1]).unwrap_err().to_string();
    assert_eq!(
        error,
        "hue: found no two training images with the same value; allowed: at least two"
    );
}

#[test]
fn pairs_have_the_attribute_and_have_it_not_and_every_image_comes_once_a_pass() {
    let index = Rows::full(&[2, 5, 2]).index();
    let train: Vec<_> = (0..20).collect();
    let sampler = PairSampler::new(&index, &train, &[2, 0], 3, 7).unwrap();
    // Ten images of each sign: three batches of three a pass, one image left out.
    for (i, attribute) in [2, 0].into_iter().enumerate() {
        for (sign, value) in [(0, 1), (1, 0)] {
            let mut firsts = BTreeSet::new();
            for pass in 0..6 {
                let steps = 3 * pass + 1..3 * pass + 4;
                let images = steps.flat_map(|step| sampler.pair(i, step)[sign].clone());
                let images: BTreeSet<_> = images.collect();
                assert_eq!(images.len(), 9);
                assert!(images.iter().all(|&i| index.labels(i)[attribute] == value));
                firsts.insert(sampler.pair(i, 3 * pass + 1)[sign].clone());
            }
            assert!(firsts.len() > 3, "passes are shuffled anew");
        }
    }
    // A pure function of the step, whatever was asked before, and another one of another seed.
    let again = PairSampler::new(&index, &train, &[2, 0], 3, 7).unwrap();
    let other = PairSampler::new(&index, &train, &[2, 0], 3, 8).unwrap();
    let first = sampler.pair(0, 5);
    assert_eq!(again.pair(0, 5), first);
    assert_ne!(other.pair(0, 5), first);
    assert_ne!(sampler.pair(0, 5)[0], sampler.pair(0, 4)[0]);
}

#[test]
fn attributes_that_give_no_pairs_are_named() {
    let rows = vec![vec![0, 0, 1], vec![1, 2, 1], vec![1, 1, 1]];
    let index = Rows::new(&[2, 3, 2], rows).index();
    let refusal = |attribute, batch| {
        PairSampler::new(&index, &[0, 1, 2], &[attribute], batch, 1).unwrap_err().to_string()
    };
    assert!(refusal(1, 1).starts_with("hue: found 3 values (v0, v1, v2); allowed: two values"));
    assert!(refusal(2, 1).starts_with("size: found 0 training images with \"v0\"; allowed: at"));
    assert!(refusal(0, 2).starts_with("shape: found 1 training images with \"v0\"; allowed: at"));
    assert!(refusal(0, 0).starts_with("sampling.batch: found 0"));
}
