//! One world: a twin's state and the dispatch of calls to it.

use serde_json::{Map, Value};

use crate::action::Cx;
use crate::clock::Time;
use crate::envelope::{Answer, Caller, Delivery, Delta, Fidelity, Report, Request, Seeded, ToolAnswer, ToolCall};
use crate::input::Input;
use crate::reply::{Reply, ToolReply};
use crate::routes::{Body, Failure, Router, collect};
use crate::store::Store;
use crate::tools::Tool;
use crate::twin::{Recall, Twin, VendorError};

/// What a twin may reach: the imports of `pome:twin/host`.
pub trait Host {
    /// Milliseconds since 1970, virtual.
    fn now(&self) -> u64;
    fn random(&self) -> u64;
    fn log(&self, level: Level, message: &str);
}

/// How loud a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// A twin's world.
#[expect(missing_debug_implementations, reason = "holds the whole state and the tables")]
pub struct Session<T: Twin> {
    state: T::State,
    router: Router<T>,
}

impl<T: Twin> Default for Session<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// The parts of a call that every door has.
struct Envelope<'a> {
    caller: &'a Caller,
    origin: &'a str,
    request: Option<&'a Request>,
    call: Option<&'a ToolCall>,
    doc: &'static str,
}

impl<T: Twin> Session<T> {
    pub fn new() -> Self {
        Self { state: T::State::default(), router: Router::new(T::ROUTES) }
    }

    pub const fn state(&self) -> &T::State {
        &self.state
    }

    /// Replaces the world; `None` is the default seed. A refused seed leaves the world as it was.
    pub fn seed(&mut self, document: Option<&[u8]>, host: &dyn Host) -> Seeded {
        let caller = Caller::default();
        let envelope = Envelope { caller: &caller, origin: "", request: None, call: None, doc: "" };
        let mut fresh = T::State::default();
        let mut cx = context(&mut fresh, &envelope, host);
        let outcome = parse_seed::<T>(document).and_then(|document| T::seed(document, &mut cx));
        let delta = cx.delta.take();
        match outcome {
            Ok(body) => {
                commit(&mut fresh);
                self.state = fresh;
                let delta = delta.map(encode_delta);
                let report = Report { mutation: true, delta, ..Report::default() };
                let Reply { status, headers, body, .. } = Reply::json(200, &body);
                Seeded { accepted: true, answer: Answer { status, headers, body, report } }
            }
            Err(error) => {
                let Reply { status, headers, body, .. } = error.rest(&cx);
                let report = Report { error: Some(error.message()), ..Report::default() };
                Seeded { accepted: false, answer: Answer { status, headers, body, report } }
            }
        }
    }

    pub fn handle(&mut self, request: &Request, host: &dyn Host) -> Answer {
        let (caller, origin) = (&request.caller, &*request.origin);
        let path = T::canonical_path(&self.state, &request.path);
        let Some((route, input)) = self.router.find(&request.method, &path) else {
            let mut reply = T::unsupported(request, &self.router);
            let envelope = Envelope { caller, origin, request: Some(request), call: None, doc: "" };
            T::finish(&mut context::<T>(&mut self.state, &envelope, host), &request.method, &mut reply);
            let error = error_text(&reply.body);
            let report = Report { fidelity: Fidelity::Unsupported, error: Some(error), ..Report::default() };
            return Answer { status: reply.status, headers: reply.headers, body: reply.body, report };
        };
        let envelope = Envelope { caller, origin, request: Some(request), call: None, doc: route.doc };
        let mut cx = context::<T>(&mut self.state, &envelope, host);
        let brackets = matches!(T::BODY, Body::Form);
        let mut place = None;
        let outcome = T::admit(&mut cx)
            .map_err(Failure::Refused)
            .and_then(|()| collect(input, route.body, brackets, request))
            .and_then(|(input, files)| {
                cx.files = files;
                match T::recall(&mut cx, &input).map_err(Failure::Refused)? {
                    Recall::Nothing => {}
                    Recall::Keep(name) => place = Some(name),
                    Recall::Known(reply) => {
                        cx.replayed();
                        return Ok(reply);
                    }
                }
                (route.run)(&mut cx, input, route.status)
            });
        let place = place.filter(|_| decoded(&outcome));
        let (mut reply, error) = match outcome {
            Ok(reply) if cx.replayed => {
                let error = (reply.status >= 400).then(|| error_text(&reply.body));
                (reply, error)
            }
            Ok(reply) => {
                T::settle(&mut cx);
                (reply, None)
            }
            Err(failure) => {
                let error = vendor_error::<T>(failure);
                (error.rest(&cx), Some(error.message()))
            }
        };
        T::finish(&mut cx, &request.method, &mut reply);
        let Cx { delta, deliveries, replayed, kept, action, refusal, .. } = cx;
        let (action, fidelity) = (action.unwrap_or(route.action), reply.fidelity.unwrap_or(route.fidelity));
        let report = self.settle(action, fidelity, error.or(refusal), kept, delta, deliveries);
        if let Some(place) = place {
            self.remember(&envelope, host, place, &reply);
        }
        Answer { status: reply.status, headers: reply.headers, body: reply.body, report: Report { replayed, ..report } }
    }

