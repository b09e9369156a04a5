//! Letters in print and by hand: their numbering, the true pictures between them, and idx files.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use cir_core::Image;
use cir_data::print_hand::{HAND_LETTERS, Hand, PRINTS, Print};
use cir_data::{DataConfig, DataSet, Result};

fn config(card: &str, more: &str) -> DataConfig {
    let hold_out = "hold_out = { fraction = 0.1, seed = 1, of = \"subjects\" }";
    toml::from_str(&format!("card = {card:?}\nsize = 32\n{hold_out}\n{more}")).unwrap()
}

fn open(more: &str) -> DataSet {
    config("print-hand", more).open().unwrap()
}

/// How many pixels differ visibly from the one in the corner.
fn inked(image: &Image) -> usize {
    let c = image.channels();
    let corner = &image.data()[..c];
    let pixels = image.data().chunks_exact(c);
    pixels.filter(|p| (0..c).any(|c| p[c].abs_diff(corner[c]) > 60)).count()
}

#[test]
fn printed_letters_come_before_those_by_hand() {
    let data = open("");
    assert_eq!(data.source.len(), 2 * 26 * 100);
    assert_eq!(data.split.held_out.len(), 520);
    for (index, labels) in
        [(0, [0, 0]), (99, [0, 0]), (100, [0, 1]), (2600, [1, 0]), (5199, [1, 25])]
    {
        assert_eq!(data.source.labels(index), labels);
        assert_eq!(data.source.subject(index), Some(index));
    }
    assert_eq!(data.source.image(100).unwrap(), Print::new(100).draw('B', 32).unwrap());
    assert_eq!(data.source.image(5199).unwrap(), Hand::new(2599).draw('Z', 32).unwrap());
    // Some letters alone.
    let some = open("values.letter = [\"X\", \"O\"]");
    assert_eq!((some.source.len(), some.source.labels(100)), (400, vec![0, 1]));
    assert_eq!(some.source.image(100).unwrap(), Print::new(100).draw('O', 32).unwrap());
}

#[test]
fn every_picture_can_be_drawn_in_the_manner_of_every_other() {
    let (data, again) = (open(""), open(""));
    let manner = |i, j| data.source.in_manner_of(i, j).unwrap().unwrap();
    for index in (0..5200).step_by(173) {
        let image = data.source.image(index).unwrap();
        assert_eq!(manner(index, index), image);
        assert_eq!(again.source.image(index).unwrap(), image, "the same bytes twice");
    }
    // An A in print, an E by hand, and both in the manner of a B.
    let (a, e, b, by_hand) = (7, 2600 + 411, 160, 2600 + 130);
    assert_eq!(manner(a, b), Print::new(160).draw('A', 32).unwrap());
    assert_eq!(manner(e, b), Print::new(160).draw('E', 32).unwrap());
    assert_eq!(manner(a, by_hand), Hand::new(130).draw('A', 32).unwrap());
    assert_eq!(manner(e, by_hand), Hand::new(130).draw('E', 32).unwrap());
    // The same letter is the same picture, whoever shows it.
    assert_eq!(manner(a, b), manner(2600 + 3, b));
    assert!(data.source.landmarks(a).is_none());
}

#[test]
fn every_letter_can_be_told_from_every_other() {
    let (hand, print) = (Hand::new(3), Print::new(3));
    let mut seen = BTreeSet::new();
    for letter in HAND_LETTERS.chars() {
        for image in [hand.draw(letter, 32).unwrap(), print.draw(letter, 32).unwrap()] {
            assert!(seen.insert(image.data().to_vec()), "{letter} looks like another");
        }
        for number in 0..60 {
            for image in [Hand::new(number).draw(letter, 64), Print::new(number).draw(letter, 64)] {
                let image = image.unwrap();
                let ink = inked(&image);
                assert!((60..1300).contains(&ink), "{letter} of {number}: {ink} pixels");
                // Nothing is cut off.
                let paper = &image.data()[..3];
                let edge = (0..64).flat_map(|i| [i, 63 * 64 + i, 64 * i, 64 * i + 63]);
                for at in edge {
                    assert_eq!(&image.data()[3 * at..3 * at + 3], paper, "{letter} of {number}");
                }
            }
        }
    }
    for font in PRINTS {
        let print = Print { font, ..print };
        let digits: BTreeSet<_> =
            ('0'..='9').map(|d| print.draw(d, 32).unwrap().data().to_vec()).collect();
        assert_eq!(digits.len(), 10, "{font}");
    }
}

