//! How a map begins and ends: `mmap(...)`, `close`, `closed`, the `with` statement, and `repr`.

use crate::arguments::{arguments, int, int64, long, ssize};
use crate::exceptions::{Object, Raised, Result, call, made, none, or_null, raise, raise_errno, raised_by};
use crate::header::{E_UNMAPPED, KEEP, OR_PRIVATE, REST};
use crate::library::library;
use crate::object::{ACCESS_COPY, ACCESS_READ, ACCESS_WRITE, LONG, UNTRACKED, call_of, map_of, surviving, without_lock};
use crate::pages::{info, page_size};
use pyo3_ffi::*;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

const READ_WRITE: c_int = libc::PROT_READ | libc::PROT_WRITE;
const ACCESS_DEFAULT: i64 = 0;

/// What a program calls that makes a map.
const CLASS: &CStr = c"mmap_wrap.mmap";

/// What is asked for in `mmap(...)`, in the order in which the arguments are looked at.
struct Request {
    fd: c_int,
    length: i64,
    flags: i64,
    protection: c_int,
    access: i64,
    offset: i64,
    address: i64,
    alignment: i64,
    tracks: bool,
    survives: bool,
}

pub unsafe extern "C" fn new(class: *mut PyTypeObject, arguments: Object, keywords: Object) -> Object {
    // SAFETY: called by the interpreter, with a class derived from this one, or itself.
    unsafe { or_null(Request::of(arguments, keywords).and_then(|request| request.map(class))) }
}

impl Request {
    /// # Safety
    /// As `new`.
    unsafe fn of(arguments: Object, keywords: Object) -> Result<Request> {
        const NAMES: [*const c_char; 11] = [
            c"fileno".as_ptr(),
            c"length".as_ptr(),
            c"flags".as_ptr(),
            c"prot".as_ptr(),
            c"access".as_ptr(),
            c"offset".as_ptr(),
            c"trackfd".as_ptr(),
            c"survive".as_ptr(),
            c"address".as_ptr(),
            c"alignment".as_ptr(),
            null(),
        ];
        let [mut fd, mut length, mut flags, mut prot] = [null_mut::<PyObject>(); 4];
        let [mut access, mut offset, mut address, mut alignment] = [null_mut::<PyObject>(); 4];
        let (mut tracks, mut survives): (c_int, c_int) = (1, 1);
        // SAFETY: called by the interpreter; there is a place for each of the format's letters.
        unsafe {
            let parsed = PyArg_ParseTupleAndKeywords(
                arguments,
                keywords,
                c"OO|OOOO$ppOO:mmap".as_ptr(),
                NAMES.as_ptr().cast_mut().cast(),
                &raw mut fd,
                &raw mut length,
                &raw mut flags,
                &raw mut prot,
                &raw mut access,
                &raw mut offset,
                &raw mut tracks,
                &raw mut survives,
                &raw mut address,
                &raw mut alignment,
            );
            if parsed == 0 {
                return Err(Raised);
            }
            let or = |object: Object, default: c_int| if object.is_null() { Ok(default) } else { int(object) };
            let (fd, length) = (int(fd)?, ssize(length)?);
            let (flags, protection) = (or(flags, libc::MAP_SHARED)?, or(prot, READ_WRITE)?);
            let (access, offset) = (or(access, 0)?, if offset.is_null() { 0 } else { off_t(offset)? });
            if length < 0 {
                return Err(raise(PyExc_OverflowError, c"memory mapped length must be positive"));
            }
            if offset < 0 {
                return Err(raise(PyExc_OverflowError, c"memory mapped offset must be positive"));
            }
            let (access, flags, protection) = mode(access.into(), flags, protection)?;
            audit(fd, length, access, offset)?;
            let address = if address.is_null() { 0 } else { place(address)? };
            let alignment = if alignment.is_null() { 0 } else { int64(alignment)? };
            let (tracks, survives) = (tracks != 0, survives != 0);
            Ok(Request { fd, length, flags, protection, access, offset, address, alignment, tracks, survives })
        }
    }

