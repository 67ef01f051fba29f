//! `pome run`.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use pome_capture::Route;

use super::tag;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one switch each, as the flags are")]
pub(crate) struct Run {
    /// Scenario file or folder [default: `scenarios` of the project file, else `scenarios/`, else `tasks/`]
    pub(crate) path: Option<PathBuf>,
    /// Command that starts the agent
    #[arg(long, value_name = "COMMAND")]
    pub(crate) agent: Option<String>,
    /// File that starts the agent
    #[arg(long, value_name = "PATH")]
    pub(crate) harness: Option<PathBuf>,
    /// Repeats of each scenario [default: `runs` of the scenario, else 1]
    #[arg(short = 'n', long, visible_alias = "trials", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) runs: Option<u32>,
    /// How many runs side by side; `auto` is one per core [default: 1; trials of a hosted group: as many as the quota allows]
    #[arg(short, long, value_name = "J", value_parser = jobs)]
    pub(crate) jobs: Option<Jobs>,
    /// Seconds that one run may take [default: `timeout` of the scenario, else 60]
    #[arg(long, value_name = "SECONDS", value_parser = positive_seconds)]
    pub(crate) timeout: Option<f64>,
    /// Seed to start from: a file or a name
    #[arg(long, value_name = "NAME|PATH")]
    pub(crate) seed: Option<String>,
    /// Tag to record; repeatable
    #[arg(long = "tag", value_name = "TAG", value_parser = tag)]
    pub(crate) tags: Vec<String>,
    /// Score that a run needs to pass
    #[arg(long, value_name = "0-100", value_parser = percentage)]
    pub(crate) pass_threshold: Option<f64>,
    /// Attach to a hosted session instead of creating one
    #[arg(long, value_name = "ID")]
    pub(crate) reuse_session: Option<String>,
    /// Folder of the run folders [default: `artifacts_dir` of the project file, else `runs`]
    #[arg(long, value_name = "DIR")]
    pub(crate) artifacts_dir: Option<PathBuf>,
    /// Name of the model behind the agent, recorded
    #[arg(long, value_name = "NAME", default_value = "unknown")]
    pub(crate) agent_model: String,
    /// Version of the agent, recorded [default: `agent.version` of the project file]
    #[arg(long, value_name = "VERSION")]
    pub(crate) agent_version: Option<String>,
    /// Do not ask a model for a fix prompt
    #[arg(long)]
    pub(crate) no_fix_prompt: bool,
    /// No capture proxy (local runs)
    #[arg(long, conflicts_with_all = ["capture_llm", "route"])]
    pub(crate) no_capture: bool,
    /// End TLS to model providers in the proxy and record model, tokens, tool calls and latency
    #[arg(long)]
    pub(crate) capture_llm: bool,
    /// Answer at the vendors' own hosts with the twins (local runs); with HOST=URL send that host there instead; repeatable
    #[arg(
        long,
        value_name = "HOST=URL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        value_parser = routing
    )]
    pub(crate) route: Vec<Routing>,
    /// Confine the agent (Linux): it reaches the proxy and the twins only, and writes below its work folder and the run folder only
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Run against the control plane
    #[arg(long)]
    pub(crate) hosted: bool,
    /// Run on this machine
    #[arg(long)]
    pub(crate) local: bool,
    /// Stop when `pome doctor` finds a problem
    #[arg(long)]
    pub(crate) doctor: bool,
    /// A criterion that needs a model and has none makes the run incomplete
    #[arg(long)]
    pub(crate) require_judge: bool,
    /// Leave the hosted session open
    #[arg(long)]
    pub(crate) keep_session: bool,
}

/// One `--route`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Routing {
    /// The hosts of the run's twins.
    Twins,
    /// One host.
    Host(Route),
}

fn routing(text: &str) -> Result<Routing, String> {
    if text.is_empty() { Ok(Routing::Twins) } else { Route::parse(text).map(Routing::Host) }
}

/// Joins `--route HOST=URL` to one word. The value of that flag may be left out, so the parser would take a scenario behind it
/// for one; what is a value can be told from a path.
pub(crate) fn joined(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut out: Vec<OsString> = Vec::new();
    for word in words {
        let is_value = word.to_str().is_some_and(|word| word.contains("=http://") || word.contains("=https://"));
        match out.last_mut() {
            Some(flag) if is_value && flag == "--route" => {
                flag.push("=");
                flag.push(word);
            }
            _ => out.push(word),
        }
    }
    out
}

/// How many runs happen side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Jobs {
    Auto,
    Count(NonZeroUsize),
}

impl Jobs {
    /// The number behind the flag on this machine.
    pub(crate) fn count(self) -> NonZeroUsize {
        match self {
            Self::Auto => std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            Self::Count(count) => count,
        }
    }
}

fn jobs(text: &str) -> Result<Jobs, String> {
    if text == "auto" {
        return Ok(Jobs::Auto);
    }
    text.parse().map(Jobs::Count).map_err(|_| "expected a number from 1, or `auto`".to_owned())
}

fn positive_seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds > 0.0 => Ok(seconds),
        _ => Err("expected a positive number of seconds".to_owned()),
    }
}

fn percentage(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=100.0).contains(&value) => Ok(value),
        _ => Err("expected a number from 0 to 100".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    #[test]
    fn jobs_are_a_count_or_auto() {
        assert_eq!(jobs("auto"), Ok(Jobs::Auto));
        assert_eq!(jobs("4").map(|jobs| jobs.count().get()), Ok(4));
        assert!(jobs("0").is_err() && jobs("-1").is_err());
    }

    #[test]
    fn the_value_of_route_is_told_from_a_scenario() {
        let parsed = |line: &str| {
            let words = joined(line.split(' ').map(OsString::from));
            let Command::Run(run) = Cli::try_parse_from(words).unwrap().command else { panic!() };
            (run.route, run.path)
        };
        let to = |text: &str| Routing::Host(Route::parse(text).unwrap());
        let (a, b) = ("a.example=http://127.0.0.1:1", "b.example=https://127.0.0.1:2/x");
        let path = Some(PathBuf::from("x.md"));
        assert_eq!(parsed("pome run x.md"), (vec![], path.clone()));
        assert_eq!(parsed("pome run --route x.md"), (vec![Routing::Twins], path.clone()));
        assert_eq!(parsed("pome run x.md --route"), (vec![Routing::Twins], path.clone()));
        let line = format!("pome run --route {a} --route x.md --route={b}");
        assert_eq!(parsed(&line), (vec![to(a), Routing::Twins, to(b)], path));
        for wrong in ["--route=nonsense", "--route a=http://", "--route --no-capture", "--capture-llm --no-capture"] {
            let line = format!("pome run {wrong}");
            assert!(Cli::try_parse_from(joined(line.split(' ').map(OsString::from))).is_err(), "{wrong}");
        }
    }
}
