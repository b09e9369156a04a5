//! I2I-Dis: training on drawn, written and unpaired pictures, translation, and what is refused.

use std::{fs, path::PathBuf};

use cir_core::Image;

use crate::{Place, bytes, size, text};

/// Networks so small that a step takes milliseconds.
const SMALL: [&str; 15] = [
    "model.width=2",
    "model.attribute_width=2",
    "model.blocks=1",
    "model.scales=2",
    "sampling.batch=2",
    "sampling.encoded=1",
    "evaluation.reader_steps=2",
    "train.steps=4",
    "train.log_every=1",
    "train.sample_every=0",
    "train.evaluate_every=0",
    "train.checkpoint_every=2",
    "cir.start=3",
    "updates.full_every=1",
    "name=tiny",
];

fn train<'a>(recipe: &'a str, out: &'a str, sets: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["train", recipe, "--out", out];
    arguments.extend(SMALL.iter().chain(sets).flat_map(|set| ["--set", set]));
    arguments
}

fn sketches<'a>(out: &'a str, sets: &[&'a str]) -> Vec<&'a str> {
    train("i2i-sketch-faces", out, &[&["sampling.crop=48"], sets].concat())
}

/// The pictures in a folder of `place`, in order of their names.
fn pictures(place: &Place, folder: &str) -> Vec<String> {
    let files = fs::read_dir(place.path(folder)).unwrap();
    let mut names: Vec<_> = files
        .map(|e| format!("{folder}/{}", e.unwrap().file_name().display()))
        .filter(|name| name.ends_with(".png"))
        .collect();
    names.sort();
    names
}

fn render(place: &Place, domain: &str, folder: &str) -> Vec<String> {
    let only = format!("domain={domain}");
    let render = ["data", "render", "sketch-faces", "--size", "64", "--count", "3"];
    place.ok(&[&render[..], &["--only", &only, "--out", folder]].concat());
    let found = pictures(place, folder);
    assert_eq!(found.len(), 3);
    found
}

#[track_caller]
fn refused(place: &Place, arguments: &[&str], parts: &[&str]) {
    let message = place.refused(arguments, 2);
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

#[test]
fn a_model_of_sketches_is_trained_and_used() {
    let place = Place::new();
    let printed = place.ok(&sketches("run", &["train.sample_every=4"]));
    for word in ["content", "manner", "domain, random", "portrait to sketch", "held-out"] {
        assert!(printed.contains(word), "{word} is not in {printed}");
    }
    let log = String::from_utf8(bytes(&place.path("run/metrics.jsonl"))).unwrap();
    for term in ["d_a2", "d_content", "gan_content_b", "l1_cycle_a", "total_eg", "ms_a", "lr"] {
        assert!(log.contains(&format!("\"{term}\":")), "{term} is not in {log}");
    }
    assert_eq!(log.matches("\"cir\":").count(), 2, "{log}");
    let report = String::from_utf8(bytes(&place.path("run/report.html"))).unwrap();
    assert!(report.contains("Generator against them") && report.contains("random 4"));
    assert!(place.path("run/samples/000004.png").is_file());

    let portraits = render(&place, "portrait", "portraits");
    let drawn = render(&place, "sketch", "sketches");
    let (a, s, t) = (&*portraits[0], &*drawn[0], &*drawn[1]);
    // Five random codes unless told; then the picture and so many as are asked for.
    place.ok(&["translate", "run", a, "--to", "sketch", "-o", "five.png"]);
    // The middle of each picture, as large as the crops of training.
    assert_eq!(size(&place, "five.png"), (6 * 48 + 5 * 2, 48));
    let random = ["translate", "run", a, &portraits[1], "--to", "B", "--random", "3"];
    place.ok(&[&random[..], &["-o", "random.png"]].concat());
    assert_eq!(size(&place, "random.png"), (4 * 48 + 3 * 2, 2 * 48 + 2));
    place.ok(&[&random[..], &["-o", "again.png"]].concat());
    assert_eq!(bytes(&place.path("random.png")), bytes(&place.path("again.png")));
    place.ok(&[&random[..], &["--seed", "2", "-o", "again.png"]].concat());
    assert_ne!(bytes(&place.path("random.png")), bytes(&place.path("again.png")));
    // References stand over their ends of the rows.
    place.ok(&["translate", "run", a, "--to", "sketch", "--reference", s, "-o", "one.png"]);
    assert_eq!(size(&place, "one.png"), (2 * 48 + 2, 2 * 48 + 2));
    let between = ["translate", "run", "--to", "sketch", "--reference", s, t, "--steps", "4"];
    let printed = place.ok(&[&between[..], &["--json", "--", a]].concat());
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        (printed["width"].as_u64(), printed["to"].as_str()),
        (Some(5 * 48 + 4 * 2), Some("sketch"))
    );
    // Back, a folder at once, each into a file of its own.
    let each = ["translate", "run", "sketches", "--to", "portrait", "--random", "2"];
    let printed = place.ok(&[&each[..], &["--each", "each", "--enlarge", "2"]].concat());
    assert_eq!(printed.trim(), "wrote 6 pictures to each");
    let made = pictures(&place, "each");
    assert_eq!((made.len(), size(&place, &made[5])), (6, (96, 96)));
    assert!(made[1].ends_with("-2.png"), "{made:?}");
    let printed = place.ok(&[&each[..], &["--each", "each", "--json"]].concat());
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let files = printed["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap());
    assert!(files.eq(&made) && printed["out"] == "each", "{printed}");

    // A picture of another size is resized, as a reference too.
    let wide = ["translate", "run", "five.png", "--to", "sketch", "--reference", "one.png"];
    let said = text(&place.cir(&wide).stderr);
    assert!(said.contains("five.png: resized from 298x48 to 64x64"), "{said}");
    assert!(said.contains("one.png: resized from 98x98 to 64x64"), "{said}");

    let info = place.ok(&["info", "run"]);
    assert!(info.contains("i2i-dis model, trained on sketch-faces"), "{info}");
    assert!(info.contains("from portrait to sketch and back"), "{info}");
    assert!(place.ok(&["info", "run/checkpoint.safetensors"]).contains("after step 4"));
    let scores = place.ok(&["eval", "run", "--count", "4", "--json"]);
    let scores: serde_json::Value = serde_json::from_str(&scores).unwrap();
    assert_eq!(scores["directions"].as_array().unwrap().len(), 2);
    assert_eq!(scores["directions"][1]["name"].as_str(), Some("sketch to portrait"));
    assert!(scores["directions"][0]["truth"]["l1"].as_f64().unwrap() > 0.);

    place.ok(&["data", "render", "run", "--count", "4", "--out", "own"]);
    let own = pictures(&place, "own");
    assert_eq!((own.len(), size(&place, &own[0])), (4, (64, 64)));

    // What edits pictures does not take it, whatever else stands there.
    let other = ["translates between domains", "`translate`"];
    refused(&place, &["swap", "run", a, s, "--block", "content"], &other);
    refused(&place, &["interpolate", "run", a, s, "--block", "content"], &other);
    refused(&place, &["encode", "run", a, "-o", "z.npy"], &other);
    refused(&place, &["synthesise", "run", "domain=sketch"], &other);
    let to = |more: &[&'static str]| [&["translate", "run", a], more].concat();
    refused(&place, &to(&["--to", "photo"]), &["--to photo", "portrait or sketch (A or B)"]);
    refused(&place, &to(&[]), &["--to"]);
    refused(&place, &to(&["--to", "A", "--random", "0"]), &["--random", "1..=256"]);
    refused(&place, &to(&["--to", "A", "--random", "2", "--reference", "one.png"]), &["--random"]);
    refused(&place, &["translate", "run", "--to", "A"], &["PICTURES"]);
    fs::create_dir(place.path("empty")).unwrap();
    let empty = ["translate", "run", "empty", "--to", "A"];
    refused(&place, &empty, &["empty: no picture in this folder"]);
    fs::write(place.path("empty/scan.tiff"), "II*").unwrap();
    let message = place.refused(&empty, 1);
    assert!(message.contains("empty/scan.tiff: found another kind of picture"), "{message}");
    fs::create_dir(place.path("more")).unwrap();
    fs::copy(place.path(s), place.path("more").join(s.rsplit('/').next().unwrap())).unwrap();
    let twice = ["translate", "run", "sketches", "more", "--to", "A", "--each", "twice"];
    refused(&place, &twice, &["--each", "sketches/", "more/", "called the same"]);
    assert!(!place.path("twice").exists());
    let beside = ["translate", "run", "sketches", "--to", "A", "--each", "./sketches"];
    refused(&place, &beside, &["--each ./sketches: it holds sketches/", "a folder without"]);
    let file = [&to(&["--to", "B", "--each"])[..], &[s]].concat();
    refused(&place, &file, &["--each sketches/", "found a file", "a folder"]);
    refused(&place, &to(&["--to", "B", "--steps", "3"]), &["--steps", "after --reference"]);
    let ignored = to(&["--to", "A", "--reference", "one.png", "--seed", "2"]);
    refused(&place, &ignored, &["--seed", "--reference"]);
    refused(&place, &to(&["--to", "A", "--each", "e", "-o", "e.png"]), &["--each", "--out"]);
    let three = [a, s, t, a].map(String::from);
    let three: Vec<&str> = three.iter().map(|s| &**s).collect();
    let three =
        [&["translate", "run", "--to", "A", "--reference"], &three[..], &["--", a]].concat();
    refused(&place, &three, &["--reference: found 4 pictures; allowed: 1 or 2"]);
    for (read, more) in [(a, vec![]), (s, vec!["--reference", s])] {
        let over = [&["translate", "run", a, "--to", "B", "-o", read], &more[..]].concat();
        refused(&place, &over, &["--out", "which is read"]);
    }
    let missing = place.refused(&["translate", "run", "none.png", "--to", "A"], 1);
    assert!(missing.contains("none.png"), "{missing}");
    fs::write(place.path("text.png"), "no picture").unwrap();
    let text = to(&["--to", "B", "--reference", "text.png"]);
    assert!(place.refused(&text, 1).contains("text.png"));

    // The checkpoint beside a recipe of the other form.
    let recipe = fs::read_to_string(place.path("run/recipe.toml")).unwrap();
    assert!(recipe.contains("form = \"concat\""), "{recipe}");
    let other = recipe.replace("form = \"concat\"", "form = \"feature-wise\"");
    fs::write(place.path("run/recipe.toml"), other).unwrap();
    let change =
        ["recipe.toml", "model.form: found \"feature-wise\", was \"concat\"", "checkpoint"];
    refused(&place, &["train", "--resume", "run"], &change);
    // A report must not show another recipe than the model's.
    refused(&place, &["eval", "run"], &change);
}

#[test]
fn models_that_edit_do_not_translate() {
    let place = Place::new();
    place.train("run", &["train.steps=1", "train.evaluate_every=0"]);
    let translate = ["translate", "run", "a.png", "--to", "A"];
    refused(&place, &translate, &["run: this model recombines", "`synthesise`", "i2i-dis"]);
}

/// Folders of two kinds of pictures as they are published, some larger than others.
fn unpaired(place: &Place) -> String {
    for (folder, count, colour) in [
        ("trainA", 5, [200, 90, 20]),
        ("trainB", 3, [20, 90, 200]),
        ("testA", 2, [190, 80, 30]),
        ("testB", 2, [30, 80, 190]),
    ] {
        let folder = place.path("cats").join(folder);
        fs::create_dir_all(&folder).unwrap();
        for i in 0..count {
            let image = Image::filled(40 + 3 * i, 30 + i, colour.map(|c: u8| c + i as u8));
            cir_data::save_png(folder.join(format!("{i}.png")), &image).unwrap();
        }
    }
    format!("data.root={}", place.path("cats").display())
}

#[test]
fn folders_without_pairs_are_translated() {
    let place = Place::new();
    let root = unpaired(&place);
    let small = [&*root, "data.size=36", "sampling.crop=32", "model.content_stages=0"];
    let printed =
        place.ok(&train("i2i-cat2dog", "run", &[&small[..], &["updates.full_every=3"]].concat()));
    // No truth is known of them.
    assert!(printed.contains("A to B") && !printed.contains("content"), "{printed}");
    let each = ["translate", "run", "cats/testA", "--to", "B", "--random", "1", "--each", "dogs"];
    place.ok(&each);
    assert_eq!(pictures(&place, "dogs"), ["dogs/0-1.png", "dogs/1-1.png"]);
    assert_eq!(size(&place, "dogs/0-1.png"), (32, 32));

    let refused = |sets: &[&str], code, parts: &[&str]| {
        let message =
            place.refused(&train("i2i-cat2dog", "no", &[&small[..], sets].concat()), code);
        assert!(!place.path("no").exists(), "{message}");
        for part in parts {
            assert!(message.contains(part), "{part:?} is not in {message:?}");
        }
    };
    refused(&["sampling.crop=64", "model.scales=1"], 2, &["sampling.crop", "64", "36"]);
    refused(&["sampling.batch=6"], 2, &["domain", "at least 6"]);
    refused(&["domain=kind"], 2, &["domain", "kind"]);
    refused(&["model.content_stages=3"], 2, &["model.content_stages", "3", "32", "212"]);
    fs::remove_file(place.path("cats/testB/0.png")).unwrap();
    fs::remove_file(place.path("cats/testB/1.png")).unwrap();
    refused(&[], 1, &["testB", "no picture"]);
    fs::remove_dir(place.path("cats/testB")).unwrap();
    refused(&[], 1, &["testB", "found nothing"]);
}

#[test]
fn recipes_of_two_domains_that_do_not_fit_are_named() {
    let place = Place::new();
    let refused = |sets: &[&str], parts: &[&str]| {
        refused(&place, &sketches("run", sets), parts);
        assert!(!place.path("run").exists());
    };
    refused(&["model.form=film"], &["model.form", "film", "concat", "feature-wise"]);
    refused(&["model.image_size=64"], &["image_size", "attribute_width"]);
    refused(&["updates.second=late"], &["updates.second", "late", "stale", "clean"]);
    refused(&["schedule_in=steps"], &["schedule_in", "steps", "iterations", "epochs"]);
    refused(&["sampling.crop=68"], &["sampling.crop", "68", "64"]);
    refused(&["sampling.encoded=2"], &["sampling.batch", "2", "at least 4"]);
    refused(&["cir.moved=all-but-one"], &["cir.moved", "list of the codes"]);
    refused(&["cir.moved=['content', 'content']"], &["cir.moved", "content", "twice"]);
    refused(&["cir.moved=['hat']"], &["cir.moved", "hat", "content, attribute"]);
    refused(&["loss.latent=-1"], &["loss.latent", "-1"]);
    let none = ["loss.adversarial=0", "loss.latent=0", "loss.mode_seeking=0"];
    refused(&none, &["loss", "adversarial, latent, mode_seeking"]);
    refused(&["model.image_channels=1"], &["model.image_channels", "1", "3"]);
    refused(&["data.card=faces"], &["domain", "smile"]);
}

/// Few steps on letters, or digits, in print and by hand.
fn written<'a>(out: &'a str, sets: &[&'a str]) -> Vec<&'a str> {
    let small = [
        "data.size=32",
        "data.hold_out={fraction=0.1, seed=1, of='subjects'}",
        "sampling.crop=32",
        "model.content_stages=0",
    ];
    train("i2i-sketch-faces", out, &[&small[..], sets].concat())
}

#[test]
fn letters_in_print_and_by_hand_are_translated() {
    let place = Place::new();
    let letters = ["data.card=print-hand", "data.values.letter=['A', 'B', 'E']"];
    let printed = place.ok(&written("run", &letters));
    assert!(printed.contains("print to hand"), "{printed}");
    place.ok(&["data", "render", "run", "--only", "domain=hand", "--count", "2", "--out", "hand"]);
    place.ok(&["translate", "run", "hand", "--to", "print", "--random", "2"]);
    assert_eq!(size(&place, "out.png"), (3 * 32 + 2 * 2, 2 * 32 + 2));
}

const IMAGES: &str = "train-images-idx3-ubyte";
const DIGITS: [&str; 2] = ["data.card=print-mnist", "model.image_channels=1"];

#[test]
fn digits_of_idx_files_are_the_second_domain() {
    let place = Place::new();
    fs::create_dir(place.path("mnist")).unwrap();
    let head =
        |numbers: &[u32]| -> Vec<u8> { numbers.iter().flat_map(|n| n.to_be_bytes()).collect() };
    let (count, side) = (30, 28);
    let mut images = head(&[0x803, count, side, side]);
    images.extend((0..count * side * side).map(|i| (i % 251) as u8));
    fs::write(place.path("mnist").join(IMAGES), images).unwrap();
    let mut labels = head(&[0x801, count]);
    labels.extend((0..count).map(|i| (i % 10) as u8));
    fs::write(place.path("mnist/train-labels-idx1-ubyte"), labels).unwrap();
    place.ok(&written("run", &[&DIGITS[..], &["data.root=mnist"]].concat()));
    place.ok(&["data", "render", "run", "--only", "domain=hand", "--count", "1", "--out", "hand"]);
    place.ok(&["translate", "run", "hand", "--to", "print"]);
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn mnist_is_the_second_domain() {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/mnist");
    let root = std::env::var_os("CIR_MNIST").map_or(beside, PathBuf::from);
    if ![IMAGES.to_owned(), format!("{IMAGES}.gz")].iter().any(|name| root.join(name).exists()) {
        println!("skipped: no {IMAGES} in {}; CIR_MNIST can name a folder", root.display());
        return;
    }
    let place = Place::new();
    let root = format!("data.root={}", fs::canonicalize(root).unwrap().display());
    let printed = place.ok(&written("run", &[&DIGITS[..], &[&*root]].concat()));
    assert!(printed.contains("hand to print"), "{printed}");
}
