//! Mapped pages: views of sections, and memory without a file.

use super::errors::{check, last_errno, plain, was};
use super::files::file_info;
use super::handles::{File, RawFile, duplicate, handle, raw};
use super::placeholder::{self, View};
use super::regions::{allocation, each_region, query};
use super::{granularity, last_address, residency, section};
use crate::constants;
use crate::error::Errno;
use crate::sys::page_size;
use crate::sys::{Pages, Sharing};
use std::ffi::{c_int, c_void};
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use windows_sys::Win32::Foundation::{ERROR_INVALID_ADDRESS, ERROR_NOT_LOCKED, ERROR_WORKING_SET_QUOTA};
use windows_sys::Win32::Storage::FileSystem::FlushFileBuffers;
use windows_sys::Win32::System::Memory::{
    FILE_MAP_COPY, FILE_MAP_EXECUTE, FILE_MAP_READ, FILE_MAP_WRITE, FlushViewOfFile, GetProcessWorkingSetSizeEx, MEM_COMMIT,
    MEM_DECOMMIT, MEM_FREE, MEM_MAPPED, MEM_RELEASE, MEM_RESERVE, MEM_RESET, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFileEx,
    PAGE_EXECUTE, PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE, PAGE_EXECUTE_WRITECOPY, PAGE_NOACCESS, PAGE_READONLY,
    PAGE_READWRITE, PAGE_WRITECOPY, PrefetchVirtualMemory, SetProcessWorkingSetSizeEx, UnmapViewOfFile, VirtualAlloc,
    VirtualFree, VirtualLock, VirtualProtect, VirtualUnlock, WIN32_MEMORY_RANGE_ENTRY,
};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

/// Whether a mapping may extend beyond the end of its file, shows bytes that are appended later, and permits truncation.
pub const MAPPINGS_FOLLOW_FILES: bool = false;

/// The section behind pages; none for memory without a file.
pub type Backing = Option<SectionView>;

/// The section that a view maps.
#[derive(Debug)]
pub struct SectionView {
    section: File,
    /// Bytes of the section, and the offset of the pages in it.
    length: u64,
    offset: u64,
    /// Bytes of the view before the pages: a view begins at a multiple of the granularity.
    lead: usize,
    /// The most permissive protection that the view can have.
    protection: u32,
    /// The view replaced a placeholder, so it can be split.
    is_placed: bool,
    /// The file, if stores to the view change it.
    file: Option<File>,
}

impl SectionView {
    fn view(&self) -> View {
        View { section: raw(&self.section), length: self.length, protection: self.protection }
    }

    /// Whether the view is copy on write.
    fn is_copy(&self) -> bool {
        self.protection == PAGE_WRITECOPY || self.protection == PAGE_EXECUTE_WRITECOPY
    }
}

fn has(flags: c_int, flag: i64) -> bool {
    i64::from(flags) & flag != 0
}

/// How an address is chosen.
#[derive(Clone, Copy)]
enum Place {
    Anywhere,
    At(usize),
    /// A multiple of this.
    Aligned(usize),
}

impl Place {
    /// Calls `map` with an address, or with 0 for any address. The mapping begins `lead` bytes before the place.
    fn find<T>(self, lead: usize, size: usize, map: impl Fn(usize) -> Result<T, Errno>) -> Result<T, Errno> {
        const MOST_TRIES: usize = 100;
        match self {
            Place::Anywhere => map(0),
            Place::At(address) if address % granularity() != lead => Err(plain(Errno::EINVAL)),
            Place::At(address) => map(address - lead).map_err(taken),
            // Both are powers of two.
            Place::Aligned(alignment) if lead % alignment.min(granularity()) != 0 => Err(plain(Errno::ENOSYS)),
            Place::Aligned(alignment) if alignment <= granularity() => map(0),
            Place::Aligned(alignment) => {
                let room = size.checked_add(alignment).ok_or_else(|| plain(Errno::ENOMEM))?;
                for _ in 0..MOST_TRIES {
                    let found = allocate(0, room, MEM_RESERVE, PAGE_NOACCESS)?;
                    release(found);
                    // Another thread may map something there meanwhile.
                    match map(found.next_multiple_of(alignment)) {
                        Err(errno) if taken(errno) == Errno::EEXIST => {}
                        mapped => return mapped,
                    }
                }
                Err(plain(Errno::ENOMEM))
            }
        }
    }
}

