//! Files as they are read and written: absent ones, long ones, and replacing one without a moment in which it is half there.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Error;

/// A file's text; `None` when it does not exist. Bytes that are not UTF-8 are replaced.
pub(crate) fn read_text(path: &Path) -> Result<Option<String>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::read(path)(error)),
    }
}

/// A JSON document; `None` when the file does not exist.
pub(crate) fn read_json(path: &Path) -> Result<Option<Value>, Error> {
    match read_text(path)? {
        Some(text) => serde_json::from_str(&text).map(Some).map_err(|error| Error::corrupt(path, error)),
        None => Ok(None),
    }
}

/// Calls back for every line with its number and its line end. A file that does not exist has no lines.
pub(crate) fn for_each_line(path: &Path, mut each: impl FnMut(usize, &str) -> Result<(), Error>) -> Result<(), Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::read(path)(error)),
    };
    let mut file = BufReader::new(file);
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        if file.read_until(b'\n', &mut bytes).map_err(Error::read(path))? == 0 {
            break;
        }
        each(number, &String::from_utf8_lossy(&bytes))?;
    }
    Ok(())
}

/// A document as it stands in a file: two spaces, a newline at the end.
pub(crate) fn pretty(value: &Value, path: &Path) -> Result<String, Error> {
    let mut text = serde_json::to_string_pretty(value).map_err(|error| Error::corrupt(path, error))?;
    text.push('\n');
    Ok(text)
}

/// Replaces a file so that a reader sees the old or the new content and nothing between.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut temporary = Temporary::beside(path)?;
    temporary.write(bytes)?;
    temporary.commit()
}

/// A file that becomes another one when it is complete, and disappears when it is not.
pub(crate) struct Temporary {
    target: PathBuf,
    path: PathBuf,
    file: BufWriter<File>,
    done: bool,
}

impl Temporary {
    pub(crate) fn beside(target: &Path) -> Result<Self, Error> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let random = RandomState::new().hash_one(0_u8);
        // In the same folder, because a rename between mounts is not atomic.
        let path = target.with_file_name(format!(".{name}.{}.{random:016x}.tmp", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(Error::write(target))?;
        Ok(Self { target: target.to_owned(), path, file: BufWriter::new(file), done: false })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(Error::write(&self.target))
    }

    pub(crate) fn commit(mut self) -> Result<(), Error> {
        self.file.flush().map_err(Error::write(&self.target))?;
        fs::rename(&self.path, &self.target).map_err(Error::write(&self.target))?;
        self.done = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.done {
            // The first error is the one that is reported; a temporary file that stays harms nobody.
            let _ = fs::remove_file(&self.path);
        }
    }
}
