//! The vendor's description: which operations there are, what they take, and whether an answer is one that they give.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// What `operations.json` holds.
pub(crate) struct Vendor {
    operations: Map<String, Value>,
    payloads: Map<String, Value>,
    definitions: Map<String, Value>,
    validators: BTreeMap<String, Validator>,
    /// Every definition that an answer was held to, with the members that were ever sent for it.
    pub(crate) sent: BTreeMap<String, BTreeSet<String>>,
}

/// A path with its parameters' names taken out, so that the twin's and the vendor's can be compared.
pub(crate) fn address(method: &str, path: &str) -> String {
    let segment = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
    let path: Vec<_> = path.split('/').map(segment).collect();
    format!("{method} {}", path.join("/"))
}

impl Vendor {
    pub(crate) fn new() -> Self {
        let document: Value = serde_json::from_str(include_str!("operations.json")).unwrap();
        let table = |name: &str| document[name].as_object().unwrap().clone();
        Self {
            operations: table("operations"),
            payloads: table("payloads"),
            definitions: table("definitions"),
            validators: BTreeMap::new(),
            sent: BTreeMap::new(),
        }
    }

    pub(crate) fn knows(&self, address: &str) -> bool {
        self.operations.contains_key(address)
    }

    /// The names that an operation takes in its query and body, with the words allowed for each that has such a list.
    pub(crate) fn inputs(&self, address: &str) -> BTreeMap<String, Vec<String>> {
        let Some(operation) = self.operations.get(address) else { return BTreeMap::new() };
        let mut inputs: Vec<(&String, &Value)> = operation["query"].as_object().unwrap().iter().collect();
        for shape in self.shapes(&operation["body"]) {
            inputs
                .extend(shape.members.into_iter().flat_map(|(name, all)| all.into_iter().map(move |one| (name, one))));
        }
        let mut table: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, schema) in inputs {
            let schema = self.resolved(schema);
            let words = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
            table.entry(name.clone()).or_default().extend(words);
        }
        table
    }

    /// What is wrong with an answer: violations of the schema, and members that the schema does not know.
    pub(crate) fn complaints(&mut self, address: &str, status: u16, body: &[u8]) -> Vec<String> {
        let Some(operation) = self.operations.get(address) else {
            return if status < 400 { Vec::new() } else { self.against(&failure(status, None), body) };
        };
        let declared = operation["responses"].get(status.to_string()).cloned();
        let schema = match declared {
            Some(Value::Null) if status < 400 => {
                let silent = body.is_empty();
                return if silent { Vec::new() } else { vec!["sends a body, the vendor sends none".to_owned()] };
            }
            None if status < 400 => return vec![format!("answers {status}, which the vendor does not declare")],
            Some(schema) if status < 400 => schema,
            declared => failure(status, declared.filter(|schema| !schema.is_null())),
        };
        self.against(&schema, body)
    }

    /// What is wrong with a payload for webhooks; `name` is `push` or `issues.opened`.
    pub(crate) fn complaints_about_payload(&mut self, name: &str, payload: &[u8]) -> Vec<String> {
        let Some(schema) = self.payloads.get(name).cloned() else {
            return vec!["is no event of the vendor's; see EVENTS in trim.mjs".to_owned()];
        };
        self.against(&schema, payload)
    }

    fn against(&mut self, schema: &Value, body: &[u8]) -> Vec<String> {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return vec![format!("is not JSON: {}", String::from_utf8_lossy(body))];
        };
        let key = schema.to_string();
        if !self.validators.contains_key(&key) {
            let validator = self.compile(schema);
            self.validators.insert(key.clone(), validator);
        }
        let violations = self.validators[&key].iter_errors(&body).map(|error| {
            let (at, text) = (error.instance_path().to_string(), error.to_string());
            let text: String = text.chars().take(300).collect();
            format!("{at}: {text}")
        });
        let mut complaints: Vec<String> = violations.collect();
        let mut unknown = Vec::new();
        self.strangers(&[schema], &body, "", &mut unknown);
        complaints.extend(unknown.into_iter().map(|at| format!("{at}: not a member of the vendor's")));
        let mut sent = std::mem::take(&mut self.sent);
        self.note(schema, &body, &mut sent);
        self.sent = sent;
        complaints
    }

    /// With the definitions that the schema needs and no others.
    fn compile(&self, schema: &Value) -> Validator {
        let mut needed = BTreeSet::new();
        self.needs(schema, &mut needed);
        let definitions: Map<String, Value> =
            needed.into_iter().map(|name| (name.clone(), self.definitions[&name].clone())).collect();
        let whole = json!({ "allOf": [schema], "definitions": definitions });
        jsonschema::options().with_draft(Draft::Draft7).should_validate_formats(true).build(&whole).unwrap()
    }

    fn needs(&self, schema: &Value, needed: &mut BTreeSet<String>) {
        match schema {
            Value::Object(members) => {
                if let Some(name) = reference(schema)
                    && needed.insert(name.to_owned())
                {
                    self.needs(&self.definitions[name], needed);
                }
                members.values().for_each(|value| self.needs(value, needed));
            }
            Value::Array(items) => items.iter().for_each(|item| self.needs(item, needed)),
            _ => {}
        }
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        reference(schema).map_or(schema, |name| self.resolved(&self.definitions[name]))
    }

    /// The places of members that none of the schemas knows, as JSON pointers with `*` for any index.
    fn strangers(&self, schemas: &[&Value], value: &Value, at: &str, found: &mut Vec<String>) {
        let mut shapes = vec![Shape::default()];
        for schema in schemas {
            shapes = product(&shapes, &self.shapes(schema));
        }
        let mut best: Option<Vec<String>> = None;
        for shape in &shapes {
            let mut here = Vec::new();
            match value {
                Value::Object(members) => {
                    for (name, member) in members {
                        match shape.members.get(name) {
                            Some(schemas) => self.strangers(schemas, member, &format!("{at}/{name}"), &mut here),
                            None if shape.open => {}
                            None => here.push(format!("{at}/{name}")),
                        }
                    }
                }
                Value::Array(items) if !shape.items.is_empty() => {
                    for item in items {
                        self.strangers(&shape.items, item, &format!("{at}/*"), &mut here);
                    }
                }
                _ => {}
            }
            if best.as_ref().is_none_or(|best| here.len() < best.len()) {
                best = Some(here);
            }
        }
        for place in best.unwrap_or_default() {
            if !found.contains(&place) {
                found.push(place);
            }
        }
    }

    /// Remembers which members were sent for the definitions that are named on the way.
    fn note(&self, schema: &Value, value: &Value, sent: &mut BTreeMap<String, BTreeSet<String>>) {
        if let (Some(name), Value::Object(members)) = (reference(schema), value) {
            sent.entry(name.to_owned()).or_default().extend(members.keys().cloned());
        }
        for shape in self.shapes(schema) {
            match value {
                Value::Object(members) => {
                    for (name, member) in members {
                        for schema in shape.members.get(name).into_iter().flatten() {
                            self.note(schema, member, sent);
                        }
                    }
                }
                Value::Array(items) => {
                    for (item, schema) in items.iter().flat_map(|item| shape.items.iter().map(move |one| (item, *one)))
                    {
                        self.note(schema, item, sent);
                    }
                }
                _ => {}
            }
        }
    }

    /// For every definition that was answered: the members that the vendor knows and the twin never sent.
    pub(crate) fn never_sent(&self) -> BTreeMap<String, Vec<String>> {
        let missing = |(name, sent): (&String, &BTreeSet<String>)| {
            let known = self.shapes(&self.definitions[name]);
            let known: BTreeSet<&String> = known.iter().flat_map(|shape| shape.members.keys().copied()).collect();
            (name.clone(), known.into_iter().filter(|member| !sent.contains(*member)).cloned().collect::<Vec<_>>())
        };
        self.sent.iter().map(missing).filter(|(_, missing)| !missing.is_empty()).collect()
    }

    /// The forms that a schema allows: one for each way through its alternatives.
    fn shapes<'a>(&'a self, schema: &'a Value) -> Vec<Shape<'a>> {
        let schema = self.resolved(schema);
        let Value::Object(members) = schema else { return vec![Shape { open: true, ..Shape::default() }] };
        let mut own = Shape::default();
        for (name, member) in members.get("properties").and_then(Value::as_object).into_iter().flatten() {
            own.members.entry(name).or_default().push(member);
        }
        let combined = ["allOf", "anyOf", "oneOf"].iter().any(|key| members.contains_key(*key));
        own.open = match members.get("additionalProperties") {
            Some(Value::Bool(open)) => *open,
            Some(_) => true,
            None => own.members.is_empty() && !combined,
        };
        own.items.extend(members.get("items"));
        let mut shapes = vec![own];
        for part in members.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            shapes = product(&shapes, &self.shapes(part));
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(parts) = members.get(key).and_then(Value::as_array) {
                let alternatives: Vec<_> = parts.iter().flat_map(|part| self.shapes(part)).collect();
                shapes = product(&shapes, &alternatives);
            }
        }
        shapes
    }
}

/// The vendor's schema for a failure: the operation's own, or the general ones, which the vendor answers undeclared as well.
fn failure(status: u16, declared: Option<Value>) -> Value {
    let named = |name: &str| json!({ "$ref": format!("#/definitions/{name}") });
    let general = match status {
        422 => vec![named("validation-error"), named("validation-error-simple"), named("basic-error")],
        _ => vec![named("basic-error")],
    };
    json!({ "anyOf": declared.into_iter().chain(general).collect::<Vec<_>>() })
}

fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/definitions/")
}

#[derive(Default, Clone)]
struct Shape<'a> {
    members: BTreeMap<&'a String, Vec<&'a Value>>,
    items: Vec<&'a Value>,
    /// Takes any further member.
    open: bool,
}

fn product<'a>(left: &[Shape<'a>], right: &[Shape<'a>]) -> Vec<Shape<'a>> {
    let merged = |one: &Shape<'a>, other: &Shape<'a>| {
        let mut shape = one.clone();
        for (name, schemas) in &other.members {
            shape.members.entry(name).or_default().extend(schemas);
        }
        shape.items.extend(&other.items);
        shape.open |= other.open;
        shape
    };
    left.iter().flat_map(|one| right.iter().map(move |other| merged(one, other))).collect()
}
