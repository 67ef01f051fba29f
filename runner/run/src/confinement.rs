//! `--sandbox`: what one run's agent may reach and write, and which form of confinement this machine allows.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use pome_confine::Form;
use pome_confine::{Enforced, Policy, Stage};
use pome_wire::{env, files};
use serde_json::Value;
use tempfile::TempDir;

/// Chooses a form instead of trying them in order: `namespaces`, `mounts` (namespaces without Landlock) or `landlock`. For tests
/// and for finding out what a machine allows.
const FORM: &str = "POME_SANDBOX_FORM";

/// Secrets below the home folder that an agent under test has no use for: it cannot reach what they open.
const HIDDEN: [&str; 7] = [".pome", ".ssh", ".gnupg", ".netrc", ".git-credentials", ".config/gh", ".docker"];

/// Variables that programs take the place of temporary files from.
const TEMPORARY: [&str; 3] = ["TMPDIR", "TMP", "TEMP"];

/// Variables that hold the address of a model; one on this machine may be reached.
const MODELS: [&str; 3] = [env::ANTHROPIC_BASE_URL, env::OPENAI_BASE_URL, env::OPENAI_API_BASE];

/// That agents are to be confined, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sandbox {
    /// Absent: the first form that works.
    form: Option<Form>,
    landlock: bool,
}

impl Sandbox {
    /// From the environment of the runner. The error names the variable and what it may be.
    pub fn from_environment(environment: &BTreeMap<String, String>) -> Result<Self, String> {
        let (form, landlock) = match environment.get(FORM).map(String::as_str) {
            None | Some("") => (None, true),
            Some("namespaces") => (Some(Form::Namespaces), true),
            Some("mounts") => (Some(Form::Namespaces), false),
            Some("landlock") => (Some(Form::Landlock), true),
            Some(other) => {
                return Err(format!("{FORM} is `{other}`; it may be `namespaces`, `mounts` or `landlock`"));
            }
        };
        Ok(Self { form, landlock })
    }
}

/// The agent cannot be confined as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no folder for temporary files of the agent")]
    Temporary(#[source] io::Error),
    #[error("the sandbox cannot use `{}`", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error(
        "the work folder is the root of the file system, so the sandbox could not keep anything from being written"
    )]
    WholeSystem,
}

/// The confinement of one run's agent: the same for its preflight and for itself.
#[derive(Debug)]
pub(crate) struct Confinement {
    ports: Vec<u16>,
    again: Vec<String>,
    writable: Vec<PathBuf>,
    /// What the calls are judged by.
    kept: Vec<PathBuf>,
    hidden: Vec<PathBuf>,
    landlock: bool,
    /// No other form is to be tried.
    chosen: bool,
    state: Mutex<State>,
    /// Removed at the end of the run.
    temporary: TempDir,
}

#[derive(Debug)]
struct State {
    form: Form,
    refused: Option<String>,
    enforced: Option<Enforced>,
}

