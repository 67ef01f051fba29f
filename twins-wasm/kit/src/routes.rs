//! The REST table and how a request finds its row.

use serde_json::Value;

use crate::action::{Action, Cx, View};
use crate::describe::Inputs;
use crate::envelope::{Fidelity, Request};
use crate::form::{self, File, Form};
use crate::input::{Input, InputError, Place, pairs, percent_decode};
use crate::reply::Reply;
use crate::twin::{Twin, Undeclared};

/// How a route reads its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// Not read.
    None,
    /// Must be a JSON object.
    Json,
    /// A JSON object, or nothing usable, which counts as `{}`.
    Optional,
    /// JSON or a form, as the content type says; what cannot be read counts as empty. See [`crate::form`].
    Form,
    /// A JSON object, or a bare array that counts as the named member.
    ArrayAs(&'static str),
    /// Bytes, left to the action (`cx.body`).
    Raw,
}

/// What went wrong before the action ran, or in it.
#[derive(Debug)]
pub enum Failure<E> {
    /// The body is not the JSON that the route needs.
    MalformedBody,
    Input(InputError),
    Refused(E),
}

type Run<T, R> = fn(&mut Cx<'_, T>, Input, u16) -> Result<R, Failure<<T as Twin>::Error>>;

/// One line of the REST table.
#[expect(missing_debug_implementations, reason = "holds function pointers; its description is printable")]
pub struct Route<T: Twin> {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) status: u16,
    pub(crate) body: Body,
    pub(crate) action: &'static str,
    pub(crate) mutates: bool,
    pub(crate) fidelity: Fidelity,
    pub(crate) note: Option<&'static str>,
    pub(crate) doc: &'static str,
    pub(crate) run: Run<T, Reply>,
    pub(crate) inputs: fn() -> Inputs,
}

impl<T: Twin> Route<T> {
    const fn new<A: Action<T>>(method: &'static str, path: &'static str, body: Body) -> Self {
        Self {
            method,
            path,
            status: 200,
            body,
            action: A::NAME,
            mutates: A::MUTATES,
            fidelity: Fidelity::Semantic,
            note: None,
            doc: "",
            run: run::<T, A>,
            inputs: Inputs::of::<A>,
        }
    }

    pub const fn get<A: Action<T>>(path: &'static str) -> Self {
        Self::new::<A>("GET", path, Body::None)
    }

    pub const fn post<A: Action<T>>(path: &'static str) -> Self {
        Self::new::<A>("POST", path, T::BODY)
    }

    pub const fn put<A: Action<T>>(path: &'static str) -> Self {
        Self::new::<A>("PUT", path, T::BODY)
    }

    pub const fn patch<A: Action<T>>(path: &'static str) -> Self {
        Self::new::<A>("PATCH", path, T::BODY)
    }

    pub const fn delete<A: Action<T>>(path: &'static str) -> Self {
        let body = if matches!(T::BODY, Body::Form) { Body::Form } else { Body::Optional };
        Self::new::<A>("DELETE", path, body)
    }

    /// Upper case.
    pub const fn method(&self) -> &'static str {
        self.method
    }

    /// The pattern, as in `/repos/{owner}/{repo}/contents/{path...}`.
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// The status of success; 200 unless said.
    pub const fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub const fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Right keys and types, simplified behaviour; the note says what differs.
    pub const fn shape(mut self, note: &'static str) -> Self {
        self.fidelity = Fidelity::Shape;
        self.note = Some(note);
        self
    }

    /// A remark that does not lower the tier, such as a route that the vendor does not have.
    pub const fn note(mut self, note: &'static str) -> Self {
        self.note = Some(note);
        self
    }

    /// The vendor's documentation anchor.
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }
}

