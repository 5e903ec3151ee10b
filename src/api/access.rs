//! Access to the bytes: reading, writing, searching, comparing; and by reference, at the caller's own responsibility.

use super::{Error, Mapping, Part, Result, number};
use crate::error::{Errno, Error as CoreError, Side};
use crate::registry;
use std::ops::RangeBounds;

impl Mapping {
    /// Fills `to` with the bytes from `offset` on, or returns an error.
    ///
    /// ```
    /// let text = mmap_wrap::Mapping::open("Cargo.toml")?;
    /// let mut word = [0; 7];
    /// text.read(1, &mut word)?;
    /// assert_eq!(&word, b"package");
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    #[inline]
    pub fn read(&self, offset: usize, to: &mut [u8]) -> Result<()> {
        self.with("read", |core| core.read(number(offset), to))
    }

    /// The bytes of a range.
    ///
    /// ```
    /// let text = mmap_wrap::Mapping::open("Cargo.toml")?;
    /// assert_eq!(text.read_to_vec(1..8)?, b"package");
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn read_to_vec(&self, range: impl RangeBounds<usize>) -> Result<Vec<u8>> {
        let part = Part::new(range);
        self.with("read_to_vec", |core| {
            let size = core.check(part.start, part.size()?)?;
            let mut bytes = Vec::new();
            bytes
                .try_reserve_exact(size)
                .map_err(|_| CoreError::system(Errno::ENOMEM, format!("room for {size} bytes"), "read them in parts"))?;
            core.read(part.start, &mut bytes.spare_capacity_mut()[..size])?;
            // SAFETY: `read` filled the first `size` bytes.
            unsafe { bytes.set_len(size) };
            Ok(bytes)
        })
    }

    /// Copies all of `from` to `offset`, or returns an error.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(4096)?;
    /// memory.write(100, b"a word")?;
    /// assert_eq!(memory.read_to_vec(102..106)?, b"word");
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    #[inline]
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<()> {
        self.with("write", |core| core.write(number(offset), from))
    }

