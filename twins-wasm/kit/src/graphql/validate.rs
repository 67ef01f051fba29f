//! Checks a document against a schema. The rules are the specification's; what is found is a list of [`Fault`]s.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql_parser::types::{
    BaseType, ExecutableDocument, Field, FragmentDefinition, OperationDefinition, OperationType, Selection,
    SelectionSet, Type, VariableDefinition,
};
use async_graphql_parser::{Pos, Positioned};
use async_graphql_value::{Name, Value};

use super::fault::{Fault, Found, Location, Taker};
use super::schema::{Definition, InputDef, Kind, Schema, named};

type Arguments = [(Positioned<Name>, Positioned<Value>)];
type Directives = [Positioned<async_graphql_parser::types::Directive>];

/// A field of a selection set, flattened over its fragments, with the type it is selected on.
type Flat<'a> = (&'a Definition, &'a Positioned<Field>);

pub(super) const fn place(pos: Pos) -> Location {
    Location { line: pos.line, column: pos.column }
}

/// Everything that is wrong, in the order of the text.
pub(super) fn validate(schema: &Schema, document: &ExecutableDocument) -> Vec<Found> {
    let mut check =
        Check { schema, document, found: Vec::new(), path: Vec::new(), scope: None, spread: BTreeSet::new() };
    let mut operations: Vec<_> = document.operations.iter().collect();
    operations.sort_by_key(|(_, operation)| operation.pos);
    for (name, operation) in &operations {
        check.operation(*name, operation);
    }
    let mut fragments: Vec<_> = document.fragments.iter().collect();
    fragments.sort_by_key(|(_, fragment)| fragment.pos);
    for (name, fragment) in fragments {
        check.fragment(name, fragment);
    }
    // Looking below a fragment that contains itself would not end.
    if !check.found.iter().any(|found| matches!(found.fault, Fault::FragmentCycle { .. })) {
        for (_, operation) in operations {
            let root = match operation.node.ty {
                OperationType::Mutation => schema.mutation.as_deref(),
                _ => Some(schema.query.as_str()),
            };
            if let Some(root) = root.and_then(|root| schema.get(root)) {
                check.conflicts(&operation.node.selection_set.node, root);
            }
        }
    }
    check.found
}

/// The variables of the operation that is looked at.
struct Scope<'a> {
    name: Option<&'a Name>,
    variables: &'a [Positioned<VariableDefinition>],
    used: BTreeSet<&'a str>,
    entered: BTreeSet<&'a str>,
}

struct Check<'a> {
    schema: &'a Schema,
    document: &'a ExecutableDocument,
    found: Vec<Found>,
    path: Vec<String>,
    /// `None` while a fragment is checked by itself: its variables are checked with the operations that use it.
    scope: Option<Scope<'a>>,
    /// Fragments that are used somewhere.
    spread: BTreeSet<&'a str>,
}

impl<'a> Check<'a> {
    fn fault(&mut self, pos: Pos, fault: Fault) {
        self.found.push(Found { fault, path: self.path.clone(), locations: vec![place(pos)] });
    }

    fn fault_in(&mut self, last: &str, pos: Pos, fault: Fault) {
        self.path.push(last.to_owned());
        self.fault(pos, fault);
        self.path.pop();
    }

    fn operation(&mut self, name: Option<&'a Name>, operation: &'a Positioned<OperationDefinition>) {
        let node = &operation.node;
        self.path = vec![match name {
            Some(name) => format!("{} {name}", node.ty),
            None => node.ty.to_string(),
        }];
        let root = match node.ty {
            OperationType::Query => Some(self.schema.query.as_str()),
            OperationType::Mutation => self.schema.mutation.as_deref(),
            OperationType::Subscription => None,
        };
        let Some(root) = root.and_then(|root| self.schema.get(root)) else {
            self.fault(operation.pos, Fault::Unmodelled { of: "schema".to_owned(), name: node.ty.to_string() });
            return;
        };
        for variable in &node.variable_definitions {
            let declared = named(&variable.node.var_type.node);
            if !self.schema.get(declared).is_some_and(Definition::is_input) {
                let fault =
                    Fault::VariableType { variable: variable.node.name.node.to_string(), of: declared.to_owned() };
                self.fault(variable.pos, fault);
            }
        }
        let variables = node.variable_definitions.as_slice();
        self.scope = Some(Scope { name, variables, used: BTreeSet::new(), entered: BTreeSet::new() });
        self.directives(&node.directives);
        self.selections(&node.selection_set.node, root);
        let Some(scope) = self.scope.take() else { return };
        for variable in variables {
            let declared = variable.node.name.node.as_str();
            if !scope.used.contains(declared) {
                let operation = name.map(ToString::to_string);
                self.fault(variable.pos, Fault::UnusedVariable { variable: declared.to_owned(), operation });
            }
        }
    }

