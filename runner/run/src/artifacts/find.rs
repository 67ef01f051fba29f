//! Finding a run again: by id, by folder, or as the last one.

use std::fs;
use std::path::{Path, PathBuf};

use pome_wire::files;
use pome_wire::latest::Latest;
use serde_json::Value;

use super::Error;
use super::disk::{pretty, read_json, write_atomically};

/// Records a run as the last one.
pub fn write_latest(artifacts: &Path, latest: &Latest) -> Result<(), Error> {
    let path = artifacts.join(files::LATEST);
    let value = serde_json::to_value(latest).map_err(|error| Error::corrupt(&path, error))?;
    write_atomically(&path, pretty(&value, &path)?.as_bytes())
}

/// Finds a run: `latest`, a run folder, or a run id.
pub fn find_run(target: &str, artifacts: &Path) -> Result<PathBuf, Error> {
    let not_found = || Error::NotFound { target: target.to_owned(), artifacts: artifacts.to_owned() };
    if target == "latest" {
        return latest_run(artifacts)?.ok_or_else(not_found);
    }
    if Path::new(target).is_dir() {
        return Ok(PathBuf::from(target));
    }
    let is_name = !target.is_empty() && !target.contains(['/', '\\']) && target != ".." && target != ".";
    let found =
        run_folders(artifacts).into_iter().find(|dir| is_name && dir.file_name().is_some_and(|name| name == target));
    found.ok_or_else(not_found)
}

fn latest_run(artifacts: &Path) -> Result<Option<PathBuf>, Error> {
    let path = artifacts.join(files::LATEST);
    if let Some(value) = read_json(&path)? {
        let latest = Latest::read(value).map_err(|error| Error::corrupt(&path, error))?;
        let dir = PathBuf::from(latest.run_dir);
        if dir.is_dir() {
            return Ok(Some(dir));
        }
        // Written relative to another working directory, or the whole folder has moved.
        if let (Some(run), Some(slug)) = (dir.file_name(), dir.parent().and_then(Path::file_name)) {
            let moved = artifacts.join(slug).join(run);
            if moved.is_dir() {
                return Ok(Some(moved));
            }
        }
    }
    let started = |dir: &PathBuf| {
        let meta = read_json(&dir.join(files::META)).ok()??;
        meta.get("started_at").and_then(Value::as_str).map(str::to_owned)
    };
    let newest = run_folders(artifacts).into_iter().filter_map(|dir| Some((started(&dir)?, dir))).max();
    Ok(newest.map(|(_, dir)| dir))
}

/// Every `<artifacts>/*/*/`, sorted.
pub(crate) fn run_folders(artifacts: &Path) -> Vec<PathBuf> {
    let folders = |dir: &Path| {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut found: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
        found.sort_unstable();
        found
    };
    folders(artifacts).iter().flat_map(|slug| folders(slug)).collect()
}

#[cfg(test)]
mod tests {
    use pome_wire::Exit;
    use pome_wire::redact::Redactor;
    use serde_json::json;

    use super::*;
    use crate::artifacts::RunFolder;

    #[test]
    fn a_run_is_found_by_id_by_folder_and_as_the_latest() {
        let root = tempfile::tempdir().unwrap();
        let find = |target: &str| find_run(target, root.path());
        assert_eq!(find("latest").unwrap_err().exit(), Exit::Usage);
        for (id, second) in [("run_1", 5), ("run_2", 9), ("run_3", 7)] {
            let folder = RunFolder::create(root.path(), "close", id, Redactor::default()).unwrap();
            let started = format!("2026-05-01T10:00:0{second}.000Z");
            folder.write_json(files::META, &json!({"started_at": started})).unwrap();
        }
        let dir = |id: &str| root.path().join("close").join(id);
        assert_eq!(find("run_3").unwrap(), dir("run_3"));
        assert_eq!(find(&dir("run_3").display().to_string()).unwrap(), dir("run_3"));
        assert_eq!(find("latest").unwrap(), dir("run_2"));
        let latest = |run_dir: &str| Latest {
            run_id: "run_1".to_owned(),
            scenario: "close".to_owned(),
            run_dir: run_dir.to_owned(),
        };
        write_latest(root.path(), &latest("elsewhere/close/run_1")).unwrap();
        assert_eq!(find("latest").unwrap(), dir("run_1"));
        fs::write(root.path().join(files::LATEST), "{").unwrap();
        assert!(matches!(find("latest"), Err(Error::Corrupt { .. })));
        assert_eq!(find("../close").unwrap_err().exit(), Exit::Usage);
        assert_eq!(find("run_9").unwrap_err().to_string(), format!("no run `run_9` in `{}`", root.path().display()));
    }
}
