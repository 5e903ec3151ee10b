//! Shared memory in four lines, from Rust: a page without a file, its last byte set and read back, unmapped.
//!
//! Run it with `cargo run --example page`.

use mmap_wrap::{Mapping, Result};

fn main() -> Result<()> {
    let page = Mapping::anonymous(4096)?;
    page.put(4095, 0xFF_u8)?;
    println!("byte 4095 of {} is {:#x}", page.len(), page.get::<u8>(4095)?);
    page.unmap()
}
