//! The GraphQL door: what can be read, how errors look, and introspection.

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

fn ask(twin: &mut Native<GitHub>, query: &str, variables: &Value) -> Value {
    let answer = twin.request("POST", "/graphql", Some(&json!({ "query": query, "variables": variables })));
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    body(&answer)
}

/// The data of a request that must succeed.
fn data(twin: &mut Native<GitHub>, query: &str) -> Value {
    let answer = ask(twin, query, &json!({}));
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"].clone()
}

#[test]
fn a_query_reads_what_rest_shows_under_the_same_ids() {
    let mut twin = Native::<GitHub>::new();
    let rest = twin.json("/repos/acme/api/issues/1");
    let query = "query($owner: String!, $name: String!, $number: Int!) {
        viewer { login id }
        repository(owner: $owner, name: $name) {
            id nameWithOwner isPrivate defaultBranchRef { name target { oid ... on Commit { messageHeadline } } }
            issue(number: $number) { ...parts comments { totalCount } labels(first: 5) { nodes { name } } }
        }
    }
    fragment parts on Issue { id number title state stateReason author { __typename login ... on User { name } } createdAt }";
    let answer = ask(&mut twin, query, &json!({ "owner": "acme", "name": "api", "number": 1 }));
    let repo = &answer["data"]["repository"];
    assert_eq!(repo["id"], twin.json("/repos/acme/api")["node_id"]);
    assert_eq!(answer["data"]["viewer"]["login"], "pome-agent");
    assert_eq!(
        repo["issue"],
        json!({
            "id": rest["node_id"], "number": 1, "title": rest["title"], "state": "OPEN", "stateReason": null,
            "author": { "__typename": "User", "login": "pome-agent", "name": "Pome Agent" },
            "createdAt": rest["created_at"], "comments": { "totalCount": 0 }, "labels": { "nodes": [] },
        })
    );
    let head = twin.json("/repos/acme/api/commits/main");
    assert_eq!(repo["defaultBranchRef"]["target"]["oid"], head["sha"]);
    let id = rest["node_id"].as_str().unwrap();
    let found = data(&mut twin, &format!("{{ node(id: \"{id}\") {{ __typename id ... on Issue {{ number }} }} }}"));
    assert_eq!(found["node"], json!({ "__typename": "Issue", "id": id, "number": 1 }));
}

#[test]
fn what_cannot_be_found_is_null_with_an_error_of_its_place() {
    let mut twin = Native::<GitHub>::new();
    let answer = ask(&mut twin, "{\n  repository(owner: \"acme\", name: \"gone\") { id }\n}", &json!({}));
    assert_eq!(
        answer,
        json!({
            "data": { "repository": null },
            "errors": [{
                "type": "NOT_FOUND", "path": ["repository"], "locations": [{ "line": 2, "column": 3 }],
                "message": "Could not resolve to a Repository with the name 'acme/gone'.",
            }],
        })
    );
    let answer =
        ask(&mut twin, "{ repository(owner: \"acme\", name: \"api\") { issue(number: 99) { id } } }", &json!({}));
    assert_eq!(answer["data"], json!({ "repository": { "issue": null } }));
    assert_eq!(answer["errors"][0]["message"], "Could not resolve to an Issue with the number of 99.");
    assert_eq!(answer["errors"][0]["path"], json!(["repository", "issue"]));
    let answer = ask(&mut twin, "{ node(id: \"I_1\") { id } }", &json!({}));
    assert_eq!(answer["errors"][0]["message"], "Could not resolve to a node with the global id of 'I_1'");
}

