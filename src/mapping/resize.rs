//! Resizing, moving and splitting.

use super::request::{FIXED, addressable, bytes_to_the_end, lead, whole_pages};
use super::{KEEP, Mapping, OR_PRIVATE, SourceKind, is_shared, to_i64};
use crate::constants::{
    F_SEAL_SHRINK, Group, MAP_ANONYMOUS, MAP_FIXED, MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE, PROT_READ, PROT_WRITE,
};
use crate::error::{Errno, Error, Result, Side};
use crate::flags::{as_c_int, known, to_c_int};
use crate::guarded::{self, Position};
use crate::hints::{file_size_hint, memory_hint};
use crate::range::{Grid, REST, Span};
use crate::source;
use crate::sys::{self, File, PageMarks, Pages, RawFile};
use std::ffi::c_int;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

/// What happens to the file of a mapping that is resized.
///
/// ```
/// use mmap_wrap::{FileEnd, MapOptions};
/// let mut memory = MapOptions::new().write(true).unnamed(4096)?;
/// memory.resize(8192, FileEnd::Follows)?;
/// assert_eq!(std::fs::File::from(memory.file()?).metadata().unwrap().len(), 8192);
/// # Ok::<(), mmap_wrap::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileEnd {
    /// The file keeps its size.
    Stays,
    /// The file ends where the mapping ends.
    Follows,
    /// The file ends where the mapping ends, and the file system allocates blocks for all of it.
    Allocated,
}

/// A change of a file's size.
struct FileSize {
    fd: RawFile,
    before: u64,
    after: u64,
    is_memory: bool,
}

impl Mapping {
    /// Changes the length of the mapping to `length` bytes (`REST`: to the end of its file), mremap(2). `flags` are MREMAP_
    /// bits: with MREMAP_MAYMOVE it may move to another address. `file_end` determines what happens to the file that it keeps
    /// open. A shared mapping does not grow beyond the end of its file. On failure nothing is changed.
    ///
    /// ```
    /// use mmap_wrap::internals::{Mapping, constants::*, mapping::FileEnd};
    /// let mut bytes = Mapping::from_unnamed(4096, PROT_READ | PROT_WRITE, MAP_SHARED)?;
    /// bytes.resize(1 << 20, MREMAP_MAYMOVE, FileEnd::Follows)?;
    /// bytes.write((1 << 20) - 1, b"x")?;
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn resize(&mut self, length: i64, flags: i64, file_end: FileEnd) -> Result<()> {
        self.resize_to(length, flags, 0, file_end)
    }

    /// Like `resize`; with MREMAP_FIXED the mapping moves to `address`.
    ///
    /// # Safety
    /// With MREMAP_FIXED, what was mapped where the mapping moves to is replaced and must not be used any more.
    #[allow(unsafe_code, reason = "declares what the caller has to ensure")]
    pub unsafe fn resize_at(&mut self, length: i64, flags: i64, address: usize, file_end: FileEnd) -> Result<()> {
        self.resize_to(length, flags, address, file_end)
    }

    fn resize_to(&mut self, length: i64, flags: i64, address: usize, file_end: FileEnd) -> Result<()> {
        let c_flags = self.checked_flags(flags, address)?;
        if flags & MREMAP_DONTUNMAP != 0 && MREMAP_DONTUNMAP != 0 {
            return Err(Error::argument("MREMAP_DONTUNMAP makes a second mapping: this call changes one"));
        }
        let length = self.new_length(length)?;
        let size = self.new_size(length)?;
        let file = match file_end {
            FileEnd::Stays => self.ends_within_file(length).map(|()| None)?,
            _ => Some(self.file_size_for(length)?),
        };
        if let Some(file) = &file {
            file.make_room(file_end)?;
        }
        let remapped = match &file {
            Some(file) if !sys::MAPPINGS_FOLLOW_FILES && self.pages.size() > 0 && file.after != file.before => {
                self.follow(file, size, c_flags)
            }
            _ => self.remap(size, c_flags, address),
        };
        if let Err(error) = remapped {
            if let Some(file) = file.filter(|file| file.after > file.before) {
                // The first error is the one to report.
                let _ = file.set(file.before);
            }
            return Err(error);
        }
        self.grid.length = length;
        match file {
            Some(file) if sys::MAPPINGS_FOLLOW_FILES && file.after < file.before => file.set(file.after),
            _ => Ok(()),
        }
    }

