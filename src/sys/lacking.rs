//! What some systems lack: ENOSYS, or what every system can do instead.

#![allow(dead_code, reason = "each system imports what it lacks")]

use super::{CachedPages, File, Pages, RawFile, ThreadState, copy};
use crate::error::Errno;
use std::ffi::{CStr, CString, c_int};
use std::ops::Range;
use std::time::Duration;

pub fn block_device_size(_fd: RawFile) -> Option<u64> {
    None
}

pub fn memfd_create(_name: &CStr, _flags: c_int) -> Result<File, Errno> {
    Err(Errno::ENOSYS)
}

pub fn memfd_secret() -> Result<File, Errno> {
    Err(Errno::ENOSYS)
}

pub fn seals(_fd: RawFile) -> Result<c_int, Errno> {
    Err(Errno::ENOSYS)
}

pub fn add_seals(_fd: RawFile, _seals: c_int) -> Result<(), Errno> {
    Err(Errno::ENOSYS)
}

pub fn shm_open(_name: &CStr, _flags: c_int, _mode: u32) -> Result<File, Errno> {
    Err(Errno::ENOSYS)
}

pub fn shm_unlink(_name: &CStr) -> Result<(), Errno> {
    Err(Errno::ENOSYS)
}

pub fn unlinked_shared_memory() -> Result<File, Errno> {
    Err(Errno::ENOSYS)
}

pub fn shared_memory_path(_name: &CStr) -> Result<CString, Errno> {
    Err(Errno::ENOSYS)
}

pub fn open_without_name(_path: &CStr, _flags: c_int, _mode: u32) -> Result<File, Errno> {
    Err(Errno::ENOSYS)
}

pub fn link(_fd: RawFile, _path: &CStr) -> Result<(), Errno> {
    Err(Errno::ENOSYS)
}

pub fn grow_file(fd: RawFile, size: u64) -> Result<(), Errno> {
    crate::sys::set_file_size(fd, size)
}

pub fn default_huge_page_size() -> Option<usize> {
    None
}

pub fn descriptor_page_size(_fd: RawFile) -> Option<usize> {
    None
}

/// Whether a load of the byte at an address would succeed.
pub fn is_readable(address: usize) -> bool {
    let mut byte = 0u8;
    // SAFETY: the byte is this function's.
    unsafe { copy(address as *const u8, &raw mut byte, 1) == Ok(1) }
}

pub fn protection(_address: usize) -> Option<(c_int, usize)> {
    None
}

pub fn run_apart<T>(_body: fn(&mut T), _job: &mut T) -> Result<bool, Errno> {
    Err(Errno::ENOSYS)
}

pub fn is_writable(address: usize) -> bool {
    is_readable(address)
}

pub fn put_fresh_page(_address: usize) -> bool {
    false
}

pub fn prepare_reserve() -> Result<(), Errno> {
    Ok(())
}

pub fn put_reserved_page(_address: usize) -> bool {
    false
}

pub fn release_reserve() -> bool {
    false
}

pub fn register_barrier() -> bool {
    false
}

pub fn barrier() -> bool {
    false
}

pub fn file_size_behind(_address: usize) -> Option<Option<u64>> {
    None
}

pub fn wipe_on_fork(_pages: &Pages) {}

pub fn seal(_pages: &Pages, _range: Range<usize>) -> Result<(), Errno> {
    Err(Errno::ENOSYS)
}

pub fn set_name(_pages: &Pages, _name: Option<&CStr>) -> Result<(), Errno> {
    Err(Errno::EINVAL)
}

pub fn can_name() -> bool {
    false
}

pub fn thread_id() -> Option<u32> {
    None
}

pub fn this_thread_began() -> Option<u32> {
    None
}

pub fn thread_state(_id: u32) -> ThreadState {
    ThreadState::Exists
}

pub fn pid_namespace() -> Option<u32> {
    None
}

pub fn boot() -> Option<u32> {
    None
}

pub fn wait_on(_word: *const u8, _expected: u64, _timeout: Duration) -> Result<(), Errno> {
    Err(Errno::ENOSYS)
}

pub fn wake(_word: *const u8, _count: c_int) -> Result<usize, Errno> {
    Err(Errno::ENOSYS)
}

pub fn lock_on_fault(_pages: &Pages, _range: Range<usize>) -> Result<(), Errno> {
    Err(Errno::ENOSYS)
}

pub fn page_residency(_pages: &Pages, _range: Range<usize>, _to: &mut [u8]) -> Result<(), Errno> {
    Err(Errno::ENOSYS)
}

pub fn supports_advice(_advice: c_int) -> bool {
    false
}

pub fn touch_for_writing(_pages: &Pages, _at: usize) -> Result<(), Errno> {
    Err(Errno::ENOSYS)
}

pub fn cached_pages(_fd: RawFile, _offset: u64, _size: u64) -> Result<CachedPages, Errno> {
    Err(Errno::ENOSYS)
}

pub fn evict_cached(_fd: RawFile, _offset: i64, _size: i64) -> Result<(), Errno> {
    Err(Errno::ENOSYS)
}

pub fn read_ahead(_fd: RawFile, _offset: i64, _size: i64) -> Result<(), Errno> {
    Err(Errno::ENOSYS)
}

pub fn transparent_huge_page_size() -> Option<usize> {
    None
}

pub fn huge_page_sizes() -> Vec<usize> {
    Vec::new()
}

pub fn each_huge_part(_pages: &Pages, _range: Range<usize>, _each: impl FnMut(Range<usize>)) -> Result<(), Errno> {
    Err(Errno::ENOSYS)
}

pub fn huge_bytes_by_smaps(_pages: &Pages, _range: Range<usize>) -> Result<Option<usize>, Errno> {
    Ok(None)
}

pub fn bind(_pages: &Pages, _range: Range<usize>, _mode: c_int, _nodes: &[u64], _flags: c_int) -> Result<(), Errno> {
    Err(Errno::ENOSYS)
}

pub fn numa_node(_pages: &Pages, _at: usize) -> Result<c_int, Errno> {
    Err(Errno::ENOSYS)
}
