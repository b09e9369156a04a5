//! What a study's folder keeps of a setting besides its results: its recipe, and its runs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{file::Setting, read_if_there};
use crate::recipe::Recipe;

/// The file of a setting's recipe.
pub(super) fn recipe(folder: &Path, setting: &Setting) -> PathBuf {
    folder.join("recipes").join(setting.folder()).with_added_extension("toml")
}

/// The folder of a setting's run.
pub(super) fn run(folder: &Path, setting: &Setting, seed: u64) -> PathBuf {
    folder.join("runs").join(format!("{}-{seed}", setting.folder()))
}

/// In which field the recipe in a file is another than `new`, if it is; seeds aside.
pub(super) fn changed(path: &Path, new: &Recipe) -> Result<Option<String>> {
    let Some(text) = read_if_there(path)? else { return Ok(None) };
    let seed = format!("train.seed={}", new.train.seed);
    // Fields that it was written before have their defaults.
    let Ok(old) = Recipe::parse(&path.display().to_string(), &text, &[seed]) else {
        return Ok(Some("it cannot be read any more".into()));
    };
    new.change_from(&old)
}

/// The folders of all runs of a setting, whatever their seeds.
pub(super) fn runs(folder: &Path, setting: &Setting) -> Result<Vec<PathBuf>> {
    let runs = folder.join("runs");
    let entries = match fs::read_dir(&runs) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| runs.display().to_string())?,
    };
    let start = format!("{}-", setting.folder());
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let seed = name.strip_prefix(&start);
        if path.is_dir() && seed.is_some_and(|seed| seed.bytes().all(|c| c.is_ascii_digit())) {
            found.push(path);
        }
    }
    Ok(found)
}
