//! One operation, one struct.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::clock::Time;
use crate::envelope::{Caller, Delivery, Header, ToolCall};
use crate::form::File;
use crate::reply::{Reply, ToolReply};
use crate::session::{self, Host};
use crate::twin::Twin;

/// What can be done to a twin. The fields are the declared inputs, `run` is the behaviour.
pub trait Action<T: Twin>: DeserializeOwned {
    /// What the trace calls it, the same on every door.
    const NAME: &'static str;
    const MUTATES: bool = false;
    /// What came of it; its [`View`] says how that looks on each door.
    type Output: View<T>;

    fn run(self, cx: &mut Cx<'_, T>) -> Result<Self::Output, T::Error>;
}

/// How an outcome looks on the doors. Written after the change, before it is committed.
pub trait View<T: Twin> {
    /// Writes the REST answer; `reply.status` is already the route's.
    fn rest(&self, cx: &Cx<'_, T>, reply: &mut Reply);

    /// The MCP answer: the REST body unless the vendor's server shows something else.
    fn tool(&self, cx: &Cx<'_, T>) -> ToolReply {
        let mut reply = Reply::new(200);
        self.rest(cx, &mut reply);
        ToolReply { status: reply.status, value: reply.body, fidelity: reply.fidelity, ..ToolReply::default() }
    }
}

impl<T: Twin> View<T> for Box<dyn View<T>> {
    fn rest(&self, cx: &Cx<'_, T>, reply: &mut Reply) {
        (**self).rest(cx, reply);
    }

    fn tool(&self, cx: &Cx<'_, T>) -> ToolReply {
        (**self).tool(cx)
    }
}

/// A value that is its own JSON on both doors.
#[derive(Debug)]
pub struct Json<S>(pub S);

impl<T: Twin, S: Serialize> View<T> for Json<S> {
    fn rest(&self, _: &Cx<'_, T>, reply: &mut Reply) {
        reply.write_json(&self.0);
    }
}

/// Nothing to say: an empty body.
#[derive(Debug)]
pub struct Empty;

impl<T: Twin> View<T> for Empty {
    fn rest(&self, _: &Cx<'_, T>, _: &mut Reply) {}

    fn tool(&self, _: &Cx<'_, T>) -> ToolReply {
        ToolReply { status: 204, value: b"null".to_vec(), ..ToolReply::default() }
    }
}

/// An answer that is already complete.
impl<T: Twin> View<T> for Reply {
    fn rest(&self, _: &Cx<'_, T>, reply: &mut Reply) {
        *reply = self.clone();
    }
}

/// Everything an action may see.
#[expect(missing_debug_implementations, reason = "holds the whole state and a host")]
pub struct Cx<'a, T: Twin> {
    pub state: &'a mut T::State,
    pub caller: &'a Caller,
    /// The address that the agent used for this session, without a trailing slash.
    pub origin: &'a str,
    /// The vendor path of the request, still encoded; empty for a tool call.
    pub path: &'a str,
    /// The raw query string.
    pub query: &'a str,
    pub headers: &'a [Header],
    /// The raw body, for uploads.
    pub body: &'a [u8],
    /// The files of a multipart body.
    pub files: Vec<File>,
    /// The inputs that every action of the twin has, see [`Twin::COMMON`].
    pub common: Map<String, Value>,
    /// The vendor's documentation anchor of the row that was called.
    pub doc: &'static str,
    /// The request only reads (`GET`, `HEAD`); a tool call may do anything.
    pub reads: bool,
    /// The tool call that is being answered; `None` on the REST door.
    pub tool: Option<&'a ToolCall>,
    pub(crate) host: &'a dyn Host,
    pub(crate) now: Time,
    pub(crate) delta: Option<(Option<Value>, Option<Value>)>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) replayed: bool,
    /// Something of this call is already kept, see [`Cx::attempt`].
    pub(crate) kept: bool,
    /// Another name for the trace than the row's.
    pub(crate) action: Option<&'static str>,
    pub(crate) refusal: Option<String>,
}

impl<T: Twin> Cx<'_, T> {
    /// Virtual time; the same throughout one call.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// The next 64 bits of the session's random stream.
    pub fn random(&self) -> u64 {
        self.host.random()
    }

    /// A request header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Says for the trace what the call changed: rows as the vendor's page describes them, `None` before for a creation,
    /// `None` after for a deletion.
    pub fn changed(&mut self, before: Option<Value>, after: Option<Value>) {
        self.delta = Some((before, after));
    }

    /// Asks the host to send something after the answer has left.
    pub fn deliver(&mut self, delivery: Delivery) {
        self.deliveries.push(delivery);
    }

    /// Makes one change of several: it stays when it succeeds and is taken back when it fails, whatever becomes of the others.
    pub fn attempt<R, E>(&mut self, change: impl FnOnce(&mut Self) -> Result<R, E>) -> Result<R, E> {
        let (delta, deliveries) = (self.delta.clone(), self.deliveries.len());
        let outcome = change(self);
        if outcome.is_ok() {
            T::settle(self);
            self.kept |= session::changed(self.state);
            session::commit(self.state);
        } else {
            session::rollback(self.state);
            self.delta = delta;
            self.deliveries.truncate(deliveries);
        }
        outcome
    }

    /// Names the operation for the trace, on a door whose rows lead to many operations.
    pub fn acts(&mut self, name: &'static str) {
        self.action = Some(name);
    }

    /// Says for the trace that the answer is a refusal although it is written like a success.
    pub fn refuses(&mut self, message: &str) {
        self.refusal = Some(message.to_owned());
    }

    /// Marks this answer as the stored one of an earlier call.
    pub fn replayed(&mut self) {
        self.replayed = true;
    }
}
