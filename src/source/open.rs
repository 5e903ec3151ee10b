//! Opening and creating a file and setting its size: on failure nothing is left behind.

use super::{Source, SourceKind, file_info, no_stream};
use crate::constants::{Group, O_APPEND, O_CREAT, O_EXCL, O_TMPFILE, O_TRUNC};
use crate::error::{Errno, Error, Result};
use crate::flags::{as_c_int, known};
use crate::hints::{file_size_hint, open_hint};
use crate::range::REST;
use crate::sys;
use crate::sys::{File, FileInfo, RawFile};
use std::ffi::{CStr, CString, c_int};
use std::time::{Duration, Instant};

/// The name of a file.
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
        // A failure is ignored: the first error is the one to report.
        let _ = match self {
            // If the path is a symbolic link, its target is removed, and the link stays.
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
    sys::shm_unlink(name).map_err(|errno| match errno {
        Errno::ENOSYS => Error::unsupported("removing a name of shared memory (it is removed with its last mapping and handle)"),
        _ => Error::system(errno, format!("unlink {}", Name::SharedMemory(name).text()), ""),
    })
}

/// How a file is opened, and which size it gets. Numbers are as the caller gave them; [`OpenRequest::open`] checks them.
#[derive(Debug, Clone, Copy)]
pub struct OpenRequest<'a> {
    /// A path, or a name of shm_open(3).
    pub name: Name<'a>,
    /// O_ bits; the descriptor is closed on exec in any case.
    pub flags: i64,
    /// Permissions of a file that is created, less the umask.
    pub mode: i64,
    /// The size in bytes that the file gets, or `REST` to leave it as it is. Shared memory is never made smaller.
    pub size: i64,
    /// Whether the file system allocates blocks for all of the file now.
    pub allocate: bool,
}

/// How long to wait for the size of shared memory: another process that created it with shm_open(3) sets it with ftruncate(2)
/// afterwards.
const SIZE_FOLLOWS: Duration = Duration::from_secs(1);

/// Undoes what opening did, unless it is finished.
#[derive(Debug)]
#[must_use]
pub struct Undo<'a> {
    request: OpenRequest<'a>,
    fd: RawFile,
    made: bool,
    /// The size to restore.
    grown_from: Option<u64>,
    /// The size to which the file is truncated at the end.
    cut_to: Option<u64>,
}

impl<'a> OpenRequest<'a> {
    /// Opens or creates the file, and makes it longer if needed. `whole` means that all of the file will be mapped. A file that
    /// gets smaller is truncated last, by [`Undo::finish`]. Drop the `Undo` before the `Source`, whose descriptor it uses.
    pub fn open(self, whole: bool) -> Result<(Source, Undo<'a>)> {
        self.check()?;
        if matches!(self.name, Name::Path(path) if sys::leads_to_stream(path)) {
            return Err(no_stream(self.attempt()));
        }
        let (fd, made) = self.open_or_make().map_err(|errno| match (errno, self.name) {
            (Errno::ENOSYS, Name::SharedMemory(_)) => Error::unsupported("shared memory by name, shm_open(3),"),
            (Errno::ENOSYS, Name::Path(_)) if self.flags & O_APPEND != 0 => {
                Error::unsupported("opening a file for appending (O_APPEND)")
            }
            (Errno::EOPNOTSUPP, Name::SharedMemory(_)) => Error::unsupported("truncating shared memory that exists"),
            _ => Error::system(errno, self.attempt(), open_hint(errno)),
        })?;
        let mut undo = Undo { request: self, fd: sys::raw(&fd), made, grown_from: None, cut_to: None };
        let mut info = file_info(undo.fd, || self.attempt())?;
        if let Some(size) = self.new_size() {
            if !info.is_regular {
                return Err(Error::argument(format!("{} is not a regular file: its size cannot be set", self.name.text())));
            }
            if size > info.size {
                // Allocating makes it longer, too, and leaves shared memory unchanged if that fails.
                if !self.allocate {
                    self.grow(undo.fd, size)?;
                }
                undo.grown_from = self.size_to_restore(info.size);
                info.size = size;
            } else if self.cuts() && size < info.size {
                if sys::MAPPINGS_FOLLOW_FILES {
                    undo.cut_to = Some(size);
                } else {
                    // Once it is mapped, it cannot be cut.
                    sys::set_file_size(undo.fd, size).map_err(|errno| self.size_error(errno, "cut", size))?;
                }
                info.size = size;
            }
        } else if whole && !made {
            info = self.await_size(undo.fd, info)?;
        }
        if self.allocate {
            sys::allocate(undo.fd, info.size).map_err(|errno| self.size_error(errno, "allocate", info.size))?;
        }
        Ok((Source::Opened { fd, kind: self.name.kind(), info }, undo))
    }

    fn check(&self) -> Result<()> {
        known(Group::OpenFlag, self.flags, "open flags")?;
        if !(0..=0o7777).contains(&self.mode) {
            return Err(Error::argument(format!("mode {:#o} is not a permission mode: 0 to 0o7777", self.mode)));
        }
        match self.size {
            REST | 0.. => Ok(()),
            size => Err(Error::Negative { what: "file size", value: size }.into()),
        }
    }

    /// The flags for the system, once they are checked.
    fn c_flags(&self) -> c_int {
        as_c_int(self.flags) | sys::NEVER_WAIT
    }

