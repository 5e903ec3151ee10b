//! Page cache
//!
//! Which pages of files the kernel keeps in memory: querying them, reading them in, evicting them. Functions with a handle take
//! a range of the mapping, and apply to every page that holds a byte of it; functions with fd in their name take an open file
//! and a range of it, which may lie beyond its end. All can return MMAP_WRAP_E_RANGE, MMAP_WRAP_E_UNSUPPORTED if the system
//! lacks the call, and, with a handle, MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.

use super::boundary::{boundary, write_members};
use super::mapping::mmap_wrap_handle;
use crate::error::Result;
use crate::page_cache::{self, CacheStat};
use crate::registry::pin;

/// Removes the pages of the range from memory, as far as the kernel can; they are read in again when they are accessed. Nothing
/// is lost: modified pages of shared mappings are first written to the file, as by msync_wrap with MS_SYNC; private
/// modifications and anonymous memory go to swap space or stay. If the mapping keeps its file open, the range is also evicted
/// from the page cache.
///
/// Returns 0, even if no page was removed (see mmap_wrap_resident_bytes). Errors: -EINVAL for locked pages, huge pages of the
/// pool and memory of devices; -EIO if the data could not be stored, in which case nothing was removed. Private mappings and
/// anonymous memory need MADV_PAGEOUT (Linux 5.4).
///
/// ```c
/// mmap_wrap_page_out(h, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_page_out(h: mmap_wrap_handle, offset: i64, size: i64) -> i64 {
    boundary("mmap_wrap_page_out", || pin(h)?.page_out(offset, size).map(|()| 0))
}

/// Page cache statistics of a part of a file, in bytes: whole pages. Later versions may add members at the end.
#[repr(C)]
#[allow(non_camel_case_types)]
pub struct mmap_wrap_cachestat {
    /// In memory.
    pub cached: i64,
    /// Of those, dirty: modified, and not under writeback.
    pub dirty: i64,
    /// Of those, under writeback.
    pub writeback: i64,
    /// No longer in memory, as far as the kernel remembers.
    pub evicted: i64,
    /// Of those, evicted so recently that they were part of the working set.
    pub recently_evicted: i64,
}

/// Writes page cache statistics of the range to *cache, a struct of struct_size bytes: pass sizeof. If the struct is smaller,
/// as in an older header, only its members are written. The mapping must keep its file open; otherwise use
/// mmap_wrap_fd_cachestat. cachestat(2), Linux 6.5. For files on overlayfs the kernel reports zeros.
///
/// Returns 0. Errors: MMAP_WRAP_E_ARGUMENT if no file is kept, cache is NULL or struct_size is invalid; -EPERM if the process
/// neither owns the file nor may write it (Linux 6.14); MMAP_WRAP_E_UNSUPPORTED, also for huge pages of the pool.
///
/// ```c
/// struct mmap_wrap_cachestat cache;
/// if (cachestat_wrap(h, &cache, sizeof cache, 0, MMAP_WRAP_REST) == 0)
///     printf("%lld to write\n", (long long)cache.dirty);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cachestat_wrap(
    h: mmap_wrap_handle,
    cache: *mut mmap_wrap_cachestat,
    struct_size: i64,
    offset: i64,
    size: i64,
) -> i64 {
    boundary("cachestat_wrap", || write_cache(cache, struct_size, pin(h)?.cachestat(offset, size)?))
}

/// Does the same as cachestat_wrap for size bytes, or MMAP_WRAP_REST, from offset on of the open file fd. Returns 0. Errors:
/// those of cachestat_wrap; -EBADF.
///
/// ```c
/// struct mmap_wrap_cachestat cache;
/// mmap_wrap_fd_cachestat(fd, &cache, sizeof cache, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_fd_cachestat(
    fd: i64,
    cache: *mut mmap_wrap_cachestat,
    struct_size: i64,
    offset: i64,
    size: i64,
) -> i64 {
    boundary("mmap_wrap_fd_cachestat", || {
        // SAFETY: the descriptor is the caller's.
        write_cache(cache, struct_size, unsafe { page_cache::cachestat(fd, offset, size)? })
    })
}

fn write_cache(to: *mut mmap_wrap_cachestat, struct_size: i64, cache: CacheStat) -> Result<i64> {
    const { assert!(size_of::<mmap_wrap_cachestat>() == 5 * size_of::<i64>()) };
    let CacheStat { cached, dirty, writeback, evicted, recently_evicted } = cache;
    let members = [cached, dirty, writeback, evicted, recently_evicted].map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    write_members(to.cast(), struct_size, "struct mmap_wrap_cachestat", &members)
}

