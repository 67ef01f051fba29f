//! Tables that repeat code: written from the code, and checked for freshness.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail, ensure};
use clap::Args;

/// Writes the generated tables.
#[derive(Args)]
pub(crate) struct Options {
    /// Only tell whether they are fresh.
    #[arg(long)]
    check: bool,
}

/// Each table: the page, its marker, its content.
fn tables(root: &Path) -> anyhow::Result<Vec<(&'static str, &'static str, String)>> {
    let variables = std::fs::read_to_string(root.join("runner/wire/src/env.rs"))?;
    Ok(vec![("docs/variables.md", "variables", variable_rows(&variables))])
}

/// The twins' pages are written by the twins' own tests, which also hold them to it.
const SURFACES: [&str; 4] = ["twin-github", "twin-stripe", "twin-slack", "twin-helpdesk"];

pub(crate) fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    if !options.check {
        let packages = SURFACES.iter().flat_map(|twin| ["--package", *twin]);
        let status = Command::new("cargo")
            .current_dir(root)
            .args(["test", "--quiet"])
            .args(packages)
            .arg("the_page_lists_what_is_modelled")
            .env("POME_UPDATE", "1")
            .status()?;
        ensure!(status.success(), "the pages of the twins were not written");
    }
    let mut stale = Vec::new();
    for (page, marker, table) in tables(root)? {
        let path = root.join(page);
        let old = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{page}`"))?;
        let new = replace(&old, marker, &table).with_context(|| format!("`{page}` has no place for `{marker}`"))?;
        if new == old {
            continue;
        }
        if options.check {
            stale.push(page);
        } else {
            std::fs::write(&path, new)?;
        }
    }
    if !stale.is_empty() {
        bail!("out of date: {}; run `cargo xtask docs`", stale.join(", "));
    }
    Ok(())
}

/// The page with the text between `<!-- begin MARKER -->` and `<!-- end MARKER -->` replaced.
fn replace(page: &str, marker: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(&format!("<!-- begin {marker} -->"))?;
    let (_, after) = rest.split_once(&format!("<!-- end {marker} -->"))?;
    Some(format!("{before}<!-- begin {marker} -->\n{table}<!-- end {marker} -->{after}"))
}

/// Doc comment and value of every constant.
fn variable_rows(source: &str) -> String {
    let mut out = String::from("| variable | meaning |\n|---|---|\n");
    let mut meaning = Vec::new();
    for line in source.lines() {
        if let Some(text) = line.strip_prefix("/// ") {
            meaning.push(text.replace('|', "\\|"));
        } else if let Some(rest) = line.strip_prefix("pub const ") {
            if let Some((_, value)) = rest.split_once("&str = \"") {
                let value = value.trim_end_matches("\";");
                let _ = writeln!(out, "| `{value}` | {} |", meaning.join(" "));
            }
            meaning.clear();
        } else {
            meaning.clear();
        }
    }
    out
}