    /// Moves the pages to a new mapping; this mapping keeps its addresses, with zeroed pages or pages of the file: mremap(2)
    /// with MREMAP_DONTUNMAP. The arguments are those of [`Mapping::resize_at`], but no size changes: `length` is the
    /// mapping's, and the file does not change.
    ///
    /// # Safety
    /// As for [`Mapping::resize_at`].
    #[allow(unsafe_code, reason = "declares what the caller has to ensure")]
    pub unsafe fn move_pages_to(&mut self, length: i64, flags: i64, address: usize, file_end: FileEnd) -> Result<Mapping> {
        self.move_all_pages(length, flags, address, file_end)
    }

    /// The same, to any address.
    pub fn move_pages(&mut self) -> Result<Mapping> {
        if MREMAP_DONTUNMAP == 0 {
            return Err(Error::unsupported("MREMAP_DONTUNMAP, of Linux 5.7 and newer,"));
        }
        self.move_all_pages(to_i64(self.grid.length), MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0, FileEnd::Stays)
    }

    fn move_all_pages(&mut self, length: i64, flags: i64, address: usize, file_end: FileEnd) -> Result<Mapping> {
        let c_flags = self.checked_flags(flags, address)?;
        if self.new_length(length)? != self.grid.length {
            return Err(Error::argument("MREMAP_DONTUNMAP moves all pages: the length stays as it is"));
        }
        if file_end != FileEnd::Stays {
            return Err(Error::argument("MREMAP_DONTUNMAP changes no size, that of the file included"));
        }
        let file = self.file_for_a_sibling()?;
        let moved = self.without_fences(|mapping| {
            let pages = mapping.pages.moved_away(c_flags, address);
            let pages = pages.map_err(|errno| mapping.remap_error(errno, mapping.pages.size()))?;
            // The pages that this mapping gets have no guards.
            let fences = std::mem::take(&mut mapping.origin.fences);
            Ok(mapping.sibling(pages, mapping.grid, mapping.origin.offset, file, fences))
        })?;
        moved.put_fences().map_err(|errno| moved.remap_error(errno, moved.pages.size()))?;
        Ok(moved)
    }

    /// Splits the mapping at `offset`, a page boundary: this mapping ends there, and the rest becomes a new mapping.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*};
    /// # let mut memory = Mapping::anonymous(1 << 20, PROT_READ, MAP_PRIVATE)?;
    /// let tail = memory.split_off(1 << 19)?;
    /// assert_eq!((memory.length(), tail.length()), (1 << 19, 1 << 19));
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn split_off(&mut self, offset: i64) -> Result<Mapping> {
        let span = self.span(offset, REST)?;
        if span.offset == 0 || span.size == 0 {
            return Err(Error::argument(format!(
                "a split at offset {offset} of {} bytes leaves one part empty",
                self.grid.length
            )));
        }
        let at = span.pages_from_aligned_start(self.grid)?.start;
        let file = self.file_for_a_sibling()?;
        let grid = Grid { lead: 0, length: span.size, ..self.grid };
        let (first, count) = (at / self.grid.page, self.pages.size() / self.grid.page);
        let (before, after) = (self.fences_of(0..first, first)?, self.fences_of(first..count, count - first)?);
        let pages = self.pages.split_off(at).map_err(|errno| match errno {
            Errno::ENOSYS => Error::unsupported(format!("splitting {}", self.kind_without_placeholders())),
            _ => Error::system(errno, format!("split at offset {offset}"), memory_hint(errno)),
        })?;
        self.origin.fences = before;
        self.grid.length = span.offset;
        Ok(self.sibling(pages, grid, self.origin.offset + span.offset as u64, file, after))
    }