/// EEXIST if the address is in use.
fn taken(errno: Errno) -> Errno {
    if was(ERROR_INVALID_ADDRESS) { Errno::EEXIST } else { errno }
}

impl Pages {
    /// Maps `size` bytes, a multiple of the page size.
    ///
    /// With MAP_FIXED, fails if something is mapped at the address: nothing is replaced here.
    pub fn map(address: usize, size: usize, prot: c_int, flags: c_int, fd: RawFile, offset: u64) -> Result<Pages, Errno> {
        let is_fixed = has(flags, constants::MAP_FIXED | constants::MAP_FIXED_NOREPLACE);
        // An address without MAP_FIXED is a hint, and ignored here.
        let place = if is_fixed { Place::At(address) } else { Place::Anywhere };
        Pages::map_at(place, size, prot, flags, fd, offset)
    }

    /// Maps as [`Pages::map`] does, at a multiple of `alignment`, which is a power of two and at least a page.
    pub fn map_aligned(
        alignment: usize,
        size: usize,
        prot: c_int,
        flags: c_int,
        fd: RawFile,
        offset: u64,
    ) -> Result<Pages, Errno> {
        Pages::map_at(Place::Aligned(alignment), size, prot, flags, fd, offset)
    }

    fn map_at(place: Place, size: usize, prot: c_int, flags: c_int, fd: RawFile, offset: u64) -> Result<Pages, Errno> {
        // The system reports an invalid parameter.
        if size > last_address() {
            return Err(plain(Errno::ENOMEM));
        }
        if has(flags, constants::MAP_ANONYMOUS) {
            let protection = page_protection(prot, false);
            let base = place.find(0, size, |address| allocate(address, size, MEM_RESERVE | MEM_COMMIT, protection))?;
            return Ok(Pages { base: non_null(base)?, size, backing: None });
        }
        let is_private = i64::from(flags) & constants::MAP_TYPE == constants::MAP_PRIVATE;
        let mut backing = SectionView::new(fd, prot, is_private)?;
        backing.offset = offset;
        backing.lead = usize::try_from(offset % granularity() as u64).expect("less than the granularity");
        let (base, is_placed) = place.find(backing.lead, size, |address| backing.map(address, backing.lead + size))?;
        backing.is_placed = is_placed;
        let pages = Pages { base: non_null(base + backing.lead)?, size, backing: Some(backing) };
        pages.protect(0..size, prot)?;
        Ok(pages)
    }

    /// Zeroed memory for this library's own use.
    pub fn zeroed(bytes: usize) -> Result<Pages, Errno> {
        let size = bytes.next_multiple_of(page_size());
        let base = allocate(0, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE)?;
        Ok(Pages { base: non_null(base)?, size, backing: None })
    }

    fn addresses(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.start_of(range).addr();
        start..start + range.len()
    }

    pub fn protect(&self, range: Range<usize>, prot: c_int) -> Result<(), Errno> {
        let of_view = page_protection(prot, self.backing.as_ref().is_some_and(SectionView::is_copy));
        each_region(self.addresses(&range), |part, region| {
            // A page that was replaced is memory without a file.
            let protection = if region.Type == MEM_MAPPED { of_view } else { page_protection(prot, false) };
            let mut before = 0;
            // SAFETY: the part is ours; the system checks the protection.
            match check(unsafe { VirtualProtect(part.start as *const c_void, part.len(), protection, &raw mut before) }) {
                // More than the access that the view was mapped with.
                Err(Errno::EINVAL) => Err(Errno::EACCES),
                done => done,
            }
        })
    }

