//! Elements: one number at any offset, in either byte order.

use super::{Mapping, Result, number};
use crate::mapping::*;

/// A number in a mapping: an integer of 8 to 64 bits, or a float.
///
/// ```
/// fn sum<T: mmap_wrap::Element + Into<f64>>(mapping: &mmap_wrap::Mapping) -> mmap_wrap::Result<f64> {
///     (0..mapping.len() / size_of::<T>()).map(|i| Ok(mapping.get::<T>(i * size_of::<T>())?.into())).sum()
/// }
/// let numbers = mmap_wrap::Mapping::anonymous(16)?;
/// numbers.put(4, 1.5_f32)?;
/// assert_eq!(sum::<f32>(&numbers)?, 1.5);
/// # Ok::<(), mmap_wrap::Error>(())
/// ```
pub trait Element: Copy + sealed::Number {}

pub(super) mod sealed {
    /// Conversion to and from bits.
    pub trait Number {
        /// One of the MMAP_WRAP_ kinds.
        const KIND: i64;
        fn from_bits_of_64(bits: u64) -> Self;
        fn to_bits_of_64(self) -> u64;
    }
}

macro_rules! elements {
    ($($type:ident $bits:ident $kind:ident;)*) => {
        $(impl sealed::Number for $type {
            const KIND: i64 = $kind;

            #[inline]
            #[allow(clippy::cast_possible_truncation, reason = "the low bits are the number's")]
            fn from_bits_of_64(bits: u64) -> Self {
                $type::from_ne_bytes((bits as $bits).to_ne_bytes())
            }

            #[inline]
            fn to_bits_of_64(self) -> u64 {
                $bits::from_ne_bytes(self.to_ne_bytes()).into()
            }
        }

        impl Element for $type {})*
    };
}

elements! {
    u8 u8 MMAP_WRAP_U8;
    i8 u8 MMAP_WRAP_I8;
    u16 u16 MMAP_WRAP_U16;
    i16 u16 MMAP_WRAP_I16;
    u32 u32 MMAP_WRAP_U32;
    i32 u32 MMAP_WRAP_I32;
    u64 u64 MMAP_WRAP_U64;
    i64 u64 MMAP_WRAP_I64;
    f32 u32 MMAP_WRAP_F32;
    f64 u64 MMAP_WRAP_F64;
}

impl Mapping {
    /// The number at `offset`, which need not be aligned. If its address is a multiple of its size, it is read by one access, as
    /// device registers require, unless the kernel does the access ([`verify_handlers`](crate::verify_handlers)).
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(100)?;
    /// memory.put(7, -2_i16)?;
    /// assert_eq!(memory.get::<i16>(7)?, -2);
    /// assert_eq!(memory.get::<u16>(7)?, 65534);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    #[inline]
    pub fn get<T: Element>(&self, offset: usize) -> Result<T> {
        self.get_as("get", T::KIND, offset)
    }

    /// Like [`Mapping::get`], for a little-endian number.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(100)?;
    /// memory.write(7, &[1, 2])?;
    /// assert_eq!(memory.get_le::<u16>(7)?, 0x0201);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    #[inline]
    pub fn get_le<T: Element>(&self, offset: usize) -> Result<T> {
        self.get_as("get_le", T::KIND | MMAP_WRAP_LITTLE_ENDIAN, offset)
    }

    /// Like [`Mapping::get`], for a big-endian number.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(100)?;
    /// memory.write(7, &[1, 2])?;
    /// assert_eq!(memory.get_be::<u16>(7)?, 0x0102);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    #[inline]
    pub fn get_be<T: Element>(&self, offset: usize) -> Result<T> {
        self.get_as("get_be", T::KIND | MMAP_WRAP_BIG_ENDIAN, offset)
    }

    /// Writes the number at `offset`, which need not be aligned; by one access, as [`Mapping::get`] reads it.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(100)?;
    /// memory.put(8, 0.1)?;
    /// assert_eq!(memory.get::<f64>(8)?, 0.1);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    #[inline]
    pub fn put<T: Element>(&self, offset: usize, value: T) -> Result<()> {
        self.put_as("put", T::KIND, offset, value)
    }

    /// Like [`Mapping::put`], for a little-endian number.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(100)?;
    /// memory.put_le(0, 0x0201_u16)?;
    /// assert_eq!(memory.read_to_vec(..2)?, [1, 2]);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    #[inline]
    pub fn put_le<T: Element>(&self, offset: usize, value: T) -> Result<()> {
        self.put_as("put_le", T::KIND | MMAP_WRAP_LITTLE_ENDIAN, offset, value)
    }

    /// Like [`Mapping::put`], for a big-endian number.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(100)?;
    /// memory.put_be(0, 0x0102_u16)?;
    /// assert_eq!(memory.read_to_vec(..2)?, [1, 2]);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    #[inline]
    pub fn put_be<T: Element>(&self, offset: usize, value: T) -> Result<()> {
        self.put_as("put_be", T::KIND | MMAP_WRAP_BIG_ENDIAN, offset, value)
    }

    #[inline(always)]
    fn get_as<T: Element>(&self, operation: &'static str, kind: i64, offset: usize) -> Result<T> {
        self.with(operation, |core| core.get(ElementKind::new(kind)?, number(offset)).map(T::from_bits_of_64))
    }

    #[inline(always)]
    fn put_as<T: Element>(&self, operation: &'static str, kind: i64, offset: usize, value: T) -> Result<()> {
        self.with(operation, |core| core.put(ElementKind::new(kind)?, number(offset), value.to_bits_of_64()))
    }
}