    fn file_for_a_sibling(&self) -> Result<Option<File>> {
        self.origin.file.as_ref().map(|file| source::duplicate(sys::raw(&file))).transpose()
    }

    /// A mapping of the same kind.
    fn sibling(&mut self, pages: Pages, grid: Grid, offset: u64, file: Option<File>, fences: PageMarks) -> Mapping {
        let origin = super::Origin {
            source: self.origin.source,
            offset,
            flags: self.origin.flags,
            prot: AtomicI32::new(*self.origin.prot.get_mut()),
            has_own_protections: AtomicBool::new(*self.origin.has_own_protections.get_mut()),
            file,
            fences,
            sealed: AtomicBool::new(*self.origin.sealed.get_mut()),
            has_fresh_pages: AtomicBool::new(*self.origin.has_fresh_pages.get_mut()),
            is_given_up: AtomicBool::new(false),
        };
        Mapping { pages, grid, origin }
    }

    fn checked_flags(&self, flags: i64, address: usize) -> Result<c_int> {
        let c_flags = known(Group::RemapFlag, flags, "mremap flags")?;
        if flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) != 0 && flags & MREMAP_MAYMOVE == 0 {
            return Err(Error::argument("MREMAP_FIXED and MREMAP_DONTUNMAP need MREMAP_MAYMOVE as well"));
        }
        if address != 0 && flags & MREMAP_FIXED == 0 {
            return Err(Error::argument(format!("address {address:#x} without MREMAP_FIXED")));
        }
        if address == 0 && flags & MREMAP_FIXED != 0 {
            return Err(Error::argument("address 0 with MREMAP_FIXED: nothing can be mapped there"));
        }
        if address & (self.grid.page - 1) != 0 {
            return Err(Error::Alignment { what: "address", value: address as u64, page: self.grid.page, lead: 0 }.into());
        }
        if self.is_sealed() {
            return Err(Error::Sealed.into());
        }
        Ok(c_flags)
    }

    fn new_length(&self, length: i64) -> Result<usize> {
        let wanted = match length {
            0 => return Err(Error::argument("length 0: unmap it instead")),
            // A length of 0 at the end of the file, as for a new mapping.
            REST => bytes_to_the_end(&self.file_info()?, self.origin.offset)?,
            length => u64::try_from(length).map_err(|_| Error::Negative { what: "length", value: length })?,
        };
        addressable(wanted, self.origin.offset)
    }

    /// The size of the whole pages for a length, if the memory behind the mapping can grow to it.
    fn new_size(&self, length: usize) -> Result<usize> {
        let Mapping { grid, origin, pages, .. } = self;
        if length == 0 {
            return Ok(0);
        }
        let size = whole_pages(length, origin.offset, grid.page)?;
        addressable(size as u64, origin.offset)?;
        let shared = is_shared(origin.flags) && origin.flags & MAP_ANONYMOUS != 0;
        if shared && size > pages.size() {
            // The kernel would make the mapping longer, but not the memory behind it: cpython#110243.
            return Err(Error::unsupported(format!(
                "growing a shared mapping without a file from {} to {length} bytes (the memory behind it keeps its size, and an access beyond would fault; map a memory file, and resize it with the mapping)",
                grid.length
            )));
        }
        Ok(size)
    }

    /// Checks that a shared mapping that grows to `length` still ends within its file. A store beyond the end of the file, on
    /// its last page, is lost without an error; beyond that page every access faults.
    fn ends_within_file(&self, length: usize) -> Result<()> {
        let Mapping { grid, origin, pages, .. } = self;
        let of_file = is_shared(origin.flags) && origin.flags & MAP_ANONYMOUS == 0;
        if length <= grid.length || !of_file {
            return Ok(());
        }
        let file = match &origin.file {
            Some(file) => sys::file_info(sys::raw(&file)).ok().map(|info| info.has_size.then_some(info.size)),
            None => sys::file_size_behind(pages.base().addr().get()),
        };
        match file {
            Some(Some(size)) if origin.offset + length as u64 > size => {
                Err(Error::BeyondFile { length, offset: origin.offset, size }.into())
            }
            Some(_) => Ok(()),
            None => self.file().map(drop),
        }
    }

    fn file_size_for(&self, length: usize) -> Result<FileSize> {
        let (fd, info) = (sys::raw(&self.file()?), self.file_info()?);
        if !info.is_regular {
            return Err(Error::argument("the file of this mapping is a device: its size cannot be set"));
        }
        let end = self.origin.offset + length as u64;
        // A file of huge pages consists of whole ones.
        let unit = if self.grid.page == sys::page_size() { 1 } else { self.grid.page as u64 };
        let is_memory = self.origin.source == SourceKind::MemoryFile;
        Ok(FileSize { fd, before: info.size, after: end.next_multiple_of(unit), is_memory })
    }

    fn remap(&mut self, size: usize, flags: c_int, address: usize) -> Result<()> {
        if size == self.pages.size() && address == 0 {
            return Ok(());
        }
        let (before, after) = (self.pages.size() / self.grid.page, size / self.grid.page);
        let fences = self.fences_of(0..before.min(after), after)?;
        self.without_fences(|mapping| {
            mapping.remap_pages(size, flags, address)?;
            mapping.origin.fences = fences;
            Ok(())
        })
    }

    /// The fences of some of the pages, for a mapping of `count` pages.
    fn fences_of(&self, pages: Range<usize>, count: usize) -> Result<PageMarks> {
        self.origin
            .fences
            .part(pages, count)
            .map_err(|errno| Error::system(errno, "record which pages are guarded", memory_hint(errno)))
    }

    fn remap_pages(&mut self, size: usize, flags: c_int, address: usize) -> Result<()> {
        if size == 0 {
            return self.give_up_all_pages();
        }
        if self.pages.size() == 0 {
            // A mapping of an empty file has no pages to move; the file has grown before.
            self.pages = self.map_again(address, size)?;
            *self.origin.has_own_protections.get_mut() = false;
            self.grid.lead = lead(self.origin.offset, self.grid.page);
            return Ok(());
        }
        match self.pages.remap(size, flags, address) {
            Ok(()) => Ok(()),
            Err(Errno::ENOSYS) => self.remap_by_copy(size, flags),
            Err(errno) => Err(self.remap_error(errno, size)),
        }
    }

    /// Maps the file anew, after it was made longer or before it is: where a mapping neither shows what a file has become nor
    /// lets it be cut.
    fn follow(&mut self, file: &FileSize, size: usize, flags: c_int) -> Result<()> {
        if file.after > file.before {
            return self.remap_by_copy(size, flags);
        }
        if !is_shared(self.origin.flags) || i64::from(flags) != MREMAP_MAYMOVE {
            return Err(Error::unsupported("truncating the file of a mapping that is private, or that may not move"));
        }
        self.has_one_protection(size)?;
        let (before, lead) = (self.pages.size(), self.grid.lead);
        self.give_up_all_pages()?;
        let cut = file.set(file.after);
        let again = self.map_again(0, if cut.is_ok() { size } else { before });
        // With no memory left for that, nothing is mapped.
        self.pages = again.inspect_err(|_| self.grid.length = 0)?;
        self.grid.lead = lead;
        cut
    }

    fn give_up_all_pages(&mut self) -> Result<()> {
        std::mem::replace(&mut self.pages, Pages::none()).unmap().map_err(|(pages, errno)| {
            self.pages = pages;
            self.remap_error(errno, 0)
        })?;
        self.grid.lead = 0;
        Ok(())
    }

    /// Fails, as mremap(2) does, while parts have protections of their own: a mapping that is made anew has one.
    fn has_one_protection(&mut self, size: usize) -> Result<()> {
        if *self.origin.has_own_protections.get_mut() { Err(self.remap_error(Errno::EFAULT, size)) } else { Ok(()) }
    }

    /// For systems without mremap(2): a new mapping replaces the old one; the pages of a private mapping are copied.
    fn remap_by_copy(&mut self, size: usize, flags: c_int) -> Result<()> {
        if i64::from(flags) != MREMAP_MAYMOVE {
            return Err(Error::unsupported(
                "resizing a mapping that may not move, or to a fixed address (this system has no mremap(2))",
            ));
        }
        self.has_one_protection(size)?;
        let new = self.map_again(0, size)?;
        if !is_shared(self.origin.flags) {
            self.copy_to(&new)?;
        }
        self.pages = new;
        Ok(())
    }

    fn copy_to(&self, new: &Pages) -> Result<()> {
        let size = new.size().min(self.pages.size());
        let system = |errno| Error::system(errno, format!("copy {size} bytes"), memory_hint(errno));
        new.protect(0..new.size(), as_c_int(PROT_READ | PROT_WRITE)).map_err(system)?;
        let from = Position { side: Side::Source, pages: &self.pages, at: 0 };
        let to = Position { side: Side::Target, pages: new, at: 0 };
        guarded::copy(to, from, size).map_err(|(_, fault)| self.fault(fault, Span { offset: 0, size }))?;
        new.protect(0..new.size(), self.c_prot()).map_err(system)
    }

    /// Maps the same source again, at the address or, if that is 0, anywhere.
    fn map_again(&self, address: usize, size: usize) -> Result<Pages> {
        let fd = match &self.origin.file {
            Some(file) => sys::raw(&file),
            None if self.origin.flags & MAP_ANONYMOUS != 0 => -1,
            None => sys::raw(&self.file()?),
        };
        let place = if address == 0 { 0 } else { MAP_FIXED };
        let flags = to_c_int(self.origin.flags & !(KEEP | OR_PRIVATE | FIXED) | place, "flags")?;
        let offset = if fd == -1 { 0 } else { self.origin.offset - lead(self.origin.offset, self.grid.page) as u64 };
        Pages::map(address, size, self.c_prot(), flags, fd, offset).map_err(|errno| self.remap_error(errno, size))
    }

    pub(super) fn c_prot(&self) -> c_int {
        self.origin.prot.load(Ordering::Relaxed)
    }

    fn remap_error(&self, errno: Errno, size: usize) -> Box<Error> {
        let attempt = format!("{} bytes at {:p} to {size} bytes", self.pages.size(), self.pages.base());
        let hint = match errno {
            Errno::EFAULT => {
                "parts of the mapping have a protection or advice of their own: give all of it the same first, or split it"
            }
            Errno::EINVAL => {
                "it is longer than addresses go, or the new place overlaps the old one, or this kernel cannot do it to this kind of mapping"
            }
            Errno::EAGAIN => "RLIMIT_MEMLOCK is reached: its pages are locked",
            Errno::EACCES => "the file was not opened for the protection that the mapping has",
            Errno::ENOMEM => {
                let hint = format!("no room to grow in place, and it may not move, or {}", memory_hint(errno));
                return Error::system(errno, attempt, hint);
            }
            _ => "",
        };
        Error::system(errno, attempt, hint)
    }
}

