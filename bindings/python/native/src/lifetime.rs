//! Creating and closing a map: `mmap(...)`, `close`, `closed`, the `with` statement; and `repr`.

#[cfg(windows)]
use crate::arguments::is_none;
use crate::arguments::{arguments, int, int64, long, ssize};
use crate::exceptions::{Object, Raised, Result, call, made, none, or_null, raise, raise_errno, raised_by};
use crate::gil::{LONG, without_gil};
use crate::header::{E_UNMAPPED, KEEP, OR_PRIVATE, REST};
use crate::library::{library, page_size};
use crate::object::{ACCESS_COPY, ACCESS_READ, ACCESS_WRITE, UNTRACKED, call_of, map_of, surviving};
use crate::pages::info;
use crate::system;
use pyo3_ffi::*;
use std::ffi::{CStr, c_int, c_void};
use std::ptr::{null, null_mut};

const READ_WRITE: c_int = system::PROT_READ | system::PROT_WRITE;
const ACCESS_DEFAULT: i64 = 0;

/// The caller's name for `mmap(...)` in messages.
const CLASS: &CStr = c"mmap_wrap.mmap";

/// The converted and checked arguments of `mmap(...)`, in the order in which they are checked.
struct Request {
    fd: c_int,
    length: i64,
    flags: i64,
    protection: c_int,
    access: i64,
    offset: i64,
    address: i64,
    alignment: i64,
    /// The name of the memory, a parameter on Windows only; NULL if there is none.
    #[cfg(windows)]
    tag: Object,
    trackfd: bool,
    survive: bool,
}

/// The arguments as objects: NULL for an omitted one.
struct Given {
    fd: Object,
    length: Object,
    flags: Object,
    prot: Object,
    access: Object,
    offset: Object,
    address: Object,
    alignment: Object,
    #[cfg(windows)]
    tag: Object,
    trackfd: c_int,
    survive: c_int,
}

pub unsafe extern "C" fn new(class: *mut PyTypeObject, arguments: Object, keywords: Object) -> Object {
    // SAFETY: called by the interpreter, with this class or a subclass.
    unsafe { or_null(Request::from_arguments(arguments, keywords).and_then(|request| request.map(class))) }
}

/// `_of(handle, access, survive)`: a map of the class, which owns the handle.
pub unsafe extern "C" fn from_handle(class: Object, first: *mut Object, count: Py_ssize_t) -> Object {
    // SAFETY: called by the interpreter, with this class or a subclass.
    unsafe {
        let &[handle, access, survive] = arguments(first, count) else {
            raise(PyExc_TypeError, c"_of takes a handle, an access and a flag");
            return null_mut();
        };
        let (handle, access, survive) = (PyLong_AsLongLong(handle), PyLong_AsLongLong(access), PyObject_IsTrue(survive));
        if !PyErr_Occurred().is_null() {
            return null_mut();
        }
        or_null(surviving(class.cast(), handle, access, (library().length)(handle).max(0), survive == 1))
    }
}

/// Parses arguments by a format into fields of a `Given`, each beside the name of its parameter.
macro_rules! parse {
    ($given:ident, $arguments:ident, $keywords:ident, $format:literal, $($name:literal => $field:ident),+) => {{
        let names = [$($name.as_ptr(),)+ null()];
        // SAFETY: called by the interpreter; there is a pointer of its type for each letter of the format.
        unsafe {
            PyArg_ParseTupleAndKeywords(
                $arguments, $keywords, $format.as_ptr(), names.as_ptr().cast_mut().cast(), $(&raw mut $given.$field),+
            )
        }
    }};
}

impl Given {
    /// # Safety
    /// As `new`.
    unsafe fn from_arguments(arguments: Object, keywords: Object) -> Result<Given> {
        let nothing = null_mut();
        let mut given = Given {
            fd: nothing,
            length: nothing,
            flags: nothing,
            prot: nothing,
            access: nothing,
            offset: nothing,
            address: nothing,
            alignment: nothing,
            #[cfg(windows)]
            tag: nothing,
            trackfd: 1,
            survive: 1,
        };
        // SAFETY: called by the interpreter.
        if unsafe { given.parse(arguments, keywords) } == 0 { Err(Raised) } else { Ok(given) }
    }

    /// Parses the standard library's parameters, and then those that it does not have. Returns 0 with an exception set.
    ///
    /// # Safety
    /// As `new`.
    #[cfg(not(windows))]
    unsafe fn parse(&mut self, arguments: Object, keywords: Object) -> c_int {
        parse!(self, arguments, keywords, c"OO|OOOO$ppOO:mmap", c"fileno" => fd, c"length" => length, c"flags" => flags,
            c"prot" => prot, c"access" => access, c"offset" => offset, c"trackfd" => trackfd, c"survive" => survive,
            c"address" => address, c"alignment" => alignment)
    }

