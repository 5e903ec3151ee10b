"""The constants, for type checkers: each that a platform may have. Written by scripts/stubs."""

from typing import Final

__all__ = [
    "MAP_FAILED",
    "PROT_NONE",
    "PROT_READ",
    "PROT_WRITE",
    "PROT_EXEC",
    "PROT_SEM",
    "PROT_GROWSDOWN",
    "PROT_GROWSUP",
    "PROT_BTI",
    "PROT_MTE",
    "PROT_SAO",
    "MAP_SHARED",
    "MAP_PRIVATE",
    "MAP_SHARED_VALIDATE",
    "MAP_DROPPABLE",
    "MAP_FILE",
    "MAP_FIXED",
    "MAP_FIXED_NOREPLACE",
    "MAP_ANONYMOUS",
    "MAP_ANON",
    "MAP_32BIT",
    "MAP_ABOVE4G",
    "MAP_GROWSDOWN",
    "MAP_DENYWRITE",
    "MAP_EXECUTABLE",
    "MAP_LOCKED",
    "MAP_NORESERVE",
    "MAP_POPULATE",
    "MAP_NONBLOCK",
    "MAP_STACK",
    "MAP_HUGETLB",
    "MAP_SYNC",
    "MAP_UNINITIALIZED",
    "MAP_HUGE_16KB",
    "MAP_HUGE_64KB",
    "MAP_HUGE_512KB",
    "MAP_HUGE_1MB",
    "MAP_HUGE_2MB",
    "MAP_HUGE_8MB",
    "MAP_HUGE_16MB",
    "MAP_HUGE_32MB",
    "MAP_HUGE_256MB",
    "MAP_HUGE_512MB",
    "MAP_HUGE_1GB",
    "MAP_HUGE_2GB",
    "MAP_HUGE_16GB",
    "MAP_JIT",
    "MAP_NOCACHE",
    "MAP_NOEXTEND",
    "MAP_HASSEMAPHORE",
    "MAP_RESILIENT_CODESIGN",
    "MAP_RESILIENT_MEDIA",
    "MAP_TRANSLATED_ALLOW_EXECUTE",
    "MAP_UNIX03",
    "MAP_ALIGNED_SUPER",
    "MAP_CONCEAL",
    "MAP_EXCL",
    "MAP_GUARD",
    "MAP_NOCORE",
    "MAP_NOSYNC",
    "MAP_PREFAULT_READ",
    "MAP_TYPE",
    "MAP_HUGE_SHIFT",
    "MAP_HUGE_MASK",
    "MFD_HUGE_SHIFT",
    "MFD_HUGE_MASK",
    "MS_ASYNC",
    "MS_SYNC",
    "MS_INVALIDATE",
    "MS_KILLPAGES",
    "MS_DEACTIVATE",
    "MADV_NORMAL",
    "MADV_RANDOM",
    "MADV_SEQUENTIAL",
    "MADV_WILLNEED",
    "MADV_DOFORK",
    "MADV_MERGEABLE",
    "MADV_UNMERGEABLE",
    "MADV_HUGEPAGE",
    "MADV_NOHUGEPAGE",
    "MADV_COLLAPSE",
    "MADV_DONTDUMP",
    "MADV_DODUMP",
    "MADV_KEEPONFORK",
    "MADV_COLD",
    "MADV_PAGEOUT",
    "MADV_POPULATE_READ",
    "MADV_POPULATE_WRITE",
    "MADV_NOSYNC",
    "MADV_AUTOSYNC",
    "MADV_NOCORE",
    "MADV_CORE",
    "MADV_PROTECT",
    "MADV_DONTNEED",
    "MADV_FREE",
    "MADV_REMOVE",
    "MADV_DONTFORK",
    "MADV_WIPEONFORK",
    "MADV_DONTNEED_LOCKED",
    "MADV_GUARD_INSTALL",
    "MADV_GUARD_REMOVE",
    "MADV_HWPOISON",
    "MADV_SOFT_OFFLINE",
    "MADV_ZERO_WIRED_PAGES",
    "MADV_FREE_REUSABLE",
    "MADV_FREE_REUSE",
    "MREMAP_MAYMOVE",
    "MREMAP_FIXED",
    "MREMAP_DONTUNMAP",
    "MLOCK_ONFAULT",
    "MCL_CURRENT",
    "MCL_FUTURE",
    "MCL_ONFAULT",
    "MFD_CLOEXEC",
    "MFD_ALLOW_SEALING",
    "MFD_HUGETLB",
    "MFD_NOEXEC_SEAL",
    "MFD_EXEC",
    "MFD_HUGE_16KB",
    "MFD_HUGE_64KB",
    "MFD_HUGE_512KB",
    "MFD_HUGE_1MB",
    "MFD_HUGE_2MB",
    "MFD_HUGE_8MB",
    "MFD_HUGE_16MB",
    "MFD_HUGE_32MB",
    "MFD_HUGE_256MB",
    "MFD_HUGE_512MB",
    "MFD_HUGE_1GB",
    "MFD_HUGE_2GB",
    "MFD_HUGE_16GB",
    "F_SEAL_SEAL",
    "F_SEAL_SHRINK",
    "F_SEAL_GROW",
    "F_SEAL_WRITE",
    "F_SEAL_FUTURE_WRITE",
    "F_SEAL_EXEC",
    "O_RDONLY",
    "O_WRONLY",
    "O_RDWR",
    "O_CREAT",
    "O_EXCL",
    "O_TRUNC",
    "O_APPEND",
    "O_CLOEXEC",
    "O_DIRECT",
    "O_SYNC",
    "O_DSYNC",
    "O_NOFOLLOW",
    "O_NOATIME",
    "O_TMPFILE",
    "O_NONBLOCK",
    "O_NOCTTY",
    "O_DIRECTORY",
    "PKEY_UNRESTRICTED",
    "PKEY_DISABLE_ACCESS",
    "PKEY_DISABLE_WRITE",
    "PKEY_DISABLE_EXECUTE",
    "PKEY_DISABLE_READ",
    "PKEY_ACCESS_MASK",
    "OVERCOMMIT_GUESS",
    "OVERCOMMIT_ALWAYS",
    "OVERCOMMIT_NEVER",
    "MPOL_DEFAULT",
    "MPOL_PREFERRED",
    "MPOL_BIND",
    "MPOL_INTERLEAVE",
    "MPOL_LOCAL",
    "MPOL_PREFERRED_MANY",
    "MPOL_WEIGHTED_INTERLEAVE",
    "MPOL_F_NUMA_BALANCING",
    "MPOL_F_RELATIVE_NODES",
    "MPOL_F_STATIC_NODES",
    "MPOL_MF_STRICT",
    "MPOL_MF_MOVE",
    "MPOL_MF_MOVE_ALL",
]