    /// # Safety
    /// As `new`.
    unsafe fn map(mut self, class: *mut PyTypeObject) -> Result<Object> {
        // SAFETY: called by the interpreter.
        unsafe {
            if self.fd == -1 {
                if self.offset & (page_size() - 1) != 0 {
                    return Err(raise_errno(libc::EINVAL));
                }
                // Nothing to be at an offset of; the standard library takes one all the same.
                self.flags |= i64::from(libc::MAP_ANONYMOUS);
                self.offset = 0;
            } else {
                self.length = self.length_within_file()?;
                self.require_one_way()?;
                if self.tracks && self.flags & i64::from(libc::MAP_ANONYMOUS) == 0 {
                    self.flags |= KEEP;
                }
            }
            let handle = self.handle()?;
            let access = if self.tracks { self.access } else { self.access | UNTRACKED };
            let length = if self.length == REST { 0 } else { self.length };
            surviving(class, handle, access, length, self.survives && can_be_lost(self.flags))
        }
    }

    /// The length to map, found out where it is 0; the standard library maps nothing beyond the file's end.
    ///
    /// The library knows the length of a block device, and says of others that they need one.
    ///
    /// # Safety
    /// The interpreter's lock is held.
    unsafe fn length_within_file(&self) -> Result<i64> {
        let mut stat = MaybeUninit::<libc::stat64>::uninit();
        // SAFETY: as demanded; there is room for what the system says, which is read where it has said it.
        unsafe {
            if without_lock(LONG, || libc::fstat64(self.fd, stat.as_mut_ptr())) != 0 {
                let raising = |function, format| PyObject_CallFunction(function, format, self.fd);
                return Err(raised_by(call(c"mmap_wrap._standard", c"not_open", c"(i)", raising)));
            }
            let stat = stat.assume_init();
            if stat.st_mode & libc::S_IFMT != libc::S_IFREG {
                return Ok(if self.length == 0 { REST } else { self.length });
            }
            let words = match (self.length, stat.st_size) {
                (0, 0) => c"cannot mmap an empty file",
                (0, size) if self.offset >= size => c"mmap offset is greater than file size",
                (0, size) => return Ok(size - self.offset),
                (length, size) if length > size - self.offset => c"mmap length is greater than file size",
                (length, _) => return Ok(length),
            };
            Err(raise(PyExc_ValueError, words))
        }
    }

    /// # Safety
    /// The interpreter's lock is held.
    unsafe fn require_one_way(&self) -> Result<()> {
        let both = i64::from(libc::MAP_SHARED | libc::MAP_PRIVATE);
        if self.flags & both == both {
            // SAFETY: as demanded.
            unsafe {
                let raising = |function, format| PyObject_CallFunction(function, format, CLASS.as_ptr(), self.flags);
                Py_DecRef(made(call(c"mmap_wrap._request", c"require_one_way", c"(sL)", raising))?);
            }
        }
        Ok(())
    }

    /// # Safety
    /// The interpreter's lock is held.
    unsafe fn handle(&self) -> Result<i64> {
        let &Request { fd, length, flags, protection, offset, address, alignment, .. } = self;
        let (fd, protection) = (i64::from(fd), i64::from(protection));
        // SAFETY: as demanded. An address is only a hint, or the caller's responsibility by MAP_FIXED.
        unsafe {
            if alignment != 0 && address != 0 {
                let raising = |function, format| PyObject_CallFunction(function, format, CLASS.as_ptr(), address, alignment);
                return Err(raised_by(call(c"mmap_wrap._request", c"either_place", c"(sLL)", raising)));
            }
            // Memory without a file is there at once, if it is not to be filled in.
            let may_wait = if fd == -1 && flags & !SIMPLE == 0 { 0 } else { LONG };
            let handle = without_lock(may_wait, || {
                if alignment == 0 {
                    (library().map)(address as usize as *mut c_void, length, protection, flags, fd, offset)
                } else {
                    (library().map_aligned)(alignment, length, protection, flags, fd, offset)
                }
            });
            if handle < 0 {
                // Where the library found the length, the standard library gives the system one of 0.
                let length = if length == REST { 0 } else { length };
                return Err(raised_by(call(c"mmap_wrap._standard", c"not_mapped", c"(LLLLL)", |function, format| {
                    PyObject_CallFunction(function, format, handle, fd, length, flags, protection)
                })));
            }
            Ok(handle)
        }
    }
}

