//! The schema as data: what `__schema` and `__type` answer.

use async_graphql_parser::types::{BaseType, Type};
use serde_json::{Map, Value};

use super::schema::{Definition, Directive, EnumValue, FieldDef, InputDef, Kind, Schema};

/// A node of the introspection types.
#[derive(Debug, Clone, Copy)]
pub(super) enum Meta<'a> {
    Schema,
    Type(&'a Definition),
    /// A type with its wrappers.
    Wrapped(&'a Type),
    /// The same without the outer `!`.
    Nullable(&'a Type),
    Field(&'a FieldDef),
    Input(&'a InputDef),
    EnumValue(&'a EnumValue),
    Directive(&'a Directive),
}

/// What a field of such a node is.
pub(super) enum Answer<'a> {
    Leaf(Value),
    Node(Meta<'a>),
    Nodes(Vec<Meta<'a>>),
}

impl<'a> Meta<'a> {
    pub(super) fn resolve(self, schema: &'a Schema, field: &str, arguments: &Map<String, Value>) -> Answer<'a> {
        let deprecated = arguments.get("includeDeprecated").and_then(Value::as_bool).unwrap_or(false);
        match self {
            Self::Schema => of_schema(schema, field),
            Self::Type(definition) => of_type(schema, definition, field, deprecated),
            Self::Wrapped(ty) if !ty.nullable => match field {
                "kind" => text("NON_NULL"),
                "ofType" => Answer::Node(Self::Nullable(ty)),
                _ => other(field),
            },
            Self::Wrapped(ty) | Self::Nullable(ty) => match &ty.base {
                BaseType::List(inner) => match field {
                    "kind" => text("LIST"),
                    "ofType" => Answer::Node(Self::Wrapped(inner)),
                    _ => other(field),
                },
                BaseType::Named(name) => match schema.get(name) {
                    Some(definition) => of_type(schema, definition, field, deprecated),
                    None => other(field),
                },
            },
            Self::Field(known) => match field {
                "name" => text(&known.name),
                "description" => maybe(known.description.as_deref()),
                "args" => inputs(&known.arguments),
                "type" => Answer::Node(Self::Wrapped(&known.ty)),
                _ => deprecation(field, known.deprecated.as_deref()),
            },
            Self::Input(known) => match field {
                "name" => text(&known.name),
                "description" => maybe(known.description.as_deref()),
                "type" => Answer::Node(Self::Wrapped(&known.ty)),
                "defaultValue" => maybe(known.default_text.as_deref()),
                _ => deprecation(field, None),
            },
            Self::EnumValue(known) => match field {
                "name" => text(&known.name),
                "description" => maybe(known.description.as_deref()),
                _ => deprecation(field, known.deprecated.as_deref()),
            },
            Self::Directive(known) => match field {
                "name" => text(&known.name),
                "description" => maybe(known.description.as_deref()),
                "locations" => Answer::Leaf(known.locations.clone().into()),
                "args" => inputs(&known.arguments),
                _ => other(field),
            },
        }
    }
}

fn of_schema<'a>(schema: &'a Schema, field: &str) -> Answer<'a> {
    let of_name =
        |name: &str| schema.get(name).map_or(Answer::Leaf(Value::Null), |known| Answer::Node(Meta::Type(known)));
    match field {
        "queryType" => of_name(&schema.query),
        "mutationType" => schema.mutation.as_deref().map_or(Answer::Leaf(Value::Null), of_name),
        "types" => Answer::Nodes(schema.order.iter().filter_map(|name| schema.get(name)).map(Meta::Type).collect()),
        "directives" => Answer::Nodes(schema.directives.values().map(Meta::Directive).collect()),
        _ => Answer::Leaf(Value::Null),
    }
}

fn of_type<'a>(schema: &'a Schema, definition: &'a Definition, field: &str, deprecated: bool) -> Answer<'a> {
    let types =
        |names: &'a [String]| Answer::Nodes(names.iter().filter_map(|name| schema.get(name)).map(Meta::Type).collect());
    let kept = |reason: &Option<String>| deprecated || reason.is_none();
    match (field, &definition.kind) {
        ("kind", kind) => text(match kind {
            Kind::Scalar => "SCALAR",
            Kind::Object { .. } => "OBJECT",
            Kind::Interface { .. } => "INTERFACE",
            Kind::Union { .. } => "UNION",
            Kind::Enum { .. } => "ENUM",
            Kind::Input { .. } => "INPUT_OBJECT",
        }),
        ("name", _) => text(&definition.name),
        ("description", _) => maybe(definition.description.as_deref()),
        ("fields", Kind::Object { fields, .. } | Kind::Interface { fields, .. }) => {
            Answer::Nodes(fields.iter().filter(|field| kept(&field.deprecated)).map(Meta::Field).collect())
        }
        ("interfaces", Kind::Object { interfaces, .. } | Kind::Interface { interfaces, .. }) => types(interfaces),
        ("possibleTypes", Kind::Interface { possible, .. }) => types(possible),
        ("possibleTypes", Kind::Union { members }) => types(members),
        ("enumValues", Kind::Enum { values }) => {
            Answer::Nodes(values.iter().filter(|value| kept(&value.deprecated)).map(Meta::EnumValue).collect())
        }
        ("inputFields", Kind::Input { fields }) => inputs(fields),
        _ => other(field),
    }
}

/// What the twin does not model is not in the schema.
fn inputs(known: &[InputDef]) -> Answer<'_> {
    Answer::Nodes(known.iter().filter(|input| !input.unmodelled).map(Meta::Input).collect())
}

fn deprecation<'a>(field: &str, reason: Option<&str>) -> Answer<'a> {
    match field {
        "isDeprecated" => Answer::Leaf(reason.is_some().into()),
        "deprecationReason" => maybe(reason),
        _ => other(field),
    }
}

fn other<'a>(field: &str) -> Answer<'a> {
    Answer::Leaf(if field.starts_with("is") { Value::Bool(false) } else { Value::Null })
}

fn text<'a>(text: &str) -> Answer<'a> {
    Answer::Leaf(text.into())
}

fn maybe<'a>(text: Option<&str>) -> Answer<'a> {
    Answer::Leaf(text.into())
}
