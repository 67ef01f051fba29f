//! An agent that gets another name.

use serde_json::{Value, json};

use crate::person::Person;
use crate::support::{Cluster, Home};

#[test]
fn an_agent_that_was_renamed_is_found_by_the_name_that_it_had() {
    for home in Home::each() {
        let cluster = Cluster::start(home, 1, 10);
        cluster.team("others");
        let person = Person::new();
        person.done(0, &["login", "--token", &cluster.key, "--api-url", &cluster.url(0)]);
        std::fs::write(person.work().join(".pome.json"), "{}").unwrap();
        let register = || {
            let said = person.done(0, &["register", "agent", "Triage Bot", "--twins", "github", "--force"]);
            said.0 + &said.1
        };
        assert!(register().contains("triage-bot"));
        // While the server runs.
        let renamed = cluster.operate(&["agents", "rename", "triage-bot", "sorting-bot"]);
        assert!(renamed.contains("sorting-bot") && renamed.contains("before: triage-bot"), "{renamed}");
        assert!(cluster.operate(&["agents", "list", "--team", "self"]).contains("before: triage-bot"));
        assert_eq!(cluster.operate(&["agents", "list", "--team", "others"]), "");
        let said = register();
        assert!(said.contains("the agent `triage-bot` is called `sorting-bot` now"), "{said}");
        let project: Value = serde_json::from_slice(&std::fs::read(person.work().join(".pome.json")).unwrap()).unwrap();
        assert_eq!(project["agent"]["slug"], "sorting-bot", "the next command asks by the new name");
        let asked = json!({"name": "triage-bot"});
        let (status, agent) = cluster.ask(0, &cluster.key, "POST", "/v1/agents", Some(&asked));
        let words = |key: &str| agent[key].as_str().unwrap_or_default().to_owned();
        assert_eq!(
            (status, words("slug"), words("resolved_via")),
            (200, "sorting-bot".into(), "alias".into()),
            "{agent}"
        );
        assert_eq!(agent["created"], Value::Bool(false));
    }
}
