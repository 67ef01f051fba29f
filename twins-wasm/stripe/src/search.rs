//! The search language: `field:"value"`, `-field`, `metadata["key"]`, `~`, `<` and `>`, joined by `AND` or by `OR`.

use pome_twin_kit::Cx;
use serde_json::{Value, json};

use crate::Stripe;
use crate::answer::Answer;
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::lists;
use crate::state::Row;

/// A query that was understood.
#[derive(Debug, Clone, PartialEq)]
struct Query {
    clauses: Vec<Clause>,
    any: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Clause {
    field: String,
    key: Option<String>,
    negated: bool,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Is(String),
    Contains(String),
    Absent,
    Compare(&'static str, i64),
}

fn refuse(message: impl Into<String>) -> Error {
    Error::invalid(message).param("query")
}

/// A page of the objects that a query describes.
pub(crate) fn run(
    cx: &Cx<'_, Stripe>,
    kind: Kind,
    fields: &[&str],
    query: Option<&str>,
    limit: Option<i64>,
    page: Option<&str>,
) -> Result<Answer, Error> {
    let query = parse(query.ok_or_else(|| Error::required("query"))?, fields)?;
    let limit = lists::limit(limit)?;
    let start = match page {
        None => 0,
        Some(page) => {
            let invalid = || Error::invalid(format!("Invalid page token: {page}")).param("page");
            page.strip_prefix("page_").and_then(|at| at.parse::<usize>().ok()).ok_or_else(invalid)?
        }
    };
    let rows: Vec<&Row> = cx.each(kind).into_iter().filter(|row| query.holds(&row.object)).collect();
    let total = rows.len();
    let data: Vec<Value> = rows.into_iter().skip(start).take(limit).map(|row| row.object.json()).collect();
    let end = start + data.len();
    let next = (end < total).then(|| format!("page_{end}"));
    let url = format!("{}/search", kind.url());
    Answer::of(
        cx,
        json!({ "object": "search_result", "data": data, "has_more": next.is_some(), "next_page": next, "url": url }),
    )
}

impl Query {
    fn holds(&self, doc: &Doc) -> bool {
        let mut results = self.clauses.iter().map(|clause| clause.test.holds(clause.value(doc)) != clause.negated);
        if self.any { results.any(|holds| holds) } else { results.all(|holds| holds) }
    }
}

impl Clause {
    fn value<'a>(&self, doc: &'a Doc) -> &'a Value {
        match (&self.key, self.field.as_str()) {
            (Some(key), field) => doc.get(field).get(key).unwrap_or(&Value::Null),
            (None, "last4") => doc.at("/payment_method_details/card/last4"),
            (None, "currency") => doc.get("currency"),
            (None, field) if field.contains('.') => doc.at(&format!("/{}", field.replace('.', "/"))),
            (None, field) => doc.get(field),
        }
    }
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Absent => value.is_null() || value == "",
            Self::Is(wanted) => match value {
                Value::String(text) => text.eq_ignore_ascii_case(wanted),
                Value::Null => wanted == "null",
                other => format!("{other}") == *wanted,
            },
            Self::Contains(part) => {
                value.as_str().is_some_and(|text| text.to_lowercase().contains(&part.to_lowercase()))
            }
            Self::Compare(sign, bound) => value.as_i64().is_some_and(|value| match *sign {
                ">" => value > *bound,
                ">=" => value >= *bound,
                "<" => value < *bound,
                _ => value <= *bound,
            }),
        }
    }
}

fn parse(text: &str, fields: &[&str]) -> Result<Query, Error> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(Error::empty("query"));
    }
    let mut clauses = Vec::new();
    let mut any = None;
    loop {
        let (clause, after) = clause(rest, fields)?;
        clauses.push(clause);
        rest = after.trim_start();
        if rest.is_empty() {
            return Ok(Query { clauses, any: any.unwrap_or_default() });
        }
        let word = rest.split_whitespace().next().unwrap_or_default();
        let joined = match word.to_ascii_uppercase().as_str() {
            "AND" => false,
            "OR" => true,
            // Clauses beside each other belong together.
            _ => {
                if *any.get_or_insert(false) {
                    return Err(refuse("We were unable to parse your search query: AND and OR cannot be mixed."));
                }
                continue;
            }
        };
        if *any.get_or_insert(joined) != joined {
            return Err(refuse("We were unable to parse your search query: AND and OR cannot be mixed."));
        }
        rest = rest.get(word.len()..).unwrap_or_default().trim_start();
    }
}

