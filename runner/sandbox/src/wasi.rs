//! What an evaluator of a project finds around it: WASI 0.2 where nothing moves. The clocks stand still, random numbers follow from
//! the run's random seed, `/run` is the run folder and can only be read, sockets are refused, nothing can be waited for.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use wasmtime::StoreContextMut;
use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::filesystem::{WasiFilesystemCtxView, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode as Refusal;
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};
use wasmtime_wasi::p2::bindings::sync::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, DirectoryEntryStream, ErrorCode, Host,
    HostDescriptor, HostDirectoryEntryStream, MetadataHashValue, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynPollable, FsResult, OutputStream, Pollable, StreamResult, subscribe};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView, async_trait};

use crate::host::{Bounds, Stream};

/// Where the run folder is for an evaluator.
const RUN: &str = "/run";

/// The interface of files as the linker knows it.
const FILES: &str = "wasi:filesystem/types@0.2.12";

/// What judging itself writes. An outcome must not depend on an earlier one.
const WRITTEN_BY_JUDGING: &[&str] = &["meta.json", "score.json", "verdict.json", "fix-prompt.md"];

/// So much of what an evaluator prints is kept.
const KEPT: usize = 64 << 10;

/// Most random bytes of one call.
const MOST_RANDOM: u64 = 1 << 20;

/// What the engine keeps beside an instance of an evaluator.
pub(crate) struct Guest {
    ctx: WasiCtx,
    table: ResourceTable,
    pub(crate) bounds: Bounds,
    /// Milliseconds since 1970.
    clock: u64,
    random: Stream,
    random_seed: u64,
    /// Entries of open listings, by the handle of the listing.
    listings: BTreeMap<u32, VecDeque<DirectoryEntry>>,
    printed: Printed,
}

impl Guest {
    pub(crate) fn new(memory: usize, clock: u64, random_seed: u64, run: Option<&Path>) -> wasmtime::Result<Self> {
        let printed = Printed::default();
        let mut ctx = WasiCtx::builder();
        ctx.allow_blocking_current_thread(true).stdout(printed.clone()).stderr(printed.clone());
        if let Some(run) = run {
            ctx.preopened_dir(run, RUN, FsPerms::ReadOnly)?;
        }
        Ok(Self {
            ctx: ctx.build(),
            table: ResourceTable::new(),
            bounds: Bounds::new(memory),
            clock,
            random: Stream::new(random_seed),
            random_seed,
            listings: BTreeMap::new(),
            printed,
        })
    }

    /// What it printed, to standard output and standard error alike.
    pub(crate) fn printed(&self) -> String {
        let kept = self.printed.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).into_owned()
    }

    fn bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        if length > MOST_RANDOM {
            return Err(wasmtime::Error::msg(format!("wanted {length} random bytes at once, may have {MOST_RANDOM}")));
        }
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < length {
            bytes.extend_from_slice(&self.random.next().to_le_bytes());
        }
        bytes.truncate(usize::try_from(length).unwrap_or_default());
        Ok(bytes)
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.ctx, table: &mut self.table }
    }
}

/// Defines everything that an evaluator may import.
pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_sync(linker)?;
    // Over what would show the machine.
    linker.allow_shadowing(true);
    wall_clock::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    monotonic_clock::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    random::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    insecure::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    insecure_seed::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    link_files(linker)
}

type Store<'a> = StoreContextMut<'a, Guest>;
type Answer<T> = wasmtime::Result<(Result<T, ErrorCode>,)>;

