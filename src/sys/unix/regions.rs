//! What macOS has mapped at one address.

use std::ffi::c_int;

/// The protection at an address, and where the region that has it ends. Inside a signal handler, too.
pub fn protection(address: usize) -> Option<(c_int, usize)> {
    // <mach/vm_region.h>: struct vm_region_basic_info_64, in numbers of 32 bits. Its first is the protection.
    const VM_REGION_BASIC_INFO_64: c_int = 9;
    const COUNT: u32 = 9;
    // Not in the libc crate; <mach/mach_vm.h>.
    unsafe extern "C" {
        static mach_task_self_: u32;
        fn mach_vm_region(
            task: u32,
            address: *mut u64,
            size: *mut u64,
            flavor: c_int,
            info: *mut c_int,
            count: *mut u32,
            object_name: *mut u32,
        ) -> c_int;
    }
    let (mut start, mut size, mut count, mut object) = (address as u64, 0, COUNT, 0);
    let mut info = [0; COUNT as usize];
    // SAFETY: writes no more numbers than `count`, and the others, to the places given.
    let asked = unsafe {
        let info = info.as_mut_ptr();
        mach_vm_region(mach_task_self_, &mut start, &mut size, VM_REGION_BASIC_INFO_64, info, &mut count, &mut object)
    };
    // It finds the next region where none holds the address. The bits of protections are those of PROT_.
    let end = usize::try_from(start + size).ok()?;
    (asked == 0 && start <= address as u64).then_some((info[0], end))
}
