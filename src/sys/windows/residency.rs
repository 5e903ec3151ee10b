//! Which pages are in the working set of this process.

use super::errors::check;
use crate::error::Errno;
use crate::sys::Pages;
use crate::sys::page_size;
use std::ops::Range;
use windows_sys::Win32::System::ProcessStatus::{K32QueryWorkingSetEx, PSAPI_WORKING_SET_EX_INFORMATION};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

const VALID: usize = 1;
const LOCKED: usize = 1 << 22;

/// Pages per call of QueryWorkingSetEx.
const BATCH: usize = 256;

/// Sets a byte of `to` for each page: 1 if it is in the working set, so that an access causes no page fault.
pub fn page_residency(pages: &Pages, range: Range<usize>, to: &mut [u8]) -> Result<(), Errno> {
    let start = pages.start_of(&range).addr();
    let mut bytes = to.iter_mut();
    each(start..start + range.len(), |attributes| {
        if let Some(byte) = bytes.next() {
            *byte = u8::from(attributes & VALID != 0);
        }
    })
}

pub fn is_any_locked(addresses: &Range<usize>) -> Result<bool, Errno> {
    let mut is_locked = false;
    each(addresses.clone(), |attributes| is_locked |= attributes & VALID != 0 && attributes & LOCKED != 0)?;
    Ok(is_locked)
}

fn each(addresses: Range<usize>, mut each: impl FnMut(usize)) -> Result<(), Errno> {
    let mut pages = addresses.step_by(page_size());
    let mut queries = [PSAPI_WORKING_SET_EX_INFORMATION::default(); BATCH];
    loop {
        let mut count = 0;
        for (place, page) in queries.iter_mut().zip(pages.by_ref().take(BATCH)) {
            place.VirtualAddress = std::ptr::without_provenance_mut(page);
            count += 1;
        }
        if count == 0 {
            return Ok(());
        }
        let bytes = u32::try_from(count * size_of::<PSAPI_WORKING_SET_EX_INFORMATION>()).expect("a few kilobytes");
        // SAFETY: reads and writes no more structs than the array has.
        check(unsafe { K32QueryWorkingSetEx(GetCurrentProcess(), queries.as_mut_ptr().cast(), bytes) })?;
        for page in &queries[..count] {
            // SAFETY: the system wrote it; every bit pattern is a number.
            each(unsafe { page.VirtualAttributes.Flags });
        }
    }
}
