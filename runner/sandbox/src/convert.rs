//! Where the records of `wit/` and our own types meet. Requests are lent to the guest, answers are moved out of it; nothing is
//! copied twice.

use crate::bindings::evaluator::exports::pome::evaluator::checks;
use crate::bindings::twin::exports::pome::twin::twin;
use crate::bindings::twin::pome::twin::{describe, host, http};
use crate::call::{
    Answer, Binding, Bound, Caller, Delivery, Delta, Fidelity, Header, Material, NearMiss, Outcome, Report, Request,
    Seeded, Substrate, ToolAnswer, ToolCall, Verdict,
};
use crate::description::{
    Check, CheckParam, Description, FaultShape, Input, Refusal, Route, Seed, Tokens, Tool, Variable, VariableValue,
    VendorHost,
};
use crate::host::LogLevel;

fn all<A, B: From<A>>(items: Vec<A>) -> Vec<B> {
    items.into_iter().map(B::from).collect()
}

// Lent to the guest.

pub(crate) fn headers(headers: &[Header]) -> Vec<http::HeaderParam<'_>> {
    headers.iter().map(|header| http::HeaderParam { name: &header.name, value: &header.value }).collect()
}

fn caller(caller: &Caller) -> http::Caller<'_> {
    http::Caller { sid: &caller.sid, team: &caller.team, login: caller.login.as_deref(), claims: &caller.claims }
}

pub(crate) fn request<'a>(request: &'a Request, headers: &'a [http::HeaderParam<'a>]) -> http::Request<'a> {
    http::Request {
        method: &request.method,
        path: &request.path,
        query: &request.query,
        headers,
        body: &request.body,
        caller: caller(&request.caller),
        origin: &request.origin,
    }
}

pub(crate) fn tool_call(call: &ToolCall) -> http::ToolCall<'_> {
    http::ToolCall { name: &call.name, arguments: &call.arguments, caller: caller(&call.caller), origin: &call.origin }
}

pub(crate) fn material<'a>(material: &Material<'a>) -> checks::Material<'a> {
    checks::Material {
        text: material.text,
        seed: material.seed,
        final_: material.final_state,
        tape: material.tape,
        config: material.config,
    }
}

// Moved out of the guest.

impl From<host::Level> for LogLevel {
    fn from(level: host::Level) -> Self {
        match level {
            host::Level::Debug => Self::Debug,
            host::Level::Info => Self::Info,
            host::Level::Warn => Self::Warn,
            host::Level::Error => Self::Error,
        }
    }
}

impl From<http::HeaderResult> for Header {
    fn from(http::HeaderResult { name, value }: http::HeaderResult) -> Self {
        Self { name, value }
    }
}

impl From<http::Fidelity> for Fidelity {
    fn from(fidelity: http::Fidelity) -> Self {
        match fidelity {
            http::Fidelity::Semantic => Self::Semantic,
            http::Fidelity::Shape => Self::Shape,
            http::Fidelity::Unsupported => Self::Unsupported,
        }
    }
}

impl From<http::Delta> for Delta {
    fn from(http::Delta { before, after }: http::Delta) -> Self {
        Self { before, after }
    }
}

impl From<http::Delivery> for Delivery {
    fn from(delivery: http::Delivery) -> Self {
        let http::Delivery { id, method, url, headers, body, due, retries } = delivery;
        Self { id, method, url, headers: all(headers), body, due, retries }
    }
}

impl From<http::Report> for Report {
    fn from(report: http::Report) -> Self {
        let http::Report { action, fidelity, mutation, delta, error, replayed, deliveries } = report;
        Self {
            action,
            fidelity: fidelity.into(),
            mutation,
            delta: delta.map(Into::into),
            error,
            replayed,
            deliveries: all(deliveries),
        }
    }
}

impl From<http::Answer> for Answer {
    fn from(answer: http::Answer) -> Self {
        let http::Answer { status, headers, body, report } = answer;
        Self { status, headers: all(headers), body, report: report.into() }
    }
}

impl From<http::ToolAnswer> for ToolAnswer {
    fn from(answer: http::ToolAnswer) -> Self {
        let http::ToolAnswer { status, value, content, is_error, structured, report } = answer;
        Self { status, value, content, is_error, structured, report: report.into() }
    }
}

impl From<twin::Seeded> for Seeded {
    fn from(twin::Seeded { accepted, answer }: twin::Seeded) -> Self {
        Self { accepted, answer: answer.into() }
    }
}

impl From<describe::Input> for Input {
    fn from(input: describe::Input) -> Self {
        let describe::Input { name, place, kind, required } = input;
        Self { name, place, kind, required }
    }
}

impl From<describe::Route> for Route {
    fn from(route: describe::Route) -> Self {
        let describe::Route { method, path, action, mutates, fidelity, note, inputs } = route;
        Self { method, path, action, mutates, fidelity: fidelity.into(), note, inputs: all(inputs) }
    }
}

