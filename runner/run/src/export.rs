//! A run folder as one archive. The same run gives the same bytes.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use pome_wire::meta::MetaView;
use pome_wire::redact::Redactor;
use pome_wire::score::Score;
use pome_wire::verdict::Reading;
use pome_wire::{files, time};
use serde_json::{Map, Value, json};

use crate::artifacts::{Error, Temporary, call_of, pretty, redacted_line};

/// A run folder, ready to be packed.
#[derive(Debug)]
pub struct Archive {
    /// Names and contents, in the order of the archive.
    members: Vec<(String, Vec<u8>)>,
    /// `<run id>.tar.gz`
    pub file_name: String,
    /// What was made up for, for the user.
    pub warnings: Vec<String>,
}

impl Archive {
    /// Collects the five members of a run; with `all`, everything else that is there. Members that older runs lack are
    /// derived from what they have.
    pub fn of(dir: &Path, all: bool) -> Result<Self, Error> {
        let folder = Folder { dir, redactor: Redactor::default() };
        let mut warnings = Vec::new();
        let meta = folder.meta()?;
        let run_id = meta.get("run_id").and_then(Value::as_str).map(str::to_owned);
        let run_id = run_id.or_else(|| Some(fs::canonicalize(dir).ok()?.file_name()?.to_string_lossy().into_owned()));
        let mut members = vec![
            (files::META, folder.meta_bytes(meta)?),
            (files::TOOL_CALLS, folder.tool_calls()?),
            (files::STATE_INITIAL, folder.state(files::STATE_INITIAL, files::LEGACY_STATE_INITIAL)?),
            (files::STATE_FINAL, folder.state(files::STATE_FINAL, files::LEGACY_STATE_FINAL)?),
            (files::SCORE, folder.score(&mut warnings)?),
        ]
        .into_iter()
        .map(|(name, bytes)| (name.to_owned(), bytes))
        .collect::<Vec<_>>();
        if all {
            folder.others(&mut members)?;
        }
        let file_name = format!("{}.tar.gz", run_id.unwrap_or_else(|| "run".to_owned()));
        Ok(Self { members, file_name, warnings })
    }

    /// Names of the members, in order.
    pub fn member_names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| name.as_str())
    }

    /// Writes the archive.
    pub fn write(&self, out: impl Write) -> io::Result<()> {
        let gzip = GzBuilder::new().mtime(0).operating_system(255).write(out, Compression::new(6));
        let mut tar = tar::Builder::new(gzip);
        for (name, bytes) in &self.members {
            let mut header = tar::Header::new_ustar();
            header.set_path(name)?;
            header.set_mode(0o644);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            header.set_entry_type(tar::EntryType::Regular);
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            tar.append(&header, bytes.as_slice())?;
        }
        tar.into_inner()?.finish()?.flush()
    }

    /// Writes the archive to a file, replacing an older one at once.
    pub fn write_file(&self, path: &Path) -> Result<(), Error> {
        let mut bytes = Vec::new();
        self.write(&mut bytes).map_err(Error::write(path))?;
        let mut temporary = Temporary::beside(path)?;
        temporary.write(&bytes)?;
        temporary.commit()
    }
}

struct Folder<'a> {
    dir: &'a Path,
    redactor: Redactor,
}

