//! One stored object, in the form in which the vendor shows it.

use serde_json::{Map, Value};

/// An object as the vendor shows it: every key is there, absent values are null.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Doc(Map<String, Value>);

impl Doc {
    /// Anything but an object counts as an empty one.
    pub(crate) fn new(value: Value) -> Self {
        match value {
            Value::Object(members) => Self(members),
            _ => Self::default(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        Value::Object(self.0.clone())
    }

    pub(crate) const fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    pub(crate) fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    /// Through members of members: `/card/last4`.
    pub(crate) fn at(&self, pointer: &str) -> &Value {
        let mut names = pointer.split('/').skip(1);
        let first = names.next().map_or(&Value::Null, |name| self.get(name));
        names.fold(first, |value, name| value.get(name).unwrap_or(&Value::Null))
    }

    /// Empty when it is no text.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).as_str().unwrap_or_default()
    }

    pub(crate) fn id(&self) -> &str {
        self.text("id")
    }

    /// A text, when there is one.
    pub(crate) fn reference(&self, name: &str) -> Option<&str> {
        self.get(name).as_str().filter(|text| !text.is_empty())
    }

    /// 0 when it is no number.
    pub(crate) fn number(&self, name: &str) -> i64 {
        self.get(name).as_i64().unwrap_or_default()
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name).as_bool().unwrap_or_default()
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.0.shift_remove(name);
    }

    /// A member that is an object, made one when it is not.
    pub(crate) fn object_mut(&mut self, name: &str) -> &mut Map<String, Value> {
        let slot = self.0.entry(name.to_owned()).or_insert(Value::Null);
        if !slot.is_object() {
            *slot = Value::Object(Map::new());
        }
        match slot {
            Value::Object(members) => members,
            // It was made an object just above.
            _ => unreachable!("a member that was made an object"),
        }
    }

    /// The members of `before` that are different now, as they were: an event's `previous_attributes`.
    pub(crate) fn previous(&self, before: &Self) -> Map<String, Value> {
        changes(&before.0, &self.0)
    }
}

/// Changed members as they were; of objects only what changed in them.
fn changes(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    for (name, old) in before {
        match (old, after.get(name)) {
            (old, Some(new)) if old == new => {}
            (Value::Object(old), Some(Value::Object(new))) => {
                out.insert(name.clone(), Value::Object(changes(old, new)));
            }
            (old, _) => {
                out.insert(name.clone(), old.clone());
            }
        }
    }
    for name in after.keys().filter(|name| !before.contains_key(*name)) {
        out.insert(name.clone(), Value::Null);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn previous_attributes_hold_only_what_changed_as_it_was() {
        let before = Doc::new(json!({"name": "a", "phone": null, "metadata": {"x": "1", "y": "2"}, "tags": ["a"]}));
        let after = Doc::new(json!({"name": "b", "phone": null, "metadata": {"y": "3", "z": "4"}, "tags": ["b"]}));
        assert_eq!(
            Value::Object(after.previous(&before)),
            json!({"name": "a", "metadata": {"x": "1", "y": "2", "z": null}, "tags": ["a"]})
        );
    }

    #[test]
    fn a_place_is_found_through_members() {
        let doc = Doc::new(json!({"card": {"last4": "4242"}, "n": 3}));
        assert_eq!((doc.at("/card/last4"), doc.at("/card/no/way"), doc.number("n")), (&json!("4242"), &Value::Null, 3));
    }
}
