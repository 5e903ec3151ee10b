//! Shared memory in four lines, from Rust: a page without a file, its last byte set and read back, unmapped.
//!
//! Run it with `cargo run --example page`.

use mmap_wrap::{Mapping, Result, constants::*};
use std::mem::MaybeUninit;

fn main() -> Result<()> {
    let page = Mapping::of_descriptor(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)?;
    page.write(4095, &[0xFF])?;

    let mut byte = [MaybeUninit::uninit()];
    page.read(4095, &mut byte)?;
    // SAFETY: read succeeded, so it filled the byte.
    println!("byte 4095 of {} is {:#x}", page.length(), unsafe { byte[0].assume_init() });

    page.unmap().map_err(|(_still_mapped, error)| error)
}
