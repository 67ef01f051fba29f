//! From what was given to what a resolver reads: variables and arguments as JSON, defaults filled in.

use async_graphql_parser::Positioned;
use async_graphql_parser::types::{BaseType, Type, VariableDefinition};
use async_graphql_value::{Name, Value as Literal};
use serde_json::{Map, Value};

use super::fault::{Fault, Found, Misfit, MisfitKind};
use super::schema::{InputDef, Kind, Schema};
use super::validate::place;

/// The values of an operation's variables. A variable that was not given and has no default is not in the map.
pub(super) fn variables(
    schema: &Schema,
    declared: &[Positioned<VariableDefinition>],
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, Vec<Found>> {
    let (mut values, mut found) = (Map::new(), Vec::new());
    for variable in declared {
        let (name, ty) = (variable.node.name.node.as_str(), &variable.node.var_type.node);
        let default = variable.node.default_value.as_ref().and_then(|value| value.node.clone().into_json().ok());
        let value = match (given.get(name), default) {
            (Some(value), _) => value.clone(),
            (None, Some(default)) => default,
            (None, None) if ty.nullable => continue,
            (None, None) => Value::Null,
        };
        let mut misfits = Vec::new();
        let coerced = coerce(schema, ty, &value, &mut Vec::new(), &mut misfits);
        let unmodelled = misfits.iter().find_map(|misfit| match &misfit.problem {
            MisfitKind::Unmodelled { input, field } => {
                Some(Fault::Unmodelled { of: input.clone(), name: field.clone() })
            }
            _ => None,
        });
        if misfits.is_empty() {
            values.insert(name.to_owned(), coerced);
        } else if let Some(fault) = unmodelled {
            found.push(Found { fault, path: Vec::new(), locations: vec![place(variable.pos)] });
        } else {
            let fault = Fault::InvalidVariable { variable: name.to_owned(), declared: ty.to_string(), value, misfits };
            found.push(Found { fault, path: Vec::new(), locations: vec![place(variable.pos)] });
        }
    }
    if found.is_empty() { Ok(values) } else { Err(found) }
}

/// A JSON value as the type wants it; what does not fit is noted.
fn coerce(schema: &Schema, ty: &Type, value: &Value, path: &mut Vec<Value>, misfits: &mut Vec<Misfit>) -> Value {
    let mut misfit = |path: &Vec<Value>, problem| misfits.push(Misfit { path: path.clone(), problem });
    if value.is_null() {
        if !ty.nullable {
            misfit(path, MisfitKind::Null);
        }
        return Value::Null;
    }
    match (&ty.base, value) {
        (BaseType::List(inner), Value::Array(items)) => {
            let mut out = Vec::new();
            for (at, item) in items.iter().enumerate() {
                path.push(at.into());
                out.push(coerce(schema, inner, item, path, misfits));
                path.pop();
            }
            Value::Array(out)
        }
        (BaseType::List(inner), single) => Value::Array(vec![coerce(schema, inner, single, path, misfits)]),
        (BaseType::Named(name), value) => match schema.get(name).map(|definition| &definition.kind) {
            Some(Kind::Enum { values }) => {
                if !value.as_str().is_some_and(|given| values.iter().any(|known| known.name == given)) {
                    let allowed = values.iter().map(|value| value.name.clone()).collect();
                    misfit(path, MisfitKind::Enum { value: value.clone(), allowed });
                }
                value.clone()
            }
            Some(Kind::Input { fields }) => {
                let Value::Object(members) = value else {
                    misfit(path, MisfitKind::NotAnObject { value: value.clone(), expected: name.to_string() });
                    return Value::Null;
                };
                object(schema, name, fields, members, path, misfits)
            }
            _ => scalar(name, value).unwrap_or_else(|| {
                misfit(path, MisfitKind::Scalar { value: value.clone(), expected: name.to_string() });
                Value::Null
            }),
        },
    }
}

fn object(
    schema: &Schema,
    name: &Name,
    fields: &[InputDef],
    members: &Map<String, Value>,
    path: &mut Vec<Value>,
    misfits: &mut Vec<Misfit>,
) -> Value {
    let mut out = Map::new();
    for key in members.keys() {
        if !fields.iter().any(|field| field.name == *key) {
            path.push(key.as_str().into());
            misfits.push(Misfit { path: path.clone(), problem: MisfitKind::UnknownField { input: name.to_string() } });
            path.pop();
        }
    }
    for field in fields {
        path.push(field.name.as_str().into());
        match (members.get(&field.name), &field.default) {
            (Some(value), _) => {
                // What the twin does not model may be there as long as it says nothing.
                let says = !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty());
                if field.unmodelled && says {
                    let problem = MisfitKind::Unmodelled { input: name.to_string(), field: field.name.clone() };
                    misfits.push(Misfit { path: path.clone(), problem });
                } else if !field.unmodelled {
                    out.insert(field.name.clone(), coerce(schema, &field.ty, value, path, misfits));
                }
            }
            (None, Some(default)) => {
                out.insert(field.name.clone(), default.clone());
            }
            (None, None) if field.ty.nullable => {}
            (None, None) => misfits.push(Misfit { path: path.clone(), problem: MisfitKind::Null }),
        }
        path.pop();
    }
    Value::Object(out)
}