MAP_FAILED: Final[int]
PROT_NONE: Final[int]
PROT_READ: Final[int]
PROT_WRITE: Final[int]
PROT_EXEC: Final[int]
PROT_SEM: Final[int]
PROT_GROWSDOWN: Final[int]
PROT_GROWSUP: Final[int]
PROT_BTI: Final[int]
PROT_MTE: Final[int]
PROT_SAO: Final[int]
MAP_SHARED: Final[int]
MAP_PRIVATE: Final[int]
MAP_SHARED_VALIDATE: Final[int]
MAP_DROPPABLE: Final[int]
MAP_FILE: Final[int]
MAP_FIXED: Final[int]
MAP_FIXED_NOREPLACE: Final[int]
MAP_ANONYMOUS: Final[int]
MAP_ANON: Final[int]
MAP_32BIT: Final[int]
MAP_ABOVE4G: Final[int]
MAP_GROWSDOWN: Final[int]
MAP_DENYWRITE: Final[int]
MAP_EXECUTABLE: Final[int]
MAP_LOCKED: Final[int]
MAP_NORESERVE: Final[int]
MAP_POPULATE: Final[int]
MAP_NONBLOCK: Final[int]
MAP_STACK: Final[int]
MAP_HUGETLB: Final[int]
MAP_SYNC: Final[int]
MAP_UNINITIALIZED: Final[int]
MAP_HUGE_16KB: Final[int]
MAP_HUGE_64KB: Final[int]
MAP_HUGE_512KB: Final[int]
MAP_HUGE_1MB: Final[int]
MAP_HUGE_2MB: Final[int]
MAP_HUGE_8MB: Final[int]
MAP_HUGE_16MB: Final[int]
MAP_HUGE_32MB: Final[int]
MAP_HUGE_256MB: Final[int]
MAP_HUGE_512MB: Final[int]
MAP_HUGE_1GB: Final[int]
MAP_HUGE_2GB: Final[int]
MAP_HUGE_16GB: Final[int]
MAP_JIT: Final[int]
MAP_NOCACHE: Final[int]
MAP_NOEXTEND: Final[int]
MAP_HASSEMAPHORE: Final[int]
MAP_RESILIENT_CODESIGN: Final[int]
MAP_RESILIENT_MEDIA: Final[int]
MAP_TRANSLATED_ALLOW_EXECUTE: Final[int]
MAP_UNIX03: Final[int]
MAP_ALIGNED_SUPER: Final[int]
MAP_CONCEAL: Final[int]
MAP_EXCL: Final[int]
MAP_GUARD: Final[int]
MAP_NOCORE: Final[int]
MAP_NOSYNC: Final[int]
MAP_PREFAULT_READ: Final[int]
MAP_TYPE: Final[int]
MAP_HUGE_SHIFT: Final[int]
MAP_HUGE_MASK: Final[int]
MFD_HUGE_SHIFT: Final[int]
MFD_HUGE_MASK: Final[int]
MS_ASYNC: Final[int]
MS_SYNC: Final[int]
MS_INVALIDATE: Final[int]
MS_KILLPAGES: Final[int]
MS_DEACTIVATE: Final[int]
MADV_NORMAL: Final[int]
MADV_RANDOM: Final[int]
MADV_SEQUENTIAL: Final[int]
MADV_WILLNEED: Final[int]
MADV_DOFORK: Final[int]
MADV_MERGEABLE: Final[int]
MADV_UNMERGEABLE: Final[int]
MADV_HUGEPAGE: Final[int]
MADV_NOHUGEPAGE: Final[int]
MADV_COLLAPSE: Final[int]
MADV_DONTDUMP: Final[int]
MADV_DODUMP: Final[int]
MADV_KEEPONFORK: Final[int]
MADV_COLD: Final[int]
MADV_PAGEOUT: Final[int]
MADV_POPULATE_READ: Final[int]
MADV_POPULATE_WRITE: Final[int]
MADV_NOSYNC: Final[int]
MADV_AUTOSYNC: Final[int]
MADV_NOCORE: Final[int]
MADV_CORE: Final[int]
MADV_PROTECT: Final[int]
MADV_DONTNEED: Final[int]
MADV_FREE: Final[int]
MADV_REMOVE: Final[int]
MADV_DONTFORK: Final[int]
MADV_WIPEONFORK: Final[int]
MADV_DONTNEED_LOCKED: Final[int]
MADV_GUARD_INSTALL: Final[int]
MADV_GUARD_REMOVE: Final[int]
MADV_HWPOISON: Final[int]
MADV_SOFT_OFFLINE: Final[int]
MADV_ZERO_WIRED_PAGES: Final[int]
MADV_FREE_REUSABLE: Final[int]
MADV_FREE_REUSE: Final[int]
MREMAP_MAYMOVE: Final[int]
MREMAP_FIXED: Final[int]
MREMAP_DONTUNMAP: Final[int]
MLOCK_ONFAULT: Final[int]
MCL_CURRENT: Final[int]
MCL_FUTURE: Final[int]
MCL_ONFAULT: Final[int]
MFD_CLOEXEC: Final[int]
MFD_ALLOW_SEALING: Final[int]
MFD_HUGETLB: Final[int]
MFD_NOEXEC_SEAL: Final[int]
MFD_EXEC: Final[int]
MFD_HUGE_16KB: Final[int]
MFD_HUGE_64KB: Final[int]
MFD_HUGE_512KB: Final[int]
MFD_HUGE_1MB: Final[int]
MFD_HUGE_2MB: Final[int]
MFD_HUGE_8MB: Final[int]
MFD_HUGE_16MB: Final[int]
MFD_HUGE_32MB: Final[int]
MFD_HUGE_256MB: Final[int]
MFD_HUGE_512MB: Final[int]
MFD_HUGE_1GB: Final[int]
MFD_HUGE_2GB: Final[int]
MFD_HUGE_16GB: Final[int]
F_SEAL_SEAL: Final[int]
F_SEAL_SHRINK: Final[int]
F_SEAL_GROW: Final[int]
F_SEAL_WRITE: Final[int]
F_SEAL_FUTURE_WRITE: Final[int]
F_SEAL_EXEC: Final[int]
O_RDONLY: Final[int]
O_WRONLY: Final[int]
O_RDWR: Final[int]
O_CREAT: Final[int]
O_EXCL: Final[int]
O_TRUNC: Final[int]
O_APPEND: Final[int]
O_CLOEXEC: Final[int]
O_DIRECT: Final[int]
O_SYNC: Final[int]
O_DSYNC: Final[int]
O_NOFOLLOW: Final[int]
O_NOATIME: Final[int]
O_TMPFILE: Final[int]
O_NONBLOCK: Final[int]
O_NOCTTY: Final[int]
O_DIRECTORY: Final[int]
PKEY_UNRESTRICTED: Final[int]
PKEY_DISABLE_ACCESS: Final[int]
PKEY_DISABLE_WRITE: Final[int]
PKEY_DISABLE_EXECUTE: Final[int]
PKEY_DISABLE_READ: Final[int]
PKEY_ACCESS_MASK: Final[int]
OVERCOMMIT_GUESS: Final[int]
OVERCOMMIT_ALWAYS: Final[int]
OVERCOMMIT_NEVER: Final[int]
MPOL_DEFAULT: Final[int]
MPOL_PREFERRED: Final[int]
MPOL_BIND: Final[int]
MPOL_INTERLEAVE: Final[int]
MPOL_LOCAL: Final[int]
MPOL_PREFERRED_MANY: Final[int]
MPOL_WEIGHTED_INTERLEAVE: Final[int]
MPOL_F_NUMA_BALANCING: Final[int]
MPOL_F_RELATIVE_NODES: Final[int]
MPOL_F_STATIC_NODES: Final[int]
MPOL_MF_STRICT: Final[int]
MPOL_MF_MOVE: Final[int]
MPOL_MF_MOVE_ALL: Final[int]
