//! Crates whose types cross between ours and candle's: two versions of one would not fit together.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Names and the version that each must have.
const SINGLE: [(&str, &str); 5] = [
    ("candle-core", "0.11"),
    ("candle-nn", "0.11"),
    ("half", "2"),
    ("rand", "0.9"),
    ("safetensors", "0.8"),
];

/// Checks the resolved graph, as far as it is compiled into what users run.
pub(super) fn check(metadata: &Value, offences: &mut Vec<String>) {
    let found = versions(metadata);
    for (name, wanted) in SINGLE {
        let versions = found.get(name).cloned().unwrap_or_default();
        let fits = |version: &String| version.starts_with(&format!("{wanted}."));
        if versions.len() > 1 || !versions.iter().all(fits) {
            let versions = Vec::from_iter(versions).join(", ");
            offences.push(format!("Cargo.lock: {name} {versions}; allowed: one {wanted}"));
        }
    }
}

/// All versions of each package that our crates reach by normal dependencies.
fn versions(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let nodes: BTreeMap<_, _> = list(&metadata["resolve"]["nodes"])
        .into_iter()
        .map(|node| (text(&node["id"]), list(&node["deps"])))
        .collect();
    let mut open: Vec<_> = list(&metadata["workspace_members"]).iter().map(text).collect();
    let mut reached = BTreeSet::new();
    while let Some(id) = open.pop() {
        let deps = nodes.get(&id).into_iter().flatten();
        if reached.insert(id) {
            let normal = deps.filter(|d| list(&d["dep_kinds"]).iter().any(|k| k["kind"].is_null()));
            open.extend(normal.map(|dep| text(&dep["pkg"])));
        }
    }
    let mut versions: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for package in list(&metadata["packages"]) {
        if reached.contains(&text(&package["id"])) {
            versions.entry(text(&package["name"])).or_default().insert(text(&package["version"]));
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_second_version_is_named_unless_only_tests_use_it() {
        let graph = |kind: Value| {
            json!({
                "workspace_members": ["ours"],
                "packages": [
                    { "id": "r9", "name": "rand", "version": "0.9.5" },
                    { "id": "r10", "name": "rand", "version": "0.10.1" },
                ],
                "resolve": { "nodes": [{ "id": "ours", "deps": [
                    { "pkg": "r9", "dep_kinds": [{ "kind": null }] },
                    { "pkg": "r10", "dep_kinds": [{ "kind": kind }] },
                ] }] },
            })
        };
        let mut offences = Vec::new();
        check(&graph(json!("dev")), &mut offences);
        assert!(offences.is_empty(), "{offences:?}");
        check(&graph(Value::Null), &mut offences);
        assert_eq!(offences, ["Cargo.lock: rand 0.10.1, 0.9.5; allowed: one 0.9"]);
    }
}
