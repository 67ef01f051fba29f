//! A quick look at the agent's sources: does it talk to the twins, or to the vendors themselves?

use std::fs;
use std::path::{Path, PathBuf};

/// Addresses that lead past the twins.
const PRODUCTION: &[&str] = &[
    "api.github.com",
    "api.stripe.com",
    "hooks.slack.com",
    "slack.com/api",
    "gmail.googleapis.com",
    "www.googleapis.com/gmail/",
];

/// Imports of our own SDKs, which read the variables themselves.
const ADAPTERS: &[&str] = &["@pome/", "@pome-sh/", "pome_harness", "pome-harness"];

const EXTENSIONS: &[&str] = &["ts", "tsx", "js", "jsx", "mjs", "cjs", "py"];
const SKIPPED_FOLDERS: &[&str] = &["node_modules", ".git", "dist", "build", "out", "coverage", "runs", ".pome-data"];
const MOST_FILES: usize = 400;
const MOST_BYTES: u64 = 1 << 20;

/// What the look showed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Routing {
    /// How many source files were read.
    pub(crate) files: usize,
    /// Vendor addresses written into the sources, in order.
    pub(crate) production: Vec<Hit>,
    /// Whether some file reads the address of a twin, or leaves that to an SDK.
    pub(crate) wired: bool,
}

/// One vendor address in a source file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    /// Relative to the folder that was looked at.
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
    pub(crate) host: &'static str,
}

/// Looks at the sources below the folder.
pub(crate) fn scan(root: &Path) -> Routing {
    let mut files = Vec::new();
    collect(root, &mut files);
    let mut routing = Routing::default();
    for file in files {
        let Ok(bytes) = fs::read(&file) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        routing.files += 1;
        for (index, line) in text.lines().enumerate() {
            let line_text = line.trim_start();
            if is_comment(line_text) {
                continue;
            }
            if let Some(host) = PRODUCTION.iter().find(|host| line_text.contains(**host)) {
                let file = file.strip_prefix(root).unwrap_or(&file).to_path_buf();
                routing.production.push(Hit { file, line: index + 1, host });
            }
            routing.wired =
                routing.wired || reads_address(line_text) || ADAPTERS.iter().any(|name| line_text.contains(name));
        }
    }
    routing
}

/// Source files, folder by folder in order of their names, up to the limit.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<fs::DirEntry> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if files.len() == MOST_FILES {
            return;
        }
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if kind.is_dir() {
            let name = entry.file_name();
            // Virtual environments hold thousands of files that nobody here wrote.
            let foreign = path.join("pyvenv.cfg").exists();
            if !foreign && !SKIPPED_FOLDERS.iter().any(|skipped| name == *skipped) {
                collect(&path, files);
            }
        } else if kind.is_file() && is_source(&path) && entry.metadata().is_ok_and(|data| data.len() <= MOST_BYTES) {
            files.push(path);
        }
    }
}

fn is_source(path: &Path) -> bool {
    path.extension().and_then(|extension| extension.to_str()).is_some_and(|extension| EXTENSIONS.contains(&extension))
}

fn is_comment(line: &str) -> bool {
    ["//", "#", "/*", "*"].iter().any(|start| line.starts_with(start))
}

/// Whether the line names `POME_<something>_REST_URL`, `_MCP_URL` or `_API_BASE`.
fn reads_address(line: &str) -> bool {
    line.match_indices("POME_").any(|(start, prefix)| {
        let rest = line.get(start + prefix.len()..).unwrap_or_default();
        let end = rest
            .find(|character: char| !(character.is_ascii_uppercase() || character.is_ascii_digit() || character == '_'))
            .unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        ["_REST_URL", "_MCP_URL", "_API_BASE"].iter().any(|end| name.len() > end.len() && name.ends_with(end))
    })
}

#[cfg(test)]
mod tests {
    use pome_tests::folder;

    use super::*;

    #[test]
    fn a_vendor_address_is_found_with_file_and_line() {
        let project = folder(&[("src/a.ts", "// https://api.github.com\nfetch('https://api.github.com/x')\n")]);
        let hit = Hit { file: "src/a.ts".into(), line: 2, host: "api.github.com" };
        assert_eq!(scan(project.path()).production, [hit]);
    }

    #[test]
    fn foreign_folders_and_other_files_are_not_read() {
        let vendor = "x = 'https://api.stripe.com'\n";
        let project = folder(&[
            ("node_modules/a/index.js", vendor),
            ("runs/a.py", vendor),
            ("venv/pyvenv.cfg", ""),
            ("venv/lib/a.py", vendor),
            ("notes.md", vendor),
        ]);
        assert_eq!(scan(project.path()), Routing::default());
    }

    #[test]
    fn reading_an_address_or_importing_an_sdk_counts_as_wired() {
        assert!(scan(folder(&[("a.py", "os.environ['POME_GITHUB_REST_URL']\n")]).path()).wired);
        assert!(scan(folder(&[("a.ts", "import { defineHarness } from \"@pome/harness\";\n")]).path()).wired);
        assert!(!scan(folder(&[("a.py", "os.environ['POME_TASK']\n")]).path()).wired);
        assert!(!scan(folder(&[("a.py", "os.environ['POME_REST_URL']\n")]).path()).wired);
    }
}
