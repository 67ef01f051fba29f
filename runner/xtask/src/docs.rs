//! Tables that repeat code: written from the code, and checked for freshness.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, bail};
use clap::Args;
use pome_twin_kit::describe::{Description, describe};

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
    Ok(vec![
        ("twins-wasm/github/README.md", "surface", surface(&describe::<twin_github::GitHub>())),
        ("docs/variables.md", "variables", variable_rows(&variables)),
    ])
}

pub(crate) fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
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

fn surface(description: &Description) -> String {
    let mut out = String::from("| door | surface | action | fidelity | note |\n|---|---|---|---|---|\n");
    let mut row = |door: &str, name: &str, action: &str, fidelity: &str, note: Option<&str>| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "| {door} | `{name}` | `{action}` | {fidelity} | {} |", note.unwrap_or_default());
    };
    for route in &description.routes {
        let name = format!("{} {}", route.method, route.path);
        row("REST", &name, route.action, route.fidelity.name(), route.note);
    }
    for tool in &description.tools {
        row("MCP", tool.name, tool.action, tool.fidelity.name(), tool.note);
    }
    out
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
