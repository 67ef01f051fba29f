//! The hostile guest and ways to talk to it.

use std::sync::OnceLock;
use std::time::Duration;

use pome_sandbox::{Answer, Cache, Component, Engine, Fault, Limits, Request, World, WorldOptions};

/// A twin that misbehaves on request, built by `cargo xtask components`.
pub(crate) const HOSTILE: &[u8] = include_bytes!("../guests/prebuilt/hostile.wasm");

/// Limits that a test need not wait for, except for the deadline: a busy machine may be slow.
pub(crate) fn limits() -> Limits {
    Limits {
        deadline: Duration::from_mins(1),
        memory: 256 << 20,
        answer: 16 << 20,
        judge_fuel: 20_000_000,
        cache: Cache::Off,
        ..Limits::default()
    }
}

/// One engine with the hostile guest for all tests: compiling it takes longer than any of them.
pub(crate) fn hostile() -> Component {
    static COMPONENT: OnceLock<Component> = OnceLock::new();
    COMPONENT.get_or_init(|| load(limits())).clone()
}

/// The hostile guest with little patience, for calls that never end.
pub(crate) fn impatient() -> Component {
    static COMPONENT: OnceLock<Component> = OnceLock::new();
    let limits = || Limits { deadline: Duration::from_millis(300), ..limits() };
    COMPONENT.get_or_init(|| load(limits())).clone()
}

/// The hostile guest under other limits.
pub(crate) fn load(limits: Limits) -> Component {
    let engine = Engine::new(limits).expect("an engine starts");
    engine.load_bytes("hostile", HOSTILE).expect("the hostile guest is a proper component")
}

pub(crate) fn open(component: &Component) -> World {
    component.world(WorldOptions::default()).expect("the default seed is taken")
}

pub(crate) fn seeded(component: &Component, seed: &str) -> World {
    component.world(WorldOptions { seed: Some(seed.into()), ..WorldOptions::default() }).expect("the seed is taken")
}

pub(crate) fn get(world: &mut World, path: &str) -> Result<Answer, Fault> {
    send(world, "GET", path)
}

pub(crate) fn post(world: &mut World, path: &str) -> Result<Answer, Fault> {
    send(world, "POST", path)
}

fn send(world: &mut World, method: &str, path: &str) -> Result<Answer, Fault> {
    world.handle(&Request {
        method: method.to_owned(),
        path: path.to_owned(),
        origin: "http://127.0.0.1:3399/s/test".to_owned(),
        ..Request::default()
    })
}

/// The body of a successful answer, as text.
pub(crate) fn body(answer: Result<Answer, Fault>) -> String {
    let answer = answer.expect("the call is answered");
    String::from_utf8(answer.body).expect("the body is text")
}
