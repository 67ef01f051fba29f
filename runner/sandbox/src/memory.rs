//! Linear memories owned by the host: pooled slots of address space, images of what is in them, and forks that map an image
//! copy-on-write. Together with `precompiled.rs` the one place of the crate with unsafe code; what it relies on is written here.
//!
//! # Why the host owns them
//!
//! A twin's whole state is its linear memory. The engine's own allocators (on demand and pooling) can start an instance from the
//! *component's* initial memory copy-on-write, but not from a memory that has lived; with memories of our own, a seeded or half-used
//! world is written once and then mapped by any number of instances. The engine's pooling allocator and host memories exclude each
//! other; the pool of slots below takes over what pooling would bring. [`Memories`] is the one type to exchange for another choice.
//!
//! # Words
//!
//! - A *region* is reserved address space: 4 GiB that a 32-bit guest can address plus a guard, so compiled code needs no bounds
//!   checks. Regions are kept and reused.
//! - A *slot* is a region while a memory lives in it. The first `size` bytes are readable and writable, the rest is not mapped.
//! - A *sheet* is a sealed file in memory with the bytes of a memory at some moment. It never changes again.
//! - An *image* is a sheet plus the few pages that differ from it. A world that was itself started from a sheet only needs its own
//!   changed pages copied, so taking an image costs what changed, not what there is.
//!
//! # Invariants
//!
//! 1. A region is `reserved + guard` bytes from one `mmap`, owned by exactly one [`Region`]; nothing else maps or unmaps there.
//!    Between owners it is one inaccessible, zero-filled mapping.
//! 2. A slot's base never moves. `size` only grows, is a multiple of the page size, and never exceeds `reserved`. Bytes below
//!    `size` are accessible; bytes from `size` to the region's end are not.
//! 3. A slot is shared by the engine's instance (which reads and writes through the base pointer, only during a call) and by the
//!    world that owns this instance (which reads and remaps, only between calls). Both sit behind the same `&mut World`, hence never
//!    act at the same time. The region is given back when the later of the two is gone.
//! 4. An instance learns its memory's size once, when the memory is made. A memory that is to take an image is therefore made with
//!    the image's size from the start: [`Memories::gather`] passes the sizes to the engine's callback through a thread-local,
//!    because the callback has no argument of ours.
//! 5. [`Slot::adopt`] replaces the content of `[0, size)` and nothing else, after the instance was made and before its first call,
//!    or with content equal to what is there. Nothing in the instance refers to the bytes other than by offset.
//! 6. A sheet is sealed against writing and resizing before its first mapping, so a mapping never changes and never faults for
//!    lack of file.
#![expect(unsafe_code, reason = "the engine's hook for host memories and the mapping of images; invariants above")]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::c_void;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap, mmap_anonymous, mprotect, munmap};
use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

/// Regions that are kept for reuse. One costs an entry in a list and, while unused, no memory.
const KEPT_REGIONS: usize = 1024;

/// An image keeps at most so many bytes of pages beside its sheet; with more, a new sheet is written.
const LOOSE_BYTES: usize = 1 << 20;

/// Zero stretches of at least this length are left out of a sheet.
const HOLE: usize = 64 << 10;

/// All linear memories of one engine.
pub(crate) struct Memories {
    /// Bytes a guest can address.
    reserved: usize,
    /// Inaccessible bytes behind them.
    guard: usize,
    pool: Arc<Pool>,
    form: Form,
}

/// How images are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As files in memory, mapped copy-on-write (Linux).
    Mapped,
    /// As plain bytes, copied into each fork (everywhere else).
    Copied,
}

impl Form {
    /// The best form that this machine offers.
    pub(crate) fn available() -> Self {
        if sheet_file().is_ok() { Self::Mapped } else { Self::Copied }
    }
}

impl fmt::Debug for Memories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memories")
            .field("reserved", &self.reserved)
            .field("guard", &self.guard)
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Pool {
    free: Mutex<Vec<Region>>,
}

thread_local! {
    /// What [`Memories::gather`] passes to [`MemoryCreator::new_memory`] and gets back.
    static BIRTH: RefCell<Option<Birth>> = const { RefCell::new(None) };
}

#[derive(Default)]
struct Birth {
    sizes: VecDeque<usize>,
    slots: Vec<Arc<Slot>>,
}

