//! Opening a file, making it, giving it its size: all of it, or nothing is left behind.

use super::{Source, SourceKind, facts, no_stream};
use crate::constants::{O_CREAT, O_EXCL, O_TMPFILE, O_TRUNC};
use crate::error::{Errno, Error, Result};
use crate::flags::as_c_int;
use crate::hints::{file_size_hint, open_hint};
use crate::sys;
use crate::sys::{File, FileFacts, RawFile};
use std::ffi::{CStr, CString, c_int};
use std::time::{Duration, Instant};

/// What a file is called, and by whom.
#[derive(Debug, Clone, Copy)]
pub enum Name<'a> {
    /// A path of the file system.
    Path(&'a CStr),
    /// A name of shm_open(3).
    SharedMemory(&'a CStr),
}

impl Name<'_> {
    fn open(self, flags: c_int, mode: u32) -> Result<File, Errno> {
        match self {
            Name::Path(path) => sys::open(path, flags, mode),
            Name::SharedMemory(name) => sys::shm_open(name, flags, mode),
        }
    }

    /// Removes the name, if it is still that of the file `fd`.
    fn remove(self, fd: RawFile) {
        // What cannot be removed stays: the first error is the one to tell.
        let _ = match self {
            // A symbolic link led to the file, perhaps, and stays.
            Name::Path(path) => sys::real_path_of(path, fd).map(|path| std::fs::remove_file(path).is_ok()),
            Name::SharedMemory(name) => Some(sys::shm_unlink(name).is_ok()),
        };
    }

    /// The path that the name stands for.
    fn place(self) -> Result<CString, Errno> {
        match self {
            Name::Path(path) => Ok(path.into()),
            Name::SharedMemory(name) => sys::shared_memory_path(name),
        }
    }

    fn kind(self) -> SourceKind {
        match self {
            Name::Path(_) => SourceKind::Path,
            Name::SharedMemory(_) => SourceKind::SharedMemory,
        }
    }

    fn text(self) -> String {
        match self {
            Name::Path(path) => format!("'{}'", path.to_string_lossy()),
            Name::SharedMemory(name) => format!("shared memory '{}'", name.to_string_lossy()),
        }
    }
}

/// Removes a name of shared memory.
pub fn unlink_shared_memory(name: &CStr) -> Result<()> {
    sys::shm_unlink(name).map_err(|errno| Error::system(errno, format!("unlink {}", Name::SharedMemory(name).text()), ""))
}

/// How a file is opened, and what becomes of it.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    pub name: Name<'a>,
    /// O_ bits.
    pub flags: i64,
    pub c_flags: c_int,
    /// Permissions of a file that is made, less the umask.
    pub mode: u32,
    /// The size in bytes that the file gets; none leaves it as it is. Shared memory is never made smaller.
    pub size: Option<u64>,
    /// Whether the file system sets the blocks aside now.
    pub allocate: bool,
    /// Whether all of the file is to be mapped.
    pub whole: bool,
}

/// How long shared memory may have no size yet: another process has made it with shm_open(3), and ftruncate(2) follows.
const SIZE_FOLLOWS: Duration = Duration::from_secs(1);

/// Takes back what opening did, unless it is finished.
#[derive(Debug)]
#[must_use]
pub struct Undo<'a> {
    opening: Opening<'a>,
    fd: RawFile,
    made: bool,
    /// The size to go back to.
    grown_from: Option<u64>,
    /// The size that the file is cut to at last.
    cut_to: Option<u64>,
}

impl<'a> Opening<'a> {
    /// Opens or makes the file, and makes it as large as it is to be. A file that is to be smaller is cut only when all
    /// else is done: see [`Undo::finish`]. Drop the answer's second part before its first.
    pub fn open(self) -> Result<(Source, Undo<'a>)> {
        if matches!(self.name, Name::Path(path) if sys::leads_to_stream(path)) {
            return Err(no_stream(self.attempt()));
        }
        let (fd, made) = self.open_or_make().map_err(|errno| Error::system(errno, self.attempt(), open_hint(errno)))?;
        let mut undo = Undo { opening: self, fd: sys::raw(&fd), made, grown_from: None, cut_to: None };
        let mut facts = facts(undo.fd, || self.attempt())?;
        if let Some(size) = self.size {
            if !facts.is_regular {
                return Err(Error::argument(format!("{} is no regular file: its size cannot be set", self.name.text())));
            }
            if size > facts.size {
                // Allocating makes it larger, too, and where the disk is full shared memory stays as it is.
                if !self.allocate {
                    self.grow(undo.fd, size)?;
                }
                undo.grown_from = self.size_to_restore(facts.size);
                facts.size = size;
            } else if self.cuts() && size < facts.size {
                if sys::MAPPINGS_FOLLOW_FILES {
                    undo.cut_to = Some(size);
                } else {
                    // Once it is mapped, it cannot be cut.
                    sys::set_file_size(undo.fd, size).map_err(|errno| self.size_refused(errno, "cut", size))?;
                }
                facts.size = size;
            }
        } else if self.whole && !made {
            facts = self.await_size(undo.fd, facts)?;
        }
        if self.allocate {
            sys::allocate(undo.fd, facts.size).map_err(|errno| self.size_refused(errno, "allocate", facts.size))?;
        }
        Ok((Source::Opened { fd, kind: self.name.kind(), facts }, undo))
    }

