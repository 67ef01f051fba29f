//! What a component from elsewhere says about itself, before anybody believes it: its words end up in file names, variables,
//! headers and terminals.

use std::collections::BTreeSet;

use pome_wire::env;
use serde_json::Value;

use crate::call::Header;
use crate::description::{Description, VariableValue};

/// Bytes of an id. Variables and files are named after it.
const LONGEST_ID: usize = 40;
/// Bytes of any other name.
const LONGEST_NAME: usize = 300;
/// Bytes of a sentence for people.
const LONGEST_TEXT: usize = 8 << 10;
/// Bytes of a document that is shown or served as a whole.
const LONGEST_DOCUMENT: usize = 1 << 20;
/// Bytes of a seed.
const LONGEST_SEED: usize = 16 << 20;
/// Rows of a table, several times what the largest vendor has.
const MOST_ROWS: usize = 5000;
/// Milliseconds that a fault may wait.
const LONGEST_DELAY: u32 = 600_000;

/// Claims that the host puts into every token.
const HOST_CLAIMS: &[&str] = &["sid", "team_id", "exp", "iat", "nbf", "iss", "aud", "sub", "jti"];

/// Words of variables that are not in the lists of [`env`]: what is planned or only read by harnesses.
const OTHER_WORDS: &[&str] = &["POME", "EVALUATOR", "DEMO", "CLONE", "RECORDER", "SEED", "STANDALONE"];

/// Refuses a description that does not keep to the rules. The error names the field.
pub(crate) fn description(of: &Description) -> Result<(), String> {
    id(&of.id)?;
    name("title", &of.title)?;
    name("implementation", &of.implementation)?;
    name("version", &of.version)?;
    if of.default_port == 0 {
        return Err("`default-port` is 0".to_owned());
    }
    documents(of)?;
    tokens(of)?;
    variables(of)?;
    hosts(of)?;
    routes(of)?;
    tools(of)?;
    seeds(of)?;
    answers(of)?;
    checks(of)
}

/// Lower-case words, because it becomes part of variables, tags in scenarios and names of files.
fn id(id: &str) -> Result<(), String> {
    let plain = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    let words = id.split(['-', '_']).all(|word| !word.is_empty() && word.chars().all(plain));
    if !words || !id.starts_with(|first: char| first.is_ascii_lowercase()) || id.len() > LONGEST_ID {
        let shown = excerpt(id);
        return Err(format!(
            "the id `{shown}` is not lower-case words joined by `-` or `_`, at most {LONGEST_ID} characters"
        ));
    }
    // `POME_AUTH_TOKEN` is not the token of a twin called `auth`.
    let word = env::part(id);
    let prefix = format!("POME_{word}_");
    let own = env::OWN.iter().any(|own| own.starts_with(&prefix) || own.strip_prefix("POME_") == Some(&word));
    if own || OTHER_WORDS.contains(&word.as_str()) {
        return Err(format!("the id `{id}` is reserved: variables of Pome itself are called `{prefix}...`"));
    }
    Ok(())
}

fn documents(of: &Description) -> Result<(), String> {
    object("health", &of.health)?;
    object("reset-answer", &of.reset_answer)?;
    rows("session-health", &of.session_health)?;
    for key in &of.session_health {
        name("session-health", key)?;
    }
    rows("extras", &of.extras)?;
    for (key, document) in &of.extras {
        let plain = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
        if key.is_empty() || key.len() > LONGEST_NAME || !key.chars().all(plain) {
            return Err(format!("`extras` has `{}`, which is no name for a document", excerpt(key)));
        }
        object("extras", document)?;
    }
    rows("private-state", &of.private_state)?;
    for key in &of.private_state {
        name("private-state", key)?;
    }
    rows("mounts", &of.mounts)?;
    for mount in &of.mounts {
        path("mounts", mount)?;
    }
    Ok(())
}

fn tokens(of: &Description) -> Result<(), String> {
    let tokens = &of.tokens;
    for (field, words) in
        [("tokens.schemes", &tokens.schemes), ("tokens.prefixes", &tokens.prefixes), ("tokens.kept", &tokens.kept)]
    {
        rows(field, words)?;
        for word in words {
            name(field, word)?;
            if word.is_empty() {
                return Err(format!("`{field}` has an empty entry"));
            }
        }
    }
    for (field, parameter) in [("tokens.query", &tokens.query), ("tokens.form", &tokens.form)] {
        parameter.as_ref().map_or(Ok(()), |parameter| name(field, parameter))?;
    }
    rows("tokens.claims", &tokens.claims)?;
    for (claim, value) in &tokens.claims {
        name("tokens.claims", claim)?;
        name("tokens.claims", value)?;
        if HOST_CLAIMS.contains(&claim.as_str()) {
            return Err(format!("`tokens.claims` sets `{claim}`, which is the host's"));
        }
    }
    Ok(())
}

