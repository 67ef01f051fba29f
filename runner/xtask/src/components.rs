//! Builds the guests as components and keeps `manifest.toml` beside them.
//!
//! A component's bytes depend on the compiler and on its sources, not on the machine: paths are remapped, and the profile is fixed
//! in the root manifest. `--check` needs no wasm toolchain: it compares the digest of the sources and of the file with the manifest.

mod manifest;
mod sources;
mod toolchain;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use wit_component::ComponentEncoder;

use manifest::{Entry, Manifest};
use toolchain::Toolchain;

/// The version of the worlds in `wit/`.
const WORLD: &str = "0.1.0";

/// Arguments of `cargo xtask components`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only tells whether the committed files are fresh.
    #[arg(long)]
    check: bool,
    /// Builds even what is fresh.
    #[arg(long)]
    force: bool,
    /// Which components; all when none is named.
    names: Vec<String>,
}

/// A crate that becomes a component.
pub(crate) struct Guest {
    /// Name of the file.
    name: &'static str,
    package: &'static str,
    /// Folder of the crate.
    folder: &'static str,
    /// Folder of the component and its manifest.
    prebuilt: &'static str,
}

const GUESTS: &[Guest] = &[
    Guest { name: "github", package: "twin-github", folder: "twins-wasm/github", prebuilt: "twins-wasm/prebuilt" },
    Guest { name: "stripe", package: "twin-stripe", folder: "twins-wasm/stripe", prebuilt: "twins-wasm/prebuilt" },
    Guest { name: "slack", package: "twin-slack", folder: "twins-wasm/slack", prebuilt: "twins-wasm/prebuilt" },
    Guest { name: "cel", package: "pome-evaluator", folder: "twins-wasm/evaluator", prebuilt: "twins-wasm/prebuilt" },
    Guest {
        name: "hostile",
        package: "guest-hostile",
        folder: "tests/guests/hostile",
        prebuilt: "tests/guests/prebuilt",
    },
    Guest {
        name: "hostile-evaluator",
        package: "guest-hostile-evaluator",
        folder: "tests/guests/hostile-evaluator",
        prebuilt: "tests/guests/prebuilt",
    },
    Guest {
        name: "budget",
        package: "evaluator-budget",
        folder: "examples/evaluators/rust",
        prebuilt: "tests/guests/prebuilt",
    },
    Guest {
        name: "helpdesk",
        package: "twin-helpdesk",
        folder: "examples/twin-helpdesk",
        prebuilt: "examples/twin-helpdesk/prebuilt",
    },
];

pub(crate) fn run(options: &Options) -> Result<()> {
    let root = crate::root();
    let guests = chosen(&root, &options.names)?;
    let mut stale = Vec::new();
    let mut toolchain = None;
    for guest in guests {
        let sources = sources::digest(&root, guest)?;
        let freshness = freshness(&root, guest, &sources)?;
        match freshness {
            Ok(()) if !options.force => println!("{}: fresh", guest.name),
            _ if options.check => {
                let why = freshness.err().unwrap_or_else(|| "asked for with --force".to_owned());
                println!("{}: stale, {why}", guest.name);
                stale.push(guest.name);
            }
            _ => {
                let toolchain = match &toolchain {
                    Some(found) => found,
                    None => toolchain.insert(Toolchain::find()?),
                };
                build(&root, guest, sources, toolchain)?;
            }
        }
    }
    ensure!(stale.is_empty(), "stale components: {}; run `cargo xtask components`", stale.join(", "));
    Ok(())
}

fn chosen(root: &Path, names: &[String]) -> Result<Vec<&'static Guest>> {
    let present = |guest: &&Guest| root.join(guest.folder).join("Cargo.toml").exists();
    if names.is_empty() {
        return Ok(GUESTS.iter().filter(present).collect());
    }
    names
        .iter()
        .map(|name| {
            GUESTS
                .iter()
                .filter(present)
                .find(|guest| guest.name == name)
                .with_context(|| format!("no guest is called `{name}`"))
        })
        .collect()
}

