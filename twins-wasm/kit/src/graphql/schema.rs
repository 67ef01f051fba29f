//! A schema, read from its definition language into the form that checking, running and introspection need.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql_parser::types::{
    BaseType, ConstDirective, FieldDefinition, InputValueDefinition, ServiceDocument, Type, TypeDefinition, TypeKind,
    TypeSystemDefinition,
};
use async_graphql_parser::{Positioned, parse_schema};
use async_graphql_value::{ConstValue, Name};
use serde_json::Value;

/// What every schema has without saying so.
const BUILT_IN: &str = include_str!("built_in.graphql");

/// Holds the fields of introspection.
const META: &str = "__Query";

/// The types of one vendor.
///
/// Beside the standard language two directives are understood. `@unmodelled(names: "a b c")` on a type (or on the schema, for
/// types) lists what the vendor has there and the twin has not; `@unmodelled` on an argument or an input field marks one whose
/// use is refused. None of them shows in introspection.
#[derive(Debug)]
pub struct Schema {
    pub(super) types: BTreeMap<String, Definition>,
    pub(super) directives: BTreeMap<String, Directive>,
    pub(super) query: String,
    pub(super) mutation: Option<String>,
    /// Names of types that the vendor has and the twin has not.
    pub(super) unmodelled: BTreeSet<String>,
    /// In the order of the file, the vendor's types first.
    pub(super) order: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) kind: Kind,
    pub(super) unmodelled: BTreeSet<String>,
}

#[derive(Debug)]
pub(super) enum Kind {
    Scalar,
    Object { fields: Vec<FieldDef>, interfaces: Vec<String> },
    Interface { fields: Vec<FieldDef>, interfaces: Vec<String>, possible: Vec<String> },
    Union { members: Vec<String> },
    Enum { values: Vec<EnumValue> },
    Input { fields: Vec<InputDef> },
}

#[derive(Debug)]
pub(super) struct FieldDef {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) arguments: Vec<InputDef>,
    pub(super) ty: Type,
    pub(super) deprecated: Option<String>,
}

/// An argument or a field of an input object.
#[derive(Debug)]
pub(super) struct InputDef {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) ty: Type,
    pub(super) default: Option<Value>,
    /// As it is written in the language.
    pub(super) default_text: Option<String>,
    pub(super) unmodelled: bool,
}

impl InputDef {
    pub(super) const fn required(&self) -> bool {
        !self.ty.nullable && self.default.is_none()
    }
}

#[derive(Debug)]
pub(super) struct EnumValue {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) deprecated: Option<String>,
}

#[derive(Debug)]
pub(super) struct Directive {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) locations: Vec<String>,
    pub(super) arguments: Vec<InputDef>,
}

impl Definition {
    /// The fields of an object or interface.
    pub(super) fn fields(&self) -> &[FieldDef] {
        match &self.kind {
            Kind::Object { fields, .. } | Kind::Interface { fields, .. } => fields,
            _ => &[],
        }
    }

    pub(super) fn field(&self, name: &str) -> Option<&FieldDef> {
        self.fields().iter().find(|field| field.name == name)
    }

    /// Whether it has fields to select.
    pub(super) const fn is_composite(&self) -> bool {
        matches!(self.kind, Kind::Object { .. } | Kind::Interface { .. } | Kind::Union { .. })
    }

    pub(super) const fn is_abstract(&self) -> bool {
        matches!(self.kind, Kind::Interface { .. } | Kind::Union { .. })
    }

    pub(super) const fn is_input(&self) -> bool {
        matches!(self.kind, Kind::Scalar | Kind::Enum { .. } | Kind::Input { .. })
    }
}

/// The innermost name of a type.
pub(super) fn named(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => named(inner),
    }
}