    /// The permissions for the system, once they are checked.
    fn c_mode(&self) -> u32 {
        u32::try_from(self.mode).unwrap_or(0)
    }

    /// The size that the file gets; none leaves it as it is.
    fn new_size(&self) -> Option<u64> {
        u64::try_from(self.size).ok()
    }

    /// The size of a file that is created with a size.
    fn size_to_make(&self) -> Option<u64> {
        self.new_size().filter(|size| *size > 0)
    }

    /// Also returns whether this call created the file: only then it may be removed again.
    fn open_or_make(self) -> Result<(File, bool), Errno> {
        let OpenRequest { name, flags, .. } = self;
        let (c_flags, mode) = (self.c_flags(), self.c_mode());
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
                // Another process has just created it; or it is a symbolic link to a file that does not exist.
                Err(Errno::EEXIST) => there = true,
                opened => return Ok((opened?, true)),
            }
        }
        Ok((name.open(c_flags, mode)?, there))
    }

    /// Creates the file, which must not exist, together with its size if the file system can (`make_sized`). The errors are
    /// those of open(2) with O_EXCL.
    fn make(self) -> Result<File, Errno> {
        if let (Name::SharedMemory(name), Some(size)) = (self.name, self.size_to_make()) {
            match sys::shm_create(name, size) {
                Err(Errno::ENOSYS) => {}
                made => return made,
            }
        }
        match self.make_sized() {
            Err(errno) if errno != Errno::EEXIST => self.name.open(self.c_flags() | as_c_int(O_EXCL), self.c_mode()),
            made => made,
        }
    }

    /// Creates the file without a name, sets its size, and links it to its name: another process that opens it never finds it
    /// empty. Not every file system can do this.
    fn make_sized(self) -> Result<File, Errno> {
        let size = self.size_to_make().ok_or(Errno::EINVAL)?;
        let place = self.name.place()?;
        let fd = sys::open_without_name(&place, self.c_flags(), self.c_mode())?;
        sys::set_file_size(sys::raw(&fd), size)?;
        if self.allocate {
            sys::allocate(sys::raw(&fd), size)?;
        }
        sys::link(sys::raw(&fd), &place)?;
        // A descriptor that was opened by the name shows the name in /proc, for tools. Opening can fail if the permissions
        // forbid it or the name is already removed.
        let named = self.name.open(self.c_flags() & !as_c_int(O_CREAT | O_EXCL | O_TRUNC), 0);
        Ok(named.ok().filter(|named| sys::is_same_file(sys::raw(&named), sys::raw(&fd))).unwrap_or(fd))
    }

    /// Whether a smaller size truncates the file. Other processes use shared memory at the same time, and each opens it with a
    /// size of its own: only O_TRUNC and resizing make it smaller.
    fn cuts(&self) -> bool {
        matches!(self.name, Name::Path(_))
    }

    fn grow(&self, fd: RawFile, size: u64) -> Result<()> {
        let grown = if self.cuts() { sys::set_file_size(fd, size) } else { sys::grow_file(fd, size) };
        grown.map_err(|errno| self.size_error(errno, "grow", size))
    }

    /// The size to restore on failure. None for shared memory: another process may use what was added.
    fn size_to_restore(&self, before: u64) -> Option<u64> {
        self.cuts().then_some(before)
    }

    /// Waits until the process that created the shared memory has set its size.
    fn await_size(&self, fd: RawFile, mut found: FileInfo) -> Result<FileInfo> {
        let end = Instant::now() + SIZE_FOLLOWS;
        while found.size == 0 && matches!(self.name, Name::SharedMemory(_)) && self.flags & O_TRUNC == 0 {
            if Instant::now() >= end {
                let attempt = format!("wait {} s for the size of {}", SIZE_FOLLOWS.as_secs(), self.name.text());
                return Err(Error::system(Errno::ETIMEDOUT, attempt, "it has 0 bytes: pass the size that it is to have"));
            }
            std::thread::sleep(Duration::from_millis(1));
            found = file_info(fd, || self.attempt())?;
        }
        Ok(found)
    }

    fn attempt(&self) -> String {
        let size = match (self.name, self.new_size()) {
            (Name::SharedMemory(_), Some(size)) => format!(" of {size} bytes"),
            _ => String::new(),
        };
        format!("open {}{size} with flags {:#x}", self.name.text(), self.flags)
    }

    fn size_error(&self, errno: Errno, what: &str, size: u64) -> Box<Error> {
        let name = self.name.text();
        match errno {
            Errno::EOPNOTSUPP => Error::unsupported(format!("allocating blocks on the file system of {name}")),
            Errno::ENOSYS => Error::unsupported(format!("changing the size of {name}")),
            _ => Error::system(errno, format!("{what} {name} to {size} bytes"), file_size_hint(errno)),
        }
    }
}

impl Undo<'_> {
    /// Truncates the file if it gets smaller; after that nothing can fail, and nothing is undone.
    pub fn finish(mut self) -> Result<()> {
        if let Some(size) = self.cut_to {
            sys::set_file_size(self.fd, size).map_err(|errno| self.request.size_error(errno, "cut", size))?;
        }
        self.made = false;
        self.grown_from = None;
        Ok(())
    }
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if self.made {
            self.request.name.remove(self.fd);
        } else if let Some(size) = self.grown_from {
            let _ = sys::set_file_size(self.fd, size);
        }
    }
}