impl Memories {
    /// Memories for code that was compiled for these two sizes.
    pub(crate) fn new(reserved: usize, guard: usize, form: Form) -> Self {
        Self { reserved, guard, pool: Arc::new(Pool::default()), form }
    }

    /// Runs `make`, which instantiates on this thread, and returns the slots of the memories that were made, in order.
    /// Memories are made at least as large as the next entry of `sizes`.
    pub(crate) fn gather<T>(sizes: impl Iterator<Item = usize>, make: impl FnOnce() -> T) -> (T, Vec<Arc<Slot>>) {
        let birth = Birth { sizes: sizes.collect(), slots: Vec::new() };
        let before = BIRTH.replace(Some(birth));
        let made = make();
        let birth = BIRTH.replace(before).unwrap_or_default();
        (made, birth.slots)
    }

    fn region(&self) -> io::Result<Region> {
        let kept = self.pool.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match kept {
            Some(region) => Ok(region),
            None => Region::reserve(self.reserved + self.guard),
        }
    }

    fn slot(&self, size: usize) -> io::Result<Slot> {
        if size > self.reserved {
            return Err(io::Error::other("a memory larger than its address space"));
        }
        let slot = Slot {
            region: Some(self.region()?),
            reserved: self.reserved,
            size: AtomicUsize::new(0),
            sheet: Mutex::new(None),
            pool: Arc::clone(&self.pool),
            form: self.form,
        };
        slot.grow(size)?;
        Ok(slot)
    }
}

// SAFETY: a new memory is zero-filled (invariant 1: a region between owners reads as zero), accessible up to its size, with at
// least `guard_size_in_bytes` inaccessible bytes behind the reservation, and its base never moves (invariant 2).
unsafe impl MemoryCreator for Memories {
    fn new_memory(
        &self,
        ty: MemoryType,
        minimum: usize,
        _maximum: Option<usize>,
        reserved_size_in_bytes: Option<usize>,
        guard_size_in_bytes: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        if ty.is_64() || ty.is_shared() {
            return Err("only unshared 32-bit memories are supported".to_owned());
        }
        if reserved_size_in_bytes.is_some_and(|bytes| bytes > self.reserved) || guard_size_in_bytes > self.guard {
            return Err("code was compiled for a larger address space".to_owned());
        }
        let wanted = BIRTH.with_borrow_mut(|birth| birth.as_mut().and_then(|birth| birth.sizes.pop_front()));
        let size = wanted.unwrap_or(0).max(minimum);
        let slot = self.slot(size).map_err(|error| format!("no address space for another memory: {error}"))?;
        let slot = Arc::new(slot);
        BIRTH.with_borrow_mut(|birth| {
            if let Some(birth) = birth {
                birth.slots.push(Arc::clone(&slot));
            }
        });
        Ok(Box::new(Linear(slot)))
    }
}

/// A slot as the engine sees it.
struct Linear(Arc<Slot>);

// SAFETY: `as_ptr` is stable and `[0, byte_size)` is accessible behind it for as long as this value lives (invariants 2 and 3).
unsafe impl LinearMemory for Linear {
    fn byte_size(&self) -> usize {
        self.0.size()
    }

    fn byte_capacity(&self) -> usize {
        self.0.reserved
    }

    fn grow_to(&mut self, new_size: usize) -> wasmtime::Result<()> {
        self.0.grow(new_size)?;
        Ok(())
    }

    fn as_ptr(&self) -> *mut u8 {
        self.0.base().as_ptr()
    }
}

/// Reserved address space.
struct Region {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: a region is plain address space that belongs to one owner; it is not tied to the thread that reserved it.
unsafe impl Send for Region {}
// SAFETY: a shared region hands out no access; every access goes through `Slot`, which says when it is allowed.
unsafe impl Sync for Region {}

impl Region {
    fn reserve(len: usize) -> io::Result<Self> {
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches nothing that exists.
        let base = unsafe {
            mmap_anonymous(ptr::null_mut(), len, ProtFlags::empty(), MapFlags::PRIVATE | MapFlags::NORESERVE)?
        };
        let base = NonNull::new(base.cast()).ok_or_else(|| io::Error::other("mapped at address zero"))?;
        Ok(Self { base, len })
    }

