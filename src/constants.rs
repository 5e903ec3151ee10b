//! One list of names, each with its value on this platform.
//!
//! The table for C callers, the getter of each name (which build.rs writes from this list) and the header are made from it. A
//! value is that of the libc crate if it has the name on this platform; else the one given here, for systems whose kernel has
//! the constant while the libc crate lacks it; else the constant is unavailable.

use std::ffi::CStr;

/// A named number of this platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Constant {
    /// The platform's name.
    pub name: &'static str,
    /// The name, NUL-terminated.
    pub c_name: &'static CStr,
    /// Its meaning, in one line.
    pub meaning: &'static str,
    /// Its value; `None` if this platform lacks the constant.
    pub value: Option<i64>,
    /// The argument that it is for.
    pub group: Group,
}

/// The argument that a constant is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the arguments'")]
pub enum Group {
    Protection,
    MapFlag,
    MapValue,
    SyncFlag,
    Advice,
    Discarding,
    RemapFlag,
    LockFlag,
    MemfdFlag,
    Seal,
    OpenFlag,
    ProtectionKey,
    Overcommit,
    Policy,
    PolicyFlag,
    /// The library's own constants.
    Library,
}

/// The value of an unavailable constant while the list is computed; no constant of any platform has it.
const ABSENT: i64 = i64::MIN;

