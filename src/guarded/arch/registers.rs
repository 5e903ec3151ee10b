//! The registers of the interrupted thread that a repair reads and changes, in the context of each system.

#[cfg(unix)]
use libc::{c_void, ucontext_t as Context};
#[cfg(windows)]
use std::ffi::c_void;
#[cfg(windows)]
use windows_sys::Win32::System::Diagnostics::Debug::CONTEXT as Context;

/// The registers of the interrupted thread that a repair needs.
pub struct Registers<'a>(#[cfg_attr(not(loops), allow(dead_code, reason = "there are no loops"))] &'a mut Context);

impl Registers<'_> {
    /// # Safety
    /// `context` is that of the signal or exception being handled.
    pub unsafe fn new<'a>(context: *mut c_void) -> Registers<'a> {
        // SAFETY: as the caller promises.
        Registers(unsafe { &mut *context.cast() })
    }
}

/// For a system and a processor: the instruction pointer, the register in which the loops expect the address of a fault (r10,
/// x10), and, if the system reports it, whether the access was a store.
macro_rules! registers {
    ($($system:literal)* on $processor:literal, $context:ident: $pc:expr, $scratch:expr, $is_store:expr) => {
        #[cfg(all(any($(target_os = $system),*), target_arch = $processor))]
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap, reason = "registers are bits")]
        #[allow(clippy::unnecessary_cast, reason = "their type differs among systems")]
        #[allow(unused_unsafe, unused_variables, reason = "some systems have them behind a pointer, or not at all")]
        impl Registers<'_> {
            pub fn pc(&self) -> usize {
                let $context = &*self.0;
                // SAFETY: the context of a signal includes what it points to.
                unsafe { $pc as usize }
            }

            /// Whether the access that faulted was a store, if the system reports it.
            pub fn is_store(&self) -> Option<bool> {
                let $context = &*self.0;
                // SAFETY: as above.
                unsafe { $is_store }
            }

            pub fn continue_at(self, fixup: usize, address: usize) {
                let $context = self.0;
                // SAFETY: as above; no other code accesses the context.
                unsafe {
                    $pc = fixup as _;
                    $scratch = address as _;
                }
            }
        }
    };
}

/// Bit 1 of the error code of a page fault (Intel's manual, volume 3, 4.7).
#[cfg(all(unix, target_arch = "x86_64"))]
macro_rules! is_write {
    ($error:expr) => {
        Some($error & 2 != 0)
    };
}

registers! { "linux" "android" "illumos" on "x86_64", c:
    c.uc_mcontext.gregs[libc::REG_RIP as usize], c.uc_mcontext.gregs[libc::REG_R10 as usize],
    is_write!(c.uc_mcontext.gregs[libc::REG_ERR as usize])
}
registers! { "linux" "android" on "aarch64", c: c.uc_mcontext.pc, c.uc_mcontext.regs[10], None }
registers! { "macos" on "x86_64", c:
    (*c.uc_mcontext).__ss.__rip, (*c.uc_mcontext).__ss.__r10, is_write!((*c.uc_mcontext).__es.__err)
}
registers! { "macos" on "aarch64", c:
    // WnR of the syndrome of a data abort (Arm's manual, ESR_EL1).
    (*c.uc_mcontext).__ss.__pc, (*c.uc_mcontext).__ss.__x[10], Some((*c.uc_mcontext).__es.__esr & 1 << 6 != 0)
}
registers! { "freebsd" on "x86_64", c: c.uc_mcontext.mc_rip, c.uc_mcontext.mc_r10, is_write!(c.uc_mcontext.mc_err) }
registers! { "freebsd" on "aarch64", c: c.uc_mcontext.mc_gpregs.gp_elr, c.uc_mcontext.mc_gpregs.gp_x[10], None }
// <amd64/mcontext.h>: _REG_R10 6, _REG_ERR 20, _REG_RIP 21.
registers! { "netbsd" on "x86_64", c: c.uc_mcontext.__gregs[21], c.uc_mcontext.__gregs[6], is_write!(c.uc_mcontext.__gregs[20]) }
registers! { "openbsd" on "x86_64", c: c.sc_rip, c.sc_r10, is_write!(c.sc_err) }

#[cfg(all(windows, target_arch = "x86_64"))]
#[allow(clippy::cast_possible_truncation, reason = "registers are 64 bits here")]
impl Registers<'_> {
    pub fn pc(&self) -> usize {
        self.0.Rip as usize
    }

    pub fn continue_at(self, fixup: usize, address: usize) {
        self.0.Rip = fixup as u64;
        self.0.R10 = address as u64;
    }
}

#[cfg(not(loops))]
impl Registers<'_> {
    pub fn pc(&self) -> usize {
        0
    }

    pub fn is_store(&self) -> Option<bool> {
        None
    }

    pub fn continue_at(self, _fixup: usize, _address: usize) {}
}
