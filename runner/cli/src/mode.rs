//! Where a command works: on this machine or against a control plane.

use crate::environment::Environment;
use crate::render::Console;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Local,
    Hosted,
}

/// What the flags of a command say.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ModeFlags {
    pub(crate) local: bool,
    pub(crate) hosted: bool,
}

/// Flags, then `POME_LOCAL`, then the project file; hosted when nobody says anything.
pub(crate) fn resolve(flags: ModeFlags, environment: &Environment, project: Option<Mode>, console: &Console) -> Mode {
    if flags.local || environment.is_on("POME_LOCAL") {
        if flags.hosted {
            let by = if flags.local { "`--local`" } else { "`POME_LOCAL=1`" };
            console.warn(&format!("{by} is set, so `--hosted` has no effect"));
        }
        return Mode::Local;
    }
    if flags.hosted {
        if project != Some(Mode::Local) {
            console.note("`--hosted` is already the default");
        }
        return Mode::Hosted;
    }
    project.unwrap_or(Mode::Hosted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Global;

    fn mode(local: bool, hosted: bool, variable: &str, project: Option<Mode>) -> Mode {
        let environment = Environment::of([("POME_LOCAL", variable)]);
        let global = Global { api_url: None, no_color: true, quiet: true, verbose: false, json: false };
        let console = Console::new(&global, &environment);
        resolve(ModeFlags { local, hosted }, &environment, project, &console)
    }

    #[test]
    fn local_wins_then_hosted_then_the_project_then_hosted() {
        assert_eq!(mode(false, false, "", None), Mode::Hosted);
        assert_eq!(mode(false, false, "", Some(Mode::Local)), Mode::Local);
        assert_eq!(mode(false, true, "", Some(Mode::Local)), Mode::Hosted);
        assert_eq!(mode(true, true, "", None), Mode::Local);
        assert_eq!(mode(false, true, "1", None), Mode::Local);
        assert_eq!(mode(false, false, "true", None), Mode::Hosted, "only the exact value 1 counts");
    }
}
