//! `pome register agent` against a scripted control plane.

use pome_tests::{Cmd, Project, Said, Scripted};
use serde_json::{Value, json};

use crate::project;

fn register(project: &Project, server: &Scripted, args: &[&str]) -> Cmd {
    let args = [&["register", "agent"], args].concat();
    project.pome(args).env("POME_API_KEY", "pme_x").env("POME_API_URL", server.url())
}

fn me() -> Said {
    Said::json(
        200,
        &json!({"user": {"id": "usr_1", "email": "a@b.example"}, "team": {"id": "tm_1", "slug": "t", "plan_tier": "free"}}),
    )
}

fn agent(more: &Value) -> Said {
    let mut agent = json!({"id": "agt_1", "slug": "my-bot", "display_name": "My bot", "judge_model": "m",
                           "enabled_services": ["github"], "resolved_via": "created"});
    agent.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Said::json(201, &agent)
}

const PROJECT: &str = "{\n   \"twins\": [\"github\"],\n   \"mine\": 1.0\n}\n";

#[test]
fn an_agent_is_registered_written_back_and_linked() {
    let project = project();
    project.write(".pome.json", PROJECT);
    let server = Scripted::answers([me(), agent(&json!({})), me()]);
    let output = register(&project, &server, &["My bot"]).run().expect(0);
    for part in ["agt_1", "my-bot", "judge: m", "twins: github", "https://pome.sh/agents/my-bot"] {
        assert!(output.stderr.contains(part), "{part}\n{output:?}");
    }
    assert_eq!(server.asked()[1].json(), json!({"name": "My bot", "twins": ["github"]}));
    let file = project.read(".pome.json");
    assert!(file.contains("   \"twins\": [\"github\"],\n   \"mine\": 1.0\n}\n"), "{file}");
    assert_eq!(project.json(".pome.json")["agent"], json!({"slug": "my-bot", "name": "My bot"}));
    let link = project.json(".pome/link.json");
    assert_eq!((&link["agent_id"], &link["team_id"]), (&json!("agt_1"), &json!("tm_1")));
    assert_eq!(project.read(".gitignore"), ".pome/\n");

    let again = register(&project, &server, &["My bot"]).run().expect(0);
    assert!(again.stderr.contains("linked to the agent agt_1 already"), "{again:?}");
    assert_eq!(server.lines().len(), 3);
}

#[test]
fn a_near_miss_without_a_terminal_registers_a_new_agent() {
    let project = project();
    project.write(".pome.json", "{}");
    let near =
        Said::json(409, &json!({"error": {"type": "conflict", "message": "m", "details": {"suggestion": "my-bott"}}}));
    let server = Scripted::answers([me(), near, agent(&json!({}))]);
    let output = register(&project, &server, &["My bot", "--twins", "slack,github"]).run().expect(0);
    assert!(output.stderr.contains("warning: an agent `my-bott`"), "{output:?}");
    assert_eq!(server.asked()[2].json(), json!({"name": "My bot", "twins": ["slack", "github"], "confirm": true}));
}

#[test]
fn a_renamed_agent_is_said_and_the_new_slug_stored() {
    let project = project();
    project.write("pome.yaml", "# ours\nagent:\n  slug: old-bot # keep\n");
    let server = Scripted::answers([me(), agent(&json!({"resolved_via": "alias"}))]);
    let output = register(&project, &server, &["My bot"]).run().expect(0);
    assert!(output.stderr.contains("the agent `old-bot` is called `my-bot` now"), "{output:?}");
    assert_eq!(project.read("pome.yaml"), "# ours\nagent:\n  name: \"My bot\"\n  slug: \"my-bot\" # keep\n");
}

#[test]
fn the_older_project_file_gets_the_id_too() {
    let project = project();
    project.write("pome.config.json", "{\"agentSlug\": \"my-bot\"}\n");
    let server = Scripted::answers([me(), agent(&json!({}))]);
    register(&project, &server, &["My bot"]).run().expect(0);
    assert_eq!(project.json("pome.config.json"), json!({"agentId": "agt_1", "agentSlug": "my-bot"}));
}

#[test]
fn without_a_project_or_a_key_nothing_is_sent() {
    let server = Scripted::answers([]);
    register(&project(), &server, &["My bot"]).run().expect(5);
    let project = project();
    project.write(".pome.json", "{}");
    project.pome(["register", "agent", "x"]).env("POME_API_URL", server.url()).run().expect(3);
    assert_eq!(server.lines(), [""; 0]);
}

#[test]
fn a_server_without_agents_says_so() {
    let project = project();
    project.write(".pome.json", "{}");
    let server = Scripted::answers([me(), Said::bytes(404, "")]);
    let output = register(&project, &server, &["My bot"]).run().expect(2);
    assert!(output.stderr.contains("this server does not support agents"), "{output:?}");
    assert_eq!(project.read(".pome.json"), "{}");
}
