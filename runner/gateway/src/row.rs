//! One recorded call as one line: keys in the order of the format, bodies copied as raw JSON.

use std::borrow::Cow;

use http::HeaderMap;
use pome_sandbox::{Delta, Fidelity};
use pome_wire::redact::{MARK, Redactor, is_secret_key};
use serde_json::map::Entry;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::json::{Unfit, one_line, push_number, push_optional, push_string};
use crate::uri::decode_form;

/// Most bytes of JSON text that one body may take in a row.
pub(crate) const BODY_CAP: usize = 1 << 20;

/// A body as it goes into a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body<'a> {
    /// There was none, or none that a row shows.
    Null,
    /// Bytes that may be JSON; others count as none.
    MaybeJson(&'a [u8]),
    /// JSON from a twin that is trusted to write it.
    Json(&'a [u8]),
    /// An urlencoded form; shown as an object of its names, decoded, with a list where a name is repeated.
    Form(&'a [u8]),
    /// Anything; shown as a string.
    Text(&'a [u8]),
    /// An MCP call: the tool and its arguments (JSON).
    Tool { name: &'a str, arguments: &'a [u8] },
}

/// Everything a row says.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) run_id: &'a str,
    pub(crate) twin: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) stamps_tool_call: bool,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) request_body: Body<'a>,
    pub(crate) tool: Option<&'a str>,
    pub(crate) status: u16,
    pub(crate) response_body: Body<'a>,
    pub(crate) latency_ms: u64,
    pub(crate) fidelity: Fidelity,
    pub(crate) mutation: bool,
    pub(crate) delta: Option<&'a Delta>,
    pub(crate) replayed: bool,
    pub(crate) error: Option<&'a str>,
}

/// A finished line, and the same without redaction where that says something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// As it goes to disk, without a line end.
    pub(crate) bytes: Vec<u8>,
    /// For the evaluator only.
    pub(crate) raw: Option<Vec<u8>>,
}

/// What every row ends with; the part before it is the plain form of the row.
const TAIL_KIND: &[u8] = br#","kind":"TwinHttpEvent","event_id":""#;
const TAIL_PARENT: &[u8] = br#"","parent_event_id":null}"#;

/// Length of what follows the plain form, for a request id of this length.
pub(crate) const fn tail_length(request_id: usize) -> usize {
    TAIL_KIND.len() + request_id + TAIL_PARENT.len()
}

pub(crate) const CORRELATION: &str = "x-pome-correlation-id";
const STEP: &str = "x-pome-scenario-step-id";

