//! What the README says can be pasted: its pictures are those that its commands make, and the recipe for
//! own data trains on the layout that it describes.

use std::{collections::BTreeSet, fs};

use cir_core::Image;

use crate::Place;

const README: &str = include_str!("../../../../README.md");
const OWN: [(&str, &str); 2] = [
    ("recipe.toml", include_str!("../../../../models/own-data/recipe.toml")),
    ("card.toml", include_str!("../../../../models/own-data/card.toml")),
];

#[test]
fn the_pictures_that_the_readme_uses_are_rendered_under_these_names() {
    let place = Place::new();
    let renders =
        README.lines().filter_map(|line| line.strip_prefix("cargo xtask data render runs/"));
    let mut folders = Vec::new();
    for arguments in renders {
        // A run renders what its recipe does.
        let words: Vec<_> = arguments.split_whitespace().collect();
        place.ok(&[&["data", "render"], &words[..]].concat());
        folders.push(format!("{}/", words.last().unwrap()));
    }
    assert_eq!(folders, ["pictures/", "faces/", "people/", "portraits/"]);
    let words = README.lines().filter(|line| line.starts_with("cargo "));
    let words = words.flat_map(|line| line.split([' ', '=']));
    let rendered =
        |word: &&str| folders.iter().any(|f| word.starts_with(f)) && word.ends_with(".png");
    let named: BTreeSet<_> = words.filter(rendered).collect();
    assert!(named.len() >= 4, "{named:?}");
    for name in named {
        assert!(place.path(name).is_file(), "{name} is not rendered");
    }
}

/// The README's example: 48 pictures of two shapes in two lights.
fn own_data(place: &Place) {
    fs::create_dir_all(place.path("mine/pictures")).unwrap();
    for (name, text) in OWN {
        fs::write(place.path(&format!("mine/{name}")), text).unwrap();
    }
    let mut labels = "file,shape,light\n".to_owned();
    for i in 0..48_usize {
        let (shape, light) = (["square", "bar"][i % 2], ["dark", "bright"][i / 2 % 2]);
        let (left, lit) = (4 + i / 4, [90, 250][i / 2 % 2]);
        let inside = |p: usize| {
            let (y, x) = (p / 32, p % 32);
            (left..left + 12).contains(&x) && (8..8 + [12, 4][i % 2]).contains(&y)
        };
        let plane: Vec<u8> = (0..32 * 32).map(|p| if inside(p) { lit } else { 20 }).collect();
        let image = Image::new(3, 32, 32, plane.repeat(3)).unwrap();
        cir_data::save_png(place.path(&format!("mine/pictures/{i}.png")), &image).unwrap();
        labels += &format!("{i}.png,{shape},{light}\n");
    }
    fs::write(place.path("mine/pictures/labels.csv"), labels).unwrap();
}

#[test]
fn the_recipe_for_own_data_trains_on_a_copy_and_resumes() {
    let place = Place::new();
    own_data(&place);
    assert!(place.ok(&["data", "describe", "mine"]).contains("light (2): dark bright"));
    let short = ["--set", "train.steps=4", "--set", "cir.start=1"];
    let printed = place.ok(&[&["train", "mine/recipe.toml", "--out", "run"], &short[..]].concat());
    assert!(printed.contains("48 training combinations"), "{printed}");
    // The card was found beside the recipe; the run knows where.
    let stored = fs::read_to_string(place.path("run/recipe.toml")).unwrap();
    assert!(stored.contains("mine/card.toml"), "{stored}");
    let model = || crate::bytes(&place.path("run/model.safetensors"));
    let before = model();
    place.ok(&["train", "--resume", "run"]);
    assert_eq!(before, model());
    place.ok(&["swap", "run", "mine/pictures/0.png", "mine/pictures/3.png", "--block", "light"]);
    place.ok(&["data", "render", "run", "--count", "2", "--out", "again"]);
}

#[test]
fn damaged_pictures_of_own_data_are_found_before_training() {
    let place = Place::new();
    own_data(&place);
    assert_eq!(place.ok(&["data", "check", "mine"]), "mine: 48 pictures, 0 wrong\n");
    let whole = crate::bytes(&place.path("mine/pictures/3.png"));
    fs::write(place.path("mine/pictures/3.png"), &whole[40..]).unwrap();
    fs::write(place.path("mine/pictures/7.png"), &whole[..40]).unwrap();
    let message = place.refused(&["data", "check", "mine"], 1);
    for wrong in ["3.png: found no image data", "7.png: found truncated", "2 of 48 pictures"] {
        assert!(message.contains(wrong), "{message}");
    }
    let json = place.cir(&["data", "check", "mine", "--json"]).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!((&json["pictures"], json["wrong"].as_array().unwrap().len()), (&48.into(), 2));
}

#[test]
fn own_data_of_few_combinations_cannot_hold_any_out_and_is_told_so() {
    let place = Place::new();
    own_data(&place);
    let hold_out = ["train", "mine/recipe.toml", "--set", "data.hold_out.fraction=0.25"];
    let message = place.refused(&hold_out, 1);
    assert!(
        message.contains("hold out less (12 of 48 are: data.hold_out.fraction, 0.25)"),
        "{message}"
    );
}
