//! The interrupted thread's registers that a repair reads and changes.

#[cfg(unix)]
use libc::ucontext_t as Context;
#[cfg(windows)]
use windows_sys::Win32::System::Diagnostics::Debug::CONTEXT as Context;

/// The interrupted thread's registers that repairing needs.
pub struct Registers<'a>(
    #[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code, reason = "there are no loops"))]
    &'a mut Context,
);

#[cfg(all(unix, target_arch = "x86_64"))]
#[allow(clippy::cast_sign_loss, clippy::cast_possible_wrap, reason = "registers are bits")]
#[allow(clippy::cast_possible_truncation, reason = "registers are 64 bits here")]
impl Registers<'_> {
    pub fn pc(&self) -> usize {
        self.0.uc_mcontext.gregs[libc::REG_RIP as usize] as usize
    }

    /// Whether the access that faulted was a store, where the processor says so.
    pub fn is_store(&self) -> Option<bool> {
        Some(self.0.uc_mcontext.gregs[libc::REG_ERR as usize] & 2 != 0)
    }

    pub fn continue_at(self, fixup: usize, address: usize) {
        self.0.uc_mcontext.gregs[libc::REG_RIP as usize] = fixup as i64;
        self.0.uc_mcontext.gregs[libc::REG_R10 as usize] = address as i64;
    }
}

#[cfg(all(unix, target_arch = "aarch64"))]
impl Registers<'_> {
    pub fn pc(&self) -> usize {
        self.0.uc_mcontext.pc as usize
    }

    pub fn is_store(&self) -> Option<bool> {
        None
    }

    pub fn continue_at(self, fixup: usize, address: usize) {
        self.0.uc_mcontext.pc = fixup as u64;
        self.0.uc_mcontext.regs[10] = address as u64;
    }
}

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

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
impl Registers<'_> {
    pub fn pc(&self) -> usize {
        0
    }

    pub fn is_store(&self) -> Option<bool> {
        None
    }

    pub fn continue_at(self, _fixup: usize, _address: usize) {}
}

impl Registers<'_> {
    /// # Safety
    /// `context` is that of the signal or exception being handled.
    pub unsafe fn new<'a>(context: *mut Context) -> Registers<'a> {
        // SAFETY: as the caller promises.
        Registers(unsafe { &mut *context })
    }
}