impl From<describe::Tool> for Tool {
    fn from(tool: describe::Tool) -> Self {
        let describe::Tool { name, action, mutates, fidelity, note, listing } = tool;
        Self { name, action, mutates, fidelity: fidelity.into(), note, listing }
    }
}

impl From<describe::Seed> for Seed {
    fn from(describe::Seed { name, summary, json }: describe::Seed) -> Self {
        Self { name, summary, json }
    }
}

impl From<describe::VariableValue> for VariableValue {
    fn from(value: describe::VariableValue) -> Self {
        match value {
            describe::VariableValue::SessionToken => Self::SessionToken,
            describe::VariableValue::RestUrl => Self::RestUrl,
            describe::VariableValue::McpUrl => Self::McpUrl,
        }
    }
}

impl From<describe::Variable> for Variable {
    fn from(describe::Variable { name, value }: describe::Variable) -> Self {
        Self { name, value: value.into() }
    }
}

impl From<describe::Refusal> for Refusal {
    fn from(refusal: describe::Refusal) -> Self {
        let describe::Refusal { case, status, headers, body } = refusal;
        Self { case, status, headers: all(headers), body }
    }
}

impl From<describe::Fault> for FaultShape {
    fn from(fault: describe::Fault) -> Self {
        let describe::Fault { name, status, headers, body, after_handler, delay_ms } = fault;
        Self { name, status, headers: all(headers), body, after_handler, delay_ms }
    }
}

impl From<describe::Tokens> for Tokens {
    fn from(tokens: describe::Tokens) -> Self {
        let describe::Tokens { schemes, any_case, bare, query, form, prefixes, claims, kept } = tokens;
        Self { schemes, any_case, bare, query, form, prefixes, claims, kept }
    }
}

impl From<describe::CheckParam> for CheckParam {
    fn from(describe::CheckParam { name, pattern, example }: describe::CheckParam) -> Self {
        Self { name, pattern, example }
    }
}

impl From<describe::Check> for Check {
    fn from(check: describe::Check) -> Self {
        let describe::Check { id, template, description, substrate, params, pattern } = check;
        Self { id, template, description, substrate, params: all(params), pattern }
    }
}

impl From<describe::VendorHost> for VendorHost {
    fn from(host: describe::VendorHost) -> Self {
        let describe::VendorHost { name, root } = host;
        Self { name, root }
    }
}

impl From<describe::Description> for Description {
    fn from(description: describe::Description) -> Self {
        let describe::Description {
            id,
            title,
            implementation,
            version,
            default_port,
            root_mount,
            mounts,
            hosts,
            clockwork,
            call_aliases,
            call_forms,
            records_admin,
            stamps_tool_call,
            health,
            session_health,
            extras,
            reset_answer,
            tokens,
            variables,
            routes,
            tools,
            seeds,
            refusals,
            faults,
            checks,
            checks_digest,
            private_state,
        } = description;
        Self {
            id,
            title,
            implementation,
            version,
            default_port,
            root_mount,
            mounts,
            hosts: all(hosts),
            clockwork,
            call_aliases,
            call_forms,
            records_admin,
            stamps_tool_call,
            health,
            session_health,
            extras,
            reset_answer,
            tokens: tokens.into(),
            variables: all(variables),
            routes: all(routes),
            tools: all(tools),
            seeds: all(seeds),
            refusals: all(refusals),
            faults: all(faults),
            checks: all(checks),
            checks_digest,
            private_state,
        }
    }
}

impl From<checks::Substrate> for Substrate {
    fn from(substrate: checks::Substrate) -> Self {
        match substrate {
            checks::Substrate::Final => Self::Final,
            checks::Substrate::SeedAndFinal => Self::SeedAndFinal,
            checks::Substrate::Tape => Self::Tape,
        }
    }
}

impl From<checks::Binding> for Binding {
    fn from(binding: checks::Binding) -> Self {
        match binding {
            checks::Binding::Bound(checks::Bound { matcher, substrate, subjects, redacted }) => {
                Self::Bound(Bound { matcher, substrate: substrate.into(), subjects, redacted })
            }
            checks::Binding::Corrupted(checks::NearMiss { matcher, slot, value, example }) => {
                Self::Corrupted(NearMiss { matcher, slot, value, example })
            }
            checks::Binding::Unmatched => Self::Unmatched,
        }
    }
}

impl From<checks::Outcome> for Outcome {
    fn from(outcome: checks::Outcome) -> Self {
        let checks::Outcome { verdict, reason, matcher, state_paths, event_ids } = outcome;
        Self {
            verdict: match verdict {
                checks::Verdict::Passed => Verdict::Passed,
                checks::Verdict::Failed => Verdict::Failed,
                checks::Verdict::Skipped => Verdict::Skipped,
            },
            reason,
            matcher,
            state_paths,
            event_ids,
        }
    }
}