    /// Makes the first `used` bytes inaccessible and zero again.
    fn clear(&self, used: usize) -> io::Result<()> {
        if used == 0 {
            return Ok(());
        }
        // SAFETY: `[base, base + used)` lies in this region (callers pass a slot's size, invariant 2) and the slot that lived
        // there is being dropped, so nobody reads it any more (invariant 3).
        unsafe {
            mmap_anonymous(
                self.base.as_ptr().cast(),
                used,
                ProtFlags::empty(),
                MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED,
            )?;
        }
        Ok(())
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the region owns exactly this mapping (invariant 1). An error would only leave address space reserved.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.len) };
    }
}

/// A region in which a linear memory lives.
pub(crate) struct Slot {
    /// Present until dropped.
    region: Option<Region>,
    reserved: usize,
    size: AtomicUsize,
    /// The sheet that `[0, sheet.len)` is a private mapping of.
    sheet: Mutex<Option<Arc<Sheet>>>,
    pool: Arc<Pool>,
    form: Form,
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("size", &self.size()).finish_non_exhaustive()
    }
}

impl Slot {
    /// Accessible bytes.
    pub(crate) fn size(&self) -> usize {
        self.size.load(Ordering::Acquire)
    }

    fn base(&self) -> NonNull<u8> {
        self.region.as_ref().map_or(NonNull::dangling(), |region| region.base)
    }

    /// The address `offset` bytes into the slot.
    fn at(&self, offset: usize) -> *mut c_void {
        self.base().as_ptr().wrapping_add(offset).cast()
    }

    fn grow(&self, new_size: usize) -> io::Result<()> {
        let size = self.size();
        if new_size > self.reserved || !new_size.is_multiple_of(page_size()) {
            return Err(io::Error::other("a memory cannot grow to this size"));
        }
        if new_size > size {
            // SAFETY: `[size, new_size)` lies in the region and is not accessible yet, so nobody refers to it (invariant 2).
            unsafe { mprotect(self.at(size), new_size - size, MprotectFlags::READ | MprotectFlags::WRITE)? };
            self.size.store(new_size, Ordering::Release);
        }
        Ok(())
    }

    /// The accessible bytes.
    ///
    /// # Safety
    ///
    /// No call may run in the instance that the slot belongs to, and the slot must not be remapped while the slice lives.
    unsafe fn bytes(&self) -> &[u8] {
        // SAFETY: `[0, size)` is accessible (invariant 2), initialised (zero or written), and not written while the caller keeps
        // its promise.
        unsafe { std::slice::from_raw_parts(self.base().as_ptr(), self.size()) }
    }

    /// What is in the memory now. `&mut` on the world's side of the slot stands for "no call is running" (invariant 3).
    ///
    /// The inner error leaves the memory as it was. After the outer one it may be gone, and the instance must not be used again.
    pub(crate) fn image(self: &mut Arc<Self>) -> io::Result<io::Result<MemoryImage>> {
        let sheet = self.sheet.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(sheet) = sheet
            && let Some(runs) = self.changed(&sheet)
        {
            // SAFETY: no call is running, and nothing below remaps before the last use.
            let bytes = unsafe { self.bytes() };
            let loose =
                runs.into_iter().filter_map(|(start, end)| Some((start, Arc::from(bytes.get(start..end)?)))).collect();
            return Ok(Ok(MemoryImage { size: self.size(), sheet, loose }));
        }
        // SAFETY: as above; the slice is not used after the remapping in `adopt`.
        let sheet = match Sheet::write(unsafe { self.bytes() }, self.form) {
            Ok(sheet) => Arc::new(sheet),
            Err(error) => return Ok(Err(error)),
        };
        let image = MemoryImage { size: self.size(), sheet, loose: Vec::new() };
        // From here on this world shares the sheet's pages, and its next image is only what changed.
        if self.form == Form::Mapped {
            self.adopt(&image)?;
        }
        Ok(Ok(image))
    }

