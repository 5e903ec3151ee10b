//! A mapping as a stream of bytes.

use super::{Mapping, number};
use std::borrow::Borrow;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// A position in a mapping, for code that reads or writes streams. `M` is a `&Mapping`, a `Mapping`, an `Arc<Mapping>`.
///
/// ```
/// use mmap_wrap::{Cursor, Mapping};
/// use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
/// let memory = Mapping::anonymous(100)?;
/// let mut cursor = Cursor::new(&memory);
/// writeln!(cursor, "a line of {} words", 5)?;
/// cursor.seek(SeekFrom::Start(2))?;
/// let mut word = [0; 4];
/// cursor.read_exact(&mut word)?;
/// assert_eq!(&word, b"line");
///
/// let text = Cursor::new(Mapping::open("Cargo.toml")?);
/// assert_eq!(BufReader::new(text).lines().next().unwrap()?, "[package]");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Cursor<M> {
    mapping: M,
    position: u64,
}

impl<M: Borrow<Mapping>> Cursor<M> {
    /// A cursor at the first byte.
    ///
    /// ```
    /// let cursor = mmap_wrap::Cursor::new(mmap_wrap::Mapping::anonymous(100)?);
    /// assert_eq!(cursor.position(), 0);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn new(mapping: M) -> Cursor<M> {
        Cursor { mapping, position: 0 }
    }

    /// The offset of the next byte; it may lie beyond the mapping.
    ///
    /// ```
    /// # use std::io::Read;
    /// let mut cursor = mmap_wrap::Cursor::new(mmap_wrap::Mapping::anonymous(100)?);
    /// cursor.read_exact(&mut [0; 10])?;
    /// assert_eq!(cursor.position(), 10);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The mapping.
    ///
    /// ```
    /// let cursor = mmap_wrap::Cursor::new(mmap_wrap::Mapping::anonymous(100)?);
    /// assert_eq!(cursor.into_inner().len(), 100);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn into_inner(self) -> M {
        self.mapping
    }

    /// The offset of a transfer of up to `size` bytes, and how many bytes are left for it.
    fn next(&self, size: usize) -> (usize, usize) {
        let len = self.mapping.borrow().len();
        let start = usize::try_from(self.position).map_or(len, |position| position.min(len));
        (start, size.min(len - start))
    }

    fn advance(&mut self, size: usize) -> usize {
        self.position += size as u64;
        size
    }
}

impl<M: Borrow<Mapping>> Read for Cursor<M> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let (start, size) = self.next(to.len());
        self.mapping.borrow().read(start, &mut to[..size])?;
        Ok(self.advance(size))
    }

    fn read_to_end(&mut self, to: &mut Vec<u8>) -> io::Result<usize> {
        let (start, size) = self.next(usize::MAX);
        let bytes = self.mapping.borrow().read_to_vec(start..start + size)?;
        if to.is_empty() {
            *to = bytes;
        } else {
            to.try_reserve(size)?;
            to.extend_from_slice(&bytes);
        }
        Ok(self.advance(size))
    }
}

/// The mapping does not grow: at its end nothing is written.
impl<M: Borrow<Mapping>> Write for Cursor<M> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let (start, size) = self.next(from.len());
        self.mapping.borrow().write(start, &from[..size])?;
        Ok(self.advance(size))
    }

    /// Does nothing: what was written is in the mapping. [`Mapping::sync`] writes it to the file.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<M: Borrow<Mapping>> Seek for Cursor<M> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(position) => (position, 0),
            SeekFrom::Current(by) => (self.position, by),
            SeekFrom::End(by) => (number(self.mapping.borrow().len()).unsigned_abs(), by),
        };
        self.position = from.checked_add_signed(by).ok_or_else(|| {
            let text = format!("seek: {by} bytes from offset {from} is before the start or beyond the largest offset");
            io::Error::new(io::ErrorKind::InvalidInput, text)
        })?;
        Ok(self.position)
    }
}