    pub fn call_tool(&mut self, call: &ToolCall, host: &dyn Host) -> ToolAnswer {
        let Some(tool) = T::TOOLS.iter().find(|tool| tool.name == call.name) else {
            let reply = T::unknown_tool(call);
            let error = Some(format!("Unknown tool: {}", call.name));
            let report = Report { action: Some(call.name.clone()), error, ..Report::default() };
            return tool_answer(reply, report);
        };
        let (caller, origin) = (&call.caller, &*call.origin);
        let envelope = Envelope { caller, origin, request: None, call: Some(call), doc: tool.doc };
        let mut cx = context::<T>(&mut self.state, &envelope, host);
        let mut place = None;
        let outcome = arguments(&call.arguments).and_then(|arguments| {
            T::check_arguments(tool.name, &arguments).map_err(Failure::Refused)?;
            T::admit(&mut cx).map_err(Failure::Refused)?;
            let input = Input::arguments(arguments);
            match T::recall(&mut cx, &input).map_err(Failure::Refused)? {
                Recall::Nothing => {}
                Recall::Keep(name) => place = Some(name),
                Recall::Known(Reply { status, body, .. }) => {
                    cx.replayed();
                    return Ok(ToolReply { status, value: body, is_error: status >= 400, ..ToolReply::default() });
                }
            }
            (tool.run)(&mut cx, input)
        });
        let place = place.filter(|_| decoded(&outcome));
        let (reply, error) = match outcome {
            Ok(reply) if cx.replayed => (reply, None),
            Ok(reply) => {
                T::settle(&mut cx);
                (reply, None)
            }
            Err(failure) => {
                let error = vendor_error::<T>(failure);
                (error.tool(&cx), Some(error.message()))
            }
        };
        let Cx { delta, deliveries, replayed, kept, .. } = cx;
        // A view may turn an outcome into a tool error; then nothing of it stays but what was kept on the way.
        let error = error.or_else(|| reply.is_error.then(|| error_text(&reply.value)));
        let fidelity = reply.fidelity.unwrap_or(tool.fidelity);
        let report = self.settle(call_name(tool), fidelity, error, kept, delta, deliveries);
        if let Some(place) = place {
            let stored = Reply { status: reply.status, body: reply.value.clone(), ..Reply::default() };
            self.remember(&envelope, host, place, &stored);
        }
        tool_answer(reply, Report { replayed, ..report })
    }

    pub fn export(&self) -> Vec<u8> {
        T::export(&self.state)
    }

    /// The claims of a token that the state knows, as a JSON object.
    pub fn authenticate(&self, token: &str) -> Option<Vec<u8>> {
        T::authenticate(&self.state, token).map(|claims| Value::Object(claims).to_string().into_bytes())
    }

    /// Does what has become due.
    pub fn advance(&mut self, host: &dyn Host) -> Vec<Delivery> {
        let caller = Caller::default();
        let envelope = Envelope { caller: &caller, origin: "", request: None, call: None, doc: "" };
        let mut cx = context::<T>(&mut self.state, &envelope, host);
        let outcome = T::advance(&mut cx);
        let Cx { mut deliveries, .. } = cx;
        match outcome {
            Ok(more) => {
                deliveries.extend(more);
                commit(&mut self.state);
                deliveries
            }
            Err(error) => {
                host.log(Level::Error, &error.message());
                rollback(&mut self.state);
                Vec::new()
            }
        }
    }

