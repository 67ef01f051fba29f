// How code is compiled. The build script includes this file as well: precompiled code only loads into an engine with the same
// settings, so they are written once.

use wasmtime::Config;

/// What a 32-bit guest can address: with all of it reserved, compiled code needs no bounds checks.
pub(crate) const RESERVED: u64 = 4 << 30;

/// Address space behind a memory that is never accessible; covers the constant offset of a load or store.
pub(crate) const GUARD: u64 = 32 << 20;

/// Host stack of a guest. Callers run on threads with 2 MiB at least.
const STACK: usize = 512 << 10;

/// Stack of an evaluator that brings a language's runtime with it: those call themselves for every level of what they read.
pub(crate) const EVALUATOR_STACK: usize = 8 << 20;

/// Settings for worlds: stopped by time, as a served call has to end but may take what it needs.
pub(crate) fn worlds() -> Config {
    let mut config = common();
    config.epoch_interruption(true);
    config
}

/// Settings for judges: stopped by fuel, which is the same number on every machine, and by time as a last resort.
pub(crate) fn judges() -> Config {
    let mut config = common();
    config.epoch_interruption(true);
    config.consume_fuel(true);
    config
}

/// Settings for evaluators of a project: as judges, with a larger stack. What connects the modules of a component that a tool put
/// together reaches into several memories.
pub(crate) fn evaluators() -> Config {
    let mut config = judges();
    config.wasm_multi_memory(true).max_wasm_stack(EVALUATOR_STACK).async_stack_size(2 * EVALUATOR_STACK);
    config
}

fn common() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // Same inputs, same bits, on every processor.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        // Nothing that a twin needs, and each a way to behave differently twice or to hide state from an image.
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .max_wasm_stack(STACK)
        .memory_reservation(RESERVED)
        .memory_guard_size(GUARD)
        .memory_may_move(false)
        .guard_before_linear_memory(false)
        // Initial memories are ours to map; the engine's own copy-on-write needs memories of its own.
        .memory_init_cow(false)
        // Frames of a stripped guest have no names, and collecting them costs more than the trap. Without them, nothing reads the
        // tables that lead from machine code back to the component, a sixth of its size.
        .generate_address_map(false)
        .native_unwind_info(cfg!(windows))
        .wasm_backtrace_max_frames(None);
    config
}