fn run<T: Twin, A: Action<T>>(cx: &mut Cx<'_, T>, mut input: Input, status: u16) -> Result<Reply, Failure<T::Error>> {
    for &name in T::COMMON {
        if let Some(value) = input.take(name) {
            cx.common.insert(name.to_owned(), value);
        }
    }
    if T::UNDECLARED == Undeclared::Refused
        && let Some((name, place)) = input.undeclared(Inputs::names::<A>())
    {
        return Err(Failure::Input(InputError::undeclared(name, place)));
    }
    let action: A = input.decode().map_err(Failure::Input)?;
    let output = action.run(cx).map_err(Failure::Refused)?;
    let mut reply = Reply::new(status);
    output.rest(cx, &mut reply);
    Ok(reply)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(&'static str),
    Name(&'static str),
    /// The rest of the path, slashes included, at least one segment.
    Tail(&'static str),
}

impl Segment {
    fn parse(text: &'static str) -> Self {
        match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            None => Self::Literal(text),
            Some(name) => name.strip_suffix("...").map_or(Self::Name(name), Self::Tail),
        }
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Literal(_) => 0,
            Self::Name(_) => 1,
            Self::Tail(_) => 2,
        }
    }
}

/// The table, prepared: more specific paths first.
#[expect(missing_debug_implementations, reason = "holds routes")]
pub struct Router<T: Twin> {
    rows: Vec<(Vec<Segment>, &'static Route<T>)>,
}

impl<T: Twin> Router<T> {
    pub fn new(routes: &'static [Route<T>]) -> Self {
        let mut rows: Vec<_> = routes
            .iter()
            .map(|route| (route.path.split('/').skip(1).map(Segment::parse).collect::<Vec<_>>(), route))
            .collect();
        rows.sort_by_key(|(segments, _)| segments.iter().map(|segment| segment.rank()).collect::<Vec<_>>());
        Self { rows }
    }

    /// The row for a method and an encoded path, with the path's values decoded. HEAD is answered by GET rows.
    pub fn find(&self, method: &str, path: &str) -> Option<(&'static Route<T>, Input)> {
        let method = if method == "HEAD" { "GET" } else { method };
        let path = path.strip_prefix('/')?;
        let parts: Vec<&str> = path.split('/').collect();
        self.rows
            .iter()
            .filter(|(_, route)| route.method == method)
            .find_map(|(segments, route)| matched(segments, &parts).map(|input| (*route, input)))
    }

    /// Paths of the table that share the most leading segments with `path`, for the answer that says "not modelled".
    pub fn nearest(&self, path: &str) -> Option<(&'static str, &'static str)> {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let score = |segments: &[Segment]| {
            segments
                .iter()
                .zip(&parts)
                .take_while(|(segment, part)| match segment {
                    Segment::Literal(literal) => literal == *part,
                    Segment::Name(_) | Segment::Tail(_) => true,
                })
                .count()
        };
        self.rows
            .iter()
            .map(|(segments, route)| (score(segments), segments.len(), route))
            .filter(|(score, ..)| *score > 0)
            .max_by_key(|(score, length, _)| (*score, std::cmp::Reverse(length.abs_diff(parts.len()))))
            .map(|(_, _, route)| (route.method, route.path))
    }
}

fn matched(segments: &[Segment], parts: &[&str]) -> Option<Input> {
    let tail = matches!(segments.last(), Some(Segment::Tail(_)));
    if parts.len() < segments.len() || (!tail && parts.len() != segments.len()) {
        return None;
    }
    let literals_fit = segments.iter().zip(parts).all(|(segment, part)| match segment {
        Segment::Literal(literal) => literal == part,
        Segment::Name(_) => !part.is_empty(),
        Segment::Tail(_) => true,
    });
    if !literals_fit {
        return None;
    }
    let mut input = Input::default();
    for (at, (segment, part)) in segments.iter().zip(parts).enumerate() {
        match segment {
            Segment::Literal(_) => {}
            Segment::Name(name) => input.put_path(name, percent_decode(part, false)),
            Segment::Tail(name) => {
                let rest = parts.get(at..).unwrap_or_default().join("/");
                if rest.is_empty() {
                    return None;
                }
                input.put_path(name, percent_decode(&rest, false));
            }
        }
    }
    Some(input)
}

/// Adds query and body to the path's values; files are given back.
pub(crate) fn collect<E>(
    mut input: Input,
    body: Body,
    brackets: bool,
    request: &Request,
) -> Result<(Input, Vec<File>), Failure<E>> {
    let (query, bytes) = (&request.query, &request.body);
    if brackets {
        for (name, value) in form::expand(pairs(query)) {
            input.put_json(Place::Query, name, value);
        }
    } else {
        for (name, value) in pairs(query) {
            let name = name.strip_suffix("[]").unwrap_or(&name);
            input.put_query(name, value);
        }
    }
    let value = match body {
        Body::None | Body::Raw => return Ok((input, Vec::new())),
        Body::Form => {
            let Form { members, files } = Form::read(&request.headers, bytes);
            for (name, value) in members {
                input.put_json(Place::Body, name, value);
            }
            return Ok((input, files));
        }
        Body::Optional => serde_json::from_slice(bytes).unwrap_or_default(),
        Body::Json | Body::ArrayAs(_) => serde_json::from_slice(bytes).map_err(|_| Failure::MalformedBody)?,
    };
    match (value, body) {
        (Value::Object(map), _) => {
            for (name, value) in map {
                input.put_json(Place::Body, name, value);
            }
        }
        (Value::Array(items), Body::ArrayAs(name)) => {
            input.put_json(Place::Body, name.to_owned(), Value::Array(items));
        }
        (_, Body::Optional) => {}
        _ => return Err(Failure::MalformedBody),
    }
    Ok((input, Vec::new()))
}