    fn fragment(&mut self, name: &'a Name, fragment: &'a Positioned<FragmentDefinition>) {
        self.path = vec![format!("fragment {name}")];
        self.scope = None;
        let node = &fragment.node;
        if let Some(on) = self.condition(&node.type_condition.node.on) {
            // A fragment that an operation enters has been checked there.
            if !self.spread.contains(name.as_str()) {
                self.selections(&node.selection_set.node, on);
            }
        }
        if !self.spread.contains(name.as_str()) {
            self.fault(fragment.pos, Fault::UnusedFragment { fragment: name.to_string() });
        }
        if self.reaches(name, &node.selection_set.node, &mut BTreeSet::new()) {
            self.fault(fragment.pos, Fault::FragmentCycle { fragment: name.to_string() });
        }
    }

    /// Whether a selection leads to a fragment.
    fn reaches(&self, wanted: &Name, set: &'a SelectionSet, seen: &mut BTreeSet<&'a str>) -> bool {
        set.items.iter().any(|selection| match &selection.node {
            Selection::Field(field) => self.reaches(wanted, &field.node.selection_set.node, seen),
            Selection::InlineFragment(inline) => self.reaches(wanted, &inline.node.selection_set.node, seen),
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                name == wanted
                    || (seen.insert(name.as_str())
                        && self
                            .document
                            .fragments
                            .get(name)
                            .is_some_and(|fragment| self.reaches(wanted, &fragment.node.selection_set.node, seen)))
            }
        })
    }

    /// The type of a fragment's condition, if it can have one.
    fn condition(&mut self, on: &'a Positioned<Name>) -> Option<&'a Definition> {
        let name = on.node.as_str();
        match self.schema.get(name) {
            Some(definition) if definition.is_composite() => return Some(definition),
            Some(_) => self.fault(on.pos, Fault::LeafFragment { name: name.to_owned() }),
            None if self.schema.unmodelled.contains(name) => {
                self.fault(on.pos, Fault::Unmodelled { of: "schema".to_owned(), name: name.to_owned() });
            }
            None => self.fault(on.pos, Fault::UndefinedType { name: name.to_owned() }),
        }
        None
    }

    fn selections(&mut self, set: &'a SelectionSet, parent: &'a Definition) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => self.field(field, parent),
                Selection::InlineFragment(inline) => {
                    self.directives(&inline.node.directives);
                    let Some(condition) = &inline.node.type_condition else {
                        self.selections(&inline.node.selection_set.node, parent);
                        continue;
                    };
                    self.path.push(format!("... on {}", condition.node.on.node));
                    if let Some(on) = self.condition(&condition.node.on) {
                        self.overlap(None, on, parent, inline.pos);
                        self.selections(&inline.node.selection_set.node, on);
                    }
                    self.path.pop();
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.node.directives);
                    self.spread(&spread.node.fragment_name, parent);
                }
            }
        }
    }

    fn spread(&mut self, name: &'a Positioned<Name>, parent: &'a Definition) {
        let key = name.node.as_str();
        let document = self.document;
        let Some(fragment) = document.fragments.get(&name.node) else {
            let fault = Fault::UndefinedFragment { fragment: key.to_owned() };
            return self.fault_in(&format!("... {key}"), name.pos, fault);
        };
        if let Some(on) = self.schema.get(&fragment.node.type_condition.node.on.node) {
            self.overlap(Some(key), on, parent, name.pos);
        }
        let first = self.spread.insert(key);
        let entered = self.scope.as_mut().is_none_or(|scope| scope.entered.insert(key));
        if !(entered && (first || self.scope.is_some())) {
            return;
        }
        // Faults are reported where the fragment is defined, and once; another operation that enters it only brings its variables.
        let path = std::mem::replace(&mut self.path, vec![format!("fragment {key}")]);
        let known = self.found.len();
        if let Some(on) = self.schema.get(&fragment.node.type_condition.node.on.node).filter(|on| on.is_composite()) {
            self.selections(&fragment.node.selection_set.node, on);
        }
        if !first {
            let fresh = self.found.split_off(known);
            let about_variables =
                |found: &Found| matches!(found.fault, Fault::UndefinedVariable { .. } | Fault::VariableMismatch { .. });
            self.found.extend(fresh.into_iter().filter(about_variables));
        }
        self.path = path;
    }

    fn overlap(&mut self, fragment: Option<&str>, on: &Definition, parent: &Definition, pos: Pos) {
        let possible = self.schema.possible(&parent.name);
        if !self.schema.possible(&on.name).iter().any(|name| possible.contains(name)) {
            let fault = Fault::ImpossibleFragment {
                fragment: fragment.map(str::to_owned),
                on: on.name.clone(),
                parent: parent.name.clone(),
            };
            self.fault(pos, fault);
        }
    }

    fn field(&mut self, field: &'a Positioned<Field>, parent: &'a Definition) {
        let (node, pos) = (&field.node, field.pos);
        let name = node.name.node.as_str();
        self.path.push(node.response_key().node.to_string());
        self.directives(&node.directives);
        self.known_field(node, name, pos, parent);
        self.path.pop();
    }

    fn known_field(&mut self, node: &'a Field, name: &str, pos: Pos, parent: &'a Definition) {
        if name == "__typename" {
            return;
        }
        let Some(definition) = self.schema.field(parent, name) else {
            let (parent, field) = (&parent.name, name.to_owned());
            let fault = if self.schema.get(parent).is_some_and(|parent| parent.unmodelled.contains(name)) {
                Fault::Unmodelled { of: parent.clone(), name: field }
            } else {
                Fault::UndefinedField { parent: parent.clone(), field }
            };
            return self.fault(pos, fault);
        };
        self.arguments(Taker::Field, name, &definition.arguments, &node.arguments, pos);
        let returns = definition.ty.to_string();
        let Some(inner) = self.schema.get(named(&definition.ty)) else { return };
        let set = &node.selection_set.node;
        match (inner.is_composite(), set.items.is_empty()) {
            (true, true) => {
                let returns = inner.name.clone();
                self.fault(pos, Fault::NoSelections { field: name.to_owned(), returns });
            }
            (false, false) => {
                let selected = set.items.iter().map(|item| match &item.node {
                    Selection::Field(field) => field.node.name.node.to_string(),
                    Selection::FragmentSpread(spread) => format!("...{}", spread.node.fragment_name.node),
                    Selection::InlineFragment(_) => "...".to_owned(),
                });
                let selected = selected.collect();
                self.fault(pos, Fault::SelectionsOnLeaf { field: name.to_owned(), returns, selected });
            }
            _ => self.selections(set, inner),
        }
    }

    fn directives(&mut self, directives: &'a Directives) {
        for directive in directives {
            let name = directive.node.name.node.as_str();
            match self.schema.directives.get(name) {
                Some(known) => {
                    self.arguments(Taker::Directive, name, &known.arguments, &directive.node.arguments, directive.pos);
                }
                None => self.fault(directive.pos, Fault::UndefinedDirective { name: name.to_owned() }),
            }
        }
    }

    fn arguments(&mut self, taker: Taker, of: &str, known: &'a [InputDef], given: &'a Arguments, pos: Pos) {
        for (name, value) in given {
            let Some(definition) = known.iter().find(|known| known.name == name.node.as_str()) else {
                let fault = Fault::UndefinedArgument { taker, of: of.to_owned(), argument: name.node.to_string() };
                self.fault_in(&name.node, name.pos, fault);
                continue;
            };
            if definition.unmodelled {
                let fault = Fault::Unmodelled { of: of.to_owned(), name: name.node.to_string() };
                self.fault_in(&name.node, name.pos, fault);
                continue;
            }
            self.path.push(name.node.to_string());
            self.value(&value.node, &definition.ty, definition, value.pos, (taker, of));
            self.path.pop();
        }
        let missing =
            |known: &&InputDef| known.required() && !given.iter().any(|(name, _)| name.node.as_str() == known.name);
        let missing: Vec<String> = known.iter().filter(missing).map(|known| known.name.clone()).collect();
        if !missing.is_empty() {
            self.fault(pos, Fault::MissingArguments { taker, of: of.to_owned(), arguments: missing });
        }
    }

    /// A written value against the type of its argument.
    fn value(&mut self, value: &'a Value, ty: &Type, argument: &'a InputDef, pos: Pos, at: (Taker, &str)) {
        if let Value::Variable(name) = value {
            return self.variable(name, ty, argument, pos);
        }
        let schema = self.schema;
        let invalid = |check: &mut Self| {
            let (taker, of) = at;
            check.fault(
                pos,
                Fault::InvalidArgument {
                    taker,
                    of: of.to_owned(),
                    argument: argument.name.clone(),
                    value: value.to_string(),
                    expected: ty.to_string(),
                },
            );
        };
        match (value, &ty.base) {
            (Value::Null, _) => {
                if !ty.nullable {
                    invalid(self);
                }
            }
            (Value::List(items), BaseType::List(inner)) => {
                for item in items {
                    self.value(item, inner, argument, pos, at);
                }
            }
            (single, BaseType::List(inner)) => self.value(single, inner, argument, pos, at),
            (value, BaseType::Named(name)) => match schema.get(name).map(|definition| &definition.kind) {
                Some(Kind::Scalar) => {
                    // Variables inside a scalar that takes anything have no type of their own.
                    if !fits_scalar(name, value) {
                        invalid(self);
                    }
                }
                Some(Kind::Enum { values }) => {
                    let fits =
                        matches!(value, Value::Enum(given) if values.iter().any(|known| known.name == given.as_str()));
                    if !fits {
                        invalid(self);
                    }
                }
                Some(Kind::Input { fields }) => match value {
                    Value::Object(members) => {
                        for (key, member) in members {
                            let Some(field) = fields.iter().find(|field| field.name == key.as_str()) else {
                                let fault = Fault::UndefinedArgument {
                                    taker: Taker::InputObject,
                                    of: name.to_string(),
                                    argument: key.to_string(),
                                };
                                self.fault_in(key, pos, fault);
                                continue;
                            };
                            self.path.push(key.to_string());
                            if field.unmodelled {
                                self.fault(pos, Fault::Unmodelled { of: name.to_string(), name: key.to_string() });
                            } else {
                                self.value(member, &field.ty, field, pos, (Taker::InputObject, name));
                            }
                            self.path.pop();
                        }
                        for field in fields.iter().filter(|field| field.required()) {
                            if !members.contains_key(field.name.as_str()) {
                                let fault = Fault::MissingInputField {
                                    input: name.to_string(),
                                    field: field.name.clone(),
                                    expected: field.ty.to_string(),
                                };
                                self.fault_in(&field.name, pos, fault);
                            }
                        }
                    }
                    _ => invalid(self),
                },
                _ => invalid(self),
            },
        }
    }

    fn variable(&mut self, name: &'a Name, expected: &Type, argument: &InputDef, pos: Pos) {
        let Some(scope) = &mut self.scope else { return };
        let operation = scope.name.map(ToString::to_string);
        let known = scope.variables.iter().find(|variable| variable.node.name.node == *name);
        let Some(variable) = known else {
            return self.fault(pos, Fault::UndefinedVariable { variable: name.to_string(), operation });
        };
        scope.used.insert(name.as_str());
        let declared = &variable.node.var_type.node;
        let filled = argument.default.is_some()
            || variable
                .node
                .default_value
                .as_ref()
                .is_some_and(|value| value.node != async_graphql_value::ConstValue::Null);
        if fits_type(declared, expected, filled) {
            return;
        }
        let only_nullability = fits_shape(declared, expected);
        let fault = Fault::VariableMismatch {
            variable: name.to_string(),
            declared: declared.to_string(),
            argument: argument.name.clone(),
            expected: expected.to_string(),
            only_nullability,
        };
        self.fault(pos, fault);
    }

    /// Fields that share a response name must be one field with the same arguments, unless they never meet in one object.
    fn conflicts(&mut self, set: &'a SelectionSet, parent: &'a Definition) {
        let mut flat = Vec::new();
        self.flatten(set, parent, &mut flat, &mut BTreeSet::new());
        self.conflicts_among(&flat);
    }

    fn conflicts_among(&mut self, flat: &[Flat<'a>]) {
        let mut groups: BTreeMap<&str, Vec<Flat<'a>>> = BTreeMap::new();
        for (parent, field) in flat {
            groups.entry(field.node.response_key().node.as_str()).or_default().push((parent, field));
        }
        for (key, group) in groups {
            let differ = |(a_parent, a): Flat<'a>, (b_parent, b): Flat<'a>| {
                let meet = a_parent.name == b_parent.name || a_parent.is_abstract() || b_parent.is_abstract();
                meet && (a.node.name.node != b.node.name.node || !same_arguments(&a.node, &b.node))
            };
            let Some((&first, rest)) = group.split_first() else { continue };
            if let Some(&other) = rest.iter().find(|&&other| differ(first, other)) {
                let written = |field: &Field| match field.arguments.as_slice() {
                    [] => field.name.node.to_string(),
                    given => {
                        let given: Vec<String> =
                            given.iter().map(|(name, value)| format!("{}:{}", name.node, value.node)).collect();
                        format!("{}({})", field.name.node, given.join(","))
                    }
                };
                self.found.push(Found {
                    fault: Fault::Conflict {
                        key: key.to_owned(),
                        fields: vec![written(&first.1.node), written(&other.1.node)],
                    },
                    path: Vec::new(),
                    locations: vec![place(first.1.pos), place(other.1.pos)],
                });
                continue;
            }
            let mut below = Vec::new();
            let mut seen = BTreeSet::new();
            for (parent, field) in group {
                let inner = self.schema.field(parent, &field.node.name.node).map(|known| named(&known.ty));
                if let Some(inner) = inner.and_then(|inner| self.schema.get(inner)) {
                    self.flatten(&field.node.selection_set.node, inner, &mut below, &mut seen);
                }
            }
            if !below.is_empty() {
                self.conflicts_among(&below);
            }
        }
    }

    fn flatten(
        &self,
        set: &'a SelectionSet,
        parent: &'a Definition,
        out: &mut Vec<Flat<'a>>,
        seen: &mut BTreeSet<&'a str>,
    ) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => out.push((parent, field)),
                Selection::InlineFragment(inline) => {
                    let on = inline.node.type_condition.as_ref().and_then(|on| self.schema.get(&on.node.on.node));
                    self.flatten(&inline.node.selection_set.node, on.unwrap_or(parent), out, seen);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let Some(fragment) = self.document.fragments.get(name) else { continue };
                    if seen.insert(name.as_str())
                        && let Some(on) = self.schema.get(&fragment.node.type_condition.node.on.node)
                    {
                        self.flatten(&fragment.node.selection_set.node, on, out, seen);
                    }
                }
            }
        }
    }
}

