//! The files in `deploy/` against the program: it takes every command line in them, and knows every variable.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::program;

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Asks the program for help behind a command line, which it gives when it understands all that is before.
fn help(arguments: &[String]) -> String {
    let output = Command::new(program()).args(arguments).arg("--help").stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}\n{said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The items of the lists under `key:` in a YAML file that is written in blocks, without quotes.
fn lists(yaml: &str, key: &str) -> Vec<Vec<String>> {
    let key = format!("{key}:");
    let mut lines = yaml.lines().map(str::trim).peekable();
    let mut lists = Vec::new();
    while let Some(line) = lines.next() {
        if line == key {
            let item = |line: &str| line.strip_prefix("- ").map(|item| item.trim_matches('"').to_owned());
            lists.push(std::iter::from_fn(|| lines.next_if(|line| line.starts_with("- ")).and_then(item)).collect());
        }
    }
    lists
}

#[test]
fn the_container_starts_a_server() {
    let container = file("deploy/Containerfile");
    let command: Vec<String> =
        container.lines().find_map(|line| serde_json::from_str(line.strip_prefix("CMD ")?).ok()).unwrap();
    assert_eq!(command[0], "serve");
    help(&command);
}

#[test]
fn the_servers_of_the_compose_file_start_and_the_balancer_knows_them() {
    let compose = file("deploy/compose.yaml");
    let servers = lists(&compose, "command");
    assert_eq!(servers.len(), 2, "{servers:?}");
    let mut hosts = BTreeSet::new();
    for command in &servers {
        assert_eq!(command[0], "serve");
        help(command);
        hosts.extend(command.iter().filter_map(|flag| flag.strip_prefix("--host-url=http://")));
    }
    let balancer = file("deploy/haproxy.cfg");
    let known = balancer.lines().filter_map(|line| line.trim().strip_prefix("server ")?.split(' ').nth(1));
    assert_eq!(known.collect::<BTreeSet<_>>(), hosts);
    for host in hosts {
        let service = format!("\n  {}:\n", host.split(':').next().unwrap());
        assert!(compose.contains(&service), "no service is named like the address {host}");
    }
}

#[test]
fn the_chart_starts_a_server_of_this_version() {
    let chart = file("deploy/helm/pome/templates/deployment.yaml");
    let mut flags = chart.lines().filter_map(|line| {
        let flag = line.trim().strip_prefix("- ")?;
        // A value that is worked out: `- {{ printf "--flag=%s" ... }}`.
        let flag = flag.strip_prefix("{{ printf \"").map_or(flag, |flag| flag.split('"').next().unwrap());
        flag.starts_with("--").then(|| flag.to_owned())
    });
    let command: Vec<String> = std::iter::once("serve".to_owned()).chain(flags.by_ref()).collect();
    assert_eq!(command.len(), 6, "{command:?}");
    help(&command);
    let version = format!("appVersion: \"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(file("deploy/helm/pome/Chart.yaml").lines().any(|line| line == version), "the chart is not of {version}");
}

#[test]
fn variables_that_servers_are_given_are_those_that_they_read() {
    let known = help(&["serve".to_owned()]);
    let compose = file("deploy/compose.yaml");
    let chart = file("deploy/helm/pome/templates/deployment.yaml");
    // What stands between braces is for the compose file itself.
    let in_compose = compose.lines().filter_map(|line| line.trim().split_once(": ")).map(|(name, _)| name);
    let in_chart = chart.lines().filter_map(|line| line.trim().strip_prefix("- name: "));
    let ours = |name: &&str| name.starts_with("POME_");
    let (in_compose, in_chart): (Vec<_>, Vec<_>) = (in_compose.filter(ours).collect(), in_chart.filter(ours).collect());
    assert_eq!(in_compose, ["POME_SERVER_SECRET", "POME_DATABASE_URL"]);
    assert_eq!(in_chart, in_compose);
    for name in in_compose {
        assert!(known.contains(&format!("`{name}`")), "`pome serve` does not read {name}");
    }
}
