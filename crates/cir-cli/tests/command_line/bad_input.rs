//! What is refused: one message with the place, the value found and what is allowed; exit code 2
//! for usage, 1 otherwise; nothing half written.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};

use crate::{Place, bytes, train};

/// The message with which the tiny recipe is refused under `sets`; no run folder is left.
fn refused(sets: &[&str]) -> String {
    let place = Place::new();
    let message = place.refused(&train("run", sets), 2);
    assert!(!place.path("run").exists(), "{message}");
    message
}

#[track_caller]
fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

#[test]
fn recipes_with_unknown_fields_values_or_versions() {
    says(&refused(&["cir.lamda=0"]), &["lamda", "lambda"]);
    says(&refused(&["optimizer.lr=1"]), &["optimizer", "optimiser"]);
    says(&refused(&["lambda=0"]), &["lambda", "`cir`", "`data`", "`train`", "`name`"]);
    says(&refused(&["optimiser.lr=0"]), &["optimiser.lr", "found 0", "above 0"]);
    says(&refused(&["cir.moved=some"]), &["cir.moved", "all-but-one", "trained", "list of blocks"]);
    says(&refused(&["data.values.letter=[A,B]"]), &["data.values.letter", "[A,B]", "['A', 'B']"]);
    says(&refused(&["loss.image=l3"]), &["l3", "mse"]);
    says(&refused(&["version=2"]), &["version", "2", "1"]);
    says(&refused(&["algorithm=gsz"]), &["gsz", "gzs"]);
    says(&refused(&["train.steps=0"]), &["train.steps", "0", "at least 1"]);
    says(&refused(&["cir.moved=trained"]), &["cir.moved", "trained", "all-but-one"]);
    says(&refused(&["cir.draws=0"]), &["cir.draws", "at least 1"]);
    says(&refused(&["model.image_size=18"]), &["model.image_size", "18", "multiple of 4"]);
    says(&refused(&["model.depth=5"]), &["model.depth", "5", "1 to 4"]);
    says(&refused(&["model.edge_kernel=4"]), &["model.edge_kernel", "4", "odd"]);
    says(&refused(&["model.initialisation.normal=-1"]), &["initialisation.normal", "-1", "above"]);
    says(&refused(&["evaluation.reader_steps=0"]), &["evaluation.reader_steps", "at least 1"]);
    says(&refused(&["loss.cir_other.partner=hue"]), &["loss.cir_other", "hue", "font_colour"]);
    says(&refused(&["precision=half"]), &["half", "bf16"]);
    // Before the data are looked for.
    says(&refused(&["cir.lambda=-1", "data.card=none.toml"]), &["gzs-fonts", "cir.lambda", "-1"]);
    says(&refused(&["loss.combination=-1"]), &["loss.combination", "-1", "at least 0"]);
    says(&refused(&["data.card=font"]), &["data.card", "font", "dsprites"]);
    says(&Place::new().refused(&["train", "gsz-fonts"], 2), &["gsz-fonts", "gzs-fonts"]);
    says(&Place::new().refused(&["train", "--set", "cir"], 2), &["section.field=value"]);
}

#[test]
fn blocks_that_overlap_or_exceed_or_belong_to_no_attribute() {
    let blocks = |last: &str| {
        format!(
            "model.blocks=[{{name='letter',start=0,end=8}},{{name='size',start=8,end=10}},\
             {{name='font_colour',start=10,end=13}},{{name='back_colour',start=13,end=16}},{last}]"
        )
    };
    let overlap = blocks("{name='font',start=14,end=24}");
    says(&refused(&["model.z_dim=24", &overlap]), &["blocks.font", "14..24", "overlaps"]);
    let excess = blocks("{name='font',start=16,end=32}");
    says(&refused(&["model.z_dim=24", &excess]), &["blocks.font", "16..32", "at most 24"]);
    let unknown = blocks("{name='style',start=16,end=24}");
    says(&refused(&["model.z_dim=24", &unknown]), &["model.blocks", "style", "font"]);
}

#[test]
fn values_that_are_too_few_or_unknown_and_groups_without_partner() {
    says(&refused(&["data.values.size=['small']"]), &["data.values.size", "at least two"]);
    says(&refused(&["data.values.size=['small', 'huge']"]), &["huge", "medium"]);
    // With two colours that must differ, whoever shares the font colour shares the background.
    let colours =
        ["data.values.font_colour=['red', 'blue']", "data.values.back_colour=['red', 'blue']"];
    let place = Place::new();
    let message = place.refused(&train("run", &colours), 1);
    says(&message, &["colour", "share"]);
    assert!(!place.path("run").exists());
}

#[test]
fn a_run_folder_that_exists() {
    let place = Place::new();
    place.train("run", &["train.steps=2"]);
    let model = bytes(&place.path("run/model.safetensors"));
    says(&place.refused(&train("run", &[]), 1), &["run", "--force", "--resume"]);
    assert_eq!(model, bytes(&place.path("run/model.safetensors")));
    place.ok(&[&train("run", &["train.steps=3"])[..], &["--force"]].concat());
    assert_ne!(model, bytes(&place.path("run/model.safetensors")));
    says(&place.refused(&["train", "--resume", "nowhere"], 1), &["nowhere", "recipe.toml"]);
    says(&place.refused(&["train", "run"], 2), &["the folder of a run", "--resume run"]);
    let other = ["train", "gzs-dsprites", "--resume", "run"];
    says(&place.refused(&other, 2), &["--resume", "RECIPE"]);
    let set = ["train", "--resume", "run", "--set", "train.steps=9"];
    says(&place.refused(&set, 2), &["--set", "same bytes", "train run/recipe.toml --set"]);
    says(
        &place.refused(&["eval", "run/model.safetensors"], 2),
        &["recipe.toml", "folder of a run"],
    );
}

