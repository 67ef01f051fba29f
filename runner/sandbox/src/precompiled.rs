//! The built-in components as the build script left them: compiled by the very engine that runs them.
//!
//! Nothing is copied: the code lies on pages of its own in the program's file and runs right there, so a process only ever reads
//! the pages that it uses, and all processes share them.
#![expect(unsafe_code, reason = "loading code that was compiled earlier and making it executable, in two functions")]

use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::mm::{MprotectFlags, mprotect};
use wasmtime::CustomCodeMemory;
use wasmtime::component::Component;

use crate::engine::Purpose;

/// A component that is part of this program.
pub(crate) struct Precompiled {
    pub(crate) name: &'static str,
    /// `sha256:` digest of the component that the code was compiled from.
    pub(crate) digest: &'static str,
    worlds: &'static Pages<[u8]>,
    judges: &'static Pages<[u8]>,
    /// Whether somebody runs the code of a purpose in place.
    taken: [AtomicBool; 2],
}

/// Bytes that share no page with others. 64 KiB is the largest page of the supported machines.
#[cfg_attr(any(target_arch = "x86_64", target_arch = "x86"), repr(C, align(4096)))]
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "x86")), repr(C, align(65536)))]
struct Pages<B: ?Sized>(B);

include!(concat!(env!("OUT_DIR"), "/precompiled.rs"));

impl Precompiled {
    /// Loads the code for a purpose.
    pub(crate) fn load(&self, engine: &wasmtime::Engine, purpose: Purpose) -> wasmtime::Result<Component> {
        let (code, taken) = match (purpose, &self.taken) {
            (Purpose::Worlds, [taken, _]) => (self.worlds, taken),
            (Purpose::Judges | Purpose::Evaluators, [_, taken]) => (self.judges, taken),
        };
        // The runtime keeps one table of code for the whole process, and a place can be in it once: a second component with the
        // same code gets a copy.
        if taken.swap(true, Ordering::Relaxed) {
            // SAFETY: as below.
            return unsafe { Component::deserialize(engine, &code.0) };
        }
        // SAFETY: `code` is a constant of this program that the build script got from `Engine::precompile_component`; nobody else
        // can have written it, and it lives and stays as it is until the process ends. The engine itself checks version and
        // settings.
        unsafe { Component::deserialize_raw(engine, NonNull::from(&code.0)) }
    }
}

/// Makes code executable where it is.
pub(crate) struct InPlace;

impl CustomCodeMemory for InPlace {
    fn required_alignment(&self) -> usize {
        rustix::param::page_size()
    }

    fn publish_executable(&self, code: *const u8, length: usize) -> wasmtime::Result<()> {
        // SAFETY: the engine names the part of an image of [`Pages`] that holds code. It is nowhere written to, so pages that can
        // be read and executed are all that anybody needs of it.
        unsafe { mprotect(code.cast_mut().cast(), length, MprotectFlags::READ | MprotectFlags::EXEC)? };
        Ok(())
    }

    fn unpublish_executable(&self, _code: *const u8, _length: usize) -> wasmtime::Result<()> {
        // Another engine of this process may run the same pages.
        Ok(())
    }
}
