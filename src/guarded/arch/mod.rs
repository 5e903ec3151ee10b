//! Code for each processor: the loops that copy, fill and compare, the accesses of single words, the table of their
//! instructions that may fault, the registers that a repair changes, and a counter that is fast to read.
//!
//! On other processors, and where build.rs does not set the cfg `loops`, there are none, and the kernel makes the accesses.

mod registers;

pub use registers::Registers;

#[cfg(loops)]
macro_rules! assemble {
    ($($set:literal)?) => {
        #[cfg(target_arch = "x86_64")]
        std::arch::global_asm!($($set,)? include_str!("format.s"), include_str!("x86_64.s"), options(raw));
        #[cfg(target_arch = "aarch64")]
        std::arch::global_asm!($($set,)? include_str!("format.s"), include_str!("aarch64.s"), options(raw));
    };
}
#[cfg(all(loops, not(any(windows, target_os = "macos"))))]
assemble!();
#[cfg(all(loops, windows))]
assemble!(".set NOT_ELF, 1");
#[cfg(all(loops, target_os = "macos"))]
assemble!(".set NOT_ELF, 1\n.set MACHO, 1");

/// The result of a loop: the bytes left undone and, if there are any, the address that faulted.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    pub left: usize,
    pub address: usize,
}

/// The result of a search for a byte: the number of bytes before it, and 1. If there is none, the number of all bytes, or of
/// those before the one that faults, and 0.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub before: usize,
    pub found: usize,
}

/// The calling convention of the loops: on x86-64 that of System V, on every system.
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
    /// (first, second, size): a number of bytes that are equal; more may be equal, up to the first that differs or faults.
    pub equal: called!(fn(*const u8, *const u8, usize) -> usize),
    /// (from, byte, size)
    pub find_byte: called!(fn(*const u8, u8, usize) -> Found),
    /// Plain accesses of any alignment, of 1, 2, 4 and 8 bytes.
    pub scalars: [Scalar; 4],
    /// Atomic accesses of aligned words, of 32 and of 64 bits.
    pub atomics: [Atomics; 2],
}

/// An access of one word: (word, operand, expected); arguments that it does not need are ignored.
pub type Access = called!(fn(*mut u8, u64, u64) -> Word);

/// The result of an access of a word: whether it faulted and, if not, the word, or its value before the operation. The bits
/// above those of an atomic word are undefined.
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

/// Declares the functions of the assembly that access words, which have the same names on every processor, and a table of
/// them.
#[cfg(loops)]
macro_rules! words {
    ($table:ident: [$type:ident; $count:literal] = $({ $($member:ident: $access:ident),* })*) => {
        called! {
            $($(fn $access(word: *mut u8, operand: u64, expected: u64) -> Word;)*)*
        }
        const $table: [$type; $count] = [$($type { $($member: $access),* }),*];
    };
}

#[cfg(loops)]
words! {
    SCALARS: [Scalar; 4] =
        { get: mmap_wrap_guarded_get8, put: mmap_wrap_guarded_put8 }
        { get: mmap_wrap_guarded_get16, put: mmap_wrap_guarded_put16 }
        { get: mmap_wrap_guarded_get32, put: mmap_wrap_guarded_put32 }
        { get: mmap_wrap_guarded_get64, put: mmap_wrap_guarded_put64 }
}

#[cfg(loops)]
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

/// Declares the labels of the assembly, and a table: execution continues at `fixup` after a fault in `begin` .. `end`.
#[cfg(loops)]
macro_rules! exception_table {
    ($($begin:ident .. $end:ident => $fixup:ident;)*) => {
        unsafe extern "C" {
            $(static $begin: u8; static $end: u8;)*
            static mmap_wrap_guarded_stop: u8;
            static mmap_wrap_guarded_word_stop: u8;
        }

        /// Where execution continues after a fault at the instruction `pc`; `None` if that is not in a loop.
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

    /// A counter of the processor: 1.8 to 5 ticks per nanosecond.
    #[inline(always)]
    pub fn ticks() -> u64 {
        // SAFETY: every x86-64 processor has the instruction; no known kernel forbids it to programs.
        unsafe { std::arch::x86_64::_rdtsc() }
    }

    /// 12 to 33 microseconds.
    pub fn ticks_of_a_lease() -> u64 {
        60_000
    }
}

#[cfg(all(loops, target_arch = "aarch64"))]
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

    /// The counter that Linux, and every other system for this processor, permits programs to read.
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

#[cfg(not(loops))]
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