impl Schema {
    /// Reads a schema. The text is part of a twin, so one that cannot be read is a fault of the twin, and a trap names it.
    pub fn of(text: &str) -> Self {
        match Self::parse(text) {
            Ok(schema) => schema,
            #[expect(
                clippy::panic,
                reason = "a schema that cannot be read is a fault of the twin, and a trap names it"
            )]
            Err(reason) => panic!("the GraphQL schema cannot be read: {reason}"),
        }
    }

    /// Reads a schema and sees that every name in it is defined.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut schema = Self {
            types: BTreeMap::new(),
            directives: BTreeMap::new(),
            query: "Query".to_owned(),
            mutation: None,
            unmodelled: BTreeSet::new(),
            order: Vec::new(),
        };
        for text in [text, BUILT_IN] {
            let document = parse_schema(text).map_err(|error| error.to_string())?;
            schema.read(document);
        }
        if schema.types.contains_key("Mutation") {
            schema.mutation = Some("Mutation".to_owned());
        }
        schema.link();
        schema.refuse_dangling()?;
        Ok(schema)
    }

    fn read(&mut self, document: ServiceDocument) {
        for definition in document.definitions {
            match definition {
                TypeSystemDefinition::Schema(schema) => {
                    self.unmodelled.extend(unmodelled(&schema.node.directives));
                }
                TypeSystemDefinition::Type(definition) => {
                    let definition = read_type(definition.node);
                    if definition.name != META {
                        self.order.push(definition.name.clone());
                    }
                    self.types.insert(definition.name.clone(), definition);
                }
                TypeSystemDefinition::Directive(directive) => {
                    let directive = directive.node;
                    let name = directive.name.node.to_string();
                    let directive = Directive {
                        name: name.clone(),
                        description: directive.description.map(|text| text.node),
                        locations: directive
                            .locations
                            .iter()
                            .map(|place| screaming(&format!("{:?}", place.node)))
                            .collect(),
                        arguments: directive.arguments.into_iter().map(read_input).collect(),
                    };
                    self.directives.insert(name, directive);
                }
            }
        }
    }

    /// Tells every interface which objects are of it.
    fn link(&mut self) {
        let mut possible: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for name in &self.order {
            if let Some(Kind::Object { interfaces, .. }) = self.types.get(name).map(|definition| &definition.kind) {
                for interface in interfaces {
                    possible.entry(interface.clone()).or_default().push(name.clone());
                }
            }
        }
        for (interface, objects) in possible {
            if let Some(Definition { kind: Kind::Interface { possible, .. }, .. }) = self.types.get_mut(&interface) {
                *possible = objects;
            }
        }
    }

    fn refuse_dangling(&self) -> Result<(), String> {
        let check = |owner: &str, name: &str| {
            let known = self.types.contains_key(name).then_some(());
            known.ok_or_else(|| format!("`{owner}` names the type `{name}`, which is not defined"))
        };
        for definition in self.types.values() {
            let owner = &definition.name;
            for field in definition.fields() {
                check(owner, named(&field.ty))?;
                for argument in &field.arguments {
                    check(owner, named(&argument.ty))?;
                }
            }
            let others: &[String] = match &definition.kind {
                Kind::Object { interfaces, .. } | Kind::Interface { interfaces, .. } => interfaces,
                Kind::Union { members } => members,
                Kind::Input { fields } => {
                    fields.iter().try_for_each(|field| check(owner, named(&field.ty)))?;
                    &[]
                }
                Kind::Scalar | Kind::Enum { .. } => &[],
            };
            others.iter().try_for_each(|name| check(owner, name))?;
        }
        check("schema", &self.query)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Definition> {
        self.types.get(name)
    }

    /// A field of a type; the query root also has the two of introspection.
    pub(super) fn field<'a>(&'a self, parent: &'a Definition, name: &str) -> Option<&'a FieldDef> {
        let meta = || self.get(META).filter(|_| parent.name == self.query)?.field(name);
        parent.field(name).or_else(meta)
    }

    /// Whether an object type is of a type that a fragment names.
    pub(super) fn applies(&self, object: &str, condition: &str) -> bool {
        object == condition || self.possible(condition).iter().any(|possible| possible == object)
    }

    /// The object types behind a name: itself, or the members of an interface or union.
    pub(super) fn possible<'a>(&'a self, name: &'a str) -> &'a [String] {
        match self.get(name).map(|definition| (definition, &definition.kind)) {
            Some((definition, Kind::Object { .. })) => std::slice::from_ref(&definition.name),
            Some((_, Kind::Interface { possible, .. })) => possible,
            Some((_, Kind::Union { members })) => members,
            _ => &[],
        }
    }
}