    pub fn advise(&self, range: Range<usize>, advice: c_int, _sharing: Sharing) -> Result<(), Errno> {
        let part = self.addresses(&range);
        match i64::from(advice) {
            constants::MADV_NORMAL => Ok(()),
            constants::MADV_WILLNEED => {
                let entry = WIN32_MEMORY_RANGE_ENTRY { VirtualAddress: part.start as *mut c_void, NumberOfBytes: part.len() };
                // SAFETY: the range is ours; reading ahead changes no memory.
                check(unsafe { PrefetchVirtualMemory(GetCurrentProcess(), 1, &raw const entry, 0) })
            }
            constants::MADV_DONTNEED => match &self.backing {
                None => discard(part, None),
                // Private copies of single pages cannot be discarded.
                Some(backing) if backing.is_copy() => Err(plain(Errno::EINVAL)),
                Some(_) => trim(part),
            },
            constants::MADV_FREE if self.backing.is_none() => {
                // SAFETY: the range is ours; no Rust reference points into it, so its contents may be discarded.
                let reset = unsafe { VirtualAlloc(part.start as *const c_void, part.len(), MEM_RESET, PAGE_READWRITE) };
                if reset.is_null() { Err(last_errno()) } else { Ok(()) }
            }
            constants::MADV_PAGEOUT => trim(part),
            _ => Err(plain(Errno::EINVAL)),
        }
    }

    /// MS_SYNC waits until the data is stored; MS_ASYNC begins to write it.
    pub fn sync(&self, range: Range<usize>, flags: c_int) -> Result<(), Errno> {
        if has(flags, constants::MS_SYNC) && has(flags, constants::MS_ASYNC) {
            return Err(plain(Errno::EINVAL));
        }
        let Some(file) = self.backing.as_ref().and_then(|backing| backing.file.as_ref()) else { return Ok(()) };
        each_region(self.addresses(&range), |part, region| {
            if region.Type != MEM_MAPPED {
                return Ok(());
            }
            // SAFETY: the part is ours; storing changes no memory.
            check(unsafe { FlushViewOfFile(part.start as *const c_void, part.len()) })
        })?;
        if !has(flags, constants::MS_SYNC) {
            return Ok(());
        }
        // SAFETY: the handle is ours.
        check(unsafe { FlushFileBuffers(handle(raw(file))) })
    }

    /// Reads the pages in and locks them into memory; enlarges the working set of the process if necessary.
    pub fn lock(&self, range: Range<usize>) -> Result<(), Errno> {
        // SAFETY: the range is ours; locking changes no memory.
        let lock = || check(unsafe { VirtualLock(self.start_of(&range).cast(), range.len()) });
        lock().or_else(|errno| {
            if !was(ERROR_WORKING_SET_QUOTA) {
                return Err(errno);
            }
            grow_working_set(range.len())?;
            lock()
        })
    }

    pub fn unlock(&self, range: Range<usize>) -> Result<(), Errno> {
        // A page at a time: VirtualUnlock fails for a range in which one page is not locked.
        let addresses = self.addresses(&range);
        addresses.step_by(page_size()).try_for_each(|page| unlock(page..page + page_size()))
    }

    /// Replaces the range by zeroed memory. May be called in the exception handler. With PROT_NONE the range is only made
    /// inaccessible.
    pub fn replace(&self, range: Range<usize>, prot: c_int, _sharing: Sharing) -> Result<(), Errno> {
        if prot == 0 {
            return self.protect(range, prot);
        }
        let part = self.addresses(&range);
        let Some(backing) = &self.backing else { return discard(part, Some(PAGE_READWRITE)) };
        let whole = allocation(part.start)?;
        if query(part.start)?.Type != MEM_MAPPED {
            return discard(part, Some(PAGE_READWRITE));
        }
        if backing.is_copy() || part.end > whole.end {
            return Err(plain(Errno::ENOSYS));
        }
        let protections = Protections::read(&whole)?;
        placeholder::replace(backing.view(), &whole, &part, backing.offset_of(self, whole.start))?;
        protections.restore_around(&part);
        Ok(())
    }

    /// Whether a lost page can be replaced: not in a private mapping of a file, whose other pages would lose their changes.
    pub fn can_replace_a_page(&self) -> bool {
        self.backing.as_ref().is_none_or(|backing| backing.is_placed && !backing.is_copy())
    }

