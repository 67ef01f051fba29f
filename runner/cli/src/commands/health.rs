//! `pome health`: the GitHub twin in this process, and what it says about itself.

use std::fmt::Write as _;

use pome_gateway::token::{self, Claims, Secret};
use pome_gateway::{Recorder, RecorderOptions, Server, ServerConfig};
use pome_wire::{Exit, time};

use crate::context::{Context, runtime};
use crate::failure::Failure;
use crate::{http, twins};

const SESSION: &str = "health";

pub(crate) fn run(cx: &Context) -> Result<Exit, Failure> {
    let health = check(twins::DEFAULT)?;
    cx.console.result(health.trim_end());
    Ok(Exit::Passed)
}

/// Starts the twin on a free port, asks for its health with and without a token, stops it, and hands out the public answer.
pub(crate) fn check(twin: &str) -> Result<String, Failure> {
    let component = twins::embedded(&twins::engine()?, twin)?;
    let runtime = runtime()?;
    let secret = Secret::new(&random_secret()?);
    let claims = Claims {
        sid: SESSION.to_owned(),
        team_id: "tm_local".to_owned(),
        exp: u64::try_from(time::now_millis() / 1000 + 60).ok(),
        iat: None,
        extra: component.description().tokens.claims.clone(),
    };
    let token = token::mint(&secret, &claims).map_err(|error| Failure::from_error(Exit::Orchestrator, &error))?;
    let server = runtime.block_on(async {
        let options = RecorderOptions { run_id: SESSION.to_owned(), ..RecorderOptions::default() };
        let recorder = Recorder::create(options).map_err(|error| Failure::from_error(Exit::Orchestrator, &error))?;
        Server::start(ServerConfig::new(component, recorder, secret))
            .await
            .map_err(|error| Failure::from_error(Exit::Orchestrator, &error))
    })?;
    let base = format!("http://{}", server.address());
    let answers = ask(&format!("{base}/healthz"), &[]).and_then(|health| {
        let bearer = format!("Bearer {token}");
        ask(&format!("{base}/s/{SESSION}/_pome/health"), &[("Authorization", &bearer)])?;
        Ok(health)
    });
    runtime.block_on(server.stop());
    runtime.shutdown_background();
    answers
}

fn ask(url: &str, headers: &[(&str, &str)]) -> Result<String, Failure> {
    let failed = || Failure::orchestrator(format!("the twin does not answer at {url}"));
    let answer = http::call("GET", url, headers).map_err(|error| failed().because(&error))?;
    if answer.status == 200 {
        Ok(answer.body)
    } else {
        Err(failed().cause(format!("it says {}: {}", answer.status, answer.body)))
    }
}

/// 32 random bytes, in hex.
fn random_secret() -> Result<String, Failure> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::orchestrator("the system gives no random bytes").because(&error))?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
