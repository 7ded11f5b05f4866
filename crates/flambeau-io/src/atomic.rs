//! Files that appear whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use flambeau_types::{Error, ErrorKind, Result};

/// A file being written beside its final place. [`AtomicFile::commit`] moves it there; dropped before that, it is removed,
/// so that a crash or a full disk leaves an earlier file of that name as it was.
///
/// ```
/// use std::io::Write;
/// let path = std::env::temp_dir().join(format!("flambeau-atomic-{}", std::process::id()));
/// let mut file = flambeau_io::AtomicFile::create(&path)?;
/// file.write_all(b"whole")?;
/// assert!(!path.exists());
/// file.commit(true)?;
/// assert_eq!(std::fs::read(&path)?, b"whole");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), flambeau_types::Error>(())
/// ```
pub struct AtomicFile {
    file: Option<File>,
    /// `None` when the target is a device or a pipe: these are written to, never replaced.
    temporary: Option<PathBuf>,
    target: PathBuf,
}

impl AtomicFile {
    /// Starts writing a file that will be called `path`. A symbolic link is followed, as by an ordinary write.
    pub fn create(path: impl AsRef<Path>) -> Result<AtomicFile> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let path = path.as_ref();
        let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let fail = |e: io::Error| Error::new(ErrorKind::Io, format!("{e}: '{}'", path.display()));
        let Some(name) = target.file_name() else {
            return Err(Error::new(ErrorKind::Io, format!("not a file name: '{}'", path.display())));
        };
        if target.is_dir() {
            return Err(Error::new(ErrorKind::Io, format!("[Errno 21] Is a directory: '{}'", path.display())));
        }
        if std::fs::metadata(&target).is_ok_and(|m| !m.is_file()) {
            let file = OpenOptions::new().write(true).open(&target).map_err(fail)?;
            return Ok(AtomicFile { file: Some(file), temporary: None, target });
        }
        let folder = target.parent().unwrap_or(Path::new(""));
        if !folder.as_os_str().is_empty() && !folder.is_dir() {
            return Err(Error::runtime(format!("Parent directory {} does not exist.", folder.display())));
        }
        loop {
            let mut temporary = std::ffi::OsString::from(".");
            temporary.push(name);
            temporary.push(format!(".{}.{}.tmp", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
            let temporary = folder.join(temporary);
            match OpenOptions::new().write(true).create_new(true).open(&temporary) {
                Ok(file) => {
                    // The file that it replaces keeps its permissions.
                    if let Ok(old) = std::fs::metadata(&target) {
                        let _ = file.set_permissions(old.permissions());
                    }
                    return Ok(AtomicFile { file: Some(file), temporary: Some(temporary), target });
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(e) => return Err(fail(e)),
            }
        }
    }

    /// Puts the file in its place. With `sync` its bytes are on the disk before the name is, so that even a power cut
    /// leaves either the old file or the new one.
    pub fn commit(mut self, sync: bool) -> Result<()> {
        if let Some(file) = self.file.take() {
            let Some(temporary) = self.temporary.take() else { return Ok(()) };
            let synced = if sync { file.sync_all() } else { Ok(()) };
            drop(file);
            if let Err(e) = synced.and_then(|()| std::fs::rename(&temporary, &self.target)) {
                let _ = std::fs::remove_file(&temporary);
                return Err(Error::new(ErrorKind::Io, format!("{e}: '{}'", self.target.display())));
            }
        }
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Err(io::Error::other("the file was already put in its place")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // The handle goes first: Windows removes no open file.
        drop(self.file.take());
        if let Some(temporary) = self.temporary.take() {
            let _ = std::fs::remove_file(temporary);
        }
    }
}
