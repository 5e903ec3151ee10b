//! Checks flags and descriptors, which callers give as any number.

use crate::constants::{Group, MAP_PRIVATE, MAP_SHARED, MAP_SHARED_VALIDATE, MAP_TYPE, bits};
use crate::error::{Error, Result};
use crate::sys::RawFile;
use std::ffi::c_int;

/// Rejects bits that no constant of the group has: the kernel ignores most of them silently.
#[inline]
pub fn known(group: Group, value: i64, what: &str) -> Result<c_int> {
    let bits = bits_of(group);
    if value & !bits != 0 { Err(unknown(value, bits, what)) } else { to_c_int(value, what) }
}

#[cold]
fn unknown(value: i64, bits: i64, what: &str) -> Box<Error> {
    Error::argument(format!("{what} {value:#x}: this platform does not know the bits {:#x}", value & !bits))
}

#[inline]
fn bits_of(group: Group) -> i64 {
    // Computed at compile time for the groups that frequent calls use.
    const PROTECTION: i64 = bits(Group::Protection);
    const MAP_FLAG: i64 = bits(Group::MapFlag);
    const SYNC_FLAG: i64 = bits(Group::SyncFlag);
    match group {
        Group::Protection => PROTECTION,
        Group::MapFlag => MAP_FLAG,
        Group::SyncFlag => SYNC_FLAG,
        _ => bits(group),
    }
}

/// The kernel's flags have 32 bits. C defines the highest as unsigned; the system call takes a signed int of the same bits.
#[inline]
pub fn to_c_int(value: i64, what: &str) -> Result<c_int> {
    match u32::try_from(value) {
        Ok(bits) => Ok(c_int::from_ne_bytes(bits.to_ne_bytes())),
        Err(_) => Err(too_wide(value, what)),
    }
}

/// Constants of this platform as arguments of system calls.
#[allow(clippy::cast_possible_truncation, reason = "the system's flags are 32 bits")]
pub const fn as_c_int(flags: i64) -> c_int {
    flags as c_int
}

/// The bits of the flags that say shared or private: MAP_TYPE, which not every system has.
pub const SHARING: i64 = MAP_SHARED | MAP_PRIVATE | MAP_SHARED_VALIDATE | MAP_TYPE;

/// Whether flags ask for a shared mapping.
pub fn is_shared(flags: i64) -> bool {
    let sharing = flags & SHARING;
    sharing == MAP_SHARED || MAP_SHARED_VALIDATE != 0 && sharing == MAP_SHARED_VALIDATE
}

/// Checks only that the number can be a descriptor; whether it is open the next system call reports.
pub fn descriptor(fd: i64) -> Result<RawFile> {
    RawFile::try_from(fd).map_err(|_| Error::argument(format!("{fd} is not a file descriptor")))
}

#[cold]
fn too_wide(value: i64, what: &str) -> Box<Error> {
    Error::argument(format!("{what} {value} does not fit 32 bits"))
}
