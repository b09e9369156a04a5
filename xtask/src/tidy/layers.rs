//! Imports point one way: a crate may use those of the layers below its own, and no other of ours.

use serde_json::Value;

use crate::project;

/// From the bottom to the top. Crates of one layer never import one another.
const LAYERS: [&[&str]; 6] = [
    &["cir-ops"],
    &["cir-core"],
    &["cir-train", "cir-data", "cir-metrics"],
    &["cir-gzs", "cir-elegant", "cir-i2i"],
    &["cir-cli", "cir-bench"],
    &["cir-tests"],
];

/// Uses nothing of ours, so that it builds in seconds.
const ALONE: &str = "xtask";

/// Checks every dependency between our crates, those of tests too.
pub(super) fn check(metadata: &Value, offences: &mut Vec<String>) {
    let members = project::members(metadata);
    let names: Vec<_> = members.iter().filter_map(|member| member["name"].as_str()).collect();
    for member in &members {
        let name = member["name"].as_str().unwrap_or_default();
        if name != ALONE && layer(name).is_none() {
            offences.push(format!("{name}: in no layer; give it one in xtask/src/tidy/layers.rs"));
        }
        let dependencies = member["dependencies"].as_array().into_iter().flatten();
        for dependency in dependencies.filter_map(|dependency| dependency["name"].as_str()) {
            if names.contains(&dependency)
                && let Some(offence) = offence(name, dependency)
            {
                offences.push(offence);
            }
        }
    }
}

fn offence(name: &str, dependency: &str) -> Option<String> {
    let below = layer(name).map_or(&[][..], |layer| &LAYERS[..layer]);
    if below.iter().any(|layer| layer.contains(&dependency)) {
        return None;
    }
    let allowed = match below.concat() {
        none if none.is_empty() => "none of this workspace".to_owned(),
        some => some.join(", "),
    };
    Some(format!("{name}: imports {dependency}; allowed: {allowed}"))
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_point_down() {
        for (name, dependency) in
            [("cir-core", "cir-ops"), ("cir-gzs", "cir-data"), ("cir-cli", "cir-ops")]
        {
            assert_eq!(offence(name, dependency), None);
        }
        for (name, dependency) in [
            ("cir-ops", "cir-core"),
            ("cir-train", "cir-data"),
            ("cir-elegant", "cir-gzs"),
            ("xtask", "cir-core"),
        ] {
            let text = offence(name, dependency).unwrap();
            assert!(text.starts_with(&format!("{name}: imports {dependency}")), "{text}");
        }
    }
}