impl Row<'_> {
    /// Writes the row as of `ts`.
    pub(crate) fn line(&self, redactor: &Redactor, ts: &str) -> Line {
        let request = Prepared::new(self.request_body);
        let response = Prepared::new(self.response_body);
        let mut shown = Writer { redactor: Some(redactor), changed: false };
        let bytes = self.write(&mut shown, ts, &request, &response);
        let raw = (shown.changed || request.is_capped() || response.is_capped())
            .then(|| self.write(&mut Writer { redactor: None, changed: false }, ts, &request, &response));
        Line { bytes, raw }
    }

    fn write(&self, writer: &mut Writer<'_>, ts: &str, request: &Prepared<'_>, response: &Prepared<'_>) -> Vec<u8> {
        let header = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        let correlation = header(CORRELATION);
        let step = header(STEP);
        let mut out = Vec::with_capacity(1024 + request.len() + response.len());
        out.extend_from_slice(br#"{"ts":""#);
        out.extend_from_slice(ts.as_bytes());
        out.extend_from_slice(br#"","run_id":"#);
        push_string(&mut out, self.run_id);
        out.extend_from_slice(br#","twin":"#);
        push_string(&mut out, self.twin);
        out.extend_from_slice(br#","request_id":"#);
        push_string(&mut out, self.request_id);
        out.extend_from_slice(br#","correlation_id":"#);
        writer.text(&mut out, correlation.unwrap_or(self.request_id));
        out.extend_from_slice(br#","task_step_id":"#);
        writer.optional(&mut out, step);
        out.extend_from_slice(br#","scenario_step_id":"#);
        writer.optional(&mut out, step);
        out.extend_from_slice(br#","step_id":null,"tool_call_id":"#);
        writer.optional(&mut out, correlation.filter(|_| self.stamps_tool_call));
        out.extend_from_slice(br#","method":"#);
        push_string(&mut out, self.method);
        out.extend_from_slice(br#","path":"#);
        writer.text(&mut out, self.path);
        if !self.query.is_empty() {
            out.extend_from_slice(br#","query":"#);
            writer.query(&mut out, self.query);
        }
        out.extend_from_slice(br#","request_body":"#);
        writer.body(&mut out, request);
        out.extend_from_slice(br#","request_headers":"#);
        writer.headers(&mut out, self.headers);
        out.extend_from_slice(br#","tool":"#);
        writer.optional(&mut out, self.tool);
        out.extend_from_slice(br#","status":"#);
        push_number(&mut out, self.status.into());
        out.extend_from_slice(br#","response_body":"#);
        writer.body(&mut out, response);
        out.extend_from_slice(br#","latency_ms":"#);
        push_number(&mut out, self.latency_ms);
        out.extend_from_slice(br#","fidelity":"#);
        out.extend_from_slice(match self.fidelity {
            // The format knows two words; a simplified answer is modelled.
            Fidelity::Semantic | Fidelity::Shape => br#""semantic""#,
            Fidelity::Unsupported => br#""unsupported""#,
        });
        out.extend_from_slice(br#","state_mutation":"#);
        out.extend_from_slice(if self.mutation { b"true" } else { b"false" });
        out.extend_from_slice(br#","state_delta":"#);
        writer.delta(&mut out, self.delta);
        if self.replayed {
            out.extend_from_slice(br#","idempotency_dedupe":true"#);
        }
        out.extend_from_slice(br#","error":"#);
        writer.optional(&mut out, self.error);
        out.extend_from_slice(TAIL_KIND);
        out.extend_from_slice(self.request_id.as_bytes());
        out.extend_from_slice(TAIL_PARENT);
        out
    }
}

/// A form as a JSON object.
fn form(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let mut names: Map<String, Value> = Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = Value::String(decode_form(value).into_owned());
        match names.entry(decode_form(name)) {
            Entry::Vacant(free) => {
                free.insert(value);
            }
            Entry::Occupied(mut taken) => match taken.get_mut() {
                Value::Array(all) => all.push(value),
                one => *one = Value::Array(vec![one.take(), value]),
            },
        }
    }
    Value::Object(names).to_string().into_bytes()
}

/// A body on one line, or a mark that stands for it.
enum Prepared<'a> {
    Json(Cow<'a, [u8]>),
    /// Shown as the mark, raw as it is.
    Capped {
        json: Cow<'a, [u8]>,
        mark: Vec<u8>,
    },
    /// Shown as the mark in both views.
    Marked(Vec<u8>),
}

impl<'a> Prepared<'a> {
    fn new(body: Body<'a>) -> Self {
        let json: Cow<'a, [u8]> = match body {
            Body::Null => Cow::Borrowed(b"null"),
            Body::MaybeJson(bytes) | Body::Json(bytes) => match one_line(bytes, matches!(body, Body::Json(_))) {
                Ok(json) if json.is_empty() => Cow::Borrowed(b"null"),
                Ok(json) => json,
                Err(Unfit::NotJson) => Cow::Borrowed(b"null"),
                Err(Unfit::TooDeep) => return Self::Marked(mark(bytes)),
            },
            Body::Form(bytes) => Cow::Owned(form(bytes)),
            Body::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => {
                    let mut out = Vec::with_capacity(text.len() + 16);
                    push_string(&mut out, text);
                    Cow::Owned(out)
                }
                Err(_) => return Self::Marked(mark(bytes)),
            },
            Body::Tool { name, arguments } => {
                let arguments = match one_line(arguments, false) {
                    Ok(arguments) => arguments,
                    Err(Unfit::NotJson) => Cow::Borrowed(&b"{}"[..]),
                    Err(Unfit::TooDeep) => Cow::Owned(mark(arguments)),
                };
                let mut out = Vec::with_capacity(arguments.len() + name.len() + 32);
                out.extend_from_slice(br#"{"tool":"#);
                push_string(&mut out, name);
                out.extend_from_slice(br#","arguments":"#);
                out.extend_from_slice(&arguments);
                out.push(b'}');
                Cow::Owned(out)
            }
        };
        if json.len() > BODY_CAP {
            let mark = mark(&json);
            return Self::Capped { json, mark };
        }
        Self::Json(json)
    }

    fn len(&self) -> usize {
        match self {
            Self::Json(json) => json.len(),
            Self::Capped { mark, .. } | Self::Marked(mark) => mark.len(),
        }
    }

    const fn is_capped(&self) -> bool {
        matches!(self, Self::Capped { .. })
    }
}

fn mark(bytes: &[u8]) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(hex, "{byte:02x}");
    }
    format!(r#"{{"_pome_truncated":true,"bytes":{},"sha256":"{hex}"}}"#, bytes.len()).into_bytes()
}

/// Writes values, redacted or raw, and remembers whether redaction changed one that an evaluator looks at.
struct Writer<'a> {
    redactor: Option<&'a Redactor>,
    changed: bool,
}

impl Writer<'_> {
    fn text(&mut self, out: &mut Vec<u8>, text: &str) {
        let Some(redactor) = self.redactor else {
            return push_string(out, text);
        };
        let shown = redactor.text(text);
        self.changed |= matches!(shown, Cow::Owned(_));
        push_string(out, &shown);
    }

    fn optional(&mut self, out: &mut Vec<u8>, text: Option<&str>) {
        match text {
            Some(text) => self.text(out, text),
            None => push_optional(out, None),
        }
    }

    fn json(&mut self, out: &mut Vec<u8>, json: &[u8]) {
        let Some(redactor) = self.redactor else {
            return out.extend_from_slice(json);
        };
        let shown = redactor.json_bytes(json);
        self.changed |= matches!(shown, Cow::Owned(_));
        out.extend_from_slice(&shown);
    }

    fn body(&mut self, out: &mut Vec<u8>, body: &Prepared<'_>) {
        match body {
            Prepared::Json(json) => self.json(out, json),
            Prepared::Capped { json, mark } => {
                out.extend_from_slice(if self.redactor.is_some() { mark } else { json });
            }
            Prepared::Marked(mark) => out.extend_from_slice(mark),
        }
    }

    fn delta(&mut self, out: &mut Vec<u8>, delta: Option<&Delta>) {
        let Some(delta) = delta else {
            return out.extend_from_slice(b"null");
        };
        out.extend_from_slice(br#"{"before":"#);
        self.side(out, delta.before.as_deref());
        out.extend_from_slice(br#","after":"#);
        self.side(out, delta.after.as_deref());
        out.push(b'}');
    }

    fn side(&mut self, out: &mut Vec<u8>, side: Option<&[u8]>) {
        self.body(out, &Prepared::new(side.map_or(Body::Null, Body::MaybeJson)));
    }

    fn query(&mut self, out: &mut Vec<u8>, query: &str) {
        let mut names: Vec<(Cow<'_, str>, Vec<Cow<'_, str>>)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode_form(name), decode_form(value));
            match names.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => names.push((name, vec![value])),
            }
        }
        out.push(b'{');
        for (index, (name, values)) in names.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            push_string(out, name);
            out.push(b':');
            match (values.as_slice(), is_secret_key(name)) {
                (_, true) if self.redactor.is_some() => {
                    self.changed = true;
                    push_string(out, MARK);
                }
                ([value], _) => self.text(out, value),
                (values, _) => {
                    out.push(b'[');
                    for (index, value) in values.iter().enumerate() {
                        if index > 0 {
                            out.push(b',');
                        }
                        self.text(out, value);
                    }
                    out.push(b']');
                }
            }
        }
        out.push(b'}');
    }

    /// Header values stay redacted in both views: no check reads the token of a call.
    fn headers(&mut self, out: &mut Vec<u8>, headers: &HeaderMap) {
        let general = Redactor::default();
        let redactor = self.redactor.unwrap_or(&general);
        out.push(b'{');
        for (index, name) in headers.keys().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            push_string(out, name.as_str());
            out.push(b':');
            if is_secret_key(name.as_str()) {
                push_string(out, MARK);
                continue;
            }
            let mut values = headers.get_all(name).iter();
            let first = values.next().map_or(Cow::Borrowed(""), |value| String::from_utf8_lossy(value.as_bytes()));
            let joined = values.fold(first, |mut joined, value| {
                joined.to_mut().push_str(", ");
                joined.to_mut().push_str(&String::from_utf8_lossy(value.as_bytes()));
                joined
            });
            push_string(out, &redactor.text(&joined));
        }
        out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row<'a>(headers: &'a HeaderMap, request_body: Body<'a>, response_body: Body<'a>) -> Row<'a> {
        Row {
            run_id: "run_1",
            twin: "tiny",
            request_id: "req_1",
            stamps_tool_call: true,
            method: "POST",
            path: "/s/a/things",
            query: "",
            headers,
            request_body,
            tool: Some("create_thing"),
            status: 201,
            response_body,
            latency_ms: 3,
            fidelity: Fidelity::Shape,
            mutation: true,
            delta: None,
            replayed: false,
            error: None,
        }
    }

    const TS: &str = "2026-05-01T10:00:01.250Z";

    fn value(bytes: &[u8]) -> Value {
        serde_json::from_slice(bytes).unwrap()
    }

    #[test]
    fn a_form_is_shown_by_its_names_without_secrets() {
        let headers = HeaderMap::new();
        let body = Body::Form(b"charge=ch_1&metadata%5Bk%5D=a+b&expand[]=x&expand[]=y&token=abc&flag");
        let line = row(&headers, body, Body::Null).line(&Redactor::default(), TS);
        assert_eq!(
            value(&line.bytes)["request_body"],
            json!({ "charge": "ch_1", "metadata[k]": "a b", "expand[]": ["x", "y"], "token": MARK, "flag": "" })
        );
        assert_eq!(value(&line.raw.unwrap())["request_body"]["token"], "abc");
    }

    #[test]
    fn a_row_has_the_keys_of_the_format_in_their_order() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer x".parse().unwrap());
        headers.insert("x-pome-correlation-id", "toolu_01".parse().unwrap());
        headers.append("x-twice", "a".parse().unwrap());
        headers.append("x-twice", "b".parse().unwrap());
        let delta = Delta { before: None, after: Some(br#"{"n":1}"#.to_vec()) };
        let row = Row {
            delta: Some(&delta),
            query: "q=a+b&per_page=2&q=%C3%A9",
            replayed: true,
            ..row(&headers, Body::MaybeJson(b"{ \"a\":\n1 }"), Body::Json(b"[2]"))
        };
        let line = row.line(&Redactor::default(), TS);
        assert_eq!(
            String::from_utf8(line.bytes).unwrap(),
            concat!(
                r#"{"ts":"2026-05-01T10:00:01.250Z","run_id":"run_1","twin":"tiny","request_id":"req_1","#,
                r#""correlation_id":"toolu_01","task_step_id":null,"scenario_step_id":null,"step_id":null,"#,
                r#""tool_call_id":"toolu_01","method":"POST","path":"/s/a/things","#,
                r#""query":{"q":["a b","é"],"per_page":"2"},"request_body":{"a":1},"#,
                r#""request_headers":{"authorization":"[REDACTED]","x-pome-correlation-id":"toolu_01","x-twice":"a, b"},"#,
                r#""tool":"create_thing","status":201,"response_body":[2],"latency_ms":3,"fidelity":"semantic","#,
                r#""state_mutation":true,"state_delta":{"before":null,"after":{"n":1}},"idempotency_dedupe":true,"#,
                r#""error":null,"kind":"TwinHttpEvent","event_id":"req_1","parent_event_id":null}"#,
            )
        );
        assert_eq!(line.raw, None, "nothing that a check reads was redacted");
    }

    #[test]
    fn the_tail_has_the_length_it_is_cut_by() {
        let headers = HeaderMap::new();
        let line = row(&headers, Body::Null, Body::Null).line(&Redactor::default(), TS);
        let plain = &line.bytes[..line.bytes.len() - tail_length("req_1".len())];
        let plain = value(&[plain, b"}"].concat());
        assert!(plain.get("kind").is_none() && plain.get("event_id").is_none());
        assert_eq!(plain["error"], Value::Null);
    }

    #[test]
    fn secrets_stay_out_of_the_line_and_in_the_raw_view() {
        let headers = HeaderMap::new();
        let line = Row {
            query: "token=abc&q=x",
            ..row(&headers, Body::MaybeJson(br#"{"password":"p"}"#), Body::Text(b"key sk-prod-7f3a9b2c4d5e6f81"))
        }
        .line(&Redactor::default(), TS);
        let shown = value(&line.bytes);
        assert_eq!(shown["request_body"], json!({ "password": MARK }));
        assert_eq!(shown["response_body"], json!("key [REDACTED]"));
        assert_eq!(shown["query"], json!({ "token": MARK, "q": "x" }));
        let raw = value(&line.raw.unwrap());
        assert_eq!(raw["request_body"], json!({ "password": "p" }));
        assert_eq!(raw["response_body"], json!("key sk-prod-7f3a9b2c4d5e6f81"));
    }

    #[test]
    fn a_body_that_is_too_large_or_too_deep_is_replaced_by_a_mark() {
        let headers = HeaderMap::new();
        let large = serde_json::to_vec(&"x".repeat(BODY_CAP)).unwrap();
        let deep = [b"[".repeat(5000), b"]".repeat(5000)].concat();
        let line = row(&headers, Body::MaybeJson(&deep), Body::Json(&large)).line(&Redactor::default(), TS);
        let shown = value(&line.bytes);
        assert_eq!(shown["request_body"]["bytes"], json!(10_000));
        assert_eq!(shown["response_body"]["_pome_truncated"], json!(true));
        assert_eq!(shown["response_body"]["bytes"], json!(large.len()));
        assert_eq!(shown["response_body"]["sha256"].as_str().unwrap().len(), 64);
        assert_eq!(value(&line.raw.unwrap())["response_body"].as_str().unwrap().len(), BODY_CAP);
    }

    #[test]
    fn bodies_that_are_not_json_are_null_or_text() {
        let headers = HeaderMap::new();
        let line =
            row(&headers, Body::MaybeJson(b"{oops"), Body::Text("ü\n".as_bytes())).line(&Redactor::default(), TS);
        let shown = value(&line.bytes);
        assert_eq!(shown["request_body"], Value::Null);
        assert_eq!(shown["response_body"], json!("ü\n"));
        assert!(!line.bytes.contains(&b'\n'));
    }
}
