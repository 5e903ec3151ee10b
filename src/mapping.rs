//! One mapped range and every operation on it.
//!
//! Numbers come as a script or a C caller gave them, in `i64`, and are checked here, once for everybody.

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

use crate::constants::{MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, MAP_SHARED_VALIDATE, MAP_TYPE, PROT_NONE, PROT_READ, PROT_WRITE};
use crate::error::{Errno, Error, Result};
use crate::flags::{as_c_int, descriptor};
use crate::guarded;
use crate::hints::memory_hint;
use crate::range::{self, Grid, Span};
use crate::source::Source;
pub use crate::source::{Name, SourceKind};
use crate::sys::{self, File, PageMarks, Pages, Sharing};
pub use atomics::Waited;
pub use element_kind::*;
pub use huge::transparent_huge_page_size;
pub use info::Facts;
pub use open::Open;
pub use request::{KEEP, OR_PRIVATE};
use request::{MapRequest, lead, whole_pages};
pub use residency::{lock_all, unlock_all};
pub use resize::FileEnd;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};

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

/// What a mapping was made of, and with, and what became of it.
#[derive(Debug)]
struct Origin {
    source: SourceKind,
    /// The file offset of the first byte.
    offset: u64,
    /// With `OR_PRIVATE` if it is a private mapping in place of a shared one.
    flags: i64,
    /// As mapped, or as set for the whole mapping since.
    prot: AtomicI64,
    /// The file, where this library opened or made it and keeps it open: for resizing, sealing, handing out.
    file: Option<File>,
    /// Which pages a protection guards, and the protection that they have without that.
    fences: PageMarks,
    /// mseal(2) was called on a part of it.
    sealed: AtomicBool,
    /// A page that refused was replaced by a fresh one, which no file has.
    has_fresh_pages: AtomicBool,
    /// The memory was given up while readers were inside: nothing lies at the addresses any more.
    is_given_up: AtomicBool,
}

impl Mapping {
    /// Maps `len` bytes (`REST`: to the end of the file) of descriptor `fd` from file offset `offset`, or memory
    /// without a file if `flags` has MAP_ANONYMOUS. `addr` is a hint, or the place with MAP_FIXED; 0 for anywhere.
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
    /// With MAP_FIXED nothing that lies in the place may be used any more: it is replaced. `fd` is the caller's to use, unless
    /// it is not open.
    #[allow(unsafe_code, reason = "declares what the caller has to see to")]
    pub unsafe fn from_descriptor(addr: usize, len: i64, prot: i64, flags: i64, fd: i64, offset: i64) -> Result<Mapping> {
        let request = MapRequest::new(addr, len, prot, flags, offset)?;
        Mapping::from_request(&request, fd)
    }

    /// Maps `len` bytes without a file, wherever there is room; `flags` need not have MAP_ANONYMOUS.
    ///
    /// ```
    /// use mmap_wrap::internals::{Mapping, constants::*};
    /// let memory = Mapping::anonymous(4096, PROT_READ | PROT_WRITE, MAP_SHARED)?;
    /// memory.write(4095, &[0xFF])?;
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn anonymous(len: i64, prot: i64, flags: i64) -> Result<Mapping> {
        // MAP_FIXED is an error there: the address is 0.
        Mapping::from_request(&MapRequest::new(0, len, prot, flags | MAP_ANONYMOUS, 0)?, -1)
    }

    /// Maps what a request says, of a descriptor of the caller's.
    fn from_request(request: &MapRequest, fd: i64) -> Result<Mapping> {
        let fd = descriptor(fd)?;
        let source = if request.flags & MAP_ANONYMOUS != 0 {
            Source::Anonymous { fd }
        } else {
            Source::descriptor(fd, request.flags & KEEP != 0)?
        };
        Mapping::from_source(request, source)
    }

