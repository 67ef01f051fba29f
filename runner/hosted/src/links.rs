//! Pages of the dashboard.

use crate::address::Address;

/// The page of an agent.
pub fn agent(dashboard: &Address, slug: &str) -> String {
    dashboard.join(["agents", slug]).into()
}

/// The page of a session.
pub fn session(dashboard: &Address, session: &str) -> String {
    dashboard.join(["twins", session]).into()
}

/// The page of a group of trials when the agent's slug is known, else that of the scenario's runs.
pub fn trials(
    dashboard: &Address,
    task: &str,
    slug: Option<&str>,
    group: Option<&str>,
    agent_id: Option<&str>,
) -> String {
    match (slug, group) {
        (Some(slug), Some(group)) => {
            let mut url = dashboard.join(["agents", slug, "tasks", task]);
            url.query_pairs_mut().append_pair("group", group);
            url.into()
        }
        _ => {
            let mut url = dashboard.join(["runs", "task", task]);
            if let Some(agent) = agent_id {
                url.query_pairs_mut().append_pair("agent", agent);
            }
            url.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_encoded() {
        let dashboard = Address::parse("https://pome.sh/").unwrap();
        assert_eq!(agent(&dashboard, "my bot"), "https://pome.sh/agents/my%20bot");
        assert_eq!(session(&dashboard, "ses_1"), "https://pome.sh/twins/ses_1");
        assert_eq!(
            trials(&dashboard, "01-a", Some("bot"), Some("grp_1"), None),
            "https://pome.sh/agents/bot/tasks/01-a?group=grp_1"
        );
        assert_eq!(
            trials(&dashboard, "01-a", None, Some("g"), Some("agt_1")),
            "https://pome.sh/runs/task/01-a?agent=agt_1"
        );
    }
}
