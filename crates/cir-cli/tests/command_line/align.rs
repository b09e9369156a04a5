//! `cir data align` on a folder in the shape of CelebA, and the data set that comes out of it.

use std::fs;

use cir_data::faces::{Degrees, Face};
use cir_data::save_png;

use super::{Place, bytes};

/// Photos of drawn people under the published names, their landmarks, and their attributes.
fn celeba(place: &Place, count: u64) {
    fs::create_dir_all(place.path("data")).unwrap();
    let names = "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y \
                 rightmouth_x rightmouth_y";
    let mut landmarks = format!("{count}\n{names}\n");
    let mut attributes = format!("{count}\nSmiling Eyeglasses Male\n");
    for i in 0..count {
        let [smile, glasses] = [i % 2, i / 2 % 2];
        let degrees =
            Degrees { smile: smile as f32, glasses: glasses as f32, ..Degrees::default() };
        let face = Face::new(i).with(degrees);
        let name = format!("{:06}.jpg", i + 1);
        save_png(place.path(&format!("data/{name}")), &face.draw(120).unwrap()).unwrap();
        let pixels = face.landmarks();
        let pixels = pixels.iter().flatten().map(|x| (x * 120. - 0.5).round().to_string());
        landmarks += &format!("{name} {}\n", pixels.collect::<Vec<_>>().join(" "));
        let sign = |yes| if yes == 1 { "1" } else { "-1" };
        attributes += &format!("{name} {:>2} {:>2} {:>2}\n", sign(smile), sign(glasses), "-1");
    }
    fs::write(place.path("list_landmarks_celeba.txt"), landmarks).unwrap();
    fs::write(place.path("list_attr_celeba.txt"), attributes).unwrap();
}

const ALIGN: [&str; 9] = [
    "data",
    "align",
    "data",
    "--landmarks",
    "list_landmarks_celeba.txt",
    "--out",
    "align_5p",
    "--size",
    "64",
];

#[test]
fn a_folder_in_the_shape_of_celeba_is_aligned_and_read() {
    let place = Place::new();
    celeba(&place, 8);
    // Two photos are bad; the others are made all the same.
    fs::rename(place.path("data/000003.jpg"), place.path("kept.jpg")).unwrap();
    fs::write(place.path("data/000005.jpg"), "no photo").unwrap();
    let output = place.cir(&ALIGN);
    assert_eq!(output.status.code(), Some(1));
    let [printed, message] = [&output.stdout, &output.stderr].map(|text| super::text(text));
    assert_eq!(printed, "align_5p: 6 aligned, 0 were there before, 2 failed\n");
    assert!(message.contains("data/000003.jpg: cannot read the image"), "{message}");
    assert!(message.contains("data/000005.jpg: found no image data"), "{message}");
    assert!(message.contains("2 of 8 photos could not be aligned"), "{message}");
    let refused = place.refused(&preview("Smiling"), 1);
    assert!(refused.contains("picture: found no align_5p/000003.jpg"), "{refused}");

    // Mended, only what is missing is made.
    fs::rename(place.path("kept.jpg"), place.path("data/000003.jpg")).unwrap();
    fs::copy(place.path("data/000001.jpg"), place.path("data/000005.jpg")).unwrap();
    let first = bytes(&place.path("align_5p/000001.jpg"));
    assert!(place.ok(&ALIGN).contains("2 aligned, 6 were there before, 0 failed"));
    assert_eq!(bytes(&place.path("align_5p/000001.jpg")), first);
    let json = place.ok(&ALIGN.iter().copied().chain(["--json"]).collect::<Vec<_>>());
    let counts: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((counts["aligned"].as_u64(), counts["before"].as_u64()), (Some(0), Some(8)));

    place.ok(&preview("Smiling,Eyeglasses"));
    let (picture, _) = cir_data::load_image(place.path("sheet.png"), 3, 64).unwrap();
    assert!(picture.data().iter().any(|&b| b < 100));
    // Nobody is labelled as male.
    let refused = place.refused(&preview("Smiling,Male"), 1);
    assert!(refused.contains("found no image with Male=yes"), "{refused}");
}

fn preview(attributes: &str) -> Vec<&str> {
    let fixed = ["data", "preview", "celeba", "--root", ".", "--size", "32", "-o", "sheet.png"];
    fixed.into_iter().chain(["--attributes", attributes]).collect()
}

#[test]
fn bad_arguments_and_landmarks_are_named() {
    let place = Place::new();
    let refused = place.refused(&ALIGN, 2);
    assert!(refused.contains("data: found nothing; allowed: a folder of photos"), "{refused}");
    celeba(&place, 2);
    let list = fs::read_to_string(place.path("list_landmarks_celeba.txt")).unwrap();
    let row = list.lines().nth(3).unwrap();
    let same = format!("000002.jpg{}", " 50".repeat(10));
    fs::write(place.path("list_landmarks_celeba.txt"), list.replace(row, &same)).unwrap();
    let refused = place.refused(&ALIGN, 1);
    assert!(refused.contains("(50, 50) (line 4 of the list); expected five places"), "{refused}");
    let outside = format!("000002.jpg{} 900", " 50".repeat(9));
    fs::write(place.path("list_landmarks_celeba.txt"), list.replace(row, &outside)).unwrap();
    let refused = place.refused(&ALIGN, 1);
    assert!(refused.contains("expected x from 0 to 120, y from 0 to 120"), "{refused}");
    fs::write(place.path("list_landmarks_celeba.txt"), list.replacen("2\n", "3\n", 1)).unwrap();
    let refused = place.refused(&ALIGN, 1);
    assert!(refused.contains("line 1, count: found 3; allowed: 2"), "{refused}");
}
