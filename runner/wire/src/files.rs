//! Names of the files in an artifacts folder and in a run folder.

/// The artifacts folder when nothing else is configured.
pub const DEFAULT_ARTIFACTS_DIR: &str = "runs";
/// In the artifacts folder: which run came last.
pub const LATEST: &str = "latest.json";

/// What was run and how it ended.
pub const META: &str = "meta.json";
/// The trace, one event per line.
pub const EVENTS: &str = "events.jsonl";
/// The flat view of the recorded HTTP calls.
pub const TOOL_CALLS: &str = "tool_calls.jsonl";
/// What the agent's SDK wrote.
pub const SIGNALS: &str = "signals.jsonl";
/// Refused tunnels.
pub const EGRESS: &str = "egress.jsonl";
/// State of the primary twin before the agent.
pub const STATE_INITIAL: &str = "state_initial.json";
/// State of the primary twin after the agent.
pub const STATE_FINAL: &str = "state_final.json";
/// Outcomes and score.
pub const SCORE: &str = "score.json";
/// The verdict for scripts.
pub const VERDICT: &str = "verdict.json";
/// What the agent printed on standard output.
pub const STDOUT: &str = "stdout.txt";
/// What the agent printed on standard error.
pub const STDERR: &str = "stderr.log";
/// The fix prompt, when one was generated.
pub const FIX_PROMPT: &str = "fix-prompt.md";
/// The session that a hosted evaluation used.
pub const EVAL_SESSION: &str = "eval-session.json";

/// Folder of what an agent needs to trust the certificates of its run; gone when the run is over.
pub const CAPTURE: &str = ".capture";

/// Older name of [`STATE_INITIAL`], accepted when reading.
pub const LEGACY_STATE_INITIAL: &str = "state-before.json";
/// Older name of [`STATE_FINAL`], accepted when reading.
pub const LEGACY_STATE_FINAL: &str = "state-after.json";

/// `state_initial.<twin>.json`, for the twins after the first.
pub fn state_initial_of(twin: &str) -> String {
    format!("state_initial.{twin}.json")
}

/// `state_final.<twin>.json`, for the twins after the first.
pub fn state_final_of(twin: &str) -> String {
    format!("state_final.{twin}.json")
}
