//! A twin that misbehaves on request: it loops, allocates without end, recurses, traps, answers far too much. Beside that it has a
//! well-behaved counter, a view of its clock and a random draw, to prove what survives. Written directly against the world, without
//! the kit, so that the sandbox is tested on its own.
#![cfg(feature = "component")]

mod bindings {
    #![expect(
        clippy::pedantic,
        clippy::allow_attributes_without_reason,
        clippy::use_self,
        unsafe_code,
        reason = "generated"
    )]
    wit_bindgen::generate!({
        path: ["../../../wit/evaluator", "../../../wit/twin"],
        world: "pome:twin/twin-component",
        generate_all,
    });
    use super::Hostile;
    export!(Hostile);
}

use std::cell::RefCell;
use std::hint::black_box;

use bindings::exports::pome::evaluator::checks::{self, Binding, Bound, Material, Outcome, Substrate, Verdict};
use bindings::exports::pome::twin::twin::{self, Seeded};
use bindings::pome::twin::describe::{Description, Route, Seed, Tokens, Tool};
use bindings::pome::twin::host::{self, Level};
use bindings::pome::twin::http::{Answer, Delivery, Delta, Fidelity, Header, Report, Request, ToolAnswer, ToolCall};

struct Hostile;

#[derive(Default)]
struct World {
    count: u64,
    /// What `/fill` keeps.
    ballast: Vec<Vec<u8>>,
    /// Due time of a delivery.
    due: Option<u64>,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

fn world<T>(use_it: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with_borrow_mut(use_it)
}

fn report(action: &str) -> Report {
    Report {
        action: Some(action.to_owned()),
        fidelity: Fidelity::Semantic,
        mutation: false,
        delta: None,
        error: None,
        replayed: false,
        deliveries: Vec::new(),
    }
}

fn answer(status: u16, action: &str, body: impl Into<Vec<u8>>) -> Answer {
    Answer {
        status,
        headers: vec![Header { name: "content-type".to_owned(), value: "application/json".to_owned() }],
        body: body.into(),
        report: report(action),
    }
}

fn increment(action: &str) -> Answer {
    let (before, after) = world(|world| {
        let before = world.count;
        world.count += 1;
        (before, world.count)
    });
    let mut answer = answer(201, action, after.to_string());
    answer.report.mutation = true;
    answer.report.delta = Some(Delta {
        before: Some(format!("{{\"count\":{before}}}").into_bytes()),
        after: Some(format!("{{\"count\":{after}}}").into_bytes()),
    });
    answer
}

fn spin() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

fn dive(depth: u64) -> u64 {
    if black_box(depth) == u64::MAX {
        return depth;
    }
    // Used after the call, so that it cannot become a loop.
    dive(depth + 1).wrapping_add(black_box(depth))
}

fn hoard() -> ! {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![1_u8; 1 << 20]));
    }
}

fn crash() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort();
}

