//! Finds a compiler for wasm32-unknown-unknown: one with the target's standard library, else one with the library's source.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{no_toolchain, output};

const TARGET: &str = "wasm32-unknown-unknown";

/// A compiler with its cargo, and what they need to build for the target.
pub(crate) struct Toolchain {
    rustc: PathBuf,
    cargo: PathBuf,
    pub(crate) sysroot: PathBuf,
    /// Further arguments of cargo.
    pub(crate) arguments: Vec<String>,
    /// The linker, where the compiler does not bring one.
    pub(crate) linker: Option<PathBuf>,
    /// Version of the compiler, and how the standard library came about.
    pub(crate) description: String,
    build_std: bool,
}

impl Toolchain {
    pub(crate) fn find() -> Result<Self> {
        let candidates = candidates();
        let linkers: Vec<PathBuf> = candidates.iter().filter_map(Candidate::linker).chain(system_linkers()).collect();
        let ready = candidates.iter().find(|candidate| candidate.has_target());
        let source = candidates.iter().find(|candidate| candidate.has_source());
        match (ready, source) {
            (Some(candidate), _) => Ok(candidate.toolchain(false, &linkers)),
            (None, Some(candidate)) => Ok(candidate.toolchain(true, &linkers)),
            (None, None) => no_toolchain(),
        }
    }

    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = Command::new(&self.cargo);
        cargo.env("RUSTC", &self.rustc).env_remove("RUSTC_WRAPPER").env_remove("RUSTUP_TOOLCHAIN");
        if self.build_std {
            // Building the standard library is not stabilised; the compiler is still the released one.
            cargo.env("RUSTC_BOOTSTRAP", "1");
        }
        cargo
    }
}

/// An installed compiler.
struct Candidate {
    rustc: PathBuf,
    cargo: PathBuf,
    sysroot: PathBuf,
    version: String,
    host: String,
}

impl Candidate {
    fn probe(rustc: PathBuf, cargo: PathBuf) -> Option<Self> {
        if !cargo.exists() {
            return None;
        }
        let sysroot = PathBuf::from(output(Command::new(&rustc).args(["--print", "sysroot"]))?);
        let verbose = output(Command::new(&rustc).arg("-vV"))?;
        let field =
            |name: &str| verbose.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
        let hash = field("commit-hash:").unwrap_or_default();
        let version = format!("rustc {} ({})", field("release:")?, hash.get(..9).unwrap_or(&hash));
        Some(Self { host: field("host:")?, rustc, cargo, sysroot, version })
    }

    fn rustlib(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib")
    }

    fn has_target(&self) -> bool {
        self.rustlib().join(TARGET).join("lib").is_dir()
    }

    fn has_source(&self) -> bool {
        self.rustlib().join("src/rust/library/std/Cargo.toml").exists()
    }

    fn linker(&self) -> Option<PathBuf> {
        Some(self.rustlib().join(&self.host).join("bin/rust-lld")).filter(|path| path.exists())
    }

    fn toolchain(&self, build_std: bool, linkers: &[PathBuf]) -> Toolchain {
        let arguments = if build_std { vec!["-Zbuild-std=std,panic_abort".to_owned()] } else { Vec::new() };
        let library =
            if build_std { "standard library built from its source" } else { "standard library as installed" };
        Toolchain {
            rustc: self.rustc.clone(),
            cargo: self.cargo.clone(),
            sysroot: self.sysroot.clone(),
            arguments,
            linker: if self.linker().is_some() { None } else { linkers.first().cloned() },
            description: format!("{}, {library}", self.version),
            build_std,
        }
    }
}

/// Compilers in the order of preference: the one in use, other rustup toolchains, the system's.
fn candidates() -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let mut add = |rustc: PathBuf, cargo: PathBuf| {
        if let Some(candidate) = Candidate::probe(rustc, cargo)
            && found.iter().all(|other| other.sysroot != candidate.sysroot)
        {
            found.push(candidate);
        }
    };
    if let Some(sysroot) = output(Command::new("rustc").args(["--print", "sysroot"])) {
        let bin = Path::new(&sysroot).join("bin");
        add(bin.join("rustc"), bin.join("cargo"));
    }
    for line in output(Command::new("rustup").args(["toolchain", "list", "--verbose"])).unwrap_or_default().lines() {
        if let Some(path) = line.split_whitespace().last().map(Path::new).filter(|path| path.is_absolute()) {
            add(path.join("bin/rustc"), path.join("bin/cargo"));
        }
    }
    for folder in env::split_paths(&env::var_os("PATH").unwrap_or_default()).chain([PathBuf::from("/usr/bin")]) {
        // rustup's own proxies stand for a toolchain that was already looked at.
        if !folder.join("rustup").exists() {
            add(folder.join("rustc"), folder.join("cargo"));
        }
    }
    found
}

fn system_linkers() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders
        .into_iter()
        .flat_map(|folder| ["rust-lld", "wasm-ld"].map(|name| folder.join(name)))
        .filter(|path| path.exists())
}
