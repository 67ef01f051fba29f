//! Generated code for the three worlds, private to the crate. `convert.rs` turns its types into ours.

/// `pome:twin/twin-component`
pub(crate) mod twin {
    wasmtime::component::bindgen!({
        path: ["../../wit/evaluator", "../../wit/twin"],
        world: "pome:twin/twin-component",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

/// `pome:evaluator/evaluator-component`
pub(crate) mod evaluator {
    wasmtime::component::bindgen!({
        path: "../../wit/evaluator",
        world: "pome:evaluator/evaluator-component",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

/// `pome:evaluator/evaluator`
pub(crate) mod evaluation {
    wasmtime::component::bindgen!({
        path: "../../wit/evaluator",
        world: "pome:evaluator/evaluator",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}
