//! Presence
//!
//! Which pages are in memory: keeping them there, asking, bringing them in and letting them go. The calls with a handle
//! take a range as those above do, and count every page that holds a byte of it; their pages are the mapping's own
//! (mmap_wrap_facts tells the size). Each answers, besides what is named beside it, MMAP_WRAP_E_HANDLE,
//! MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_RANGE, and MMAP_WRAP_E_UNSUPPORTED where a kernel lacks it.
//!
//! The calls with a descriptor take any open file of the caller's, and a range of it that may lie beyond its end.

use super::boundary::{answer, boundary, room_for, write_members};
use super::map::mmap_wrap_handle;
use crate::error::Result;
use crate::mapping::{lock_all, unlock_all};
use crate::page_cache::{self, Cache};
use crate::registry::{self, pin};

/// Keeps the pages of the range in memory, reading them in (flags 0), or, with MLOCK_ONFAULT (Linux 4.4), those that
/// are there at once and each other one when it is first touched. Locks do not add up: one munlock_wrap undoes them.
///
/// Returns 0. -ENOMEM: more than RLIMIT_MEMLOCK, or a page that cannot be read. -EPERM: this process may lock
/// nothing. -EAGAIN: a page could not be read in. MMAP_WRAP_E_ARGUMENT: unknown flags.
///
/// ```c
/// if (mlock_wrap(h, 0, 0, MMAP_WRAP_REST) < 0) puts(mmap_wrap_last_error_message());
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlock_wrap(h: mmap_wrap_handle, flags: i64, offset: i64, size: i64) -> i64 {
    boundary("mlock", || pin(h)?.lock(flags, offset, size).map(|()| 0))
}

/// Lets the pages of the range go again, however often they were locked. Returns 0.
///
/// ```c
/// munlock_wrap(h, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn munlock_wrap(h: mmap_wrap_handle, offset: i64, size: i64) -> i64 {
    boundary("munlock", || pin(h)?.unlock(offset, size).map(|()| 0))
}

/// Locks all memory of the process, whether this library mapped it or not: mlockall(2). flags are MCL_CURRENT (what is
/// mapped), MCL_FUTURE (what will be mapped) or both, and MCL_ONFAULT beside them (each page once it is touched).
///
/// Returns 0. -ENOMEM, -EPERM: as for mlock_wrap; with MCL_FUTURE later mappings meet the limit, too (-EAGAIN). -EINVAL,
/// MMAP_WRAP_E_ARGUMENT: the flags. MMAP_WRAP_E_UNSUPPORTED: this system has no mlockall.
///
/// ```c
/// if (mlockall_wrap(MCL_CURRENT | MCL_FUTURE) < 0) puts(mmap_wrap_last_error_message());
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlockall_wrap(flags: i64) -> i64 {
    boundary("mlockall", || lock_all(flags).map(|()| 0))
}

/// Unlocks all memory of the process, and what will be mapped: munlockall(2). Returns 0.
///
/// ```c
/// munlockall_wrap();
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn munlockall_wrap() -> i64 {
    boundary("munlockall", || unlock_all().map(|()| 0))
}

/// Writes a byte for each page of the range to pages, which has room for that many: 1 where the page is in memory, 0
/// where not. Returns how many pages the range has; bytes beyond them stay as they were. Others may bring pages in and
/// take them out at any moment.
///
/// For a file, "in memory" means in the page cache, whoever brought it there. A process that neither owns the file nor
/// may write it is told that all of it is there (Linux 5.2, commit 134fca9063ad).
///
/// MMAP_WRAP_E_RANGE: too little room; nothing was written. MMAP_WRAP_E_ARGUMENT: NULL with room. -ENOMEM: somebody
/// unmapped a part behind the library's back, and the bytes written so far say nothing.
///
/// ```c
/// unsigned char pages[16];
/// int64_t count = mincore_wrap(h, pages, sizeof pages, 0, 10000);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mincore_wrap(h: mmap_wrap_handle, pages: *mut u8, room: i64, offset: i64, size: i64) -> i64 {
    boundary("mincore", || pin(h)?.presence(room_for(pages, room)?, offset, size).map(answer))
}

/// How many bytes are in memory of the pages of the range: a multiple of the page size, by the rules of mincore_wrap.
///
/// ```c
/// printf("%lld bytes are in memory\n", (long long)mmap_wrap_resident(h, 0, MMAP_WRAP_REST));
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_resident(h: mmap_wrap_handle, offset: i64, size: i64) -> i64 {
    boundary("mmap_wrap_resident", || pin(h)?.resident(offset, size).map(answer))
}

/// Makes the pages of the range ready for reading (writing = 0) or writing (writing = 1), so that accesses meet no page
/// fault: files are read in, memory is taken. What the pages hold stays as it is, also where others write it meanwhile.
/// Before Linux 5.14 (MADV_POPULATE_READ, MADV_POPULATE_WRITE) it touches page after page.
///
/// Returns the bytes of the range. MMAP_WRAP_E_FAULT: a page refuses; mmap_wrap_fault_done() tells how many bytes before
/// it are ready, the message why.
///
/// ```c
/// mmap_wrap_prefault(h, 1, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_prefault(h: mmap_wrap_handle, writing: i64, offset: i64, size: i64) -> i64 {
    boundary("mmap_wrap_prefault", || registry::with(h, |mapping| mapping.prefault(writing != 0, offset, size)).map(answer))
}

