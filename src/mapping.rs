//! One mapped range and every operation on it.
//!
//! Numbers are `i64` as the caller gave them, and are checked here, for all languages.

mod access;
mod atomics;
mod element_kind;
mod elements;
mod fences;
mod hardening;
mod huge;
mod info;
mod numa;
mod open;
mod protect;
mod request;
mod residency;
mod resize;

use crate::constants::{MAP_ANONYMOUS, MAP_PRIVATE, PROT_NONE, PROT_READ, PROT_WRITE};
use crate::error::{Errno, Error, Result};
use crate::flags::{SHARING, as_c_int, descriptor, is_shared};
use crate::guarded;
use crate::hints::memory_hint;
use crate::range::{self, Grid, Span};
use crate::source::Source;
pub use crate::source::{Name, OpenRequest, SourceKind};
use crate::sys::{self, File, PageMarks, Pages, Sharing};
pub use atomics::Waited;
pub use element_kind::*;
pub use huge::transparent_huge_page_size;
pub use info::Info;
pub use request::{KEEP, OR_PRIVATE};
use request::{MapRequest, lead, whole_pages};
pub use residency::{lock_all, unlock_all};
pub use resize::FileEnd;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::SeqCst};

/// A mapped range, unmapped when it is dropped. All methods may be called from any thread at once.
///
/// It holds no memory of an allocator, so that it can be dropped inside a signal handler. What an access needs stands
/// first, together on one cache line (`registry::table`).
#[derive(Debug)]
#[repr(C)]
pub struct Mapping {
    pages: Pages,
    grid: Grid,
    origin: Origin,
}

/// What a mapping was created from, with which arguments, and how it has changed since.
#[derive(Debug)]
struct Origin {
    source: SourceKind,
    /// The file offset of the first byte.
    offset: u64,
    /// Includes `OR_PRIVATE` if it is a private mapping in place of a shared one.
    flags: i64,
    /// As mapped, or as last set for the whole mapping.
    prot: AtomicI32,
    /// Since then a part may have been given a protection of its own.
    has_own_protections: AtomicBool,
    /// The file, if the mapping keeps it open: for resizing, sealing and duplicating its descriptor.
    file: Option<File>,
    /// Which pages a protection guards, and the protection that they have without that.
    fences: PageMarks,
    /// mseal(2) was called on a part of it.
    sealed: AtomicBool,
    /// A lost page was replaced by anonymous memory, so that not every page belongs to the file.
    has_fresh_pages: AtomicBool,
    /// The memory was replaced by inaccessible pages while there were readers.
    is_given_up: AtomicBool,
}

impl Mapping {
    /// Maps `len` bytes (`REST`: to the end of the file) of descriptor `fd` from file offset `offset`, or memory without a file
    /// if `flags` has MAP_ANONYMOUS. `addr` is a hint, or the address with MAP_FIXED; with 0 the kernel chooses.
    ///
    /// The offset need not be a page multiple, except with MAP_FIXED. The descriptor may be closed afterwards.
    ///
    /// ```
    /// use mmap_wrap::internals::{Mapping, constants::*, range::REST, raw};
    /// let file = std::fs::File::open("Cargo.toml").unwrap();
    /// // SAFETY: the descriptor is this program's own, and no place is named.
    /// let text = unsafe { Mapping::from_descriptor(0, REST, PROT_READ, MAP_PRIVATE, raw(&file).into(), 0)? };
    /// assert_eq!(text.find(b"[package]", 0, REST)?, 0);
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    ///
    /// # Safety
    /// With MAP_FIXED, what was mapped at the address is replaced and must not be used any more. `fd` belongs to the caller, or
    /// is not open.
    #[allow(unsafe_code, reason = "declares what the caller has to ensure")]
    pub unsafe fn from_descriptor(addr: usize, len: i64, prot: i64, flags: i64, fd: i64, offset: i64) -> Result<Mapping> {
        let request = MapRequest::new(addr, len, prot, flags, offset)?;
        Mapping::from_request(&request, fd)
    }

