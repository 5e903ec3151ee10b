//! The system's flags, by type. Using a flag that this platform lacks is an error.

use crate::constants::*;
use crate::error::{Error, Result};

/// A set of flags with its own bits; each has the platform's constant, which is 0 if the platform lacks it.
macro_rules! flags {
    ($(#[$about:meta])* $type:ident { $($(#[$($meaning:tt)*])* $name:ident = $bit:literal $constant:ident;)* }) => {
        bitflags::bitflags! {
            $(#[$about])*
            #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
            pub struct $type: u32 {
                $($(#[$($meaning)*])* const $name = 1 << $bit;)*
            }
        }

        impl $type {
            /// The platform's bits.
            #[inline]
            pub(super) fn to_platform(self) -> Result<i64> {
                let unknown = self.difference($type::all());
                if !unknown.is_empty() {
                    return Err(Error::argument(format!("the bits {:#x} are none of {}", unknown.bits(), stringify!($type))));
                }
                let mut bits = 0;
                $(if self.contains($type::$name) {
                    bits |= present($constant, stringify!($constant))?;
                })*
                Ok(bits)
            }

            #[allow(dead_code, reason = "some are never read back")]
            pub(super) fn from_platform(bits: i64) -> $type {
                let mut set = $type::empty();
                $(if $constant != 0 && bits & $constant == $constant {
                    set |= $type::$name;
                })*
                set
            }
        }
    };
}

/// One of several values, each with the platform's constant.
macro_rules! choice {
    ($(#[$about:meta])* $type:ident { $($(#[$meaning:meta])* $name:ident $constant:ident;)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $type {
            $($(#[$meaning])* $name,)*
        }

        impl $type {
            pub(super) fn to_platform(self) -> Result<i64> {
                match self {
                    $($type::$name => present($constant, stringify!($constant)),)*
                }
            }
        }
    };
}

#[inline]
pub(super) fn present(value: i64, name: &str) -> Result<i64> {
    if value == 0 { zero_or_absent(name) } else { Ok(value) }
}

/// For constants that are 0 where they exist, such as MADV_NORMAL.
#[cold]
fn zero_or_absent(name: &str) -> Result<i64> {
    find(name).and_then(|constant| constant.value).ok_or_else(|| Error::unsupported(name))
}

flags! {
    /// How memory may be accessed. Empty: not at all.
    ///
    /// ```
    /// use mmap_wrap::{Mapping, Protection};
    /// let memory = Mapping::anonymous(4096)?;
    /// memory.protect(Protection::READ, ..)?;
    /// assert!(memory.write(0, b"x").is_err());
    /// memory.protect(Protection::READ | Protection::WRITE, ..)?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    Protection {
        /// It may be read.
        READ = 0 PROT_READ;
        /// It may be written.
        WRITE = 1 PROT_WRITE;
        /// It may be executed.
        EXECUTE = 2 PROT_EXEC;
    }
}

flags! {
    /// Flags of mmap(2) for which [`MapOptions`](crate::MapOptions) has no method. For MAP_FIXED see
    /// [`MapOptions::anonymous_fixed`](crate::MapOptions::anonymous_fixed).
    ///
    /// ```
    /// use mmap_wrap::{MapFlags, MapOptions};
    /// # #[cfg(target_os = "linux")] {
    /// let memory = MapOptions::new().write(true).flags(MapFlags::POPULATE | MapFlags::NORESERVE).anonymous(1 << 20)?;
    /// # }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    MapFlags {
        /// Pages are read in at once.
        POPULATE = 0 MAP_POPULATE;
        /// With POPULATE: only pages that are in memory.
        NONBLOCK = 1 MAP_NONBLOCK;
        /// Pages are locked into memory, as far as they can be.
        LOCKED = 2 MAP_LOCKED;
        /// No swap space is reserved.
        NORESERVE = 3 MAP_NORESERVE;
        /// Suitable for a thread's stack.
        STACK = 4 MAP_STACK;
        /// Huge pages of the default size, from the reserved pool. [`MapOptions::huge_pages`](crate::MapOptions::huge_pages)
        /// takes a size.
        HUGETLB = 5 MAP_HUGETLB;
        /// Writes reach persistent memory (DAX) synchronously. For shared mappings.
        SYNC = 6 MAP_SYNC;
        /// In the lowest 2 GiB of the address space (x86).
        LOW_2G = 7 MAP_32BIT;
        /// Exactly at the address of [`MapOptions::hint`](crate::MapOptions::hint), or an error if something is mapped there.
        /// Before Linux 4.17 it is only a hint.
        FIXED_NOREPLACE = 8 MAP_FIXED_NOREPLACE;
        /// Code may be written and executed in turn (macOS).
        JIT = 9 MAP_JIT;
        /// Left out of core dumps (OpenBSD).
        CONCEAL = 10 MAP_CONCEAL;
        /// Left out of core dumps (FreeBSD).
        NOCORE = 11 MAP_NOCORE;
    }
}

flags! {
    /// How [`Mapping::sync_with`](crate::Mapping::sync_with) writes back.
    ///
    /// ```
    /// use mmap_wrap::{Mapping, SyncFlags};
    /// Mapping::anonymous(4096)?.sync_with(SyncFlags::ASYNC, ..)?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    SyncFlags {
        /// Starts writing, and does not wait.
        ASYNC = 0 MS_ASYNC;
        /// Waits until the data is written.
        SYNC = 1 MS_SYNC;
        /// Makes other mappings of the file see the data.
        INVALIDATE = 2 MS_INVALIDATE;
    }
}

flags! {
    /// What is forbidden for a memory file: [`Mapping::add_file_seals`](crate::Mapping::add_file_seals).
    ///
    /// ```
    /// use mmap_wrap::{MapOptions, Seals};
    /// let memory = MapOptions::new().write(true).sealable(true).memfd("", 4096)?;
    /// memory.add_file_seals(Seals::SHRINK)?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    Seals {
        /// No seal can be added.
        SEAL = 0 F_SEAL_SEAL;
        /// It cannot be made smaller, so that no access faults because of truncation.
        SHRINK = 1 F_SEAL_SHRINK;
        /// It cannot be made larger.
        GROW = 2 F_SEAL_GROW;
        /// It cannot be written.
        WRITE = 3 F_SEAL_WRITE;
        /// It cannot be written, except through existing mappings.
        FUTURE_WRITE = 4 F_SEAL_FUTURE_WRITE;
        /// Its permission to be executed cannot change.
        EXEC = 5 F_SEAL_EXEC;
    }
}

flags! {
    /// What [`Mapping::mbind`](crate::Mapping::mbind) does to pages that are allocated already.
    ///
    /// ```
    /// use mmap_wrap::{BindFlags, Mapping, Policy};
    /// if let Err(error) = Mapping::anonymous(4096)?.mbind(Policy::Preferred, &[0], BindFlags::MOVE, ..) {
    ///     println!("{error}");    // a kernel without NUMA
    /// }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    BindFlags {
        /// It is an error if a page is on another node.
        STRICT = 0 MPOL_MF_STRICT;
        /// Pages on other nodes are moved.
        MOVE = 1 MPOL_MF_MOVE;
        /// Also pages that other processes use.
        MOVE_ALL = 2 MPOL_MF_MOVE_ALL;
    }
}

flags! {
    /// What [`lock_all`](crate::lock_all) keeps in memory.
    ///
    /// ```
    /// use mmap_wrap::LockAll;
    /// if let Err(error) = mmap_wrap::lock_all(LockAll::CURRENT | LockAll::FUTURE) {
    ///     println!("{error}");    // RLIMIT_MEMLOCK
    /// }
    /// ```
    LockAll {
        /// What is mapped now.
        CURRENT = 0 MCL_CURRENT;
        /// What will be mapped.
        FUTURE = 1 MCL_FUTURE;
        /// With the others: each page when it is first accessed.
        ON_FAULT = 2 MCL_ONFAULT;
    }
}

choice! {
    /// On which NUMA nodes pages are allocated: [`Mapping::mbind`](crate::Mapping::mbind).
    ///
    /// ```
    /// use mmap_wrap::{BindFlags, Mapping, Policy};
    /// if let Err(error) = Mapping::anonymous(4096)?.mbind(Policy::Interleave, &[0], BindFlags::empty(), ..) {
    ///     println!("{error}");    // a kernel without NUMA
    /// }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    Policy {
        /// The policy of the thread.
        Default MPOL_DEFAULT;
        /// The given node, while it has free memory.
        Preferred MPOL_PREFERRED;
        /// The given nodes and no others.
        Bind MPOL_BIND;
        /// The given nodes in turn.
        Interleave MPOL_INTERLEAVE;
        /// The node of the thread that first accesses the page.
        Local MPOL_LOCAL;
        /// The given nodes, while they have free memory.
        PreferredMany MPOL_PREFERRED_MANY;
    }
}

