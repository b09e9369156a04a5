//! Every use of a trained model, and the data commands.

use crate::{Place, bytes, size};

/// A trained tiny run and two pictures, one of another size.
fn trained() -> Place {
    let place = Place::new();
    place.train("run", &[]);
    let only = ["--only", "size=small,large", "--only", "letter=A,B"];
    let render = ["data", "render", "fonts", "--size", "24", "--count", "2", "--out", "pictures"];
    place.ok(&[&render[..], &only[..]].concat());
    let mut names: Vec<_> = std::fs::read_dir(place.path("pictures"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "png"))
        .collect();
    names.sort();
    for (from, to) in names.iter().zip(["a.png", "b.png"]) {
        std::fs::copy(from, place.path(to)).unwrap();
    }
    place
}

#[cfg(unix)]
#[test]
fn whoever_stops_reading_ends_it_in_silence() {
    use std::process::{Command, Stdio};
    let mut cir = Command::new(env!("CARGO_BIN_EXE_cir"));
    // Closed before anything can be written: a busy machine would write first.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    cir.args(["data", "list"]).stdout(writer).stderr(Stdio::piped());
    let output = cir.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(crate::text(&output.stderr), "");
    assert!(!output.status.success(), "nothing was written");
}

#[test]
fn a_model_is_used() {
    let place = trained();
    let output =
        place.cir(&["swap", "run", "a.png", "b.png", "--block", "letter", "-o", "swap.png"]);
    assert!(output.status.success());
    assert!(crate::text(&output.stderr).contains("resized from 24x24 to 16x16"));
    assert_eq!(size(&place, "swap.png"), (4 * 16 + 3 * 2, 16));

    let model = "run/model.safetensors";
    let strip = ["interpolate", model, "a.png", "b.png", "--block", "size", "--steps", "5"];
    place.ok(&[&strip[..], &["--from", "-0.5", "--to", "1.5", "-o", "strip.png"]].concat());
    // The two sources in the margins.
    assert_eq!(size(&place, "strip.png"), (7 * 16 + 6 * 2, 16));
    let wide = place.cir(&["encode", "run", "strip.png", "-o", "wide.npy"]);
    assert!(crate::text(&wide.stderr).contains("resized from 124x16 to 16x16"));
    place
        .ok(&[&strip[..], &["--down", "letter,font", "--enlarge", "2", "-o", "grid.png"]].concat());
    assert_eq!(size(&place, "grid.png"), (2 * (7 * 16 + 6 * 2), 2 * (5 * 16 + 4 * 2)));

    let values = ["size=large", "font_colour=red", "back_colour=blue", "font=sans"];
    let printed =
        place.ok(&[&["synthesise", "run", "letter=a.png"], &values[..], &["--json"]].concat());
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed["width"].as_u64(), Some(16));
    // The sources that are pictures, and no empty cells for the others.
    let sources = [&["synthesise", "run", "letter=a.png"], &values[..], &["--sources"]].concat();
    place.ok(&sources);
    assert_eq!(size(&place, "out.png"), (2 * 16 + 2, 16));

    place.ok(&["encode", "run", "a.png", "b.png", "-o", "z.npy"]);
    assert!(bytes(&place.path("z.npy")).starts_with(b"\x93NUMPY"));
    place.ok(&["encode", "run", "a.png", "-o", "z.safetensors"]);
    let tensors = bytes(&place.path("z.safetensors"));
    let tensors = safetensors::SafeTensors::deserialize(&tensors).unwrap();
    let card: serde_json::Value =
        serde_json::from_str(&place.ok(&["info", model, "--json"])).unwrap();
    let block = &card["config"]["blocks"][3];
    assert_eq!(block["name"].as_str(), Some("back_colour"));
    let width = block["end"].as_u64().unwrap() - block["start"].as_u64().unwrap();
    let shape = |name| tensors.tensor(name).unwrap().shape().to_vec();
    assert_eq!(shape("back_colour"), [1, width as usize]);
    assert_eq!(shape("z"), [1, card["config"]["z_dim"].as_u64().unwrap() as usize]);

    let scores: serde_json::Value =
        serde_json::from_str(&place.ok(&["eval", "run", "--count", "5", "--json"])).unwrap();
    assert_eq!(scores["zero_shot"]["count"].as_u64(), Some(5));
    // Every score says how it came about, here and in the report.
    let representation = scores["representation"].as_object().unwrap();
    let read = [&scores["zero_shot"], &scores["reconstruction"]];
    let paths = scores["paths"]["scores"].as_object().unwrap().values();
    let all = representation.values().chain(read).chain(paths.filter(|score| !score.is_null()));
    let protocols: Vec<_> = all.map(|score| score["protocol"].as_str().unwrap()).collect();
    assert_eq!((representation.len(), protocols.len()), (7, 16));
    assert!(protocols.iter().all(|p| p.contains("seed=1")), "{protocols:?}");
    assert_eq!(scores["blocks"]["matrix"]["accuracy"].as_array().unwrap().len(), 5);
    let table = place.ok(&["eval", "run", "--count", "5"]);
    let report = std::fs::read_to_string(place.path("run/report.html")).unwrap();
    for protocol in protocols {
        assert!(table.contains(protocol) && report.contains(protocol), "{protocol}");
    }
    assert!(report.contains("What each block holds") && report.contains("Recombination"));
    assert!(place.ok(&["info", "run"]).contains("back_colour"));
    assert!(place.ok(&["info", "run/checkpoint.safetensors"]).contains("after step 6"));
}

