//! The recorded material as values of an expression. Only what the expression reads is taken apart.

use std::sync::Arc;

use cel::objects::{Key, Map};
use cel::{Context, Value};
use serde_json::Value as Json;

use crate::Case;
use crate::expression::{Expression, environment};

/// Values of the variables that an expression reads.
#[derive(Debug)]
pub(crate) struct Variables {
    values: Vec<(&'static str, Value)>,
    final_state: Option<Json>,
}

/// Something that the expression reads and that was not recorded.
#[derive(Debug)]
pub(crate) struct Missing {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Variables {
    pub(crate) fn of(expression: &Expression, case: &Case<'_>) -> Result<Self, Missing> {
        let mut values = Vec::new();
        let mut final_state = None;
        if expression.reads("seed") {
            let seed = read(case.seed, "seed_missing", "the state before the agent")?;
            values.push(("seed", value(&seed)));
        }
        if expression.reads("final") {
            let state = read(case.final_state, "state_missing", "the state after the agent")?;
            values.push(("final", value(&state)));
            final_state = Some(state);
        }
        if expression.reads("events") || expression.reads("calls") {
            let events = read(case.events, "tape_missing", "the trace")?;
            let rows = events.as_array().map_or(&[][..], Vec::as_slice);
            let of_twin = |row: &&Json| match case.twin {
                Some(twin) => row.get("twin").and_then(Json::as_str) == Some(twin),
                None => true,
            };
            let calls = rows.iter().filter(|row| row.get("kind").and_then(Json::as_str) == Some("TwinHttpEvent"));
            values.push(("calls", list(calls.filter(of_twin).map(value))));
            values.push(("events", value(&events)));
        }
        values.push(("twins", list(case.twins.iter().map(|twin| Value::String(Arc::new(twin.clone()))))));
        values.push(("task", Value::String(Arc::new(case.task.to_owned()))));
        Ok(Self { values, final_state })
    }

    pub(crate) fn context(&self) -> Context<'static, 'static> {
        let mut context = Context::with_env(Arc::new(environment()));
        for (name, value) in &self.values {
            context.add_variable_from_value(*name, value.clone());
        }
        context
    }

    pub(crate) fn final_state(&self) -> Option<&Json> {
        self.final_state.as_ref()
    }
}

fn read(text: Option<&str>, code: &'static str, what: &str) -> Result<Json, Missing> {
    let text = text.ok_or_else(|| Missing { code, message: format!("{what} was not recorded") })?;
    serde_json::from_str(text).map_err(|error| Missing { code, message: format!("{what} is not JSON: {error}") })
}

fn list(values: impl Iterator<Item = Value>) -> Value {
    Value::List(Arc::new(values.collect()))
}

/// JSON as CEL sees it: whole numbers are `int`, others `double`.
fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::Int(number),
            (None, Some(number)) => Value::UInt(number),
            (None, None) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::String(Arc::new(text.clone())),
        Json::Array(items) => list(items.iter().map(value)),
        Json::Object(fields) => {
            let fields = fields.iter().map(|(key, field)| (Key::String(Arc::new(key.clone())), value(field)));
            Value::Map(Map { map: Arc::new(fields.collect()) })
        }
    }
}
