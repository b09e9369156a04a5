//! A training that is told to stop saves itself, says how to go on, and ends with a code of its own.

use std::{
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{Place, text, train};

/// Starts a long training, sends it `signal` after its first step; its exit code and what it said.
fn interrupted(signal: &str, command: Option<&str>) -> (Option<i32>, String) {
    let place = Place::new();
    let long = ["train.steps=1000000", "train.evaluate_every=0", "train.sample_every=0"];
    let mut cir = Command::new(env!("CARGO_BIN_EXE_cir"));
    cir.args(train("run", &long)).current_dir(place.path("")).env_remove("CIR_COMMAND");
    cir.envs(command.map(|name| ("CIR_COMMAND", name)));
    let child = cir.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (log, since) = (place.path("run/metrics.jsonl"), Instant::now());
    while std::fs::metadata(&log).map_or(0, |data| data.len()) == 0 {
        assert!(since.elapsed() < Duration::from_secs(60), "no step was made");
        sleep(Duration::from_millis(10));
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert!(place.path("run/checkpoint.safetensors").is_file());
    let info = place.ok(&["info", "run"]);
    assert!(info.contains(" of 1000000; go on with: "), "{info}");
    (output.status.code(), text(&output.stderr))
}

#[test]
fn the_hint_can_be_typed_and_the_exit_code_tells() {
    let (code, said) = interrupted("-INT", None);
    assert_eq!(code, Some(130), "{said}");
    let hint = format!("go on with: {} train --resume run", env!("CARGO_BIN_EXE_cir"));
    assert!(said.contains(&hint) && !said.contains("error"), "{said}");
    let (code, said) = interrupted("-TERM", Some("cargo xtask"));
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("go on with: cargo xtask train --resume run"), "{said}");
}