/// Files as wasmtime serves them, without what differs from machine to machine: times, identities, the order of a folder.
fn link_files(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut files = linker.instance(FILES)?;
    files.func_wrap("[method]descriptor.stat", |mut store: Store, (file,): (Resource<Descriptor>,)| {
        answer(store.data_mut(), |files| files.stat(file).map(timeless))
    })?;
    files.func_wrap(
        "[method]descriptor.stat-at",
        |mut store: Store, (folder, flags, path): (Resource<Descriptor>, PathFlags, String)| {
            answer(store.data_mut(), |files| {
                visible(&path)?;
                files.stat_at(folder, flags, path).map(timeless)
            })
        },
    )?;
    files.func_wrap("[method]descriptor.metadata-hash", |mut store: Store, (file,): (Resource<Descriptor>,)| {
        answer(store.data_mut(), |files| files.stat(file).map(|stat| identity(&stat)))
    })?;
    files.func_wrap(
        "[method]descriptor.metadata-hash-at",
        |mut store: Store, (folder, flags, path): (Resource<Descriptor>, PathFlags, String)| {
            answer(store.data_mut(), |files| {
                visible(&path)?;
                files.stat_at(folder, flags, path).map(|stat| identity(&stat))
            })
        },
    )?;
    files.func_wrap("[method]descriptor.open-at", |mut store: Store, opened: Open| {
        let (folder, at, path, how, flags) = opened;
        answer(store.data_mut(), |files| {
            visible(&path)?;
            // Opening a pipe would wait for whoever writes into it.
            let kind = files.stat_at(Resource::new_borrow(folder.rep()), at, path.clone()).map(|stat| stat.type_);
            if let Ok(kind) = kind
                && !matches!(kind, DescriptorType::RegularFile | DescriptorType::Directory)
            {
                return Err(Refusal::Access.into());
            }
            files.open_at(folder, at, path, how, flags)
        })
    })?;
    files.func_wrap("[method]descriptor.read-directory", |mut store: Store, (folder,): (Resource<Descriptor>,)| {
        let guest = store.data_mut();
        let mut entries = Vec::new();
        let listed = answer(guest, |files| {
            let listing = files.read_directory(folder)?;
            while let Some(entry) = files.read_directory_entry(Resource::new_borrow(listing.rep()))? {
                if visible(&entry.name).is_ok() {
                    entries.push(entry);
                }
            }
            Ok(listing)
        });
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        if let Ok((Ok(listing),)) = &listed {
            guest.listings.insert(listing.rep(), entries.into());
        }
        listed
    })?;
    files.func_wrap(
        "[method]directory-entry-stream.read-directory-entry",
        |mut store: Store, (listing,): (Resource<DirectoryEntryStream>,)| -> Answer<Option<DirectoryEntry>> {
            Ok((Ok(store.data_mut().listings.get_mut(&listing.rep()).and_then(VecDeque::pop_front)),))
        },
    )
}

type Open = (Resource<Descriptor>, PathFlags, String, OpenFlags, DescriptorFlags);

fn answer<T>(guest: &mut Guest, ask: impl FnOnce(&mut WasiFilesystemCtxView<'_>) -> FsResult<T>) -> Answer<T> {
    let mut files = guest.filesystem();
    match ask(&mut files) {
        Ok(value) => Ok((Ok(value),)),
        Err(error) => Ok((Err(files.convert_error_code(error)?),)),
    }
}

fn timeless(stat: DescriptorStat) -> DescriptorStat {
    DescriptorStat {
        data_access_timestamp: None,
        data_modification_timestamp: None,
        status_change_timestamp: None,
        ..stat
    }
}

/// What libraries show as the number of a file. The true one is the machine's, so this follows from what the file is.
fn identity(stat: &DescriptorStat) -> MetadataHashValue {
    MetadataHashValue { lower: stat.size, upper: stat.type_ as u64 }
}

fn visible(path: &str) -> FsResult<()> {
    let name = Path::new(path).file_name().and_then(|name| name.to_str());
    if name.is_some_and(|name| WRITTEN_BY_JUDGING.contains(&name)) { Err(Refusal::NoEntry.into()) } else { Ok(()) }
}

impl wall_clock::Host for Guest {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let nanoseconds = u32::try_from(self.clock % 1000).unwrap_or_default() * 1_000_000;
        Ok(wall_clock::Datetime { seconds: self.clock / 1000, nanoseconds })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: 0, nanoseconds: 1_000_000 })
    }
}

impl monotonic_clock::Host for Guest {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.clock.saturating_mul(1_000_000))
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1_000_000)
    }

    // No time passes, so there is nothing to wait for.
    fn subscribe_instant(&mut self, _when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let now = self.table.push(Now)?;
        subscribe(&mut self.table, now)
    }

    fn subscribe_duration(&mut self, _duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let now = self.table.push(Now)?;
        subscribe(&mut self.table, now)
    }
}

/// Has happened.
struct Now;

#[async_trait]
impl Pollable for Now {
    async fn ready(&mut self) {}
}

impl random::Host for Guest {
    fn get_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.bytes(length)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random.next())
    }
}

impl insecure::Host for Guest {
    fn get_insecure_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.bytes(length)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random.next())
    }
}

impl insecure_seed::Host for Guest {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        let mut seed = Stream::new(!self.random_seed);
        Ok((seed.next(), seed.next()))
    }
}

/// What an evaluator prints. It never fails and never waits; beyond [`KEPT`] it is dropped.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl IsTerminal for Printed {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printed {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only components of a later WASI ask for this one.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Printed {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for Printed {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The end says what went wrong, so the beginning goes.
        kept.extend_from_slice(&bytes);
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(KEPT)
    }
}