/// Flags with which memory without a file is mapped at once.
const SIMPLE: i64 = (libc::MAP_ANONYMOUS | libc::MAP_SHARED | libc::MAP_PRIVATE | libc::MAP_NORESERVE) as i64;

/// An off_t: a long of C where that has as many bits.
///
/// # Safety
/// The interpreter's lock is held.
#[allow(clippy::unnecessary_cast, reason = "a long has 32 bits elsewhere")]
unsafe fn off_t(object: Object) -> Result<i64> {
    // SAFETY: as demanded.
    unsafe { if size_of::<std::ffi::c_long>() == 8 { long(object).map(|number| number as i64) } else { int64(object) } }
}

/// # Safety
/// The interpreter's lock is held.
unsafe fn place(object: Object) -> Result<i64> {
    // SAFETY: as demanded.
    unsafe {
        let address = int64(object)?;
        if address < 0 {
            // As an unsigned number it would be one of the kernel's, which passes over a hint of that kind.
            PyErr_Format(PyExc_OverflowError, c"address %lld is negative".as_ptr(), address);
            return Err(Raised);
        }
        Ok(address)
    }
}

/// The access that counts, and its flags and protection; the standard library's rules and words.
///
/// # Safety
/// The interpreter's lock is held.
unsafe fn mode(access: i64, flags: c_int, protection: c_int) -> Result<(i64, i64, c_int)> {
    let (shared, private) = (i64::from(libc::MAP_SHARED), i64::from(libc::MAP_PRIVATE));
    let words = match access {
        ACCESS_DEFAULT => return Ok((access_of(protection), flags.into(), protection)),
        _ if flags != libc::MAP_SHARED || protection != READ_WRITE => c"mmap can't specify both access and flags, prot.",
        ACCESS_READ => return Ok((access, shared | OR_PRIVATE, libc::PROT_READ)),
        ACCESS_WRITE => return Ok((access, shared, READ_WRITE)),
        ACCESS_COPY => return Ok((access, private, READ_WRITE)),
        _ => c"mmap invalid access parameter.",
    };
    // SAFETY: as demanded.
    Err(unsafe { raise(PyExc_ValueError, words) })
}

/// The access that a protection comes to.
fn access_of(protection: c_int) -> i64 {
    if protection & READ_WRITE == READ_WRITE {
        ACCESS_DEFAULT
    } else if protection & libc::PROT_WRITE != 0 {
        ACCESS_WRITE
    } else {
        ACCESS_READ
    }
}

/// Whether the kernel can have no page for an access to such a map, and sends SIGBUS.
///
/// Ordinary pages without a file are there once they are mapped, but for swap space that MAP_NORESERVE leaves open.
fn can_be_lost(flags: i64) -> bool {
    flags & i64::from(libc::MAP_ANONYMOUS) == 0 || flags & i64::from(libc::MAP_HUGETLB | libc::MAP_NORESERVE) != 0
}

unsafe extern "C" {
    /// Every CPython from 3.8 on exports it so; the stable ABI has it from 3.13 on. (`sys.audit` is an attribute that programs can
    /// replace.)
    fn PySys_Audit(event: *const c_char, format: *const c_char, ...) -> c_int;
}

/// Raises the standard library's auditing event.
///
/// # Safety
/// The interpreter's lock is held.
unsafe fn audit(fd: c_int, length: i64, access: i64, offset: i64) -> Result<()> {
    // SAFETY: as demanded; the format takes these.
    let done = unsafe { PySys_Audit(c"mmap.__new__".as_ptr(), c"iLLL".as_ptr(), fd, length, access, offset) };
    if done < 0 { Err(Raised) } else { Ok(()) }
}

