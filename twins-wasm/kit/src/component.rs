//! From a [`Twin`](crate::Twin) to a component: the generated bindings, the conversions and [`export_twin!`](crate::export_twin).

use crate::checks::{self, Binding, Outcome, Substrate, World};
use crate::describe::{Description, VariableValue};
use crate::envelope as kit;
use crate::session::{Host, Level};
use crate::twin::Twin;

pub use bindings::exports::pome::evaluator::checks as wit_checks;
pub use bindings::exports::pome::twin::twin as wit_twin;
use bindings::pome::twin::{describe as wit_describe, host, http};

/// Generated from `wit/`.
#[expect(
    clippy::pedantic,
    clippy::use_self,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/evaluator", "../../wit/twin"],
        world: "pome:twin/twin-component",
        pub_export_macro: true,
        default_bindings_module: "pome_twin_kit::component::bindings",
        generate_all,
    });
}

/// The host behind the imports.
#[derive(Debug, Clone, Copy)]
pub struct Imported;

impl Host for Imported {
    fn now(&self) -> u64 {
        host::now()
    }

    fn random(&self) -> u64 {
        host::next_random()
    }

    fn log(&self, level: Level, message: &str) {
        let level = match level {
            Level::Debug => host::Level::Debug,
            Level::Info => host::Level::Info,
            Level::Warn => host::Level::Warn,
            Level::Error => host::Level::Error,
        };
        host::log(level, message);
    }
}

fn headers(list: Vec<kit::Header>) -> Vec<http::Header> {
    list.into_iter().map(|(name, value)| http::Header { name, value }).collect()
}

fn caller(from: http::Caller) -> kit::Caller {
    kit::Caller { sid: from.sid, team: from.team, login: from.login, claims: from.claims }
}

pub fn request(from: http::Request) -> kit::Request {
    kit::Request {
        method: from.method,
        path: from.path,
        query: from.query,
        headers: from.headers.into_iter().map(|header| (header.name, header.value)).collect(),
        body: from.body,
        caller: caller(from.caller),
        origin: from.origin,
    }
}

pub fn tool_call(from: http::ToolCall) -> kit::ToolCall {
    kit::ToolCall { name: from.name, arguments: from.arguments, caller: caller(from.caller), origin: from.origin }
}

const fn fidelity(from: kit::Fidelity) -> http::Fidelity {
    match from {
        kit::Fidelity::Semantic => http::Fidelity::Semantic,
        kit::Fidelity::Shape => http::Fidelity::Shape,
        kit::Fidelity::Unsupported => http::Fidelity::Unsupported,
    }
}

pub fn delivery(from: kit::Delivery) -> http::Delivery {
    http::Delivery {
        id: from.id,
        method: from.method,
        url: from.url,
        headers: headers(from.headers),
        body: from.body,
        due: from.due,
        retries: from.retries,
    }
}

fn report(from: kit::Report) -> http::Report {
    http::Report {
        action: from.action,
        fidelity: fidelity(from.fidelity),
        mutation: from.mutation,
        delta: from.delta.map(|delta| http::Delta { before: delta.before, after: delta.after }),
        error: from.error,
        replayed: from.replayed,
        deliveries: from.deliveries.into_iter().map(delivery).collect(),
    }
}

pub fn answer(from: kit::Answer) -> http::Answer {
    http::Answer { status: from.status, headers: headers(from.headers), body: from.body, report: report(from.report) }
}

pub fn tool_answer(from: kit::ToolAnswer) -> http::ToolAnswer {
    http::ToolAnswer {
        status: from.status,
        value: from.value,
        content: from.content,
        is_error: from.is_error,
        structured: from.structured,
        report: report(from.report),
    }
}

pub fn seeded(from: kit::Seeded) -> wit_twin::Seeded {
    wit_twin::Seeded { accepted: from.accepted, answer: answer(from.answer) }
}

