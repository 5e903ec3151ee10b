//! One mapped range and every operation on it.
//!
//! Numbers come as a script or a C caller gave them, in `i64`, and are checked here, once for everybody.

use crate::constants::{
    self, Group, MAP_ANONYMOUS, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_PRIVATE, MAP_SHARED, MAP_SHARED_VALIDATE, MAP_TYPE,
    PROT_READ, PROT_WRITE, bits,
};
use crate::error::{Errno, Error, Result};
use crate::guarded::{self, Fault, Refusal};
use crate::range::{self, Grid, REST, Span};
use crate::source::Source;
use crate::sys::{self, Pages};
use std::ffi::{CStr, c_int};
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicI64, Ordering};

/// A mapped range, unmapped when it is dropped. All methods may be called from any thread at once.
#[derive(Debug)]
pub struct Mapping {
    pages: Pages,
    grid: Grid,
    /// The PROT_READ and PROT_WRITE that *every* page allows: which signals an access can meet.
    certain: AtomicI64,
}

impl Mapping {
    /// Maps `len` bytes ([`REST`]: to the end of the file) of descriptor `fd` from file offset `offset`, or memory
    /// without a file if `flags` has MAP_ANONYMOUS. `addr` is a hint, or the place with MAP_FIXED; 0 for anywhere.
    ///
    /// The offset need not be a page multiple, except with MAP_FIXED. The descriptor may be closed afterwards.
    ///
    /// ```
    /// use mmap_wrap::{Mapping, constants::*, range::REST};
    /// use std::os::fd::AsRawFd;
    /// let file = std::fs::File::open("Cargo.toml").unwrap();
    /// let text = Mapping::of_descriptor(0, REST, PROT_READ, MAP_PRIVATE, file.as_raw_fd().into(), 0)?;
    /// assert_eq!(text.find(b"[package]", 0, REST)?, 0);
    /// # Ok::<(), Box<mmap_wrap::Error>>(())
    /// ```
    pub fn of_descriptor(addr: usize, len: i64, prot: i64, flags: i64, fd: i64, offset: i64) -> Result<Mapping> {
        let wish = Wish::new(addr, len, prot, flags, offset)?;
        let fd = i32::try_from(fd).map_err(|_| Error::argument(format!("{fd} is no file descriptor")))?;
        let source = if flags & MAP_ANONYMOUS != 0 { Source::Anonymous { fd } } else { Source::descriptor(fd)? };
        Mapping::new(&wish, &source)
    }

    /// Opens the file at `path`, maps it as [`Mapping::of_descriptor`] does, and closes it. It is opened for writing
    /// only if a shared mapping is to be written.
    ///
    /// ```
    /// use mmap_wrap::{Mapping, constants::*, range::REST};
    /// let text = Mapping::of_path(c"Cargo.toml", REST, PROT_READ, MAP_PRIVATE, 0)?;
    /// assert!(text.length() > 100);
    /// # Ok::<(), Box<mmap_wrap::Error>>(())
    /// ```
    pub fn of_path(path: &CStr, len: i64, prot: i64, flags: i64, offset: i64) -> Result<Mapping> {
        let wish = Wish::new(0, len, prot, flags, offset)?;
        if flags & MAP_ANONYMOUS != 0 {
            return Err(Error::argument("a path was given together with MAP_ANONYMOUS, which is for memory without a file"));
        }
        if flags & FIXED != 0 {
            return Err(Error::argument("MAP_FIXED needs an address: open the file and map its descriptor"));
        }
        let shared = flags & MAP_TYPE == MAP_SHARED || flags & MAP_TYPE == MAP_SHARED_VALIDATE;
        let source = Source::path(path, shared && prot & PROT_WRITE != 0)?;
        Mapping::new(&wish, &source)
    }

