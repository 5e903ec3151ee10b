//! What include/mmap_wrap.h declares, but for getters of constants. Written by scripts/stubs.
#![allow(non_camel_case_types, dead_code, reason = "as in C, and all of it")]

use std::ffi::{c_char, c_void};

pub const VERSION_MAJOR: i64 = 0;
pub const VERSION_MINOR: i64 = 1;
pub const VERSION_PATCH: i64 = 0;
pub const ABI_VERSION: i64 = 2;
pub const E_HANDLE: i64 = -4096;
pub const E_UNMAPPED: i64 = -4097;
pub const E_RANGE: i64 = -4098;
pub const E_ALIGNMENT: i64 = -4099;
pub const E_FAULT: i64 = -4100;
pub const E_BUSY: i64 = -4101;
pub const E_ARGUMENT: i64 = -4102;
pub const E_UNSUPPORTED: i64 = -4103;
pub const E_NOT_FOUND: i64 = -4104;
pub const E_SEALED: i64 = -4106;
pub const E_INTERNAL: i64 = -4105;
pub const REST: i64 = i64::MIN;
pub const KEEP: i64 = 4294967296;
pub const OR_PRIVATE: i64 = 8589934592;
pub const WITH_FILE: i64 = 1;
pub const ALLOCATE: i64 = 2;
pub const I8: i64 = 17;
pub const U8: i64 = 33;
pub const I16: i64 = 18;
pub const U16: i64 = 34;
pub const I32: i64 = 20;
pub const U32: i64 = 36;
pub const I64: i64 = 24;
pub const U64: i64 = 40;
pub const F32: i64 = 52;
pub const F64: i64 = 56;
pub const LITTLE_ENDIAN: i64 = 256;
pub const BIG_ENDIAN: i64 = 512;
pub const MUTEX_SIZE: i64 = 16;
pub const SOURCE_ANONYMOUS: i64 = 1;
pub const SOURCE_DESCRIPTOR: i64 = 2;
pub const SOURCE_PATH: i64 = 3;
pub const SOURCE_SHARED_MEMORY: i64 = 4;
pub const SOURCE_MEMORY_FILE: i64 = 5;
pub const NO_INT: i64 = i64::MIN;

#[repr(C)]
#[derive(Default)]
pub struct OpenOptions {
    pub open_flags: i64,
    pub mode: i64,
    pub size: i64,
    pub allocate: i64,
    pub length: i64,
    pub prot: i64,
    pub flags: i64,
    pub offset: i64,
}

#[repr(C)]
#[derive(Default)]
pub struct Cachestat {
    pub cached: i64,
    pub dirty: i64,
    pub writeback: i64,
    pub evicted: i64,
    pub recently_evicted: i64,
}

#[repr(C)]
#[derive(Default)]
pub struct Info {
    pub length: i64,
    pub mapped: i64,
    pub address: i64,
    pub page_size: i64,
    pub protection: i64,
    pub flags: i64,
    pub offset: i64,
    pub keeps_file: i64,
    pub sealed: i64,
    pub acquired: i64,
    pub surviving: i64,
    pub lost: i64,
    pub source: i64,
    pub descriptor: i64,
}