    /// Runs of bytes that differ from `sheet`, or `None` when they cannot be told or are too many.
    fn changed(&self, sheet: &Sheet) -> Option<Vec<(usize, usize)>> {
        const PRESENT: u64 = 1 << 63;
        const SWAPPED: u64 = 1 << 62;
        /// The page belongs to a file. A page of a private mapping that was written no longer does.
        const FILE: u64 = 1 << 61;
        if !matches!(sheet.store, Store::File(_)) {
            return None;
        }
        let page = page_size();
        let pages = self.size() / page;
        let first = u64::try_from(self.base().as_ptr().addr() / page).ok()?;
        let mut entries = vec![0; pages * 8];
        pagemap()?.read_exact_at(&mut entries, first * 8).ok()?;

        let mut runs: Vec<(usize, usize)> = Vec::new();
        let mut bytes = 0;
        for (index, entry) in entries.chunks_exact(8).enumerate() {
            let entry = entry.try_into().map_or(SWAPPED, u64::from_ne_bytes);
            let written = entry & SWAPPED != 0 || (entry & PRESENT != 0 && entry & FILE == 0);
            if !written {
                continue;
            }
            bytes += page;
            if bytes > LOOSE_BYTES {
                return None;
            }
            let start = index * page;
            match runs.last_mut() {
                Some((_, end)) if *end == start => *end = start + page,
                _ => runs.push((start, start + page)),
            }
        }
        Some(runs)
    }

    /// Puts an image of the same size in place of what is in the memory (invariants 3 and 5).
    pub(crate) fn adopt(self: &mut Arc<Self>, image: &MemoryImage) -> io::Result<()> {
        let size = self.size();
        if image.size != size || image.sheet.len > size {
            return Err(io::Error::other("an image of another size"));
        }
        match &image.sheet.store {
            Store::File(file) => {
                // SAFETY: the range lies in this slot's accessible part; the file is sealed at this length (invariant 6).
                unsafe {
                    mmap(
                        self.at(0),
                        image.sheet.len,
                        ProtFlags::READ | ProtFlags::WRITE,
                        MapFlags::PRIVATE | MapFlags::FIXED | MapFlags::NORESERVE,
                        file,
                        0,
                    )?;
                }
                *self.sheet.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&image.sheet));
            }
            Store::Bytes(bytes) => self.put(0, bytes)?,
        }
        for (start, bytes) in &image.loose {
            self.put(*start, bytes)?;
        }
        Ok(())
    }

    fn put(&self, start: usize, bytes: &[u8]) -> io::Result<()> {
        if start.checked_add(bytes.len()).is_none_or(|end| end > self.size()) {
            return Err(io::Error::other("an image that does not fit"));
        }
        // SAFETY: the destination is accessible (checked above), no call is running (invariant 3), and the source is host memory
        // outside every region, so the two do not overlap.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.at(start).cast(), bytes.len()) };
        Ok(())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some(region) = self.region.take() else { return };
        if region.clear(*self.size.get_mut()).is_err() {
            return;
        }
        let mut free = self.pool.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT_REGIONS {
            free.push(region);
        }
    }
}

/// The content of one linear memory at one moment. Cheap to clone.
#[derive(Clone)]
pub(crate) struct MemoryImage {
    size: usize,
    sheet: Arc<Sheet>,
    /// Where the memory differs from the sheet.
    loose: Vec<(usize, Arc<[u8]>)>,
}

impl fmt::Debug for MemoryImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryImage")
            .field("size", &self.size)
            .field("loose", &self.loose.len())
            .finish_non_exhaustive()
    }
}

impl MemoryImage {
    /// Bytes of the memory.
    pub(crate) fn size(&self) -> usize {
        self.size
    }
}

/// The bytes of a memory when it was written out; beyond them the memory was zero.
struct Sheet {
    len: usize,
    store: Store,
}

enum Store {
    File(OwnedFd),
    Bytes(Box<[u8]>),
}

impl Sheet {
    fn write(bytes: &[u8], form: Form) -> io::Result<Self> {
        let len = bytes.len();
        let store = match form {
            Form::Copied => Store::Bytes(bytes.into()),
            Form::Mapped => {
                let file = File::from(sheet_file()?);
                file.set_len(u64::try_from(len).map_err(io::Error::other)?)?;
                for (index, chunk) in bytes.chunks(HOLE).enumerate() {
                    if chunk.iter().any(|byte| *byte != 0) {
                        file.write_all_at(chunk, u64::try_from(index * HOLE).map_err(io::Error::other)?)?;
                    }
                }
                seal(&file)?;
                Store::File(file.into())
            }
        };
        Ok(Self { len, store })
    }
}

