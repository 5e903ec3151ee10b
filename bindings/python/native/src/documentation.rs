//! What `help()` says of the class and its methods, with the signatures that `inspect` reads.

use std::ffi::CStr;

#[cfg(not(windows))]
macro_rules! signature {
    () => {
        "mmap(fileno, length, flags=1, prot=3, access=0, offset=0, *, trackfd=True, survive=True, address=0, alignment=0)"
    };
}

#[cfg(windows)]
macro_rules! signature {
    () => {
        "mmap(fileno, length, tagname=None, access=0, offset=0, *, trackfd=True, survive=True, address=0, alignment=0, flags=1, \
         prot=3)"
    };
}

const CLASS_TEXT: &str = concat!(
    signature!(),
    r#"
--

Maps `length` bytes, from `offset` on, of the file with the descriptor `fileno`; -1 maps memory without a file.

`length` 0 maps to the end of the file. Pass either `flags` (MAP_SHARED or MAP_PRIVATE, and others) and `prot` (PROT_READ,
PROT_WRITE, PROT_EXEC), or `access`: ACCESS_READ, ACCESS_WRITE or ACCESS_COPY. `offset` is in bytes and need not be
a multiple of the page size. `trackfd` keeps a private duplicate of the descriptor, for `size`, `resize` and
pickling; `fileno` itself may always be closed after the call. `address` is a hint, or with MAP_FIXED or
MAP_FIXED_NOREPLACE the exact address; `alignment`, a power of two, makes the address a multiple of it.

On Windows the third argument is `tagname`, a name by which other processes map the same memory; `fileno` is then -1.
There `flags` and `prot` are passed by name, and a file that is shorter than the map grows.

`m[i]` is a byte as an int, `m[i:j]` is bytes; both can be assigned to. `len(m)` is the number of bytes mapped,
and iteration yields each byte as bytes of length 1. `memoryview(m)`, `numpy.frombuffer(m)`, `re.search(pattern, m)`
and other users of the buffer protocol access the memory without a copy; until they release it, closing and resizing
raise BufferError.

An access through the map that faults (because the file was truncated, or the disk is full or fails) raises
FaultError. Through a view, a fault would end the process. With `survive`, the page becomes zeroed memory instead, and
the next use of the map raises FaultError, once; if that use is `close`, the map is closed nevertheless. A view does
not survive if another handler of SIGBUS was installed later (`faulthandler.enable()`).

OSError and its subclasses: the system call failed, or an argument is invalid (EINVAL). ValueError: an empty file, or a
length beyond the file's end. ArgumentError: both MAP_SHARED and MAP_PRIVATE for a file, or an `address` with an
`alignment`. OverflowError: a negative or too large number.

Any thread may use a map while another closes it: each call returns the data or raises ValueError.

>>> import mmap_wrap
>>> m = mmap_wrap.mmap(-1, 13)
>>> m[:] = b"Hello, world!"
>>> m[7:12], m[0], m[-1:]
(b'world', 72, b'!')
>>> m.close()"#,
    "\0"
);

pub const CLASS: &CStr = match CStr::from_bytes_with_nul(CLASS_TEXT.as_bytes()) {
    Ok(text) => text,
    Err(_) => panic!("a NUL inside"),
};

pub const FIND: &CStr = cr#"find($self, sub, start=None, end=None, /)
--

The offset of the first `sub` that is entirely between `start` and `end` (slice notation), or -1.

`start` is by default the position of `read`. ValueError: closed. FaultError: the pages cannot be read.

>>> import mmap_wrap
>>> m = mmap_wrap.mmap(-1, 7)
>>> m[:] = b"one two"
>>> m.find(b"o"), m.find(b"o", 1), m.find(b"o", 1, -1)
(0, 6, -1)"#;

pub const RFIND: &CStr = cr#"rfind($self, sub, start=None, end=None, /)
--

The offset of the last `sub` that is entirely between `start` and `end` (slice notation), or -1.

`start` is by default the position of `read`. Errors as `find`.

>>> import mmap_wrap
>>> m = mmap_wrap.mmap(-1, 7)
>>> m[:] = b"one two"
>>> m.rfind(b"o")
6"#;

pub const COUNT: &CStr = cr#"count($self, sub, start=0, end=None, /)
--

The number of non-overlapping `sub` entirely between `start` and `end` (slice notation).

`start` is by default 0. Errors as `find`.

>>> import mmap_wrap
>>> m = mmap_wrap.mmap(-1, 7)
>>> m[:] = b"one two"
>>> m.count(b"o")
2"#;

pub const MOVE: &CStr = cr#"move($self, dest, src, count, /)
--

Copies `count` bytes from offset `src` to offset `dest`; the ranges may overlap.

ValueError: closed, or a range outside the map. TypeError: the map is read-only. FaultError: the pages are
protected.

>>> import mmap_wrap
>>> m = mmap_wrap.mmap(-1, 6)
>>> m[:] = b"abcdef"
>>> m.move(2, 0, 4)
>>> m[:]
b'ababcd'"#;