    fn new(wish: &Wish, source: &Source) -> Result<Mapping> {
        let length = wish.length(source)?;
        let page = source.page_size(wish.flags);
        // The kernel maps from a page border; what lies before the offset on that page is mapped and not ours.
        let lead = to_usize(wish.offset & (page as u64 - 1));
        if wish.flags & FIXED != 0 {
            for (what, value) in [("address", wish.address as u64), ("file offset", wish.offset)] {
                if value & (page as u64 - 1) != 0 {
                    return Err(Error::Alignment { what, value, page, lead: 0 }.into());
                }
            }
        }
        let too_long = Error::TooLong { length: length as u64, offset: wish.offset };
        let size = lead.checked_add(length).and_then(|bytes| range::round_up(bytes, page)).ok_or(too_long)?;
        let pages = if length == 0 {
            Pages::none()
        } else {
            let offset = wish.offset - lead as u64;
            Pages::map(wish.address, size, wish.prot, wish.c_flags, source.fd(), offset)
                .map_err(|errno| Error::system(errno, wish.attempt(length, source), wish.hint(errno, source)))?
        };
        Ok(Mapping {
            grid: Grid { lead: if length == 0 { 0 } else { lead }, length, page },
            pages,
            certain: AtomicI64::new(i64::from(wish.prot)),
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
        self.pages.at(&(self.grid.lead..self.grid.lead))
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
        let Mapping { pages, grid, certain } = self;
        pages.unmap().map_err(|(pages, errno)| (Mapping { pages, grid, certain }, errno))
    }

    /// The words for a refusal to unmap.
    pub(crate) fn unmap_refused(&self, errno: Errno) -> Box<Error> {
        let attempt = format!("unmap {} bytes at {:p}", self.pages.size(), self.pages.base());
        Error::system(errno, attempt, memory_hint(errno))
    }

    /// Gives the memory up at once, while others are still inside: their accesses are refused from here on, and the
    /// addresses stay taken until they have left. Only where such refusals do not kill.
    pub(crate) fn give_up(&self) {
        if self.pages.size() > 0 && guarded::repairs_protection_faults() {
            // If the kernel has no room for it, the memory simply stays until they have left.
            let _ = self.pages.replace(0..self.pages.size(), libc::PROT_NONE);
        }
    }

    /// Puts a fresh page where an access of somebody's was refused, if the address is in this mapping. Called inside a
    /// signal handler: takes no lock, allocates nothing.
    pub(crate) fn replace_page(&self, address: usize) -> bool {
        let Some(at) = address.checked_sub(self.pages.base().addr().get()).filter(|at| *at < self.pages.size()) else {
            return false;
        };
        let start = at & !(self.grid.page - 1);
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        // A page of its own is one more mapping; if the process may have no more, the whole mapping becomes fresh.
        self.pages
            .replace(start..start + self.grid.page, prot)
            .or_else(|_| self.pages.replace(0..self.pages.size(), prot))
            .is_ok()
    }

    /// Changes the protection of `size` bytes (or [`REST`]) from `offset`, which must be on a page border or 0; the
    /// size is rounded up to whole pages, as POSIX has it.
    ///
    /// ```
    /// # use mmap_wrap::{Mapping, constants::*, range::REST};
    /// # let memory = Mapping::of_descriptor(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)?;
    /// memory.protect(PROT_READ, 0, REST)?;
    /// assert!(memory.write(0, b"x").is_err());
    /// # Ok::<(), Box<mmap_wrap::Error>>(())
    /// ```
    pub fn protect(&self, prot: i64, offset: i64, size: i64) -> Result<()> {
        let c_prot = known(Group::Protection, prot, "protection")?;
        let span = self.span(offset, size)?;
        if span.size == 0 {
            return Ok(());
        }
        let pages = span.from_page_start(self.grid)?;
        let whole = pages == (0..self.pages.size());
        // What is taken away is forgotten before, what is granted is remembered after. Most calls change nothing in
        // that, and a locked instruction less is worth a look.
        if self.certain.load(Ordering::SeqCst) & !prot != 0 {
            self.certain.fetch_and(prot, Ordering::SeqCst);
        }
        self.pages.protect(pages, c_prot).map_err(|errno| {
            let attempt = format!("protection {prot:#x} for {} bytes from offset {}", span.size, span.offset);
            let hint = match errno {
                Errno(libc::EACCES) => "the file was not opened for such access, or is sealed against it",
                _ => return Error::system(errno, attempt, memory_hint(errno)),
            };
            Error::system(errno, attempt, hint)
        })?;
        if whole && self.certain.load(Ordering::SeqCst) & prot != prot {
            self.certain.fetch_or(prot, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Advises the kernel about `size` bytes (or [`REST`]) from `offset`. Advice that loses nothing covers every page
    /// that holds one of the bytes; advice that discards needs both ends on page borders or at the mapping's ends.
    ///
    /// ```
    /// # use mmap_wrap::{Mapping, constants::*, range::REST};
    /// # let memory = Mapping::of_descriptor(0, 10_000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)?;
    /// memory.advise(MADV_RANDOM, 5000, 10)?;
    /// assert!(memory.advise(MADV_DONTNEED, 4096, 10).is_err());
    /// # Ok::<(), Box<mmap_wrap::Error>>(())
    /// ```
    pub fn advise(&self, advice: i64, offset: i64, size: i64) -> Result<()> {
        let constant = constants::advice(advice)
            .ok_or_else(|| Error::argument(format!("{advice} is no advice that this library knows on this platform")))?;
        let span = self.span(offset, size)?;
        if span.size == 0 {
            return Ok(());
        }
        let pages = match constant.group {
            Group::Discarding => span.of_whole_pages(self.grid)?,
            _ => span.widened(self.grid),
        };
        self.pages.advise(pages, to_c_int(advice, "advice")?).map_err(|errno| {
            let attempt = format!("{} for {} bytes from offset {}", constant.name, span.size, span.offset);
            let hint = match errno {
                Errno(libc::EINVAL) => "this kernel lacks it, or it does not apply to this kind of mapping",
                _ => return Error::system(errno, attempt, memory_hint(errno)),
            };
            Error::system(errno, attempt, hint)
        })
    }

    /// Writes the pages that hold `size` bytes (or [`REST`]) from `offset` back to the file: MS_SYNC waits for it,
    /// MS_ASYNC does not.
    ///
    /// ```
    /// # use mmap_wrap::{Mapping, constants::*, range::REST};
    /// # let memory = Mapping::of_descriptor(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)?;
    /// memory.sync(MS_SYNC, 0, REST)?;
    /// # Ok::<(), Box<mmap_wrap::Error>>(())
    /// ```
    pub fn sync(&self, flags: i64, offset: i64, size: i64) -> Result<()> {
        let c_flags = known(Group::SyncFlag, flags, "msync flags")?;
        let span = self.span(offset, size)?;
        if span.size == 0 {
            return Ok(());
        }
        self.pages.sync(span.widened(self.grid), c_flags).map_err(|errno| {
            let attempt = format!("flags {flags:#x} for {} bytes from offset {}", span.size, span.offset);
            let hint = match errno {
                Errno(libc::EINVAL) => "MS_SYNC and MS_ASYNC exclude each other",
                Errno(libc::EBUSY) => "pages of the range are locked",
                Errno(libc::EIO) => "the data could not be stored",
                _ => "",
            };
            Error::system(errno, attempt, hint)
        })
    }

    /// Copies the bytes from `offset` on to `to`, all of them or an error.
    pub fn read(&self, offset: i64, to: &mut [MaybeUninit<u8>]) -> Result<()> {
        let span = self.span(offset, to_i64(to.len()))?;
        let done = guarded::read(&self.pages, span.bytes(self.grid).start, to, self.is_readable());
        done.map_err(|fault| self.refusal(fault, span))
    }

    /// Copies `from` over the bytes from `offset` on.
    pub fn write(&self, offset: i64, from: &[u8]) -> Result<()> {
        let span = self.span(offset, to_i64(from.len()))?;
        let done = guarded::write(&self.pages, span.bytes(self.grid).start, from, self.is_writable());
        done.map_err(|fault| self.refusal(fault, span))
    }

    /// Sets `size` bytes (or [`REST`]) from `offset` to `byte`; answers how many.
    pub fn fill(&self, offset: i64, byte: i64, size: i64) -> Result<usize> {
        let byte = u8::try_from(byte).map_err(|_| Error::argument(format!("{byte} is no byte: 0 to 255")))?;
        let span = self.span(offset, size)?;
        let done = guarded::fill(&self.pages, span.bytes(self.grid), byte, self.is_writable());
        done.map(|()| span.size).map_err(|fault| self.refusal(fault, span))
    }

    /// Copies `size` bytes from offset `from` to offset `to`, which may overlap; answers how many.
    pub fn copy_within(&self, to: i64, from: i64, size: i64) -> Result<usize> {
        let source = self.span(from, size)?;
        let target = self.span(to, to_i64(source.size))?;
        let (to, from) = (target.bytes(self.grid).start, source.bytes(self.grid).start);
        let done = guarded::copy_within(&self.pages, to, from, source.size, self.is_writable());
        done.map(|()| source.size).map_err(|fault| self.refusal(fault, target))
    }

    /// The offset of the first `needle` that lies within `start` up to, not including, `end` (or [`REST`]). An empty
    /// needle is found at `start`.
    pub fn find(&self, needle: &[u8], start: i64, end: i64) -> Result<usize> {
        self.search(guarded::find, needle, start, end)
    }

    /// The offset of the last `needle` within `start` up to `end`. An empty needle is found at `end`.
    pub fn rfind(&self, needle: &[u8], start: i64, end: i64) -> Result<usize> {
        self.search(guarded::rfind, needle, start, end)
    }

    fn search(&self, how: Search, needle: &[u8], start: i64, end: i64) -> Result<usize> {
        let span = range::between(start, end, self.grid.length)?;
        match how(&self.pages, span.bytes(self.grid), needle, self.is_readable()) {
            Ok(Some(position)) => Ok(span.offset + position),
            Ok(None) => Err(Error::NotFound.into()),
            Err(fault) => Err(self.refusal(fault, span)),
        }
    }

    fn span(&self, offset: i64, size: i64) -> Result<Span> {
        range::within(offset, size, self.grid.length)
    }

    /// An access of the span stopped: where, after how much, and why, as far as that can be found out.
    #[cold]
    fn refusal(&self, fault: Fault, span: Span) -> Box<Error> {
        let Fault { done, by } = fault;
        let attempt = || format!("access {} bytes at offset {}, {done} of them done", span.size, span.offset);
        match by {
            Refusal::Kernel(errno) => Error::system(errno, attempt(), ""),
            Refusal::Buffer => Error::system(Errno(libc::EFAULT), attempt(), "the buffer itself cannot be accessed"),
            Refusal::Mapping { at, writing } => {
                let address = self.pages.at(&(at..at)).addr();
                let cause = sys::why_refused(address, writing);
                Error::Fault { offset: at - self.grid.lead, done, size: span.size, address, cause }.into()
            }
        }
    }

    /// Processors that can write a page can read it, whatever PROT_ says.
    fn is_readable(&self) -> bool {
        self.certain.load(Ordering::Relaxed) & (PROT_READ | PROT_WRITE) != 0
    }

    fn is_writable(&self) -> bool {
        self.certain.load(Ordering::Relaxed) & PROT_WRITE != 0
    }
}

type Search = fn(&Pages, std::ops::Range<usize>, &[u8], bool) -> Result<Option<usize>, Fault>;

const FIXED: i64 = MAP_FIXED | MAP_FIXED_NOREPLACE;

/// The checked arguments of a mapping to be.
struct Wish {
    address: usize,
    len: i64,
    prot: c_int,
    flags: i64,
    c_flags: c_int,
    offset: u64,
}

impl Wish {
    fn new(address: usize, len: i64, prot: i64, flags: i64, offset: i64) -> Result<Wish> {
        if len < 0 && len != REST {
            return Err(Error::Negative { what: "length", value: len }.into());
        }
        let offset = u64::try_from(offset).map_err(|_| Error::Negative { what: "file offset", value: offset })?;
        let prot = known(Group::Protection, prot, "protection")?;
        let c_flags = known(Group::MapFlag, flags, "flags")?;
        if flags & MAP_TYPE == 0 {
            return Err(Error::argument(format!(
                "flags {flags:#x} say neither MAP_SHARED ({MAP_SHARED:#x}) nor MAP_PRIVATE ({MAP_PRIVATE:#x})"
            )));
        }
        Ok(Wish { address, len, prot, flags, c_flags, offset })
    }

    /// How many bytes to map, found out from the file where the caller left that open.
    fn length(&self, source: &Source) -> Result<usize> {
        let Some(facts) = source.facts() else {
            return self.anonymous_length();
        };
        if facts.is_regular && self.offset > facts.size {
            return Err(Error::FileOffsetBeyond { offset: self.offset, length: facts.size }.into());
        }
        match self.len {
            0 => Err(Error::argument("length 0: say MMAP_WRAP_REST to map to the end of the file")),
            REST if !facts.is_regular => {
                Err(Error::argument("this file is no regular file and does not tell its size: give the length in bytes"))
            }
            REST => self.addressable(facts.size - self.offset),
            len => self.addressable(len.unsigned_abs()),
        }
    }

    fn anonymous_length(&self) -> Result<usize> {
        if self.offset != 0 {
            return Err(Error::argument(format!("file offset {} for memory without a file", self.offset)));
        }
        match self.len {
            0 | REST => Err(Error::argument("memory without a file needs a length of at least 1 byte")),
            len => self.addressable(len.unsigned_abs()),
        }
    }

    fn addressable(&self, length: u64) -> Result<usize> {
        // isize::MAX: no object may be larger, in C as in Rust.
        match usize::try_from(length) {
            Ok(bytes) if bytes <= isize::MAX as usize => Ok(bytes),
            _ => Err(Error::TooLong { length, offset: self.offset }.into()),
        }
    }

    fn attempt(&self, length: usize, source: &Source) -> String {
        let what = match source {
            Source::Anonymous { .. } => "without a file".to_owned(),
            Source::Descriptor { fd, .. } => format!("at offset {} of descriptor {fd}", self.offset),
            Source::Opened { .. } => format!("at offset {} of the file", self.offset),
        };
        format!("{length} bytes {what}, protection {:#x}, flags {:#x}", self.prot, self.flags)
    }

    fn hint(&self, errno: Errno, source: &Source) -> String {
        match errno {
            Errno(libc::EACCES) => {
                "the file must be open for reading, and for writing too if a shared mapping is to be written".into()
            }
            Errno(libc::ENODEV) => "this kind of file cannot be mapped".into(),
            Errno(libc::EPERM) => "a seal, a mount without execution, or an address below vm.mmap_min_addr forbids it".into(),
            Errno(libc::EEXIST) => format!("something is mapped at {:#x} already", self.address),
            Errno(libc::EAGAIN) => match sys::limits().locked_memory {
                Some(limit) => format!("the file is locked, or RLIMIT_MEMLOCK of {limit} bytes is reached"),
                None => "the file is locked".into(),
            },
            Errno(libc::ENOMEM) if source.page_size(self.flags) != sys::page_size() => {
                "the pool of huge pages (vm.nr_hugepages) is too small".into()
            }
            _ => memory_hint(errno),
        }
    }
}

/// The kernel says ENOMEM for each of its limits; this names them all with their numbers.
pub(crate) fn memory_hint(errno: Errno) -> String {
    if errno != Errno(libc::ENOMEM) {
        return String::new();
    }
    let limits = sys::limits();
    let mut reasons = vec!["the address space or memory is used up".to_owned()];
    reasons.extend(limits.address_space.map(|bytes| format!("RLIMIT_AS is {bytes} bytes")));
    reasons.extend(limits.mappings.map(|count| format!("vm.max_map_count is {count} mappings")));
    format!("one of these limits is reached: {}", reasons.join(", "))
}

/// Refuses bits that no constant of the group has: the kernel ignores most of them silently.
fn known(group: Group, value: i64, what: &str) -> Result<c_int> {
    let bits = bits_of(group);
    if value & !bits != 0 {
        return Err(Error::argument(format!("{what} {value:#x}: this platform does not know the bits {:#x}", value & !bits)));
    }
    to_c_int(value, what)
}

fn bits_of(group: Group) -> i64 {
    const PROTECTION: i64 = bits(Group::Protection);
    const MAP_FLAG: i64 = bits(Group::MapFlag);
    const SYNC_FLAG: i64 = bits(Group::SyncFlag);
    match group {
        Group::Protection => PROTECTION,
        Group::MapFlag => MAP_FLAG,
        Group::SyncFlag => SYNC_FLAG,
        _ => 0,
    }
}

/// The kernel's flags are 32 bits; C writes the highest as unsigned, the call takes a signed int of the same bits.
fn to_c_int(value: i64, what: &str) -> Result<c_int> {
    let bits = u32::try_from(value).map_err(|_| Error::argument(format!("{what} {value} does not fit 32 bits")))?;
    Ok(c_int::from_ne_bytes(bits.to_ne_bytes()))
}

/// Lengths that exist in memory fit: no object exceeds isize::MAX bytes.
fn to_i64(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// For numbers below the page size.
fn to_usize(small: u64) -> usize {
    usize::try_from(small).unwrap_or(usize::MAX)
}
