//! Portraits and sketches: their numbering, the true pictures between them, and what a pen shows.

use cir_core::Image;
use cir_data::faces::{ATTRIBUTES, Degrees, Face, HairStyle};
use cir_data::sketch::{Pen, PenKind};
use cir_data::{DataConfig, DataSet};

fn open(hold_out: &str) -> DataSet {
    let text = format!("card = \"sketch-faces\"\nsize = 64\nhold_out = {hold_out}");
    toml::from_str::<DataConfig>(&text).unwrap().open().unwrap()
}

fn all() -> DataSet {
    open("{ fraction = 0, seed = 1 }")
}

fn face(identity: u64, bits: usize) -> Face {
    let degrees = std::array::from_fn(|j| (bits >> j & 1) as f32);
    Face::new(identity).with(Degrees::from_array(degrees))
}

/// In how many pixels two pictures differ by more than `by`.
fn differing(a: &Image, b: &Image, by: u8) -> usize {
    let pixels = a.data().chunks_exact(3).zip(b.data().chunks_exact(3));
    pixels.filter(|(a, b)| (0..3).any(|c| a[c].abs_diff(b[c]) > by)).count()
}

#[test]
fn people_are_portrayed_and_sketched_by_turns() {
    let data = open("{ fraction = 0.1, seed = 1, of = \"subjects\" }");
    assert_eq!((data.source.len(), data.split.held_out.len()), (4000, 400));
    let domain = &data.index.schema().attributes()[0];
    assert_eq!(
        (domain.name.as_str(), &domain.values[..]),
        ("domain", &["portrait".into(), "sketch".into()][..])
    );
    assert_eq!((data.source.labels(6), data.source.labels(7)), (vec![0], vec![1]));
    assert_eq!(data.source.subject(7), Some(7));
    assert_eq!(data.source.part(7), None);
}

#[test]
fn a_picture_in_its_own_manner_is_itself() {
    let (data, again) = (all(), all());
    for index in 0..30 {
        let image = data.source.image(index).unwrap();
        assert_eq!(data.source.in_manner_of(index, index).unwrap().unwrap(), image);
        assert_eq!(again.source.image(index).unwrap(), image, "the same bytes twice");
    }
}

#[test]
fn content_and_manner_come_from_two_pictures() {
    let data = all();
    let face_of = |index: usize| {
        let image = data.source.image(index).unwrap();
        let same = |bits: &usize| face(index as u64, *bits).draw(64).unwrap() == image;
        face(index as u64, (0..64).find(same).unwrap())
    };
    // Two portraits, whose faces the pictures tell; then the pictures of one in the manner of others.
    let (a, b) = (face_of(10), face_of(12));
    let manner = |i, j| data.source.in_manner_of(i, j).unwrap().unwrap();
    assert_eq!(manner(10, 12), a.clone().in_colours_of(&b).draw(64).unwrap());
    assert_eq!(manner(10, 13), Pen::new(13).draw(&a, 64).unwrap());
    assert_eq!(manner(12, 13), Pen::new(13).draw(&b, 64).unwrap());
    for j in [12, 13] {
        assert_ne!(manner(10, j), manner(12, j), "content differs");
        assert_ne!(manner(10, j), manner(10, 16 + j % 2), "manner differs");
    }
    // Shapes and pose stay, and so do the points that follow from them.
    let mixed = a.clone().in_colours_of(&b);
    assert_eq!(mixed.landmarks(), a.landmarks());
    assert_eq!(mixed.degrees, Degrees { dark_hair: b.degrees.dark_hair, ..a.degrees });
    assert_eq!(mixed.clone().in_colours_of(&a), a);
    assert_eq!((mixed.head, mixed.pose, mixed.hair.style), (a.head, a.pose, a.hair.style));
    assert_eq!((mixed.skin, mixed.ground), (b.skin, b.ground));
}

#[test]
fn a_sketch_shows_no_colours() {
    for identity in 0..40 {
        let (a, pen) = (face(identity, identity as usize), Pen::new(identity + 7));
        let other = face(identity + 100, !identity as usize);
        let (plain, coloured) = (pen.draw(&a, 64), pen.draw(&a.clone().in_colours_of(&other), 64));
        assert_eq!(plain.unwrap(), coloured.unwrap());
    }
}

#[test]
fn every_kind_of_pen_is_used_and_can_be_seen() {
    let kinds = [PenKind::Pencil, PenKind::Ink, PenKind::Marker, PenKind::Chalk];
    for kind in kinds {
        let pens: Vec<Pen> = (0..200).map(Pen::new).filter(|pen| pen.kind == kind).collect();
        assert!((30..80).contains(&pens.len()), "{kind:?}: {}", pens.len());
        for (i, pen) in pens.iter().enumerate() {
            let paper = Image::filled(64, 64, pen.paper);
            let lines = differing(&pen.draw(&face(i as u64, i), 64).unwrap(), &paper, 60);
            assert!((250..2500).contains(&lines), "{pen:?}: {lines} pixels");
        }
    }
}

