//! Files that are either old or new, never half written: temporary file, sync, rename.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{Error, Result};

/// Replaces the file at `path` by what `write` puts at the temporary path that it is given.
///
/// Whatever fails, and whenever the process is killed, `path` holds its old contents or the new.
///
/// # Errors
/// Names `path` and what failed; nothing is left behind.
pub fn write_atomically<E: std::fmt::Display>(
    path: &Path,
    write: impl FnOnce(&Path) -> std::result::Result<(), E>,
) -> Result<()> {
    let temporary = temporary(path);
    let written = write(&temporary)
        .map_err(|e| e.to_string())
        .and_then(|()| publish(&temporary, path).map_err(|e| e.to_string()));
    written.map_err(|what| {
        // It may never have come to exist.
        let _ = fs::remove_file(&temporary);
        Error::Write { path: path.into(), what }
    })
}

/// Replaces the file at `path` by a text.
///
/// # Errors
/// As [`write_atomically`].
pub fn write_text(path: &Path, text: &str) -> Result<()> {
    write_atomically(path, |at| {
        File::create(at)?.write_all(text.as_bytes()).map_err(io::Error::other)
    })
}

/// Replaces the file at `path` by indented JSON.
///
/// # Errors
/// As [`write_atomically`].
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Error::Write { path: path.into(), what: e.to_string() })?;
    write_text(path, &(text + "\n"))
}

/// In the same folder, so that the rename stays within one file system.
fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.tmp"))
}

fn publish(temporary: &Path, path: &Path) -> io::Result<()> {
    // For writing: some systems sync no other handle.
    OpenOptions::new().write(true).open(temporary)?.sync_all()?;
    fs::rename(temporary, path)?;
    // The rename itself is durable once the folder is synced; not every file system can.
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_text(&path, "old").unwrap();
        let error = write_atomically(&path, |at| {
            File::create(at)?.write_all(b"ne")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        let error = error.unwrap_err().to_string();
        assert!(error.contains("a.txt") && error.contains("no storage space"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