/// Only variables that carry the twin's own name: `PATH` or `POME_API_KEY` are not its to set.
fn variables(of: &Description) -> Result<(), String> {
    rows("variables", &of.variables)?;
    let prefix = format!("POME_{}_", env::part(&of.id));
    let mut seen = BTreeSet::new();
    for variable in &of.variables {
        let rest = variable.name.strip_prefix(&prefix).unwrap_or_default();
        let plain = |character: char| character.is_ascii_uppercase() || character.is_ascii_digit() || character == '_';
        if rest.is_empty() || variable.name.len() > LONGEST_NAME || !rest.chars().all(plain) {
            let shown = excerpt(&variable.name);
            return Err(format!("`variables` has `{shown}`; a twin's own variables are called `{prefix}...`"));
        }
        let fixed = match rest {
            "REST_URL" => Some(VariableValue::RestUrl),
            "MCP_URL" => Some(VariableValue::McpUrl),
            _ => None,
        };
        if fixed.is_some_and(|value| value != variable.value) || !seen.insert(&variable.name) {
            return Err(format!("`variables` gives `{}` a second meaning", variable.name));
        }
    }
    Ok(())
}

fn hosts(of: &Description) -> Result<(), String> {
    rows("hosts", &of.hosts)?;
    for host in &of.hosts {
        let plain = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
        let labels = host.name.split('.').all(|label| !label.is_empty() && label.chars().all(plain));
        let named = host.name.contains('.') && host.name.contains(|character: char| character.is_ascii_lowercase());
        if !labels || !named || host.name.len() > LONGEST_NAME || pome_wire::host::is_this_machine(&host.name) {
            return Err(format!("`hosts` has `{}`, which is no host of a vendor", excerpt(&host.name)));
        }
        if !host.root.is_empty() {
            path("hosts", &host.root)?;
        }
    }
    Ok(())
}

fn routes(of: &Description) -> Result<(), String> {
    rows("routes", &of.routes)?;
    for route in &of.routes {
        if route.method.is_empty()
            || route.method.len() > LONGEST_NAME
            || !route.method.chars().all(|letter| letter.is_ascii_uppercase())
        {
            return Err(format!("`routes` has the method `{}`", excerpt(&route.method)));
        }
        path("routes", &route.path)?;
        name("routes", &route.action)?;
        note("routes", route.note.as_deref())?;
        rows("routes", &route.inputs)?;
        for input in &route.inputs {
            for word in [&input.name, &input.place, &input.kind] {
                name("routes", word)?;
            }
        }
    }
    Ok(())
}

fn tools(of: &Description) -> Result<(), String> {
    rows("tools", &of.tools)?;
    for tool in &of.tools {
        name("tools", &tool.name)?;
        name("tools", &tool.action)?;
        note("tools", tool.note.as_deref())?;
        let listing = object("tools", &tool.listing)?;
        if listing.get("name").and_then(Value::as_str) != Some(&tool.name) {
            return Err(format!("`tools` has no listing for `{}`", tool.name));
        }
    }
    Ok(())
}

fn seeds(of: &Description) -> Result<(), String> {
    rows("seeds", &of.seeds)?;
    for seed in &of.seeds {
        name("seeds", &seed.name)?;
        text("seeds", &seed.summary)?;
        // Only the twin itself reads it.
        if seed.json.len() > LONGEST_SEED {
            return Err(too_long("seeds", seed.json.len(), LONGEST_SEED));
        }
    }
    if of.seed("default").is_none() {
        return Err("`seeds` has no `default`".to_owned());
    }
    Ok(())
}

/// Fixed answers and faults.
fn answers(of: &Description) -> Result<(), String> {
    rows("refusals", &of.refusals)?;
    for refusal in &of.refusals {
        name("refusals", &refusal.case)?;
        answer("refusals", refusal.status, &refusal.headers, &refusal.body)?;
    }
    rows("faults", &of.faults)?;
    for fault in &of.faults {
        name("faults", &fault.name)?;
        answer("faults", fault.status, &fault.headers, &fault.body)?;
        if fault.delay_ms > LONGEST_DELAY {
            return Err(format!(
                "`faults`: `{}` waits {} ms, at most {LONGEST_DELAY} are allowed",
                fault.name, fault.delay_ms
            ));
        }
    }
    Ok(())
}

