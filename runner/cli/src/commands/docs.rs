//! `pome docs`: addresses of the documentation.

use std::fmt::Write as _;

use pome_wire::Exit;

use crate::args;
use crate::context::Context;
use crate::failure::Failure;

const SITE: &str = "https://docs.pome.sh";

/// Topic and path on the site.
const TOPICS: &[(&str, &str)] = &[
    ("pome", "/introduction"),
    ("getting-started", "/docs/getting-started"),
    ("existing-agent", "/docs/existing-agent"),
    ("how-pome-works", "/docs/how-pome-works"),
    ("dashboard", "/docs/dashboard"),
    ("twins", "/docs/twins"),
    ("github", "/docs/github"),
    ("stripe", "/docs/stripe"),
    ("slack", "/docs/slack"),
    ("gmail", "/docs/gmail"),
    ("cli", "/docs/cli"),
    ("cli-run", "/docs/cli-run"),
    ("cli-session", "/docs/cli-session"),
    ("cli-tasks", "/docs/cli-tasks"),
    ("cli-compile-seeds", "/docs/cli-compile-seeds"),
    ("cli-inspect", "/docs/cli-inspect"),
    ("cli-init", "/docs/cli-init"),
    ("troubleshooting", "/docs/troubleshooting"),
    ("changelog", "/docs/changelog"),
];

pub(crate) fn run(args: &args::Docs, cx: &Context) -> Result<Exit, Failure> {
    let site = args.site.as_deref().unwrap_or(SITE).trim_end_matches('/');
    let Some(topic) = args.topic.as_deref() else {
        let mut text = String::new();
        for (topic, path) in TOPICS {
            let _ = writeln!(text, "{topic}\t{site}{path}");
        }
        cx.console.result(&text);
        return Ok(Exit::Passed);
    };
    match TOPICS.iter().find(|(known, _)| *known == topic) {
        Some((_, path)) => {
            cx.console.result(&format!("{site}{path}"));
            Ok(Exit::Passed)
        }
        None => Err(Failure::usage(format!("no documentation topic `{topic}`")).hint(suggestion(topic))),
    }
}

fn suggestion(topic: &str) -> String {
    let near = crate::nearest::among(topic, TOPICS.iter().map(|(known, _)| *known));
    if near.is_empty() {
        "`pome docs` lists the topics".to_owned()
    } else {
        format!("did you mean {}? `pome docs` lists the topics", near.join(" or "))
    }
}