    /// Tells whether the file was made here: only then may it be removed again.
    fn open_or_make(self) -> Result<(File, bool), Errno> {
        let Opening { name, flags, c_flags, mode, .. } = self;
        if flags & O_CREAT == 0 || flags & O_TMPFILE == O_TMPFILE && O_TMPFILE != 0 {
            return Ok((name.open(c_flags, mode)?, false));
        }
        if flags & O_EXCL != 0 {
            return Ok((self.make()?, true));
        }
        let mut there = false;
        for _ in 0..10 {
            match name.open(c_flags & !as_c_int(O_CREAT), mode) {
                Err(Errno::ENOENT) => {}
                opened => return Ok((opened?, false)),
            }
            match self.make() {
                // Somebody made it just now; or a symbolic link is there, and what it points at is not.
                Err(Errno::EEXIST) => there = true,
                opened => return Ok((opened?, true)),
            }
        }
        Ok((name.open(c_flags, mode)?, there))
    }

    /// Makes the file, which must not exist, with its size if the system can do that in one step: see `make_sized`. The
    /// errors are those of open(2) with O_EXCL.
    fn make(self) -> Result<File, Errno> {
        match self.make_sized() {
            Err(errno) if errno != Errno::EEXIST => self.name.open(self.c_flags | as_c_int(O_EXCL), self.mode),
            made => made,
        }
    }

    /// Makes the file without a name, gives it its size, and then the name: another process that opens it never finds it
    /// empty. Not every file system can.
    fn make_sized(self) -> Result<File, Errno> {
        let size = self.size.filter(|size| *size > 0).ok_or(Errno::EINVAL)?;
        if let Name::SharedMemory(name) = self.name {
            match sys::shm_create(name, size) {
                Err(Errno::ENOSYS) => {}
                made => return made,
            }
        }
        let place = self.name.place()?;
        let fd = sys::open_without_name(&place, self.c_flags, self.mode)?;
        sys::set_file_size(sys::raw(&fd), size)?;
        if self.allocate {
            sys::allocate(sys::raw(&fd), size)?;
        }
        sys::link(sys::raw(&fd), &place)?;
        // Opened by its name, /proc shows the name, by which others find the file again. The permissions that it was made
        // with may forbid that, and the name may be removed already.
        let named = self.name.open(self.c_flags & !as_c_int(O_CREAT | O_EXCL | O_TRUNC), 0);
        Ok(named.ok().filter(|named| sys::is_same_file(sys::raw(&named), sys::raw(&fd))).unwrap_or(fd))
    }

    /// Whether a size smaller than the file's cuts it. Other processes use shared memory at the same time, and each opens it
    /// with a size of its own: only O_TRUNC and resizing make it smaller.
    fn cuts(&self) -> bool {
        matches!(self.name, Name::Path(_))
    }

    fn grow(&self, fd: RawFile, size: u64) -> Result<()> {
        let grown = if self.cuts() { sys::set_file_size(fd, size) } else { sys::grow_file(fd, size) };
        grown.map_err(|errno| self.size_refused(errno, "grow", size))
    }

    /// The size to go back to on failure. None for shared memory: another process may use what was added.
    fn size_to_restore(&self, before: u64) -> Option<u64> {
        self.cuts().then_some(before)
    }

    /// Waits until shared memory has the size that the process which makes it is about to give it.
    fn await_size(&self, fd: RawFile, mut found: FileFacts) -> Result<FileFacts> {
        let end = Instant::now() + SIZE_FOLLOWS;
        while found.size == 0 && matches!(self.name, Name::SharedMemory(_)) && self.flags & O_TRUNC == 0 {
            if Instant::now() >= end {
                let attempt = format!("wait {} s for the size of {}", SIZE_FOLLOWS.as_secs(), self.name.text());
                return Err(Error::system(Errno::ETIMEDOUT, attempt, "it has 0 bytes: give the size that it is to have"));
            }
            std::thread::sleep(Duration::from_millis(1));
            found = facts(fd, || self.attempt())?;
        }
        Ok(found)
    }

    fn attempt(&self) -> String {
        format!("open {} with flags {:#x}", self.name.text(), self.flags)
    }

    fn size_refused(&self, errno: Errno, what: &str, size: u64) -> Box<Error> {
        let name = self.name.text();
        match errno {
            Errno::EOPNOTSUPP => Error::unsupported(format!("allocating blocks on the file system of {name}")),
            Errno::ENOSYS => Error::unsupported("changing the size of shared memory"),
            _ => Error::system(errno, format!("{what} {name} to {size} bytes"), file_size_hint(errno)),
        }
    }
}

impl Undo<'_> {
    /// Cuts the file if it is to be smaller; after that there is nothing left that can fail, and nothing to undo.
    pub fn finish(mut self) -> Result<()> {
        if let Some(size) = self.cut_to {
            sys::set_file_size(self.fd, size).map_err(|errno| self.opening.size_refused(errno, "cut", size))?;
        }
        self.made = false;
        self.grown_from = None;
        Ok(())
    }
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if self.made {
            self.opening.name.remove(self.fd);
        } else if let Some(size) = self.grown_from {
            let _ = sys::set_file_size(self.fd, size);
        }
    }
}
