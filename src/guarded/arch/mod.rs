//! What depends on the processor: the loops that copy, fill and compare, the accesses of single words, the table of their
//! instructions that may fault, the registers that a repair changes, and a clock that costs next to nothing to read.
//!
//! Processors without loops have none here; accesses then go through the kernel.

mod registers;

pub use registers::Registers;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! assemble {
    ($($set:literal)?) => {
        #[cfg(target_arch = "x86_64")]
        std::arch::global_asm!($($set,)? include_str!("format.s"), include_str!("x86_64.s"), options(raw));
        #[cfg(target_arch = "aarch64")]
        std::arch::global_asm!($($set,)? include_str!("format.s"), include_str!("aarch64.s"), options(raw));
    };
}
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(any(windows, target_os = "macos"))))]
assemble!();
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), windows))]
assemble!(".set NOT_ELF, 1");
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "macos"))]
assemble!(".set NOT_ELF, 1\n.set MACHO, 1");

/// What a loop returns: bytes left undone, and the address that faulted, which has a meaning only if some are.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    pub left: usize,
    pub address: usize,
}

/// What a search for a byte returns: the bytes before it, and 1. If there is none, the bytes before the one that faults, or
/// all, and 0.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub before: usize,
    pub found: usize,
}

/// The convention by which the loops are called: on x86-64 that of System V on every system.
#[cfg(target_arch = "x86_64")]
macro_rules! called {
    (fn($($argument:ty),*) -> $result:ty) => { unsafe extern "sysv64" fn($($argument),*) -> $result };
    ($($declarations:tt)*) => { unsafe extern "sysv64" { $($declarations)* } };
}
#[cfg(not(target_arch = "x86_64"))]
macro_rules! called {
    (fn($($argument:ty),*) -> $result:ty) => { unsafe extern "C" fn($($argument),*) -> $result };
    ($($declarations:tt)*) => { unsafe extern "C" { $($declarations)* } };
}

/// The loops for one kind of processor.
#[derive(Debug, Clone, Copy)]
pub struct Loops {
    /// (to, from, size); the two do not overlap.
    pub copy: called!(fn(*mut u8, *const u8, usize) -> Outcome),
    /// (to, byte, size)
    pub fill: called!(fn(*mut u8, u8, usize) -> Outcome),
    /// (first, second, size): bytes that are equal for certain. More may be, up to the first that differs or faults.
    pub equal: called!(fn(*const u8, *const u8, usize) -> usize),
    /// (from, byte, size)
    pub find_byte: called!(fn(*const u8, u8, usize) -> Found),
    /// Plain, of any alignment, 1, 2, 4 and 8 bytes wide.
    pub scalars: [Scalar; 4],
    /// Of aligned words of 32 and of 64 bits.
    pub atomics: [Atomics; 2],
}

/// An access of one word: (word, operand, expected); what it has no use for is ignored.
pub type Access = called!(fn(*mut u8, u64, u64) -> Word);

/// What an access of a word returns: whether it faulted and, if not, the word, or the word before. The bits above
/// those of an atomic word have no meaning.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Word {
    pub faulted: u64,
    pub bits: u64,
}

/// Plain accesses.
#[derive(Debug, Clone, Copy)]
pub struct Scalar {
    pub get: Access,
    pub put: Access,
}

/// Atomic accesses.
#[derive(Debug, Clone, Copy)]
pub struct Atomics {
    pub load: Access,
    pub add: Access,
    pub exchange: Access,
    pub compare_exchange: Access,
}