#[test]
fn data_sets_are_listed_described_and_shown() {
    let place = Place::new();
    let list = place.ok(&["data", "list"]);
    assert!(
        list.contains("fonts          Coloured letters on coloured backgrounds, drawn on the fly;")
    );
    // Whole sentences, although the cards break their lines.
    let cards = list.lines().take_while(|line| !line.is_empty());
    assert!(cards.filter(|line| line.len() > 20).all(|line| line.ends_with('.')), "{list}");
    assert!(place.ok(&["data", "describe", "fonts"]).contains("font_colour and back_colour"));
    place.ok(&["data", "preview", "dsprites", "--count", "4", "-o", "sheet.png"]);
    assert_eq!(size(&place, "sheet.png"), (130, 130));
    // Two people in a row each, with six changes.
    let faces = place.ok(&["data", "describe", "faces"]);
    assert!(faces.contains("open_eyes (2): no yes"), "{faces}");
    place.ok(&["data", "preview", "faces", "--count", "14", "-o", "sheet.png"]);
    assert_eq!(size(&place, "sheet.png"), (7 * 66 - 2, 130));
    place.ok(&["data", "render", "faces", "--count", "3", "--out", "faces"]);
    let table = std::fs::read_to_string(place.path("faces/labels.csv")).unwrap();
    assert!(table.starts_with("file,smile,glasses,hat,beard,open_eyes,dark_hair\n"), "{table}");
    assert!(place.ok(&["data", "describe", "celeba"]).contains("Eyeglasses (2): no yes"));
}

/// The values of a column of the labels in `folder`.
fn column(place: &Place, folder: &str, name: &str) -> Vec<String> {
    let table = std::fs::read_to_string(place.path(folder).join("labels.csv")).unwrap();
    let mut rows = table.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let at = rows.next().unwrap().iter().position(|column| column == name).unwrap();
    rows.map(|row| row[at].clone()).collect()
}

#[test]
fn a_recipe_or_a_run_stands_for_its_pictures() {
    let place = Place::new();
    place.train("run", &["train.steps=2"]);
    place.ok(&["data", "render", "run", "--count", "30", "--out", "pictures"]);
    let letters = column(&place, "pictures", "letter");
    assert_eq!(letters.len(), 30);
    assert!(letters.iter().all(|letter| "ABE".contains(letter)), "{letters:?}");
    let first = std::fs::read_dir(place.path("pictures")).unwrap().map(|e| e.unwrap().file_name());
    let first = first.filter(|name| name.to_string_lossy().ends_with(".png")).min().unwrap();
    assert_eq!(size(&place, &format!("pictures/{}", first.display())), (16, 16));
    place.ok(&["data", "preview", "gzs-fonts", "--count", "4", "-o", "sheet.png"]);
    assert_eq!(size(&place, "sheet.png"), (66, 66));
    assert!(place.ok(&["data", "describe", "run"]).contains("letter (3): A B E"));
    assert!(place.ok(&["data", "describe", "gzs-fonts"]).contains("letter (12): A C I"));
    let only = ["--only", "letter=A", "--only", "size=small,large", "--size", "24"];
    place.ok(&[&["data", "render", "gzs-fonts", "--count", "9", "--out", "a"], &only[..]].concat());
    assert_eq!(column(&place, "a", "letter"), ["A"; 9]);
    assert!(!column(&place, "a", "size").contains(&"medium".to_owned()));
}

#[test]
fn a_folder_with_a_table_is_a_data_set_by_one_card() {
    let place = Place::new();
    let only =
        ["letter=A,B,E", "size=small,large", "font_colour=red,blue", "back_colour=green,pink"];
    let only = only.iter().chain(&["font=sans,fat"]).flat_map(|o| ["--only", o]);
    let render = ["data", "render", "fonts", "--size", "16", "--out", "pictures"];
    place.ok(&render.into_iter().chain(only).collect::<Vec<_>>());
    let card = "name = 'mine'\nkind = 'folder'\ndescription = 'd'\nsource = 's'\nlicence = 'l'\n\
                channels = 3\nattributes = [{name='letter'}, {name='size'}, {name='font_colour'}, \
                {name='back_colour'}, {name='font'}]\n[files]\nroot = 'pictures'\n\
                csv = {file = 'labels.csv', image_column = 'file'}\n";
    std::fs::write(place.path("mine.toml"), card).unwrap();
    let sets = [
        "data.card=mine.toml",
        "data.values={}",
        "data.hold_out={fraction=0.1, seed=1}",
        "train.steps=4",
    ];
    let printed = place.train("run", &sets);
    assert!(printed.contains("held-out combinations"), "{printed}");
    assert!(place.ok(&["info", "run"]).contains("trained on mine"));

    // A picture less divides them otherwise: what was held out may have been learnt.
    let labels = place.path("pictures/labels.csv");
    let table = std::fs::read_to_string(&labels).unwrap();
    std::fs::write(&labels, table.trim_end().rsplit_once('\n').unwrap().0).unwrap();
    for command in [["eval", "run"], ["train", "--resume=run"]] {
        let refused = place.refused(&command, 2);
        assert!(refused.contains("run/data.json: found"), "{refused}");
    }
}