    /// Resizes or moves the mapping, and keeps the contents that fit. Here it only shrinks memory without a file.
    pub fn remap(&mut self, size: usize, _flags: c_int, address: usize) -> Result<(), Errno> {
        if self.backing.is_some() || size > self.size || address != 0 {
            return Err(plain(Errno::ENOSYS));
        }
        let tail = self.addresses(&(size..self.size));
        decommit(&tail)?;
        self.size = size;
        Ok(())
    }

    /// Windows cannot move pages and leave zeroed ones in their place.
    pub fn moved_away(&self, _flags: c_int, _address: usize) -> Result<Pages, Errno> {
        Err(plain(Errno::ENOSYS))
    }

    /// Splits the pages at byte `at`, and returns the second part.
    pub fn split_off(&mut self, at: usize) -> Result<Pages, Errno> {
        let border = self.at(at, self.size - at).addr();
        let backing = match &self.backing {
            None => None,
            Some(backing) if backing.is_copy() || !backing.is_placed => return Err(plain(Errno::ENOSYS)),
            Some(backing) => {
                let tail = SectionView {
                    section: duplicate(raw(&backing.section))?,
                    offset: backing.offset + at as u64,
                    lead: 0,
                    file: backing.file.as_ref().map(|file| duplicate(raw(file))).transpose()?,
                    ..*backing
                };
                let whole = allocation(border)?;
                if whole.start != border && query(border)?.Type == MEM_MAPPED {
                    let protections = Protections::read(&whole)?;
                    placeholder::split_view(backing.view(), &whole, border, backing.offset_of(self, whole.start))?;
                    protections.restore_around(&(border..border));
                }
                Some(tail)
            }
        };
        let tail = Pages { base: non_null(border)?, size: self.size - at, backing };
        self.size = at;
        Ok(tail)
    }

    pub(in crate::sys) fn unmap_in_place(&self) -> Result<(), Errno> {
        if self.size == 0 {
            return Ok(());
        }
        let lead = self.backing.as_ref().map_or(0, |backing| backing.lead);
        let base = self.base.addr().get();
        let (mut at, end) = (base - lead, base + self.size);
        while at < end {
            let whole = allocation(at)?;
            if query(at)?.Type == MEM_MAPPED {
                // SAFETY: the view is ours; addresses into it were released (registry), or are the caller's responsibility.
                check(unsafe { UnmapViewOfFile(MEMORY_MAPPED_VIEW_ADDRESS { Value: whole.start as *mut c_void }) })?;
            } else if whole.start >= base && whole.end <= end {
                release(whole.start);
            } else {
                decommit(&(at..end.min(whole.end)))?;
            }
            at = whole.end;
        }
        Ok(())
    }
}

impl SectionView {
    /// The section for mapping an open file or section, with the most access that the handle permits.
    fn new(fd: RawFile, prot: c_int, is_private: bool) -> Result<SectionView, Errno> {
        let executable = has(prot, constants::PROT_EXEC);
        let with_execute = |plain: u32, execute: u32| if executable { execute } else { plain };
        let copy = with_execute(PAGE_WRITECOPY, PAGE_EXECUTE_WRITECOPY);
        let write = with_execute(PAGE_READWRITE, PAGE_EXECUTE_READWRITE);
        let read = with_execute(PAGE_READONLY, PAGE_EXECUTE_READ);
        let of = |section, length, protection, file| SectionView {
            section,
            length,
            offset: 0,
            lead: 0,
            protection,
            is_placed: false,
            file,
        };
        if section::is_section(fd) {
            let length = file_info(fd)?.size;
            let section = duplicate(fd)?;
            let protection = if is_private { copy } else { section::most(&section, write, read) };
            return Ok(of(section, length, protection, None));
        }
        let length = file_info(fd)?.size;
        if is_private {
            return Ok(of(section::create(fd, copy)?, length, copy, None));
        }
        match section::create(fd, write) {
            Ok(section) => Ok(of(section, length, write, Some(duplicate(fd)?))),
            Err(Errno::EACCES) if !has(prot, constants::PROT_WRITE) => Ok(of(section::create(fd, read)?, length, read, None)),
            Err(errno) => Err(errno),
        }
    }

