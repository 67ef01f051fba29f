//! Makes an agent trust the certificate authority of its run, for as long as the agent runs.
//!
//! Programs look for roots in many places. Most replace their list by the file that a variable names, so that file holds the roots
//! of the system as well; Node and Deno add to theirs. Two hooks close the gaps that variables leave: Node does not use a proxy by
//! itself, and some Python libraries bring roots of their own.
//!
//! All files are in one folder below the run's and are removed with the guard. The authority's key is never written.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use pome_capture::Inspection;
use pome_wire::{env, files};

/// Sends Node's requests through the proxy.
const NODE_HOOK: &str = include_str!("../../../harness-sdk-ts/src/proxy-hook.mjs");
/// Lets Python libraries with roots of their own trust the run as well.
const PYTHON_HOOK: &str = include_str!("trust/sitecustomize.py");

/// What is on disk now, for an end that runs no destructor.
static WRITTEN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes its folder when it is dropped.
#[derive(Debug)]
pub(crate) struct Trust {
    folder: PathBuf,
}

impl Trust {
    /// Writes the files below the run folder (absolute) and names them in the agent's environment. Roots that the environment
    /// names already stay trusted.
    pub(crate) fn install(
        run: &Path,
        inspection: &Inspection,
        environment: &mut BTreeMap<String, String>,
    ) -> io::Result<Self> {
        let folder = run.join(files::CAPTURE);
        lock().push(folder.clone());
        let trust = Self { folder };
        let python = trust.folder.join("python");
        fs::create_dir_all(&python)?;
        let (all, more) = (trust.folder.join("roots.pem"), trust.folder.join("authority.pem"));
        let (certificate, system) = (inspection.certificate(), inspection.system_roots());
        let known = |names: &[&str]| {
            let mut paths: Vec<&String> = names.iter().filter_map(|name| environment.get(*name)).collect();
            paths.sort_unstable();
            paths.dedup();
            // A file that cannot be read is of no use to the agent either.
            paths.into_iter().filter_map(|path| fs::read_to_string(path).ok()).collect::<Vec<_>>().join("\n")
        };
        let (known_all, known_more) = (known(&env::ALL_ROOTS), known(&env::MORE_ROOTS));
        fs::write(&all, [certificate.as_str(), &system, &known_all].join("\n"))?;
        fs::write(&more, [certificate.as_str(), &known_more].join("\n"))?;
        let hook = trust.folder.join("proxy-hook.mjs");
        fs::write(&hook, NODE_HOOK)?;
        fs::write(python.join("sitecustomize.py"), PYTHON_HOOK)?;

        for (names, file) in [(env::ALL_ROOTS.as_slice(), &all), (env::MORE_ROOTS.as_slice(), &more)] {
            for name in names {
                environment.insert((*name).to_owned(), file.display().to_string());
            }
        }
        let before = environment.get(env::NODE_OPTIONS).map(|set| format!("{set} ")).unwrap_or_default();
        environment.insert(env::NODE_OPTIONS.to_owned(), format!("{before}--import={}", file_url(&hook)));
        let behind = environment.get(env::PYTHONPATH).map(|set| format!(":{set}")).unwrap_or_default();
        environment.insert(env::PYTHONPATH.to_owned(), format!("{}{behind}", python.display()));
        Ok(trust)
    }
}

impl Drop for Trust {
    fn drop(&mut self) {
        // What cannot be removed is a certificate whose key is gone.
        let _ = fs::remove_dir_all(&self.folder);
        lock().retain(|folder| *folder != self.folder);
    }
}

/// Removes what guards would remove, when the process is about to end without them.
pub(crate) fn remove_all() {
    for folder in lock().drain(..) {
        let _ = fs::remove_dir_all(folder);
    }
}

fn lock() -> std::sync::MutexGuard<'static, Vec<PathBuf>> {
    WRITTEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `file:///...` with everything escaped that means something in an address or in a list of options.
fn file_url(path: &Path) -> String {
    let mut url = "file://".to_owned();
    for byte in path.to_string_lossy().bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inspection() -> Inspection {
        let mut hosts = pome_capture::Hosts::default();
        hosts.add("api.openai.com");
        Inspection::new(Some(hosts), Vec::new(), pome_capture::Roots::of_system().unwrap()).unwrap()
    }

    #[test]
    fn what_the_user_set_stays_and_everything_is_removed() {
        let run = tempfile::tempdir().unwrap();
        let own = run.path().join("own.pem");
        fs::write(&own, "OWN ROOT").unwrap();
        let mut environment = BTreeMap::from([
            ("NODE_OPTIONS".to_owned(), "--max-old-space-size=64".to_owned()),
            ("PYTHONPATH".to_owned(), "/mine".to_owned()),
            ("REQUESTS_CA_BUNDLE".to_owned(), own.display().to_string()),
        ]);
        let inspection = inspection();
        let trust = Trust::install(run.path(), &inspection, &mut environment).unwrap();
        let folder = run.path().join(".capture");
        let at = |name: &str| folder.join(name).display().to_string();
        for name in env::ALL_ROOTS {
            assert_eq!(environment[name], at("roots.pem"), "{name}");
        }
        for name in env::MORE_ROOTS {
            assert_eq!(environment[name], at("authority.pem"), "{name}");
        }
        let hook = file_url(&folder.join("proxy-hook.mjs"));
        assert_eq!(environment["NODE_OPTIONS"], format!("--max-old-space-size=64 --import={hook}"));
        assert_eq!(environment["PYTHONPATH"], format!("{}:/mine", at("python")));
        let roots = fs::read_to_string(folder.join("roots.pem")).unwrap();
        assert!(roots.starts_with(&inspection.certificate()) && roots.ends_with("OWN ROOT"), "{roots}");
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let text = if path.is_file() { fs::read_to_string(path).unwrap() } else { String::new() };
            assert!(!text.contains("PRIVATE KEY"), "no key is written");
        }
        drop(trust);
        assert!(!folder.exists());
    }

    #[test]
    fn an_end_without_destructors_removes_it_as_well() {
        let run = tempfile::tempdir().unwrap();
        let trust = Trust::install(run.path(), &inspection(), &mut BTreeMap::new()).unwrap();
        std::mem::forget(trust);
        remove_all();
        assert!(!run.path().join(".capture").exists());
    }

    #[test]
    fn paths_become_addresses_without_blanks() {
        assert_eq!(file_url(Path::new("/a b/%ü.mjs")), "file:///a%20b/%25%C3%BC.mjs");
    }
}
