//! Why an expression came out as it did: the values that decided, where they are in the state, and the rows of the trace.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, operators};
use cel::objects::Key;
use cel::parser::Expression as Node;
use cel::{Context, Value};
use serde_json::Value as Json;

use crate::render;

/// At most so many pointers and so many event ids.
const MOST: usize = 20;

/// At most so many values in a reason.
const MOST_VALUES: usize = 4;

/// What a decided expression rests on.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) reason: String,
    pub(crate) state_paths: Vec<String>,
    pub(crate) event_ids: Vec<String>,
}

impl Evidence {
    pub(crate) fn of(root: &Node, holds: bool, context: &Context<'_, '_>, final_state: Option<&Json>) -> Self {
        let mut deciding = Vec::new();
        decide(root, holds, context, &mut deciding);
        let mut evidence = Self::default();
        let mut facts: Vec<String> = Vec::new();
        for node in deciding {
            facts.extend(self::facts(node, context));
            evidence.find(node, context, final_state);
        }
        facts.dedup();
        facts.truncate(MOST_VALUES);
        let word = if holds { "true" } else { "false" };
        evidence.reason = if facts.is_empty() { word.to_owned() } else { format!("{word}: {}", facts.join("; ")) };
        evidence
    }

    /// Places in the state and rows of the trace that a part of the expression reads.
    fn find(&mut self, node: &Node, context: &Context<'_, '_>, final_state: Option<&Json>) {
        if let Some(pointer) = pointer(node) {
            if final_state.is_some_and(|state| state.pointer(&pointer).is_some()) {
                push(&mut self.state_paths, pointer);
            }
            return;
        }
        match &node.expr {
            Expr::Select(select) => self.find(&select.operand, context, final_state),
            Expr::Call(call) => {
                for part in call.target.iter().map(AsRef::as_ref).chain(&call.args) {
                    self.find(part, context, final_state);
                }
            }
            Expr::List(list) => list.elements.iter().for_each(|element| self.find(element, context, final_state)),
            Expr::Comprehension(loops) => self.elements(node, loops, context),
            Expr::Ident(_) | Expr::Literal(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {}
        }
    }

    /// The elements that a loop stopped at, or that it kept.
    fn elements(&mut self, node: &Node, loops: &ComprehensionExpr, context: &Context<'_, '_>) {
        let base = pointer(&loops.iter_range);
        match Value::resolve(node, context) {
            Ok(Value::Bool(_)) => {
                for (index, element) in decisive(loops, context) {
                    if let Some(base) = &base {
                        push(&mut self.state_paths, format!("{base}/{index}"));
                    }
                    self.row(&element);
                }
            }
            Ok(Value::List(kept)) => kept.iter().for_each(|element| self.row(element)),
            Ok(_) | Err(_) => {}
        }
    }

    fn row(&mut self, element: &Value) {
        let Value::Map(row) = element else { return };
        if let Some(Value::String(id)) = row.get(&Key::from("event_id")) {
            push(&mut self.event_ids, id.to_string());
        }
    }
}

fn push(list: &mut Vec<String>, text: String) {
    if list.len() < MOST && !list.contains(&text) {
        list.push(text);
    }
}

/// The parts that made the whole what it is.
fn decide<'a>(node: &'a Node, holds: bool, context: &Context<'_, '_>, deciding: &mut Vec<&'a Node>) {
    let Expr::Call(CallExpr { func_name, target: None, args }) = &node.expr else { return deciding.push(node) };
    match (func_name.as_str(), args.as_slice()) {
        (operators::LOGICAL_NOT, [operand]) => decide(operand, !holds, context, deciding),
        // All parts made it true, some part made it false; the other way round for `||`.
        (operators::LOGICAL_AND | operators::LOGICAL_OR, [left, right]) => {
            let all = (func_name == operators::LOGICAL_AND) == holds;
            for part in [left, right] {
                let same = Value::resolve(part, context).is_ok_and(|value| value == Value::Bool(holds));
                if same {
                    decide(part, holds, context, deciding);
                    if !all {
                        return;
                    }
                }
            }
        }
        _ => deciding.push(node),
    }
}

/// Values of the operands of a part, as text.
fn facts(node: &Node, context: &Context<'_, '_>) -> Vec<String> {
    let is = |part: &Node| {
        let value = Value::resolve(part, context).ok()?;
        (!matches!(part.expr, Expr::Literal(_)))
            .then(|| format!("`{}` is {}", render::node(part), render::value(&value)))
    };
    match &node.expr {
        Expr::Call(call) if !call.args.is_empty() || call.target.is_some() => {
            call.target.iter().map(AsRef::as_ref).chain(&call.args).filter_map(is).collect()
        }
        Expr::Comprehension(loops) => {
            let found = decisive(loops, context);
            let size = match Value::resolve(&loops.iter_range, context) {
                Ok(Value::List(items)) => Some(items.len()),
                _ => None,
            };
            let range = render::node(&loops.iter_range);
            match (found.first(), size) {
                (Some((index, element)), _) => vec![format!("`{range}[{index}]` is {}", render::value(element))],
                (None, Some(size)) => vec![format!("`{range}` has {size} element{}", if size == 1 { "" } else { "s" })],
                (None, None) => Vec::new(),
            }
        }
        _ => is(node).into_iter().collect(),
    }
}

/// Elements for which `exists` or `exists_one` holds, or for which `all` does not.
fn decisive(loops: &ComprehensionExpr, context: &Context<'_, '_>) -> Vec<(usize, Value)> {
    let Expr::Call(step) = &loops.loop_step.expr else { return Vec::new() };
    let (condition, wanted) = match (step.func_name.as_str(), step.args.as_slice()) {
        (operators::LOGICAL_OR, [_, condition]) => (condition, true),
        (operators::LOGICAL_AND, [_, condition]) => (condition, false),
        (operators::CONDITIONAL, [condition, _, _]) => (condition, true),
        _ => return Vec::new(),
    };
    let Ok(Value::List(items)) = Value::resolve(&loops.iter_range, context) else { return Vec::new() };
    let decides = |element: &Value| {
        let mut inner = context.new_inner_scope();
        inner.add_variable_from_value(loops.iter_var.clone(), element.clone());
        Value::resolve(condition, &inner).is_ok_and(|value| value == Value::Bool(wanted))
    };
    let found = items.iter().enumerate().filter(|(_, element)| decides(element));
    found.take(MOST).map(|(index, element)| (index, element.clone())).collect()
}

/// The JSON pointer of `final.a[0].b`.
fn pointer(node: &Node) -> Option<String> {
    match &node.expr {
        Expr::Ident(name) if name == "final" => Some(String::new()),
        Expr::Select(select) => Some(format!("{}/{}", pointer(&select.operand)?, escaped(&select.field))),
        Expr::Call(CallExpr { func_name, target: None, args }) if func_name == operators::INDEX => {
            let [list, index] = args.as_slice() else { return None };
            let Expr::Literal(index) = &index.expr else { return None };
            let part = match index {
                LiteralValue::Int(index) => index.inner().to_string(),
                LiteralValue::String(key) => escaped(key.inner()),
                _ => return None,
            };
            Some(format!("{}/{part}", pointer(list)?))
        }
        _ => None,
    }
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
