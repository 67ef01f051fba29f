use std::path::Path;

use pome_sandbox::{Engine, Limits, WorldOptions};
use pome_scenario::BuiltInOnly;
use pome_wire::score::ScoreStatus;

use super::*;

fn scenario(criteria: &str, config: &str) -> Scenario {
    let text = format!(
        "# T\n\n## Prompt\n\nDo it.\n\n## Success Criteria\n\n{criteria}\n\n## Config\n\npassThreshold: 100\n{config}\n"
    );
    pome_scenario::parse(Path::new("t.md"), text.as_bytes(), &mut BuiltInOnly).expect("a scenario")
}

#[test]
fn states_and_calls_are_enough_for_a_score() {
    let engine = Engine::new(Limits::default()).expect("an engine");
    let component = engine.embedded("github").expect("the twin");
    let state = component.world(WorldOptions::default()).expect("a world").export_state().expect("its state");
    let criteria = "- [D] Issue #1 exists in `acme/api`\n- [code] Issue #1 in `acme/api` has the `bug` label applied\n- [model] It is kind";
    let scenario = scenario(criteria, "");
    let evaluators = Evaluators::expressions_only(&scenario, &engine).expect("none");
    let evidence = |after: Option<View>| {
        let before = Some(View::of_state(&component, state.clone()));
        let calls = Some(View::of_lines("{\"method\":\"GET\"}\nno JSON\n"));
        BTreeMap::from([("github".to_owned(), Evidence::new(&component, before, after, calls))])
    };
    let untouched = evidence(Some(View::of_state(&component, state.clone())));
    let judged = score(&Material::of(&scenario, &evaluators, &untouched));
    assert_eq!((judged.status, judged.satisfaction), (ScoreStatus::Fail, 50), "{judged:#?}");
    assert_eq!(judged.results[2].reason, "judge_not_configured");

    let missing = evidence(None);
    let judged = score(&Material::of(&scenario, &evaluators, &missing));
    assert_eq!(judged.results[0].reason_code(), "state_missing");
    assert_eq!(judged.status, ScoreStatus::Incomplete);
}

#[test]
fn files_that_somebody_elses_scenario_names_are_not_opened() {
    let engine = Engine::new(Limits::default()).expect("an engine");
    let scenario = scenario("- [code:gone] It is fine", "evaluators: [./gone.wasm]");
    assert!(Evaluators::of(&scenario, &engine, &BTreeMap::new()).is_err());
    let evaluators = Evaluators::expressions_only(&scenario, &engine).expect("none are needed");
    let judged = score(&Material::of(&scenario, &evaluators, &BTreeMap::new()));
    assert_eq!(judged.results[0].reason, "unmatched: there is no evaluator `gone`");
}