#[test]
fn the_same_letter_has_the_same_bytes_everywhere() {
    // Of pictures made on x86-64; other machines must agree.
    let sums = [('A', 1), ('Q', 2), ('S', 3), ('W', 4)].map(|(letter, number)| {
        let image = Hand::new(number).draw(letter, 64).unwrap();
        image.data().iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, &b| {
            (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        })
    });
    assert_eq!(sums, SUMS);
}

const SUMS: [u64; 4] =
    [1752624357014378557, 2521686877101645265, 16636741047328468408, 6959101922499071982];

#[test]
fn wrong_cards_letters_and_sides_are_named() {
    let side = |error: cir_data::Error| error.to_string();
    assert_eq!(
        side(Hand::new(0).draw('a', 32).unwrap_err()),
        format!("letter: found 'a'; allowed: one of {HAND_LETTERS}")
    );
    assert_eq!(side(Hand::new(0).draw('A', 15).unwrap_err()), "side: found 15; allowed: 16 to 256");
    let print = Print::new(0);
    assert!(side(print.draw('A', 300).unwrap_err()).starts_with("side: found 300"));
    let pixel = Print { font: "pixel", ..print };
    assert_eq!(
        side(pixel.draw('3', 32).unwrap_err()),
        "letter: found '3'; allowed: one that font \"pixel\" has"
    );
    let folder = tempfile::tempdir().unwrap();
    let card = folder.path().join("card.toml");
    let text = include_str!("../../../../datasets/print-hand.toml");
    let with = |from: &str, to: &str| {
        assert!(text.contains(from));
        fs::write(&card, text.replacen(from, to, 1)).unwrap();
        config(card.to_str().unwrap(), "").open().unwrap_err().to_string()
    };
    assert_eq!(
        with("[\"print\", \"hand\"]", "[\"hand\", \"print\"]"),
        "attributes.domain.values: found hand, print; allowed: print, hand"
    );
    assert!(with("\"A\", ", "\"a\", ").starts_with("letter: found \"a\"; allowed: one of ABC"));
    assert!(with("\"A\", ", "\"AB\", ").starts_with("letter: found \"AB\"; allowed: one of"));
    assert!(with("instances = 100", "instances = 0").starts_with("hand.instances: found 0"));
    assert!(
        with("[hand]\ninstances = 100", "").contains("hand: found nothing; allowed: a section")
    );
    let alone = config("print-hand", "attributes = [\"domain\"]").open().unwrap_err().to_string();
    assert_eq!(alone, "attributes: found domain; allowed: domain, letter");
    let nowhere = config("print-mnist", "").open().unwrap_err().to_string();
    assert!(nowhere.starts_with("data.root: found nothing; allowed: the place of the images."));
}

/// MNIST in miniature: twelve pictures of 2x3, whose numbers are 10 times the picture's.
struct Set(tempfile::TempDir);

impl Set {
    fn new() -> Self {
        let set = Self(tempfile::tempdir().unwrap());
        set.write(IMAGES, &Self::images());
        set.write(LABELS, &Self::labels());
        set
    }

    fn images() -> Vec<u8> {
        let head = [0, 0, 8, 3, 0, 0, 0, 12, 0, 0, 0, 2, 0, 0, 0, 3];
        head.into_iter().chain((0..12).flat_map(|i| [10 * i; 6])).collect()
    }

