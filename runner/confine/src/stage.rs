//! How a program that was started again knows which stage it is.

use crate::policy::{Policy, Refused};

/// What no agent is called.
const WORD: &str = "--pome-confine";

/// What a process that was started again is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Makes the namespaces and waits for their end: [`crate::enter`].
    Enter,
    /// Process 1 inside: [`crate::prepare`], then supervise.
    Init,
    /// Supervise, without namespaces.
    Guard,
    /// Becomes the agent: [`crate::become_agent`].
    Exec,
}

impl Stage {
    const ALL: [Self; 4] = [Self::Enter, Self::Init, Self::Guard, Self::Exec];

    fn name(self) -> &'static str {
        match self {
            Self::Enter => "enter",
            Self::Init => "init",
            Self::Guard => "guard",
            Self::Exec => "exec",
        }
    }
}

/// What a stage was started with.
#[derive(Debug)]
pub struct Called<'a> {
    /// Which one it is.
    pub stage: Stage,
    /// What holds for the agent.
    pub policy: Policy,
    /// Its program and arguments.
    pub agent: &'a [String],
}

impl<'a> Called<'a> {
    /// Reads what [`words`] wrote. Absent: the words are an agent's own and nothing is to be confined.
    pub fn read(words: &'a [String]) -> Result<Option<Self>, Refused> {
        let [word, stage, policy, agent @ ..] = words else { return Ok(None) };
        if word != WORD {
            return Ok(None);
        }
        let policy = serde_json::from_str(policy).map_err(|error| Refused::new("the policy cannot be read", error))?;
        let stage = Stage::ALL.into_iter().find(|known| known.name() == stage);
        let stage = stage.ok_or_else(|| Refused::because("the stage is not known", "another version wrote it"))?;
        Ok(Some(Self { stage, policy, agent }))
    }
}

/// What comes behind the policy's `again` on the command line of a stage.
pub fn words(stage: Stage, policy: &Policy, agent: &[String]) -> Result<Vec<String>, Refused> {
    let policy = serde_json::to_string(policy).map_err(|error| Refused::new("the policy cannot be written", error))?;
    let mut words = vec![WORD.to_owned(), stage.name().to_owned(), policy];
    words.extend_from_slice(agent);
    Ok(words)
}
