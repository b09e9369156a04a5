//! A folder held against other processes.

use std::{
    fs::{File, TryLockError},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{Error, Result};

const LOCK: &str = ".lock";

/// How long a folder that is in use is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Holds a folder until its last clone is dropped or the process ends, in whatever way.
#[derive(Debug, Clone)]
pub struct FolderLock {
    _file: Arc<File>,
}

impl FolderLock {
    /// Takes the folder.
    ///
    /// # Errors
    /// When another process holds it, which is what `found` says.
    pub fn take(folder: &Path, found: &str) -> Result<Self> {
        let path = folder.join(LOCK);
        let file = File::create(&path).map_err(Error::write(&path))?;
        let since = Instant::now();
        loop {
            match file.try_lock() {
                // A process that was killed a moment ago ends only when its last write has.
                Err(TryLockError::WouldBlock) if since.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::file(folder, found, "a folder that no process is using"));
                }
                // Not every file system has locks: then nothing is held.
                Ok(()) | Err(TryLockError::Error(_)) => return Ok(Self { _file: Arc::new(file) }),
            }
        }
    }
}
