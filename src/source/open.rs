//! Opening a file, making it, giving it its size: all of it, or nothing is left behind.

use super::{Source, SourceKind, facts, no_stream};
use crate::constants::{O_CREAT, O_EXCL, O_TMPFILE};
use crate::error::{Errno, Error, Result};
use crate::limits::{file_size_hint, open_hint};
use crate::sys;
use std::ffi::{CStr, c_int};
use std::os::fd::{AsRawFd, OwnedFd};

/// What a file is called, and by whom.
#[derive(Debug, Clone, Copy)]
pub enum Name<'a> {
    /// A path of the file system.
    Path(&'a CStr),
    /// A name of shm_open(3).
    SharedMemory(&'a CStr),
}

impl Name<'_> {
    fn open(self, flags: c_int, mode: u32) -> Result<OwnedFd, Errno> {
        match self {
            Name::Path(path) => sys::open(path, flags, mode),
            Name::SharedMemory(name) => sys::shm_open(name, flags, mode),
        }
    }

    /// Removes the name, if it is still that of the file `fd`.
    fn remove(self, fd: c_int) {
        // What cannot be removed stays: the first error is the one to tell.
        let _ = match self {
            // A symbolic link led to the file, perhaps, and stays.
            Name::Path(path) => sys::real_path_of(path, fd).map(|path| std::fs::remove_file(path).is_ok()),
            Name::SharedMemory(name) => Some(sys::shm_unlink(name).is_ok()),
        };
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
    /// The size in bytes that the file gets; none leaves it as it is.
    pub size: Option<u64>,
    /// Whether the file system sets the blocks aside now.
    pub allocate: bool,
}

/// Takes back what opening did, unless it is finished.
#[derive(Debug)]
#[must_use]
pub struct Undo<'a> {
    opening: Opening<'a>,
    fd: c_int,
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
        let mut undo = Undo { opening: self, fd: fd.as_raw_fd(), made, grown_from: None, cut_to: None };
        let mut facts = facts(undo.fd, || self.attempt())?;
        if let Some(size) = self.size {
            if !facts.is_regular {
                return Err(Error::argument(format!("{} is no regular file: its size cannot be set", self.name.text())));
            }
            if size > facts.size {
                undo.grown_from = Some(facts.size);
                sys::set_file_size(undo.fd, size).map_err(|errno| self.size_refused(errno, "grow", size))?;
            } else {
                undo.cut_to = Some(size);
            }
            facts.size = size;
        }
        if self.allocate {
            // The file is as large already: only blocks come to it.
            sys::allocate(undo.fd, facts.size).map_err(|errno| self.size_refused(errno, "allocate", facts.size))?;
        }
        Ok((Source::Opened { fd, kind: self.name.kind(), facts }, undo))
    }

    /// Tells whether the file was made here: only then may it be removed again.
    fn open_or_make(self) -> Result<(OwnedFd, bool), Errno> {
        let Opening { name, flags, c_flags, mode, .. } = self;
        if flags & O_CREAT == 0 || flags & O_TMPFILE == O_TMPFILE && O_TMPFILE != 0 {
            return Ok((name.open(c_flags, mode)?, false));
        }
        if flags & O_EXCL != 0 {
            return Ok((name.open(c_flags, mode)?, true));
        }
        let mut there = false;
        for _ in 0..10 {
            match name.open(c_flags & !libc::O_CREAT, mode) {
                Err(Errno(libc::ENOENT)) => {}
                opened => return Ok((opened?, false)),
            }
            match name.open(c_flags | libc::O_EXCL, mode) {
                // Somebody made it just now; or a symbolic link is there, and what it points at is not.
                Err(Errno(libc::EEXIST)) => there = true,
                opened => return Ok((opened?, true)),
            }
        }
        Ok((name.open(c_flags, mode)?, there))
    }

    fn attempt(&self) -> String {
        format!("open {} with flags {:#x}", self.name.text(), self.flags)
    }

    fn size_refused(&self, errno: Errno, what: &str, size: u64) -> Box<Error> {
        let name = self.name.text();
        match errno {
            Errno(libc::EOPNOTSUPP) => Error::unsupported(format!("allocating blocks on the file system of {name}")),
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
