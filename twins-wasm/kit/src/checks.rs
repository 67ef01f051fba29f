//! Success criteria as sentences.
//!
//! A [`Check`] is a template with slots and a struct that holds the slots' values; a [`Relaxed`] matcher understands looser
//! sentences. Binding follows a fixed order: templates, relaxed matchers, near misses, nothing.

use std::cell::OnceCell;

use regex_lite::Regex;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::input::Input;
use crate::twin::Twin;

/// Which recorded material a check reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Substrate {
    Final,
    SeedAndFinal,
    Tape,
}

impl Substrate {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Final => "final",
            Self::SeedAndFinal => "seed+final",
            Self::Tape => "tape",
        }
    }
}

/// The pattern behind a slot name, for all templates of a twin.
#[derive(Debug, Clone, Copy)]
pub struct Slot {
    pub name: &'static str,
    pub pattern: &'static str,
    pub example: &'static str,
}

/// What came of judging one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub outcome: Outcome,
    /// One line of evidence, or a reason code with details after `: `.
    pub reason: String,
    /// JSON pointers into the final state.
    pub state_paths: Vec<String>,
    pub event_ids: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed,
    Skipped,
}

impl Verdict {
    fn new(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self { outcome, reason: reason.into(), state_paths: Vec::new(), event_ids: Vec::new() }
    }

    pub fn passed(reason: impl Into<String>) -> Self {
        Self::new(Outcome::Passed, reason)
    }

    pub fn failed(reason: impl Into<String>) -> Self {
        Self::new(Outcome::Failed, reason)
    }

    /// `code` is one of the documented reason codes.
    pub fn skipped(code: &str, details: impl std::fmt::Display) -> Self {
        Self::new(Outcome::Skipped, format!("{code}: {details}"))
    }

    /// Passed or failed by a condition, each with its own words.
    pub fn when(holds: bool, passed: impl Into<String>, failed: impl Into<String>) -> Self {
        if holds { Self::passed(passed) } else { Self::failed(failed) }
    }

    /// Adds a pointer into the final state.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.state_paths.push(pointer.into());
        self
    }

    /// Adds the ids of recorded calls.
    #[must_use]
    pub fn citing<'a>(mut self, rows: impl IntoIterator<Item = &'a Value>) -> Self {
        let ids = rows.into_iter().filter_map(|row| row.get("event_id").or_else(|| row.get("request_id"))?.as_str());
        self.event_ids.extend(ids.map(str::to_owned));
        self
    }
}

/// The material of one judgement. Documents are parsed when first asked for.
#[derive(Debug, Default)]
pub struct World<'a> {
    seed: Document<'a>,
    last: Document<'a>,
    tape: Document<'a>,
}

#[derive(Debug, Default)]
struct Document<'a> {
    bytes: Option<&'a [u8]>,
    parsed: OnceCell<Option<Value>>,
}

impl Document<'_> {
    fn get(&self) -> Option<&Value> {
        self.parsed.get_or_init(|| serde_json::from_slice(self.bytes?).ok()).as_ref()
    }
}

impl<'a> World<'a> {
    pub fn new(seed: Option<&'a [u8]>, last: Option<&'a [u8]>, tape: Option<&'a [u8]>) -> Self {
        let document = |bytes| Document { bytes, parsed: OnceCell::new() };
        Self { seed: document(seed), last: document(last), tape: document(tape) }
    }

    /// The state before the agent, or the verdict that it is missing.
    pub fn seed(&self) -> Result<&Value, Verdict> {
        self.seed.get().ok_or_else(|| Verdict::skipped("seed_missing", "the state before the agent was not recorded"))
    }

    /// The state after the agent.
    pub fn last(&self) -> Result<&Value, Verdict> {
        self.last.get().ok_or_else(|| Verdict::skipped("state_missing", "the state after the agent was not recorded"))
    }

    /// The recorded calls, oldest first.
    pub fn tape(&self) -> Result<&[Value], Verdict> {
        match self.tape.get() {
            Some(Value::Array(rows)) => Ok(rows),
            _ => Err(Verdict::skipped("tape_missing", "the calls of this twin were not recorded")),
        }
    }
}

/// The code behind a template: a struct whose fields are the slots.
pub trait Assert: DeserializeOwned {
    const SUBSTRATE: Substrate;

    /// `Err` is a verdict too: it lets `?` end a check early.
    fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict>;
}

