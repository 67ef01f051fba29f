//! GitHub's words for requests that cannot run. The texts and codes are those of graphql-ruby, which GitHub answers with.

use pome_twin_kit::graphql::{Fault, GraphError, Misfit, MisfitKind, Taker};
use serde_json::{Map, Value, json};

pub(super) fn worded(fault: &Fault) -> GraphError {
    let (message, extensions) = match fault {
        Fault::Syntax { token: Some(token) } => (format!("Parse error on {token:?} ({})", kind_of(token)), Value::Null),
        Fault::Syntax { token: None } => ("Unexpected end of document".to_owned(), Value::Null),
        Fault::NoQuery => ("A query attribute must be specified and must be a string.".to_owned(), Value::Null),
        Fault::NoOperation { wanted: Some(name) } => (format!("No operation named \"{name}\""), Value::Null),
        Fault::NoOperation { wanted: None } => ("An operation name is required".to_owned(), Value::Null),
        Fault::UndefinedField { parent, field } => (
            format!("Field '{field}' doesn't exist on type '{parent}'"),
            json!({ "code": "undefinedField", "typeName": parent, "fieldName": field }),
        ),
        Fault::Unmodelled { of, name } => (
            format!(
                "This twin does not model '{name}' of '{of}', which GitHub has. Its part of the schema can be read by introspection."
            ),
            json!({ "code": "notModelled", "typeName": of, "fieldName": name }),
        ),
        Fault::NoSelections { field, returns } => (
            format!(
                "Field must have selections (field '{field}' returns {returns} but has no selections. Did you mean '{field} {{ ... }}'?)"
            ),
            json!({ "code": "selectionMismatch", "nodeName": format!("field '{field}'"), "typeName": returns }),
        ),
        Fault::SelectionsOnLeaf { field, returns, selected } => (
            format!(
                "Selections can't be made on scalars (field '{field}' returns {returns} but has selections {selected:?})"
            ),
            json!({ "code": "selectionMismatch", "nodeName": format!("field '{field}'"), "typeName": returns }),
        ),
        Fault::UndefinedArgument { taker, of, argument } => (
            format!("{} '{of}' doesn't accept argument '{argument}'", name_of(*taker)),
            json!({ "code": "argumentNotAccepted", "name": of, "typeName": name_of(*taker), "argumentName": argument }),
        ),
        Fault::MissingArguments { taker, of, arguments } => {
            let missing = arguments.join(", ");
            (
                format!("{} '{of}' is missing required arguments: {missing}", name_of(*taker)),
                json!({
                    "code": "missingRequiredArguments", "className": name_of(*taker), "name": of, "arguments": missing,
                }),
            )
        }
        Fault::MissingInputField { input, field, expected } => (
            format!("Argument '{field}' on InputObject '{input}' is required. Expected type {expected}"),
            json!({
                "code": "missingRequiredInputObjectAttribute", "argumentName": field, "argumentType": expected,
                "inputObjectType": input,
            }),
        ),
        Fault::InvalidArgument { taker, of, argument, value, expected } => (
            format!(
                "Argument '{argument}' on {} '{of}' has an invalid value ({value}). Expected type '{expected}'.",
                name_of(*taker)
            ),
            json!({ "code": "argumentLiteralsIncompatible", "typeName": name_of(*taker), "argumentName": argument }),
        ),
        Fault::UndefinedVariable { variable, operation } => (
            format!("Variable ${variable} is used by {} but not declared", operation_name(operation.as_deref())),
            json!({ "code": "variableNotDefined", "variableName": variable }),
        ),
        Fault::UnusedVariable { variable, operation } => (
            format!("Variable ${variable} is declared by {} but not used", operation_name(operation.as_deref())),
            json!({ "code": "variableNotUsed", "variableName": variable }),
        ),
        Fault::VariableType { variable, of } => (
            format!("{of} isn't a defined input type (on ${variable})"),
            json!({ "code": "variableRequiresValidType", "typeName": of, "variableName": variable }),
        ),
        Fault::VariableMismatch { variable, declared, argument, expected, only_nullability } => {
            let what = if *only_nullability { "Nullability mismatch" } else { "Type mismatch" };
            (
                format!("{what} on variable ${variable} and argument {argument} ({declared} / {expected})"),
                json!({
                    "code": "variableMismatch", "variableName": variable, "typeName": declared,
                    "argumentName": argument, "errorMessage": what,
                }),
            )
        }
        Fault::InvalidVariable { variable, declared, value, misfits } => {
            let problems: Vec<Value> = misfits.iter().map(problem).collect();
            let detail: Vec<String> = misfits.iter().map(detailed).collect();
            let detail =
                if detail.iter().all(String::is_empty) { String::new() } else { format!(" for {}", detail.join(", ")) };
            (
                format!("Variable ${variable} of type {declared} was provided invalid value{detail}"),
                json!({ "value": value, "problems": problems }),
            )
        }
        Fault::UndefinedFragment { fragment } => (
            format!("Fragment {fragment} was used, but not defined"),
            json!({ "code": "useAndDefineFragment", "fragmentName": fragment }),
        ),
        Fault::UnusedFragment { fragment } => (
            format!("Fragment {fragment} was defined, but not used"),
            json!({ "code": "useAndDefineFragment", "fragmentName": fragment }),
        ),
        Fault::FragmentCycle { fragment } => (
            format!("Fragment {fragment} contains an infinite loop"),
            json!({ "code": "infiniteLoop", "fragmentName": fragment }),
        ),
        Fault::UndefinedType { name } => (
            format!("No such type {name}, so it can't be a fragment condition"),
            json!({ "code": "undefinedType", "typeName": name }),
        ),
        Fault::LeafFragment { name } => (
            format!("Invalid fragment on type {name} (must be Union, Interface or Object)"),
            json!({ "code": "fragmentOnNonCompositeType", "typeName": name }),
        ),
        Fault::ImpossibleFragment { fragment, on, parent } => {
            let named = fragment.as_ref().map_or_else(String::new, |name| format!(" {name}"));
            (
                format!("Fragment{named} on {on} can't be spread inside {parent}"),
                json!({
                    "code": "cannotSpreadFragment", "typeName": on,
                    "fragmentName": fragment.as_deref().unwrap_or("unknown"), "parentName": parent,
                }),
            )
        }
        Fault::UndefinedDirective { name } => (
            format!("Directive @{name} is not defined"),
            json!({ "code": "undefinedDirective", "directiveName": name }),
        ),
        Fault::Conflict { key, fields } => {
            let fields = fields.join(" or ");
            (
                format!("Field '{key}' has a field conflict: {fields}?"),
                json!({ "code": "fieldConflict", "fieldName": key, "conflicts": fields }),
            )
        }
    };
    let extensions = match extensions {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    GraphError { extensions, ..GraphError::new(message) }
}

const fn name_of(taker: Taker) -> &'static str {
    match taker {
        Taker::Field => "Field",
        Taker::Directive => "Directive",
        Taker::InputObject => "InputObject",
    }
}