/// Lets the pages of the range go from memory, as far as the kernel finds it possible; they are read in again when they
/// are next used. Nothing is lost: a shared mapping's changes are first written to the file (as msync_wrap with MS_SYNC
/// does), private changes and memory without a file go to swap space or stay. If the mapping keeps its file open, the
/// page cache is told to forget that part, too.
///
/// Returns 0, however many pages went: mmap_wrap_resident tells. -EINVAL: locked pages, huge pages from the pool and
/// memory of devices cannot go. -EIO: the data could not be stored; nothing went. Private mappings and memory without a
/// file need MADV_PAGEOUT (Linux 5.4).
///
/// ```c
/// mmap_wrap_drop(h, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_drop(h: mmap_wrap_handle, offset: i64, size: i64) -> i64 {
    boundary("mmap_wrap_drop", || pin(h)?.drop_pages(offset, size).map(|()| 0))
}

/// What the page cache holds of a part of a file, in bytes: whole pages. Later versions may add members at the end.
#[repr(C)]
#[allow(non_camel_case_types)]
pub struct mmap_wrap_cache {
    /// In memory.
    pub cached: i64,
    /// Of those, changed and not yet being written.
    pub dirty: i64,
    /// Of those, being written now.
    pub writeback: i64,
    /// No longer in memory, as far as the kernel remembers.
    pub evicted: i64,
    /// Of those, evicted so lately that keeping them would have been better.
    pub recently_evicted: i64,
}

/// Writes the page cache's figures for the file behind the range to cache, which has room for struct_size bytes: say
/// sizeof. A shorter struct, of an older header, gets what it has room for. The mapping must keep its file open; ask
/// mmap_wrap_cachestat otherwise.
///
/// Returns 0. Linux 6.5; of files on overlayfs it knows nothing and tells zeros. MMAP_WRAP_E_ARGUMENT: it keeps no file, NULL, or a size that is none. -EPERM: this process
/// neither owns the file nor may write it (Linux 6.14). Huge pages from the pool are MMAP_WRAP_E_UNSUPPORTED.
///
/// ```c
/// struct mmap_wrap_cache cache;
/// if (cachestat_wrap(h, &cache, sizeof cache, 0, MMAP_WRAP_REST) == 0) printf("%lld to write\n", (long long)cache.dirty);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cachestat_wrap(
    h: mmap_wrap_handle,
    cache: *mut mmap_wrap_cache,
    struct_size: i64,
    offset: i64,
    size: i64,
) -> i64 {
    boundary("cachestat", || write_cache(cache, struct_size, pin(h)?.cache(offset, size)?))
}

/// The same for size bytes, or MMAP_WRAP_REST to its end, from offset of the file open as fd. Returns 0, or what
/// cachestat_wrap does, or -EBADF.
///
/// ```c
/// struct mmap_wrap_cache cache;
/// mmap_wrap_cachestat(fd, &cache, sizeof cache, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_cachestat(
    fd: i64,
    cache: *mut mmap_wrap_cache,
    struct_size: i64,
    offset: i64,
    size: i64,
) -> i64 {
    boundary("mmap_wrap_cachestat", || {
        // SAFETY: the descriptor is the caller's.
        write_cache(cache, struct_size, unsafe { page_cache::from_descriptor(fd, offset, size)? })
    })
}

fn write_cache(to: *mut mmap_wrap_cache, struct_size: i64, cache: Cache) -> Result<i64> {
    const { assert!(size_of::<mmap_wrap_cache>() == 5 * size_of::<i64>()) };
    let Cache { cached, dirty, writeback, evicted, recently_evicted } = cache;
    let members = [cached, dirty, writeback, evicted, recently_evicted].map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    write_members(to.cast(), struct_size, "struct mmap_wrap_cache", &members)
}

/// Stores what changed of the file open as fd, and lets the page cache forget the pages of the range, size bytes or
/// MMAP_WRAP_REST from offset. Pages that somebody maps, locks or uses stay, and so do
/// those that the kernel keeps together with one of them.
///
/// Returns 0, or MMAP_WRAP_E_RANGE, MMAP_WRAP_E_ARGUMENT, -EBADF, -EIO (not all could be stored), -ESPIPE (a pipe).
///
/// ```c
/// mmap_wrap_evict(fd, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_evict(fd: i64, offset: i64, size: i64) -> i64 {
    // SAFETY: the descriptor is the caller's.
    boundary("mmap_wrap_evict", || unsafe { page_cache::evict(fd, offset, size) }.map(|()| 0))
}