#[test]
fn pictures_and_arguments_that_do_not_fit() {
    let place = Place::new();
    place.train("run", &[]);
    std::fs::write(place.path("text.png"), "no picture").unwrap();
    let values = ["size=large", "font_colour=red", "back_colour=blue", "font=sans"];
    let synthesise = |more: &[&'static str]| [&["synthesise", "run"], more, &values[..]].concat();
    says(&place.refused(&synthesise(&[]), 2), &["letter", "no source", "A, B, E"]);
    says(&place.refused(&synthesise(&["letter=Z"]), 2), &["\"Z\"", "A, B, E"]);
    says(&place.refused(&synthesise(&["letter=A", "letter=B"]), 2), &["letter", "twice"]);
    says(&place.refused(&synthesise(&["shape=A"]), 2), &["shape", "font_colour"]);
    says(&place.refused(&synthesise(&["letter=text.png"]), 1), &["text.png"]);
    let none = place.refused(&synthesise(&["letter=none.png"]), 2);
    says(&none, &["letter=none.png", "does not exist", "A, B, E"]);
    let jpeg = synthesise(&["letter=A", "-o", "x.jpg"]);
    says(&place.refused(&jpeg, 2), &["x.jpg", "--out", "ending in .png"]);
    let swap = ["swap", "run", "text.png", "text.png", "--block", "letter"];
    says(&place.refused(&swap, 1), &["text.png"]);
    let missing = ["swap", "run", "a.png", "b.png", "--block", "letter"];
    let said = place.refused(&missing, 1);
    says(&said, &["a.png"]);
    assert_eq!(said.matches("os error").count(), 1, "{said}");
    says(&place.refused(&["encode", "run", "text.png", "-o", "z.csv"], 2), &["z.csv", ".npy"]);
    says(&place.refused(&["info", "nothing"], 2), &["nothing", "run folder"]);
}

#[test]
fn pictures_that_no_data_set_has() {
    let place = Place::new();
    let render = |more: &[&'static str]| {
        place.refused(&[&["data", "render", "gzs-fonts", "--out", "x"], more].concat(), 2)
    };
    says(&render(&["--only", "letter=B"]), &["--only letter", "\"B\"", "A, C, I"]);
    says(&render(&["--only", "colour=red"]), &["--only", "colour", "font_colour"]);
    says(&render(&["--only", "letter"]), &["--only", "NAME=VALUE"]);
    let same = ["--only", "font_colour=red", "--only", "back_colour=red"];
    says(&render(&same), &["font_colour=red back_colour=red", "no picture"]);
    says(&render(&["--count", "0"]), &["--count", "0"]);
    assert!(!place.path("x").exists());
    let unknown = place.refused(&["data", "preview", "font"], 2);
    says(&unknown, &["\"font\"", "dsprites", "elegant-faces", "run folder"]);
}

#[test]
fn models_and_checkpoints_that_do_not_fit() {
    let place = Place::new();
    place.train("run", &[]);
    let model = place.path("run/model.safetensors");
    let (whole, card) = (bytes(&model), stored_card(&bytes(&model)));

    std::fs::write(&model, &whole[..whole.len() / 2]).unwrap();
    says(&place.refused(&["info", "run"], 1), &["model.safetensors", "safetensors"]);

    let mut tensors: BTreeMap<_, _> =
        candle_core::safetensors::load_buffer(&whole, &Device::Cpu).unwrap().into_iter().collect();
    let mut other: serde_json::Value = serde_json::from_str(&card).unwrap();
    other["schema"][0]["name"] = "mood".into();
    store(&model, &tensors, &other.to_string());
    says(&place.refused(&["info", "run"], 1), &["model.blocks", "letter", "mood"]);
    tensors.remove("encoder.0.weight");
    store(&model, &tensors, &card);
    says(&place.refused(&["info", "run"], 1), &["encoder.0.weight", "nothing"]);
    let odd = Tensor::zeros((2, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
    tensors.insert("encoder.0.weight".into(), odd);
    store(&model, &tensors, &card);
    says(&place.refused(&["info", "run"], 1), &["encoder.0.weight", "[2, 2]", "[4, 3, 3, 3]"]);

    // A checkpoint of a narrower network beside this recipe.
    place.train("narrow", &["model.conv_dim=2"]);
    std::fs::copy(
        place.path("narrow/checkpoint.safetensors"),
        place.path("run/checkpoint.safetensors"),
    )
    .unwrap();
    let message = place.refused(&["train", "--resume", "run"], 2);
    says(&message, &["recipe.toml", "checkpoint.safetensors"]);
    let as_model = place.refused(&["info", "run/recipe.toml"], 1);
    says(&as_model, &["recipe.toml"]);
}

fn stored_card(model: &[u8]) -> String {
    let (_, header) = safetensors::SafeTensors::read_metadata(model).unwrap();
    header.metadata().as_ref().unwrap()["cir"].clone()
}

fn store(path: &std::path::Path, tensors: &BTreeMap<String, Tensor>, card: &str) {
    let metadata = std::collections::HashMap::from([("cir".to_owned(), card.to_owned())]);
    safetensors::serialize_to_file(tensors, Some(metadata), path).unwrap();
}
