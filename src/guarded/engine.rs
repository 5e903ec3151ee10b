//! The copy and fill loops of this processor, and the table of their instructions that may fault.
//!
//! Processors without loops of their own have none here; accesses then go through the kernel.

#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(include_str!("x86_64.s"), options(raw));
#[cfg(target_arch = "aarch64")]
std::arch::global_asm!(include_str!("aarch64.s"), options(raw));

/// What a loop answers: bytes left undone, and the address that refused, of meaning only if some are.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    pub left: usize,
    pub address: usize,
}

/// The loops for one kind of processor.
#[derive(Debug, Clone, Copy)]
pub struct Loops {
    /// (to, from, size); the two do not overlap.
    pub copy: unsafe extern "C" fn(*mut u8, *const u8, usize) -> Outcome,
    /// (to, byte, size)
    pub fill: unsafe extern "C" fn(*mut u8, u8, usize) -> Outcome,
}

/// Declares the labels in the assembly, and makes the table: what faults from `begin` up to `end` goes on at `fixup`.
macro_rules! exception_table {
    ($($begin:ident .. $end:ident => $fixup:ident;)*) => {
        unsafe extern "C" {
            $(static $begin: u8; static $end: u8;)*
            static mmap_wrap_guarded_stop: u8;
        }

        /// Where to go on after a fault at instruction `pc`, if it is one of the loops'.
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
    use super::{Loops, Outcome};

    unsafe extern "C" {
        fn mmap_wrap_guarded_copy_avx2(to: *mut u8, from: *const u8, size: usize) -> Outcome;
        fn mmap_wrap_guarded_copy_sse2(to: *mut u8, from: *const u8, size: usize) -> Outcome;
        fn mmap_wrap_guarded_fill_avx2(to: *mut u8, byte: u8, size: usize) -> Outcome;
        fn mmap_wrap_guarded_fill_sse2(to: *mut u8, byte: u8, size: usize) -> Outcome;
    }

    exception_table! {
        mmap_wrap_guarded_copy_avx2_begin .. mmap_wrap_guarded_copy_avx2_end => mmap_wrap_guarded_copy_rest;
        mmap_wrap_guarded_copy_sse2_begin .. mmap_wrap_guarded_copy_sse2_end => mmap_wrap_guarded_copy_rest;
        mmap_wrap_guarded_fill_avx2_begin .. mmap_wrap_guarded_fill_avx2_end => mmap_wrap_guarded_fill_rest;
        mmap_wrap_guarded_fill_sse2_begin .. mmap_wrap_guarded_fill_sse2_end => mmap_wrap_guarded_fill_rest;
        mmap_wrap_guarded_copy_rest .. mmap_wrap_guarded_copy_rest_end => mmap_wrap_guarded_stop;
        mmap_wrap_guarded_fill_rest .. mmap_wrap_guarded_fill_rest_end => mmap_wrap_guarded_stop;
    }

    const AVX2: Loops = Loops { copy: mmap_wrap_guarded_copy_avx2, fill: mmap_wrap_guarded_fill_avx2 };
    const SSE2: Loops = Loops { copy: mmap_wrap_guarded_copy_sse2, fill: mmap_wrap_guarded_fill_sse2 };

    /// The loops that this processor can run, the best first.
    pub fn loops() -> &'static [Loops] {
        if std::is_x86_feature_detected!("avx2") { &[AVX2, SSE2] } else { &[SSE2] }
    }
}

#[cfg(target_arch = "aarch64")]
mod processor {
    use super::{Loops, Outcome};

    unsafe extern "C" {
        fn mmap_wrap_guarded_copy(to: *mut u8, from: *const u8, size: usize) -> Outcome;
        fn mmap_wrap_guarded_fill(to: *mut u8, byte: u8, size: usize) -> Outcome;
    }

    exception_table! {
        mmap_wrap_guarded_copy_begin .. mmap_wrap_guarded_copy_end => mmap_wrap_guarded_copy_rest;
        mmap_wrap_guarded_fill_begin .. mmap_wrap_guarded_fill_end => mmap_wrap_guarded_fill_rest;
        mmap_wrap_guarded_copy_rest .. mmap_wrap_guarded_copy_rest_end => mmap_wrap_guarded_stop;
        mmap_wrap_guarded_fill_rest .. mmap_wrap_guarded_fill_rest_end => mmap_wrap_guarded_stop;
    }

    const NEON: Loops = Loops { copy: mmap_wrap_guarded_copy, fill: mmap_wrap_guarded_fill };

    /// The loops that this processor can run.
    pub fn loops() -> &'static [Loops] {
        &[NEON]
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
}

pub use processor::{fixup, loops};
