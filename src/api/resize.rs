//! Resizing, moving and splitting.

use super::{Core, Error, Mapping, Result, number};
use crate::constants::{MREMAP_FIXED, MREMAP_MAYMOVE};
use crate::error::Error as CoreError;
use crate::mapping::FileEnd;
use crate::range::REST;
use crate::registry;

impl Mapping {
    /// Changes the length to `len` bytes. The mapping may move to another address. `file` determines what happens to the file
    /// that it keeps open; a shared mapping does not grow beyond the end of its file. On failure nothing is changed.
    ///
    /// ```
    /// use mmap_wrap::{FileEnd, MapOptions};
    /// let mut memory = MapOptions::new().write(true).unnamed(4096)?;
    /// assert!(memory.resize(1 << 20, FileEnd::Stays).is_err());
    /// memory.resize(1 << 20, FileEnd::Follows)?;
    /// memory.write((1 << 20) - 1, b"x")?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn resize(&mut self, len: usize, file: FileEnd) -> Result<()> {
        self.change("resize", |core| core.resize(number(len), MREMAP_MAYMOVE, file))
    }

    /// Like [`Mapping::resize`], without moving: an error if there is no room at the present address.
    ///
    /// ```
    /// use mmap_wrap::{FileEnd, Mapping};
    /// let mut memory = Mapping::anonymous(1 << 20)?;
    /// # if memory.resize_in_place(100, FileEnd::Stays).is_ok() {
    /// memory.resize_in_place(100, FileEnd::Stays)?;
    /// assert_eq!(memory.len(), 100);
    /// # }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn resize_in_place(&mut self, len: usize, file: FileEnd) -> Result<()> {
        self.change("resize_in_place", |core| core.resize(number(len), 0, file))
    }

    /// Changes the length so that the mapping ends at the present end of the file that it keeps open.
    ///
    /// ```
    /// use mmap_wrap::{FileEnd, MapOptions};
    /// let mut memory = MapOptions::new().write(true).unnamed(4096)?;
    /// std::fs::File::from(memory.file()?).set_len(10_000).unwrap();
    /// memory.resize_to_file()?;
    /// assert_eq!(memory.len(), 10_000);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn resize_to_file(&mut self) -> Result<()> {
        self.change("resize_to_file", |core| core.resize(REST, MREMAP_MAYMOVE, FileEnd::Stays))
    }

    /// [`Mapping::resize`], to an address: MREMAP_FIXED.
    ///
    /// # Safety
    /// What was mapped where the mapping moves to is replaced and must not be used any more. A `Mapping` of it must not be
    /// dropped.
    ///
    /// ```
    /// use mmap_wrap::{FileEnd, Mapping};
    /// let (reserved, mut memory) = (Mapping::anonymous(8192)?, Mapping::anonymous(4096)?);
    /// # #[cfg(target_os = "linux")] if mmap_wrap::page_size() == 4096 {
    /// // SAFETY: nothing uses the memory that was reserved, and nothing will.
    /// unsafe { memory.resize_at(4096, reserved.as_mut_ptr(), FileEnd::Stays)? };
    /// std::mem::forget(reserved);
    /// # }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub unsafe fn resize_at(&mut self, len: usize, address: *mut u8, file: FileEnd) -> Result<()> {
        let flags = MREMAP_MAYMOVE | MREMAP_FIXED;
        // SAFETY: the caller ensures that nothing uses the address.
        self.change("resize_at", |core| unsafe { core.resize_at(number(len), flags, address.addr(), file) })
    }

    /// Splits the mapping at a page boundary: this mapping ends there, and the rest becomes a new mapping.
    ///
    /// ```
    /// let mut memory = mmap_wrap::Mapping::anonymous(1 << 20)?;
    /// let tail = memory.split_off(1 << 19)?;
    /// assert_eq!((memory.len(), tail.len()), (1 << 19, 1 << 19));
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn split_off(&mut self, at: usize) -> Result<Mapping> {
        self.change_and_insert("split_off", |core| core.split_off(number(at)))
    }

    /// Moves the pages to a new mapping; this mapping keeps its addresses, with zeroed pages or pages of the file:
    /// MREMAP_DONTUNMAP.
    ///
    /// ```
    /// let mut memory = mmap_wrap::MapOptions::new().write(true).private().anonymous(4096)?;
    /// memory.write(0, b"word")?;
    /// match memory.move_pages() {
    /// #   // tests/resize.rs has the same, and measures that it is the emulator's.
    /// #   Ok(_) if memory.get::<u8>(0).is_err() => println!("skipped: an emulator has unmapped the pages"),
    ///     Ok(moved) => assert_eq!((moved.get(0)?, memory.get(0)?), (b'w', 0_u8)),
    ///     Err(error) => println!("{error}"),    // Linux before 5.7
    /// }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn move_pages(&mut self) -> Result<Mapping> {
        self.change_and_insert("move_pages", Core::move_pages)
    }

    fn change(&mut self, operation: &'static str, run: impl FnOnce(&mut Core) -> Result<(), Box<CoreError>>) -> Result<()> {
        let len = registry::change(self.handle, |core| run(core).map(|()| core.length()));
        self.len = len.map_err(Error::in_operation(operation))?;
        Ok(())
    }

    fn change_and_insert(
        &mut self,
        operation: &'static str,
        run: impl FnOnce(&mut Core) -> Result<Core, Box<CoreError>>,
    ) -> Result<Mapping> {
        let mut lens = (0, 0);
        let change_and_insert = registry::change_and_insert(self.handle, |core| {
            let change_and_insert = run(core)?;
            lens = (core.length(), change_and_insert.length());
            Ok(change_and_insert)
        });
        let handle = change_and_insert.map_err(Error::in_operation(operation))?;
        self.len = lens.0;
        Ok(Mapping { handle, len: lens.1 })
    }
}