/// One declared sentence.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Without the twin: `issue-has-label`.
    id: &'static str,
    template: &'static str,
    description: &'static str,
    substrate: Substrate,
    subjects: &'static [&'static str],
    redacted: bool,
    judge: fn(Map<String, Value>, &World<'_>) -> Verdict,
}

impl Check {
    /// `template` has slots in braces, such as ``Issue #{issue} exists in `{repo}` ``; each is a field of `A`.
    pub const fn new<A: Assert>(id: &'static str, template: &'static str, description: &'static str) -> Self {
        Self { id, template, description, substrate: A::SUBSTRATE, subjects: &[], redacted: false, judge: judge::<A> }
    }

    /// The slots whose literal text the check looks for.
    pub const fn subjects(mut self, slots: &'static [&'static str]) -> Self {
        self.subjects = slots;
        self
    }

    /// The check reads the marks that redaction leaves.
    pub const fn redacted(mut self) -> Self {
        self.redacted = true;
        self
    }
}

fn judge<A: Assert>(slots: Map<String, Value>, world: &World<'_>) -> Verdict {
    match Input::arguments(slots).decode::<A>() {
        Ok(check) => check.holds(world).unwrap_or_else(|early| early),
        Err(error) => Verdict::skipped("unmatched", format!("a slot does not fit its check: {error}")),
    }
}

/// A sentence that was understood outside the templates.
#[expect(missing_debug_implementations, reason = "holds a function")]
pub struct Understood {
    pub substrate: Substrate,
    pub subjects: Vec<String>,
    pub redacted: bool,
    pub judge: Box<dyn Fn(&World<'_>) -> Verdict>,
}

impl Understood {
    /// The sentence means the same as a declared check with these values.
    pub fn as_check<A: Assert + 'static>(check: A, subjects: &[&str]) -> Self {
        let subjects = subjects.iter().map(|&subject| subject.to_owned()).collect();
        let judge = Box::new(move |world: &World<'_>| check.holds(world).unwrap_or_else(|early| early));
        Self { substrate: A::SUBSTRATE, subjects, redacted: false, judge }
    }
}

/// A looser matcher: sees the sentence without a trailing period and parenthesis, answers when it is its own.
#[derive(Debug, Clone, Copy)]
pub struct Relaxed {
    /// `gh.label`
    pub id: &'static str,
    pub understand: fn(&str) -> Option<Understood>,
}

/// How a sentence is understood.
#[expect(missing_debug_implementations, reason = "holds functions")]
pub enum Binding {
    Bound(Bound),
    /// Nearly a template: the first slot whose value does not fit.
    Corrupted {
        matcher: String,
        slot: String,
        value: String,
        example: String,
    },
    Unmatched,
}

#[expect(missing_debug_implementations, reason = "holds a function")]
pub struct Bound {
    pub matcher: String,
    pub substrate: Substrate,
    pub subjects: Vec<String>,
    pub redacted: bool,
    judge: Box<dyn Fn(&World<'_>) -> Verdict>,
}

impl Bound {
    pub fn judge(&self, world: &World<'_>) -> Verdict {
        (self.judge)(world)
    }
}

/// Finds what a sentence means on this twin.
pub fn bind<T: Twin>(text: &str) -> Binding {
    let text = text.trim();
    let id = T::ID;
    let checks = || T::CHECKS.iter().chain(common::CHECKS);
    for check in checks() {
        if let Some(slots) = captures(check, T::SLOTS, text, false) {
            return Binding::Bound(bound(id, check, slots));
        }
    }
    let relaxed = loosen(text);
    for matcher in T::RELAXED.iter().chain(common::RELAXED) {
        if let Some(Understood { substrate, subjects, redacted, judge }) = (matcher.understand)(relaxed) {
            return Binding::Bound(Bound { matcher: matcher.id.to_owned(), substrate, subjects, redacted, judge });
        }
    }
    for check in checks() {
        let Some(slots) = captures(check, T::SLOTS, text, true) else { continue };
        for (name, value) in slots {
            let Some(slot) = slot(T::SLOTS, &name) else { continue };
            let value = value.as_str().unwrap_or_default().to_owned();
            if !whole(slot.pattern).is_match(&value) {
                let matcher = format!("{id}.{}", check.id);
                return Binding::Corrupted { matcher, slot: name, value, example: slot.example.to_owned() };
            }
        }
    }
    Binding::Unmatched
}

/// Judges one sentence; also says which matcher did.
pub fn evaluate<T: Twin>(text: &str, world: &World<'_>) -> (Verdict, Option<String>) {
    match bind::<T>(text) {
        Binding::Bound(bound) => (bound.judge(world), Some(bound.matcher)),
        Binding::Corrupted { matcher, slot, value, example } => {
            let code = format!("corrupted_check_instance:{matcher}");
            (Verdict::skipped(&code, format!("`{value}` is no {slot}; an example is `{example}`")), None)
        }
        Binding::Unmatched => {
            let id = T::ID;
            (Verdict::skipped("unmatched", format!("no check of `{id}` reads this; see `pome checks {id}`")), None)
        }
    }
}

fn bound(twin: &str, check: &'static Check, slots: Map<String, Value>) -> Bound {
    let text = |name: &&str| slots.get(*name).and_then(Value::as_str).map(str::to_owned);
    Bound {
        matcher: format!("{twin}.{}", check.id),
        substrate: check.substrate,
        subjects: check.subjects.iter().filter_map(text).collect(),
        redacted: check.redacted,
        judge: Box::new(move |world| (check.judge)(slots.clone(), world)),
    }
}

/// Without one trailing period and a trailing parenthesis group.
fn loosen(text: &str) -> &str {
    let text = text.strip_suffix('.').unwrap_or(text).trim_end();
    match text.strip_suffix(')').and_then(|inner| inner.rfind(" (")) {
        Some(open) => text.get(..open).unwrap_or(text).trim_end(),
        None => text,
    }
}

fn captures(check: &Check, slots: &[Slot], text: &str, open: bool) -> Option<Map<String, Value>> {
    // Most sentences are of another check: the fixed words tell without compiling anything.
    if !has_words(check.template, text) {
        return None;
    }
    let pattern = pattern(check.template, slots, open);
    let regex = Regex::new(&pattern).ok()?;
    let found = regex.captures(text)?;
    let value = |name: &str| Some((name.to_owned(), Value::String(found.name(name)?.as_str().to_owned())));
    Some(
        pieces(check.template)
            .filter_map(|piece| if let Piece::Slot(name) = piece { value(name) } else { None })
            .collect(),
    )
}

/// Whether a text has the fixed parts of a template in their order.
fn has_words(template: &'static str, text: &str) -> bool {
    let mut rest = text;
    pieces(template).all(|piece| match piece {
        Piece::Slot(_) => true,
        Piece::Text(part) => match rest.find(part) {
            Some(at) => {
                rest = rest.get(at + part.len()..).unwrap_or_default();
                true
            }
            None => false,
        },
    })
}

fn whole(pattern: &str) -> Regex {
    Regex::new(&format!("^(?:{pattern})$")).unwrap_or_else(|_| {
        #[expect(clippy::unwrap_used, reason = "the empty pattern always compiles")]
        Regex::new("").unwrap()
    })
}

fn slot<'a>(slots: &'a [Slot], name: &str) -> Option<&'a Slot> {
    slots.iter().chain(common::SLOTS).find(|slot| slot.name == name)
}