/// # Safety
/// As the methods.
unsafe fn close_now(object: Object, method: &'static CStr) -> Result<Object> {
    // SAFETY: called by the interpreter.
    unsafe {
        let map = call_of(object, method);
        let done = without_lock(map.known_length(), || (library().unmap)(map.handle));
        if done < 0 {
            return Err(map.fail_as_standard(done, c"", c"cannot close exported pointers exist"));
        }
        Ok(none())
    }
}

pub unsafe extern "C" fn close(object: Object, _: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(close_now(object, c"close")) }
}

pub unsafe extern "C" fn closed(object: Object, _: *mut c_void) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { PyBool_FromLong(((library().length)(map_of(object).handle) == E_UNMAPPED).into()) }
}

pub unsafe extern "C" fn enter(object: Object, _: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(call_of(object, c"__enter__").length().map(|_| Py_NewRef(object))) }
}

/// `__exit__(*exc_info)`
pub unsafe extern "C" fn exit(object: Object, first: *mut Object, count: Py_ssize_t) -> Object {
    // SAFETY: called by the interpreter.
    unsafe {
        match (close_now(object, c"__exit__"), arguments(first, count)) {
            (Err(Raised), &[_, error, ..]) if error != Py_None() => or_null(left_open(error)),
            (closed, _) => or_null(closed),
        }
    }
}

/// What ends the block is what its caller needs to see: that the map could not be closed becomes a note of it.
///
/// # Safety
/// As the methods; an exception is set.
#[cold]
#[allow(deprecated, reason = "what 3.12 has in their place is not in the stable ABI of 3.11")]
unsafe fn left_open(error: Object) -> Result<Object> {
    let (mut kind, mut value, mut traceback) = (null_mut(), null_mut(), null_mut());
    // SAFETY: called by the interpreter.
    unsafe {
        PyErr_Fetch(&raw mut kind, &raw mut value, &raw mut traceback);
        PyErr_NormalizeException(&raw mut kind, &raw mut value, &raw mut traceback);
        let noting = |function, format| PyObject_CallFunction(function, format, error, value);
        let noted = call(c"mmap_wrap._standard", c"left_open", c"(OO)", noting);
        Py_XDECREF(kind);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
        made(noted)
    }
}

const ACCESS_NAMES: [&CStr; 4] = [c"ACCESS_DEFAULT", c"ACCESS_READ", c"ACCESS_WRITE", c"ACCESS_COPY"];

pub unsafe extern "C" fn repr(object: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(described(object)) }
}

/// # Safety
/// As the methods.
unsafe fn described(object: Object) -> Result<Object> {
    // SAFETY: called by the interpreter.
    unsafe {
        let map = call_of(object, c"__repr__");
        let name = name_of(Py_TYPE(object))?;
        let length = (library().length)(map.handle);
        let text = if length < 0 {
            PyUnicode_FromFormat(c"<%U closed=True>".as_ptr(), name)
        } else {
            let access = ACCESS_NAMES.get((map.access() & crate::object::ACCESS) as usize).unwrap_or(&c"");
            match info(map) {
                Ok(info) => PyUnicode_FromFormat(
                    c"<%U closed=False, access=%s, length=%lld, pos=%lld, offset=%lld>".as_ptr(),
                    name,
                    access.as_ptr(),
                    length,
                    map.position(),
                    info.offset,
                ),
                Err(Raised) => null_mut(),
            }
        };
        Py_DecRef(name);
        made(text)
    }
}

/// As the standard library has it: the name of its own class with the module, of a subclass without.
///
/// # Safety
/// As the methods.
unsafe fn name_of(class: *mut PyTypeObject) -> Result<Object> {
    // SAFETY: called by the interpreter.
    unsafe {
        let name = made(PyType_GetName(class))?;
        if PyType_GetSlot(class, Py_tp_methods).is_null() {
            return Ok(name);
        }
        let module = PyObject_GetAttrString(class.cast(), c"__module__".as_ptr());
        let full = if module.is_null() { null_mut() } else { PyUnicode_FromFormat(c"%S.%U".as_ptr(), module, name) };
        Py_XDECREF(module);
        Py_DecRef(name);
        made(full)
    }
}
