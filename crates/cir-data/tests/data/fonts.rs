//! The `fonts` source: its grid, its pictures, and what lies between them.

use cir_core::Image;
use cir_data::{DataConfig, DataSet, fonts};

fn open(text: &str) -> DataSet {
    let hold_out = "hold_out = { fraction = 0.25, seed = 1 }";
    let config: DataConfig = toml::from_str(&format!("{text}\n{hold_out}")).unwrap();
    config.open().unwrap()
}

#[test]
fn the_grid_is_the_published_one() {
    let data = open("card = \"fonts\"\nsize = 32");
    let attributes = data.index.schema().attributes();
    let counts: Vec<usize> = attributes.iter().map(|a| a.values.len()).collect();
    assert_eq!(counts[..4], [52, 3, 10, 10]);
    assert_eq!(counts[4], fonts::names().count());
    assert!(counts[4] >= 18);
    // The letter has never its background's colour.
    assert_eq!(data.source.len(), 52 * 3 * 10 * 9 * counts[4]);
    assert_eq!(data.index.find(&[0, 0, 3, 3, 0]), None);
    let held_out = data.split.held_out.len() as f64 / data.source.len() as f64;
    assert!((held_out - 0.25).abs() < 1e-4);
}

/// The box of the pixels that are not `back`: left, top, right, bottom.
fn ink(image: &Image, back: [u8; 3]) -> Option<[usize; 4]> {
    let side = image.width();
    let inked = (0..side * side).filter(|i| image.data()[3 * i..3 * i + 3] != back);
    inked
        .map(|i| [i % side, i / side, i % side, i / side])
        .reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])])
}

#[test]
fn letters_lie_inside_and_are_centred() {
    let (front, back) = ([0, 0, 0], [255, 255, 255]);
    for side in [16, 32, 128, 256] {
        for font in fonts::names() {
            for letter in fonts::LETTERS.chars() {
                let image = fonts::render(letter, font, 120., front, back, side).unwrap();
                let what = format!("{letter} {font} {side}");
                let [left, top, right, bottom] = ink(&image, back).expect(&what);
                // Strictly inside, at least where there are pixels to spare.
                if side >= 128 {
                    assert!(left > 0 && top > 0 && right + 1 < side && bottom + 1 < side, "{what}");
                }
                let shift = (left + right + 1).abs_diff(side);
                // The thin ends of some strokes cover too little of a pixel to be seen.
                assert!(shift <= 2 + side / 64, "{what} is off the middle by {shift} half pixels");
                assert!(bottom - top >= side / 4, "{what} is small");
            }
        }
    }
}

#[test]
fn letters_and_fonts_differ_and_sizes_grow() {
    let draw =
        |letter, font: &str, size| fonts::render(letter, font, size, [0; 3], [255; 3], 32).unwrap();
    for font in fonts::names() {
        let letters: Vec<Image> = fonts::LETTERS.chars().map(|l| draw(l, font, 100.)).collect();
        for (i, a) in letters.iter().enumerate() {
            for (j, b) in letters.iter().enumerate().skip(i + 1) {
                let far = a.l1(b).unwrap();
                assert!(far > 0.001, "letters {i} and {j} of {font} differ by {far}");
            }
        }
        let dark = |size| draw('B', font, size).data().iter().map(|&x| 255 - u64::from(x)).sum();
        let [small, medium, large]: [u64; 3] = [80., 100., 120.].map(dark);
        assert!(small < medium && medium < large, "{font}");
    }
    let names: Vec<&str> = fonts::names().collect();
    for (i, a) in names.iter().enumerate() {
        for b in &names[..i] {
            let far = draw('g', a, 120.).l1(&draw('g', b, 120.)).unwrap();
            assert!(far > 0.01, "{a} and {b} differ by {far}");
        }
    }
}

#[test]
fn pictures_have_the_colours_of_their_labels() {
    let data = open(
        "card = \"fonts\"
         size = 64
         values.letter = [\"I\", \"H\"]
         values.font = [\"fat\", \"bubble\"]
         values.font_colour = [\"red\", \"blue\"]
         values.back_colour = [\"blue\", \"silver\"]",
    );
    assert_eq!(data.source.len(), 2 * 3 * 3 * 2);
    let at = data.index.find(&[0, 2, 0, 1, 0]).unwrap();
    let image = data.source.image(at).unwrap();
    assert_eq!(image.data()[..3], [192, 192, 192]);
    let middle = 3 * (32 * 64 + 32);
    assert_eq!(image.data()[middle..middle + 3], [220, 20, 60]);
    assert_eq!(image, data.source.image(at).unwrap());
    let again = fonts::render('I', "fat", 120., [220, 20, 60], [192; 3], 64).unwrap();
    assert_eq!(image, again);
}

#[test]
fn what_lies_between_can_be_drawn() {
    let data = open("card = \"fonts\"\nsize = 32");
    let (from, to) = ([0, 0, 0, 1, 0], [0, 2, 5, 9, 0]);
    let at = data.index.find(&from).unwrap();
    let between = |t: [f32; 5]| data.source.between(at, &to, &t).unwrap().unwrap();
    let image = |labels: &[u16]| data.source.image(data.index.find(labels).unwrap()).unwrap();
    assert_eq!(between([0.; 5]), image(&from));
    assert_eq!(between([1.; 5]), image(&to));
    let half = between([0., 0.5, 0.5, 0., 0.]);
    let sizes = fonts::render('A', "sans", 100., [110, 10, 158], [255, 165, 0], 32).unwrap();
    assert_eq!(half, sizes);
    let other_font = [0, 0, 0, 1, 3];
    assert!(data.source.between(at, &other_font, &[0., 0., 0., 0., 0.5]).is_none());
    assert!(data.source.between(at, &other_font, &[0., 0., 0., 0., 1.]).is_some());
}

#[test]
fn changed_letters_are_found_unless_they_could_not_be_seen() {
    let data = open("card = \"fonts\"\nsize = 32");
    let at = data.index.find(&[3, 1, 2, 5, 7]).unwrap();
    assert_eq!(data.source.changed(at, 0, 9), data.index.find(&[9, 1, 2, 5, 7]));
    assert_eq!(data.source.changed(at, 0, 3), Some(at));
    assert_eq!(data.source.changed(at, 2, 5), None);
}

#[test]
fn wrong_arguments_are_named() {
    let error = |letter, font, size, side| {
        fonts::render(letter, font, size, [0; 3], [255; 3], side).unwrap_err().to_string()
    };
    assert!(error('1', "sans", 80., 32).starts_with("letter: found '1'; allowed: A to Z"));
    assert!(
        error('A', "comic sans", 80., 32).starts_with("font: found \"comic sans\"; allowed: sans")
    );
    assert_eq!(error('A', "sans", 121., 32), "size: found 121; allowed: above 0, at most 120");
    assert!(error('A', "sans", f32::NAN, 32).starts_with("size: found NaN"));
    assert_eq!(error('A', "sans", 80., 15), "side: found 15; allowed: 16 to 256");
    assert_eq!(error('A', "sans", 80., 257), "side: found 257; allowed: 16 to 256");
}
