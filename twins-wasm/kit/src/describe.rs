//! From the tables to the description that the host reads. Mirrors `wit/twin/describe.wit`.

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::checks::{self, CheckRow};
use crate::envelope::{Fidelity, Header};
use crate::twin::Twin;

/// A seed that the twin brings with it.
#[derive(Debug, Clone, Copy)]
pub struct NamedSeed {
    pub name: &'static str,
    pub summary: &'static str,
    pub json: &'static str,
}

/// Everything that the host has to know and that is not a table.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    pub title: &'static str,
    pub implementation: &'static str,
    pub version: &'static str,
    pub default_port: u16,
    pub root_mount: bool,
    /// Beginnings of paths under which [`Twin::canonical_path`] finds the same routes.
    pub mounts: Vec<&'static str>,
    /// Hosts of the vendor, with what their paths are found under from the session root.
    pub hosts: Vec<(&'static str, &'static str)>,
    pub clockwork: bool,
    pub call_aliases: bool,
    pub call_forms: bool,
    pub records_admin: bool,
    pub stamps_tool_call: bool,
    pub health: Value,
    pub session_health: Vec<&'static str>,
    pub extras: Vec<(&'static str, Value)>,
    pub reset_answer: Value,
    pub tokens: Tokens,
    pub variables: Vec<Variable>,
    pub refusals: Vec<Refusal>,
    pub faults: Vec<Fault>,
    pub private_state: Vec<&'static str>,
}

/// How tokens reach the twin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    pub schemes: Vec<String>,
    pub any_case: bool,
    pub bare: bool,
    pub query: Option<String>,
    pub form: Option<String>,
    pub prefixes: Vec<String>,
    /// Claims that identify the vendor user, with the value that a local run puts in.
    pub claims: Vec<(String, String)>,
    /// Beginnings of the credentials that [`Twin::authenticate`] may know.
    pub kept: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    pub value: VariableValue,
}

/// Where the content of a variable comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariableValue {
    SessionToken,
    RestUrl,
    McpUrl,
}

/// A fixed answer of the gateway, in the vendor's shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub case: &'static str,
    pub status: u16,
    pub headers: Vec<Header>,
    pub body: Value,
}

/// A fault that can be switched on by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub name: &'static str,
    pub status: u16,
    pub headers: Vec<Header>,
    pub body: Value,
    pub after_handler: bool,
    pub delay_ms: u32,
}

/// One input of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputRow {
    pub name: String,
    pub place: &'static str,
    pub kind: &'static str,
    pub required: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteRow {
    pub method: &'static str,
    pub path: &'static str,
    pub action: &'static str,
    pub mutates: bool,
    pub fidelity: Fidelity,
    pub note: Option<&'static str>,
    pub inputs: Vec<InputRow>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ToolRow {
    pub name: &'static str,
    pub action: &'static str,
    pub mutates: bool,
    pub fidelity: Fidelity,
    pub note: Option<&'static str>,
    pub listing: Value,
}

/// Everything, as the host gets it.
#[derive(Debug, Clone)]
pub struct Description {
    pub id: &'static str,
    pub identity: Identity,
    pub routes: Vec<RouteRow>,
    pub tools: Vec<ToolRow>,
    pub seeds: Vec<NamedSeed>,
    pub checks: Vec<CheckRow>,
    pub checks_digest: String,
}

pub fn describe<T: Twin>() -> Description {
    let checks = checks::rows::<T>();
    let checks_digest = checks::digest(&checks);
    Description {
        id: T::ID,
        identity: T::identity(),
        routes: T::ROUTES.iter().map(route_row).collect(),
        tools: tool_rows::<T>(),
        seeds: T::SEEDS.to_vec(),
        checks,
        checks_digest,
    }
}

fn route_row<T: Twin>(route: &crate::routes::Route<T>) -> RouteRow {
    let in_path: Vec<&str> = route
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| name.strip_suffix("...").unwrap_or(name))
        .collect();
    let elsewhere = if matches!(route.method, "GET" | "HEAD") { "query" } else { "body" };
    let inputs = (route.inputs)()
        .0
        .into_iter()
        .map(|field| InputRow {
            place: if in_path.contains(&field.name) { "path" } else { elsewhere },
            name: field.name.to_owned(),
            kind: field.kind,
            required: field.required,
        })
        .collect();
    RouteRow {
        method: route.method,
        path: route.path,
        action: route.action,
        mutates: route.mutates,
        fidelity: route.fidelity,
        note: route.note,
        inputs,
    }
}

/// The tools in table order. A row without a listing is a fault of the twin; the kit's test helper finds it before a host does.
fn tool_rows<T: Twin>() -> Vec<ToolRow> {
    let listings: Vec<Value> =
        T::TOOL_LISTINGS.iter().flat_map(|text| serde_json::from_str::<Vec<Value>>(text).unwrap_or_default()).collect();
    let listing = |name: &str| {
        let known = listings.iter().find(|listing| listing.get("name").and_then(Value::as_str) == Some(name)).cloned();
        known.unwrap_or(Value::Null)
    };
    T::TOOLS
        .iter()
        .map(|tool| ToolRow {
            name: tool.name,
            action: tool.action,
            mutates: tool.mutates,
            fidelity: tool.fidelity,
            note: tool.note,
            listing: listing(tool.name),
        })
        .collect()
}

/// The declared fields of an action, found by letting it decode itself from a source that only watches.
#[derive(Debug, Clone, Default)]
pub struct Inputs(pub(crate) Vec<Field>);

#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) required: bool,
}

