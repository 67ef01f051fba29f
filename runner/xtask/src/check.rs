//! What a reviewer would run, in the order in which it fails fastest.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};

const STEPS: &[(&str, &[&str])] = &[
    ("formatting", &["fmt", "--all", "--check"]),
    ("component freshness", &["xtask", "components", "--check"]),
    ("generated tables", &["xtask", "docs", "--check"]),
    ("lints", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    ("documentation", &["doc", "--workspace", "--no-deps"]),
    ("tests", &["test", "--workspace"]),
];

pub(crate) fn run() -> Result<()> {
    for (what, arguments) in STEPS {
        eprintln!("== {what}: cargo {}", arguments.join(" "));
        let status = Command::new("cargo")
            .args(*arguments)
            .current_dir(crate::root())
            .env("RUSTDOCFLAGS", "-D warnings")
            .status()
            .with_context(|| format!("cannot start cargo for {what}"))?;
        ensure!(status.success(), "{what} failed");
    }
    Ok(())
}