    fn labels() -> Vec<u8> {
        vec![0, 0, 8, 1, 0, 0, 0, 12, 3, 1, 2, 0, 4, 5, 6, 7, 8, 9, 1, 1]
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn open(&self, more: &str) -> Result<DataSet> {
        let root = self.0.path().to_str().unwrap();
        config("print-mnist", &format!("root = {root:?}\n{more}")).open()
    }

    /// The message without the folder.
    fn error(&self) -> String {
        let error = self.open("").unwrap_err().to_string();
        let folder = self.0.path().join("");
        error.strip_prefix(&*folder.to_string_lossy()).unwrap_or(&error).to_owned()
    }
}

const IMAGES: &str = "train-images-idx3-ubyte";
const LABELS: &str = "train-labels-idx1-ubyte";

#[test]
fn digits_by_hand_are_read_from_idx_files() {
    let set = Set::new();
    let data = set.open("").unwrap();
    assert_eq!((data.source.len(), data.channels), (10_000 + 12, 1));
    let labels: Vec<_> = (10_000..10_012).map(|i| data.source.labels(i)[1]).collect();
    assert_eq!(labels, Set::labels()[8..].iter().map(|&l| u16::from(l)).collect::<Vec<_>>());
    assert_eq!(data.source.image(10_004).unwrap(), Image::filled(32, 32, [40]));
    // In print every digit can be drawn, by hand there is only what was written.
    let three = data.source.in_manner_of(10_000, 17).unwrap().unwrap();
    assert_eq!(
        (three.channels(), &three),
        (1, &data.source.in_manner_of(3000, 17).unwrap().unwrap())
    );
    assert!(data.source.in_manner_of(17, 10_000).is_none());
    let same = data.source.in_manner_of(10_000, 10_000).unwrap().unwrap();
    assert_eq!(same, data.source.image(10_000).unwrap());
    // Two digits, in three channels.
    let text = include_str!("../../../../datasets/print-mnist.toml");
    let card = set.path("card.toml");
    fs::write(&card, text.replace("channels = 1", "channels = 3")).unwrap();
    let root = set.0.path().to_str().unwrap();
    let more = format!("root = {root:?}\nvalues.letter = [\"1\", \"7\"]");
    let two = config(card.to_str().unwrap(), &more).open().unwrap();
    let labels: Vec<_> = (2000..two.source.len()).map(|i| two.source.labels(i)[1]).collect();
    assert_eq!(labels, [0, 1, 0, 0]);
    assert_eq!(two.source.image(2001).unwrap(), Image::filled(32, 32, [70, 70, 70]));
    assert_eq!(two.source.image(1000).unwrap(), Print::new(1000).draw('7', 32).unwrap());
}

#[test]
fn packed_files_are_unpacked() {
    let set = Set::new();
    let plain = set.open("").unwrap();
    for name in [IMAGES, LABELS] {
        let file = fs::File::create(set.path(&format!("{name}.gz"))).unwrap();
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::default());
        packed.write_all(&fs::read(set.path(name)).unwrap()).unwrap();
        packed.finish().unwrap();
        fs::remove_file(set.path(name)).unwrap();
    }
    let packed = set.open("").unwrap();
    for i in 10_000..10_012 {
        assert_eq!(packed.source.image(i).unwrap(), plain.source.image(i).unwrap());
    }
    let whole = fs::read(set.path(&format!("{LABELS}.gz"))).unwrap();
    set.write(&format!("{LABELS}.gz"), &whole[..whole.len() - 9]);
    let error = set.error();
    assert!(
        error.starts_with("train-labels-idx1-ubyte.gz: cannot unpack the idx file:"),
        "{error}"
    );
}