pub const READ: &CStr = cr#"read($self, n=None, /)
--

The next `n` bytes, or all that are left if there are fewer, or if `n` is negative or None. Advances the position.

ValueError: closed. FaultError: the access faulted.

>>> import mmap_wrap
>>> m = mmap_wrap.mmap(-1, 7)
>>> m[:] = b"one two"
>>> m.read(4), m.read(), m.read()
(b'one ', b'two', b'')"#;

pub const READ_BYTE: &CStr = cr#"read_byte($self, /)
--

The next byte as an int. Advances the position. ValueError: closed, or at the end.

>>> import mmap_wrap
>>> mmap_wrap.mmap(-1, 1).read_byte()
0"#;

pub const READLINE: &CStr = cr#"readline($self, /)
--

The bytes up to and including the next newline, or to the end. Advances the position. `lines` is faster for many.

ValueError: closed. FaultError: the access faulted.

>>> import mmap_wrap
>>> m = mmap_wrap.mmap(-1, 7)
>>> m[:] = b"one\ntwo"
>>> m.readline(), m.readline(), m.readline()
(b'one\n', b'two', b'')"#;

pub const WRITE: &CStr = cr#"write($self, data, /)
--

Writes the bytes of `data` at the position, advances it, and returns their number.

ValueError: closed, or `data` does not fit before the end. TypeError: the map is read-only, or `data` is not bytes-like.

>>> import mmap_wrap
>>> m = mmap_wrap.mmap(-1, 7)
>>> m.write(b"one "), m.write(b"two"), m[:]
(4, 3, b'one two')"#;

pub const WRITE_BYTE: &CStr = cr#"write_byte($self, byte, /)
--

Writes `byte`, an int from 0 to 255, at the position, and advances it.

ValueError: closed, or at the end. OverflowError: out of range. TypeError: the map is read-only.

>>> import mmap_wrap
>>> m = mmap_wrap.mmap(-1, 1)
>>> m.write_byte(7)
>>> m[0]
7"#;

pub const SEEK: &CStr = cr#"seek($self, pos, whence=0, /)
--

Sets the position of `read` and `write`, and returns it in bytes from the start.

`pos` is relative to `whence`: os.SEEK_SET, the start; os.SEEK_CUR, the position; os.SEEK_END, the end.
ValueError: closed, outside the map, or an invalid `whence`.

>>> import mmap_wrap
>>> mmap_wrap.mmap(-1, 7).seek(-2, 2)
5"#;

pub const SEEKABLE: &CStr = cr#"seekable($self, /)
--

True: `seek` works.

>>> import mmap_wrap
>>> mmap_wrap.mmap(-1, 1).seekable()
True"#;

pub const TELL: &CStr = cr#"tell($self, /)
--

The position of `read` and `write`, in bytes from the start. ValueError: closed.

>>> import mmap_wrap
>>> mmap_wrap.mmap(-1, 1).tell()
0"#;

pub const FLUSH: &CStr = cr#"flush($self, offset=0, size=None, /, *, flags=4)
--

Writes `size` bytes from `offset` on back to the file, and returns when they are on the disk.

`flags` are MS_SYNC, or MS_ASYNC not to wait, and MS_INVALIDATE. `offset` must be a multiple of the page size, as in
the standard library; `size` is by default the rest. ValueError: closed, or a range outside the map.
OSError: writing failed (EIO, ENOSPC), or `offset` is unaligned (EINVAL).

>>> import mmap_wrap
>>> m = mmap_wrap.mmap(-1, 100)
>>> m.flush()"#;

pub const MADVISE: &CStr = cr#"madvise($self, option, start=0, length=None, /)
--

Advises the kernel how `length` bytes from `start` on will be used: `option` is one MADV_ constant.

`length` is by default the rest; a range that extends beyond the end stops there, as in the standard library. An
option that discards data needs a range of whole pages, or up to the ends of the map.

ValueError: closed, or a start outside the map. OSError (EINVAL): an unknown option, an unaligned range, or an option
that this kernel lacks.

>>> import mmap_wrap
>>> m = mmap_wrap.mmap(-1, 8192)
>>> m.madvise(mmap_wrap.MADV_RANDOM)"#;

pub const RESIZE: &CStr = cr#"resize($self, newsize, /, *, allocate=False)
--

Makes the map, and its file from the map's offset on, `newsize` bytes long. The map may move in memory.

With `allocate` the file system allocates all blocks of the file, so that a full disk is an OSError (ENOSPC) now
and not a FaultError later.

TypeError: the map is read-only, or was made with ACCESS_COPY: see `remap`. ValueError: closed, a negative or too
large size, `trackfd=False`, or a shared map without a file, which cannot grow. BufferError: there is a view of the
map. OSError: the system call failed; nothing has changed.

>>> import mmap_wrap
>>> m = mmap_wrap.anonymous(4096)
>>> m.resize(8192)
>>> len(m)
8192"#;

pub const SIZE: &CStr = cr#"size($self, /)
--

The current size of the file in bytes, which may differ from what is mapped. Without a file, the length of the map.

