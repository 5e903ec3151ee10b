//! Placeholders (Windows 10 1803): reserved addresses that a view replaces, and that stay reserved when it is unmapped. With
//! them a view can be split, and one of its pages replaced by memory without a file, and no other thread can map something at
//! the addresses meanwhile.
//!
//! For a moment nothing is mapped at the addresses. The exception handler repeats accesses that fault then
//! (`is_being_changed`).

use super::errors::{check, last_errno, plain};
use super::handles::{RawFile, handle};
use crate::error::Errno;
use std::ffi::c_void;
use std::ops::Range;
use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_PRESERVE_PLACEHOLDER, MEM_RELEASE, MEM_REPLACE_PLACEHOLDER, MEM_RESERVE, MEM_RESERVE_PLACEHOLDER,
    MEMORY_MAPPED_VIEW_ADDRESS, PAGE_NOACCESS, PAGE_READWRITE, VirtualFree,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, SwitchToThread};

type VirtualAlloc2 = unsafe extern "system" fn(HANDLE, *const c_void, usize, u32, u32, *mut c_void, u32) -> *mut c_void;
type MapViewOfFile3 = unsafe extern "system" fn(
    HANDLE,
    HANDLE,
    *const c_void,
    u64,
    usize,
    u32,
    u32,
    *mut c_void,
    u32,
) -> MEMORY_MAPPED_VIEW_ADDRESS;
/// The type that GetProcAddress returns.
type Function = unsafe extern "system" fn() -> isize;
type UnmapViewOfFile2 = unsafe extern "system" fn(HANDLE, MEMORY_MAPPED_VIEW_ADDRESS, u32) -> i32;

/// Functions that older versions lack.
struct Calls {
    allocate: VirtualAlloc2,
    map: MapViewOfFile3,
    unmap: UnmapViewOfFile2,
}

fn calls() -> Result<&'static Calls, Errno> {
    static CALLS: OnceLock<Option<Calls>> = OnceLock::new();
    let found = CALLS.get_or_init(|| {
        let name: Vec<u16> = "kernelbase.dll\0".encode_utf16().collect();
        // SAFETY: the module is part of every process; functions of these names have these types.
        unsafe {
            let module = GetModuleHandleW(name.as_ptr());
            let find = |name: &std::ffi::CStr| GetProcAddress(module, name.as_ptr().cast());
            Some(Calls {
                allocate: std::mem::transmute::<Function, VirtualAlloc2>(find(c"VirtualAlloc2")?),
                map: std::mem::transmute::<Function, MapViewOfFile3>(find(c"MapViewOfFile3")?),
                unmap: std::mem::transmute::<Function, UnmapViewOfFile2>(find(c"UnmapViewOfFile2")?),
            })
        }
    });
    found.as_ref().ok_or_else(|| plain(Errno::ENOSYS))
}

/// A section, and the protection of the views of it.
#[derive(Clone, Copy)]
pub struct View {
    pub section: RawFile,
    /// Bytes of the section.
    pub length: u64,
    pub protection: u32,
}

/// Reserves addresses, at `address` or, if that is 0, anywhere.
pub fn reserve(address: usize, size: usize) -> Result<usize, Errno> {
    // SAFETY: new addresses, which nothing uses.
    let base = unsafe {
        let kind = MEM_RESERVE | MEM_RESERVE_PLACEHOLDER;
        (calls()?.allocate)(GetCurrentProcess(), address as *const c_void, size, kind, PAGE_NOACCESS, null_mut(), 0)
    };
    if base.is_null() { Err(last_errno()) } else { Ok(base.addr()) }
}

/// Releases a placeholder.
pub fn release(base: usize) {
    // SAFETY: a placeholder of the caller's. On failure the addresses stay reserved.
    unsafe { VirtualFree(base as *mut c_void, 0, MEM_RELEASE) };
}

