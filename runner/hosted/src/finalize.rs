//! `/finalize`: the server judges, and is asked until it has.

use std::time::Duration;

use pome_wire::control::{Accepted, Evaluation, FinalizeAnswer, FinalizeRequest};

use crate::client::{Client, PATIENCE, Reply, id, read};
use crate::clock::Clock;
use crate::error::{Cause, Error};

/// How long judging may take, everything included.
const LIMIT: Duration = Duration::from_mins(5);
const SHORTEST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
const ACTION: &str = "have the run judged";

impl Client {
    /// Has a run judged by the server, and waits until it is.
    pub fn finalize(
        &self,
        session: &str,
        document: &FinalizeRequest,
        clock: &dyn Clock,
    ) -> Result<FinalizeAnswer, Error> {
        let end = clock.elapsed() + LIMIT;
        let mut request = self.with_body(ACTION, &["sessions", id(ACTION, session)?, "finalize"], document)?;
        request.headers.push(("prefer", "respond-async".to_owned()));
        let reply = self.success(&request)?;
        match reply.status {
            200 | 201 => understood(&reply),
            202 => self.poll(&understood(&reply)?, wait(&reply, SHORTEST_WAIT, clock), end, clock),
            status => Err(fails(Cause::NotUnderstood(format!("status {status} means nothing here")))),
        }
    }

    fn poll(
        &self,
        accepted: &Accepted,
        first_wait: Duration,
        end: Duration,
        clock: &dyn Clock,
    ) -> Result<FinalizeAnswer, Error> {
        let Some(url) = self.base().same_origin(&accepted.status_url) else {
            return Err(fails(Cause::NotUnderstood("it says to ask at another origin".to_owned())));
        };
        let mut request = self.request(ACTION, "GET", &[]);
        request.url = url;
        let (mut wait_next, mut backoff) = (first_wait, SHORTEST_WAIT);
        loop {
            let left = end.saturating_sub(clock.elapsed());
            if left <= wait_next {
                return Err(fails(Cause::TooLate(LIMIT.as_secs())));
            }
            clock.sleep(wait_next);
            request.patience = PATIENCE.min(end.saturating_sub(clock.elapsed()));
            backoff = (backoff * 2).min(LONGEST_WAIT);
            wait_next = match self.success(&request) {
                Ok(reply) => match answer(accepted, understood(&reply)?)? {
                    Some(answer) => return Ok(answer),
                    None => wait(&reply, backoff, clock),
                },
                // What may pass is asked again; what the server refuses stays refused.
                Err(Error { cause: Cause::NoAnswer { .. }, .. }) => backoff,
                Err(error) if error.status().is_some_and(|status| status >= 500) => backoff,
                Err(error) => return Err(error),
            };
        }
    }
}

/// The result, when there is one.
fn answer(accepted: &Accepted, evaluation: Evaluation) -> Result<Option<FinalizeAnswer>, Error> {
    if evaluation.ids() != (&accepted.evaluation_id, &accepted.run_id) {
        return Err(fails(Cause::NotUnderstood("it is about another evaluation".to_owned())));
    }
    match evaluation {
        Evaluation::Queued { .. } | Evaluation::Running { .. } => Ok(None),
        Evaluation::Failed { error, .. } => Err(fails(Cause::NotJudged(error))),
        Evaluation::Completed { result, .. } if result.run_id != accepted.run_id => {
            Err(fails(Cause::NotUnderstood("its result is of another run".to_owned())))
        }
        Evaluation::Completed { result, .. } => Ok(Some(result)),
    }
}

/// How long to wait: what the server asks for, but never less than half a second.
fn wait(reply: &Reply, otherwise: Duration, clock: &dyn Clock) -> Duration {
    let Some(text) = reply.retry_after.as_deref().map(str::trim) else { return otherwise };
    let asked = match text.parse::<u32>() {
        Ok(seconds) => Duration::from_secs(seconds.into()),
        Err(_) => match httpdate::parse_http_date(text) {
            Ok(date) => date.duration_since(clock.date()).unwrap_or_default(),
            Err(_) => return otherwise,
        },
    };
    asked.max(SHORTEST_WAIT)
}

fn understood<T: serde::de::DeserializeOwned>(reply: &Reply) -> Result<T, Error> {
    read(&reply.body).map_err(|problem| fails(Cause::NotUnderstood(problem)))
}

const fn fails(cause: Cause) -> Error {
    Error { action: ACTION, cause }
}
