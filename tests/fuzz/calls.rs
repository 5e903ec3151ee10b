//! The table of all calls: the arguments and the result of each. `scene` makes the arguments of each kind.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "arguments travel as numbers"
)]

use mmap_wrap::internals::ffi::{
    access::*, address::*, atomics::*, bindings::*, constants::*, elements::*, error::*, faults::*, hardening::*, huge::*,
    info::*,
};
use mmap_wrap::internals::ffi::{
    mapping::*, mutex::*, open, open::*, page_cache::*, protect::*, residency::*, resize::*, version::*,
};
use std::ffi::c_char;

/// What an argument is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArgumentKind {
    /// Live, stale, invalid, 0, negative.
    Handle,
    /// The second of two handles.
    OtherHandle,
    /// An address for mapping: 0, a hint, or with MAP_FIXED an address that was reserved for it.
    Address,
    /// The same for mremap_wrap.
    NewAddress,
    /// The length of a new mapping.
    Length,
    /// A new length of an existing mapping.
    NewLength,
    Protection,
    MapFlags,
    /// A descriptor: open for reading, for both, closed, of a directory, a pipe, a memory file.
    Fd,
    FileOffset,
    FileSize,
    /// A path: existing, missing, a directory, too long, not UTF-8, NULL …
    Path,
    SharedName,
    Name,
    OpenFlags,
    Mode,
    MemfdFlags,
    Seals,
    Advice,
    SyncFlags,
    RemapFlags,
    YesNo,
    /// A range of the mapping, as offset and size or as start and end.
    Offset,
    Size,
    Start,
    End,
    /// A valid buffer or NULL, and its size: the true one, less, 0, negative; more only for NULL.
    Room,
    Bytes,
    BufferSize,
    Byte,
    FactsSize,
    Count,
    ConstantName,
    Index,
    Code,
    /// An element kind, or an invalid one.
    Element,
    /// The bits of a word: 32, 64, or an invalid number.
    Bits,
    Value,
    /// The bits of a double.
    Double,
    /// A few nanoseconds.
    Timeout,
    WakeCount,
    LockFlags,
    /// The size of a valid buffer or of NULL.
    RoomSize,
    Alignment,
    NodeMode,
    /// A set of nodes, aligned, or NULL; and its number of words.
    Nodes,
    NodeWords,
    NodeFlags,
}

/// The result of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResultKind {
    /// A new handle, or that of the argument; or a code.
    Handle,
    /// A descriptor, or a code.
    Descriptor,
    /// Zero or more, or a code.
    Number,
    /// Any number; the smallest can be an error, whose code is separate.
    Int,
    /// The bits of any double; a NaN can be an error, whose code is separate.
    Float,
    /// NULL on error.
    Address,
    /// A text that is never NULL.
    Text,
    /// Not a result: any number.
    Free,
}

pub struct Call {
    pub name: &'static str,
    pub takes: &'static [ArgumentKind],
    pub results: ResultKind,
    pub make: fn(&[i64]) -> i64,
}

impl Call {
    pub fn place_of(&self, kind: ArgumentKind) -> Option<usize> {
        self.takes.iter().position(|takes| *takes == kind)
    }
}

macro_rules! calls {
    ($($name:ident($($kind:ident),*) -> $result:ident;)*) => {
        pub const CALLS: &[Call] = &[$(Call {
            name: stringify!($name),
            takes: &[$(ArgumentKind::$kind),*],
            results: ResultKind::$result,
            make: |arguments| {
                let mut _next = arguments.iter().copied();
                // SAFETY: `scene` makes arguments as the header requires.
                unsafe { $name($({ let _ = ArgumentKind::$kind; of_number(_next.next().unwrap_or(0)) }),*) }.number()
            },
        }),*];
    };
}

/// Functions that take a struct, under these names in the table: here each member is an argument.
macro_rules! with_options {
    ($($name:ident)*) => {
        $(#[allow(clippy::too_many_arguments, reason = "the members of the struct")]
        unsafe fn $name(
            name: *const c_char, open_flags: i64, mode: i64, size: i64, allocate: i64, length: i64, prot: i64, flags: i64, offset: i64,
        ) -> i64 {
            let options = mmap_wrap_open_options { open_flags, mode, size, allocate, length, prot, flags, offset };
            // SAFETY: the struct has this size; the caller ensures the rest.
            unsafe { open::$name(name, &raw const options, size_of_val(&options) as i64) }
        })*
    };
}

