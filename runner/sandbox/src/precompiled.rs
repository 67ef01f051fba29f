//! The built-in components as the build script left them: compiled by the very engine that runs them.
#![expect(unsafe_code, reason = "loading code that was compiled earlier, in one function")]

use wasmtime::component::Component;

use crate::engine::Purpose;

/// A component that is part of this program.
pub(crate) struct Precompiled {
    pub(crate) name: &'static str,
    /// `sha256:` digest of the component that the code was compiled from.
    pub(crate) digest: &'static str,
    worlds: &'static [u8],
    judges: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/precompiled.rs"));

impl Precompiled {
    /// Loads the code for a purpose.
    pub(crate) fn load(&self, engine: &wasmtime::Engine, purpose: Purpose) -> wasmtime::Result<Component> {
        let code = match purpose {
            Purpose::Worlds => self.worlds,
            Purpose::Judges => self.judges,
        };
        // SAFETY: `code` is a constant of this program that the build script got from `Engine::precompile_component`; nobody else
        // can have written it. The engine itself checks version and settings.
        unsafe { Component::deserialize(engine, code) }
    }
}
