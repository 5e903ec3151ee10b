//! The C functions as safe functions: the tests ensure what the header requires.

#![allow(dead_code, unused_imports, reason = "each program uses its own part of this")]

use mmap_wrap::internals::ffi;
use std::ffi::{c_char, c_void};

macro_rules! abi {
    ($($topic:ident { $($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)* })*) => {
        $($(#[inline(always)]
        pub fn $name($($argument: $type),*) -> $result {
            // SAFETY: the test passes what the header requires.
            unsafe { ffi::$topic::$name($($argument),*) }
        })*)*
    };
}

pub use ffi::bindings::MMAP_WRAP_NO_INT;
pub use ffi::info::{
    MMAP_WRAP_SOURCE_ANONYMOUS, MMAP_WRAP_SOURCE_DESCRIPTOR, MMAP_WRAP_SOURCE_MEMORY_FILE, MMAP_WRAP_SOURCE_PATH,
    MMAP_WRAP_SOURCE_SHARED_MEMORY,
};
pub use ffi::open::MMAP_WRAP_KEEP;

#[allow(non_camel_case_types)]
pub type mmap_wrap_info = ffi::info::mmap_wrap_info;
#[allow(non_camel_case_types)]
pub type mmap_wrap_cachestat = ffi::page_cache::mmap_wrap_cachestat;