/// Stores the modified data of the open file fd, and evicts the pages of the range, size bytes or MMAP_WRAP_REST from offset
/// on, from the page cache. Pages that are mapped, locked or in use stay, and so do pages that the kernel keeps in one folio
/// with them.
///
/// Returns 0. Errors: MMAP_WRAP_E_RANGE; MMAP_WRAP_E_ARGUMENT; -EBADF; -EIO if not all data could be stored; -ESPIPE for a
/// pipe.
///
/// ```c
/// mmap_wrap_fd_evict(fd, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_fd_evict(fd: i64, offset: i64, size: i64) -> i64 {
    // SAFETY: the descriptor is the caller's.
    boundary("mmap_wrap_fd_evict", || unsafe { page_cache::evict(fd, offset, size) }.map(|()| 0))
}

/// Starts reading the range of the open file fd into the page cache, and does not wait for the end.
///
/// Returns 0. Errors: MMAP_WRAP_E_RANGE; MMAP_WRAP_E_ARGUMENT; -EBADF; -ESPIPE for a pipe.
///
/// ```c
/// mmap_wrap_fd_readahead(fd, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_fd_readahead(fd: i64, offset: i64, size: i64) -> i64 {
    // SAFETY: the descriptor is the caller's.
    boundary("mmap_wrap_fd_readahead", || unsafe { page_cache::readahead(fd, offset, size) }.map(|()| 0))
}

#[cfg(test)]
mod tests {
    use super::super::residency::mmap_wrap_resident_bytes as resident_bytes;
    use super::*;
    use crate::error::{MMAP_WRAP_E_ARGUMENT, MMAP_WRAP_E_RANGE, MMAP_WRAP_E_UNSUPPORTED};
    use crate::registry;
    use crate::sys;
    use crate::{constants::*, mapping::KEEP, mapping::Mapping, range::REST};

    fn mmap_wrap_resident_bytes(h: mmap_wrap_handle, offset: i64, size: i64) -> i64 {
        // SAFETY: any handle is fine.
        unsafe { resident_bytes(h, offset, size) }
    }

    /// As C has them; the arguments are good here.
    macro_rules! calls {
        ($($name:ident($($argument:ident: $type:ty),*);)*) => {
            $(#[cfg_attr(windows, allow(dead_code, reason = "some tests are for other systems"))]
            fn $name($($argument: $type),*) -> i64 {
                // SAFETY: as said.
                unsafe { super::$name($($argument),*) }
            })*
        };
    }

    calls! {
        mmap_wrap_page_out(h: mmap_wrap_handle, offset: i64, size: i64);
        mmap_wrap_fd_evict(fd: i64, offset: i64, size: i64);
        cachestat_wrap(h: mmap_wrap_handle, cache: *mut mmap_wrap_cachestat, size: i64, offset: i64, bytes: i64);
        mmap_wrap_fd_cachestat(fd: i64, cache: *mut mmap_wrap_cachestat, size: i64, offset: i64, bytes: i64);
    }

    /// Four pages of a file from its second on, mapped by a handle that keeps the file.
    struct Kept {
        file: std::fs::File,
        h: mmap_wrap_handle,
        page: i64,
    }

    impl Kept {
        fn new(flags: i64) -> Kept {
            let page = i64::try_from(crate::sys::page_size()).unwrap();
            let file = tempfile::tempfile_in(".").unwrap();
            file.set_len(5 * page.unsigned_abs()).unwrap();
            let flags = flags | KEEP;
            // SAFETY: the descriptor is open, and no place is named.
            let map =
                || unsafe { Mapping::from_descriptor(0, REST, PROT_READ | PROT_WRITE, flags, sys::raw(&file).into(), page) };
            Kept { h: registry::insert(map).unwrap(), page, file }
        }

        fn fd(&self) -> i64 {
            sys::raw(&self.file).into()
        }

        fn resident_bytes(&self) -> i64 {
            mmap_wrap_resident_bytes(self.h, 0, REST)
        }

        /// None, with a message, where there are none.
        fn figures(&self, offset: i64, size: i64) -> Option<[i64; 5]> {
            let mut figures = [-1; 5];
            match cachestat_wrap(self.h, figures.as_mut_ptr().cast(), 40, offset, size) {
                0 if figures[0] == 0 && mmap_wrap_resident_bytes(self.h, offset, size) > 0 => {
                    println!("skipped: cachestat reports nothing for this file system")
                }
                0 => return Some(figures),
                MMAP_WRAP_E_UNSUPPORTED => println!("skipped: this kernel has no cachestat"),
                code => panic!("{code}"),
            }
            None
        }
    }