    /// Maps a view, with its lead, at an address, or anywhere if that is 0. Also returns whether it can be split.
    fn map(&self, address: usize, size: usize) -> Result<(usize, bool), Errno> {
        let start = self.offset - self.lead as u64;
        if start + size as u64 > self.length.next_multiple_of(page_size() as u64) {
            // A view cannot extend beyond the end of its section.
            return Err(plain(Errno::EINVAL));
        }
        // A view that replaces a placeholder can be split later. Older versions have no placeholders.
        if let Ok(base) = placeholder::reserve(address, size) {
            if placeholder::map(self.view(), &(base..base + size), start).is_ok() {
                return Ok((base, true));
            }
            placeholder::release(base);
        }
        let access = match self.protection {
            PAGE_WRITECOPY => FILE_MAP_COPY,
            PAGE_READWRITE => FILE_MAP_READ | FILE_MAP_WRITE,
            PAGE_READONLY => FILE_MAP_READ,
            PAGE_EXECUTE_WRITECOPY => FILE_MAP_COPY | FILE_MAP_EXECUTE,
            PAGE_EXECUTE_READWRITE => FILE_MAP_READ | FILE_MAP_WRITE | FILE_MAP_EXECUTE,
            _ => FILE_MAP_READ | FILE_MAP_EXECUTE,
        };
        let left = usize::try_from(self.length.saturating_sub(start)).unwrap_or(usize::MAX);
        let [high, low] = [start >> 32, start & 0xFFFF_FFFF].map(|half| u32::try_from(half).expect("half of it"));
        // SAFETY: maps at free addresses only, so no existing mapping changes.
        let view = unsafe {
            let section = handle(raw(&self.section));
            MapViewOfFileEx(section, access, high, low, size.min(left), address as *const c_void)
        };
        if view.Value.is_null() { Err(last_errno()) } else { Ok((view.Value.addr(), false)) }
    }

    /// The offset in the section of an address in the pages or in their lead.
    fn offset_of(&self, pages: &Pages, address: usize) -> u64 {
        (self.offset + address as u64) - pages.base.addr().get() as u64
    }
}

fn non_null(address: usize) -> Result<NonNull<u8>, Errno> {
    NonNull::new(std::ptr::with_exposed_provenance_mut(address)).ok_or_else(|| plain(Errno::ENOMEM))
}

/// The PAGE_ protection for PROT_ bits. Pages that can be written can be read.
fn page_protection(prot: c_int, is_copy: bool) -> u32 {
    let prot = i64::from(prot);
    let writes = prot & constants::PROT_WRITE != 0;
    match (prot & constants::PROT_EXEC != 0, writes, prot & constants::PROT_READ != 0) {
        (false, false, false) => PAGE_NOACCESS,
        (false, false, true) => PAGE_READONLY,
        (false, true, _) => {
            if is_copy {
                PAGE_WRITECOPY
            } else {
                PAGE_READWRITE
            }
        }
        (true, false, false) => PAGE_EXECUTE,
        (true, false, true) => PAGE_EXECUTE_READ,
        (true, true, _) => {
            if is_copy {
                PAGE_EXECUTE_WRITECOPY
            } else {
                PAGE_EXECUTE_READWRITE
            }
        }
    }
}

/// Whether `advise` supports an advice.
pub fn supports_advice(advice: c_int) -> bool {
    use constants::{MADV_DONTNEED, MADV_FREE, MADV_NORMAL, MADV_PAGEOUT, MADV_WILLNEED};
    [MADV_NORMAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE, MADV_PAGEOUT].contains(&advice.into())
}

/// The protections of the pages of an allocation. Allocates nothing, for the exception handler.
struct Protections {
    parts: [(usize, usize, u32); MOST_PARTS],
    count: usize,
}

const MOST_PARTS: usize = 64;

impl Protections {
    fn read(addresses: &Range<usize>) -> Result<Protections, Errno> {
        let mut known = Protections { parts: [(0, 0, 0); MOST_PARTS], count: 0 };
        each_region(addresses.clone(), |part, region| {
            let place = known.parts.get_mut(known.count).ok_or_else(|| plain(Errno::ENOMEM))?;
            *place = (part.start, part.end, region.Protect);
            known.count += 1;
            Ok(())
        })?;
        Ok(known)
    }