impl Confinement {
    /// `told` are the listeners that the agent is told of, `environment` is the agent's.
    pub(crate) fn new(
        sandbox: Sandbox,
        supervisor: &[String],
        run_dir: &Path,
        told: impl IntoIterator<Item = SocketAddr>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        let temporary = tempfile::Builder::new().prefix("pome-").tempdir().map_err(Error::Temporary)?;
        let here = std::env::current_dir().map_err(|source| Error::Folder { path: PathBuf::from("."), source })?;
        if here == Path::new("/") {
            return Err(Error::WholeSystem);
        }
        let plain = |path: &Path| path.canonicalize().map_err(|source| Error::Folder { path: path.to_owned(), source });
        let writable = [&here, run_dir, temporary.path()].into_iter().map(plain).collect::<Result<Vec<_>, _>>()?;
        let trace = plain(run_dir)?.join(files::EVENTS);
        let home = environment.get("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        let hidden = home.iter().flat_map(|home| HIDDEN.map(|name| home.join(name)));
        let hidden = hidden.filter_map(|path| path.canonicalize().ok());
        // Who works inside of such a folder means to.
        let hidden = hidden.filter(|path| !writable.iter().any(|folder| folder.starts_with(path))).collect();
        let mut ports: Vec<u16> = told.into_iter().map(|address| address.port()).collect();
        ports.extend(MODELS.iter().filter_map(|name| local_port(environment.get(*name)?)));
        ports.sort_unstable();
        ports.dedup();
        let state = State { form: sandbox.form.unwrap_or(Form::Namespaces), refused: None, enforced: None };
        Ok(Self {
            ports,
            again: supervisor.to_vec(),
            kept: vec![trace],
            writable,
            hidden,
            landlock: sandbox.landlock,
            chosen: sandbox.form.is_some(),
            state: Mutex::new(state),
            temporary,
        })
    }

    /// Points the agent to its own folder for temporary files.
    pub(crate) fn tell(&self, environment: &mut BTreeMap<String, String>) {
        for name in TEMPORARY {
            environment.insert(name.to_owned(), self.temporary.path().display().to_string());
        }
    }

    /// What the next start is to be confined by.
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            form: self.state().form,
            again: self.again.clone(),
            writable: self.writable.clone(),
            kept: self.kept.clone(),
            temporary: self.temporary.path().to_owned(),
            hidden: self.hidden.clone(),
            runner: std::process::id(),
            ports: self.ports.clone(),
            landlock: self.landlock,
        }
    }

    /// A form was refused. True: the next start tries another one.
    pub(crate) fn fall_back(&self, why: &str) -> bool {
        let mut state = self.state();
        let another = !self.chosen && state.form == Form::Namespaces && state.enforced.is_none();
        if another {
            state.form = Form::Landlock;
            state.refused = Some(why.to_owned());
        }
        another
    }

    /// What holds for an agent that was started.
    pub(crate) fn started(&self, enforced: Enforced) {
        self.state().enforced = Some(enforced);
    }

    /// What holds, as `meta.json` says it; null when nothing was started.
    pub(crate) fn document(&self) -> Value {
        self.state().enforced.as_ref().and_then(|enforced| serde_json::to_value(enforced).ok()).unwrap_or_default()
    }

    /// What the person should know about this run's confinement.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let State { refused, enforced, .. } = &*self.state();
        let mut all = Vec::new();
        if let (Some(refused), Some(_)) = (refused, enforced) {
            all.push(format!(
                "sandbox without namespaces ({refused}): the agent can reach Unix sockets, and whatever else listens on the ports it is told; see docs/sandbox.md"
            ));
        }
        all.extend(enforced.iter().flat_map(|enforced| &enforced.weaker).map(|weaker| format!("sandbox: {weaker}")));
        all
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which first stage a form has.
pub(crate) fn first_stage(form: Form) -> Stage {
    match form {
        Form::Namespaces => Stage::Enter,
        Form::Landlock => Stage::Guard,
    }
}

/// What to do where no form works.
pub(crate) const REMEDY: &str = "allow user namespaces (`sysctl kernel.unprivileged_userns_clone=1`, `sysctl kernel.apparmor_restrict_unprivileged_userns=0`; in a container `--security-opt seccomp=unconfined` or a profile that allows `unshare`) or use Linux 6.7 with Landlock; without `--sandbox` the agent runs unconfined";

fn local_port(url: &str) -> Option<u16> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, port) = authority.rsplit_once(':')?;
    pome_wire::host::is_this_machine(&pome_wire::host::normal(host)).then(|| port.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confinement(variables: &[(&str, &str)], form: Option<Form>) -> Confinement {
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let run = std::env::temp_dir();
        let told = ["127.0.0.1:41001".parse().unwrap(), "127.0.0.1:41000".parse().unwrap()];
        Confinement::new(Sandbox { form, landlock: true }, &["pome".to_owned()], &run, told, &environment).unwrap()
    }

    #[test]
    fn the_told_ports_and_models_of_this_machine_may_be_reached() {
        let variables = [
            ("OPENAI_BASE_URL", "http://localhost:11434/v1"),
            ("ANTHROPIC_BASE_URL", "https://llm.corp.example:8443"),
            ("DATABASE_URL", "http://127.0.0.1:5432"),
        ];
        assert_eq!(confinement(&variables, None).ports, [11434, 41000, 41001]);
    }

    #[test]
    fn another_form_is_tried_once_and_never_when_one_was_chosen() {
        let any = confinement(&[], None);
        assert_eq!(any.policy().form, Form::Namespaces);
        assert!(any.fall_back("not allowed"));
        assert_eq!(any.policy().form, Form::Landlock);
        assert!(!any.fall_back("neither"));
        assert!(!confinement(&[], Some(Form::Namespaces)).fall_back("not allowed"));
    }

    #[test]
    fn keys_are_hidden_unless_the_agent_works_among_them() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        std::fs::create_dir(home.join(".ssh")).unwrap();
        let text = home.display().to_string();
        assert_eq!(confinement(&[("HOME", &text)], None).hidden, [home.join(".ssh")]);
    }

    #[test]
    fn a_form_that_does_not_exist_is_refused() {
        let of = |value: &str| Sandbox::from_environment(&BTreeMap::from([(FORM.to_owned(), value.to_owned())]));
        assert_eq!(of(""), Ok(Sandbox { form: None, landlock: true }));
        assert_eq!(of("mounts"), Ok(Sandbox { form: Some(Form::Namespaces), landlock: false }));
        assert!(of("vm").unwrap_err().contains("`vm`"));
    }
}
