//! The built-in cards for published folders of images.

use std::fs;

use cir_data::{DataConfig, DataSet, Result};

/// Opens the built-in card `card` on a folder that holds empty files of these names.
fn open_files(card: &str, names: &[String], more: &str) -> Result<DataSet> {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let root = folder.path().to_str().unwrap();
    let hold_out = "hold_out = { fraction = 0, seed = 1 }";
    let text = format!("card = \"{card}\"\nroot = {root:?}\nsize = 32\n{hold_out}\n{more}");
    toml::from_str::<DataConfig>(&text).unwrap().open()
}

#[test]
fn the_published_folders_are_read_by_their_cards() {
    let mut names = Vec::new();
    for pose in ["045", "090"] {
        for (expression, gaze) in [("happy", "frontal"), ("sad", "frontal"), ("sad", "left")] {
            for who in ["01_Caucasian_female", "23_Moroccan_male"] {
                names.push(format!("Rafd{pose}_{who}_{expression}_{gaze}.jpg"));
            }
        }
    }
    let values = "values.expression = [\"happy\", \"sad\"]\nvalues.pose = [\"045\", \"090\"]";
    let rafd = open_files("rafd", &names, values).unwrap();
    assert_eq!(rafd.source.len(), 8);
    assert_eq!(rafd.index.schema().attributes()[0].values, ["01", "23"]);
    let error = open_files("rafd", &names, "").unwrap_err().to_string();
    assert!(error.contains("no image with expression=angry, contemptuous"), "{error}");

    let mut names = Vec::new();
    for rotation in 0..8 {
        for object in ["boat-i0004", "car-i0055"] {
            for background in ["b0017", "b0018"] {
                let rest = format!("c00-r0{rotation}-l2-f3.jpg");
                names.push(format!("train/{object}-{background}-{rest}"));
            }
        }
    }
    let ilab = open_files("ilab-6pose", &names, "").unwrap();
    assert_eq!(ilab.source.len(), 6 * 2 * 2);
    assert_eq!(ilab.index.schema().attributes()[0].values, ["boat-i0004", "car-i0055"]);

    let mut names = Vec::new();
    for letter in ["A", "b"] {
        for colours in [["red", "blue"], ["Yellow", "red"], ["blue", "Yellow"]] {
            for (size, font) in [("small", "a_font"), ("large", "b_font")] {
                let parts = [letter, size, colours[0], colours[1], font];
                names.push(format!("{}/{}.png", parts.join("/"), parts.join("_")));
            }
        }
    }
    let values = "values.letter = [\"A\", \"b\"]\nvalues.size = [\"small\", \"large\"]\n\
                  values.font_colour = [\"red\", \"Yellow\", \"blue\"]\n\
                  values.back_colour = [\"red\", \"Yellow\", \"blue\"]";
    let fonts = open_files("fonts-folder", &names, values).unwrap();
    assert_eq!(fonts.source.len(), 12);
    names[0] = names[0].replace("A_small", "B_small");
    let error = open_files("fonts-folder", &names, values).unwrap_err().to_string();
    assert!(
        error.contains("B_small_red_blue_a_font.png: found a path that does not fit"),
        "{error}"
    );
}