    /// Sets every byte of a range to `byte`.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(4096)?;
    /// memory.fill(.., b'x')?;
    /// assert_eq!(memory.count("x", ..)?, 4096);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn fill(&self, range: impl RangeBounds<usize>, byte: u8) -> Result<()> {
        let part = Part::new(range);
        self.with("fill", |core| core.fill(part.start, byte.into(), part.size()?).map(drop))
    }

    /// Copies a range to the offset `to` of the same mapping. They may overlap.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(4096)?;
    /// memory.write(0, b"abcd")?;
    /// memory.copy_within(0..4, 2)?;
    /// assert_eq!(memory.read_to_vec(..6)?, b"ababcd");
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn copy_within(&self, range: impl RangeBounds<usize>, to: usize) -> Result<()> {
        let part = Part::new(range);
        self.with("copy_within", |core| core.copy_within(number(to), part.start, part.size()?).map(drop))
    }

    /// Copies a range of another mapping to the offset `to` of this one; returns how many bytes.
    ///
    /// ```
    /// let (text, memory) = (mmap_wrap::Mapping::open("Cargo.toml")?, mmap_wrap::Mapping::anonymous(4096)?);
    /// assert_eq!(memory.copy_from(100, &text, 1..8)?, 7);
    /// assert_eq!(memory.find("package", ..)?, Some(100));
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn copy_from(&self, to: usize, source: &Mapping, range: impl RangeBounds<usize>) -> Result<usize> {
        let part = Part::new(range);
        registry::with_both((self.handle, Side::Target), (source.handle, Side::Source), &|target, source| {
            target.copy_from(number(to), source, part.start, part.size()?)
        })
        .map_err(Error::in_operation("copy_from"))
    }

    /// Compares a range with the bytes from `other_offset` of another mapping; returns how many are equal before the first
    /// difference: the size of the range if all are.
    ///
    /// ```
    /// let (one, other) = (mmap_wrap::Mapping::anonymous(100)?, mmap_wrap::Mapping::anonymous(100)?);
    /// assert_eq!(one.compare(.., &other, 0)?, 100);
    /// other.write(7, b"x")?;
    /// assert_eq!(one.compare(.., &other, 0)?, 7);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn compare(&self, range: impl RangeBounds<usize>, other: &Mapping, other_offset: usize) -> Result<usize> {
        let part = Part::new(range);
        registry::with_both((self.handle, Side::First), (other.handle, Side::Second), &|first, second| {
            first.compare(part.start, second, number(other_offset), part.size()?)
        })
        .map_err(Error::in_operation("compare"))
    }

    /// The offset of the first `needle` in a range. An empty needle is found at the start.
    ///
    /// ```
    /// let text = mmap_wrap::Mapping::open("Cargo.toml")?;
    /// assert_eq!(text.find("package", ..)?, Some(1));
    /// assert_eq!(text.find("package", 2..8)?, None);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn find(&self, needle: impl AsRef<[u8]>, range: impl RangeBounds<usize>) -> Result<Option<usize>> {
        let part = Part::new(range);
        self.with("find", |core| found(core.find(needle.as_ref(), part.start, part.end)))
    }

    /// The offset of the last `needle` in a range. An empty needle is found at the end.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(100)?;
    /// memory.write(0, b"one two one")?;
    /// assert_eq!(memory.rfind("one", ..)?, Some(8));
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn rfind(&self, needle: impl AsRef<[u8]>, range: impl RangeBounds<usize>) -> Result<Option<usize>> {
        let part = Part::new(range);
        self.with("rfind", |core| found(core.rfind(needle.as_ref(), part.start, part.end)))
    }

    /// The number of occurrences of `needle` in a range, not overlapping.
    ///
    /// ```
    /// let text = mmap_wrap::Mapping::open("Cargo.toml")?;
    /// assert!(text.count("\n", ..)? > 10);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn count(&self, needle: impl AsRef<[u8]>, range: impl RangeBounds<usize>) -> Result<usize> {
        let part = Part::new(range);
        self.with("count", |core| core.count(needle.as_ref(), part.start, part.end))
    }

    /// The address of the first byte. It is valid until the mapping is dropped or resized; not to be accessed if the mapping is
    /// empty. Accesses through it are not checked: see the conditions of [`Mapping::as_slice`], and [`Mapping::survive`].
    ///
    /// ```
    /// assert!(!mmap_wrap::Mapping::anonymous(4096)?.as_mut_ptr().is_null());
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn as_mut_ptr(&self) -> *mut u8 {
        registry::peek(self.handle).map_or(std::ptr::NonNull::dangling().as_ptr(), |pin| pin.address())
    }

    /// Like [`Mapping::as_mut_ptr`], for reading.
    ///
    /// ```
    /// assert!(!mmap_wrap::Mapping::open("Cargo.toml")?.as_ptr().is_null());
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn as_ptr(&self) -> *const u8 {
        self.as_mut_ptr()
    }

    /// The bytes by reference. [`Mapping::read`] and the other calls have no such conditions.
    ///
    /// # Safety
    /// Rust requires that the bytes behind a `&[u8]` do not change and can be read. While the slice exists,
    ///
    /// - nothing writes to them: no other thread or process, through the file, through another mapping of it, or through this
    ///   mapping by [`Mapping::write`], [`Mapping::put`], [`Mapping::advise`] and other calls that take `&self`;
    /// - all of them can be read: the protection allows it, and the file is not truncated. An access beyond its new end, or
    ///   with an I/O error, raises SIGBUS, which kills the process, or with [`Mapping::survive`] reads zeros, which changes the
    ///   bytes, too.
    ///
    /// Private memory without a file, and memory files with [`Seals::SHRINK`](super::Seals::SHRINK) and
    /// [`Seals::WRITE`](super::Seals::WRITE), fulfil this by themselves; for a file on a disk the caller must ensure it.
    ///
    /// ```
    /// let memory = mmap_wrap::MapOptions::new().write(true).private().anonymous(4096)?;
    /// memory.write(0, b"word")?;
    /// // SAFETY: private memory that only this function uses; nothing writes to it while the slice exists.
    /// let bytes = unsafe { memory.as_slice() };
    /// assert_eq!(&bytes[..4], b"word");
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub unsafe fn as_slice(&self) -> &[u8] {
        // SAFETY: the mapping stays at its address while it is borrowed; the caller ensures the rest. If a forked child did not
        // inherit it, the slice is empty.
        registry::peek(self.handle).map_or(&[], |pin| unsafe { std::slice::from_raw_parts(pin.address(), self.len) })
    }

    /// The bytes by mutable reference.
    ///
    /// # Safety
    /// As for [`Mapping::as_slice`]; and all bytes can be written, and nothing else reads them while the slice exists.
    ///
    /// ```
    /// let mut memory = mmap_wrap::MapOptions::new().write(true).private().anonymous(4096)?;
    /// // SAFETY: private memory that only this function uses.
    /// let bytes = unsafe { memory.as_mut_slice() };
    /// bytes[..4].copy_from_slice(b"word");
    /// assert_eq!(memory.find("word", ..)?, Some(0));
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub unsafe fn as_mut_slice(&mut self) -> &mut [u8] {
        match registry::peek(self.handle) {
            // SAFETY: as above, and the mapping is borrowed mutably.
            Ok(pin) => unsafe { std::slice::from_raw_parts_mut(pin.address(), self.len) },
            Err(_) => &mut [],
        }
    }

    /// Makes the mapping surviving, or ends that. If an access through the address of a surviving mapping raises SIGBUS, a
    /// zeroed page replaces the lost one, the access continues, and the next call on the mapping returns
    /// [`ErrorKind::Lost`](super::ErrorKind::Lost), once. For code that uses [`Mapping::as_ptr`]; calls return an error in any
    /// case.
    ///
    /// ```
    /// let text = mmap_wrap::Mapping::open("Cargo.toml")?;
    /// if let Err(error) = text.survive(true) {
    ///     println!("{error}");    // SIGBUS has another handler
    /// }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn survive(&self, surviving: bool) -> Result<()> {
        registry::survive(self.handle, surviving).map_err(Error::in_operation("survive"))
    }
}

fn found(result: crate::error::Result<usize>) -> crate::error::Result<Option<usize>> {
    match result {
        Ok(offset) => Ok(Some(offset)),
        Err(error) if *error == CoreError::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