/// Declares the accesses of words in the assembly, which have the same names on every processor, and makes a table of them.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! words {
    ($table:ident: [$type:ident; $count:literal] = $({ $($member:ident: $access:ident),* })*) => {
        called! {
            $($(fn $access(word: *mut u8, operand: u64, expected: u64) -> Word;)*)*
        }
        const $table: [$type; $count] = [$($type { $($member: $access),* }),*];
    };
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
words! {
    SCALARS: [Scalar; 4] =
        { get: mmap_wrap_guarded_get8, put: mmap_wrap_guarded_put8 }
        { get: mmap_wrap_guarded_get16, put: mmap_wrap_guarded_put16 }
        { get: mmap_wrap_guarded_get32, put: mmap_wrap_guarded_put32 }
        { get: mmap_wrap_guarded_get64, put: mmap_wrap_guarded_put64 }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
words! {
    ATOMICS: [Atomics; 2] =
        {
            load: mmap_wrap_guarded_load32,
            add: mmap_wrap_guarded_add32,
            exchange: mmap_wrap_guarded_exchange32,
            compare_exchange: mmap_wrap_guarded_compare_exchange32
        }
        {
            load: mmap_wrap_guarded_load64,
            add: mmap_wrap_guarded_add64,
            exchange: mmap_wrap_guarded_exchange64,
            compare_exchange: mmap_wrap_guarded_compare_exchange64
        }
}

/// Declares the labels in the assembly, and makes the table: what faults from `begin` up to `end` continues at `fixup`.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! exception_table {
    ($($begin:ident .. $end:ident => $fixup:ident;)*) => {
        unsafe extern "C" {
            $(static $begin: u8; static $end: u8;)*
            static mmap_wrap_guarded_stop: u8;
            static mmap_wrap_guarded_word_stop: u8;
        }

        /// Where execution continues after a fault at instruction `pc`, if it is one of the loops'.
        pub fn fixup(pc: usize) -> Option<usize> {
            [$((&raw const $begin, &raw const $end, &raw const $fixup)),*]
                .into_iter()
                .find(|(begin, end, _)| (begin.addr()..end.addr()).contains(&pc))
                .map(|(_, _, fixup)| fixup.addr())
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod processor {
    use super::{ATOMICS, Found, Loops, Outcome, SCALARS};

    unsafe extern "sysv64" {
        fn mmap_wrap_guarded_copy_avx2(to: *mut u8, from: *const u8, size: usize) -> Outcome;
        fn mmap_wrap_guarded_copy_sse2(to: *mut u8, from: *const u8, size: usize) -> Outcome;
        fn mmap_wrap_guarded_fill_avx2(to: *mut u8, byte: u8, size: usize) -> Outcome;
        fn mmap_wrap_guarded_fill_sse2(to: *mut u8, byte: u8, size: usize) -> Outcome;
        fn mmap_wrap_guarded_equal_avx2(first: *const u8, second: *const u8, size: usize) -> usize;
        fn mmap_wrap_guarded_equal(first: *const u8, second: *const u8, size: usize) -> usize;
        fn mmap_wrap_guarded_find_byte_avx2(from: *const u8, byte: u8, size: usize) -> Found;
        fn mmap_wrap_guarded_find_byte_sse2(from: *const u8, byte: u8, size: usize) -> Found;
    }

    exception_table! {
        mmap_wrap_guarded_copy_avx2_begin .. mmap_wrap_guarded_copy_avx2_end => mmap_wrap_guarded_copy_avx2_end;
        mmap_wrap_guarded_copy_sse2_begin .. mmap_wrap_guarded_copy_sse2_end => mmap_wrap_guarded_copy_sse2_end;
        mmap_wrap_guarded_fill_avx2_begin .. mmap_wrap_guarded_fill_avx2_end => mmap_wrap_guarded_fill_avx2_end;
        mmap_wrap_guarded_fill_sse2_begin .. mmap_wrap_guarded_fill_sse2_end => mmap_wrap_guarded_fill_sse2_end;
        mmap_wrap_guarded_copy_rest .. mmap_wrap_guarded_copy_rest_end => mmap_wrap_guarded_stop;
        mmap_wrap_guarded_fill_rest .. mmap_wrap_guarded_fill_rest_end => mmap_wrap_guarded_stop;
        mmap_wrap_guarded_equal_avx2_begin .. mmap_wrap_guarded_equal_avx2_end => mmap_wrap_guarded_equal_avx2_end;
        mmap_wrap_guarded_equal_begin .. mmap_wrap_guarded_equal_end => mmap_wrap_guarded_equal_end;
        mmap_wrap_guarded_find_byte_avx2_begin .. mmap_wrap_guarded_find_byte_avx2_end => mmap_wrap_guarded_find_byte_avx2_end;
        mmap_wrap_guarded_find_byte_sse2_begin .. mmap_wrap_guarded_find_byte_sse2_end => mmap_wrap_guarded_find_byte_sse2_end;
        mmap_wrap_guarded_find_byte_rest .. mmap_wrap_guarded_find_byte_rest_end => mmap_wrap_guarded_find_byte_rest_end;
        mmap_wrap_guarded_word_begin .. mmap_wrap_guarded_word_end => mmap_wrap_guarded_word_stop;
    }

    const AVX2: Loops = Loops {
        copy: mmap_wrap_guarded_copy_avx2,
        fill: mmap_wrap_guarded_fill_avx2,
        equal: mmap_wrap_guarded_equal_avx2,
        find_byte: mmap_wrap_guarded_find_byte_avx2,
        scalars: SCALARS,
        atomics: ATOMICS,
    };
    const SSE2: Loops = Loops {
        copy: mmap_wrap_guarded_copy_sse2,
        fill: mmap_wrap_guarded_fill_sse2,
        equal: mmap_wrap_guarded_equal,
        find_byte: mmap_wrap_guarded_find_byte_sse2,
        ..AVX2
    };

    /// The loops that this processor can run, the best first.
    pub fn loops() -> &'static [Loops] {
        if std::is_x86_feature_detected!("avx2") { &[AVX2, SSE2] } else { &[SSE2] }
    }

    /// A counter of the processor's: 1.8 to 5 in a nanosecond.
    #[inline(always)]
    pub fn ticks() -> u64 {
        // SAFETY: every x86-64 processor has the instruction; a kernel that forbids it to programs is not known.
        unsafe { std::arch::x86_64::_rdtsc() }
    }

    /// So many ticks are 12 to 33 microseconds.
    pub fn ticks_of_a_lease() -> u64 {
        60_000
    }
}

#[cfg(target_arch = "aarch64")]
mod processor {
    use super::{ATOMICS, Found, Loops, Outcome, SCALARS};

    unsafe extern "C" {
        fn mmap_wrap_guarded_copy(to: *mut u8, from: *const u8, size: usize) -> Outcome;
        fn mmap_wrap_guarded_fill(to: *mut u8, byte: u8, size: usize) -> Outcome;
        fn mmap_wrap_guarded_equal(first: *const u8, second: *const u8, size: usize) -> usize;
        fn mmap_wrap_guarded_find_byte(from: *const u8, byte: u8, size: usize) -> Found;
    }

    exception_table! {
        mmap_wrap_guarded_copy_begin .. mmap_wrap_guarded_copy_end => mmap_wrap_guarded_copy_rest;
        mmap_wrap_guarded_fill_begin .. mmap_wrap_guarded_fill_end => mmap_wrap_guarded_fill_rest;
        mmap_wrap_guarded_copy_rest .. mmap_wrap_guarded_copy_rest_end => mmap_wrap_guarded_stop;
        mmap_wrap_guarded_fill_rest .. mmap_wrap_guarded_fill_rest_end => mmap_wrap_guarded_stop;
        mmap_wrap_guarded_equal_begin .. mmap_wrap_guarded_equal_end => mmap_wrap_guarded_equal_end;
        mmap_wrap_guarded_find_byte_begin .. mmap_wrap_guarded_find_byte_end => mmap_wrap_guarded_find_byte_rest;
        mmap_wrap_guarded_find_byte_rest .. mmap_wrap_guarded_find_byte_rest_end => mmap_wrap_guarded_find_byte_rest_end;
        mmap_wrap_guarded_word_begin .. mmap_wrap_guarded_word_end => mmap_wrap_guarded_word_stop;
    }

    const NEON: Loops = Loops {
        copy: mmap_wrap_guarded_copy,
        fill: mmap_wrap_guarded_fill,
        equal: mmap_wrap_guarded_equal,
        find_byte: mmap_wrap_guarded_find_byte,
        scalars: SCALARS,
        atomics: ATOMICS,
    };

    /// The loops that this processor can run.
    pub fn loops() -> &'static [Loops] {
        &[NEON]
    }

    /// The counter that Linux, and every other system for this processor, lets programs read.
    #[inline(always)]
    pub fn ticks() -> u64 {
        let ticks: u64;
        // SAFETY: reads a register.
        unsafe { std::arch::asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack, preserves_flags)) };
        ticks
    }

    /// Ticks in 25 microseconds.
    pub fn ticks_of_a_lease() -> u64 {
        let in_a_second: u64;
        // SAFETY: reads a register.
        unsafe { std::arch::asm!("mrs {}, cntfrq_el0", out(reg) in_a_second, options(nomem, nostack, preserves_flags)) };
        in_a_second / 40_000
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod processor {
    use super::Loops;

    pub fn fixup(_pc: usize) -> Option<usize> {
        None
    }

    pub fn loops() -> &'static [Loops] {
        &[]
    }

    pub fn ticks() -> u64 {
        0
    }

    pub fn ticks_of_a_lease() -> u64 {
        0
    }
}

pub use processor::{fixup, loops, ticks, ticks_of_a_lease};
