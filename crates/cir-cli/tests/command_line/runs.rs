//! Whole trainings: the same bytes for any number of threads and any interruption.

use crate::{Place, bytes, train};

#[test]
fn bytes_do_not_depend_on_threads() {
    let place = Place::new();
    for threads in ["1", "2", "5"] {
        let output = place
            .cir_with(&train(&format!("run{threads}"), &[]), &[("RAYON_NUM_THREADS", threads)]);
        assert!(output.status.success());
    }
    let model = |threads: &str| bytes(&place.path(&format!("run{threads}/model.safetensors")));
    assert_eq!(model("1"), model("2"));
    assert_eq!(model("1"), model("5"));
}

#[test]
fn a_run_leaves_everything_it_promises() {
    let place = Place::new();
    let printed = place.train("run", &[]);
    assert!(
        printed.contains("zero-shot") && printed.contains("held-out combinations; those while"),
        "{printed}"
    );
    assert!(printed.contains("look at run/report.html") && printed.contains("data render run"));
    for name in ["recipe.toml", "checkpoint.safetensors", "events", "samples/000003.png"] {
        assert!(place.path("run").join(name).exists(), "{name}");
    }
    let scores: serde_json::Value =
        serde_json::from_slice(&bytes(&place.path("run/metrics.json"))).unwrap();
    assert_eq!(scores["attributes"].as_array().unwrap().len(), 5);
    assert!(scores["zero_shot"]["l1"].as_f64().unwrap() > 0.);
    let report = String::from_utf8(bytes(&place.path("run/report.html"))).unwrap();
    assert!(report.contains("data:image/png;base64,") && report.contains("lambda_combine"));
    let log = String::from_utf8(bytes(&place.path("run/metrics.jsonl"))).unwrap();
    let cir = |line: &&str| line.contains("\"cir\":");
    assert_eq!(log.lines().filter(cir).count(), 4, "CIR counts from step 3 of 6 on:\n{log}");
    assert!(log.contains("spread_letter") && log.contains("wait_seconds"));
}

#[test]
fn a_term_that_never_takes_part_is_warned_of() {
    let place = Place::new();
    let said = |start: &str| {
        let output =
            place.cir(&[&train("run", &["train.steps=2", start])[..], &["--force"]].concat());
        assert!(output.status.success());
        crate::text(&output.stderr)
    };
    let idle = said("cir.start=3");
    assert!(
        idle.contains("warning: the CIR term never takes part") && idle.contains("cir.start 3")
    );
    assert!(!said("cir.start=2").contains("never takes part"));
}

#[test]
fn without_cir_the_term_is_not_computed() {
    let place = Place::new();
    place.train("run", &["cir.lambda=0"]);
    let log = String::from_utf8(bytes(&place.path("run/metrics.jsonl"))).unwrap();
    assert!(!log.contains("\"cir\":"), "{log}");
}

#[test]
fn with_nothing_held_out_the_training_itself_is_scored_and_said_to_be() {
    let place = Place::new();
    let printed = place.train("run", &["data.hold_out.fraction=0"]);
    assert!(printed.contains("training combinations"), "{printed}");
    assert!(place.path("run/samples/000003.png").is_file());
}

#[test]
fn every_setting_of_the_step_trains() {
    let place = Place::new();
    let published = [
        "precision=bf16",
        "model.norm=instance",
        "model.depth=4",
        "model.edge_kernel=7",
        "model.initialisation=pytorch",
        "model.repeat_num=1",
        "loss.image=l1",
        "loss.lambda_unsup=0.5",
        "loss.lambda_cycle=0.5",
        "loss.images_per_pass=2",
        "loss.cir_other.partner=letter",
        "cir.granularity=element",
        "cir.draws=3",
        "cir.moved=['back_colour']",
        "cir.scale=relative",
        "sampling.batch=2",
        "cir.also_moved=true",
        "cir.t.beta=0.5",
    ];
    place.train("published", &published);
    place.train("edges", &["sampling.strategy=sample-edge", "loss.lambda_unsup=0.1"]);
    place.train("logits", &["model.output=logits", "loss.image=bernoulli", "schedule=constant"]);
}

#[test]
fn a_finished_and_an_unstarted_run_resume_to_the_same_bytes() {
    let place = Place::new();
    place.train("whole", &[]);
    let whole = bytes(&place.path("whole/model.safetensors"));
    place.ok(&["train", "--resume", "whole"]);
    assert_eq!(whole, bytes(&place.path("whole/model.safetensors")));
    std::fs::create_dir(place.path("begun")).unwrap();
    std::fs::copy(place.path("whole/recipe.toml"), place.path("begun/recipe.toml")).unwrap();
    place.ok(&["train", "--resume", "begun"]);
    assert_eq!(whole, bytes(&place.path("begun/model.safetensors")));
    let checkpoint = |run: &str| bytes(&place.path(run).join("checkpoint.safetensors"));
    assert_eq!(checkpoint("whole"), checkpoint("begun"));
}
