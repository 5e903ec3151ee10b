/*
 * mmap_wrap_constants.h - the constants of memory mapping, one function each
 *
 * Made by cbindgen from src/constants.rs of mmap-wrap; do not edit. Licence: MIT OR Apache-2.0.
 *
 * For languages that bind symbol by symbol, and for Windows; elsewhere C has <sys/mman.h> and
 * <fcntl.h>. A constant that this platform lacks reads 0, which may be the value of another one:
 * mmap_wrap_constant() returns MMAP_WRAP_E_UNSUPPORTED for it.
 */
#ifndef MMAP_WRAP_CONSTANTS_H
#define MMAP_WRAP_CONSTANTS_H

#include "mmap_wrap.h"

#ifdef __cplusplus
extern "C" {
#endif

/** MAP_FAILED: the address that a raw mmap returns on error, as a number. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_FAILED(void) MMAP_WRAP_NOEXCEPT;

/** PROT_NONE: pages may not be accessed. */
MMAP_WRAP_API int64_t mmap_wrap_PROT_NONE(void) MMAP_WRAP_NOEXCEPT;

/** PROT_READ: pages may be read. */
MMAP_WRAP_API int64_t mmap_wrap_PROT_READ(void) MMAP_WRAP_NOEXCEPT;

/** PROT_WRITE: pages may be written. */
MMAP_WRAP_API int64_t mmap_wrap_PROT_WRITE(void) MMAP_WRAP_NOEXCEPT;

/** PROT_EXEC: pages may be executed. */
MMAP_WRAP_API int64_t mmap_wrap_PROT_EXEC(void) MMAP_WRAP_NOEXCEPT;

/** PROT_SEM: pages may hold futexes, on processors where that matters. */
MMAP_WRAP_API int64_t mmap_wrap_PROT_SEM(void) MMAP_WRAP_NOEXCEPT;

/** PROT_GROWSDOWN: mprotect: extend the change to the start of a mapping that grows down. */
MMAP_WRAP_API int64_t mmap_wrap_PROT_GROWSDOWN(void) MMAP_WRAP_NOEXCEPT;

/** PROT_GROWSUP: mprotect: extend the change to the end of a mapping that grows up. */
MMAP_WRAP_API int64_t mmap_wrap_PROT_GROWSUP(void) MMAP_WRAP_NOEXCEPT;

/** PROT_BTI: branch target identification for code (arm64). */
MMAP_WRAP_API int64_t mmap_wrap_PROT_BTI(void) MMAP_WRAP_NOEXCEPT;

/** PROT_MTE: memory tagging (arm64). */
MMAP_WRAP_API int64_t mmap_wrap_PROT_MTE(void) MMAP_WRAP_NOEXCEPT;

/** PROT_SAO: strong access order (powerpc). */
MMAP_WRAP_API int64_t mmap_wrap_PROT_SAO(void) MMAP_WRAP_NOEXCEPT;

/** MAP_SHARED: changes are written to the file, and other processes that map it see them. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_SHARED(void) MMAP_WRAP_NOEXCEPT;

/** MAP_PRIVATE: changes stay in this mapping. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_PRIVATE(void) MMAP_WRAP_NOEXCEPT;

/** MAP_SHARED_VALIDATE: as MAP_SHARED, and the kernel rejects unknown flags. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_SHARED_VALIDATE(void) MMAP_WRAP_NOEXCEPT;

/** MAP_DROPPABLE: memory that the kernel may drop (reads zero) when it runs short. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_DROPPABLE(void) MMAP_WRAP_NOEXCEPT;

/** MAP_FILE: no effect; some systems want it for files. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_FILE(void) MMAP_WRAP_NOEXCEPT;

/** MAP_FIXED: exactly at this address, replacing what is there. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_FIXED(void) MMAP_WRAP_NOEXCEPT;

/** MAP_FIXED_NOREPLACE: exactly at this address, or fail where something is there. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_FIXED_NOREPLACE(void) MMAP_WRAP_NOEXCEPT;

/** MAP_ANONYMOUS: memory without a file. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_ANONYMOUS(void) MMAP_WRAP_NOEXCEPT;

/** MAP_ANON: another name of MAP_ANONYMOUS. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_ANON(void) MMAP_WRAP_NOEXCEPT;

/** MAP_RENAME: another name of MAP_ANONYMOUS (powerpc). */
MMAP_WRAP_API int64_t mmap_wrap_MAP_RENAME(void) MMAP_WRAP_NOEXCEPT;

/** MAP_32BIT: in the lowest 2 GiB of the address space (x86). */
MMAP_WRAP_API int64_t mmap_wrap_MAP_32BIT(void) MMAP_WRAP_NOEXCEPT;

/** MAP_ABOVE4G: above the lowest 4 GiB of the address space (x86). */
MMAP_WRAP_API int64_t mmap_wrap_MAP_ABOVE4G(void) MMAP_WRAP_NOEXCEPT;

/** MAP_GROWSDOWN: grows down, as a stack does. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_GROWSDOWN(void) MMAP_WRAP_NOEXCEPT;

/** MAP_DENYWRITE: ignored by the kernel. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_DENYWRITE(void) MMAP_WRAP_NOEXCEPT;

/** MAP_EXECUTABLE: ignored by the kernel. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_EXECUTABLE(void) MMAP_WRAP_NOEXCEPT;

/** MAP_LOCKED: pages are locked into memory, as far as they can be. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_LOCKED(void) MMAP_WRAP_NOEXCEPT;

/** MAP_NORESERVE: no swap space is reserved. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_NORESERVE(void) MMAP_WRAP_NOEXCEPT;

/** MAP_POPULATE: pages are read in at once. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_POPULATE(void) MMAP_WRAP_NOEXCEPT;

/** MAP_NONBLOCK: with MAP_POPULATE: only pages that are in memory. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_NONBLOCK(void) MMAP_WRAP_NOEXCEPT;

/** MAP_STACK: fit for a thread's stack. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_STACK(void) MMAP_WRAP_NOEXCEPT;

/** MAP_HUGETLB: huge pages from the reserved pool. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_HUGETLB(void) MMAP_WRAP_NOEXCEPT;

/** MAP_SYNC: writes reach persistent memory (DAX) synchronously. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_SYNC(void) MMAP_WRAP_NOEXCEPT;

/** MAP_UNINITIALIZED: memory may hold old contents (kernels without MMU only). */
MMAP_WRAP_API int64_t mmap_wrap_MAP_UNINITIALIZED(void) MMAP_WRAP_NOEXCEPT;

/** MAP_HUGE_16KB: with MAP_HUGETLB: pages of 16 KiB. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_HUGE_16KB(void) MMAP_WRAP_NOEXCEPT;

/** MAP_HUGE_64KB: with MAP_HUGETLB: pages of 64 KiB. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_HUGE_64KB(void) MMAP_WRAP_NOEXCEPT;

/** MAP_HUGE_512KB: with MAP_HUGETLB: pages of 512 KiB. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_HUGE_512KB(void) MMAP_WRAP_NOEXCEPT;

/** MAP_HUGE_1MB: with MAP_HUGETLB: pages of 1 MiB. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_HUGE_1MB(void) MMAP_WRAP_NOEXCEPT;

/** MAP_HUGE_2MB: with MAP_HUGETLB: pages of 2 MiB. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_HUGE_2MB(void) MMAP_WRAP_NOEXCEPT;

/** MAP_HUGE_8MB: with MAP_HUGETLB: pages of 8 MiB. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_HUGE_8MB(void) MMAP_WRAP_NOEXCEPT;

/** MAP_HUGE_16MB: with MAP_HUGETLB: pages of 16 MiB. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_HUGE_16MB(void) MMAP_WRAP_NOEXCEPT;

/** MAP_HUGE_32MB: with MAP_HUGETLB: pages of 32 MiB. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_HUGE_32MB(void) MMAP_WRAP_NOEXCEPT;

/** MAP_HUGE_256MB: with MAP_HUGETLB: pages of 256 MiB. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_HUGE_256MB(void) MMAP_WRAP_NOEXCEPT;

/** MAP_HUGE_512MB: with MAP_HUGETLB: pages of 512 MiB. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_HUGE_512MB(void) MMAP_WRAP_NOEXCEPT;

/** MAP_HUGE_1GB: with MAP_HUGETLB: pages of 1 GiB. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_HUGE_1GB(void) MMAP_WRAP_NOEXCEPT;

/** MAP_HUGE_2GB: with MAP_HUGETLB: pages of 2 GiB. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_HUGE_2GB(void) MMAP_WRAP_NOEXCEPT;

/** MAP_HUGE_16GB: with MAP_HUGETLB: pages of 16 GiB. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_HUGE_16GB(void) MMAP_WRAP_NOEXCEPT;

/** MAP_JIT: code may be written and run in turn (macOS). */
MMAP_WRAP_API int64_t mmap_wrap_MAP_JIT(void) MMAP_WRAP_NOEXCEPT;

/** MAP_NOCACHE: pages are the first to be reclaimed (macOS). */
MMAP_WRAP_API int64_t mmap_wrap_MAP_NOCACHE(void) MMAP_WRAP_NOEXCEPT;

/** MAP_NOEXTEND: for MAP_FILE, do not change the file's size (macOS). */
MMAP_WRAP_API int64_t mmap_wrap_MAP_NOEXTEND(void) MMAP_WRAP_NOEXCEPT;

/** MAP_HASSEMAPHORE: the region may hold semaphores (BSD, macOS). */
MMAP_WRAP_API int64_t mmap_wrap_MAP_HASSEMAPHORE(void) MMAP_WRAP_NOEXCEPT;

/** MAP_RESILIENT_CODESIGN: code that fails its signature reads zero (macOS). */
MMAP_WRAP_API int64_t mmap_wrap_MAP_RESILIENT_CODESIGN(void) MMAP_WRAP_NOEXCEPT;

/** MAP_RESILIENT_MEDIA: a lost medium reads zero (macOS). */
MMAP_WRAP_API int64_t mmap_wrap_MAP_RESILIENT_MEDIA(void) MMAP_WRAP_NOEXCEPT;

/** MAP_TRANSLATED_ALLOW_EXECUTE: translated programs may execute it (macOS). */
MMAP_WRAP_API int64_t mmap_wrap_MAP_TRANSLATED_ALLOW_EXECUTE(void) MMAP_WRAP_NOEXCEPT;

/** MAP_UNIX03: UNIX 03 conformance (macOS). */
MMAP_WRAP_API int64_t mmap_wrap_MAP_UNIX03(void) MMAP_WRAP_NOEXCEPT;

/** MAP_ALIGNED_SUPER: aligned for superpages (FreeBSD). */
MMAP_WRAP_API int64_t mmap_wrap_MAP_ALIGNED_SUPER(void) MMAP_WRAP_NOEXCEPT;

/** MAP_CONCEAL: left out of core dumps (OpenBSD). */
MMAP_WRAP_API int64_t mmap_wrap_MAP_CONCEAL(void) MMAP_WRAP_NOEXCEPT;

/** MAP_EXCL: with MAP_FIXED: fail where something is there (FreeBSD). */
MMAP_WRAP_API int64_t mmap_wrap_MAP_EXCL(void) MMAP_WRAP_NOEXCEPT;

/** MAP_GUARD: a range that cannot be accessed (FreeBSD). */
MMAP_WRAP_API int64_t mmap_wrap_MAP_GUARD(void) MMAP_WRAP_NOEXCEPT;

/** MAP_NOCORE: left out of core dumps (FreeBSD). */
MMAP_WRAP_API int64_t mmap_wrap_MAP_NOCORE(void) MMAP_WRAP_NOEXCEPT;

/** MAP_NOSYNC: written back only when needed (FreeBSD). */
MMAP_WRAP_API int64_t mmap_wrap_MAP_NOSYNC(void) MMAP_WRAP_NOEXCEPT;

/** MAP_PREFAULT_READ: pages are made ready for reading (FreeBSD). */
MMAP_WRAP_API int64_t mmap_wrap_MAP_PREFAULT_READ(void) MMAP_WRAP_NOEXCEPT;

/** MAP_TYPE: the bits of the flags that say shared or private. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_TYPE(void) MMAP_WRAP_NOEXCEPT;

/** MAP_HUGE_SHIFT: where the flags hold the logarithm of the huge page size. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_HUGE_SHIFT(void) MMAP_WRAP_NOEXCEPT;

/** MAP_HUGE_MASK: the bits of that logarithm, before shifting. */
MMAP_WRAP_API int64_t mmap_wrap_MAP_HUGE_MASK(void) MMAP_WRAP_NOEXCEPT;

/** MFD_HUGE_SHIFT: where the flags of a memfd hold the logarithm of the huge page size. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_HUGE_SHIFT(void) MMAP_WRAP_NOEXCEPT;

/** MFD_HUGE_MASK: the bits of that logarithm, before shifting. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_HUGE_MASK(void) MMAP_WRAP_NOEXCEPT;

/** MS_ASYNC: schedule the write and return. */
MMAP_WRAP_API int64_t mmap_wrap_MS_ASYNC(void) MMAP_WRAP_NOEXCEPT;

/** MS_SYNC: return when the data is written. */
MMAP_WRAP_API int64_t mmap_wrap_MS_SYNC(void) MMAP_WRAP_NOEXCEPT;

/** MS_INVALIDATE: make other mappings of the file see it (EBUSY on locked pages). */
MMAP_WRAP_API int64_t mmap_wrap_MS_INVALIDATE(void) MMAP_WRAP_NOEXCEPT;

/** MS_KILLPAGES: drop the pages (macOS). */
MMAP_WRAP_API int64_t mmap_wrap_MS_KILLPAGES(void) MMAP_WRAP_NOEXCEPT;

/** MS_DEACTIVATE: pages are not needed soon (macOS). */
MMAP_WRAP_API int64_t mmap_wrap_MS_DEACTIVATE(void) MMAP_WRAP_NOEXCEPT;

/** MADV_NORMAL: no special treatment. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_NORMAL(void) MMAP_WRAP_NOEXCEPT;

/** MADV_RANDOM: no read-ahead: accesses come in random order. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_RANDOM(void) MMAP_WRAP_NOEXCEPT;

/** MADV_SEQUENTIAL: much read-ahead: accesses come in order. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_SEQUENTIAL(void) MMAP_WRAP_NOEXCEPT;

/** MADV_WILLNEED: read the pages in soon. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_WILLNEED(void) MMAP_WRAP_NOEXCEPT;

/** MADV_DOFORK: a forked child has the pages again: undoes MADV_DONTFORK. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_DOFORK(void) MMAP_WRAP_NOEXCEPT;

/** MADV_MERGEABLE: identical pages may be merged (KSM). */
MMAP_WRAP_API int64_t mmap_wrap_MADV_MERGEABLE(void) MMAP_WRAP_NOEXCEPT;

/** MADV_UNMERGEABLE: identical pages are not merged. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_UNMERGEABLE(void) MMAP_WRAP_NOEXCEPT;

/** MADV_HUGEPAGE: transparent huge pages wanted. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_HUGEPAGE(void) MMAP_WRAP_NOEXCEPT;

/** MADV_NOHUGEPAGE: transparent huge pages unwanted. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_NOHUGEPAGE(void) MMAP_WRAP_NOEXCEPT;

/** MADV_COLLAPSE: make huge pages of it now. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_COLLAPSE(void) MMAP_WRAP_NOEXCEPT;

/** MADV_DONTDUMP: left out of core dumps. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_DONTDUMP(void) MMAP_WRAP_NOEXCEPT;

/** MADV_DODUMP: in core dumps again: undoes MADV_DONTDUMP. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_DODUMP(void) MMAP_WRAP_NOEXCEPT;

/** MADV_KEEPONFORK: a forked child has the contents again: undoes MADV_WIPEONFORK. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_KEEPONFORK(void) MMAP_WRAP_NOEXCEPT;

/** MADV_COLD: pages are reclaimed before others. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_COLD(void) MMAP_WRAP_NOEXCEPT;

/** MADV_PAGEOUT: pages are reclaimed now. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_PAGEOUT(void) MMAP_WRAP_NOEXCEPT;

/** MADV_POPULATE_READ: make the pages ready for reading now. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_POPULATE_READ(void) MMAP_WRAP_NOEXCEPT;

/** MADV_POPULATE_WRITE: make the pages ready for writing now. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_POPULATE_WRITE(void) MMAP_WRAP_NOEXCEPT;

/** MADV_NOSYNC: written back only when needed (FreeBSD). */
MMAP_WRAP_API int64_t mmap_wrap_MADV_NOSYNC(void) MMAP_WRAP_NOEXCEPT;

/** MADV_AUTOSYNC: undoes MADV_NOSYNC (FreeBSD). */
MMAP_WRAP_API int64_t mmap_wrap_MADV_AUTOSYNC(void) MMAP_WRAP_NOEXCEPT;

/** MADV_NOCORE: left out of core dumps (FreeBSD). */
MMAP_WRAP_API int64_t mmap_wrap_MADV_NOCORE(void) MMAP_WRAP_NOEXCEPT;

/** MADV_CORE: in core dumps again (FreeBSD). */
MMAP_WRAP_API int64_t mmap_wrap_MADV_CORE(void) MMAP_WRAP_NOEXCEPT;

/** MADV_PROTECT: the process is not killed when memory runs out (FreeBSD). */
MMAP_WRAP_API int64_t mmap_wrap_MADV_PROTECT(void) MMAP_WRAP_NOEXCEPT;

/**
 * MADV_DONTNEED: drop the pages: private ones read zero or the file again (macOS, BSD, illumos: the
 * contents stay).
 */
MMAP_WRAP_API int64_t mmap_wrap_MADV_DONTNEED(void) MMAP_WRAP_NOEXCEPT;

/** MADV_FREE: the pages may be dropped until they are next written. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_FREE(void) MMAP_WRAP_NOEXCEPT;

/** MADV_REMOVE: free the pages and their blocks of the file: punches a hole. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_REMOVE(void) MMAP_WRAP_NOEXCEPT;

/** MADV_DONTFORK: a forked child does not have the pages. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_DONTFORK(void) MMAP_WRAP_NOEXCEPT;

/** MADV_WIPEONFORK: a forked child reads zero. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_WIPEONFORK(void) MMAP_WRAP_NOEXCEPT;

/** MADV_DONTNEED_LOCKED: as MADV_DONTNEED, for locked pages too. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_DONTNEED_LOCKED(void) MMAP_WRAP_NOEXCEPT;

/** MADV_GUARD_INSTALL: drop the pages and let every access to them fault. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_GUARD_INSTALL(void) MMAP_WRAP_NOEXCEPT;

/** MADV_GUARD_REMOVE: undo MADV_GUARD_INSTALL; the pages are empty. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_GUARD_REMOVE(void) MMAP_WRAP_NOEXCEPT;

/** MADV_HWPOISON: treat the pages as failed hardware, for tests. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_HWPOISON(void) MMAP_WRAP_NOEXCEPT;

/** MADV_SOFT_OFFLINE: move the data off the hardware pages, for tests. */
MMAP_WRAP_API int64_t mmap_wrap_MADV_SOFT_OFFLINE(void) MMAP_WRAP_NOEXCEPT;

/** MADV_ZERO_WIRED_PAGES: zero locked pages before they are freed (macOS). */
MMAP_WRAP_API int64_t mmap_wrap_MADV_ZERO_WIRED_PAGES(void) MMAP_WRAP_NOEXCEPT;

/** MADV_FREE_REUSABLE: the system may reuse the pages (macOS). */
MMAP_WRAP_API int64_t mmap_wrap_MADV_FREE_REUSABLE(void) MMAP_WRAP_NOEXCEPT;

/** MADV_FREE_REUSE: undoes MADV_FREE_REUSABLE (macOS). */
MMAP_WRAP_API int64_t mmap_wrap_MADV_FREE_REUSE(void) MMAP_WRAP_NOEXCEPT;

/** MREMAP_MAYMOVE: the mapping may move. */
MMAP_WRAP_API int64_t mmap_wrap_MREMAP_MAYMOVE(void) MMAP_WRAP_NOEXCEPT;

/** MREMAP_FIXED: the mapping moves to exactly this address. */
MMAP_WRAP_API int64_t mmap_wrap_MREMAP_FIXED(void) MMAP_WRAP_NOEXCEPT;

/** MREMAP_DONTUNMAP: the old range stays mapped, empty. */
MMAP_WRAP_API int64_t mmap_wrap_MREMAP_DONTUNMAP(void) MMAP_WRAP_NOEXCEPT;

/** MLOCK_ONFAULT: lock each page once it is touched. */
MMAP_WRAP_API int64_t mmap_wrap_MLOCK_ONFAULT(void) MMAP_WRAP_NOEXCEPT;

/** MCL_CURRENT: lock all that is mapped now. */
MMAP_WRAP_API int64_t mmap_wrap_MCL_CURRENT(void) MMAP_WRAP_NOEXCEPT;

/** MCL_FUTURE: lock all that will be mapped. */
MMAP_WRAP_API int64_t mmap_wrap_MCL_FUTURE(void) MMAP_WRAP_NOEXCEPT;

/** MCL_ONFAULT: lock each page once it is touched. */
MMAP_WRAP_API int64_t mmap_wrap_MCL_ONFAULT(void) MMAP_WRAP_NOEXCEPT;

/** MFD_CLOEXEC: the descriptor is closed on exec. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_CLOEXEC(void) MMAP_WRAP_NOEXCEPT;

/** MFD_ALLOW_SEALING: seals may be added. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_ALLOW_SEALING(void) MMAP_WRAP_NOEXCEPT;

/** MFD_HUGETLB: of huge pages from the reserved pool. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_HUGETLB(void) MMAP_WRAP_NOEXCEPT;

/** MFD_NOEXEC_SEAL: not executable, and sealed so. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_NOEXEC_SEAL(void) MMAP_WRAP_NOEXCEPT;

/** MFD_EXEC: executable. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_EXEC(void) MMAP_WRAP_NOEXCEPT;

/** MFD_HUGE_16KB: with MFD_HUGETLB: pages of 16 KiB. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_HUGE_16KB(void) MMAP_WRAP_NOEXCEPT;

/** MFD_HUGE_64KB: with MFD_HUGETLB: pages of 64 KiB. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_HUGE_64KB(void) MMAP_WRAP_NOEXCEPT;

/** MFD_HUGE_512KB: with MFD_HUGETLB: pages of 512 KiB. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_HUGE_512KB(void) MMAP_WRAP_NOEXCEPT;

/** MFD_HUGE_1MB: with MFD_HUGETLB: pages of 1 MiB. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_HUGE_1MB(void) MMAP_WRAP_NOEXCEPT;

/** MFD_HUGE_2MB: with MFD_HUGETLB: pages of 2 MiB. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_HUGE_2MB(void) MMAP_WRAP_NOEXCEPT;

/** MFD_HUGE_8MB: with MFD_HUGETLB: pages of 8 MiB. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_HUGE_8MB(void) MMAP_WRAP_NOEXCEPT;

/** MFD_HUGE_16MB: with MFD_HUGETLB: pages of 16 MiB. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_HUGE_16MB(void) MMAP_WRAP_NOEXCEPT;

/** MFD_HUGE_32MB: with MFD_HUGETLB: pages of 32 MiB. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_HUGE_32MB(void) MMAP_WRAP_NOEXCEPT;

/** MFD_HUGE_256MB: with MFD_HUGETLB: pages of 256 MiB. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_HUGE_256MB(void) MMAP_WRAP_NOEXCEPT;

/** MFD_HUGE_512MB: with MFD_HUGETLB: pages of 512 MiB. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_HUGE_512MB(void) MMAP_WRAP_NOEXCEPT;

/** MFD_HUGE_1GB: with MFD_HUGETLB: pages of 1 GiB. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_HUGE_1GB(void) MMAP_WRAP_NOEXCEPT;

/** MFD_HUGE_2GB: with MFD_HUGETLB: pages of 2 GiB. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_HUGE_2GB(void) MMAP_WRAP_NOEXCEPT;

/** MFD_HUGE_16GB: with MFD_HUGETLB: pages of 16 GiB. */
MMAP_WRAP_API int64_t mmap_wrap_MFD_HUGE_16GB(void) MMAP_WRAP_NOEXCEPT;

/** F_SEAL_SEAL: no further seals. */
MMAP_WRAP_API int64_t mmap_wrap_F_SEAL_SEAL(void) MMAP_WRAP_NOEXCEPT;

/** F_SEAL_SHRINK: the file cannot shrink. */
MMAP_WRAP_API int64_t mmap_wrap_F_SEAL_SHRINK(void) MMAP_WRAP_NOEXCEPT;

/** F_SEAL_GROW: the file cannot grow. */
MMAP_WRAP_API int64_t mmap_wrap_F_SEAL_GROW(void) MMAP_WRAP_NOEXCEPT;

/** F_SEAL_WRITE: the file cannot be written. */
MMAP_WRAP_API int64_t mmap_wrap_F_SEAL_WRITE(void) MMAP_WRAP_NOEXCEPT;

/** F_SEAL_FUTURE_WRITE: no new way to write the file; mappings that write go on. */
MMAP_WRAP_API int64_t mmap_wrap_F_SEAL_FUTURE_WRITE(void) MMAP_WRAP_NOEXCEPT;

/** F_SEAL_EXEC: the execute permission cannot change. */
MMAP_WRAP_API int64_t mmap_wrap_F_SEAL_EXEC(void) MMAP_WRAP_NOEXCEPT;

/** O_RDONLY: open for reading. */
MMAP_WRAP_API int64_t mmap_wrap_O_RDONLY(void) MMAP_WRAP_NOEXCEPT;

/** O_WRONLY: open for writing. */
MMAP_WRAP_API int64_t mmap_wrap_O_WRONLY(void) MMAP_WRAP_NOEXCEPT;

/** O_RDWR: open for both. */
MMAP_WRAP_API int64_t mmap_wrap_O_RDWR(void) MMAP_WRAP_NOEXCEPT;

/** O_CREAT: create the file if it does not exist. */
MMAP_WRAP_API int64_t mmap_wrap_O_CREAT(void) MMAP_WRAP_NOEXCEPT;

/** O_EXCL: with O_CREAT: fail if it exists. */
MMAP_WRAP_API int64_t mmap_wrap_O_EXCL(void) MMAP_WRAP_NOEXCEPT;

/** O_TRUNC: truncate the file to length 0. */
MMAP_WRAP_API int64_t mmap_wrap_O_TRUNC(void) MMAP_WRAP_NOEXCEPT;

/** O_APPEND: write at the end. */
MMAP_WRAP_API int64_t mmap_wrap_O_APPEND(void) MMAP_WRAP_NOEXCEPT;

/** O_CLOEXEC: close on exec. */
MMAP_WRAP_API int64_t mmap_wrap_O_CLOEXEC(void) MMAP_WRAP_NOEXCEPT;

/** O_DIRECT: bypass the page cache. */
MMAP_WRAP_API int64_t mmap_wrap_O_DIRECT(void) MMAP_WRAP_NOEXCEPT;

/** O_SYNC: writes return when data and metadata are stored. */
MMAP_WRAP_API int64_t mmap_wrap_O_SYNC(void) MMAP_WRAP_NOEXCEPT;

/** O_DSYNC: writes return when data is stored. */
MMAP_WRAP_API int64_t mmap_wrap_O_DSYNC(void) MMAP_WRAP_NOEXCEPT;

/** O_NOFOLLOW: fail on a symbolic link. */
MMAP_WRAP_API int64_t mmap_wrap_O_NOFOLLOW(void) MMAP_WRAP_NOEXCEPT;

/** O_NOATIME: do not update the time of last access. */
MMAP_WRAP_API int64_t mmap_wrap_O_NOATIME(void) MMAP_WRAP_NOEXCEPT;

/** O_TMPFILE: an unnamed file in the directory given. */
MMAP_WRAP_API int64_t mmap_wrap_O_TMPFILE(void) MMAP_WRAP_NOEXCEPT;

/** O_NONBLOCK: do not wait while opening. */
MMAP_WRAP_API int64_t mmap_wrap_O_NONBLOCK(void) MMAP_WRAP_NOEXCEPT;

/** O_NOCTTY: a terminal does not become the controlling one. */
MMAP_WRAP_API int64_t mmap_wrap_O_NOCTTY(void) MMAP_WRAP_NOEXCEPT;

/** O_DIRECTORY: fail unless it is a directory. */
MMAP_WRAP_API int64_t mmap_wrap_O_DIRECTORY(void) MMAP_WRAP_NOEXCEPT;

/** O_ASYNC: a signal when input arrives; of no effect on files. */
MMAP_WRAP_API int64_t mmap_wrap_O_ASYNC(void) MMAP_WRAP_NOEXCEPT;

/** O_LARGEFILE: files of 2 GiB and more on 32-bit systems, which this library opens in any case. */
MMAP_WRAP_API int64_t mmap_wrap_O_LARGEFILE(void) MMAP_WRAP_NOEXCEPT;

/** PKEY_UNRESTRICTED: the key forbids nothing. */
MMAP_WRAP_API int64_t mmap_wrap_PKEY_UNRESTRICTED(void) MMAP_WRAP_NOEXCEPT;

/** PKEY_DISABLE_ACCESS: the key forbids every access. */
MMAP_WRAP_API int64_t mmap_wrap_PKEY_DISABLE_ACCESS(void) MMAP_WRAP_NOEXCEPT;

/** PKEY_DISABLE_WRITE: the key forbids writing. */
MMAP_WRAP_API int64_t mmap_wrap_PKEY_DISABLE_WRITE(void) MMAP_WRAP_NOEXCEPT;

/** PKEY_DISABLE_EXECUTE: the key forbids execution (arm64, powerpc). */
MMAP_WRAP_API int64_t mmap_wrap_PKEY_DISABLE_EXECUTE(void) MMAP_WRAP_NOEXCEPT;

/** PKEY_DISABLE_READ: the key forbids reading (arm64). */
MMAP_WRAP_API int64_t mmap_wrap_PKEY_DISABLE_READ(void) MMAP_WRAP_NOEXCEPT;

/**
 * PKEY_ACCESS_MASK: PKEY_DISABLE_ACCESS and PKEY_DISABLE_WRITE together, and what else the
 * processor has.
 */
MMAP_WRAP_API int64_t mmap_wrap_PKEY_ACCESS_MASK(void) MMAP_WRAP_NOEXCEPT;

/** OVERCOMMIT_GUESS: vm.overcommit_memory: reject obvious excess. */
MMAP_WRAP_API int64_t mmap_wrap_OVERCOMMIT_GUESS(void) MMAP_WRAP_NOEXCEPT;

/** OVERCOMMIT_ALWAYS: vm.overcommit_memory: reject nothing. */
MMAP_WRAP_API int64_t mmap_wrap_OVERCOMMIT_ALWAYS(void) MMAP_WRAP_NOEXCEPT;

/** OVERCOMMIT_NEVER: vm.overcommit_memory: reject what cannot be backed. */
MMAP_WRAP_API int64_t mmap_wrap_OVERCOMMIT_NEVER(void) MMAP_WRAP_NOEXCEPT;

/** MPOL_DEFAULT: mbind: as the process has it. */
MMAP_WRAP_API int64_t mmap_wrap_MPOL_DEFAULT(void) MMAP_WRAP_NOEXCEPT;

/** MPOL_PREFERRED: mbind: from the node given, or another where that has no room. */
MMAP_WRAP_API int64_t mmap_wrap_MPOL_PREFERRED(void) MMAP_WRAP_NOEXCEPT;

/** MPOL_BIND: mbind: from the nodes given and no others. */
MMAP_WRAP_API int64_t mmap_wrap_MPOL_BIND(void) MMAP_WRAP_NOEXCEPT;

/** MPOL_INTERLEAVE: mbind: from the nodes given in turn. */
MMAP_WRAP_API int64_t mmap_wrap_MPOL_INTERLEAVE(void) MMAP_WRAP_NOEXCEPT;

/** MPOL_LOCAL: mbind: from the node that first touches a page. */
MMAP_WRAP_API int64_t mmap_wrap_MPOL_LOCAL(void) MMAP_WRAP_NOEXCEPT;

/** MPOL_PREFERRED_MANY: mbind: from the nodes given, or others where those have no room. */
MMAP_WRAP_API int64_t mmap_wrap_MPOL_PREFERRED_MANY(void) MMAP_WRAP_NOEXCEPT;

/** MPOL_WEIGHTED_INTERLEAVE: mbind: from the nodes given in turn, from some more often. */
MMAP_WRAP_API int64_t mmap_wrap_MPOL_WEIGHTED_INTERLEAVE(void) MMAP_WRAP_NOEXCEPT;

/** MPOL_F_NUMA_BALANCING: with MPOL_BIND: pages may move between the nodes given. */
MMAP_WRAP_API int64_t mmap_wrap_MPOL_F_NUMA_BALANCING(void) MMAP_WRAP_NOEXCEPT;

/** MPOL_F_RELATIVE_NODES: the nodes are counted among those that the process may use. */
MMAP_WRAP_API int64_t mmap_wrap_MPOL_F_RELATIVE_NODES(void) MMAP_WRAP_NOEXCEPT;

/** MPOL_F_STATIC_NODES: the nodes stay the same when the process may use others. */
MMAP_WRAP_API int64_t mmap_wrap_MPOL_F_STATIC_NODES(void) MMAP_WRAP_NOEXCEPT;

/** MPOL_MF_STRICT: mbind: fail where pages lie elsewhere. */
MMAP_WRAP_API int64_t mmap_wrap_MPOL_MF_STRICT(void) MMAP_WRAP_NOEXCEPT;

/** MPOL_MF_MOVE: mbind: move the pages that only this process has. */
MMAP_WRAP_API int64_t mmap_wrap_MPOL_MF_MOVE(void) MMAP_WRAP_NOEXCEPT;

/** MPOL_MF_MOVE_ALL: mbind: move pages that others have, too. */
MMAP_WRAP_API int64_t mmap_wrap_MPOL_MF_MOVE_ALL(void) MMAP_WRAP_NOEXCEPT;

/**
 * MMAP_WRAP_REST: a size or end: to the end of the mapping; a length: to the end of the file; a
 * time: indefinitely.
 */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_REST(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_KEEP: or'ed to flags: the mapping keeps its file open. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_KEEP(void) MMAP_WRAP_NOEXCEPT;

/**
 * MMAP_WRAP_OR_PRIVATE: or'ed to MAP_SHARED for reading: private, where the file takes no shared
 * mapping.
 */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_OR_PRIVATE(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_WITH_FILE: mremap_wrap: the file ends where the mapping ends. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_WITH_FILE(void) MMAP_WRAP_NOEXCEPT;

/**
 * MMAP_WRAP_ALLOCATE: mremap_wrap: as MMAP_WRAP_WITH_FILE, and blocks are allocated for the whole
 * file.
 */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_ALLOCATE(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_E_HANDLE: not a valid mapping handle. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_E_HANDLE(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_E_UNMAPPED: the mapping is unmapped already. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_E_UNMAPPED(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_E_RANGE: outside the mapping. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_E_RANGE(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_E_ALIGNMENT: not on a page or word boundary. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_E_ALIGNMENT(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_E_FAULT: the access faulted. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_E_FAULT(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_E_BUSY: the mapping is in use. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_E_BUSY(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_E_ARGUMENT: invalid argument. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_E_ARGUMENT(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_E_UNSUPPORTED: not supported on this system. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_E_UNSUPPORTED(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_E_NOT_FOUND: not found. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_E_NOT_FOUND(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_E_INTERNAL: a defect of the library. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_E_INTERNAL(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_E_SEALED: a part of the mapping is sealed. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_E_SEALED(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_I8: an element: a signed integer of 8 bits. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_I8(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_U8: an element: an unsigned integer of 8 bits. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_U8(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_I16: an element: a signed integer of 16 bits. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_I16(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_U16: an element: an unsigned integer of 16 bits. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_U16(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_I32: an element: a signed integer of 32 bits. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_I32(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_U32: an element: an unsigned integer of 32 bits. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_U32(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_I64: an element: a signed integer of 64 bits. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_I64(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_U64: an element: an unsigned integer of 64 bits. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_U64(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_F32: an element: a float of 32 bits. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_F32(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_F64: an element: a float of 64 bits. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_F64(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_LITTLE_ENDIAN: or'ed to an element: little-endian. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_LITTLE_ENDIAN(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_BIG_ENDIAN: or'ed to an element: big-endian. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_BIG_ENDIAN(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_NO_INT: mmap_wrap_get_int: returned on error, see mmap_wrap_last_error_code. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_NO_INT(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_MUTEX_SIZE: bytes of a mutex in a mapping. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_MUTEX_SIZE(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_SOURCE_ANONYMOUS: mmap_wrap_info: memory without a file. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_SOURCE_ANONYMOUS(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_SOURCE_DESCRIPTOR: mmap_wrap_info: a file that the caller had open. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_SOURCE_DESCRIPTOR(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_SOURCE_PATH: mmap_wrap_info: a file that was opened by its path. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_SOURCE_PATH(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_SOURCE_SHARED_MEMORY: mmap_wrap_info: shared memory that was opened by its name. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_SOURCE_SHARED_MEMORY(void) MMAP_WRAP_NOEXCEPT;

/** MMAP_WRAP_SOURCE_MEMORY_FILE: mmap_wrap_info: a file without a name that the library made. */
MMAP_WRAP_API int64_t mmap_wrap_MMAP_WRAP_SOURCE_MEMORY_FILE(void) MMAP_WRAP_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif /* MMAP_WRAP_CONSTANTS_H */