choice! {
    /// Advice for [`Mapping::advise`](crate::Mapping::advise). Advice that discards data takes whole pages only.
    ///
    /// ```
    /// use mmap_wrap::{Advice, Mapping};
    /// let memory = Mapping::anonymous(8192)?;
    /// memory.advise(Advice::Random, ..)?;
    /// assert!(memory.advise(Advice::DontNeed, ..10).is_err());
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    Advice {
        /// No special treatment.
        Normal MADV_NORMAL;
        /// No read-ahead: accesses come in random order.
        Random MADV_RANDOM;
        /// Much read-ahead: accesses come in order.
        Sequential MADV_SEQUENTIAL;
        /// Read the pages in soon.
        WillNeed MADV_WILLNEED;
        /// Drop the pages: private ones read zero or the file again.
        DontNeed MADV_DONTNEED;
        /// The same, for locked pages too.
        DontNeedLocked MADV_DONTNEED_LOCKED;
        /// The pages may be dropped until they are next written.
        Free MADV_FREE;
        /// Free the pages and their blocks of the file: punches a hole.
        Remove MADV_REMOVE;
        /// A forked child does not have the pages.
        DontFork MADV_DONTFORK;
        /// Undoes `DontFork`.
        DoFork MADV_DOFORK;
        /// A forked child reads zero.
        WipeOnFork MADV_WIPEONFORK;
        /// Undoes `WipeOnFork`.
        KeepOnFork MADV_KEEPONFORK;
        /// Identical pages may be merged (KSM).
        Mergeable MADV_MERGEABLE;
        /// Identical pages are not merged.
        Unmergeable MADV_UNMERGEABLE;
        /// Transparent huge pages wanted.
        HugePage MADV_HUGEPAGE;
        /// Transparent huge pages unwanted.
        NoHugePage MADV_NOHUGEPAGE;
        /// Make huge pages of it now.
        Collapse MADV_COLLAPSE;
        /// Left out of core dumps.
        DontDump MADV_DONTDUMP;
        /// Undoes `DontDump`.
        DoDump MADV_DODUMP;
        /// Pages are reclaimed before others.
        Cold MADV_COLD;
        /// Pages are reclaimed now.
        PageOut MADV_PAGEOUT;
    }
}
