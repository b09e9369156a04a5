//! Two run folders, file by file.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::Value;

use super::phase::temporary_for;

/// Files whose bytes depend on the recipe alone; the samples are another.
const EXACT: [&str; 4] =
    ["model.safetensors", "checkpoint.safetensors", "recipe.toml", "metrics.json"];

/// What is not the same in the run folder `b` as in `a`.
pub(super) fn differences(a: &Path, b: &Path) -> Result<Vec<String>> {
    let mut names: BTreeSet<PathBuf> = EXACT.iter().map(PathBuf::from).collect();
    let mut found = Vec::new();
    for folder in [a, b] {
        for inner in ["", "samples"] {
            for name in names_in(&folder.join(inner)) {
                if temporary_for(&name).is_some() {
                    found.push(format!("{}: left over", folder.join(inner).join(&name).display()));
                } else if inner == "samples" {
                    names.insert(Path::new(inner).join(name));
                }
            }
        }
    }
    for name in names {
        let read = |folder: &Path| fs::read(folder.join(&name));
        match (read(a), read(b)) {
            (Ok(a), Ok(b)) if a == b => {}
            (Ok(a), Ok(b)) => found.push(first_difference(&name, &a, &b)),
            (_, Err(e)) | (Err(e), _) => found.push(format!("{}: {e}", name.display())),
        }
    }
    let read = |folder: &Path| {
        let path = folder.join("metrics.jsonl");
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    found.extend(logs(&read(a)?, &read(b)?));
    Ok(found)
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn first_difference(name: &Path, a: &[u8], b: &[u8]) -> String {
    let name = name.display();
    match a.iter().zip(b).position(|(a, b)| a != b) {
        Some(at) => format!("{name}: differs from byte {at} on, of {}", a.len()),
        None => format!("{name}: {} bytes in place of {}", b.len(), a.len()),
    }
}

/// The first difference of two logs, times excepted.
fn logs(a: &str, b: &str) -> Option<String> {
    let (a, b): (Vec<_>, Vec<_>) = (a.lines().collect(), b.lines().collect());
    if let Some(i) = (0..a.len().min(b.len())).find(|&i| timeless(a[i]) != timeless(b[i])) {
        return Some(format!("metrics.jsonl:{}: {} in place of {}", i + 1, b[i], a[i]));
    }
    (a.len() != b.len())
        .then(|| format!("metrics.jsonl: {} lines in place of {}", b.len(), a.len()))
}

fn timeless(line: &str) -> Option<Value> {
    let mut fields: Value = serde_json::from_str(line).ok()?;
    fields.as_object_mut()?.retain(|name, _| !name.ends_with("seconds"));
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_differ_in_what_is_no_time() {
        let a = "{\"step\":1,\"seconds\":1.5,\"total\":0.1}\n{\"step\":2,\"total\":0.2}\n";
        assert_eq!(logs(a, &a.replace("1.5", "2.5")), None);
        assert!(logs(a, &a.replace("0.2", "0.3")).unwrap().starts_with("metrics.jsonl:2"));
        assert!(logs(a, a.lines().next().unwrap()).unwrap().contains("1 lines in place of 2"));
    }

    #[test]
    fn folders_are_compared_by_bytes() {
        let folder = std::env::temp_dir().join(format!("cir-torture-{}", std::process::id()));
        let runs = ["a", "b"].map(|name| folder.join(name));
        for run in &runs {
            fs::create_dir_all(run.join("samples")).unwrap();
            for name in EXACT.into_iter().chain(["metrics.jsonl", "samples/1.png"]) {
                fs::write(run.join(name), "{\"step\":1}").unwrap();
            }
        }
        let [a, b] = &runs;
        assert_eq!(differences(a, b).unwrap(), [""; 0]);
        fs::write(b.join("model.safetensors"), "{\"step\":2}").unwrap();
        fs::write(b.join("samples/2.png"), "").unwrap();
        fs::write(b.join(".metrics.json.tmp"), "").unwrap();
        let found = differences(a, b).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].ends_with("left over"), "{found:?}");
        assert_eq!(found[1], "model.safetensors: differs from byte 8 on, of 10");
    }
}
