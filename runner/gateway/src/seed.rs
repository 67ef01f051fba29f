//! The parts of a seed that are the gateway's: the clock and the faults. The rest goes to the twin.

use pome_sandbox::Description;
use pome_wire::time;
use serde_json::{Map, Value};

use crate::fault::Rules;

/// Keys that never reach a twin.
const RESERVED: [&str; 4] = ["_meta", "_clock", "faults", "failure_injection"];

/// A seed, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// What the twin gets.
    pub(crate) document: Vec<u8>,
    /// Where the clock starts.
    pub(crate) clock: Option<u64>,
    /// What goes wrong on purpose.
    pub(crate) rules: Rules,
}

/// Takes a seed apart. What is not a JSON object goes to the twin as it is, which has its own words for that.
pub(crate) fn split(document: &[u8], description: &Description) -> Result<Parts, String> {
    let whole = || Parts { document: document.to_vec(), ..Parts::default() };
    let mentions = |key: &str| memchr::memmem::find(document, key.as_bytes()).is_some();
    if !RESERVED.iter().any(|key| mentions(key)) {
        return Ok(whole());
    }
    let Ok(mut members) = serde_json::from_slice::<Map<String, Value>>(document) else {
        return Ok(whole());
    };
    let mut take = |key: &str| members.shift_remove(key);
    let _ = take("_meta");
    let clock = match take("_clock") {
        None | Some(Value::Null) => None,
        Some(value) => {
            let millis = value.as_str().and_then(time::parse).and_then(|millis| u64::try_from(millis).ok());
            Some(millis.ok_or_else(|| format!("_clock: `{value}` is not a time such as `2026-01-01T00:00:00Z`"))?)
        }
    };
    let rules = Rules::parse(take("failure_injection"), take("faults"), description)?;
    let document = serde_json::to_vec(&members).map_err(|error| error.to_string())?;
    Ok(Parts { document, clock, rules })
}