fn operation_name(name: Option<&str>) -> &str {
    name.unwrap_or("anonymous query")
}

/// The lexer's word for a token.
fn kind_of(token: &str) -> &'static str {
    match token {
        "{" => "LCURLY",
        "}" => "RCURLY",
        "(" => "LPAREN",
        ")" => "RPAREN",
        "[" => "LBRACKET",
        "]" => "RBRACKET",
        ":" => "COLON",
        "$" => "VAR_SIGN",
        "@" => "DIR_SIGN",
        "!" => "BANG",
        "=" => "EQUALS",
        "|" => "PIPE",
        "&" => "AMP",
        "." => "ELLIPSIS",
        "\"" => "STRING",
        _ if token.starts_with(|letter: char| letter.is_ascii_digit()) => "INT",
        _ if token.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_') => "IDENTIFIER",
        _ => "UNKNOWN_CHAR",
    }
}

fn explanation(misfit: &Misfit) -> String {
    match &misfit.problem {
        MisfitKind::Null => "Expected value to not be null".to_owned(),
        MisfitKind::Scalar { value, expected } => format!("Could not coerce value {value} to {expected}"),
        MisfitKind::Enum { value, allowed } => format!("Expected {value} to be one of: {}", allowed.join(", ")),
        MisfitKind::UnknownField { input } => format!("Field is not defined on {input}"),
        MisfitKind::Unmodelled { input, .. } => format!("This twin does not model this field of {input}"),
        MisfitKind::NotAnObject { value, expected } => {
            format!("Expected {value} to be a key-value object responding to `to_h` or `to_unsafe_h` for {expected}.")
        }
    }
}

fn problem(misfit: &Misfit) -> Value {
    json!({ "path": misfit.path, "explanation": explanation(misfit) })
}

/// `title (Expected value to not be null)`; nothing for the variable as a whole.
fn detailed(misfit: &Misfit) -> String {
    if misfit.path.is_empty() {
        return String::new();
    }
    let path: Vec<String> =
        misfit.path.iter().map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).collect();
    format!("{} ({})", path.join("."), explanation(misfit))
}