impl Folder<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A file of the folder; links are not followed, a link counts as missing.
    fn text(&self, name: &str) -> Result<Option<String>, Error> {
        let path = self.path(name);
        match fs::symlink_metadata(&path) {
            Ok(data) if data.is_file() => {
                let bytes = fs::read(&path).map_err(Error::read(&path))?;
                Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
            }
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::read(&path)(error)),
        }
    }

    fn json(&self, name: &str) -> Result<Option<Value>, Error> {
        let parsed = self.text(name)?.map(|text| serde_json::from_str(&text)).transpose();
        parsed.map_err(|error| Error::corrupt(&self.path(name), error))
    }

    fn missing(&self, member: &'static str) -> Error {
        Error::MissingMember { dir: self.dir.to_owned(), member }
    }

    /// The file as it goes into the archive: redacted once more, which changes nothing for our own files.
    fn packed(&self, name: &str, text: &str) -> Vec<u8> {
        let has_lines = Path::new(name).extension().is_some_and(|extension| extension == "jsonl");
        if has_lines {
            return text
                .split_inclusive('\n')
                .flat_map(|line| redacted_line(line, &self.redactor).into_bytes())
                .collect();
        }
        redacted_line(text, &self.redactor).into_bytes()
    }

    fn meta(&self) -> Result<Map<String, Value>, Error> {
        let path = self.path(files::META);
        let value = self.json(files::META)?.ok_or_else(|| self.missing(files::META))?;
        let view = MetaView::read(value).map_err(|error| Error::corrupt(&path, error))?;
        let mut meta = view.raw;
        let mut fill = |key: &str, value: Value| {
            if !meta.contains_key(key) {
                meta.insert(key.to_owned(), value);
            }
        };
        if let Some(scenario) = view.scenario {
            fill("scenario", scenario.into());
        }
        let took = || Some(time::parse(view.completed_at.as_deref()?)? - time::parse(view.started_at.as_deref()?)?);
        fill("duration_ms", took().map_or(Value::Null, |took| took.max(0).into()));
        fill("agent_model", "unknown".into());
        if !meta.contains_key("satisfaction_score") {
            let score = self.scored()?.map_or(Value::Null, |score| score.satisfaction.into());
            meta.insert("satisfaction_score".to_owned(), score);
        }
        Ok(meta)
    }

    /// The bytes on disk unless something had to be filled in.
    fn meta_bytes(&self, meta: Map<String, Value>) -> Result<Vec<u8>, Error> {
        let text = self.text(files::META)?.unwrap_or_default();
        let value = Value::Object(meta);
        let unchanged = serde_json::from_str::<Value>(&text).is_ok_and(|written| written == value);
        let text = if unchanged { text } else { pretty(&value, &self.path(files::META))? };
        Ok(self.packed(files::META, &text))
    }

    fn tool_calls(&self) -> Result<Vec<u8>, Error> {
        if let Some(text) = self.text(files::TOOL_CALLS)? {
            // One early writer wrote a lone newline where nothing was called.
            let text = if text.trim().is_empty() { "" } else { &text };
            return Ok(self.packed(files::TOOL_CALLS, text));
        }
        let events = self.text(files::EVENTS)?.ok_or_else(|| self.missing(files::TOOL_CALLS))?;
        let rows = events.lines().filter_map(call_of).map(|row| format!("{}\n", Value::Object(row)));
        Ok(self.packed(files::TOOL_CALLS, &rows.collect::<String>()))
    }

    fn state(&self, name: &'static str, legacy: &str) -> Result<Vec<u8>, Error> {
        let text = match self.text(name)? {
            Some(text) => Some(text),
            None => self.text(legacy)?,
        };
        Ok(self.packed(name, &text.ok_or_else(|| self.missing(name))?))
    }

    /// The score of the run, from whichever file has it.
    fn scored(&self) -> Result<Option<Score>, Error> {
        if let Some(value) = self.json(files::SCORE)? {
            let score = Score::read(value).map_err(|error| Error::corrupt(&self.path(files::SCORE), error))?;
            return Ok(Some(score));
        }
        Ok(self.text(files::VERDICT)?.and_then(|text| match Reading::of(text.as_bytes()) {
            Reading::Ok(verdict) => Some(Score {
                counts: verdict.counts,
                status: verdict.state,
                satisfaction: verdict.score,
                pass_threshold: verdict.pass_threshold,
                results: verdict.criteria_results,
                source: verdict.source,
            }),
            Reading::StaleVersion(_) | Reading::Unreadable(_) => None,
        }))
    }

    fn score(&self, warnings: &mut Vec<String>) -> Result<Vec<u8>, Error> {
        if let Some(text) = self.text(files::SCORE)? {
            return Ok(self.packed(files::SCORE, &text));
        }
        let path = self.path(files::SCORE);
        let value = if let Some(score) = self.scored()? {
            serde_json::to_value(score).map_err(|error| Error::corrupt(&path, error))?
        } else {
            warnings.push("the run was never scored".to_owned());
            json!({"version": 1, "status": "not_scored", "results": []})
        };
        Ok(self.packed(files::SCORE, &pretty(&value, &path)?))
    }

    fn others(&self, members: &mut Vec<(String, Vec<u8>)>) -> Result<(), Error> {
        let mut names: Vec<String> =
            [files::EVENTS, files::VERDICT, files::SIGNALS, files::EGRESS, files::STDOUT, files::STDERR]
                .map(str::to_owned)
                .into();
        for prefix in ["state_initial.", "state_final."] {
            let mut states = Vec::new();
            for entry in fs::read_dir(self.dir).map_err(Error::read(self.dir))? {
                let name = entry.map_err(Error::read(self.dir))?.file_name().to_string_lossy().into_owned();
                let twin = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(".json"));
                if twin.is_some_and(|twin| !twin.is_empty() && !twin.contains('.')) {
                    states.push(name);
                }
            }
            states.sort_unstable();
            names.append(&mut states);
        }
        names.push(files::FIX_PROMPT.to_owned());
        for name in names {
            if let Some(text) = self.text(&name)? {
                let bytes = self.packed(&name, &text);
                members.push((name, bytes));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use pome_tests::folder;

    use super::*;
    use crate::samples;

    const TS: &str = "2026-05-01T10:00:01.000Z";

    fn unpack(archive: &Archive) -> Vec<(String, String)> {
        let mut bytes = Vec::new();
        archive.write(&mut bytes).unwrap();
        assert_eq!(bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], "gzip header");
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        let read = |entry: io::Result<tar::Entry<'_, _>>| {
            let mut entry = entry.unwrap();
            let header = entry.header().clone();
            assert_eq!((header.mode().unwrap(), header.uid().unwrap(), header.mtime().unwrap()), (0o644, 0, 0));
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            (entry.path().unwrap().to_string_lossy().into_owned(), text)
        };
        tar.entries().unwrap().map(read).collect()
    }

    #[test]
    fn five_members_at_the_root_and_the_same_bytes_twice() {
        let call = samples::call("req_1", TS, None);
        let row = Value::Object(call_of(&call).unwrap()).to_string();
        let meta = r#"{"run_id":"run_1","scenario":"x","duration_ms":1,"agent_model":"m","satisfaction_score":100}"#;
        let dir = folder(&[
            ("meta.json", meta),
            ("events.jsonl", &call),
            ("tool_calls.jsonl", &format!("{row}\n")),
            ("state_initial.json", "{\"a\":1}\n"),
            ("state_final.json", "{\"a\":2}\n"),
            ("score.json", "{\"results\":[]}\n"),
            ("stdout.txt", "password ghp_abcdefghijklmnopqrstuvwxyz0123456789\n"),
            ("state_final.slack.json", "{}"),
            ("state_final.other.json.bak", "{}"),
        ]);
        let archive = Archive::of(dir.path(), false).unwrap();
        assert_eq!(archive.file_name, "run_1.tar.gz");
        let members = unpack(&archive);
        let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["meta.json", "tool_calls.jsonl", "state_initial.json", "state_final.json", "score.json"]);
        assert_eq!((members[0].1.as_str(), members[1].1.trim_end()), (meta, row.as_str()));
        assert!(!row.contains("TwinHttpEvent"));

        let (first, second) = (dir.path().join("one.tar.gz"), dir.path().join("two.tar.gz"));
        archive.write_file(&first).unwrap();
        Archive::of(dir.path(), false).unwrap().write_file(&second).unwrap();
        assert_eq!(fs::read(first).unwrap(), fs::read(second).unwrap());

        let everything = unpack(&Archive::of(dir.path(), true).unwrap());
        let names: Vec<&str> = everything[5..].iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["events.jsonl", "stdout.txt", "state_final.slack.json"]);
        assert_eq!(everything[6].1, "password [REDACTED]\n");
    }

    #[test]
    fn a_run_of_another_producer_exports_with_derived_members() {
        let verdict = json!({"version": 2, "source": "cloud-finalize", "task_name": "x", "task_path": "x.md",
            "group_id": null, "session_id": "ses_1", "score": 50, "pass_threshold": 100, "state": "fail",
            "passed": false, "finalized_at": TS,
            "criteria_results": [
                {"criterion": {"type": "code", "text": "a"}, "passed": true, "skipped": false, "reason": "r"},
                {"criterion": {"type": "code", "text": "b"}, "passed": false, "skipped": false, "reason": "s"}]});
        let meta =
            json!({"run_id": "ses_1", "scenario": "x", "started_at": TS, "completed_at": "2026-05-01T10:00:03.500Z"});
        let events = format!("{}\n{}\n", samples::tool_use("e", TS, "t"), samples::call("req_1", TS, None));
        let dir = folder(&[
            ("meta.json", &meta.to_string()),
            ("events.jsonl", &events),
            ("state-before.json", "{}"),
            ("state_final.json", "{}"),
            ("verdict.json", &verdict.to_string()),
        ]);
        let archive = Archive::of(dir.path(), false).unwrap();
        assert!(archive.warnings.is_empty());
        let members = unpack(&archive);
        let read = |index: usize| serde_json::from_str::<Value>(&members[index].1).unwrap();
        let meta = read(0);
        assert_eq!(
            (&meta["duration_ms"], &meta["agent_model"], &meta["satisfaction_score"]),
            (&json!(2500), &json!("unknown"), &json!(50))
        );
        let row = read(1);
        assert_eq!((row.get("kind"), row["request_id"].as_str()), (None, Some("req_1")));
        let score = read(4);
        assert_eq!(
            (&score["satisfaction"], &score["failed"], &score["source"], &score["results"][1]["outcome"]),
            (&json!(50), &json!(1), &json!("cloud-finalize"), &json!("failed"))
        );
    }

    #[test]
    fn what_cannot_be_derived_is_an_error_and_an_unscored_run_a_warning() {
        let dir = folder(&[("meta.json", "{}"), ("state_initial.json", "{}"), ("events.jsonl", "")]);
        let error = Archive::of(dir.path(), false).unwrap_err();
        assert!(matches!(error, Error::MissingMember { member: "state_final.json", .. }), "{error}");
        fs::write(dir.path().join("state_final.json"), "{}").unwrap();
        let archive = Archive::of(dir.path(), false).unwrap();
        assert_eq!(archive.warnings, ["the run was never scored"]);
        let members = unpack(&archive);
        assert_eq!(serde_json::from_str::<Value>(&members[4].1).unwrap()["status"], "not_scored");
        assert_eq!(members[1].1, "");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let dir = folder(&[("meta.json", "{}"), ("events.jsonl", ""), ("state_initial.json", "{}"), ("secret", "{}")]);
        std::os::unix::fs::symlink(dir.path().join("secret"), dir.path().join("state_final.json")).unwrap();
        let error = Archive::of(dir.path(), false).unwrap_err();
        assert!(matches!(error, Error::MissingMember { member: "state_final.json", .. }), "{error}");
    }
}
