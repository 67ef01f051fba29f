//! Compiles the built-in components ahead of time, with the engine and settings that will run them, and writes the table that
//! `src/precompiled.rs` includes. A component that is listed but not in `twins-wasm/prebuilt/` is left out; the program then says
//! that it is not built in.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::{Config, Engine};

#[path = "src/config.rs"]
mod config;
#[path = "src/embedded.rs"]
mod embedded;

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let prebuilt = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../twins-wasm/prebuilt");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/config.rs");
    println!("cargo::rerun-if-changed=src/embedded.rs");
    // Also when it does not exist yet: its first component has to be seen.
    println!("cargo::rerun-if-changed={}", prebuilt.display());

    // What every processor of the target has, not this machine's: the program may run on another one. On x86-64 that is what
    // has been there since 2009 (level v2); without it every shuffle of a vector would be a call into the host.
    let target = env::var("TARGET")?;
    let engine = |mut config: Config| {
        config.target(&target)?;
        if target.starts_with("x86_64") {
            for feature in ["has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt"] {
                // SAFETY: this only names instructions; an engine on a machine without them refuses to load the code.
                #[expect(unsafe_code, reason = "the one way to name them")]
                unsafe {
                    config.cranelift_flag_enable(feature);
                }
            }
        }
        Engine::new(&config)
    };
    let worlds = engine(config::worlds())?;
    let judges = engine(config::judges())?;
    let evaluators = engine(config::evaluators())?;

    let mut table = String::new();
    for (list, names) in [("TWINS", embedded::TWIN_NAMES), ("EVALUATORS", embedded::EVALUATOR_NAMES)] {
        let paths = names.iter().map(|name| (name, prebuilt.join(format!("{name}.wasm"))));
        let found: Vec<_> = paths.filter(|(_, path)| path.exists()).collect();
        writeln!(table, "pub(crate) static {list}: [Precompiled; {}] = [", found.len())?;
        for (name, path) in found {
            println!("cargo::rerun-if-changed={}", path.display());
            let bytes = fs::read(&path)?;
            let mut digest = String::new();
            for byte in Sha256::digest(&bytes) {
                write!(digest, "{byte:02x}")?;
            }
            // An evaluator has no worlds.
            let world_code = if list == "TWINS" { worlds.precompile_component(&bytes)? } else { Vec::new() };
            fs::write(out.join(format!("{name}.worlds.cwasm")), world_code)?;
            let judging = if list == "TWINS" { &judges } else { &evaluators };
            fs::write(out.join(format!("{name}.judges.cwasm")), judging.precompile_component(&bytes)?)?;
            writeln!(table, "    Precompiled {{")?;
            writeln!(table, "        name: {name:?},")?;
            writeln!(table, "        digest: \"sha256:{digest}\",")?;
            for purpose in ["worlds", "judges"] {
                writeln!(
                    table,
                    "        {purpose}: &Pages(*include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.{purpose}.cwasm\"))),"
                )?;
            }
            writeln!(table, "        taken: [AtomicBool::new(false), AtomicBool::new(false)],")?;
            writeln!(table, "    }},")?;
        }
        writeln!(table, "];")?;
    }
    fs::write(out.join("precompiled.rs"), table)?;
    Ok(())
}