with_options! { mmap_open_wrap mmap_shm_wrap }

calls! {
    mmap_wrap_abi_version() -> Number;
    mmap_wrap_version() -> Text;
    mmap_wrap_page_size() -> Number;

    mmap_wrap_strerror(Code) -> Text;
    mmap_wrap_last_error_message() -> Text;
    mmap_wrap_last_error_reason() -> Text;
    mmap_wrap_last_error_code() -> Free;
    mmap_wrap_last_error_system_code() -> Free;

    mmap_wrap(Address, Length, Protection, MapFlags, Fd, FileOffset) -> Handle;
    mmap_path_wrap(Path, Length, Protection, MapFlags, FileOffset) -> Handle;
    munmap_wrap(Handle) -> Number;

    mmap_open_wrap(Path, OpenFlags, Mode, FileSize, YesNo, Length, Protection, MapFlags, FileOffset) -> Handle;
    mmap_create_wrap(Path, FileSize, Mode) -> Handle;
    mmap_shm_wrap(SharedName, OpenFlags, Mode, FileSize, YesNo, Length, Protection, MapFlags, FileOffset) -> Handle;
    shm_unlink_wrap(SharedName) -> Number;
    mmap_memfd_wrap(Name, MemfdFlags, Length, Protection, MapFlags) -> Handle;
    mmap_secret_wrap(Length, Protection) -> Handle;
    mmap_unnamed_wrap(Length, Protection, MapFlags) -> Handle;
    mmap_wrap_dup_fd(Handle) -> Descriptor;
    mmap_wrap_file_seals(Handle) -> Number;
    mmap_wrap_add_file_seals(Handle, Seals) -> Number;

    mprotect_wrap(Handle, Protection, Offset, Size) -> Number;
    madvise_wrap(Handle, Advice, Offset, Size) -> Number;
    msync_wrap(Handle, SyncFlags, Offset, Size) -> Number;

    mremap_wrap(Handle, NewLength, RemapFlags, NewAddress, YesNo) -> Handle;
    mmap_wrap_split(Handle, Offset) -> Handle;

    mmap_wrap_guard(Handle, YesNo, Offset, Size) -> Number;
    mseal_wrap(Handle, Offset, Size) -> Number;
    mmap_wrap_set_name(Handle, Name) -> Number;

    mmap_wrap_address(Handle) -> Address;
    mmap_wrap_length(Handle) -> Number;
    mmap_wrap_acquire(Handle) -> Address;
    mmap_wrap_release(Handle) -> Number;

    mmap_wrap_read(Handle, Offset, Room, BufferSize) -> Number;
    mmap_wrap_write(Handle, Offset, Bytes, BufferSize) -> Number;
    mmap_wrap_fill(Handle, Offset, Byte, Size) -> Number;
    mmap_wrap_move(Handle, Offset, Offset, Size) -> Number;
    mmap_wrap_check(Handle, Offset, Size) -> Number;
    mmap_wrap_copy(Handle, Offset, OtherHandle, Offset, Size) -> Number;
    mmap_wrap_compare(Handle, Offset, OtherHandle, Offset, Size) -> Number;
    mmap_wrap_count(Handle, Bytes, BufferSize, Start, End) -> Number;
    mmap_wrap_find(Handle, Bytes, BufferSize, Start, End) -> Number;
    mmap_wrap_rfind(Handle, Bytes, BufferSize, Start, End) -> Number;

    mmap_wrap_get(Handle, Element, Offset, Room) -> Number;
    mmap_wrap_put(Handle, Element, Offset, Bytes) -> Number;
    mmap_wrap_get_int(Handle, Element, Offset) -> Int;
    mmap_wrap_put_int(Handle, Element, Offset, Value) -> Number;
    mmap_wrap_get_float(Handle, Element, Offset) -> Float;
    mmap_wrap_put_float(Handle, Element, Offset, Double) -> Number;

    mmap_wrap_atomic_load(Handle, Bits, Offset, Room) -> Number;
    mmap_wrap_atomic_store(Handle, Bits, Offset, Value) -> Number;
    mmap_wrap_atomic_add(Handle, Bits, Offset, Value, Room) -> Number;
    mmap_wrap_atomic_exchange(Handle, Bits, Offset, Value, Room) -> Number;
    mmap_wrap_atomic_compare_exchange(Handle, Bits, Offset, Value, Value, Room) -> Number;
    mmap_wrap_wait(Handle, Offset, Value, Timeout) -> Number;
    mmap_wrap_wake(Handle, Offset, WakeCount) -> Number;

    mmap_wrap_mutex_lock(Handle, Offset, Timeout) -> Number;
    mmap_wrap_mutex_unlock(Handle, Offset) -> Number;
    mmap_wrap_mutex_abandon(Handle, Offset) -> Number;

    mlock_wrap(Handle, LockFlags, Offset, Size) -> Number;
    munlock_wrap(Handle, Offset, Size) -> Number;
    mincore_wrap(Handle, Room, RoomSize, Offset, Size) -> Number;
    mmap_wrap_resident_bytes(Handle, Offset, Size) -> Number;
    mmap_wrap_prefault(Handle, YesNo, Offset, Size) -> Number;
    mmap_wrap_page_out(Handle, Offset, Size) -> Number;
    cachestat_wrap(Handle, Room, FactsSize, Offset, Size) -> Number;
    mmap_wrap_fd_cachestat(Fd, Room, FactsSize, FileOffset, Size) -> Number;
    mmap_wrap_fd_evict(Fd, FileOffset, Size) -> Number;
    mmap_wrap_fd_readahead(Fd, FileOffset, Size) -> Number;

    mmap_wrap_huge_page_size() -> Number;
    mmap_aligned_wrap(Alignment, Length, Protection, MapFlags, Fd, FileOffset) -> Handle;
    mmap_wrap_huge_bytes(Handle, Offset, Size) -> Number;
    mbind_wrap(Handle, NodeMode, Nodes, NodeWords, NodeFlags, Offset, Size) -> Number;
    mmap_wrap_numa_node(Handle, Offset) -> Number;

    mmap_wrap_fault_done() -> Number;
    mmap_wrap_fault_address() -> Free;
    mmap_wrap_survive(Handle, YesNo) -> Number;
    mmap_wrap_loss_flag(Handle) -> Address;
    mmap_wrap_trust_handlers(YesNo) -> Number;
    mmap_wrap_verify_handlers() -> Number;

    mmap_wrap_info(Handle, Room, FactsSize) -> Number;
    mmap_wrap_file_size(Handle) -> Number;
    mmap_wrap_list(Room, Count) -> Number;

    mmap_wrap_constant(ConstantName, Room) -> Number;
    mmap_wrap_constant_count() -> Number;
    mmap_wrap_constant_name(Index) -> Address;
    mmap_wrap_constant_value(Index) -> Free;
    mmap_wrap_constant_available(Index) -> Number;
}

/// Calls that are not in the table, and the reason.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("mlockall_wrap", "what later calls map would be read in, whatever its size: tests/c/residency.c has it"),
    ("munlockall_wrap", "likewise"),
];

/// An argument or a result, as a number.
trait Numbered {
    fn of(number: i64) -> Self;
    fn number(self) -> i64;
}

fn of_number<T: Numbered>(number: i64) -> T {
    T::of(number)
}

impl Numbered for i64 {
    fn of(number: i64) -> i64 {
        number
    }

    fn number(self) -> i64 {
        self
    }
}

impl Numbered for f64 {
    fn of(number: i64) -> f64 {
        f64::from_bits(number as u64)
    }

    fn number(self) -> i64 {
        self.to_bits() as i64
    }
}

impl<T> Numbered for *mut T {
    fn of(number: i64) -> *mut T {
        std::ptr::with_exposed_provenance_mut(number as usize)
    }

    fn number(self) -> i64 {
        self.expose_provenance() as i64
    }
}

impl<T> Numbered for *const T {
    fn of(number: i64) -> *const T {
        std::ptr::with_exposed_provenance(number as usize)
    }

    fn number(self) -> i64 {
        self.expose_provenance() as i64
    }
}
