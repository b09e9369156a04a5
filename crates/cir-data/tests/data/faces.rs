//! Drawn faces: their numbering, what a change of an attribute changes, and that it can be seen.

use cir_core::Image;
use cir_data::faces::{ATTRIBUTES, Degrees, Face, HairStyle, HatStyle};
use cir_data::{DataConfig, DataSet, HoldOut, Split};

fn open(more: &str) -> DataSet {
    let hold_out = "hold_out = { fraction = 0.1, seed = 1, of = \"subjects\" }";
    let text = format!("card = \"faces\"\nsize = 64\n{hold_out}\n{more}");
    toml::from_str::<DataConfig>(&text).unwrap().open().unwrap()
}

fn face(identity: u64, bits: usize) -> Face {
    let degrees = std::array::from_fn(|j| (bits >> j & 1) as f32);
    Face::new(identity).with(Degrees::from_array(degrees))
}

/// The pixels in which two pictures differ, by how much at most.
fn differences(a: &Image, b: &Image) -> Vec<(usize, usize, u8)> {
    let side = a.width();
    let pixels = a.data().chunks_exact(3).zip(b.data().chunks_exact(3)).enumerate();
    pixels
        .map(|(i, (a, b))| (i % side, i / side, (0..3).map(|c| a[c].abs_diff(b[c])).max().unwrap()))
        .filter(|&(.., by)| by > 0)
        .collect()
}

#[test]
fn images_are_numbered_by_identity_and_bits() {
    let data = open("");
    assert_eq!(data.source.len(), 2000 * 64);
    let names: Vec<_> = data.index.schema().attributes().iter().map(|a| a.name.clone()).collect();
    assert_eq!(names, ATTRIBUTES);
    assert_eq!(data.source.labels(7 * 64 + 0b100110), [0, 1, 1, 0, 0, 1]);
    assert_eq!(data.source.subject(7 * 64 + 5), Some(7));
    let image = data.source.image(7 * 64 + 0b100110).unwrap();
    assert_eq!(image, face(7, 0b100110).draw(64).unwrap());
    assert_eq!(data.source.changed(7 * 64 + 0b100110, 0, 1), Some(7 * 64 + 0b100111));
    assert_eq!(data.source.changed(7 * 64 + 0b100110, 1, 1), Some(7 * 64 + 0b100110));
    assert_eq!(data.source.changed(7 * 64 + 0b100110, 5, 0), Some(7 * 64 + 0b000110));
    assert_eq!(data.source.changed(0, 6, 0), None);
    assert_eq!(data.source.changed(0, 0, 2), None);
}

#[test]
fn attributes_that_are_left_out_vary_with_the_identity() {
    let data = open("attributes = [\"hat\", \"smile\"]");
    assert_eq!(data.source.len(), 2000 * 4);
    assert_eq!(data.source.labels(9 * 4 + 1), [1, 0]);
    let first = data.source.image(9 * 4).unwrap();
    let same: Vec<_> = (0..64).filter(|&bits| face(9, bits).draw(64).unwrap() == first).collect();
    assert_eq!(same.len(), 1);
    assert_eq!(same[0] & 0b101, 0, "no smile, no hat");
    let all: Vec<Image> = (0..64).map(|i| data.source.image(i * 4).unwrap()).collect();
    assert!(all.iter().all(|image| all.iter().filter(|other| *other == image).count() == 1));
}

/// Where an attribute may show, in the head's frame: left, top, right, bottom in hundredths.
fn region(attribute: &str) -> [f32; 4] {
    match attribute {
        "smile" => [-11., 10., 11., 24.],
        "glasses" => [-22., -11., 22., 11.],
        "hat" => [-35., -48., 35., -9.],
        "beard" => [-22., 0., 22., 35.],
        "open_eyes" => [-17., -8., 17., 7.],
        _ => [-36., -38., 36., 55.],
    }
}