impl twin::Guest for Hostile {
    fn describe() -> Description {
        let names = [
            ("GET", "/count", "count"),
            ("POST", "/count", "increment"),
            ("POST", "/fill/{mebibytes}", "fill"),
            ("GET", "/loop", "loop"),
            ("GET", "/allocate", "allocate"),
            ("GET", "/recurse", "recurse"),
            ("GET", "/trap", "trap"),
            ("GET", "/panic", "panic"),
            ("GET", "/huge", "huge"),
            ("GET", "/not-text", "not_text"),
            ("GET", "/clock", "clock"),
            ("GET", "/random", "random"),
            ("POST", "/later", "later"),
            ("POST", "/hook", "hook"),
        ];
        let routes = names
            .iter()
            .map(|(method, path, action)| Route {
                method: (*method).to_owned(),
                path: (*path).to_owned(),
                action: (*action).to_owned(),
                mutates: *method == "POST",
                fidelity: Fidelity::Semantic,
                note: None,
                inputs: Vec::new(),
            })
            .collect();
        let tools = ["increment", "loop"]
            .iter()
            .map(|name| Tool {
                name: (*name).to_owned(),
                action: (*name).to_owned(),
                mutates: *name == "increment",
                fidelity: Fidelity::Semantic,
                note: None,
                listing: format!(
                    "{{\"name\":\"{name}\",\"description\":\"\",\"inputSchema\":{{\"type\":\"object\"}}}}"
                )
                .into_bytes(),
            })
            .collect();
        Description {
            id: "hostile".to_owned(),
            title: "Hostile".to_owned(),
            implementation: "hostile".to_owned(),
            version: "0.1.0".to_owned(),
            default_port: 3399,
            root_mount: false,
            mounts: Vec::new(),
            hosts: Vec::new(),
            clockwork: false,
            call_aliases: true,
            call_forms: true,
            records_admin: false,
            stamps_tool_call: false,
            health: b"{}".to_vec(),
            session_health: Vec::new(),
            extras: Vec::new(),
            reset_answer: b"{}".to_vec(),
            tokens: Tokens {
                schemes: vec!["Bearer".to_owned()],
                any_case: false,
                bare: false,
                query: None,
                form: None,
                prefixes: Vec::new(),
                claims: Vec::new(),
                kept: vec!["key_".to_owned()],
            },
            variables: Vec::new(),
            routes,
            tools,
            seeds: vec![Seed {
                name: "default".to_owned(),
                summary: "a counter at zero".to_owned(),
                json: b"0".to_vec(),
            }],
            refusals: Vec::new(),
            faults: Vec::new(),
            checks: Vec::new(),
            checks_digest: String::new(),
            private_state: Vec::new(),
        }
    }

    /// A number is the count to start from. `clock` and `random` put what they see into the count, other words misbehave.
    fn seed(document: Option<Vec<u8>>) -> Seeded {
        let text = document.map_or_else(|| "0".to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned());
        let count = match text.as_str() {
            "clock" => host::now(),
            "random" => host::next_random(),
            "loop" => spin(),
            "trap" => crash(),
            number => match number.parse() {
                Ok(count) => count,
                Err(_) => {
                    // Spoils the world before it refuses: the host has to keep the old one.
                    world(|world| world.count = 666);
                    return Seeded { accepted: false, answer: answer(422, "seed", "\"not a number\"") };
                }
            },
        };
        world(|world| {
            *world = World { count, ..World::default() };
        });
        Seeded { accepted: true, answer: answer(200, "seed", count.to_string()) }
    }