    /// The same on Windows, where the standard library has a name for the memory instead of flags and protection.
    ///
    /// # Safety
    /// As `new`.
    #[cfg(windows)]
    unsafe fn parse(&mut self, arguments: Object, keywords: Object) -> c_int {
        parse!(self, arguments, keywords, c"OO|OOO$ppOOOO:mmap", c"fileno" => fd, c"length" => length, c"tagname" => tag,
            c"access" => access, c"offset" => offset, c"trackfd" => trackfd, c"survive" => survive, c"address" => address,
            c"alignment" => alignment, c"flags" => flags, c"prot" => prot)
    }
}

impl Request {
    /// # Safety
    /// As `new`.
    unsafe fn from_arguments(arguments: Object, keywords: Object) -> Result<Request> {
        // SAFETY: called by the interpreter.
        unsafe {
            let given = Given::from_arguments(arguments, keywords)?;
            let or = |object: Object, default: c_int| if object.is_null() { Ok(default) } else { int(object) };
            let (fd, length) = (int(given.fd)?, ssize(given.length)?);
            let (flags, protection) = (or(given.flags, system::MAP_SHARED)?, or(given.prot, READ_WRITE)?);
            let (access, offset) = (or(given.access, 0)?, if given.offset.is_null() { 0 } else { off_t(given.offset)? });
            if length < 0 {
                return Err(raise(PyExc_OverflowError, c"memory mapped length must be positive"));
            }
            if offset < 0 {
                return Err(raise(PyExc_OverflowError, c"memory mapped offset must be positive"));
            }
            let (access, flags, protection) = mode(access.into(), flags, protection)?;
            audit(fd, length, access, offset)?;
            let address = if given.address.is_null() { 0 } else { address_of(given.address)? };
            let alignment = if given.alignment.is_null() { 0 } else { int64(given.alignment)? };
            Ok(Request {
                fd,
                length,
                flags,
                protection,
                access,
                offset,
                address,
                alignment,
                #[cfg(windows)]
                tag: if is_none(given.tag) { null_mut() } else { given.tag },
                trackfd: given.trackfd != 0,
                survive: given.survive != 0,
            })
        }
    }

    /// # Safety
    /// As `new`.
    unsafe fn map(mut self, class: *mut PyTypeObject) -> Result<Object> {
        // SAFETY: called by the interpreter.
        unsafe {
            #[cfg(windows)]
            if !self.tag.is_null() {
                return self.map_section(class);
            }
            let handle = if self.fd == -1 {
                if self.offset & (system::granularity(page_size()) - 1) != 0 {
                    return Err(raise_errno(libc::EINVAL));
                }
                // Memory without a file has no offset; the standard library ignores one.
                self.flags |= i64::from(system::MAP_ANONYMOUS);
                if cfg!(windows) && self.flags & i64::from(system::MAP_SHARED) != 0 {
                    // Processes do not inherit it, and private memory can grow, as in the standard library.
                    self.flags ^= i64::from(system::MAP_SHARED | system::MAP_PRIVATE);
                }
                self.offset = 0;
                self.handle(-1)?
            } else {
                self.handle_of_file()?
            };
            self.object(class, handle)
        }
    }

    /// The new instance.
    ///
    /// # Safety
    /// As `new`; the caller owns the handle.
    unsafe fn object(&self, class: *mut PyTypeObject, handle: i64) -> Result<Object> {
        let access = if self.trackfd { self.access } else { self.access | UNTRACKED };
        let length = if self.length == REST { 0 } else { self.length };
        // SAFETY: as the caller promises.
        unsafe { surviving(class, handle, access, length, self.survive && can_be_lost(self.flags)) }
    }

    /// Maps memory that other processes map by its name. The thread's last error reports whether it existed before, as after
    /// CreateFileMapping: multiprocessing checks that.
    ///
    /// # Safety
    /// As `new`.
    #[cfg(windows)]
    unsafe fn map_section(&self, class: *mut PyTypeObject) -> Result<Object> {
        let &Request { fd, length, flags, protection, offset, tag, .. } = self;
        // SAFETY: called by the interpreter.
        unsafe {
            let mapping = |function, format| PyObject_CallFunction(function, format, tag, fd, length, flags, protection, offset);
            let made = made(call(c"mmap_wrap._windows", c"named_section", c"(OiLLiL)", mapping))?;
            let (handle, existed) = (PyLong_AsLongLong(PyTuple_GetItem(made, 0)), PyTuple_GetItem(made, 1) == Py_True());
            Py_DecRef(made);
            let object = self.object(class, handle);
            system::say_existed(existed);
            object
        }
    }