#[test]
fn a_request_that_breaks_the_schema_runs_nothing_and_says_why_in_the_vendors_words() {
    let mut twin = Native::<GitHub>::new();
    let answer = ask(&mut twin, "query Q { viewer { nope } }", &json!({}));
    assert_eq!(
        answer,
        json!({ "errors": [{
            "path": ["query Q", "viewer", "nope"],
            "extensions": { "code": "undefinedField", "typeName": "User", "fieldName": "nope" },
            "locations": [{ "line": 1, "column": 20 }],
            "message": "Field 'nope' doesn't exist on type 'User'",
        }] })
    );
    for (query, variables, code, message) in [
        (
            "{ viewer }",
            json!({}),
            "selectionMismatch",
            "Field must have selections (field 'viewer' returns User but has no selections. Did you mean 'viewer { ... }'?)",
        ),
        (
            "{ viewer { login { x } } }",
            json!({}),
            "selectionMismatch",
            "Selections can't be made on scalars (field 'login' returns String! but has selections [\"x\"])",
        ),
        (
            "{ repository(owner: \"a\") { id } }",
            json!({}),
            "missingRequiredArguments",
            "Field 'repository' is missing required arguments: name",
        ),
        ("{ viewer(a: 1) { id } }", json!({}), "argumentNotAccepted", "Field 'viewer' doesn't accept argument 'a'"),
        (
            "{ user(login: 3) { id } }",
            json!({}),
            "argumentLiteralsIncompatible",
            "Argument 'login' on Field 'user' has an invalid value (3). Expected type 'String!'.",
        ),
        (
            "{ user(login: $l) { id } }",
            json!({}),
            "variableNotDefined",
            "Variable $l is used by anonymous query but not declared",
        ),
        (
            "query Q($l: String) { viewer { id } }",
            json!({}),
            "variableNotUsed",
            "Variable $l is declared by Q but not used",
        ),
        (
            "query Q($l: Int!) { user(login: $l) { id } }",
            json!({"l": 1}),
            "variableMismatch",
            "Type mismatch on variable $l and argument login (Int! / String!)",
        ),
        (
            "query Q($l: String) { user(login: $l) { id } }",
            json!({"l": "a"}),
            "variableMismatch",
            "Nullability mismatch on variable $l and argument login (String / String!)",
        ),
        ("{ viewer { ...f } }", json!({}), "useAndDefineFragment", "Fragment f was used, but not defined"),
        (
            "{ viewer { ...f } } fragment f on User { id ...f }",
            json!({}),
            "infiniteLoop",
            "Fragment f contains an infinite loop",
        ),
        (
            "{ viewer { ... on Issue { id } } }",
            json!({}),
            "cannotSpreadFragment",
            "Fragment on Issue can't be spread inside User",
        ),
        (
            "{ viewer { ... on Nope { id } } }",
            json!({}),
            "undefinedType",
            "No such type Nope, so it can't be a fragment condition",
        ),
        ("{ viewer { a: id a: login } }", json!({}), "fieldConflict", "Field 'a' has a field conflict: id or login?"),
        ("{ viewer { id @nope } }", json!({}), "undefinedDirective", "Directive @nope is not defined"),
    ] {
        let answer = ask(&mut twin, query, &variables);
        assert_eq!(answer.get("data"), None, "{query}");
        let found: Vec<_> = answer["errors"].as_array().unwrap().iter().map(|error| &error["message"]).collect();
        assert!(found.contains(&&json!(message)), "{query}: {found:?}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{query}");
    }
    let answer = ask(&mut twin, "query($l: String!) { user(login: $l) { id } }", &json!({}));
    assert_eq!(answer["errors"][0]["message"], "Variable $l of type String! was provided invalid value");
    let problems = json!([{ "path": [], "explanation": "Expected value to not be null" }]);
    assert_eq!(answer["errors"][0]["extensions"], json!({ "value": null, "problems": problems }));
    let answer = ask(&mut twin, "{ viewer { }", &json!({}));
    assert_eq!(answer["errors"][0]["message"], "Parse error on \"}\" (RCURLY)");
    let answer = ask(&mut twin, "", &json!({}));
    assert_eq!(answer["errors"][0]["message"], "A query attribute must be specified and must be a string.");
}

#[test]
fn what_the_vendor_has_and_the_twin_has_not_is_refused_loudly() {
    let mut twin = Native::<GitHub>::new();
    let query = "{ repository(owner: \"acme\", name: \"api\") { discussions(first: 1) { totalCount } } }";
    let answer = twin.request("POST", "/graphql", Some(&json!({ "query": query })));
    assert_eq!((answer.status, answer.report.fidelity.name()), (501, "unsupported"));
    let error = &body(&answer)["errors"][0];
    assert_eq!(error["extensions"]["code"], "notModelled");
    assert!(error["message"].as_str().unwrap().starts_with("This twin does not model 'discussions' of 'Repository'"));
}