fn answer(field: &str, status: u16, headers: &[Header], body: &[u8]) -> Result<(), String> {
    if !(200..600).contains(&status) {
        return Err(format!("`{field}` has the status {status}"));
    }
    rows(field, headers)?;
    for header in headers {
        let token = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
        if header.name.is_empty() || !header.name.chars().all(token) || header.name.len() > LONGEST_NAME {
            return Err(format!("`{field}` has a header called `{}`", excerpt(&header.name)));
        }
        text(field, &header.value)?;
    }
    if body.len() > LONGEST_DOCUMENT { Err(too_long(field, body.len(), LONGEST_DOCUMENT)) } else { Ok(()) }
}

fn checks(of: &Description) -> Result<(), String> {
    rows("checks", &of.checks)?;
    let prefix = format!("{}.", of.id);
    for check in &of.checks {
        name("checks", &check.id)?;
        if !check.id.starts_with(&prefix) {
            return Err(format!("`checks` has `{}`; those of this twin are called `{prefix}...`", check.id));
        }
        for words in [&check.template, &check.description, &check.pattern] {
            text("checks", words)?;
        }
        name("checks", &check.substrate)?;
        rows("checks", &check.params)?;
        for param in &check.params {
            name("checks", &param.name)?;
            text("checks", &param.pattern)?;
            text("checks", &param.example)?;
        }
    }
    name("checks-digest", &of.checks_digest)
}

fn rows<T>(field: &str, rows: &[T]) -> Result<(), String> {
    if rows.len() > MOST_ROWS {
        return Err(format!("`{field}` has {} rows, at most {MOST_ROWS} are allowed", rows.len()));
    }
    Ok(())
}

fn name(field: &str, words: &str) -> Result<(), String> {
    bounded(field, words, LONGEST_NAME)
}

fn text(field: &str, words: &str) -> Result<(), String> {
    bounded(field, words, LONGEST_TEXT)
}

fn note(field: &str, words: Option<&str>) -> Result<(), String> {
    words.map_or(Ok(()), |words| text(field, words))
}

fn path(field: &str, path: &str) -> Result<(), String> {
    name(field, path)?;
    if path.starts_with('/') { Ok(()) } else { Err(format!("`{field}` has `{path}`, which does not start with `/`")) }
}

fn bounded(field: &str, words: &str, most: usize) -> Result<(), String> {
    if words.len() > most {
        return Err(too_long(field, words.len(), most));
    }
    if words.contains(steers) {
        return Err(format!("`{field}` has control characters: `{}`", excerpt(words)));
    }
    Ok(())
}

/// Characters that move a terminal's cursor or turn its text around.
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

fn too_long(field: &str, length: usize, most: usize) -> String {
    format!("`{field}` has an entry of {length} bytes, at most {most} are allowed")
}

/// A JSON object.
fn object(field: &str, bytes: &[u8]) -> Result<Value, String> {
    if bytes.len() > LONGEST_DOCUMENT {
        return Err(too_long(field, bytes.len(), LONGEST_DOCUMENT));
    }
    match serde_json::from_slice(bytes) {
        Ok(document @ Value::Object(_)) => Ok(document),
        _ => Err(format!("`{field}` has a document that is no JSON object")),
    }
}

