//! Builds the program and the benchmarks optimised, then runs them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;

/// Measures the promised figures and prints them beside their goals.
#[derive(Args)]
pub(crate) struct Options {
    /// Also write the rows as JSON to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Only these, such as `P5 P16`; others that are measured together with them are shown as well.
    only: Vec<String>,
}

pub(crate) fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = ["build", "--release", "--package", "pome", "--package", "pome-bench"];
    let built = Command::new(cargo).args(build).current_dir(root).status().context("cannot start cargo")?;
    ensure!(built.success(), "the optimised build failed");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let program = |name: &str| target.join("release").join(name);
    let mut command = Command::new(program("pome-bench"));
    command.arg(program("pome")).current_dir(root);
    if let Some(out) = &options.json {
        command.arg("--json").arg(out);
    }
    command.args(&options.only);
    ensure!(command.status().context("cannot start the benchmarks")?.success(), "the benchmarks did not finish");
    Ok(())
}