#[test]
fn connections_page_by_cursor_and_want_to_know_how_much() {
    let mut twin = Native::<GitHub>::new();
    for title in ["two", "three", "four"] {
        twin.request("POST", "/repos/acme/api/issues", Some(&json!({ "title": title })));
    }
    let page = |twin: &mut Native<GitHub>, arguments: &str| {
        let query = format!(
            "{{ repository(owner: \"acme\", name: \"api\") {{ issues({arguments}) {{ totalCount nodes {{ number }}
               edges {{ cursor }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }} }}"
        );
        ask(twin, &query, &json!({}))
    };
    let first = page(&mut twin, "first: 2, orderBy: {field: CREATED_AT, direction: DESC}");
    let issues = &first["data"]["repository"]["issues"];
    assert_eq!(issues["nodes"], json!([{ "number": 4 }, { "number": 3 }]));
    assert_eq!((&issues["totalCount"], &issues["pageInfo"]["hasNextPage"]), (&json!(4), &json!(true)));
    assert_eq!(issues["pageInfo"]["endCursor"], issues["edges"][1]["cursor"]);
    let cursor = issues["pageInfo"]["endCursor"].as_str().unwrap();
    // One more in front does not move the next page.
    twin.request("POST", "/repos/acme/api/issues", Some(&json!({ "title": "five" })));
    let next =
        page(&mut twin, &format!("first: 2, after: \"{cursor}\", orderBy: {{field: CREATED_AT, direction: DESC}}"));
    let issues = &next["data"]["repository"]["issues"];
    assert_eq!(issues["nodes"], json!([{ "number": 2 }, { "number": 1 }]));
    assert_eq!(issues["pageInfo"]["hasPreviousPage"], true);
    let last = page(&mut twin, "last: 1");
    assert_eq!(last["data"]["repository"]["issues"]["nodes"], json!([{ "number": 5 }]));
    for (arguments, kind, message) in [
        (
            "states: OPEN",
            "MISSING_PAGINATION_BOUNDARIES",
            "You must provide a `first` or `last` value to properly paginate the `issues` connection.",
        ),
        (
            "first: 101",
            "EXCESSIVE_PAGINATION",
            "Requesting 101 records on the `issues` connection exceeds the `first` limit of 100 records.",
        ),
        ("first: 1, after: \"x\"", "INVALID_CURSOR_ARGUMENTS", "`x` does not appear to be a valid cursor."),
    ] {
        let answer = page(&mut twin, arguments);
        assert_eq!((&answer["errors"][0]["type"], &answer["errors"][0]["message"]), (&json!(kind), &json!(message)));
        // The connection may not be null, so its repository is.
        assert_eq!(answer["data"], json!({ "repository": null }));
    }
    let counted = data(&mut twin, "{ repository(owner: \"acme\", name: \"api\") { issues { totalCount } } }");
    assert_eq!(counted["repository"]["issues"]["totalCount"], 5);
}

#[test]
fn introspection_shows_what_is_modelled() {
    let mut twin = Native::<GitHub>::new();
    let answer = data(
        &mut twin,
        "{ __type(name: \"Issue\") { kind name fields(includeDeprecated: true) { name type { kind name ofType { kind name } } } }
           __schema { queryType { name } mutationType { name } types { name } directives { name } } }",
    );
    let fields = answer["__type"]["fields"].as_array().unwrap();
    let field = |name: &str| fields.iter().find(|field| field["name"] == name);
    assert_eq!(
        field("title").unwrap()["type"],
        json!({ "kind": "NON_NULL", "name": null, "ofType": { "kind": "SCALAR", "name": "String" } })
    );
    assert_eq!(field("stateReason").unwrap()["type"]["kind"], "ENUM");
    assert_eq!(field("bodyHTML"), None);
    let types = answer["__schema"]["types"].as_array().unwrap();
    assert!(types.iter().any(|kind| kind["name"] == "PullRequest"));
    assert!(!types.iter().any(|kind| kind["name"] == "__Query"));
    assert_eq!(answer["__schema"]["mutationType"]["name"], "Mutation");
    let unknown = data(&mut twin, "{ __type(name: \"Nope\") { name } }");
    assert_eq!(unknown["__type"], Value::Null);
}

#[test]
fn a_private_repository_does_not_exist_for_others_by_name_or_id() {
    let mut twin = Native::<GitHub>::new();
    twin.request("POST", "/user/repos", Some(&json!({ "name": "secret", "private": true })));
    let id = twin.json("/repos/pome-agent/secret")["node_id"].as_str().unwrap().to_owned();
    twin.caller.login = Some("bob".to_owned());
    let query =
        format!("{{ repository(owner: \"pome-agent\", name: \"secret\") {{ id }} node(id: \"{id}\") {{ id }} }}");
    let answer = ask(&mut twin, &query, &json!({}));
    assert_eq!(answer["data"], json!({ "repository": null, "node": null }));
    assert_eq!(answer["errors"].as_array().unwrap().len(), 2);
}