    /// Maps an open file. If that fails, the file has its former size.
    ///
    /// # Safety
    /// The GIL is held.
    unsafe fn handle_of_file(&mut self) -> Result<i64> {
        // SAFETY: as the caller promises.
        unsafe {
            let file = system::file(self.fd)?;
            let grows_from = self.length_within(&file)?;
            self.reject_shared_and_private()?;
            if self.trackfd && self.flags & i64::from(system::MAP_ANONYMOUS) == 0 {
                self.flags |= KEEP;
            }
            if grows_from.is_some() {
                let writes = self.protection & system::PROT_WRITE != 0 && self.flags & i64::from(system::MAP_SHARED) != 0;
                system::grow(&file, self.offset.saturating_add(self.length), writes)?;
            }
            let handle = self.handle(file.number);
            if let (Err(Raised), Some(size)) = (&handle, grows_from) {
                // An error here is ignored: the first error is reported.
                system::set_size(&file, size);
            }
            handle
        }
    }

    /// Determines the length to map if it is 0. Returns the size of the file if that is less than the end of the map.
    ///
    /// For a file without a size, the library determines the length of a block device, and raises the error for others.
    ///
    /// # Safety
    /// The GIL is held.
    unsafe fn length_within(&mut self, file: &system::File) -> Result<Option<i64>> {
        let message = match (self.length, file.size) {
            (0, None) => {
                self.length = REST;
                return Ok(None);
            }
            (0, Some(0)) => c"cannot mmap an empty file",
            (0, Some(size)) if self.offset >= size => c"mmap offset is greater than file size",
            (0, Some(size)) => {
                self.length = size - self.offset;
                return Ok(None);
            }
            (length, size) => return Ok(size.filter(|size| length > size - self.offset)),
        };
        // SAFETY: as the caller promises.
        Err(unsafe { raise(PyExc_ValueError, message) })
    }

    /// # Safety
    /// The GIL is held.
    unsafe fn reject_shared_and_private(&self) -> Result<()> {
        let both = i64::from(system::MAP_SHARED | system::MAP_PRIVATE);
        if self.flags & both == both {
            // SAFETY: as the caller promises.
            unsafe {
                let raising = |function, format| PyObject_CallFunction(function, format, CLASS.as_ptr(), self.flags);
                Py_DecRef(made(call(c"mmap_wrap._request", c"reject_shared_and_private", c"(sL)", raising))?);
            }
        }
        Ok(())
    }

    /// # Safety
    /// The GIL is held.
    unsafe fn handle(&self, file: i64) -> Result<i64> {
        let &Request { fd, length, flags, protection, offset, address, alignment, .. } = self;
        let (fd, protection) = (i64::from(fd), i64::from(protection));
        // SAFETY: as the caller promises. An address is a hint, or with MAP_FIXED the caller's responsibility.
        unsafe {
            if alignment != 0 && address != 0 {
                let raising = |function, format| PyObject_CallFunction(function, format, CLASS.as_ptr(), address, alignment);
                return Err(raised_by(call(c"mmap_wrap._request", c"raise_address_and_alignment", c"(sLL)", raising)));
            }
            // Mapping memory without a file is fast, unless it is populated.
            let may_wait = if fd == -1 && flags & !SIMPLE == 0 { 0 } else { LONG };
            let handle = without_gil(may_wait, || {
                if alignment == 0 {
                    (library().map)(address as usize as *mut c_void, length, protection, flags, file, offset)
                } else {
                    (library().map_aligned)(alignment, length, protection, flags, file, offset)
                }
            });
            if handle < 0 {
                // Where the library determines the length, the standard library passes 0 to the system.
                let length = if length == REST { 0 } else { length };
                return Err(raised_by(call(c"mmap_wrap._standard", c"not_mapped", c"(LLLLL)", |function, format| {
                    PyObject_CallFunction(function, format, handle, fd, length, flags, protection)
                })));
            }
            Ok(handle)
        }
    }
}

/// Flags with which mapping memory without a file is fast.
const SIMPLE: i64 = (system::MAP_ANONYMOUS | system::MAP_SHARED | system::MAP_PRIVATE | system::MAP_NORESERVE) as i64;

