//! Reading an expression: its syntax and the names in it, with the place of a mistake.

use std::collections::BTreeSet;

use cel::common::ast::{EntryExpr, Expr};
use cel::parser::Expression as Node;
use cel::{Env, ParseErrors, Program, extensions};

/// What an expression can read, with what it is.
pub(crate) const VARIABLES: &[(&str, &str)] = &[
    ("seed", "the state before the agent"),
    ("final", "the state after the agent"),
    ("events", "all rows of the trace"),
    ("calls", "the rows of the trace that are calls to twins"),
    ("twins", "ids of the twins"),
    ("task", "what the agent was told"),
];

/// Names of types, which are values in CEL.
const TYPES: &[&str] = &["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];

/// A parsed expression.
#[derive(Debug)]
pub(crate) struct Expression {
    program: Program,
    reads: BTreeSet<String>,
}

/// What is wrong with an expression, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// In characters, from 1.
    pub(crate) column: usize,
    pub(crate) message: String,
}

/// The functions and macros of expressions: the standard ones and those on texts, lists and numbers.
pub(crate) fn environment() -> Env {
    let mut environment = Env::stdlib();
    // They are declared once, which is the only way in which this can fail.
    for extension in [extensions::strings, extensions::lists, extensions::math] {
        let _ = environment.add_extension(extension);
    }
    environment
}

impl Expression {
    pub(crate) fn parse(source: &str) -> Result<Self, Mistake> {
        if source.is_empty() {
            return Err(Mistake { column: 1, message: "there is no expression".to_owned() });
        }
        let program = environment().compile(source).map_err(|errors| Mistake::first(&errors, source))?;
        let mut names = Names { reads: BTreeSet::new(), unknown: None };
        names.walk(program.expression(), &mut Vec::new());
        if let Some((id, name)) = names.unknown {
            let at = program.source_info().offset_for(id).map_or(0, |(start, _)| usize::try_from(start).unwrap_or(0));
            let before = source.get(..at).map_or(0, |before| before.chars().count());
            let known: Vec<_> = VARIABLES.iter().map(|(name, _)| format!("`{name}`")).collect();
            let message = format!("there is no variable `{name}`; there are {}", known.join(", "));
            return Err(Mistake { column: before + 1, message });
        }
        Ok(Self { reads: names.reads, program })
    }

    pub(crate) fn root(&self) -> &Node {
        self.program.expression()
    }

    pub(crate) fn reads(&self, variable: &str) -> bool {
        self.reads.contains(variable)
    }
}

impl Mistake {
    fn first(errors: &ParseErrors, source: &str) -> Self {
        let Some(first) = errors.errors.first() else {
            return Self { column: 1, message: "this is not an expression".to_owned() };
        };
        let (_, column) = first.pos;
        let last = source.chars().count() + 1;
        Self { column: usize::try_from(column).unwrap_or(1).clamp(1, last), message: readable(&first.msg) }
    }
}

/// The parser's words without the names of its tokens.
fn readable(message: &str) -> String {
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    let (what, expecting) = match message.split_once(" expecting ") {
        Some((what, expecting)) if expecting.len() > 60 => (what, None),
        Some((what, expecting)) => (what, Some(expecting)),
        None => (message, None),
    };
    let what = what.replace("'<EOF>'", "the end").replace("<EOF>", "the end");
    match expecting {
        Some(expecting) => format!("{what}, expected {}", expecting.replace("<EOF>", "the end")),
        None => what,
    }
}

/// Looks for the variables of an expression.
struct Names {
    reads: BTreeSet<String>,
    unknown: Option<(u64, String)>,
}

impl Names {
    fn walk(&mut self, node: &Node, bound: &mut Vec<String>) {
        match &node.expr {
            Expr::Ident(name) => self.name(node.id, name, bound),
            Expr::Select(select) => self.walk(&select.operand, bound),
            Expr::Call(call) => {
                for part in call.target.iter().map(AsRef::as_ref).chain(&call.args) {
                    self.walk(part, bound);
                }
            }
            Expr::List(list) => list.elements.iter().for_each(|element| self.walk(element, bound)),
            Expr::Map(map) => map.entries.iter().for_each(|entry| self.entry(&entry.expr, bound)),
            Expr::Struct(fields) => fields.entries.iter().for_each(|entry| self.entry(&entry.expr, bound)),
            Expr::Comprehension(loops) => {
                self.walk(&loops.iter_range, bound);
                self.walk(&loops.accu_init, bound);
                let outside = bound.len();
                bound.push(loops.iter_var.clone());
                bound.extend(loops.iter_var2.clone());
                bound.push(loops.accu_var.clone());
                for part in [&loops.loop_cond, &loops.loop_step, &loops.result] {
                    self.walk(part, bound);
                }
                bound.truncate(outside);
            }
            Expr::Literal(_) | Expr::Unspecified => {}
        }
    }

    fn entry(&mut self, entry: &EntryExpr, bound: &mut Vec<String>) {
        match entry {
            EntryExpr::StructField(field) => self.walk(&field.value, bound),
            EntryExpr::MapEntry(entry) => {
                self.walk(&entry.key, bound);
                self.walk(&entry.value, bound);
            }
        }
    }

    fn name(&mut self, id: u64, name: &str, bound: &[String]) {
        if bound.iter().any(|bound| bound == name) || TYPES.contains(&name) {
            return;
        }
        if VARIABLES.iter().any(|(known, _)| *known == name) {
            self.reads.insert(name.to_owned());
        } else if name != "math" && self.unknown.is_none() {
            self.unknown = Some((id, name.to_owned()));
        }
    }
}
