//! Studies: what they leave, what they refuse, and that a killed one ends in the same results.

#[cfg(unix)]
use std::{
    fs::File,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
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

/// The rows of the study in `folder`.
fn rows(place: &Place, folder: &str) -> Vec<serde_json::Value> {
    let text = String::from_utf8(bytes(&place.path(folder).join("results.jsonl"))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_study_leaves_rows_tables_and_a_page_and_runs_nothing_twice() {
    let place = Place::new();
    study(&place);
    let printed = place.ok(&["study", "study.toml", "--out", "out"]);
    let rows = rows(&place, "out");
    let of = |row: &serde_json::Value| {
        assert!(row["scores"]["representation.leakage"]["protocol"].is_string());
        (row["setting"].as_str().unwrap().to_owned(), row["seed"].as_u64().unwrap())
    };
    let expected = [("none", 7), ("none", 1), ("none", 2), ("CIR", 7), ("CIR", 1), ("CIR", 2)];
    assert_eq!(rows.iter().map(of).collect::<Vec<_>>(), expected.map(|(s, seed)| (s.into(), seed)));

    // New minus old, over the judging seeds alone.
    let l1 = |i: usize| rows[i]["scores"]["zero_shot.l1"]["value"].as_f64().unwrap();
    let change = (l1(4) - l1(1) + l1(5) - l1(2)) / 2.;
    let sign = if change < 0. { '−' } else { '+' };
    let digits = if change != 0. && change.abs() < 0.02 { 4 } else { 3 };
    let cell = format!("| L1 ↓       | {sign}{:.digits$} (", change.abs());
    assert!(printed.contains("CIR against none, 2 seeds") && printed.contains(&cell), "{printed}");
    let page = String::from_utf8(bytes(&place.path("out/report.html"))).unwrap();
    assert!(page.contains("CIR − none") && page.contains("<svg"), "{page}");

    // Rows are enough: no run is needed for them any more.
    std::fs::remove_dir_all(place.path("out/runs")).unwrap();
    place.ok(&["study", "study.toml", "--out", "out"]);
    assert!(!place.path("out/runs").exists());
    // Other cases are other rows.
    place.ok(&["study", "study.toml", "--out", "out", "--seeds", "1", "--count", "4"]);
    assert_eq!(self::rows(&place, "out").len(), 6 + 4);
}

#[test]
fn rows_of_another_recipe_are_kept_until_they_are_run_again() {
    let place = Place::new();
    study(&place);
    let small = ["study", "study.toml", "--out", "out", "--seeds", "1"];
    place.ok(&small);
    let before = rows(&place, "out");
    let longer = [&small[..], &["--set", "train.steps=7"]].concat();
    let said = place.refused(&longer, 2);
    assert!(said.contains("train.steps: found 7, was 6") && said.contains("--again"), "{said}");
    assert_eq!(rows(&place, "out"), before);
    place.ok(&[&longer[..], &["--again"]].concat());
    let after = rows(&place, "out");
    assert!(after.len() == 4 && after.iter().all(|row| row["steps"] == 7), "{after:?}");

    let text = std::fs::read_to_string(place.path("study.toml")).unwrap();
    let swapped = text.replace("choosing = [7], judging = [1, 2]", "choosing = [1], judging = [7]");
    std::fs::write(place.path("study.toml"), swapped).unwrap();
    let said = place.refused(&longer, 2);
    assert!(said.contains("seed 7 has served for choosing; allowed: not for judging"), "{said}");
}

#[test]
fn a_run_of_another_recipe_without_a_row_is_not_taken_for_this_ones() {
    let place = Place::new();
    study(&place);
    let small = ["study", "study.toml", "--out", "out", "--seeds", "1"];
    place.ok(&small);
    // As a training leaves it that was stopped before its end.
    std::fs::remove_file(place.path("out/results.jsonl")).unwrap();
    std::fs::remove_dir_all(place.path("out/recipes")).unwrap();
    let longer = [&small[..], &["--set", "train.steps=7"]].concat();
    let said = place.refused(&longer, 2);
    assert!(said.contains("train.steps: found 7, was 6") && said.contains("runs/"), "{said}");
    place.ok(&[&longer[..], &["--again"]].concat());
    let recipe = std::fs::read_to_string(place.path("out/runs/cir-1/recipe.toml")).unwrap();
    assert!(recipe.contains("steps = 7"), "{recipe}");
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

/// Starts the study with all it prints thrown away.
#[cfg(unix)]
fn started(place: &Place, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_cir"))
        .args(["study", "study.toml"])
        .args(arguments)
        .current_dir(place.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The number of runs at a time differs, too.
#[cfg(unix)]
#[test]
fn ten_kills_do_not_change_the_results() {
    let place = Place::new();
    study(&place);
    place.ok(&["study", "study.toml", "--out", "whole", "--jobs", "1"]);
    for kill in 0..10 {
        let jobs = ["1", "2", "3"][kill % 3];
        let mut child = started(&place, &["--out", "killed", "--jobs", jobs]);
        sleep(Duration::from_millis(150 + 40 * kill as u64));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(started(&place, &["--out", "killed"]).wait().unwrap().success());
    let results = |run: &str| bytes(&place.path(&format!("{run}/results.jsonl")));
    assert_eq!(results("killed"), results("whole"));
}

/// Waits for what must come.
#[cfg(unix)]
fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let since = Instant::now();
    while !there() {
        assert!(since.elapsed() < Duration::from_secs(60), "{what}");
        sleep(Duration::from_millis(10));
    }
}

#[cfg(unix)]
#[test]
fn a_killed_study_leaves_no_training_behind_and_a_stopped_one_loses_no_step() {
    let place = Place::new();
    study(&place);
    let long = ["train.steps=1000000", "train.evaluate_every=0", "train.sample_every=0"];
    let mut arguments =
        vec!["--out", "out", "--jobs", "1", "--set", "train.checkpoint_every=100000"];
    arguments.extend(long.iter().flat_map(|set| ["--set", set]));
    let log = place.path("out/runs/none-7/metrics.jsonl");
    let trains = || std::fs::read_to_string(&log).is_ok_and(|text| text.lines().count() > 3);

    let mut child = started(&place, &arguments);
    wait_for("no step was made", trains);
    child.kill().unwrap();
    child.wait().unwrap();
    let lock = File::open(place.path("out/runs/none-7/.lock")).unwrap();
    wait_for("the training goes on", || lock.try_lock().is_ok());
    lock.unlock().unwrap();
    assert!(!place.path("out/runs/none-7/checkpoint.safetensors").exists());

    std::fs::remove_file(&log).unwrap();
    let child = started(&place, &arguments);
    wait_for("no step was made", trains);
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = crate::text(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("go on with: ") && said.contains("train.steps=1000000"), "{said}");
    assert!(place.path("out/runs/none-7/checkpoint.safetensors").is_file());
}
