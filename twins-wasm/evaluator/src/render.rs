//! Expressions and values as text.

use cel::common::ast::{Expr, LiteralValue, operators};
use cel::objects::Key;
use cel::parser::Expression as Node;
use cel::{ExecutionError, Value};

/// A value is cut after so many characters.
const LONGEST: usize = 120;

const BINARY: &[(&str, &str)] = &[
    (operators::LOGICAL_AND, "&&"),
    (operators::LOGICAL_OR, "||"),
    (operators::ADD, "+"),
    (operators::SUBSTRACT, "-"),
    (operators::MULTIPLY, "*"),
    (operators::DIVIDE, "/"),
    (operators::MODULO, "%"),
    (operators::EQUALS, "=="),
    (operators::NOT_EQUALS, "!="),
    (operators::GREATER_EQUALS, ">="),
    (operators::LESS_EQUALS, "<="),
    (operators::GREATER, ">"),
    (operators::LESS, "<"),
    (operators::IN, "in"),
];

/// What errors call the operators.
const SIGNS: &[(&str, &str)] = &[("add", "+"), ("sub", "-"), ("mul", "*"), ("div", "/"), ("rem", "%")];

/// A part of an expression, as short as it can be told: what a macro became is `...`.
pub(crate) fn node(node: &Node) -> String {
    match &node.expr {
        Expr::Ident(name) => name.clone(),
        Expr::Literal(literal) => self::literal(literal),
        Expr::Select(select) if select.test => format!("has({}.{})", self::node(&select.operand), select.field),
        Expr::Select(select) => format!("{}.{}", self::node(&select.operand), select.field),
        Expr::List(list) => format!("[{}]", joined(&list.elements)),
        Expr::Map(_) | Expr::Struct(_) => "{...}".to_owned(),
        Expr::Comprehension(loops) => format!("{}.{}(...)", self::node(&loops.iter_range), macro_of(&loops.loop_step)),
        Expr::Unspecified => "...".to_owned(),
        Expr::Call(call) => match (call.func_name.as_str(), &call.target, call.args.as_slice()) {
            (operators::INDEX, None, [list, index]) => format!("{}[{}]", self::node(list), self::node(index)),
            (operators::LOGICAL_NOT, None, [operand]) => format!("!{}", self::node(operand)),
            (operators::NEGATE, None, [operand]) => format!("-{}", self::node(operand)),
            (operators::CONDITIONAL, None, [condition, yes, no]) => {
                format!("{} ? {} : {}", self::node(condition), self::node(yes), self::node(no))
            }
            (name, None, [left, right]) => match BINARY.iter().find(|(operator, _)| *operator == name) {
                Some((_, sign)) => format!("{} {sign} {}", self::node(left), self::node(right)),
                None => format!("{name}({})", joined(&call.args)),
            },
            (name, None, arguments) => format!("{name}({})", joined(arguments)),
            (name, Some(target), arguments) => format!("{}.{name}({})", self::node(target), joined(arguments)),
        },
    }
}

fn joined(nodes: &[Node]) -> String {
    nodes.iter().map(node).collect::<Vec<_>>().join(", ")
}

/// Which macro a loop came from, by what it does at each step.
fn macro_of(step: &Node) -> &'static str {
    let Expr::Call(call) = &step.expr else { return "..." };
    match (call.func_name.as_str(), call.args.as_slice()) {
        (operators::LOGICAL_OR, _) => "exists",
        (operators::LOGICAL_AND, _) => "all",
        (operators::ADD, _) => "map",
        (operators::CONDITIONAL, [_, yes, _]) => match &yes.expr {
            Expr::Call(added) => match added.args.as_slice() {
                [_, one] if matches!(one.expr, Expr::Literal(_)) => "exists_one",
                _ => "filter",
            },
            _ => "filter",
        },
        _ => "...",
    }
}

fn literal(literal: &LiteralValue) -> String {
    match literal {
        LiteralValue::Boolean(flag) => flag.inner().to_string(),
        LiteralValue::Int(number) => number.inner().to_string(),
        LiteralValue::UInt(number) => format!("{}u", number.inner()),
        LiteralValue::Double(number) => number.inner().to_string(),
        LiteralValue::String(text) => quoted(text.inner()),
        LiteralValue::Bytes(_) => "b'...'".to_owned(),
        LiteralValue::Null => "null".to_owned(),
    }
}

/// A value as JSON, cut when it is long.
pub(crate) fn value(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn write(value: &Value, text: &mut String) {
    // Nothing behind the cut is shown.
    if text.len() > 4 * LONGEST {
        return;
    }
    match value {
        Value::List(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Map(map) => {
            // The order of a map is not its own.
            let mut keys: Vec<&Key> = map.map.keys().collect();
            keys.sort();
            text.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                text.push_str(&key.to_string());
                text.push_str(": ");
                if let Some(field) = map.map.get(key) {
                    write(field, text);
                }
            }
            text.push('}');
        }
        Value::Int(number) => text.push_str(&number.to_string()),
        Value::UInt(number) => text.push_str(&number.to_string()),
        Value::Float(number) => text.push_str(&number.to_string()),
        Value::String(content) => text.push_str(&quoted(content)),
        Value::Bool(flag) => text.push_str(&flag.to_string()),
        Value::Null => text.push_str("null"),
        Value::Bytes(bytes) => text.push_str(&format!("{} bytes", bytes.len())),
        other => text.push_str(&other.type_of().to_string()),
    }
}

/// A value with its type in front: `the list [1, 2]`.
pub(crate) fn with_type(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        _ => format!("the {} {}", value.type_of(), self::value(value)),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// An error without the values in their debugging form, which may be whole states.
pub(crate) fn error(error: &ExecutionError) -> String {
    match error {
        ExecutionError::UndeclaredReference(name) => format!("there is no function or variable `{name}`"),
        ExecutionError::UnsupportedTargetType { target } => format!("{} cannot be used here", with_type(target)),
        ExecutionError::NotSupportedAsMethod { method, target } => {
            format!("`{method}` cannot be called on {}", with_type(target))
        }
        ExecutionError::UnsupportedKeyType(key) => format!("{} cannot be a key", with_type(key)),
        ExecutionError::ValuesNotComparable(left, right) => {
            format!("{} cannot be compared with {}", with_type(left), with_type(right))
        }
        ExecutionError::UnsupportedBinaryOperator(operator, left, right) => {
            let sign = SIGNS.iter().find(|(name, _)| name == operator).map_or(*operator, |(_, sign)| *sign);
            format!("`{sign}` does not take {} and {}", with_type(left), with_type(right))
        }
        ExecutionError::UnsupportedIndex(index, target) => {
            format!("{} cannot be indexed with {}", with_type(target), with_type(index))
        }
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "division by zero".to_owned(),
        ExecutionError::Overflow(operator, ..) => format!("`{operator}` overflows"),
        other => other.to_string(),
    }
}
