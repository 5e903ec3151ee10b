//! What a forked child gets of a mapping: minherit(2), of macOS and the BSDs, in place of advice.

use super::check;
use crate::constants::{MADV_DOFORK, MADV_DONTFORK, MADV_KEEPONFORK, MADV_WIPEONFORK};
use crate::error::Errno;
use crate::sys::{Pages, Sharing};
use std::ffi::c_int;
use std::ops::Range;

#[cfg(target_os = "freebsd")]
use libc::{INHERIT_COPY as COPY, INHERIT_NONE as NONE, INHERIT_SHARE as SHARE, INHERIT_ZERO as ZERO};
#[cfg(any(target_os = "netbsd", target_os = "openbsd"))]
use libc::{MAP_INHERIT_COPY as COPY, MAP_INHERIT_NONE as NONE, MAP_INHERIT_SHARE as SHARE, MAP_INHERIT_ZERO as ZERO};
#[cfg(target_os = "macos")]
use libc::{VM_INHERIT_COPY as COPY, VM_INHERIT_NONE as NONE, VM_INHERIT_SHARE as SHARE};

/// What an advice about forks is for minherit(2); `None` for any other advice.
pub fn of(advice: c_int, sharing: Sharing) -> Option<c_int> {
    let usual = if sharing == Sharing::Shared { SHARE } else { COPY };
    match i64::from(advice) {
        MADV_DONTFORK => Some(NONE),
        MADV_DOFORK => Some(usual),
        #[cfg(not(target_os = "macos"))]
        MADV_WIPEONFORK => Some(ZERO),
        #[cfg(not(target_os = "macos"))]
        MADV_KEEPONFORK => Some(usual),
        _ => None,
    }
}

pub fn set(pages: &Pages, range: &Range<usize>, inheritance: c_int) -> Result<(), Errno> {
    // SAFETY: the range is ours (`start_of` checked it); nothing changes in this process.
    check(unsafe { libc::minherit(pages.start_of(range).cast(), range.len(), inheritance) })
}

/// Lets a forked child find these pages zeroed.
#[cfg(not(target_os = "macos"))]
pub fn wipe_on_fork(pages: &Pages) {
    let _ = set(pages, &(0..pages.size()), ZERO);
}