#[test]
fn every_attribute_but_the_hairs_colour_can_be_seen_in_sketches() {
    for identity in 0..60 {
        for (j, name) in ATTRIBUTES.iter().enumerate() {
            let (bits, pen) = ((identity as usize * 29) % 64, Pen::new(identity * 3 + j as u64));
            let [a, b] =
                [bits, bits ^ 1 << j].map(|bits| pen.draw(&face(identity, bits), 64).unwrap());
            let clear = differing(&a, &b, 30);
            assert!((clear >= 12) == (*name != "dark_hair"), "{name} of {identity}: {clear}");
        }
    }
}

#[test]
fn what_lies_behind_is_hidden() {
    // Under a hat, whose brim is 20 hundredths above the eyes, no hair shows through.
    let hair = [HairStyle::Crop, HairStyle::Afro, HairStyle::Quiff, HairStyle::Curls];
    for number in 0..20 {
        let mut face = face(number, 0b000100);
        face.pose.tilt = 0.;
        let sketches = hair.map(|style| {
            face.hair.style = style;
            Pen::new(number).draw(&face, 64).unwrap()
        });
        let brim = ((face.landmarks()[0][1] - 0.2 * face.pose.scale) * 64.) as usize;
        for sketch in &sketches[1..] {
            for y in 0..brim {
                let middle = 3 * (64 * y + 26)..3 * (64 * y + 38);
                let (a, b) = (&sketches[0].data()[middle.clone()], &sketch.data()[middle]);
                assert!(a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) < 30), "row {y} of {number}");
            }
        }
    }
}

#[test]
fn eyes_are_where_landmarks_say() {
    let data = all();
    let mut open_eyes = 0;
    for index in (1..80).step_by(2) {
        let points = data.source.landmarks(index).unwrap();
        assert_eq!(points.len(), 5);
        let (image, pen) = (data.source.image(index).unwrap(), Pen::new(index as u64));
        // Near an open eye's middle there is ink, not paper.
        let inked = |[x, y]: [f32; 2]| {
            let at = 3 * (y as usize * 64 + x as usize);
            let far = |c: usize| u32::from(image.data()[at + c].abs_diff(pen.paper[c]));
            let whole = (0..3).map(|c| u32::from(pen.ink[c].abs_diff(pen.paper[c]))).sum::<u32>();
            2 * (0..3).map(far).sum::<u32>() > whole
        };
        let both = points[..2].iter().all(|&p| inked(p));
        open_eyes += usize::from(both);
        assert!(points.iter().flatten().all(|x| (8. ..56.).contains(x)));
    }
    assert!((12..32).contains(&open_eyes), "{open_eyes} of 40 have open eyes");
}

#[test]
fn the_same_sketch_has_the_same_bytes_everywhere() {
    // Of pictures made on x86-64; other machines must agree.
    let sums = [0, 1, 2, 3, 4, 9].map(|identity| {
        let pen = Pen::new(identity);
        let image = pen.draw(&face(identity, identity as usize * 11), 64).unwrap();
        image.data().iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, &b| {
            (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        })
    });
    assert_eq!(sums, SUMS);
}

const SUMS: [u64; 6] = [
    11199485558321153090,
    12011262732934317118,
    2526404514962148481,
    14256868081512677170,
    12968844490165371836,
    1623389570612541303,
];

#[test]
fn wrong_cards_and_sides_are_named() {
    let error = |card: &str, side: usize| {
        let hold_out = "hold_out = { fraction = 0, seed = 1 }";
        let config: DataConfig =
            toml::from_str(&format!("card = {card:?}\nsize = {side}\n{hold_out}")).unwrap();
        config.open().unwrap_err().to_string()
    };
    assert_eq!(error("sketch-faces", 32), "data.size: found 32; allowed: 64 to 256");
    let side = Pen::new(0).draw(&Face::new(0), 300).unwrap_err().to_string();
    assert_eq!(side, "side: found 300; allowed: 64 to 256");
    let folder = tempfile::tempdir().unwrap();
    let card = folder.path().join("card.toml");
    let text = include_str!("../../../../datasets/sketch-faces.toml");
    let with = |from: &str, to: &str| {
        assert!(text.contains(from));
        std::fs::write(&card, text.replacen(from, to, 1)).unwrap();
        error(card.to_str().unwrap(), 64)
    };
    assert_eq!(
        with("[\"portrait\", \"sketch\"]", "[\"sketch\", \"portrait\"]"),
        "attributes: found domain [\"sketch\", \"portrait\"]; allowed: one, with the values portrait, \
         sketch"
    );
    assert!(with("identities = 4000", "identities = 1").contains("faces.identities: found 1"));
    assert!(with("[faces]\nidentities = 4000", "").contains("faces: found nothing; allowed:"));
}
