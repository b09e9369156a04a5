//! The folder of a run.

use std::{fs, io::ErrorKind::NotFound, ops::Deref, path::Path};

use crate::{Error, FolderLock, Result, RunFiles, write_text};

/// The folder of a run and the files in it, held against other processes until it is dropped.
#[derive(Debug, Clone)]
pub struct RunDir {
    files: RunFiles,
    _lock: FolderLock,
}

impl Deref for RunDir {
    type Target = RunFiles;

    fn deref(&self) -> &RunFiles {
        &self.files
    }
}

impl RunDir {
    /// Makes the folder and writes the recipe.
    ///
    /// # Errors
    /// When something is at `path` already; with `overwrite`, what an earlier run wrote there is
    /// removed, and nothing else.
    pub fn create(path: &Path, recipe: &str, overwrite: bool) -> Result<Self> {
        let begun = match fs::read_dir(path) {
            // A process that was killed before it had a recipe leaves hidden files.
            Ok(entries) => entries.flatten().any(|entry| !is_hidden(&entry)),
            Err(e) if e.kind() == NotFound => false,
            Err(e) => return Err(Error::Read { path: path.into(), cause: e }),
        };
        let files = RunFiles::of(path);
        if begun && !files.begun() {
            let expected = "a new folder, an empty one, or a run's; what is no run's is kept";
            return Err(Error::file(path, "files, but no recipe.toml", expected));
        }
        if begun && !overwrite {
            let found = "a run folder that exists";
            let expected = "a new folder; --resume goes on with it, --force replaces it";
            return Err(Error::file(path, found, expected));
        }
        fs::create_dir_all(path).map_err(Error::write(path))?;
        let run = Self { files, _lock: lock(path)? };
        if begun {
            run.clear()?;
        }
        write_text(&run.recipe(), recipe)?;
        Ok(run)
    }

    /// A run that was begun, to go on with it.
    ///
    /// # Errors
    /// When there is none, or another process is at it.
    pub fn open(path: &Path) -> Result<Self> {
        let files = RunFiles::of(path);
        match files.begun() {
            true => Ok(Self { files, _lock: lock(path)? }),
            false => Err(Error::file(path, "no recipe.toml in it", "the folder of a run")),
        }
    }

    /// Removes what a run writes.
    fn clear(&self) -> Result<()> {
        for path in self.all() {
            let removed = match path.is_dir() {
                true => fs::remove_dir_all(&path),
                false => fs::remove_file(&path),
            };
            match removed {
                Err(e) if e.kind() != NotFound => return Err(Error::write(&path)(e)),
                _ => {}
            }
        }
        Ok(())
    }
}

fn is_hidden(entry: &fs::DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

/// Two processes in one folder would overwrite each other's checkpoints.
fn lock(folder: &Path) -> Result<FolderLock> {
    FolderLock::take(folder, "a run that another process is training or scoring")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_folder_is_refused_and_only_a_run_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        RunDir::create(&path, "a", false).unwrap();
        let refusal = |overwrite| RunDir::create(&path, "b", overwrite).unwrap_err().to_string();
        let error = refusal(false);
        assert!(error.contains("--resume") && error.contains("--force"), "{error}");
        let run = RunDir::open(&path).unwrap();
        for old in [run.log(), run.sample(3), run.checkpoint()] {
            fs::create_dir_all(old.parent().unwrap()).unwrap();
            fs::write(old, "old").unwrap();
        }
        fs::write(path.join("letter.txt"), "dear").unwrap();
        assert!(refusal(true).contains("another process"));
        drop(run);
        let run = RunDir::create(&path, "b", true).unwrap();
        assert_eq!(fs::read_to_string(run.recipe()).unwrap(), "b");
        assert!(path.join("letter.txt").is_file());
        assert!(!run.log().exists() && !run.sample(3).exists() && !run.checkpoint().exists());
        drop(run);
        fs::remove_file(path.join("recipe.toml")).unwrap();
        for overwrite in [false, true] {
            let error = refusal(overwrite);
            assert!(error.contains("no recipe.toml") && !error.contains("--force"), "{error}");
        }
        assert!(path.join("letter.txt").is_file());
        assert!(RunDir::open(&path).unwrap_err().to_string().contains("no recipe.toml"));
    }

    #[test]
    fn a_run_that_was_killed_before_its_recipe_can_be_begun_again() {
        let folder = tempfile::tempdir().unwrap();
        for left in [".lock", ".recipe.toml.tmp"] {
            fs::write(folder.path().join(left), "").unwrap();
        }
        RunDir::create(folder.path(), "a", false).unwrap();
        let file = folder.path().join("recipe.toml");
        assert!(RunDir::create(&file, "a", true).unwrap_err().to_string().contains("recipe.toml"));
    }
}
