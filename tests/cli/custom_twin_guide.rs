//! `docs/custom-twins.md`, followed to the letter: its files are written, its commands are run, in its order.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pome_tests::root;

const PROGRAM: &str = env!("CARGO_BIN_EXE_pome");

/// The page as one shell script: blocks with `file=<name>` become files, blocks with `run` are run.
fn script(page: &str) -> String {
    let mut script = "set -eu\n".to_owned();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) else { continue };
        let block: String = lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        match info.split_once(' ') {
            Some((_, "run")) => script.push_str(&block),
            Some((_, file)) => {
                let name = file.strip_prefix("file=").unwrap_or_else(|| panic!("what is `{file}`?"));
                script.push_str(&format!("cat > {name} <<'END OF FILE'\n{block}END OF FILE\n"));
            }
            None => {}
        }
    }
    script
}

/// What makes `cargo build --target wasm32-unknown-unknown` work here: nothing, or what the page says about Debian.
fn toolchain() -> Option<Vec<(&'static str, String)>> {
    let libraries = |rustc: &str| {
        let output =
            Command::new(rustc).args(["--print", "target-libdir", "--target", "wasm32-unknown-unknown"]).output();
        output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
    };
    let path = std::env::var("PATH").unwrap();
    if libraries("rustc") {
        return Some(vec![("PATH", path)]);
    }
    let source = Path::new("/usr/lib/rustlib/src/rust/library/std/Cargo.toml");
    if source.exists() && Path::new("/usr/bin/cargo").exists() {
        return Some(vec![
            ("PATH", format!("/usr/bin:{path}")),
            ("RUSTC", "/usr/bin/rustc".to_owned()),
            ("RUSTC_BOOTSTRAP", "1".to_owned()),
            ("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort".to_owned()),
            ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker()?),
        ]);
    }
    None
}

/// Debian's linker, else the one that a toolchain of rustup has in its own folder.
fn linker() -> Option<String> {
    let said = |args: &[&str]| {
        let output = Command::new("rustc").args(args).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let host = said(&["-vV"])?.lines().find_map(|line| line.strip_prefix("host: ").map(str::to_owned))?;
    let own = format!("{}/lib/rustlib/{host}/bin/rust-lld", said(&["--print", "sysroot"])?);
    ["/usr/bin/rust-lld".to_owned(), own].into_iter().find(|path| Path::new(path).exists())
}

#[test]
fn the_guide_builds_a_twin_and_runs_an_agent_against_it() {
    let Some(toolchain) = toolchain() else {
        eprintln!(
            "NOT RUN: no compiler here builds for wasm32-unknown-unknown, so the guide to custom twins was not followed"
        );
        return;
    };
    let repository = root();
    let script = script(&fs::read_to_string(repository.join("docs/custom-twins.md")).unwrap());
    // Where a reader would be: not inside this repository, whose workspace a new package would join. What is compiled stays in a
    // fixed folder, so that it is not compiled again.
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let compiled = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("custom-twin-guide");
    fs::create_dir_all(&compiled).unwrap();
    std::os::unix::fs::symlink(&repository, folder.join("pome")).unwrap();
    // The versions that this repository has been tested with, and no look at the registry.
    let script = script.replace(
        "cd todo\n",
        &format!("cd todo\nln -s {} target\ncp {}/Cargo.lock .\n", compiled.display(), repository.display()),
    );
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &script])
        .current_dir(folder)
        .env("CARGO_NET_OFFLINE", "true")
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTUP_TOOLCHAIN")
        .envs(toolchain);
    let path = shell.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value).unwrap().to_owned();
    let bin = Path::new(PROGRAM).parent().unwrap();
    shell.env("PATH", format!("{}:{}", bin.display(), path.to_string_lossy()));
    let output = shell.output().unwrap();
    let text = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    for said in
        ["3 routes and 2 tools of the To-do list twin 0.1.0", "todo.item-is-done", "2 criteria bind", "PASS Milk"]
    {
        assert!(text.contains(said), "`{said}` is missing in\n{text}");
    }
}
