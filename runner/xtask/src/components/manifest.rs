//! `manifest.toml` beside the components: what each was built from.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

const FILE: &str = "manifest.toml";

const HEAD: &str = "# Written by `cargo xtask components`.\n\n";

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Manifest {
    #[serde(default, rename = "component")]
    components: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Version of the worlds that it speaks.
    pub(crate) world: String,
    /// Digest of what it was built from.
    pub(crate) sources: String,
    /// Digest of the file.
    pub(crate) digest: String,
    /// Bytes of the file.
    pub(crate) size: usize,
    /// What built it.
    pub(crate) toolchain: String,
}

impl Manifest {
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).with_context(|| format!("`{}` is not a manifest", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        self.components.iter().find(|entry| entry.name == name)
    }

    pub(crate) fn put(&mut self, entry: Entry) {
        self.components.retain(|other| other.name != entry.name);
        self.components.push(entry);
        self.components.sort_by(|a, b| a.name.cmp(&b.name));
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let text = toml::to_string(self).context("cannot write the manifest")?;
        fs::write(&path, format!("{HEAD}{text}")).with_context(|| format!("cannot write `{}`", path.display()))
    }
}