#[test]
fn bad_idx_files_are_named() {
    let set = Set::new();
    let images = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Set::images();
        change(&mut bytes);
        set.write(IMAGES, &bytes);
        set.error()
    };
    assert_eq!(
        images(&|bytes| bytes[2] = 13),
        "train-images-idx3-ubyte: found the magic number 00000d03; expected 00000803: an idx file of \
         bytes with 3 dimensions"
    );
    assert!(images(&|bytes| bytes.truncate(2)).contains("found the magic number 0000; expected"));
    assert_eq!(
        images(&|bytes| bytes.truncate(9)),
        "train-images-idx3-ubyte: found 9 bytes; expected a head of 16 bytes, whole"
    );
    let short = images(&|bytes| bytes.truncate(80));
    let expected = "expected a head of 16 and 12x2x3 bytes, whole";
    assert_eq!(short, format!("train-images-idx3-ubyte: found 80 bytes; {expected}"));
    assert!(images(&|bytes| bytes.push(0)).contains("found 89 bytes"));
    let huge = images(&|bytes| bytes[4..16].fill(255));
    assert!(huge.contains("found 88 bytes; expected a head of 16 and 4294967295x"), "{huge}");
    let flat = images(&|bytes| {
        bytes[11] = 0;
        bytes.truncate(16);
    });
    assert_eq!(flat, "train-images-idx3-ubyte: found pictures of 3x0; expected at least one pixel");
    fs::remove_file(set.path(IMAGES)).unwrap();
    assert!(set.error().starts_with("train-images-idx3-ubyte: cannot read the idx file:"));
    set.write(IMAGES, &Set::images());
    let labels = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Set::labels();
        change(&mut bytes);
        set.write(LABELS, &bytes);
        set.error()
    };
    let one_less = labels(&|bytes| {
        bytes[7] = 11;
        bytes.pop();
    });
    assert_eq!(
        one_less,
        "train-labels-idx1-ubyte: found 11 labels; expected 12, as many as there are pictures"
    );
    assert_eq!(
        labels(&|bytes| bytes[10] = 10),
        "train-labels-idx1-ubyte: found 10 as label 2; expected 0 to 9"
    );
    assert_eq!(
        labels(&|bytes| bytes[10] = 3),
        "train-labels-idx1-ubyte: found no picture of 2; expected pictures of every digit; \
         data.values.letter can leave some out"
    );
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn mnist_as_published() {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/mnist");
    let root = std::env::var_os("CIR_MNIST").map_or(beside, PathBuf::from);
    if ![IMAGES.to_owned(), format!("{IMAGES}.gz")].iter().any(|name| root.join(name).exists()) {
        println!("skipped: no {IMAGES} in {}; CIR_MNIST can name a folder", root.display());
        return;
    }
    let data = config("print-mnist", &format!("root = {:?}", root.to_str().unwrap())).open();
    let data = data.unwrap();
    assert_eq!(data.source.len(), 10_000 + 60_000);
    // The first digits of the training set are known to everyone.
    let labels: Vec<_> = (10_000..10_008).map(|i| data.source.labels(i)[1]).collect();
    assert_eq!(labels, [5, 0, 4, 1, 9, 2, 1, 3]);
    let of_ones = (10_000..70_000).filter(|&i| data.source.labels(i)[1] == 1).count();
    assert_eq!(of_ones, 6742);
    let image = data.source.image(10_000).unwrap();
    assert!((80..500).contains(&inked(&image)));
    if let Some(folder) = std::env::var_os("CIR_LOOK") {
        let row = |i: usize| {
            let printed = (0..6).map(|j| data.source.in_manner_of(10_000 + i, 1000 * j + 3 * i));
            let printed = printed.map(|image| Some(image.unwrap().unwrap()));
            [data.source.image(10_000 + i).ok()].into_iter().chain(printed).collect::<Vec<_>>()
        };
        let grid = Image::grid(&(0..16).map(row).collect::<Vec<_>>(), 2).enlarged(2);
        cir_data::save_png(PathBuf::from(folder).join("print-mnist.png"), &grid).unwrap();
    }
}
