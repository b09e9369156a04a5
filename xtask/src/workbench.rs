//! A folder of its own in which `cir` and other programs run one after another, shown and timed.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context, Result, anyhow};

use crate::{
    cir::{self, Backend},
    project, shell,
};

/// The folder, and `cir` built for the CPU.
pub(crate) struct Workbench {
    binary: PathBuf,
    folder: PathBuf,
}

impl Workbench {
    /// Builds `cir` and empties the folder called `name`.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let folder = project::scratch(name)?;
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(Self { binary: cir::build(Backend::Cpu)?, folder })
    }

    /// Where the programs run.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs `cir`.
    pub(crate) fn cir(&self, arguments: &[&str]) -> Result<()> {
        self.run(&self.binary, &arguments.iter().map(OsStr::new).collect::<Vec<_>>())
    }

    /// Runs `program`; an error if it fails.
    pub(crate) fn run(&self, program: &Path, arguments: &[&OsStr]) -> Result<()> {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder);
        let since = Instant::now();
        shell::must(&mut command)?;
        println!("  {:.1} s", since.elapsed().as_secs_f64());
        Ok(())
    }

    /// Renders two pictures such as a run was trained on; their paths from the folder.
    pub(crate) fn pictures(&self, run: &str) -> Result<[String; 2]> {
        let out = format!("{run}-pictures");
        self.cir(&["data", "render", run, "--count", "2", "--out", &out])?;
        let folder = self.folder.join(&out);
        let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<_> = names.filter(|name| name.ends_with(".png")).collect();
        names.sort();
        let paths: Vec<_> = names.iter().map(|name| format!("{out}/{name}")).collect();
        paths.try_into().map_err(|_| anyhow!("{}: not two pictures", folder.display()))
    }
}