/// Begins to read the range of the file open as fd into the page cache, and does not wait for it.
///
/// Returns 0, or MMAP_WRAP_E_RANGE, MMAP_WRAP_E_ARGUMENT, -EBADF, -ESPIPE (a pipe).
///
/// ```c
/// mmap_wrap_warm(fd, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_warm(fd: i64, offset: i64, size: i64) -> i64 {
    // SAFETY: the descriptor is the caller's.
    boundary("mmap_wrap_warm", || unsafe { page_cache::warm(fd, offset, size) }.map(|()| 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{MMAP_WRAP_E_ARGUMENT, MMAP_WRAP_E_RANGE, MMAP_WRAP_E_UNSUPPORTED};
    use crate::sys;
    use crate::{constants::*, mapping::KEEP, mapping::Mapping, range::REST};

    /// As C has them; the arguments are good here.
    macro_rules! calls {
        ($($name:ident($($argument:ident: $type:ty),*);)*) => {
            $(fn $name($($argument: $type),*) -> i64 {
                // SAFETY: as said.
                unsafe { super::$name($($argument),*) }
            })*
        };
    }

    calls! {
        mmap_wrap_resident(h: mmap_wrap_handle, offset: i64, size: i64);
        mmap_wrap_drop(h: mmap_wrap_handle, offset: i64, size: i64);
        mmap_wrap_evict(fd: i64, offset: i64, size: i64);
        cachestat_wrap(h: mmap_wrap_handle, cache: *mut mmap_wrap_cache, size: i64, offset: i64, bytes: i64);
        mmap_wrap_cachestat(fd: i64, cache: *mut mmap_wrap_cache, size: i64, offset: i64, bytes: i64);
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

        fn resident(&self) -> i64 {
            mmap_wrap_resident(self.h, 0, REST)
        }

        /// None, said aloud, where there are none.
        fn figures(&self, offset: i64, size: i64) -> Option<[i64; 5]> {
            let mut figures = [-1; 5];
            match cachestat_wrap(self.h, figures.as_mut_ptr().cast(), 40, offset, size) {
                0 if figures[0] == 0 && mmap_wrap_resident(self.h, offset, size) > 0 => {
                    println!("skipped: cachestat tells nothing of this file system")
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
    fn a_mapping_that_keeps_its_file_tells_what_the_page_cache_holds_of_it() {
        let kept = Kept::new(MAP_SHARED);
        let (h, page) = (kept.h, kept.page);
        pin(h).unwrap().write(0, b"x").unwrap();
        pin(h).unwrap().write(2 * page, b"x").unwrap();
        let Some([cached, dirty, writeback, ..]) = kept.figures(0, REST) else { return };
        assert!(cached >= 2 * page);
        assert_eq!(cached, kept.resident());
        // Changed pages count once the kernel looked at the page table.
        assert!(dirty + writeback <= cached);
        assert_eq!(kept.figures(2 * page + 5, 1).unwrap()[0], page, "a page for a byte");
        assert_eq!(kept.figures(4 * page, 0), Some([0; 5]));

        let mut beside = [-1; 5];
        assert_eq!(mmap_wrap_cachestat(kept.fd(), beside.as_mut_ptr().cast(), 40, page, 4 * page), 0);
        assert_eq!(beside[0], cached);
        assert_eq!(cachestat_wrap(h, beside.as_mut_ptr().cast(), 40, 0, 4 * page + 1), MMAP_WRAP_E_RANGE);
    }

    #[test]
    fn an_older_header_gets_the_figures_it_knows() {
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
    fn dropping_makes_the_page_cache_forget_a_kept_file_and_loses_nothing() {
        let kept = Kept::new(MAP_SHARED);
        pin(kept.h).unwrap().fill(0, 7, REST).unwrap();
        assert_eq!(kept.resident(), 4 * kept.page);
        assert_eq!(mmap_wrap_drop(kept.h, kept.page, 1), 0);
        let left = kept.resident();
        // What a file system keeps in memory only stays; what goes from a disk's is gone already.
        assert_eq!(mmap_wrap_evict(kept.fd(), 2 * kept.page, kept.page), 0);
        assert_eq!(kept.resident(), left, "a page beside the one dropped is mapped still, and stays");
        assert_eq!(mmap_wrap_drop(kept.h, 0, REST), 0);
        let left = kept.resident();
        assert_eq!(mmap_wrap_evict(kept.fd(), 0, REST), 0);
        assert_eq!(kept.resident(), left);
        if left > 0 {
            println!("skipped: this file system keeps its pages in memory, none could go");
        }
        let all = vec![7; usize::try_from(4 * kept.page).unwrap()];
        assert_eq!(pin(kept.h).unwrap().find(&all, 0, REST), Ok(0));
    }

    #[test]
    fn dropping_keeps_private_changes_of_a_kept_file() {
        use std::io::{Read, Seek, SeekFrom};
        let mut kept = Kept::new(MAP_PRIVATE);
        pin(kept.h).unwrap().write(kept.page, b"mine alone").unwrap();
        if mmap_wrap_drop(kept.h, 0, REST) == MMAP_WRAP_E_UNSUPPORTED {
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