impl Inputs {
    /// The names alone.
    pub fn names<A: DeserializeOwned>() -> &'static [&'static str] {
        match A::deserialize(Watch::Names) {
            Err(Seen::Names(names)) => names,
            _ => &[],
        }
    }

    pub fn of<A: DeserializeOwned>() -> Self {
        let Err(Seen::Names(names)) = A::deserialize(Watch::Names) else { return Self::default() };
        let fields = names
            .iter()
            .map(|&name| {
                let kind = match A::deserialize(Watch::Kind(name)) {
                    Err(Seen::Kind(kind)) => kind,
                    _ => "any",
                };
                let required = A::deserialize(Watch::Without(name, names)).is_err_and(|seen| seen.is_missing(name));
                Field { name, kind, required }
            })
            .collect();
        Self(fields)
    }
}

/// What the watching deserializer is after.
#[derive(Clone, Copy)]
enum Watch {
    Names,
    /// The type that this field asks for.
    Kind(&'static str),
    /// Whether decoding complains when this field is absent and the others are null or plausible.
    Without(&'static str, &'static [&'static str]),
}

#[derive(Debug)]
enum Seen {
    Names(&'static [&'static str]),
    Kind(&'static str),
    Missing(&'static str),
    Other,
}

impl Seen {
    fn is_missing(&self, name: &str) -> bool {
        matches!(self, Self::Missing(missing) if *missing == name)
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Seen {}

impl de::Error for Seen {
    fn custom<M: std::fmt::Display>(_: M) -> Self {
        Self::Other
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

impl<'de> de::Deserializer<'de> for Watch {
    type Error = Seen;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Seen> {
        Err(Seen::Other)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Seen> {
        match self {
            Self::Names => Err(Seen::Names(fields)),
            Self::Kind(name) => visitor.visit_map(Fields { names: vec![name], plausible: false, at: 0 }),
            Self::Without(name, all) => {
                // The field in question comes last in the complaint only if nothing before it fails, so the others are
                // answered with plausible values.
                let names = all.iter().copied().filter(|other| *other != name).collect();
                visitor.visit_map(Fields { names, plausible: true, at: 0 })
            }
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Fields {
    names: Vec<&'static str>,
    plausible: bool,
    at: usize,
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Seen;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Seen> {
        let Some(name) = self.names.get(self.at) else { return Ok(None) };
        self.at += 1;
        let key: StrDeserializer<'_, Seen> = (*name).into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: de::DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Seen> {
        seed.deserialize(Asked { plausible: self.plausible })
    }
}

/// Answers a field: with an error that names its kind, or with a plausible value.
struct Asked {
    plausible: bool,
}

macro_rules! asked {
    ($($method:ident $kind:literal $visit:ident $($value:expr)?;)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Seen> {
            if self.plausible { visitor.$visit($($value)?) } else { Err(Seen::Kind($kind)) }
        }
    )* };
}

impl<'de> de::Deserializer<'de> for Asked {
    type Error = Seen;

    asked! {
        deserialize_any "any" visit_unit;
        deserialize_bool "boolean" visit_bool false;
        deserialize_i8 "integer" visit_i8 1; deserialize_i16 "integer" visit_i16 1;
        deserialize_i32 "integer" visit_i32 1; deserialize_i64 "integer" visit_i64 1;
        deserialize_u8 "integer" visit_u8 1; deserialize_u16 "integer" visit_u16 1;
        deserialize_u32 "integer" visit_u32 1; deserialize_u64 "integer" visit_u64 1;
        deserialize_f32 "number" visit_f32 1.0; deserialize_f64 "number" visit_f64 1.0;
        deserialize_char "string" visit_char 'x';
        deserialize_str "string" visit_borrowed_str "x"; deserialize_string "string" visit_borrowed_str "x";
        deserialize_bytes "string" visit_borrowed_bytes b"x"; deserialize_byte_buf "string" visit_borrowed_bytes b"x";
        deserialize_unit "any" visit_unit; deserialize_ignored_any "any" visit_unit;
        deserialize_identifier "string" visit_borrowed_str "x";
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Seen> {
        if self.plausible { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Seen> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Seen> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Seen> {
        if self.plausible { visitor.visit_seq(Nothing) } else { Err(Seen::Kind("array")) }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Seen> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, v: V) -> Result<V::Value, Seen> {
        self.deserialize_seq(v)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Seen> {
        if self.plausible {
            visitor.visit_map(Fields { names: Vec::new(), plausible: true, at: 0 })
        } else {
            Err(Seen::Kind("object"))
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Seen> {
        if self.plausible {
            visitor.visit_map(Fields { names: fields.to_vec(), plausible: true, at: 0 })
        } else {
            Err(Seen::Kind("object"))
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Seen> {
        match variants.first() {
            Some(first) if self.plausible => visitor.visit_enum((*first).into_deserializer()),
            _ => Err(Seen::Kind("string")),
        }
    }

    serde::forward_to_deserialize_any! { i128 u128 }
}

struct Nothing;

impl<'de> de::SeqAccess<'de> for Nothing {
    type Error = Seen;

    fn next_element_seed<S: de::DeserializeSeed<'de>>(&mut self, _: S) -> Result<Option<S::Value>, Seen> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape matters here")]
    struct Declared {
        owner: String,
        number: u64,
        #[serde(default)]
        labels: Vec<String>,
        draft: Option<bool>,
        state: State,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum State {
        Open,
    }

    #[test]
    fn the_inputs_of_an_action_are_its_fields() {
        let Inputs(fields) = Inputs::of::<Declared>();
        let rows: Vec<_> = fields.iter().map(|field| (field.name, field.kind, field.required)).collect();
        assert_eq!(
            rows,
            [
                ("owner", "string", true),
                ("number", "integer", true),
                ("labels", "array", false),
                ("draft", "boolean", false),
                ("state", "string", true)
            ]
        );
        let _ = State::Open;
    }
}