#[test]
fn changing_an_attribute_changes_nothing_else() {
    let side = 64;
    for identity in 0..60 {
        let bits = (identity as usize * 37) % 64;
        for (j, name) in ATTRIBUTES.iter().enumerate() {
            let (a, b) = (face(identity, bits), face(identity, bits ^ 1 << j));
            let changed = differences(&a.draw(side).unwrap(), &b.draw(side).unwrap());
            // The head's frame, from three of its landmarks: the eyes and the nose.
            let [left, right, nose, ..] = a.landmarks();
            let [cx, cy] = [0, 1].map(|c| (left[c] + right[c]) / 2.);
            let unit = (right[0] - left[0]).hypot(right[1] - left[1]) / (2. * a.eyes.apart);
            let down = [0, 1].map(|c| ([nose[0] - cx, nose[1] - cy][c]) / (a.nose.length * unit));
            for (x, y, by) in changed {
                let (dx, dy) = ((x as f32 + 0.5) / 64. - cx, (y as f32 + 0.5) / 64. - cy);
                let v = (dx * down[0] + dy * down[1]) / unit;
                let u = (dx * down[1] - dy * down[0]) / unit;
                let [l, t, r, b] = region(name);
                assert!(
                    (l..=r).contains(&u) && (t..=b).contains(&v),
                    "{name} of {identity} ({bits:b}) changes ({u:.1}, {v:.1}) by {by}"
                );
            }
        }
    }
}

#[test]
fn every_attribute_can_be_seen_in_small_pictures() {
    // Of 4,096 pixels; a closed eye is about thirty.
    for identity in 0..100 {
        for (j, name) in ATTRIBUTES.iter().enumerate() {
            let bits = (identity as usize * 29) % 64;
            let (a, b) = (face(identity, bits), face(identity, bits ^ 1 << j));
            let changed = differences(&a.draw(64).unwrap(), &b.draw(64).unwrap());
            let clear = changed.iter().filter(|&&(.., by)| by > 40).count();
            assert!(clear >= 20, "{name} of {identity} ({bits:b}): {clear} pixels");
        }
    }
}

#[test]
fn degrees_lead_from_one_picture_to_the_other() {
    let data = open("");
    let from = 3 * 64 + 0b010010;
    let between = |fractions: [f32; 6]| {
        data.source.between(from, &[1, 1, 1, 1, 0, 1], &fractions).unwrap().unwrap()
    };
    assert_eq!(between([0.; 6]), data.source.image(from).unwrap());
    assert_eq!(between([1.; 6]), data.source.image(3 * 64 + 0b101111).unwrap());
    for j in [0, 2, 3, 4, 5] {
        let at = |t: f32| between(std::array::from_fn(|i| if i == j { t } else { 0. }));
        let steps: Vec<Image> = (0..=4).map(|t| at(t as f32 / 4.)).collect();
        let whole = steps[0].l1(&steps[4]).unwrap();
        for pair in steps.windows(2) {
            let step = pair[0].l1(&pair[1]).unwrap();
            assert!(step > 0. && step < whole, "{}: {step} of {whole}", ATTRIBUTES[j]);
        }
    }
}

#[test]
fn the_hat_covers_every_hair_and_leaves_some_of_its_colour() {
    use HairStyle as Hair;
    use HatStyle as Hat;
    let styles = [
        Hair::Crop,
        Hair::Side,
        Hair::Quiff,
        Hair::Curls,
        Hair::Bob,
        Hair::Long,
        Hair::Waves,
        Hair::Afro,
        Hair::Bunches,
    ];
    for (i, style) in styles.into_iter().enumerate() {
        for hat in [Hat::Beanie, Hat::Bobble, Hat::Brim, Hat::Bowler, Hat::Cap] {
            let draw = |dark_hair| {
                let mut face = face(i as u64, 0b010100);
                face.pose.tilt = 0.;
                (face.hair.style, face.hat.style) = (style, hat);
                face.degrees.dark_hair = dark_hair;
                (face.draw(64).unwrap(), face)
            };
            let (light, face) = draw(0.);
            let changed = differences(&light, &draw(1.).0);
            assert!(changed.len() >= 40, "{style:?} {hat:?}: {}", changed.len());
            // Above the hat's brim nothing of the hair is to be seen, but beside the head.
            let eyes = face.landmarks()[0][1] * 64.;
            let above = changed.iter().filter(|&&(x, y, by)| {
                by > 8 && (y as f32) < eyes - 24. * face.pose.scale * 0.64 && x.abs_diff(32) < 10
            });
            assert_eq!(above.count(), 0, "{style:?} {hat:?}");
        }
    }
}