fn clause<'a>(text: &'a str, fields: &[&str]) -> Result<(Clause, &'a str), Error> {
    let unreadable = || {
        refuse(
            "We were unable to parse your search query. Try using the format `metadata[\"key\"]:\"value\"` to query for metadata or \
             key:\"value\" to query for other fields.",
        )
    };
    let (negated, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let end = text.find([':', '~', '<', '>', '[', ' ']).ok_or_else(unreadable)?;
    let (field, mut rest) = text.split_at(end);
    if !fields.contains(&field) {
        let known: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
        return Err(refuse(format!(
            "Field `{field}` is an unsupported search field for this resource. Supported fields are: {}.",
            known.join(", ")
        )));
    }
    let mut key = None;
    if let Some(inner) = rest.strip_prefix('[') {
        let (name, after) = quoted(inner).ok_or_else(unreadable)?;
        key = Some(name);
        rest = after.strip_prefix(']').ok_or_else(unreadable)?;
    }
    let signs = [":", "~", ">=", "<=", ">", "<"];
    let sign = signs.into_iter().find(|sign| rest.starts_with(sign)).ok_or_else(unreadable)?;
    let rest = rest.get(sign.len()..).unwrap_or_default();
    let (value, rest, bare) = match quoted(rest) {
        Some((value, rest)) => (value, rest, false),
        None => {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let (value, rest) = rest.split_at(end);
            (value.to_owned(), rest, true)
        }
    };
    if bare && (value.is_empty() || value.starts_with(['"', '\''])) {
        return Err(unreadable());
    }
    let test = match sign {
        ":" if bare && value.eq_ignore_ascii_case("null") => Test::Absent,
        ":" => Test::Is(value),
        "~" => Test::Contains(value),
        sign => Test::Compare(sign, value.parse().map_err(|_| unreadable())?),
    };
    Ok((Clause { field: field.to_owned(), key, negated, test }, rest))
}

/// A text in quotes, of either kind, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let mut out = String::new();
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '\\' if !escaped => escaped = true,
            character if character == quote && !escaped => return Some((out, text.get(at + 1..)?)),
            character => {
                out.push(character);
                escaped = false;
            }
        }
    }
    None
}

/// Writes an action that searches a kind by the fields that are named.
macro_rules! search {
    ($(#[$doc:meta])* $name:ident = $call:literal, $kind:expr, [$($field:literal),* $(,)?]) => {
        $(#[$doc])*
        #[derive(Debug, serde::Deserialize)]
        pub(crate) struct $name {
            query: Option<String>,
            limit: Option<i64>,
            page: Option<String>,
        }

        impl pome_twin_kit::Action<$crate::Stripe> for $name {
            const NAME: &'static str = $call;
            type Output = $crate::answer::Answer;

            fn run(
                self,
                cx: &mut pome_twin_kit::Cx<'_, $crate::Stripe>,
            ) -> Result<$crate::answer::Answer, $crate::error::Error> {
                let fields = [$($field),*];
                $crate::search::run(cx, $kind, &fields, self.query.as_deref(), self.limit, self.page.as_deref())
            }
        }
    };
}

pub(crate) use search;

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [&str; 6] = ["email", "name", "metadata", "amount", "created", "status"];

    fn holds(query: &str) -> bool {
        let doc = Doc::new(json!({
            "email": "Ada@example.com", "name": "Ada \"A\" Okafor", "phone": null, "amount": 500, "created": 10,
            "status": "succeeded", "metadata": { "order id": "7" },
        }));
        parse(query, &FIELDS).unwrap().holds(&doc)
    }

    #[test]
    fn clauses_are_understood() {
        for query in [
            "email:\"ada@example.com\"",
            "email:'ada@example.com'",
            "email~\"EXAMPLE\"",
            "-email:\"bob\"",
            "metadata[\"order id\"]:\"7\"",
            "metadata['none']:null",
            "-metadata['order id']:null",
            "amount>400 AND amount<=500",
            "amount:500",
            "status:\"failed\" OR amount>=500",
            "name:\"ada \\\"a\\\" okafor\"",
            "amount>400 status:\"succeeded\"",
        ] {
            assert!(holds(query), "{query}");
        }
        for query in ["email:\"ada\"", "amount>500", "email:null", "status:\"failed\" AND amount>1"] {
            assert!(!holds(query), "{query}");
        }
    }

    #[test]
    fn what_is_no_query_is_refused() {
        for query in ["", "email", "phone:\"1\"", "email:\"open", "amount>x", "email:\"a\" AND name:\"b\" OR amount:1"]
        {
            assert!(parse(query, &FIELDS).is_err(), "{query}");
        }
    }
}
