//! Info
//!
//! Properties of a mapping, and the list of live mappings: for messages, tools and finding leaks.

use super::boundary::{boundary, length_result, room_for, store, write_members};
use super::mapping::mmap_wrap_handle;
use crate::error::Error;
use crate::mapping::SourceKind;
use crate::registry::{self, peek, pin};

/// Value of source in struct mmap_wrap_info: memory without a file.
pub const MMAP_WRAP_SOURCE_ANONYMOUS: i64 = 1;
/// Value of source: a file, by a descriptor of the caller.
pub const MMAP_WRAP_SOURCE_DESCRIPTOR: i64 = 2;
/// Value of source: a file, by its path (mmap_path_wrap, mmap_open_wrap).
pub const MMAP_WRAP_SOURCE_PATH: i64 = 3;
/// Value of source: shared memory, by its name (mmap_shm_wrap).
pub const MMAP_WRAP_SOURCE_SHARED_MEMORY: i64 = 4;
/// Value of source: a file without a name, which the library created (mmap_memfd_wrap, mmap_secret_wrap, mmap_unnamed_wrap).
pub const MMAP_WRAP_SOURCE_MEMORY_FILE: i64 = 5;

/// Properties of a mapping, for mmap_wrap_info. Later versions may add members at the end; nothing else changes.
#[repr(C)]
#[allow(non_camel_case_types)]
pub struct mmap_wrap_info {
    /// The length in bytes that was requested.
    pub length: i64,
    /// Bytes that the kernel mapped, in whole pages.
    pub mapped: i64,
    /// Address of the first byte.
    pub address: i64,
    /// Bytes in a page of this mapping.
    pub page_size: i64,
    /// PROT_ bits, as mapped or as last set for the whole mapping; parts may differ.
    pub protection: i64,
    /// MAP_ bits, as mapped.
    pub flags: i64,
    /// File offset of the first byte.
    pub offset: i64,
    /// 1 if the mapping keeps its file open (mmap_wrap_dup_fd), else 0.
    pub keeps_file: i64,
    /// 1 if a part of it is sealed by mseal_wrap, else 0.
    pub sealed: i64,
    /// How many times its address is acquired (mmap_wrap_acquire).
    pub acquired: i64,
    /// 1 if it is surviving (mmap_wrap_survive), else 0.
    pub surviving: i64,
    /// 1 if a loss is pending: data was lost, and no call has reported it; else 0.
    pub lost: i64,
    /// What is mapped: one of MMAP_WRAP_SOURCE_, none of which is 0.
    pub source: i64,
    /// The number, in this process, of the descriptor of the file that the mapping keeps open, or -1. Another process can open
    /// the file through /proc/PID/fd with it. Do not close it: it belongs to the mapping; mmap_wrap_dup_fd returns one that the
    /// caller owns.
    pub descriptor: i64,
}

/// Writes information about a mapping to *info, a struct of size bytes: pass sizeof. If the struct is smaller, as in an older
/// header, only its members are written. A pending loss stays pending. Returns 0. Errors: MMAP_WRAP_E_HANDLE;
/// MMAP_WRAP_E_UNMAPPED; MMAP_WRAP_E_ARGUMENT if info is NULL or size is invalid.
///
/// ```c
/// struct mmap_wrap_info info;
/// if (mmap_wrap_info(h, &info, sizeof info) == 0)
///     printf("%lld pages\n", (long long)(info.mapped / info.page_size));
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_info(h: mmap_wrap_handle, info: *mut mmap_wrap_info, size: i64) -> i64 {
    boundary("mmap_wrap_info", || {
        let pin = peek(h)?;
        let known = pin.info();
        let (acquired, surviving, lost) = registry::status(&pin);
        let all = [
            length_result(known.length),
            length_result(known.mapped),
            length_result(known.address),
            length_result(known.page_size),
            known.protection,
            known.flags,
            i64::try_from(known.offset).unwrap_or(i64::MAX),
            known.keeps_file.into(),
            known.sealed.into(),
            acquired.into(),
            surviving.into(),
            lost.into(),
            match known.source {
                SourceKind::Anonymous => MMAP_WRAP_SOURCE_ANONYMOUS,
                SourceKind::Descriptor => MMAP_WRAP_SOURCE_DESCRIPTOR,
                SourceKind::Path => MMAP_WRAP_SOURCE_PATH,
                SourceKind::SharedMemory => MMAP_WRAP_SOURCE_SHARED_MEMORY,
                SourceKind::MemoryFile => MMAP_WRAP_SOURCE_MEMORY_FILE,
            },
            known.descriptor.unwrap_or(-1).into(),
        ];
        const { assert!(size_of::<mmap_wrap_info>() == 14 * size_of::<i64>()) };
        write_members(info.cast(), size, "struct mmap_wrap_info", &all)
    })
}

/// Returns the current size in bytes of the file that the mapping keeps open, or of the device if it is a block device. It
/// opens no descriptor. Errors: MMAP_WRAP_E_ARGUMENT if no file is kept; MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED;
/// MMAP_WRAP_E_FAULT for a pending loss.
///
/// ```c
/// if (mmap_wrap_file_size(h) > mmap_wrap_length(h)) puts("the file has grown");
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_file_size(h: mmap_wrap_handle) -> i64 {
    boundary("mmap_wrap_file_size", || Ok(i64::try_from(pin(h)?.file_size()?).unwrap_or(i64::MAX)))
}

/// Writes the handles of the live mappings, in no particular order, to handles, an array of capacity elements. Returns the
/// number of live mappings, which can exceed capacity. Other threads may map and unmap meanwhile. Errors: MMAP_WRAP_E_ARGUMENT
/// if handles is NULL and capacity is not 0; MMAP_WRAP_E_RANGE if capacity is negative.
///
/// ```c
/// printf("%lld mappings live\n", (long long)mmap_wrap_list(NULL, 0));
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_list(handles: *mut mmap_wrap_handle, capacity: i64) -> i64 {
    boundary("mmap_wrap_list", || {
        if capacity < 0 {
            return Err(Error::Negative { what: "capacity", value: capacity }.into());
        }
        let bytes = capacity
            .checked_mul(8)
            .ok_or_else(|| Error::argument(format!("a buffer for {capacity} handles exceeds the address space")))?;
        let places = room_for(handles.cast(), bytes)?;
        let mut count = 0;
        for handle in registry::live() {
            if count < capacity {
                store(&handle.to_ne_bytes(), &places, size_of::<i64>() * usize::try_from(count).unwrap_or(usize::MAX))?;
            }
            count += 1;
        }
        Ok(count)
    })
}
