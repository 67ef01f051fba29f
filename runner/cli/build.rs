//! Puts the scenario library of the repository into the binary, so that `pome init` and `pome tasks` need no network.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let library = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../../scenarios").canonicalize()?;
    println!("cargo::rerun-if-changed={}", library.display());
    let mut code = String::from("&[\n");
    for path in files(&library)? {
        println!("cargo::rerun-if-changed={}", path.display());
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let _ = writeln!(code, "    ({name:?}, include_str!({:?})),", path.display().to_string());
    }
    code.push_str("]\n");
    fs::write(Path::new(&variable("OUT_DIR")?).join("library.rs"), code)
}

/// Scenarios and their sidecar seeds, by name.
fn files(library: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(library)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let shipped = [".md", ".seed.json"].iter().any(|end| name.ends_with(end));
        if shipped && name.starts_with(|first: char| first.is_ascii_digit()) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}
