//! The attributes of pages, as VirtualQuery reports them: for parts with the same ones.

use super::errors::{from_code, last_errno};
use crate::constants;
use crate::error::Errno;
use std::ffi::{c_int, c_void};
use std::ops::Range;
use windows_sys::Win32::Foundation::ERROR_INVALID_ADDRESS;
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEMORY_BASIC_INFORMATION, PAGE_EXECUTE, PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE, PAGE_EXECUTE_WRITECOPY,
    PAGE_NOACCESS, PAGE_READONLY, PAGE_READWRITE, PAGE_WRITECOPY, VirtualQuery,
};

/// The protection of the page at an address, and the address where it changes. None if nothing is mapped.
pub fn protection(address: usize) -> Option<(c_int, usize)> {
    let region = query(address).ok().filter(|region| region.State == MEM_COMMIT)?;
    let prot = match region.Protect {
        PAGE_NOACCESS => constants::PROT_NONE,
        PAGE_READONLY => constants::PROT_READ,
        PAGE_READWRITE | PAGE_WRITECOPY => constants::PROT_READ | constants::PROT_WRITE,
        PAGE_EXECUTE => constants::PROT_EXEC,
        PAGE_EXECUTE_READ => constants::PROT_READ | constants::PROT_EXEC,
        PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY => constants::PROT_READ | constants::PROT_WRITE | constants::PROT_EXEC,
        _ => return None,
    };
    Some((c_int::try_from(prot).ok()?, region.BaseAddress.addr() + region.RegionSize))
}

/// The attributes of the pages from an address on that have the same ones.
pub fn query(address: usize) -> Result<MEMORY_BASIC_INFORMATION, Errno> {
    let mut region = MEMORY_BASIC_INFORMATION::default();
    // SAFETY: writes one struct to the address given.
    match unsafe { VirtualQuery(address as *const c_void, &raw mut region, size_of::<MEMORY_BASIC_INFORMATION>()) } {
        0 => Err(last_errno()),
        _ => Ok(region),
    }
}

/// Calls `each` for every part of a range of addresses whose pages have the same attributes.
pub fn each_region(
    addresses: Range<usize>,
    mut each: impl FnMut(Range<usize>, &MEMORY_BASIC_INFORMATION) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let mut at = addresses.start;
    while at < addresses.end {
        let region = query(at)?;
        let end = (region.BaseAddress.addr() + region.RegionSize).min(addresses.end);
        each(at..end, &region)?;
        at = end;
    }
    Ok(())
}

/// The allocation or view that contains an address.
pub fn allocation(address: usize) -> Result<Range<usize>, Errno> {
    let start = query(address)?.AllocationBase;
    if start.is_null() {
        return Err(from_code(ERROR_INVALID_ADDRESS));
    }
    let mut end = address;
    loop {
        let region = query(end)?;
        if region.AllocationBase != start {
            return Ok(start.addr()..end);
        }
        end = region.BaseAddress.addr() + region.RegionSize;
    }
}