    /// Restores the protections, except in `part`.
    fn restore_around(&self, part: &Range<usize>) {
        for (start, end, protection) in &self.parts[..self.count] {
            for piece in [*start..(*end).min(part.start), (*start).max(part.end)..*end] {
                let mut before = 0;
                if !piece.is_empty() {
                    // SAFETY: restores a protection of the caller's pages.
                    unsafe { VirtualProtect(piece.start as *const c_void, piece.len(), *protection, &raw mut before) };
                }
            }
        }
    }
}

fn allocate(address: usize, size: usize, kind: u32, protection: u32) -> Result<usize, Errno> {
    // SAFETY: allocates at free addresses only, or commits pages that the caller reserved.
    let base = unsafe { VirtualAlloc(address as *const c_void, size, kind, protection) };
    if base.is_null() { Err(last_errno()) } else { Ok(base.expose_provenance()) }
}

fn release(base: usize) {
    // SAFETY: an allocation of the caller's. On failure the addresses stay reserved.
    unsafe { VirtualFree(base as *mut c_void, 0, MEM_RELEASE) };
}

/// A lock. Mappings that were split are parts of one allocation, which is released with the last of them.
static ALLOCATIONS: AtomicBool = AtomicBool::new(false);

fn alone_with_allocations<T>(body: impl FnOnce() -> T) -> T {
    while ALLOCATIONS.swap(true, SeqCst) {
        std::thread::yield_now();
    }
    let result = body();
    ALLOCATIONS.store(false, SeqCst);
    result
}

/// Decommits a part of an allocation, and releases the allocation if nothing else in it is committed.
fn decommit(part: &Range<usize>) -> Result<(), Errno> {
    alone_with_allocations(|| {
        let whole = allocation(part.start)?;
        // SAFETY: the part is the caller's, and is not used any more.
        check(unsafe { VirtualFree(part.start as *mut c_void, part.len(), MEM_DECOMMIT) })?;
        let mut is_used = false;
        each_region(whole.clone(), |_, region| {
            is_used |= region.State == MEM_COMMIT;
            Ok(())
        })?;
        if !is_used {
            release(whole.start);
        }
        Ok(())
    })
}

/// Replaces memory without a file by zeroed pages, with the given protection or that of the old pages.
fn discard(addresses: Range<usize>, protection: Option<u32>) -> Result<(), Errno> {
    alone_with_allocations(|| {
        each_region(addresses, |part, region| {
            if region.State == MEM_FREE || region.Type == MEM_MAPPED {
                return Err(plain(Errno::EINVAL));
            }
            // SAFETY: the part is ours; no Rust reference points into it, so its contents may be discarded.
            check(unsafe { VirtualFree(part.start as *mut c_void, part.len(), MEM_DECOMMIT) })?;
            allocate(part.start, part.len(), MEM_COMMIT, protection.unwrap_or(region.Protect)).map(drop)
        })
    })
}

/// Removes pages from the working set; their contents stay. EINVAL if one is locked.
fn trim(addresses: Range<usize>) -> Result<(), Errno> {
    if residency::is_any_locked(&addresses)? {
        return Err(plain(Errno::EINVAL));
    }
    unlock(addresses)
}

/// VirtualUnlock removes pages that are not locked from the working set, and fails with ERROR_NOT_LOCKED.
fn unlock(addresses: Range<usize>) -> Result<(), Errno> {
    // SAFETY: unlocking changes no memory.
    let unlocked = check(unsafe { VirtualUnlock(addresses.start as *const c_void, addresses.len()) });
    unlocked.or_else(|errno| if was(ERROR_NOT_LOCKED) { Ok(()) } else { Err(errno) })
}

fn grow_working_set(bytes: usize) -> Result<(), Errno> {
    let (mut least, mut most, mut flags) = (0, 0, 0);
    // SAFETY: writes three numbers to the addresses given, and sets the limits.
    unsafe {
        let process = GetCurrentProcess();
        check(GetProcessWorkingSetSizeEx(process, &raw mut least, &raw mut most, &raw mut flags))?;
        check(SetProcessWorkingSetSizeEx(process, least + bytes, most.max(least + bytes) + bytes, flags))
    }
}
