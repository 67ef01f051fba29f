//! Many scenarios and many trials.

use serde_json::{Value, json};

use crate::support::{LABELLED, labelling, project, run, scenario, write_agent};

fn column(report: &Value, key: &str) -> Vec<Value> {
    report["runs"].as_array().unwrap().iter().map(|run| run[key].clone()).collect()
}

#[test]
fn a_folder_is_run_in_order_and_the_worst_code_wins() {
    for jobs in ["1", "4"] {
        let project = project();
        project.write("all/01-pass.md", scenario("One", LABELLED));
        project.write("all/02-fail.md", scenario("Two", &LABELLED.replace("`bug`", "`feature`")));
        project.write("all/03-malformed.md", "# Three\n\n## Prompt\n\nx\n\n## Success Criteria\n\n- [code Issue\n");
        project.write("all/README.md", "# Not a scenario\n");
        write_agent(&project, "agent.py", r#"label("bug")"#);
        let output = run(&project, ["all", "--jobs", jobs, "--json"]).run().expect(5);
        let report = output.json();
        assert_eq!(column(&report, "scenario"), ["01-pass", "02-fail", "03-malformed"]);
        assert_eq!(column(&report, "status"), ["pass", "fail", "error"]);
        assert_eq!(column(&report, "exit_code"), [json!(0), json!(1), json!(5)]);
        let lines = output
            .stderr
            .lines()
            .filter(|line| ["PASS ", "FAIL ", "ERROR "].iter().any(|label| line.starts_with(label)));
        let labels: Vec<_> = lines.map(|line| line.split(' ').next().unwrap()).collect();
        assert_eq!(labels, ["PASS", "FAIL", "ERROR"], "{}", output.stderr);
    }
}

#[test]
fn trials_form_a_group_and_failed_agents_are_not_counted() {
    let project = labelling(
        r#"
if not preflight:
    trial = len(os.listdir("runs/label"))
    label("bug" if trial != 2 else "feature")
    sys.exit(1 if trial == 3 else 0)
"#,
    );
    let report = run(&project, ["label.md", "--runs", "3", "--json"]).run().expect(1).json();
    assert_eq!(column(&report, "trial"), [json!(1), json!(2), json!(3)]);
    let group = &report["groups"][0];
    assert_eq!(
        (&group["passed"], &group["completed"], &group["errored"], &group["exit_code"]),
        (&json!(1), &json!(2), &json!(1), &json!(1))
    );
    let id = group["group_id"].as_str().unwrap();
    assert!(id.starts_with("grp_") && id.len() == 25, "{id}");
    assert_eq!(column(&report, "group_id"), [json!(id), json!(id), json!(id)]);
}

#[test]
fn side_by_side_trials_do_not_see_each_other() {
    let project = labelling(
        r#"
issue = call("GET", "/repos/acme/api/issues/1")
if not preflight and issue["labels"]:
    sys.exit("somebody was here")
label("bug")
"#,
    );
    let report = run(&project, ["label.md", "--runs", "8", "--jobs", "4", "--json"]).run().expect(0).json();
    assert_eq!(column(&report, "status"), vec![json!("pass"); 8]);
    assert_eq!(column(&report, "trial"), (1..=8).map(|trial| json!(trial)).collect::<Vec<_>>());
    assert_eq!(project.names("runs/label").len(), 8);
}

#[test]
fn a_shell_command_is_for_the_command_line_only() {
    let project = labelling(r#"label("bug")"#);
    project.pome(["run", "--local", "--agent", "true && python3 agent.py", "label.md"]).run().expect(0);
    project.write(".pome.json", r#"{"mode":"oss","command":"true && python3 agent.py"}"#);
    let output = project.pome(["run", "label.md"]).run().expect(5);
    assert!(output.stderr.contains("POME_TRUST_AGENT_COMMAND=1"), "{}", output.stderr);
    project.pome(["run", "label.md"]).env("POME_TRUST_AGENT_COMMAND", "1").run().expect(0);
}