impl FileSize {
    /// Makes the file longer, or checks that it can be truncated; allocates blocks if `end` asks for that.
    fn make_room(&self, end: FileEnd) -> Result<()> {
        if self.after < self.before {
            self.check_truncation()?;
        }
        if end == FileEnd::Allocated {
            return sys::allocate(self.fd, self.after).map_err(|errno| {
                // The file system may have made it longer before it failed. The first error is the one to report.
                let _ = sys::set_file_size(self.fd, self.before);
                self.error(errno, self.after)
            });
        }
        if self.after > self.before { self.set(self.after) } else { Ok(()) }
    }

    fn set(&self, size: u64) -> Result<()> {
        sys::set_file_size(self.fd, size).map_err(|errno| self.error(errno, size))
    }

    /// The file is truncated last, when the pages are already unmapped: so this checks beforehand that it can be.
    fn check_truncation(&self) -> Result<()> {
        sys::set_file_size(self.fd, self.before).map_err(|errno| self.error(errno, self.after))?;
        match sys::seals(self.fd) {
            Ok(seals) if i64::from(seals) & F_SEAL_SHRINK != 0 => Err(self.error(Errno::EPERM, self.after)),
            _ => Ok(()),
        }
    }

    fn error(&self, errno: Errno, size: u64) -> Box<Error> {
        let attempt = || format!("the file from {} to {size} bytes", self.before);
        match errno {
            Errno::EOPNOTSUPP => Error::unsupported("allocating blocks on the file system of this file"),
            Errno::ENOSYS => Error::unsupported("changing the size of shared memory"),
            // Memory files are open for writing, and all but secret memory take any size.
            Errno::EINVAL if self.is_memory => Error::system(errno, attempt(), "the size of secret memory can be set only once"),
            _ => Error::system(errno, attempt(), file_size_hint(errno)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constants::{MAP_PRIVATE, MAP_SHARED};

    const READ_WRITE: i64 = PROT_READ | PROT_WRITE;

    #[test]
    fn without_mremap_a_copy_replaces_a_private_mapping() {
        let page = sys::page_size();
        let mut memory = Mapping::anonymous(100, READ_WRITE, MAP_PRIVATE).unwrap();
        memory.write(90, b"0123456789").unwrap();
        memory.remap_by_copy(10 * page, as_c_int(MREMAP_MAYMOVE)).unwrap();
        assert_eq!(memory.find(b"0123456789", 0, REST).unwrap(), 90);
        memory.grid.length = 10 * page;
        memory.write(i64::try_from(10 * page).unwrap() - 1, b"x").unwrap();
        assert!(memory.remap_by_copy(page, 0).is_err());
        memory.protect(PROT_READ, 0, page.try_into().unwrap()).unwrap();
        let error = memory.remap_by_copy(20 * page, as_c_int(MREMAP_MAYMOVE)).unwrap_err();
        assert!(error.to_string().contains("a protection or advice of their own"), "{error}");
        memory.protect(READ_WRITE, 0, REST).unwrap();
        memory.remap_by_copy(20 * page, as_c_int(MREMAP_MAYMOVE)).unwrap();
    }

    #[test]
    fn without_mremap_a_shared_mapping_is_mapped_again() {
        let page = sys::page_size();
        let mut memory = Mapping::from_unnamed(1 << 20, READ_WRITE, MAP_SHARED).unwrap();
        memory.write(page.try_into().unwrap(), b"here").unwrap();
        memory.remap_by_copy(2 * page, as_c_int(MREMAP_MAYMOVE)).unwrap();
        memory.grid.length = 2 * page;
        assert_eq!(memory.find(b"here", 0, REST).unwrap(), page);
        memory.protect(PROT_READ, 0, page.try_into().unwrap()).unwrap();
        let cut = FileSize { fd: sys::raw(&memory.file().unwrap()), before: 1 << 20, after: page as u64, is_memory: true };
        let error = memory.follow(&cut, page, as_c_int(MREMAP_MAYMOVE)).unwrap_err();
        assert!(error.to_string().contains("a protection or advice of their own"), "{error}");
        assert_eq!(memory.find(b"here", 0, REST).unwrap(), page, "nothing has changed");
        memory.origin.file = None;
        assert!(memory.remap_by_copy(page, as_c_int(MREMAP_MAYMOVE)).is_err(), "there is no way to its file");
    }
}