    /// Maps `len` bytes without a file, at any address; `flags` need not have MAP_ANONYMOUS.
    ///
    /// ```
    /// use mmap_wrap::internals::{Mapping, constants::*};
    /// let memory = Mapping::anonymous(4096, PROT_READ | PROT_WRITE, MAP_SHARED)?;
    /// memory.write(4095, &[0xFF])?;
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn anonymous(len: i64, prot: i64, flags: i64) -> Result<Mapping> {
        // MAP_FIXED in the flags is an error there, since the address is 0.
        Mapping::from_request(&MapRequest::new(0, len, prot, flags | MAP_ANONYMOUS, 0)?, -1)
    }

    /// Maps the caller's descriptor, or anonymous memory.
    fn from_request(request: &MapRequest, fd: i64) -> Result<Mapping> {
        let fd = descriptor(fd)?;
        let source = if request.flags & MAP_ANONYMOUS != 0 {
            Source::Anonymous { fd }
        } else {
            Source::descriptor(fd, request.flags & KEEP != 0)?
        };
        Mapping::from_source(request, source)
    }

    /// Maps, and keeps the file open if the request asks for that.
    fn from_source(request: &MapRequest, source: Source) -> Result<Mapping> {
        let mapping = Mapping::new(request, &source)?;
        Ok(mapping.keeping(request, source))
    }

    fn keeping(self, request: &MapRequest, source: Source) -> Mapping {
        if request.flags & KEEP != 0 { self.with_file(source) } else { self }
    }

    fn with_file(mut self, source: Source) -> Mapping {
        self.origin.file = source.into_file();
        self
    }

    fn new(request: &MapRequest, source: &Source) -> Result<Mapping> {
        let length = request.length(source)?;
        let page = source.page_size(request.flags);
        let lead = lead(request.offset, page);
        request.check_fixed_place(page)?;
        let size = whole_pages(length, request.offset, page)?;
        let mut flags = request.flags & !OR_PRIVATE;
        let pages = if length == 0 {
            Pages::none()
        } else {
            let (fd, offset) = (source.fd(), request.offset - lead as u64);
            let alignment = if request.alignment > page as u64 { Some(request.aligned_size(size)?) } else { None };
            let map = |c_flags| match alignment {
                None => Pages::map(request.address, size, request.prot, c_flags, fd, offset),
                Some(alignment) => Pages::map_aligned(alignment, size, request.prot, c_flags, fd, offset),
            };
            let mapped = map(request.c_flags).or_else(|errno| {
                let c_flags = request.privately(errno).ok_or(errno)?;
                flags = flags & !SHARING | MAP_PRIVATE | OR_PRIVATE;
                map(c_flags).map_err(|_| errno)
            });
            mapped.map_err(|errno| request.error(errno, length, source))?
        };
        Ok(Mapping {
            grid: Grid { lead: if length == 0 { 0 } else { lead }, length, page },
            pages,
            origin: Origin {
                source: source.kind(),
                offset: request.offset,
                flags,
                prot: AtomicI32::new(request.prot),
                file: None,
                has_own_protections: AtomicBool::new(false),
                fences: PageMarks::default(),
                sealed: AtomicBool::new(false),
                has_fresh_pages: AtomicBool::new(false),
                is_given_up: AtomicBool::new(false),
            },
        })
    }

    /// The length in bytes as requested, not rounded to pages.
    pub fn length(&self) -> usize {
        self.grid.length
    }

    /// Bytes in a page of this mapping.
    pub fn page_size(&self) -> usize {
        self.grid.page
    }

    /// The address of the first byte. It is valid until the mapping is unmapped; not to be accessed if the length is 0.
    pub fn address(&self) -> *mut u8 {
        self.pages.at(self.grid.lead, 0)
    }

    /// Unmaps. If the kernel fails to, the mapping is returned unchanged, with the error.
    pub fn unmap(self) -> Result<(), (Mapping, Box<Error>)> {
        self.try_unmap().map_err(|(mapping, errno)| {
            let error = mapping.unmap_error(errno);
            (mapping, error)
        })
    }