fn json(value: &serde_json::Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

pub fn description(from: Description) -> wit_describe::Description {
    let Description { id, identity, routes, tools, seeds, checks, checks_digest } = from;
    let own = |list: Vec<&'static str>| list.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let note = |note: Option<&'static str>| note.map(str::to_owned);
    wit_describe::Description {
        id: id.to_owned(),
        title: identity.title.to_owned(),
        implementation: identity.implementation.to_owned(),
        version: identity.version.to_owned(),
        default_port: identity.default_port,
        root_mount: identity.root_mount,
        mounts: own(identity.mounts),
        hosts: identity
            .hosts
            .into_iter()
            .map(|(name, root)| wit_describe::VendorHost { name: name.to_owned(), root: root.to_owned() })
            .collect(),
        clockwork: identity.clockwork,
        call_aliases: identity.call_aliases,
        call_forms: identity.call_forms,
        records_admin: identity.records_admin,
        stamps_tool_call: identity.stamps_tool_call,
        health: json(&identity.health),
        session_health: own(identity.session_health),
        extras: identity.extras.into_iter().map(|(name, value)| (name.to_owned(), json(&value))).collect(),
        reset_answer: json(&identity.reset_answer),
        tokens: wit_describe::Tokens {
            schemes: identity.tokens.schemes,
            any_case: identity.tokens.any_case,
            bare: identity.tokens.bare,
            query: identity.tokens.query,
            form: identity.tokens.form,
            prefixes: identity.tokens.prefixes,
            claims: identity.tokens.claims,
            kept: identity.tokens.kept,
        },
        variables: identity
            .variables
            .into_iter()
            .map(|variable| wit_describe::Variable {
                name: variable.name,
                value: match variable.value {
                    VariableValue::SessionToken => wit_describe::VariableValue::SessionToken,
                    VariableValue::RestUrl => wit_describe::VariableValue::RestUrl,
                    VariableValue::McpUrl => wit_describe::VariableValue::McpUrl,
                },
            })
            .collect(),
        routes: routes
            .into_iter()
            .map(|row| wit_describe::Route {
                method: row.method.to_owned(),
                path: row.path.to_owned(),
                action: row.action.to_owned(),
                mutates: row.mutates,
                fidelity: fidelity(row.fidelity),
                note: note(row.note),
                inputs: row
                    .inputs
                    .into_iter()
                    .map(|input| wit_describe::Input {
                        name: input.name,
                        place: input.place.to_owned(),
                        kind: input.kind.to_owned(),
                        required: input.required,
                    })
                    .collect(),
            })
            .collect(),
        tools: tools
            .into_iter()
            .map(|row| wit_describe::Tool {
                name: row.name.to_owned(),
                action: row.action.to_owned(),
                mutates: row.mutates,
                fidelity: fidelity(row.fidelity),
                note: note(row.note),
                listing: json(&row.listing),
            })
            .collect(),
        seeds: seeds
            .into_iter()
            .map(|seed| wit_describe::Seed {
                name: seed.name.to_owned(),
                summary: seed.summary.to_owned(),
                json: seed.json.as_bytes().to_vec(),
            })
            .collect(),
        refusals: identity
            .refusals
            .into_iter()
            .map(|refusal| wit_describe::Refusal {
                case: refusal.case.to_owned(),
                status: refusal.status,
                headers: headers(refusal.headers),
                body: json(&refusal.body),
            })
            .collect(),
        faults: identity
            .faults
            .into_iter()
            .map(|fault| wit_describe::Fault {
                name: fault.name.to_owned(),
                status: fault.status,
                headers: headers(fault.headers),
                body: json(&fault.body),
                after_handler: fault.after_handler,
                delay_ms: fault.delay_ms,
            })
            .collect(),
        checks: checks
            .into_iter()
            .map(|row| wit_describe::Check {
                id: row.id,
                template: row.template,
                description: row.description,
                substrate: row.substrate.to_owned(),
                params: row
                    .params
                    .into_iter()
                    .map(|param| wit_describe::CheckParam {
                        name: param.name,
                        pattern: param.pattern,
                        example: param.example,
                    })
                    .collect(),
                pattern: row.pattern,
            })
            .collect(),
        checks_digest,
        private_state: own(identity.private_state),
    }
}

pub fn bind<T: Twin>(text: &str) -> wit_checks::Binding {
    match checks::bind::<T>(text) {
        Binding::Bound(bound) => wit_checks::Binding::Bound(wit_checks::Bound {
            matcher: bound.matcher.clone(),
            substrate: match bound.substrate {
                Substrate::Final => wit_checks::Substrate::Final,
                Substrate::SeedAndFinal => wit_checks::Substrate::SeedAndFinal,
                Substrate::Tape => wit_checks::Substrate::Tape,
            },
            subjects: bound.subjects.clone(),
            redacted: bound.redacted,
        }),
        Binding::Corrupted { matcher, slot, value, example } => {
            wit_checks::Binding::Corrupted(wit_checks::NearMiss { matcher, slot, value, example })
        }
        Binding::Unmatched => wit_checks::Binding::Unmatched,
    }
}

pub fn evaluate<T: Twin>(material: &wit_checks::Material) -> wit_checks::Outcome {
    let world = World::new(material.seed.as_deref(), material.final_.as_deref(), material.tape.as_deref());
    let (verdict, matcher) = checks::evaluate::<T>(&material.text, &world);
    wit_checks::Outcome {
        verdict: match verdict.outcome {
            Outcome::Passed => wit_checks::Verdict::Passed,
            Outcome::Failed => wit_checks::Verdict::Failed,
            Outcome::Skipped => wit_checks::Verdict::Skipped,
        },
        reason: verdict.reason,
        matcher,
        state_paths: verdict.state_paths,
        event_ids: verdict.event_ids,
    }
}

/// Makes the crate a component of the world `pome:twin/twin-component`. One line in a twin's `lib.rs`, behind its feature
/// `component`.
#[macro_export]
macro_rules! export_twin {
    ($twin:ty) => {
        const _: () = {
            struct Exported;

            // A component has one thread, so this is simply the instance's world.
            ::std::thread_local! {
                static SESSION: ::std::cell::RefCell<$crate::Session<$twin>> =
                    ::std::cell::RefCell::new($crate::Session::new());
            }

            fn with<R>(work: impl FnOnce(&mut $crate::Session<$twin>) -> R) -> R {
                SESSION.with_borrow_mut(work)
            }

            impl $crate::component::wit_twin::Guest for Exported {
                fn describe() -> $crate::component::wit_twin::Description {
                    $crate::component::description($crate::describe::describe::<$twin>())
                }

                fn seed(document: Option<Vec<u8>>) -> $crate::component::wit_twin::Seeded {
                    let seeded = with(|session| session.seed(document.as_deref(), &$crate::component::Imported));
                    $crate::component::seeded(seeded)
                }

                fn handle(request: $crate::component::wit_twin::Request) -> $crate::component::wit_twin::Answer {
                    let request = $crate::component::request(request);
                    $crate::component::answer(with(|session| session.handle(&request, &$crate::component::Imported)))
                }

                fn call_tool(call: $crate::component::wit_twin::ToolCall) -> $crate::component::wit_twin::ToolAnswer {
                    let call = $crate::component::tool_call(call);
                    $crate::component::tool_answer(with(|session| {
                        session.call_tool(&call, &$crate::component::Imported)
                    }))
                }

                fn export_state() -> Vec<u8> {
                    with(|session| session.export())
                }

                fn authenticate(token: String) -> Option<Vec<u8>> {
                    with(|session| session.authenticate(&token))
                }

                fn advance() -> Vec<$crate::component::wit_twin::Delivery> {
                    with(|session| session.advance(&$crate::component::Imported))
                        .into_iter()
                        .map($crate::component::delivery)
                        .collect()
                }
            }

            impl $crate::component::wit_checks::Guest for Exported {
                fn bind(text: String) -> $crate::component::wit_checks::Binding {
                    $crate::component::bind::<$twin>(&text)
                }

                fn evaluate(
                    material: $crate::component::wit_checks::Material,
                ) -> $crate::component::wit_checks::Outcome {
                    $crate::component::evaluate::<$twin>(&material)
                }
            }

    $crate::component::bindings::export!(Exported with_types_in $crate::component::bindings);
        };
    };
}