pub type mmap_wrap_abi_version = unsafe extern "C" fn() -> i64;
pub type mmap_wrap_version = unsafe extern "C" fn() -> *const c_char;
pub type mmap_wrap_page_size = unsafe extern "C" fn() -> i64;
pub type mmap_wrap_strerror = unsafe extern "C" fn(i64) -> *const c_char;
pub type mmap_wrap_last_error_message = unsafe extern "C" fn() -> *const c_char;
pub type mmap_wrap_last_error_system_code = unsafe extern "C" fn() -> i64;
pub type mmap_wrap = unsafe extern "C" fn(*mut c_void, i64, i64, i64, i64, i64) -> i64;
pub type mmap_path_wrap = unsafe extern "C" fn(*const c_char, i64, i64, i64, i64) -> i64;
pub type munmap_wrap = unsafe extern "C" fn(i64) -> i64;
pub type mmap_open_wrap = unsafe extern "C" fn(*const c_char, *const OpenOptions, i64) -> i64;
pub type mmap_create_wrap = unsafe extern "C" fn(*const c_char, i64, i64) -> i64;
pub type mmap_shm_wrap = unsafe extern "C" fn(*const c_char, *const OpenOptions, i64) -> i64;
pub type shm_unlink_wrap = unsafe extern "C" fn(*const c_char) -> i64;
pub type mmap_memfd_wrap = unsafe extern "C" fn(*const c_char, i64, i64, i64, i64) -> i64;
pub type mmap_secret_wrap = unsafe extern "C" fn(i64, i64) -> i64;
pub type mmap_unnamed_wrap = unsafe extern "C" fn(i64, i64, i64) -> i64;
pub type mmap_wrap_dup_fd = unsafe extern "C" fn(i64) -> i64;
pub type mmap_wrap_file_seals = unsafe extern "C" fn(i64) -> i64;
pub type mmap_wrap_add_file_seals = unsafe extern "C" fn(i64, i64) -> i64;
pub type mmap_wrap_address = unsafe extern "C" fn(i64) -> *mut c_void;
pub type mmap_wrap_length = unsafe extern "C" fn(i64) -> i64;
pub type mmap_wrap_acquire = unsafe extern "C" fn(i64) -> *mut c_void;
pub type mmap_wrap_release = unsafe extern "C" fn(i64) -> i64;
pub type mmap_wrap_check = unsafe extern "C" fn(i64, i64, i64) -> i64;
pub type mmap_wrap_read = unsafe extern "C" fn(i64, i64, *mut c_void, i64) -> i64;
pub type mmap_wrap_write = unsafe extern "C" fn(i64, i64, *const c_void, i64) -> i64;
pub type mmap_wrap_fill = unsafe extern "C" fn(i64, i64, i64, i64) -> i64;
pub type mmap_wrap_move = unsafe extern "C" fn(i64, i64, i64, i64) -> i64;
pub type mmap_wrap_copy = unsafe extern "C" fn(i64, i64, i64, i64, i64) -> i64;
pub type mmap_wrap_compare = unsafe extern "C" fn(i64, i64, i64, i64, i64) -> i64;
pub type mmap_wrap_find = unsafe extern "C" fn(i64, *const c_void, i64, i64, i64) -> i64;
pub type mmap_wrap_rfind = unsafe extern "C" fn(i64, *const c_void, i64, i64, i64) -> i64;
pub type mmap_wrap_count = unsafe extern "C" fn(i64, *const c_void, i64, i64, i64) -> i64;
pub type mprotect_wrap = unsafe extern "C" fn(i64, i64, i64, i64) -> i64;
pub type madvise_wrap = unsafe extern "C" fn(i64, i64, i64, i64) -> i64;
pub type msync_wrap = unsafe extern "C" fn(i64, i64, i64, i64) -> i64;
pub type mlock_wrap = unsafe extern "C" fn(i64, i64, i64, i64) -> i64;
pub type munlock_wrap = unsafe extern "C" fn(i64, i64, i64) -> i64;
pub type mlockall_wrap = unsafe extern "C" fn(i64) -> i64;
pub type munlockall_wrap = unsafe extern "C" fn() -> i64;
pub type mincore_wrap = unsafe extern "C" fn(i64, *mut u8, i64, i64, i64) -> i64;
pub type mmap_wrap_resident_bytes = unsafe extern "C" fn(i64, i64, i64) -> i64;
pub type mmap_wrap_prefault = unsafe extern "C" fn(i64, i64, i64, i64) -> i64;
pub type mmap_wrap_guard = unsafe extern "C" fn(i64, i64, i64, i64) -> i64;
pub type mseal_wrap = unsafe extern "C" fn(i64, i64, i64) -> i64;
pub type mmap_wrap_set_name = unsafe extern "C" fn(i64, *const c_char) -> i64;
pub type mremap_wrap = unsafe extern "C" fn(i64, i64, i64, *mut c_void, i64) -> i64;
pub type mmap_wrap_split = unsafe extern "C" fn(i64, i64) -> i64;
pub type mmap_wrap_get = unsafe extern "C" fn(i64, i64, i64, *mut c_void) -> i64;
pub type mmap_wrap_put = unsafe extern "C" fn(i64, i64, i64, *const c_void) -> i64;
pub type mmap_wrap_atomic_load = unsafe extern "C" fn(i64, i64, i64, *mut i64) -> i64;
pub type mmap_wrap_atomic_store = unsafe extern "C" fn(i64, i64, i64, i64) -> i64;
pub type mmap_wrap_atomic_add = unsafe extern "C" fn(i64, i64, i64, i64, *mut i64) -> i64;
pub type mmap_wrap_atomic_exchange = unsafe extern "C" fn(i64, i64, i64, i64, *mut i64) -> i64;
pub type mmap_wrap_atomic_compare_exchange = unsafe extern "C" fn(i64, i64, i64, i64, i64, *mut i64) -> i64;
pub type mmap_wrap_wait = unsafe extern "C" fn(i64, i64, i64, i64) -> i64;
pub type mmap_wrap_wake = unsafe extern "C" fn(i64, i64, i64) -> i64;
pub type mmap_wrap_mutex_lock = unsafe extern "C" fn(i64, i64, i64) -> i64;
pub type mmap_wrap_mutex_unlock = unsafe extern "C" fn(i64, i64) -> i64;
pub type mmap_wrap_mutex_abandon = unsafe extern "C" fn(i64, i64) -> i64;
pub type mmap_wrap_fault_done = unsafe extern "C" fn() -> i64;
pub type mmap_wrap_fault_address = unsafe extern "C" fn() -> *mut c_void;
pub type mmap_wrap_survive = unsafe extern "C" fn(i64, i64) -> i64;
pub type mmap_wrap_loss_flag = unsafe extern "C" fn(i64) -> *const u32;
pub type mmap_wrap_verify_handlers = unsafe extern "C" fn() -> i64;
pub type mmap_wrap_trust_handlers = unsafe extern "C" fn(i64) -> i64;
pub type mmap_wrap_page_out = unsafe extern "C" fn(i64, i64, i64) -> i64;
pub type cachestat_wrap = unsafe extern "C" fn(i64, *mut Cachestat, i64, i64, i64) -> i64;
pub type mmap_wrap_fd_cachestat = unsafe extern "C" fn(i64, *mut Cachestat, i64, i64, i64) -> i64;
pub type mmap_wrap_fd_evict = unsafe extern "C" fn(i64, i64, i64) -> i64;
pub type mmap_wrap_fd_readahead = unsafe extern "C" fn(i64, i64, i64) -> i64;
pub type mmap_wrap_huge_page_size = unsafe extern "C" fn() -> i64;
pub type mmap_aligned_wrap = unsafe extern "C" fn(i64, i64, i64, i64, i64, i64) -> i64;
pub type mmap_wrap_huge_bytes = unsafe extern "C" fn(i64, i64, i64) -> i64;
pub type mbind_wrap = unsafe extern "C" fn(i64, i64, *const u64, i64, i64, i64, i64) -> i64;
pub type mmap_wrap_numa_node = unsafe extern "C" fn(i64, i64) -> i64;
pub type mmap_wrap_info = unsafe extern "C" fn(i64, *mut Info, i64) -> i64;
pub type mmap_wrap_file_size = unsafe extern "C" fn(i64) -> i64;
pub type mmap_wrap_list = unsafe extern "C" fn(*mut i64, i64) -> i64;
pub type mmap_wrap_constant = unsafe extern "C" fn(*const c_char, *mut i64) -> i64;
pub type mmap_wrap_last_error_code = unsafe extern "C" fn() -> i64;
pub type mmap_wrap_last_error_reason = unsafe extern "C" fn() -> *const c_char;
pub type mmap_wrap_get_int = unsafe extern "C" fn(i64, i64, i64) -> i64;
pub type mmap_wrap_put_int = unsafe extern "C" fn(i64, i64, i64, i64) -> i64;
pub type mmap_wrap_get_float = unsafe extern "C" fn(i64, i64, i64) -> f64;
pub type mmap_wrap_put_float = unsafe extern "C" fn(i64, i64, i64, f64) -> i64;
pub type mmap_wrap_constant_count = unsafe extern "C" fn() -> i64;
pub type mmap_wrap_constant_name = unsafe extern "C" fn(i64) -> *const c_char;
pub type mmap_wrap_constant_value = unsafe extern "C" fn(i64) -> i64;
pub type mmap_wrap_constant_available = unsafe extern "C" fn(i64) -> i64;
