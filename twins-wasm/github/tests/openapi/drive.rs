//! Sends requests to a twin and holds every answer to the vendor's description.

use std::collections::{BTreeMap, BTreeSet};

use pome_twin_kit::Twin;
use pome_twin_kit::envelope::Delivery;
use pome_twin_kit::routes::Router;
use pome_twin_kit::testing::Native;
use serde_json::{Value, json};
use twin_github::GitHub;

use crate::vendor::{Vendor, address};

/// One answer that was looked at.
pub(crate) struct Exchange {
    /// `GET /repos/{owner}/{repo}`, as in the twin's table.
    pub(crate) route: String,
    /// `GET /repos/acme/api`
    pub(crate) request: String,
    pub(crate) status: u16,
    /// Something was in it: a list with nothing in it validates against anything.
    pub(crate) filled: bool,
    pub(crate) complaints: Vec<String>,
}

/// A world under observation. Samples of one area share it, in the order in which they are sent.
pub(crate) struct Drive<'a> {
    pub(crate) twin: Native<GitHub>,
    router: Router<GitHub>,
    vendor: &'a mut Vendor,
    pub(crate) exchanges: Vec<Exchange>,
    /// Whether a word that the vendor does not allow was tried, by route and input.
    tried: BTreeSet<(String, String)>,
    seed: Value,
    /// What was sent, by whom, to get back to where the world was.
    log: Vec<(Option<String>, String, String, Value)>,
    accept: Option<&'static str>,
    /// What was wrong with what webhooks were sent, by event and action.
    pub(crate) payloads: BTreeMap<String, BTreeSet<String>>,
}

impl<'a> Drive<'a> {
    pub(crate) fn new(vendor: &'a mut Vendor, seed: &Value) -> Self {
        let router = Router::new(GitHub::ROUTES);
        let twin = Native::seeded(Some(seed));
        let seed = seed.clone();
        Self {
            twin,
            router,
            vendor,
            exchanges: Vec::new(),
            tried: BTreeSet::new(),
            seed,
            log: Vec::new(),
            accept: None,
            payloads: BTreeMap::new(),
        }
    }

    /// Acts as somebody else from here on.
    pub(crate) fn act_as(&mut self, login: &str) {
        self.twin.caller.login = Some(login.to_owned());
    }

    pub(crate) fn get(&mut self, status: u16, path: &str) -> Value {
        self.send(status, "GET", path, &Value::Null)
    }

    /// Asks for another form of the answer.
    pub(crate) fn get_as(&mut self, status: u16, path: &str, accept: &'static str) -> Value {
        self.accept = Some(accept);
        let answer = self.send(status, "GET", path, &Value::Null);
        self.accept = None;
        answer
    }

    pub(crate) fn post(&mut self, status: u16, path: &str, body: Value) -> Value {
        self.send(status, "POST", path, &body)
    }

    pub(crate) fn put(&mut self, status: u16, path: &str, body: Value) -> Value {
        self.send(status, "PUT", path, &body)
    }

    pub(crate) fn patch(&mut self, status: u16, path: &str, body: Value) -> Value {
        self.send(status, "PATCH", path, &body)
    }

    pub(crate) fn delete(&mut self, status: u16, path: &str) -> Value {
        self.send(status, "DELETE", path, &Value::Null)
    }

    /// Sends a request that must give this status; its JSON body, null when it has none.
    pub(crate) fn send(&mut self, status: u16, method: &str, path: &str, body: &Value) -> Value {
        let route = self.route(method, path);
        self.try_foreign_words(&route, method, path, body);
        let answer = self.ask(&route, method, path, body);
        self.log.push((self.twin.caller.login.clone(), method.to_owned(), path.to_owned(), body.clone()));
        assert_eq!(answer.0, status, "{method} {path}: {}", answer.1);
        answer.1
    }

    /// Sends what is most likely refused; whatever comes is held to the vendor's description of failures.
    pub(crate) fn probe(&mut self, method: &str, path: &str, body: &Value) -> u16 {
        let route = self.route(method, path);
        self.ask(&route, method, path, body).0
    }

    fn route(&self, method: &str, path: &str) -> String {
        let bare = path.split('?').next().unwrap_or_default();
        let found = self.router.find(method, bare);
        let (route, _) = found.unwrap_or_else(|| panic!("{method} {path} is not in the twin's table"));
        format!("{} {}", route.method(), route.path())
    }

    fn ask(&mut self, route: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let sent = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let headers: Vec<_> = self.accept.iter().map(|accept| ("accept", *accept)).collect();
        let answer = self.twin.request_with(method, path, &headers, &sent);
        for delivery in &answer.report.deliveries {
            self.look_at(delivery);
        }
        let (verb, pattern) = route.split_once(' ').unwrap();
        let complaints = self.vendor.complaints(&address(verb, pattern), answer.status, &answer.body);
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let filled = body != json!([]) && body["total_count"] != json!(0);
        let request = format!("{method} {path}");
        self.exchanges.push(Exchange { route: route.to_owned(), request, status: answer.status, filled, complaints });
        (answer.status, body)
    }

    fn look_at(&mut self, delivery: &Delivery) {
        let header =
            |name: &str| delivery.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        // Forms carry the same payload.
        if header("content-type") != Some("application/json") {
            return;
        }
        let payload: Value = serde_json::from_slice(&delivery.body).unwrap();
        let event = header("x-github-event").unwrap();
        let name = payload["action"].as_str().map_or_else(|| event.to_owned(), |action| format!("{event}.{action}"));
        let complaints = self.vendor.complaints_about_payload(&name, &delivery.body);
        self.payloads.entry(name).or_default().extend(complaints);
    }

    /// For every input with a list of allowed words: another word must be refused, before anything happens.
    fn try_foreign_words(&mut self, route: &str, method: &str, path: &str, body: &Value) {
        let (verb, pattern) = route.split_once(' ').unwrap();
        let inputs: BTreeMap<_, _> = self.vendor.inputs(&address(verb, pattern));
        for (name, words) in inputs {
            if words.is_empty() || !self.tried.insert((route.to_owned(), name.clone())) {
                continue;
            }
            let (path, body) = if method == "GET" {
                let (bare, query) = path.split_once('?').unwrap_or((path, ""));
                let others = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with(&format!("{name}=")));
                let query: Vec<_> = others.map(str::to_owned).chain([format!("{name}=no-such-word")]).collect();
                (format!("{bare}?{}", query.join("&")), Value::Null)
            } else {
                let mut body = if body.is_object() { body.clone() } else { json!({}) };
                body[&name] = json!("no-such-word");
                (path.to_owned(), body)
            };
            let (status, _) = self.ask(route, method, &path, &body);
            if status != 422
                && let Some(exchange) = self.exchanges.last_mut()
            {
                exchange.complaints.push(format!("takes any word as `{name}`"));
                self.restore();
            }
        }
    }

    /// Undoes what a request did that should have been refused.
    fn restore(&mut self) {
        let login = self.twin.caller.login.take();
        self.twin = Native::seeded(Some(&self.seed));
        for (login, method, path, body) in &self.log {
            self.twin.caller.login.clone_from(login);
            self.twin.request(method, path, Some(body).filter(|body| !body.is_null()));
        }
        self.twin.caller.login = login;
    }
}
