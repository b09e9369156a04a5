//! Studies: what they leave, what they refuse, and that a killed one ends in the same results.

#[cfg(unix)]
use std::{
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use crate::{Place, TINY, bytes};

/// Two settings of the tiny recipe, one seed to choose by and two to judge by.
fn study(place: &Place) {
    let set: Vec<_> = TINY.iter().map(|set| format!("{set:?}")).collect();
    let text = format!(
        "version = 1\nname = 'tiny'\nrecipe = 'gzs-fonts'\ncount = 8\nset = [{}]\n\
         seeds = {{ choosing = [7], judging = [1, 2] }}\n\
         metrics = [\n\
         {{ name = 'all five', at = 'zero_shot.all', better = 'higher' }},\n\
         {{ name = 'L1', at = 'zero_shot.l1', better = 'lower' }},\n\
         {{ name = 'leakage', at = 'representation.leakage', better = 'lower' }}]\n\
         [[settings]]\nname = 'none'\nset = ['cir.lambda=0']\n\
         [[settings]]\nname = 'CIR'\nagainst = ['none']\n",
        set.join(", ")
    );
    std::fs::write(place.path("study.toml"), text).unwrap();
}

#[test]
fn a_study_leaves_rows_tables_and_a_page_and_runs_nothing_twice() {
    let place = Place::new();
    study(&place);
    let printed = place.ok(&["study", "study.toml", "--out", "out"]);
    assert!(
        printed.contains("CIR against none, 2 seeds") && printed.contains("| L1 ↓"),
        "{printed}"
    );
    let results = String::from_utf8(bytes(&place.path("out/results.jsonl"))).unwrap();
    let seeds: Vec<_> = results
        .lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(row["scores"]["L1"]["value"].as_f64().unwrap() > 0.);
            assert!(row["scores"]["leakage"]["protocol"].as_str().unwrap().contains("seed="));
            (row["setting"].as_str().unwrap().to_owned(), row["seed"].as_u64().unwrap())
        })
        .collect();
    let expected = [("none", 7), ("none", 1), ("none", 2), ("CIR", 7), ("CIR", 1), ("CIR", 2)];
    assert_eq!(seeds, expected.map(|(name, seed)| (name.to_owned(), seed)));
    let page = String::from_utf8(bytes(&place.path("out/report.html"))).unwrap();
    assert!(page.contains("CIR − none") && page.contains("<svg"), "{page}");

    // Rows are enough: no run is needed for them any more.
    std::fs::remove_dir_all(place.path("out/runs")).unwrap();
    place.ok(&["study", "study.toml", "--out", "out"]);
    assert!(!place.path("out/runs").exists());

    let text = std::fs::read_to_string(place.path("study.toml")).unwrap();
    let other = text.replace("train.steps=6", "train.steps=7");
    std::fs::write(place.path("study.toml"), other).unwrap();
    let said = place.refused(&["study", "study.toml", "--out", "out"], 2);
    assert!(
        said.contains("found \"steps = 7\", was \"steps = 6\"") && said.contains("--again"),
        "{said}"
    );
    assert_eq!(String::from_utf8(bytes(&place.path("out/results.jsonl"))).unwrap(), results);
}

#[test]
fn a_run_that_fails_is_named_and_the_others_are_kept() {
    let place = Place::new();
    study(&place);
    let text = std::fs::read_to_string(place.path("study.toml")).unwrap();
    let broken = text.replace("zero_shot.l1", "zero_shot.l3");
    std::fs::write(place.path("study.toml"), broken).unwrap();
    let said = place.refused(&["study", "study.toml", "--out", "out"], 1);
    assert!(said.contains("6 runs failed") && said.contains("found no \"l3\"; allowed:"), "{said}");
    // What was trained and scored is not lost by a slip of the pen.
    std::fs::write(place.path("study.toml"), text).unwrap();
    let model = place.path("out/runs/cir-1/model.safetensors");
    let before = std::fs::metadata(&model).unwrap().modified().unwrap();
    place.ok(&["study", "study.toml", "--out", "out"]);
    assert_eq!(std::fs::metadata(&model).unwrap().modified().unwrap(), before);
}

/// Killed with what it has started; the number of runs at a time differs, too.
#[cfg(unix)]
#[test]
fn ten_kills_do_not_change_the_results() {
    let place = Place::new();
    study(&place);
    place.ok(&["study", "study.toml", "--out", "whole", "--jobs", "1"]);
    let start = |jobs: &str| {
        Command::new(env!("CARGO_BIN_EXE_cir"))
            .args(["study", "study.toml", "--out", "killed", "--jobs", jobs])
            .current_dir(place.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    for kill in 0..10 {
        let mut child = start(["1", "2", "3"][kill % 3]);
        sleep(Duration::from_millis(300 + 170 * kill as u64));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(start("2").wait().unwrap().success());
    let results = |run: &str| bytes(&place.path(&format!("{run}/results.jsonl")));
    assert_eq!(results("killed"), results("whole"));
}