abi! {
    access {
        mmap_wrap_check(h: i64, offset: i64, size: i64) -> i64;
        mmap_wrap_compare(h1: i64, offset1: i64, h2: i64, offset2: i64, size: i64) -> i64;
        mmap_wrap_copy(h_to: i64, to: i64, h_from: i64, from: i64, size: i64) -> i64;
        mmap_wrap_count(h: i64, needle: *const c_void, needle_len: i64, start: i64, end: i64) -> i64;
        mmap_wrap_fill(h: i64, offset: i64, byte: i64, size: i64) -> i64;
        mmap_wrap_find(h: i64, needle: *const c_void, needle_len: i64, start: i64, end: i64) -> i64;
        mmap_wrap_move(h: i64, to: i64, from: i64, size: i64) -> i64;
        mmap_wrap_read(h: i64, offset: i64, to: *mut c_void, size: i64) -> i64;
        mmap_wrap_rfind(h: i64, needle: *const c_void, needle_len: i64, start: i64, end: i64) -> i64;
        mmap_wrap_write(h: i64, offset: i64, from: *const c_void, size: i64) -> i64;
    }
    address {
        mmap_wrap_acquire(h: i64) -> *mut c_void;
        mmap_wrap_address(h: i64) -> *mut c_void;
        mmap_wrap_length(h: i64) -> i64;
        mmap_wrap_release(h: i64) -> i64;
    }
    bindings {
        mmap_wrap_constant_count() -> i64;
        mmap_wrap_get_float(h: i64, kind: i64, offset: i64) -> f64;
        mmap_wrap_get_int(h: i64, kind: i64, offset: i64) -> i64;
        mmap_wrap_last_error_code() -> i64;
        mmap_wrap_put_float(h: i64, kind: i64, offset: i64, value: f64) -> i64;
        mmap_wrap_put_int(h: i64, kind: i64, offset: i64, value: i64) -> i64;
    }
    constants {
        mmap_wrap_constant(name: *const c_char, value: *mut i64) -> i64;
    }
    elements {
        mmap_wrap_get(h: i64, kind: i64, offset: i64, value: *mut c_void) -> i64;
        mmap_wrap_put(h: i64, kind: i64, offset: i64, value: *const c_void) -> i64;
    }
    error {
        mmap_wrap_last_error_message() -> *const c_char;
        mmap_wrap_last_error_system_code() -> i64;
        mmap_wrap_strerror(code: i64) -> *const c_char;
    }
    info {
        mmap_wrap_file_size(h: i64) -> i64;
        mmap_wrap_info(h: i64, info: *mut mmap_wrap_info, size: i64) -> i64;
        mmap_wrap_list(handles: *mut i64, room: i64) -> i64;
    }
    faults {
        mmap_wrap_fault_address() -> *mut c_void;
        mmap_wrap_fault_done() -> i64;
        mmap_wrap_loss_flag(h: i64) -> *const u32;
        mmap_wrap_survive(h: i64, yes: i64) -> i64;
        mmap_wrap_trust_handlers(yes: i64) -> i64;
    }
    hardening {
        mmap_wrap_guard(h: i64, on: i64, offset: i64, size: i64) -> i64;
        mmap_wrap_set_name(h: i64, name: *const c_char) -> i64;
        mseal_wrap(h: i64, offset: i64, size: i64) -> i64;
    }
    huge {
        mbind_wrap(h: i64, mode: i64, nodes: *const u64, node_words: i64, flags: i64, offset: i64, size: i64) -> i64;
        mmap_aligned_wrap(alignment: i64, len: i64, prot: i64, flags: i64, fd: i64, offset: i64) -> i64;
        mmap_wrap_huge_bytes(h: i64, offset: i64, size: i64) -> i64;
        mmap_wrap_huge_page_size() -> i64;
        mmap_wrap_numa_node(h: i64, offset: i64) -> i64;
    }
    mapping {
        mmap_path_wrap(path: *const c_char, len: i64, prot: i64, flags: i64, offset: i64) -> i64;
        mmap_wrap(addr: *mut c_void, len: i64, prot: i64, flags: i64, fd: i64, offset: i64) -> i64;
        munmap_wrap(h: i64) -> i64;
    }
    mutex {
        mmap_wrap_mutex_lock(h: i64, offset: i64, timeout: i64) -> i64;
        mmap_wrap_mutex_unlock(h: i64, offset: i64) -> i64;
    }
    open {
        mmap_memfd_wrap(name: *const c_char, memfd_flags: i64, len: i64, prot: i64, flags: i64) -> i64;
        mmap_secret_wrap(len: i64, prot: i64) -> i64;
        mmap_unnamed_wrap(len: i64, prot: i64, flags: i64) -> i64;
        mmap_wrap_add_file_seals(h: i64, seals: i64) -> i64;
        mmap_wrap_dup_fd(h: i64) -> i64;
        mmap_wrap_file_seals(h: i64) -> i64;
        shm_unlink_wrap(name: *const c_char) -> i64;
    }
    page_cache {
        cachestat_wrap(h: i64, cache: *mut mmap_wrap_cachestat, struct_size: i64, offset: i64, size: i64) -> i64;
        mmap_wrap_fd_cachestat(fd: i64, cache: *mut mmap_wrap_cachestat, struct_size: i64, offset: i64, size: i64) -> i64;
        mmap_wrap_fd_evict(fd: i64, offset: i64, size: i64) -> i64;
        mmap_wrap_fd_readahead(fd: i64, offset: i64, size: i64) -> i64;
        mmap_wrap_page_out(h: i64, offset: i64, size: i64) -> i64;
    }
    protect {
        madvise_wrap(h: i64, advice: i64, offset: i64, size: i64) -> i64;
        mprotect_wrap(h: i64, prot: i64, offset: i64, size: i64) -> i64;
        msync_wrap(h: i64, flags: i64, offset: i64, size: i64) -> i64;
    }
    residency {
        mincore_wrap(h: i64, pages: *mut u8, room: i64, offset: i64, size: i64) -> i64;
        mlock_wrap(h: i64, flags: i64, offset: i64, size: i64) -> i64;
        mmap_wrap_prefault(h: i64, writing: i64, offset: i64, size: i64) -> i64;
        mmap_wrap_resident_bytes(h: i64, offset: i64, size: i64) -> i64;
        munlock_wrap(h: i64, offset: i64, size: i64) -> i64;
    }
    resize {
        mmap_wrap_split(h: i64, offset: i64) -> i64;
        mremap_wrap(h: i64, length: i64, flags: i64, new_addr: *mut c_void, with_file: i64) -> i64;
    }
    atomics {
        mmap_wrap_atomic_add(h: i64, bits: i64, offset: i64, value: i64, before: *mut i64) -> i64;
        mmap_wrap_atomic_compare_exchange(h: i64, bits: i64, offset: i64, expected: i64, desired: i64, before: *mut i64) -> i64;
        mmap_wrap_atomic_exchange(h: i64, bits: i64, offset: i64, value: i64, before: *mut i64) -> i64;
        mmap_wrap_atomic_load(h: i64, bits: i64, offset: i64, value: *mut i64) -> i64;
        mmap_wrap_atomic_store(h: i64, bits: i64, offset: i64, value: i64) -> i64;
        mmap_wrap_wait(h: i64, offset: i64, expected: i64, timeout: i64) -> i64;
        mmap_wrap_wake(h: i64, offset: i64, count: i64) -> i64;
    }
    version {
        mmap_wrap_page_size() -> i64;
    }
}