    fn remember(&mut self, envelope: &Envelope<'_>, host: &dyn Host, place: String, reply: &Reply) {
        T::remember(&mut context::<T>(&mut self.state, envelope, host), place, reply);
        commit(&mut self.state);
    }

    /// Commits or takes back what the call did and says which. What it has already kept stays.
    fn settle(
        &mut self,
        action: &str,
        fidelity: Fidelity,
        error: Option<String>,
        kept: bool,
        delta: Option<(Option<Value>, Option<Value>)>,
        deliveries: Vec<Delivery>,
    ) -> Report {
        let action = Some(action.to_owned());
        if error.is_some() {
            rollback(&mut self.state);
            if !kept {
                return Report { action, fidelity, error, ..Report::default() };
            }
        }
        let mutation = kept || changed(&mut self.state);
        commit(&mut self.state);
        let delta = delta.filter(|_| mutation).map(encode_delta);
        Report { action, fidelity, mutation, delta, error, replayed: false, deliveries }
    }
}

/// Whether the action was reached.
const fn decoded<R, E>(outcome: &Result<R, Failure<E>>) -> bool {
    matches!(outcome, Ok(_) | Err(Failure::Refused(_)))
}

/// The trace shows the name that the caller used.
fn call_name<T: Twin>(tool: &Tool<T>) -> &'static str {
    tool.name
}

fn context<'a, T: Twin>(state: &'a mut T::State, envelope: &Envelope<'a>, host: &'a dyn Host) -> Cx<'a, T> {
    Cx {
        state,
        caller: envelope.caller,
        origin: envelope.origin,
        path: envelope.request.map_or("", |request| &request.path),
        query: envelope.request.map_or("", |request| &request.query),
        headers: envelope.request.map_or(&[], |request| &request.headers),
        body: envelope.request.map_or(&[], |request| &request.body),
        files: Vec::new(),
        common: Map::new(),
        doc: envelope.doc,
        reads: envelope.request.is_some_and(|request| matches!(request.method.as_str(), "GET" | "HEAD")),
        tool: envelope.call,
        host,
        now: Time(host.now()),
        delta: None,
        deliveries: Vec::new(),
        replayed: false,
        kept: false,
        action: None,
        refusal: None,
    }
}

fn parse_seed<T: Twin>(document: Option<&[u8]>) -> Result<Value, T::Error> {
    let bytes = match document {
        Some(bytes) => bytes,
        None => T::SEEDS.iter().find(|seed| seed.name == "default").map_or(&b"{}"[..], |seed| seed.json.as_bytes()),
    };
    let mut document = T::read_seed(bytes)?;
    if let Value::Object(members) = &mut document {
        members.remove("_meta");
        members.remove("_clock");
    }
    Ok(document)
}

fn vendor_error<T: Twin>(failure: Failure<T::Error>) -> T::Error {
    match failure {
        Failure::MalformedBody => T::Error::malformed_body(),
        Failure::Input(error) => T::Error::input(error),
        Failure::Refused(error) => error,
    }
}

fn arguments<E>(bytes: &[u8]) -> Result<Map<String, Value>, Failure<E>> {
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(Value::Null) => Ok(Map::new()),
        _ => Err(Failure::MalformedBody),
    }
}

fn tool_answer(reply: ToolReply, report: Report) -> ToolAnswer {
    ToolAnswer {
        status: reply.status,
        value: reply.value,
        content: reply.content,
        is_error: reply.is_error,
        structured: reply.structured,
        report,
    }
}

fn encode_delta((before, after): (Option<Value>, Option<Value>)) -> Delta {
    let encode = |value: Value| value.to_string().into_bytes();
    Delta { before: before.map(encode), after: after.map(encode) }
}

/// `message`, or `error.message`, or a generic text.
fn error_text(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let found = body.get("message").or_else(|| body.pointer("/error/message")).and_then(Value::as_str);
    found.or(body.as_str()).unwrap_or("request failed").to_owned()
}

pub(crate) fn changed(state: &mut impl Store) -> bool {
    let mut any = false;
    state.each(&mut |journal| any |= journal.changed());
    any
}

pub(crate) fn commit(state: &mut impl Store) {
    state.each(&mut |journal| journal.commit());
}

pub(crate) fn rollback(state: &mut impl Store) {
    state.each(&mut |journal| journal.rollback());
}
