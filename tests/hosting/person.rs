//! Somebody who uses the program.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::support::program;

/// Someone at a machine: a home and a folder to work in.
pub(crate) struct Person {
    home: tempfile::TempDir,
}

impl Person {
    pub(crate) fn new() -> Self {
        let person = Self { home: tempfile::tempdir().unwrap() };
        std::fs::create_dir(person.work()).unwrap();
        person
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.home.path().join("work")
    }

    pub(crate) fn pome(&self, variables: &[(&str, &str)], args: &[&str]) -> Output {
        Command::new(program())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.home.path())
            .env("CI", "1")
            .envs(variables.iter().copied())
            .current_dir(self.work())
            .args(args)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Runs a command that has to end with `code`; what it says on standard output and standard error.
    pub(crate) fn done(&self, code: i32, args: &[&str]) -> (String, String) {
        let output = self.pome(&[], args);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert_eq!(output.status.code(), Some(code), "{args:?}\n{stdout}\n{stderr}");
        (stdout, stderr)
    }
}
