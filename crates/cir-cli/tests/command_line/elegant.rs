//! ELEGANT on drawn faces: training, exact resuming, every use, and what is refused.

use crate::{Place, bytes, size, text};

/// The recipe of faces, so small that a step takes milliseconds.
const TINY: [&str; 12] = [
    "model.attributes=['smile', 'hat']",
    "model.channels=[4, 4, 8]",
    "model.discriminator=[4, 8]",
    "sampling.batch=2",
    "evaluation.reader_steps=2",
    "train.steps=4",
    "train.log_every=1",
    "train.sample_every=2",
    "train.evaluate_every=2",
    "train.checkpoint_every=2",
    "cir.start=3",
    "name=tiny",
];

fn train<'a>(out: &'a str, sets: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["train", "elegant-faces", "--out", out];
    arguments.extend(TINY.iter().chain(sets).flat_map(|set| ["--set", set]));
    arguments
}

#[test]
fn a_model_of_faces_is_trained_and_used() {
    let place = Place::new();
    let printed = place.ok(&train("run", &[]));
    for word in ["precision", "others stayed", "L1 outside", "hat", "mean", "held-out"] {
        assert!(printed.contains(word), "{word} is not in {printed}");
    }
    let log = String::from_utf8(bytes(&place.path("run/metrics.jsonl"))).unwrap();
    for term in ["total_D", "total_G", "adv1", "D_smile", "precision_hat", "spread_smile"] {
        assert!(log.contains(&format!("\"{term}\":")), "{term} is not in {log}");
    }
    assert_eq!(log.lines().filter(|line| line.contains("\"cir\":")).count(), 2, "{log}");
    let report = String::from_utf8(bytes(&place.path("run/report.html"))).unwrap();
    assert!(report.contains("second with") && report.contains("Generator against them"));
    assert!(place.path("run/samples/000002.png").is_file());

    let render = ["data", "render", "faces", "--size", "64", "--count", "4", "--out", "faces"];
    place.ok(&render);
    let mut faces: Vec<_> = std::fs::read_dir(place.path("faces"))
        .unwrap()
        .map(|e| e.unwrap().path().display().to_string())
        .filter(|p| p.ends_with(".png"))
        .collect();
    faces.sort();
    let [a, b, c, d] = &faces[..] else { panic!("{faces:?}") };
    place.ok(&["swap", "run", a, b, "--attribute", "smile", "-o", "swap.png"]);
    assert_eq!(size(&place, "swap.png"), (4 * 64 + 3 * 2, 64));
    let strip = ["interpolate", "run", a, b, "--attribute", "hat", "--steps", "3"];
    place.ok(&[&strip[..], &["-o", "strip.png"]].concat());
    assert_eq!(size(&place, "strip.png"), (5 * 64 + 4 * 2, 64));
    place.ok(&["interpolate", "run", a, b, c, d, "--block", "hat", "--steps", "3", "-o", "sq.png"]);
    assert_eq!(size(&place, "sq.png"), (5 * 64 + 4 * 2, 3 * 64 + 2 * 2));
    let two = ["interpolate", "run", a, b, c, "--block", "hat", "--down", "smile", "--steps", "2"];
    place.ok(&[&two[..], &["-o", "two.png"]].concat());
    assert_eq!(size(&place, "two.png"), (4 * 64 + 3 * 2, 2 * 64 + 2));

    // A picture of another size keeps it.
    let output = place.cir(&["swap", "run", "sq.png", b, "--block", "hat", "-o", "photo.png"]);
    let said = text(&output.stderr);
    assert!(said.contains("328x196 is kept; what changes is drawn at 64x64"), "{said}");
    assert_eq!(size(&place, "photo.png"), (4 * 328 + 3 * 2, 196));

    let output = place.cir(&["encode", "run", a, "sq.png", "-o", "z.npy"]);
    let said = text(&output.stderr);
    assert!(said.contains("sq.png: resized from 328x196 to 64x64"), "{said}");
    assert!(place.ok(&["info", "run"]).contains("elegant model, trained on faces"));
    let scores = place.ok(&["eval", "run", "--count", "4", "--json"]);
    let scores: serde_json::Value = serde_json::from_str(&scores).unwrap();
    assert_eq!(scores["attributes"].as_array().unwrap().len(), 2);
    assert!(scores["mean"]["truth"]["outside"].as_f64().unwrap() > 0.);

    let refused = |arguments: &[&str], parts: &[&str]| {
        let message = place.refused(arguments, 2);
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    };
    refused(&["swap", "run", a, b, "--attribute", "glasses"], &["glasses", "smile, hat"]);
    refused(&["synthesise", "run", "hat=yes"], &["edits pictures", "`swap`"]);
    refused(&["interpolate", "run", a, b, c, "--block", "hat"], &["allowed: 1 or 3"]);
    refused(&[&strip[..], &["--down", "hat"]].concat(), &["--down hat"]);
    refused(&["interpolate", "run", a, b, "--block", "hat,hat"], &["hat: given twice"]);
}

#[test]
fn bytes_do_not_depend_on_threads_and_a_run_resumes_to_the_same() {
    let place = Place::new();
    // Without scores in between, which take longer than the training.
    let quick = ["train.evaluate_every=0"];
    for threads in ["1", "3"] {
        let output = place
            .cir_with(&train(&format!("run{threads}"), &quick), &[("RAYON_NUM_THREADS", threads)]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let checkpoint = |run: &str| bytes(&place.path(run).join("checkpoint.safetensors"));
    assert_eq!(checkpoint("run1"), checkpoint("run3"));
    // At its end: the networks come from the checkpoint, and the scores are those of before.
    let scores = bytes(&place.path("run1/metrics.json"));
    place.ok(&["train", "--resume", "run1"]);
    assert_eq!(scores, bytes(&place.path("run1/metrics.json")));
    // Unstarted: everything is still to come.
    std::fs::create_dir(place.path("begun")).unwrap();
    std::fs::copy(place.path("run1/recipe.toml"), place.path("begun/recipe.toml")).unwrap();
    place.ok(&["train", "--resume", "begun"]);
    assert_eq!(checkpoint("run1"), checkpoint("begun"));
}

#[test]
fn recipes_of_faces_that_do_not_fit_are_named() {
    let refused = |sets: &[&str], parts: &[&str]| {
        let place = Place::new();
        let message = place.refused(&train("run", sets), 2);
        assert!(!place.path("run").exists(), "{message}");
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    };
    refused(&["model.image_size=68"], &["model.image_size", "68", "multiple of 8"]);
    refused(&["model.attributes=['smile', 'moustache']"], &["model.attributes", "moustache"]);
    refused(&["model.attributes=['hat', 'hat']"], &["model.attributes", "twice"]);
    refused(&["model.image_size=128"], &["128 px", "64 px"]);
    refused(&["optimiser.lr=1"], &["optimiser", "lr"]);
    refused(&["cir.moved=['beard']"], &["cir.moved", "beard", "smile, hat"]);
    refused(&["sampling.batch=100000"], &["smile", "100000"]);
}
