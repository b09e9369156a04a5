//! Two domains without pairs: the folders that they are published in, and their sampler.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use cir_core::{Attribute, Image, Labels, Schema};
use cir_data::{
    DataConfig, DataSet, Index, Part, Place, Result, Source, UnpairedSampler, save_png,
};

struct Set(tempfile::TempDir);

impl Set {
    /// Three and two pictures for training, one of each domain for tests.
    fn new() -> Self {
        let set = Self(tempfile::tempdir().unwrap());
        for (folder, count) in [("trainA", 3), ("trainB", 2), ("testA", 1), ("testB", 1)] {
            fs::create_dir(set.path(folder)).unwrap();
            for i in (0..count).rev() {
                // Twice as wide as high.
                let colour = [40 * i + 10, 100, folder.len() as u8];
                let name = format!("{folder}/{i}.png");
                save_png(set.path(&name), &Image::filled(10, 20, colour)).unwrap();
            }
        }
        set
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn open(&self, card: &str, hold_out: &str) -> Result<DataSet> {
        let root = self.0.path().to_str().unwrap();
        let text = format!("card = {card:?}\nsize = 16\nroot = {root:?}\nhold_out = {hold_out}");
        toml::from_str::<DataConfig>(&text).unwrap().open()
    }

    /// The message without the folder.
    fn error(&self, card: &str) -> String {
        let error = self.open(card, PUBLISHED).unwrap_err().to_string();
        let folder = self.0.path().join("");
        error.strip_prefix(&*folder.to_string_lossy()).unwrap_or(&error).to_owned()
    }
}

const PUBLISHED: &str = "\"published\"";

#[test]
fn folders_are_domains_and_parts() {
    let set = Set::new();
    fs::write(set.path("trainA/.hidden"), "").unwrap();
    let data = set.open("unpaired", PUBLISHED).unwrap();
    assert_eq!(data.source.len(), 7);
    let labels: Vec<u16> = (0..7).map(|i| data.source.labels(i)[0]).collect();
    assert_eq!(labels, [0, 0, 0, 1, 1, 0, 1]);
    assert_eq!(
        (&data.split.train[..], &data.split.held_out[..]),
        (&[0, 1, 2, 3, 4][..], &[5, 6][..])
    );
    assert_eq!((data.source.part(4), data.source.part(5)), (Some(Part::Train), Some(Part::Test)));
    let image = data.source.image(1).unwrap();
    assert_eq!(image, Image::filled(16, 16, [50, 100, 6]));
    assert_eq!(image, data.source.image(1).unwrap());
    assert!(data.source.in_manner_of(0, 3).is_none() && data.source.landmarks(0).is_none());
    // A draw is possible as well.
    let drawn = set.open("unpaired", "{ fraction = 0, seed = 1 }").unwrap();
    assert_eq!(drawn.split.train.len(), 7);
}

#[test]
fn cards_of_ones_own_name_the_domains() {
    let set = Set::new();
    let card = include_str!("../../../../datasets/unpaired.toml");
    let path = set.path("card.toml");
    let with = |from: &str, to: &str| {
        assert!(card.contains(from));
        fs::write(&path, card.replacen(from, to, 1)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let seasons = with("[\"A\", \"B\"]", "[\"summer\", \"winter\"]");
    let data = set.open(&seasons, PUBLISHED).unwrap();
    assert_eq!(data.index.schema().attributes()[0].values, ["summer", "winter"]);
    let grey = with("channels = 3", "channels = 1");
    let image = set.open(&grey, PUBLISHED).unwrap().source.image(1).unwrap();
    // 0.299 · 50 + 0.587 · 100 + 0.114 · 6 = 74.3
    assert_eq!(image, Image::filled(16, 16, [74]));
    assert_eq!(
        set.error(&with("[\"A\", \"B\"]", "[\"A\", \"B\", \"C\"]")),
        "attributes.domain.values: found A, B, C; allowed: one attribute with two values, the domains"
    );
    let two = "values = [\"A\", \"B\"] }, { name = \"place\", values = [\"a\", \"b\"] }";
    assert_eq!(
        set.error(&with("values = [\"A\", \"B\"] }", two)),
        "attributes: found domain, place; allowed: one attribute with two values, the domains"
    );
}

#[test]
fn bad_folders_are_named() {
    let set = Set::new();
    fs::write(set.path("trainB/notes.txt"), "").unwrap();
    assert_eq!(
        set.error("unpaired"),
        "trainB/notes.txt: found another kind of file; expected a picture: .png, .jpg, .jpeg or .webp"
    );
    fs::remove_file(set.path("trainB/notes.txt")).unwrap();
    // What `cir data render` leaves beside its pictures is none.
    fs::write(set.path("trainB/labels.csv"), "").unwrap();
    set.open("unpaired", PUBLISHED).unwrap();
    fs::create_dir(set.path("testA/more")).unwrap();
    assert!(set.error("unpaired").starts_with("testA/more: found a folder; expected a picture"));
    fs::remove_dir(set.path("testA/more")).unwrap();
    // What a file holds is seen when it is read.
    fs::write(set.path("testA/0.png"), "no picture").unwrap();
    let data = set.open("unpaired", PUBLISHED).unwrap();
    let error = data.source.image(5).unwrap_err().to_string();
    assert!(
        error.ends_with("testA/0.png: found no image data; expected a PNG, JPEG or WebP image")
    );
    fs::remove_file(set.path("testA/0.png")).unwrap();
    let empty = "testA: found no picture; expected PNG, JPEG or WebP pictures";
    assert_eq!(set.error("unpaired"), empty);
    fs::remove_dir(set.path("testA")).unwrap();
    assert_eq!(
        set.error("unpaired"),
        "testA: found nothing; expected a folder: data.root holds trainA, trainB, testA and testB"
    );
    fs::write(set.path("testA"), "").unwrap();
    assert!(set.error("unpaired").starts_with("testA: found a file; expected a folder"));
}

/// As many images of each domain, in turn as long as both last; the second attribute has three values.
struct Rows(Schema, Vec<u16>);

impl Rows {
    fn index(a: usize, b: usize) -> Arc<Index> {
        let attribute = |name: &str, values: &[&str]| Attribute {
            name: name.into(),
            values: values.iter().map(|&v| v.into()).collect(),
        };
        let (domain, hue) = (attribute("domain", &["A", "B"]), attribute("hue", &["x", "y", "z"]));
        let domains = (0..a.max(b)).flat_map(|i| [(i < a).then_some(0), (i < b).then_some(1)]);
        let schema = Schema::new(vec![domain, hue]).unwrap();
        Arc::new(Index::new(&Self(schema, domains.flatten().collect())).unwrap())
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
        vec![self.1[index], (index % 3) as u16]
    }
    fn image(&self, _: usize) -> Result<Image> {
        Ok(Image::filled(8, 8, [0]))
    }
}

fn all(index: &Index) -> Vec<usize> {
    (0..index.len()).collect()
}

#[test]
fn an_epoch_shows_the_larger_domain_once() {
    for (a, b, batch) in [(11, 4, 3), (4, 11, 3), (6, 6, 2), (5, 1, 5)] {
        let index = Rows::index(a, b);
        let sampler = UnpairedSampler::new(&index, &all(&index), 0, batch, 7).unwrap();
        let larger = usize::from(b > a);
        let (n, whole) = (a.max(b), (a.max(b) / batch) as u64);
        let mut drawn = BTreeMap::new();
        for epoch in 0..40 {
            let mut seen: Vec<usize> = Vec::new();
            for iteration in 0..whole {
                let step = epoch * whole + iteration + 1;
                let length = n.div_ceil(batch) as u64;
                assert_eq!(sampler.place(step), Place { epoch, iteration, length, batches: whole });
                let images = sampler.batch(step);
                for (value, images) in images.iter().enumerate() {
                    assert_eq!(images.len(), batch);
                    assert!(images.iter().all(|&i| usize::from(index.labels(i)[0]) == value));
                }
                seen.extend(&images[larger]);
                images[1 - larger].iter().for_each(|&i| *drawn.entry(i).or_insert(0) += 1);
            }
            let count = seen.len();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!((seen.len(), count), (whole as usize * batch, n / batch * batch));
        }
        // Each of the other domain's images is drawn about as often.
        let mean = 40. * whole as f64 * batch as f64 / a.min(b) as f64;
        assert_eq!(drawn.len(), a.min(b));
        assert!(drawn.values().all(|&n| (f64::from(n) - mean).abs() < 5. * mean.sqrt() + 1.));
    }
}

#[test]
fn batches_follow_from_seed_and_step() {
    let index = Rows::index(20, 30);
    let sampler = |seed| UnpairedSampler::new(&index, &all(&index), 0, 4, seed).unwrap();
    let (a, b, other) = (sampler(1), sampler(1), sampler(2));
    let forwards: Vec<_> = (1..30).map(|step| a.batch(step)).collect();
    let backwards: Vec<_> = (1..30).rev().map(|step| b.batch(step)).collect();
    assert!(forwards.iter().eq(backwards.iter().rev()));
    assert_ne!(forwards, (1..30).map(|step| other.batch(step)).collect::<Vec<_>>());
    assert_eq!(a.place(8), Place { epoch: 1, iteration: 0, length: 8, batches: 7 });
    // Anew in each epoch.
    assert_ne!(forwards[0][1], forwards[7][1]);
}

#[test]
fn domains_that_cannot_be_sampled_are_refused() {
    let index = Rows::index(5, 3);
    let error = |train: &[usize], attribute, batch| {
        UnpairedSampler::new(&index, train, attribute, batch, 1).unwrap_err().to_string()
    };
    let every = all(&index);
    assert_eq!(error(&every, 0, 0), "sampling.batch: found 0; allowed: at least 1");
    assert_eq!(error(&every, 2, 1), "domain: found attribute 2; allowed: one of 2");
    assert_eq!(
        error(&every, 1, 1),
        "hue: found 3 values (x, y, z); allowed: two values, one a domain"
    );
    assert_eq!(
        error(&[0, 2], 0, 1),
        "domain: found no training image with \"B\"; allowed: training images of both domains"
    );
    assert_eq!(
        error(&every, 0, 6),
        "domain: found 5 training images in the larger domain; allowed: at least 6, as many as a \
         batch takes"
    );
}
