//! Pictures of what the sources draw, for people to look at: set `CIR_LOOK` to a folder.

use cir_core::Image;
use cir_data::faces::{Degrees, Face};
use cir_data::print_hand::{Hand, Print};
use cir_data::sketch::Pen;
use cir_data::{DataConfig, fonts, save_png};

fn folder() -> Option<std::path::PathBuf> {
    std::env::var_os("CIR_LOOK").map(Into::into)
}

#[test]
fn every_font_in_three_sizes() {
    let Some(folder) = folder() else { return };
    for side in [16, 32, 128] {
        let mut rows = Vec::new();
        for font in fonts::names() {
            let letters = ['A', 'M', 'Q', 'W', 'J', 'a', 'g', 'f', 'x'];
            let row = letters.iter().flat_map(|&letter| {
                [80., 100., 120.].map(|size| {
                    let (front, back) = ([220, 20, 60], [255, 192, 203]);
                    Some(fonts::render(letter, font, size, front, back, side).unwrap())
                })
            });
            rows.push(row.collect());
        }
        let grid = Image::grid(&rows, 2).enlarged(if side < 64 { 64 / side } else { 1 });
        save_png(folder.join(format!("fonts-{side}.png")), &grid).unwrap();
    }
}

#[test]
fn sprites() {
    let Some(folder) = folder() else { return };
    let config: DataConfig =
        toml::from_str("card = \"dsprites\"\nsize = 64\nhold_out = { fraction = 0, seed = 1 }")
            .unwrap();
    let data = config.open().unwrap();
    let mut rows = Vec::new();
    for shape in 0..3 {
        for (x, y) in [(0, 0), (16, 16), (31, 31)] {
            let row = (0..10).map(|i| {
                let at = data.index.find(&[shape, i % 6, i * 4, x, y]).unwrap();
                Some(data.source.image(at).unwrap())
            });
            rows.push(row.collect());
        }
    }
    save_png(folder.join("dsprites.png"), &Image::grid(&rows, 2)).unwrap();
}

#[test]
fn portraits() {
    let Some(folder) = folder() else { return };
    let face = |identity: u64, bits: u64| {
        let degrees = std::array::from_fn(|j| (bits >> j & 1) as f32);
        Face::new(identity).with(Degrees::from_array(degrees))
    };
    for side in [64, 256] {
        // People at random, with attributes at random.
        let (rows, columns) = if side == 64 { (10, 14) } else { (4, 6) };
        let people: Vec<Vec<_>> = (0..rows)
            .map(|y| {
                let people = (0..columns).map(|x| y * columns + x);
                people.map(|i| Some(face(i, i * 29 + i / 7).draw(side).unwrap())).collect()
            })
            .collect();
        let grid = Image::grid(&people, 2);
        save_png(folder.join(format!("faces-{side}.png")), &grid).unwrap();
        // One attribute after the other, at five degrees.
        let mut rows = Vec::new();
        for j in 0..6 {
            let row = (0..2).flat_map(|k| {
                let degrees: [f32; 6] =
                    std::array::from_fn(|i| f32::from(u8::from(i == 4 || k == 1 && i == 0)));
                (0..5).map(move |step| {
                    let mut degrees = degrees;
                    degrees[j] = step as f32 / 4.;
                    let face = Face::new(j as u64 * 2 + k + 40).with(Degrees::from_array(degrees));
                    Some(face.draw(side).unwrap())
                })
            });
            rows.push(row.collect());
        }
        let grid = Image::grid(&rows, 2);
        save_png(folder.join(format!("degrees-{side}.png")), &grid).unwrap();
    }
}

#[test]
fn sketches() {
    let Some(folder) = folder() else { return };
    let face = |identity: u64| {
        let degrees = std::array::from_fn(|j| ((identity * 29 + identity / 7) >> j & 1) as f32);
        Face::new(identity).with(Degrees::from_array(degrees))
    };
    for side in [64, 256] {
        let (rows, columns) = if side == 64 { (10, 14) } else { (4, 6) };
        let people = (0..rows).map(|y| {
            let people = (0..columns).map(|x| y * columns + x);
            people.map(|i| Some(Pen::new(i + 500).draw(&face(i), side).unwrap())).collect()
        });
        let grid = Image::grid(&people.collect::<Vec<_>>(), 2);
        save_png(folder.join(format!("sketches-{side}.png")), &grid).unwrap();
    }
    // Content of the first column in the manner of the first row.
    let text = "card = \"sketch-faces\"\nsize = 128\nhold_out = { fraction = 0, seed = 1 }";
    let data = toml::from_str::<DataConfig>(text).unwrap().open().unwrap();
    let references = [0, 3, 4, 5, 8, 7, 10, 13];
    let row = |index: usize| {
        let translated =
            references.iter().map(|&j| data.source.in_manner_of(index, j).unwrap().unwrap());
        [data.source.image(index).unwrap()].into_iter().chain(translated).map(Some).collect()
    };
    let head = references.iter().map(|&j| Some(data.source.image(j).unwrap()));
    let head: Vec<_> = std::iter::once(None).chain(head).collect();
    let rows: Vec<_> = [head].into_iter().chain((20..26).map(row)).collect();
    save_png(folder.join("manners.png"), &Image::grid(&rows, 2)).unwrap();
}

#[test]
fn letters_in_print_and_by_hand() {
    let Some(folder) = folder() else { return };
    let rows = |letters: std::ops::RangeInclusive<char>, side: usize, by_hand: bool| {
        let row = |letter: char| {
            let one = |i: u64| {
                let number = i + 31 * u64::from(u32::from(letter));
                match by_hand {
                    true => Hand::new(number).draw(letter, side),
                    false => Print::new(number).draw(letter, side),
                }
            };
            (0..16).map(|i| Some(one(i).unwrap())).collect::<Vec<_>>()
        };
        letters.map(row).collect::<Vec<_>>()
    };
    let save = |name: &str, rows: Vec<Vec<Option<Image>>>, factor| {
        save_png(folder.join(name), &Image::grid(&rows, 2).enlarged(factor)).unwrap();
    };
    save("hand-64.png", rows('A'..='Z', 64, true), 1);
    save("hand-32.png", rows('A'..='Z', 32, true), 2);
    save("print-64.png", rows('A'..='Z', 64, false), 1);
    save("digits-32.png", rows('0'..='9', 32, false), 2);
}