fn scalar(name: &str, value: &Value) -> Option<Value> {
    let fits = match name {
        "Int" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        "Float" => value.is_number(),
        "String" => value.is_string(),
        "Boolean" => value.is_boolean(),
        "ID" if value.is_i64() => return Some(value.to_string().into()),
        "ID" => value.is_string(),
        _ => value.is_string() || value.is_number() || value.is_boolean(),
    };
    fits.then(|| value.clone())
}

/// The arguments of a field, defaults filled in. What was checked before fits; a variable without a value counts as absent.
pub(super) fn arguments(
    schema: &Schema,
    known: &[InputDef],
    given: &[(Positioned<Name>, Positioned<Literal>)],
    variables: &Map<String, Value>,
) -> Map<String, Value> {
    let mut out = Map::new();
    for argument in known {
        let literal = given.iter().find(|(name, _)| name.node.as_str() == argument.name).map(|(_, value)| &value.node);
        let value = literal.and_then(|literal| written(schema, &argument.ty, literal, variables));
        if let Some(value) = value.or_else(|| argument.default.clone()) {
            out.insert(argument.name.clone(), value);
        }
    }
    out
}

/// A written value with its variables filled in; `None` for a variable that has no value.
fn written(schema: &Schema, ty: &Type, literal: &Literal, variables: &Map<String, Value>) -> Option<Value> {
    let in_list = |value: Value, ty: &Type| match (&ty.base, value) {
        (_, Value::Null) => Value::Null,
        (BaseType::List(_), value @ Value::Array(_)) => value,
        (BaseType::List(_), single) => Value::Array(vec![single]),
        (BaseType::Named(_), value) => value,
    };
    let value = match (literal, &ty.base) {
        (Literal::Variable(name), _) => variables.get(name.as_str())?.clone(),
        (Literal::List(items), BaseType::List(inner)) => {
            let filled = items.iter().map(|item| written(schema, inner, item, variables).unwrap_or_default());
            Value::Array(filled.collect())
        }
        (single, BaseType::List(inner)) if *single != Literal::Null => written(schema, inner, single, variables)?,
        (Literal::Object(members), BaseType::Named(name)) => {
            match schema.get(name).map(|definition| &definition.kind) {
                Some(Kind::Input { fields }) => {
                    let mut out = Map::new();
                    for field in fields {
                        let member = members.get(field.name.as_str());
                        let value = member.and_then(|member| written(schema, &field.ty, member, variables));
                        if let Some(value) = value.or_else(|| field.default.clone()) {
                            out.insert(field.name.clone(), value);
                        }
                    }
                    Value::Object(out)
                }
                _ => Value::Null,
            }
        }
        (Literal::Number(number), BaseType::Named(name)) if name.as_str() == "ID" => number.to_string().into(),
        (other, _) => plain(other),
    };
    Some(in_list(value, ty))
}

/// A written value without variables.
fn plain(literal: &Literal) -> Value {
    literal.clone().into_const().and_then(|value| value.into_json().ok()).unwrap_or_default()
}