    fn handle(request: Request) -> Answer {
        if let Some(mebibytes) = request.path.strip_prefix("/fill/") {
            let mebibytes: usize = mebibytes.parse().unwrap_or(0);
            world(|world| world.ballast.extend((0..mebibytes).map(|_| vec![7; 1 << 20])));
            let mut answer = answer(201, "fill", "{}");
            answer.report.mutation = true;
            return answer;
        }
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/count") => answer(200, "count", world(|world| world.count).to_string()),
            ("POST", "/count") => increment("increment"),
            ("GET", "/loop") => spin(),
            ("GET", "/allocate") => hoard(),
            ("GET", "/recurse") => answer(200, "recurse", dive(0).to_string()),
            ("GET", "/trap") => crash(),
            ("GET", "/panic") => {
                host::log(Level::Error, "about to panic");
                #[expect(clippy::panic, reason = "this is what the route is for")]
                {
                    panic!("on request");
                }
            }
            ("GET", "/huge") => answer(200, "huge", vec![b'x'; 100_000_000]),
            ("GET", "/not-text") => {
                #[expect(unsafe_code, reason = "a guest may send anything; the host has to notice")]
                // SAFETY: the string is only handed over the boundary.
                let text = unsafe { String::from_utf8_unchecked(vec![0xff, 0xfe]) };
                let mut answer = answer(200, "not_text", "{}");
                answer.report.error = Some(text);
                answer
            }
            ("GET", "/clock") => answer(200, "clock", host::now().to_string()),
            ("GET", "/random") => answer(200, "random", host::next_random().to_string()),
            ("POST", "/later") => {
                world(|world| world.due = Some(host::now() + 60_000));
                answer(202, "later", "{}")
            }
            // Has the body's address called at once, again after one minute, and once more after two.
            ("POST", "/hook") => {
                let mut answer = increment("hook");
                answer.report.deliveries.push(Delivery {
                    id: "delivery_2".to_owned(),
                    method: "POST".to_owned(),
                    url: String::from_utf8_lossy(&request.body).into_owned(),
                    headers: vec![Header { name: "x-count".to_owned(), value: world(|world| world.count).to_string() }],
                    body: b"{\"hello\":1}".to_vec(),
                    due: host::now(),
                    retries: vec![60_000, 120_000],
                });
                answer
            }
            _ => {
                let mut answer = answer(501, "", "{\"message\":\"not modelled\"}");
                answer.report.action = None;
                answer.report.fidelity = Fidelity::Unsupported;
                answer
            }
        }
    }

    fn call_tool(call: ToolCall) -> ToolAnswer {
        let answer = match call.name.as_str() {
            "increment" => increment("increment"),
            "loop" => spin(),
            _ => answer(404, "", "null"),
        };
        ToolAnswer {
            status: answer.status,
            value: answer.body,
            content: None,
            is_error: answer.status >= 400,
            structured: false,
            report: answer.report,
        }
    }

    fn export_state() -> Vec<u8> {
        let (count, ballast) = world(|world| (world.count, world.ballast.len()));
        format!("{{\"count\":{count},\"ballast\":{ballast}}}").into_bytes()
    }

    fn authenticate(token: String) -> Option<Vec<u8>> {
        match token.as_str() {
            "key_anywhere" => Some(b"{\"login\":\"alice\"}".to_vec()),
            "key_bound" => Some(b"{\"sid\":\"bound\"}".to_vec()),
            "key_crash" => crash(),
            _ => None,
        }
    }

    fn advance() -> Vec<Delivery> {
        let due = world(|world| world.due.take_if(|due| *due <= host::now()));
        due.into_iter()
            .map(|due| Delivery {
                id: "delivery_1".to_owned(),
                method: "POST".to_owned(),
                url: "http://127.0.0.1:9/hook".to_owned(),
                headers: Vec::new(),
                body: b"{}".to_vec(),
                due,
                retries: Vec::new(),
            })
            .collect()
    }
}

impl checks::Guest for Hostile {
    fn bind(text: String) -> Binding {
        if text == "trap" {
            crash();
        }
        if text.starts_with("count is ") {
            return Binding::Bound(Bound {
                matcher: "hostile.count".to_owned(),
                substrate: Substrate::Final,
                subjects: Vec::new(),
                redacted: false,
            });
        }
        Binding::Unmatched
    }

    fn evaluate(material: Material) -> Outcome {
        match material.text.as_str() {
            "loop" => spin(),
            "allocate" => hoard(),
            "clock" => {
                host::now();
            }
            // What an earlier criterion leaves behind.
            "leave" => world(|world| world.count += 1),
            _ => {}
        }
        let leftover = world(|world| world.count);
        let expected = material.text.strip_prefix("count is ").unwrap_or_default();
        let state = material.final_.unwrap_or_default();
        let holds = String::from_utf8_lossy(&state).contains(&format!("\"count\":{expected},"));
        Outcome {
            verdict: if holds { Verdict::Passed } else { Verdict::Failed },
            reason: format!("leftover {leftover}"),
            matcher: Some("hostile.count".to_owned()),
            state_paths: vec!["/count".to_owned()],
            event_ids: Vec::new(),
        }
    }
}