fn same_arguments(a: &Field, b: &Field) -> bool {
    a.arguments.len() == b.arguments.len()
        && a.arguments
            .iter()
            .all(|(name, value)| b.get_argument(&name.node).is_some_and(|other| other.node == value.node))
}

/// Whether a written value is one of the scalar. A vendor's own scalars are texts or numbers, which it reads itself.
fn fits_scalar(name: &str, value: &Value) -> bool {
    match name {
        "Int" => matches!(value, Value::Number(number) if number.as_i64().is_some_and(|n| i32::try_from(n).is_ok())),
        "Float" => matches!(value, Value::Number(_)),
        "String" => matches!(value, Value::String(_)),
        "Boolean" => matches!(value, Value::Boolean(_)),
        "ID" => matches!(value, Value::String(_)) || matches!(value, Value::Number(number) if number.is_i64()),
        _ => matches!(value, Value::String(_) | Value::Number(_) | Value::Boolean(_)),
    }
}

/// Whether a variable's type can stand where `expected` is; `filled` when a default stands in for its null.
fn fits_type(declared: &Type, expected: &Type, filled: bool) -> bool {
    if declared.nullable && !expected.nullable && !filled {
        return false;
    }
    match (&declared.base, &expected.base) {
        (BaseType::Named(a), BaseType::Named(b)) => a == b,
        (BaseType::List(a), BaseType::List(b)) => fits_type(a, b, false),
        // A single value counts as a list of one.
        (BaseType::Named(_), BaseType::List(b)) => {
            let single = Type { base: declared.base.clone(), nullable: false };
            fits_type(&single, b, false)
        }
        (BaseType::List(_), BaseType::Named(_)) => false,
    }
}

/// The same but for what may be null.
fn fits_shape(declared: &Type, expected: &Type) -> bool {
    match (&declared.base, &expected.base) {
        (BaseType::Named(a), BaseType::Named(b)) => a == b,
        (BaseType::List(a), BaseType::List(b)) => fits_shape(a, b),
        _ => false,
    }
}