/// An off_t; converted as a C long if that has 64 bits.
///
/// # Safety
/// The GIL is held.
#[allow(clippy::unnecessary_cast, reason = "a long has 32 bits elsewhere")]
unsafe fn off_t(object: Object) -> Result<i64> {
    // SAFETY: as the caller promises.
    unsafe { if size_of::<std::ffi::c_long>() == 8 { long(object).map(|number| number as i64) } else { int64(object) } }
}

/// # Safety
/// The GIL is held.
unsafe fn address_of(object: Object) -> Result<i64> {
    // SAFETY: as the caller promises.
    unsafe {
        let address = int64(object)?;
        if address < 0 {
            // As an unsigned number it would be a kernel address, and the kernel ignores such a hint.
            PyErr_Format(PyExc_OverflowError, c"address %lld is negative".as_ptr(), address);
            return Err(Raised);
        }
        Ok(address)
    }
}

/// The access, with the flags and protection that it means; the standard library's rules and messages.
///
/// # Safety
/// The GIL is held.
unsafe fn mode(access: i64, flags: c_int, protection: c_int) -> Result<(i64, i64, c_int)> {
    let (shared, private) = (i64::from(system::MAP_SHARED), i64::from(system::MAP_PRIVATE));
    let message = match access {
        ACCESS_DEFAULT => return Ok((access_of(protection), flags.into(), protection)),
        _ if flags != system::MAP_SHARED || protection != READ_WRITE => c"mmap can't specify both access and flags, prot.",
        ACCESS_READ => return Ok((access, shared | OR_PRIVATE, system::PROT_READ)),
        ACCESS_WRITE => return Ok((access, shared, READ_WRITE)),
        ACCESS_COPY => return Ok((access, private, READ_WRITE)),
        _ => c"mmap invalid access parameter.",
    };
    // SAFETY: as the caller promises.
    Err(unsafe { raise(PyExc_ValueError, message) })
}

/// The ACCESS_ constant for a protection.
fn access_of(protection: c_int) -> i64 {
    if protection & READ_WRITE == READ_WRITE {
        ACCESS_DEFAULT
    } else if protection & system::PROT_WRITE != 0 {
        ACCESS_WRITE
    } else {
        ACCESS_READ
    }
}

/// Whether an access to a map with these flags can raise SIGBUS because the kernel has no page for it.
///
/// Anonymous memory cannot, except for huge pages, and for MAP_NORESERVE, which reserves no swap space.
fn can_be_lost(flags: i64) -> bool {
    flags & i64::from(system::MAP_ANONYMOUS) == 0 || flags & i64::from(system::MAP_HUGETLB | system::MAP_NORESERVE) != 0
}

/// Raises the standard library's auditing event.
///
/// # Safety
/// The GIL is held.
unsafe fn audit(fd: c_int, length: i64, access: i64, offset: i64) -> Result<()> {
    // SAFETY: as the caller promises; the arguments have the types of the format.
    let done = unsafe { system::audit()?(c"mmap.__new__".as_ptr(), c"iLLL".as_ptr(), fd, length, access, offset) };
    if done < 0 { Err(Raised) } else { Ok(()) }
}

/// # Safety
/// As the methods.
unsafe fn close_now(object: Object, method: &'static CStr) -> Result<Object> {
    // SAFETY: called by the interpreter.
    unsafe {
        let map = call_of(object, method);
        let done = without_gil(map.known_length(), || (library().unmap)(map.handle));
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
            (Err(Raised), &[_, error, ..]) if error != Py_None() => or_null(note_close_error(error)),
            (closed, _) => or_null(closed),
        }
    }
}

/// Adds the error of closing the map as a note to the exception that ended the `with` block, which the caller needs to see.
///
/// # Safety
/// As the methods; an exception is set.
#[cold]
#[allow(deprecated, reason = "their replacements in 3.12 are not in the stable ABI of 3.11")]
unsafe fn note_close_error(error: Object) -> Result<Object> {
    let (mut kind, mut value, mut traceback) = (null_mut(), null_mut(), null_mut());
    // SAFETY: called by the interpreter.
    unsafe {
        PyErr_Fetch(&raw mut kind, &raw mut value, &raw mut traceback);
        PyErr_NormalizeException(&raw mut kind, &raw mut value, &raw mut traceback);
        let noting = |function, format| PyObject_CallFunction(function, format, error, value);
        let noted = call(c"mmap_wrap._standard", c"note_close_error", c"(OO)", noting);
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

/// The name in the repr, as in the standard library: with the module for the class itself, without it for a subclass.
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