#[cfg(target_os = "linux")]
fn sheet_file() -> io::Result<OwnedFd> {
    use rustix::fs::{MemfdFlags, memfd_create};
    Ok(memfd_create(c"pome-world", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?)
}

#[cfg(not(target_os = "linux"))]
fn sheet_file() -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(target_os = "linux")]
fn seal(file: &File) -> io::Result<()> {
    use rustix::fs::{SealFlags, fcntl_add_seals};
    fcntl_add_seals(file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn seal(_file: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The kernel's table of this process's pages, if it can be read and tells written pages of a private mapping from others.
fn pagemap() -> Option<&'static File> {
    static TABLE: OnceLock<Option<File>> = OnceLock::new();
    TABLE.get_or_init(|| File::open("/proc/self/pagemap").ok()).as_ref()
}

fn page_size() -> usize {
    rustix::param::page_size()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WASM_PAGE: usize = 64 << 10;

    fn forms() -> Vec<Memories> {
        let mut forms = vec![Form::Copied];
        if Form::available() == Form::Mapped {
            forms.push(Form::Mapped);
        }
        let memories = |form| Memories::new(1 << 30, 1 << 20, form);
        forms.into_iter().map(memories).collect()
    }

    fn slot(memories: &Memories, pages: usize) -> Arc<Slot> {
        Arc::new(memories.slot(pages * WASM_PAGE).unwrap())
    }

    fn bytes(slot: &Arc<Slot>) -> Vec<u8> {
        // SAFETY: a test slot belongs to no instance, and nothing remaps it meanwhile.
        unsafe { slot.bytes() }.to_vec()
    }

    fn fork(memories: &Memories, image: &MemoryImage) -> Arc<Slot> {
        let mut fork = Arc::new(memories.slot(image.size()).unwrap());
        // What instantiation writes before the image takes its place.
        fork.put(100, b"initial data of the component").unwrap();
        fork.adopt(image).unwrap();
        fork
    }

    #[test]
    fn a_fork_has_the_bytes_of_its_image_and_shares_no_writes() {
        for memories in forms() {
            let mut origin = slot(&memories, 20);
            origin.put(0, b"start").unwrap();
            origin.put(20 * WASM_PAGE - 3, b"end").unwrap();
            let before = bytes(&origin);
            let image = origin.image().unwrap().unwrap();

            let first = fork(&memories, &image);
            assert!(bytes(&first) == before);
            first.put(5, b"first").unwrap();
            origin.put(5, b"origin").unwrap();
            assert!(bytes(&fork(&memories, &image)) == before, "neither wrote into the image");
            drop(origin);
            assert_eq!(&bytes(&first)[..10], b"startfirst");
        }
    }

    #[test]
    fn an_image_of_a_fork_holds_what_changed_only() {
        for memories in forms().into_iter().filter(|memories| memories.form == Form::Mapped) {
            let mut origin = slot(&memories, 100);
            origin.put(0, &vec![1; 100 * WASM_PAGE]).unwrap();
            let image = origin.image().unwrap().unwrap();
            assert!(image.loose.is_empty());

            let mut child = fork(&memories, &image);
            assert_eq!(
                bytes(&child).iter().map(|byte| usize::from(*byte)).sum::<usize>(),
                100 * WASM_PAGE,
                "every page was read"
            );
            child.put(3 * WASM_PAGE + 1, b"changed").unwrap();
            child.put(50 * WASM_PAGE - 1, b"changed").unwrap();
            let second = child.image().unwrap().unwrap();
            assert!(Arc::ptr_eq(&second.sheet, &image.sheet), "the sheet is shared");
            let starts: Vec<_> = second.loose.iter().map(|(start, bytes)| (*start, bytes.len())).collect();
            let page = page_size();
            assert_eq!(starts, [(3 * WASM_PAGE, page), (50 * WASM_PAGE - page, 2 * page)]);
            assert!(bytes(&fork(&memories, &second)) == bytes(&child));

            // The fork of a fork has the loose pages as its own writes.
            let mut grandchild = fork(&memories, &second);
            grandchild.put(0, b"x").unwrap();
            let third = grandchild.image().unwrap().unwrap();
            assert_eq!(third.loose.len(), 3);
            assert!(bytes(&fork(&memories, &third)) == bytes(&grandchild));
        }
    }

    #[test]
    fn with_much_changed_a_new_sheet_is_written() {
        for memories in forms() {
            let mut origin = slot(&memories, 64);
            origin.put(7, b"seven").unwrap();
            let image = origin.image().unwrap().unwrap();
            origin.put(0, &vec![9; LOOSE_BYTES + 1]).unwrap();
            let second = origin.image().unwrap().unwrap();
            assert!(!Arc::ptr_eq(&second.sheet, &image.sheet));
            assert!(second.loose.is_empty());
            assert!(bytes(&fork(&memories, &second)) == bytes(&origin));
        }
    }

    #[test]
    fn a_memory_grows_after_an_image_and_what_grew_is_zero() {
        for memories in forms() {
            let mut origin = slot(&memories, 2);
            origin.put(0, b"two pages").unwrap();
            let image = origin.image().unwrap().unwrap();
            let mut child = fork(&memories, &image);
            child.grow(5 * WASM_PAGE).unwrap();
            assert!(bytes(&child)[2 * WASM_PAGE..].iter().all(|byte| *byte == 0));
            child.put(4 * WASM_PAGE, b"five pages").unwrap();
            let grown = child.image().unwrap().unwrap();
            assert_eq!(grown.size(), 5 * WASM_PAGE);
            assert!(bytes(&fork(&memories, &grown)) == bytes(&child));
            assert!(fork(&memories, &image).adopt(&grown).is_err(), "an image of another size is refused");
        }
    }

    #[test]
    fn a_used_region_comes_back_empty() {
        for memories in forms() {
            let mut address = None;
            for round in 0..50 {
                let pages = 1 + round % 7;
                let mut used = slot(&memories, pages);
                let here = used.base();
                assert_eq!(*address.get_or_insert(here), here, "the region is reused");
                assert!(bytes(&used).iter().all(|byte| *byte == 0));
                used.put(0, &vec![0xab; pages * WASM_PAGE]).unwrap();
                if round % 2 == 0 {
                    used.image().unwrap().unwrap();
                }
            }
        }
    }

    #[test]
    fn a_memory_never_exceeds_its_address_space() {
        for memories in forms() {
            let slot = slot(&memories, 1);
            assert!(slot.grow((1 << 30) + WASM_PAGE).is_err());
            assert!(slot.put(WASM_PAGE - 1, b"ab").is_err());
            assert!(memories.slot((1 << 30) + WASM_PAGE).is_err());
            assert_eq!(slot.size(), WASM_PAGE);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_sheet_cannot_be_changed() {
        let sheet = Sheet::write(&vec![1; WASM_PAGE], Form::Mapped).unwrap();
        let Store::File(file) = sheet.store else { panic!("a file was asked for") };
        let file = File::from(file);
        assert!(file.write_at(b"x", 0).is_err());
        assert!(file.set_len(1).is_err());
        assert!(file.set_len(2 * WASM_PAGE as u64).is_err());
    }

    #[test]
    fn many_slots_on_many_threads_keep_apart() {
        for memories in forms() {
            let memories = &memories;
            let mut origin = slot(memories, 10);
            origin.put(0, b"origin").unwrap();
            let image = origin.image().unwrap().unwrap();
            std::thread::scope(|scope| {
                for thread in 0..4_u8 {
                    let image = image.clone();
                    scope.spawn(move || {
                        for round in 0..15_u8 {
                            let mut slots: Vec<_> = (0..8).map(|_| fork(memories, &image)).collect();
                            for (index, slot) in (0_u8..).zip(&mut slots) {
                                slot.put(usize::from(index) * WASM_PAGE, &[thread, round, index]).unwrap();
                                let again = fork(memories, &slot.image().unwrap().unwrap());
                                *slot = again;
                            }
                            for (index, slot) in (0_u8..).zip(&slots) {
                                let mut expected = bytes(&fork(memories, &image));
                                expected[usize::from(index) * WASM_PAGE..][..3]
                                    .copy_from_slice(&[thread, round, index]);
                                assert!(bytes(slot) == expected);
                            }
                        }
                    });
                }
            });
        }
    }
}