/// Whether the committed component is what its sources say. The inner error is the reason why not.
fn freshness(root: &Path, guest: &Guest, sources: &str) -> Result<Result<(), String>> {
    let manifest = Manifest::read(&root.join(guest.prebuilt))?;
    let Some(entry) = manifest.get(guest.name) else {
        return Ok(Err("never built".to_owned()));
    };
    if entry.world != WORLD {
        return Ok(Err(format!("built for world {}", entry.world)));
    }
    if entry.sources != sources {
        return Ok(Err("its sources have changed".to_owned()));
    }
    let file = file(root, guest);
    match fs::read(&file) {
        Ok(bytes) if sources::sha256(&bytes) == entry.digest => Ok(Ok(())),
        Ok(_) => Ok(Err("the file is not the one in the manifest".to_owned())),
        Err(_) => Ok(Err("the file is missing".to_owned())),
    }
}

fn file(root: &Path, guest: &Guest) -> PathBuf {
    root.join(guest.prebuilt).join(format!("{}.wasm", guest.name))
}

fn build(root: &Path, guest: &Guest, sources: String, toolchain: &Toolchain) -> Result<()> {
    eprintln!("{}: building with {}", guest.name, toolchain.description);
    let target = root.join("target/components");
    let mut cargo = toolchain.cargo();
    cargo
        .current_dir(root)
        .args(["rustc", "--locked", "--lib", "--crate-type", "cdylib", "--profile", "component"])
        .args(["--features", "component", "--target", "wasm32-unknown-unknown"])
        .args(["--package", guest.package])
        .args(&toolchain.arguments)
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_ENCODED_RUSTFLAGS", flags(root, toolchain).join("\u{1f}"))
        .env_remove("RUSTFLAGS");
    ensure!(cargo.status().context("cannot start cargo")?.success(), "`{}` does not build", guest.package);

    let module =
        target.join("wasm32-unknown-unknown/component").join(format!("{}.wasm", guest.package.replace('-', "_")));
    let module = fs::read(&module).with_context(|| format!("cannot read `{}`", module.display()))?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(ComponentEncoder::encode)
        .with_context(|| format!("`{}` is not a component", guest.package))?;

    let folder = root.join(guest.prebuilt);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    let path = file(root, guest);
    fs::write(&path, &component).with_context(|| format!("cannot write `{}`", path.display()))?;
    let mut manifest = Manifest::read(&folder)?;
    manifest.put(Entry {
        name: guest.name.to_owned(),
        world: WORLD.to_owned(),
        sources,
        digest: sources::sha256(&component),
        size: component.len(),
        toolchain: toolchain.description.clone(),
    });
    manifest.write(&folder)?;
    println!("{}: {} bytes", guest.name, component.len());
    Ok(())
}

/// Flags for the compiler. Paths that could end up in a panic message are mapped to neutral ones.
fn flags(root: &Path, toolchain: &Toolchain) -> Vec<String> {
    let mut flags = Vec::new();
    let mut remap = |from: &Path, to: &str| flags.push(format!("--remap-path-prefix={}={to}", from.display()));
    remap(root, "pome");
    if let Some(home) = cargo_home() {
        // One folder a registry, named after its address.
        let registries = fs::read_dir(home.join("registry/src")).into_iter().flatten().flatten();
        for registry in registries {
            remap(&registry.path(), "crates");
        }
    }
    remap(&toolchain.sysroot.join("lib/rustlib/src/rust"), "rust");
    // Vectors of a fixed width are the same on every host, unlike the relaxed ones.
    flags.push("-Ctarget-feature=+simd128".to_owned());
    if let Some(linker) = &toolchain.linker {
        flags.push(format!("-Clinker={}", linker.display()));
    }
    flags
}

fn cargo_home() -> Option<PathBuf> {
    std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")))
}

/// What a program prints, or nothing when it cannot be run.
fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned())
}

/// Stops with what to install.
fn no_toolchain() -> Result<Toolchain> {
    bail!(
        "no toolchain can build for wasm32-unknown-unknown\n\
         hint: with rustup: `rustup target add wasm32-unknown-unknown`\n\
         hint: on Debian: `apt-get install rustc-web cargo-web rust-web-src lld`"
    )
}