enum Piece {
    Text(&'static str),
    Slot(&'static str),
}

fn pieces(template: &'static str) -> impl Iterator<Item = Piece> {
    template.split('{').enumerate().flat_map(|(at, part)| {
        let (slot, text) =
            if at == 0 { (None, part) } else { part.split_once('}').map_or((None, part), |(a, b)| (Some(a), b)) };
        slot.map(Piece::Slot).into_iter().chain(Some(Piece::Text(text)))
    })
}

/// Characters that a JavaScript regular expression source shows escaped.
const ESCAPED: &str = ".*+?^${}()|[]\\/";

fn pattern(template: &'static str, slots: &[Slot], open: bool) -> String {
    let mut out = String::from("^");
    for piece in pieces(template) {
        match piece {
            Piece::Text(text) => {
                for character in text.chars() {
                    if ESCAPED.contains(character) {
                        out.push('\\');
                    }
                    out.push(character);
                }
            }
            Piece::Slot(name) => {
                let inner = if open { ".+?" } else { slot(slots, name).map_or("(?!)", |slot| slot.pattern) };
                out.push_str("(?<");
                out.push_str(name);
                out.push('>');
                out.push_str(inner);
                out.push(')');
            }
        }
    }
    out.push('$');
    out
}

/// One declared check as `pome checks` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRow {
    pub id: String,
    pub template: String,
    pub description: String,
    pub substrate: &'static str,
    pub params: Vec<ParamRow>,
    pub pattern: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamRow {
    pub name: String,
    pub pattern: String,
    pub example: String,
}

pub fn rows<T: Twin>() -> Vec<CheckRow> {
    let id = T::ID;
    let params = |check: &Check| {
        pieces(check.template)
            .filter_map(|piece| if let Piece::Slot(name) = piece { slot(T::SLOTS, name) } else { None })
            .map(|slot| ParamRow {
                name: slot.name.to_owned(),
                pattern: slot.pattern.to_owned(),
                example: slot.example.to_owned(),
            })
            .collect()
    };
    T::CHECKS
        .iter()
        .chain(common::CHECKS)
        .map(|check| CheckRow {
            id: format!("{id}.{}", check.id),
            template: check.template.to_owned(),
            description: check.description.to_owned(),
            substrate: check.substrate.name(),
            params: params(check),
            pattern: pattern(check.template, T::SLOTS, false),
        })
        .collect()
}

/// `sha256:` over the compact JSON of id, substrate and pattern of every row, sorted by id.
pub fn digest(rows: &[CheckRow]) -> String {
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    let list: Vec<Value> = rows
        .iter()
        .map(|row| serde_json::json!({ "id": row.id, "substrate": row.substrate, "pattern": row.pattern }))
        .collect();
    let digest = Sha256::digest(Value::Array(list).to_string().as_bytes());
    let mut out = String::from("sha256:");
    for byte in digest {
        for nibble in [byte >> 4, byte & 15] {
            out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    out
}

/// The action of a recorded call: its `tool`, or what older recordings carry in the body. `None` when the row has no such
/// field at all.
pub fn action_of(row: &Value) -> Option<&str> {
    if let Some(tool) = row.get("tool").and_then(Value::as_str) {
        return Some(tool);
    }
    let body = row.get("request_body")?;
    if let Some(tool) = body.get("tool").and_then(Value::as_str) {
        return Some(tool);
    }
    (body.get("method").and_then(Value::as_str) == Some("tools/call"))
        .then(|| body.pointer("/params/name")?.as_str())
        .flatten()
}

/// The calls of one action. Skipped when the trace is from before actions were recorded.
pub fn calls_of<'a>(world: &'a World<'_>, tool: &str) -> Result<Vec<&'a Value>, Verdict> {
    let tape = world.tape()?;
    let recorded = tape.is_empty() || tape.iter().any(|row| row.get("tool").is_some() || action_of(row).is_some());
    if !recorded {
        return Err(Verdict::skipped("tool_not_recorded", "no recorded call names its action"));
    }
    Ok(tape.iter().filter(|row| action_of(row) == Some(tool)).collect())
}

/// Sentences that every twin understands.
pub mod common {
    use serde::Deserialize;

    use super::{Assert, Check, Regex, Relaxed, Slot, Substrate, Understood, Value, Verdict, World, calls_of};

    pub const SLOTS: &[Slot] = &[Slot { name: "tool", pattern: "[a-z][a-z0-9_]*", example: "create_commit_status" }];

    pub const CHECKS: &[Check] = &[
        Check::new::<NoUnsupported>(
            "no-unsupported-endpoint",
            "No unsupported endpoint was called",
            "No recorded call was answered with \"not modelled\".",
        ),
        Check::new::<NeverCalled>(
            "tool-never-called",
            "`{tool}` was never called",
            "The action does not appear in the trace; a rejected attempt counts as a call.",
        ),
        Check::new::<WasCalled>(
            "tool-was-called",
            "`{tool}` was called",
            "The action appears at least once in the trace.",
        ),
    ];

    #[derive(Debug, Deserialize)]
    pub struct NoUnsupported {}

    impl Assert for NoUnsupported {
        const SUBSTRATE: Substrate = Substrate::Tape;

        fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
            let unsupported: Vec<&Value> = world
                .tape()?
                .iter()
                .filter(|row| row.get("fidelity").and_then(Value::as_str) == Some("unsupported"))
                .collect();
            let Some(first) = unsupported.first() else {
                return Ok(Verdict::passed("every call was to a modelled endpoint"));
            };
            let text = |key: &str| first.get(key).and_then(Value::as_str).unwrap_or("?");
            let reason =
                format!("{} unsupported call(s), first {} {}", unsupported.len(), text("method"), text("path"));
            Ok(Verdict::failed(reason).citing(unsupported))
        }
    }

    #[derive(Debug, Deserialize)]
    pub struct NeverCalled {
        pub tool: String,
    }

    impl Assert for NeverCalled {
        const SUBSTRATE: Substrate = Substrate::Tape;

        fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
            let calls = calls_of(world, &self.tool)?;
            let passed = format!("`{}` does not appear among the recorded calls", self.tool);
            let failed = format!("`{}` was called {} time(s)", self.tool, calls.len());
            Ok(Verdict::when(calls.is_empty(), passed, failed).citing(calls))
        }
    }

    #[derive(Debug, Deserialize)]
    pub struct WasCalled {
        pub tool: String,
    }

    impl Assert for WasCalled {
        const SUBSTRATE: Substrate = Substrate::Tape;

        fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
            let calls = calls_of(world, &self.tool)?;
            let passed = format!("`{}` was called {} time(s)", self.tool, calls.len());
            let failed = format!("`{}` was not called", self.tool);
            Ok(Verdict::when(!calls.is_empty(), passed, failed).citing(calls))
        }
    }

    /// How often an action may have been called.
    #[derive(Debug)]
    struct Times {
        tool: String,
        most: u64,
        exact: bool,
    }

    impl Times {
        fn holds(&self, world: &World<'_>) -> Result<Verdict, Verdict> {
            let calls = calls_of(world, &self.tool)?;
            let count = u64::try_from(calls.len()).unwrap_or(u64::MAX);
            let holds = if self.exact { count == self.most } else { count <= self.most };
            let reason = format!("`{}` was called {count} time(s)", self.tool);
            Ok(Verdict::when(holds, reason.clone(), reason).citing(calls))
        }
    }

    /// Looser spellings of the sentences above, in order.
    pub const RELAXED: &[Relaxed] = &[
        Relaxed { id: "any.unsupported", understand: unsupported },
        Relaxed { id: "any.tool-none", understand: none },
        Relaxed { id: "any.tool-max", understand: at_most },
        Relaxed { id: "any.tool-exact", understand: exactly },
    ];

    /// The letters that an alternative of a pattern begins with, as far as they stand for themselves.
    fn literal_start(pattern: &str) -> &str {
        let special = |letter: char| r"\.+*?()[]{}|^$".contains(letter);
        let end = pattern.find(special).unwrap_or(pattern.len());
        let start = pattern.get(..end).unwrap_or_default();
        // What may be repeated may also be missing.
        if pattern.get(end..).is_some_and(|rest| rest.starts_with(['?', '*', '{'])) {
            let mut letters = start.chars();
            letters.next_back();
            return letters.as_str();
        }
        start
    }

    /// Whether a text holds another; the case of ASCII letters does not matter.
    fn contains(text: &str, wanted: &str) -> bool {
        wanted.is_empty()
            || text.as_bytes().windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted.as_bytes()))
    }

    /// Compiles once per sentence; judging is not a hot path.
    pub fn matches<'t>(pattern: &str, text: &'t str) -> Option<regex_lite::Captures<'t>> {
        // Compiling costs far more than looking for the letters that an alternative begins with.
        let grouped = pattern.contains('(') && pattern.contains('|');
        if !grouped && !pattern.split('|').any(|alternative| contains(text, literal_start(alternative))) {
            return None;
        }
        Regex::new(&format!("(?i){pattern}")).ok()?.captures(text)
    }

    pub fn unsupported(text: &str) -> Option<Understood> {
        matches(r"no unsupported\b.*\bendpoint", text)?;
        Some(Understood::as_check(NoUnsupported {}, &[]))
    }

    pub fn none(text: &str) -> Option<Understood> {
        let found = matches(r"`?([a-z][a-z0-9_]*)`? was (?:not|never) called", text)?;
        let tool = found.get(1)?.as_str().to_owned();
        Some(Understood::as_check(NeverCalled { tool }, &[]))
    }

    pub fn at_most(text: &str) -> Option<Understood> {
        let found = matches(r"`?([a-z][a-z0-9_]*)`? was called at most (once|one time|\d+ times?)", text)?;
        times(found.get(1)?.as_str(), found.get(2)?.as_str(), false)
    }

    pub fn exactly(text: &str) -> Option<Understood> {
        let found = matches(r"`?([a-z][a-z0-9_]*)`? was called (?:exactly )?(once|one time|\d+ times?)", text)?;
        times(found.get(1)?.as_str(), found.get(2)?.as_str(), true)
    }

    fn times(tool: &str, words: &str, exact: bool) -> Option<Understood> {
        let digits: String = words.chars().take_while(char::is_ascii_digit).collect();
        let most = if digits.is_empty() { 1 } else { digits.parse().ok()? };
        let rule = Times { tool: tool.to_owned(), most, exact };
        Some(Understood {
            substrate: Substrate::Tape,
            subjects: Vec::new(),
            redacted: false,
            judge: Box::new(move |world| rule.holds(world).unwrap_or_else(|early| early)),
        })
    }
}
