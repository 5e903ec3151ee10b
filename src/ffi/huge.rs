//! Huge pages and NUMA
//!
//! The NUMA node of memory, and the size of its pages. The kernel uses transparent huge pages in memory that is aligned to
//! their size, after madvise_wrap with MADV_HUGEPAGE or MADV_COLLAPSE; MAP_HUGETLB takes huge pages of the pool
//! (vm.nr_hugepages).

use super::boundary::{boundary, bytes_in, fetch, length_result};
use super::mapping::mmap_wrap_handle;
use crate::error::Error;
use crate::mapping::{self, Mapping};
use crate::registry::{self, pin};

/// Returns the size in bytes of a transparent huge page; MMAP_WRAP_E_UNSUPPORTED if the kernel has none.
///
/// ```c
/// int64_t huge = mmap_wrap_huge_page_size();
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_huge_page_size() -> i64 {
    boundary("mmap_wrap_huge_page_size", || mapping::transparent_huge_page_size().map(length_result))
}

/// Maps as mmap_wrap does, at an address that is a multiple of alignment, a power of two. (That is the address of the mapping's
/// first page; if offset is not a multiple of the page size, the first byte lies that much behind it.) An alignment of less
/// than a page, or with MAP_HUGETLB of less than a huge page, is increased to that size.
///
/// Returns the handle. Errors: those of mmap_wrap; MMAP_WRAP_E_ARGUMENT if alignment is not a power of two, and for MAP_FIXED;
/// MMAP_WRAP_E_UNSUPPORTED on Windows if offset is not a multiple of alignment or, above 64 KiB, of 64 KiB;
/// MMAP_WRAP_E_RANGE if len and alignment together exceed the address space; -ENOMEM if len and alignment together exceed the
/// free addresses: both are reserved temporarily.
///
/// ```c
/// int64_t prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
/// mmap_wrap_handle h = mmap_aligned_wrap(2 << 20, 64 << 20, prot, flags, -1, 0);
/// madvise_wrap(h, MADV_HUGEPAGE, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_aligned_wrap(
    alignment: i64,
    len: i64,
    prot: i64,
    flags: i64,
    fd: i64,
    offset: i64,
) -> mmap_wrap_handle {
    // SAFETY: the descriptor is the caller's.
    boundary("mmap_aligned_wrap", || registry::insert(|| unsafe { Mapping::aligned(alignment, len, prot, flags, fd, offset) }))
}

/// Returns how many bytes of the range, size bytes or MMAP_WRAP_REST from offset on, are in huge pages now: transparent ones
/// that are mapped as such, or those of the pool.
///
/// Errors: MMAP_WRAP_E_UNSUPPORTED if the kernel has merged the range with adjacent memory, and PAGEMAP_SCAN (Linux 6.7) or
/// /proc is missing; MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED; MMAP_WRAP_E_RANGE.
///
/// ```c
/// printf("%lld bytes in huge pages\n", (long long)mmap_wrap_huge_bytes(h, 0, MMAP_WRAP_REST));
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_huge_bytes(h: mmap_wrap_handle, offset: i64, size: i64) -> i64 {
    boundary("mmap_wrap_huge_bytes", || pin(h)?.huge_bytes(offset, size).map(length_result))
}

/// Sets the NUMA memory policy of every page that holds a byte of the range: mbind(2). mode is one MPOL_ value, combined with
/// MPOL_F_ flags. nodes is a bit set of node_words words, the lowest first, in which bit n is node n; NULL and 0 for policies
/// without nodes. flags is 0 or MPOL_MF_ flags; with 0 the policy applies to pages that are allocated from now on.
///
/// Returns 0. Errors: -EINVAL for a node that does not exist, or nodes that the policy does not accept; -EIO if, with
/// MPOL_MF_STRICT, pages are on other nodes; -EPERM for MPOL_MF_MOVE_ALL without CAP_SYS_NICE; MMAP_WRAP_E_ARGUMENT for unknown
/// bits, or if nodes is NULL and node_words is not 0; MMAP_WRAP_E_UNSUPPORTED if the kernel has no NUMA; MMAP_WRAP_E_HANDLE;
/// MMAP_WRAP_E_UNMAPPED; MMAP_WRAP_E_RANGE.
///
/// ```c
/// uint64_t node_0 = 1;
/// mbind_wrap(h, MPOL_BIND, &node_0, 1, 0, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mbind_wrap(
    h: mmap_wrap_handle,
    mode: i64,
    nodes: *const u64,
    node_words: i64,
    flags: i64,
    offset: i64,
    size: i64,
) -> i64 {
    boundary("mbind_wrap", || {
        let pin = pin(h)?;
        // So many nodes as fit a page of bits is what the kernel looks at.
        let bytes = match node_words {
            ..=4096 => node_words.saturating_mul(8),
            _ => return Err(Error::argument(format!("node_words is {node_words}: too many"))),
        };
        let given = bytes_in(nodes.cast(), bytes)?;
        let mut words = vec![0; given.size()];
        fetch(given, &mut words)?;
        // Chunks of eight are eight.
        let nodes: Vec<u64> = words.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap_or_default())).collect();
        pin.mbind(mode, &nodes, flags, offset, size).map(|()| 0)
    })
}

/// Returns the number of the NUMA node that holds the page of the byte at offset; 0 on a machine with one node. The memory is
/// not accessed.
///
/// Errors: -ENOENT if the page is not in memory (access it, or call mmap_wrap_prefault); -EFAULT for memory that was read but
/// never written, which is the kernel's shared zero page; MMAP_WRAP_E_UNSUPPORTED if the kernel has no NUMA;
/// MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED; MMAP_WRAP_E_RANGE.
///
/// ```c
/// int64_t node = mmap_wrap_numa_node(h, 0);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_numa_node(h: mmap_wrap_handle, offset: i64) -> i64 {
    boundary("mmap_wrap_numa_node", || pin(h)?.numa_node(offset))
}
