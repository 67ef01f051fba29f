//! The digest of everything that decides a component's bytes, beside the compiler.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest, Sha256};
use toml::Value;

use super::Guest;

/// What of a crate is compiled into it. Documentation and cases are not.
const COMPILED: &[&str] = &["src", "fixtures", "build.rs", "Cargo.toml"];

/// Digest over the sources of a guest: its crate and the crates of this repository that it is made of, the worlds, the profile, and
/// the exact versions of its other dependencies.
pub(crate) fn digest(root: &Path, guest: &Guest) -> Result<String> {
    let closure = Closure::of(root, guest.package)?;
    let mut files = BTreeSet::new();
    collect(&root.join("wit"), &mut files)?;
    for folder in &closure.folders {
        for part in COMPILED {
            collect(&folder.join(part), &mut files)?;
        }
    }
    let mut hasher = Sha256::new();
    for path in files {
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let bytes = fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        hasher.update(format!("{name} {}\n", sha256(&bytes)));
    }
    for package in &closure.packages {
        hasher.update(format!("{package}\n"));
    }
    hasher.update(closure.settings);
    Ok(hex(&hasher.finalize()))
}

/// Digest of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn collect(path: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    if path.is_file() {
        files.insert(path.to_owned());
    } else if path.is_dir() {
        for entry in fs::read_dir(path).with_context(|| format!("cannot list `{}`", path.display()))? {
            collect(&entry?.path(), files)?;
        }
    }
    Ok(())
}

/// What a guest is made of, from the lock file.
struct Closure {
    /// Folders of the crates of this repository.
    folders: BTreeSet<PathBuf>,
    /// Name, version and checksum of the others.
    packages: BTreeSet<String>,
    /// Lines of the root manifest that apply.
    settings: String,
}

impl Closure {
    fn of(root: &Path, package: &str) -> Result<Self> {
        let manifest = read(&root.join("Cargo.toml"))?;
        let lock = read(&root.join("Cargo.lock"))?;
        let members = members(root, &manifest)?;
        let packages: Vec<&Value> = lock.get("package").and_then(Value::as_array).into_iter().flatten().collect();

        let mut closure = Self { folders: BTreeSet::new(), packages: BTreeSet::new(), settings: String::new() };
        let mut names = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut waiting = vec![package.to_owned()];
        while let Some(wanted) = waiting.pop() {
            if !seen.insert(wanted.clone()) {
                continue;
            }
            // `name`, or `name version` where the lock file has several.
            let (name, version) =
                wanted.split_once(' ').map_or((wanted.as_str(), None), |(name, version)| (name, Some(version)));
            let found = packages
                .iter()
                .find(|package| {
                    text(package, "name") == name
                        && version.is_none_or(|version| version.starts_with(text(package, "version")))
                })
                .with_context(|| format!("`{wanted}` is not in Cargo.lock"))?;
            names.insert(name.to_owned());
            if let Some(folder) = members.get(name) {
                // Of our own crates only what is compiled counts, not what their tests use.
                closure.folders.insert(folder.clone());
                waiting.extend(locked(&dependencies(folder)?, found));
            } else {
                closure.packages.insert(format!("{name} {} {}", text(found, "version"), text(found, "checksum")));
                waiting.extend(listed(found));
            }
        }
        for name in names {
            let shared = manifest
                .get("workspace")
                .and_then(|table| table.get("dependencies"))
                .and_then(|table| table.get(&name));
            if let Some(shared) = shared {
                writeln!(closure.settings, "{name} = {shared}")?;
            }
        }
        for profile in ["component", "release"] {
            if let Some(settings) = manifest.get("profile").and_then(|table| table.get(profile)) {
                writeln!(closure.settings, "profile.{profile} = {settings}")?;
            }
        }
        Ok(closure)
    }
}

fn read(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    text.parse::<toml::Table>().map(Value::Table).with_context(|| format!("`{}` is not TOML", path.display()))
}

fn text<'a>(table: &'a Value, key: &str) -> &'a str {
    table.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Folders of the workspace's crates by package name.
fn members(root: &Path, manifest: &Value) -> Result<BTreeMap<String, PathBuf>> {
    let listed = manifest.get("workspace").and_then(|table| table.get("members")).and_then(Value::as_array);
    let mut members = BTreeMap::new();
    for member in listed.into_iter().flatten().filter_map(Value::as_str) {
        let folder = root.join(member);
        let manifest = read(&folder.join("Cargo.toml"))?;
        let name = manifest.get("package").map(|package| text(package, "name").to_owned());
        members.insert(name.unwrap_or_default(), folder);
    }
    Ok(members)
}

/// Names in a crate's own `[dependencies]` and `[build-dependencies]`.
fn dependencies(folder: &Path) -> Result<BTreeSet<String>> {
    let manifest = read(&folder.join("Cargo.toml"))?;
    let names = ["dependencies", "build-dependencies"]
        .into_iter()
        .filter_map(|table| manifest.get(table).and_then(Value::as_table))
        .flat_map(|table| table.keys().cloned())
        .collect();
    Ok(names)
}

fn listed(package: &Value) -> Vec<String> {
    let dependencies = package.get("dependencies").and_then(Value::as_array);
    dependencies.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The entries of a locked package for some of its dependencies, with versions where the lock file has them.
fn locked(names: &BTreeSet<String>, package: &Value) -> Vec<String> {
    listed(package).into_iter().filter(|entry| names.contains(entry.split(' ').next().unwrap_or_default())).collect()
}