#[test]
fn landmarks_are_where_things_are() {
    for identity in 0..40 {
        let (side, face) = (256, face(identity, 0b010000));
        let image = face.draw(side).unwrap();
        let [left, right, nose, left_corner, right_corner] = face.landmarks();
        let pixel = |[x, y]: [f32; 2]| {
            let at = (y * 256.) as usize * side + (x * 256.) as usize;
            [0, 1, 2].map(|c| image.data()[3 * at + c])
        };
        // A pupil is nearly black.
        for eye in [left, right] {
            assert!(pixel(eye).iter().all(|&x| x < 80), "{identity}: {:?}", pixel(eye));
        }
        assert!(left[0] < nose[0] && nose[0] < right[0]);
        assert!(left_corner[0] < right_corner[0] && left_corner[1] > nose[1]);
        // Between the corners of the mouth there are lips.
        let [x, y] = [0, 1].map(|c| (left_corner[c] + right_corner[c]) / 2.);
        let far = |by: f32| {
            let pixel = pixel([x, y + by / 256.]);
            (0..3).map(|c| u32::from(pixel[c].abs_diff(face.skin[c]))).sum::<u32>()
        };
        assert!((-4..=4).map(|by| far(by as f32)).max() > Some(60), "{identity}");
    }
}

#[test]
fn landmarks_of_images_are_in_pixels() {
    let data = open("");
    for index in [0b010000, 5 * 64 + 0b010000, 9 * 64 + 0b110000] {
        let points = data.source.landmarks(index).unwrap();
        let shares = face(index as u64 / 64, index % 64).landmarks();
        assert!(points.iter().zip(shares).all(|(p, s)| *p == s.map(|x| x * 64.)));
        let image = data.source.image(index).unwrap();
        for [x, y] in &points[..2] {
            let at = 3 * (*y as usize * 64 + *x as usize);
            assert!(image.data()[at..at + 3].iter().all(|&b| b < 110), "a pupil");
        }
    }
}

#[test]
fn whole_people_are_held_out() {
    let data = open("");
    assert_eq!((data.split.train.len(), data.split.held_out.len()), (1800 * 64, 200 * 64));
    let seen: std::collections::BTreeSet<_> =
        data.split.train.iter().map(|&i| data.source.subject(i)).collect();
    assert!(data.split.held_out.iter().all(|&i| !seen.contains(&data.source.subject(i))));
    // Combinations can be held out as well.
    let of = cir_data::HeldOut::Combinations;
    let split = Split::new(&data.index, HoldOut { fraction: 0.25, seed: 1, of }).unwrap();
    assert_eq!(split.held_out.len(), 16 * 2000);
}

#[test]
fn the_same_face_has_the_same_bytes_everywhere() {
    // Of pictures made on x86-64; other machines must agree.
    let sums =
        [(0, 0b010010), (1, 0b111111), (2, 0b000000), (3, 0b011101)].map(|(identity, bits)| {
            let image = face(identity, bits).draw(64).unwrap();
            image.data().iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, &b| {
                (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
            })
        });
    assert_eq!(sums, SUMS);
}

const SUMS: [u64; 4] =
    [11018828868537954785, 895491350696258736, 747301372807059563, 2916591193024300229];

#[test]
fn wrong_cards_and_sides_are_named() {
    let error = |text: &str| {
        let hold_out = "hold_out = { fraction = 0, seed = 1 }";
        let config: DataConfig = toml::from_str(&format!("{text}\n{hold_out}")).unwrap();
        config.open().unwrap_err().to_string()
    };
    let side = error("card = \"faces\"\nsize = 32");
    assert_eq!(side, "data.size: found 32; allowed: 64 to 256");
    assert_eq!(
        Face::new(0).draw(257).unwrap_err().to_string(),
        "side: found 257; allowed: 64 to 256"
    );
    let unknown = error("card = \"faces\"\nsize = 64\nattributes = [\"smile\", \"beret\"]");
    assert_eq!(
        unknown,
        "data.attributes: found \"beret\"; allowed: smile, glasses, hat, beard, open_eyes, dark_hair"
    );
    let folder = tempfile::tempdir().unwrap();
    let card = folder.path().join("card.toml");
    let text = include_str!("../../../../datasets/faces.toml");
    let with = |from: &str, to: &str| {
        assert!(text.contains(from));
        std::fs::write(&card, text.replacen(from, to, 1)).unwrap();
        error(&format!("card = {:?}\nsize = 64", card.to_str().unwrap()))
    };
    assert!(
        with("[\"no\", \"yes\"]", "[\"yes\", \"no\"]")
            .ends_with("attributes.smile.values: found [\"yes\", \"no\"]; allowed: no, yes")
    );
    assert!(
        with("\"smile\"", "\"frown\"").contains("attributes: found \"frown\"; allowed: smile,")
    );
    assert!(with("identities = 2000", "identities = 0").contains("faces.identities: found 0"));
    assert!(with("[faces]\nidentities = 2000", "").contains("faces: found nothing; allowed:"));
}