    /// Like `unmap`, without a message: a signal handler cannot allocate one.
    pub(crate) fn try_unmap(self) -> Result<(), (Mapping, Errno)> {
        let Mapping { pages, grid, origin } = self;
        let Err((pages, errno)) = pages.unmap() else { return Ok(()) };
        if origin.is_given_up.load(SeqCst) {
            // A caller has no use for inaccessible pages; the addresses stay reserved.
            std::mem::forget(pages);
            return Ok(());
        }
        Err((Mapping { pages, grid, origin }, errno))
    }

    /// The error for an unmapping that failed.
    pub(crate) fn unmap_error(&self, errno: Errno) -> Box<Error> {
        if self.is_sealed() {
            return Error::Sealed.into();
        }
        let attempt = format!("unmap {} bytes at {:p}", self.pages.size(), self.pages.base());
        Error::system(errno, attempt, memory_hint(errno))
    }

    /// Replaces the memory by inaccessible pages while there are still readers: their accesses fault from here on, and the
    /// addresses stay reserved until the last reader has finished. Only if such faults are repaired.
    pub(crate) fn give_up(&self) {
        // This fails at the limit of mappings (vm.max_map_count): the memory then stays until the readers have finished.
        let given_up = self.pages.size() > 0
            && guarded::verify()
            && self.pages.replace(0..self.pages.size(), as_c_int(PROT_NONE), Sharing::Private).is_ok();
        if given_up {
            self.origin.is_given_up.store(true, SeqCst);
        }
    }

    /// The addresses of the whole pages that the kernel mapped.
    pub(crate) fn page_addresses(&self) -> Range<usize> {
        let start = self.pages.base().addr().get();
        start..start + self.pages.size()
    }

    /// Whether `replace_page` can.
    pub(crate) fn can_replace_a_page(&self) -> bool {
        self.pages.can_replace_a_page()
    }

    /// What it is, where a part of its pages cannot be changed without the others: on Windows.
    pub(crate) fn kind_without_placeholders(&self) -> &'static str {
        if is_shared(self.origin.flags) {
            "a shared mapping of a file (before Windows 10 1803)"
        } else {
            "a private mapping of a file"
        }
    }

    /// Maps a zeroed page where an access through an address faulted, if that is in this mapping. Called inside a signal
    /// handler: takes no lock, allocates nothing.
    pub(crate) fn replace_page(&self, address: usize) -> bool {
        let Some(at) = address.checked_sub(self.pages.base().addr().get()).filter(|at| *at < self.pages.size()) else {
            return false;
        };
        self.origin.has_fresh_pages.store(true, SeqCst);
        let start = at & !(self.grid.page - 1);
        let page = start..start + self.grid.page;
        let replace = |range: &Range<usize>| {
            let put = |sharing| self.pages.replace(range.clone(), as_c_int(PROT_READ | PROT_WRITE), sharing).is_ok();
            // Private memory counts against RLIMIT_DATA, shared memory does not.
            put(Sharing::Private) || put(Sharing::Shared)
        };
        let put_reserved = || self.grid.page == sys::page_size() && sys::put_reserved_page(self.pages.start_of(&page).addr());
        // Replacing one page adds up to two mappings. At the limit of mappings, replacing all pages from it on adds one, and
        // replacing all pages of the mapping adds none.
        replace(&page)
            || put_reserved()
            || sys::release_reserve() && replace(&page)
            || replace(&(start..self.pages.size()))
            || replace(&(0..self.pages.size()))
    }

    fn sharing(&self) -> Sharing {
        if is_shared(self.origin.flags) { Sharing::Shared } else { Sharing::Private }
    }

    fn span(&self, offset: i64, size: i64) -> Result<Span> {
        range::within(offset, size, self.grid.length)
    }
}

/// A length in memory always fits: no object exceeds isize::MAX bytes.
fn to_i64(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// The signed number with the same bits.
pub(crate) fn from_bits(bits: u64) -> i64 {
    i64::from_ne_bytes(bits.to_ne_bytes())
}

pub(crate) fn to_bits(value: i64) -> u64 {
    u64::from_ne_bytes(value.to_ne_bytes())
}
