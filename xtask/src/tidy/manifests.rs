//! What every crate's manifest says.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::project;

/// Programs and tests; all others are libraries with errors of their own.
const MAY_USE_ANYHOW: [&str; 4] = ["cir-bench", "cir-cli", "cir-tests", "xtask"];

/// Checks names, descriptions, lints and error handling.
pub(super) fn check(metadata: &Value, offences: &mut Vec<String>) -> Result<()> {
    let root = project::root();
    for member in project::members(metadata) {
        let name = member["name"].as_str().unwrap_or_default();
        let path = Path::new(member["manifest_path"].as_str().unwrap_or_default());
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let folder = path.parent().unwrap_or(path);
        let folder = folder.strip_prefix(&root).unwrap_or(folder);
        let in_crates = folder.starts_with("crates");
        if in_crates && folder != Path::new("crates").join(name) {
            let found = folder.display();
            offences.push(format!("{name}: lies in {found}; allowed: crates/{name}"));
        }
        if member["description"].as_str().is_none_or(|text| text.trim().is_empty()) {
            offences.push(format!("{name}: no description in its manifest"));
        }
        if !has_workspace_lints(&text) {
            offences.push(format!("{name}: [lints] workspace = true is missing"));
        }
        let uses_anyhow = member["dependencies"].as_array().into_iter().flatten();
        let uses_anyhow = uses_anyhow
            .filter(|dependency| dependency["kind"].is_null())
            .any(|dependency| dependency["name"] == "anyhow");
        if uses_anyhow && !MAY_USE_ANYHOW.contains(&name) {
            offences.push(format!("{name}: uses anyhow; a library has an error type"));
        }
    }
    Ok(())
}

fn has_workspace_lints(manifest: &str) -> bool {
    let lines = manifest.lines().map(|line| line.replace(' ', ""));
    let mut section = lines.skip_while(|line| line != "[lints]").skip(1);
    section.find(|line| !line.is_empty()).is_some_and(|line| line == "workspace=true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lints_are_found_where_they_stand() {
        assert!(has_workspace_lints("[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"));
        assert!(!has_workspace_lints("[package]\nworkspace = true\n"));
        assert!(!has_workspace_lints("[lints.rust]\nworkspace = true\n"));
    }
}