/// The beginning of something that may be anything.
fn excerpt(words: &str) -> String {
    const SHOWN: usize = 60;
    let mut shown: String =
        words.chars().map(|character| if steers(character) { '?' } else { character }).take(SHOWN).collect();
    if words.chars().nth(SHOWN).is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::description::{Route, Variable, VendorHost};

    fn base() -> Description {
        let bytes = |text: &str| Value::from(text.as_bytes().to_vec());
        serde_json::from_value(json!({
            "id": "help-desk", "title": "Help desk", "implementation": "desk", "version": "1.0.0", "default_port": 3340,
            "root_mount": false, "mounts": [], "hosts": [{"name": "api.desk.example", "root": ""}], "clockwork": false,
            "call_aliases": false, "call_forms": false, "records_admin": false, "stamps_tool_call": false,
            "health": bytes("{}"), "session_health": ["ok"], "extras": [["about", bytes("{}")]], "reset_answer": bytes("{}"),
            "tokens": {"schemes": ["Bearer"], "any_case": false, "bare": false, "query": null, "form": null,
                "prefixes": [], "claims": [["login", "ana"]], "kept": []},
            "variables": [{"name": "POME_HELP_DESK_TOKEN", "value": "session-token"}],
            "routes": [], "tools": [{"name": "a", "action": "a", "mutates": false, "fidelity": "semantic", "note": null,
                "listing": bytes(r#"{"name":"a"}"#)}],
            "seeds": [{"name": "default", "summary": "", "json": bytes("{}")}],
            "refusals": [{"case": "no-token", "status": 401, "headers": [], "body": bytes("no")}],
            "faults": [], "checks": [], "checks_digest": "sha256:00", "private_state": []
        }))
        .unwrap()
    }

    /// The refusal of the base with one change.
    fn refusal(change: impl FnOnce(&mut Description)) -> String {
        let mut changed = base();
        change(&mut changed);
        description(&changed).expect_err("refused")
    }

    #[test]
    fn an_ordinary_description_is_accepted() {
        assert_eq!(description(&base()), Ok(()));
    }

    #[test]
    fn an_id_is_words_that_nothing_else_is_called() {
        let of = |id: &str| {
            let id = id.to_owned();
            refusal(|description| description.id = id)
        };
        for id in ["", "Help", "../../etc", "a b", "a--b", "9desk", "desk\n", &"a".repeat(41)] {
            assert!(of(id).contains("is not lower-case words"), "{id}");
        }
        for id in ["api", "auth", "run", "task", "twin", "session", "otel", "artifacts", "llm", "egress", "pome"] {
            assert!(of(id).contains("is reserved"), "{id}");
        }
    }

    #[test]
    fn variables_carry_the_name_of_their_twin() {
        for name in [
            "PATH",
            "LD_PRELOAD",
            "POME_API_KEY",
            "POME_AUTH_TOKEN",
            "POME_GITHUB_TOKEN",
            "POME_HELP_DESK_",
            "POME_HELP_DESK_A=B",
        ] {
            let refused = refusal(|description| description.variables[0].name = name.to_owned());
            assert!(refused.starts_with("`variables` has "), "{refused}");
        }
        let refused = refusal(|description| description.variables[0].name = "POME_HELP_DESK_REST_URL".to_owned());
        assert_eq!(refused, "`variables` gives `POME_HELP_DESK_REST_URL` a second meaning");
        let again = Variable { name: "POME_HELP_DESK_TOKEN".to_owned(), value: VariableValue::RestUrl };
        let refused = refusal(|description| description.variables.push(again));
        assert!(refused.ends_with("a second meaning"), "{refused}");
    }

    #[test]
    fn words_are_bounded_and_do_not_steer_a_terminal() {
        let refused = refusal(|description| description.title = "a".repeat(4 << 20));
        assert_eq!(refused, "`title` has an entry of 4194304 bytes, at most 300 are allowed");
        for title in ["\u{1b}[2J", "a\nb", "\u{202e}evil", "\u{7f}"] {
            let refused = refusal(|description| description.title = title.to_owned());
            assert!(
                refused.starts_with("`title` has control characters: `") && !refused.contains(title),
                "{refused:?}"
            );
        }
        let route = Route {
            method: "GET".to_owned(),
            path: "/a".to_owned(),
            action: "a".to_owned(),
            mutates: false,
            fidelity: crate::Fidelity::Semantic,
            note: None,
            inputs: Vec::new(),
        };
        let refused = refusal(|description| description.routes = vec![route.clone(); 6000]);
        assert_eq!(refused, "`routes` has 6000 rows, at most 5000 are allowed");
        let refused = refusal(|description| description.routes = vec![Route { method: "GET /x".to_owned(), ..route }]);
        assert_eq!(refused, "`routes` has the method `GET /x`");
    }

    #[test]
    fn what_becomes_part_of_answers_and_tokens_is_looked_at() {
        type Change = fn(&mut Description);
        let cases: [(&str, Change); 9] = [
            ("`tokens.claims` sets `sid`", |of| of.tokens.claims.push(("sid".to_owned(), "other".to_owned()))),
            ("`tokens.kept` has an empty entry", |of| of.tokens.kept.push(String::new())),
            ("`refusals` has the status 99", |of| of.refusals[0].status = 99),
            ("`refusals` has a header called `a: b`", |of| {
                of.refusals[0].headers.push(Header { name: "a: b".to_owned(), value: String::new() });
            }),
            ("`refusals` has control characters", |of| {
                of.refusals[0].headers.push(Header { name: "a".to_owned(), value: "b\r\nc: d".to_owned() });
            }),
            ("`health` has a document that is no JSON object", |of| of.health = b"<html>".to_vec()),
            ("`tools` has no listing for `a`", |of| of.tools[0].listing = b"{}".to_vec()),
            ("`seeds` has no `default`", |of| of.seeds[0].name = "other".to_owned()),
            ("`extras` has `../admin`", |of| of.extras[0].0 = "../admin".to_owned()),
        ];
        for (message, change) in cases {
            let refused = refusal(change);
            assert!(refused.starts_with(message), "{refused}");
        }
        for host in ["localhost", "127.0.0.1", "evil", "a..b", "A.example", "h.example:80", "10.0.0.1"] {
            let refused = refusal(|of| of.hosts = vec![VendorHost { name: host.to_owned(), root: String::new() }]);
            assert!(refused.starts_with("`hosts` has "), "{host}");
        }
    }
}
