//! The evaluator that is part of Pome: criteria as expressions, `cel: size(final.channels) == 2`.
//!
//! ```text
//! judge(case)            is it an expression, what does it come to        lib.rs
//!   Expression::parse    syntax and names, before anything runs          expression.rs
//!   Variables::of        the recorded material as values                 variables.rs
//!   evidence::Evidence   what made it true or false, and where it is      evidence.rs
//! ```
//!
//! It is an evaluator like any other: it exports `pome:evaluator/evaluation`, imports nothing, and the host knows it by its name only.

#[cfg(feature = "component")]
mod component;
mod evidence;
mod expression;
mod render;
mod variables;

use cel::{ExecutionError, Value};

use evidence::Evidence;
use expression::{Expression, Mistake};
use variables::{Missing, Variables};

/// What a sentence starts with that is an expression.
const MARK: &str = "cel:";

/// What one criterion is judged on; the fields are those of the world's `material`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Case<'a> {
    /// The sentence.
    pub text: &'a str,
    /// The twin that the criterion is tagged with.
    pub twin: Option<&'a str>,
    /// The twins of the scenario.
    pub twins: &'a [String],
    /// The state before the agent.
    pub seed: Option<&'a str>,
    /// The state after the agent.
    pub final_state: Option<&'a str>,
    /// The trace.
    pub events: Option<&'a str>,
    /// What the agent was told.
    pub task: &'a str,
}

/// How a criterion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The expression is true.
    Passed,
    /// The expression is false, or asks for something that is not there.
    Failed,
    /// What it reads was not recorded.
    Skipped,
    /// It cannot be evaluated at all.
    Errored,
}

/// The outcome with its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub verdict: Verdict,
    /// What made it so.
    pub reason: String,
    /// JSON pointers into the state after the agent.
    pub state_paths: Vec<String>,
    /// Rows of the trace.
    pub event_ids: Vec<String>,
}

impl Outcome {
    fn bare(verdict: Verdict, reason: String) -> Self {
        Self { verdict, reason, state_paths: Vec::new(), event_ids: Vec::new() }
    }
}

/// Judges one criterion. Nothing: it is not an expression.
pub fn judge(case: &Case<'_>) -> Option<Outcome> {
    let source = case.text.trim_start().strip_prefix(MARK)?.trim();
    Some(match Expression::parse(source) {
        Ok(expression) => evaluate(&expression, case),
        Err(Mistake { column, message }) => {
            Outcome::bare(Verdict::Errored, format!("cel_syntax: column {column}: {message}"))
        }
    })
}

fn evaluate(expression: &Expression, case: &Case<'_>) -> Outcome {
    let variables = match Variables::of(expression, case) {
        Ok(variables) => variables,
        Err(Missing { code, message }) => return Outcome::bare(Verdict::Skipped, format!("{code}: {message}")),
    };
    let context = variables.context();
    match Value::resolve(expression.root(), &context) {
        Ok(Value::Bool(holds)) => {
            let Evidence { reason, state_paths, event_ids } =
                Evidence::of(expression.root(), holds, &context, variables.final_state());
            let verdict = if holds { Verdict::Passed } else { Verdict::Failed };
            Outcome { verdict, reason, state_paths, event_ids }
        }
        Ok(other) => {
            let message = format!("the expression is {}, not true or false", render::with_type(&other));
            Outcome::bare(Verdict::Errored, format!("cel_type: {message}"))
        }
        // A record that is missing fails a check.
        Err(ExecutionError::NoSuchKey(key)) => Outcome::bare(
            Verdict::Failed,
            format!("there is no `{key}` where the expression looks for it; `has(...)` asks whether there is"),
        ),
        Err(ExecutionError::IndexOutOfBounds(index)) => {
            Outcome::bare(Verdict::Failed, format!("there is no element {}", render::value(&index)))
        }
        Err(error) => Outcome::bare(Verdict::Errored, format!("cel_type: {}", render::error(&error))),
    }
}