Opens no descriptor. ValueError: closed. OSError (EBADF; from Python 3.15 on
ValueError): the map does not keep its file (`trackfd=False`).

>>> import mmap_wrap, os
>>> fd = os.open(mmap_wrap.__file__, os.O_RDONLY)
>>> m = mmap_wrap.mmap(fd, 100, access=mmap_wrap.ACCESS_READ)
>>> os.close(fd)
>>> len(m), m.size() > 100
(100, True)"#;

pub const CLOSE: &CStr = cr#"close($self, /)
--

Unmaps the memory, and closes the duplicate of the descriptor. Closing again has no effect.

BufferError: there is a view of the map, which then stays open.

>>> import mmap_wrap
>>> m = mmap_wrap.mmap(-1, 100)
>>> m.close()
>>> m[0]
Traceback (most recent call last):
ValueError: mmap closed or invalid"#;

pub const ENTER: &CStr = cr#"__enter__($self, /)
--

The map itself; leaving the block closes it.

>>> import mmap_wrap
>>> with mmap_wrap.mmap(-1, 100) as m:
...     m[0] = 1
>>> m.closed
True"#;

pub const EXIT: &CStr = cr#"__exit__($self, /, *exc_info)
--

Closes the map."#;

pub const GET: &CStr = cr#"get($self, /, kind, offset)
--

The number of this `kind` ("u1", "<u4", ">f8" …) at byte `offset`, which need not be aligned.

ValueError: closed, or outside the map. ArgumentError: an unknown kind. FaultError: the access faulted.

>>> import mmap_wrap
>>> m = mmap_wrap.mmap(-1, 8)
>>> m[:2] = b"\x01\x02"
>>> m.get(">u2", 0), m.get("<u2", 0)
(258, 513)"#;

pub const PUT: &CStr = cr#"put($self, /, kind, offset, value)
--

Sets the number of this `kind` at byte `offset`, which need not be aligned, to `value`.

OverflowError: it does not fit the kind. TypeError: it is not a number. Other errors as `get`; for a read-only map,
FaultError.

>>> import mmap_wrap
>>> m = mmap_wrap.mmap(-1, 8)
>>> m.put("f8", 0, 1.5)
>>> m.get("f8", 0)
1.5"#;

pub const ATOMIC_LOAD: &CStr = cr#"atomic_load($self, /, offset, bits=64)
--

The word at byte `offset`, of 32 or 64 `bits`, as a signed int.

All atomic operations are sequentially consistent. For them, `wait` and `wake`, the address of the word must be a
multiple of its width (ArgumentError). ValueError: closed, or outside the map. FaultError: the access
faulted.

>>> import mmap_wrap
>>> mmap_wrap.mmap(-1, 8).atomic_load(0)
0"#;

pub const ATOMIC_STORE: &CStr = cr#"atomic_store($self, /, offset, value, bits=64)
--

Sets the word at byte `offset`, of 32 or 64 `bits`, to `value`.

ArgumentError: it does not fit. Other errors as `atomic_load`.

>>> import mmap_wrap
>>> m = mmap_wrap.mmap(-1, 8)
>>> m.atomic_store(0, -1, 32)
>>> m.atomic_load(0, 32), m.atomic_load(4, 32)
(-1, 0)"#;

pub const ATOMIC_ADD: &CStr = cr#"atomic_add($self, /, offset, value, bits=64)
--

Adds `value` to the word at byte `offset`, of 32 or 64 `bits`, and returns the old value.

A sum that does not fit wraps around. ArgumentError: `value` does not fit. Other errors as `atomic_load`.

>>> import mmap_wrap
>>> m = mmap_wrap.mmap(-1, 8)
>>> m.atomic_add(0, 5), m.atomic_add(0, -2), m.atomic_load(0)
(0, 5, 3)"#;

pub const ATOMIC_EXCHANGE: &CStr = cr#"atomic_exchange($self, /, offset, value, bits=64)
--

Sets the word at byte `offset`, of 32 or 64 `bits`, to `value`, and returns the old value.

ArgumentError: it does not fit. Other errors as `atomic_load`.

>>> import mmap_wrap
>>> m = mmap_wrap.mmap(-1, 8)
>>> m.atomic_exchange(0, 7), m.atomic_exchange(0, 8)
(0, 7)"#;

pub const ATOMIC_COMPARE_EXCHANGE: &CStr = cr#"atomic_compare_exchange($self, /, offset, expected, desired, bits=64)
--

Sets the word at byte `offset`, of 32 or 64 `bits`, to `desired` if it is `expected`.

Returns whether it was, and the old value. ArgumentError: one of them does not fit. Other errors as
`atomic_load`.

>>> import mmap_wrap
>>> m = mmap_wrap.mmap(-1, 8)
>>> m.atomic_compare_exchange(0, 0, 1), m.atomic_compare_exchange(0, 0, 1)
((True, 0), (False, 1))"#;

pub const CLOSED: &CStr = cr#"Whether the map is closed.

>>> import mmap_wrap
>>> mmap_wrap.mmap(-1, 100).closed
False"#;