    /// Maps, and keeps the file if that is asked for.
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
        request.place_can_be(page)?;
        let size = whole_pages(length, request.offset, page)?;
        let mut flags = request.flags & !OR_PRIVATE;
        let pages = if length == 0 {
            Pages::none()
        } else {
            let (fd, offset) = (source.fd(), request.offset - lead as u64);
            if request.alignment > page {
                request.fits_aligned(size)?;
            }
            let map = |c_flags| match request.alignment > page {
                false => Pages::map(request.address, size, request.prot, c_flags, fd, offset),
                true => Pages::map_aligned(request.alignment, size, request.prot, c_flags, fd, offset),
            };
            let mapped = map(request.c_flags).or_else(|errno| {
                let c_flags = request.privately(errno).ok_or(errno)?;
                flags = flags & !MAP_TYPE | MAP_PRIVATE | OR_PRIVATE;
                map(c_flags).map_err(|_| errno)
            });
            mapped.map_err(|errno| Error::system(errno, request.attempt(length, source), request.hint(errno, source)))?
        };
        Ok(Mapping {
            grid: Grid { lead: if length == 0 { 0 } else { lead }, length, page },
            pages,
            origin: Origin {
                source: source.kind(),
                offset: request.offset,
                flags,
                prot: AtomicI64::new(i64::from(request.prot)),
                file: None,
                fences: PageMarks::default(),
                sealed: AtomicBool::new(false),
                has_fresh_pages: AtomicBool::new(false),
                is_given_up: AtomicBool::new(false),
            },
        })
    }

    /// Bytes that were asked for, not rounded to pages.
    pub fn length(&self) -> usize {
        self.grid.length
    }

    /// Bytes in a page of this mapping.
    pub fn page_size(&self) -> usize {
        self.grid.page
    }

    /// The address of the first byte. It is valid until the mapping goes; not to be accessed if the length is 0.
    pub fn address(&self) -> *mut u8 {
        self.pages.at(self.grid.lead, 0)
    }

    /// Unmaps. Where the kernel refuses, the mapping comes back, whole, with the reason.
    pub fn unmap(self) -> Result<(), (Mapping, Box<Error>)> {
        self.try_unmap().map_err(|(mapping, errno)| {
            let error = mapping.unmap_refused(errno);
            (mapping, error)
        })
    }

    /// The same without words, for where none can be made: inside a signal handler.
    pub(crate) fn try_unmap(self) -> Result<(), (Mapping, Errno)> {
        let Mapping { pages, grid, origin } = self;
        let Err((pages, errno)) = pages.unmap() else { return Ok(()) };
        if origin.is_given_up.load(SeqCst) {
            // Nothing lies there any more that a caller could want back: the addresses stay taken, without memory.
            std::mem::forget(pages);
            return Ok(());
        }
        Err((Mapping { pages, grid, origin }, errno))
    }

    /// The words for a refusal to unmap.
    pub(crate) fn unmap_refused(&self, errno: Errno) -> Box<Error> {
        if self.is_sealed() {
            return Error::Sealed.into();
        }
        let attempt = format!("unmap {} bytes at {:p}", self.pages.size(), self.pages.base());
        Error::system(errno, attempt, memory_hint(errno))
    }

    /// Gives the memory up at once, while readers are still inside: their accesses fault from here on, and the addresses
    /// stay taken until they have left. Only where such faults are repaired.
    pub(crate) fn give_up(&self) {
        // The kernel may have no room for one more mapping: the memory then stays until the readers have left.
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

    /// Puts a fresh page where an access through an address faulted, if that is in this mapping. Called inside a signal
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
            // Memory of this process counts against RLIMIT_DATA, and shared memory does not.
            put(Sharing::Private) || put(Sharing::Shared)
        };
        let move_spare = || self.grid.page == sys::page_size() && sys::move_spare_page_to(self.pages.start_of(&page).addr());
        // A page of its own is up to two more mappings. Where the process may have no more, all pages from it on are one more,
        // and all of the mapping is none more.
        replace(&page)
            || move_spare()
            || sys::release_reserve() && replace(&page)
            || replace(&(start..self.pages.size()))
            || replace(&(0..self.pages.size()))
    }

    fn span(&self, offset: i64, size: i64) -> Result<Span> {
        range::within(offset, size, self.grid.length)
    }
}

/// Whether flags ask for a shared mapping.
pub(crate) fn is_shared(flags: i64) -> bool {
    flags & MAP_TYPE == MAP_SHARED || flags & MAP_TYPE == MAP_SHARED_VALIDATE
}

/// Lengths that exist in memory fit: no object exceeds isize::MAX bytes.
fn to_i64(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// The signed number of the same bits, and back.
pub(crate) fn from_bits(bits: u64) -> i64 {
    i64::from_ne_bytes(bits.to_ne_bytes())
}

pub(crate) fn to_bits(value: i64) -> u64 {
    u64::from_ne_bytes(value.to_ne_bytes())
}