/// Replaces a placeholder by a view of a section from `offset`.
pub fn map(view: View, place: &Range<usize>, offset: u64) -> Result<(), Errno> {
    let map = |size: usize| {
        // SAFETY: the place is the caller's placeholder.
        let base = unsafe {
            let (section, base) = (handle(view.section), place.start as *const c_void);
            let kind = MEM_REPLACE_PLACEHOLDER;
            (calls()?.map)(section, GetCurrentProcess(), base, offset, size, kind, view.protection, null_mut(), 0)
        };
        if base.Value.is_null() { Err(last_errno()) } else { Ok(()) }
    };
    // If the file ends within the last page, the size of the view is that of the file, or of whole pages.
    let left = usize::try_from(view.length.saturating_sub(offset)).unwrap_or(usize::MAX);
    if left < place.len() { map(left).or_else(|_| map(place.len())) } else { map(place.len()) }
}

/// Unmaps a view; its addresses become a placeholder.
fn unmap(base: usize) -> Result<(), Errno> {
    let view = MEMORY_MAPPED_VIEW_ADDRESS { Value: base as *mut c_void };
    // SAFETY: a view of the caller's; accesses that fault are repeated.
    check(unsafe { (calls()?.unmap)(GetCurrentProcess(), view, MEM_PRESERVE_PLACEHOLDER) })
}

fn split(part: &Range<usize>) -> Result<(), Errno> {
    // SAFETY: a part of the caller's placeholder.
    check(unsafe { VirtualFree(part.start as *mut c_void, part.len(), MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER) })
}

/// The addresses that are being changed, by one thread at a time.
static CHANGING: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];
static IS_CHANGING: AtomicBool = AtomicBool::new(false);

/// Whether another thread is changing what is mapped at an address, so that an access has to be repeated.
pub fn is_being_changed(address: usize) -> bool {
    let is = (CHANGING[0].load(SeqCst)..CHANGING[1].load(SeqCst)).contains(&address);
    if is {
        pause();
    }
    is
}

fn pause() {
    // SAFETY: yields the processor.
    unsafe { SwitchToThread() };
}

/// Runs `body`, and has accesses to the addresses repeated meanwhile.
fn changing<T>(addresses: &Range<usize>, body: impl FnOnce() -> Result<T, Errno>) -> Result<T, Errno> {
    while IS_CHANGING.swap(true, SeqCst) {
        pause();
    }
    CHANGING[0].store(addresses.start, SeqCst);
    CHANGING[1].store(addresses.end, SeqCst);
    let result = body();
    CHANGING[1].store(0, SeqCst);
    IS_CHANGING.store(false, SeqCst);
    result
}

/// Splits a view, which begins at `offset` of its section, at the address `at`.
pub fn split_view(view: View, whole: &Range<usize>, at: usize, offset: u64) -> Result<(), Errno> {
    changing(whole, || {
        unmap(whole.start)?;
        let (first, second) = (whole.start..at, at..whole.end);
        let split = split(&first).and_then(|()| {
            map(view, &first, offset)?;
            map(view, &second, offset + (at - whole.start) as u64)
        });
        // On failure the view stays unmapped. Mapping it again fails only if the system lacks memory for its administration.
        split
    })
}

/// Replaces a part of a view by zeroed memory.
pub fn replace(view: View, whole: &Range<usize>, part: &Range<usize>, offset: u64) -> Result<(), Errno> {
    changing(whole, || {
        unmap(whole.start)?;
        let (before, after) = (whole.start..part.start, part.end..whole.end);
        if !before.is_empty() {
            split(&before)?;
        }
        if !after.is_empty() {
            split(part)?;
        }
        if !before.is_empty() {
            map(view, &before, offset)?;
        }
        if !after.is_empty() {
            map(view, &after, offset + (part.end - whole.start) as u64)?;
        }
        // SAFETY: the part is a placeholder now.
        let fresh = unsafe {
            let (base, kind) = (part.start as *const c_void, MEM_RESERVE | MEM_COMMIT | MEM_REPLACE_PLACEHOLDER);
            (calls()?.allocate)(GetCurrentProcess(), base, part.len(), kind, PAGE_READWRITE, null_mut(), 0)
        };
        if fresh.is_null() { Err(last_errno()) } else { Ok(()) }
    })
}