/// How a name is looked up: its expression is in a block that imports all of libc, so libc's value is found first. If libc
/// lacks the name, it resolves to the constant of the same name in the enclosing scope, which has the value given in the list,
/// or ABSENT. The library's own constants are defined in other files; the C tests check that the header has the same values.
macro_rules! constants {
    (own { $($own:ident $own_meaning:literal $own_value:expr;)* } $($group:ident { $($name:ident $meaning:literal $($value:expr)?;)* })*) => {
        mod list {
            use super::*;
            $($(#[allow(dead_code)] const $name: i64 = given!($($value)?);)*)*
            pub const ALL: &[Constant] = &[MAP_FAILED, $($(Constant {
                name: stringify!($name),
                c_name: terminated(concat!(stringify!($name), "\0")),
                meaning: $meaning,
                value: present({ #[allow(unused_imports)] use libc::*; #[allow(clippy::unnecessary_cast, deprecated)] { $name as i64 } }),
                group: Group::$group,
            },)*)* $(Constant {
                name: stringify!($own),
                c_name: terminated(concat!(stringify!($own), "\0")),
                meaning: $own_meaning,
                value: Some($own_value),
                group: Group::Library,
            },)*];
        }
        $($(
            #[doc = concat!($meaning, "; 0 where this platform lacks it.")]
            pub const $name: i64 = value_or_zero(stringify!($name));
        )*)*
    };
}

macro_rules! given {
    () => {
        ABSENT
    };
    ($value:expr) => {
        $value
    };
}

const fn terminated(name: &str) -> &CStr {
    match CStr::from_bytes_with_nul(name.as_bytes()) {
        Ok(name) => name,
        Err(_) => panic!("the name ends in its only NUL"),
    }
}

/// A value for Linux only.
const fn linux(value: i64) -> i64 {
    only(cfg!(any(target_os = "linux", target_os = "android")), value)
}

/// A value for Android, for which the libc crate lacks it.
const fn android(value: i64) -> i64 {
    only(cfg!(target_os = "android"), value)
}

/// A value for Windows, whose headers lack the name: that of Linux, or for opening a bit that no O_ name of its C library has.
const fn windows(value: i64) -> i64 {
    only(cfg!(windows), value)
}

/// A value for systems with minherit(2), which has no such names: one that no advice of theirs has.
const fn inheritance(value: i64) -> i64 {
    only(cfg!(any(target_os = "macos", target_os = "freebsd", target_os = "netbsd", target_os = "openbsd")), value)
}

/// The same, where a child can find the pages zeroed.
const fn wiping(value: i64) -> i64 {
    only(cfg!(not(target_os = "macos")), inheritance(value))
}

const fn only(here: bool, value: i64) -> i64 {
    if here { value } else { ABSENT }
}

/// The kernel encodes a huge page's size as the logarithm of its bytes, above the flags.
const fn huge(log2: i64) -> i64 {
    linux(log2 << 26)
}

const X86: bool = cfg!(any(target_arch = "x86_64", target_arch = "x86"));
const ARM64: bool = cfg!(target_arch = "aarch64");
const POWERPC: bool = cfg!(any(target_arch = "powerpc", target_arch = "powerpc64"));

/// The kernel's headers define large flags as unsigned (`34U << 26`), libc as a negative int: the header's value is used.
const fn present(value: i64) -> Option<i64> {
    if value == ABSENT {
        None
    } else if value < 0 {
        Some(value & 0xFFFF_FFFF)
    } else {
        Some(value)
    }
}

/// A pointer in C, so it cannot be looked up as a number. It has the same bits on all POSIX systems.
const MAP_FAILED: Constant = Constant {
    name: "MAP_FAILED",
    c_name: c"MAP_FAILED",
    meaning: "the address that a raw mmap returns on error, as a number",
    value: Some(-1),
    group: Group::MapValue,
};

constants! {
    own {
        MMAP_WRAP_REST "a size or end: to the end of the mapping; a length: to the end of the file; a time: indefinitely" i64::MIN;
        MMAP_WRAP_KEEP "or'ed to flags: the mapping keeps its file open" 1 << 32;
        MMAP_WRAP_OR_PRIVATE "or'ed to MAP_SHARED for reading: private, if the file cannot be mapped shared" 1 << 33;
        MMAP_WRAP_WITH_FILE "mremap_wrap: the file ends where the mapping ends" 1;
        MMAP_WRAP_ALLOCATE "mremap_wrap: as MMAP_WRAP_WITH_FILE, and blocks are allocated for the whole file" 2;
        MMAP_WRAP_E_HANDLE "not a valid mapping handle" -4096;
        MMAP_WRAP_E_UNMAPPED "the mapping is unmapped already" -4097;
        MMAP_WRAP_E_RANGE "outside the mapping" -4098;
        MMAP_WRAP_E_ALIGNMENT "not on a page or word boundary" -4099;
        MMAP_WRAP_E_FAULT "the access faulted" -4100;
        MMAP_WRAP_E_BUSY "the mapping is in use" -4101;
        MMAP_WRAP_E_ARGUMENT "invalid argument" -4102;
        MMAP_WRAP_E_UNSUPPORTED "not supported on this system" -4103;
        MMAP_WRAP_E_NOT_FOUND "not found" -4104;
        MMAP_WRAP_E_INTERNAL "a defect of the library" -4105;
        MMAP_WRAP_E_SEALED "a part of the mapping is sealed" -4106;
        MMAP_WRAP_I8 "an element: a signed integer of 8 bits" 0x11;
        MMAP_WRAP_U8 "an element: an unsigned integer of 8 bits" 0x21;
        MMAP_WRAP_I16 "an element: a signed integer of 16 bits" 0x12;
        MMAP_WRAP_U16 "an element: an unsigned integer of 16 bits" 0x22;
        MMAP_WRAP_I32 "an element: a signed integer of 32 bits" 0x14;
        MMAP_WRAP_U32 "an element: an unsigned integer of 32 bits" 0x24;
        MMAP_WRAP_I64 "an element: a signed integer of 64 bits" 0x18;
        MMAP_WRAP_U64 "an element: an unsigned integer of 64 bits" 0x28;
        MMAP_WRAP_F32 "an element: a float of 32 bits" 0x34;
        MMAP_WRAP_F64 "an element: a float of 64 bits" 0x38;
        MMAP_WRAP_LITTLE_ENDIAN "or'ed to an element: little-endian" 0x100;
        MMAP_WRAP_BIG_ENDIAN "or'ed to an element: big-endian" 0x200;
        MMAP_WRAP_NO_INT "mmap_wrap_get_int: returned on error, see mmap_wrap_last_error_code" i64::MIN;
        MMAP_WRAP_MUTEX_SIZE "bytes of a mutex in a mapping" 16;
        MMAP_WRAP_SOURCE_ANONYMOUS "mmap_wrap_info: memory without a file" 1;
        MMAP_WRAP_SOURCE_DESCRIPTOR "mmap_wrap_info: a file that the caller had open" 2;
        MMAP_WRAP_SOURCE_PATH "mmap_wrap_info: a file that was opened by its path" 3;
        MMAP_WRAP_SOURCE_SHARED_MEMORY "mmap_wrap_info: shared memory that was opened by its name" 4;
        MMAP_WRAP_SOURCE_MEMORY_FILE "mmap_wrap_info: a file without a name that the library made" 5;
    }
    Protection {
        PROT_NONE "pages may not be accessed" windows(0);
        PROT_READ "pages may be read" windows(1);
        PROT_WRITE "pages may be written" windows(2);
        PROT_EXEC "pages may be executed" windows(4);
        PROT_SEM "pages may hold futexes, on processors where that matters" linux(0x8);
        PROT_GROWSDOWN "mprotect: extend the change to the start of a mapping that grows down";
        PROT_GROWSUP "mprotect: extend the change to the end of a mapping that grows up";
        PROT_BTI "branch target identification for code (arm64)" only(ARM64, linux(0x10));
        PROT_MTE "memory tagging (arm64)" only(ARM64, linux(0x20));
        PROT_SAO "strong access order (powerpc)" only(POWERPC, linux(0x10));
    }
    MapFlag {
        MAP_SHARED "changes are written to the file, and other processes that map it see them" windows(1);
        MAP_PRIVATE "changes stay in this mapping" windows(2);
        MAP_SHARED_VALIDATE "as MAP_SHARED, and the kernel rejects unknown flags" windows(3);
        MAP_DROPPABLE "memory that the kernel may drop (reads zero) when it runs short" linux(0x8);
        MAP_FILE "no effect; some systems want it for files" windows(0);
        MAP_FIXED "exactly at this address, replacing what is there" windows(0x10);
        MAP_FIXED_NOREPLACE "exactly at this address, or fail where something is there" windows(0x10_0000);
        MAP_ANONYMOUS "memory without a file" windows(0x20);
        MAP_ANON "another name of MAP_ANONYMOUS" windows(0x20);
        MAP_RENAME "another name of MAP_ANONYMOUS (powerpc)" only(POWERPC, linux(0x20));
        MAP_32BIT "in the lowest 2 GiB of the address space (x86)";
        MAP_ABOVE4G "above the lowest 4 GiB of the address space (x86)" only(X86, linux(0x80));
        MAP_GROWSDOWN "grows down, as a stack does";
        MAP_DENYWRITE "ignored by the kernel";
        MAP_EXECUTABLE "ignored by the kernel";
        MAP_LOCKED "pages are locked into memory, as far as they can be";
        MAP_NORESERVE "no swap space is reserved";
        MAP_POPULATE "pages are read in at once";
        MAP_NONBLOCK "with MAP_POPULATE: only pages that are in memory";
        MAP_STACK "suitable for a thread's stack";
        MAP_HUGETLB "huge pages from the reserved pool";
        MAP_SYNC "writes reach persistent memory (DAX) synchronously" android(0x8_0000);
        MAP_UNINITIALIZED "memory may hold old contents (kernels without MMU only)" linux(0x400_0000);
        MAP_HUGE_16KB "with MAP_HUGETLB: pages of 16 KiB" huge(14);
        MAP_HUGE_64KB "with MAP_HUGETLB: pages of 64 KiB" huge(16);
        MAP_HUGE_512KB "with MAP_HUGETLB: pages of 512 KiB" huge(19);
        MAP_HUGE_1MB "with MAP_HUGETLB: pages of 1 MiB" huge(20);
        MAP_HUGE_2MB "with MAP_HUGETLB: pages of 2 MiB" huge(21);
        MAP_HUGE_8MB "with MAP_HUGETLB: pages of 8 MiB" huge(23);
        MAP_HUGE_16MB "with MAP_HUGETLB: pages of 16 MiB" huge(24);
        MAP_HUGE_32MB "with MAP_HUGETLB: pages of 32 MiB" huge(25);
        MAP_HUGE_256MB "with MAP_HUGETLB: pages of 256 MiB" huge(28);
        MAP_HUGE_512MB "with MAP_HUGETLB: pages of 512 MiB" huge(29);
        MAP_HUGE_1GB "with MAP_HUGETLB: pages of 1 GiB" huge(30);
        MAP_HUGE_2GB "with MAP_HUGETLB: pages of 2 GiB" huge(31);
        MAP_HUGE_16GB "with MAP_HUGETLB: pages of 16 GiB" huge(34);
        MAP_JIT "code may be written and run in turn (macOS)";
        MAP_NOCACHE "pages are the first to be reclaimed (macOS)";
        MAP_NOEXTEND "for MAP_FILE, do not change the file's size (macOS)";
        MAP_HASSEMAPHORE "the region may hold semaphores (BSD, macOS)";
        MAP_RESILIENT_CODESIGN "code that fails its signature reads zero (macOS)";
        MAP_RESILIENT_MEDIA "a lost medium reads zero (macOS)";
        MAP_TRANSLATED_ALLOW_EXECUTE "translated programs may execute it (macOS)";
        MAP_UNIX03 "UNIX 03 conformance (macOS)";
        MAP_ALIGNED_SUPER "aligned for superpages (FreeBSD)";
        MAP_CONCEAL "left out of core dumps (OpenBSD)";
        MAP_EXCL "with MAP_FIXED: fail where something is there (FreeBSD)";
        MAP_GUARD "a range that cannot be accessed (FreeBSD)";
        MAP_NOCORE "left out of core dumps (FreeBSD)";
        MAP_NOSYNC "written back only when needed (FreeBSD)";
        MAP_PREFAULT_READ "pages are made ready for reading (FreeBSD)";
    }
    MapValue {
        MAP_TYPE "the bits of the flags that say shared or private" windows(0xF);
        MAP_HUGE_SHIFT "where the flags hold the logarithm of the huge page size" linux(26);
        MAP_HUGE_MASK "the bits of that logarithm, before shifting" linux(0x3F);
        MFD_HUGE_SHIFT "where the flags of a memfd hold the logarithm of the huge page size" only(cfg!(any(target_os = "linux", target_os = "android", target_os = "freebsd")), 26);
        MFD_HUGE_MASK "the bits of that logarithm, before shifting" linux(0x3F);
    }
    SyncFlag {
        MS_ASYNC "schedule the write and return" windows(1);
        MS_SYNC "return when the data is written" windows(4);
        MS_INVALIDATE "make other mappings of the file see it (EBUSY on locked pages)" windows(2);
        MS_KILLPAGES "drop the pages (macOS)";
        MS_DEACTIVATE "pages are not needed soon (macOS)";
    }
    Advice {
        MADV_NORMAL "no special treatment" windows(0);
        MADV_RANDOM "no read-ahead: accesses come in random order";
        MADV_SEQUENTIAL "much read-ahead: accesses come in order";
        MADV_WILLNEED "read the pages in soon" windows(3);
        MADV_DOFORK "a forked child has the pages again: undoes MADV_DONTFORK" inheritance(0xF1);
        MADV_MERGEABLE "identical pages may be merged (KSM)";
        MADV_UNMERGEABLE "identical pages are not merged";
        MADV_HUGEPAGE "use transparent huge pages";
        MADV_NOHUGEPAGE "do not use transparent huge pages";
        MADV_COLLAPSE "make huge pages of it now" linux(25);
        MADV_DONTDUMP "left out of core dumps";
        MADV_DODUMP "in core dumps again: undoes MADV_DONTDUMP";
        MADV_KEEPONFORK "a forked child has the contents again: undoes MADV_WIPEONFORK" wiping(0xF3);
        MADV_COLD "pages are reclaimed before others";
        MADV_PAGEOUT "pages are reclaimed now" windows(21);
        MADV_POPULATE_READ "make the pages ready for reading now";
        MADV_POPULATE_WRITE "make the pages ready for writing now";
        MADV_NOSYNC "written back only when needed (FreeBSD)";
        MADV_AUTOSYNC "undoes MADV_NOSYNC (FreeBSD)";
        MADV_NOCORE "left out of core dumps (FreeBSD)";
        MADV_CORE "in core dumps again (FreeBSD)";
        MADV_PROTECT "the process is not killed when memory runs out (FreeBSD)";
    }
    Discarding {
        MADV_DONTNEED "drop the pages: private ones read zero or the file again (macOS, BSD, illumos: the contents stay)" windows(4);
        MADV_FREE "the pages may be dropped until they are next written" windows(8);
        MADV_REMOVE "free the pages and their blocks of the file: punches a hole";
        MADV_DONTFORK "a forked child does not have the pages" inheritance(0xF0);
        MADV_WIPEONFORK "a forked child reads zero" wiping(0xF2);
        MADV_DONTNEED_LOCKED "as MADV_DONTNEED, for locked pages too";
        MADV_GUARD_INSTALL "drop the pages and let every access to them fault" linux(102);
        MADV_GUARD_REMOVE "undo MADV_GUARD_INSTALL; the pages are empty" linux(103);
        MADV_HWPOISON "treat the pages as failed hardware, for tests";
        MADV_SOFT_OFFLINE "move the data off the hardware pages, for tests";
        MADV_ZERO_WIRED_PAGES "zero locked pages before they are freed (macOS)";
        MADV_FREE_REUSABLE "the system may reuse the pages (macOS)";
        MADV_FREE_REUSE "undoes MADV_FREE_REUSABLE (macOS)";
    }
    RemapFlag {
        MREMAP_MAYMOVE "the mapping may move" 1;
        MREMAP_FIXED "the mapping moves to exactly this address" android(2);
        MREMAP_DONTUNMAP "the old range stays mapped, empty" android(4);
    }
    LockFlag {
        MLOCK_ONFAULT "lock each page when it is first accessed";
        MCL_CURRENT "lock all that is mapped now";
        MCL_FUTURE "lock all that will be mapped";
        MCL_ONFAULT "lock each page when it is first accessed";
    }
    MemfdFlag {
        MFD_CLOEXEC "the descriptor is closed on exec";
        MFD_ALLOW_SEALING "seals may be added";
        MFD_HUGETLB "of huge pages from the reserved pool";
        MFD_NOEXEC_SEAL "not executable, and sealed so";
        MFD_EXEC "executable";
        MFD_HUGE_16KB "with MFD_HUGETLB: pages of 16 KiB" huge(14);
        MFD_HUGE_64KB "with MFD_HUGETLB: pages of 64 KiB" huge(16);
        MFD_HUGE_512KB "with MFD_HUGETLB: pages of 512 KiB" huge(19);
        MFD_HUGE_1MB "with MFD_HUGETLB: pages of 1 MiB" huge(20);
        MFD_HUGE_2MB "with MFD_HUGETLB: pages of 2 MiB" huge(21);
        MFD_HUGE_8MB "with MFD_HUGETLB: pages of 8 MiB" huge(23);
        MFD_HUGE_16MB "with MFD_HUGETLB: pages of 16 MiB" huge(24);
        MFD_HUGE_32MB "with MFD_HUGETLB: pages of 32 MiB" huge(25);
        MFD_HUGE_256MB "with MFD_HUGETLB: pages of 256 MiB" huge(28);
        MFD_HUGE_512MB "with MFD_HUGETLB: pages of 512 MiB" huge(29);
        MFD_HUGE_1GB "with MFD_HUGETLB: pages of 1 GiB" huge(30);
        MFD_HUGE_2GB "with MFD_HUGETLB: pages of 2 GiB" huge(31);
        MFD_HUGE_16GB "with MFD_HUGETLB: pages of 16 GiB" huge(34);
    }
    Seal {
        F_SEAL_SEAL "no further seals";
        F_SEAL_SHRINK "the file cannot shrink";
        F_SEAL_GROW "the file cannot grow";
        F_SEAL_WRITE "the file cannot be written";
        F_SEAL_FUTURE_WRITE "no new writable mappings and no writes; existing writable mappings stay" linux(0x10);
        F_SEAL_EXEC "the execute permission cannot change" linux(0x20);
    }
    OpenFlag {
        O_RDONLY "open for reading";
        O_WRONLY "open for writing";
        O_RDWR "open for both";
        O_CREAT "create the file if it does not exist";
        O_EXCL "with O_CREAT: fail if it exists";
        O_TRUNC "truncate the file to length 0";
        O_APPEND "write at the end";
        O_CLOEXEC "close on exec" windows(0x80);
        O_DIRECT "bypass the page cache" windows(0x40_0000);
        O_SYNC "writes return when data and metadata are stored" windows(0x10_0000);
        O_DSYNC "writes return when data is stored" windows(0x20_0000);
        O_NOFOLLOW "fail on a symbolic link";
        O_NOATIME "do not update the time of last access";
        O_TMPFILE "an unnamed file in the directory given";
        O_NONBLOCK "do not wait while opening";
        O_NOCTTY "a terminal does not become the controlling one";
        O_DIRECTORY "fail unless it is a directory";
        O_ASYNC "a signal when input arrives; of no effect on files";
        O_LARGEFILE "files of 2 GiB and more on 32-bit systems, which this library opens in any case";
    }
    ProtectionKey {
        PKEY_UNRESTRICTED "the key forbids nothing" linux(0);
        PKEY_DISABLE_ACCESS "the key forbids every access" linux(1);
        PKEY_DISABLE_WRITE "the key forbids writing" linux(2);
        PKEY_DISABLE_EXECUTE "the key forbids execution (arm64, powerpc)" only(ARM64 || POWERPC, linux(if ARM64 { 8 } else { 4 }));
        PKEY_DISABLE_READ "the key forbids reading (arm64)" only(ARM64, linux(4));
        PKEY_ACCESS_MASK "PKEY_DISABLE_ACCESS and PKEY_DISABLE_WRITE together, and what else the processor has" linux(if POWERPC { 7 } else { 3 });
    }
    Overcommit {
        OVERCOMMIT_GUESS "vm.overcommit_memory: reject obvious excess" linux(0);
        OVERCOMMIT_ALWAYS "vm.overcommit_memory: reject nothing" linux(1);
        OVERCOMMIT_NEVER "vm.overcommit_memory: reject what cannot be backed" linux(2);
    }
    Policy {
        MPOL_DEFAULT "mbind: as the process has it";
        MPOL_PREFERRED "mbind: from the node given, or another where that has no room";
        MPOL_BIND "mbind: from the nodes given and no others";
        MPOL_INTERLEAVE "mbind: from the nodes given in turn";
        MPOL_LOCAL "mbind: from the node that first touches a page";
        MPOL_PREFERRED_MANY "mbind: from the nodes given, or others where those have no room" linux(5);
        MPOL_WEIGHTED_INTERLEAVE "mbind: from the nodes given in turn, from some more often" linux(6);
        MPOL_F_NUMA_BALANCING "with MPOL_BIND: pages may move between the nodes given";
        MPOL_F_RELATIVE_NODES "the nodes are counted among those that the process may use";
        MPOL_F_STATIC_NODES "the nodes stay the same when the process may use others";
    }
    PolicyFlag {
        MPOL_MF_STRICT "mbind: fail where pages lie elsewhere" linux(1);
        MPOL_MF_MOVE "mbind: move the pages that only this process has" linux(2);
        MPOL_MF_MOVE_ALL "mbind: move pages that others have, too" linux(4);
    }
}

/// All constants, in the order of the list. Each name occurs once.
pub const CONSTANTS: &[Constant] = list::ALL;

/// Finds a constant by its name.
///
/// ```
/// use mmap_wrap::internals::constants::find;
/// assert_eq!(find("PROT_READ").unwrap().value, Some(1));
/// assert!(find("PROT_TELEPATHY").is_none());
/// ```
pub fn find(name: &str) -> Option<&'static Constant> {
    CONSTANTS.iter().find(|constant| constant.name == name)
}

/// Finds an advice by its value on this platform, without a search, since every madvise call does it.
pub(crate) fn advice(value: i64) -> Option<&'static Constant> {
    let index = usize::try_from(value).ok().and_then(|value| ADVICE.get(value))?;
    CONSTANTS.get(usize::from(*index)).filter(|_| *index != NO_ADVICE)
}

const NO_ADVICE: u16 = u16::MAX;

/// For each value of an advice, its index in the list.
static ADVICE: [u16; 256] = {
    let mut table = [NO_ADVICE; 256];
    let mut i = 0;
    while i < CONSTANTS.len() {
        if let (Group::Advice | Group::Discarding, Some(value)) = (CONSTANTS[i].group, CONSTANTS[i].value) {
            // A value beyond the table, or an index beyond u16, fails the build here.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index, checked by the table itself")]
            {
                table[value as usize] = i as u16;
            }
        }
        i += 1;
    }
    table
};

/// All bits that the constants of a group have on this platform.
pub const fn bits(group: Group) -> i64 {
    let mut bits = 0;
    let mut i = 0;
    while i < CONSTANTS.len() {
        if CONSTANTS[i].group as u8 == group as u8 {
            if let Some(value) = CONSTANTS[i].value {
                bits |= value;
            }
        }
        i += 1;
    }
    bits
}

const fn value_or_zero(name: &str) -> i64 {
    let mut i = 0;
    while i < CONSTANTS.len() {
        if same(CONSTANTS[i].name.as_bytes(), name.as_bytes()) {
            return match CONSTANTS[i].value {
                Some(value) => value,
                None => 0,
            };
        }
        i += 1;
    }
    panic!("no constant of this name")
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    a.len() == b.len() && i == a.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_name_occurs_once() {
        let mut seen = HashSet::new();
        assert!(CONSTANTS.iter().all(|constant| seen.insert(constant.name)));
    }

    #[test]
    fn each_advice_is_found_by_its_value() {
        let advices = CONSTANTS.iter().filter(|c| matches!(c.group, Group::Advice | Group::Discarding));
        for constant in advices.filter(|c| c.value.is_some()) {
            assert_eq!(advice(constant.value.unwrap()), Some(constant));
        }
        assert!([-1, 99, 256, i64::MAX].into_iter().all(|value| advice(value).is_none()));
    }

    #[test]
    fn the_kernels_unsigned_flags_stay_positive() {
        assert!(
            CONSTANTS
                .iter()
                .filter(|c| c.name != "MAP_FAILED" && c.group != Group::Library)
                .all(|c| c.value.is_none_or(|v| v >= 0))
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_libc_lacks_is_found_and_what_linux_lacks_is_not() {
        assert_eq!(find("MADV_GUARD_INSTALL").unwrap().value, Some(102));
        assert_eq!(find("MAP_JIT").unwrap().value, None);
        assert_eq!(MAP_JIT, 0);
    }
}
