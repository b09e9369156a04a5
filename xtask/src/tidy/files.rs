//! What every file that git knows or would add must keep to.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use super::code;
use crate::project;

/// No file is larger.
const MOST_BYTES: usize = 2_000_000;

/// A module with more lines says why in its head.
const MOST_LINES: usize = 400;

/// Checks all files; how many there were.
pub(super) fn check(offences: &mut Vec<String>) -> Result<usize> {
    let root = project::root();
    let names = names(&root)?;
    for name in &names {
        let path = root.join(name);
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        if bytes.len() > MOST_BYTES {
            offences.push(format!("{name}: {} bytes; allowed: {MOST_BYTES}", bytes.len()));
        }
        let Ok(text) = String::from_utf8(bytes) else { continue };
        check_paths(name, &text, offences);
        if name.ends_with(".rs") {
            check_module(name, &text, offences);
        }
    }
    Ok(names.len())
}

/// The files that are committed, or would be by `git add --all`.
fn names(root: &Path) -> Result<Vec<String>> {
    let mut command = Command::new("git");
    command.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let output = command.current_dir(root).output().context("git ls-files")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git ls-files: {}", said.trim());
    let text = String::from_utf8(output.stdout).context("a file name that is not UTF-8")?;
    let names = text.split_terminator('\0').filter(|name| root.join(name).is_file());
    Ok(names.map(str::to_owned).collect())
}

fn check_module(name: &str, text: &str, offences: &mut Vec<String>) {
    let head: Vec<_> = text.lines().take_while(|line| line.starts_with("//!")).collect();
    if head.first().is_none_or(|line| line.trim() == "//!") {
        offences.push(format!("{name}:1: does not start with a //! line that says what it is"));
    }
    let lines = text.lines().count();
    if lines > MOST_LINES && !head.iter().any(|line| line.contains("Over 400 lines:")) {
        offences.push(format!(
            "{name}: {lines} lines; allowed: {MOST_LINES}, or a reason in its head \
             (//! Over 400 lines: …)"
        ));
    }
    if !name.starts_with("crates/cir-ops/") {
        for (line, _) in numbered(&code::only(text)).filter(|(_, line)| has_unsafe(line)) {
            offences.push(format!("{name}:{line}: unsafe; allowed: in cir-ops alone"));
        }
    }
}

fn has_unsafe(line: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe")
}

/// Where machines of ours, and of others, keep things.
const ABSOLUTE: [&str; 6] = ["/work/", "/tmp/target", "/home/", "/root/", "/Users/", "C:\\"];

fn check_paths(name: &str, text: &str, offences: &mut Vec<String>) {
    // The list above is no use of a path.
    if name == "xtask/src/tidy/files.rs" {
        return;
    }
    for (number, line) in numbered(text) {
        for path in ABSOLUTE.iter().filter(|path| names_path(line, path)) {
            offences.push(format!("{name}:{number}: the path of one machine: {path}…"));
        }
    }
}

/// Whether `path` begins somewhere in `line`: not within another path or an address.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !"._-/~}$>)".contains(c))
    })
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(i, line)| (i + 1, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(name: &str, text: &str) -> Vec<String> {
        let mut offences = Vec::new();
        check_module(name, text, &mut offences);
        offences
    }

    #[test]
    fn modules_have_heads_and_are_short_and_safe() {
        let good = "//! Head.\n// unsafe in words\nfn f() {}\n";
        assert!(module("crates/a/src/lib.rs", good).is_empty());
        assert!(module("a.rs", "fn f() {}\n")[0].starts_with("a.rs:1: does not start"));
        let long = "\nfn f() {}".repeat(400);
        assert!(module("a.rs", &format!("//! Head.{long}"))[0].starts_with("a.rs: 401 lines"));
        let why = format!("//! Head.\n//! Over 400 lines: one table.{long}");
        assert!(module("a.rs", &why).is_empty());
        let raw = "//! Head.\nfn f() {\n    unsafe { g() }\n}\n";
        assert_eq!(module("a.rs", raw), ["a.rs:3: unsafe; allowed: in cir-ops alone"]);
        assert!(module("crates/cir-ops/src/a.rs", raw).is_empty());
    }

    #[test]
    fn absolute_paths_are_told_from_others() {
        for line in ["cd /work/main", "\"/home/a\"", "/root/x", "--out=/tmp/target-a"] {
            assert!(ABSOLUTE.iter().any(|path| names_path(line, path)), "{line}");
        }
        for line in ["https://a.org/home/x", "../work/main", "$HOME/work/x", "/tmp/run"] {
            assert!(!ABSOLUTE.iter().any(|path| names_path(line, path)), "{line}");
        }
    }
}