    impl Drop for Kept {
        fn drop(&mut self) {
            let _ = registry::unmap(self.h);
        }
    }

    #[test]
    fn cachestat_of_a_mapping_that_keeps_its_file_reports_the_page_cache() {
        let kept = Kept::new(MAP_SHARED);
        let (h, page) = (kept.h, kept.page);
        pin(h).unwrap().write(0, b"x").unwrap();
        pin(h).unwrap().write(2 * page, b"x").unwrap();
        let Some([cached, dirty, writeback, ..]) = kept.figures(0, REST) else { return };
        assert!(cached >= 2 * page);
        assert_eq!(cached, kept.resident_bytes());
        // Modified pages are counted after the kernel scanned the page table.
        assert!(dirty + writeback <= cached);
        assert_eq!(kept.figures(2 * page + 5, 1).unwrap()[0], page, "a page for a byte");
        assert_eq!(kept.figures(4 * page, 0), Some([0; 5]));

        let mut beside = [-1; 5];
        assert_eq!(mmap_wrap_fd_cachestat(kept.fd(), beside.as_mut_ptr().cast(), 40, page, 4 * page), 0);
        assert_eq!(beside[0], cached);
        assert_eq!(cachestat_wrap(h, beside.as_mut_ptr().cast(), 40, 0, 4 * page + 1), MMAP_WRAP_E_RANGE);
    }

    #[test]
    fn an_older_header_gets_the_members_it_knows() {
        let kept = Kept::new(MAP_PRIVATE);
        if kept.figures(0, REST).is_none() {
            return;
        }
        let mut two = [-1i64; 3];
        assert_eq!(cachestat_wrap(kept.h, two.as_mut_ptr().cast(), 16, 0, REST), 0);
        assert!(two[0] >= 0 && two[1] >= 0 && two[2] == -1);
        assert_eq!(cachestat_wrap(kept.h, two.as_mut_ptr().cast(), 12, 0, REST), MMAP_WRAP_E_ARGUMENT);
        assert_eq!(cachestat_wrap(kept.h, std::ptr::null_mut(), 16, 0, REST), MMAP_WRAP_E_ARGUMENT);
    }

    #[test]
    #[cfg(unix)]
    fn paging_out_evicts_a_kept_file_and_loses_nothing() {
        let kept = Kept::new(MAP_SHARED);
        pin(kept.h).unwrap().fill(0, 7, REST).unwrap();
        assert_eq!(kept.resident_bytes(), 4 * kept.page);
        assert_eq!(mmap_wrap_page_out(kept.h, kept.page, 1), 0);
        let left = kept.resident_bytes();
        // Pages of a file system in memory stay; those of a disk are evicted already.
        assert_eq!(mmap_wrap_fd_evict(kept.fd(), 2 * kept.page, kept.page), 0);
        assert_eq!(kept.resident_bytes(), left, "a neighbouring page is still mapped, and stays");
        assert_eq!(mmap_wrap_page_out(kept.h, 0, REST), 0);
        let left = kept.resident_bytes();
        assert_eq!(mmap_wrap_fd_evict(kept.fd(), 0, REST), 0);
        assert_eq!(kept.resident_bytes(), left);
        if left > 0 {
            println!("skipped: this file system is in memory, no page could be evicted");
        }
        let all = vec![7; usize::try_from(4 * kept.page).unwrap()];
        assert_eq!(pin(kept.h).unwrap().find(&all, 0, REST), Ok(0));
    }

    #[test]
    fn paging_out_keeps_private_changes_of_a_kept_file() {
        use std::io::{Read, Seek, SeekFrom};
        let mut kept = Kept::new(MAP_PRIVATE);
        pin(kept.h).unwrap().write(kept.page, b"mine alone").unwrap();
        if mmap_wrap_page_out(kept.h, 0, REST) == MMAP_WRAP_E_UNSUPPORTED {
            println!("skipped: this kernel has no MADV_PAGEOUT");
            return;
        }
        assert_eq!(pin(kept.h).unwrap().find(b"mine alone", 0, REST), Ok(usize::try_from(kept.page).unwrap()));
        let mut in_file = [7];
        kept.file.seek(SeekFrom::Start(2 * kept.page.unsigned_abs())).unwrap();
        kept.file.read_exact(&mut in_file).unwrap();
        assert_eq!(in_file, [0]);
    }
}
