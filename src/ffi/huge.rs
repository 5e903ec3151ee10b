//! Huge pages and NUMA nodes
//!
//! Where memory lies, and in which pages. Transparent huge pages form by themselves in memory that is aligned to their
//! size, where madvise_wrap with MADV_HUGEPAGE asks for them or MADV_COLLAPSE makes them; those of the pool
//! (vm.nr_hugepages) come with MAP_HUGETLB.

use super::boundary::{answer, boundary, bytes_in, fetch};
use super::mapping::mmap_wrap_handle;
use crate::error::Error;
use crate::mapping::{self, Mapping};
use crate::registry::{self, pin};

/// Bytes in a transparent huge page, as the kernel has it; MMAP_WRAP_E_UNSUPPORTED where it has none.
///
/// ```c
/// int64_t huge = mmap_wrap_huge_page_size();
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_huge_page_size() -> i64 {
    boundary("mmap_wrap_huge_page_size", || mapping::transparent_huge_page_size().map(answer))
}

/// Maps as mmap_wrap does, anywhere that the address of the mapping's first page is a multiple of alignment, a power of
/// two. Less than a page, and with MAP_HUGETLB a huge page, is taken for that. (The first byte lies as far beyond that
/// address as offset does beyond its page's border in the file. A mapping of length 0 lies nowhere.)
///
/// Returns the handle, or what mmap_wrap does, or: MMAP_WRAP_E_ARGUMENT (no power of two; MAP_FIXED), MMAP_WRAP_E_RANGE
/// (length and alignment together exceed any memory), -ENOMEM (no such place is free: for a moment, length and alignment
/// together are taken).
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

/// How many bytes of the range, size bytes or MMAP_WRAP_REST from offset, lie in huge pages now: transparent ones that
/// the page table has as such, or those of the pool.
///
/// MMAP_WRAP_E_UNSUPPORTED: before Linux 6.7 (PAGEMAP_SCAN), or without /proc, this is known only of ranges that are
/// mapped apart from their neighbours. MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_RANGE as ever.
///
/// ```c
/// printf("%lld bytes in huge pages\n", (long long)mmap_wrap_huge_bytes(h, 0, MMAP_WRAP_REST));
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_huge_bytes(h: mmap_wrap_handle, offset: i64, size: i64) -> i64 {
    boundary("mmap_wrap_huge_bytes", || pin(h)?.huge_bytes(offset, size).map(answer))
}

/// Sets the memory policy of every page that holds a byte of the range: mode is one MPOL_ value, with MPOL_F_ flags
/// or'ed to it. Bit n of nodes, an array of node_words words with the lowest first, stands for node n; NULL and 0 for
/// policies without nodes. flags is 0 or MPOL_MF_ flags: without them the policy is for pages touched from now on.
///
/// Returns 0. -EINVAL: a node that is not there, or nodes that the policy needs and has not, or has and does not take.
/// -EIO: with MPOL_MF_STRICT, pages lie elsewhere. -EPERM: MPOL_MF_MOVE_ALL needs CAP_SYS_NICE. MMAP_WRAP_E_ARGUMENT:
/// unknown bits, NULL with words. MMAP_WRAP_E_UNSUPPORTED: a kernel without NUMA. MMAP_WRAP_E_HANDLE,
/// MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_RANGE as ever.
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
            _ => return Err(Error::argument(format!("{node_words} words of nodes: no machine has as many"))),
        };
        let given = bytes_in(nodes.cast(), bytes)?;
        let mut words = vec![0; given.size()];
        fetch(given, &mut words)?;
        // Chunks of eight are eight.
        let nodes: Vec<u64> = words.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap_or_default())).collect();
        pin.bind(mode, &nodes, flags, offset, size).map(|()| 0)
    })
}

/// The number of the NUMA node that holds the page of the byte at offset; on a machine with one it is 0. Touches nothing.
///
/// -ENOENT: no page is in memory there; touch it or call mmap_wrap_prefault. -EFAULT: memory that was read and never
/// written shares a page of the kernel's. MMAP_WRAP_E_UNSUPPORTED: a kernel without NUMA. MMAP_WRAP_E_HANDLE,
/// MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_RANGE as ever.
///
/// ```c
/// int64_t node = mmap_wrap_numa_node(h, 0);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_numa_node(h: mmap_wrap_handle, offset: i64) -> i64 {
    boundary("mmap_wrap_numa_node", || pin(h)?.node(offset))
}
