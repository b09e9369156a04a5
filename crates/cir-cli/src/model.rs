//! Finds and loads the model that a command names.

use std::path::{Path, PathBuf};

use anyhow::Result;
use cir_train::RunFiles;

use crate::{
    algorithms::{self, Editor, Model},
    usage::usage,
};

/// The model file behind `path`: itself, or the one in a run folder.
pub(crate) fn file(path: &Path) -> Result<PathBuf> {
    if path.is_dir() {
        let file = RunFiles::of(path).model();
        if !file.is_file() {
            return Err(usage(format!("{}: no model.safetensors in this folder", path.display())));
        }
        return Ok(file);
    }
    if !path.is_file() {
        let what = "no such file; allowed: a run folder or a model.safetensors";
        return Err(usage(format!("{}: {what}", path.display())));
    }
    Ok(path.into())
}

/// Loads the model behind `path`, of whichever algorithm it is.
pub(crate) fn load(path: &Path) -> Result<Box<dyn Model>> {
    algorithms::load(&file(path)?)
}

/// The model as one that edits pictures; `path` names it where it does not.
pub(crate) fn editor<'a>(model: &'a dyn Model, path: &Path) -> Result<&'a dyn Editor> {
    model.editor().ok_or_else(|| refusal(model, path, "gzs or elegant"))
}

/// That the model at `path` is not for this command, which are for it, and whose models this one takes.
pub(crate) fn refusal(model: &dyn Model, path: &Path, algorithm: &str) -> anyhow::Error {
    let (does, allowed) = if model.translator().is_some() {
        ("translates between domains", "`translate`")
    } else if model.synthesiser().is_some() {
        ("recombines attributes", "`synthesise`, `swap`, `interpolate`, `encode`")
    } else {
        ("edits pictures", "`swap`, `interpolate`, `encode`")
    };
    let path = path.display();
    usage(format!(
        "{path}: this model {does}; allowed: {allowed}, or a model of algorithm {algorithm}"
    ))
}