fn read_type(definition: TypeDefinition) -> Definition {
    let names = |list: Vec<Positioned<Name>>| list.into_iter().map(|name| name.node.to_string()).collect::<Vec<_>>();
    let kind = match definition.kind {
        TypeKind::Scalar => Kind::Scalar,
        TypeKind::Object(object) => Kind::Object {
            fields: object.fields.into_iter().map(read_field).collect(),
            interfaces: names(object.implements),
        },
        TypeKind::Interface(interface) => Kind::Interface {
            fields: interface.fields.into_iter().map(read_field).collect(),
            interfaces: names(interface.implements),
            possible: Vec::new(),
        },
        TypeKind::Union(union) => Kind::Union { members: names(union.members) },
        TypeKind::Enum(values) => Kind::Enum {
            values: values
                .values
                .into_iter()
                .map(|value| EnumValue {
                    name: value.node.value.node.to_string(),
                    description: value.node.description.map(|text| text.node),
                    deprecated: deprecated(&value.node.directives),
                })
                .collect(),
        },
        TypeKind::InputObject(input) => Kind::Input { fields: input.fields.into_iter().map(read_input).collect() },
    };
    Definition {
        name: definition.name.node.to_string(),
        description: definition.description.map(|text| text.node),
        unmodelled: unmodelled(&definition.directives).collect(),
        kind,
    }
}

fn read_field(field: Positioned<FieldDefinition>) -> FieldDef {
    let field = field.node;
    FieldDef {
        name: field.name.node.to_string(),
        description: field.description.map(|text| text.node),
        arguments: field.arguments.into_iter().map(read_input).collect(),
        ty: field.ty.node,
        deprecated: deprecated(&field.directives),
    }
}

fn read_input(input: Positioned<InputValueDefinition>) -> InputDef {
    let input = input.node;
    let default = input.default_value.map(|value| value.node);
    InputDef {
        name: input.name.node.to_string(),
        description: input.description.map(|text| text.node),
        ty: input.ty.node,
        default_text: default.as_ref().map(ToString::to_string),
        default: default.and_then(|value| value.into_json().ok()),
        unmodelled: input.directives.iter().any(|directive| directive.node.name.node == "unmodelled"),
    }
}

fn text_of(directives: &[Positioned<ConstDirective>], directive: &str, argument: &str) -> Option<Option<String>> {
    let found = directives.iter().find(|found| found.node.name.node == directive)?;
    Some(match found.node.get_argument(argument).map(|value| &value.node) {
        Some(ConstValue::String(text)) => Some(text.clone()),
        _ => None,
    })
}

fn deprecated(directives: &[Positioned<ConstDirective>]) -> Option<String> {
    let reason = text_of(directives, "deprecated", "reason")?;
    Some(reason.unwrap_or_else(|| "No longer supported".to_owned()))
}

fn unmodelled(directives: &[Positioned<ConstDirective>]) -> impl Iterator<Item = String> {
    let names = text_of(directives, "unmodelled", "names").flatten().unwrap_or_default();
    names.split_whitespace().map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// `FragmentSpread` as `FRAGMENT_SPREAD`.
fn screaming(name: &str) -> String {
    let mut out = String::new();
    for (at, letter) in name.chars().enumerate() {
        if at > 0 && letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}
